"""Best overall response, confirmation, benefit: published tables, shared vectors, boundaries, bad input."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest
from fhir2cdisc.adam.response.response import (
    ResponseOptions,
    best_overall_response,
    check_assessments,
    clinical_benefit,
    confirmed_response,
    disease_control,
    last_assessment,
    progression,
    response,
)
from support.facts import facts
from support.tables import rows

START = pd.Timestamp("2024-01-01")
PUBLISHED = ResponseOptions()
ONCO = ResponseOptions.admiralonco()


def sequence(words: str, subject: str = "01") -> pd.DataFrame:
    """`PR42 SD84` as assessments 42 and 84 days after the start."""
    records = []
    for word in words.split():
        call, day = word.rsplit("@", 1)
        records.append((subject, START + pd.Timedelta(days=int(day)), call))
    return pd.DataFrame(records, columns=["USUBJID", "ADT", "AVALC"])


REFERENCE = pd.DataFrame({"USUBJID": ["01"], "TRTSDT": [START]})


def answer(frame: pd.DataFrame) -> str:
    """`PR@42`: the call and its day after the start, or the call alone where there is no date."""
    row = frame.iloc[0]
    return row.AVALC if pd.isna(row.ADT) else f"{row.AVALC}@{(row.ADT - START).days}"


def bor(words: str, options: ResponseOptions = PUBLISHED, confirmed: bool = False) -> str:
    return answer(best_overall_response(sequence(words), REFERENCE, options, confirmed))


COLUMNS = {
    "bor_unconfirmed_sd42": (False, {}),
    "bor_confirmed28_sd42_ne1": (True, {}),
    "bor_confirmed_accept_one_SD": (True, {"accept_sd": True}),
    "bor_confirmed_no_NE_allowed": (True, {"max_ne": 0}),
    "bor_confirmed_sd56": (True, {"sd_min_days": 56}),
}


@pytest.mark.parametrize("preset", [PUBLISHED, ONCO], ids=["published", "admiralonco"])
@pytest.mark.parametrize("column", COLUMNS)
def test_every_shared_sequence_has_its_best_overall_response(column: str, preset: ResponseOptions) -> None:
    confirmed, changes = COLUMNS[column]
    options = replace(preset, **changes)
    wrong = []
    for row in facts("recist11_bor_vectors"):
        parts = [part[3:].split(":") for part in row["assessments"].split(";") if part]
        words = " ".join(f"{call}@{day}" for day, call in parts)
        found = bor(words, options, confirmed)
        if found != row[column].replace("@day", "@"):
            wrong.append((row["id"], words, found, row[column]))
    assert wrong == []


@pytest.mark.parametrize("met", [True, False])
def test_confirmed_best_response_follows_table_3_as_published(met: bool) -> None:
    first, second = (56, 84) if met else (28, 56)
    for row in facts("recist11_confirmed_bor"):
        words = f"{row['first']}@{first} {row['later']}@{second}"
        assert bor(words, confirmed=True).split("@")[0] == row["sd_long_enough" if met else "sd_short"], words


# Sequence, best response, confirmed best response: the hand-checked table of the reference package's results.
ADMIRALONCO = """
PR@42 SD@84 PR@126          | PR@42  | SD@42
CR@42 PR@84                 | CR@42  | SD@42
CR@42 PR@84 CR@126          | CR@42  | PR@84
CR@42 SD@84 PR@126 PR@168   | CR@42  | PR@126
PR@42 NE@84 PR@126          | PR@42  | PR@42
PR@42 NE@84 NE@126 PR@168   | PR@42  | SD@42
PR@21                       | PR@21  | NE@21
PR@21 PD@63                 | PR@21  | PD@63
CR@21 NE@63                 | CR@21  | NE@21
CR@21 PR@63                 | CR@21  | SD@63
CR@21 SD@63                 | CR@21  | SD@63
PR@42 PR@69                 | PR@42  | SD@42
PR@42 PR@70                 | PR@42  | PR@42
SD@42                       | SD@42  | SD@42
SD@41                       | NE@41  | NE@41
PR@42 CR@84                 | CR@84  | PR@42
PR@42 NON-CR/NON-PD@84 PR@126 | PR@42 | SD@42
NON-CR/NON-PD@42 SD@84      | SD@84  | SD@84
PD@42 CR@84 CR@126          | PD@42  | PD@42
NE@84 PD@126                | PD@126 | PD@126
"""


@pytest.mark.parametrize("line", ADMIRALONCO.strip().splitlines())
def test_the_admiralonco_preset_reproduces_that_package(line: str) -> None:
    ((words, plain, confirmed),) = rows(line)
    assert bor(words, ONCO) == plain
    assert bor(words, ONCO, confirmed=True) == confirmed


# What RECIST 1.1 says instead, where a CR is followed by disease.
PUBLISHED_AFTER_CR = """
CR@21 PR@63               | CR@21 | PD@63
CR@21 SD@63               | CR@21 | PD@63
CR@42 PR@84               | CR@42 | SD@42
CR@42 PR@84 CR@126        | CR@42 | SD@42
CR@42 SD@84 PR@126 PR@168 | CR@42 | SD@42
CR@42 NE@84 SD@126        | CR@42 | SD@42
CR@21 NON-CR/NON-PD@63    | CR@21 | PD@63
"""


@pytest.mark.parametrize("line", PUBLISHED_AFTER_CR.strip().splitlines())
def test_disease_after_a_complete_response_is_progression_as_published(line: str) -> None:
    ((words, plain, confirmed),) = rows(line)
    assert bor(words) == plain
    assert bor(words, confirmed=True) == confirmed


def test_a_doubtful_complete_response_can_be_corrected_to_partial_response() -> None:
    corrected = replace(PUBLISHED, pr_after_cr="PR")
    assert bor("CR@42 PR@84", corrected) == "PR@42"
    assert bor("CR@42 PR@84", corrected, confirmed=True) == "PR@42"
    assert bor("CR@42 PD@84", corrected) == "CR@42"  # nothing but PD follows: the CR stands


def test_a_partial_response_kept_through_stable_disease_is_never_confirmed_by_it() -> None:
    sticky = replace(PUBLISHED, sticky_pr=True)
    assert bor("PR@42 SD@84 SD@126 PR@168", sticky, confirmed=True) == "PR@42"
    assert bor("PR@42 SD@84", sticky, confirmed=True) == "SD@42"


def test_assessments_after_new_therapy_or_after_the_window_do_not_count() -> None:
    reference = REFERENCE.assign(NACTDT=START + pd.Timedelta(days=84), TRTEDT=START + pd.Timedelta(days=50))
    frame = sequence("SD@42 PR@84 CR@126")
    assert answer(best_overall_response(frame, reference)) == "PR@84"  # the day of new therapy still counts
    assert answer(best_overall_response(frame, reference, ONCO)) == "CR@126"
    window = replace(PUBLISHED, end_of_window="TRTEDT", end_of_window_days=30)
    assert answer(best_overall_response(frame, reference, window)) == "SD@42"
    assert answer(best_overall_response(frame, reference, replace(window, end_of_window_days=34))) == "PR@84"


def test_the_worst_call_of_a_day_counts_and_not_evaluable_is_weaker_than_any_call() -> None:
    assert bor("CR@56 PR@56 CR@84") == "CR@84"  # CR@56 would win if the better call of day 56 counted
    assert bor("NE@56 PR@56") == "PR@56"
    assert bor("PR@56 PD@56") == "PD@56"
    assert bor("SD@56 NON-CR/NON-PD@56") == "NON-CR/NON-PD@56"


def test_every_reference_subject_has_one_row_in_the_order_of_the_reference() -> None:
    reference = pd.DataFrame({"USUBJID": ["02", "01", "03"], "TRTSDT": [START, START, pd.NaT]})
    frame = pd.concat([sequence("PR@42"), sequence("CR@50", "03"), sequence("CR@50", "99")])
    found = best_overall_response(frame, reference)
    assert found.USUBJID.tolist() == ["02", "01", "03"]
    assert found.AVALC.tolist() == ["MISSING", "PR", "MISSING"]  # 03 has no start date, so nothing counts
    assert found.ADT.dtype == "datetime64[ns]"
    assert best_overall_response(frame, reference, replace(PUBLISHED, missing_as_ne=True)).AVALC[0] == "NE"


def test_no_assessments_at_all_and_no_subjects_at_all_give_complete_frames() -> None:
    none = sequence("")
    for function in (response, confirmed_response, clinical_benefit, disease_control, progression):
        assert answer(function(none, REFERENCE)) == "N"
    assert answer(best_overall_response(none, REFERENCE, confirmed=True)) == "MISSING"
    assert answer(last_assessment(none, REFERENCE)) == ""
    assert list(best_overall_response(none, REFERENCE.iloc[:0]).columns) == ["USUBJID", "AVALC", "ADT"]


def test_dates_may_be_python_dates_or_text_and_missing_calls_may_be_none() -> None:
    when = [date(2024, 2, 26), None, "2024-03-25", np.nan]
    frame = pd.DataFrame({"USUBJID": ["01"] * 4, "ADT": when, "AVALC": ["PR", "CR", "PR", None]})
    reference = pd.DataFrame({"USUBJID": ["01"], "TRTSDT": [date(2024, 1, 1)]})
    assert answer(best_overall_response(frame, reference, PUBLISHED, True)) == "PR@56"


def test_assessments_before_the_reference_date_do_not_count_and_the_day_itself_does() -> None:
    before = sequence("CR@0 PD@42").assign(ADT=lambda f: f.ADT - pd.Timedelta(days=1))
    assert answer(best_overall_response(before, REFERENCE)) == "PD@41"
    assert bor("CR@0 PD@42") == "CR@0"


@pytest.mark.parametrize(
    ("words", "function", "expected"),
    [
        ("SD@42 PR@84 CR@126", response, "Y@84"),
        ("SD@42 PD@84 CR@126", response, "N"),
        ("PR@42 CR@84 CR@126", confirmed_response, "Y@42"),
        ("PR@42 PR@69", confirmed_response, "N"),
        ("PR@21 SD@63", clinical_benefit, "Y@21"),
        ("SD@41 NON-CR/NON-PD@42", clinical_benefit, "Y@42"),
        ("SD@41 PD@60", clinical_benefit, "N"),
        ("SD@42 CR@84", disease_control, "Y@84"),
        ("SD@41", disease_control, "N"),
        ("SD@42 PD@84 PD@126", progression, "Y@84"),
        ("SD@42 PR@84 NE@126", last_assessment, "PR@84"),
        ("SD@42 PD@84 SD@126", last_assessment, "PD@84"),
    ],
)
def test_the_other_parameters(words: str, function: object, expected: str) -> None:
    assert answer(function(sequence(words), REFERENCE)) == expected  # type: ignore[operator]


def test_confirmed_benefit_and_control_ask_for_the_confirmed_response() -> None:
    assert answer(clinical_benefit(sequence("PR@21 SD@63"), REFERENCE, confirmed=True)) == "Y@63"
    assert answer(disease_control(sequence("PR@21 SD@35"), REFERENCE, confirmed=True)) == "N"
    assert answer(last_assessment(sequence("SD@42 PD@84 NE@126"), REFERENCE, ONCO)) == "NE@126"


def test_immune_best_response_reproduces_the_published_sequences() -> None:
    options = ResponseOptions(criteria="iRECIST")
    for row in facts("irecist_best_response"):
        points = [row[f"tp{i}"] for i in range(1, 6)]
        for choice in range(4):
            words = []
            for place, cell in enumerate(points):
                if cell:
                    terms = cell.split("|")
                    words.append(f"{terms[choice % len(terms)]}@{56 * (place + 1)}")
            assert bor(" ".join(words), options).split("@")[0] == row["iBOR"], (row["id"], words)


def test_disease_after_an_immune_complete_response_is_progression_only_where_called_so() -> None:
    options = ResponseOptions(criteria="iRECIST")
    assert bor("iCR@56 iPR@112 iUPD@168 iCPD@224", options) == "iCR@56"
    found = answer(progression(sequence("iCR@56 iPR@112 iUPD@168 iCPD@224"), REFERENCE, options))
    assert found == "Y@168"
    assert answer(last_assessment(sequence("iCR@56 iPR@112"), REFERENCE, options)) == "iPR@112"


def test_immune_progression_dates_reproduce_the_shared_vectors() -> None:
    options = ResponseOptions(criteria="iRECIST")
    for row in facts("irecist_progression"):
        words = " ".join(f"{call}@{50 + i}" for i, call in enumerate(row["sequence"].split(";"), start=1))
        found = answer(progression(sequence(words), REFERENCE, options))
        place = row["progression_at"]
        assert found == (f"Y@{50 + int(place)}" if place else "N"), row["id"]
    strict = replace(options, unconfirmed_iupd=False)
    assert answer(progression(sequence("iSD@50 iUPD@90"), REFERENCE, strict)) == "N"
    assert answer(progression(sequence("iSD@50 iUPD@90 iCPD@120"), REFERENCE, strict)) == "Y@90"


def test_findings_name_subject_date_and_rule() -> None:
    frame = pd.concat([sequence("CR@42 PR@84 CHECK@100 ND@110"), sequence("PR@1", "77")])
    frame = pd.concat([frame, sequence("PR@1").assign(ADT="2024-03")])
    found = check_assessments(frame, REFERENCE)
    assert set(zip(found.USUBJID, found.RULE, found.VALUE, strict=True)) == {
        ("01", "unknown response", "CHECK"),
        ("01", "disease after CR", "PR"),
        ("01", "response without date", "PR"),
        ("77", "assessments without reference date", ""),
    }
    assert len(check_assessments(sequence("PR@42 PR@84"), REFERENCE)) == 0


def test_wrong_options_and_wrong_references_are_refused() -> None:
    with pytest.raises(ValueError, match="criteria: 'RECIST 2' is none of"):
        ResponseOptions(criteria="RECIST 2")
    with pytest.raises(ValueError, match="confirm_days: -1 is negative"):
        ResponseOptions(confirm_days=-1)
    with pytest.raises(ValueError, match="has no column RANDDT"):
        best_overall_response(sequence("PR@42"), REFERENCE, ResponseOptions(reference="RANDDT"))
    with pytest.raises(ValueError, match="USUBJID is not unique"):
        best_overall_response(sequence("PR@42"), pd.concat([REFERENCE, REFERENCE]))


def test_options_describe_themselves() -> None:
    words = replace(PUBLISHED, accept_sd=True).in_words()
    assert "by the first CR or PR at least 28 days later" in words and "at most 1 NE between" in words
    assert "SD from day 42 after TRTSDT (inclusive); benefit from day 42 (inclusive)" in words
    assert "disease after CR is PD" in words
    assert "one SD between PR and its confirmation accepted" in words
