"""A simulated study as the raw export of a REDCap project with the RECIST forms of `redcap-recist-dictionary.csv`.

One row a record, event and repeat; what the investigator read, since the forms know no second reader.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date
from pathlib import Path

from fhir2cdisc.fhir.simulation.plan import Assessment, Course, Read
from fhir2cdisc.mappings.study import Study

Row = dict[str, str]
ORGANS = {"LIVER": "1", "LUNG": "2", "LYMPH NODE": "3", "BONE": "4", "PERITONEUM": "5", "ADRENAL GLAND": "6"}
STATES = {"PRESENT": "1", "ABSENT": "2", "UNEQUIVOCAL INCREASE": "3"}
CALLS = {"CR": "1", "PR": "2", "SD": "3", "PD": "4", "NE": "5", "NON-CR/NON-PD": "6", "": "9"}
_METHODS = ("tl_method___1", "tl_method___2", "tl_method___3")
_NEW_ORGANS = tuple(f"rs_new_organ___{code}" for code in ORGANS.values())
_HEAD = ("record_id", "redcap_event_name", "redcap_repeat_instrument", "redcap_repeat_instance")
COLUMNS = (
    *_HEAD,
    *("mrn", "dob", "sex", "consent_dt", "first_dose", "death_dt", "demographics_complete"),
    *("tl_no", "tl_organ", "tl_node", "tl_date", *_METHODS, "tl_done", "tl_mm", "tl_small", "target_lesion_complete"),
    *("nt_no", "nt_organ", "nt_date", "nt_state", "nontarget_lesion_complete"),
    *("rs_date", "rs_target", "rs_nontarget", "rs_new", *_NEW_ORGANS, "rs_overall", "response_complete"),
)


def _day(day: int) -> str:
    return date.fromordinal(day).strftime("%d-%m-%Y")


def _maybe(day: int | None) -> str:
    return "" if day is None else _day(day)


def event_of(one: Assessment) -> str:
    """The event of an assessment: `baseline_arm_1`, `week_8_arm_1`, `unscheduled_3_arm_1`."""
    if one.number == 0:
        return "baseline_arm_1"
    name = one.visit.lower().replace(" ", "_")
    return f"{name}_arm_1" if name.startswith("week_") else f"{name}_{one.number}_arm_1"


def redcap_rows(course: Course) -> Iterator[Row]:
    """The rows of one record: its demographics, then lesion by lesion and event by event, with the responses."""
    yield {
        "redcap_event_name": "baseline_arm_1",
        "dob": _day(course.birth),
        "sex": "1" if course.sex == "male" else "2",
        "consent_dt": _day(course.consent),
        "first_dose": _maybe(course.first_dose),
        "death_dt": _maybe(course.death),
        "demographics_complete": "2",
    }
    for one in course.assessments:
        read = one.reads[0]
        yield from _lesions(course, one, read)
        if one.number:
            yield _response(one, read)


def _lesions(course: Course, one: Assessment, read: Read) -> Iterator[Row]:
    targets = [lesion for lesion in course.lesions if lesion.role == "TARGET"]
    others = [lesion for lesion in course.lesions if lesion.role != "TARGET"]
    for place, lesion in enumerate(targets, 1):
        size = read.sizes[lesion.id]
        done = {"tl_done": "0"} if size is None else {"tl_done": "1", "tl_mm": str(size), "tl_small": "0"}
        yield {
            **_repeat(one, "target_lesion", place),
            "tl_no": lesion.id.removeprefix("T"),
            "tl_organ": ORGANS[lesion.organ],
            "tl_node": "1" if lesion.node else "0",
            "tl_date": _day(one.day),
            # A box that is not ticked is 0 in an export.
            **dict(zip(_METHODS, "100", strict=True)),
            **done,
        }
    for place, lesion in enumerate(others, 1):
        state = read.states[lesion.id]
        yield {
            **_repeat(one, "nontarget_lesion", place),
            "nt_no": lesion.id.removeprefix("NT"),
            "nt_organ": ORGANS[lesion.organ],
            "nt_date": _day(one.day),
            "nt_state": "" if state is None else STATES[state],
        }


def _repeat(one: Assessment, instrument: str, place: int) -> Row:
    return {
        "redcap_event_name": event_of(one),
        "redcap_repeat_instrument": instrument,
        "redcap_repeat_instance": str(place),
        f"{instrument}_complete": "2",
    }


def _response(one: Assessment, read: Read) -> Row:
    organs = {ORGANS[lesion.organ] for lesion in read.new}
    return {
        "redcap_event_name": event_of(one),
        "rs_date": _day(one.day),
        "rs_target": CALLS[read.target],
        "rs_nontarget": CALLS[read.nontarget],
        "rs_new": "1" if read.new else "0",
        **{name: "1" if name.removeprefix("rs_new_organ___") in organs else "0" for name in _NEW_ORGANS},
        "rs_overall": CALLS[read.overall],
        "response_complete": "2",
    }


class RedcapFolder:
    """The folder of an export while it is written: `data.csv`, raw codes."""

    def __init__(self, out: Path, study: Study, stack: ExitStack) -> None:
        out.mkdir(parents=True, exist_ok=True)
        handle = stack.enter_context((out / "data.csv").open("w", encoding="utf-8", newline=""))
        self.writer = csv.DictWriter(handle, COLUMNS, restval="", lineterminator="\n")
        self.writer.writeheader()

    def write(self, course: Course) -> None:
        """The rows of one patient."""
        for row in redcap_rows(course):
            self.writer.writerow({"record_id": course.subjid, **row})
