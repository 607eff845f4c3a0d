"""Synthetic FHIR for a study, with its truth: one patient at a time, then files."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Literal, Protocol

import msgspec
from fhir2cdisc.fhir.simulation import truth
from fhir2cdisc.fhir.simulation.cdash import CdashFolder
from fhir2cdisc.fhir.simulation.chart import Chart, Json, meta_of, stable_id
from fhir2cdisc.fhir.simulation.course import data_cut, plan_subject
from fhir2cdisc.fhir.simulation.dialects import Dialect, dialect_of
from fhir2cdisc.fhir.simulation.habits.delivery import SERVERS, full_url
from fhir2cdisc.fhir.simulation.habits.table import Habits, check_habits, plant_habits
from fhir2cdisc.fhir.simulation.messy import Defect, spoil
from fhir2cdisc.fhir.simulation.plan import Course, ordinal
from fhir2cdisc.fhir.simulation.record_resources import write_records
from fhir2cdisc.fhir.simulation.redcap import RedcapFolder
from fhir2cdisc.fhir.simulation.subject_resources import write_shared, write_subject
from fhir2cdisc.fhir.simulation.truth import Row
from fhir2cdisc.fhir.simulation.tumour_resources import write_tumours
from fhir2cdisc.fhir.simulation.workbook import WorkbookFolder
from fhir2cdisc.mappings.study import Study, StudyError
from fhir2cdisc.mappings.study_base import is_known_day

Format = Literal["bundles", "ndjson"]


class ExtractFolder(Protocol):
    """A raw extract while it is written, a patient at a time."""

    def write(self, course: Course) -> None: ...


SYNTHETIC = "Synthetic data: these patients were invented by a program, and none of them ever lived.\n"
# The raw extracts as which a study can be written, beside FHIR.
EXTRACTS: dict[str, Callable[[Path, Study, ExitStack], ExtractFolder]] = {
    "cdash": CdashFolder,
    "redcap-recist": RedcapFolder,
    "cn-recist": WorkbookFolder,
}
TABLES = ("subjects", "responses", "timepoints", "lesions", "tte", "ae", "questionnaires")
COLUMNS: dict[str, tuple[str, ...]] = {
    "subjects": (
        "SUBJID",
        "SITEID",
        "SEX",
        "BRTHDTC",
        "ARM",
        "DRUGS",
        "RFICDTC",
        "TRTSDT",
        "TRTEDT",
        "DTHDT",
        "DTHCAUS",
        "LSTALVDT",
        "EOSREAS",
        "EOTREAS",
        "NACTDT",
        "MEASURABLE",
        "BOR",
        "BORDT",
        "CBOR",
        "CBORDT",
        "TMB",
        "MSI",
        "PDL1TPS",
        "PDL1CPS",
        "GENES",
        "PANEL",
        "MTBDT",
        "MTBREC",
        "MTBMFL",
        "SECMTBDT",
        "SECMTBFL",
    ),
    "responses": (
        "SUBJID",
        "EVALUATOR",
        "BOR",
        "BORDT",
        "CBOR",
        "CBORDT",
        "RSP",
        "CRSP",
        "DCR",
        "CDCR",
        "SD4M",
        "DC4M",
        "CBR",
    ),
    "timepoints": (
        "SUBJID",
        "EVALUATOR",
        "NUMBER",
        "VISIT",
        "DATE",
        "SUM_MM",
        "TRGRESP",
        "NTRGRESP",
        "NEWLIND",
        "OVRLRESP",
    ),
    "lesions": ("SUBJID", "EVALUATOR", "NUMBER", "DATE", "LESION", "ROLE", "LOC", "NODE", "SIZE_MM", "STATE"),
    "tte": ("SUBJID", "EVALUATOR", "PARAMCD", "STARTDT", "ADT", "AVAL", "CNSR", "EVNTDESC", "CNSDTDSC"),
    "ae": (
        "SUBJID",
        "NUMBER",
        "TERM",
        "BODYSYS",
        "START",
        "START_WRITTEN",
        "END",
        "GRADE",
        "SERIOUS",
        "RELATED",
        "OUTCOME",
        "TRTEMFL",
    ),
    "questionnaires": ("SUBJID", "QSCAT", "VISIT", "DATE", "SCALE", "SCORE"),
    "ledger": ("RULE", "FILE", "RESOURCE", "WHAT"),
    "habits": ("SUBJID", "HABIT", "WHAT", "TRUTH", "EXPECTED"),
}


@dataclass(frozen=True, slots=True)
class Order:
    """What to simulate: study, seed, number of subjects, data cut, dialects, share of spoilt resources, format, habits,
    and as which raw extracts the study is written beside FHIR.

    HabitError where a habit does not exist or two of them cannot be written together, StudyError where the data cut is
    no day that a date of a dataset can be.
    """

    study: Study
    seed: int = 1
    patients: int | None = None
    cutoff: str = ""
    dialects: tuple[str, ...] = ()
    messy: float = 0.0
    format: Format = "bundles"
    habits: tuple[str, ...] = ()
    extracts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_habits(self.habits, bundles=self.format == "bundles")
        try:
            is_known_day(self.cutoff or data_cut(self.study))
        except (ValueError, OverflowError) as error:
            raise StudyError(f"data cut: {error}") from error

    @property
    def count(self) -> int:
        return self.study.design.planned if self.patients is None else self.patients

    @property
    def cut(self) -> int:
        return ordinal(self.cutoff or data_cut(self.study))

    @property
    def dialect(self) -> Dialect:
        return dialect_of(self.dialects)


@dataclass(slots=True)
class Simulated:
    """One patient: the course, its resources, and the habits and defects that were planted in them."""

    course: Course
    resources: list[Json]
    defects: list[Defect] = field(default_factory=list)
    habits: Habits = field(default_factory=Habits)

    @property
    def file(self) -> str:
        return f"patient-{self.course.subjid}.json"

    @property
    def deliveries(self) -> list[tuple[str, list[Json]]]:
        """File and resources of each delivery; the name of the older one comes before or after that of the newer."""
        newer = (self.file, self.resources)
        if not self.habits.older:
            return [newer]
        if self.course.index % 2:
            return [(f"again-{self.course.subjid}.json", self.habits.older), newer]
        return [newer, (f"renewed-{self.course.subjid}.json", self.habits.older)]


def simulate_subjects(order: Order) -> Iterator[Simulated]:
    """Every subject of an order; StudyError where the study has nothing to simulate with.

    A subject depends on the study, the seed and its own number only, so the first ten of a hundred are the ten.
    """
    if not order.study.simulation.regimens or not order.study.simulation.tumours:
        raise StudyError(f"study {order.study.id}: simulation.regimens and simulation.tumours are needed to simulate")
    dialect, cut = order.dialect, order.cut
    for index in range(1, order.count + 1):
        course = plan_subject(order.study, order.seed, index, cut)
        if course is None:
            continue
        chart = Chart(order.study, course, dialect, order.seed, cut, order.format == "bundles")
        write_subject(chart)
        write_tumours(chart)
        write_records(chart)
        made = Simulated(course, chart.resources, habits=plant_habits(chart, order.habits))
        if order.messy:
            made.resources, made.defects = spoil(chart.resources, order.messy, f"{order.seed}|{index}")
        yield made


def truth_rows(study: Study, course: Course) -> dict[str, list[Row]]:
    """The truth of one course, by table."""
    return {
        "subjects": [truth.subject_row(study, course)],
        "responses": list(truth.response_rows(study, course)),
        "timepoints": list(truth.timepoint_rows(course)),
        "lesions": list(truth.lesion_rows(course)),
        "tte": list(truth.time_rows(study, course)),
        "ae": list(truth.event_rows(course)),
        "questionnaires": list(truth.score_rows(course)),
    }


def bundle_of(resources: list[Json], key: str, server: str = "") -> Json:
    """A transaction bundle, of a server where it is named; a resource without id can only be created."""
    entries = []
    for one in resources:
        kind, ident = one["resourceType"], one.get("id")
        request = {"method": "PUT", "url": f"{kind}/{ident}"} if ident else {"method": "POST", "url": kind}
        place = full_url(one, server)
        entry: Json = {"fullUrl": place} if place else {}
        entries.append({**entry, "resource": one, "request": request})
    return {"resourceType": "Bundle", "id": stable_id(key), "type": "transaction", "entry": entries}


class Folder:
    """The files of a simulation: `fhir/` with bundles or NDJSON, `truth/` with one CSV per table."""

    def __init__(self, out: Path, order: Order, stack: ExitStack) -> None:
        self.order, self.stack = order, stack
        self.fhir, self.truth = out / "fhir", out / "truth"
        self.fhir.mkdir(parents=True, exist_ok=True)
        self.truth.mkdir(parents=True, exist_ok=True)
        self.files: dict[str, IO[bytes]] = {}
        self.tables: dict[str, csv.DictWriter[str]] = {}
        more = (*(["ledger"] if order.messy else []), *(["habits"] if order.habits else []))
        for name in (*TABLES, *more):
            handle = stack.enter_context((self.truth / f"{name}.csv").open("w", encoding="utf-8", newline=""))
            self.tables[name] = csv.DictWriter(handle, COLUMNS[name], restval="", lineterminator="\n")
            self.tables[name].writeheader()

    def write(self, file: str, key: str, resources: list[Json], server: str = "") -> None:
        """Resources as one bundle, or each to the file of its type."""
        if self.order.format == "bundles":
            (self.fhir / file).write_bytes(msgspec.json.encode(bundle_of(resources, key, server)))
            return
        for one in resources:
            kind = one["resourceType"]
            if kind not in self.files:
                self.files[kind] = self.stack.enter_context((self.fhir / f"{kind}.ndjson").open("wb"))
            self.files[kind].write(msgspec.json.encode(one) + b"\n")

    def share(self, key: str, resources: list[Json]) -> None:
        """What patients share, once or once at each server."""
        if "two-sites" not in self.order.habits:
            self.write("shared.json", key, resources)
            return
        for letter, server in zip("ab", SERVERS, strict=True):
            self.write(f"shared-{letter}.json", f"{key}{letter}", resources, server)

    def deliver(self, made: Simulated, key: str) -> None:
        """The files of one patient."""
        for file, resources in made.deliveries:
            again = "" if file == made.file else "older|"
            self.write(file, f"{key}{again}{made.course.subjid}", resources, made.habits.server)

    def record(self, made: Simulated) -> None:
        """Truth, planted habits and ledger of one patient."""
        for name, rows in truth_rows(self.order.study, made.course).items():
            self.tables[name].writerows(rows)
        for habit, one in made.habits.planted:
            facts = (made.course.subjid, habit, one.what, one.truth, one.expected)
            self.tables["habits"].writerow(dict(zip(COLUMNS["habits"], facts, strict=True)))
        for defect in made.defects:
            kind = defect.resource.split("/")[0]
            file = made.file if self.order.format == "bundles" else f"{kind}.ndjson"
            row: dict[str, Any] = {"RULE": defect.rule, "FILE": file, "RESOURCE": defect.resource, "WHAT": defect.what}
            self.tables["ledger"].writerow(row)


def simulate(order: Order, out: Path) -> dict[str, int]:
    """Write a simulation and say how many subjects, resources and defects it holds. Same order, same bytes."""
    counts = {"subjects": 0, "resources": 0, "defects": 0}
    with ExitStack() as stack:
        folder = Folder(out, order, stack)
        key = f"{order.seed}|{order.study.id}|bundle|"
        extracts = [EXTRACTS[name](out / name, order.study, stack) for name in order.extracts]
        for name in order.extracts:
            (out / name / "SYNTHETIC.txt").write_text(SYNTHETIC, encoding="utf-8")
        shared = write_shared(order.study, order.seed, meta_of(order.cut))
        folder.share(key, shared)
        for made in simulate_subjects(order):
            folder.deliver(made, key)
            folder.record(made)
            for one in extracts:
                one.write(made.course)
            counts["subjects"] += 1
            counts["resources"] += sum(len(resources) for _, resources in made.deliveries)
            counts["defects"] += len(made.defects)
        counts["resources"] += len(shared)
    return counts
