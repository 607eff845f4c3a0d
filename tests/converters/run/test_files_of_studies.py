"""The files of a study renamed, put in another order, split and joined: the same bytes of every dataset.

FHIR2CDISC_FUZZ=1 draws 100 deliveries of each study; CI one of each.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import string
from pathlib import Path
from typing import Any

import pytest
from fhir2cdisc.converters.run.order import RunOrder, make_package
from fhir2cdisc.fhir.simulation.simulate import Order, simulate
from fhir2cdisc.mappings.study import builtin_studies, load_study

Json = dict[str, Any]
DELIVERIES = 100 if os.environ.get("FHIR2CDISC_FUZZ") else 1
STUDIES = sorted(builtin_studies())


def resources(study: str, folder: Path) -> list[Json]:
    """Those of four patients, some of them delivered twice with different content and no version."""
    simulate(Order(load_study(study), 31, 4, format="ndjson", habits=("redelivery",)), folder)
    lines = [line for path in sorted((folder / "fhir").glob("*.ndjson")) for line in path.read_text().splitlines()]
    return [json.loads(line) for line in lines]


def deliver(some: list[Json], folder: Path, draw: random.Random) -> None:
    """The resources in files of any name, order and size, below any folder: bundles, lines and single resources."""
    some = draw.sample(some, len(some))
    number = 0
    while some:
        size = draw.choice((1, 3, 40, 400, 4000))
        part, some = some[:size], some[size:]
        name = "".join(draw.choices(string.ascii_letters + string.digits + "._- ", k=6)).strip(" .") + str(number)
        place = folder / draw.choice(("", "a", "Z/deeper"))
        place.mkdir(parents=True, exist_ok=True)
        number += 1
        if len(part) == 1 and draw.random() < 0.5:
            (place / f"{name}.json").write_text(json.dumps(part[0]), encoding="utf-8")
        elif draw.random() < 0.5:
            bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": one} for one in part]}
            (place / f"{name}.json").write_text(json.dumps(bundle), encoding="utf-8")
        else:
            (place / f"{name}.ndjson").write_text("\n".join(map(json.dumps, part)), encoding="utf-8")


def hashes(source: Path, study: str, out: Path) -> dict[str, str]:
    """SHA-256 of every dataset of SDTM and ADaM and of both define.xml."""
    make_package(RunOrder((source,), load_study(study), out), lambda done, what, count: done, lambda line: None)
    files = [path for kind in ("sdtm", "adam") for path in (out / kind).iterdir() if path.suffix in (".xpt", ".xml")]
    return {f"{path.parent.name}/{path.name}": hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.mark.parametrize("study", STUDIES)
def test_names_order_and_splits_of_files_change_no_dataset(study: str, tmp_path: Path) -> None:
    given = resources(study, tmp_path / "simulated")
    first = hashes(tmp_path / "simulated" / "fhir", study, tmp_path / "first")
    assert {"sdtm/dm.xpt", "adam/adsl.xpt", "adam/adtte.xpt", "adam/adrs.xpt"} <= first.keys()
    for seed in range(DELIVERIES):
        folder = tmp_path / str(seed)
        deliver(given, folder / "in", random.Random(f"{study} {seed}"))
        found = hashes(folder / "in", study, folder / "out")
        assert found == first, f"delivery {seed}"
