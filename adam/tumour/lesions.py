"""TU and TR as one table of lesion records: whose, which lesion, what kind, day, length and state."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
from fhir2cdisc.adam.criteria import evaluator_names, reader_names
from fhir2cdisc.adam.frames.arrays import Bools, Ints, Texts
from fhir2cdisc.adam.frames.columns import numbers, stack, texts
from fhir2cdisc.adam.frames.dates import NO_DAY, partial_days
from fhir2cdisc.adam.frames.findings import findings
from fhir2cdisc.adam.tumour.millimetres import mm, to_lengths
from fhir2cdisc.adam.tumour.options import RecistOptions

TARGET, NON_TARGET, NEW = "TARGET", "NON-TARGET", "NEW"
PANEL = ["subject", "eval", "evalid"]
DIAMETERS = ("LDIAM", "LPERP", "DIAMETER", "VDIAM")
SUMS = ("SUMDIAM", "SUMVDIAM")
# Words of a site or kind that name a lymph node, and those that say that it is none.
NODE_WORDS = ("LYMPH NODE", "LYMPHNODE", "NODE", "NODES", "NODAL", "LN", "LNS", "LYMPH GLAND", "LYMPHADENOPATHY")
NO_NODE_WORDS = ("EXTRANODAL", "EXTRA NODAL", "NON NODAL", "NONNODAL", "NOT NODAL", "NOT A NODE", "NO NODE")
_NODE = re.compile(rf"\b(?:{'|'.join(NODE_WORDS)})S?\b")
_NO_NODE = re.compile(rf"\b(?:{'|'.join(NO_NODE_WORDS)})\b")
STATES = ("TUMSTATE", "LNSTATE")

# States of a lesion, by rank: the highest of several records of one visit counts.
NOT_SEEN, GONE, EQUIVOCAL, THERE, GROWN, WORSE = range(6)
STATE_WORDS = {
    "ABSENT": GONE,
    "NON-PATHOLOGICAL": GONE,
    "NORMAL": GONE,
    "NEGATIVE": GONE,
    "DISAPPEARED": GONE,
    "RESOLVED": GONE,
    "CR": GONE,
    "EQUIVOCAL": EQUIVOCAL,
    "PRESENT": THERE,
    "PATHOLOGICAL": THERE,
    "POSITIVE": THERE,
    "UNCHANGED": THERE,
    "STABLE": THERE,
    "DECREASED": THERE,
    "NON-CR/NON-PD": THERE,
    "TUMOR MERGED": THERE,
    "INCREASED": GROWN,
    "DIFFUSELY INCREASED": GROWN,
    "FOCALLY INCREASED": GROWN,
    "ENLARGEMENT": GROWN,
    "ENLARGEMENT FROM NADIR": GROWN,
    "FURTHER ENLARGEMENT": GROWN,
    "FURTHER ENLARGEMENT FROM NADIR": GROWN,
    "UNEQUIVOCAL": WORSE,
    "UNEQUIVOCAL INCREASE": WORSE,
    "UNEQUIVOCAL PROGRESSION": WORSE,
    "PROGRESSION": WORSE,
    "PD": WORSE,
}
UNSEEN_WORDS = ("", "NE", "NOT EVALUABLE", "NOT ASSESSED", "NOT DONE", "UNKNOWN")
MERGED_WORDS = ("TUMOR MERGED", "MERGED", "COALESCED")
TOO_SMALL_WORDS = ("TOO SMALL TO MEASURE", "TOO SMALL", "<5", "< 5", "BELOW MEASURABLE LIMIT", "TSTM")


def lesion_table(tu: pd.DataFrame) -> pd.DataFrame:
    """The identified lesions: subject, evaluator, link, kind, whether a node, location, visit, date."""
    result = _first_text(tu, "TUSTRESC", "TUORRES")
    frame = pd.DataFrame(
        {
            "subject": texts(tu, "USUBJID"),
            "eval": evaluator_names(texts(tu, "TUEVAL")),
            "evalid": reader_names(texts(tu, "TUEVALID")),
            "link": texts(tu, "TULNKID"),
            "kind": kinds(result),
            "nodal": _is_node(texts(tu, "TULOC"), result),
            "loc": texts(tu, "TULOC"),
            "visit": texts(tu, "VISIT"),
            "visitnum": numbers(tu, "VISITNUM"),
            "dtc": texts(tu, "TUDTC"),
            "domain": "TU",
            "record": numbers(tu, "TUSEQ"),
        }
    )
    test = texts(tu, "TUTESTCD")
    identified = np.isin(test, ("", "TUMIDENT", "LESIDENT", "TUSPLIT", "TUMERGE")) & (frame["kind"] != "")
    return frame[identified & (frame["link"] != "")].reset_index(drop=True)


def kinds(words: Texts) -> Texts:
    """TARGET, NON-TARGET or NEW out of the terms of TUIDRS and TRGRPID; blank for anything else."""
    codes, uniques = pd.factorize(words)
    table = np.array([*(_kind(str(word).upper()) for word in uniques), ""], dtype=object)
    return np.asarray(table[codes])


def _kind(word: str) -> str:
    if word.startswith("NEW"):
        return NEW
    if word.startswith(("NON-TARGET", "NON TARGET", "NON-MEASURABLE")):
        return NON_TARGET
    return TARGET if word.startswith("TARGET") else ""


def _is_node(location: Texts, result: Texts) -> Bools:
    """Whether site or kind of a lesion names a lymph node (`NODE_WORDS`), what says that it is none left out."""
    codes, uniques = pd.factorize(location + " | " + result)
    return np.asarray(np.array([*(_names_node(str(one)) for one in uniques), False], dtype=bool)[codes])


def _names_node(words: str) -> bool:
    plain = re.sub(r"[^A-Z|]+", " ", words.upper())
    return bool(_NODE.search(_NO_NODE.sub(" ", plain)))


def _first_text(frame: pd.DataFrame, *names: str) -> Texts:
    value = texts(frame, names[0])
    for name in names[1:]:
        value = np.where(value == "", texts(frame, name), value)
    return value


def lesion_records(tu: pd.DataFrame, tr: pd.DataFrame, options: RecistOptions) -> pd.DataFrame:
    """One row per record of TR, and per new lesion of TU, with length, state and day.

    Columns: subject, eval, evalid, link, kind, nodal, loc, test, length (millionths of a mm, NaN), state,
    merged, unit, known (unit), day, imputed (`D`: the day is), visit, visitnum, baseline (flagged), done, domain,
    record (--SEQ).
    """
    lesions = lesion_table(tu)
    records = _measurements(tr, options)
    records = _attach(records, lesions)
    records = stack([records, _identified_new(lesions)])
    day, imputed = partial_days(records["dtc"].to_numpy(), options.date_imputation)
    return records.assign(day=day, imputed=imputed, visit=records["visit"].str.upper())


def _measurements(tr: pd.DataFrame, options: RecistOptions) -> pd.DataFrame:
    standard = texts(tr, "TRSTRESC")
    value = _numeric_text(tr, np.where(standard == "", texts(tr, "TRORRES"), standard))
    unit = np.where(standard == "", texts(tr, "TRORRESU"), _first_text(tr, "TRSTRESU", "TRORRESU"))
    done = texts(tr, "TRSTAT") != "NOT DONE"
    length, known = to_lengths(value, unit)
    upper = pd.Series(value, dtype=object).str.upper().to_numpy()
    test = texts(tr, "TRTESTCD")
    state = _states(upper)
    measured = np.isin(test, (*DIAMETERS, *SUMS))
    small = np.isin(upper, TOO_SMALL_WORDS)
    length = np.where(small, mm(options.too_small_mm), length)
    length = np.where(np.isnan(length) & (state == GONE), 0.0, length)
    return pd.DataFrame(
        {
            "subject": texts(tr, "USUBJID"),
            "eval": evaluator_names(texts(tr, "TREVAL")),
            "evalid": reader_names(texts(tr, "TREVALID")),
            "link": texts(tr, "TRLNKID"),
            "group": kinds(texts(tr, "TRGRPID")),
            "test": test,
            "value": value,
            "unit": unit,
            "known": known | ~measured,
            "length": np.where(done, length, np.nan),
            "state": np.where(done, state, NOT_SEEN),
            "merged": done & np.isin(upper, MERGED_WORDS),
            "done": done,
            "visit": texts(tr, "VISIT"),
            "visitnum": numbers(tr, "VISITNUM"),
            "dtc": texts(tr, "TRDTC"),
            "baseline": (texts(tr, "TRBLFL") == "Y") | (texts(tr, "TRLOBXFL") == "Y"),
            "seq": numbers(tr, "TRSEQ"),
            "domain": "TR",
            "record": numbers(tr, "TRSEQ"),
        }
    )


def _numeric_text(tr: pd.DataFrame, value: Texts) -> Texts:
    """Where only TRSTRESN holds the result, its shortest text."""
    numeric = numbers(tr, "TRSTRESN")
    need = (value == "") & ~np.isnan(numeric)
    if need.any():
        value = value.copy()
        value[need] = [repr(float(v)) for v in numeric[need]]
    return value


def _states(words: Texts) -> Ints:
    codes, uniques = pd.factorize(words)
    table = [STATE_WORDS.get(str(word), NOT_SEEN) for word in uniques]
    return np.asarray(np.array([*table, NOT_SEEN], dtype=np.int64)[codes])


def _attach(records: pd.DataFrame, lesions: pd.DataFrame) -> pd.DataFrame:
    """Kind, node and location from TU, by evaluator where TU names one, else by subject and link alone."""
    facts = ["kind", "nodal", "loc"]
    exact = lesions.drop_duplicates([*PANEL, "link"])[[*PANEL, "link", *facts]]
    loose = lesions.drop_duplicates(["subject", "link"])[["subject", "link", *facts]]
    found = records.merge(exact, on=[*PANEL, "link"], how="left")
    other = records[["subject", "link"]].merge(loose, on=["subject", "link"], how="left")
    for name in facts:
        missing = found[name].isna()
        found[name] = found[name].astype(object).where(~missing, other[name])
    found["identified"] = found["kind"].notna()
    found["kind"] = found["kind"].where(found["identified"], found["group"]).fillna("")
    found["nodal"] = found["nodal"].eq(True)
    found["loc"] = found["loc"].fillna("")
    return found.drop(columns="group")


def _identified_new(lesions: pd.DataFrame) -> pd.DataFrame:
    """New lesions count on the day of their identification even where TR holds no record of it."""
    new = lesions[lesions["kind"] == NEW]
    dated = new[(new["dtc"] != "") | new["visitnum"].notna() | (new["visit"] != "")]
    return dated.assign(
        test="TUMIDENT",
        value="",
        unit="",
        known=True,
        length=np.nan,
        state=THERE,
        merged=False,
        done=True,
        baseline=False,
        seq=np.nan,
        identified=True,
    )


def record_findings(records: pd.DataFrame, options: RecistOptions) -> list[pd.DataFrame]:
    """Findings on single records: unknown units, texts that say nothing, days that are missing."""
    from_tr = (records["test"] != "TUMIDENT").to_numpy() & records["done"].to_numpy()
    measured = np.isin(records["test"].to_numpy(), (*DIAMETERS, *SUMS))
    unit = ~records["known"].to_numpy()
    empty = records["length"].isna().to_numpy() & (records["state"] == NOT_SEEN).to_numpy()
    said = ~np.isin(records["value"].str.upper().to_numpy(), (*UNSEEN_WORDS, *MERGED_WORDS, *TOO_SMALL_WORDS))
    of_lesion = measured | np.isin(records["test"].to_numpy(), STATES)
    undated = (records["day"] == NO_DAY).to_numpy() & records["done"].to_numpy()
    return [
        _about(records[from_tr & unit], "unit", "unknown unit", "ERROR", "has unit {0!r}, not mm or cm"),
        _about(
            records[from_tr & of_lesion & empty & said & ~unit],
            "value",
            "unknown result",
            "ERROR",
            "has result {0!r}, which is neither a length nor a known state",
        ),
        _about(records[undated], "dtc", "visit without date", "ERROR", "has date {0!r} and is left out"),
    ]


def _about(records: pd.DataFrame, column: str, rule: str, severity: str, says: str) -> pd.DataFrame:
    variable = {"unit": "TRORRESU", "value": "TRORRES", "dtc": "TRDTC"}[column]
    rows = (
        (s, link, variable, value, f"Lesion {link or '(none)'} at {visit or 'a visit'} {says.format(value)}.")
        for s, link, value, visit in zip(
            records["subject"], records["link"], records[column], records["visit"], strict=True
        )
    )
    return findings("TR", rule, severity, rows)
