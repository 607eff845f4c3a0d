"""Target lesions: which are followed, their sum at every time point, nadir, and the target response."""

from __future__ import annotations

import numpy as np
import pandas as pd
from fhir2cdisc.adam.criteria import MRECIST
from fhir2cdisc.adam.frames.dates import NO_DAY
from fhir2cdisc.adam.frames.findings import findings
from fhir2cdisc.adam.tumour.lesions import (
    DIAMETERS,
    STATES,
    SUMS,
    TARGET,
)
from fhir2cdisc.adam.tumour.millimetres import in_mm, mm
from fhir2cdisc.adam.tumour.options import RecistOptions

NODE = mm("10")
STEP = mm("5")
# Which record of a lesion is its diameter: longest for a lesion, short axis for a node, viable for mRECIST.
_PREFERENCE = {
    False: {"LDIAM": 0, "DIAMETER": 1, "LPERP": 9},
    True: {"LPERP": 0, "DIAMETER": 1, "LDIAM": 2},
}
_OF_STATE = 5
_SPLIT = r"^(.+?)(?:[.\-_]\d+|[a-z]|(?<=\d)[A-Z])$"
_MERGE = r"[/+&]"


def diameters(records: pd.DataFrame, options: RecistOptions) -> pd.DataFrame:
    """One length per time point and target lesion: tp, panel, link, nodal, length, merged, day, test, seq."""
    targets = records[(records["kind"] == TARGET) & records["done"] & (records["link"] != "")]
    test, nodal = targets["test"], targets["nodal"]
    rank = test.map(_PREFERENCE[False]).where(~nodal, test.map(_PREFERENCE[True]))
    rank = rank.where(~test.isin(STATES), _OF_STATE)
    if options.criteria == MRECIST:
        rank = rank.where(test != "VDIAM", -1)
    usable = rank.notna() & (rank < 9) & (targets["length"].notna() | targets["merged"])
    chosen = targets.assign(rank=rank)[usable]
    # Of several scans of one visit the last one measures the lesion.
    chosen = chosen.sort_values(["tp", "link", "rank", "day", "seq"], ascending=[True, True, True, False, False])
    kept = chosen.drop_duplicates(["tp", "link"]).assign(length=lambda f: f["length"].fillna(0.0))
    names = ["tp", "panel", "subject", "link", "nodal", "loc", "length", "merged", "day", "test", "seq"]
    return kept[names].reset_index(drop=True)


def collected_sums(records: pd.DataFrame, options: RecistOptions) -> pd.DataFrame:
    """The sums that TR holds (SUMDIAM, for mRECIST SUMVDIAM) per time point."""
    wanted = SUMS[::-1] if options.criteria == MRECIST else SUMS[:1]
    rows = records[records["test"].isin(wanted) & records["length"].notna()]
    rows = rows.sort_values(["tp", "test", "day"], ascending=[True, options.criteria != MRECIST, False])
    return rows.drop_duplicates("tp")[["tp", "panel", "subject", "length", "day", "seq"]]


def expected_targets(lengths: pd.DataFrame, points: pd.DataFrame) -> pd.DataFrame:
    """The target lesions that have a baseline: panel, link, nodal, location, baseline length."""
    base = lengths[lengths["tp"].isin(points.loc[points["base"], "order"])]
    return base[["panel", "subject", "link", "nodal", "loc", "length"]].rename(columns={"length": "base"})


def roll_up(lengths: pd.DataFrame, expected: pd.DataFrame) -> pd.DataFrame:
    """Lengths of split and merged lesions under the lesion that was measured at baseline.

    `T04.1` and `T04.2` add up to `T04`. `T01/T02` is one length for both: it counts once, and both lesions
    are measured. Source: RECIST 1.1, appendix II (lesions that split or coalesce).
    """
    if expected.empty or lengths.empty:
        return lengths.iloc[:0].assign(own="")
    pairs = lengths[["panel", "link"]].drop_duplicates()
    followed = expected[["panel", "link"]].assign(followed=True)
    pairs = pairs.merge(followed, on=["panel", "link"], how="left")
    parts = pairs["link"].where(pairs["followed"].notna(), pairs["link"].str.replace(_SPLIT, r"\1", regex=True))
    merged = pairs["followed"].isna() & pairs["link"].str.contains(_MERGE, regex=True)
    lists = [
        (link.replace("+", "/").replace("&", "/").split("/") if both else [part])
        for link, part, both in zip(pairs["link"], parts, merged, strict=True)
    ]
    pairs = pairs.assign(parent=lists).explode("parent", ignore_index=True)
    pairs["share"] = (~pairs.duplicated(["panel", "link"])).astype(float)
    rolled = lengths.merge(pairs[["panel", "link", "parent", "share"]], on=["panel", "link"])
    rolled = rolled.assign(length=rolled["length"] * rolled["share"], own=rolled["link"])
    rolled["merged"] |= rolled["share"] == 0
    rolled = rolled.drop(columns=["nodal", "link", "share", "loc"]).rename(columns={"parent": "link"})
    return rolled.merge(expected[["panel", "link", "nodal"]], on=["panel", "link"])


def target_sums(rolled: pd.DataFrame, expected: pd.DataFrame, points: pd.DataFrame) -> pd.DataFrame:
    """Per time point: sum, lesions expected and measured, whether lesions remain, days measured."""
    solid = ~rolled["nodal"] & (rolled["length"] > 0)
    node = rolled["nodal"] & (rolled["length"] >= NODE)
    marked = rolled.assign(solid=solid, node=node)
    sums = marked.groupby("tp").agg(
        sum=("length", "sum"),
        measured=("link", "nunique"),
        solid=("solid", "any"),
        node=("node", "any"),
        target_first=("day", "min"),
        target_last=("day", "max"),
    )
    count = expected.groupby("panel").size()
    table = points.set_index("order").join(sums)
    table["expected"] = table["panel"].map(count).fillna(0).astype(int)
    table["measured"] = table["measured"].fillna(0).astype(int)
    for name in ("solid", "node"):
        table[name] = table[name].eq(True)
    for name in ("target_first", "target_last"):
        table[name] = table[name].fillna(NO_DAY).astype(np.int64)
    table["complete"] = (table["expected"] > 0) & (table["measured"] == table["expected"])
    return add_nadir(table)


def add_nadir(table: pd.DataFrame) -> pd.DataFrame:
    """Baseline sum, and nadir with its day: the lowest complete sum before, baseline included."""
    panel = table["panel"]
    followed = table["base"] | table["post"]
    complete = table["sum"].where(table["complete"] & followed)
    base = complete.where(table["base"]).groupby(panel).transform("max")
    lowest = complete.groupby(panel).cummin()
    before = lowest.groupby(panel).ffill().groupby(panel).shift()
    fresh = complete.notna() & ~(complete >= before)
    day = table["last"].where(fresh).groupby(panel).ffill().groupby(panel).shift()
    return table.assign(basesum=base, nadir=before, nadir_day=day.fillna(NO_DAY).astype(np.int64))


def target_response(table: pd.DataFrame, options: RecistOptions) -> pd.Series:
    """CR, PR, SD, PD, NE or NA (no target lesions) at every time point. Source: RECIST 1.1 section 4.3.1."""
    total, base, nadir = table["sum"], table["basesum"], table["nadir"]
    step = 0.0 if options.criteria == MRECIST else STEP
    gone = table["complete"] & ~table["solid"] & ~table["node"]
    # What was not there on a scan before baseline was not gone: disease is measured from baseline on.
    left = gone & (table["base"] | table["post"])
    again = left.groupby(table["panel"]).cummax().groupby(table["panel"]).shift(fill_value=False).astype(bool)
    grown = (5 * total >= 6 * nadir) & (total - nadir >= step) & (total > nadir)
    choices = [
        (table["expected"] == 0, "NA"),
        (base.isna(), "NE"),
        (gone, "CR"),
        (grown | (again & table["solid"]), "PD"),
        (~table["complete"], "NE"),
        (10 * total <= 7 * base, "PR"),
    ]
    return pd.Series(
        np.select([c.to_numpy() for c, _ in choices], [v for _, v in choices], default="SD").astype(object),
        index=table.index,
    )


def target_findings(
    records: pd.DataFrame, lengths: pd.DataFrame, expected: pd.DataFrame, points: pd.DataFrame
) -> list[pd.DataFrame]:
    """Findings on target lesions: no baseline, size, number, measured twice, no short axis of a node."""
    return [
        _no_baseline(records, lengths, expected, points),
        _too_small(expected),
        _too_many(expected),
        _measured_twice(records),
        _long_axis(lengths),
    ]


def _no_baseline(
    records: pd.DataFrame, lengths: pd.DataFrame, expected: pd.DataFrame, points: pd.DataFrame
) -> pd.DataFrame:
    if expected.empty and lengths.empty:
        return findings("TR", "lesion without baseline", "ERROR", ())
    rolled = roll_up(lengths, expected)
    counted = set(zip(rolled["panel"], rolled["own"], strict=True))
    later = records[
        (records["kind"] == TARGET)
        & records["test"].isin(DIAMETERS)
        & records["tp"].isin(points.loc[points["post"], "order"])
    ]
    rows = sorted(
        {
            (subject, link, evaluator)
            for subject, link, evaluator, panel in zip(
                later["subject"], later["link"], later["eval"], later["panel"], strict=True
            )
            if (panel, link) not in counted
        }
    )
    return findings(
        "TR",
        "lesion without baseline",
        "ERROR",
        (
            (
                s,
                link,
                "TRLNKID",
                link,
                f"Target lesion {link} ({by or 'investigator'}) has no baseline; it is not in the sum.",
            )
            for s, link, by in rows
        ),
    )


def _too_small(expected: pd.DataFrame) -> pd.DataFrame:
    limit = np.where(expected["nodal"], mm("15"), mm("10"))
    small = expected[expected["base"] < limit].assign(limit=limit[expected["base"] < limit])
    rows = (
        (
            s,
            link,
            "TRSTRESN",
            in_mm(base),
            f"Target lesion {link} has {in_mm(base)} mm at baseline; RECIST 1.1 asks for {in_mm(least)} mm.",
        )
        for s, link, base, least in zip(small["subject"], small["link"], small["base"], small["limit"], strict=True)
    )
    return findings("TR", "target lesion too small", "WARNING", rows)


def _too_many(expected: pd.DataFrame) -> pd.DataFrame:
    total = expected.groupby(["panel", "subject"]).agg(n=("link", "size"), links=("link", ", ".join))
    located = expected[expected["loc"] != ""]
    organ = located.groupby(["panel", "subject", "loc"]).agg(n=("link", "size"), links=("link", ", ".join))
    total, organ = total[total["n"] > 5].reset_index(), organ[organ["n"] > 2].reset_index()
    rows = [
        (s, links, "TULNKID", str(n), f"There are {n} target lesions ({links}); RECIST 1.1 allows 5.")
        for s, links, n in zip(total["subject"], total["links"], total["n"], strict=True)
    ]
    rows += [
        (s, links, "TULOC", loc, f"There are {n} target lesions in {loc} ({links}); RECIST 1.1 allows 2.")
        for s, links, n, loc in zip(organ["subject"], organ["links"], organ["n"], organ["loc"], strict=True)
    ]
    return findings("TU", "too many target lesions", "WARNING", rows)


def _measured_twice(records: pd.DataFrame) -> pd.DataFrame:
    rows = records[(records["kind"] == TARGET) & records["test"].isin(DIAMETERS) & records["length"].notna()]
    keys = ["panel", "subject", "tp", "link", "test", "day"]
    several = rows.groupby(keys)["length"].nunique()
    found = several[several > 1].reset_index()
    return findings(
        "TR",
        "two measurements",
        "WARNING",
        (
            (
                s,
                link,
                test,
                "",
                f"Target lesion {link} has {n} different {test} of one day; the last one counts.",
            )
            for s, link, test, n in zip(found["subject"], found["link"], found["test"], found["length"], strict=True)
        ),
    )


def _long_axis(lengths: pd.DataFrame) -> pd.DataFrame:
    wrong = lengths[lengths["nodal"] & (lengths["test"] == "LDIAM")]
    pairs = wrong[["subject", "link"]].drop_duplicates()
    return findings(
        "TR",
        "node without short axis",
        "WARNING",
        (
            (s, link, "TRTESTCD", "LDIAM", f"Node {link} has no short axis; its longest diameter is taken.")
            for s, link in zip(pairs["subject"], pairs["link"], strict=True)
        ),
    )


def sums_differ(table: pd.DataFrame, collected: pd.DataFrame) -> pd.DataFrame:
    """Findings where a collected sum of diameters is not the sum of the collected diameters."""
    both = collected.merge(table[["sum", "measured"]], left_on="tp", right_index=True)
    wrong = both[(both["measured"] > 0) & (both["sum"] != both["length"])]
    return findings(
        "TR",
        "sum of diameters differs",
        "WARNING",
        (
            (
                s,
                "",
                "SUMDIAM",
                in_mm(given),
                f"The collected sum is {in_mm(given)} mm; the lesions add up to {in_mm(own)} mm.",
            )
            for s, given, own in zip(wrong["subject"], wrong["length"], wrong["sum"], strict=True)
        ),
    )
