"""The command line of fhir2cdisc."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from functools import wraps
from pathlib import Path
from typing import Any

import click
from fhir2cdisc.adam.build import Adam, build_adam
from fhir2cdisc.converters.atomic import write_text
from fhir2cdisc.converters.check.conformance import as_json
from fhir2cdisc.converters.cli.options import PACKAGE, READING, WRITING, Command, files_among, with_options
from fhir2cdisc.converters.cli.results import results
from fhir2cdisc.converters.cli.simulate import simulate
from fhir2cdisc.converters.cli.studies import studies
from fhir2cdisc.converters.cli.trace import trace
from fhir2cdisc.converters.cli.validate import validate
from fhir2cdisc.converters.documents.guides_write import add_guides
from fhir2cdisc.converters.documents.headlines import adam_lines, conformance_line, finding_lines
from fhir2cdisc.converters.formats.folder import dataset_files, read_noted
from fhir2cdisc.converters.package import PackageError, check_writable, new_folder
from fhir2cdisc.converters.run.coding import DictionaryError
from fhir2cdisc.converters.run.package import NothingMadeError, Order, make_package
from fhir2cdisc.converters.run.pipeline import RunOptions
from fhir2cdisc.converters.run.write import (
    finish,
    write_adam,
    write_findings,
    write_lineage,
)
from fhir2cdisc.fhir.sources import SourceError
from fhir2cdisc.mappings.model import MappingError
from fhir2cdisc.mappings.study import StudyError, load_study
from fhir2cdisc.sdtm.subjects import SubjectError

ERRORS = (NothingMadeError, DictionaryError, SourceError, StudyError, MappingError, PackageError, SubjectError)
SOURCES = click.argument("sources", nargs=-1, required=True, type=click.Path(path_type=Path))


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="fhir2cdisc")
def main() -> None:
    """FHIR or raw extracts in; SDTM, ADaM, XPT, define.xml and endpoints out."""


main.add_command(studies)
main.add_command(simulate)
main.add_command(trace)
main.add_command(validate)
main.add_command(results)


def clear_errors(function: Command) -> Command:
    """What is wrong with the call becomes one sentence and exit code 1."""

    @wraps(function)
    def run(*args: Any, **kwargs: Any) -> None:
        try:
            function(*args, **kwargs)
        except ERRORS as error:
            raise click.ClickException(str(error)) from error

    return run


def progress(steps: Iterable[object], label: str, length: int) -> Iterable[object]:
    """A progress bar on a terminal; nothing at all in a pipe."""
    if not sys.stderr.isatty():
        yield from steps
        return
    with click.progressbar(steps, length=length, label=label, file=sys.stderr) as bar:
        yield from bar


def _order(with_adam: bool, **said: Any) -> Order:
    key_file, mappings, sites = said["key_file"], said["mappings"], said["sites"]
    options = RunOptions(
        deep=said["deep"],
        workers=said["workers"],
        mappings=mappings,
        sites=sites,
        key=key_file.read_bytes() if key_file else b"",
    )
    return Order(
        sources=said["sources"],
        study=load_study(said["study_name"]),
        out=said["out"],
        options=options,
        replace_old=said["replace_old"],
        encoding=said["encoding"],
        formats=said["formats"],
        layout=said["layout"],
        dictionary=said["dictionary"],
        with_adam=with_adam,
        files=files_among(said["study_name"], *mappings, *sites, key_file, said["dictionary"]),
    )


@main.command()
@with_options(SOURCES, *PACKAGE, *READING, *WRITING)
@clear_errors
def run(**said: Any) -> None:
    """FHIR to SDTM and ADaM of a study: XPT, define.xml, lineage and findings in one package.

    SOURCES are FHIR R4 or R4B: files, folders and zip archives of bundles, resources or NDJSON.
    """
    make_package(_order(True, **said), progress, click.echo)


@main.command()
@with_options(SOURCES, *PACKAGE, *READING, *WRITING)
@clear_errors
def sdtm(**said: Any) -> None:
    """FHIR to SDTM of a study."""
    make_package(_order(False, **said), progress, click.echo)


@main.command()
@click.argument("sdtm_dir", type=click.Path(path_type=Path, exists=True, file_okay=False))
@with_options(*PACKAGE)
@clear_errors
def adam(sdtm_dir: Path, study_name: str, out: Path, replace_old: bool) -> None:
    """SDTM (ours or anyone's: XPT, Dataset-JSON or Parquet) to ADaM of a study.

    SDTM_DIR is a folder of datasets, or a package with such a folder named sdtm.
    """
    study = load_study(study_name)
    check_writable(out, replace_old, [sdtm_dir, *dataset_files(sdtm_dir, "sdtm"), *files_among(study_name)])
    frames, inputs = read_noted(sdtm_dir, "sdtm")
    _check_subjects(frames, sdtm_dir)
    made: Adam = build_adam(frames, study)
    with new_folder(out, replace_old) as folder:
        written = write_adam(folder, made, study)
        write_lineage(folder, None, made)
        found = write_findings(folder, None, made, written.findings)
        report = add_guides(folder, study, None, written, found)
        write_text(folder / "findings" / "conformance.json", as_json(report))
        finish(folder, inputs, study, RunOptions(), written.encoding)
    click.echo("\n".join([*finding_lines(found), *adam_lines(made.frames), conformance_line(report)]))
    click.echo(f"Package: {out}")


def _check_subjects(frames: dict[str, Any], folder: Path) -> None:
    """DM with one record for each subject, or one sentence that says why not."""
    if "DM" not in frames:
        raise PackageError(f"{folder}: has no DM dataset, so there are no subjects")
    dm = frames["DM"]
    if "USUBJID" not in dm:
        raise PackageError(f"{folder}: DM has no variable USUBJID")
    if len(double := dm.loc[dm["USUBJID"].duplicated(), "USUBJID"]):
        raise PackageError(f"{folder}: DM: subject {double.iloc[0]} has more than one record")
