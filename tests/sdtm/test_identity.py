"""Who is who: ids of two servers, ids without a server, linked records, shared identifiers, and what patients share.

FHIR R4, section 2.36 (fullUrl, relative references of an entry) and Patient.link; reproductions 2 and 20 of the field
report on FHIR and R1 of that on reliability.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fhir2cdisc.converters.run.identities import identity_evidence
from fhir2cdisc.converters.run.pipeline import RunOptions, SdtmRun, build_sdtm
from fhir2cdisc.fhir.servers import Servers, site_of, split_reference
from fhir2cdisc.mappings.study import Study, StudyError, load_study

Make = Callable[..., dict[str, Any]]
Sources = Callable[..., SdtmRun]
HB = {"coding": [{"system": "http://loinc.org", "code": "718-7"}]}
A, B = "https://hospA.example/fhir", "https://hospB.example/fhir"


def patient(key: str = "p1", /, sex: str = "female", birth: str = "1960-05-04", **more: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "id": key, "gender": sex, "birthDate": birth, **more}


def haemoglobin(identifier: str, value: int, subject: str = "Patient/p1") -> dict[str, Any]:
    quantity = {"value": value, "unit": "g/L", "code": "g/L"}
    made = {"resourceType": "Observation", "id": identifier, "status": "final", "code": HB}
    return {**made, "subject": {"reference": subject}, "valueQuantity": quantity, "effectiveDateTime": "2021-01-01"}


def given(drug: str, identifier: str = "m", base: str = "", subject: str = "Patient/p1") -> dict[str, Any]:
    made = {"resourceType": "MedicationAdministration", "id": identifier, "status": "completed"}
    made |= {"subject": {"reference": subject}, "effectiveDateTime": "2021-02-01"}
    return {**made, "medicationReference": {"reference": f"{base}{drug}"}}


@pytest.fixture
def read(tmp_path: Path, study: Callable[..., Study]) -> Sources:
    """SDTM of files: `read(("a.json", "https://server", [resource, ...]), ..., names=[...])`; server may be blank."""

    def run(*files: Any, names: Any = None, options: RunOptions | None = None, **sections: Any) -> SdtmRun:
        for name, base, resources in files:
            entries = [
                ({"fullUrl": f"{base}/{r['resourceType']}/{r['id']}"} if base else {}) | {"resource": r}
                for r in resources
            ]
            (tmp_path / name).write_text(json.dumps({"resourceType": "Bundle", "entry": entries}))
        sources = [f"{site}={tmp_path / name}" for name, site in (names or {}).items()] or [tmp_path]
        return build_sdtm(sources, study(**sections), options)

    return run


def rules(made: SdtmRun) -> list[tuple[str, str]]:
    return sorted((f.rule, f.severity) for f in made.accounts.findings if f.rule.startswith("identity."))


def results(made: SdtmRun) -> list[tuple[str, list[str]]]:
    """(sex, haemoglobin values) of each subject."""
    lab = made.sdtm.frames["LB"].groupby("USUBJID")["LBORRES"].agg(list)
    dm = made.sdtm.frames["DM"]
    return sorted((sex, sorted(lab.get(name, []))) for name, sex in zip(dm["USUBJID"], dm["SEX"], strict=True))


@pytest.mark.parametrize("absolute", [True, False])
def test_one_id_at_two_servers_is_two_people(read: Sources, absolute: bool) -> None:
    made = read(
        ("a.json", A, [patient(), haemoglobin("o1", 120, f"{A}/Patient/p1" if absolute else "Patient/p1")]),
        ("b.json", B, [patient(sex="male", birth="1941"), haemoglobin("o1", 90, f"{B}/Patient/p1")]),
    )
    assert results(made) == [("F", ["120"]), ("M", ["90"])]
    assert rules(made) == [("identity.same-id", "info")]


def test_updates_at_two_servers_do_not_supersede_each_other(read: Sources) -> None:
    meta = [{"lastUpdated": f"2024-01-0{n}T00:00:00Z"} for n in (1, 2)]
    made = read(
        ("a.json", A, [patient(meta=meta[0]), haemoglobin("o1", 120)]),
        ("b.json", B, [patient(sex="male", birth="1941", meta=meta[1]), haemoglobin("o1", 90)]),
    )
    assert results(made) == [("F", ["120"]), ("M", ["90"])]


def test_what_two_hospitals_call_alike_is_not_shared(read: Sources) -> None:
    def hospital(subject: str, drug: str, site: str) -> list[dict[str, Any]]:
        shared = [
            {"resourceType": "Medication", "id": "1", "code": {"text": drug}},
            {"resourceType": "Organization", "id": "1", "identifier": [{"value": site}]},
        ]
        who = patient(subject, managingOrganization={"reference": "Organization/1"})
        return [who, *shared, given("Medication/1", subject=f"Patient/{subject}")]

    for bases, names in (((A, B), None), (("", ""), {"a.json": "A", "b.json": "B"})):
        made = read(
            ("a.json", bases[0], hospital("p1", "Lenvatinib", "SA")),
            ("b.json", bases[1], hospital("p2", "Aspirin", "SB")),
            names=names,
        )
        dm = made.sdtm.frames["DM"].set_index("USUBJID")["SITEID"]
        ex = made.sdtm.frames["EX"]
        got = sorted(zip(ex["EXTRT"], ex["USUBJID"].map(dm), strict=True))
        assert got == [("ASPIRIN", "SB"), ("LENVATINIB", "SA")]


@pytest.mark.parametrize("order", [1, -1])
def test_of_two_versions_of_a_medication_the_newer_counts(convert: Any, order: int) -> None:
    """R1: the versions of what patients share are looked at like those of their own resources."""
    medication = {"resourceType": "Medication", "id": "1"}
    versions = [
        {**medication, "meta": {"versionId": "1"}, "code": {"text": "Old wrong drug"}},
        {**medication, "meta": {"versionId": "2"}, "code": {"text": "Corrected drug"}},
    ]
    made = convert([patient(), *versions[::order], given("Medication/1")])
    assert made.sdtm.frames["EX"]["EXTRT"].tolist() == ["CORRECTED DRUG"]
    assert [f.rule for f in made.accounts.findings] == ["resource.superseded"]


SITES = {"a.json": "EAST", "b.json": "WEST"}


def test_named_sources_keep_equal_ids_apart_and_give_the_site(read: Sources) -> None:
    files = (("a.json", "", [patient(), haemoglobin("o", 120)]), ("b.json", "", [patient(), haemoglobin("o", 90)]))
    made = read(*files, names=SITES)
    dm = made.sdtm.frames["DM"]
    assert results(made) == [("F", ["120"]), ("F", ["90"])]
    assert sorted(dm["SITEID"]) == ["EAST", "WEST"]


AMBIGUOUS = [
    ({"sex": "male"}, "sex"),
    ({"birth": "1941"}, "date of birth"),
    ({"sex": "male", "meta": {"lastUpdated": "2024-01-01T00:00:00Z"}}, "sex"),
]


@pytest.mark.parametrize(("other", "name"), AMBIGUOUS)
def test_two_patients_of_one_id_and_no_server_are_refused(read: Sources, other: Any, name: str) -> None:
    made = read(
        ("a.json", "", [patient(), haemoglobin("o1", 120), patient("p2")]),
        ("b.json", "", [patient(**other), haemoglobin("o2", 90)]),
    )
    assert len(made.sdtm.frames["DM"]) == 1 and "LB" not in made.sdtm.frames
    assert rules(made) == [("identity.ambiguous", "error")]
    (said,) = [f.message for f in made.accounts.findings if f.rule == "identity.ambiguous"]
    assert "Patient/p1" in said and name in said and "SITE=PATH" in said
    assert sum(made.accounts.counts.values()) == 5


COMPATIBLE = [{"birth": "1960"}, {"sex": "unknown"}, {"sex": ""}, {"birth": ""}]


@pytest.mark.parametrize("other", COMPATIBLE)
def test_what_is_only_less_complete_is_no_other_person(read: Sources, other: dict[str, str]) -> None:
    made = read(("a.json", "", [patient()]), ("b.json", "", [patient(**other)]))
    assert len(made.sdtm.frames["DM"]) == 1 and rules(made) == []


def test_a_correction_at_one_server_is_used_and_said(read: Sources) -> None:
    old, new = {"versionId": "1"}, {"versionId": "2"}
    made = read(("a.json", A, [patient(meta=old), patient(birth="1961-05-04", meta=new)]))
    assert made.sdtm.frames["DM"]["BRTHDTC"].str.slice(0, 4).tolist() == ["1961"]
    assert rules(made) == [("identity.corrected", "warning")]


def link(kind: str, other: str) -> dict[str, Any]:
    return {"link": [{"other": {"reference": other}, "type": kind}]}


LINKS = [
    (patient("p2", active=False, **link("replaced-by", "Patient/p1")), patient(), "a merged record"),
    (patient("p2"), patient(**link("replaces", "Patient/p2")), "the same, said by the other"),
    (patient("p2"), patient(**link("seealso", "Patient/p2")), "more of one person"),
]


@pytest.mark.parametrize(("second", "first", "why"), LINKS)
@pytest.mark.parametrize("buckets", [1, 32])
def test_linked_records_are_one_subject(
    read: Sources, second: dict[str, Any], first: dict[str, Any], why: str, buckets: int
) -> None:
    observations = [haemoglobin("o1", 120), haemoglobin("o2", 90, "Patient/p2")]
    options = RunOptions(buckets=buckets)
    made = read(("a.json", "", [second, first, *observations]), options=options)
    assert results(made) == [("F", ["120", "90"])], why
    assert rules(made) == [("identity.joined", "info")]
    assert sum(made.accounts.counts.values()) == 4
    alone = read(("a.json", "", [patient(), *observations[:1]]), options=options)
    assert alone.sdtm.frames["DM"]["USUBJID"].tolist() == made.sdtm.frames["DM"]["USUBJID"].tolist()


def test_a_death_that_only_the_replaced_record_has_is_kept(read: Sources) -> None:
    old = patient("p2", deceasedDateTime="2022-03-01", **link("replaced-by", "Patient/p1"))
    made = read(("a.json", "", [patient(), old]))
    assert made.sdtm.frames["DM"]["DTHDTC"].tolist() == ["2022-03-01"]


def test_a_link_to_another_sex_is_not_followed(read: Sources) -> None:
    made = read(("a.json", "", [patient(), patient("p2", sex="male", **link("replaced-by", "Patient/p1"))]))
    assert len(made.sdtm.frames["DM"]) == 2
    assert rules(made) == [("identity.link-refused", "error")]


def test_a_record_that_is_not_active_is_said(read: Sources) -> None:
    made = read(("a.json", "", [patient(active=False), patient("p2", active=False, deceasedBoolean=True)]))
    assert rules(made) == [("identity.inactive", "info"), ("identity.inactive", "warning")]


MRN = [{"system": "http://mrn.example", "value": "104233"}]


def test_one_identifier_under_two_ids_is_said_without_its_value(read: Sources) -> None:
    made = read(("a.json", "", [patient(identifier=MRN), patient("p2", identifier=MRN)]))
    assert len(made.sdtm.frames["DM"]) == 2
    assert rules(made) == [("identity.same-identifier", "warning")]
    assert all("104233" not in f.message for f in made.accounts.findings)


def test_the_study_file_says_who_is_one_person(read: Sources) -> None:
    who = [patient(identifier=MRN), patient("p2", identifier=MRN), haemoglobin("o2", 90, "Patient/p2")]
    made = read(("a.json", "", who), identity={"same": [["Patient/p1", "Patient/p2"]]})
    assert results(made) == [("F", ["90"])] and rules(made) == [("identity.joined", "info")]


def test_the_link_table_of_a_study_lies_beside_its_file(tmp_path: Path) -> None:
    text = 'id = "s"\nstudyid = "S"\ntitle = "S"\n[identity]\nlinks = "who.csv"\n'
    (tmp_path / "s.toml").write_text(text)
    with pytest.raises(StudyError, match=r"who\.csv cannot be read"):
        load_study(str(tmp_path / "s.toml"))
    (tmp_path / "who.csv").write_text("EAST=Patient/1, WEST=Patient/7\n\n")
    assert load_study(str(tmp_path / "s.toml")).identity.same == (("EAST=Patient/1", "WEST=Patient/7"),)


def test_a_second_server_changes_no_pseudonym_of_other_ids(read: Sources) -> None:
    alone = read(("a.json", A, [patient(), patient("p2")])).sdtm.frames["DM"]["USUBJID"]
    both = read(("a.json", A, [patient(), patient("p2")]), ("b.json", B, [patient("p3")])).sdtm.frames["DM"]["USUBJID"]
    assert set(alone) < set(both)


def test_without_a_server_a_record_is_nobodys_where_two_are_read(read: Sources) -> None:
    made = read(("a.json", A, [patient()]), ("b.json", B, [patient("p2")]), ("c.json", "", [haemoglobin("o", 1)]))
    assert "LB" not in made.sdtm.frames
    assert [f.rule for f in made.accounts.findings] == ["subject.no-patient"]


REFERENCES = [
    ("Patient/1", ("", "Patient/1")),
    ("https://Host.org/fhir/Patient/1/_history/2", ("host.org/fhir", "Patient/1")),
    ("http://host.org/Fhir/Patient/1", ("host.org/Fhir", "Patient/1")),
    ("urn:uuid:abc", ("", "urn:uuid:abc")),
    ("urn:uuid:Observation/1", ("", "urn:uuid:Observation/1")),
]


@pytest.mark.parametrize(("reference", "parts"), REFERENCES)
def test_a_reference_has_a_server_and_a_rest(reference: str, parts: tuple[str, str]) -> None:
    assert split_reference(reference) == parts


def test_the_only_server_of_a_sites_patients_is_that_of_what_names_none() -> None:
    servers = Servers(frozenset({"|a", "|"}), frozenset({"|a", "|b", "|"}))
    assert (servers.canonical("|a"), servers.canonical("|b"), servers.canonical("|")) == ("|", "|b", "|")
    several = Servers(frozenset({"|a", "|b"}), frozenset({"|a", "|b"}))
    assert several.canonical("|a") == "|a"


def test_a_key_says_its_site() -> None:
    assert [site_of(k) for k in ("EAST=Patient/1", "Patient/1", "Patient?identifier=a|1", "h/Patient/1")] == [
        "EAST",
        "",
        "",
        "",
    ]


def known(made: SdtmRun) -> list[tuple[str, str, str]]:
    """(key, chosen, reason) of the evidence for identity, which names subjects of DM only."""
    rows = identity_evidence(made)
    assert set(rows["USUBJID"]) == set(made.sdtm.frames["DM"]["USUBJID"])
    return list(zip(rows["TEXT"], rows["CHOSEN"], rows["REASON"], strict=True))


ALONE = "the only Patient of this id"


def test_the_evidence_for_identity_names_what_joins_records(read: Sources) -> None:
    made = read(("a.json", "", [patient(), patient("p2", **link("replaced-by", "Patient/p1")), patient("p3")]))
    assert sorted(known(made)) == [
        ("Patient/p1", "Y", "the record that others are joined to by Patient.link (replaced-by)"),
        ("Patient/p2", "Y", "is mapped as one subject with Patient/p1: joined by Patient.link (replaced-by)"),
        ("Patient/p3", "Y", ALONE),
    ]
    same = read(("a.json", "", [patient(), patient("p2")]), identity={"same": [["Patient/p1", "Patient/p2"]]})
    assert [(key, reason.rpartition(" by ")[2]) for key, _, reason in sorted(known(same))] == [
        ("Patient/p1", "the study file"),
        ("Patient/p2", "the study file"),
    ]
    twice = read(("a.json", "", [patient()]), ("b.json", "", [patient(birth="1960")]))
    assert known(twice) == [("Patient/p1", "Y", f"{ALONE}, read 2 times")]


# Two Patients that something speaks for as one and that are kept apart: each is named in the evidence of the other.
APART = [
    (("a.json", "", [patient("p1", **link("seealso", "Patient/p2")), patient("p2", sex="male")]), "differ in sex"),
    (
        ("a.json", "", [patient(k, identifier=[{"system": "urn:x:1", "value": "7"}]) for k in ("p1", "p2")]),
        "the same identifier",
    ),
]


@pytest.mark.parametrize(("file", "why"), APART)
def test_the_evidence_for_identity_names_who_was_kept_apart(read: Sources, file: Any, why: str) -> None:
    rows = known(read(file))
    assert sorted(key for key, chosen, _ in rows if chosen == "Y") == ["Patient/p1", "Patient/p2"]
    assert sorted(key for key, chosen, _ in rows if not chosen) == ["Patient/p1", "Patient/p2"]
    assert all(reason.startswith("kept apart: ") and why in reason for _, chosen, reason in rows if not chosen)


def test_the_evidence_for_identity_keeps_the_ids_of_two_servers_apart(read: Sources) -> None:
    made = read(("a.json", A, [patient()]), ("b.json", B, [patient(sex="male", birth="1941")]))
    assert sorted((key, chosen) for key, chosen, _ in known(made)) == [
        ("hospa.example/fhir/Patient/p1", ""),
        ("hospa.example/fhir/Patient/p1", "Y"),
        ("hospb.example/fhir/Patient/p1", ""),
        ("hospb.example/fhir/Patient/p1", "Y"),
    ]
