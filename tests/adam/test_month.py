"""One length of a month moves medians, landmarks, thresholds and analysis windows alike: `[censoring] month = 28`.

One subject from 1 March 2024: stable on day 57, progression on 21 June, which is day 113; ECOG on day 86, 25 May. Four
months are 112 days of 28 a month and 121.75 of 30.4375; the window of month 3 is about day 1 + 84, or 1 + 91.
"""

from __future__ import annotations

import math

import pandas as pd
import pytest
from fhir2cdisc.adam.build import Adam, build_adam
from fhir2cdisc.adam.results.summary import study_results
from fhir2cdisc.converters.documents.report import courses
from fhir2cdisc.mappings.study import Study

ENDPOINTS = [
    {"id": "pfs", "title": "PFS", "role": "primary", "kind": "time-to-event", "paramcd": "PFS", "landmarks": [4]},
    {
        "id": "sd4",
        "title": "SD for more than 4 months",
        "role": "secondary",
        "kind": "proportion",
        "paramcd": "SD4M",
        "responses": ["SD"],
        "threshold_months": 4,
    },
]
FORM = {"code": "F", "title": "F", "canonical": "f", "every_months": 3, "window_days": 2}
DM = pd.DataFrame(
    {"STUDYID": "S", "USUBJID": ["01"], "SUBJID": "01", "RFSTDTC": "2024-03-01", "RFXSTDTC": "2024-03-01"}
)
EX = pd.DataFrame({"USUBJID": ["01"], "EXSEQ": 1.0, "EXTRT": "X", "EXSTDTC": "2024-03-01", "EXENDTC": "2024-05-24"})
RS = pd.DataFrame(
    [
        ("OVRLRESP", "RECIST 1.1", "SD", "2024-04-26", None),
        ("OVRLRESP", "RECIST 1.1", "PD", "2024-06-21", None),
        ("ECOG101", "ECOG", "1", "2024-05-25", 1.0),
    ],
    columns=["RSTESTCD", "RSCAT", "RSSTRESC", "RSDTC", "RSSTRESN"],
).assign(USUBJID="01", RSSEQ=[1.0, 2.0, 3.0], VISIT="V", VISITNUM=1.0)


def made(**censoring: float) -> Adam:
    sections = {"endpoints": ENDPOINTS, "questionnaires": [FORM], "statistics": {"at_risk_min": 1}}
    study = Study.model_validate({"id": "s", "studyid": "S", "title": "S", "censoring": censoring, **sections})
    return build_adam({"DM": DM, "EX": EX, "RS": RS}, study)


@pytest.mark.parametrize(
    ("said", "length", "stable", "rate", "target", "visit"),
    [
        ({}, 30.4375, "N", 0, None, ""),  # 113 is not more than 121.75, after which S(t) stays 0; day 86, not 92
        ({"month": 28}, 28, "Y", 100, 85, "Month 3"),  # 113 is more than 112; day 86 is a day from 85
    ],
)
def test_a_month_is_as_long_everywhere(
    said: dict[str, float], length: float, stable: str, rate: float, target: float | None, visit: str
) -> None:
    adam = made(**said)
    table = study_results(adam.plan, adam.specs, adam.frames).table.query("RESULTID == 'pfs'").set_index("STATISTIC")
    assert table.loc["median", "VALUE"] == pytest.approx(113 / length)
    landmark = table.loc["rate"]
    assert landmark["CATEGORY"] == "4 months"
    assert landmark["VALUE"] == rate
    adrs = adam.frames["ADRS"].set_index("PARAMCD")
    assert adrs.loc["SD4M", "AVALC"] == stable
    assert f"more than 4 x {length:g} days" in adam.datasets["ADRS"]["AVALC"].method
    ecog = adam.frames["ADQS"].iloc[0]
    assert ecog["ADY"] == 86 and ecog["AVISIT"] == visit
    assert math.isnan(ecog["AWTARGET"]) if target is None else ecog["AWTARGET"] == target
    assert f"x {length:g}, rounded" in adam.datasets["ADQS"]["AWTARGET"].method
    course = courses(adam.frames, adam.plan).iloc[0]
    assert course["PROGRESSION"] == pytest.approx(112 / length)
