"""When study treatment ended: TRTEDT of the index regimen, where a record has no end by what else ends treatment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from fhir2cdisc.adam.frames.findings import findings, gather_findings
from fhir2cdisc.adam.subject.evidence import as_evidence
from fhir2cdisc.adam.subject.treatment import Exposure

CONTACT = "last contact"
_ISO = "%Y-%m-%d"


@dataclass(frozen=True, slots=True, eq=False)
class Ends:
    """What can end treatment of which the record has no end: dates by USUBJID, by the words for them, in this order."""

    dates: Mapping[str, pd.Series]

    def first(self, who: str, begun: pd.Timestamp) -> tuple[pd.Timestamp, str]:
        """The earliest of them that is not before the start; the start itself where nothing is known."""
        found = [(day, words) for words, days in self.dates.items() if not pd.isna(day := days.get(who, pd.NaT))]
        # A last contact on the day of the dose is that dose: it says nothing of an end.
        later = [one for one in found if one[0] > begun or (one[0] == begun and one[1] != CONTACT)]
        return min(later, key=lambda one: one[0]) if later else (begun, "nothing else is known")


def treatment_end(exposure: Exposure, ends: Ends) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """TRTEDT and TRTEDTF by USUBJID, with evidence and findings.

    A partial end counts as its last possible day, not after what ends treatment for certain.
    """
    doses = exposure.doses
    known = (doses["ROLE"] == "undated") & doses["END"].notna() & doses["USUBJID"].map(exposure.start).notna()
    rows = doses[(doses["ROLE"] == "index") | known].copy()
    rows["DATE"] = rows["END"].where(rows["END"].notna(), rows["FROM"])
    rows["FLAG"], rows["BY"] = rows["ENDF"].where(rows["ENDF"] != "", ""), ""
    for at in rows.index[rows["OPEN"] | (rows["ENDF"] != "")]:
        day, words = ends.first(rows.at[at, "USUBJID"], rows.at[at, "FROM"])
        if rows.at[at, "OPEN"]:
            rows.loc[at, ["DATE", "FLAG", "BY"]] = [day, "Y", words]
        elif day < rows.at[at, "END"]:
            rows.loc[at, ["DATE", "BY"]] = [day, words]
    rows["DATE"] = pd.to_datetime(rows["DATE"])
    ordered = rows.sort_values(["USUBJID", "DATE", "FLAG", "SRCSEQ"], kind="stable", na_position="first")
    last = ordered.drop_duplicates("USUBJID", keep="last")
    values = last.set_index("USUBJID")[["DATE", "FLAG"]].rename(columns={"DATE": "TRTEDT", "FLAG": "TRTEDTF"})
    return values, _end_evidence(rows, last), _end_findings(last)


def _end_evidence(rows: pd.DataFrame, last: pd.DataFrame) -> pd.DataFrame:
    """The last record of every drug."""
    kept = rows.sort_values(["USUBJID", "DRUG", "DATE", "SRCSEQ"], kind="stable")
    kept = kept[~kept.duplicated(["USUBJID", "DRUG"], keep="last") | kept.index.isin(last.index)]
    chosen = kept.index.isin(last.index)
    why = np.where(kept["OPEN"], "without an end, so it lasts until: " + kept["BY"], "the latest end of the regimen")
    passed = np.where(chosen, why, "another drug or record ends as late or later")
    made = kept.assign(
        DTC=kept["ENDTC"],
        SRCVAR=np.where(kept["SRCDOM"] == "EX", "EXENDTC", "RFXENDTC"),
        CHOSEN=np.where(chosen, "Y", ""),
        REASON=passed,
    )
    return as_evidence(made, "treatment end")


def _end_findings(last: pd.DataFrame) -> pd.DataFrame:
    rows = last[(last["FLAG"] != "") | (last["OPEN"])]
    opened, partial = rows[rows["OPEN"]], rows[~rows["OPEN"]]
    lines = [
        (
            row.USUBJID,
            f"EX {row.SRCSEQ:g}",
            "TRTEDT",
            row.DTC,
            f"{row.DRUG} from {row.DTC} on has no end: it is taken to last until {row.DATE:{_ISO}} ({row.BY}).",
        )
        for row in opened.itertuples()
    ]
    cut = [
        (
            row.USUBJID,
            f"EX {row.SRCSEQ:g}",
            "TRTEDT",
            row.ENDTC,
            f"{row.DRUG} ended in {row.ENDTC}: the last day is taken as {row.DATE:{_ISO}}, the last possible one.",
        )
        for row in partial.itertuples()
    ]
    return gather_findings(
        [
            findings("ADSL", "exposure without an end", "INFO", lines),
            findings("ADSL", "partial end of exposure", "INFO", cut),
        ]
    )
