"""iRECIST as a sensitivity analysis: the same lesions, judged again beside the collected RECIST 1.1 responses.

Seymour 2017: a first progression is iUPD; it is iCPD where the next scan, at least 4 weeks later, shows 5 mm more of
the target sum; iSD, iPR or iCR between resets it. The date of progression is the first iUPD of the block that ends in
iCPD, or that nothing better follows.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from fhir2cdisc.adam.build import Adam, adam_datasets, build_adam
from fhir2cdisc.adam.lineage import adam_lineage
from fhir2cdisc.adam.plan import Plan
from fhir2cdisc.adam.tumour.derived_rs import derived_rs
from fhir2cdisc.adam.tumour.options import RecistOptions
from fhir2cdisc.adam.tumour.recist import timepoint_responses
from fhir2cdisc.mappings.study import Study
from support.adam import results_of

SCANS = ("2024-02-25", "2024-04-26", "2024-06-21", "2024-08-16", "2024-10-11")  # baseline, then every 8 weeks
FIRST, SECOND, THIRD, FOURTH = SCANS[1:]

# Target sum at baseline and at each scan (mm) | overall response as collected by RECIST 1.1.
# From a nadir of 40 mm, 48 mm is progression (+20%, +8 mm); from 28 mm on down, of 40, is PR.
COURSES: dict[str, tuple[tuple[float, ...], str]] = {
    "not-confirmed": ((40, 50, 42, 42), "PD SD SD"),
    "confirmed": ((40, 42, 50, 56), "SD PD PD"),
    "reset": ((40, 50, 42, 52, 58), "PD SD PD PD"),
    "responded-later": ((40, 50, 28, 28), "PD PR PR"),
    "never-followed": ((40, 50), "PD"),
    "too-little-growth": ((40, 50, 54), "PD PD"),
    "no-lesions": ((), "SD SD"),
}
# Subject | PFS: date, CNSR | IPFS: date, CNSR | BOR, IBOR | CRSP, ICRSP
EXPECTED = {
    # iUPD iSD iSD: no progression; censored at the last scan (1: ongoing)
    "not-confirmed": ((FIRST, 0), (THIRD, 1), ("PD", "iSD"), ("N", "N")),
    # iSD iUPD iCPD: confirmed at the third scan, dated by the second
    "confirmed": ((SECOND, 0), (SECOND, 0), ("SD", "iSD"), ("N", "N")),
    # iUPD iSD iUPD iCPD: the first iUPD was reset, the block begins with the third scan
    "reset": ((FIRST, 0), (THIRD, 0), ("PD", "iSD"), ("N", "N")),
    # iUPD iPR iPR: a response after pseudoprogression, confirmed eight weeks later
    "responded-later": ((FIRST, 0), (THIRD, 1), ("PD", "iPR"), ("N", "Y")),
    # iUPD and no further scan: counts as progression unless the study says otherwise
    "never-followed": ((FIRST, 0), (FIRST, 0), ("PD", "iUPD"), ("N", "N")),
    # iUPD iUPD: 4 mm more do not confirm, nothing better follows; dated by the first
    "too-little-growth": ((FIRST, 0), (FIRST, 0), ("PD", "iUPD"), ("N", "N")),
    # collected responses are no iRECIST; without a baseline assessment both are censored at the start (2)
    "no-lesions": (("2024-03-01", 2), ("2024-03-01", 2), ("SD", "MISSING"), ("N", "N")),
}


def study(**response: Any) -> Study:
    said = {"sensitivity": ["iRECIST"], **response}
    endpoints = [
        {"id": "orr", "title": "ORR", "role": "primary", "kind": "proportion", "paramcd": "CRSP"},
        {"id": "pfs", "title": "PFS", "role": "primary", "kind": "time-to-event", "paramcd": "PFS"},
        {"id": "bor", "title": "BOR", "role": "secondary", "kind": "distribution", "paramcd": "CBOR"},
        {
            "id": "sd4",
            "title": "SD",
            "role": "other",
            "kind": "proportion",
            "paramcd": "SD4M",
            "responses": ["SD"],
            "threshold_months": 4,
        },
        {"id": "os", "title": "OS", "role": "secondary", "kind": "time-to-event", "paramcd": "OS"},
    ]
    return Study.model_validate({"id": "s", "studyid": "S", "title": "S", "response": said, "endpoints": endpoints})


def frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    return pd.DataFrame([{"STUDYID": "S", **row} for row in rows])


def sdtm(evaluator: str = "INVESTIGATOR") -> dict[str, pd.DataFrame]:
    """DM, EX, TU, TR and the collected RS of all courses; --SEQ counts within the subject."""
    dm, ex, tu, tr, rs = [], [], [], [], []
    for subject, (sizes, calls) in COURSES.items():
        who = {"USUBJID": subject}
        dm.append({**who, "RFSTDTC": "2024-03-01", "RFXSTDTC": "2024-03-01", "RFICDTC": "2024-02-20", "ARM": "A"})
        ex.append({**who, "EXSEQ": 1.0, "EXTRT": "X", "EXSTDTC": "2024-03-01", "EXENDTC": "2024-06-01"})
        if sizes:
            tu.append(
                {
                    **who,
                    "TUSEQ": 1.0,
                    "TULNKID": "T01",
                    "TUTESTCD": "TUMIDENT",
                    "TUSTRESC": "TARGET",
                    "TUEVAL": evaluator,
                    "VISITNUM": 0.0,
                    "VISIT": "SCREENING",
                    "TUDTC": SCANS[0],
                }
            )
        for n, size in enumerate(sizes):
            tr.append(
                {
                    **who,
                    "TRSEQ": n + 1.0,
                    "TRLNKID": "T01",
                    "TRTESTCD": "LDIAM",
                    "TRSTRESC": f"{size:g}",
                    "TRSTRESN": float(size),
                    "TRSTRESU": "mm",
                    "TREVAL": evaluator,
                    "VISITNUM": float(n),
                    "VISIT": f"SCAN {n}" if n else "SCREENING",
                    "TRDTC": SCANS[n],
                }
            )
        for n, call in enumerate(calls.split(), 1):
            rs.append(
                {
                    **who,
                    "RSSEQ": float(n),
                    "RSTESTCD": "OVRLRESP",
                    "RSCAT": "RECIST 1.1",
                    "RSSTRESC": call,
                    "RSEVAL": evaluator,
                    "VISITNUM": float(n),
                    "VISIT": f"SCAN {n}",
                    "RSDTC": SCANS[n],
                }
            )
    return {"DM": frame(dm), "EX": frame(ex), "TU": frame(tu), "TR": frame(tr), "RS": frame(rs)}


def cell(made: Adam, dataset: str, code: str, subject: str, *names: str) -> tuple[Any, ...]:
    rows = made.frames[dataset]
    row = rows[(rows["PARAMCD"] == code) & (rows["USUBJID"] == subject)]
    assert len(row) == 1, (dataset, code, subject)
    return tuple(f"{v:%Y-%m-%d}" if isinstance(v, pd.Timestamp) else v for v in row.iloc[0][list(names)])


@pytest.fixture(scope="module")
def made() -> Adam:
    return build_adam(sdtm(), study())


@pytest.mark.parametrize("subject", EXPECTED)
def test_the_rule_by_hand(made: Adam, subject: str) -> None:
    pfs, ipfs, best, response = EXPECTED[subject]
    assert cell(made, "ADTTE", "PFS", subject, "ADT", "CNSR") == pfs
    assert cell(made, "ADTTE", "IPFS", subject, "ADT", "CNSR") == ipfs
    assert tuple(cell(made, "ADRS", code, subject, "AVALC")[0] for code in ("BOR", "IBOR")) == best
    assert tuple(cell(made, "ADRS", code, subject, "AVALC")[0] for code in ("CRSP", "ICRSP")) == response


def test_unconfirmed_progression_may_be_no_progression() -> None:
    strict = build_adam(sdtm(), study(unconfirmed_iupd=False))
    assert cell(strict, "ADTTE", "IPFS", "never-followed", "ADT", "CNSR") == (FIRST, 1)
    assert cell(strict, "ADTTE", "IPFS", "too-little-growth", "ADT", "CNSR") == (SECOND, 1)
    assert cell(strict, "ADTTE", "IPFS", "confirmed", "ADT", "CNSR") == (SECOND, 0)


def test_confirmed_and_unconfirmed_progression_are_parameters_of_their_own(made: Adam) -> None:
    said = {code: cell(made, "ADRS", code, "reset", "AVALC", "ADT") for code in ("IUPD", "IPD", "ICPD")}
    assert said == {"IUPD": ("Y", FIRST), "IPD": ("Y", THIRD), "ICPD": ("Y", FOURTH)}
    assert cell(made, "ADRS", "ICPD", "not-confirmed", "AVALC") == ("N",)


def test_the_parameters_cannot_be_taken_for_the_main_ones(made: Adam) -> None:
    for name in ("ADRS", "ADTTE"):
        rows = made.frames[name]
        pairs = rows[["PARAMCD", "PARAM", "PARCAT2", "PARCAT3"]].drop_duplicates()
        assert pairs["PARAMCD"].is_unique and pairs["PARAM"].is_unique, name
        immune = pairs["PARCAT3"] == "iRECIST"
        assert immune.any() and pairs.loc[immune, "PARAMCD"].str.match(r"I[A-Z0-9]{1,7}$").all()
        assert pairs.loc[immune, "PARAM"].str.endswith("per iRECIST").all()
        assert not pairs.loc[~immune, "PARAM"].str.contains("iRECIST").any()
        assert set(pairs.loc[immune, "PARCAT2"]) == {"Algorithm from Lesions of Investigator"}
    assert set(made.frames["ADTTE"]["PARCAT3"]) == {"RECIST 1.1", "iRECIST", ""}  # blank: survival, discontinuation


def test_the_main_analysis_is_the_one_without_a_sensitivity_analysis(made: Adam) -> None:
    alone = build_adam(sdtm(), study(sensitivity=[])).frames
    for name, numbers in (("ADRS", ["ASEQ"]), ("ADTTE", ["ASEQ", "SRCSEQ"])):
        main = made.frames[name][made.frames[name]["PARCAT3"] != "iRECIST"]
        composite = (main["SRCDOM"] == "ADRS") | (main["SRCDOM"] == "ADTTE")  # they name ASEQ, which moved
        assert set(alone[name]["PARAMCD"]) == set(main["PARAMCD"])
        keep = [c for c in main if c not in numbers]
        main = main.assign(SRCSEQ=main["SRCSEQ"].mask(composite))
        other = alone[name].assign(SRCSEQ=alone[name]["SRCSEQ"].mask(composite.to_numpy()))
        pd.testing.assert_frame_equal(main[keep].reset_index(drop=True), other[keep])


def test_no_collected_response_is_called_immune(made: Adam) -> None:
    """The subject without lesions has two collected responses and none by iRECIST; nobody else has one too many."""
    rows = made.frames["ADRS"]
    counts = rows[rows["PARAMCD"] == "IOVR"].groupby("USUBJID").size().to_dict()
    assert counts == {subject: len(sizes) - 1 for subject, (sizes, _) in COURSES.items() if sizes}


def test_sources_are_the_lesions_where_rs_holds_no_derived_response(made: Adam) -> None:
    """The second scan is the third TR record of each subject (baseline is the first)."""
    source = cell(made, "ADRS", "IPD", "confirmed", "SRCDOM", "SRCVAR", "SRCSEQ")
    assert source == ("TR", "TRSTRESC", 3.0)
    assert cell(made, "ADRS", "PD", "confirmed", "SRCDOM", "SRCSEQ") == ("RS", 2.0)
    assert cell(made, "ADRS", "ICPD", "not-confirmed", "SRCDOM", "SRCVAR") == ("", "")
    number = cell(made, "ADRS", "IPD", "confirmed", "ASEQ")[0]
    assert cell(made, "ADTTE", "IPFS", "confirmed", "SRCDOM", "SRCVAR", "SRCSEQ") == ("ADRS", "ADT", number)
    lineage = adam_lineage(made.frames)
    immune = lineage[lineage["PARAMCD"].isin(["IPD", "IPFS"]) & (lineage["USUBJID"] == "confirmed")]
    assert immune[["DATASET", "SRCDOM", "SRCSEQ"]].values.tolist() == [["ADRS", "TR", 3.0], ["ADTTE", "ADRS", number]]


def test_an_assessment_of_nothing_but_a_new_lesion_comes_from_tu() -> None:
    frames = sdtm()
    new = {"STUDYID": "S", "USUBJID": "never-followed", "TUSEQ": 2.0, "TULNKID": "N01", "TUTESTCD": "TUMIDENT"}
    new |= {"TUSTRESC": "NEW", "TUEVAL": "INVESTIGATOR", "VISITNUM": 2.0, "VISIT": "SCAN 2", "TUDTC": SECOND}
    frames["TU"] = pd.concat([frames["TU"], pd.DataFrame([new])], ignore_index=True)
    made = build_adam(frames, study())
    rows = made.frames["ADRS"]
    rows = rows[(rows["PARAMCD"] == "IOVR") & (rows["USUBJID"] == "never-followed")]
    # A different kind of progression eight weeks after the first confirms it (Seymour 2017, table 2).
    assert rows[["AVALC", "SRCDOM", "SRCVAR", "SRCSEQ"]].values.tolist() == [
        ["iUPD", "TR", "TRSTRESC", 2.0],
        ["iCPD", "TU", "TUSTRESC", 2.0],
    ]


def test_derived_responses_that_rs_holds_are_taken_as_they_are(made: Adam) -> None:
    frames = sdtm()
    points = timepoint_responses(frames["TU"], frames["TR"], RecistOptions(criteria="iRECIST"))
    derived = derived_rs(points, frames["RS"], "iRECIST").drop(columns=["SRCDOM", "SRCSEQ"])
    both = build_adam({**frames, "RS": pd.concat([frames["RS"], derived])}, study())
    for code in ("IPFS", "ITTP"):
        for subject in COURSES:
            assert cell(both, "ADTTE", code, subject, "ADT", "CNSR") == cell(
                made, "ADTTE", code, subject, "ADT", "CNSR"
            )
    record = derived[(derived.USUBJID == "confirmed") & (derived.RSSTRESC == "iUPD") & (derived.RSTESTCD == "OVRLRESP")]
    assert cell(both, "ADRS", "IPD", "confirmed", "SRCDOM", "SRCSEQ") == ("RS", record.RSSEQ.item())


def test_a_time_that_must_be_exceeded_is_the_one_by_the_same_criteria(made: Adam) -> None:
    """Four months are 121.75 days. Not-confirmed: iSD, and 169 days to the third scan; by RECIST 1.1 it has PD."""
    said = {code: cell(made, "ADRS", code, "not-confirmed", "AVALC", "SRCDOM") for code in ("SD4M", "ISD4M")}
    assert said == {"SD4M": ("N", "ADRS"), "ISD4M": ("Y", "ADTTE")}
    name = cell(made, "ADRS", "ISD4M", "not-confirmed", "PARAM", "PARCAT3")
    assert name == ("SD by Algorithm from Lesions of Investigator per iRECIST", "iRECIST")
    for subject in ("confirmed", "responded-later", "no-lesions"):  # 113 days; iPR; nothing known
        assert cell(made, "ADRS", "ISD4M", subject, "AVALC") == ("N",)


def test_results_stand_beside_the_main_ones_and_say_what_they_are(made: Adam) -> None:
    table = results_of(study(), made.frames).table
    main = table[(table["GROUP"] == "All") & table["STATISTIC"].isin(["n", "events"])]
    found = {(r["RESULTID"], r["CATEGORY"]): r["VALUE"] for r in main.to_dict("records")}
    # Of seven treated subjects one responded, and only by iRECIST; six progressed by RECIST 1.1, four by iRECIST.
    assert (found[("orr", "")], found[("orr.irecist", "")]) == (0, 1)
    assert (found[("pfs", "")], found[("pfs.irecist", "")]) == (6, 4)
    assert (found[("bor", "PD")], found[("bor.irecist", "iUPD")], found[("bor.irecist", "iPR")]) == (5, 2, 1)
    assert found[("bor.irecist", "MISSING")] == 1
    label = table.loc[table["RESULTID"] == "pfs.irecist", "ENDPOINT"].iloc[0]
    assert label == "PFS, sensitivity analysis by iRECIST"
    assert not table["RESULTID"].str.startswith("os.").any()  # survival asks for no response


def test_metadata_describe_the_parameters_and_the_terms(made: Adam) -> None:
    described = made.datasets
    words = described["ADRS"]["AVALC"].method
    assert "IPD: Y at the first iUPD or iCPD after the last iCR, iPR, iSD or NON-iCR/NON-iUPD" in words
    assert "IPDANY: As IPD, where responses after new anticancer therapy" in words
    assert "ICDCR: Y where ICBOR is iCR, iPR, iSD or NON-iCR/NON-iUPD, else N." in words
    assert "ISD4M: Y where ICBOR is iSD and ADTTE.AVAL of IPFS is more than 4 x 30.4375 days, else N." in words
    assert "iRECIST by algorithm from lesions of investigator" in words
    assert "an iUPD that nothing better and no iCPD follows is progression" in words
    assert "IPFS: Starts: Treatment Start" in described["ADTTE"]["CNSR"].method
    assert "ADRS.ADT where PARAMCD = IPD and AVALC = Y" in described["ADTTE"]["CNSR"].method.replace("'", "")
    assert "I" not in {
        code[0] for code in _codes(adam_datasets(made.frames, Plan.of(study(sensitivity=[]), made.frames))["ADRS"])
    }


def _codes(dataset: Any) -> list[str]:
    return [word.rstrip(":") for word in dataset["AVALC"].method.split() if word.endswith(":") and word.isupper()]


@pytest.mark.parametrize("reader", ["RADIOLOGIST 1", "RADIOLOGIST 2", ""])
def test_of_two_readers_the_lesions_of_one_are_judged(reader: str) -> None:
    """Reader 2 saw 40 mm at every scan, reader 1 the courses above; without a name reader 1 counts."""
    frames = sdtm("INDEPENDENT ASSESSOR")
    for domain in ("TU", "TR", "RS"):
        first = frames[domain].assign(**{f"{domain}EVALID": "RADIOLOGIST 1"})
        second = first.assign(**{f"{domain}EVALID": "RADIOLOGIST 2", f"{domain}SEQ": first[f"{domain}SEQ"] + 10})
        frames[domain] = pd.concat([first, second], ignore_index=True)
    own = frames["TR"]["TREVALID"] == "RADIOLOGIST 2"
    frames["TR"].loc[own, ["TRSTRESC", "TRSTRESN"]] = ["40", 40.0]
    made = build_adam(frames, study(evaluator="INDEPENDENT ASSESSOR", evaluator_id=reader))
    expected = (SECOND, 0.0) if reader != "RADIOLOGIST 2" else (THIRD, 1.0)
    assert cell(made, "ADTTE", "IPFS", "confirmed", "ADT", "CNSR") == expected
    rules = set(made.findings.get("RULE", ()))
    assert ("several readers" in rules) == (reader == "")


def test_without_lesions_of_the_evaluator_nothing_is_made_and_a_finding_says_so() -> None:
    frames = sdtm()
    for given in ({**frames, "TR": frames["TR"].iloc[:0]}, {k: frames[k] for k in ("DM", "EX", "RS")}):
        made = build_adam(given, study())
        assert not made.frames["ADTTE"]["PARAMCD"].str.startswith("I").any()
        rows = made.findings[made.findings["RULE"] == "no lesions for a sensitivity analysis"]
        assert rows[["SEVERITY", "VALUE"]].values.tolist() == [["WARNING", "iRECIST"]]
        table = results_of(study(), made.frames).table
        reason = table.loc[table["RESULTID"] == "orr.irecist", "REASON"].tolist()
        assert reason == ["ADRS has no parameter ICRSP"]
        assert list(made.datasets) == sorted(made.frames)


def test_recist_beside_a_main_analysis_by_other_criteria() -> None:
    """Main by iRECIST as collected (iUPD, iCPD); the lesions by RECIST 1.1 give parameters without a letter."""
    frames = sdtm()
    terms = {"PD": "iUPD", "SD": "iSD", "PR": "iPR"}
    frames["RS"] = frames["RS"].assign(RSCAT="iRECIST", RSSTRESC=frames["RS"]["RSSTRESC"].map(terms))
    frames["RS"].loc[(frames["RS"]["USUBJID"] == "confirmed") & (frames["RS"]["RSSEQ"] == 3), "RSSTRESC"] = "iCPD"
    made = build_adam(frames, study(criteria="iRECIST", sensitivity=["RECIST 1.1"]))
    assert cell(made, "ADTTE", "IPFS", "reset", "ADT", "CNSR", "PARCAT2") == (THIRD, 0, "Investigator")
    assert cell(made, "ADTTE", "PFS", "reset", "ADT", "CNSR", "PARCAT2") == (
        FIRST,
        0,
        "Algorithm from Lesions of Investigator",
    )
    table = results_of(study(criteria="iRECIST", sensitivity=["RECIST 1.1"]), made.frames).table
    codes = table.drop_duplicates("RESULTID").set_index("RESULTID")["PARAMCD"]
    assert (codes["pfs"], codes["pfs.recist"], codes["orr"], codes["orr.recist"]) == ("IPFS", "PFS", "ICRSP", "CRSP")
    assert (codes["sd4"], codes["sd4.recist"], codes["os"]) == ("ISD4M", "SD4M", "OS")


def test_progression_whenever_seen_counts_after_new_therapy_too() -> None:
    """New therapy between the first scan and the iUPD: not an event in IPFS, one in IPFSEMA, dated by the iUPD."""
    frames = sdtm()
    therapy = {"STUDYID": "S", "USUBJID": "confirmed", "CMSEQ": 1.0, "CMTRT": "Y", "CMCAT": "SUBSEQUENT THERAPY"}
    frames["CM"] = pd.DataFrame([{**therapy, "CMSTDTC": "2024-05-20"}])
    made = build_adam(frames, study())
    assert cell(made, "ADTTE", "IPFS", "confirmed", "ADT", "CNSR") == (FIRST, 5)
    assert cell(made, "ADTTE", "IPFSEMA", "confirmed", "ADT", "CNSR") == (SECOND, 0)
    assert cell(made, "ADRS", "IPDANY", "confirmed", "AVALC", "ADT") == ("Y", SECOND)
    assert np.isnan(cell(made, "ADRS", "IPD", "confirmed", "SRCSEQ")[0])
