"""Scans a few days apart, and which sites are lymph nodes: by hand from RECIST 1.1, sections 3 and 4."""

from __future__ import annotations

import pandas as pd
import pytest
from fhir2cdisc.adam.tumour.recist import check_lesions, timepoint_responses

BASE = {"STUDYID": "S", "USUBJID": "01"}


def lesions(*links: str, site: str = "LIVER", kind: str = "TARGET") -> pd.DataFrame:
    rows = [{**BASE, "TULNKID": link, "TUSTRESC": kind, "TULOC": site, "TUEVAL": "INVESTIGATOR"} for link in links]
    return pd.DataFrame(rows).assign(TUTESTCD="TUMIDENT", TUSEQ=1.0)


def scans(*rows: tuple[str, str, float, str, float], test: str = "LDIAM") -> pd.DataFrame:
    """Visit, date, VISITNUM, lesion, mm."""
    made = pd.DataFrame(rows, columns=["VISIT", "TRDTC", "VISITNUM", "TRLNKID", "TRSTRESN"])
    return made.assign(**BASE, TRTESTCD=test, TRSTRESU="mm", TREVAL="INVESTIGATOR", TRSEQ=range(1, len(made) + 1))


def calls(tu: pd.DataFrame, tr: pd.DataFrame) -> list[tuple[str, str, float]]:
    points = timepoint_responses(tu, tr)
    return [(f"{r.ADT:%Y-%m-%d}", r.OVRLRESP, r.SUMDIAM) for r in points.itertuples()]


BASELINE = ("BASELINE", "2024-01-01", 0.0, "T01", 50.0)


def test_two_measurements_of_the_same_lesion_three_days_apart_are_both_judged() -> None:
    """50 -> 61 mm is +22% and 11 mm, PD; 40 mm is -20%, no PR; the nadir for it is 50: SD."""
    tr = scans(
        BASELINE, ("UNSCHEDULED", "2024-03-01", 9.3, "T01", 61.0), ("UNSCHEDULED", "2024-03-04", 9.2, "T01", 40.0)
    )
    assert calls(lesions("T01"), tr) == [("2024-03-01", "PD", 61.0), ("2024-03-04", "SD", 40.0)]
    assert "scans fused" not in set(check_lesions(lesions("T01"), tr)["RULE"])


def test_a_scan_of_other_lesions_completes_the_one_before() -> None:
    """CT of T01, MRI of T02 two days later: one assessment of 20 + 10 = 30 mm, -40% of 50 mm: PR."""
    tr = scans(
        ("BASELINE", "2024-01-01", 0.0, "T01", 30.0),
        ("BASELINE", "2024-01-01", 0.0, "T02", 20.0),
        ("UNSCHEDULED", "2024-03-01", 9.1, "T01", 20.0),
        ("UNSCHEDULED", "2024-03-03", 9.2, "T02", 10.0),
    )
    tu = lesions("T01", "T02")
    assert calls(tu, tr) == [("2024-03-03", "PR", 30.0)]
    assert "scans fused" not in set(check_lesions(tu, tr)["RULE"])


def test_where_a_lesion_differs_in_what_is_judged_as_one_a_finding_names_the_days() -> None:
    """The second scan measures only T01 again (61, then 25 mm): one assessment, 25 + 10 = 35 of 50 mm: PR at -30%."""
    tr = scans(
        ("BASELINE", "2024-01-01", 0.0, "T01", 30.0),
        ("BASELINE", "2024-01-01", 0.0, "T02", 20.0),
        ("UNSCHEDULED", "2024-03-01", 9.1, "T01", 61.0),
        ("UNSCHEDULED", "2024-03-01", 9.1, "T02", 10.0),
        ("UNSCHEDULED", "2024-03-04", 9.2, "T01", 25.0),
    )
    tu = lesions("T01", "T02")
    assert calls(tu, tr) == [("2024-03-04", "PR", 35.0)]
    found = check_lesions(tu, tr)
    found = found[found["RULE"] == "scans fused"]
    assert found[["USUBJID", "RECORD", "SEVERITY"]].values.tolist() == [["01", "T01", "WARNING"]]
    assert "61 mm on 2024-03-01, 25 mm on 2024-03-04" in found["MESSAGE"].iloc[0]


def test_a_planned_visit_of_two_days_is_one_assessment_and_says_so() -> None:
    tr = scans(BASELINE, ("WEEK 8", "2024-03-01", 1.0, "T01", 61.0), ("WEEK 8", "2024-03-04", 1.0, "T01", 40.0))
    assert calls(lesions("T01"), tr) == [("2024-03-04", "SD", 40.0)]
    assert "scans fused" in set(check_lesions(lesions("T01"), tr)["RULE"])


# A node of 30 mm that shrinks to 9 mm in its short axis is gone (CR, under 10 mm); any other lesion is PR at -70%.
@pytest.mark.parametrize(
    ("site", "kind", "expected"),
    [
        ("EXTRANODAL SOFT TISSUE", "TARGET", "PR"),
        ("EXTRA-NODAL", "TARGET", "PR"),
        ("EXTRA NODAL SITE", "TARGET", "PR"),
        ("LIVER", "TARGET NON-NODAL", "PR"),
        ("LIVER", "TARGET NON NODAL", "PR"),
        ("LUNG NODULE", "TARGET", "PR"),
        ("AXILLARY NODE", "TARGET", "CR"),
        ("Axillary lymph nodes", "TARGET", "CR"),
        ("LYMPH NODE, INGUINAL", "TARGET", "CR"),
        ("MEDIASTINAL LN", "TARGET", "CR"),
        ("ABDOMEN", "TARGET NODAL", "CR"),
    ],
)
def test_what_is_a_lymph_node(site: str, kind: str, expected: str) -> None:
    tu = lesions("T01", site=site, kind=kind)
    test = "LPERP" if expected == "CR" else "LDIAM"
    tr = scans(("BASELINE", "2024-01-01", 0.0, "T01", 30.0), ("WEEK 8", "2024-03-01", 1.0, "T01", 9.0), test=test)
    assert [call for _, call, _ in calls(tu, tr)] == [expected]
