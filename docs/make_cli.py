"""Writes `cli.md`: what `--help` of every command prints at a width of 100 columns.

Run as `python docs/make_cli.py`; a test keeps the document equal to the commands.
"""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner
from fhir2cdisc.converters.cli.main import main

FOLDER = Path(__file__).parent
WIDTH = 100
HEAD = """# The command line

Every command with its help text. This document is made by
`python docs/make_cli.py` and a test keeps it true.
"""


def help_text(*command: str) -> str:
    """What `fhir2cdisc COMMAND --help` prints, whatever the width of the terminal."""
    done = CliRunner().invoke(
        main, [*command, "--help"], prog_name="fhir2cdisc", terminal_width=WIDTH, max_content_width=WIDTH
    )
    return done.output


def section(*command: str) -> str:
    return f"\n## {' '.join(('fhir2cdisc', *command))}\n\n```\n{help_text(*command)}```\n"


def document() -> str:
    """The whole of `cli.md`: the group, then its commands in the order of their names."""
    return "".join([HEAD, section(), *(section(name) for name in sorted(main.commands))])


if __name__ == "__main__":
    (FOLDER / "cli.md").write_text(document(), encoding="utf-8")
