"""A whole run in order: read, map, assemble, derive, write, check. What the commands `run` and `sdtm` do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd
from fhir2cdisc.adam.build import Adam, build_adam, study_lesions
from fhir2cdisc.adam.frames.findings import gather_findings
from fhir2cdisc.converters.atomic import write_text
from fhir2cdisc.converters.check.conformance import as_json
from fhir2cdisc.converters.documents.guides_write import add_guides
from fhir2cdisc.converters.documents.headlines import (
    account_lines,
    adam_lines,
    assumption_lines,
    conformance_line,
    evidence_lines,
    finding_lines,
    last_day_lines,
    tripwire_lines,
    unused_lines,
)
from fhir2cdisc.converters.documents.report import Background, write_report
from fhir2cdisc.converters.documents.results import write_results
from fhir2cdisc.converters.extracts.account import column_table
from fhir2cdisc.converters.formats.datasets import write_dataset
from fhir2cdisc.converters.package import Written, arrange_ectd, check_writable, new_folder
from fhir2cdisc.converters.run.coding import code_events
from fhir2cdisc.converters.run.derived_rs import add_derived_responses, with_records
from fhir2cdisc.converters.run.evidence import (
    finish,
    write_evidence,
    write_extracts,
    write_findings,
    write_lineage,
    write_unused,
)
from fhir2cdisc.converters.run.identities import with_identities
from fhir2cdisc.converters.run.intervals import without_dates
from fhir2cdisc.converters.run.left_out import rows_of_others, said_of, without_failing
from fhir2cdisc.converters.run.pipeline import Progress, RunOptions, SdtmRun, build_sdtm, sorted_findings
from fhir2cdisc.converters.run.two_ways import unsettled_findings
from fhir2cdisc.converters.run.write import write_adam, write_sdtm
from fhir2cdisc.fhir.findings import Finding
from fhir2cdisc.fhir.sources import named_source
from fhir2cdisc.mappings.errors import Fhir2CdiscError
from fhir2cdisc.mappings.study import Study
from fhir2cdisc.sdtm.assemble import Sdtm
from fhir2cdisc.sdtm.rows.unused import unused


class NothingMadeError(Fhir2CdiscError):
    """No subject of the study is in the sources; the message is one clear sentence."""


@dataclass(frozen=True, slots=True)
class RunOrder:
    """What is asked of a run: sources, study, where the package goes and in which shapes.

    `files` are the study file, mappings and other files that the run reads beside its sources.
    """

    sources: tuple[Path, ...]
    study: Study
    out: Path
    options: RunOptions = field(default_factory=RunOptions)
    replace_old: bool = False
    encoding: str = "auto"
    formats: tuple[str, ...] = ()
    layout: str = "package"
    dictionary: Path | None = None
    with_adam: bool = True
    files: tuple[Path, ...] = ()
    said: tuple[Finding, ...] = ()


def make_package(order: RunOrder, progress: Progress, say: Callable[[str], None]) -> None:
    """Make the package, whole or not at all, and say what was read, found and made.

    Raises NothingMadeError, PackageError and what `build_sdtm` raises.
    """
    check_writable(order.out, order.replace_old, [*(named_source(one)[1] for one in order.sources), *order.files])
    made = build_sdtm(order.sources, order.study, order.options, progress)
    made.accounts.findings += order.said
    if not made.sdtm.frames:
        say("\n".join(account_lines(made.accounts)))
        raise NothingMadeError(_why_nothing(made, order.study))
    adam, conflicts = _derive(order, made)
    if adam is not None and made.accounts.unsettled:
        signs = unsettled_findings(adam, _other_way(order))
        adam = replace(adam, tripwires=gather_findings([adam.tripwires, signs]))
    if adam is not None:
        adam = replace(adam, evidence=with_identities(adam.evidence, made))
    if made.prepared.days_from:
        adam, conflicts = without_dates(made, adam, conflicts, order.study.cutoff)
    with new_folder(order.out, order.replace_old) as folder:
        lines = _write(folder, order, made, adam, conflicts)
    say("\n".join([*lines, f"Package: {order.out}"]))


def _derive(order: RunOrder, made: SdtmRun) -> tuple[Adam | None, pd.DataFrame]:
    """ADaM where it is asked for, and what was found in codes and derived responses, which SDTM has then."""
    uncoded = code_events(made.sdtm.frames, order.dictionary) if order.dictionary else pd.DataFrame()

    def work(left_out: frozenset[str]) -> tuple[Sdtm, Adam | None, pd.DataFrame]:
        sdtm = replace(made.sdtm, frames=rows_of_others(made.sdtm.frames, left_out))
        lesions = study_lesions(sdtm.frames, order.study)
        conflicts = add_derived_responses(sdtm, order.study, lesions)
        adam = build_adam(sdtm.frames, order.study, lesions, made.accounts.complete) if order.with_adam else None
        return sdtm, adam, conflicts

    (sdtm, adam, conflicts), failures = without_failing(work, made.sdtm.frames["DM"]["USUBJID"].tolist())
    if "RS" in sdtm.frames:
        # The records of a subject that could not be judged stay as they were collected.
        collected = made.sdtm.frames.get("RS", sdtm.frames["RS"].iloc[:0])
        made.sdtm.frames["RS"] = with_records(sdtm.frames["RS"], collected[collected["USUBJID"].isin(failures)])
    made.sdtm.lineage = sdtm.lineage
    return said_of(adam, failures) if adam else None, pd.concat([conflicts, uncoded], ignore_index=True)


def _other_way(order: RunOrder) -> Adam | None:
    """ADaM with the other one of every two records of which nothing says which is newer; None without any subject."""
    made = build_sdtm(order.sources, order.study, replace(order.options, other_way=True))
    return _derive(order, made)[0] if made.sdtm.frames else None


def _write(folder: Path, order: RunOrder, made: SdtmRun, adam: Adam | None, conflicts: pd.DataFrame) -> list[str]:
    written = write_sdtm(folder, made, order.study, order.encoding)
    analysis = write_adam(folder, adam, order.study, order.encoding) if adam is not None else None
    _other_formats(folder, written, analysis, order.formats)
    write_lineage(folder, made, adam)
    write_extracts(folder, made)
    write_evidence(folder, adam)
    unread = unused(made.accounts)
    write_unused(folder, unread)
    more = [*written.findings, *(analysis.findings if analysis is not None else ())]
    found = write_findings(folder, made, adam, more, conflicts)
    if adam is not None:
        results = write_results(folder, adam.plan, adam.specs, adam.frames)
        background = Background(
            made.accounts.counts,
            tuple(found),
            conflicts,
            made.accounts.synthetic,
            adam.evidence,
            unread,
            column_table(made.accounts),
        )
        write_report(folder, adam.plan, adam.specs, results, adam.frames, background)
    plan = adam.plan if adam is not None else None
    said = account_lines(made.accounts)
    report = add_guides(folder, order.study, written, analysis, found, said, order.encoding, plan)
    write_text(folder / "findings" / "conformance.json", as_json(report))
    if order.layout == "ectd":
        arrange_ectd(folder, order.study.studyid)
    finish(folder, made.inputs, order.study, order.options, order.encoding, adam)
    lines = [*unused_lines(unread), *finding_lines(found), *assumption_lines(order.study, made.sdtm.frames)]
    if adam is not None:
        lines += [
            *last_day_lines(adam.latest),
            *evidence_lines(adam.evidence),
            *adam_lines(adam.plan, adam.specs, adam.frames),
        ]
    return [*tripwire_lines(found), *said, *lines, conformance_line(report)]


def _other_formats(folder: Path, sdtm: Written, adam: Written | None, formats: tuple[str, ...]) -> None:
    """The same datasets as Dataset-JSON or Parquet beside the transport files."""
    for kind, written in (("sdtm", sdtm), ("adam", adam)):
        for dataset, frame in written.datasets if written is not None else ():
            for suffix in formats:
                write_dataset(frame, folder / kind / f"{dataset.name.lower()}.{suffix}", dataset)


def _why_nothing(made: SdtmRun, study: Study) -> str:
    """No patient at all, or none of this study; and the first error."""
    counts = made.accounts.counts
    patients = any(kind == "Patient" and outcome != "rejected" for kind, outcome, _ in counts)
    why = f"no patient belongs to study {study.id}" if patients else "no usable Patient resource was read"
    found = sorted_findings(made.accounts.findings)
    errors = [f for f in found if f.rule.startswith("study.")] + [f for f in found if f.severity == "error"]
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    first = f"; {errors[0].shown}{more}" if errors else ""
    return f"{why}, so nothing was made{first}"
