"""The command line of fhir2cdisc."""

from __future__ import annotations

import click


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="fhir2cdisc")
def main() -> None:
    """FHIR or raw extracts in; SDTM, ADaM, XPT, define.xml and endpoints out."""
