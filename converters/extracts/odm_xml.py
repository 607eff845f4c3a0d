"""XML of strangers read in pieces: no entities, no network, no more of it in memory than is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fhir2cdisc.converters.extracts.grid import ExtractError
from lxml import etree

# A parser has to see some bytes to know their encoding; a line without an end is fed in pieces.
_FIRST, _PIECE = 64, 1 << 16
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"


def elements(path: Path, name: str, *tags: str) -> Iterator[tuple[str, Any, int]]:
    """The starts and ends of elements with these local names as (event, element, line), in the order of the file.

    The line is the one in which the start tag ends, or the end tag: libxml2 keeps no line beyond 65,535 with an
    element, so the file is fed by lines. Who is done with an element says so by `released`. Raises ExtractError, before
    anything is given, for a file that has a DOCTYPE or is no ODM, and at the place for one that is not well-formed.
    """
    if not path.stat().st_size:
        raise ExtractError(f"{name}: is empty")
    _, root, _ = next(_fed(path, name, None))
    document = root.getroottree().docinfo
    if document.doctype or document.internalDTD is not None:
        raise ExtractError(f"{name}: has a DOCTYPE, which no ODM file needs and which may draw in other files")
    if local(root) != "ODM":
        raise ExtractError(f"{name}: is XML, but no ODM: its first element is {local(root)}")
    yield from _fed(path, name, [f"{{*}}{tag}" for tag in tags])


def _fed(path: Path, name: str, tags: list[str] | None) -> Iterator[tuple[str, Any, int]]:
    with path.open("rb") as file:
        wide = file.read(2) in _UTF_16
    parser = etree.XMLPullParser(
        events=("start", "end"),
        tag=tags,
        # The text of a wide file is fed as UTF-8: its lines cannot be told by its bytes.
        encoding="utf-8" if wide else None,
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        for line, piece in _lines(path, wide):
            parser.feed(piece)
            for event, element in parser.read_events():
                yield event, element, line
        parser.close()
    except etree.XMLSyntaxError as error:
        said = f"is not well-formed XML at line {error.lineno}; the file may be cut off or changed by hand"
        raise ExtractError(f"{name}: {said}") from None
    except UnicodeError:
        raise ExtractError(f"{name}: is not of the encoding UTF-16 that its first bytes say") from None


def _lines(path: Path, wide: bool) -> Iterator[tuple[int, bytes]]:
    """The lines of a file with their numbers; long ones in pieces, short ones at its beginning together."""
    with path.open(encoding="utf-16", newline="\n") if wide else path.open("rb") as file:
        line = 1
        first: bytes | None = b""
        while piece := file.readline(_PIECE):
            data = piece.encode() if isinstance(piece, str) else piece
            if first is not None:
                first += data
                if len(first) >= _FIRST:
                    yield line, first
                    first = None
            else:
                yield line, data
            line += data.endswith(b"\n")
        if first:
            yield line, first


def released(element: Any) -> None:
    """Free the memory of an element that has been read, and of all before it in its parent."""
    element.clear()
    while element.getprevious() is not None:
        del element.getparent()[0]


def local(element: Any) -> str:
    """The name of an element without its namespace."""
    return str(element.tag).rpartition("}")[2]


def of_any_namespace(element: Any, name: str) -> str:
    """An attribute by its local name, blank where there is none."""
    return next((str(value) for key, value in element.attrib.items() if key.rpartition("}")[2] == name), "")


def part_of(element: Any, part: str, name: str) -> str:
    """An attribute of the first child with a local name, blank where there is none."""
    return next((of_any_namespace(child, name) for child in element if local(child) == part), "")


def in_english(element: Any) -> str:
    """The TranslatedText of an element in English, else the first; blank where there is none."""
    texts = [(one.get(_LANGUAGE, ""), "".join(one.itertext()).strip()) for one in element.iter("{*}TranslatedText")]
    english = [text for language, text in texts if language.lower().partition("-")[0] == "en"]
    return next(iter(english or [text for _, text in texts]), "")
