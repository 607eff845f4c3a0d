"""Rules on a package as a whole: it is what its manifest says that it was when it was written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from fhir2cdisc.converters.check.rule import Hit, Package, Rule
from fhir2cdisc.converters.manifest import Differences
from fhir2cdisc.converters.package import GUIDES

_GUIDES = {guide.id for guide in GUIDES.values()}


def _is_guide(name: str) -> bool:
    return PurePosixPath(name).stem in _GUIDES


def _found(package: Package) -> Differences:
    return package.differences or Differences()


def _foreign(package: Package) -> Iterator[Hit]:
    if package.differences is None:
        yield Hit("", "", "manifest.json is no manifest of fhir2cdisc, so nothing is known of what was written")


def _missing(package: Package) -> Iterator[Hit]:
    for name in _found(package).missing:
        yield Hit("", "", f"{name} is in the manifest and not in the package")


def _changed(package: Package) -> Iterator[Hit]:
    for name in _found(package).changed:
        if not _is_guide(name):
            yield Hit("", "", f"{name} has another content than was written")


def _unknown(package: Package) -> Iterator[Hit]:
    for name in _found(package).unknown:
        yield Hit("", "", f"{name} is in the package and not in the manifest")


def _edited(package: Package) -> Iterator[Hit]:
    for name in _found(package).changed:
        if _is_guide(name):
            yield Hit("", "", f"{name} was edited since it was drafted")


# Applied where there is a manifest.
RULES = (
    Rule("PKG-001", "note", "own rule", "A manifest.json is one of this product.", _foreign),
    Rule("PKG-002", "error", "own rule", "Every file that the manifest names is in the package.", _missing),
    Rule("PKG-003", "error", "own rule", "Every file has the content that was written.", _changed),
    Rule("PKG-004", "warning", "own rule", "Every file of the package is named by the manifest.", _unknown),
    Rule("PKG-005", "note", "own rule", "A reviewer's guide is the draft that was written.", _edited),
)
