"""What the fields of a time-to-event parameter and of the rules for scans change: the value, and the result by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pandas as pd
from fhir2cdisc.adam.time_to_event.adtte import Censor, Event, Parameter, Reason, ScanRules, Source, derive_adtte
from support.options.case import Case
from support.tables import table

ADSL = table(
    """
    STUDYID | USUBJID | TRTSDT     | RANDDT     | DTHDT      | NACTDT     | LSTALVDT   | CUTDT      | DCSREAS
    S       | 01      | 2024-01-01 | 2023-12-31 |            |            | 2024-12-01 | 2024-06-01 |
    S       | 02      | 2024-01-01 | 2023-12-31 |            | 2024-03-01 | 2024-12-01 | 2024-06-01 | LOST
    S       | 03      | 2024-01-01 | 2023-12-31 | 2024-07-01 |            | 2024-07-01 | 2024-06-01 |
    S       | 04      | 2024-01-01 | 2023-12-31 |            |            | 2024-07-01 | 2024-06-01 |
    """,
    {"USUBJID": "text", "DCSREAS": "text"},
)
# Scans of 01: two in time, then progression after a gap of 130 days; 02 goes on; 03 dies; 04 has no baseline.
ADRS = table(
    """
    USUBJID | PARAMCD | AVALC | ADT        | ASEQ
    01      | OVR     | SD    | 2024-02-26 | 1
    01      | OVR     | NE    | 2024-03-10 | 2
    01      | PD      | Y     | 2024-07-05 | 3
    02      | OVR     | SD    | 2024-02-26 | 1
    02      | OVR     | SD    | 2024-04-22 | 2
    04      | BASETA  | N     |            | 1
    04      | OVR     | SD    | 2024-06-28 | 2
    """,
    {"USUBJID": "text", "ADT": "date"},
)
SCANS = Source("Last scan", "ADRS", "ADT", "PARAMCD == 'OVR' and AVALC != 'NE'")
EVERY_SCAN = replace(SCANS, where="PARAMCD == 'OVR'")
WITHOUT = Source("No baseline", "ADRS", "ADT", "PARAMCD == 'BASETA' and AVALC == 'N'")
PROGRESSION = Event("Progression", "ADRS", "ADT", "PARAMCD == 'PD' and AVALC == 'Y'", at_scan=True)
DEATH = Event("Death", "ADSL", "DTHDT")
ALIVE = Censor("Alive", "ADSL", "LSTALVDT")
Run = Callable[[Any], str]


def shown(subject: str, *names: str) -> Callable[[Parameter], str]:
    """Columns of the subject's record, a blank where there is none."""

    def run(parameter: Parameter) -> str:
        made = derive_adtte(ADSL, {"ADRS": ADRS}, [parameter])
        row = made[made["USUBJID"] == subject]
        cells = [row.iloc[0][name] for name in names] if len(row) else []
        return " ".join(
            str(v.date()) if isinstance(v, pd.Timestamp) else f"{v:g}" if isinstance(v, float) else v for v in cells
        )

    return run


def by_scans(subject: str, *names: str) -> Run:
    return lambda rules: shown(subject, *names)(Parameter("PFS", "PFS", "TRTSDT", (PROGRESSION, DEATH), scans=rules))


CENSORED = ("ADT", "CNSR")
SCAN_RULES = {
    "assessments": Case(by_scans("01", *CENSORED), EVERY_SCAN, "2024-02-26 4", "2024-07-05 0"),
    "no_baseline": Case(by_scans("04", *CENSORED), WITHOUT, "2024-06-28 1", "2024-01-01 2"),
    "new_therapy": Case(by_scans("02", *CENSORED), "", "2024-02-26 5", "2024-04-22 1"),
    "interval_days": Case(by_scans("01", *CENSORED), 58, "2024-02-26 4", "2024-07-05 0"),  # 2 x (58 + 7) = 130
    "window_days": Case(by_scans("01", *CENSORED), 9, "2024-02-26 4", "2024-07-05 0"),  # 2 x (56 + 9) = 130
    "missed": Case(by_scans("01", *CENSORED), 3, "2024-02-26 4", "2024-07-05 0"),
    "reasons": Case(
        by_scans("02", "EVNTDESC", "CNSR"),
        (Reason("Lost", "DCSREAS == 'LOST'", 6),),
        "No event, ongoing 1",
        "Lost 6",
        {"new_therapy": ""},
    ),
}
SCAN_BASE = {"assessments": SCANS}

TIME_BASE = {
    "paramcd": "OS",
    "param": "Overall Survival",
    "start": "TRTSDT",
    "events": (DEATH,),
    "censors": (ALIVE,),
}
TIME = {
    "paramcd": Case(shown("01", "PARAMCD"), "OS2", "OS", "OS2"),
    "param": Case(shown("01", "PARAM"), "Life", "Overall Survival", "Life"),
    "start": Case(shown("03", "AVAL"), "RANDDT", "183", "184"),  # 1 January to 1 July of a leap year
    "events": Case(shown("01", *CENSORED), (DEATH, PROGRESSION), "2024-12-01 1", "2024-07-05 0"),
    "censors": Case(shown("01", *CENSORED), (Censor("Cut", "ADSL", "CUTDT", cnsr=2),), "2024-12-01 1", "2024-06-01 2"),
    "scans": Case(shown("01", *CENSORED), ScanRules(SCANS), "2024-12-01 1", "2024-02-26 1"),
    "only": Case(shown("03", "PARAMCD"), replace(PROGRESSION), "OS", ""),
    "cutoff": Case(shown("03", *CENSORED), "CUTDT", "2024-07-01 0", "2024-06-01 8"),
    "assessor": Case(shown("01", "PARCAT2"), "Investigator", "", "Investigator"),
    "criteria": Case(shown("01", "PARCAT3"), "RECIST 1.1", "", "RECIST 1.1"),
}
