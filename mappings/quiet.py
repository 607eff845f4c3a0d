"""Elements of resources that are not reported as unused, each with its reason: `mappings/quiet.toml`."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict


class Quiet(BaseModel):
    """Elements that no mapping needs to read: of some resource types (`*`: of all), with what they hold, and why."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    resources: tuple[str, ...]
    paths: tuple[str, ...]
    reason: str


@cache
def quiet() -> tuple[Quiet, ...]:
    """The table, in the order of the file."""
    text = (Path(__file__).parent / "quiet.toml").read_text(encoding="utf-8")
    return tuple(Quiet(**one) for one in tomllib.loads(text)["quiet"])


@cache
def _pattern(kind: str) -> re.Pattern[str]:
    """Paths of a resource type that are quiet, with everything below them; `*.` stands for any elements before."""
    paths = [path for one in quiet() if kind in one.resources or "*" in one.resources for path in one.paths]
    written = (r"(?:.*\.)?" + re.escape(path[2:]) if path.startswith("*.") else re.escape(path) for path in paths)
    return re.compile(rf"(?:{'|'.join(written)})(?:[.(].*)?")


def is_quiet(kind: str, path: str) -> bool:
    """Whether a path of a resource type (without marks of items) is known to be irrelevant."""
    return _pattern(kind).fullmatch(path) is not None
