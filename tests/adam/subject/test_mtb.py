import pandas as pd
import pytest
from fhir2cdisc.adam.subject.tumour_board import MtbOptions, guidance_periods, guided_therapies, mtb_guided

REC = pd.DataFrame(
    [("01", "R1", "2022-01-10", "Pemigatinib", "FGFR inhibitor", "FGFR2")],
    columns=["USUBJID", "RECID", "RECDT", "DRUG", "CLASS", "GENE"],
)


def therapies(*rows):
    frame = pd.DataFrame(rows, columns=["USUBJID", "TRT", "CLASS", "ASTDT"])
    return frame.assign(SRCDOM="EX", SRCSEQ=range(1, len(rows) + 1))


def rec(*rows):
    return pd.concat([REC, pd.DataFrame(rows, columns=REC.columns)], ignore_index=True)


@pytest.mark.parametrize(
    ("therapy", "expected", "reason"),
    [
        (("01", "PEMIGATINIB", "", "2022-01-11"), "DRUG", "same drug, a day later"),
        (("01", "  pemigatinib ", "", "2022-06-01"), "DRUG", "spelling does not matter"),
        (("01", "Futibatinib", "fgfr inhibitor", "2022-01-11"), "CLASS", "another drug of the class"),
        (("01", "Gemcitabine + Pemigatinib", "", "2022-01-11"), "DRUG", "one drug of a combination"),
        (("01", "Pemigatinib", "", "2022-01-10"), None, "on the day of the recommendation is not before it"),
        (("01", "Pemigatinib", "", "2022-01-09"), None, "began before the recommendation"),
        (("01", "Pemigatinib", "", None), None, "no start date"),
        (("01", "Futibatinib", "", "2022-01-11"), None, "another drug, class unknown"),
        (("02", "Pemigatinib", "", "2022-01-11"), None, "recommended to somebody else"),
        (("01", "", "", "2022-01-11"), None, "no name"),
    ],
)
def test_what_is_guided(therapy, expected, reason):
    found = guided_therapies(REC, therapies(therapy))
    assert found["MATCHBY"].tolist() == ([expected] if expected else []), reason
    if expected:
        assert found[["RECID", "SRCDOM", "SRCSEQ", "GENE"]].values.tolist() == [["R1", "EX", 1, "FGFR2"]]


def test_options_widen_or_narrow_the_match():
    same = therapies(("01", "Pemigatinib", "", "2022-01-10"))
    assert len(guided_therapies(REC, same, MtbOptions(same_day=True))) == 1
    other = therapies(("01", "Futibatinib", "FGFR inhibitor", "2022-01-11"))
    assert len(guided_therapies(REC, other, MtbOptions(by_class=False))) == 0


def test_of_several_recommendations_the_drug_wins_then_the_latest():
    more = rec(
        ("01", "R2", "2022-02-01", "Futibatinib", "FGFR inhibitor", ""),
        ("01", "R3", "2022-01-20", "Pemigatinib", "", ""),
    )
    found = guided_therapies(more, therapies(("01", "Pemigatinib", "FGFR inhibitor", "2022-03-01")))
    assert found[["RECID", "MATCHBY"]].values.tolist() == [["R3", "DRUG"]]


SECOND = ("01", "R2", "2022-08-01", "Futibatinib", "", "FGFR2")
FIRST_LINE = ("01", "Pemigatinib", "", "2022-02-01")


@pytest.mark.parametrize(
    ("second_therapy", "progression", "expected", "reason"),
    [
        (
            ("01", "Futibatinib", "", "2022-09-01"),
            "2022-07-01",
            "Y",
            "later recommendation, after progression",
        ),
        (("01", "Futibatinib", "", "2022-09-01"), "2022-10-01", "N", "began before resistance"),
        (
            ("01", "Futibatinib", "", "2022-07-15"),
            "2022-07-01",
            "N",
            "began before the second recommendation",
        ),
        (("01", "Pemigatinib", "", "2022-09-01"), "2022-07-01", "N", "the first recommendation again"),
        (
            ("01", "Futibatinib", "", "2022-09-01"),
            "2022-01-20",
            "N",
            "progression before the first guided therapy",
        ),
    ],
)
def test_second_guided_therapy(second_therapy, progression, expected, reason):
    lines = therapies(FIRST_LINE, second_therapy)
    resistance = pd.DataFrame({"USUBJID": ["01"], "ADT": pd.to_datetime([progression])})
    out = mtb_guided(rec(SECOND), lines, resistance).iloc[0]
    assert (out["MTBMFL"], out["MTBREC"]) == ("Y", "R1")
    assert out["SECMTBFL"] == expected, reason
    assert out["SECREC"] == ("R2" if expected == "Y" else "")


@pytest.mark.parametrize(
    ("recommended", "expected"),
    [("2022-01-09", "N"), ("2022-01-10", "N"), ("2022-01-11", "Y")],
)
def test_a_second_recommendation_is_dated_after_the_first(recommended, expected):
    """R1 is of 2022-01-10. Of the same day or before, another one is no second thought after resistance."""
    more = rec(("01", "R2", recommended, "Futibatinib", "", "FGFR2"))
    lines = therapies(FIRST_LINE, ("01", "Futibatinib", "", "2022-09-01"))
    resistance = pd.DataFrame({"USUBJID": ["01"], "ADT": pd.to_datetime(["2022-07-01"])})
    out = mtb_guided(more, lines, resistance).iloc[0]
    assert (out["MTBREC"], out["SECMTBFL"], out["SECREC"]) == ("R1", expected, "R2" if expected == "Y" else "")


def test_every_enrolled_subject_has_a_row():
    enrolled = pd.DataFrame({"USUBJID": ["00", "01", "02"]})
    out = mtb_guided(REC, therapies(FIRST_LINE), pd.DataFrame({"USUBJID": [], "ADT": []}), enrolled)
    assert out[["USUBJID", "MTBFL", "MTBMFL", "RESISTFL", "SECMTBFL"]].values.tolist() == [
        ["00", "N", "N", "N", "N"],
        ["01", "Y", "Y", "N", "N"],
        ["02", "N", "N", "N", "N"],
    ]
    assert str(out["MTBDT"][1].date()) == "2022-01-10"


def test_without_resistance_data_the_second_is_not_estimable():
    assert mtb_guided(REC, therapies(FIRST_LINE))["SECMTBFL"].tolist() == [""]


def test_nothing_recommended():
    out = mtb_guided(REC.iloc[:0], therapies(FIRST_LINE))
    assert out[["MTBFL", "MTBMFL"]].values.tolist() == [["N", "N"]]


def test_periods_by_guidance_for_events_at_onset():
    lines = therapies(
        ("01", "Gemcitabine", "", "2021-12-01"),
        ("01", "Pemigatinib", "", "2022-02-01"),
        ("01", "Aspirin", "", "2022-02-01"),
        ("01", "Capecitabine", "", "2022-05-01"),
        ("02", "X", "", None),
    )
    out = guidance_periods(guided_therapies(REC, lines), lines)
    assert out[["APERIOD", "TRTA"]].values.tolist() == [[1, "Other therapy"], [2, "MTB-guided"], [3, "Other therapy"]]
    nothing = guidance_periods(guided_therapies(REC.iloc[:0], lines), lines)
    assert set(nothing["TRTA"]) == {"Other therapy"}
