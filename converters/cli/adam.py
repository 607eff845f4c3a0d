"""`fhir2cdisc adam`: SDTM to ADaM."""

from __future__ import annotations

from pathlib import Path

import click
from fhir2cdisc.converters.cli.options import PACKAGE, files_among, with_options


@click.command()
@click.argument("sdtm_dir", type=click.Path(path_type=Path, exists=True, file_okay=False))
@with_options(*PACKAGE)
def adam(sdtm_dir: Path, study_name: str, out: Path, replace_old: bool) -> None:
    """SDTM (ours or anyone's: XPT, Dataset-JSON or Parquet) to ADaM of a study.

    SDTM_DIR is a folder of datasets, or a package with such a folder named sdtm.
    """
    from fhir2cdisc.converters.run.from_sdtm import make_adam
    from fhir2cdisc.mappings.study import load_study

    lines = make_adam(sdtm_dir, load_study(study_name), out, replace_old, files_among(study_name))
    click.echo("\n".join([*lines, f"Package: {out}"]))
