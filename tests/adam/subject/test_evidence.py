"""The evidence frame: its shape and order, and how often candidates agree."""

from __future__ import annotations

import pandas as pd
from fhir2cdisc.adam.build import build_adam
from fhir2cdisc.adam.frames.findings import EVIDENCE_COLUMNS
from fhir2cdisc.adam.subject.evidence import (
    agreement,
    as_evidence,
    differing,
    no_evidence,
    stack_evidence,
)
from fhir2cdisc.converters.documents.headlines import evidence_lines
from fhir2cdisc.converters.documents.tables import evidence_tables
from fhir2cdisc.mappings.study import Study
from support.tables import assert_rows, table

# Subjects 01 to 05: two sources agree, differ by a day, one alone, one dated and one not (which contradicts nothing),
# and none for 05.
DEATHS = """
USUBJID | DTC        | DATE       | SRCDOM | SRCVAR  | SRCSEQ | CHOSEN | REASON
01      | 2024-05-01 | 2024-05-01 | DM     | DTHDTC  |        | Y      | first
01      | 2024-05-01 | 2024-05-01 | DS     | DSSTDTC | 1      |        | agrees
02      | 2024-05-01 | 2024-05-01 | DM     | DTHDTC  |        | Y      | first
02      | 2024-05-02 | 2024-05-02 | DS     | DSSTDTC | 1      |        | differs
03      | 2024-05-01 | 2024-05-01 | DM     | DTHDTC  |        | Y      | alone
04      |            |            | DM     | DTHDTC  |        |        | undated
04      | 2024-05-03 | 2024-05-03 | DS     | DSSTDTC | 1      | Y      | dated
"""


def test_how_many_subjects_have_candidates_that_agree() -> None:
    rows = as_evidence(table(DEATHS), "death")
    assert list(rows.columns) == list(EVIDENCE_COLUMNS)
    assert_rows(agreement(rows, 5), "FACT | ONE | AGREE | DIFFER | FOLLOW | NONE\ndeath | 1 | 2 | 1 | 0 | 1")
    assert differing(rows)["USUBJID"].tolist() == ["02", "02"]


def test_facts_that_follow_one_another_do_not_contradict_each_other() -> None:
    contacts = as_evidence(table(DEATHS), "last contact")
    assert len(differing(contacts)) == 0 and agreement(contacts, 5)[["DIFFER", "FOLLOW"]].values.tolist() == [[0, 1]]


def test_the_order_is_that_of_the_content() -> None:
    rows = as_evidence(table(DEATHS), "death")
    other = as_evidence(table(DEATHS).iloc[:2], "enrolment")
    forward, back = stack_evidence([rows, other]), stack_evidence([other.iloc[::-1], rows.iloc[::-1]])
    pd.testing.assert_frame_equal(forward, back)
    assert list(stack_evidence([]).columns) == list(no_evidence().columns) == list(EVIDENCE_COLUMNS)


def test_what_the_terminal_and_the_report_say() -> None:
    rows = as_evidence(table(DEATHS), "death")
    assert evidence_lines(rows) == ["Evidence: 4 facts chosen from 7 records; sources differ on: death of 1 subjects"]
    assert evidence_lines(rows.iloc[:2]) == [
        "Evidence: 1 facts chosen from 2 records; no sources differ on a fact of which there is one truth"
    ]
    assert evidence_lines(no_evidence()) == []
    html = evidence_tables(rows, 5)
    assert "<td>death</td><td>1</td><td>2</td><td>1</td><td>0</td><td>1</td>" in html
    assert html.count("<td>02</td>") == 2 and "<td>01</td>" not in html
    assert evidence_tables(no_evidence(), 5) == ""


def test_adam_holds_the_evidence_for_responses_and_progression() -> None:
    """Responses PR on day 61, PD on day 122: the collected ones count, and the PD dates progression."""
    dm = {"USUBJID": "01", "STUDYID": "S", "RFICDTC": "2024-01-01"}
    ex = {"USUBJID": "01", "EXSEQ": 1.0, "EXTRT": "D", "EXSTDTC": "2024-01-05", "EXENDTC": "2024-01-05"}
    rs = pd.DataFrame({"USUBJID": "01", "RSSEQ": [1.0, 2.0, 3.0], "RSSTRESC": ["PR", "PD", "PD"]}).assign(
        RSDTC=["2024-03-05", "2024-05-05", "2024-07-05"], RSTESTCD="OVRLRESP", RSCAT="RECIST 1.1", RSEVAL="INVESTIGATOR"
    )
    rs.loc[2, "RSEVAL"] = "INDEPENDENT ASSESSOR"
    given = {"DM": pd.DataFrame([dm]), "EX": pd.DataFrame([ex]), "RS": rs}
    evidence = build_adam(given, Study(id="s", studyid="S", title="S")).evidence
    assert_rows(
        evidence[evidence["FACT"].isin(["progression", "response source"])],
        """
        FACT            | DTC        | SRCDOM | SRCVAR   | SRCSEQ | CHOSEN
        progression     | 2024-05-05 | RS     | RSSTRESC | 2      | Y
        progression     | 2024-07-05 | RS     | RSSTRESC | 3      |
        response source | 2024-03-05 | RS     | RSSTRESC | 1      | Y
        response source | 2024-05-05 | RS     | RSSTRESC | 2      | Y
        response source | 2024-07-05 | RS     | RSSTRESC | 3      |
        """,
    )
    assert (evidence["REASON"] != "").all()
    assert len(differing(evidence)) == 0


def test_adam_holds_the_evidence_for_every_fact_whatever_the_order_of_the_records() -> None:
    dm = {"USUBJID": "01", "STUDYID": "S", "RFICDTC": "2024-01-01", "DTHDTC": "2024-06", "DTHFL": "Y"}
    ex = pd.DataFrame({"USUBJID": "01", "EXSEQ": [1.0, 2.0], "EXTRT": "D", "EXSTDTC": ["2024-01-05", "2024-02-05"]})
    mh = pd.DataFrame(
        {"USUBJID": "01", "MHSEQ": [1.0], "MHCAT": "PRIMARY DIAGNOSIS", "MHSTDTC": "2023", "MHTERM": "HCC"}
    )
    given = {"DM": pd.DataFrame([dm]), "EX": ex.assign(EXENDTC=ex["EXSTDTC"]), "MH": mh}
    study = Study(id="s", studyid="S", title="S")
    evidence = build_adam(given, study).evidence
    facts = {"death", "diagnosis", "enrolment", "last contact", "treatment end", "treatment start"}
    assert set(evidence["FACT"]) == facts
    assert evidence[evidence["CHOSEN"] == "Y"].groupby("FACT").size().eq(1).all()
    turned = {name: frame.iloc[::-1] for name, frame in given.items()}
    pd.testing.assert_frame_equal(evidence, build_adam(turned, study).evidence)
