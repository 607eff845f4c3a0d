"""JSON that cannot be parsed as a whole: what of it is read all the same.

NaN and Infinity, which pandas and JavaScript write and JSON has not, are read as absent. Of a bundle each entry that
can be parsed is read; what cannot is told from what can by the next entry that begins.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import NamedTuple

# A string, or one of the literals that JSON does not have; a string is matched so that what is in it is left alone.
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+"|-?\b(?:NaN|Infinity)\b', re.DOTALL)
_ENTRIES = re.compile(r'"entry"\s*:\s*\[')
_NEXT = re.compile(r',\s*(\{\s*"(?:fullUrl|resource|request|response|search|link)"\s*:)')
_SPACE = re.compile(r"[\s,]*")


class Piece(NamedTuple):
    """A part of a broken bundle: the bytes of an entry; none where an entry was lost. `last`: no more is found."""

    raw: bytes
    last: bool = False


def without_constants(data: bytes) -> tuple[bytes, int]:
    """The JSON with null for NaN, Infinity and -Infinity, and how many there were."""
    count = 0

    def mend(match: re.Match[bytes]) -> bytes:
        nonlocal count
        if match[0].startswith(b'"'):
            return match[0]
        count += 1
        return b"null"

    return _TOKEN.sub(mend, data), count


def pieces(data: bytes) -> Iterator[Piece]:
    """The entries of a bundle whose JSON is broken somewhere, in order; nothing where it is no bundle."""
    text = data.decode("utf-8", errors="surrogateescape")
    start = _ENTRIES.search(text)
    if start is None or '"Bundle"' not in text[:4096] + text[-4096:]:
        return
    decoder = json.JSONDecoder(parse_int=str, parse_float=str)
    at = start.end()
    while True:
        at = _after_space(text, at)
        if text[at : at + 1] == "]":
            return
        try:
            _, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            following = _NEXT.search(text, at + 1)
            yield Piece(b"", last=following is None)
            if following is None:
                return
            at = following.start(1)
            continue
        yield Piece(text[at:end].encode("utf-8", errors="surrogateescape"))
        at = end


def _after_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at
