"""When study treatment began and ended, with which drugs, and what was given before and after it.

Study treatment begins with the first dose on or after the enrolment, where the study says so. The drugs that begin
together are the index regimen; what comes later and is not of the subject's arm is a later line of therapy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd
from fhir2cdisc.adam.frames.columns import text
from fhir2cdisc.adam.frames.dates import impute_dates
from fhir2cdisc.adam.frames.sdtm import Frames, dataset
from fhir2cdisc.adam.frames.variables import derived, derived_date, derived_number
from fhir2cdisc.adam.subject.doses import from_enrolment, read_doses
from fhir2cdisc.adam.subject.drugs import DrugNames
from fhir2cdisc.adam.subject.exposure_said import exposure_evidence, exposure_findings
from fhir2cdisc.adam.subject.options import AdslOptions
from fhir2cdisc.adam.subject.regimens import arm_drugs, regimens
from fhir2cdisc.mappings.study_facts import Treatment

VARIABLES = (
    derived_date(
        "TRTSDT",
        "Date of First Exposure to Treatment",
        "Earliest EX.EXSTDTC of a dose above 0 that is complete to the day, from the enrolment on where the study says",
    ),
    derived_date("TRTEDT", "Date of Last Exposure to Treatment", ""),
    derived("TRTEDTF", "Date of Last Exposure Imputation Flag", "D or M where partial, Y where EXENDTC is blank"),
    derived_number("TRTDURD", "Total Treatment Duration (Days)", "TRTEDT - TRTSDT + 1"),
)


def methods(options: Treatment) -> dict[str, str]:
    """The method of TRTEDT by the rules of the study; the flags of arms and drugs speak of the same regimen."""
    said = (
        "Latest EX.EXENDTC, else EX.EXSTDTC, of doses above 0 of the index regimen: drugs of EX that begin within "
        f"{options.together_days} days of TRTSDT and those of the subject's arm (ACTARM, else ARM; else the first arm "
        "that has them all). Not of it are another drug that the study names and all doses after more than "
        f"{options.gap_days} days without one: they are a later line. A partial end counts as its last possible day, "
        "the last record of a drug without an end (given neither once nor at once by its route) as its start; either "
        "ends on the first of EOTDT, NACTDT - 1, DTHDT, EOSDT, LSTALVDT (after that start) and the data cut-off "
        "that is "
        "not before its start, the partial one where that is earlier. Without EX DM.RFXENDTC, else RFXSTDTC"
    )
    return {"TRTEDT": said}


@dataclass(frozen=True, slots=True, eq=False)
class Exposure:
    """Doses read once, a row a record of EX, and what they make of each subject.

    doses     USUBJID, DRUG, START, END, FROM (the start, or the enrolment where it lies within the record), ROLE
              (`prior`, `index`, `later`, `held`, `undated`) and what `candidates` gives.
    start     the index date by USUBJID.
    regimen   the names of the drugs of the index regimen by USUBJID.
    """

    doses: pd.DataFrame
    start: pd.Series
    regimen: Mapping[str, frozenset[str]]
    evidence: pd.DataFrame
    findings: pd.DataFrame

    @property
    def treated(self) -> frozenset[str]:
        """Who got a dose of study treatment, dated or not."""
        given = self.doses["ROLE"].isin(["index", "later", "undated"])
        return frozenset(self.doses.loc[given, "USUBJID"])

    def of(self, role: str) -> pd.DataFrame:
        return self.doses[self.doses["ROLE"] == role]


def read_exposure(frames: Frames, options: AdslOptions) -> Exposure:
    """The doses of every subject in DM with their roles."""
    dm = dataset(frames, "DM")
    names = DrugNames(options.drugs)
    doses = read_doses(frames, names)
    enrolled = enrolment(frames)
    by_enrolment = options.treatment.index == "enrolment" or (not options.treatment.index and options.by_enrolment)
    since = enrolled - pd.Timedelta(days=options.treatment.before_days)
    doses = from_enrolment(doses, since if by_enrolment else since.iloc[:0])
    counted = doses[(doses["ROLE"] == "") & doses["FROM"].notna()]
    start = counted.groupby("USUBJID")["FROM"].min()
    doses, regimen = regimens(doses, start, arm_drugs(dm, names, options), options)
    start = start.reindex(dm["USUBJID"]).astype("datetime64[ns]")
    found = exposure_findings(doses, start, since, options)
    return Exposure(doses, start, regimen, exposure_evidence(doses, start), found)


def enrolment(frames: Frames) -> pd.Series:
    """The day from which doses are of the study, by USUBJID: consent, else enrolment; the first possible day."""
    dm, ds = dataset(frames, "DM"), dataset(frames, "DS")
    consent = impute_dates(text(dm, "RFICDTC"), "first")[0].groupby(dm["USUBJID"]).min()
    entered = ds[text(ds, "DSDECOD") == "ENTERED INTO TRIAL"]
    enrolled = impute_dates(text(entered, "DSSTDTC"), "first")[0].groupby(entered["USUBJID"]).min()
    return consent.fillna(enrolled.reindex(consent.index)).astype("datetime64[ns]")


def study_doses(ex: pd.DataFrame, adsl: pd.DataFrame) -> pd.DataFrame:
    """EX from the first dose of study treatment on; what was given before is no therapy under study."""
    start = pd.to_datetime(ex["USUBJID"].map(adsl.set_index("USUBJID")["TRTSDT"]))
    latest = impute_dates(text(ex, "EXENDTC").where(text(ex, "EXENDTC") != "", text(ex, "EXSTDTC")), "last")[0]
    return ex[~(latest < start)]


def later_lines(exposure: Exposure) -> pd.DataFrame:
    """The first dose of every later line, as candidates with DATE."""
    rows = exposure.of("later").sort_values(["USUBJID", "FROM", "SRCSEQ"], kind="stable")
    return rows.drop_duplicates(["USUBJID", "DRUG"]).assign(DATE=lambda made: made["FROM"])
