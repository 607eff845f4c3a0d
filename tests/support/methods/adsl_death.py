"""The methods of ADSL that are about death and the last sign of life, recomputed from the records."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from functools import cache
from typing import Any, NamedTuple

from support.analysed import Analysed, Row, day, first_day, last_day


class Contact(NamedTuple):
    """The record of the last sign of life."""

    when: Any = ""
    domain: str = ""
    variable: str = ""
    key: Any = ""


class Death(NamedTuple):
    """The day, its imputation flag, and between which days it lies."""

    when: Any = ""
    flag: str = ""
    earliest: Any = ""
    latest: Any = ""


def is_fatal(row: Row) -> bool:
    return row.get("AEOUT") == "FATAL" or row.get("AESDTH") == "Y" or row.get("AETOXGR") in ("5", 5.0)


def signs(data: Analysed, subject: str) -> Iterator[tuple[int, int, Any, Contact]]:
    """Every sign of life in the order that the method of LSTALVDT names: what sorts it, and the record."""
    named = re.findall(r"\b(([A-Z]{2})(?:STRESC|STDTC|ENDTC|DTC))\b", data.method("ADSL", "LSTALVDT").split("(SS:")[0])
    for place, (variable, domain) in enumerate(dict.fromkeys(named)):
        for row in data.of(domain, subject):
            value = str(row.get(variable, ""))
            when: Any = day(value) if re.match(r"\d{4}-\d\d-\d\d", value) else ""
            dead = domain == "SS" and row["SSSTRESC"] == "DEAD"
            killed = variable == "AEENDTC" and is_fatal(row)
            if when and not dead and not killed and str(when) <= (data.study.cutoff or "9999"):
                key = row["VISITNUM"] if domain == "SV" else row[f"{domain}SEQ"]
                yield -when.toordinal(), place, key, Contact(when, domain, variable, key)


def last_sign(data: Analysed, subject: str, died: Any) -> Contact:
    found = [one for one in signs(data, subject) if not (died and one[3].when > died)]
    return min(found)[3] if found else Contact()


@cache
def contact(data: Analysed, subject: str) -> Contact:
    return last_sign(data, subject, data.adsl[subject]["DTHDT"])


def days_of_death(data: Analysed, subject: str) -> list[str]:
    """The dates of death in the order DM, DD, DS, AE; blank where a record gives none."""
    dm = data.of("DM", subject)[0]
    ended = [r for r in data.of("DS", subject) if r["DSDECOD"] == "DEATH" and r.get("DSSCAT") != "STUDY TREATMENT"]
    found = [dm["DTHDTC"]] if dm["DTHFL"] == "Y" or dm["DTHDTC"] else []
    found += [r.get("DDDTC", "") for r in data.of("DD", subject) if r.get("DDSTAT", "") != "NOT DONE"]
    found += [r["DSSTDTC"] for r in ended]
    return found + [r["AEENDTC"] for r in data.of("AE", subject) if is_fatal(r) and r["AEENDTC"]]


def begun(data: Analysed, subject: str) -> list[str]:
    """The dates of what ended in death: of a fatal event without an end, of the end of treatment for death."""
    events = [r["AESTDTC"] for r in data.of("AE", subject) if is_fatal(r) and not r["AEENDTC"]]
    stops = [r for r in data.of("DS", subject) if r["DSDECOD"] == "DEATH" and r.get("DSSCAT") == "STUDY TREATMENT"]
    return events + [r["DSSTDTC"] for r in stops]


def found_dead(data: Analysed, subject: str) -> list[Any]:
    return [day(r["SSDTC"]) for r in data.of("SS", subject) if r["SSSTRESC"] == "DEAD"]


def is_dead(data: Analysed, subject: str, row: Row) -> str:
    said = days_of_death(data, subject) or begun(data, subject) or found_dead(data, subject)
    return "Y" if said else ""


def missing(dtc: str) -> str:
    return {4: "M", 7: "D"}.get(len(dtc), "")


@cache
def death(data: Analysed, subject: str) -> Death:
    """By the default rules: the first possible day of a partial date, none where no record gives one."""
    dated = [one for one in days_of_death(data, subject) if first_day(one)]
    if dated:
        best = dated[0]
        if missing(best):
            within = [o for o in dated if not missing(o) and first_day(best) <= day(o) <= last_day(best)]  # type: ignore[operator]
            best = within[0] if within else best
        return _dated(data, subject, best)
    starts = sorted(one for one in begun(data, subject) if first_day(one))
    bound = min((one for one in found_dead(data, subject) if one), default="")
    alive = last_sign(data, subject, bound).when
    latest = bound or max(one for one in (newest(data), alive, last_day(starts[-1]) if starts else "") if one)
    if starts and not (alive and alive > last_day(starts[-1])):
        when: Any = max(one for one in (first_day(starts[-1]), alive) if one)
        return Death(when, missing(starts[-1]), when, max(latest, last_day(starts[-1])))
    return Death(earliest=alive, latest=latest) if is_dead(data, subject, {}) else Death()


@cache
def newest(data: Analysed) -> Any:
    """The data cut-off, else the last sign of life of all subjects."""
    if data.study.cutoff:
        return date.fromisoformat(data.study.cutoff)
    ends = [last_sign(data, who, _until(data, who)).when for who in data.adsl]
    return max(one for one in ends if one)


def _until(data: Analysed, subject: str) -> Any:
    """What is known of the end of a life: its day, else the day on which the subject was found dead."""
    full = [day(one) for one in days_of_death(data, subject) if first_day(one) and not missing(one)]
    if full or any(first_day(one) for one in days_of_death(data, subject)):
        return full[0] if full else ""
    return min((one for one in found_dead(data, subject) if one), default="")


def _dated(data: Analysed, subject: str, best: str) -> Death:
    first, last = first_day(best), last_day(best)
    if not missing(best):
        return Death(first, "", first, first)
    if data.study.cutoff and str(first) <= data.study.cutoff < str(last):
        last = date.fromisoformat(data.study.cutoff)
    alive = last_sign(data, subject, "").when or first
    when = min(max(first, alive), last)
    return Death(when, missing(best), when, last)
