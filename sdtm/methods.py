"""What a derivation makes, in the words of define.xml, beside the function that makes it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


def derives(variables: str, method: str) -> Callable[[F], F]:
    """Says of a function which variables it makes and how, for define.xml.

    A variable is named as `AGE` (in every dataset that has it), `--DY` (with the letters of each domain before it) or
    `TS.TSSEQ` (in that dataset only, where it comes before the other two).
    """

    def mark(function: F) -> F:
        function.__dict__.setdefault("methods", {}).update(dict.fromkeys(variables.split(), method))
        return function

    return mark


def methods_of(functions: Iterable[Callable[..., Any]]) -> dict[str, str]:
    """Variable to method of all that the functions make; ValueError where two make the same variable."""
    found: dict[str, str] = {}
    for function in functions:
        methods: dict[str, str] = function.__dict__["methods"]
        if twice := sorted(set(methods) & set(found)):
            raise ValueError(f"{function.__name__} derives {twice[0]}, as another function does")
        found |= methods
    return found
