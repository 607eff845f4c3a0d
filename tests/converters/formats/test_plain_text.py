"""Text and qualifiers as a transport file can hold them."""

from __future__ import annotations

import pandas as pd
import pytest
from fhir2cdisc.converters.formats.long_text import SUPP_COLUMNS, split_long_qualifiers
from fhir2cdisc.converters.formats.plain_text import needed_encoding, plain, plain_frames

PLAIN = [
    ("Müller", "Muller", "letters lose their accent"),
    ("5 µg ≤ 10°C", "5 ug <= 10 degC", "signs with a plain form"),
    ("β-blocker", "beta-blocker", ""),
    ("a\nb", "a b", "lines become one"),
    ("中文", "中文", "no plain form: kept"),
    ("ASCII", "ASCII", ""),
]


@pytest.mark.parametrize(("text", "expected", "why"), PLAIN)
def test_typographic_signs_as_ascii(text: str, expected: str, why: str) -> None:
    assert plain(text) == expected, why


def test_a_frame_is_changed_where_needed_only_and_it_is_said() -> None:
    frame = pd.DataFrame({"A": ["µ", "x", "µ"], "B": ["x", "x", "x"], "N": [1.0, 2.0, 3.0]})
    made, found = plain_frames({"XX": frame})
    assert made["XX"]["A"].tolist() == ["u", "x", "u"]
    assert [(f.variable, f.count) for f in found] == [("XX.A", 2)]
    assert frame["A"].tolist() == ["µ", "x", "µ"], "the frame that was given is left alone"
    assert needed_encoding(made) == "ascii" and needed_encoding({"XX": frame}) == "utf-8"


def test_a_long_qualifier_goes_on_in_records_of_its_own() -> None:
    words = " ".join(["word"] * 100)
    row = ["S", "VS", "S-1", "VSSEQ", "1", "VSTESTFL", "Test Name in Full", words, "CRF", ""]
    short = [*row[:4], "2", *row[5:7], "short", *row[8:]]
    made = split_long_qualifiers(pd.DataFrame([row, short], columns=list(SUPP_COLUMNS)))
    assert made["QNAM"].tolist() == ["VSTESTFL", "VSTESTF1", "VSTESTF2", "VSTESTFL"]
    assert " ".join(made["QVAL"].iloc[:3]) == words
    assert made["QVAL"].str.len().max() <= 200
    assert made["IDVARVAL"].tolist() == ["1", "1", "1", "2"]
