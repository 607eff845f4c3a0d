"""Records that may say something that decides an endpoint, and that no mapping reads as such: said, never counted.

Evidence of a death or of a response is what the mappings and `mappings/deaths.toml` can read. A hospital writes the
same in other ways; the subject of whom a record speaks so is named. What speaks of it is `mappings/hints.toml`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from fhir2cdisc.mappings.model import Hint, hint_table

# Elements of people's words and terms. What a reference is called, and the narrative of a resource, are not asked.
_TEXTS = frozenset(("text", "display", "valueString", "description", "title", "conclusion"))
_NO = frozenset(("no", "n", "nein", "non", "否", "无", "alive", "false", "absent", "negative", "373067005", "la32-8"))


class Hinted(NamedTuple):
    """A resource of a subject that may say what a rule is about."""

    subject: str
    rule: str
    resource: str


@dataclass(frozen=True, slots=True)
class HintReader:
    """One line of the table, compiled; the bytes of a resource that speaks have one of `raw`."""

    rule: str
    said: str
    resources: frozenset[str]
    skipped: frozenset[str]
    domains: frozenset[str]
    raw: tuple[bytes, ...]
    speaks: re.Pattern[str]
    other: re.Pattern[str]

    @classmethod
    def of(cls, table: Hint) -> HintReader:
        every = (*table.whole, *table.words, *table.anywhere)
        # As JSON has them, as they are or escaped; bytes know the lower case of ASCII alone.
        cases = [case for word in every for case in (word, word.upper())]
        raw = [form.encode().lower() for case in cases for form in (case, json.dumps(case)[1:-1])]
        wide = [text for text in table.not_ if not text.isascii()]
        return cls(
            table.rule,
            table.said,
            frozenset(table.resources),
            frozenset(table.skipped),
            frozenset(table.domains),
            tuple(dict.fromkeys(raw)),
            _pattern(table.whole, table.words, table.anywhere),
            _pattern((), tuple(filter(str.isascii, table.not_)), wide),
        )

    def reads(self, kind: str, raw: bytes, resource: dict[str, Any], domains: Iterable[str]) -> bool:
        """Whether a resource has a text that speaks of it; `raw` is its JSON in lower case, `domains` its rows'."""
        if kind in self.skipped or not any(word in raw for word in self.raw):
            return False
        return self.domains.isdisjoint(domains) and any(map(self._speaks, _texts(resource)))

    def _speaks(self, text: str) -> bool:
        return self.speaks.search(text) is not None and self.other.search(text) is None


def built_in_hints() -> tuple[HintReader, ...]:
    return tuple(map(HintReader.of, hint_table()))


def _pattern(whole: Iterable[str], words: Iterable[str], anywhere: Iterable[str]) -> re.Pattern[str]:
    """Finds one of the texts: as a word, at the start of one, or anywhere. Of no texts it finds nothing."""
    parts = [rf"\b{re.escape(text)}\b" for text in whole] + [rf"\b{re.escape(text)}" for text in words]
    return re.compile("|".join([*parts, *map(re.escape, anywhere)]) or r"(?!)", re.IGNORECASE)


def _texts(node: Any) -> Iterator[str]:
    if isinstance(node, list):
        for one in node:
            yield from _texts(one)
    elif isinstance(node, dict) and "reference" not in node and not _says_no(node):
        for key, value in node.items():
            if isinstance(value, str):
                if key in _TEXTS:
                    yield value
            elif key != "text" or not (isinstance(value, dict) and "div" in value):
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
