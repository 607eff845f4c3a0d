"""How different hospitals write the same facts: response encodings, the place of the CTCAE grade, language.

The default uses the NCI Thesaurus codes of the CDISC terms. `response-a` to `response-f` are the six encodings of
overall response and `grade-1` to `grade-5` the five places of the grade that were seen in published profiles;
`hospital-cn` has Chinese display texts and local codes. docs/simulator.md lists them one by one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from fhir2cdisc.fhir.simulation.vocabulary import HL7, LOCAL, LOINC, NCIT, SNOMED

Json = dict[str, Any]
RADLEX = "https://radlex.org"
MII = "https://www.medizininformatik-initiative.de/fhir/ext/modul-onko/CodeSystem/"
TWPAS = "https://nhicore.nhi.gov.tw/pas/CodeSystem/nhi-tx-ast"
US_GRADE = "http://hl7.org/fhir/us/ctcae/StructureDefinition/ctcae-grade"
US_GRADE_CODES = "http://hl7.org/fhir/us/ctcae/CodeSystem/ctcae-grade-code-system"
BACKPORT_GRADE = "http://hl7.org/fhir/uv/ae-research-backport-ig/StructureDefinition/ae-grade"
ONCONOVA_GRADE = "http://onconova.github.io/fhir/StructureDefinition/onconova-ext-ctc-grade"
RESEARCH_GRADE = "http://hl7.org/fhir/uv/adverseeventclinicalresearch/StructureDefinition/severity-or-grade"
RESEARCH_GRADE_CODES = (
    "http://hl7.org/fhir/uv/adverseeventclinicalresearch/CodeSystem/adverse-event-severity-or-grade-cs"
)
GRADE_WORDS = {1: "Mild", 2: "Moderate", 3: "Severe", 4: "Life threatening", 5: "Death"}

ONCRSR = {
    "CR": "C4870",
    "PR": "C18058",
    "SD": "C18213",
    "PD": "C35571",
    "NE": "C62222",
    "NON-CR/NON-PD": "C96700",
}
ANSWERS = {"CR": "LA28366-5", "PR": "LA28369-9", "SD": "LA28371-5", "PD": "LA28370-7", "NE": "LA9348-9"}
RADLEX_VALUES = {"CR": "RID11511", "PR": "RID11513", "SD": "RID11514", "PD": "RID11515"}
OBDS = {"CR": "V", "PR": "T", "SD": "K", "PD": "P", "NE": "U"}
WORDS = {
    "CR": "Complete response",
    "PR": "Partial response",
    "SD": "Stable disease",
    "PD": "Progressive disease",
    "NE": "Not evaluable",
    "NON-CR/NON-PD": "Non-CR/Non-PD",
}
WORDS_ZH = {
    "CR": "完全缓解",
    "PR": "部分缓解",
    "SD": "疾病稳定",
    "PD": "疾病进展",
    "NE": "无法评估",
    "NON-CR/NON-PD": "非完全缓解/非疾病进展",
}


@dataclass(frozen=True, slots=True)
class Dialect:
    """A way of writing: `response` nci, a-f or cn; `grade` place 1-5; `chinese` texts with local codes."""

    response: str = "nci"
    grade: int = 1
    chinese: bool = False


# What each dialect changes in the default.
_CHANGES: dict[str, dict[str, Any]] = {
    "nci": {},
    **{f"response-{letter}": {"response": letter} for letter in "abcdef"},
    **{f"grade-{number}": {"grade": number} for number in range(1, 6)},
    "hospital-cn": {"response": "cn", "chinese": True},
}
NAMES = tuple(_CHANGES)


def dialect_of(names: tuple[str, ...]) -> Dialect:
    """The dialect that several names describe together; ValueError names one that does not exist."""
    made = Dialect()
    for name in names:
        if name not in _CHANGES:
            raise ValueError(f"dialect {name!r} does not exist (there are: {', '.join(NAMES)})")
        made = replace(made, **_CHANGES[name])
    return made


def concept(system: str, code: str, display: str = "", text: str = "") -> Json:
    """A CodeableConcept with one coding (none without code) and, if given, a text."""
    made: Json = {}
    if code:
        made["coding"] = [{"system": system, "code": code, **({"display": display} if display else {})}]
    if text:
        made["text"] = text
    return made


def overall_response(dialect: Dialect, response: str) -> tuple[Json, str, Json | str]:
    """Code, name of the value element and value of an overall response."""
    text = WORDS[response]
    if dialect.response == "a":
        return (
            concept(LOINC, "97509-4", "Cancer Disease Progression"),
            "valueCodeableConcept",
            _value(LOINC, ANSWERS, response),
        )
    if dialect.response == "b":
        return (
            concept(RADLEX, "RID11510", "Therapeutic response"),
            "valueCodeableConcept",
            _value(RADLEX, RADLEX_VALUES, response),
        )
    if dialect.response == "c":
        return concept(LOINC, "21976-6", "Cancer outcome status"), "valueCodeableConcept", {"text": text}
    if dialect.response == "d":
        return (
            concept(LOINC, "88040-1", "Response to cancer treatment"),
            "valueCodeableConcept",
            _value(LOINC, ANSWERS, response),
        )
    if dialect.response == "e":
        code = concept(SNOMED, "396432002", "Status of regression of tumor")
        return code, "valueCodeableConcept", _value(MII + "mii-cs-onko-verlauf-gesamtbeurteilung", OBDS, response)
    if dialect.response == "f":
        return concept(TWPAS, "REC1", "RECIST 1.1"), "valueString", "inevaluable" if response == "NE" else response
    if dialect.response == "cn":
        value = concept(LOCAL + "response", response, WORDS_ZH[response], f"{WORDS_ZH[response]}({response})")
        return concept(LOCAL + "item", "OVRLRESP", "总体疗效评价", "总体疗效评价"), "valueCodeableConcept", value
    return concept(NCIT, "C96613", "OVRLRESP"), "valueCodeableConcept", concept(NCIT, ONCRSR[response], response)


def _value(system: str, codes: dict[str, str], response: str) -> Json:
    return concept(system, codes.get(response, ""), WORDS[response], WORDS[response])


def put_grade(dialect: Dialect, event: Json, grade: int) -> None:
    """Write a CTCAE grade into an AdverseEvent at the dialect's place."""
    word = GRADE_WORDS[grade]
    if dialect.grade == 3:
        event["severity"] = concept(MII + "mii-cs-onko-nebenwirkung-ctcae-grad", str(grade), word)
        return
    if dialect.grade == 4:
        event["extension"].append({"url": ONCONOVA_GRADE, "valueInteger": grade})
        return
    url, system = {
        1: (US_GRADE, US_GRADE_CODES),
        2: (BACKPORT_GRADE, US_GRADE_CODES),
        5: (RESEARCH_GRADE, RESEARCH_GRADE_CODES),
    }[dialect.grade]
    value = concept(system, str(grade), word)
    if dialect.chinese:
        value = concept(LOCAL + "grade", str(grade), f"{grade}级", f"{grade}级")
    event["extension"].append({"url": url, "valueCodeableConcept": value})


def category(code: str) -> list[Json]:
    """The category of an Observation."""
    return [concept(HL7 + "observation-category", code)]
