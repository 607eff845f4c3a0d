"""Since when a subject has the disease, and which condition it is: reproductions 1, 10 and 24 of the field report.

HL7 extension condition-assertedDate; FHIR R4 Condition.verificationStatus and clinicalStatus; SDTMIG 3.4, MH.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from fhir2cdisc.converters.run.pipeline import SdtmRun

Make = Callable[..., dict[str, Any]]
START = {"start": ["diagnosis"]}
CODED = {"membership": "condition", "conditions": [{"code": "C18.9"}]}


@pytest.fixture
def condition(fhir: Make) -> Make:
    """A Condition by ICD-10 code: `condition("c", "C18.9", asserted=, onset=, recorded=, verified=, clinical=)`."""

    def make(key: str, code: str, /, **said: str) -> dict[str, Any]:
        system = "http://hl7.org/fhir/sid/icd-10-cm"
        more: dict[str, Any] = {"code": {"coding": [{"system": system, "code": code}], "text": code}}
        if "asserted" in said:
            url = "http://hl7.org/fhir/StructureDefinition/condition-assertedDate"
            more["extension"] = [{"url": url, "valueDateTime": said["asserted"]}]
        for name, element in (("onset", "onsetDateTime"), ("recorded", "recordedDate")):
            if name in said:
                more[element] = said[name]
        for name, element in (("verified", "verificationStatus"), ("clinical", "clinicalStatus")):
            if name in said:
                more[element] = {"coding": [{"code": said[name]}]}
        return fhir("Condition", key, **more)

    return make


def rules(made: SdtmRun) -> list[str]:
    found = [*made.accounts.findings, *made.sdtm.findings]
    return sorted(f.rule for f in found if f.rule.startswith("diagnosis."))


A, ONSET, R = {"asserted": "2018-02-01"}, {"onset": "2018-01-20"}, {"recorded": "2024-06-14"}
DATES = [
    ({**A, **R}, {}, "2018-02-01", "DIAGNOSIS", [], "asserted, whatever day it was typed in"),
    ({**A, **ONSET, **R}, {}, "2018-02-01", "DIAGNOSIS", [], ""),
    ({**ONSET, **R}, {}, "2018-01-20", "SYMPTOM ONSET", [], "then onset"),
    (R, {}, "2024-06-14", "", ["diagnosis.recorded-date"], "then recording, which is said"),
    ({**A, **ONSET}, {"date": ["onset", "asserted"]}, "2018-01-20", "SYMPTOM ONSET", [], "the study's own order"),
    (R, {"date": ["asserted", "onset"]}, "", "", ["diagnosis.no-date"], "recording need not count"),
    ({**A, "onset": "2017-06-01"}, {}, "2018-02-01", "DIAGNOSIS", ["diagnosis.dates-differ"], "over a month"),
    ({**A, "recorded": "2017-12-01"}, {}, "2018-02-01", "DIAGNOSIS", ["diagnosis.dates-differ"], "typed in before"),
    ({}, {}, "", "", ["diagnosis.no-date"], "none at all"),
]


@pytest.mark.parametrize(("said", "options", "start", "kind", "found", "why"), DATES)
def test_the_date_of_diagnosis_and_what_is_said_of_it(
    convert: Any,
    fhir: Make,
    condition: Make,
    said: Any,
    options: Any,
    start: str,
    kind: str,
    found: list[str],
    why: str,
) -> None:
    made = convert([fhir("Patient", "p"), condition("c", "C18.9", **said)], reference=START, diagnosis=options)
    mh = made.sdtm.frames["MH"].iloc[0]
    assert (mh.get("MHSTDTC", ""), mh.get("MHEVDTYP", "")) == (start, kind), why
    assert mh.get("MHDTC", "") == said.get("recorded", "")
    assert made.sdtm.frames["DM"]["RFSTDTC"].tolist() == [start]
    assert rules(made) == found
    assert all(f.usubjid == mh["USUBJID"] for f in made.sdtm.findings if f.rule in found)


def test_other_history_keeps_its_dates(convert: Any, fhir: Make, condition: Make) -> None:
    made = convert([fhir("Patient", "p"), condition("c", "I10", **ONSET, **A), condition("d", "J45", **R)])
    mh = made.sdtm.frames["MH"].set_index("MHTERM")
    assert mh["MHSTDTC"].to_dict() == {"I10": "2018-01-20", "J45": "2024-06-14"}
    assert "MHEVDTYP" not in mh and rules(made) == []


@pytest.mark.parametrize("status", ["provisional", "differential", "unconfirmed"])
def test_a_suspicion_is_no_diagnosis_unless_the_study_says_so(
    convert: Any, fhir: Make, condition: Make, status: str
) -> None:
    resources = [fhir("Patient", "p"), condition("c", "C18.9", onset="2019-01-01", verified=status)]
    made = convert(resources, reference=START)
    mh = made.sdtm.frames["MH"].iloc[0]
    assert (mh["MHCAT"], made.sdtm.frames["DM"]["RFSTDTC"].iloc[0]) == ("MEDICAL HISTORY", "")
    assert made.sdtm.frames["SUPPMH"].set_index("QNAM")["QVAL"]["MHVERIF"] == status
    assert rules(made) == ["diagnosis.suspected"]
    left_out = convert(resources, reference=START, cohort=CODED)
    assert left_out.sdtm.frames == {} and rules(left_out) == ["diagnosis.suspected"]
    for cohort in ({"membership": "all"}, CODED):
        taken = convert(resources, reference=START, cohort=cohort, diagnosis={"verification": ["confirmed", status]})
        assert taken.sdtm.frames["DM"]["RFSTDTC"].tolist() == ["2019-01-01"] and rules(taken) == []


def test_a_confirmed_condition_beside_a_suspicion_starts_the_clock(convert: Any, fhir: Make, condition: Make) -> None:
    early = condition("c", "C18.9", onset="2019-01-01", verified="provisional")
    late = condition("d", "C18.9", onset="2019-03-01", verified="confirmed")
    made = convert([fhir("Patient", "p"), early, late], reference=START, cohort=CODED)
    assert made.sdtm.frames["DM"]["RFSTDTC"].tolist() == ["2019-03-01"]
    assert rules(made) == ["diagnosis.suspected"]


BREAST = ("C50.4", {"onset": "2010-03-01"})
COLON = ("C18.9", {"onset": "2020-05-01"})
COMPETING = [
    ([BREAST, COLON], {}, "2020-05-01", ["diagnosis.competing"], "the later"),
    ([(BREAST[0], {**BREAST[1], "clinical": "remission"}), COLON], {}, "2020-05-01", ["diagnosis.competing"], ""),
    (
        [BREAST, (COLON[0], {**COLON[1], "clinical": "resolved"})],
        {},
        "2010-03-01",
        ["diagnosis.competing"],
        "the one that still goes on",
    ),
    ([BREAST, COLON], {"conditions": [{"code": "C50.4"}]}, "2010-03-01", ["diagnosis.competing"], "the study's"),
    ([COLON, ("C18.2", {"onset": "2020-09-01"})], {}, "2020-05-01", [], "one colon, recorded twice: the earlier"),
    ([COLON, ("C78.7", {"onset": "2021-09-01"})], {}, "2020-05-01", [], "a metastasis is no second cancer"),
    ([(COLON[0], {**COLON[1], "clinical": "remission"})], {}, "2020-05-01", ["diagnosis.not-active"], "alone"),
]


@pytest.mark.parametrize(("cancers", "cohort", "start", "found", "why"), COMPETING)
@pytest.mark.parametrize("order", [1, -1])
def test_of_several_cancers_one_counts_and_they_are_named(
    convert: Any,
    fhir: Make,
    condition: Make,
    cancers: Any,
    cohort: Any,
    start: str,
    found: list[str],
    why: str,
    order: int,
) -> None:
    conditions = [condition(f"c{n}", code, **said) for n, (code, said) in enumerate(cancers)][::order]
    made = convert([fhir("Patient", "p"), *conditions], reference=START, cohort={"membership": "all", **cohort})
    assert made.sdtm.frames["DM"]["RFSTDTC"].tolist() == [start], why
    assert rules(made) == found
    for finding in made.sdtm.findings:
        if finding.rule == "diagnosis.competing":
            assert all(code in finding.message for code, _ in cancers) and finding.usubjid


# (code, whether it is the cancer of a study that lists none, why): without a code of ICD-10 the words of the term tell.
HCC = {"coding": [{"system": "http://snomed.info/sct", "code": "109841003", "display": "Liver cell carcinoma"}]}
TERMS: list[tuple[dict[str, Any], bool, str]] = [
    (HCC, True, "SNOMED CT"),
    ({"text": "肝细胞癌"}, True, "a Chinese term"),
    ({"text": "Hepatozelluläres Karzinom"}, True, "a German term"),
    ({"text": "Follicular lymphoma"}, True, ""),
    ({"text": "Family history of breast cancer"}, False, "of the family"),
    ({"text": "History of colon cancer"}, False, "over"),
    ({"text": "Bone metastases of lung cancer"}, False, "secondary: it begins no history of its own"),
    ({"text": "Verdacht auf Leberkarzinom"}, False, "suspected"),
    ({"text": "乳腺癌家族史"}, False, "of the family"),
    ({"text": "癌性疼痛"}, False, "pain"),
    ({"text": "Hypertension"}, False, ""),
    (
        {**HCC, "coding": [*HCC["coding"], {"system": "http://hl7.org/fhir/sid/icd-10", "code": "D13.4"}]},
        False,
        "a code of ICD-10 says that it is benign",
    ),
]


@pytest.mark.parametrize(("code", "cancer", "why"), TERMS)
def test_a_cancer_without_icd_10_is_known_by_its_term_and_said(
    convert: Any, fhir: Make, code: dict[str, Any], cancer: bool, why: str
) -> None:
    made = convert(
        [fhir("Patient", "p"), fhir("Condition", "c", code=code, onsetDateTime="2020-01-10")], reference=START
    )
    mh = made.sdtm.frames["MH"].iloc[0]
    assert (mh["MHCAT"] == "PRIMARY DIAGNOSIS") is cancer, why
    assert rules(made) == (["diagnosis.by-words"] if cancer else [])
    assert made.sdtm.frames["DM"]["RFSTDTC"].tolist() == ["2020-01-10" if cancer else ""]


def test_a_coded_cancer_in_remission_does_not_hide_one_by_words(convert: Any, fhir: Make, condition: Make) -> None:
    old = condition("b", "C50.9", onset="2012-03-01", clinical="remission")
    made = convert([fhir("Patient", "p"), old, fhir("Condition", "c", code=HCC, onsetDateTime="2020-01-10")])
    mh = made.sdtm.frames["MH"]
    assert mh.loc[mh["MHCAT"] == "PRIMARY DIAGNOSIS", "MHTERM"].tolist() == ["Liver cell carcinoma"]
    assert rules(made) == ["diagnosis.by-words", "diagnosis.competing"]
