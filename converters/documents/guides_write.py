"""The reviewer's guides of a package, filled from the study file, the written datasets and the conformance report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from fhir2cdisc.adam.plan import Plan
from fhir2cdisc.converters.check.conformance import Report, validate_package
from fhir2cdisc.converters.documents.guide_text import Table
from fhir2cdisc.converters.documents.guides import (
    EndpointDefinition,
    GuideContent,
    OptionTaken,
    build_adrg,
    build_csdrg,
    write_guides,
)
from fhir2cdisc.converters.package import ADAM_STANDARD, GUIDES, Identity, Written
from fhir2cdisc.fhir.findings import Finding
from fhir2cdisc.mappings.standard.adam_terms import ADAM_CT_VERSION
from fhir2cdisc.mappings.standard.datasets import SDTM_CT_VERSION, SDTM_STANDARD
from fhir2cdisc.mappings.study import Study
from fhir2cdisc.mappings.study_base import Section

# Why a warning of our own rules stands in a package that is otherwise right, by rule, or by rule and codelist.
EXPLANATIONS = {
    "DEF-015": "The derivation of these variables is given in words in the methods of their parameters.",
    "LINK-013": "The source says that the event is serious but not by which criterion; no criterion is inferred.",
    "SDTM-004": "The source holds no data for these expected variables.",
    "SDTM-013": "Terms that the source uses and the extensible codelist lacks; define.xml marks them as extended.",
    "SDTM-013 EVAL": "Responses that were derived from the lesions stand beside the collected ones; their evaluator "
    "is no person and extends the codelist.",
    "SDTM-013 MEDEVAL": "Names whose measurements a derived response was computed from.",
    "SDTM-013 QRSMTHOD": "Names the criteria by which a response was derived from the lesions.",
    "SDTM-013 UNIT": "Mutations per megabase have no unit in the codelist; the usual one is kept.",
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


def endpoint_definitions(plan: Plan) -> list[EndpointDefinition]:
    """The time-to-event parameters as they were computed."""
    return [
        EndpointDefinition(
            p.paramcd,
            p.param,
            p.starting.in_words(),
            tuple(e.in_words() for e in p.events),
            (p.scans.in_words(),) if p.scans is not None else tuple(c.in_words() for c in p.censors),
        )
        for p in plan.parameters
    ]


def add_guides(
    folder: Path,
    study: Study,
    sdtm: Written | None,
    adam: Written | None,
    findings: Sequence[Finding],
    lines: Sequence[str] = (),
    encoding: str = "auto",
    plan: Plan | None = None,
) -> Report:
    """Check the written package and put csdrg and adrg beside their datasets; the report is returned.

    Of an `encoding` that was asked for (NMPA) the rules that ask for ASCII are left out. `plan` is that of ADaM, where
    there is any.
    """
    written = {kind: found for kind, found in (("sdtm", sdtm), ("adam", adam)) if found is not None}
    made = {kind: folder / kind / GUIDES[kind].href for kind in written}
    asked = encoding if encoding in ("utf-8", "gb18030") else "ascii"
    report = validate_package(folder, coming=made.values(), encoding=asked)
    for kind, path in made.items():
        endpoints = endpoint_definitions(plan) if kind == "adam" and plan is not None else []
        content = replace(_content(kind, written[kind], study, report, findings, lines), endpoints=endpoints)
        guide = build_csdrg(content) if kind == "sdtm" else build_adrg(content)
        write_guides(path.parent, guide, path.stem)
    return report


def _content(
    kind: str, written: Written, study: Study, report: Report, findings: Sequence[Finding], lines: Sequence[str]
) -> GuideContent:
    standards = [SDTM_STANDARD, ("SDTM CT", SDTM_CT_VERSION)]
    if kind == "adam":
        standards = [ADAM_STANDARD, ("ADaM CT", ADAM_CT_VERSION), *standards]
    return GuideContent(
        study=Identity(study.studyid, study.studyid, study.title),
        standards=standards,
        datasets=[(dataset, len(frame)) for dataset, frame in written.datasets],
        report=report,
        protocol=study.design.summary,
        design=_design(study),
        sources=tuple(lines),
        issues=_issues(findings),
        options=options_taken(study),
        explanations=EXPLANATIONS,
        encoding=written.encoding,
    )


def _design(study: Study) -> tuple[Table, ...]:
    """Arms and eligibility criteria of the study file."""
    arms = [(arm.code, arm.label, ", ".join(arm.drugs)) for arm in study.arms]
    criteria = [(one.code, one.category.capitalize(), one.full_text or one.text) for one in study.criteria]
    return (
        Table(("Arm", "Description", "Drugs"), tuple(arms)),
        Table(("Criterion", "Category", "Text"), tuple(criteria)),
    )


def _issues(findings: Sequence[Finding]) -> tuple[str, ...]:
    """How often each rule was found while the data were made; no value of a record is repeated in a guide."""
    counts: dict[tuple[str, str], int] = {}
    for finding in findings:
        key = (finding.severity, finding.rule)
        counts[key] = counts.get(key, 0) + finding.count
    return tuple(f"{severity}: {rule}: {count}" for (severity, rule), count in sorted(counts.items()))
