"""Event or censoring of every subject as parallel arrays, filled step by step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from fhir2cdisc.adam.frames.arrays import Bools, Ints, Texts
from fhir2cdisc.adam.frames.dates import FOREVER, NO_DAY
from fhir2cdisc.adam.time_to_event.sources import Censor, Event, Found, Source, Subjects

CUTOFF_CNSR = 8
# A death that ends the time but of which nobody knows the day: no such subject is alive, or has gone on without event.
UNDATED_DEATH, UNDATED_CNSR = "Death, Date Unknown", 9


@dataclass(slots=True)
class Outcome:
    """One entry per subject: the start, the date that counts, its code, its words and its source.

    `event` becomes EVNTDESC, `place` CNSDTDSC; `after_cutoff` marks subjects whose event came too late to
    count; `which` is the position of the event in the parameter's list, -1 where there is none.
    """

    start: Found
    starting: Source
    day: Ints
    cnsr: Ints
    event: Texts
    place: Texts
    domain: Texts
    variable: Texts
    sequence: npt.NDArray[np.float64]
    after_cutoff: Bools
    which: Ints

    def put(self, mask: Bools, source: Source, found: Found, event: str | Texts, place: str, cnsr: int) -> None:
        """Set everything for the subjects of the mask."""
        self.day[mask], self.sequence[mask] = found.day[mask], found.sequence[mask]
        self.cnsr[mask], self.place[mask] = cnsr, place
        self.event[mask] = event[mask] if isinstance(event, np.ndarray) else event
        self.domain[mask], self.variable[mask] = source.dataset, source.date


def set_start(starting: Source, subjects: Subjects) -> Outcome:
    """An outcome with the start dates only."""
    n = len(subjects)
    return Outcome(
        start=subjects.first(starting),
        starting=starting,
        day=np.full(n, NO_DAY, dtype=np.int64),
        cnsr=np.ones(n, dtype=np.int64),
        event=np.full(n, "", dtype=object),
        place=np.full(n, "", dtype=object),
        domain=np.full(n, "", dtype=object),
        variable=np.full(n, "", dtype=object),
        sequence=np.full(n, np.nan),
        after_cutoff=np.zeros(n, dtype=bool),
        which=np.full(n, -1, dtype=np.int64),
    )


def first_event(outcome: Outcome, events: Sequence[Event], subjects: Subjects, cutoff: Ints) -> None:
    """The earliest event of every subject; of the same day, the first listed."""
    limit = np.where(cutoff == NO_DAY, FOREVER, cutoff)
    for position, event in enumerate(events):
        found = subjects.first(event)
        exists = found.day != NO_DAY
        outcome.after_cutoff |= exists & (found.day > limit)
        better = exists & (found.day <= limit) & ((outcome.which < 0) | (found.day < outcome.day))
        outcome.put(better, event, found, event.description, "", 0)
        outcome.which[better] = position


def last_censor(
    outcome: Outcome, censors: Sequence[Censor], subjects: Subjects, cutoff: Ints, deaths: Sequence[Event] = ()
) -> None:
    """Without event: the latest censor date, of the same day the last listed, not after the cut-off.

    `deaths` are the events that are deaths: who died without a date of any of them is censored as `UNDATED_DEATH`,
    unless the censoring speaks of DTHFL itself.
    """
    open_, undated = outcome.which < 0, _undated(deaths, subjects)
    for censor in censors:
        found = subjects.last(censor)
        better = open_ & (found.day != NO_DAY) & ((outcome.day == NO_DAY) | (found.day >= outcome.day))
        outcome.put(better, censor, found, censor.description, censor.place, censor.cnsr)
        if "DTHFL" not in censor.where:
            place = "Last Contact" if censor.date == "LSTALVDT" else censor.place
            outcome.put(better & undated, censor, found, UNDATED_DEATH, place, UNDATED_CNSR)
    late = open_ & (outcome.day != NO_DAY) & (cutoff != NO_DAY) & (outcome.day >= cutoff)
    late &= outcome.after_cutoff | (outcome.day > cutoff)
    outcome.day[late] = cutoff[late]
    outcome.cnsr[late] = CUTOFF_CNSR
    outcome.event[late] = outcome.place[late] = "Data Cut-off"


def _undated(deaths: Sequence[Event], subjects: Subjects) -> Bools:
    """Who died by ADSL.DTHFL and has no date of the events that are deaths."""
    if not deaths:
        return np.zeros(len(subjects), dtype=bool)
    dated = [subjects.first(one).day != NO_DAY for one in deaths]
    return np.asarray(subjects.adsl_where("DTHFL == 'Y'") & ~np.any(dated, axis=0))


def clamp(outcome: Outcome) -> None:
    """Dates before the start are moved to the start, as admiral does."""
    early = (outcome.day != NO_DAY) & (outcome.day < outcome.start.day)
    outcome.day[early] = outcome.start.day[early]
