"""Files that appear whole or not at all."""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

# How a cell begins that spreadsheets take for a formula, and what is none.
_FORMULA = ("=", "+", "-", "@", "\t", "\n")
_NUMBER = re.compile(r"[+-]?[0-9]+\.?[0-9]*(?:[eE][+-]?[0-9]+)?")
# Bytes from which room is asked for at once.
_WORTH = 4_000_000


@contextmanager
def replacing(path: Path, size: int = 0) -> Iterator[BinaryIO]:
    """A binary file that takes the place of `path` when the block ends well, and leaves no trace if not.

    `size` is how many bytes it will at least have, where that is known: room that is asked for at once is filled
    faster.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            _reserve(file, size)
            yield file
        part.replace(path)
    except OSError as error:
        # The system does not say which file did not fit on the disk.
        error.filename = error.filename or str(path)
        raise
    finally:
        part.unlink(missing_ok=True)


def _reserve(file: BinaryIO, size: int) -> None:
    if size < _WORTH or not hasattr(os, "posix_fallocate"):
        return
    # A file system that cannot is written to as any other; a full disk is said when the bytes are written.
    with suppress(OSError):
        os.posix_fallocate(file.fileno(), 0, size)


def write_text(path: Path, text: str) -> None:
    """Text as UTF-8 with line feeds, the same bytes on every system."""
    with replacing(path) as file:
        file.write(text.encode("utf-8"))


def write_table(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A CSV file; a text that a spreadsheet would run as a formula stands behind an apostrophe."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([_harmless(cell) for cell in row] for row in rows)
    write_text(path, text.getvalue())


def _harmless(cell: object) -> object:
    """Numbers keep their sign: `-1.5` is no formula. A line break is always a line feed, which the writer quotes."""
    if not isinstance(cell, str):
        return cell
    text = cell.replace("\r\n", "\n").replace("\r", "\n")
    return f"'{text}" if text[:1] in _FORMULA and not _NUMBER.fullmatch(text) else text
