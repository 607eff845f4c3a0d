"""Makes the tables of controlled terminology in `mappings/standard` anew from a published release.

The release is a text file of NCI EVS, `SDTM Terminology.txt` or `ADaM Terminology.txt`
(https://evs.nci.nih.gov/ftp1/CDISC/): tab-separated, one row for each codelist (without a `Codelist Code`) and one for
each of its terms. Only codes and submission values are kept, no definitions, and only the codelists that the project
lists in `codelists.csv` or `adam_codelists.csv`.

    python tools/make_ct.py --sdtm "SDTM Terminology.txt" 2025-09-26
    python tools/make_ct.py --adam "ADaM Terminology.txt" 2026-03-27 --add C172334
    python tools/make_ct.py --sdtm "SDTM Terminology.txt" 2025-09-26 --check

It says which codelists and terms appeared, changed and went, one a line. `--add` and `--drop` put a codelist on the
list or take it off. `--check` says the same and writes nothing; its status is 1 where anything differs. Afterwards run
`pytest tests/mappings tests/sdtm`, which names a map, a unit or a test whose term is there no longer, and say the
release in README.md and CHANGELOG.md.
"""

from __future__ import annotations

import argparse
import csv
import io
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "mappings" / "standard"
# Terminology to its tables of codelists and of terms.
TABLES = {"SDTM": ("codelists.csv", "terms.csv"), "ADaM": ("adam_codelists.csv", "adam_terms.csv")}
VERSIONS = "ct_versions.csv"
CODELIST_COLUMNS = ("codelist", "submission_value", "name", "extensible")
TERM_COLUMNS = ("codelist", "code", "term")
COLUMNS = ("Code", "Codelist Code", "Codelist Extensible (Yes/No)", "Codelist Name", "CDISC Submission Value")


class ReleaseError(ValueError):
    """A file that is no release, or one that does not have what the project needs; one clear sentence."""


@dataclass
class Codelist:
    """A codelist by NCI code: submission value, name, `Y` or `N` for extensible, and term by concept code."""

    code: str
    value: str
    name: str
    extensible: str
    terms: dict[str, str] = field(default_factory=dict)

    @property
    def said(self) -> tuple[str, str, str]:
        return self.value, self.name, self.extensible


Codelists = dict[str, Codelist]


def read_release(path: Path) -> Codelists:
    """Every codelist of a published text file; ReleaseError names the file, the line and what is wrong with it."""
    try:
        # Not splitlines: a definition may hold a line separator of Unicode.
        lines = path.read_text(encoding="utf-8-sig").rstrip("\n").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ReleaseError(f"{path.name}: cannot be read: {error}") from error
    head = lines[0].split("\t")
    if missing := [name for name in COLUMNS if name not in head]:
        raise ReleaseError(f"{path.name}: has no column {missing[0]!r}; it is no terminology file of NCI EVS")
    places = [head.index(name) for name in COLUMNS]
    found: Codelists = {}
    for number, line in enumerate(lines[1:], start=2):
        cells = line.split("\t")
        if len(cells) < len(head):
            raise ReleaseError(f"{path.name}: line {number}: has {len(cells)} columns, not {len(head)}")
        code, codelist, extensible, name, value = (cells[place].strip() for place in places)
        if not codelist:
            found[code] = Codelist(code, value, name, "Y" if extensible.lower() == "yes" else "N")
        elif codelist not in found:
            raise ReleaseError(f"{path.name}: line {number}: term {value!r} stands before its codelist {codelist}")
        elif found[codelist].terms.setdefault(code, value) != value:
            raise ReleaseError(f"{path.name}: line {number}: {code} is there twice in {codelist}, with two terms")
    return found


def read_tables(folder: Path, terminology: str) -> Codelists:
    """What the project has today."""
    codelists, terms = TABLES[terminology]
    found = {
        row["codelist"]: Codelist(row["codelist"], row["submission_value"], row["name"], row["extensible"])
        for row in _rows(folder / codelists)
    }
    for row in _rows(folder / terms):
        found[row["codelist"]].terms[row["code"]] = row["term"]
    return found


def chosen(release: Codelists, today: Codelists, add: Sequence[str] = (), drop: Sequence[str] = ()) -> Codelists:
    """The codelists that the project lists, as the release has them; one that went is left out."""
    if unknown := [code for code in add if code not in release]:
        raise ReleaseError(f"the release has no codelist {unknown[0]}")
    wanted = (set(today) | set(add)) - set(drop)
    return {code: release[code] for code in sorted(wanted & release.keys())}


def differences(old: Codelists, new: Codelists) -> Iterator[str]:
    """What appeared, changed and went, one a line."""
    for code in sorted(old.keys() | new.keys()):
        if code not in old:
            yield f"appeared: codelist {code} {new[code].value} with {len(new[code].terms)} terms"
        elif code not in new:
            yield f"went: codelist {code} {old[code].value} with {len(old[code].terms)} terms"
        else:
            if old[code].said != new[code].said:
                yield f"changed: codelist {code}: {', '.join(old[code].said)} -> {', '.join(new[code].said)}"
            yield from _term_differences(old[code], new[code])


def _term_differences(old: Codelist, new: Codelist) -> Iterator[str]:
    for code in sorted(old.terms.keys() | new.terms.keys()):
        before, after = old.terms.get(code), new.terms.get(code)
        place = f"{new.code} {new.value}: {code}"
        if before is None:
            yield f"appeared: {place} {after}"
        elif after is None:
            yield f"went: {place} {before}"
        elif before != after:
            yield f"changed: {place} {before} -> {after}"


def write_tables(folder: Path, terminology: str, codelists: Codelists, version: str) -> None:
    """The two tables, sorted by codes, and the release among the versions."""
    lists = sorted(codelists.values(), key=lambda one: one.code)
    heads = [(one.code, *one.said) for one in lists]
    terms = [(one.code, code, term) for one in lists for code, term in sorted(one.terms.items())]
    names = TABLES[terminology]
    _write(folder / names[0], CODELIST_COLUMNS, heads)
    _write(folder / names[1], TERM_COLUMNS, terms)
    versions = {row["terminology"]: row["version"] for row in _rows(folder / VERSIONS)} | {terminology: version}
    _write(folder / VERSIONS, ("terminology", "version"), list(versions.items()))


def _rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


def _write(path: Path, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    path.write_text(text.getvalue(), encoding="utf-8")


def main(arguments: Sequence[str] | None = None, folder: Path = FOLDER) -> int:
    """0 where the tables are as the release has them, or were written; 1 where `--check` finds a difference."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", 1)[0])
    for name in TABLES:
        parser.add_argument(f"--{name.lower()}", nargs=2, metavar=("FILE", "VERSION"), help=f"{name} release")
    parser.add_argument("--add", action="append", default=[], metavar="CODE", help="a codelist to add")
    parser.add_argument("--drop", action="append", default=[], metavar="CODE", help="a codelist to leave out")
    parser.add_argument("--check", action="store_true", help="say what would change and write nothing")
    said = parser.parse_args(arguments)
    given = {name: getattr(said, name.lower()) for name in TABLES if getattr(said, name.lower())}
    if len(given) != 1:
        parser.error("name one release: --sdtm or --adam")
    ((terminology, (file, version)),) = given.items()
    try:
        old = read_tables(folder, terminology)
        new = chosen(read_release(Path(file)), old, said.add, said.drop)
    except ReleaseError as error:
        parser.error(str(error))
    lines = list(differences(old, new))
    print("\n".join(lines) or f"{terminology}: nothing differs")
    if not said.check:
        write_tables(folder, terminology, new, version)
    return 1 if said.check and lines else 0


if __name__ == "__main__":
    sys.exit(main())
