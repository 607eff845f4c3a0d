"""`fhir2cdisc map`: the draft of a mapping of an extract, or of a site map for codes of FHIR."""

from __future__ import annotations

from pathlib import Path

import click
from fhir2cdisc.converters.cli.options import SOURCES


@click.command("map")
@SOURCES
@click.option("--draft", is_flag=True, required=True, help="Write a draft (the only thing that is done).")
@click.option("--extract", help="An earlier mapping: it is kept word for word, and what is new is added.")
@click.option("--site", "sites", multiple=True, help="Of FHIR: a site map whose codes are known already.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="File to write [default: the terminal].")
@click.option("--replace", "replace_old", is_flag=True, help="Replace OUT where it is there.")
def map_command(
    sources: tuple[Path, ...],
    draft: bool,
    extract: str | None,
    sites: tuple[str, ...],
    out: Path | None,
    replace_old: bool,
) -> None:
    """Draft a mapping of the raw extract in SOURCES, or a site map for codes of FHIR that stand for no test.

    Lines that are sure are plain, guesses are comments with their score and reason, every other column is named with
    a "?". Values that fewer than five cells have and columns that may identify people are not shown.
    """
    from fhir2cdisc.converters.run.map_draft import drafted, write_draft

    text, said = drafted(sources, extract, sites)
    for line in said:
        click.echo(line, err=True)
    if out is None:
        click.echo(text, nl=False)
    else:
        write_draft(out, text, replace_old)
