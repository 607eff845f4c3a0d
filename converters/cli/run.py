"""`fhir2cdisc run`: FHIR to a whole package."""

from __future__ import annotations

from typing import Any

import click
from fhir2cdisc.converters.cli.options import PACKAGE, READING, SOURCES, WRITING, with_options
from fhir2cdisc.converters.cli.order import carry_out


@click.command()
@with_options(SOURCES, *PACKAGE, *READING, *WRITING)
def run(**said: Any) -> None:
    """FHIR to SDTM and ADaM of a study: XPT, define.xml, lineage and findings in one package.

    SOURCES are FHIR R4 or R4B: files, folders and zip archives of bundles, resources or NDJSON.
    SITE=PATH names the hospital of a source: its ids are then apart from those of all other sources.
    """
    carry_out(with_adam=True, **said)
