"""Which overall responses of RS count for whom, and of every other one why it does not.

Criteria, evaluator and reader are matched by what their spellings mean (`adam.criteria`), acceptance holds for a
subject and an assessment (SDTMIG 3.4, RSACPTFL), and a subject has one source: what was collected, or what its lesions
give (`ResponseOptions.source`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from fhir2cdisc.adam.criteria import (
    DERIVED,
    INVESTIGATOR,
    MISSING,
    categories,
    codes,
    evaluator_names,
    is_whose,
    natural_order,
    of_one_reader,
    reader_names,
)
from fhir2cdisc.adam.frames.arrays import Bools, Ints, Texts
from fhir2cdisc.adam.frames.columns import numbers, texts
from fhir2cdisc.adam.frames.dates import NO_DAY, column_days, partial_days
from fhir2cdisc.adam.response.options import ResponseOptions

# Why a record of RS counts or not.
(
    OTHER_TEST,
    COUNTS,
    DERIVED_COUNTS,
    OTHER_CRITERIA,
    OTHER_EVALUATOR,
    OTHER_READER,
    NOT_ACCEPTED,
    OLDER_VERSION,
    DERIVED_UNUSED,
    COLLECTED_UNUSED,
) = range(10)
WORDS = {
    COUNTS: "collected response by the criteria and of the evaluator of the analysis",
    DERIVED_COUNTS: "derived from the lesions, which is the source of this subject",
    OTHER_CRITERIA: "not by the criteria of the analysis",
    OTHER_EVALUATOR: "not of the evaluator of the analysis",
    OTHER_READER: "another reader counts",
    NOT_ACCEPTED: "another reading of this assessment is the accepted one",
    OLDER_VERSION: "the subject has responses by the version of the analysis",
    DERIVED_UNUSED: "derived from the lesions; the collected responses count",
    COLLECTED_UNUSED: "collected; the responses derived from the lesions count",
}


@dataclass(frozen=True, slots=True)
class Selection:
    """`rows`: the positions in RS of the responses that count, by RSSEQ; `why`: for every record one of the reasons."""

    rows: Ints
    why: Ints

    @property
    def derived(self) -> Bools:
        """Which of `rows` were derived from lesions."""
        return np.asarray(self.why[self.rows] == DERIVED_COUNTS)


def select_responses(rs: pd.DataFrame, options: ResponseOptions, reference: pd.DataFrame | None = None) -> Selection:
    """The overall responses that count; with `reference` (USUBJID, the reference date) only calls from it on count.

    A blank RSEVAL is the investigator. Of several readers of an assessment the accepted one is taken; without
    acceptance those of the first reader of the subject. By `collected-else-derived` a subject without any counted
    collected response has those that were derived from the lesions of the same evaluator.
    """
    why = np.full(len(rs), OTHER_TEST, dtype=np.int64)
    overall = np.flatnonzero(_is_overall(rs))
    part = rs.iloc[overall]
    why[overall] = _reasons(part, options, reference)
    rows = np.flatnonzero((why == COUNTS) | (why == DERIVED_COUNTS))
    return Selection(rows[np.argsort(numbers(rs, "RSSEQ")[rows], kind="stable")], why)


def _is_overall(rs: pd.DataFrame) -> Bools:
    if "RSTESTCD" not in rs.columns:
        return np.zeros(len(rs), dtype=bool)
    places, distinct = pd.factorize(rs["RSTESTCD"])
    return np.asarray(np.array([*(str(one).strip().upper() == "OVRLRESP" for one in distinct), False])[places])


def _reasons(rs: pd.DataFrame, options: ResponseOptions, reference: pd.DataFrame | None) -> Ints:
    """The reason of each overall response."""
    evaluator, reader = evaluator_names(texts(rs, "RSEVAL")), reader_names(texts(rs, "RSEVALID"))
    place, known = categories(texts(rs, "RSCAT"))
    ours = np.array([one.criteria == options.criteria for one in known], dtype=bool)[place]
    made = evaluator == DERIVED
    mine = (evaluator == options.evaluator) | ((evaluator == "") & (options.evaluator == INVESTIGATOR))
    everybody = np.ones(len(rs), dtype=bool)
    wanted = reader_names(np.array([options.evaluator_id, options.whose], dtype=object))
    named = reader == wanted[0] if options.evaluator_id else everybody
    of_mine = is_whose(reader, wanted[1]) if options.whose else everybody
    why = np.select(
        [~ours, made & ~of_mine, made, ~mine, ~named],
        [OTHER_CRITERIA, OTHER_EVALUATOR, DERIVED_UNUSED, OTHER_EVALUATOR, OTHER_READER],
        COUNTS,
    ).astype(np.int64)
    rank = np.array([one.rank for one in known], dtype=np.int64)[place] if len(known) else place
    _one_version(rs, why, rank)
    _one_reading(rs, why, reader, options)
    _one_source(rs, why, reader, options, reference)
    return why


def _one_version(rs: pd.DataFrame, why: Ints, rank: Ints) -> None:
    """Of responses by several versions of the criteria a subject has those of the best one."""
    at = np.flatnonzero(why == COUNTS)
    if rank[at].any():
        best = pd.Series(rank[at]).groupby(texts(rs, "USUBJID")[at]).transform("min").to_numpy()
        why[at[rank[at] > best]] = OLDER_VERSION


def _one_reading(rs: pd.DataFrame, why: Ints, reader: Texts, options: ResponseOptions) -> None:
    """The accepted reading of each assessment; else of several readers the one who counts for the subject."""
    if options.evaluator_id:
        return
    at = np.flatnonzero(why == COUNTS)
    if options.evaluator != INVESTIGATOR and not accepted_readings(rs)[at].any():
        why[at[~of_one_reader(texts(rs, "USUBJID")[at], reader[at])]] = OTHER_READER
    elif accepted_readings(rs)[at].any():
        table = _readings(rs.iloc[at], reader[at])
        why[at[(table["settled"] & ~table["accepted"]).to_numpy()]] = NOT_ACCEPTED
        if options.evaluator != INVESTIGATOR:
            open_ = table[~table["settled"]]
            wrong = open_.index[(open_["order"] != _who_counts(table).loc[open_.index]).to_numpy()]
            why[at[wrong]] = OTHER_READER


def accepted_readings(rs: pd.DataFrame) -> Bools:
    places, distinct = pd.factorize(texts(rs, "RSACPTFL"))
    return np.asarray(np.array([*(str(one).upper() in ("Y", "YES") for one in distinct), False])[places])


def _readings(rs: pd.DataFrame, reader: Texts) -> pd.DataFrame:
    """Subject, assessment, reader (by name and number), whether accepted, and whether any of the assessment is."""
    table = pd.DataFrame(
        {
            "subject": texts(rs, "USUBJID"),
            "assessment": assessments_of(rs),
            "order": natural_order(reader),
            "accepted": accepted_readings(rs),
        }
    )
    return table.assign(settled=table.groupby(["subject", "assessment"])["accepted"].transform("any"))


def _who_counts(table: pd.DataFrame) -> pd.Series:
    """The reader of each record's assessment who counts where none is accepted there.

    It is the reader accepted most often for the subject, else the first one; where that one did not read the
    assessment of a subject with accepted readings, the first of those who did.
    """
    taken = table[table["accepted"]].groupby("subject")["order"].agg(lambda one: one.value_counts(sort=False).idxmax())
    first = table.groupby("subject")["order"].min()
    preferred = table["subject"].map(taken).fillna(table["subject"].map(first))
    keys = [table["subject"], table["assessment"]]
    there = (table["order"] == preferred).groupby(keys).transform("any")
    some = table["subject"].isin(taken.index)
    return preferred.where(there | ~some, table.groupby(["subject", "assessment"])["order"].transform("min"))


def assessments_of(rs: pd.DataFrame) -> Texts:
    """The assessment that a record belongs to: its visit by number, else by name; unscheduled ones by their day."""
    number, visit = numbers(rs, "VISITNUM"), texts(rs, "VISIT")
    upper = pd.Series(visit, dtype=object).str.upper().to_numpy(dtype=object)
    key = np.where(np.isnan(number), upper, pd.Series(number).map("#{:g}".format).to_numpy(dtype=object))
    loose = (key == "") | pd.Series(upper, dtype=object).str.startswith("UNSCHED").to_numpy(dtype=bool)
    day = pd.Series(texts(rs, "RSDTC"), dtype=object).str.slice(0, 10).to_numpy(dtype=object)
    return np.asarray(np.where(loose, day, key), dtype=object)


def _one_source(
    rs: pd.DataFrame, why: Ints, reader: Texts, options: ResponseOptions, reference: pd.DataFrame | None
) -> None:
    """Collected or derived responses, one source a subject."""
    made, own = np.flatnonzero(why == DERIVED_UNUSED), np.flatnonzero(why == COUNTS)
    always = options.evaluator == DERIVED or options.source == "derived"
    if not always and (options.source == "collected" or not len(made)):
        return
    subject = texts(rs, "USUBJID")
    made = made[of_one_reader(subject[made], reader[made])]
    if always:
        why[own], why[made] = COLLECTED_UNUSED, DERIVED_COUNTS
        return
    called = set(subject[own[counted_calls(rs.iloc[own], options, reference)]])
    derivable = set(subject[made[counted_calls(rs.iloc[made], options, reference)]]) - called
    if derivable:
        why[own[np.isin(subject[own], list(derivable))]] = COLLECTED_UNUSED
        why[made[np.isin(subject[made], list(derivable))]] = DERIVED_COUNTS


def counted_calls(rs: pd.DataFrame, options: ResponseOptions, reference: pd.DataFrame | None = None) -> Bools:
    """Which responses are a known call with a date, from the reference date on where one is known."""
    day, _ = partial_days(texts(rs, "RSDTC"), "last")
    code = codes(response_texts(rs), options.criteria)
    good = (code > 0) & (code != MISSING) & (day != NO_DAY)
    if reference is not None and options.reference in reference.columns:
        start = pd.Series(column_days(reference, options.reference), index=texts(reference, "USUBJID"))
        begins = pd.Series(texts(rs, "USUBJID")).map(start[~start.index.duplicated()]).fillna(NO_DAY)
        good &= day >= begins.to_numpy(dtype=np.int64)
    return np.asarray(good)


def response_texts(rs: pd.DataFrame) -> Texts:
    """The response of each record: RSSTRESC, else RSORRES."""
    standard = texts(rs, "RSSTRESC")
    return np.where(standard == "", texts(rs, "RSORRES"), standard) if (standard == "").any() else standard
