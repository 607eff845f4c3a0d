"""SDTM frames to ADaM frames of a study: which datasets there are, in what order they are made, what was found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd
from fhir2cdisc.adam.frames.columns import text
from fhir2cdisc.adam.frames.sdtm import Frames, cut_at, dataset
from fhir2cdisc.adam.questionnaires.adqs import adqs_findings, derive_adqs
from fhir2cdisc.adam.response.adrs import check_adrs, derive_adrs
from fhir2cdisc.adam.response.composite import add_composites
from fhir2cdisc.adam.safety.adae import adae_findings, derive_adae
from fhir2cdisc.adam.sensitivity import judge_again
from fhir2cdisc.adam.study_options import (
    adae_options,
    adqs_options,
    recist_options,
    response_options,
    tte_parameters,
)
from fhir2cdisc.adam.subject.adsl import derive_adsl
from fhir2cdisc.adam.subject.disease import periods_by_guidance
from fhir2cdisc.adam.time_to_event.adtte import check_adtte, derive_adtte
from fhir2cdisc.adam.tumour.adtr import derive_adtr
from fhir2cdisc.adam.tumour.recist import check_lesions
from fhir2cdisc.mappings.study import Study

KEEP = ("STUDYID", "TRT01P", "TRT01A", "TRTSDT", "TRTEDT", "FASFL", "SAFFL", "EVALFL")


@dataclass(slots=True)
class Adam:
    """ADaM datasets by name and what was found while they were made (DATASET, USUBJID, RULE, MESSAGE ...)."""

    frames: dict[str, pd.DataFrame]
    findings: pd.DataFrame = field(default_factory=pd.DataFrame)


def build_adam(sdtm: Frames, study: Study) -> Adam:
    """Every ADaM dataset that the SDTM data can give: ADSL and ADTTE always, the others where their domain is there.

    The study's data cut-off is applied first, so that nothing after it can be seen by any derivation.
    """
    frames = cut_at(sdtm, study.cutoff)
    adsl = derive_adsl(frames, study)
    made = {"ADSL": adsl}
    found: list[pd.DataFrame] = []
    rs, tu, tr = (dataset(frames, name) for name in ("RS", "TU", "TR"))
    rs, again, lacking = judge_again(rs, tu, tr, adsl, study)
    if (text(rs, "RSTESTCD") == "OVRLRESP").any():
        options = [response_options(study), *again]
        made["ADRS"] = derive_adrs(adsl, rs, tu, options, keep=KEEP)
        found += [check_adrs(adsl, rs, options), lacking]
    if len(tu) and len(tr):
        who = {"evaluator": study.response.evaluator, "evaluator_id": study.response.evaluator_id}
        made["ADTR"] = derive_adtr(adsl, tu, tr, recist_options(study), **who, keep=KEEP)
        found.append(check_lesions(tu, tr, recist_options(study), adsl))
    _events(made, found, frames, study)
    parameters = tte_parameters(study, "ADRS" in made, again)
    made["ADTTE"] = derive_adtte(adsl, made, parameters, keep=KEEP)
    found.append(check_adtte(adsl, made, parameters))
    if "ADRS" in made:
        made["ADRS"] = add_composites(made, rs, tu, study, again, keep=KEEP)
    return Adam(dict(sorted(made.items())), _stacked(found))


def _events(made: dict[str, pd.DataFrame], found: list[pd.DataFrame], frames: Frames, study: Study) -> None:
    adsl, ae, qs, rs = made["ADSL"], dataset(frames, "AE"), dataset(frames, "QS"), dataset(frames, "RS")
    if len(ae):
        guided = study.safety.group_by == "guided" and "MTBFL" in adsl
        periods = periods_by_guidance(frames, study) if guided else None
        made["ADAE"] = derive_adae(adsl, ae, frames.get("SUPPAE"), adae_options(study), periods)
        found.append(adae_findings(adsl, made["ADAE"]))
    if len(qs) or (text(rs, "RSTESTCD") == "ECOG101").any():
        adqs = derive_adqs(adsl, qs, adqs_options(study), rs if len(rs) else None)
        if len(adqs):
            made["ADQS"] = adqs
        if len(qs):
            found.append(adqs_findings(qs))


def _stacked(found: list[pd.DataFrame]) -> pd.DataFrame:
    filled = [frame for frame in found if len(frame)]
    return pd.concat(filled, ignore_index=True) if filled else pd.DataFrame()


def adam_lineage(frames: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """One row for each ADaM record: the record or variable that it came from.

    BDS and TTE records name it themselves (SRCDOM, SRCVAR, SRCSEQ); a record of ADAE is the AE record of the same
    AESEQ; one of ADSL is its DM record, and LSTALVDT has a row of its own. SRCSEQ is --SEQ, of a visit (SV) VISITNUM.
    """
    parts = []
    for name, frame in frames.items():
        if "SRCDOM" in frame:
            parts.append(_lineage(name, frame, "ASEQ", "SRCDOM", "SRCVAR", "SRCSEQ", frame["PARAMCD"]))
        elif name == "ADAE":
            made = frame.assign(D="AE", V="AETERM", S=frame["AESEQ"])
            parts.append(_lineage(name, made, "AESEQ", "D", "V", "S", ""))
        elif name == "ADSL":
            made = frame.assign(D="DM", V="USUBJID", S=float("nan"), A=float("nan"))
            parts.append(_lineage(name, made, "A", "D", "V", "S", ""))
            alive = frame[frame["LALVDOM"] != ""].assign(A=float("nan"))
            parts.append(_lineage(name, alive, "A", "LALVDOM", "LALVVAR", "LALVSEQ", "LSTALVDT"))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _lineage(
    name: str, frame: pd.DataFrame, seq: str, domain: str, variable: str, source: str, parameter: pd.Series | str
) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "DATASET": name,
            "USUBJID": frame["USUBJID"],
            "SEQ": pd.to_numeric(frame[seq], errors="coerce"),
            "PARAMCD": parameter,
            "SRCDOM": frame[domain],
            "SRCVAR": frame[variable],
            "SRCSEQ": pd.to_numeric(frame[source], errors="coerce"),
        }
    ).reset_index(drop=True)
