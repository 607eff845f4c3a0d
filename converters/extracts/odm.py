"""The clinical data of an ODM-XML file as a table: a row for each item group that a subject has data in.

ODM 1.3.2 section 3.1.4 (ClinicalData), 2.7 (TransactionType), and ODM 2.0, where forms are item groups that hold
others. Elements are known by their local names, so a file of any version or without a namespace is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path
from typing import Any

from fhir2cdisc.converters.extracts.grid import MOST_CHARACTERS, MOST_COLUMNS, ExtractError, Grid, Notice
from fhir2cdisc.converters.extracts.odm_xml import elements, in_english, local, of_any_namespace, part_of, released

HEAD = (
    "StudyOID",
    "MetaDataVersionOID",
    "SubjectKey",
    "SiteOID",
    "StudySubjectID",
    "StudyEventOID",
    "StudyEventRepeatKey",
    "FormOID",
    "FormRepeatKey",
    "ItemGroupOID",
    "ItemGroupRepeatKey",
)
UNIT = ".unit"
_LEVELS = {
    "StudyEventData": ("StudyEventOID", "StudyEventRepeatKey"),
    "FormData": ("FormOID", "FormRepeatKey"),
    "ItemGroupData": ("ItemGroupOID", "ItemGroupRepeatKey"),
}
_PARTS = ("Study", "AdminData", "ReferenceData", "ClinicalData", "Association")
# The OIDs and repeat keys from the study event down to an item group.
_Path = tuple[tuple[str, str], ...]


def read_odm(path: Path, name: str, sheet: str, notice: Notice) -> Grid:
    """The item groups of a file of ODM-XML that have items, a row each; of a form or group with the OID `sheet`.

    Row 0 has the columns: `HEAD`, then a column for each item that occurs, by its OID, in the order of the metadata of
    the file (else by OID), and after it `OID.unit` where units are given. FormOID of ODM 2.0 is the outermost group;
    the repeat keys of groups between it and the innermost stand before that one's, joined by `/`. Several values of one
    item are joined by `;`. IsNull is blank.

    A row's number is the line in which the start tag of its item group ends (lxml's `sourceline`, and right beyond line
    65,535, where that ends). Where item groups share a line, as in a file without line breaks, rows are numbered by the
    item groups of the file, and `extract.odm-lines` says so. Of a Transactional file the last value of an item counts,
    in the row of the group that first had it; what is removed is not there. In a Snapshot, a group that is there twice
    with other values is two rows, and `extract.odm-twice` says so. A snapshot is held in memory by one subject, a file
    that comes back to a subject as a whole.

    Raises ExtractError for a file that is not well-formed to its end, has a DOCTYPE, is no ODM, has no ClinicalData, or
    has no form or item group `sheet`.
    """
    layout = _scanned(path, name, sheet)
    if len(layout.columns) + len(HEAD) > MOST_COLUMNS:
        raise ExtractError(f"{name}: has more than {MOST_COLUMNS} items; name a form or item group as sheet")
    if layout.shared:
        said = "item groups share lines of the file; rows are numbered by the item groups, in the order of the file"
        notice("extract.odm-lines", 0, said)
    return Grid(sheet, _rows(path, name, sheet, layout, notice))


@dataclass(slots=True)
class _Layout:
    """What must be known of a file before its first row is given.

    `columns` are those of items and units, `units` the symbols by OID. `gathered` says that the rows of a subject are
    not complete before the end of the file, `shared` that a line has the beginnings of several item groups.
    """

    columns: list[str] = field(default_factory=list)
    units: dict[str, str] = field(default_factory=dict)
    transactional: bool = False
    gathered: bool = False
    shared: bool = False


@dataclass(slots=True)
class _Seen:
    """What is met in a file while its layout is worked out."""

    items: dict[str, None] = field(default_factory=dict)
    forms: dict[str, None] = field(default_factory=dict)
    defined: dict[str, None] = field(default_factory=dict)
    known: set[str] = field(default_factory=set)
    subjects: set[int] = field(default_factory=set)
    last: int | None = None
    line: int = 0

    def metadata(self, study: Any, units: dict[str, str]) -> None:
        for one in study.iter("{*}MeasurementUnit"):
            symbol = next((in_english(part) for part in one if local(part) == "Symbol"), "")
            units[one.get("OID", "")] = symbol or one.get("OID", "")
        for one in study.iter("{*}ItemRef", "{*}ItemDef"):
            self.defined.setdefault(one.get("ItemOID") or one.get("OID", ""))
        self.known.update(one.get("OID", "") for one in study.iter("{*}FormDef", "{*}ItemGroupDef"))

    def subject(self, element: Any, sheet: str) -> bool:
        """Take in the items of a subject; whether the file comes back to the subject after others."""
        key = hash(_subject_key(element))
        returns = key != self.last and key in self.subjects
        self.last = key
        self.subjects.add(key)
        for path, branch, _ in _branches(element, (), ""):
            self.known.update(oid for oid, _ in path[1:])
            if len(path) == 2:
                self.forms.setdefault(path[1][0])
            if local(branch) == "ItemGroupData" and _is_of(path, sheet):
                for item in _items(branch):
                    self.items.setdefault(item.get("ItemOID", ""))
                    if _unit(item):
                        self.items.setdefault(item.get("ItemOID", "") + UNIT)
        return returns

    def columns(self) -> list[str]:
        """The items that occur in the order of the metadata, then those that it lacks, each with its unit."""
        names = [name for name in self.defined if name in self.items]
        names += sorted(name for name in self.items if name not in self.defined and not self._is_unit(name))
        return [one for name in names for one in (name, name + UNIT) if one in self.items]

    def _is_unit(self, name: str) -> bool:
        return name.endswith(UNIT) and name.removesuffix(UNIT) in self.items


def _scanned(path: Path, name: str, sheet: str) -> _Layout:
    """The layout of a file, which is read to its end: nothing is taken from one that is broken further down."""
    layout, seen, has_data = _Layout(), _Seen(), False
    for event, element, line in elements(path, name, "ODM", "SubjectData", "ItemGroupData", *_PARTS):
        part = local(element)
        if event == "start":
            if part == "ODM":
                layout.transactional = layout.gathered = element.get("FileType") == "Transactional"
            elif part == "ItemGroupData":
                layout.shared, seen.line = layout.shared or line == seen.line, line
        elif part == "SubjectData":
            layout.gathered |= seen.subject(element, sheet)
            released(element)
        elif part in _PARTS:
            has_data |= part == "ClinicalData"
            if part == "Study":
                seen.metadata(element, layout.units)
            released(element)
    if not has_data:
        raise ExtractError(f"{name}: is an ODM file without ClinicalData")
    if sheet and seen.known and sheet not in seen.known:
        raise ExtractError(f"{name}: has no form or item group {sheet!r}; its forms are {', '.join(seen.forms)}")
    layout.columns = seen.columns()
    return layout


def _rows(path: Path, name: str, sheet: str, layout: _Layout, notice: Notice) -> Iterator[tuple[int, list[str]]]:
    yield 0, [*HEAD, *layout.columns]
    subjects = _Subjects(sheet, layout)
    numbers: dict[Any, int] = {}
    groups = 0
    for event, element, line in elements(path, name, "SubjectData", "ItemGroupData", *_PARTS):
        part = local(element)
        if event == "start":
            if part == "ItemGroupData":
                groups += 1
                numbers[element] = groups if layout.shared else line
        elif part == "SubjectData":
            if not layout.gathered and _subject_key(element) not in subjects.of:
                yield from _written(subjects.taken(), layout, notice)
            subjects.take(element, numbers)
            numbers.clear()
            released(element)
        elif part in _PARTS:
            released(element)
    yield from _written(subjects.taken(), layout, notice)
    if subjects.twice:
        said = f"{len(subjects.twice)} item groups are there before with the same keys and other values, the first of "
        said += f"them row {subjects.twice[0]}; each is a row of its own"
        notice("extract.odm-twice", subjects.twice[0], said)


def _written(rows: list[_Row], layout: _Layout, notice: Notice) -> Iterator[tuple[int, list[str]]]:
    for row in rows:
        cells = [*row.subject.head(row.version), *row.keys]
        for column in layout.columns:
            cell = row.items.get(column, "")
            if len(cell) > MOST_CHARACTERS:
                said = f"row {row.number} has more than {MOST_CHARACTERS} characters in {column}, which are left out"
                notice("extract.cell-too-long", row.number, said)
                cell = ""
            cells.append(cell)
        yield row.number, cells


@dataclass(slots=True)
class _Row:
    """An item group: its number, its keys from StudyEventOID on, and its items and their units."""

    subject: _Subject
    number: int
    keys: list[str]
    version: str = ""
    items: dict[str, str] = field(default_factory=dict)

    def contradicts(self, items: list[Any]) -> bool:
        """Whether an item is filled with another value here."""
        return any(
            (mine := self.items.get(item.get("ItemOID", ""))) and (value := _value(item)) and value != mine
            for item in items
        )

    def change(self, item: Any, kind: str, units: dict[str, str]) -> None:
        """Take in an item by its TransactionType."""
        oid, value, unit = item.get("ItemOID", ""), _value(item), _unit(item)
        if kind == "Remove":
            self.items.pop(oid, None)
            self.items.pop(oid + UNIT, None)
        elif value is None or (kind == "Context" and oid in self.items):
            # A query or a review of an item, or what is sent again for its surroundings: its value stays.
            self.items.setdefault(oid, "")
        else:
            self.items[oid] = value
            self.items.pop(oid + UNIT, None)
            if unit and value:
                self.items[oid + UNIT] = units.get(unit, unit)


@dataclass(slots=True)
class _Subject:
    """A subject of a study, and the rows that it has so far."""

    study: str
    key: str
    site: str = ""
    number: str = ""
    rows: dict[_Path, _Row] = field(default_factory=dict)

    def head(self, version: str) -> list[str]:
        return [self.study, version, self.key, self.site, self.number]

    def remove(self, path: _Path) -> None:
        """Take away all rows of an event, form or group."""
        for key in [key for key in self.rows if key[: len(path)] == path]:
            del self.rows[key]


@dataclass(slots=True)
class _Subjects:
    """The subjects that are in memory, and the rows that had to be rows of their own."""

    sheet: str
    layout: _Layout
    of: dict[tuple[str, str], _Subject] = field(default_factory=dict)
    twice: list[int] = field(default_factory=list)

    def taken(self) -> list[_Row]:
        """The rows in the order of the file; none of them is kept."""
        rows = [row for subject in self.of.values() for row in subject.rows.values() if row.items]
        self.of.clear()
        return sorted(rows, key=attrgetter("number"))

    def take(self, element: Any, numbers: dict[Any, int]) -> None:
        """Take in a SubjectData; `numbers` has those of its item groups."""
        key = _subject_key(element)
        kind = element.get("TransactionType", "")
        if kind == "Remove":
            self.of.pop(key, None)
            return
        subject = self.of.setdefault(key, _Subject(*key))
        subject.site = _site(element) or subject.site
        subject.number = _number(element) or subject.number
        version = element.getparent().get("MetaDataVersionOID", "")
        for path, branch, how in _branches(element, (), kind):
            if how == "Remove":
                subject.remove(path)
            elif local(branch) == "ItemGroupData" and _is_of(path, self.sheet):
                self._fill(subject, path, branch, how, numbers[branch], version)

    def _fill(self, subject: _Subject, path: _Path, group: Any, kind: str, number: int, version: str) -> None:
        """Take in the items of a group."""
        items = _items(group)
        row = subject.rows.get(path)
        if row is not None and not self.layout.transactional and row.contradicts(items):
            self.twice.append(number)
            row, path = None, (*path, ("", str(number)))
        if items and row is None:
            row = subject.rows[path] = _Row(subject, number, _keys(path))
        for item in items:
            assert row is not None
            row.version = version
            row.change(item, item.get("TransactionType", kind), self.layout.units)


def _branches(element: Any, above: _Path, kind: str) -> Iterator[tuple[_Path, Any, str]]:
    """The events, forms and groups below an element, parents first, with their keys and TransactionType.

    One that says none has that of its parent (ODM 1.3.2 section 2.7); below one that is removed there is nothing.
    """
    for child in element:
        if (names := _LEVELS.get(local(child))) is not None:
            path = (*above, (child.get(names[0], ""), child.get(names[1], "")))
            how = child.get("TransactionType", kind)
            yield path, child, how
            if how != "Remove":
                yield from _branches(child, path, how)


def _is_of(path: _Path, sheet: str) -> bool:
    return not sheet or any(oid == sheet for oid, _ in path[1:])


def _keys(path: _Path) -> list[str]:
    """The keys of a row from StudyEventOID on, of a path of event, form and groups."""
    form, group = path[1], path[-1]
    repeats = "/".join(repeat for _, repeat in path[2:] if repeat) if len(path) > 2 else group[1]
    return [*path[0], *form, group[0], repeats]


def _items(group: Any) -> list[Any]:
    """The items of a group itself, untyped (ItemData) and typed (ItemDataString and the like)."""
    return [child for child in group if local(child).startswith("ItemData")]


def _value(item: Any) -> str | None:
    """The value of an item, blank where it is null, None where nothing is said of it."""
    if item.get("IsNull") == "Yes":
        return ""
    if local(item) != "ItemData":
        return "".join(item.itertext())
    if (value := item.get("Value")) is not None:
        return str(value)
    values = ["".join(child.itertext()) for child in item if local(child) == "Value"]
    return ";".join(values) if values else None


def _unit(item: Any) -> str:
    return part_of(item, "MeasurementUnitRef", "MeasurementUnitOID")


def _subject_key(element: Any) -> tuple[str, str]:
    """StudyOID and SubjectKey of a SubjectData."""
    return element.getparent().get("StudyOID", ""), element.get("SubjectKey", "")


def _site(element: Any) -> str:
    """The site of a subject: its OID, else Rave's number of it."""
    return part_of(element, "SiteRef", "LocationOID") or part_of(element, "SiteRef", "StudyEnvSiteNumber")


def _number(element: Any) -> str:
    """The number by which people know a subject, where SubjectKey is one of the system.

    OpenClinica and Rave have attributes of their own for it; others write it as the comment or flag of an Annotation.
    """
    found = of_any_namespace(element, "StudySubjectID") or of_any_namespace(element, "SubjectName")
    notes = [
        one for child in element if local(child) == "Annotation" for one in child.iter("{*}Comment", "{*}FlagValue")
    ]
    return found or next((text for one in notes if (text := (one.text or "").strip())), "")
