"""docs/extracts.md: its example is run as it stands, and what it lists is what there is."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest
from fhir2cdisc.mappings.extract_model import ColumnMap, Table, builtin_extracts
from support.command import fhir2cdisc
from support.paths import ROOT

TEXT = (ROOT / "docs" / "extracts.md").read_text(encoding="utf-8")
BLOCKS = {name: body for _, name, body in re.findall(r"```(csv|toml|text) (\S+)\n(.*?)```", TEXT, re.DOTALL)}


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The package of the example, and what the command said."""
    folder = tmp_path_factory.mktemp("manual")
    (folder / "source").mkdir()
    for name, body in BLOCKS.items():
        if "." in name:
            place = folder / "source" if name.endswith(".csv") else folder
            (place / name).write_text(body, encoding="utf-8")
    words = ("--extract", folder / "mapping.toml", "--study", folder / "study.toml", "--out", folder / "package")
    return folder, fhir2cdisc("run", folder / "source", *words)


def test_the_run_says_what_the_manual_shows(package: tuple[Path, str]) -> None:
    assert BLOCKS["run"] in package[1]


def test_the_trace_is_the_one_that_the_manual_shows(package: tuple[Path, str]) -> None:
    folder = package[0]
    words = ("TR", "USUBJID=TWO-01", "TRSTRESC=25", "--source", folder / "source")
    shown = fhir2cdisc("trace", folder / "package", *words).splitlines()
    assert shown == BLOCKS["trace"].splitlines()


def test_the_manual_is_right_about_death_and_response(package: tuple[Path, str]) -> None:
    """60 mm at baseline and 40 mm at week 8 are a decrease by a third: PR (RECIST 1.1, at least 30%)."""
    folder = package[0] / "package"
    lineage = pd.read_parquet(folder / "lineage" / "sdtm.parquet")
    assert "RS/derived-from-lesions" in set(lineage["RULE"])
    evidence = pd.read_parquet(folder / "findings" / "evidence.parquet")
    death = evidence[(evidence["FACT"] == "death") & (evidence["CHOSEN"] == "Y")]
    assert death[["USUBJID", "DTC"]].to_numpy().tolist() == [["TWO-02", "2024-06-20"]]
    trace = fhir2cdisc("trace", folder, "RS", "USUBJID=TWO-01", "RSTESTCD=OVRLRESP")
    assert "RSSTRESC=PR" in trace


def listed(heading: str) -> set[str]:
    """The words in code style in the first column of the table under a heading."""
    part = TEXT.split(f"## {heading}\n")[1].split("\n## ")[0]
    return {
        name for line in re.findall(r"^\| (`.*?) \|", part, re.MULTILINE) for name in re.findall(r"`([^`]+)`", line)
    }


def test_every_key_of_a_table_and_every_verb_is_listed() -> None:
    assert listed("Tables") == set(Table.model_fields)
    fields = {field.alias or name for name, field in ColumnMap.model_fields.items()}
    assert listed("Sources and variables") == fields - {"unit"}


def test_every_built_in_mapping_is_listed() -> None:
    assert listed("Built-in mappings") == set(builtin_extracts())
