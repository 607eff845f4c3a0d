"""Shares by arm against a control: 56 of 70 against 48 of 80, and 9 of 10 against 3 of 10, with published intervals.

Newcombe, Statistics in Medicine 1998;17:873-890, table II: method 10 (Newcombe) and method 6 (Miettinen-Nurminen).
"""

from __future__ import annotations

import pandas as pd
import pytest
from fhir2cdisc.mappings.study import Study
from support.adam import results_of

Counts = tuple[int, int, int, int]
FIRST, SECOND = (56, 70, 48, 80), (9, 10, 3, 10)
ENDPOINT = {"id": "orr", "title": "ORR", "role": "primary", "kind": "proportion", "paramcd": "CRSP", "by": ["ARM"]}


def study(**statistics: str) -> Study:
    arms = [{"code": "NEW", "label": "New drug"}, {"code": "OLD", "label": "Old drug"}]
    said = {"id": "s", "studyid": "S", "title": "S", "arms": arms, "endpoints": [ENDPOINT], "statistics": statistics}
    return Study.model_validate(said)


def frames(counts: Counts) -> dict[str, pd.DataFrame]:
    """Responders and subjects of the new drug, and of the old one."""
    x1, n1, x2, n2 = counts
    ids = [f"{n:03}" for n in range(n1 + n2)]
    arms = ["New drug"] * n1 + ["Old drug"] * n2
    answers = ["Y"] * x1 + ["N"] * (n1 - x1) + ["Y"] * x2 + ["N"] * (n2 - x2)
    adsl = pd.DataFrame({"USUBJID": ids, "SAFFL": "Y", "TRT01A": arms})
    adrs = {"USUBJID": ids, "PARAMCD": "CRSP", "PARCAT3": "RECIST 1.1", "ASEQ": 1.0, "AVALC": answers}
    return {"ADSL": adsl, "ADRS": pd.DataFrame(adrs)}


def difference(made: Study, counts: Counts) -> pd.DataFrame:
    table = results_of(made, frames(counts)).table
    return table[(table["RESULTID"] == "orr") & (table["STATISTIC"] == "difference")]


@pytest.mark.parametrize(
    ("counts", "method", "points", "lower", "upper"),
    [
        (FIRST, "newcombe", 20, 5.24, 33.39),
        (FIRST, "miettinen-nurminen", 20, 5.28, 33.82),
        (SECOND, "newcombe", 60, 17.05, 80.90),
        (SECOND, "miettinen-nurminen", 60, 17.00, 84.06),
    ],
)
def test_the_difference_to_the_control_and_its_interval(
    counts: Counts, method: str, points: float, lower: float, upper: float
) -> None:
    (row,) = difference(study(control="OLD", difference_ci=method), counts).to_dict("records")
    assert (row["GROUP"], row["CATEGORY"]) == ("New drug", "New drug - Old drug")
    assert (row["UNIT"], row["METHOD"]) == ("percentage points", f"{method}, 95%")
    assert [round(row[name], 2) for name in ("VALUE", "LOWER", "UPPER")] == [points, lower, upper]


def test_the_other_arm_as_control_turns_the_sign() -> None:
    (row,) = difference(study(control="NEW"), FIRST).to_dict("records")
    assert row["CATEGORY"] == "Old drug - New drug"
    assert [round(row[name], 2) for name in ("VALUE", "LOWER", "UPPER")] == [-20, -33.82, -5.28]


def test_without_a_control_arms_stand_side_by_side() -> None:
    assert not len(difference(study(), FIRST))


def test_a_control_of_whom_there_is_nobody_gives_the_reason_and_no_difference() -> None:
    (row,) = difference(study(control="OLD"), (3, 7, 0, 0)).to_dict("records")
    assert pd.isna(row["VALUE"]) and row["REASON"] == "no subjects in the denominator"


@pytest.mark.parametrize("name", ["Old drug", "old", "X"])
def test_a_control_that_is_no_arm_by_its_code_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"statistics.control '{name}' is no arm of this study"):
        study(control=name)
