"""RELREC and SUPP-- from frames (SDTMIG 3.4 sections 8.2 to 8.4)."""

from __future__ import annotations

import pandas as pd
from fhir2cdisc.sdtm.links.relations import (
    RELREC_COLUMNS,
    SUPP_COLUMNS,
    build_relrec,
    build_supp,
    supp_dataset_label,
)


def frame(domain: str, rows: list[int]) -> pd.DataFrame:
    count = len(rows)
    return pd.DataFrame(
        {"STUDYID": "S", "USUBJID": "S-1", f"{domain}SEQ": [float(i + 1) for i in range(count)], "_ROW": rows}
    )


def test_a_pair_is_two_records_and_a_record_of_no_dataset_is_no_end() -> None:
    frames = {"MH": frame("MH", [10, 11]), "PR": frame("PR", [20])}
    made = build_relrec(frames, [(20, 11), (20, 99), (10, 10), (20, 11)])
    assert made[["RDOMAIN", "IDVARVAL"]].values.tolist() == [["MH", "2"], ["PR", "1"]]
    assert list(made.columns) == RELREC_COLUMNS
    assert (made["RELTYPE"] == "").all()


def test_no_links_give_no_records() -> None:
    assert len(build_relrec({"MH": frame("MH", [1])}, [])) == 0


def test_lesions_relate_the_datasets() -> None:
    frames = {"TU": frame("TU", [1]).assign(TULNKID="T01"), "TR": frame("TR", [2]).assign(TRLNKID="T01")}
    made = build_relrec(frames, [])
    assert made[["RDOMAIN", "IDVAR", "RELTYPE"]].values.tolist() == [
        ["TU", "TULNKID", "ONE"],
        ["TR", "TRLNKID", "MANY"],
    ]


def test_only_filled_qualifiers_become_records_in_a_total_order() -> None:
    given = frame("VS", [1, 2]).assign(**{"SUPP.B": ["x", ""], "SUPP.A": ["y", "z"], "SUPP.C": ["", ""]})
    made = build_supp(given, "VS", [])
    assert made[["IDVAR", "IDVARVAL", "QNAM", "QVAL"]].values.tolist() == [
        ["VSSEQ", "1", "A", "y"],
        ["VSSEQ", "1", "B", "x"],
        ["VSSEQ", "2", "A", "z"],
    ]
    assert list(made.columns) == SUPP_COLUMNS


def test_dm_has_no_sequence_number_to_join_by() -> None:
    given = pd.DataFrame({"STUDYID": ["S"], "USUBJID": ["S-1"], "SUPP.BIRTHSEX": ["F"]})
    made = build_supp(given, "DM", [])
    assert made[["IDVAR", "IDVARVAL", "QNAM"]].values.tolist() == [["", "", "BIRTHSEX"]]


def test_qualifiers_of_visits_are_joined_by_the_number_of_the_visit() -> None:
    given = pd.DataFrame({"STUDYID": "S", "USUBJID": "S-1", "VISITNUM": [1.0, 29.001], "SUPP.X": ["", "x"]})
    made = build_supp(given, "SV", [])
    assert made[["IDVAR", "IDVARVAL", "QNAM"]].values.tolist() == [["VISITNUM", "29.001", "X"]]


def test_labels() -> None:
    assert supp_dataset_label("AE") == "Supplemental Qualifiers for AE"
