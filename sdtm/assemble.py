"""Mapped rows to SDTM datasets: identifiers, timing, flags, --SEQ, SUPP--, RELREC, and the lineage of each record."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from fhir2cdisc.fhir.findings import Finding
from fhir2cdisc.mappings.model import DomainMap
from fhir2cdisc.mappings.standard.datasets import sdtm_datasets
from fhir2cdisc.mappings.study import Study
from fhir2cdisc.sdtm.assessments import link_assessments
from fhir2cdisc.sdtm.columns import ENCOUNTER, ORDER, RECORD_NO, RESOURCE_ID, ROW, STATUS, SUBJECT, USED, USUAL_UNIT
from fhir2cdisc.sdtm.gather import Gathered
from fhir2cdisc.sdtm.lineage import LINEAGE_COLUMNS, lineage_of
from fhir2cdisc.sdtm.readers import number_readers
from fhir2cdisc.sdtm.relations import build_relrec, build_supp, relate_comments, specimen_links
from fhir2cdisc.sdtm.results import odd_units, standardise
from fhir2cdisc.sdtm.special import SPECIAL, link_lesions
from fhir2cdisc.sdtm.subjects import arm_findings, build_dm, identify, reference_dates
from fhir2cdisc.sdtm.timing import baseline_flag, epoch, number_visits, study_day
from fhir2cdisc.sdtm.trial_design import trial_design
from fhir2cdisc.sdtm.trial_summary import unknown_parameters

REFERENCES = ["RFSTDTC", "RFICDTC", "RFXSTDTC", "RFXENDTC", "RFPENDTC"]
# What tells one test from another when its baseline is chosen.
TEST_KEYS = ("TESTCD", "TEST", "SPEC", "LNKID", "CAT", "EVAL", "EVALID")


@dataclass(slots=True)
class Sdtm:
    """The SDTM of a study: frames by dataset (SUPP-- and RELREC included), their lineage, and what was found."""

    frames: dict[str, pd.DataFrame]
    lineage: pd.DataFrame
    findings: list[Finding] = field(default_factory=list)


def assemble(gathered: Gathered, study: Study, mappings: list[DomainMap], secret: bytes = b"") -> Sdtm:
    """Every SDTM dataset that the rows give, variables and keys in the order of the guide (SDTMIG 3.4, 4.1.4).

    Raises SubjectError where two patients would get one subject identifier.
    """
    if "DM" not in gathered.frames:
        return Sdtm({}, pd.DataFrame(columns=LINEAGE_COLUMNS))
    frames = gathered.frames
    _order(gathered)
    for domain, frame in frames.items():
        if domain in SPECIAL:
            frames[domain] = SPECIAL[domain](frame, study)
    found = number_readers(frames, gathered.records)
    who, dates = identify(gathered, study, secret), reference_dates(gathered, study)
    frames["DM"] = build_dm(gathered, study, who, dates)
    found += arm_findings(frames["DM"], study)
    for domain, frame in frames.items():
        _identify_rows(frame, domain, study, who)
    _visits(frames, gathered, study)
    for domain in frames:
        if f"{domain}ORRES" in frames[domain]:
            frames[domain] = standardise(frames[domain], domain)
    for domain in ("LB", "TR", "VS"):
        if domain in frames:
            found += _unit_findings(frames[domain], domain, gathered)
    link_lesions(frames)
    link_assessments(frames)
    for domain, frame in frames.items():
        _timing(frame, domain, dates)
    keys = {m.domain: m.keys for m in mappings}
    made = _finish(gathered, keys, mappings)
    design = trial_design(made.frames, study)
    made.findings = found + unknown_parameters(design["TS"])
    made.frames.update({name: guide_columns(frame, name) for name, frame in design.items()})
    return made


def _unit_findings(frame: pd.DataFrame, domain: str, gathered: Gathered) -> list[Finding]:
    odd = odd_units(frame, domain)
    places = gathered.records.iloc[odd[RECORD_NO].to_numpy(np.int64)]
    unit = f"{domain}STRESU"
    return [
        Finding(
            "unit.differs",
            f"{place.RESOURCE}/{place.ID}: {unit}: {test} is in {own}, most results of this test are in {usual}",
            file=place.FILE,
            line=int(place.LINE),
            entry=int(place.ENTRY),
            resource=f"{place.RESOURCE}/{place.ID}",
            variable=unit,
            value=own,
        )
        for place, test, own, usual in zip(
            places.itertuples(), odd[f"{domain}TESTCD"], odd[unit], odd[USUAL_UNIT], strict=True
        )
    ]


def _order(gathered: Gathered) -> None:
    """_ORDER: a total order of rows that depends on what was read, not on how files were named or dealt out."""
    records = gathered.records
    ranked = records.sort_values(["RESOURCE", "ID", "FILE", "LINE", "ENTRY"], kind="stable").index
    rank = pd.Series(np.arange(len(records)), index=ranked).sort_index().to_numpy()
    for frame in gathered.frames.values():
        position = np.lexsort((frame[ROW].to_numpy(np.int64), rank[frame[RECORD_NO].to_numpy(np.int64)]))
        order = np.empty(len(frame), dtype=np.int64)
        order[position] = np.arange(len(frame))
        frame[ORDER] = order


def _identify_rows(frame: pd.DataFrame, domain: str, study: Study, who: pd.DataFrame) -> None:
    frame["STUDYID"], frame["DOMAIN"] = study.studyid, domain
    frame["USUBJID"] = frame[SUBJECT].map(who["USUBJID"])


def _visits(frames: dict[str, pd.DataFrame], gathered: Gathered, study: Study) -> None:
    """VISIT, VISITNUM and VISITDY of every record that names its encounter; SV has one record a visit."""
    sv = frames.get("SV")
    if sv is None:
        return
    sv[RESOURCE_ID] = gathered.records["ID"].to_numpy()[sv[RECORD_NO].to_numpy(np.int64)]
    sv = number_visits(sv, study)
    by_record = sv.set_index(RECORD_NO)[["VISIT", "VISITNUM", "VISITDY"]]
    for domain, frame in frames.items():
        if domain != "SV" and "VISITNUM" in sdtm_datasets()[domain]:
            found = by_record.reindex(frame[ENCOUNTER])
            frame["VISITNUM"], frame["VISITDY"] = found["VISITNUM"].to_numpy(), found["VISITDY"].to_numpy()
            frame["VISIT"] = found["VISIT"].fillna("").to_numpy()
    frames["SV"] = _one_a_visit(sv)


def _one_a_visit(sv: pd.DataFrame) -> pd.DataFrame:
    """Encounters of one visit put together: earliest start, latest end, all their records kept for the lineage."""
    sv = sv.sort_values(["USUBJID", "VISITNUM", "SVSTDTC", ORDER], kind="stable")
    keys = ["USUBJID", "VISITNUM"]
    ends = sv.groupby(keys)["SVENDTC"].max()
    records = sv.groupby(keys)[RECORD_NO].agg(list)
    first = sv.drop_duplicates(keys).set_index(keys)
    first["SVENDTC"] = ends
    used = [(*own, *rest[1:]) for own, rest in zip(first[USED], records.reindex(first.index), strict=True)]
    first[USED] = pd.Series(used, index=first.index, dtype=object)
    return first.reset_index()


def _timing(frame: pd.DataFrame, domain: str, dates: pd.DataFrame) -> None:
    subject = dates.reindex(frame[SUBJECT])[REFERENCES].fillna("").set_index(frame.index)
    dataset = sdtm_datasets()[domain]
    for dtc, day in (
        (f"{domain}STDTC", f"{domain}STDY"),
        (f"{domain}ENDTC", f"{domain}ENDY"),
        (f"{domain}DTC", f"{domain}DY"),
    ):
        if dtc in frame and day in dataset:
            frame[day] = study_day(frame[dtc], subject["RFSTDTC"])
    when = next((c for c in (f"{domain}STDTC", f"{domain}DTC") if c in frame), "")
    if "EPOCH" in dataset and when:
        frame["EPOCH"] = epoch(frame[when], subject)
    by = ["USUBJID", *[f"{domain}{k}" for k in TEST_KEYS if f"{domain}{k}" in frame]]
    for flag, until in ((f"{domain}LOBXFL", "RFXSTDTC"), (f"{domain}BLFL", "RFSTDTC")):
        if flag in dataset and f"{domain}ORRES" in frame and f"{domain}DTC" in frame:
            frame[flag] = baseline_flag(frame, by, f"{domain}DTC", f"{domain}ORRES", subject[until])
    _ongoing(frame, domain, subject["RFPENDTC"])


def _ongoing(frame: pd.DataFrame, domain: str, end: pd.Series) -> None:
    """--ENRTPT and --ENTPT: what the source calls active and gives no end was going on when participation ended."""
    status = frame.get(STATUS)
    if domain not in ("CM", "MH") or status is None:
        return
    ended = frame.get(f"{domain}ENDTC", pd.Series("", index=frame.index)).fillna("")
    ongoing = (ended == "") & status.isin(["active", "recurrence", "relapse"]) & (end != "")
    frame[f"{domain}ENRTPT"] = np.where(ongoing, "ONGOING", "")
    frame[f"{domain}ENTPT"] = np.where(ongoing, end, "")


def _finish(gathered: Gathered, keys: dict[str, tuple[str, ...]], mappings: list[DomainMap]) -> Sdtm:
    frames: dict[str, pd.DataFrame] = {}
    supp: list[pd.DataFrame] = []
    lineage: list[pd.DataFrame] = []
    # Comments last: they name the records that the other domains have numbered.
    for domain in sorted(gathered.frames, key=lambda name: (name == "CO", name)):
        if domain == "CO":
            gathered.frames[domain] = relate_comments(gathered.frames)
        _long_test_names(gathered.frames[domain], domain)
        frame = _sequence(gathered.frames[domain], domain, keys[domain])
        gathered.frames[domain] = frame
        lineage.append(lineage_of(frame, domain, gathered.records))
        supp.append(build_supp(frame, domain, mappings))
        frames[domain] = guide_columns(frame, domain)
    for made in supp:
        if len(made):
            frames[f"SUPP{made['RDOMAIN'].iloc[0]}"] = made
    links = [*gathered.links, *specimen_links(gathered.frames, gathered.records)]
    relrec = build_relrec(gathered.frames, links)
    if len(relrec):
        frames["RELREC"] = relrec
    return Sdtm(frames, pd.concat(lineage, ignore_index=True))


def _long_test_names(frame: pd.DataFrame, domain: str) -> None:
    """A --TEST over 40 characters ends at its last whole word within 40; the full text is kept in SUPP--."""
    name = f"{domain}TEST"
    if name in frame:
        long = frame[name].str.len() > 40
        if long.any():
            frame[f"SUPP.{domain}TESTFL"] = frame[name].where(long, "")
            frame[name] = frame[name].where(~long, frame[name].str.slice(0, 41).str.rsplit(" ", n=1).str[0].str[:40])


def _sequence(frame: pd.DataFrame, domain: str, keys: tuple[str, ...]) -> pd.DataFrame:
    """The frame in key order with --SEQ from 1 within each subject."""
    by = ["USUBJID", *[k for k in keys if k in frame and k not in ("STUDYID", "USUBJID")], ORDER]
    frame = frame.sort_values(by, kind="stable").reset_index(drop=True)
    if f"{domain}SEQ" in sdtm_datasets()[domain]:
        frame[f"{domain}SEQ"] = (frame.groupby("USUBJID").cumcount() + 1).astype(float)
    return frame


def guide_columns(frame: pd.DataFrame, domain: str) -> pd.DataFrame:
    """The variables of the guide in its order: required and expected ones always, permissible ones if filled."""
    made: dict[str, pd.Series] = {}
    for variable in sdtm_datasets()[domain].variables:
        missing = np.nan if variable.type == "Num" else ""
        column = frame.get(variable.name, pd.Series(missing, index=frame.index))
        column = column.astype(float) if variable.type == "Num" else column.fillna("").astype(object)
        filled = column.notna().any() if variable.type == "Num" else (column != "").any()
        if filled or variable.core in ("Req", "Exp"):
            made[variable.name] = column
    return pd.DataFrame(made, index=frame.index)
