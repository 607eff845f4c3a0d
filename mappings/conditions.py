"""Conditions on the records of a dataset: the one language of study files, derivations and results metadata.

A condition is a comparison of a variable with values, or a short text of several (`PARAMCD == 'PD' and AVALC ==
'Y'`). The text is a small part of Python's expressions: comparisons of a variable with a literal, `in` and `not in`
with a tuple of literals, `and`, `or`, `not` and brackets. Nothing else is read, so that a text may come from a
configuration file. What holds on a frame is decided in `adam`.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Literal

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass as checked_dataclass

Comparator = Literal["EQ", "NE", "IN", "NOTIN", "GT", "GE", "LT", "LE"]


@checked_dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Condition:
    """A comparison of a variable with a value (several for IN and NOTIN), as ARS writes conditions.

    Numbers compare with numbers, text with text; a missing value satisfies NE and NOTIN only.
    """

    variable: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9]{0,7}$")]
    comparator: Comparator = "EQ"
    values: tuple[str | float, ...] = ()

    def __post_init__(self) -> None:
        if not self.values:
            raise ValueError(f"{self.variable} {self.comparator}: no value to compare with is given")

    def __str__(self) -> str:
        shown = ", ".join(f"'{one}'" if isinstance(one, str) else f"{one:g}" for one in self.values)
        return f"{self.variable} {self.comparator} {shown}"

    @property
    def numeric(self) -> bool:
        return all(not isinstance(value, str) for value in self.values)


@dataclass(frozen=True, slots=True)
class Joined:
    """Several conditions of which all (`and`) or one at least (`or`) must hold."""

    word: Literal["and", "or"]
    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Negated:
    """A condition that must not hold."""

    part: Expression


Expression = Condition | Joined | Negated


def is_(variable: str, *values: str | float) -> Condition:
    """`variable` equals the value, or one of several."""
    return Condition(variable, "IN" if len(values) > 1 else "EQ", values)


_COMPARATORS: dict[type[ast.cmpop], Comparator] = {
    ast.Eq: "EQ",
    ast.NotEq: "NE",
    ast.Lt: "LT",
    ast.LtE: "LE",
    ast.Gt: "GT",
    ast.GtE: "GE",
    ast.In: "IN",
    ast.NotIn: "NOTIN",
}
_WORDS: dict[Comparator, str] = {
    "EQ": "=",
    "NE": "is not",
    "LT": "<",
    "LE": "<=",
    "GT": ">",
    "GE": ">=",
    "IN": "in",
    "NOTIN": "not in",
}


@lru_cache(maxsize=1024)
def parse(where: str) -> Expression:
    """The expression that a text means; ValueError names a text that is not in the language."""
    try:
        node = ast.parse(where.strip(), mode="eval").body
    except SyntaxError as error:
        raise ValueError(f"where: {where!r} cannot be read: {error.msg}") from error
    return _expression(node, where)


def _expression(node: ast.expr, where: str) -> Expression:
    if isinstance(node, ast.BoolOp):
        word: Literal["and", "or"] = "and" if isinstance(node.op, ast.And) else "or"
        return Joined(word, tuple(_expression(value, where) for value in node.values))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return Negated(_expression(node.operand, where))
    return _comparison(node, where)


def _comparison(node: ast.expr, where: str) -> Condition:
    refused = ValueError(f"where: {where!r} holds more than columns, literals, comparisons, and, or, not")
    if not isinstance(node, ast.Compare) or len(node.ops) != 1 or not isinstance(node.left, ast.Name):
        raise refused
    comparator = _COMPARATORS.get(type(node.ops[0]))
    try:
        value = ast.literal_eval(node.comparators[0])
    except ValueError as error:
        raise refused from error
    if comparator is None or (comparator in ("IN", "NOTIN")) != isinstance(value, tuple):
        raise refused
    values = value if isinstance(value, tuple) else (value,)
    if not all(isinstance(one, str | int | float) and not isinstance(one, bool) for one in values):
        raise refused
    return Condition(node.left.id, comparator, values)


def variables_of(expression: Expression) -> tuple[str, ...]:
    """The variables that an expression compares, each once, in order of their first use."""
    if isinstance(expression, Condition):
        return (expression.variable,)
    parts = expression.parts if isinstance(expression, Joined) else (expression.part,)
    return tuple(dict.fromkeys(name for part in parts for name in variables_of(part)))


def in_words(where: str) -> str:
    """The condition as a statistician would write it in a specification; blank where the text is."""
    return _words(parse(where)) if where.strip() else ""


def _words(expression: Expression) -> str:
    if isinstance(expression, Joined):
        parts = (f"({_words(one)})" if isinstance(one, Joined) else _words(one) for one in expression.parts)
        return f" {expression.word} ".join(parts)
    if isinstance(expression, Negated):
        return f"not ({_words(expression.part)})"
    name, word, values = expression.variable, _WORDS[expression.comparator], expression.values
    if expression.comparator in ("IN", "NOTIN"):
        return f"{name} {word} ({', '.join(map(_literal, values))})"
    if values == ("",) and expression.comparator in ("EQ", "NE"):
        return f"{name} is missing" if expression.comparator == "EQ" else f"{name} is present"
    return f"{name} {word} {_literal(values[0])}"


def _literal(value: str | float) -> str:
    return repr(value) if isinstance(value, str) else f"{value:g}"


def with_letter(where: str, letter: str, kept: frozenset[str] = frozenset()) -> str:
    """The condition with the parameters that it names (PARAMCD) led by a letter, but for those in `kept`."""
    if not letter or not where.strip():
        return where
    text = where.strip()
    for at in reversed(_parameter_places(text, kept)):
        text = text[: at + 1] + letter + text[at + 1 :]
    return text


def _parameter_places(where: str, kept: frozenset[str]) -> list[int]:
    """Where in the text the quoted parameters begin that PARAMCD is compared with."""
    compared = [
        node.comparators[0]
        for node in ast.walk(ast.parse(where, mode="eval"))
        if isinstance(node, ast.Compare) and isinstance(node.left, ast.Name) and node.left.id == "PARAMCD"
    ]
    constants = [one for node in compared for one in ast.walk(node) if isinstance(one, ast.Constant)]
    return sorted(one.col_offset for one in constants if one.value not in kept)
