"""A study as data: identity, cohort, treatments, reference dates, response rules, endpoints.

A study is one TOML file, checked by the frozen models below; an unknown key is refused. `stated` in a section
names the options that the protocol itself states; every other option of that section is a default of the
project, and the run says so.
"""

from __future__ import annotations

import csv
import tomllib
from pathlib import Path
from typing import Literal

from fhir2cdisc.mappings.parameters import TimeToEvent, builtin_parameters
from fhir2cdisc.mappings.study_base import Code, Drug, Model, Section, StudyError, is_known_day
from fhir2cdisc.mappings.study_facts import Clock, Death, Diagnosis, NewTherapy, Treatment
from fhir2cdisc.mappings.study_parameters import is_composite, parameters_needed
from fhir2cdisc.mappings.study_sections import (
    EVAL,
    FAS,
    SAF,
    Biomarker,
    Censoring,
    Criterion,
    Design,
    Endpoint,
    Interim,
    Population,
    Privacy,
    Questionnaire,
    Response,
    Safety,
    Schedule,
    Statistics,
    TrialParameter,
    Tripwires,
)
from fhir2cdisc.mappings.study_simulation import Simulation
from pydantic import Field, ValidationError, field_validator, model_validator

__all__ = [
    "Arm",
    "Code",
    "Cohort",
    "Diagnosis",
    "Drug",
    "Identity",
    "Model",
    "Reference",
    "Section",
    "Study",
    "StudyError",
    "builtin_studies",
    "load_study",
]


class Arm(Model):
    """An arm or treatment programme; of two that fit, the one with the lower `precedence` number wins."""

    code: str
    label: str
    drugs: tuple[str, ...] = ()
    any_class: tuple[str, ...] = ()
    all_class: tuple[str, ...] = ()
    precedence: int = 1


class Cohort(Section):
    """Who belongs to the study.

    `membership`: `research-subject` (a ResearchSubject of this study), `condition` (a Condition with one of the
    codes), `all` (every patient in the source).
    """

    membership: Literal["research-subject", "condition", "all"] = "research-subject"
    conditions: tuple[Code, ...] = ()
    research_study: tuple[str, ...] = ()


class Identity(Section):
    """Which patients' records are of one person, beside what Patient.link says.

    `same` are groups of keys: `Patient/1`, or `SITE=Patient/1` where sources are named, or `host/fhir/Patient/1` where
    several servers are read. `links` is a CSV file without head, a group in each line, beside the study file.
    """

    same: tuple[tuple[str, ...], ...] = ()
    links: str = ""


class Reference(Section):
    """Where time starts, and what counts as exposure.

    `start` is an order of preference: the first that the subject has gives RFSTDTC. `exposure` names the
    resource types that become EX; an order (MedicationRequest) is not exposure unless it is named here, and what was
    handed out (MedicationDispense) is it, from that day for the days of supply, where it is named here. `orders` says
    whether an order of an antineoplastic drug may start time where no record says that the drug was given:
    `prescribed` (it does, with a finding) or `never`. A proposal or a plan never does.
    """

    start: tuple[Literal["first-dose", "first-antineoplastic", "diagnosis", "enrolment", "consent"], ...] = (
        "first-dose",
    )
    exposure: tuple[
        Literal["MedicationAdministration", "MedicationStatement", "MedicationRequest", "MedicationDispense"], ...
    ] = ("MedicationAdministration",)
    orders: Literal["prescribed", "never"] = "prescribed"
    os_start: Literal["reference", "first-dose", "diagnosis"] = "reference"
    antineoplastic: tuple[Drug, ...] = ()


class Study(Section):
    """One study file.

    `criteria` are the eligibility criteria (TI). `trial_summary` gives trial summary parameters (TS): those that
    the rest of the file cannot answer (blinding, randomisation, age and sex of who may take part, sponsor), or
    answers otherwise. What the file does not say is unknown (TSVALNF `UNK`). `time_to_event` adds time-to-event
    parameters to those that ship, or replaces one by its `paramcd`; `without_parameters` leaves out some of those that
    ship.
    """

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    studyid: str = Field(pattern=r"^[A-Z0-9][A-Z0-9-]{0,19}$")
    title: str
    synthetic: bool = False
    cohort: Cohort = Cohort()
    identity: Identity = Identity()
    reference: Reference = Reference()
    drugs: tuple[Drug, ...] = ()
    arms: tuple[Arm, ...] = ()
    cutoff: str = Field(default="", pattern=r"^(\d{4}-\d{2}-\d{2})?$")
    design: Design = Design()
    clock: Clock = Clock()
    death: Death = Death()
    treatment: Treatment = Treatment()
    new_therapy: NewTherapy = NewTherapy()
    diagnosis: Diagnosis = Diagnosis()
    response: Response = Response()
    schedule: Schedule = Schedule()
    safety: Safety = Safety()
    censoring: Censoring = Censoring()
    interim: Interim = Interim()
    tripwires: Tripwires = Tripwires()
    privacy: Privacy = Privacy()
    statistics: Statistics = Statistics()
    populations: tuple[Population, ...] = (FAS, SAF, EVAL)
    questionnaires: tuple[Questionnaire, ...] = ()
    biomarkers: tuple[Biomarker, ...] = ()
    endpoints: tuple[Endpoint, ...] = ()
    criteria: tuple[Criterion, ...] = ()
    trial_summary: tuple[TrialParameter, ...] = ()
    time_to_event: tuple[TimeToEvent, ...] = ()
    without_parameters: tuple[str, ...] = ()
    simulation: Simulation = Simulation()

    def endpoint(self, name: str) -> Endpoint:
        """The endpoint with this id; StudyError lists the ids that exist."""
        found = [one for one in self.endpoints if one.id == name]
        if not found:
            known = ", ".join(one.id for one in self.endpoints)
            raise StudyError(f"study {self.id} has no endpoint {name!r} (has: {known})")
        return found[0]

    @property
    def times(self) -> dict[str, TimeToEvent]:
        """The time-to-event parameters of the study by PARAMCD: those that ship, its own in their place or after."""
        shipped = {one.paramcd: one for one in builtin_parameters().time_to_event}
        found = shipped | {one.paramcd: one for one in self.time_to_event}
        return {code: one for code, one in found.items() if code not in self.without_parameters}

    @field_validator("cutoff")
    @classmethod
    def _is_a_day(cls, cutoff: str) -> str:
        return is_known_day(cutoff)

    @model_validator(mode="after")
    def _names_exist(self) -> Study:
        known = {
            "population": {one.code for one in self.populations},
            "questionnaire": {one.code for one in self.questionnaires} | {""},
        }
        for endpoint in self.endpoints:
            for field, names in known.items():
                if (value := getattr(endpoint, field)) not in names:
                    raise ValueError(f"endpoint {endpoint.id}: {field} {value!r} is not defined in this study")
            unknown = sorted(set(endpoint.by) - {one.code for one in self.biomarkers})
            if endpoint.kind == "biomarker-group" and unknown:
                raise ValueError(f"endpoint {endpoint.id}: by {unknown[0]!r} is no biomarker of this study")
        drugs = {drug.name for drug in self.drugs}
        used = {d for arm in self.arms for d in arm.drugs} | {d for r in self.simulation.regimens for d in r.drugs}
        if used - drugs:
            raise ValueError(f"drug {sorted(used - drugs)[0]!r} of an arm or regimen is not among the study's drugs")
        if self.statistics.control and self.statistics.control not in {arm.code for arm in self.arms}:
            raise ValueError(f"statistics.control {self.statistics.control!r} is no arm of this study")
        named = {
            "endpoint": [e.id for e in self.endpoints],
            "arm": [a.code for a in self.arms],
            "criterion": [f"{c.code} {c.version}".strip() for c in self.criteria],
            "trial summary parameter": [p.code for p in self.trial_summary],
            "time-to-event parameter": [p.paramcd for p in self.time_to_event],
        }
        for name, ids in named.items():
            double = sorted({one for one in ids if ids.count(one) > 1})
            if double:
                raise ValueError(f"{name} {double[0]!r} is defined twice")
        return self

    @model_validator(mode="after")
    def _parameters_exist(self) -> Study:
        """A parameter that nobody derives would give results of nobody."""
        for code in self.without_parameters:
            if code not in {one.paramcd for one in builtin_parameters().time_to_event}:
                raise ValueError(f"without_parameters: {code!r} is no time-to-event parameter that ships")
        for endpoint in self.endpoints:
            for code, known in parameters_needed(endpoint, self.times):
                if code not in known:
                    there = ", ".join(sorted(known))
                    raise ValueError(
                        f"endpoint {endpoint.id}: nobody derives a parameter {code!r} (there are: {there})"
                    )
        return self

    @model_validator(mode="after")
    def _names_have_room(self) -> Study:
        """Parameters by other criteria than RECIST 1.1 begin with a letter of theirs, and PARAMCD has 8 characters."""
        others = [name for name in (self.response.criteria, *self.response.sensitivity) if name != "RECIST 1.1"]
        long = [(f"endpoint {one.id}", one.paramcd) for one in self.endpoints if is_composite(one)]
        long += [("time_to_event", one.paramcd) for one in self.times.values() if one.of_response]
        for where, code in long if others else ():
            if len(code) > 7:
                raise ValueError(f"{where}: paramcd {code!r} leaves no room for the letter of {others[0]}")
        return self


def builtin_studies() -> dict[str, Path]:
    """The studies that ship with the project: name to file."""
    folder = Path(__file__).parent / "studies"
    return {path.stem: path for path in sorted(folder.glob("*.toml"))}


def load_study(name_or_path: str) -> Study:
    """A built-in study by name, or a study file by path; StudyError says what is wrong with it."""
    known = builtin_studies()
    path = known.get(name_or_path, Path(name_or_path))
    if not path.is_file():
        raise StudyError(
            f"study {name_or_path!r} is neither a file nor a built-in study (built-in: {', '.join(known) or 'none'})"
        )
    try:
        return _with_links(Study.model_validate(tomllib.loads(path.read_text(encoding="utf-8"))), path)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise StudyError(f"study file {path.name}: not TOML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise StudyError(f"study file {path.name}: {place}: {first['msg']} ({error.error_count()} in all)") from error


def _with_links(study: Study, path: Path) -> Study:
    """The study with the groups of its link table among those of one person."""
    if not study.identity.links:
        return study
    table = path.parent / study.identity.links
    try:
        rows = [tuple(cell.strip() for cell in row) for row in csv.reader(table.read_text("utf-8-sig").splitlines())]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise StudyError(f"study file {path.name}: identity.links: {table.name} cannot be read") from error
    groups = tuple(tuple(cell for cell in row if cell) for row in rows)
    same = (*study.identity.same, *(group for group in groups if len(group) > 1))
    return study.model_copy(update={"identity": study.identity.model_copy(update={"same": same})})
