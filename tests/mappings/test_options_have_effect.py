"""Every option of a study file, and every key of a mapping or site file, is read by product code and leaves a choice.

mypy knows the type of what an attribute is read of, so `Visit.name` is not taken for `Drug.name`. What it does not
see: whether what is read changes anything, and what is read without a name (`model_dump`, `getattr`; see below).
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from inspect import get_annotations
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

import pytest
from fhir2cdisc.adam.response.options import ResponseOptions
from fhir2cdisc.mappings.model import DomainMap, ResourceRule, SiteMap, SiteTest, VariableMap
from fhir2cdisc.mappings.study import Study
from fhir2cdisc.mappings.study_base import Model
from fhir2cdisc.mappings.study_sections import Biomarker, Endpoint, Population, Questionnaire, Response
from support.paths import ROOT

# Words for the reader of the file and of `fhir2cdisc studies`; nothing computes with them.
WORDS = {
    (Population, "title"),
    (Population, "definition"),
    (Questionnaire, "title"),
    (Biomarker, "title"),
    (Endpoint, "condition"),
    (Endpoint, "time_frame"),
    (SiteMap, "site"),
}
# Read without a name: the response options as a whole, and the field of a test that a mapping names.
UNNAMED = {(Response, name) for name in ResponseOptions.__dataclass_fields__}
UNNAMED |= {(SiteTest, name) for name in get_args(VariableMap.model_fields["test"].annotation)}


def inner(kind: Any) -> list[type[Model]]:
    if isinstance(kind, type) and issubclass(kind, Model):
        return [kind]
    return [model for part in get_args(kind) for model in inner(part)]


def models(*roots: type[Model]) -> Iterator[type[Model]]:
    """The roots and every model that their fields hold, each once."""
    waiting, seen = list(roots), set()
    while waiting:
        model = waiting.pop(0)
        if model not in seen:
            seen.add(model)
            yield model
            waiting += [one for field in model.model_fields.values() for one in inner(field.annotation)]


FIELDS = [
    (model, name)
    for model in models(Study, DomainMap, SiteMap, ResourceRule)
    for name in model.model_fields
    if name != "stated"
]


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """`module.Class.attribute` of all that product code reads of the models; telling and checking do not count."""
    folder = tmp_path_factory.mktemp("reads")
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["mypy"]["packages"]
    (folder / "mypy.ini").write_text(
        f"[mypy]\nplugins = pydantic.mypy, {ROOT / 'tests' / 'support' / 'mypy_reads.py'}\n"
        f"packages = {', '.join(packages)}\nnamespace_packages = True\nexplicit_package_bases = True\n"
        "ignore_missing_imports = True\nfollow_imports = silent\n"
    )
    command = [sys.executable, "-m", "mypy", "--config-file", str(folder / "mypy.ini"), f"--cache-dir={os.devnull}"]
    environment = {**os.environ, "FHIR2CDISC_READS": str(folder / "reads.tsv")}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [line.split("\t") for line in (folder / "reads.tsv").read_text(encoding="utf-8").splitlines()]
    return {name for name, path, line in lines if not path.endswith("explain.py") and int(line) not in beside(path)}


@cache
def beside(path: str) -> set[int]:
    """The lines of a file on which a field is declared or checked."""
    tree = ast.parse(Path(path).read_text(encoding="utf-8"))
    parts = [one for node in ast.walk(tree) if isinstance(node, ast.ClassDef) for one in node.body if is_beside(one)]
    return {line for one in parts for line in range(one.lineno, (one.end_lineno or one.lineno) + 1)}


def is_beside(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.FunctionDef):
        return any("validator" in ast.dump(one) for one in statement.decorator_list)
    return isinstance(statement, ast.AnnAssign)


def declared_as(model: type[Model], name: str) -> str:
    owner = next(one for one in model.__mro__ if name in get_annotations(one))
    return f"{owner.__module__}.{owner.__name__}.{name}"


def test_every_option_is_read(read: set[str]) -> None:
    unread = {(model, name) for model, name in FIELDS if declared_as(model, name) not in read}
    assert unread - UNNAMED == WORDS


def values(kind: Any) -> list[Any]:
    """The legal values of an option whose type lists them, else nothing."""
    if get_origin(kind) is Literal:
        return list(get_args(kind))
    if get_origin(kind) in (Union, UnionType):
        return [value for part in get_args(kind) for value in values(part)]
    return []


def test_no_option_has_a_single_legal_value() -> None:
    choices = {(model.__name__, name): values(model.model_fields[name].annotation) for model, name in FIELDS}
    assert [option for option, legal in choices.items() if len(legal) == 1] == []
