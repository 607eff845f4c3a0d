"""ADSL: one record a subject, populations, treatment, disposition, death, last known alive (ADaMIG 1.3, 3.2)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from fhir2cdisc.adam.frames.columns import number, text, yes_no
from fhir2cdisc.adam.frames.dates import full_dates, impute_dates
from fhir2cdisc.adam.frames.sdtm import Frames, dataset
from fhir2cdisc.adam.frames.variables import derived, derived_date, derived_number, predecessor, with_methods
from fhir2cdisc.adam.subject import biomarkers, disease, last_alive, markers, tumour_board
from fhir2cdisc.adam.subject.biomarkers import gene_flag, gene_in_words
from fhir2cdisc.adam.subject.disease import add_disease
from fhir2cdisc.adam.subject.last_alive import last_known_alive
from fhir2cdisc.adam.subject.options import AdslOptions
from fhir2cdisc.mappings.standard.datasets import Dataset
from fhir2cdisc.mappings.study import Arm

FROM_DM = ("STUDYID", "USUBJID", "SUBJID", "SITEID", "AGE", "AGEU", "SEX", "RACE", "ETHNIC", "COUNTRY", "ARM", "ACTARM")
LAST = "the last DISPOSITION EVENT of DSSCAT STUDY {} (by first possible day, then DSSEQ; no DSSCAT is participation)"
REASON = f"DS.DSDECOD of {LAST} unless COMPLETED"
STATUS = f"COMPLETED or else DISCONTINUED by DS.DSDECOD of {LAST}, ONGOING without such"
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
    derived(
        "TRT01P",
        "Planned Treatment for Period 01",
        "DM.ARM; else the first arm of the study, by its precedence, whose drugs those of EX.EXTRT fit",
    ),
    derived("TRT01A", "Actual Treatment for Period 01", "DM.ACTARM; else as TRT01P by EX.EXTRT"),
    derived_date("RFSTDT", "Reference Start Date", "DM.RFSTDTC where complete to the day"),
    derived_date("RFICDT", "Date of Informed Consent", "DM.RFICDTC where complete to the day"),
    derived_date(
        "ENRLDT", "Date of Enrollment", "Earliest DS.DSSTDTC complete to the day where DSDECOD is ENTERED INTO TRIAL"
    ),
    derived_date(
        "TRTSDT",
        "Date of First Exposure to Treatment",
        "Earliest EX.EXSTDTC complete to the day; DM.RFXSTDTC where there is no EX at all",
    ),
    derived_date(
        "TRTEDT",
        "Date of Last Exposure to Treatment",
        "Latest EX.EXENDTC or EX.EXSTDTC complete to the day; DM.RFXENDTC where there is no EX at all",
    ),
    derived_number("TRTDURD", "Total Treatment Duration (Days)", "TRTEDT - TRTSDT + 1"),
    derived_date("EOSDT", "End of Study Date", f"DS.DSSTDTC complete to the day of {LAST.format('PARTICIPATION')}"),
    derived("DCSREAS", "Reason for Discontinuation from Study", REASON.format("PARTICIPATION")),
    derived("EOSSTT", "End of Study Status", STATUS.format("PARTICIPATION")),
    derived_date("EOTDT", "End of Treatment Date", f"DS.DSSTDTC complete to the day of {LAST.format('TREATMENT')}"),
    derived("DCTREAS", "Reason for Discontinuation of Treatment", REASON.format("TREATMENT")),
    derived(
        "EOTSTT",
        "End of Treatment Status",
        f"{STATUS.format('TREATMENT')}; blank without TRTSDT and EX, and where it would be ONGOING but DTHFL is Y or "
        "EOSSTT is not ONGOING",
    ),
    derived_date("DTHDT", "Date of Death", "DM.DTHDTC where complete to the day"),
    predecessor("DTHFL", "Subject Death Flag", "DM.DTHFL"),
    derived("DTHCAUS", "Cause of Death", "DD.DDSTRESC of the first record with DDTESTCD PRCDTH, where DTHFL is Y"),
    derived("FASFL", "Full Analysis Set Population Flag", ""),
    derived("SAFFL", "Safety Population Flag", "Y where TRTSDT is present or EX has a record, else N"),
    derived(
        "EVALFL",
        "Response-Evaluable Population Flag",
        "Y where SAFFL is Y, TU.TUSTRESC is TARGET or TARGET NODAL, and RS OVRLRESP has a complete date after TRTSDT; "
        "else N",
    ),
    derived_number("ENRLRANK", "Rank of Enrollment", "Order of RFICDT (else ENRLDT), then USUBJID; missing without"),
)


def derive_adsl(frames: Frames, options: AdslOptions) -> pd.DataFrame:
    """ADSL of the subjects in DM, in order of USUBJID.

    `frames` are SDTM datasets by name (cut at the data cut-off already, see `cut_at`). Dates are datetime64. A
    subject's TRTSDT is missing where nothing was given; RFSTDT is where the study lets time start.
    """
    dm = dataset(frames, "DM").sort_values("USUBJID", kind="stable").reset_index(drop=True)
    adsl = pd.DataFrame({name: dm[name] if name in dm else text(dm, name) for name in FROM_DM})
    adsl["AGE"] = pd.to_numeric(adsl["AGE"], errors="coerce")
    _dates(adsl, dm, frames)
    _arms(adsl, dm, frames, options)
    _death(adsl, dm, frames)
    _disposition(adsl, frames)
    alive = last_known_alive(
        frames, adsl.set_index("USUBJID")["DTHDT"], pd.Timestamp(options.cutoff) if options.cutoff else None
    )
    adsl = adsl.merge(alive, on="USUBJID", how="left")
    adsl[["LALVDOM", "LALVVAR"]] = adsl[["LALVDOM", "LALVVAR"]].fillna("").astype(object)
    adsl["LSTALVDT"] = pd.to_datetime(adsl["LSTALVDT"])
    adsl = add_disease(adsl, frames, options)
    _populations(adsl, dm, frames, options)
    _interim(adsl, options)
    return adsl


def _dates(adsl: pd.DataFrame, dm: pd.DataFrame, frames: Frames) -> None:
    adsl["RFSTDT"], adsl["RFICDT"] = full_dates(dm, "RFSTDTC"), full_dates(dm, "RFICDTC")
    ds = dataset(frames, "DS")
    entered = ds[text(ds, "DSDECOD") == "ENTERED INTO TRIAL"]
    first = full_dates(entered, "DSSTDTC").groupby(entered["USUBJID"]).min()
    adsl["ENRLDT"] = pd.to_datetime(adsl["USUBJID"].map(first))
    doses = adsl[["USUBJID"]].merge(first_and_last_dose(frames), on="USUBJID", how="left")
    adsl["TRTSDT"], adsl["TRTEDT"] = doses["TRTSDT"].to_numpy(), doses["TRTEDT"].to_numpy()
    adsl["TRTDURD"] = (adsl["TRTEDT"] - adsl["TRTSDT"]).dt.days + 1.0


def first_and_last_dose(frames: Frames) -> pd.DataFrame:
    """USUBJID, TRTSDT and TRTEDT of every subject in DM: from EX, or as DM says where there is no EX."""
    dm, ex = dataset(frames, "DM"), dataset(frames, "EX")
    made = pd.DataFrame({"USUBJID": dm["USUBJID"], "TRTSDT": full_dates(dm, "RFXSTDTC")})
    made["TRTEDT"] = full_dates(dm, "RFXENDTC")
    if len(ex):
        begins = full_dates(ex, "EXSTDTC")
        # After a data cut the last dose is the last one that the cut still holds.
        ends = pd.concat([full_dates(ex, "EXENDTC"), begins], axis=1).max(axis=1)
        made["TRTSDT"] = pd.to_datetime(made["USUBJID"].map(begins.groupby(ex["USUBJID"]).min()))
        made["TRTEDT"] = pd.to_datetime(made["USUBJID"].map(ends.groupby(ex["USUBJID"]).max()))
    return made.reset_index(drop=True)


def _arms(adsl: pd.DataFrame, dm: pd.DataFrame, frames: Frames, options: AdslOptions) -> None:
    """Planned and actual treatment; where the source names no arm, the first arm that the drugs given fit."""
    ex = dataset(frames, "EX")
    drugs = text(ex, "EXTRT").str.upper().groupby(ex["USUBJID"]).agg(frozenset) if len(ex) else None
    given = adsl["USUBJID"].map(drugs) if drugs is not None else pd.Series(None, index=adsl.index, dtype=object)
    classes = {drug.name.upper(): drug.drug_class for drug in options.drugs}
    arms = sorted(options.arms, key=lambda arm: (arm.precedence, arm.code))
    ruled = [a for a in arms if a.drugs or a.any_class or a.all_class]
    fitted = given.map(lambda names: _fit(names, ruled, classes) if isinstance(names, frozenset) else "")
    planned, actual = text(dm, "ARM"), text(dm, "ACTARM")
    adsl["TRT01P"] = planned.where(planned != "", fitted)
    adsl["TRT01A"] = actual.where(actual != "", fitted)
    for arm in ruled:
        if arm.any_class or arm.all_class:
            fits = given.map(lambda n, a=arm: isinstance(n, frozenset) and _fits(n, a, classes))
            adsl[arm_flag(arm)] = yes_no(fits.astype(bool))
    for drug in options.drugs:
        if drug.flag:
            name = drug.name.upper()
            adsl[drug.flag] = yes_no(given.map(lambda n, d=name: isinstance(n, frozenset) and d in n).astype(bool))


def _fits(names: frozenset[str], arm: Arm, classes: dict[str, str]) -> bool:
    found = {classes.get(name, "") for name in names}
    return (
        (not arm.drugs or any(drug.upper() in names for drug in arm.drugs))
        and (not arm.any_class or bool(found & set(arm.any_class)))
        and set(arm.all_class) <= found
    )


def _fit(names: frozenset[str], arms: list[Arm], classes: dict[str, str]) -> str:
    return next((arm.label for arm in arms if _fits(names, arm, classes)), "")


def _disposition(adsl: pd.DataFrame, frames: Frames) -> None:
    ds = dataset(frames, "DS")
    events = ds[text(ds, "DSCAT") == "DISPOSITION EVENT"]
    # Data of others often leave the subcategory out, having dispositions of the study only.
    of = text(events, "DSSCAT").replace("", "STUDY PARTICIPATION")
    for scope, status, day, reason in (
        ("STUDY PARTICIPATION", "EOSSTT", "EOSDT", "DCSREAS"),
        ("STUDY TREATMENT", "EOTSTT", "EOTDT", "DCTREAS"),
    ):
        rows = events[of == scope]
        # In the order of the first days that they allow: a partial date is not later than all others.
        first, _ = impute_dates(text(rows, "DSSTDTC"), "first")
        rows = rows.assign(_D=full_dates(rows, "DSSTDTC"), _F=first, _N=number(rows, "DSSEQ"))
        rows = rows.sort_values(["USUBJID", "_F", "_N"], kind="stable", na_position="first")
        last = (
            rows.drop_duplicates("USUBJID", keep="last").set_index("USUBJID")
            if len(rows)
            else rows.set_index("USUBJID")
        )
        term = adsl["USUBJID"].map(text(last, "DSDECOD")).fillna("").astype(object)
        adsl[day] = pd.to_datetime(adsl["USUBJID"].map(last["_D"]))
        adsl[reason] = term.where(term != "COMPLETED", "")
        adsl[status] = np.select([term == "", term == "COMPLETED"], ["ONGOING", "COMPLETED"], "DISCONTINUED")
    ex = dataset(frames, "EX")
    treated = adsl["TRTSDT"].notna() | adsl["USUBJID"].isin(ex["USUBJID"])
    # Who died or left the study without a word on treatment is not on treatment still.
    over = (adsl["EOTSTT"] == "ONGOING") & ((adsl["EOSSTT"] != "ONGOING") | (adsl["DTHFL"] == "Y"))
    adsl["EOTSTT"] = adsl["EOTSTT"].where(treated & ~over, "")


def _death(adsl: pd.DataFrame, dm: pd.DataFrame, frames: Frames) -> None:
    adsl["DTHDT"], adsl["DTHFL"] = full_dates(dm, "DTHDTC"), text(dm, "DTHFL")
    dd = dataset(frames, "DD")
    cause = dd[text(dd, "DDTESTCD") == "PRCDTH"].drop_duplicates("USUBJID").set_index("USUBJID")
    found = adsl["USUBJID"].map(text(cause, "DDSTRESC")).fillna("").astype(object)
    adsl["DTHCAUS"] = found.where(adsl["DTHFL"] == "Y", "")


def _populations(adsl: pd.DataFrame, dm: pd.DataFrame, frames: Frames, options: AdslOptions) -> None:
    """FASFL: enrolled (everybody in a cohort without enrolment); SAFFL: treated; EVALFL: measurable and assessed.

    A partial date of consent, enrolment or dose is enough: that it happened is known.
    """
    ds, ex = dataset(frames, "DS"), dataset(frames, "EX")
    entered = ds.loc[text(ds, "DSDECOD") == "ENTERED INTO TRIAL", "USUBJID"]
    enrolled = adsl["USUBJID"].isin(entered) | (text(dm, "RFICDTC") != "")
    adsl["FASFL"] = yes_no(enrolled if options.by_enrolment else adsl["USUBJID"].notna())
    adsl["SAFFL"] = yes_no(adsl["TRTSDT"].notna() | adsl["USUBJID"].isin(ex["USUBJID"]))
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
        *(
            (arm_flag(arm), f"Fits {arm.code} Flag", _fits_in_words(arm))
            for arm in options.arms
            if arm.any_class or arm.all_class
        ),
        *(
            (d.flag, f"Received {d.name.title()} Flag", f"Y if EX holds {d.name}, else N")
            for d in options.drugs
            if d.flag
        ),
        *(
            (f"INT{n}FL", f"Interim Look {n} Flag", f"Y for the first {cases} subjects by ENRLRANK, else N")
            for n, cases in enumerate(options.looks, start=1)
        ),
        *(
            (gene_flag(gene), f"{gene_flag(gene).removesuffix('FL')} Alteration Flag", gene_in_words(gene))
            for marker in options.biomarkers
            for gene in marker.genes
        ),
    ]
    own = tuple(derived(name, label[:40], method) for name, label, method in flags)
    enrolled = "Y where DS holds ENTERED INTO TRIAL or DM.RFICDTC is present, else N"
    known = (
        *VARIABLES,
        *last_alive.VARIABLES,
        *disease.VARIABLES,
        *biomarkers.VARIABLES,
        *markers.VARIABLES,
        *tumour_board.VARIABLES,
    )
    said = {"FASFL": enrolled if options.by_enrolment else "Y for every subject of DM", **markers.methods(options)}
    return Dataset(
        "ADSL",
        "Subject-Level Analysis Dataset",
        "SUBJECT LEVEL ANALYSIS DATASET",
        "One record per subject",
        (*with_methods(known, said), *own),
        ("STUDYID", "USUBJID"),
    )


def _fits_in_words(arm: Arm) -> str:
    parts = [f"one of {', '.join(arm.drugs)}"] if arm.drugs else []
    parts += [f"a drug of class {' or '.join(arm.any_class)}"] if arm.any_class else []
    parts += [f"a drug of each class {', '.join(arm.all_class)}"] if arm.all_class else []
    return f"Y if EX holds {' and '.join(parts)}, else N"


def arm_flag(arm: Arm) -> str:
    """The variable that says whose drugs fit an arm, of arms that drugs decide."""
    return f"{arm.code[:6]}FL"
