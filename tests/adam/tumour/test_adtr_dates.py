"""The date of a sum of diameters is the first day of its assessment, and says so where nobody collected that day."""

from __future__ import annotations

import pandas as pd
import pytest
from fhir2cdisc.adam.tumour.adtr import derive_adtr
from support.tables import assert_rows, table

ADSL = table("STUDYID | USUBJID | TRTSDT\n S | 01 | 2024-02-05", {"USUBJID": "text"})
TU = table(
    """
    USUBJID | TULNKID | TUSTRESC | TULOC | TUEVAL       | TUTESTCD
    01      | T01     | TARGET   | LIVER | INVESTIGATOR | TUMIDENT
    01      | T02     | TARGET   | LUNG  | INVESTIGATOR | TUMIDENT
    """,
    {"USUBJID": "text"},
)


@pytest.mark.parametrize(
    ("first", "second", "expected", "flag"),
    [
        ("2024-01-30", "2024-01-31", "2024-01-30", ""),
        ("2024-01", "2024-01", "2024-01-31", "D"),
        ("2024-01", "2024-01-31", "2024-01-31", ""),  # one record has that day as collected
        ("2024-01", "2024-01-20", "2024-01-20", ""),
        ("2023-12", "2024-01-20", "2023-12-31", "D"),
    ],
)
def test_a_day_that_only_an_imputation_gives_is_flagged(first: str, second: str, expected: str, flag: str) -> None:
    tr = pd.DataFrame(
        {
            "USUBJID": "01",
            "TRSEQ": [1.0, 2.0],
            "TRLNKID": ["T01", "T02"],
            "TRTESTCD": "LDIAM",
            "TRSTRESC": ["20", "30"],
            "TRSTRESN": [20.0, 30.0],
            "TRSTRESU": "mm",
            "TREVAL": "INVESTIGATOR",
            "VISITNUM": 1.0,
            "VISIT": "SCREENING",
            "TRDTC": [first, second],
        }
    )
    made = derive_adtr(ADSL, TU, tr)
    sums = made[made["PARAMCD"] == "SDIAM"]
    assert_rows(sums, f"AVAL | ADT | ADTF\n 50 | {expected} | {flag}")
