"""SUPP-- and RELREC: qualifiers without a variable of their own, and records that point at each other.

SDTMIG 3.4 sections 8.4 (supplemental qualifiers), 8.2 and 8.3 (related records and datasets) and 8.5 (comments).
"""

from __future__ import annotations

import pandas as pd
from fhir2cdisc.mappings.model import DomainMap
from fhir2cdisc.sdtm.metadata import record_key, sdtm_datasets
from fhir2cdisc.sdtm.special import QNAM_LABELS

SUPP_COLUMNS = ["STUDYID", "RDOMAIN", "USUBJID", "IDVAR", "IDVARVAL", "QNAM", "QLABEL", "QVAL", "QORIG", "QEVAL"]
RELREC_COLUMNS = ["STUDYID", "RDOMAIN", "USUBJID", "IDVAR", "IDVARVAL", "RELTYPE", "RELID"]


def build_supp(frame: pd.DataFrame, domain: str, mappings: list[DomainMap]) -> pd.DataFrame:
    """SUPP-- of a domain: one record for each filled column `SUPP.QNAM` of its rows."""
    labels = {**QNAM_LABELS, f"{domain}TESTFL": "Test Name in Full"}
    for mapping in mappings:
        if mapping.domain == domain:
            labels |= {name: spec.label for source in mapping.source for name, spec in source.supp.items()}
    key = record_key(domain)
    parts = []
    for column in [c for c in frame.columns if c.startswith("SUPP.")]:
        name = column.removeprefix("SUPP.")
        filled = frame[frame[column].fillna("") != ""]
        parts.append(
            pd.DataFrame(
                {
                    "STUDYID": filled["STUDYID"],
                    "RDOMAIN": domain,
                    "USUBJID": filled["USUBJID"],
                    "IDVAR": key,
                    "IDVARVAL": filled[key].map("{:.15g}".format) if key else "",
                    "QNAM": name,
                    "QLABEL": labels.get(name, name),
                    "QVAL": filled[column].astype(str),
                    "QORIG": "CRF",
                    "QEVAL": "",
                },
                columns=SUPP_COLUMNS,
            )
        )
    parts = [part for part in parts if len(part)]
    if not parts:
        return pd.DataFrame(columns=SUPP_COLUMNS)
    made = pd.concat(parts).sort_values(["USUBJID", "IDVAR", "IDVARVAL", "QNAM"], kind="stable")
    return made[SUPP_COLUMNS].reset_index(drop=True)


def build_relrec(frames: dict[str, pd.DataFrame], links: list[tuple[int, int]]) -> pd.DataFrame:
    """RELREC: pairs of records whose resources point at each other, and TU to TR by lesion (dataset to dataset)."""
    parts = []
    for domain, frame in frames.items():
        if f"{domain}SEQ" in frame:
            parts.append(
                pd.DataFrame(
                    {
                        "_ROW": frame["_ROW"],
                        "STUDYID": frame["STUDYID"],
                        "RDOMAIN": domain,
                        "USUBJID": frame["USUBJID"],
                        "IDVAR": f"{domain}SEQ",
                        "IDVARVAL": frame[f"{domain}SEQ"].astype(int).astype(str),
                    }
                )
            )
    datasets = _lesion_datasets(frames)
    if not parts or not links:
        return datasets
    rows = pd.concat(parts).drop_duplicates("_ROW").set_index("_ROW")
    pairs = [(a, b) for a, b in links if a != b and a in rows.index and b in rows.index]
    if not pairs:
        return datasets
    left = rows.loc[[a for a, _ in pairs]].reset_index(drop=True)
    right = rows.loc[[b for _, b in pairs]].reset_index(drop=True)
    names = left["RDOMAIN"] + left["IDVARVAL"] + right["RDOMAIN"] + right["IDVARVAL"]
    both = pd.concat([left.assign(RELID=names), right.assign(RELID=names)])
    both = both.assign(RELTYPE="").drop_duplicates(["USUBJID", "RELID", "RDOMAIN", "IDVARVAL"])
    every = pd.concat([datasets, both[RELREC_COLUMNS]], ignore_index=True)
    keys = ["STUDYID", "RDOMAIN", "USUBJID", "IDVAR", "IDVARVAL", "RELID"]
    return every.sort_values(keys, kind="stable").reset_index(drop=True)


def relate_comments(frames: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """CO with RDOMAIN, IDVAR and IDVARVAL of the first record that the commented resource became (SDTMIG 3.4, 8.5)."""
    parts = [
        pd.DataFrame(
            {
                "_RECORD_NO": frame["_RECORD_NO"],
                "RDOMAIN": domain,
                "IDVAR": f"{domain}SEQ",
                "IDVARVAL": frame[f"{domain}SEQ"].astype(int).astype(str),
            }
        )
        for domain, frame in sorted(frames.items())
        if f"{domain}SEQ" in frame and domain != "CO"
    ]
    related = pd.concat(parts).drop_duplicates("_RECORD_NO").set_index("_RECORD_NO")
    comments = frames["CO"]
    found = related.reindex(comments["_RECORD_NO"]).fillna("").set_index(comments.index)
    return comments.assign(**{name: found[name] for name in found.columns})


def _lesion_datasets(frames: dict[str, pd.DataFrame]) -> pd.DataFrame:
    tu, tr = frames.get("TU"), frames.get("TR")
    if tu is None or tr is None or not (tr["TRLNKID"] != "").any():
        return pd.DataFrame(columns=RELREC_COLUMNS)
    study = tu["STUDYID"].iloc[0]
    return pd.DataFrame(
        [[study, "TU", "", "TULNKID", "", "ONE", "TUTR"], [study, "TR", "", "TRLNKID", "", "MANY", "TUTR"]],
        columns=RELREC_COLUMNS,
    )


def supp_dataset_label(domain: str) -> str:
    return f"Supplemental Qualifiers for {domain}" if domain in sdtm_datasets() else "Supplemental Qualifiers"
