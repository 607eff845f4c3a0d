"""New anticancer therapy: which drugs, procedures and later lines count, on which day, and what is said of the others.

Every subject is enrolled on 2024-03-01 and begins LENVATINIB on 2024-03-10; the study lists SORAFENIB as well.
"""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from fhir2cdisc.adam.build import build_adam
from fhir2cdisc.adam.plan import adsl_options
from fhir2cdisc.adam.subject.adsl import Subjects, derive_subjects
from fhir2cdisc.mappings.study import Drug, Study
from fhir2cdisc.mappings.study_facts import NewTherapy

START = "2024-03-10"
STUDY = Study(
    id="two-drugs",
    studyid="TWO",
    title="Two drugs",
    drugs=(Drug(name="LENVATINIB", terms=("lenvatinib",)), Drug(name="SORAFENIB", terms=("sorafenib", "nexavar"))),
)


def day(value: Any) -> str:
    return "" if pd.isna(value) else f"{value:%Y-%m-%d}"


def frames(**more: pd.DataFrame) -> dict[str, pd.DataFrame]:
    dm = pd.DataFrame([{"USUBJID": "01", "STUDYID": "TWO", "RFICDTC": "2024-03-01", "RFSTDTC": START}])
    ex = {"USUBJID": "01", "EXSEQ": 1.0, "EXTRT": "LENVATINIB", "EXDOSE": 8.0, "EXSTDTC": START, "EXENDTC": START}
    tu = {"USUBJID": "01", "TUSEQ": 1.0, "TULOC": "LIVER", "TUSTRESC": "TARGET", "TUDTC": "2024-03-05"}
    return {"DM": dm, "EX": pd.DataFrame([ex]), "TU": pd.DataFrame([tu]), **more}


def found(domain: str, record: dict[str, Any], **options: Any) -> Subjects:
    study = STUDY.model_copy(update={"new_therapy": NewTherapy(**options)})
    row = pd.DataFrame([{"USUBJID": "01", f"{domain}SEQ": 1.0, **record}])
    return derive_subjects(frames(**{domain: row}), adsl_options(study))


SUBSEQUENT = "SUBSEQUENT ANTICANCER THERAPY"
UNDATED, IMPUTED = "new therapy without a date", "new therapy date imputed"
BEFORE, OWN, PRIOR = (
    "subsequent therapy before treatment",
    "subsequent therapy of the own regimen",
    "prior therapy after treatment",
)
# CMTRT | CMCAT | other variables | CMSTDTC | NACTDT | NACTDTF | rule
DRUGS: list[tuple[str, str, dict[str, str], str, str, str, str]] = [
    ("Drug", SUBSEQUENT, {}, "2024-05-01", "2024-05-01", "", ""),
    ("Drug", SUBSEQUENT, {}, START, "", "", BEFORE),  # the day of the first dose is not after it
    ("Drug", SUBSEQUENT, {}, "2024-03-11", "2024-03-11", "", ""),
    ("Drug", SUBSEQUENT, {}, "2024-05", "2024-05-01", "D", IMPUTED),
    ("Drug", SUBSEQUENT, {}, "2024-03", "2024-03-11", "D", IMPUTED),  # not before the day after the first dose
    ("Drug", SUBSEQUENT, {}, "2024", "2024-03-11", "M", IMPUTED),
    ("Drug", SUBSEQUENT, {}, "2025", "2025-01-01", "M", IMPUTED),
    ("Drug", SUBSEQUENT, {}, "2024-02", "", "", BEFORE),
    ("Drug", SUBSEQUENT, {}, "2020", "", "", BEFORE),
    ("Drug", SUBSEQUENT, {}, "", "", "", UNDATED),
    # Spellings of the category
    ("Drug", "Subsequent Anticancer Therapy", {}, "2024-05-01", "2024-05-01", "", ""),
    ("Drug", "ANTI-CANCER THERAPY", {}, "2024-05-01", "2024-05-01", "", ""),
    ("Drug", "Anti cancer therapy", {}, "2024-05-01", "2024-05-01", "", ""),
    ("Drug", "Antitumour therapy", {}, "2024-05-01", "2024-05-01", "", ""),
    ("Drug", "CANCER-RELATED THERAPY", {}, "2024-05-01", "2024-05-01", "", ""),
    ("Drug", "后续抗肿瘤治疗", {}, "2024-05-01", "2024-05-01", "", ""),
    ("Drug", "CONCOMITANT", {"CMSCAT": "Subsequent anti-cancer therapy"}, "2024-05-01", "2024-05-01", "", ""),
    ("Drug", "ANTINEOPLASTIC", {}, "2024-05-01", "2024-05-01", "", ""),
    ("Drug", "ANTINEOPLASTIC", {}, "2024-01-01", "", "", ""),  # before the study
    ("Drug", "ANTINEOPLASTIC", {"CMENDTC": "2024-02-01"}, "2024", "", "", ""),  # over before the first dose
    ("Drug", "Prior anti-cancer therapy", {}, "2023-05-01", "", "", ""),
    ("Drug", "PRIOR ANTICANCER THERAPY", {}, "2024-05-01", "", "", PRIOR),
    # Class, and drugs that the study file lists
    ("Capecitabine", "", {"CMCLASCD": "L01BC"}, "2024-05-01", "2024-05-01", "", ""),
    ("Capecitabine", "", {"CMCLAS": "ANTINEOPLASTIC AGENTS"}, "2024-05-01", "2024-05-01", "", ""),
    ("Aspirin", "CONCOMITANT", {"CMCLASCD": "B01AC"}, "2024-05-01", "", "", ""),
    ("Nexavar 200 mg", "", {}, "2024-05-01", "2024-05-01", "", ""),
    # Drugs of the own regimen are no new therapy, an order or not
    ("Lenvatinib 4 mg capsule", "ANTINEOPLASTIC", {}, "2024-05-01", "", "", ""),
    ("LENVATINIB", "", {"CMCLASCD": "L01EX08"}, "2024-05-01", "", "", ""),
    ("LENVATINIB", SUBSEQUENT, {}, "2024-05-01", "", "", OWN),
    ("Lenvatinib + sorafenib", "ANTINEOPLASTIC", {}, "2024-05-01", "2024-05-01", "", ""),  # one of two is new
    # Not given, or not against cancer
    ("Drug", SUBSEQUENT, {"CMOCCUR": "N"}, "2024-05-01", "", "", ""),
    ("Drug", "", {}, "2024-05-01", "", "", ""),
]


@pytest.mark.parametrize(("drug", "category", "more", "date", "expected", "flag", "rule"), DRUGS)
def test_drugs(drug: str, category: str, more: dict[str, str], date: str, expected: str, flag: str, rule: str) -> None:
    out = found("CM", {"CMTRT": drug, "CMCAT": category, "CMSTDTC": date, **more})
    row = out.adsl.iloc[0]
    assert (day(row["NACTDT"]), row["NACTDTF"]) == (expected, flag)
    assert out.findings["RULE"].tolist() == ([rule] if rule else [])
    evidence = out.evidence[out.evidence["FACT"] == "new therapy"]
    assert evidence["CHOSEN"].tolist() in ([["Y"]] if expected else [[""], []])
    assert (evidence["REASON"] != "").all()


DOUBT = "procedure that may be anticancer therapy"
# PRTRT | other variables | NACTDT on the day of the procedure | rule | a word of the reason
PROCEDURES: list[tuple[str, dict[str, str], bool, str, str]] = [
    ("Radiotherapy of bone", {}, True, "", "radiotherapy"),
    ("Stereotactic body radiation therapy", {}, True, "", "radiation therapy"),
    ("Hepatectomy", {}, True, "", "liver"),
    ("Partial hepatectomy", {}, True, "", "liver"),
    ("TACE", {}, True, "", "tace"),
    ("Transarterial chemoembolisation", {}, True, "", "chemoembolization"),
    ("HAIC", {}, True, "", "haic"),
    ("Radiofrequency ablation of liver", {}, True, "", "liver"),
    ("Radiofrequency ablation", {}, True, "", "radiofrequency ablation"),
    ("Resection", {"PRLOC": "LIVER"}, True, "", "liver"),
    ("Resection", {"PRINDC": "Metastasis of lung"}, True, "", "metastasis"),
    ("Excision of tumour of skin", {}, True, "", "tumor"),
    ("Surgery", {"PRCAT": "Subsequent Anti-Cancer Therapy"}, True, "", "category"),
    ("Surgery", {"PRCAT": "PRIOR ANTICANCER THERAPY"}, False, PRIOR, "prior"),
    ("Cataract surgery", {}, False, "", "cataract"),
    ("Catheter ablation of tissue of heart", {}, False, "", "heart"),
    ("Radiofrequency ablation of atrial tissue", {}, False, "", "atrial"),
    ("Resection of colon", {}, False, "", "colon"),  # of an organ of which no tumour is known
    ("CT pulmonary embolism protocol", {}, False, "", ""),  # no word of treatment
    ("Biopsy of liver", {}, False, "", ""),
    ("CT of abdomen", {"PRCAT": "IMAGING"}, False, "", ""),
    ("Surgery", {}, False, DOUBT, "nothing says"),
    ("Wedge resection", {}, False, DOUBT, "nothing says"),
    ("Hepatectomy", {"PROCCUR": "N"}, False, "", ""),
]


@pytest.mark.parametrize(("words", "more", "counts", "rule", "reason"), PROCEDURES)
def test_procedures(words: str, more: dict[str, str], counts: bool, rule: str, reason: str) -> None:
    out = found("PR", {"PRTRT": words, "PRSTDTC": "2024-05-01", **more})
    assert day(out.adsl["NACTDT"].iloc[0]) == ("2024-05-01" if counts else "")
    assert out.findings["RULE"].tolist() == ([rule] if rule else [])
    evidence = out.evidence[out.evidence["FACT"] == "new therapy"]
    assert evidence["REASON"].str.contains(reason, regex=False).tolist() == ([True] if reason else [])


def test_the_study_says_whether_a_doubtful_procedure_counts_and_what_is_a_procedure() -> None:
    record = {"PRTRT": "Surgery", "PRSTDTC": "2024-05-01"}
    assert day(found("PR", record, doubtful="count").adsl["NACTDT"].iloc[0]) == "2024-05-01"
    other = {"PRTRT": "Hyperthermia", "PRSTDTC": "2024-05-01"}
    assert day(found("PR", other).adsl["NACTDT"].iloc[0]) == ""
    assert day(found("PR", other, procedures=("HYPERTHERMIA",)).adsl["NACTDT"].iloc[0]) == "2024-05-01"


def test_a_doubtful_procedure_is_named_with_its_consequence() -> None:
    out = found("PR", {"PRTRT": "Wedge resection", "PRSTDTC": "2024-05-01"})
    assert out.findings["MESSAGE"].tolist() == [
        "Wedge resection (PR, 2024-05-01) may or may not be against the tumour: it does not count as new therapy "
        "([new_therapy] doubtful)."
    ]


def test_the_first_of_several_counts_and_the_others_say_why_not() -> None:
    cm = pd.DataFrame({"USUBJID": "01", "CMSEQ": [1.0, 2.0], "CMSTDTC": ["2024-07-01", "2024-06-01"]})
    cm = cm.assign(CMTRT="D", CMCAT=SUBSEQUENT)
    pr = pd.DataFrame({"USUBJID": ["01"], "PRSEQ": 1.0, "PRTRT": ["Hepatectomy"], "PRSTDTC": ["2024-05-20"]})
    out = derive_subjects(frames(CM=cm, PR=pr), adsl_options(STUDY))
    assert day(out.adsl["NACTDT"].iloc[0]) == "2024-05-20"
    evidence = out.evidence[out.evidence["FACT"] == "new therapy"]
    assert evidence[["SRCDOM", "SRCSEQ", "CHOSEN"]].values.tolist() == [["PR", 1, "Y"], ["CM", 2, ""], ["CM", 1, ""]]


def test_nobody_without_a_first_dose_has_new_therapy() -> None:
    cm = pd.DataFrame([{"USUBJID": "01", "CMSEQ": 1.0, "CMTRT": "D", "CMCAT": SUBSEQUENT, "CMSTDTC": "2024-05-01"}])
    given = {name: frame for name, frame in frames(CM=cm).items() if name != "EX"}
    out = derive_subjects(given, adsl_options(STUDY))
    assert out.adsl["NACTDT"].isna().all() and out.adsl["NACTDT"].dtype == "datetime64[ns]"


ORDER = pd.DataFrame(
    [{"USUBJID": "01", "IDVAR": "CMSEQ", "IDVARVAL": "1", "QNAM": "CMSRC", "QLABEL": "Kind of Source Record"}]
)
OTHER_ORDER = "order of another study drug"
# CMTRT | CMCAT | value of CMSRC | NACTDT | rule: what is ordered of a drug of the study is no new therapy.
ORDERS = [
    ("Sorafenib", "ANTINEOPLASTIC", "ORDER", "", OTHER_ORDER),
    ("Nexavar 200 mg", "", "ORDER", "", OTHER_ORDER),
    ("Lenvatinib + sorafenib", "ANTINEOPLASTIC", "ORDER", "", OTHER_ORDER),
    ("Lenvatinib", "ANTINEOPLASTIC", "ORDER", "", ""),  # of the index regimen: nothing to say
    ("Sorafenib", "ANTINEOPLASTIC", "STATEMENT", "2024-05-01", ""),  # what is said to have been taken
    ("Capecitabine", "ANTINEOPLASTIC", "ORDER", "2024-05-01", ""),  # no drug of the study
]


@pytest.mark.parametrize(("drug", "category", "kind", "expected", "rule"), ORDERS)
def test_an_order_of_a_study_drug_is_no_new_therapy(
    drug: str, category: str, kind: str, expected: str, rule: str
) -> None:
    record = {"USUBJID": "01", "CMSEQ": 1.0, "CMTRT": drug, "CMCAT": category, "CMSTDTC": "2024-05-01"}
    given = frames(CM=pd.DataFrame([record]), SUPPCM=ORDER.assign(QVAL=kind))
    out = derive_subjects(given, adsl_options(STUDY))
    assert day(out.adsl["NACTDT"].iloc[0]) == expected
    assert out.findings["RULE"].tolist() == ([rule] if rule else [])
    evidence = out.evidence[out.evidence["FACT"] == "new therapy"]
    assert evidence["CHOSEN"].tolist() == (["Y"] if expected else [""])
    assert evidence["REASON"].str.contains("an order of a drug of the study").tolist() == [bool(rule)]


def test_a_dose_of_another_study_drug_is_a_later_line_whatever_was_ordered_before() -> None:
    order = {"USUBJID": "01", "CMSEQ": 1.0, "CMTRT": "Sorafenib", "CMCAT": "ANTINEOPLASTIC", "CMSTDTC": "2024-05-01"}
    given = frames(CM=pd.DataFrame([order]), SUPPCM=ORDER.assign(QVAL="ORDER"))
    dose = {"USUBJID": "01", "EXSEQ": 2.0, "EXTRT": "SORAFENIB", "EXDOSE": 400.0, "EXSTDTC": "2024-05-20"}
    given["EX"] = pd.concat([given["EX"], pd.DataFrame([dose])], ignore_index=True).fillna({"EXENDTC": ""})
    assert day(derive_subjects(given, adsl_options(STUDY)).adsl["NACTDT"].iloc[0]) == "2024-05-20"


# A drug in every cycle, ordered or taken: responses PR PR PD on days 56, 112, 168.
@pytest.mark.parametrize(
    ("drug", "kind", "best", "code"),
    [
        ("Lenvatinib", "ORDER", "PR", 0),
        ("Lenvatinib", "", "PR", 0),
        ("Sorafenib", "ORDER", "PR", 0),
        ("Sorafenib", "", "MISSING", 5),
    ],
)
def test_orders_of_study_drugs_leave_response_and_progression_as_they_are(
    drug: str, kind: str, best: str, code: int
) -> None:
    days = ["2024-05-05", "2024-06-30", "2024-08-25"]
    rs = pd.DataFrame({"USUBJID": "01", "RSDTC": days, "RSSTRESC": ["PR", "PR", "PD"], "RSSEQ": [1.0, 2.0, 3.0]})
    rs = rs.assign(RSTESTCD="OVRLRESP", RSCAT="RECIST 1.1", RSEVAL="INVESTIGATOR", VISITNUM=[1.0, 2.0, 3.0])
    # After more days than those within which drugs begin together.
    taken = ["2024-04-20", "2024-04-28", "2024-05-01"]
    cm = pd.DataFrame({"USUBJID": "01", "CMTRT": drug, "CMCAT": "ANTINEOPLASTIC", "CMSTDTC": taken})
    supp = pd.concat([ORDER.assign(IDVARVAL=str(n), QVAL=kind) for n in (1, 2, 3)], ignore_index=True)
    made = build_adam(frames(RS=rs, CM=cm.assign(CMSEQ=[1.0, 2.0, 3.0]), SUPPCM=supp), STUDY).frames
    adrs, tte = made["ADRS"].set_index("PARAMCD"), made["ADTTE"].set_index("PARAMCD")
    assert (adrs.loc["CBOR", "AVALC"], tte.loc["PFS", "CNSR"]) == (best, code)


UNSURE = "drug that may be anticancer therapy"
# CMTRT, nothing else said | whether it is new therapy | rule: drugs are known by name, brand and in Chinese.
NAMED = [
    ("Regorafenib", True, ""),
    ("Stivarga 40 mg tablets", True, ""),
    ("瑞戈非尼片", True, ""),
    ("FOLFOX: oxaliplatin + 5-fluorouracil", True, ""),
    ("TRASTUZUMAB-DERUXTECAN", True, ""),
    ("Lenvima", False, ""),  # the brand of the subject's own drug
    ("Methotrexate", False, UNSURE),  # for rheumatism, perhaps
    ("Dexamethasone", False, ""),
    ("Aciclovir", False, ""),
]


@pytest.mark.parametrize(("drug", "new", "rule"), NAMED)
def test_a_drug_against_cancer_is_known_by_its_names(drug: str, new: bool, rule: str) -> None:
    made = found("CM", {"CMTRT": drug, "CMSTDTC": "2024-05-01"})
    assert day(made.adsl["NACTDT"].iloc[0]) == ("2024-05-01" if new else "")
    assert made.findings["RULE"].tolist() == ([rule] if rule else [])


PROCEDURES = ["Strahlentherapie", "Bestrahlung", "化疗", "放疗", "Radioterapia"]


@pytest.mark.parametrize("name", PROCEDURES)
def test_treatment_of_a_tumour_is_known_in_other_languages(name: str) -> None:
    made = found("PR", {"PRTRT": name, "PRSTDTC": "2024-05-01"})
    assert day(made.adsl["NACTDT"].iloc[0]) == "2024-05-01"
