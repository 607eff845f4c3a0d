"""Tumour boards: what was recommended, with which priority and evidence, and why it was not followed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
from fhir2cdisc.converters.run.pipeline import SdtmRun

Make = Callable[..., dict[str, Any]]
MII = "https://www.medizininformatik-initiative.de/fhir/ext"
PLAN = f"{MII}/modul-mtb/StructureDefinition/mii-pr-mtb-therapieplan"
CONFERENCE = f"{MII}/modul-onko/StructureDefinition/mii-pr-onko-tumorkonferenz"
PRIORITY = f"{MII}/modul-mtb/StructureDefinition/mii-ex-mtb-empfehlung-prioritaet"
EVIDENCE = f"{MII}/modul-mtb/StructureDefinition/mii-ex-mtb-empfehlung-evidenzgraduierung"
LEVEL = f"{MII}/modul-mtb/CodeSystem/mii-cs-mtb-empfehlung-evidenzgrad"
ATC = "http://fhir.de/CodeSystem/bfarm/atc"


def rows(made: SdtmRun, *names: str) -> list[tuple[Any, ...]]:
    frame = made.sdtm.frames.get("FA", pd.DataFrame(columns=list(names)))
    return sorted(frame.reindex(columns=list(names)).fillna("").itertuples(index=False, name=None))


def outcomes(made: SdtmRun) -> list[str]:
    return sorted(outcome for _, outcome, _ in made.accounts.counts.elements())


def supplemental(made: SdtmRun) -> dict[str, str]:
    frame = made.sdtm.frames["SUPPFA"]
    return dict(zip(frame["QNAM"], frame["QVAL"], strict=True))


def to(kind: str, identifier: str) -> dict[str, str]:
    return {"reference": f"{kind}/{identifier}"}


def drug(code: str, name: str) -> dict[str, Any]:
    return {"medicationCodeableConcept": {"coding": [{"system": ATC, "code": code, "display": name}]}}


def molecular(fhir: Make, *targets: dict[str, str], **more: Any) -> dict[str, Any]:
    return fhir(
        "CarePlan",
        "plan",
        meta={"profile": [PLAN]},
        status="active",
        intent="plan",
        created="2024-03-28",
        activity=[{"reference": one} for one in targets],
        **more,
    )


def test_a_recommended_drug_has_priority_and_grade_of_evidence(convert: Any, fhir: Make) -> None:
    request = fhir(
        "MedicationRequest",
        "r",
        status="completed",
        intent="proposal",
        authoredOn="2024-03-28",
        **drug("L01FX26", "Mirvetuximab soravtansin"),
        extension=[
            {"url": PRIORITY, "valuePositiveInt": 1},
            {"url": EVIDENCE, "valueCodeableConcept": {"coding": [{"system": LEVEL, "code": "m1A"}]}},
        ],
        statusReason={"text": "Kostenübernahme abgelehnt"},
    )
    made = convert([fhir("Patient", "p"), request, molecular(fhir, to("MedicationRequest", "r"))])
    names = ("FATESTCD", "FAOBJ", "FAORRES", "FADTC")
    assert rows(made, *names) == [("MTBREC", "MOLECULAR TUMOR BOARD", "Mirvetuximab soravtansin", "2024-03-28")]
    assert supplemental(made) == {
        "FASTATUS": "completed",
        "FANOTRSN": "Kostenübernahme abgelehnt",
        "FAPRIO": "1",
        "FAEVID": "m1A",
    }


def test_drugs_that_are_recommended_together_are_one_recommendation(convert: Any, fhir: Make) -> None:
    parts = [
        fhir("MedicationRequest", "a", status="draft", intent="option", **drug("L01EC02", "Dabrafenib")),
        fhir("MedicationRequest", "b", status="draft", intent="option", **drug("L01EE01", "Trametinib")),
        fhir(
            "RequestGroup",
            "g",
            status="active",
            intent="proposal",
            action=[{"resource": to("MedicationRequest", one)} for one in "ab"],
        ),
    ]
    made = convert([fhir("Patient", "p"), *parts, molecular(fhir, to("RequestGroup", "g"))])
    assert rows(made, "FATESTCD", "FAORRES") == [("MTBREC", "Dabrafenib + Trametinib")]
    # A draft is no order: it makes no record of its own, and is accounted for where the board recommends it.
    assert "CM" not in made.sdtm.frames and outcomes(made) == ["mapped"] * 5
    assert outcomes(convert([fhir("Patient", "p"), parts[0]])) == ["mapped", "not needed"]


def test_what_is_no_drug_is_a_service_and_guides_no_therapy(convert: Any, fhir: Make) -> None:
    biopsy = fhir("ServiceRequest", "s", status="active", intent="proposal", code={"text": "Re-biopsy"})
    made = convert([fhir("Patient", "p"), biopsy, molecular(fhir, to("ServiceRequest", "s"))])
    assert rows(made, "FATESTCD", "FAORRES") == [("MTBSERV", "Re-biopsy")]


# What makes a board a molecular one, and what does not.
BOARDS: list[tuple[dict[str, Any], str]] = [
    ({"category": [{"text": "Molecular Tumor Board"}]}, "MTBREC"),
    ({"category": [{"text": "molecular tumour board"}]}, "MTBREC"),
    ({"category": [{"text": "分子肿瘤专家委员会"}]}, "MTBREC"),
    ({"title": "Molekulares Tumorboard"}, "MTBREC"),
    ({"category": [{"coding": [{"display": "Molekulare Tumorkonferenz"}]}]}, "MTBREC"),
    ({"meta": {"profile": [CONFERENCE]}}, "TBREC"),
    ({"category": [{"text": "Tumor board"}]}, "TBREC"),
    ({"title": "Interdisziplinäre Tumorkonferenz"}, "TBREC"),
    ({"category": [{"text": "肿瘤多学科会诊"}]}, "TBREC"),
    ({"category": [{"text": "Diabetes self management plan"}]}, ""),
]


@pytest.mark.parametrize(("board", "expected"), BOARDS, ids=[str(b[0]) for b in BOARDS])
def test_which_board_it_was(convert: Any, fhir: Make, board: dict[str, Any], expected: str) -> None:
    activity = [{"detail": {"status": "scheduled", "code": {"text": "Lenvatinib"}}}]
    plan = fhir("CarePlan", "c", status="active", intent="plan", created="2024-03-26", activity=activity, **board)
    made = convert([fhir("Patient", "p"), plan])
    assert rows(made, "FATESTCD", "FAORRES") == ([(expected, "Lenvatinib")] if expected else [])


def test_a_conference_says_which_it_was_and_why_its_plan_was_not_followed(convert: Any, fhir: Make) -> None:
    planning = f"{MII}/modul-onko/CodeSystem/mii-cs-onko-therapieplanung-typ"
    plan = fhir(
        "CarePlan",
        "c",
        status="completed",
        intent="plan",
        created="2024-03-26",
        category=[{"coding": [{"system": planning, "code": "praeth", "display": "prätherapeutische Tumorkonferenz"}]}],
        activity=[
            {
                "detail": {
                    "code": {"coding": [{"code": "CH", "display": "Chemotherapie"}]},
                    "status": "cancelled",
                    "statusReason": {"coding": [{"code": "J", "display": "ja"}]},
                }
            }
        ],
    )
    made = convert([fhir("Patient", "p"), plan])
    names = ("FATESTCD", "FAOBJ", "FASCAT", "FAORRES", "FADTC")
    assert rows(made, *names) == [
        ("TBREC", "TUMOR BOARD", "PRÄTHERAPEUTISCHE TUMORKONFERENZ", "Chemotherapie", "2024-03-26")
    ]
    assert supplemental(made) == {"FASTATUS": "cancelled", "FANOTRSN": "ja"}


def test_a_follow_up_says_why_nothing_was_done(convert: Any, fhir: Make) -> None:
    reasons = f"{MII}/modul-mtb/CodeSystem/mii-cs-mtb-follow-up-grund-nicht-umsetzung"
    reason = {"coding": [{"system": reasons, "code": "payment-refused", "display": "Kostenübernahme abgelehnt"}]}
    seen = fhir("ClinicalImpression", "i", status="completed", effectiveDateTime="2024-07-07", statusReason=reason)
    made = convert([fhir("Patient", "p"), seen])
    assert rows(made, "FATESTCD", "FAORRES", "FADTC") == [("MTBNOIMP", "Kostenübernahme abgelehnt", "2024-07-07")]


def test_an_assessment_a_list_and_a_referral(convert: Any, fhir: Make) -> None:
    request = fhir("MedicationRequest", "r", status="active", intent="proposal", **drug("L01EX08", "Lenvatinib"))
    made = convert(
        [
            fhir("Patient", "p"),
            request,
            fhir(
                "ClinicalImpression",
                "i",
                status="completed",
                code={"text": "Tumor board"},
                date="2024-03-01",
                finding=[{"itemCodeableConcept": {"text": "Unresectable"}}],
            ),
            fhir(
                "List",
                "l",
                status="current",
                mode="snapshot",
                title="Molecular tumor board recommendations",
                date="2024-03-02",
                entry=[{"item": to("MedicationRequest", "r")}],
            ),
            fhir(
                "ServiceRequest",
                "s",
                status="active",
                intent="order",
                code={"text": "Tumor board"},
                authoredOn="2024-02-20",
            ),
        ]
    )
    assert rows(made, "FATESTCD", "FAORRES", "FADTC") == [
        ("MTBREC", "Lenvatinib", "2024-03-02"),
        ("TBCONC", "Unresectable", "2024-03-01"),
        ("TBREF", "Tumor board", "2024-02-20"),
    ]


def test_a_mixed_response_stays_one(convert: Any, fhir: Make) -> None:
    beurteilung = f"{MII}/modul-mtb/CodeSystem/mii-cs-mtb-response-befund-beurteilung"
    given = [
        fhir(
            "Observation",
            code,
            code={"coding": [{"system": "http://snomed.info/sct", "code": "396432002"}]},
            method={"text": "RECIST 1.1"},
            effectiveDateTime=f"2024-0{month}-01",
            valueCodeableConcept={"coding": [{"system": beurteilung, "code": code}]},
        )
        for month, code in enumerate(("PR", "MR", "NA", "NYA"), start=1)
    ]
    made = convert([fhir("Patient", "p"), *given])
    frame = made.sdtm.frames["RS"]
    assert list(frame.sort_values("RSDTC")["RSSTRESC"]) == ["PR", "MR", "NE", "NE"]
