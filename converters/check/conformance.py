"""Conformance of a package: all rules applied, and the report as text, JSON and HTML."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from fhir2cdisc.converters.check import adam as rules_adam
from fhir2cdisc.converters.check import define as rules_define
from fhir2cdisc.converters.check import links as rules_links
from fhir2cdisc.converters.check import manifest as rules_manifest
from fhir2cdisc.converters.check import sdtm as rules_sdtm
from fhir2cdisc.converters.check import tte as rules_tte
from fhir2cdisc.converters.check import xpt as rules_xpt
from fhir2cdisc.converters.check.reading import read_package
from fhir2cdisc.converters.check.rule import Hit, Package, Rule, Severity
from fhir2cdisc.converters.page import page

RULES: tuple[Rule, ...] = (
    *rules_xpt.RULES,
    *rules_sdtm.RULES,
    *rules_links.RULES,
    *rules_adam.RULES,
    *rules_tte.RULES,
    *rules_define.RULES,
    *rules_manifest.RULES,
)
_SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")
_SHOWN_ROWS = 5


@dataclass(frozen=True, slots=True)
class Issue:
    """One finding of a report: the rule, the place, the sentence and the rows."""

    rule: str
    severity: Severity
    section: str
    dataset: str
    variable: str
    message: str
    rows: tuple[int, ...] = ()

    @property
    def place(self) -> str:
        """`AE.AETERM`, or what of it there is."""
        return ".".join(part for part in (self.dataset, self.variable) if part)

    @property
    def shown_rows(self) -> str:
        """`row 3`, `rows 3, 7 and 12 more`, or nothing."""
        shown = ", ".join(map(str, self.rows[:_SHOWN_ROWS]))
        more = len(self.rows) - _SHOWN_ROWS
        if not shown:
            return ""
        return f"row{'s' if len(self.rows) > 1 else ''} {shown}" + (f" and {more} more" if more > 0 else "")


@dataclass(frozen=True, slots=True)
class Report:
    """What was found in a package, errors first, and what was looked at."""

    issues: tuple[Issue, ...]
    datasets: tuple[tuple[str, str, int], ...]
    rules: int

    def count(self, severity: Severity) -> int:
        return sum(issue.severity == severity for issue in self.issues)

    @property
    def passed(self) -> bool:
        """True without an error."""
        return self.count("error") == 0


def validate_package(
    folder: str | Path,
    *,
    rules: Sequence[Rule] = RULES,
    more: Iterable[Issue] = (),
    encoding: str = "ascii",
    coming: Collection[Path] = (),
) -> Report:
    """Apply the rules to a package folder; `more` are findings of another engine to report with ours.

    With an `encoding` of `utf-8` or `gb18030` (NMPA) the rules that ask for ASCII are left out, those on the
    manifest where there is none: a run checks its package before it writes the manifest. `coming` are files that
    will be written before the package is complete.

    A rule that cannot be applied to unusual data is itself reported as a note; nothing is raised for content.
    """
    package = read_package(folder, None if encoding == "ascii" else encoding, coming)
    if encoding != "ascii":
        rules = [rule for rule in rules if rule.id not in rules_xpt.ASCII_ONLY]
    if not package.manifest:
        rules = [rule for rule in rules if rule not in rules_manifest.RULES]
    issues = [issue for rule in rules for issue in _apply(rule, package)]
    issues += more
    issues.sort(key=lambda i: (_SEVERITIES.index(i.severity), i.rule, i.dataset, i.variable, i.message, i.rows))
    looked = tuple((d.kind, d.name, len(d.frame)) for d in package.loaded)
    return Report(tuple(issues), looked, len(rules))


def _apply(rule: Rule, package: Package) -> list[Issue]:
    try:
        hits = list(rule.check(package))
    except Exception as error:
        # Other people's data may be stranger than any rule expects; a report must still come out.
        message = f"the rule could not be applied ({type(error).__name__}: {error})"
        return [_issue(rule, Hit("", "", message), "note")]
    notes = rule.id == "DEF-003"
    return [
        _issue(rule, hit, "note" if notes and hit.message.startswith("the schema was not") else rule.severity)
        for hit in hits
    ]


def _issue(rule: Rule, hit: Hit, severity: Severity) -> Issue:
    return Issue(rule.id, severity, rule.section, hit.dataset, hit.variable, hit.message, hit.rows)


def as_text(report: Report) -> str:
    """The report as a table for a terminal."""
    lines = [
        f"{issue.severity:<8} {issue.rule:<12} {issue.place:<20} {issue.message}"
        + (f" ({issue.shown_rows})" if issue.rows else "")
        for issue in report.issues
    ]
    return "\n".join([*lines, summary(report)])


def summary(report: Report) -> str:
    """`2 errors, 1 warning, 0 notes from 85 rules on 9 datasets`."""
    counts = [(report.count(s), s) for s in _SEVERITIES]
    said = ", ".join(f"{n} {s}{'' if n == 1 else 's'}" for n, s in counts)
    return f"{said} from {report.rules} rules on {len(report.datasets)} datasets"


def as_dict(report: Report) -> dict[str, Any]:
    """The report as plain data, for JSON."""
    return {
        "passed": report.passed,
        "counts": {severity: report.count(severity) for severity in _SEVERITIES},
        "rules": report.rules,
        "datasets": [{"kind": k, "name": n, "records": r} for k, n, r in report.datasets],
        "issues": [
            {
                "rule": i.rule,
                "severity": i.severity,
                "section": i.section,
                "dataset": i.dataset,
                "variable": i.variable,
                "message": i.message,
                "rows": list(i.rows),
            }
            for i in report.issues
        ],
    }


def as_json(report: Report) -> str:
    return json.dumps(as_dict(report), indent=2, ensure_ascii=False) + "\n"


def as_html(report: Report) -> str:
    """The report as one page without script."""
    rows = "\n".join(
        f'<tr><td class="{i.severity}">{i.severity}</td><td>{escape(i.rule)}</td><td>{escape(i.place)}</td>'
        f"<td>{escape(i.message)}</td><td>{escape(i.shown_rows)}</td><td>{escape(i.section)}</td></tr>"
        for i in report.issues
    )
    head = "".join(f"<th>{n}</th>" for n in ("Severity", "Rule", "Where", "Finding", "Rows", "Source"))
    body = f"<h1>Conformance</h1><p>{escape(summary(report))}</p>"
    body += f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>" if rows else ""
    return page("Conformance", body)
