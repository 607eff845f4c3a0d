"""Trial design from the study file: TS, TA, TE, TV, and SE of each subject (SDTMIG 3.4 sections 7.2 to 7.4, 5.3).

What the study file cannot answer is not invented: a TS parameter without a value carries a null flavor
(TSVALNF), and TI is left out, since a study file holds no eligibility criteria.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from fhir2cdisc.mappings.study import Study
from fhir2cdisc.sdtm.metadata import codelist
from fhir2cdisc.sdtm.timing import days_of, study_day

KEYS: dict[str, tuple[str, ...]] = {
    "SE": ("STUDYID", "USUBJID", "SESTDTC", "TAETORD"),
    "TA": ("STUDYID", "ARMCD", "TAETORD"),
    "TE": ("STUDYID", "ETCD"),
    "TS": ("STUDYID", "TSPARMCD", "TSSEQ"),
    "TV": ("STUDYID", "VISITNUM"),
}
# Elements: code, name, epoch, rule for start, rule for end.
ELEMENTS = (
    ("SCRN", "Screening", "SCREENING", "Informed consent", "First dose of study treatment"),
    ("TRT", "Treatment", "TREATMENT", "First dose of study treatment", "Last dose of study treatment"),
    ("FU", "Follow-up", "FOLLOW-UP", "Day after the last dose of study treatment", "End of study participation"),
)
_NOT_APPLICABLE, _UNKNOWN = "NA", "UNK"
_STYPE = {"interventional": "INTERVENTIONAL", "observational": "OBSERVATIONAL", "registry": "OBSERVATIONAL"}


def trial_design(frames: dict[str, pd.DataFrame], study: Study) -> dict[str, pd.DataFrame]:
    """TS always; TA, TE and SE where the study has arms; TV where visits were planned."""
    made = {"TS": build_ts(frames, study)}
    if study.arms:
        made["TA"], made["TE"] = build_ta(study), build_te(study)
        se = build_se(frames["DM"])
        if len(se):
            made["SE"] = se
    tv = build_tv(frames.get("SV"), study)
    if len(tv):
        made["TV"] = tv
    return made


def _parameters(frames: dict[str, pd.DataFrame], study: Study) -> list[tuple[str, str, str]]:
    """(TSPARMCD, value, null flavor where there is no value), several of one parameter in their order."""
    design, dm = study.design, frames["DM"]
    trial = design.kind == "interventional"
    primary = [e.title for e in study.endpoints if e.role == "primary"]
    secondary = [e.title for e in study.endpoints if e.role == "secondary"]
    consents = sorted(d for d in dm["RFICDTC"] if d)
    many = [
        ("OUTMSPRI", primary), ("OUTMSSEC", secondary), ("INDIC", design.conditions),
        ("TRT", tuple(d.name for d in study.drugs)), ("FCNTRY", tuple(sorted({c for c in dm["COUNTRY"] if c}))),
    ]  # fmt: skip
    single = [
        ("TITLE", study.title, _UNKNOWN),
        ("STYPE", _STYPE[design.kind], ""),
        ("TPHASE", f"PHASE {design.phase.upper()} TRIAL" if design.phase else "", _NOT_APPLICABLE),
        ("TBLIND", "OPEN LABEL" if trial else "", _NOT_APPLICABLE),
        ("TCNTRL", "NONE" if trial and len(study.arms) == 1 else "", _NOT_APPLICABLE),
        ("TTYPE", "EFFICACY" if study.endpoints else "", _UNKNOWN),
        ("TINDTP", "TREATMENT" if study.drugs else "", _UNKNOWN),
        ("INTMODEL", "SINGLE GROUP" if trial and len(study.arms) == 1 else "", _NOT_APPLICABLE),
        ("INTTYPE", "DRUG" if study.drugs else "", _UNKNOWN),
        ("RANDOM", "N" if study.endpoints else "", _UNKNOWN),
        ("ADDON", "", _UNKNOWN),
        ("ADAPT", "N" if trial else "", _NOT_APPLICABLE),
        ("STOPRULE", "NONE" if study.endpoints else "", _UNKNOWN),
        ("NARMS", str(len(study.arms)) if study.arms else "", _NOT_APPLICABLE),
        ("PLANSUB", str(design.planned) if "planned" in design.stated else "", _UNKNOWN),
        ("ACTSUB", str(len(dm)), ""),
        ("SEXPOP", "BOTH", ""),
        ("AGEMIN", "", _UNKNOWN),
        ("AGEMAX", "", _UNKNOWN),
        ("HLTSUBJI", "N", ""),
        ("OBJPRIM", f"To evaluate: {'; '.join(primary)}" if primary else "", _UNKNOWN),
        ("LENGTH", f"P{design.follow_up_months:g}M" if "follow_up_months" in design.stated else "", _UNKNOWN),
        ("REGID", design.registry, _UNKNOWN),
        ("SPONSOR", "", _UNKNOWN),
        ("SSTDTC", design.start or (consents[0][:10] if consents else ""), _UNKNOWN),
        ("SENDTC", design.end, _UNKNOWN),
        ("DCUTDTC", study.cutoff, _NOT_APPLICABLE),
        ("DCUTDESC", "END OF THE TIME FRAME OF THE PROTOCOL" if study.cutoff else "", _NOT_APPLICABLE),
        ("SDTIGVER", "3.4", ""),
        ("SDTMVER", "2.0", ""),
    ]
    listed = [(code, value, _UNKNOWN) for code, values in many for value in (values or ("",))]
    return sorted([*single, *listed], key=lambda row: row[0])


def build_ts(frames: dict[str, pd.DataFrame], study: Study) -> pd.DataFrame:
    """TS: one record for each parameter value; TSVALNF says why a value is missing."""
    names = codelist("TSPARM").by_code
    codes = codelist("TSPARMCD").terms
    rows = pd.DataFrame(_parameters(frames, study), columns=["TSPARMCD", "TSVAL", "TSVALNF"])
    rows["STUDYID"], rows["DOMAIN"] = study.studyid, "TS"
    rows["TSSEQ"] = (rows.groupby("TSPARMCD").cumcount() + 1).astype(float)
    rows["TSPARM"] = rows["TSPARMCD"].map(lambda code: names[codes[code]])
    rows["TSVALNF"] = rows["TSVALNF"].where(rows["TSVAL"] == "", "")
    order = ["STUDYID", "DOMAIN", "TSSEQ", "TSPARMCD", "TSPARM", "TSVAL", "TSVALNF"]
    return rows.sort_values(["TSPARMCD", "TSSEQ"], kind="stable")[order].reset_index(drop=True)


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


def build_tv(sv: pd.DataFrame | None, study: Study) -> pd.DataFrame:
    """TV: the planned visits that took place, with their planned day."""
    columns = ["STUDYID", "DOMAIN", "VISITNUM", "VISIT", "VISITDY", "TVSTRL"]
    if sv is None or "VISITDY" not in sv:
        return pd.DataFrame(columns=columns)
    planned = sv[sv["VISITDY"].notna()].drop_duplicates("VISITNUM").sort_values("VISITNUM")
    rule = planned["VISITDY"].map(lambda day: f"Day {day:g} from the first dose")
    made = planned[["VISITNUM", "VISIT", "VISITDY"]].assign(STUDYID=study.studyid, DOMAIN="TV", TVSTRL=rule)
    return made[columns].reset_index(drop=True)


def build_se(dm: pd.DataFrame) -> pd.DataFrame:
    """SE: the elements that a subject went through, from the reference dates in DM; open at the end if not known."""
    spans = (("SCRN", "RFICDTC", "RFXSTDTC"), ("TRT", "RFXSTDTC", "RFXENDTC"), ("FU", "RFXENDTC", "RFPENDTC"))
    names = {code: (place, name, epoch) for place, (code, name, epoch, _, _) in enumerate(ELEMENTS, start=1)}
    parts = []
    for code, start, end in spans:
        place, name, epoch = names[code]
        part = pd.DataFrame(
            {
                "STUDYID": dm["STUDYID"], "DOMAIN": "SE", "USUBJID": dm["USUBJID"], "ETCD": code, "ELEMENT": name,
                "SESTDTC": dm[start], "SEENDTC": dm[end], "TAETORD": float(place), "EPOCH": epoch,
                "_REF": dm["RFSTDTC"],
            }
        )  # fmt: skip
        closed = part["SEENDTC"].where(~(days_of(part["SEENDTC"]) < days_of(part["SESTDTC"])), part["SESTDTC"])
        parts.append(part.assign(SEENDTC=closed)[part["SESTDTC"] != ""])
    se = pd.concat(parts).sort_values(["USUBJID", "TAETORD"], kind="stable").reset_index(drop=True)
    se["SESEQ"] = (se.groupby("USUBJID").cumcount() + 1).astype(float)
    se["SESTDY"], se["SEENDY"] = study_day(se["SESTDTC"], se["_REF"]), study_day(se["SEENDTC"], se["_REF"])
    se = se.replace({"SEENDTC": {np.nan: ""}})
    order = [
        "STUDYID", "DOMAIN", "USUBJID", "SESEQ", "ETCD", "ELEMENT", "TAETORD", "EPOCH", "SESTDTC", "SEENDTC",
        "SESTDY", "SEENDY",
    ]  # fmt: skip
    return se[order]
