"""Tables of adverse events: counts, order, worst grades (by hand)."""

from __future__ import annotations

import math

import pandas as pd
from fhir2cdisc.adam.results.incidence import incidence, worst_grade

ADSL = pd.DataFrame({"USUBJID": list("abcdefgh"), "ARM": ["1"] * 4 + ["2"] * 4})


def ae(*rows):
    return pd.DataFrame(rows, columns=["USUBJID", "AEBODSYS", "AEDECOD", "ATOXGRN"])


EVENTS = ae(
    ("a", "Blood", "Anaemia", 1),
    ("a", "Blood", "Anaemia", 3),
    ("b", "Blood", "Leukopenia", 2),
    ("e", "Skin", "Rash", None),
    ("f", "Skin", "Rash", 1),
    ("f", "Skin", "Itch", 2),
    ("e", "Skin", "Dry", 1),
    ("z", "Skin", "Rash", 5),
)


def test_incidence_counts_a_subject_once_and_says_its_order():
    """Blood and Skin have two subjects each: alphabetical; Rash (2) before Dry and Itch (1 each)."""
    table = incidence(ADSL, EVENTS)
    shown = [tuple(r) for r in table[["LEVEL", "AEBODSYS", "AEDECOD", "N_SUBJECTS", "PERCENT", "N_EVENTS"]].values]
    assert shown == [
        (0, "", "", 4, 50.0, 7),
        (1, "Blood", "", 2, 25.0, 3),
        (2, "Blood", "Anaemia", 1, 12.5, 2),
        (2, "Blood", "Leukopenia", 1, 12.5, 1),
        (1, "Skin", "", 2, 25.0, 4),
        (2, "Skin", "Rash", 2, 25.0, 2),
        (2, "Skin", "Dry", 1, 12.5, 1),
        (2, "Skin", "Itch", 1, 12.5, 1),
    ]


def test_incidence_by_group_shows_every_row_in_every_group():
    table = incidence(ADSL, EVENTS, group="ARM")
    rash = table[table["AEDECOD"] == "Rash"].set_index("GROUP")
    assert rash["N_SUBJECTS"].to_dict() == {"1": 0, "2": 2, "Total": 2}
    assert rash["N"].to_dict() == {"1": 4, "2": 4, "Total": 8}
    assert rash["PERCENT"].to_dict() == {"1": 0.0, "2": 50.0, "Total": 25.0}


def test_incidence_without_events_and_without_subjects():
    none = incidence(ADSL, EVENTS.iloc[:0])
    assert none[["LEVEL", "N_SUBJECTS", "N", "PERCENT"]].values.tolist() == [[0, 0, 8, 0]]
    nobody = incidence(ADSL.iloc[:0], EVENTS)
    assert nobody["N_SUBJECTS"].tolist() == [0] and math.isnan(nobody["PERCENT"][0])


def test_incidence_without_levels_counts_subjects_and_events():
    """Serious events are asked for as one number: a has 2 events, b 1, c none."""
    three = ADSL[ADSL["USUBJID"].isin(list("abc"))]
    table = incidence(three, EVENTS.iloc[:3], levels=())
    assert table[["LEVEL", "N_SUBJECTS", "N", "N_EVENTS"]].values.tolist() == [[0, 2, 3, 3]]
    both = incidence(ADSL, EVENTS, levels=(), group="ARM").set_index("GROUP")
    assert both["N_EVENTS"].to_dict() == {"1": 3, "2": 4, "Total": 7}


def test_worst_grade_per_level():
    table = worst_grade(ADSL, EVENTS).set_index(["AEBODSYS", "AEDECOD"])
    any_event = table.loc[("", "")]
    assert [any_event[f"GRADE_{g}"] for g in range(1, 6)] == [1, 2, 1, 0, 0]
    rash = table.loc[("Skin", "Rash")]
    assert (rash["N_SUBJECTS"], rash["GRADE_1"], rash["GRADE_MISSING"]) == (2, 1, 1)
    assert worst_grade(ADSL, EVENTS.iloc[:0])["N_SUBJECTS"].tolist() == [0]
