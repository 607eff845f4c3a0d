"""A table of last contacts or deaths beside FHIR: survival changes as it should, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from fhir2cdisc.adam.build import build_adam
from fhir2cdisc.converters.extracts.link import by_number, subject_key
from fhir2cdisc.converters.run.pipeline import RunOptions, SdtmRun, build_sdtm
from fhir2cdisc.fhir.identity import Identities, Person
from fhir2cdisc.fhir.records import Place
from fhir2cdisc.fhir.servers import resource_key
from fhir2cdisc.fhir.simulation.simulate import Order, simulate
from fhir2cdisc.mappings.study import load_study

STUDY = load_study("lenvatinib-pembrolizumab")
MAPPING = """
extract = "contact"
read = { dates = ["DD.MM.YYYY"] }
subjects = "known"
[[table]]
name = "contact"
file = "contact.csv"
subject = "NO"
[[source]]
domain = "SS"
name = "contact"
table = "contact"
where = "LAST.exists()"
[source.variables]
SSTESTCD = { value = "SURVSTAT" }
SSTEST = { value = "Survival Status" }
SSORRES = { value = "ALIVE" }
SSDTC = { column = "LAST", as = "dtc" }
[[source]]
domain = "DM"
name = "death"
table = "contact"
adds = true
where = "DIED.exists()"
[source.variables]
DTHFL = { value = "Y" }
DTHDTC = { column = "DIED", as = "dtc" }
"""
Frames = dict[str, pd.DataFrame]


@pytest.fixture(scope="module")
def fhir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six synthetic subjects at a data cut at which four of them live."""
    folder = tmp_path_factory.mktemp("cut") / "simulated"
    simulate(Order(STUDY, 1, 6, "2020-05-01"), folder)
    return folder / "fhir"


@pytest.fixture(scope="module")
def alone(fhir: Path) -> Frames:
    return build_adam(build_sdtm([fhir], STUDY).sdtm.frames, STUDY).frames


def with_table(fhir: Path, folder: Path, text: str) -> tuple[SdtmRun, Frames]:
    (folder / "extract").mkdir()
    (folder / "extract" / "contact.csv").write_text(text, encoding="utf-8")
    (folder / "mapping.toml").write_text(MAPPING, encoding="utf-8")
    run = build_sdtm([fhir, folder / "extract"], STUDY, RunOptions(extracts=(str(folder / "mapping.toml"),)))
    return run, build_adam(run.sdtm.frames, STUDY).frames


def changed(before: Frames, after: Frames) -> dict[tuple[str, str, str], set[Any]]:
    """(dataset, parameter, variable) to the subjects whose values differ; both have the same records."""
    found: dict[tuple[str, str, str], set[Any]] = {}
    for name, one in before.items():
        other = after[name]
        keys = [key for key in ("USUBJID", "PARAMCD", "AESEQ", "ASEQ") if key in one]
        assert one[keys].equals(other[keys])
        for variable in one:
            same = (one[variable] == other[variable]) | (one[variable].isna() & other[variable].isna())
            for row in one[~same].to_dict("records"):
                found.setdefault((name, row.get("PARAMCD", ""), str(variable)), set()).add(row["USUBJID"])
    return found


def living(adam: Frames) -> pd.Series:
    adsl = adam["ADSL"]
    return adsl[adsl["DTHDT"].isna()].iloc[0]


def test_a_later_contact_changes_the_censoring_of_survival_alone(fhir: Path, alone: Frames, tmp_path: Path) -> None:
    who = living(alone)
    _, after = with_table(fhir, tmp_path, f"NO,LAST,DIED\n{who['SUBJID']},20.05.2020,\n")
    differ = changed(alone, after)
    assert set().union(*differ.values()) == {who["USUBJID"]}
    last = {("ADSL", "", name) for name in ("LSTALVDT", "LALVVAR", "LALVSEQ")} | {("ADAE", "", "LSTALVDT")}
    assert set(differ) == last | {("ADTTE", "OS", name) for name in ("ADT", "AVAL", "WHY")}
    adtte = after["ADTTE"]
    os = adtte[(adtte["USUBJID"] == who["USUBJID"]) & (adtte["PARAMCD"] == "OS")].iloc[0]
    days = (pd.Timestamp("2020-05-20") - who["TRTSDT"]).days + 1
    assert (os["ADT"], os["CNSR"], os["AVAL"]) == (pd.Timestamp("2020-05-20"), 1, days)


def test_an_earlier_contact_changes_nothing(fhir: Path, alone: Frames, tmp_path: Path) -> None:
    _, after = with_table(fhir, tmp_path, f"NO,LAST,DIED\n{living(alone)['SUBJID']},01.01.2020,\n")
    assert changed(alone, after) == {}


def test_a_death_is_an_event_of_survival_and_of_no_other_subject(fhir: Path, alone: Frames, tmp_path: Path) -> None:
    who = living(alone)
    _, after = with_table(fhir, tmp_path, f"NO,LAST,DIED\n{who['SUBJID']},,19.05.2020\n")
    assert set().union(*changed(alone, after).values()) == {who["USUBJID"]}
    adtte = after["ADTTE"]
    mine = adtte[adtte["USUBJID"] == who["USUBJID"]].set_index("PARAMCD")
    assert mine.loc[["OS", "PFS"], ["ADT", "CNSR"]].to_numpy().tolist() == [[pd.Timestamp("2020-05-19"), 0]] * 2
    # A death is no progression.
    assert mine.loc["TTP", "CNSR"] == 1


def test_a_number_that_is_a_subject_number_is_the_patient_and_it_is_said(
    fhir: Path, alone: Frames, tmp_path: Path
) -> None:
    run, _ = with_table(fhir, tmp_path, f"NO,LAST,DIED\n{living(alone)['SUBJID']},20.05.2020,\n99,20.05.2020,\n")
    [said] = [one.message for one in run.accounts.findings if one.rule == "link.by-number"]
    assert said.startswith("1 of 2 numbers of the extracts are subject numbers of FHIR Patients")
    rejected = [one for one in run.accounts.findings if one.rule == "subject.unknown"]
    assert [(one.severity, one.line) for one in rejected] == [("error", 3)]


PEOPLE = (
    ("a", (("urn:example:trial", "1"), ("urn:example:hospital", "2"))),
    ("b", (("urn:example:trial", "2"), ("urn:example:hospital", "3"))),
    ("c", (("urn:example:trial", "4"),)),
    ("d", (("urn:example:trial", "4"),)),
)


@pytest.mark.parametrize(
    ("numbers", "joined", "unresolved", "rules"),
    [
        ("1 2", {"1": "a", "2": "b"}, "", ["link.by-number"]),
        ("3", {}, "", ["link.no-patient", "link.not-joined"]),  # a record number of the hospital may be equal by chance
        ("4", {}, "4", ["link.ambiguous"]),
        ("1 3 4", {"1": "a"}, "4", ["link.by-number", "link.ambiguous", "link.no-patient", "link.not-joined"]),
        ("9", {}, "", ["link.no-patient"]),  # perhaps a number that lost its leading zeros
    ],
)
def test_numbers_are_those_of_patients_by_the_systems_that_the_study_names(
    numbers: str, joined: dict[str, str], unresolved: str, rules: list[str]
) -> None:
    people = [Person("", name, Place("f.json"), names=names) for name, names in PEOPLE]
    keys = {subject_key(number) for number in numbers.split()}
    found, findings = by_number(people, Identities(), keys, {"urn:example:trial"})
    assert found.main == {subject_key(n): resource_key("", who) for n, who in joined.items()}
    assert found.unresolved == {subject_key(n) for n in unresolved.split()}
    assert [one.rule for one in findings] == rules


def test_an_extract_alone_has_no_patient_to_lead_to() -> None:
    assert by_number([], Identities(), {subject_key("1")}, set()) == (Identities(), [])
