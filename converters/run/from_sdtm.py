"""ADaM made of SDTM that lies in a folder, ours or anyone's. What the command `adam` does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd
from fhir2cdisc.adam.build import Adam, build_adam, study_lesions
from fhir2cdisc.adam.frames.sdtm import dataset, tidy
from fhir2cdisc.adam.plan import every_recist_options
from fhir2cdisc.adam.tumour.derived_rs import lesion_conflicts
from fhir2cdisc.converters.atomic import write_text
from fhir2cdisc.converters.check.conformance import as_json
from fhir2cdisc.converters.documents.guides_write import add_guides
from fhir2cdisc.converters.documents.headlines import (
    adam_lines,
    conformance_line,
    evidence_lines,
    finding_lines,
    last_day_lines,
    tripwire_lines,
)
from fhir2cdisc.converters.formats.folder import dataset_files, read_folder
from fhir2cdisc.converters.package import PackageError, check_writable, new_folder
from fhir2cdisc.converters.run.evidence import finish, write_evidence, write_findings, write_lineage
from fhir2cdisc.converters.run.left_out import rows_of_others, said_of, without_failing
from fhir2cdisc.converters.run.pipeline import RunOptions
from fhir2cdisc.converters.run.write import write_adam
from fhir2cdisc.mappings.standard.datasets import sdtm_datasets
from fhir2cdisc.mappings.study import Study


def make_adam(sdtm_dir: Path, study: Study, out: Path, replace_old: bool, files: Iterable[Path]) -> list[str]:
    """Make the package, whole or not at all; the lines that say what was found and made.

    `files` are what else was read, such as the study file. Raises PackageError where the datasets cannot be taken or
    the package cannot be written.
    """
    check_writable(out, replace_old, [sdtm_dir, *dataset_files(sdtm_dir, "sdtm"), *files])
    frames, inputs = read_folder(sdtm_dir, "sdtm")
    _check_subjects(frames, sdtm_dir)
    frames = tidy(frames)

    def work(left_out: frozenset[str]) -> tuple[Adam, pd.DataFrame]:
        others = rows_of_others(frames, left_out)
        lesions = study_lesions(others, study)
        conflicts = lesion_conflicts(dataset(others, "RS"), lesions, every_recist_options(study))
        return build_adam(others, study, lesions), conflicts

    (made, conflicts), failures = without_failing(work, frames["DM"]["USUBJID"].tolist())
    made = said_of(made, failures)
    with new_folder(out, replace_old) as folder:
        written = write_adam(folder, made, study)
        write_lineage(folder, None, made)
        write_evidence(folder, made)
        found = write_findings(folder, None, made, written.findings, conflicts)
        report = add_guides(folder, study, None, written, found, plan=made.plan)
        write_text(folder / "findings" / "conformance.json", as_json(report))
        finish(folder, inputs, study, RunOptions(), written.encoding, made)
    told = [
        *last_day_lines(made.latest),
        *evidence_lines(made.evidence),
        *adam_lines(made.plan, made.specs, made.frames),
    ]
    return [*tripwire_lines(found), *finding_lines(found), *told, conformance_line(report)]


def _check_subjects(frames: Mapping[str, pd.DataFrame], folder: Path) -> None:
    """DM with one record for each subject, and records of subjects elsewhere, or one sentence that says why not."""
    if "DM" not in frames:
        raise PackageError(f"{folder}: has no DM dataset, so there are no subjects")
    dm = frames["DM"]
    if "USUBJID" not in dm:
        raise PackageError(f"{folder}: DM has no variable USUBJID")
    if len(double := dm.loc[dm["USUBJID"].duplicated(), "USUBJID"]):
        raise PackageError(f"{folder}: DM: subject {double.iloc[0]} has more than one record")
    for name, frame in frames.items():
        model = sdtm_datasets().get(name)
        if model and "USUBJID" in model and ("USUBJID" not in frame or frame["USUBJID"].dtype != object):
            raise PackageError(f"{folder}: {name} has no variable USUBJID of text")
