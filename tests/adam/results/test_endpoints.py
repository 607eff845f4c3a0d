"""Endpoints of the study files as specifications, composite parameters, and data that can give nothing."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from fhir2cdisc.adam.criteria import in_terms_of
from fhir2cdisc.adam.plan import Plan
from fhir2cdisc.adam.response.composite import Composite, add_composites
from fhir2cdisc.adam.results.change import ChangeSpec
from fhir2cdisc.adam.results.distribution import DistributionSpec
from fhir2cdisc.adam.results.incidence import IncidenceSpec
from fhir2cdisc.adam.results.kinds import specs_of
from fhir2cdisc.adam.results.proportion import ProportionSpec
from fhir2cdisc.adam.results.sheet import Records
from fhir2cdisc.adam.results.survival import SurvivalSpec
from fhir2cdisc.adam.results.visits import VisitProportionSpec
from fhir2cdisc.mappings.conditions import Condition, is_
from fhir2cdisc.mappings.study import Study, builtin_studies, load_study
from support.adam import results_of, specs_asked

STUDIES = sorted(builtin_studies())
DAY = pd.Timestamp("2024-01-01")


def spec(study: str, name: str) -> object:
    return next(one for one in specs_asked(load_study(study)) if one.id == name)


@pytest.mark.parametrize("name", STUDIES)
def test_every_endpoint_has_a_specification_that_bears_its_id(name: str) -> None:
    study = load_study(name)
    ids = [one.id for one in specs_asked(study)]
    assert len(ids) == len(set(ids))
    assert [e.id for e in study.endpoints] == [i for i in ids if "." not in i]


def test_what_each_sentence_became() -> None:
    # clinical rules, section 3
    yes = (is_("AVALC", "Y"),)
    cases = {
        ("apatinib-camrelizumab", "cbr"): ("criteria", ((Records("ADRS", "CBR", yes),),)),
        ("hepatobiliary-rws", "dcr"): ("criteria", ((Records("ADRS", "CDCR30", yes),),)),
        ("hepatobiliary-rws", "dcr.unconfirmed"): ("criteria", ((Records("ADRS", "DCR30", yes),),)),
        ("hepatobiliary-rws", "pfs-apatinib"): ("subset", (is_("APATFL", "Y"),)),
        ("hepatobiliary-rws", "os"): ("landmarks", (12, 24, 60)),
        ("refractory-registry", "mtb-guided"): ("population", "FASFL"),
        ("refractory-registry", "second-guided"): ("subset", (is_("RESISTFL", "Y"),)),
        ("refractory-registry", "second-guided.enrolled"): ("subset", ()),
        ("refractory-registry", "sae"): ("by_treatment_at_onset", True),
        ("axitinib-toripalimab", "os-rate"): ("complement", True),
        ("lenvatinib-pembrolizumab", "pfs.pfsema"): ("paramcd", "PFSEMA"),
    }
    for (study, name), (attribute, value) in cases.items():
        assert getattr(spec(study, name), attribute) == value, (study, name)


def test_kinds_of_specification() -> None:
    assert isinstance(spec("refractory-registry", "orr-visit"), VisitProportionSpec)
    qol = spec("hepatobiliary-rws", "qol")
    assert isinstance(qol, ChangeSpec)
    assert qol.paramcds == ("PWB", "SWB", "EWB", "FWB", "HEPCS", "TOI", "FACTG", "FACTHEP")
    trae = spec("axitinib-toripalimab", "trae")
    assert isinstance(trae, IncidenceSpec)
    assert trae.where == (is_("TRTEMFL", "Y"), is_("AREL", "RELATED"))


def test_a_study_file_changes_what_is_computed_without_code() -> None:
    study = load_study("apatinib-camrelizumab")
    response = study.response.model_copy(update={"report": ("unconfirmed", "confirmed")})
    plain = study.model_copy(update={"response": response})
    first, second = (
        one for one in specs_of(plain.endpoint("orr"), Plan.of(plain, {})) if isinstance(one, ProportionSpec)
    )
    assert (first.id, first.criteria[0][0].paramcd) == ("orr", "RSP")
    assert (second.id, second.criteria[0][0].paramcd) == ("orr.confirmed", "CRSP")
    statistics = study.statistics.model_copy(update={"at_risk_min": 3, "level": 0.9})
    strict = study.model_copy(update={"statistics": statistics})
    pfs = specs_of(strict.endpoint("pfs"), Plan.of(strict, {}))[0]
    assert isinstance(pfs, SurvivalSpec)
    assert (pfs.min_at_risk, pfs.conf_level) == (3, 0.9)


# Endpoint | its sensitivity analysis by iRECIST, as dataset and parameter; blank: it asks for no response
AGAIN = {
    "orr": ("ADRS", "ICRSP"),
    "dcr": ("ADRS", "ICDCR"),
    "pfs": ("ADTTE", "IPFS"),
    "os": "",
    "dor": ("ADTTE", "ICDOR"),
    "sd4": ("ADRS", "ISD4M"),
    "dcr4": ("ADRS", "IDC4M"),
    "ttp": ("ADTTE", "ITTP"),
    "teae": "",
    "trae": "",
    "biomarkers": "",
}


def test_every_endpoint_of_response_is_asked_again_by_the_criteria_of_sensitivity_analyses() -> None:
    study = load_study("lenvatinib-pembrolizumab")
    specs = {one.id: one for one in specs_asked(study)}
    assert set(AGAIN) == {one.id for one in study.endpoints}
    made = {name: specs.get(f"{name}.irecist") for name in AGAIN}
    found = {
        name: ""
        if one is None
        else ("ADTTE", one.paramcd)
        if isinstance(one, SurvivalSpec)
        else ("ADRS", one.criteria[0][0].paramcd)  # type: ignore[attr-defined]
        for name, one in made.items()
    }
    assert found == AGAIN
    for name, one in made.items():
        if one is not None:
            assert one.label == f"{study.endpoint(name).title}, sensitivity analysis by iRECIST"
            assert (one.population, one.subset) == (specs[name].population, specs[name].subset)
    assert getattr(made["pfs"], "landmarks", None) == (6,)
    assert {one.id for one in specs_asked(study) if one.analysis == "sensitivity"} == {
        "pfs.pfsema",
        *(f"{name}.irecist" for name, said in AGAIN.items() if said),
    }


def test_responses_are_named_in_the_terms_of_the_criteria() -> None:
    registry = load_study("refractory-registry")
    judged = registry.model_copy(
        update={"response": registry.response.model_copy(update={"sensitivity": ("iRECIST", "mRECIST")})}
    )
    specs = {one.id: one for one in specs_asked(judged)}
    visit, best = specs["orr-visit.irecist"], specs["bor.irecist"]
    assert isinstance(visit, VisitProportionSpec) and isinstance(best, DistributionSpec)
    assert (visit.records.paramcd, visit.responses) == ("IOVR", ("iCR", "iPR"))
    assert best.records.paramcd == "ICBOR"
    assert best.categories == ("iCR", "iPR", "iSD", "NON-iCR/NON-iUPD", "iCPD", "iUPD", "NE", "MISSING")
    assert getattr(specs["bor.mrecist"], "categories", ())[:2] == ("CR", "PR")
    assert getattr(specs["pfs.mrecist"], "paramcd", "") == "MPFS"
    assert "mtb-guided.irecist" not in specs  # a flag of ADSL is no response


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("CR", "iCR"),
        ("PD", "iCPD"),
        ("NON-CR/NON-PD", "NON-iCR/NON-iUPD"),
        ("Y where CBOR is CR or NON-CR/NON-PD; CRSP, PDL1", "Y where CBOR is iCR or NON-iCR/NON-iUPD; CRSP, PDL1"),
        ("response of CR/PR", "response of iCR/iPR"),
        ("first iCPD, NE", "first iCPD, NE"),
    ],
)
def test_terms_in_a_sentence(words: str, expected: str) -> None:
    assert in_terms_of(words, "iRECIST") == expected
    assert in_terms_of(words, "mRECIST") == in_terms_of(words, "RECIST 1.1") == words


def adrs(values: dict[str, str]) -> pd.DataFrame:
    """CBOR of each subject, in the columns of ADRS that matter."""
    rows = [(s, "CBOR", v, float(n)) for n, (s, v) in enumerate(values.items(), 1)]
    frame = pd.DataFrame(rows, columns=["USUBJID", "PARAMCD", "AVALC", "ASEQ"])
    words = "STUDYID PARAM PARCAT1 PARCAT2 PARCAT3 ADTF AVISIT ANL01FL ANL02FL SRCDOM SRCVAR".split()
    return frame.assign(**dict.fromkeys(words, ""), AVAL=np.nan, ADY=np.nan, AVISITN=np.nan, SRCSEQ=np.nan, ADT=DAY)


def subjects(ids: list[str]) -> pd.DataFrame:
    return pd.DataFrame(
        {"STUDYID": "X", "USUBJID": ids, "TRTSDT": DAY, "TRTEDT": DAY, "SAFFL": "Y", "FASFL": "Y", "TRT01A": "A"}
    )


def times(days: dict[str, tuple[float, float]]) -> pd.DataFrame:
    rows = [(s, "PFS", t, c, 1.0, DAY, "X") for s, (t, c) in days.items()]
    return pd.DataFrame(rows, columns=["USUBJID", "PARAMCD", "AVAL", "CNSR", "ASEQ", "ADT", "STUDYID"])


# 4 x 30.4375 = 121.75 and 6 x 30.4375 = 182.625: more than, so day 121 and day 182 are not enough.
COURSES = {
    # subject: best response, days, censored, SD more than 4 months, clinical benefit by 6 months
    "at-4": ("SD", 121.0, 0.0, "N", "N"),
    "past-4": ("SD", 122.0, 0.0, "Y", "N"),
    "censored-past-4": ("SD", 122.0, 1.0, "Y", "N"),
    "at-6": ("SD", 182.0, 0.0, "Y", "N"),
    "past-6": ("SD", 183.0, 0.0, "Y", "Y"),
    "responder": ("PR", 60.0, 0.0, "N", "Y"),
    "long-responder": ("PR", 300.0, 0.0, "N", "Y"),
    "progressed": ("PD", 50.0, 0.0, "N", "N"),
    "unassessed": ("MISSING", 200.0, 1.0, "N", "Y"),
}


@pytest.mark.parametrize(
    ("study", "code", "column"), [("axitinib-toripalimab", "SD4M", 3), ("apatinib-camrelizumab", "CBR", 4)]
)
def test_composites_are_strict_about_their_threshold(study: str, code: str, column: int) -> None:
    ids = list(COURSES)
    made = {
        "ADSL": subjects(ids),
        "ADRS": adrs({s: c[0] for s, c in COURSES.items()}),
        "ADTTE": times({s: (c[1], c[2]) for s, c in COURSES.items()}),
    }
    out = add_composites(made, pd.DataFrame(), pd.DataFrame(), Plan.of(load_study(study), {}).families)
    mine = out[out["PARAMCD"] == code].set_index("USUBJID")
    assert mine["AVALC"].to_dict() == {s: c[column] for s, c in COURSES.items()}
    # A time decides where the response alone does not; the record that decided is named.
    decided = mine.loc["past-6", ["SRCDOM", "SRCVAR", "SRCSEQ"]].tolist()
    assert decided == ["ADTTE", "AVAL", 1.0]
    assert mine.loc["unassessed", "SRCDOM"] == ("ADTTE" if code == "CBR" else "ADRS")
    assert not out.duplicated(["USUBJID", "ASEQ"]).any()


def composites(study: str) -> tuple[Composite, ...]:
    ((_, family),) = Plan.of(load_study(study), {}).families
    return family


def test_composites_say_in_words_what_they_are() -> None:
    words = {one.paramcd: one.method for one in composites("apatinib-camrelizumab")}
    assert words == {"CBR": "Y where CBOR is CR, PR or ADTTE.AVAL of PFS is more than 6 x 30.4375 days, else N."}
    assert [one.paramcd for one in composites("hepatobiliary-rws")] == ["CDCR30", "DCR30"]


def tte(study: Study, rows: list[tuple[str, float, float]]) -> dict[str, pd.DataFrame]:
    """ADSL and ADTTE with the same times for every parameter of the study."""
    codes = ("OS", "PFS", "PFSEMA", "TTP", "CDOR", "DOR")
    frame = pd.DataFrame(
        [(s, code, t, c, 1.0) for s, t, c in rows for code in codes],
        columns=["USUBJID", "PARAMCD", "AVAL", "CNSR", "ASEQ"],
    )
    return {"ADSL": subjects([s for s, _, _ in rows]), "ADTTE": frame}


NOTHING: list[tuple[str, float, float]] = []
HARD = {
    "nobody": NOTHING,
    "one subject": [("1", 100.0, 0.0)],
    "no events": [("1", 100.0, 1.0), ("2", 200.0, 1.0)],
    "all events at one time": [("1", 100.0, 0.0), ("2", 100.0, 0.0), ("3", 100.0, 0.0)],
    "all missing": [("1", math.nan, math.nan), ("2", math.nan, math.nan)],
}


@pytest.mark.parametrize("case", HARD)
@pytest.mark.parametrize("name", STUDIES)
def test_what_cannot_be_estimated_says_why_and_never_fails(name: str, case: str) -> None:
    study = load_study(name)
    table = results_of(study, tte(study, HARD[case])).table
    assert {one.id for one in study.endpoints} <= set(table["RESULTID"])
    unexplained = table[table["VALUE"].isna() & (table["REASON"] == "")]
    assert unexplained.to_dict("records") == []


def test_the_reasons_in_words() -> None:
    study = load_study("apatinib-camrelizumab")
    cases = {
        ("nobody", "os", "median"): "no subject with a time",
        ("one subject", "pfs", "follow-up median"): "no events",
        ("no events", "os", "median"): "no events",
        ("all missing", "os", "median"): "no subject with a time",
        ("one subject", "orr", "estimate"): "there is no dataset ADRS",
    }
    for (case, name, statistic), reason in cases.items():
        table = results_of(study, tte(study, HARD[case])).table
        rows = table[(table["RESULTID"] == name) & (table["STATISTIC"] == statistic)]
        assert list(rows["REASON"]) == [reason], (case, name)


def test_an_arm_without_subjects_is_not_a_group_and_one_subject_is() -> None:
    study = load_study("hepatobiliary-rws")
    table = results_of(study, tte(study, HARD["one subject"])).table
    assert list(table.loc[table["RESULTID"] == "os", "GROUP"].unique()) == ["A", "All"]


def test_a_threshold_also_shows_who_was_censored_before_it() -> None:
    censored = spec("lenvatinib-pembrolizumab", "sd4.censored")
    assert isinstance(censored, ProportionSpec)
    (member,) = censored.criteria
    assert [one.dataset for one in member] == ["ADRS", "ADTTE", "ADRS"]
    assert Condition("AVAL", "LE", (4 * 30.4375,)) in member[1].where
