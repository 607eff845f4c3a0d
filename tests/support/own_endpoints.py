"""A study with two times of its own: to the first serious treatment-emergent event, and to the next treatment."""

from __future__ import annotations

import tomllib
from typing import Any

from fhir2cdisc.mappings.study import Study

TIMES = """
[[time_to_event]]
paramcd = "TTSAE"
param = "Time to First Serious Treatment-Emergent Adverse Event"
events = [{ says = "Serious event", dataset = "ADAE", date = "ASTDT", where = "TRTEMFL == 'Y' and AESER == 'Y'" }]
censors = [{ says = "No serious event", dataset = "ADSL", date = "LSTALVDT", at = "Last known alive" }]

[[time_to_event]]
paramcd = "TTNT"
param = "Time to Next Treatment"
events = [
    { says = "New anticancer therapy", dataset = "ADSL", date = "NACTDT" },
    { says = "Death", dataset = "ADSL", date = "DTHDT" },
]
censors = [{ says = "No next treatment", dataset = "ADSL", date = "LSTALVDT", at = "Last known alive" }]
"""
ENDPOINTS = """
[[endpoints]]
id = "serious"
title = "Time to first serious adverse event"
role = "secondary"
kind = "time-to-event"
paramcd = "TTSAE"
landmarks = [3]

[[endpoints]]
id = "next-treatment"
title = "Time to next treatment"
role = "secondary"
kind = "time-to-event"
paramcd = "TTNT"
landmarks = [3]
"""
HEAD = 'id = "own"\nstudyid = "OWN"\ntitle = "Own endpoints"\n'


def study(text: str = TIMES + ENDPOINTS, **sections: Any) -> Study:
    return Study.model_validate({**tomllib.loads(HEAD + text), **sections})
