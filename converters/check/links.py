"""Rules across SDTM datasets: subjects, study days, order of dates, and references between domains."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pandas as pd
from fhir2cdisc.converters.check.columns import date, has, hit, number, text
from fhir2cdisc.converters.check.rule import Hit, Loaded, Package, Rule

_DAYS = (("DTC", "DY"), ("STDTC", "STDY"), ("ENDTC", "ENDY"))
# What a part of a lesion that split has after the name of the lesion; a bare digit would name another lesion.
_SPLIT = r"[A-Za-z]\d?|\.[A-Za-z0-9]+|[_-](?:\d\d?|[A-Za-z])"


def _subjects(package: Package) -> Iterator[Loaded]:
    for loaded in package.sdtm.values():
        if "USUBJID" in loaded.frame.columns and loaded.name != "DM":
            yield loaded


def _one_row(package: Package) -> Iterator[Hit]:
    dm = package.sdtm.get("DM")
    if dm is not None:
        twice = text(dm.frame, "USUBJID").duplicated(keep=False)
        yield from hit(dm, "USUBJID", "a subject with more than one record", twice)


def _in_dm(package: Package) -> Iterator[Hit]:
    dm = package.sdtm.get("DM")
    if dm is None:
        return
    known = set(text(dm.frame, "USUBJID")) | {""}
    for loaded in _subjects(package):
        unknown = ~text(loaded.frame, "USUBJID").isin(known)
        yield from hit(loaded, "USUBJID", "a subject that is not in DM", unknown)


def _death(package: Package) -> Iterator[Hit]:
    dm = package.sdtm.get("DM")
    if dm is None or not has(dm, "DTHFL", "DTHDTC"):
        return
    flag, when = text(dm.frame, "DTHFL"), text(dm.frame, "DTHDTC")
    yield from hit(dm, "DTHFL", "a death date without DTHFL Y", (when != "") & (flag != "Y"))
    yield from hit(dm, "DTHFL", "DTHFL is Y or missing, never another value", ~flag.isin(["Y", ""]))


def _age(package: Package) -> Iterator[Hit]:
    dm = package.sdtm.get("DM")
    if dm is not None:
        age = number(dm.frame, "AGE")
        yield from hit(dm, "AGE", "an age below 0", age < 0)
        yield from hit(dm, "AGEU", "an age without its unit", age.notna() & (text(dm.frame, "AGEU") == ""))


def _start_before_end(package: Package) -> Iterator[Hit]:
    for loaded in package.sdtm.values():
        prefix = loaded.domain
        pairs = [(f"{prefix}STDTC", f"{prefix}ENDTC"), ("RFSTDTC", "RFENDTC"), ("RFXSTDTC", "RFXENDTC")]
        for start, end in pairs:
            if not has(loaded, start, end):
                continue
            first, last = _one_date(loaded, start), _one_date(loaded, end)
            # ISO 8601 texts compare as far as both go, so partial dates take part.
            both = [min(len(a), len(b), 10) for a, b in zip(first, last, strict=True)]
            later = pd.Series(
                [n >= 4 and a[:n] > b[:n] for a, b, n in zip(first, last, both, strict=True)],
                index=first.index,
                dtype=bool,
            )
            same_day = (first.str.slice(0, 10) == last.str.slice(0, 10)) & (first.str.len() > 10)
            time = same_day & (last.str.len() == first.str.len()) & (first > last)
            yield from hit(loaded, end, f"{end} is before {start}", later | time)


def _one_date(loaded: Loaded, name: str) -> pd.Series:
    """Dates as texts, empty for an interval of uncertainty, which may lie on both sides of another date."""
    values = text(loaded.frame, name)
    return values.where(~values.str.contains("/", regex=False), "")


def _reference(package: Package) -> dict[str, pd.Timestamp]:
    dm = package.sdtm.get("DM")
    if dm is None:
        return {}
    return dict(zip(text(dm.frame, "USUBJID"), date(dm.frame, "RFSTDTC"), strict=True))


def _study_days(package: Package) -> Iterator[Hit]:
    reference = _reference(package)
    for loaded in package.sdtm.values():
        for when, day in ((loaded.domain + a, loaded.domain + b) for a, b in _DAYS):
            if not has(loaded, when, day, "USUBJID") or not reference:
                continue
            start = pd.to_datetime(text(loaded.frame, "USUBJID").map(reference))
            gap = (date(loaded.frame, when) - start).dt.days
            expected = gap + (gap >= 0)
            found = number(loaded.frame, day)
            wrong = found.notna() & expected.notna() & (found != expected)
            yield from hit(loaded, day, f"not {when} minus RFSTDTC (plus 1 from that day on)", wrong)
            yield from hit(loaded, day, "a day 0", found == 0)
            missing = found.isna() & expected.notna()
            yield from hit(loaded, day, f"{when} and RFSTDTC are complete, the study day is missing", missing)
            extra = found.notna() & expected.isna()
            yield from hit(loaded, day, f"a study day without complete {when} and RFSTDTC", extra)


def _keys(loaded: Loaded, name: str) -> set[tuple[str, str]]:
    """Subjects with the values of a variable, as a reference names them."""
    values = text(loaded.frame, name)
    return set(zip(text(loaded.frame, "USUBJID"), values, strict=True))


def _parents(package: Package, domain: str) -> list[Loaded]:
    parents = [d for d in package.sdtm.values() if not d.is_supplemental and d.name != "RELREC"]
    return [d for d in parents if d.domain == domain or d.name == domain]


def _dangling(package: Package, loaded: Loaded) -> pd.Series:
    """Records that point (RDOMAIN, IDVAR, IDVARVAL) to no record of the package."""
    frame = loaded.frame
    columns = [text(frame, n) for n in ("RDOMAIN", "USUBJID", "IDVAR", "IDVARVAL")]
    cache: dict[tuple[str, str], set[tuple[str, str]] | None] = {}
    lost = []
    for domain, subject, name, value in zip(*columns, strict=True):
        if not domain:
            lost.append(False)
            continue
        key = (domain, name or "USUBJID")
        if key not in cache:
            parents = [p for p in _parents(package, domain) if key[1] in p.frame.columns]
            cache[key] = set().union(*(_keys(p, key[1]) for p in parents)) if parents else None
        known = cache[key]
        wanted = (subject, value if name else subject)
        # A dataset-level relation names a variable and no value.
        lost.append(known is None or (bool(value or not name) and bool(subject) and wanted not in known))
    return pd.Series(lost, index=frame.index, dtype=bool)


def _supplemental(package: Package) -> Iterator[Hit]:
    for loaded in package.sdtm.values():
        if loaded.is_supplemental or loaded.name in ("RELREC", "CO"):
            yield from hit(
                loaded, "IDVARVAL", "no record of that domain, subject and value", _dangling(package, loaded)
            )


def _qualifiers_once(package: Package) -> Iterator[Hit]:
    keys = ["STUDYID", "RDOMAIN", "USUBJID", "IDVAR", "IDVARVAL", "QNAM"]
    for loaded in package.sdtm.values():
        if loaded.is_supplemental:
            plain = pd.DataFrame({key: text(loaded.frame, key) for key in keys})
            yield from hit(loaded, "QNAM", "a qualifier twice for one record", plain.duplicated(keep=False))


def _qualifier_names(package: Package) -> Iterator[Hit]:
    for loaded in package.sdtm.values():
        if not loaded.is_supplemental:
            continue
        names, domains = text(loaded.frame, "QNAM"), text(loaded.frame, "RDOMAIN")
        taken = {d: {n for p in _parents(package, d) for n in p.frame.columns} for d in domains.unique()}
        wrong = pd.Series([n in taken[d] for n, d in zip(names, domains, strict=True)], index=names.index, dtype=bool)
        yield from hit(loaded, "QNAM", "a qualifier with the name of a variable of its domain", wrong)


def _related(package: Package) -> Iterator[Hit]:
    relrec = package.sdtm.get("RELREC")
    if relrec is not None:
        plain = pd.DataFrame({n: text(relrec.frame, n) for n in ("USUBJID", "RELID")})
        counts = plain.groupby(["USUBJID", "RELID"])["RELID"].transform("size")
        yield from hit(relrec, "RELID", "a relation of a single record", counts < 2)


def _lesions(package: Package) -> Iterator[Hit]:
    tu, tr = package.sdtm.get("TU"), package.sdtm.get("TR")
    if tu is None or tr is None or not has(tu, "TULNKID") or not has(tr, "TRLNKID"):
        return
    known: dict[str, set[str]] = {}
    for subject, lesion in _keys(tu, "TULNKID"):
        known.setdefault(subject, set()).add(lesion)
    values = text(tr.frame, "TRLNKID")
    pairs = zip(text(tr.frame, "USUBJID"), values, strict=True)
    lost = pd.Series([not _comes_of(v, known.get(s, set()) - {""}) for s, v in pairs], index=values.index, dtype=bool)
    yield from hit(tr, "TRLNKID", "a lesion that TU does not identify", lost & (values != ""))


def _comes_of(lesion: str, known: set[str]) -> bool:
    """True for a known lesion, a part of one that split (T04a, T04.1), or the union of some that merged (T01/T02)."""
    if lesion in known or not known:
        return lesion in known
    one = rf"(?:{'|'.join(map(re.escape, sorted(known)))})(?:{_SPLIT})?"
    return bool(re.fullmatch(rf"{one}(?:[/_-]{one})*", lesion))


def _one_baseline(package: Package) -> Iterator[Hit]:
    for loaded in package.sdtm.values():
        flag = f"{loaded.domain}LOBXFL"
        test = f"{loaded.domain}TESTCD"
        if not has(loaded, flag, test):
            continue
        names = ("TEST", "CAT", "SCAT", "LOC", "LNKID", "EVAL", "EVALID", "SPEC", "METHOD")
        extra = [f"{loaded.domain}{name}" for name in names]
        keys = ["USUBJID", test, *extra]
        plain = pd.DataFrame({key: text(loaded.frame, key) for key in keys})
        flagged = text(loaded.frame, flag) == "Y"
        twice = plain[flagged].duplicated(keep=False).reindex(plain.index, fill_value=False)
        yield from hit(loaded, flag, "more than one last record before treatment for a test", twice)


def _serious(package: Package) -> Iterator[Hit]:
    ae = package.sdtm.get("AE")
    criteria = ["AESCAN", "AESCONG", "AESDISAB", "AESDTH", "AESHOSP", "AESLIFE", "AESMIE", "AESOD"]
    if ae is None or not set(criteria) & set(ae.frame.columns):
        return
    met = pd.concat([text(ae.frame, name) == "Y" for name in criteria], axis=1).any(axis=1)
    serious = text(ae.frame, "AESER") == "Y"
    yield from hit(ae, "AESER", "a serious event without a criterion, or a criterion without AESER Y", serious != met)


RULES = (
    Rule("LINK-001", "error", "SDTMIG 3.4, 5.2", "DM has one record a subject.", _one_row),
    Rule("LINK-002", "error", "SDTMIG 3.4, 5.2", "Every subject is in DM.", _in_dm),
    Rule("LINK-003", "error", "SDTMIG 3.4, 5.2", "DTHFL and DTHDTC agree.", _death),
    Rule(
        "LINK-004",
        "error",
        "SDTMIG 3.4, 5.2; FDA validator rule SD0084",
        "Ages are not negative and have a unit.",
        _age,
    ),
    Rule(
        "LINK-005",
        "error",
        "FDA validator rules SD0013, SD1002",
        "Nothing ends before it starts.",
        _start_before_end,
    ),
    Rule(
        "LINK-006",
        "error",
        "SDTMIG 3.4, 4.4.4",
        "Study days count from RFSTDTC without a day 0.",
        _study_days,
    ),
    Rule("LINK-007", "error", "SDTMIG 3.4, 8.2, 8.4.1, 8.5", "SUPP--, CO and RELREC point to records.", _supplemental),
    Rule("LINK-008", "error", "SDTMIG 3.4, 8.4", "A qualifier stands once for a record.", _qualifiers_once),
    Rule("LINK-009", "error", "SDTMIG 3.4, 8.4, 8.4.1", "A qualifier is no variable of its domain.", _qualifier_names),
    Rule("LINK-010", "error", "SDTMIG 3.4, 8.2", "A relation joins two records or more.", _related),
    Rule(
        "LINK-011",
        "warning",
        "SDTMIG 3.4, 6.3.12.1, 6.3.12.2",
        "Measured lesions are identified in TU, or are parts or unions of such.",
        _lesions,
    ),
    Rule("LINK-012", "warning", "SDTMIG 3.4, 4.5.9", "One last record before treatment a test.", _one_baseline),
    Rule("LINK-013", "warning", "SDTMIG 3.4, 6.2.1", "Serious events have a criterion.", _serious),
)
