"""From any record of a package back to the FHIR resources that it came from, step by step."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from fhir2cdisc.adam.frames.columns import sequence_name
from fhir2cdisc.converters.extracts.grid import letters
from fhir2cdisc.converters.xpt.write import read_xpt
from fhir2cdisc.fhir.cells import is_row
from fhir2cdisc.mappings.errors import Fhir2CdiscError
from fhir2cdisc.mappings.standard.datasets import prefix_of, record_key

_MAX_DEPTH = 6
# What names a record to a reader, of the variables that it has.
_SHOWN = ("USUBJID", "APID", "PARAMCD", "AVALC", "AVAL", "ADT", "CNSR")
_SHOWN_OF_DOMAIN = ("TESTCD", "TERM", "TRT", "STRESC", "DTC", "STDTC")
_SHOWN_LAST = ("RDOMAIN", "IDVAR", "IDVARVAL", "QNAM", "QVAL", "EVNTDESC", "WHY")


class TraceError(Fhir2CdiscError):
    """A package, dataset or key that is not there; the message is one clear sentence."""


@dataclass(slots=True)
class TracedPackage:
    """A package opened for tracing: its datasets are read when they are asked for."""

    folder: Path
    frames: dict[str, pd.DataFrame] = field(default_factory=dict)
    # What stands in a cell of the sources: of a file (with its sheet), a row as shown, and the number of a column.
    cell: Callable[[str, int, int], str] | None = None

    def dataset(self, name: str) -> pd.DataFrame:
        if name not in self.frames:
            path = next((p for k in ("adam", "sdtm") if (p := self.folder / k / f"{name.lower()}.xpt").exists()), None)
            if path is None:
                raise TraceError(f"{self.folder}: has no dataset {name}")
            self.frames[name] = _readable(path, lambda: read_xpt(path)[0])
        return self.frames[name]

    def lineage(self, kind: str) -> pd.DataFrame:
        key = f"lineage/{kind}"
        if key not in self.frames:
            path = self.folder / "lineage" / f"{kind}.parquet"
            found = _readable(path, lambda: pd.read_parquet(path)) if path.exists() else pd.DataFrame()
            self.frames[key] = found
        return self.frames[key]

    def evidence(self, subject: str) -> pd.DataFrame:
        """The evidence for the facts of a subject, in its order; empty where the package has none."""
        if "evidence" not in self.frames:
            path = self.folder / "findings" / "evidence.parquet"
            found = _readable(path, lambda: pd.read_parquet(path)) if path.exists() else pd.DataFrame()
            self.frames["evidence"] = found
        evidence = self.frames["evidence"]
        return evidence[evidence["USUBJID"] == subject] if len(evidence) else evidence


def _readable(path: Path, read: Callable[[], pd.DataFrame]) -> pd.DataFrame:
    try:
        return read()
    except (ValueError, OSError, OverflowError) as error:
        raise TraceError(f"{path}: cannot be read ({type(error).__name__})") from error


def find_records(package: TracedPackage, dataset: str, keys: Mapping[str, str]) -> pd.DataFrame:
    """The records of a dataset whose variables have these values; TraceError for a variable that it does not have."""
    frame = package.dataset(dataset)
    for name, value in keys.items():
        if name not in frame:
            raise TraceError(f"{dataset} has no variable {name}")
        frame = frame[frame[name].map(_text) == value]
    return frame


def trace(package: TracedPackage, dataset: str, keys: Mapping[str, str]) -> Iterator[str]:
    """One line for each step, indented by depth: record, its source records, and at last the resources."""
    records = find_records(package, dataset, keys)
    if not len(records):
        raise TraceError(f"{dataset}: no record has {', '.join(f'{k}={v}' for k, v in keys.items())}")
    for _, record in records.iterrows():
        yield from _record(package, dataset, record, 0)
        if dataset == "ADSL":
            yield from _evidence(package, str(record["USUBJID"]))


def _evidence(package: TracedPackage, subject: str) -> Iterator[str]:
    """What each fact of a subject was chosen from: the chosen record first, the others below it."""
    rows = package.evidence(subject)
    for fact, mine in rows.groupby("FACT", sort=True) if len(rows) else ():
        yield f"  {fact}:"
        for row in mine.sort_values("CHOSEN", ascending=False, kind="stable").itertuples():
            mark = "chosen" if row.CHOSEN == "Y" else "passed over"
            place = f"{row.SRCDOM}.{row.SRCVAR} {_text(row.SRCSEQ)}".strip()
            # Who somebody is has no date.
            when = str(row.DTC) or ("" if fact == "identity" else "(no date)")
            said = " ".join(part for part in (when, str(row.TEXT)) if part)
            yield f"    {mark}: {place}: {said}: {row.REASON}"


def _text(value: object) -> str:
    if isinstance(value, pd.Timestamp):
        return str(value.date())
    if isinstance(value, float):
        return "" if pd.isna(value) else f"{value:.15g}"
    return "" if value is None or value is pd.NaT else str(value)


def _record(package: TracedPackage, dataset: str, record: pd.Series, depth: int) -> Iterator[str]:
    yield "  " * depth + f"{dataset} {_name(dataset, record)}"
    if depth >= _MAX_DEPTH:
        return
    if not _has_subject(record):
        yield "  " * (depth + 1) + "is of the study, not of a subject: made from the study file"
    elif dataset.startswith("AD"):
        yield from _adam_sources(package, dataset, record, depth + 1)
    elif dataset == "RELREC" or dataset.startswith("SUPP"):
        yield from _named(package, record, depth + 1)
    elif dataset == "SE":
        # Elements begin and end at the reference dates of the subject.
        yield from _records(package, "DM", {"USUBJID": str(record["USUBJID"])}, depth + 1)
    else:
        yield from _resources(package, dataset, record, depth + 1)


def _has_subject(record: pd.Series) -> bool:
    return "USUBJID" in record.index or "RSUBJID" in record.index


def _subject(record: pd.Series) -> str:
    """The subject of a record; of a relative's (APMH) the subject whose relative it is."""
    return str(record["USUBJID"] if "USUBJID" in record.index else record["RSUBJID"])


def _name(dataset: str, record: pd.Series) -> str:
    domain = dataset.removeprefix("AD")
    names = [*_SHOWN, record_key(domain), *(f"{prefix_of(domain)}{name}" for name in _SHOWN_OF_DOMAIN), *_SHOWN_LAST]
    if not _has_subject(record):
        names = [n for n in record.index if n not in ("STUDYID", "DOMAIN")][:4]
    return ", ".join(f"{n}={v}" for n in names if n in record.index and (v := _text(record[n])))


def _adam_sources(package: TracedPackage, dataset: str, record: pd.Series, depth: int) -> Iterator[str]:
    lineage = package.lineage("adam")
    if not len(lineage):
        yield "  " * depth + _no_lineage(package, "adam")
        return
    rows = lineage[(lineage["DATASET"] == dataset) & (lineage["USUBJID"] == record["USUBJID"])]
    if key := sequence_name(record.to_frame().T):
        rows = rows[rows["SEQ"] == record[key]]
    for row in rows.drop_duplicates().itertuples():
        if row.SRCDOM:
            yield from _source(package, str(row.SRCDOM), str(row.SRCVAR), row.SRCSEQ, str(record["USUBJID"]), depth)


def _no_lineage(package: TracedPackage, kind: str) -> str:
    return f"{package.folder}: has no lineage/{kind}.parquet, so the trace ends here"


def _source(package: TracedPackage, domain: str, variable: str, seq: float, subject: str, depth: int) -> Iterator[str]:
    try:
        frame = package.dataset(domain)
    except TraceError as error:
        yield "  " * depth + str(error)
        return
    frame = frame[frame["USUBJID"] == subject]
    key = sequence_name(frame) if domain.startswith("AD") else record_key(domain)
    if key in frame and not pd.isna(seq):
        frame = frame[frame[key] == seq]
    for _, record in frame.iterrows():
        if variable in record.index:
            yield "  " * depth + f"{domain}.{variable} = {_text(record[variable])}"
        yield from _record(package, domain, record, depth)


def _named(package: TracedPackage, record: pd.Series, depth: int) -> Iterator[str]:
    """The record that a record of SUPP-- or RELREC names by RDOMAIN, IDVAR and IDVARVAL."""
    if not record["USUBJID"]:
        yield "  " * depth + f"is of the whole dataset {record['RDOMAIN']}, not of a record"
        return
    keys = {"USUBJID": str(record["USUBJID"])}
    if record["IDVAR"]:
        keys[str(record["IDVAR"])] = str(record["IDVARVAL"])
    yield from _records(package, str(record["RDOMAIN"]), keys, depth)


def _records(package: TracedPackage, dataset: str, keys: Mapping[str, str], depth: int) -> Iterator[str]:
    try:
        found = find_records(package, dataset, keys)
    except TraceError as error:
        yield "  " * depth + str(error)
        return
    for _, record in found.iterrows():
        yield from _record(package, dataset, record, depth)


def _resources(package: TracedPackage, dataset: str, record: pd.Series, depth: int) -> Iterator[str]:
    lineage = package.lineage("sdtm")
    if not len(lineage):
        yield "  " * depth + _no_lineage(package, "sdtm")
        return
    seq = record.get(record_key(dataset), 0.0)
    mine = (lineage["DATASET"] == dataset) & (lineage["USUBJID"] == _subject(record))
    rows = lineage[mine & (lineage["SEQ"] == seq)]
    for row in rows.itertuples():
        if is_row(row.RESOURCE):
            where = f"cell {letters(row.ENTRY)}{row.LINE}" if row.ENTRY >= 0 else f"row {row.LINE}"
            yield "  " * depth + f"{row.ROLE}: {where} of {row.RESOURCE} in {row.FILE}, by {row.RULE}"
            yield from ("  " * (depth + 1) + line for line in _cells(package, record, row))
            continue
        entry = f" entry {row.ENTRY}" if row.ENTRY >= 0 else ""
        line = f" line {row.LINE}" if row.LINE else ""
        version = f" version {row.VERSION}" if row.VERSION else ""
        place = f"{row.FILE}{line}{entry}"
        yield "  " * depth + f"{row.ROLE}: {row.RESOURCE}/{row.ID}{version} in {place}, by {row.RULE}"


def _cells(package: TracedPackage, record: pd.Series, row: Any) -> Iterator[str]:
    """For each variable of a record that came from a row of an extract the cells that it was filled from.

    Each with its address and heading as the sheet shows them; with its content where the sources were given.
    """
    columns = package.lineage("columns")
    if row.ROLE != "source" or not len(columns):
        return
    mine = columns[(columns["FILE"] == row.FILE) & (columns["RULE"] == row.RULE) & (columns["ENTRY"] == row.ENTRY)]
    for variable, some in mine.groupby("VARIABLE", sort=False):
        if variable in record.index and (value := _text(record[variable])):
            cells = [
                f"{one.COLUMN}{row.LINE} ({one.HEADING}){_content(package, row, one.NUMBER)}"
                for one in some.itertuples()
            ]
            yield f"{variable} = {value} from {', '.join(cells)}"


def _content(package: TracedPackage, row: Any, number: int) -> str:
    """What stands in a cell, where the sources were given and have it."""
    if package.cell is None:
        return ""
    return f" {package.cell(row.FILE, row.LINE, number)!r}"
