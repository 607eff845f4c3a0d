"""A resource whose objects note which of their elements are asked for, and the values that it holds."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

# Objects that are one value, by the elements that they may have: what is asked for is the whole of it.
_ALWAYS = frozenset({"extension", "id"})
_CONCEPT = frozenset({"coding", "text"}) | _ALWAYS
_CODING = frozenset({"system", "code", "display", "version", "userSelected"}) | _ALWAYS
_REFERENCE = frozenset({"reference", "display", "type", "identifier"}) | _ALWAYS
_QUANTITY = frozenset({"value", "unit", "code", "system", "comparator"}) | _ALWAYS
_IDENTIFIER = frozenset({"system", "value", "use", "type", "assigner", "period"}) | _ALWAYS
_PAIR = frozenset({"numerator", "denominator", "low", "high"}) | _ALWAYS
_DATE = re.compile(r"\d{4}-\d\d(-\d\d)?(T|$)")

Asked = set[tuple[str, str]]


class Leaf(NamedTuple):
    """One value of a resource: its path, the question that reads it, and how a mapping would read it."""

    path: str
    question: tuple[str, str]
    kind: str

    def was_read(self, asked: Asked) -> bool:
        """Whether the question was put; for an item of a list whether anything looked into it."""
        path, element = self.question
        return self.question in asked if element else any(one == path for one, _ in asked)


class Watched(dict[str, Any]):
    """An object of a resource that notes which of its elements are asked for."""

    __slots__ = ("asked", "path")

    def __init__(self, path: str, asked: Asked) -> None:
        super().__init__()
        self.path = path
        self.asked = asked

    def hold(self, key: str, value: Any) -> None:
        dict.__setitem__(self, key, value)

    def peek(self, key: str) -> Any:
        """An element, without a note."""
        return dict.get(self, key)

    def get(self, key: str, default: Any = None) -> Any:
        self.asked.add((self.path, key))
        return dict.get(self, key, default)

    def __getitem__(self, key: str) -> Any:
        self.asked.add((self.path, key))
        return dict.__getitem__(self, key)

    def __contains__(self, key: object) -> bool:
        self.asked.add((self.path, str(key)))
        return dict.__contains__(self, key)


class Joined(Watched):
    """A component with what it shares with its resource: a question about an element goes to the one that has it."""

    __slots__ = ("component", "resource")

    def __init__(self, held: dict[str, Any], component: Watched, resource: Watched) -> None:
        super().__init__(component.path, component.asked)
        self.component, self.resource = component, resource
        for key, value in held.items():
            self.hold(key, value)

    def _ask(self, key: object) -> None:
        owner = self.component if dict.__contains__(self.component, key) else self.resource
        self.asked.add((owner.path, str(key)))

    def get(self, key: str, default: Any = None) -> Any:
        self._ask(key)
        return dict.get(self, key, default)

    def __getitem__(self, key: str) -> Any:
        self._ask(key)
        return dict.__getitem__(self, key)

    def __contains__(self, key: object) -> bool:
        self._ask(key)
        return dict.__contains__(self, key)


def read_through(values: list[Any]) -> None:
    """Note that each of some values was read: also those of a list that come after the first."""
    for value in values:
        if isinstance(value, Watched):
            value.asked.add((value.path, ""))


class Reading:
    """One resource under watch: `whole` to be mapped, `leaves` its values, `asked` what was asked for."""

    def __init__(self, resource: dict[str, Any]) -> None:
        self.asked: Asked = set()
        self.leaves: list[Leaf] = []
        self.whole = self._object(resource, "")

    def read(self) -> set[str]:
        """The paths of the values that something asked for."""
        return {leaf.path for leaf in self.leaves if leaf.was_read(self.asked)}

    def contained(self, id_: str) -> Watched | None:
        """The contained resource of an id."""
        held = self.whole.peek("contained")
        found = (one for one in held or () if isinstance(one, Watched) and one.peek("id") == id_)
        return next(found, None)

    def _object(self, value: dict[str, Any], path: str) -> Watched:
        made = Watched(path, self.asked)
        for key, part in value.items():
            if key == "url" and path.endswith("')"):
                # The address of an extension stands in the path.
                made.hold(key, part)
                continue
            below = f"{path}.{key}" if path else key
            if isinstance(part, list):
                made.hold(
                    key, [self._part(item, f"{below}{_mark(item, n)}", (path, key), n) for n, item in enumerate(part)]
                )
            else:
                made.hold(key, self._part(part, below, (path, key), 0))
        return made

    def _part(self, part: Any, path: str, question: tuple[str, str], number: int) -> Any:
        kind = value_kind(question[1], part)
        if not kind:
            return self._object(part, path) if isinstance(part, dict) else part
        inside = isinstance(part, dict)
        # Of a list, what comes after the first is read only where something looks into it.
        self.leaves.append(Leaf(path, (path, "") if number and inside else question, kind))
        return self._inside(part, path) if inside else part

    def _inside(self, part: Any, path: str) -> Any:
        """What is within one value: to look at any of it is to look at the value."""
        if isinstance(part, dict):
            made = Watched(path, self.asked)
            for key, one in part.items():
                made.hold(key, self._inside(one, path))
            return made
        return [self._inside(one, path) for one in part] if isinstance(part, list) else part


def value_kind(element: str, part: Any) -> str:
    """How a mapping reads a value: concept, reference, dtc, result or path; blank for an object of several values."""
    if not isinstance(part, dict):
        is_date = isinstance(part, str) and _DATE.match(part) and element != "value"
        return "" if isinstance(part, list) else "dtc" if is_date else "path"
    keys = part.keys()
    if keys <= _CONCEPT and keys & {"coding", "text"} and element != "note":
        return "concept"
    if keys <= _REFERENCE and keys & {"reference", "display"}:
        return "reference"
    if keys <= _QUANTITY and "value" in keys and (keys & {"unit", "code"} or element.endswith("Quantity")):
        return "result"
    if keys <= _CODING and "code" in keys:
        return "concept"
    if keys <= _IDENTIFIER and {"value", "system"} <= keys:
        return "path"
    return "result" if keys <= _PAIR and keys - _ALWAYS else ""


def _mark(item: Any, number: int) -> str:
    """What tells an item of a list from the others: an extension its address, a component its code, else its place."""
    if isinstance(item, dict):
        if isinstance(url := item.get("url"), str):
            return f"('{url}')"
        if isinstance(link := item.get("linkId"), str):
            return f"[{link}]"
        if code := first_code(item):
            return f"[{code}]"
    return f"[{number}]" if number else ""


def first_code(resource: dict[str, Any]) -> str:
    """The first code of what a resource or component is about; blank where it has none."""
    code = resource.get("code")
    codings = code.get("coding") if isinstance(code, dict) else None
    first = codings[0] if isinstance(codings, list) and codings else None
    return str(first.get("code") or "") if isinstance(first, dict) else ""
