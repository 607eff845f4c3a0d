"""README.md as tests read it."""

from __future__ import annotations

import re

from support.paths import ROOT

TEXT = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks() -> list[list[str]]:
    """The lines of every block of code."""
    return [text.splitlines() for text in re.findall(r"^```\n(.*?)^```$", TEXT, flags=re.MULTILINE | re.DOTALL)]


def block(beginning: str) -> list[str]:
    """The lines of the one block that has a line with this beginning, from there on."""
    ((lines, at),) = [(lines, n) for lines in blocks() for n, line in enumerate(lines) if line.startswith(beginning)]
    return lines[at:]
