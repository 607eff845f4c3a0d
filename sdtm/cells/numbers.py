"""Numbers as people type them: with a sign, a unit, a flag, in full width; never through a float, never guessed."""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

_SIGNS = {"≤": "<=", "≥": ">=", "⩽": "<=", "⩾": ">=", "~": "-", "–": "-", "—": "-", "−": "-"}
_ARROWS = {"↑": "HIGH", "↓": "LOW"}
_FLAG = re.compile(r"\s*(?:([↑↓])+\s*|(?<=[\d↑↓])\s+)([HL])?\s*$|\s*[↑↓]+\s*$")
_POINT = r"[+-]?(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?"
_COMMA = r"[+-]?(?:\d{1,3}(?:\.\d{3})+(?:,\d+)?|\d+(?:,\d+)?|,\d+)(?:[eE][+-]?\d+)?"
_COMPARATOR = r"(?P<sign>[<>]=?)?\s*"
# A unit begins with a letter or sign that no number has, or after a blank with a bracket of UCUM, 10^ or a stroke.
_UNIT = r"(?P<unit>(?:\s*[^\W\d_]|\s*[%°‰‱µμΩ]|\s+\[[a-zA-Z]|\s+10\s?[\^*]|\s*/).*)?"
_WITH_ANOTHER = re.compile(r"\d\s*[x×*/:]\s*\d")


class Measured(NamedTuple):
    """A result as --ORRES has it (`<5`, `2.5`, `9-50`), and the unit that stands beside it, blank where none does."""

    result: str
    unit: str


def plain_number(text: str) -> str:
    """A text with plain digits and signs."""
    plain = unicodedata.normalize("NFKC", text.replace("µ", "μ")).strip()
    return "".join(_SIGNS.get(sign, sign) for sign in plain)


def flag(text: str) -> str:
    """HIGH or LOW where an arrow, or H or L apart at the end, marks a result; else blank."""
    arrow = next((_ARROWS[sign] for sign in text if sign in _ARROWS), "")
    letter = re.search(r"\d\s+([HL])\s*$", text)
    return arrow or ({"H": "HIGH", "L": "LOW"}[letter[1]] if letter else "")


def measured(text: str, decimal: str = ".") -> Measured | None:
    """The result and unit of a cell; None for words, for several numbers, and where commas could be two things.

    `decimal` is the sign of decimals. `1,234.5` has well-formed thousands; `2,5` has none, and is no number with a
    decimal point. A range has both limits.
    """
    plain = _FLAG.sub("", plain_number(text)).strip()
    number = _POINT if decimal == "." else _COMMA
    match = re.fullmatch(rf"{_COMPARATOR}(?P<first>{number})(?:\s*-\s*(?P<last>{number}))?{_UNIT}", plain)
    if match is None or (match["sign"] and match["last"]):
        return None
    unit = (match["unit"] or "").strip()
    if _WITH_ANOTHER.search(plain.removesuffix(unit)) or re.match(r"[x×*/]\s*(?!10\s?[\^*])\d", unit):
        # `12x8 mm` and `120/80` are two results.
        return None
    limits = [_digits(one, decimal) for one in (match["first"], match["last"]) if one]
    return Measured((match["sign"] or "") + "-".join(limits), unit)


def _digits(text: str, decimal: str) -> str:
    """A number with a decimal point and without thousands; its digits stay as they are written."""
    other = "," if decimal == "." else "."
    plain = text.replace(other, "").replace(decimal, ".").removeprefix("+")
    sign, digits = ("-", plain[1:]) if plain.startswith("-") else ("", plain)
    return sign + (f"0{digits}" if digits.startswith(".") else digits)
