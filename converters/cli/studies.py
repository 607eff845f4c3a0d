"""`fhir2cdisc studies`: the built-in studies, one of them explained, or its file to start one's own from."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("study", required=False)
@click.option("--toml", is_flag=True, help="Print the study file itself, as a start for your own.")
def studies(study: str | None, toml: bool) -> None:
    """List the built-in studies, or explain STUDY (a built-in name or a study file).

    The explanation gives every endpoint with its definition and every option, and says of each whether the
    protocol states it or the project supplies a default.
    """
    from fhir2cdisc.mappings.explain import explain_study, list_studies
    from fhir2cdisc.mappings.study import builtin_studies, load_study

    if study is None:
        if toml:
            raise click.UsageError("--toml needs the name of a study")
        click.echo(list_studies())
        return
    loaded = load_study(study)
    if toml:
        path = builtin_studies().get(study, Path(study))
        click.echo(path.read_text(encoding="utf-8"), nl=False)
    else:
        click.echo(explain_study(loaded), nl=False)
