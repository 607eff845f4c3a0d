"""The date of diagnosis: which record of several, which kind of date, and what is said where cancers compete.

Every subject was treated first on 2024-03-10.
"""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from fhir2cdisc.adam.subject.diagnosis import derive_diagnosis
from fhir2cdisc.mappings.study_facts import Diagnosis

START = pd.Series({"01": pd.Timestamp("2024-03-10")})
SEVERAL, UNDATED, IMPUTED = "several cancers", "diagnosis without a date", "diagnosis date imputed"
# Records (term, date, MHEVDTYP) | options | DIAGDT | DIAGDTF | rules
BREAST, OVARY = "Breast cancer", "Ovarian cancer"
CASES: list[tuple[list[tuple[str, str, str]], dict[str, Any], str, str, list[str]]] = [
    ([(OVARY, "2023-05-04", "")], {}, "2023-05-04", "", []),
    ([(OVARY, "2023-05", "")], {}, "2023-05-01", "D", [IMPUTED]),
    ([(OVARY, "2023", "")], {}, "2023-01-01", "M", [IMPUTED]),
    ([(OVARY, "", "")], {}, "", "", [UNDATED]),
    ([(OVARY, "2023-05-04", ""), (OVARY, "2023-08-01", "")], {}, "2023-05-04", "", []),  # recorded twice
    ([(OVARY, "2023-01-01", "SYMPTOM ONSET"), (OVARY, "2023-05-04", "DIAGNOSIS")], {}, "2023-05-04", "", []),
    ([(OVARY, "2023-01-01", "SYMPTOM ONSET")], {}, "2023-01-01", "", []),  # all that there is
    ([(BREAST, "2015-01-01", ""), (OVARY, "2023-05-04", "")], {}, "2023-05-04", "", [SEVERAL]),
    ([(BREAST, "2015-01-01", ""), (OVARY, "2024-05-04", "")], {}, "2015-01-01", "", [SEVERAL]),  # after the first dose
    ([(BREAST, "2024-04-01", ""), (OVARY, "2024-05-04", "")], {}, "2024-04-01", "", [SEVERAL]),  # both after it
    ([(BREAST, "2015-01-01", ""), (OVARY, "2023-05-04", "")], {"several": "earliest"}, "2015-01-01", "", [SEVERAL]),
    ([(BREAST, "2015-01-01", ""), (OVARY, "2023-05-04", "")], {"terms": ("BREAST",)}, "2015-01-01", "", [SEVERAL]),
    ([(OVARY, "2023-05-04", "")], {"terms": ("BREAST",)}, "2023-05-04", "", []),  # none of them is named
    ([(BREAST, "", ""), (OVARY, "2023-05-04", "")], {}, "2023-05-04", "", [SEVERAL]),
    ([(BREAST, "2023-05-04", ""), (OVARY, "2023-05-04", "")], {}, "2023-05-04", "", []),  # one day whichever counts
]


@pytest.mark.parametrize(("records", "options", "date", "flag", "rules"), CASES)
def test_diagnosis(
    records: list[tuple[str, str, str]], options: dict[str, Any], date: str, flag: str, rules: list[str]
) -> None:
    mh = pd.DataFrame(records, columns=["MHTERM", "MHSTDTC", "MHEVDTYP"])
    mh = mh.assign(USUBJID="01", MHCAT="PRIMARY DIAGNOSIS", MHSEQ=range(1, len(records) + 1))
    for given in (mh, mh.iloc[::-1]):
        found = derive_diagnosis({"MH": given}, START, Diagnosis(**options))
        values = [(f"{row.DIAGDT:%Y-%m-%d}", row.DIAGDTF) for row in found.values.itertuples()]
        assert values == ([(date, flag)] if date else [])
        assert found.findings["RULE"].tolist() == rules
        assert len(found.evidence) == len(records) and (found.evidence["REASON"] != "").all()
        assert (found.evidence["CHOSEN"] == "Y").sum() == bool(date)


def test_competing_cancers_are_named_with_the_one_that_counts() -> None:
    mh = pd.DataFrame({"MHTERM": [BREAST, OVARY], "MHSTDTC": ["2015", "2023-05-04"], "MHSEQ": [1.0, 2.0]})
    found = derive_diagnosis({"MH": mh.assign(USUBJID="01", MHCAT="PRIMARY DIAGNOSIS")}, START, Diagnosis())
    assert found.findings["MESSAGE"].tolist() == [
        "Several cancers are primary diagnoses: Breast cancer (2015); Ovarian cancer (2023-05-04); DIAGDT is that of "
        "Ovarian cancer, of several cancers the last that began on or before the first dose, else the first."
    ]


def test_other_history_is_no_diagnosis() -> None:
    mh = pd.DataFrame([{"USUBJID": "01", "MHCAT": "MEDICAL HISTORY", "MHTERM": BREAST, "MHSTDTC": "2015"}])
    assert len(derive_diagnosis({"MH": mh}, START, Diagnosis()).values) == 0
