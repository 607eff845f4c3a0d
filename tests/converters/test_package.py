"""A package appears whole or not at all, and nothing but an unchanged package of ours is ever replaced."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from fhir2cdisc.converters.manifest import build_manifest, write_manifest
from fhir2cdisc.converters.package import PackageError, arrange_ectd, check_writable, new_folder


def old_package(folder: Path) -> Path:
    """A package of ours with two files."""
    out = folder / "out"
    (out / "sdtm").mkdir(parents=True)
    (out / "sdtm" / "dm.xpt").write_text("DM")
    (out / "results.csv").write_text("1")
    write_manifest(build_manifest([], out, {}), out)
    return out


def content(folder: Path) -> dict[str, str]:
    """Everything below a folder by name, links by what they name."""
    return {
        path.relative_to(folder).as_posix(): f"-> {path.readlink()}" if path.is_symlink() else path.read_text()
        for path in sorted(folder.rglob("*"))
        if path.is_symlink() or path.is_file()
    }


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def test_a_folder_appears_when_the_block_ends_well(tmp_path: Path) -> None:
    with new_folder(tmp_path / "a" / "out") as part:
        (part / "x").write_text("x")
        assert not (tmp_path / "a" / "out").exists()
    assert content(tmp_path) == {"a/out/x": "x"}


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_the_rights_of_a_package_are_those_that_the_umask_gives(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        with new_folder(tmp_path / "out") as part:
            (part / "sdtm").mkdir()
    finally:
        os.umask(before)
    assert {(tmp_path / name).stat().st_mode & 0o777 for name in ("out", "out/sdtm")} == {0o777 & ~umask}


@pytest.mark.parametrize("error", [RuntimeError("stop"), KeyboardInterrupt()])
def test_a_failure_leaves_no_trace_and_the_old_package_as_it_was(tmp_path: Path, error: BaseException) -> None:
    out = old_package(tmp_path)
    before = content(tmp_path)
    with pytest.raises(type(error)), new_folder(out, replace_old=True) as part:
        (part / "x").write_text("x")
        raise error
    assert content(tmp_path) == before and names(tmp_path) == ["out"]


def test_an_old_package_comes_back_when_the_new_one_cannot_take_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = old_package(tmp_path)
    before = content(tmp_path)
    rename: Callable[[Path, Path], Path] = Path.rename

    def refuse(self: Path, target: Path) -> Path:
        if target == out and not self.name.endswith(".old"):
            raise OSError(13, "Permission denied")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(PackageError, match="Permission denied"), new_folder(out, replace_old=True):
        pass
    assert content(tmp_path) == before and names(tmp_path) == ["out"]


def test_a_package_is_replaced_with_all_that_was_in_it(tmp_path: Path) -> None:
    out = old_package(tmp_path)
    check_writable(out, replace_old=True, inputs=[])
    with new_folder(out, replace_old=True) as part:
        (part / "new").write_text("new")
    assert content(tmp_path) == {"out/new": "new"} and names(tmp_path) == ["out"]


def test_an_old_package_that_cannot_be_removed_is_named_and_the_new_one_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, remove = old_package(tmp_path), shutil.rmtree

    def refuse(path: Path, ignore_errors: bool = False) -> None:
        if path.name.endswith(".old"):
            raise PermissionError(13, "Permission denied", str(path))
        remove(path, ignore_errors)

    monkeypatch.setattr(shutil, "rmtree", refuse)
    with pytest.raises(PermissionError, match=r"\.old"), new_folder(out, replace_old=True) as part:
        (part / "new").write_text("new")
    assert content(out) == {"new": "new"}


def test_a_link_is_followed_to_the_folder_that_it_names(tmp_path: Path) -> None:
    old_package(tmp_path / "disk")
    link = tmp_path / "link"
    for made, target in (("replaced", "disk/out"), ("new", "disk/other")):
        link.unlink(missing_ok=True)
        link.symlink_to(tmp_path / target)
        with new_folder(link, replace_old=True) as part:
            (part / made).write_text(made)
    named = {"disk/out/replaced": "replaced", "disk/other/new": "new", "link": f"-> {tmp_path / 'disk/other'}"}
    assert content(tmp_path) == named


def bulk_export(out: Path) -> None:
    (out / "Patient.ndjson").write_text("{}")
    said = {"transactionTime": "2024-01-01T00:00:00Z", "request": "https://a/$export", "output": [], "error": []}
    (out / "manifest.json").write_text(json.dumps(said))


def rewritten(**more: object) -> Callable[[Path], None]:
    """A package whose manifest says something else."""

    def change(out: Path) -> None:
        old_package(out.parent)
        path = out / "manifest.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **more}))

    return change


def with_file(name: str, text: str = "mine") -> Callable[[Path], None]:
    """A package of ours in which a file was put or changed."""

    def change(out: Path) -> None:
        old_package(out.parent)
        (out / name).parent.mkdir(exist_ok=True)
        (out / name).write_text(text)

    return change


def with_link(out: Path) -> None:
    old_package(out.parent)
    (out / "data").symlink_to("/etc")


def link_in_place_of_a_file(out: Path) -> None:
    old_package(out.parent)
    (out / "results.csv").rename(out.parent / "moved.csv")
    (out / "results.csv").symlink_to(out.parent / "moved.csv")


def without_a_file(out: Path) -> None:
    old_package(out.parent)
    (out / "results.csv").unlink()


NOT_OURS = "is not a package (it has no manifest.json of fhir2cdisc)"
# What lies at the place of the output, and why `--replace` leaves it alone.
KEPT: list[tuple[str, Callable[[Path], object], str]] = [
    ("a FHIR Bulk export", bulk_export, NOT_OURS),
    ("a thesis", lambda out: (out / "thesis.txt").write_text("mine"), NOT_OURS),
    ("a manifest that is no JSON", lambda out: (out / "manifest.json").write_text("{"), NOT_OURS),
    ("a manifest of nobody", lambda out: (out / "manifest.json").write_text("{}"), NOT_OURS),
    ("a deep manifest", lambda out: (out / "manifest.json").write_text("[" * 100_000), NOT_OURS),
    ("a manifest that is a folder", lambda out: (out / "manifest.json").mkdir(), NOT_OURS),
    ("a package of another product", rewritten(product={"name": "other", "version": "1"}), NOT_OURS),
    ("a manifest that names no files", rewritten(outputs=None), NOT_OURS),
    ("a package with a thesis", with_file("thesis.txt"), "thesis.txt is not of this package"),
    ("a package with a file below", with_file("sdtm/notes/x"), "sdtm/notes/x is not of this package"),
    ("a package with a hidden file", with_file(".git"), ".git is not of this package"),
    ("a package with a link", with_link, "data is not of this package"),
    ("a link in place of a file", link_in_place_of_a_file, "results.csv is not of this package"),
    ("a file that was edited", with_file("results.csv", "2"), "results.csv was changed after it was written"),
    ("a package that lacks a file", without_a_file, "results.csv is missing"),
    ("an empty manifest list", rewritten(outputs=[]), "results.csv is not of this package (and 1 more file"),
]


@pytest.mark.parametrize(("case", "make", "words"), KEPT, ids=[case for case, _, _ in KEPT])
def test_what_is_not_an_unchanged_package_of_ours_is_never_replaced(
    tmp_path: Path, case: str, make: Callable[[Path], object], words: str
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    make(out)
    before = content(tmp_path)
    with pytest.raises(PackageError) as refused:
        check_writable(out, replace_old=True, inputs=[])
    assert words in str(refused.value) and str(out) in str(refused.value)
    with pytest.raises(PackageError) as refused, new_folder(out, replace_old=True) as part:
        (part / "new").write_text("new")
    assert words in str(refused.value)
    assert content(tmp_path) == before
    assert [name for name in names(tmp_path) if name.startswith(".")] == []


def test_a_file_that_is_put_into_the_package_during_the_run_is_kept(tmp_path: Path) -> None:
    out = old_package(tmp_path)
    with pytest.raises(PackageError, match=r"thesis\.txt is not of this package"), new_folder(out, replace_old=True):
        (out / "thesis.txt").write_text("mine")
    assert content(out)["thesis.txt"] == "mine" and content(out)["sdtm/dm.xpt"] == "DM"


def test_a_folder_that_somebody_fills_during_the_run_is_kept(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match="cannot be written"), new_folder(tmp_path / "out"):
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "theirs").write_text("theirs")
    assert content(tmp_path) == {"out/theirs": "theirs"}


def test_an_output_without_a_place_is_said_before_the_run(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    check_writable(out, replace_old=False, inputs=[])
    (out / "thesis.txt").write_text("mine")
    for place, replace_old, words in (
        (out, False, "name a new or empty folder$"),
        (out / "thesis.txt", True, "is not a package"),
        (out / "thesis.txt" / "below", False, "cannot be written"),
        (old_package(tmp_path / "b"), False, "name a new or empty folder, or use --replace"),
    ):
        with pytest.raises(PackageError, match=words):
            check_writable(place, replace_old, [])


# Output and input as they are given where the current folder is /now (/ is the folder of the test), and what is wrong.
OVERLAPS = [
    ("/data/in", "/data/in", "is the input"),
    ("/data/in", "../data/in/", "is the input"),
    ("/now/../data/in", "/data/in", "is the input"),
    ("/link", "/data/in", "is the input"),
    ("../data/in", "/link", "is the input"),
    ("/data/in/a.json", "/link/a.json", "is the input"),
    ("/data/in/out", "/data/in", "lies in the input"),
    ("/data/in/x/y/out", "../data/in", "lies in the input"),
    ("../data/in/out", "/data/in/.", "lies in the input"),
    ("/link/out", "/data/in", "lies in the input"),
    ("/data/in/out", "/link", "lies in the input"),
    ("/data/in/a.json/out", "/data/in/a.json", "lies in the input"),
    ("/data", "/data/in", "holds the input"),
    ("../data", "/data/in/a.json", "holds the input"),
    ("/data", "/file-link", "holds the input"),
    ("/link", "../data/in/a.json", "holds the input"),
]
APART = [
    ("/data/out", "/data/in"),
    ("/data/in2", "/data/in"),
    ("/data/in.out", "/link"),
    ("out", "/data/in"),
    ("/data/in/out", "/data/in/a.json"),  # a file beside the output, as in a call without folders
]


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """A source folder, links to it and to its file, a current folder; gives the path that a table means."""
    for folder in ("data/in", "now"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "data" / "in" / "a.json").write_text("{}")
    (tmp_path / "link").symlink_to(tmp_path / "data" / "in")
    (tmp_path / "file-link").symlink_to(tmp_path / "data" / "in" / "a.json")
    monkeypatch.chdir(tmp_path / "now")
    return lambda path: Path(f"{tmp_path}{path}" if path.startswith("/") else path)


@pytest.mark.parametrize(("output", "given", "words"), OVERLAPS)
def test_output_and_input_never_overlap(world: Callable[[str], Path], output: str, given: str, words: str) -> None:
    for replace_old in (True, False):
        with pytest.raises(PackageError, match=words):
            check_writable(world(output), replace_old, [world(given)])


@pytest.mark.parametrize(("output", "given"), APART)
def test_an_output_beside_its_input_is_right(world: Callable[[str], Path], output: str, given: str) -> None:
    check_writable(world(output), False, [world(given)])


def test_nothing_is_written_into_a_package_nor_over_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = old_package(tmp_path)
    with pytest.raises(PackageError, match="lies in the package"):
        check_writable(out / "results" / "more", False, [])
    monkeypatch.chdir(out / "sdtm")
    for place in (out, Path(), Path("..")):
        with pytest.raises(PackageError, match="is or holds the current folder"):
            check_writable(place, True, [])


def test_an_error_that_names_an_input_does_not_blame_the_output(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"in\.json") as found, new_folder(tmp_path / "out"):
        (tmp_path / "in.json").read_text()
    assert not isinstance(found.value, PackageError)
    with (
        pytest.raises(PackageError, match=r"out: cannot be written \(No such file"),
        new_folder(tmp_path / "out") as part,
    ):
        (part / "no" / "folder").write_text("")
    assert names(tmp_path) == []


def test_a_submission_holds_what_an_agency_takes(tmp_path: Path) -> None:
    """FDA Study Data Technical Conformance Guide, chapter 7: lower-case folders, transport files, no other format."""
    for name in ("sdtm/dm.xpt", "sdtm/dm.json", "sdtm/dm.ndjson", "sdtm/dm.parquet", "sdtm/split/lb1.xpt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "adam").mkdir()
    (tmp_path / "adam" / "define.xml").write_text("<a/>")
    arrange_ectd(tmp_path, "SYN 01")
    assert content(tmp_path / "m5") == {
        "datasets/syn-01/tabulations/sdtm/dm.xpt": "sdtm/dm.xpt",
        "datasets/syn-01/tabulations/sdtm/split/lb1.xpt": "sdtm/split/lb1.xpt",
        "datasets/syn-01/analysis/adam/datasets/define.xml": "<a/>",
    }
