"""Censoring of progression endpoints: baseline, missed assessments, new therapy, cut-off.

The rules are those of the FDA guidance on clinical trial endpoints for cancer drugs (appendix tables on PFS);
switching `missed` to 0 and `new_therapy` to blank gives the EMA style, which counts events whenever they
come.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from fhir2cdisc.adam.frames.arrays import Bools, Ints, Texts
from fhir2cdisc.adam.frames.dates import FOREVER, NO_DAY
from fhir2cdisc.adam.time_to_event.outcome import CUTOFF_CNSR, Outcome
from fhir2cdisc.adam.time_to_event.sources import Event, Found, Reason, Source, Subjects
from fhir2cdisc.mappings.conditions import in_words

ONGOING, NO_BASELINE, NO_SCAN, MISSED, NEW_THERAPY = 1, 2, 3, 4, 5
# EVNTDESC by CNSR; that of a missed assessment follows the name of the event.
WORDS = {
    ONGOING: "No event, ongoing",
    NO_BASELINE: "No baseline assessment",
    NO_SCAN: "No post-baseline assessment",
    MISSED: " after >={} missed assessments",
    NEW_THERAPY: "New anticancer therapy",
}


@dataclass(frozen=True, slots=True)
class ScanRules:
    """How tumour assessments censor a progression endpoint.

    assessments    the adequate assessments (not NE); the censor date is one of them.
    no_baseline    subjects with a record here are known to have no baseline assessment; None: no such rule.
    new_therapy    ADSL date of new anticancer therapy; blank: it does not censor.
    interval_days  planned time between assessments, `window_days` the tolerance of each.
    missed         an event after so many missed assessments is censored before the gap; 0: never.
    reasons        conditions on ADSL that say why follow-up ended (lost, withdrew, clinical progression).
    """

    assessments: Source
    no_baseline: Source | None = None
    new_therapy: str = "NACTDT"
    interval_days: int = 56
    window_days: int = 7
    missed: int = 2
    reasons: tuple[Reason, ...] = ()

    @property
    def longest_gap(self) -> int:
        """The longest time in days between adequate assessment and event that is no gap."""
        return self.missed * (self.interval_days + self.window_days) if self.missed else FOREVER

    def in_words(self) -> str:
        """The rules in the order in which they apply, with EVNTDESC in quotes."""
        where = f"Censored at the {self.assessments.in_words()} from the start on, without one at the start"
        rules = [*self._of_events(), f"without event CNSR {NO_SCAN} '{WORDS[NO_SCAN]}': there is none"]
        rules += [f"CNSR {one.cnsr} '{one.description}': {in_words(one.where)} in ADSL" for one in self.reasons]
        rules.append(f"CNSR {ONGOING} '{WORDS[ONGOING]}'")
        return f"{where}, by the first that fits: {'; '.join(rules)}."

    def _of_events(self) -> Iterator[str]:
        gap = f"more than {self.longest_gap} days, {self.missed} x ({self.interval_days} + {self.window_days}),"
        if self.no_baseline is not None:
            yield (
                f"CNSR {NO_BASELINE} '{WORDS[NO_BASELINE]}' at the start: {self.no_baseline.in_words()}, but not for "
                f"an event that no scan found{f', unless it comes {gap} after the last' if self.missed else ''}"
            )
        if self.new_therapy:
            yield (
                f"CNSR {NEW_THERAPY} '{WORDS[NEW_THERAPY]}' at the last up to it: ADSL.{self.new_therapy} from the "
                "start on and before the event"
            )
        if self.missed:
            yield (
                f"CNSR {MISSED} '(event){WORDS[MISSED].format(self.missed)}' at the last before it: an event {gap} "
                "after that (found by a scan: before its day)"
            )


@dataclass(frozen=True, slots=True)
class _Scans:
    """The adequate assessments, sorted, to be asked for the last one up to a day."""

    subject: Ints
    day: Ints
    found: Found
    start: Ints

    def last_until(self, limit: Ints) -> Found:
        """Per subject the last assessment from the start on that is not after `limit`."""
        n = len(limit)
        if not len(self.day):
            return Found(np.full(n, NO_DAY, dtype=np.int64), np.full(n, np.nan))
        low = int(self.day.min()) - 1
        span = int(self.day.max()) - low + 2
        key = self.subject * span + (self.day - low)
        reach = np.clip(limit - low, 0, span - 1)
        at = np.searchsorted(key, np.arange(n) * span + reach, side="right") - 1
        at = np.maximum(at, 0)
        good = (self.subject[at] == np.arange(n)) & (self.day[at] <= limit) & (self.day[at] >= self.start)
        return Found(np.where(good, self.day[at], NO_DAY), np.where(good, self.found.sequence[at], np.nan))


def apply_scan_rules(
    outcome: Outcome, rules: ScanRules, events: Sequence[Event], subjects: Subjects, cutoff: Ints
) -> None:
    """Turn events that do not count into censorings, and censor who has no event."""
    start = outcome.start.day
    subject, day, sequence = subjects.records(rules.assessments)
    scans = _Scans(subject, day, Found(day, sequence), start)
    therapy = subjects.adsl_days(rules.new_therapy)
    therapy = np.where((therapy == NO_DAY) | (therapy < start), FOREVER, therapy)
    limit = np.where(cutoff == NO_DAY, FOREVER, cutoff)
    has_event = outcome.which >= 0
    event_day = np.where(has_event, outcome.day, FOREVER)
    at_scan = np.isin(outcome.which, [i for i, event in enumerate(events) if event.at_scan])

    before = scans.last_until(np.where(has_event, event_day - at_scan, limit))
    known = np.where(before.day == NO_DAY, start, before.day)
    gap = has_event & (event_day - known > rules.longest_gap)
    treated = therapy < np.minimum(event_day, limit + 1)
    no_baseline = _without_baseline(rules, subjects) & ~(has_event & ~at_scan & ~gap)

    described = outcome.event.copy()
    follow = ~has_event & ~treated & ~no_baseline
    _follow_up(outcome, rules, subjects, scans.last_until(limit), follow)
    missed = gap & ~treated & ~no_baseline
    words = described + WORDS[MISSED].format(rules.missed)
    _censor(outcome, rules, missed, before, words, MISSED)
    seen = scans.last_until(np.minimum(therapy, limit))
    new_therapy = np.full(len(subjects), WORDS[NEW_THERAPY], dtype=object)
    _censor(outcome, rules, treated & ~no_baseline, seen, new_therapy, NEW_THERAPY)
    outcome.put(
        no_baseline,
        outcome.starting,
        outcome.start,
        WORDS[NO_BASELINE],
        outcome.starting.description,
        NO_BASELINE,
    )


def _without_baseline(rules: ScanRules, subjects: Subjects) -> Bools:
    if rules.no_baseline is None:
        return np.zeros(len(subjects), dtype=bool)
    return subjects.present(rules.no_baseline)


def _follow_up(outcome: Outcome, rules: ScanRules, subjects: Subjects, seen: Found, mask: Bools) -> None:
    """Subjects without event or new therapy: why, and up to which assessment."""
    words = np.full(len(subjects), WORDS[ONGOING], dtype=object)
    code = np.full(len(subjects), ONGOING, dtype=np.int64)
    for reason in reversed(rules.reasons):
        applies = subjects.adsl_where(reason.where)
        words[applies], code[applies] = reason.description, reason.cnsr
    words[outcome.after_cutoff], code[outcome.after_cutoff] = "Data cut-off before the event", CUTOFF_CNSR
    none = seen.day == NO_DAY
    words[none], code[none] = WORDS[NO_SCAN], NO_SCAN
    _censor(outcome, rules, mask, seen, words, code)


def _censor(outcome: Outcome, rules: ScanRules, mask: Bools, seen: Found, words: Texts, code: int | Ints) -> None:
    """Censor at the assessment where there is one, else at the start."""
    none = seen.day == NO_DAY
    outcome.put(mask & ~none, rules.assessments, seen, words, rules.assessments.description, 1)
    outcome.put(mask & none, outcome.starting, outcome.start, words, outcome.starting.description, 1)
    outcome.cnsr[mask] = code[mask] if isinstance(code, np.ndarray) else code
