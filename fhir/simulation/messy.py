"""Planted defects: what goes wrong in hospital exports, each one written down in a ledger.

The truth stays valid: values are only spoilt in laboratory tests and vital signs, where a run is expected to report
the defect, and every other defect leaves the right record in place beside the wrong one.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from random import Random

from fhir2cdisc.fhir.simulation.chart import Json, stable_id
from fhir2cdisc.fhir.simulation.vocabulary import URN


@dataclass(frozen=True, slots=True)
class Defect:
    """One planted defect: rule, resource and what was done to it."""

    rule: str
    resource: str
    what: str


COPIES = ("duplicate", "superseded", "entered-in-error")
SPOILS = ("dangling-reference", "impossible-date", "wrong-unit", "local-code", "missing-id")
VERSIONED = {"Observation", "Condition", "Encounter", "AdverseEvent", "MedicationAdministration"}


def spoil(resources: list[Json], rate: float, key: str) -> tuple[list[Json], list[Defect]]:
    """The resources with about `rate` of them spoilt, and what was done; the same key plants the same defects."""
    rng = Random(f"messy|{key}")
    made: list[Json] = []
    defects: list[Defect] = []
    for one in resources:
        if one["resourceType"] not in VERSIONED or rng.random() >= rate:
            made.append(one)
            continue
        rule = rng.choice((*COPIES, *SPOILS) if _spoilable(one) else COPIES)
        if rule == "entered-in-error" and one["resourceType"] != "Observation":
            rule = "duplicate"
        kept, what = _plant(rule, one)
        made += kept
        defects.append(Defect(rule, f"{one['resourceType']}/{one['id']}", what))
    return made, defects


def _spoilable(one: Json) -> bool:
    """A laboratory test or vital sign with a single value, taken at a visit."""
    if one["resourceType"] != "Observation" or "valueQuantity" not in one or "encounter" not in one:
        return False
    return one["category"][0]["coding"][0]["code"] in ("laboratory", "vital-signs")


def _plant(rule: str, one: Json) -> tuple[list[Json], str]:
    copy = deepcopy(one)
    if rule == "duplicate":
        return [one, copy], "the same version twice"
    if rule == "superseded":
        return _superseded(one, copy)
    if rule == "entered-in-error":
        copy["id"] = stable_id(f"error|{one['id']}")
        copy["status"] = "entered-in-error"
        return [one, copy], f"a copy under id {copy['id']} is entered in error"
    return [copy], _SPOILERS[rule](copy)


def _superseded(one: Json, old: Json) -> tuple[list[Json], str]:
    """The current version is 2; version 1 follows it in the file and holds another value."""
    new = deepcopy(one)
    new["meta"]["versionId"] = "2"
    if "valueQuantity" in old:
        old["valueQuantity"]["value"] = round(old["valueQuantity"]["value"] + 7, 1)
    elif old["resourceType"] == "AdverseEvent":
        old["outcome"] = {"coding": [{**old["outcome"]["coding"][0], "code": "unknown"}]}
    old["meta"]["lastUpdated"] = "2018-01-01T00:00:00Z"
    return [new, old], "version 2 is current; version 1 follows it"


def _dangle(copy: Json) -> str:
    copy["encounter"] = {"reference": f"Encounter/{stable_id('nowhere|' + copy['id'])}"}
    return "encounter refers to a resource that does not exist"


def _impossible(copy: Json) -> str:
    copy["effectiveDateTime"] = f"{copy['effectiveDateTime'][:4]}-02-30"
    return f"effectiveDateTime is {copy['effectiveDateTime']}"


def _unit(copy: Json) -> str:
    was = copy["valueQuantity"]["code"]
    now = "mg/dL" if was != "mg/dL" else "g/L"
    copy["valueQuantity"].update(unit=now, code=now)
    return f"unit {now} instead of {was}"


def _localise(copy: Json) -> str:
    was = copy["code"]["coding"][0]["code"]
    copy["code"] = {"coding": [{"system": URN + "site-local", "code": f"L{stable_id(was)[:6]}"}]}
    return f"code {was} replaced by a local code"


def _unname(copy: Json) -> str:
    del copy["id"]
    return "the resource has no id"


_SPOILERS = {
    "dangling-reference": _dangle,
    "impossible-date": _impossible,
    "wrong-unit": _unit,
    "local-code": _localise,
    "missing-id": _unname,
}
