"""Whole runs and the clock: impossible dates, the last day in the manifest, medians that hang on unsettled records."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from fhir2cdisc.converters.formats.folder import read_folder
from support.command import call, fhir2cdisc

STUDY = 'id = "s"\nstudyid = "S"\ntitle = "S"\n[cohort]\nmembership = "all"\n'


def of(who: str, kind: str, name: str, **more: Any) -> dict[str, Any]:
    subject = {} if kind == "Patient" else {"subject": {"reference": f"Patient/{who}"}, "status": "completed"}
    return {"resourceType": kind, "id": name, **subject, **more}


def dose(who: str, name: str, when: str) -> dict[str, Any]:
    drug = {"medicationCodeableConcept": {"text": "Docetaxel"}}
    return of(who, "MedicationAdministration", name, effectiveDateTime=when, **drug)


def run(folder: Path, files: dict[str, list[dict[str, Any]]], *words: str, study: str = STUDY) -> tuple[str, Path]:
    source, out = folder / "source", folder / "out"
    source.mkdir(exist_ok=True)
    for name, resources in files.items():
        (source / name).write_text("\n".join(map(json.dumps, resources)) + "\n", encoding="utf-8")
    (folder / "s.toml").write_text(study)
    return fhir2cdisc("run", source, "--study", folder / "s.toml", "--out", out, "--replace", *words), out


def found(out: Path) -> list[dict[str, str]]:
    with (out / "findings" / "findings.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def manifest(out: Path) -> Any:
    return json.loads((out / "manifest.json").read_text(encoding="utf-8"))["options"]["last_day"]


EXTREME = [
    of("p", "Patient", "p", birthDate="0001-01-01", deceasedDateTime="9999-12-31"),
    dose("p", "p1", "2020-01-01"),
    dose("p", "p2", "2300-01-01"),
    of("q", "Patient", "q", birthDate="1960-02-02", deceasedDateTime="2020-03-01"),
    dose("q", "q1", "2020-01-01"),
]


def test_dates_at_the_ends_of_the_calendar_are_said_and_the_run_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1719792000")
    said, out = run(tmp_path, {"a.ndjson": EXTREME})
    frames, _ = read_folder(out / "adam", "adam")
    adsl = frames["ADSL"].sort_values("AGE", na_position="first")
    assert adsl["AGE"].isna().tolist() == [True, False] and adsl["AGE"].tolist()[1] == 59
    assert adsl["DTHDT"].isna().tolist() == [True, False] and adsl["DTHFL"].tolist() == ["Y", "Y"]
    assert adsl["TRTEDT"].astype(str).tolist() == adsl["TRTSDT"].astype(str).tolist()
    one, other = adsl["USUBJID"]
    rules = {(row["rule"], row["variable"]) for row in found(out) if row["usubjid"] == one}
    assert {
        ("adam.date in the future", "DM.DTHDTC"),
        ("adam.date in the future", "EX.EXSTDTC"),
        ("adam.date out of range", "DM.BRTHDTC"),
        ("age.impossible", "AGE"),
        ("death.future", "DTHDTC"),
    } <= rules
    assert not [row for row in found(out) if row["usubjid"] == other and row["severity"] != "info"]
    os = frames["ADTTE"][frames["ADTTE"]["PARAMCD"] == "OS"].set_index("USUBJID")
    assert (os.loc[other, "AVAL"], os.loc[other, "CNSR"]) == (61, 0)  # 2020-01-01 is day 1, February has 29
    assert os.loc[one, "CNSR"] == 9
    # DTHDTC and the disposition that it makes, and both dates of the dose.
    assert "Last day: 4 dates of 1 subjects are after 2024-07-01 (the day of the run)" in said
    assert manifest(out) == {"by": "the day of the run", "day": "2024-07-01"}


def test_the_day_of_the_run_is_in_no_package_that_it_did_not_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1719792000")
    _, out = run(tmp_path, {"a.ndjson": EXTREME[3:]})
    first = (out / "manifest.json").read_bytes()
    assert manifest(out) == {"by": "the day of the run"}
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1719892800")
    _, out = run(tmp_path, {"a.ndjson": EXTREME[3:]})
    assert (out / "manifest.json").read_bytes() == first


def test_a_date_after_the_export_is_no_event_and_no_contact(tmp_path: Path) -> None:
    meta = {"meta": {"lastUpdated": "2020-06-30T09:00:00Z"}}
    read = [{**one, **meta} for one in [*EXTREME[3:], dose("q", "q2", "2020-07-02")]]
    read[0]["deceasedDateTime"] = "2020-07-01"
    said, out = run(tmp_path, {"a.ndjson": read})
    assert manifest(out) == {"by": "the newest update that the data state", "day": "2020-06-30"}
    frames, _ = read_folder(out / "adam", "adam")
    adsl = frames["ADSL"].iloc[0]
    assert (str(adsl["LSTALVDT"])[:10], adsl["DTHFL"]) == ("2020-01-01", "Y")
    assert "2020-06-30 (the newest update that the data state)" in said
    named = {row["variable"] for row in found(out) if row["rule"] == "adam.date in the future" and row["usubjid"]}
    # The records themselves, and the reference dates that SDTM makes of them.
    assert {"DM.DTHDTC", "DS.DSSTDTC", "EX.EXSTDTC", "EX.EXENDTC"} <= named
    assert all(one.startswith(("DM.RF", "DM.DTHDTC", "DS.", "EX.")) for one in named)
    # A later day in the study file opens the door again.
    _, out = run(tmp_path, {"a.ndjson": read}, study=STUDY + '[clock]\nlatest = "2020-12-31"\n')
    assert manifest(out) == {"by": "[clock] latest", "day": "2020-12-31"}
    assert not [row for row in found(out) if row["rule"] == "adam.date in the future"]


def test_plain_sdtm_is_cut_at_the_cut_off_else_at_the_day_of_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1719792000")
    _, out = run(tmp_path, {"a.ndjson": EXTREME[3:]})
    for cutoff, last in (
        ("", {"by": "the day of the run"}),
        ('cutoff = "2020-02-01"\n', {"by": "the data cut-off", "day": "2020-02-01"}),
    ):
        (tmp_path / "s.toml").write_text(cutoff + STUDY)
        fhir2cdisc("adam", out / "sdtm", "--study", tmp_path / "s.toml", "--out", tmp_path / "adam", "--replace")
        assert manifest(tmp_path / "adam") == last


# Two deliveries of each of three patients without meta: nothing says which death is right.
EARLY, LATE = "2020-01-31", "2020-12-31"


def deliveries(*differ: str) -> dict[str, list[dict[str, Any]]]:
    made: dict[str, list[dict[str, Any]]] = {"1.ndjson": [], "2.ndjson": []}
    for who in "pqr":
        for file, died in zip(made, (EARLY, LATE if who in differ else EARLY), strict=True):
            made[file] += [
                of(who, "Patient", who, deceasedDateTime=died),
                dose(who, f"{who}1", "2020-01-01"),
            ]
    return made


@pytest.mark.parametrize("differ", ["pq", "p", ""])
def test_a_median_that_hangs_on_which_delivery_counts_is_a_tripwire(tmp_path: Path, differ: str) -> None:
    files = deliveries(*differ)
    said, out = run(tmp_path, files)
    frames, _ = read_folder(out / "adam", "adam")
    os = frames["ADTTE"][frames["ADTTE"]["PARAMCD"] == "OS"]
    # Days from 2020-01-01, which is day 1; the median of three is the second. With two late deaths it is 366 days.
    assert sorted(os["AVAL"]) == sorted(366 if who in differ else 31 for who in "pqr")
    signs = [row for row in found(out) if row["rule"] == "tripwire.unsettled records"]
    moved = set(os.loc[os["AVAL"] == 366, "USUBJID"]) if differ == "pq" else set()
    assert {row["usubjid"] for row in signs if "median of OS is" in row["message"]} == moved
    assert ("tripwire.unsettled records" in said) is bool(moved)
    if moved:
        (words,) = {row["message"] for row in signs if "median of OS is" in row["message"]}
        assert "12.0 months" in words and "1.0 months" in words
        assert "366 days to the event, or 31 days to the event" in words
        # Whatever the files are called, the same counts and the same is said.
        turned, _ = run(tmp_path, {"2.ndjson": files["1.ndjson"], "1.ndjson": files["2.ndjson"]})
        assert turned == said


@pytest.mark.parametrize("cutoff", ["9999-12-31", "2262-01-01", "0001-01-01"])
def test_the_simulator_refuses_a_data_cut_that_no_dataset_holds(tmp_path: Path, cutoff: str) -> None:
    done = call("simulate", "hepatobiliary-rws", "--patients", 1, "--cutoff", cutoff, "--out", tmp_path / "s")
    assert done.exit_code == 1 and not (tmp_path / "s").exists()
    assert f"data cut: '{cutoff}' is not a day from 1678-01-01 to 2261-12-31" in done.output


def test_the_last_day_of_a_dataset_is_a_data_cut(tmp_path: Path) -> None:
    fhir2cdisc("simulate", "hepatobiliary-rws", "--patients", 1, "--cutoff", "2261-12-31", "--out", tmp_path / "s")
