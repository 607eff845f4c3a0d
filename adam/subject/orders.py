"""Drugs of CM that are known by an order or a dispense, beside records that say that the drug was taken.

The kind of source record stands in SUPPCM (QNAM CMSRC: ORDER, DISPENSE, PLAN), where a dataset has it.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from fhir2cdisc.adam.frames.columns import number, text
from fhir2cdisc.adam.frames.dates import impute_dates
from fhir2cdisc.adam.frames.sdtm import Frames, dataset
from fhir2cdisc.adam.subject.drugs import DrugNames, category
from fhir2cdisc.adam.subject.options import AdslOptions

GIVEN = 0
# A plan is no therapy at all.
_RANKS = {"DISPENSE": 1, "ORDER": 2}
_PLAN = "PLAN"


def taken_drugs(frames: Frames, options: AdslOptions) -> pd.DataFrame:
    """CM without plans, without drugs that were not given, and of each drug of a subject only the surest records.

    What was given or taken (EX, and CM without CMSRC) is surer than what was handed out, that surer than an order.
    """
    ex, cm = dataset(frames, "EX"), dataset(frames, "CM")
    kind = _kinds(frames, cm)
    if not (kind != "").any():
        return cm
    names = DrugNames((*options.drugs, *options.antineoplastic))
    drug = names.names(text(cm, "CMTRT").str.upper())
    rank = kind.map(_RANKS).fillna(GIVEN).astype(int)
    counts = (kind != _PLAN) & (text(cm, "CMOCCUR") != "N")
    given = pd.DataFrame({"USUBJID": text(ex, "USUBJID"), "DRUG": names.names(text(ex, "EXTRT")), "RANK": GIVEN})
    told = pd.DataFrame({"USUBJID": text(cm, "USUBJID"), "DRUG": drug, "RANK": rank})[counts]
    surest = pd.concat([given, told]).groupby(["USUBJID", "DRUG"])["RANK"].min().to_dict()
    pairs = zip(text(cm, "USUBJID"), drug, rank, strict=True)
    best = pd.Series([surest.get((who, name)) == one for who, name, one in pairs], cm.index, dtype=bool)
    # What was given and what nobody calls an order stays as it is, whatever else there is of the drug.
    return cm[(kind == "") | (counts & best)]


def begun_together(
    cm: pd.DataFrame, start: pd.Series, regimen: Mapping[str, frozenset[str]], options: AdslOptions
) -> dict[str, frozenset[str]]:
    """The index regimens, and the study's drugs that CM has from about the first dose on and EX has not.

    A drug of the study that began with the treatment under study is of that treatment, whoever wrote it down where. A
    record with a category of its own (prior, subsequent therapy) says otherwise.
    """
    names = DrugNames(options.drugs)
    study = {drug.name.upper() for drug in options.drugs}
    rows = cm[text(cm, "CMCAT").map(category).isin(["", "ANTINEOPLASTIC"])]
    begun = pd.to_datetime(text(rows, "USUBJID").map(start))
    away = (impute_dates(text(rows, "CMSTDTC"), "first", "")[0] - begun).dt.days.abs()
    near = (away <= options.treatment.together_days).to_numpy()
    made = dict(regimen)
    for who, drug in zip(text(rows, "USUBJID")[near], names.names(text(rows, "CMTRT").str.upper())[near], strict=True):
        if drug in study and who in made:
            made[who] = made[who] | {drug}
    return made


def _kinds(frames: Frames, cm: pd.DataFrame) -> pd.Series:
    supp = dataset(frames, "SUPPCM")
    rows = supp[(text(supp, "QNAM") == "CMSRC") & (text(supp, "IDVAR") == "CMSEQ")]
    sequence = pd.to_numeric(text(rows, "IDVARVAL"), errors="coerce")
    kinds = dict(zip(zip(text(rows, "USUBJID"), sequence, strict=True), text(rows, "QVAL"), strict=True))
    keys = zip(text(cm, "USUBJID"), number(cm, "CMSEQ"), strict=True)
    return pd.Series([kinds.get(key, "") for key in keys], cm.index, dtype=object)
