"""The house rules: one import package out of five folders, imports that run downstream only."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = ["fhir", "mappings", "sdtm", "adam", "converters"]
# Who may import whom: adam takes frames only, so nothing of fhir or sdtm; the root of all exceptions is everybody's.
ALLOWED = {
    "fhir": {"fhir", "mappings.errors"},
    "mappings": {"mappings"},
    "sdtm": {"fhir", "mappings", "sdtm"},
    "adam": {"mappings", "adam"},
    "converters": {"fhir", "mappings", "sdtm", "adam", "converters"},
}
# The rooms of a wing (folders, and files that stand in the wing itself) from the ground up: a room imports rooms of
# the floors below it and nothing of its own floor but itself.
FLOORS = {
    "adam": [
        "frames statistics",
        "criteria",
        "tumour time_to_event",
        "response",
        "subject safety questionnaires tripwires",
        "plan",
        "results lineage",
        "build",
    ],
    "sdtm": [
        "columns methods",
        "timing standard_results lineage",
        "rows",
        "cells subject trial",
        "draft",
        "domains",
        "links",
        "assemble",
        "describe",
    ],
    "converters": [
        "atomic choices page temporary",
        "manifest",
        "package",
        "xpt",
        "define",
        "formats",
        "check",
        "documents extracts",
        "run trace",
        "cli errors",
    ],
}
# The simulator writes FHIR for a study, so it alone in fhir/ reads the study models.
ALLOWED_SIMULATION = {"fhir", "mappings"}


def modules(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_init_file_would_hide_the_installed_fhir_package(folder: str) -> None:
    assert list((ROOT / folder).rglob("__init__.py")) == []
    assert (ROOT / folder / "py.typed").exists()


def test_fhir_resources_is_importable_with_the_root_as_current_directory() -> None:
    code = "import fhir.resources.R4B.patient as p; print(p.Patient.__name__)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.returncode) == ("Patient", 0)


def imported(path: Path) -> set[str]:
    """The fhir2cdisc modules that a file imports, without the leading package name."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return {name.removeprefix("fhir2cdisc.") for name in names if name.startswith("fhir2cdisc.")}


@pytest.mark.parametrize("folder", FOLDERS)
def test_imports_run_downstream_only(folder: str) -> None:
    wrong = []
    for path in modules(folder):
        allowed = ALLOWED_SIMULATION if "simulation" in path.parts else ALLOWED[folder]
        wrong += [
            f"{path.relative_to(ROOT)} imports {name}"
            for name in sorted(imported(path))
            if not any(name == ok or name.startswith(ok + ".") or ok.startswith(name + ".") for ok in allowed)
            and name not in allowed
        ]
    assert wrong == []


def room(module: str) -> str:
    """`converters.run.order` is of the room run, `converters.package` a room of its own."""
    return module.split(".")[1] if "." in module else ""


@pytest.mark.parametrize("wing", sorted(FLOORS))
def test_every_room_has_its_floor(wing: str) -> None:
    rooms = {room(".".join(path.relative_to(ROOT).with_suffix("").parts)) for path in modules(wing)}
    assert sorted(" ".join(FLOORS[wing]).split()) == sorted(rooms)


@pytest.mark.parametrize("wing", sorted(FLOORS))
def test_rooms_import_from_the_floors_below_them(wing: str) -> None:
    floor = {name: number for number, names in enumerate(FLOORS[wing]) for name in names.split()}
    wrong = []
    for path in modules(wing):
        own = room(".".join(path.relative_to(ROOT).with_suffix("").parts))
        used = {room(name) for name in imported(path) if name.startswith(f"{wing}.")} - {own}
        wrong += [f"{path.relative_to(ROOT)} imports {name}" for name in sorted(used) if floor[name] >= floor[own]]
    assert wrong == []


def test_statistics_know_no_frames_of_ours_and_no_standard() -> None:
    """Numbers in, numbers out: numpy, scipy and pandas are enough for a method."""
    wrong = [
        f"{path.name} imports {name}"
        for path in (ROOT / "adam" / "statistics").glob("*.py")
        for name in sorted(imported(path))
        if not name.startswith("adam.statistics")
    ]
    assert wrong == []


def test_derivations_take_options_and_never_a_study() -> None:
    """Only the plan reads a study, and those who ask the plan (results, build)."""
    wrong = [
        str(path.relative_to(ROOT))
        for path in modules("adam")
        if "mappings.study.Study" in imported(path) and path.stem not in ("plan", "build")
    ]
    assert wrong == []


def test_every_folder_with_modules_is_named_in_the_packaging() -> None:
    tool = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    folders = {str(p.parent.relative_to(ROOT)).replace("/", ".") for f in FOLDERS for p in modules(f)}
    assert folders <= {name.removeprefix("fhir2cdisc.") for name in tool["packages"]}
    assert set(tool["packages"]) == set(tool["package-dir"])


def named(requirement: str) -> str:
    """The distribution that a requirement names, as the package index writes it."""
    return re.split(r"[^\w.-]", requirement, maxsplit=1)[0].lower().replace("_", "-").replace(".", "-")


def libraries(path: Path) -> set[str]:
    """The packages that a file imports, by name too (`import_module("fhir.resources...")`)."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            found |= {str(one.value) for one in ast.walk(node.args[0]) if isinstance(one, ast.Constant)}
    return {name.split(".")[0] for name in found} - {"", "fhir2cdisc"} - sys.stdlib_module_names


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    found: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return found


def test_a_dependency_is_what_a_product_file_imports(project: dict[str, Any]) -> None:
    of = packages_distributions()
    optional = [name for names in project["project"]["optional-dependencies"].values() for name in names]
    declared, offered = ({named(one) for one in ones} for ones in (project["project"]["dependencies"], optional))
    paths = [path for folder in FOLDERS for path in modules(folder)]
    imports = {(path.relative_to(ROOT), name) for path in paths for name in libraries(path)}
    used = {named(one) for _, name in imports for one in of[name]}
    assert sorted(declared - used) == [], "a dependency that no product file imports"
    unknown = [(path, name) for path, name in imports if not {named(one) for one in of[name]} & (declared | offered)]
    assert unknown == [], "an import that is no declared dependency"


def test_what_tests_and_benchmarks_import_is_declared_and_locked(project: dict[str, Any]) -> None:
    of, groups = packages_distributions(), project["dependency-groups"]["test"]
    declared = {named(one) for one in (*project["project"]["dependencies"], *groups)}
    paths = [path for folder in ("tests", "benchmarks", "docs") for path in (ROOT / folder).rglob("*.py")]
    own = {path.stem for path in paths} | {"support"}
    imports = {(path.relative_to(ROOT), name) for path in paths for name in libraries(path) - own}
    assert [pair for pair in imports if not {named(one) for one in of[pair[1]]} & declared] == []
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    locked = {named(line) for line in lock.splitlines() if "==" in line}
    assert sorted(declared - locked) == []


def test_the_lock_file_holds_hashes_and_no_url_or_index() -> None:
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert "--hash=sha256:" in text
    for word in ("http", "index", "find-links", "://"):
        assert word not in text
