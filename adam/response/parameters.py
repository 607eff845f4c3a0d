"""The parameters of ADRS: code, words, category; and the prefix that keeps the criteria apart."""

from __future__ import annotations

from dataclasses import dataclass

from fhir2cdisc.adam.criteria import DERIVED, IRECIST, PREFIX, RECIST, in_terms_of
from fhir2cdisc.adam.response.options import ResponseOptions
from fhir2cdisc.mappings.parameters import builtin_parameters

TUMOUR, REFERENCE_EVENT = "Tumor Response", "Reference Event"


@dataclass(frozen=True, slots=True)
class ResponseParameter:
    """PARAMCD (RECIST 1.1), PARAM with a place for the evaluator, PARCAT1 and the derivation in words.

    `immune` is the derivation under iRECIST where it is more than the same in other terms, `lesions` that of responses
    which the algorithm derives. `{own}` stands for the letter of the criteria where a derivation names another
    parameter.
    """

    code: str
    words: str
    method: str
    category: str = TUMOUR
    immune: str = ""
    immune_only: bool = False
    lesions: str = ""

    def paramcd(self, criteria: str) -> str:
        return self.code if self.category == REFERENCE_EVENT else PREFIX[criteria] + self.code

    def param(self, options: ResponseOptions) -> str:
        said = in_terms_of(self.words, options.criteria).format(by=f"by {options.assessor}")
        if options.criteria == RECIST or self.category == REFERENCE_EVENT:
            return said
        return f"{said} per {options.criteria}"

    def derivation(self, options: ResponseOptions) -> str:
        """AVALC in words, by the criteria of the options."""
        own = PREFIX[options.criteria]
        if self.lesions and options.evaluator == DERIVED:
            return self.lesions.format(own=own)
        if self.immune and options.criteria == IRECIST:
            return self.immune.format(own=own)
        # With its letter in place the name of a parameter is not taken for a response.
        return in_terms_of(self.method.format(own=own), options.criteria)


PARAMETERS = tuple(
    ResponseParameter(
        one.code,
        one.words,
        one.method,
        REFERENCE_EVENT if one.reference_event else TUMOUR,
        one.immune,
        one.immune_only,
        one.lesions,
    )
    for one in builtin_parameters().response
)
BY_CODE = {parameter.code: parameter for parameter in PARAMETERS}


def parameters_of(criteria: str) -> tuple[ResponseParameter, ...]:
    """The parameters that responses by these criteria have."""
    return tuple(one for one in PARAMETERS if criteria == IRECIST or not one.immune_only)
