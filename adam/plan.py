"""What a study asks of ADaM and of its results, decided once from its file and from the data that are there.

Everybody reads this value: the derivations their options, metadata and guides which parameters there are, results
which responses and times they count.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace

import pandas as pd
from fhir2cdisc.adam.criteria import IRECIST, PREFIX, in_terms_of
from fhir2cdisc.adam.frames.columns import text
from fhir2cdisc.adam.frames.findings import findings
from fhir2cdisc.adam.frames.sdtm import Frames, dataset
from fhir2cdisc.adam.questionnaires.adqs import AdqsOptions
from fhir2cdisc.adam.questionnaires.visit_windows import AS_COLLECTED, VisitWindows
from fhir2cdisc.adam.response.collected import overall_responses
from fhir2cdisc.adam.response.composite import Composite, composites
from fhir2cdisc.adam.response.options import ResponseOptions
from fhir2cdisc.adam.response.parameters import parameters_of
from fhir2cdisc.adam.safety.adae import NOT_RELATED, RELATED, AdaeOptions
from fhir2cdisc.adam.subject.options import AdslOptions
from fhir2cdisc.adam.time_to_event.adtte import Parameter, ScanRules
from fhir2cdisc.adam.time_to_event.parameters import BOUNDS, fda_rules, survival_bounds, time_parameter, tte_paramcd
from fhir2cdisc.adam.tripwires import TripwireOptions
from fhir2cdisc.adam.tumour.options import RecistOptions
from fhir2cdisc.mappings.parameters import TimeToEvent
from fhir2cdisc.mappings.study import Study
from fhir2cdisc.mappings.study_sections import Endpoint

_OS_START = {"reference": "RFSTDT", "first-dose": "TRTSDT", "diagnosis": "DIAGDT"}


@dataclass(frozen=True, slots=True)
class Plan:
    """The options of every derivation, the parameters and what the data lack.

    datasets    ADaM datasets that the data can give.
    response    how responses are called in the main analysis; `again` in the sensitivity analyses that have any.
    parameters  the time-to-event parameters of ADTTE.
    families    the composite parameters of ADRS, by the options whose responses they ask.
    lacking     PARAMCD to reason: parameters that the study asks for and the data cannot give.
    unanswered  why no endpoint of response and progression can be estimated by the main analysis, blank where it can.
    """

    study: Study
    datasets: frozenset[str]
    response: ResponseOptions
    again: tuple[ResponseOptions, ...]
    recist: RecistOptions
    subject: AdslOptions
    adae: AdaeOptions
    adqs: AdqsOptions
    parameters: tuple[Parameter, ...]
    families: tuple[tuple[ResponseOptions, tuple[Composite, ...]], ...]
    lacking: Mapping[str, str]
    unanswered: str = ""

    @classmethod
    def of(cls, study: Study, frames: Frames, unanswered: str = "") -> Plan:
        """The plan of a study on data: SDTM frames before ADaM is made, or the ADaM frames that are there.

        `unanswered` is why SDTM data have no response that counts (see `why_not_estimable`).
        """
        response = response_options(study)
        again = tuple(one for one in sensitivity_options(study) if _has_responses(frames, one))
        unanswered = unanswered or _nobody_assessed(dataset(frames, "ADRS"), response)
        called = again if unanswered else (response, *again)
        families = tuple((one, _composites(study, one.criteria)) for one in called)
        there = _datasets(frames) - (set() if again or not unanswered else {"ADRS"})
        parameters, lacking = _times(study, there, (response, *again), unanswered)
        parameters += _bounds(study, frames)
        unknown = _responses_lacking(study, response.criteria, unanswered)
        held = set(text(dataset(frames, "ADTTE"), "PARAMCD")) if not unanswered else set()
        return cls(
            study,
            there,
            response,
            again,
            recist_options(study),
            adsl_options(study),
            adae_options(study),
            adqs_options(study),
            parameters,
            families,
            {code: why for code, why in (lacking | unknown).items() if code not in held},
            unanswered,
        )

    def given(self, made: Mapping[str, pd.DataFrame]) -> Plan:
        """The plan with the time-to-event parameters whose datasets were really made."""
        there = frozenset(made) | {"ADTTE"}
        parameters, lacking = _times(self.study, there, (self.response, *self.again), self.unanswered)
        parameters += _bounds(self.study, made)
        lacking |= _responses_lacking(self.study, self.response.criteria, self.unanswered)
        return replace(self, datasets=there, parameters=parameters, lacking=lacking)

    def judged_by(self, criteria: str) -> Plan:
        """The plan as if these were the criteria of its main analysis."""
        return replace(self, response=replace(self.response, criteria=criteria))

    @property
    def month(self) -> float:
        """Days in a month, for medians, landmarks and thresholds alike."""
        return self.study.censoring.month

    @property
    def times(self) -> dict[str, TimeToEvent]:
        return self.study.times

    @property
    def every(self) -> tuple[ResponseOptions, ...]:
        """The options of the main analysis and of the sensitivity analyses that have any response."""
        return self.again if self.unanswered else (self.response, *self.again)

    def response_code(self, code: str) -> str:
        """PARAMCD of a parameter of ADRS by the criteria of the main analysis."""
        return PREFIX[self.response.criteria] + code

    def time_code(self, code: str) -> str:
        """PARAMCD of a parameter of ADTTE by the criteria of the main analysis."""
        return code if code in BOUNDS else tte_paramcd(self.times[code], self.response.criteria)

    def sensitivity_of(self, endpoint: Endpoint) -> tuple[str, ...]:
        """The time-to-event parameters that answer an endpoint by another rule.

        Overall survival has both bounds of the deaths, where there are any.
        """
        derived = {one.paramcd for one in self.parameters}
        bounds = (code for code in BOUNDS if code in derived and endpoint.paramcd == "OS")
        return (*endpoint.sensitivity, *bounds)

    def terms(self, calls: Sequence[str]) -> tuple[str, ...]:
        """Responses in the terms of the criteria: PD is iCPD under iRECIST."""
        return tuple(in_terms_of(call, self.response.criteria) for call in calls)

    @property
    def best_terms(self) -> tuple[str, ...]:
        """The best overall responses from best to worst, as the criteria call them."""
        calls = self.terms(("CR", "PR", "SD", "NON-CR/NON-PD", "PD"))
        return (*calls, *(["iUPD"] if self.response.criteria == IRECIST else []), "NE", "MISSING")

    @property
    def tripwires(self) -> TripwireOptions:
        said, criteria = self.study.tripwires, self.response.criteria
        return TripwireOptions(
            said.assessed,
            said.new_therapy,
            self.study.schedule.cycle_days,
            overall=self.response_code("OVR"),
            progression=tte_paramcd(self.times["PFS"], criteria) if "PFS" in self.times else "",
        )

    def check(self) -> pd.DataFrame:
        """Findings on endpoints whose times the data cannot give."""
        wanted = [(one, code) for one in self.study.endpoints for code in (one.paramcd, *one.sensitivity)]
        lost = [(one.id, self.time_code(code)) for one, code in wanted if code in self.times]
        return findings(
            "ADTTE",
            "parameter not derived",
            "WARNING",
            (
                ("", "", "PARAMCD", code, f"Endpoint {name}: parameter {code} was not derived: {self.lacking[code]}.")
                for name, code in dict.fromkeys(lost)
                if code in self.lacking
            ),
        )


def _datasets(frames: Frames) -> frozenset[str]:
    """The ADaM datasets that frames are or can give."""
    rs, tu, tr = (dataset(frames, name) for name in ("RS", "TU", "TR"))
    tests = set(text(rs, "RSTESTCD"))
    can = {
        "ADRS": "OVRLRESP" in tests,
        "ADTR": bool(len(tu) and len(tr)),
        "ADAE": bool(len(dataset(frames, "AE"))),
        "ADQS": bool(len(dataset(frames, "QS"))) or "ECOG101" in tests,
    }
    return frozenset({"ADSL", "ADTTE", *(name for name, given in can.items() if given), *frames})


def _has_responses(frames: Frames, options: ResponseOptions) -> bool:
    if "ADRS" in frames:
        return options.criteria in set(text(frames["ADRS"], "PARCAT3"))
    return bool(len(overall_responses(dataset(frames, "RS"), options)))


def _nobody_assessed(adrs: pd.DataFrame, options: ResponseOptions) -> str:
    """Why ADRS answers nothing: it calls every subject's best response MISSING."""
    code = text(adrs, "PARAMCD")
    best = text(adrs, "AVALC")[code.isin([PREFIX[options.criteria] + one for one in ("BOR", "CBOR")])]
    missing = bool(len(best)) and bool(best.isin(["MISSING", ""]).all())
    return f"ADRS has no assessment of any subject by {options.criteria}" if missing else ""


def _responses_lacking(study: Study, criteria: str, why: str) -> dict[str, str]:
    """PARAMCD to reason of every parameter of ADRS by the criteria, where there is one."""
    own = [one.paramcd(criteria) for one in parameters_of(criteria)]
    own += [one.paramcd for one in _composites(study, criteria)]
    return dict.fromkeys(own, why) if why else {}


def _times(
    study: Study, there: frozenset[str], every: Sequence[ResponseOptions], unanswered: str
) -> tuple[tuple[Parameter, ...], dict[str, str]]:
    """The time-to-event parameters whose datasets are there, and of the others why not.

    Those that depend on responses exist once for each way of calling them.
    """
    scans = scan_rules(study)
    main, *again = every
    wanted = [(one, main) for one in _study_times(study)]
    wanted += [(one, options) for options in again for one in study.times.values() if one.of_response]
    found, lacking = [], {}
    for one, options in wanted:
        needed = {source.dataset for source in one.sources} | ({"ADRS"} if one.scans else set())
        absent = sorted(needed - there)
        code = tte_paramcd(one, options.criteria)
        if unanswered and options is main and one.of_response:
            lacking[code] = unanswered
        elif absent:
            lacking[code] = f"there is no dataset {absent[0]}"
        else:
            found.append(time_parameter(one, scans, options.criteria, options.assessor))
    used = {options.criteria for options in every}
    for criteria in study.response.sensitivity:
        if criteria not in used:
            codes = [tte_paramcd(one, criteria) for one in study.times.values() if one.of_response]
            lacking |= dict.fromkeys(codes, f"there are no responses by {criteria}")
    return tuple(found), lacking


def _bounds(study: Study, frames: Frames) -> tuple[Parameter, ...]:
    """Overall survival by the bounds of deaths, where ADSL has any."""
    if "DTHEDT" not in dataset(frames, "ADSL"):
        return ()
    return tuple(bound for one in _study_times(study) if one.paramcd == "OS" for bound in survival_bounds(one))


def _study_times(study: Study) -> list[TimeToEvent]:
    """The parameters of a study, overall survival from where the study lets it start."""
    own = {one.paramcd for one in study.time_to_event}
    start = _OS_START[study.reference.os_start]
    return [_from(one, start) if one.paramcd == "OS" and "OS" not in own else one for one in study.times.values()]


def _from(one: TimeToEvent, start: str) -> TimeToEvent:
    moved = (c.model_copy(update={"date": start}) if c.date == one.start else c for c in one.censors)
    return one.model_copy(update={"start": start, "censors": tuple(moved)})


def _composites(study: Study, criteria: str) -> tuple[Composite, ...]:
    return composites(study.endpoints, criteria, study.times, study.censoring.month)


def response_options(study: Study) -> ResponseOptions:
    """Response by the study's rules; see `fhir2cdisc studies NAME` for which of them the protocol states."""
    names = {f.name for f in fields(ResponseOptions)}
    return ResponseOptions(**study.response.model_dump(include=names))


def sensitivity_options(study: Study) -> tuple[ResponseOptions, ...]:
    """The same rules by each criteria of the sensitivity analyses, of responses derived from the evaluator's lesions.

    What was collected was called by the criteria of the main analysis, so no collected response can serve here.
    """
    main = response_options(study)
    return tuple(main.of_lesions(criteria) for criteria in study.response.sensitivity)


def recist_options(study: Study, criteria: str = "") -> RecistOptions:
    """Responses from lesions by the study's criteria, or by those of a sensitivity analysis."""
    return RecistOptions(
        criteria=criteria or study.response.criteria,
        sticky_pr=study.response.sticky_pr,
        pd_date="first" if study.censoring.pd_date == "earliest" else "last",
    )


def every_recist_options(study: Study) -> tuple[RecistOptions, ...]:
    """Responses from lesions by the criteria of the main analysis, then by those of each sensitivity analysis."""
    return tuple(recist_options(study, one) for one in (study.response.criteria, *study.response.sensitivity))


def adsl_options(study: Study) -> AdslOptions:
    return AdslOptions(
        arms=study.arms,
        drugs=study.drugs,
        biomarkers=study.biomarkers,
        looks=study.interim.cases,
        by_enrolment=study.cohort.membership == "research-subject",
        cutoff=study.cutoff,
        response=response_options(study),
        antineoplastic=study.reference.antineoplastic,
        death=study.death,
        treatment=study.treatment,
        new_therapy=study.new_therapy,
        diagnosis=study.diagnosis,
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
            return AdqsOptions(windows=VisitWindows(int(form.every_months), form.window_days, study.censoring.month))
    return AdqsOptions(windows=AS_COLLECTED)


def scan_rules(study: Study) -> ScanRules:
    """How tumour assessments censor progression endpoints in this study."""
    said = study.censoring
    ema = said.style == "ema"
    return replace(
        fda_rules(),
        interval_days=study.schedule.interval_days,
        window_days=study.schedule.window_days,
        missed=0 if ema else said.missed,
        new_therapy="" if ema or said.new_therapy == "ignore" else "NACTDT",
    )
