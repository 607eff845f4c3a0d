"""Records that may say that somebody died, of a subject of whom no evidence says so: said, never counted.

Evidence of a death is what `mappings/deaths.toml` can read. A hospital writes the same in other ways; whoever counts as
alive although a record speaks of death is named.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from fhir2cdisc.mappings.model import DeathHints, death_hints
from fhir2cdisc.sdtm.rows.resources import Resource

# Elements of people's words and terms. What a reference is called, and the narrative of a resource, are not asked.
_TEXTS = frozenset(("text", "display", "valueString", "description", "title", "conclusion"))
_NO = frozenset(("no", "n", "nein", "non", "否", "无", "alive", "false", "absent", "negative", "373067005", "la32-8"))


@dataclass(frozen=True, slots=True)
class HintReader:
    """The table of hints, compiled; the bytes of a resource with a hint have one of `raw`."""

    resources: frozenset[str]
    skipped: frozenset[str]
    raw: tuple[bytes, ...]
    speaks: re.Pattern[str]
    other: re.Pattern[str]

    @classmethod
    def built_in(cls) -> HintReader:
        return cls.of(death_hints())

    @classmethod
    def of(cls, table: DeathHints) -> HintReader:
        every = (*table.whole, *table.words, *table.anywhere)
        # As JSON has them, as they are or escaped; bytes know the lower case of ASCII alone.
        cases = [case for word in every for case in (word, word.upper())]
        raw = [form.encode().lower() for case in cases for form in (case, json.dumps(case)[1:-1])]
        return cls(
            frozenset(table.resources),
            frozenset(table.skipped),
            tuple(dict.fromkeys(raw)),
            _pattern(rf"\b(?:{_any(table.whole)})\b", rf"\b(?:{_any(table.words)})", _any(table.anywhere)),
            _pattern(rf"\b(?:{_any(filter(str.isascii, table.not_))})", _any(t for t in table.not_ if not t.isascii())),
        )

    def read(self, items: Iterable[Resource]) -> Iterator[Resource]:
        """The resources with a text that speaks of death."""
        for item in items:
            if item.head.type in self.skipped or not self._may_speak(item.head.raw.lower()):
                continue
            if any(map(self._speaks, _texts(item.resource))):
                yield item

    def _may_speak(self, raw: bytes) -> bool:
        return any(word in raw for word in self.raw)

    def _speaks(self, text: str) -> bool:
        return self.speaks.search(text) is not None and self.other.search(text) is None


def _any(texts: Iterable[str]) -> str:
    return "|".join(map(re.escape, texts))


def _pattern(*parts: str) -> re.Pattern[str]:
    return re.compile("|".join(parts), re.IGNORECASE)


def _texts(node: Any) -> Iterator[str]:
    if isinstance(node, list):
        for one in node:
            yield from _texts(one)
    elif isinstance(node, dict) and "reference" not in node and not _says_no(node):
        for key, value in node.items():
            if isinstance(value, str):
                if key in _TEXTS:
                    yield value
            elif key != "text" or "div" not in value:
                yield from _texts(value)


def _says_no(node: dict[str, Any]) -> bool:
    """Whether what is asked is denied: an Observation, a component or an item whose answer is no."""
    answers = [value for key, value in node.items() if key.startswith("value")]
    if isinstance(given := node.get("answer"), list):
        answers += [value for one in given if isinstance(one, dict) for key, value in one.items() if key[:5] == "value"]
    return any(map(_is_no, answers))


def _is_no(value: Any) -> bool:
    if value is False:
        return True
    if isinstance(value, dict):
        codings = value.get("coding")
        held = [value, *(codings if isinstance(codings, list) else [])]
        texts = [one.get(key) for one in held if isinstance(one, dict) for key in ("text", "display", "code")]
    else:
        texts = [value]
    return any(isinstance(text, str) and text.strip().lower() in _NO for text in texts)
