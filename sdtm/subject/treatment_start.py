"""Which records of a drug may start time: what was given or taken, else what was handed out, else what was ordered.

FHIR R4: MedicationRequest.intent tells an order from a proposal, a plan or an option, which start nothing; that the
drug was given is said by MedicationAdministration and MedicationStatement, that it was handed out by
MedicationDispense.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from fhir2cdisc.fhir.findings import Finding
from fhir2cdisc.mappings.study import Study
from fhir2cdisc.sdtm.columns import ANTINEOPLASTIC, DISPENSED, DRUG, INTENT, SUBJECT

# Codes of intent that are no order yet.
PLANNED = ("proposal", "plan", "option")
# How sure it is that the drug was taken; of each drug of a subject only the surest records start time.
GIVEN, HANDED_OUT, ORDERED = 0, 1, 2
_DAY = {HANDED_OUT: "on which {} was handed out", ORDERED: "of an order of {}"}
_RULE = {HANDED_OUT: "start.dispensed", ORDERED: "start.order"}
_TIME = {HANDED_OUT: "time starts with what was handed out", ORDERED: "time starts with a prescribed therapy"}
_TYPES = {GIVEN: "a statement or administration", HANDED_OUT: "a dispense", ORDERED: "an order"}
_COLUMNS = [SUBJECT, "DRUG", "DTC", "END", "RANK", "CATEGORY"]


def starting_records(ex: pd.DataFrame | None, cm: pd.DataFrame | None, study: Study) -> dict[str, pd.DataFrame]:
    """EX and antineoplastic CM (SUBJECT, DRUG, DTC, END, RANK, CATEGORY) that may start time.

    A record of a drug is left out where the subject has a surer one of it, and every order of CM where
    `[reference] orders` is `never`. What was handed out and is exposure by the study gives way to doses in EX only.
    """
    frames = {"EX": _records(ex, "EX"), "CM": _records(cm, "CM")}
    surest = _surest(pd.concat(list(frames.values())))
    of_ex, of_cm = (_kept(frame, surest) for frame in frames.values())
    supply = (frames["EX"]["RANK"] == HANDED_OUT) & _kept(frames["EX"], _surest(frames["EX"]))
    never = (frames["CM"]["RANK"] == ORDERED) & (study.reference.orders == "never")
    return {"EX": frames["EX"][of_ex | supply], "CM": frames["CM"][of_cm & ~never]}


def _surest(frame: pd.DataFrame) -> dict[tuple[str, str], int]:
    return dict(frame.groupby([SUBJECT, "DRUG"])["RANK"].min())


def _kept(frame: pd.DataFrame, surest: dict[tuple[str, str], int]) -> pd.Series:
    pairs = zip(frame[SUBJECT], frame["DRUG"], frame["RANK"], strict=True)
    return pd.Series([surest[subject, drug] == rank for subject, drug, rank in pairs], frame.index, dtype=bool)


def _records(frame: pd.DataFrame | None, domain: str) -> pd.DataFrame:
    if frame is None:
        return pd.DataFrame(columns=_COLUMNS).astype({"RANK": int})
    blank = pd.Series("", index=frame.index, dtype=object)
    name, intent = frame[DRUG], frame.get(INTENT, blank).fillna("")
    handed_out = frame.get(DISPENSED, blank).fillna("") == "Y"
    made = pd.DataFrame(
        {
            SUBJECT: frame[SUBJECT],
            "DRUG": name.where(name != "", frame[f"{domain}TRT"].str.upper()),
            "DTC": frame.get(f"{domain}STDTC", blank).fillna(""),
            "END": frame.get(f"{domain}ENDTC", blank).fillna(""),
            "RANK": np.select([intent != "", handed_out], [ORDERED, HANDED_OUT], GIVEN),
            "CATEGORY": frame.get(f"{domain}CAT", blank).fillna(""),
        }
    )
    counts = ~intent.isin(PLANNED) & (frame.get(f"{domain}OCCUR", blank).fillna("") != "N")
    return made[counts & (frame[ANTINEOPLASTIC] == "Y")] if domain == "CM" else made[counts]


def start_findings(
    records: dict[str, pd.DataFrame], dates: pd.DataFrame, who: pd.DataFrame, study: Study
) -> list[Finding]:
    """A finding for each subject whose time starts with an order or a dispense, as nothing says that it was given."""
    names = [n for n, start in (("EX", "first-dose"), ("CM", "first-antineoplastic")) if start in study.reference.start]
    if not names:
        return []
    both = pd.concat(list(records.values())) if "CM" in names else records["EX"]
    both = both[(both["DTC"] != "") & (both["DTC"] == both[SUBJECT].map(dates["RFSTDTC"]))]
    given = set(both.loc[both["RANK"] == GIVEN, SUBJECT])
    found = []
    for subject, own in both[~both[SUBJECT].isin(given)].groupby(SUBJECT, sort=True):
        usubjid, rank = str(who["USUBJID"][subject]), int(own["RANK"].min())
        drugs = ", ".join(sorted(set(own.loc[own["RANK"] == rank, "DRUG"])))
        said = (
            f"{usubjid}: RFSTDTC {own['DTC'].iloc[0]} is the day {_DAY[rank].format(drugs)}, and no record says that "
            f"it was given; {_TIME[rank]} ([reference] {'orders' if rank == ORDERED else 'exposure'})"
        )
        found.append(Finding(_RULE[rank], said, "warning", variable="RFSTDTC", usubjid=usubjid))
    return found


def exposure_findings(frames: dict[str, pd.DataFrame], who: pd.DataFrame, study: Study) -> list[Finding]:
    """What is known of study drugs and is no exposure by the study file, and exposure that is a supply.

    A finding for each subject and drug: a record of CM without a category of its own that says the drug was taken or
    handed out outside the days that EX has of it, or that it was ordered where EX has nothing of it.
    """
    names = {drug.name for drug in study.drugs}
    ex, cm = _records(frames.get("EX"), "EX"), _records(frames.get("CM"), "CM")
    found = _supplies(ex, who)
    told = cm[cm["DRUG"].isin(names) & (cm["CATEGORY"].isin(["", "ANTINEOPLASTIC"]))]
    spans = dict(iter(ex.groupby([SUBJECT, "DRUG"])))
    for (subject, drug), own in told.groupby([SUBJECT, "DRUG"], sort=True):
        rank = int(own["RANK"].min())
        own = own[own["RANK"] == rank]
        exposure = spans.get((subject, drug))
        outside = own if exposure is None else own[~_within(own, exposure)] if rank < ORDERED else own.iloc[:0]
        if len(outside):
            usubjid = str(who["USUBJID"][subject])
            first, last = outside["DTC"].min(), outside[["DTC", "END"]].max(axis=1).max()
            days = f"from {first or 'an unknown day'} " + ("on" if (outside["END"] == "").any() else f"to {last}")
            said = (
                f"{usubjid}: {_TYPES[rank]} says {drug} {days}, which EX does not have; treatment and exposure count "
                f"only {' and '.join(study.reference.exposure)} ([reference] exposure)"
            )
            found.append(Finding("exposure.not-counted", said, "warning", variable="EXTRT", usubjid=usubjid))
    return found


def _within(told: pd.DataFrame, exposure: pd.DataFrame) -> pd.Series:
    """Which records lie within the days of exposure; one without a date or an end is nowhere within."""
    first, last = exposure["DTC"].min()[:10], exposure[["DTC", "END"]].max(axis=1).max()[:10]
    start, end = told["DTC"].str[:10], told["END"].str[:10]
    handed_out = told["RANK"] == HANDED_OUT
    return (start != "") & (start >= first) & ((handed_out & (start <= last)) | ((end != "") & (end <= last)))


def _supplies(ex: pd.DataFrame, who: pd.DataFrame) -> list[Finding]:
    """A finding for each subject and drug of which a supply counts as exposure."""
    found = _mixed(ex, who)
    for (subject, drug), own in ex[ex["RANK"] == HANDED_OUT].groupby([SUBJECT, "DRUG"], sort=True):
        usubjid, unknown = str(who["USUBJID"][subject]), int((own["END"] == "").sum())
        said = f"{usubjid}: exposure to {drug} is {len(own)} dispenses, each from the day of handing out for the days "
        said += f"of supply{f' (not said for {unknown})' if unknown else ''}; that it was taken is not said"
        found.append(Finding("exposure.dispensed", said, "warning", variable="EXENDTC", usubjid=usubjid))
    return found


def _mixed(ex: pd.DataFrame, who: pd.DataFrame) -> list[Finding]:
    """A finding for each subject and drug of which EX has doses beside supplies or orders."""
    found = []
    for (subject, drug), own in ex.groupby([SUBJECT, "DRUG"], sort=True):
        kinds = sorted(set(own["RANK"]))
        if len(kinds) > 1:
            usubjid, names = str(who["USUBJID"][subject]), " and ".join(_TYPES[kind] for kind in kinds)
            said = f"{usubjid}: EX has {drug} by {names}: treatment in ADaM counts the days of all of them"
            found.append(Finding("exposure.mixed", said, "warning", variable="EXSTDTC", usubjid=usubjid))
    return found
