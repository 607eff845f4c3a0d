"""Who the subjects are: identifiers, reference dates, and the DM record of each (SDTMIG 3.4 section 5.2)."""

from __future__ import annotations

import hashlib
import hmac
from collections import Counter
from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd
from fhir2cdisc.fhir.findings import Finding
from fhir2cdisc.fhir.servers import plain_of, site_of
from fhir2cdisc.mappings.errors import Fhir2CdiscError
from fhir2cdisc.mappings.study import Study
from fhir2cdisc.sdtm.columns import ACTARMCD, ARMCD, COHORT, ETHNIC, RACE, SUBJECT, SUBJID
from fhir2cdisc.sdtm.methods import derives
from fhir2cdisc.sdtm.subject.treatment_start import starting_records
from fhir2cdisc.sdtm.timing import days_of

_DM_COLUMNS = (SUBJID, "SITEID", "DTHDTC", "DTHFL", "BRTHDTC", RACE, ETHNIC)


class SubjectError(Fhir2CdiscError):
    """Two patients would get one subject identifier; nothing is made then."""


def pseudonym(key: str, secret: bytes) -> str:
    """A subject number that does not show the hospital's id: the same patient gets the same one in every run."""
    return hmac.new(secret, key.encode(), hashlib.sha256).hexdigest()[:12].upper()


# The longest subject number, in bytes: with the study in front of it USUBJID stays well below 200.
LONGEST = 100


@derives("USUBJID", "STUDYID and SUBJID joined by a hyphen")
def identify(frames: Mapping[str, pd.DataFrame], study: Study, secret: bytes = b"") -> pd.DataFrame:
    """USUBJID, SUBJID and SITEID by subject key, and KEYED: Y where SUBJID is a pseudonym, LONG: Y where it had to be.

    SUBJID is the number under which the subject was enrolled (ResearchSubject.identifier), else a subject number
    among the patient's identifiers, else a pseudonym; so for a number of more than `LONGEST` bytes, too, which no
    transport file could hold as part of USUBJID. Raises SubjectError where two patients would share one.
    """
    patients = with_dm_columns(frames["DM"]).drop_duplicates(SUBJECT).set_index(SUBJECT)
    enrolled = _first(frames.get("DS"), SUBJID)
    subjid = enrolled.reindex(patients.index).fillna("")
    subjid = subjid.where(subjid != "", patients[SUBJID])
    names = shown_keys(patients.index)
    is_long = subjid.map(lambda number: len(number.encode()) > LONGEST)
    subjid = subjid.mask(is_long, "")
    is_keyed = subjid == ""
    keyed = [pseudonym(f"{study.studyid}/{name}", secret or study.studyid.encode()) for name in names]
    subjid = subjid.where(subjid != "", pd.Series(keyed, index=patients.index, dtype=object))
    shared = subjid[subjid.duplicated(keep=False)]
    if len(shared):
        raise SubjectError(f"{len(shared)} patients share the subject number of another (for one: {shared.iloc[0]})")
    site = pd.Series([site_of(key).upper() for key in patients.index], index=patients.index, dtype=object)
    return pd.DataFrame(
        {
            "USUBJID": f"{study.studyid}-" + subjid,
            "SUBJID": subjid,
            "SITEID": patients["SITEID"].where(patients["SITEID"] != "", site),
            "KEYED": is_keyed.map({True: "Y", False: ""}),
            "LONG": is_long.map({True: "Y", False: ""}),
        },
        index=patients.index,
    )


def pseudonym_findings(who: pd.DataFrame, secret: bytes) -> list[Finding]:
    """A warning where subject numbers are made from ids without a secret: who knows ids can make them again."""
    count = int((who["KEYED"] == "Y").sum())
    long = f"the subject number has more than {LONGEST} bytes; a pseudonym stands in its place"
    found = [Finding("subject.number", long, usubjid=one) for one in who.loc[who["LONG"] == "Y", "USUBJID"]]
    if secret or not count:
        return found
    said = f"{count} subject numbers are made from the patients' ids without a key: whoever knows the ids can make them"
    return [
        *found,
        Finding(
            "privacy.reversible", f"{said} again, so they are no pseudonyms; give --key-file", "warning", count=count
        ),
    ]


def shown_keys(keys: Iterable[str]) -> list[str]:
    """Subject keys without the server where no other subject has the id: a second server changes no pseudonym."""
    every = list(keys)
    short = [f"{site_of(key)}={plain_of(key)}" if site_of(key) else plain_of(key) for key in every]
    counts = Counter(short)
    return [one if counts[one] == 1 else key for key, one in zip(every, short, strict=True)]


def with_dm_columns(dm: pd.DataFrame) -> pd.DataFrame:
    """DM with every column that is worked on here, blank where the site's own mapping does not fill it."""
    return dm.assign(**{name: "" for name in _DM_COLUMNS if name not in dm})


def _first(frame: pd.DataFrame | None, column: str) -> pd.Series:
    """The first non-blank value of a column for each subject."""
    if frame is None or column not in frame:
        return pd.Series(dtype=object)
    found = frame[frame[column] != ""]
    return found.groupby(SUBJECT)[column].first()


def _extreme(frame: pd.DataFrame | None, column: str, last: bool = False) -> pd.Series:
    """The earliest (latest) value of a --DTC complete to the day, for each subject, as it was written."""
    if frame is None or column not in frame:
        return pd.Series(dtype=object)
    dated = frame[days_of(frame[column]).notna()]
    groups = dated.groupby(SUBJECT)[column]
    return groups.max() if last else groups.min()


def _with(frame: pd.DataFrame | None, mask_column: str, value: str) -> pd.DataFrame | None:
    return None if frame is None or mask_column not in frame else frame[frame[mask_column] == value]


# Reference dates, and other variables of DM that are derived where the source does not have them.
REFERENCE_DATES = ("RFSTDTC", "RFENDTC", "RFXSTDTC", "RFXENDTC", "RFICDTC", "RFPENDTC")
_MAY_BE_COLLECTED = "SUBJID SITEID AGE AGEU RACE ETHNIC ARMCD ARM ACTARMCD ACTARM ARMNRS DMDTC".split()
# Before the name of a reference date: what is derived where another one was collected.
DERIVED = "DERIVED."


@derives("RFSTDTC", "The first date that the study file names as the start of time and the subject has")
@derives("RFXSTDTC", "Earliest EXSTDTC that is complete to the day")
@derives("RFXENDTC", "Latest EXENDTC or EXSTDTC that is complete to the day")
@derives("RFENDTC", "RFXENDTC, else RFPENDTC")
@derives("RFICDTC", "Earliest DSSTDTC of informed consent")
@derives("RFPENDTC", "Latest DSSTDTC of the end of study participation, else the date of death")
def reference_dates(frames: Mapping[str, pd.DataFrame], study: Study) -> pd.DataFrame:
    """RFSTDTC, RFENDTC, RFXSTDTC, RFXENDTC, RFICDTC and RFPENDTC by subject key.

    One that the source has itself is kept, and what would be derived stands beside it under `DERIVED.`. Which records
    of a drug count is said in `treatment_start`.
    RFPENDTC is the last contact: the end of participation, else the date of death (SDTMIG 3.4 section 5.2).
    """
    index = frames["DM"][SUBJECT].drop_duplicates()
    collected = frames["DM"].drop_duplicates(SUBJECT).set_index(SUBJECT)
    ds, drugs = frames.get("DS"), starting_records(frames.get("EX"), frames.get("CM"), study)
    diagnosis = _with(frames.get("MH"), COHORT, "Y")
    first_dose, consent = (
        _extreme(drugs["EX"], "DTC"),
        _extreme(_with(ds, "DSDECOD", "INFORMED CONSENT OBTAINED"), "DSSTDTC"),
    )
    starts = {
        "first-dose": _kept(collected, "RFXSTDTC", first_dose),
        "first-antineoplastic": _earliest(_kept(collected, "RFXSTDTC", first_dose), _extreme(drugs["CM"], "DTC")),
        "diagnosis": _extreme(diagnosis, "MHSTDTC"),
        "enrolment": _extreme(_with(ds, "DSDECOD", "ENTERED INTO TRIAL"), "DSSTDTC"),
        "consent": _kept(collected, "RFICDTC", consent),
    }
    dates = pd.DataFrame(index=pd.Index(index, name=SUBJECT))
    start = pd.Series("", index=dates.index, dtype=object)
    for name in study.reference.start:
        found = starts[name].reindex(dates.index).fillna("")
        start = start.where(start != "", found)

    def put(name: str, derived: pd.Series) -> None:
        dates[f"{DERIVED}{name}"] = derived.reindex(dates.index).fillna("")
        dates[name] = _kept(collected, name, derived).reindex(dates.index).fillna("")

    put("RFSTDTC", start)
    put("RFXSTDTC", first_dose)
    ends = pd.concat([_extreme(drugs["EX"], "END", last=True), _extreme(drugs["EX"], "DTC", last=True)])
    put("RFXENDTC", ends.groupby(level=0).max())
    put("RFICDTC", consent)
    participation = _with(_with(ds, "DSCAT", "DISPOSITION EVENT"), "DSSCAT", "STUDY PARTICIPATION")
    ended = _extreme(participation, "DSSTDTC", last=True).reindex(dates.index).fillna("")
    died = _extreme(with_dm_columns(frames["DM"]), "DTHDTC").reindex(dates.index).fillna("")
    put("RFPENDTC", ended.where(ended != "", died))
    put("RFENDTC", dates["RFXENDTC"].where(dates["RFXENDTC"] != "", dates["RFPENDTC"]))
    return dates


def _kept(collected: pd.DataFrame, name: str, derived: pd.Series) -> pd.Series:
    """What the source has of a variable of DM, by subject, and what is derived where it has nothing."""
    if name not in collected:
        return derived
    own = collected[name][_is_filled(collected[name])]
    return own.combine_first(derived)


def _is_filled(column: pd.Series) -> pd.Series:
    return column.notna() & (column != "")


def _earliest(*dates: pd.Series) -> pd.Series:
    together = pd.concat([d for d in dates if len(d)]) if any(len(d) for d in dates) else pd.Series(dtype=object)
    return together.groupby(level=0).min() if len(together) else together


def completed_years(birth: pd.Series, at: pd.Series) -> pd.Series:
    """AGE in completed years; missing where either date is not complete to the day."""
    born, day = days_of(birth), days_of(at)
    before = (day.dt.month < born.dt.month) | ((day.dt.month == born.dt.month) & (day.dt.day < born.dt.day))
    return (day.dt.year - born.dt.year - before).astype(float)


# Nobody is known to have lived longer than 122 years.
OLDEST = 130


@derives("AGE", "Completed years from the full date of birth to RFSTDTC, else RFICDTC")
@derives("AGEU", "YEARS where AGE is filled")
@derives("RACE", "OMB race category; MULTIPLE where there are several (each in SUPPDM)")
@derives("ETHNIC", "OMB ethnicity category")
@derives("DMDTC", "RFICDTC")
def build_dm(frames: Mapping[str, pd.DataFrame], study: Study, who: pd.DataFrame, dates: pd.DataFrame) -> pd.DataFrame:
    """DM, one record a subject, with the mapped columns completed by identifiers, dates, age, race and arm."""
    dm = with_dm_columns(frames["DM"]).drop_duplicates(SUBJECT).copy()
    for column in REFERENCE_DATES:
        dm[column] = dm[SUBJECT].map(dates[column])
    dm["SUBJID"] = dm[SUBJECT].map(who["SUBJID"])
    dm["SITEID"] = dm[SUBJECT].map(who["SITEID"])
    dm["DTHFL"] = np.where((dm["DTHDTC"] != "") | (dm["DTHFL"] == "Y"), "Y", "")
    at = dm["RFSTDTC"].where(dm["RFSTDTC"] != "", dm["RFICDTC"])
    age = completed_years(dm["BRTHDTC"], at)
    dm["AGE"] = age.where(age.between(0, OLDEST))
    dm["AGEU"] = np.where(dm["AGE"].notna(), "YEARS", "")
    dm["BRTHDTC"] = _private_birth(dm["BRTHDTC"], study)
    _race(dm)
    _arm(dm, frames.get("DS"), study)
    dm["DMDTC"] = dm["RFICDTC"]
    return dm


def keep_collected(mapped: pd.DataFrame, derived: pd.DataFrame) -> pd.DataFrame:
    """DM with what the source has itself (`mapped`) of the variables that else are derived."""
    own = mapped.drop_duplicates(SUBJECT).set_index(SUBJECT)
    made = {
        name: _kept(own, name, derived.set_index(SUBJECT)[name]).reindex(derived[SUBJECT]).to_numpy()
        for name in _MAY_BE_COLLECTED
        if name in own and name in derived
    }
    dm = derived.assign(**made)
    dm["AGEU"] = dm["AGEU"].mask((dm["AGEU"] == "") & dm["AGE"].notna(), "YEARS")
    if "ARMCD" in own and "ARMNRS" not in own:
        dm["ARMNRS"] = _no_arm(dm["ARMCD"] != "", (dm["ACTARMCD"] != "") | (dm["RFXSTDTC"] != ""))
    return dm


def _no_arm(assigned: pd.Series, treated: pd.Series) -> np.ndarray:
    return np.select([~assigned, ~treated], ["NOT ASSIGNED", "ASSIGNED, NOT TREATED"], "")


def collected_findings(mapped: pd.DataFrame, derived: pd.DataFrame, dates: pd.DataFrame) -> list[Finding]:
    """A finding for each subject and variable where what the source has is not what its other records give.

    The arm that a source gives in its own words, and the subject number, are compared with nothing.
    """
    own = mapped.drop_duplicates(SUBJECT).set_index(SUBJECT)
    made = derived.set_index(SUBJECT)
    pairs = {name: dates[f"{DERIVED}{name}"] for name in REFERENCE_DATES} | {"AGE": made["AGE"]}
    found = []
    for name, other in pairs.items():
        if name not in own:
            continue
        both = own[name][_is_filled(own[name])]
        others = other.reindex(both.index)
        for subject in both.index[_is_filled(others) & (both != others)]:
            said = f"{subject}: {name}: {_shown(both[subject])} was collected, and the other records give "
            said += f"{_shown(others[subject])}; the collected one is kept"
            found.append(Finding("collected.differs", said, resource=str(subject), variable=name))
    return found


def _shown(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def age_findings(born: pd.DataFrame, dm: pd.DataFrame) -> list[Finding]:
    """Subjects without AGE although their dates of birth (`born`: mapped rows) and of reference are complete."""
    birth = born.drop_duplicates(SUBJECT).set_index(SUBJECT)["BRTHDTC"]
    at = dm["RFSTDTC"].where(dm["RFSTDTC"] != "", dm["RFICDTC"])
    lost = dm[dm["AGE"].isna() & (dm[SUBJECT].map(birth).str.len() >= 10) & (at.str.len() >= 10)]
    said = f"the date of birth gives no age from 0 to {OLDEST} years; AGE is blank"
    return [
        Finding("age.impossible", f"{who}: {said}", "error", resource=who, variable="AGE")
        for who in sorted(lost[SUBJECT])
    ]


def _private_birth(birth: pd.Series, study: Study) -> pd.Series:
    cut = {"full": 10, "year": 4, "none": 0}[study.privacy.birth_date]
    return birth.str.slice(0, cut)


def _race(dm: pd.DataFrame) -> None:
    terms = dm[RACE].map(lambda text: [term for term in text.split(";") if term])
    dm["RACE"] = terms.map(lambda t: "" if not t else t[0] if len(set(t)) == 1 else "MULTIPLE")
    for position in range(1, 6):
        several = terms.map(lambda t, p=position: t[p - 1] if len(set(t)) > 1 and len(t) >= p else "")
        if (several != "").any():
            dm[f"SUPP.RACE{position}"] = several
    dm["ETHNIC"] = dm[ETHNIC]


def arm_findings(dm: pd.DataFrame, study: Study) -> list[Finding]:
    """Arms of subjects that the study file, which gives TA, does not have (SDTMIG 3.4 section 5.2)."""
    known = {arm.code for arm in study.arms} | {""}
    return [
        Finding(
            "arm.unknown",
            f"{name}: {code!r} is no arm of the study file; it is kept as the source has it",
            variable=name,
            value=str(code),
            count=int(count),
        )
        for name in ("ARMCD", "ACTARMCD")
        for code, count in dm[name].value_counts().sort_index().items()
        if study.arms and code not in known
    ]


def _arm(dm: pd.DataFrame, ds: pd.DataFrame | None, study: Study) -> None:
    labels = {arm.code: arm.label for arm in study.arms}
    treated = dm["RFXSTDTC"] != ""
    for kind, source in (("ARM", ARMCD), ("ACTARM", ACTARMCD)):
        code = dm[SUBJECT].map(_first(ds, source)).fillna("")
        if kind == "ACTARM":
            code = code.where(treated, "")
        dm[f"{kind}CD"] = code
        dm[kind] = code.map(lambda c: labels.get(c, c))
    dm["ARMNRS"] = _no_arm(dm["ARMCD"] != "", treated)
