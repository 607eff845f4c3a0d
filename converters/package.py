"""Reading a package folder for validation: ours, or a folder of anyone's transport files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fhir2cdisc.converters.rule import Hit, Kind, Loaded, Package, text
from fhir2cdisc.converters.xpt import read_xpt
from lxml import etree

KINDS: tuple[Kind, ...] = ("sdtm", "adam")


def read_package(folder: str | Path, encoding: str | None = None) -> Package:
    """Read `sdtm/*.xpt`, `adam/*.xpt` and their define.xml.

    A folder without these subfolders is taken as one of transport files: names that begin with AD are ADaM.
    What cannot be read is kept as a finding; nothing is raised for the content of a file.
    """
    root = Path(folder)
    found: dict[str, dict[str, Loaded]] = {kind: {} for kind in KINDS}
    unread: list[Hit] = []
    for kind, path in _files(root):
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
        domains = set(text(frame, "DOMAIN")) - {""}
        domain = domains.pop() if len(domains) == 1 else dataset.name[:2]
        found[kind][dataset.name] = Loaded(kind, path, frame, dataset, domain)
    defines, malformed = _defines(root)
    return Package(root, found["sdtm"], found["adam"], defines, tuple(unread), tuple(malformed))


def _files(root: Path) -> list[tuple[Kind, Path]]:
    """The transport files of the package with their kind, in the order of their names."""
    if any((root / kind).is_dir() for kind in KINDS):
        return [(kind, path) for kind in KINDS for path in _xpt(root / kind)]
    return [("adam" if path.stem.lower().startswith("ad") else "sdtm", path) for path in _xpt(root)]


def _xpt(folder: Path) -> list[Path]:
    return sorted(p for p in folder.glob("*") if p.suffix.lower() == ".xpt" and p.is_file())


def _defines(root: Path) -> tuple[dict[str, Any], list[Hit]]:
    trees: dict[str, Any] = {}
    malformed = []
    parser: Any = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    for kind in KINDS:
        path = root / kind / "define.xml"
        if not path.is_file():
            continue
        try:
            tree = etree.parse(path, parser)
            if tree.docinfo.doctype:
                # A DOCTYPE can name files and entities; define.xml needs none.
                malformed.append(Hit("", "", f"{kind}/define.xml has a DOCTYPE, which is refused"))
                continue
            trees[kind] = tree
        except etree.XMLSyntaxError as error:
            malformed.append(Hit("", "", f"{kind}/define.xml is not well-formed XML: {error.msg}"))
    return trees, malformed
