"""What ADSL says of the disease: diagnosis, histology, earlier therapy, performance status, biomarkers, the board."""

from __future__ import annotations

import pandas as pd
from fhir2cdisc.adam.criteria import PD, codes
from fhir2cdisc.adam.frames.columns import number, text
from fhir2cdisc.adam.frames.dates import full_dates, impute_dates
from fhir2cdisc.adam.frames.sdtm import Frames, dataset
from fhir2cdisc.adam.frames.variables import derived, derived_date, derived_number
from fhir2cdisc.adam.response.collected import overall_responses
from fhir2cdisc.adam.subject.markers import derive_board, derive_markers
from fhir2cdisc.adam.subject.options import AdslOptions
from fhir2cdisc.adam.subject.tumour_board import guidance_periods, guided_therapies, mtb_guided

SUBSEQUENT = "SUBSEQUENT"
PRIOR = "PRIOR"
# Procedures against the tumour: of these one after the first dose is new anticancer therapy.
_TUMOUR_PROCEDURES = (
    "RADIOTHERAPY",
    "RADIATION",
    "RESECTION",
    "SURGERY",
    "SURGICAL",
    "ABLATION",
    "EMBOLI",
    "HEPATECTOMY",
)
VARIABLES = (
    derived_date(
        "DIAGDT",
        "Date of Diagnosis",
        "Earliest MH.MHSTDTC where MHCAT is PRIMARY DIAGNOSIS; the first possible day of a partial date",
    ),
    derived("HISTOLOG", "Histology", "MI.MISTRESC of the first record with MITESTCD HISTTYPC"),
    derived_date(
        "NACTDT",
        "Date of New Anti-Cancer Therapy",
        "Earliest date after TRTSDT of CM.CMSTDTC where CMCAT holds SUBSEQUENT or is ANTINEOPLASTIC, or of PR.PRSTDTC "
        f"where PRTRT or PRCAT names {', '.join(_TUMOUR_PROCEDURES)}; without its day the first possible one after "
        "TRTSDT",
    ),
    derived_number("PRIORLN", "Number of Prior Anti-Cancer Therapies", "Number of CM records where CMCAT holds PRIOR"),
    derived_number(
        "ECOGBL",
        "Baseline ECOG Performance Status",
        "RS.RSSTRESN of the last ECOG101 on or before TRTSDT, by complete RSDTC and RSSEQ",
    ),
)


def add_disease(adsl: pd.DataFrame, frames: Frames, options: AdslOptions) -> pd.DataFrame:
    """ADSL with DIAGDT, HISTOLOG, PRIORLN, NACTDT, ECOGBL and what the study's biomarkers and board add."""
    adsl = _diagnosis(adsl, frames)
    adsl["NACTDT"] = _new_therapy(adsl, frames)
    adsl["PRIORLN"] = _prior_lines(adsl, frames)
    adsl["ECOGBL"] = _baseline_ecog(adsl, frames)
    gf, mi = frames.get("GF"), frames.get("MI")
    if gf is not None or mi is not None:
        adsl = adsl.merge(derive_markers(adsl, gf, mi, options), on="USUBJID", how="left")
    fa = dataset(frames, "FA")
    if (text(fa, "FATESTCD") == "MTBREC").any():
        board = mtb_guided(recommendations(fa, options), therapies(frames, options), resistance(frames, options), adsl)
        adsl = adsl.merge(board, on="USUBJID", how="left")
        more = derive_board(adsl, fa, frames.get("RELREC"), periods_by_guidance(frames, options))
        adsl = adsl.merge(more, on="USUBJID", how="left")
    return adsl


def periods_by_guidance(frames: Frames, options: AdslOptions) -> pd.DataFrame:
    """From each start of therapy `MTB-guided` or `Other therapy`: periods as `derive_adae` takes them."""
    given = therapies(frames, options)
    return guidance_periods(guided_therapies(recommendations(dataset(frames, "FA"), options), given), given)


def _diagnosis(adsl: pd.DataFrame, frames: Frames) -> pd.DataFrame:
    mh = dataset(frames, "MH")
    primary = mh[text(mh, "MHCAT") == "PRIMARY DIAGNOSIS"]
    when, _ = impute_dates(text(primary, "MHSTDTC"), "first")
    first = when.groupby(primary["USUBJID"]).min()
    adsl["DIAGDT"] = pd.to_datetime(adsl["USUBJID"].map(first))
    mi = dataset(frames, "MI")
    rows = mi[text(mi, "MITESTCD") == "HISTTYPC"]
    one = rows.drop_duplicates("USUBJID").set_index("USUBJID")
    adsl["HISTOLOG"] = adsl["USUBJID"].map(text(one, "MISTRESC")).fillna("").astype(object)
    return adsl


def _new_therapy(adsl: pd.DataFrame, frames: Frames) -> pd.Series:
    """NACTDT: first anticancer drug or procedure after the first dose that is not of the study.

    A drug counts if the source calls it subsequent anticancer therapy, or if it is antineoplastic and began after
    the first dose; a procedure if it is against the tumour. A partial date counts as its first possible day, not
    before the day after the first dose.
    """
    start = adsl.set_index("USUBJID")["TRTSDT"]
    cm, pr = dataset(frames, "CM"), dataset(frames, "PR")
    category = text(cm, "CMCAT")
    drugs = cm[category.str.contains(SUBSEQUENT, regex=False) | (category == "ANTINEOPLASTIC")]
    words = text(pr, "PRTRT").str.upper() + " " + text(pr, "PRCAT").str.upper()
    procedures = pr[words.str.contains("|".join(_TUMOUR_PROCEDURES), regex=True)]
    found = []
    for rows, column in ((drugs, "CMSTDTC"), (procedures, "PRSTDTC")):
        if len(rows):
            begun = pd.to_datetime(rows["USUBJID"].map(start))
            when, _ = impute_dates(text(rows, column), "first", "D", [begun + pd.Timedelta(days=1)])
            found.append(when[when > begun].groupby(rows["USUBJID"]).min())
    if not found:
        return pd.Series(pd.NaT, index=adsl.index, dtype="datetime64[ns]")
    return pd.to_datetime(adsl["USUBJID"].map(pd.concat(found).groupby(level=0).min()))


def _prior_lines(adsl: pd.DataFrame, frames: Frames) -> pd.Series:
    """PRIORLN: number of prior anticancer therapies that the source names as such."""
    cm = dataset(frames, "CM")
    rows = cm[text(cm, "CMCAT").str.contains(PRIOR, regex=False)]
    return adsl["USUBJID"].map(rows.groupby("USUBJID").size()).fillna(0).astype(float)


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
    ex, cm = dataset(frames, "EX"), dataset(frames, "CM")
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
    category = text(cm, "CMCAT")
    rows = cm[category.str.contains(SUBSEQUENT, regex=False) | (category == "ANTINEOPLASTIC")]
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
