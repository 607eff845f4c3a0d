"""Drugs against cancer by their names: international non-proprietary names, brands, and names in other languages.

Hospitals write drugs as texts; a name that no study file lists must still be known for what it is. ATC codes are those
of the WHO index where one is given, else the class that the drug is of.
"""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path
from typing import NamedTuple

from fhir2cdisc.mappings.study import Drug


class Antineoplastic(NamedTuple):
    """A drug: all its names, the first in English; its ATC code; whether it is used for other diseases as well."""

    names: tuple[str, ...]
    atc: str
    other_use: bool


@cache
def antineoplastics() -> tuple[Antineoplastic, ...]:
    """The table of drugs, in its order."""
    text = (Path(__file__).parent / "antineoplastics.csv").read_text(encoding="utf-8")
    return tuple(
        Antineoplastic((row["inn"], *filter(None, row["names"].split(";"))), row["atc"], row["other_use"] == "Y")
        for row in csv.DictReader(text.splitlines())
    )


@cache
def _by_name() -> dict[str, Antineoplastic]:
    return {name.lower(): one for one in antineoplastics() for name in one.names}


def names_of(drug: Drug) -> tuple[str, ...]:
    """The names by which a drug of a study file is known: its own, and those of the table of the same drug."""
    codes = {code.code for code in drug.codes}
    known = _by_name()
    same = [known[name.lower()] for name in (drug.name, *drug.terms) if name.lower() in known]
    same += [one for one in antineoplastics() if one.atc in codes]
    return tuple(dict.fromkeys((drug.name, *drug.terms, *(name for one in same for name in one.names))))
