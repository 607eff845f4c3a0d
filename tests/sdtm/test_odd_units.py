"""Results in another standard unit than most of their test: found, by test and specimen, and none else."""

from __future__ import annotations

import pandas as pd
import pytest
from fhir2cdisc.sdtm.standard_results import odd_units


def lb(*rows: tuple[str, str, str, float | None]) -> pd.DataFrame:
    frame = pd.DataFrame(list(rows), columns=["LBTESTCD", "LBSPEC", "LBSTRESU", "LBSTRESN"])
    return frame.astype({"LBSTRESN": float, "LBTESTCD": object, "LBSPEC": object, "LBSTRESU": object})


GLUC = ("GLUC", "SERUM", "mmol/L", 5.0)
# Rows | (index, usual unit) of what is odd
CASES = [
    ("nothing", [], []),
    ("one", [GLUC], []),
    ("all alike", [GLUC, GLUC], []),
    ("the rarer unit", [GLUC, GLUC, ("GLUC", "SERUM", "mg/dL", 90)], [(2, "mmol/L")]),
    ("a tie: the first in the alphabet is usual", [GLUC, ("GLUC", "SERUM", "mg/dL", 90)], [(0, "mg/dL")]),
    (
        "every other unit is odd",
        [GLUC, GLUC, ("GLUC", "SERUM", "g/L", 1), ("GLUC", "SERUM", "mg/dL", 90)],
        [(2, "mmol/L"), (3, "mmol/L")],
    ),
    ("another specimen is another test", [GLUC, GLUC, ("GLUC", "URINE", "mg/dL", 90)], []),
    ("another test", [GLUC, GLUC, ("ALT", "SERUM", "U/L", 30)], []),
    ("text has no scale", [GLUC, GLUC, ("GLUC", "SERUM", "mg/dL", None)], []),
    ("text does not make a unit usual", [GLUC, ("GLUC", "SERUM", "mg/dL", None), ("GLUC", "SERUM", "mg/dL", None)], []),
    ("no unit, no question", [GLUC, GLUC, ("GLUC", "SERUM", "", 90)], []),
    ("most have no unit", [GLUC, ("GLUC", "SERUM", "", 90), ("GLUC", "SERUM", "", 90)], []),
    ("no test", [("", "SERUM", "mmol/L", 1), ("", "SERUM", "mg/dL", 1)], []),
    ("no specimen is a specimen of its own", [("GLUC", "", "mmol/L", 5), ("GLUC", "SERUM", "mg/dL", 90)], []),
]


@pytest.mark.parametrize(("reason", "rows", "odd"), CASES, ids=[case[0] for case in CASES])
def test_odd_units(reason: str, rows: list[tuple[str, str, str, float | None]], odd: list[tuple[int, str]]) -> None:
    found = odd_units(lb(*rows), "LB")
    assert list(zip(found.index, found["_USUAL"], strict=True)) == odd, reason


def test_a_domain_without_specimen_and_an_index_of_its_own() -> None:
    vs = pd.DataFrame(
        {
            "VSTESTCD": "TEMP",
            "VSSTRESU": ["C", "C", "F"],
            "VSSTRESN": [36.6, 37.0, 98.6],
            "VSORRES": ["36.6", "37", "98.6"],
        },
        index=[7, 5, 3],
    )
    found = odd_units(vs, "VS")
    assert found.index.tolist() == [3]
    assert found[["VSORRES", "_USUAL"]].values.tolist() == [["98.6", "C"]]
