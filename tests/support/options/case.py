"""An option and what it changes on a small frame, before and after."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Case:
    """`run` shows a result as short text; with `value` in place of what `base` or the default says it is `after`."""

    run: Callable[[Any], str]
    value: Any
    before: str
    after: str
    base: Mapping[str, Any] = field(default_factory=dict)
