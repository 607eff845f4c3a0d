"""Non-target and new lesions at every time point, and what became of them since the last one."""

from __future__ import annotations

import numpy as np
import pandas as pd
from fhir2cdisc.adam.frames.dates import NO_DAY
from fhir2cdisc.adam.frames.findings import findings
from fhir2cdisc.adam.tumour.lesions import (
    EQUIVOCAL,
    GONE,
    GROWN,
    NEW,
    NON_TARGET,
    NOT_SEEN,
    THERE,
    WORSE,
)
from fhir2cdisc.adam.tumour.options import RecistOptions
from fhir2cdisc.adam.tumour.target import NODE

_SHORT_AXIS = ("LPERP", "DIAMETER", "LDIAM")


def _state(records: pd.DataFrame) -> pd.Series:
    """The state of a lesion: as told, or, where it was measured, gone when 0 mm (a node: under 10 mm)."""
    measured = records["length"].notna() & records["test"].isin(_SHORT_AXIS)
    gone = (records["length"] == 0) | (records["nodal"] & (records["length"] < NODE))
    of_length = pd.Series(np.where(gone, GONE, THERE), index=records.index)
    return records["state"].where(~measured | (records["state"] > NOT_SEEN), of_length)


def expected_non_targets(records: pd.DataFrame, points: pd.DataFrame) -> pd.DataFrame:
    """The non-target lesions that were seen at baseline: panel, link."""
    base = points.loc[points["base"], "order"]
    rows = records[(records["kind"] == NON_TARGET) & records["tp"].isin(base) & (records["link"] != "")]
    seen = rows[rows["done"]].drop_duplicates(["panel", "link"])
    return seen[["panel", "subject", "link"]].reset_index(drop=True)


def non_target_states(records: pd.DataFrame, expected: pd.DataFrame) -> pd.DataFrame:
    """The worst state per time point and expected non-target lesion: tp, panel, link, state, day.

    A lesion that progressed unequivocally before and has grown since is progression still.
    """
    rows = records[(records["kind"] == NON_TARGET) & records["done"]]
    rows = rows.assign(state=_state(rows))
    rows = rows[rows["state"] > NOT_SEEN].merge(expected[["panel", "link"]], on=["panel", "link"])
    rows = rows.sort_values(["tp", "link", "state", "day"], ascending=[True, True, False, True])
    rows = rows.drop_duplicates(["tp", "link"])
    keys = [rows["panel"], rows["link"]]
    before = (rows["state"] == WORSE).groupby(keys).cummax().groupby(keys).shift(fill_value=False)
    grown = rows["state"] == GROWN
    rows = rows.assign(grown=grown, state=rows["state"].where(~(grown & before.astype(bool)), WORSE))
    return rows[["tp", "panel", "link", "state", "day", "grown"]]


def add_non_target(table: pd.DataFrame, states: pd.DataFrame, expected: pd.DataFrame) -> pd.DataFrame:
    """The non-target response (CR, NON-CR/NON-PD, PD, NE; NA without such lesions) and its day where PD."""
    worse = states[states["state"] == WORSE]
    grouped = states.groupby("tp")
    table = table.assign(
        nt_expected=table["panel"].map(expected.groupby("panel").size()).fillna(0).astype(int),
        nt_seen=grouped["link"].nunique().reindex(table.index, fill_value=0),
        nt_worst=grouped["state"].max().reindex(table.index, fill_value=NOT_SEEN),
        nt_grown=grouped["grown"].any().reindex(table.index, fill_value=False),
        nt_day=worse.groupby("tp")["day"].min().reindex(table.index, fill_value=NO_DAY),
        nt_links=worse.groupby("tp")["link"].agg(", ".join).reindex(table.index, fill_value=""),
    )
    choices = [
        (table["nt_expected"] == 0, "NA"),
        (table["nt_worst"] == WORSE, "PD"),
        (table["nt_seen"] < table["nt_expected"], "NE"),
        (table["nt_worst"] == GONE, "CR"),
    ]
    call = np.select([c.to_numpy() for c, _ in choices], [v for _, v in choices], default="NON-CR/NON-PD")
    return table.assign(non_target=call.astype(object))


def new_lesions(records: pd.DataFrame, options: RecistOptions) -> pd.DataFrame:
    """New lesions per time point: tp, panel, link, certain, grown, length, day.

    A lesion that was equivocal first and certain later is certain from its first scan on, where the options
    say so. Source: RECIST 1.1 section 4.3.5.
    """
    rows = records[(records["kind"] == NEW) & records["done"]]
    rows = rows.assign(state=_state(rows), length=rows["length"].where(rows["test"].isin(_SHORT_AXIS)))
    told = rows["test"] != "TUMIDENT"
    # What TR tells of a lesion at a visit goes before the bare fact that TU identified it there.
    bare = ~told & rows["tp"].astype(str).str.cat(rows["link"], sep="|").isin(
        rows.loc[told, "tp"].astype(str).str.cat(rows.loc[told, "link"], sep="|")
    )
    rows = rows[~bare & (rows["state"] > GONE)]
    rows = rows.assign(certain=rows["state"] > EQUIVOCAL, grown=rows["state"] == GROWN)
    if options.equivocal_backdated:
        rows = rows.assign(certain=rows.groupby(["panel", "link"])["certain"].transform("any"))
    grouped = rows.groupby(["tp", "panel", "link"], as_index=False)
    return grouped.agg(certain=("certain", "any"), grown=("grown", "any"), length=("length", "max"), day=("day", "min"))


def add_new(table: pd.DataFrame, lesions: pd.DataFrame) -> pd.DataFrame:
    """Whether there is a new lesion (Y/N), and its day, number, sum and growth."""
    certain = lesions[lesions["certain"]]
    grouped = certain.groupby("tp")
    table = table.assign(
        new_count=grouped["link"].nunique().reindex(table.index, fill_value=0),
        new_sum=grouped["length"].sum().reindex(table.index, fill_value=0.0),
        new_grown=grouped["grown"].any().reindex(table.index, fill_value=False),
        new_day=grouped["day"].min().reindex(table.index, fill_value=NO_DAY),
        new_links=grouped["link"].agg(", ".join).reindex(table.index, fill_value=""),
    )
    return table.assign(new=np.where(table["new_count"] > 0, "Y", "N").astype(object))


def non_target_findings(records: pd.DataFrame, expected: pd.DataFrame, points: pd.DataFrame) -> list[pd.DataFrame]:
    """Findings on non-target lesions that appear after baseline without being called new."""
    followed = set(zip(expected["panel"], expected["link"], strict=True))
    later = records[
        (records["kind"] == NON_TARGET) & records["done"] & records["tp"].isin(points.loc[points["post"], "order"])
    ]
    triples = zip(later["subject"], later["link"], later["panel"], strict=True)
    rows = sorted({(s, link) for s, link, panel in triples if (panel, link) not in followed})
    unknown = records[(records["kind"] == "") & (records["link"] != "")]
    strangers = sorted(set(zip(unknown["subject"], unknown["link"], strict=True)))
    return [
        findings(
            "TR",
            "lesion without baseline",
            "ERROR",
            (
                (s, link, "TRLNKID", link, f"Non-target lesion {link} has no baseline; it does not count.")
                for s, link in rows
            ),
        ),
        findings(
            "TR",
            "lesion not identified",
            "ERROR",
            (
                (
                    s,
                    link,
                    "TRLNKID",
                    link,
                    f"Lesion {link} is neither in TU nor in a group; it does not count.",
                )
                for s, link in strangers
            ),
        ),
    ]
