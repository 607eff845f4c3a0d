"""What a run makes of planted habits: for each subject and group of facts equal, said, or different and not said.

`said` is a finding that the same data give only with the habit, and that names the subject. A finding of the study
counts only where the habit is one of all subjects alike. What a clean run says anyhow does not count, nor does a mere
information about a resource, nor a word about something else.
"""

from __future__ import annotations

import csv
import importlib.util
import re
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType

import pandas as pd
from fhir2cdisc.adam.build import Adam, build_adam
from fhir2cdisc.adam.subject.biomarkers import gene_flag
from fhir2cdisc.converters.errors import Fhir2CdiscError
from fhir2cdisc.converters.run.pipeline import RunOptions, SdtmRun, build_sdtm
from fhir2cdisc.fhir.simulation.simulate import Order, simulate
from fhir2cdisc.mappings.study import Study, load_study
from support.facts import facts
from support.paths import ROOT

EQUAL, SAID, DIFFERENT = "equal", "said", "different"
# The facts and endpoints that are compared, in groups; whatever is in none is `other`.
GROUPS = {
    "diagnosis": ("DIAGDT",),
    "treatment": ("TRTSDT", "TRTEDT"),
    "new therapy": ("NACTDT",),
    "death": ("DTHDT",),
    "last contact": ("LSTALVDT",),
    "response": ("BOR", "CBOR", "OVRLRESP"),
    "OS": ("OS",),
    "PFS": ("PFS", "PFSEMA", "TTP"),
    "DOR": ("DOR", "CDOR"),
    "adverse events": ("AE",),
    "genes": ("GENE",),
    "other": (),
}
# What a finding must speak of to be about a group; a finding may be about any other group.
_BY_ALL = "offset|time zone|resource.conflict|server|deliver|version|refused|no start date"
WORDS = {
    "diagnosis": "diagnos|cancer",
    "treatment": "treatment|exposure|dose|therapy",
    "new therapy": "therapy|treatment|exposure|dose|line",
    "death": "death|died",
    "last contact": "contact|death|died|record|exposure",
    "genes": "gene|panel|tested",
}
_GROUP = {code: name for name, codes in GROUPS.items() for code in codes}
_SUBJECT = re.compile(r"\b\d\d-\d{4}\b")
WHOLE_STUDY, REFUSED = "", "refused"
# How a source writes everything: what is said of the study is said of each subject.
OF_THE_STUDY = {"no-calls", "spellings", "time-zones", "redelivery", "two-sites"}


@dataclass(frozen=True, order=True)
class Case:
    """A study with some subjects and habits, and the time zone that its run is told."""

    study: str
    habits: tuple[str, ...] = ()
    seed: int = 11
    patients: int = 6
    dialects: tuple[str, ...] = ()
    zone: str = ""


@dataclass(frozen=True)
class Verdict:
    """What became of a group of facts of one subject, a difference in words, and the rules that said something."""

    subject: str
    group: str
    verdict: str
    why: str = ""
    rules: tuple[str, ...] = ()


@dataclass(frozen=True)
class Seen:
    """The differences of each (subject, group), and what was said of each subject."""

    different: dict[tuple[str, str], str]
    said: set[tuple[str, str, str]]
    planted: list[dict[str, str]]


@cache
def _compare() -> ModuleType:
    path = ROOT / "tests" / "converters" / "run" / "truth_compare.py"
    spec = importlib.util.spec_from_file_location("truth_compare", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def verdicts(case: Case) -> list[Verdict]:
    """A verdict for every group of facts of every subject in whom something was planted or is different."""
    seen, clean = look(case), clean_said(Case(case.study, (), case.seed, case.patients, case.dialects))
    wide = OF_THE_STUDY & set(case.habits)
    subjects = {row["SUBJID"] for row in seen.planted} | {subject for subject, _ in seen.different}
    made = []
    for subject in sorted(subjects):
        named = {subject, WHOLE_STUDY} if wide else {subject}
        fresh = [one for one in seen.said - clean if one[0] in named or one[1] == REFUSED]
        for group in GROUPS:
            about = re.compile(f"{WORDS[group]}|{_BY_ALL}" if group in WORDS else "", re.IGNORECASE)
            rules = tuple(sorted({rule for _, rule, message in fresh if about.search(f"{rule} {message}")}))
            why = seen.different.get((subject, group), "")
            made.append(Verdict(subject, group, EQUAL if not why else SAID if rules else DIFFERENT, why, rules))
    return made


@cache
def clean_said(case: Case) -> set[tuple[str, str, str]]:
    return look(case).said


def look(case: Case) -> Seen:
    """Simulate, run and compare; a refusal is said of the whole study and everything is different."""
    study = load_study(case.study)
    study = study.model_copy(update={"clock": study.clock.model_copy(update={"zone": case.zone})})
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        simulate(Order(study, case.seed, case.patients, dialects=case.dialects, habits=case.habits), folder)
        planted = _read(folder / "truth" / "habits.csv")
        sites = tuple(one for one in case.dialects if one == "hospital-cn")
        try:
            run = build_sdtm([folder / "fhir"], study, RunOptions(sites=sites))
            adam = build_adam(run.sdtm.frames, study)
        except Fhir2CdiscError as error:
            refused = {(row["SUBJID"], group): f"refused: {error}" for row in planted for group in GROUPS}
            return Seen(refused, {(WHOLE_STUDY, REFUSED, str(error))}, planted)
        found = _compare().differences(run.sdtm.frames, study, folder / "truth", facts("promis29_tscores"), adam.frames)
        found += _diagnoses(adam.frames["ADSL"], planted) + _genes(
            adam.frames["ADSL"], planted, study, _read(folder / "truth" / "subjects.csv")
        )
    return Seen(_by_group(found), _said(run, adam), planted)


def _read(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _by_group(found: list[str]) -> dict[tuple[str, str], str]:
    """Differences by subject and group; the words name both (`01-0002 INVESTIGATOR: PFS is ...`)."""
    made: dict[tuple[str, str], str] = {}
    for words in found:
        subject, code = _SUBJECT.search(words), re.search(r": (\w+) is ", words)
        assert subject is not None, words
        known = "AE" if words.startswith("adverse event") else "OVRLRESP" if "time point" in words else ""
        group = _GROUP.get(known or (code[1] if code else ""), "other")
        made.setdefault((subject[0], group), words)
    return made


def _said(run: SdtmRun, adam: Adam) -> set[tuple[str, str, str]]:
    """Subject (blank: the study), rule and message of every finding."""
    made = set()
    for one in (*run.accounts.findings, *run.sdtm.findings):
        subject = _SUBJECT.search(one.usubjid) or _SUBJECT.search(one.file)
        if one.severity != "info" and subject:
            made.add((subject[0], one.rule, one.message))
    for frame in (adam.findings, adam.tripwires):
        for usubjid, rule, message in zip(frame["USUBJID"], frame["RULE"], frame["MESSAGE"], strict=True):
            subject = _SUBJECT.search(str(usubjid))
            made.add((subject[0] if subject else WHOLE_STUDY, rule, message))
    return made


def _diagnoses(adsl: pd.DataFrame, planted: list[dict[str, str]]) -> list[str]:
    wanted = _facts(planted, "DIAGDTC")
    derived = {row.SUBJID: _compare().day(row.DIAGDT) for row in adsl.itertuples()}
    return [
        f"{subject}: DIAGDT is {derived.get(subject)!r}, truth {text!r}"
        for subject, text in wanted.items()
        if derived.get(subject) != (text if len(text) == 10 else f"{text}-01")
    ]


def _genes(adsl: pd.DataFrame, planted: list[dict[str, str]], study: Study, truth: list[dict[str, str]]) -> list[str]:
    """Flags of the genes of a study: blank outside the panel, N where the panel tested and found nothing."""
    untested = {subject: names.split() for subject, names in _facts(planted, "UNTESTED").items()}
    genes = [gene for one in study.biomarkers for gene in one.genes]
    flags = {row["SUBJID"]: row for row in adsl.to_dict("records")}
    found = []
    for row in truth:
        subject, present, panel = row["SUBJID"], row["GENES"].split("+"), row["PANEL"].split("+")
        for gene in genes if subject in flags else ():
            tested = gene in panel and gene not in untested.get(subject, ())
            flag, wanted = flags[subject].get(gene_flag(gene), ""), "Y" if gene in present else "N" if tested else ""
            if flag != wanted:
                found.append(f"{subject}: GENE is {gene} {flag!r}, truth {wanted!r}")
    return found


def _facts(planted: list[dict[str, str]], name: str) -> dict[str, str]:
    pairs = ((row["SUBJID"], row["TRUTH"].partition("=")) for row in planted)
    return {subject: value for subject, (key, _, value) in pairs if key == name}
