"""What of the mapped resources nothing read: element by element, by resource type and path.

A resource can become a row although half of it was dropped. So that this is seen, one resource of each form is mapped
once more under watch: what no variable, key, link or condition asked for is counted for all resources of that form.
Values of patients are neither kept nor shown: paths, codes and the addresses of extensions only.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
from fhir2cdisc.fhir.accounts import Accounts, Form
from fhir2cdisc.fhir.path.expression import Context, Path, compile_path
from fhir2cdisc.mappings.model import SourceMap
from fhir2cdisc.mappings.quiet import is_quiet
from fhir2cdisc.sdtm.rows.engine import Engine, Source
from fhir2cdisc.sdtm.rows.parts import parts_of
from fhir2cdisc.sdtm.rows.resources import Index, Resource
from fhir2cdisc.sdtm.rows.watched import Reading, Watched, first_code, read_through

COLUMNS = ["RESOURCE", "PATH", "RESOURCES", "OF", "CODE", "LINE"]
# Marks of items in a path: a place (`[2]`), or what the item is about (`[8867-4]`).
_MARK = re.compile(r"\[([^\]]*)\]")
_PLACE = re.compile(r"\[\d{1,3}\]")


Peek = Callable[[str], dict[str, Any] | None]


# (form, paths that were read) of a resource and of each that it points at.
Reads = tuple[tuple[bytes, frozenset[str]], ...]


@dataclass(slots=True)
class Known:
    """What a worker has learnt of forms: what their resources hold, and what the study's mapping reads of them."""

    leaves: dict[bytes, tuple[str, str, dict[str, str]]] = field(default_factory=dict)
    reads: dict[tuple[object, ...], Reads] = field(default_factory=dict)


@dataclass(slots=True)
class Watch:
    """Looks at the mapped resources of a bucket: at one of each form closely, at all of them by count.

    `known` is what was learnt of forms in other buckets, which is the same for all of them.
    """

    engine: Engine
    known: Known
    forms: dict[bytes, Form] = field(default_factory=dict)
    looked: set[tuple[object, ...]] = field(default_factory=set)

    def count(self, item: Resource, domains: Iterable[str] = ()) -> None:
        """Count a resource that was mapped, or from which a mapped one was filled."""
        form = self._form(item)
        form.count += 1
        form.domains.update(domains)

    def look(self, item: Resource, sources: set[str], targets: Sequence[Resource], peek: Peek) -> None:
        """Map a resource again unless one of its form was, and note what is read of it and of what it points at.

        `sources` are the mappings that claimed it: they may have done so for a text, which is no part of the form.
        """
        key = (item.form, *sorted(sources), *(target.form for target in targets))
        if key in self.looked:
            return
        self.looked.add(key)
        if key not in self.known.reads:
            self.known.reads[key] = self._reads(item, sources, targets, peek)
        for one in (item, *targets):
            self._form(one)
        for form, paths in self.known.reads[key]:
            self.forms[form].read |= paths

    def _reads(self, item: Resource, sources: set[str], targets: Sequence[Resource], peek: Peek) -> Reads:
        own = Reading(item.resource)
        readings = {id(target.resource): Reading(target.resource) for target in targets}

        def resolve(reference: str) -> dict[str, Any] | None:
            if reference.startswith("#"):
                return own.contained(reference[1:])
            target = peek(reference)
            return readings[id(target)].whole if id(target) in readings else target

        self._read(own.whole, sources, Context(own.whole, resolve, resolve))
        found = [(target.form, readings[id(target.resource)]) for target in targets]
        return tuple((form, frozenset(reading.read())) for form, reading in ((item.form, own), *found))

    def _read(self, whole: Watched, claimed: set[str], context: Context) -> None:
        self.engine.not_a_fact(whole)
        self.engine.deaths.read(whole, context)
        for _ in self.engine.rows(whole, context, _said_before):
            pass
        # Which of several paths gave a value depends on the values: of a source that claims the resource, all count.
        for source in self.engine.by_type[str(whole.peek("resourceType"))]:
            if f"{source.domain}/{source.spec.name}" in claimed:
                for focus, around in self._foci(source, whole, context):
                    for path in _paths(source.spec):
                        read_through(path(focus, around))

    def _foci(self, source: Source, whole: Watched, context: Context) -> Iterable[tuple[Any, Context]]:
        """What the paths of a source begin at: the resource, what `each` gives, the components read like resources."""
        if source.each:
            return [(focus, context) for focus in source.each(whole, context)]
        parts = parts_of(whole, context, self.engine.test_of) if source.spec.components and "component" in whole else []
        return [(whole, context), *((part.resource, part.context) for part in parts)]

    def _form(self, item: Resource) -> Form:
        form = self.forms.get(item.form)
        if form is None:
            kind, code, leaves = self._held(item)
            form = self.forms[item.form] = Form(kind, code, leaves)
        return form

    def _held(self, item: Resource) -> tuple[str, str, dict[str, str]]:
        """Type and code of a resource and the values that resources of its form hold: path to kind."""
        if item.form not in self.known.leaves:
            kind = item.head.type
            leaves = Reading(item.resource).leaves
            kept = {one.path: one.kind for one in leaves if not is_quiet(kind, without_marks(one.path))}
            self.known.leaves[item.form] = (kind, first_code(item.resource), kept)
        return self.known.leaves[item.form]


def _paths(spec: SourceMap) -> tuple[Path, ...]:
    """Every path of the variables of a source."""
    variables = (*spec.variables.values(), *spec.supp.values())
    texts = [text for one in variables for text in (*one.path, *one.concept, one.when) if text]
    return tuple(map(compile_path, dict.fromkeys(texts)))


def _said_before(rule: str, variable: str, value: str, message: str) -> None:
    """What the second mapping of a resource reports, the first has reported."""


def count_shared(accounts: Accounts, shared: Index) -> None:
    """Count the resources that patients share, once each for the whole run, where mapped ones were filled from them."""
    counted = set()
    for item in shared.items.values():
        form = accounts.forms.get(item.form)
        if form is not None and id(item) not in counted:
            counted.add(id(item))
            form.count += 1


def without_marks(path: str) -> str:
    """`component[8867-4].valueQuantity` as `component.valueQuantity`."""
    return _MARK.sub("", path)


def unused(accounts: Accounts) -> pd.DataFrame:
    """What nothing read, a row for each resource type and path, the most frequent first.

    RESOURCES counts the mapped resources in which nothing read the path, OF all mapped resources of the type, CODE is
    the code (of the resource, or of its component) that most of them have, LINE what a line of a mapping would be.
    """
    held: Counter[tuple[str, str]] = Counter()
    totals: Counter[str] = Counter()
    codes: dict[tuple[str, str], Counter[str]] = {}
    lines: dict[tuple[str, str], set[str]] = {}
    for form in accounts.forms.values():
        totals[form.kind] += form.count
        here = set()
        for path in form.leaves.keys() - form.read:
            key = (form.kind, without_marks(path) + (", beyond the first" if _PLACE.search(path) else ""))
            here.add(key)
            codes.setdefault(key, Counter())[_about(path) or form.code] += form.count
            lines.setdefault(key, set()).add(_line(form, path))
        held.update(dict.fromkeys(here, form.count))
    rows = [
        (kind, path, count, totals[kind], _most(codes[kind, path]), min(lines[kind, path]))
        for (kind, path), count in held.items()
        if count
    ]
    return pd.DataFrame(sorted(rows, key=lambda row: (-row[2], row[:2])), columns=COLUMNS)


def _about(path: str) -> str:
    """The code of the innermost component that a path goes through."""
    return next((mark for mark in reversed(_MARK.findall(path)) if not (mark.isdigit() and len(mark) < 4)), "")


def _most(codes: Counter[str]) -> str:
    return min(codes, key=lambda code: (-codes[code], code))


def _line(form: Form, path: str) -> str:
    """The line of a mapping that would read a value, in a domain that the resource became."""
    # What only supports others is read from where they point at it.
    written = ("" if form.domains else "...resolve().") + without_marks(path)
    kind = form.leaves[path]
    if kind == "reference":
        written += ".display"
    how = "concept" if kind == "concept" else "path"
    verb = f', as = "{kind}"' if kind in ("dtc", "result") else ""
    table = f"{min(form.domains)} source.supp: " if form.domains else ""
    return f'{table}NAME = {{ {how} = "{written}"{verb}, label = "LABEL" }}'
