"""The parameters of ADRS: code, words, category; and the prefix that keeps the criteria apart."""

from __future__ import annotations

import re
from dataclasses import dataclass

from fhir2cdisc.adam.response.calls import INAMES, NAMES
from fhir2cdisc.adam.response.options import IRECIST, MRECIST, RECIST, ResponseOptions

PREFIX = {RECIST: "", IRECIST: "I", MRECIST: "M"}
TUMOUR, REFERENCE_EVENT = "Tumor Response", "Reference Event"
# Whole words: the CR of CRSP and of NON-CR/NON-PD is none.
_CALL = re.compile(r"NON-CR/NON-PD|(?<![-\w])(?:CR|PR|SD|PD)(?![-\w])")
_TERMS = {name: INAMES[code] for code, name in NAMES.items()}


def in_terms_of(words: str, criteria: str) -> str:
    """A sentence about responses in the terms of the criteria: CR is iCR under iRECIST, PD is iCPD."""
    return _CALL.sub(lambda found: _TERMS[found[0]], words) if criteria == IRECIST else words


@dataclass(frozen=True, slots=True)
class ResponseParameter:
    """PARAMCD (RECIST 1.1), PARAM with a place for the evaluator, PARCAT1 and the derivation in words.

    `immune` is the derivation under iRECIST where it is more than the same in other terms. `{own}` stands for the
    letter of the criteria where a derivation names another parameter.
    """

    code: str
    words: str
    method: str
    category: str = TUMOUR
    immune: str = ""

    def paramcd(self, criteria: str) -> str:
        return self.code if self.category == REFERENCE_EVENT else PREFIX[criteria] + self.code

    def param(self, options: ResponseOptions) -> str:
        said = in_terms_of(self.words, options.criteria).format(by=f"by {options.assessor}")
        if options.criteria == RECIST or self.category == REFERENCE_EVENT:
            return said
        return f"{said} per {options.criteria}"

    def derivation(self, criteria: str) -> str:
        said = self.immune if self.immune and criteria == IRECIST else in_terms_of(self.method, criteria)
        return said.format(own=PREFIX[criteria])


_ANY, _CONF = "(confirmation not required)", "with confirmation as the options say"
PARAMETERS = (
    ResponseParameter("OVR", "Overall Response {by}", "RS.RSSTRESC where RSTESTCD = 'OVRLRESP'."),
    ResponseParameter(
        "PD",
        "Disease Progression {by}",
        "Y at the first PD that counts, else N.",
        immune="Y at the first iUPD of the block that ends in iCPD (or that nothing better follows), else N.",
    ),
    ResponseParameter("RSP", f"Response {{by}} {_ANY}", "Y at the first CR or PR before PD, else N."),
    ResponseParameter("CRSP", "Confirmed Response {by}", f"Y at the first CR or PR, {_CONF}, else N."),
    ResponseParameter(
        "CB",
        "Clinical Benefit {by} (confirmation for response not required)",
        "Y at the first CR or PR, or SD or NON-CR/NON-PD from the minimum on, else N.",
    ),
    ResponseParameter("CCB", "Confirmed Clinical Benefit {by}", f"As {{own}}CB, CR and PR {_CONF}."),
    ResponseParameter(
        "DCR",
        f"Disease Control {{by}} {_ANY}",
        "Y where {own}BOR is CR, PR, SD or NON-CR/NON-PD, else N.",
    ),
    ResponseParameter(
        "CDCR", "Confirmed Disease Control {by}", "Y where {own}CBOR is CR, PR, SD or NON-CR/NON-PD, else N."
    ),
    ResponseParameter(
        "BOR",
        f"Best Overall Response {{by}} {_ANY}",
        "The best of CR, PR, SD and NON-CR/NON-PD (from the minimum on), PD, NE up to PD; MISSING if none.",
        immune="The best of iCR, iPR, iSD and NON-iCR/NON-iUPD (from the minimum on), iCPD, iUPD, NE up to iCPD; "
        "MISSING if none.",
    ),
    ResponseParameter("CBOR", "Best Confirmed Overall Response {by}", f"As {{own}}BOR, CR and PR {_CONF}."),
    ResponseParameter("BCP", f"Best Overall Response of CR/PR {{by}} {_ANY}", "Y where {own}BOR is CR or PR, else N."),
    ResponseParameter(
        "CBCP", "Best Confirmed Overall Response of CR/PR {by}", "Y where {own}CBOR is CR or PR, else N."
    ),
    ResponseParameter("LSTA", "Last Disease Assessment {by}", "The last assessment that counts."),
    ResponseParameter("MDIS", "Measurable Disease at Baseline {by}", "Y where TU holds a TARGET lesion, else N."),
    ResponseParameter("BASETA", "Baseline Tumor Assessment {by}", "Y where TU holds a lesion of baseline, else N."),
    ResponseParameter("DEATH", "Death", "Y at ADSL.DTHDT, else N.", REFERENCE_EVENT),
)
IMMUNE_PARAMETERS = (
    ResponseParameter("CPD", "Confirmed Disease Progression {by}", "Y at the first iCPD, else N."),
    ResponseParameter("UPD", "Unconfirmed Disease Progression {by}", "Y at the first iUPD, else N."),
    ResponseParameter(
        "PDANY",
        "Disease Progression Whenever Seen {by}",
        "As {own}PD, of all assessments from the reference date on, those after new anticancer therapy included.",
    ),
)
BY_CODE = {parameter.code: parameter for parameter in (*PARAMETERS, *IMMUNE_PARAMETERS)}
