"""Therapy guided by a molecular tumour board: which line followed which recommendation, first and second.

Guided: the therapy is a drug that the board recommended, or of the class that it recommended, and the board's
conclusion is dated before the therapy began. The matched recommendation is kept for audit.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
from fhir2cdisc.adam.frames.columns import number, text
from fhir2cdisc.adam.frames.dates import date
from fhir2cdisc.adam.frames.variables import derived, derived_date, names_of

MATCH_COLUMNS = ("USUBJID", "TRT", "ASTDT", "SRCDOM", "SRCSEQ", "RECID", "RECDT", "MATCHBY", "GENE")
_THERAPY = (
    "a drug of EX, or of CM where CMCAT holds SUBSEQUENT or is ANTINEOPLASTIC but for orders (SUPPCM CMSRC) of study "
    "drugs, from its first complete date"
)
VARIABLES = (
    derived("MTBFL", "Tumor Board Recommendation Flag", "Y if FA holds a recommendation (MTBREC), else N"),
    derived_date("MTBDT", "Date of First Tumor Board Recommendation", "Earliest complete FA.FADTC of MTBREC"),
    derived(
        "MTBMFL",
        "Tumor Board Guided Therapy Flag",
        f"Y if a therapy ({_THERAPY}) is a drug of a recommendation dated before it, else N",
    ),
    derived(
        "MTBREC",
        "Matched Recommendation",
        "FA.FASPID of the recommendation that the therapy of MTBTDT matches, the latest before it, then the lowest",
    ),
    derived_date(
        "MTBTDT", "Start of First Guided Therapy", "Start of the first therapy that matches a recommendation (MTBMFL)"
    ),
    derived_date(
        "RESISTDT",
        "Date of Resistance to Targeted Therapy",
        "Earliest complete date after MTBTDT of an overall response PD (RS OVRLRESP of the study's evaluator)",
    ),
    derived("RESISTFL", "Resistance to Targeted Therapy Flag", "Y if RESISTDT is present, else N"),
    derived(
        "SECMTBFL",
        "Second Guided Therapy Flag",
        "Y if a therapy from RESISTDT on matches a recommendation other than MTBREC and dated after it, else N",
    ),
    derived("SECREC", "Second Matched Recommendation", "FA.FASPID of the recommendation of the therapy of SECTDT"),
    derived_date("SECTDT", "Start of Second Guided Therapy", "Start of the first therapy of SECMTBFL"),
)
SUBJECT_COLUMNS = ("USUBJID", *names_of(VARIABLES))


@dataclass(frozen=True, slots=True)
class MtbOptions:
    """`same_day`: a recommendation on the day of the start counts as before; `by_class`: match classes."""

    same_day: bool = False
    by_class: bool = True


DEFAULTS = MtbOptions()


def guided_therapies(
    recommendations: pd.DataFrame, therapies: pd.DataFrame, options: MtbOptions = DEFAULTS
) -> pd.DataFrame:
    """The therapies that a recommendation guided, one row each (`MATCH_COLUMNS`), in order of start.

    `recommendations`: USUBJID, RECID, RECDT, DRUG, optional CLASS and GENE. `therapies`: USUBJID, TRT, ASTDT,
    SRCDOM, SRCSEQ, optional CLASS. Names are compared without regard to case and spacing; several drugs in
    one field are separated by `+`, `;` or `,`, and one in common is a match. Of several recommendations a
    drug match wins over a class match, then the latest before the start, then the lower RECID. Without both
    dates nothing is guided.
    """
    rec = _recommendations(recommendations)
    lines = _therapies(therapies)
    pairs = lines.merge(rec, on="USUBJID", suffixes=("", "_r"))
    late = pairs["ASTDT"] >= pairs["RECDT"] if options.same_day else pairs["ASTDT"] > pairs["RECDT"]
    pairs = pairs[late]
    both = list(zip(pairs["NAMES"], pairs["NAMES_r"], strict=True))
    classes = list(zip(pairs["CLASSES"], pairs["CLASSES_r"], strict=True))
    drug = pd.Series([bool(a & b) for a, b in both], index=pairs.index, dtype=bool)
    kind = pd.Series([options.by_class and bool(a & b) for a, b in classes], index=pairs.index, dtype=bool)
    found = pairs.assign(MATCHBY=drug.map({True: "DRUG", False: "CLASS"}))[drug | kind]
    order = ["_line", "MATCHBY", "RECDT", "RECID"]
    found = found.sort_values(order, ascending=[True, False, False, True], kind="stable")
    found = found.drop_duplicates("_line").sort_values(["USUBJID", "ASTDT", "SRCDOM", "SRCSEQ"])
    return found[list(MATCH_COLUMNS)].reset_index(drop=True)


def mtb_guided(
    recommendations: pd.DataFrame,
    therapies: pd.DataFrame,
    resistance: pd.DataFrame | None = None,
    subjects: pd.DataFrame | None = None,
    options: MtbOptions = DEFAULTS,
) -> pd.DataFrame:
    """One row per subject (`SUBJECT_COLUMNS`): the first and second guided therapy and their recommendations.

    MTBFL, MTBDT: has a recommendation, and the first one's date. MTBMFL, MTBREC, MTBTDT: received a guided
    therapy, its recommendation and start. RESISTFL, RESISTDT: had resistance to a targeted therapy: from
    `resistance` (USUBJID, ADT; progression or stop) the first date after the first guided therapy began.
    SECMTBFL, SECREC, SECTDT: after resistance a guided therapy by another recommendation that is dated after
    the one of the first therapy. Without `resistance` the second is not estimable and its flag is `""`.
    `subjects` (USUBJID) are all enrolled; by default those in the two frames.
    """
    guided = guided_therapies(recommendations, therapies, options)
    names = _subjects(recommendations, therapies) if subjects is None else subjects["USUBJID"]
    out = pd.DataFrame({"USUBJID": pd.Series(names, dtype=object).drop_duplicates().to_numpy()})
    first_rec = _recommendations(recommendations).groupby("USUBJID")["RECDT"].min()
    out["MTBDT"] = _day(out["USUBJID"].map(first_rec))
    out["MTBFL"] = _yes_no(out["USUBJID"].isin(recommendations["USUBJID"]))
    first = guided.drop_duplicates("USUBJID").set_index("USUBJID")
    out = _line(out, first, "MTBMFL", "MTBREC", "MTBTDT")
    out["RESISTDT"] = _day(out["USUBJID"].map(_resistance(first, resistance)))
    out["RESISTFL"] = _yes_no(out["RESISTDT"].notna())
    out = _line(out, _second(guided, first, out.set_index("USUBJID")["RESISTDT"]), "SECMTBFL", "SECREC", "SECTDT")
    if resistance is None:
        out["RESISTFL"], out["SECMTBFL"] = "", ""
    return out[list(SUBJECT_COLUMNS)]


def guidance_periods(guided: pd.DataFrame, therapies: pd.DataFrame) -> pd.DataFrame:
    """Periods for `derive_adae`: from each start of therapy, `MTB-guided` or `Other therapy`.

    Returns USUBJID, APERIOD, TRTA, ASTDT. Therapies begun on one day are one period, guided if any is.
    """
    lines = _therapies(therapies).dropna(subset="ASTDT")
    keys = pd.MultiIndex.from_frame(lines[["USUBJID", "SRCDOM", "SRCSEQ", "TRT"]])
    lines = lines.assign(_guided=keys.isin(pd.MultiIndex.from_frame(guided[["USUBJID", "SRCDOM", "SRCSEQ", "TRT"]])))
    out = lines.groupby(["USUBJID", "ASTDT"], sort=True)["_guided"].any().reset_index()
    out["TRTA"] = out["_guided"].map({True: "MTB-guided", False: "Other therapy"}).astype(object)
    out["APERIOD"] = out.groupby("USUBJID").cumcount().add(1).astype(float)
    return out[["USUBJID", "APERIOD", "TRTA", "ASTDT"]]


def _second(guided: pd.DataFrame, first: pd.DataFrame, resistance: pd.Series) -> pd.DataFrame:
    later = guided.join(first[["RECID", "RECDT"]].add_suffix("_first"), on="USUBJID")
    since = _day(later["USUBJID"].map(resistance))
    new = (later["RECID"] != later["RECID_first"]) & (later["RECDT"] > later["RECDT_first"])
    return later[new & (later["ASTDT"] >= since)].drop_duplicates("USUBJID").set_index("USUBJID")


def _resistance(first: pd.DataFrame, resistance: pd.DataFrame | None) -> pd.Series:
    if resistance is None or not len(resistance):
        return pd.Series(dtype="datetime64[ns]")
    rows = pd.DataFrame({"USUBJID": resistance["USUBJID"], "ADT": date(resistance, "ADT")})
    after = rows["ADT"] > _day(rows["USUBJID"].map(first["ASTDT"]))
    return rows[after].groupby("USUBJID")["ADT"].min()


def _line(out: pd.DataFrame, lines: pd.DataFrame, fl: str, rec: str, start: str) -> pd.DataFrame:
    out[fl] = _yes_no(out["USUBJID"].isin(lines.index))
    out[rec] = out["USUBJID"].map(lines["RECID"]).fillna("").astype(object)
    out[start] = _day(out["USUBJID"].map(lines["ASTDT"]))
    return out


def _recommendations(frame: pd.DataFrame) -> pd.DataFrame:
    out = pd.DataFrame({"USUBJID": text(frame, "USUBJID"), "RECID": text(frame, "RECID")})
    out["RECDT"], out["GENE"] = date(frame, "RECDT"), text(frame, "GENE")
    out["NAMES"], out["CLASSES"] = text(frame, "DRUG").map(_split), text(frame, "CLASS").map(_split)
    return out


def _therapies(frame: pd.DataFrame) -> pd.DataFrame:
    out = pd.DataFrame({"USUBJID": text(frame, "USUBJID"), "TRT": text(frame, "TRT")})
    out["ASTDT"], out["SRCDOM"], out["SRCSEQ"] = (
        date(frame, "ASTDT"),
        text(frame, "SRCDOM"),
        number(frame, "SRCSEQ"),
    )
    out["NAMES"], out["CLASSES"] = out["TRT"].map(_split), text(frame, "CLASS").map(_split)
    return out.assign(_line=range(len(out)))


def _split(names: str) -> frozenset[str]:
    pieces = names.replace("+", ";").replace(",", ";").split(";")
    return frozenset(" ".join(p.split()).casefold() for p in pieces if p.strip())


def _subjects(*frames: pd.DataFrame) -> list[str]:
    return sorted({s for f in frames for s in f["USUBJID"]})


def _yes_no(condition: pd.Series) -> pd.Series:
    return condition.map({True: "Y", False: "N"}).astype(object)


def _day(values: pd.Series) -> pd.Series:
    return pd.to_datetime(values).astype("datetime64[ns]")
