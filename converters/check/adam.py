"""Rules of ADaM datasets: ADSL, BDS structure, baseline and change, flags, traceability (ADaMIG 1.3)."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pandas as pd
from fhir2cdisc.converters.check.columns import ambiguous, date, has, hit, not_terms, number, text
from fhir2cdisc.converters.check.rule import Check, Hit, Loaded, Package, Rule
from fhir2cdisc.converters.check.sources import sources
from fhir2cdisc.converters.xpt.columns import is_datetime
from fhir2cdisc.mappings.standard.adam_terms import adam_codelist

_ADSL = ("STUDYID", "USUBJID", "SUBJID", "SITEID", "AGE", "AGEU", "SEX", "RACE", "ARM")
_POPULATION = re.compile(r"(FAS|SAF|ITT|PPROT|COMPL|RAND|ENRL)FL")
# A label that may say more in each dataset.
_OWN_LABEL = re.compile(r"ANL\d\dFL")


def is_bds(loaded: Loaded) -> bool:
    """True for a dataset with parameters."""
    return "PARAMCD" in loaded.frame.columns


def _adsl(package: Package) -> Iterator[Hit]:
    if package.adam and "ADSL" not in package.adam:
        yield Hit("ADSL", "", "ADSL is not in the package")


def _adsl_rows(package: Package) -> Iterator[Hit]:
    adsl = package.adam.get("ADSL")
    if adsl is not None:
        subjects = text(adsl.frame, "USUBJID")
        yield from hit(adsl, "USUBJID", "a subject with more than one record", subjects.duplicated(keep=False))
        yield from hit(adsl, "USUBJID", "a record without a subject", subjects == "")


def _adsl_variables(package: Package) -> Iterator[Hit]:
    adsl = package.adam.get("ADSL")
    if adsl is None:
        return
    for name in _ADSL:
        if name not in adsl.frame.columns:
            yield Hit("ADSL", name, "a required variable of ADSL is not there")
    if not any(re.fullmatch(r"TRT\d\dP", name) for name in adsl.dataset.names):
        yield Hit("ADSL", "TRT01P", "no planned treatment variable TRTxxP")


def _subjects(package: Package) -> Iterator[Hit]:
    adsl, dm = package.adam.get("ADSL"), package.sdtm.get("DM")
    if adsl is not None and dm is not None:
        unknown = ~text(adsl.frame, "USUBJID").isin(set(text(dm.frame, "USUBJID")))
        yield from hit(adsl, "USUBJID", "a subject that is not in DM", unknown)
    for loaded in package.adam.values():
        if adsl is not None and loaded.name != "ADSL" and has(loaded, "USUBJID"):
            unknown = ~text(loaded.frame, "USUBJID").isin(set(text(adsl.frame, "USUBJID")))
            yield from hit(loaded, "USUBJID", "a subject that is not in ADSL", unknown)


def _carried(package: Package) -> Iterator[Hit]:
    """Variables of ADSL that other datasets carry must say the same of a subject."""
    adsl = package.adam.get("ADSL")
    if adsl is None:
        return
    subjects = text(adsl.frame, "USUBJID")
    first = ~subjects.duplicated()
    for loaded in package.adam.values():
        if loaded.name == "ADSL":
            continue
        here = text(loaded.frame, "USUBJID")
        for name in set(loaded.dataset.names) & set(adsl.dataset.names) - {"USUBJID"}:
            known = dict(zip(subjects[first], text(adsl.frame, name)[first], strict=True))
            differs = here.isin(known.keys()) & (here.map(known) != text(loaded.frame, name))
            yield from hit(loaded, name, "another value than in ADSL for the subject", differs)


def _same_label(package: Package) -> Iterator[Hit]:
    seen: dict[str, tuple[str, str, str]] = {}
    for loaded in package.adam.values():
        for v in loaded.dataset.variables:
            label = "" if _OWN_LABEL.fullmatch(v.name) else v.label
            first = seen.setdefault(v.name, (label, v.type, loaded.name))
            if (label, v.type) != first[:2]:
                yield Hit(loaded.name, v.name, f"another label or type than in {first[2]}")


def _bds_variables(package: Package) -> Iterator[Hit]:
    for loaded in package.adam.values():
        if is_bds(loaded):
            for name in ("STUDYID", "USUBJID", "PARAM"):
                if name not in loaded.frame.columns:
                    yield Hit(loaded.name, name, "a required variable of a parameter dataset is not there")
            if not {"AVAL", "AVALC"} & set(loaded.frame.columns):
                yield Hit(loaded.name, "AVAL", "neither AVAL nor AVALC is there")


def _paramcd(package: Package) -> Iterator[Hit]:
    for loaded in filter(is_bds, package.adam.values()):
        good = text(loaded.frame, "PARAMCD").str.fullmatch(r"[A-Z][A-Z0-9_]{0,7}")
        yield from hit(loaded, "PARAMCD", "no code of 1 to 8 letters, digits or _, letter first", ~good)


def _one_to_one(package: Package) -> Iterator[Hit]:
    for loaded in package.adam.values():
        names = set(loaded.dataset.names)
        pairs = [("PARAMCD", "PARAM"), ("PARAMN", "PARAMCD"), ("AVISITN", "AVISIT")]
        pairs += [(f"{n}N", n) for n in names if re.fullmatch(r"TRT\d\d[PA]|TRT[PA]|SEX|RACE", n)]
        for first, second in pairs:
            if {first, second} <= names:
                within = ["PARAMCD"] if first == "AVISITN" else []
                wrong = ambiguous(loaded.frame, [*within, first], second)
                wrong |= ambiguous(loaded.frame, [*within, second], first)
                yield from hit(loaded, first, f"{first} and {second} do not go one to one", wrong)


def _aval_avalc(package: Package) -> Iterator[Hit]:
    for loaded in filter(is_bds, package.adam.values()):
        for one, other in (("AVALC", "AVAL"), ("AVAL", "AVALC")):
            wrong = ambiguous(loaded.frame, ["PARAMCD", one], other)
            yield from hit(loaded, "AVAL", f"{one} stands for more than one {other} in a parameter", wrong)


def _change(package: Package) -> Iterator[Hit]:
    for loaded in filter(is_bds, package.adam.values()):
        aval, base = number(loaded.frame, "AVAL"), number(loaded.frame, "BASE")
        scale = aval.abs().clip(lower=1) * 1e-9
        if has(loaded, "CHG", "BASE"):
            wrong = (number(loaded.frame, "CHG") - (aval - base)).abs() > scale
            yield from hit(loaded, "CHG", "not AVAL minus BASE", wrong)
        if has(loaded, "PCHG", "BASE"):
            expected = 100 * (aval - base) / base.where(base != 0)
            wrong = (number(loaded.frame, "PCHG") - expected).abs() > expected.abs().clip(lower=1) * 1e-9
            yield from hit(loaded, "PCHG", "not 100 times CHG over BASE", wrong)


def _baseline(package: Package) -> Iterator[Hit]:
    for loaded in filter(is_bds, package.adam.values()):
        if not has(loaded, "ABLFL"):
            continue
        keys = ["USUBJID", "PARAMCD", "BASETYPE"]
        plain = pd.DataFrame({key: text(loaded.frame, key) for key in keys})
        plain["AVAL"], plain["BASE"] = number(loaded.frame, "AVAL"), number(loaded.frame, "BASE")
        flagged = text(loaded.frame, "ABLFL") == "Y"
        twice = plain[flagged].duplicated(keys, keep=False).reindex(plain.index, fill_value=False)
        yield from hit(loaded, "ABLFL", "more than one baseline record for a parameter", twice)
        if has(loaded, "BASE"):
            baseline = plain[flagged & ~twice].set_index(keys)["AVAL"]
            expected = plain[keys].merge(baseline.rename("E").reset_index(), on=keys, how="left")["E"]
            differs = expected.notna().to_numpy() & (plain["BASE"].to_numpy() != expected.to_numpy())
            mask = pd.Series(differs, index=plain.index) & plain["BASE"].notna()
            yield from hit(loaded, "BASE", "not AVAL of the baseline record", mask)


def _study_days(package: Package) -> Iterator[tuple[Loaded, pd.Series, pd.Series]]:
    """Datasets with ADT and ADY, the days, and the date that each counts from, without a day 0."""
    for loaded in package.adam.values():
        if has(loaded, "ADY", "ADT", "USUBJID"):
            day = number(loaded.frame, "ADY")
            yield loaded, day, _numbered(date(loaded.frame, "ADT")) - (day - (day > 0))


def _numbered(dates: pd.Series) -> pd.Series:
    """Dates as numbers of days, from which any day of others can be taken."""
    return (dates - pd.Timestamp("1960-01-01")).dt.days


def _anchor(package: Package) -> Iterator[Hit]:
    for loaded, day, anchor in _study_days(package):
        yield from hit(loaded, "ADY", "a day 0", day == 0)
        plain = pd.DataFrame({n: text(loaded.frame, n) for n in ("USUBJID", "PARAMCD")})
        plain["ANCHOR"] = anchor.where(day != 0)
        counts = plain.groupby(["USUBJID", "PARAMCD"])["ANCHOR"].transform("nunique")
        wrong = (counts > 1) & plain["ANCHOR"].notna()
        yield from hit(loaded, "ADY", "ADY counts from more than one date for a subject and parameter", wrong)


def _from_treatment(package: Package) -> Iterator[Hit]:
    adsl = package.adam.get("ADSL")
    for loaded, day, anchor in _study_days(package):
        start = date(loaded.frame, "TRTSDT")
        if not has(loaded, "TRTSDT") and adsl is not None:
            starts = dict(zip(text(adsl.frame, "USUBJID"), date(adsl.frame, "TRTSDT"), strict=True))
            start = pd.to_datetime(text(loaded.frame, "USUBJID").map(starts))
        differs = start.notna() & anchor.notna() & (day != 0) & (anchor != _numbered(start))
        yield from hit(loaded, "ADY", "not ADT minus TRTSDT (plus 1 from that day on)", differs)


def _flags(package: Package) -> Iterator[Hit]:
    for loaded in package.adam.values():
        for name in loaded.dataset.names:
            if name.endswith("FL") and loaded.dataset[name].type == "Char":
                population = loaded.name == "ADSL" and _POPULATION.fullmatch(name)
                allowed = ["Y", "N"] if population else ["Y", "N", ""]
                wrong = ~text(loaded.frame, name).isin(allowed)
                said = " or ".join(a or "missing" for a in allowed)
                yield from hit(loaded, name, f"a flag that is not {said}", wrong)


def _terms(extensible: bool) -> Check:
    def check(package: Package) -> Iterator[Hit]:
        for loaded in package.adam.values():
            for name in loaded.dataset.names:
                codelist = adam_codelist(name)
                if codelist is not None and codelist.extensible == extensible:
                    values = text(loaded.frame, name)
                    wrong = (values != "") & ~values.isin(set(codelist.terms))
                    yield from not_terms(loaded, name, values, wrong, codelist.submission_value)

    return check


def _date_formats(package: Package) -> Iterator[Hit]:
    for loaded in package.adam.values():
        for v in loaded.dataset.variables:
            if v.name.endswith(("DT", "DTM")) and v.type == "Num" and not is_datetime(loaded.frame[v.name]):
                yield Hit(loaded.name, v.name, f"a numeric date with the format {v.format or 'none'}")


def _treatment_dates(package: Package) -> Iterator[Hit]:
    for loaded in package.adam.values():
        if has(loaded, "TRTSDT", "TRTEDT"):
            late = date(loaded.frame, "TRTSDT") > date(loaded.frame, "TRTEDT")
            yield from hit(loaded, "TRTEDT", "treatment ends before it starts", late)


RULES = (
    Rule("ADAM-001", "error", "ADaMIG 1.3, 3.2; FDA rejection criterion 1736", "A package of ADaM holds ADSL.", _adsl),
    Rule("ADAM-002", "error", "ADaMIG 1.3, 3.2", "ADSL has one record a subject.", _adsl_rows),
    Rule("ADAM-003", "error", "ADaMIG 1.3, 3.2", "ADSL has its required variables.", _adsl_variables),
    Rule("ADAM-004", "error", "ADaMIG 1.3, 3.2", "Subjects are in DM and in ADSL.", _subjects),
    Rule("ADAM-005", "error", "ADaMIG 1.3, 3.1.1, 3.2", "Variables of ADSL keep their values elsewhere.", _carried),
    Rule("ADAM-006", "error", "ADaMIG 1.3, 3.1.1, 3.1.6", "A name has one label and type everywhere.", _same_label),
    Rule(
        "ADAM-007",
        "error",
        "ADaMIG 1.3, 3.3.1, 3.3.4.1",
        "Parameter datasets have their required variables.",
        _bds_variables,
    ),
    Rule("ADAM-008", "error", "ADaMIG 1.3, 3.3.4.1", "PARAMCD is well formed.", _paramcd),
    Rule("ADAM-009", "error", "ADaMIG 1.3, 3.1.1, 3.3.3, 3.3.4.1", "Codes and names go one to one.", _one_to_one),
    Rule("ADAM-010", "warning", "ADaMIG 1.3, 3.3.4.1", "AVALC and AVAL go one to one in a parameter.", _aval_avalc),
    Rule("ADAM-011", "error", "ADaMIG 1.3, 3.3.4.1", "Changes are those from BASE.", _change),
    Rule(
        "ADAM-012",
        "error",
        "ADaMIG 1.3, 3.3.4.1, 3.3.8",
        "A parameter has one baseline, and BASE is its value.",
        _baseline,
    ),
    Rule(
        "ADAM-013",
        "error",
        "ADaMIG 1.3, 3.1.2, 3.3.3",
        "ADY counts from one date of the subject, without a day 0.",
        _anchor,
    ),
    Rule(
        "ADAM-014",
        "error",
        "ADaMIG 1.3, 3.1.4, 3.2, 3.3.8",
        "Flags hold Y, N or nothing, as their kind allows.",
        _flags,
    ),
    Rule("ADAM-015", "warning", "ADaMIG 1.3, 3.1.2", "Numeric dates have a date format.", _date_formats),
    Rule("ADAM-016", "error", "own rule", "Treatment does not end before it starts.", _treatment_dates),
    Rule("ADAM-017", "error", "ADaMIG 1.3, 3.3.9", "Sources lead to records.", sources),
    Rule("ADAM-018", "error", "ADaM CT", "Values of closed ADaM codelists are terms of them.", _terms(False)),
    Rule("ADAM-019", "warning", "ADaM CT", "Values of open ADaM codelists are terms of them.", _terms(True)),
    Rule("ADAM-020", "warning", "own rule", "ADY counts from the start of treatment.", _from_treatment),
)
