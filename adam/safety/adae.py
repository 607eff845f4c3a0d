"""ADAE: adverse events for analysis: emergence, onset, worst grade and first occurrence.

Rules of treatment emergence: PHUSE white paper WP-087, admiral `derive_var_trtemfl`. Variables:
ADaM OCCDS 1.1, section 3.2.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from fhir2cdisc.adam.frames.columns import flag, number, text, with_subject
from fhir2cdisc.adam.frames.dates import Highest, date, impute_dates, study_day
from fhir2cdisc.adam.frames.findings import gather_findings, issues
from fhir2cdisc.adam.frames.variables import (
    NY,
    SUBJECT,
    Type,
    derived,
    derived_date,
    derived_number,
    names_of,
    predecessor,
    with_methods,
)
from fhir2cdisc.mappings.standard.datasets import Dataset, Variable, sdtm_datasets

SEVERITY = {"MILD": 1.0, "MODERATE": 2.0, "SEVERE": 3.0, "LIFE THREATENING": 4.0, "FATAL": 5.0}
RELATED = frozenset(
    {
        "Y",
        "RELATED",
        "POSSIBLE",
        "PROBABLE",
        "DEFINITE",
        "POSSIBLY RELATED",
        "PROBABLY RELATED",
        "DEFINITELY RELATED",
        "CERTAIN",
        "LIKELY",
    }
)
NOT_RELATED = frozenset({"N", "NONE", "NOT RELATED", "UNRELATED", "UNLIKELY", "UNLIKELY RELATED", "REMOTE"})
CARRIED = ["STUDYID", "SUBJID", "SITEID", "SAFFL", "TRT01A", "TRTSDT", "TRTEDT", "DTHDT", "EOSDT", "LSTALVDT"]
FIRST = "Y on the first record with TRTEMFL Y of a subject{} by ASTDT (missing last) and AESEQ."
WORST = (
    "Y on the record with TRTEMFL Y of a subject{} with the highest ATOXGRN (ASEVN where no record has a grade), then "
    "the first by ASTDT (missing last) and AESEQ."
)
SOC, TERM = ", AEBODSYS", ", AEBODSYS, AEDECOD"
IMPUTED = "D where its day, M where its month and day were imputed."
DATES = (
    derived_date("ASTDT", "Analysis Start Date", ""),
    derived("ASTDTF", "Analysis Start Date Imputation Flag", IMPUTED),
    derived_number("ASTDY", "Analysis Start Relative Day", "ASTDT - TRTSDT, plus 1 from TRTSDT on."),
    derived_date("AENDT", "Analysis End Date", ""),
    derived("AENDTF", "Analysis End Date Imputation Flag", IMPUTED),
    derived_number("AENDY", "Analysis End Relative Day", "AENDT - TRTSDT, plus 1 from TRTSDT on."),
    derived_number("ADURN", "Analysis Duration (N)", "AENDT - ASTDT + 1, missing where the end is before the start."),
    derived("ADURU", "Analysis Duration Units", "DAYS where ADURN is not missing."),
)
OCCURRENCE = (
    derived("AOCCFL", "1st Occurrence within Subject Flag", FIRST.format(""), codelists=NY),
    derived("AOCCSFL", "1st Occurrence of SOC Flag", FIRST.format(SOC), codelists=NY),
    derived("AOCCPFL", "1st Occurrence of Preferred Term Flag", FIRST.format(TERM), codelists=NY),
    derived("AOCCIFL", "1st Max Sev./Int. Occurrence Flag", WORST.format(""), codelists=NY),
    derived("AOCCSIFL", "1st Max Sev./Int. Occur Within SOC Flag", WORST.format(SOC), codelists=NY),
    derived("AOCCPIFL", "1st Max Sev./Int. Occur Within PT Flag", WORST.format(TERM), codelists=NY),
)


# Timing variables of the SDTM that the guide does not list for AE, but that data hold.
TIMING = {
    "AEDTC": "Date/Time of Collection",
    "VISIT": "Visit Name",
    "AESTRF": "Start Relative to Reference Period",
}


@dataclass(frozen=True, slots=True)
class AdaeOptions:
    """How a study reads its adverse events; every default is one that the report prints.

    `window`: days after the last dose in which an event still counts as treatment-emergent. `initial_grade`:
    a column of AE (or QNAM of SUPPAE) with the grade before treatment. `group`: a column that joins records
    of one event whose grade changed (AEGRPID). `related`, `not_related`: values of AEREL. `missing_relation`:
    AREL where AEREL is empty (`""` keeps it unknown, `RELATED` is the cautious reading). `ctcae_version`: of
    the study, where SUPPAE does not say it. `start_imputation` and `end_imputation`: the coarsest part of a
    partial date that is imputed.
    """

    window: int = 30
    initial_grade: str = "AEITOXGR"
    group: str = ""
    related: frozenset[str] = RELATED
    not_related: frozenset[str] = NOT_RELATED
    missing_relation: str = ""
    ctcae_version: str = ""
    start_imputation: Highest = "M"
    end_imputation: Highest = "M"


DEFAULTS = AdaeOptions()


def derive_adae(
    adsl: pd.DataFrame,
    ae: pd.DataFrame,
    suppae: pd.DataFrame | None = None,
    options: AdaeOptions = DEFAULTS,
    periods: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """One row per reported event of a subject of ADSL, all AE variables kept, with the derived ones.

    `adsl` needs USUBJID and TRTSDT; TRTEDT, DTHDT, EOSDT and TRT01A are used where present. `periods` has
    USUBJID, APERIOD, TRTA and ASTDT (start of the period), for subjects who change treatment; without it
    APxxSDT and TRTxxA of ADSL are used, and without those the one treatment period from TRTSDT.
    """
    rows = ae[ae["USUBJID"].isin(adsl["USUBJID"])].reset_index(drop=True)
    if suppae is not None and len(suppae):
        rows = _with_supplement(rows, suppae)
    out = with_subject(rows, adsl, CARRIED)
    for name in ("TRTSDT", "TRTEDT"):
        out[name] = date(out, name)
    out = _dates(out, options)
    out = _grades(out, options)
    out["TRTEMFL"] = flag(_emergent(out, options))
    out = _timing(out, options)
    out["AREL"] = _relation(text(out, "AEREL"), options)
    out = _onset(out, _periods(adsl) if periods is None else periods)
    out = _occurrence(out)
    out = out.sort_values(["USUBJID", "AESEQ"], kind="stable").reset_index(drop=True)
    return out[_order(out)]


def adae_findings(adsl: pd.DataFrame, adae: pd.DataFrame) -> pd.DataFrame:
    """What is wrong in events: no date, an end before the start, no grade, a death grade without a death."""
    start, end = date(adae, "ASTDT"), date(adae, "AENDT")
    grade = number(adae, "ATOXGRN")
    died = set(adsl.loc[date(adsl, "DTHDT").notna(), "USUBJID"])
    coded = (text(adae, "AETOXGR") != "") & grade.isna()
    untold = (text(adae, "AEREL") != "") & (adae["AREL"] == "")
    rules = [
        (start.isna(), "AESTDTC", "OCCDS ASTDT", "warning", "has no usable start date, so is emergent"),
        (end < start, "AEENDTC", "start before end", "error", "ends before it starts"),
        (coded, "AETOXGR", "CTCAE grades 1 to 5", "error", "is not a grade from 1 to 5"),
        (untold, "AEREL", "known relation terms", "error", "is neither a related nor an unrelated term"),
        (
            (grade == 5) & ~adae["USUBJID"].isin(died),
            "AETOXGR",
            "grade 5 is death",
            "error",
            "is grade 5, but ADSL has no date of death",
        ),
    ]
    return gather_findings(
        [
            issues("ADAE", adae[where], "AESEQ", name, rule, severity, f"{name}: AE/{{AESEQ}}: {{{name}}} {words}")
            for where, name, rule, severity, words in rules
            if name in adae
        ]
    )


def _with_supplement(ae: pd.DataFrame, suppae: pd.DataFrame) -> pd.DataFrame:
    """SUPPAE's QNAMs as columns, by subject and AESEQ."""
    supp = suppae[text(suppae, "IDVAR") == "AESEQ"]
    wide = supp.assign(AESEQ=number(supp, "IDVARVAL")).pivot_table(
        index=["USUBJID", "AESEQ"], columns="QNAM", values="QVAL", aggfunc="first"
    )
    keys = pd.MultiIndex.from_arrays([ae["USUBJID"], number(ae, "AESEQ")])
    new = wide.reindex(keys)[[c for c in wide.columns if c not in ae]]
    return ae.assign(**{str(c): new[c].fillna("").to_numpy(object) for c in new.columns})


def _dates(out: pd.DataFrame, options: AdaeOptions) -> pd.DataFrame:
    """Start imputed early but not before the first dose, end late but not after death or study end."""
    dose = date(out, "TRTSDT")
    out["ASTDT"], out["ASTDTF"] = impute_dates(
        text(out, "AESTDTC"), "first", options.start_imputation, not_before=[dose]
    )
    ends = [date(out, "DTHDT"), date(out, "EOSDT")]
    out["AENDT"], out["AENDTF"] = impute_dates(text(out, "AEENDTC"), "last", options.end_imputation, not_after=ends)
    out["ASTDY"], out["AENDY"] = study_day(out["ASTDT"], dose), study_day(out["AENDT"], dose)
    length = (out["AENDT"] - out["ASTDT"]).dt.days.astype(float) + 1
    out["ADURN"] = length.where(length > 0)
    out["ADURU"] = out["ADURN"].notna().map({True: "DAYS", False: ""}).astype(object)
    return out


def _grades(out: pd.DataFrame, options: AdaeOptions) -> pd.DataFrame:
    grade = number(out, "AETOXGR")
    out["ATOXGRN"] = grade.where(grade.isin([1, 2, 3, 4, 5]))
    out["ATOXGR"] = out["ATOXGRN"].map(lambda g: "" if np.isnan(g) else f"{g:.0f}").astype(object)
    out["ASEV"] = text(out, "AESEV")
    out["ASEVN"] = out["ASEV"].str.upper().map(SEVERITY).astype(float)
    stated = text(out, "CTCAEVER")
    out["CTCAEVER"] = stated.where(stated != "", options.ctcae_version)
    return out


def _intensity(out: pd.DataFrame) -> pd.Series:
    """The grade, or the severity in data that carry no grade at all."""
    return out["ATOXGRN"] if out["ATOXGRN"].notna().any() else out["ASEVN"]


def _emergent(out: pd.DataFrame, options: AdaeOptions) -> pd.Series:
    """First that fits: untreated no; ended before no; no start yes; started in time yes; worsened yes."""
    start, end, first, last = out["ASTDT"], out["AENDT"], out["TRTSDT"], out["TRTEDT"]
    limit = last + pd.Timedelta(days=options.window)
    in_time = (start >= first) & ((start <= limit) | last.isna())
    now = _intensity(out)
    initial = number(out, options.initial_grade)
    if options.group:
        earlier = now.where(start < first).groupby([out["USUBJID"], text(out, options.group)]).transform("max")
        earlier = earlier.where(text(out, options.group) != "")
        in_time &= ~(now <= earlier)
    worsened = (start < first) & (end.isna() | (end >= first)) & (now > initial)
    excluded = first.isna() | (end < first)
    return ~excluded & (start.isna() | in_time | worsened)


def _timing(out: pd.DataFrame, options: AdaeOptions) -> pd.DataFrame:
    start, first, last = out["ASTDT"], out["TRTSDT"], out["TRTEDT"]
    limit = last + pd.Timedelta(days=options.window)
    out["PREFL"] = flag(start < first)
    out["ONTRTFL"] = flag((start >= first) & ((start <= limit) | last.isna()))
    out["FUPFL"] = flag(start > limit)
    return out


def _relation(reported: pd.Series, options: AdaeOptions) -> pd.Series:
    upper = reported.str.strip().str.upper()
    related = upper.isin(options.related) | ((upper == "") & (options.missing_relation == "RELATED"))
    known = np.where(related, "RELATED", np.where(upper.isin(options.not_related), "NOT RELATED", ""))
    return pd.Series(known, index=reported.index, dtype=object)


def _periods(adsl: pd.DataFrame) -> pd.DataFrame:
    """Treatment periods of ADSL: APxxSDT with TRTxxA, or the one from TRTSDT."""
    starts = [(f"AP{i:02d}SDT", f"TRT{i:02d}A", i) for i in range(1, 100) if f"AP{i:02d}SDT" in adsl]
    parts = [
        pd.DataFrame(
            {"USUBJID": adsl["USUBJID"], "APERIOD": float(i), "TRTA": text(adsl, arm), "ASTDT": date(adsl, column)}
        )
        for column, arm, i in starts or [("TRTSDT", "TRT01A", 1)]
    ]
    return pd.concat(parts, ignore_index=True).dropna(subset="ASTDT")


def _onset(out: pd.DataFrame, periods: pd.DataFrame) -> pd.DataFrame:
    """The period begun last on or before onset; an emergent event without a start belongs to the first."""
    known = periods[["USUBJID", "APERIOD", "TRTA"]].assign(ASTDT=date(periods, "ASTDT"))
    known = known.dropna(subset="ASTDT").sort_values(["ASTDT", "USUBJID", "APERIOD"])
    first = known.drop_duplicates("USUBJID").set_index("USUBJID")["ASTDT"]
    onset = out["ASTDT"].where(out["ASTDT"].notna(), out["USUBJID"].map(first).where(out["TRTEMFL"] == "Y"))
    # An event that began earlier and worsened under treatment belongs to the first period as well.
    early = (out["TRTEMFL"] == "Y") & (onset < out["USUBJID"].map(first))
    onset = onset.where(~early, out["USUBJID"].map(first)).astype("datetime64[ns]")
    asked = pd.DataFrame({"USUBJID": out["USUBJID"], "ASTDT": onset}).dropna()
    merged = pd.merge_asof(
        asked.reset_index().sort_values(["ASTDT", "index"]), known, on="ASTDT", by="USUBJID"
    ).set_index("index")
    out["APERIOD"] = merged["APERIOD"].reindex(out.index).astype(float)
    out["TRTA"] = merged["TRTA"].reindex(out.index).fillna("").astype(object)
    return out


def _occurrence(out: pd.DataFrame) -> pd.DataFrame:
    """First and worst emergent event of a subject, a system organ class and a preferred term."""
    emergent = out.assign(_worst=-_intensity(out))[out["TRTEMFL"] == "Y"]
    first = emergent.sort_values(["USUBJID", "ASTDT", "AESEQ"], kind="stable")
    worst = emergent.sort_values(["USUBJID", "_worst", "ASTDT", "AESEQ"], kind="stable")
    levels = {"": ["USUBJID"], "S": ["USUBJID", "AEBODSYS"], "P": ["USUBJID", "AEBODSYS", "AEDECOD"]}
    for level, by in levels.items():
        keys = [k for k in by if k in out]
        out[f"AOCC{level}FL"] = flag(out.index.to_series().isin(first.drop_duplicates(keys).index))
        out[f"AOCC{level}IFL"] = flag(out.index.to_series().isin(worst.drop_duplicates(keys).index))
    return out


def _order(out: pd.DataFrame) -> list[str]:
    ids = ["STUDYID", "USUBJID", *[n for n in CARRIED if n != "STUDYID"]]
    leading = [n for n in ids if n in out]
    own = [n for n in names_of(_own(DEFAULTS)) if n in out]
    return leading + [n for n in out.columns if n not in {*leading, *own}] + own


def adae_dataset(adae: pd.DataFrame, options: AdaeOptions = DEFAULTS) -> Dataset:
    """ADAE with the columns of its frame; what is neither derived nor of AE is a qualifier of SUPPAE by its QNAM."""
    taken = (replace(v, core="", role="", origin="Predecessor", source=f"AE.{v.name}") for v in _collected())
    known = {v.name: v for v in (*taken, *SUBJECT, *_own(options))}
    variables = [known.get(str(name)) or _supplement(str(name), adae[name]) for name in adae.columns]
    return Dataset(
        "ADAE",
        "Adverse Events Analysis Dataset",
        "OCCURRENCE DATA STRUCTURE",
        "One record per subject per adverse event",
        tuple(variables),
        ("STUDYID", "USUBJID", "AESEQ"),
    )


def _collected() -> tuple[Variable, ...]:
    return (*sdtm_datasets()["AE"].variables, *(Variable(name, label) for name, label in TIMING.items()))


def _supplement(name: str, column: pd.Series) -> Variable:
    kind: Type = "Num" if pd.api.types.is_numeric_dtype(column) else "Char"
    return predecessor(name, name[:40], f"SUPPAE.QVAL where QNAM is {name}", kind)


def _own(options: AdaeOptions) -> tuple[Variable, ...]:
    """The derived variables, in the order of the dataset."""
    return (*with_methods(DATES, _imputed(options)), *_treatment(options), *_judgement(options), *OCCURRENCE)


def _imputed(options: AdaeOptions) -> dict[str, str]:
    """How partial dates become dates, as coarse as they may be."""
    lost = {"M": "", "D": "; missing without month", "": "; missing where not complete"}
    return {
        "ASTDT": "AESTDTC; of a partial date the first possible day, moved up to TRTSDT where that is possible"
        f"{lost[options.start_imputation]}.",
        "AENDT": "AEENDTC; of a partial date the last possible day, moved down to the earlier of DTHDT and EOSDT that "
        f"is possible{lost[options.end_imputation]}.",
    }


def _treatment(options: AdaeOptions) -> tuple[Variable, ...]:
    """When the event was, seen from treatment: emergent, before, on or after it, and the period."""
    window = f"{options.window} days after TRTEDT"
    unless = f" unless its grade is no higher than one before TRTSDT of this {options.group}" if options.group else ""
    return (
        derived(
            "TRTEMFL",
            "Treatment Emergent Analysis Flag",
            "First that applies: no TRTSDT, null; AENDT before TRTSDT, null; no ASTDT, Y; ASTDT from TRTSDT "
            f"to {window} (no limit without TRTEDT), Y{unless}; ASTDT before TRTSDT and ATOXGRN (ASEVN where no record "
            f"has a grade) above {options.initial_grade}, Y; else null.",
            codelists=NY,
        ),
        derived(
            "ONTRTFL",
            "On Treatment Record Flag",
            f"Y where ASTDT is from TRTSDT to {window} (no limit without TRTEDT).",
            codelists=NY,
        ),
        derived("PREFL", "Pre-treatment Flag", "Y where ASTDT is before TRTSDT.", codelists=NY),
        derived("FUPFL", "Follow-up Flag", f"Y where ASTDT is later than {window}.", codelists=NY),
        derived_number(
            "APERIOD",
            "Period",
            "Number of the period begun last on or before ASTDT; the first period where TRTEMFL is Y and ASTDT is "
            "missing or before it. A period begins at APxxSDT of ADSL, or at TRTSDT where there is none, or, where the "
            "study groups by guidance, on each day on which an anticancer therapy (EX, CM) began.",
        ),
        derived(
            "TRTA",
            "Actual Treatment",
            "Treatment of APERIOD: TRTxxA of ADSL; where the study groups by guidance MTB-guided if a recommendation "
            "of the board guided a therapy of that day, else Other therapy.",
        ),
    )


def _judgement(options: AdaeOptions) -> tuple[Variable, ...]:
    """How bad the event was and whether treatment caused it."""
    without = f"{options.missing_relation} where AEREL is missing; " if options.missing_relation else ""
    return (
        derived("ATOXGR", "Analysis Toxicity Grade", "AETOXGR where it is 1 to 5."),
        derived_number("ATOXGRN", "Analysis Toxicity Grade (N)", "ATOXGR as a number."),
        derived("CTCAEVER", "CTCAE Version", f"SUPPAE CTCAEVER, else {options.ctcae_version or 'missing'} (study)."),
        derived("ASEV", "Analysis Severity/Intensity", "AESEV."),
        derived_number(
            "ASEVN",
            "Analysis Severity/Intensity (N)",
            f"ASEV: {', '.join(f'{word} {number:g}' for word, number in SEVERITY.items())}.",
        ),
        derived(
            "AREL",
            "Analysis Causality",
            f"RELATED where AEREL is {', '.join(sorted(options.related))}; NOT RELATED where it is "
            f"{', '.join(sorted(options.not_related))}; {without}else null.",
        ),
    )
