"""Assessments out of scans: which records belong to one time point, and which time point is baseline."""

from __future__ import annotations

import numpy as np
import pandas as pd
from fhir2cdisc.adam.frames.arrays import Ints, Texts
from fhir2cdisc.adam.frames.columns import texts
from fhir2cdisc.adam.frames.dates import NO_DAY, column_days, iso
from fhir2cdisc.adam.frames.findings import findings
from fhir2cdisc.adam.tumour.lesions import DIAMETERS, PANEL, TARGET
from fhir2cdisc.adam.tumour.millimetres import in_mm
from fhir2cdisc.adam.tumour.options import RecistOptions


def time_points(records: pd.DataFrame, options: RecistOptions) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The records with their time point (`tp`), and the time points in order.

    Records of one subject and evaluator belong together by VISITNUM, else by VISIT, else by days: unscheduled
    scans and scans without visit form one time point while no more than `visit_window_days` lie between one
    and the next, but two scans that measured the same lesions are two assessments. A visit without any date is left
    out. A time point has: subject, evaluator, first and last day, imputed (`D`: no record has the first day as
    collected), visit, visitnum, flagged (baseline), order, and its first record (domain TR, else TU, and --SEQ).
    """
    records = records.assign(panel=_panel(records), key=_visit_key(records))
    records["key"] = np.where(records["key"] == "", _clusters(records, options), records["key"])
    records["tp"] = records.groupby(["panel", "key"], sort=True).ngroup()
    dated = records[records["day"] != NO_DAY]
    points = dated.groupby("tp").agg(
        panel=("panel", "first"),
        subject=("subject", "first"),
        eval=("eval", "first"),
        evalid=("evalid", "first"),
        visit=("visit", "first"),
        visitnum=("visitnum", "first"),
        first=("day", "min"),
        last=("day", "max"),
        flagged=("baseline", "any"),
    )
    first = dated.sort_values(["tp", "domain", "record"]).drop_duplicates("tp").set_index("tp")
    collected = dated[dated["imputed"] == ""].groupby("tp")["day"].min().reindex(points.index)
    points = points.join(first[["domain", "record"]])
    points["imputed"] = np.where(collected == points["first"], "", "D").astype(object)
    points = points.reset_index().sort_values(["panel", "first", "visitnum", "tp"], kind="stable")
    points["order"] = np.arange(len(points))
    order = points.set_index("tp")["order"]
    kept = records[records["tp"].isin(order.index)]
    return kept.assign(tp=kept["tp"].map(order)), points.drop(columns="tp").reset_index(drop=True)


def _panel(records: pd.DataFrame) -> Ints:
    return np.asarray(records.groupby(PANEL, sort=True).ngroup(), dtype=np.int64)


def _visit_key(records: pd.DataFrame) -> Texts:
    visit, visitnum = records["visit"], records["visitnum"]
    by_number = ("#" + visitnum.astype(str)).where(visitnum.notna(), "")
    key = by_number.where(by_number != "", visit)
    return np.asarray(key.where(~visit.str.startswith("UNSCHED"), ""), dtype=object)


def _clusters(records: pd.DataFrame, options: RecistOptions) -> Texts:
    """A name for each run of days of the records without visit; blank for the others."""
    names = np.full(len(records), "", dtype=object)
    loose = np.flatnonzero((records["key"] == "").to_numpy() & (records["day"] != NO_DAY).to_numpy())
    if not len(loose):
        return names
    panel, day = records["panel"].to_numpy()[loose], records["day"].to_numpy()[loose]
    order = np.lexsort((day, panel))
    starts = np.ones(len(loose), dtype=bool)
    starts[1:] = (np.diff(panel[order]) != 0) | (np.diff(day[order]) > options.visit_window_days)
    run = np.cumsum(starts)
    names[loose[order]] = _apart(records.iloc[loose[order]], run)
    return names


def _apart(records: pd.DataFrame, run: Ints) -> Texts:
    """The runs of days by name, those taken apart in which the same lesions were measured again on a later day.

    A scan that measures other lesions completes the assessment before it (CT, then MRI); one that measures the same
    ones is an assessment of its own.
    """
    measured = records["length"].notna() & (records["kind"] == TARGET) & (records["link"] != "")
    table = pd.DataFrame({"run": run, "day": records["day"].to_numpy(), "link": records["link"].to_numpy()})
    lesions = table[measured.to_numpy()].groupby(["run", "day"])["link"].agg(frozenset)
    part: dict[tuple[int, int], int] = {}
    for number, days in table.drop_duplicates(["run", "day"]).groupby("run")["day"]:
        seen: frozenset[str] = frozenset()
        at = 0
        for day in days:
            now = lesions.get((number, day), frozenset())
            at, seen = (at + 1, now) if now and now == seen else (at, seen | now)
            part[int(number), int(day)] = at
    parts = [part[pair] for pair in zip(table["run"], table["day"], strict=True)]
    return np.array([f"day{n}.{at}" for n, at in zip(run, parts, strict=True)], dtype=object)


def fused(records: pd.DataFrame) -> pd.DataFrame:
    """Findings on assessments of several days in which a target lesion has different lengths on different days."""
    rows = records[records["length"].notna() & (records["kind"] == TARGET) & records["test"].isin(DIAMETERS)]
    rows = rows.sort_values(["subject", "tp", "link", "test", "day", "seq"])
    grouped = rows.groupby(["subject", "tp", "link", "test"])
    differ = (grouped["length"].transform("nunique") > 1) & (grouped["day"].transform("nunique") > 1)
    found = []
    for (subject, _, link, test), part in rows[differ].groupby(["subject", "tp", "link", "test"]):
        days = iso(part["day"].to_numpy(dtype=np.int64))
        said = ", ".join(f"{in_mm(n)} mm on {when}" for n, when in zip(part["length"], days, strict=True))
        message = (
            f"Target lesion {link} has different {test} within one assessment ({said}): the scans of these days are "
            f"judged as one, and the last one counts."
        )
        found.append((subject, link, test, days[-1], message))
    return findings("TR", "scans fused", "WARNING", found)


def mark_baseline(
    points: pd.DataFrame, options: RecistOptions, adsl: pd.DataFrame | None
) -> tuple[pd.DataFrame, list[pd.DataFrame]]:
    """Which time point is baseline (`base`) and which come later (`post`), and findings.

    With ADSL every time point up to TRTSDT may be baseline, without it the flagged ones, else those named as
    baseline visits, else the first. The last candidate is taken: RECIST 1.1 asks for the scan closest to the
    start of treatment.
    """
    candidate, late = _candidates(points, options, adsl)
    panel = points["panel"]
    several = candidate.groupby(panel).transform("sum") > 1
    at = points["order"].where(candidate).groupby(panel).transform("max")
    marked = points.assign(base=points["order"] == at, post=points["order"] > at)
    return marked, [
        _about(
            marked[several & candidate & ~marked["base"]],
            "two baselines",
            "The assessment of {day} is a second baseline; the later one counts (closest to the start).",
        ),
        _about(
            marked[late & marked["base"]],
            "baseline after start",
            "The first assessment, of {day}, comes after the start of treatment; it is taken as baseline.",
        ),
    ]


def _candidates(points: pd.DataFrame, options: RecistOptions, adsl: pd.DataFrame | None) -> tuple[pd.Series, pd.Series]:
    """The time points that may be baseline, and those taken although they come after the start."""
    panel = points["panel"]
    start = _starts(points, adsl)
    known = pd.Series(start != NO_DAY, index=points.index)
    until_start = known & (points["first"] <= start)
    flagged = points["flagged"]
    named = points["visit"].isin([name.upper() for name in options.baseline_visits])
    chosen = pd.Series(False, index=points.index)
    open_ = pd.Series(True, index=points.index)
    for choice in (until_start, flagged, named, ~panel.duplicated()):
        chosen |= choice & open_
        open_ &= ~(choice & open_).groupby(panel).transform("any")
    return chosen, known & chosen & ~until_start


def _starts(points: pd.DataFrame, adsl: pd.DataFrame | None) -> Ints:
    if adsl is None or "TRTSDT" not in adsl.columns:
        return np.full(len(points), NO_DAY, dtype=np.int64)
    start = pd.Series(column_days(adsl, "TRTSDT"), index=texts(adsl, "USUBJID"))
    found = points["subject"].map(start[~start.index.duplicated()])
    return np.asarray(found.fillna(NO_DAY), dtype=np.int64)


def _about(points: pd.DataFrame, rule: str, message: str) -> pd.DataFrame:
    days = iso(points["first"].to_numpy(dtype=np.int64))
    rows = (
        (subject, visit, "TRDTC", day, message.format(day=day))
        for subject, visit, day in zip(points["subject"], points["visit"], days, strict=True)
    )
    return findings("TR", rule, "WARNING", rows)
