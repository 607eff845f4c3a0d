"""From ADaM records back to the records that they came from."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from fhir2cdisc.adam.questionnaires.adqs import adqs_sources


def adam_lineage(frames: Mapping[str, pd.DataFrame], qs: pd.DataFrame | None = None) -> pd.DataFrame:
    """The record or variable that each ADaM record came from; of a questionnaire score every answer (`qs`) behind it.

    BDS and TTE records name it themselves (SRCDOM, SRCVAR, SRCSEQ); a record of ADAE is the AE record of the same
    AESEQ; one of ADSL is its DM record, and LSTALVDT has a row of its own. SRCSEQ is --SEQ, of a visit (SV) VISITNUM.
    """
    parts = []
    for name, frame in frames.items():
        if name == "ADQS" and qs is not None:
            parts += _scores(frame, qs)
        elif "SRCDOM" in frame:
            parts.append(_lineage(name, frame, "ASEQ", "SRCDOM", "SRCVAR", "SRCSEQ", frame["PARAMCD"]))
        elif name == "ADAE":
            made = frame.assign(D="AE", V="AETERM", S=frame["AESEQ"])
            parts.append(_lineage(name, made, "AESEQ", "D", "V", "S", ""))
        elif name == "ADSL":
            made = frame.assign(D="DM", V="USUBJID", S=float("nan"), A=float("nan"))
            parts.append(_lineage(name, made, "A", "D", "V", "S", ""))
            alive = frame[frame["LALVDOM"] != ""].assign(A=float("nan"))
            parts.append(_lineage(name, alive, "A", "LALVDOM", "LALVVAR", "LALVSEQ", "LSTALVDT"))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _scores(adqs: pd.DataFrame, qs: pd.DataFrame) -> list[pd.DataFrame]:
    """Records of ADQS with the one that they came from, scores with all their answers."""
    sources = adqs_sources(adqs, qs)
    keys = ["USUBJID", "ASEQ"]
    scored = pd.MultiIndex.from_frame(adqs[keys]).isin(pd.MultiIndex.from_frame(sources[keys]))
    return [
        _lineage("ADQS", frame, "ASEQ", "SRCDOM", "SRCVAR", "SRCSEQ", frame["PARAMCD"])
        for frame in (adqs[~scored], sources)
    ]


def _lineage(
    name: str, frame: pd.DataFrame, seq: str, domain: str, variable: str, source: str, parameter: pd.Series | str
) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "DATASET": name,
            "USUBJID": frame["USUBJID"],
            "SEQ": pd.to_numeric(frame[seq], errors="coerce"),
            "PARAMCD": parameter,
            "SRCDOM": frame[domain],
            "SRCVAR": frame[variable],
            "SRCSEQ": pd.to_numeric(frame[source], errors="coerce"),
        }
    ).reset_index(drop=True)
