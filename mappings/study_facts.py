"""The sections of a study file on the facts of a subject: death, treatment, new therapy, diagnosis, clock.

What the records say may be incomplete or may differ; each option names the rule by which one of them is taken.
"""

from __future__ import annotations

from typing import Literal

from fhir2cdisc.mappings.study_base import Model, Section, is_known_day
from fhir2cdisc.mappings.time_zones import zone_of
from pydantic import Field, field_validator, model_validator

# Treatment of a tumour whatever else the words say; the second list is one only of a tumour, so its words ask for one.
PROCEDURES = (
    "RADIOTHERAPY",
    "CHEMORADIOTHERAPY",
    "RADIOCHEMOTHERAPY",
    "TELERADIOTHERAPY",
    "RADIATION THERAPY",
    "RADIATION TREATMENT",
    "EXTERNAL BEAM RADIATION",
    "IRRADIATION",
    "RADIOSURGERY",
    "BRACHYTHERAPY",
    "SBRT",
    "RADIOEMBOLIZATION",
    "CHEMOEMBOLIZATION",
    "TRANSARTERIAL EMBOLIZATION",
    "TACE",
    "HAIC",
    "ARTERIAL INFUSION CHEMOTHERAPY",
    "RADIOFREQUENCY ABLATION",
    "MICROWAVE ABLATION",
    "CRYOABLATION",
    "HIGH INTENSITY FOCUSED ULTRASOUND",
    "HEPATECTOMY",
    "METASTASECTOMY",
    "CHEMOTHERAPY",
    "PROTON THERAPY",
    "GAMMA KNIFE",
    "CYBERKNIFE",
    "HIFU",
    "SIRT",
    "STRAHLENTHERAPIE",
    "BESTRAHLUNG",
    "RADIOTHERAPIE",
    "RADIOTERAPIA",
    "CHEMOTHERAPIE",
    "QUIMIOTERAPIA",
    "放疗",
    "化疗",
    "介入治疗",
    "粒子植入",
    "放射治疗",
    "肝切除",
    "射频消融",
    "微波消融",
    "化疗栓塞",
    "灌注化疗",
)
UNSURE_PROCEDURES = (
    "ABLATION",
    "EMBOLIZATION",
    "RESECTION",
    "EXCISION",
    "SURGERY",
    "SURGICAL",
    "SURGICAL PROCEDURE",
    "OPERATION",
    "RADIATION",
    "LOBECTOMY",
    "SEGMENTECTOMY",
    "TRANSPLANTATION",
    "切除",
    "消融",
    "栓塞",
    "手术",
)
# What such words are about where they are not about a tumour.
OTHER_PURPOSES = (
    "HEART",
    "CARDIAC",
    "ATRIAL",
    "ATRIUM",
    "ATRIOVENTRICULAR",
    "VENTRICULAR",
    "CORONARY",
    "VALVE",
    "ARRHYTHMIA",
    "CATARACT",
    "EYE",
    "OCULAR",
    "LENS",
    "RETINA",
    "RETINAL",
    "GLAUCOMA",
    "HERNIA",
    "FRACTURE",
    "JOINT",
    "KNEE",
    "HIP",
    "DENTAL",
    "TOOTH",
    "TONSIL",
    "APPENDIX",
    "HEMORRHOID",
    "VARICOSE",
    "ANEURYSM",
    "FIBROID",
    "BARIATRIC",
    "COSMETIC",
    "CARPAL",
    "ABSCESS",
    "BIOPSY",
    "PLANNING",
    "SIMULATION",
    "CONSULTATION",
)


class Death(Section):
    """Whether and when a subject died, by all that the data say.

    `order` is the order in which domains are believed where their dates differ: DM (DTHDTC), DD (DDDTC), DS (DSSTDTC of
    DEATH), AE (end of a fatal event, else its start), SS (on this day the subject was dead already). `partial` is the
    day that a date without day or month counts as: the `first-possible` one that is not before the last contact, the
    `last-possible` one, or `none`. `undated` says how survival ends for a subject who died on a day that nobody wrote
    down: `censored` at the last contact (CNSR 9) or an `event-at-last-contact`.
    """

    order: tuple[Literal["DM", "DD", "DS", "AE", "SS"], ...] = ("DM", "DD", "DS", "AE", "SS")
    partial: Literal["first-possible", "last-possible", "none"] = "first-possible"
    undated: Literal["censored", "event-at-last-contact"] = "censored"


class Treatment(Section):
    """When study treatment begins and ends, and what is another line of therapy.

    `index`: study treatment begins with the first dose on or after `enrolment` (consent, else enrolment), earlier doses
    being prior therapy, or with the `first-dose` of all; nothing means enrolment where the cohort enrols. `before_days`
    are days before the enrolment on which a dose counts still. Drugs that begin within `together_days` of the first
    dose are one regimen; another drug of the study that begins later, outside the subject's arm, is a later line, and
    so is the same regimen after more than `gap_days` without a dose: a hold of twelve weeks for toxicity and a cycle
    of four weeks (112 days) are no gap yet.
    """

    index: Literal["", "enrolment", "first-dose"] = ""
    before_days: int = Field(default=0, ge=0)
    together_days: int = Field(default=28, ge=0)
    gap_days: int = Field(default=120, ge=1)


class NewTherapy(Section):
    """What counts as new anticancer therapy beside what the source calls so.

    `classes` are words of CMCAT, CMSCAT or CMCLAS, or the beginnings of ATC codes in CMCLASCD; the drugs of the study
    file count as well, those of the subject's own regimen never. `procedures` are terms that name treatment of a
    tumour, `unsure_procedures` do so only where their record speaks of a tumour or of an organ that bears one; a record
    with a word of `other_purposes` and nothing of a tumour is none. `doubtful` says whether a procedure of which nobody
    can tell counts.
    """

    classes: tuple[str, ...] = (
        "ANTINEOPLASTIC",
        "ANTICANCER",
        "CHEMOTHERAPY",
        "IMMUNE CHECKPOINT INHIBITORS",
        "L01",
        "L02",
    )
    procedures: tuple[str, ...] = PROCEDURES
    unsure_procedures: tuple[str, ...] = UNSURE_PROCEDURES
    other_purposes: tuple[str, ...] = OTHER_PURPOSES
    doubtful: Literal["ignore", "count"] = "ignore"


class Diagnosis(Section):
    """Which of several primary diagnoses is the one of the study.

    `terms` are words of it: where a diagnosis of the subject has one, only such count. Of several cancers that are left
    the one that began last on or before the first dose counts (`latest-before-treatment`), or the `earliest` of all.

    Of FHIR: `date` is an order of preference for the start of a cancer: the date on which it was asserted (HL7
    extension condition-assertedDate), its onset, the day of recording. `verification` lists the verification statuses
    of a diagnosis; a condition without one is a diagnosis too.
    """

    date: tuple[Literal["asserted", "onset", "recorded"], ...] = ("asserted", "onset", "recorded")
    verification: tuple[Literal["confirmed", "provisional", "differential", "unconfirmed"], ...] = ("confirmed",)
    terms: tuple[str, ...] = ()
    several: Literal["latest-before-treatment", "earliest"] = "latest-before-treatment"


class SiteClock(Model):
    """The time zone of a site, by the name that the run gives its source (`SITE=PATH`)."""

    site: str = Field(min_length=1)
    zone: str

    @field_validator("zone")
    @classmethod
    def _exists(cls, zone: str) -> str:
        zone_of(zone)
        return zone


class Clock(Section):
    """In which time zone a day is meant, and the last day that the data can know.

    `zone` is a name of the IANA database (`Asia/Shanghai`) or an offset (`+08:00`): a time that is written with an
    offset counts on the day, and at the time, that it was there. `sites` name the zone of single sites, where it is
    another one. Without a zone a time counts as its source wrote it; whatever has no offset always does.

    A date after the last day is wrong and counts as unknown. `latest` is that day, or `today`; nothing means the
    newest update that the data state of themselves (meta.lastUpdated, the timestamp of a bundle, the transaction time
    of a bulk export), if every file states one, but not later than today. Today is the day of SOURCE_DATE_EPOCH where
    that is set. After the data cut-off nothing counts in any case.
    """

    latest: str = Field(default="", pattern=r"^(today|\d{4}-\d{2}-\d{2})?$")
    zone: str = ""
    sites: tuple[SiteClock, ...] = ()

    @field_validator("latest")
    @classmethod
    def _is_a_day(cls, latest: str) -> str:
        return latest if latest == "today" else is_known_day(latest)

    @model_validator(mode="after")
    def _zones_exist_once(self) -> Clock:
        if self.zone:
            zone_of(self.zone)
        names = [one.site for one in self.sites]
        if double := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"site {double[0]!r} has two time zones")
        return self
