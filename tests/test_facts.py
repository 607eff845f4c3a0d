"""The tables of published facts, without wording and as their maker makes them; what is said of what is absent."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest
from support.facts import FACTS, facts
from support.others import LEFT_OUT, left_out, others

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


@pytest.mark.parametrize(
    ("reasons", "said"),
    [
        ([], ""),
        (["('x.py', 3, 'Skipped: no compiler')"], ""),
        ([f"Skipped: {LEFT_OUT} shared/data"], "1 test needs data of others and was left out: "),
        (
            [f"Skipped: {LEFT_OUT} shared/data", "no compiler", f"Skipped: {LEFT_OUT} x"],
            "2 tests need data of others and were",
        ),
    ],
)
def test_the_last_line_counts_what_was_left_out(reasons: list[str], said: str) -> None:
    line = left_out(reasons)
    assert line.startswith(said) and bool(line) == bool(said)
    assert not said or "shared" in line.split(": ")[1]


def test_what_is_not_there_leaves_the_test_out() -> None:
    with pytest.raises(pytest.skip.Exception, match=r"needs data of others: shared/data/no-such-file"):
        others("data", "no-such-file")


def test_no_test_leaves_itself_out_by_hand() -> None:
    tests = FACTS.parent
    by_hand = [
        str(path) for path in tests.rglob("test_*.py") if re.search(r"skipif\(\s*SHARED", path.read_text("utf-8"))
    ]
    assert by_hand == [], "use support.others.others(), which the last line counts"
