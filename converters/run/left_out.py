"""Stages that look at all subjects together, and the subjects whose data stop them: left out whole, and named.

One subject's odd value must not cost all the others their results, and half of a subject would be a wrong number.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

import pandas as pd
from fhir2cdisc.adam.build import Adam
from fhir2cdisc.adam.frames.findings import findings, gather_findings
from fhir2cdisc.adam.tripwires import PREFIX
from fhir2cdisc.fhir.findings import Finding
from fhir2cdisc.mappings.errors import Fhir2CdiscError
from fhir2cdisc.sdtm.columns import SUBJECT
from fhir2cdisc.sdtm.rows.gather import Gathered
from fhir2cdisc.sdtm.rows.resources import SUBJECT_FAILED

T = TypeVar("T")
Failures = Mapping[str, Exception]
# More than so many are no odd subjects but a fault of the product, which must be seen.
MOST = 20
# What concerns the whole run and no subject.
_OF_THE_RUN = (Fhir2CdiscError, OSError, MemoryError)


def without_failing(work: Callable[[frozenset[str]], T], subjects: Sequence[str]) -> tuple[T, Failures]:
    """The result of `work(left_out)`, and the subjects that were left out because it fails for them alone, with why.

    `work` must change nothing that it is called with. Raises what it raises where no single subject is to blame, where
    more than `MOST` are, and for errors of the run itself.
    """
    try:
        return work(frozenset()), {}
    except _OF_THE_RUN:
        raise
    except Exception:
        failing = _failing(work, subjects)
        if not failing or len(failing) > MOST:
            raise
    return work(frozenset(failing)), failing


def _failing(work: Callable[[frozenset[str]], T], subjects: Sequence[str]) -> dict[str, Exception]:
    """The subjects for which the work fails when it is done for each of them alone, found by halves."""
    every = frozenset(subjects)
    found: dict[str, Exception] = {}
    groups = [list(subjects)]
    while groups and len(found) <= MOST:
        group = groups.pop(0)
        try:
            work(every - frozenset(group))
        except Exception as error:
            if len(group) == 1:
                found[group[0]] = error
            else:
                middle = len(group) // 2
                groups += [group[:middle], group[middle:]]
    return found


def without_subjects(gathered: Gathered, left_out: Collection[str]) -> Gathered:
    """The rows of the other subjects; domains that have none any more are gone."""
    kept = {domain: frame[~frame[SUBJECT].isin(left_out)] for domain, frame in gathered.frames.items()}
    return replace(
        gathered,
        frames={domain: frame.reset_index(drop=True) for domain, frame in kept.items() if len(frame)},
        times=[one for one in gathered.times if one.subject not in left_out],
        hints=[one for one in gathered.hints if one.subject not in left_out],
    )


def book_left_out(gathered: Gathered, failures: Failures) -> None:
    """Book the resources of the subjects as rejected that were mapped, and say each subject once."""
    accounts, records = gathered.accounts, gathered.records
    for subject, error in sorted(failures.items()):
        own = records.loc[records["SUBJECT"] == subject, ["FILE", "LINE", "ENTRY"]]
        places = set(own.itertuples(index=False, name=None))
        count = 0
        for number, row in enumerate(accounts.rows):
            kind, outcome, reason = row[3], row[5], row[6]
            if outcome == "mapped" and row[:3] in places:
                accounts.rows[number] = (*row[:5], "rejected", SUBJECT_FAILED)
                accounts.counts[kind, outcome, reason] -= 1
                accounts.counts[kind, "rejected", SUBJECT_FAILED] += 1
                count += 1
        said = f"could not be put together ({type(error).__name__}); the subject is left out with all {count} resources"
        accounts.findings.append(Finding(SUBJECT_FAILED, f"{subject}: {said}", "error", resource=subject, count=count))
    accounts.counts = +accounts.counts


def rows_of_others(frames: Mapping[str, pd.DataFrame], left_out: Collection[str]) -> dict[str, pd.DataFrame]:
    """SDTM frames without the records of some subjects, by USUBJID; what is of no subject stays."""
    if not left_out:
        return dict(frames)
    return {
        name: frame[~frame["USUBJID"].isin(left_out)].reset_index(drop=True) if "USUBJID" in frame else frame
        for name, frame in frames.items()
    }


def said_of(adam: Adam, failures: Failures) -> Adam:
    """The ADaM with a tripwire for each subject that is in SDTM and could not be analysed."""
    if not failures:
        return adam
    lines = (
        (subject, "", "", "", f"The subject's data stopped a derivation ({type(error).__name__}); ADaM is without it.")
        for subject, error in sorted(failures.items())
    )
    signs = findings("ADSL", f"{PREFIX}left out", "ERROR", lines)
    return replace(adam, tripwires=gather_findings([signs, adam.tripwires]))
