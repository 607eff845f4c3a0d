"""The reference of the study file is what the models say today, and names every option."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Literal

import pytest
from fhir2cdisc.mappings.study_base import Drug

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def tool(generator: Callable[[str], ModuleType]) -> ModuleType:
    """The generator of the document."""
    return generator("make_study")


def test_the_reference_is_what_the_models_say_today(tool: ModuleType) -> None:
    written = (ROOT / "docs" / "study.md").read_text(encoding="utf-8")
    assert written == tool.document(), "run `python docs/make_study.py`"


@pytest.mark.parametrize(
    ("kind", "shown"),
    [
        (str, "text"),
        (tuple[str, ...], "list of text"),
        (tuple[str | float, ...], "list of text or number"),
        (int | None, "whole number"),
        (Literal["a", "b"], "one of `a`, `b`"),
        (Literal["", "ADSL"], "one of nothing, `ADSL`"),
        (tuple[Drug, ...], "list of [Drug](#drug)"),
        (bool, "`true` or `false`"),
    ],
)
def test_types_are_shown_in_words(tool: ModuleType, kind: object, shown: str) -> None:
    assert tool.shown_type(kind) == shown
