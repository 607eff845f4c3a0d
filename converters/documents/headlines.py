"""The few lines that a run prints: what was read and what became of it, what was found, what came out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import pandas as pd
from fhir2cdisc.adam.frames.clock import Latest
from fhir2cdisc.adam.frames.columns import text
from fhir2cdisc.adam.plan import Plan
from fhir2cdisc.adam.results.sheet import Data, Spec
from fhir2cdisc.adam.results.survival import SurvivalSpec, median_in_words
from fhir2cdisc.adam.subject.evidence import differing
from fhir2cdisc.adam.tripwires import PREFIX as TRIPWIRE
from fhir2cdisc.converters.check.conformance import Report
from fhir2cdisc.fhir.accounts import FILE, UNREADABLE_FILE, Accounts
from fhir2cdisc.fhir.cells import is_row
from fhir2cdisc.fhir.columns import EMPTY, NOT_NEEDED, UNMAPPED, USED
from fhir2cdisc.fhir.findings import Finding
from fhir2cdisc.mappings.study import Study

# How many paths that nothing read stand on the terminal.
_LARGEST = 5


def account_lines(accounts: Accounts) -> list[str]:
    """Read = mapped + not needed + rejected, and the reasons, most frequent first; the files where not all are read.

    Resources, rows of extracts and their columns each have a line.
    """
    kinds = {kind for kind, _, _ in accounts.counts if kind != FILE}
    lines = []
    rows = {kind for kind in kinds if is_row(kind)}
    if kinds - rows or not rows:
        lines += _totals(accounts, "resources", kinds - rows)
    if rows:
        lines += _totals(accounts, "rows of extracts", rows)
    lines += [*column_lines(accounts), *file_lines(accounts)]
    if accounts.synthetic:
        lines.append(f"Synthetic or test data: the source marks {accounts.synthetic} patients so")
    return lines


def _totals(accounts: Accounts, what: str, kinds: set[str]) -> list[str]:
    """What became of all records of some kinds, in numbers, and why some were not mapped."""
    totals: Counter[str] = Counter()
    reasons: dict[str, Counter[str]] = {"not needed": Counter(), "rejected": Counter()}
    for (kind, outcome, reason), count in accounts.counts.items():
        if kind in kinds:
            totals[outcome] += count
            if outcome in reasons:
                reasons[outcome][reason] += count
    parts = f"{totals['mapped']} mapped + {totals['not needed']} not needed + {totals['rejected']} rejected"
    lines = [f"Read {sum(totals.values())} {what} = {parts}"]
    for outcome, counts in reasons.items():
        lines += [
            f"  {outcome}: {count} {reason}" for reason, count in sorted(counts.items(), key=lambda i: (-i[1], i[0]))
        ]
    return lines


def column_lines(accounts: Accounts) -> list[str]:
    """Columns of extracts = used + not needed + empty + named by no line of a mapping; nothing without extracts."""
    if not accounts.columns:
        return []
    counts = Counter(EMPTY if one.use != USED and not one.filled else one.use for one in accounts.columns.values())
    parts = " + ".join(f"{counts[use]} {use}" for use in (USED, NOT_NEEDED, EMPTY, UNMAPPED))
    return [f"Columns {counts.total()} = {parts} (findings/columns.parquet)"]


def unused_lines(unread: pd.DataFrame) -> list[str]:
    """The largest of what nothing read of the mapped resources; all of it is in findings/unused.parquet."""
    if not len(unread):
        return []
    lines = [f"Not used of mapped resources: {len(unread)} paths (findings/unused.parquet)"]
    for row in unread.head(_LARGEST).itertuples(index=False):
        code = f", most often {row.CODE}" if row.CODE else ""
        lines.append(f"  {row.RESOURCE}.{row.PATH}: {row.RESOURCES} of {row.OF}{code}")
    return lines


def file_lines(accounts: Accounts) -> list[str]:
    """Files = read + not needed + rejected, and what they are, members of archives too; nothing where all are read."""
    left = {(outcome, reason): n for (kind, outcome, reason), n in accounts.counts.items() if kind == FILE}
    if not left:
        return []
    needless, rejected = (sum(n for (o, _), n in left.items() if o == one) for one in ("not needed", "rejected"))
    read = accounts.files - sum(n for (_, reason), n in left.items() if reason == UNREADABLE_FILE)
    lines = [
        f"Files: {read + needless + rejected} = {read} read + {needless} not needed + {rejected} rejected "
        "(findings/skipped-files.csv)"
    ]
    ordered = sorted(left.items(), key=lambda item: (item[0][0], -item[1], item[0][1]))
    return [*lines, *(f"  {outcome}: {count} {reason}" for (outcome, reason), count in ordered)]


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


def adam_lines(plan: Plan, specs: Sequence[Spec], frames: Mapping[str, pd.DataFrame]) -> list[str]:
    """Subjects, deaths and events: what a statistician checks first; sensitivity analyses after the main ones.

    Medians are those of the results: Kaplan-Meier, of the population of the endpoint that asks for the time.
    """
    adsl = frames["ADSL"]
    lines = [
        f"ADaM: {', '.join(f'{name} {len(frame)}' for name, frame in frames.items())} records",
        f"Subjects: {len(adsl)}, treated {int((adsl['SAFFL'] == 'Y').sum())}, dead {int((adsl['DTHFL'] == 'Y').sum())}",
    ]
    main = [one for one in plan.parameters if one.criteria in ("", plan.response.criteria)]
    again = [one for one in plan.parameters if one not in main]
    data = Data(frames, plan.lacking)
    said = [(one, "") for one in main] + [(one, ", sensitivity analysis") for one in again]
    held = set(text(frames["ADTTE"], "PARAMCD"))
    for one, note in said:
        if one.paramcd in held:
            lines.append(f"  {one.paramcd}: {median_in_words(data, survival_spec(plan, specs, one.paramcd))}{note}")
    return lines


def survival_spec(plan: Plan, specs: Sequence[Spec], code: str) -> SurvivalSpec:
    """The main specification of an endpoint that asks for the time, else one of all subjects."""
    mine = [one for one in specs if isinstance(one, SurvivalSpec) and one.paramcd == code and not one.look]
    said = plan.study.statistics
    whole = SurvivalSpec(
        id=code, label=code, paramcd=code, population="", conf_level=said.level, conf_type=said.km_ci, month=plan.month
    )
    return next((one for one in mine if one.analysis == "main"), mine[0] if mine else whole)


def last_day_lines(latest: Latest) -> list[str]:
    """Which day was taken for the last one, and why, where dates are after it."""
    return [f"Last day: {said}"] if (said := latest.in_words()) else []


def evidence_lines(evidence: pd.DataFrame) -> list[str]:
    """How many facts of subjects were chosen from how many records, and of how many the records differ."""
    if not len(evidence):
        return []
    told = differing(evidence)
    facts = told.drop_duplicates(["FACT", "USUBJID"]).groupby("FACT").size()
    differ = ", ".join(f"{fact} of {count}" for fact, count in facts.items())
    agreed = "no sources differ on a fact of which there is one truth"
    said = f"sources differ on: {differ} subjects" if differ else agreed
    chosen = int((evidence["CHOSEN"] == "Y").sum())
    return [f"Evidence: {chosen} facts chosen from {len(evidence)} records; {said}"]


def tripwire_lines(findings: Sequence[Finding]) -> list[str]:
    """What makes the numbers below doubtful, one line a rule; nothing where nothing does."""
    rules: dict[str, list[Finding]] = {}
    for one in findings:
        if one.rule.startswith(TRIPWIRE):
            rules.setdefault(one.rule, []).append(one)
    if not rules:
        return []
    lines = ["LOOK AT THIS FIRST: numbers below may be wrong"]
    return [*lines, *(f"  {rule}: {_first_and_more(found)}" for rule, found in rules.items())]


def _first_and_more(found: Sequence[Finding]) -> str:
    subjects = len({one.usubjid for one in found if one.usubjid})
    return found[0].shown if not subjects else f"{subjects} subjects. One of them: {found[0].shown}"


def conformance_line(report: Report) -> str:
    """How many errors and warnings the package's own check found."""
    return f"Conformance: {report.count('error')} errors, {report.count('warning')} warnings"
