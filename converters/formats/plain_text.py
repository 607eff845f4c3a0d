"""Text that a transport file can hold: which encoding a package needs, and typographic signs as plain ASCII."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

import pandas as pd
from fhir2cdisc.fhir.findings import Finding

# Signs whose plain form says the same. Letters with accents lose the accent, as NFKD gives it.
_PLAIN = str.maketrans(
    {
        "\u200b": "",
        "\u200c": "",
        "\u200d": "",
        "\ufeff": "",
        "\u00ad": "",
        "\u00a0": " ",
        "\u2009": " ",
        "\u202f": " ",
        "\u2018": "'",
        "\u2019": "'",
        "\u201c": '"',
        "\u201d": '"',
        "\u2010": "-",
        "\u2011": "-",
        "\u2012": "-",
        "\u2013": "-",
        "\u2014": "-",
        "\u2212": "-",
        "\u2026": "...",
        "\u00b5": "u",
        "\u03bc": "u",
        "\u00d7": "x",
        "\u2264": "<=",
        "\u2265": ">=",
        "\u00b1": "+/-",
        "\u00b0": " deg",
        "\u2122": "(TM)",
        "\u00ae": "(R)",
        "\u00df": "ss",
        "\u03b1": "alpha",
        "\u03b2": "beta",
        "\u03b3": "gamma",
        "\n": " ",
        "\r": " ",
        "\t": " ",
    }
)


def plain(text: str) -> str:
    """The text in ASCII where its signs have a plain form; signs without one are kept."""
    if text.isascii() and text.isprintable():
        return text
    simple = "".join(c for c in unicodedata.normalize("NFKD", text.translate(_PLAIN)) if not unicodedata.combining(c))
    return simple.translate(_PLAIN).strip()


def _text_columns(frame: pd.DataFrame) -> list[str]:
    return [column for column in frame.columns if pd.api.types.is_object_dtype(frame[column])]


def plain_frames(frames: Mapping[str, pd.DataFrame]) -> tuple[dict[str, pd.DataFrame], list[Finding]]:
    """The frames with plain text, and one finding for each variable that changed, with the number of values."""
    made: dict[str, pd.DataFrame] = {}
    found: list[Finding] = []
    for name, frame in frames.items():
        changed: dict[str, pd.Series] = {}
        for column in _text_columns(frame):
            odd = [v for v in frame[column].unique() if isinstance(v, str) and not (v.isascii() and v.isprintable())]
            table = {value: plain(value) for value in odd if plain(value) != value}
            if table:
                rows = frame[column].isin(list(table))
                changed[column] = frame[column].map(lambda value, table=table: table.get(value, value))
                message = f"{name}.{column}: {int(rows.sum())} values hold typographic signs; written as plain ASCII"
                found.append(Finding("text.plain", message, "info", variable=f"{name}.{column}", count=int(rows.sum())))
        made[name] = frame.assign(**changed) if changed else frame
    return made, found


def needed_encoding(frames: Mapping[str, pd.DataFrame]) -> str:
    """`ascii` where every text is ASCII, else `utf-8`."""
    for frame in frames.values():
        for column in _text_columns(frame):
            if not all(isinstance(v, str) and v.isascii() for v in frame[column].unique()):
                return "utf-8"
    return "ascii"
