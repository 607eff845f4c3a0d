"""The datasets of a package from frames: transport files and their define.xml, with text as they can hold it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
from fhir2cdisc.adam.build import Adam
from fhir2cdisc.converters.define.document import write_define
from fhir2cdisc.converters.define.results import ResultDisplay
from fhir2cdisc.converters.documents.arm import result_displays
from fhir2cdisc.converters.formats.long_text import (
    cut_texts,
    split_columns,
    split_long_qualifiers,
    split_long_text,
    with_continuations,
)
from fhir2cdisc.converters.formats.plain_text import needed_encoding, plain_frames
from fhir2cdisc.converters.package import ADAM_STANDARD, GUIDES, Identity, LinkedDocument, PackageError, Written
from fhir2cdisc.converters.run.pipeline import SdtmRun
from fhir2cdisc.converters.xpt.write import XptError, study_lengths, with_lengths, write_xpt_pieces
from fhir2cdisc.fhir.findings import Finding
from fhir2cdisc.mappings.standard.datasets import SDTM_STANDARD, Dataset
from fhir2cdisc.mappings.study import Study
from fhir2cdisc.sdtm.describe import describe

# Datasets whose long text goes on in numbered variables of their own, not in SUPP-- (SDTMIG 3.4, 5.1 and 7.4.2).
CONTINUED = {"CO": "COVAL", "TS": "TSVAL"}


@dataclass(frozen=True, slots=True)
class Described:
    """What define.xml says beside the datasets: standard, documents beside it, results, comments by place."""

    standard: tuple[str, str]
    documents: tuple[LinkedDocument, ...] = ()
    results: Sequence[ResultDisplay] = ()
    comments: Mapping[str, str] = field(default_factory=dict)


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
    FDA recommends ASCII. Text over 200 bytes goes on in SUPP-- (SDTMIG 3.4 section 4.5.3.2); where there is none (ADaM)
    it is cut, with a finding that names subject and variable.
    """
    plain, found = plain_frames(frames) if encoding in ("auto", "ascii") else (dict(frames), [])
    chosen = needed_encoding(plain) if encoding == "auto" else encoding
    if encoding == "auto" and chosen != "ascii":
        message = "text outside ASCII remains, so the transport files are UTF-8; the FDA recommends ASCII"
        found.append(Finding("xpt.encoding", message, "warning"))
    described = dict(metadata)
    plain = _overflow(plain, described, chosen)
    for name, frame in plain.items():
        plain[name], cut = cut_texts(frame, described[name], encoding=chosen)
        found += cut
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
            why = "; ".join(error.problems)
            raise PackageError(f"{name}: cannot be written as a transport file in {chosen}: {why}") from error
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
    displays = result_displays(study, adam.specs, adam.frames)
    beside = Described(ADAM_STANDARD, (GUIDES["adam"],), displays)
    return write_datasets(folder / "adam", adam.frames, adam.datasets, study, beside, encoding)
