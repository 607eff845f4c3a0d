"""`fhir2cdisc simulate`: synthetic FHIR for a study, with the truth beside it."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Literal

import click
from fhir2cdisc.converters.choices import EXTRACTS
from fhir2cdisc.converters.cli.options import files_among
from fhir2cdisc.fhir.simulation.dialects import NAMES
from fhir2cdisc.fhir.simulation.habits.names import NAMES as HABITS


def _day(_context: click.Context, _option: click.Parameter, value: str) -> str:
    try:
        return date.fromisoformat(value).isoformat() if value else ""
    except ValueError as error:
        raise click.BadParameter(f"{value!r} is not a date such as 2023-11-30") from error


@click.command()
@click.argument("study")
@click.option("--patients", type=click.IntRange(min=1), help="Number of subjects [default: the protocol's].")
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed gives the same bytes.")
@click.option("--out", required=True, type=click.Path(path_type=Path, file_okay=False), help="New or empty folder.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["bundles", "ndjson"]),
    default="bundles",
    show_default=True,
    help="A bundle for each patient, or an NDJSON file for each resource type.",
)
@click.option(
    "--dialect",
    "dialects",
    multiple=True,
    type=click.Choice(NAMES),
    help="How a hospital writes the same facts; may be given more than once [default: nci].",
)
@click.option(
    "--habit",
    "habits",
    multiple=True,
    type=click.Choice(HABITS),
    metavar="NAME",
    help="What hospitals do (orders, death-month, ...: docs/simulator.md lists them); may be given more than once.",
)
@click.option(
    "--extract",
    "extracts",
    multiple=True,
    type=click.Choice(EXTRACTS),
    help="Also write the same patients as a raw extract to OUT/NAME (read it with --extract NAME).",
)
@click.option("--messy", type=click.FloatRange(0, 1), default=0.0, help="Share of the resources to spoil.")
@click.option("--cutoff", default="", callback=_day, help="Data cut; nothing later is known [default: the study's].")
def simulate(
    study: str,
    patients: int | None,
    seed: int,
    out: Path,
    form: Literal["bundles", "ndjson"],
    dialects: tuple[str, ...],
    habits: tuple[str, ...],
    extracts: tuple[str, ...],
    messy: float,
    cutoff: str,
) -> None:
    """Write synthetic FHIR R4 for STUDY to OUT/fhir and what is true of it to OUT/truth.

    Every resource is tagged synthetic. With --messy, OUT/truth/ledger.csv lists every planted defect;
    with --habit, OUT/truth/habits.csv says what was planted for each subject. Dialects, habits and defects are of
    FHIR; an extract has none of them.
    """
    from fhir2cdisc.converters.package import check_writable, new_folder
    from fhir2cdisc.fhir.simulation.simulate import Order, simulate
    from fhir2cdisc.mappings.study import load_study

    order = Order(load_study(study), seed, patients, cutoff, dialects, messy, form, habits, extracts)
    check_writable(out, False, files_among(study))
    with new_folder(out) as folder:
        counts = simulate(order, folder)
    click.echo(f"{counts['subjects']} synthetic subjects, {counts['resources']} resources, {counts['defects']} defects")
