"""`fhir2cdisc adam` and `results` on SDTM that others wrote: deaths, responses and exposure as they come.

Each situation is one change to a plain study of two subjects; the expected values follow from the dates by hand.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from fhir2cdisc.converters.formats.folder import read_folder
from fhir2cdisc.converters.run.from_adam import make_results
from fhir2cdisc.converters.run.from_sdtm import make_adam
from fhir2cdisc.mappings.study import Study

Frames = dict[str, pd.DataFrame]
Row = dict[str, Any]
STUDY = Study.model_validate(
    {
        "id": "h",
        "studyid": "H",
        "title": "By hand",
        "drugs": [{"name": "LENVATINIB", "terms": ["lenvatinib"]}, {"name": "APATINIB", "terms": ["apatinib"]}],
        "arms": [{"code": "L", "label": "Lenvatinib", "drugs": ["LENVATINIB"]}],
        "endpoints": [{"id": "orr", "title": "ORR", "role": "primary", "kind": "proportion", "paramcd": "CRSP"}],
    }
)
SUBJECTS = ("H-1", "H-2")
SCANS = [(1.0, "2024-02-26", "SD"), (2.0, "2024-04-22", "PR"), (3.0, "2024-06-17", "PR")]
LESIONS = [(0.0, "2023-12-20", 50.0), (1.0, "2024-02-26", 45.0), (2.0, "2024-04-22", 30.0), (3.0, "2024-06-17", 29.0)]


def rows(domain: str, *some: Row) -> pd.DataFrame:
    """Records of both subjects, numbered within each."""
    made = [
        {"STUDYID": "H", "DOMAIN": domain, "USUBJID": who, f"{domain}SEQ": n + 1.0, **one}
        for who in SUBJECTS
        for n, one in enumerate(some)
    ]
    return pd.DataFrame(made)


def plain() -> Frames:
    """Two subjects, enrolled on 10 December 2023, treated from 1 January to 1 July 2024, PR from April on."""
    dm = {"RFSTDTC": "2024-01-01", "RFICDTC": "2023-12-10", "SITEID": "1", "DTHFL": "", "DTHDTC": ""}
    dose = {"EXTRT": "LENVATINIB", "EXDOSE": 8.0, "EXDOSU": "mg", "EXSTDTC": "2024-01-01", "EXENDTC": "2024-07-01"}
    consent = {"DSDECOD": "INFORMED CONSENT OBTAINED", "DSCAT": "PROTOCOL MILESTONE", "DSSTDTC": "2023-12-10"}
    entered = {"DSDECOD": "ENTERED INTO TRIAL", "DSCAT": "PROTOCOL MILESTONE", "DSSTDTC": "2023-12-12"}
    calls = [
        {"VISITNUM": n, "VISIT": f"WEEK {n:g}", "RSDTC": day, "RSSTRESC": call, "RSTESTCD": "OVRLRESP"}
        for n, day, call in SCANS
    ]
    lesion = {
        "TULNKID": "T01",
        "TUTESTCD": "TUMIDENT",
        "TUSTRESC": "TARGET",
        "TUEVAL": "INVESTIGATOR",
        "TUDTC": "2023-12-20",
    }
    sizes = [
        {"TRLNKID": "T01", "TRTESTCD": "LDIAM", "TRSTRESN": mm, "TRSTRESU": "mm", "VISITNUM": n, "TRDTC": day}
        for n, day, mm in LESIONS
    ]
    return {
        "DM": rows("DM", dm).drop(columns="DMSEQ").assign(SUBJID=["1", "2"]),
        "DS": rows("DS", consent, entered),
        "EX": rows("EX", dose),
        "RS": rows("RS", *calls).assign(RSCAT="RECIST 1.1", RSEVAL="INVESTIGATOR"),
        "TU": rows("TU", lesion),
        "TR": rows("TR", *sizes).assign(TREVAL="INVESTIGATOR"),
    }


def with_rows(domain: str, *some: Row) -> Callable[[Frames], None]:
    """Further records of the first subject."""

    def change(frames: Frames) -> None:
        old = frames.get(domain, pd.DataFrame())
        base = {"STUDYID": "H", "DOMAIN": domain, "USUBJID": "H-1"}
        new = pd.DataFrame([{**base, f"{domain}SEQ": 50.0 + n, **one} for n, one in enumerate(some)])
        frames[domain] = pd.concat([old, new], ignore_index=True) if len(old) else new

    return change


def of_first(domain: str, **values: str) -> Callable[[Frames], None]:
    """Other values in the records of the first subject."""

    def change(frames: Frames) -> None:
        frames[domain].loc[frames[domain]["USUBJID"] == "H-1", list(values)] = list(values.values())

    return change


class Made:
    """What the two commands made."""

    def __init__(self, folder: Path, change: Callable[[Frames], None]) -> None:
        frames = plain()
        change(frames)
        (folder / "sdtm").mkdir()
        for name, frame in frames.items():
            frame.to_parquet(folder / "sdtm" / f"{name.lower()}.parquet", index=False)
        self.said = make_adam(folder / "sdtm", STUDY, folder / "adam", False, ())
        self.frames = read_folder(folder / "adam", "adam")[0]
        self.findings = pd.read_csv(folder / "adam/findings/findings.csv", dtype=str, keep_default_na=False)
        make_results(folder / "adam" / "adam", STUDY, folder / "results", False, ())
        self.results = pd.read_csv(folder / "results/results/results.csv", dtype=str, keep_default_na=False)

    def first(self, dataset: str, **where: str) -> Row:
        frame = self.frames[dataset]
        frame = frame[frame["USUBJID"] == "H-1"]
        for name, value in where.items():
            frame = frame[frame[name] == value]
        return {k: str(v.date()) if isinstance(v, pd.Timestamp) else v for k, v in frame.iloc[0].items()}

    def rules_of_first(self) -> set[str]:
        return set(self.findings.loc[self.findings["usubjid"] == "H-1", "rule"])


def test_the_plain_study_has_no_finding_of_a_subject(tmp_path: Path) -> None:
    made = Made(tmp_path, lambda frames: None)
    assert made.first("ADRS", PARAMCD="CBOR")["AVALC"] == "PR"
    assert made.first("ADTTE", PARAMCD="OS")["CNSR"] == 1.0
    assert made.rules_of_first() == set()


def death(**more: str) -> Callable[[Frames], None]:
    return of_first("DM", DTHFL="Y", **more)


LATE = "2024-09-15"
# A2: where the death of the first subject stands | date, imputation flag and CNSR of OS, rules about the subject.
# By the default rule an unknown day is the first that is possible, and never before the last contact, 1 July.
DEATHS: list[tuple[str, Callable[[Frames], None], str, float, set[str]]] = [
    ("complete in DM", death(DTHDTC=LATE), LATE, 0.0, set()),
    ("by month", death(DTHDTC="2024-09"), "2024-09-01", 0.0, {"adam.death date imputed"}),
    ("by year", death(DTHDTC="2024"), "2024-07-01", 0.0, {"adam.death date imputed"}),
    ("flag only", death(), "2024-07-01", 9.0, {"adam.death without a date", "tripwire.death without date"}),
    (
        "only in DS",
        with_rows("DS", {"DSDECOD": "DEATH", "DSCAT": "DISPOSITION EVENT", "DSSTDTC": LATE}),
        LATE,
        0.0,
        {"adam.death not in DM"},
    ),
    (
        "only in DD",
        with_rows("DD", {"DDTESTCD": "PRCDTH", "DDSTRESC": "X", "DDDTC": LATE}),
        LATE,
        0.0,
        {"adam.death not in DM"},
    ),
    (
        "only a fatal event",
        with_rows("AE", {"AETERM": "X", "AEDECOD": "X", "AESTDTC": "2024-09-01", "AEENDTC": LATE, "AEOUT": "FATAL"}),
        LATE,
        0.0,
        {"adam.death not in DM"},
    ),
]


@pytest.mark.parametrize(("why", "change", "day", "code", "rules"), DEATHS, ids=[d[0] for d in DEATHS])
def test_a_death_is_one_wherever_it_stands(
    tmp_path: Path, why: str, change: Callable[[Frames], None], day: str, code: float, rules: set[str]
) -> None:
    made = Made(tmp_path, change)
    row = made.first("ADTTE", PARAMCD="OS")
    assert (row["ADT"], row["CNSR"]) == (day, code)
    assert "Alive" not in row["EVNTDESC"]
    assert rules <= made.rules_of_first()


def no_calls(frames: Frames) -> None:
    del frames["RS"]


def criteria(category: str, evaluator: str = "INVESTIGATOR") -> Callable[[Frames], None]:
    def change(frames: Frames) -> None:
        frames["RS"] = frames["RS"].assign(RSCAT=category, RSEVAL=evaluator)

    return change


def other_criteria(category: str) -> Callable[[Frames], None]:
    """Responses by criteria that the study does not ask for, and no lesions."""

    def change(frames: Frames) -> None:
        frames["RS"] = frames["RS"].assign(RSCAT=category)
        del frames["TU"], frames["TR"]

    return change


def accepted_for_the_first(frames: Frames) -> None:
    frames["RS"]["RSACPTFL"] = frames["RS"]["USUBJID"].map({"H-1": "Y", "H-2": ""})


# A3 and A4: how the responses stand | the confirmed best response of both subjects, the rate. 30 of 50 mm are PR.
RESPONSES: list[tuple[str, Callable[[Frames], None], list[str], str]] = [
    ("lesions without calls", no_calls, ["PR", "PR"], "100"),
    *(
        (f"RSCAT {one!r}", criteria(one), ["PR", "PR"], "100")
        for one in ("RECIST1.1", "recist 1.1", "RECIST V1.1", "RECIST")
    ),
    *((f"RSEVAL {one!r}", criteria("RECIST 1.1", one), ["PR", "PR"], "100") for one in ("Investigator", "INV")),
    ("accepted for one subject only", accepted_for_the_first, ["PR", "PR"], "100"),
    *((one, other_criteria(one), [], "") for one in ("IMWG", "LUGANO 2014", "PCWG3", "GCIG CA-125")),
]


@pytest.mark.parametrize(("why", "change", "best", "rate"), RESPONSES, ids=[r[0] for r in RESPONSES])
def test_responses_count_or_the_rate_is_not_estimable(
    tmp_path: Path, why: str, change: Callable[[Frames], None], best: list[str], rate: str
) -> None:
    made = Made(tmp_path, change)
    adrs = made.frames.get("ADRS", pd.DataFrame(columns=["PARAMCD", "AVALC"]))
    assert list(adrs.loc[adrs["PARAMCD"] == "CBOR", "AVALC"]) == best
    orr = made.results[(made.results["ENDPOINT"] == "ORR") & made.results["STATISTIC"].isin(["percent", "estimate"])]
    assert list(orr["VALUE"].map(lambda one: one.removesuffix(".0"))) == [rate]
    if not rate:
        # Never 0%: the rate says why it is not there, and a finding names the criteria.
        assert why.split()[0] in " ".join(made.findings["message"]) and orr["REASON"].iloc[0] != ""


EARLIER = {"EXTRT": "LENVATINIB", "EXDOSE": 8.0, "EXSTDTC": "2020-03-01", "EXENDTC": "2020-06-01"}
LATER = {"EXTRT": "APATINIB", "EXDOSE": 250.0, "EXSTDTC": "2024-09-01", "EXENDTC": "2024-10-01"}
PROGRESSION = {
    "RSTESTCD": "OVRLRESP",
    "RSCAT": "RECIST 1.1",
    "RSEVAL": "INVESTIGATOR",
    "RSSTRESC": "PD",
    "RSDTC": "2020-06-01",
}
HELD = {"EXTRT": "LENVATINIB", "EXDOSE": 0.0, "EXSTDTC": "2024-08-01", "EXENDTC": "2024-08-10"}


def earlier_line(frames: Frames) -> None:
    with_rows("EX", EARLIER)(frames)
    with_rows("RS", PROGRESSION)(frames)


# A5 and A6: what else is in EX | first and last day of treatment, new therapy, rules about the subject
TREATMENT: list[tuple[str, Callable[[Frames], None], tuple[str, str, str], set[str]]] = [
    (
        "an earlier line of the same drug",
        earlier_line,
        ("2024-01-01", "2024-07-01", "NaT"),
        {"adam.prior therapy with a study drug"},
    ),
    (
        "a later line of another study drug",
        with_rows("EX", LATER),
        ("2024-01-01", "2024-07-01", "2024-09-01"),
        {"adam.later line with a study drug"},
    ),
    ("a held dose", with_rows("EX", HELD), ("2024-01-01", "2024-07-01", "NaT"), set()),
    # Without an end the drug lasts until the next evidence: the last scan of 17 June is the last contact.
    ("no end", of_first("EX", EXENDTC=""), ("2024-01-01", "2024-06-17", "NaT"), {"adam.exposure without an end"}),
]


@pytest.mark.parametrize(("why", "change", "days", "rules"), TREATMENT, ids=[t[0] for t in TREATMENT])
def test_study_treatment_is_that_of_the_index_line(
    tmp_path: Path, why: str, change: Callable[[Frames], None], days: tuple[str, str, str], rules: set[str]
) -> None:
    made = Made(tmp_path, change)
    row = made.first("ADSL")
    assert (row["TRTSDT"], row["TRTEDT"], str(row.get("NACTDT", "NaT"))) == days
    assert rules <= made.rules_of_first()
    # Neither survival nor response of the index line begins or ends with another one.
    assert made.first("ADTTE", PARAMCD="OS")["STARTDT"] == "2024-01-01"
    assert made.first("ADRS", PARAMCD="CBOR")["AVALC"] == "PR"
