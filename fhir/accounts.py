"""The ledger of a run: what became of every resource, and what was found on the way.

Reading, routing and mapping all book here; at the end every resource is mapped, not needed or rejected.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from fhir2cdisc.fhir.columns import ColumnBook, merge_columns
from fhir2cdisc.fhir.findings import Finding
from fhir2cdisc.fhir.identity import Person
from fhir2cdisc.fhir.mentions import Mention, merge_mentions
from fhir2cdisc.fhir.records import Deletion, Place
from fhir2cdisc.fhir.sources import NotRead, kind_of

# What stands for a resource type where a whole file is booked.
FILE = "file"
UNREADABLE_FILE = "file.unreadable"


@dataclass(slots=True)
class Form:
    """Mapped resources of one form: their type and code, the values that they hold (path to how a mapping reads it).

    `read` are the paths that something read, `domains` what the resources became, `count` how many there are.
    """

    kind: str
    code: str
    leaves: dict[str, str]
    count: int = 0
    domains: set[str] = field(default_factory=set)
    read: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Accounts:
    """What became of every resource: (type, outcome, reason) to a count, and a row for each that is not mapped.

    A file that is not read has its row, too, of type `file`; `files` is how many were listed to be read. `synthetic`
    is how many of the patients taken up are marked as synthetic or test data by their source. `people` are the Patients
    that were read, `homes` and `spaces` the namespaces of patients and of all resources. `updates` is the newest update
    of each document with patients' resources (see `update_of`; blank where it states none), `exports` the instant of
    the bulk export in each folder. `unsettled` is how many records differ from the one that counts without anything
    that says which is newer. `deletions` are what sources deleted, `mentions` the patients that are named by an
    identifier. `forms` are the mapped resources by what they hold, `columns` the columns of extracts.
    """

    counts: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)
    rows: list[tuple[str, int, int, str, str, str, str]] = field(default_factory=list)
    synthetic: int = 0
    people: list[Person] = field(default_factory=list)
    homes: set[str] = field(default_factory=set)
    spaces: set[str] = field(default_factory=set)
    updates: dict[str, str] = field(default_factory=dict)
    exports: dict[str, str] = field(default_factory=dict)
    unsettled: int = 0
    forms: dict[Any, Form] = field(default_factory=dict)
    files: int = 0
    deletions: list[Deletion] = field(default_factory=list)
    mentions: dict[tuple[str, str], Mention] = field(default_factory=dict)
    # Namespace and reference of the studies that ResearchSubjects name, with their number.
    enrolments: Counter[tuple[str, str]] = field(default_factory=Counter)
    # The keys of the subjects that rows of extracts are of.
    numbers: set[str] = field(default_factory=set)
    columns: ColumnBook = field(default_factory=dict)
    # Cells of extracts that records took: (table, file) to columns with their number.
    taken: dict[tuple[str, str], Counter[str]] = field(default_factory=dict)

    @property
    def newest(self) -> str:
        """The newest instant at which any resource was updated or exported, blank where nothing says so."""
        return max([*self.updates.values(), *self.exports.values()], default="")

    @property
    def complete(self) -> str:
        """`newest` where every document states an update, or lies beside the manifest of its export; else blank."""
        exports = tuple(f"{folder}/" for folder in self.exports)
        every = all(update or f"{name}/".startswith(exports) for name, update in self.updates.items())
        return self.newest if every else ""

    def updated(self, document: str, at: str) -> None:
        """Book that a document holds what was updated at an instant (blank: not stated)."""
        self.updates[document] = max(self.updates.get(document, ""), at)

    def exported(self, folder: str, at: str) -> None:
        """Book that a folder holds a bulk export of an instant."""
        self.exports[folder] = max(self.exports.get(folder, ""), at)

    def add(self, place: Place, kind: str, id_: str, outcome: str, reason: str = "") -> None:
        """Book one resource; `outcome` is `mapped`, `not needed` or `rejected`."""
        self.counts[(kind, outcome, reason)] += 1
        self.rows.append((place.file, place.line, place.entry, kind, id_, outcome, reason))

    def add_files(self, read: int, skipped: Iterable[NotRead]) -> None:
        """Book the files of the sources: how many are read, and those that are not; rejected ones are findings."""
        self.files += read
        for one in skipped:
            self.add(Place(one.name), FILE, "", one.outcome, one.reason)
            if one.outcome == "rejected":
                said = f"{one.name}: {one.reason}"
                self.findings.append(Finding(UNREADABLE_FILE, said, "error", file=one.name))

    def unreadable(self) -> list[NotRead]:
        """The files that were listed to be read and could not be."""
        return [
            NotRead(file, kind_of(file), outcome, reason)
            for file, _, _, kind, _, outcome, reason in self.rows
            if kind == FILE and reason == UNREADABLE_FILE
        ]

    def reject(self, place: Place, kind: str, id_: str, rule: str, message: str, path: str = "") -> None:
        """Book a resource as rejected, with the finding that says why."""
        self.add(place, kind, id_, "rejected", rule)
        self.findings.append(
            Finding(
                rule,
                f"{kind or 'resource'}/{id_}: {message}" if id_ else f"{kind or 'resource'}: {message}",
                "error",
                file=place.file,
                line=place.line,
                entry=place.entry,
                resource=f"{kind}/{id_}",
                path=path,
            )
        )

    def merge(self, other: Accounts) -> None:
        self.counts.update(other.counts)
        self.findings += other.findings
        self.rows += other.rows
        self.synthetic += other.synthetic
        self.people += other.people
        self.homes |= other.homes
        self.spaces |= other.spaces
        for sign, form in other.forms.items():
            mine = self.forms.setdefault(sign, Form(form.kind, form.code, form.leaves))
            mine.count += form.count
            mine.domains |= form.domains
            mine.read |= form.read
        for document, at in other.updates.items():
            self.updated(document, at)
        for folder, at in other.exports.items():
            self.exported(folder, at)
        self.unsettled += other.unsettled
        self.files += other.files
        self.deletions += other.deletions
        self.enrolments.update(other.enrolments)
        self.numbers |= other.numbers
        merge_columns(self.columns, other.columns.items())
        for table, counts in other.taken.items():
            self.taken.setdefault(table, Counter()).update(counts)
        merge_mentions(self.mentions, other.mentions.values())

    def add_up(self, rules: tuple[str, ...]) -> None:
        """One finding for all that say the same of one code or term under `rules`, with their count together."""
        same: dict[tuple[str, ...], Finding] = {}
        for finding in self.findings:
            if finding.rule.startswith(rules):
                add_finding(same, finding)
        self.findings = [f for f in self.findings if not f.rule.startswith(rules)] + list(same.values())


def add_finding(same: dict[tuple[str, ...], Finding], finding: Finding) -> None:
    """Add a finding about a term to those of its kind: the first place in the source stands for all, with the count.

    Which one stands for all must not depend on how subjects were dealt into buckets.
    """
    kind = finding.resource.split("/")[0] if finding.rule.startswith("code.") else ""
    key = (finding.rule, kind, finding.variable, finding.value)
    before = same.get(key)
    if before is not None:
        first = min(before, finding, key=lambda f: (f.file, f.line, f.entry, f.message))
        finding = replace(first, count=before.count + finding.count)
    same[key] = finding
