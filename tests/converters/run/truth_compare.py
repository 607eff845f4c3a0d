"""Compares what a run derives with the truth that the simulator wrote: one sentence for each difference.

A helper of the tests, loaded by path. It reads the truth's CSV files only and knows nothing of the simulator.
"""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pandas as pd
from fhir2cdisc.adam.build import build_adam, study_lesions
from fhir2cdisc.adam.frames.sdtm import cut_at
from fhir2cdisc.adam.plan import Plan, recist_options, response_options
from fhir2cdisc.adam.response.adrs import derive_adrs
from fhir2cdisc.adam.response.judged_again import with_derived
from fhir2cdisc.adam.time_to_event.adtte import derive_adtte
from fhir2cdisc.adam.tumour.recist import timepoint_responses
from fhir2cdisc.mappings.study import Study

Row = dict[str, str]
Frames = dict[str, pd.DataFrame]


def read(truth: Path, name: str) -> list[Row]:
    with (truth / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def day(value: object) -> str:
    return "" if pd.isna(value) else pd.Timestamp(value).date().isoformat()


def differences(sdtm: Frames, study: Study, truth: Path, t_scores: list[Row], adam: Frames | None = None) -> list[str]:
    """Every difference between the derived data and the truth, in words; empty where there is none.

    `t_scores` is the published table from raw sums of PROMIS-29 to T-scores (domain, raw, tscore); `adam` is what
    `build_adam` gives for the same data, where it has been made already.
    """
    adam = adam or build_adam(sdtm, study).frames
    frames = cut_at(sdtm, study.cutoff)
    lesions = study_lesions(frames, study)
    adsl = adam["ADSL"]
    found = compare_subjects(adsl, read(truth, "subjects"))
    for evaluator in sorted({row["EVALUATOR"] for row in read(truth, "responses")}):
        options = replace(response_options(study), evaluator=evaluator)
        rs = frames["RS"]
        if options.source != "collected":
            rs = with_derived(rs, lesions, options, recist_options(study))
        adrs = derive_adrs(adsl, rs, frames["TU"], options)
        found += compare_responses(adsl, adrs, [r for r in read(truth, "responses") if r["EVALUATOR"] == evaluator])
        adtte = derive_adtte(adsl, {"ADRS": adrs}, Plan.of(study, {"ADRS": adrs}).parameters)
        wanted = [r for r in read(truth, "tte") if r["EVALUATOR"] in (evaluator, "")]
        found += compare_times(adsl, adtte, wanted, evaluator)
    found += compare_timepoints(adsl, frames, study, read(truth, "timepoints"))
    found += compare_events(adsl, adam.get("ADAE"), read(truth, "ae"))
    found += compare_scores(adsl, adam.get("ADQS"), read(truth, "questionnaires"), t_scores)
    return found


def _subject(adsl: pd.DataFrame) -> dict[str, str]:
    return dict(zip(adsl["USUBJID"], adsl["SUBJID"], strict=True))


def compare_subjects(adsl: pd.DataFrame, truth: list[Row]) -> list[str]:
    derived = {row.SUBJID: row for row in adsl.itertuples()}
    found = [f"{s}: in the truth but not in ADSL" for s in {r["SUBJID"] for r in truth} - set(derived)]
    for row in truth:
        subject = derived.get(row["SUBJID"])
        if subject is None:
            continue
        pairs = {name: day(getattr(subject, name)) for name in ("TRTSDT", "TRTEDT", "DTHDT", "NACTDT", "RFICDT")}
        wanted = {**{n: row[n] for n in ("TRTSDT", "TRTEDT", "DTHDT", "NACTDT")}, "RFICDT": row["RFICDTC"]}
        if not row["DTHDT"]:
            pairs["LSTALVDT"], wanted["LSTALVDT"] = day(subject.LSTALVDT), row["LSTALVDT"]
        for name in ("MTBMFL", "SECMTBFL"):
            if hasattr(subject, name):
                pairs[name], wanted[name] = getattr(subject, name) or "N", row[name]
        found += [
            f"{row['SUBJID']}: {name} is {pairs[name]!r}, truth {wanted[name]!r}"
            for name in wanted
            if pairs[name] != wanted[name]
        ]
    return found


def compare_responses(adsl: pd.DataFrame, adrs: pd.DataFrame, truth: list[Row]) -> list[str]:
    names = _subject(adsl)
    derived = {
        (names[row.USUBJID], row.PARAMCD): (row.AVALC, day(row.ADT))
        for row in adrs[adrs["PARAMCD"].isin(["BOR", "CBOR"])].itertuples()
    }
    found = []
    for row in truth:
        for code in ("BOR", "CBOR"):
            got, want = derived.get((row["SUBJID"], code)), (row[code], row[f"{code}DT"])
            if got != want and want[0]:
                found.append(f"{row['SUBJID']} {row['EVALUATOR']}: {code} is {got}, truth {want}")
    return found


def compare_times(adsl: pd.DataFrame, adtte: pd.DataFrame, truth: list[Row], evaluator: str) -> list[str]:
    names = _subject(adsl)
    derived = {
        (names[r.USUBJID], r.PARAMCD): (day(r.STARTDT), day(r.ADT), int(r.AVAL), "censored" if r.CNSR else "event")
        for r in adtte.dropna(subset=["AVAL"]).itertuples()
    }
    found = []
    for row in truth:
        kind = "event" if row["CNSR"] == "0" else "censored"
        want = (row["STARTDT"], row["ADT"], int(row["AVAL"]), kind)
        got = derived.get((row["SUBJID"], row["PARAMCD"]))
        if got != want:
            found.append(f"{row['SUBJID']} {evaluator}: {row['PARAMCD']} is {got}, truth {want} {row['CNSDTDSC']}")
    known = {row["PARAMCD"] for row in truth}
    extra = {key for key in derived if key[1] in known} - {(r["SUBJID"], r["PARAMCD"]) for r in truth}
    return found + [f"{s} {evaluator}: {code} is derived but not in the truth" for s, code in sorted(extra)]


def compare_timepoints(
    adsl: pd.DataFrame, frames: dict[str, pd.DataFrame], study: Study, truth: list[Row]
) -> list[str]:
    names = _subject(adsl)
    made = timepoint_responses(frames["TU"], frames["TR"], recist_options(study), adsl)
    derived = {(names[r.USUBJID], r.EVAL, day(r.ADT)): r for r in made.itertuples()}
    found = []
    for row in truth:
        if row["NUMBER"] == "0":
            continue
        got = derived.get((row["SUBJID"], row["EVALUATOR"], row["DATE"]))
        place = f"{row['SUBJID']} {row['EVALUATOR']} {row['DATE']}"
        if got is None:
            found.append(f"{place}: no time point derived, truth {row['OVRLRESP']}")
        elif row["OVRLRESP"] != got.OVRLRESP:
            found.append(f"{place}: OVRLRESP is {got.OVRLRESP} ({got.REASON}), truth {row['OVRLRESP']}")
    return found


def compare_events(adsl: pd.DataFrame, adae: pd.DataFrame | None, truth: list[Row]) -> list[str]:
    names = _subject(adsl)
    derived = sorted(
        (
            names[r.USUBJID],
            r.AEDECOD,
            r.AESTDTC,
            r.ATOXGR,
            r.AESER,
            "Y" if r.AREL == "RELATED" else "N",
            r.TRTEMFL or "N",
        )
        for r in (adae.itertuples() if adae is not None else ())
    )
    wanted = sorted(
        (r["SUBJID"], r["TERM"], r["START_WRITTEN"], r["GRADE"], r["SERIOUS"], r["RELATED"], r["TRTEMFL"])
        for r in truth
    )
    got, want = pd.Series(derived, dtype=object).value_counts(), pd.Series(wanted, dtype=object).value_counts()
    both = pd.concat([got, want], axis=1, keys=["got", "want"]).fillna(0)
    wrong = both[both["got"] != both["want"]]
    return [
        f"adverse event {key}: {int(row.got)} derived, {int(row.want)} in the truth" for key, row in wrong.iterrows()
    ]


def compare_scores(adsl: pd.DataFrame, adqs: pd.DataFrame | None, truth: list[Row], t_scores: list[Row]) -> list[str]:
    if not truth:
        return []
    names = _subject(adsl)
    assert adqs is not None
    scores = adqs[adqs["PARCAT2"] == "Score"]
    derived = {(names[r.USUBJID], day(r.ADT), r.PARAMCD): r.AVAL for r in scores.itertuples()}
    # The truth has the raw sums of PROMIS-29; the product gives T-scores by the published table.
    table = {(r["domain"], float(r["raw"])): float(r["tscore"]) for r in t_scores}
    found = []
    for row in truth:
        got = derived.get((row["SUBJID"], row["DATE"], row["SCALE"]))
        want = float(row["SCORE"]) if row["SCORE"] else None
        if want is not None and row["QSCAT"].startswith("PROMIS"):
            want = table.get((row["SCALE"], want), want)
        missing = got is None or pd.isna(got)
        if missing != (want is None) or (want is not None and got is not None and abs(got - want) > 1e-6):
            found.append(f"{row['SUBJID']} {row['DATE']}: {row['SCALE']} is {got}, truth {row['SCORE']!r}")
    return found
