"""The manual of mappings against the code: it lists exactly what there is, and its example runs."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import get_args

import pandas as pd
import pytest
from fhir2cdisc.converters.pipeline import RunOptions, SdtmRun, build_sdtm, sorted_findings
from fhir2cdisc.fhir.path import CHOICES
from fhir2cdisc.fhir.path_parser import FUNCTIONS, OPERATORS
from fhir2cdisc.mappings.model import NCI_SYSTEMS, DomainMap, SourceMap, VariableMap, builtin_domains
from fhir2cdisc.mappings.study import Study

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "mapping.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    return TEXT.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


def table(text: str, head: str) -> list[list[str]]:
    """The rows of the Markdown table whose head line begins so, cell by cell."""
    lines = text[text.index(f"| {head} |") :].split("\n\n", 1)[0].splitlines()[2:]
    return [[cell.strip().replace(r"\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def named(text: str, head: str) -> list[str]:
    """What the first cells of a table name in code font."""
    return [name for row in table(text, head) for name in re.findall(r"`([^`]+)`", row[0])]


@pytest.mark.parametrize(
    ("title", "model"), [("The file", DomainMap), ("A source", SourceMap), ("A variable", VariableMap)]
)
def test_every_key_of_a_mapping_is_in_the_manual(
    title: str, model: type[DomainMap] | type[SourceMap] | type[VariableMap]
) -> None:
    keys = {field.alias or name for name, field in model.model_fields.items()}
    listed = named(section(title), "Key")
    assert sorted(listed) == sorted(keys)


def test_every_kind_of_value_and_every_field_of_a_test_is_in_the_manual() -> None:
    fields = VariableMap.model_fields
    assert sorted(named(section("A variable"), "`as` | What is made")) == sorted(get_args(fields["as_"].annotation))
    (row,) = [row for row in table(section("A variable"), "Key") if row[0] == "`test`"]
    assert set(re.findall(r"`(\w+)`", row[1])) == set(get_args(fields["test"].annotation)) - {""}


def test_the_functions_and_operators_of_a_path_are_in_the_manual() -> None:
    functions = [name.split("(")[0] for name in named(section("Paths"), "Function")]
    assert sorted(functions) == sorted(FUNCTIONS)
    operators = table(section("Paths"), "Operator")
    listed = [re.findall(r"`([^`]+)`", row[0]) for row in operators]
    strength = [{OPERATORS[name] for name in names} for names in listed]
    assert sorted(name for names in listed for name in names) == sorted(OPERATORS)
    assert all(len(one) == 1 for one in strength)
    assert [min(one) for one in strength] == sorted(min(one) for one in strength)


def test_the_manual_says_what_an_nci_system_is_and_reads_choices_by_base_name() -> None:
    assert set(re.findall(r"`((?:http://nci|urn:oid)[^`]+)`", section("Codes and terms"))) == set(NCI_SYSTEMS)
    assert "value" in CHOICES


def example(language: str) -> str:
    (found,) = re.findall(rf"```{language} example\n(.*?)```", TEXT, re.DOTALL)
    return str(found)


def run(folder: Path, *, with_mapping: bool) -> SdtmRun:
    (folder / "bundle").mkdir()
    (folder / "bundle" / "bundle.json").write_text(example("json"), encoding="utf-8")
    (folder / "site-rs.toml").write_text(example("toml"), encoding="utf-8")
    study = Study.model_validate(
        {"id": "manual", "title": "Manual", "studyid": "MANUAL", "cohort": {"membership": "all"}}
    )
    options = RunOptions(mappings=(folder / "site-rs.toml",) if with_mapping else ())
    return build_sdtm([folder / "bundle"], study, options)


def test_the_worked_example_gives_the_table_that_it_shows(tmp_path: Path) -> None:
    made = run(tmp_path, with_mapping=True)
    after = TEXT.split("<!-- example result -->\n", 1)[1]
    head = [cell.strip() for cell in after.splitlines()[0].split("|")[1:-1]]
    expected = pd.DataFrame(table(after, head[0] + " | " + " | ".join(head[1:])), columns=head)
    pd.testing.assert_frame_equal(made.sdtm.frames["RS"][head].reset_index(drop=True), expected)
    rules = made.sdtm.lineage.query("DATASET == 'RS'")["RULE"]
    assert set(rules) == {"RS/site-response"}
    assert [f.rule for f in sorted_findings(made.accounts) if f.rule.startswith("code.")] == []
    assert "XO" not in made.sdtm.frames


def test_without_the_file_the_example_s_results_are_kept_under_their_own_term(tmp_path: Path) -> None:
    made = run(tmp_path, with_mapping=False)
    (finding,) = [f for f in sorted_findings(made.accounts) if f.rule == "code.no-test"]
    assert (finding.value, finding.count) == ("urn:example:hospital|TUMRESP", 2)
    assert "RS" not in made.sdtm.frames
    assert len(made.sdtm.frames["XO"]) == 2


def test_the_example_has_the_keys_of_the_built_in_domain() -> None:
    own = tomllib.loads(example("toml"))
    (built_in,) = [domain for domain in builtin_domains() if domain.domain == own["domain"]]
    assert tuple(own["keys"]) == built_in.keys
