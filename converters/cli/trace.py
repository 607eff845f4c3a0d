"""`fhir2cdisc trace`: from any value back to the FHIR resource that it came from."""

from __future__ import annotations

from pathlib import Path

import click
from fhir2cdisc.converters.trace import TracedPackage, TraceError
from fhir2cdisc.converters.trace import trace as trace_lines


@click.command()
@click.argument("package_dir", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("dataset")
@click.argument("keys", nargs=-1, required=True, metavar="KEY=VALUE...")
def trace(package_dir: Path, dataset: str, keys: tuple[str, ...]) -> None:
    """Show where the records of DATASET with these values came from, down to file and resource.

    For example: trace PACKAGE ADTTE USUBJID=STUDY-01-0001 PARAMCD=PFS
    """
    wrong = next((key for key in keys if "=" not in key), None)
    if wrong is not None:
        raise click.ClickException(f"{wrong!r} is not of the form KEY=VALUE")
    pairs = dict(key.split("=", 1) for key in keys)
    try:
        for line in trace_lines(TracedPackage(package_dir), dataset.upper(), pairs):
            click.echo(line)
    except TraceError as error:
        raise click.ClickException(str(error)) from error
