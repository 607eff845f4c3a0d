"""Mapping files and terminology: what they name exists, in SDTMIG 3.4 and in SDTM CT 2025-03-28."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from fhir2cdisc.fhir.path.expression import compile_path
from fhir2cdisc.fhir.versions import R4_TYPES
from fhir2cdisc.mappings.model import (
    DomainMap,
    MappingError,
    builtin_domains,
    conversions,
    load_domain,
    override,
    resource_rules,
    terminology_maps,
    unit_map,
)
from fhir2cdisc.mappings.model import (
    tests_by_code as known_codes,
)
from fhir2cdisc.mappings.standard.datasets import codelist, sdtm_datasets
from fhir2cdisc.sdtm.rows.engine import TEST_CODELISTS

DOMAINS = {domain.domain: domain for domain in builtin_domains()}
# Units and terms that CDISC has no term for; their codelists are extensible, so they are extensions on purpose.
OWN_UNITS = {"/L", "mut/Mb"}
# What a source calls imaging or gross examination says no more than that; the codelist has only finer terms.
OWN_TERMS = {"method": {"IMAGING", "GROSS EXAMINATION"}}
# Tests of clinical classifications stand in a codelist of their own each.
CLASSIFICATIONS = {"ECOG1": ("C101815", "C101816"), "KPSS0": ("C100170", "C100169")}
# Classifications whose codelists the project does not ship.
NOT_SHIPPED = {"APCH116", "CPS0101", "CPS0102", "CPS0106"}


@pytest.mark.parametrize("name", sorted(DOMAINS))
def test_every_variable_of_a_mapping_is_in_the_guide_and_every_path_compiles(name: str) -> None:
    dataset = sdtm_datasets()[name]
    for source in DOMAINS[name].source:
        assert source.resource in R4_TYPES
        unknown = [v for v in source.variables if not v.startswith("_") and v not in dataset]
        assert unknown == [], source.name
        for text in (source.where, source.each, source.encounter, *source.links):
            assert not text or compile_path(text)
        for spec in (*source.variables.values(), *source.supp.values()):
            assert all(compile_path(p) for p in (*spec.path, *spec.concept))
            assert not spec.map or spec.map in terminology_maps()
        for qnam, spec in source.supp.items():
            assert len(qnam) <= 8 and spec.label and len(spec.label) <= 40, qnam
    assert set(DOMAINS[name].keys) <= set(dataset.names)


def test_the_names_of_sources_are_unique_in_a_domain() -> None:
    for domain in DOMAINS.values():
        names = [source.name for source in domain.source]
        assert len(names) == len(set(names)), domain.domain


def claimed() -> list[tuple[str, str, str]]:
    """(map, codelist, term) of every map that fills a variable with a codelist."""
    found = set()
    for domain in DOMAINS.values():
        for source in domain.source:
            for spec in (*source.variables.values(), *source.supp.values()):
                if spec.map and spec.codelist:
                    found |= {(spec.map, spec.codelist, term) for term in terminology_maps()[spec.map].values()}
    return sorted(found)


def test_every_term_that_a_map_gives_is_in_its_codelist() -> None:
    wrong = [
        (name, own, term)
        for name, own, term in claimed()
        if term not in codelist(own).terms and term not in OWN_TERMS.get(name, set())
    ]
    assert wrong == []


UNCLAIMED = [("method", "METHOD"), ("country", None), ("grade", None), ("race", "RACE"), ("ethnic", "ETHNIC")]


@pytest.mark.parametrize(("name", "own"), UNCLAIMED)
def test_maps_without_a_codelist_in_the_mapping_hold_terms_all_the_same(name: str, own: str | None) -> None:
    terms = set(terminology_maps()[name].values())
    if own is not None:
        assert terms - set(codelist(own).terms) == OWN_TERMS.get(name, set())
    elif name == "country":
        # ISO 3166-1 alpha-3
        assert all(len(term) == 3 and term.isalpha() and term.isupper() for term in terms)
    else:
        assert terms == {"1", "2", "3", "4", "5"}


def test_every_unit_is_a_cdisc_unit_or_an_extension_on_purpose() -> None:
    terms = set(codelist("UNIT").terms)
    assert {unit for unit in unit_map().values() if unit} - terms == OWN_UNITS
    assert codelist("UNIT").extensible


SAME_QUANTITY = [
    # unit of the source, CDISC unit, why they are the same quantity
    ("pg/mL", "ng/L", "both sides times 1000"),
    ("ng/mL", "ug/L", "both sides times 1000"),
    ("10*3/uL", "10^9/L", "a litre is 10^6 microlitres"),
    ("10*6/uL", "10^12/L", "a litre is 10^6 microlitres"),
    ("k[IU]/L", "IU/mL", "both sides by 1000"),
    ("/min", "beats/min", "a rate, of the heart unless the test says otherwise"),
    ("RESP|/min", "breaths/min", "respiration"),
    ("Cel", "C", ""),
    ("mm[Hg]", "mmHg", ""),
    ("[lb_av]", "LB", ""),
    ("{score}", "", "a score has no unit"),
]


@pytest.mark.parametrize(("unit", "cdisc", "why"), SAME_QUANTITY)
def test_a_unit_is_renamed_and_never_changes_its_size(unit: str, cdisc: str, why: str) -> None:
    assert unit_map()[unit] == cdisc, why


CONVERTED = [
    # test, unit, value, standard unit, standard value by hand
    ("HEIGHT", "in", "10", "cm", "25.4"),
    ("WEIGHT", "LB", "100", "kg", "45.359237"),
    ("TEMP", "F", "98.6", "C", "37"),
    ("LDIAM", "cm", "2.35", "mm", "23.5"),
    ("HGB", "g/dL", "13.2", "g/L", "132"),
]


@pytest.mark.parametrize(("testcd", "unit", "value", "standard", "expected"), CONVERTED)
def test_a_conversion_is_what_the_definition_of_the_unit_says(
    testcd: str, unit: str, value: str, standard: str, expected: str
) -> None:
    table = conversions()
    to, factor, offset = table.get((testcd, unit)) or table[("*", unit)]
    assert to == standard
    assert abs(Decimal(value) * Decimal(factor) + Decimal(offset) - Decimal(expected)) < Decimal("1e-12")


@pytest.mark.parametrize("domain", sorted({test.domain for test in known_codes().values()}))
def test_every_test_is_in_the_codelists_of_its_domain(domain: str) -> None:
    wrong = []
    for (_, code), test in known_codes().items():
        if test.domain != domain or not test.testcd or test.testcd in NOT_SHIPPED:
            continue
        short, long = CLASSIFICATIONS.get(test.testcd[:5], TEST_CODELISTS.get(domain, ("", "")))
        if not short:
            continue
        found = codelist(short).terms.get(test.testcd)
        if found is None or codelist(long).terms.get(test.test) != found:
            wrong.append((code, test.testcd, test.test))
    assert wrong == []


def test_test_codes_and_names_fit_their_variables() -> None:
    for test in known_codes().values():
        assert test.domain in sdtm_datasets()
        assert len(test.testcd) <= 8 and test.test
        assert len(test.test) <= 40 or test.domain in ("RS",), test.test


def test_the_rules_of_resources_are_conditions_with_a_reason() -> None:
    for kind, rules in resource_rules().items():
        assert kind in R4_TYPES
        assert all(compile_path(rule.where) and rule.reason for rule in rules)


BAD_FILES = [
    ("domain = [", "mapping x.toml"),
    ('domain = "vs"\nkeys = []\nsource = []', "domain"),
    ('domain = "VS"\nkeys = []\nsource = []\nodd = 1', "odd"),
    (
        'domain = "VS"\nkeys = []\n[[source]]\nname = "a"\nresource = "X"\n[source.variables]\nA = {pth = "x"}',
        r"mapping x\.toml: source\.a\.variables\.A\.pth",
    ),
    (
        'domain = "VS"\nkeys = []\n[[source]]\nname = "a"\nresource = "X"\n[source.variables]\nA = {as = "x"}',
        "as",
    ),
]


@pytest.mark.parametrize(("text", "words"), BAD_FILES)
def test_a_wrong_mapping_file_is_one_sentence(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "x.toml").write_text(text)
    with pytest.raises(MappingError, match=words):
        load_domain(tmp_path / "x.toml")


def test_a_missing_mapping_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(MappingError, match=r"gone\.toml"):
        load_domain(tmp_path / "gone.toml")


def domain_map(*names: str) -> DomainMap:
    return DomainMap(
        domain="VS",
        keys=("STUDYID",),
        source=tuple({"name": n, "resource": "Observation", "variables": {}} for n in names),  # type: ignore[arg-type]
    )


def test_a_sites_sources_come_first_and_replace_those_of_their_name() -> None:
    (merged,) = override([domain_map("a", "b")], [domain_map("own", "b")])
    assert [s.name for s in merged.source] == ["own", "b", "a"]
    both = override([domain_map("a")], [domain_map("x").model_copy(update={"domain": "LB"})])
    assert [d.domain for d in both] == ["LB", "VS"]
