"""The options that commands share: where the package goes, how sources are read, how files are written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from fhir2cdisc.converters.choices import ENCODINGS, FORMATS, LAYOUTS

Command = Callable[..., None]
Decorator = Callable[[Any], Any]

SOURCES = click.argument("sources", nargs=-1, required=True, type=click.Path(path_type=Path))
PACKAGE: tuple[Decorator, ...] = (
    click.option("--study", "study_name", required=True, help="A built-in study, or the path of a study file."),
    click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder of the package."),
    click.option("--replace", "replace_old", is_flag=True, help="Replace an unchanged package that is already there."),
)
READING: tuple[Decorator, ...] = (
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
        "--site",
        "sites",
        multiple=True,
        help="A map of local codes: a built-in name or a file (TOML); may be repeated.",
    ),
    click.option(
        "--extract",
        "extracts",
        multiple=True,
        help="The mapping of a raw extract among the sources: a built-in name or a file (TOML); may be repeated.",
    ),
    click.option(
        "--key-file",
        type=click.Path(path_type=Path, exists=True, dir_okay=False),
        help="Secret from which subject numbers are made where the source has none.",
    ),
    click.option(
        "--dictionary",
        type=click.Path(path_type=Path, exists=True, dir_okay=False),
        help="CSV that codes adverse events: TERM, AEDECOD, AEBODSYS and other coded variables of AE.",
    ),
)
WRITING: tuple[Decorator, ...] = (
    click.option(
        "--encoding",
        default="auto",
        show_default=True,
        type=click.Choice(["auto", *ENCODINGS]),
        help="Of the transport files; auto is ASCII wherever the text allows it.",
    ),
    click.option(
        "--format",
        "formats",
        multiple=True,
        type=click.Choice(FORMATS),
        help="Also write the datasets as Dataset-JSON 1.1 or Parquet; may be repeated.",
    ),
    click.option(
        "--layout",
        default="package",
        show_default=True,
        type=click.Choice(LAYOUTS),
        help="ectd also arranges m5/datasets/<study>/ in the package.",
    ),
)


def files_among(*names: str | Path | None) -> tuple[Path, ...]:
    """Those of the names and paths of a call that are files; a built-in study or site is none."""
    return tuple(path for name in names if name and (path := Path(name)).is_file())


def with_options(*options: Decorator) -> Callable[[Command], Command]:
    """A decorator that gives a command these options; its help lists them in this order."""

    def decorate(function: Command) -> Command:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate
