"""The manifest names what was read and what was written, the same on every day, and finds what was changed since."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from fhir2cdisc.converters.manifest import (
    Differences,
    build_manifest,
    differences,
    is_ours,
    look_again,
    note_inputs,
    write_manifest,
)


@pytest.fixture
def package(tmp_path: Path) -> Path:
    for name, content in {
        "in/b.json": "{}",
        "in/a/c.json": "[]",
        "out/sdtm/dm.xpt": "DM",
        "out/sdtm/define.xml": "<a/>",
        "out/adam/adsl.xpt": "ADSL",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return tmp_path / "out"


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_outputs_are_named_relative_inputs_numbered_in_the_order_of_their_hashes(package: Path) -> None:
    folder = package.parent / "in"
    inputs = note_inputs([(folder / "b.json", "in/b.json"), (folder / "a" / "c.json", "in/a/c.json")])
    manifest = build_manifest(inputs, package, {"study": "SYN01"})
    assert manifest["inputs"] == [
        {"input": 1, "bytes": 2, "sha256": sha("{}")},
        {"input": 2, "bytes": 2, "sha256": sha("[]")},
    ]
    assert [entry["path"] for entry in manifest["outputs"]] == ["adam/adsl.xpt", "sdtm/define.xml", "sdtm/dm.xpt"]
    assert manifest["outputs"][2] == {"path": "sdtm/dm.xpt", "bytes": 2, "sha256": sha("DM")}
    assert manifest["options"] == {"study": "SYN01"}
    assert manifest["product"]["name"] == "fhir2cdisc"


def test_the_manifest_is_the_same_wherever_and_whenever(
    package: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def written(folder: Path, given: Path) -> bytes:
        write_manifest(build_manifest(note_inputs([(given, "in/b.json")]), folder, {}), folder)
        return (folder / "manifest.json").read_bytes()

    first = written(package, tmp_path / "in" / "b.json")
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    package.rename(tmp_path / "elsewhere")
    (tmp_path / "in").rename(tmp_path / "moved")
    os.utime(tmp_path / "moved" / "b.json", (0, 0))
    assert written(tmp_path / "elsewhere", tmp_path / "moved" / "b.json") == first
    assert str(tmp_path).encode() not in first


def replaced(path: Path) -> None:
    path.rename(path.with_name("other"))
    path.write_text("{}")


# What happens to an input of the content {} after it was noted, and whether that is a change of what was read.
HAPPENS: list[tuple[str, Callable[[Path], object], bool]] = [
    ("nothing", lambda path: None, False),
    ("it is read", lambda path: path.read_bytes(), False),
    ("its times change", lambda path: os.utime(path, (0, 0)), False),
    ("it is put there again with the same content", replaced, False),
    ("it grows", lambda path: path.write_text("{} "), True),
    ("another content of the same length", lambda path: path.write_text("[]"), True),
    ("it is removed", lambda path: path.unlink(), True),
]


@pytest.mark.parametrize(("case", "happens", "changed"), HAPPENS, ids=[h[0] for h in HAPPENS])
def test_an_input_is_noted_as_it_was_before_it_was_read(
    package: Path, case: str, happens: Callable[[Path], object], changed: bool
) -> None:
    path = package.parent / "in" / "b.json"
    noted = note_inputs([(path, "b.json")])
    happens(path)
    (entry,) = build_manifest(look_again(noted), package, {})["inputs"]
    assert entry == {"input": 1, "bytes": 2, "sha256": sha("{}"), **({"changed": True} if changed else {})}


def test_an_input_that_cannot_be_opened_is_named_without_a_hash(package: Path) -> None:
    folder, gone = package.parent / "in", package.parent / "gone.json"
    noted = look_again(note_inputs([(folder, "in"), (gone, "gone.json")]))  # nobody can read a folder as a file
    assert [(one.name, one.sha256, one.changed) for one in noted] == [("in", "", False), ("gone.json", "", False)]
    assert [entry["sha256"] for entry in build_manifest(noted, package, {})["inputs"]] == [None, None]
    gone.write_text("{}")
    assert [one.changed for one in look_again(noted)] == [False, True]


def test_what_changed_since_is_found(package: Path) -> None:
    assert differences(package) is None and not is_ours(package)
    write_manifest(build_manifest([], package, {}), package)
    assert differences(package) == Differences() and is_ours(package)
    (package / "sdtm" / "dm.xpt").write_text("DX", encoding="utf-8")
    (package / "adam" / "adsl.xpt").unlink()
    (package / "adam" / "new.xpt").write_text("", encoding="utf-8")
    (package / "adam" / "link").symlink_to(package / "sdtm")
    assert differences(package) == Differences(("adam/adsl.xpt",), ("sdtm/dm.xpt",), ("adam/link", "adam/new.xpt"))
