"""ADSL, rule by rule: expected values by hand from ADaMIG 1.3 section 3.2 and the words of the variables."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from fhir2cdisc.adam.frames.sdtm import cut_at
from fhir2cdisc.adam.frames.variables import described
from fhir2cdisc.adam.plan import adsl_options
from fhir2cdisc.adam.subject.adsl import adsl_dataset, derive_adsl
from fhir2cdisc.mappings.study import Study, load_study
from support.tables import rows, table

PLAIN = Study(id="plain", studyid="PLAIN", title="Plain")


def dm(*ids: str, **columns: Any) -> pd.DataFrame:
    made = pd.DataFrame({"USUBJID": list(ids or ("01",)), "STUDYID": "PLAIN", "DOMAIN": "DM"}, dtype=object)
    return made.assign(**{name: value if isinstance(value, str) else list(value) for name, value in columns.items()})


def adsl(study: Study = PLAIN, **frames: pd.DataFrame) -> pd.DataFrame:
    return derive_adsl({"DM": dm(), **frames}, adsl_options(study)).set_index("USUBJID")


def day(value: Any) -> str:
    return "" if pd.isna(value) else f"{value:%Y-%m-%d}"


def test_a_subject_of_whom_nothing_is_known() -> None:
    out = adsl(DM=dm("01")).loc["01"]
    assert (out["FASFL"], out["SAFFL"], out["EVALFL"]) == ("N", "N", "N")
    assert (out["EOSSTT"], out["EOTSTT"], out["DTHFL"]) == ("ONGOING", "", "")
    assert (out["TRT01P"], out["TRT01A"], out["ARM"], out["HISTOLOG"]) == ("", "", "", "")
    assert out[["TRTSDT", "TRTEDT", "EOSDT", "DTHDT", "LSTALVDT", "NACTDT", "DIAGDT"]].isna().all()
    assert out[["AGE", "TRTDURD", "ECOGBL", "LALVSEQ"]].isna().all()
    assert out["PRIORLN"] == 0


def test_no_subject_at_all() -> None:
    empty = dm("01").iloc[:0]
    for study in (PLAIN, load_study("hepatobiliary-rws"), load_study("refractory-registry")):
        assert len(adsl(study, DM=empty)) == 0


def test_subjects_stand_in_order_of_usubjid_whatever_the_order_of_dm() -> None:
    out = derive_adsl({"DM": dm("10", "02", "1", AGE=("50", "60", ""), SEX=("M", "F", "U"))}, adsl_options(PLAIN))
    assert out["USUBJID"].tolist() == ["02", "1", "10"]
    assert out["SEX"].tolist() == ["F", "U", "M"]
    assert out["AGE"].tolist()[::2] == [60, 50] and np.isnan(out["AGE"].iloc[1])


# EXSTDTC EXENDTC, ... | TRTSDT | TRTEDT | TRTDURD | SAFFL
DOSES = """
2024-03-01 2024-03-10                       | 2024-03-01 | 2024-03-10 | 10 | Y
2024-03-01 2024-03-01                       | 2024-03-01 | 2024-03-01 | 1  | Y
2024-03-15 2024-03-20, 2024-03-01 2024-03-05| 2024-03-01 | 2024-03-20 | 20 | Y
2024-03-01 -                                | 2024-03-01 | 2024-03-01 | 1  | Y
2024-03-01 2024-03-05, 2024-03-22 -         | 2024-03-01 | 2024-03-22 | 22 | Y
2024-03-01T08:00 2024-03-02T20:00           | 2024-03-01 | 2024-03-02 | 2  | Y
2024-03 2024-04                             |            |            |    | Y
2024-03 2024-04-30, 2024-04-01 -            | 2024-04-01 | 2024-04-30 | 30 | Y
- -                                         |            |            |    | Y
"""


def test_treatment_from_the_doses_in_ex() -> None:
    lines = rows(DOSES)
    ids = [f"{n:02}" for n in range(1, len(lines) + 1)]
    doses = [(one, *pair.split()) for one, row in zip(ids, lines, strict=True) for pair in row[0].split(",")]
    ex = pd.DataFrame(doses, columns=["USUBJID", "EXSTDTC", "EXENDTC"]).replace("-", "").assign(EXTRT="Drug")
    out = adsl(DM=dm(*ids), EX=ex.assign(EXSEQ=np.arange(1.0, len(ex) + 1)))
    for one, row in zip(ids, lines, strict=True):
        found = out.loc[one]
        length = "" if np.isnan(found["TRTDURD"]) else f"{found['TRTDURD']:g}"
        assert [day(found["TRTSDT"]), day(found["TRTEDT"]), length, found["SAFFL"]] == row[1:], row[0]


def test_without_ex_the_reference_dates_of_dm_are_treatment() -> None:
    out = adsl(DM=dm(RFXSTDTC="2024-03-01", RFXENDTC="2024-03-31")).loc["01"]
    assert (day(out["TRTSDT"]), day(out["TRTEDT"])) == ("2024-03-01", "2024-03-31")
    assert (out["TRTDURD"], out["SAFFL"]) == (31, "Y")


def test_a_subject_without_a_record_in_ex_was_not_treated() -> None:
    ex = table("USUBJID | EXTRT | EXSTDTC    | EXSEQ\n01 | Drug | 2024-03-01 | 1")
    assert adsl(DM=dm("01", "02"), EX=ex)["SAFFL"].tolist() == ["Y", "N"]


# Drugs given | ARM | ACTARM | TRT01P | TRT01A | flags IMMUNO, MATCHED, ANTIANG, apatinib
# The protocol numbers its programmes 1 genotype-matched, 2 anti-angiogenic, 3 immunotherapy: 3 goes before 1 before 2.
IMMUNO = "Immunotherapy or immunotherapy combined with targeted therapy"
MATCHED = "Targeted drug or combination related to genetic variation"
ANTIANG = "Pan-target anti-angiogenic drug"
PROGRAMMES = [
    (("PEMBROLIZUMAB",), "", "", IMMUNO, IMMUNO, "YNNN"),
    (("LENVATINIB",), "", "", ANTIANG, ANTIANG, "NNYN"),
    (("PEMIGATINIB",), "", "", MATCHED, MATCHED, "NYNN"),
    (("LENVATINIB", "PEMBROLIZUMAB"), "", "", IMMUNO, IMMUNO, "YNYN"),
    (("PEMIGATINIB", "LENVATINIB"), "", "", MATCHED, MATCHED, "NYYN"),
    (("PEMIGATINIB", "CAMRELIZUMAB", "APATINIB"), "", "", IMMUNO, IMMUNO, "YYYY"),
    (("apatinib",), "", "", ANTIANG, ANTIANG, "NNYY"),
    (("ASPIRIN",), "", "", "", "", "NNNN"),
    ((), "", "", "", "", "NNNN"),
    (("LENVATINIB",), "Planned", "", "Planned", ANTIANG, "NNYN"),
    (("LENVATINIB",), "Planned", "Actual", "Planned", "Actual", "NNYN"),
]


def test_of_overlapping_programmes_immunotherapy_goes_first_then_matched() -> None:
    ids = [f"{n:02}" for n in range(1, len(PROGRAMMES) + 1)]
    given = [(one, drug) for one, row in zip(ids, PROGRAMMES, strict=True) for drug in row[0]]
    ex = pd.DataFrame(given, columns=["USUBJID", "EXTRT"]).assign(EXSTDTC="2024-03-01", EXSEQ=1.0)
    named = dm(*ids, ARM=[row[1] for row in PROGRAMMES], ACTARM=[row[2] for row in PROGRAMMES])
    out = adsl(load_study("hepatobiliary-rws"), DM=named, EX=ex)
    for one, row in zip(ids, PROGRAMMES, strict=True):
        found = out.loc[one]
        flags = "".join(found[["IMMUNOFL", "MATCHEFL", "ANTIANFL", "APATFL"]])
        assert (found["TRT01P"], found["TRT01A"], flags) == row[3:], row[0]


def test_a_dose_without_the_name_of_its_drug_fits_no_arm() -> None:
    ex = pd.DataFrame({"USUBJID": ["01", "01"], "EXTRT": [None, np.nan], "EXSTDTC": "2024-03-01"})
    out = adsl(load_study("hepatobiliary-rws"), EX=ex).loc["01"]
    assert (out["TRT01A"], out["SAFFL"], out["ANTIANFL"]) == ("", "Y", "N")


DISPOSITION = "DISPOSITION EVENT"
STUDY, TREATMENT = "STUDY PARTICIPATION", "STUDY TREATMENT"
# Events (date, DSSEQ, DSSCAT, DSDECOD) | EOSSTT EOSDT DCSREAS | EOTSTT EOTDT DCTREAS of a treated subject
ENDS: list[tuple[str, list[tuple[str, int, str, str]], tuple[str, str, str], tuple[str, str, str]]] = [
    ("none", [], ("ONGOING", "", ""), ("ONGOING", "", "")),
    (
        "treatment over, still followed",
        [("2024-05-01", 1, TREATMENT, "ADVERSE EVENT")],
        ("ONGOING", "", ""),
        ("DISCONTINUED", "2024-05-01", "ADVERSE EVENT"),
    ),
    (
        "both completed",
        [("2024-05-01", 1, TREATMENT, "COMPLETED"), ("2024-09-01", 2, STUDY, "COMPLETED")],
        ("COMPLETED", "2024-09-01", ""),
        ("COMPLETED", "2024-05-01", ""),
    ),
    (
        "the later of two events",
        [("2024-09-01", 1, STUDY, "DEATH"), ("2024-05-01", 2, STUDY, "LOST TO FOLLOW-UP")],
        ("DISCONTINUED", "2024-09-01", "DEATH"),
        ("", "", ""),
    ),
    (
        "two on one day: the higher DSSEQ",
        [("2024-09-01", 2, STUDY, "DEATH"), ("2024-09-01", 1, STUDY, "LOST TO FOLLOW-UP")],
        ("DISCONTINUED", "2024-09-01", "DEATH"),
        ("", "", ""),
    ),
    (
        "a partial date is not later than a full one of a later month",
        [("2024-02", 2, STUDY, "WITHDRAWAL BY SUBJECT"), ("2024-09-01", 1, STUDY, "DEATH")],
        ("DISCONTINUED", "2024-09-01", "DEATH"),
        ("", "", ""),
    ),
    (
        "a partial date may be the last, and gives no date",
        [("2024-10", 1, STUDY, "WITHDRAWAL BY SUBJECT"), ("2024-09-01", 2, STUDY, "OTHER")],
        ("DISCONTINUED", "", "WITHDRAWAL BY SUBJECT"),
        ("", "", ""),
    ),
    (
        "no date at all is before every date",
        [("", 2, STUDY, "OTHER"), ("2024-09-01", 1, STUDY, "DEATH")],
        ("DISCONTINUED", "2024-09-01", "DEATH"),
        ("", "", ""),
    ),
    (
        "only an undated one",
        [("", 1, STUDY, "OTHER")],
        ("DISCONTINUED", "", "OTHER"),
        ("", "", ""),
    ),
    (
        "a source without subcategory speaks of the study",
        [("2024-09-01", 1, "", "COMPLETED")],
        ("COMPLETED", "2024-09-01", ""),
        ("", "", ""),
    ),
]


def test_how_study_and_treatment_ended() -> None:
    ids = [f"{n:02}" for n in range(1, len(ENDS) + 1)]
    events = [(one, *event) for one, row in zip(ids, ENDS, strict=True) for event in row[1]]
    ds = pd.DataFrame(events, columns=["USUBJID", "DSSTDTC", "DSSEQ", "DSSCAT", "DSDECOD"]).assign(DSCAT=DISPOSITION)
    ex = pd.DataFrame({"USUBJID": ids, "EXTRT": "Drug", "EXSTDTC": "2024-03-01", "EXSEQ": 1.0})
    out = adsl(DM=dm(*ids), DS=ds, EX=ex)
    for one, (reason, _, study, treatment) in zip(ids, ENDS, strict=True):
        found = out.loc[one]
        assert (found["EOSSTT"], day(found["EOSDT"]), found["DCSREAS"]) == study, reason
        assert (found["EOTSTT"], day(found["EOTDT"]), found["DCTREAS"]) == treatment, reason


def test_the_dead_are_not_on_treatment() -> None:
    ex = pd.DataFrame({"USUBJID": ["01", "02"], "EXTRT": "Drug", "EXSTDTC": "2024-03-01", "EXSEQ": 1.0})
    out = adsl(DM=dm("01", "02", DTHFL=("Y", "")), EX=ex)
    assert out[["EOTSTT", "EOSSTT"]].values.tolist() == [["", "ONGOING"], ["ONGOING", "ONGOING"]]


def test_a_milestone_is_no_disposition_event() -> None:
    ds = table(
        """USUBJID | DSSEQ | DSCAT              | DSSCAT | DSDECOD            | DSSTDTC
           01      | 1     | PROTOCOL MILESTONE |        | ENTERED INTO TRIAL | 2024-02-01
           01      | 2     | OTHER EVENT        |        | LAST CONTACT       | 2024-12-01"""
    )
    out = adsl(DS=ds).loc["01"]
    assert (out["EOSSTT"], out["EOTSTT"], day(out["ENRLDT"]), out["FASFL"]) == ("ONGOING", "", "2024-02-01", "Y")


# DTHDTC, DTHFL, cause in DD | DTHDT, DTHFL, DTHCAUS
DEATHS = [
    ("2024-06-01", "Y", "DISEASE UNDER STUDY", ("2024-06-01", "Y", "DISEASE UNDER STUDY")),
    ("", "Y", "DISEASE UNDER STUDY", ("", "Y", "DISEASE UNDER STUDY")),  # FHIR deceasedBoolean
    ("2024-06", "Y", None, ("2024-06-01", "Y", "")),  # the first possible day
    ("", "", "DISEASE UNDER STUDY", ("", "Y", "DISEASE UNDER STUDY")),  # who has a cause of death died
    ("", "", None, ("", "", "")),
]


def test_death() -> None:
    ids = [f"{n:02}" for n in range(1, len(DEATHS) + 1)]
    dates, flags, causes, expected = zip(*DEATHS, strict=True)
    dd = pd.DataFrame({"USUBJID": ids, "DDSEQ": 1.0, "DDTESTCD": "PRCDTH", "DDSTRESC": causes})
    dd = dd[[cause is not None for cause in causes]]
    out = adsl(DM=dm(*ids, DTHDTC=dates, DTHFL=flags), DD=dd)
    found = zip(map(day, out["DTHDT"]), out["DTHFL"], out["DTHCAUS"], strict=True)
    assert tuple(found) == expected


def test_a_death_after_the_cutoff_is_not_known() -> None:
    frames = {
        "DM": dm("01", "02", DTHDTC=("2024-06-01", "2024-05-31"), DTHFL="Y"),
        "DD": table(
            """USUBJID | DDTESTCD | DDSTRESC | DDDTC
               01      | PRCDTH   | TUMOUR   | 2024-06-01
               02      | PRCDTH   | TUMOUR   | 2024-05-31"""
        ),
    }
    out = derive_adsl(cut_at(frames, "2024-05-31"), adsl_options(PLAIN))
    assert out["DTHFL"].tolist() == ["", "Y"]
    assert out["DTHCAUS"].tolist() == ["", "TUMOUR"]
    assert [day(value) for value in out["DTHDT"]] == ["", "2024-05-31"]


# RFICDTC, DSSTDTC of ENTERED INTO TRIAL (None: no such record) | FASFL
ENROLLED = [
    ("2024-01-01", None, "Y"),
    ("2024-01", None, "Y"),  # it happened, only the day is not known
    ("", "2024-01-02", "Y"),
    ("", "", "Y"),
    ("", None, "N"),
]


@pytest.mark.parametrize("membership", ["research-subject", "condition", "all"])
def test_the_full_analysis_set(membership: str) -> None:
    """A cohort without enrolment enrols nobody, so all belong."""
    study = PLAIN.model_copy(update={"cohort": PLAIN.cohort.model_copy(update={"membership": membership})})
    ids = [f"{n:02}" for n in range(1, len(ENROLLED) + 1)]
    entered = [(one, when) for one, (_, when, _) in zip(ids, ENROLLED, strict=True) if when is not None]
    ds = pd.DataFrame(entered, columns=["USUBJID", "DSSTDTC"]).assign(DSDECOD="ENTERED INTO TRIAL", DSSEQ=1.0)
    out = adsl(study, DM=dm(*ids, RFICDTC=[row[0] for row in ENROLLED]), DS=ds)
    assert out["FASFL"].tolist() == [row[2] if membership == "research-subject" else "Y" for row in ENROLLED]


# TUSTRESC, RSTESTCD, RSDTC, treated on 2024-03-01 | EVALFL
EVALUABLE = [
    ("TARGET", "OVRLRESP", "2024-03-02", True, "Y"),
    ("TARGET NODAL", "OVRLRESP", "2024-03-02", True, "Y"),
    ("NON-TARGET", "OVRLRESP", "2024-03-02", True, "N"),  # nothing to measure
    ("TARGET", "OVRLRESP", "2024-03-01", True, "N"),  # on the day of the first dose is baseline
    ("TARGET", "OVRLRESP", "2024-03", True, "N"),  # not known to be after it
    ("TARGET", "TRGRESP", "2024-03-02", True, "N"),  # no overall response
    ("TARGET", "OVRLRESP", "2024-03-02", False, "N"),
]


def test_the_evaluable_set() -> None:
    ids = [f"{n:02}" for n in range(1, len(EVALUABLE) + 1)]
    roles, tests, dates, treated, flags = zip(*EVALUABLE, strict=True)
    ex = pd.DataFrame({"USUBJID": ids, "EXTRT": "D", "EXSTDTC": "2024-03-01"})[list(treated)]
    tu = pd.DataFrame({"USUBJID": ids, "TUSTRESC": roles, "TUSEQ": 1.0})
    rs = pd.DataFrame({"USUBJID": ids, "RSTESTCD": tests, "RSDTC": dates, "RSSEQ": 1.0})
    assert adsl(DM=dm(*ids), EX=ex, TU=tu, RS=rs)["EVALFL"].tolist() == list(flags)


def test_rank_by_consent_then_subject_and_the_looks() -> None:
    """Ties of one day go by USUBJID; consent goes before enrolment; without either there is no rank."""
    ids = ("05", "04", "03", "02", "01")
    consent = ("2024-01-10", "2024-01-10", "", "2024-01-09", "")
    ds = table(
        """USUBJID | DSSEQ | DSDECOD            | DSSTDTC
           03      | 1     | ENTERED INTO TRIAL | 2024-01-09
           05      | 1     | ENTERED INTO TRIAL | 2024-01-01"""
    )
    interim = PLAIN.interim.model_copy(update={"cases": (2, 3)})
    out = adsl(PLAIN.model_copy(update={"interim": interim}), DM=dm(*ids, RFICDTC=consent), DS=ds)
    assert out["ENRLRANK"].to_dict() == pytest.approx({"01": np.nan, "02": 1, "03": 2, "04": 3, "05": 4}, nan_ok=True)
    assert "".join(out["INT1FL"]) == "NYYNN"
    assert "".join(out["INT2FL"]) == "NYYYN"
    assert "ENRLRANK" not in adsl(PLAIN)


@pytest.mark.parametrize("name", ["hepatobiliary-rws", "refractory-registry", "axitinib-toripalimab"])
def test_every_variable_is_described_and_no_label_is_longer_than_40(name: str) -> None:
    study = load_study(name)
    frame = derive_adsl({"DM": dm(ARM="A")}, adsl_options(study))
    dataset = described(frame, adsl_dataset(adsl_options(study)))
    assert list(dataset.names) == list(frame.columns)
    assert [v.name for v in dataset.variables if not v.label or len(v.label) > 40 or len(v.name) > 8] == []
    assert [v.name for v in dataset.variables if not v.source and not v.method] == []
    numeric = {v.name for v in dataset.variables if v.type == "Num"}
    assert {n for n in frame if frame[n].dtype != object} == numeric
