"""Domains that FHIR and extracts both feed: which of them counts, and records that say the same twice."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from fhir2cdisc.fhir.findings import Finding
from fhir2cdisc.sdtm.lineage import of_extracts

# What tells records of a domain from one another: the name of what was seen, its day, and the result.
_NAMES, _WHEN, _RESULTS = ("TESTCD", "TRT", "TERM", "DECOD"), ("STDTC", "DTC"), ("STRESC", "ORRES", "DOSE")
# Domains with a record for a subject or visit, where FHIR and extracts are put together.
_TOGETHER = ("DM", "SV")


def choose_origins(
    frames: Mapping[str, pd.DataFrame], records: pd.DataFrame, origins: Mapping[str, str]
) -> tuple[dict[str, pd.DataFrame], list[Finding]]:
    """The rows of the domains of which only FHIR (`fhir`) or only the extracts (`extract`) count; what is left out."""
    kept, findings = dict(frames), []
    for domain, origin in sorted(origins.items()):
        if domain not in frames or origin == "both":
            continue
        of_extract = of_extracts(frames[domain], records)
        wanted = of_extract if origin == "extract" else ~of_extract
        if wanted.all():
            continue
        kept[domain] = frames[domain][wanted].reset_index(drop=True)
        other = "FHIR" if origin == "extract" else "extracts"
        said = f"{domain}: {int((~wanted).sum())} records of {other} are left out, as [origins] of the extract asks"
        findings.append(Finding("origin.left-out", said, count=int((~wanted).sum()), variable=domain))
    return {domain: frame for domain, frame in kept.items() if len(frame)}, findings


def origin_findings(frames: Mapping[str, pd.DataFrame], records: pd.DataFrame) -> list[Finding]:
    """A finding for each domain that both feed, and for each subject with records of both that say the same."""
    found = []
    for domain, frame in sorted(frames.items()):
        theirs = of_extracts(frame, records)
        if domain in _TOGETHER or theirs.all() or not theirs.any():
            continue
        said = f"{domain}: {int((~theirs).sum())} records are of FHIR and {int(theirs.sum())} of extracts; "
        said += "all are kept, and all count"
        found.append(Finding("domain.two-origins", said, "info", variable=domain))
        found += _alike(domain, frame, theirs)
    return found


def _alike(domain: str, frame: pd.DataFrame, theirs: pd.Series) -> list[Finding]:
    """Records of an extract that have the name, day and result of a record of FHIR of the same subject."""
    same = pd.Series(False, index=frame.index)
    day, result = (_first_filled(frame, domain, suffixes) for suffixes in (_WHEN, _RESULTS))
    for name in (f"{domain}{suffix}" for suffix in _NAMES if f"{domain}{suffix}" in frame):
        what = frame[name].astype(str).str.upper()
        key = pd.Series(list(zip(frame["USUBJID"], what, day.str.slice(0, 10), result, strict=True)), index=frame.index)
        same |= theirs & (what != "") & key.isin(set(key[~theirs]))
    counts = frame.loc[same, "USUBJID"].value_counts().sort_index()
    said = "records of an extract have the name, day and result of a record of FHIR; both are kept"
    return [
        Finding("record.two-origins", f"{who}: {domain}: {n} {said}", variable=domain, usubjid=str(who), count=int(n))
        for who, n in counts.items()
    ]


def _first_filled(frame: pd.DataFrame, domain: str, suffixes: tuple[str, ...]) -> pd.Series:
    found = pd.Series("", index=frame.index, dtype=object)
    for name in (f"{domain}{suffix}" for suffix in suffixes if f"{domain}{suffix}" in frame):
        own = frame[name].where(frame[name].notna(), "").astype(str)
        found = found.where(found != "", own)
    return found
