"""`fhir2cdisc results`: every endpoint of a study from its ADaM datasets."""

from __future__ import annotations

from pathlib import Path

import click
from fhir2cdisc.converters.cli.options import PACKAGE, files_among, with_options


@click.command()
@click.argument("adam_dir", type=click.Path(path_type=Path, exists=True, file_okay=False))
@with_options(*PACKAGE)
def results(adam_dir: Path, study_name: str, out: Path, replace_old: bool) -> None:
    """ADaM (XPT, Dataset-JSON or Parquet) to endpoint results, tables, figures and a report.

    ADAM_DIR is a folder of datasets, or a package with such a folder named adam; the results are a package of their
    own, and nothing is added to that one.
    """
    from fhir2cdisc.converters.run.from_adam import make_results
    from fhir2cdisc.mappings.study import load_study

    lines = make_results(adam_dir, load_study(study_name), out, replace_old, files_among(study_name))
    click.echo("\n".join([*lines, f"Results: {out}"]))
