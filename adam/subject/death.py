"""Whether and when a subject died, of all that DM, DD, DS, AE and SS say of it.

A date without its day or month is imputed by the study's rule (ADaMIG 1.3, 3.1.3: DTHDTF), never before the last record
that proves life. Whoever died without any date is dead nevertheless.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd
from fhir2cdisc.adam.frames.columns import text
from fhir2cdisc.adam.frames.dates import impute_dates
from fhir2cdisc.adam.frames.findings import findings, gather_findings
from fhir2cdisc.adam.frames.sdtm import Frames, dataset
from fhir2cdisc.adam.frames.variables import derived, derived_date
from fhir2cdisc.adam.subject.evidence import Fact, as_evidence, candidates
from fhir2cdisc.adam.subject.last_alive import is_fatal, last_known_alive, signs_of_life
from fhir2cdisc.mappings.standard.disposition import TREATMENT, ended_scope
from fhir2cdisc.mappings.study_facts import Death

VARIABLES = (
    derived_date("DTHDT", "Date of Death", ""),
    derived("DTHDTF", "Date of Death Imputation Flag", "D or M where day, or month and day, were imputed; Y if all"),
    derived("DTHFL", "Subject Death Flag", "Y where DM, DD, DS, AE or SS says that the subject died"),
    derived_date(
        "DTHEDT",
        "Earliest Possible Date of Death",
        "DTHDT where a record gives the day; of a partial date its first day, not before the last sign of life; of an "
        "earlier event its day; else the last sign of life",
    ),
    derived_date(
        "DTHLDT",
        "Latest Possible Date of Death",
        "DTHDT where a record gives the day; of a partial date its last day, not after the data cut-off; else the "
        "first "
        "SS.SSDTC of DEAD, else the last sign of life of all subjects or the data cut-off",
    ),
)
_ISO = "%Y-%m-%d"
# The rule of dates that differ; its findings list the dates in their value.
DIFFER = "death dates differ"


def methods(options: Death) -> dict[str, str]:
    """The method of DTHDT by the rules of the study."""
    day = {
        "first-possible": "as the first day that it allows, not before the last sign of life (the last day that it "
        "allows where that is later still)",
        "last-possible": "as the last day that it allows",
        "none": "as none",
    }[options.partial]
    unknown = {"censored": "none", "event-at-last-contact": "the last sign of life (DTHDTF Y)"}[options.undated]
    said = (
        "Of DM.DTHDTC, DD.DDDTC (DDSTAT not NOT DONE), DS.DSSTDTC (DSDECOD DEATH, not of DSSCAT STUDY TREATMENT) and "
        "AE.AEENDTC (fatal: AEOUT FATAL, AESDTH Y or AETOXGR 5) the first with a date, in the order "
        f"{', '.join(options.order)}; a complete one goes before a partial one that it agrees with. A partial date "
        f"counts {day}. Without any: the latest start of a fatal AE without an end or DS.DSSTDTC of DEATH of STUDY "
        f"TREATMENT, unless a sign of life (LSTALVDT) is later; else {unknown}"
    )
    return {"DTHDT": said}


@dataclass(frozen=True, slots=True)
class _Said:
    """What one record says: the days that it allows, and whether it is the day (`kind` "day") or only bounds it."""

    at: int
    domain: str
    variable: str
    dtc: str
    kind: str
    first: pd.Timestamp
    last: pd.Timestamp
    missing: str

    @property
    def dated(self) -> bool:
        return self.kind == "day" and not pd.isna(self.first)

    def agrees(self, other: _Said) -> bool:
        """Whether a day exists that both allow."""
        return bool(self.first <= other.last and other.first <= self.last)


@dataclass(frozen=True, slots=True)
class _Day:
    """The day that was found: `flag` is DTHDTF, `source` the record, both bounds of what is possible.

    `undated`: no record gives a day, so that there is none or the study's rule for such deaths made it.
    """

    day: pd.Timestamp
    flag: str
    source: _Said
    earliest: pd.Timestamp
    latest: pd.Timestamp
    why: str
    undated: bool = False


_NEVER = pd.NaT
_BEGUN = {"AE": "the start of the event that killed", "DS": "the end of treatment for death"}


def said_of_death(frames: Frames) -> pd.DataFrame:
    """Every record that says that its subject died, as candidates with KIND.

    KIND is `day` where the date is that of death, `start` where death came then or later (the start of a fatal event
    without an end, the end of treatment for death), `bound` where the subject was dead by that day.
    """
    dm, dd, ds, ae, ss = (dataset(frames, name) for name in ("DM", "DD", "DS", "AE", "SS"))
    dead = dm[(text(dm, "DTHFL").str.upper() == "Y") | (text(dm, "DTHDTC") != "")]
    term = text(ds, "DSDECOD").where(text(ds, "DSDECOD") != "", text(ds, "DSTERM")).str.upper()
    ended = ds[term == "DEATH"]
    # Treatment that ended because the subject died has its own end, the last dose or the day it was given up.
    of_treatment = text(ended, "DSSCAT").map(ended_scope) == TREATMENT
    details = dd[text(dd, "DDSTAT") != "NOT DONE"]
    fatal = ae[is_fatal(ae)]
    open_ended = text(fatal, "AEENDTC") == ""
    status = ss[text(ss, "SSSTRESC").str.upper() == "DEAD"]
    cause = text(details, "DDTEST") + ": " + text(details, "DDSTRESC")
    parts = [
        candidates(dead, "DM", "DTHDTC", pd.Series("death flag", index=dead.index, dtype=object)).assign(KIND="day"),
        candidates(details, "DD", "DDDTC", cause).assign(KIND="day"),
        candidates(ended[~of_treatment], "DS", "DSSTDTC", "DSDECOD").assign(KIND="day"),
        candidates(ended[of_treatment], "DS", "DSSTDTC", "DSDECOD").assign(KIND="start"),
        candidates(fatal[~open_ended], "AE", "AEENDTC", "AETERM").assign(KIND="day"),
        candidates(fatal[open_ended], "AE", "AESTDTC", "AETERM").assign(KIND="start"),
        candidates(status, "SS", "SSDTC", "SSSTRESC").assign(KIND="bound"),
    ]
    rows = pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)
    return rows.sort_values(["USUBJID", "SRCDOM", "SRCVAR", "SRCSEQ", "DTC"], kind="stable").reset_index(drop=True)


def derive_death(frames: Frames, subjects: pd.Series, options: Death, until: pd.Timestamp | None = None) -> Fact:
    """DTHDT, DTHDTF, DTHFL, DTHEDT and DTHLDT of every subject, `until` being the last day of the data, if any.

    DTHEDT and DTHLDT are missing for the living.
    """
    said = said_of_death(frames)
    first, flags = impute_dates(said["DTC"], "first")
    last, _ = impute_dates(said["DTC"], "last")
    said = said.assign(_F=first, _L=last, _M=flags)
    records = {who: _records(rows) for who, rows in said.groupby("USUBJID") if who in set(subjects)}
    sources = {who: _preferred(mine, options.order) for who, mine in records.items()}
    contact = _last_contacts(frames, sources, records, until)
    newest = until if until is not None else contact.max()
    found = {
        who: _day(sources[who], mine, contact.get(who, _NEVER), newest, until, options) for who, mine in records.items()
    }
    values = _values(subjects, found)
    return Fact(values, _evidence(said, records, found), _findings(frames, records, found, contact, options))


def _records(rows: pd.DataFrame) -> list[_Said]:
    columns = ("SRCDOM", "SRCVAR", "DTC", "KIND", "_F", "_L", "_M")
    return [_Said(at, *line) for at, *line in zip(rows.index, *(rows[name] for name in columns), strict=True)]


def _preferred(mine: Sequence[_Said], order: Sequence[str]) -> _Said:
    """The record that gives the day: the first in the order with a date; a full date goes before a part of it."""
    rank = {domain: place for place, domain in enumerate(order)}
    ordered = sorted(mine, key=lambda one: rank.get(one.domain, len(rank)))
    dated = [one for one in ordered if one.dated]
    if not dated:
        started = [one for one in ordered if one.kind == "start" and not pd.isna(one.first)]
        # Death came after all that began before it, so the latest of them says most.
        return max(started, key=lambda one: one.first) if started else ordered[0]
    best = dated[0]
    fuller = [one for one in dated if not one.missing and best.agrees(one)]
    return fuller[0] if best.missing and fuller else best


def _last_contacts(
    frames: Frames, sources: dict[str, _Said], records: dict[str, list[_Said]], until: pd.Timestamp | None
) -> pd.Series:
    """The last contact of every subject, that of the dead before what is known of their death."""
    ends = {}
    for who, source in sources.items():
        bounds = [one.first for one in records[who] if one.kind == "bound" and not pd.isna(one.first)]
        known = source.dated and not source.missing
        ends[who] = source.first if known else min(bounds) if bounds and not source.dated else _NEVER
    died = pd.Series(ends, dtype="datetime64[ns]")
    return last_known_alive(frames, died, until).set_index("USUBJID")["LSTALVDT"]


def _day(
    source: _Said,
    mine: Sequence[_Said],
    contact: pd.Timestamp,
    newest: pd.Timestamp,
    until: pd.Timestamp | None,
    options: Death,
) -> _Day:
    if source.dated and not source.missing:
        return _Day(source.first, "", source, source.first, source.first, "the day that it gives")
    if source.dated:
        return _partial(source, contact, until, options)
    bounds = [one.last for one in mine if one.kind == "bound" and not pd.isna(one.last)]
    possible = [day for day in (newest, contact, source.last) if not pd.isna(day)]
    latest = min(bounds) if bounds else max(possible, default=_NEVER)
    if source.kind == "start" and not pd.isna(source.first):
        if pd.isna(contact) or contact <= source.last:
            return _from_start(source, contact, latest, options)
        why = f"{_BEGUN[source.domain]} is no day of death, as records prove life after it"
    else:
        why = "no source has a date"
    if options.undated == "event-at-last-contact" and not pd.isna(contact):
        return _Day(contact, "Y", source, contact, latest, f"{why}: the last contact, as the study says", True)
    return _Day(_NEVER, "", source, contact, latest, f"{why}, so there is none", True)


def _from_start(source: _Said, contact: pd.Timestamp, latest: pd.Timestamp, options: Death) -> _Day:
    """The day on which an earlier event began: death came then or later, and no record proves that it was later."""
    first = source.first if pd.isna(contact) else max(source.first, contact)
    latest = max(latest, source.last)
    why = f"{_BEGUN[source.domain]}, as nothing gives the day itself"
    if not source.missing or options.partial == "first-possible":
        return _Day(first, source.missing, source, first, latest, why)
    if options.partial == "last-possible":
        return _Day(source.last, source.missing, source, first, latest, why)
    return _Day(_NEVER, "", source, first, latest, "a partial date, which the study does not impute", True)


def _partial(source: _Said, contact: pd.Timestamp, until: pd.Timestamp | None, options: Death) -> _Day:
    """The day of a partial date: the rule's, within what the date allows and not before the last contact."""
    last = source.last if until is None or until < source.first else min(source.last, until)
    earliest = source.first if pd.isna(contact) else min(max(source.first, contact), last)
    day = {"first-possible": earliest, "last-possible": last, "none": _NEVER}[options.partial]
    if not pd.isna(contact) and contact > source.last:
        why = "the last possible day, as records prove life after it"
        return _Day(last if options.partial != "none" else _NEVER, source.missing, source, last, last, why)
    words = {
        "first-possible": "the first possible day that is not before the last contact",
        "last-possible": "the last possible day",
        "none": "a partial date, which the study does not impute",
    }
    flag = source.missing if options.partial != "none" else ""
    return _Day(day, flag, source, earliest, last, words[options.partial])


def _values(subjects: pd.Series, found: dict[str, _Day]) -> pd.DataFrame:
    made = pd.DataFrame(index=pd.Index(subjects, name="USUBJID"))
    made["DTHDT"] = pd.to_datetime(pd.Series({who: one.day for who, one in found.items()}, dtype="datetime64[ns]"))
    made["DTHDTF"] = pd.Series({who: one.flag for who, one in found.items()}, dtype=object)
    made["DTHFL"] = pd.Series(dict.fromkeys(found, "Y"), dtype=object)
    made["DTHEDT"] = pd.Series({who: one.earliest for who, one in found.items()}, dtype="datetime64[ns]")
    made["DTHLDT"] = pd.Series({who: one.latest for who, one in found.items()}, dtype="datetime64[ns]")
    return made.fillna({"DTHDTF": "", "DTHFL": ""}).astype({"DTHDTF": object, "DTHFL": object})


def _evidence(said: pd.DataFrame, records: dict[str, list[_Said]], found: dict[str, _Day]) -> pd.DataFrame:
    chosen, reasons, dates = {}, {}, {}
    for who, mine in records.items():
        for one in mine:
            taken = one is found[who].source
            chosen[one.at] = "Y" if taken else ""
            reasons[one.at] = found[who].why if taken else _passed(one, found[who])
            dates[one.at] = found[who].day if taken else one.first if one.kind == "day" else _NEVER
    rows = said.loc[sorted(chosen)]
    made = rows.assign(
        CHOSEN=pd.Series(chosen), REASON=pd.Series(reasons), DATE=pd.Series(dates, dtype="datetime64[ns]")
    )
    return as_evidence(made, "death")


def _passed(one: _Said, found: _Day) -> str:
    if one.kind == "bound":
        return "says that the subject was dead by that day, not when the subject died"
    if pd.isna(one.first):
        return "says that the subject died, without a date"
    if one.kind == "start":
        return f"{_BEGUN[one.domain]}, which is no day of death where another source has one"
    if found.source.dated and one.agrees(found.source):
        return f"agrees with {found.source.domain}, which comes first or is complete"
    return f"differs from {found.source.domain}, which comes first in the study's order"


def _findings(
    frames: Frames,
    records: dict[str, list[_Said]],
    found: dict[str, _Day],
    contact: pd.Series,
    options: Death,
) -> pd.DataFrame:
    rows: dict[tuple[str, str], list[tuple[str, str, str, str, str]]] = {}
    for who in sorted(found):
        for rule, severity, message, *value in _sentences(records[who], found[who], contact.get(who, _NEVER), options):
            source = found[who].source
            place = f"{source.domain}.{source.variable}"
            line = (who, place, "DTHDT", value[0] if value else source.dtc, message)
            rows.setdefault((rule, severity), []).append(line)
    made = [findings("ADSL", rule, severity, lines) for (rule, severity), lines in rows.items()]
    return gather_findings([*made, _alive_after_death(frames, found)])


def _sentences(mine: Sequence[_Said], one: _Day, contact: pd.Timestamp, options: Death) -> Iterator[tuple[str, ...]]:
    """(rule, severity, message), of dates that differ also what the finding names as its value."""
    source = one.source
    last = "no contact is known" if pd.isna(contact) else f"the last contact was on {contact:{_ISO}}"
    if one.undated:
        yield "death without a date", "ERROR", _undated(mine, one, last)
    elif source.kind == "start":
        yield (
            "death date from an earlier event",
            "WARNING",
            f"No source gives the day of death: {_BEGUN[source.domain]} {source.dtc} is taken, or it came later.",
        )
    elif source.missing:
        yield from _of_partial(one, contact, last)
    dated = [said for said in mine if said.dated]
    if any(not a.agrees(b) for a in dated for b in dated):
        dates = ", ".join(dict.fromkeys(f"{said.domain}.{said.variable} {said.dtc}" for said in dated))
        message = f"Sources give different dates of death ({dates}); {source.domain} counts (order "
        days = ", ".join(sorted({said.dtc[:10] for said in dated}))
        yield DIFFER, "WARNING", f"{message}{', '.join(options.order)}).", days
    if source.domain != "DM" and not any(said.domain == "DM" for said in mine):
        domains = ", ".join(dict.fromkeys(said.domain for said in mine))
        yield "death not in DM", "WARNING", f"DM says nothing of a death, {domains} does; the subject counts as dead."


def _undated(mine: Sequence[_Said], one: _Day, last: str) -> str:
    source = one.source
    where = ", ".join(dict.fromkeys(said.domain for said in mine))
    effect = (
        "survival is censored there (CNSR 9)" if pd.isna(one.day) else f"death is set to {one.day:{_ISO}} by the study"
    )
    begun = f" ({_BEGUN[source.domain]} {source.dtc} is not that day)" if source.kind == "start" and source.dtc else ""
    return f"The subject died by {where}, nobody says when{begun}; {last}: {effect}."


def _of_partial(one: _Day, contact: pd.Timestamp, last: str) -> Iterator[tuple[str, str, str]]:
    said = f"Death is known as {one.source.dtc} only ({one.source.domain}.{one.source.variable})"
    if not pd.isna(contact) and contact > one.source.last:
        yield (
            "death before last contact",
            "ERROR",
            f"{said}, but {last}, which is later; the last possible day {one.latest:{_ISO}} is taken.",
        )
    elif pd.isna(one.day):
        yield "death without a date", "ERROR", f"{said} and the study imputes nothing; {last}: censored there (CNSR 9)."
    else:
        span = f"possible from {one.earliest:{_ISO}} to {one.latest:{_ISO}}"
        yield "death date imputed", "WARNING", f"{said}: taken as {one.day:{_ISO}}, {one.why} ({span}; {last})."


def _alive_after_death(frames: Frames, found: dict[str, _Day]) -> pd.DataFrame:
    """Records that only the living have and that are dated after a known day of death."""
    died = pd.Series({who: one.day for who, one in found.items() if not one.source.missing}, dtype="datetime64[ns]")
    signs = signs_of_life(frames)
    signs = signs[signs["LSTALVDT"] > pd.to_datetime(signs["USUBJID"].map(died))]
    latest = signs.sort_values(["USUBJID", "LSTALVDT", "_RANK", "LALVSEQ"]).drop_duplicates("USUBJID", keep="last")
    lines = [
        (
            row.USUBJID,
            f"{row.LALVDOM}.{row.LALVVAR}",
            "DTHDT",
            row.DTC,
            f"{int(n)} records that only the living have are dated after the death on {died[row.USUBJID]:{_ISO}}, the "
            f"last is {row.LALVDOM} of {row.DTC}; they prove no life and the date of death counts.",
        )
        for row, n in zip(latest.itertuples(), latest["USUBJID"].map(signs.groupby("USUBJID").size()), strict=True)
    ]
    return findings("ADSL", "records after death", "WARNING", lines)


def cause_of_death(frames: Frames, subjects: pd.Series, flag: pd.Series) -> pd.Series:
    """DTHCAUS: the primary cause in DD of those who died."""
    dd = dataset(frames, "DD")
    cause = dd[text(dd, "DDTESTCD") == "PRCDTH"].drop_duplicates("USUBJID").set_index("USUBJID")
    found = subjects.map(text(cause, "DDSTRESC")).fillna("").astype(object)
    return found.where(flag == "Y", "")
