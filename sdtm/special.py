"""What single domains need beyond their mapping: defaults that the study states, names from codelists, links.

Each function takes and returns the rows of one domain; `SPECIAL` names which domain has one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

import numpy as np
import pandas as pd
from fhir2cdisc.mappings.study import Study
from fhir2cdisc.sdtm.columns import ANTINEOPLASTIC, CANONICAL, CODES, COHORT, DRUG, ORDER, ORDINAL, STRESC

# RSTESTCD that are judgements of tumour response, as against clinical classifications such as ECOG.
RESPONSE_TESTS = ("OVRLRESP", "TRGRESP", "NTRGRESP", "NEWLIND", "BESTRESP", "TMRESP", "SYMPTDTR")
# Questionnaire codes that hospitals use as linkId, by QSCAT: the form's own item codes, in form order.
FACT_HEP_ITEMS = (
    "GP1 GP2 GP3 GP4 GP5 GP6 GP7 GS1 GS2 GS3 GS4 GS5 GS6 GS7 GE1 GE2 GE3 GE4 GE5 GE6 GF1 GF2 GF3 GF4 GF5 GF6 "
    "GF7 C1 C2 C3 C4 C5 C6 Hep1 CNS7 Cx6 HI7 An7 Hep2 Hep3 Hep4 Hep5 Hep6 HN2 Hep8"
).split()
PROMIS_29_ITEMS = (
    "PFA11 PFA21 PFA23 PFA53 EDANX01 EDANX40 EDANX41 EDANX53 EDDEP04 EDDEP06 EDDEP29 EDDEP41 HI7 AN3 FATEXP41 "
    "FATEXP40 SLEEP109 SLEEP116 SLEEP20 SLEEP44 SRPPER11_CaPS SRPPER18_CaPS SRPPER23_CaPS SRPPER46_CaPS PAININ9 "
    "PAININ22 PAININ31 PAININ34 GLOBAL07"
).split()
QUESTIONNAIRES = (
    ("FACT-HEP V4", "FAC015", FACT_HEP_ITEMS, re.compile(r"FACT-?HEP", re.IGNORECASE)),
    ("PROMIS-29 PROFILE V2.1", "PA2610", PROMIS_29_ITEMS, re.compile(r"PROMIS-?29", re.IGNORECASE)),
)


def _blank(frame: pd.DataFrame, column: str) -> pd.Series:
    return frame.get(column, pd.Series("", index=frame.index, dtype=object)).fillna("").astype(object)


def _evaluators(frame: pd.DataFrame, domain: str, rows: pd.Series, study: Study) -> None:
    """--EVAL where the source names none: the study's evaluator."""
    given = _blank(frame, f"{domain}EVAL")
    frame[f"{domain}EVAL"] = given.where((given != "") | ~rows, study.response.evaluator)


def response(frame: pd.DataFrame, study: Study) -> pd.DataFrame:
    """RS: criteria and evaluator of response records; the standard result of a coded response."""
    tumour = frame["RSTESTCD"].isin(RESPONSE_TESTS)
    _evaluators(frame, "RS", tumour, study)
    criteria = study.response.criteria if study.endpoints else "UNSPECIFIED"
    category = _blank(frame, "RSCAT")
    frame["RSCAT"] = category.where((category != "") | ~tumour, criteria)
    return frame


def tumour_identification(frame: pd.DataFrame, study: Study) -> pd.DataFrame:
    _evaluators(frame, "TU", pd.Series(True, index=frame.index), study)
    return frame


def tumour_results(frame: pd.DataFrame, study: Study) -> pd.DataFrame:
    _evaluators(frame, "TR", pd.Series(True, index=frame.index), study)
    return frame


def link_lesions(frames: dict[str, pd.DataFrame]) -> None:
    """TRGRPID: the role (target, non-target, new) that TU gives the lesion, by the same reader where there are two."""
    tu, tr = frames.get("TU"), frames.get("TR")
    if tu is None or tr is None:
        return
    roles = tu[(tu["TUTESTCD"] == "TUMIDENT") & (tu["TULNKID"] != "")].sort_values(ORDER)
    same_reader = roles.groupby(["USUBJID", "TULNKID", "TUEVAL", "TUEVALID"])["TUSTRESC"].first()
    any_reader = roles.groupby(["USUBJID", "TULNKID"])["TUSTRESC"].first()
    keys = pd.MultiIndex.from_frame(tr[["USUBJID", "TRLNKID", "TREVAL", "TREVALID"]])
    role = pd.Series(same_reader.reindex(keys).to_numpy(), index=tr.index, dtype=object)
    other = pd.Series(any_reader.reindex(keys.droplevel([2, 3])).to_numpy(), index=tr.index, dtype=object)
    tr["TRGRPID"] = role.where(role.notna(), other).fillna("")


@cache
def questionnaire_items() -> dict[tuple[str, str], tuple[str, str, str]]:
    """(QSCAT, linkId) to (QSCAT, QSTESTCD, QSTEST): the CDISC code itself and the form's item code.

    QSTEST carries the item code of the form, not its wording: the questionnaires are copyrighted.
    """
    found: dict[tuple[str, str], tuple[str, str, str]] = {}
    for category, prefix, items, _ in QUESTIONNAIRES:
        for number, item in enumerate(items, start=1):
            testcd = f"{prefix}{number:02d}"
            entry = (category, testcd, f"{category.split()[0]} item {item}")
            found[(category, testcd)] = found[(category, item.upper())] = entry
    return found


def _category(canonical: str, link: str) -> str:
    for category, prefix, _, pattern in QUESTIONNAIRES:
        if link.startswith(prefix) or pattern.search(canonical):
            return category
    return canonical.rsplit("/", 1)[-1].rsplit(":", 1)[-1].split("|")[0].upper()[:40]


def questionnaires(frame: pd.DataFrame, study: Study) -> pd.DataFrame:
    """QS: category and test of each item; an item of an unknown form keeps its linkId as QSTEST, without code."""
    link, canonical = _blank(frame, "QSTESTCD"), _blank(frame, CANONICAL)
    category, own = _blank(frame, "QSCAT"), _blank(frame, "QSTEST")
    known = questionnaire_items()
    pairs = pd.DataFrame({"c": canonical, "l": link}).drop_duplicates()
    table = {}
    for one, item in pairs.itertuples(index=False):
        name = _category(one, item)
        table[(one, item)] = known.get((name, item.upper()), (name, "", item))
    named = [table[key] for key in zip(canonical, link, strict=True)]
    from_form = link != ""
    frame["QSCAT"] = category.where(~from_form, pd.Series([n[0] for n in named], index=frame.index))
    frame["QSTESTCD"] = pd.Series([n[1] for n in named], index=frame.index).where(from_form, "")
    frame["QSTEST"] = own.where(~from_form, pd.Series([n[2] for n in named], index=frame.index))
    if ORDINAL in frame:
        frame[STRESC] = _blank(frame, ORDINAL)
    return frame


def exposure(frame: pd.DataFrame, study: Study) -> pd.DataFrame:
    """EX: the treatment is named as the study names it; what the source wrote is kept in SUPPEX."""
    named = frame[DRUG] != ""
    frame["SUPP.EXTRTRP"] = frame["EXTRT"].where(named & (frame["EXTRT"].str.upper() != frame[DRUG]), "")
    frame["EXTRT"] = frame[DRUG].where(named, frame["EXTRT"].str.upper())
    frame["EXDOSFRM"] = ""
    return frame


def medications(frame: pd.DataFrame, study: Study) -> pd.DataFrame:
    """CM: a drug that the study lists as antineoplastic says so in CMCAT where the source gives no category."""
    category = _blank(frame, "CMCAT")
    frame["CMCAT"] = category.where((category != "") | (frame[ANTINEOPLASTIC] != "Y"), "ANTINEOPLASTIC")
    return frame


def history(frame: pd.DataFrame, study: Study) -> pd.DataFrame:
    """MH: the conditions that make the cohort, and primary diagnoses, are told apart from other history."""
    codes = {(c.system, c.code) for c in study.cohort.conditions}

    def is_listed(text: str) -> bool:
        pairs = [code.rpartition("|")[::2] for code in text.split(";") if code]
        return any((system, code) in codes or ("", code) in codes for system, code in pairs)

    listed = _blank(frame, CODES).map(is_listed).astype(bool)
    if not codes:
        # Without a list of conditions a malignant neoplasm by ICD-10 (C00 to C97) is the study's disease.
        listed = _blank(frame, CODES).str.contains(r"icd-10[^;|]*\|C[0-9]", regex=True)
    frame[COHORT] = np.where(listed, "Y", "")
    frame["MHCAT"] = frame["MHCAT"].where(~listed, "PRIMARY DIAGNOSIS")
    return frame


Special = Callable[[pd.DataFrame, Study], pd.DataFrame]
SPECIAL: dict[str, Special] = {
    "CM": medications,
    "EX": exposure,
    "MH": history,
    "QS": questionnaires,
    "RS": response,
    "TR": tumour_results,
    "TU": tumour_identification,
}
QNAM_LABELS = {
    "EXTRTRP": "Treatment as Reported",
    **{f"RACE{n}": f"Race {n}" for n in range(1, 6)},
}
