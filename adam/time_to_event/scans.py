"""Censoring of progression endpoints: baseline, missed assessments, new therapy, cut-off.

The rules are those of the FDA guidance on clinical trial endpoints for cancer drugs (appendix tables on PFS);
switching `missed` to 0 and `new_therapy` to blank gives the EMA style, which counts events whenever they
come.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from fhir2cdisc.adam.frames.arrays import Bools, Ints, Texts
from fhir2cdisc.adam.frames.dates import FOREVER, NO_DAY
from fhir2cdisc.adam.time_to_event.outcome import CUTOFF_CNSR, Outcome
from fhir2cdisc.adam.time_to_event.sources import Event, Found, Reason, Source, Subjects

ONGOING, NO_BASELINE, NO_SCAN, MISSED, NEW_THERAPY = 1, 2, 3, 4, 5


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
        parts = [f"Without event censored at the {self.assessments.in_words()}, or at the start"]
        if self.no_baseline is not None:
            parts.append(f"{self.no_baseline.in_words()}: censored at the start (CNSR {NO_BASELINE})")
        if self.missed:
            planned = f"{self.missed} x {self.interval_days} days + {self.missed} x {self.window_days} days"
            parts.append(
                f"an event more than {self.longest_gap} days after the last adequate assessment ({planned}) "
                f"is censored at that assessment (CNSR {MISSED})"
            )
        if self.new_therapy:
            parts.append(
                f"censored at the last adequate assessment on or before ADSL.{self.new_therapy} where "
                f"it comes before the event (CNSR {NEW_THERAPY})"
            )
        parts += [f"{reason.description}: CNSR {reason.cnsr}" for reason in self.reasons]
        return "; ".join(parts) + "."


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
    words = described + f" after >={rules.missed} missed assessments"
    _censor(outcome, rules, missed, before, words, MISSED)
    seen = scans.last_until(np.minimum(therapy, limit))
    new_therapy = np.full(len(subjects), "New anticancer therapy", dtype=object)
    _censor(outcome, rules, treated & ~no_baseline, seen, new_therapy, NEW_THERAPY)
    outcome.put(
        no_baseline,
        outcome.starting,
        outcome.start,
        "No baseline assessment",
        outcome.starting.description,
        NO_BASELINE,
    )


def _without_baseline(rules: ScanRules, subjects: Subjects) -> Bools:
    if rules.no_baseline is None:
        return np.zeros(len(subjects), dtype=bool)
    return subjects.present(rules.no_baseline)


def _follow_up(outcome: Outcome, rules: ScanRules, subjects: Subjects, seen: Found, mask: Bools) -> None:
    """Subjects without event or new therapy: why, and up to which assessment."""
    words = np.full(len(subjects), "No event, ongoing", dtype=object)
    code = np.full(len(subjects), ONGOING, dtype=np.int64)
    for reason in reversed(rules.reasons):
        applies = subjects.adsl_where(reason.where)
        words[applies], code[applies] = reason.description, reason.cnsr
    words[outcome.after_cutoff], code[outcome.after_cutoff] = "Data cut-off before the event", CUTOFF_CNSR
    none = seen.day == NO_DAY
    words[none], code[none] = "No post-baseline assessment", NO_SCAN
    _censor(outcome, rules, mask, seen, words, code)


def _censor(outcome: Outcome, rules: ScanRules, mask: Bools, seen: Found, words: Texts, code: int | Ints) -> None:
    """Censor at the assessment where there is one, else at the start."""
    none = seen.day == NO_DAY
    outcome.put(mask & ~none, rules.assessments, seen, words, rules.assessments.description, 1)
    outcome.put(mask & none, outcome.starting, outcome.start, words, outcome.starting.description, 1)
    outcome.cnsr[mask] = code[mask] if isinstance(code, np.ndarray) else code
