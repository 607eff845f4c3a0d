"""A package folder from the frames of a run: XPT, define.xml, lineage, findings, manifest. Whole or not at all."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import pandas as pd
from fhir2cdisc.adam.build import Adam, adam_lineage
from fhir2cdisc.converters.atomic import replacing, write_text
from fhir2cdisc.converters.define.document import Document, write_define
from fhir2cdisc.converters.define.results import ResultDisplay
from fhir2cdisc.converters.documents.arm import result_displays
from fhir2cdisc.converters.formats.long_text import (
    split_columns,
    split_long_qualifiers,
    split_long_text,
    with_continuations,
)
from fhir2cdisc.converters.formats.plain_text import needed_encoding, plain_frames
from fhir2cdisc.converters.manifest import Input, build_manifest, write_manifest
from fhir2cdisc.converters.package import PackageError
from fhir2cdisc.converters.run.adam_metadata import adam_datasets
from fhir2cdisc.converters.run.pipeline import RunOptions, SdtmRun, sorted_findings
from fhir2cdisc.converters.xpt.write import XptError, study_lengths, with_lengths, write_xpt_pieces
from fhir2cdisc.fhir.findings import Finding
from fhir2cdisc.mappings.standard.datasets import SDTM_STANDARD, Dataset
from fhir2cdisc.mappings.study import Study
from fhir2cdisc.sdtm.describe import describe

RESOURCE_COLUMNS = ["FILE", "LINE", "ENTRY", "RESOURCE", "ID", "OUTCOME", "REASON"]
ADAM_STANDARD = ("ADaMIG", "1.3")
# The reviewer's guide beside the datasets of each kind.
GUIDES = {
    "sdtm": Document("csdrg", "Clinical Study Data Reviewer's Guide", "csdrg.html"),
    "adam": Document("adrg", "Analysis Data Reviewer's Guide", "adrg.html"),
}

# Datasets whose long text goes on in numbered variables of their own, not in SUPP-- (SDTMIG 3.4, 5.1 and 7.4.2).
CONTINUED = {"CO": "COVAL", "TS": "TSVAL"}


@dataclass(frozen=True, slots=True)
class Identity:
    """The study as define.xml names it."""

    id: str
    name: str
    description: str


@dataclass(frozen=True, slots=True)
class Described:
    """What define.xml says beside the datasets: standard, documents beside it, results, comments by place."""

    standard: tuple[str, str]
    documents: tuple[Document, ...] = ()
    results: Sequence[ResultDisplay] = ()
    comments: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Written:
    """What was written: datasets with their metadata as it stands in the files, and the encoding."""

    datasets: tuple[tuple[Dataset, pd.DataFrame], ...]
    encoding: str
    findings: tuple[Finding, ...] = ()


def write_datasets(
    folder: Path,
    frames: Mapping[str, pd.DataFrame],
    metadata: Mapping[str, Dataset],
    study: Study,
    beside: Described,
    encoding: str = "auto",
) -> Written:
    """One XPT a dataset and the define.xml (and define.html) of them all.

    `encoding` `auto` writes typographic signs as plain ASCII and takes UTF-8 only where other signs remain; the
    FDA recommends ASCII. Text over 200 bytes goes on in SUPP-- (SDTMIG 3.4 section 4.5.3.2).
    """
    plain, found = plain_frames(frames) if encoding in ("auto", "ascii") else (dict(frames), [])
    chosen = needed_encoding(plain) if encoding == "auto" else encoding
    if encoding == "auto" and chosen != "ascii":
        message = "text outside ASCII remains, so the transport files are UTF-8; the FDA recommends ASCII"
        found.append(Finding("xpt.encoding", message, "warning"))
    described = dict(metadata)
    plain = _overflow(plain, described, chosen)
    lengths = study_lengths(plain, chosen)
    datasets = []
    for name in sorted(plain):
        dataset = with_lengths(described[name], lengths)
        try:
            write_xpt_pieces(
                plain[name],
                folder / f"{name.lower()}.xpt",
                name=name,
                label=dataset.label,
                variables=dataset.variables,
                encoding=chosen,
            )
        except XptError as error:
            raise PackageError(f"{name}: cannot be written as a transport file in {chosen}: {error}") from error
        datasets.append((dataset, plain[name]))
    identity = Identity(study.studyid, study.studyid, study.title)
    write_define(
        folder / "define.xml",
        study=identity,
        datasets=datasets,
        standard=beside.standard,
        results=beside.results,
        documents=beside.documents,
        comments=beside.comments,
    )
    return Written(tuple(datasets), chosen, tuple(found))


def _overflow(frames: dict[str, pd.DataFrame], metadata: dict[str, Dataset], encoding: str) -> dict[str, pd.DataFrame]:
    made = dict(frames)
    for name, frame in frames.items():
        if name in CONTINUED:
            made[name] = split_columns(frame, CONTINUED[name], encoding=encoding)
            metadata[name] = with_continuations(metadata[name], list(made[name].columns))
            continue
        if len(name) != 2:
            continue
        kept, supp = split_long_text(frame, frames.get(f"SUPP{name}"), metadata[name], encoding=encoding)
        made[name] = kept
        if len(supp):
            made[f"SUPP{name}"] = split_long_qualifiers(supp, encoding=encoding)
            metadata.setdefault(f"SUPP{name}", describe({f"SUPP{name}": supp}, [])[f"SUPP{name}"])
    return made


def write_sdtm(folder: Path, run: SdtmRun, study: Study, encoding: str = "auto") -> Written:
    frames = run.sdtm.frames
    described = describe(frames, run.mappings)
    long = [f"{one.code}: {one.full_text}" for one in study.criteria if one.full_text]
    beside = Described(SDTM_STANDARD, (GUIDES["sdtm"],), comments={"TI.IETEST": "; ".join(long)} if long else {})
    return write_datasets(folder / "sdtm", frames, described, study, beside, encoding)


def write_adam(folder: Path, adam: Adam, study: Study, encoding: str = "auto") -> Written:
    described = adam_datasets(adam.frames, study)
    frames = {name: frame[list(described[name].names)] for name, frame in adam.frames.items()}
    displays = result_displays(study, frames)
    beside = Described(ADAM_STANDARD, (GUIDES["adam"],), displays)
    return write_datasets(folder / "adam", frames, described, study, beside, encoding)


def write_lineage(folder: Path, run: SdtmRun | None, adam: Adam | None) -> None:
    """`lineage/sdtm.parquet`: from each SDTM record to its resources; `lineage/adam.parquet`: from ADaM to SDTM."""
    if run is not None:
        _parquet(folder / "lineage" / "sdtm.parquet", run.sdtm.lineage)
    if adam is not None:
        _parquet(folder / "lineage" / "adam.parquet", adam_lineage(adam.frames))


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
    found = [*read, *more, *_from_frame(conflicts, "sdtm"), *_from_frame(adam.findings if adam else None, "adam")]
    rows = [f.as_dict() for f in found]
    header = list(asdict(Finding("", "")))
    _csv(target / "findings.csv", header, [list(row.values()) for row in rows])
    write_text(target / "findings.json", json.dumps(rows, ensure_ascii=False, indent=1) + "\n")
    if run is not None:
        counts = sorted(run.accounts.counts.items())
        _csv(target / "accounts.csv", ["resource", "outcome", "reason", "count"], [[*k, n] for k, n in counts])
        resources = pd.DataFrame(sorted(run.accounts.rows), columns=RESOURCE_COLUMNS)
        _parquet(target / "resources.parquet", resources)
        _csv(target / "skipped-files.csv", ["file"], [[name] for name in run.skipped])
    return found


def _from_frame(frame: pd.DataFrame | None, prefix: str) -> list[Finding]:
    """Findings of the derivations (DATASET, USUBJID, RECORD, VARIABLE, VALUE, RULE, SEVERITY, MESSAGE)."""
    if frame is None or not len(frame):
        return []
    return [
        Finding(
            f"{prefix}.{row.RULE}",
            row.MESSAGE,
            str(row.SEVERITY).lower(),
            variable=f"{row.DATASET}.{row.VARIABLE}",
            value=str(row.VALUE),
            usubjid=row.USUBJID,
            path=str(row.RECORD),
        )
        for row in frame.itertuples(index=False)
    ]


def _csv(path: Path, header: list[str], rows: list[list[object]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    write_text(path, text.getvalue())


def finish(folder: Path, inputs: Iterable[Input], study: Study, options: RunOptions, encoding: str) -> None:
    """The manifest, last: it names every file of the package with its SHA-256."""
    said = {
        "study": study.model_dump(mode="json", exclude={"simulation"}),
        "deep": options.deep,
        "mappings": [path.name for path in options.mappings],
        "sites": [Path(name).name for name in options.sites],
        "keyed": bool(options.key),
        "encoding": encoding,
    }
    write_manifest(build_manifest(inputs, folder, said), folder)
