"""Patient, consent, study participation, diagnoses, visits, treatment and what came before and after it."""

from __future__ import annotations

import re

from fhir2cdisc.fhir.simulation.chart import Chart, Json, quantity, stable_id
from fhir2cdisc.fhir.simulation.dialects import category, concept
from fhir2cdisc.fhir.simulation.plan import Dose, Therapy, Visit, iso
from fhir2cdisc.fhir.simulation.vocabulary import (
    ATC,
    COMORBIDITIES,
    HL7,
    ICD10,
    LATER_DRUGS,
    LOCAL,
    LOINC,
    NCIT,
    PRIOR_DRUGS,
    REASONS,
    SNOMED,
    URN,
)
from fhir2cdisc.mappings.study import Study

ROUTES = {"ORAL": ("26643006", "口服"), "INTRAVENOUS": ("47625008", "静脉滴注")}
THERAPIES_ZH = {"prior": "既往抗肿瘤治疗", "subsequent": "后续抗肿瘤治疗"}
NOTES_ZH = {"dose reduced": "减量", "dose held for an adverse event": "因不良事件暂停用药"}
ACT_CLASS = "http://terminology.hl7.org/CodeSystem/v3-ActCode"


def write_subject(chart: Chart) -> None:
    """Everything about the subject that is not a finding."""
    _patient(chart)
    _participation(chart)
    _conditions(chart)
    for visit in chart.course.visits:
        _encounter(chart, visit)
    for dose in chart.course.doses:
        write_dose(chart, dose)
    for number, therapy in enumerate(chart.course.therapies, 1):
        _therapy(chart, therapy, number)


def _patient(chart: Chart) -> None:
    course = chart.course
    chart.add(
        "Patient",
        "",
        identifier=[{"system": URN + "subject", "value": course.subjid}],
        gender=course.sex,
        birthDate=iso(course.birth),
        deceasedDateTime=None if course.death is None else iso(course.death),
        address=[{"country": "CN"}],
        managingOrganization=chart.ref("Organization", course.site),
    )


def reason_of(chart: Chart, reason: str) -> Json:
    """A reason as NCIt code of its CDISC term, or as the local text."""
    code, chinese = REASONS[reason]
    if chart.dialect.chinese:
        return concept(LOCAL + "reason", code, chinese, chinese)
    return concept(NCIT, code, reason, reason)


def _participation(chart: Chart) -> None:
    course = chart.course
    ended = bool(course.study_end_reason)
    status = "on-study" if not ended else "withdrawn" if "WITHDRAWAL" in course.study_end_reason else "off-study"
    extension = []
    if ended:
        extension = [{"url": URN + "end-reason", "valueCodeableConcept": reason_of(chart, course.study_end_reason)}]
    chart.add(
        "ResearchSubject",
        "",
        extension=extension,
        identifier=[{"system": URN + "subject", "value": course.subjid}],
        status=status,
        period={"start": iso(course.consent), **({"end": iso(course.end)} if ended else {})},
        study=chart.ref("ResearchStudy", ""),
        individual=chart.patient,
        actualArm=course.arm if course.first_dose is not None and course.arm else None,
        consent=chart.ref("Consent", ""),
    )
    chart.add(
        "Consent",
        "",
        status="active",
        scope=concept(HL7 + "consentscope", "research"),
        category=[concept(LOINC, "59284-0", "Consent Document")],
        patient=chart.patient,
        dateTime=iso(course.consent),
        policyRule=concept(HL7 + "consentpolicycodes", "cric"),
    )


def _conditions(chart: Chart) -> None:
    course, sim = chart.course, chart.study.simulation
    if sim.tumours:
        tumour = sim.tumours[course.tumour]
        _condition(
            chart,
            "tumour",
            "encounter-diagnosis",
            tumour.text,
            tumour.text_zh,
            tumour.snomed,
            tumour.icd10,
            onsetDateTime=course.diagnosis_text,
            recordedDate=iso(course.consent),
        )
        histology = concept("", "", text=chart.word(tumour.histology, tumour.text_zh))
        code = concept(LOINC, "59847-4", "Histology and Behavior ICD-O-3 Cancer")
        chart.observe(
            "histology", code, course.diagnosis, category=category("laboratory"), valueCodeableConcept=histology
        )
    for name in course.comorbidities:
        snomed, icd10, chinese = COMORBIDITIES[name]
        _condition(chart, name, "problem-list-item", name, chinese, snomed, icd10, recordedDate=iso(course.consent))


def _condition(
    chart: Chart, key: str, kind: str, text: str, chinese: str, snomed: str, icd10: str, **dates: str
) -> None:
    codings = [{"system": ICD10, "code": icd10}]
    if snomed and not chart.dialect.chinese:
        codings.insert(0, {"system": SNOMED, "code": snomed, "display": text})
    chart.add(
        "Condition",
        key,
        clinicalStatus=concept(HL7 + "condition-clinical", "active"),
        verificationStatus=concept(HL7 + "condition-ver-status", "confirmed"),
        category=[concept(HL7 + "condition-category", kind)],
        code={"coding": codings, "text": chart.word(text, chinese)},
        subject=chart.patient,
        **dates,
    )


VISITS_ZH = (
    (r"SCREENING", "筛选期"),
    (r"CYCLE (\d+) DAY 1", r"第\1周期第1天"),
    (r"WEEK (\d+)", r"第\1周"),
    (r"MONTH (\d+)", r"第\1月"),
    (r"FOLLOW-UP (\d+)", r"随访\1"),
    (r"END OF TREATMENT", "治疗结束"),
    (r"UNSCHEDULED", "计划外访视"),
)


def visit_text(chart: Chart, name: str) -> str:
    """The name of a visit in the dialect."""
    if chart.dialect.chinese:
        for pattern, chinese in VISITS_ZH:
            name = re.sub(rf"^{pattern}$", chinese, name)
    return name


def _encounter(chart: Chart, visit: Visit) -> None:
    chart.add(
        "Encounter",
        visit.key,
        status="finished",
        **{"class": {"system": ACT_CLASS, "code": "AMB"}},
        type=[{"text": visit_text(chart, visit.name)}],
        subject=chart.patient,
        period={"start": iso(visit.day), "end": iso(visit.day)},
        serviceProvider=chart.ref("Organization", chart.course.site),
    )
    if visit.key.startswith("follow"):
        last_contact(chart, visit.key, visit.day, visit)


def last_contact(chart: Chart, key: str, day: int, visit: Visit | None = None) -> None:
    """The date of last contact, as LOINC 21975-8."""
    code = concept(LOINC, "21975-8", "Date last contact")
    chart.observe(f"contact-{key}", code, day, visit, valueDateTime=iso(day))


def drug_concept(chart: Chart, name: str) -> Json:
    """A drug by text and, where one was verified, ATC code."""
    drug = next((one for one in chart.study.drugs if one.name == name), None)
    code, chinese = {**PRIOR_DRUGS, **LATER_DRUGS}.get(name, ("", ""))
    if drug is not None:
        code = drug.codes[0].code if drug.codes else ""
        chinese = drug.terms[-1] if drug.terms else ""
    if chart.dialect.chinese:
        return concept(LOCAL + "drug", stable_id(name)[:8], chinese, chinese)
    return concept(ATC, code, name.capitalize(), name.capitalize())


def dose_key(drug: str, cycle: int) -> str:
    return f"dose-{drug}-{cycle}"


def write_dose(chart: Chart, dose: Dose) -> None:
    snomed, chinese = ROUTES[dose.route]
    when: Json = {"effectiveDateTime": iso(dose.start)}
    if dose.end is not None:
        when = {"effectivePeriod": {"start": iso(dose.start), "end": iso(dose.end)}}
    dosage: Json = {"route": chart.local(SNOMED, snomed, dose.route, chinese, "route")}
    if dose.status != "not-done":
        dosage["dose"] = quantity(dose.amount, dose.unit)
    chart.add(
        "MedicationAdministration",
        dose_key(dose.drug, dose.cycle),
        status=dose.status,
        statusReason=[reason_of(chart, dose.reason)] if dose.reason else [],
        medicationCodeableConcept=drug_concept(chart, dose.drug),
        subject=chart.patient,
        context=chart.encounter(chart.visit(f"cycle-{dose.cycle}")),
        dosage=dosage,
        note=[{"text": chart.word(dose.note, NOTES_ZH[dose.note])}] if dose.note else [],
        **when,
    )


def _therapy(chart: Chart, therapy: Therapy, number: int) -> None:
    start = therapy.start_text or iso(therapy.start)
    if therapy.kind != "drug":
        chinese = {"RADIOTHERAPY": "放射治疗", "HEPATECTOMY": "肝切除术"}[therapy.name]
        chart.add(
            "Procedure",
            f"therapy-{number}",
            status="completed",
            category={"text": chart.word("subsequent anticancer therapy", THERAPIES_ZH["subsequent"])},
            code={"text": chart.word(therapy.name, chinese)},
            subject=chart.patient,
            performedDateTime=start,
        )
        return
    kind = "prior" if therapy.prior else "subsequent"
    chart.add(
        "MedicationStatement",
        f"therapy-{number}",
        status="completed" if therapy.end is not None else "active",
        category={"text": chart.word(f"{kind} anticancer therapy", THERAPIES_ZH[kind])},
        medicationCodeableConcept=drug_concept(chart, therapy.name),
        subject=chart.patient,
        effectivePeriod={"start": start, **({"end": iso(therapy.end)} if therapy.end is not None else {})},
    )


def write_shared(study: Study, seed: int, meta: Json) -> list[Json]:
    """Sites, readers and the study itself: one list for all patients."""

    def resource(kind: str, key: str, content: Json) -> Json:
        return {"resourceType": kind, "id": stable_id(f"{seed}|{study.id}|{kind}|{key}"), "meta": meta, **content}

    made = []
    for number in range(1, study.design.sites + 1):
        site = f"{number:02d}"
        content: Json = {"identifier": [{"system": URN + "site", "value": site}], "name": f"Synthetic site {site}"}
        made.append(resource("Organization", site, content))
    for reader in ("INVESTIGATOR", "INDEPENDENT ASSESSOR"):
        content = {"identifier": [{"system": URN + "reader", "value": reader}], "name": [{"text": reader.title()}]}
        made.append(resource("Practitioner", reader, content))
    content = {
        "identifier": [{"system": URN + "study", "value": study.studyid}],
        "title": study.title,
        "status": "completed",
        "arm": [{"name": arm.code, "description": arm.label} for arm in study.arms],
    }
    made.append(resource("ResearchStudy", "", content))
    return made
