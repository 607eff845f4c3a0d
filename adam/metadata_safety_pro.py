"""Metadata of ADAE and ADQS.

Labels are those of ADaMIG 1.3 and of the OCCDS guide where they name the variable, at most 40 characters.
"""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
from fhir2cdisc.adam.safety.adae import AdaeOptions
from fhir2cdisc.mappings.standard.datasets import Dataset, Variable, sdtm_datasets

DATE = "DATE9."
NY = ("C66742",)


def _predecessor(name: str, label: str, source: str, type_: str = "Char", format_: str = "") -> Variable:
    num = type_ == "Num"
    return Variable(
        name, label, "Num" if num else "Char", format=format_, origin="Predecessor", source=f"{source}.{name}"
    )


def _text(name: str, label: str, method: str, codelists: tuple[str, ...] = ()) -> Variable:
    return Variable(name, label, origin="Derived", method=method, codelists=codelists)


def _number(name: str, label: str, method: str, format_: str = "") -> Variable:
    return Variable(name, label, "Num", origin="Derived", method=method, format=format_)


SUBJECT = (
    _predecessor("STUDYID", "Study Identifier", "ADSL"),
    _predecessor("USUBJID", "Unique Subject Identifier", "ADSL"),
    _predecessor("SUBJID", "Subject Identifier for the Study", "ADSL"),
    _predecessor("SITEID", "Study Site Identifier", "ADSL"),
    _predecessor("SAFFL", "Safety Population Flag", "ADSL"),
    _predecessor("TRT01A", "Actual Treatment for Period 01", "ADSL"),
    _predecessor("TRTSDT", "Date of First Exposure to Treatment", "ADSL", "Num", DATE),
    _predecessor("TRTEDT", "Date of Last Exposure to Treatment", "ADSL", "Num", DATE),
    _predecessor("DTHDT", "Date of Death", "ADSL", "Num", DATE),
    _predecessor("EOSDT", "End of Study Date", "ADSL", "Num", DATE),
    _predecessor("LSTALVDT", "Date Last Known Alive", "ADSL", "Num", DATE),
)
FIRST = "Y on the first treatment-emergent record by ASTDT and AESEQ{}."
WORST = "Y on the emergent record of the highest grade (severity without grades){}, then by ASTDT, AESEQ."
SOC, TERM = " within AEBODSYS", " within AEBODSYS and AEDECOD"
DATES = (
    _number(
        "ASTDT",
        "Analysis Start Date",
        "AESTDTC; partial: the first possible day, moved up to TRTSDT where TRTSDT is possible.",
        DATE,
    ),
    _text("ASTDTF", "Analysis Start Date Imputation Flag", "D day, M month and day imputed."),
    _number("ASTDY", "Analysis Start Relative Day", "ASTDT - TRTSDT, plus 1 from TRTSDT on."),
    _number(
        "AENDT",
        "Analysis End Date",
        "AEENDTC; partial: the last possible day, moved down to DTHDT or EOSDT where possible.",
        DATE,
    ),
    _text("AENDTF", "Analysis End Date Imputation Flag", "D day, M month and day imputed."),
    _number("AENDY", "Analysis End Relative Day", "AENDT - TRTSDT, plus 1 from TRTSDT on."),
    _number("ADURN", "Analysis Duration (N)", "AENDT - ASTDT + 1, missing where the end is before the start."),
    _text("ADURU", "Analysis Duration Units", "DAYS where ADURN is not missing."),
)
OCCURRENCE = (
    _text("AOCCFL", "1st Occurrence within Subject Flag", FIRST.format(""), NY),
    _text("AOCCSFL", "1st Occurrence of SOC Flag", FIRST.format(SOC), NY),
    _text("AOCCPFL", "1st Occurrence of Preferred Term Flag", FIRST.format(TERM), NY),
    _text("AOCCIFL", "1st Max Sev./Int. Occurrence Flag", WORST.format(""), NY),
    _text("AOCCSIFL", "1st Max Sev./Int. Occur Within SOC Flag", WORST.format(SOC), NY),
    _text("AOCCPIFL", "1st Max Sev./Int. Occur Within PT Flag", WORST.format(TERM), NY),
)


def _treatment(options: AdaeOptions) -> tuple[Variable, ...]:
    """When the event was, seen from treatment: emergent, before, on or after it, and the period."""
    window = f"{options.window} days after TRTEDT"
    return (
        _text(
            "TRTEMFL",
            "Treatment Emergent Analysis Flag",
            "First that applies: no TRTSDT, null; AENDT before TRTSDT, null; no ASTDT, Y; ASTDT from TRTSDT "
            f"to {window} (no limit without TRTEDT), Y; began before TRTSDT, not ended before, grade above "
            f"{options.initial_grade}, Y; else null.",
            NY,
        ),
        _text("ONTRTFL", "On Treatment Record Flag", f"Y where ASTDT is from TRTSDT to {window}.", NY),
        _text("PREFL", "Pre-treatment Flag", "Y where ASTDT is before TRTSDT.", NY),
        _text("FUPFL", "Follow-up Flag", f"Y where ASTDT is later than {window}.", NY),
        _number(
            "APERIOD",
            "Period",
            "Treatment period begun last on or before ASTDT; first period if ASTDT is missing.",
        ),
        _text("TRTA", "Actual Treatment", "Treatment of APERIOD."),
    )


def _judgement(options: AdaeOptions) -> tuple[Variable, ...]:
    """How bad the event was and whether treatment caused it."""
    without = f"{options.missing_relation} where AEREL is missing." if options.missing_relation else "else null."
    return (
        _text("ATOXGR", "Analysis Toxicity Grade", "AETOXGR where it is 1 to 5."),
        _number("ATOXGRN", "Analysis Toxicity Grade (N)", "ATOXGR as a number."),
        _text("CTCAEVER", "CTCAE Version", f"SUPPAE CTCAEVER, else {options.ctcae_version or 'missing'} (study)."),
        _text("ASEV", "Analysis Severity/Intensity", "AESEV."),
        _number("ASEVN", "Analysis Severity/Intensity (N)", "MILD 1, MODERATE 2, SEVERE 3."),
        _text(
            "AREL",
            "Analysis Causality",
            f"RELATED or NOT RELATED by the study's lists of AEREL values; {without}",
        ),
    )


# Timing variables of the SDTM that the guide does not list for AE, but that data hold.
TIMING = {
    "AEDTC": "Date/Time of Collection",
    "VISIT": "Visit Name",
    "AESTRF": "Start Relative to Reference Period",
}


def adae_metadata(adae: pd.DataFrame, options: AdaeOptions | None = None) -> Dataset:
    """Metadata of the columns of an ADAE frame in their order; columns of SUPPAE are named by their QNAM."""
    options = options or AdaeOptions()
    derived = (*DATES, *_treatment(options), *_judgement(options), *OCCURRENCE)
    known = {v.name: v for v in (*SUBJECT, *derived)}
    collected = {
        v.name: replace(v, core="", role="", origin="Predecessor", source=f"AE.{v.name}")
        for v in sdtm_datasets()["AE"].variables
    }
    collected |= {n: _predecessor(n, label, "AE") for n, label in TIMING.items()}
    variables = [known.get(n) or collected.get(n) or _supplement(str(n), adae[n]) for n in adae.columns]
    return Dataset(
        "ADAE",
        "Adverse Events Analysis Dataset",
        "OCCURRENCE DATA STRUCTURE",
        "One record per subject per adverse event",
        tuple(variables),
        ("STUDYID", "USUBJID", "AESEQ"),
    )


def _supplement(name: str, column: pd.Series) -> Variable:
    kind = "Num" if pd.api.types.is_numeric_dtype(column) else "Char"
    source = f"SUPPAE.QVAL where QNAM is {name}"
    return Variable(name, name[:40], "Num" if kind == "Num" else "Char", origin="Predecessor", source=source)


ADQS_VARIABLES = (
    *SUBJECT[:8],
    _number("ASEQ", "Analysis Sequence Number", "Order within subject by PARAMN, ADT, VISITNUM and SRCSEQ."),
    _text("PARAM", "Parameter", "Label of the score, or QSTEST of the item."),
    _text("PARAMCD", "Parameter Code", "Code of the score, or QSTESTCD of the item."),
    _number("PARAMN", "Parameter (N)", "ECOG 1, FACT-Hep from 100, PROMIS-29 from 200."),
    _text("PARCAT1", "Parameter Category 1", "QSCAT of the questionnaire, or ECOG."),
    _text("PARCAT2", "Parameter Category 2", "Score or Item."),
    _number(
        "AVAL",
        "Analysis Value",
        "Items as collected. FACT-Hep: reversed items 4 - x; subscale = sum x items / answered if over half "
        "answered; FACT-G and total need also more than 80% of items. PROMIS-29: T-score of the sum of four "
        "items, missing if one is missing; PHS and MHS are experimental.",
    ),
    _text("AVALC", "Analysis Value (C)", "ECOG: AVAL as text."),
    _number("BASE", "Baseline Value", "AVAL of the record with ABLFL Y of the parameter."),
    _number("CHG", "Change from Baseline", "AVAL - BASE where ADT is after TRTSDT."),
    _text("CHGCAT1", "Change from Baseline Category 1", "ECOG: IMPROVED, SAME or WORSE by the sign of CHG."),
    _text("ABLFL", "Baseline Record Flag", "Y on the last record with AVAL and ADT on or before TRTSDT.", NY),
    _text(
        "AVISIT",
        "Analysis Visit",
        "Baseline where ABLFL is Y; else the window of ADY, or VISIT without windows.",
    ),
    _number("AVISITN", "Analysis Visit (N)", "Baseline 0; months of the window, or VISITNUM without windows."),
    _predecessor("VISIT", "Visit Name", "QS"),
    _predecessor("VISITNUM", "Visit Number", "QS", "Num"),
    _number("ADT", "Analysis Date", "QSDTC or RSDTC where complete.", DATE),
    _number("ADY", "Analysis Relative Day", "ADT - TRTSDT, plus 1 from TRTSDT on."),
    _number("AWTARGET", "Analysis Window Target", "1 + round(months x 30.4375)."),
    _number("AWTDIFF", "Analysis Window Diff from Target", "ADY - AWTARGET."),
    _number("AWLO", "Analysis Window Beginning Timepoint", "AWTARGET minus the days of the window."),
    _number("AWHI", "Analysis Window Ending Timepoint", "AWTARGET plus the days of the window."),
    _text(
        "ANL01FL",
        "Analysis Flag 01",
        "Y at baseline, and after it on the record of a visit nearest to the target, the earlier of two as "
        "near; without windows on the last record of the visit.",
        NY,
    ),
    _text("SRCDOM", "Source Data", "QS or RS."),
    _text("SRCVAR", "Source Variable", "QSSTRESN or RSSTRESN."),
    _number("SRCSEQ", "Source Sequence Number", "QSSEQ or RSSEQ; missing for scores, which have several sources."),
)


def adqs_metadata(adqs: pd.DataFrame) -> Dataset:
    """Metadata of the columns of an ADQS frame."""
    whole = Dataset(
        "ADQS",
        "Questionnaires Analysis Dataset",
        "BASIC DATA STRUCTURE",
        "One record per subject per parameter per assessment",
        ADQS_VARIABLES,
        ("STUDYID", "USUBJID", "PARAMN", "ADT", "VISITNUM", "ASEQ"),
    )
    return whole.select(adqs.columns)
