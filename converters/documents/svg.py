"""SVG as text: elements with escaped texts, numbers with two decimals, the same bytes every time."""

from __future__ import annotations

import math
from html import escape

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00")
GREY, INK = "#9aa5b1", "#1b2430"


def tag(name: str, content: str = "", /, **attributes: str | float) -> str:
    """One element; `_` in attribute names is `-`, a trailing one is dropped (`class_`)."""
    said = "".join(f' {key.rstrip("_").replace("_", "-")}="{_value(value)}"' for key, value in attributes.items())
    return f"<{name}{said}>{content}</{name}>" if content else f"<{name}{said}/>"


def label(words: str, x: float, y: float, **attributes: str | float) -> str:
    """A text at a place."""
    return tag("text", escape(words), x=x, y=y, **attributes)


def line(x1: float, y1: float, x2: float, y2: float, stroke: str = INK, **attributes: str | float) -> str:
    return tag("line", x1=x1, y1=y1, x2=x2, y2=y2, stroke=stroke, **attributes)


def drawing(title: str, width: float, height: float, parts: list[str]) -> str:
    """A whole picture that names itself to readers who do not see it."""
    view = f"0 0 {width:g} {height:g}"
    body = tag("title", escape(title)) + "".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{view}" role="img" aria-label="{escape(title)}">{body}</svg>'
    )


def ticks(largest: float, most: int = 9) -> list[float]:
    """Round places from 0 to `largest`, at most so many."""
    if not largest > 0:
        return [0.0]
    for step in (1, 2, 3, 6, 12, 24, 60, 120):
        if largest / step <= most - 1:
            break
    else:
        step = math.ceil(largest / (most - 1))
    return [float(n * step) for n in range(math.floor(largest / step) + 1)]


def _value(value: str | float) -> str:
    if isinstance(value, str):
        return escape(value)
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


class Scale:
    """A linear scale from data to places in a drawing."""

    def __init__(self, low: float, high: float, start: float, end: float) -> None:
        self.low, self.start = low, start
        self.factor = (end - start) / (high - low) if high > low else 0.0

    def __call__(self, value: float) -> float:
        return self.start + (value - self.low) * self.factor
