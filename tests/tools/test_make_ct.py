"""The program that makes the tables of controlled terminology anew, on releases that the test writes itself."""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from fhir2cdisc.mappings.standard.datasets import CT_VERSIONS
from support.others import others
from support.paths import ROOT

HEAD = (
    "Code\tCodelist Code\tCodelist Extensible (Yes/No)\tCodelist Name\tCDISC Submission Value\t"
    "CDISC Synonym(s)\tCDISC Definition\tNCI Preferred Term"
)
# A codelist (code, value, name, extensible), or a term (code, value) of the codelist before it.
OLD = """
    C1 | NY   | No Yes Response | No
    C2 | Y
    C3 | N
    C4 | UNIT | Unit            | Yes
    C5 | mg
    C6 | g
    C7 | OLD  | Old List        | No
    C8 | A
"""
NEW = """
    C1 | NY   | No Yes Response | No
    C2 | Y
    C3 | NO
    C9 | U
    C4 | UNIT | Units           | No
    C6 | g
    C0 | MORE | More            | Yes
    C5 | mg
"""
DIFFERENCES = [
    "changed: C1 NY: C3 N -> NO",
    "appeared: C1 NY: C9 U",
    "changed: codelist C4: UNIT, Unit, Y -> UNIT, Units, N",
    "went: C4 UNIT: C5 mg",
    "went: codelist C7 OLD with 1 terms",
]
Release = Callable[[str], str]


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_ct", ROOT / "tools" / "make_ct.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        # A dataclass looks its module up by name.
        patch.setitem(sys.modules, "make_ct", module)
        spec.loader.exec_module(module)
    return module


def published(text: str) -> str:
    """A release as NCI EVS publishes one, with the parts that the project leaves out."""
    lines, codelist, name = [HEAD], "", ""
    for code, value, *rest in ([cell.strip() for cell in line.split("|")] for line in text.strip().splitlines()):
        if rest:
            codelist, name = code, rest[0]
            lines.append(f'{code}\t\t{rest[1]}\t{name}\t{value}\t{name}\tA "list" of terms.\tCDISC {name}')
        else:
            lines.append(f"{code}\t{codelist}\t\t{name}\t{value}\tSame; again\tA term,\u2028with a break.\tTerm")
    return "\r\n".join([*lines, ""])


@pytest.fixture
def release(tmp_path: Path) -> Release:
    def write(text: str) -> str:
        path = tmp_path / "SDTM Terminology.txt"
        path.write_bytes(published(text).encode())
        return str(path)

    return write


@pytest.fixture
def tables(tmp_path: Path, tool: ModuleType, release: Release, capsys: pytest.CaptureFixture[str]) -> Path:
    """A folder with the tables of the old release."""
    folder = tmp_path / "standard"
    folder.mkdir()
    (folder / "codelists.csv").write_text("codelist,submission_value,name,extensible\n")
    (folder / "terms.csv").write_text("codelist,code,term\n")
    (folder / "ct_versions.csv").write_text("terminology,version\nSDTM,2024-01-01\nADaM,2024-02-02\n")
    added = [word for code in ("C1", "C4", "C7") for word in ("--add", code)]
    assert tool.main(["--sdtm", release(OLD), "2025-01-01", *added], folder) == 0
    capsys.readouterr()
    return folder


def texts(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_the_tables_hold_codes_and_values_only(tables: Path) -> None:
    head = "codelist,submission_value,name,extensible\n"
    assert texts(tables) == {
        "codelists.csv": f"{head}C1,NY,No Yes Response,N\nC4,UNIT,Unit,Y\nC7,OLD,Old List,N\n",
        "terms.csv": "codelist,code,term\nC1,C2,Y\nC1,C3,N\nC4,C5,mg\nC4,C6,g\nC7,C8,A\n",
        "ct_versions.csv": "terminology,version\nSDTM,2025-01-01\nADaM,2024-02-02\n",
    }


def test_what_appeared_changed_and_went_is_said_and_only_listed_codelists_are_kept(
    tool: ModuleType, tables: Path, release: Release, capsys: pytest.CaptureFixture[str]
) -> None:
    before, given = texts(tables), ["--sdtm", release(NEW), "2026-01-01"]
    assert tool.main([*given, "--check"], tables) == 1
    assert capsys.readouterr().out.splitlines() == DIFFERENCES
    assert texts(tables) == before
    assert tool.main(given, tables) == 0
    assert capsys.readouterr().out.splitlines() == DIFFERENCES
    assert texts(tables)["terms.csv"] == "codelist,code,term\nC1,C2,Y\nC1,C3,NO\nC1,C9,U\nC4,C6,g\n"
    assert tool.main([*given, "--check"], tables) == 0
    assert capsys.readouterr().out == "SDTM: nothing differs\n"


def test_codelists_are_put_on_the_list_and_taken_off(
    tool: ModuleType, tables: Path, release: Release, capsys: pytest.CaptureFixture[str]
) -> None:
    more = OLD + "C0 | MORE | More | Yes\nC5 | mg"
    tool.main(["--sdtm", release(more), "2025-01-01", "--add", "C0", "--drop", "C1"], tables)
    assert capsys.readouterr().out.splitlines() == [
        "appeared: codelist C0 MORE with 1 terms",
        "went: codelist C1 NY with 2 terms",
    ]


TWICE = f"{HEAD}\nC1\t\tNo\tN\tNY\t\t\t\nC2\tC1\t\tN\tY\t\t\t\nC2\tC1\t\tN\tX\t\t\t"
WRONG = [
    ("Code,Codelist Code", [], "SDTM Terminology.txt: has no column 'Code'"),
    ("", [], "has no column 'Code'"),
    (HEAD.replace("CDISC Submission Value", "Value"), [], "has no column 'CDISC Submission Value'"),
    (f"{HEAD}\nC1\t\tNo", [], "line 2: has 3 columns, not 8"),
    (f"{HEAD}\nC2\tC1\t\tN\tY\t\t\t", [], "line 2: term 'Y' stands before its codelist C1"),
    (TWICE, [], "line 4: C2 is there twice in C1"),
    (HEAD, ["--add", "C99"], "the release has no codelist C99"),
]


@pytest.mark.parametrize(("text", "more", "words"), WRONG)
def test_what_is_no_release_is_refused_with_its_line(
    tool: ModuleType, tables: Path, capsys: pytest.CaptureFixture[str], text: str, more: list[str], words: str
) -> None:
    before, path = texts(tables), tables.parent / "SDTM Terminology.txt"
    path.write_text(text)
    with pytest.raises(SystemExit):
        tool.main(["--sdtm", str(path), "2026-01-01", *more], tables)
    assert words in " ".join(capsys.readouterr().err.split())
    assert texts(tables) == before


def as_rows(codelists: list[tuple[str, str, str, bool, list[tuple[str, str]]]]) -> str:
    lines = []
    for code, value, name, extensible, terms in codelists:
        lines += [f"{code}|{value}|{name}|{'Yes' if extensible else 'No'}", *(f"{c}|{term}" for c, term in terms)]
    return "\n".join(lines)


def sdtm_release(folder: Path) -> str:
    found = json.loads((folder / "sdtmct_2025-03_needed.json").read_text(encoding="utf-8"))["codelists"].values()
    terms = [[(term["ccode"], term["submission_value"]) for term in one["terms"]] for one in found]
    heads = [(one["ccode"], one["submission_value"], one["name"], one["extensible"]) for one in found]
    return as_rows([(*head, some) for head, some in zip(heads, terms, strict=True)])


def adam_release(folder: Path) -> str:
    found = json.loads((folder / "adamct_2026-03-27.json").read_text(encoding="utf-8"))["codelists"]
    terms = [[(term["conceptId"], term["submissionValue"]) for term in one["terms"]] for one in found]
    heads = [(one["conceptId"], one["submissionValue"], one["name"], one["extensible"]) for one in found]
    return as_rows([(*head, some) for head, some in zip(heads, terms, strict=True)])


@pytest.mark.parametrize(("terminology", "made"), [("SDTM", sdtm_release), ("ADaM", adam_release)])
def test_the_tables_of_today_come_out_of_the_published_release(
    tool: ModuleType,
    tmp_path: Path,
    release: Release,
    capsys: pytest.CaptureFixture[str],
    terminology: str,
    made: Callable[[Path], str],
) -> None:
    today, folder = ROOT / "mappings" / "standard", tmp_path / "today"
    shutil.copytree(today, folder, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    given = [f"--{terminology.lower()}", release(made(others("standards"))), CT_VERSIONS[terminology]]
    assert tool.main(given, folder) == 0
    assert capsys.readouterr().out == f"{terminology}: nothing differs\n"
    for path in folder.glob("*.csv"):
        assert path.read_bytes() == (today / path.name).read_bytes(), path.name
