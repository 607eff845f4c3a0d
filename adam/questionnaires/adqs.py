"""ADQS: questionnaire scores, items and ECOG performance status, with baseline, change and analysis visits.

Scores come from items as collected; items are reversed here and nowhere earlier. Baseline is the last
non-missing value on or before the first dose, which is a rule of the project; ABLFL marks its record and BASE holds
its value (ADaMIG 1.3, sections 3.3.8 and 3.3.4.1).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd
from fhir2cdisc.adam.frames.columns import flag, number, text, with_subject
from fhir2cdisc.adam.frames.dates import date, impute_dates, study_day
from fhir2cdisc.adam.frames.findings import gather_findings, issues
from fhir2cdisc.adam.frames.variables import (
    BDS,
    NY,
    SUBJECT,
    derived,
    derived_date,
    derived_number,
    names_of,
    predecessor,
    with_methods,
)
from fhir2cdisc.adam.questionnaires import fact_hep, promis29
from fhir2cdisc.adam.questionnaires.visit_windows import AS_COLLECTED, VisitWindows, assign_windows
from fhir2cdisc.mappings.instruments import instruments
from fhir2cdisc.mappings.standard.datasets import Dataset

ECOG_CODES = frozenset({"ECOG101", "ECOG1", "ECOGPS", "ECOG"})
ASSESSMENT = ["USUBJID", "VISIT", "ADT", "TESTCD"]
CARRIED = ["STUDYID", "SUBJID", "SITEID", "SAFFL", "TRT01A", "TRTSDT", "TRTEDT"]
VARIABLES = (
    *SUBJECT[:8],
    derived_number(
        "ASEQ",
        "Analysis Sequence Number",
        "Order within subject by PARAMN, ADT, VISITNUM and SRCSEQ, missing last.",
    ),
    derived("PARAM", "Parameter", "Name of the score, or QSTEST of the item."),
    derived("PARAMCD", "Parameter Code", "Code of the score, ECOG, or QSTESTCD of the item."),
    derived_number(
        "PARAMN",
        "Parameter (N)",
        "ECOG 1; scores of FACT-Hep from 100, of PROMIS-29 from 200; their items from 120 and 220 in the order of the "
        "form.",
    ),
    derived("PARCAT1", "Parameter Category 1", "QSCAT of the questionnaire, or ECOG."),
    derived("PARCAT2", "Parameter Category 2", "Score or Item."),
    derived_number("AVAL", "Analysis Value", ""),
    derived("AVALC", "Analysis Value (C)", "ECOG: AVAL as text."),
    derived_number("BASE", "Baseline Value", "AVAL of the record with ABLFL Y of the parameter."),
    derived_number("CHG", "Change from Baseline", "AVAL - BASE where ADT is after TRTSDT."),
    derived("CHGCAT1", "Change from Baseline Category 1", "ECOG: IMPROVED, SAME or WORSE by the sign of CHG."),
    derived(
        "ABLFL",
        "Baseline Record Flag",
        "Y on the last record (by ASEQ) of a parameter with AVAL and ADT on or before TRTSDT.",
        codelists=NY,
    ),
    derived("AVISIT", "Analysis Visit", ""),
    derived_number("AVISITN", "Analysis Visit (N)", ""),
    predecessor("VISIT", "Visit Name", "QS"),
    predecessor("VISITNUM", "Visit Number", "QS", "Num"),
    derived_date("ADT", "Analysis Date", "QSDTC or RSDTC where complete."),
    derived_number("ADY", "Analysis Relative Day", "ADT - TRTSDT, plus 1 from TRTSDT on."),
    derived_number("AWTARGET", "Analysis Window Target", ""),
    derived_number("AWTDIFF", "Analysis Window Diff from Target", "ADY - AWTARGET."),
    derived_number("AWLO", "Analysis Window Beginning Timepoint", ""),
    derived_number("AWHI", "Analysis Window Ending Timepoint", ""),
    derived("ANL01FL", "Analysis Flag 01", "", codelists=NY),
    derived("SRCDOM", "Source Data", "QS or RS."),
    derived("SRCVAR", "Source Variable", "QSSTRESN or RSSTRESN."),
    derived_number(
        "SRCSEQ", "Source Sequence Number", "QSSEQ or RSSEQ; missing for scores, which have several sources."
    ),
)


@dataclass(frozen=True, slots=True)
class AdqsOptions:
    """How a study reads its questionnaires.

    `windows`: analysis visits (as collected, or every so many months). `items`: keep a row for each item, as
    collected. `fact_hep_reversed`: the data hold reversed FACT-Hep items as 4 - x. `promis_coding`: `printed`
    values or `position` of the answer. `experimental`: give PHS and MHS of PROMIS-29.
    """

    windows: VisitWindows = AS_COLLECTED
    items: bool = True
    fact_hep_reversed: bool = False
    promis_coding: promis29.Coding = "printed"
    experimental: bool = True


DEFAULTS = AdqsOptions()


@dataclass(frozen=True, slots=True)
class Instrument:
    """A questionnaire: its QSCAT, its items with their range, its scores with labels, and how to score it."""

    qscat: str
    ranges: dict[str, tuple[int, int]]
    labels: dict[str, str]
    score: Callable[[pd.DataFrame, AdqsOptions], pd.DataFrame]
    number: int


def _promis(answers: pd.DataFrame, options: AdqsOptions) -> pd.DataFrame:
    return promis29.score_promis29(answers, options.promis_coding)


def _fact_hep(answers: pd.DataFrame, options: AdqsOptions) -> pd.DataFrame:
    return fact_hep.score_fact_hep(answers, options.fact_hep_reversed)


def _ranges(qscat: str) -> dict[str, tuple[int, int]]:
    return {i.testcd: (i.low, i.high) for i in instruments()[qscat].items}


INSTRUMENTS = (
    Instrument(fact_hep.QSCAT, _ranges(fact_hep.QSCAT), fact_hep.LABELS, _fact_hep, 100),
    Instrument(promis29.QSCAT, _ranges(promis29.QSCAT), promis29.LABELS, _promis, 200),
)


def derive_adqs(
    adsl: pd.DataFrame,
    qs: pd.DataFrame | None,
    options: AdqsOptions = DEFAULTS,
    rs: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """One row per subject, parameter and assessment: scores and items of FACT-Hep and PROMIS-29, and ECOG.

    `qs` is SDTM QS, None for a study without. ECOG is taken from `rs` (RSCAT `ECOG`) where given, and from QS
    of older studies. An assessment is what one subject answered on one day at one visit; of an item answered
    twice there the record with the highest QSSEQ counts. An answer outside its range counts as missing
    (`adqs_findings` tells which). A score has several source records: SRCSEQ is empty and `adqs_sources`
    lists them.
    """
    ready = _records(pd.DataFrame() if qs is None else qs, "QS")
    parts = [_instrument_rows(ready, instrument, options) for instrument in INSTRUMENTS]
    parts.append(_ecog_rows(_records(rs, "RS") if rs is not None else None, ready))
    rows = pd.concat([p for p in parts if len(p)] or [parts[-1]], ignore_index=True)
    return _analysis(rows[rows["USUBJID"].isin(adsl["USUBJID"])], adsl, options)


def adqs_sources(adqs: pd.DataFrame, qs: pd.DataFrame) -> pd.DataFrame:
    """The QS records behind each score: USUBJID, ASEQ and PARAMCD of ADQS, SRCDOM, SRCVAR, SRCSEQ."""
    ready = _records(qs, "QS")
    parts = []
    for instrument in INSTRUMENTS:
        used = _answered(ready, instrument)[["USUBJID", "VISIT", "ADT", "TESTCD", "SEQ"]]
        scores = adqs[(adqs["PARCAT1"] == instrument.qscat) & (adqs["PARCAT2"] == "Score")]
        fed = used.merge(_feeds(), on="TESTCD")
        keys = ["USUBJID", "VISIT", "ADT", "PARAMCD"]
        parts.append(scores[[*keys, "ASEQ"]].merge(fed, on=keys))
    out = pd.concat(parts, ignore_index=True).rename(columns={"SEQ": "SRCSEQ"})
    out = out.assign(SRCDOM="QS", SRCVAR="QSSTRESN")
    columns = ["USUBJID", "ASEQ", "PARAMCD", "SRCDOM", "SRCVAR", "SRCSEQ"]
    return out[columns].sort_values(["USUBJID", "ASEQ", "SRCSEQ"]).reset_index(drop=True)


def adqs_findings(qs: pd.DataFrame) -> pd.DataFrame:
    """What was not scored and why: impossible answers, unknown items, undated and doubled records."""
    ready = _records(qs, "QS")
    return gather_findings([_form_findings(ready, instrument) for instrument in INSTRUMENTS])


def _form_findings(ready: pd.DataFrame, instrument: Instrument) -> pd.DataFrame:
    mine = ready[(ready["CAT"] == instrument.qscat) & ready["RESULT"].notna()]
    mine = mine.assign(QSSTRESN=mine["RESULT"])
    known, fits = _fits(mine, instrument)
    scores = mine["TESTCD"].str.startswith(("FAC015", "PA261")).astype(bool)
    doubled = mine.duplicated(ASSESSMENT, keep="last")
    rules = (
        (known & ~fits, "range of the item", "error", "is outside the range of {TESTCD}: missing"),
        (~known & ~scores, "items of the form", "error", "belongs to {TESTCD}, no item of the form"),
        (mine["ADT"].isna(), "complete date", "warning", "has no complete date, so can be no baseline"),
        (known & doubled, "one answer per item", "warning", "is answered again; the later counts"),
    )
    return gather_findings(
        [
            issues(
                "QS",
                mine.loc[where],
                "SEQ",
                "QSSTRESN",
                rule,
                level,
                f"QSSTRESN: QS/{{SEQ}}: {{RESULT}} {words}",
            )
            for where, rule, level, words in rules
        ]
    )


def _fits(rows: pd.DataFrame, instrument: Instrument) -> tuple[pd.Series, pd.Series]:
    """Whether a record is an item of the form, and whether its answer is a whole number in range."""
    low = rows["TESTCD"].map({code: float(r[0]) for code, r in instrument.ranges.items()}).astype(float)
    high = rows["TESTCD"].map({code: float(r[1]) for code, r in instrument.ranges.items()}).astype(float)
    result = rows["RESULT"]
    return low.notna(), (result >= low) & (result <= high) & (result % 1 == 0)


@cache
def _feeds() -> pd.DataFrame:
    """Which item (TESTCD) counts in which score (PARAMCD)."""
    pairs = [(i.qstestcd, i.subscale) for i in fact_hep.items()]
    for total, parts in fact_hep.TOTALS.items():
        pairs += [(i.qstestcd, total) for i in fact_hep.items() if i.subscale in parts]
    pairs += [(i.qstestcd, score) for i in promis29.items() for score in (i.domain, "PHS", "MHS")]
    return pd.DataFrame(pairs, columns=["TESTCD", "PARAMCD"])


def _records(source: pd.DataFrame, domain: str) -> pd.DataFrame:
    """QS or RS in one shape: CAT, TESTCD, RESULT, ADT, VISIT, VISITNUM, SEQ; not done is missing."""
    done = text(source, f"{domain}STAT") != "NOT DONE"
    result = number(source, f"{domain}STRESN")
    result = result.where(result.notna(), pd.to_numeric(text(source, f"{domain}STRESC"), errors="coerce"))
    out = pd.DataFrame({"USUBJID": text(source, "USUBJID"), "CAT": text(source, f"{domain}CAT").str.upper()})
    out["TESTCD"], out["RESULT"] = text(source, f"{domain}TESTCD"), result.where(done).astype(float)
    out["TEST"] = text(source, f"{domain}TEST")
    out["ADT"], _ = impute_dates(text(source, f"{domain}DTC"), "first", highest="")
    out["VISIT"], out["VISITNUM"] = text(source, "VISIT"), number(source, "VISITNUM")
    out["SEQ"] = number(source, f"{domain}SEQ")
    return out.sort_values(["USUBJID", "ADT", "VISITNUM", "TESTCD", "SEQ"], kind="stable").reset_index(drop=True)


def _answered(ready: pd.DataFrame, instrument: Instrument) -> pd.DataFrame:
    """The answers that count: known items, in range, the last of an item in an assessment."""
    mine = ready[ready["CAT"] == instrument.qscat]
    _, fits = _fits(mine, instrument)
    return mine.loc[fits].drop_duplicates(ASSESSMENT, keep="last")


def _instrument_rows(ready: pd.DataFrame, instrument: Instrument, options: AdqsOptions) -> pd.DataFrame:
    answered = _answered(ready, instrument)
    if not len(answered):
        return pd.DataFrame()
    keys = ["USUBJID", "VISIT", "VISITNUM", "ADT"]
    group = answered.groupby(keys, dropna=False, sort=True).ngroup()
    wide = answered.assign(_a=group).pivot(index="_a", columns="TESTCD", values="RESULT")
    assessments = answered.assign(_a=group).drop_duplicates("_a").set_index("_a")[keys].sort_index()
    scores = instrument.score(wide, options)
    parts = []
    names = [n for n in instrument.labels if options.experimental or n not in ("PHS", "MHS")]
    for i, name in enumerate(names):
        parts.append(
            assessments.assign(
                PARAMCD=name,
                PARAM=instrument.labels[name],
                PARAMN=float(instrument.number + i),
                AVAL=scores[name],
                AVALC="",
                PARCAT2="Score",
                SRCVAR="QSSTRESN",
                SRCSEQ=np.nan,
            )
        )
    if options.items:
        parts.append(_item_rows(answered, instrument))
    return pd.concat(parts, ignore_index=True).assign(PARCAT1=instrument.qscat, SRCDOM="QS")


def _item_rows(answered: pd.DataFrame, instrument: Instrument) -> pd.DataFrame:
    """Items as collected, never reversed; the text of QSTEST as the label."""
    order = {code: instrument.number + 20.0 + i for i, code in enumerate(instrument.ranges)}
    out = answered.rename(columns={"TESTCD": "PARAMCD", "RESULT": "AVAL", "SEQ": "SRCSEQ"})
    out = out.assign(PARAM=out["TEST"].where(out["TEST"] != "", out["PARAMCD"]), AVALC="", PARCAT2="Item")
    return out.assign(PARAMN=out["PARAMCD"].map(order), SRCVAR="QSSTRESN").drop(columns=["CAT", "TEST"])


def _ecog_rows(rs: pd.DataFrame | None, qs: pd.DataFrame | None) -> pd.DataFrame:
    parts = []
    for source, domain in ((rs, "RS"), (qs, "QS")):
        if source is not None:
            mine = source[source["CAT"].str.startswith("ECOG") & source["TESTCD"].isin(ECOG_CODES)]
            mine = mine[mine["RESULT"].isin([0, 1, 2, 3, 4, 5])]
            parts.append(mine.assign(SRCDOM=domain, SRCVAR=f"{domain}STRESN"))
    out = pd.concat([p for p in parts if len(p)] or parts[:1], ignore_index=True)
    # The same visit in RS and in QS is one assessment: RS, where the guide puts it, wins.
    out = out.drop_duplicates(["USUBJID", "VISIT", "ADT", "RESULT"], keep="first")
    out = out.rename(columns={"RESULT": "AVAL", "SEQ": "SRCSEQ"}).drop(columns=["CAT", "TEST", "TESTCD"])
    shown = out["AVAL"].map(lambda v: f"{v:.0f}").astype(object)
    return out.assign(
        PARAMCD="ECOG", PARAM="ECOG Performance Status", PARAMN=1.0, AVALC=shown, PARCAT1="ECOG", PARCAT2="Score"
    )


def _analysis(rows: pd.DataFrame, adsl: pd.DataFrame, options: AdqsOptions) -> pd.DataFrame:
    out = with_subject(rows.reset_index(drop=True), adsl, CARRIED)
    out["TRTSDT"], out["TRTEDT"] = date(out, "TRTSDT"), date(out, "TRTEDT")
    out["ADY"] = study_day(out["ADT"], out["TRTSDT"])
    out = out.sort_values(["USUBJID", "PARAMN", "ADT", "VISITNUM", "SRCSEQ"], kind="stable")
    out = out.reset_index(drop=True)
    out["ASEQ"] = out.groupby("USUBJID").cumcount().add(1).astype(float)
    out = _baseline(out)
    out = _visits(out, options.windows)
    out["ANL01FL"] = flag(_analysed(out))
    return out[[n for n in names_of(VARIABLES) if n in out]]


def _baseline(out: pd.DataFrame) -> pd.DataFrame:
    before = out[(out["ADT"] <= out["TRTSDT"]) & out["AVAL"].notna()]
    last = before.drop_duplicates(["USUBJID", "PARAMCD"], keep="last")
    out["ABLFL"] = flag(out.index.to_series().isin(last.index))
    base = last.set_index(["USUBJID", "PARAMCD"])["AVAL"]
    keys = pd.MultiIndex.from_frame(out[["USUBJID", "PARAMCD"]])
    out["BASE"] = base.reindex(keys).to_numpy(float)
    after = out["ADT"] > out["TRTSDT"]
    out["CHG"] = (out["AVAL"] - out["BASE"]).where(after)
    ecog = out["PARAMCD"] == "ECOG"
    category = np.select([out["CHG"] < 0, out["CHG"] == 0, out["CHG"] > 0], ["IMPROVED", "SAME", "WORSE"], "")
    out["CHGCAT1"] = pd.Series(category, index=out.index, dtype=object).where(ecog, "")
    return out


def _visits(out: pd.DataFrame, windows: VisitWindows) -> pd.DataFrame:
    """Baseline is visit 0 under its own name; later days are in windows or at the visit as collected."""
    if windows.every_months:
        after = out["ADT"] > out["TRTSDT"]
        assigned = assign_windows(out["ADY"].where(after), windows)
        out = out.assign(**{str(c): assigned[c] for c in assigned.columns})
    else:
        out["AVISIT"], out["AVISITN"] = out["VISIT"], out["VISITNUM"]
    is_base = out["ABLFL"] == "Y"
    out["AVISIT"] = out["AVISIT"].where(~is_base, "Baseline")
    out["AVISITN"] = out["AVISITN"].where(~is_base, 0.0)
    return out


def _analysed(out: pd.DataFrame) -> pd.Series:
    """Baseline, and per later visit the value nearest to the target, or the last where there is no target.

    Of two equally near the earlier counts.
    """
    after = out[(out["ADT"] > out["TRTSDT"]) & out["AVAL"].notna() & (out["AVISIT"] != "")]
    keys = ["USUBJID", "PARAMCD", "AVISITN", "AVISIT"]
    if "AWTDIFF" in out:
        far = after.assign(_far=after["AWTDIFF"].abs()).sort_values(["_far", "ADT", "ASEQ"], kind="stable")
        chosen = far.drop_duplicates(keys)
    else:
        chosen = after.drop_duplicates(keys, keep="last")
    return (out["ABLFL"] == "Y") | out.index.to_series().isin(chosen.index)


def adqs_dataset(options: AdqsOptions = DEFAULTS) -> Dataset:
    """ADQS with the analysis visits of the study in words."""
    return Dataset(
        "ADQS",
        "Questionnaires Analysis Dataset",
        BDS,
        "One record per subject per parameter per assessment",
        with_methods(VARIABLES, {"AVAL": _scored(options), **_visits_in_words(options.windows)}),
        ("STUDYID", "USUBJID", "PARAMN", "ADT", "VISITNUM", "ASEQ"),
    )


def _scored(options: AdqsOptions) -> str:
    held = "as collected" if options.fact_hep_reversed else "4 - x"
    summaries = "; PHS and MHS are experimental" if options.experimental else ""
    return (
        "ECOG and items as collected, of an item answered twice in an assessment the higher QSSEQ, none out of its "
        f"range. FACT-Hep: reversed items {held}; subscale = sum x items / answered if over half answered; FACT-G and "
        "total need also more than 80% of items. PROMIS-29: T-score of the sum of four items (by "
        f"{options.promis_coding} values), missing if one is missing; PAIN as collected{summaries}."
    )


def _visits_in_words(windows: VisitWindows) -> dict[str, str]:
    """Analysis visits and the record of each that counts."""
    chosen = "Y where ABLFL is Y, and of those after TRTSDT with AVAL and AVISIT, per parameter and AVISIT, on the"
    if not windows.every_months:
        return {
            "AVISIT": "Baseline where ABLFL is Y, else VISIT.",
            "AVISITN": "0 where ABLFL is Y, else VISITNUM.",
            "ANL01FL": f"{chosen} last by ASEQ.",
        }
    return {
        "AVISIT": f"Baseline where ABLFL is Y; after TRTSDT Month n, {windows.nearest}; else blank.",
        "AVISITN": f"0 where ABLFL is Y; after TRTSDT n months, {windows.nearest}; else missing.",
        "AWTARGET": f"1 + months of the window x {windows.month:g}, rounded (halves up).",
        "AWLO": f"AWTARGET - {windows.days}.",
        "AWHI": f"AWTARGET + {windows.days}.",
        "ANL01FL": f"{chosen} one nearest to AWTARGET, of two as near the earlier.",
    }
