"""A simulated study with what its methods speak of, finished and beside the resources that it was made of."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
from fhir2cdisc.converters.run.pipeline import RunOptions, SdtmRun, build_sdtm
from fhir2cdisc.fhir.simulation.simulate import Order, simulate
from fhir2cdisc.mappings.study import Study, load_study

Row = dict[str, Any]
STUDY = "axitinib-toripalimab"
US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-"


@dataclass
class Made:
    """The finished datasets of the study, as rows, and the resources behind them."""

    run: SdtmRun
    study: Study
    resources: dict[tuple[str, str], dict[str, Any]]

    def rows(self, dataset: str) -> list[Row]:
        frame = self.run.sdtm.frames.get(dataset, pd.DataFrame())
        return [{k: "" if pd.isna(v) else v for k, v in row.items()} for row in frame.to_dict("records")]

    @cached_property
    def dm(self) -> dict[str, Row]:
        return {row["USUBJID"]: row for row in self.rows("DM")}

    def of(self, dataset: str) -> dict[str, list[Row]]:
        """The rows of a dataset by subject."""
        found = defaultdict(list)
        for row in self.rows(dataset):
            found[row["USUBJID"]].append(row)
        return found

    def having(self, *suffixes: str) -> Iterator[tuple[str, list[Row]]]:
        """Domain and rows of every domain with these variables of its own."""
        for domain, frame in sorted(self.run.sdtm.frames.items()):
            if len(domain) == 2 and all(f"{domain}{suffix}" in frame for suffix in suffixes):
                yield domain, self.rows(domain)

    @cached_property
    def origins(self) -> dict[tuple[str, str, float], dict[str, Any]]:
        """(dataset, subject, --SEQ; VISITNUM in SV, 0 in DM) to the resource that the record was made of."""
        lineage = self.run.sdtm.lineage[self.run.sdtm.lineage["ROLE"] == "source"]
        keys = zip(lineage["DATASET"], lineage["USUBJID"], lineage["SEQ"], strict=True)
        places = zip(lineage["RESOURCE"], lineage["ID"], strict=True)
        return {key: self.resources[place] for key, place in zip(keys, places, strict=True)}

    def origin(self, domain: str, row: Row) -> dict[str, Any]:
        return self.origins[
            domain, row["USUBJID"], row.get(f"{domain}SEQ", row.get("VISITNUM", 0) if domain == "SV" else 0)
        ]


def prepared(path: Path, number: int) -> None:
    """What the simulator does not write: races, stays in hospital, relatives, centimetres, a third reader."""
    bundle = json.loads(path.read_text(encoding="utf-8"))
    resources = [entry["resource"] for entry in bundle["entry"]]
    for one in resources:
        if one["resourceType"] == "Patient":
            codes = {"race": [["2028-9"], ["2106-3"], ["2028-9", "2106-3"], []][number % 4]}
            codes["ethnicity"] = [["2186-5", "2135-2"][number % 2]]
            one["extension"] = [{"url": f"{US_CORE}{name}", "extension": coded(*some)} for name, some in codes.items()]
        if one["resourceType"] == "MedicationStatement" and number % 2:
            one["status"] = "active"
            one["effectivePeriod"].pop("end", None)
        if number % 4 == 3:
            centimetres(one)
    read = [one for one in resources if one["resourceType"] == "Observation" and "performer" in one]
    for one in read if number % 4 == 2 else ():
        if int(one["effectiveDateTime"][5:7]) % 2:
            one["performer"] = [{"reference": "Practitioner/a-third-reader"}]
    patient = next(one["id"] for one in resources if one["resourceType"] == "Patient")
    subject = next(one["subject"] for one in resources if one["resourceType"] == "Encounter")
    bundle["entry"] += [{"resource": one} for one in (*relatives(patient, subject), stay(patient, subject, number))]
    if number == 1:
        bundle["entry"] = [e for e in bundle["entry"] if e["resource"]["resourceType"] != "MedicationAdministration"]
    path.write_text(json.dumps(bundle), encoding="utf-8")


def relatives(patient: str, subject: dict[str, Any]) -> list[dict[str, Any]]:
    """Two of the patient's, one with two conditions."""
    return [
        {
            "resourceType": "FamilyMemberHistory",
            "id": f"{patient}-{relation}",
            "status": "completed",
            "patient": subject,
            "relationship": {"text": relation},
            "condition": [{"code": {"text": had}} for had in conditions],
        }
        for relation, conditions in (("aunt", ("Stroke", "Asthma")), ("brother", ("Gout",)))
    ]


def stay(patient: str, subject: dict[str, Any], number: int) -> dict[str, Any]:
    """A stay in hospital, which goes on in every second patient."""
    period = {"start": "2022-03-05"} if number % 2 else {"start": "2022-03-05", "end": "2022-03-08"}
    return {
        "resourceType": "Encounter",
        "id": f"{patient}-stay",
        "status": "in-progress" if number % 2 else "finished",
        "class": {"code": "IMP"},
        "type": [{"text": "Inpatient stay"}],
        "subject": subject,
        "period": period,
    }


def coded(*codes: str) -> list[dict[str, Any]]:
    return [{"url": "ombCategory", "valueCoding": {"code": code}} for code in codes]


def centimetres(one: dict[str, Any]) -> None:
    """The lengths of an Observation written in centimetres."""
    for part in (one, *one.get("component", ())):
        quantity = part.get("valueQuantity", {})
        if quantity.get("code") == "mm":
            value = float(Decimal(str(quantity["value"])) / 10)
            part["valueQuantity"] = {"value": value, "unit": "cm", "code": "cm"}


def build(folder: Path) -> Made:
    """Sixteen patients of one study; of who gets no dose time starts with the enrolment."""
    study = load_study(STUDY)
    reference = study.reference.model_copy(update={"start": ("first-dose", "enrolment")})
    study = study.model_copy(update={"reference": reference})
    simulate(Order(study, seed=5, patients=16), folder)
    paths = sorted((folder / "fhir").glob("*.json"))
    for number, path in enumerate(path for path in paths if path.name.startswith("patient")):
        prepared(path, number)
    entries = [entry["resource"] for path in paths for entry in json.loads(path.read_text(encoding="utf-8"))["entry"]]
    resources = {(one["resourceType"], one["id"]): one for one in entries}
    return Made(build_sdtm([folder / "fhir"], study, RunOptions()), study, resources)
