"""Reviewer's guides as filled drafts: what a study holds, how it was made, what the checks found.

cSDRG for SDTM and ADRG for ADaM. Only what is known is written; what an author still has to explain is listed
as an open point, never filled with words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fhir2cdisc.converters.atomic import write_text
from fhir2cdisc.converters.check.conformance import Issue, Report
from fhir2cdisc.converters.documents.guide_text import Guide, Section, Table, as_html, as_markdown
from fhir2cdisc.converters.package import Identity
from fhir2cdisc.mappings.standard.datasets import Dataset


@dataclass(frozen=True, slots=True)
class OptionTaken:
    """A choice that shapes the data: its value, and whether the protocol says it or a default was taken."""

    name: str
    value: str
    meaning: str = ""
    from_protocol: bool = False


@dataclass(frozen=True, slots=True)
class EndpointDefinition:
    """An endpoint as computed: start, events and censorings in the order in which they are looked for."""

    paramcd: str
    name: str
    start: str = ""
    events: tuple[str, ...] = ()
    censors: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class GuideContent:
    """What a guide is filled from; `datasets` are descriptions with their number of records.

    `explanations` are an author's words by rule id, or by it and a word of the message; `sources` say where the
    data come from, `issues` of processing (records that were rejected, dates that were completed) are sentences.
    `encoding` is that of the transport files. `design` are tables of the protocol, such as its arms and criteria.
    """

    study: Identity
    standards: Sequence[tuple[str, str]]
    datasets: Sequence[tuple[Dataset, int]]
    report: Report
    protocol: str = ""
    design: Sequence[Table] = ()
    sources: Sequence[str] = ()
    issues: Sequence[str] = ()
    options: Sequence[OptionTaken] = ()
    endpoints: Sequence[EndpointDefinition] = ()
    dictionaries: Sequence[tuple[str, str]] = ()
    split: Sequence[str] = ()
    explanations: Mapping[str, str] = field(default_factory=dict)
    encoding: str = ""

    def explanation(self, rule: str, message: str) -> str:
        """The author's words for a finding: those for a word of its message (`SDTM-013 UNIT`), else for its rule."""
        said = message.partition("'")[0]  # not the words of a value that the message quotes
        special = (self.explanations.get(f"{rule} {word}") for word in said.split())
        return next(filter(None, special), self.explanations.get(rule, ""))


def build_csdrg(content: GuideContent) -> Guide:
    """The draft of a Clinical Study Data Reviewer's Guide."""
    sections = (
        _introduction(content, "the tabulation datasets (SDTM)"),
        _protocol(content),
        Section("Data and domains", _sources(content), (_dataset_table(content),)),
        _processing(content),
        *_conformance(content, "sdtm"),
    )
    return Guide("Clinical Study Data Reviewer's Guide", _title(content), sections)


def build_adrg(content: GuideContent) -> Guide:
    """The draft of an Analysis Data Reviewer's Guide."""
    sections = (
        _introduction(content, "the analysis datasets (ADaM)"),
        _protocol(content),
        Section("Analysis datasets", _sources(content), (_dataset_table(content),)),
        _endpoints(content),
        _options(content),
        _processing(content),
        *_conformance(content, "adam"),
    )
    return Guide("Analysis Data Reviewer's Guide", _title(content), sections)


def write_guides(folder: str | Path, guide: Guide, name: str) -> list[Path]:
    """Write a guide as Markdown and HTML: `csdrg.md` and `csdrg.html`."""
    paths = [Path(folder) / f"{name}.md", Path(folder) / f"{name}.html"]
    write_text(paths[0], as_markdown(guide))
    write_text(paths[1], as_html(guide))
    return paths


def _title(content: GuideContent) -> str:
    named = f": {content.study.name}" if content.study.name != content.study.id else ""
    return f"Study {content.study.id}{named}"


def _introduction(content: GuideContent, what: str) -> Section:
    rows = [("Standard", f"{name} {version}") for name, version in content.standards]
    rows += [("Dictionary", f"{name} {version}") for name, version in content.dictionaries]
    rows += [("Encoding of the transport files", content.encoding.upper())] if content.encoding else []
    text = f"This guide goes with {what} of study {content.study.id} and with their define.xml."
    return Section("Introduction", (text,), (Table(("Kind", "Name and version"), tuple(rows)),))


def _protocol(content: GuideContent) -> Section:
    texts = [content.study.description, content.protocol]
    return Section("Protocol", tuple(text for text in texts if text), tuple(content.design))


def _sources(content: GuideContent) -> tuple[str, ...]:
    split = tuple(f"{name} is over 5 GB and submitted whole and in pieces." for name in content.split)
    return (*content.sources, *split)


def _dataset_table(content: GuideContent) -> Table:
    rows = tuple(
        (
            dataset.name,
            dataset.label,
            dataset.class_,
            dataset.structure,
            ", ".join(dataset.keys),
            str(records),
        )
        for dataset, records in content.datasets
    )
    return Table(("Dataset", "Label", "Class", "Structure", "Keys", "Records"), rows)


def _endpoints(content: GuideContent) -> Section:
    rows = tuple(
        (e.paramcd, e.name, e.start, "; ".join(e.events), "; ".join(e.censors), e.note) for e in content.endpoints
    )
    heads = ("PARAMCD", "Endpoint", "Start", "Events", "Censoring, in order", "Note")
    return Section("Endpoint definitions", (), (Table(heads, rows),))


def _options(content: GuideContent) -> Section:
    said = tuple((o.name, o.value, o.meaning) for o in content.options if o.from_protocol)
    silent = tuple((o.name, o.value, o.meaning) for o in content.options if not o.from_protocol)
    heads = ("Option", "Value", "Meaning")
    text = f"The protocol is silent on {len(silent)} of {len(content.options)} options; defaults were taken."
    parts = (
        Section("Options that the protocol gives", (), (Table(heads, said),)),
        Section("Options on which the protocol is silent", (), (Table(heads, silent),)),
    )
    return Section("Options", (text,), (), parts)


def _processing(content: GuideContent) -> Section:
    return Section("Data processing", tuple(content.issues) or ("No record was rejected or changed.",))


def _conformance(content: GuideContent, kind: str) -> tuple[Section, Section]:
    issues = [issue for issue in content.report.issues if _concerns(issue, content, kind)]
    groups: dict[tuple[str, str, str, str], list[Issue]] = {}
    for issue in issues:
        groups.setdefault((issue.rule, issue.severity, issue.dataset, issue.message), []).append(issue)
    rows = tuple(
        (
            rule,
            severity,
            dataset,
            message,
            str(sum(max(1, len(i.rows)) for i in found)),
            content.explanation(rule, message),
        )
        for (rule, severity, dataset, message), found in groups.items()
    )
    heads = ("Rule", "Severity", "Dataset", "Finding", "Count", "Explanation")
    text = f"{content.report.rules} rules were applied; {len(issues)} findings concern these datasets."
    open_rules = sorted({rule for rule, _, _, message in groups if not content.explanation(rule, message)})
    points = tuple(f"Rule {rule}: an explanation is still to be given." for rule in open_rules)
    return (
        Section("Conformance", (text,), (Table(heads, rows),)),
        Section("Open points", points or ("Every finding has an explanation.",)),
    )


def _concerns(issue: Issue, content: GuideContent, kind: str) -> bool:
    """True for findings on the guide's datasets, and for those on the package as a whole of its kind."""
    names = {dataset.name for dataset, _ in content.datasets}
    if issue.dataset:
        return issue.dataset in names
    return kind in issue.message or not {"sdtm", "adam"} & set(issue.message.replace("/", " ").split())
