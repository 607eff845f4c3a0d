"""Observations as hospitals send them: components, values of every kind, staging, names of code systems, free text.

Expected values come from the guide (SDTMIG 3.4, 4.5.1 and 6.3), from FHIR R4 (Observation) and from arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from fhir2cdisc.converters.run.pipeline import RunOptions, SdtmRun
from fhir2cdisc.sdtm.rows.unused import unused

Convert = Callable[..., SdtmRun]
Make = Callable[..., dict[str, Any]]
LOINC, SNOMED = "http://loinc.org", "http://snomed.info/sct"
MII = "https://www.medizininformatik-initiative.de/fhir/ext/modul-onko/CodeSystem/"
LAB = [{"coding": [{"code": "laboratory"}]}]
DAY = {"effectiveDateTime": "2024-03-01"}


def concept(code: str, system: str = LOINC, **more: Any) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}], **more}


def quantity(value: float, unit: str = "", **more: Any) -> dict[str, Any]:
    return {"valueQuantity": {"value": value, **({"unit": unit, "code": unit} if unit else {}), **more}}


def part(code: str, system: str = LOINC, **more: Any) -> dict[str, Any]:
    return {"code": concept(code, system), **more}


@pytest.fixture
def observed(convert: Convert, fhir: Make) -> Callable[..., SdtmRun]:
    """SDTM of one Observation, on one day, of one patient."""

    def run(**elements: Any) -> SdtmRun:
        return convert([fhir("Patient", "p"), fhir("Observation", "o", **{**DAY, **elements})])

    return run


def cells(made: SdtmRun, domain: str, *names: str) -> list[tuple[Any, ...]]:
    """The rows of a domain; blank for a variable that is in no row."""
    frame = made.sdtm.frames.get(domain)
    if frame is None:
        return []
    return [tuple(row.get(name, "") for name in names) for row in frame.fillna("").to_dict("records")]


def findings(made: SdtmRun) -> list[str]:
    """rule and variable of what was found, but for the trial summary's unknown parameters and numbers without a key."""
    every = [*made.accounts.findings, *made.sdtm.findings]
    return sorted(f"{f.rule} {f.variable}".strip() for f in every if not f.rule.startswith(("ts.", "privacy.")))


PANEL = {"category": LAB, "code": concept("24331-1")}
MEASURE = part("2093-3", **quantity(180, "mg/dL")), part("718-7", **quantity(13, "g/dL"))
# Components of one Observation | domain | variables | rows | findings
COMPONENTS: list[tuple[str, dict[str, Any], str, tuple[str, ...], list[tuple[Any, ...]], list[str]]] = [
    (
        "a panel without a result is its tests",
        {**PANEL, "component": list(MEASURE)},
        "LB",
        ("LBTESTCD", "LBORRES", "LBORRESU", "LBDTC"),
        [("CHOL", "180", "mg/dL", "2024-03-01"), ("HGB", "13", "g/dL", "2024-03-01")],
        [],
    ),
    (
        "a result of its own stays",
        {**PANEL, "code": concept("777-3"), **quantity(250, "10*9/L"), "component": list(MEASURE)},
        "LB",
        ("LBTESTCD", "LBORRES"),
        [("CHOL", "180"), ("HGB", "13"), ("PLAT", "250")],
        [],
    ),
    (
        "a component of no test is kept under its own term, too",
        {**PANEL, "component": [MEASURE[1], part("99999-9", valueString="pale")]},
        "LB",
        ("LBTESTCD", "LBTEST", "LBORRES"),
        [("", "99999-9", "pale"), ("HGB", "Hemoglobin", "13")],
        ["code.no-test"],
    ),
    (
        "interpretation and range are the component's, not the panel's",
        {
            **PANEL,
            "interpretation": [concept("H", "x")],
            "referenceRange": [{"low": {"value": 1}}],
            "component": [MEASURE[0], {**MEASURE[1], "referenceRange": [{"low": {"value": 12, "unit": "g/dL"}}]}],
        },
        "LB",
        ("LBTESTCD", "LBNRIND", "LBORNRLO"),
        [("CHOL", "", ""), ("HGB", "", "12")],
        [],
    ),
    (
        "a component that was not measured says so",
        {
            "code": concept("85354-9"),
            "component": [
                part("8480-6", **quantity(120, "mm[Hg]")),
                part("8462-4", dataAbsentReason={"coding": [{"code": "not-performed", "display": "Not Performed"}]}),
            ],
        },
        "VS",
        ("VSTESTCD", "VSORRES", "VSSTAT", "VSREASND"),
        [("DIABP", "", "NOT DONE", "Not Performed"), ("SYSBP", "120", "", "")],
        [],
    ),
    (
        "average blood pressure (US Core) is a mean of readings",
        {
            "code": concept("96607-7"),
            "component": [part("96608-5", **quantity(109, "mm[Hg]")), part("96609-3", **quantity(44, "mm[Hg]"))],
        },
        "VS",
        ("VSTESTCD", "VSCAT", "VSORRES"),
        [("DIABP", "MEAN OF READINGS", "44"), ("SYSBP", "MEAN OF READINGS", "109")],
        [],
    ),
    (
        "T, N and M inside a stage group",
        {
            "code": concept("21908-9"),
            "valueCodeableConcept": {"text": "IIB"},
            "component": [
                part("21905-5", valueCodeableConcept={"text": "cT2"}),
                part("399534004", SNOMED, valueCodeableConcept={"text": "cN1"}),
            ],
        },
        "RS",
        ("RSTEST", "RSCAT", "RSORRES"),
        [
            ("Clinical TNM Stage Group", "TNM", "IIB"),
            ("Clinical T Category", "TNM", "cT2"),
            ("Clinical N Category", "TNM", "cN1"),
        ],
        [],
    ),
    (
        "the course of a tumour (MII Verlauf) has three more judgements",
        {
            "code": concept("396432002", SNOMED),
            "valueCodeableConcept": concept("P", f"{MII}mii-cs-onko-verlauf-gesamtbeurteilung"),
            "component": [
                part("277062004", SNOMED, valueCodeableConcept={"text": "Tumorreste"}),
                part("399656008", SNOMED, valueCodeableConcept={"text": "Progress"}),
                part("399608002", SNOMED, valueCodeableConcept={"text": "keine"}),
            ],
        },
        "RS",
        ("RSTESTCD", "RSTEST", "RSORRES", "RSSTRESC"),
        [
            ("", "Local Tumor Status", "Tumorreste", "Tumorreste"),
            ("", "Regional Lymph Node Status", "Progress", "Progress"),
            ("", "Distant Metastasis Status", "keine", "keine"),
            ("OVRLRESP", "Overall Response", "P", "PD"),
        ],
        [],
    ),
]


@pytest.mark.parametrize(
    ("why", "elements", "domain", "names", "rows", "found"), COMPONENTS, ids=[c[0] for c in COMPONENTS]
)
def test_a_component_that_is_a_test_is_a_record(
    observed: Callable[..., SdtmRun],
    why: str,
    elements: dict[str, Any],
    domain: str,
    names: tuple[str, ...],
    rows: list[tuple[Any, ...]],
    found: list[str],
) -> None:
    made = observed(**elements)
    assert sorted(cells(made, domain, *names)) == sorted(rows), why
    assert findings(made) == found
    lineage = made.sdtm.lineage
    assert (lineage.loc[lineage["DATASET"] == domain, "ID"] == "o").sum() == len(rows)


def test_a_group_of_observations_without_a_result_is_no_record(convert: Convert, fhir: Make) -> None:
    group = fhir("Observation", "g", code=concept("24331-1"), category=LAB, hasMember=[{"reference": "Observation/o"}])
    member = fhir("Observation", "o", code=concept("718-7"), **quantity(13, "g/dL"), **DAY)
    made = convert([fhir("Patient", "p"), group, member])
    assert cells(made, "LB", "LBTESTCD") == [("HGB",)]
    reason = "it has no result and only groups other observations"
    assert made.accounts.counts[("Observation", "not needed", reason)] == 1


HB = {"code": concept("718-7")}
NO_RESULT, NO_UNIT = "record.incomplete LBORRES", "unit.missing LBORRESU"
TITRE = {"numerator": {"value": 1}, "denominator": {"value": 128}}
# The value of a hemoglobin | --ORRES, --ORRESU, --STRESC, --STRESN, --STRESU | findings
VALUES: list[tuple[str, dict[str, Any], tuple[Any, ...], list[str]]] = [
    ("a number in another unit", quantity(12, "g/dL"), ("12", "g/dL", "120", 120.0, "g/L"), []),
    ("a comparator", quantity(5, "g/dL", comparator="<"), ("<5", "g/dL", "<50", "", "g/L"), []),
    ("a number without a unit has no known scale", quantity(12), ("12", "", "12", "", ""), [NO_UNIT]),
    ("valueInteger has no unit", {"valueInteger": 12}, ("12", "", "12", "", ""), [NO_UNIT]),
    ("nor has a text", {"valueString": "12"}, ("12", "", "12", "", ""), [NO_UNIT]),
    ("a comparator without a unit", quantity(12, comparator=">"), (">12", "", ">12", "", ""), [NO_UNIT]),
    (
        "a range",
        {"valueRange": {"low": {"value": 11, "code": "g/dL"}, "high": {"value": 12, "code": "g/dL"}}},
        ("11-12", "g/dL", "110-120", "", "g/L"),
        [],
    ),
    ("a titre", {"valueRatio": TITRE}, ("1:128", "", "1:128", "", ""), []),
    ("a time", {"valueTime": "08:30:00"}, ("08:30:00", "", "08:30:00", "", ""), []),
    (
        "a period",
        {"valuePeriod": {"start": "2024-01-01", "end": "2024-01-02"}},
        ("2024-01-01/2024-01-02", "", "2024-01-01/2024-01-02", "", ""),
        [],
    ),
    (
        "a series of samples is no result",
        {"valueSampledData": {"origin": {"value": 0}, "period": 1, "dimensions": 1, "data": "1 2"}},
        ("", "", "", "", ""),
        [NO_RESULT],
    ),
    ("nothing at all", {}, ("", "", "", "", ""), [NO_RESULT]),
    ("only a note", {"note": [{"text": "lost"}]}, ("", "", "", "", ""), [NO_RESULT]),
    (
        "an interpretation that is a result",
        {"interpretation": [{"coding": [{"code": "POS", "display": "Positive"}]}]},
        ("Positive", "", "Positive", "", ""),
        [],
    ),
    ("an interpretation that is none", {"interpretation": [concept("H", "x")]}, ("", "", "", "", ""), [NO_RESULT]),
]


@pytest.mark.parametrize(("why", "value", "row", "found"), VALUES, ids=[v[0] for v in VALUES])
def test_every_kind_of_value(
    observed: Callable[..., SdtmRun], why: str, value: dict[str, Any], row: tuple[Any, ...], found: list[str]
) -> None:
    made = observed(**HB, **value)
    assert cells(made, "LB", "LBORRES", "LBORRESU", "LBSTRESC", "LBSTRESN", "LBSTRESU") == [row], why
    assert findings(made) == found


def test_a_number_without_a_unit_is_said_with_subject_and_test(observed: Callable[..., SdtmRun]) -> None:
    made = observed(**HB, **quantity(12))
    (finding,) = [f for f in made.sdtm.findings if f.rule == "unit.missing"]
    assert finding.usubjid == made.sdtm.frames["LB"]["USUBJID"][0] and finding.usubjid in finding.message
    assert "HGB" in finding.message and finding.resource == "Observation/o"


# A test of the laboratory by its code | why it needs no unit
@pytest.mark.parametrize("code", ["2756-5", "6301-6", "2965-2"], ids=["pH", "INR", "specific gravity"])
def test_what_has_no_unit_by_nature_needs_none(observed: Callable[..., SdtmRun], code: str) -> None:
    made = observed(code=concept(code), **quantity(1.02))
    assert cells(made, "LB", "LBSTRESN") == [(1.02,)] and findings(made) == []


def test_a_site_says_the_unit_that_it_never_writes(convert: Convert, fhir: Make, tmp_path: Any) -> None:
    site = tmp_path / "site.toml"
    site.write_text('site = "here"\n[units]\n"HGB|" = "g/L"\n', encoding="utf-8")
    made = convert(
        [fhir("Patient", "p"), fhir("Observation", "o", **HB, **DAY, valueInteger=121)], RunOptions(sites=(str(site),))
    )
    assert cells(made, "LB", "LBORRESU", "LBSTRESN") == [("g/L", 121.0)] and findings(made) == []


def test_a_test_of_the_source_s_own_has_a_unit_if_another_result_has(convert: Convert, fhir: Make) -> None:
    own = {"code": {"text": "Own marker"}, "category": LAB, **DAY}
    alone = convert([fhir("Patient", "p"), fhir("Observation", "1", **own, **quantity(3))])
    assert cells(alone, "LB", "LBSTRESN") == [(3.0,)]
    both = convert(
        [
            fhir("Patient", "p"),
            fhir("Observation", "1", **own, **quantity(3)),
            fhir("Observation", "2", **own, **quantity(4, "g/L")),
        ]
    )
    assert cells(both, "LB", "LBSTRESN") == [("",), (4.0,)]
    assert "unit.missing LBORRESU" in findings(both)


RANGES: list[tuple[str, list[dict[str, Any]], tuple[str, str, str], list[str]]] = [
    ("one", [{"low": {"value": 3, "unit": "g/dL"}, "high": {"value": 5}}], ("3", "5", ""), []),
    (
        "another unit than the result's",
        [{"low": {"value": 30, "unit": "g/L"}, "high": {"value": 50, "unit": "g/L"}}],
        ("", "", ""),
        ["range.unit-differs LBORNRHI", "range.unit-differs LBORNRLO"],
    ),
    (
        "the normal one among others",
        [
            {"type": concept("therapeutic", "x"), "low": {"value": 1}, "high": {"value": 2}},
            {"type": concept("normal", "x"), "low": {"value": 3}, "high": {"value": 5}},
        ],
        ("3", "5", ""),
        [],
    ),
    (
        "two normal ones: neither is guessed",
        [{"low": {"value": 3}, "high": {"value": 5}}, {"low": {"value": 4}, "high": {"value": 5}}],
        ("", "5", ""),
        ["value.several LBORNRLO"],
    ),
    ("texts", [{"text": "men: 13-17"}, {"text": "women: 12-15"}], ("", "", "men: 13-17; women: 12-15"), []),
]


@pytest.mark.parametrize(("why", "ranges", "row", "found"), RANGES, ids=[r[0] for r in RANGES])
def test_reference_ranges_are_kept_or_said(
    observed: Callable[..., SdtmRun], why: str, ranges: list[dict[str, Any]], row: tuple[str, ...], found: list[str]
) -> None:
    made = observed(**HB, **quantity(4, "g/dL"), referenceRange=ranges)
    assert cells(made, "LB", "LBORNRLO", "LBORNRHI", "LBSTNRC") == [row], why
    assert findings(made) == found
    if len(ranges) > 1:
        supp = made.sdtm.frames["SUPPLB"]
        (kept,) = supp.loc[supp["QNAM"] == "LBRANGES", "QVAL"]
        assert kept.count("; ") == len(ranges) - 1


STAGES = [
    *(("http://loinc.org", code) for code in ("21905-5", "21906-3", "21907-1", "21908-9")),
    *(("http://loinc.org", code) for code in ("21899-0", "21900-6", "21901-4", "21902-2")),
    *(("http://loinc.org", code) for code in ("21911-3", "21912-1", "21913-9", "21914-7", "84892-9")),
    *((SNOMED, code) for code in ("399504009", "399534004", "399387003", "399537006")),
    *((SNOMED, code) for code in ("384625004", "371494008", "371497001", "399588009", "258235000", "17964000")),
]


@pytest.mark.parametrize(("system", "code"), STAGES)
def test_staging_is_in_one_domain_whoever_codes_it(observed: Callable[..., SdtmRun], system: str, code: str) -> None:
    for category in ([], LAB):
        made = observed(code=concept(code, system), category=category, valueCodeableConcept={"text": "x"})
        assert cells(made, "RS", "RSCAT", "RSORRES") == [("TNM", "x")]
        assert not {"LB", "XO", "MI"} & set(made.sdtm.frames)


def test_the_manual_of_staging_is_the_category(observed: Callable[..., SdtmRun]) -> None:
    method = concept("897275008", SNOMED)  # AJCC Cancer Staging Manual, 8th edition
    made = observed(code=concept("21908-9"), method=method, valueCodeableConcept={"text": "IIB"})
    assert cells(made, "RS", "RSCAT") == [("AJCC V8",)]


OID = "urn:oid:2.16.840.1.113883.6.1"


@pytest.mark.parametrize("system", [OID, OID.removeprefix("urn:oid:"), "https://loinc.org", "http://loinc.org/"])
def test_a_code_system_by_another_name_is_the_same(observed: Callable[..., SdtmRun], system: str) -> None:
    made = observed(code=concept("718-7", system), **quantity(12, "g/dL"))
    assert cells(made, "LB", "LBTESTCD", "LBLOINC") == [("HGB", "718-7")] and findings(made) == []


def test_receptors_and_grading(observed: Callable[..., SdtmRun]) -> None:
    positive = {"coding": [{"code": "POS", "display": "Positive"}]}
    made = observed(code=concept("16112-5"), category=LAB, interpretation=[positive])
    assert cells(made, "MI", "MITESTCD", "MIORRES") == [("ESTRCPT", "Positive")]
    grade = {"coding": [{"system": f"{MII}mii-cs-onko-grading", "code": "3", "display": "schlecht differenziert"}]}
    made = observed(code=concept("371469007", SNOMED), category=LAB, valueCodeableConcept=grade)
    assert cells(made, "MI", "MITEST", "MIORRES", "MISTRESC") == [("Histologic Grade", "schlecht differenziert", "G3")]


REPORT = "CT of the chest. There is a nodule in the left lung of Mr Example. No effusion is seen on either side."
WISH = "If I am so sick that I cannot say what I want I do not wish to be kept alive by machines"
SURVEY = [{"coding": [{"code": "survey"}]}]
# Text, elements of the Observation | whether it is left out
TEXTS: list[tuple[str, dict[str, Any], bool]] = [
    (REPORT, {}, True),
    (WISH, {}, True),
    ("line one\nline two", {}, True),
    ("肝右叶见一大小约3.2cm低密度影，考虑转移瘤，请结合临床。", {}, True),
    ("worried about my family and friends", {}, True),
    ("worried about the family and friends", {"category": SURVEY}, True),
    ("worried about the family and friends", {"performer": [{"reference": "Patient/p"}]}, True),
    ("worried about the family and friends", {"performer": [{"reference": "RelatedPerson/r"}]}, True),
    ("moderately enlarged on palpation", {"performer": [{"reference": "Practitioner/d"}]}, False),
    ("often", {"category": SURVEY}, False),
    ("12.5", {"category": SURVEY}, False),
    ("POSITIVE", {}, False),
    ("肝右叶占位", {}, False),
    ("HBsAg (+), Anti-HBc (+), HBV-DNA <20 IU/mL", {}, False),
]


@pytest.mark.parametrize(("text", "elements", "left_out"), TEXTS)
def test_the_free_text_of_people_is_left_out_unless_the_study_keeps_notes(
    convert: Convert, fhir: Make, text: str, elements: dict[str, Any], left_out: bool
) -> None:
    resources = [
        fhir("Patient", "p"),
        *(fhir("Observation", i, code={"text": "Finding"}, valueString=text, **DAY, **elements) for i in "12"),
    ]
    made = convert(resources)
    domain = "QS" if elements.get("category") == SURVEY else "XO"
    assert cells(made, domain, f"{domain}ORRES") == ([] if left_out else [(text,)] * 2)
    said = [(f.variable, f.count) for f in made.accounts.findings if f.rule == "text.withheld"]
    assert said == ([(f"{domain}ORRES", 2)] if left_out else [])
    assert not any(text in f.message or text in f.value for f in made.accounts.findings)
    reason = "the free text of a person, which the study does not ask for"
    assert made.accounts.counts.get(("Observation", "not needed", reason), 0) == (2 if left_out else 0)
    kept = convert(resources, privacy={"notes": True})
    assert cells(kept, domain, f"{domain}ORRES") == [(text,)] * 2


def test_what_is_read_of_a_component_is_not_unused_and_what_is_not_is(observed: Callable[..., SdtmRun]) -> None:
    noted = {**MEASURE[1], "extension": [{"url": "urn:example:x", "valueString": "unread"}]}
    table = unused(observed(**PANEL, component=[MEASURE[0], noted]).accounts)
    paths = set(table["PATH"])
    assert "component.extension('urn:example:x').valueString" in paths
    assert not {"component.valueQuantity", "component.code", "effectiveDateTime"} & paths


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        # A response is one wherever it is concluded; by whose criteria is not said.
        ([("http://loinc.org", "LA28369-9")], {"RS": [("OVRLRESP", "PR", "UNSPECIFIED", "2024-03-01")]}),
        ([("http://snomed.info/sct", "419835002")], {"RS": [("OVRLRESP", "PD", "UNSPECIFIED", "2024-03-01")]}),
        # Any other conclusion stands under the name of the report.
        ([("http://snomed.info/sct", "254837009")], {"XO": [("CT of abdomen", "254837009", "2024-03-01")]}),
        ([], {}),
    ],
)
def test_what_a_report_concludes_in_codes_is_kept(
    convert: Convert, fhir: Make, codes: list[tuple[str, str]], expected: dict[str, Any]
) -> None:
    report = fhir(
        "DiagnosticReport",
        "r",
        status="final",
        code={"text": "CT of abdomen"},
        effectiveDateTime="2024-03-01",
        conclusion="In my own words: looks better than last time.",
        conclusionCode=[{"coding": [{"system": system, "code": code}]} for system, code in codes],
    )
    made = convert([fhir("Patient", "p"), report])
    names = {"RS": ("RSTESTCD", "RSSTRESC", "RSCAT", "RSDTC"), "XO": ("XOTEST", "XOORRES", "XODTC")}
    assert {
        domain: cells(made, domain, *columns) for domain, columns in names.items() if domain in made.sdtm.frames
    } == expected
    assert "own words" not in str({name: frame.to_csv() for name, frame in made.sdtm.frames.items()})
