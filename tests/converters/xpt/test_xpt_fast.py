"""The compiled shortcuts of the transport file writer: what they fill, and what they leave to the rules in Python."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from fhir2cdisc.converters.xpt.fast import native, put_rows
from fhir2cdisc.converters.xpt.ibm_float import LIMIT, SMALLEST, from_ibm, out_of_range, to_ibm
from hypothesis import given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.skipif(native is None, reason="the package was installed without a C compiler")


class Word(str):
    """A text of a class of its own."""


def objects(*values: Any) -> Any:
    return np.array([*values, None], dtype=object)[:-1]


@pytest.mark.parametrize(
    ("values", "longest"),
    [
        ((), 0),
        (("",), 0),
        (("a", "bcd", "ef"), 3),
        ((None, math.nan, "ab"), 2),
        (("x" * 300,), 300),
        (("ab", "ab "), -1),  # a blank at the end is cut by the rules in Python
        ((" ",), -1),
        (("a\0b",), -1),
        (("é",), -1),
        (("中",), -1),
        ((5,), -1),
        ((True,), -1),
        ((Word("a"),), -1),
    ],
)
def test_plain_texts_are_measured(values: tuple[Any, ...], longest: int) -> None:
    assert native.longest_text(objects(*values)) == longest


RECORD = np.dtype([("a", "S2"), ("b", "S3"), ("n", ">u8")])


def block_of(rows: int) -> Any:
    block = np.empty(rows, dtype=RECORD)
    block.view(np.uint8)[:] = ord("-")
    return block


def test_fields_are_filled_and_nothing_beside_them() -> None:
    block, rest = block_of(4), block_of(4)
    texts, numbers = objects("x", "xyz", "xyz", None), np.array([1.0, -118.625, np.nan, 0.0])
    assert put_rows(block, {"b": texts, "n": numbers}) == {"b", "n"}
    assert [bytes(row.tobytes()) for row in block] == [
        b"--x  " + bytes.fromhex("4110000000000000"),
        b"--xyz" + bytes.fromhex("C276A00000000000"),
        b"--xyz" + bytes.fromhex("2E00000000000000"),
        b"--   " + bytes.fromhex("0000000000000000"),
    ]
    assert put_rows(rest, {}) == set() and rest.tobytes() == block_of(4).tobytes()


def test_columns_of_a_wider_array_are_read_with_their_step() -> None:
    block = block_of(2)
    texts, numbers = objects("a", "no", "b", "no")[::2], np.array([1.0, 9.0, 2.0, 9.0])[::2]
    assert put_rows(block, {"a": texts, "n": numbers}) == {"a", "n"}
    assert block["a"].tolist() == [b"a ", b"b "]
    assert block["n"].tolist() == to_ibm(np.array([1.0, 2.0])).tolist()


@pytest.mark.parametrize("bad", ["abc", "é", 5, Word("a")])
def test_what_is_not_plain_or_too_long_is_left_to_python_and_the_rest_goes_on(bad: Any) -> None:
    block = block_of(3)
    assert put_rows(block, {"a": objects("a", bad, "c"), "b": objects("d", "e", "f")}) == {"b"}
    assert block["b"].tolist() == [b"d  ", b"e  ", b"f  "]


def test_more_rows_than_are_filled_at_once() -> None:
    rows = 2500
    block, texts = block_of(rows), objects(*(str(i % 7) for i in range(rows)))
    assert put_rows(block, {"a": texts, "n": np.arange(rows, dtype=float)}) == {"a", "n"}
    assert block["a"].tolist() == [f"{i % 7} ".encode() for i in range(rows)]
    assert from_ibm(block["n"].astype(np.uint64)).tolist() == list(range(rows))


def test_nothing_is_written_outside_the_block() -> None:
    block, three = block_of(2), objects("a", "b", "c")
    data, size = block.view(np.uint8), RECORD.itemsize
    for rows, record, fields in [
        (3, size, ((2, 3, three),)),
        (2, size, ((2, 3, three),)),
        (2, size, ((-1, 3, three[:2]),)),
        (2, size, ((size - 2, 3, three[:2]),)),
        (2, size, ((2, 0, three[:2]),)),
        (2, size, ((0, 3, three[:2]), (6, 8, np.array([1.0, 2.0])))),
        (2, size, ((2, 4, np.array([1.0, 2.0])),)),
        (2, size, ((2, 8, np.array([1, 2])),)),
        (2, 0, ((0, 3, three[:2]),)),
        (-1, size, ()),
    ]:
        with pytest.raises(ValueError, match=r"than the block holds|does not fit the records"):
            native.put_rows(data, record, rows, fields)
    with pytest.raises(TypeError):
        native.put_rows(data, size, 2, ((0, "x", three[:2]),))
    assert set(data.tolist()) == {ord("-")}


@pytest.mark.parametrize("wrong", [np.array([1.0]), np.array([["a"]], dtype=object), np.array(["a"]), [1.0], "a"])
def test_other_kinds_of_arrays_are_refused(wrong: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        native.longest_text(wrong)
    with pytest.raises((TypeError, ValueError)):
        native.in_range(np.array([1], dtype=np.int64))


@given(st.lists(st.floats(), max_size=20))
@settings(derandomize=True, deadline=None)
def test_the_range_and_the_words_are_those_of_the_rules(values: list[float]) -> None:
    numbers = np.array([*values, SMALLEST, math.nextafter(LIMIT, 0), 0.0, math.nan])
    outside = out_of_range(numbers)
    assert native.in_range(numbers) == (not outside.any())
    held = numbers[~outside]
    block = np.empty(len(held), dtype=[("n", ">u8")])
    assert put_rows(block, {"n": held}) == {"n"}
    assert block["n"].tolist() == to_ibm(held).tolist()


@pytest.mark.parametrize("edge", [math.inf, -math.inf, LIMIT, -LIMIT, math.nextafter(SMALLEST, 0), 5e-324])
def test_one_number_beyond_the_limits_is_seen(edge: float) -> None:
    assert not native.in_range(np.array([1.0, edge]))
