"""What single domains need beyond their mapping: defaults that the study states, and names from codelists.

Each function takes the rows of one domain and returns them completed; `DOMAIN_RULES` names the domains that have one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

import pandas as pd
from fhir2cdisc.mappings.instruments import instruments
from fhir2cdisc.mappings.study import Study
from fhir2cdisc.sdtm.columns import ANTINEOPLASTIC, CANONICAL, DRUG, ORDINAL, STRESC
from fhir2cdisc.sdtm.subject.diagnosis import history

# RSTESTCD that are judgements of tumour response, as against clinical classifications such as ECOG.
RESPONSE_TESTS = ("OVRLRESP", "TRGRESP", "NTRGRESP", "NEWLIND", "BESTRESP", "TMRESP", "SYMPTDTR")


def _blank(frame: pd.DataFrame, column: str) -> pd.Series:
    return frame.get(column, pd.Series("", index=frame.index, dtype=object)).fillna("").astype(object)


def _evaluator(frame: pd.DataFrame, domain: str, rows: pd.Series | bool, study: Study) -> pd.Series:
    """--EVAL: the study's evaluator on those of the rows for which the source names none."""
    given = _blank(frame, f"{domain}EVAL")
    return given.mask((given == "") & rows, study.response.evaluator)


def responses(frame: pd.DataFrame, study: Study) -> pd.DataFrame:
    """RS: evaluator and criteria of judgements of tumour response for which the source names none."""
    tumour = frame["RSTESTCD"].isin(RESPONSE_TESTS)
    criteria = study.response.criteria if study.endpoints else "UNSPECIFIED"
    category = _blank(frame, "RSCAT")
    return frame.assign(
        RSEVAL=_evaluator(frame, "RS", tumour, study), RSCAT=category.mask((category == "") & tumour, criteria)
    )


def lesions(frame: pd.DataFrame, study: Study) -> pd.DataFrame:
    """TU: the evaluator of a lesion for which the source names none."""
    return frame.assign(TUEVAL=_evaluator(frame, "TU", True, study))


def measurements(frame: pd.DataFrame, study: Study) -> pd.DataFrame:
    """TR: the evaluator of a measurement for which the source names none."""
    return frame.assign(TREVAL=_evaluator(frame, "TR", True, study))


@cache
def form_items() -> dict[tuple[str, str], tuple[str, str, str]]:
    """(QSCAT, linkId in capitals) to (QSCAT, QSTESTCD, QSTEST); a linkId is the CDISC code or the form's item id."""
    found: dict[tuple[str, str], tuple[str, str, str]] = {}
    for category, form in instruments().items():
        for item in form.items:
            found[category, item.testcd] = found[category, item.item.upper()] = (category, item.testcd, item.test)
    return found


def _category(canonical: str, link: str) -> str:
    """QSCAT of a form that the project knows, else the last part of its URL."""
    for category, form in instruments().items():
        if link.startswith(form.prefix) or re.search(form.canonical, canonical, re.IGNORECASE):
            return category
    return canonical.rsplit("/", 1)[-1].rsplit(":", 1)[-1].split("|")[0].upper()[:40]


def questionnaires(frame: pd.DataFrame, study: Study) -> pd.DataFrame:
    """QS: category and test of each item; an item of an unknown form keeps its linkId as QSTEST, without code.

    A source that names the category itself (an extract) keeps it, and its code and test where the form is unknown.
    """
    keys = [_blank(frame, name) for name in (CANONICAL, "QSCAT", "QSTESTCD", "QSTEST")]
    link, known = keys[2], form_items()
    table = {}
    for form, given, item, test in set(zip(*keys, strict=True)):
        own = bool(given) and not form
        name = given if own else _category(form, item)
        table[form, given, item, test] = known.get(
            (name, item.upper()), (name, item, test) if own else (name, "", item)
        )
    named = [table[key] for key in zip(*keys, strict=True)]
    item = pd.DataFrame(named, columns=["QSCAT", "QSTESTCD", "QSTEST"], index=frame.index, dtype=object)
    of_form = link != ""
    made = {name: _blank(frame, name).mask(of_form, item[name]) for name in item}
    if ORDINAL in frame:
        ordinal = _blank(frame, ORDINAL)
        made[STRESC] = ordinal.where(ordinal != "", _blank(frame, STRESC))
    return frame.assign(**made)


def exposures(frame: pd.DataFrame, study: Study) -> pd.DataFrame:
    """EX: the treatment is named as the study names it; what the source wrote is kept in SUPPEX."""
    return _study_names(frame, "EX")


def missed_doses(frame: pd.DataFrame, study: Study) -> pd.DataFrame:
    """EC: the same for doses that were not given, in SUPPEC."""
    return _study_names(frame, "EC")


def _study_names(frame: pd.DataFrame, domain: str) -> pd.DataFrame:
    written, named = _blank(frame, f"{domain}TRT"), frame[DRUG]
    other = (named != "") & (written.str.upper() != named)
    made = {f"{domain}TRT": written.str.upper().mask(named != "", named)}
    return frame.assign(**made, **{f"SUPP.{domain}TRTRP": written.where(other, "")})


def accountability(frame: pd.DataFrame, study: Study) -> pd.DataFrame:
    """DA: the product (DASCAT) is named as the study names it."""
    return frame.assign(DASCAT=_blank(frame, "DASCAT").mask(frame[DRUG] != "", frame[DRUG]))


def medications(frame: pd.DataFrame, study: Study) -> pd.DataFrame:
    """CM: a drug that the study lists as antineoplastic says so in CMCAT where the source gives no category."""
    category = _blank(frame, "CMCAT")
    return frame.assign(CMCAT=category.mask((category == "") & (frame[ANTINEOPLASTIC] == "Y"), "ANTINEOPLASTIC"))


# One function a domain: its rows, before any are compared, with what the study or a codelist says of them.
DOMAIN_RULES: dict[str, Callable[[pd.DataFrame, Study], pd.DataFrame]] = {
    "CM": medications,
    "DA": accountability,
    "EC": missed_doses,
    "EX": exposures,
    "MH": history,
    "QS": questionnaires,
    "RS": responses,
    "TR": measurements,
    "TU": lesions,
}
# Supplemental qualifiers that are made here or in DM, not by a mapping: QNAM to QLABEL.
QNAM_LABELS = {
    "ECTRTRP": "Treatment as Reported",
    "EXTRTRP": "Treatment as Reported",
    **{f"RACE{n}": f"Race {n}" for n in range(1, 6)},
}
