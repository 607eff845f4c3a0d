"""Which condition is the disease of the study, and since when: MHSTDTC, MHEVDTYP and MHCAT of cancers.

SDTMIG 3.4, MH: MHSTDTC is the start of the event, MHDTC the day it was collected, and MHEVDTYP says which aspect of
the event MHSTDTC dates (codelist MHEDTTYP).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd
from fhir2cdisc.fhir.findings import Finding
from fhir2cdisc.mappings.study import Study
from fhir2cdisc.sdtm.columns import ASSERTED, CODES, COHORT, ONSET, RECORD_NO, STATUS, SUBJECT, VERIFICATION
from fhir2cdisc.sdtm.timing import days_of

# Malignant neoplasms by ICD-10; C77 to C80 are secondary or of unknown site, which begins no history of its own.
_PRIMARY = r"icd-10[^;|]*\|(C(?:[0-6][0-9]|7[0-6]|8[1-9]|9[0-7]))"
_CANCER = r"icd-10[^;|]*\|C[0-9]"
# A condition without a code of ICD-10 is a cancer by the words of its term, but not with what makes it another thing.
_WORDS = (
    r"(?i)carcinoma|cancer|malignan|sarcoma|lymphoma|leuk(?:a|ae)mia|melanoma|myeloma|blastoma|hepatoma|mesothelioma|"
    r"seminoma|neuroendocrine tumou?r|karzinom|krebs|maligne|sarkom|lymphom|leukämie|carcinome|"
    r"癌|恶性肿瘤|肉瘤|白血病|淋巴瘤|黑色素瘤|骨髓瘤"
)
_OTHER = (
    r"(?i)family|father|mother|sibling|brother|sister|history of|h/o|screen|risk|suspect|rule out|benign|in situ|"
    r"metasta|secondary|pain|fatigue|anxiety|fear|antigen|prevention|familie|verdacht|anamnese|家族|转移|良性|痛|史|待查|可能"
)
Said = tuple[dict[Any, Any], str, str, str, str]
OVER = ("remission", "resolved", "inactive")
_KINDS = {"asserted": (ASSERTED, "DIAGNOSIS"), "onset": (ONSET, "SYMPTOM ONSET"), "recorded": ("MHDTC", "")}


def _text(frame: pd.DataFrame, column: str) -> pd.Series:
    return frame.get(column, pd.Series("", index=frame.index, dtype=object)).fillna("").astype(object)


def is_accepted(verification: str, study: Study) -> bool:
    """Whether a condition of this verification status is a diagnosis; one without a status is."""
    return not verification or verification in study.diagnosis.verification


def history(frame: pd.DataFrame, study: Study) -> pd.DataFrame:
    """MH: the condition that is the disease of the study is the primary diagnosis; other history keeps its category.

    Without a list of conditions a malignant neoplasm is the study's disease, by ICD-10 or, where a condition has no
    such code, by the words of its term; so is what the source itself calls the primary diagnosis (MHCAT). A suspected
    condition is none. Of several cancers of a subject one counts: of those that still go on (else of all) the one that
    began last. The start of a cancer is the first date that it has in the order of `[diagnosis] date`.
    """
    frame = _dated(frame, study)
    listed = _listed(frame, study) & _text(frame, VERIFICATION).map(lambda one: is_accepted(one, study)).astype(bool)
    counts = listed & ~_passed_over(frame, listed)
    flag = pd.Series("", index=frame.index, dtype=object).mask(counts, "Y")
    return frame.assign(MHCAT=_text(frame, "MHCAT").mask(counts, "PRIMARY DIAGNOSIS"), **{COHORT: flag})


def _listed(frame: pd.DataFrame, study: Study) -> pd.Series:
    codes = {(c.system, c.code) for c in study.cohort.conditions}
    said = _text(frame, CODES)
    stated = _text(frame, "MHCAT").str.upper() == "PRIMARY DIAGNOSIS"
    if not codes:
        return _is_cancer(frame) | stated

    def is_listed(text: str) -> bool:
        pairs = [code.rpartition("|")[::2] for code in text.split(";") if code]
        return any((system, code) in codes or ("", code) in codes for system, code in pairs)

    return said.map(is_listed).astype(bool) | stated


def _is_cancer(frame: pd.DataFrame) -> pd.Series:
    return _text(frame, CODES).str.contains(_CANCER, regex=True) | _worded(frame)


def _worded(frame: pd.DataFrame) -> pd.Series:
    """Whether a condition is a cancer by the words of its term: no code of ICD-10 says what it is."""
    term, uncoded = _text(frame, "MHTERM"), ~_text(frame, CODES).str.contains("icd-10", regex=False)
    told = term.str.contains(_WORDS, regex=True) & ~term.str.contains(_OTHER, regex=True)
    history = _text(frame, "MHCAT").isin(["MEDICAL HISTORY", "PRIMARY DIAGNOSIS"]) & (_text(frame, "MHOCCUR") == "")
    return told & uncoded & history


def _dated(frame: pd.DataFrame, study: Study) -> pd.DataFrame:
    """MHSTDTC and MHEVDTYP of cancers.

    A record that says neither asserted date nor onset keeps its MHSTDTC, unless that is the day of recording.
    """
    if not {ASSERTED, ONSET} & set(frame.columns):
        return frame
    neither = (_text(frame, ASSERTED) == "") & (_text(frame, ONSET) == "")
    own = neither & (_text(frame, "MHSTDTC") != "") & (_text(frame, "MHSTDTC") != _text(frame, "MHDTC"))
    cancer = (_listed(frame, study) | _is_cancer(frame)) & ~own
    start, kind = pd.Series("", index=frame.index, dtype=object), pd.Series("", index=frame.index, dtype=object)
    for name in study.diagnosis.date:
        column, said = _KINDS[name]
        found = _text(frame, column)
        kind = kind.mask((start == "") & (found != ""), said)
        start = start.mask(start == "", found)
    return frame.assign(
        MHSTDTC=_text(frame, "MHSTDTC").mask(cancer, start), MHEVDTYP=_text(frame, "MHEVDTYP").mask(cancer, kind)
    )


def _disease(frame: pd.DataFrame) -> pd.Series:
    """What tells one cancer from another: the ICD-10 category, blank for a secondary one, else its codes or term."""
    said = _text(frame, CODES)
    site = said.str.extract(_PRIMARY, expand=False).fillna("")
    return site.where(
        (site != "") | said.str.contains(_CANCER, regex=True), said.where(said != "", _text(frame, "MHTERM"))
    )


def _passed_over(frame: pd.DataFrame, listed: pd.Series) -> pd.Series:
    """Whether another cancer of the subject counts and not this one."""
    disease = _disease(frame)
    some = pd.DataFrame({SUBJECT: frame[SUBJECT], "disease": disease, "over": _text(frame, STATUS).isin(OVER)})
    # A date that is not known to be late does not make the last cancer.
    some = some.assign(start=_text(frame, "MHSTDTC"))[listed & (disease != "")]
    if some.empty:
        return pd.Series(False, index=frame.index)
    each = some.groupby([SUBJECT, "disease"], sort=True).agg(over=("over", "all"), start=("start", "min")).reset_index()
    best = each.sort_values([SUBJECT, "over", "start", "disease"], ascending=[True, False, True, True])
    counting = best.groupby(SUBJECT)["disease"].last()
    several = each.groupby(SUBJECT)["disease"].count()
    chosen = frame[SUBJECT].map(counting)
    return listed & (frame[SUBJECT].map(several).fillna(0) > 1) & (disease != chosen)


def diagnosis_findings(frame: pd.DataFrame, records: pd.DataFrame, study: Study) -> list[Finding]:
    """What is said of the conditions of subjects; `frame` is MH with USUBJID and its working columns."""
    return [
        *(_said(row, records) for row in _rows(frame, study)),
        *_competing(frame, study),
    ]


def _rows(frame: pd.DataFrame, study: Study) -> Iterator[Said]:
    """(row, rule, severity, variable, sentence) of what is said of single conditions."""
    listed = _listed(frame, study)
    counts = frame[COHORT] == "Y"
    verified = _text(frame, VERIFICATION).map(lambda one: is_accepted(one, study)).astype(bool)
    for row in frame[listed & ~verified].to_dict("records"):
        said = f"is {row[VERIFICATION]} and no diagnosis by [diagnosis] verification: neither cohort nor time zero"
        yield row, "diagnosis.suspected", "warning", "MHCAT", said
    if not study.cohort.conditions:
        for row in frame[counts & _worded(frame)].to_dict("records"):
            said = "has no code of ICD-10; it is the cancer of the study by the words of its term"
            yield row, "diagnosis.by-words", "warning", "MHCAT", said
    if not {ASSERTED, ONSET} & set(frame.columns):
        return
    days = {name: days_of(_text(frame, column)) for name, (column, _) in _KINDS.items()}
    start = days_of(_text(frame, "MHSTDTC"))
    recorded = (_text(frame, "MHSTDTC") != "") & (_text(frame, ASSERTED) == "") & (_text(frame, ONSET) == "")
    for row in frame[counts & recorded].to_dict("records"):
        said = "has no asserted date and no onset; the day of recording stands for the diagnosis, which may be earlier"
        yield row, "diagnosis.recorded-date", "warning", "MHSTDTC", said
    apart = (days["asserted"] - days["onset"]).abs().dt.days > 31
    for row in frame[counts & apart].to_dict("records"):
        said = f"asserted {row[ASSERTED]} and onset {row[ONSET]}, more than a month apart; {row['MHSTDTC']} counts"
        yield row, "diagnosis.dates-differ", "warning", "MHSTDTC", said
    early = (start - days["recorded"]).dt.days > 31
    for row in frame[counts & early].to_dict("records"):
        said = f"was recorded on {row['MHDTC']}, more than a month before the date that counts, {row['MHSTDTC']}"
        yield row, "diagnosis.dates-differ", "warning", "MHSTDTC", said
    for row in frame[counts & (_text(frame, "MHSTDTC") == "")].to_dict("records"):
        yield row, "diagnosis.no-date", "warning", "MHSTDTC", "is the diagnosis of the study and has no date"


def _said(found: Said, records: pd.DataFrame) -> Finding:
    row, rule, severity, variable, sentence = found
    place = records.iloc[int(row[RECORD_NO])]
    resource = f"{place['RESOURCE']}/{place['ID']}"
    return Finding(
        rule,
        f"{resource}: {row['MHTERM']}: {sentence}",
        severity,
        file=place["FILE"],
        line=int(place["LINE"]),
        entry=int(place["ENTRY"]),
        resource=resource,
        variable=variable,
        usubjid=row["USUBJID"],
    )


def _competing(frame: pd.DataFrame, study: Study) -> Iterator[Finding]:
    """A finding for each subject with more than one cancer, and one for a single cancer that is over."""
    cancer = _text(frame, CODES).str.extract(_PRIMARY, expand=False).notna() | (frame[COHORT] == "Y")
    verified = _text(frame, VERIFICATION).map(lambda one: is_accepted(one, study)).astype(bool)
    some = frame.assign(_disease=_disease(frame), _over=_text(frame, STATUS).isin(OVER))[cancer & verified]
    for usubjid, own in some[some["_disease"] != ""].groupby("USUBJID", sort=True):
        counting = own[own[COHORT] == "Y"]
        if counting.empty or (own["_disease"].nunique() == 1 and not counting["_over"].all()):
            continue
        names = ", ".join(
            sorted({f"{t} ({d or 'no date'})" for t, d in zip(own["MHTERM"], own["MHSTDTC"], strict=True)})
        )
        chosen = ", ".join(sorted(set(counting["MHTERM"])))
        if own["_disease"].nunique() > 1:
            said = f"{usubjid}: several cancers compete for the date of diagnosis: {names}; {chosen} counts"
            yield Finding("diagnosis.competing", said, "warning", variable="MHSTDTC", usubjid=str(usubjid))
        else:
            said = f"{usubjid}: the cancer that dates the diagnosis is no longer active by its clinical status: {names}"
            yield Finding("diagnosis.not-active", said, "info", variable="MHSTDTC", usubjid=str(usubjid))
