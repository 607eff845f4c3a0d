"""The methods of ADQS: items, scores and performance status with baseline, change and analysis visits."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable
from functools import cache
from typing import Any

from support.analysed import Analysed, Check, Compared, Row, day, days_from, each
from support.facts import facts

WORDS: dict[str, str] = {}
FACT_HEP, PROMIS = "FACT-HEP V4", "PROMIS-29 PROFILE V2.1"
# Scores in the order of PARAMN; those that are sums of other scores with the scores that they add up.
FACT_SCORES = ("PWB", "SWB", "EWB", "FWB", "HEPCS", "TOI", "FACTG", "FACTHEP")
SUMS = {"TOI": ("PWB", "FWB", "HEPCS"), "FACTG": ("PWB", "SWB", "EWB", "FWB"), "FACTHEP": FACT_SCORES[:5]}
PROMIS_SCORES = ("PF", "ANX", "DEP", "FAT", "SLP", "SOC", "PI", "PAIN", "PHS", "MHS")
# The text says of these that they are experimental and no more: tests/facts/promis29_summary_vectors.csv has figures.
EXPERIMENTAL = ("PHS", "MHS")


@cache
def fact_items() -> dict[str, tuple[str, bool]]:
    return {
        r["cdisc_qstestcd"]: (r["subscale"].upper(), r["reverse_4_minus_x"] == "Y") for r in facts("fact_hep_items")
    }


@cache
def promis_items() -> dict[str, str]:
    return {r["cdisc_qstestcd"]: r["domain"] for r in facts("promis29_items")}


@cache
def t_scores() -> dict[tuple[str, float], float]:
    return {(r["domain"], float(r["raw"])): float(r["tscore"]) for r in facts("promis29_tscores")}


def fits(row: Row) -> bool:
    """An item of a form with an answer in its range."""
    item, value = row["QSTESTCD"], row["QSSTRESN"]
    if row["QSCAT"] == FACT_HEP and item in fact_items():
        return value in (0, 1, 2, 3, 4)
    if row["QSCAT"] == PROMIS and item in promis_items():
        return value in (range(11) if promis_items()[item] == "PAIN" else range(1, 6))
    return False


@cache
def forms(data: Analysed) -> dict[tuple[Any, ...], dict[str, Row]]:
    """(subject, form, visit, day) to its answered items, the last of each by QSSEQ."""
    found: dict[tuple[Any, ...], dict[str, Row]] = defaultdict(dict)
    for row in sorted(filter(fits, data.rows("QS")), key=lambda r: r["QSSEQ"]):
        found[row["USUBJID"], row["QSCAT"], row["VISIT"], day(row["QSDTC"])][row["QSTESTCD"]] = row
    return found


def fact_scores(answers: dict[str, float]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    counts = {}
    for scale in FACT_SCORES[:5]:
        items = {code: turned for code, (subscale, turned) in fact_items().items() if subscale == scale}
        given = [4 - answers[code] if turned else answers[code] for code, turned in items.items() if code in answers]
        counts[scale] = len(given), len(items)
        made[scale] = sum(given) * len(items) / len(given) if len(given) * 2 > len(items) else ""
    for name, parts in SUMS.items():
        total = sum(made[part] for part in parts) if all(made[part] != "" for part in parts) else ""
        answered, size = (sum(counts[part][n] for part in parts) for n in (0, 1))
        made[name] = total if name == "TOI" or answered > 0.8 * size else ""
    return made


def promis_scores(answers: dict[str, float]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for domain in PROMIS_SCORES[:7]:
        items = [code for code, own in promis_items().items() if own == domain]
        whole = all(code in answers for code in items)
        made[domain] = t_scores()[domain, sum(answers[code] for code in items)] if whole else ""
    (pain,) = (code for code, domain in promis_items().items() if domain == "PAIN")
    return made | {"PAIN": answers.get(pain, "")}


@cache
def scores(data: Analysed) -> dict[tuple[Any, ...], Any]:
    """(subject, form, visit, day, parameter) to the score."""
    found = {}
    for key, rows in forms(data).items():
        answers = {code: row["QSSTRESN"] for code, row in rows.items()}
        made = fact_scores(answers) if key[1] == FACT_HEP else promis_scores(answers)
        found |= {(*key, name): value for name, value in made.items()}
    return found


def is_ecog(row: Row) -> bool:
    return bool(row["PARAMCD"] == "ECOG")


def source(data: Analysed, row: Row) -> Row:
    """The record of RS or QS that an item or a performance status is."""
    return data.record(row["SRCDOM"], row["USUBJID"], row["SRCSEQ"])


def value(data: Analysed, row: Row) -> Any:
    if row["PARCAT2"] == "Score" and not is_ecog(row):
        return scores(data)[row["USUBJID"], row["PARCAT1"], row["VISIT"], row["ADT"], row["PARAMCD"]]
    if not is_ecog(row):
        return forms(data)[row["USUBJID"], row["PARCAT1"], row["VISIT"], row["ADT"]][row["PARAMCD"]]["QSSTRESN"]
    return source(data, row)[f"{row['SRCDOM']}STRESN"]


def values(data: Analysed) -> Compared:
    there = set()
    for row in data.rows("ADQS"):
        key = row["USUBJID"], row["PARCAT1"], row["VISIT"], row["ADT"], row["PARAMCD"]
        there.add(key)
        if row["PARAMCD"] not in EXPERIMENTAL:
            yield f"{key}", row["AVAL"], value(data, row)
    for form, rows in forms(data).items():
        for name in (*rows, *(FACT_SCORES if form[1] == FACT_HEP else PROMIS_SCORES)):
            yield f"{form} {name} is there", (*form, name) in there, True
    ecog = [r for r in data.rows("RS") if r["RSTESTCD"] == "ECOG101" and r["RSSTRESN"] in range(6)]
    different = {(r["USUBJID"], r["VISIT"], day(r["RSDTC"]), r["RSSTRESN"]) for r in ecog}
    yield "records of ECOG", len([r for r in data.rows("ADQS") if is_ecog(r)]), len(different)


def of_record(variable: str, expected: Callable[[Analysed, Row], Any]) -> Check:
    def check(data: Analysed) -> Compared:
        for row in data.rows("ADQS"):
            if variable in row:
                yield f"{row['USUBJID']} {row['PARAMCD']} {row['ADT']}", row[variable], expected(data, row)

    return check


def own_dates(data: Analysed, row: Row) -> Any:
    if row["SRCSEQ"] != "":
        return day(source(data, row)[f"{row['SRCDOM']}DTC"])
    assert (row["USUBJID"], row["PARCAT1"], row["VISIT"], row["ADT"]) in forms(data)
    return row["ADT"]


def label(data: Analysed, row: Row) -> str:
    if row["PARCAT2"] == "Item":
        return str(source(data, row)["QSTEST"])
    start = {"ECOG": "ECOG ", FACT_HEP: "FACT-", PROMIS: "PROMIS-29 "}[row["PARCAT1"]]
    return str(row["PARAM"]) if row["PARAM"].startswith(start) else start


def code(data: Analysed, row: Row) -> str:
    if row["PARCAT2"] == "Item":
        return str(source(data, row)["QSTESTCD"])
    return next(name for name in (*FACT_SCORES, *PROMIS_SCORES, "ECOG") if name == row["PARAMCD"])


def form(data: Analysed, row: Row) -> str:
    if is_ecog(row):
        return "ECOG"
    if row["PARCAT2"] == "Item":
        return str(source(data, row)["QSCAT"])
    return FACT_HEP if row["PARAMCD"] in FACT_SCORES else PROMIS


def source_number(data: Analysed, row: Row) -> Any:
    if row["PARCAT2"] == "Item":
        answers = forms(data)[row["USUBJID"], row["PARCAT1"], row["VISIT"], row["ADT"]]
        return answers[row["PARAMCD"]]["QSSEQ"]
    return source(data, row)["RSSEQ"] if is_ecog(row) else ""


def number(row: Row) -> float:
    items = {FACT_HEP: (120, list(fact_items())), PROMIS: (220, list(promis_items()))}
    scored = {FACT_HEP: (100, FACT_SCORES), PROMIS: (200, PROMIS_SCORES)}
    if is_ecog(row):
        return 1.0
    first, names = (items if row["PARCAT2"] == "Item" else scored)[row["PARCAT1"]]
    return float(first + names.index(row["PARAMCD"]))


@cache
def of_parameter(data: Analysed) -> dict[tuple[str, str], list[Row]]:
    found: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in sorted(data.rows("ADQS"), key=lambda r: r["ASEQ"]):
        found[row["USUBJID"], row["PARAMCD"]].append(row)
    return found


@cache
def baselines(data: Analysed) -> dict[tuple[str, str], Row]:
    found = {}
    for key, rows in of_parameter(data).items():
        start = data.adsl[key[0]]["TRTSDT"]
        before = [r for r in rows if r["AVAL"] != "" and start and r["ADT"] and r["ADT"] <= start]
        if before:
            found[key] = before[-1]
    return found


def is_baseline(data: Analysed, row: Row) -> bool:
    return baselines(data).get((row["USUBJID"], row["PARAMCD"]), {}).get("ASEQ") == row["ASEQ"]


def after(data: Analysed, row: Row) -> bool:
    start = data.adsl[row["USUBJID"]]["TRTSDT"]
    return bool(start and row["ADT"] and row["ADT"] > start)


def change(data: Analysed, row: Row) -> Any:
    known = row["AVAL"] != "" and row["BASE"] != "" and after(data, row)
    return row["AVAL"] - row["BASE"] if known else ""


def direction(data: Analysed, row: Row) -> str:
    if not is_ecog(row) or row["CHG"] == "":
        return ""
    return "IMPROVED" if row["CHG"] < 0 else "WORSE" if row["CHG"] > 0 else "SAME"


def window(data: Analysed, row: Row) -> tuple[Any, Any]:
    """Months and target of the analysis visit of a record after TRTSDT."""
    found = re.search(r"multiple of (\d+) .* at most (\d+) days", data.method("ADQS", "AVISIT"))
    length = re.search(r"x ([\d.]+), rounded", data.method("ADQS", "AWTARGET"))
    assert found and length
    step, days = int(found[1]), int(found[2])
    targets = [(months, 1 + int(months * float(length[1]) + 0.5)) for months in range(step, 30 * step, step)]
    months, target = min(targets, key=lambda one: (abs(row["ADY"] - one[1]), one[1]))
    return (float(months), float(target)) if abs(row["ADY"] - target) <= days else ("", "")


def windowed(data: Analysed) -> bool:
    return "Month n" in data.method("ADQS", "AVISIT")


def visit(data: Analysed, row: Row) -> Any:
    if is_baseline(data, row):
        return "Baseline"
    if not windowed(data):
        return row["VISIT"]
    months = window(data, row)[0] if after(data, row) else ""
    return f"Month {months:g}" if months != "" else ""


def visit_number(data: Analysed, row: Row) -> Any:
    if is_baseline(data, row):
        return 0.0
    if not windowed(data):
        return row["VISITNUM"]
    return window(data, row)[0] if after(data, row) else ""


def target(offset: int) -> Callable[[Analysed, Row], Any]:
    """The target of the window, `offset` times its days away."""

    def expected(data: Analysed, row: Row) -> Any:
        days = int(re.findall(r"\d+", data.method("ADQS", "AWHI"))[0])
        middle = window(data, row)[1] if after(data, row) else ""
        return middle + offset * days if middle != "" else ""

    return expected


def analysed_flag(data: Analysed) -> Compared:
    for rows in of_parameter(data).values():
        visits: dict[Any, list[Row]] = defaultdict(list)
        for row in rows:
            if after(data, row) and row["AVAL"] != "" and row["AVISIT"]:
                visits[row["AVISIT"], row["AVISITN"]].append(row)
        chosen = {
            (min(group, key=lambda r: (abs(r["AWTDIFF"]), r["ADT"])) if windowed(data) else group[-1])["ASEQ"]
            for group in visits.values()
        }
        for row in rows:
            wanted = is_baseline(data, row) or row["ASEQ"] in chosen
            yield f"{row['USUBJID']} {row['PARAMCD']} {row['ASEQ']}", row["ANL01FL"], "Y" if wanted else ""


def sequence(data: Analysed) -> Compared:
    def missing_last(row: Row) -> list[tuple[bool, Any]]:
        return [(row[n] == "", 0 if row[n] == "" else row[n]) for n in ("PARAMN", "ADT", "VISITNUM", "SRCSEQ")]

    for subject in data.adsl:
        rows = sorted(data.of("ADQS", subject), key=lambda r: r["ASEQ"])
        yield subject, [r["ASEQ"] for r in rows], [float(n + 1) for n in range(len(rows))]
        order = [missing_last(r) for r in rows]
        yield f"{subject} in order", order, sorted(order)


CHECKS: dict[str, Check] = {
    "ASEQ": sequence,
    "PARAM": of_record("PARAM", label),
    "PARAMCD": of_record("PARAMCD", code),
    "PARAMN": each("ADQS", "PARAMN", number),
    "PARCAT1": of_record("PARCAT1", form),
    "PARCAT2": each("ADQS", "PARCAT2", lambda row: "Score" if row["PARAMN"] % 100 < 20 else "Item"),
    "AVAL": values,
    "AVALC": each("ADQS", "AVALC", lambda row: f"{row['AVAL']:g}" if is_ecog(row) else ""),
    "BASE": of_record(
        "BASE", lambda data, row: baselines(data).get((row["USUBJID"], row["PARAMCD"]), {}).get("AVAL", "")
    ),
    "CHG": of_record("CHG", change),
    "CHGCAT1": of_record("CHGCAT1", direction),
    "ABLFL": of_record("ABLFL", lambda data, row: "Y" if is_baseline(data, row) else ""),
    "AVISIT": of_record("AVISIT", visit),
    "AVISITN": of_record("AVISITN", visit_number),
    "ADT": of_record("ADT", own_dates),
    "ADY": of_record("ADY", lambda data, row: days_from(data.adsl[row["USUBJID"]]["TRTSDT"], row["ADT"])),
    "AWTARGET": of_record("AWTARGET", target(0)),
    "AWTDIFF": each("ADQS", "AWTDIFF", lambda row: row["ADY"] - row["AWTARGET"] if row["AWTARGET"] != "" else ""),
    "AWLO": of_record("AWLO", target(-1)),
    "AWHI": of_record("AWHI", target(1)),
    "ANL01FL": analysed_flag,
    "SRCDOM": each("ADQS", "SRCDOM", lambda row: "RS" if is_ecog(row) else "QS"),
    "SRCVAR": each("ADQS", "SRCVAR", lambda row: f"{row['SRCDOM']}STRESN"),
    "SRCSEQ": of_record("SRCSEQ", source_number),
}
