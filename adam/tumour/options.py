"""How lesions become responses: the choices that RECIST leaves to the protocol, as one printable value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fhir2cdisc.adam.criteria import CRITERIA, RECIST


@dataclass(frozen=True, slots=True)
class RecistOptions:
    """The choices behind a time-point response that is derived from lesions.

    criteria            `RECIST 1.1`, `iRECIST` or `mRECIST`.
    visit_window_days   scans without visit (and unscheduled ones) belong together while no more than so many
                        days lie between one and the next; the same lesions measured again are an assessment of
                        their own.
    pd_date             a progression is dated by the `first` or the `last` scan that shows it in a visit;
                        every other response by the last scan of the visit.
    date_imputation     a date without day becomes the `first` or the `last` of its month.
    baseline_visits     visit names that are baseline where neither a flag nor ADSL tells.
    too_small_mm        the length of a lesion that is present but too small to measure.
    equivocal_backdated a new lesion that was equivocal first is dated by its first scan once it is certain.
    sticky_pr           SD after PR stays PR until PD (EORTC).
    confirm_pd_days     iRECIST: an iUPD is confirmed by a scan at least so many days later.
    """

    criteria: str = RECIST
    visit_window_days: int = 7
    pd_date: Literal["first", "last"] = "first"
    date_imputation: Literal["first", "last"] = "last"
    baseline_visits: tuple[str, ...] = ("SCREENING", "BASELINE")
    too_small_mm: str = "5"
    equivocal_backdated: bool = True
    sticky_pr: bool = False
    confirm_pd_days: int = 28

    def __post_init__(self) -> None:
        if self.criteria not in CRITERIA:
            raise ValueError(f"criteria: {self.criteria!r} is none of {', '.join(CRITERIA)}")
        for name in ("pd_date", "date_imputation"):
            if getattr(self, name) not in ("first", "last"):
                raise ValueError(f"{name}: {getattr(self, name)!r} is none of first, last")
        if self.visit_window_days < 0:
            raise ValueError(f"visit_window_days: {self.visit_window_days} is negative")
