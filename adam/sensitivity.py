"""Sensitivity analyses of response: the lesions judged again by other criteria than those of the main analysis."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from fhir2cdisc.adam.criteria import is_whose
from fhir2cdisc.adam.frames.arrays import findings, stack, text
from fhir2cdisc.adam.response.collected import overall_responses
from fhir2cdisc.adam.response.options import ResponseOptions
from fhir2cdisc.adam.study_options import judged_by, recist_options, sensitivity_options
from fhir2cdisc.adam.tumour.derived_rs import derived_rs
from fhir2cdisc.adam.tumour.recist import timepoint_responses
from fhir2cdisc.mappings.study import Study


def judge_again(
    rs: pd.DataFrame, tu: pd.DataFrame, tr: pd.DataFrame, adsl: pd.DataFrame, study: Study
) -> tuple[pd.DataFrame, list[ResponseOptions], pd.DataFrame]:
    """RS with the responses that the lesions give by the criteria of each sensitivity analysis.

    Derived responses that RS holds already are taken as they are; those made here have no RSSEQ and name their first
    lesion record instead (SRCDOM, SRCSEQ). Returns RS, the options of the analyses that have responses, and a finding
    for each analysis that has none.
    """
    there: list[ResponseOptions] = []
    lacking: list[ResponseOptions] = []
    for options in sensitivity_options(study):
        if not len(overall_responses(rs, options)) and len(tu) and len(tr):
            points = timepoint_responses(tu, tr, recist_options(judged_by(study, options.criteria)), adsl)
            made = derived_rs(points, None, options.criteria).assign(RSSEQ=np.nan)
            own = made[is_whose(text(made, "RSEVALID"), options.evaluator_id)]
            rs = stack([rs, own])
        (there if len(overall_responses(rs, options)) else lacking).append(options)
    return rs, there, _without_lesions(lacking)


def responses_there(adrs: pd.DataFrame, study: Study) -> list[ResponseOptions]:
    """The options of those sensitivity analyses whose responses ADRS holds."""
    held = set(text(adrs, "PARCAT3"))
    return [options for options in sensitivity_options(study) if options.criteria in held]


def _without_lesions(lacking: Sequence[ResponseOptions]) -> pd.DataFrame:
    rows = (
        (
            "",
            "",
            "TRSTRESN",
            options.criteria,
            f"The sensitivity analysis by {options.criteria} was not made: there are no lesions after baseline "
            f"of {options.evaluator_id} to derive responses from.",
        )
        for options in lacking
    )
    return findings("TR", "no lesions for a sensitivity analysis", "WARNING", rows)
