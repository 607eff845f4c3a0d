"""The endpoints of a study file as result specifications: what each document asks for, by configuration."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

from fhir2cdisc.adam.questionnaires.adqs import INSTRUMENTS
from fhir2cdisc.adam.response.composite import unconfirmed
from fhir2cdisc.adam.response.options import IRECIST
from fhir2cdisc.adam.response.parameters import PREFIX, in_terms_of
from fhir2cdisc.adam.results.specs import (
    ChangeSpec,
    Condition,
    DistributionSpec,
    IncidenceSpec,
    ProportionSpec,
    Records,
    ShiftSpec,
    Spec,
    SubgroupProportionSpec,
    SubgroupSurvivalSpec,
    SurvivalSpec,
    VisitProportionSpec,
    is_,
)
from fhir2cdisc.adam.study_options import judged_by
from fhir2cdisc.adam.subject.biomarkers import gene_flag
from fhir2cdisc.adam.subject.markers import GROUPS
from fhir2cdisc.adam.time_to_event.parameters import OF_RESPONSE, tte_paramcd
from fhir2cdisc.mappings.study import Study
from fhir2cdisc.mappings.study_sections import Endpoint, Filter

LEVELS = {"SOC": "AEBODSYS", "PT": "AEDECOD"}
FLAGS = {"enrolled": "FASFL", "treated": "SAFFL", "evaluable": "EVALFL"}
# Treatments of ADAE.TRTA in a study whose events belong to what was given at their onset.
AT_ONSET = (("MTB-guided", is_("GDPERFL", "Y")), ("Other therapy", is_("OTPERFL", "Y")))


def endpoint_specs(study: Study) -> tuple[Spec, ...]:
    """The specifications of every endpoint, in the order of the study file.

    The first of an endpoint bears its id; the others, `id.something`, are the same question under another rule
    (unconfirmed response, PFSEMA, response by iRECIST), another denominator, or a part of a broader one. A study
    without a field that an endpoint needs raises ValueError naming the endpoint.
    """
    return tuple(spec for one in study.endpoints for spec in (*specs_of(one, study), *judged_again(one, study)))


def specs_of(endpoint: Endpoint, study: Study) -> tuple[Spec, ...]:
    """The specifications of one endpoint by the criteria of the main analysis."""
    return tuple(_MAKERS[endpoint.kind](endpoint, study))


def judged_again(one: Endpoint, study: Study) -> Iterator[Spec]:
    """The main specification of an endpoint of tumour response, put to each criteria of sensitivity analyses."""
    counted = one.kind in ("proportion", "distribution") and one.dataset != "ADSL"
    timed = one.kind in ("time-to-event", "event-rate") and one.paramcd in OF_RESPONSE
    for criteria in study.response.sensitivity if counted or timed else ():
        first = next(_MAKERS[one.kind](one, judged_by(study, criteria)))
        label = f"{one.title}, sensitivity analysis by {criteria}"
        yield replace(first, id=f"{one.id}.{sensitivity_id(criteria)}", label=label)


def sensitivity_id(name: str) -> str:
    """What the id of a sensitivity analysis ends with: `irecist` for iRECIST, `recist` for RECIST 1.1."""
    return name.split()[0].lower()


def is_sensitivity(result_id: str, study: Study) -> bool:
    """Whether a result is a sensitivity analysis: by other criteria, or of a parameter by another rule."""
    end = result_id.rsplit(".", 1)[-1]
    names = (*study.response.sensitivity, *(code for one in study.endpoints for code in one.sensitivity))
    return "." in result_id and end in {sensitivity_id(name) for name in names}


def conditions(filters: Iterable[Filter]) -> tuple[Condition, ...]:
    return tuple(Condition(one.variable, one.comparator, one.values) for one in filters)


def _proportion(one: Endpoint, study: Study) -> Iterator[Spec]:
    if "AVISIT" in one.by:
        yield VisitProportionSpec(
            **_common(one, study),
            records=Records("ADRS", _code(one.paramcd, study), (is_("ANL01FL", "Y"),)),
            responses=_terms(one.responses, study),
            method=study.statistics.proportion_ci,
        )
        return
    main, siblings = _by_confirmation(one, study)
    first = ProportionSpec(
        **_common(one, study), criteria=_criteria(one, study, main), method=study.statistics.proportion_ci
    )
    yield first
    for word, code in siblings:
        yield replace(first, **_named(one, word), criteria=_criteria(one, study, code))
    for other in one.denominators:
        label, subset = f"{one.title}, {other.title}", conditions(other.subset)
        yield replace(first, id=f"{one.id}.{other.id}", label=label, subset=subset)
    if one.threshold_months is not None:
        label = f"{one.title}: not counted because censored earlier"
        yield replace(first, id=f"{one.id}.censored", label=label, criteria=_censored_early(one, study), group="")


def _by_confirmation(one: Endpoint, study: Study) -> tuple[str, list[tuple[str, str]]]:
    """The main parameter, confirmed or not as the study says, and the other kind that it wants shown."""
    sibling = unconfirmed(one) if one.dataset != "ADSL" else ""
    if not sibling:
        return one.paramcd, []
    codes = {"confirmed": one.paramcd, "unconfirmed": sibling}
    main, *others = study.response.report
    return codes[main], [(kind, codes[kind]) for kind in others]


def _named(one: Endpoint, word: str) -> dict[str, Any]:
    return {"id": f"{one.id}.{word}", "label": f"{one.title}, {word}"}


def _criteria(one: Endpoint, study: Study, code: str) -> tuple[tuple[Records, ...], ...]:
    if one.dataset == "ADSL":
        return ((Records("ADSL", "", (is_(code, "Y"),)),),)
    return ((Records("ADRS", _code(code, study), (is_("AVALC", "Y"),)),),)


def _censored_early(one: Endpoint, study: Study) -> tuple[tuple[Records, ...], ...]:
    """Not counted, with a time that is censored before the threshold; with a response that would have counted."""
    days = (one.threshold_months or 0.0) * study.censoring.month
    short = (Condition("CNSR", "GT", (0.0,)), Condition("AVAL", "LE", (days,)))
    time = tte_paramcd(one.time, study.response.criteria)
    parts = [Records("ADRS", _code(one.paramcd, study), (is_("AVALC", "N"),)), Records("ADTTE", time, short)]
    if one.combine == "and":
        called = Condition("AVALC", "IN", _terms(one.responses, study))
        parts.append(Records("ADRS", _code(one.best, study), (called,)))
    return (tuple(parts),)


def _survival(one: Endpoint, study: Study) -> Iterator[Spec]:
    said, criteria = study.statistics, study.response.criteria
    main, siblings = _by_confirmation(one, study)
    first = SurvivalSpec(
        **_common(one, study),
        paramcd=tte_paramcd(main, criteria),
        landmarks=one.landmarks,
        min_at_risk=said.at_risk_min,
        complement=one.kind == "event-rate",
        conf_type=said.km_ci,
    )
    yield first
    for word, code in siblings:
        yield replace(first, **_named(one, word), paramcd=tte_paramcd(code, criteria))
    for code in one.sensitivity:
        label = f"{one.title}, sensitivity {code}"
        yield replace(first, id=f"{one.id}.{sensitivity_id(code)}", label=label, paramcd=tte_paramcd(code, criteria))


def _incidence(one: Endpoint, study: Study) -> Iterator[Spec]:
    levels = tuple(LEVELS[name] for name in one.by if name in LEVELS)
    first = IncidenceSpec(
        **_common(one, study), where=conditions(one.events), levels=levels, grades="GRADE" in one.by or not levels
    )
    if study.safety.group_by == "guided" and first.group:
        yield replace(first, group="", by_treatment_at_onset=True, exposed=AT_ONSET)
        yield replace(first, id=f"{one.id}.group", label=f"{one.title}, by first treatment")
    else:
        yield first


def _change(one: Endpoint, study: Study) -> Iterator[Spec]:
    scores = [code for form in INSTRUMENTS if form.qscat == one.questionnaire for code in form.labels]
    yield ChangeSpec(**_common(one, study), paramcds=tuple(scores))


def _shift(one: Endpoint, study: Study) -> Iterator[Spec]:
    yield ShiftSpec(**_common(one, study), paramcd=one.paramcd)


def _distribution(one: Endpoint, study: Study) -> Iterator[Spec]:
    if one.dataset == "ADSL":
        labels = tuple(arm.label for arm in study.arms)
        common = _common(one, study) | {"group": ""}
        yield DistributionSpec(**common, records=Records("ADSL"), variable=one.paramcd, categories=(*labels, "MISSING"))
        return
    main, siblings = _by_confirmation(one, study)
    first = DistributionSpec(
        **_common(one, study), records=Records("ADRS", _code(main, study)), categories=_calls(study)
    )
    yield first
    for word, code in siblings:
        yield replace(first, **_named(one, word), records=Records("ADRS", _code(code, study)))


def _markers(one: Endpoint, study: Study) -> Iterator[Spec]:
    """How many are in each group of a marker, response within them, progression-free survival by group."""
    by = _variables(one, study)
    common = _common(one, study) | {"group": ""}
    criteria = ((Records("ADRS", _code(one.paramcd, study), (is_("AVALC", "Y"),)),),)
    for at, variable in enumerate(by):
        spec = DistributionSpec(
            **common, records=Records("ADSL"), variable=variable, categories=_categories(variable, study)
        )
        label = f"{one.title}: subjects by {variable}"
        yield replace(spec, id=one.id if at == 0 else f"{one.id}.{variable.lower()}", label=label)
    said = study.statistics
    yield SubgroupProportionSpec(
        **common | {"id": f"{one.id}.response", "label": f"{one.title}: response"},
        criteria=criteria,
        by=by,
        method=said.proportion_ci,
    )
    yield SubgroupSurvivalSpec(
        **common | {"id": f"{one.id}.pfs", "label": f"{one.title}: progression-free survival"},
        paramcd=tte_paramcd("PFS", study.response.criteria),
        by=by,
        references=_references(by, study),
        ties=said.ties,
        conf_type=said.km_ci,
    )


def _subgroup(one: Endpoint, study: Study) -> Iterator[Spec]:
    by, said = _variables(one, study), study.statistics
    common = _common(one, study) | {"group": ""}
    yield SubgroupSurvivalSpec(
        **common,
        paramcd=tte_paramcd(one.paramcd, study.response.criteria),
        by=by,
        references=_references(by, study),
        ties=said.ties,
        conf_type=said.km_ci,
        adjust=("TRT01A",) if "TRT01A" in by else (),
    )
    criteria = ((Records("ADRS", _code("CRSP", study), (is_("AVALC", "Y"),)),),)
    yield SubgroupProportionSpec(
        **common | {"id": f"{one.id}.response", "label": f"{one.title}: response"},
        criteria=criteria,
        by=by,
        method=said.proportion_ci,
    )


def _variables(one: Endpoint, study: Study) -> tuple[str, ...]:
    """The ADSL variables that `by` names: groups of a marker, a flag for each gene, the treatment."""
    found: list[str] = []
    for name in one.by:
        if name == "GENE":
            found += [gene_flag(gene) for marker in study.biomarkers for gene in marker.genes]
        elif name in ("ARM", "GROUP"):
            found.append("TRT01A")
        elif name in GROUPS:
            found.append(GROUPS[name])
        else:
            raise ValueError(f"endpoint {one.id}: by {name!r} is neither ARM, GROUP, GENE nor a biomarker")
    return tuple(dict.fromkeys(found))


def _references(by: tuple[str, ...], study: Study) -> tuple[str, ...]:
    """Against which value hazard ratios are given: the lowest group of a score, `N` of a flag."""
    lowest = {"TMBGR1": "L"}
    for marker in study.biomarkers:
        if marker.code in ("PDL1TPS", "PDL1CPS") and marker.cutoffs:
            lowest[GROUPS[marker.code]] = f"<{marker.cutoffs[0]:g}"
    return tuple(lowest.get(variable, "") for variable in by)


def _categories(variable: str, study: Study) -> tuple[str, ...]:
    """The groups of a marker in rising order; a subject who was not tested is MISSING."""
    if variable == "TMBGR1":
        return ("L", "H", "MISSING")
    for marker in study.biomarkers:
        if GROUPS[marker.code] == variable and marker.cutoffs:
            cuts = [f"{cut:g}" for cut in marker.cutoffs]
            middle = [f"{low}-<{high}" for low, high in pairwise(cuts)]
            return (f"<{cuts[0]}", *middle, f">={cuts[-1]}", "MISSING")
    return ("Y", "N", "MISSING")


def _common(one: Endpoint, study: Study) -> dict[str, Any]:
    rule = next(p.rule for p in study.populations if p.code == one.population)
    grouped = len(study.arms) > 1 and ("ARM" in one.by or "GROUP" in one.by)
    return {
        "id": one.id,
        "label": one.title,
        "population": FLAGS[rule],
        "subset": conditions(one.subset),
        "group": "TRT01A" if grouped else "",
        "conf_level": study.statistics.level,
    }


def _code(paramcd: str, study: Study) -> str:
    return PREFIX[study.response.criteria] + paramcd


def _terms(calls: Iterable[str], study: Study) -> tuple[str, ...]:
    return tuple(in_terms_of(call, study.response.criteria) for call in calls)


def _calls(study: Study) -> tuple[str, ...]:
    """The best overall responses from best to worst, as the criteria call them."""
    calls = _terms(("CR", "PR", "SD", "NON-CR/NON-PD", "PD"), study)
    return (*calls, *(["iUPD"] if study.response.criteria == IRECIST else []), "NE", "MISSING")


_MAKERS: dict[str, Callable[[Endpoint, Study], Iterator[Spec]]] = {
    "proportion": _proportion,
    "time-to-event": _survival,
    "event-rate": _survival,
    "incidence": _incidence,
    "pro-change": _change,
    "shift": _shift,
    "distribution": _distribution,
    "biomarker-group": _markers,
    "subgroup": _subgroup,
}
