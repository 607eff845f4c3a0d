"""Rules of one SDTM dataset: structure, required values, codelists, dates, sequence (SDTMIG 3.4)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import pandas as pd
from fhir2cdisc.converters.check.columns import ambiguous, by_value, hit, not_terms, number, text
from fhir2cdisc.converters.check.rule import Check, Hit, Loaded, Package, Rule
from fhir2cdisc.mappings.standard.datasets import Dataset, Variable, codelists, codelists_by_test, with_model_variables
from fhir2cdisc.mappings.standard.iso8601 import is_date, is_duration, is_interval

_CONTINUED = re.compile(r"(TSVAL|COVAL)\d+")
# What --SEQ is counted within, where that is not the subject.
_COUNTED_WITHIN = {"TS": ("TSPARMCD",), "OI": ("NHOID", "OIPARMCD")}
_DURATIONS = ("DUR", "ELTM", "EVLINT", "STINT", "ENINT", "TDSTOFF", "TDMINPAI", "TDMAXPAI")


def _known(package: Package) -> Iterator[tuple[Loaded, Dataset]]:
    for loaded in package.sdtm.values():
        model = loaded.model
        if model is not None:
            # A sponsor may add variables of the class (SDTMIG 3.4, 4.1.5).
            yield loaded, with_model_variables(model, loaded.dataset.names)


def _missing_datasets(package: Package) -> Iterator[Hit]:
    for name in ("DM", "TS"):
        if package.sdtm and name not in package.sdtm:
            yield Hit(name, "", f"{name} is not in the package")


def _strangers(package: Package) -> Iterator[Hit]:
    for loaded in package.sdtm.values():
        if loaded.model is None and "DOMAIN" not in loaded.frame.columns:
            yield Hit(loaded.name, "", "no dataset of the guide, and without DOMAIN no custom domain")


def _start_date(package: Package) -> Iterator[Hit]:
    ts = package.sdtm.get("TS")
    if ts is None:
        return
    values = text(ts.frame, "TSVAL")[text(ts.frame, "TSPARMCD") == "SSTDTC"]
    if not any(_is_when(value) for value in values):
        yield Hit("TS", "TSVAL", "no study start date (SSTDTC) as ISO 8601")


def _core(core: str) -> Check:
    def check(package: Package) -> Iterator[Hit]:
        for loaded, model in _known(package):
            for variable in model.variables:
                if variable.core == core and variable.name not in loaded.frame.columns:
                    yield Hit(loaded.name, variable.name, f"the variable is {core} and not there")

    return check


def _required_values(package: Package) -> Iterator[Hit]:
    for loaded, model in _known(package):
        for variable in model.variables:
            if variable.core == "Req" and variable.name in loaded.frame.columns:
                yield from hit(
                    loaded,
                    variable.name,
                    "a required value is missing",
                    text(loaded.frame, variable.name) == "",
                )


def _unknown(package: Package) -> Iterator[Hit]:
    for loaded, model in _known(package):
        for name in loaded.dataset.names:
            if name not in model and not _CONTINUED.fullmatch(name):
                yield Hit(loaded.name, name, f"the guide has no such variable in {model.name}")


def _order(package: Package) -> Iterator[Hit]:
    for loaded, model in _known(package):
        places = [model.names.index(n) for n in loaded.dataset.names if n in model]
        wrong = next((i for i in range(1, len(places)) if places[i] < places[i - 1]), None)
        if wrong is not None:
            name = [n for n in loaded.dataset.names if n in model][wrong]
            yield Hit(loaded.name, name, "the variable stands before one that the guide puts first")


def _shared(package: Package) -> Iterator[tuple[Loaded, Variable, Variable]]:
    """Variables that stand in a file and in the guide: the file's and the guide's."""
    for loaded, model in _known(package):
        for variable in loaded.dataset.variables:
            if variable.name in model:
                yield loaded, variable, model[variable.name]


def _label(package: Package) -> Iterator[Hit]:
    for loaded, found, wanted in _shared(package):
        if found.label != wanted.label:
            yield Hit(loaded.name, found.name, f"the label is {found.label!r}, in the guide {wanted.label!r}")


def _type(package: Package) -> Iterator[Hit]:
    for loaded, found, wanted in _shared(package):
        if found.type != wanted.type:
            yield Hit(loaded.name, found.name, f"the type is {found.type}, in the guide {wanted.type}")


def _domain(package: Package) -> Iterator[Hit]:
    for loaded in package.sdtm.values():
        if "DOMAIN" in loaded.frame.columns:
            values = text(loaded.frame, "DOMAIN")
            wrong = (values != loaded.name) & (values != loaded.name[:2])
            yield from hit(loaded, "DOMAIN", "DOMAIN is not the name of the dataset", wrong)


def _study(package: Package) -> Iterator[Hit]:
    values = {v for loaded in package.loaded for v in text(loaded.frame, "STUDYID").unique()} - {""}
    if len(values) > 1:
        yield Hit("", "STUDYID", f"{len(values)} different study identifiers in the package")


def _terms(extensible: bool) -> Check:
    def check(package: Package) -> Iterator[Hit]:
        for loaded, found, wanted in _shared(package):
            values = text(loaded.frame, found.name)
            by_test = codelists_by_test(loaded.domain, found.name)
            if not by_test:
                yield from _outside(loaded, found.name, values, wanted.codelists, extensible)
            tests = text(loaded.frame, f"{loaded.domain}TESTCD")
            for code in sorted(set(by_test.values())):
                chosen = tests.isin([test for test, of_test in by_test.items() if of_test == code])
                yield from _outside(loaded, found.name, values.where(chosen, ""), (code,), extensible)

    return check


def _outside(loaded: Loaded, name: str, values: pd.Series, codes: Sequence[str], extensible: bool) -> Iterator[Hit]:
    """Values that none of the codelists has, if one of these is extensible or all are not, as asked."""
    lists = codelists()
    chosen = [lists[code] for code in codes if code in lists]
    if not chosen or any(c.extensible for c in chosen) != extensible:
        return
    wrong = (values != "") & ~values.isin({t for c in chosen for t in c.terms})
    if name == "TSVCDREF":
        # The guide's own examples name these, which the codelist does not have.
        wrong &= ~values.isin(["ISO 8601", "ClinicalTrials.gov"])
    if name == "RACE":
        # Of several races each is in SUPPDM, and RACE says so (SDTMIG 3.4, 5.2, DM).
        wrong &= values != "MULTIPLE"
    if name in ("DOMAIN", "RDOMAIN"):
        # Two characters that begin with X, Y or Z are a sponsor's own domain (SDTMIG 3.4, 2.6).
        wrong &= ~values.str.fullmatch("[XYZ][A-Z0-9]")
    if name.endswith(("ORRES", "STRESC")):
        # The codelist of a result is that of some tests only; a measured number is no term.
        wrong &= pd.to_numeric(values, errors="coerce").isna()
    names = " or ".join(c.submission_value for c in chosen)
    yield from not_terms(loaded, name, values, wrong, names)


def _is_when(value: str) -> bool:
    return is_date(value) or is_interval(value)


def _iso(package: Package) -> Iterator[Hit]:
    for loaded in package.sdtm.values():
        for name in loaded.dataset.names:
            if name.endswith("DTC"):
                values = text(loaded.frame, name)
                wrong = (values != "") & ~by_value(values, _is_when)
                yield from hit(loaded, name, "no date of ISO 8601, or none of the calendar", wrong)


def _durations(package: Package) -> Iterator[Hit]:
    for loaded in package.sdtm.values():
        for variable in loaded.dataset.variables:
            if variable.name.endswith(_DURATIONS) and variable.type == "Char":
                values = text(loaded.frame, variable.name)
                good = by_value(values, is_duration)
                interval = values.str.contains("/", regex=False)
                yield from hit(loaded, variable.name, "no duration of ISO 8601", (values != "") & ~good & ~interval)


def _sequence(package: Package) -> Iterator[Hit]:
    for domain, datasets in _by_domain(package).items():
        name, keys = f"{domain}SEQ", _COUNTED_WITHIN.get(domain, ("USUBJID",))
        plain = pd.concat([_sequence_keys(d, keys, name) for d in datasets], keys=range(len(datasets)))
        missing = plain["seq"].isna()
        twice = plain.duplicated(keep=False) & ~missing
        for i, loaded in enumerate(datasets):
            yield from hit(loaded, name, "the sequence number is missing", missing.loc[i])
            yield from hit(loaded, name, "the sequence number is not unique within the subject", twice.loc[i])


def _by_domain(package: Package) -> dict[str, list[Loaded]]:
    """The datasets with rows and --SEQ by domain: several where a domain is split."""
    found: dict[str, list[Loaded]] = {}
    for loaded in package.sdtm.values():
        if f"{loaded.domain}SEQ" in loaded.frame.columns and len(loaded.frame):
            found.setdefault(loaded.domain, []).append(loaded)
    return found


def _sequence_keys(loaded: Loaded, keys: Sequence[str], name: str) -> pd.DataFrame:
    columns = {key: text(loaded.frame, key) for key in keys}
    return pd.DataFrame({**columns, "seq": number(loaded.frame, name)}, index=loaded.frame.index)


def _test_codes(package: Package) -> Iterator[Hit]:
    for loaded in package.sdtm.values():
        for name in (f"{loaded.domain}TESTCD", "QNAM"):
            if name in loaded.frame.columns:
                values = text(loaded.frame, name)
                good = values.str.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,7}") | (values == "")
                yield from hit(loaded, name, "a code has 1 to 8 letters, digits or _, no digit first", ~good)


def _test_names(package: Package) -> Iterator[Hit]:
    for loaded in package.sdtm.values():
        for name in (f"{loaded.domain}TEST", "QLABEL"):
            if name in loaded.frame.columns and loaded.domain != "IE":
                yield from hit(
                    loaded,
                    name,
                    "a name of a test has more than 40 characters",
                    text(loaded.frame, name).str.len() > 40,
                )


def _pairs(package: Package) -> Iterator[Hit]:
    for loaded in package.sdtm.values():
        domain, frame = loaded.domain, loaded.frame
        for code, name in ((f"{domain}TESTCD", f"{domain}TEST"), ("VISITNUM", "VISIT"), ("ARMCD", "ARM")):
            if {code, name} <= set(frame.columns):
                looked = frame[_planned(package, loaded)] if code == "VISITNUM" else frame
                wrong = ambiguous(looked, [code], name) | ambiguous(looked, [name], code)
                wrong = wrong.reindex(frame.index, fill_value=False)
                yield from hit(loaded, code, f"{code} and {name} do not go one to one", wrong)


def _planned(package: Package, loaded: Loaded) -> pd.Series:
    """Rows of planned visits, by TV, else by VISITDY, else by whole numbers; unplanned ones may share a name."""
    visits, tv = number(loaded.frame, "VISITNUM"), package.sdtm.get("TV")
    if tv is not None and "VISITNUM" in tv.frame.columns:
        return visits.isin(number(tv.frame, "VISITNUM").dropna())
    if "VISITDY" in loaded.frame.columns:
        return number(loaded.frame, "VISITDY").notna()
    return visits % 1 == 0


def _results(package: Package) -> Iterator[Hit]:
    for loaded in package.sdtm.values():
        domain = loaded.domain
        if f"{domain}ORRES" not in loaded.frame.columns:
            continue
        given = text(loaded.frame, f"{domain}ORRES") != ""
        if f"{domain}STRESC" in loaded.frame.columns:
            none = text(loaded.frame, f"{domain}STRESC") == ""
            yield from hit(loaded, f"{domain}STRESC", "a result without its standard form", given & none)
        done = text(loaded.frame, f"{domain}STAT") == "NOT DONE"
        yield from hit(loaded, f"{domain}STAT", "NOT DONE and a result in one record", done & given)


def _numeric_results(package: Package) -> Iterator[Hit]:
    for loaded in package.sdtm.values():
        character, numeric = f"{loaded.domain}STRESC", f"{loaded.domain}STRESN"
        if {character, numeric} <= set(loaded.frame.columns):
            said = pd.to_numeric(text(loaded.frame, character), errors="coerce")
            held = number(loaded.frame, numeric)
            differs = (said - held).abs() > 1e-9 * said.abs().clip(lower=1)
            yield from hit(loaded, numeric, f"not the number of {character}", differs | (said.isna() & held.notna()))


RULES = (
    Rule(
        "SDTM-001",
        "error",
        "FDA rejection criteria 1734, 1736",
        "A package of SDTM holds DM and TS.",
        _missing_datasets,
    ),
    Rule("SDTM-002", "error", "FDA rejection criterion 1734", "TS gives the study start date.", _start_date),
    Rule("SDTM-003", "error", "SDTMIG 3.4, 4.1.5", "Required variables are there.", _core("Req")),
    Rule("SDTM-004", "warning", "SDTMIG 3.4, 4.1.5", "Expected variables are there.", _core("Exp")),
    Rule(
        "SDTM-005",
        "error",
        "SDTMIG 3.4, 4.1.5",
        "Required variables have a value in each record.",
        _required_values,
    ),
    Rule("SDTM-006", "warning", "SDTMIG 3.4, 2.5, 2.7", "Variables are those of the guide.", _unknown),
    Rule("SDTM-007", "warning", "SDTMIG 3.4, 4.1.4", "Variables stand in the order of the guide.", _order),
    Rule("SDTM-008", "error", "SDTMIG 3.4, 3.1, 5 to 8", "Labels are those of the guide.", _label),
    Rule("SDTM-009", "error", "SDTMIG 3.4, 3.2.2", "Types are those of the guide.", _type),
    Rule("SDTM-010", "error", "SDTMIG 3.4, 2.2, 4.1.7", "DOMAIN names the dataset.", _domain),
    Rule("SDTM-011", "error", "own rule", "A package has one STUDYID.", _study),
    Rule(
        "SDTM-012", "error", "SDTMIG 3.4, 3.2.2, 4.3.1", "Values of closed codelists are terms of them.", _terms(False)
    ),
    Rule(
        "SDTM-013",
        "warning",
        "SDTMIG 3.4, 3.2.2, 4.3.1",
        "Values of open codelists are terms, or extensions.",
        _terms(True),
    ),
    Rule("SDTM-014", "error", "SDTMIG 3.4, 4.4.1, 4.4.2, 4.4.3.2", "Dates are ISO 8601 and of the calendar.", _iso),
    Rule("SDTM-015", "error", "SDTMIG 3.4, 4.4.3.1", "Durations are ISO 8601.", _durations),
    Rule("SDTM-016", "error", "SDTMIG 3.4, 2.5, 4.1.7, 8", "--SEQ is there and unique within a subject.", _sequence),
    Rule(
        "SDTM-017",
        "error",
        "SDTMIG 3.4, 4.2.1",
        "Codes of tests and qualifiers are well formed.",
        _test_codes,
    ),
    Rule(
        "SDTM-018",
        "error",
        "SDTMIG 3.4, 4.5.3.1",
        "Names of tests and qualifiers fit 40 characters.",
        _test_names,
    ),
    Rule(
        "SDTM-019",
        "error",
        "SDTMIG 3.4, 4.2.1, 4.4.5, 5.2",
        "Tests, planned visits and arms have one code and one name.",
        _pairs,
    ),
    Rule(
        "SDTM-020", "error", "SDTMIG 3.4, 4.5.1.1, 4.5.1.2", "Results have a standard form, or were not done.", _results
    ),
    Rule("SDTM-021", "error", "SDTMIG 3.4, 4.5.1.1", "--STRESN is the number of --STRESC.", _numeric_results),
    Rule("SDTM-022", "error", "SDTMIG 3.4, 2.5, 2.6", "Datasets are of the guide, or custom domains.", _strangers),
)
