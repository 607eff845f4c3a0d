"""Death by DM, DD, DS, AE and SS: the day, its flag and bounds, the record that gave it, and what is said of it.

Every subject is treated on 2020-01-10 and has vital signs on the day `seen`. The expected day follows from the rule:
the first source in the order DM, DD, DS, AE, SS with a date; of a partial one the first possible day not before `seen`.
"""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from fhir2cdisc.adam.build import Adam, build_adam
from fhir2cdisc.adam.plan import adsl_options
from fhir2cdisc.adam.subject.adsl import Subjects, derive_subjects
from fhir2cdisc.mappings.study import Study
from fhir2cdisc.mappings.study_facts import Death

PLAIN = Study(id="plain", studyid="PLAIN", title="Plain")
FIRST = "2020-01-10"


def day(value: Any) -> str:
    return "" if pd.isna(value) else f"{value:%Y-%m-%d}"


def frames(seen: str, says: str) -> dict[str, pd.DataFrame]:
    """What the domains say: `DM 2020-09; DS 2020-09-12; AE 2020-09-01 2020-09-10; SS 2020-09-20`.

    DST is of treatment, `DS:WORDS` of the subcategory with these words.
    """
    dm = {"USUBJID": "01", "STUDYID": "PLAIN", "RFICDTC": "2020-01-01", "RFSTDTC": FIRST, "DTHDTC": "", "DTHFL": ""}
    made: dict[str, list[dict[str, Any]]] = {name: [] for name in ("DD", "DS", "AE", "SS")}
    for part in filter(None, (one.strip() for one in says.split(";"))):
        domain, *dates = part.split()
        first = dates[0].replace("-none", "") if dates else ""
        if domain == "DM":
            dm |= {"DTHDTC": first, "DTHFL": "Y"}
        elif domain == "DD":
            made["DD"].append({"DDTESTCD": "PRCDTH", "DDSTRESC": "TUMOUR", "DDDTC": first})
        elif domain.startswith("DS"):
            of = {"DST": "STUDY TREATMENT", "DS": "STUDY PARTICIPATION"}.get(domain, domain[3:].replace("-", " "))
            event = {"DSCAT": "DISPOSITION EVENT", "DSSCAT": of, "DSDECOD": "DEATH", "DSSTDTC": first}
            made["DS"].append(event)
        elif domain == "AE":
            end = dates[1] if len(dates) > 1 else ""
            made["AE"].append({"AETERM": "Sepsis", "AEOUT": "FATAL", "AESTDTC": first, "AEENDTC": end})
        else:
            made["SS"].append({"SSTESTCD": "SURVSTAT", "SSSTRESC": "DEAD", "SSDTC": first})
    out = {name: pd.DataFrame(rows).assign(USUBJID="01") for name, rows in made.items() if rows}
    out = {name: frame.assign(**{f"{name}SEQ": range(1, len(frame) + 1)}) for name, frame in out.items()}
    ex = {"USUBJID": "01", "EXSEQ": 1.0, "EXTRT": "DRUG", "EXDOSE": 1.0, "EXSTDTC": FIRST, "EXENDTC": FIRST}
    vs = {"USUBJID": "01", "VSSEQ": 1.0, "VSDTC": seen}
    return {"DM": pd.DataFrame([dm]), "EX": pd.DataFrame([ex]), "VS": pd.DataFrame([vs]), **out}


def subjects(seen: str, says: str, **options: Any) -> Subjects:
    study = PLAIN.model_copy(update={"death": Death(**options)})
    return derive_subjects(frames(seen, says), adsl_options(study))


# seen | what the domains say | DTHDT | DTHDTF | record chosen | rules found
NOTHING: tuple[str, ...] = ()
IMPUTED, UNDATED, DIFFER = "death date imputed", "death without a date", "death dates differ"
NOT_DM, LATE, AFTER = "death not in DM", "death before last contact", "records after death"
FROM_START = "death date from an earlier event"
CASES = [
    ("2020-06-01", "", "", "", "", NOTHING),
    ("2020-06-01", "DM 2020-09-12", "2020-09-12", "", "DM", NOTHING),
    ("2020-06-01", "DM 2020-09", "2020-09-01", "D", "DM", (IMPUTED,)),
    ("2020-09-05", "DM 2020-09", "2020-09-05", "D", "DM", (IMPUTED,)),  # not before the last contact
    ("2020-09-30", "DM 2020-09", "2020-09-30", "D", "DM", (IMPUTED,)),
    ("2020-10-01", "DM 2020-09", "2020-09-30", "D", "DM", (LATE,)),  # a record proves life after the month
    ("2020-06-01", "DM 2020", "2020-06-01", "M", "DM", (IMPUTED,)),
    ("2020-06-01", "DM 2021", "2021-01-01", "M", "DM", (IMPUTED,)),
    ("2020-06-01", "DM -none", "", "", "DM", (UNDATED,)),  # DTHFL alone
    ("2020-06-01", "DM 2020-09-12; DS 2020-09-12; DD 2020-09-12", "2020-09-12", "", "DM", NOTHING),
    ("2020-06-01", "DS 2020-09-12", "2020-09-12", "", "DS", (NOT_DM,)),
    ("2020-06-01", "DD 2020-09-12", "2020-09-12", "", "DD", (NOT_DM,)),
    ("2020-06-01", "AE 2020-09-01 2020-09-12", "2020-09-12", "", "AE", (NOT_DM,)),
    ("2020-06-01", "AE 2020-09-01", "2020-09-01", "", "AE", (FROM_START, NOT_DM)),
    ("2020-06-01", "SS 2020-09-20", "", "", "SS", (UNDATED, NOT_DM)),  # a bound is no date
    ("2020-06-01", "DD -none", "", "", "DD", (UNDATED, NOT_DM)),
    ("2020-06-01", "DM -none; DD 2020-09-12", "2020-09-12", "", "DD", NOTHING),
    ("2020-06-01", "DM 2020-09; DS 2020-09-12", "2020-09-12", "", "DS", NOTHING),  # the fuller of two that agree
    ("2020-06-01", "DM 2020-09; DS 2020-10-02", "2020-09-01", "D", "DM", (IMPUTED, DIFFER)),
    ("2020-06-01", "DM 2020-09-12; DS 2020-09-13", "2020-09-12", "", "DM", (DIFFER,)),  # one day is a difference
    ("2020-06-01", "DD 2020-09-13; DS 2020-09-12; AE 2020-09-01 2020-09-11", "2020-09-13", "", "DD", (DIFFER, NOT_DM)),
    ("2020-06-01", "DM 2020-09-12; AE 2020-09-01", "2020-09-12", "", "DM", NOTHING),  # a start is no contradiction
    ("2020-10-01", "DM 2020-09-12", "2020-09-12", "", "DM", (AFTER,)),
    # Treatment that death ended did so with the last dose, which is not the day of death.
    ("2020-06-01", "DST 2020-09-01; DS 2020-09-12", "2020-09-12", "", "DS", (NOT_DM,)),
    ("2020-06-01", "DM 2020-09-12; DST 2020-09-01", "2020-09-12", "", "DM", NOTHING),
    ("2020-06-01", "DST 2020-09-01", "2020-09-01", "", "DS", (FROM_START, NOT_DM)),
    # Whoever was seen later did not die on the day on which treatment ended, nor as the fatal event began.
    ("2020-09-02", "DST 2020-09-01", "", "", "DS", (UNDATED, NOT_DM)),
    ("2020-09-02", "AE 2020-09-01", "", "", "AE", (UNDATED, NOT_DM)),
    ("2020-06-01", "DST 2020-09-01; AE 2020-09-20", "2020-09-20", "", "AE", (FROM_START, NOT_DM)),  # the later start
    ("2020-09-10", "DST 2020-09", "2020-09-10", "D", "DS", (FROM_START, NOT_DM)),  # not before the last contact
    ("2020-10-01", "DST 2020-09", "", "", "DS", (UNDATED, NOT_DM)),
    ("2020-09-02", "DM -none; DST 2020-09-01", "", "", "DS", (UNDATED,)),
    # Other words for the end of treatment and of participation.
    ("2020-09-02", "DS:TREATMENT 2020-09-01", "", "", "DS", (UNDATED, NOT_DM)),
    ("2020-09-02", "DS:END-OF-TREATMENT-DRUG-A 2020-09-01", "", "", "DS", (UNDATED, NOT_DM)),
    ("2020-06-01", "DS: 2020-09-01", "2020-09-01", "", "DS", (NOT_DM,)),
    ("2020-06-01", "DS:POST-TREATMENT-FOLLOW-UP 2020-09-01", "2020-09-01", "", "DS", (NOT_DM,)),
]


@pytest.mark.parametrize(("seen", "says", "died", "flag", "chosen", "rules"), CASES)
def test_the_day_of_death(seen: str, says: str, died: str, flag: str, chosen: str, rules: tuple[str, ...]) -> None:
    found = subjects(seen, says)
    row = found.adsl.iloc[0]
    assert (day(row["DTHDT"]), row["DTHDTF"], row["DTHFL"]) == (died, flag, "Y" if says else "")
    evidence = found.evidence[found.evidence["FACT"] == "death"]
    assert evidence.loc[evidence["CHOSEN"] == "Y", "SRCDOM"].tolist() == ([chosen] if chosen else [])
    assert len(evidence) == (says.count(";") + 1 if says else 0) and (evidence["REASON"] != "").all()
    said = found.findings[found.findings["RULE"].str.contains("death")]
    assert sorted(said["RULE"]) == sorted(rules)
    assert (said["USUBJID"] == "01").all()


def test_what_a_finding_says() -> None:
    found = subjects("2020-09-05", "DM 2020-09").findings
    assert found["MESSAGE"].tolist() == [
        "Death is known as 2020-09 only (DM.DTHDTC): taken as 2020-09-05, the first possible day that is not before "
        "the last contact (possible from 2020-09-05 to 2020-09-30; the last contact was on 2020-09-05)."
    ]
    conflict = subjects("2020-06-01", "DM 2020-09-12; DS 2020-09-13").findings
    assert conflict["MESSAGE"].tolist() == [
        "Sources give different dates of death (DM.DTHDTC 2020-09-12, DS.DSSTDTC 2020-09-13); DM counts (order DM, DD, "
        "DS, AE, SS)."
    ]


# Options | what the domains say | DTHDT | DTHDTF
OPTIONS = [
    ({"partial": "last-possible"}, "DM 2020-09", "2020-09-30", "D"),
    ({"partial": "none"}, "DM 2020-09", "", ""),
    ({"order": ("DS", "DM")}, "DM 2020-09-12; DS 2020-09-13", "2020-09-13", ""),
    ({"undated": "event-at-last-contact"}, "DM -none", "2020-06-01", "Y"),
    ({"undated": "event-at-last-contact"}, "DST 2020-05-20", "2020-06-01", "Y"),
    ({"partial": "last-possible"}, "DST 2020-09", "2020-09-30", "D"),
    ({"partial": "none"}, "DST 2020-09", "", ""),
]


@pytest.mark.parametrize(("options", "says", "died", "flag"), OPTIONS)
def test_the_study_chooses_the_rule(options: dict[str, Any], says: str, died: str, flag: str) -> None:
    found = subjects("2020-06-01", says, **options)
    row = found.adsl.iloc[0]
    assert (day(row["DTHDT"]), row["DTHDTF"], row["DTHFL"]) == (died, flag, "Y")
    assert len(found.findings)


def test_the_end_of_a_fatal_event_proves_no_life() -> None:
    """The event ended with the subject, so the last contact is the vital signs before it."""
    row = subjects("2020-06-01", "AE 2020-05-01 2020-09-12").adsl.iloc[0]
    assert (day(row["LSTALVDT"]), row["LALVDOM"]) == ("2020-06-01", "VS")


def test_a_death_that_the_cut_off_makes_unknown_is_unknown_in_every_domain() -> None:
    says = "DM 2020-09-12; DS 2020-09-12; DD 2020-09-12; AE 2020-06-20 2020-09-12"
    study = PLAIN.model_copy(update={"cutoff": "2020-07-01"})
    row = build_adam(frames("2020-06-01", says), study).frames["ADSL"].iloc[0]
    assert (row["DTHFL"], day(row["DTHDT"])) == ("", "")


# Cut-off after the end of treatment and before the death: nobody knew of either.
@pytest.mark.parametrize("died", ["DM 2020-09-12", "DS 2020-09-12", "DD 2020-09-12", "AE 2020-06-20 2020-09-12"])
def test_the_end_of_treatment_says_nothing_of_a_death_after_the_cut_off(died: str) -> None:
    study = PLAIN.model_copy(update={"cutoff": "2020-07-01"})
    row = build_adam(frames("2020-06-01", f"{died}; DST 2020-06-15"), study).frames["ADSL"].iloc[0]
    assert (row["DTHFL"], day(row["DTHDT"])) == ("", "")
    known = build_adam(frames("2020-06-01", "DST 2020-06-15"), study).frames["ADSL"].iloc[0]
    assert (known["DTHFL"], day(known["DTHDT"])) == ("Y", "2020-06-15")


def survival(seen: str, says: str, **options: Any) -> tuple[Adam, pd.DataFrame]:
    study = PLAIN.model_copy(update={"death": Death(**options)})
    made = build_adam(frames(seen, says), study)
    return made, made.frames["ADTTE"].set_index("PARAMCD")


# seen, what is said, options | date, CNSR and words of OS
ENDS = [
    ("2020-06-01", "DM 2020-09", {}, "2020-09-01", 0, "Death"),
    ("2020-06-01", "DS 2020-09-12", {}, "2020-09-12", 0, "Death"),
    ("2020-06-01", "DM -none", {}, "2020-06-01", 9, "Death, Date Unknown"),
    (FIRST, "DM -none", {}, FIRST, 9, "Death, Date Unknown"),  # not seen after the first dose
    ("2020-06-01", "DM -none", {"undated": "event-at-last-contact"}, "2020-06-01", 0, "Death"),
    ("2020-06-01", "DM 2020-09", {"partial": "none"}, "2020-06-01", 9, "Death, Date Unknown"),
    ("2020-06-01", "", {}, "2020-06-01", 1, "Alive"),
]


@pytest.mark.parametrize(("seen", "says", "options", "date", "code", "words"), ENDS)
def test_how_survival_ends(seen: str, says: str, options: dict[str, Any], date: str, code: int, words: str) -> None:
    _, tte = survival(seen, says, **options)
    assert (day(tte.loc["OS", "ADT"]), tte.loc["OS", "CNSR"], tte.loc["OS", "EVNTDESC"]) == (date, code, words)


SCAN = pd.DataFrame(
    [
        {"USUBJID": "01", "RSSEQ": 1.0, "RSTESTCD": "OVRLRESP", "RSSTRESC": "PR", "RSDTC": "2020-03-10"},
        {"USUBJID": "01", "RSSEQ": 2.0, "RSTESTCD": "OVRLRESP", "RSSTRESC": "PR", "RSDTC": "2020-05-10"},
    ]
).assign(RSCAT="RECIST 1.1", RSEVAL="INVESTIGATOR", VISITNUM=[1.0, 2.0])
# A parameter that only a study file describes.
OWN = {
    "paramcd": "TTX",
    "param": "Time to Anything",
    "events": [{"says": "Death", "dataset": "ADSL", "date": "DTHDT"}],
    "censors": [{"says": "Alive and well", "dataset": "ADSL", "date": "LSTALVDT", "at": "Visit"}],
}
UNKNOWN = "Death, Date Unknown"
# What is said, options | parameter to CNSR, EVNTDESC and date: the last scan is of 10 May, the contact of 1 June.
TIMES: list[tuple[str, dict[str, Any], dict[str, tuple[int, str, str]]]] = [
    (
        "",
        {},
        {
            "PFS": (1, "No event, ongoing", "2020-05-10"),
            "PFSEMA": (1, "No event, ongoing", "2020-05-10"),
            "TTP": (1, "No event, ongoing", "2020-05-10"),
            "TTX": (1, "Alive and well", "2020-06-01"),
        },
    ),
    (
        "DM -none",
        {},
        {
            "OS": (9, UNKNOWN, "2020-06-01"),
            "PFS": (9, UNKNOWN, "2020-05-10"),
            "PFSEMA": (9, UNKNOWN, "2020-05-10"),
            "DOR": (9, UNKNOWN, "2020-05-10"),
            "CDOR": (9, UNKNOWN, "2020-05-10"),
            "TTP": (9, UNKNOWN, "2020-05-10"),
            "TTX": (9, UNKNOWN, "2020-06-01"),
        },
    ),
    (
        "DM -none",
        {"undated": "event-at-last-contact"},
        dict.fromkeys(("OS", "PFS", "PFSEMA", "DOR", "CDOR", "TTX"), (0, "Death", "2020-06-01"))
        | {"TTP": (1, "Death not an event", "2020-05-10")},
    ),
    ("DM 2020-06-02", {}, {"PFSEMA": (0, "Death", "2020-06-02"), "TTP": (1, "Death not an event", "2020-05-10")}),
]


@pytest.mark.parametrize(("says", "options", "expected"), TIMES)
def test_no_time_of_the_dead_says_that_they_go_on(
    says: str, options: dict[str, Any], expected: dict[str, tuple[int, str, str]]
) -> None:
    more = {"death": {**options}, "time_to_event": [OWN]}
    study = Study.model_validate({**PLAIN.model_dump(exclude={"death", "time_to_event"}), **more})
    made = build_adam({**frames("2020-06-01", says), "RS": SCAN}, study)
    tte = made.frames["ADTTE"].set_index("PARAMCD")
    found = {
        code: (int(tte.loc[code, "CNSR"]), tte.loc[code, "EVNTDESC"], day(tte.loc[code, "ADT"])) for code in expected
    }
    assert found == expected
    if says:
        for words in ("ongoing", "alive"):
            assert not tte["EVNTDESC"].str.lower().str.contains(words).any()
            assert not tte["CNSDTDSC"].str.lower().str.contains(words).any()
    method = made.datasets["ADTTE"]["CNSR"].method
    assert "Who died (ADSL.DTHFL) without such a date: CNSR 9 'Death, Date Unknown' there." in method


def test_both_bounds_of_an_imputed_death_are_shown_and_only_then() -> None:
    made, tte = survival("2020-09-05", "DM 2020-09")
    # From 2020-01-10 on: 5 September is day 240, 30 September day 265.
    assert tte.loc[["OS", "OSE", "OSL"], "AVAL"].tolist() == [240, 240, 265]
    assert tte.loc["OSL", "CNSR"] == 0
    adsl = made.frames["ADSL"].iloc[0]
    assert (day(adsl["DTHEDT"]), day(adsl["DTHLDT"])) == ("2020-09-05", "2020-09-30")
    sure, plain = survival("2020-06-01", "DM 2020-09-12")
    assert "OSE" not in plain.index and "DTHEDT" not in sure.frames["ADSL"]


def test_an_unknown_day_lies_between_the_last_contact_and_the_day_the_subject_was_found_dead() -> None:
    made, tte = survival("2020-06-01", "SS 2020-09-20")
    adsl = made.frames["ADSL"].iloc[0]
    assert (day(adsl["DTHEDT"]), day(adsl["DTHLDT"])) == ("2020-06-01", "2020-09-20")
    assert tte.loc[["OS", "OSE", "OSL"], "CNSR"].tolist() == [9, 0, 0]


def test_an_unknown_day_after_the_end_of_treatment_lies_after_the_last_contact() -> None:
    found = subjects("2020-09-05", "DST 2020-09-01")
    adsl = found.adsl.iloc[0]
    assert (day(adsl["DTHEDT"]), day(adsl["DTHLDT"])) == ("2020-09-05", "2020-09-05")
    assert found.findings.loc[found.findings["RULE"] == UNDATED, "MESSAGE"].tolist() == [
        "The subject died by DS, nobody says when (the end of treatment for death 2020-09-01 is not that day); the "
        "last contact was on 2020-09-05: survival is censored there (CNSR 9)."
    ]
