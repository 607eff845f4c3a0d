"""The tables of published facts in `tests/facts`: numbers and codes, each with its source in the first line."""

from __future__ import annotations

import csv
import json
from typing import Any

from support.paths import ROOT

FACTS = ROOT / "tests" / "facts"


def facts(name: str) -> list[dict[str, str]]:
    """The rows of a table, every cell as text."""
    with (FACTS / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        next(file)
        return list(csv.DictReader(file))


def r_figures() -> dict[str, Any]:
    """What R 4.2.2 with survival 3.5-3 gives for its data sets lung and veteran, and medians on a plateau."""
    found: dict[str, Any] = json.loads((FACTS / "survival_R.json").read_text(encoding="utf-8"))
    return found
