"""The simulator's own rules for truth, against hand-worked cases and the shared decision tables."""

from __future__ import annotations

import pytest
from fhir2cdisc.fhir.simulation.plan import INVESTIGATOR, Assessment, Course, Lesion, Read
from fhir2cdisc.fhir.simulation.questionnaires import fact_scores, promis_scores
from fhir2cdisc.fhir.simulation.recist import nontarget_response, overall_response, target_response
from fhir2cdisc.fhir.simulation.truth import best_response, counted, event_or_censor, response_rows, time_rows
from fhir2cdisc.mappings.study import load_study
from support.facts import facts

START = 737_000


def course(calls: str, death: int | None = None, therapy: int | None = None, reason: str = "") -> Course:
    """A course with one reader; `calls` is like '56:SD 112:PD', days from first dose."""
    made = Course(1, "01-0001", "01", "male", 0, 0, "", 0, (), START - 10, first_dose=START, end=START + 400)
    made.death = None if death is None else START + death
    made.new_therapy = None if therapy is None else START + therapy
    made.study_end_reason = "DEATH" if death is not None else reason
    made.assessments = [Assessment(0, "SCREENING", START - 5, [Read(INVESTIGATOR)])]
    for number, one in enumerate(calls.split(), 1):
        day, response = one.split(":")
        made.assessments.append(Assessment(number, "", START + int(day), [Read(INVESTIGATOR, overall=response)]))
    return made


# situation, calls, death, therapy, reason, expected day, expected code (0: event); facts/pfs_censoring_vectors
PFS = [
    ("F02 no assessment, alive", "", None, None, "", 0, 3),
    ("F03 death before the second assessment", "", 100, None, "", 100, 0),
    ("F04 death after two missed from the start", "", 200, None, "", 0, 4),
    ("F05 progression", "56:SD 112:PD", None, None, "", 112, 0),
    ("F08 ongoing", "56:SD 112:PR", None, None, "", 112, 1),
    ("F09 new therapy first", "56:SD 112:PD", None, 80, "", 56, 5),
    ("F09 new therapy, nothing before it", "112:PD", None, 30, "", 0, 5),
    ("F10 progression on the day of new therapy", "56:SD 112:PD", None, 112, "", 112, 0),
    ("F11 progression after two missed", "56:SD 250:PD", None, None, "", 56, 4),
    ("F11 the day after the longest gap", "56:SD 183:PD", None, None, "", 56, 4),
    ("F12 exactly the longest gap of 126 days", "56:SD 182:PD", None, None, "", 182, 0),
    ("F14 lost", "56:SD", None, None, "LOST TO FOLLOW-UP", 56, 6),
    ("F15 death, followed closely", "56:SD", 100, None, "", 100, 0),
    ("F17 the last one is NE", "56:SD 112:NE", None, None, "", 56, 1),
    ("death after new therapy", "56:SD", 100, 90, "", 56, 5),
    ("NE does not shorten a gap", "56:SD 112:NE 190:PD", None, None, "", 56, 4),
]


@pytest.mark.parametrize(("name", "calls", "death", "therapy", "reason", "day", "code"), PFS)
def test_progression_free_survival_is_censored_in_fda_style(
    name: str, calls: str, death: int | None, therapy: int | None, reason: str, day: int, code: int
) -> None:
    made = course(calls, death, therapy, reason)
    found = [(one.day, one.reads[0].overall) for one in made.assessments if one.number]
    assert event_or_censor(made, found, 126, death_counts=True)[:2] == (START + day, code)


def test_time_rows_count_the_first_day_and_take_the_first_confirmed_response() -> None:
    study = load_study("apatinib-camrelizumab")
    rows = {str(row["PARAMCD"]): row for row in time_rows(study, course("56:PR 112:PR 168:PD", death=300))}
    values = {name: (row["AVAL"], row["CNSR"]) for name, row in rows.items()}
    # days + 1; the response starts on day 56 and ends on day 168
    assert values == {
        "OS": (301, 0),
        "PFS": (169, 0),
        "PFSEMA": (169, 0),
        "TTP": (169, 0),
        "CDOR": (113, 0),
        "DOR": (113, 0),
    }


def test_an_unconfirmed_response_has_no_confirmed_duration() -> None:
    rows = time_rows(load_study("apatinib-camrelizumab"), course("56:PR 112:SD 168:PD"))
    assert {row["PARAMCD"] for row in rows} == {"OS", "PFS", "PFSEMA", "TTP", "DOR"}


def test_time_to_progression_censors_death_and_ema_style_ignores_gaps() -> None:
    rows = {str(r["PARAMCD"]): r for r in time_rows(load_study("apatinib-camrelizumab"), course("56:SD", death=300))}
    assert (rows["TTP"]["AVAL"], rows["TTP"]["CNSR"]) == (57, 1)
    assert (rows["PFS"]["AVAL"], rows["PFS"]["CNSR"]) == (57, 4)
    assert (rows["PFSEMA"]["AVAL"], rows["PFSEMA"]["CNSR"]) == (301, 0)


# calls, death, last dose, study, and who counts as RSP CRSP DCR CDCR SD4M DC4M CBR
COUNTS = [
    ("56:PR 112:PR 140:PD", None, 150, "Y Y Y Y N Y Y"),  # 141 days is more than 4 months
    ("56:PR 112:PD", None, 120, "Y N Y Y N N N"),  # unconfirmed: SD, 113 days
    ("56:SD 112:SD 121:PD", None, 120, "N N Y Y Y Y N"),  # 122 days = 4.008 months
    ("56:SD 112:SD 120:PD", None, 120, "N N Y Y N N N"),  # 121 days = 3.975 months
    ("56:SD 112:SD 168:SD 181:PD", None, 180, "N N Y Y Y Y N"),  # 182 days = 5.98 months
    ("56:SD 112:SD 168:SD 182:PD", None, 180, "N N Y Y Y Y Y"),  # 183 days = 6.01 months
    ("56:SD 112:SD 168:SD", None, 180, "N N Y Y Y Y N"),  # censored before 6 months
    ("56:NON-CR/NON-PD 112:PD", None, 120, "N N Y Y N N N"),  # no target lesions: disease control, not SD
    ("30:SD 50:PD", 200, 45, "N N N N N N N"),  # too early for SD: PD
]


@pytest.mark.parametrize(("calls", "death", "last_dose", "expected"), COUNTS)
def test_who_counts_for_the_response_endpoints(calls: str, death: int | None, last_dose: int, expected: str) -> None:
    made = course(calls, death)
    made.last_dose = START + last_dose
    row = next(response_rows(load_study("lenvatinib-pembrolizumab"), made))
    assert " ".join(str(row[name]) for name in ("RSP", "CRSP", "DCR", "CDCR", "SD4M", "DC4M", "CBR")) == expected


def test_disease_control_in_the_real_world_study_ends_30_days_after_the_last_dose() -> None:
    for last_dose, expected in ((26, "Y"), (25, "N")):  # the SD of day 56 is 30 or 31 days after it
        made = course("56:SD 112:PD")
        made.last_dose = START + last_dose
        assert next(response_rows(load_study("hepatobiliary-rws"), made))["DCR"] == expected


def test_best_response_agrees_with_the_shared_vectors() -> None:
    columns: dict[str, dict[str, int | bool | None]] = {
        "bor_unconfirmed_sd42": {"confirm_days": None},
        "bor_confirmed28_sd42_ne1": {"confirm_days": 28},
        "bor_confirmed_accept_one_SD": {"confirm_days": 28, "accept_sd": True},
        "bor_confirmed_no_NE_allowed": {"confirm_days": 28, "max_ne": 0},
        "bor_confirmed_sd56": {"confirm_days": 28, "sd_min_days": 56},
    }
    checked = 0
    for row in facts("recist11_bor_vectors"):
        parts = [one.split(":", 1) for one in row["assessments"].split(";") if one]
        calls = counted([(int(day[3:]), response) for day, response in parts], None)
        for column, options in columns.items():
            best, day = best_response(calls, 0, **options)  # type: ignore[arg-type]
            assert best + ("" if day is None else f"@day{day}") == row[column], (row["id"], column)
            checked += 1
    assert checked == 34 * 5


def test_assessments_after_new_therapy_do_not_count() -> None:
    calls = [(56, "SD"), (112, "PR"), (168, "PR")]
    assert counted(calls, 100) == [(56, "SD")]
    assert counted([(56, "PD"), (112, "PR")], None) == [(56, "PD")]


TARGETS = [Lesion("T01", "TARGET", "LIVER", False), Lesion("T02", "TARGET", "LYMPH NODE", True)]


@pytest.mark.parametrize(
    ("first", "node", "base", "nadir", "expected", "why"),
    [
        (0, 9, 60, 60, "CR", "node below 10 mm, the sum is not 0"),
        (0, 10, 60, 60, "PR", "node of 10 mm is still there"),
        (32, 10, 60, 60, "PR", "exactly 70 % of baseline"),
        (33, 10, 60, 60, "SD", "one mm more"),
        (38, 10, 60, 40, "PD", "exactly 20 % and 8 mm over nadir"),
        (14, 9, 60, 19, "PR", "4 mm over nadir: not progression"),
        (15, 9, 60, 19, "PD", "5 mm over nadir and 26 %"),
        (None, 10, 60, 60, "NE", "a target is not measured"),
        (None, 73, 60, 60, "PD", "the measured target alone is progression"),
        (5, 0, 60, 0, "PD", "back after complete response"),
    ],
)
def test_target_response(first: int | None, node: int, base: int, nadir: int, expected: str, why: str) -> None:
    assert target_response(TARGETS, {"T01": first, "T02": node}, base, nadir) == expected, why


def test_nontarget_response() -> None:
    lesions = [Lesion("NT01", "NON-TARGET", "BONE", False), Lesion("NT02", "NON-TARGET", "LUNG", False)]
    table = {
        ("ABSENT", "ABSENT"): "CR",
        ("ABSENT", "PRESENT"): "NON-CR/NON-PD",
        ("PRESENT", "UNEQUIVOCAL INCREASE"): "PD",
        ("ABSENT", None): "NE",
        (None, "UNEQUIVOCAL INCREASE"): "PD",
    }
    for (one, other), expected in table.items():
        assert nontarget_response(lesions, {"NT01": one, "NT02": other}) == expected
    assert nontarget_response([], {}) == ""


@pytest.mark.parametrize("name", ["recist11_timepoint_target", "recist11_timepoint_nontarget_only"])
def test_overall_response_agrees_with_the_shared_tables(name: str) -> None:
    for row in facts(name):
        parts = [{"NA": "", None: ""}.get(value, value) for value in (row.get("target"), row["nontarget"])]
        assert overall_response(str(parts[0]), str(parts[1]), row["new_lesion"] == "Y") == row["overall"], row


def test_fact_hep_scores_agree_with_the_shared_vectors() -> None:
    codes = {row["facit_code"]: row["cdisc_qstestcd"] for row in facts("fact_hep_items")}
    names = {"HepCS": "HEPCS", "TOTAL": "FACTHEP"}
    for vector in facts("fact_hep_vectors"):
        scores = fact_scores({codes[item]: int(value) for item, value in vector.items() if item in codes and value})
        for name, value in vector.items():
            if not name.startswith("=") or name.endswith("_N"):
                continue
            expected = pytest.approx(float(value), abs=5e-4) if value else None
            assert scores[names.get(name[1:], name[1:])] == expected, (vector["id"], name)


def test_promis_raw_sums_need_all_four_items() -> None:
    answers = {f"PA2610{n:02d}": 3 for n in range(1, 29)} | {"PA261029": 7}
    assert promis_scores(answers) == dict.fromkeys(("PF", "ANX", "DEP", "FAT", "SLP", "SOC", "PI"), 12.0) | {"PAIN": 7}
    del answers["PA261002"]
    assert promis_scores(answers)["PF"] is None
