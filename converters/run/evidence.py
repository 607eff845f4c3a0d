"""What a package says of how it was made: lineage, findings, what became of every resource, and the manifest."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

import pandas as pd
from fhir2cdisc.adam.build import Adam
from fhir2cdisc.adam.subject.death import DIFFER
from fhir2cdisc.converters.atomic import replacing, write_table, write_text
from fhir2cdisc.converters.extracts.account import address_table, column_table
from fhir2cdisc.converters.manifest import Input, build_manifest, write_manifest
from fhir2cdisc.converters.run.pipeline import RunOptions, SdtmRun, sorted_findings
from fhir2cdisc.fhir.findings import Finding
from fhir2cdisc.mappings.last_day import RUN
from fhir2cdisc.mappings.study import Study
from fhir2cdisc.sdtm.subject.deaths import CONFLICT

RESOURCE_COLUMNS = ["FILE", "LINE", "ENTRY", "RESOURCE", "ID", "OUTCOME", "REASON"]


def write_lineage(folder: Path, run: SdtmRun | None, adam: Adam | None) -> None:
    """`lineage/sdtm.parquet`: from each SDTM record to its resources; `lineage/adam.parquet`: from ADaM to SDTM."""
    if run is not None:
        _parquet(folder / "lineage" / "sdtm.parquet", run.sdtm.lineage)
    if adam is not None:
        _parquet(folder / "lineage" / "adam.parquet", adam.lineage)


def write_extracts(folder: Path, run: SdtmRun | None) -> None:
    """Where extracts were read: `findings/columns.parquet`, what became of each of their columns, and
    `lineage/columns.parquet`, in which columns each variable of a record stands.
    """
    if run is not None and run.prepared.bound:
        _parquet(folder / "findings" / "columns.parquet", column_table(run.accounts))
        _parquet(folder / "lineage" / "columns.parquet", address_table(run.prepared))


def write_evidence(folder: Path, adam: Adam | None) -> None:
    """`findings/evidence.parquet`: from what each fact of a subject was chosen, and why."""
    if adam is not None:
        _parquet(folder / "findings" / "evidence.parquet", adam.evidence)


def write_unused(folder: Path, unread: pd.DataFrame) -> None:
    """`findings/unused.parquet`: what nothing read of the mapped resources, by type and path."""
    _parquet(folder / "findings" / "unused.parquet", unread)


def _parquet(path: Path, frame: pd.DataFrame) -> None:
    with replacing(path) as file:
        frame.to_parquet(file, index=False)


def write_findings(
    folder: Path,
    run: SdtmRun | None,
    adam: Adam | None,
    more: Sequence[Finding] = (),
    conflicts: pd.DataFrame | None = None,
) -> list[Finding]:
    """`findings/`: what was found, in words (CSV and JSON), the accounts, and every resource with what became of it."""
    target = folder / "findings"
    read = sorted_findings([*run.accounts.findings, *run.sdtm.findings]) if run else []
    first = _from_frame(adam.tripwires if adam else None)
    derived = _not_yet_said(_from_frame(adam.findings if adam else None, "adam."), read)
    found = [*first, *read, *more, *_from_frame(conflicts, "sdtm."), *derived]
    rows = [f.as_dict() for f in found]
    header = list(asdict(Finding("", "")))
    write_table(target / "findings.csv", header, [list(row.values()) for row in rows])
    write_text(target / "findings.json", json.dumps(rows, ensure_ascii=False, indent=1) + "\n")
    if run is not None:
        counts = sorted(run.accounts.counts.items())
        write_table(target / "accounts.csv", ["resource", "outcome", "reason", "count"], [[*k, n] for k, n in counts])
        resources = pd.DataFrame(sorted(run.accounts.rows), columns=RESOURCE_COLUMNS)
        _parquet(target / "resources.parquet", resources)
        write_table(target / "skipped-files.csv", ["file", "kind", "outcome", "reason"], run.skipped)
    return found


def _from_frame(frame: pd.DataFrame | None, prefix: str = "") -> list[Finding]:
    """Findings of the derivations (DATASET, USUBJID, RECORD, VARIABLE, VALUE, RULE, SEVERITY, MESSAGE)."""
    if frame is None or not len(frame):
        return []
    return [
        Finding(
            f"{prefix}{row.RULE}",
            row.MESSAGE,
            str(row.SEVERITY).lower(),
            variable=f"{row.DATASET}.{row.VARIABLE}",
            value=str(row.VALUE),
            usubjid=row.USUBJID,
            path=str(row.RECORD),
        )
        for row in frame.itertuples(index=False)
    ]


def _not_yet_said(derived: list[Finding], read: Iterable[Finding]) -> list[Finding]:
    """The findings of ADaM without conflicts of dates of death that SDTM has named already, with their resources."""
    named: dict[str, set[str]] = {}
    for one in read:
        if one.rule == CONFLICT:
            named.setdefault(one.usubjid, set()).update(one.value.split(", "))
    return [
        f for f in derived if f.rule != f"adam.{DIFFER}" or not {*f.value.split(", ")} <= named.get(f.usubjid, set())
    ]


def finish(
    folder: Path, inputs: Iterable[Input], study: Study, options: RunOptions, encoding: str, adam: Adam | None = None
) -> None:
    """The manifest, last: it names every file of the package with its SHA-256.

    The last day that the data can know is in it with what says so; the day of the run only where it changed something,
    so that a run on another day gives the same bytes.
    """
    said = {
        "study": study.model_dump(mode="json", exclude={"simulation"}),
        "deep": options.deep,
        "mappings": [path.name for path in options.mappings],
        "sites": [Path(name).name for name in options.sites],
        **({"extracts": [Path(name).name for name in options.extracts]} if options.extracts else {}),
        "keyed": bool(options.key),
        "encoding": encoding,
    }
    if adam is not None:
        told = adam.latest.dates or adam.latest.why != RUN
        said["last_day"] = {"by": adam.latest.why, **({"day": adam.latest.day} if told else {})}
    write_manifest(build_manifest(inputs, folder, said), folder)
