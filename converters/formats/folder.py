"""A folder of datasets in any of the exchange formats, as frames by name."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pandas as pd
from fhir2cdisc.converters.formats.datasets import SUFFIXES, read_dataset
from fhir2cdisc.converters.manifest import Input, look_again, note_inputs
from fhir2cdisc.converters.package import PackageError


def dataset_files(folder: Path, kind: str) -> list[Path]:
    """The dataset files of a folder, or of its subfolder `kind` where it has one (a package: `sdtm`, `adam`).

    Of a dataset that lies there in several formats, as `--format` writes it, the first of `SUFFIXES`.
    """
    place = folder / kind if (folder / kind).is_dir() else folder
    files = [path for path in place.iterdir() if path.suffix.lower() in SUFFIXES and path.is_file()]
    best: dict[str, int] = {}
    for path in files:
        best[_stem(path)] = min(_rank(path), best.get(_stem(path), len(SUFFIXES)))
    return sorted(path for path in files if _rank(path) == best[_stem(path)])


def _stem(path: Path) -> str:
    return path.stem.lower()


def _rank(path: Path) -> int:
    return SUFFIXES.index(path.suffix.lower())


def read_folder(folder: Path, kind: str) -> tuple[dict[str, pd.DataFrame], list[Input]]:
    """The frames of a folder or package by the names of the datasets, and what a manifest says of their files.

    Raises PackageError for a file that cannot be read or is changed meanwhile, and for two files of one dataset.
    """
    files = dataset_files(folder, kind)
    top = folder.resolve().name
    inputs = note_inputs((path, f"{top}/{path.relative_to(folder).as_posix()}") for path in files)
    frames = _frames(files)
    for one in look_again(inputs):
        if one.changed:
            raise PackageError(f"{one.name}: was changed while it was read; run the command again")
    return frames, inputs


def _frames(files: Iterable[Path]) -> dict[str, pd.DataFrame]:
    frames: dict[str, pd.DataFrame] = {}
    names: dict[str, str] = {}
    for path in files:
        try:
            frame, dataset = read_dataset(path)
        except (ValueError, OSError) as error:
            raise PackageError(f"{path.name}: cannot be read: {error}") from error
        name = dataset.name.upper()
        if name in frames:
            raise PackageError(f"{path.name}: holds the dataset {name}, and {names[name]} does too; keep one of them")
        frames[name], names[name] = frame, path.name
    return frames
