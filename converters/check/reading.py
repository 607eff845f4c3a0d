"""Reading a package folder for validation: ours, or a folder of anyone's transport files."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from fhir2cdisc.converters.check.columns import text
from fhir2cdisc.converters.check.rule import Hit, Loaded, Package
from fhir2cdisc.converters.manifest import NAME as MANIFEST
from fhir2cdisc.converters.manifest import differences
from fhir2cdisc.converters.package import ECTD_PLACES, KINDS, Kind
from fhir2cdisc.converters.xpt.write import read_xpt
from lxml import etree


def read_package(folder: str | Path, encoding: str | None = None, coming: Collection[Path] = ()) -> Package:
    """Read the transport files and define.xml of a package, from the folders `sdtm` and `adam` or from those of eCTD.

    A folder with neither is taken as one of transport files: names that begin with AD are ADaM, and a define.xml
    is of the kind that its standard names. What cannot be read is kept as a finding; nothing is raised for the
    content of a file. Where there is a manifest.json, the files are compared with it. `coming` are files that will
    be written before the package is complete.
    """
    root = Path(folder)
    places = _places(root)
    found: dict[Kind, dict[str, Loaded]] = {kind: {} for kind in KINDS}
    unread: list[Hit] = []
    for kind, path in _files(root, places):
        try:
            frame, dataset = read_xpt(path, encoding=encoding)
        except (ValueError, OSError, OverflowError) as error:
            unread.append(Hit(path.stem.upper(), "", f"{path.name} cannot be read: {error}"))
            continue
        known = found[kind].get(dataset.name)
        if known is not None:
            message = f"{path.name} holds a dataset of the same name as {known.path.name}"
            unread.append(Hit(dataset.name, "", message))
            continue
        found[kind][dataset.name] = Loaded(kind, path, frame, dataset, _domain(dataset.name, frame))
    defines, malformed = _defines(root, places)
    return Package(
        places,
        found["sdtm"],
        found["adam"],
        defines,
        tuple(unread),
        tuple(malformed),
        frozenset(coming),
        manifest=(root / MANIFEST).is_file(),
        differences=differences(root),
    )


def _domain(name: str, frame: pd.DataFrame) -> str:
    """The domain of a dataset: what DOMAIN says, else its name; TEST without DOMAIN is no part of TE."""
    said = [str(value) for value in text(frame, "DOMAIN").unique() if value]
    if len(said) == 1:
        return said[0]
    return name[:2] if "DOMAIN" in frame.columns else name


def _places(root: Path) -> dict[Kind, Path]:
    """The folder of each kind; none for a plain folder of transport files."""
    for names in ({"sdtm": "sdtm", "adam": "adam"}, ECTD_PLACES):
        for place in (root, *sorted(root.glob("m5/datasets/*/"))):
            found = {kind: place / names[kind] for kind in KINDS if (place / names[kind]).is_dir()}
            if found:
                return found
    return {}


def _files(root: Path, places: Mapping[Kind, Path]) -> list[tuple[Kind, Path]]:
    """The transport files of the package with their kind, in the order of their names."""
    if places:
        return [(kind, path) for kind, place in places.items() for path in _xpt(place)]
    return [("adam" if path.stem.lower().startswith("ad") else "sdtm", path) for path in _xpt(root)]


def _xpt(folder: Path) -> list[Path]:
    return sorted(p for p in folder.glob("*") if p.suffix.lower() == ".xpt" and p.is_file())


def _defines(root: Path, places: dict[Kind, Path]) -> tuple[dict[Kind, Any], list[Hit]]:
    """The define.xml of each kind, and what is wrong with one; the place of a lone one is added to the places."""
    trees: dict[Kind, Any] = {}
    malformed = []
    candidates: list[tuple[Kind | None, Path]] = [*places.items()] if places else [(None, root)]
    for known, place in candidates:
        path = place / "define.xml"
        if not path.is_file():
            continue
        tree, wrong = _parse(path)
        if tree is None:
            shown = f"{known}/define.xml" if known else "define.xml"
            malformed.append(Hit("", "", f"{shown} {wrong}"))
            continue
        kind = known or _kind_of(tree)
        trees[kind], places[kind] = tree, place
    return trees, malformed


def _parse(path: Path) -> tuple[Any, str]:
    """The tree of an XML file, None with the reason where it is refused."""
    parser: Any = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        tree = etree.parse(path, parser)
    except etree.XMLSyntaxError as error:
        return None, f"is not well-formed XML: {error.msg}"
    except OSError as error:
        # So lxml says of bytes outside the encoding of the file, too.
        return None, f"cannot be read: {str(error).rpartition(': ')[2]}"
    if tree.docinfo.doctype:
        # A DOCTYPE can name files and entities; define.xml needs none.
        return None, "has a DOCTYPE, which is refused"
    return tree, ""


def _kind_of(tree: Any) -> Kind:
    """The kind of a define.xml by the implementation guide that it names, in version 2.1 or 2.0."""
    named = tree.xpath("//*[local-name() = 'Standard' and @Type = 'IG']/@Name | //@*[local-name() = 'StandardName']")
    return "adam" if any(str(name).upper().startswith("ADAM") for name in named) else "sdtm"
