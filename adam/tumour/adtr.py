"""ADTR: sum of diameters and diameters of lesions, with baseline, nadir, changes and flags.

Source: ADaMIG 1.3, section 3.3 (BDS); parameters and flags as in the admiralonco template.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from fhir2cdisc.adam.criteria import INVESTIGATOR, evaluator_names, natural_order, reader_names
from fhir2cdisc.adam.frames.arrays import Ints, Texts
from fhir2cdisc.adam.frames.columns import stack, texts
from fhir2cdisc.adam.frames.dates import column_days, dates
from fhir2cdisc.adam.frames.variables import (
    BDS,
    CATEGORIES,
    IDENTIFIERS,
    PARAMETER,
    assessed,
    derived,
    names_of,
    numbered,
    predecessor,
    with_methods,
)
from fhir2cdisc.adam.tumour.lesions import TARGET
from fhir2cdisc.adam.tumour.millimetres import PER_MM
from fhir2cdisc.adam.tumour.options import RecistOptions
from fhir2cdisc.adam.tumour.recist import Assessed, Lesions, Measured
from fhir2cdisc.mappings.standard.datasets import Dataset

VARIABLES = (
    *IDENTIFIERS,
    *PARAMETER,
    *CATEGORIES,
    derived(
        "AVAL",
        "Analysis Value",
        "SDIAM: sum of the lengths of the target lesions (by TU, else TRGRPID) in mm: LDIAM, of a lymph node LPERP "
        "(mRECIST: VDIAM), of several scans of an assessment the last. LDIAMn, NLDIAMn, VDIAMn: LDIAM, LPERP, VDIAM of "
        "the n-th target lesion.",
        "Num",
        core="Perm",
    ),
    derived("BASE", "Baseline Value", "AVAL of the record of the parameter with ABLFL Y.", "Num", core="Perm"),
    derived("CHG", "Change from Baseline", "AVAL - BASE.", "Num", core="Perm"),
    derived(
        "PCHG",
        "Percent Change from Baseline",
        "100 * (AVAL - BASE) / BASE; missing where BASE is 0.",
        "Num",
        core="Perm",
    ),
    derived(
        "NADIR",
        "Nadir",
        "SDIAM: the lowest AVAL before, baseline included, with ANL01FL Y; missing in other parameters.",
        "Num",
        core="Perm",
    ),
    derived("CHGNAD", "Change from Nadir", "AVAL - NADIR.", "Num", core="Perm"),
    derived(
        "PCHGNAD",
        "Percent Change from Nadir",
        "100 * (AVAL - NADIR) / NADIR; missing where NADIR is 0.",
        "Num",
        core="Perm",
    ),
    *assessed(
        "",
        "D where ADT is a month without its day.",
        "BASELINE for the assessment with ABLFL Y, else VISIT in capitals.",
        "0 for the assessment with ABLFL Y, else VISITNUM.",
    ),
    derived(
        "ABLFL",
        "Baseline Record Flag",
        "Y for the last assessment that began on or before TRTSDT; where there is none the last flagged by TRBLFL or "
        "TRLOBXFL, else the last of a visit SCREENING or BASELINE, else the first.",
        core="Perm",
    ),
    derived(
        "ANL01FL",
        "Analysis Flag 01",
        "SDIAM: Y where every lesion of LSEXP was measured. Others: Y.",
        core="Perm",
    ),
    derived(
        "ANL02FL",
        "Analysis Flag 02",
        "SDIAM: Y for the lowest AVAL after baseline with ANL01FL Y, the first of equals.",
        core="Perm",
    ),
    derived(
        "ANL03FL",
        "Analysis Flag 03",
        "SDIAM: Y where ANL01FL is Y and neither this record nor one before it has PDFL Y.",
        core="Perm",
    ),
    derived("ANL04FL", "Analysis Flag 04", "SDIAM: Y where ANL01FL or PDFL is Y.", core="Perm"),
    derived(
        "PDFL",
        "Progressive Disease Flag",
        "SDIAM: Y where CHGNAD is at least 5 mm (mRECIST: above 0) and at least 20% of NADIR, or a lesion that is no "
        "lymph node has a length after an assessment without one (and with lymph nodes under 10 mm).",
        core="Perm",
    ),
    derived(
        "LSEXP",
        "Lesion IDs Expected",
        "SDIAM: TRLNKID of the target lesions with a length at baseline. Others: TRLNKID.",
        core="Perm",
    ),
    derived(
        "LSASS",
        "Lesion IDs Assessed",
        "SDIAM: TRLNKID of those of LSEXP that have a length. Others: TRLNKID.",
        core="Perm",
    ),
    predecessor("TRLNKID", "Link ID", "TR", core="Perm"),
    predecessor("TULOC", "Location of the Tumor/Lesion", "TU", core="Perm"),
    *numbered("TRSEQ of the measurement; missing for SDIAM, which has several.", "PARAMCD, ADT and AVISITN"),
)
COLUMNS = names_of(VARIABLES)


def adtr_dataset(options: RecistOptions | None = None) -> Dataset:
    """ADTR: sum of diameters and diameters of lesions."""
    options = options or RecistOptions()
    when = (
        "SDIAM: the first day of the assessment, which is all scans of a VISITNUM (unscheduled ones: while at most "
        f"{options.visit_window_days} days lie between one and the next). Others: the day of the measurement. Of a "
        f"month without its day the {options.date_imputation}."
    )
    keys = ("STUDYID", "USUBJID", "PARAMCD", "ADT", "ASEQ")
    structure = "One record per subject per parameter per assessment"
    return Dataset("ADTR", "Tumor Results Analysis", BDS, structure, with_methods(VARIABLES, {"ADT": when}), keys)


_AXES = {
    "LDIAM": ("LDIAM", "Diameter"),
    "LPERP": ("NLDIAM", "Perpendicular"),
    "VDIAM": ("VDIAM", "Viable Diameter"),
}


def derive_adtr(
    adsl: pd.DataFrame,
    tu: pd.DataFrame,
    tr: pd.DataFrame,
    options: RecistOptions | None = None,
    *,
    evaluator: str = INVESTIGATOR,
    evaluator_id: str = "",
    reference: str = "TRTSDT",
    keep: Sequence[str] = (),
    lesions: Lesions | None = None,
) -> pd.DataFrame:
    """ADTR of one evaluator: SDIAM per assessment, and the axes of every target lesion.

    `evaluator_id` narrows it to one reader; without it the first reader of each subject counts (see `evaluators`).
    SDIAM adds longest diameters and short axes of nodes, baseline included. BASE is the sum at baseline,
    NADIR the lowest complete sum before the assessment. ANL01FL: all target lesions measured. ANL02FL: the
    lowest complete sum after baseline (best percentage change; the first of equals). ANL03FL: complete and
    before progression. ANL04FL: complete, or progression all the same. PDFL: target progression. LDIAMn and
    NLDIAMn are the longest diameter and the one perpendicular to it of the n-th target lesion. `adsl` needs
    USUBJID and the `reference` date; `keep` names ADSL columns to carry along; `lesions` are those of `tu` and `tr`
    where somebody has measured them already.
    """
    options = options or RecistOptions()
    own_tu, own_tr = _of(tu, tr, evaluator, evaluator_id)
    if lesions is None or len(own_tu) < len(tu) or len(own_tr) < len(tr):
        start = adsl.assign(TRTSDT=adsl[reference]) if reference in adsl.columns else None
        lesions = Lesions(own_tu, own_tr, start)
    assessed = lesions.judged(options)
    rows = stack([_sums(assessed), _axes(assessed.measured)])
    rows = rows[rows["USUBJID"].isin(texts(adsl, "USUBJID"))]
    return _finish(rows, adsl, f"{evaluator} {evaluator_id}".strip(), reference, options, keep)


def _of(tu: pd.DataFrame, tr: pd.DataFrame, evaluator: str, reader: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The records of the evaluator: of the reader that is named, else of one reader a subject.

    That is the reader whose records are accepted (most often), else the first one; the investigator's are everybody's
    where none is accepted. A lesion that TU gives no reader is everybody's.
    """
    wanted = [evaluator, ""] if evaluator == INVESTIGATOR else [evaluator]
    tu, tr = (f[np.isin(evaluator_names(texts(f, f"{d}EVAL")), wanted)] for f, d in ((tu, "TU"), (tr, "TR")))
    given = [reader_names(texts(f, f"{d}EVALID")) for f, d in ((tu, "TU"), (tr, "TR"))]
    shared = given[0] == ""
    if reader:
        own = [one == reader_names(np.array([reader], dtype=object))[0] for one in given]
    else:
        counts = _reader_of_subject(tu, tr, given, everybody=evaluator == INVESTIGATOR)
        subjects = [pd.Series(texts(f, "USUBJID")) for f in (tu, tr)]
        who = [one.map(counts) for one in subjects]
        own = [((w == g) | w.isna()).to_numpy() for w, g in zip(who, given, strict=True)]
    return tu[own[0] | shared], tr[own[1]]


def _reader_of_subject(tu: pd.DataFrame, tr: pd.DataFrame, given: list[Texts], everybody: bool) -> dict[str, str]:
    """The one reader who counts for a subject; a subject of whom `everybody` counts is left out."""
    table = pd.DataFrame(
        {
            "subject": np.concatenate([texts(tu, "USUBJID"), texts(tr, "USUBJID")]),
            "reader": np.concatenate(given),
            "accepted": np.concatenate([texts(tu, "TUACPTFL"), texts(tr, "TRACPTFL")]) == "Y",
            "lesion": np.repeat([True, False], [len(tu), len(tr)]),
        }
    )
    table["order"] = natural_order(table["reader"].to_numpy(dtype=object))
    # Who measured decides; a lesion without reader is no reader of its own.
    table = table[~table["lesion"] | (table["reader"] != "")]
    sizes = table.groupby(["subject", "order", "reader"], as_index=False).agg(accepted=("accepted", "sum"))
    ranked = sizes.sort_values(["subject", "accepted", "order"], ascending=[True, False, True])
    one = ranked.drop_duplicates("subject")
    one = one[one["accepted"] > 0] if everybody else one
    return dict(zip(one["subject"], one["reader"], strict=True))


def _sums(assessed: Assessed) -> pd.DataFrame:
    """SDIAM: one row per assessment with a measured target lesion."""
    table = assessed.table
    table = table[(table["base"] | table["post"]) & (table["measured"] > 0)]
    total, base, nadir = table["sum"], table["basesum"], table["nadir"]
    complete, pd_ = table["complete"], table["target"].isin(["PD", "iUPD"])
    after = pd_.groupby(table["panel"]).cummax()
    post = complete & ~table["base"]
    lowest = total.where(post).groupby(table["panel"]).transform("min")
    best = post & (total == lowest)
    best &= ~best.groupby(table["panel"]).cumsum().gt(1)
    expected = assessed.expected.sort_values(["panel", "link"]).groupby("panel")["link"].agg(", ".join)
    seen = assessed.lengths[["tp", "link"]].drop_duplicates().sort_values(["tp", "link"])
    frame = _rows(table, "SDIAM", "Target Lesions Sum of Diameters")
    return frame.assign(
        AVAL=total / PER_MM,
        BASE=base / PER_MM,
        CHG=(total - base) / PER_MM,
        PCHG=100 * (total - base) / base.where(base > 0),
        NADIR=nadir / PER_MM,
        CHGNAD=(total - nadir) / PER_MM,
        PCHGNAD=100 * (total - nadir) / nadir.where(nadir > 0),
        ANL01FL=_yes(complete),
        ANL02FL=_yes(best),
        ANL03FL=_yes(complete & ~after),
        ANL04FL=_yes(complete | pd_),
        PDFL=_yes(pd_),
        LSEXP=table["panel"].map(expected),
        LSASS=seen.groupby("tp")["link"].agg(", ".join).reindex(table.index),
    ).reset_index(drop=True)


def _rows(table: pd.DataFrame, code: str | pd.Series, words: str | pd.Series) -> pd.DataFrame:
    visit = table["visit"].where(~table["base"], "BASELINE")
    return pd.DataFrame(
        {
            "USUBJID": table["subject"],
            "PARAMCD": code,
            "PARAM": words,
            "ADT": dates(table["first"].to_numpy(dtype=np.int64)),
            "ADTF": table["imputed"],
            "AVISIT": visit,
            "AVISITN": table["visitnum"].where(~table["base"], 0.0),
            "ABLFL": _yes(table["base"]),
        },
        index=table.index,
    )


def _yes(mask: pd.Series) -> pd.Series:
    return pd.Series(np.where(mask, "Y", ""), index=mask.index, dtype=object)


def _axes(measured: Measured) -> pd.DataFrame:
    """LDIAMn, NLDIAMn, VDIAMn: one row per measured axis of a target lesion."""
    records, points = measured.records, measured.points
    rows = records[(records["kind"] == TARGET) & records["test"].isin(_AXES) & records["length"].notna()]
    rows = rows.merge(points[["order", "base", "post"]], left_on="tp", right_on="order")
    rows = rows[rows["base"] | rows["post"]].sort_values(["tp", "link", "test", "day", "seq"])
    rows = rows.drop_duplicates(["tp", "link", "test"], keep="last").reset_index(drop=True)
    names = rows[["panel", "link"]].drop_duplicates().sort_values(["panel", "link"])
    names["n"] = (names.groupby("panel").cumcount() + 1).astype(str)
    rows = rows.merge(names, on=["panel", "link"], how="left").assign(first=lambda f: f["day"])
    code = rows["test"].map({test: said[0] for test, said in _AXES.items()}) + rows["n"]
    axis = rows["test"].map({test: said[1] for test, said in _AXES.items()})
    base = rows["length"].where(rows["base"]).groupby([rows["panel"], code]).transform("max")
    return _rows(rows, code, "Target Lesion " + rows["n"] + " Analysis " + axis).assign(
        AVAL=rows["length"] / PER_MM,
        BASE=base / PER_MM,
        CHG=(rows["length"] - base) / PER_MM,
        PCHG=100 * (rows["length"] - base) / base.where(base > 0),
        ANL01FL="Y",
        LSEXP=rows["link"],
        LSASS=rows["link"],
        TRLNKID=rows["link"],
        TULOC=rows["loc"],
        SRCSEQ=rows["seq"],
    )


def _finish(
    rows: pd.DataFrame,
    adsl: pd.DataFrame,
    evaluator: str,
    reference: str,
    options: RecistOptions,
    keep: Sequence[str],
) -> pd.DataFrame:
    """Constants, study day, sources and sequence numbers, in the order of the metadata."""
    rows = rows.sort_values(["USUBJID", "PARAMCD", "ADT", "AVISITN"], kind="stable").reset_index(drop=True)
    place = np.asarray(pd.Index(texts(adsl, "USUBJID")).get_indexer(rows["USUBJID"]), dtype=np.int64)
    measured = rows["PARAMCD"] == "SDIAM"
    rows = rows.assign(
        STUDYID=texts(adsl, "STUDYID")[place],
        PARAM=rows["PARAM"].where(~measured, rows["PARAM"] + f" by {evaluator.title()}"),
        PARCAT1="Target Lesion(s)",
        PARCAT2=evaluator.title(),
        PARCAT3=options.criteria,
        ADY=_study_day(column_days(rows, "ADT"), column_days(adsl, reference)[place]),
        SRCDOM="TR",
        SRCVAR="TRSTRESN",
        ASEQ=rows.groupby("USUBJID").cumcount() + 1.0,
    )
    for name in ("ANL02FL", "ANL03FL", "ANL04FL", "PDFL", "LSEXP", "LSASS", "TRLNKID", "TULOC"):
        rows[name] = texts(rows, name)
    carried = [name for name in keep if name in adsl.columns and name not in COLUMNS]
    rows = rows.assign(**{name: adsl[name].to_numpy()[place] for name in carried})
    return rows.reindex(columns=[*COLUMNS, *carried])


def _study_day(day: Ints, start: Ints) -> np.ndarray:
    known = start > np.iinfo(np.int64).min
    return np.where(known, day - start + (day >= start), np.nan).astype(np.float64)
