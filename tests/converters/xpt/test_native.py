"""The compiled part is in use where it was built; a build that nobody can import would hide behind left-out tests."""

from __future__ import annotations

from fhir2cdisc.converters.xpt.fast import native
from support.paths import ROOT


def test_what_was_compiled_can_be_imported() -> None:
    built = list((ROOT / "converters" / "xpt").glob("native.*.so"))
    assert not built or native is not None
