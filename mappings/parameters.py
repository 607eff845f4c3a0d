"""The analysis parameters that ship, as data: responses (ADRS) and times to an event (ADTTE).

`parameters.toml` holds them; a study file leaves some out, replaces them or adds its own in the same words
(`[[time_to_event]]`).
"""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Annotated

from fhir2cdisc.mappings.conditions import parse
from fhir2cdisc.mappings.study_base import Model
from pydantic import AfterValidator, Field, model_validator


def _readable(where: str) -> str:
    if where.strip():
        parse(where)
    return where


Where = Annotated[str, AfterValidator(_readable)]
Paramcd = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9]{0,7}$")]
DatasetName = Annotated[str, Field(pattern=r"^AD[A-Z0-9]{1,6}$")]
VariableName = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9]{0,7}$")]


class DateSource(Model):
    """A date variable of an ADaM dataset and, in words, what it is; `where` restricts the records.

    Conditions name the parameters of ADRS as RECIST 1.1 has them; by other criteria the same parameters bear a letter.
    """

    says: str = Field(min_length=1)
    dataset: DatasetName
    date: VariableName
    where: Where = ""


class EventSource(DateSource):
    """An event: `says` is its EVNTDESC.

    `at_scan`: a tumour assessment found it, so missed assessments are counted from the one before. `immune` is the
    condition under iRECIST where it is another one than the same parameters with their letter.
    """

    at_scan: bool = False
    immune: Where = ""


class CensorSource(DateSource):
    """A censoring: `says` is its EVNTDESC, `at` its CNSDTDSC (blank: the same), `cnsr` the code."""

    cnsr: int = Field(default=1, ge=1)
    at: str = ""


class EndReason(Model):
    """Why a subject was followed no longer: a condition on ADSL and its CNSR code."""

    says: str = Field(min_length=1)
    where: Where
    cnsr: int = Field(ge=1)


class Scans(Model):
    """Where the assessments stand by which progression endpoints are censored; the rules are the study's."""

    assessments: DateSource
    no_baseline: DateSource
    reasons: tuple[EndReason, ...] = ()


class TimeToEvent(Model):
    """A time-to-event parameter of ADTTE.

    `start` is a date of ADSL, or a source whose first date starts the clock. The first of `events` ends the time;
    without one the latest of `censors` does, or with `scans` the rules for tumour assessments that the study names
    (`[censoring]`). `only` restricts the parameter to subjects with a record of that source.
    """

    paramcd: Paramcd
    param: str = Field(min_length=1, max_length=200)
    start: VariableName | DateSource = "TRTSDT"
    events: tuple[EventSource, ...] = Field(min_length=1)
    censors: tuple[CensorSource, ...] = ()
    scans: bool = False
    only: DateSource | None = None

    @model_validator(mode="after")
    def _ends(self) -> TimeToEvent:
        if self.scans == bool(self.censors):
            raise ValueError(f"{self.paramcd}: without event a time ends by `censors` or by `scans = true`")
        return self

    @property
    def sources(self) -> tuple[DateSource, ...]:
        """Every source whose dates the parameter reads, those of the scans left out."""
        start = (self.start,) if isinstance(self.start, DateSource) else ()
        return (*start, *self.events, *self.censors, *((self.only,) if self.only is not None else ()))

    @property
    def of_response(self) -> bool:
        """Whether it depends on how responses were called, so that it exists once for each criteria."""
        return self.scans or any(one.dataset == "ADRS" for one in self.sources)


class ResponseWords(Model):
    """A parameter of ADRS: code by RECIST 1.1, PARAM with a place for the evaluator, derivation in words.

    `immune` is the derivation under iRECIST where it is more than the same in other terms, `lesions` that of responses
    derived from lesions, `immune_only` a parameter that only iRECIST has, `reference_event` one that no criteria has a
    say in.
    """

    code: Paramcd
    words: str
    method: str
    immune: str = ""
    lesions: str = ""
    immune_only: bool = False
    reference_event: bool = False


class Parameters(Model):
    """Everything in `parameters.toml`."""

    scans: Scans
    response: tuple[ResponseWords, ...]
    time_to_event: tuple[TimeToEvent, ...]


@cache
def builtin_parameters() -> Parameters:
    text = (Path(__file__).parent / "parameters.toml").read_text(encoding="utf-8")
    return Parameters.model_validate(tomllib.loads(text))
