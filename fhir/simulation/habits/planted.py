"""What a habit plants in the written resources of one subject, and how it finds and changes them.

A habit never touches the course: it works on the resources that were written from it, so the truth stays what it was.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fhir2cdisc.fhir.simulation.chart import Chart, Json

SAME = "same numbers"


@dataclass(frozen=True, slots=True)
class Planted:
    """One planted thing.

    `expected` is `same numbers`, or `finding: ...` with the fact that is not known any more from what is written;
    `truth` holds facts that no other table of the truth has, as `NAME=value`.
    """

    what: str
    expected: str = SAME
    truth: str = ""


Plant = Callable[[Chart], list[Planted]]


def of(chart: Chart, kind: str) -> list[Json]:
    """The written resources of a type."""
    return [one for one in chart.resources if one["resourceType"] == kind]


def written(chart: Chart, kind: str, key: str) -> Json | None:
    """The resource that was written under a type and key, or None."""
    ident = chart.id(kind, key)
    return next((one for one in chart.resources if one["id"] == ident), None)


def drop(chart: Chart, idents: set[str]) -> int:
    """Take resources out by their id; how many there were."""
    before = len(chart.resources)
    chart.resources[:] = [one for one in chart.resources if one["id"] not in idents]
    return before - len(chart.resources)


def redirect(chart: Chart, moved: dict[str, str]) -> None:
    """Let every reference to an old place lead to the new one."""
    for one in chart.resources:
        _redirect(one, moved)


def _redirect(value: Any, moved: dict[str, str]) -> None:
    if isinstance(value, list):
        for part in value:
            _redirect(part, moved)
    elif isinstance(value, dict):
        reference = value.get("reference")
        if isinstance(reference, str) and reference in moved:
            value["reference"] = moved[reference]
        for part in value.values():
            _redirect(part, moved)
