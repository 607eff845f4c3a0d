"""Trial design from the study file: expected values from SDTMIG 3.4 sections 5.3 and 7, by hand."""

from __future__ import annotations

import pandas as pd
import pytest
from fhir2cdisc.mappings.standard.datasets import codelist
from fhir2cdisc.mappings.study import Study, StudyError, builtin_studies, load_study
from fhir2cdisc.sdtm.trial.trial_design import (
    build_se,
    build_ta,
    build_te,
    build_ti,
    build_tv,
    trial_design,
)
from fhir2cdisc.sdtm.trial.trial_summary import build_ts, unknown_parameters
from support.others import others

PLAIN = Study(id="plain", studyid="PLAIN", title="Plain")
COLUMNS = ["RFICDTC", "RFSTDTC", "RFXSTDTC", "RFXENDTC", "RFPENDTC"]


def dm(*dates: tuple[str, str, str, str, str]) -> pd.DataFrame:
    made = pd.DataFrame(list(dates), columns=COLUMNS, dtype=object)
    ids = [f"{n:02}" for n in range(1, len(made) + 1)]
    return made.assign(STUDYID="PLAIN", USUBJID=ids, COUNTRY="")


# Consent, reference start, first dose, last dose, end of participation | element start/end (days) ...
SUBJECTS = [
    (
        ("2024-02-20", "2024-03-01", "2024-03-01", "2024-06-01", "2024-08-01"),
        "SCRN 2024-02-20(-10)/2024-03-01(1) TRT 2024-03-01(1)/2024-06-01(93) FU 2024-06-01(93)/2024-08-01(154)",
    ),
    # no consent known: no screening
    (
        ("", "2024-03-01", "2024-03-01", "2024-06-01", "2024-08-01"),
        "TRT 2024-03-01(1)/2024-06-01(93) FU 2024-06-01(93)/2024-08-01(154)",
    ),
    # never treated: screening without a known end
    (("2024-02-20", "", "", "", "2024-03-05"), "SCRN 2024-02-20()/()"),
    # treatment not over
    (("2024-02-20", "2024-03-01", "2024-03-01", "", ""), "SCRN 2024-02-20(-10)/2024-03-01(1) TRT 2024-03-01(1)/()"),
    # followed still
    (("", "2024-03-01", "2024-03-01", "2024-03-01", ""), "TRT 2024-03-01(1)/2024-03-01(1) FU 2024-03-01(1)/()"),
    # what ends before it begins ends on the day on which it begins
    (
        ("2024-03-05", "2024-03-01", "2024-03-01", "2024-06-01", "2024-05-01"),
        "SCRN 2024-03-05(5)/2024-03-05(5) TRT 2024-03-01(1)/2024-06-01(93) FU 2024-06-01(93)/2024-06-01(93)",
    ),
    # partial dates stay as they are and have no day
    (
        ("2024-02", "2024-03-01", "2024-03-01", "2024-06", ""),
        "SCRN 2024-02()/2024-03-01(1) TRT 2024-03-01(1)/2024-06() FU 2024-06()/()",
    ),
    # times go along
    (
        ("", "2024-03-01T09:00", "2024-03-01T09:00", "2024-03-02T10:00", "2024-03-03"),
        "TRT 2024-03-01T09:00(1)/2024-03-02T10:00(2) FU 2024-03-02T10:00(2)/2024-03-03(3)",
    ),
    # nothing is known
    (("", "", "", "", ""), ""),
]


def shown(se: pd.DataFrame) -> str:
    def day(value: float) -> str:
        return "" if pd.isna(value) else f"{value:g}"

    return " ".join(
        f"{r.ETCD} {r.SESTDTC}({day(r.SESTDY)})/{r.SEENDTC}({day(r.SEENDY)})" for r in se.itertuples(index=False)
    )


def test_the_elements_of_each_subject() -> None:
    se = build_se(dm(*(dates for dates, _ in SUBJECTS)))
    for number, (dates, expected) in enumerate(SUBJECTS, start=1):
        mine = se[se["USUBJID"] == f"{number:02}"]
        assert shown(mine) == expected, dates
        assert mine["SESEQ"].tolist() == list(range(1, len(mine) + 1))
        assert mine["TAETORD"].is_monotonic_increasing


def test_nobody_with_a_date_gives_no_elements() -> None:
    assert len(build_se(dm())) == 0
    assert len(build_se(dm(("", "", "", "", "")))) == 0
    armed = load_study("hepatobiliary-rws")
    assert sorted(trial_design({"DM": dm(("", "", "", "", ""))}, armed)) == ["TA", "TE", "TI", "TS"]


def test_the_order_of_epochs_is_the_same_in_elements_arms_and_subjects() -> None:
    study = load_study("hepatobiliary-rws")
    ta, te = build_ta(study), build_te(study)
    assert ta["ARMCD"].unique().tolist() == ["ANTIANG", "IMMUNO", "MATCHED"]
    for _, arm in ta.groupby("ARMCD"):
        assert arm["TAETORD"].tolist() == [1, 2, 3]
        assert arm["EPOCH"].tolist() == ["SCREENING", "TREATMENT", "FOLLOW-UP"]
    assert te["ETCD"].tolist() == sorted(ta["ETCD"].unique())
    names = dict(zip(te["ETCD"], te["ELEMENT"], strict=True))
    assert (ta["ETCD"].map(names) == ta["ELEMENT"]).all()
    assert set(ta["EPOCH"]) <= set(codelist("EPOCH").terms)
    assert (te["ETCD"].str.len() <= 8).all() and (te[["TESTRL", "TEENRL"]] != "").all(axis=None)


def test_a_study_without_arms_has_no_arms_elements_or_subject_elements() -> None:
    full = dm(("2024-02-20", "2024-03-01", "2024-03-01", "2024-06-01", "2024-08-01"))
    assert sorted(trial_design({"DM": full}, PLAIN)) == ["TS"]


def parameters(ts: pd.DataFrame) -> dict[str, list[tuple[str, str]]]:
    pairs = zip(ts["TSPARMCD"], ts["TSVAL"], ts["TSVALNF"], strict=True)
    made: dict[str, list[tuple[str, str]]] = {}
    for code, value, flavor in pairs:
        made.setdefault(code, []).append((value, flavor))
    return made


@pytest.mark.parametrize("name", ["plain", *sorted(builtin_studies())])
def test_every_parameter_has_a_value_or_says_why_it_has_none(name: str) -> None:
    ts = build_ts({"DM": dm(("", "", "", "", ""))}, PLAIN if name == "plain" else load_study(name))
    assert ((ts["TSVAL"] == "") != (ts["TSVALNF"] == "")).all()
    assert set(ts["TSVALNF"]) <= {"", "NA", "UNK"}  # ISO 21090 null flavors
    assert set(ts["TSPARMCD"]) <= set(codelist("TSPARMCD").terms)
    assert set(ts["TSPARM"]) <= set(codelist("TSPARM").terms)
    for _, group in ts.groupby("TSPARMCD"):
        assert group["TSSEQ"].tolist() == list(range(1, len(group) + 1))
    assert ts["TSPARMCD"].is_monotonic_increasing


def test_of_a_study_that_says_nothing_little_is_known() -> None:
    said = parameters(build_ts({"DM": dm(("", "", "", "", ""))}, PLAIN))
    known = {"TITLE": "Plain", "ACTSUB": "1", "SDTIGVER": "3.4", "SDTMVER": "2.0"}
    assert {code: values for code, values in said.items() if values not in ([("", "UNK")], [("", "NA")])} == {
        code: [(value, "")] for code, value in known.items()
    }
    # A file without a cut-off has no data cut; all else may well apply, nobody said it.
    assert {code for code, values in said.items() if values == [("", "NA")]} == {"DCUTDTC", "DCUTDESC"}
    assert {"RANDOM", "TBLIND", "SEXPOP", "HLTSUBJI", "STYPE", "TPHASE", "NARMS", "TTYPE", "INTTYPE"} <= set(said)


def test_arms_drugs_and_endpoints_do_not_say_how_a_trial_is_controlled_blinded_or_randomised() -> None:
    drugs = [{"name": "X"}, {"name": "PLACEBO"}]
    arms = [{"code": "A", "label": "X", "drugs": ["X"]}, {"code": "B", "label": "Placebo", "drugs": ["PLACEBO"]}]
    endpoint = {"id": "e", "title": "E", "role": "primary", "kind": "time-to-event", "paramcd": "OS"}
    file = {**PLAIN.model_dump(), "drugs": drugs, "arms": arms, "endpoints": [endpoint]}
    study = Study.model_validate({**file, "design": {"kind": "interventional"}})
    said = parameters(build_ts({"DM": dm(("", "", "", "", ""))}, study))
    guessed = ("RANDOM", "TBLIND", "TCNTRL", "SEXPOP", "HLTSUBJI", "INTMODEL", "INTTYPE", "TINDTP", "TTYPE", "TPHASE")
    assert [said[code] for code in guessed] == [[("", "UNK")]] * len(guessed)
    assert said["NARMS"] == [("2", "")] and said["STYPE"] == [("INTERVENTIONAL", "")]


def test_what_is_not_known_is_one_finding_that_names_it() -> None:
    (finding,) = unknown_parameters(build_ts({"DM": dm(("", "", "", "", ""))}, PLAIN))
    assert (finding.rule, finding.severity) == ("ts.unknown", "info")
    assert "HLTSUBJI" in finding.message and "DCUTDTC" not in finding.message and "SDTMVER" not in finding.message
    ts = pd.DataFrame({"TSPARMCD": ["ADAPT", "TITLE"], "TSVALNF": ["NA", ""]})
    assert unknown_parameters(ts) == []


def test_the_minimum_durations_of_a_response_are_given_where_the_protocol_states_them() -> None:
    endpoint = {"id": "e", "title": "E", "role": "primary", "kind": "proportion", "paramcd": "CRSP"}
    file = {**PLAIN.model_dump(), "endpoints": [endpoint]}
    for response, expected in (
        (
            {"confirm_days": 56, "sd_min_days": 49, "stated": ["confirm_days", "sd_min_days"]},
            [("P56D", ""), ("P49D", "")],
        ),
        ({"confirm_days": 56, "stated": ["confirm_days"]}, [("P56D", ""), ("", "UNK")]),
        ({"confirm_days": 56}, [("", "UNK"), ("", "UNK")]),  # a default of the project says nothing of the protocol
    ):
        said = parameters(
            build_ts({"DM": dm(("", "", "", "", ""))}, Study.model_validate({**file, "response": response}))
        )
        assert [said["CRMDUR"][0], said["SDMDUR"][0]] == expected


# What each document says of the trial as such: parameter, values, and the words of the document that say it.
STATED = {
    "hepatobiliary-rws": """
        STYPE    | OBSERVATIONAL      | observational real-world study
        RANDOM   | N                  | non-random,
        TBLIND   | OPEN LABEL         | open and observational
        HLTSUBJI | N                  | patients with advanced hepatobiliary tumors
        INTTYPE  | DRUG               | DRUG: Precision oncology
        TINDTP   | TREATMENT          | safety of treatment
        TTYPE    | EFFICACY; SAFETY   | the efficacy, quality of life
        PLANSUB  | 2000               | 2000 patients
        LENGTH   | P60M               | in 5 years
        NARMS    | 3                  | three treatment program
        INDIC    | advanced hepatobiliary tumours | advanced hepatobiliary tumors
    """,
    "lenvatinib-pembrolizumab": """
        STYPE    | INTERVENTIONAL     | clinical study of targeted therapy
        TPHASE   | PHASE IIB TRIAL    | phase IIB
        RANDOM   | N                  | non-randomized
        INTMODEL | SINGLE GROUP       | single-arm
        TCNTRL   | NONE               | single-arm
        NARMS    | 1                  | single-arm
        HLTSUBJI | N                  | patients with hepatobiliary malignant tumors
        INTTYPE  | DRUG               | DRUG: Lenvatinib plus Pembrolizumab
        TINDTP   | TREATMENT          | second-line treatment
        TTYPE    | EFFICACY; SAFETY   | the efficacy and safety
        PLANSUB  | 50                 | 50 patients
        INDIC    | liver neoplasm malignant primary; cholangiocarcinoma | Liver Neoplasm Malignant Primary
    """,
    "apatinib-camrelizumab": """
        STYPE    | INTERVENTIONAL     | prospective trial
        RANDOM   | N                  | non-randomized
        TBLIND   | OPEN LABEL         | open-label
        INTMODEL | SINGLE GROUP       | treated with aptinib and camrelizumab
        NARMS    | 1                  | treated with aptinib and camrelizumab
        HLTSUBJI | N                  | patients with biliary tract malignant tumors
        INTTYPE  | DRUG               | DRUG: Apatinib plus Camrelizumab
        TINDTP   | TREATMENT          | efficacy and safety of treatment
        TTYPE    | EFFICACY; SAFETY   | the efficacy and safety
        PLANSUB  | 20                 | 20 patients
        INDIC    | biliary tract cancer; cholangiocarcinoma; hepatobiliary neoplasm | Biliary Tract Cancer
    """,
    "axitinib-toripalimab": """
        STYPE    | INTERVENTIONAL     | Study Type: Interventional
        TPHASE   | PHASE II TRIAL     | phase II trial
        RANDOM   | N                  | non-randomized
        TBLIND   | OPEN LABEL         | Masking: Open Label
        INTMODEL | SINGLE GROUP       | single-arm
        TCNTRL   | NONE               | single-arm
        NARMS    | 1                  | single-arm
        HLTSUBJI | N                  | patients with hepatobiliary malignant tumors
        INTTYPE  | DRUG               | DRUG: axitinib plus toripalimab
        TINDTP   | TREATMENT          | second-line treatment
        TTYPE    | EFFICACY; SAFETY   | the efficacy and safety
        PLANSUB  | 60                 | 60 patients
        INDIC    | hepatobiliary neoplasm; liver neoplasm; biliary tract neoplasms | Hepatobiliary Neoplasm
    """,
    "refractory-registry": """
        STYPE    | OBSERVATIONAL      | prospective registration study
        RANDOM   | N                  | choose for themselves
        HLTSUBJI | N                  | patients with advanced refractory solid tumors
        INTTYPE  | DRUG               | DRUG: Targeted therapy
        TTYPE    | EFFICACY; SAFETY   | Effectiveness|Safety
        NARMS    | 2                  | targeted therapy or other appropriate treatment
        PLANSUB  | 120                | 120 patients
        LENGTH   | P12M               | follow-up time will be 1 year
        SSTDTC   | 2021-11-01         | 2021.11
        SENDTC   | 2023-11-30         | 2023.11
        DCUTDTC  | 2023-11-30         | 2023.11
        DCUTDESC | END OF THE TIME FRAME OF THE PROTOCOL | 2021.11-2023.11
        INDIC    | advanced refractory solid tumours | advanced refractory solid tumors
    """,
}
SEEDS = dict(
    zip(
        (
            "hepatobiliary-rws",
            "lenvatinib-pembrolizumab",
            "apatinib-camrelizumab",
            "axitinib-toripalimab",
            "refractory-registry",
        ),
        range(5),
        strict=True,
    )
)
# Of no document, and of none other: what is made of data, the project's own standard, and lists of titles and drugs.
OTHERWISE = {"ACTSUB", "FCNTRY", "SSTDTC", "SDTIGVER", "SDTMVER", "TITLE", "OBJPRIM", "OUTMSPRI", "OUTMSSEC", "TRT"}
# Not in the documents: read on public registry pages, which the study files say.
ELSEWHERE = {"lenvatinib-pembrolizumab": {"REGID"}, "axitinib-toripalimab": {"REGID"}}


def stated(name: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.split("|", 2)] for line in STATED[name].strip().splitlines()]


@pytest.mark.parametrize("name", sorted(STATED))
def test_ts_of_a_built_in_study_has_what_its_document_says_and_nothing_else(name: str) -> None:
    said = parameters(build_ts({"DM": dm(("", "", "", "", ""))}, load_study(name)))
    expected = {code: [(value, "") for value in values.split("; ")] for code, values, _ in stated(name)}
    assert {code: said[code] for code in expected} == expected
    rest = {code for code, values in said.items() if values[0][0]} - OTHERWISE - ELSEWHERE.get(name, set())
    assert rest - set(expected) == set()
    for code in ("SEXPOP", "AGEMIN", "AGEMAX", "STOPRULE", "ADDON", "SPONSOR"):
        assert said[code] == [("", "UNK")], code


@pytest.mark.parametrize("name", sorted(STATED))
def test_the_document_has_the_words(name: str) -> None:
    (path,) = others("seeds").glob(f"{SEEDS[name]:03}_*.txt")
    text = path.read_text(encoding="utf-8")
    assert [words for _, _, words in stated(name) if words not in text] == []


def test_the_start_of_a_study_is_its_own_or_the_first_consent() -> None:
    three = dm(*((day, "", "", "", "") for day in ("2024-02-20T10:00", "", "2024-02-19T23:00")))
    assert parameters(build_ts({"DM": three}, PLAIN))["SSTDTC"] == [("2024-02-19", "")]
    own = PLAIN.model_copy(update={"design": PLAIN.design.model_copy(update={"start": "2023-12-01"})})
    assert parameters(build_ts({"DM": three}, own))["SSTDTC"] == [("2023-12-01", "")]


def test_what_the_registry_and_the_real_world_study_say() -> None:
    one = dm(("2024-02-20", "", "", "", "")).assign(COUNTRY="CHN")
    registry = parameters(build_ts({"DM": one}, load_study("refractory-registry")))
    assert registry["DCUTDTC"] == [("2023-11-30", "")] and registry["STYPE"] == [("OBSERVATIONAL", "")]
    assert registry["TBLIND"] == [("", "NA")] and registry["FCNTRY"] == [("CHN", "")]
    real = parameters(build_ts({"DM": one}, load_study("hepatobiliary-rws")))
    assert real["PLANSUB"] == [("2000", "")] and real["LENGTH"] == [("P60M", "")] and real["NARMS"] == [("3", "")]
    primary = ["Overall Survival (OS)", "Progression-free Survival (PFS)"]
    assert real["OUTMSPRI"] == [(title, "") for title in primary]
    assert real["OBJPRIM"] == [(f"To evaluate: {'; '.join(primary)}", "")]


def test_planned_visits_are_those_with_a_planned_day_once_each() -> None:
    sv = pd.DataFrame(
        [
            ("01", 57.0, "WEEK 8", 57.0),
            ("01", 1.0, "CYCLE 1 DAY 1", 1.0),
            ("02", 57.0, "WEEK 8", 57.0),
            ("01", 57.001, "UNSCHEDULED 57.001", None),
            ("01", -1.0, "SCREENING", -1.0),
        ],
        columns=["USUBJID", "VISITNUM", "VISIT", "VISITDY"],
    )
    tv = build_tv(sv, PLAIN)
    assert tv["VISIT"].tolist() == ["SCREENING", "CYCLE 1 DAY 1", "WEEK 8"]
    assert tv["TVSTRL"].tolist()[2] == "Day 57 from the first dose"
    assert len(build_tv(None, PLAIN)) == len(build_tv(sv.drop(columns="VISITDY"), PLAIN)) == 0


def test_visits_of_the_study_file_are_planned_whether_or_not_they_took_place() -> None:
    schedule = {"visits": [{"name": "Month 3", "day": 92}, {"name": "Month 6", "day": 183}]}
    study = Study.model_validate({**PLAIN.model_dump(), "schedule": schedule})
    sv = pd.DataFrame(
        [("01", 92.0, "MONTH 3", 92.0), ("01", 9000.0, "END OF TREATMENT", None), ("01", 92.001, "UNSCHEDULED", None)],
        columns=["USUBJID", "VISITNUM", "VISIT", "VISITDY"],
    )
    tv = build_tv(sv, study)
    assert tv["VISITNUM"].tolist() == [92, 183, 9000]
    assert tv["VISIT"].tolist() == ["MONTH 3", "MONTH 6", "END OF TREATMENT"]
    assert tv["VISITDY"].isna().tolist() == [False, False, True]
    assert tv["TVSTRL"].tolist()[2] == "After the last dose"
    assert build_tv(None, study)["VISIT"].tolist() == ["MONTH 3", "MONTH 6"]


def criteria(*rows: tuple[str, ...]) -> Study:
    names = ("code", "category", "text", "subcategory", "rule", "version")
    made = [dict(zip(names, row, strict=False)) for row in rows]
    return Study.model_validate({**PLAIN.model_dump(), "criteria": made})


def test_criteria_become_ti_in_the_order_of_their_codes() -> None:
    ti = build_ti(criteria(("INCL01", "INCLUSION", "Adult"), ("EXCL01", "EXCLUSION", "Pregnant")))
    assert ti.to_dict("split")["data"] == [
        ["PLAIN", "TI", "EXCL01", "Pregnant", "EXCLUSION"],
        ["PLAIN", "TI", "INCL01", "Adult", "INCLUSION"],
    ]
    assert list(ti) == ["STUDYID", "DOMAIN", "IETESTCD", "IETEST", "IECAT"]
    assert set(ti["IECAT"]) <= set(codelist("IECAT").terms)


def test_an_amended_criterion_is_kept_with_its_version() -> None:
    ti = build_ti(
        criteria(
            ("INCL01", "INCLUSION", "Age over 20", "", "", "2"),
            ("INCL01", "INCLUSION", "Age over 18", "AGE", "DM.AGE > 18", "1"),
        )
    )
    assert ti[["IETEST", "IESCAT", "TIRL", "TIVERS"]].to_numpy().tolist() == [
        ["Age over 18", "AGE", "DM.AGE > 18", "1"],
        ["Age over 20", "", "", "2"],
    ]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([("INCL01", "INCLUSION", "a"), ("INCL01", "INCLUSION", "b")], "criterion 'INCL01' is defined twice"),
        ([("INCLUSION1", "INCLUSION", "a")], "code"),
        ([("INCL01", "MAYBE", "a")], "category"),
        ([("INCL01", "INCLUSION", "")], "text"),
        ([("INCL01", "INCLUSION", "x" * 201)], "has 201 bytes, over the 200 of IETEST"),
        ([("INCL01", "INCLUSION", "肝" * 67)], "has 201 bytes, over the 200 of IETEST"),
    ],
)
def test_criteria_that_cannot_be_records_are_refused(rows: list[tuple[str, ...]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        criteria(*rows)


def summary(**values: tuple[str, ...]) -> Study:
    made = [{"code": code, "values": said} for code, said in values.items()]
    return Study.model_validate({**PLAIN.model_dump(), "trial_summary": made})


def test_the_study_file_can_give_any_trial_summary_parameter() -> None:
    study = summary(SPONSOR=("A hospital",), AGEMIN=("P18Y",), TTYPE=("SAFETY", "BIO-AVAILABILITY"), ADDON=())
    said = parameters(build_ts({"DM": dm(("", "", "", "", ""))}, study))
    assert said["SPONSOR"] == [("A hospital", "")] and said["AGEMIN"] == [("P18Y", "")]
    assert said["TTYPE"] == [("SAFETY", ""), ("BIO-AVAILABILITY", "")]
    assert said["ADDON"] == [("", "UNK")]


def test_a_trial_summary_parameter_that_does_not_exist_is_refused() -> None:
    with pytest.raises(StudyError, match="study plain: trial_summary: AGEMINI is no trial summary parameter"):
        build_ts({"DM": dm(("", "", "", "", ""))}, summary(AGEMINI=("P18Y",)))


# SDTMIG 3.4 section 7.4.2, examples 1, 3 and 4: code, terminology and version of a value.
CODED = {
    "STYPE": ("INTERVENTIONAL", "C98388", "CDISC CT", "2025-03-28"),
    "TPHASE": ("PHASE IIB TRIAL", "C49688", "CDISC CT", "2025-03-28"),
    "TBLIND": ("OPEN LABEL", "C49659", "CDISC CT", "2025-03-28"),
    "TCNTRL": ("NONE", "C41132", "CDISC CT", "2025-03-28"),
    "INTMODEL": ("SINGLE GROUP", "C82640", "CDISC CT", "2025-03-28"),
    "INTTYPE": ("DRUG", "C1909", "CDISC CT", "2025-03-28"),
    "TINDTP": ("TREATMENT", "C49656", "CDISC CT", "2025-03-28"),
    "SEXPOP": ("BOTH", "C49636", "CDISC CT", "2025-03-28"),
    "RANDOM": ("N", "C49487", "CDISC CT", "2025-03-28"),
    "CRMDUR": ("P28D", "", "ISO 8601", ""),
    "SDMDUR": ("P42D", "", "ISO 8601", ""),
    "FCNTRY": ("CHN", "", "ISO 3166", ""),
    "REGID": ("NCT03895970", "NCT03895970", "ClinicalTrials.gov", ""),
    "AGEMIN": ("", "", "", ""),
    "NARMS": ("1", "", "", ""),
}


def test_values_carry_the_code_of_their_terminology() -> None:
    one = dm(("2024-02-20", "", "", "", "")).assign(COUNTRY="CHN")
    study = load_study("lenvatinib-pembrolizumab")
    own = [{"code": code, "values": [value]} for code, (value, *_) in CODED.items() if code not in ("FCNTRY", "AGEMIN")]
    ts = build_ts({"DM": one}, Study.model_validate({**study.model_dump(), "trial_summary": own})).set_index("TSPARMCD")
    for code, expected in CODED.items():
        assert tuple(ts.loc[code, ["TSVAL", "TSVALCD", "TSVCDREF", "TSVCDVER"]]) == expected, code


def test_the_unii_of_a_drug_in_the_study_file_is_its_code() -> None:
    drug = {"name": "GABAPENTIN", "codes": [{"system": "http://fdasis.nlm.nih.gov", "code": "6CW7F3G59X"}]}
    study = Study.model_validate({**PLAIN.model_dump(), "drugs": [drug]})
    ts = build_ts({"DM": dm(("", "", "", "", ""))}, study).set_index("TSPARMCD")
    assert tuple(ts.loc["TRT", ["TSVAL", "TSVALCD", "TSVCDREF"]]) == ("GABAPENTIN", "6CW7F3G59X", "UNII")
