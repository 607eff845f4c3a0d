"""SUPP-- and RELREC: qualifiers without a variable of their own, and records that point at each other.

SDTMIG 3.4 sections 8.4 (supplemental qualifiers), 8.2 and 8.3 (related records and datasets) and 8.5 (comments).
"""

from __future__ import annotations

import pandas as pd
from fhir2cdisc.mappings.model import DomainMap
from fhir2cdisc.mappings.standard.datasets import record_key
from fhir2cdisc.sdtm.columns import RECORD_NO, ROW, USED
from fhir2cdisc.sdtm.domains import QNAM_LABELS

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
                    "QORIG": "Collected",
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
    """RELREC: pairs of records whose resources point at each other; TU to TR by lesion, TR to RS by assessment."""
    parts = []
    for domain, frame in frames.items():
        if f"{domain}SEQ" in frame:
            parts.append(
                pd.DataFrame(
                    {
                        ROW: frame[ROW],
                        "STUDYID": frame["STUDYID"],
                        "RDOMAIN": domain,
                        "USUBJID": frame["USUBJID"],
                        "IDVAR": f"{domain}SEQ",
                        "IDVARVAL": frame[f"{domain}SEQ"].astype(int).astype(str),
                    }
                )
            )
    datasets = _related_datasets(frames)
    if not parts or not links:
        return datasets
    rows = pd.concat(parts).drop_duplicates(ROW).set_index(ROW)
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
    """CO with RDOMAIN, IDVAR and IDVARVAL of the first record that the commented resource became (SDTMIG 3.4, 8.5).

    A comment that belongs to a record has that record's date, so its CODTC is blank (SDTMIG 3.4, 5.1).
    """
    parts = [
        pd.DataFrame(
            {
                RECORD_NO: frame[RECORD_NO],
                "RDOMAIN": domain,
                "IDVAR": f"{domain}SEQ",
                "IDVARVAL": frame[f"{domain}SEQ"].astype(int).astype(str),
            }
        )
        for domain, frame in sorted(frames.items())
        if f"{domain}SEQ" in frame and domain != "CO"
    ]
    related = pd.concat(parts).drop_duplicates(RECORD_NO).set_index(RECORD_NO)
    comments = frames["CO"]
    found = related.reindex(comments[RECORD_NO]).fillna("").set_index(comments.index)
    made = comments.assign(**{name: found[name] for name in found.columns})
    if "CODTC" in made:
        made["CODTC"] = made["CODTC"].where(made["RDOMAIN"] == "", "")
    return made


def specimen_links(frames: dict[str, pd.DataFrame], records: pd.DataFrame) -> list[tuple[int, int]]:
    """Rows of GF and MI that were made from the same Specimen, as pairs of row numbers."""
    specimens = set(records.index[records["RESOURCE"] == "Specimen"])
    rows = {domain: _rows_by_specimen(frames.get(domain), specimens) for domain in ("GF", "MI")}
    shared = sorted(rows["GF"].keys() & rows["MI"].keys())
    return [(one, other) for number in shared for one in rows["GF"][number] for other in rows["MI"][number]]


def _rows_by_specimen(frame: pd.DataFrame | None, specimens: set[int]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for row, used in zip(frame[ROW], frame[USED], strict=True) if frame is not None else ():
        for number in specimens.intersection(used):
            found.setdefault(number, []).append(row)
    return found


def _related_datasets(frames: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Whole datasets that are related by a variable that they share (SDTMIG 3.4 section 8.3)."""
    relations = (("TUTR", ("TU", "TULNKID"), ("TR", "TRLNKID")), ("RSTR", ("RS", "RSLNKGRP"), ("TR", "TRLNKGRP")))
    rows = []
    for name, (one, its), (many, theirs) in relations:
        if all(d in frames and v in frames[d] and (frames[d][v] != "").any() for d, v in ((one, its), (many, theirs))):
            study = frames[one]["STUDYID"].iloc[0]
            rows += [[study, one, "", its, "", "ONE", name], [study, many, "", theirs, "", "MANY", name]]
    return pd.DataFrame(rows, columns=RELREC_COLUMNS)


def supp_dataset_label(domain: str) -> str:
    return f"Supplemental Qualifiers for {domain}"
