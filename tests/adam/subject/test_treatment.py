"""Treatment: which dose begins it, which ends it, with which drugs, and what is prior therapy or a later line.

Expected values follow from the rule: the first dose on or after the consent of 2022-01-10; drugs begun within 28 days
of it are the regimen; the same drugs after more than 120 days without a dose, and other drugs of the study, are later
lines. The last contact is on 2022-12-31.
"""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from fhir2cdisc.adam.build import build_adam
from fhir2cdisc.adam.plan import adsl_options
from fhir2cdisc.adam.subject.adsl import Subjects, derive_subjects
from fhir2cdisc.mappings.study import Arm, Drug, Study
from fhir2cdisc.mappings.study_facts import Treatment

CONSENT = "2022-01-10"
DRUGS = (
    Drug(name="SORAFENIB", drug_class="antiangiogenic", flag="SORAFL"),
    Drug(name="LENVATINIB", drug_class="antiangiogenic"),
    Drug(name="PEMBROLIZUMAB", drug_class="immunotherapy"),
)
ARMS = (
    Arm(code="IMMUNO", label="Immunotherapy", any_class=("immunotherapy",), precedence=1),
    Arm(code="ANTIANG", label="Antiangiogenic drug", any_class=("antiangiogenic",), precedence=2),
)
STUDY = Study(id="rws", studyid="RWS", title="Real world", drugs=DRUGS, arms=ARMS)
NAMES = {"s": "SORAFENIB", "l": "LENVATINIB", "p": "PEMBROLIZUMAB"}


def day(value: Any) -> str:
    return "" if pd.isna(value) else f"{value:%Y-%m-%d}"


def doses(text: str) -> pd.DataFrame:
    """Records of EX: `s 2022-01-12 2022-03-01 | p 2022-02-01 - dose=0`; `-` is no date."""
    made = []
    for part in filter(None, (one.strip() for one in text.split("|"))):
        drug, start, end, *more = part.split()
        said = dict(one.split("=") for one in more)
        row = {"EXTRT": NAMES.get(drug, drug), "EXSTDTC": start.strip("-"), "EXENDTC": end.strip("-")}
        row |= {
            "EXDOSE": float(said.get("dose", 1)),
            "EXROUTE": said.get("route", ""),
            "EXDOSFRQ": said.get("freq", ""),
        }
        made.append(row)
    return pd.DataFrame(made).assign(USUBJID="01", EXSEQ=range(1, len(made) + 1))


def frames(text: str, consent: str = CONSENT, **more: pd.DataFrame) -> dict[str, pd.DataFrame]:
    dm = {"USUBJID": "01", "STUDYID": "RWS", "RFICDTC": consent, "RFSTDTC": "2022-01-12"}
    vs = {"USUBJID": "01", "VSSEQ": 1.0, "VSDTC": "2022-12-31"}
    return {"DM": pd.DataFrame([dm]), "EX": doses(text), "VS": pd.DataFrame([vs]), **more}


def found(text: str, consent: str = CONSENT, study: Study = STUDY, **more: pd.DataFrame) -> Subjects:
    return derive_subjects(frames(text, consent, **more), adsl_options(study))


PRIOR, BEFORE = "prior therapy with a study drug", "treatment before enrolment"
LATER, OPEN, PARTIAL = "later line with a study drug", "exposure without an end", "dose without a complete date"
END = "partial end of exposure"
# Doses | TRTSDT | TRTEDT | TRT01A | NACTDT | SAFFL | PRIORLN | rules
S, ANTIANG, IMMUNO = "2022-01-12", "Antiangiogenic drug", "Immunotherapy"
CASES: list[tuple[str, str, str, str, str, str, int, list[str]]] = [
    ("s 2022-01-12 2022-03-01", S, "2022-03-01", ANTIANG, "", "Y", 0, []),
    # On the day of consent counts, the day before does not.
    ("s 2022-01-10 2022-03-01", CONSENT, "2022-03-01", ANTIANG, "", "Y", 0, []),
    ("s 2022-01-09 2022-01-09 | s 2022-01-30 2022-01-30", "2022-01-30", "2022-01-30", ANTIANG, "", "Y", 1, [BEFORE]),
    # An earlier line of a study drug is prior therapy.
    ("s 2020-03-01 2020-06-01 | s 2022-01-12 2022-03-01", S, "2022-03-01", ANTIANG, "", "Y", 1, [PRIOR]),
    ("p 2020-03-01 2020-06-01 | s 2022-01-12 2022-03-01", S, "2022-03-01", ANTIANG, "", "Y", 1, [PRIOR]),
    ("s 2020 - | s 2022-01-12 2022-03-01", S, "2022-03-01", ANTIANG, "", "Y", 1, [PRIOR]),
    ("s 2020-03-01 2020-06-01", "", "", "", "", "N", 1, [BEFORE]),
    # Under way on the day of consent
    ("s 2021-12-01 2022-03-01", CONSENT, "2022-03-01", ANTIANG, "", "Y", 0, [BEFORE]),
    # Drugs that begin together, and a second line with its arm not earned by living long enough
    ("s 2022-01-12 2022-03-01 | p 2022-02-09 2022-04-01", S, "2022-04-01", IMMUNO, "", "Y", 0, []),
    ("s 2022-01-12 2022-03-01 | p 2022-02-10 2022-04-01", S, "2022-03-01", ANTIANG, "2022-02-10", "Y", 0, [LATER]),
    ("s 2022-01-12 2022-03-01 | p 2022-09-01 2022-10-01", S, "2022-03-01", ANTIANG, "2022-09-01", "Y", 0, [LATER]),
    # 120 days between the doses are no gap, 121 are: from 1 March the next dose on 30 June is on the 121st day.
    ("s 2022-01-12 2022-03-01 | s 2022-06-30 2022-07-01", S, "2022-07-01", ANTIANG, "", "Y", 0, []),
    ("s 2022-01-12 2022-03-01 | s 2022-07-01 2022-07-05", S, "2022-03-01", ANTIANG, "2022-07-01", "Y", 0, [LATER]),
    # Without an end: until the last contact, the next line; a dose given at once lasts its day
    ("s 2022-01-12 -", S, "2022-12-31", ANTIANG, "", "Y", 0, [OPEN]),
    ("s 2022-01-12 - | p 2022-09-01 2022-10-01", S, "2022-08-31", ANTIANG, "2022-09-01", "Y", 0, [LATER, OPEN]),
    ("p 2022-01-12 - route=INTRAVENOUS", S, S, IMMUNO, "", "Y", 0, []),
    ("p 2022-01-12 - freq=ONCE", S, S, IMMUNO, "", "Y", 0, []),
    ("s 2022-01-12 - | s 2022-02-12 2022-03-01", S, "2022-03-01", ANTIANG, "", "Y", 0, []),  # only the last is open
    ("s 2022-01-12 2022-04", S, "2022-04-30", ANTIANG, "", "Y", 0, [END]),
    # Held doses begin, extend and treat nothing; a placebo of 0 does.
    ("s 2022-01-12 2022-03-01 | s 2022-03-02 2022-04-01 dose=0", S, "2022-03-01", ANTIANG, "", "Y", 0, []),
    ("s 2022-01-11 2022-01-11 dose=0 | s 2022-01-12 2022-03-01", S, "2022-03-01", ANTIANG, "", "Y", 0, []),
    ("s 2022-01-12 2022-01-12 dose=0", "", "", "", "", "N", 0, []),
    ("PLACEBO 2022-01-12 2022-03-01 dose=0", S, "2022-03-01", "", "", "Y", 0, []),
    # Dates that are not complete
    ("s 2022-02 2022-02", "", "", "", "", "Y", 0, [PARTIAL]),
    ("s 2022-01 2022-01 | s 2022-02-01 2022-03-01", "2022-02-01", "2022-03-01", ANTIANG, "", "Y", 0, [PARTIAL]),
]


@pytest.mark.parametrize(("text", "start", "end", "arm", "new", "safety", "prior", "rules"), CASES)
def test_treatment(
    text: str, start: str, end: str, arm: str, new: str, safety: str, prior: int, rules: list[str]
) -> None:
    out = found(text)
    row = out.adsl.iloc[0]
    assert (day(row["TRTSDT"]), day(row["TRTEDT"]), row["TRT01A"]) == (start, end, arm)
    assert (day(row["NACTDT"]), row["SAFFL"], row["PRIORLN"]) == (new, safety, prior)
    assert sorted(out.findings["RULE"]) == sorted(rules)
    assert (out.findings["USUBJID"] == "01").all()
    begun = out.evidence[(out.evidence["FACT"] == "treatment start") & (out.evidence["CHOSEN"] == "Y")]
    assert [day(one) for one in begun["DATE"]] == ([start] if start else [])


# Events of DS, death | the day on which sorafenib without an end was over, and by what
OPEN_ENDS = [
    ({"DSSTDTC": "2022-06-01", "DSSCAT": "STUDY TREATMENT", "DSDECOD": "PROGRESSIVE DISEASE"}, "2022-06-01"),
    ({"DSSTDTC": "2022-05-01", "DSSCAT": "STUDY PARTICIPATION", "DSDECOD": "WITHDRAWAL BY SUBJECT"}, "2022-05-01"),
    ({"DSSTDTC": "2022-07-01", "DSSCAT": "STUDY PARTICIPATION", "DSDECOD": "DEATH"}, "2022-07-01"),
]


@pytest.mark.parametrize(("event", "end"), OPEN_ENDS)
def test_what_ends_an_exposure_without_an_end(event: dict[str, str], end: str) -> None:
    ds = pd.DataFrame([{"USUBJID": "01", "DSSEQ": 1.0, "DSCAT": "DISPOSITION EVENT", **event}])
    out = found("s 2022-01-12 -", DS=ds)
    assert (day(out.adsl["TRTEDT"].iloc[0]), out.adsl["TRTEDTF"].iloc[0]) == (end, "Y")
    evidence = out.evidence[out.evidence["FACT"] == "treatment end"]
    assert evidence["REASON"].str.startswith("without an end, so it lasts until").tolist() == [True]


def test_a_cut_leaves_exposure_open_until_the_last_contact_before_it() -> None:
    vs = pd.DataFrame({"USUBJID": "01", "VSSEQ": [1.0, 2.0], "VSDTC": ["2022-05-20", "2022-12-31"]})
    cut = build_adam(frames("s 2022-01-12 2022-10-01", VS=vs), STUDY.model_copy(update={"cutoff": "2022-06-01"}))
    assert day(cut.frames["ADSL"]["TRTEDT"].iloc[0]) == "2022-05-20"
    assert cut.findings["RULE"].tolist() == ["after the data cut-off", OPEN]


# Options | TRTSDT | NACTDT of sorafenib in 2020 and on 12 January, pembrolizumab on 10 February
OPTIONS: list[tuple[dict[str, Any], str, str]] = [
    ({"index": "first-dose"}, "2020-03-01", "2022-01-12"),  # after a gap of more than 120 days
    ({"index": "first-dose", "gap_days": 1000}, "2020-03-01", "2022-02-10"),
    ({"before_days": 1000}, "2020-03-01", "2022-01-12"),
    ({"together_days": 29}, S, ""),
]


@pytest.mark.parametrize(("options", "start", "new"), OPTIONS)
def test_the_study_chooses_the_rule(options: dict[str, Any], start: str, new: str) -> None:
    study = STUDY.model_copy(update={"treatment": Treatment(**options)})
    text = "s 2020-03-01 2020-06-01 | s 2022-01-12 2022-03-01 | p 2022-02-10 2022-04-01"
    row = found(text, study=study).adsl.iloc[0]
    assert (day(row["TRTSDT"]), day(row["NACTDT"])) == (start, new)


def test_a_cohort_without_enrolment_begins_with_the_first_dose() -> None:
    cohort = STUDY.cohort.model_copy(update={"membership": "all"})
    study = STUDY.model_copy(update={"cohort": cohort})
    row = found("s 2020-03-01 2022-03-01", study=study).adsl.iloc[0]
    assert day(row["TRTSDT"]) == "2020-03-01"


# ACTARM | the drugs of the study's arm of that name | whether pembrolizumab in May is a new line
@pytest.mark.parametrize(
    ("actual", "drugs", "later"),
    [
        ("COMBO", ("SORAFENIB", "PEMBROLIZUMAB"), False),  # the arm of the study file
        ("Sorafenib plus pembrolizumab", (), False),  # the name of the arm names the drugs
        ("", ("SORAFENIB", "PEMBROLIZUMAB"), False),  # the one arm whose drugs include the regimen
        ("SORAFENIB", (), True),
        ("", ("LENVATINIB",), True),
    ],
)
def test_a_drug_of_the_arm_is_study_treatment_whenever_it_begins(
    actual: str, drugs: tuple[str, ...], later: bool
) -> None:
    arms = (Arm(code="COMBO", label="Combination", drugs=drugs),) if drugs else ()
    study = STUDY.model_copy(update={"arms": arms})
    given = frames("s 2022-01-12 2022-03-01 | p 2022-05-01 2022-06-01")
    given["DM"] = given["DM"].assign(ACTARM=actual)
    row = derive_subjects(given, adsl_options(study)).adsl.iloc[0]
    assert day(row["TRTEDT"]) == ("2022-03-01" if later else "2022-06-01")
    assert day(row["NACTDT"]) == ("2022-05-01" if later else "")


def test_without_drugs_in_the_study_file_all_of_ex_is_study_treatment_and_that_is_said() -> None:
    study = Study(id="plain", studyid="PLAIN", title="Plain")
    out = found("DRUG-A 2022-01-12 2022-03-01 | DRUG-B 2022-09-01 2022-10-01", study=study)
    assert day(out.adsl["TRTEDT"].iloc[0]) == "2022-10-01" and out.adsl["NACTDT"].isna().all()
    assert out.findings[["RULE", "SEVERITY"]].values.tolist() == [["drug begun later", "INFO"]]


def test_the_reference_start_is_not_the_dose_of_an_earlier_line() -> None:
    given = frames("s 2020-03-01 2020-06-01 | s 2022-01-12 2022-03-01")
    given["DM"] = given["DM"].assign(RFSTDTC="2020-03-01")
    out = derive_subjects(given, adsl_options(STUDY))
    assert day(out.adsl["RFSTDT"].iloc[0]) == S
    assert "reference start is prior therapy" in out.findings["RULE"].tolist()


def test_survival_progression_and_events_after_an_earlier_line() -> None:
    """Sorafenib in 2020, enrolled in 2022, dead 2022-06-30: 170 days from 12 January; the earlier PD is no event."""
    rs = pd.DataFrame({"USUBJID": "01", "RSDTC": ["2020-06-01", "2022-03-09"], "RSSTRESC": ["PD", "PR"]})
    rs = rs.assign(
        RSTESTCD="OVRLRESP", RSCAT="RECIST 1.1", RSEVAL="INVESTIGATOR", RSSEQ=[1.0, 2.0], VISITNUM=[1.0, 2.0]
    )
    given = frames("s 2020-03-01 2020-06-01 | s 2022-01-12 2022-05-01", RS=rs, VS=pd.DataFrame({"USUBJID": []}))
    given["DM"] = given["DM"].assign(RFSTDTC="2020-03-01", DTHDTC="2022-06-30", DTHFL="Y")
    made = build_adam(given, STUDY).frames
    tte, adrs = made["ADTTE"].set_index("PARAMCD"), made["ADRS"].set_index("PARAMCD")
    assert (tte.loc["OS", "AVAL"], tte.loc["OS", "CNSR"]) == (170, 0)
    assert (day(tte.loc["PFS", "ADT"]), tte.loc["PFS", "EVNTDESC"]) == ("2022-06-30", "Death")
    assert adrs.loc["BOR", "AVALC"] == "PR"


def test_events_under_exposure_without_an_end_are_treatment_emergent() -> None:
    ae = pd.DataFrame({"USUBJID": "01", "AESEQ": [1.0, 2.0], "AETERM": "Rash", "AESTDTC": ["2022-02-01", "2022-09-01"]})
    made = build_adam(frames("s 2022-01-12 -", AE=ae), STUDY).frames["ADAE"]
    assert made["TRTEMFL"].tolist() == ["Y", "Y"]


def test_events_of_a_second_line_are_not_those_of_the_first() -> None:
    """The window is 30 days after the last dose of the index regimen on 1 March."""
    ae = pd.DataFrame({"USUBJID": "01", "AESEQ": [1.0, 2.0], "AETERM": "Rash", "AESTDTC": ["2022-03-31", "2022-09-10"]})
    given = frames("s 2022-01-12 2022-03-01 | p 2022-09-01 2022-10-01", AE=ae)
    assert build_adam(given, STUDY).frames["ADAE"]["TRTEMFL"].tolist() == ["Y", ""]
