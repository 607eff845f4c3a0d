"""Time to event: the general derivation, boundaries, ties, and dates before the start."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from fhir2cdisc.adam.frames.conditions import select
from fhir2cdisc.adam.time_to_event.adtte import Censor, Event, Parameter, Source, check_adtte, derive_adtte
from fhir2cdisc.mappings.conditions import in_words
from support.adam import ADMIRALONCO, CDOR, DOR, OS, PFS, PFSEMA, TTD, TTP, TTR
from support.tables import assert_rows, table


def adsl(**columns: list[object]) -> pd.DataFrame:
    n = len(next(iter(columns.values())))
    frame = pd.DataFrame({"STUDYID": "S", "USUBJID": [f"{i + 1:02}" for i in range(n)], **columns})
    for name in frame.columns:
        if name.endswith("DT"):
            frame[name] = pd.to_datetime(frame[name])
    return frame


def adrs(text: str) -> pd.DataFrame:
    """Records that count, numbered in the order of the table."""
    frame = table(text)
    return frame.assign(ANL01FL="Y", ASEQ=np.arange(1.0, len(frame) + 1))


def one(frame: pd.DataFrame, subject: str = "01") -> dict[str, object]:
    row = frame[subject == frame.USUBJID].iloc[0]
    return {
        "ADT": str(row.ADT.date()),
        "AVAL": row.AVAL,
        "CNSR": row.CNSR,
        "EVNTDESC": row.EVNTDESC,
        "CNSDTDSC": row.CNSDTDSC,
        "SRC": f"{row.SRCDOM}.{row.SRCVAR}",
    }


def test_overall_survival_counts_the_first_day_and_names_its_source() -> None:
    subjects = adsl(
        TRTSDT=["2024-01-01", "2024-01-01", "2024-01-01", None],
        DTHDT=["2024-01-31", None, None, "2024-02-01"],
        LSTALVDT=[None, "2024-03-01", None, None],
    )
    found = derive_adtte(subjects, {}, [OS])
    assert found.USUBJID.tolist() == ["01", "02", "03"]  # 04 was never treated
    assert one(found) == {
        "ADT": "2024-01-31",
        "AVAL": 31.0,
        "CNSR": 0.0,
        "EVNTDESC": "Death",
        "CNSDTDSC": "",
        "SRC": "ADSL.DTHDT",
    }
    assert one(found, "02")["CNSDTDSC"] == "Alive During Study"
    assert one(found, "03")["ADT"] == "2024-01-01"
    assert found.WHY[0] == "Death on 2024-01-31 is the first event since 2024-01-01."
    assert found.ADT.dtype == "datetime64[ns]"
    assert check_adtte(subjects, {}, [OS])[["USUBJID", "RULE"]].values.tolist() == [["04", "no start date"]]


A = Event("A", "X", "D", "K == 'A'")
B = Event("B", "X", "D", "K == 'B'")
EARLY = Censor("early", "X", "D", "K == 'C'")
LATE = Censor("late", "X", "D", "K == 'D'", cnsr=2)
ANY = Parameter("ANY", "Any", "TRTSDT", (A, B), (EARLY, LATE))


@pytest.mark.parametrize(
    ("records", "date", "event", "cnsr"),
    [
        ("A 2024-02-01, B 2024-03-01", "2024-02-01", "A", 0),
        ("A 2024-03-01, B 2024-02-01", "2024-02-01", "B", 0),
        ("B 2024-02-01, A 2024-02-01", "2024-02-01", "A", 0),  # same day: first listed
        ("A 2024-03-01, A 2024-02-01", "2024-02-01", "A", 0),  # row order does not matter
        ("C 2024-02-01, D 2024-03-01", "2024-03-01", "late", 2),
        ("C 2024-03-01, D 2024-02-01", "2024-03-01", "early", 1),
        ("D 2024-03-01, C 2024-03-01", "2024-03-01", "late", 2),  # same day: last listed
        ("A 2024-02-01, D 2025-03-01", "2024-02-01", "A", 0),  # an event wins over any censoring
    ],
)
def test_first_event_else_latest_censoring(records: str, date: str, event: str, cnsr: int) -> None:
    rows = [("01", *record.split()) for record in records.split(", ")]
    source = pd.DataFrame(rows, columns=["USUBJID", "K", "D"]).assign(D=lambda f: pd.to_datetime(f.D))
    found = one(derive_adtte(adsl(TRTSDT=["2024-01-01"]), {"X": source}, [ANY]))
    assert (found["ADT"], found["EVNTDESC"], found["CNSR"]) == (date, event, cnsr)


def test_a_date_before_the_start_is_reported_and_moved_only_on_demand() -> None:
    subjects = adsl(TRTSDT=["2024-02-01"], DTHDT=["2024-01-31"])
    found = derive_adtte(subjects, {}, [OS])
    assert one(found)["ADT"] == "2024-01-31"
    assert np.isnan(found.AVAL[0])
    assert found.WHY[0].endswith("no time is given.")
    assert check_adtte(subjects, {}, [OS]).MESSAGE.tolist() == [
        "Death on 2024-01-31 lies before the start of OS on 2024-02-01."
    ]
    moved = one(derive_adtte(subjects, {}, [OS], clamp_to_start=True))
    assert (moved["ADT"], moved["AVAL"]) == ("2024-02-01", 1.0)
    same_day = adsl(TRTSDT=["2024-02-01"], DTHDT=["2024-02-01"])
    assert derive_adtte(same_day, {}, [OS]).AVAL.tolist() == [1.0]
    assert len(check_adtte(same_day, {}, [OS])) == 0


def test_an_event_after_the_cut_off_censors_at_the_cut_off() -> None:
    subjects = adsl(
        TRTSDT=["2024-01-01"] * 4,
        CUTDT=["2024-06-30"] * 4,
        DTHDT=["2024-07-01", "2024-06-30", None, None],
        LSTALVDT=["2024-07-01", None, "2024-08-01", "2024-06-01"],
    )
    found = derive_adtte(subjects, {}, [replace(OS, cutoff="CUTDT")])
    assert found.ADT.dt.strftime("%m-%d").tolist() == ["06-30", "06-30", "06-30", "06-01"]
    assert found.CNSR.tolist() == [8.0, 0.0, 8.0, 1.0]


RESPONDERS = """
    USUBJID | PARAMCD | AVALC | ADT
    01      | RSP     | Y     | 2024-03-01
    01      | CRSP    | Y     | 2024-05-01
    01      | OVR     | PR    | 2024-03-01
    01      | OVR     | PR    | 2024-05-01
    01      | OVR     | PD    | 2024-07-01
    01      | PD      | Y     | 2024-07-01
    01      | BASETA  | Y     | 2024-01-01
"""


def test_duration_of_response_runs_in_responders_from_the_response_of_its_kind() -> None:
    subjects = adsl(TRTSDT=["2024-01-01", "2024-01-01"])
    found = derive_adtte(subjects, {"ADRS": adrs(RESPONDERS)}, [DOR, CDOR, TTR])
    assert_rows(
        found,
        """
        USUBJID | PARAMCD | AVAL | CNSR | ASEQ | why
        01      | CDOR    | 62   | 0    | 1    | from the confirmed response of 1 May to 1 July
        01      | DOR     | 123  | 0    | 2    | from the first response of 1 March
        01      | TTR     | 61   | 0    | 3    | from the first dose; 2024 is a leap year
        """,
    )


def test_time_to_progression_censors_death_and_time_on_treatment_ends_with_the_last_dose() -> None:
    subjects = adsl(
        TRTSDT=["2024-01-01", "2024-01-01"],
        TRTEDT=["2024-04-09", "2024-04-09"],
        DTHDT=["2024-04-20", None],
        EOTSTT=["DISCONTINUED", "ONGOING"],
    )
    records = adrs("""
        USUBJID | PARAMCD | AVALC | ADT
        01      | BASETA  | Y     | 2024-01-01
        01      | OVR     | SD    | 2024-03-01
    """)
    found = one(derive_adtte(subjects, {"ADRS": records}, [TTP]))
    assert (found["ADT"], found["CNSR"], found["CNSDTDSC"]) == ("2024-03-01", 1.0, "Last Adequate Assessment")
    assert derive_adtte(subjects, {}, [TTD])[["AVAL", "CNSR"]].values.tolist() == [[100.0, 0.0], [100.0, 1.0]]


def test_columns_of_adsl_are_carried_on_request_and_no_subject_gives_an_empty_frame() -> None:
    subjects = adsl(TRTSDT=["2024-01-01"], TRT01A=["X"])
    assert derive_adtte(subjects, {}, [OS], keep=["TRT01A", "NOTHERE"]).TRT01A.tolist() == ["X"]
    empty = derive_adtte(subjects.iloc[:0], {}, [OS])
    assert len(empty) == 0
    assert "CNSR" in empty.columns


def test_a_parameter_says_in_words_what_it_does() -> None:
    assert PFS.method.startswith("Starts: Treatment Start (ADSL.TRTSDT). Events (the first counts, of one day the")
    assert "an event more than 126 days, 2 x (56 + 7), after that (found by a scan: before its day)" in PFS.method
    assert "ADRS.ADT where PARAMCD = 'PD' and AVALC = 'Y'" in PFSEMA.method
    assert ADMIRALONCO[0].method.endswith(
        "Alive (ADSL.LSTALVDT), CNSR 1 at 'Alive During Study'; Randomization (ADSL.RANDDT), CNSR 1 at 'Randomization'."
        " Who died (ADSL.DTHFL) without such a date: CNSR 9 'Death, Date Unknown' there."
    )


def test_incomplete_parameters_are_refused() -> None:
    with pytest.raises(ValueError, match="OS: a time-to-event parameter needs at least one event"):
        replace(OS, events=())
    with pytest.raises(ValueError, match="OS: neither censors nor scans"):
        replace(OS, censors=())
    with pytest.raises(ValueError, match="cnsr 0 is not a positive integer"):
        Censor("x", "ADSL", "TRTSDT", cnsr=0)
    with pytest.raises(ValueError, match="no source dataset ADXX"):
        derive_adtte(adsl(TRTSDT=["2024-01-01"]), {}, [replace(OS, events=(Event("e", "ADXX", "ADT"),))])
    twice = pd.concat([adsl(TRTSDT=["2024-01-01"])] * 2)
    with pytest.raises(ValueError, match="USUBJID is not unique"):
        derive_adtte(twice, {}, [OS])


FRAME = pd.DataFrame({"P": ["PD", "OVR", None], "Q": ["Y", "", "Y"], "N": [1.0, 2.0, np.nan]})


@pytest.mark.parametrize(
    ("where", "expected", "words"),
    [
        ("P == 'PD' and Q == 'Y'", [True, False, False], "P = 'PD' and Q = 'Y'"),
        ("P != 'PD'", [False, True, True], "P is not 'PD'"),
        ("P == ''", [False, False, True], "P is missing"),
        ("P in ('PD', 'OVR')", [True, True, False], "P in ('PD', 'OVR')"),
        ("P not in ('PD', '')", [False, True, False], "P not in ('PD', '')"),
        ("N >= 2 or not (Q == 'Y')", [False, True, False], "N >= 2 or not (Q = 'Y')"),
        ("GONE == ''", [True, True, True], "GONE is missing"),
        ("", [True, True, True], ""),
    ],
)
def test_conditions_are_evaluated_and_put_in_words(where: str, expected: list[bool], words: str) -> None:
    assert select(FRAME, where).tolist() == expected
    assert in_words(where) == words


@pytest.mark.parametrize("where", ["__import__('os')", "P.x == 1", "P == Q", "P ==", "1 < N < 2", "P in 'PD'"])
def test_anything_but_a_condition_is_refused(where: str) -> None:
    with pytest.raises(ValueError, match="where: "):
        select(FRAME, where)


def test_a_source_may_start_the_clock() -> None:
    start = Source("First Response", "ADRS", "ADT", "PARAMCD == 'RSP' and AVALC == 'Y'")
    parameter = Parameter("Z", "Z", start, (Event("Death", "ADSL", "DTHDT"),), (Censor("x", "ADSL", "CUTDT"),))
    subjects = adsl(TRTSDT=["2024-01-01"], DTHDT=[None], CUTDT=["2024-03-31"])
    assert derive_adtte(subjects, {"ADRS": adrs(RESPONDERS)}, [parameter]).AVAL.tolist() == [31.0]
