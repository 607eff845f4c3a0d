"""The time-to-event parameters that ship: overall survival, progression endpoints, duration, time to
response.

Each is a plain value, of the responses by RECIST 1.1; a study changes one with `dataclasses.replace`, and
`by_responses` asks the same of other responses. CNSR: 1 ongoing, 2 no baseline, 3 no post-baseline assessment,
4 missed assessments, 5 new anticancer therapy, 6 lost or withdrawn, 7 clinical progression, 8 cut-off.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from fhir2cdisc.adam.response.options import IRECIST, RECIST, ResponseOptions
from fhir2cdisc.adam.response.parameters import PREFIX
from fhir2cdisc.adam.time_to_event.adtte import Censor, Event, Parameter, Reason, ScanRules, Source

S = TypeVar("S", bound=Source)

DEATH = Event("Death", "ADSL", "DTHDT")
PROGRESSION = Event("Disease Progression", "ADRS", "ADT", "PARAMCD == 'PD' and AVALC == 'Y'", at_scan=True)
ANY_PROGRESSION = Event(
    "Disease Progression",
    "ADRS",
    "ADT",
    "PARAMCD == 'OVR' and ANL01FL == 'Y' and AVALC == 'PD'",
    at_scan=True,
)
# The same under iRECIST, where a single iUPD or iCPD is not yet the date of progression.
ANY_IMMUNE_PROGRESSION = Event(
    "Disease Progression", "ADRS", "ADT", "PARAMCD == 'PDANY' and AVALC == 'Y'", at_scan=True
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
LAST_ADEQUATE = Censor("No event, ongoing", "ADRS", "ADT", ADEQUATE.where, censored_at="Last Adequate Assessment")
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
CDOR = Parameter("CDOR", "Duration of Confirmed Response", CONFIRMED_RESPONSE, (PROGRESSION, DEATH), scans=FDA)
TTR = Parameter("TTR", "Time to Response", "TRTSDT", (FIRST_RESPONSE,), (AT_START,), only=RESPONSE)
DISCONTINUED = Event("Treatment Discontinuation", "ADSL", "TRTEDT", "EOTSTT != 'ONGOING'")
ON_TREATMENT = Censor("On Treatment", "ADSL", "TRTEDT", "EOTSTT == 'ONGOING'", censored_at="Last Dose")
TTD = Parameter("TTD", "Time to Treatment Discontinuation", "TRTSDT", (DISCONTINUED,), (ON_TREATMENT, AT_START))

PARAMETERS = (OS, PFS, PFSEMA, TTP, DOR, CDOR, TTR, TTD)
# Those that depend on how responses were called; survival and discontinuation do not.
OF_RESPONSE = frozenset(p.paramcd for p in (PFS, PFSEMA, TTP, DOR, CDOR, TTR))


def tte_paramcd(code: str, criteria: str) -> str:
    """PARAMCD of a time-to-event parameter by the criteria: PFS is IPFS under iRECIST, OS is OS."""
    return PREFIX[criteria] + code if code in OF_RESPONSE else code


def by_responses(parameter: Parameter, options: ResponseOptions) -> Parameter:
    """The same parameter of the responses that these options call: its code, name, category and sources."""
    if parameter.paramcd not in OF_RESPONSE:
        return parameter
    criteria = options.criteria
    events = (_any_progression(event, criteria) for event in parameter.events)
    return replace(
        parameter,
        paramcd=tte_paramcd(parameter.paramcd, criteria),
        param=parameter.param if criteria == RECIST else f"{parameter.param} per {criteria}",
        assessor=options.assessor,
        criteria=criteria,
        start=_of(parameter.start, criteria) if isinstance(parameter.start, Source) else parameter.start,
        events=tuple(_of(event, criteria) for event in events),
        censors=tuple(_of(censor, criteria) for censor in parameter.censors),
        scans=_scans_of(parameter.scans, criteria) if parameter.scans is not None else None,
        only=_of(parameter.only, criteria) if parameter.only is not None else None,
    )


def _any_progression(event: Event, criteria: str) -> Event:
    return ANY_IMMUNE_PROGRESSION if criteria == IRECIST and event == ANY_PROGRESSION else event


def _of(source: S, criteria: str) -> S:
    """The source with the parameters of ADRS by the criteria."""
    return replace(source, where=source.where.replace("PARAMCD == '", f"PARAMCD == '{PREFIX[criteria]}"))


def _scans_of(scans: ScanRules, criteria: str) -> ScanRules:
    baseline = _of(scans.no_baseline, criteria) if scans.no_baseline is not None else None
    return replace(scans, assessments=_of(scans.assessments, criteria), no_baseline=baseline)


# As the template of the R package admiralonco derives them, word for word of EVNTDESC and CNSDTDSC.
_ONCO_DEATH = Event("Death", "ADRS", "ADT", "PARAMCD == 'DEATH' and AVALC == 'Y'")
_ONCO_LAST = Censor("Last Tumor Assessment", "ADRS", "ADT", "PARAMCD == 'LSTA' and ANL01FL == 'Y'")
_ONCO_START = Censor("Randomization", "ADSL", "RANDDT")
_ONCO_PD = Event(PROGRESSION.description, "ADRS", "ADT", PROGRESSION.where)

ADMIRALONCO = (
    Parameter("OS", "Overall Survival", "RANDDT", (_ONCO_DEATH,), (ALIVE, _ONCO_START)),
    Parameter("PFS", "Progression Free Survival", "RANDDT", (_ONCO_PD, _ONCO_DEATH), (_ONCO_LAST, _ONCO_START)),
    Parameter("RSD", "Duration of Response", RESPONSE, (_ONCO_PD, _ONCO_DEATH), (_ONCO_LAST,)),
)
