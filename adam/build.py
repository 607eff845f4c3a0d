"""SDTM frames to ADaM frames of a study: which datasets there are, in what order they are made, what was found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pandas as pd
from fhir2cdisc.adam.frames.findings import gather_findings
from fhir2cdisc.adam.frames.sdtm import Frames, cut_at, dataset, tidy
from fhir2cdisc.adam.frames.variables import described
from fhir2cdisc.adam.lineage import adam_lineage
from fhir2cdisc.adam.plan import Plan, adsl_options, recist_options, sensitivity_options
from fhir2cdisc.adam.questionnaires.adqs import adqs_dataset, adqs_findings, derive_adqs
from fhir2cdisc.adam.response.adrs import adrs_dataset, check_adrs, derive_adrs
from fhir2cdisc.adam.response.composite import add_composites
from fhir2cdisc.adam.response.judged_again import judge_again
from fhir2cdisc.adam.results.sheet import Spec
from fhir2cdisc.adam.results.summary import study_specs
from fhir2cdisc.adam.safety.adae import adae_dataset, adae_findings, derive_adae
from fhir2cdisc.adam.subject.adsl import adsl_dataset, derive_adsl, first_and_last_dose
from fhir2cdisc.adam.subject.disease import periods_by_guidance
from fhir2cdisc.adam.time_to_event.adtte import adtte_dataset, check_adtte, derive_adtte
from fhir2cdisc.adam.tumour.adtr import adtr_dataset, derive_adtr
from fhir2cdisc.adam.tumour.recist import Lesions
from fhir2cdisc.mappings.standard.datasets import Dataset
from fhir2cdisc.mappings.study import Study

# What every record carries of its subject.
KEEP = ("STUDYID", "TRT01P", "TRT01A", "TRTSDT", "TRTEDT", "FASFL", "SAFFL", "EVALFL")


@dataclass(frozen=True, slots=True, eq=False)
class Adam:
    """ADaM of a study.

    frames    the datasets by name, `datasets` their metadata.
    plan      what the study asks of these data, `specs` the results that it asks for.
    findings  what was found while they were made (DATASET, USUBJID, RULE, MESSAGE ...).
    lineage   the records that each record came from (see `adam_lineage`).
    """

    frames: dict[str, pd.DataFrame]
    datasets: dict[str, Dataset]
    plan: Plan
    specs: tuple[Spec, ...]
    findings: pd.DataFrame
    lineage: pd.DataFrame


def study_lesions(frames: Frames) -> Lesions:
    """The lesions of SDTM frames, with the first dose that tells which scans are baseline."""
    start = first_and_last_dose(frames)[["USUBJID", "TRTSDT"]]
    return Lesions(dataset(frames, "TU"), dataset(frames, "TR"), start)


def build_adam(sdtm: Frames, study: Study, lesions: Lesions | None = None) -> Adam:
    """Every ADaM dataset that the SDTM data can give: ADSL and ADTTE always, the others where their domain is there.

    The study's data cut-off is applied first, so that nothing after it can be seen by any derivation. `lesions` are
    those of `sdtm` where somebody has measured them already.
    """
    frames = cut_at(tidy(sdtm), study.cutoff)
    if lesions is None or lesions.tu is not frames.get("TU") or lesions.tr is not frames.get("TR"):
        lesions = study_lesions(frames)
    wanted = [(one, recist_options(study, one.criteria)) for one in sensitivity_options(study)]
    rs, lacking = judge_again(dataset(frames, "RS"), lesions, wanted)
    adsl = derive_adsl(frames, adsl_options(study))
    plan = Plan.of(study, {**frames, "RS": rs})
    made = {"ADSL": adsl}
    found = [lacking]
    _responses(made, found, frames | {"RS": rs}, lesions, plan)
    _events(made, found, frames, plan)
    plan = plan.given(made)
    made["ADTTE"] = derive_adtte(adsl, made, plan.parameters, keep=KEEP)
    found += [check_adtte(adsl, made, plan.parameters), plan.check()]
    if "ADRS" in made:
        made["ADRS"] = add_composites(made, rs, dataset(frames, "TU"), plan.families, keep=KEEP)
    made = dict(sorted(made.items()))
    lineage = adam_lineage(made, dataset(frames, "QS"))
    return Adam(made, adam_datasets(made, plan), plan, study_specs(plan, made), gather_findings(found), lineage)


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
        periods = periods_by_guidance(frames, plan.subject) if guided else None
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
