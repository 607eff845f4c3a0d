"""The reviewer's guides of a package, filled from the study file, the written datasets and the conformance report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from fhir2cdisc.adam.sensitivity import responses_there
from fhir2cdisc.adam.study_options import tte_parameters
from fhir2cdisc.converters.conformance import Report, validate_package
from fhir2cdisc.converters.guides import (
    EndpointDefinition,
    GuideContent,
    OptionTaken,
    build_adrg,
    build_csdrg,
    write_guides,
)
from fhir2cdisc.converters.package_write import ADAM_STANDARD, Identity, Written
from fhir2cdisc.fhir.findings import Finding
from fhir2cdisc.mappings.study import Study
from fhir2cdisc.mappings.study_base import Section
from fhir2cdisc.sdtm.metadata import SDTM_CT_VERSION, SDTM_STANDARD

# Why a warning of our own rules stands in a package that is otherwise right, by rule.
EXPLANATIONS = {
    "DEF-015": "The derivation of these variables is given in words in the methods of their parameters.",
    "LINK-013": "The source says that the event is serious but not by which criterion; no criterion is inferred.",
    "SDTM-004": "The source holds no data for these expected variables.",
    "SDTM-013": "Values outside an extensible codelist extend it and are marked so in define.xml: terms that the "
    "source uses and the codelist lacks, results that are dates or Y and N, the unit mut/Mb, and the evaluator and "
    "method of the responses that were derived from lesions.",
}
_SECTIONS = ("reference", "response", "schedule", "safety", "censoring", "statistics", "privacy")


def options_taken(study: Study) -> list[OptionTaken]:
    """Every option of the study that shapes the data: stated by the protocol, or a default where it is silent."""
    found = []
    for name in _SECTIONS:
        section: Section = getattr(study, name)
        for option, value in section.model_dump(mode="json").items():
            if option not in ("stated", "antineoplastic"):
                shown = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
                protocol = section.origin(option) == "protocol"
                found.append(OptionTaken(f"{name}.{option}", shown, from_protocol=protocol))
    return found


def endpoint_definitions(study: Study, adam: Written | None = None) -> list[EndpointDefinition]:
    """The time-to-event parameters as they were computed: of sensitivity analyses those that ADRS has responses for."""
    adrs = next((frame for dataset, frame in adam.datasets if dataset.name == "ADRS"), None) if adam else None
    again = responses_there(adrs, study) if adrs is not None else None
    return [
        EndpointDefinition(
            p.paramcd,
            p.param,
            p.starting.in_words(),
            tuple(e.in_words() for e in p.events),
            (p.scans.in_words(),) if p.scans is not None else tuple(c.in_words() for c in p.censors),
        )
        for p in tte_parameters(study, bool(study.endpoints), again)
    ]


def add_guides(
    folder: Path, study: Study, sdtm: Written, adam: Written | None, findings: Sequence[Finding], lines: Sequence[str]
) -> Report:
    """Check the written package and put csdrg and adrg beside its datasets; the report is returned."""
    report = validate_package(folder)
    standards = [SDTM_STANDARD, ("SDTM CT", SDTM_CT_VERSION)]
    content = GuideContent(
        study=Identity(study.studyid, study.studyid, study.title),
        standards=standards,
        datasets=[(dataset, len(frame)) for dataset, frame in sdtm.datasets],
        report=report,
        protocol=study.design.summary,
        sources=tuple(lines),
        issues=_issues(findings),
        options=options_taken(study),
        endpoints=endpoint_definitions(study, adam),
        explanations=EXPLANATIONS,
    )
    write_guides(folder / "sdtm", build_csdrg(content), "csdrg")
    if adam is not None:
        datasets = [(dataset, len(frame)) for dataset, frame in adam.datasets]
        content = replace(content, standards=[ADAM_STANDARD, *standards], datasets=datasets)
        write_guides(folder / "adam", build_adrg(content), "adrg")
    return report


def _issues(findings: Sequence[Finding]) -> tuple[str, ...]:
    """How often each rule was found while the data were made; no value of a record is repeated in a guide."""
    counts: dict[tuple[str, str], int] = {}
    for finding in findings:
        key = (finding.severity, finding.rule)
        counts[key] = counts.get(key, 0) + finding.count
    return tuple(f"{severity}: {rule}: {count}" for (severity, rule), count in sorted(counts.items()))
