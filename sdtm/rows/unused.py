"""What of the mapped resources nothing read: element by element, by resource type and path.

A resource can become a row although half of it was dropped. So that this is seen, one resource of each form is mapped
once more under watch: what no variable, key, link or condition asked for is counted for all resources of that form.
Values of patients are neither kept nor shown: paths, codes and the addresses of extensions only.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
from fhir2cdisc.fhir.accounts import Accounts, Form
from fhir2cdisc.fhir.path.expression import Context
from fhir2cdisc.mappings.quiet import is_quiet
from fhir2cdisc.sdtm.rows.engine import Engine
from fhir2cdisc.sdtm.rows.resources import Index
from fhir2cdisc.sdtm.rows.watched import Reading, first_code, form_of

COLUMNS = ["RESOURCE", "PATH", "RESOURCES", "OF", "CODE", "LINE"]
# Marks of items in a path: a place (`[2]`), or what the item is about (`[8867-4]`).
_MARK = re.compile(r"\[([^\]]*)\]")
_PLACE = re.compile(r"\[\d{1,3}\]")
_EXTENSION = re.compile(r"(?:modifierE|e)xtension\('[^']*'\)")


@dataclass(slots=True)
class Watch:
    """Looks at the mapped resources of a bucket: at one of each form closely, at all of them by count."""

    engine: Engine
    forms: dict[Any, Form] = field(default_factory=dict)
    looked: set[Any] = field(default_factory=set)

    def count(self, resource: dict[str, Any], domains: Iterable[str] = ()) -> None:
        """Count a resource that was mapped, or from which a mapped one was filled."""
        form = self._form(resource)
        form.count += 1
        form.domains.update(domains)

    def look(
        self, resource: dict[str, Any], targets: Iterable[dict[str, Any]], peek: Callable[[str], dict[str, Any] | None]
    ) -> None:
        """Map a resource again unless one of its form was, and note what is read of it and of what it points at."""
        key = (form_of(resource), *map(form_of, targets))
        if key in self.looked:
            return
        self.looked.add(key)
        own, followed = Reading(resource), _Followed(peek)

        def resolve(reference: str) -> dict[str, Any] | None:
            return own.contained(reference[1:]) if reference.startswith("#") else followed(reference)

        context = Context(own.whole, resolve, resolve)
        self.engine.not_a_fact(own.whole)
        for _ in self.engine.rows(own.whole, context, _said_before):
            pass
        self.engine.deaths.read(own.whole, context)
        for one, reading in ((resource, own), *followed.readings.values()):
            self._form(one).read |= reading.read()

    def _form(self, resource: dict[str, Any]) -> Form:
        sign = form_of(resource)
        if sign not in self.forms:
            kind = str(resource.get("resourceType"))
            leaves = {
                leaf.path: leaf.kind
                for leaf in Reading(resource).leaves
                if not is_quiet(kind, without_marks(leaf.path))
            }
            self.forms[sign] = Form(kind, first_code(resource), leaves)
        return self.forms[sign]


class _Followed:
    """The resources that references lead to, each under watch once."""

    def __init__(self, peek: Callable[[str], dict[str, Any] | None]) -> None:
        self.peek = peek
        self.readings: dict[int, tuple[dict[str, Any], Reading]] = {}

    def __call__(self, reference: str) -> dict[str, Any] | None:
        target = self.peek(reference)
        if target is None:
            return None
        return self.readings.setdefault(id(target), (target, Reading(target)))[1].whole


def _said_before(rule: str, variable: str, value: str, message: str) -> None:
    """What the second mapping of a resource reports, the first has reported."""


def count_shared(accounts: Accounts, shared: Index) -> None:
    """Count the resources that patients share, once each for the whole run, where mapped ones were filled from them."""
    counted = set()
    for item in shared.items.values():
        form = accounts.forms.get(form_of(item.resource))
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
    how = {"concept": f'concept = "{written}"', "dtc": f'path = "{written}", as = "dtc"'}
    how["result"] = f'path = "{written}", as = "result"'
    table = f"{min(form.domains)} source.supp: " if form.domains else ""
    return f"{table}NAME = {{ {how.get(kind, f'path = {written!r}'.replace(chr(39), chr(34)))} }}"
