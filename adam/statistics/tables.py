"""Tables of events and of change: incidence, worst grade, shift, descriptive change.

A subject counts once in each cell. Percentages are rounded half up from the exact fraction. Frames are
returned in the order of the printed table: system organ classes by falling number of subjects (all groups
together), preferred terms within them likewise, ties in alphabetical order.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from fhir2cdisc.adam.frames.columns import number, text
from fhir2cdisc.adam.statistics.rounding import percent
from scipy import stats

ANY = "Any event"
MISSING = "Missing"


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
    frame = pd.MultiIndex.from_frame(keys)
    complete = pd.concat(
        [
            rows[rows["GROUP"] == label]
            .set_index(["LEVEL", *levels])
            .reindex(frame)
            .reset_index()
            .assign(GROUP=label, N=len(subjects))
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


def shift_table(rows: pd.DataFrame, before: str, after: str, by: Sequence[str] = ()) -> pd.DataFrame:
    """Counts of `before` against `after`, one row per pair that can occur, missing shown as `Missing`.

    `rows` has one row per subject (and value of `by`). PERCENT refers to all rows of the same `by`.
    """
    work = pd.DataFrame({name: text(rows, name) for name in by})
    work["FROM"], work["TO"] = _category(rows[before]), _category(rows[after])
    out = []
    values = [*sorted({*work["FROM"], *work["TO"]} - {MISSING}), MISSING]
    keyed = work.groupby(list(by), sort=True) if by else [((), work)]
    for key, part in keyed:
        counts = part.groupby(["FROM", "TO"]).size()
        for a in values:
            for b in values:
                n = int(counts.get((a, b), 0))
                out.append((*key, a, b, n, len(part), percent(n, len(part))))
    return pd.DataFrame(out, columns=[*by, "FROM", "TO", "N_SUBJECTS", "N", "PERCENT"])


def describe(values: pd.Series, conf_level: float = 0.95) -> dict[str, float]:
    """n, mean, SD, median, quartiles, range and the t interval of the mean; NaN for what n does not allow."""
    x = values.dropna().to_numpy(float)
    n = len(x)
    if n == 0:
        names = ("mean", "sd", "median", "q1", "q3", "min", "max", "lower", "upper")
        return {"n": 0.0, **dict.fromkeys(names, math.nan)}
    sd = float(x.std(ddof=1)) if n > 1 else math.nan
    half = float(stats.t.ppf((1 + conf_level) / 2, n - 1)) * sd / math.sqrt(n) if n > 1 else math.nan
    # Quartiles as SAS defines them by default (empirical distribution with averaging, R type 2).
    q1, median, q3 = np.percentile(x, [25, 50, 75], method="averaged_inverted_cdf")
    mean = float(x.mean())
    return {
        "n": float(n),
        "mean": mean,
        "sd": sd,
        "median": float(median),
        "q1": float(q1),
        "q3": float(q3),
        "min": float(x.min()),
        "max": float(x.max()),
        "lower": mean - half,
        "upper": mean + half,
    }


def change_summary(
    rows: pd.DataFrame, values: Sequence[str] = ("AVAL", "CHG"), by: Sequence[str] = ("AVISITN", "AVISIT")
) -> pd.DataFrame:
    """`describe` of each of `values` in each group of `by`, in order: the descriptive table of a score."""
    out = []
    for key, part in rows.groupby(list(by), sort=True):
        for name in values:
            out.append({**dict(zip(by, key, strict=True)), "VARIABLE": name, **describe(number(part, name))})
    names = ["n", "mean", "sd", "median", "q1", "q3", "min", "max", "lower", "upper"]
    return pd.DataFrame(out, columns=[*by, "VARIABLE", *names])


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


def _category(column: pd.Series) -> pd.Series:
    shown = column.map(lambda v: f"{v:g}" if isinstance(v, int | float) and not math.isnan(v) else v)
    return shown.where(column.notna() & (column.astype(str) != ""), MISSING).astype(str)
