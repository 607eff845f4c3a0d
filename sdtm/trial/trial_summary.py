"""Trial summary (TS) from the study file and DM, with the code of each value (SDTMIG 3.4 section 7.4.2).

What neither says is not guessed: such a parameter carries a null flavor (TSVALNF, section 7.4.2.1), and one finding
names all that are unknown, so that the study file can be completed.
"""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
from fhir2cdisc.fhir.findings import Finding
from fhir2cdisc.mappings.standard.datasets import SDTM_CT_VERSION, SDTM_STANDARD, codelist
from fhir2cdisc.mappings.study import Study, StudyError
from fhir2cdisc.sdtm.methods import derives

# Null flavors of ISO 21090.
_NOT_APPLICABLE, _UNKNOWN = "NA", "UNK"
_STYPE = {"interventional": "INTERVENTIONAL", "observational": "OBSERVATIONAL", "registry": "OBSERVATIONAL"}
# NCI codes of the values, by parameter; of those whose values are Y and N, the codelist NY has them.
_CODES = {
    "INTMODEL": {"SINGLE GROUP": "C82640", "PARALLEL": "C82639"},
    "INTTYPE": {"DRUG": "C1909"},
    "SEXPOP": {"BOTH": "C49636", "F": "C16576", "M": "C20197"},
    "STYPE": {"INTERVENTIONAL": "C98388", "OBSERVATIONAL": "C16084"},
    "TBLIND": {"OPEN LABEL": "C49659", "DOUBLE BLIND": "C15228"},
    "TCNTRL": {"NONE": "C41132", "PLACEBO": "C49648"},
    "TINDTP": {"TREATMENT": "C49656", "PREVENTION": "C49657"},
    "TPHASE": {
        "PHASE II TRIAL": "C15601",
        "PHASE IIA TRIAL": "C49686",
        "PHASE IIB TRIAL": "C49688",
        "PHASE II/III TRIAL": "C15694",
        "PHASE III TRIAL": "C15602",
        "PHASE IV TRIAL": "C15603",
    },
    "TTYPE": {"EFFICACY": "C49666", "SAFETY": "C49667"},
}
_YES_NO = ("ADAPT", "ADDON", "HLTSUBJI", "RANDOM")
# What a study file can say under `trial_summary` only: nothing else in it answers these.
_BY_NAME_ONLY = "ADDON AGEMAX AGEMIN HLTSUBJI INTTYPE RANDOM SEXPOP SPONSOR STOPRULE TINDTP TTYPE".split()
_ISO_8601 = ("AGEMAX", "AGEMIN", "CRMDUR", "DCUTDTC", "LENGTH", "SDMDUR", "SENDTC", "SSTDTC")
_UNII = "http://fdasis.nlm.nih.gov"

Rows = list[tuple[str, str, str]]


@derives("TS.TSSEQ", "Numbered from 1 within the parameter")
def build_ts(frames: dict[str, pd.DataFrame], study: Study) -> pd.DataFrame:
    """TS: one record for each parameter value; TSVALNF says why a value is missing.

    Raises StudyError where the study file gives a parameter that does not exist.
    """
    names = codelist("TSPARM").by_code
    codes = codelist("TSPARMCD").terms
    given = _given(study)
    replaced = {code for code, _, _ in given}
    computed = [row for row in (*_plan(study), *_facts(frames["DM"], study)) if row[0] not in replaced]
    rows = pd.DataFrame([*computed, *given], columns=["TSPARMCD", "TSVAL", "TSVALNF"])
    rows["STUDYID"], rows["DOMAIN"] = study.studyid, "TS"
    rows["TSSEQ"] = (rows.groupby("TSPARMCD").cumcount() + 1).astype(float)
    rows["TSPARM"] = rows["TSPARMCD"].map(lambda code: names[codes[code]])
    rows["TSVALNF"] = rows["TSVALNF"].where(rows["TSVAL"] == "", "")
    coded = [_coded(code, value, study) for code, value in zip(rows["TSPARMCD"], rows["TSVAL"], strict=True)]
    rows[["TSVALCD", "TSVCDREF", "TSVCDVER"]] = pd.DataFrame(coded, index=rows.index, dtype=object)
    order = [
        "STUDYID",
        "DOMAIN",
        "TSSEQ",
        "TSPARMCD",
        "TSPARM",
        "TSVAL",
        "TSVALNF",
        "TSVALCD",
        "TSVCDREF",
        "TSVCDVER",
    ]
    return rows.sort_values(["TSPARMCD", "TSSEQ"], kind="stable")[order].reset_index(drop=True)


def unknown_parameters(ts: pd.DataFrame) -> list[Finding]:
    """One finding that names the parameters of TS whose value nobody said, none where there are none."""
    codes = sorted(set(ts.loc[ts["TSVALNF"] == _UNKNOWN, "TSPARMCD"]))
    if not codes:
        return []
    said = f"TS: {', '.join(codes)}: neither the study file nor the data say them, so TSVALNF is UNK"
    return [Finding("ts.unknown", f"{said}; give them under [[trial_summary]]", "info", variable="TSVAL")]


def _plan(study: Study) -> Rows:
    """What the study file says was planned: (TSPARMCD, value, null flavor where there is no value).

    Whatever a file does not say of a trial is unknown; of a study that it calls observational it is not applicable.
    """
    design = study.design
    unsaid = _NOT_APPLICABLE if design.kind in ("observational", "registry") else _UNKNOWN
    one_arm = design.kind == "interventional" and len(study.arms) == 1
    primary = [e.title for e in study.endpoints if e.role == "primary"]
    return [
        ("TITLE", study.title, _UNKNOWN),
        ("STYPE", _STYPE.get(design.kind, ""), _UNKNOWN),
        ("TPHASE", f"PHASE {design.phase.upper()} TRIAL" if design.phase else "", unsaid),
        ("INTMODEL", "SINGLE GROUP" if one_arm else "", unsaid),
        ("NARMS", str(len(study.arms)) if study.arms else "", unsaid),
        *((code, "", unsaid) for code in ("ADAPT", "TBLIND", "TCNTRL")),
        *((code, "", _UNKNOWN) for code in _BY_NAME_ONLY),
        ("PLANSUB", str(design.planned) if "planned" in design.stated else "", _UNKNOWN),
        ("OBJPRIM", f"To evaluate: {'; '.join(primary)}" if primary else "", _UNKNOWN),
        ("LENGTH", f"P{design.follow_up_months:g}M" if "follow_up_months" in design.stated else "", _UNKNOWN),
        ("REGID", design.registry, _UNKNOWN),
        ("SDTIGVER", SDTM_STANDARD[1], ""),
        ("SDTMVER", "2.0", ""),
        *_several(study, primary),
    ]


def _several(study: Study, primary: list[str]) -> Iterator[tuple[str, str, str]]:
    """The planned parameters that may have several values."""
    lists = {
        "OUTMSPRI": primary,
        "OUTMSSEC": [e.title for e in study.endpoints if e.role == "secondary"],
        "INDIC": study.design.conditions,
        "TRT": [drug.name for drug in study.drugs] or [study.design.treatment],
    }
    for code, values in lists.items():
        yield from ((code, value, _UNKNOWN) for value in (values or ("",)))


def _facts(dm: pd.DataFrame, study: Study) -> Rows:
    """What the data and the rules of response say; the rules only where they are the protocol's and no default."""
    consents = sorted(d for d in dm["RFICDTC"] if d)
    responses = any(e.kind in ("proportion", "distribution") and e.dataset != "ADSL" for e in study.endpoints)
    stated, days = study.response.stated, study.response
    durations = {
        "CRMDUR": f"P{days.confirm_days}D" if "confirm_days" in stated else "",
        "SDMDUR": f"P{days.sd_min_days}D" if "sd_min_days" in stated else "",
    }
    countries = sorted({c for c in dm["COUNTRY"] if c}) or [""]
    return [
        ("ACTSUB", str(len(dm)), ""),
        ("SSTDTC", study.design.start or (consents[0][:10] if consents else ""), _UNKNOWN),
        ("SENDTC", study.design.end, _UNKNOWN),
        ("DCUTDTC", study.cutoff, _NOT_APPLICABLE),
        ("DCUTDESC", "", _UNKNOWN if study.cutoff else _NOT_APPLICABLE),
        *(("FCNTRY", country, _UNKNOWN) for country in countries),
        *((code, value, _UNKNOWN) for code, value in durations.items() if responses),
    ]


def _given(study: Study) -> Rows:
    """The parameters that the study file itself gives; StudyError for a code that is none."""
    known = codelist("TSPARMCD").terms
    rows: Rows = []
    for one in study.trial_summary:
        if one.code not in known:
            raise StudyError(
                f"study {study.id}: trial_summary: {one.code} is no trial summary parameter "
                f"(codelist TSPARMCD of {SDTM_CT_VERSION})"
            )
        rows += [(one.code, value, _UNKNOWN) for value in (one.values or ("",))]
    return rows


def _coded(code: str, value: str, study: Study) -> tuple[str, str, str]:
    """TSVALCD, TSVCDREF and TSVCDVER of a value; all empty where it has no code or is missing."""
    terms = codelist("NY").terms if code in _YES_NO else _CODES.get(code, {})
    if value in terms:
        return terms[value], "CDISC CT", SDTM_CT_VERSION
    if value and code in _ISO_8601:
        return "", "ISO 8601", ""
    if value and code == "FCNTRY":
        return "", "ISO 3166", ""
    if code == "REGID" and value.startswith("NCT"):
        return value, "ClinicalTrials.gov", ""
    if code == "TRT":
        unii = [c.code for drug in study.drugs if drug.name == value for c in drug.codes if c.system == _UNII]
        return (unii[0], "UNII", "") if unii else ("", "", "")
    return "", "", ""
