"""Nothing raw of a patient stays in temporary folders, however a run ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner
from fhir2cdisc.converters import temporary
from fhir2cdisc.converters.cli.main import main
from fhir2cdisc.converters.temporary import remove_abandoned, room_in, temporary_folder

HOST = temporary._HOST


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("simulated")
    given = ["simulate", "lenvatinib-pembrolizumab", "--patients", "40", "--seed", "3", "--out", str(folder / "s")]
    assert CliRunner().invoke(main, given).exit_code == 0
    return folder / "s" / "fhir"


def started(source: Path, folder: Path, workers: int) -> subprocess.Popen[bytes]:
    """A run in a process of its own, once it has put patients' data into its temporary folder."""
    (folder / "tmp").mkdir(exist_ok=True)
    code = "from fhir2cdisc.converters.cli.main import main; main()"
    given = ["run", source, "--study", "lenvatinib-pembrolizumab", "--out", folder / "out", "--workers", workers]
    process = subprocess.Popen(
        [sys.executable, "-c", code, *map(str, given)],
        env={**os.environ, "TMPDIR": str(folder / "tmp")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    for _ in range(600):
        if any((folder / "tmp").glob("fhir2cdisc-*/*")) or process.poll() is not None:
            break
        time.sleep(0.02)
    assert process.poll() is None, "the run ended before it could be stopped"
    return process


def left(folder: Path) -> list[str]:
    """The folders of ours in the temporary place and beside the output."""
    return [
        path.name for path in (*folder.glob("tmp/fhir2cdisc-*"), *folder.glob(".fhir2cdisc-*"), *folder.glob("out"))
    ]


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP], ids=lambda one: one.name)
def test_a_run_that_is_ended_leaves_nothing(source: Path, tmp_path: Path, number: signal.Signals, workers: int) -> None:
    process = started(source, tmp_path, workers)
    process.send_signal(number)
    assert process.wait(60) != 0
    assert left(tmp_path) == []


def test_what_a_killed_run_left_is_removed_by_the_next(source: Path, tmp_path: Path) -> None:
    process = started(source, tmp_path, 1)
    process.kill()
    process.wait(60)
    (raw,) = left(tmp_path)
    assert raw.startswith(f"fhir2cdisc-{process.pid}-")
    remove_abandoned(tmp_path / "tmp")
    assert left(tmp_path) == []


def dead() -> int:
    """The number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait(60)
    return process.pid


# Name of a folder with the number of a dead process | whether it is removed
FOLDERS = [
    (f"fhir2cdisc-{{dead}}-{HOST}-abc", True),
    (f".fhir2cdisc-{{dead}}-{HOST}-abc", True),
    ("fhir2cdisc-{dead}-00000000-abc", HOST == "00000000"),
    (f"fhir2cdisc-{{live}}-{HOST}-abc", False),
    (f".fhir2cdisc-{{dead}}-{HOST}-abc.old", False),
    (f"fhir2cdisc-{HOST}-abc", False),
    ("fhir2cdisc-thesis", False),
    (f"my-fhir2cdisc-{{dead}}-{HOST}-abc", False),
]


@pytest.mark.parametrize(("name", "gone"), FOLDERS, ids=[one[0] for one in FOLDERS])
def test_only_what_a_dead_process_of_ours_made_is_removed(tmp_path: Path, name: str, gone: bool) -> None:
    folder = tmp_path / name.format(dead=dead(), live=os.getpid())
    (folder / "raw").mkdir(parents=True)
    remove_abandoned(tmp_path)
    assert folder.exists() is not gone


def test_a_new_package_beside_an_old_one_that_waits_is_kept(tmp_path: Path) -> None:
    room = tmp_path / f".fhir2cdisc-{dead()}-{HOST}-abc"
    (room / "new").mkdir(parents=True)
    room.with_name(f"{room.name}.old").mkdir()
    remove_abandoned(tmp_path)
    assert room.exists()


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / f"fhir2cdisc-{dead()}-{HOST}-abc").symlink_to(tmp_path / "mine")
    remove_abandoned(tmp_path)
    assert (tmp_path / "mine").is_dir()


def test_only_the_owner_may_enter(tmp_path: Path) -> None:
    with temporary_folder() as folder:
        assert folder.stat().st_mode & 0o777 == 0o700
    assert not folder.exists()
    assert room_in(tmp_path).stat().st_mode & 0o777 == 0o700
