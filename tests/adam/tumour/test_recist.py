"""Time-point responses from lesions: the published tables, boundaries, hard cases, and bad input."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
from fhir2cdisc.adam.tumour.derived_rs import conflict_findings, derived_rs, response_conflicts
from fhir2cdisc.adam.tumour.overall import immune_response
from fhir2cdisc.adam.tumour.recist import (
    RecistOptions,
    check_lesions,
    overall_response,
    timepoint_responses,
)
from support.facts import facts
from support.tables import rows

DAY = np.datetime64("2024-01-01")


def after(days: int) -> str:
    return str(DAY + np.timedelta64(days, "D"))


def lesions(words: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """One lesion per line: `T01 LIVER: 30 21 -`, a result per assessment every 56 days; the first is
    baseline.

    The name says the kind (T target, NT non-target, N new); LYMPH NODE lesions are measured by short axis; a
    number is mm unless a unit follows it (`3.5cm`), `-` is not measured, anything else is a state.
    """
    tu, tr = [], []
    for line in words.strip().splitlines():
        head, results = line.split(":")
        link, location = head.strip().partition(" ")[::2]
        kind = "NON-TARGET" if link.startswith("NT") else "TARGET" if link.startswith("T") else "NEW"
        where = location.strip().replace("_", " ").upper()
        for visit, result in enumerate(results.split()):
            if result == "-":
                continue
            day = after(56 * visit)
            if not any(row[0] == link for row in tu):
                tu.append((link, "TUMIDENT", kind, where, visit + 1.0, f"V{visit}", day))
            number = result[0].isdigit()
            unit = "".join(c for c in result if c.isalpha()) or "mm"
            test = ("LPERP" if "NODE" in where else "LDIAM") if number else "TUMSTATE"
            value = result.removesuffix(unit) if number else result.replace("_", " ").upper()
            tr.append((link, test, value, unit if number else "", visit + 1.0, f"V{visit}", day))
    names = ["LNKID", "TESTCD", "ORRES", "U", "VISITNUM", "VISIT", "DTC"]
    left = pd.DataFrame(tu, columns=["TULNKID", "TUTESTCD", "TUORRES", "TULOC", "VISITNUM", "VISIT", "TUDTC"])
    right = pd.DataFrame(tr, columns=names).rename(
        columns={
            "LNKID": "TRLNKID",
            "TESTCD": "TRTESTCD",
            "ORRES": "TRORRES",
            "U": "TRORRESU",
            "DTC": "TRDTC",
        }
    )
    common = {"STUDYID": "S", "USUBJID": "01"}
    return left.assign(**common, TUEVAL="INVESTIGATOR"), right.assign(
        **common, TREVAL="INVESTIGATOR", TRSEQ=np.arange(1.0, len(right) + 1)
    )


@cache
def courses(table: str, criteria: str = "RECIST 1.1", column: str = "OVRLRESP") -> list[list[str]]:
    """The course of each row of a table, whose second cell holds its lesions; all rows are judged in one go."""
    made = [lesions(row[1].replace("; ", "\n")) for row in rows(table)]
    tu, tr = (
        pd.concat([pair[side].assign(USUBJID=f"{n:02}") for n, pair in enumerate(made)], ignore_index=True)
        for side in (0, 1)
    )
    found = timepoint_responses(tu, tr, RecistOptions(criteria=criteria))
    return [found.loc[f"{n:02}" == found.USUBJID, column].tolist() for n in range(len(made))]


def course(words: str, options: RecistOptions | None = None, column: str = "OVRLRESP") -> list[str]:
    return timepoint_responses(*lesions(words), options)[column].tolist()


@pytest.mark.parametrize(
    "name", ["recist11_timepoint_target", "recist11_timepoint_nontarget_only", "mrecist_timepoint"]
)
def test_the_overall_response_follows_every_row_of_the_published_tables(name: str) -> None:
    table = facts(name)
    target = [row.get("target", row.get("target_viable", "NA")) for row in table]
    given = [
        np.array(values, dtype=object)
        for values in (target, [row["nontarget"] for row in table], [row["new_lesion"] for row in table])
    ]
    assert overall_response(*given).tolist() == [row["overall"] for row in table]


def test_the_immune_response_follows_the_published_table() -> None:
    plain = {"iCR": "CR", "iPR": "PR", "iSD": "SD", "iUPD": "PD"}
    for row in facts("irecist_timepoint"):
        for cell in row["target"].split("|"):
            call = plain.get(cell, "PD")
            other = {"iCR": "CR", "iUPD": "PD"}.get(row["nontarget"].split("|")[0], "NON-CR/NON-PD")
            sets = [np.array([v], dtype=object) for v in (call, other, row["new_lesion"])]
            combined = overall_response(*sets)
            first = immune_response(combined, np.array([False]), np.array([False]))[0]
            assert first == row["first"]
            quiet = immune_response(combined, np.array([True]), np.array([False]))[0]
            grown = immune_response(combined, np.array([True]), np.array([True]))[0]
            assert [quiet, grown] == [row["later_quiet"], row["later_grown"]]


# Baseline, (nadir,) current sums of one lesion; the ids are those of the shared vectors.
TARGETS = """
T01 | T01 LIVER: 100 70               | PR
T02 | T01 LIVER: 100 71               | SD
T03 | T01 LIVER: 50 60                | PD
T04 | T01 LIVER: 20 24                | SD
T05 | T01 LIVER: 25 30                | PD
T06 | T01 LIVER: 100 119              | SD
T07 | T01 LIVER: 100 40 48            | PD
T08 | T01 LIVER: 100 65 70            | PR
T09 | T01 LIVER: 100 70 80            | SD
T10 | T01 LIVER: 100 0                | CR
T11 | T01 LYMPH_NODE: 30 9; T02 LYMPH_NODE: 30 9 | CR
T12 | T01 LYMPH_NODE: 30 10; T02 LYMPH_NODE: 30 9 | PR
T13 | T01 LIVER: 100 0 4              | PD
T14 | T01 LIVER: 100 50 -; NT1 BONE: present present present | NE
T15 | T01 LIVER: 25 25 80; T02 LUNG: 25 25 - | PD
T16 | T01 LIVER: 25 25 20; T02 LUNG: 25 25 - | NE
T17 | T01 LIVER: 30.1 21.07           | PR
T18 | T01 LIVER: 10.5 15.5            | PD
"""


@pytest.mark.parametrize("at", range(len(rows(TARGETS))), ids=[row[0] for row in rows(TARGETS)])
def test_target_response_at_the_limits(at: int) -> None:
    name, _, expected = rows(TARGETS)[at]
    assert courses(TARGETS, column="TRGRESP")[at][-1] == expected
    assert {row["id"]: row["expected"] for row in facts("recist11_target_vectors")}[name] == expected


HARD = """
a node of 3 to 9 mm after CR stays CR         | T01 LYMPH_NODE: 20 3 9               | CR CR
a split lesion adds up                        | T01 LIVER: 20 -; T01.1 LIVER: - 8; T01.2 LIVER: - 9 | SD
a letter marks a part too                     | T01 LIVER: 20 -; T01a LIVER: - 6; T01b LIVER: - 8 | PR
merged lesions count once, by the merged one  | T01 LIVER: 20 -; T02 LIVER: 20 -; T01/T02 LIVER: - 33 | SD
a merged lesion may be named under its partner | T01 LIVER: 20 27; T02 LIVER: 20 tumor_merged | PR
too small to measure is 5 mm                  | T01 LIVER: 10 too_small_to_measure | PR
too small is not gone                         | T01 LIVER: 10 5 0                   | PR CR
absent is 0 mm                                | T01 LIVER: 10 absent                | CR
centimetres are exact                         | T01 LIVER: 3.01cm 21.07mm           | PR
reappearance after PR only adds to the sum    | T01 LIVER: 50 20 20; T02 LUNG: 10 0 4 | PR PR
reappearance after CR is PD although small    | T01 LIVER: 50 0 0; T02 LUNG: 10 0 1 | CR PD
PD with a missing lesion                      | T01 LIVER: 30 48; T02 LUNG: 10 -    | PD
an incomplete sum is no nadir                 | T01 LIVER: 30 20 30; T02 LUNG: 30 - 30 | NE SD
all gone but a non-target remains             | T01 LIVER: 30 0; NT1 BONE: present present | PR
all gone, non-target not seen                 | T01 LIVER: 30 0; NT1 BONE: present - | PR
all gone, non-target node under 10 mm         | T01 LIVER: 30 0; NT1 LYMPH_NODE: 12 9 | CR
all gone, non-target node of 10 mm            | T01 LIVER: 30 0; NT1 LYMPH_NODE: 12 10 | PR
non-target only                               | NT1 BONE: present present absent    | NON-CR/NON-PD CR
non-target only, worse                        | NT1 BONE: present unequivocal_progression | PD
one of two non-targets not seen               | NT1 BONE: present present; NT2 SKIN: present - | NE
no disease at baseline, then a new lesion     | NT1 BONE: absent absent absent; N1 LIVER: - - 12 | CR PD
new lesion although the targets shrink        | T01 LIVER: 30 10; N1 BONE: - present | PD
an equivocal new lesion is not yet one        | T01 LIVER: 30 30; N1 BONE: - equivocal | SD
an equivocal one that becomes certain is dated back | T01 A: 30 30 30; N1 B: - equivocal unequivocal | PD PD
"""


@pytest.mark.parametrize("at", range(len(rows(HARD))), ids=[row[0] for row in rows(HARD)])
def test_hard_cases(at: int) -> None:
    assert courses(HARD)[at] == rows(HARD)[at][2].split()


def test_the_reason_says_how_much_over_which_nadir() -> None:
    words = "T01 LIVER: 40 27 33\nT02 LYMPH_NODE: 15 - -"
    assert course("T01 LIVER: 40 27 33", column="REASON") == [
        "-32% from baseline 40 mm",
        "+22% and +6 mm over nadir 27 mm of 2024-02-26",
    ]
    assert course(words, column="REASON")[0] == "target lesion not measured: T02"
    # 29.96% is shown as 29, not as 30, since it is no PR
    assert course("T01 LIVER: 100 70.04", column="REASON") == ["-29% from baseline 100 mm"]
    assert course("T01 LIVER: 30 0 1", column="REASON")[1] == "+1 mm over nadir 0 mm of 2024-02-26"
    new = course("T01 LIVER: 30 30\nN1 BONE: - present", column="REASON")
    assert new == ["new lesion N1"]


def test_sums_and_changes_are_given_in_mm_and_percent() -> None:
    row = timepoint_responses(*lesions("T01 LIVER: 40 20 25\nT02 LYMPH_NODE: 20 10 10")).iloc[1]
    assert (row.SUMDIAM, row.BASE, row.NADIR, row.CHG, row.CHGNAD) == (35.0, 60.0, 30.0, -25.0, 5.0)
    assert pytest.approx(-41.6666667) == row.PCHG
    assert pytest.approx(16.6666667) == row.PCHGNAD
    assert str(row.NADIRDT.date()) == "2024-02-26"
    assert (row.NEXPECT, row.NMEASURE) == (2.0, 2.0)


def test_a_nadir_that_is_reached_twice_is_that_of_the_first_time() -> None:
    """RECIST 1.1 section 4.3.1 refers to the smallest sum on study. The same sum again is none smaller, so the
    reference stays the one that it was, with the day from which it holds."""
    assert course("T01 LIVER: 40 27 27 33", column="REASON")[-1] == "+22% and +6 mm over nadir 27 mm of 2024-02-26"
    rows = timepoint_responses(*lesions("T01 LIVER: 40 40 48\nT02 LIVER: 20 20 24"))
    assert [f"{day:%Y-%m-%d}" for day in rows.NADIRDT] == ["2024-01-01", "2024-01-01"]  # the baseline
    assert course("T01 LIVER: 30 0 0 1", column="REASON")[-1] == "+1 mm over nadir 0 mm of 2024-02-26"


def test_a_partial_response_may_be_kept_until_progression() -> None:
    assert course("T01 LIVER: 100 70 70 80 80") == ["PR", "PR", "SD", "SD"]
    sticky = RecistOptions(sticky_pr=True)
    assert course("T01 LIVER: 100 70 70 80 80", sticky) == ["PR", "PR", "PR", "PR"]
    assert course("T01 LIVER: 100 70 90 90", sticky) == ["PR", "PD", "PD"]


def test_viable_tumour_is_compared_with_its_nadir_and_without_the_5_mm_rule() -> None:
    options = RecistOptions(criteria="mRECIST")
    tu, tr = lesions("T01 LIVER: 20 10 12\nNT1 LIVER: present present present")
    tr["TRTESTCD"] = tr["TRTESTCD"].replace("LDIAM", "VDIAM")
    whole = tr[tr.TRTESTCD == "VDIAM"].assign(TRTESTCD="LDIAM", TRORRES="30", TRSEQ=99.0)
    both = pd.concat([tr, whole])
    assert timepoint_responses(tu, both, options).OVRLRESP.tolist() == ["PR", "PD"]
    assert timepoint_responses(tu, both, options).NTRGRESP.tolist() == ["IR/SD", "IR/SD"]
    assert timepoint_responses(tu, both).OVRLRESP.tolist() == ["SD", "SD"]
    assert timepoint_responses(tu, tr[tr.TRTESTCD != "VDIAM"], options).TRGRESP.tolist() == ["NA", "NA"]


IMMUNE = """
confirmed by 5 mm more             | T01 LIVER: 40 50 55                | iUPD iCPD
4 mm more do not confirm           | T01 LIVER: 40 50 54                | iUPD iUPD
confirmed against the last iUPD    | T01 LIVER: 40 50 54 59             | iUPD iUPD iCPD
shrinkage resets the bar           | T01 LIVER: 40 50 40 50 56          | iUPD iSD iUPD iCPD
not evaluable leaves it | T01 A: 40 50 - 55; NT1 BONE: present present present present | iUPD NE iCPD
a second new lesion confirms       | T01 A: 9 9 9; N1 B: - present present; N2 C: - - present | iUPD iCPD
an unchanged new lesion does not   | T01 LIVER: 40 40 40; N1 BONE: - present present | iUPD iUPD
new target lesions grow by 5 mm    | T01 LIVER: 40 40 40; N1 LUNG: - 10 15 | iUPD iCPD
a new non-target lesion grows      | T01 LIVER: 40 40 40; N1 BONE: - present increased | iUPD iCPD
another category progresses        | T01 LIVER: 40 50 50; NT1 BONE: present present unequivocal | iUPD iCPD
non-target grows further           | NT1 BONE: present unequivocal further_enlargement | iUPD iCPD
non-target stays as it is          | NT1 BONE: present unequivocal unchanged | iUPD NON-iCR/NON-iUPD
growth alone is not unequivocal    | NT1 BONE: present increased            | NON-iCR/NON-iUPD
response after pseudoprogression   | T01 LIVER: 40 50 20                | iUPD iPR
"""


@pytest.mark.parametrize("at", range(len(rows(IMMUNE))), ids=[row[0] for row in rows(IMMUNE)])
def test_immune_confirmation_and_reset(at: int) -> None:
    assert courses(IMMUNE, "iRECIST")[at] == rows(IMMUNE)[at][2].split()


def test_an_immune_confirmation_needs_four_weeks() -> None:
    tu, tr = lesions("T01 LIVER: 40 50 60")
    tr.loc[tr.VISIT == "V2", "TRDTC"] = after(56 + 27)
    assert timepoint_responses(tu, tr, RecistOptions(criteria="iRECIST")).OVRLRESP.tolist() == [
        "iUPD",
        "iUPD",
    ]
    tr.loc[tr.VISIT == "V2", "TRDTC"] = after(56 + 28)
    assert timepoint_responses(tu, tr, RecistOptions(criteria="iRECIST")).OVRLRESP.tolist() == [
        "iUPD",
        "iCPD",
    ]


def test_scans_of_one_visit_on_several_days_date_progression_first_or_last() -> None:
    tu, tr = lesions("T01 LIVER: 30 40\nT02 LUNG: 20 25\nNT1 BONE: present present")
    tr.loc[(tr.VISIT == "V1") & (tr.TRLNKID == "T02"), "TRDTC"] = "2024-02-29"
    tr.loc[(tr.VISIT == "V1") & (tr.TRLNKID == "NT1"), "TRDTC"] = "2024-03-02"
    first = timepoint_responses(tu, tr)
    assert (first.OVRLRESP[0], str(first.ADT[0].date())) == ("PD", "2024-02-26")
    last = timepoint_responses(tu, tr, RecistOptions(pd_date="last"))
    assert str(last.ADT[0].date()) == "2024-02-29"  # the last scan that measured a target lesion
    tr["TRORRES"] = tr["TRORRES"].replace({"40": "30", "25": "20"})
    assert str(timepoint_responses(tu, tr).ADT[0].date()) == "2024-03-02"  # SD: the last scan of the visit


def test_scans_without_visit_and_unscheduled_ones_are_grouped_by_day() -> None:
    tu, tr = lesions("T01 LIVER: 30 30 30\nT02 LUNG: 30 30 30")
    bare = tr.drop(columns=["VISIT", "VISITNUM"])
    bare.loc[(tr.VISIT == "V1") & (tr.TRLNKID == "T02"), "TRDTC"] = "2024-03-04"  # 7 days later
    found = timepoint_responses(tu.drop(columns=["VISIT", "VISITNUM"]), bare)
    assert found.OVRLRESP.tolist() == ["SD", "SD"]
    assert timepoint_responses(tu, bare, RecistOptions(visit_window_days=6)).OVRLRESP.tolist() == [
        "NE",
        "NE",
        "SD",
    ]
    extra = tr[tr.VISIT == "V1"].assign(VISIT="UNSCHEDULED", VISITNUM=99.0, TRDTC="2024-03-25", TRORRES="40")
    with_extra = timepoint_responses(tu, pd.concat([tr, extra]))
    assert with_extra[["VISIT", "OVRLRESP"]].values.tolist() == [
        ["V1", "SD"],
        ["UNSCHEDULED", "PD"],
        ["V2", "SD"],
    ]


def test_the_baseline_is_the_last_scan_before_treatment() -> None:
    tu, tr = lesions("T01 LIVER: 20 40 28")
    adsl = pd.DataFrame({"USUBJID": ["01"], "TRTSDT": [pd.Timestamp("2024-03-01")]})
    found = timepoint_responses(tu, tr, adsl=adsl)
    assert found[["BASE", "OVRLRESP"]].values.tolist() == [[40.0, "PR"]]
    assert check_lesions(tu, tr, adsl=adsl).RULE.tolist() == ["two baselines"]
    named = tr.assign(VISIT=tr.VISIT.replace({"V0": "Screening", "V1": "Baseline"}))
    assert timepoint_responses(tu, named).BASE.tolist() == [40.0]
    flagged = tr.assign(TRLOBXFL=np.where(tr.VISIT == "V1", "Y", ""))
    assert timepoint_responses(tu, flagged).BASE.tolist() == [40.0]


def test_evaluators_are_assessed_apart() -> None:
    tu, tr = lesions("T01 LIVER: 30 30")
    reader = {"EVAL": "INDEPENDENT ASSESSOR", "EVALID": "RADIOLOGIST 1"}
    tu2 = tu.assign(**{f"TU{k}": v for k, v in reader.items()})
    tr2 = tr.assign(**{f"TR{k}": v for k, v in reader.items()}, TRORRES=["30", "40"])
    found = timepoint_responses(pd.concat([tu, tu2]), pd.concat([tr, tr2]))
    assert found[["EVAL", "EVALID", "OVRLRESP"]].values.tolist() == [
        ["INDEPENDENT ASSESSOR", "RADIOLOGIST 1", "PD"],
        ["INVESTIGATOR", "", "SD"],
    ]


def test_a_collected_sum_stands_for_lesions_that_were_not_collected() -> None:
    tu, tr = lesions("T01 LIVER: 30 21")
    sums = tr.assign(TRTESTCD="SUMDIAM", TRLNKID="", TRGRPID="TARGET")
    assert timepoint_responses(tu, sums).OVRLRESP.tolist() == ["PR"]
    wrong = pd.concat([tr, sums.assign(TRORRES=["30", "25"])])
    assert timepoint_responses(tu, wrong).SUMDIAM.tolist() == [21.0]
    message = "The collected sum is 25 mm; the lesions add up to 21 mm."
    assert check_lesions(tu, wrong).MESSAGE.tolist() == [message]


BAD = """
lesion without baseline  | T01 | T01 LIVER: - 20; T02 LUNG: 20 20          | 1 SD
unknown unit             | T01 | T01 LIVER: 20 1in; T02 LUNG: 20 20        | 1 NE
unknown result           | T01 | T01 LIVER: 20 vague; T02 LUNG: 20 20      | 1 NE
target lesion too small  | T01 | T01 LIVER: 9 9                            | 1 SD
target lesion too small  | T01 | T01 LYMPH_NODE: 14 14                     | 1 SD
too many target lesions  | T1, T2, T3 | T1 LIVER: 10 9; T2 LIVER: 10 9; T3 LIVER: 10 9 | 1 SD
lesion without baseline  | NT2 | T01 LIVER: 20 20; NT2 BONE: - present     | 1 SD
"""


@pytest.mark.parametrize("line", BAD.strip().splitlines(), ids=lambda line: line[:40])
def test_bad_input_is_a_finding_that_names_subject_and_lesion_and_the_rest_goes_on(line: str) -> None:
    ((rule, record, words, expected),) = rows(line)
    tu, tr = lesions(words.replace("; ", "\n"))
    found = check_lesions(tu, tr)
    assert found[["USUBJID", "RECORD", "RULE"]].values.tolist() == [["01", record, rule]]
    assert all(record.split(",")[0] in message for message in found.MESSAGE)
    number, last = expected.split()
    calls = timepoint_responses(tu, tr).OVRLRESP.tolist()
    assert (len(calls), calls[-1]) == (int(number), last)


def test_more_than_five_target_lesions_are_a_finding() -> None:
    six = "\n".join(f"T{n} {place}: 10 9" for n, place in enumerate("ABCDEF", start=1))
    found = check_lesions(*lesions(six))
    assert found[["RECORD", "RULE"]].values.tolist() == [["T1, T2, T3, T4, T5, T6", "too many target lesions"]]


def test_visits_without_date_and_double_measurements_are_findings() -> None:
    tu, tr = lesions("T01 LIVER: 30 30 21")
    tr.loc[tr.VISIT == "V1", "TRDTC"] = ""
    assert check_lesions(tu, tr)[["RECORD", "RULE"]].values.tolist() == [["T01", "visit without date"]]
    assert timepoint_responses(tu, tr).OVRLRESP.tolist() == ["PR"]
    tu, tr = lesions("T01 LIVER: 30 30")
    twice = pd.concat([tr, tr[tr.VISIT == "V1"].assign(TRORRES="21", TRSEQ=9.0)])
    assert check_lesions(tu, twice).RULE.tolist() == ["two measurements"]
    assert timepoint_responses(tu, twice).OVRLRESP.tolist() == ["PR"]  # the last one counts
    stranger = pd.concat([tr, tr.assign(TRLNKID="X9")])
    assert check_lesions(tu, stranger).RULE.tolist() == ["lesion not identified"]


def test_a_month_without_day_is_dated_by_its_end_and_nothing_at_all_gives_an_empty_frame() -> None:
    tu, tr = lesions("T01 LIVER: 30 30")
    tr.loc[tr.VISIT == "V1", "TRDTC"] = "2024-02"
    assert str(timepoint_responses(tu, tr).ADT[0].date()) == "2024-02-29"
    first = RecistOptions(date_imputation="first")
    assert str(timepoint_responses(tu, tr, first).ADT[0].date()) == "2024-02-01"
    assert timepoint_responses(tu, tr.iloc[:0]).empty
    assert timepoint_responses(tu.iloc[:0], tr.iloc[:0]).columns.tolist()[-1] == "REASON"
    assert timepoint_responses(pd.DataFrame(), pd.DataFrame()).empty
    assert check_lesions(pd.DataFrame(), pd.DataFrame()).empty


def test_a_not_done_record_measures_nothing() -> None:
    tu, tr = lesions("T01 LIVER: 30 30\nT02 LUNG: 20 20")
    tr["TRSTAT"] = np.where((tr.VISIT == "V1") & (tr.TRLNKID == "T02"), "NOT DONE", "")
    tr.loc[tr.TRSTAT == "NOT DONE", "TRORRES"] = ""
    assert timepoint_responses(tu, tr).OVRLRESP.tolist() == ["NE"]
    assert check_lesions(tu, tr).empty


def test_derived_records_stand_beside_the_collected_ones_and_conflicts_are_listed_with_the_reason() -> None:
    points = timepoint_responses(*lesions("T01 LIVER: 40 27 33"))
    rs = pd.DataFrame(
        {
            "USUBJID": "01",
            "RSSEQ": [1.0, 2.0],
            "RSTESTCD": "OVRLRESP",
            "RSSTRESC": ["PR", "SD"],
            "RSEVAL": "INVESTIGATOR",
            "VISITNUM": [2.0, 3.0],
            "VISIT": ["V1", "V2"],
            "RSDTC": ["2024-02-26", "2024-04-22"],
        }
    )
    derived = derived_rs(points, rs)
    assert derived.RSSEQ.tolist() == [3.0, 4.0, 5.0, 6.0, 7.0, 8.0]
    assert set(derived.RSEVAL) == {"ALGORITHM"}
    assert set(derived.RSEVALID) == {"INVESTIGATOR"}
    assert set(derived.RSMETHOD) == {"DERIVED FROM TU AND TR BY RECIST 1.1"}
    assert derived[derived.RSTESTCD == "OVRLRESP"].RSSTRESC.tolist() == ["PR", "PD"]
    for frame in (rs, rs.drop(columns="VISITNUM"), rs.drop(columns=["VISITNUM", "VISIT"])):
        conflicts = response_conflicts(frame, points)
        assert conflicts[["RSSEQ", "COLLECTED", "DERIVED"]].values.tolist() == [[2.0, "SD", "PD"]]
    assert conflict_findings(conflicts).MESSAGE.tolist() == [
        "OVRLRESP of 2024-04-22 by INVESTIGATOR is SD; the lesions give PD "
        "(+22% and +6 mm over nadir 27 mm of 2024-02-26)."
    ]
    assert response_conflicts(pd.concat([rs.iloc[:1], derived]), points).empty
    assert derived_rs(points.iloc[:0]).empty
    assert response_conflicts(rs, points.iloc[:0]).empty


def test_wrong_options_are_refused() -> None:
    for wrong in ({"criteria": "WHO"}, {"pd_date": "middle"}, {"visit_window_days": -1}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            replace(RecistOptions(), **wrong)  # type: ignore[arg-type]
