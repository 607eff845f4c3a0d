"""What the options of `run` and `sdtm` ask for, carried out."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

import click
from fhir2cdisc.converters.cli.options import files_among


def carry_out(with_adam: bool, **said: Any) -> None:
    """Make the package that the options of a command describe."""
    from fhir2cdisc.converters.run.key import key_findings, read_key
    from fhir2cdisc.converters.run.order import RunOrder, make_package
    from fhir2cdisc.converters.run.pipeline import RunOptions
    from fhir2cdisc.mappings.study import load_study

    key_file, mappings, sites = said["key_file"], said["mappings"], said["sites"]
    options = RunOptions(
        deep=said["deep"],
        workers=said["workers"],
        mappings=mappings,
        sites=sites,
        extracts=said["extracts"],
        key=read_key(key_file) if key_file else b"",
    )
    order = RunOrder(
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
        said=tuple(key_findings(key_file)) if key_file else (),
        files=files_among(said["study_name"], *mappings, *sites, *said["extracts"], key_file, said["dictionary"]),
    )
    make_package(order, progress, click.echo)


def progress(steps: Iterable[object], label: str, length: int) -> Iterable[object]:
    """A progress bar on a terminal; nothing at all in a pipe."""
    if not sys.stderr.isatty():
        yield from steps
        return
    with click.progressbar(steps, length=length, label=label, file=sys.stderr) as bar:
        yield from bar
