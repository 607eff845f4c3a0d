"""The `results` folder: a tidy table, the records behind every number, and the same as an ARS reporting event."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
from fhir2cdisc.adam.plan import Plan
from fhir2cdisc.adam.results.sheet import Results, Spec
from fhir2cdisc.adam.results.summary import study_results
from fhir2cdisc.converters.atomic import replacing, write_table, write_text
from fhir2cdisc.converters.documents.ars import reporting_event


def write_results(folder: Path, plan: Plan, specs: Sequence[Spec], frames: Mapping[str, pd.DataFrame]) -> Results:
    """Compute every endpoint of the study (`specs` of `study_specs`) and write `results/` below `folder`.

    `results.csv` and `results.json`: one row per statistic. `records.parquet`: the ADaM records that each result
    counts, by dataset, subject and sequence number. `ars.json`: the CDISC Analysis Results Standard 1.0.
    """
    made = study_results(plan, specs, frames)
    target = folder / "results"
    # As pandas writes them: numbers with all their digits, blank where there is none.
    rows = list(csv.reader(io.StringIO(made.table.to_csv(index=False))))
    write_table(target / "results.csv", rows[0], rows[1:])
    write_text(target / "results.json", _json(made.table))
    with replacing(target / "records.parquet") as file:
        made.records.to_parquet(file, index=False)
    event = reporting_event(plan.study, specs, made.table)
    write_text(target / "ars.json", json.dumps(event, ensure_ascii=False, indent=1) + "\n")
    return made


def _json(table: pd.DataFrame) -> str:
    """The rows as JSON objects; what is missing is null."""
    rows = [
        {name: None if isinstance(value, float) and math.isnan(value) else value for name, value in row.items()}
        for row in table.to_dict("records")
    ]
    return json.dumps(rows, ensure_ascii=False, indent=1) + "\n"
