"""Examinations, laboratory tests, adverse events, questionnaires, genomics, tumour boards, death and last contact."""

from __future__ import annotations

from fhir2cdisc.fhir.simulation.chart import Chart, Json, quantity
from fhir2cdisc.fhir.simulation.dialects import category, concept, put_grade
from fhir2cdisc.fhir.simulation.plan import AdverseEvent, Board, Course, Form, Visit, iso
from fhir2cdisc.fhir.simulation.subject_resources import dose_key, drug_concept, last_contact
from fhir2cdisc.fhir.simulation.vocabulary import AE_TERMS, GENES, HL7, LABS, LOCAL, LOINC, NCIT, URN, VITALS, Gene

RESOLVED = "http://hl7.org/fhir/us/ctcae/StructureDefinition/adverse-event-resolved-date"
INTERPRETATION = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"
CAUSES_ZH = {"DISEASE PROGRESSION": "肿瘤进展", "ADVERSE EVENT": "不良事件", "OTHER": "其他"}
VARIANT = ("69548-6", "Genetic variant assessment")
REGION_STUDIED = ("53041-0", "DNA region of interest panel")
ACTIONS = {"DOSE NOT CHANGED": "C49504", "DOSE REDUCED": "C49505", "DRUG WITHDRAWN": "C49502"}


def write_records(chart: Chart) -> None:
    """Everything that is found, reported or decided about the patient beside the tumours."""
    for visit in chart.course.visits:
        _examination(chart, visit)
    for event in chart.course.events:
        _adverse_event(chart, event)
    for form in chart.course.forms:
        _questionnaire(chart, form)
    _markers(chart)
    for board in chart.course.boards:
        _board(chart, board)
    _end(chart)


def _clock(day: int) -> str:
    return f"{iso(day)}T08:30:00+08:00"


def _examination(chart: Chart, visit: Visit) -> None:
    if visit.ecog is not None:
        code = concept(LOINC, "89247-1", "ECOG Performance Status score")
        if chart.dialect.chinese:
            code = concept(LOCAL + "item", "ECOG", "ECOG评分", "ECOG评分")
        chart.observe(f"ecog-{visit.key}", code, visit.day, visit, category=category("survey"), valueInteger=visit.ecog)
    for name, value in visit.labs.items():
        _lab(chart, visit, name, value)
    _vital_signs(chart, visit)


def _lab(chart: Chart, visit: Visit, name: str, value: float) -> None:
    lab = LABS[name]
    flag = "L" if value < lab.low else "H" if value > lab.high else "N"
    code = concept(LOINC, lab.loinc, lab.text, lab.text)
    if chart.dialect.chinese:
        code = concept(LOCAL + "lab", name, lab.zh, lab.zh)
    chart.observe(
        f"lab-{visit.key}-{name}",
        code,
        _clock(visit.day),
        visit,
        category=category("laboratory"),
        valueQuantity=quantity(value, lab.unit),
        interpretation=[concept(INTERPRETATION, flag)],
        referenceRange=[{"low": quantity(lab.low, lab.unit), "high": quantity(lab.high, lab.unit)}],
    )


def _vital_code(chart: Chart, name: str) -> Json:
    vital = VITALS[name]
    if chart.dialect.chinese:
        return concept(LOCAL + "vital", name, vital.zh, vital.zh)
    return concept(LOINC, vital.loinc, vital.text)


def _vital_signs(chart: Chart, visit: Visit) -> None:
    for name, value in visit.vitals.items():
        if name in ("SYSBP", "DIABP"):
            continue
        chart.observe(
            f"vital-{visit.key}-{name}",
            _vital_code(chart, name),
            _clock(visit.day),
            visit,
            category=category("vital-signs"),
            valueQuantity=quantity(value, VITALS[name].unit),
        )
    if "SYSBP" in visit.vitals:
        parts = [
            {"code": _vital_code(chart, name), "valueQuantity": quantity(visit.vitals[name], VITALS[name].unit)}
            for name in ("SYSBP", "DIABP")
        ]
        code = concept(LOINC, "85354-9", "Blood pressure panel")
        chart.observe(
            f"vital-{visit.key}-BP", code, _clock(visit.day), visit, category=category("vital-signs"), component=parts
        )


def _adverse_event(chart: Chart, event: AdverseEvent) -> None:
    term = next(one for one in AE_TERMS if one.text == event.term)
    named = concept(NCIT, "" if chart.dialect.chinese else term.ncit, term.text, chart.word(term.text, term.zh))
    serious = "serious" if event.serious else "non-serious"
    action = concept(NCIT, ACTIONS[event.action], event.action, event.action)
    extension: list[Json] = [{"url": URN + "action-taken", "valueCodeableConcept": action}]
    if not chart.dialect.chinese:
        named.setdefault("coding", []).append({"system": URN + "dictionary", "code": term.text, "display": term.text})
        extension.append({"url": URN + "body-system", "valueCodeableConcept": {"text": term.system}})
    if event.end is not None:
        extension.append({"url": RESOLVED, "valueDateTime": iso(event.end)})
    made = chart.add(
        "AdverseEvent",
        f"ae-{event.number}",
        extension=extension,
        actuality="actual",
        event=named,
        subject=chart.patient,
        date=event.start_text,
        recordedDate=iso(min(event.start + 2, chart.course.end)),
        seriousness=concept(HL7 + "adverse-event-seriousness", serious, serious.capitalize()),
        outcome=concept(HL7 + "adverse-event-outcome", event.outcome),
        recorder=chart.ref("Practitioner", "INVESTIGATOR"),
        suspectEntity=[_suspect(chart, event)],
    )
    put_grade(chart.dialect, made, event.grade)


def _suspect(chart: Chart, event: AdverseEvent) -> Json:
    given = [one for one in chart.course.doses if one.drug == event.drug and one.status != "not-done"]
    before = [one for one in given if one.start <= event.start]
    dose = before[-1] if before else given[0]
    word = chart.word("RELATED", "相关") if event.related else chart.word("NOT RELATED", "无关")
    return {
        "instance": chart.ref("MedicationAdministration", dose_key(dose.drug, dose.cycle)),
        "causality": [{"assessment": {"text": word}}],
    }


def form_visit(course: Course, form: Form) -> Visit | None:
    """The visit at which a form was filled in."""
    same = [one for one in course.visits if one.day == form.day]
    return next((one for one in same if one.name == form.visit), same[0] if same else None)


def _questionnaire(chart: Chart, form: Form) -> None:
    canonical = next(one.canonical for one in chart.study.questionnaires if one.code == form.code)
    chart.add(
        "QuestionnaireResponse",
        f"form-{form.code}-{form.day}",
        questionnaire=canonical,
        status="completed",
        subject=chart.patient,
        encounter=chart.encounter(form_visit(chart.course, form)),
        authored=iso(form.day),
        source=chart.patient,
        item=[{"linkId": code, "answer": [{"valueInteger": value}]} for code, value in form.answers.items()],
    )


def _markers(chart: Chart) -> None:
    course = chart.course
    if course.variant_day is None:
        return
    day, lab = course.variant_day, category("laboratory")
    for at in course.variants:
        _variant(chart, at, day)
    parts = [gene_part(gene) for gene in GENES]
    chart.observe("panel", concept(LOINC, *REGION_STUDIED), day, category=lab, component=parts)
    if course.tmb is not None:
        value = {**quantity(course.tmb, "1/1000000{Base}"), "unit": "mut/Mb"}
        chart.observe("tmb", concept(LOINC, "94076-7", "Mutations/Megabase"), day, category=lab, valueQuantity=value)
    if course.msi:
        code = ("LA26203-2", "MSI-H") if course.msi == "MSI-H" else ("LA14122-8", "Stable")
        name = concept(LOINC, "81695-9", "Microsatellite instability")
        chart.observe("msi", name, day, category=lab, valueCodeableConcept=concept(LOINC, *code))
    if course.pdl1 is not None:
        _pdl1(chart, "TUMOR PROPORTION SCORE", quantity(course.pdl1, "%"))
    if course.cps is not None:
        _pdl1(chart, "COMBINED POSITIVE SCORE", quantity(course.cps, "{score}"))


def _pdl1(chart: Chart, detail: str, value: Json) -> None:
    """PD-L1 by immunohistochemistry; one code for both scores, so an extension says which it is."""
    chart.observe(
        f"pdl1-{detail}",
        concept(LOINC, "85147-7", "PD-L1 by clone 22C3"),
        chart.course.variant_day or 0,
        extension=[{"url": URN + "test-detail", "valueString": detail}],
        category=category("laboratory"),
        valueQuantity=value,
    )


def gene_part(gene: Gene) -> Json:
    """The component that names a gene, of a variant or of a panel."""
    symbol = concept("http://www.genenames.org/geneId", gene.hgnc, gene.symbol)
    return {"code": concept(LOINC, "48018-6"), "valueCodeableConcept": symbol}


def _variant(chart: Chart, at: int, day: int) -> None:
    gene = GENES[at]
    vaf = (at * 37 + chart.course.index * 11) % 45 + 3
    parts = [
        ("48004-6", {"valueCodeableConcept": concept("http://varnomen.hgvs.org", gene.coding, gene.coding)}),
        ("48005-3", {"valueCodeableConcept": concept("http://varnomen.hgvs.org", gene.protein, gene.protein)}),
        ("81258-6", {"valueQuantity": quantity(vaf / 100, "1")}),
    ]
    chart.observe(
        f"variant-{gene.symbol}",
        concept(LOINC, *VARIANT),
        day,
        category=category("laboratory"),
        valueCodeableConcept=concept(LOINC, "LA9633-4", "Present"),
        component=[gene_part(gene), *({"code": concept(LOINC, code), **value} for code, value in parts)],
    )


def _board(chart: Chart, board: Board) -> None:
    genes = {GENES[at].symbol for at in chart.course.variants}
    if board.number > 1:
        second = [at for at, gene in enumerate(GENES) if gene.symbol in board.genes and gene.symbol not in genes]
        for at in second:
            _variant(chart, at, board.day - 1)
    chart.add(
        "CarePlan",
        f"board-{board.number}",
        status="active",
        intent="proposal",
        category=[{"text": chart.word("molecular tumour board", "分子肿瘤专家委员会")}],
        subject=chart.patient,
        created=iso(board.day),
        supportingInfo=[chart.ref("Observation", f"variant-{gene}") for gene in board.genes],
        activity=[
            {"detail": {"status": "scheduled", "productCodeableConcept": drug_concept(chart, drug)}}
            for drug in board.drugs
        ],
    )


def _end(chart: Chart) -> None:
    course = chart.course
    if course.death is None:
        last_contact(chart, "last", course.end)
        return
    cause = chart.word(course.cause, CAUSES_ZH[course.cause])
    code = concept(LOINC, "69453-9", "Cause of Death [US Standard Certificate of Death]")
    chart.observe("cause-of-death", code, course.death, valueCodeableConcept={"text": cause})
