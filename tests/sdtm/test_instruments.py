"""The items of the questionnaires: codes, names and ranges of the published forms and terminology, once for all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from fhir2cdisc.adam.questionnaires import fact_hep, promis29
from fhir2cdisc.mappings.instruments import Instrument, instruments
from fhir2cdisc.mappings.standard.datasets import codelist
from pydantic import ValidationError

# Items of each scale, and how many of them fall along the answers: FACIT scoring guide of FACT-Hep version 4, and the
# printed values of PROMIS-29 Profile v2.1 (physical function, two of sleep, social roles run from 5 to 1).
SCALES = {
    "FACT-HEP V4": {"PWB": (7, 7), "SWB": (7, 0), "EWB": (6, 5), "FWB": (7, 0), "HEPCS": (18, 14)},
    "PROMIS-29 PROFILE V2.1": {
        "PF": (4, 4),
        "ANX": (4, 0),
        "DEP": (4, 0),
        "FAT": (4, 0),
        "SLP": (4, 2),
        "SOC": (4, 4),
        "PI": (4, 0),
        "PAIN": (1, 0),
    },
}
# SDTM CT 2025-03-28: code and name of an item have one concept.
NAMED = [
    ("FACT-HEP V4", "GP1", "FAC01501", "FAC015-I Have a Lack of Energy", (0, 4)),
    ("FACT-HEP V4", "Hep8", "FAC01545", "FAC015-Discomfort/Pain in Stomach Area", (0, 4)),
    ("PROMIS-29 PROFILE V2.1", "PFA11", "PA261001", "PA261-Able Do Chores Such as Vacuuming", (1, 5)),
    ("PROMIS-29 PROFILE V2.1", "SRPPER11_CaPS", "PA261021", "PA261-Trouble Leisure Activities Others", (1, 5)),
    ("PROMIS-29 PROFILE V2.1", "GLOBAL07", "PA261029", "PA261-How You Rate Your Pain on Average", (0, 10)),
]


@pytest.mark.parametrize("qscat", sorted(SCALES))
def test_scales_have_their_items_in_the_order_of_the_form(qscat: str) -> None:
    items = instruments()[qscat].items
    assert Counter(one.scale for one in items) == {scale: count for scale, (count, _) in SCALES[qscat].items()}
    falling = Counter(one.scale for one in items if one.falling)
    assert falling == Counter({scale: count for scale, (_, count) in SCALES[qscat].items() if count})
    assert [int(one.testcd[-2:]) for one in items] == list(range(1, len(items) + 1))
    assert len({one.item.upper() for one in items}) == len(items), "a linkId is known in any case"
    assert qscat in codelist("QSCAT").terms


@pytest.mark.parametrize(("qscat", "item", "testcd", "test", "range_"), NAMED)
def test_an_item_has_the_code_and_the_name_of_the_terminology(
    qscat: str, item: str, testcd: str, test: str, range_: tuple[int, int]
) -> None:
    (found,) = [one for one in instruments()[qscat].items if one.item == item]
    assert (found.testcd, found.test, (found.low, found.high)) == (testcd, test, range_)


def test_names_fit_their_variable_and_are_told_apart() -> None:
    items = [one for form in instruments().values() for one in form.items]
    assert all(len(one.test) <= 40 for one in items)
    assert len({one.test for one in items}) == len(items) == 74


def test_scoring_reads_the_same_items() -> None:
    fact, promis = instruments()["FACT-HEP V4"], instruments()["PROMIS-29 PROFILE V2.1"]
    assert [(i.item, i.qstestcd, i.reversed) for i in fact_hep.items()] == [
        (i.item, i.testcd, i.falling) for i in fact.items
    ]
    assert [(i.item, i.qstestcd, i.falling) for i in promis29.items()] == [
        (i.item, i.testcd, i.falling) for i in promis.items
    ]
    assert tuple(scale.code for scale in fact.scales) == fact_hep.SUBSCALES
    assert (*promis29.DOMAINS, "PAIN") == tuple(scale.code for scale in promis.scales)


def test_an_item_that_falls_must_be_one_of_the_scale() -> None:
    scale = {"code": "S", "low": 0, "high": 4, "items": ["A"], "falling": ["B"]}
    form = {"qscat": "Q", "canonical": "Q", "prefix": "Q", "codes": "NY", "names": "NY", "scale": [scale]}
    with pytest.raises(ValidationError, match="scale S: B falls but is none of its items"):
        Instrument.model_validate(form)


LINKS = ["FAC01501", "GP1", "gp1"]


@pytest.mark.parametrize("link", LINKS)
def test_a_form_names_an_item_by_either_id(
    convert: Callable[..., Any], fhir: Callable[..., dict[str, Any]], link: str
) -> None:
    form = fhir(
        "QuestionnaireResponse",
        "q",
        status="completed",
        questionnaire="urn:x:FACT-Hep-V4",
        authored="2024-03-01",
        item=[{"linkId": link, "answer": [{"valueInteger": 3}]}],
    )
    (row,) = convert([fhir("Patient", "p"), form]).sdtm.frames["QS"].to_dict("records")
    assert (row["QSCAT"], row["QSTESTCD"], row["QSTEST"]) == (
        "FACT-HEP V4",
        "FAC01501",
        "FAC015-I Have a Lack of Energy",
    )
