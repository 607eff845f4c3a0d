"""Short ways to what a study asks of ADaM, for tests."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from fhir2cdisc.adam.plan import Plan
from fhir2cdisc.adam.results.kinds import endpoint_specs
from fhir2cdisc.adam.results.sheet import Results, Spec
from fhir2cdisc.adam.results.summary import study_results, study_specs
from fhir2cdisc.adam.time_to_event.adtte import Censor, Event, Parameter, Source
from fhir2cdisc.adam.time_to_event.parameters import PARAMETERS
from fhir2cdisc.mappings.study import Study

OS, PFS, PFSEMA, TTP, DOR, CDOR, TTR, TTD = PARAMETERS

# As the template of the R package admiralonco derives them, word for word of EVNTDESC and CNSDTDSC.
_DEATH = Event("Death", "ADRS", "ADT", "PARAMCD == 'DEATH' and AVALC == 'Y'")
_LAST = Censor("Last Tumor Assessment", "ADRS", "ADT", "PARAMCD == 'LSTA' and ANL01FL == 'Y'")
_START = Censor("Randomization", "ADSL", "RANDDT")
_PD = Event("Disease Progression", "ADRS", "ADT", "PARAMCD == 'PD' and AVALC == 'Y'")
_ALIVE = Censor("Alive", "ADSL", "LSTALVDT", censored_at="Alive During Study")
_RESPONSE = Source("First Response", "ADRS", "ADT", "PARAMCD == 'RSP' and AVALC == 'Y'")
ADMIRALONCO = (
    Parameter("OS", "Overall Survival", "RANDDT", (_DEATH,), (_ALIVE, _START)),
    Parameter("PFS", "Progression Free Survival", "RANDDT", (_PD, _DEATH), (_LAST, _START)),
    Parameter("RSD", "Duration of Response", _RESPONSE, (_PD, _DEATH), (_LAST,)),
)


def specs_asked(study: Study) -> tuple[Spec, ...]:
    """The specifications of every endpoint of a study, whatever the data."""
    return endpoint_specs(Plan.of(study, {}))


def results_of(study: Study, frames: Mapping[str, pd.DataFrame]) -> Results:
    """All results of a study on ADaM frames."""
    plan = Plan.of(study, frames)
    return study_results(plan, study_specs(plan, frames), frames)
