"""Which records of a frame meet a condition (the language of `mappings.conditions`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from fhir2cdisc.adam.frames.arrays import Bools, Ints, Texts
from fhir2cdisc.adam.frames.columns import numbers, texts
from fhir2cdisc.mappings.conditions import Comparator, Condition, Expression, Joined, Negated, parse

_COMPARE: dict[Comparator, Callable[[Any, Any], Any]] = {
    "EQ": np.equal,
    "NE": np.not_equal,
    "LT": np.less,
    "LE": np.less_equal,
    "GT": np.greater,
    "GE": np.greater_equal,
}


class Columns:
    """The columns of a frame, each coded once, so that many conditions on a long frame stay cheap."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self.frame = frame
        self._coded: dict[str, tuple[Ints, Texts]] = {}

    def coded(self, name: str) -> tuple[Ints, Texts]:
        """A column as positions in its distinct texts, and those texts."""
        if name not in self._coded:
            codes, uniques = pd.factorize(texts(self.frame, name))
            self._coded[name] = (codes.astype(np.int64), np.asarray(uniques, dtype=object))
        return self._coded[name]


def select(frame: pd.DataFrame | Columns, where: str | Expression) -> Bools:
    """Which records meet the condition; all of them where it is blank.

    Text is compared as text (missing is `""`), a number with a numeric column. A column that the frame lacks
    is missing in every record. Raises ValueError where a text is not in the language.
    """
    columns = frame if isinstance(frame, Columns) else Columns(frame)
    if isinstance(where, str):
        if not where.strip():
            return np.ones(len(columns.frame), dtype=bool)
        where = parse(where)
    return _evaluate(where, columns)


def _evaluate(expression: Expression, columns: Columns) -> Bools:
    if isinstance(expression, Joined):
        joined = np.logical_and if expression.word == "and" else np.logical_or
        return np.asarray(joined.reduce([_evaluate(part, columns) for part in expression.parts]))
    if isinstance(expression, Negated):
        return ~_evaluate(expression.part, columns)
    if expression.numeric:
        return _holds(expression, numbers(columns.frame, expression.variable))
    codes, uniques = columns.coded(expression.variable)
    return _holds(expression, uniques.astype(str))[codes] if len(uniques) else np.zeros(0, dtype=bool)


def _holds(condition: Condition, values: Any) -> Bools:
    if condition.comparator in ("IN", "NOTIN"):
        wanted = list(condition.values) if condition.numeric else [_text(value) for value in condition.values]
        return np.asarray(np.isin(values, wanted) ^ (condition.comparator == "NOTIN"), dtype=bool)
    value = condition.values[0] if condition.numeric else _text(condition.values[0])
    return np.asarray(_COMPARE[condition.comparator](values, value), dtype=bool)


def _text(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:g}"
