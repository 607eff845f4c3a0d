"""Planted habits: the planted truth, or a finding that names the subject; never a different number and no word.

docs/habits.md shows all of them. Here a few cases run, and all of them with FHIR2CDISC_FUZZ=1, which also draws seeds
that nobody chose and several habits at once.
"""

from __future__ import annotations

import os

import pytest
from fhir2cdisc.fhir.simulation.dialects import NAMES as DIALECTS
from fhir2cdisc.fhir.simulation.habits.names import NAMES
from fhir2cdisc.mappings.study import builtin_studies
from hypothesis import given, settings
from hypothesis import strategies as st
from support.habits import DIFFERENT, EQUAL, GROUPS, SAID, Case, Verdict, verdicts

FUZZ = bool(os.environ.get("FHIR2CDISC_FUZZ"))
STUDIES = sorted(builtin_studies())
# What every run of the tests looks at is of one study, whose clean run is made once.
HOME = "hepatobiliary-rws"

CASES = [(habit, study) for habit in NAMES for study in STUDIES]
EVERY = CASES if FUZZ else [(habit, study) for habit, study in CASES if study == HOME][::6]


def lost(found: list[Verdict]) -> list[str]:
    """What is different and not said, in words."""
    return [f"{one.group}: {one.why}" for one in found if one.verdict == DIFFERENT]


@pytest.mark.parametrize(("habit", "study"), EVERY)
def test_a_habit_gives_the_truth_or_a_finding(habit: str, study: str) -> None:
    assert lost(verdicts(Case(study, (habit,), patients=5))) == []


@st.composite
def several(draw: st.DrawFn) -> tuple[str, ...]:
    """Habits that can be planted together: of those of death at most one."""
    names = draw(st.sets(st.sampled_from(sorted(NAMES)), min_size=2, max_size=5))
    deaths = sorted(name for name in names if name.startswith("death-"))
    return tuple(sorted(names - set(deaths[1:])))


@settings(max_examples=60 if FUZZ else 1, deadline=None, derandomize=not FUZZ)
@given(habits=several(), study=st.sampled_from(STUDIES), seed=st.integers(0, 2**31), dialect=st.sampled_from(DIALECTS))
def test_several_habits_at_once_give_the_truth_or_a_finding(
    habits: tuple[str, ...], study: str, seed: int, dialect: str
) -> None:
    assert lost(verdicts(Case(study, habits, seed, 4, (dialect,)))) == []


def test_a_named_time_zone_settles_mixed_offsets() -> None:
    found = verdicts(Case(HOME, ("time-zones",), patients=5, zone="+08:00"))
    assert {one.verdict for one in found} == {EQUAL} and len({one.subject for one in found}) == 5
    # Death dates are told apart by the day as before; of offsets nothing is left to be said.
    assert not {rule for one in found for rule in one.rules if rule.startswith("clock.")}


def test_without_a_habit_everything_is_equal_and_nothing_is_planted() -> None:
    assert verdicts(Case(HOME, patients=5)) == []


def test_a_difference_that_nothing_names_is_told_apart_from_one_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    from support import habits

    planted = [{"SUBJID": name, "TRUTH": ""} for name in ("01-0001", "01-0002", "01-0003")]
    different = {("01-0001", "OS"): "OS is 1", ("01-0002", "OS"): "OS is 2"}
    clean = {("01-0002", "old", "said anyhow")}
    said = {*clean, ("01-0001", "death", "no date"), ("", "tripwire", "of the study")}
    monkeypatch.setattr(habits, "clean_said", lambda case: clean)
    monkeypatch.setattr(habits, "look", lambda case: habits.Seen(different, said, planted))
    by = {one.subject: (one.verdict, one.rules) for one in verdicts(Case("s", ("orders",))) if one.group == "OS"}
    assert by == {"01-0001": (SAID, ("death",)), "01-0002": (DIFFERENT, ()), "01-0003": (EQUAL, ())}
    by = {one.subject: (one.verdict, one.rules) for one in verdicts(Case("s", ("spellings",))) if one.group == "OS"}
    assert by["01-0002"] == (SAID, ("tripwire",))
    assert len(verdicts(Case("s", ("orders",)))) == 3 * len(GROUPS)
