"""Blanks at the ends of texts mean nothing, as in a transport file: the same ADaM from Parquet and JSON with them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from fhir2cdisc.adam.build import build_adam
from fhir2cdisc.converters.formats.datasets import write_dataset
from fhir2cdisc.converters.formats.folder import read_folder
from fhir2cdisc.mappings.standard.datasets import Dataset, Variable
from support.packages import Package

STUDY = "refractory-registry"


def padded(frame: pd.DataFrame) -> pd.DataFrame:
    """Every text with a blank at its end, every third with one before it too; USUBJID of every second record only."""
    changed = {}
    for name in frame.columns:
        if frame[name].dtype == object and name not in ("STUDYID", "DOMAIN", "RDOMAIN"):
            place = pd.Series(range(len(frame)), index=frame.index)
            ends = frame[name].where(frame[name].isna(), frame[name].astype(str) + " ")
            both = ends.where(place % 3 != 0, " " + ends)
            changed[name] = frame[name].where(place % 2 == 0, ends) if name == "USUBJID" else both
    return frame.assign(**changed)


def write_padded(frame: pd.DataFrame, path: Path) -> None:
    """A file as another program may write it; ours writes no blanks at the end."""
    if path.suffix == ".parquet":
        padded(frame).to_parquet(path)
        return
    kinds = {str(name): frame[name].dtype == object for name in frame}
    variables = tuple(Variable(name, name, "Char" if text else "Num") for name, text in kinds.items())
    name = path.stem.upper()
    write_dataset(frame, path, Dataset(name, name, "", "", variables))
    rows = padded(frame).astype(object).where(frame.notna(), None).to_numpy().tolist()
    lines = path.read_text(encoding="utf-8")
    if path.suffix == ".json":
        document = json.loads(lines)
        path.write_text(json.dumps({**document, "rows": rows}), encoding="utf-8")
    else:
        head = lines.splitlines()[0]
        path.write_text("\n".join([head, *map(json.dumps, rows)]) + "\n", encoding="utf-8")


@pytest.fixture(scope="module")
def made(package_of: Callable[[str], Package]) -> Package:
    return package_of(STUDY)


@pytest.mark.parametrize("suffix", [".parquet", ".json", ".ndjson"])
def test_texts_with_blanks_at_their_ends_give_the_same_adam(made: Package, tmp_path: Path, suffix: str) -> None:
    (tmp_path / "sdtm").mkdir()
    for name, frame in made.sdtm.items():
        write_padded(frame, tmp_path / "sdtm" / f"{name.lower()}{suffix}")
    read = read_folder(tmp_path, "sdtm")[0]
    assert (read["RS"]["RSTESTCD"].str.strip() == "OVRLRESP").sum() > 10
    assert read["RS"]["RSTESTCD"].str.endswith(" ").all() and read["DM"]["USUBJID"].str.endswith(" ").any()
    again = build_adam(read, made.study)
    assert list(again.frames) == list(made.made.frames)
    for name, frame in made.made.frames.items():
        pd.testing.assert_frame_equal(again.frames[name], frame, obj=name)
    pd.testing.assert_frame_equal(again.lineage, made.made.lineage)
    pd.testing.assert_frame_equal(again.findings, made.made.findings)
