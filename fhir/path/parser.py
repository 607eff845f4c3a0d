"""The grammar of the FHIRPath subset: text to a small syntax tree.

The subset is named in `FUNCTIONS` and `OPERATORS`; anything else is refused when a mapping is loaded, never
when a patient is read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from fhir2cdisc.mappings.errors import Fhir2CdiscError

FUNCTIONS = {
    "where",
    "select",
    "exists",
    "empty",
    "first",
    "last",
    "single",
    "count",
    "ofType",
    "extension",
    "resolve",
    "not",
    "startsWith",
    "endsWith",
    "contains",
    "lower",
    "upper",
    "trim",
    "iif",
    "distinct",
    "join",
    "replace",
    "substring",
    "matches",
    "hasValue",
    "all",
    "toString",
    "repeat",
}
# Binding strength, weakest first (FHIRPath 2.0, section 6.8).
OPERATORS = {
    "or": 1,
    "xor": 1,
    "and": 2,
    "in": 3,
    "contains": 3,
    "=": 4,
    "!=": 4,
    "~": 4,
    ">": 5,
    "<": 5,
    ">=": 5,
    "<=": 5,
    "|": 6,
    "&": 7,
    "+": 7,
}

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<string>'(?:[^'\\]|\\.)*')
    | (?P<number>\d+(?:\.\d+)?)
    | (?P<name>%?\$?[^\W\d]\w*|`[^`]+`)
    | (?P<op>!=|>=|<=|[=~<>|&+.,()\[\]{}])
    )""",
    re.VERBOSE,
)


# Escapes of string literals (FHIRPath 2.0, section 4.1.2).
_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|.)")
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t", "f": "\f"}


def _unescaped(match: re.Match[str]) -> str:
    sign = match[1]
    return chr(int(sign[1:], 16)) if len(sign) > 1 else _ESCAPED.get(sign, sign)


class PathError(Fhir2CdiscError):
    """An expression outside the subset; the message names the expression and the place."""


@dataclass(frozen=True, slots=True)
class Literal:
    value: str | int | Decimal | bool | None


@dataclass(frozen=True, slots=True)
class Name:
    """A step to a member of the focus, `$this`, or an environment variable (`%resource`)."""

    name: str


@dataclass(frozen=True, slots=True)
class Call:
    name: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Index:
    position: int


@dataclass(frozen=True, slots=True)
class Chain:
    """Steps from left to right, each applied to what the one before gave."""

    steps: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Binary:
    operator: str
    left: Node
    right: Node


Node = Literal | Name | Call | Index | Chain | Binary


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = self._tokens()
        self.at = 0

    def _tokens(self) -> list[tuple[str, str, int]]:
        tokens: list[tuple[str, str, int]] = []
        position, end = 0, len(self.text.rstrip())
        while position < end:
            match = _TOKEN.match(self.text, position)
            if match is None:
                raise PathError(f"{self.text!r}: cannot read {self.text[position:].strip()[:20]!r}")
            tokens.append((match.lastgroup or "", match.group(match.lastgroup or 0), match.start()))
            position = match.end()
        return tokens

    def peek(self) -> tuple[str, str]:
        return self.tokens[self.at][:2] if self.at < len(self.tokens) else ("end", "")

    def take(self, value: str | None = None) -> tuple[str, str]:
        kind, text = self.peek()
        if value is not None and text != value:
            raise PathError(f"{self.text!r}: expected {value!r}, found {text or 'the end'!r}")
        self.at += 1
        return kind, text

    def expression(self, strength: int = 0) -> Node:
        left = self.chain()
        while True:
            operator = self.peek()[1]
            binding = OPERATORS.get(operator, 0)
            if self.peek()[0] == "string" or binding <= strength:
                return left
            self.take()
            left = Binary(operator, left, self.expression(binding))

    def chain(self) -> Node:
        steps = [self.term()]
        while True:
            text = self.peek()[1]
            if text == "." and self.peek()[0] == "op":
                self.take()
                steps.append(self.step())
            elif text == "[" and self.peek()[0] == "op":
                self.take()
                kind, number = self.take()
                if kind != "number" or "." in number:
                    raise PathError(f"{self.text!r}: an index is a whole number, not {number!r}")
                self.take("]")
                steps.append(Index(int(number)))
            else:
                return steps[0] if len(steps) == 1 else Chain(tuple(steps))

    def term(self) -> Node:
        kind, text = self.peek()
        if kind == "string":
            self.take()
            return Literal(_ESCAPE.sub(_unescaped, text[1:-1]))
        if kind == "number":
            self.take()
            return Literal(Decimal(text) if "." in text else int(text))
        if text == "(" and kind == "op":
            self.take()
            inside = self.expression()
            self.take(")")
            return inside
        if text == "{" and kind == "op":
            self.take()
            self.take("}")
            return Literal(None)
        if text in ("true", "false"):
            self.take()
            return Literal(text == "true")
        return self.step()

    def step(self) -> Node:
        kind, text = self.take()
        if kind != "name":
            raise PathError(f"{self.text!r}: expected a name, found {text or 'the end'!r}")
        if self.peek() == ("op", "("):
            return self.call(text)
        if text[0] in "%$" and text not in ("%resource", "%context", "$this"):
            raise PathError(f"{self.text!r}: unknown variable {text}")
        return Name(text.strip("`"))

    def call(self, name: str) -> Node:
        if name not in FUNCTIONS:
            raise PathError(f"{self.text!r}: function {name}() is not in the subset")
        self.take("(")
        arguments: list[Node] = []
        while self.peek() != ("op", ")"):
            if arguments:
                self.take(",")
            arguments.append(self.expression())
        self.take(")")
        return Call(name, tuple(arguments))


def parse(text: str) -> Node:
    """The syntax tree of an expression; PathError where it leaves the subset."""
    parser = _Parser(text)
    if not parser.tokens:
        raise PathError("an empty path")
    node = parser.expression()
    kind, rest = parser.peek()
    if kind != "end":
        raise PathError(f"{text!r}: cannot read {rest!r}")
    return node
