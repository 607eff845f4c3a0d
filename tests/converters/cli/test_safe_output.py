"""No command writes over what it reads or over anything but its own package; the manifest says what was read."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import CliRunner, Result
from fhir2cdisc.converters.cli.main import main
from fhir2cdisc.converters.formats import folder as dataset_folder
from fhir2cdisc.converters.run import pipeline

STUDY = 'id = "safe"\nstudyid = "SAFE"\ntitle = "Safe"\n[cohort]\nmembership = "all"\n'
PATIENT = '{"resourceType": "Patient", "id": "p%d", "gender": "female", "birthDate": "1960-05-01"}'
BULK = {"transactionTime": "2024-01-01T00:00:00Z", "output": [{"type": "Patient", "url": "https://a/1"}]}


def call(command: str, *arguments: object) -> Result:
    return CliRunner().invoke(main, [command, *map(str, arguments)])


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def world(tmp_path: Path) -> Path:
    """A source folder as a FHIR Bulk export leaves it, and a study file."""
    (tmp_path / "bulk").mkdir()
    (tmp_path / "bulk" / "Patient.ndjson").write_text(f"{PATIENT % 1}\n{PATIENT % 2}\n")
    (tmp_path / "bulk" / "more.json").write_text(PATIENT % 3)
    (tmp_path / "bulk" / "manifest.json").write_text(json.dumps(BULK))
    (tmp_path / "study.toml").write_text(STUDY)
    return tmp_path


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole package of one subject."""
    folder = tmp_path_factory.mktemp("safe")
    (folder / "a.json").write_text(PATIENT % 1)
    (folder / "study.toml").write_text(STUDY)
    done = call("run", folder / "a.json", "--study", folder / "study.toml", "--out", folder / "package")
    assert done.exit_code == 0, done.output
    return folder / "package"


@pytest.fixture
def source(request: pytest.FixtureRequest, world: Path, package: Path) -> Callable[[str], Path]:
    """What a command reads: the export, or the package."""
    return lambda command: world / "bulk" if command in ("run", "sdtm") else package


def refused(done: Result, words: str) -> None:
    assert done.exit_code == 1, done.output
    (line,) = [one for one in done.output.splitlines() if one.startswith("Error:")]
    assert words in line


COMMANDS = ["run", "sdtm", "adam", "results"]


@pytest.mark.parametrize("command", COMMANDS)
def test_the_source_is_never_the_output(command: str, source: Callable[[str], Path], world: Path) -> None:
    read = source(command)
    before, study = content(read.parent), ("--study", world / "study.toml", "--replace")
    (world / "link").symlink_to(read)
    for out in (read, world / "link", f"{read.parent}/x/../{read.name}"):
        refused(call(command, read, *study, "--out", out), "is the input")
    refused(call(command, world / "link", *study, "--out", read), "is the input")
    refused(call(command, read, *study, "--out", read / "new"), "lies in the input")
    refused(call(command, read, *study, "--out", read.parent), "holds the input")
    after = content(read.parent)
    assert {name: after[name] for name in before} == before and not (read / "new").exists()


@pytest.mark.parametrize("command", COMMANDS)
def test_a_bulk_export_and_a_folder_of_somebody_are_never_replaced(
    command: str, source: Callable[[str], Path], world: Path, tmp_path: Path
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("mine")
    (tmp_path / "export").mkdir()
    (tmp_path / "export" / "manifest.json").write_text(json.dumps(BULK))
    before = content(tmp_path)
    for name in ("mine", "export"):
        out = ("--out", tmp_path / name, "--replace")
        refused(call(command, source(command), "--study", world / "study.toml", *out), "is not a package")
    assert content(tmp_path) == before


@pytest.mark.parametrize("command", COMMANDS)
def test_a_package_is_replaced_and_one_with_a_thesis_is_not(
    command: str, source: Callable[[str], Path], world: Path
) -> None:
    given = (source(command), "--study", world / "study.toml", "--out", world / "out")
    assert call(command, *given).exit_code == 0
    refused(call(command, *given), "exists and is not empty; name a new or empty folder, or use --replace")
    first = content(world / "out")
    assert call(command, *given, "--replace").exit_code == 0
    assert content(world / "out") == first
    (world / "out" / "thesis.txt").write_text("mine")
    refused(call(command, *given, "--replace"), "thesis.txt is not of this package")
    assert content(world / "out") == {**first, "thesis.txt": b"mine"}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_study_file_in_the_output_is_kept(command: str, source: Callable[[str], Path], world: Path) -> None:
    (world / "out").mkdir()
    study = (world / "study.toml").rename(world / "out" / "study.toml")
    refused(call(command, source(command), "--study", study, "--out", world / "out", "--replace"), "holds the input")
    assert study.is_file()


@pytest.mark.parametrize("command", ["run", "sdtm"])
@pytest.mark.parametrize("option", ["--mapping", "--site", "--key-file", "--dictionary"])
def test_a_file_that_a_run_reads_beside_its_sources_is_kept(world: Path, command: str, option: str) -> None:
    (world / "out").mkdir()
    (world / "out" / "file").write_text("secret")
    given = (world / "bulk", "--study", world / "study.toml", "--out", world / "out", "--replace")
    refused(call(command, *given, option, world / "out" / "file"), "holds the input")
    assert (world / "out" / "file").is_file()


@pytest.mark.parametrize("command", ["adam", "results"])
def test_a_dataset_that_a_link_brings_from_the_output_is_kept(command: str, package: Path, world: Path) -> None:
    kind = "sdtm" if command == "adam" else "adam"
    (world / "in").mkdir()
    for path in (package / kind).glob("*.xpt"):
        (world / "in" / path.name).symlink_to(path)
    before = content(package)
    refused(
        call(command, world / "in", "--study", world / "study.toml", "--out", package, "--replace"), "holds the input"
    )
    assert content(package) == before


def test_results_are_a_folder_of_their_own_and_not_put_into_a_package(package: Path, world: Path) -> None:
    given = (package / "adam", "--study", world / "study.toml", "--out")
    refused(call("results", *given, package / "more"), "lies in the package")
    refused(call("adam", package / "sdtm", *given[1:], package / "more"), "lies in the package")
    assert not (package / "more").exists()


def test_simulate_takes_a_new_or_empty_folder_outside_of_packages(package: Path, world: Path) -> None:
    few = ("--patients", 1, "--out")
    before = content(package)
    refused(call("simulate", "apatinib-camrelizumab", *few, package), "exists and is not empty")
    refused(call("simulate", "apatinib-camrelizumab", *few, package / "more"), "lies in the package")
    refused(call("simulate", world / "study.toml", *few, world), "holds the input")
    assert content(package) == before


def tampered(world: Path, monkeypatch: pytest.MonkeyPatch, happens: Callable[[Path], object]) -> Result:
    """A run in which something happens to more.json after the run has begun to read."""
    route = pipeline.route

    def tamper(*arguments: Any) -> Any:
        happens(world / "bulk" / "more.json")
        return route(*arguments)

    monkeypatch.setattr(pipeline, "route", tamper)
    return call("sdtm", world / "bulk", "--study", world / "study.toml", "--out", world / "out")


def entries(out: Path) -> dict[str | None, dict[str, Any]]:
    """What was read, by SHA-256; no name of a file is there."""
    return {one["sha256"]: one for one in json.loads((out / "manifest.json").read_text())["inputs"]}


def sha(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


HAPPENS: list[tuple[str, Callable[[Path], object], str]] = [
    ("changed", lambda path: path.write_text(PATIENT % 4), "Read 4 resources = 3 mapped + 1 not needed + 0 rejected"),
    ("removed", lambda path: path.unlink(), "Files: 3 = 2 read + 0 not needed + 1 rejected"),
]


@pytest.mark.parametrize(("case", "happens", "accounts"), HAPPENS, ids=[h[0] for h in HAPPENS])
def test_an_input_that_changes_while_it_is_read_is_said(
    world: Path, monkeypatch: pytest.MonkeyPatch, case: str, happens: Callable[[Path], object], accounts: str
) -> None:
    before = sha(world / "bulk" / "more.json")
    done = tampered(world, monkeypatch, happens)
    assert done.exit_code == 0, done.output
    found = pd.read_csv(world / "out" / "findings" / "findings.csv")
    (said,) = found[found["rule"] == "source.changed"].to_dict("records")
    assert (said["severity"], said["file"]) == ("error", "bulk/more.json")
    assert [key for key, one in entries(world / "out").items() if one.get("changed")] == [before]
    # Two patients of the export are read as they were; its manifest is no record of a patient.
    assert accounts in done.output


def test_an_input_that_cannot_be_opened_is_rejected_and_does_not_stop_the_run(
    world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = Path.open

    def denied(self: Path, *arguments: Any, **more: Any) -> Any:
        if self.name == "more.json":
            raise PermissionError(13, "Permission denied", str(self))
        return opened(self, *arguments, **more)

    monkeypatch.setattr(Path, "open", denied)
    done = call("sdtm", world / "bulk", "--study", world / "study.toml", "--out", world / "out")
    assert done.exit_code == 0, done.output
    assert None in entries(world / "out")
    assert "more.json: cannot be read (PermissionError)" in (world / "out" / "findings" / "findings.csv").read_text()


def test_the_manifest_names_what_was_read_and_nothing_that_lay_beside_it(world: Path) -> None:
    (world / "bulk" / "key").write_text("secret")
    (world / "bulk" / "link.json").symlink_to("/etc/hostname")
    given = (world / "bulk", "--study", world / "study.toml", "--key-file", world / "bulk" / "key")
    assert call("sdtm", *given, "--out", world / "out").exit_code == 0
    read = [world / "bulk" / name for name in ("Patient.ndjson", "manifest.json", "more.json")]
    assert sorted(map(str, entries(world / "out"))) == sorted(map(sha, read))
    said = (world / "out" / "manifest.json").read_text()
    assert "Patient.ndjson" not in said and "more.json" not in said


@pytest.mark.parametrize("command", ["adam", "results"])
def test_a_dataset_that_changes_while_it_is_read_ends_the_command(
    package: Path, world: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    kind, name = ("sdtm", "dm.xpt") if command == "adam" else ("adam", "adsl.xpt")
    (world / "in").mkdir()
    for path in (package / kind).glob("*.xpt"):
        (world / "in" / path.name).write_bytes(path.read_bytes())
    read = dataset_folder.read_dataset

    def tamper(path: Path) -> Any:
        found = read(path)
        (world / "in" / name).write_bytes(b"x")
        return found

    assert call(command, world / "in", "--study", world / "study.toml", "--out", world / "right").exit_code == 0
    assert sha(package / kind / name) in entries(world / "right")
    monkeypatch.setattr(dataset_folder, "read_dataset", lambda path: tamper(path) if path.name == name else read(path))
    done = call(command, world / "in", "--study", world / "study.toml", "--out", world / "out")
    refused(done, f"in/{name}: was changed while it was read")
    assert not (world / "out").exists()


def test_what_was_changed_in_a_package_is_found_by_validate(package: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(package, tmp_path / "copy")
    assert "PKG-" not in call("validate", copy).output
    dataset = (copy / "adam" / "adsl.xpt").read_bytes()
    (copy / "adam" / "adsl.xpt").write_bytes(dataset.replace(b"SAFE-", b"SAVE-"))
    with (copy / "results" / "results.csv").open("a") as file:
        file.write("x")
    done = call("validate", copy)
    found = [line.split(maxsplit=2)[1:] for line in done.output.splitlines() if "PKG-" in line]
    assert found == [
        ["PKG-003", "adam/adsl.xpt has another content than was written"],
        ["PKG-003", "results/results.csv has another content than was written"],
    ]
    assert done.exit_code == 1


@pytest.mark.parametrize("option", ["--json", "--html"])
def test_a_report_is_not_written_into_a_package(package: Path, option: str) -> None:
    refused(call("validate", package, option, package / "report" / "mine"), "lies in the package")
    assert not (package / "report" / "mine").exists()
