"""The manifest names what went in and out, the same on every day, and finds what was changed since."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from fhir2cdisc.converters.layout import arrange_ectd
from fhir2cdisc.converters.run.manifest import build_manifest, changed_outputs, write_manifest


@pytest.fixture
def package(tmp_path: Path) -> Path:
    for name, content in {
        "in/b.json": "{}",
        "in/a/c.json": "[]",
        "out/sdtm/dm.xpt": "DM",
        "out/sdtm/define.xml": "<a/>",
        "out/adam/adsl.xpt": "ADSL",
        "out/.x.part": "unfinished",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return tmp_path / "out"


def test_files_are_named_relative_with_size_and_hash(package: Path) -> None:
    manifest = build_manifest([package.parent / "in"], package, options={"study": "SYN01"})
    assert [entry["path"] for entry in manifest["inputs"]] == ["in/a/c.json", "in/b.json"]
    assert [entry["path"] for entry in manifest["outputs"]] == [
        "adam/adsl.xpt",
        "sdtm/define.xml",
        "sdtm/dm.xpt",
    ]
    assert manifest["outputs"][2] == {
        "path": "sdtm/dm.xpt",
        "bytes": 2,
        "sha256": hashlib.sha256(b"DM").hexdigest(),
    }
    assert manifest["options"] == {"study": "SYN01"}
    assert manifest["product"]["name"] == "fhir2cdisc"


def test_the_manifest_is_the_same_wherever_and_whenever(
    package: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    first = write_manifest(build_manifest([package.parent / "in"], package), package).read_bytes()
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    moved = tmp_path / "elsewhere"
    package.parent.joinpath("in").rename(tmp_path / "moved_in")
    package.rename(moved)
    (tmp_path / "moved_in").rename(tmp_path / "in")
    again = write_manifest(build_manifest([tmp_path / "in"], moved), moved).read_bytes()
    assert first == again
    assert str(tmp_path).encode() not in first


def test_a_root_keeps_the_folders_above_the_inputs(package: Path) -> None:
    root = package.parent
    manifest = build_manifest([root / "in" / "a" / "c.json"], package, root=root)
    assert [entry["path"] for entry in manifest["inputs"]] == ["in/a/c.json"]


def test_what_changed_since_is_found(package: Path) -> None:
    write_manifest(build_manifest([], package), package)
    assert changed_outputs(package) == []
    (package / "sdtm" / "dm.xpt").write_text("DX", encoding="utf-8")
    (package / "adam" / "adsl.xpt").unlink()
    (package / "adam" / "new.xpt").write_text("", encoding="utf-8")
    assert changed_outputs(package) == [
        "adam/adsl.xpt: missing",
        "adam/new.xpt: not in the manifest",
        "sdtm/dm.xpt: other content than written",
    ]
    assert json.loads((package / "manifest.json").read_text(encoding="utf-8"))["outputs"][0]["path"] == "adam/adsl.xpt"


def test_the_ectd_folders(package: Path, tmp_path: Path) -> None:
    copies = arrange_ectd(package, tmp_path / "ectd", "SYN 01")
    assert [p.relative_to(tmp_path / "ectd").as_posix() for p in copies] == [
        "m5/datasets/syn-01/tabulations/sdtm/define.xml",
        "m5/datasets/syn-01/tabulations/sdtm/dm.xpt",
        "m5/datasets/syn-01/analysis/adam/datasets/adsl.xpt",
    ]
    assert copies[1].read_text(encoding="utf-8") == "DM"
