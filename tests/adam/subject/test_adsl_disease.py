"""Disease in ADSL: diagnosis, earlier and later therapy, performance status, and what the tumour board is asked."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from fhir2cdisc.adam.plan import adsl_options
from fhir2cdisc.adam.subject.adsl import derive_adsl
from fhir2cdisc.adam.subject.disease import recommendations, resistance, study_names, therapies
from fhir2cdisc.adam.subject.options import AdslOptions
from fhir2cdisc.mappings.study import load_study

REGISTRY = adsl_options(load_study("refractory-registry"))
START = "2024-03-10"


def day(value: Any) -> str:
    return "" if pd.isna(value) else f"{value:%Y-%m-%d}"


def names(count: int) -> list[str]:
    return [f"{n:02}" for n in range(1, count + 1)]


def disease(ids: list[str], untreated: tuple[str, ...] = (), **frames: pd.DataFrame) -> pd.DataFrame:
    """ADSL of subjects whose first dose was on START."""
    given = [one for one in ids if one not in untreated]
    ex = pd.DataFrame({"USUBJID": given, "EXSEQ": 1.0, "EXTRT": "DRUG", "EXSTDTC": START, "EXENDTC": START})
    dm = pd.DataFrame({"USUBJID": ids, "STUDYID": "S"})
    return derive_adsl({"DM": dm, "EX": ex, **frames}, AdslOptions()).set_index("USUBJID")


def test_earlier_therapies_are_counted_by_record() -> None:
    cm = pd.DataFrame(
        [("01", "PRIOR ANTICANCER THERAPY"), ("01", "PRIOR ANTICANCER THERAPY"), ("01", "ANTINEOPLASTIC"), ("02", "")],
        columns=["USUBJID", "CMCAT"],
    ).assign(CMSTDTC="2020-01-01", CMTRT="D")
    assert disease(names(3), CM=cm)["PRIORLN"].tolist() == [2, 0, 0]


def test_baseline_performance_status_is_the_last_up_to_the_first_dose() -> None:
    rs = pd.DataFrame(
        [
            ("01", "ECOG101", "2024-03-01", 2.0, 1),
            ("01", "ECOG101", "2024-03-10", 1.0, 2),
            ("01", "ECOG101", "2024-03-11", 0.0, 3),  # after the first dose
            ("02", "ECOG101", "2024-03-05", 1.0, 1),
            ("02", "ECOG101", "2024-03-05", 2.0, 2),  # tie: the higher RSSEQ
            ("03", "ECOG101", "2024-03-05", 1.0, 1),
            ("03", "ECOG101", "2024-03-06", None, 2),  # no result
            ("04", "ECOG101", "2024-03", 1.0, 1),  # not known to be before
            ("05", "OVRLRESP", "2024-03-01", 1.0, 1),
            ("06", "ECOG101", "2024-03-01", 0.0, 1),
        ],
        columns=["USUBJID", "RSTESTCD", "RSDTC", "RSSTRESN", "RSSEQ"],
    )
    found = disease(names(7), untreated=("07",), RS=rs)["ECOGBL"].tolist()
    assert found == pytest.approx([1, 2, 1, float("nan"), float("nan"), 0, float("nan")], nan_ok=True)


def test_histology_and_empty_frames() -> None:
    mi = pd.DataFrame({"USUBJID": ["01"], "MITESTCD": ["HISTTYPC"], "MISTRESC": ["Cholangiocarcinoma"]})
    assert disease(names(2), MI=mi)["HISTOLOG"].tolist() == ["Cholangiocarcinoma", ""]
    empty = {name: pd.DataFrame({"USUBJID": pd.Series(dtype=object)}) for name in ("CM", "PR", "MH", "RS", "FA")}
    out = disease(names(2), **empty)
    assert out["NACTDT"].isna().all() and out["ECOGBL"].isna().all() and (out["PRIORLN"] == 0).all()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("Ivosidenib 500 mg tablet", "IVOSIDENIB"),
        ("艾伏尼布片", "IVOSIDENIB"),
        ("IVOSIDENIB", "IVOSIDENIB"),
        ("Something else", "Something else"),
        ("", ""),
    ],
)
def test_a_drug_has_the_name_of_the_study(words: str, expected: str) -> None:
    assert study_names(pd.Series([words], dtype=object), adsl_options(load_study("hepatobiliary-rws"))).tolist() == [
        expected
    ]


def test_recommendations_of_the_board() -> None:
    fa = pd.DataFrame(
        [
            ("01", "MTBREC", "R1", "2023-01-05", "Olaparib"),
            ("01", "OTHER", "", "2023-01-05", "x"),
            ("02", "MTBREC", "R2", "2023-02", ""),
        ],
        columns=["USUBJID", "FATESTCD", "FASPID", "FADTC", "FASTRESC"],
    )
    out = recommendations(fa, AdslOptions())
    assert out[["USUBJID", "RECID", "DRUG"]].values.tolist() == [["01", "R1", "Olaparib"], ["02", "R2", ""]]
    assert [day(value) for value in out["RECDT"]] == ["2023-01-05", ""]


def test_therapies_are_the_first_dose_of_each_drug_and_other_anticancer_drugs() -> None:
    ex = pd.DataFrame(
        [("01", "B", "2023-02-01", 2), ("01", "A", "2023-01-01", 1), ("01", "A", "2023-03-01", 3)],
        columns=["USUBJID", "EXTRT", "EXSTDTC", "EXSEQ"],
    )
    cm = pd.DataFrame(
        [
            ("01", "C", "2023-04-01", 1, "SUBSEQUENT ANTICANCER THERAPY"),
            ("01", "D", "2020-01-01", 2, "ANTINEOPLASTIC"),
            ("01", "E", "2020-01-01", 3, "PRIOR ANTICANCER THERAPY"),
            ("01", "F", "2020-01-01", 4, ""),
        ],
        columns=["USUBJID", "CMTRT", "CMSTDTC", "CMSEQ", "CMCAT"],
    )
    out = therapies({"EX": ex, "CM": cm}, AdslOptions())
    found = [tuple(row) for row in out[["TRT", "SRCDOM", "SRCSEQ"]].values]
    assert found == [("D", "CM", 2), ("A", "EX", 1), ("B", "EX", 2), ("C", "CM", 1)]
    assert len(therapies({}, AdslOptions())) == 0


def test_resistance_is_progression_by_the_evaluator_of_the_study() -> None:
    rs = pd.DataFrame(
        [
            ("01", "OVRLRESP", "PD", "INVESTIGATOR", "2023-01-01"),
            ("01", "OVRLRESP", "PD", "ALGORITHM", "2022-01-01"),
            ("01", "TRGRESP", "PD", "INVESTIGATOR", "2022-01-01"),
            ("01", "OVRLRESP", "SD", "INVESTIGATOR", "2022-01-01"),
        ],
        columns=["USUBJID", "RSTESTCD", "RSSTRESC", "RSEVAL", "RSDTC"],
    )
    assert [day(value) for value in resistance({"RS": rs}, REGISTRY)["ADT"]] == ["2023-01-01"]
    assert len(resistance({}, REGISTRY)) == 0
