"""The items of the questionnaires that the project maps, scores and simulates, from `instruments.toml`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files

from fhir2cdisc.mappings.standard.datasets import codelist
from fhir2cdisc.mappings.study_base import Model
from pydantic import Field, model_validator


@dataclass(frozen=True, slots=True)
class Item:
    """An item of a form: its id, its QSTESTCD and QSTEST, its scale, and its lowest and highest answer.

    `falling`: its score falls along the answers of the form.
    """

    item: str
    testcd: str
    test: str
    scale: str
    falling: bool
    low: int
    high: int


class Scale(Model):
    """Items that are scored together, in the order of the form."""

    code: str
    low: int
    high: int
    items: tuple[str, ...]
    falling: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _falling_are_items(self) -> Scale:
        if strange := sorted(set(self.falling) - set(self.items)):
            raise ValueError(f"scale {self.code}: {strange[0]} falls but is none of its items")
        return self


class Instrument(Model):
    """A questionnaire; see the head of `instruments.toml`."""

    qscat: str
    canonical: str
    prefix: str
    codes: str
    names: str
    scales: tuple[Scale, ...] = Field(alias="scale")

    @cached_property
    def items(self) -> tuple[Item, ...]:
        """The items in the order of the form; KeyError where the terminology does not have one."""
        codes, names = codelist(self.codes).terms, codelist(self.names).by_code
        found: list[Item] = []
        for scale in self.scales:
            for item in scale.items:
                testcd = f"{self.prefix}{len(found) + 1:02d}"
                test = names[codes[testcd]]
                found.append(Item(item, testcd, test, scale.code, item in scale.falling, scale.low, scale.high))
        return tuple(found)

    def items_of(self, scale: str) -> tuple[Item, ...]:
        return tuple(one for one in self.items if one.scale == scale)


@cache
def instruments() -> dict[str, Instrument]:
    """The instruments by QSCAT."""
    text = files("fhir2cdisc.mappings").joinpath("instruments.toml").read_text(encoding="utf-8")
    made = [Instrument.model_validate(one) for one in tomllib.loads(text)["instrument"]]
    return {one.qscat: one for one in made}
