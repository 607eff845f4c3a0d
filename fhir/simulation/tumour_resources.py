"""Lesions, their measurements, responses and the scans behind them."""

from __future__ import annotations

from fhir2cdisc.fhir.simulation.chart import Chart, Json, quantity, stable_id
from fhir2cdisc.fhir.simulation.dialects import ONCRSR, WORDS_ZH, category, concept, overall_response
from fhir2cdisc.fhir.simulation.plan import Assessment, Lesion, Read, Visit, iso
from fhir2cdisc.fhir.simulation.tumours import TOO_SMALL
from fhir2cdisc.fhir.simulation.vocabulary import HL7, LOCAL, LOINC, NCIT, ORGANS, SNOMED, URN

ROLES = {"TARGET": ("C94520", "靶病灶"), "NON-TARGET": ("C94521", "非靶病灶"), "NEW": ("C94522", "新病灶")}
STATES_ZH = {"PRESENT": "存在", "ABSENT": "消失", "UNEQUIVOCAL INCREASE": "明确进展"}
CODES_ZH = {
    "TUMIDENT": "病灶确认",
    "TUMERGE": "病灶融合",
    "LPERP": "短径",
    "LDIAM": "长径",
    "TUMSTATE": "病灶状态",
    "TRGRESP": "靶病灶评价",
    "NTRGRESP": "非靶病灶评价",
    "NEWLIND": "新病灶",
}
NCIT_CODES = {
    "TUMIDENT": "C94523",
    "TUMERGE": "C94525",
    "LPERP": "C96685",
    "TUMSTATE": "C96643",
    "TRGRESP": "C94534",
    "NTRGRESP": "C94535",
    "NEWLIND": "C142362",
}


def write_tumours(chart: Chart) -> None:
    """Body structures first, then every assessment with the readings of every reader."""
    for lesion in _all_lesions(chart):
        _structure(chart, lesion)
    for one in chart.course.assessments:
        visit = chart.visit(f"scan-{one.number}")
        _imaging(chart, one, visit)
        for read in one.reads:
            _identify(chart, one, read, visit)
            _measure(chart, one, read, visit)
            if one.number:
                _respond(chart, one, read, visit)


def _all_lesions(chart: Chart) -> list[Lesion]:
    found = {one.id: one for one in chart.course.lesions}
    for assessment in chart.course.assessments:
        for read in assessment.reads:
            found.update({one.id: one for one in read.new})
    return list(found.values())


def coded(chart: Chart, word: str) -> Json:
    """The code of a kind of tumour observation: NCIt, or the Chinese hospital's own."""
    if chart.dialect.chinese:
        return concept(LOCAL + "item", word, CODES_ZH[word], CODES_ZH[word])
    return concept(NCIT, NCIT_CODES[word], word)


def _structure(chart: Chart, lesion: Lesion) -> None:
    organ = ORGANS[lesion.organ]
    location = concept(SNOMED, organ.snomed, text=organ.loc)
    if chart.dialect.chinese:
        location = concept(LOCAL + "organ", organ.loc, organ.zh, organ.zh)
    chart.add(
        "BodyStructure",
        lesion.id,
        identifier=[{"system": URN + "lesion", "value": lesion.id}],
        location=location,
        patient=chart.patient,
    )


def _by(chart: Chart, read: Read) -> Json:
    """Who read it: performer, and the role of the reader as an extension."""
    return {
        "performer": [chart.ref("Practitioner", read.evaluator)],
        "extension": [{"url": URN + "evaluator", "valueString": read.evaluator}],
    }


def _focus(chart: Chart, *names: str) -> list[Json]:
    return [chart.ref("BodyStructure", name) for name in names]


def _ct(chart: Chart) -> Json:
    return chart.local(SNOMED, "77477000", "Computed tomography", "CT", "method")


def _identify(chart: Chart, one: Assessment, read: Read, visit: Visit | None) -> None:
    lesions = chart.course.lesions if one.number == 0 else read.new
    for lesion in lesions:
        code, chinese = ROLES[lesion.role]
        role = concept(NCIT, code, lesion.role, lesion.role)
        if chart.dialect.chinese:
            role = concept(LOCAL + "role", code, chinese, chinese)
        key = f"identify-{one.number}-{read.evaluator}-{lesion.id}"
        chart.observe(
            key,
            coded(chart, "TUMIDENT"),
            one.day,
            visit,
            category=category("imaging"),
            focus=_focus(chart, lesion.id),
            valueCodeableConcept=role,
            method=_ct(chart),
            **_by(chart, read),
        )
    if read.merged:
        chart.observe(
            f"merge-{one.number}-{read.evaluator}",
            coded(chart, "TUMERGE"),
            one.day,
            visit,
            category=category("imaging"),
            focus=_focus(chart, *read.merged),
            valueCodeableConcept={"text": chart.word("TARGET", "靶病灶")},
            method=_ct(chart),
            **_by(chart, read),
        )


def _measure(chart: Chart, one: Assessment, read: Read, visit: Visit | None) -> None:
    for lesion in chart.course.lesions:
        if lesion.role == "TARGET":
            content = _size(chart, lesion, read.sizes[lesion.id])
            content["note"] = _remark(chart, one, lesion, read.sizes[lesion.id])
        else:
            content = _state(chart, read.states[lesion.id])
        _write(chart, one, read, visit, lesion, content)
    for lesion in read.new:
        _write(chart, one, read, visit, lesion, _state(chart, "PRESENT"))


def _remark(chart: Chart, one: Assessment, lesion: Lesion, size: int | None) -> list[Json]:
    """What explains a size: a lesion that merged into another one is 0 mm, a hardly visible one 5 mm."""
    pairs = [a.reads[0].merged for a in chart.course.assessments[: one.number + 1]]
    for pair in pairs:
        if pair is not None and lesion.id == pair[1] and size == 0:
            return [{"text": chart.word(f"merged into {pair[0]}", f"与{pair[0]}融合")}]
    if size == TOO_SMALL and not lesion.node:
        return [{"text": chart.word("present, too small to measure", "存在，过小无法测量")}]
    return []


def _write(chart: Chart, one: Assessment, read: Read, visit: Visit | None, lesion: Lesion, content: Json) -> None:
    chart.observe(
        f"measure-{one.number}-{read.evaluator}-{lesion.id}",
        content.pop("code"),
        one.day,
        visit,
        category=category("imaging"),
        focus=_focus(chart, lesion.id),
        method=_ct(chart),
        **content,
        **_by(chart, read),
    )


ABSENT_VALUE = concept(HL7 + "data-absent-reason", "not-performed")


def _size(chart: Chart, lesion: Lesion, size: int | None) -> Json:
    """Long diameter as an mCODE tumour size with a component; short axis of a node as a value."""
    value = None
    if size is not None:
        value = quantity(size / 10, "cm") if chart.course.centimetres else quantity(size, "mm")
    found = {"valueQuantity": value} if value is not None else {"dataAbsentReason": ABSENT_VALUE}
    if lesion.node:
        return {"code": coded(chart, "LPERP"), **found}
    if chart.dialect.chinese:
        return {"code": coded(chart, "LDIAM"), **found}
    code = concept(LOINC, "21889-1", "Size Tumor")
    if value is None:
        return {"code": code, **found}
    part = {"code": concept(LOINC, "33728-7", "Size.maximum dimension in Tumor"), **found}
    return {"code": code, "component": [part]}


def _state(chart: Chart, state: str | None) -> Json:
    code = coded(chart, "TUMSTATE")
    if state is None:
        return {"code": code, "dataAbsentReason": ABSENT_VALUE}
    return {"code": code, "valueCodeableConcept": {"text": chart.word(state, STATES_ZH[state])}}


def _respond(chart: Chart, one: Assessment, read: Read, visit: Visit | None) -> None:
    method = chart.local(NCIT, "C124415", "RECIST 1.1", "RECIST 1.1", "criteria")
    parts = [("TRGRESP", read.target), ("NTRGRESP", read.nontarget), ("NEWLIND", "Y" if read.new else "N")]
    for name, value in parts:
        if value:
            chart.observe(
                f"{name}-{one.number}-{read.evaluator}",
                coded(chart, name),
                one.day,
                visit,
                category=category("imaging"),
                method=method,
                valueCodeableConcept=_call(chart, value),
                **_by(chart, read),
            )
    code, element, value_of = overall_response(chart.dialect, read.overall)
    chart.observe(
        f"OVRLRESP-{one.number}-{read.evaluator}",
        code,
        one.day,
        visit,
        category=category("imaging"),
        method=method,
        **{element: value_of},
        **_by(chart, read),
    )


def _call(chart: Chart, value: str) -> Json:
    if value in ("Y", "N"):
        return {"text": chart.word(value, {"Y": "是", "N": "否"}[value])}
    if chart.dialect.chinese:
        return concept(LOCAL + "response", value, WORDS_ZH[value], f"{WORDS_ZH[value]}({value})")
    return concept(NCIT, ONCRSR[value], value)


def _imaging(chart: Chart, one: Assessment, visit: Visit | None) -> None:
    uid = int(stable_id(f"{chart.prefix}{chart.course.subjid}|{one.number}").replace("-", ""), 16)
    chart.add(
        "ImagingStudy",
        f"scan-{one.number}",
        identifier=[{"system": "urn:dicom:uid", "value": f"urn:oid:2.25.{uid}"}],
        status="available",
        modality=[{"system": "http://dicom.nema.org/resources/ontology/DCM", "code": "CT"}],
        subject=chart.patient,
        encounter=chart.encounter(visit),
        started=iso(one.day),
        numberOfSeries=1,
    )
