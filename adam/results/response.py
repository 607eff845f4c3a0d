"""Results that count subjects: proportions, distributions, response at each visit."""

from __future__ import annotations

import pandas as pd
from fhir2cdisc.adam.frames.columns import number, text
from fhir2cdisc.adam.results.sheet import CannotEstimateError, Data, Sheet
from fhir2cdisc.adam.results.specs import (
    DistributionSpec,
    ProportionSpec,
    Records,
    SubgroupProportionSpec,
    VisitProportionSpec,
)
from fhir2cdisc.adam.statistics.proportions import NO_SUBJECTS, proportion

Criteria = tuple[tuple[Records, ...], ...]


def summarise_proportion(spec: ProportionSpec, data: Data) -> Sheet:
    """n, N and the percentage with its interval, in each group."""
    sheet = _sheet(spec, spec.criteria)
    for group, subjects in data.groups(spec):
        _share(sheet, data, spec.criteria, subjects, group, "", spec.method)
    return sheet


def summarise_subgroup_proportion(spec: SubgroupProportionSpec, data: Data) -> Sheet:
    """The same within each value of each subgroup variable; CATEGORY is `variable: value`."""
    sheet = _sheet(spec, spec.criteria)
    for variable in spec.by:
        for value, subjects in data.split(data.subjects(spec), variable):
            _share(sheet, data, spec.criteria, subjects, "All", f"{variable}: {value}", spec.method)
    if not sheet.rows:
        why = "no subject has a value of the subgroup variables"
        sheet.add("All", "percent", float("nan"), unit="%", reason=why)
    return sheet


def summarise_distribution(spec: DistributionSpec, data: Data) -> Sheet:
    """Subjects by category; one without a record is in the last category, MISSING."""
    sheet = Sheet(spec, spec.records.dataset, spec.records.paramcd)
    for group, subjects in data.groups(spec):
        rows = data.records(data.known(spec.records), subjects)
        if spec.variable not in rows:
            raise CannotEstimateError(f"{spec.records.dataset} has no variable {spec.variable}")
        if rows["USUBJID"].duplicated().any():
            who = rows.loc[rows["USUBJID"].duplicated(), "USUBJID"].iloc[0]
            raise CannotEstimateError(f"{spec.records.dataset} holds {spec.records.paramcd} of {who} twice")
        found = subjects["USUBJID"].map(rows.set_index("USUBJID")[spec.variable])
        found = found.where(found.notna() & (found != ""), spec.categories[-1])
        unlisted = sorted(set(found) - set(spec.categories))
        sheet.keep(group, "denominator", "ADSL", subjects)
        sheet.add(group, "N", len(subjects), unit="subjects")
        for category in [*spec.categories, *unlisted]:
            _percent(sheet, group, int((found == category).sum()), len(subjects), category, "clopper-pearson")
            sheet.keep(group, "numerator", spec.records.dataset, rows[rows[spec.variable] == category], category)
    return sheet


def summarise_visit_proportion(spec: VisitProportionSpec, data: Data) -> Sheet:
    """Responders of those assessed at each visit, in order of AVISITN, or VISITNUM where it is not given."""
    sheet = Sheet(spec, spec.records.dataset, spec.records.paramcd)
    for group, subjects in data.groups(spec):
        rows = data.records(spec.records, subjects)
        order = "AVISITN" if number(rows, "AVISITN").notna().any() else "VISITNUM"
        rows = rows.assign(_n=number(rows, order), _visit=text(rows, "AVISIT"))
        for (_, visit), part in rows.groupby(["_n", "_visit"], dropna=False, sort=True):
            assessed = part[text(part, "AVALC") != ""]
            responders = assessed[text(assessed, "AVALC").isin(spec.responses)]
            n = assessed["USUBJID"].nunique()
            sheet.keep(group, "denominator", spec.records.dataset, assessed, visit)
            sheet.keep(group, "numerator", spec.records.dataset, responders, visit)
            sheet.add(group, "N", n, category=visit, unit="subjects")
            _percent(sheet, group, responders["USUBJID"].nunique(), n, visit, spec.method, spec.conf_level)
        if not len(rows):
            sheet.add(group, "percent", float("nan"), unit="%", reason="no subject was assessed")
    return sheet


def fulfilled(
    data: Data, criteria: Criteria, subjects: pd.DataFrame
) -> tuple[set[str], list[tuple[str, pd.DataFrame]]]:
    """The subjects who fulfil any member of `criteria` wholly, and the records by which they do."""
    who: set[str] = set()
    behind: list[tuple[str, pd.DataFrame]] = []
    for member in criteria:
        parts = [(wanted.dataset, data.records(data.known(wanted), subjects)) for wanted in member]
        both = set.intersection(*(set(rows["USUBJID"]) for _, rows in parts)) if parts else set()
        who |= both
        behind += [(name, rows[rows["USUBJID"].isin(both)]) for name, rows in parts]
    return who, behind


def _sheet(spec: ProportionSpec | SubgroupProportionSpec, criteria: Criteria) -> Sheet:
    wanted = [records for member in criteria for records in member]
    datasets = " ".join(dict.fromkeys(r.dataset for r in wanted))
    return Sheet(spec, datasets, " ".join(dict.fromkeys(r.paramcd for r in wanted if r.paramcd)))


def _share(
    sheet: Sheet,
    data: Data,
    criteria: Criteria,
    subjects: pd.DataFrame,
    group: str,
    category: str,
    method: str,
) -> None:
    who, behind = fulfilled(data, criteria, subjects)
    sheet.keep(group, "denominator", "ADSL", subjects, category)
    for dataset, rows in behind:
        sheet.keep(group, "numerator", dataset, rows, category)
    sheet.add(group, "N", subjects["USUBJID"].nunique(), category=category, unit="subjects")
    n = subjects["USUBJID"].nunique()
    _percent(sheet, group, len(who), n, category, method, sheet.spec.conf_level)


def _percent(
    sheet: Sheet, group: str, x: int, n: int, category: str, method: str, conf_level: float | None = None
) -> None:
    """The rows n and percent, limits in percent."""
    share = proportion(x, n, conf_level or sheet.spec.conf_level, method)
    sheet.add(group, "n", x, category=category, unit="subjects")
    sheet.add(
        group,
        "percent",
        100 * x / n if n else float("nan"),
        category=category,
        lower=100 * share.lower,
        upper=100 * share.upper,
        unit="%",
        method=f"{share.method}, {share.conf_level:.0%}",
        reason="" if n else NO_SUBJECTS,
    )
