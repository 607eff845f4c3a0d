"""Which function plants which habit, in the order in which they are planted."""

from __future__ import annotations

from dataclasses import dataclass, field

from fhir2cdisc.fhir.simulation.chart import Chart, Json
from fhir2cdisc.fhir.simulation.habits import clock, death, diagnosis, genes, treatment, tumour
from fhir2cdisc.fhir.simulation.habits.delivery import redeliver, renumber
from fhir2cdisc.fhir.simulation.habits.names import NAMES, HabitError
from fhir2cdisc.fhir.simulation.habits.planted import Plant, Planted

# What is copied is written after what is left out, and times are changed after everything that has one.
PLANTS: dict[str, Plant] = {
    "orders": treatment.orders,
    "open-ended": treatment.open_ended,
    "dispense": treatment.dispense,
    "earlier-line": treatment.earlier_line,
    "second-line": treatment.second_line,
    "unrelated-surgery": treatment.unrelated_surgery,
    "death-month": death.death_month,
    "death-year": death.death_year,
    "death-flag": death.death_flag,
    "death-disposition": death.death_disposition,
    "death-observation": death.death_observation,
    "asserted": diagnosis.asserted,
    "suspected": diagnosis.suspected,
    "second-cancer": diagnosis.second_cancer,
    "untested-genes": genes.untested_genes,
    "variant-kinds": genes.variant_kinds,
    "wild-type": genes.wild_type,
    "no-gene-list": genes.no_gene_list,
    "no-calls": tumour.no_calls,
    "spellings": tumour.spellings,
    "close-scans": tumour.close_scans,
    "time-zones": clock.time_zones,
}
REDELIVERY, TWO_SITES = "redelivery", "two-sites"


def check_habits(names: tuple[str, ...], *, bundles: bool) -> None:
    """HabitError names a habit that does not exist and what cannot be written together."""
    for name in names:
        if name not in NAMES:
            raise HabitError(f"habit {name!r} does not exist (there are: {', '.join(NAMES)})")
    deaths = sorted({name for name in names if name.startswith("death-")})
    if len(deaths) > 1:
        raise HabitError(f"habits {' and '.join(deaths)}: a death can be written in one way only")
    if TWO_SITES in names and not bundles:
        raise HabitError(f"habit {TWO_SITES}: NDJSON names no server; use bundles")


@dataclass(slots=True)
class Habits:
    """What was planted for a subject: (habit, planted), older copies to deliver, and the server (`''`: none)."""

    planted: list[tuple[str, Planted]] = field(default_factory=list)
    older: list[Json] = field(default_factory=list)
    server: str = ""


def plant_habits(chart: Chart, names: tuple[str, ...]) -> Habits:
    """Plant habits in the written resources of a subject, in the order of the table whatever the order of names."""
    made = Habits()
    for name, plant in PLANTS.items():
        if name in names:
            made.planted += [(name, one) for one in plant(chart)]
    if REDELIVERY in names:
        made.older, planted = redeliver(chart)
        made.planted.append((REDELIVERY, planted))
    if TWO_SITES in names:
        made.server, planted = renumber(chart, made.older)
        made.planted.append((TWO_SITES, planted))
    return made
