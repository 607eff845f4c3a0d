"""Habits around diagnosis: asserted dates, suspicions, other cancers."""

from __future__ import annotations

from copy import deepcopy

from fhir2cdisc.fhir.simulation.chart import Chart
from fhir2cdisc.fhir.simulation.dialects import concept
from fhir2cdisc.fhir.simulation.habits.planted import Planted, written
from fhir2cdisc.fhir.simulation.plan import iso
from fhir2cdisc.fhir.simulation.vocabulary import HL7, ICD10

ASSERTED = "http://hl7.org/fhir/StructureDefinition/condition-assertedDate"


def _truth(chart: Chart) -> str:
    return f"DIAGDTC={chart.course.diagnosis_text}"


def asserted(chart: Chart) -> list[Planted]:
    """The date of diagnosis is an extension; the record was typed years later."""
    one = written(chart, "Condition", "tumour")
    if one is None:
        return []
    del one["onsetDateTime"]
    recorded = iso(min(chart.course.diagnosis + 1500, chart.course.end))
    one["extension"] = [{"url": ASSERTED, "valueDateTime": chart.course.diagnosis_text}]
    one["recordedDate"] = recorded
    what = f"the diagnosis of {chart.course.diagnosis_text} is an asserted date; it was recorded on {recorded}"
    return [Planted(what, truth=_truth(chart))]


def suspected(chart: Chart) -> list[Planted]:
    """The same cancer as a differential diagnosis more than a year before it was diagnosed."""
    one = written(chart, "Condition", "tumour")
    if one is None:
        return []
    day = iso(chart.course.diagnosis - 400)
    chart.add(
        "Condition",
        "suspected",
        clinicalStatus=one["clinicalStatus"],
        verificationStatus=concept(HL7 + "condition-ver-status", "differential"),
        category=deepcopy(one["category"]),
        code=deepcopy(one["code"]),
        subject=chart.patient,
        onsetDateTime=day,
        recordedDate=day,
    )
    return [Planted(f"the cancer was a differential diagnosis on {day}", truth=_truth(chart))]


def second_cancer(chart: Chart) -> list[Planted]:
    """Another cancer years before, in remission."""
    code, text, chinese = (
        ("C61", "Malignant neoplasm of prostate", "前列腺恶性肿瘤")
        if chart.course.sex == "male"
        else ("C50.9", "Malignant neoplasm of breast", "乳腺恶性肿瘤")
    )
    day = iso(chart.course.diagnosis - 2000)
    chart.add(
        "Condition",
        "second-cancer",
        clinicalStatus=concept(HL7 + "condition-clinical", "remission"),
        verificationStatus=concept(HL7 + "condition-ver-status", "confirmed"),
        category=[concept(HL7 + "condition-category", "encounter-diagnosis")],
        code={"coding": [{"system": ICD10, "code": code}], "text": chart.word(text, chinese)},
        subject=chart.patient,
        onsetDateTime=day,
        recordedDate=day,
    )
    return [Planted(f"another cancer ({code}) of {day} is in remission", truth=_truth(chart))]
