"""Conditions on records as short text (`PARAMCD == 'PD' and AVALC == 'Y'`): checked, evaluated, put in words.

The language is a small part of Python's expressions: comparisons of a column with a literal, `in` and `not
in` with a tuple of literals, `and`, `or`, `not` and brackets. Nothing else is evaluated, so that a condition
may come from a configuration file.
"""

from __future__ import annotations

import ast
from typing import Any

import numpy as np
import pandas as pd
from fhir2cdisc.adam.frames.arrays import Bools, Ints, Texts, number, text

_OPERATORS: dict[type[ast.cmpop], tuple[str, Any]] = {
    ast.Eq: ("=", np.equal),
    ast.NotEq: ("is not", np.not_equal),
    ast.Lt: ("<", np.less),
    ast.LtE: ("<=", np.less_equal),
    ast.Gt: (">", np.greater),
    ast.GtE: (">=", np.greater_equal),
    ast.In: ("in", None),
    ast.NotIn: ("not in", None),
}


class Columns:
    """The columns of a frame, each coded once, so that many conditions on a long frame stay cheap."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self.frame = frame
        self._coded: dict[str, tuple[Ints, Texts]] = {}

    def coded(self, name: str) -> tuple[Ints, Texts]:
        """A column as positions in its distinct texts, and those texts."""
        if name not in self._coded:
            codes, uniques = pd.factorize(text(self.frame, name))
            self._coded[name] = (codes.astype(np.int64), np.asarray(uniques, dtype=object))
        return self._coded[name]


def select(frame: pd.DataFrame | Columns, where: str) -> Bools:
    """Which records meet the condition; all of them where it is blank.

    Text is compared as text (missing is `""`), a number with a numeric column. A column that the frame lacks
    is missing in every record. Raises ValueError where the condition is not in the language.
    """
    columns = frame if isinstance(frame, Columns) else Columns(frame)
    if not where.strip():
        return np.ones(len(columns.frame), dtype=bool)
    return _evaluate(_parse(where), columns, where)


def in_words(where: str) -> str:
    """The condition as a statistician would write it in a specification."""
    return _words(_parse(where), where) if where.strip() else ""


def _parse(where: str) -> ast.expr:
    try:
        return ast.parse(where.strip(), mode="eval").body
    except SyntaxError as error:
        raise ValueError(f"where: {where!r} cannot be read: {error.msg}") from error


def _refuse(where: str) -> ValueError:
    return ValueError(f"where: {where!r} holds more than columns, literals, comparisons, and, or, not")


def _evaluate(node: ast.expr, columns: Columns, where: str) -> Bools:
    if isinstance(node, ast.BoolOp):
        parts = [_evaluate(value, columns, where) for value in node.values]
        joined = np.logical_and if isinstance(node.op, ast.And) else np.logical_or
        return np.asarray(joined.reduce(parts))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return ~_evaluate(node.operand, columns, where)
    name, operator, value = _comparison(node, where)
    if isinstance(value, int | float):
        compare = _OPERATORS[type(operator)][1]
        return np.asarray(compare(number(columns.frame, name), value), dtype=bool)
    codes, uniques = columns.coded(name)
    if isinstance(operator, ast.In | ast.NotIn):
        meets = np.isin(uniques.astype(str), [str(item) for item in value]) ^ isinstance(operator, ast.NotIn)
    else:
        meets = np.asarray(_OPERATORS[type(operator)][1](uniques, value), dtype=bool)
    return np.asarray(meets[codes]) if len(uniques) else np.zeros(0, dtype=bool)


def _comparison(node: ast.expr, where: str) -> tuple[str, ast.cmpop, Any]:
    if not isinstance(node, ast.Compare) or len(node.ops) != 1 or not isinstance(node.left, ast.Name):
        raise _refuse(where)
    operator = node.ops[0]
    try:
        value = ast.literal_eval(node.comparators[0])
    except ValueError as error:
        raise _refuse(where) from error
    if type(operator) not in _OPERATORS or isinstance(operator, ast.In | ast.NotIn) != isinstance(value, tuple):
        raise _refuse(where)
    return node.left.id, operator, value


def _words(node: ast.expr, where: str) -> str:
    if isinstance(node, ast.BoolOp):
        joint = " and " if isinstance(node.op, ast.And) else " or "
        return joint.join(
            f"({_words(value, where)})" if isinstance(value, ast.BoolOp) else _words(value, where)
            for value in node.values
        )
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return f"not ({_words(node.operand, where)})"
    name, operator, value = _comparison(node, where)
    if isinstance(value, tuple):
        return f"{name} {_OPERATORS[type(operator)][0]} ({', '.join(map(repr, value))})"
    if value == "":
        return f"{name} is missing" if isinstance(operator, ast.Eq) else f"{name} is present"
    return f"{name} {_OPERATORS[type(operator)][0]} {value!r}"
