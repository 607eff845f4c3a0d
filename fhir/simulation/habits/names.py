"""The habits of hospitals that a simulation can plant: each name with what it does."""

from __future__ import annotations

from fhir2cdisc.mappings.errors import Fhir2CdiscError

HABITS = {
    "orders": "A MedicationRequest beside every cycle of an oral study drug, the first up to three days earlier.",
    "open-ended": "Oral drugs as one administration or statement in progress, with a start and no end.",
    "dispense": "Oral drugs are known by what the pharmacy handed out (MedicationDispense), and by nothing else.",
    "earlier-line": "A study drug was given and stopped three years before enrolment.",
    "second-line": "New therapy after progression is another study drug, written like study treatment.",
    "unrelated-surgery": "Cataract surgery and a CT pulmonary embolism protocol during treatment.",
    "death-month": "Deaths are known by their month only.",
    "death-year": "Deaths are known by their year only.",
    "death-flag": "Deaths are deceasedBoolean only; nothing has a date.",
    "death-disposition": "Deaths are a discharge disposition or the end of participation, and nothing else.",
    "death-observation": "Deaths are a dated cause of death, and nothing else.",
    "asserted": "The date of diagnosis is condition-assertedDate; recordedDate is years later.",
    "suspected": "The cancer was a differential diagnosis more than a year before.",
    "second-cancer": "Another cancer years before is in remission.",
    "untested-genes": "The panel names the genes that it tested; some are not among them.",
    "variant-kinds": "Variants are numbers of copies, fusions with their partners, and alleles at a position.",
    "wild-type": "No panel has a list; genes without a variant are written one by one, in four spellings.",
    "no-gene-list": "No panel says which genes it tested.",
    "no-calls": "Lesions are measured and nobody wrote a response.",
    "spellings": "Criteria and readers of responses are texts in other spellings.",
    "close-scans": "The first scan is repeated three days later at an unscheduled visit.",
    "time-zones": "Times are partly in +08:00 and partly in UTC; the instants are the same.",
    "redelivery": "Every subject is delivered twice without version and time: older and poorer, newer and fuller.",
    "two-sites": "Two servers with half of the subjects each and the same ids (bundles only).",
}
NAMES = tuple(HABITS)


class HabitError(Fhir2CdiscError):
    """A habit that does not exist, or that cannot be planted together with what else was asked for."""
