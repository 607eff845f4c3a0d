"""New anticancer therapy after the first dose: drugs of CM, procedures of PR, later lines with a study drug in EX.

What counts is decided by whole words of the record and said in the evidence; a record that nobody can judge, and one
without a usable date, is a finding.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd
from fhir2cdisc.adam.frames.columns import text
from fhir2cdisc.adam.frames.dates import impute_dates
from fhir2cdisc.adam.frames.findings import findings, gather_findings
from fhir2cdisc.adam.frames.sdtm import Frames, dataset
from fhir2cdisc.adam.frames.variables import derived, derived_date
from fhir2cdisc.adam.subject.drugs import (
    EARLIER,
    LATER,
    DrugNames,
    category,
    has_term,
    holding,
    known_use,
    ordered,
    plain,
)
from fhir2cdisc.adam.subject.evidence import Fact, as_evidence, candidates
from fhir2cdisc.adam.subject.options import AdslOptions
from fhir2cdisc.adam.subject.orders import begun_together, taken_drugs
from fhir2cdisc.adam.subject.organs import organs_in
from fhir2cdisc.adam.subject.treatment import Exposure, later_lines
from fhir2cdisc.mappings.study_facts import NewTherapy

VARIABLES = (
    derived_date("NACTDT", "Date of New Anti-Cancer Therapy", ""),
    derived("NACTDTF", "Date of New Therapy Imputation Flag", "D or M where day, or month and day, were imputed"),
)
_ISO = "%Y-%m-%d"
_ONE_DAY = pd.Timedelta(days=1)
_NONE: frozenset[str] = frozenset()
_TUMOUR = tuple(
    "TUMOR CANCER CARCINOMA NEOPLASM MALIGNANT MALIGNANCY METASTASIS METASTASES METASTATIC SARCOMA LYMPHOMA MELANOMA "
    "LESION HCC 瘤 癌".split()
)
# What a record is: it counts, does not, cannot be judged, is of the subject's own regimen though called subsequent, or
# is the order of another drug of the study.
_YES, _NO, _DOUBTFUL, _OWN, _ORDER = "yes", "no", "doubtful", "own", "order"


def methods(options: AdslOptions) -> dict[str, str]:
    """The method of NACTDT by the rules of the study."""
    rules = options.new_therapy
    listed = ", ".join(sorted({drug.name.upper() for drug in (*options.drugs, *options.antineoplastic)}))
    said = (
        "Earliest date after TRTSDT of (1) a drug of CM: CMCAT, CMSCAT or CMCLAS names one of "
        f"{', '.join(rules.classes)}, CMCLASCD begins with one, CMCAT or CMSCAT says that it was subsequent, or the "
        f"study file lists it ({listed or 'none'}) or its name is one of a drug against cancer; not where CMCAT or "
        "CMSCAT says prior, all its drugs are of the index "
        "regimen (see TRTEDT), or it is an order (SUPPCM CMSRC) of study drugs; (2) a procedure of PR that names "
        "one of "
        f"{', '.join(rules.procedures)}; or one of {', '.join(rules.unsure_procedures)} where PRCAT, a word of "
        "tumour or "
        "an organ that bears one (TU.TULOC, primary diagnosis) says that it is against the tumour; without such a word "
        f"not where it names one of {', '.join(rules.other_purposes)} or another organ; (3) a later line of EX (see "
        "TRTEDT). A partial date counts as its first possible day after TRTSDT; what ended by TRTSDT does not count"
    )
    return {"NACTDT": said}


def derive_new_therapy(frames: Frames, exposure: Exposure, options: AdslOptions) -> Fact:
    """NACTDT and NACTDTF of those who have one, by USUBJID."""
    drugs = _drugs(frames, exposure, options)
    procedures = _procedures(frames, options.new_therapy)
    lines = later_lines(exposure).assign(VERDICT=_YES, WHY="a later line with a study drug", CALLED=False, ENDED="")
    rows = pd.concat([part for part in (drugs, procedures, lines) if len(part)] or [drugs], ignore_index=True)
    rows = _dated(rows, exposure.start, options.new_therapy)
    rows["REASON"] = _reasons(rows)
    usable = rows[rows["COUNTS"]].sort_values(["USUBJID", "DATE", "SRCDOM", "SRCSEQ"], kind="stable")
    first = usable.drop_duplicates("USUBJID")
    chosen = rows.index.isin(first.index)
    rows.loc[chosen, "REASON"] = "the first after the first dose: " + rows.loc[chosen, "WHY"]
    values = first.set_index("USUBJID")[["DATE", "FLAG"]].rename(columns={"DATE": "NACTDT", "FLAG": "NACTDTF"})
    evidence = as_evidence(rows.assign(CHOSEN=np.where(chosen, "Y", "")), "new therapy")
    return Fact(values, evidence, _findings(rows, first, options.new_therapy))


def _drugs(frames: Frames, exposure: Exposure, options: AdslOptions) -> pd.DataFrame:
    """Drugs that are against cancer, or are called subsequent or prior therapy.

    A drug of the study that is only ordered is none: what is given of it is in EX. Of a drug that was given, an order
    or a dispense says nothing more.
    """
    cm, taken = dataset(frames, "CM"), taken_drugs(frames, options)
    said = (text(cm, "CMCAT") + " " + text(cm, "CMSCAT")).map(category)
    worded, called = holding(said, options.new_therapy.classes), holding(said, LATER)
    prior = holding(said, EARLIER) & ~called
    names = DrugNames((*options.drugs, *options.antineoplastic))
    drug = text(cm, "CMTRT") + " " + text(cm, "CMDECOD")
    listed = {one: names.in_text(one) for one in drug.unique()}
    of_class = _of_class(cm, options.new_therapy)
    absent = (text(cm, "CMOCCUR") == "N") | (text(cm, "CMSTAT") == "NOT DONE")
    known = drug.map(lambda one: bool(listed[one])).astype(bool)
    use = drug.map(known_use)
    rows = cm[(worded | called | prior | of_class | known | (use != "")) & ~absent]
    made = candidates(rows, "CM", "CMSTDTC", "CMTRT").assign(ENDED=text(rows, "CMENDTC"), CALLED=called[rows.index])
    regimen = begun_together(taken, exposure.start, exposure.regimen, options)
    triples = zip(made["USUBJID"], text(rows, "CMTRT"), drug[rows.index], strict=True)
    own = np.array([_is_own(word, listed[both], regimen.get(who, _NONE)) for who, word, both in triples], bool)
    studied = frozenset(drug.name.upper() for drug in options.drugs)
    weaker = ~rows.index.isin(taken.index)
    order = ordered(frames)[rows.index] & drug[rows.index].map(lambda one: _NONE < listed[one] <= studied).astype(bool)
    said_so = called | worded | of_class | known
    unsure = (use == "other") & ~said_so
    kinds = [prior, own, weaker, order, called, worded, of_class, known, unsure]
    why = np.select(
        [np.asarray(one if len(one) == len(rows) else one[rows.index], bool) for one in kinds],
        [
            "the source calls it prior therapy",
            "a drug of the subject's own index regimen",
            "ordered or handed out, and other records say more of the drug",
            "an order of a drug of the study, which is no dose",
            "the source calls it subsequent therapy",
            "its category is one of anticancer therapy",
            "its class is one of anticancer drugs",
            "an anticancer drug of the study file",
            "by its name a drug against cancer and against other diseases, and nothing says against which",
        ],
        "by its name a drug against cancer",
    )
    cases = [prior[rows.index], own, weaker, order, unsure[rows.index]]
    verdict = np.select(cases, [_NO, _OWN, _NO, _ORDER, _DOUBTFUL], _YES)
    return made.assign(VERDICT=verdict, WHY=why)


def _of_class(cm: pd.DataFrame, options: NewTherapy) -> pd.Series:
    atc = tuple(one for one in options.classes if len(one) > 1 and one[0].isalpha() and one[1:3].isdigit())
    named = holding(text(cm, "CMCLAS").map(category), options.classes)
    return named | text(cm, "CMCLASCD").map(lambda code: code.upper().startswith(atc)).astype(bool)


def _is_own(words: str, listed: frozenset[str], regimen: frozenset[str]) -> bool:
    """Whether every drug that a record names is of the index regimen."""
    if listed:
        return listed <= regimen
    parts = [part for part in plain(words.replace("+", ";").replace(",", ";")).split(";") if part]
    return bool(parts) and all(any(has_term(part, (drug,)) for drug in regimen if drug) for part in parts)


def _procedures(frames: Frames, options: NewTherapy) -> pd.DataFrame:
    """Procedures with a word of treatment, or with a category of anticancer therapy."""
    pr = dataset(frames, "PR")
    absent = (text(pr, "PROCCUR") == "N") | (text(pr, "PRSTAT") == "NOT DONE")
    said = (text(pr, "PRCAT") + " " + text(pr, "PRSCAT")).map(category)
    words = (text(pr, "PRTRT") + " " + text(pr, "PRDECOD") + " " + text(pr, "PRCAT")).map(plain)
    terms = (*options.procedures, *options.unsure_procedures)
    called = holding(said, LATER)
    against = called | holding(said, options.classes)
    keep = (holding(words, terms) | against) & ~absent
    rows = pr[keep]
    context = (text(rows, "PRINDC") + " " + text(rows, "PRLOC")).map(plain)
    tumours = _tumour_organs(frames)
    judged = [
        _judge(one, more, kind, bool(sure), tumours.get(who, _NONE), options)
        for who, one, more, kind, sure in zip(
            text(rows, "USUBJID"), words[keep], context, said[keep], against[keep], strict=True
        )
    ]
    made = candidates(rows, "PR", "PRSTDTC", "PRTRT").assign(ENDED="", CALLED=called[keep])
    return made.assign(VERDICT=[one for one, _ in judged], WHY=[why for _, why in judged])


def _judge(
    words: str, context: str, kind: str, against: bool, tumours: frozenset[str], options: NewTherapy
) -> tuple[str, str]:
    """Whether a procedure is against the tumour, and why."""
    everything = f"{words} {context}"
    organs = organs_in(everything)
    if has_term(kind, EARLIER) and not has_term(kind, LATER):
        return _NO, "the source calls it prior therapy"
    if against:
        return _YES, "its category is one of anticancer therapy"
    if tumour := has_term(everything, _TUMOUR):
        return _YES, f"treatment, and the record speaks of a tumour ({tumour.lower()})"
    if shared := sorted(organs & tumours):
        return _YES, f"treatment of an organ that bears a tumour ({shared[0].lower()})"
    if other := has_term(everything, options.other_purposes):
        return _NO, f"is about something else ({other.lower()}) and speaks of no tumour"
    if sure := has_term(words, options.procedures):
        return _YES, f"treatment of a tumour by its name ({sure.lower()})"
    if organs:
        return _NO, f"treatment of an organ of which no tumour is known ({sorted(organs)[0].lower()})"
    return _DOUBTFUL, "nothing says whether it was against the tumour"


def _tumour_organs(frames: Frames) -> Mapping[str, frozenset[str]]:
    """The organs that bear a tumour, by USUBJID: sites of lesions (TU) and words of the primary diagnosis (MH)."""
    tu, mh = dataset(frames, "TU"), dataset(frames, "MH")
    primary = mh[text(mh, "MHCAT") == "PRIMARY DIAGNOSIS"]
    said = {
        *zip(text(tu, "USUBJID"), text(tu, "TULOC"), strict=True),
        *zip(text(primary, "USUBJID"), text(primary, "MHTERM"), strict=True),
    }
    joined: dict[str, frozenset[str]] = {}
    for who, words in said:
        joined[who] = joined.get(who, _NONE) | organs_in(plain(words))
    return joined


def _dated(rows: pd.DataFrame, start: pd.Series, options: NewTherapy) -> pd.DataFrame:
    """DATE, FLAG, and of every record whether it counts: against the tumour, with a date after the first dose."""
    begun = pd.to_datetime(rows["USUBJID"].map(start))
    first, _ = impute_dates(rows["DTC"], "first")
    last, _ = impute_dates(rows["DTC"], "last")
    when, flag = impute_dates(rows["DTC"], "first", "M", [begun + _ONE_DAY])
    over = impute_dates(rows["ENDED"], "last")[0] <= begun
    place = np.select(
        [begun.isna(), over, first.isna(), last <= begun], ["untreated", "before", "undated", "before"], "after"
    )
    out = rows.assign(DATE=when.where(first.notna()), FLAG=flag, PLACE=place)
    counted = [_YES, _DOUBTFUL] if options.doubtful == "count" else [_YES]
    out["COUNTS"] = out["VERDICT"].isin(counted) & (out["PLACE"] == "after")
    return out


def _reasons(rows: pd.DataFrame) -> pd.Series:
    when = rows["PLACE"].map(
        {
            "untreated": "the subject has no first dose, so nothing is new",
            "before": "on or before the day of the first dose",
            "undated": "it has no date, so it could not be used",
            "after": "",
        }
    )
    counted = "later than the first: " + rows["WHY"]
    return rows["WHY"].where(rows["VERDICT"] != _YES, counted.where(when == "", when)).astype(object)


def _findings(rows: pd.DataFrame, first: pd.DataFrame, options: NewTherapy) -> pd.DataFrame:
    found: dict[tuple[str, str], list[tuple[str, str, str, str, str]]] = {}
    ordered = rows.sort_values(["USUBJID", "DATE", "SRCDOM", "SRCSEQ", "TEXT"], kind="stable")
    for row in ordered.to_dict("records"):
        for rule, severity, message in _sentences(row, options):
            line = (row["USUBJID"], f"{row['SRCDOM']} {row['SRCSEQ']:g}", "NACTDT", row["DTC"], message)
            found.setdefault((rule, severity), []).append(line)
    imputed = (
        (
            row.USUBJID,
            f"{row.SRCDOM} {row.SRCSEQ:g}",
            "NACTDT",
            row.DTC,
            f"{row.TEXT} began in {row.DTC}: taken as {row.DATE:{_ISO}}, the first possible day after the first dose; "
            "tumour assessments from then on do not count.",
        )
        for row in first[first["FLAG"] != ""].itertuples()
    )
    made = [findings("ADSL", rule, severity, lines) for (rule, severity), lines in found.items()]
    return gather_findings([*made, findings("ADSL", "new therapy date imputed", "WARNING", imputed)])


def _sentences(row: Mapping[str, str], options: NewTherapy) -> Iterator[tuple[str, str, str]]:
    name, place = f"{row['TEXT']} ({row['SRCDOM']}, {row['DTC'] or 'no date'})", row["PLACE"]
    if place == "untreated":
        return
    if row["VERDICT"] == _YES and place == "undated":
        message = f"{name} is anticancer therapy without a date: it was not used, so nothing is censored for it."
        yield "new therapy without a date", "WARNING", message
    elif row["VERDICT"] == _YES and place == "before" and row["CALLED"]:
        message = f"{name} is called subsequent therapy but is dated on or before the first dose: it was not used."
        yield "subsequent therapy before treatment", "WARNING", message
    elif row["VERDICT"] == _OWN and row["CALLED"] and place != "before":
        message = f"{name} is called subsequent therapy but is a drug of the index regimen: it is no new therapy."
        yield "subsequent therapy of the own regimen", "WARNING", message
    elif row["VERDICT"] == _ORDER and place == "after":
        message = f"{name} is an order of a study drug outside the index regimen and no dose: it is no new therapy."
        yield "order of another study drug", "WARNING", message
    elif row["VERDICT"] == _NO and row["WHY"].startswith("the source calls it prior") and place == "after":
        message = f"{name} is called prior therapy but began after the first dose: it is not counted as new therapy."
        yield "prior therapy after treatment", "WARNING", message
    elif row["VERDICT"] == _DOUBTFUL and place != "before":
        way = "it counts as new therapy" if options.doubtful == "count" else "it does not count as new therapy"
        message = f"{name} may or may not be against the tumour: {way} ([new_therapy] doubtful)."
        kind = "drug" if row["SRCDOM"] == "CM" else "procedure"
        yield f"{kind} that may be anticancer therapy", "WARNING", message
