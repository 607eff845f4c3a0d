"""A domain that a mapping file brings: the manual's two examples as whole packages, and what is refused."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import CliRunner
from fhir2cdisc.converters.check.conformance import validate_package
from fhir2cdisc.converters.cli.main import main
from fhir2cdisc.converters.formats.folder import read_folder
from fhir2cdisc.mappings.model import DomainMap, MappingError, load_domain, override
from fhir2cdisc.mappings.own_domain import general_variables
from lxml import etree
from support.paths import ROOT

MANUAL = (ROOT / "docs" / "mapping.md").read_text(encoding="utf-8")
STUDY = (
    'id = "own"\nstudyid = "OWN"\ntitle = "Own domains"\n[cohort]\nmembership = "all"\n[design]\nstart = "2024-01-01"\n'
)
DEF = {"odm": "http://www.cdisc.org/ns/odm/v1.3", "def": "http://www.cdisc.org/ns/def/v2.1"}


def example(kind: str) -> str:
    (found,) = re.findall(rf"```{kind}\n(.*?)```", MANUAL, re.DOTALL)
    return str(found)


def table(name: str) -> pd.DataFrame:
    """A result table of the manual, cell by cell as text."""
    lines = MANUAL.split(f"<!-- {name} result -->\n", 1)[1].split("\n\n", 1)[0].splitlines()
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]
    return pd.DataFrame(rows[2:], columns=rows[0])


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package that `fhir2cdisc sdtm` makes of the manual's bundle with both files."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "bundle").mkdir()
    (folder / "bundle" / "bundle.json").write_text(example("json wearable"), encoding="utf-8")
    (folder / "study.toml").write_text(STUDY, encoding="utf-8")
    given = ["sdtm", str(folder / "bundle"), "--study", str(folder / "study.toml"), "--out", str(folder / "package")]
    for kind in ("clinical", "wearable"):
        (folder / f"{kind}.toml").write_text(example(f"toml {kind}"), encoding="utf-8")
        given += ["--mapping", str(folder / f"{kind}.toml")]
    done = CliRunner().invoke(main, given)
    assert done.exit_code == 0, done.output
    return folder / "package"


@pytest.mark.parametrize(("domain", "name"), [("CE", "clinical"), ("XB", "wearable")])
def test_the_transport_file_is_the_table_that_the_manual_shows(package: Path, domain: str, name: str) -> None:
    expected = table(name)
    frame = read_folder(package, "sdtm")[0][domain]
    shown = frame.map(lambda value: "" if pd.isna(value) else f"{value:g}" if isinstance(value, float) else value)
    pd.testing.assert_frame_equal(shown[list(expected)].reset_index(drop=True), expected, check_dtype=False)
    listed = re.findall(r'name = "([A-Z0-9]+)", ?(?:label|core)|name = "([A-Z0-9]+)" }', example(f"toml {name}"))
    order = [a or b for a, b in listed]
    assert list(frame) == [one for one in order if one in frame]


def test_define_describes_them_and_says_which_is_of_no_standard(package: Path) -> None:
    tree = etree.parse(package / "sdtm" / "define.xml")
    groups = {node.get("Name"): node for node in tree.iterfind(".//odm:ItemGroupDef", DEF)}
    mark = f"{{{DEF['def']}}}"
    for name, standard in (("DM", True), ("CE", True), ("XB", False), ("SUPPXB", False)):
        assert (groups[name].get(f"{mark}StandardOID") is not None) is standard
        assert groups[name].get(f"{mark}IsNonStandard") == (None if standard else "Yes")
    assert [groups[name].find("def:Class", DEF).get("Name") for name in ("CE", "XB")] == ["EVENTS", "FINDINGS"]
    items = {node.get("OID"): node for node in tree.iterfind(".//odm:ItemDef", DEF)}
    for item, label in (("IT.CE.CEENDY", "Study Day of End of Clinical Event"), ("IT.XB.EPOCH", "Epoch")):
        assert items[item].findtext(".//odm:TranslatedText", namespaces=DEF) == label
    methods = {node.get("OID") for node in tree.iterfind(".//odm:MethodDef", DEF)}
    derived = ("CE.CESEQ", "CE.CESTDY", "CE.EPOCH", "XB.XBLOBXFL", "XB.VISITNUM", "XB.XBSTRESN")
    assert {f"MT.{name}" for name in derived} <= methods


def test_they_have_lineage_and_qualifiers_and_pass_the_checks(package: Path) -> None:
    lineage = pd.read_parquet(package / "lineage" / "sdtm.parquet")
    of_ce = lineage[(lineage["DATASET"] == "CE") & (lineage["ROLE"] == "source")]
    assert dict(zip(of_ce["SEQ"], of_ce["ID"], strict=True)) == {1.0: "e1", 2.0: "e3"}
    assert set(lineage.loc[lineage["DATASET"] == "XB", "RULE"]) == {"XB/wearable"}
    supp = read_folder(package, "sdtm")[0]["SUPPXB"]
    assert supp[["IDVAR", "IDVARVAL", "QNAM", "QVAL"]].values.tolist() == [["XBSEQ", "1", "XBMAKER", "Example Inc."]]
    report = validate_package(package)
    assert [one for one in report.issues if one.dataset in ("CE", "XB", "SUPPXB")] == []
    assert {"CE", "XB", "SUPPXB"} <= {name for _, name, _ in report.datasets}


OWN: dict[str, Any] = {
    "domain": "XB",
    "keys": ["USUBJID"],
    "dataset": {"class": "Events", "label": "Readings", "structure": "One record per reading"},
    "source": [],
}
COMMON = [{"name": "STUDYID"}, {"name": "DOMAIN"}, {"name": "USUBJID"}]
SEQ = {"name": "XBSEQ", "label": "Sequence Number", "type": "Num", "role": "Identifier"}
TERM = {"name": "XBTERM", "label": "Term", "role": "Topic"}
WRONG = [
    ({"domain": "AE"}, [*COMMON], "AE is a domain that the project has"),
    ({"domain": "XO"}, [*COMMON], "XO is a domain that the project has"),
    ({"domain": "QQ"}, [*COMMON], "QQ is neither a domain of SDTM nor a sponsor's own"),
    ({"dataset": {**OWN["dataset"], "label": "x" * 41}}, [*COMMON, SEQ, TERM], "label of XB has 41 bytes, over the 40"),
    ({"dataset": {**OWN["dataset"], "label": "é" * 21}}, [*COMMON, SEQ, TERM], "label of XB has 42 bytes, over the 40"),
    ({"dataset": {**OWN["dataset"], "class": "Relationship"}}, [*COMMON, SEQ, TERM], "dataset.class"),
    ({}, [], "XB has no variable STUDYID, which every domain has"),
    ({"dataset": None}, [*COMMON, SEQ, TERM], "variables of its own but no dataset"),
    ({}, [*COMMON, SEQ, {**TERM, "label": "x" * 41}], "label of XBTERM has 41 bytes, over the 40"),
    ({}, [*COMMON, SEQ, {"name": "XBTERM", "role": "Topic"}], "XBTERM has no label"),
    ({}, [*COMMON, SEQ, {"name": "XBTERM", "label": "Term"}], "XBTERM has no role"),
    ({}, [*COMMON, SEQ, TERM, {**TERM, "name": "HOTERM"}], "HOTERM neither begins with XB nor is a variable that all"),
    ({}, [*COMMON, SEQ, {**TERM, "name": "XBTOOLONG"}], "variable.4.name"),
    ({}, [*COMMON, SEQ, TERM, TERM], "XB has variable XBTERM twice"),
    ({}, [*COMMON, TERM], "XB has no variable XBSEQ, which every domain has"),
    ({}, [*COMMON[1:], SEQ, TERM], "XB has no variable STUDYID, which every domain has"),
    ({}, [*COMMON, SEQ, {**TERM, "role": "Timing"}], "XB has no variable with the role Topic"),
    ({}, [*COMMON, SEQ, {**TERM, "role": "Subject"}], "role"),
    ({}, [*COMMON, {**SEQ, "type": "Char"}, TERM], "XBSEQ is Char; --SEQ is Num in the guide"),
    ({}, [*COMMON, SEQ, TERM, {**TERM, "name": "XBDTC", "type": "Num"}], "XBDTC is Num; --DTC is Char in the guide"),
    ({}, [*COMMON, SEQ, {**TERM, "codelist": "NOPE"}], "XBTERM: no codelist NOPE"),
    ({}, [*COMMON, SEQ, TERM, {"name": "EPOCH", "label": "Phase"}], "EPOCH: label is that of the guide; leave it out"),
    ({}, [*COMMON, SEQ, {**TERM, "lable": "x"}], "lable"),
]


@pytest.mark.parametrize(("changes", "variables", "words"), WRONG)
def test_a_domain_that_is_none_is_refused(changes: dict[str, Any], variables: list[dict[str, Any]], words: str) -> None:
    given = {key: value for key, value in {**OWN, "variable": variables, **changes}.items() if value is not None}
    with pytest.raises(ValueError, match=words):
        DomainMap.model_validate(given)


def test_the_error_of_a_file_names_it(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(
        example("toml wearable").replace('domain = "XB"', 'domain = "AE"'), encoding="utf-8"
    )
    with pytest.raises(MappingError, match=r"^mapping own\.toml: AE is a domain that the project has"):
        load_domain(tmp_path / "own.toml")


@pytest.mark.parametrize("domain", ["DV", "CE", "XB", "X1", "ZZ"])
def test_domains_of_the_guide_and_of_a_sponsor_may_be_brought(domain: str) -> None:
    variables = [{**one, "name": one["name"].replace("XB", domain)} for one in (*COMMON, SEQ, TERM)]
    made = DomainMap.model_validate({**OWN, "domain": domain, "variable": variables})
    assert made.own is not None and made.own.names == ("STUDYID", "DOMAIN", "USUBJID", f"{domain}SEQ", f"{domain}TERM")


def test_what_domains_have_in_common_is_in_the_manual() -> None:
    said = MANUAL.split("is one that all domains have in common: ", 1)[1].split(".", 1)[0]
    assert set(said.split(", ")) == set(general_variables())


def test_a_second_file_adds_sources_to_a_domain_that_the_first_brings() -> None:
    first = DomainMap.model_validate({**OWN, "variable": [*COMMON, SEQ, TERM]})
    more = {"name": "more", "resource": "Observation", "variables": {"XBTERM": {"path": "code.text"}}}
    second = DomainMap.model_validate({"domain": "XB", "keys": ["USUBJID", "XBTERM"], "source": [more]})
    (merged,) = override([], [first, second])
    assert merged.own == first.own and merged.keys == ("USUBJID", "XBTERM")
    assert [source.name for source in merged.source] == ["more"]


def test_a_domain_that_nobody_brings_says_how_it_could_be(tmp_path: Path) -> None:
    text = re.sub(r"variable = \[.*?\n\]\n|\[dataset\].*?\n\n", "", example("toml clinical"), flags=re.DOTALL)
    (tmp_path / "ce.toml").write_text(text, encoding="utf-8")
    (tmp_path / "study.toml").write_text(STUDY, encoding="utf-8")
    (tmp_path / "in.json").write_text(example("json wearable"), encoding="utf-8")
    given = ["sdtm", "in.json", "--study", "study.toml", "--mapping", "ce.toml", "--out", "out"]
    done = CliRunner().invoke(main, [str(tmp_path / one) if "." in one or one == "out" else one for one in given])
    said = "mapping ce.toml: no SDTM domain CE is known; a file can bring it with [dataset] and [[variable]]"
    assert done.exit_code != 0 and said in done.output
