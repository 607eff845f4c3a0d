"""Signs that results cannot be right: each from a table of its own, and none where nothing is wrong."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd
import pytest
from fhir2cdisc.adam.tripwires import TripwireOptions, TwoWays, moved_medians, tripwires

DAY = pd.Timestamp("2024-01-01")


def subjects(n: int, **said: Any) -> pd.DataFrame:
    ids = [f"{one:02}" for one in range(1, n + 1)]
    base = {
        "USUBJID": ids,
        "SAFFL": "Y",
        "DTHFL": "",
        "DTHDT": pd.NaT,
        "TRTSDT": DAY,
        "TRTEDT": DAY + pd.Timedelta("9D"),
    }
    return pd.DataFrame(base).assign(**said)


def times(code: str, *rows: tuple[str, float, float]) -> pd.DataFrame:
    """USUBJID, CNSR, AVAL."""
    made = pd.DataFrame(rows, columns=["USUBJID", "CNSR", "AVAL"]).assign(PARAMCD=code, STARTDT=DAY)
    return made.assign(ADT=DAY + pd.to_timedelta(made["AVAL"] - 1, unit="D"))


def overall(*who: str) -> pd.DataFrame:
    return pd.DataFrame({"USUBJID": who, "PARAMCD": "OVR", "AVALC": "SD", "ANL01FL": "Y"})


def records(domain: str, column: str, *rows: tuple[str, str]) -> pd.DataFrame:
    made = pd.DataFrame(rows, columns=["USUBJID", column])
    return made.assign(RSTESTCD="OVRLRESP") if domain == "RS" else made


OS = times("OS", ("01", 0.0, 50.0), ("02", 1.0, 60.0))
RS = records("RS", "RSDTC", ("01", "2024-02-01"), ("02", "2024-02-01"), ("03", "2024-02-01"))
THERAPY = [("01", 5.0, 21.0), ("02", 5.0, 22.0), ("03", 1.0, 5.0)]

# What is wrong | ADSL | ADTTE | ADRS | SDTM | rule and subjects
CASES: list[tuple[str, pd.DataFrame, pd.DataFrame, pd.DataFrame, dict[str, pd.DataFrame], list[tuple[str, str]]]] = [
    ("nothing", subjects(2), OS, overall("01"), {"RS": RS}, []),
    ("one of three", subjects(3), OS, overall("01"), {"RS": RS}, [("few assessed", "")]),
    ("lesions only", subjects(2), OS, overall(), {"TR": records("TR", "TRDTC", ("01", ""))}, [("few assessed", "")]),
    ("no assessment exists", subjects(3), OS, overall(), {}, []),
    ("death without date", subjects(2, DTHFL=["Y", ""]), OS, overall(), {}, [("death without date", "01")]),
    ("death with date", subjects(2, DTHFL=["Y", ""], DTHDT=[DAY, pd.NaT]), OS, overall(), {}, []),
    ("one of three within a cycle", subjects(3), times("PFS", *THERAPY), overall(), {}, [("new therapy", "")]),
    ("one of four is no more than 30%", subjects(4), times("PFS", *THERAPY, ("04", 0.0, 9.0)), overall(), {}, []),
    (
        "a later dose",
        subjects(2, TRTEDT=DAY),
        OS,
        overall(),
        {"EX": records("EX", "EXSTDTC", ("01", "2024-01-01"), ("01", "2024-02-01"), ("02", "2024-01-01"))},
        [("one day of treatment", "01")],
    ),
    (
        "records after the first day",
        subjects(2),
        times("OS", ("01", 0.0, 1.0), ("02", 1.0, 1.0)),
        overall(),
        {"VS": records("VS", "VSDTC", ("01", "2024-01-02"), ("02", "2024-01-01"))},
        [("one day of survival", "01")],
    ),
    ("nobody starts", subjects(2, TRTSDT=pd.NaT), OS.iloc[:0], overall(), {}, [("no start", "")]),
    ("no subject at all", subjects(0), OS.iloc[:0], overall(), {}, []),
]


@pytest.mark.parametrize(("what", "adsl", "adtte", "adrs", "sdtm", "expected"), CASES, ids=[one[0] for one in CASES])
def test_each_sign_is_given_where_it_is_due(
    what: str,
    adsl: pd.DataFrame,
    adtte: pd.DataFrame,
    adrs: pd.DataFrame,
    sdtm: dict[str, pd.DataFrame],
    expected: list[tuple[str, str]],
) -> None:
    found = tripwires({"ADSL": adsl, "ADTTE": adtte, "ADRS": adrs}, sdtm)
    assert list(zip(found["RULE"].str.removeprefix("tripwire."), found["USUBJID"], strict=True)) == expected, what
    assert set(found["SEVERITY"]) <= {"ERROR"}


def test_the_limits_are_options() -> None:
    frames = {"ADSL": subjects(4), "ADTTE": times("PFS", *THERAPY, ("04", 0.0, 9.0)), "ADRS": overall("01")}
    strict = TripwireOptions(assessed=0.25, new_therapy=0.2)
    assert tripwires(frames, {"RS": RS}, strict)["RULE"].tolist() == ["tripwire.new therapy"]
    loose = TripwireOptions(assessed=0.26, new_therapy=0.5, cycle_days=22)
    assert tripwires(frames, {"RS": RS}, loose)["RULE"].tolist() == ["tripwire.few assessed"]


NOT_REACHED = float("nan")
# Medians in days by the records that count and by the others | whether that is more than a third of the smaller
MOVES = [
    (90.0, 120.0, False, "a third exactly"),
    (90.0, 121.0, True, "more than a third"),
    (121.0, 90.0, True, "the same the other way round"),
    (90.0, 90.0, False, "not at all"),
    (90.0, NOT_REACHED, True, "disappears"),
    (NOT_REACHED, 90.0, True, "appears"),
    (NOT_REACHED, NOT_REACHED, False, "in neither"),
]


@pytest.mark.parametrize(("median", "other", "moves", "why"), MOVES)
def test_a_median_that_hangs_on_unsettled_records(median: float, other: float, moves: bool, why: str) -> None:
    then, now = {"01": (90.0, 0.0), "02": (40.0, 1.0), "03": (5.0, 0.0)}, {"01": (130.0, 1.0), "02": (40.0, 1.0)}
    found = moved_medians([TwoWays("OS", median, other, then, now)], 30.0)
    assert found["USUBJID"].tolist() == (["01", "03"] if moves else []), why
    if moves:
        words = {90.0: "3.0 months", 120.0: "4.0 months", 121.0: "4.0 months"}
        first = found["MESSAGE"][0]
        assert set(found["RULE"]) == {"tripwire.unsettled records"} and set(found["SEVERITY"]) == {"ERROR"}
        assert first.startswith(f"The median of OS is {words.get(median, 'not reached')} with the records that count")
        assert first.endswith("of this subject: 90 days to the event, or 130 days to censoring.")
        assert found["MESSAGE"][1].endswith("of this subject: 5 days to the event, or no time.")


# Option | ADTTE and ADRS with records of another parameter only | rules by default and with the option.
FEW = {"RS": RS}
NAMES: list[tuple[str, str, pd.DataFrame, pd.DataFrame, dict[str, pd.DataFrame], list[str], list[str]]] = [
    ("progression", "IPFS", times("IPFS", *THERAPY), overall(), {}, [], ["tripwire.new therapy"]),
    (
        "survival",
        "OSE",
        times("OSE", ("01", 0.0, 1.0)),
        overall(),
        {"VS": records("VS", "VSDTC", ("01", "2024-01-02"))},
        [],
        ["tripwire.one day of survival"],
    ),
    (
        "overall",
        "IOVR",
        times("OS", ("01", 0.0, 50.0)),
        overall("01", "02", "03").assign(PARAMCD="IOVR"),
        FEW,
        ["tripwire.few assessed"],
        [],
    ),
]


@pytest.mark.parametrize(("option", "code", "adtte", "adrs", "sdtm", "before", "after"), NAMES)
def test_the_parameters_that_are_looked_at_are_options(
    option: str,
    code: str,
    adtte: pd.DataFrame,
    adrs: pd.DataFrame,
    sdtm: dict[str, pd.DataFrame],
    before: list[str],
    after: list[str],
) -> None:
    frames = {"ADSL": subjects(3), "ADTTE": adtte, "ADRS": adrs}
    assert tripwires(frames, sdtm)["RULE"].tolist() == before
    assert tripwires(frames, sdtm, replace(TripwireOptions(), **{option: code}))["RULE"].tolist() == after
