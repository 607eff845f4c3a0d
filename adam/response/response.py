"""Best overall response, confirmation, benefit and progression, each from frame to frame.

`assessments` has one row per assessment: USUBJID, ADT (datetime64, `date` or ISO text) and AVALC. `reference`
has one row per subject: USUBJID and the date columns that the options name. Every function returns
USUBJID, AVALC and ADT (datetime64[ns]) for every subject of `reference`, in its order. Only assessments from
the reference date on and up to and including the first PD (iRECIST: the first iCPD) count; of several calls
of one day the worst counts. Sources: RECIST 1.1 (Eisenhauer 2009) section 4.6 and table 3; iRECIST (Seymour
2017).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from fhir2cdisc.adam.criteria import CR, IRECIST, MISSING, NE, NED, NON, PD, PR, SD, UPD, codes, name_table
from fhir2cdisc.adam.frames.arrays import Bools, Ints, Texts
from fhir2cdisc.adam.frames.columns import texts
from fhir2cdisc.adam.frames.dates import NO_DAY, column_days, dates, iso
from fhir2cdisc.adam.frames.findings import findings, stack_findings
from fhir2cdisc.adam.response.calls import Calls, confirmations, disease_after_cr, read_calls, response_window
from fhir2cdisc.adam.response.options import ResponseOptions

__all__ = [
    "ResponseOptions",
    "best_overall_response",
    "check_assessments",
    "clinical_benefit",
    "confirmed_response",
    "disease_control",
    "last_assessment",
    "progression",
    "response",
]


def best_overall_response(
    assessments: pd.DataFrame,
    reference: pd.DataFrame,
    options: ResponseOptions | None = None,
    confirmed: bool = False,
) -> pd.DataFrame:
    """The best response from the start to progression, with or without confirmation of CR and PR.

    AVALC is `MISSING` where there is no assessment (or `NE`, see `missing_as_ne`). ADT is the first date of
    the call that decided. An unconfirmed CR or PR counts as SD from the SD minimum on.
    """
    options = options or ResponseOptions()
    calls = _counted(assessments, reference, options)
    picked, code = best(calls, options, confirmed)
    return _frame(calls, picked, name_table(options.criteria)[code])


def best(calls: Calls, options: ResponseOptions, confirmed: bool) -> tuple[Ints, Ints]:
    """Per subject the position of the deciding call (-1: none) and the best response as AVAL."""
    disease = np.isin(calls.code, (CR, PR, SD))
    lasting = calls.since_start >= options.sd_min_days
    cr, pr = confirmations(calls, options) if confirmed else (calls.code == CR, calls.code == PR)
    ranked = (
        (CR, cr),
        (PR, pr),
        (SD, disease & lasting),
        (NON, (calls.code == NON) & lasting),
        (PD, calls.code == PD),
        (UPD, calls.code == UPD),
        (NED, calls.code == NED),
        (NE, calls.code != PD),
    )
    picked = np.full(len(calls.subjects), -1, dtype=np.int64)
    code = np.full(len(calls.subjects), NE if options.missing_as_ne else MISSING, dtype=np.int64)
    for value, mask in reversed(ranked):
        found = calls.first(mask)
        picked, code = np.where(found >= 0, found, picked), np.where(found >= 0, value, code)
    return picked, code


def response(
    assessments: pd.DataFrame, reference: pd.DataFrame, options: ResponseOptions | None = None
) -> pd.DataFrame:
    """Whether (Y/N) a CR or PR was called before progression, and the date of the first one."""
    options = options or ResponseOptions()
    calls = _counted(assessments, reference, options)
    return _flag(calls, np.isin(calls.code, (CR, PR)))


def confirmed_response(
    assessments: pd.DataFrame, reference: pd.DataFrame, options: ResponseOptions | None = None
) -> pd.DataFrame:
    """Whether (Y/N) a CR or PR was confirmed, and the date of the response that was confirmed."""
    options = options or ResponseOptions()
    calls = _counted(assessments, reference, options)
    cr, pr = confirmations(calls, options)
    return _flag(calls, cr | pr)


def clinical_benefit(
    assessments: pd.DataFrame,
    reference: pd.DataFrame,
    options: ResponseOptions | None = None,
    confirmed: bool = False,
) -> pd.DataFrame:
    """Whether (Y/N) there was a response, or SD from `benefit_min_days` on, and its first date."""
    options = options or ResponseOptions()
    calls = _counted(assessments, reference, options)
    return _flag(calls, benefit(calls, options, confirmed))


def benefit(calls: Calls, options: ResponseOptions, confirmed: bool) -> Bools:
    """The calls that show clinical benefit."""
    cr, pr = confirmations(calls, options) if confirmed else (calls.code == CR, calls.code == PR)
    lasting = calls.since_start >= options.benefit_min_days
    return np.asarray(cr | pr | (np.isin(calls.code, (CR, PR, SD, NON)) & lasting))


def disease_control(
    assessments: pd.DataFrame,
    reference: pd.DataFrame,
    options: ResponseOptions | None = None,
    confirmed: bool = False,
) -> pd.DataFrame:
    """Whether (Y/N) the best overall response is CR, PR, SD or NON-CR/NON-PD; ADT is that response's date."""
    options = options or ResponseOptions()
    calls = _counted(assessments, reference, options)
    return _yes_no(calls, control(*best(calls, options, confirmed)))


def control(picked: Ints, code: Ints) -> Ints:
    """The deciding call of subjects whose best response controls the disease, else -1."""
    return np.where(np.isin(code, (CR, PR, SD, NON)), picked, -1)


def progression(
    assessments: pd.DataFrame, reference: pd.DataFrame, options: ResponseOptions | None = None
) -> pd.DataFrame:
    """Whether (Y/N) the disease progressed, and when.

    RECIST 1.1 and mRECIST: the first PD. iRECIST: the first iUPD of the block that ends in iCPD; a response
    or SD between resets; where no iCPD follows, the first iUPD of the last block if `unconfirmed_iupd`.
    """
    options = options or ResponseOptions()
    calls = _counted(assessments, reference, options)
    return _flag(calls, progressed(calls, options))


def progressed(calls: Calls, options: ResponseOptions) -> Bools:
    """The calls that are progression."""
    if options.criteria != IRECIST:
        return np.asarray(calls.code == PD)
    reset = calls.last(np.isin(calls.code, (CR, PR, SD, NON)))[calls.subject]
    mask = (np.arange(len(calls)) > reset) & np.isin(calls.code, (UPD, PD))
    if not options.unconfirmed_iupd:
        mask &= calls.first(calls.code == PD)[calls.subject] >= 0
    return np.asarray(mask)


def last_assessment(
    assessments: pd.DataFrame, reference: pd.DataFrame, options: ResponseOptions | None = None
) -> pd.DataFrame:
    """The last tumour assessment and its call; `""` and NaT where there is none.

    With `last_assessment="adequate"` neither NE nor anything after progression counts; with `any` both do.
    """
    options = options or ResponseOptions()
    calls, picked = latest(read_calls(assessments, reference, options), options)
    code = np.append(calls.code, 0)[picked]
    return _frame(calls, picked, name_table(options.criteria)[code])


def latest(every: Calls, options: ResponseOptions) -> tuple[Calls, Ints]:
    """The calls among which the last assessment is looked for, and its position per subject."""
    if options.last_assessment == "any":
        return every, every.last(np.ones(len(every), dtype=bool))
    calls = response_window(every, options)
    return calls, calls.last(calls.code != NE)


def check_assessments(
    assessments: pd.DataFrame, reference: pd.DataFrame, options: ResponseOptions | None = None
) -> pd.DataFrame:
    """Findings on the input of the response functions: unknown calls, missing dates, disease after CR."""
    options = options or ResponseOptions()
    subject, call = texts(assessments, "USUBJID"), texts(assessments, "AVALC")
    day = column_days(assessments, "ADT")
    known = codes(call, options.criteria)
    when = iso(day)
    return stack_findings(
        [
            _unknown_calls(subject, call, when, known, options),
            findings(
                "RS",
                "response without date",
                "ERROR",
                (
                    (s, "", "ADT", c, f"Response {c} has no complete date and is not counted.")
                    for s, c in _pairs(subject, call, (known > 0) & (day == NO_DAY))
                ),
            ),
            _without_reference(subject, reference, options),
            _after_cr(assessments, reference, options),
        ]
    )


def _pairs(left: Texts, right: Texts, mask: Bools) -> list[tuple[str, str]]:
    return list(zip(left[mask], right[mask], strict=True))


def _unknown_calls(subject: Texts, call: Texts, when: Texts, known: Ints, options: ResponseOptions) -> pd.DataFrame:
    mask = known < 0
    rows = zip(subject[mask], call[mask], when[mask], strict=True)
    return findings(
        "RS",
        "unknown response",
        "ERROR",
        ((s, d, "AVALC", c, f"Response {c!r} is no {options.criteria} term and is not counted.") for s, c, d in rows),
    )


def _without_reference(assessed: Texts, reference: pd.DataFrame, options: ResponseOptions) -> pd.DataFrame:
    dated = texts(reference, "USUBJID")[column_days(reference, options.reference) != NO_DAY]
    lost = sorted(set(assessed) - set(dated))
    message = f"The subject has assessments but no {options.reference}; none of them is counted."
    rows = ((subject, "", options.reference, "", message) for subject in lost)
    return findings("RS", "assessments without reference date", "WARNING", rows)


def _after_cr(assessments: pd.DataFrame, reference: pd.DataFrame, options: ResponseOptions) -> pd.DataFrame:
    calls = read_calls(assessments, reference, replace(options, pr_after_cr="collected")).until_progression()
    mask = disease_after_cr(calls)
    named = name_table(options.criteria)[calls.code[mask]]
    when = iso(calls.day[mask])
    rule = {"PD": "it counts as PD", "PR": "the CR counts as PR", "collected": "it counts as collected"}
    immune = options.criteria == IRECIST and options.pr_after_cr == "PD"
    says = rule["collected" if immune else options.pr_after_cr]
    return findings(
        "RS",
        "disease after CR",
        "WARNING",
        (
            (s, d, "AVALC", c, f"{c} on {d} follows a complete response; {says}.")
            for s, c, d in zip(calls.subjects[calls.subject[mask]], named, when, strict=True)
        ),
    )


def _counted(assessments: pd.DataFrame, reference: pd.DataFrame, options: ResponseOptions) -> Calls:
    """The calls that count towards a response."""
    return response_window(read_calls(assessments, reference, options), options)


def _flag(calls: Calls, mask: Bools) -> pd.DataFrame:
    return _yes_no(calls, calls.first(mask))


def _yes_no(calls: Calls, picked: Ints) -> pd.DataFrame:
    return _frame(calls, picked, np.where(picked >= 0, "Y", "N").astype(object))


def _frame(calls: Calls, picked: Ints, value: Texts) -> pd.DataFrame:
    day = np.append(calls.day, NO_DAY)[picked]
    return pd.DataFrame({"USUBJID": calls.subjects, "AVALC": value, "ADT": dates(day)})
