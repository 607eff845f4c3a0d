"""Packages that appear whole or not at all; text and qualifiers that a transport file can hold."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from fhir2cdisc.converters.formats.long_text import SUPP_COLUMNS, split_long_qualifiers
from fhir2cdisc.converters.formats.plain_text import needed_encoding, plain, plain_frames
from fhir2cdisc.converters.run.write import PackageError, check_writable, new_folder


def old_package(folder: Path) -> Path:
    out = folder / "out"
    out.mkdir()
    (out / "manifest.json").write_text("{}")
    (out / "old.xpt").write_text("old")
    return out


def test_a_folder_appears_when_the_block_ends_well(tmp_path: Path) -> None:
    with new_folder(tmp_path / "a" / "out") as part:
        (part / "x").write_text("x")
        assert not (tmp_path / "a" / "out").exists()
    assert [p.name for p in (tmp_path / "a").iterdir()] == ["out"]
    assert (tmp_path / "a" / "out" / "x").read_text() == "x"


@pytest.mark.parametrize("error", [RuntimeError("stop"), KeyboardInterrupt()])
def test_a_failure_leaves_no_trace_and_the_old_package_as_it_was(tmp_path: Path, error: BaseException) -> None:
    out = old_package(tmp_path)
    with pytest.raises(type(error)), new_folder(out, replace_old=True) as part:
        (part / "x").write_text("x")
        raise error
    assert [p.name for p in tmp_path.iterdir()] == ["out"]
    assert (out / "old.xpt").read_text() == "old"


def test_an_old_package_comes_back_when_the_new_one_cannot_take_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = old_package(tmp_path)
    rename: Callable[[Path, Path], Path] = Path.rename

    def refuse(self: Path, target: Path) -> Path:
        if target == out and not self.name.endswith(".old"):
            raise OSError(13, "Permission denied")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(PackageError, match="Permission denied"), new_folder(out, replace_old=True):
        pass
    assert (out / "old.xpt").read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_only_a_package_is_replaced(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    check_writable(out, replace_old=False)
    (out / "thesis.txt").write_text("mine")
    with pytest.raises(PackageError, match="not empty"):
        check_writable(out, replace_old=False)
    with pytest.raises(PackageError, match="not a package"):
        check_writable(out, replace_old=True)
    with pytest.raises(PackageError, match="not a package"):
        check_writable(out / "thesis.txt", replace_old=True)
    with pytest.raises(PackageError, match="cannot be written"):
        check_writable(out / "thesis.txt" / "below", replace_old=False)


PLAIN = [
    ("Müller", "Muller", "letters lose their accent"),
    ("5 µg ≤ 10°C", "5 ug <= 10 degC", "signs with a plain form"),
    ("β-blocker", "beta-blocker", ""),
    ("a\nb", "a b", "lines become one"),
    ("中文", "中文", "no plain form: kept"),
    ("ASCII", "ASCII", ""),
]


@pytest.mark.parametrize(("text", "expected", "why"), PLAIN)
def test_typographic_signs_as_ascii(text: str, expected: str, why: str) -> None:
    assert plain(text) == expected, why


def test_a_frame_is_changed_where_needed_only_and_it_is_said() -> None:
    frame = pd.DataFrame({"A": ["µ", "x", "µ"], "B": ["x", "x", "x"], "N": [1.0, 2.0, 3.0]})
    made, found = plain_frames({"XX": frame})
    assert made["XX"]["A"].tolist() == ["u", "x", "u"]
    assert [(f.variable, f.count) for f in found] == [("XX.A", 2)]
    assert frame["A"].tolist() == ["µ", "x", "µ"], "the frame that was given is left alone"
    assert needed_encoding(made) == "ascii" and needed_encoding({"XX": frame}) == "utf-8"


def test_a_long_qualifier_goes_on_in_records_of_its_own() -> None:
    words = " ".join(["word"] * 100)
    row = ["S", "VS", "S-1", "VSSEQ", "1", "VSTESTFL", "Test Name in Full", words, "CRF", ""]
    short = [*row[:4], "2", *row[5:7], "short", *row[8:]]
    made = split_long_qualifiers(pd.DataFrame([row, short], columns=list(SUPP_COLUMNS)))
    assert made["QNAM"].tolist() == ["VSTESTFL", "VSTESTF1", "VSTESTF2", "VSTESTFL"]
    assert " ".join(made["QVAL"].iloc[:3]) == words
    assert made["QVAL"].str.len().max() <= 200
    assert made["IDVARVAL"].tolist() == ["1", "1", "1", "2"]
