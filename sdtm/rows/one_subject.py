"""One subject: each of its resources mapped to rows, with what the rows point at, what was found and booked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol

from fhir2cdisc.fhir.accounts import add_finding
from fhir2cdisc.fhir.identity import Identities
from fhir2cdisc.fhir.path.expression import Context
from fhir2cdisc.fhir.route import NOT_READ
from fhir2cdisc.fhir.servers import condition_of, shown_reference
from fhir2cdisc.sdtm.rows.clocks import SubjectClock
from fhir2cdisc.sdtm.rows.completeness import NO_DATE
from fhir2cdisc.sdtm.rows.death_records import Death
from fhir2cdisc.sdtm.rows.engine import SUPPORTING_TYPES, Engine, Row
from fhir2cdisc.sdtm.rows.hints import Hinted
from fhir2cdisc.sdtm.rows.reports import held_observations
from fhir2cdisc.sdtm.rows.resources import (
    Index,
    Resource,
    finding_of,
    reject_orphans,
    reject_shape,
)
from fhir2cdisc.sdtm.rows.shapes import primitive_text, several_values
from fhir2cdisc.sdtm.rows.texts import codings_of, concept_text
from fhir2cdisc.sdtm.rows.unused import Watch
from fhir2cdisc.sdtm.rows.work import Work

# What was done to a record with nothing lost or guessed.
_EXPLAINED = ("dose.converted", "medication.split")
# What a path or verb raises on JSON that has not the shape of FHIR; one such record must not stop a run.
ODD_SHAPE = (ValueError, TypeError, AttributeError, LookupError, ArithmeticError, RecursionError)


class Given(Protocol):
    """What mapping a subject needs of the bucket's converter."""

    engine: Engine
    shared: Index
    watch: Watch
    identities: Identities


class SubjectMapper:
    """Maps the resources of one subject into the work of its bucket."""

    def __init__(self, given: Given, subject: str, items: list[Resource], work: Work) -> None:
        self.engine = given.engine
        self.shared = given.shared
        self.watch = given.watch
        self.subject = subject
        self.items = items
        self.work = work
        self.index = Index(given.identities.servers)
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
        if item.head.type == "Observation" and (names := several_values(item.resource)):
            self._report("value.two", "", "", f"has more than one value ({names}); R4 allows one, and only one is read")
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
