"""Who has died and when: Patient.deceased and every other record that says so, brought together in DM.

SDTMIG 3.4, DM: DTHFL is Y for who died, also where the date is unknown; DTHDTC may be partial. What else says so is
a table, `mappings/deaths.toml`.
"""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
from fhir2cdisc.fhir.findings import Finding
from fhir2cdisc.mappings.standard.disposition import TREATMENT, ended_scope
from fhir2cdisc.sdtm.columns import DEATHS, SUBJECT
from fhir2cdisc.sdtm.methods import derives
from fhir2cdisc.sdtm.rows.death_records import PATIENT, Death

# The rule of dates that differ; its findings list the dates in their value.
CONFLICT = "death.conflict"


@derives("DTHFL", "Y where a record of the source says that the patient has died")
@derives("DTHDTC", "That of the patient's own record, else of the first dated record that says that the patient died")
def date_deaths(
    dm: pd.DataFrame, ds: pd.DataFrame | None, newest: str, today: str
) -> tuple[pd.DataFrame, list[Finding]]:
    """DM with DTHFL and DTHDTC, and a finding for what is uncertain in them.

    The Patient's date counts, else that of the first record in the order of the table, else of DS; a date that only
    says more of the same (`2022-03-01` of `2022-03`) is taken. `newest` is the last day on which the source was
    updated (blank: it does not say), `today` the day of the run; no death can be after either.
    """
    ended, findings = _disposed(ds), []
    dates, flags = [], []
    for subject, dtc, flag, others in zip(dm[SUBJECT], dm["DTHDTC"], dm["DTHFL"], dm[DEATHS], strict=True):
        deaths = [Death(-1, PATIENT, subject, dtc)] if dtc else []
        deaths += [*sorted(Death(*one) for one in others), *ended.get(subject, [])]
        chosen = _chosen(deaths)
        dates.append(chosen.dtc if chosen else "")
        flags.append("Y" if deaths else flag)
        findings += [_finding(subject, *one) for one in _said(deaths, chosen, flag, newest, today)]
    return dm.assign(DTHDTC=dates, DTHFL=flags), findings


def _disposed(ds: pd.DataFrame | None) -> dict[str, list[Death]]:
    """Deaths as the reason of an end, by subject.

    The end of participation is the day of death. Treatment that death ended has an end of its own, the last dose, so
    that it says of death that it happened, not when.
    """
    if ds is None or "DSDECOD" not in ds:
        return {}
    rows = ds[ds["DSDECOD"] == "DEATH"]
    scopes = rows["DSSCAT"] if "DSSCAT" in rows else pd.Series("", index=rows.index, dtype=object)
    found: dict[str, list[Death]] = {}
    for subject, dtc, scope in sorted(set(zip(rows[SUBJECT], rows["DSSTDTC"], scopes, strict=True))):
        if ended_scope(scope) == TREATMENT:
            found.setdefault(subject, []).append(Death(99, "end of treatment", "DS", ""))
        else:
            found.setdefault(subject, []).append(Death(99, "end of participation", "DS", dtc))
    return {subject: sorted(set(deaths)) for subject, deaths in found.items()}


def _chosen(deaths: list[Death]) -> Death | None:
    first = next((one for one in deaths if one.dtc), None)
    if first is None:
        return None
    fuller = (one for one in deaths if len(first.dtc) < len(one.dtc[:10]) and one.dtc.startswith(first.dtc))
    return next(fuller, first)


def _said(deaths: list[Death], chosen: Death | None, flag: str, newest: str, today: str) -> Iterator[tuple[str, ...]]:
    """(rule, severity, sentence) of one subject's death, of a conflict also the dates that differ."""
    if chosen is None:
        if deaths or flag == "Y":
            by = ", ".join(sorted({f"{one.kind} ({one.resource})" for one in deaths})) or "Patient.deceased"
            yield "death.no-date", "warning", f"has died by {by}, and no record says when"
        return
    if chosen.kind != PATIENT:
        said = f"DTHDTC {chosen.dtc} is that of {chosen.kind} ({chosen.resource}); the Patient has no such date"
        yield "death.other-source", "warning", said
    dated = [one for one in deaths if one.dtc]
    if any(not _agree(one.dtc, chosen.dtc) for one in dated):
        listed = ", ".join(f"{one.dtc} {one.kind} ({one.resource})" for one in dated)
        dates = ", ".join(sorted({one.dtc[:10] for one in dated}))
        yield CONFLICT, "warning", f"dates of death differ: {listed}; {chosen.dtc} counts", dates
    if flag == "N":
        yield CONFLICT, "warning", f"the Patient is not deceased, but {chosen.kind} ({chosen.resource}) says so"
    if chosen.dtc[:10] > today:
        yield "death.future", "error", f"date of death {chosen.dtc} lies in the future"
    elif newest and chosen.dtc[:10] > newest:
        yield (
            "death.after-data",
            "warning",
            f"date of death {chosen.dtc} is after the data's last update, {newest}",
        )


def _agree(a: str, b: str) -> bool:
    short, long = sorted((a[:10], b[:10]), key=len)
    return long.startswith(short)


def _finding(subject: str, rule: str, severity: str, sentence: str, dates: str = "") -> Finding:
    return Finding(rule, f"{subject}: {sentence}", severity, resource=subject, variable="DTHDTC", value=dates)
