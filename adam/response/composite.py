"""Composite response parameters of a study: stable disease or benefit for so long, disease control in a window.

An endpoint of the study file that counts subjects by best overall response together with a time, or within a
window after the last dose, becomes a parameter of ADRS with a record for each subject, so that it can be traced
like any other. Other packages know no such parameters; the definitions are those of the study documents.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from fhir2cdisc.adam.criteria import PREFIX, RECIST, in_terms_of
from fhir2cdisc.adam.frames.columns import number, text
from fhir2cdisc.adam.frames.dates import study_day
from fhir2cdisc.adam.response.adrs import COLUMNS, derive_adrs
from fhir2cdisc.adam.response.options import ResponseOptions
from fhir2cdisc.adam.time_to_event.parameters import tte_paramcd
from fhir2cdisc.mappings.parameters import TimeToEvent
from fhir2cdisc.mappings.study_base import DAYS_PER_MONTH
from fhir2cdisc.mappings.study_parameters import is_composite
from fhir2cdisc.mappings.study_sections import Endpoint

UNCONFIRMED = {"CRSP": "RSP", "CDCR": "DCR", "CBOR": "BOR", "CDOR": "DOR", "CCB": "CB"}


@dataclass(frozen=True, slots=True)
class Composite:
    """A composite parameter: responses that count, the time that must be exceeded, how both are combined."""

    paramcd: str
    title: str
    best: str
    responses: tuple[str, ...]
    time: str = ""
    months: float = 0.0
    either: bool = False
    after_last_dose: int | None = None
    days_per_month: float = DAYS_PER_MONTH

    @property
    def method(self) -> str:
        """The derivation in words, for define.xml."""
        said = f"Y where {self.best} is {', '.join(self.responses)}"
        if self.after_last_dose is not None:
            said += f" by assessments up to {self.after_last_dose} days after ADSL.TRTEDT"
        if self.time:
            word = "or" if self.either else "and"
            said += f" {word} ADTTE.AVAL of {self.time} is more than {self.months:g} x {self.days_per_month:g} days"
        return said + ", else N."


def composites(
    endpoints: Sequence[Endpoint], criteria: str, times: Mapping[str, TimeToEvent], month: float
) -> tuple[Composite, ...]:
    """The composite parameters that endpoints need by the criteria, confirmed before unconfirmed.

    `times` are the time-to-event parameters by PARAMCD, `month` the days of a month.
    """
    made: dict[str, Composite] = {}
    for one in endpoints:
        if is_composite(one):
            first = _composite(one, criteria, times, month)
            made.setdefault(one.paramcd, first)
            if sibling := unconfirmed(one):
                code, best = PREFIX[criteria] + sibling, PREFIX[criteria] + "BOR"
                plain = replace(first, paramcd=code, best=best, title=f"{one.title}, Unconfirmed")
                made.setdefault(sibling, plain)
    return tuple(made.values())


def unconfirmed(endpoint: Endpoint) -> str:
    """The parameter of the same question without confirmation, blank where there is none."""
    if endpoint.paramcd in UNCONFIRMED:
        return UNCONFIRMED[endpoint.paramcd]
    # CDCR30 is CDCR within 30 days after the last dose.
    for confirmed, plain in UNCONFIRMED.items():
        if is_composite(endpoint) and endpoint.paramcd.startswith(confirmed):
            return plain + endpoint.paramcd.removeprefix(confirmed)
    return ""


def _composite(one: Endpoint, criteria: str, times: Mapping[str, TimeToEvent], month: float) -> Composite:
    return Composite(
        PREFIX[criteria] + one.paramcd,
        one.title,
        PREFIX[criteria] + one.best,
        tuple(in_terms_of(call, criteria) for call in one.responses),
        tte_paramcd(times[one.time], criteria) if one.threshold_months is not None else "",
        one.threshold_months or 0.0,
        one.combine == "or",
        one.after_last_dose_days,
        month,
    )


def add_composites(
    made: Mapping[str, pd.DataFrame],
    rs: pd.DataFrame,
    tu: pd.DataFrame,
    families: Sequence[tuple[ResponseOptions, Sequence[Composite]]],
    keep: Sequence[str] = (),
) -> pd.DataFrame:
    """ADRS with the records of the composite parameters, one for each subject and parameter.

    `made` holds ADSL, ADRS and ADTTE, `families` the parameters by the options whose responses they ask. SRCDOM, SRCVAR
    and SRCSEQ name the record that decided: the response where it counts, else the time. The new records are
    numbered after those of the subject that are there.
    """
    adsl, adrs = made["ADSL"], made["ADRS"]
    parts = [_records(one, made, rs, tu, options) for options, family in families for one in family]
    if not parts or not len(adsl):
        return adrs
    rows = pd.concat(parts, ignore_index=True)
    last = adrs.groupby("USUBJID")["ASEQ"].max()
    start = rows["USUBJID"].map(last).fillna(0.0)
    rows["ASEQ"] = start + rows.groupby("USUBJID").cumcount() + 1.0
    carried = [name for name in keep if name in adsl and name not in COLUMNS]
    rows = rows.merge(adsl[["USUBJID", *carried]], on="USUBJID", how="left")
    whole = pd.concat([adrs, rows[list(adrs.columns)]], ignore_index=True)
    keys = ["USUBJID", "PARAMCD", "PARCAT2", "ADT", "ASEQ"]
    return whole.sort_values(keys, kind="stable", na_position="first").reset_index(drop=True)


def _records(
    one: Composite, made: Mapping[str, pd.DataFrame], rs: pd.DataFrame, tu: pd.DataFrame, options: ResponseOptions
) -> pd.DataFrame:
    adsl = made["ADSL"]
    best = _best(one, made, rs, tu, options).set_index("USUBJID").reindex(adsl["USUBJID"])
    time = made["ADTTE"]
    time = time[time["PARAMCD"] == one.time].set_index("USUBJID").reindex(adsl["USUBJID"])
    responded = text(best, "AVALC").isin(one.responses).to_numpy()
    held = (number(time, "AVAL") > one.months * one.days_per_month).to_numpy()
    if not one.time:
        met, by_time = responded, np.zeros(len(adsl), dtype=bool)
    elif one.either:
        met, by_time = responded | held, ~responded
    else:
        met, by_time = responded & held, responded
    known = by_time & time["AVAL"].notna().to_numpy()
    when = np.where(known, time["ADT"].to_numpy(), best["ADT"].to_numpy())
    day = pd.Series(np.where(met, when, np.datetime64("NaT", "ns")), dtype="datetime64[ns]")
    start = adsl[options.reference] if options.reference in adsl else adsl["TRTSDT"]
    if one.after_last_dose is None:
        source, variable, sequence = np.full(len(adsl), "ADRS", dtype=object), "AVALC", number(best, "ASEQ")
    else:
        source, variable, sequence = text(best, "SRCDOM").to_numpy(), text(best, "SRCVAR"), number(best, "SRCSEQ")
    return pd.DataFrame(
        {
            "STUDYID": adsl["STUDYID"].to_numpy(),
            "USUBJID": adsl["USUBJID"].to_numpy(),
            "PARAMCD": one.paramcd,
            "PARAM": _param(one, options),
            "PARCAT1": "Tumor Response",
            "PARCAT2": options.assessor,
            "PARCAT3": options.criteria,
            "RSPSRC": text(best, "RSPSRC").replace("", options.assessor).to_numpy(),
            "AVAL": met.astype(float),
            "AVALC": np.where(met, "Y", "N").astype(object),
            "ADT": day,
            "ADTF": np.where(met & ~known, text(best, "ADTF").to_numpy(), "").astype(object),
            "ADY": study_day(day, start.reset_index(drop=True)),
            "AVISIT": "",
            "AVISITN": np.nan,
            "ANL01FL": "Y",
            "ANL02FL": "",
            "SRCDOM": np.where(known, "ADTTE", source).astype(object),
            "SRCVAR": np.where(known, "AVAL", variable).astype(object),
            "SRCSEQ": np.where(known, number(time, "ASEQ"), sequence),
        }
    )


def _param(one: Composite, options: ResponseOptions) -> str:
    criteria = "" if options.criteria == RECIST else f" per {options.criteria}"
    return f"{one.title} by {options.assessor}{criteria}"


def _best(
    one: Composite, made: Mapping[str, pd.DataFrame], rs: pd.DataFrame, tu: pd.DataFrame, options: ResponseOptions
) -> pd.DataFrame:
    """The best overall responses, found again within the window where the parameter has one."""
    adrs = made["ADRS"]
    if one.after_last_dose is not None:
        window = {"end_of_window": "TRTEDT", "end_of_window_days": one.after_last_dose}
        adrs = derive_adrs(made["ADSL"], rs, tu, replace(options, **window))  # type: ignore[arg-type]
    return adrs[adrs["PARAMCD"] == one.best]
