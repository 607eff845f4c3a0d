"""Site maps: what a file may say, that it goes before what is built in, and the one that ships, entry by entry."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from fhir2cdisc.fhir.simulation.dialects import ONCRSR
from fhir2cdisc.fhir.simulation.subject_resources import ROUTES, THERAPIES_ZH, VISITS_ZH
from fhir2cdisc.fhir.simulation.tumour_resources import CODES_ZH, ROLES, STATES_ZH
from fhir2cdisc.fhir.simulation.vocabulary import AE_TERMS, LABS, LOCAL, ORGANS, REASONS, VITALS
from fhir2cdisc.mappings.model import (
    MappingError,
    SiteMap,
    SiteTest,
    builtin_domains,
    builtin_sites,
    builtin_terminology,
    load_site,
)
from fhir2cdisc.mappings.standard.datasets import Codelist, codelist, sdtm_datasets

SITE = load_site("hospital-cn")
TERMS = builtin_terminology().with_site(SITE)


def site(tmp_path: Path, text: str) -> SiteMap:
    path = tmp_path / "site.toml"
    path.write_text('site = "mine"\n' + text, encoding="utf-8")
    return load_site(str(path))


def test_the_site_that_ships() -> None:
    assert list(builtin_sites()) == ["hospital-cn"]
    assert SITE.site == "hospital-cn"


def codelists_of(domain: str, variable: str) -> list[Codelist]:
    found = next(v for v in sdtm_datasets()[domain].variables if v.name == variable)
    return [codelist(code) for code in found.codelists]


@pytest.mark.parametrize("test", SITE.test, ids=lambda test: f"{test.domain}-{test.code}")
def test_every_test_is_a_term_and_its_name_the_name_of_that_term(test: SiteTest) -> None:
    """--TESTCD and --TEST are one concept, so the two codelists give one NCI code."""
    of_code = [
        c.terms[test.testcd] for c in codelists_of(test.domain, f"{test.domain}TESTCD") if test.testcd in c.terms
    ]
    of_name = [c.terms[test.test] for c in codelists_of(test.domain, f"{test.domain}TEST") if test.test in c.terms]
    assert of_code and of_code == of_name


def test_every_term_of_a_map_is_in_the_codelist_of_the_variable_that_it_fills() -> None:
    used: dict[str, set[str]] = {}
    for domain in builtin_domains():
        for source in domain.source:
            for spec in (*source.variables.values(), *source.supp.values()):
                if spec.map:
                    used.setdefault(spec.map, set()).update({spec.codelist} - {""})
    unused = (set(SITE.maps) | {pattern.map for pattern in SITE.pattern}) - set(used)
    assert unused == set(), "a map that no mapping reads says nothing"
    wrong = [
        (name, term)
        for name, pairs in SITE.maps.items()
        for term in pairs.values()
        if used[name] and not any(term in codelist(one).terms for one in used[name])
    ]
    assert wrong == []


def test_every_word_that_the_simulated_hospital_writes_has_its_entry() -> None:
    """The simulator knows the English of each of its Chinese words and local codes."""
    tests = {(LOCAL + "item", code): code for code in (*CODES_ZH, "OVRLRESP")}
    tests |= {(LOCAL + "item", "ECOG"): "ECOG101"}
    tests |= {(LOCAL + "lab", code): code for code in LABS} | {(LOCAL + "vital", code): code for code in VITALS}
    assert {key: TERMS.tests[key].testcd for key in tests} == tests
    expected = {
        "response": {f"{LOCAL}response|{term}": term for term in ONCRSR},
        "lesion_role": {f"{LOCAL}role|{code}": term for term, (code, _) in ROLES.items()},
        "tumor_state": {chinese: term for term, chinese in STATES_ZH.items()},
        "location": {organ.zh: organ.loc for organ in ORGANS.values()},
        "route": {f"{LOCAL}route|{code}": term for term, (code, _) in ROUTES.items()},
        "disposition": {f"{LOCAL}reason|{code}": term for term, (code, _) in REASONS.items()},
        "ae_term": {term.zh: term.text for term in AE_TERMS},
        "therapy_category": {zh: f"{kind.upper()} ANTICANCER THERAPY" for kind, zh in THERAPIES_ZH.items()},
        "yes_no": {"是": "Y", "否": "N"},
        "criteria": {f"{LOCAL}criteria|C124415": "RECIST 1.1"},
        "method": {f"{LOCAL}method|77477000": "CT SCAN"},
    }
    for name, pairs in expected.items():
        assert SITE.maps[name] == pairs, name
    assert {test.code for test in SITE.test} == {code for _, code in tests}


@pytest.mark.parametrize(
    ("planned", "written"),
    [
        ("SCREENING", "筛选期"),
        ("CYCLE 1 DAY 1", "第1周期第1天"),
        ("CYCLE 12 DAY 1", "第12周期第1天"),
        ("WEEK 24", "第24周"),
        ("MONTH 3", "第3月"),
        ("FOLLOW-UP 7", "随访7"),
        ("END OF TREATMENT", "治疗结束"),
        ("UNSCHEDULED", "计划外访视"),
    ],
)
def test_visits_there_and_back(planned: str, written: str) -> None:
    there = planned
    for pattern, chinese in VISITS_ZH:
        there = re.sub(rf"^{pattern}$", chinese, there)
    assert there == written
    patterns = [p for p in TERMS.patterns if p.map == "visit" and re.fullmatch(p.match, written)]
    back = TERMS.maps["visit"].get(written) or re.sub(patterns[0].match, patterns[0].term, written)
    assert back == planned


def test_an_entry_of_a_site_goes_before_a_built_in_one_and_adds_to_the_others(tmp_path: Path) -> None:
    before = builtin_terminology()
    key = ("http://loinc.org", "1742-6")
    assert before.tests[key].testcd == "ALT"
    mine = site(
        tmp_path,
        """
[units]
"U/l" = "U/L"
[[test]]
system = "http://loinc.org"
code = "1742-6"
domain = "LB"
testcd = "AST"
[maps.sex]
"Male" = "F"
[maps.own]
"A" = "B"
[[pattern]]
map = "visit"
match = "V(\\\\d+)"
term = "WEEK \\\\1"
""",
    )
    after = before.with_site(mine)
    assert after.tests[key].testcd == "AST" and before.tests[key].testcd == "ALT"
    assert after.maps["sex"]["male"] == "F" and after.maps["sex"]["female"] == before.maps["sex"]["female"]
    assert after.maps["own"] == {"a": "B"} and "own" not in before.maps  # texts are compared in lower case
    assert after.units["U/l"] == "U/L" and after.units["mg"] == before.units["mg"]
    assert [p.match for p in after.patterns] == [r"V(\d+)"]


def test_of_two_sites_the_one_put_on_last_goes_first(tmp_path: Path) -> None:
    one = site(tmp_path, '[maps.sex]\nx = "M"\n[[pattern]]\nmap = "visit"\nmatch = "a"\nterm = "1"')
    two = site(tmp_path, '[maps.sex]\nx = "F"\n[[pattern]]\nmap = "visit"\nmatch = "a"\nterm = "2"')
    terms = builtin_terminology().with_site(one).with_site(two)
    assert terms.maps["sex"]["x"] == "F"
    assert [p.term for p in terms.patterns] == ["2", "1"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nonsense = 1", "site map site.toml: nonsense: Extra inputs are not permitted"),
        ("[[test]]\ncode = 'A'", "site map site.toml: test.0.domain: Field required"),
        ("[[test]]\ncode = 'A'\nsystem = 's'\ndomain = 'LB'\ntest_code = 'x'", "test.0.test_code: Extra inputs"),
        ("[maps.sex]\na = 1", "maps.sex.a: Input should be a valid string"),
        ("[[pattern]]\nmap = 'visit'", "pattern.0.match: Field required"),
        ("= broken", "site map site.toml: Invalid statement"),
    ],
)
def test_a_wrong_file_is_one_sentence_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(MappingError) as error:
        site(tmp_path, text)
    assert message in str(error.value) and "\n" not in str(error.value)


def test_a_site_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(MappingError, match=r"^site map none\.toml: "):
        load_site(str(tmp_path / "none.toml"))
