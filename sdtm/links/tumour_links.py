"""How TU, TR and RS belong together: TRGRPID, TRLNKGRP and RSLNKGRP (SDTMIG 3.4 section 6.3.12)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import pandas as pd
from fhir2cdisc.sdtm.columns import LESION, ORDER
from fhir2cdisc.sdtm.methods import derives

_KEYS = ["USUBJID", "READER", "WHEN"]


def name_lesions(frames: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """TU and TR with --LNKID of lesions that have no name of their own: L1, L2 ... within the subject.

    The id that the source's server gave a lesion tells it from others and stands in no dataset. Lesions are numbered as
    TU, then TR names them; a name that the source gives to another lesion of the subject is passed over.
    """
    parts = [
        frame.sort_values(ORDER)[["USUBJID", f"{domain}LNKID", LESION]].set_axis(["USUBJID", "NAME", "LESION"], axis=1)
        for domain in ("TU", "TR")
        if LESION in (frame := frames.get(domain, pd.DataFrame()))
    ]
    if not parts:
        return {}
    every = pd.concat(parts).fillna("")
    known = set(zip(every["USUBJID"], every["NAME"], strict=True))
    nameless = every[(every["NAME"] == "") & (every["LESION"] != "")]
    names: dict[tuple[str, str], str] = {}
    used: Counter[str] = Counter()
    for subject, lesion in dict.fromkeys(zip(nameless["USUBJID"], nameless["LESION"], strict=True)):
        used[subject] += 1
        while (subject, f"L{used[subject]}") in known:
            used[subject] += 1
        names[subject, lesion] = f"L{used[subject]}"
    return {domain: _named(frames[domain], domain, names) for domain in ("TU", "TR") if domain in frames}


def _named(frame: pd.DataFrame, domain: str, names: Mapping[tuple[str, str], str]) -> pd.DataFrame:
    if LESION not in frame:
        return frame
    keys = zip(frame["USUBJID"], frame[LESION].fillna(""), strict=True)
    made = pd.Series([names.get(key, "") for key in keys], index=frame.index, dtype=object)
    own = frame[f"{domain}LNKID"].fillna("")
    return frame.assign(**{f"{domain}LNKID": own.where(own != "", made)})


@derives(
    "TRGRPID",
    "The standard result of TUMIDENT (target, non-target, new) of the lesion of TRLNKID, by the reader, else by any",
)
def link_lesions(frames: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """TR with TRGRPID, the role that TU gives the lesion; of several by one reader the first that was read.

    Nothing where TU or TR is missing.
    """
    if "TU" not in frames or "TR" not in frames:
        return {}
    tu, tr = frames["TU"], frames["TR"]
    roles = tu[(tu["TUTESTCD"] == "TUMIDENT") & (tu["TULNKID"] != "")].sort_values(ORDER)
    same_reader = roles.groupby(["USUBJID", "TULNKID", "TUEVAL", "TUEVALID"])["TUSTRESC"].first()
    any_reader = roles.groupby(["USUBJID", "TULNKID"])["TUSTRESC"].first()
    keys = pd.MultiIndex.from_frame(tr[["USUBJID", "TRLNKID", "TREVAL", "TREVALID"]])
    role = pd.Series(same_reader.reindex(keys).to_numpy(), index=tr.index, dtype=object)
    other = pd.Series(any_reader.reindex(keys.droplevel([2, 3])).to_numpy(), index=tr.index, dtype=object)
    return {"TR": tr.assign(TRGRPID=role.where(role.notna(), other).fillna(""))}


@derives(
    "TRLNKGRP RSLNKGRP",
    "Assessment of one reader at one visit (one day where no visit is known), numbered by first date within subject "
    "and reader; in RS on the only overall response of the assessment",
)
def link_assessments(frames: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """TR with TRLNKGRP of every measurement with a visit or date, RS with RSLNKGRP of the response judged by them.

    All measurements of one reader at one visit (one day, where no visit is known) are a group. Groups are numbered
    within subject and reader by their first date: `A1`, `A2`, and `RADIOLOGIST 2-A1` for an independent reader.
    RELREC relates many measurements to one response, so that two overall responses of one group are not linked.
    Nothing where one of the two is missing.
    """
    if "TR" not in frames or "RS" not in frames:
        return {}
    tr, rs = frames["TR"], frames["RS"]
    measured, judged = _assessment(tr, "TR"), _assessment(rs, "RS")
    names = _names(measured.assign(DATE=tr["TRDTC"]))
    overall = judged.where(rs["RSTESTCD"] == "OVRLRESP", "")
    overall = overall.where(~overall.duplicated(keep=False), "")
    return {"TR": tr.assign(TRLNKGRP=_found(names, measured)), "RS": rs.assign(RSLNKGRP=_found(names, overall))}


def _assessment(frame: pd.DataFrame, domain: str) -> pd.DataFrame:
    """Subject, reader and visit (else day) of each row; WHEN is blank where neither visit nor day is known."""
    blank = pd.Series("", index=frame.index, dtype=object)
    evaluator, identifier = (frame.get(f"{domain}{name}", blank).fillna("") for name in ("EVAL", "EVALID"))
    visit = frame["VISITNUM"] if "VISITNUM" in frame else pd.Series(float("nan"), index=frame.index)
    named = visit.map(lambda number: "" if pd.isna(number) else f"visit {number:g}")
    return pd.DataFrame(
        {
            "USUBJID": frame["USUBJID"],
            "READER": identifier.where(identifier != "", evaluator.replace("INVESTIGATOR", "")),
            "WHEN": named.where(named != "", frame[f"{domain}DTC"].fillna("").str.slice(0, 10)),
        }
    )


def _names(rows: pd.DataFrame) -> pd.Series:
    """The name of each group, by subject, reader and visit."""
    groups = rows[rows["WHEN"] != ""].groupby(_KEYS, as_index=False)["DATE"].min()
    groups = groups.sort_values(["USUBJID", "READER", "DATE", "WHEN"], kind="stable")
    number = (groups.groupby(["USUBJID", "READER"]).cumcount() + 1).astype(str)
    reader = groups["READER"].where(groups["READER"] == "", groups["READER"] + "-")
    return (reader + "A" + number).set_axis(pd.MultiIndex.from_frame(groups[_KEYS]))


def _found(names: pd.Series, rows: pd.DataFrame) -> pd.Series:
    found = names.reindex(pd.MultiIndex.from_frame(rows[_KEYS]))
    return pd.Series(found.to_numpy(), index=rows.index, dtype=object).fillna("")
