"""Sensitivity analyses of response: the lesions judged again by other criteria than those of the main analysis."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from fhir2cdisc.adam.criteria import is_whose
from fhir2cdisc.adam.frames.columns import stack, texts
from fhir2cdisc.adam.frames.findings import findings
from fhir2cdisc.adam.response.collected import overall_responses
from fhir2cdisc.adam.response.options import ResponseOptions
from fhir2cdisc.adam.tumour.derived_rs import derived_rs
from fhir2cdisc.adam.tumour.options import RecistOptions
from fhir2cdisc.adam.tumour.recist import Lesions


def judge_again(
    rs: pd.DataFrame, lesions: Lesions, wanted: Sequence[tuple[ResponseOptions, RecistOptions]]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """RS with the responses that the lesions give by the criteria of each sensitivity analysis.

    Derived responses that RS holds already are taken as they are; those made here have no RSSEQ and name their first
    lesion record instead (SRCDOM, SRCSEQ). Returns RS, and a finding for each analysis that has no responses.
    """
    lacking: list[ResponseOptions] = []
    for options, recist in wanted:
        rs = with_derived(rs, lesions, options, recist)
        if not len(overall_responses(rs, options)):
            lacking.append(options)
    return rs, _without_lesions(lacking)


def with_derived(rs: pd.DataFrame, lesions: Lesions, options: ResponseOptions, recist: RecistOptions) -> pd.DataFrame:
    """RS with the responses that the lesions of the evaluator give, unless it holds derived ones already."""
    options = options.of_lesions(options.criteria)
    if len(overall_responses(rs, options)) or not lesions:
        return rs
    made = derived_rs(lesions.responses(recist), None, options.criteria).assign(RSSEQ=np.nan)
    return stack([rs, made[is_whose(texts(made, "RSEVALID"), options.whose)]])


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
