"""Adverse events: subjects with an event, by system organ class and term, by worst grade.

A subject counts once in each cell. Rows stand in the order of the printed table: system organ classes by falling
number of subjects, preferred terms within them likewise, ties in alphabetical order.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from fhir2cdisc.adam.frames.columns import number, text
from fhir2cdisc.adam.plan import Plan
from fhir2cdisc.adam.results.asked import common
from fhir2cdisc.adam.results.percent import add_count
from fhir2cdisc.adam.results.sheet import ALL, Data, Records, Sheet, Spec
from fhir2cdisc.adam.statistics.rounding import percent
from fhir2cdisc.mappings.conditions import Condition, is_
from fhir2cdisc.mappings.study_sections import Endpoint

LEVELS = {"SOC": "AEBODSYS", "PT": "AEDECOD"}
# Treatments of ADAE.TRTA in a study whose events belong to what was given at their onset.
AT_ONSET = (("MTB-guided", is_("GDPERFL", "Y")), ("Other therapy", is_("OTPERFL", "Y")))


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidenceSpec(Spec):
    """Subjects with an event that fulfils `where`, in all and by `levels`; `grades` adds worst grades.

    `by_treatment_at_onset` groups events by TRTA at onset, for subjects who change treatment; `exposed` says by
    ADSL who ever had each treatment and so is in its denominator (without it: all subjects).
    """

    kind: ClassVar[str] = "incidence"
    name: ClassVar[str] = "Subjects with an event"
    where: tuple[Condition, ...] = (Condition("TRTEMFL", "EQ", ("Y",)),)
    levels: tuple[str, ...] = ("AEBODSYS", "AEDECOD")
    grades: bool = True
    by_treatment_at_onset: bool = False
    exposed: tuple[tuple[str, Condition], ...] = ()
    dataset: str = "ADAE"

    @property
    def counted(self) -> tuple[Records, ...]:
        return (Records(self.dataset, "", self.where),)

    def summarise(self, data: Data) -> Sheet:
        """Subjects with an event, in all (exact interval) and by level; CATEGORY joins the levels with ` / `."""
        sheet = self.sheet()
        for group, subjects, where in _event_groups(self, data):
            events = data.records(Records(self.dataset, "", (*self.where, *where)), subjects)
            sheet.keep(group, "denominator", "ADSL", subjects)
            sheet.keep(group, "numerator", self.dataset, events)
            sheet.add(group, "N", len(subjects), unit="subjects")
            add_count(sheet, group, "n", events["USUBJID"].nunique(), len(subjects), "")
            for row in incidence(subjects, events, self.levels).to_dict("records"):
                category = _category(row, self.levels)
                sheet.add(group, "events", row["N_EVENTS"], category=category, unit="events")
                if row["LEVEL"]:
                    add_count(sheet, group, "n", row["N_SUBJECTS"], len(subjects), category)
            if self.grades:
                _grades(sheet, group, subjects, events, self.levels)
        return sheet


def _category(row: dict[str, Any], levels: Sequence[str]) -> str:
    return " / ".join(row[name] for name in levels if row[name])


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


def _grades(sheet: Sheet, group: str, subjects: pd.DataFrame, events: pd.DataFrame, levels: Sequence[str]) -> None:
    """Subjects by worst grade at each level, and with grade 3 or higher; unknown without any grade."""
    if len(events) and number(events, "ATOXGRN").isna().all():
        sheet.add(group, "percent, grade >=3", math.nan, unit="%", reason="no event carries a grade")
        return
    for row in worst_grade(subjects, events, levels).to_dict("records"):
        category = _category(row, levels)
        counts = {f"n, grade {g}": row[f"GRADE_{g}"] for g in range(1, 6)}
        counts["n, grade >=3"] = sum(row[f"GRADE_{g}"] for g in (3, 4, 5))
        counts["n, grade missing"] = row["GRADE_MISSING"]
        for name, x in counts.items():
            if x or not category:
                add_count(sheet, group, name, x, len(subjects), category)


def groups_of(adsl: pd.DataFrame, group: str | None) -> list[tuple[str, pd.DataFrame]]:
    """The columns of a table: each value of `group` with its subjects in alphabetical order, then `Total`."""
    parts = []
    if group:
        values = text(adsl, group)
        parts = [(v, adsl[values == v]) for v in sorted(values.unique()) if v]
    return [*parts, ("Total", adsl)]


def incidence(
    adsl: pd.DataFrame,
    events: pd.DataFrame,
    levels: Sequence[str] = ("AEBODSYS", "AEDECOD"),
    group: str | None = None,
) -> pd.DataFrame:
    """Subjects with at least one of `events`: in all, by the first level, by the first and second, and so on.

    `adsl` is the population (the denominators), `events` the records that count (already filtered). One row
    per level value and group: LEVEL (0 is any event), the columns of `levels`, GROUP, N_SUBJECTS, N, PERCENT
    (NaN without subjects), N_EVENTS.
    """
    inside = events[events["USUBJID"].isin(adsl["USUBJID"])].copy()
    for name in levels:
        inside[name] = text(inside, name).replace("", "Not coded")
    columns = [_count(inside, list(levels), label, subjects) for label, subjects in groups_of(adsl, group)]
    rows = pd.concat(columns, ignore_index=True)
    totals = columns[-1].set_index(["LEVEL", *levels])["N_SUBJECTS"]
    keys = totals.index.to_frame(index=False)
    complete = pd.concat(
        [
            keys.merge(rows[rows["GROUP"] == label], on=["LEVEL", *levels], how="left").assign(
                GROUP=label, N=len(subjects)
            )
            for label, subjects in groups_of(adsl, group)
        ],
        ignore_index=True,
    )
    for name in ("N_SUBJECTS", "N_EVENTS"):
        complete[name] = complete[name].fillna(0).astype(int)
    complete["PERCENT"] = [percent(x, n) for x, n in zip(complete["N_SUBJECTS"], complete["N"], strict=True)]
    return _in_order(complete, list(levels), totals)


def worst_grade(
    adsl: pd.DataFrame,
    events: pd.DataFrame,
    levels: Sequence[str] = ("AEBODSYS", "AEDECOD"),
    grade: str = "ATOXGRN",
) -> pd.DataFrame:
    """Subjects by their worst grade at each level: one row per level value, columns GRADE_1 to GRADE_5.

    GRADE_MISSING counts subjects without any graded event there; N is the population, N_SUBJECTS the sum.
    """
    inside = events[events["USUBJID"].isin(adsl["USUBJID"])].copy()
    for name in levels:
        inside[name] = text(inside, name).replace("", "Not coded")
    inside["_grade"] = number(inside, grade)
    parts = []
    for depth in range(len(levels) + 1):
        by = list(levels[:depth])
        worst = inside.groupby([*by, "USUBJID"], dropna=False)["_grade"].max().reset_index()
        keyed = worst.groupby(by) if by else [((), worst)]
        for key, rows in keyed:
            row: dict[str, object] = dict.fromkeys(levels, "")
            row.update({"LEVEL": depth, **dict(zip(by, key, strict=True)), "N": len(adsl)})
            row.update({f"GRADE_{g}": int((rows["_grade"] == g).sum()) for g in range(1, 6)})
            row.update({"GRADE_MISSING": int(rows["_grade"].isna().sum()), "N_SUBJECTS": len(rows)})
            parts.append(row)
    grades = [f"GRADE_{g}" for g in range(1, 6)]
    table = pd.DataFrame(parts, columns=["LEVEL", *levels, "N_SUBJECTS", "N", *grades, "GRADE_MISSING"])
    return _in_order(table, list(levels), table.set_index(["LEVEL", *levels])["N_SUBJECTS"])


def _count(events: pd.DataFrame, levels: list[str], label: str, subjects: pd.DataFrame) -> pd.DataFrame:
    mine = events[events["USUBJID"].isin(subjects["USUBJID"])]
    parts = []
    for depth in range(len(levels) + 1):
        by = levels[:depth]
        keyed = mine.groupby(by)["USUBJID"] if by else mine.groupby(np.zeros(len(mine)))["USUBJID"]
        counts = keyed.agg(N_SUBJECTS="nunique", N_EVENTS="size").reset_index(drop=not by)
        if not by and not len(counts):
            counts = pd.DataFrame({"N_SUBJECTS": [0], "N_EVENTS": [0]})
        parts.append(counts.assign(LEVEL=depth, **dict.fromkeys(levels[depth:], "")))
    columns = ["LEVEL", *levels, "N_SUBJECTS", "N_EVENTS"]
    return pd.concat([p for p in parts if len(p)], ignore_index=True)[columns].assign(GROUP=label)


def _in_order(table: pd.DataFrame, levels: list[str], totals: pd.Series) -> pd.DataFrame:
    """Falling count of the first level, then of the second within it, and so on; ties alphabetical."""
    counts = totals.to_dict()
    order = ["_any"]
    work = table.assign(_any=table["LEVEL"] > 0)
    for depth in range(1, len(levels) + 1):
        rest = ("",) * (len(levels) - depth)
        keys = table[levels[:depth]].itertuples(index=False, name=None)
        work[f"_n{depth}"] = [-counts.get((depth, *k, *rest), math.inf) for k in keys]
        order += [f"_n{depth}", levels[depth - 1]]
    work = work.sort_values(order, kind="stable")
    return work.drop(columns=[c for c in work.columns if c.startswith("_")]).reset_index(drop=True)


def _specs(one: Endpoint, plan: Plan) -> Iterator[Spec]:
    levels = tuple(LEVELS[name] for name in one.by if name in LEVELS)
    first = IncidenceSpec(**common(one, plan), where=one.events, levels=levels, grades="GRADE" in one.by or not levels)
    if plan.study.safety.group_by == "guided" and first.group:
        yield replace(first, group="", by_treatment_at_onset=True, exposed=AT_ONSET)
        yield replace(first, id=f"{one.id}.group", label=f"{one.title}, by first treatment", analysis="part")
    else:
        yield first


ENDPOINTS = {"incidence": _specs}
