"""SDTM of a simulated study with what the simulator does not write: partial dates, doubled records, other terms.

Every change is by the place of a record in its dataset, so that it is the same in every run.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from fhir2cdisc.mappings.study import Study

Frames = dict[str, pd.DataFrame]


def disturbed(frames: Frames, study: Study) -> Frames:
    """The frames with every oddity; each study leaves out something else altogether."""
    found = {name: frame.copy() for name, frame in frames.items()}
    for change in (
        *(_people, _exposure, _disposition, _history, _therapies, _samples, _events),
        *(_scans, _responses, _performance, _forms, _board, _contacts, _fates),
    ):
        change(found)
    if study.id == "axitinib-toripalimab":
        del found["EX"]
    if study.id == "lenvatinib-pembrolizumab":
        found["AE"]["AETOXGR"] = ""
    return found


def cut(frame: pd.DataFrame, column: str, rows: pd.Series, length: int) -> None:
    """Dates without their day (7 characters) or month (4)."""
    frame.loc[rows, column] = frame.loc[rows, column].str[:length]


def every(frame: pd.DataFrame, n: int, start: int = 0) -> pd.Series:
    return pd.Series(np.arange(len(frame)) % n == start, index=frame.index)


def with_more(frame: pd.DataFrame, domain: str, *parts: pd.DataFrame) -> pd.DataFrame:
    """The frame with further records, numbered after those of their subject."""
    whole = pd.concat([frame, *parts], ignore_index=True)
    key = f"{domain}SEQ"
    new = whole.index >= len(frame)
    last = whole.groupby("USUBJID")[key].transform("max")
    whole.loc[new, key] = last[new] + whole[new].groupby("USUBJID").cumcount() + 1
    return whole


def moved(rows: pd.DataFrame, column: str, days: int) -> pd.DataFrame:
    """The rows with their complete dates moved."""
    full = rows[rows[column].str.len() >= 10].copy()
    full[column] = (pd.to_datetime(full[column].str[:10]) + pd.Timedelta(days=days)).dt.strftime("%Y-%m-%d")
    return full


def _people(frames: Frames) -> None:
    dm = frames["DM"]
    cut(dm, "RFICDTC", every(dm, 5), 7)
    dm.loc[every(dm, 10), "RFICDTC"] = ""
    dm.loc[every(dm, 2), ["ARM", "ACTARM", "ARMCD", "ACTARMCD"]] = ""
    dm.loc[every(dm, 7, 3), "DTHFL"] = ""
    cut(dm, "DTHDTC", every(dm, 9, 4), 7)
    _known_by_month(frames, set(dm.loc[every(dm, 9, 4), "USUBJID"]))
    if "DD" in frames:
        dd = frames["DD"]
        frames["DD"] = with_more(dd, "DD", dd.assign(DDSTRESC="ANOTHER CAUSE"))


def _known_by_month(frames: Frames, subjects: set[str]) -> None:
    """Deaths of which no record knows the day."""
    for domain, date, dead in (
        ("DS", "DSSTDTC", ("DSDECOD", "DEATH")),
        ("DD", "DDDTC", ()),
        ("AE", "AEENDTC", ("AEOUT", "FATAL")),
    ):
        if domain in frames:
            frame = frames[domain]
            rows = frame["USUBJID"].isin(subjects)
            cut(frame, date, rows & (frame[dead[0]] == dead[1]) if dead else rows, 7)


def _exposure(frames: Frames) -> None:
    ex = frames["EX"]
    first = ~ex["USUBJID"].duplicated()
    cut(ex, "EXSTDTC", first & every(ex, 3), 7)
    last = ~ex["USUBJID"].duplicated(keep="last")
    cut(ex, "EXENDTC", last & every(ex, 3), 4)


def _disposition(frames: Frames) -> None:
    ds = frames["DS"]
    cut(ds, "DSSTDTC", every(ds, 6), 7)
    cut(ds, "DSSTDTC", every(ds, 17), 4)
    event = ds["DSCAT"] == "DISPOSITION EVENT"
    ds.loc[event & every(ds, 5), "DSDECOD"] = "COMPLETED"
    ds.loc[event & (ds["DSSCAT"] == "STUDY PARTICIPATION") & every(ds, 2), "DSSCAT"] = ""
    ds.loc[event & (ds["DSSCAT"] == "STUDY TREATMENT") & every(ds, 4, 1), "DSDECOD"] = "CLINICAL PROGRESSION"
    ds.drop(index=ds.index[event & (ds["USUBJID"].str[-1] == "7")], inplace=True)
    frames["DS"] = ds.reset_index(drop=True)


def _history(frames: Frames) -> None:
    mh = frames["MH"]
    cut(mh, "MHSTDTC", every(mh, 3), 7)
    cut(mh, "MHSTDTC", every(mh, 7), 4)


def _therapies(frames: Frames) -> None:
    cm, pr = frames["CM"], frames["PR"]
    later = cm["CMCAT"].str.contains("SUBSEQUENT")
    first = cm["USUBJID"].map(frames["DM"].set_index("USUBJID")["RFXSTDTC"])
    cm.loc[later & every(cm, 5, 2), "CMSTDTC"] = first
    cut(cm, "CMSTDTC", later & every(cm, 3), 7)
    cut(cm, "CMSTDTC", later & every(cm, 8, 1), 4)
    cm.loc[later & every(cm, 2), "CMCAT"] = "ANTINEOPLASTIC"
    pr.loc[every(pr, 40, 9), "PRTRT"] = "Palliative radiotherapy"
    cut(pr, "PRSTDTC", every(pr, 80, 9), 7)


def _samples(frames: Frames) -> None:
    for domain, test in (("MI", "PDL1"), ("GF", "TMB"), ("GF", "MICRISTB"), ("GF", "SHRTVAR")):
        frame = frames[domain]
        rows = frame[frame[f"{domain}TESTCD"] == test]
        if not len(rows):
            continue
        again = [moved(rows[every(rows, n)], f"{domain}DTC", days) for n, days in ((2, -20), (3, 0), (4, 3), (5, 900))]
        for place, part in enumerate(again):
            if test in ("PDL1", "TMB"):
                part[f"{domain}STRESN"] += 17 * (place + 1)
            if test == "MICRISTB":
                part["GFSTRESC"] = ("MSI-H", "MSI-High", "MSS", "unknown")[place]
            if test == "SHRTVAR":
                part["GFSTRESC"] = ("NOT DETECTED", "p.Gly12Asp", "Wild Type", "")[place]
        frames[domain] = with_more(frame, domain, *again)
    gf = frames["GF"]
    gf["GFRESCAT"] = np.where(every(gf, 4), "Likely benign", np.where(every(gf, 4, 1), "PATHOGENIC", ""))
    only = gf[(gf["GFTESTCD"] == "SHRTVAR") & (gf["USUBJID"].str[-1] == "6")].index
    gf.loc[only, "GFSTRESC"] = "NEGATIVE"
    mi = frames["MI"]
    frames["MI"] = with_more(mi, "MI", mi[mi["MITESTCD"] == "HISTTYPC"].assign(MISTRESC="Another type"))


def _events(frames: Frames) -> None:
    ae = frames["AE"]
    cut(ae, "AESTDTC", every(ae, 5), 7)
    cut(ae, "AESTDTC", every(ae, 7), 4)
    ae.loc[every(ae, 11), "AESTDTC"] = ""
    cut(ae, "AEENDTC", every(ae, 4), 7)
    cut(ae, "AEENDTC", every(ae, 9), 4)
    ae.loc[every(ae, 13), "AEENDTC"] = ""
    start = ae["USUBJID"].map(frames["DM"].set_index("USUBJID")["RFXSTDTC"])
    known = every(ae, 6, 2) & (start.str.len() >= 10)
    ae.loc[known, "AESTDTC"] = moved(start[known].to_frame("S"), "S", -9)["S"]
    ae.loc[known & every(ae, 4), "AEENDTC"] = start[known & every(ae, 4)]
    ended = known & every(ae, 8, 6)
    ae.loc[ended, "AEENDTC"] = moved(start[ended].to_frame("S"), "S", -2)["S"]
    ae["AESEV"] = np.array(["MILD", "MODERATE", "SEVERE", "LIFE THREATENING", "FATAL", ""])[np.arange(len(ae)) % 6]
    ae.loc[every(ae, 10, 3), "AETOXGR"] = "0"
    ae.loc[every(ae, 9, 5), "AEREL"] = "possible"
    ae.loc[every(ae, 14, 5), "AEREL"] = "perhaps"
    frames["SUPPAE"] = pd.concat(
        [
            _supplement(ae[every(ae, 3)], "CTCAEVER", "4.03"),
            _supplement(ae[every(ae, 2)], "AEITOXGR", "1"),
            _supplement(ae[~every(ae, 2)], "AEITOXGR", "3"),
        ],
        ignore_index=True,
    )


def _supplement(ae: pd.DataFrame, name: str, value: str) -> pd.DataFrame:
    keys = ae["AESEQ"].map(lambda number: f"{number:g}")
    return pd.DataFrame({"USUBJID": ae["USUBJID"], "IDVAR": "AESEQ", "IDVARVAL": keys, "QNAM": name, "QVAL": value})


def _scans(frames: Frames) -> None:
    """A visit of seven lacks its day; lesions are measured twice in a visit, or not at all; some have no baseline."""
    for domain in ("TU", "TR", "RS"):
        frame = frames[domain]
        number = frame["USUBJID"].str[-2:].astype(int) + frame["VISITNUM"].fillna(0).round().astype(int)
        cut(frame, f"{domain}DTC", (number % 7 == 0) & frame["VISITNUM"].notna(), 7)
    tu = frames["TU"]
    lost = tu["USUBJID"].str[-2:].isin(["05", "14", "23"]) & (tu["TUSTRESC"] != "NEW")
    frames["TU"] = tu[~lost].reset_index(drop=True)
    tr = frames["TR"]
    measured = tr[tr["TRTESTCD"].isin(["LDIAM", "LPERP"]) & tr["TRSTRESN"].notna()]
    again = moved(measured[every(measured, 19)], "TRDTC", 2)
    again["TRSTRESN"] += 4
    again["TRSTRESC"] = again["TRSTRESN"].map(lambda length: f"{length:g}")
    tr = with_more(tr, "TR", again)
    lost = (tr["TRTESTCD"] == "LDIAM") & every(tr, 43)
    tr.loc[lost, ["TRSTRESC", "TRORRES"]] = ""
    tr.loc[lost, "TRSTRESN"] = np.nan
    frames["TR"] = tr.assign(TRSTAT=np.where(lost, "NOT DONE", tr.get("TRSTAT", "")))


def _responses(frames: Frames) -> None:
    """Two responses of a day, of the worst and of the best kind, and one before the first dose."""
    rs = frames["RS"]
    called = rs[(rs["RSTESTCD"] == "OVRLRESP") & (rs["RSDTC"].str.len() >= 10)]
    frames["RS"] = with_more(
        rs,
        "RS",
        called[every(called, 9)].assign(RSSTRESC="NE"),
        called[every(called, 13, 4)].assign(RSSTRESC="CR"),
        called[every(called, 17, 3)].assign(RSSTRESC="", RSORRES="SD"),
        called[every(called, 11, 2)],
        moved(called[every(called, 15, 1)], "RSDTC", -400),
        called[every(called, 12, 7)].assign(RSSTRESC="NOT DONE"),
    )


def _performance(frames: Frames) -> None:
    rs = frames["RS"]
    scored = rs[(rs["RSTESTCD"] == "ECOG101") & (rs["RSDTC"].str.len() >= 10)]
    again = moved(scored[every(scored, 6)], "RSDTC", 1).assign(RSSTRESN=2.0, RSSTRESC="2")
    lost = scored[every(scored, 8)].assign(RSSTRESN=np.nan, RSSTRESC="", VISIT="LATER", VISITNUM=8000.0)
    frames["RS"] = with_more(rs, "RS", again, lost)


def _forms(frames: Frames) -> None:
    if "QS" not in frames:
        return
    qs = frames["QS"]
    number = qs["USUBJID"].str[-2:].astype(int)
    for subject, days in ((3, 31), (8, 46), (13, 47)):
        rows = number % 20 == subject
        qs.loc[rows, "QSDTC"] = moved(qs[rows], "QSDTC", days)["QSDTC"]
    cut(qs, "QSDTC", number == 21, 7)
    qs.loc[every(qs, 97), ["QSSTRESN", "QSSTRESC"]] = [77.0, "77"]
    qs.loc[(number == 22) & ~every(qs, 3), ["QSSTRESN", "QSSTRESC"]] = [np.nan, ""]
    twice = qs[every(qs, 61) & (qs["QSSTRESN"] > 0)].copy()
    twice["QSSTRESN"] -= 1
    twice["QSSTRESC"] = twice["QSSTRESN"].map(lambda value: f"{value:g}")
    frames["QS"] = with_more(qs, "QS", twice)


def _board(frames: Frames) -> None:
    if "FA" not in frames:
        return
    fa = frames["FA"]
    cut(fa, "FADTC", every(fa, 8), 7)
    again = moved(fa[every(fa, 3)], "FADTC", -3)
    beside = fa[every(fa, 2, 1)]
    frames["FA"] = with_more(
        fa, "FA", again.assign(FASPID="0-" + again["FASPID"]), beside.assign(FASPID="0-" + beside["FASPID"])
    )


def _contacts(frames: Frames) -> None:
    ss = frames["SS"]
    told = moved(ss[every(ss, 4)], "SSDTC", 700)
    frames["SS"] = with_more(ss, "SS", told.assign(SSSTRESC="DEAD"), moved(ss[every(ss, 5)], "SSDTC", 500))


def _fates(frames: Frames) -> None:
    """Of two subjects one dies without any scan, of the other nothing is known after the first dose."""
    dm = frames["DM"]
    died, unseen = (dm["USUBJID"].str[-2:] == number for number in ("14", "19"))
    dm.loc[died, "DTHFL"] = "Y"
    dm.loc[died, "DTHDTC"] = moved(dm[died & (dm["RFXSTDTC"] != "")], "RFXSTDTC", 60)["RFXSTDTC"]
    dm["DTHDTC"] = dm["DTHDTC"].fillna("")
    dm.loc[unseen, ["DTHFL", "DTHDTC"]] = ""
    start = dm.set_index("USUBJID")["RFXSTDTC"]
    for domain, frame in frames.items():
        when = next((name for name in (f"{domain}STDTC", f"{domain}DTC") if name in frame), "")
        if not when:
            continue
        first, number = frame["USUBJID"].map(start), frame["USUBJID"].str[-2:]
        late = (number == "19") & ((frame[when] > first) | (frame[when].str.len() < 10))
        if domain == "RS":
            late |= (number == "14") & (frame["RSTESTCD"] == "OVRLRESP")
        if f"{domain}ENDTC" in frame:
            frame.loc[number == "19", f"{domain}ENDTC"] = ""
        if domain == "SS":
            late |= (number == "19") & (frame["SSSTRESC"] > first)
        frames[domain] = frame[~late].reset_index(drop=True)
