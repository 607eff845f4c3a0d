import numpy as np
import pandas as pd
import pytest
from fhir2cdisc.adam.questionnaires.promis29 import DOMAINS, items, score_promis29, t_scores
from support.facts import facts


def test_items_agree_with_the_form():
    expected = [(r["promis_item_id"], r["cdisc_qstestcd"], r["domain"]) for r in facts("promis29_items")]
    assert [(i.item, i.qstestcd, i.domain) for i in items()] == expected


def test_all_119_t_scores_and_standard_errors():
    rows = facts("promis29_tscores")
    assert len(rows) == 119
    for r in rows:
        row = t_scores().loc[float(r["raw"])]
        assert (row[r["domain"]], row[f"{r['domain']}_SE"]) == (float(r["tscore"]), float(r["se"])), r


def test_the_older_physical_function_calibration_is_not_used():
    old = {float(r["raw"]): float(r["tscore"]) for r in facts("promis29_tscores_old_pf")}
    differing = [raw for raw, t in old.items() if t_scores().loc[raw, "PF"] != t]
    assert {4.0, 20.0} <= set(differing) and len(old) == 17


def test_summary_vectors():
    vectors = [{name: float(value) for name, value in row.items()} for row in facts("promis29_summary_vectors")]
    assert len(vectors) == 3
    answers = pd.DataFrame(
        [
            {**{i.item: v[f"{i.domain}_RAW"] / 4 for i in items() if i.domain != "PAIN"}, "GLOBAL07": v["PAIN"]}
            for v in vectors
        ]
    )
    scores = score_promis29(answers)
    for row, vector in zip(scores.to_dict("records"), vectors, strict=True):
        assert {d: row[d] for d in DOMAINS} == {d: vector[f"={d}"] for d in DOMAINS}
        assert (row["PHS"], row["MHS"]) == pytest.approx((vector["=PHS"], vector["=MHS"]), abs=0.0005)


def test_all_four_social_roles_items_are_turned_when_positions_come_in():
    """Never is the first answer: position 1 scores 5, so four firsts are raw 20; sleep turns two of four."""
    first = pd.DataFrame([{i.item: 1 for i in items() if i.domain != "PAIN"}])
    scores = score_promis29(first, "position")
    assert scores[["PF_RAW", "SOC_RAW", "SLP_RAW", "PI_RAW"]].values.tolist() == [[20, 20, 12, 4]]
    assert score_promis29(first)[["PF_RAW", "SOC_RAW", "SLP_RAW"]].values.tolist() == [[4, 4, 4]]


def test_one_missing_item_makes_its_domain_and_the_summaries_missing():
    answers = pd.DataFrame([{i.item: 1.0 for i in items()}])
    answers["EDANX40"] = np.nan
    scores = score_promis29(answers)
    assert scores[["ANX", "PHS", "MHS"]].isna().all(axis=None)
    assert scores["DEP"].tolist() == [41.0] and scores["PAIN"].tolist() == [1.0]


@pytest.mark.parametrize(("item", "value"), [("PFA11", 0), ("PFA11", 6), ("GLOBAL07", 11), ("PA261001", 1.5)])
def test_an_impossible_answer_is_refused(item, value):
    with pytest.raises(ValueError, match=f"{item}: {value} is not an answer"):
        score_promis29(pd.DataFrame({item: [value]}))
