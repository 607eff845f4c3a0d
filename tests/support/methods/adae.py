"""The methods of ADAE: dates, emergence, period, grade, causality and first occurrences."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from support.analysed import Analysed, Check, Compared, Row, day, days_from, each, first_day, last_day
from support.methods.adsl_board import guided, therapies

WORDS: dict[str, str] = {}
GRADES = ("1", "2", "3", "4", "5")


def of_event(variable: str, expected: Callable[[Analysed, Row], Any]) -> Check:
    def check(data: Analysed) -> Compared:
        for row in data.rows("ADAE"):
            yield f"{row['USUBJID']} {row['AESEQ']}", row[variable], expected(data, row)

    return check


def start(data: Analysed, row: Row) -> Any:
    dtc, dose = row["AESTDTC"], data.adsl[row["USUBJID"]]["TRTSDT"]
    first = first_day(dtc)
    possible = dose and first and not day(dtc) and first <= dose <= last_day(dtc)
    return max(first, dose) if possible else first


def end(data: Analysed, row: Row) -> Any:
    dtc, adsl = row["AEENDTC"], data.adsl[row["USUBJID"]]
    last = last_day(dtc)
    if day(dtc) or not last:
        return last
    return min([last, *(one for one in (adsl["DTHDT"], adsl["EOSDT"]) if one and first_day(dtc) <= one <= last)])


def imputed(variable: str) -> Callable[[Row], str]:
    return lambda row: {4: "M", 7: "D"}.get(len(row[variable]), "")


def length(row: Row) -> Any:
    if not (row["ASTDT"] and row["AENDT"]) or row["AENDT"] < row["ASTDT"]:
        return ""
    return float((row["AENDT"] - row["ASTDT"]).days + 1)


def limit(data: Analysed, row: Row) -> Any:
    """The last day of the window, as the method has it."""
    days = re.search(r"to (\d+) days after TRTEDT", data.method("ADAE", "ONTRTFL"))
    last = data.adsl[row["USUBJID"]]["TRTEDT"]
    return last + timedelta(days=int(days[1])) if days and last else ""


def intensity(data: Analysed) -> str:
    return "ATOXGRN" if any(r["ATOXGRN"] != "" for r in data.rows("ADAE")) else "ASEVN"


def emergent(data: Analysed, row: Row) -> str:
    begin, over, dose = row["ASTDT"], row["AENDT"], data.adsl[row["USUBJID"]]["TRTSDT"]
    if not dose or (over and over < dose):
        return ""
    if not begin or (begin >= dose and (not limit(data, row) or begin <= limit(data, row))):
        return "Y"
    now, before = row[intensity(data)], row.get("AEITOXGR", "")
    return "Y" if begin < dose and now != "" and before != "" and now > float(before) else ""


def timing(data: Analysed, row: Row) -> str:
    """Before, on or after treatment."""
    begin, dose = row["ASTDT"], data.adsl[row["USUBJID"]]["TRTSDT"]
    if not begin or not dose:
        return ""
    if begin < dose:
        return "PREFL"
    return "FUPFL" if limit(data, row) and begin > limit(data, row) else "ONTRTFL"


def flagged(variable: str) -> Callable[[Analysed, Row], str]:
    return lambda data, row: "Y" if timing(data, row) == variable else ""


def periods(data: Analysed, subject: str) -> list[tuple[Any, str]]:
    """Start and treatment of each period."""
    if data.study.safety.group_by == "guided" and "MTBFL" in data.adsl[subject]:
        starts = sorted({when for when, _ in therapies(data, subject)})
        ours = {one[0] for one in guided(data, subject)}
        return [(when, "MTB-guided" if when in ours else "Other therapy") for when in starts]
    row = data.adsl[subject]
    return [(row["TRTSDT"], row["TRT01A"])] if row["TRTSDT"] else []


def period(data: Analysed, row: Row) -> tuple[Any, str]:
    known = periods(data, row["USUBJID"])
    begun = [n for n, (when, _) in enumerate(known) if row["ASTDT"] and when <= row["ASTDT"]]
    early = not begun and row["TRTEMFL"] == "Y" and known
    number = begun[-1] if begun else 0 if early else None
    return ("", "") if number is None else (float(number + 1), known[number][1])


def version(data: Analysed, row: Row) -> str:
    told = [
        r["QVAL"]
        for r in data.of("SUPPAE", row["USUBJID"])
        if r["QNAM"] == "CTCAEVER" and float(r["IDVARVAL"]) == row["AESEQ"]
    ]
    return next(iter(told), data.study.safety.ctcae)


def severity(data: Analysed, row: Row) -> Any:
    words = dict(re.findall(r"([A-Z ]+) (\d)", data.method("ADAE", "ASEVN").removeprefix("ASEV: ")))
    numbers = {name.strip(): float(number) for name, number in words.items()}
    return numbers.get(row["ASEV"].upper(), "")


def cause(data: Analysed, row: Row) -> str:
    lists = re.fullmatch(
        r"RELATED where AEREL is (.*); NOT RELATED where it is (.*); else null\.", data.method("ADAE", "AREL")
    )
    assert lists
    said = row["AEREL"].upper()
    return "RELATED" if said in lists[1].split(", ") else "NOT RELATED" if said in lists[2].split(", ") else ""


def occurrence(variable: str, keys: tuple[str, ...], worst: bool) -> Check:
    def check(data: Analysed) -> Compared:
        def order(row: Row) -> tuple[Any, ...]:
            grade = row[intensity(data)]
            rank = ((grade == "", -grade if grade != "" else 0),) if worst else ()
            return *rank, row["ASTDT"] == "", str(row["ASTDT"]), row["AESEQ"]

        groups = defaultdict(list)
        for row in data.rows("ADAE"):
            if row["TRTEMFL"] == "Y":
                groups[tuple(row[key] for key in ("USUBJID", *keys))].append(row)
        chosen = {(row["USUBJID"], row["AESEQ"]) for row in (min(rows, key=order) for rows in groups.values())}
        for row in data.rows("ADAE"):
            key = row["USUBJID"], row["AESEQ"]
            yield f"{key}", row[variable], "Y" if key in chosen else ""

    return check


LEVELS = {"": (), "S": ("AEBODSYS",), "P": ("AEBODSYS", "AEDECOD")}
CHECKS: dict[str, Check] = {
    "ASTDT": of_event("ASTDT", start),
    "ASTDTF": each("ADAE", "ASTDTF", imputed("AESTDTC")),
    "ASTDY": of_event("ASTDY", lambda data, row: days_from(data.adsl[row["USUBJID"]]["TRTSDT"], row["ASTDT"])),
    "AENDT": of_event("AENDT", end),
    "AENDTF": each("ADAE", "AENDTF", imputed("AEENDTC")),
    "AENDY": of_event("AENDY", lambda data, row: days_from(data.adsl[row["USUBJID"]]["TRTSDT"], row["AENDT"])),
    "ADURN": each("ADAE", "ADURN", length),
    "ADURU": each("ADAE", "ADURU", lambda row: "DAYS" if row["ADURN"] != "" else ""),
    "TRTEMFL": of_event("TRTEMFL", emergent),
    **{name: of_event(name, flagged(name)) for name in ("PREFL", "ONTRTFL", "FUPFL")},
    "APERIOD": of_event("APERIOD", lambda data, row: period(data, row)[0]),
    "TRTA": of_event("TRTA", lambda data, row: period(data, row)[1]),
    "ATOXGR": each("ADAE", "ATOXGR", lambda row: row["AETOXGR"] if row["AETOXGR"] in GRADES else ""),
    "ATOXGRN": each("ADAE", "ATOXGRN", lambda row: float(row["ATOXGR"]) if row["ATOXGR"] else ""),
    "CTCAEVER": of_event("CTCAEVER", version),
    "ASEV": each("ADAE", "ASEV", lambda row: row.get("AESEV", "")),
    "ASEVN": of_event("ASEVN", severity),
    "AREL": of_event("AREL", cause),
    **{f"AOCC{level}FL": occurrence(f"AOCC{level}FL", keys, False) for level, keys in LEVELS.items()},
    **{f"AOCC{level}IFL": occurrence(f"AOCC{level}IFL", keys, True) for level, keys in LEVELS.items()},
}
