"""The draft of a mapping on other people's extracts: what is sure is right, and how good the guesses are."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from shutil import copy

import pandas as pd
import pytest
from fhir2cdisc.converters.extracts.draft import draft
from fhir2cdisc.converters.extracts.sheets import read_sheets
from fhir2cdisc.mappings.extract_model import Reading, load_extract
from fhir2cdisc.mappings.model import builtin_terminology
from fhir2cdisc.sdtm.cells.verbs import RowCells, compile_cells
from fhir2cdisc.sdtm.draft.profile import NOTHING, Column, formats_of
from fhir2cdisc.sdtm.draft.propose import Proposal, domain_of, propose
from support.others import others
from support.paths import ROOT

TEXT = (ROOT / "docs" / "extracts.md").read_text(encoding="utf-8")
FOLDERS = ("edc_cdash_360i", "edc_csv", "edc_rave_oak")
# Texts that each sponsor writes in its own case, and 11 dates that are cut to the year in the export of `edc_csv`.
_ANY_CASE = ("AETERM", "CMTRT", "MHTERM")
_CUT = ("edc_csv", "AESTDTC")


@dataclass
class Score:
    """How many proposals fit what the extract must become; `open` are those of which nobody has written that down."""

    plain_right: int = 0
    plain_wrong: int = 0
    guess_right: int = 0
    guess_wrong: int = 0
    open: int = 0


def expected(folder: Path, domain: str) -> pd.DataFrame | None:
    """The SDTM of a domain that somebody else made from the same extract."""
    if folder.name == "edc_csv":
        return pd.read_parquet(others("data", "sdtm", f"{domain.lower()}.parquet"))
    path = folder / f"expected_{domain}.csv"
    return pd.read_csv(path, dtype=str, keep_default_na=False) if path.exists() else None


def values(one: Proposal, columns: dict[str, Column], reading: Reading) -> Counter[str]:
    """What the line of a proposal gives, by value; no date of the samples has its time in another column."""
    verb = compile_cells(one.variable, one.spec, builtin_terminology(), reading)
    found: Counter[str] = Counter()
    for text, count in columns[one.column].values.items():
        if text not in reading.missing:
            found[shown(verb(RowCells({one.column: text}), lambda *_: None))] += count
    found.pop("", None)
    return found


def shown(value: object) -> str:
    if isinstance(value, float):
        return "" if pd.isna(value) else f"{value:.15g}"
    return "" if value is None else str(value).strip()


def fits(one: Proposal, mine: Counter[str], wanted: pd.DataFrame, folder: str) -> bool:
    theirs = Counter(shown(value) for value in wanted[one.variable])
    if one.variable in _ANY_CASE:
        mine, theirs = (Counter({k.upper(): n for k, n in some.items()}) for some in (mine, theirs))
    if (folder, one.variable) == _CUT:
        mine = Counter({text: n for text, n in mine.items() if len(text) > len("2012")})
    return bool(mine) and not mine - theirs


def scored(name: str) -> tuple[Score, list[str]]:
    folder, score, wrong = others("data", "raw", name), Score(), []
    sheets = [one for one in read_sheets([folder], wrong.append) if not one.file.startswith("expected_")]
    every = [column for sheet in sheets for column in sheet.columns]
    dates, undecided = formats_of(every)
    reading = Reading(dates=dates, missing=NOTHING)
    for sheet in sheets:
        domain, sure = domain_of(sheet)
        wanted = expected(folder, domain)
        columns = {column.name: column for column in sheet.columns}
        for one in propose(sheet, domain, sure, reading, undecided):
            if wanted is None or one.variable not in wanted or not any(map(shown, wanted[one.variable])):
                score.open += 1
                continue
            right = fits(one, values(one, columns, reading), wanted, name)
            kind = ("plain" if one.sure else "guess") + ("_right" if right else "_wrong")
            setattr(score, kind, getattr(score, kind) + 1)
            if one.sure and not right:
                wrong.append(f"{domain}.{one.variable} from {one.column}")
    return score, wrong


@pytest.mark.parametrize("name", FOLDERS)
def test_no_plain_line_is_wrong_and_the_manual_has_the_score(name: str) -> None:
    score, wrong = scored(name)
    assert wrong == [] and score.plain_wrong == 0
    row = f"| `{name}` | {score.plain_right} | 0 | {score.guess_right} | {score.guess_wrong} | {score.open} |"
    assert row in TEXT, row


@pytest.mark.parametrize(
    ("folder", "name"),
    [("redcap_recist", "redcap-recist"), ("recist_cn_wide", "cn-recist"), ("omop_synthea27", "omop")],
)
def test_the_draft_says_which_built_in_mapping_an_extract_looks_like(folder: str, name: str) -> None:
    text = draft(read_sheets([others("data", "raw", folder)], lambda _: None))
    assert re.search(rf"^# .* try --extract {name} first\.$", text, re.MULTILINE)


@pytest.mark.parametrize(
    "folder",
    ["cbioportal_like", "edc_csv", "mcode_csv", "omop_synthea27", "recist_cn_wide", "redcap_recist", "redcap_small"],
)
def test_every_draft_is_a_mapping_that_loads_and_is_the_same_again(folder: str, tmp_path: Path) -> None:
    source = others("data", "raw", folder)
    text = draft(read_sheets([source], lambda _: None))
    (tmp_path / "draft.toml").write_text(text, encoding="utf-8")
    load_extract(str(tmp_path / "draft.toml"))
    if all(one.is_file() for one in source.iterdir()):
        (tmp_path / "again").mkdir()
        for path in sorted(source.iterdir(), reverse=True):
            copy(path, tmp_path / "again" / path.name)
        assert draft(read_sheets([tmp_path / "again"], lambda _: None)) == text
