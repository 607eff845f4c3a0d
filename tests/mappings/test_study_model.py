"""The study model: what it refuses, what it defaults, and that every section says where an option comes from."""

from __future__ import annotations

from pathlib import Path

import pytest
from fhir2cdisc.mappings.study import Study, StudyError, builtin_studies, load_study
from fhir2cdisc.mappings.study_sections import Censoring, Response, Schedule

ROOT = Path(__file__).parents[2]
SMALL = 'id = "mine"\nstudyid = "MINE"\ntitle = "Mine"\n'


def written(tmp_path: Path, text: str) -> str:
    path = tmp_path / "mine.toml"
    path.write_text(SMALL + text, encoding="utf-8")
    return str(path)


def test_the_example_study_loads_unchanged_and_gets_every_default() -> None:
    study = load_study(str(ROOT / "examples/cancer-cohort.toml"))
    assert [one.code for one in study.populations] == ["FAS", "SAF", "EVAL"]
    assert study.response == Response()
    assert study.endpoints == ()


# An own parameter without the way in which its time ends.
OWN = '[[time_to_event]]\nparamcd = "TTX"\nparam = "X"\nevents = [{ says = "D", dataset = "ADSL", date = "DTHDT" }]\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[response]\nconfirm_day = 28\n", "response.confirm_day: Extra inputs are not permitted"),
        ('[response]\nstated = ["confirm"]\n', "stated names confirm, which is no option of this section"),
        ('[response]\ncriteria = "RECIST 2"\n', "response.criteria"),
        ("[response]\nconfirm_days = -1\n", "response.confirm_days"),
        ('[response]\nsensitivity = ["iRecist"]\n', "response.sensitivity.0: Input should be 'RECIST 1.1', 'iRECIST'"),
        ('[response]\nsensitivity = ["RECIST 1.1"]\n', "names RECIST 1.1, by which the main analysis is made already"),
        (
            '[response]\ncriteria = "iRECIST"\nsensitivity = ["mRECIST", "iRECIST"]\n',
            "names iRECIST, by which the main analysis is made already",
        ),
        ('[response]\nsensitivity = ["mRECIST", "mRECIST"]\n', "names a criterion twice: mRECIST, mRECIST"),
        (
            '[response]\nsensitivity = ["iRECIST"]\n[[endpoints]]\nid = "x"\ntitle = "X"\nrole = "primary"\n'
            'kind = "proportion"\nparamcd = "SD4MONTH"\nresponses = ["SD"]\nthreshold_months = 4\n',
            "endpoint x: paramcd 'SD4MONTH' leaves no room for the letter of iRECIST",
        ),
        (
            '[[endpoints]]\nid = "x"\ntitle = "X"\nrole = "primary"\nkind = "time-to-event"\nparamcd = "TTNT"\n',
            "endpoint x: nobody derives a parameter 'TTNT' (there are: CDOR, DOR, OS, PFS, PFSEMA, TTD, TTP, TTR)",
        ),
        (
            '[[endpoints]]\nid = "x"\ntitle = "X"\nrole = "primary"\nkind = "proportion"\nparamcd = "ORR"\n',
            "endpoint x: nobody derives a parameter 'ORR'",
        ),
        (
            'without_parameters = ["PFS"]\n[[endpoints]]\nid = "x"\ntitle = "X"\nrole = "primary"\n'
            'kind = "time-to-event"\nparamcd = "PFS"\n',
            "endpoint x: nobody derives a parameter 'PFS'",
        ),
        ('without_parameters = ["TTX"]\n', "'TTX' is no time-to-event parameter that ships"),
        (
            '[[endpoints]]\nid = "x"\ntitle = "X"\nrole = "primary"\nkind = "shift"\nparamcd = "KPS"\n',
            "endpoint x: nobody derives a parameter 'KPS' (there are: ECOG)",
        ),
        (f"{OWN}censors = []\n", "without event a time ends by `censors` or by `scans = true`"),
        (f'{OWN}scans = true\nstart = "PARAMCD > 1"\n', "time_to_event.0.start"),
        (f"{OWN}scans = true\n{OWN}scans = true\n", "time-to-event parameter 'TTX' is defined twice"),
        (
            f'{OWN}scans = true\nonly = {{ says = "R", dataset = "ADRS", date = "ADT", where = "f(x)" }}\n',
            "'f(x)' holds more than columns, literals, comparisons, and, or, not",
        ),
        (f"{OWN}scan = true\n", "time_to_event.0.scan: Extra inputs are not permitted"),
        ('[design]\nstart = "2021-11"\n', "design.start"),
        ('[[endpoints]]\nid = "x"\ntitle = "X"\nrole = "primary"\nkind = "odd"\n', "endpoints.0.kind"),
        (
            '[[endpoints]]\nid = "x"\ntitle = "X"\nrole = "primary"\nkind = "shift"\npopulation = "ITT"\n',
            "endpoint x: population 'ITT' is not defined in this study",
        ),
        (
            '[[endpoints]]\nid = "x"\ntitle = "X"\nrole = "primary"\nkind = "pro-change"\nquestionnaire = "Q"\n',
            "endpoint x: questionnaire 'Q' is not defined in this study",
        ),
        (
            '[[endpoints]]\nid = "x"\ntitle = "X"\nrole = "other"\nkind = "biomarker-group"\nby = ["TMB"]\n',
            "endpoint x: by 'TMB' is no biomarker of this study",
        ),
        ('[[arms]]\ncode = "A"\nlabel = "A"\ndrugs = ["X"]\n', "drug 'X' of an arm or regimen"),
        (
            '[[arms]]\ncode = "A"\nlabel = "Arm A"\n[statistics]\ncontrol = "Arm A"\n',
            "statistics.control 'Arm A' is no arm of this study",
        ),
        ('[[arms]]\ncode = "A"\nlabel = "A"\n[[arms]]\ncode = "A"\nlabel = "B"\n', "arm 'A' is defined twice"),
    ],
)
def test_a_wrong_study_file_is_refused_with_the_place(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(StudyError) as caught:
        load_study(written(tmp_path, text))
    assert message in str(caught.value)


def test_other_criteria_may_be_asked_for_as_sensitivity_analyses(tmp_path: Path) -> None:
    made = load_study(written(tmp_path, '[response]\ncriteria = "mRECIST"\nsensitivity = ["RECIST 1.1", "iRECIST"]\n'))
    assert made.response.sensitivity == ("RECIST 1.1", "iRECIST")
    endpoint = '[[endpoints]]\nid = "x"\ntitle = "X"\nrole = "primary"\nkind = "proportion"\n'
    composite = 'paramcd = "SD4MONTH"\nresponses = ["SD"]\nthreshold_months = 4\n'
    again = '[response]\nsensitivity = ["iRECIST"]\n'
    # Eight characters are enough where no letter comes before them, and for a flag of ADSL, which has none.
    for text in (
        f"{endpoint}{composite}",
        f'{again}{endpoint}dataset = "ADSL"\nparamcd = "ACTVARFL"\n',
    ):
        assert load_study(written(tmp_path, text)).endpoint("x").paramcd


def test_an_unknown_study_names_the_known_ones() -> None:
    with pytest.raises(StudyError, match="built-in: apatinib-camrelizumab, axitinib-toripalimab, hepatobiliary-rws"):
        load_study("no-such-study")


def test_a_study_is_frozen() -> None:
    study = load_study("apatinib-camrelizumab")
    with pytest.raises(ValueError, match="frozen"):
        study.title = "other"  # type: ignore[misc]


def test_an_endpoint_is_found_by_id_or_the_ids_are_named() -> None:
    study = load_study("apatinib-camrelizumab")
    assert study.endpoint("cbr").threshold_months == 6
    with pytest.raises(StudyError, match="has no endpoint 'xyz' \\(has: pfs, orr, os"):
        study.endpoint("xyz")


def test_two_missed_assessments_are_a_gap_of_more_than_two_intervals_and_two_windows() -> None:
    # clinical rules, section 2: 8 weeks +/- 1 week gives more than 126 days
    assert Censoring().gap_days(Schedule()) == 126
    assert Censoring(missed=3).gap_days(Schedule(interval_days=42, window_days=3)) == 135


def test_the_defaults_are_the_recommended_ones() -> None:
    # clinical rules, section 0, recommended defaults
    study = Study(id="x", studyid="X", title="X")
    response, censoring, statistics = study.response, study.censoring, study.statistics
    assert (response.criteria, response.evaluator) == ("RECIST 1.1", "INVESTIGATOR")
    assert (response.confirm_days, response.sd_min_days, response.max_ne, response.accept_sd) == (28, 42, 1, False)
    assert (censoring.style, censoring.missed, censoring.month, censoring.new_therapy) == ("fda", 2, 30.4375, "censor")
    assert (statistics.proportion_ci, statistics.km_ci) == ("clopper-pearson", "log-log")
    assert study.safety.window_days == 30
    assert study.response.origin("confirm_days") == "default"


def test_every_builtin_file_bears_its_own_name() -> None:
    for name, path in builtin_studies().items():
        assert load_study(str(path)).id == name
