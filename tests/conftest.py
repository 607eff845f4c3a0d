"""What tests of several folders share."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from functools import cache
from types import ModuleType

import pytest
from support.others import left_out
from support.packages import Package, package
from support.paths import ROOT


@pytest.fixture(scope="session")
def generator() -> Callable[[str], ModuleType]:
    """Loads the program that makes a document from `docs`, by its name."""

    def load(name: str) -> ModuleType:
        spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / f"{name}.py")
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


@pytest.fixture(scope="session")
def package_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Package]:
    """A built-in study, simulated and run once for the session, by its name; to be read only."""

    @cache
    def made(name: str) -> Package:
        return package(name, tmp_path_factory.mktemp(name))

    return made


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The last line says how many tests need what is not here, and where to put it."""
    said = left_out([str(report.longrepr) for report in terminalreporter.stats.get("skipped", [])])
    if said:
        terminalreporter.write_line(said)
