"""README.md says what the code does: its counts, lists, options and links."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from types import ModuleType

import click
import pytest
from fhir2cdisc.converters.check.conformance import RULES
from fhir2cdisc.converters.cli.main import main
from fhir2cdisc.fhir.simulation.dialects import NAMES
from fhir2cdisc.mappings.model import builtin_domains
from fhir2cdisc.mappings.standard.adam_terms import ADAM_CT_VERSION
from fhir2cdisc.mappings.standard.datasets import SDTM_CT_VERSION
from fhir2cdisc.mappings.study import builtin_studies, load_study
from support.paths import ROOT
from support.readme import TEXT, block

FLAT = " ".join(TEXT.split())
WORDS = {5: "five"}


def test_the_number_of_rules_is_that_of_the_code() -> None:
    assert re.findall(r"(\d+) rules", FLAT) == [str(len(RULES))]


def test_the_list_of_domains_is_that_of_the_code() -> None:
    (listed,) = re.findall(r"SDTM per SDTMIG 3\.4 with CT \S+: (.*?)\. ", FLAT)
    mapped, *more = listed.split(", ")
    # XO, for findings of other domains, has a sentence of its own.
    assert mapped.split() == ["DM", *sorted({one.domain for one in builtin_domains()} - {"DM", "XO"})]
    assert more == ["SUPP--", "RELREC", "TS TA TE TV TI SE"] and "custom domain XO" in FLAT


def test_versions_of_the_terminology_are_those_of_the_code() -> None:
    assert set(re.findall(r"SDTM(?:IG 3\.4 with)? CT (\d{4}-\d\d-\d\d)", FLAT)) == {SDTM_CT_VERSION}
    assert re.findall(r"ADaM CT (\d{4}-\d\d-\d\d)", FLAT) == [ADAM_CT_VERSION]
    assert f"The SDTM terminology is that of {SDTM_CT_VERSION}" in FLAT


def test_counts_of_studies_and_dialects_are_those_of_the_code() -> None:
    studies = builtin_studies()
    assert f"For all {WORDS[len(studies)]} studies, all {len(NAMES)} dialects" in FLAT
    demo = load_study("lenvatinib-pembrolizumab")
    assert f"simulates a trial of {demo.design.planned} synthetic patients" in FLAT


def test_the_list_of_commands_is_that_of_the_code() -> None:
    lines = block("fhir2cdisc run")
    assert sorted(line.split()[1] for line in lines) == sorted(main.commands)
    for line in lines:
        _, name, *words = line.split("  ")[0].split()
        options = {option for one in main.commands[name].params for option in one.opts}
        assert {word for word in words if word.startswith("--")} <= options, line


def test_every_option_that_is_named_is_one() -> None:
    known = {option for command in main.commands.values() for one in command.params for option in one.opts}
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", TEXT))
    assert len(named) > 10 and named <= known


def test_formats_and_layouts_that_are_named_are_choices() -> None:
    (shown,) = re.findall(r"`--format json` \(or (.*?)\)", FLAT)
    choices = {one.name: one.type.choices for one in main.commands["run"].params if isinstance(one.type, click.Choice)}
    assert {"json", *re.findall(r"`(\w+)`", shown)} == set(choices["formats"])
    assert "`--layout ectd`" in FLAT and "ectd" in choices["layout"]


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([^)#]+)\)", TEXT))))
def test_every_link_leads_to_a_file(link: str) -> None:
    assert "://" not in link and (ROOT / link).is_file()


def test_python_versions_are_those_of_the_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    low, high = re.fullmatch(r">=3\.(\d+),<3\.(\d+)", project["requires-python"]).groups()  # type: ignore[union-attr]
    assert f"Python 3.{low} to 3.{int(high) - 1} and make" in FLAT


def test_targets_of_make_that_are_named_are_there() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = set(re.findall(r"`?make (\w+)", "\n".join([*block("make demo"), *re.findall(r"`make \w+`", TEXT)])))
    assert {"demo", "test"} <= named
    assert [name for name in sorted(named) if not re.search(rf"^{name}:", makefile, flags=re.MULTILINE)] == []


@pytest.fixture(scope="module")
def tool(generator: Callable[[str], ModuleType]) -> ModuleType:
    """The program that writes the printed runs."""
    return generator("make_readme")


def test_the_commands_of_the_demo_are_those_of_make(tool: ModuleType) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.findall(r"fhir2cdisc (.+)", makefile.split("\ndemo:")[1].split("\n\n")[0]) == tool.DEMO.split("\n")[1:-1]


@pytest.mark.slow
def test_the_demo_says_what_is_printed(tool: ModuleType) -> None:
    assert tool.demo().splitlines() == block("$ make demo")[1:], "run `python docs/make_readme.py`"


def test_every_printed_run_can_be_written_anew(tool: ModuleType) -> None:
    for command in ("make demo", *(f"fhir2cdisc {line}" for line in tool.PUBLISHED)):
        assert tool.with_block(TEXT, command, "") != TEXT
