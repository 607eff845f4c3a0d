"""What endpoints of a study have in common when they become specifications."""

from __future__ import annotations

from typing import Any

from fhir2cdisc.adam.plan import Plan
from fhir2cdisc.adam.response.composite import unconfirmed
from fhir2cdisc.adam.results.sheet import Analysis
from fhir2cdisc.mappings.study_sections import Endpoint

FLAGS = {"enrolled": "FASFL", "treated": "SAFFL", "evaluable": "EVALFL"}


def common(one: Endpoint, plan: Plan) -> dict[str, Any]:
    """Id, label, population, subset, grouping and level of an endpoint's main specification."""
    study = plan.study
    rule = next(p.rule for p in study.populations if p.code == one.population)
    grouped = len(study.arms) > 1 and ("ARM" in one.by or "GROUP" in one.by)
    return {
        "id": one.id,
        "label": one.title,
        "endpoint": one.id,
        "population": FLAGS[rule],
        "subset": one.subset,
        "group": "TRT01A" if grouped else "",
        "conf_level": study.statistics.level,
        "month": plan.month,
    }


def named(one: Endpoint, word: str, analysis: Analysis) -> dict[str, Any]:
    """Id and label of a specification that departs from the main one of its endpoint."""
    return {"id": f"{one.id}.{word}", "label": f"{one.title}, {word}", "analysis": analysis}


def by_confirmation(one: Endpoint, plan: Plan) -> tuple[str, list[tuple[str, str]]]:
    """The main parameter, confirmed or not as the study says, and the other kind that it wants shown."""
    sibling = unconfirmed(one) if one.dataset != "ADSL" else ""
    if not sibling:
        return one.paramcd, []
    codes = {"confirmed": one.paramcd, "unconfirmed": sibling}
    main, *others = plan.study.response.report
    return codes[main], [(kind, codes[kind]) for kind in others]
