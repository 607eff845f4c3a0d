"""Archives read in place: zip, tar and gzip, one in another, each bounded while it unpacks.

A member's name is a name only: nothing is written under it. What must be sought in (an archive that is itself
packed) is unpacked into a file that has no name and is gone when it is closed.
"""

from __future__ import annotations

import gzip
import lzma
import tarfile
import tempfile
import zipfile
import zlib
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, NamedTuple

from fhir2cdisc.mappings.errors import Fhir2CdiscError

MAX_DOCUMENT_BYTES = 4 * 1024**3
# Records pack to a tenth of their size, zeros to a thousandth: what unpacks to more is made to fill the memory.
MAX_RATIO = 250
_RATIO_FROM = 64 << 20
MAX_DEPTH = 3
_CHUNK = 1 << 20
_HEAD = 1 << 16
# How many archives are kept open: members of one are read one after the other.
_OPEN = 8
GZIP = b"\x1f\x8b"

# An encrypted member or an unknown compression is a RuntimeError of zipfile.
UNREADABLE = (
    OSError,
    RuntimeError,
    EOFError,
    ValueError,
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
)


class SourceError(Fhir2CdiscError):
    """A source that cannot be read at all; the message is one clear sentence."""


class Member(NamedTuple):
    """A file in an archive: its name there, `special` what it is where it is no plain file (a link, a device)."""

    name: str
    special: str = ""


class _Opened:
    """An archive that is open: zip or tar by its first bytes."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.stream = stream
        zipped = stream.read(2) == b"PK"
        stream.seek(0)
        self.zip = zipfile.ZipFile(stream) if zipped else None
        self.tar = None if zipped else tarfile.open(fileobj=stream, mode="r:")
        self.found: dict[str, zipfile.ZipInfo | tarfile.TarInfo] = {}
        for one in self.zip.infolist() if self.zip else self.tar.getmembers() if self.tar else ():
            if not (one.is_dir() if isinstance(one, zipfile.ZipInfo) else one.isdir()):
                self.found[self._free(one.filename if isinstance(one, zipfile.ZipInfo) else one.name)] = one

    def _free(self, name: str) -> str:
        """The name, numbered where an earlier member has it: both are read."""
        number, free = 1, name
        while free in self.found:
            number += 1
            free = f"{name}#{number}"
        return free

    def members(self) -> list[Member]:
        return [
            Member(name, "" if isinstance(one, zipfile.ZipInfo) or one.isfile() else "link or device")
            for name, one in sorted(self.found.items())
        ]

    def open(self, name: str) -> tuple[IO[bytes], int]:
        """The member's bytes and how many they are packed, 0 where that is not known."""
        one = self.found[name]
        if isinstance(one, zipfile.ZipInfo):
            assert self.zip is not None
            return self.zip.open(one), one.compress_size
        assert self.tar is not None
        stream = self.tar.extractfile(one)
        if stream is None:
            raise OSError("no plain file")
        return stream, one.size

    def close(self) -> None:
        for one in (self.zip, self.tar, self.stream):
            if one is not None:
                one.close()


class Archives:
    """Opens files and members of archives; those that it opened are closed with it."""

    def __init__(self) -> None:
        self._opened: OrderedDict[tuple[str, tuple[str, ...]], _Opened] = OrderedDict()

    def __enter__(self) -> Archives:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for one in self._opened.values():
            one.close()
        self._opened.clear()

    def read(self, path: str, members: tuple[str, ...], name: str) -> bytes:
        """All bytes of a file or member, unpacked; SourceError past a limit or where it cannot be read."""
        try:
            return b"".join(self._chunks(path, members, name))
        except SourceError:
            raise
        except UNREADABLE as error:
            raise SourceError(f"{name}: cannot be read ({type(error).__name__})") from error

    def head(self, path: str, members: tuple[str, ...]) -> bytes:
        """The first bytes, unpacked; as many as can be read, none where it cannot be opened."""
        found = b""
        with suppress(*UNREADABLE):
            raw, _ = self._raw(path, members)
            with raw, _unpacked(raw) as stream:
                while len(found) < _HEAD and (chunk := stream.read(4096)):
                    found += chunk
        return found

    def members(self, path: str, members: tuple[str, ...], name: str) -> list[Member]:
        """The files in an archive, by name; SourceError where it is none that can be read."""
        try:
            return self._archive(path, members, name).members()
        except SourceError:
            raise
        except UNREADABLE as error:
            raise SourceError(f"{name}: not a readable archive ({type(error).__name__})") from error

    def _raw(self, path: str, members: tuple[str, ...]) -> tuple[IO[bytes], int]:
        if members:
            return self._archive(path, members[:-1], "!".join((Path(path).name, *members[:-1]))).open(members[-1])
        return Path(path).open("rb"), Path(path).stat().st_size

    def _chunks(self, path: str, members: tuple[str, ...], name: str) -> Iterator[bytes]:
        raw, packed = self._raw(path, members)
        with raw, _unpacked(raw) as stream:
            yield from _capped(stream, name, packed)

    def _archive(self, path: str, members: tuple[str, ...], name: str) -> _Opened:
        key = (path, members)
        if key in self._opened:
            self._opened.move_to_end(key)
            return self._opened[key]
        stream = self._seekable(path, members, name)
        try:
            opened = _Opened(stream)
        except UNREADABLE:
            stream.close()
            raise
        self._opened[key] = opened
        while len(self._opened) > _OPEN:
            self._opened.popitem(last=False)[1].close()
        return opened

    def _seekable(self, path: str, members: tuple[str, ...], name: str) -> IO[bytes]:
        if not members:
            plain = Path(path).open("rb")
            packed = plain.read(2) == GZIP
            plain.seek(0)
            if not packed:
                return plain
            plain.close()
        spool: IO[bytes] = tempfile.TemporaryFile()
        try:
            for chunk in self._chunks(path, members, name):
                spool.write(chunk)
        except BaseException:
            spool.close()
            raise
        spool.seek(0)
        return spool


def _unpacked(raw: IO[bytes]) -> IO[bytes]:
    """The stream, through gzip where its first bytes say so, whatever it is called."""
    packed = raw.read(2) == GZIP
    raw.seek(0)
    return gzip.GzipFile(fileobj=raw) if packed else raw  # type: ignore[return-value]


def _capped(stream: IO[bytes], name: str, packed: int) -> Iterator[bytes]:
    """The stream in chunks; counted while unpacking, so that a bomb is stopped before it fills the memory."""
    total = 0
    while chunk := stream.read(_CHUNK):
        total += len(chunk)
        if total > MAX_DOCUMENT_BYTES:
            raise SourceError(f"{name}: larger than {MAX_DOCUMENT_BYTES} bytes when unpacked")
        if total > max(_RATIO_FROM, packed * MAX_RATIO):
            raise SourceError(f"{name}: unpacks to more than {MAX_RATIO} times its size, as no records do")
        yield chunk
