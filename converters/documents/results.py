"""The `results` folder: a tidy table, the records behind every number, and the same as an ARS reporting event."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from fhir2cdisc.adam.results.endpoints import endpoint_specs
from fhir2cdisc.adam.results.interim import look_specs, study_results
from fhir2cdisc.adam.results.sheet import Results
from fhir2cdisc.converters.atomic import replacing, write_text
from fhir2cdisc.converters.documents.ars import reporting_event
from fhir2cdisc.mappings.study import Study


def write_results(folder: Path, frames: Mapping[str, pd.DataFrame], study: Study) -> Results:
    """Compute every endpoint of the study and write `results/` below `folder`.

    `results.csv` and `results.json`: one row per statistic. `records.parquet`: the ADaM records that each result
    counts, by dataset, subject and sequence number. `ars.json`: the CDISC Analysis Results Standard 1.0.
    """
    made = study_results(study, frames)
    target = folder / "results"
    write_text(target / "results.csv", made.table.to_csv(index=False, lineterminator="\n"))
    write_text(target / "results.json", _json(made.table))
    with replacing(target / "records.parquet") as file:
        made.records.to_parquet(file, index=False)
    reached = set(made.table["RESULTID"])
    looks = [spec for n in range(1, len(study.interim.cases) + 1) for spec in look_specs(study, n)]
    specs = [spec for spec in (*endpoint_specs(study), *looks) if spec.id in reached]
    event = reporting_event(study, specs, made.table)
    write_text(target / "ars.json", json.dumps(event, ensure_ascii=False, indent=1) + "\n")
    return made


def _json(table: pd.DataFrame) -> str:
    """The rows as JSON objects; what is missing is null."""
    rows = [
        {name: None if isinstance(value, float) and math.isnan(value) else value for name, value in row.items()}
        for row in table.to_dict("records")
    ]
    return json.dumps(rows, ensure_ascii=False, indent=1) + "\n"
