"""Working columns against the code and the mappings: each is set and read where its entry says, and nowhere else."""

from __future__ import annotations

import ast
import re
from collections import defaultdict

import pytest
from fhir2cdisc.mappings.model import builtin_domains
from fhir2cdisc.sdtm import columns
from fhir2cdisc.sdtm.columns import COLUMNS, MAPPING, ROW_COLUMNS, settable
from support.paths import ROOT

MODULES = {path.stem: ast.parse(path.read_text(encoding="utf-8")) for path in sorted((ROOT / "sdtm").rglob("*.py"))}
CONSTANTS = {name: value for name, value in vars(columns).items() if isinstance(value, str) and value in COLUMNS}


def used() -> dict[str, set[str]]:
    """Column to the modules that use its constant.

    A module that sets a column and one that reads it look alike here; what is seen is that no module is forgotten.
    """
    found = defaultdict(set)
    for module, tree in MODULES.items():
        if module in ("columns", "mapping_names"):
            continue
        names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        for name in names & CONSTANTS.keys():
            found[CONSTANTS[name]].add(module)
        if "ROW_COLUMNS" in names:
            for column in ROW_COLUMNS:
                found[column].add(module)
    return found


@pytest.mark.parametrize("name", sorted(COLUMNS))
def test_a_column_is_used_by_the_modules_that_its_entry_names(name: str) -> None:
    column = COLUMNS[name]
    assert (set(column.set_by) | set(column.read_by)) - {MAPPING} == used()[name]
    assert column.read_by and column.set_by and column.means


def test_no_module_names_a_column_by_itself() -> None:
    own = [
        (module, node.value)
        for module, tree in MODULES.items()
        for node in ast.walk(tree)
        if module != "columns" and isinstance(node, ast.Constant) and isinstance(node.value, str)
        if re.fullmatch("_[A-Z][A-Z0-9_]*", node.value)
    ]
    assert own == []


def test_every_column_that_a_mapping_may_set_is_set_by_a_built_in_one_in_each_of_its_domains() -> None:
    filled = defaultdict(set)
    for mapping in builtin_domains():
        for source in mapping.source:
            for name in source.variables:
                if name.startswith("_"):
                    filled[name].add(mapping.domain)
    wanted = {c.name: set(c.domains) for c in COLUMNS.values() if MAPPING in c.set_by}
    assert set(filled) == set(wanted)
    assert {name: domains for name, domains in filled.items() if wanted[name]} == {n: d for n, d in wanted.items() if d}


def test_a_column_without_domains_may_be_set_in_all() -> None:
    assert settable("AE") == ("_STRESC",)
    assert settable("TU") == ("_LESION", "_READER", "_STRESC")


def test_every_module_that_an_entry_names_is_there() -> None:
    named = {module for c in COLUMNS.values() for module in (*c.set_by, *c.read_by)} - {MAPPING}
    assert named <= set(MODULES)
