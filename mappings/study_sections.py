"""The sections of a study file: design, response rules, schedule, safety, censoring, endpoints and the rest.

Every field has a default of the project. A section's `stated` names the fields that the protocol itself gives.
"""

from __future__ import annotations

from typing import Literal

from fhir2cdisc.mappings.conditions import Condition
from fhir2cdisc.mappings.study_base import DAYS_PER_MONTH, Model, Section
from pydantic import Field, model_validator

Criteria = Literal["RECIST 1.1", "iRECIST", "mRECIST"]
Iso = Field(default="", pattern=r"^(\d{4}-\d{2}-\d{2})?$")


class Design(Section):
    """What kind of study it is, how many subjects it plans and for how long it runs.

    `treatment` is the treatment of the trial summary (TRT) where the study names no drugs.
    """

    kind: Literal["", "interventional", "observational", "registry"] = ""
    summary: str = ""
    phase: str = ""
    registry: str = ""
    planned: int = Field(default=1, ge=1)
    sites: int = Field(default=1, ge=1)
    conditions: tuple[str, ...] = ()
    treatment: str = ""
    start: str = Iso
    end: str = Iso
    enrolment_months: float = 24
    follow_up_months: float = 24


class Criterion(Section):
    """An eligibility criterion of the protocol (TI): its code, and its text in at most 200 bytes.

    A longer wording goes to `full_text`, which define.xml carries. Criteria of an amended protocol have a `version`.
    """

    code: str = Field(pattern=r"^[A-Z][A-Z0-9]{0,7}$")
    category: Literal["INCLUSION", "EXCLUSION"]
    text: str = Field(min_length=1)
    full_text: str = ""
    subcategory: str = ""
    rule: str = ""
    version: str = ""

    @model_validator(mode="after")
    def _short_text(self) -> Criterion:
        if (size := len(self.text.encode())) > 200:
            raise ValueError(
                f"criterion {self.code}: its text has {size} bytes, over the 200 of IETEST; "
                "put a short one in text and the whole in full_text"
            )
        return self


class TrialParameter(Model):
    """A trial summary parameter by its code (`SPONSOR`, `AGEMIN`), with one value or several; none is unknown."""

    code: str = Field(pattern=r"^[A-Z][A-Z0-9]{0,7}$")
    values: tuple[str, ...] = ()


class Response(Section):
    """How tumour response is judged, and how the best response of a subject is found.

    `source`: the responses that count are those that were collected, those that are derived from the evaluator's
    lesions, or, subject by subject, the derived ones of who has no collected response that counts.
    `confirm_days`: least days from the first CR/PR to the one that confirms it. `sd_min_days`: least days from
    `reference` at which SD counts, `benefit_min_days` the same for clinical benefit. `max_ne`, `accept_sd`: what
    may lie between. `pr_after_cr`: disease after a CR is progression, corrects the CR to PR, or stays as
    collected. `sticky_pr`: a PR stays PR until progression. `missing_as_ne`: a subject without assessment is NE.
    `new_therapy`: the date after which assessments do not count (blank: no such rule). `end_of_window`: the date
    after which, plus `end_of_window_days`, they do not count either. `report`: which kinds of response are shown,
    the main one first; `sensitivity`: other criteria by which the lesions are judged again, as sensitivity analyses.
    """

    criteria: Criteria = "RECIST 1.1"
    evaluator: Literal["INVESTIGATOR", "INDEPENDENT ASSESSOR"] = "INVESTIGATOR"
    evaluator_id: str = ""
    source: Literal["collected", "derived", "collected-else-derived"] = "collected-else-derived"
    reference: str = "TRTSDT"
    confirm_days: int = Field(default=28, ge=0)
    sd_min_days: int = Field(default=42, ge=0)
    benefit_min_days: int = Field(default=42, ge=0)
    max_ne: int = Field(default=1, ge=0)
    accept_sd: bool = False
    missing_as_ne: bool = False
    sticky_pr: bool = False
    pr_after_cr: Literal["PD", "PR", "collected"] = "PD"
    new_therapy: str = "NACTDT"
    end_of_window: str = ""
    end_of_window_days: int = Field(default=0, ge=0)
    last_assessment: Literal["adequate", "any"] = "adequate"
    unconfirmed_iupd: bool = True
    report: tuple[Literal["confirmed", "unconfirmed"], ...] = ("confirmed", "unconfirmed")
    sensitivity: tuple[Criteria, ...] = ()

    @model_validator(mode="after")
    def _sensitivity_is_by_other_criteria(self) -> Response:
        if self.criteria in self.sensitivity:
            raise ValueError(f"sensitivity names {self.criteria}, by which the main analysis is made already")
        if len(set(self.sensitivity)) < len(self.sensitivity):
            raise ValueError(f"sensitivity names a criterion twice: {', '.join(self.sensitivity)}")
        return self


class Visit(Model):
    """A planned visit by the name that encounters give it, and its day from the start of treatment."""

    name: str
    day: int


class Schedule(Section):
    """When tumours are assessed, and the planned visits that are not simply repeated every cycle."""

    interval_days: int = Field(default=56, ge=1)
    window_days: int = Field(default=7, ge=0)
    cycle_days: int = Field(default=21, ge=1)
    visits: tuple[Visit, ...] = ()


class Safety(Section):
    """Adverse events: CTCAE version, the treatment-emergent window and what events are grouped by."""

    ctcae: str = "5.0"
    window_days: int = Field(default=30, ge=0)
    related: tuple[str, ...] = ("RELATED", "POSSIBLY RELATED", "PROBABLY RELATED", "DEFINITELY RELATED")
    group_by: Literal["arm", "guided"] = "arm"


class Censoring(Section):
    """How time-to-event endpoints are censored.

    `missed` assessments in a row before an event censor it (fda); `month` is days per month; `pd_date` is the
    date of a visit whose scans were on different days.
    """

    style: Literal["fda", "ema"] = "fda"
    missed: int = Field(default=2, ge=1)
    month: float = Field(default=DAYS_PER_MONTH, gt=0)
    new_therapy: Literal["censor", "ignore"] = "censor"
    pd_date: Literal["earliest", "latest"] = "earliest"

    def gap_days(self, schedule: Schedule) -> int:
        """The longest gap in days between two assessments that is not yet `missed` missed ones."""
        return self.missed * (schedule.interval_days + schedule.window_days)


class Tripwires(Section):
    """When a run says before its results that they may be wrong; it stops nothing.

    `assessed`: least share of treated subjects with a tumour assessment that counts, where assessments exist.
    `new_therapy`: largest share of subjects censored for new anticancer therapy within the first cycle.
    """

    assessed: float = Field(default=0.5, ge=0, le=1)
    new_therapy: float = Field(default=0.3, ge=0, le=1)


class Privacy(Section):
    """What may identify a subject and how much of it is kept; AGE is always computed from the full date.

    `notes`: free-text notes become comments (CO). They may name a person, so the default leaves them out.
    `identifiers` are the systems of identifiers that may stand in the datasets (--SPID, --REFID, a record number as
    SUBJID); those of the project's own simulation always may.
    """

    birth_date: Literal["full", "year", "none"] = "year"
    notes: bool = False
    identifiers: tuple[str, ...] = ()


class Population(Section):
    """An analysis population by code and by the rule that puts a subject in it."""

    code: str = Field(pattern=r"^[A-Z0-9]{1,8}$")
    title: str
    definition: str
    rule: Literal["enrolled", "treated", "evaluable"]


FAS = Population(
    code="FAS", title="Full analysis set", rule="enrolled", definition="every subject who consented and was enrolled"
)
SAF = Population(
    code="SAF", title="Safety set", rule="treated", definition="every subject with at least one dose of study treatment"
)
EVAL = Population(
    code="EVAL",
    title="Response-evaluable set",
    rule="evaluable",
    definition="treated, measurable disease at baseline and at least one tumour assessment after baseline",
)


class Questionnaire(Section):
    """A questionnaire: its CDISC category, when it is due, and how far from that a form still counts.

    The baseline is the last form before the first dose.
    """

    code: str
    title: str
    canonical: str
    every_months: float = 3
    every_visit: bool = False
    window_days: int = Field(default=45, ge=0)


class Biomarker(Section):
    """A marker and where it divides subjects: `cutoffs`, each the lowest value of the next group.

    They are in percent for PDL1TPS, in mutations per megabase for TMB; PDL1CPS is a score. `genes` are those whose
    variants are analysed one by one; one of them is `N` only where it was tested: where a record of the subject names
    it, found or not, or a panel lists it (`tested = "named"`), or where there is any record of a variant or a panel,
    which covers all (`any-variant`). `panel` names the genes that the panel of the study covers, where its reports do
    not: they were tested in every subject with such a record.
    """

    code: Literal["PDL1TPS", "PDL1CPS", "TMB", "MSI", "VARIANT"]
    title: str
    cutoffs: tuple[float, ...] = ()
    genes: tuple[str, ...] = ()
    tested: Literal["named", "any-variant"] = "named"
    panel: tuple[str, ...] = ()


class Interim(Section):
    """Looks at the data after so many subjects, in order of consent then subject number; no alpha is spent."""

    cases: tuple[int, ...] = ()
    only_if_extended: tuple[int, ...] = ()


class Statistics(Section):
    """How results are estimated.

    `control` is the arm, by its code, against which shares by arm are compared: the difference of each other arm to it,
    with its interval by `difference_ci`. Without it arms stand side by side.
    """

    level: float = Field(default=0.95, gt=0, lt=1)
    proportion_ci: Literal["clopper-pearson", "wilson"] = "clopper-pearson"
    km_ci: Literal["log-log", "log", "plain"] = "log-log"
    ties: Literal["efron", "breslow"] = "efron"
    at_risk_min: int = Field(default=10, ge=0)
    control: str = ""
    difference_ci: Literal["miettinen-nurminen", "newcombe"] = "miettinen-nurminen"


Kind = Literal[
    "proportion",
    "time-to-event",
    "event-rate",
    "incidence",
    "pro-change",
    "shift",
    "distribution",
    "biomarker-group",
    "subgroup",
]


class Denominator(Model):
    """Another denominator under which the same share is shown."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    title: str
    subset: tuple[Condition, ...] = ()

    def __str__(self) -> str:
        return self.title


class Endpoint(Section):
    """One endpoint: what it is in our own words, for whom, when, and how an unclear sentence was read.

    `condition` is in words what a subject must meet to count. What is computed stands in the other fields:
    `dataset` where `paramcd` is found (blank: by the kind; ADSL: it is a variable, `Y` counts); `responses` are
    the best overall responses (of `best`) or time-point responses that count; `threshold_months`, strict (more
    than), is a time of the parameter `time`, and `combine` whether response and time are both needed or either;
    `after_last_dose_days` closes the assessment window; `events` choose adverse events. `subset` restricts the
    population, `denominators` are other populations under which the same share is shown, `sensitivity` other
    parameters that answer the same question by another rule. `landmarks` are in months; `by` is what results
    are split by: ARM or GROUP, AVISIT, SOC, PT, GRADE, GENE, or a biomarker.
    """

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    title: str
    role: Literal["primary", "secondary", "other", "supportive"]
    kind: Kind
    paramcd: str = Field(default="", pattern=r"^([A-Z][A-Z0-9]{0,7})?$")
    dataset: Literal["", "ADSL", "ADRS"] = ""
    condition: str = ""
    best: Literal["BOR", "CBOR"] = "CBOR"
    responses: tuple[str, ...] = ()
    time: str = "PFS"
    combine: Literal["and", "or"] = "and"
    events: tuple[Condition, ...] = ()
    sensitivity: tuple[str, ...] = ()
    population: str = "SAF"
    landmarks: tuple[float, ...] = ()
    threshold_months: float | None = None
    after_last_dose_days: int | None = None
    subset: tuple[Condition, ...] = ()
    denominators: tuple[Denominator, ...] = ()
    by: tuple[str, ...] = ()
    questionnaire: str = ""
    time_frame: str = ""
    definition: str = ""
    reading: str = ""
