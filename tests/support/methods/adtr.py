"""The methods of ADTR: lengths of target lesions, their sum, baseline, nadir, changes and flags."""

from __future__ import annotations

import re
from collections import defaultdict
from functools import cache
from typing import Any

from support.analysed import Analysed, Check, Compared, Row, days_from, each, last_day

WORDS: dict[str, str] = {}
AXES = {"LDIAM": "LDIAM", "LPERP": "NLDIAM", "VDIAM": "VDIAM"}
Scan = dict[str, Any]


def when(row: Row, domain: str) -> Any:
    return last_day(row[f"{domain}DTC"]) if len(row[f"{domain}DTC"]) >= 7 else ""


def mine(row: Row, domain: str) -> bool:
    return row[f"{domain}EVAL"] in ("INVESTIGATOR", "")


@cache
def assessments(data: Analysed, subject: str) -> list[Scan]:
    """The assessments in order of their first day: visit, first day, whether it is imputed, records of TR."""
    rows = [(r, "TR") for r in data.of("TR", subject) if mine(r, "TR")]
    rows += [(r, "TU") for r in data.of("TU", subject) if mine(r, "TU") and r["TUSTRESC"] == "NEW"]
    gap = int(re.search(r"at most (\d+) days", data.method("ADTR", "ADT"))[1])  # type: ignore[index]
    visits: dict[Any, list[tuple[Row, str]]] = defaultdict(list)
    loose = []
    for row, domain in rows:
        unplanned = row["VISIT"].upper().startswith("UNSCHED") or row["VISITNUM"] == ""
        (loose if unplanned else visits[row["VISITNUM"]]).append((row, domain))
    place, before = 0, None
    for row, domain in sorted((one for one in loose if when(*one)), key=lambda one: when(*one)):
        place += before is not None and (when(row, domain) - before).days > gap
        before = when(row, domain)
        visits[f"unscheduled {place}"].append((row, domain))
    made = []
    for group in visits.values():
        dated = [(when(*one), len(one[0][f"{one[1]}DTC"])) for one in group if when(*one)]
        if dated:
            first = min(one[0] for one in dated)
            exact = any(one == (first, 10) for one in dated)
            made.append(
                {
                    "first": first,
                    "imputed": "" if exact else "D",
                    "visit": group[0][0]["VISIT"].upper(),
                    "number": group[0][0]["VISITNUM"],
                    "rows": [r for r, domain in group if domain == "TR"],
                }
            )
    return sorted(made, key=lambda one: (one["first"], one["number"]))


@cache
def baseline(data: Analysed, subject: str) -> Scan | None:
    """The last assessment from the first rule that any fits."""
    start, scans = data.adsl[subject]["TRTSDT"], assessments(data, subject)
    flagged = [s for s in scans if any(r.get("TRBLFL") == "Y" or r.get("TRLOBXFL") == "Y" for r in s["rows"])]
    for chosen in (
        [s for s in scans if start and s["first"] <= start],
        flagged,
        [s for s in scans if s["visit"] in ("SCREENING", "BASELINE")],
        scans[:1],
    ):
        if chosen:
            return chosen[-1]
    return None


@cache
def followed(data: Analysed, subject: str) -> tuple[Scan, ...]:
    """Baseline and what came after."""
    scans, base = assessments(data, subject), baseline(data, subject)
    return tuple(scans[scans.index(base) :]) if base else ()


@cache
def targets(data: Analysed, subject: str) -> dict[str, bool]:
    """The target lesions, and whether each is a lymph node; of a lesion that TU lacks TRGRPID says what it is."""
    known = [r for r in data.of("TU", subject) if mine(r, "TU")]
    found = {r["TRLNKID"]: False for r in data.of("TR", subject) if mine(r, "TR") and r["TRGRPID"] == "TARGET"}
    found = {link: node for link, node in found.items() if link not in {r["TULNKID"] for r in known}}
    return found | {r["TULNKID"]: "LYMPH NODE" in r["TULOC"].upper() for r in known if r["TUSTRESC"] == "TARGET"}


def lengths(data: Analysed, subject: str, scan: Scan) -> dict[str, Row]:
    """Per target lesion the record that measures it: LDIAM, of a node LPERP, of several the last."""
    found = {}
    for link, node in targets(data, subject).items():
        rows = [
            r
            for r in scan["rows"]
            if r["TRLNKID"] == link and r["TRTESTCD"] == ("LPERP" if node else "LDIAM") and r["TRSTRESN"] != ""
        ]
        if rows:
            found[link] = max(rows, key=lambda r: (when(r, "TR"), r["TRSEQ"]))
    return found


@cache
def sums(data: Analysed, subject: str) -> dict[Any, Row]:
    """What SDIAM should hold, by its date."""
    scans = followed(data, subject)
    expected = sorted(lengths(data, subject, scans[0])) if scans else []
    made: dict[Any, Row] = {}
    base, nadir, gone, progressed, best = "", "", False, False, None
    for place, scan in enumerate(scans):
        found = {link: r["TRSTRESN"] for link, r in lengths(data, subject, scan).items() if link in expected}
        nodes = targets(data, subject)
        total, complete = sum(found.values()), sorted(found) == expected
        if not found:
            continue
        base = total if place == 0 else base
        seen = any(length > 0 for link, length in found.items() if not nodes[link])
        grown = nadir != "" and total - nadir >= 5 and 5 * total >= 6 * nadir
        worse = grown or (gone and seen)
        progressed |= worse
        made[scan["first"]] = {
            "AVAL": total,
            "BASE": base,
            "NADIR": nadir,
            "ANL01FL": "Y" if complete else "",
            "PDFL": "Y" if worse else "",
            "ANL03FL": "Y" if complete and not progressed else "",
            "ANL04FL": "Y" if complete or worse else "",
            "ANL02FL": "",
            "LSEXP": ", ".join(expected),
            "LSASS": ", ".join(sorted(found)),
            "ABLFL": "Y" if place == 0 else "",
            "ADTF": scan["imputed"],
            "AVISIT": "BASELINE" if place == 0 else scan["visit"],
            "AVISITN": 0.0 if place == 0 else scan["number"],
            "SRCSEQ": "",
        }
        if complete:
            gone |= not seen and all(length < 10 for link, length in found.items() if nodes[link])
            nadir = total if nadir == "" else min(nadir, total)
            if place and (best is None or total < made[best]["AVAL"]):
                best = scan["first"]
    if best:
        made[best]["ANL02FL"] = "Y"
    return made


@cache
def axes(data: Analysed, subject: str) -> dict[tuple[str, Any], Row]:
    """What the parameters of single lesions should hold, by PARAMCD and date."""
    scans = followed(data, subject)
    measured: dict[tuple[str, str], list[tuple[int, Row]]] = defaultdict(list)
    for place, scan in enumerate(scans):
        last: dict[tuple[str, str], Row] = {}
        for row in sorted((r for r in scan["rows"] if when(r, "TR")), key=lambda r: (when(r, "TR"), r["TRSEQ"])):
            if row["TRLNKID"] in targets(data, subject) and row["TRTESTCD"] in AXES and row["TRSTRESN"] != "":
                last[row["TRLNKID"], row["TRTESTCD"]] = row
        for name, row in last.items():
            measured[name].append((place, row))
    order = sorted({link for link, _ in measured})
    made: dict[tuple[str, Any], Row] = {}
    for (link, test), rows in measured.items():
        base = next((row["TRSTRESN"] for place, row in rows if place == 0), "")
        for place, row in rows:
            made[f"{AXES[test]}{order.index(link) + 1}", when(row, "TR")] = {
                "AVAL": row["TRSTRESN"],
                "BASE": base,
                "NADIR": "",
                **{f"ANL0{n}FL": "Y" if n == 1 else "" for n in (1, 2, 3, 4)},
                "PDFL": "",
                "LSEXP": link,
                "LSASS": link,
                "ABLFL": "" if place else "Y",
                "ADTF": "D" if len(row["TRDTC"]) == 7 else "",
                "AVISIT": scans[place]["visit"] if place else "BASELINE",
                "AVISITN": scans[place]["number"] if place else 0.0,
                "SRCSEQ": row["TRSEQ"],
            }
    return made


@cache
def expected(data: Analysed, subject: str) -> dict[tuple[str, Any], Row]:
    return {("SDIAM", when): row for when, row in sums(data, subject).items()} | axes(data, subject)


def of_records(variable: str) -> Check:
    def check(data: Analysed) -> Compared:
        for subject in data.adsl:
            wanted = expected(data, subject)
            for row in data.of("ADTR", subject):
                one = wanted[row["PARAMCD"], row["ADT"]]
                yield f"{subject} {row['PARAMCD']} {row['ADT']}", row[variable], one[variable]

    return check


def dates(data: Analysed) -> Compared:
    for subject in data.adsl:
        found = sorted((r["PARAMCD"], r["ADT"]) for r in data.of("ADTR", subject))
        yield subject, found, sorted(expected(data, subject))


def change(start: str, percent: bool) -> Any:
    def of_row(row: Row) -> Any:
        if row[start] == "" or (percent and not row[start]):
            return ""
        return (row["AVAL"] - row[start]) * (100 / row[start] if percent else 1)

    return of_row


def relative_day(data: Analysed) -> Compared:
    for row in data.rows("ADTR"):
        yield row["USUBJID"], row["ADY"], days_from(data.adsl[row["USUBJID"]]["TRTSDT"], row["ADT"])


def sequence(data: Analysed) -> Compared:
    for subject in data.adsl:
        rows = sorted(data.of("ADTR", subject), key=lambda r: r["ASEQ"])
        yield subject, [r["ASEQ"] for r in rows], [float(n + 1) for n in range(len(rows))]
        order = [(r["PARAMCD"], r["ADT"], r["AVISITN"]) for r in rows]
        yield f"{subject} in order", order, sorted(order)


CHECKS: dict[str, Check] = {
    **{
        name: of_records(name)
        for name in (
            *("AVAL", "BASE", "NADIR", "ANL01FL", "ANL02FL", "ANL03FL", "ANL04FL", "PDFL", "LSEXP", "LSASS", "ABLFL"),
            *("ADTF", "AVISIT", "AVISITN", "SRCSEQ"),
        )
    },
    "ADT": dates,
    "ADY": relative_day,
    "CHG": each("ADTR", "CHG", change("BASE", False)),
    "PCHG": each("ADTR", "PCHG", change("BASE", True)),
    "CHGNAD": each("ADTR", "CHGNAD", change("NADIR", False)),
    "PCHGNAD": each("ADTR", "PCHGNAD", change("NADIR", True)),
    "ASEQ": sequence,
}
