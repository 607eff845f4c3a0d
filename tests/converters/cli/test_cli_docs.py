"""The command line is documented: the reference is what the commands say today, and every option says what it does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import click
import pytest
from fhir2cdisc.converters.cli.main import main

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def tool(generator: Callable[[str], ModuleType]) -> ModuleType:
    """The generator of the document."""
    return generator("make_cli")


def test_the_reference_is_what_the_commands_say_today(tool: ModuleType) -> None:
    written = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    assert written == tool.document(), "run `python docs/make_cli.py`"


def test_every_command_has_a_section_and_fits_its_width(tool: ModuleType) -> None:
    text = tool.document()
    for name in ("run", "sdtm", "adam", "results", "validate", "trace", "simulate", "studies"):
        assert f"\n## fhir2cdisc {name}\n\n```\nUsage: fhir2cdisc {name} " in text
    # Only a list of choices, which click never breaks, may be longer.
    assert [line for line in text.splitlines() if len(line) > tool.WIDTH and "[nci|" not in line] == []


@pytest.mark.parametrize("name", sorted(main.commands))
def test_every_option_says_what_it_does(name: str) -> None:
    command = main.commands[name]
    assert command.help
    options = [one for one in command.params if isinstance(one, click.Option)]
    assert [option.name for option in options if not option.help] == []
