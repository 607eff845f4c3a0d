"""The command line starts without what only its commands need; whoever asks for help does not wait for pandas."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from fhir2cdisc.converters.choices import FORMATS
from fhir2cdisc.converters.cli.main import main
from fhir2cdisc.converters.formats.datasets import read_dataset, write_dataset
from fhir2cdisc.mappings.standard.datasets import sdtm_datasets

HEAVY = {"pandas", "numpy", "scipy", "pyarrow", "lxml", "pydantic", "fhir.resources", "msgspec"}
CODE = """
import sys
from fhir2cdisc.converters.cli.main import main
try:
    main(sys.argv[1:])
finally:
    print(*sys.modules, file=sys.stderr)
"""


@pytest.mark.parametrize("words", ["--help", "--version", *(f"{name} --help" for name in sorted(main.commands))])
def test_help_loads_no_heavy_library(words: str) -> None:
    call = [sys.executable, "-c", CODE, *words.split()]
    done = subprocess.run(call, capture_output=True, text=True, check=True)
    loaded = set(done.stderr.split())
    assert done.stdout and {"click", "fhir2cdisc.converters.cli.main"} <= loaded
    assert loaded & HEAVY == set()


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_that_is_offered_can_be_written_and_read(name: str, tmp_path: Path) -> None:
    dataset = sdtm_datasets()["DM"].select(["STUDYID", "USUBJID"])
    frame = pd.DataFrame({"STUDYID": ["S"], "USUBJID": ["S-1"]}, dtype=object)
    write_dataset(frame, tmp_path / f"dm.{name}", dataset)
    pd.testing.assert_frame_equal(read_dataset(tmp_path / f"dm.{name}")[0], frame)
