"""Reviewer's guides: filled from what is known, open points where an author must still explain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
from fhir2cdisc.converters.check.conformance import Issue, Report
from fhir2cdisc.converters.documents.guide_text import Guide, Section, Table, as_html, as_markdown
from fhir2cdisc.converters.documents.guides import (
    EndpointDefinition,
    GuideContent,
    OptionTaken,
    build_adrg,
    build_csdrg,
    write_guides,
)
from fhir2cdisc.mappings.standard.datasets import Dataset
from lxml import html

Package = Sequence[tuple[Dataset, pd.DataFrame]]
STUDY = SimpleNamespace(id="SYN01", name="Synthetic", description="A synthetic study of two subjects")
ISSUES = (
    Issue("SDTM-013", "warning", "SDTMIG 3.4, 4.3.1", "EX", "EXDOSFRM", "a value that FRM does not have", (1, 2)),
    Issue("LINK-005", "error", "FDA validator rule SD0013", "AE", "AEENDTC", "AEENDTC is before AESTDTC", (7,)),
    Issue("TTE-006", "error", "ADaM BDS-TTE 1.0", "ADTTE", "AVAL", "AVAL is not the time", (1,)),
    Issue("DEF-001", "error", "FDA rejection criterion 1736", "", "", "no define.xml beside the adam datasets"),
)
REPORT = Report(ISSUES, (), 85)


def content(package: Package, standard: tuple[str, str]) -> GuideContent:
    return GuideContent(
        STUDY,
        [standard],
        [(dataset, len(frame)) for dataset, frame in package],
        REPORT,
        protocol="Single arm, treatment until progression.",
        sources=("FHIR bundles of one site.",),
        issues=("3 Observations without a date were rejected.",),
        options=(
            OptionTaken("confirmation", "28 days", "A response counts when confirmed", from_protocol=True),
            OptionTaken("missed visits", "2", "Censoring after so many missed assessments"),
        ),
        endpoints=(
            EndpointDefinition("PFS", "Progression-free survival", "TRTSDT", ("Progression", "Death"), ("Last scan",)),
        ),
        dictionaries=(("MedDRA", "27.0"),),
        explanations={"SDTM-013": "The term is the sponsor's own."},
    )


def test_the_sdtm_guide_names_domains_findings_and_open_points(sdtm_package: Package) -> None:
    text = as_markdown(build_csdrg(content(sdtm_package, ("SDTMIG", "3.4"))))
    assert text.startswith("# Clinical Study Data Reviewer's Guide\n\nStudy SYN01: Synthetic\n\n## 1 Introduction\n")
    assert "| Standard | SDTMIG 3.4 |" in text and "| Dictionary | MedDRA 27.0 |" in text
    assert "| AE | Adverse Events | Events |" in text and "| STUDYID, USUBJID, AESTDTC, AESEQ | 3 |" in text
    assert "| SDTM-013 | warning | EX | a value that FRM does not have | 2 | The term is the sponsor's own. |" in text
    assert "85 rules were applied; 2 findings concern these datasets." in text
    assert "Rule LINK-005: an explanation is still to be given." in text
    assert "TTE-006" not in text and "beside the adam" not in text and "SDTM-013: an" not in text
    assert "3 Observations without a date were rejected." in text


def test_the_adam_guide_names_endpoints_and_where_the_protocol_is_silent(adam_package: Package) -> None:
    text = as_markdown(build_adrg(content(adam_package, ("ADaMIG", "1.3"))))
    assert "| PFS | Progression-free survival | TRTSDT | Progression; Death | Last scan |  |" in text
    assert "The protocol is silent on 1 of 2 options; defaults were taken." in text
    given, silent = text.index("Options that the protocol gives"), text.index("protocol is silent\n")
    assert given < text.index("28 days") < silent < text.index("| missed visits | 2 |")
    assert "TTE-006" in text and "no define.xml beside the adam datasets" in text and "LINK-005" not in text


def test_nothing_known_gives_no_empty_section(sdtm_package: Package) -> None:
    bare = GuideContent(STUDY, [], [], Report((), (), 85))
    text = as_markdown(build_adrg(bare))
    assert "Endpoint" not in text and "| --- |" not in text
    assert "Every finding has an explanation." in text and "No record was rejected or changed." in text


def test_markdown_and_html_say_the_same_and_are_closed(tmp_path: Path, adam_package: Package) -> None:
    guide = build_adrg(content(adam_package, ("ADaMIG", "1.3")))
    paths = write_guides(tmp_path, guide, "adrg")
    assert [p.name for p in paths] == ["adrg.md", "adrg.html"]
    page = html.fromstring(paths[1].read_text(encoding="utf-8"))
    assert page.xpath("//script") == []
    headings = [h.text for h in page.xpath("//h2|//h3")]
    lines = paths[0].read_text(encoding="utf-8").splitlines()
    assert headings == [line.lstrip("# ") for line in lines if line.startswith(("## ", "### "))]
    assert {href[1:] for href in page.xpath("//a/@href")} <= set(page.xpath("//@id"))


@pytest.mark.parametrize("hostile", ["<script>alert(1)</script>", "a | b", "# no heading", "line\n\nbreak"])
def test_values_are_never_markup(hostile: str) -> None:
    guide = Guide("T", "S", (Section("H", (hostile,), (Table(("A",), ((hostile,),)),)),))
    assert "<script>" not in as_html(guide)
    text = as_markdown(guide)
    assert "<script>" not in text and " | b" not in text.replace("\\|", "")
    assert len(text.splitlines()) == 11


def test_a_finding_has_the_words_for_its_codelist_or_else_for_its_rule(sdtm_package: Package) -> None:
    said = replace(
        content(sdtm_package, ("SDTMIG", "3.4")), explanations={"SDTM-013": "Any.", "SDTM-013 UNIT": "Units."}
    )
    assert said.explanation("SDTM-013", "codelist UNIT does not have 'mut/Mb'") == "Units."
    assert said.explanation("SDTM-013", "codelist RACE does not have 'BLUE'") == "Any."
    assert said.explanation("SDTM-013", "codelist FRM does not have 'A UNIT OF SOME'") == "Any."
    assert said.explanation("SDTM-014", "codelist UNIT does not have 'mut/Mb'") == ""
