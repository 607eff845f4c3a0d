"""Data, standards and documents of others: not in the repository, read where the folder `shared` lies beside it."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.paths import SHARED

LEFT_OUT = "needs data of others:"


def others(*parts: str) -> Path:
    """A file or folder of `shared`; where it is not there the test is left out, and the summary counts it."""
    if SHARED is None or not SHARED.joinpath(*parts).exists():
        pytest.skip(f"{LEFT_OUT} shared/{'/'.join(parts)}")
    return SHARED.joinpath(*parts)


def left_out(reasons: list[str]) -> str:
    """One line for the end of a test run, of the reasons of all tests that were skipped; blank where none is ours."""
    count = sum(LEFT_OUT in reason for reason in reasons)
    if not count:
        return ""
    place = "put the folder `shared` beside the checkout" if SHARED is None else f"{SHARED} does not hold them"
    said = "1 test needs data of others and was" if count == 1 else f"{count} tests need data of others and were"
    return f"{said} left out: {place}"
