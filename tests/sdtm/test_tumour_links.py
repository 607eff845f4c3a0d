"""TRGRPID, TRLNKGRP and RSLNKGRP: the groups of SDTMIG 3.4's TR and RS examples, two readers, and what has no group."""

from __future__ import annotations

import numpy as np
import pandas as pd
from fhir2cdisc.sdtm.links.relations import build_relrec, specimen_links
from fhir2cdisc.sdtm.links.tumour_links import link_assessments, link_lesions, name_lesions

INV, IND = "INVESTIGATOR", "INDEPENDENT ASSESSOR"


def tr(*rows: tuple[str, str, str, float | None, str, str]) -> pd.DataFrame:
    columns = ["USUBJID", "TREVAL", "TREVALID", "VISITNUM", "TRDTC", "EXPECTED"]
    made = pd.DataFrame(list(rows), columns=columns)
    return made.assign(STUDYID="S", TRLNKID="T01", VISITNUM=made["VISITNUM"].astype(float))


def rs(*rows: tuple[str, str, str, str, float | None, str, str]) -> pd.DataFrame:
    columns = ["USUBJID", "RSTESTCD", "RSEVAL", "RSEVALID", "VISITNUM", "RSDTC", "EXPECTED"]
    made = pd.DataFrame(list(rows), columns=columns)
    return made.assign(STUDYID="S", VISITNUM=made["VISITNUM"].astype(float))


def linked(tr_rows: pd.DataFrame, rs_rows: pd.DataFrame) -> dict[str, pd.DataFrame]:
    frames = {"TR": tr_rows, "RS": rs_rows}
    frames |= link_assessments(frames)
    assert frames["TR"]["TRLNKGRP"].tolist() == tr_rows["EXPECTED"].tolist()
    assert frames["RS"]["RSLNKGRP"].tolist() == rs_rows["EXPECTED"].tolist()
    return frames


def test_the_overall_response_of_a_visit_is_linked_and_the_others_are_not() -> None:
    frames = linked(
        tr(
            ("1", INV, "", 10, "2010-01-01", "A1"),
            ("1", INV, "", 10, "2010-01-02", "A1"),  # a visit may take two days
            ("1", INV, "", 40, "2010-02-18", "A2"),
        ),
        rs(
            ("1", "TRGRESP", INV, "", 40, "2010-02-18", ""),
            ("1", "NTRGRESP", INV, "", 40, "2010-02-18", ""),
            ("1", "OVRLRESP", INV, "", 40, "2010-02-20", "A2"),
            ("1", "OVRLRESP", INV, "", 60, "2010-04-02", ""),  # nothing was measured
            ("1", "ECOG101", INV, "", 40, "2010-02-18", ""),
        ),
    )
    relrec = build_relrec(frames, [])
    assert relrec[["RDOMAIN", "IDVAR", "RELTYPE", "RELID"]].to_numpy().tolist() == [
        ["RS", "RSLNKGRP", "ONE", "RSTR"],
        ["TR", "TRLNKGRP", "MANY", "RSTR"],
    ]


def test_readers_and_subjects_are_numbered_apart_in_the_order_of_dates() -> None:
    linked(
        tr(
            ("1", IND, "RADIOLOGIST 2", 2, "2010-02-01", "RADIOLOGIST 2-A2"),
            ("1", IND, "RADIOLOGIST 2", 1, "2010-01-01", "RADIOLOGIST 2-A1"),
            ("1", INV, "", 2, "2010-02-01", "A1"),
            ("2", INV, "", 2, "2010-02-01", "A1"),
            ("2", IND, "", 2, "2010-02-01", "INDEPENDENT ASSESSOR-A1"),
        ),
        rs(
            ("1", "OVRLRESP", IND, "RADIOLOGIST 2", 2, "2010-02-01", "RADIOLOGIST 2-A2"),
            ("1", "OVRLRESP", IND, "RADIOLOGIST 1", 2, "2010-02-01", ""),
            ("2", "OVRLRESP", INV, "", 2, "2010-02-01", "A1"),
        ),
    )


def test_without_a_visit_the_day_is_the_assessment_and_without_both_there_is_none() -> None:
    linked(
        tr(
            ("1", INV, "", None, "2010-01-01T10:00", "A1"),
            ("1", INV, "", None, "2010-01-01", "A1"),
            ("1", INV, "", None, "", ""),
        ),
        rs(
            ("1", "OVRLRESP", INV, "", None, "2010-01-01", "A1"),
            ("1", "OVRLRESP", INV, "", None, "", ""),
        ),
    )


def test_two_overall_responses_of_one_visit_are_not_linked() -> None:
    linked(
        tr(("1", INV, "", 2, "2010-02-01", "A1")),
        rs(("1", "OVRLRESP", INV, "", 2, "2010-02-01", ""), ("1", "OVRLRESP", INV, "", 2, "2010-02-01", "")),
    )


def test_nothing_to_link() -> None:
    linked(tr(), rs())
    frames = {"RS": rs(("1", "OVRLRESP", INV, "", 2, "2010-02-01", ""))}
    assert link_assessments(frames) == {}


ROLES = [
    # lesion, evaluator, evaluator id, test, standard result, in the order that was read
    ("T01", INV, "", "TUMIDENT", "TARGET"),
    ("T01", IND, "RADIOLOGIST 1", "TUMIDENT", "NON-TARGET"),
    ("T01", INV, "", "TUMIDENT", "NON-TARGET"),
    ("T02", INV, "", "TUSPLIT", "TARGET"),
]
MEASURED = [
    ("T01", INV, "", "TARGET", "of several by the reader the first that was read"),
    ("T01", IND, "RADIOLOGIST 1", "NON-TARGET", "the reader's own"),
    ("T01", IND, "RADIOLOGIST 2", "TARGET", "a reader who identified nothing has that of the first"),
    ("T02", INV, "", "", "a split identifies no role"),
    ("T03", INV, "", "", "nobody identified it"),
]


def test_a_measurement_has_the_role_that_its_reader_gives_the_lesion() -> None:
    columns = ["TULNKID", "TUEVAL", "TUEVALID", "TUTESTCD", "TUSTRESC"]
    tu = pd.DataFrame(ROLES, columns=columns).assign(USUBJID="1", _ORDER=range(len(ROLES)))
    tr = pd.DataFrame(MEASURED, columns=["TRLNKID", "TREVAL", "TREVALID", "EXPECTED", "WHY"]).assign(USUBJID="1")
    made = link_lesions({"TU": tu, "TR": tr})
    assert list(made) == ["TR"] and "TRGRPID" not in tr, "what is given stays as it is"
    for row in made["TR"].itertuples():
        assert row.TRGRPID == row.EXPECTED, row.WHY
    assert link_lesions({"TU": tu}) == link_lesions({"TR": tr}) == {}


def test_genomic_and_pathology_findings_of_one_specimen_are_related() -> None:
    records = pd.DataFrame({"RESOURCE": ["Patient", "Specimen", "Specimen", "Observation"]})

    def rows(domain: str, *used: tuple[int, ...]) -> pd.DataFrame:
        start = 10 if domain == "GF" else 20
        return pd.DataFrame(
            {
                "_ROW": np.arange(start, start + len(used)),
                "_USED": pd.Series(list(used), dtype=object),
                "STUDYID": "S",
                "USUBJID": "1",
                f"{domain}SEQ": np.arange(1.0, len(used) + 1),
            }
        )

    frames = {"GF": rows("GF", (1,), (1, 3), (2,), (0, 3)), "MI": rows("MI", (1,), ())}
    assert specimen_links(frames, records) == [(10, 20), (11, 20)]
    relrec = build_relrec(frames, specimen_links(frames, records))
    assert sorted(relrec["RELID"].unique()) == ["GF1MI1", "GF2MI1"]
    assert specimen_links({"GF": frames["GF"]}, records) == []


def test_a_lesion_without_a_name_is_numbered_and_its_id_stands_nowhere() -> None:
    """TU names its lesions first; L1 is a name that the source gave, so that it is passed over."""
    tu = pd.DataFrame(
        {
            "USUBJID": ["1", "1", "1", "2"],
            "TULNKID": ["", "L1", "", ""],
            "_LESION": ["b", "x", "a", "b"],
            "_ORDER": range(4),
        }
    )
    tr = pd.DataFrame(
        {
            "USUBJID": ["1", "1", "2", "2"],
            "TRLNKID": ["", "", "", ""],
            "_LESION": ["a", "c", "b", ""],
            "_ORDER": range(4),
        }
    )
    made = name_lesions({"TU": tu, "TR": tr})
    assert list(made["TU"]["TULNKID"]) == ["L2", "L1", "L3", "L1"]
    assert list(made["TR"]["TRLNKID"]) == ["L3", "L4", "L1", ""]
    assert name_lesions({}) == {}
