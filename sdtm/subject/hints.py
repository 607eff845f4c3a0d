"""Of whom a record may say what decides an endpoint, although nothing reads it as such."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

import pandas as pd
from fhir2cdisc.fhir.findings import Finding
from fhir2cdisc.mappings.model import hint_table
from fhir2cdisc.sdtm.columns import SUBJECT
from fhir2cdisc.sdtm.rows.hints import Hinted

_SHOWN = 3


def hint_findings(hints: Iterable[Hinted], dm: pd.DataFrame) -> Iterator[Finding]:
    """One warning for each subject and rule, with the first records; of the dead nothing is said of death."""
    dead = set(dm.loc[dm["DTHFL"] == "Y", SUBJECT])
    said = {one.rule: one.said for one in hint_table()}
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for one in sorted(hints):
        if not (one.rule.startswith("death.") and one.subject in dead):
            found[one.subject, one.rule].append(one.resource)
    for (subject, rule), resources in found.items():
        more = f" and {len(resources) - _SHOWN} more" if len(resources) > _SHOWN else ""
        message = f"{subject}: {said[rule]}: {', '.join(resources[:_SHOWN])}{more}"
        yield Finding(rule, message, "warning", resource=subject, count=len(resources))
