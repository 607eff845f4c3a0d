"""The compiled shortcuts of the transport file writer: what they fill, and what they leave to the rules in Python."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from fhir2cdisc.converters.ibm_float import LIMIT, SMALLEST, out_of_range, to_ibm
from fhir2cdisc.converters.xpt_fast import Block, empty_block, native
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


def block_of(rows: int) -> Block:
    block = empty_block(rows, np.dtype([("a", "S2"), ("b", "S3"), ("n", ">u8")]))
    block.data[:] = ord("-")
    return block


def test_a_field_is_filled_and_nothing_beside_it() -> None:
    block = block_of(4)
    assert native.put_texts(block.data, *block.place("b"), objects("x", "xyz", "xyz", None))
    native.put_numbers(block.data, block.place("n")[0], block.place("n")[1], np.array([1.0, -118.625]))
    assert [bytes(row.tobytes()) for row in block.records] == [
        b"--x  " + bytes.fromhex("4110000000000000"),
        b"--xyz" + bytes.fromhex("C276A00000000000"),
        b"--xyz--------",
        b"--   --------",
    ]


def test_columns_of_a_wider_array_are_read_with_their_step() -> None:
    block = block_of(2)
    texts, numbers = objects("a", "no", "b", "no")[::2], np.array([1.0, 9.0, 2.0, 9.0])[::2]
    assert native.put_texts(block.data, *block.place("a"), texts)
    native.put_numbers(block.data, block.place("n")[0], block.place("n")[1], numbers)
    assert block.records["a"].tolist() == [b"a ", b"b "]
    assert block.records["n"].tolist() == to_ibm(np.array([1.0, 2.0])).tolist()


@pytest.mark.parametrize("bad", ["abc", "é", 5, Word("a")])
def test_what_is_not_plain_or_too_long_is_left_to_python(bad: Any) -> None:
    block = block_of(2)
    assert not native.put_texts(block.data, *block.place("a"), objects("a", bad))


def test_nothing_is_written_outside_the_block() -> None:
    block, three = block_of(2), objects("a", "b", "c")
    record, position, length = block.place("b")
    for wrong in [
        (record, position, length, three),
        (record, -1, length, three[:2]),
        (record, record - length + 1, length, three[:2]),
        (record, position, 0, three[:2]),
        (0, 0, length, three[:2]),
    ]:
        with pytest.raises(ValueError, match="do not fit the block"):
            native.put_texts(block.data, *wrong)
    with pytest.raises(ValueError, match="do not fit the block"):
        native.put_numbers(block.data, record, 6, np.array([1.0]))
    assert set(block.data.tolist()) == {ord("-")}


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
    held, block = numbers[~outside], empty_block(int((~outside).sum()), np.dtype([("n", ">u8")]))
    native.put_numbers(block.data, 8, 0, held)
    assert block.records["n"].tolist() == to_ibm(held).tolist()


@pytest.mark.parametrize("edge", [math.inf, -math.inf, LIMIT, -LIMIT, math.nextafter(SMALLEST, 0), 5e-324])
def test_one_number_beyond_the_limits_is_seen(edge: float) -> None:
    assert not native.in_range(np.array([1.0, edge]))
