"""Every method that define.xml gives for an ADaM variable is recomputed from simulated studies, from its own words.

A check takes SDTM and ADaM rows and computes the variable by a few plain lines of its own (`support.methods`). It runs
on the five studies as they were simulated and once more with odd records. A variable that is Derived and has no check
fails, and so does a check that has nothing to compare.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import pytest
from fhir2cdisc.mappings.study import builtin_studies, load_study
from support.analysed import Analysed, Check, Row, analysed, odd, same
from support.methods import adae, adqs, adrs, adsl, adtr, adtte
from support.packages import Package

STUDIES = sorted(builtin_studies())
DATASETS: dict[str, ModuleType] = {"ADSL": adsl, "ADRS": adrs, "ADTR": adtr, "ADTTE": adtte, "ADAE": adae, "ADQS": adqs}
# The index regimen and new therapy are chosen by rules that tests/adam/subject hold as tables of their own. The plain
# recomputation here knows whole dates of one line only, so that it is put to the studies as they are simulated; the
# flags of imputed dates have no value there.
OF_REGIMENS = ("TRTEDT", "NACTDT")
ELSEWHERE = {"ADSL": {"TRTEDTF", "NACTDTF"}}


def checks_of(dataset: str, study: str) -> dict[str, Check]:
    """The checks of a dataset, those of variables that only this study has among them."""
    own = adsl.of_study(load_study(study)) if dataset == "ADSL" else {}
    return {**DATASETS[dataset].CHECKS, **own}


def simulated_only(dataset: str) -> set[str]:
    """Those of a dataset, with the flags of drugs and arms that studies name."""
    studies = [load_study(name) for name in STUDIES]
    flags = {drug.flag for study in studies for drug in study.drugs if drug.flag}
    flags |= {f"{arm.code[:6]}FL" for study in studies for arm in study.arms}
    return {*OF_REGIMENS, *flags} if dataset == "ADSL" else set()


VARIABLES = sorted({(name, variable) for name in DATASETS for study in STUDIES for variable in checks_of(name, study)})


@pytest.fixture(scope="module")
def data(package_of: Callable[[str], Package]) -> list[Analysed]:
    packages = [package_of(name) for name in STUDIES]
    return [one for made in packages for one in (analysed(made), odd(made))]


def test_every_derived_variable_has_a_check(data: list[Analysed]) -> None:
    unchecked = {
        f"{name}.{variable.name}"
        for one in data
        for name, dataset in one.made.datasets.items()
        for variable in dataset.variables
        if variable.origin == "Derived"
        and variable.name not in {*checks_of(name, one.study.id), *ELSEWHERE.get(name, ())}
    }
    assert unchecked == set()


def test_every_derived_variable_says_how(data: list[Analysed]) -> None:
    silent = {
        f"{name}.{variable.name}"
        for one in data
        for name, dataset in one.made.datasets.items()
        for variable in dataset.variables
        if variable.origin == "Derived" and not variable.method.strip()
    }
    assert silent == set()


@pytest.mark.parametrize(("dataset", "variable"), VARIABLES, ids=lambda value: value)
def test_the_data_are_what_the_method_says(data: list[Analysed], dataset: str, variable: str) -> None:
    wrong, filled = [], set()
    plain = variable in simulated_only(dataset)
    for one in [one for one in data if not (plain and one.name.endswith(", odd"))]:
        check = checks_of(dataset, one.study.id).get(variable)
        if check is None or dataset not in one.made.frames or variable not in one.made.frames[dataset]:
            continue
        for key, found, expected in check(one):
            if not same(found, expected):
                wrong.append((one.name, key, found, expected))
            if found is not True and found not in ("", []):
                filled.add(one.name)
    assert wrong == []
    # A variable of one study only, as it is simulated, is in one of the data.
    assert len(filled) >= (1 if plain else 2), f"compared in {filled}"


def holds(dataset: str, test: Callable[[Row], bool]) -> Callable[[Analysed], bool]:
    return lambda one: any(map(test, one.rows(dataset)))


HELD = {
    **{
        f"a time with CNSR {code}": holds("ADTTE", lambda row, code=code: row["CNSR"] == code)  # type: ignore[misc]
        for code in (0, 1, 2, 3, 4, 5, 6, 7)
    },
    "responses by iRECIST": holds("ADRS", lambda row: row["PARCAT3"] == "iRECIST" and row["AVALC"] == "iUPD"),
    "a confirmed response": holds("ADRS", lambda row: row["PARAMCD"] == "CRSP" and row["AVALC"] == "Y"),
    "a response that is not confirmed": holds("ADRS", lambda row: row["PARAMCD"] == "RSP" and row["AVALC"] == "Y"),
    "a response without its day": holds("ADRS", lambda row: row["PARAMCD"] == "OVR" and row["ADTF"] == "D"),
    "a composite parameter of an imputed day": holds(
        "ADRS", lambda row: row["PARAMCD"] in ("CBR", "DCR30") and row["ADTF"] == "D"
    ),
    "a sum of an imputed day": holds("ADTR", lambda row: row["PARAMCD"] == "SDIAM" and row["ADTF"] == "D"),
    "a sum that is not complete": holds("ADTR", lambda row: row["PARAMCD"] == "SDIAM" and row["ANL01FL"] == ""),
    "a lymph node": holds("ADTR", lambda row: row["PARAMCD"].startswith("NLDIAM")),
    "guided and other therapy": holds("ADAE", lambda row: row["TRTA"] == "MTB-guided"),
    "a second guided therapy": holds("ADSL", lambda row: row.get("SECMTBFL") == "Y"),
    "an event before treatment that became worse": holds(
        "ADAE", lambda row: row["TRTEMFL"] == "Y" and row["PREFL"] == "Y"
    ),
    "an event without a date": holds("ADAE", lambda row: row["ASTDT"] == ""),
    "an imputed end": holds("ADAE", lambda row: row["AENDTF"] == "M"),
    "events with severity only": lambda one: (
        bool(one.rows("ADAE")) and all(r["ATOXGR"] == "" for r in one.rows("ADAE"))
    ),
    "a form that is not scored": holds("ADQS", lambda row: row["PARAMCD"] == "FACTHEP" and row["AVAL"] == ""),
    "a form outside every window": holds("ADQS", lambda row: row["PARAMCD"] == "FACTHEP" and row["AVISIT"] == ""),
    "no exposure dataset": lambda one: not one.rows("EX"),
    "arms that the drugs decide": holds("DM", lambda row: row["ARM"] == ""),
}


@pytest.mark.parametrize("what", HELD)
def test_the_studies_hold_what_the_methods_speak_of(data: list[Analysed], what: str) -> None:
    assert any(map(HELD[what], data)), what
