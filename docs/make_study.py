"""Writes `study.md`: every section and option of a study file, from the models that check it.

Run as `python docs/make_study.py`; a test keeps the document equal to the models.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from textwrap import fill
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from fhir2cdisc.mappings.study import Study
from fhir2cdisc.mappings.study_base import Model
from pydantic.fields import PydanticUndefined

FOLDER = Path(__file__).parent
WIDTH = 120
HEAD = """# The study file

A study is one TOML file. `fhir2cdisc studies NAME --toml > mine.toml` prints a built-in one as a start;
`fhir2cdisc studies mine.toml` explains it, with `[protocol]` or `[default]` beside every option. An unknown key is
refused. In every section that has it, `stated` names the options that the protocol itself gives; the others are
defaults of the project, and the reviewer's guide lists them as such.

This document is made by `python docs/make_study.py` from the models that check the file, and a test keeps it true.

Options of a table `[name]`, and of each entry of a list `[[name]]`:
"""


def models_of(kind: Any) -> list[type[Any]]:
    """The models inside a type annotation."""
    if isinstance(kind, type) and hasattr(kind, "__pydantic_fields__"):
        return [kind]
    return [model for part in get_args(kind) for model in models_of(part)]


def shown_type(kind: Any) -> str:
    """A type in words: `text`, `one of a, b`, `list of text`."""
    if get_origin(kind) is Annotated:
        return shown_type(get_args(kind)[0])
    if get_origin(kind) is Literal:
        return "one of " + ", ".join(f"`{choice}`" if choice else "nothing" for choice in get_args(kind))
    if get_origin(kind) is tuple:
        return f"list of {shown_type(get_args(kind)[0])}"
    if get_origin(kind) in (Union, UnionType):
        return " or ".join(shown_type(part) for part in get_args(kind) if part is not type(None))
    if models := models_of(kind):
        return f"[{models[0].__name__}](#{models[0].__name__.lower()})"
    return {str: "text", int: "whole number", float: "number", bool: "`true` or `false`"}[kind]


def shown_default(value: Any) -> str:
    if value is PydanticUndefined:
        return "**required**"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, tuple):
        return ", ".join(getattr(one, "code", str(one)) for one in value) if value else "none"
    if isinstance(value, Model):
        return "its defaults"
    return f"`{value}`" if value not in ("", None) else "none"


def reached() -> Iterator[type[Any]]:
    """The study and every model below it, each once, in the order in which the file names them."""
    waiting, seen = [Study], set()
    while waiting:
        model: Any = waiting.pop(0)
        if model not in seen:
            seen.add(model)
            yield model
            waiting += [inner for field in model.__pydantic_fields__.values() for inner in models_of(field.annotation)]


def section(model: type[Any]) -> str:
    """A model as a heading, its description and a table of its options."""
    paragraphs = inspect.cleandoc(model.__doc__ or "").split("\n\n")
    lines = [f"\n## {model.__name__}\n", "\n\n".join(fill(text, WIDTH) for text in paragraphs), ""]
    lines += ["| Option | Value | Default |", "| --- | --- | --- |"]
    for name, field in model.__pydantic_fields__.items():
        if name != "stated":
            row = (f"`{name}`", shown_type(field.annotation), shown_default(field.default))
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |")
    return "\n".join(lines) + "\n"


def document() -> str:
    """The whole of `study.md`."""
    return HEAD + "".join(section(model) for model in reached())


if __name__ == "__main__":
    (FOLDER / "study.md").write_text(document(), encoding="utf-8")
