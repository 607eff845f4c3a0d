"""What the codes in the items of an ODM file mean, by the code lists of its metadata."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fhir2cdisc.converters.extracts.codebooks import Meanings
from fhir2cdisc.converters.extracts.grid import ExtractError, Notice
from fhir2cdisc.converters.extracts.odm_xml import elements, in_english, local, part_of, released


def read_odm_codes(path: Path, name: str, notice: Notice) -> Meanings:
    """Labels by the OID of an item and code, of the metadata of an ODM file (1.3.2 section 3.1.3.12, and 2.0).

    A label is the English text of a CodeListItem, else its first; an EnumeratedItem is its own label. Where versions of
    the metadata differ about a code the last of them counts, and `extract.odm-codes` says so. Raises ExtractError for a
    file that is no ODM (see `elements`) or has no metadata.
    """
    labels: dict[str, dict[str, str]] = {}
    changed: set[tuple[str, str]] = set()
    has_metadata = False
    for event, element, _ in elements(path, name, "MetaDataVersion", "SubjectData"):
        if event == "end":
            for item, codes in _by_item(element) if local(element) == "MetaDataVersion" else ():
                known = labels.setdefault(item, {})
                changed |= {(item, code) for code, label in codes.items() if known.get(code, label) != label}
                known |= codes
            has_metadata |= local(element) == "MetaDataVersion"
            released(element)
    if not has_metadata:
        raise ExtractError(f"{name}: is no codebook: it is an ODM file without a MetaDataVersion")
    if changed:
        said = f"{len(changed)} codes have other labels in a later version of the metadata, the first of them in "
        notice("extract.odm-codes", 0, said + f"{min(changed)[0]}; the last label counts")
    return Meanings(labels)


def _by_item(version: Any) -> Iterator[tuple[str, dict[str, str]]]:
    lists = {one.get("OID", ""): _codes(one) for one in version.iter("{*}CodeList")}
    for item in version.iter("{*}ItemDef"):
        if codes := lists.get(part_of(item, "CodeListRef", "CodeListOID")):
            yield item.get("OID", ""), codes


def _codes(code_list: Any) -> dict[str, str]:
    items = [one for one in code_list if local(one) in ("CodeListItem", "EnumeratedItem")]
    return {code: _label(one) or code for one in items if (code := one.get("CodedValue", ""))}


def _label(item: Any) -> str:
    return next((in_english(part) for part in item if local(part) == "Decode"), "")
