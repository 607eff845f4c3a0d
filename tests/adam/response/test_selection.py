"""Which responses count: spellings, versions, readers and acceptance, collected or derived, and what is said of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd
import pytest
from fhir2cdisc.adam.build import Adam, build_adam
from fhir2cdisc.adam.criteria import category, evaluator_names, reader_names
from fhir2cdisc.adam.frames.findings import EVIDENCE_COLUMNS
from fhir2cdisc.adam.response.adrs import derive_adrs
from fhir2cdisc.adam.response.evidence import response_evidence
from fhir2cdisc.adam.response.options import ResponseOptions
from fhir2cdisc.adam.response.selection import select_responses
from fhir2cdisc.adam.response.source import several_readers, source_findings
from fhir2cdisc.adam.results.summary import study_results
from fhir2cdisc.mappings.study import Study, load_study
from support.adam import results_of
from support.others import others
from support.tables import table

OPTIONS = ResponseOptions()
INDEPENDENT = ResponseOptions(evaluator="INDEPENDENT ASSESSOR")
ADSL = table("""
    STUDYID | USUBJID | TRTSDT     | SAFFL
    S       | 01      | 2024-01-01 | Y
    S       | 02      | 2024-01-01 | Y
    S       | 03      | 2024-01-01 | Y
""")
NO_LESIONS = pd.DataFrame({"USUBJID": []})


def responses(text: str) -> pd.DataFrame:
    made = table(text, {"USUBJID": "text", "RSDTC": "text"})
    base = {"STUDYID": "S", "RSTESTCD": "OVRLRESP", "RSCAT": "RECIST 1.1", "RSEVAL": "INVESTIGATOR", "RSEVALID": ""}
    rest = {name: value for name, value in base.items() if name not in made}
    return made.assign(**rest, RSSEQ=[float(n) for n in range(1, len(made) + 1)])


def counted(rs: pd.DataFrame, options: ResponseOptions) -> list[float]:
    return sorted(rs["RSSEQ"].iloc[select_responses(rs, options, ADSL).rows])


@pytest.mark.parametrize(
    ("spelled", "criteria", "version", "refused"),
    [
        ("", "RECIST 1.1", "", ""),
        ("RECIST1.1", "RECIST 1.1", "", ""),
        ("RECIST", "RECIST 1.1", "", ""),
        ("recist 1.1", "RECIST 1.1", "", ""),
        ("RECIST V1.1", "RECIST 1.1", "", ""),
        ("Recist-v.1.1", "RECIST 1.1", "", ""),
        ("RECIST (1.1)", "RECIST 1.1", "", ""),
        ("TUMOR RESPONSE", "RECIST 1.1", "", ""),
        ("RECIST 1.0", "RECIST 1.1", "RECIST 1.0", ""),
        ("IRECIST", "iRECIST", "", ""),
        ("mRECIST", "mRECIST", "", ""),
        ("MRECIST LENCIONI LIVER CANCER 2010", "mRECIST", "", ""),
        ("IMWG", "", "", "IMWG"),
        ("LUGANO 2014", "", "", "Lugano"),
        ("Lugano classification", "", "", "Lugano"),
        ("PCWG3", "", "", "PCWG"),
        ("GCIG CA-125", "", "", "GCIG CA-125"),
        ("CA 125", "", "", "GCIG CA-125"),
        ("RANO", "", "", "RANO"),
        ("CHESON 2007", "", "", "Cheson"),
        ("irRC", "", "", "irRC"),
        ("irRECIST", "", "", "irRECIST"),
        ("SPONSOR SCALE", "", "", ""),
    ],
)
def test_what_a_category_means(spelled: str, criteria: str, version: str, refused: str) -> None:
    found = category(spelled)
    assert (found.criteria, found.version, found.refused) == (criteria, version, refused)


def test_evaluators_and_readers_by_what_their_spellings_mean() -> None:
    spelled = ["Investigator", "INV", "inv.", "Site Investigator", "BICR", "Independent-Assessor", "Oncologist", ""]
    meant = ["INVESTIGATOR"] * 4 + ["INDEPENDENT ASSESSOR"] * 2 + ["ONCOLOGIST", ""]
    assert evaluator_names(pd.Series(spelled).to_numpy(dtype=object)).tolist() == meant
    readers = pd.Series(["Radiologist 1", "RADIOLOGIST1", "radiologist-1", "R1", "r 1"]).to_numpy(dtype=object)
    assert reader_names(readers).tolist() == ["RADIOLOGIST 1"] * 3 + ["R1"] * 2


def test_acceptance_is_of_a_subject_and_an_assessment() -> None:
    """01 was adjudicated at week 8 only; of what nobody accepted the first reader's counts."""
    rs = responses("""
        USUBJID | RSDTC      | VISITNUM | RSSTRESC | RSEVALID      | RSACPTFL | why
        01      | 2024-02-26 | 1        | PR       | RADIOLOGIST 1 |          | another is accepted
        01      | 2024-02-26 | 1        | SD       | RADIOLOGIST 2 |          | another is accepted
        01      | 2024-02-26 | 1        | SD       | ADJUDICATOR 1 | Y        | counts
        01      | 2024-04-22 | 2        | PD       | RADIOLOGIST 1 |          | counts: the adjudicator did not read
        01      | 2024-04-22 | 2        | PD       | RADIOLOGIST 2 |          |
        02      | 2024-02-26 | 1        | PR       | RADIOLOGIST 1 |          | counts
        02      | 2024-02-26 | 1        | PR       | RADIOLOGIST 2 |          |
        03      | 2024-02-26 | 1        | CR       | RADIOLOGIST 2 |          | counts: the only reader of 03
    """).assign(RSEVAL="INDEPENDENT ASSESSOR")
    assert counted(rs, INDEPENDENT) == [3, 4, 6, 8]
    assert counted(rs, replace(INDEPENDENT, evaluator_id="Radiologist-2")) == [2, 5, 7, 8]
    # Both readings of the second visit of 01 are PD, so nothing is left to say; of 02 nobody is accepted.
    assert several_readers(rs, INDEPENDENT)[["USUBJID", "VALUE"]].values.tolist() == [["02", "RADIOLOGIST 1"]]
    differ = rs.assign(RSSTRESC=rs["RSSTRESC"].where(rs["RSSEQ"] != 5, "SD"))
    found = several_readers(differ, INDEPENDENT)
    assert found["USUBJID"].tolist() == ["01", "02"]
    assert "RADIOLOGIST 1 PD, RADIOLOGIST 2 SD" in found["MESSAGE"][0]


def test_a_subject_with_responses_of_two_versions_has_those_of_the_analysis() -> None:
    rs = responses("""
        USUBJID | RSDTC      | RSSTRESC | RSCAT      | why
        01      | 2024-02-26 | PR       | RECIST 1.0 | 01 has RECIST 1.1
        01      | 2024-02-26 | SD       | RECIST 1.1 |
        02      | 2024-02-26 | PR       | RECIST 1.0 | counts, with a warning
    """)
    assert counted(rs, OPTIONS) == [2, 3]
    found = source_findings(rs, NO_LESIONS, ADSL, OPTIONS)
    assert found[["RULE", "SEVERITY", "VALUE"]].values.tolist() == [
        ["other version of criteria", "WARNING", "RECIST 1.0"]
    ]


MIXED = responses("""
    USUBJID | RSDTC      | RSSTRESC | RSEVAL       | RSEVALID     | why
    01      | 2024-02-26 | SD       | INVESTIGATOR |              | collected counts
    01      | 2024-02-26 | PR       | ALGORITHM    | INVESTIGATOR |
    02      | 2024-02-26 | PR       | ALGORITHM    | INVESTIGATOR | nothing collected
    03      | 2023-12-20 | NE       | INVESTIGATOR |              | before the first dose: does not count
    03      | 2024-02-26 | PD       | ALGORITHM    | INVESTIGATOR |
""")
COLLECTED, FROM_LESIONS = "Investigator", "Algorithm from Lesions of Investigator"


@pytest.mark.parametrize(
    ("source", "rows", "best", "who"),
    [
        ("collected", [1, 4], ["SD", "MISSING", "MISSING"], [COLLECTED] * 3),
        ("derived", [2, 3, 5], ["PR", "PR", "PD"], [FROM_LESIONS] * 3),
        ("collected-else-derived", [1, 3, 5], ["SD", "PR", "PD"], [COLLECTED, FROM_LESIONS, FROM_LESIONS]),
    ],
)
def test_each_subject_has_one_source(source: Any, rows: list[int], best: list[str], who: list[str]) -> None:
    options = replace(OPTIONS, source=source)
    assert counted(MIXED, options) == rows
    adrs = derive_adrs(ADSL, MIXED, NO_LESIONS, options)
    bor = adrs[adrs["PARAMCD"] == "BOR"]
    assert (bor["AVALC"].tolist(), bor["RSPSRC"].tolist()) == (best, who)
    # PARCAT2 is a category of PARAM (ADaMIG 1.3, 3.3.4), so it is no matter of the subject.
    assert bor["PARAM"].nunique() == 1 and bor["PARCAT2"].nunique() == 1


def test_who_has_derived_responses_is_named_and_most_of_them_are_a_warning() -> None:
    found = source_findings(MIXED, NO_LESIONS, ADSL, OPTIONS)
    assert found[["USUBJID", "RULE", "SEVERITY"]].values.tolist() == [
        ["", "most responses derived", "WARNING"],
        ["02", "response derived", "INFO"],
        ["03", "response derived", "INFO"],
    ]


def test_responses_that_nothing_selects_are_counted_by_name() -> None:
    rs = responses("""
        USUBJID | RSDTC      | RSSTRESC | RSCAT      | RSEVAL               | why
        01      | 2024-02-26 | SD       | RECIST 1.1 | INVESTIGATOR         |
        01      | 2024-02-26 | SD       | RECIST 1.1 | INDEPENDENT ASSESSOR | another choice, and 01 has its own
        01      | 2024-02-26 | SD       | SCALE X    | INVESTIGATOR         | an unknown name
        02      | 2024-02-26 | CR       | IMWG       | INVESTIGATOR         | refused
        03      | 2024-02-26 | CR       | RECIST 1.1 | ONCOLOGIST           | nobody that is known
    """)
    found = source_findings(rs, NO_LESIONS, ADSL, OPTIONS)
    assert sorted(found[["USUBJID", "RULE", "SEVERITY", "VALUE"]].values.tolist()) == [
        ["", "criteria not built in", "ERROR", "IMWG"],
        ["", "responses not selected", "INFO", "RSCAT RECIST 1.1, RSEVAL INDEPENDENT ASSESSOR, RSEVALID blank"],
        ["", "responses not selected", "WARNING", "RSCAT RECIST 1.1, RSEVAL ONCOLOGIST, RSEVALID blank"],
        ["", "responses not selected", "WARNING", "RSCAT SCALE X, RSEVAL INVESTIGATOR, RSEVALID blank"],
        ["02", "subject without selected response", "WARNING", ""],
        ["03", "subject without selected response", "WARNING", ""],
    ]


def test_lesions_that_nothing_selects_are_counted_by_name() -> None:
    tr = pd.DataFrame({"USUBJID": ["01", "01", "02"], "TREVAL": ["INV", "Oncologist", "BICR"]})
    found = source_findings(MIXED.iloc[:1], tr, ADSL, OPTIONS)
    assert found.loc[found["RULE"] == "lesions not selected", "VALUE"].tolist() == ["TREVAL BICR", "TREVAL Oncologist"]


def test_evidence_names_every_candidate_the_chosen_one_and_why() -> None:
    adrs = derive_adrs(ADSL, MIXED, NO_LESIONS, OPTIONS)
    rows = response_evidence(ADSL, MIXED, OPTIONS, adrs)
    assert tuple(rows.columns) == EVIDENCE_COLUMNS
    assert rows[["USUBJID", "FACT", "SRCSEQ", "CHOSEN"]].values.tolist() == [
        ["01", "response source", 1, "Y"],
        ["01", "response source", 2, ""],
        ["02", "response source", 3, "Y"],
        ["03", "progression", 5, "Y"],
        ["03", "response source", 4, ""],
        ["03", "response source", 5, "Y"],
    ]
    assert rows["REASON"].str.len().gt(0).all()
    assert set(rows["SRCDOM"]) == {"RS"} and set(rows["SRCVAR"]) == {"RSSTRESC"}


# Lesions of the whole build: 50, 30, 28, 45 mm are PR, PR and PD (45 is 61% and 17 mm above the nadir of 28).
SCANS = {"2023-12-20": 50.0, "2024-02-26": 30.0, "2024-04-01": 28.0, "2024-06-03": 45.0}
STUDY = load_study("lenvatinib-pembrolizumab").model_copy(update={"cutoff": ""})


def sdtm(**more: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Two treated subjects with the lesions above."""
    who = ["01", "02"]
    base = {"STUDYID": "S", "USUBJID": who}
    dm = pd.DataFrame({**base, "DOMAIN": "DM", "RFSTDTC": "2024-01-01", "RFICDTC": "2023-12-10"})
    ex = pd.DataFrame({**base, "EXSEQ": 1.0, "EXTRT": "LENVATINIB", "EXSTDTC": "2024-01-01", "EXENDTC": "2024-06-01"})
    tu = pd.DataFrame({**base, "TUSEQ": 1.0, "TULNKID": "T01", "TUSTRESC": "TARGET", "TUTESTCD": "TUMIDENT"})
    tr = pd.DataFrame(
        [
            {"STUDYID": "S", "USUBJID": one, "TRSEQ": n, "TRDTC": day, "TRSTRESN": size, "VISITNUM": n - 1.0}
            for one in who
            for n, (day, size) in enumerate(SCANS.items(), start=1)
        ]
    ).assign(TRLNKID="T01", TRTESTCD="LDIAM", TRSTRESU="mm", TREVAL="Investigator", VISIT="")
    tu = tu.assign(TULOC="LIVER", TUEVAL="Investigator", TUDTC="2023-12-20")
    return {"DM": dm, "EX": ex, "TU": tu, "TR": tr, **more}


def answers(made: Adam) -> dict[str, tuple[float, str]]:
    """ORR and DCR in percent, events of PFS; and why there is none."""
    results = study_results(made.plan, made.specs, made.frames).table
    rows = results[results["RESULTID"].isin(["orr", "dcr", "pfs"]) & (results["GROUP"] == "All")]
    rows = rows[rows["STATISTIC"].isin(["percent", "events", "estimate"])]
    return {r.RESULTID: (r.VALUE, r.REASON) for r in rows.itertuples()}


def test_lesions_without_calls_give_the_responses_that_they_are() -> None:
    made = build_adam(sdtm(), STUDY)
    assert answers(made) == {"orr": (100.0, ""), "dcr": (100.0, ""), "pfs": (2.0, "")}
    adrs = made.frames["ADRS"]
    assert set(adrs.loc[adrs["PARAMCD"] == "OVR", "SRCDOM"]) == {"TR"}
    assert set(made.frames["ADSL"]["EVALFL"]) == {"Y"}
    adtte = made.frames["ADTTE"]
    assert set(adtte.loc[adtte["PARAMCD"] == "PFS", "RSPSRC"]) == {FROM_LESIONS}
    assert sorted(made.findings.loc[made.findings["RULE"] == "response derived", "USUBJID"]) == ["01", "02"]


@pytest.mark.parametrize(("named", "domain"), [("IMWG", "RS"), ("LUGANO 2014", "RS"), ("PCWG3", "RS"), ("", "none")])
def test_without_any_counted_response_nothing_is_0_percent(named: str, domain: str) -> None:
    rs = responses("""
        USUBJID | RSDTC      | RSSTRESC
        01      | 2024-02-26 | CR
        02      | 2024-02-26 | PD
    """).assign(RSCAT=named)
    made = build_adam({name: one for name, one in sdtm(RS=rs).items() if name in ("DM", "EX", domain)}, STUDY)
    assert "ADRS" not in made.frames
    assert set(made.frames["ADTTE"]["PARAMCD"]) == {"OS", "TTD"}
    for value, reason in answers(made).values():
        assert pd.isna(value) and "RECIST 1.1 of the investigator" in reason and named in reason
    told = made.findings[made.findings["RULE"].isin(["criteria not built in", "no counted response"])]
    assert told["SEVERITY"].tolist() == ["ERROR"] * (2 if domain == "RS" else 0)


def test_an_analysis_dataset_of_nobody_assessed_is_not_0_percent_either() -> None:
    made = build_adam(sdtm(), STUDY)
    adrs = made.frames["ADRS"]
    best = adrs["PARAMCD"].isin(["BOR", "CBOR"])
    adrs = adrs.assign(AVALC=adrs["AVALC"].where(~best, "MISSING"))[adrs["PARAMCD"] != "OVR"]
    found = results_of(STUDY, {**made.frames, "ADRS": adrs}).table
    orr = found[found["RESULTID"] == "orr"]
    assert orr["VALUE"].isna().all() and "no assessment of any subject" in orr["REASON"].iloc[0]


def peer() -> dict[str, pd.DataFrame]:
    names = {"dm": "dm", "ex": "ex", "rs": "rs_onco_recist", "tu": "tu_onco_recist", "tr": "tr_onco_recist"}
    return {name.upper(): pd.read_parquet(others("data", "sdtm", f"{file}.parquet")) for name, file in names.items()}


def test_other_peoples_responses_by_any_spelling_give_the_same() -> None:
    frames = peer()
    plain = build_adam(frames, STUDY)
    renamed = {"INVESTIGATOR": "Inv.", "INDEPENDENT ASSESSOR": "BICR"}
    spelled = frames["RS"].assign(RSCAT="Recist V1.1", RSEVAL=frames["RS"]["RSEVAL"].map(renamed))
    again = build_adam({**frames, "RS": spelled}, STUDY)
    pd.testing.assert_frame_equal(plain.frames["ADRS"], again.frames["ADRS"])
    pd.testing.assert_frame_equal(plain.frames["ADTTE"], again.frames["ADTTE"])


def test_other_peoples_responses_by_criteria_of_no_study_are_refused() -> None:
    frames = {name: one for name, one in peer().items() if name not in ("TU", "TR")}
    immune = pd.read_parquet(others("data", "sdtm", "rs_onco_irecist.parquet"))
    for rs, says in ((immune, "iRECIST"), (frames["RS"].assign(RSCAT="IMWG"), "IMWG")):
        made = build_adam({**frames, "RS": rs}, STUDY)
        assert all(pd.isna(value) and says in reason for value, reason in answers(made).values())
        assert "no counted response" in set(made.findings["RULE"])


def test_the_source_is_an_option_of_the_study_file() -> None:
    study = Study.model_validate({**STUDY.model_dump(), "response": {"source": "collected"}})
    made = build_adam(sdtm(), study)
    assert "ADRS" not in made.frames
    assert "no counted response" in set(made.findings["RULE"])
