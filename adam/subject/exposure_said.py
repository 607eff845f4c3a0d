"""What is said of exposure: the evidence for the start of treatment and later lines, and the findings on doses."""

from __future__ import annotations

import numpy as np
import pandas as pd
from fhir2cdisc.adam.frames.dates import impute_dates
from fhir2cdisc.adam.frames.findings import findings, gather_findings
from fhir2cdisc.adam.subject.evidence import as_evidence, stack_evidence
from fhir2cdisc.adam.subject.options import AdslOptions

_ISO = "%Y-%m-%d"


def exposure_evidence(doses: pd.DataFrame, start: pd.Series) -> pd.DataFrame:
    """The first record of every drug and role."""
    ordered = doses.sort_values(["USUBJID", "START", "SRCSEQ"], kind="stable", na_position="last")
    kept = ordered.drop_duplicates(["USUBJID", "DRUG", "ROLE"])
    index = kept["ROLE"] == "index"
    first = index & (kept["FROM"] == pd.to_datetime(kept["USUBJID"].map(start)))
    first &= ~kept[first].duplicated("USUBJID").reindex(kept.index, fill_value=False)
    across = first & kept["ACROSS"]
    reasons = np.select(
        [across, first, index, kept["ROLE"] == "prior", kept["ROLE"] == "held", kept["ROLE"] == "undated"],
        [
            "under way on the day of enrolment, from which on it is of the study",
            "the first dose of study treatment",
            "of the index regimen, begun later or on the same day",
            "before the enrolment: prior therapy",
            "nothing was given (dose 0 or not done)",
            "without a complete date",
        ],
        "a later line of therapy",
    )
    started = as_evidence(
        kept.assign(DATE=kept["FROM"], CHOSEN=np.where(first, "Y", ""), REASON=reasons), "treatment start"
    )
    later = kept[kept["ROLE"] == "later"]
    why = np.where(later["OTHER"], "a drug outside the index regimen and the arm", "after a gap in the regimen")
    return stack_evidence(
        [started, as_evidence(later.assign(DATE=later["FROM"], CHOSEN="Y", REASON=why), "later line")]
    )


def exposure_findings(doses: pd.DataFrame, start: pd.Series, since: pd.Series, options: AdslOptions) -> pd.DataFrame:
    return gather_findings(
        [
            *_prior_findings(doses, start, since, options),
            _across_findings(doses, start),
            *_later_findings(doses, start, options),
            _partial_findings(doses, start),
        ]
    )


def _prior_findings(
    doses: pd.DataFrame, start: pd.Series, since: pd.Series, options: AdslOptions
) -> list[pd.DataFrame]:
    """Doses before the enrolment: an earlier line, or perhaps the same treatment with a late consent."""
    prior, index = doses[doses["ROLE"] == "prior"], doses[doses["ROLE"] == "index"]
    own = index.groupby("USUBJID")["DRUG"].agg(set)
    near, far = [], []
    for who, mine in prior.groupby("USUBJID"):
        begun = start.get(who, pd.NaT)
        said = _prior_in_words(mine, since.get(who, pd.NaT))
        effect = "the subject has no dose of study treatment" if pd.isna(begun) else f"TRTSDT is {begun:{_ISO}}"
        line = (who, f"EX {mine['SRCSEQ'].iloc[0]:g}", "TRTSDT", mine["DTC"].iloc[0])
        close = not pd.isna(begun) and (begun - mine["LATEST"].max()).days <= options.treatment.gap_days
        same = close and bool(set(mine["DRUG"]) & own.get(who, set()))
        if same or pd.isna(begun) or mine["OPEN"].any():
            hint = "it may be the same treatment, consented to late ([treatment] before_days)"
            near.append((*line, f"{said}: they count as prior therapy, {effect}; {hint}."))
        else:
            far.append((*line, f"{said}: they are prior therapy, {effect}."))
    return [
        findings("ADSL", "treatment before enrolment", "WARNING", near),
        findings("ADSL", "prior therapy with a study drug", "INFO", far),
    ]


def _prior_in_words(mine: pd.DataFrame, enrolled: pd.Timestamp) -> str:
    drugs = ", ".join(sorted(set(mine["DRUG"])))
    dates = f"{mine['DTC'].iloc[0]} to {mine['DTC'].iloc[-1]}" if len(mine) > 1 else mine["DTC"].iloc[0]
    return f"{len(mine)} doses of {drugs} ({dates}) lie before the enrolment on {enrolled:{_ISO}}"


def _across_findings(doses: pd.DataFrame, start: pd.Series) -> pd.DataFrame:
    begun = pd.to_datetime(doses["USUBJID"].map(start))
    rows = doses[doses["ACROSS"] & (doses["ROLE"] == "index") & (doses["FROM"] == begun)].drop_duplicates("USUBJID")
    lines = (
        (
            row.USUBJID,
            f"EX {row.SRCSEQ:g}",
            "TRTSDT",
            row.DTC,
            f"{row.DRUG} was under way since {row.DTC} on the day of enrolment: study treatment counts from "
            f"{row.FROM:{_ISO}} on.",
        )
        for row in rows.itertuples()
    )
    return findings("ADSL", "treatment before enrolment", "WARNING", lines)


def _later_findings(doses: pd.DataFrame, start: pd.Series, options: AdslOptions) -> list[pd.DataFrame]:
    ordered = doses[(doses["ROLE"] == "later")].sort_values(["USUBJID", "FROM", "SRCSEQ"], kind="stable")
    rows = ordered.drop_duplicates(["USUBJID", "DRUG"])
    lines = []
    for row in rows.itertuples():
        why = (
            f"begins more than {options.treatment.together_days} days after the first dose on "
            f"{start[row.USUBJID]:{_ISO}} and is not of the subject's arm"
            if row.OTHER
            else f"goes on after more than {options.treatment.gap_days} days without a dose"
        )
        effect = "a later line and new anticancer therapy, whose doses extend neither treatment nor arm"
        message = f"{row.DRUG} of {row.DTC} {why}: it is {effect}."
        lines.append((row.USUBJID, f"EX {row.SRCSEQ:g}", "NACTDT", row.DTC, message))
    made = findings("ADSL", "later line with a study drug", "WARNING", lines)
    return [made] if options.drugs else [made, _begun_later(doses, start, options)]


def _begun_later(doses: pd.DataFrame, start: pd.Series, options: AdslOptions) -> pd.DataFrame:
    """Drugs of EX that begin after the first ones, where the study file names none by which to tell a later line."""
    first = doses[doses["ROLE"] == "index"].sort_values(["USUBJID", "FROM", "SRCSEQ"], kind="stable")
    first = first.drop_duplicates(["USUBJID", "DRUG"])
    after = (first["FROM"] - pd.to_datetime(first["USUBJID"].map(start))).dt.days
    lines = (
        (
            row.USUBJID,
            f"EX {row.SRCSEQ:g}",
            "TRTEDT",
            row.DTC,
            f"{row.DRUG} begins on {row.DTC}, more than {options.treatment.together_days} days after the first dose; "
            "it counts as study treatment, as the study file names no drugs by which a later line could be told.",
        )
        for row in first[after > options.treatment.together_days].itertuples()
    )
    return findings("ADSL", "drug begun later", "INFO", lines)


def _partial_findings(doses: pd.DataFrame, start: pd.Series) -> pd.DataFrame:
    """Doses without a complete date that may be earlier than the first one that has it."""
    rows = doses[doses["ROLE"] == "undated"]
    begun = pd.to_datetime(rows["USUBJID"].map(start))
    first = impute_dates(rows["DTC"], "first")[0]
    rows = rows[begun.isna() | first.isna() | (first < begun)].drop_duplicates("USUBJID")
    lines = []
    for row in rows.itertuples():
        taken = start.get(row.USUBJID, pd.NaT)
        effect = (
            "so TRTSDT is blank" if pd.isna(taken) else f"so treatment may have begun before {taken:{_ISO}} (TRTSDT)"
        )
        said = f"is dated {row.DTC} only" if row.DTC else "has no date"
        message = f"A dose of {row.DRUG or 'treatment'} {said}, {effect}."
        lines.append((row.USUBJID, f"EX {row.SRCSEQ:g}", "TRTSDT", row.DTC, message))
    return findings("ADSL", "dose without a complete date", "WARNING", lines)
