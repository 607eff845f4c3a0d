"""Metadata of ADSL: labels, types and where each variable comes from."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
from fhir2cdisc.mappings.standard.datasets import Dataset, Variable
from fhir2cdisc.mappings.study import Study

_DM = "Predecessor"
_D = "Derived"


def _date(name: str, label: str, method: str) -> Variable:
    return Variable(name, label, "Num", format="DATE9.", origin=_D, method=method)


def _text(name: str, label: str, method: str = "", source: str = "", core: str = "") -> Variable:
    origin = _DM if source else _D
    return Variable(name, label, "Char", core=core, origin=origin, source=source, method=method)  # type: ignore[arg-type]


def _number(name: str, label: str, method: str = "", source: str = "") -> Variable:
    return Variable(name, label, "Num", origin=_DM if source else _D, source=source, method=method)


VARIABLES = (
    _text("STUDYID", "Study Identifier", source="DM.STUDYID", core="Req"),
    _text("USUBJID", "Unique Subject Identifier", source="DM.USUBJID", core="Req"),
    _text("SUBJID", "Subject Identifier for the Study", source="DM.SUBJID", core="Req"),
    _text("SITEID", "Study Site Identifier", source="DM.SITEID", core="Req"),
    _number("AGE", "Age", source="DM.AGE"),
    _text("AGEU", "Age Units", source="DM.AGEU"),
    _text("SEX", "Sex", source="DM.SEX", core="Req"),
    _text("RACE", "Race", source="DM.RACE"),
    _text("ETHNIC", "Ethnicity", source="DM.ETHNIC"),
    _text("COUNTRY", "Country", source="DM.COUNTRY"),
    _text("ARM", "Description of Planned Arm", source="DM.ARM"),
    _text("ACTARM", "Description of Actual Arm", source="DM.ACTARM"),
    _text("TRT01P", "Planned Treatment for Period 01", "DM.ARM; else the first arm of the study that the drugs fit"),
    _text("TRT01A", "Actual Treatment for Period 01", "DM.ACTARM; else the first arm that the drugs given fit"),
    _date("RFSTDT", "Reference Start Date", "DM.RFSTDTC where complete to the day"),
    _date("RFICDT", "Date of Informed Consent", "DM.RFICDTC where complete to the day"),
    _date("ENRLDT", "Date of Enrollment", "DS.DSSTDTC of ENTERED INTO TRIAL"),
    _date("TRTSDT", "Date of First Exposure to Treatment", "Earliest EX.EXSTDTC complete to the day"),
    _date("TRTEDT", "Date of Last Exposure to Treatment", "Latest EX.EXENDTC or EX.EXSTDTC complete to the day"),
    _number("TRTDURD", "Total Treatment Duration (Days)", "TRTEDT - TRTSDT + 1"),
    _date("EOSDT", "End of Study Date", "DS.DSSTDTC of the last disposition event of study participation"),
    _text("DCSREAS", "Reason for Discontinuation from Study", "DS.DSDECOD of that event unless COMPLETED"),
    _text("EOSSTT", "End of Study Status", "COMPLETED, DISCONTINUED by DCSREAS, else ONGOING"),
    _date("EOTDT", "End of Treatment Date", "DS.DSSTDTC of the last disposition event of study treatment"),
    _text("DCTREAS", "Reason for Discontinuation of Treatment", "DS.DSDECOD of that event unless COMPLETED"),
    _text("EOTSTT", "End of Treatment Status", "By DCTREAS, else ONGOING; blank if never treated, dead or off study"),
    _date("DTHDT", "Date of Death", "DM.DTHDTC where complete to the day"),
    _text("DTHFL", "Subject Death Flag", source="DM.DTHFL"),
    _text("DTHCAUS", "Cause of Death", "DD.DDSTRESC of the primary cause of death"),
    _date(
        "LSTALVDT",
        "Date Last Known Alive",
        "Latest date of a record that exists because the subject was alive, not after death or the data cut-off",
    ),
    _text("LALVDOM", "Last Known Alive: Source Domain", "Dataset of the record that gives LSTALVDT"),
    _text("LALVVAR", "Last Known Alive: Source Variable", "Variable of the record that gives LSTALVDT"),
    _number("LALVSEQ", "Last Known Alive: Source Sequence", "--SEQ (SV: VISITNUM) of the record that gives LSTALVDT"),
    _date("DIAGDT", "Date of Diagnosis", "Earliest MH.MHSTDTC of a primary diagnosis; first possible day if partial"),
    _text("HISTOLOG", "Histology", "MI.MISTRESC of the histology"),
    _date(
        "NACTDT",
        "Date of New Anti-Cancer Therapy",
        "Earliest anticancer drug (CM) or procedure (PR) after TRTSDT that is not of the study",
    ),
    _number("PRIORLN", "Number of Prior Anti-Cancer Therapies", "Records of CM with a prior therapy category"),
    _number("ECOGBL", "Baseline ECOG Performance Status", "Last RS ECOG101 on or before TRTSDT"),
    _text("FASFL", "Full Analysis Set Population Flag", "Y for a subject who consented or was enrolled"),
    _text("SAFFL", "Safety Population Flag", "Y for a subject with at least one dose"),
    _text(
        "EVALFL", "Response-Evaluable Population Flag", "Y if treated, with a target lesion and a response after TRTSDT"
    ),
    _number("ENRLRANK", "Rank of Enrollment", "Order of RFICDT (else ENRLDT), then USUBJID"),
    _number("PDL1", "PD-L1 Score", "MI.MISTRESN of PDL1, last up to the first dose"),
    _text("PDL1GR1", "PD-L1 Group 1", "PDL1 by the cut-offs of the study"),
    _number("TMB", "Tumor Mutation Burden", "GF.GFSTRESN of TMB, last up to the first dose"),
    _text("TMBGR1", "Tumor Mutation Burden Group 1", "High at or above the cut-off of the study"),
    _text("MSIFL", "Microsatellite Instability-High Flag", "Y if GF MICRISTB is high, N if tested and not high"),
    _number("CPS", "PD-L1 Combined Positive Score", "MI.MISTRESN of PDL1 with that score, last up to the first dose"),
    _text("CPSGR1", "PD-L1 Combined Positive Score Group 1", "CPS by the cut-offs of the study"),
    _text("VARFL", "Genomic Variant Flag", "Y if GF has a variant that is not benign, N with other GF records only"),
    _text("ACTVARFL", "Actionable Variant Flag", "Y if RELREC links a board recommendation (FA) to a variant (GF)"),
    _text("MTB2FL", "Second Board Recommendation Flag", "Y if FA holds recommendations of two days"),
    _text("GDPERFL", "Ever under Guided Therapy Flag", "Y if a therapy that a recommendation guided was started"),
    _text("OTPERFL", "Ever under Other Therapy Flag", "Y if a therapy without such recommendation was started"),
    _text("MTBFL", "Tumor Board Recommendation Flag", "Y if the board recommended a therapy"),
    _date("MTBDT", "Date of First Tumor Board Recommendation", "Earliest FA.FADTC of MTBREC"),
    _text("MTBMFL", "Tumor Board Guided Therapy Flag", "Y if a therapy matches an earlier recommendation"),
    _text("MTBREC", "Matched Recommendation", "Identifier of the recommendation that the first guided therapy matches"),
    _date("MTBTDT", "Start of First Guided Therapy", "Start of the first therapy that matches a recommendation"),
    _date("RESISTDT", "Date of Resistance to Targeted Therapy", "Progression on, or stop of, the first guided therapy"),
    _text("RESISTFL", "Resistance to Targeted Therapy Flag", "Y if RESISTDT is present"),
    _text("SECMTBFL", "Second Guided Therapy Flag", "Y if a later recommendation guided a therapy after resistance"),
    _text("SECREC", "Second Matched Recommendation", "Identifier of the recommendation of the second guided therapy"),
    _date("SECTDT", "Start of Second Guided Therapy", "Start of the second guided therapy"),
)


def adsl_dataset(frame: pd.DataFrame, study: Study) -> Dataset:
    """The metadata of an ADSL frame, its columns in their order; flags of arms and interim looks included."""
    known = {v.name: v for v in VARIABLES}
    made = {
        f"{arm.code[:6]}FL": _text("", f"Fits {arm.code} Flag"[:40], f"Y if the drugs fit: {arm.label}")
        for arm in study.arms
    }
    made |= {
        drug.flag: _text("", f"Received {drug.name.title()} Flag"[:40], f"Y if EX holds {drug.name}")
        for drug in study.drugs
        if drug.flag
    }
    made |= {
        f"INT{n}FL": _text("", f"Interim Look {n} Flag", f"Y for the first {cases} subjects by ENRLRANK")
        for n, cases in enumerate(study.interim.cases, start=1)
    }
    variables = []
    for name in frame.columns:
        variable = known.get(name) or made.get(name)
        if variable is None:
            gene = name.removesuffix("FL")
            variable = _text("", f"{gene} Alteration Flag"[:40], f"Y if GF has a variant of {gene}")
        variables.append(replace(variable, name=name))
    return Dataset(
        "ADSL",
        "Subject-Level Analysis Dataset",
        "SUBJECT LEVEL ANALYSIS DATASET",
        "One record per subject",
        tuple(variables),
        ("STUDYID", "USUBJID"),
    )
