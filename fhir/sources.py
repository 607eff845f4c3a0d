"""Where FHIR comes from: files, folders and archives of JSON, NDJSON and XML, plain or compressed.

A source is read as a list of documents with stable names, so that the same input gives the same order on any
machine. Names are relative to the source that the user gave; a path inside an archive is a name only and is
never used to write a file. What a file is its first bytes say; its name only where they do not.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from fhir2cdisc.fhir.archives import MAX_DEPTH, Archives, SourceError

_JSON, _LINES = (".json",), (".ndjson", ".jsonl")
_SITE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,19}", re.ASCII)
# Zip archives of office programs, whose members are no records.
_OFFICE = frozenset(".docx .xlsx .pptx .docm .xlsm .odt .ods .odp .epub .jar .whl .vsdx".split())
_FHIR = "http://hl7.org/fhir"
_BOMS = {b"\xef\xbb\xbf": "utf-8", b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}


@dataclass(frozen=True, slots=True, order=True)
class Document:
    """One document: `name` for people and lineage, `path` on disk, `members` the way to it through archives.

    `site` is the name that the user gave its source, whose ids are then apart from those of all others. `form` is
    `json`, `lines` (each line is a resource) or `xml`; blank where only the name says it.
    """

    name: str
    path: str
    members: tuple[str, ...] = ()
    site: str = ""
    form: str = ""

    @property
    def lines(self) -> bool:
        """Whether the name says that each line is a resource."""
        return self.form == "lines" or _suffix(self.name) in _LINES

    @property
    def xml(self) -> bool:
        return self.form == "xml" or (not self.form and _suffix(self.name) == ".xml")

    def read(self, archives: Archives | None = None) -> bytes:
        """The document's bytes, unpacked; SourceError past a limit or when it cannot be read."""
        if archives is not None:
            return archives.read(self.path, self.members, self.name)
        with Archives() as own:
            return own.read(self.path, self.members, self.name)


class NotRead(NamedTuple):
    """A file or member of an archive that is not read: what it is, and why, as `not needed` or `rejected`."""

    name: str
    kind: str
    outcome: str
    reason: str


class Listing(NamedTuple):
    """What sources hold: the documents in a fixed order, and the files that are not read."""

    documents: list[Document]
    skipped: list[NotRead]


@dataclass(slots=True)
class _Found:
    """What one source holds, while it is looked through."""

    archives: Archives
    documents: list[Document] = field(default_factory=list)
    skipped: list[NotRead] = field(default_factory=list)

    def add(self, path: str, members: tuple[str, ...], name: str) -> None:
        """Take up a file or member: a document, an archive to look into, or neither."""
        head = self.archives.head(path, members)
        form = _form(name, head)
        if form in ("zip", "tar"):
            self._look_into(path, members, name)
        elif form:
            self.documents.append(Document(name, path, members, form=form))
        elif name.lower().endswith(".gz") and not head:
            self.reject(name, "is no gzip file that can be read")
        else:
            self.pass_over(name, kind_of(name))

    def pass_over(self, name: str, kind: str) -> None:
        self.skipped.append(NotRead(name, kind, "not needed", f"no FHIR: {kind}"))

    def reject(self, name: str, reason: str) -> None:
        self.skipped.append(NotRead(name, kind_of(name), "rejected", reason))

    def _look_into(self, path: str, members: tuple[str, ...], name: str) -> None:
        if len(members) >= MAX_DEPTH:
            self.reject(name, f"lies in {MAX_DEPTH} archives, one in another, and is not opened")
            return
        try:
            inside = self.archives.members(path, members, name)
        except SourceError as error:
            self.reject(name, str(error).removeprefix(f"{name}: "))
            return
        for one in inside:
            if one.special:
                self.pass_over(f"{name}!{one.name}", one.special)
            else:
                self.add(path, (*members, one.name), f"{name}!{one.name}")


def _suffix(name: str) -> str:
    return PurePosixPath(name.lower().removesuffix(".gz")).suffix


def kind_of(name: str) -> str:
    """What a file is by its name: `.csv`, `no suffix`."""
    return PurePosixPath(name.rpartition("!")[2].lower()).suffix or "no suffix"


def _form(name: str, head: bytes) -> str:
    """What a file is by its first bytes: `json`, `lines`, `xml`, `zip`, `tar`; blank for what is no FHIR."""
    suffix = _suffix(name)
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")) or (suffix == ".zip" and not head.startswith((b"{", b"<"))):
        return "" if suffix in _OFFICE else "zip"
    if head[257:262] == b"ustar" or suffix in (".tar", ".tgz"):
        return "tar"
    if head.startswith(b"\x00\x05\x16\x07"):
        # What macOS puts beside a file, under its name.
        return ""
    text = _text(head).lstrip("\ufeff \t\r\n")
    if text.startswith("<") and _FHIR in text and not re.match(r"(?i)<!doctype html|<html", text):
        return "xml"
    if suffix in _LINES:
        return "lines"
    if suffix in _JSON and not (name.lower().endswith(".gz") and not head):
        return "json"
    return "json" if text.startswith(("{", "[")) and '"resourceType"' in text else ""


def _text(head: bytes) -> str:
    encoding = next((name for mark, name in _BOMS.items() if head.startswith(mark)), "utf-8")
    return head.decode(encoding, errors="replace")


def list_documents(sources: Iterable[str | Path], may_be_none: bool = False) -> Listing:
    """The documents of all sources in a fixed order, and the files and members that are not read.

    Not read is what is no FHIR, an archive that cannot be opened, and a symbolic link inside a folder: it may lead
    out of it. Raises SourceError for a source that does not exist or, unless there
    `may_be_none`, holds no document at all.
    """
    documents: list[Document] = []
    skipped: list[NotRead] = []
    for given in sources:
        site, source = named_source(given)
        found = _list_one(source)
        if not found.documents and not may_be_none:
            raise SourceError(_nothing(source, found.skipped))
        documents += [replace(one, site=site) for one in found.documents]
        skipped += found.skipped
    unique = {(d.path, d.members): d for d in documents}
    for one in documents:
        if (other_site := unique[one.path, one.members].site) != one.site:
            raise SourceError(f"{one.name}: is in two sources, once of site {one.site!r}, once of {other_site!r}")
    return Listing(sorted(_told_apart(list(unique.values()))), sorted(skipped))


def _nothing(source: Path, skipped: list[NotRead]) -> str:
    broken = [f"{one.name} {one.reason}" for one in skipped if one.outcome == "rejected"]
    kinds = Counter(one.kind for one in skipped)
    there = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
    said = "holds no .json, .ndjson or .xml file of FHIR, plain, packed (.gz) or in an archive (.zip, .tar, .tgz)"
    return f"{source}: {said}" + (f"; there is {there}" if there else "") + "".join(f"; {one}" for one in broken[:3])


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
            own = "!".join((readable("/".join(path[-length:])), *document.members))
            found.append(document if len(group) == 1 else replace(document, name=own))
    return found


def readable(name: str) -> str:
    """A file's name as text that can be written: bytes that are no UTF-8 as `\\xc4`."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def files_below(source: Path, closed: list[OSError]) -> list[Path]:
    """Everything in a folder and its folders but the folders, in order; links are not followed.

    `closed` takes the error of each folder that cannot be opened.
    """
    found: list[Path] = []
    for folder, folders, names in os.walk(source, onerror=closed.append):
        inside = [Path(folder, one) for one in folders]
        found += [*(Path(folder, one) for one in names), *(one for one in inside if one.is_symlink())]
    closed.sort(key=lambda error: str(error.filename))
    return sorted(found)


def _list_one(source: Path) -> _Found:
    with Archives() as archives:
        found = _Found(archives)
        if source.is_dir():
            closed: list[OSError] = []
            for path in files_below(source, closed):
                name = readable(path.relative_to(source).as_posix())
                if path.is_symlink():
                    found.pass_over(name, "symbolic link")
                elif path.is_file():
                    found.add(str(path.resolve()), (), name)
                else:
                    found.pass_over(name, "no file")
            for error in closed:
                name = readable(Path(error.filename).relative_to(source).as_posix())
                found.reject(f"{name}/", f"is a folder that cannot be opened ({type(error).__name__})")
        elif source.is_file():
            found.add(str(source.resolve()), (), readable(source.name))
        else:
            raise SourceError(f"{source}: no such file or folder")
    return found


__all__ = ["Archives", "Document", "Listing", "NotRead", "SourceError", "list_documents", "named_source"]
