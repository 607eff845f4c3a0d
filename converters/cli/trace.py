"""`fhir2cdisc trace`: from any value back to the FHIR resource or the cell that it came from."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("package_dir", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("dataset")
@click.argument("keys", nargs=-1, required=True, metavar="KEY=VALUE...")
@click.option(
    "--source",
    "sources",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Where the extracts of the run are: also shows what stands in their cells; may be repeated.",
)
def trace(package_dir: Path, dataset: str, keys: tuple[str, ...], sources: tuple[Path, ...]) -> None:
    """Show where the records of DATASET with these values came from, down to file and resource or cell.

    For example: trace PACKAGE ADTTE USUBJID=STUDY-01-0001 PARAMCD=PFS
    """
    from fhir2cdisc.converters.extracts.cell import CellReader
    from fhir2cdisc.converters.trace import TracedPackage, trace

    wrong = next((key for key in keys if "=" not in key), None)
    if wrong is not None:
        raise click.ClickException(f"{wrong!r} is not of the form KEY=VALUE")
    pairs = dict(key.split("=", 1) for key in keys)
    package = TracedPackage(package_dir, cell=CellReader(sources) if sources else None)
    for line in trace(package, dataset.upper(), pairs):
        click.echo(line)
