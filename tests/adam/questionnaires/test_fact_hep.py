import numpy as np
import pandas as pd
import pytest
from fhir2cdisc.adam.questionnaires.fact_hep import SUBSCALES, items, score_fact_hep
from support.facts import facts

NAMES = {"HepCS": "HEPCS", "HepCS_N": "HEPCS_N", "TOTAL": "FACTHEP"}


def numbers(cells):
    """Cells as numbers, blanks as NaN; names that begin with `=` are expected scores."""
    return {name: float(cell) if cell else np.nan for name, cell in cells.items() if name != "id"}


@pytest.fixture(scope="module")
def vectors():
    return [numbers(row) for row in facts("fact_hep_vectors")]


def answers_of(vectors):
    return pd.DataFrame([{k: v for k, v in one.items() if not k.startswith("=")} for one in vectors])


def test_items_agree_with_the_form():
    rows = facts("fact_hep_items")
    expected = [
        (r["facit_code"], r["cdisc_qstestcd"], r["subscale"].upper(), r["reverse_4_minus_x"] == "Y") for r in rows
    ]
    assert [(i.item, i.qstestcd, i.subscale, i.reversed) for i in items()] == expected
    assert len(expected) == 45


def test_all_thirteen_vectors_in_one_call(vectors):
    assert len(vectors) == 13
    scores = score_fact_hep(answers_of(vectors))
    for number, (row, vector) in enumerate(zip(scores.to_dict("records"), vectors, strict=True), 1):
        expected = {name[1:]: value for name, value in vector.items() if name.startswith("=")}
        assert len(expected) == 13
        for name, value in expected.items():
            found = row[NAMES.get(name, name)]
            assert found == pytest.approx(value, abs=0.0005, nan_ok=True), (number, name)


def test_cdisc_codes_give_the_same_scores(vectors):
    answers = answers_of(vectors)
    renamed = answers.rename(columns={i.item: i.qstestcd for i in items()})
    pd.testing.assert_frame_equal(score_fact_hep(answers), score_fact_hep(renamed))


def test_items_already_reversed_are_not_reversed_again():
    best = pd.DataFrame([{i.item: 4 for i in items()}])
    assert score_fact_hep(best, already_reversed=True)["FACTHEP"].tolist() == [180]


def test_nothing_answered_scores_nothing():
    scores = score_fact_hep(pd.DataFrame([{"GP1": np.nan}]))
    assert scores[[*SUBSCALES, "TOI", "FACTG", "FACTHEP"]].isna().all(axis=None)
    assert scores["FACTHEP_N"].tolist() == [0]
    assert len(score_fact_hep(pd.DataFrame({"GP1": []}))) == 0


@pytest.mark.parametrize("value", [5, -1, 2.5])
def test_an_impossible_answer_is_refused(value):
    with pytest.raises(ValueError, match=f"GP1: {value} is not an answer from 0 to 4"):
        score_fact_hep(pd.DataFrame({"GP1": [value]}))


# Items not answered | FACT-G | FACT-Hep: a total asks for more than 80% of its items (22 of 27, 37 of 45) beside valid
# subscales, so 80% themselves are not enough. Each subscale keeps more than half of its items in every row.
SHARE = [
    ("HI7 An7 Hep2 Hep3 Hep4 Hep5 Hep6 HN2", "score", "score"),  # 27 and 37
    ("GP1 HI7 An7 Hep2 Hep3 Hep4 Hep5 Hep6 HN2", "score", ""),  # 26 and 36, which is 80%
    ("GP1 GP2 GS1 GS2 GE1", "score", "score"),  # 22 and 40
    ("GP1 GP2 GS1 GS2 GE1 GF1", "", "score"),  # 21 and 39
]


@pytest.mark.parametrize(("blank", "of_general", "of_all"), SHARE)
def test_a_total_asks_for_more_than_four_fifths_of_its_items(blank, of_general, of_all):
    answers = pd.DataFrame([{i.item: 2.0 for i in items() if i.item not in blank.split()}])
    row = score_fact_hep(answers).iloc[0]
    assert not row[list(SUBSCALES)].isna().any()
    # Every answer is 2, so every score is half of its range (0 to 108, 0 to 180).
    assert [row["FACTG"], row["FACTHEP"]] == pytest.approx(
        [54 if of_general else np.nan, 90 if of_all else np.nan], nan_ok=True
    )
