"""The time-to-event parameters that ship: overall survival, progression endpoints, duration, time to
response.

Each is a plain value; a study changes one with `dataclasses.replace`. CNSR: 1 ongoing, 2 no baseline, 3 no
post-baseline assessment, 4 missed assessments, 5 new anticancer therapy, 6 lost or withdrawn, 7 clinical
progression, 8 cut-off.
"""

from __future__ import annotations

from fhir2cdisc.adam.tte import Censor, Event, Parameter, Reason, ScanRules, Source

DEATH = Event("Death", "ADSL", "DTHDT")
PROGRESSION = Event("Disease Progression", "ADRS", "ADT", "PARAMCD == 'PD' and AVALC == 'Y'", at_scan=True)
ANY_PROGRESSION = Event(
    "Disease Progression",
    "ADRS",
    "ADT",
    "PARAMCD == 'OVR' and ANL01FL == 'Y' and AVALC == 'PD'",
    at_scan=True,
)
RESPONSE = Source("First Response", "ADRS", "ADT", "PARAMCD == 'RSP' and AVALC == 'Y'")
CONFIRMED_RESPONSE = Source("First Confirmed Response", "ADRS", "ADT", "PARAMCD == 'CRSP' and AVALC == 'Y'")
FIRST_RESPONSE = Event(RESPONSE.description, RESPONSE.dataset, RESPONSE.date, RESPONSE.where)
NO_BASELINE = Source("No baseline assessment", "ADRS", "ADT", "PARAMCD == 'BASETA' and AVALC == 'N'")
ADEQUATE = Source(
    "Last Adequate Assessment",
    "ADRS",
    "ADT",
    "PARAMCD == 'OVR' and ANL01FL == 'Y' and AVALC not in ('NE', '')",
)
ALIVE = Censor("Alive", "ADSL", "LSTALVDT", censored_at="Alive During Study")
LAST_ADEQUATE = Censor(
    "No event, ongoing", "ADRS", "ADT", ADEQUATE.where, censored_at="Last Adequate Assessment"
)
AT_START = Censor("No post-baseline assessment", "ADSL", "TRTSDT", cnsr=3, censored_at="Treatment Start")

# How ADSL says that follow-up ended (discontinuation reasons, SDTM codelist NCOMPLT).
LOST = Reason("Lost to follow-up", "DCSREAS == 'LOST TO FOLLOW-UP'", 6)
WITHDREW = Reason("Withdrew", "DCSREAS in ('WITHDRAWAL BY SUBJECT', 'WITHDRAWAL OF CONSENT')", 6)
CLINICAL = Reason("Clinical progression not an event", "DCTREAS == 'CLINICAL PROGRESSION'", 7)

FDA = ScanRules(ADEQUATE, no_baseline=NO_BASELINE, reasons=(LOST, WITHDREW, CLINICAL))

OS = Parameter("OS", "Overall Survival", "TRTSDT", (DEATH,), (ALIVE, AT_START))
PFS = Parameter("PFS", "Progression-Free Survival", "TRTSDT", (PROGRESSION, DEATH), scans=FDA)
PFSEMA = Parameter(
    "PFSEMA",
    "Progression-Free Survival (Events Whenever Seen)",
    "TRTSDT",
    (PROGRESSION, ANY_PROGRESSION, DEATH),
    (LAST_ADEQUATE, AT_START),
)
TTP = Parameter("TTP", "Time to Progression", "TRTSDT", (PROGRESSION,), scans=FDA)
DOR = Parameter("DOR", "Duration of Response", RESPONSE, (PROGRESSION, DEATH), scans=FDA)
CDOR = Parameter(
    "CDOR", "Duration of Confirmed Response", CONFIRMED_RESPONSE, (PROGRESSION, DEATH), scans=FDA
)
TTR = Parameter("TTR", "Time to Response", "TRTSDT", (FIRST_RESPONSE,), (AT_START,), only=RESPONSE)
DISCONTINUED = Event("Treatment Discontinuation", "ADSL", "TRTEDT", "EOTSTT != 'ONGOING'")
ON_TREATMENT = Censor("On Treatment", "ADSL", "TRTEDT", "EOTSTT == 'ONGOING'", censored_at="Last Dose")
TTD = Parameter(
    "TTD", "Time to Treatment Discontinuation", "TRTSDT", (DISCONTINUED,), (ON_TREATMENT, AT_START)
)

PARAMETERS = (OS, PFS, PFSEMA, TTP, DOR, CDOR, TTR, TTD)

# As the template of the R package admiralonco derives them, word for word of EVNTDESC and CNSDTDSC.
_ONCO_DEATH = Event("Death", "ADRS", "ADT", "PARAMCD == 'DEATH' and AVALC == 'Y'")
_ONCO_LAST = Censor("Last Tumor Assessment", "ADRS", "ADT", "PARAMCD == 'LSTA' and ANL01FL == 'Y'")
_ONCO_START = Censor("Randomization", "ADSL", "RANDDT")
_ONCO_PD = Event(PROGRESSION.description, "ADRS", "ADT", PROGRESSION.where)

ADMIRALONCO = (
    Parameter("OS", "Overall Survival", "RANDDT", (_ONCO_DEATH,), (ALIVE, _ONCO_START)),
    Parameter(
        "PFS", "Progression Free Survival", "RANDDT", (_ONCO_PD, _ONCO_DEATH), (_ONCO_LAST, _ONCO_START)
    ),
    Parameter("RSD", "Duration of Response", RESPONSE, (_ONCO_PD, _ONCO_DEATH), (_ONCO_LAST,)),
)
