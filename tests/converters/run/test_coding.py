"""Coding of adverse events with the user's dictionary file."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from fhir2cdisc.converters.run.coding import DictionaryError, code_events

CSV = "TERM,AEDECOD,AEBODSYS,AEPTCD\nfelt sick,Invented nausea,Invented gut,101\nrash,Invented rash,Invented skin,\n"


def events(*rows: tuple[str, str]) -> dict[str, pd.DataFrame]:
    frame = pd.DataFrame(rows, columns=["AETERM", "AEDECOD"], dtype=object)
    frame["STUDYID"], frame["DOMAIN"], frame["USUBJID"] = "S", "AE", "S-1"
    return {"AE": frame.assign(AESEQ=[float(n + 1) for n in range(len(frame))])}


@pytest.mark.parametrize(
    ("term", "before", "after", "system"),
    [
        ("Felt  SICK", "Felt  SICK", "Invented nausea", "Invented gut"),  # case and spacing do not matter
        ("rash", "Source's own code", "Source's own code", ""),  # what the source coded stays
        ("headache", "headache", "headache", ""),  # not in the dictionary: as it was
    ],
)
def test_a_dictionary_codes_what_the_source_did_not(
    tmp_path: Path, term: str, before: str, after: str, system: str
) -> None:
    path = tmp_path / "dictionary.csv"
    path.write_text(CSV, encoding="utf-8")
    frames = events((term, before))
    code_events(frames, path)
    row = frames["AE"].iloc[0]
    assert (row["AEDECOD"], row.get("AEBODSYS", "")) == (after, system)


def test_a_term_without_an_entry_is_a_finding_with_its_record(tmp_path: Path) -> None:
    path = tmp_path / "dictionary.csv"
    path.write_text(CSV, encoding="utf-8")
    frames = events(("rash", "rash"), ("headache", "headache"))
    found = code_events(frames, path)
    assert found["MESSAGE"].tolist() == ["AETERM: AE/2: headache is not in the dictionary, so it stays uncoded"]
    assert frames["AE"]["AEBODSYS"].tolist() == ["Invented skin", ""]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("TERM,AEDECOD\nrash,Rash\n", "column AEBODSYS is missing"),
        ("TERM,AEDECOD,AEBODSYS\nrash,A,B\nRASH,C,B\n", "rash is coded in two ways"),
    ],
)
def test_a_wrong_dictionary_is_refused_in_one_sentence(tmp_path: Path, content: str, says: str) -> None:
    path = tmp_path / "dictionary.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(DictionaryError, match=says):
        code_events(events(("rash", "rash")), path)
