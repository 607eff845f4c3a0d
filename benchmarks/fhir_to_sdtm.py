"""CPU time from FHIR bundles to SDTM, against parsing the same bytes: orjson alone, and fhir.resources R4B alone.

`python benchmarks/fhir_to_sdtm.py [folder]`: bundles of a folder; without one, the synthetic Synthea bundles that lie
beside the checkout where the project is developed. Every figure is CPU time of this process, best of three (the models
once), after a warm-up.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import orjson
from fhir2cdisc.converters.run.pipeline import build_sdtm
from fhir2cdisc.mappings.model import builtin_domains
from fhir2cdisc.mappings.study import Study
from fhir2cdisc.sdtm.rows.engine import Engine

REPEATS = 3


def everyone() -> Study:
    """A study that takes every patient, so that nothing is left out of the measurement."""
    return Study.model_validate(
        {"id": "benchmark", "title": "Benchmark", "studyid": "BENCH", "cohort": {"membership": "all"}}
    )


def cpu(action: Callable[[], object], repeats: int = REPEATS) -> float:
    """CPU seconds of the fastest of some runs."""
    times = []
    for _ in range(repeats):
        began = time.process_time()
        action()
        times.append(time.process_time() - began)
    return min(times)


def model_seconds(contents: list[bytes]) -> float:
    """CPU seconds that the models of fhir.resources R4B take to parse all bundles, once."""
    from fhir.resources.R4B.bundle import Bundle

    Bundle.model_validate_json(min(contents, key=len))
    return cpu(lambda: [Bundle.model_validate_json(content) for content in contents], 1)


def default_folder() -> Path | None:
    beside = (p / "shared/data/fhir/synthea" for p in Path(__file__).resolve().parents)
    return next((folder for folder in beside if folder.is_dir()), None)


def main() -> None:
    """Print the CPU seconds and the ratios."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else default_folder()
    if folder is None:
        print("no folder given, and no Synthea bundles beside the checkout")
        return
    contents = [path.read_bytes() for path in sorted(folder.glob("*.json"))]
    size, study = sum(map(len, contents)), everyone()
    compiling = cpu(lambda: Engine.build(study, builtin_domains()), 1)
    made = build_sdtm([folder], study)
    records = sum(len(frame) for name, frame in made.sdtm.frames.items() if not name.startswith("SUPP"))
    ours = cpu(lambda: build_sdtm([folder], study))
    plain = cpu(lambda: [orjson.loads(content) for content in contents])
    models = model_seconds(contents)
    print(
        f"{len(contents)} bundles, {size / 1e6:.1f} MB, {made.accounts.counts.total():,} resources, {records:,} records"
    )
    print(f"orjson.loads of the same bytes     {plain:7.2f} s CPU")
    print(f"build_sdtm                         {ours:7.2f} s CPU  {ours / plain:5.1f} times orjson")
    print(f"  with compiling the mappings      {ours + compiling:7.2f} s CPU  {(ours + compiling) / plain:5.1f} times")
    print(f"fhir.resources R4B, parsing alone  {models:7.2f} s CPU  {models / ours:5.1f} times build_sdtm")


if __name__ == "__main__":
    main()
