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
