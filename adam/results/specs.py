"""What is to be computed from ADaM, as plain data: one frozen specification per result.

A study file is translated into these; they are printable, comparable and hold no code. `kind` names the
computation. Months are days / 30.4375.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from fhir2cdisc.adam.statistics.kaplan_meier import ConfType

DAYS_PER_MONTH = 30.4375
Comparator = Literal["EQ", "NE", "IN", "NOTIN", "GT", "GE", "LT", "LE"]


@dataclass(frozen=True, slots=True)
class Condition:
    """A comparison of a variable with a value (several for IN and NOTIN), as ARS writes conditions.

    Numbers compare with numbers, text with text; a missing value satisfies NE and NOTIN only.
    """

    variable: str
    comparator: Comparator
    values: tuple[str | float, ...]


def is_(variable: str, *values: str | float) -> Condition:
    """`variable` equals the value, or one of several."""
    return Condition(variable, "IN" if len(values) > 1 else "EQ", values)


@dataclass(frozen=True, slots=True)
class Records:
    """Records of a dataset: of a parameter where named, that fulfil every condition of `where`."""

    dataset: str
    paramcd: str = ""
    where: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """What every result names: its id and label, who is counted, by which ADSL variable, at which level.

    `population` is a flag of ADSL (`SAFFL`), or `""` for all enrolled; `subset` narrows it by conditions on
    ADSL; `group` is an ADSL variable whose values are shown beside `All`.
    """

    kind: ClassVar[str] = ""
    id: str
    label: str
    population: str = "SAFFL"
    subset: tuple[Condition, ...] = ()
    group: str = ""
    conf_level: float = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class ProportionSpec(Spec):
    """Share of subjects who fulfil `criteria`: any one of its members, all Records of that member."""

    kind: ClassVar[str] = "proportion"
    criteria: tuple[tuple[Records, ...], ...]
    method: str = "clopper-pearson"


@dataclass(frozen=True, slots=True, kw_only=True)
class DistributionSpec(Spec):
    """Number and share of subjects in each category of a parameter (best overall response)."""

    kind: ClassVar[str] = "distribution"
    records: Records
    variable: str = "AVALC"
    categories: tuple[str, ...] = ("CR", "PR", "SD", "NON-CR/NON-PD", "PD", "NE", "MISSING")


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitProportionSpec(Spec):
    """Share with one of `responses` at each visit, of those assessed there (time-point response rate)."""

    kind: ClassVar[str] = "visit-proportion"
    records: Records
    responses: tuple[str, ...] = ("CR", "PR")
    method: str = "clopper-pearson"


@dataclass(frozen=True, slots=True, kw_only=True)
class SurvivalSpec(Spec):
    """Kaplan-Meier summary of a time-to-event parameter in months.

    `landmarks`: months at which the rate is given; with fewer than `min_at_risk` subjects at risk there it is
    not estimable. `complement` also gives 1 - S(t). `follow_up`: median follow-up by reverse Kaplan-Meier.
    `rmst`: horizon of the restricted mean in months, 0 for none.
    """

    kind: ClassVar[str] = "survival"
    paramcd: str
    dataset: str = "ADTTE"
    landmarks: tuple[float, ...] = ()
    min_at_risk: int = 1
    complement: bool = False
    follow_up: bool = True
    rmst: float = 0.0
    conf_type: ConfType = "log-log"


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidenceSpec(Spec):
    """Subjects with an event that fulfils `where`, in all and by `levels`; `grades` adds worst grades.

    `by_treatment_at_onset` groups events by TRTA at onset, for subjects who change treatment; `exposed` says by
    ADSL who ever had each treatment and so is in its denominator (without it: all subjects).
    """

    kind: ClassVar[str] = "incidence"
    where: tuple[Condition, ...] = (Condition("TRTEMFL", "EQ", ("Y",)),)
    levels: tuple[str, ...] = ("AEBODSYS", "AEDECOD")
    grades: bool = True
    by_treatment_at_onset: bool = False
    exposed: tuple[tuple[str, Condition], ...] = ()
    dataset: str = "ADAE"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeSpec(Spec):
    """Descriptive statistics of value and change from baseline of scores at each analysis visit."""

    kind: ClassVar[str] = "change"
    paramcds: tuple[str, ...]
    dataset: str = "ADQS"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftSpec(Spec):
    """Baseline against each visit, and how many improved, stayed and became worse (ECOG)."""

    kind: ClassVar[str] = "shift"
    paramcd: str = "ECOG"
    dataset: str = "ADQS"
    higher_is_better: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SubgroupProportionSpec(Spec):
    """The share that fulfils `criteria` within each value of each ADSL variable of `by`."""

    kind: ClassVar[str] = "subgroup-proportion"
    criteria: tuple[tuple[Records, ...], ...]
    by: tuple[str, ...]
    method: str = "clopper-pearson"


@dataclass(frozen=True, slots=True, kw_only=True)
class SubgroupSurvivalSpec(Spec):
    """Median by value of each ADSL variable of `by`, hazard ratio against its first value, log-rank test.

    The first value is the alphabetically first unless `references` names another for the variable, in the
    order of `by`. The Cox model is adjusted for the values of the ADSL variables of `adjust`. Exploratory: no
    adjustment for multiplicity.
    """

    kind: ClassVar[str] = "subgroup-survival"
    paramcd: str
    by: tuple[str, ...]
    references: tuple[str, ...] = ()
    adjust: tuple[str, ...] = ()
    dataset: str = "ADTTE"
    ties: Literal["efron", "breslow", "exact"] = "efron"
    conf_type: ConfType = "log-log"


SPEC_KINDS: dict[str, type[Spec]] = {
    cls.kind: cls
    for cls in (
        ProportionSpec,
        DistributionSpec,
        VisitProportionSpec,
        SurvivalSpec,
        IncidenceSpec,
        ChangeSpec,
        ShiftSpec,
        SubgroupProportionSpec,
        SubgroupSurvivalSpec,
    )
}
