"""Habits of delivery: a second delivery of everything, and two servers that number their resources alike."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from fhir2cdisc.fhir.simulation.chart import SHARED, Chart, Json
from fhir2cdisc.fhir.simulation.dialects import overall_response
from fhir2cdisc.fhir.simulation.habits.planted import Planted, written
from fhir2cdisc.fhir.simulation.molecular import progression_day

SERVERS = ("https://hospital-a.example/fhir", "https://hospital-b.example/fhir")


def redeliver(chart: Chart) -> tuple[list[Json], Planted]:
    """The older copies of a subject's resources; the written ones are the newer, and none has a version or time.

    The older Patient is alive, the older ResearchSubject on study, the older tumour without onset, and the older call
    of the first progression is preliminary and says stable disease where the newer one is amended.
    """
    for one in chart.resources:
        one["meta"] = {"tag": one["meta"]["tag"]}
    amended = _amended(chart)
    older = [_older(chart, one, amended) for one in chart.resources if one["id"] != _cause(chart)]
    order = "before" if chart.course.index % 2 else "after"
    return older, Planted(f"an older, poorer copy is delivered in a file that comes {order} the newer one by its name")


def _cause(chart: Chart) -> str:
    return chart.id("Observation", "cause-of-death")


def _amended(chart: Chart) -> str:
    """The id of the investigator's first call of progression, which is now amended; '' where there is none."""
    day = progression_day(chart.course)
    scan = next((one for one in chart.course.assessments if one.day == day), None)
    call = scan and written(chart, "Observation", f"OVRLRESP-{scan.number}-{scan.reads[0].evaluator}")
    if not call:
        return ""
    call["status"] = "amended"
    return str(call["id"])


def _older(chart: Chart, one: Json, amended: str) -> Json:
    made = deepcopy(one)
    if made["resourceType"] == "Patient":
        for name in ("deceasedDateTime", "deceasedBoolean", "address"):
            made.pop(name, None)
    elif made["resourceType"] == "ResearchSubject":
        made.pop("extension", None)
        made.update(status="on-study", period={"start": made["period"]["start"]})
    elif made["id"] == chart.id("Condition", "tumour"):
        made.pop("onsetDateTime", None)
    elif made["id"] == amended:
        _, element, value = overall_response(chart.dialect, "SD")
        made.update({"status": "preliminary", element: value})
    return made


def renumber(chart: Chart, older: list[Json]) -> tuple[str, Planted]:
    """Ids that count up at each server, references by type and id; the server on which the subject is."""
    server, turn = SERVERS[(chart.course.index + 1) % 2], (chart.course.index + 1) // 2
    counts: dict[str, int] = {}
    named: dict[str, str] = {}
    places: dict[str, str] = {}
    for one in chart.resources:
        kind, old = one["resourceType"], one["id"]
        counts[kind] = counts.get(kind, 0) + 1
        named[old] = f"{turn}-{counts[kind]}"
        places[f"urn:uuid:{old}"] = f"{kind}/{named[old]}"
    for one in (*chart.resources, *older):
        one["id"] = named[one["id"]]
        _lead(one, places)
    return server, Planted(f"{server}/Patient/{turn}-1; the other server has a Patient/{turn}-1 of its own")


def _lead(value: Any, places: dict[str, str]) -> None:
    if isinstance(value, list):
        for part in value:
            _lead(part, places)
    elif isinstance(value, dict):
        if value.get("reference") in places:
            value["reference"] = places[value["reference"]]
        for part in value.values():
            _lead(part, places)


def full_url(one: Json, server: str) -> str:
    """The place of a resource: at a server, or by its UUID; '' for a shared resource that no server is named for."""
    kind, ident = one["resourceType"], one.get("id")
    if not ident or (kind in SHARED and not server):
        return ""
    return f"{server}/{kind}/{ident}" if server else f"urn:uuid:{ident}"
