"""The dose of a drug from a FHIR dosage: the drug's own amount, never the volume of what it was given in.

FHIR R4 `MedicationAdministration.dosage`, `Dosage` (of statements, requests, dispenses) and `Medication.ingredient
.strength`. SDTMIG 3.4 section 6.1: --DOSE is a number with --DOSU, --DOSTXT a text where there is no single number.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from fhir2cdisc.sdtm.rows.medications import DrugPart
from fhir2cdisc.sdtm.rows.shapes import primitive_text
from fhir2cdisc.sdtm.rows.texts import codings_of, result_text

Json = dict[str, Any]
Say = Callable[[str, str], None]
# Units of volume in mL: UCUM codes, and as hospitals print them.
_MILLILITRES = {
    **dict.fromkeys(("ml", "milliliter", "millilitre", "milliliters", "millilitres", "cc", "cm3", "毫升"), Decimal(1)),
    **dict.fromkeys(("l", "liter", "litre", "liters", "litres", "升"), Decimal(1000)),
    **dict.fromkeys(("dl",), Decimal(100)),
    **dict.fromkeys(("ul", "microliter", "microlitre"), Decimal("0.001")),
}
# The type of a dose that was worked out for the patient, as against one that was ordered by weight or surface.
_CALCULATED = "calculated"


@dataclass(frozen=True, slots=True)
class Dose:
    """What a dosage says: the Quantity of one dose of the drug, a text where there is none, the volume given in.

    `said` are findings as (rule, words).
    """

    quantity: Json
    text: str = ""
    volume: str = ""
    said: tuple[tuple[str, str], ...] = ()


def read_dose(values: list[Any], part: DrugPart | None, treatment: bool) -> Dose:
    """The dose that dosages say of a drug; `treatment` where a volume without a strength is no dose (EX)."""
    dosages = [one for one in values if isinstance(one, dict)]
    amounts = [amount for one in dosages for amount in _amounts(one)]
    texts = list(dict.fromkeys(filter(None, (primitive_text(one.get("text")) for one in dosages))))
    different = list({_shown(one): one for one in amounts}.values())
    if len(different) == 1 and part is not None:
        dose = _of_drug(different[0], part, treatment)
    elif different:
        shown = "; ".join(map(_shown, different))
        several = (("dose.several", f"has {len(different)} doses ({shown}) where one is expected; left empty"),)
        dose = Dose(different[0]) if len(different) == 1 else Dose({}, shown, "", several)
    else:
        dose = _without_amount(dosages)
    text = "; ".join(texts) or dose.text
    return Dose(dose.quantity, text, dose.volume, dose.said)


def _amounts(dosage: Json) -> list[Json]:
    """The Quantities of a dosage: of an administration, or of doses and rates, the calculated before the ordered."""
    if "value" in dosage:
        return [dosage]
    if isinstance(dosage.get("dose"), dict):
        return [dosage["dose"]]
    listed = dosage.get("doseAndRate")
    rates = [one for one in (listed if isinstance(listed, list) else ()) if isinstance(one, dict)]
    found = [one for one in rates if isinstance(one.get("doseQuantity"), dict)]
    worked_out = [one for one in found if any(c.get("code") == _CALCULATED for c in codings_of(one.get("type")))]
    return [one["doseQuantity"] for one in worked_out or found]


def _without_amount(dosages: list[Json]) -> Dose:
    """A range, a rate or a maximum as text; the rate alone is said, as the dose was something else."""
    parts = [part for one in dosages for part in (one, *_listed(one.get("doseAndRate")))]
    ranges = [_range(one["doseRange"]) for one in parts if isinstance(one.get("doseRange"), dict)]
    if ranges:
        return Dose({}, "; ".join(dict.fromkeys(ranges)))
    rates = [text for one in parts if (text := _rate(one))]
    if rates:
        shown = "; ".join(dict.fromkeys(rates))
        return Dose({}, shown, "", (("dose.rate", f"has a rate ({shown}) and no dose; left empty"),))
    most = [f"MAXIMUM {text}" for one in dosages if (text := _maximum(one))]
    return Dose({}, "; ".join(dict.fromkeys(most)))


def _listed(value: Any) -> list[Json]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _range(value: Json) -> str:
    low, high = value.get("low"), value.get("high")
    unit = _unit(high if isinstance(high, dict) else low)
    return f"{result_text(value)} {unit}".strip()


def _rate(one: Json) -> str:
    if isinstance(rate := one.get("rateQuantity"), dict):
        return _shown(rate)
    if isinstance(rate := one.get("rateRange"), dict):
        return _range(rate)
    return _per(one["rateRatio"]) if isinstance(one.get("rateRatio"), dict) else ""


def _per(ratio: Json) -> str:
    above, below = ratio.get("numerator"), ratio.get("denominator")
    if not isinstance(above, dict):
        return ""
    if not isinstance(below, dict):
        return _shown(above)
    return f"{_shown(above)}/{_unit(below) if _number(below) == 1 else _shown(below)}"


def _maximum(dosage: Json) -> str:
    if isinstance(ratio := dosage.get("maxDosePerPeriod"), dict):
        return _per(ratio)
    names = ("maxDosePerAdministration", "maxDosePerLifetime")
    return next((_shown(dosage[name]) for name in names if isinstance(dosage.get(name), dict)), "")


def _of_drug(amount: Json, part: DrugPart, treatment: bool) -> Dose:
    """The amount of the drug in what was given; a volume is converted by the strength, or left empty and said."""
    shown = _shown(amount)
    volume = _millilitres(amount)
    if volume is None:
        if part.alone:
            return Dose(amount)
        return Dose({}, "", "", (("dose.several-drugs", f"{shown} is the dose of several drugs; left empty"),))
    made = _by_strength(volume, part)
    if made is not None:
        said = f"{shown} holds {_shown(made)} of {part.name}, by the strength of the product"
        return Dose(made, "", shown, (("dose.converted", said),))
    if not (treatment or part.mixture or not part.alone):
        return Dose(amount)
    said = f"{shown} is a volume, and how much of {part.name} it holds is not said; left empty"
    return Dose({}, "", shown, (("dose.volume", said),))


def _by_strength(volume: Decimal, part: DrugPart) -> Json | None:
    """The Quantity of the drug in a volume in mL: its strength times the volume."""
    above, below = part.strength.get("numerator"), part.strength.get("denominator")
    mass = _number(above)
    if not isinstance(above, dict) or mass is None or not _unit(above) or _millilitres(above) is not None:
        return None
    whole = _millilitres(below) if isinstance(below, dict) else None
    if whole is None:
        whole = _volume_of(part, _number(below) if isinstance(below, dict) else Decimal(1))
    if not whole:
        return None
    return {**above, "value": (volume * mass / whole).normalize() + 0}


def _volume_of(part: DrugPart, units: Decimal | None) -> Decimal | None:
    """The volume in mL of so many units of the product: what the Medication says, else the sum of its liquids."""
    above, below = part.product.amount.get("numerator"), part.product.amount.get("denominator")
    whole = _millilitres(above) if isinstance(above, dict) else None
    if whole is not None and units is not None:
        of = _number(below) if isinstance(below, dict) else Decimal(1)
        return whole * units / of if of else None
    liquids = []
    for one in part.product.ingredients:
        amount, per = one.strength.get("numerator"), one.strength.get("denominator")
        liquid = _millilitres(amount) if isinstance(amount, dict) else None
        if liquid is not None:
            if isinstance(per, dict) and (_millilitres(per) is not None or _number(per) != units):
                return None
            liquids.append(liquid)
    return sum(liquids, Decimal(0)) or None


def _number(value: Any) -> Decimal | None:
    number = value.get("value") if isinstance(value, dict) else None
    if isinstance(number, bool) or not isinstance(number, (int, Decimal)):
        return None
    return Decimal(number)


def _millilitres(value: Json) -> Decimal | None:
    number = _number(value)
    names = (primitive_text(value.get(key)).casefold() for key in ("code", "unit"))
    factor = next((_MILLILITRES[name] for name in names if name in _MILLILITRES), None)
    return number * factor if number is not None and factor is not None else None


def _unit(value: Any) -> str:
    return primitive_text(value.get("unit")) or primitive_text(value.get("code")) if isinstance(value, dict) else ""


def _shown(value: Json) -> str:
    return f"{result_text(value)} {_unit(value)}".strip()
