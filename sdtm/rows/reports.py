"""What a report holds inside itself: Observations that have no life of their own (`DiagnosticReport.contained`).

They are read as if they stood beside the report: of its patient, day and specimen where they name none. What else a
report points at is read where it stands.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

# What an Observation takes from its report where it says nothing itself.
_TAKEN = ("effectiveDateTime", "effectivePeriod", "specimen")


def held_observations(report: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The Observations inside a DiagnosticReport, each completed by the report and named by both ids."""
    held = report.get("contained")
    if report.get("resourceType") != "DiagnosticReport" or not isinstance(held, list):
        return
    for one in held:
        if not isinstance(one, dict) or one.get("resourceType") != "Observation":
            continue
        dated = any(key.startswith("effective") for key in one)
        taken = {key: report[key] for key in _TAKEN if key in report and not (dated and key.startswith("effective"))}
        specimen = taken.get("specimen")
        if isinstance(specimen, list):
            taken["specimen"] = specimen[0] if len(specimen) == 1 else None
        made = {key: value for key, value in taken.items() if value is not None} | one
        yield made | {"id": f"{report.get('id', '')}.{one.get('id', '')}".strip(".")}
