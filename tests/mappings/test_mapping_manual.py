"""The manual of mappings against the code: it lists exactly what there is, and its example runs."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pandas as pd
import pytest
from fhir2cdisc.converters.run.pipeline import RunOptions, SdtmRun, build_sdtm
from fhir2cdisc.fhir.path.expression import CHOICES
from fhir2cdisc.fhir.path.parser import FUNCTIONS, OPERATORS
from fhir2cdisc.mappings.model import (
    NCI_SYSTEMS,
    DomainMap,
    Pattern,
    SiteMap,
    SiteTest,
    SourceMap,
    VariableMap,
    builtin_domains,
)
from fhir2cdisc.mappings.study import Study
from fhir2cdisc.sdtm.columns import COLUMNS, MAPPING

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
    ("title", "model"),
    [("A site file", SiteMap), ("The file", DomainMap), ("A source", SourceMap), ("A variable", VariableMap)],
)
def test_every_key_of_a_mapping_is_in_the_manual(
    title: str, model: type[SiteMap] | type[DomainMap] | type[SourceMap] | type[VariableMap]
) -> None:
    keys = {field.alias or name for name, field in model.model_fields.items()}
    # Written out before the model sees the file.
    keys |= {"paths"} if model is DomainMap else set()
    listed = named(section(title), "Key")
    assert sorted(listed) == sorted(keys)


def test_the_working_columns_that_a_mapping_may_set_are_in_the_manual_with_what_they_are() -> None:
    said = [[f"`{c.name}`", ", ".join(c.domains) or "all", c.means] for c in COLUMNS.values() if MAPPING in c.set_by]
    assert table(section("A variable"), "Column") == said


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


def test_the_parts_of_a_site_file_are_in_the_manual() -> None:
    said = set(re.findall(r"`(\w+)`", section("A site file")))
    assert set(SiteTest.model_fields) | set(Pattern.model_fields) <= said


def example(kind: str) -> str:
    (found,) = re.findall(rf"```{kind}\n(.*?)```", TEXT, re.DOTALL)
    return str(found)


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., SdtmRun]:
    """A function that maps the example's bundle with the example's files of the given kinds."""
    (tmp_path / "bundle").mkdir()
    (tmp_path / "bundle" / "bundle.json").write_text(example("json example"), encoding="utf-8")
    (tmp_path / "site-rs.toml").write_text(example("toml example"), encoding="utf-8")
    (tmp_path / "our-codes.toml").write_text(example("toml site"), encoding="utf-8")
    study = Study.model_validate(
        {"id": "manual", "title": "Manual", "studyid": "MANUAL", "cohort": {"membership": "all"}}
    )

    def build(*, mapping: bool = False, site: bool = False) -> SdtmRun:
        options = RunOptions(
            mappings=(tmp_path / "site-rs.toml",) if mapping else (),
            sites=(str(tmp_path / "our-codes.toml"),) if site else (),
        )
        return build_sdtm([tmp_path / "bundle"], study, options)

    return build


@pytest.mark.parametrize(("kind", "rule"), [("site", "RS/response"), ("mapping", "RS/site-response")])
def test_the_worked_example_gives_the_table_that_it_shows(run: Callable[..., SdtmRun], kind: str, rule: str) -> None:
    made = run(**{kind: True})
    after = TEXT.split("<!-- example result -->\n", 1)[1]
    head = [cell.strip() for cell in after.splitlines()[0].split("|")[1:-1]]
    expected = pd.DataFrame(table(after, " | ".join(head)), columns=head)
    pd.testing.assert_frame_equal(made.sdtm.frames["RS"][head].reset_index(drop=True), expected)
    lineage = made.sdtm.lineage
    assert set(lineage.loc[lineage["DATASET"] == "RS", "RULE"]) == {rule}
    assert [f.rule for f in made.accounts.findings if f.rule.startswith("code.")] == []
    assert "XO" not in made.sdtm.frames


def test_without_a_file_the_example_s_results_are_kept_under_their_own_term(run: Callable[..., SdtmRun]) -> None:
    made = run()
    (finding,) = [f for f in made.accounts.findings if f.rule == "code.no-test"]
    assert (finding.value, finding.count) == ("urn:example:hospital|TUMRESP", 2)
    assert "RS" not in made.sdtm.frames
    assert len(made.sdtm.frames["XO"]) == 2


def test_the_example_has_the_keys_of_the_built_in_domain() -> None:
    own = tomllib.loads(example("toml example"))
    (built_in,) = [domain for domain in builtin_domains() if domain.domain == own["domain"]]
    assert tuple(own["keys"]) == built_in.keys
