"""Rows, columns and cells of every sample add up: nothing is read that is not mapped, not needed or rejected."""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path

import pytest
from fhir2cdisc.converters.extracts.account import column_table
from fhir2cdisc.converters.extracts.bind import silent
from fhir2cdisc.converters.run.pipeline import RunOptions, SdtmRun, build_sdtm
from fhir2cdisc.mappings.study import Study
from support.others import others

MAPPINGS = Path(__file__).parent / "mappings"
STUDY = Study.model_validate({"id": "own", "studyid": "01", "title": "Extracts"})
SAMPLES = [
    ("cbioportal_like", "cbioportal"),
    ("edc_cdash_360i", "cdash-360i"),
    ("edc_cdash_360i", "cdash"),
    ("edc_csv", "edc-csv"),
    ("edc_rave_oak", "rave-cm-vs"),
    ("mcode_csv", "mcode-csv"),
    ("odm_openedc", "odm-openedc"),
    ("odm_rave", "odm"),
    ("odm_v2", "odm-race"),
    ("omop_synthea27", "omop"),
    ("recist_cn_wide", "cn-recist"),
    ("redcap_recist", "redcap-recist"),
    ("redcap_small", "redcap-small"),
]


@cache
def made(folder: Path, mapping: str) -> SdtmRun:
    own = MAPPINGS / f"{mapping}.toml"
    return build_sdtm([folder], STUDY, RunOptions(extracts=(str(own) if own.exists() else mapping,)))


@pytest.mark.parametrize(("folder", "mapping"), SAMPLES)
def test_rows_that_are_read_are_mapped_not_needed_or_rejected(folder: str, mapping: str) -> None:
    """The rows of each table, counted again in its files, against the accounts; each row is booked once."""
    run = made(others("data", "raw", folder), mapping)
    assert run.prepared.bound
    read: Counter[str] = Counter()
    for bound in run.prepared.bound:
        read[bound.kind] += sum(1 for _ in bound.open(silent).rows)
    booked: Counter[str] = Counter()
    for (kind, outcome, reason), count in run.accounts.counts.items():
        if kind in read:
            assert outcome in ("mapped", "not needed", "rejected") and (outcome == "mapped") == (not reason)
            booked[kind] += count
    assert booked == +read
    places = [(file, line) for file, line, _, kind, *_ in run.accounts.rows if kind in read]
    assert len(places) == len(set(places)) == read.total()


@pytest.mark.parametrize(("folder", "mapping"), SAMPLES)
def test_columns_are_used_not_needed_empty_or_named_in_a_finding(folder: str, mapping: str) -> None:
    """Filled cells, counted again, against the accounts; what records took is no more than what is there."""
    run = made(others("data", "raw", folder), mapping)
    table = column_table(run.accounts).set_index(["FILE", "HEADING"])
    wanted = {(bound.name, heading) for bound in run.prepared.bound for heading in bound.headings}
    assert table.index.is_unique and set(table.index) == wanted
    for bound in run.prepared.bound:
        filled: Counter[str] = Counter()
        for row in bound.open(silent).rows:
            filled.update(bound.headings[n] for n in row.cells if n < len(bound.headings))
        assert {name: table.loc[(bound.name, name), "FILLED"] for name in filled} == dict(filled)
    assert (table["TAKEN"] <= table["FILLED"]).all()
    assert set(table["USE"]) <= {"used", "not needed", "unmapped", "empty"}
    assert (table.loc[table["USE"] == "not needed", "REASON"] != "").all()
    said = Counter(one.rule for one in run.accounts.findings if one.rule in ("column.unmapped", "column.partly"))
    partly = (table["USE"] == "used") & (table["TAKEN"] < table["FILLED"])
    wrong = {"column.unmapped": int((table["USE"] == "unmapped").sum()), "column.partly": int(partly.sum())}
    assert said == +Counter(wrong)
