"""ADRS: responses as analysis records, one parameter family per response criteria.

Source: ADaMIG 1.3, section 3.3 (BDS); the parameters are those of the admiralonco template, with disease control
and the baseline assessment added.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from fhir2cdisc.adam.criteria import (
    CR,
    DERIVED,
    IRECIST,
    PD,
    PR,
    UPD,
    codes,
    evaluator_names,
    is_whose,
    name_table,
    reader_names,
    whose,
)
from fhir2cdisc.adam.frames.arrays import Bools, Ints, Texts, sorted_order
from fhir2cdisc.adam.frames.columns import numbers, texts
from fhir2cdisc.adam.frames.dates import NO_DAY, column_days, dates
from fhir2cdisc.adam.frames.findings import stack_findings
from fhir2cdisc.adam.frames.variables import (
    BDS,
    CATEGORIES,
    IDENTIFIERS,
    PARAMETER,
    assessed,
    derived,
    names_of,
    numbered,
    relative_day,
    with_methods,
)
from fhir2cdisc.adam.response.calls import WORST_FIRST, Calls, confirmations, response_window
from fhir2cdisc.adam.response.collected import ORIGINS, Collected
from fhir2cdisc.adam.response.options import ResponseOptions
from fhir2cdisc.adam.response.parameters import BY_CODE, ResponseParameter, parameters_of
from fhir2cdisc.adam.response.response import (
    benefit,
    best,
    check_assessments,
    control,
    latest,
    progressed,
)
from fhir2cdisc.adam.response.source import several_readers
from fhir2cdisc.adam.tumour.lesions import NEW, TARGET, kinds
from fhir2cdisc.mappings.standard.datasets import Dataset

VARIABLES = (
    *IDENTIFIERS,
    *PARAMETER,
    *CATEGORIES,
    derived(
        "AVAL",
        "Analysis Value",
        "CR 1, PR 2, SD 3, NON-CR/NON-PD 4, PD 5, NE 6, MISSING 7, iUPD 8, NED 9 (in the terms of the criteria); "
        "Y 1, N 0. Missing in OVR where nothing was assessed.",
        "Num",
        core="Perm",
    ),
    derived("AVALC", "Analysis Value (C)", "", core="Perm"),
    *assessed(
        "OVR: RS.RSDTC (derived: of the lesions), without its day the last of its month. Others: ADT of the response "
        "that decides; DEATH: ADSL.DTHDT; composite parameters: ADTTE.ADT where a time is asked as well and its "
        "condition decides. Missing for N, MDIS and BASETA.",
        "D where ADT is a month without its day.",
        "VISIT of the response behind ADT; blank for composite parameters.",
        "VISITNUM of the response behind ADT; missing for composite parameters.",
    ),
    derived("ANL01FL", "Analysis Flag 01", "", core="Perm"),
    derived(
        "ANL02FL",
        "Analysis Flag 02",
        "Y for a response (its ADT, AVALC of OVR or of a parameter that it decides) up to the first PD (iCPD) with "
        "ANL01FL Y, that one included.",
        core="Perm",
    ),
    derived(
        "RSPSRC",
        "Source of Responses",
        "Who called the responses of the subject: PARCAT2 where they were collected, Algorithm from Lesions of PARCAT2 "
        "where they were derived; blank for DEATH.",
        core="Perm",
    ),
    *numbered(
        "RSSEQ of the response (derived: TRSEQ or TUSEQ of its first lesion record), TUSEQ of the lesion of MDIS and "
        "BASETA; composite parameters: ASEQ in ADRS or ADTTE of the record that decides, within a window its RSSEQ.",
        "PARAMCD, PARCAT2, ADT (missing first) and SRCSEQ, the composite parameters after all others",
    ),
)
COLUMNS = names_of(VARIABLES)


def adrs_dataset(options: Sequence[ResponseOptions], composites: Sequence[str] = ()) -> Dataset:
    """ADRS with the derivation of AVALC, parameter by parameter, and the options in words.

    `composites` are the derivations of parameters that only this study has.
    """
    said = [f"{p.paramcd(o.criteria)}: {p.derivation(o)}" for o in options for p in parameters_of(o.criteria)]
    reference = options[0].reference
    methods = {
        "AVALC": " ".join(dict.fromkeys([*said, *composites, *(o.in_words() for o in options)])),
        "ADY": relative_day(reference),
        "ANL01FL": f"OVR: Y for the worst response of a day (the first of {WORST_FIRST}; of equals the last by RSSEQ) "
        f"from {reference} on. Others: Y.",
    }
    variables = with_methods(VARIABLES, methods)
    keys = ("STUDYID", "USUBJID", "PARAMCD", "PARCAT2", "ADT", "ASEQ")
    structure = "One record per subject per parameter per assessment"
    return Dataset("ADRS", "Response Analysis", BDS, structure, variables, keys)


@dataclass(frozen=True, slots=True)
class _Block:
    """The records of one parameter: subject positions, values and the response (-1: none) they come from.

    `source`, `variable` and `sequence` where they come from something else than a response.
    """

    parameter: ResponseParameter
    options: ResponseOptions
    subject: Ints
    aval: npt.NDArray[np.float64]
    avalc: Texts
    day: Ints
    row: Ints
    analysed: Bools | None = None
    source: str = ""
    variable: str = ""
    sequence: npt.NDArray[np.float64] | None = None


def derive_adrs(
    adsl: pd.DataFrame,
    rs: pd.DataFrame,
    tu: pd.DataFrame,
    options: ResponseOptions | Sequence[ResponseOptions] | None = None,
    *,
    keep: Sequence[str] = (),
) -> pd.DataFrame:
    """ADRS for every subject of ADSL, for one or several sets of options (criteria, evaluators).

    `adsl` has one row per subject with the dates that the options name and DTHDT; `rs` and `tu` are SDTM
    frames. OVR has one record per collected overall response; every other parameter one per subject. A date
    without day is taken as the last of its month (ADTF `D`). ANL01FL marks the worst response of a day from
    the reference date on, ANL02FL the records up to and including the first PD. iRECIST parameters begin with
    `I`, mRECIST ones with `M`. `keep` names ADSL columns to carry along.
    """
    every = _each(options)
    reads = [Collected.of(adsl, rs, each) for each in every]
    blocks = [
        (read, block) for place, read in enumerate(reads) for block in _blocks(read, adsl, tu, with_death=place == 0)
    ]
    return _assemble(adsl, blocks, keep)


def check_adrs(
    adsl: pd.DataFrame,
    rs: pd.DataFrame,
    options: ResponseOptions | Sequence[ResponseOptions] | None = None,
) -> pd.DataFrame:
    """Findings on the responses that ADRS is made of: terms, missing dates, disease after CR, several readers."""
    every = _each(options)
    found = [check_assessments(Collected.of(adsl, rs, each).assessments, adsl, each) for each in every]
    return stack_findings([*found, *(several_readers(rs, each) for each in every)])


def _each(options: ResponseOptions | Sequence[ResponseOptions] | None) -> list[ResponseOptions]:
    if options is None:
        return [ResponseOptions()]
    return [options] if isinstance(options, ResponseOptions) else list(options)


def _blocks(read: Collected, adsl: pd.DataFrame, tu: pd.DataFrame, with_death: bool) -> Iterator[_Block]:
    options = read.options
    calls = response_window(read.counted, options)
    yield _overall(read)
    cr, pr = confirmations(calls, options)
    response = np.isin(calls.code, (CR, PR))
    plain, confirmed = best(calls, options, False), best(calls, options, True)
    flags = {
        "PD": calls.first(progressed(calls, options)),
        "RSP": calls.first(response),
        "CRSP": calls.first(cr | pr),
        "CB": calls.first(benefit(calls, options, False)),
        "CCB": calls.first(benefit(calls, options, True)),
        "DCR": control(*plain),
        "CDCR": control(*confirmed),
        "BCP": np.where(np.isin(plain[1], (CR, PR)), plain[0], -1),
        "CBCP": np.where(np.isin(confirmed[1], (CR, PR)), confirmed[0], -1),
    }
    if options.criteria == IRECIST:
        flags |= {"CPD": calls.first(calls.code == PD), "UPD": calls.first(calls.code == UPD)}
        ever = response_window(read.every, options)
        yield _one_each(read, "PDANY", ever, ever.first(progressed(ever, options)))
    for code, picked in flags.items():
        yield _one_each(read, code, calls, picked)
    for code, (picked, value) in {"BOR": plain, "CBOR": confirmed}.items():
        yield _one_each(read, code, calls, picked, value)
    seen, picked = latest(read.counted, options)
    yield _one_each(read, "LSTA", seen, picked, np.append(seen.code, 0)[picked])
    yield from _lesions(read, tu)
    if with_death:
        yield _death(read, adsl)


def _overall(read: Collected) -> _Block:
    ids = pd.Index(read.every.subjects)
    subject = np.asarray(ids.get_indexer(read.assessments["USUBJID"]), dtype=np.int64)
    row = np.flatnonzero(subject >= 0)
    avalc = read.assessments["AVALC"].to_numpy()
    code = codes(avalc, read.options.criteria)
    first = np.zeros(len(read.assessments), dtype=bool)
    first[read.every.row] = True
    return _Block(
        BY_CODE["OVR"],
        read.options,
        subject[row],
        np.where(code > 0, code, np.nan)[row],
        avalc[row],
        column_days(read.assessments, "ADT")[row],
        row,
        first[row],
    )


def _one_each(read: Collected, code: str, calls: Calls, picked: Ints, value: Ints | None = None) -> _Block:
    """One record per subject: Y/N where a call was picked, or the call (`value`)."""
    n = len(picked)
    if value is None:
        avalc = np.where(picked >= 0, "Y", "N").astype(object)
        aval = (picked >= 0).astype(float)
    else:
        avalc = name_table(read.options.criteria)[value]
        aval = np.where(value > 0, value, np.nan)
    return _Block(
        BY_CODE[code],
        read.options,
        np.arange(n),
        aval,
        avalc,
        np.append(calls.day, NO_DAY)[picked],
        np.append(calls.row, -1)[picked],
    )


def _lesions(read: Collected, tu: pd.DataFrame) -> Iterator[_Block]:
    """Measurable disease and baseline assessment out of the lesions that the evaluator identified."""
    options, ids = read.options, pd.Index(read.every.subjects)
    result = texts(tu, "TUSTRESC")
    kind = kinds(np.where(result == "", texts(tu, "TUORRES"), result))
    mask = _identified_by(tu, options) & np.isin(texts(tu, "TUTESTCD"), ("", "TUMIDENT"))
    subject = np.asarray(ids.get_indexer(texts(tu, "USUBJID")), dtype=np.int64)
    sequence = numbers(tu, "TUSEQ")
    known = mask & (kind != "") & (subject >= 0)
    # Without any lesion of this evaluator TU cannot tell who lacks a baseline assessment.
    wanted_by = {"MDIS": kind == TARGET} | ({"BASETA": kind != NEW} if known.any() else {})
    for code, wanted in wanted_by.items():
        rows = np.flatnonzero(known & wanted)
        rows = rows[np.lexsort((sequence[rows], subject[rows]))][::-1]
        found, first = np.zeros(len(ids), dtype=bool), np.full(len(ids), np.nan)
        found[subject[rows]], first[subject[rows]] = True, sequence[rows]
        yield _fact(read, code, found, np.full(len(ids), NO_DAY), "TU", "TUSTRESC", first)


def _identified_by(tu: pd.DataFrame, options: ResponseOptions) -> Bools:
    """The records of the evaluator; of a derived response, of the one whose lesions it was derived from."""
    evaluator, reader = evaluator_names(texts(tu, "TUEVAL")), reader_names(texts(tu, "TUEVALID"))
    wanted, person = reader_names(np.array([options.whose, options.evaluator_id], dtype=object))
    if options.evaluator == DERIVED:
        names = whose(evaluator, reader)
        return np.asarray(is_whose(names, wanted) | (names == ""))
    own = np.isin(evaluator, (options.evaluator, ""))
    return own & (reader == person) if options.evaluator_id else own


def _death(read: Collected, adsl: pd.DataFrame) -> _Block:
    day = column_days(adsl, "DTHDT")
    return _fact(read, "DEATH", day != NO_DAY, day, "ADSL", "DTHDT", np.full(len(day), np.nan))


def _fact(
    read: Collected,
    code: str,
    found: Bools,
    day: Ints,
    source: str,
    variable: str,
    sequence: npt.NDArray[np.float64],
) -> _Block:
    n = len(found)
    return _Block(
        BY_CODE[code],
        read.options,
        np.arange(n),
        found.astype(float),
        np.where(found, "Y", "N").astype(object),
        day,
        np.full(n, -1, dtype=np.int64),
        None,
        source,
        variable,
        sequence,
    )


def _assemble(adsl: pd.DataFrame, blocks: list[tuple[Collected, _Block]], keep: Sequence[str]) -> pd.DataFrame:
    """All blocks as one frame, sorted by subject and parameter."""
    ids, study = texts(adsl, "USUBJID"), texts(adsl, "STUDYID")
    rank = np.empty(len(ids), dtype=np.int64)
    rank[np.argsort(ids.astype(str), kind="stable")] = np.arange(len(ids))
    own = [block for _, block in blocks]
    place = np.repeat(np.arange(len(own)), [len(block.subject) for block in own])
    subject = np.concatenate([block.subject for block in own])
    day = np.concatenate([block.day for block in own])
    derived = np.concatenate([read.derived[block.subject] for read, block in blocks])
    order = sorted_order(rank[subject], _in_order(own)[place], np.maximum(day, 0))
    place, subject, day, derived = place[order], subject[order], day[order], derived[order]
    start = column_days(adsl, blocks[0][0].options.reference)[subject]
    known = (day != NO_DAY) & (start != NO_DAY)
    begins = np.append(True, subject[1:] != subject[:-1]) if len(subject) else np.zeros(0, dtype=bool)
    first = np.maximum.accumulate(np.where(begins, np.arange(len(subject)), 0))
    table: dict[str, object] = {
        "STUDYID": study[subject],
        "USUBJID": ids[subject],
        "ADT": dates(day),
        "ADY": np.where(known, day - start + (day >= start), np.nan),
        "ASEQ": np.arange(len(subject)) - first + 1.0,
    }
    table |= _per_block(own, place, derived)
    for name in _RECORD:
        table[name] = np.concatenate([_record_part(read, block, name) for read, block in blocks])[order]
    carried = [name for name in keep if name in adsl.columns and name not in COLUMNS]
    table |= {name: adsl[name].to_numpy()[subject] for name in carried}
    return pd.DataFrame({name: table[name] for name in (*COLUMNS, *carried)}, copy=False)


def _in_order(blocks: list[_Block]) -> Ints:
    """The place of each block in the order of the dataset's keys, PARAMCD and PARCAT2."""
    keys = [(one.parameter.paramcd(one.options.criteria), one.options.assessor) for one in blocks]
    ranks = {key: n for n, key in enumerate(sorted(set(keys)))}
    return np.array([ranks[key] for key in keys], dtype=np.int64)


def _per_block(blocks: list[_Block], place: Ints, derived: Bools) -> dict[str, object]:
    """Variables that are the same in all records of a parameter, and RSPSRC, the same in those of a subject."""
    said = {
        "PARAMCD": [b.parameter.paramcd(b.options.criteria) for b in blocks],
        "PARAM": [b.parameter.param(b.options) for b in blocks],
        "PARCAT1": [b.parameter.category for b in blocks],
        "PARCAT3": ["" if b.parameter.code == "DEATH" else b.options.criteria for b in blocks],
    }
    called = [b.parameter.code != "DEATH" for b in blocks]
    said["PARCAT2"] = [b.options.assessor * c for b, c in zip(blocks, called, strict=True)]
    made: dict[str, object] = {name: np.array(values, dtype=object)[place] for name, values in said.items()}
    sources = [*said["PARCAT2"], *(b.options.derived_assessor * c for b, c in zip(blocks, called, strict=True))]
    return made | {"RSPSRC": np.array(sources, dtype=object)[place + len(blocks) * derived]}


_RECORD = ("AVAL", "AVALC", "ADTF", "AVISIT", "AVISITN", "ANL01FL", "ANL02FL", "SRCDOM", "SRCVAR", "SRCSEQ")


def _record_part(read: Collected, block: _Block, name: str) -> npt.NDArray[Any]:
    """One variable of the records of a block."""
    row = block.row
    if name == "AVAL":
        return block.aval
    if name == "AVALC":
        return block.avalc
    if name == "ADTF":
        return read.flags[row]
    if name == "AVISIT":
        return read.visit[row]
    if name == "AVISITN":
        return read.visitnum[row]
    if name == "ANL01FL":
        return _words(np.ones(len(row), dtype=bool) if block.analysed is None else block.analysed, "Y")
    if name == "ANL02FL":
        until = (row >= 0) & (block.day != NO_DAY) & (block.day <= read.end[block.subject])
        return _words(until, "Y")
    if name == "SRCSEQ":
        return read.sequence[row] if block.sequence is None else block.sequence
    if block.source:
        return _words(block.aval == 1, block.source if name == "SRCDOM" else block.variable)
    said = ORIGINS if name == "SRCDOM" else tuple(f"{domain}STRESC" if domain else "" for domain in ORIGINS)
    return np.array(said, dtype=object)[read.origin[row]]


def _words(mask: Bools, word: str) -> Texts:
    """The word where the mask is true, else blank; one object for all of them."""
    return np.array(["", word], dtype=object)[mask.astype(np.intp)]
