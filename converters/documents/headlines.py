"""The few lines that a run prints: what was read and what became of it, what was found, what came out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import pandas as pd
from fhir2cdisc.adam.criteria import DERIVED
from fhir2cdisc.adam.frames.columns import text
from fhir2cdisc.converters.check.conformance import Report
from fhir2cdisc.fhir.accounts import Accounts
from fhir2cdisc.fhir.findings import Finding
from fhir2cdisc.mappings.study import Study


def account_lines(accounts: Accounts) -> list[str]:
    """Read = mapped + not needed + rejected, and the reasons, the most frequent first."""
    totals: Counter[str] = Counter()
    reasons: dict[str, Counter[str]] = {"not needed": Counter(), "rejected": Counter()}
    for (_, outcome, reason), count in accounts.counts.items():
        totals[outcome] += count
        if outcome in reasons:
            reasons[outcome][reason] += count
    read = sum(totals.values())
    lines = [
        f"Read {read} resources = {totals['mapped']} mapped + {totals['not needed']} not needed "
        f"+ {totals['rejected']} rejected"
    ]
    for outcome, counts in reasons.items():
        lines += [
            f"  {outcome}: {count} {reason}" for reason, count in sorted(counts.items(), key=lambda i: (-i[1], i[0]))
        ]
    if accounts.synthetic:
        lines.append(f"Synthetic or test data: the source marks {accounts.synthetic} patients so")
    return lines


def finding_lines(findings: Sequence[Finding]) -> list[str]:
    """How often each rule was found; the details are in the package's findings folder."""
    counts: Counter[tuple[str, str]] = Counter()
    for finding in findings:
        counts[(finding.severity, finding.rule)] += finding.count
    rank = {"error": 0, "warning": 1, "info": 2}
    ordered = sorted(counts.items(), key=lambda i: (rank.get(i[0][0], 3), -i[1], i[0][1]))
    total = sum(counts.values())
    return [f"Findings: {total}", *(f"  {severity}: {count} {rule}" for (severity, rule), count in ordered)]


def assumption_lines(study: Study, frames: Mapping[str, pd.DataFrame]) -> list[str]:
    """Which rule decided what is exposure and where time starts."""
    exposure = ", ".join(study.reference.exposure)
    cm = frames.get("CM")
    orders = int((frames["SUPPCM"]["QVAL"] == "ORDER").sum()) if cm is not None and "SUPPCM" in frames else 0
    lines = [f"Exposure: {exposure} becomes EX ({len(frames.get('EX', ()))} records)"]
    if orders:
        lines.append(f"  {orders} orders (MedicationRequest) became CM: an order is not exposure")
    lines.append(f"Time starts at: {', else '.join(study.reference.start)}")
    return lines


def adam_lines(frames: Mapping[str, pd.DataFrame]) -> list[str]:
    """Subjects, deaths and events: what a statistician checks first; sensitivity analyses after the main ones."""
    adsl, adtte = frames["ADSL"], frames["ADTTE"]
    lines = [
        f"ADaM: {', '.join(f'{name} {len(frame)}' for name, frame in frames.items())} records",
        f"Subjects: {len(adsl)}, treated {int((adsl['SAFFL'] == 'Y').sum())}, dead {int((adsl['DTHFL'] == 'Y').sum())}",
    ]
    again = text(adtte, "PARCAT2").str.startswith(DERIVED.title())
    return [*lines, *_time_lines(adtte[~again], ""), *_time_lines(adtte[again], ", sensitivity analysis")]


def _time_lines(adtte: pd.DataFrame, note: str) -> Iterator[str]:
    for code, rows in adtte.groupby("PARAMCD", sort=False):
        events = int((rows["CNSR"] == 0).sum())
        known = rows["AVAL"].dropna()
        days = f"median observed {known.median():g} days" if len(known) else "no time known"
        yield f"  {code}: {len(rows)} subjects, {events} events, {days}{note}"


def conformance_line(report: Report) -> str:
    """How many errors and warnings the package's own check found."""
    return f"Conformance: {report.count('error')} errors, {report.count('warning')} warnings"
