"""The methods of ADSL that are about therapy guided by a molecular tumour board."""

from __future__ import annotations

from typing import Any

from support.analysed import Analysed, Row, day, earliest
from support.methods.adsl_disease import Expected


def named(data: Analysed, words: str) -> str:
    """A drug by the name that the study gives it."""
    text = words.casefold()
    for drug in data.study.drugs:
        if any(term.casefold() in text for term in (drug.name, *drug.terms)):
            return drug.name.casefold()
    return text


def recommended(data: Analysed, subject: str) -> list[Row]:
    return [r for r in data.of("FA", subject) if r["FATESTCD"] == "MTBREC"]


def therapies(data: Analysed, subject: str) -> list[tuple[Any, str]]:
    """First date and name of each anticancer drug, in order."""
    given = [(day(r["EXSTDTC"]), named(data, r["EXTRT"])) for r in data.of("EX", subject)]
    given += [
        (day(r["CMSTDTC"]), named(data, r["CMTRT"]))
        for r in data.of("CM", subject)
        if "SUBSEQUENT" in r["CMCAT"] or r["CMCAT"] == "ANTINEOPLASTIC"
    ]
    first: dict[str, Any] = {}
    for when, drug in sorted(one for one in given if one[0]):
        first.setdefault(drug, when)
    return sorted((when, drug) for drug, when in first.items())


def match(data: Analysed, subject: str, when: Any, drug: str) -> tuple[str, Any] | None:
    """The recommendation (FASPID, date) that guided a therapy: the latest before it, then the lowest."""
    before = [
        (-day(r["FADTC"]).toordinal(), r["FASPID"], day(r["FADTC"]))  # type: ignore[union-attr]
        for r in recommended(data, subject)
        if named(data, r["FASTRESC"]) == drug and day(r["FADTC"]) and day(r["FADTC"]) < when
    ]
    return min(before)[1:] if before else None


def guided(data: Analysed, subject: str) -> list[tuple[Any, str, Any]]:
    """Start, recommendation and its date of each guided therapy."""
    found = [(when, match(data, subject, when, drug)) for when, drug in therapies(data, subject)]
    return [(when, *one) for when, one in found if one]


def yes(condition: Any) -> str:
    return "Y" if condition else "N"


def first_guided(place: int) -> Expected:
    def expected(data: Analysed, subject: str, row: Row) -> Any:
        return next((one[place] for one in guided(data, subject)), "")

    return expected


def resisted(data: Analysed, subject: str, row: Row) -> Any:
    called = [r for r in data.of("RS", subject) if r["RSTESTCD"] == "OVRLRESP" and r["RSSTRESC"] == "PD"]
    mine = [day(r["RSDTC"]) for r in called if r["RSEVAL"] in ("INVESTIGATOR", "")]
    return earliest(when for when in mine if when and row["MTBTDT"] and when > row["MTBTDT"])


def second(data: Analysed, subject: str, row: Row) -> list[tuple[Any, str, Any]]:
    first, *others = guided(data, subject) or [("", "", "")]
    return [
        one
        for one in others
        if row["RESISTDT"] and one[0] >= row["RESISTDT"] and one[1] != first[1] and one[2] > first[2]
    ]


def second_guided(place: int) -> Expected:
    return lambda data, subject, row: next((one[place] for one in second(data, subject, row)), "")


def actionable(data: Analysed, subject: str, row: Row) -> str:
    numbers = {f"{r['FASEQ']:g}" for r in recommended(data, subject)}
    linked = {r["RELID"] for r in data.of("RELREC", subject) if r["IDVAR"] == "FASEQ" and r["IDVARVAL"] in numbers}
    return yes(any(r["RDOMAIN"] == "GF" and r["RELID"] in linked for r in data.of("RELREC", subject)))


def several_days(data: Analysed, subject: str, row: Row) -> str:
    return yes(len({r["FADTC"] for r in recommended(data, subject)}) > 1)


def period_kinds(data: Analysed, subject: str) -> set[bool]:
    """Whether days on which therapies began are guided."""
    starts = {when for when, _ in therapies(data, subject)}
    return {any(one[0] == when for one in guided(data, subject)) for when in starts}


EXPECTED: dict[str, Expected] = {
    "MTBFL": lambda data, subject, row: yes(recommended(data, subject)),
    "MTBDT": lambda data, subject, row: earliest(day(r["FADTC"]) for r in recommended(data, subject)),
    "MTBMFL": lambda data, subject, row: yes(guided(data, subject)),
    "MTBREC": first_guided(1),
    "MTBTDT": first_guided(0),
    "RESISTDT": resisted,
    "RESISTFL": lambda data, subject, row: yes(row["RESISTDT"]),
    "SECMTBFL": lambda data, subject, row: yes(second(data, subject, row)),
    "SECREC": second_guided(1),
    "SECTDT": second_guided(0),
    "ACTVARFL": actionable,
    "MTB2FL": several_days,
    "GDPERFL": lambda data, subject, row: yes(True in period_kinds(data, subject)),
    "OTPERFL": lambda data, subject, row: yes(False in period_kinds(data, subject)),
}
