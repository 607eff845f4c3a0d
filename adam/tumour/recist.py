"""Tumour response from lesions: RECIST 1.1, iRECIST and mRECIST at every assessment, with the reason in
words.

Sources: RECIST 1.1 (Eisenhauer 2009), iRECIST (Seymour 2017), mRECIST (Lencioni and Llovet 2010). What this
module makes stands beside the collected response, never instead of it: `response_conflicts` lists where the
two disagree.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from fhir2cdisc.adam.criteria import IRECIST, MRECIST, RECIST
from fhir2cdisc.adam.frames.arrays import Ints
from fhir2cdisc.adam.frames.columns import stack, texts
from fhir2cdisc.adam.frames.dates import FOREVER, NO_DAY, dates
from fhir2cdisc.adam.frames.findings import stack_findings
from fhir2cdisc.adam.tumour.lesions import lesion_records, record_findings
from fhir2cdisc.adam.tumour.millimetres import PER_MM
from fhir2cdisc.adam.tumour.non_target import (
    add_new,
    add_non_target,
    expected_non_targets,
    new_lesions,
    non_target_findings,
    non_target_states,
)
from fhir2cdisc.adam.tumour.options import RecistOptions
from fhir2cdisc.adam.tumour.overall import immune_course, immune_terms, overall_response
from fhir2cdisc.adam.tumour.reason import reasons
from fhir2cdisc.adam.tumour.target import (
    collected_sums,
    diameters,
    expected_targets,
    roll_up,
    sums_differ,
    target_findings,
    target_response,
    target_sums,
)
from fhir2cdisc.adam.tumour.visits import fused, mark_baseline, time_points

COLUMNS = (
    "STUDYID",
    "USUBJID",
    "EVAL",
    "EVALID",
    "VISIT",
    "VISITNUM",
    "ADT",
    "SUMDIAM",
    "BASE",
    "NADIR",
    "NADIRDT",
    "CHG",
    "PCHG",
    "CHGNAD",
    "PCHGNAD",
    "NEXPECT",
    "NMEASURE",
    "TRGRESP",
    "NTRGRESP",
    "NEWLIND",
    "OVRLRESP",
    "SRCDOM",
    "SRCSEQ",
    "REASON",
)


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """What lesions say before anybody judges them: records, time points with sums, lengths per lesion, findings."""

    records: pd.DataFrame
    points: pd.DataFrame
    table: pd.DataFrame
    lengths: pd.DataFrame
    expected: pd.DataFrame
    missing: pd.Series
    findings: pd.DataFrame


@dataclass(frozen=True, slots=True, eq=False)
class Assessed:
    """The same with the calls: `table` has a row for each time point, baseline included."""

    measured: Measured
    table: pd.DataFrame

    @property
    def lengths(self) -> pd.DataFrame:
        return self.measured.lengths

    @property
    def expected(self) -> pd.DataFrame:
        return self.measured.expected

    @property
    def findings(self) -> pd.DataFrame:
        return self.measured.findings


@dataclass(frozen=True, slots=True, eq=False)
class Lesions:
    """The lesions of a study, measured once whoever asks, and judged once by each set of options.

    `tu` and `tr` are SDTM frames (absent columns are taken as blank); `start` (USUBJID, TRTSDT) tells which scans are
    baseline, without it flags and visit names do.
    """

    tu: pd.DataFrame
    tr: pd.DataFrame
    start: pd.DataFrame | None = None
    _measured: dict[RecistOptions, Measured] = field(default_factory=dict, repr=False)
    _judged: dict[RecistOptions, Assessed] = field(default_factory=dict, repr=False)

    def __bool__(self) -> bool:
        return bool(len(self.tu) and len(self.tr))

    def judged(self, options: RecistOptions) -> Assessed:
        """All time points with their calls; lengths are measured alike by RECIST 1.1 and iRECIST."""
        if options not in self._judged:
            alike = replace(options, criteria=RECIST) if options.criteria == IRECIST else options
            if alike not in self._measured:
                self._measured[alike] = measure(self.tu, self.tr, alike, self.start)
            measured = self._measured[alike]
            self._judged[options] = Assessed(measured, _overall(measured.table, measured.missing, options))
        return self._judged[options]

    def responses(self, options: RecistOptions) -> pd.DataFrame:
        """See `timepoint_responses`."""
        study = texts(self.tr, "STUDYID")
        return _public(self.judged(options), study[0] if len(study) else "")


def timepoint_responses(
    tu: pd.DataFrame,
    tr: pd.DataFrame,
    options: RecistOptions | None = None,
    adsl: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """The response of every assessment after baseline, per subject and evaluator, derived from its lesions.

    `tu`, `tr` and `adsl` are those of `Lesions`. Returns one row per subject, evaluator (EVAL,
    EVALID) and assessment: lengths in mm (SUMDIAM, BASE, NADIR, CHG, CHGNAD), changes in percent, dates as
    datetime64, TRGRESP, NTRGRESP (`NA` where there is no such lesion), NEWLIND, OVRLRESP, the first record of
    the assessment (SRCDOM, SRCSEQ) and REASON. Lengths are added and compared exactly. After CR a target lesion
    that is not a node and is seen again is PD; a node follows the sum.
    """
    return Lesions(tu, tr, adsl).responses(options or RecistOptions())


def check_lesions(
    tu: pd.DataFrame,
    tr: pd.DataFrame,
    options: RecistOptions | None = None,
    adsl: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Findings on lesions: baseline missing or double, unknown units or results, size, number, dates."""
    return Lesions(tu, tr, adsl).judged(options or RecistOptions()).findings


def measure(tu: pd.DataFrame, tr: pd.DataFrame, options: RecistOptions, start: pd.DataFrame | None) -> Measured:
    """All time points, baseline included, with sums, states of lesions and findings."""
    records = lesion_records(tu, tr, options)
    found = record_findings(records, options)
    records, points = time_points(records, options)
    points, more = mark_baseline(points, options, start)
    lengths = diameters(records, options)
    sums = collected_sums(records, options)
    lengths = stack([lengths, _sums_as_lesions(sums, lengths)])
    expected = expected_targets(lengths, points)
    rolled = roll_up(lengths, expected)
    table = target_sums(rolled, expected, points)
    table["target"] = target_response(table, options)
    others = expected_non_targets(records, points)
    table = add_non_target(table, non_target_states(records, others), others)
    table = add_new(table, new_lesions(records, options))
    missing = _not_measured(table, rolled, expected)
    found += [fused(records), *more, *target_findings(records, lengths, expected, points)]
    found += [*non_target_findings(records, others, points), sums_differ(table, sums)]
    return Measured(records, points, table, rolled, expected, missing, stack_findings(found))


def _sums_as_lesions(sums: pd.DataFrame, lengths: pd.DataFrame) -> pd.DataFrame:
    """Where only the sum was collected, it stands for the target lesions."""
    alone = sums[~sums["panel"].isin(lengths["panel"])]
    return alone.assign(link="SUM", nodal=False, loc="", merged=False, test="SUMDIAM")


def _not_measured(table: pd.DataFrame, rolled: pd.DataFrame, expected: pd.DataFrame) -> pd.Series:
    """The names of expected target lesions without a length, per time point."""
    partial = table.index[(table["expected"] > 0) & ~table["complete"]]
    wanted = table.loc[partial, ["panel"]].rename_axis("tp").reset_index().merge(expected, on="panel")
    seen = rolled[["tp", "link"]].drop_duplicates().assign(seen=True)
    absent = wanted.merge(seen, on=["tp", "link"], how="left")
    absent = absent[absent["seen"].isna()].sort_values(["tp", "link"])
    names = absent.groupby("tp")["link"].agg(", ".join)
    return names.reindex(table.index, fill_value="").astype(object)


def _overall(table: pd.DataFrame, missing: pd.Series, options: RecistOptions) -> pd.DataFrame:
    call = overall_response(*(table[name].to_numpy(dtype=object) for name in ("target", "non_target", "new")))
    table = table.assign(overall=call)
    table["reason"] = reasons(table, missing)
    if options.sticky_pr:
        table = _keep_partial_response(table)
    table["day"] = _day(table, options)
    if options.criteria == IRECIST:
        after = table["post"]
        table.loc[after, "overall"] = immune_course(table[after], options)
        table["target"] = immune_terms(table["target"].to_numpy(dtype=object))
        table["non_target"] = immune_terms(table["non_target"].to_numpy(dtype=object))
    if options.criteria == MRECIST:
        table["non_target"] = table["non_target"].replace("NON-CR/NON-PD", "IR/SD")
    return table


def _keep_partial_response(table: pd.DataFrame) -> pd.DataFrame:
    """SD that follows a PR, with no PD between, is PR (EORTC)."""
    post = table[table["post"]]
    spell = (post["overall"] == "PD").groupby(post["panel"]).cumsum()
    responded = (post["overall"] == "PR").groupby([post["panel"], spell]).cummax()
    kept = responded & (post["overall"] == "SD")
    rows = kept.index[kept]
    table.loc[rows, "overall"] = "PR"
    table.loc[rows, "reason"] = table.loc[rows, "reason"] + "; PR is kept until progression"
    return table


def _day(table: pd.DataFrame, options: RecistOptions) -> Ints:
    """Progression is dated by the scan that shows it, everything else by the last scan of the visit."""
    scan = table["target_first"] if options.pd_date == "first" else table["target_last"]
    shown = [
        (table["target"] == "PD", scan),
        (table["non_target"] == "PD", table["nt_day"]),
        (table["new"] == "Y", table["new_day"]),
    ]
    days = [np.where(mask & (day != NO_DAY), day, FOREVER) for mask, day in shown]
    earliest = np.minimum.reduce(days)
    dated = (table["overall"] == "PD") & (earliest < FOREVER)
    return np.asarray(np.where(dated, earliest, table["last"]), dtype=np.int64)


def _public(assessed: Assessed, study: str) -> pd.DataFrame:
    table = assessed.table[assessed.table["post"]]
    total = table["sum"].where(table["measured"] > 0)
    base, nadir = table["basesum"], table["nadir"]
    change, over = total - base, total - nadir
    frame = pd.DataFrame(
        {
            "STUDYID": study,
            "USUBJID": table["subject"],
            "EVAL": table["eval"],
            "EVALID": table["evalid"],
            "VISIT": table["visit"],
            "VISITNUM": table["visitnum"],
            "ADT": dates(table["day"].to_numpy(dtype=np.int64)),
            "SUMDIAM": total / PER_MM,
            "BASE": base / PER_MM,
            "NADIR": nadir / PER_MM,
            "NADIRDT": dates(table["nadir_day"].to_numpy(dtype=np.int64)),
            "CHG": change / PER_MM,
            "PCHG": 100 * change / base.where(base > 0),
            "CHGNAD": over / PER_MM,
            "PCHGNAD": 100 * over / nadir.where(nadir > 0),
            "NEXPECT": table["expected"].astype(float),
            "NMEASURE": table["measured"].astype(float),
            "TRGRESP": table["target"],
            "NTRGRESP": table["non_target"],
            "NEWLIND": table["new"],
            "OVRLRESP": table["overall"],
            "SRCDOM": table["domain"],
            "SRCSEQ": table["record"],
            "REASON": table["reason"],
        }
    )
    order = ["USUBJID", "EVAL", "EVALID", "ADT", "VISITNUM"]
    return frame[list(COLUMNS)].sort_values(order, kind="stable").reset_index(drop=True)
