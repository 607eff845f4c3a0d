"""What the simulator needs to know of a study: rates and medians. All of it is about synthetic data only."""

from __future__ import annotations

from fhir2cdisc.mappings.study_base import Model
from pydantic import Field


class TumourType(Model):
    """A primary tumour in the simulated cohort: codes as in the source systems, and its share of the patients."""

    text: str
    text_zh: str = ""
    snomed: str = ""
    icd10: str = ""
    histology: str = ""
    share: float = Field(gt=0)


class Regimen(Model):
    """Drugs of the study that are given together, and the share of the patients who get them."""

    drugs: tuple[str, ...]
    arm: str = ""
    share: float = Field(default=1, gt=0)
    variant_needed: bool = False


class Simulation(Model):
    """How simulated patients fare. Medians in months, everything else a probability unless named otherwise.

    They are enrolled over the `enrolment_months` of the design.
    """

    start: str = "2020-01-06"
    cutoff: str = ""
    median_pfs_months: float = 5.0
    median_os_months: float = 11.0
    response_rate: float = Field(default=0.25, ge=0, le=1)
    complete_rate: float = Field(default=0.03, ge=0, le=1)
    primary_progression_rate: float = Field(default=0.2, ge=0, le=1)
    never_treated_rate: float = Field(default=0.02, ge=0, le=1)
    no_measurable_rate: float = Field(default=0.04, ge=0, le=1)
    node_rate: float = Field(default=0.3, ge=0, le=1)
    missed_scan_rate: float = Field(default=0.05, ge=0, le=1)
    unscheduled_scan_rate: float = Field(default=0.04, ge=0, le=1)
    not_evaluable_rate: float = Field(default=0.03, ge=0, le=1)
    lost_rate: float = Field(default=0.08, ge=0, le=1)
    withdrawal_rate: float = Field(default=0.04, ge=0, le=1)
    new_therapy_rate: float = Field(default=0.45, ge=0, le=1)
    early_new_therapy_rate: float = Field(default=0.06, ge=0, le=1)
    ae_per_month: float = Field(default=0.7, ge=0)
    grade3_rate: float = Field(default=0.18, ge=0, le=1)
    serious_rate: float = Field(default=0.05, ge=0, le=1)
    related_rate: float = Field(default=0.6, ge=0, le=1)
    partial_date_rate: float = Field(default=0.1, ge=0, le=1)
    centimetre_site_rate: float = Field(default=0.25, ge=0, le=1)
    two_readers: bool = False
    reader_disagreement_rate: float = Field(default=0.15, ge=0, le=1)
    form_done_rate: float = Field(default=0.85, ge=0, le=1)
    item_missing_rate: float = Field(default=0.02, ge=0, le=1)
    variant_rate: float = Field(default=0.6, ge=0, le=1)
    board: bool = False
    recommendation_rate: float = Field(default=0.55, ge=0, le=1)
    guided_rate: float = Field(default=0.6, ge=0, le=1)
    second_board_rate: float = Field(default=0.35, ge=0, le=1)
    labs_every_days: int = Field(default=28, ge=7)
    tumours: tuple[TumourType, ...] = ()
    regimens: tuple[Regimen, ...] = ()
