"""The tree of exceptions is drawn as it is, and every command turns each of them into one sentence."""

from __future__ import annotations

import errno
import importlib
import inspect
import os
import re
import subprocess
import sys
from pathlib import Path
from tempfile import gettempdir
from typing import Any

import pytest
from click.testing import CliRunner
from fhir2cdisc.converters import errors
from fhir2cdisc.converters.check.reading import read_package
from fhir2cdisc.converters.cli.main import main
from fhir2cdisc.converters.errors import DatasetJsonError, Fhir2CdiscError, PackageError, TraceError, WorkerError
from fhir2cdisc.converters.formats.dataset_json import read_dataset_json
from fhir2cdisc.converters.run.executor import executor
from fhir2cdisc.converters.trace import TracedPackage

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("fhir", "mappings", "sdtm", "adam", "converters")


def drawn() -> dict[str, str]:
    """The parent of each exception by the indentation of the drawing."""
    above: list[str] = ["ValueError"]
    found = {}
    for line in (errors.__doc__ or "").splitlines():
        if named := re.match(r"( *)(\w+Error)\b", line):
            depth = len(named[1]) // 2
            above[depth + 1 :] = [named[2]]
            found[named[2]] = above[depth]
    return found


def defined() -> dict[str, str]:
    """The parent of each exception that any module of the product defines."""
    found = {}
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            name = ".".join(("fhir2cdisc", *path.relative_to(ROOT).with_suffix("").parts))
            module = importlib.import_module(name)
            for value in vars(module).values():
                if inspect.isclass(value) and issubclass(value, BaseException) and value.__module__ == name:
                    found[value.__name__] = value.__bases__[0].__name__
    return found


def test_the_tree_is_drawn_as_it_is() -> None:
    assert drawn() == defined()
    assert sorted(drawn()) == sorted(errors.__all__)


# A call of each command that reaches it: only what click itself checks must be right.
CALLS: dict[str, tuple[str, ...]] = {
    "run": ("in", "--study", "s", "--out", "out"),
    "sdtm": ("in", "--study", "s", "--out", "out"),
    "adam": (".", "--study", "s", "--out", "out"),
    "results": (".", "--study", "s", "--out", "out"),
    "validate": (".",),
    "trace": (".", "DM", "A=1"),
    "map": ("in", "--draft"),
    "simulate": ("s", "--out", "out"),
    "studies": (),
}
SAID: list[tuple[BaseException, str]] = [
    *((getattr(errors, name)("what is wrong"), "what is wrong") for name in errors.__all__ if name != "XptError"),
    (errors.XptError(["what is wrong"]), "what is wrong"),
    (OSError(errno.ENOSPC, "No space left on device", "/data/x"), "/data/x: No space left on device"),
    (PermissionError(errno.EACCES, "Permission denied", "/data"), "/data: Permission denied"),
    (OSError("something of Arrow"), "something of Arrow"),
]


@pytest.mark.parametrize(("error", "words"), SAID, ids=[repr(error) for error, _ in SAID])
@pytest.mark.parametrize("command", sorted(main.commands))
def test_every_command_says_it_in_one_sentence(
    command: str, error: BaseException, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**given: Any) -> None:
        raise error

    monkeypatch.setattr(main.commands[command], "callback", fail)
    done = CliRunner().invoke(main, [command, *CALLS[command]])
    assert (done.exit_code, done.output) == (1, f"Error: {words}\n")


def test_a_fault_of_the_product_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(main.commands["studies"], "callback", lambda **given: {}["a fault"])
    assert isinstance(CliRunner().invoke(main, ["studies"]).exception, KeyError)


PATIENT = '{"resourceType": "Patient", "id": "p%d", "gender": "female", "birthDate": "1960-05-01"}'
STUDY = 'id = "e"\nstudyid = "E"\ntitle = "E"\n[cohort]\nmembership = "all"\n'
# Runs a command in a process that may write files of so many bytes only, as on a disk that is almost full.
LIMITED = """
import resource, sys
limit = int(sys.argv.pop(1))
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
from fhir2cdisc.converters.cli.main import main
main()
"""


# The bytes a file may have, the call, and the place that is named; with 300 bytes the temporary files of a run fit.
REFUSED = [
    (10, "run in --study study.toml --out out", f"{gettempdir()}: File too large"),
    (300, "run in --study study.toml --out out", "out: cannot be written (File too large)"),
    (300, "simulate apatinib-camrelizumab --patients 2 --out out", "out: cannot be written (File too large)"),
    (10, "validate empty --json out", "out: File too large"),
    (9999, "validate empty --json empty", "Is a directory"),
    (10, "validate empty --json in/a.json/out", "in/a.json"),
    (10, f"simulate apatinib-camrelizumab --out {'x' * 300}", "File name too long"),
]


@pytest.mark.parametrize(("limit", "command", "words"), REFUSED)
def test_what_the_system_refuses_is_one_sentence_and_leaves_nothing(
    tmp_path: Path, limit: int, command: str, words: str
) -> None:
    pytest.importorskip("resource")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.json").write_text(PATIENT % 1)
    (tmp_path / "study.toml").write_text(STUDY)
    (tmp_path / "empty").mkdir()
    before = sorted(tmp_path.rglob("*"))
    call = [sys.executable, "-c", LIMITED, str(limit), *command.split()]
    done = subprocess.run(call, cwd=tmp_path, capture_output=True, text=True, check=False)
    *_, line = done.stderr.splitlines()
    assert (done.returncode, line[:7], "Traceback" in done.stderr) == (1, "Error: ", False), done.stderr
    assert words in line
    assert sorted(tmp_path.rglob("*")) == before


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    code = "from fhir2cdisc.converters.cli.main import main; main()"
    call = [sys.executable, "-c", code, "studies", "hepatobiliary-rws"]
    with subprocess.Popen(call, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        assert b"Error" not in process.stderr.read()


def stop() -> None:
    os._exit(9)


def test_a_worker_that_is_ended_is_one_sentence() -> None:
    engine = executor(2)
    try:
        with pytest.raises(WorkerError, match="a worker process was ended"):
            list(engine.gather(engine.map(stop, [()])))
    finally:
        engine.close()


@pytest.mark.parametrize("name", ["lineage/sdtm.parquet", "sdtm/dm.xpt"])
def test_a_damaged_package_cannot_be_traced(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir()
    (tmp_path / name).write_bytes(b"damaged")
    package = TracedPackage(tmp_path)
    with pytest.raises(TraceError, match="cannot be read"):
        package.dataset("DM") if name.endswith(".xpt") else package.lineage("sdtm")


def test_a_document_nested_too_deeply_is_no_dataset(tmp_path: Path) -> None:
    (tmp_path / "dm.json").write_bytes(b'{"columns":' + b"[" * 200_000 + b"]" * 200_000 + b"}")
    with pytest.raises(DatasetJsonError, match=r"dm\.json: no Dataset-JSON"):
        read_dataset_json(tmp_path / "dm.json")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'<?xml version="1.0" encoding="UTF-8"?><a b="M\xfcller"/>', "cannot be read: Invalid bytes"),
        (b"<a", "is not well-formed XML"),
    ],
)
def test_a_define_that_cannot_be_read_is_a_finding(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "sdtm").mkdir()
    (tmp_path / "sdtm" / "define.xml").write_bytes(content)
    (hit,) = read_package(tmp_path).malformed
    assert f"sdtm/define.xml {words}" in hit.message


def test_the_root_is_a_value_error_as_before() -> None:
    assert issubclass(Fhir2CdiscError, ValueError) and issubclass(PackageError, Fhir2CdiscError)
