"""Where FHIR comes from: files, folders and zip archives of JSON, NDJSON and their gzip forms.

A source is read as a list of documents with stable names, so that the same input gives the same order on any
machine. Names are relative to the source that the user gave; a path inside an archive is a name only and is
never used to write a file.
"""

from __future__ import annotations

import gzip
import lzma
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from fhir2cdisc.mappings.errors import Fhir2CdiscError

MAX_DOCUMENT_BYTES = 4 * 1024**3
_CHUNK = 1 << 20
_SUFFIXES = (".json", ".ndjson", ".jsonl")
_SITE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,19}", re.ASCII)


# An encrypted member or an unknown compression is a RuntimeError of zipfile.
_UNREADABLE = (OSError, RuntimeError, EOFError, zipfile.BadZipFile, zlib.error, lzma.LZMAError)


class SourceError(Fhir2CdiscError):
    """A source that cannot be read at all; the message is one clear sentence."""


@dataclass(frozen=True, slots=True, order=True)
class Document:
    """One JSON or NDJSON document: `name` for people and lineage, `path` on disk, `member` inside a zip.

    `site` is the name that the user gave its source, whose ids are then apart from those of all others.
    """

    name: str
    path: str
    member: str = ""
    site: str = ""

    @property
    def lines(self) -> bool:
        """Whether the name says that each line is a resource."""
        return self.name.lower().removesuffix(".gz").endswith((".ndjson", ".jsonl"))

    def read(self) -> bytes:
        """The document's bytes, unpacked; SourceError past `MAX_DOCUMENT_BYTES` or when it cannot be read."""
        try:
            return b"".join(self._chunks())
        except _UNREADABLE as error:
            raise SourceError(f"{self.name}: cannot be read ({type(error).__name__})") from error

    def _chunks(self) -> Iterator[bytes]:
        if self.member:
            with zipfile.ZipFile(self.path) as archive, archive.open(self.member) as raw:
                yield from _capped(gzip.open(raw) if self.member.lower().endswith(".gz") else raw, self.name)
        elif self.path.lower().endswith(".gz"):
            with gzip.open(self.path) as unpacked:
                yield from _capped(unpacked, self.name)
        else:
            with Path(self.path).open("rb") as plain:
                yield from _capped(plain, self.name)


def _capped(stream, name: str) -> Iterator[bytes]:  # type: ignore[no-untyped-def]
    """The stream in chunks; counting while unpacking, so that a bomb is stopped before it fills the memory."""
    total = 0
    while chunk := stream.read(_CHUNK):
        total += len(chunk)
        if total > MAX_DOCUMENT_BYTES:
            raise SourceError(f"{name}: larger than {MAX_DOCUMENT_BYTES} bytes when unpacked")
        yield chunk


def is_document(name: str) -> bool:
    return name.lower().removesuffix(".gz").endswith(_SUFFIXES)


def list_documents(sources: Iterable[str | Path]) -> tuple[list[Document], list[str]]:
    """The documents of all sources in a fixed order, and the names of the files that are not read.

    Not read is what is neither JSON nor NDJSON, and a symbolic link inside a folder: it may lead out of it.
        Raises SourceError for a source that does not exist, cannot be read, or holds no document at all.
    """
    documents: list[Document] = []
    skipped: list[str] = []
    for given in sources:
        site, source = named_source(given)
        found, other = _list_one(source)
        if not found:
            raise SourceError(f"{source}: holds no .json, .ndjson, .gz or .zip file")
        documents += [replace(one, site=site) for one in found]
        skipped += other
    unique = {(d.path, d.member): d for d in documents}
    for one in documents:
        if (other_site := unique[one.path, one.member].site) != one.site:
            raise SourceError(f"{one.name}: is in two sources, once of site {one.site!r}, once of {other_site!r}")
    return sorted(_told_apart(list(unique.values()))), sorted(skipped)


def named_source(source: str | Path) -> tuple[str, Path]:
    """Site and path of `SITE=PATH`; what exists under its whole name, or has no name before `=`, is a path only."""
    name, equals, path = str(source).partition("=")
    if not equals or not path or not _SITE.fullmatch(name) or Path(source).exists():
        return "", Path(source)
    return name, Path(path)


def _told_apart(documents: list[Document]) -> list[Document]:
    """Documents of one name (from two sources) named by as much of their path as tells them apart."""
    same: dict[str, list[Document]] = {}
    for document in documents:
        same.setdefault(document.name, []).append(document)
    found: list[Document] = []
    for group in same.values():
        parts = [Path(d.path).parts for d in group]
        length = next(n for n in range(1, 1 + max(map(len, parts))) if len({p[-n:] for p in parts}) == len(parts))
        for document, path in zip(group, parts, strict=True):
            own = "/".join(path[-length:]) + (f"!{document.member}" if document.member else "")
            found.append(document if len(group) == 1 else replace(document, name=own))
    return found


def _list_one(source: Path) -> tuple[list[Document], list[str]]:
    if source.is_dir():
        found: list[Document] = []
        other: list[str] = []
        for path in sorted(p for p in source.rglob("*") if p.is_file() or p.is_symlink()):
            name = path.relative_to(source).as_posix()
            if path.is_symlink():
                other.append(name)
            else:
                _add(path, name, found, other)
        return found, other
    if source.is_file():
        found, other = [], []
        _add(source, source.name, found, other)
        return found, other
    raise SourceError(f"{source}: no such file or folder")


def _add(path: Path, name: str, found: list[Document], other: list[str]) -> None:
    if path.suffix.lower() == ".zip":
        found += _list_zip(path, name)
    elif is_document(name):
        found.append(Document(name, str(path.resolve())))
    else:
        other.append(name)


def _list_zip(path: Path, name: str) -> list[Document]:
    try:
        with zipfile.ZipFile(path) as archive:
            members = sorted(i.filename for i in archive.infolist() if not i.is_dir() and is_document(i.filename))
    except (OSError, RuntimeError, ValueError, zipfile.BadZipFile) as error:
        raise SourceError(f"{name}: not a readable zip archive ({type(error).__name__})") from error
    return [Document(f"{name}!{member}", str(path.resolve()), member) for member in members]
