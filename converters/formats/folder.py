"""A folder of datasets in any of the exchange formats, as frames by name."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from fhir2cdisc.converters.formats.datasets import SUFFIXES, read_dataset
from fhir2cdisc.converters.run.write import PackageError


def read_folder(folder: Path, kind: str) -> dict[str, pd.DataFrame]:
    """Every dataset of a folder, or of its subfolder `kind` where it has one (a package: `sdtm`, `adam`).

    Raises PackageError for one that cannot be read.
    """
    place = folder / kind if (folder / kind).is_dir() else folder
    frames: dict[str, pd.DataFrame] = {}
    for path in sorted(p for p in place.iterdir() if p.suffix in SUFFIXES):
        try:
            frame, dataset = read_dataset(path)
        except (ValueError, OSError) as error:
            raise PackageError(f"{path.name}: cannot be read: {error}") from error
        frames[dataset.name.upper()] = frame
    return frames
