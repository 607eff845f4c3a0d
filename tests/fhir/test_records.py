"""Documents cut into resources: what cannot be cut is one finding with its place, and the rest goes on."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from fhir2cdisc.fhir.findings import Finding
from fhir2cdisc.fhir.records import Aside, Deletion, Record, decode
from fhir2cdisc.fhir.sources import Document
from fhir2cdisc.fhir.split import Item, _Cutter, split
from hypothesis import given, settings
from hypothesis import strategies as st

PATIENT = b'{"resourceType":"Patient","id":"p"}'
DEEP = b'{"resourceType":"Patient","x":' + b"[" * 100_000 + b"]" * 100_000 + b"}"


def cut(folder: Path, content: bytes, name: str = "x.json") -> list[Item]:
    (folder / name).write_bytes(content)
    return list(split(Document(name, str(folder / name))))


def outline(items: list[Item]) -> list[object]:
    """(line, entry) of a record, the rule of a finding."""
    return [i.rule if isinstance(i, Finding) else (i.place.line, i.place.entry) for i in items]


CASES = [
    ("one resource", PATIENT, [(0, -1)]),
    ("byte order mark", b"\xef\xbb\xbf" + PATIENT, [(0, -1)]),
    ("bundle", b'{"resourceType":"Bundle","entry":[{"resource":' + PATIENT + b"}]}", [(0, 0)]),
    ("bundle without entries", b'{"resourceType":"Bundle"}', []),
    (
        "entry without resource",
        b'{"resourceType":"Bundle","entry":[{"fullUrl":"a"}]}',
        ["bundle.entry-empty"],
    ),
    (
        "entry that is no object",
        b'{"resourceType":"Bundle","entry":[5,{"resource":{}}]}',
        ["bundle.entry", (0, 1)],
    ),
    ("truncated bundle", b'{"resourceType":"Bundle","entry":[{"resource":' + PATIENT, ["json.invalid"]),
    ("lines in a json file", PATIENT + b"\n" + PATIENT + b"\n", [(1, -1), (2, -1)]),
    ("no JSON", b"<html>", ["json.invalid"]),
    ("empty", b"", ["json.invalid"]),
    ("a list", b"[1]", ["json.invalid"]),
    ("UTF-16", '{"resourceType":"Patient"}'.encode("utf-16"), ["json.invalid"]),
    ("not UTF-8 in a name", b'{"resourceType":"\xff"}', ["json.invalid"]),
    ("NaN", b'{"resourceType":"Patient","x":NaN}', ["json.nan", (0, -1)]),
    ("nested 100,000 deep", DEEP, ["json.invalid"]),
]


@pytest.mark.parametrize(("case", "content", "expected"), CASES)
def test_what_a_document_is_cut_into(tmp_path: Path, case: str, content: bytes, expected: list[object]) -> None:
    assert outline(cut(tmp_path, content)) == expected


def test_lines_are_numbered_with_blank_ones_and_a_bad_one_does_not_stop_the_rest(tmp_path: Path) -> None:
    content = b"\xef\xbb\xbf" + PATIENT + b"\r\n\r\n   \n{broken\n" + PATIENT
    assert outline(cut(tmp_path, content, "x.ndjson")) == [(1, -1), "json.invalid", (5, -1)]
    assert "x.ndjson line 4: not valid JSON" in next(
        i.message for i in cut(tmp_path, content, "x.ndjson") if isinstance(i, Finding)
    )


def test_the_sentence_names_the_file_and_says_that_it_ends_too_early(tmp_path: Path) -> None:
    (found,) = cut(tmp_path, b'{"resourceType":"Patient"')
    assert isinstance(found, Finding)
    assert found.message.startswith("x.json: not valid JSON:") and "ends too early" in found.message


def test_decimals_keep_their_digits() -> None:
    assert str(decode(b'{"a":1.10}')["a"]) == "1.10"
    assert decode(b'{"a":1e400}')["a"] == Decimal("1e400")


BAD = [
    b'{"a":"\\ud800"}',
    b'{"a":"\xff"}',
    b"[1]",
    b'{"a":' + b"9" * 5000 + b"}",
    b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
]


@pytest.mark.parametrize("raw", BAD, ids=["lone surrogate", "not UTF-8", "a list", "5,000 digits", "deep"])
def test_what_cannot_be_decoded_is_a_sentence_without_content(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r"^not|nested|range") as caught:
        decode(raw)
    assert len(str(caught.value)) < 150


@settings(max_examples=100, derandomize=True, deadline=None)
@given(st.data())
def test_bytes_changed_at_random_never_raise(data: st.DataObject) -> None:
    content = bytearray(b'{"resourceType":"Bundle","entry":[{"fullUrl":"u","resource":' + PATIENT + b"}]}")
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    for line in (0, 1):
        for item in _Cutter("x", line).whole(bytes(content)):
            assert isinstance(item, (Record, Finding, Aside, Deletion))


def test_what_is_null_is_absent() -> None:
    raw = b'{"id":null,"value":{"value":13.5,"comparator":null},"given":[null,"A"],"text":"null"}'
    assert decode(raw) == {"value": {"value": Decimal("13.5")}, "given": ["A"], "text": "null"}


def test_nulls_around_a_resource_are_absent_too(tmp_path: Path) -> None:
    whole = b'{"resourceType":"Bundle","entry":[{"fullUrl":null,"search":null,"resource":' + PATIENT + b"}]}"
    assert outline(cut(tmp_path, whole)) == [(0, 0)]
    empty = b'{"resourceType":"Bundle","entry":[{"resource":null}]}'
    assert outline(cut(tmp_path, empty)) == ["bundle.entry-empty"]
