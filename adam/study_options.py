"""What a study file says, as the option values of the derivations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace

from fhir2cdisc.adam.criteria import DERIVED
from fhir2cdisc.adam.questionnaires.adqs import AdqsOptions
from fhir2cdisc.adam.questionnaires.visit_windows import AS_COLLECTED, VisitWindows
from fhir2cdisc.adam.response.options import ResponseOptions
from fhir2cdisc.adam.safety.adae import NOT_RELATED, RELATED, AdaeOptions
from fhir2cdisc.adam.time_to_event.adtte import Parameter, ScanRules
from fhir2cdisc.adam.time_to_event.parameters import FDA, OF_RESPONSE, OS, PARAMETERS, by_responses
from fhir2cdisc.adam.tumour.options import RecistOptions
from fhir2cdisc.mappings.study import Study

_OS_START = {"reference": "RFSTDT", "first-dose": "TRTSDT", "diagnosis": "DIAGDT"}


def response_options(study: Study) -> ResponseOptions:
    """Response by the study's rules; see `fhir2cdisc studies NAME` for which of them the protocol states."""
    names = {f.name for f in fields(ResponseOptions)}
    return ResponseOptions(**study.response.model_dump(include=names))


def judged_by(study: Study, criteria: str) -> Study:
    """The study as if these were the criteria of its main analysis."""
    said = study.response.model_copy(update={"criteria": criteria, "sensitivity": ()})
    return study.model_copy(update={"response": said})


def sensitivity_options(study: Study) -> tuple[ResponseOptions, ...]:
    """The same rules by each criteria of the sensitivity analyses, of responses derived from the evaluator's lesions.

    What was collected was called by the criteria of the main analysis, so no collected response can serve here.
    """
    main = response_options(study)
    whose = f"{main.evaluator} {main.evaluator_id}".strip()
    return tuple(
        replace(main, criteria=criteria, evaluator=DERIVED, evaluator_id=whose)
        for criteria in study.response.sensitivity
    )


def recist_options(study: Study) -> RecistOptions:
    return RecistOptions(
        criteria=study.response.criteria,
        sticky_pr=study.response.sticky_pr,
        pd_date="first" if study.censoring.pd_date == "earliest" else "last",
    )


def adae_options(study: Study) -> AdaeOptions:
    """Adverse events by the study's rules; the terms of relation are the project's where the file names none."""
    said = study.safety
    options = AdaeOptions(window=said.window_days, ctcae_version=said.ctcae)
    if "related" not in said.model_fields_set:
        return options
    related = frozenset(term.upper() for term in said.related)
    return replace(options, related=related, not_related=(RELATED | NOT_RELATED) - related)


def adqs_options(study: Study) -> AdqsOptions:
    """Analysis visits: every so many months where the study says so, else the visits as collected."""
    for form in study.questionnaires:
        if not form.every_visit and form.every_months >= 1:
            return AdqsOptions(windows=VisitWindows(int(form.every_months), form.window_days))
    return AdqsOptions(windows=AS_COLLECTED)


def tte_parameters(
    study: Study, with_response: bool, sensitivity: Sequence[ResponseOptions] | None = None
) -> Sequence[Parameter]:
    """The time-to-event parameters of a study: OS from where the study lets time start; the others need responses.

    `sensitivity` are the options of other responses that are there too, without it all that the study asks for.
    """
    start = _OS_START[study.reference.os_start]
    censors = tuple(replace(c, date=start) if c.date == "TRTSDT" else c for c in OS.censors)
    survival = replace(OS, start=start, censors=censors)
    if not with_response:
        return (survival,)
    scans = _scan_rules(study)
    rest = [replace(p, scans=scans) if p.scans is not None else p for p in PARAMETERS if p.paramcd != "OS"]
    others = sensitivity_options(study) if sensitivity is None else sensitivity
    main = [by_responses(p, response_options(study)) for p in rest]
    again = [by_responses(p, options) for options in others for p in rest if p.paramcd in OF_RESPONSE]
    return (survival, *main, *again)


def _scan_rules(study: Study) -> ScanRules:
    said = study.censoring
    ema = said.style == "ema"
    return replace(
        FDA,
        interval_days=study.schedule.interval_days,
        window_days=study.schedule.window_days,
        missed=0 if ema else said.missed,
        new_therapy="" if ema or said.new_therapy == "ignore" else "NACTDT",
    )
