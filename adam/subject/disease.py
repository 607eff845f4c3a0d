"""What ADSL says of the disease: histology, earlier therapy, performance status, biomarkers, the board."""

from __future__ import annotations

import pandas as pd
from fhir2cdisc.adam.criteria import PD, codes
from fhir2cdisc.adam.frames.columns import number, text
from fhir2cdisc.adam.frames.dates import full_dates
from fhir2cdisc.adam.frames.sdtm import Frames, dataset
from fhir2cdisc.adam.frames.variables import derived, derived_number
from fhir2cdisc.adam.response.collected import overall_responses
from fhir2cdisc.adam.subject.drugs import EARLIER, LATER, DrugNames, category, holding, ordered
from fhir2cdisc.adam.subject.markers import derive_board, derive_markers
from fhir2cdisc.adam.subject.options import AdslOptions
from fhir2cdisc.adam.subject.orders import taken_drugs
from fhir2cdisc.adam.subject.treatment import Exposure, study_doses
from fhir2cdisc.adam.subject.tumour_board import guidance_periods, guided_therapies, mtb_guided

VARIABLES = (
    derived("HISTOLOG", "Histology", "MI.MISTRESC of the histology"),
    derived_number(
        "PRIORLN",
        "Number of Prior Anti-Cancer Therapies",
        "Records of CM with a prior therapy category, and study drugs given before the enrolment",
    ),
    derived_number("ECOGBL", "Baseline ECOG Performance Status", "Last RS ECOG101 on or before TRTSDT"),
)


def add_disease(adsl: pd.DataFrame, frames: Frames, options: AdslOptions) -> pd.DataFrame:
    """ADSL with HISTOLOG, ECOGBL and what the study's biomarkers and board add."""
    mi = dataset(frames, "MI")
    histology = mi[text(mi, "MITESTCD") == "HISTTYPC"].drop_duplicates("USUBJID").set_index("USUBJID")
    adsl["HISTOLOG"] = adsl["USUBJID"].map(text(histology, "MISTRESC")).fillna("").astype(object)
    adsl["ECOGBL"] = _baseline_ecog(adsl, frames)
    gf, mi = frames.get("GF"), frames.get("MI")
    if gf is not None or mi is not None:
        adsl = adsl.merge(derive_markers(adsl, gf, mi, options), on="USUBJID", how="left")
    fa = dataset(frames, "FA")
    if (text(fa, "FATESTCD") == "MTBREC").any():
        frames = {**frames, "EX": study_doses(dataset(frames, "EX"), adsl)}
        board = mtb_guided(recommendations(fa, options), therapies(frames, options), resistance(frames, options), adsl)
        adsl = adsl.merge(board, on="USUBJID", how="left")
        more = derive_board(adsl, fa, frames.get("RELREC"), periods_by_guidance(frames, options))
        adsl = adsl.merge(more, on="USUBJID", how="left")
    return adsl


def periods_by_guidance(frames: Frames, options: AdslOptions) -> pd.DataFrame:
    """From each start of therapy `MTB-guided` or `Other therapy`: periods as `derive_adae` takes them."""
    given = therapies(frames, options)
    return guidance_periods(guided_therapies(recommendations(dataset(frames, "FA"), options), given), given)


def prior_drugs(subjects: pd.Series, frames: Frames, exposure: Exposure) -> pd.Series:
    """PRIORLN: prior anticancer therapies that CM names as such, and the study drugs given before the enrolment."""
    cm = dataset(frames, "CM")
    said = (text(cm, "CMCAT") + " " + text(cm, "CMSCAT")).map(category)
    told = cm[holding(said, EARLIER) & ~holding(said, LATER)].groupby("USUBJID").size()
    given = exposure.of("prior").groupby("USUBJID")["DRUG"].nunique()
    counts = told.add(given, fill_value=0)
    return subjects.map(counts).fillna(0).astype(float)


def _baseline_ecog(adsl: pd.DataFrame, frames: Frames) -> pd.Series:
    """ECOGBL: last ECOG on or before the first dose."""
    rs = dataset(frames, "RS")
    rows = rs[text(rs, "RSTESTCD") == "ECOG101"]
    when = full_dates(rows, "RSDTC")
    start = pd.to_datetime(rows["USUBJID"].map(adsl.set_index("USUBJID")["TRTSDT"]))
    rows = rows.assign(_D=when, _V=number(rows, "RSSTRESN"), _N=number(rows, "RSSEQ"))[(when <= start).to_numpy()]
    last = rows.dropna(subset=["_V"]).sort_values(["USUBJID", "_D", "_N"]).drop_duplicates("USUBJID", keep="last")
    return adsl["USUBJID"].map(last.set_index("USUBJID")["_V"]).astype(float)


def study_names(words: pd.Series, options: AdslOptions) -> pd.Series:
    """Drugs by the name that the study gives them, where their text holds one of the study's terms for them."""
    terms = [(term.casefold(), drug.name) for drug in options.drugs for term in (drug.name, *drug.terms)]
    named = {word: next((name for term, name in terms if term in word.casefold()), word) for word in words.unique()}
    return words.map(named)


def recommendations(fa: pd.DataFrame, options: AdslOptions) -> pd.DataFrame:
    """Tumour board recommendations (FATESTCD MTBREC) as `mtb_guided` takes them."""
    rows = fa[text(fa, "FATESTCD") == "MTBREC"]
    return pd.DataFrame(
        {
            "USUBJID": rows["USUBJID"],
            "RECID": text(rows, "FASPID"),
            "RECDT": full_dates(rows, "FADTC"),
            "DRUG": study_names(text(rows, "FASTRESC"), options),
        }
    ).reset_index(drop=True)


def resistance(frames: Frames, options: AdslOptions) -> pd.DataFrame:
    """Dates on which a therapy failed (USUBJID, ADT): progression by the study's evaluator."""
    rs = dataset(frames, "RS")
    called = rs.iloc[overall_responses(rs, options.response)]
    rows = called[codes(text(called, "RSSTRESC").to_numpy(), options.response.criteria) == PD]
    return pd.DataFrame({"USUBJID": text(rows, "USUBJID"), "ADT": full_dates(rows, "RSDTC")})


def therapies(frames: Frames, options: AdslOptions) -> pd.DataFrame:
    """Anticancer therapies given: the first dose of each study drug, and drugs of other anticancer therapy."""
    ex, cm = dataset(frames, "EX"), taken_drugs(frames, options)
    cm = cm[text(cm, "CMOCCUR") != "N"]
    classes = {drug.name.upper(): drug.drug_class for drug in options.drugs}
    given = pd.DataFrame(
        {
            "USUBJID": text(ex, "USUBJID"),
            "TRT": text(ex, "EXTRT"),
            "ASTDT": full_dates(ex, "EXSTDTC"),
            "SRCDOM": "EX",
            "SRCSEQ": number(ex, "EXSEQ"),
        }
    )
    said = text(cm, "CMCAT").map(category)
    against = holding(said, LATER) | (said == "ANTINEOPLASTIC")
    names = DrugNames(options.drugs)
    studied = text(cm, "CMTRT").map(lambda word: bool(names.in_text(word))).astype(bool)
    # What is given of a drug of the study is in EX; the order of one is no therapy.
    rows = cm[against & ~(studied & ordered(frames)[cm.index])]
    other = pd.DataFrame(
        {
            "USUBJID": text(rows, "USUBJID"),
            "TRT": study_names(text(rows, "CMTRT"), options),
            "ASTDT": full_dates(rows, "CMSTDTC"),
            "SRCDOM": "CM",
            "SRCSEQ": number(rows, "CMSEQ"),
        }
    )
    both = pd.concat([given, other], ignore_index=True).sort_values(["USUBJID", "ASTDT", "SRCDOM", "SRCSEQ"])
    lines = both.drop_duplicates(["USUBJID", "TRT"]).reset_index(drop=True)
    return lines.assign(CLASS=lines["TRT"].str.upper().map(classes).fillna(""))
