"""Trial design from the study file: TS, TA, TE, TV, TI, and SE of each subject.

SDTMIG 3.4: sections 5.3 (SE), 7.2.1 (TA), 7.2.2 (TE), 7.3.1 (TV), 7.4.1 (TI) and 7.4.2 (TS).

What the study file cannot answer is not invented: a TS parameter without a value carries a null flavor
(TSVALNF), and a study without criteria has no TI.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from fhir2cdisc.mappings.study import Study
from fhir2cdisc.sdtm.methods import derives
from fhir2cdisc.sdtm.timing import days_of, study_day
from fhir2cdisc.sdtm.trial.trial_summary import build_ts
from fhir2cdisc.sdtm.trial.visits import planned_visit

KEYS: dict[str, tuple[str, ...]] = {
    "SE": ("STUDYID", "USUBJID", "SESTDTC", "TAETORD"),
    "TA": ("STUDYID", "ARMCD", "TAETORD"),
    "TE": ("STUDYID", "ETCD"),
    "TI": ("STUDYID", "IETESTCD", "TIVERS"),
    "TS": ("STUDYID", "TSPARMCD", "TSSEQ"),
    "TV": ("STUDYID", "VISITNUM"),
}
# Elements: code, name, epoch, rule for start, rule for end.
ELEMENTS = (
    ("SCRN", "Screening", "SCREENING", "Informed consent", "First dose of study treatment"),
    ("TRT", "Treatment", "TREATMENT", "First dose of study treatment", "Last dose of study treatment"),
    ("FU", "Follow-up", "FOLLOW-UP", "Last dose of study treatment", "End of study participation"),
)


def trial_design(frames: dict[str, pd.DataFrame], study: Study) -> dict[str, pd.DataFrame]:
    """TS always; TA, TE and SE where the study has arms; TV where visits were planned; TI where it has criteria."""
    made = {"TS": build_ts(frames, study)}
    if study.arms:
        made["TA"], made["TE"] = build_ta(study), build_te(study)
        se = build_se(frames["DM"])
        if len(se):
            made["SE"] = se
    if study.criteria:
        made["TI"] = build_ti(study)
    tv = build_tv(frames.get("SV"), study)
    if len(tv):
        made["TV"] = tv
    return made


def build_te(study: Study) -> pd.DataFrame:
    return pd.DataFrame(
        [[study.studyid, "TE", code, name, start, end] for code, name, _, start, end in ELEMENTS],
        columns=["STUDYID", "DOMAIN", "ETCD", "ELEMENT", "TESTRL", "TEENRL"],
    ).sort_values("ETCD", ignore_index=True)


def build_ta(study: Study) -> pd.DataFrame:
    """TA: every arm goes through screening, treatment and follow-up."""
    rows = [
        [study.studyid, "TA", arm.code, arm.label, float(place), code, name, epoch]
        for arm in sorted(study.arms, key=lambda arm: arm.code)
        for place, (code, name, epoch, _, _) in enumerate(ELEMENTS, start=1)
    ]
    return pd.DataFrame(rows, columns=["STUDYID", "DOMAIN", "ARMCD", "ARM", "TAETORD", "ETCD", "ELEMENT", "EPOCH"])


def build_ti(study: Study) -> pd.DataFrame:
    """TI: one record for each eligibility criterion, by code."""
    columns = ["IETESTCD", "IETEST", "IECAT", "IESCAT", "TIRL", "TIVERS"]
    rows = [[one.code, one.text, one.category, one.subcategory, one.rule, one.version] for one in study.criteria]
    made = pd.DataFrame(rows, columns=columns).sort_values(["IETESTCD", "TIVERS"], ignore_index=True)
    empty = [name for name in ("IESCAT", "TIRL", "TIVERS") if not made[name].any()]
    made.insert(0, "STUDYID", study.studyid)
    made.insert(1, "DOMAIN", "TI")
    return made.drop(columns=empty)


@derives("TV.VISITNUM", "Planned day of the visit with the tenths of VISITNUM in SV; 9000 and more after the last dose")
def build_tv(sv: pd.DataFrame | None, study: Study) -> pd.DataFrame:
    """TV: the visits that the study file names, and of those planned by cycles or intervals the ones that took place.

    The end of treatment and what follows it have no planned day.
    """
    columns = ["VISITNUM", "VISIT", "VISITDY"]
    named = [(float(visit.day), visit.name.upper(), float(visit.day)) for visit in study.schedule.visits]
    planned = pd.DataFrame(named, columns=columns).astype({"VISITNUM": float, "VISIT": object, "VISITDY": float})
    if sv is not None and "VISITDY" in sv:
        took_place = sv[[planned_visit(name, study) is not None for name in sv["VISIT"]]][columns]
        took_place = took_place.assign(VISIT=took_place["VISIT"].str.upper())
        # First, since a source may number the visits of the study file otherwise.
        planned = took_place if planned.empty else pd.concat([took_place, planned])
        planned = planned.drop_duplicates("VISIT")
    planned = planned.drop_duplicates("VISITNUM").sort_values("VISITNUM")
    days = planned["VISITDY"]
    rule = days.map("Day {:g} from the first dose".format).where(days.notna(), "After the last dose")
    made = planned.assign(STUDYID=study.studyid, DOMAIN="TV", TVSTRL=rule)
    return made[["STUDYID", "DOMAIN", *columns, "TVSTRL"]].reset_index(drop=True)


@derives("SE.EPOCH", "The epoch of the element")
@derives("SE.SESTDTC", "RFICDTC of screening, RFXSTDTC of treatment, RFXENDTC of follow-up")
@derives(
    "SE.SEENDTC",
    "RFXSTDTC of screening, RFXENDTC of treatment, RFPENDTC of follow-up; the start of the element where that is later",
)
def build_se(dm: pd.DataFrame) -> pd.DataFrame:
    """SE: the elements that a subject went through, from the reference dates in DM; open at the end if not known."""
    spans = (("SCRN", "RFICDTC", "RFXSTDTC"), ("TRT", "RFXSTDTC", "RFXENDTC"), ("FU", "RFXENDTC", "RFPENDTC"))
    names = {code: (place, name, epoch) for place, (code, name, epoch, _, _) in enumerate(ELEMENTS, start=1)}
    parts = []
    for code, start, end in spans:
        place, name, epoch = names[code]
        part = pd.DataFrame(
            {
                "STUDYID": dm["STUDYID"],
                "DOMAIN": "SE",
                "USUBJID": dm["USUBJID"],
                "ETCD": code,
                "ELEMENT": name,
                "SESTDTC": dm[start],
                "SEENDTC": dm[end],
                "TAETORD": float(place),
                "EPOCH": epoch,
            }
        )
        closed = part["SEENDTC"].where(~(days_of(part["SEENDTC"]) < days_of(part["SESTDTC"])), part["SESTDTC"])
        days = {"SESTDY": study_day(part["SESTDTC"], dm["RFSTDTC"]), "SEENDY": study_day(closed, dm["RFSTDTC"])}
        parts.append(part.assign(SEENDTC=closed, **days)[part["SESTDTC"] != ""])
    se = pd.concat(parts).sort_values(["USUBJID", "TAETORD"], kind="stable").reset_index(drop=True)
    se["SESEQ"] = (se.groupby("USUBJID").cumcount() + 1).astype(float)
    se = se.replace({"SEENDTC": {np.nan: ""}})
    order = [
        "STUDYID",
        "DOMAIN",
        "USUBJID",
        "SESEQ",
        "ETCD",
        "ELEMENT",
        "TAETORD",
        "EPOCH",
        "SESTDTC",
        "SEENDTC",
        "SESTDY",
        "SEENDY",
    ]
    return se[order]
