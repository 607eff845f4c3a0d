"""What is said of the source of responses: whose were derived, which collected ones count for nobody, and why.

Nothing here chooses (see `select_responses`); a study without any counted response gets the reason why none of its
endpoints of response and progression can be estimated.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from fhir2cdisc.adam.criteria import (
    DERIVED,
    INVESTIGATOR,
    OTHER_VERSION,
    Category,
    categories,
    evaluator_names,
    is_known_evaluator,
    is_whose,
    natural_order,
    reader_names,
    whose,
)
from fhir2cdisc.adam.frames.arrays import Bools
from fhir2cdisc.adam.frames.columns import text, texts, yes_no
from fhir2cdisc.adam.frames.dates import FOREVER, NO_DAY, column_days, partial_days
from fhir2cdisc.adam.frames.findings import findings, stack_findings
from fhir2cdisc.adam.response.options import ResponseOptions
from fhir2cdisc.adam.response.selection import (
    COUNTS,
    DERIVED_COUNTS,
    DERIVED_UNUSED,
    OTHER_CRITERIA,
    OTHER_EVALUATOR,
    OTHER_READER,
    Selection,
    accepted_readings,
    assessments_of,
    counted_calls,
    response_texts,
    select_responses,
)
from fhir2cdisc.adam.tumour.lesions import TARGET, kinds

# A summary is a warning where more than this share of the subjects with responses have derived ones.
MANY_DERIVED = 0.5


def counted_subjects(rs: pd.DataFrame, adsl: pd.DataFrame, options: ResponseOptions) -> set[str]:
    """The subjects with a response that counts, from the reference date on."""
    rows = rs.iloc[select_responses(rs, options, adsl).rows]
    rows = rows[np.isin(texts(rows, "USUBJID"), texts(adsl, "USUBJID"))]
    return set(texts(rows, "USUBJID")[counted_calls(rows, options, adsl)])


def why_not_estimable(rs: pd.DataFrame, adsl: pd.DataFrame, options: ResponseOptions) -> str:
    """Why no endpoint of response or progression can be estimated; blank where some subject has a counted response."""
    if not len(adsl) or counted_subjects(rs, adsl, options):
        return ""
    overall = _collected(rs)
    if not len(overall):
        return f"no subject has a response by {options.criteria} of the {options.whose.lower()}"
    said = "; ".join(f"{n} {words}" for words, n in _tally(overall, np.ones(len(overall), dtype=bool)))
    return (
        f"none of the {len(overall)} overall responses is one by {options.criteria} of the {options.whose.lower()} "
        f"with a date from {options.reference} on ({said})"
    )


def source_findings(rs: pd.DataFrame, tr: pd.DataFrame, adsl: pd.DataFrame, options: ResponseOptions) -> pd.DataFrame:
    """Findings on whose responses count: derived ones by subject, unselected ones by their RSCAT and RSEVAL."""
    selection = select_responses(rs, options, adsl)
    counted = counted_subjects(rs, adsl, options)
    return stack_findings(
        [
            _refused(rs, options),
            _no_response(why_not_estimable(rs, adsl, options) if len(_collected(rs)) or len(tr) else ""),
            _other_version(rs, selection, options),
            _derived(rs, selection, counted, options),
            _unselected(rs, selection, counted),
            _without_any(rs, selection, counted, adsl, options),
            _lesions_of_others(tr, counted, options),
        ]
    )


def _collected(rs: pd.DataFrame) -> pd.DataFrame:
    """The overall responses that hold a result and were not derived."""
    overall = pd.Series(texts(rs, "RSTESTCD"), dtype=object).str.upper().to_numpy() == "OVRLRESP"
    rows = rs[overall]
    own = (evaluator_names(texts(rows, "RSEVAL")) != DERIVED) & (response_texts(rows) != "")
    return rows[own]


def _tally(rows: pd.DataFrame, mask: Bools, domain: str = "RS") -> list[tuple[str, int]]:
    """How many records there are of each category, evaluator and reader, in words, the most frequent first."""
    names = [f"{domain}CAT", f"{domain}EVAL", f"{domain}EVALID"] if domain == "RS" else [f"{domain}EVAL"]
    table = pd.DataFrame({name: texts(rows, name)[mask] for name in names})
    counts = table.groupby(names, sort=True).size().sort_values(ascending=False, kind="stable")
    made = []
    for key, n in counts.items():
        values = key if isinstance(key, tuple) else (key,)
        made.append((", ".join(f"{a} {b or 'blank'}" for a, b in zip(names, values, strict=True)), int(n)))
    return made


def _categories_of(rows: pd.DataFrame) -> list[Category]:
    place, known = categories(texts(rows, "RSCAT"))
    return [known[n] for n in place]


def _refused(rs: pd.DataFrame, options: ResponseOptions) -> pd.DataFrame:
    rows = _collected(rs)
    name = np.array([one.refused for one in _categories_of(rows)], dtype=object)
    subject = texts(rows, "USUBJID")
    found = [
        (
            "",
            "",
            "RSCAT",
            one,
            f"{int((name == one).sum())} overall responses of {len(set(subject[name == one]))} subjects are by {one}, "
            f"criteria that are not built in; none of them counts, and nothing is read as {options.criteria}.",
        )
        for one in sorted(set(name) - {""})
    ]
    return findings("RS", "criteria not built in", "ERROR", found)


def _no_response(why: str) -> pd.DataFrame:
    message = f"Endpoints of response and progression are not estimable: {why}."
    return findings("RS", "no counted response", "ERROR", [("", "", "RSSTRESC", "", message)] if why else [])


def _other_version(rs: pd.DataFrame, selection: Selection, options: ResponseOptions) -> pd.DataFrame:
    rows = rs[selection.why == COUNTS]
    old = np.array([bool(one.version) for one in _categories_of(rows)], dtype=bool)
    subject = texts(rows, "USUBJID")
    message = (
        f"{int(old.sum())} overall responses of {len(set(subject[old]))} subjects are by {OTHER_VERSION}, another "
        f"version than {options.criteria}; they are taken as they were called."
    )
    return findings(
        "RS", "other version of criteria", "WARNING", [("", "", "RSCAT", OTHER_VERSION, message)] if old.any() else []
    )


def _derived(rs: pd.DataFrame, selection: Selection, counted: set[str], options: ResponseOptions) -> pd.DataFrame:
    if not options.falls_back:
        return findings("RS", "response derived", "INFO", ())
    by = options.whose.lower()
    who = sorted(set(texts(rs, "USUBJID")[selection.why == DERIVED_COUNTS]) & counted)
    message = (
        f"The subject has no collected response by {options.criteria} of the {by} that counts; "
        "its responses are those that its lesions give."
    )
    each = findings("RS", "response derived", "INFO", ((one, "", "RSSTRESC", "", message) for one in who))
    if len(who) <= MANY_DERIVED * len(counted):
        return each
    said = (
        f"{len(who)} of {len(counted)} subjects with a counted response have responses derived from their lesions, "
        f"because none was collected; endpoints of response and progression rest on them."
    )
    whole = findings("RS", "most responses derived", "WARNING", [("", "", "RSSTRESC", str(len(who)), said)])
    return stack_findings([each, whole])


def _unselected(rs: pd.DataFrame, selection: Selection, counted: set[str]) -> pd.DataFrame:
    """Collected responses that count for nobody; a warning where their names are unknown or a subject has no other.

    Criteria that are refused have a finding of their own; another reader and another version are known choices.
    """
    overall = _collected(rs.assign(_WHY=selection.why))
    unused = overall["_WHY"].isin([OTHER_CRITERIA, OTHER_EVALUATOR]).to_numpy()
    unused &= np.array([not one.refused for one in _categories_of(overall)], dtype=bool)
    found: dict[str, list[tuple[str, str, str, str, str]]] = {"WARNING": [], "INFO": []}
    for words, n in _tally(overall, unused):
        mask = unused & (_labels(overall) == words)
        rows = overall[mask]
        strange = not _categories_of(rows)[0].criteria
        strange |= not is_known_evaluator(evaluator_names(texts(rows, "RSEVAL"))[0])
        alone = set(texts(rows, "USUBJID")) - counted
        message = f"{n} overall responses ({words}) are selected by no option and do not count."
        found["WARNING" if strange or alone else "INFO"].append(("", "", "RSCAT", words, message))
    return stack_findings([findings("RS", "responses not selected", level, rows) for level, rows in found.items()])


def _labels(rows: pd.DataFrame) -> np.ndarray:
    names = ("RSCAT", "RSEVAL", "RSEVALID")
    parts = [[f"{name} {value or 'blank'}" for value in texts(rows, name)] for name in names]
    return np.array([", ".join(one) for one in zip(*parts, strict=True)], dtype=object)


def _without_any(
    rs: pd.DataFrame, selection: Selection, counted: set[str], adsl: pd.DataFrame, options: ResponseOptions
) -> pd.DataFrame:
    """Subjects of the study whose responses are all left out."""
    overall = _collected(rs)
    there = set(texts(overall, "USUBJID")) & set(texts(adsl, "USUBJID"))
    chosen = set(texts(rs, "USUBJID")[np.isin(selection.why, (COUNTS, DERIVED_COUNTS))])
    rows = []
    for one in sorted(there - counted - chosen):
        own = overall[texts(overall, "USUBJID") == one]
        said = "; ".join(f"{n} {words}" for words, n in _tally(own, np.ones(len(own), dtype=bool)))
        message = (
            f"The subject has overall responses, but none by {options.criteria} of the {options.whose.lower()} "
            f"({said}); it counts as not assessed."
        )
        rows.append((one, "", "RSCAT", "", message))
    return findings("RS", "subject without selected response", "WARNING", rows)


def _lesions_of_others(tr: pd.DataFrame, counted: set[str], options: ResponseOptions) -> pd.DataFrame:
    """Measurements of evaluators whom no option selects, where their name is unknown or a subject has no other."""
    evaluator = evaluator_names(texts(tr, "TREVAL"))
    own = is_whose(whose(evaluator, reader_names(texts(tr, "TREVALID"))), options.whose)
    rows = []
    for words, n in _tally(tr, ~own, "TR"):
        of = ~own & (np.array([f"TREVAL {v or 'blank'}" for v in texts(tr, "TREVAL")], dtype=object) == words)
        strange = not is_known_evaluator(evaluator[of][0])
        alone = set(texts(tr, "USUBJID")[of]) - set(texts(tr, "USUBJID")[own]) - counted
        if strange or alone:
            message = f"{n} lesion records ({words}) are selected by no option and do not count."
            rows.append(("", "", "TREVAL", words, message))
    return findings("TR", "lesions not selected", "WARNING", rows)


def several_readers(rs: pd.DataFrame, options: ResponseOptions) -> pd.DataFrame:
    """Findings on subjects with responses of several readers of whom nothing says which one counts."""
    selection = select_responses(rs, options)
    subject = texts(rs, "USUBJID")
    reading = np.isin(selection.why, (COUNTS, OTHER_READER))
    reading &= options.evaluator != INVESTIGATOR and not options.evaluator_id
    derived = set(subject[selection.why == DERIVED_COUNTS])
    reading |= np.isin(selection.why, (DERIVED_COUNTS, DERIVED_UNUSED)) & np.isin(subject, list(derived))
    rows = np.flatnonzero(reading)
    why, part = selection.why[rows], rs.iloc[rows]
    table = pd.DataFrame(
        {
            "subject": texts(part, "USUBJID"),
            "reader": reader_names(texts(part, "RSEVALID")),
            "other": ~np.isin(why, (COUNTS, DERIVED_COUNTS)),
            "assessment": assessments_of(part),
            "call": response_texts(part),
        }
    )
    table["order"] = natural_order(table["reader"].to_numpy(dtype=object))
    settled = set(subject[(selection.why == COUNTS) & accepted_readings(rs)])
    return stack_findings(
        [
            _never_accepted(table[~table["subject"].isin(settled)], options),
            _once_not_accepted(table[table["subject"].isin(settled)], options),
        ]
    )


def _never_accepted(table: pd.DataFrame, options: ResponseOptions) -> pd.DataFrame:
    distinct = table.sort_values(["subject", "other", "order"]).drop_duplicates(["subject", "reader"])
    readers = distinct.groupby("subject")["reader"].agg(list).to_dict()
    rows = ((s, "", "RSEVALID", names[0], _several(names, options)) for s, names in readers.items() if len(names) > 1)
    return findings("RS", "several readers", "WARNING", rows)


def _several(readers: Sequence[str], options: ResponseOptions) -> str:
    named = ", ".join(name or "no name" for name in readers)
    return (
        f"Responses by {options.criteria} are there of several readers ({named}) and none is marked as accepted; "
        f"those of {readers[0]} count. The option evaluator_id names another."
    )


def _once_not_accepted(table: pd.DataFrame, options: ResponseOptions) -> pd.DataFrame:
    """Assessments that several readers called differently and none of whose readings is accepted."""
    keys = ["subject", "assessment"]
    differ = table.groupby(keys)["call"].transform("nunique") > 1
    return findings("RS", "several readers", "WARNING", _open(table[differ], keys))


def _open(table: pd.DataFrame, keys: list[str]) -> Iterator[tuple[str, str, str, str, str]]:
    for (subject, assessment), rows in table.groupby(keys):
        rows = rows.sort_values(["other", "order"])
        said = ", ".join(f"{who or 'no name'} {call}" for who, call in zip(rows["reader"], rows["call"], strict=True))
        first = rows["reader"].iloc[0]
        message = f"The readings of {assessment} differ ({said}) and none is accepted; that of {first} counts."
        yield subject, assessment, "RSEVALID", first, message


def response_evaluable(adsl: pd.DataFrame, rs: pd.DataFrame, tu: pd.DataFrame, options: ResponseOptions) -> pd.Series:
    """EVALFL: treated, with a target lesion, and with a response that counts after TRTSDT."""
    target = set(texts(tu, "USUBJID")[kinds(texts(tu, "TUSTRESC")) == TARGET])
    rows = rs.iloc[select_responses(rs, options, adsl).rows]
    rows = rows[counted_calls(rows, options)]
    day, _ = partial_days(texts(rows, "RSDTC"), "last")
    start = pd.Series(column_days(adsl, "TRTSDT"), index=texts(adsl, "USUBJID"))
    begins = pd.Series(texts(rows, "USUBJID")).map(start).fillna(FOREVER).to_numpy(dtype=np.int64)
    assessed = set(texts(rows, "USUBJID")[(begins != NO_DAY) & (day > begins)])
    treated = text(adsl, "SAFFL") == "Y"
    return yes_no(treated & text(adsl, "USUBJID").isin(target & assessed))


def with_sources(adtte: pd.DataFrame, adrs: pd.DataFrame | None) -> pd.DataFrame:
    """ADTTE whose RSPSRC says, subject by subject, who called the responses that a time depends on, as ADRS does."""
    if adrs is None or not len(adtte):
        return adtte
    calls = pd.DataFrame({name: text(adrs, name) for name in ("USUBJID", "PARCAT3", "RSPSRC")})
    calls = calls[calls["PARCAT3"] != ""].drop_duplicates(["USUBJID", "PARCAT3"])
    keys = pd.MultiIndex.from_frame(adtte[["USUBJID", "PARCAT3"]])
    found = calls.set_index(["USUBJID", "PARCAT3"])["RSPSRC"].reindex(keys).to_numpy(dtype=object)
    return adtte.assign(RSPSRC=np.where(pd.isna(found), adtte["RSPSRC"], found).astype(object))
