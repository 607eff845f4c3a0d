import csv
import json

import numpy as np
import pandas as pd
import pytest
from fhir2cdisc.adam.questionnaires.fact_hep import SUBSCALES, items, score_fact_hep
from support.paths import SHARED

NAMES = {"HepCS": "HEPCS", "HepCS_N": "HEPCS_N", "TOTAL": "FACTHEP"}


@pytest.fixture(scope="module")
def facts():
    if SHARED is None:
        pytest.skip("the folder shared with the scoring vectors is not beside this checkout")
    return json.loads((SHARED / "facts/fact_hep_scoring.json").read_text())


def test_items_agree_with_the_form(facts):
    rows = list(csv.DictReader((SHARED / "facts/fact_hep_items.csv").read_text().splitlines()))
    expected = [
        (r["facit_code"], r["cdisc_qstestcd"], r["subscale"].upper(), r["reverse_4_minus_x"] == "Y") for r in rows
    ]
    assert [(i.item, i.qstestcd, i.subscale, i.reversed) for i in items()] == expected
    assert len(expected) == 45


def test_all_thirteen_vectors_in_one_call(facts):
    vectors = facts["test_vectors"]
    assert len(vectors) == 13
    scores = score_fact_hep(pd.DataFrame([v["responses"] for v in vectors], dtype=float))
    for row, vector in zip(scores.to_dict("records"), vectors, strict=True):
        for name, expected in vector["expected"].items():
            value = row[NAMES.get(name, name)]
            if expected is None:
                assert np.isnan(value), (vector["name"], name)
            else:
                assert value == pytest.approx(expected, abs=0.0005), (vector["name"], name)


def test_cdisc_codes_give_the_same_scores(facts):
    answers = pd.DataFrame([v["responses"] for v in facts["test_vectors"]], dtype=float)
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
