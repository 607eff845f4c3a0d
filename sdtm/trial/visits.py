"""Visits: what encounters are called and numbered, and the records of each (SDTMIG 3.4 section 4.4.5)."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd
from fhir2cdisc.fhir.findings import Finding
from fhir2cdisc.mappings.standard.datasets import Dataset
from fhir2cdisc.mappings.study import Study
from fhir2cdisc.sdtm.columns import ENCOUNTER, ORDER, RECORD_NO, RESOURCE_ID, USED
from fhir2cdisc.sdtm.lineage import of_extracts
from fhir2cdisc.sdtm.methods import derives

_CYCLE = re.compile(r"(?:CYCLE|C)\s*(\d{1,4})\s*(?:DAY|D)\s*(\d{1,4})")
# VISITNUM from which visits have a place in the plan but no planned day: the end of treatment and what follows.
AFTER_ALL = 9000.0
# VISITNUM from which visits that a source names itself and the study does not plan are numbered.
NOT_PLANNED = 9500.0
_AFTER = re.compile(r"END OF TREATMENT|FOLLOW-?UP\s*(\d{1,4})")
_REPEATED = re.compile(r"(DAY|WEEK|MONTH)\s*(\d{1,5})")


def add_visits(
    frames: Mapping[str, pd.DataFrame], records: pd.DataFrame, datasets: Mapping[str, Dataset], study: Study
) -> dict[str, pd.DataFrame]:
    """SV with one record a visit, and VISIT, VISITNUM and VISITDY on every record that names its encounter or visit.

    Nothing where there is no SV and no record names its visit. `records` holds the resource and ID of each encounter by
    _RECORD_NO. A visit that a record names itself (in an extract) keeps its name; see `collected_visits`.
    """
    named = named_visits(frames, records)
    encounters = {domain: frame for domain, frame in frames.items() if domain != "SV"}
    if "SV" in frames and len(left := frames["SV"].drop(index=named["SV"].index if "SV" in named else [])):
        encounters["SV"] = left
    made = _of_encounters(encounters, records, datasets, study)
    if not named:
        return made
    numbers = collected_visits(named, study)
    numbered = {domain: _numbered(made.get(domain, frame), frame, numbers) for domain, frame in named.items()}
    if "SV" in named:
        numbered["SV"] = _numbered(named["SV"], named["SV"], numbers)
    sv = [made["SV"]] if "SV" in made else []
    visits = _visits_of(numbered, named)
    made |= numbered
    made["SV"] = _one_a_visit(pd.concat([*sv, visits], ignore_index=True))
    return made


def named_visits(frames: Mapping[str, pd.DataFrame], records: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The domains whose records name their visits themselves; of SV the rows of extracts that do.

    What an encounter is called is no name of a visit: see `number_visits`.
    """
    named = {}
    for domain, frame in frames.items():
        if "VISIT" not in frame:
            continue
        filled = frame["VISIT"].fillna("") != ""
        if domain == "SV":
            own = frame[filled & of_extracts(frame, records)]
            if len(own):
                named[domain] = own
        elif filled.any():
            named[domain] = frame
    return named


def collected_visits(named: Mapping[str, pd.DataFrame], study: Study) -> dict[str, tuple[float, float]]:
    """VISITNUM and planned day of each visit that records name themselves (`named_visits`), by its name in capitals.

    A number that a record gives its visit is that of the visit wherever it has none; of several the smallest (see
    `unclear_visits`). One without a number that the study does not plan is numbered from `NOT_PLANNED` on, in the order
    of the names.
    """
    given = _given_numbers(named)
    names = sorted({name for frame in named.values() for name in frame["VISIT"].fillna("").str.upper() if name})
    planned = {name: planned_visit(name, study) for name in names}
    others = [name for name in names if planned[name] is None and name not in given]
    made = {}
    for name in names:
        number, day = planned[name] or (NOT_PLANNED, np.nan)
        if name in given:
            number = given[name][0]
        elif planned[name] is None:
            number += others.index(name)
        made[name] = (number, day)
    return made


def _given_numbers(named: Mapping[str, pd.DataFrame]) -> dict[str, list[float]]:
    """The numbers that records give the visits that they name, in order, by the name in capitals."""
    parts = [frame[["VISIT", "VISITNUM"]] for frame in named.values() if "VISITNUM" in frame]
    if not parts:
        return {}
    every = pd.concat(parts)
    every = every[every["VISITNUM"].notna() & (every["VISIT"].fillna("") != "")].drop_duplicates()
    numbers = every["VISITNUM"].astype(float).groupby(every["VISIT"].str.upper())
    return {str(name): sorted(set(some)) for name, some in numbers}


def visit_findings(frames: Mapping[str, pd.DataFrame], records: pd.DataFrame, study: Study) -> list[Finding]:
    """A finding for each visit that records name themselves and the study does not plan, with their number."""
    named = named_visits(frames, records)
    counts = pd.concat([frame["VISIT"] for frame in named.values()]).value_counts().sort_index() if named else {}
    given = _given_numbers(named)
    found = []
    for name, count in counts.items():
        if not name or planned_visit(str(name), study) is not None:
            continue
        said = "has the number that the source gives it" if name.upper() in given else "stands after all others"
        said = (
            f"VISIT: {name!r} is no visit that the study file plans ([schedule] visits); it keeps its name and {said}"
        )
        found.append(Finding("visit.not-planned", said, variable="VISIT", value=str(name), count=int(count)))
    return found


def unclear_visits(frames: Mapping[str, pd.DataFrame]) -> list[Finding]:
    """A finding for each name with several numbers and each number with several names; `frames` of `add_visits`."""
    parts = [frame[["VISIT", "VISITNUM"]] for frame in frames.values() if "VISIT" in frame and "VISITNUM" in frame]
    if not parts:
        return []
    every = pd.concat([part.drop_duplicates() for part in parts])
    every = every[every["VISITNUM"].notna() & (every["VISIT"].fillna("") != "")]
    pairs = sorted(
        {(name.upper(), float(number)) for name, number in zip(every["VISIT"], every["VISITNUM"], strict=True)}
    )
    numbers, names = defaultdict(list), defaultdict(list)
    for name, number in pairs:
        numbers[name].append(f"{number:.15g}")
        names[f"{number:.15g}"].append(name)
    return [
        *_several("visit.numbers", "VISITNUM", numbers, "{!r} has the numbers {}; each record keeps its own"),
        *_several("visit.names", "VISIT", names, "number {} has the names {}; SV puts them together"),
    ]


def _several(rule: str, variable: str, found: Mapping[str, list[str]], said: str) -> Iterator[Finding]:
    """A finding for each key that has several values."""
    for value, some in found.items():
        if len(some) > 1:
            told = f"{variable}: {said.format(value, ', '.join(some))}"
            yield Finding(rule, told, variable=variable, value=value, count=len(some))


def _numbered(frame: pd.DataFrame, given: pd.DataFrame, numbers: Mapping[str, tuple[float, float]]) -> pd.DataFrame:
    """The rows of a domain with the visits that they name (and number) themselves in `given`, where they do."""
    own, numbered = given["VISIT"].fillna("").to_numpy(), given.get("VISITNUM")
    blank = np.full(len(frame), np.nan)
    by_encounter = {name: frame[name].to_numpy() if name in frame else blank for name in ("VISITNUM", "VISITDY")}
    found = [numbers.get(name.upper(), (np.nan, np.nan)) for name in own]
    is_own = own != ""
    return frame.assign(
        VISIT=np.where(is_own, own, frame["VISIT"].fillna("")),
        VISITNUM=_collected(numbered, np.where(is_own, [number for number, _ in found], by_encounter["VISITNUM"])),
        VISITDY=np.where(is_own, [day for _, day in found], by_encounter["VISITDY"]).astype(float),
    )


def _collected(numbered: pd.Series | None, other: np.ndarray) -> np.ndarray:
    """The number that the source gives a visit, else another one."""
    other = other.astype(float)
    return other if numbered is None else np.where(numbered.notna(), numbered.astype(float), other)


def _visits_of(frames: Mapping[str, pd.DataFrame], named: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """A row of SV for each visit of a subject that a record names itself.

    Those that the extract lists (SV) keep their days; what is blank there, and every other visit, goes from the first
    to the last --DTC of its records.
    """
    keys = ["USUBJID", "VISITNUM"]
    parts = [_dated(frames[domain], named[domain], f"{domain}DTC") for domain in sorted(named) if domain != "SV"]
    listed = frames.get("SV")
    if not parts:
        assert listed is not None
        return listed
    visits = pd.concat(parts, ignore_index=True)
    # Days that are not known come last: a visit begins on the first day that is.
    visits = visits.assign(blank=visits["SVSTDTC"] == "").sort_values([*keys, "blank", "SVSTDTC", ORDER], kind="stable")
    first = visits.drop_duplicates(keys).drop(columns="blank").set_index(keys)
    first["SVENDTC"] = visits.groupby(keys)["SVENDTC"].max()
    if listed is None:
        return first.reset_index()
    index = pd.MultiIndex.from_frame(listed[keys])
    dated = {}
    for name in ("SVSTDTC", "SVENDTC"):
        own = listed[name].fillna("") if name in listed else pd.Series("", index=listed.index, dtype=object)
        dated[name] = own.mask(own == "", first[name].reindex(index).fillna("").set_axis(listed.index))
    return pd.concat(
        [listed.assign(**dated), first.drop(index=index, errors="ignore").reset_index()], ignore_index=True
    )


def _dated(frame: pd.DataFrame, named: pd.DataFrame, dtc: str) -> pd.DataFrame:
    """The records of a domain that name their visit as rows of SV that begin and end on their day."""
    rows = frame[(named["VISIT"].fillna("") != "").to_numpy()]
    when = rows[dtc] if dtc in rows else pd.Series("", index=rows.index, dtype=object)
    working = [name for name in rows if name.startswith("_")]
    made = rows[[*working, "STUDYID", "USUBJID", "VISIT", "VISITNUM", "VISITDY"]]
    return made.assign(DOMAIN="SV", SVSTDTC=when, SVENDTC=when, **{USED: [()] * len(rows)})


def _of_encounters(
    frames: Mapping[str, pd.DataFrame], records: pd.DataFrame, datasets: Mapping[str, Dataset], study: Study
) -> dict[str, pd.DataFrame]:
    """SV with one record a visit, and the visits of records by the encounters that they name."""
    if "SV" not in frames:
        return {}
    ids = records["ID"].to_numpy()[frames["SV"][RECORD_NO].to_numpy(np.int64)]
    sv = number_visits(frames["SV"].assign(**{RESOURCE_ID: ids}), study)
    by_record = sv.set_index(RECORD_NO)[["VISIT", "VISITNUM", "VISITDY"]]
    made = {"SV": _one_a_visit(sv)}
    for domain, frame in frames.items():
        if domain != "SV" and "VISITNUM" in datasets[domain]:
            found = by_record.reindex(frame[ENCOUNTER]).set_index(frame.index)
            if "VISITNUM" in frame:
                # A row of an extract may number its visit and name none.
                found["VISITNUM"] = found["VISITNUM"].where(frame[ENCOUNTER] >= 0, frame["VISITNUM"])
            made[domain] = frame.assign(**found.assign(VISIT=found["VISIT"].fillna("")))
    return made


def planned_visit(name: str, study: Study) -> tuple[float, float] | None:
    """(VISITNUM, planned day) of a visit by its name, None for a visit that the study does not plan.

    VISITNUM is the planned day; tenths tell visits of different kinds apart that fall on one day. Screening is -1.
    The end of treatment and the follow-up after it have no planned day and stand after all others.
    """
    plain = " ".join(name.upper().split())
    for visit in study.schedule.visits:
        if plain == visit.name.upper():
            return float(visit.day), float(visit.day)
    if plain in ("SCREENING", "BASELINE"):
        return -1.0, -1.0
    if match := _CYCLE.fullmatch(plain):
        day = float((int(match[1]) - 1) * study.schedule.cycle_days + int(match[2]))
        return day, day
    if match := _REPEATED.fullmatch(plain):
        unit, count = match[1], int(match[2])
        length = {"WEEK": 7.0, "MONTH": study.censoring.month}.get(unit, 1.0)
        day = float(count) if unit == "DAY" else round(count * length) + 1.0
        return day + {"DAY": 0.3, "WEEK": 0.1, "MONTH": 0.2}[unit], day
    if match := _AFTER.fullmatch(plain):
        return AFTER_ALL + int(match[1] or 0), np.nan
    return None


@derives(
    "VISITNUM",
    "Planned day of the visit, plus 0.1 for one planned by weeks, 0.2 by months, 0.3 by days; 9000 for the end of "
    "treatment, 9000 plus its number for a follow-up after it. A visit that is not planned has the number of the last "
    "planned visit before it (0 where there is none) plus thousandths, or finer parts where many follow one another. "
    "Where no encounter of the study has a planned name: the place of the encounter in time",
)
@derives(
    "VISIT",
    "Name of the planned visit in capitals; UNSCHEDULED and VISITNUM for a visit that is not planned; ENCOUNTER and "
    "VISITNUM where no encounter of the study has a planned name",
)
def number_visits(visits: pd.DataFrame, study: Study) -> pd.DataFrame:
    """VISIT, VISITNUM and VISITDY for encounters (columns USUBJID, VISIT, SVSTDTC, _RECORD_NO, _ID).

    A planned visit is numbered by its planned day (see `planned_visit`). Encounters of one moment stand in the order
    of their ids.
    """
    visits = visits.sort_values(["USUBJID", "SVSTDTC", RESOURCE_ID], kind="stable").reset_index(drop=True)
    table = {name: planned_visit(name, study) or (np.nan, np.nan) for name in visits["VISIT"].unique()}
    number = visits["VISIT"].map(lambda name: table[name][0]).astype(float)
    order = visits.groupby("USUBJID").cumcount() + 1
    if number.notna().sum() == 0:
        visits["VISITNUM"] = order.astype(float)
        visits["VISIT"] = "ENCOUNTER " + order.astype(str)
        visits["VISITDY"] = np.nan
        return visits
    before = number.groupby(visits["USUBJID"]).ffill().fillna(0.0)
    extra = number.isna().groupby([visits["USUBJID"], before]).cumsum()
    # Thousandths, or finer parts where so many visits follow a planned one that they would reach its tenths.
    digits = max(3, 1 + len(str(int(extra.max()))))
    visits["VISITDY"] = visits["VISIT"].map(lambda name: table[name][1]).astype(float)
    visits["VISITNUM"] = number.where(number.notna(), (before + extra / 10**digits).round(digits))
    unplanned = "UNSCHEDULED " + visits["VISITNUM"].map(lambda n: f"{n:.{digits}f}")
    visits["VISIT"] = visits["VISIT"].str.upper().where(number.notna(), unplanned)
    return visits


def _one_a_visit(sv: pd.DataFrame) -> pd.DataFrame:
    """Encounters of one visit put together: earliest start, latest end, all their records kept for the lineage."""
    keys = ["USUBJID", "VISITNUM"]
    # Days that are not known come last: a visit begins on the first day that is.
    sv = sv.assign(blank=sv["SVSTDTC"] == "").sort_values([*keys, "blank", "SVSTDTC", ORDER], kind="stable")
    sv = sv.drop(columns="blank")
    ends = sv.groupby(keys)["SVENDTC"].max()
    records = sv.groupby(keys)[RECORD_NO].agg(list)
    first = sv.drop_duplicates(keys).set_index(keys)
    first["SVENDTC"] = ends
    used = [(*own, *rest[1:]) for own, rest in zip(first[USED], records.reindex(first.index), strict=True)]
    first[USED] = pd.Series(used, index=first.index, dtype=object)
    return first.reset_index()
