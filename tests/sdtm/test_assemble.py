"""Rows to datasets: --SEQ, long test names, SUPP-- and RELREC, lineage, NCI codes; by hand-made resources."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
from fhir2cdisc.sdtm.assemble import Sdtm, assemble
from support.tables import rows

Make = Callable[..., dict[str, Any]]
LONG = "Patient health questionnaire nine item depression severity total"
NCI = "http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl"


def survey(fhir: Make, identifier: str, name: str, **more: Any) -> dict[str, Any]:
    category = [{"coding": [{"code": "survey"}]}]
    return fhir("Observation", identifier, code={"text": name}, category=category, valueInteger=3, **more)


def test_sequence_numbers_begin_with_one_in_each_subject(convert: Any, fhir: Make) -> None:
    resources = [fhir("Patient", name) for name in ("p", "q")]
    for name, count in (("p", 3), ("q", 2)):
        subject = {"reference": f"Patient/{name}"}
        resources += [fhir("Condition", f"{name}{i}", subject=subject, code={"text": f"c{i}"}) for i in range(count)]
    mh = convert(resources).sdtm.frames["MH"]
    assert sorted(mh.groupby("USUBJID")["MHSEQ"].agg(list).tolist()) == [[1.0, 2.0], [1.0, 2.0, 3.0]]


NAMES = [
    ("x" * 40, "x" * 40, False),
    ("x" * 41, "x" * 40, True),
    (LONG, "Patient health questionnaire nine item", True),
    ("a " * 20 + "b", "a " * 19 + "a", True),
]


@pytest.mark.parametrize(("name", "short", "long"), NAMES)
def test_a_long_test_name_ends_at_a_word_and_is_kept_in_full(
    convert: Any, fhir: Make, name: str, short: str, long: bool
) -> None:
    frames = convert([fhir("Patient", "p"), survey(fhir, "o", name)]).sdtm.frames
    assert frames["QS"]["QSTEST"].tolist() == [short]
    assert ("SUPPQS" in frames) is long
    if long:
        supp = frames["SUPPQS"].iloc[0]
        assert (supp["QNAM"], supp["QVAL"], supp["IDVAR"], supp["IDVARVAL"]) == (
            "QSTESTFL",
            name,
            "QSSEQ",
            "1",
        )


def test_records_that_point_at_each_other_are_related_with_both_ends(convert: Any, fhir: Make) -> None:
    resources = [
        fhir("Patient", "p"),
        fhir("Condition", "c", code={"text": "pain"}),
        fhir("Procedure", "r", code={"text": "block"}, reasonReference=[{"reference": "Condition/c"}]),
        fhir("Procedure", "s", code={"text": "other"}, reasonReference=[{"reference": "Condition/gone"}]),
    ]
    related = convert(resources).sdtm.frames["RELREC"]
    assert related[["RDOMAIN", "IDVAR", "IDVARVAL"]].values.tolist() == [
        ["MH", "MHSEQ", "1"],
        ["PR", "PRSEQ", "1"],
    ]
    assert related["RELID"].nunique() == 1


def test_lineage_names_the_resource_and_what_filled_the_record(convert: Any, fhir: Make) -> None:
    specimen = fhir("Specimen", "b", type={"text": "blood"})
    weight = {"coding": [{"system": "http://loinc.org", "code": "2571-8"}]}
    observed = fhir("Observation", "o", code=weight, specimen={"reference": "Specimen/b"}, meta={"versionId": "4"})
    made = convert([fhir("Patient", "p"), specimen, observed])
    lineage = made.sdtm.lineage
    mine = lineage[lineage["DATASET"] == "LB"][
        ["SEQ", "ROLE", "FILE", "LINE", "ENTRY", "RESOURCE", "ID", "VERSION", "RULE"]
    ]
    assert mine.values.tolist() == [
        [1, "source", "in.ndjson", 3, -1, "Observation", "o", "4", "LB/laboratory"],
        [1, "support", "in.ndjson", 2, -1, "Specimen", "b", "", "LB/laboratory"],
    ]


def test_the_lineage_of_a_visit_is_its_own_encounters_and_that_of_dm_its_patient(convert: Any, fhir: Make) -> None:
    days = [
        ("e1", "Screening", "2024-01-08"),
        ("e2", "Cycle 1 Day 1", "2024-01-15"),
        ("e3", "Cycle 1 Day 1", "2024-01-16"),
        ("e4", "phone", "2024-01-20"),
    ]
    encounters = [
        fhir("Encounter", name, type=[{"text": text}], period={"start": day, "end": day}) for name, text, day in days
    ]
    other = fhir("Encounter", "f1", type=[{"text": "Screening"}], period={"start": "2024-02-01"})
    other["subject"] = {"reference": "Patient/q"}
    made = convert([fhir("Patient", "p"), fhir("Patient", "q"), *encounters, other])
    visits = made.sdtm.lineage
    # Two encounters of one planned visit are one record; the visit that is not planned follows day 1 by a thousandth.
    expected = """
        DATASET | SEQ   | ROLE    | ID
        DM      | 0     | source  | p
        DM      | 0     | source  | q
        SV      | -1    | source  | e1
        SV      | -1    | source  | f1
        SV      | 1     | source  | e2
        SV      | 1     | support | e3
        SV      | 1.001 | source  | e4
    """
    found = [[r.DATASET, f"{r.SEQ:g}", r.ROLE, r.ID] for r in visits.itertuples()]
    assert sorted(found) == sorted(rows(expected)[1:])
    sv = made.sdtm.frames["SV"]
    keys = set(zip(sv["USUBJID"], sv["VISITNUM"], strict=True))
    assert keys == {(r.USUBJID, r.SEQ) for r in visits.itertuples() if r.DATASET == "SV"} and len(sv) == 4


def test_an_nci_code_of_a_test_and_of_its_answer_needs_no_map(convert: Any, fhir: Make) -> None:
    # C96613 OVRLRESP and C35571 PD in SDTM CT: NCI concept codes of ONCRTSCD and ONCRSR.
    from fhir2cdisc.mappings.standard.datasets import codelist

    test = codelist("ONCRTSCD").terms["OVRLRESP"]
    answer = codelist("ONCRSR").terms["PD"]
    observed = fhir(
        "Observation",
        "o",
        code={"coding": [{"system": NCI, "code": test}]},
        valueCodeableConcept={"coding": [{"system": NCI, "code": answer}]},
    )
    rs = convert([fhir("Patient", "p"), observed]).sdtm.frames["RS"]
    # RSORRES is what the source wrote, here nothing but the code; RSSTRESC is the term.
    assert rs[["RSTESTCD", "RSORRES", "RSSTRESC"]].values.tolist() == [["OVRLRESP", answer, "PD"]]


def test_a_partial_date_stays_partial_and_gets_no_day(convert: Any, fhir: Make) -> None:
    made = convert([fhir("Patient", "p"), fhir("Condition", "c", code={"text": "x"}, onsetDateTime="2020-02")])
    mh = made.sdtm.frames["MH"]
    assert mh["MHSTDTC"].tolist() == ["2020-02"]
    assert "MHSTDY" not in mh or mh["MHSTDY"].isna().all()


def test_vital_signs_of_own_terms_only_are_kept(convert: Any, fhir: Make) -> None:
    category = [{"coding": [{"code": "vital-signs"}]}]
    own = fhir("Observation", "o", code={"text": "pain"}, category=category, valueQuantity={"value": 3, "unit": "kg"})
    vs = convert([fhir("Patient", "p"), own]).sdtm.frames["VS"]
    assert vs[["VSTEST", "VSSTRESN"]].values.tolist() == [["pain", 3.0]]


def test_assembling_changes_nothing_of_what_was_gathered(
    convert: Any, fhir: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def twice(*given: Any) -> Sdtm:
        one, two = assemble(*given), assemble(*given)
        assert list(one.frames) == list(two.frames)
        for name, frame in one.frames.items():
            pd.testing.assert_frame_equal(frame, two.frames[name])
        return two

    monkeypatch.setattr("fhir2cdisc.converters.run.pipeline.assemble", twice)
    resources = [
        fhir("Patient", "p", birthDate="1960-02-03"),
        fhir("Encounter", "e", type=[{"text": "Cycle 1 Day 1"}], period={"start": "2024-03-01"}),
        fhir("Condition", "c", code={"text": "pain"}, clinicalStatus={"coding": [{"code": "active"}]}),
        fhir("MedicationAdministration", "m", medicationCodeableConcept={"text": "x"}, effectiveDateTime="2024-03-01"),
        survey(fhir, "o", LONG, encounter={"reference": "Encounter/e"}),
    ]
    assert {"DM", "SV", "MH", "EX", "QS", "SUPPQS"} <= set(convert(resources).sdtm.frames)


def test_nothing_read_makes_nothing(convert: Any) -> None:
    made = convert([{"resourceType": "Claim"}])
    assert made.sdtm.frames == {} and len(made.sdtm.lineage) == 0
