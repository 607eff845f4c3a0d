"""The methods of ADSL that are about the disease: diagnosis, therapies, performance status, biomarkers."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from support.analysed import Analysed, Row, day, earliest, first_day, last_day

Expected = Callable[[Analysed, str, Row], Any]
VARIANTS = ("CPNUMAMP", "CPNUMVAR", "SEQREAR", "SHRTVAR", "SNV")
ABSENT = ("", "NOT DETECTED", "NEGATIVE", "ABSENT", "WILD TYPE", "N", "NO MUTATION DETECTED")
HIGH = ("MSI-H", "MSI-HIGH", "HIGH", "MICROSATELLITE INSTABILITY HIGH", "DMMR")
OTHER = ("MSS", "MSI-L", "MSI-LOW", "LOW", "STABLE", "PMMR")
OTHER += ("MICROSATELLITE STABLE", "MICROSATELLITE INSTABILITY LOW")


def diagnosed(data: Analysed, subject: str, row: Row) -> Any:
    return earliest(first_day(r["MHSTDTC"]) for r in data.of("MH", subject) if r["MHCAT"] == "PRIMARY DIAGNOSIS")


def diagnosis_flag(data: Analysed, subject: str, row: Row) -> Any:
    """Of several dates that begin on the first day the fullest."""
    dates = [r["MHSTDTC"] for r in data.of("MH", subject) if r["MHCAT"] == "PRIMARY DIAGNOSIS" and r["MHSTDTC"]]
    chosen = min(dates, key=lambda dtc: (str(first_day(dtc)), -len(dtc)), default="")
    return {4: "M", 7: "D"}.get(len(chosen), "")


def histology(data: Analysed, subject: str, row: Row) -> Any:
    return next((r["MISTRESC"] for r in data.of("MI", subject) if r["MITESTCD"] == "HISTTYPC"), "")


def new_therapy(data: Analysed, subject: str, row: Row) -> Any:
    start = row["TRTSDT"]
    if not start:
        return ""
    names = re.search(r"procedure of PR that names one of ([^;]+);", data.method("ADSL", "NACTDT"))
    assert names
    words = names[1].split(", ")
    dates = [
        r["CMSTDTC"] for r in data.of("CM", subject) if "SUBSEQUENT" in r["CMCAT"] or r["CMCAT"] == "ANTINEOPLASTIC"
    ]
    dates += [
        r["PRSTDTC"]
        for r in data.of("PR", subject)
        if any(word in f"{r['PRTRT']} {r['PRCAT']}".upper() for word in words)
    ]
    begun = []
    for dtc in dates:
        when: Any = day(dtc)
        if len(dtc) == 7:
            after = start + timedelta(days=1)
            when = max(first_day(dtc), after) if after <= last_day(dtc) else first_day(dtc)
        if when and when > start:
            begun.append(when)
    return min(begun, default="")


def prior(data: Analysed, subject: str, row: Row) -> float:
    return float(sum("PRIOR" in r["CMCAT"] for r in data.of("CM", subject)))


def performance(data: Analysed, subject: str, row: Row) -> Any:
    scored = [
        (day(r["RSDTC"]), r["RSSEQ"], r["RSSTRESN"])
        for r in data.of("RS", subject)
        if r["RSTESTCD"] == "ECOG101" and r["RSSTRESN"] != "" and day(r["RSDTC"])
    ]
    before = [one for one in scored if row["TRTSDT"] and one[0] <= row["TRTSDT"]]
    return max(before)[2] if before else ""


def samples(data: Analysed, subject: str, domain: str, test: str) -> list[Row]:
    """The records of a test up to TRTSDT, all of them where there is none."""
    rows = [r for r in data.of(domain, subject) if r[f"{domain}TESTCD"] == test]
    start = data.adsl[subject]["TRTSDT"]
    early = [r for r in rows if not start or first_day(r[f"{domain}DTC"]) <= start]
    return early or rows


def number(domain: str, test: str, detail: str = "") -> Expected:
    def expected(data: Analysed, subject: str, row: Row) -> Any:
        result = f"{domain}STRESN"
        rows = [r for r in samples(data, subject, domain, test) if r.get(result, "") != ""]
        rows = [r for r in rows if not detail or detail in r["MITSTDTL"]]
        return max((first_day(r[f"{domain}DTC"]), r[result]) for r in rows)[1] if rows else ""

    return expected


def group(variable: str, own: str) -> Expected:
    """The group that the method names for a value."""

    def expected(data: Analysed, subject: str, row: Row) -> Any:
        value, found = row[variable], ""
        lowest, *others = data.method("ADSL", own).removeprefix(f"{variable}: ").split(", ")
        if value != "":
            found = lowest.split()[2]
            for part in others:
                _, cut, name = part.split()
                found = name if value >= float(cut) else found
        return found

    return expected


def unstable(data: Analysed, subject: str, row: Row) -> Any:
    called = [
        (first_day(r["GFDTC"]), r["GFSTRESC"].upper() in HIGH)
        for r in samples(data, subject, "GF", "MICRISTB")
        if r["GFSTRESC"].upper() in HIGH + OTHER
    ]
    return {True: "Y", False: "N"}[max(called)[1]] if called else ""


def is_variant(row: Row) -> bool:
    benign = row.get("GFRESCAT", "").upper() in ("BENIGN", "LIKELY BENIGN")
    return row["GFTESTCD"] in VARIANTS and row["GFSTRESC"].upper() not in ABSENT and not benign


def varied(data: Analysed, subject: str, row: Row) -> Any:
    rows = data.of("GF", subject)
    return "" if not rows else "Y" if any(map(is_variant, rows)) else "N"


def named(data: Analysed, gene: str, words: str) -> list[str]:
    """The terms that the method of a gene's flag lists after some words."""
    found = re.search(
        words + r" ([^;]*?)(?: with | GFTSTDTL|, GFTSTDTL|, no 2 in|, and neither)",
        data.method("ADSL", f"{gene[:6]}FL"),
    )
    assert found, words
    return found[1].split(", ")


def altered(gene: str) -> Expected:
    """Y, N and blank by the method: an alteration that is named, else a clear answer about the gene, else nothing."""

    def expected(data: Analysed, subject: str, row: Row) -> Any:
        tests = named(data, gene, "has a record of")
        absent = named(data, gene, "GFSTRESC present and none of")
        details = named(data, gene, "GFTSTDTL none of")
        rows = [r for r in data.of("GF", subject) if r["GFSYM"] == gene and r["GFTESTCD"] in (*tests, "VARPROF")]
        start = data.adsl[subject]["TRTSDT"]
        rows = [r for r in rows if not start or first_day(r["GFDTC"]) <= start] or rows
        benign = [r.get("GFRESCAT", "").upper() in ("BENIGN", "LIKELY BENIGN") for r in rows]
        result = [r["GFSTRESC"].upper() for r in rows]
        told = [r["GFTESTCD"] in tests and r.get("GFTSTDTL", "").upper() not in details for r in rows]
        if any(t and v and v not in absent and not b for t, v, b in zip(told, result, benign, strict=True)):
            return "Y"
        studied = [r["GFTESTCD"] == "VARPROF" and v == "STUDIED" for r, v in zip(rows, result, strict=True)]
        clear = [v in CLEAR or b or s for v, b, s in zip(result, benign, studied, strict=True)]
        return "N" if any(clear) else ""

    return expected


# What says that a gene is not altered; a call that failed or is unclear says nothing.
CLEAR = ("ABSENT", "N", "NEGATIVE", "NO MUTATION DETECTED", "NOT DETECTED", "WILD TYPE")
EXPECTED: dict[str, Expected] = {
    "DIAGDT": diagnosed,
    "DIAGDTF": diagnosis_flag,
    "HISTOLOG": histology,
    "NACTDT": new_therapy,
    "PRIORLN": prior,
    "ECOGBL": performance,
    "PDL1": number("MI", "PDL1", "TUMOR PROPORTION SCORE"),
    "PDL1GR1": group("PDL1", "PDL1GR1"),
    "CPS": number("MI", "PDL1", "COMBINED POSITIVE SCORE"),
    "CPSGR1": group("CPS", "CPSGR1"),
    "TMB": number("GF", "TMB"),
    "TMBGR1": group("TMB", "TMBGR1"),
    "MSIFL": unstable,
    "VARFL": varied,
}
