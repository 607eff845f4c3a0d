"""ADSL: one record a subject, populations, treatment, disposition, death, last known alive (ADaMIG 1.3, 3.2)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from fhir2cdisc.adam.frames.columns import text, yes_no
from fhir2cdisc.adam.frames.dates import full_dates
from fhir2cdisc.adam.frames.findings import gather_findings
from fhir2cdisc.adam.frames.sdtm import Frames, dataset
from fhir2cdisc.adam.frames.variables import derived, derived_date, derived_number, predecessor, with_methods
from fhir2cdisc.adam.subject import (
    biomarkers,
    death,
    diagnosis,
    disease,
    disposition,
    last_alive,
    markers,
    new_therapy,
    treatment,
    tumour_board,
)
from fhir2cdisc.adam.subject.arms import add_arms, arm_flag, arm_in_words
from fhir2cdisc.adam.subject.death import cause_of_death, derive_death
from fhir2cdisc.adam.subject.diagnosis import derive_diagnosis
from fhir2cdisc.adam.subject.disease import add_disease, prior_drugs
from fhir2cdisc.adam.subject.disposition import add_disposition
from fhir2cdisc.adam.subject.enrolment import enrolment_evidence, reference_start
from fhir2cdisc.adam.subject.evidence import Fact, stack_evidence
from fhir2cdisc.adam.subject.last_alive import contact_evidence, last_known_alive
from fhir2cdisc.adam.subject.new_therapy import derive_new_therapy
from fhir2cdisc.adam.subject.options import AdslOptions
from fhir2cdisc.adam.subject.treatment import Exposure, read_exposure
from fhir2cdisc.adam.subject.treatment_end import CONTACT, Ends, treatment_end
from fhir2cdisc.mappings.standard.datasets import Dataset

FROM_DM = ("STUDYID", "USUBJID", "SUBJID", "SITEID", "AGE", "AGEU", "SEX", "RACE", "ETHNIC", "COUNTRY", "ARM", "ACTARM")
VARIABLES = (
    predecessor("STUDYID", "Study Identifier", "DM.STUDYID", core="Req"),
    predecessor("USUBJID", "Unique Subject Identifier", "DM.USUBJID", core="Req"),
    predecessor("SUBJID", "Subject Identifier for the Study", "DM.SUBJID", core="Req"),
    predecessor("SITEID", "Study Site Identifier", "DM.SITEID", core="Req"),
    predecessor("AGE", "Age", "DM.AGE", "Num"),
    predecessor("AGEU", "Age Units", "DM.AGEU"),
    predecessor("SEX", "Sex", "DM.SEX", core="Req"),
    predecessor("RACE", "Race", "DM.RACE"),
    predecessor("ETHNIC", "Ethnicity", "DM.ETHNIC"),
    predecessor("COUNTRY", "Country", "DM.COUNTRY"),
    predecessor("ARM", "Description of Planned Arm", "DM.ARM"),
    predecessor("ACTARM", "Description of Actual Arm", "DM.ACTARM"),
    derived("TRT01P", "Planned Treatment for Period 01", "DM.ARM; else the first arm that the index regimen fits"),
    derived("TRT01A", "Actual Treatment for Period 01", "DM.ACTARM; else the first arm that the index regimen fits"),
    derived_date(
        "RFSTDT",
        "Reference Start Date",
        "DM.RFSTDTC where complete to the day; TRTSDT where that is the day of a dose that is prior therapy",
    ),
    derived_date("RFICDT", "Date of Informed Consent", "DM.RFICDTC where complete to the day"),
    derived_date("ENRLDT", "Date of Enrollment", "DS.DSSTDTC of ENTERED INTO TRIAL"),
    *treatment.VARIABLES,
    *disposition.VARIABLES,
    *death.VARIABLES,
    derived("DTHCAUS", "Cause of Death", "DD.DDSTRESC of the primary cause of death"),
    derived("FASFL", "Full Analysis Set Population Flag", "Y for a subject who consented or was enrolled"),
    derived("SAFFL", "Safety Population Flag", "Y for a subject with at least one dose of study treatment above 0"),
    derived(
        "EVALFL",
        "Response-Evaluable Population Flag",
        "Y if SAFFL is Y, TU has a target lesion, and ADRS has an overall response of the main analysis (OVR, not "
        "MISSING) with ADT after TRTSDT, else N",
    ),
    derived_number("ENRLRANK", "Rank of Enrollment", "Order of RFICDT (else ENRLDT), then USUBJID"),
)


@dataclass(frozen=True, slots=True, eq=False)
class Subjects:
    """ADSL, the evidence for its facts (`EVIDENCE_COLUMNS`) and what was found on the way."""

    adsl: pd.DataFrame
    evidence: pd.DataFrame
    findings: pd.DataFrame


def derive_adsl(frames: Frames, options: AdslOptions) -> pd.DataFrame:
    """ADSL of the subjects in DM, in order of USUBJID, see `derive_subjects`."""
    return derive_subjects(frames, options).adsl


def derive_subjects(frames: Frames, options: AdslOptions) -> Subjects:
    """ADSL of the subjects in DM, in order of USUBJID, with the evidence.

    `frames` are SDTM datasets by name (cut at the data cut-off already, see `cut_at`). Dates are datetime64. A
    subject's TRTSDT is missing where nothing was given; RFSTDT is where the study lets time start.
    """
    dm = dataset(frames, "DM").sort_values("USUBJID", kind="stable").reset_index(drop=True)
    adsl = pd.DataFrame({name: dm[name] if name in dm else text(dm, name) for name in FROM_DM})
    adsl["AGE"] = pd.to_numeric(adsl["AGE"], errors="coerce")
    exposure = read_exposure(frames, options)
    _dates(adsl, dm, frames)
    adsl["TRTSDT"] = _of(adsl, exposure.start, "datetime64[ns]")
    add_arms(adsl, dm, exposure.regimen, options)
    until = pd.Timestamp(options.cutoff) if options.cutoff else None
    died = derive_death(frames, adsl["USUBJID"], options.death, until)
    for name in died.values:
        adsl[name] = _of(adsl, died.values[name], died.values[name].dtype)
    adsl["DTHCAUS"] = cause_of_death(frames, adsl["USUBJID"], adsl["DTHFL"])
    add_disposition(adsl, frames)
    alive = last_known_alive(frames, died.values["DTHDT"], until)
    diagnosed = derive_diagnosis(frames, exposure.start, options.diagnosis)
    therapy = derive_new_therapy(frames, exposure, options)
    ended = _treatment_end(adsl, exposure, alive, therapy, until)
    adsl = _with_last_contact(adsl, alive)
    for fact in (diagnosed, therapy):
        for name in fact.values:
            adsl[name] = _of(adsl, fact.values[name], fact.values[name].dtype)
    adsl["PRIORLN"] = prior_drugs(adsl["USUBJID"], frames, exposure)
    adsl = add_disease(adsl, frames, options)
    started = reference_start(adsl, exposure)
    _populations(adsl, dm, frames, exposure, options)
    _interim(adsl, options)
    evidence = [fact.evidence for fact in (died, diagnosed, therapy, ended)]
    contacts = contact_evidence(frames, alive, died.values["DTHDT"])
    untold = markers.untold_genes(adsl, frames.get("GF"), options)
    found = [exposure.findings, started, untold, *(fact.findings for fact in (died, diagnosed, therapy, ended))]
    known = stack_evidence([*evidence, exposure.evidence, contacts, enrolment_evidence(frames)])
    known = known[known["USUBJID"].isin(adsl["USUBJID"])].reset_index(drop=True)
    return Subjects(_without_idle_bounds(adsl), known, gather_findings(found))


def _of(adsl: pd.DataFrame, values: pd.Series, kind: object) -> pd.Series:
    """Values by USUBJID in the order of ADSL; a text that nobody gives is blank."""
    found = adsl["USUBJID"].map(values)
    return found.astype("datetime64[ns]") if "datetime" in str(kind) else found.fillna("").astype(object)


def _dates(adsl: pd.DataFrame, dm: pd.DataFrame, frames: Frames) -> None:
    adsl["RFSTDT"], adsl["RFICDT"] = full_dates(dm, "RFSTDTC"), full_dates(dm, "RFICDTC")
    ds = dataset(frames, "DS")
    entered = ds[text(ds, "DSDECOD") == "ENTERED INTO TRIAL"]
    first = full_dates(entered, "DSSTDTC").groupby(entered["USUBJID"]).min()
    adsl["ENRLDT"] = pd.to_datetime(adsl["USUBJID"].map(first))


def _with_last_contact(adsl: pd.DataFrame, alive: pd.DataFrame) -> pd.DataFrame:
    adsl = adsl.merge(alive, on="USUBJID", how="left")
    adsl[["LALVDOM", "LALVVAR"]] = adsl[["LALVDOM", "LALVVAR"]].fillna("").astype(object)
    adsl["LSTALVDT"] = pd.to_datetime(adsl["LSTALVDT"])
    return adsl


def _treatment_end(
    adsl: pd.DataFrame, exposure: Exposure, alive: pd.DataFrame, therapy: Fact, until: pd.Timestamp | None
) -> Fact:
    """TRTEDT, TRTEDTF and TRTDURD are put into ADSL; evidence and findings are returned."""
    by = adsl.set_index("USUBJID")
    ends = Ends(
        {
            "end of treatment by DS": by["EOTDT"],
            "the day before the next line": therapy.values["NACTDT"] - pd.Timedelta(days=1),
            "death": by["DTHDT"],
            "end of participation by DS": by["EOSDT"],
            CONTACT: alive.set_index("USUBJID")["LSTALVDT"],
            "data cut-off": pd.Series(until, index=by.index, dtype="datetime64[ns]"),
        }
    )
    values, evidence, found = treatment_end(exposure, ends)
    adsl["TRTEDT"] = _of(adsl, values["TRTEDT"], "datetime64[ns]")
    adsl["TRTEDTF"] = _of(adsl, values["TRTEDTF"], object)
    adsl["TRTDURD"] = (adsl["TRTEDT"] - adsl["TRTSDT"]).dt.days + 1.0
    return Fact(values, evidence, found)


def _without_idle_bounds(adsl: pd.DataFrame) -> pd.DataFrame:
    """The bounds of the day of death say something only where one day was imputed or is not known."""
    dead = adsl[adsl["DTHFL"] == "Y"]
    sure = (dead["DTHDT"] == dead["DTHEDT"]) & (dead["DTHDT"] == dead["DTHLDT"])
    return adsl.drop(columns=["DTHEDT", "DTHLDT"]) if sure.all() else adsl


def _populations(
    adsl: pd.DataFrame, dm: pd.DataFrame, frames: Frames, exposure: Exposure, options: AdslOptions
) -> None:
    """FASFL: enrolled (everybody in a cohort without enrolment); SAFFL: treated; EVALFL: measurable and assessed.

    A partial date of consent, enrolment or dose is enough: that it happened is known.
    """
    ds = dataset(frames, "DS")
    entered = ds.loc[text(ds, "DSDECOD") == "ENTERED INTO TRIAL", "USUBJID"]
    enrolled = adsl["USUBJID"].isin(entered) | (text(dm, "RFICDTC") != "")
    adsl["FASFL"] = yes_no(enrolled if options.by_enrolment else adsl["USUBJID"].notna())
    adsl["SAFFL"] = yes_no(adsl["USUBJID"].isin(exposure.treated))
    tu, rs = dataset(frames, "TU"), dataset(frames, "RS")
    target = set(tu.loc[text(tu, "TUSTRESC").isin(["TARGET", "TARGET NODAL"]), "USUBJID"])
    response = rs[text(rs, "RSTESTCD") == "OVRLRESP"]
    start = response["USUBJID"].map(adsl.set_index("USUBJID")["TRTSDT"])
    after = set(response.loc[full_dates(response, "RSDTC") > pd.to_datetime(start), "USUBJID"])
    adsl["EVALFL"] = yes_no((adsl["SAFFL"] == "Y") & adsl["USUBJID"].isin(target) & adsl["USUBJID"].isin(after))


def _interim(adsl: pd.DataFrame, options: AdslOptions) -> None:
    """ENRLRANK by consent (else enrolment) date, then USUBJID; INTnFL flags the first so many of each interim look."""
    if not options.looks:
        return
    when = adsl["RFICDT"].where(adsl["RFICDT"].notna(), adsl["ENRLDT"])
    order = pd.DataFrame({"d": when, "u": adsl["USUBJID"]}).dropna().sort_values(["d", "u"]).index
    adsl["ENRLRANK"] = pd.Series(np.arange(1.0, len(order) + 1), index=order).reindex(adsl.index)
    for number_, cases in enumerate(options.looks, start=1):
        adsl[f"INT{number_}FL"] = yes_no(adsl["ENRLRANK"] <= cases)


def adsl_dataset(options: AdslOptions) -> Dataset:
    """ADSL; flags of arms, drugs, genes and interim looks are those of the study."""
    flags = [
        *((arm_flag(arm), f"Fits {arm.code} Flag", arm_in_words(arm)) for arm in options.arms),
        *(
            (d.flag, f"Received {d.name.title()} Flag", f"Y if the index regimen (see TRTEDT) has {d.name}, else N")
            for d in options.drugs
            if d.flag
        ),
        *(
            (f"INT{n}FL", f"Interim Look {n} Flag", f"Y for the first {cases} subjects by ENRLRANK, else N")
            for n, cases in enumerate(options.looks, start=1)
        ),
        *markers.gene_variables(options),
    ]
    own = tuple(derived(name, label[:40], method) for name, label, method in flags)
    known = (
        *VARIABLES,
        *last_alive.VARIABLES,
        *diagnosis.VARIABLES,
        *new_therapy.VARIABLES,
        *disease.VARIABLES,
        *biomarkers.VARIABLES,
        *markers.VARIABLES,
        *tumour_board.VARIABLES,
    )
    enrolled = "Y where DS holds ENTERED INTO TRIAL or DM.RFICDTC is present, else N"
    said = {
        "FASFL": enrolled if options.by_enrolment else "Y for every subject of DM",
        **death.methods(options.death),
        **treatment.methods(options.treatment),
        **new_therapy.methods(options),
        **markers.methods(options),
    }
    return Dataset(
        "ADSL",
        "Subject-Level Analysis Dataset",
        "SUBJECT LEVEL ANALYSIS DATASET",
        "One record per subject",
        (*with_methods(known, said), *own),
        ("STUDYID", "USUBJID"),
    )
