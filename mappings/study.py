"""A study as data: identity, cohort, treatments, reference dates, response rules, endpoints.

A study is one TOML file, checked by the frozen models below; an unknown key is refused. `stated` in a section
names the options that the protocol itself states; every other option of that section is a default of the
project, and the run says so.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError


class StudyError(ValueError):
    """A study that does not exist or whose file is wrong; the message is one clear sentence."""


class Model(BaseModel):
    """Frozen, and strict about keys: a misspelt option must not pass as a default."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Section(Model):
    """A section whose options are either stated by the protocol or defaults of the project."""

    stated: tuple[str, ...] = ()

    def origin(self, option: str) -> Literal["protocol", "default"]:
        return "protocol" if option in self.stated else "default"


class Code(Model):
    """A code of a terminology; an empty `system` matches any system."""

    code: str
    system: str = ""
    display: str = ""


class Drug(Model):
    """A drug by name: `terms` are matched as whole words in a medication's text, `codes` exactly."""

    name: str
    terms: tuple[str, ...] = ()
    codes: tuple[Code, ...] = ()
    drug_class: str = ""


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


class Reference(Section):
    """Where time starts, and what counts as exposure.

    `start` is an order of preference: the first that the subject has gives RFSTDTC. `exposure` names the
    resource types that become EX; an order (MedicationRequest) is not exposure unless it is named here.
    """

    start: tuple[Literal["first-dose", "first-antineoplastic", "diagnosis", "enrolment", "consent"], ...] = (
        "first-dose",
    )
    exposure: tuple[Literal["MedicationAdministration", "MedicationStatement", "MedicationRequest"], ...] = (
        "MedicationAdministration",
    )
    os_start: Literal["reference", "first-dose", "diagnosis"] = "reference"
    antineoplastic: tuple[Drug, ...] = ()


class Study(Model):
    """One study file."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    studyid: str = Field(pattern=r"^[A-Z0-9][A-Z0-9-]{0,19}$")
    title: str
    synthetic: bool = False
    cohort: Cohort = Cohort()
    reference: Reference = Reference()
    drugs: tuple[Drug, ...] = ()
    arms: tuple[Arm, ...] = ()
    cutoff: str = Field("", pattern=r"^(\d{4}-\d{2}-\d{2})?$")


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
        return Study.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise StudyError(f"study file {path.name}: not TOML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise StudyError(f"study file {path.name}: {place}: {first['msg']} ({error.error_count()} in all)") from error
