"""Censoring of progression-free survival: the 17 situations of the fda_rules()-style table, one row each, by hand.

Planned assessments every 8 weeks with a window of 1 week: an event is after a gap when it comes more than
2 x 56 + 2 x 7 = 126 days after the last adequate assessment.
"""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest
from fhir2cdisc.adam.time_to_event.adtte import derive_adtte
from fhir2cdisc.adam.time_to_event.parameters import fda_rules
from support.adam import PFS, PFSEMA
from support.facts import facts
from support.tables import rows

START = pd.Timestamp("2024-01-01")

# Situation | assessments (day:call) | other dates | expected day (0 = start) | event or CNSR | EVNTDESC
TABLE = """
F01 |                 | nobase                  | 0   | 2 | No baseline assessment
F02 |                 |                         | 0   | 3 | No post-baseline assessment
F03 |                 | death=112               | 112 | 0 | Death
F04 |                 | death=127               | 0   | 4 | Death after >=2 missed assessments
F05 | 56:SD 112:PD    |                         | 112 | 0 | Disease Progression
F06 | 56:SD 80:PD     |                         | 80  | 0 | Disease Progression
F07 | 56:SD 115:PD    |                         | 115 | 0 | Disease Progression
F08 | 56:SD 112:PR    |                         | 112 | 1 | No event, ongoing
F09 | 56:SD 168:PD    | therapy=100             | 56  | 5 | New anticancer therapy
F10 | 56:SD 112:PD    | therapy=112             | 112 | 0 | Disease Progression
F11 | 56:SD 183:PD    |                         | 56  | 4 | Disease Progression after >=2 missed assessments
F12 | 56:SD 168:PD    |                         | 168 | 0 | Disease Progression
F13 | 56:SD 112:SD    | reason=CLINICAL         | 112 | 7 | Clinical progression not an event
F14 | 56:SD 112:SD    | reason=LOST             | 112 | 6 | Lost to follow-up
F15 | 56:SD 112:SD    | death=150               | 150 | 0 | Death
F16 | 56:SD 112:PR 168:PR | therapy=120         | 112 | 5 | New anticancer therapy
F17 | 56:SD 112:NE    |                         | 56  | 1 | No event, ongoing
"""
# The same table has no row for these: boundaries, ties and combinations.
MORE = """
gap of exactly 126 days   | 56:SD 182:PD | | 182 | 0 | Disease Progression
death at 126 without scan | | death=126 | 126 | 0 | Death
death after a gap         | 56:SD | death=183 | 56 | 4 | Death after >=2 missed assessments
a gap that was closed     | 56:SD 224:SD 280:PD | | 280 | 0 | Disease Progression
NE does not close a gap   | 56:SD 120:NE 190:PD | | 56 | 4 | Disease Progression after >=2 missed assessments
scan on day of therapy    | 56:SD 100:SD | therapy=100 death=150 | 100 | 5 | New anticancer therapy
therapy without any scan  | | therapy=20 | 0 | 5 | New anticancer therapy
therapy before the gap    | 56:SD 300:PD | therapy=200 | 56 | 5 | New anticancer therapy
death on day of therapy   | 56:SD | therapy=100 death=100 | 100 | 0 | Death
PD and death same day     | 56:SD 100:PD | death=100 | 100 | 0 | Disease Progression
no baseline, early death  | | nobase death=60 | 60 | 0 | Death
no baseline, late death   | | nobase death=300 | 0 | 2 | No baseline assessment
no baseline, progression  | 56:PD | nobase | 0 | 2 | No baseline assessment
PD after the cut-off      | 56:SD 112:PD | cutoff=100 | 56 | 8 | Data cut-off before the event
no scan, lost             | | reason=LOST | 0 | 3 | No post-baseline assessment
"""
REASONS = {"CLINICAL": ("DCTREAS", "CLINICAL PROGRESSION"), "LOST": ("DCSREAS", "LOST TO FOLLOW-UP")}


def day(number: str) -> pd.Timestamp:
    return START + pd.Timedelta(days=int(number))


def frames(scans: str, other: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    words = dict(word.partition("=")[::2] for word in other.split())
    subject = {"STUDYID": "S", "USUBJID": "01", "TRTSDT": START}
    for word, column in (("death", "DTHDT"), ("therapy", "NACTDT"), ("cutoff", "CUTDT")):
        subject[column] = day(words[word]) if word in words else pd.NaT
    if "reason" in words:
        column, value = REASONS[words["reason"]]
        subject[column] = value
    made = [("BASETA", "N" if "nobase" in words else "Y", pd.NaT)]
    for scan in scans.split():
        number, call = scan.split(":")
        made.append(("OVR", call, day(number)))
        if call == "PD":
            made.append(("PD", "Y", day(number)))
    records = pd.DataFrame(made, columns=["PARAMCD", "AVALC", "ADT"])
    records = records.assign(USUBJID="01", ANL01FL="Y", ASEQ=range(1, len(made) + 1))
    return pd.DataFrame([subject]), records.assign(ADT=pd.to_datetime(records.ADT))


@pytest.mark.parametrize("row", rows(TABLE) + rows(MORE), ids=lambda row: row[0])
def test_progression_free_survival_is_censored_fda_style(row: list[str]) -> None:
    _, scans, other, expected, cnsr, words = row
    subject, records = frames(scans, other)
    found = derive_adtte(subject, {"ADRS": records}, [replace(PFS, cutoff="CUTDT")]).iloc[0]
    assert ((found.ADT - START).days, found.CNSR, found.EVNTDESC) == (int(expected), float(cnsr), words)
    assert int(expected) + 1 == found.AVAL
    place = "" if cnsr == "0" else "Treatment Start" if expected == "0" else "Last Adequate Assessment"
    assert place == found.CNSDTDSC
    assert (found.SRCDOM == "ADSL") == (place == "Treatment Start" or words == "Death")


def test_the_table_covers_every_published_situation_with_the_same_kind_of_answer() -> None:
    published = {row["id"]: row for row in facts("pfs_censoring")}
    mine = {row[0]: row for row in rows(TABLE)}
    assert mine.keys() == published.keys()
    for key, row in mine.items():
        assert (row[4] == "0") == (published[key]["event"] == "Y"), key
        assert (row[3] == "0") == (published[key]["at_start"] == "Y"), key


@pytest.mark.parametrize(
    ("scans", "other", "expected", "cnsr"),
    [
        ("56:SD 300:PD", "therapy=100", 300, 0),  # neither the gap nor the therapy counts
        ("56:SD", "death=400", 400, 0),
        ("56:SD 112:NE", "therapy=60", 56, 1),
        ("", "", 0, 3),
    ],
)
def test_the_other_style_counts_events_whenever_they_come(scans: str, other: str, expected: int, cnsr: int) -> None:
    subject, records = frames(scans, other)
    records = records[records.PARAMCD != "PD"] if "therapy" in other else records
    found = derive_adtte(subject, {"ADRS": records}, [PFSEMA]).iloc[0]
    assert ((found.ADT - START).days, found.CNSR) == (expected, float(cnsr))


def test_a_study_without_any_baseline_record_is_not_censored_for_it() -> None:
    subject, records = frames("56:SD 112:PD", "")
    records = records[records.PARAMCD != "BASETA"]
    assert derive_adtte(subject, {"ADRS": records}, [PFS]).CNSR.tolist() == [0.0]


def test_a_sensitivity_analysis_is_a_replacement() -> None:
    subject, records = frames("56:SD 183:PD", "")
    kept = replace(PFS, scans=replace(fda_rules(), missed=0))
    assert derive_adtte(subject, {"ADRS": records}, [kept]).CNSR.tolist() == [0.0]
    wider = replace(PFS, scans=replace(fda_rules(), interval_days=84))
    assert derive_adtte(subject, {"ADRS": records}, [wider]).CNSR.tolist() == [0.0]
