"""The assessments that count, as sorted arrays, and the questions that response parameters ask of them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from fhir2cdisc.adam.criteria import CR, INAMES, IRECIST, MISSING, NAMES, NE, NED, NON, PD, PR, SD, UPD, codes
from fhir2cdisc.adam.frames.arrays import Bools, Ints, Texts, next_true, running, sorted_order
from fhir2cdisc.adam.frames.columns import texts
from fhir2cdisc.adam.frames.dates import FOREVER, NO_DAY, column_days
from fhir2cdisc.adam.response.options import ResponseOptions

# Of several calls of one day the worst counts; anything evaluable is worse than NE (admiralonco).
SEVERITY = np.array([0, 2, 3, 4, 5, 7, 0, 0, 6, 1])
_BY_SEVERITY = sorted((CR, PR, SD, NON, PD, NE, UPD, NED), key=lambda code: -int(SEVERITY[code]))
WORST_FIRST = ", ".join(NAMES.get(code, INAMES[code]) for code in _BY_SEVERITY)


@dataclass(frozen=True, slots=True)
class Calls:
    """The calls that count, sorted by subject and day, one per day.

    `subjects` and `start` have one entry per reference subject; `subject` (a position in `subjects`), `day`,
    `code` and `row` (a position in the assessments frame) one entry per call.
    """

    subjects: Texts
    start: Ints
    subject: Ints
    day: Ints
    code: Ints
    row: Ints

    def __len__(self) -> int:
        return len(self.day)

    @property
    def since_start(self) -> Ints:
        return self.day - self.start[self.subject]

    def only(self, keep: Bools | Ints) -> Calls:
        return replace(self, subject=self.subject[keep], day=self.day[keep], code=self.code[keep], row=self.row[keep])

    def first(self, mask: Bools) -> Ints:
        """Per subject the position of the first call for which the mask is true, or -1."""
        where = np.flatnonzero(mask)[::-1]
        found = np.full(len(self.subjects), -1, dtype=np.int64)
        found[self.subject[where]] = where
        return found

    def last(self, mask: Bools) -> Ints:
        """Per subject the position of the last call for which the mask is true, or -1."""
        where = np.flatnonzero(mask)
        found = np.full(len(self.subjects), -1, dtype=np.int64)
        found[self.subject[where]] = where
        return found

    def until_progression(self) -> Calls:
        """The calls up to and including each subject's first PD (iCPD)."""
        first = self.first(self.code == PD)[self.subject]
        return self.only((first < 0) | (np.arange(len(self)) <= first))


def read_calls(assessments: pd.DataFrame, reference: pd.DataFrame, options: ResponseOptions) -> Calls:
    """The calls inside the response window, one per subject and day (the worst), before any cut at PD."""
    if options.reference not in reference.columns:
        raise ValueError(f"reference: has no column {options.reference}")
    ids = texts(reference, "USUBJID")
    if len(set(ids)) != len(ids):
        raise ValueError("reference: USUBJID is not unique")
    start = column_days(reference, options.reference)
    subject = np.asarray(pd.Index(ids).get_indexer(texts(assessments, "USUBJID")), dtype=np.int64)
    day = column_days(assessments, "ADT")
    code = codes(texts(assessments, "AVALC"), options.criteria)
    keep = (subject >= 0) & (day != NO_DAY) & (code > 0) & (code != MISSING)
    begin, end = np.append(start, NO_DAY)[subject], np.append(_end(reference, options), NO_DAY)[subject]
    keep &= (begin != NO_DAY) & (day >= begin) & (day <= end)
    row = np.flatnonzero(keep)
    calls = Calls(ids, start, subject[row], day[row], code[row], row.astype(np.int64))
    return _worst_of_day(calls)


def _end(reference: pd.DataFrame, options: ResponseOptions) -> Ints:
    """The last day that counts for each subject: new therapy and end of window, whichever is first."""
    end = np.full(len(reference), FOREVER, dtype=np.int64)
    if options.new_therapy:
        therapy = column_days(reference, options.new_therapy)
        end = np.where(therapy == NO_DAY, end, np.minimum(end, therapy))
    if options.end_of_window:
        window = column_days(reference, options.end_of_window)
        end = np.where(window == NO_DAY, end, np.minimum(end, window + options.end_of_window_days))
    return end


def _worst_of_day(calls: Calls) -> Calls:
    if not len(calls):
        return calls
    order = sorted_order(calls.subject, calls.day, SEVERITY[calls.code])
    ordered = calls.only(order)
    again = (ordered.subject[1:] == ordered.subject[:-1]) & (ordered.day[1:] == ordered.day[:-1])
    return ordered.only(np.append(~again, True))


def response_window(calls: Calls, options: ResponseOptions) -> Calls:
    """The calls up to the first PD, with the rule for disease after CR applied.

    Under iRECIST disease after iCR is progression only where it is called so (Seymour 2017, table 3).
    """
    if options.pr_after_cr == "PD" and options.criteria != IRECIST:
        calls = replace(calls, code=np.where(_disease_after_cr(calls), PD, calls.code))
    calls = calls.until_progression()
    if options.pr_after_cr == "PR":
        disease = np.isin(calls.code, (PR, SD, NON))
        later = calls.last(disease)[calls.subject] > np.arange(len(calls))
        calls = replace(calls, code=np.where((calls.code == CR) & later, PR, calls.code))
    return calls


def _disease_after_cr(calls: Calls) -> Bools:
    first = calls.first(calls.code == CR)[calls.subject]
    after = (first >= 0) & (np.arange(len(calls)) > first)
    return np.asarray(after & np.isin(calls.code, (PR, SD, NON)))


def disease_after_cr(calls: Calls) -> Bools:
    """The calls, up to the first PD, that show disease although a CR was called before."""
    return _disease_after_cr(calls.until_progression())


def confirmations(calls: Calls, options: ResponseOptions) -> tuple[Bools, Bools]:
    """Which CR and which PR are confirmed.

    The confirming call is the first CR (for PR: CR or PR) at least `confirm_days` later. Between, only CR, PR
    (for PR), up to `max_ne` NE and, where accepted, one SD; no PR after a CR. Source: RECIST 1.1 table 3 and
    section 4.6, with the options that admiralonco documents.
    """
    is_cr, is_pr, is_sd = (calls.code == code for code in (CR, PR, SD))
    is_ne = calls.code == NE
    sd_allowed = len(calls) if options.sticky_pr else int(options.accept_sd)
    end_cr, found_cr = _confirmer(calls, is_cr, options.confirm_days)
    end_pr, found_pr = _confirmer(calls, is_cr | is_pr, options.confirm_days)
    few_ne_cr = _between(is_ne, end_cr) <= options.max_ne
    confirmed_cr = is_cr & found_cr & few_ne_cr & (_between(~is_cr & ~is_ne, end_cr) == 0)
    strange = ~(is_cr | is_pr | is_ne | is_sd)
    confirmed_pr = is_pr & found_pr & (_between(strange, end_pr) == 0)
    confirmed_pr &= (_between(is_ne, end_pr) <= options.max_ne) & (_between(is_sd, end_pr) <= sd_allowed)
    confirmed_pr &= ~_pr_after_cr(is_cr, is_pr, end_pr)
    return confirmed_cr, confirmed_pr


def _confirmer(calls: Calls, can_confirm: Bools, confirm_days: int) -> tuple[Ints, Bools]:
    """The position of the call that would confirm each call, and whether there is one."""
    n = len(calls)
    if not n:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=bool)
    low = int(calls.day.min())
    span = int(calls.day.max()) - low + confirm_days + 2
    key = calls.subject * span + (calls.day - low)
    reach = np.maximum(np.searchsorted(key, key + confirm_days), np.arange(n) + 1)
    end = next_true(can_confirm)[reach]
    inside = np.minimum(end, n - 1)
    found = (end < n) & (calls.subject[inside] == calls.subject)
    return inside, found


def _between(mask: Bools, end: Ints) -> Ints:
    """How many calls after each position, up to and including `end`, have the property."""
    before = running(mask)
    return before[end + 1] - before[1:]


def _pr_after_cr(is_cr: Bools, is_pr: Bools, end: Ints) -> Bools:
    first_cr = next_true(is_cr)[1:]
    before = running(is_pr)
    stop = np.minimum(first_cr + 1, len(is_pr))
    return np.asarray((first_cr <= end) & (before[end + 1] - before[stop] > 0))
