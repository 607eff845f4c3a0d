"""Stage two of a run: the resources of whole subjects become mapped rows, with the record that each came from.

A function over one bucket: it decodes, decides which record of a resource counts, who belongs to the study, and
maps. What needs the rows of a domain together (--SEQ, --DY, visits, baseline) is done when all are assembled.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import pandas as pd
from fhir2cdisc.fhir.accounts import Accounts, add_finding
from fhir2cdisc.fhir.deep import R4B, R5, deep_fault
from fhir2cdisc.fhir.findings import Finding
from fhir2cdisc.fhir.identity import Identities
from fhir2cdisc.fhir.path.expression import Context
from fhir2cdisc.fhir.records import decode
from fhir2cdisc.fhir.route import NOT_READ, Routed, study_reference
from fhir2cdisc.fhir.servers import condition_of, shown_reference
from fhir2cdisc.fhir.versions import other_version
from fhir2cdisc.sdtm.columns import ROW_COLUMNS
from fhir2cdisc.sdtm.rows.clocks import SubjectClock, Times
from fhir2cdisc.sdtm.rows.cohort import cohort_test, enrolled_elsewhere, is_synthetic, suspected
from fhir2cdisc.sdtm.rows.completeness import NO_DATE
from fhir2cdisc.sdtm.rows.death_records import Death
from fhir2cdisc.sdtm.rows.engine import SUPPORTING_TYPES, Engine, Row
from fhir2cdisc.sdtm.rows.hints import Hinted
from fhir2cdisc.sdtm.rows.record_versions import latest_versions, one_patient
from fhir2cdisc.sdtm.rows.reports import held_observations
from fhir2cdisc.sdtm.rows.resources import (
    Index,
    Resource,
    as_r4,
    finding_of,
    not_read,
    reject_orphans,
    reject_shape,
    without_deleted,
)
from fhir2cdisc.sdtm.rows.shapes import primitive_text
from fhir2cdisc.sdtm.rows.texts import codings_of, concept_text
from fhir2cdisc.sdtm.rows.unused import Known, Watch

RECORD_COLUMNS = ["SUBJECT", "FILE", "LINE", "ENTRY", "RESOURCE", "ID", "VERSION"]
# What was done to a record with nothing lost or guessed.
_EXPLAINED = ("dose.converted", "medication.split")
# What a path or verb raises on JSON that has not the shape of FHIR; one such record must not stop a run.
ODD_SHAPE = (ValueError, TypeError, AttributeError, LookupError, ArithmeticError, RecursionError)


@dataclass(slots=True)
class Converted:
    """What one bucket gives: rows by domain, the records they came from, links between records, accounts.

    `times` is what was written of each subject's clocks, `hints` which records may say more than was read.
    """

    frames: dict[str, pd.DataFrame]
    records: pd.DataFrame
    links: list[tuple[int, int]]
    accounts: Accounts
    times: list[Times]
    hints: list[Hinted]


class Converter:
    """Maps buckets for one study; the same for every bucket, so that a worker builds it once."""

    def __init__(
        self,
        engine: Engine,
        shared: Index,
        identities: Identities,
        deep: bool = False,
        other_way: bool = False,
        known: Known | None = None,
    ) -> None:
        self.engine = engine
        self.identities = identities
        self.shared = shared
        self.deep = deep
        self.other_way = other_way
        self.cohort = cohort_test(engine.study, shared)
        self.watch = Watch(engine, known or Known())

    def convert(self, routed: Iterable[Routed]) -> Converted:
        work = _Work()
        for subject, heads in groupby(routed, key=lambda head: head.subject):
            self._subject(subject, list(heads), work)
        work.accounts.forms = self.watch.forms
        return work.result()

    def _subject(self, subject: str, heads: list[Routed], work: _Work) -> None:
        if subject in self.identities.refused:
            for head in heads:
                work.accounts.add(head.place, head.type, head.id, "rejected", "identity.ambiguous")
            return
        if subject in self.identities.unresolved:
            for head in heads:
                work.accounts.add(head.place, head.type, head.id, "rejected", "subject.identifier")
            return
        heads = without_deleted(heads, self.identities.deletions, work.accounts)
        items = self._readable(heads, work.accounts)
        versions = latest_versions(items, work.accounts, self.identities.servers, self.other_way)
        current = one_patient(versions, subject, work.accounts)
        if not any(item.head.type == "Patient" for item in current):
            reject_orphans(subject, current, work.accounts, self.identities.deletions.has(subject))
            return
        facts = self._facts(current, work.accounts)
        if not self.cohort(facts):
            for item in suspected(facts, self.engine.study):
                said = "is no confirmed diagnosis; the patient is left out of the cohort ([diagnosis] verification)"
                work.accounts.findings.append(finding_of(item, "diagnosis.suspected", said))
            for item in facts:
                head = item.head
                work.accounts.add(
                    head.place, head.type, head.id, "not needed", "the patient is not in the study's cohort"
                )
            return
        work.accounts.synthetic += any(is_synthetic(i.resource) for i in facts if i.head.type == "Patient")
        _Subject(self, subject, facts, work).map()

    def _readable(self, heads: list[Routed], accounts: Accounts) -> list[Resource]:
        found = []
        for head in heads:
            try:
                resource = decode(head.raw)
            except ValueError as error:
                accounts.reject(head.place, head.type, head.id, "json.invalid", str(error))
                continue
            sign = other_version(resource)
            if sign and sign[1] != "R5":
                accounts.reject(head.place, head.type, head.id, "version.element", not_read(sign), sign[0])
                continue
            if self.deep and (fault := deep_fault(resource, R5 if sign else R4B)):
                accounts.reject(head.place, head.type, head.id, "deep", f"{fault[0]}: {fault[1]}", fault[0])
                continue
            found.append(as_r4(Resource(head, resource), accounts) if sign else Resource(head, resource))
        return found

    def _elsewhere(self, item: Resource) -> str:
        study = study_reference(item.resource.get("study"))
        if self.shared.find(study, item.head.base) is not None:
            return "enrolment in another study"
        return "enrolment in a study that was not read" if study else "enrolment that names no study"

    def _facts(self, items: list[Resource], accounts: Accounts) -> list[Resource]:
        found = []
        for item in items:
            head = item.head
            if not head.id:
                message = "has no id; nothing can point at it"
                accounts.findings.append(finding_of(item, "resource.no-id", message, "info"))
            try:
                reason = "" if self.engine.not_done(item.resource) else self.engine.not_a_fact(item.resource)
                if not reason and enrolled_elsewhere(item, self.engine.study, self.shared):
                    reason = self._elsewhere(item)
                elif reason and self.engine.referred(item.resource):
                    item.aside, reason = reason, ""
            except ODD_SHAPE as error:
                reject_shape(item, error, accounts)
                continue
            if reason:
                accounts.add(head.place, head.type, head.id, "not needed", reason)
                if _entered_in_error(item.resource):
                    accounts.findings.append(finding_of(item, "resource.entered-in-error", reason, "info"))
            else:
                found.append(item)
        return found


def _entered_in_error(resource: dict[str, Any]) -> bool:
    status = resource.get("status")
    verification = codings_of(resource.get("verificationStatus"))
    return status == "entered-in-error" or any(c.get("code") == "entered-in-error" for c in verification)


class _Work:
    """Rows, records and accounts of a bucket while it is being converted."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], tuple[tuple[str, ...], list[list[Any]]]] = {}
        self.records: list[tuple[str, str, int, int, str, str, str]] = []
        self.links: list[tuple[int, int]] = []
        self.accounts = Accounts()
        self.times: list[Times] = []
        self.hints: list[Hinted] = []
        self.terms: dict[tuple[str, ...], Finding] = {}
        self.next_row = 0

    def record(self, subject: str, head: Routed) -> int:
        place = head.place
        self.records.append((subject, place.file, place.line, place.entry, head.type, head.id, head.version))
        return len(self.records) - 1

    def result(self) -> Converted:
        by_domain: dict[str, list[pd.DataFrame]] = defaultdict(list)
        for (domain, _), (columns, values) in self.rows.items():
            by_domain[domain].append(pd.DataFrame(values, columns=[*ROW_COLUMNS, *columns], dtype=object))
        frames = {d: pd.concat(parts, ignore_index=True) for d, parts in by_domain.items()}
        self.accounts.findings += self.terms.values()
        records = pd.DataFrame(self.records, columns=RECORD_COLUMNS)
        return Converted(frames, records, self.links, self.accounts, self.times, self.hints)


class _Subject:
    """Maps the resources of one subject."""

    def __init__(self, converter: Converter, subject: str, items: list[Resource], work: _Work) -> None:
        self.engine = converter.engine
        self.shared = converter.shared
        self.watch = converter.watch
        self.subject = subject
        self.items = items
        self.work = work
        self.index = Index(converter.identities.servers)
        for item in reversed(items):
            self.index.add(item)
        self.used: set[int] = set()
        self.touched: list[int] = []
        self.rows_of: dict[int, list[int]] = defaultdict(list)
        self.pending: list[tuple[int, str, str]] = []
        self.current: Resource = items[0]
        self.dangling: set[tuple[int, str]] = set()
        self.deaths: dict[int, Death] = {}
        self.targets: dict[int, dict[int, Resource]] = defaultdict(dict)
        self.withheld: set[int] = set()
        self.clock = SubjectClock(self.engine.zones)

    def map(self) -> None:
        for item in self.items:
            item.number = self.work.record(self.subject, item.head)
        made = {item.number: self._rows(item) for item in self.items}
        self.items = [item for item in self.items if made[item.number] is not None]
        if not any(row.source.domain == "DM" for rows in made.values() for row, _ in rows or ()):
            reject_orphans(self.subject, self.items, self.work.accounts)
            return
        self.deaths = self._deaths()
        for item in self.items:
            self.current = item
            for row, touched in made[item.number] or ():
                self._keep(row, item, touched)
        self._book({number: len(rows or ()) for number, rows in made.items()})
        self._watch(made)
        self._hint(made)
        self._link()
        if times := self.clock.times(self.subject):
            self.work.times.append(times)

    def _rows(self, item: Resource) -> list[tuple[Row, tuple[int, ...]]] | None:
        """The rows of a resource, each with the records that it was filled from; None if it has no FHIR shape."""
        self.current = item
        self.touched.clear()
        found: list[tuple[Row, tuple[int, ...]]] = []
        if item.aside:
            return found
        try:
            for resource in (item.resource, *self._held(item.resource)):
                context = Context(resource, self.resolve, self.peek)
                for row in self.engine.rows(resource, context, self._report, self._date):
                    found.append((row, tuple(self.touched)))
                    self.touched.clear()
        except ODD_SHAPE as error:
            reject_shape(item, error, self.work.accounts)
            return None
        return found

    def _date(self, text: str) -> str:
        """A date of the current resource as --DTC on the clock of its site."""
        return self.clock.read(text, self.current.number, self.current.head.base)

    def _held(self, resource: dict[str, Any]) -> list[dict[str, Any]]:
        """The Observations inside a report that are facts."""
        return [one for one in held_observations(resource) if not self.engine.not_a_fact(one)]

    def _deaths(self) -> dict[int, Death]:
        """What the records of the subject say of a death, by record number."""
        found = {}
        for item in self.items:
            if item.aside:
                continue
            self.current = item
            try:
                context = Context(item.resource, self.peek, self.peek)
                death = self.engine.deaths.read(item.resource, context, self._date)
            except ODD_SHAPE as error:
                reject = f"cannot be asked for a death ({type(error).__name__})"
                self.work.accounts.findings.append(finding_of(item, "death.unreadable", reject))
                continue
            if death is not None:
                found[item.number] = death
        return found

    def _hint(self, made: Mapping[int, list[tuple[Row, tuple[int, ...]]] | None]) -> None:
        """Note the records that may say what decides an endpoint, and that nothing reads as such."""
        for item in self.items:
            if item.number in self.deaths:
                continue
            raw, kind = item.head.raw.lower(), item.head.type
            domains = {row.source.domain for row, _ in made[item.number] or ()}
            for one in self.engine.hints:
                if one.reads(kind, raw, item.resource, domains):
                    self.work.hints.append(Hinted(self.subject, one.rule, f"{kind}/{item.head.id}"))

    def _keep(self, row: Row, item: Resource, touched: tuple[int, ...]) -> None:
        spec = row.source.spec
        _, values = self.work.rows.setdefault((row.source.domain, spec.name), (row.source.columns, []))
        number = self.work.next_row
        self.work.next_row += 1
        if spec.fallback:
            self._own_term(item, row.code)
        encounter = self.index.find(row.encounter, item.head.base)
        if row.encounter and encounter is None and not row.encounter.startswith("#"):
            self._dangling(row.encounter)
        if row.source.domain == "DM" and "deceasedDateTime" not in item.resource:
            # They date the death, or say that there was one.
            touched = (*touched, *self.deaths)
        used = tuple(dict.fromkeys(n for n in touched if n != item.number))
        values.append(
            [
                self.subject,
                number,
                item.number,
                f"{row.source.domain}/{spec.name}",
                encounter.number if encounter is not None else -1,
                used,
                row.drug,
                "Y" if row.antineoplastic else "",
                "Y" if row.no_unit else "",
                tuple(sorted(self.deaths.values())) if row.source.domain == "DM" else (),
                *row.values,
            ]
        )
        self.used.update(used)
        self.rows_of[item.number].append(number)
        self.pending += [(number, reference, item.head.base) for reference in row.links]

    def resolve(self, reference: str) -> dict[str, Any] | None:
        """The resource that a reference of the current resource points at: contained, the patient's, or shared."""
        if reference.startswith("#"):
            return self.peek(reference)
        found = self._find(reference)
        if found is None:
            self._dangling(reference)
            return None
        if found.number >= 0:
            self.touched.append(found.number)
        self.targets[self.current.number][id(found)] = found
        return found.resource

    def peek(self, reference: str) -> dict[str, Any] | None:
        """The same, leaving no trace in lineage or findings."""
        if reference.startswith("#"):
            contained = self.current.resource.get("contained")
            held = contained if isinstance(contained, list) else []
            return next((r for r in held if isinstance(r, dict) and r.get("id") == reference[1:]), None)
        found = self._find(reference)
        return found.resource if found is not None else None

    def _find(self, reference: str) -> Resource | None:
        """The subject's own resource, or a shared one, which has no number among the records."""
        base = self.current.head.base
        return self.index.find(reference, base) or self.shared.find(reference, base)

    def _dangling(self, reference: str) -> None:
        """Report, once for a resource, a reference whose target was not read."""
        key = (self.current.number, reference)
        if key not in self.dangling:
            self.dangling.add(key)
            shown = shown_reference(reference)
            message = f"points at {shown}, which was not read"
            if condition_of(reference):
                base = self.current.head.base
                many = len(self.index.matches(reference, base)) + len(self.shared.matches(reference, base))
                message = f"points at {shown}, which {many} of the resources that were read answer to; one must"
            self.work.accounts.findings.append(
                replace(finding_of(self.current, "reference.dangling", message), value=shown)
            )

    def _report(self, rule: str, variable: str, value: str, message: str) -> None:
        if rule == "text.withheld":
            self._withhold(variable, message)
            return
        if rule == "privacy.identifier":
            # The same of every record: said once for each variable.
            made = replace(finding_of(self.current, rule, "", "info"), message=f"{variable}: {message}")
            add_finding(self.work.terms, replace(made, variable=variable, value=variable))
            return
        about = f"{variable}: " if variable else ""
        known = rule in _EXPLAINED or (rule, message) == ("record.incomplete", NO_DATE)
        severity = "info" if known else "warning"
        finding = finding_of(self.current, rule, f"{about}{value + ' ' if value else ''}{message}", severity)
        finding = replace(finding, variable=variable, value=value)
        if rule.startswith(("codelist.", "unit.")):
            # The same unknown term comes with every patient; it is said once, with its count.
            add_finding(self.work.terms, replace(finding, message=f"{variable}: {value!r} {message}"))
        else:
            self.work.accounts.findings.append(finding)

    def _withhold(self, variable: str, reason: str) -> None:
        """Count a text of a person that is not taken up, by type of resource, variable and reason; never show it."""
        self.withheld.add(self.current.number)
        kind = self.current.head.type
        said = f"{kind}: {variable}: a text is left out because {reason}; [privacy] notes = true keeps such texts"
        made = replace(finding_of(self.current, "text.withheld", ""), message=said, variable=variable)
        add_finding(self.work.terms, replace(made, value=f"{kind}: {reason}"))

    def _book(self, made: dict[int, int]) -> None:
        for item in self.items:
            head, count = item.head, made[item.number]
            if count:
                outcome, reason = "mapped", ""
            elif item.number in self.withheld:
                outcome, reason = "not needed", "the free text of a person, which the study does not ask for"
            elif item.number in self.used:
                outcome, reason = "mapped", "supports the records that point at it"
            elif item.aside:
                outcome, reason = "not needed", item.aside
            elif head.type in SUPPORTING_TYPES:
                outcome, reason = "not needed", "no mapped record points at it"
            elif head.type not in self.engine.by_type:
                outcome, reason = "not needed", NOT_READ
            else:
                outcome, reason = "not needed", self._unmapped(item)
            self.work.accounts.add(head.place, head.type, head.id, outcome, reason)

    def _watch(self, made: Mapping[int, list[tuple[Row, tuple[int, ...]]] | None]) -> None:
        """Note what nothing reads of the resources that became rows, and of those that rows were filled from."""
        for item in self.items:
            rows = made[item.number] or ()
            if not rows and item.number not in self.used:
                continue
            self.watch.count(item, (row.source.domain for row, _ in rows))
            if rows:
                self.current = item
                sources = {f"{row.source.domain}/{row.source.spec.name}" for row, _ in rows}
                self.watch.look(item, sources, [*self.targets[item.number].values()], self.peek)

    def _own_term(self, item: Resource, concept: Any) -> None:
        """Count a code that has no CDISC test, once for all patients: its result is kept under its own term."""
        coding = (codings_of(concept) or [{}])[0]
        code = f"{primitive_text(coding.get('system'))}|{primitive_text(coding.get('code'))}"
        label = concept_text(concept)
        text = f"{item.head.type}: code {code} ({label}) has no CDISC test; kept under its own term"
        made = replace(finding_of(item, "code.no-test", ""), message=text, value=code if code != "|" else label)
        add_finding(self.work.terms, made)

    def _unmapped(self, item: Resource) -> str:
        """Book a resource that no mapping claims, and count its code in one finding for all patients."""
        if none := self.engine.says_none(item.resource, Context(item.resource, self.peek, self.peek)):
            text = f"{item.head.type}: {none} says that there is none, or that nothing is known; it makes no record"
            add_finding(self.work.terms, replace(finding_of(item, "code.none", "", "info"), message=text, value=none))
            return "says that there is none, or that nothing is known"
        code = codings_of(item.resource.get("code"))
        system, value = (primitive_text(code[0].get(k)) for k in ("system", "code")) if code else ("", "")
        if not value:
            return "no mapping claims its content"
        kind = item.head.type
        label = concept_text(item.resource.get("code"))
        text = f"{kind}: code {system}|{value} ({label}) is claimed by no mapping"
        made = replace(finding_of(item, "code.unmapped", ""), message=text, value=f"{system}|{value}")
        add_finding(self.work.terms, made)
        return "no mapping claims its code"

    def _link(self) -> None:
        for row, reference, base in self.pending:
            target = self.index.find(reference, base)
            if target is not None:
                self.work.links += [(row, other) for other in self.rows_of.get(target.number, ())]
