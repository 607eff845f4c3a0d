"""The evidence for who a subject is: which Patient resources became it, by what they were joined, which were not."""

from __future__ import annotations

import pandas as pd
from fhir2cdisc.adam.subject.evidence import as_evidence, stack_evidence
from fhir2cdisc.converters.run.pipeline import SdtmRun
from fhir2cdisc.fhir.servers import resource_key

FACT = "identity"


def with_identities(evidence: pd.DataFrame, run: SdtmRun) -> pd.DataFrame:
    """The evidence of ADaM with that for the identity of each subject (`EVIDENCE_COLUMNS`)."""
    return stack_evidence([evidence, identity_evidence(run)])


def identity_evidence(run: SdtmRun) -> pd.DataFrame:
    """One row a key of a Patient (id, with its server or site where one is known) that became a subject of DM.

    Another row for each key that was kept apart though something speaks for one person; it is not chosen.
    """
    who, read = _subjects(run), _times_read(run)
    found = run.identities
    rows = [(subject, key, "Y", _reason(run, key, read[key])) for key, subject in sorted(who.items())]
    rows += [
        (who[key], other, "", f"kept apart: {why}")
        for key, other, why in found.apart
        if key in who and who.get(other) != who[key]
    ]
    frame = pd.DataFrame(rows, columns=["USUBJID", "TEXT", "CHOSEN", "REASON"], dtype=object)
    return as_evidence(frame.assign(SRCDOM="DM", SRCVAR="USUBJID"), FACT)


def _subjects(run: SdtmRun) -> dict[str, str]:
    """USUBJID by the key of each Patient, those joined to another included."""
    lineage = run.sdtm.lineage
    dm = lineage[(lineage["DATASET"] == "DM") & (lineage["RESOURCE"] == "Patient")]
    places = dict(zip(zip(dm["FILE"], dm["LINE"], dm["ENTRY"], strict=True), dm["USUBJID"], strict=True))
    found = run.identities
    mapped: dict[str, str] = {}
    keys = {}
    for person in run.accounts.people:
        key = resource_key(found.servers.canonical(person.space), person.plain)
        keys[key] = found.main.get(key, key)
        if subject := places.get((person.place.file, person.place.line, person.place.entry)):
            mapped[keys[key]] = subject
    return {key: mapped[main] for key, main in keys.items() if main in mapped}


def _times_read(run: SdtmRun) -> dict[str, int]:
    counts: dict[str, int] = {}
    for person in run.accounts.people:
        key = resource_key(run.identities.servers.canonical(person.space), person.plain)
        counts[key] = counts.get(key, 0) + 1
    return counts


def _reason(run: SdtmRun, key: str, times: int) -> str:
    found = run.identities
    again = f", read {times} times" if times > 1 else ""
    if key in found.main:
        return f"is mapped as one subject with {found.main[key]}: joined by {found.joined[key]}{again}"
    if key in found.joined:
        return f"the record that others are joined to by {found.joined[key]}{again}"
    return f"the only Patient of this id{again}"
