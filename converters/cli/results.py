"""`fhir2cdisc results`: every endpoint of a study from its ADaM datasets."""

from __future__ import annotations

from pathlib import Path

import click
import pandas as pd
from fhir2cdisc.converters.cli.options import files_among
from fhir2cdisc.converters.documents.report import Background, write_report
from fhir2cdisc.converters.documents.result_format import shown_with_interval
from fhir2cdisc.converters.documents.results import write_results
from fhir2cdisc.converters.formats.folder import dataset_files, read_noted
from fhir2cdisc.converters.manifest import Input
from fhir2cdisc.converters.package import PackageError, check_writable, new_folder
from fhir2cdisc.converters.run.pipeline import RunOptions
from fhir2cdisc.converters.run.write import finish
from fhir2cdisc.mappings.study import Study, StudyError, load_study

NEEDED = {"ADSL": ("USUBJID", "SAFFL"), "ADTTE": ("USUBJID", "PARAMCD", "AVAL", "CNSR")}


@click.command()
@click.argument("adam_dir", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--study", "study_name", required=True, help="A built-in study, or the path of a study file.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder of the results.")
@click.option("--replace", "replace_old", is_flag=True, help="Replace results that are already there.")
def results(adam_dir: Path, study_name: str, out: Path, replace_old: bool) -> None:
    """ADaM (XPT, Dataset-JSON or Parquet) to endpoint results, tables, figures and a report.

    ADAM_DIR is a folder of datasets, or a package with such a folder named adam.
    """
    try:
        study = load_study(study_name)
        check_writable(out, replace_old, [adam_dir, *dataset_files(adam_dir, "adam"), *files_among(study_name)])
        frames, inputs = read_adam(adam_dir)
        with new_folder(out, replace_old) as folder:
            made = write_results(folder, frames, study)
            write_report(folder, study, made, frames, Background())
            finish(folder, inputs, study, RunOptions(), "utf-8")
    except (StudyError, PackageError) as error:
        raise click.ClickException(str(error)) from error
    click.echo("\n".join(primary_lines(study, made.table)))
    click.echo(f"Results: {out}")


def read_adam(folder: Path) -> tuple[dict[str, pd.DataFrame], list[Input]]:
    """The ADaM datasets of a folder or package; PackageError where one cannot be read or what is needed is absent."""
    frames, inputs = read_noted(folder, "adam")
    for name, variables in NEEDED.items():
        if name not in frames:
            raise PackageError(f"{folder}: has no {name} dataset, so there are no results")
        for variable in variables:
            if variable not in frames[name]:
                raise PackageError(f"{folder}: {name} has no variable {variable}")
    return frames, inputs


def primary_lines(study: Study, table: pd.DataFrame) -> list[str]:
    """One line for each main statistic of the primary endpoints."""
    primary = {one.id for one in study.endpoints if one.role == "primary"}
    rows = table[table["RESULTID"].isin(primary) & (table["GROUP"] == "All")]
    rows = rows[rows["STATISTIC"].isin(["percent", "median", "rate"])]
    return [
        f"{row['ENDPOINT']}: {row['STATISTIC']} {row['CATEGORY']} ".replace("  ", " ")
        + (shown_with_interval(row) if not row["REASON"] else f"not estimable ({row['REASON']})")
        for row in rows.to_dict("records")
    ]
