"""SDTM frames to ADaM frames of a study: which datasets there are, in what order they are made, what was found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pandas as pd
from fhir2cdisc.adam.frames.clock import Latest, without_later
from fhir2cdisc.adam.frames.findings import findings, gather_findings
from fhir2cdisc.adam.frames.sdtm import Frames, cut_at, dataset, tidy
from fhir2cdisc.adam.frames.variables import described
from fhir2cdisc.adam.lineage import adam_lineage
from fhir2cdisc.adam.plan import Plan, adsl_options, recist_options, response_options, sensitivity_options
from fhir2cdisc.adam.questionnaires.adqs import adqs_dataset, adqs_findings, derive_adqs
from fhir2cdisc.adam.response.adrs import adrs_dataset, check_adrs, derive_adrs
from fhir2cdisc.adam.response.composite import add_composites
from fhir2cdisc.adam.response.evidence import response_evidence
from fhir2cdisc.adam.response.judged_again import judge_again, with_derived
from fhir2cdisc.adam.response.source import response_evaluable, source_findings, why_not_estimable, with_sources
from fhir2cdisc.adam.results.sheet import Spec
from fhir2cdisc.adam.results.summary import study_specs
from fhir2cdisc.adam.safety.adae import adae_dataset, adae_findings, derive_adae
from fhir2cdisc.adam.subject.adsl import adsl_dataset, derive_subjects
from fhir2cdisc.adam.subject.disease import periods_by_guidance
from fhir2cdisc.adam.subject.evidence import stack_evidence
from fhir2cdisc.adam.subject.treatment import read_exposure, study_doses
from fhir2cdisc.adam.time_to_event.adtte import adtte_dataset, check_adtte, derive_adtte
from fhir2cdisc.adam.tripwires import tripwires
from fhir2cdisc.adam.tumour.adtr import adtr_dataset, derive_adtr
from fhir2cdisc.adam.tumour.recist import Lesions
from fhir2cdisc.mappings.last_day import cut_day, last_day
from fhir2cdisc.mappings.standard.datasets import Dataset
from fhir2cdisc.mappings.study import Study

# What every record carries of its subject.
KEEP = ("STUDYID", "TRT01P", "TRT01A", "TRTSDT", "TRTEDT", "FASFL", "SAFFL", "EVALFL")


# Which date of which record a finding is about.
_DATE_OF = ["DATASET", "USUBJID", "RECORD", "VARIABLE", "VALUE"]


@dataclass(frozen=True, slots=True, eq=False)
class Adam:
    """ADaM of a study.

    frames    the datasets by name, `datasets` their metadata.
    plan      what the study asks of these data, `specs` the results that it asks for.
    tripwires what makes its numbers doubtful (see `tripwires`); a finding like the others.
    findings  what was found while they were made (DATASET, USUBJID, RULE, MESSAGE ...).
    lineage   the records that each record came from (see `adam_lineage`).
    evidence  what each fact of a subject was chosen from (`subject.evidence.EVIDENCE_COLUMNS`).
    latest    the last day that the data can know, and how many dates after it count as unknown.
    """

    frames: dict[str, pd.DataFrame]
    datasets: dict[str, Dataset]
    plan: Plan
    specs: tuple[Spec, ...]
    tripwires: pd.DataFrame
    findings: pd.DataFrame
    lineage: pd.DataFrame
    evidence: pd.DataFrame
    latest: Latest


def study_lesions(frames: Frames, study: Study) -> Lesions:
    """The lesions of SDTM frames, with the first dose of study treatment that tells which scans are baseline."""
    start = read_exposure(frames, adsl_options(study)).start.rename("TRTSDT").reset_index()
    return Lesions(dataset(frames, "TU"), dataset(frames, "TR"), start)


def build_adam(sdtm: Frames, study: Study, lesions: Lesions | None = None, stated: str = "") -> Adam:
    """Every ADaM dataset that the SDTM data can give: ADSL and ADTTE always, the others where their domain is there.

    The study's data cut-off is applied first, so that nothing after it can be seen by any derivation. `lesions` are
    those of `sdtm` where somebody has measured them already, `stated` the instant of the newest update of the data, by
    what all of them say of themselves (see `last_day`).
    """
    frames, late, latest = _known_by_then(tidy(sdtm), study, stated)
    if lesions is None or lesions.tu is not frames.get("TU") or lesions.tr is not frames.get("TR"):
        lesions = study_lesions(frames, study)
    wanted = [(one, recist_options(study, one.criteria)) for one in sensitivity_options(study)]
    main, rs = response_options(study), dataset(frames, "RS")
    if main.source != "collected":
        rs = with_derived(rs, lesions, main, recist_options(study))
    rs, lacking = judge_again(rs, lesions, wanted)
    subjects = derive_subjects(frames, adsl_options(study))
    adsl = subjects.adsl
    adsl["EVALFL"] = response_evaluable(adsl, rs, dataset(frames, "TU"), main)
    plan = Plan.of(study, {**frames, "RS": rs}, why_not_estimable(rs, adsl, main))
    made = {"ADSL": adsl}
    found = [late, latest.finding(), *_left_out(sdtm, frames, study), subjects.findings]
    found += [lacking, source_findings(rs, dataset(frames, "TR"), adsl, main)]
    _responses(made, found, frames | {"RS": rs}, lesions, plan)
    _events(made, found, frames, plan)
    plan = plan.given(made)
    made["ADTTE"] = with_sources(derive_adtte(adsl, made, plan.parameters, keep=KEEP), made.get("ADRS"))
    found += [check_adtte(adsl, made, plan.parameters), plan.check()]
    if "ADRS" in made:
        made["ADRS"] = add_composites(made, rs, dataset(frames, "TU"), plan.families, keep=KEEP)
    made = dict(sorted(made.items()))
    lineage = adam_lineage(made, dataset(frames, "QS"))
    signs = tripwires(made, frames, plan.tripwires)
    specs = study_specs(plan, made)
    said = gather_findings(found)
    evidence = stack_evidence([subjects.evidence, response_evidence(adsl, rs, main, made.get("ADRS"))])
    return Adam(made, adam_datasets(made, plan), plan, specs, signs, said, lineage, evidence, latest)


def _known_by_then(
    sdtm: dict[str, pd.DataFrame], study: Study, stated: str
) -> tuple[dict[str, pd.DataFrame], pd.DataFrame, Latest]:
    """The data at the cut-off without dates that cannot be known yet, what was found of such dates, and the last day.

    A date that is impossible is said even where the cut-off leaves its record out: the right one may be before it.
    """
    known = last_day(study, stated)
    frames, found = without_later(sdtm, pd.Timestamp(known.day), known.why)
    if not study.cutoff:
        return frames, found, Latest.of(known, found)
    cut = cut_day(study, known)
    frames, late = without_later(cut_at(sdtm, study.cutoff), pd.Timestamp(cut.day), cut.why)
    every = gather_findings([found, late]).drop_duplicates(_DATE_OF, ignore_index=True)
    latest = Latest.of(known, found)
    return frames, every, latest if latest.dates else Latest.of(cut, late)


def _left_out(sdtm: Frames, frames: Frames, study: Study) -> list[pd.DataFrame]:
    """How many records of each domain the data cut-off leaves out."""
    lost = {name: len(frame) - len(frames[name]) for name, frame in sdtm.items()}
    lines = (
        ("", name, "", str(count), f"{count} records began after the data cut-off {study.cutoff} and are left out.")
        for name, count in sorted(lost.items())
        if count
    )
    return [findings("SDTM", "after the data cut-off", "INFO", lines)]


def _responses(
    made: dict[str, pd.DataFrame], found: list[pd.DataFrame], frames: Frames, lesions: Lesions, plan: Plan
) -> None:
    adsl, rs, tu, tr = made["ADSL"], dataset(frames, "RS"), dataset(frames, "TU"), dataset(frames, "TR")
    if "ADRS" in plan.datasets:
        made["ADRS"] = derive_adrs(adsl, rs, tu, plan.every, keep=KEEP)
        found.append(check_adrs(adsl, rs, plan.every))
    if "ADTR" in plan.datasets:
        who = {"evaluator": plan.response.evaluator, "evaluator_id": plan.response.evaluator_id}
        made["ADTR"] = derive_adtr(adsl, tu, tr, plan.recist, **who, keep=KEEP, lesions=lesions)
        found.append(lesions.judged(plan.recist).findings)


def _events(made: dict[str, pd.DataFrame], found: list[pd.DataFrame], frames: Frames, plan: Plan) -> None:
    adsl, ae, qs, rs = made["ADSL"], dataset(frames, "AE"), dataset(frames, "QS"), dataset(frames, "RS")
    if "ADAE" in plan.datasets:
        guided = plan.study.safety.group_by == "guided" and "MTBFL" in adsl
        under_study = {**frames, "EX": study_doses(dataset(frames, "EX"), adsl)}
        periods = periods_by_guidance(under_study, plan.subject) if guided else None
        made["ADAE"] = derive_adae(adsl, ae, frames.get("SUPPAE"), plan.adae, periods)
        found.append(adae_findings(adsl, made["ADAE"]))
    if "ADQS" in plan.datasets:
        adqs = derive_adqs(adsl, qs, plan.adqs, rs if len(rs) else None)
        if len(adqs):
            made["ADQS"] = adqs
        if len(qs):
            found.append(adqs_findings(qs))


def adam_datasets(frames: Mapping[str, pd.DataFrame], plan: Plan) -> dict[str, Dataset]:
    """The metadata of each ADaM frame; MetadataError where a column has none."""
    subject = adsl_dataset(plan.subject)
    methods = [f"{one.paramcd}: {one.method}" for _, family in plan.families for one in family]
    makers: dict[str, Callable[[], Dataset]] = {
        "ADSL": lambda: subject,
        "ADRS": lambda: adrs_dataset(plan.every, methods),
        "ADTR": lambda: adtr_dataset(plan.recist),
        "ADTTE": lambda: adtte_dataset(plan.parameters),
        "ADAE": lambda: adae_dataset(frames["ADAE"], plan.adae),
        "ADQS": lambda: adqs_dataset(plan.adqs),
    }
    return {name: described(frame, makers[name](), subject) for name, frame in frames.items()}
