"""Time-to-event parameters as values, from their description as data (`mappings/parameters.toml`, a study file).

CNSR: 1 ongoing, 2 no baseline, 3 no post-baseline assessment, 4 missed assessments, 5 new anticancer therapy, 6 lost
or withdrawn, 7 clinical progression, 8 cut-off, 9 death on an unknown day.
"""

from __future__ import annotations

from dataclasses import replace

from fhir2cdisc.adam.criteria import IRECIST, PREFIX, RECIST
from fhir2cdisc.adam.time_to_event.adtte import Censor, Event, Parameter, Reason, ScanRules, Source
from fhir2cdisc.mappings.conditions import with_letter
from fhir2cdisc.mappings.parameters import CensorSource, DateSource, EventSource, TimeToEvent, builtin_parameters

# Parameters of ADRS that no criteria has a say in bear no letter.
_UNLETTERED = frozenset(one.code for one in builtin_parameters().response if one.reference_event)


def tte_paramcd(one: TimeToEvent, criteria: str) -> str:
    """PARAMCD of a parameter by the criteria: PFS is IPFS under iRECIST, OS is OS."""
    return PREFIX[criteria] + one.paramcd if one.of_response else one.paramcd


def time_parameter(
    one: TimeToEvent, scans: ScanRules | None = None, criteria: str = RECIST, assessor: str = ""
) -> Parameter:
    """The parameter of the responses by these criteria that this assessor called; `scans` are the study's rules.

    One that does not depend on responses is the same whatever they are.
    """
    if not one.of_response:
        criteria, assessor = RECIST, ""
    rules = fda_rules() if scans is None else scans
    return Parameter(
        tte_paramcd(one, criteria),
        one.param if criteria == RECIST else f"{one.param} per {criteria}",
        one.start if isinstance(one.start, str) else _source(one.start, criteria),
        tuple(_event(event, criteria) for event in one.events),
        tuple(_censor(censor, criteria) for censor in one.censors),
        scans=_rules(rules, criteria) if one.scans else None,
        only=None if one.only is None else _source(one.only, criteria),
        assessor=assessor,
        criteria=criteria if one.of_response else "",
    )


# Overall survival with every imputed or unknown day of death at the first or at the last day that is possible.
BOUNDS = {"OSE": ("DTHEDT", "Earliest"), "OSL": ("DTHLDT", "Latest")}


def survival_bounds(one: TimeToEvent) -> tuple[Parameter, ...]:
    """Two sensitivity parameters of overall survival, for data in which a day of death is not known to the day."""
    made = []
    for code, (date, word) in BOUNDS.items():
        events = (e.model_copy(update={"date": date}) if e.date == "DTHDT" else e for e in one.events)
        said = {"paramcd": code, "param": f"{one.param} ({word} Possible Deaths)", "events": tuple(events)}
        made.append(time_parameter(one.model_copy(update=said)))
    return tuple(made)


def _where(dataset: str, where: str, criteria: str) -> str:
    return with_letter(where, PREFIX[criteria], _UNLETTERED) if dataset == "ADRS" else where


def _source(one: DateSource, criteria: str) -> Source:
    return Source(one.says, one.dataset, one.date, _where(one.dataset, one.where, criteria))


def _event(one: EventSource, criteria: str) -> Event:
    where = one.immune if criteria == IRECIST and one.immune else one.where
    return Event(one.says, one.dataset, one.date, _where(one.dataset, where, criteria), at_scan=one.at_scan)


def _censor(one: CensorSource, criteria: str) -> Censor:
    where = _where(one.dataset, one.where, criteria)
    return Censor(one.says, one.dataset, one.date, where, cnsr=one.cnsr, censored_at=one.at)


def _rules(scans: ScanRules, criteria: str) -> ScanRules:
    """The rules with their sources by the criteria."""
    sources = [one for one in (scans.assessments, scans.no_baseline) if one is not None]
    lettered = [replace(one, where=_where(one.dataset, one.where, criteria)) for one in sources]
    return replace(scans, assessments=lettered[0], no_baseline=lettered[1] if len(lettered) > 1 else None)


def fda_rules() -> ScanRules:
    """The rules for tumour assessments of the FDA guidance, of responses by RECIST 1.1."""
    scans = builtin_parameters().scans
    return ScanRules(
        _source(scans.assessments, RECIST),
        no_baseline=_source(scans.no_baseline, RECIST),
        reasons=tuple(Reason(one.says, one.where, one.cnsr) for one in scans.reasons),
    )


PARAMETERS = tuple(time_parameter(one) for one in builtin_parameters().time_to_event)
