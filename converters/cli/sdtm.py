"""`fhir2cdisc sdtm`: FHIR to SDTM."""

from __future__ import annotations

from typing import Any

import click
from fhir2cdisc.converters.cli.options import PACKAGE, READING, SOURCES, WRITING, with_options
from fhir2cdisc.converters.cli.order import carry_out


@click.command()
@with_options(SOURCES, *PACKAGE, *READING, *WRITING)
def sdtm(**said: Any) -> None:
    """FHIR to SDTM of a study."""
    carry_out(with_adam=False, **said)
