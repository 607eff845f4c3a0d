"""Mapped rows to SDTM datasets: identifiers, timing, flags, --SEQ, SUPP--, RELREC, and the lineage of each record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from fhir2cdisc.fhir.findings import Finding
from fhir2cdisc.mappings.last_day import study_zones, today
from fhir2cdisc.mappings.model import DomainMap
from fhir2cdisc.mappings.standard.datasets import Dataset, prefix_of
from fhir2cdisc.mappings.study import Study
from fhir2cdisc.mappings.time_zones import day_of
from fhir2cdisc.sdtm.columns import ORDER, RECORD_NO, ROW, SUBJECT
from fhir2cdisc.sdtm.domains import DOMAIN_RULES
from fhir2cdisc.sdtm.lineage import LINEAGE_COLUMNS, lineage_of
from fhir2cdisc.sdtm.links.origins import choose_origins, origin_findings
from fhir2cdisc.sdtm.links.relations import build_relrec, build_supp, relate_comments, specimen_links
from fhir2cdisc.sdtm.links.tumour_links import link_assessments, link_lesions, name_lesions
from fhir2cdisc.sdtm.methods import derives
from fhir2cdisc.sdtm.rows.clocks import clock_findings
from fhir2cdisc.sdtm.rows.gather import Gathered
from fhir2cdisc.sdtm.standard_results import (
    blank_unknown_scales,
    has_results,
    range_findings,
    standardise,
    unit_findings,
)
from fhir2cdisc.sdtm.subject.deaths import date_deaths
from fhir2cdisc.sdtm.subject.diagnosis import diagnosis_findings
from fhir2cdisc.sdtm.subject.hints import hint_findings
from fhir2cdisc.sdtm.subject.one_record import one_record_each
from fhir2cdisc.sdtm.subject.readers import number_readers
from fhir2cdisc.sdtm.subject.relatives import name_relatives
from fhir2cdisc.sdtm.subject.subjects import (
    age_findings,
    arm_findings,
    build_dm,
    collected_findings,
    identify,
    keep_collected,
    pseudonym_findings,
    reference_dates,
    with_dm_columns,
)
from fhir2cdisc.sdtm.subject.treatment_start import exposure_findings, start_findings, starting_records
from fhir2cdisc.sdtm.timing import add_timing, timing_findings
from fhir2cdisc.sdtm.trial.trial_design import trial_design
from fhir2cdisc.sdtm.trial.trial_summary import unknown_parameters
from fhir2cdisc.sdtm.trial.visits import add_visits, unclear_visits, visit_findings

# Domains whose results are compared in one unit.
MEASURED = ("LB", "TR", "VS")


@dataclass(slots=True)
class Sdtm:
    """The SDTM of a study: frames by dataset (SUPP-- and RELREC included), their lineage, and what was found."""

    frames: dict[str, pd.DataFrame]
    lineage: pd.DataFrame
    findings: list[Finding] = field(default_factory=list)


@dataclass(slots=True)
class Work:
    """What is being assembled: rows by domain with their working columns, and what was found so far.

    `unnamed` are findings of who somebody is, and of who died or may have, that do not name USUBJID yet.
    `who` holds USUBJID, SUBJID and SITEID, `dates` the reference dates of DM, both by subject key.
    """

    gathered: Gathered
    study: Study
    mappings: list[DomainMap]
    secret: bytes
    frames: dict[str, pd.DataFrame]
    who: pd.DataFrame = field(default_factory=pd.DataFrame)
    dates: pd.DataFrame = field(default_factory=pd.DataFrame)
    findings: list[Finding] = field(default_factory=list)
    unnamed: list[Finding] = field(default_factory=list)

    def each(self, change: Callable[[pd.DataFrame, str], pd.DataFrame]) -> None:
        """Every domain's rows replaced by what `change(rows, domain)` returns."""
        self.frames = {domain: change(frame, domain) for domain, frame in self.frames.items()}


def assemble(gathered: Gathered, study: Study, mappings: list[DomainMap], secret: bytes = b"") -> Sdtm:
    """Every SDTM dataset that the rows give, variables and keys in the order of the guide (SDTMIG 3.4, 4.1.4).

    Raises SubjectError where two patients would get one subject identifier.
    """
    if "DM" not in gathered.frames:
        return Sdtm({}, pd.DataFrame(columns=LINEAGE_COLUMNS))
    work = Work(gathered, study, mappings, secret, dict(gathered.frames))
    for step in STEPS:
        step(work)
    return _datasets(work)


def order_rows(work: Work) -> None:
    """_ORDER: a total order of rows that depends on what was read, not on how files were named or dealt out."""
    records = work.gathered.records
    ranked = records.sort_values(["RESOURCE", "ID", "FILE", "LINE", "ENTRY"], kind="stable").index
    rank = pd.Series(np.arange(len(records)), index=ranked).sort_index().to_numpy()

    def ordered(frame: pd.DataFrame, domain: str) -> pd.DataFrame:
        position = np.lexsort((frame[ROW].to_numpy(np.int64), rank[frame[RECORD_NO].to_numpy(np.int64)]))
        order = np.empty(len(frame), dtype=np.int64)
        order[position] = np.arange(len(frame))
        return frame.assign(**{ORDER: order})

    work.each(ordered)


def complete_domains(work: Work) -> None:
    """What single domains need beyond their mapping (see `domains`)."""
    work.each(lambda rows, domain: DOMAIN_RULES[domain](rows, work.study) if domain in DOMAIN_RULES else rows)


def tell_readers_apart(work: Work) -> None:
    """--EVALID of independent readers and adjudicators."""
    numbered, found = number_readers(work.frames, work.gathered.records)
    work.frames |= numbered
    work.findings += found


def keep_origins(work: Work) -> None:
    """Of domains that FHIR and extracts both feed the rows of those that count."""
    work.frames, found = choose_origins(work.frames, work.gathered.records, work.gathered.origins)
    work.findings += found


def one_record(work: Work) -> None:
    """One DM record a subject."""
    work.frames["DM"], found = one_record_each(work.frames["DM"], work.gathered.records)
    work.unnamed += found


def find_deaths(work: Work) -> None:
    dm, stated = with_dm_columns(work.frames["DM"]), work.gathered.accounts.newest
    newest = day_of(stated, study_zones(work.study)) if stated else ""
    work.frames["DM"], found = date_deaths(dm, work.frames.get("DS"), newest, today(work.study))
    work.unnamed += [*found, *hint_findings(work.gathered.hints, work.frames["DM"])]


def find_subjects(work: Work) -> None:
    """Identifiers, reference dates and DM; STUDYID, DOMAIN and USUBJID of every row."""
    work.who = identify(work.frames, work.study, work.secret)
    work.findings += pseudonym_findings(work.who, work.secret)
    work.dates = reference_dates(work.frames, work.study)
    mapped = work.frames["DM"]
    derived = build_dm(work.frames, work.study, work.who, work.dates)
    work.frames["DM"] = keep_collected(mapped, derived)
    work.unnamed += collected_findings(mapped, derived, work.dates)
    work.findings += arm_findings(work.frames["DM"], work.study)
    if "DS" in work.frames:
        _drop_numbers(work)
    records = starting_records(work.frames.get("EX"), work.frames.get("CM"), work.study)
    work.findings += start_findings(records, work.dates, work.who, work.study)
    work.findings += exposure_findings(work.frames, work.who, work.study)
    said = [*work.unnamed, *age_findings(mapped, work.frames["DM"]), *clock_findings(work.gathered.times)]
    work.findings += [replace(one, usubjid=str(work.who["USUBJID"].get(one.resource, ""))) for one in said]
    work.each(
        lambda rows, domain: rows.assign(
            STUDYID=work.study.studyid, DOMAIN=domain, USUBJID=rows[SUBJECT].map(work.who["USUBJID"])
        )
    )


def find_relatives(work: Work) -> None:
    """APID and RSUBJID."""
    if "APMH" in work.frames:
        work.frames["APMH"] = name_relatives(work.frames["APMH"])


def _drop_numbers(work: Work) -> None:
    """DS without the rows that only gave a subject number and an arm: they name no event."""
    rows = work.frames.pop("DS")
    events = rows[rows["DSTERM"] != ""] if "DSTERM" in rows else rows.iloc[:0]
    if len(events):
        work.frames["DS"] = events.reset_index(drop=True)


def name_nameless_lesions(work: Work) -> None:
    """--LNKID of lesions whose source gives them no name."""
    work.frames |= name_lesions(work.frames)


def look_at_diagnoses(work: Work) -> None:
    if "MH" in work.frames:
        work.findings += diagnosis_findings(work.frames["MH"], work.gathered.records, work.study)


def place_in_visits(work: Work) -> None:
    """VISIT, VISITNUM and VISITDY; SV with one record a visit."""
    work.findings += visit_findings(work.frames, work.gathered.records, work.study)
    work.frames |= add_visits(work.frames, work.gathered.records, work.gathered.datasets, work.study)
    work.findings += unclear_visits(work.frames)


def standardise_results(work: Work) -> None:
    """--STRESC, --STRESN and --STRESU, and findings about units that differ."""
    work.each(lambda rows, domain: standardise(rows, domain) if has_results(rows, domain) else rows)
    brought = [mapping.domain for mapping in work.mappings if mapping.own is not None]
    for domain in (*MEASURED, *brought):
        if f"{domain}STRESU" in work.frames.get(domain, ()):
            rows, found = blank_unknown_scales(work.frames[domain], domain, work.gathered.records)
            work.frames[domain] = rows
            work.findings += [*range_findings(rows, domain, work.gathered.records), *found]
            work.findings += unit_findings(work.frames[domain], domain, work.gathered.records)


def link_tumours(work: Work) -> None:
    """TRGRPID, TRLNKGRP and RSLNKGRP."""
    work.frames |= link_lesions(work.frames)
    work.frames |= link_assessments(work.frames)


def place_in_time(work: Work) -> None:
    """Study days, EPOCH, baseline flags and what still goes on."""
    for domain, rows in work.frames.items():
        found = timing_findings(rows, work.gathered.datasets[domain], work.dates)
        work.findings += [replace(one, usubjid=str(work.who["USUBJID"].get(one.resource, ""))) for one in found]
    work.each(lambda rows, domain: add_timing(rows, work.gathered.datasets[domain], work.dates))


def number_records(work: Work) -> None:
    """--SEQ, and the records that comments are about."""
    keys, datasets = {mapping.domain: mapping.keys for mapping in work.mappings}, work.gathered.datasets
    work.each(lambda rows, domain: sequence(shorten_test_names(rows, domain), datasets[domain], keys[domain]))
    if "CO" in work.frames:
        # Again, because its keys name the records that the comments are about, which have their numbers only now.
        work.frames["CO"] = sequence(relate_comments(work.frames), datasets["CO"], keys["CO"])


# The order matters; beside each step stands what it needs of those before it.
STEPS: tuple[Callable[[Work], None], ...] = (
    keep_origins,  # before anything is made of rows that do not count
    order_rows,  # of equals every later step takes the first by _ORDER
    complete_domains,  # who judged, what a condition is, which form: asked by the readers, the subjects and the results
    tell_readers_apart,  # by --EVAL
    one_record,  # before anything is asked of a subject
    find_deaths,  # before the subjects, whose last contact may be the death
    find_subjects,  # by the diagnosis (_COHORT) and the names of study drugs; all that follows goes by USUBJID
    find_relatives,  # by USUBJID
    name_nameless_lesions,  # by USUBJID
    look_at_diagnoses,  # by USUBJID
    place_in_visits,  # within USUBJID
    standardise_results,  # of forms by their scores (_STRESC); the units before lesions are linked by their results
    link_tumours,  # by standard results, readers and visits
    place_in_time,  # by the reference dates; baselines of each lesion and reader, so after these are known
    number_records,  # in the order of keys, which may be any variable made above
)


def _datasets(work: Work) -> Sdtm:
    """The finished datasets: rows in variables of the guide, what does not fit in SUPP--, relations, trial design."""
    frames: dict[str, pd.DataFrame] = {}
    lineage = []
    for domain, rows in sorted(work.frames.items()):
        frames[domain] = guide_columns(rows, work.gathered.datasets[domain])
        lineage.append(lineage_of(rows, domain, work.gathered.records))
        supp = build_supp(rows, domain, work.mappings)
        if len(supp):
            frames[f"SUPP{domain}"] = supp
    work.findings += origin_findings(work.frames, work.gathered.records)
    links = [*work.gathered.links, *specimen_links(work.frames, work.gathered.records)]
    relrec = build_relrec(work.frames, links)
    if len(relrec):
        frames["RELREC"] = relrec
    design = trial_design(frames, work.study)
    frames |= {name: guide_columns(frame, work.gathered.datasets[name]) for name, frame in design.items()}
    found = work.findings + unknown_parameters(design["TS"])
    return Sdtm(frames, pd.concat(lineage, ignore_index=True), found)


def shorten_test_names(frame: pd.DataFrame, domain: str) -> pd.DataFrame:
    """A --TEST over 40 characters ends at its last whole word within 40; the full text is kept in SUPP--."""
    name = f"{domain}TEST"
    if name not in frame or not (long := frame[name].str.len() > 40).any():
        return frame
    short = frame[name].str.slice(0, 41).str.rsplit(" ", n=1).str[0].str[:40]
    return frame.assign(**{f"SUPP.{name}FL": frame[name].where(long, ""), name: frame[name].where(~long, short)})


@derives("--SEQ", "Numbered from 1 within the subject, in the order of the dataset's keys")
def sequence(frame: pd.DataFrame, dataset: Dataset, keys: tuple[str, ...]) -> pd.DataFrame:
    """The frame in key order with --SEQ from 1 within each subject."""
    by = ["USUBJID", *[k for k in keys if k in frame and k not in ("STUDYID", "USUBJID")], ORDER]
    # What is missing comes first, a number as a text: so do SAS and the text that an empty cell is.
    frame = frame.sort_values(by, kind="stable", na_position="first").reset_index(drop=True)
    seq = f"{prefix_of(dataset.name)}SEQ"
    if seq in dataset:
        frame[seq] = (frame.groupby("USUBJID").cumcount() + 1).astype(float)
    return frame


def guide_columns(frame: pd.DataFrame, dataset: Dataset) -> pd.DataFrame:
    """The variables of the guide in its order: required and expected ones always, permissible ones if filled."""
    made: dict[str, pd.Series] = {}
    for variable in dataset.variables:
        missing = np.nan if variable.type == "Num" else ""
        column = frame.get(variable.name, pd.Series(missing, index=frame.index))
        column = column.astype(float) if variable.type == "Num" else column.fillna("").astype(object)
        filled = column.notna().any() if variable.type == "Num" else (column != "").any()
        if filled or variable.core in ("Req", "Exp"):
            made[variable.name] = column
    return pd.DataFrame(made, index=frame.index)
