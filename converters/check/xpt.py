"""Rules of the transport files themselves.

`FDA guide` is the FDA Study Data Technical Conformance Guide, its sections as numbered in March 2023.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pandas as pd
from fhir2cdisc.converters.check.columns import by_value, hit, text
from fhir2cdisc.converters.check.rule import Hit, Loaded, Package, Rule
from fhir2cdisc.converters.xpt.columns import MAX_TEXT, NAME
from fhir2cdisc.converters.xpt.write import MAX_BYTES

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def _unread(package: Package) -> Iterator[Hit]:
    yield from package.unread


def _nothing(package: Package) -> Iterator[Hit]:
    if not any(package.loaded) and not package.unread:
        yield Hit("", "", "no transport file in the folder, nor in its sdtm and adam folders")


def _file_name(package: Package) -> Iterator[Hit]:
    for loaded in package.loaded:
        if loaded.path.name != f"{loaded.name.lower()}.xpt":
            yield Hit(loaded.name, "", f"the file is named {loaded.path.name}")


def _names(package: Package) -> Iterator[Hit]:
    for loaded in package.loaded:
        for name in (loaded.name, *loaded.dataset.names):
            if not NAME.fullmatch(name):
                where = "" if name == loaded.name else name
                yield Hit(loaded.name, where, f"{name!r} is no name of letters A-Z and digits, letter first")


def _labels(package: Package) -> Iterator[Hit]:
    for loaded in package.loaded:
        for variable in loaded.dataset.variables:
            if not variable.label:
                yield Hit(loaded.name, variable.name, "the variable has no label")
        if not loaded.dataset.label:
            yield Hit(loaded.name, "", "the dataset has no label")


def _label_signs(package: Package) -> Iterator[Hit]:
    for loaded in package.loaded:
        named = [("", loaded.dataset.label), *((v.name, v.label) for v in loaded.dataset.variables)]
        for name, label in named:
            if not label.isascii() or any(label.count(a) != label.count(b) for a, b in ("()", "[]", "{}")):
                yield Hit(loaded.name, name, "the label has signs outside ASCII or brackets without a partner")


def _texts(loaded: Loaded) -> Iterator[tuple[str, pd.Series]]:
    for variable in loaded.dataset.variables:
        if variable.type == "Char":
            yield variable.name, text(loaded.frame, variable.name)


def _ascii(package: Package) -> Iterator[Hit]:
    for loaded in package.loaded:
        for name, values in _texts(loaded):
            outside = ~by_value(values, str.isascii)
            yield from hit(loaded, name, "a character outside ASCII; the FDA recommends ASCII", outside)


def _control(package: Package) -> Iterator[Hit]:
    for loaded in package.loaded:
        for name, values in _texts(loaded):
            found = by_value(values, lambda v: _CONTROL.search(v) is not None)
            yield from hit(loaded, name, "a control character, such as a line break", found)


def _blanks(package: Package) -> Iterator[Hit]:
    for loaded in package.loaded:
        for name, values in _texts(loaded):
            found = by_value(values, lambda v: v.startswith(" ") or v == ".")
            yield from hit(loaded, name, "the value begins with a blank or is a lone full stop", found)


def _long(package: Package) -> Iterator[Hit]:
    for loaded in package.loaded:
        for variable in loaded.dataset.variables:
            if variable.type == "Char" and variable.length > MAX_TEXT:
                message = f"the length {variable.length} is over {MAX_TEXT} bytes"
                yield Hit(loaded.name, variable.name, message)


def _wasted(package: Package) -> Iterator[Hit]:
    for group in (package.sdtm, package.adam):
        longest: dict[str, int] = {}
        for loaded in group.values():
            if not loaded.is_supplemental:
                for name, values in _texts(loaded):
                    used = max((len(v.encode("utf-8")) for v in values.unique()), default=0)
                    longest[name] = max(longest.get(name, 1), used)
        for loaded in group.values():
            for variable in loaded.dataset.variables:
                used = longest.get(variable.name, variable.length)
                if variable.type == "Char" and not loaded.is_supplemental and variable.length > used:
                    message = f"the length {variable.length} is more than the {used} bytes used in the study"
                    yield Hit(loaded.name, variable.name, message)


def _large(package: Package) -> Iterator[Hit]:
    for loaded in package.loaded:
        size = loaded.path.stat().st_size
        pieces = list((loaded.path.parent / "split").glob(f"{loaded.path.stem}*.xpt"))
        if size > MAX_BYTES and not pieces:
            yield Hit(loaded.name, "", f"{size} bytes without pieces in the folder split")


# Left out where an agency takes another encoding.
ASCII_ONLY = frozenset({"XPT-006", "XPT-007"})

RULES = (
    Rule(
        "XPT-001",
        "error",
        "SAS TS-140",
        "Every .xpt file is a version 5 transport file of one dataset.",
        _unread,
    ),
    Rule("XPT-002", "error", "own rule", "The package holds datasets.", _nothing),
    Rule(
        "XPT-003",
        "error",
        "FDA guide 3.3.1; SDTMIG 3.4, 4.1.6",
        "A file is named as its dataset, in lower case.",
        _file_name,
    ),
    Rule("XPT-004", "error", "FDA guide 3.3.4, 3.3.6", "Names have 1 to 8 letters and digits, letter first.", _names),
    Rule(
        "XPT-005",
        "warning",
        "SDTMIG 3.4, 4.2.1; ADaMIG 1.3, 3.1.6",
        "Every dataset and variable has a label.",
        _labels,
    ),
    Rule("XPT-006", "warning", "FDA guide 3.3.5, 3.3.7", "Labels are ASCII with paired brackets.", _label_signs),
    Rule("XPT-007", "error", "FDA guide 3.3.5", "Values are ASCII, as the FDA recommends.", _ascii),
    Rule("XPT-008", "warning", "FDA guide 3.3.5", "Values hold no control characters.", _control),
    Rule(
        "XPT-009",
        "warning",
        "FDA validator rule SD1021",
        "No value begins with a blank or is a lone full stop.",
        _blanks,
    ),
    Rule(
        "XPT-010",
        "error",
        "SDTMIG 3.4, 4.2.9; ADaMIG 1.3, 3.1.1",
        "Character variables have at most 200 bytes.",
        _long,
    ),
    Rule("XPT-011", "warning", "FDA guide 3.3.3", "Lengths are no larger than the study needs.", _wasted),
    Rule("XPT-012", "warning", "FDA guide 3.3.2", "A file over 5 GB comes with its pieces.", _large),
)
