"""Tables of the report as HTML: options, accounts, findings, endpoints, adverse events, conflicting responses."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

import pandas as pd
from fhir2cdisc.adam.results.sheet import ALL, Spec
from fhir2cdisc.adam.subject.evidence import agreement, differing
from fhir2cdisc.converters.documents.headlines import tripwire_lines
from fhir2cdisc.converters.documents.result_format import shown, shown_with_interval
from fhir2cdisc.fhir.columns import EMPTY, NOT_NEEDED, UNMAPPED, USED
from fhir2cdisc.fhir.findings import Finding
from fhir2cdisc.mappings.explain import SECTIONS, options_of
from fhir2cdisc.mappings.study import Study
from fhir2cdisc.mappings.study_sections import Endpoint

# Statistics of the endpoint table; everything else is in results.csv.
HEADLINES = (
    "percent",
    "median",
    "rate",
    "1 - rate",
    "follow-up median",
    "hazard ratio",
    "p value",
    "p value, proportionality",
    "difference",
    "percent, grade >=3",
    "mean, change",
    "estimate",
)
RANK = {"error": 0, "warning": 1, "info": 2}
MOST_CONFLICTS = 200
MOST_ROWS = 12
MOST_UNREAD = 40


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], caption: str = "") -> str:
    """A table of escaped texts, blank without rows."""
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    if not body:
        return ""
    top = "".join(f"<th>{escape(head)}</th>" for head in heads)
    said = f"<caption>{escape(caption)}</caption>" if caption else ""
    return f'<table class="fit">{said}<thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>'


def options_table(study: Study) -> str:
    """Every option with its value and whether the protocol states it or a default was taken."""
    rows = [
        (title, name, value, origin)
        for part, title in SECTIONS
        for name, value, origin in options_of(getattr(study, part))
    ]
    return table(("Section", "Option", "Value", "From"), rows)


def accounts_table(counts: Mapping[tuple[str, str, str], int]) -> str:
    """Resources by type: how many were mapped, not needed and rejected, and why."""
    rows = sorted(counts.items())
    return table(("Resource", "Outcome", "Reason", "Number"), [(*key, str(number)) for key, number in rows])


def columns_table(columns: pd.DataFrame) -> str:
    """What became of the columns of extracts: those that nothing reads first; nothing without extracts."""
    if not len(columns):
        return ""
    order = {UNMAPPED: 0, USED: 1, NOT_NEEDED: 2, EMPTY: 3}
    ranked = columns.assign(_RANK=columns["USE"].map(order)).sort_values(["_RANK", "FILE"], kind="stable")
    rows = [
        (row.FILE, row.COLUMN, row.HEADING, row.USE, row.REASON, f"{row.TAKEN} of {row.FILLED}", row.FREQUENT)
        for row in ranked.head(MOST_UNREAD).itertuples(index=False)
    ]
    heads = ("File", "Column", "Heading", "What became of it", "Reason", "Cells in records", "Most frequent")
    rest = (
        f"The first {MOST_UNREAD} of {len(columns)}; all in findings/columns.parquet."
        if len(columns) > len(rows)
        else ""
    )
    return table(heads, rows, rest)


def unused_table(unread: pd.DataFrame) -> str:
    """What nothing read of the mapped resources, the most frequent first, with the line of a mapping that would."""
    rows = [
        (row.RESOURCE, row.PATH, f"{row.RESOURCES} of {row.OF}", row.CODE, row.LINE)
        for row in unread.head(MOST_UNREAD).itertuples(index=False)
    ]
    heads = ("Resource", "Path", "Resources", "Most often of", "What a mapping line would be")
    rest = (
        f" The largest {MOST_UNREAD} of {len(unread)}; all in findings/unused.parquet."
        if len(unread) > len(rows)
        else ""
    )
    said = f"Elements that no variable, key, link or condition reads.{rest}"
    return table(heads, rows, said)


def findings_table(findings: Sequence[Finding]) -> str:
    """How often each rule was found, the gravest first, with one example."""
    counts: Counter[tuple[str, str]] = Counter()
    example: dict[tuple[str, str], str] = {}
    for one in findings:
        counts[(one.severity, one.rule)] += one.count
        example.setdefault((one.severity, one.rule), one.shown)
    ordered = sorted(counts, key=lambda key: (RANK.get(key[0], 3), -counts[key], key[1]))
    rows = [(severity, rule, str(counts[(severity, rule)]), example[(severity, rule)]) for severity, rule in ordered]
    return table(("Severity", "Rule", "Number", "For example"), rows)


def tripwires_box(findings: Sequence[Finding]) -> str:
    """What makes the results doubtful, in a box with one line a rule; blank where nothing does."""
    head, *lines = tripwire_lines(findings) or [""]
    items = "".join(f"<li>{escape(line.strip())}</li>" for line in lines)
    return f'<div class="tripwire" id="tripwires"><p>{escape(head)}</p><ul>{items}</ul></div>' if lines else ""


def endpoints_table(study: Study, specs: Sequence[Spec], results: pd.DataFrame) -> str:
    """Each endpoint with its definition, how it was read, and its results on all data in all groups."""
    parts: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in results.to_dict("records"):
        parts[str(row["RESULTID"])].append(row)
    made = []
    for endpoint in study.endpoints:
        mine = [one.id for one in specs if one.endpoint == endpoint.id and not one.look]
        made.append(_endpoint(endpoint, [(name, parts[name]) for name in mine]))
    return "\n".join(made)


def _endpoint(endpoint: Endpoint, results: Sequence[tuple[str, list[dict[str, Any]]]]) -> str:
    heading = f'<h3 id="e-{endpoint.id}">{escape(endpoint.title)} <span class="note">{endpoint.role}</span></h3>'
    words = f"<p>{escape(endpoint.definition)}.</p>"
    if endpoint.reading:
        words += f'<p class="note">How the document was read: {escape(endpoint.reading)}</p>'
    rows = [(_analysis(line[0], endpoint), *line[1:]) for _, part in results for line in _lines(part)]
    heads = ("Analysis", "Group", "Statistic", "Result (interval)", "n / N", "Method, or why not estimable")
    first, rest = rows[:MOST_ROWS], rows[MOST_ROWS:]
    more = f"<details><summary>{len(rest)} more rows</summary>{table(heads, rest)}</details>" if rest else ""
    return heading + words + table(heads, first) + more


def _analysis(label: str, endpoint: Endpoint) -> str:
    """What tells an analysis from the main one, whose label is the title of the endpoint."""
    return label.removeprefix(endpoint.title).lstrip(",: ") or "as defined"


def _lines(rows: Sequence[dict[str, Any]]) -> list[tuple[str, ...]]:
    counts = {(r["GROUP"], r["CATEGORY"], r["STATISTIC"]): r for r in rows}
    deep = rows[0]["DATASET"] == "ADAE"
    made: list[tuple[str, ...]] = []
    for row in sorted(rows, key=lambda r: r["GROUP"] != ALL):
        if row["STATISTIC"] not in HEADLINES or (deep and row["CATEGORY"]):
            continue
        statistic = f"{row['STATISTIC']}, {row['CATEGORY']}" if row["CATEGORY"] else row["STATISTIC"]
        statistic += " (months)" if row["UNIT"] == "months" else ""
        said = row["REASON"] or row["METHOD"]
        made.append((row["ENDPOINT"], row["GROUP"], statistic, shown_with_interval(row), _of(row, counts), said))
    return made


def _of(row: Mapping[str, Any], counts: Mapping[tuple[str, str, str], dict[str, Any]]) -> str:
    """Numerator and denominator of a share, events and subjects of a median."""
    upper = {"percent": "n", "median": "events", "percent, grade >=3": "n, grade >=3"}.get(row["STATISTIC"])
    if row["STATISTIC"] in ("rate", "1 - rate"):
        found = counts.get((row["GROUP"], row["CATEGORY"], "at risk"))
        return f"{shown(found)} at risk" if found else ""
    if upper is None:
        return ""
    x = counts.get((row["GROUP"], row["CATEGORY"], upper))
    n = counts.get((row["GROUP"], row["CATEGORY"], "N")) or counts.get((row["GROUP"], "", "N"))
    return f"{shown(x)} / {shown(n)}" if x and n else ""


def events_table(results: pd.DataFrame, result_id: str) -> str:
    """Adverse events of one result by term: subjects with any grade and with grade 3 or higher, in each group."""
    rows = results[results["RESULTID"] == result_id]
    if not len(rows):
        return ""
    groups = list(dict.fromkeys(rows["GROUP"]))
    found = {(r["GROUP"], r["CATEGORY"], r["STATISTIC"]): r for r in rows.to_dict("records")}
    overall = rows[rows["GROUP"] == ALL]
    terms = list(dict.fromkeys(overall.loc[overall["STATISTIC"].isin(["n", "percent"]), "CATEGORY"]))
    heads = ["Term"]
    for group in groups:
        size = found.get((group, "", "N"))
        said = f"{group} (N={shown(size)})" if size else group
        heads += [said, f"{group}, grade 3 or higher"]
    lines = []
    for term in terms:
        cells = [term or "Any event"]
        for group in groups:
            cells.append(_cell(found, group, term, "n", "percent"))
            cells.append(_cell(found, group, term, "n, grade >=3", "percent, grade >=3"))
        lines.append(cells)
    return table(heads, lines, str(rows["ENDPOINT"].iloc[0]))


def _cell(found: Mapping[tuple[str, str, str], dict[str, Any]], group: str, term: str, count: str, share: str) -> str:
    x, percent = found.get((group, term, count)), found.get((group, term, share))
    if x is None or percent is None:
        return "0"
    return f"{shown(x)} ({shown(percent)})"


def evidence_tables(evidence: pd.DataFrame, subjects: int) -> str:
    """For each fact how many subjects have one candidate, several of what kind, none; and those that differ."""
    if not len(evidence):
        return ""
    heads = ("Fact", "One record", "Several that agree", "Several that differ", "Several, one after another", "None")
    counted = agreement(evidence, subjects).astype(str)
    told = differing(evidence)
    rows = told[["USUBJID", "FACT", "DTC", "SRCDOM", "SRCVAR", "TEXT", "CHOSEN", "REASON"]].astype(str)
    names = ("Subject", "Fact", "Date as recorded", "Dataset", "Variable", "Record", "Chosen", "Why")
    listed = table(names, rows.head(MOST_CONFLICTS).itertuples(index=False), "Facts on which sources differ")
    left = len(rows) - MOST_CONFLICTS
    more = f'<p class="note">and {left} more, in findings/evidence.parquet</p>' if left > 0 else ""
    return table(heads, counted.itertuples(index=False)) + listed + more


def conflicts_table(conflicts: pd.DataFrame) -> str:
    """Collected responses that the lesions do not give, with the reason in words."""
    if not len(conflicts):
        return ""
    rows = conflicts[["USUBJID", "RECORD", "VARIABLE", "VALUE", "MESSAGE"]].astype(str)
    made = table(("Subject", "Visit", "Test", "Collected", "Why"), rows.head(MOST_CONFLICTS).itertuples(index=False))
    left = len(rows) - MOST_CONFLICTS
    return made + (f'<p class="note">and {left} more, in the findings</p>' if left > 0 else "")
