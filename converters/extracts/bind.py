"""Which files hold the tables of an extract, and whether they have the columns that its mapping reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from fhir2cdisc.converters.extracts.codebooks import read_codebook
from fhir2cdisc.converters.extracts.files import open_grid
from fhir2cdisc.converters.extracts.grid import ExtractError, Grid, Notice
from fhir2cdisc.converters.extracts.link import LinkTable, read_link
from fhir2cdisc.converters.extracts.odm_codes import read_odm_codes
from fhir2cdisc.converters.extracts.tables import RawTable, read_table
from fhir2cdisc.fhir.findings import Finding
from fhir2cdisc.fhir.sources import SourceError, files_below, named_source, readable
from fhir2cdisc.mappings.draft_names import UNDECIDED, guesses_left
from fhir2cdisc.mappings.extract_model import Codebook, Extract, Join, Reading, Table, builtin_extracts, load_extract
from fhir2cdisc.mappings.model import MappingError
from fhir2cdisc.sdtm.cells.needed import columns_needed, reason_of
from fhir2cdisc.sdtm.cells.sources import table_name


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file below the sources: where it is, and its name for people."""

    path: Path
    name: str


@dataclass(frozen=True, slots=True)
class Bound:
    """One sheet of one file as a table of an extract, with all that is needed to read its rows.

    `headings` are its columns in order, `needed` those that the mapping reads (with those of joined tables). `labels`
    say what codes mean, `joined` has the rows of each joined table by their keys, `numbers` the number in the study of
    each number of a subject here, None where they are the same.
    """

    extract: str
    table: Table
    reading: Reading
    file: SourceFile
    headings: tuple[str, ...]
    needed: frozenset[str]
    labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    hidden: frozenset[str] = frozenset()
    joined: Mapping[str, Mapping[str, Mapping[str, str]]] = field(default_factory=dict)
    numbers: Mapping[str, str] | None = None

    @property
    def kind(self) -> str:
        return table_name(self.extract, self.table.name)

    @property
    def name(self) -> str:
        """File and sheet as lineage and findings have them: `book.xlsx!Sheet 1`."""
        return f"{self.file.name}!{self.table.place}" if self.table.place else self.file.name

    def open(self, notice: Notice) -> RawTable:
        return opened(self.file, self.name, self.table, self.reading, notice)


@dataclass(slots=True)
class Prepared:
    """The extracts of a run: their mappings, their files, who is who, and what was found before any row was read."""

    extracts: tuple[Extract, ...] = ()
    bound: tuple[Bound, ...] = ()
    link: LinkTable | None = None
    files: tuple[SourceFile, ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def days_from(self) -> str:
        """What the extracts count their days from, blank where they have dates."""
        return next((one.read.days_from for one in self.extracts), "")

    def extract(self, name: str) -> Extract:
        return next(one for one in self.extracts if one.extract == name)


def silent(rule: str, row: int, message: str) -> None:
    """A notice that nobody needs: the file is read again, and said of then."""


def opened(file: SourceFile, name: str, table: Table, reading: Reading, notice: Notice) -> RawTable:
    """A table of a file; ExtractError where it cannot be read."""
    grid: Grid = open_grid(file.path, name, table.query or table.sheet, reading.encoding, reading.delimiter, notice)
    return read_table(name, grid, table.header, frozenset(reading.missing), notice)


def prepare(names: Sequence[str], sources: Iterable[str | Path]) -> Prepared:
    """The extracts by the names or paths of their mappings, bound to the files below the sources.

    Raises MappingError with every column that a mapping reads and no file has, SourceError where no file of an
    extract's tables is there.
    """
    if not names:
        return Prepared()
    files = list(files_of(sources))
    prepared, bound, faults, findings = Prepared(), [], [], []
    used: set[SourceFile] = set()
    for name in names:
        path = builtin_extracts().get(name, Path(name))
        binding = _Binding(load_extract(name), path.parent, files)
        binding.bind()
        binding.undecided(guesses_left(path.read_text(encoding="utf-8")))
        prepared.extracts += (binding.extract,)
        bound += binding.bound
        faults += binding.faults
        findings += binding.findings
        used |= binding.used
        if binding.link is not None:
            if prepared.link is not None:
                raise MappingError("two of the extracts have a [link]; one table says who is who")
            prepared.link = binding.link
    if (counted := {one.read.days_from for one in prepared.extracts}) and len(counted) > 1:
        told = ", ".join(sorted(f"from {day_0}" if day_0 else "not at all" for day_0 in counted))
        faults.append(f"the extracts count their days differently ({told}); days and dates cannot stand on one scale")
    if faults:
        raise MappingError("; ".join(faults))
    prepared.bound = tuple(_with_numbers(one, prepared.link) for one in sorted(bound, key=lambda b: (b.kind, b.name)))
    prepared.files = tuple(sorted(used, key=lambda file: file.name))
    prepared.findings = tuple(findings)
    return prepared


def _with_numbers(bound: Bound, link: LinkTable | None) -> Bound:
    return bound if link is None else replace(bound, numbers=link.numbers(bound.extract))


def files_of(sources: Iterable[str | Path]) -> Iterator[SourceFile]:
    """All files below sources; SourceError for a source that is not there."""
    for given in sources:
        _, source = named_source(given)
        if source.is_file():
            yield SourceFile(source.resolve(), readable(source.name))
        elif source.is_dir():
            for path in files_below(source, []):
                if path.is_file() and not path.is_symlink():
                    yield SourceFile(path.resolve(), readable(path.relative_to(source).as_posix()))
        else:
            raise SourceError(f"{source}: no such file or folder")


class _Binding:
    """One extract while its files are looked for and their headings checked."""

    def __init__(self, extract: Extract, folder: Path, files: Sequence[SourceFile]) -> None:
        self.extract, self.folder, self.files = extract, folder, files
        self.bound: list[Bound] = []
        self.faults: list[str] = []
        self.findings: list[Finding] = []
        self.used: set[SourceFile] = set()
        self.link: LinkTable | None = None

    def bind(self) -> None:
        """Find the files of all tables, and those of its codebooks, joins and link."""
        for table in self.extract.table:
            found = self._matching(table.file)
            if not found:
                said = f"extract {self.extract.extract}: no file fits {table.file!r} of table {table.name}"
                severity = "info" if self.extract.columns == "some" else "warning"
                self.findings.append(Finding("extract.no-file", said, severity, value=table.file))
            for file in found:
                self._table(table, file)
        if not self.bound and not self.faults:
            wanted = ", ".join(dict.fromkeys(table.file for table in self.extract.table))
            broken = "; ".join(f.message for f in self.findings if f.severity == "error")
            raise SourceError(
                f"extract {self.extract.extract}: none of its files is there ({wanted}){broken and '; '}{broken}"
            )
        if self.extract.link is not None:
            link = self.extract.link
            self.link = read_link(link, *self._beside(link.file), self.extract.read, silent)

    def undecided(self, guesses: int) -> None:
        """Say how much of a draft nobody has decided yet: `?` in place of a reason, and guesses that are taken."""
        asked = {
            (one.table.name, name)
            for one in self.bound
            for name in one.headings
            if name not in one.needed and reason_of(one.table, name) == UNDECIDED
        }
        if asked or guesses:
            said = f"extract {self.extract.extract}: {len(asked)} columns wait for a decision (?), and {guesses} lines "
            said += "are guesses that nobody has confirmed (GUESS)"
            self.findings.append(Finding("mapping.undecided", said, count=len(asked) + guesses))

    def _matching(self, pattern: str) -> list[SourceFile]:
        return [file for file in self.files if PurePosixPath(file.name).match(pattern)]

    def _beside(self, pattern: str) -> tuple[Path, str]:
        """A file that tables need: below the sources, else beside the mapping."""
        found = self._matching(pattern)
        if not found and (self.folder / pattern).is_file():
            return self.folder / pattern, pattern
        if len(found) != 1:
            said = "no file fits" if not found else f"{len(found)} files fit"
            raise MappingError(f"extract {self.extract.extract}: {said} {pattern!r}, and one is needed")
        self.used.add(found[0])
        return found[0].path, found[0].name

    def _table(self, table: Table, file: SourceFile) -> None:
        name = f"{file.name}!{table.place}" if table.place else file.name
        self.used.add(file)
        reading = self.extract.read
        try:
            headings = opened(file, name, table, reading, silent).headings
        except ExtractError as error:
            self.findings.append(Finding("extract.unreadable", str(error), "error", file=name))
            return
        joined = {join.name: self._joined(join) for join in table.join}
        more = [f"{join}.{column}" for join, (columns, _) in joined.items() for column in columns]
        needed = columns_needed(self.extract, table, [*headings, *more])
        self.faults += [f"extract {self.extract.extract}, {name}: {fault}" for fault in needed.faults]
        if needed.lacking:
            said = f"{name}: the mapping {self.extract.extract} can do without columns that are not there: "
            said += "; ".join(needed.lacking)
            self.findings.append(Finding("column.lacking", said, "info", file=name, count=len(needed.lacking)))
        labels, hidden = self._labels(table.codebook)
        rows = {join: by_key for join, (_, by_key) in joined.items()}
        self.bound.append(
            Bound(self.extract.extract, table, reading, file, headings, needed.columns, labels, hidden, rows)
        )

    def _labels(self, books: Iterable[Codebook]) -> tuple[dict[str, Mapping[str, str]], frozenset[str]]:
        labels: dict[str, Mapping[str, str]] = {}
        hidden: set[str] = set()
        for book in books:
            path, name = self._beside(book.file)
            if book.kind == "odm":
                meanings = read_odm_codes(path, name, silent)
            else:
                meanings = read_codebook(book, path, name, self.extract.read, silent)
            labels |= meanings.labels
            hidden |= meanings.identifying
        return labels, frozenset(hidden)

    def _joined(self, join: Join) -> tuple[tuple[str, ...], dict[str, dict[str, str]]]:
        """The headings of a joined table, and its rows by their keys."""
        path, name = self._beside(join.file)
        table = Table(name=join.name, file=join.file, sheet=join.sheet, subject=join.key)
        raw = opened(SourceFile(path, name), name, table, self.extract.read, silent)
        if join.key not in raw.headings:
            raise MappingError(f"extract {self.extract.extract}: {name} has no column {join.key!r} to join by")
        rows = ({raw.headings[n]: text for n, text in row.cells.items() if n < len(raw.headings)} for row in raw.rows)
        by_key: dict[str, dict[str, str]] = {}
        for row in rows:
            if (key := row.get(join.key, "")) and by_key.setdefault(key, row) != row:
                raise ExtractError(f"{name}: two rows have one value of {join.key!r}, by which they are joined")
        return raw.headings, by_key
