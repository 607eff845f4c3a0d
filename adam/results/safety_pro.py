"""Results of adverse events, questionnaire scores and performance status."""

from __future__ import annotations

import math

import pandas as pd
from fhir2cdisc.adam.frames.columns import number, text
from fhir2cdisc.adam.results.sheet import ALL, Data, Sheet
from fhir2cdisc.adam.results.specs import ChangeSpec, Condition, IncidenceSpec, Records, ShiftSpec
from fhir2cdisc.adam.statistics.proportions import proportion
from fhir2cdisc.adam.statistics.tables import describe, incidence, shift_table, worst_grade

STATISTICS = {"n": "n", "mean": "mean", "sd": "SD", "median": "median", "min": "min", "max": "max"}


def summarise_incidence(spec: IncidenceSpec, data: Data) -> Sheet:
    """Subjects with an event, in all (exact interval) and by level; CATEGORY joins the levels with ` / `."""
    sheet = Sheet(spec, spec.dataset)
    for group, subjects, where in _event_groups(spec, data):
        events = data.records(Records(spec.dataset, "", (*spec.where, *where)), subjects)
        sheet.keep(group, "denominator", "ADSL", subjects)
        sheet.keep(group, "numerator", spec.dataset, events)
        sheet.add(group, "N", len(subjects), unit="subjects")
        _count(sheet, group, "n", events["USUBJID"].nunique(), len(subjects), "")
        for row in incidence(subjects, events, spec.levels).to_dict("records"):
            category = " / ".join(row[name] for name in spec.levels if row[name])
            sheet.add(group, "events", row["N_EVENTS"], category=category, unit="events")
            if row["LEVEL"]:
                _count(sheet, group, "n", row["N_SUBJECTS"], len(subjects), category)
        if spec.grades:
            _grades(sheet, group, subjects, events, spec)
    return sheet


def _event_groups(spec: IncidenceSpec, data: Data) -> list[tuple[str, pd.DataFrame, tuple[Condition, ...]]]:
    """Groups of subjects, or of all subjects with the events that began under each treatment."""
    if not spec.by_treatment_at_onset:
        return [(group, subjects, ()) for group, subjects in data.groups(spec)]
    subjects = data.subjects(spec)
    if spec.exposed:
        named = [(t, data.chosen(subjects, who), (Condition("TRTA", "EQ", (t,)),)) for t, who in spec.exposed]
        return [*named, (ALL, subjects, ())]
    rows = data.records(Records(spec.dataset, "", spec.where), subjects)
    treatments = sorted(set(text(rows, "TRTA")) - {""})
    parts: list[tuple[str, pd.DataFrame, tuple[Condition, ...]]] = [
        (t, subjects, (Condition("TRTA", "EQ", (t,)),)) for t in treatments
    ]
    return [*parts, (ALL, subjects, ())]


def _count(sheet: Sheet, group: str, name: str, x: int, n: int, category: str) -> None:
    """A count and its percentage, with the exact interval where all levels are taken together."""
    share = proportion(x, n, sheet.spec.conf_level)
    label = "percent" if name == "n" else name.replace("n,", "percent,", 1)
    limits = (math.nan, math.nan) if category else (100 * share.lower, 100 * share.upper)
    method = "" if category else f"{share.method}, {share.conf_level:.0%}"
    sheet.add(group, name, x, category=category, unit="subjects")
    sheet.add(
        group,
        label,
        100 * share.estimate,
        category=category,
        lower=limits[0],
        upper=limits[1],
        unit="%",
        method=method,
        reason=share.reason,
    )


def _grades(sheet: Sheet, group: str, subjects: pd.DataFrame, events: pd.DataFrame, spec: IncidenceSpec) -> None:
    """Subjects by worst grade at each level, and with grade 3 or higher; unknown without any grade."""
    if len(events) and number(events, "ATOXGRN").isna().all():
        sheet.add(group, "percent, grade >=3", math.nan, unit="%", reason="no event carries a grade")
        return
    for row in worst_grade(subjects, events, spec.levels).to_dict("records"):
        category = " / ".join(row[name] for name in spec.levels if row[name])
        counts = {f"n, grade {g}": row[f"GRADE_{g}"] for g in range(1, 6)}
        counts["n, grade >=3"] = sum(row[f"GRADE_{g}"] for g in (3, 4, 5))
        counts["n, grade missing"] = row["GRADE_MISSING"]
        for name, x in counts.items():
            if x or not category:
                _count(sheet, group, name, x, len(subjects), category)


def summarise_change(spec: ChangeSpec, data: Data) -> Sheet:
    """n, mean, SD, median and range of value and change at each visit; the mean with its t interval."""
    sheet = Sheet(spec, spec.dataset, " ".join(spec.paramcds))
    for group, subjects in data.groups(spec):
        for paramcd in spec.paramcds:
            rows = _analysed(data, spec.dataset, paramcd, subjects)
            if not len(rows):
                sheet.add(group, "mean", math.nan, category=paramcd, reason="no assessment of the score")
            for (_, visit), part in rows.groupby(["_n", "_visit"], sort=True):
                category = f"{paramcd}, {visit}"
                sheet.keep(group, "assessment", spec.dataset, part, category)
                _describe(sheet, group, category, "value", number(part, "AVAL"))
                if part["CHG"].notna().any():
                    _describe(sheet, group, category, "change", number(part, "CHG"))
    return sheet


def _describe(sheet: Sheet, group: str, category: str, of: str, values: pd.Series) -> None:
    d = describe(values, sheet.spec.conf_level)
    for key, name in STATISTICS.items():
        missing = math.isnan(d[key])
        reason = ("no value" if d["n"] == 0 else "one value only") if missing else ""
        limits = (d["lower"], d["upper"]) if key == "mean" else (math.nan, math.nan)
        method = f"t interval of the mean, {sheet.spec.conf_level:.0%}" if key == "mean" else ""
        sheet.add(
            group,
            f"{name}, {of}",
            d[key],
            category=category,
            lower=limits[0],
            upper=limits[1],
            unit="subjects" if key == "n" else "score",
            method=method,
            reason=reason,
        )


def summarise_shift(spec: ShiftSpec, data: Data) -> Sheet:
    """Per visit: each pair of baseline and value, and how many improved, stayed and became worse."""
    sheet = Sheet(spec, spec.dataset, spec.paramcd)
    sign = 1 if spec.higher_is_better else -1
    for group, subjects in data.groups(spec):
        rows = _analysed(data, spec.dataset, spec.paramcd, subjects)
        after = rows[rows["_n"] > 0] if len(rows) else rows
        if not len(after):
            sheet.add(group, "n", math.nan, reason="no assessment after baseline")
        for (_, visit), part in after.groupby(["_n", "_visit"], sort=True):
            sheet.keep(group, "assessment", spec.dataset, part, visit)
            for pair in shift_table(part, "BASE", "AVAL").to_dict("records"):
                category = f"{visit}: {pair['FROM']} to {pair['TO']}"
                _count(sheet, group, "n", pair["N_SUBJECTS"], pair["N"], category)
            change = sign * number(part, "CHG")
            n = int(change.notna().sum())
            for name, hit in (("improved", change > 0), ("same", change == 0), ("worse", change < 0)):
                _count(sheet, group, "n", int(hit.sum()), n, f"{visit}: {name}")
            _describe(sheet, group, visit, "change", number(part, "CHG"))
    return sheet


def _analysed(data: Data, dataset: str, paramcd: str, subjects: pd.DataFrame) -> pd.DataFrame:
    rows = data.records(Records(dataset, paramcd, (Condition("ANL01FL", "EQ", ("Y",)),)), subjects)
    rows = rows.assign(_n=number(rows, "AVISITN"), _visit=text(rows, "AVISIT"), CHG=number(rows, "CHG"))
    # A visit without a number comes after the numbered ones, in alphabetical order.
    return rows.assign(_n=rows["_n"].fillna(math.inf))
