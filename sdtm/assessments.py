"""TRLNKGRP and RSLNKGRP: which measurements an overall response was judged by (SDTMIG 3.4 section 6.3.12)."""

from __future__ import annotations

import pandas as pd

_KEYS = ["USUBJID", "READER", "WHEN"]


def link_assessments(frames: dict[str, pd.DataFrame]) -> None:
    """Fill TRLNKGRP for every measurement with a visit or date, and RSLNKGRP for the overall response judged by them.

    All measurements of one reader at one visit (one day, where no visit is known) are a group. Groups are numbered
    within subject and reader by their first date: `A1`, `A2`, and `RADIOLOGIST 2-A1` for an independent reader.
    RELREC relates many measurements to one response, so that two overall responses of one group are not linked.
    """
    tr, rs = frames.get("TR"), frames.get("RS")
    if tr is None or rs is None:
        return
    measured, judged = _assessment(tr, "TR"), _assessment(rs, "RS")
    names = _names(measured.assign(DATE=tr["TRDTC"]))
    tr["TRLNKGRP"] = _found(names, measured)
    overall = judged.where(rs["RSTESTCD"] == "OVRLRESP", "")
    overall = overall.where(~overall.duplicated(keep=False), "")
    rs["RSLNKGRP"] = _found(names, overall)


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
