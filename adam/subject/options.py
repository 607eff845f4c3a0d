"""What a study has to say before ADSL can be derived, as one printable value."""

from __future__ import annotations

from dataclasses import dataclass, field

from fhir2cdisc.adam.response.options import ResponseOptions
from fhir2cdisc.mappings.study import Arm, Drug
from fhir2cdisc.mappings.study_facts import Death, Diagnosis, NewTherapy, Treatment
from fhir2cdisc.mappings.study_sections import Biomarker


@dataclass(frozen=True, slots=True)
class AdslOptions:
    """The choices behind ADSL.

    arms           arms or treatment programmes, whose drugs decide where the source names no arm.
    drugs          the drugs of the study, some with a flag of who received them.
    biomarkers     markers with their cut-offs and genes.
    looks          after how many enrolled subjects the interim looks are.
    by_enrolment   whether subjects enter by enrolment; else everybody in DM is in the full analysis set.
    cutoff         ISO date of the data cut-off, blank for none.
    response       how responses are called, for progression that ends a therapy.
    antineoplastic drugs beside those of the study that are known to be against cancer.
    death, treatment, new_therapy, diagnosis   the rules for facts of which records may say different things.
    """

    arms: tuple[Arm, ...] = ()
    drugs: tuple[Drug, ...] = ()
    biomarkers: tuple[Biomarker, ...] = ()
    looks: tuple[int, ...] = ()
    by_enrolment: bool = True
    cutoff: str = ""
    response: ResponseOptions = field(default_factory=ResponseOptions)
    antineoplastic: tuple[Drug, ...] = ()
    death: Death = field(default_factory=Death)
    treatment: Treatment = field(default_factory=Treatment)
    new_therapy: NewTherapy = field(default_factory=NewTherapy)
    diagnosis: Diagnosis = field(default_factory=Diagnosis)
