"""Endpoint results made of ADaM that lies in a folder, ours or anyone's. What the command `results` does."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd
from fhir2cdisc.adam.plan import Plan
from fhir2cdisc.adam.results.summary import study_specs
from fhir2cdisc.converters.documents.headlines import tripwire_lines
from fhir2cdisc.converters.documents.report import Background, write_report
from fhir2cdisc.converters.documents.result_format import shown_with_interval
from fhir2cdisc.converters.documents.results import write_results
from fhir2cdisc.converters.formats.folder import dataset_files, read_folder
from fhir2cdisc.converters.package import PackageError, check_writable, new_folder
from fhir2cdisc.converters.run.evidence import finish
from fhir2cdisc.converters.run.pipeline import RunOptions
from fhir2cdisc.fhir.findings import Finding
from fhir2cdisc.mappings.study import Study

CONFLICT = "sdtm.response differs from lesions"
NEEDED = {"ADSL": ("USUBJID", "SAFFL"), "ADTTE": ("USUBJID", "PARAMCD", "AVAL", "CNSR")}


def make_results(adam_dir: Path, study: Study, out: Path, replace_old: bool, files: Iterable[Path]) -> list[str]:
    """Make the folder of the results, whole or not at all; a line for each main statistic of a primary endpoint.

    `files` are what else was read, such as the study file. Raises PackageError where the datasets cannot be taken or
    the folder cannot be written.
    """
    check_writable(out, replace_old, [adam_dir, *dataset_files(adam_dir, "adam"), *files])
    frames, inputs = read_folder(adam_dir, "adam")
    _check_needed(frames, adam_dir)
    background = _background(adam_dir)
    plan = Plan.of(study, frames)
    specs = study_specs(plan, frames)
    with new_folder(out, replace_old) as folder:
        made = write_results(folder, plan, specs, frames)
        write_report(folder, plan, specs, made, frames, background)
        finish(folder, inputs, study, RunOptions(), "utf-8")
    return [*tripwire_lines(background.findings), *_primary_lines(study, made.table)]


def _background(adam_dir: Path) -> Background:
    """What the package that the datasets lie in says was found when they were made; nothing where it says nothing."""
    path = next((p for f in (adam_dir, adam_dir.parent) if (p := f / "findings" / "findings.json").is_file()), None)
    try:
        rows = json.loads(path.read_text(encoding="utf-8")) if path is not None else []
        found = tuple(Finding(**row) for row in rows)
    except (OSError, ValueError, TypeError) as error:
        raise PackageError(f"{path}: cannot be read as findings: {type(error).__name__}") from error
    conflicts = [one for one in found if one.rule == CONFLICT]
    table = pd.DataFrame(
        {
            "USUBJID": [one.usubjid for one in conflicts],
            "RECORD": [one.path for one in conflicts],
            "VARIABLE": [one.variable.rpartition(".")[2] for one in conflicts],
            "VALUE": [one.value for one in conflicts],
            "MESSAGE": [one.message for one in conflicts],
        }
    )
    return Background(findings=found, conflicts=table)


def _check_needed(frames: Mapping[str, pd.DataFrame], folder: Path) -> None:
    """What every result needs: ADSL with one record for each subject, ADTTE, their variables; or what is absent."""
    for name, variables in NEEDED.items():
        if name not in frames:
            raise PackageError(f"{folder}: has no {name} dataset, so there are no results")
        for variable in variables:
            if variable not in frames[name]:
                raise PackageError(f"{folder}: {name} has no variable {variable}")
    subjects = frames["ADSL"]["USUBJID"]
    if len(double := subjects[subjects.duplicated()]):
        raise PackageError(f"{folder}: ADSL: subject {double.iloc[0]} has more than one record")


def _primary_lines(study: Study, table: pd.DataFrame) -> list[str]:
    primary = {one.id for one in study.endpoints if one.role == "primary"}
    rows = table[table["RESULTID"].isin(primary) & (table["GROUP"] == "All")]
    rows = rows[rows["STATISTIC"].isin(["percent", "median", "rate"])]
    return [
        f"{row['ENDPOINT']}: {row['STATISTIC']} {row['CATEGORY']} ".replace("  ", " ")
        + (shown_with_interval(row) if not row["REASON"] else f"not estimable ({row['REASON']})")
        for row in rows.to_dict("records")
    ]
