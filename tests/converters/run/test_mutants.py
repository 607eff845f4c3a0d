"""Mutated patients: whatever one patient's record holds, the run goes on, and no cell holds what Python writes.

FHIR2CDISC_FUZZ=1 mutates 5,000 patients in whole packages; CI a small share of them, with the same seeds.
"""

from __future__ import annotations

import copy
import json
import os
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from fhir2cdisc.converters.formats.folder import read_folder
from fhir2cdisc.converters.run.order import RunOrder, make_package
from fhir2cdisc.fhir.simulation.simulate import Order, simulate
from fhir2cdisc.mappings.study import builtin_studies, load_study

FUZZ = bool(os.environ.get("FHIR2CDISC_FUZZ"))
STUDIES = sorted(builtin_studies())
PATIENTS, BATCHES = (100, 10) if FUZZ else (8, 1)
CASES = [(study, seed) for study in (STUDIES if FUZZ else STUDIES[:1]) for seed in range(BATCHES)]
LONG = "word " * 80
# In place of a value: of no kind that FHIR has there, extreme, or plausible and seldom.
WRONG: list[Any] = [None, {}, [], [None], True, "", " ", {"x": 1}, ["y"]]
NUMBERS: list[Any] = [0, -1, 1e300, -1e300, 1e-300, 10**30, 0.1, "12", "n/a"]
DATES = [
    "0001-01-01",
    "1066-10-14",
    "2300-01-01",
    "9999-12-31",
    "2024-02-30",
    "2024-13",
    "2024",
    "2024-05",
    "24-5-1",
    "T",
]
TEXTS = [LONG, "肝" * 90, "=1+1", "a\tb", "\u0007bell", "\ud83e\udda0", "'\"<&>", "-", "UNK", "x" * 201]
DATE = re.compile(r"\d{4}-\d{2}")
PYTHON = re.compile(r"None|nan|NaT|<NA>|True|False|.*(?:Decimal\(|\{'|\['|\[None|\[\{|dtype:).*", re.DOTALL)
# Of these the person is found; a run may rightly leave a subject out who has none.
KEPT = ("resourceType", "id", "reference", "fullUrl")


def places(node: Any) -> Iterator[tuple[Any, Any]]:
    """Every container of a resource with each of its keys."""
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in list(items):
        if key not in KEPT:
            yield node, key
            yield from places(value)


def mutated(bundle: dict[str, Any], draw: random.Random) -> dict[str, Any]:
    """A bundle in which a few values are dropped, repeated, or are another one."""
    made = copy.deepcopy(bundle)
    resources = [entry["resource"] for entry in made["entry"]]
    for resource in draw.sample(resources, min(len(resources), draw.randint(3, 12))):
        found = list(places(resource))
        for node, key in draw.sample(found, min(len(found), draw.randint(1, 3))):
            change(node, key, draw)
    return made


def change(node: Any, key: Any, draw: random.Random) -> None:
    if (isinstance(node, dict) and key not in node) or (isinstance(node, list) and key >= len(node)):
        return  # an earlier change took it away
    value, kind = node[key], draw.random()
    if kind < 0.2:
        del node[key]
    elif kind < 0.3 and isinstance(value, list) and value:
        value.append(copy.deepcopy(value[0]))
    elif kind < 0.5:
        node[key] = copy.deepcopy(draw.choice(WRONG))
    elif isinstance(value, str):
        node[key] = draw.choice(DATES if DATE.match(value) else TEXTS)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        node[key] = draw.choice(NUMBERS)


@pytest.mark.parametrize(("name", "seed"), CASES)
def test_no_mutant_ends_a_run_or_leaves_python_in_a_cell(tmp_path: Path, name: str, seed: int) -> None:
    study, draw = load_study(name), random.Random(f"{name} {seed}")
    simulate(Order(study, 100 + seed, PATIENTS), tmp_path / "made")
    (tmp_path / "in").mkdir()
    for path in sorted((tmp_path / "made" / "fhir").glob("*.json")):
        read = json.loads(path.read_text(encoding="utf-8"))
        whose = any(entry["resource"]["resourceType"] == "Patient" for entry in read["entry"])
        text = json.dumps(mutated(read, draw) if whose else read)
        (tmp_path / "in" / path.name).write_text(text, encoding="utf-8")
    said: list[str] = []
    make_package(RunOrder([tmp_path / "in"], study, tmp_path / "out"), lambda steps, label, length: steps, said.append)
    frames = {f"{kind} {n}": f for kind in ("sdtm", "adam") for n, f in read_folder(tmp_path / "out", kind)[0].items()}
    assert len(frames["sdtm DM"]) >= PATIENTS // 2 and "adam ADTTE" in frames
    cells = [
        (dataset, column, text)
        for dataset, frame in frames.items()
        for column in frame.columns
        if not pd.api.types.is_numeric_dtype(frame[column]) and not pd.api.types.is_datetime64_any_dtype(frame[column])
        for text in frame[column].dropna().unique()
        if isinstance(text, str) and PYTHON.fullmatch(text)
    ]
    assert cells == []
    # That a subject is left out saves the run; what made it necessary is a fault that this test is here to find.
    found = pd.read_csv(tmp_path / "out" / "findings" / "findings.csv", dtype=str, keep_default_na=False)
    assert list(found.loc[found["rule"].isin(["subject.failed", "tripwire.left out"]), "message"]) == []
