"""The folders of a submission (eCTD module 5)."""

from __future__ import annotations

import shutil
from pathlib import Path

# Where the tabulation and analysis datasets of a study stand under m5/datasets/<study>.
ECTD_PLACES = {"sdtm": "tabulations/sdtm", "adam": "analysis/adam/datasets"}

# An agency takes transport files; what is written beside them is for other readers.
_OTHER_FORMATS = (".json", ".ndjson", ".parquet")


def arrange_ectd(package: str | Path, out: str | Path, study_id: str) -> list[Path]:
    """Copy a package into `m5/datasets/<study>/tabulations/sdtm` and `.../analysis/adam/datasets`.

    Datasets, their define.xml, define.html and stylesheet, split pieces and reviewer's guides go along, the same
    datasets in other formats do not; the copies are returned. Folder names of the study are lower-case, as in
    chapter 7 of the FDA Study Data Technical Conformance Guide.
    """
    folder = "".join(c if c.isalnum() or c in "-_" else "-" for c in study_id.lower())
    study = Path(out) / "m5" / "datasets" / folder
    copies = []
    for kind, place in ECTD_PLACES.items():
        source = Path(package) / kind
        for path in sorted(p for p in source.rglob("*") if p.is_file() and p.suffix not in _OTHER_FORMATS):
            target = study / place / path.relative_to(source)
            target.parent.mkdir(parents=True, exist_ok=True)
            copies.append(Path(shutil.copyfile(path, target)))
    return copies
