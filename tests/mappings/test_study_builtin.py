"""The five studies against what their documents state, line by line (the seed documents, read by hand)."""

from __future__ import annotations

import pytest
from fhir2cdisc.mappings.explain import explain_study, list_studies
from fhir2cdisc.mappings.study import builtin_studies, load_study
from support.others import others

# id of the endpoint, role, kind, time frame as the document states it (empty: named without one)
ENDPOINTS = {
    "hepatobiliary-rws": """
        os           primary   time-to-event   two years
        pfs          primary   time-to-event   six months
        orr          secondary proportion      one year
        dcr          secondary proportion      six months
        teae         secondary incidence       one year
        qol          secondary pro-change      one year
        dor          other     time-to-event
        os-5y        other     time-to-event
        genes        other     subgroup
    """,
    "lenvatinib-pembrolizumab": """
        orr          primary   proportion      one year
        dcr          primary   proportion      one year
        pfs          primary   time-to-event   six months
        os           secondary time-to-event   two years
        dor          secondary time-to-event   one year
        sd4          secondary proportion      one year
        teae         other     incidence       two years
        trae         other     incidence       two years
        ttp          other     time-to-event
        biomarkers   other     biomarker-group
    """,
    "apatinib-camrelizumab": """
        pfs          primary   time-to-event   six months
        orr          primary   proportion      one year
        os           secondary time-to-event   two years
        teae         secondary incidence       two years
        cbr          other     proportion      six months
        ttp          other     time-to-event
        biomarkers   other     biomarker-group
    """,
    "axitinib-toripalimab": """
        orr          primary   proportion      one year
        pfs          primary   time-to-event   six months
        dcr          secondary proportion      one year
        os           secondary time-to-event   two years
        dor          secondary time-to-event   one year
        sd4          secondary proportion      one year
        pfs-rate     secondary event-rate      six months
        os-rate      secondary event-rate      one year
        trae         other     incidence       one year
        pdl1         other     biomarker-group six months
        tmb          other     biomarker-group six months
    """,
    "refractory-registry": """
        orr           primary   proportion     2021.11-2023.11
        mtb-guided    primary   proportion     2021.11-2023.11
        pfs           secondary time-to-event  2021.11-2023.11
        os            secondary time-to-event  2021.11-2023.11
        bor           secondary distribution   2021.11-2023.11
        sae           secondary incidence      2021.11-2023.11
        qol           secondary pro-change     2021.11-2023.11
        variants      secondary proportion     2021.11-2023.11
        ecog          other     shift          2021.11-2023.11
        second-guided other     proportion     2021.11-2023.11
    """,
}
ROWS = [(name, line.split(None, 3)) for name, text in ENDPOINTS.items() for line in text.strip().splitlines()]


@pytest.mark.parametrize(("name", "row"), ROWS, ids=[f"{name}-{row[0]}" for name, row in ROWS])
def test_every_endpoint_of_the_document_is_there(name: str, row: list[str]) -> None:
    endpoint = load_study(name).endpoint(row[0])
    frame = row[3].strip() if len(row) > 3 else ""
    assert (endpoint.role, endpoint.kind, endpoint.time_frame) == (row[1], row[2], frame)
    assert endpoint.definition
    assert endpoint.origin("title") == "protocol" or endpoint.id == "trae"
    if frame:
        assert endpoint.origin("time_frame") == "protocol"


@pytest.mark.parametrize(
    ("name", "planned", "sites", "ctcae", "origin", "criteria_origin", "forms"),
    [
        ("hepatobiliary-rws", 2000, 20, "4.0", "protocol", "default", ["FACT-HEP V4"]),
        ("lenvatinib-pembrolizumab", 50, 1, "5.0", "default", "protocol", []),
        ("apatinib-camrelizumab", 20, 1, "5.0", "default", "protocol", []),
        ("axitinib-toripalimab", 60, 1, "5.0", "default", "protocol", []),
        ("refractory-registry", 120, 1, "5.0", "protocol", "protocol", ["PROMIS-29 PROFILE V2.1"]),
    ],
)
def test_size_sites_ctcae_criteria_and_questionnaires(
    name: str, planned: int, sites: int, ctcae: str, origin: str, criteria_origin: str, forms: list[str]
) -> None:
    study = load_study(name)
    assert (study.design.planned, study.design.sites) == (planned, sites)
    assert (study.safety.ctcae, study.safety.origin("ctcae")) == (ctcae, origin)
    assert (study.response.criteria, study.response.origin("criteria")) == ("RECIST 1.1", criteria_origin)
    assert [form.code for form in study.questionnaires] == forms


def test_no_document_states_confirmation_minimum_sd_interval_or_censoring() -> None:
    # clinical rules, section 0: silent in all five, so they must be defaults everywhere
    for name in builtin_studies():
        study = load_study(name)
        for section, options in (
            (study.response, ("confirm_days", "sd_min_days", "max_ne", "evaluator")),
            (study.schedule, ("interval_days", "window_days")),
            (study.censoring, ("style", "missed", "month")),
            (study.statistics, ("proportion_ci", "km_ci")),
        ):
            assert [section.origin(option) for option in options] == ["default"] * len(options)


def test_the_readings_of_the_ambiguous_sentences() -> None:
    # clinical rules, section 3
    real = load_study("hepatobiliary-rws")
    assert real.interim.cases == (500, 1000, 2000, 3000)
    assert real.interim.only_if_extended == (3000,)
    assert real.endpoint("os").landmarks == (12, 24, 60)
    assert real.endpoint("dcr").after_last_dose_days == 30
    assert [str(one) for one in real.endpoint("pfs-apatinib").subset] == ["APATFL EQ 'Y'"]
    assert sorted((arm.precedence, arm.code) for arm in real.arms) == [(1, "IMMUNO"), (2, "MATCHED"), (3, "ANTIANG")]
    assert (real.questionnaires[0].every_months, real.questionnaires[0].window_days) == (3, 45)
    assert load_study("lenvatinib-pembrolizumab").endpoint("sd4").threshold_months == 4
    assert load_study("apatinib-camrelizumab").endpoint("cbr").threshold_months == 6
    axitinib = load_study("axitinib-toripalimab")
    assert axitinib.endpoint("pfs-rate").landmarks == (3, 6)
    assert axitinib.endpoint("os-rate").landmarks == (6, 12)
    assert {one.code: one.cutoffs for one in axitinib.biomarkers if one.cutoffs} == {
        "PDL1TPS": (1,),
        "PDL1CPS": (1, 10),
        "TMB": (10,),
    }
    registry = load_study("refractory-registry")
    assert (registry.design.start, registry.cutoff, registry.origin("cutoff")) == (
        "2021-11-01",
        "2023-11-30",
        "protocol",
    )
    assert registry.endpoint("mtb-guided").population == "FAS"


def test_titles_are_those_of_the_documents() -> None:
    documents = sorted(others("seeds").glob("*.txt"))
    order = [
        "hepatobiliary-rws",
        "lenvatinib-pembrolizumab",
        "apatinib-camrelizumab",
        "axitinib-toripalimab",
        "refractory-registry",
    ]
    for name, path in zip(order, documents, strict=True):
        assert load_study(name).title == path.read_text(encoding="utf-8").splitlines()[0].strip()


def test_an_explanation_shows_every_endpoint_and_says_where_each_option_comes_from() -> None:
    text = explain_study(load_study("hepatobiliary-rws"))
    for endpoint in load_study("hepatobiliary-rws").endpoints:
        assert f"Endpoint {endpoint.id}: {endpoint.title}" in text
    assert "    ctcae                  4.0  [protocol]" in text
    assert "    confirm_days           28  [default]" in text
    assert "    cases                  500, 1000, 2000, 3000  [protocol]" in text


def test_the_list_has_a_line_for_each_study() -> None:
    lines = list_studies().splitlines()
    assert [line.split()[0] for line in lines] == list(builtin_studies())
    assert "  orr, dcr, pfs " in next(line for line in lines if line.startswith("lenvatinib"))
