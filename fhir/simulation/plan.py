"""The course of one simulated patient: what happened, before anything is written as FHIR or as truth.

All dates are day numbers (`datetime.date.toordinal`); `iso` turns one into text. Everything here is synthetic.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Literal

INVESTIGATOR = "INVESTIGATOR"
INDEPENDENT = "INDEPENDENT ASSESSOR"


@lru_cache(maxsize=20000)
def iso(day: int) -> str:
    """A day number as ISO 8601 text."""
    return date.fromordinal(day).isoformat()


def ordinal(text: str) -> int:
    """ISO 8601 text of a full date as a day number."""
    return date.fromisoformat(text).toordinal()


@dataclass(frozen=True, slots=True)
class Lesion:
    """A lesion under its identifier; `node` lesions are measured by their short axis."""

    id: str
    role: Literal["TARGET", "NON-TARGET", "NEW"]
    organ: str
    node: bool
    baseline: int = 0


@dataclass(slots=True)
class Read:
    """What one reader saw at one assessment: sizes in mm (None: not measured), states, and the calls made."""

    evaluator: str
    sizes: dict[str, int | None] = field(default_factory=dict)
    states: dict[str, str | None] = field(default_factory=dict)
    merged: tuple[str, str] | None = None
    new: tuple[Lesion, ...] = ()
    sum_mm: int | None = None
    target: str = ""
    nontarget: str = ""
    overall: str = ""


@dataclass(slots=True)
class Assessment:
    """One tumour assessment; number 0 is baseline."""

    number: int
    visit: str
    day: int
    reads: list[Read] = field(default_factory=list)

    def read(self, evaluator: str) -> Read | None:
        return next((one for one in self.reads if one.evaluator == evaluator), None)


@dataclass(frozen=True, slots=True)
class Dose:
    """One administration: a cycle of an oral drug (`end` set) or one infusion."""

    drug: str
    cycle: int
    start: int
    end: int | None
    amount: float
    unit: str
    route: str
    status: Literal["completed", "stopped", "not-done"] = "completed"
    reason: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class AdverseEvent:
    """One adverse event; `start_text` and `end_text` are the dates as a hospital wrote them, maybe partial."""

    number: int
    term: str
    start: int
    end: int | None
    start_text: str
    grade: int
    serious: bool
    related: bool
    outcome: str
    action: str
    emergent: bool
    drug: str


@dataclass(frozen=True, slots=True)
class Form:
    """One completed questionnaire: item code to answer as printed on the form."""

    code: str
    visit: str
    day: int
    answers: dict[str, int]


@dataclass(frozen=True, slots=True)
class Board:
    """A molecular tumour board: its day, the drugs that it recommends and the gene behind each."""

    number: int
    day: int
    drugs: tuple[str, ...]
    genes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Therapy:
    """Anticancer treatment outside the study treatment."""

    kind: Literal["drug", "radiotherapy", "surgery"]
    name: str
    start: int
    end: int | None
    prior: bool = False
    start_text: str = ""


@dataclass(slots=True)
class Visit:
    """A visit by name and day; `scores` holds ECOG, `labs` and `vitals` values by short code."""

    key: str
    name: str
    day: int
    ecog: int | None = None
    labs: dict[str, float] = field(default_factory=dict)
    vitals: dict[str, float] = field(default_factory=dict)


@dataclass(slots=True)
class Course:
    """Everything that happens to one simulated patient up to the data cut."""

    index: int
    subjid: str
    site: str
    sex: str
    birth: int
    diagnosis: int
    diagnosis_text: str
    tumour: int
    comorbidities: tuple[str, ...]
    consent: int
    first_dose: int | None = None
    last_dose: int | None = None
    arm: str = ""
    drugs: tuple[str, ...] = ()
    end: int = 0
    death: int | None = None
    cause: str = ""
    study_end_reason: str = ""
    treatment_end_reason: str = ""
    new_therapy: int | None = None
    centimetres: bool = False
    lesions: list[Lesion] = field(default_factory=list)
    assessments: list[Assessment] = field(default_factory=list)
    doses: list[Dose] = field(default_factory=list)
    events: list[AdverseEvent] = field(default_factory=list)
    forms: list[Form] = field(default_factory=list)
    visits: list[Visit] = field(default_factory=list)
    variants: tuple[int, ...] = ()
    variant_day: int | None = None
    tmb: float | None = None
    msi: str = ""
    pdl1: int | None = None
    cps: int | None = None
    boards: list[Board] = field(default_factory=list)
    therapies: list[Therapy] = field(default_factory=list)

    @property
    def measurable(self) -> bool:
        return any(one.role == "TARGET" for one in self.lesions)

    @property
    def evaluators(self) -> list[str]:
        return [one.evaluator for one in self.assessments[0].reads] if self.assessments else []
