"""Working columns: what rows carry from step to step and no dataset shows. Who sets each, who reads it, what it means.

A name that begins with an underscore is never a variable of SDTM. A mapping may set the columns whose `set_by` says
so, in the domains that read them; everything else is set by the module that is named.
"""

from __future__ import annotations

from dataclasses import dataclass

MAPPING = "mapping"

SUBJECT = "_SUBJECT"
ROW = "_ROW"
RECORD_NO = "_RECORD_NO"
SOURCE = "_SOURCE"
ENCOUNTER = "_ENCOUNTER"
USED = "_USED"
DRUG = "_DRUG"
ANTINEOPLASTIC = "_ANTINEOPLASTIC"
ORDER = "_ORDER"
RESOURCE_ID = "_ID"
USUAL_UNIT = "_USUAL"
COHORT = "_COHORT"
SUBJID = "_SUBJID"
RACE = "_RACE"
ETHNIC = "_ETHNIC"
ARMCD = "_ARMCD"
ACTARMCD = "_ACTARMCD"
STATUS = "_STATUS"
LESION = "_LESION"
DEATHS = "_DEATHS"
NO_UNIT = "_NO_UNIT"
INTENT = "_INTENT"
DISPENSED = "_DISPENSED"
CODES = "_CODES"
ASSERTED = "_ASSERTED"
ONSET = "_ONSET"
VERIFICATION = "_VERIFICATION"
CANONICAL = "_CANONICAL"
ORDINAL = "_ORDINAL"
READER = "_READER"
STRESC = "_STRESC"

# What every mapped row begins with, in this order; the columns of its source's variables follow.
ROW_COLUMNS = (SUBJECT, ROW, RECORD_NO, SOURCE, ENCOUNTER, USED, DRUG, ANTINEOPLASTIC, NO_UNIT, DEATHS)
# Of these, the columns that hold whole numbers (`_USED` a tuple of them) or tuples (`_DEATHS`) and no text.
NUMBERS = (ROW, RECORD_NO, ENCOUNTER, USED, DEATHS)


@dataclass(frozen=True, slots=True)
class Column:
    """A working column; `set_by` and `read_by` are modules of sdtm, or `mapping` for the mapping files.

    `domains` are those in which a mapping may set it; none are named where every domain may.
    """

    name: str
    means: str
    set_by: tuple[str, ...]
    read_by: tuple[str, ...]
    domains: tuple[str, ...] = ()


def _column(name: str, set_by: str, read_by: str, means: str, domains: str = "") -> Column:
    return Column(name, means, tuple(set_by.split()), tuple(read_by.split()), tuple(domains.split()))


_ALL = (
    _column(
        SUBJECT,
        "work",
        "assemble deaths diagnosis hints one_record readers relatives subjects timing treatment_start",
        "The key of the subject: `Patient/` and the id under which the source has the patient",
    ),
    _column(
        ROW,
        "gather work",
        "assemble relations",
        "The number of the mapped row, first in its bucket, then in the run; RELREC joins rows by it",
    ),
    _column(
        RECORD_NO,
        "gather work",
        "assemble diagnosis lineage one_record readers relations relatives standard_results visits",
        "The number of the resource that the row was made of, among the records that were read",
    ),
    _column(SOURCE, "work", "lineage", "Domain and name of the source that made the row: RULE of the lineage"),
    _column(
        ENCOUNTER,
        "gather work",
        "visits",
        "The record number of the encounter that the resource names, -1 where it names none that was read",
    ),
    _column(
        USED,
        "work gather one_record visits",
        "lineage relations",
        "The record numbers of the other resources that the row was filled from",
    ),
    _column(DRUG, "work", "domains treatment_start", "The name that the study file gives the drug of a medication"),
    _column(
        ANTINEOPLASTIC,
        "work",
        "domains treatment_start",
        "Y where the drug of a medication is an antineoplastic one by the study file",
    ),
    _column(
        NO_UNIT,
        "work",
        "standard_results",
        "Y where the source gives a number without a unit, and no table says which unit is meant",
    ),
    _column(
        DEATHS,
        "work",
        "deaths one_record",
        "What other records than the Patient say of the death of the subject; in DM",
    ),
    _column(
        ORDER,
        "assemble",
        "assemble one_record relatives timing tumour_links visits",
        "A total order of the rows of a domain by what was read, whatever the files were called",
    ),
    _column(RESOURCE_ID, "visits", "visits", "The id of an encounter, by which visits of one moment are ordered"),
    _column(
        USUAL_UNIT,
        "standard_results",
        "standard_results",
        "The unit of most results of a test, beside a result in another",
    ),
    _column(
        COHORT,
        "diagnosis",
        "subjects",
        "Y where a condition is the disease of the study, whose start is the date of diagnosis",
    ),
    _column(
        SUBJID,
        f"{MAPPING} extract_rows",
        "subjects",
        "A subject number; that of the enrolment (DS) comes before one among the patient's identifiers (DM)",
        "DM DS",
    ),
    _column(RACE, MAPPING, "subjects", "The races of the patient, joined by `;`: RACE, and SUPPDM of several", "DM"),
    _column(ETHNIC, MAPPING, "subjects", "The ethnicity of the patient: ETHNIC", "DM"),
    _column(ARMCD, MAPPING, "subjects", "The arm to which an enrolment assigns the subject: ARMCD of DM", "DS"),
    _column(ACTARMCD, MAPPING, "subjects", "The arm that the subject was in: ACTARMCD of DM", "DS"),
    _column(
        LESION,
        MAPPING,
        "tumour_links",
        "The id of a lesion in the source, by which one without a name of its own is numbered (--LNKID)",
        "TR TU",
    ),
    _column(
        STATUS,
        MAPPING,
        "diagnosis timing",
        "The status by the source: what is `active`, `recurrence` or `relapse` and has no end goes on (--ENRTPT)",
        "CM HO MH",
    ),
    _column(
        CODES,
        MAPPING,
        "diagnosis",
        "The codes of a condition as `system|code`, joined by `;`, by which it is known as the study's disease",
        "MH",
    ),
    _column(INTENT, MAPPING, "treatment_start", "The intent of an order of a drug; blank in what was given", "CM EX"),
    _column(
        DISPENSED,
        MAPPING,
        "treatment_start",
        "Y where a drug was handed out: more than an order, less than that it was given or taken",
        "CM EX",
    ),
    _column(
        ASSERTED, MAPPING, "completeness diagnosis", "The date on which a condition was asserted: the diagnosis", "MH"
    ),
    _column(ONSET, MAPPING, "completeness diagnosis", "The date on which a condition began", "MH"),
    _column(VERIFICATION, MAPPING, "diagnosis", "The verification status of a condition", "MH"),
    _column(CANONICAL, MAPPING, "domains", "The canonical URL of the questionnaire, from which QSCAT comes", "QS"),
    _column(
        ORDINAL, MAPPING, "completeness domains", "The number that an answer of a questionnaire scores: QSSTRESC", "QS"
    ),
    _column(
        READER,
        MAPPING,
        "readers",
        'The person by whom independent readers are told apart, made by `as = "performer"`',
        "RS TR TU",
    ),
    _column(
        STRESC,
        f"{MAPPING} domains",
        "completeness standard_results",
        "The standard result where it is not the original one: --STRESC",
    ),
)
COLUMNS = {column.name: column for column in _ALL}


def settable(domain: str) -> tuple[str, ...]:
    """The working columns that a mapping of this domain may set."""
    return tuple(
        column.name
        for column in COLUMNS.values()
        if MAPPING in column.set_by and (not column.domains or domain in column.domains)
    )
