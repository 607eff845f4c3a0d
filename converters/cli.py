"""The command line of fhir2cdisc."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable
from functools import wraps
from pathlib import Path
from typing import Any

import click
from fhir2cdisc.adam.build import Adam, build_adam
from fhir2cdisc.converters.cli_results import results
from fhir2cdisc.converters.cli_simulate import simulate
from fhir2cdisc.converters.cli_studies import studies
from fhir2cdisc.converters.datasets import SUFFIXES, read_dataset
from fhir2cdisc.converters.headlines import account_lines, adam_lines, assumption_lines, finding_lines
from fhir2cdisc.converters.package_write import (
    PackageError,
    check_writable,
    finish,
    new_folder,
    write_adam,
    write_findings,
    write_lineage,
    write_sdtm,
)
from fhir2cdisc.converters.pipeline import RunOptions, SdtmRun, build_sdtm
from fhir2cdisc.converters.report import Background, conflicts_of, write_report
from fhir2cdisc.converters.results_write import write_results
from fhir2cdisc.fhir.sources import SourceError
from fhir2cdisc.mappings.model import MappingError
from fhir2cdisc.mappings.study import Study, StudyError, load_study
from fhir2cdisc.sdtm.subjects import SubjectError

ERRORS = (SourceError, StudyError, MappingError, PackageError, SubjectError)
Command = Callable[..., None]


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="fhir2cdisc")
def main() -> None:
    """FHIR or raw extracts in; SDTM, ADaM, XPT, define.xml and endpoints out."""


main.add_command(studies)
main.add_command(simulate)
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


def _source_options(function: Command) -> Command:
    for decorate in reversed(
        [
            click.argument("sources", nargs=-1, required=True, type=click.Path(path_type=Path)),
            click.option("--study", "study_name", required=True, help="A built-in study, or the path of a study file."),
            click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder of the package."),
            click.option("--replace", "replace_old", is_flag=True, help="Replace a package that is already there."),
            click.option("--deep", is_flag=True, help="Also check every resource with the fhir.resources R4B models."),
            click.option("--workers", default=1, show_default=True, type=click.IntRange(min=1), help="Processes."),
            click.option(
                "--mapping",
                "mappings",
                multiple=True,
                type=click.Path(path_type=Path),
                help="A mapping file (TOML) whose sources come before the built-in ones; may be repeated.",
            ),
            click.option(
                "--key-file",
                type=click.Path(path_type=Path, exists=True, dir_okay=False),
                help="Secret from which subject numbers are made where the source has none.",
            ),
            click.option(
                "--encoding",
                default="auto",
                show_default=True,
                type=click.Choice(["auto", "ascii", "utf-8", "gb18030"]),
                help="Of the transport files; auto is ASCII wherever the text allows it.",
            ),
        ]
    ):
        function = decorate(function)
    return function


def progress(steps: Iterable[object], label: str, length: int) -> Iterable[object]:
    """A progress bar on a terminal; nothing at all in a pipe."""
    if not sys.stderr.isatty():
        yield from steps
        return
    with click.progressbar(steps, length=length, label=label, file=sys.stderr) as bar:
        yield from bar


def _run_options(deep: bool, workers: int, mappings: tuple[Path, ...], key_file: Path | None) -> RunOptions:
    return RunOptions(deep, workers, mappings=mappings, key=key_file.read_bytes() if key_file else b"")


@main.command()
@_source_options
@clear_errors
def run(
    sources: tuple[Path, ...], study_name: str, out: Path, replace_old: bool, deep: bool, workers: int,
    mappings: tuple[Path, ...], key_file: Path | None, encoding: str,
) -> None:  # fmt: skip
    """FHIR to SDTM and ADaM of a study: XPT, define.xml, lineage and findings in one package.

    SOURCES are FHIR R4 or R4B: files, folders and zip archives of bundles, resources or NDJSON.
    """
    study = load_study(study_name)
    options = _run_options(deep, workers, mappings, key_file)
    _package(sources, study, out, replace_old, options, encoding, with_adam=True)


@main.command()
@_source_options
@clear_errors
def sdtm(
    sources: tuple[Path, ...], study_name: str, out: Path, replace_old: bool, deep: bool, workers: int,
    mappings: tuple[Path, ...], key_file: Path | None, encoding: str,
) -> None:  # fmt: skip
    """FHIR to SDTM of a study."""
    study = load_study(study_name)
    options = _run_options(deep, workers, mappings, key_file)
    _package(sources, study, out, replace_old, options, encoding, with_adam=False)


def _package(
    sources: tuple[Path, ...], study: Study, out: Path, replace_old: bool, options: RunOptions, encoding: str,
    *, with_adam: bool,
) -> None:  # fmt: skip
    check_writable(out, replace_old)
    made = build_sdtm(sources, study, options, progress)
    click.echo("\n".join(account_lines(made.accounts)))
    if not made.sdtm.frames:
        _nothing(made, study)
    adam = build_adam(made.sdtm.frames, study) if with_adam else None
    with new_folder(out, replace_old) as folder:
        written = write_sdtm(folder, made, study, encoding)
        found = list(written.findings)
        if adam is not None:
            found += write_adam(folder, adam, study, encoding).findings
        write_lineage(folder, made, adam)
        everything = write_findings(folder, made, adam, found)
        if adam is not None:
            background = Background(
                made.accounts.counts, tuple(everything), conflicts_of(made.sdtm.frames, adam.frames, study)
            )
            write_report(folder, study, write_results(folder, adam.frames, study), adam.frames, background)
        finish(folder, sources, study, options, encoding)
    click.echo("\n".join([*finding_lines(everything), *assumption_lines(study, made.sdtm.frames)]))
    if adam is not None:
        click.echo("\n".join(adam_lines(adam.frames)))
    click.echo(f"Package: {out}")


def _nothing(made: SdtmRun, study: Study) -> None:
    rules = Counter(f.rule for f in made.accounts.findings)
    why = ", ".join(f"{rule} ({count})" for rule, count in rules.most_common(3))
    raise click.ClickException(
        f"no patient of the sources belongs to study {study.id}, so nothing was made"
        + (f"; found: {why}" if why else "")
    )


@main.command()
@click.argument("sdtm_dir", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--study", "study_name", required=True, help="A built-in study, or the path of a study file.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder of the package.")
@click.option("--replace", "replace_old", is_flag=True, help="Replace a package that is already there.")
@clear_errors
def adam(sdtm_dir: Path, study_name: str, out: Path, replace_old: bool) -> None:
    """SDTM (ours or anyone's: XPT, Dataset-JSON or Parquet) to ADaM of a study.

    SDTM_DIR is a folder of datasets, or a package with such a folder named sdtm.
    """
    study = load_study(study_name)
    check_writable(out, replace_old)
    frames = read_folder(sdtm_dir / "sdtm" if (sdtm_dir / "sdtm").is_dir() else sdtm_dir)
    if "DM" not in frames:
        raise PackageError(f"{sdtm_dir}: has no DM dataset, so there are no subjects")
    made: Adam = build_adam(frames, study)
    with new_folder(out, replace_old) as folder:
        written = write_adam(folder, made, study)
        write_lineage(folder, None, made)
        found = write_findings(folder, None, made, written.findings)
        finish(folder, [sdtm_dir], study, RunOptions(), written.encoding)
    click.echo("\n".join([*finding_lines(found), *adam_lines(made.frames)]))
    click.echo(f"Package: {out}")


def read_folder(folder: Path) -> dict[str, Any]:
    """Every dataset of a folder by name; PackageError for one that cannot be read."""
    frames = {}
    for path in sorted(p for p in folder.iterdir() if p.suffix in SUFFIXES):
        try:
            frame, dataset = read_dataset(path)
        except (ValueError, OSError) as error:
            raise PackageError(f"{path.name}: cannot be read: {error}") from error
        frames[dataset.name.upper()] = frame
    return frames
