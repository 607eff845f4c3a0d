"""The tables of published facts: each with its source, without wording, and what their maker makes where it can."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from support.facts import FACTS, facts
from support.others import others

TABLES = sorted(path.stem for path in FACTS.glob("*.csv"))


@pytest.mark.parametrize("name", TABLES)
def test_a_table_names_its_source_and_holds_numbers_and_codes_only(name: str) -> None:
    first = (FACTS / f"{name}.csv").read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith("# ") and len(first) > 20
    rows = facts(name)
    assert rows and all(None not in row and None not in row.values() for row in rows)
    # The label of a variable has 40 characters, a placeholder in it a few more; codes have no blank.
    wording = [cell for row in rows for cell in row.values() if len(cell) > 44 and " " in cell]
    assert wording == []


def test_every_table_is_what_its_maker_makes_of_the_collected_facts() -> None:
    shared = others("facts").parent
    spec = importlib.util.spec_from_file_location("make_facts", Path(FACTS / "make_facts.py"))
    assert spec is not None and spec.loader is not None
    maker = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(maker)
    made = maker.made(shared)
    assert sorted(made) == sorted(path.name for path in FACTS.iterdir() if path.suffix in (".csv", ".json"))
    for name, text in made.items():
        assert (FACTS / name).read_text(encoding="utf-8") == text, name
