"""The runner of benchmarks finds what lies in the folder; nothing is timed here."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "benchmarks", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_an_unknown_benchmark_is_refused_with_the_names_of_those_that_there_are() -> None:
    done = run("nope")
    assert done.returncode == 2
    for path in (ROOT / "benchmarks").glob("[!_]*.py"):
        assert path.stem in done.stderr


def test_one_benchmark_runs_with_its_arguments(tmp_path: Path) -> None:
    entry = '{"resource": {"resourceType": "Patient", "id": "p%d", "gender": "male"}}'
    entries = ", ".join(entry % number for number in range(3))
    (tmp_path / "b.json").write_text(f'{{"resourceType": "Bundle", "type": "collection", "entry": [{entries}]}}')
    done = run("fhir_to_sdtm", os.fspath(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    assert "1 bundles" in done.stdout
    assert "3 resources" in done.stdout
    assert "times orjson" in done.stdout
