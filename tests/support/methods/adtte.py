"""The methods of ADTTE, read from their own words: where a time starts, what ends it, what censors it."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any, NamedTuple

from support.analysed import Analysed, Check, Compared, Row, each

WORDS: dict[str, str] = {}
_SOURCE = r"([^;(]+?) \((\w+)\.(\w+)(?: where ((?:[^()]|\([^()]*\))*))?\)"
_KEY = {"ADAE": "AESEQ"}


@dataclass(frozen=True)
class Said:
    """A source as a method names it: words, dataset, date and condition; what stands behind it."""

    words: str
    dataset: str
    date: str
    where: str
    more: str = ""


def source(text: str) -> Said:
    found = re.fullmatch(_SOURCE + r"(.*)", text.strip())
    assert found, text
    return Said(*(part or "" for part in found.groups()))


class Dated(NamedTuple):
    """A record that a source finds."""

    when: Any
    key: Any
    row: Row


@cache
def records(data: Analysed, said: Said, subject: str) -> tuple[Dated, ...]:
    """The dated records of a source in order."""
    rows = [r for r in data.of(said.dataset, subject) if meets(r, said.where) and r.get(said.date, "") != ""]
    key = _KEY.get(said.dataset, "ASEQ")
    return tuple(sorted((Dated(r[said.date], r.get(key, ""), r) for r in rows), key=lambda one: one[:2]))


def meets(row: Row, where: str) -> bool:
    """A condition in the words of a method: comparisons, or that a value is missing, joined by `and`."""
    return all(_holds(row, part) for part in where.split(" and ")) if where else True


def _holds(row: Row, part: str) -> bool:
    if missing := re.fullmatch(r"(\w+) is missing", part):
        return bool(row.get(missing[1], "") == "")
    found = re.fullmatch(r"(\w+) (not in|in|is not|=) (.+)", part)
    assert found, part
    value, word, other = row.get(found[1], ""), found[2], ast.literal_eval(found[3])
    return (value in other if "in" in word.split() else value == other) ^ (word in ("not in", "is not"))


@dataclass(frozen=True)
class Method:
    """The method of a parameter, taken apart."""

    start: Said
    only: Said | None
    events: tuple[Said, ...]
    censors: tuple[Said, ...]
    rules: str
    # Where who died on no known day is censored: code and words.
    undated: tuple[float, str] | None


@cache
def methods(data: Analysed) -> dict[str, Method]:
    text = data.method("ADTTE", "CNSR")
    found = {}
    for code, said in re.findall(r"(\w{2,8}): (Starts: .*?)(?= \w{2,8}: Starts: |$)", text):
        start = re.match(r"Starts: (.*?)\.(?: Only subjects with (.*?)\.)? Events \([^)]*\): (.*?)\. ", said)
        assert start, said
        undated = re.search(r" Who died \(ADSL\.DTHFL\) without such a date: CNSR (\d) '([^']*)' there\.$", said)
        said = said[: undated.start()] if undated else said
        censored = re.search(r"Else censored \([^)]*\): (.*)\.$", said)
        rules = re.search(r"Censored at the (.*)\.$", said)
        found[code] = Method(
            source(start[1]),
            source(start[2]) if start[2] else None,
            tuple(source(one) for one in start[3].split("; ")),
            tuple(source(one) for one in censored[1].split("; ")) if censored else (),
            rules[1] if rules else "",
            (float(undated[1]), undated[2]) if undated else None,
        )
    return found


class Ended(NamedTuple):
    """What a record of ADTTE should say."""

    start: Any
    when: Any
    cnsr: float
    event: str
    place: str
    key: Any


@cache
def ended(data: Analysed, code: str, subject: str) -> Ended | None:
    method = methods(data)[code]
    begun = records(data, method.start, subject)
    if not begun or (method.only and not records(data, method.only, subject)):
        return None
    start = begun[0].when
    events = [(records(data, one, subject)[0], n) for n, one in enumerate(method.events) if records(data, one, subject)]
    first, number = min(events, key=lambda one: (one[0].when, one[1]), default=(None, -1))
    event = method.events[number] if first else None
    if method.rules:
        return censored_by_scans(data, method, subject, begun[0], first, event)
    if first and event:
        return Ended(start, first.when, 0.0, event.words, "", first.key)
    last = [(records(data, one, subject)[-1], n) for n, one in enumerate(method.censors) if records(data, one, subject)]
    if not last:
        return None
    one, number = max(last, key=lambda one: (one[0].when, one[1]))
    said = method.censors[number]
    found = re.fullmatch(r", CNSR (\d) at '(.*)'", said.more)
    assert found
    code_, words = float(found[1]), said.words
    if method.undated and data.adsl[subject]["DTHFL"] == "Y":
        code_, words = method.undated
    return Ended(start, one.when, code_, words, found[2], one.key)


def censored_by_scans(
    data: Analysed, method: Method, subject: str, begun: Dated, first: Dated | None, event: Said | None
) -> Ended | None:
    """The rules for tumour assessments, in their order."""
    place, rules = method.rules.split(" from the start on, without one at the start, by the first that fits: ")
    last, start = source(place), begun.when
    scans = [one for one in records(data, last, subject) if one.when >= start]
    by_scan = event is not None and event.more == ", found by a scan"
    before = [one for one in scans if first and one.when <= first.when - timedelta(days=by_scan)]
    gap = int(re.search(r"more than (\d+) days", rules)[1])  # type: ignore[index]
    late = bool(first) and (first.when - (before[-1].when if before else start)).days > gap  # type: ignore[union-attr]

    def at(seen: list[Dated], cnsr: float, words: str) -> Ended:
        if seen:
            return Ended(start, seen[-1].when, cnsr, words, last.words, seen[-1].key)
        return Ended(start, start, cnsr, words, method.start.words, begun.key)

    for rule in rules.split("; "):
        found = re.match(r"(?:without event )?CNSR (\d) '(.*?)'(?: at the (\w[^:]*))?(?:: (.*))?$", rule)
        assert found, rule
        cnsr, words, condition = float(found[1]), found[2], found[4] or ""
        if cnsr == 2:
            known = source(condition.split(", but not for")[0])
            spared = first is not None and not by_scan and not late
            if any(meets(r, known.where) for r in data.of(known.dataset, subject)) and not spared:
                return at([], cnsr, words)
        elif cnsr == 5:
            therapy = data.adsl[subject][re.search(r"ADSL\.(\w+)", condition)[1]]  # type: ignore[index]
            if therapy and therapy >= start and (first is None or therapy < first.when):
                return at([one for one in scans if one.when <= therapy], cnsr, words)
        elif cnsr == 4:
            if late and event:
                return at(before, cnsr, words.replace("(event)", event.words))
        elif first and event:
            return Ended(start, first.when, 0.0, event.words, "", first.key)
        elif cnsr == 3:
            if not scans:
                return at([], cnsr, words)
        elif meets(data.adsl[subject], condition.removesuffix(" in ADSL")):
            return at(scans, cnsr, words)
    return None


def of_parameters(variable: str, place: str) -> Check:
    def check(data: Analysed) -> Compared:
        for row in data.rows("ADTTE"):
            wanted = ended(data, row["PARAMCD"], row["USUBJID"])
            assert wanted is not None, (row["USUBJID"], row["PARAMCD"])
            yield f"{row['USUBJID']} {row['PARAMCD']}", row[variable], getattr(wanted, place)

    return check


def codes(data: Analysed) -> Compared:
    yield from of_parameters("CNSR", "cnsr")(data)
    there = {(row["USUBJID"], row["PARAMCD"]) for row in data.rows("ADTTE")}
    for code in methods(data):
        for subject in data.adsl:
            yield f"{subject} {code} is there", (subject, code) in there, ended(data, code, subject) is not None


def starts(data: Analysed) -> Compared:
    yield from of_parameters("STARTDT", "start")(data)
    own = dict(re.findall(r"(\w{2,8}): (Starts: .*?\.)(?= \w{2,8}: Starts: |$)", data.method("ADTTE", "STARTDT")))
    for code, said in own.items():
        yield code, data.method("ADTTE", "CNSR").count(f"{code}: {said}") >= 1, True


def time(row: Row) -> Any:
    return "" if row["ADT"] < row["STARTDT"] else float((row["ADT"] - row["STARTDT"]).days + 1)


def reason(row: Row) -> str:
    if row["ADT"] < row["STARTDT"]:
        return f"{row['EVNTDESC']} on {row['ADT']} lies before the start on {row['STARTDT']}: no time is given."
    if row["CNSR"] == 0:
        return f"{row['EVNTDESC']} on {row['ADT']} is the first event since {row['STARTDT']}."
    return f"No event counted ({row['EVNTDESC']}); censored at {row['CNSDTDSC']} on {row['ADT']}."


def sequence(data: Analysed) -> Compared:
    for subject in data.adsl:
        rows = sorted(data.of("ADTTE", subject), key=lambda r: r["PARAMCD"])
        yield subject, [r["ASEQ"] for r in rows], [float(n + 1) for n in range(len(rows))]


def caller(data: Analysed) -> Compared:
    said = {(r["USUBJID"], r["PARCAT3"]): r["RSPSRC"] for r in data.rows("ADRS")}
    for row in data.rows("ADTTE"):
        criteria = row["PARCAT3"]
        yield row["USUBJID"], row["RSPSRC"], said.get((row["USUBJID"], criteria), row["PARCAT2"]) if criteria else ""


CHECKS: dict[str, Check] = {
    "STARTDT": starts,
    "ADT": of_parameters("ADT", "when"),
    "CNSR": codes,
    "EVNTDESC": of_parameters("EVNTDESC", "event"),
    "CNSDTDSC": of_parameters("CNSDTDSC", "place"),
    "SRCSEQ": of_parameters("SRCSEQ", "key"),
    "AVAL": each("ADTTE", "AVAL", time),
    "WHY": each("ADTTE", "WHY", reason),
    "RSPSRC": caller,
    "ASEQ": sequence,
}
