"""Planned and actual treatment of a subject: as DM names the arm, else the arm that the index regimen fits.

Only the regimen with which treatment began decides. A drug of a later line says nothing of the arm: whoever lived long
enough to get it would be moved to it from the first day on.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from fhir2cdisc.adam.frames.columns import text, yes_no
from fhir2cdisc.adam.subject.options import AdslOptions
from fhir2cdisc.mappings.study import Arm


def add_arms(adsl: pd.DataFrame, dm: pd.DataFrame, regimen: Mapping[str, frozenset[str]], options: AdslOptions) -> None:
    """TRT01P, TRT01A and the flags of arms by class and of drugs; `regimen` are the index drugs by USUBJID."""
    given = pd.Series([regimen.get(who, frozenset()) for who in adsl["USUBJID"]], index=adsl.index, dtype=object)
    classes = {drug.name.upper(): drug.drug_class for drug in options.drugs}
    arms = sorted(options.arms, key=lambda arm: (arm.precedence, arm.code))
    ruled = [a for a in arms if a.drugs or a.any_class or a.all_class]
    fitted = given.map(lambda names: _fit(names, ruled, classes)).astype(object)
    planned, actual = text(dm, "ARM"), text(dm, "ACTARM")
    adsl["TRT01P"] = planned.where(planned != "", fitted)
    adsl["TRT01A"] = actual.where(actual != "", fitted)
    for arm in ruled:
        if arm.any_class or arm.all_class:
            adsl[arm_flag(arm)] = yes_no(given.map(lambda n, a=arm: bool(n) and _fits(n, a, classes)).astype(bool))
    for drug in options.drugs:
        if drug.flag:
            name = drug.name.upper()
            adsl[drug.flag] = yes_no(given.map(lambda names, d=name: d in names).astype(bool))


def _fits(names: frozenset[str], arm: Arm, classes: Mapping[str, str]) -> bool:
    found = {classes.get(name, "") for name in names}
    return (
        (not arm.drugs or any(drug.upper() in names for drug in arm.drugs))
        and (not arm.any_class or bool(found & set(arm.any_class)))
        and set(arm.all_class) <= found
    )


def _fit(names: frozenset[str], arms: list[Arm], classes: Mapping[str, str]) -> str:
    return next((arm.label for arm in arms if names and _fits(names, arm, classes)), "")


def arm_in_words(arm: Arm) -> str:
    """The method of the flag of an arm."""
    parts = [
        *([f"one of {', '.join(arm.drugs)}"] if arm.drugs else []),
        *([f"a drug of class {' or '.join(arm.any_class)}"] if arm.any_class else []),
        *([f"a drug of each of the classes {', '.join(arm.all_class)}"] if arm.all_class else []),
    ]
    return f"Y if the index regimen (see TRTEDT) has {' and '.join(parts)}, else N ({arm.label})"


def arm_flag(arm: Arm) -> str:
    """The variable that says whose drugs fit an arm, of arms that drugs decide."""
    return f"{arm.code[:6]}FL"
