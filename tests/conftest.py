"""What tests of several folders share."""

from __future__ import annotations

import importlib.util
import signal
from collections.abc import Callable
from functools import cache
from types import ModuleType

import pytest
from support.others import left_out
from support.packages import Package, package
from support.paths import ROOT

# A shell lets what it starts in the background ignore Ctrl-C, and so would every command that a test starts.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Files that simulate, run or check whole packages: `make quick` leaves them out.
SLOW = (
    "adam/subject/test_death.py",
    "adam/subject/test_new_therapy.py",
    "adam/subject/test_treatment.py",
    "adam/test_build.py",
    "adam/test_every_option.py",
    "adam/test_methods.py",
    "adam/test_sensitivity.py",
    "converters/check/test_validate.py",
    "converters/check/test_validate_package.py",
    "converters/cli/test_cli_run.py",
    "converters/cli/test_safe_output.py",
    "converters/extracts/test_accounts.py",
    "converters/extracts/test_database.py",
    "converters/extracts/test_days.py",
    "converters/extracts/test_draft_samples.py",
    "converters/extracts/test_last_contact.py",
    "converters/extracts/test_manual.py",
    "converters/extracts/test_samples.py",
    "converters/formats/test_blanks.py",
    "converters/run/test_adam_by_hand.py",
    "converters/run/test_adam_says_the_same.py",
    "converters/run/test_clock_run.py",
    "converters/run/test_derived_response.py",
    "converters/run/test_extract_run.py",
    "converters/run/test_extracts_truth.py",
    "converters/run/test_files_of_studies.py",
    "converters/run/test_habits.py",
    "converters/run/test_mutants.py",
    "converters/run/test_one_patient.py",
    "converters/run/test_outcomes.py",
    "converters/run/test_own_parameters_run.py",
    "converters/run/test_pipeline.py",
    "converters/run/test_real_bundles.py",
    "converters/run/test_run_package.py",
    "converters/run/test_sensitivity_run.py",
    "converters/run/test_shapes.py",
    "converters/run/test_truth.py",
    "converters/run/test_two_readers_run.py",
    "converters/run/test_unused_sources.py",
    "converters/run/test_values_by_hand.py",
    "converters/test_errors.py",
    "converters/test_temporary.py",
    "fhir/test_simulation_habits.py",
    "fhir/test_simulation_resources.py",
    "mappings/test_options_have_effect.py",
    "sdtm/test_deaths.py",
    "sdtm/test_medications.py",
    "sdtm/test_methods.py",
    "sdtm/test_observations.py",
    "sdtm/test_readers.py",
    "test_benchmarks.py",
    "test_readme.py",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--half 1` and `--half 2` run every other test file each, so that two processes run all tests."""
    parser.addoption("--half", type=int, choices=(1, 2), help="every other test file, from the first or the second on")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests of the slow files bear the mark `slow`; a file that is not there any more is an error."""
    slow = {ROOT / "tests" / name for name in SLOW}
    assert [str(path) for path in slow if not path.is_file()] == []
    for item in items:
        if item.path in slow:
            item.add_marker(pytest.mark.slow)
    if half := config.getoption("half"):
        mine = set(sorted({item.path for item in items})[half - 1 :: 2])
        config.hook.pytest_deselected(items=[item for item in items if item.path not in mine])
        items[:] = [item for item in items if item.path in mine]


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
