"""Names of columns by which a draft of a mapping knows what they hold: of subjects, of CDASH, and likely ones."""

from __future__ import annotations

import csv
import re
from functools import cache
from importlib.resources import files
from typing import NamedTuple

# What stands for a reason that nobody has given yet, and what ends a line that is a guess.
UNDECIDED, GUESS = "?", "# GUESS"
_SIGNS = re.compile(r"[\W_]+")


class Named(NamedTuple):
    """What a name stands for: `kind` is subject, hospital, study, cdash or guess; without a domain it is of any."""

    kind: str
    name: str
    domain: str
    variable: str
    as_: str


def plain_name(name: str) -> str:
    """A heading without signs, in capitals: `Patient ID` is `PATIENTID`."""
    return _SIGNS.sub("", name).upper()


@cache
def known_names() -> dict[str, tuple[Named, ...]]:
    """The names of `draft_names.csv` with what they may stand for."""
    text = files("fhir2cdisc.mappings").joinpath("draft_names.csv").read_text(encoding="utf-8")
    found: dict[str, tuple[Named, ...]] = {}
    for row in csv.DictReader(text.splitlines()):
        one = Named(row["kind"], row["name"], row["domain"], row["variable"], row["as"])
        found[one.name] = (*found.get(one.name, ()), one)
    return found


def guesses_left(text: str) -> int:
    """How many lines of a mapping are guesses that are no comment any more, and still say that they are guesses."""
    return sum(1 for line in text.splitlines() if GUESS in line and not line.lstrip().startswith("#"))
