"""A draft of a mapping of an extract: sure lines plain, guesses as comments, every other column named with a `?`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from fhir2cdisc.fhir.columns import LEAST, MOST_VALUES, most_frequent
from fhir2cdisc.mappings.draft_names import GUESS, UNDECIDED, known_names, plain_name
from fhir2cdisc.mappings.extract_model import ColumnMap, Extract, Reading, Table
from fhir2cdisc.mappings.standard.datasets import codelist, sdtm_datasets
from fhir2cdisc.sdtm.cells.needed import columns_needed, reason_of
from fhir2cdisc.sdtm.cells.verbs import PLUS
from fhir2cdisc.sdtm.draft.profile import NOTHING, Column, Sheet, formats_of
from fhir2cdisc.sdtm.draft.propose import Proposal, domain_of, propose, subject_of

_HEAD = (
    "A draft of a mapping, made from the names and values of an extract. Plain lines are sure. Lines that begin with",
    "`# ` and end with a GUESS are for you: take the `# ` away where the guess is right, then the GUESS. A column with",
    '"?" under not_needed waits for a decision: map it, or say why it is not needed.',
)
_FINGERPRINTS = (
    ("redcap-recist", {"redcap_event_name", "redcap_repeat_instrument"}, "an export of a REDCap project"),
    ("omop", {"person_id", "measurement_concept_id"}, "tables of the OMOP common data model"),
    ("cn-recist", {"病灶编号"}, "a Chinese RECIST form"),
)


def draft(sheets: Sequence[Sheet]) -> str:
    """The text of the draft, a valid mapping; the same for the same tables, whatever order they come in."""
    sheets = sorted(sheets, key=lambda sheet: (sheet.file, sheet.sheet))
    columns = [column for sheet in sheets for column in sheet.columns]
    dates, undecided = formats_of(columns)
    missing = tuple(text for text in NOTHING if any(text in column.values for column in columns))
    reading = Reading(dates=dates, missing=missing)
    lines = [f"# {line}" for line in _HEAD]
    lines += _looks_like(sheets)
    lines += ['extract = "draft"', "[read]", f"dates = {_toml(list(dates))}"]
    if undecided:
        lines.append('# Nothing tells day and month apart: add "D/M/YYYY" or "M/D/YYYY" (with their sign) to dates.')
    if missing:
        lines.append(f"missing = {_toml(list(missing))}")
    made = _Drafting(sheets, reading, undecided)
    for sheet in sheets:
        lines += ["", *made.table(sheet)]
    for name, pairs in sorted(made.words.items()):
        lines += ["", f"# [maps.{name}]", *pairs]
    return "\n".join(lines) + "\n"


@dataclass(slots=True)
class _Drafting:
    """What tables of one draft share: the names that are taken, and by variable the values that ask for a map."""

    sheets: Sequence[Sheet]
    reading: Reading
    undecided: bool = False
    names: set[str] = field(default_factory=set)
    words: dict[str, list[str]] = field(default_factory=dict)

    def table(self, sheet: Sheet) -> Iterator[str]:
        """A table with its source; all of it a comment where no column is known to hold the subject's number."""
        subject, is_known = subject_of(self.sheets)[f"{sheet.file}!{sheet.sheet}"]
        domain, sure = domain_of(sheet)
        proposals = list(propose(sheet, domain, sure, self.reading, self.undecided)) if domain else []
        proposals = [one for one in proposals if one.column != subject]
        name = _name(sheet, self.names)
        body = [
            "[[table]]",
            f"name = {_toml(name)}",
            f"file = {_toml(sheet.file)}",
            *([f"sheet = {_toml(sheet.sheet)}"] if sheet.sheet else []),
            *([f"header = {_toml(list(sheet.header))}"] if sheet.header != (1,) else []),
            f"subject = {_toml(subject or UNDECIDED)}" + ("" if is_known else f"  {GUESS} 0.40"),
            *_not_needed(sheet, subject, {part for one in proposals if one.sure for part in _parts(one)}),
        ]
        if not is_known:
            yield f"# {_place(sheet)}: no column is known to hold the subject's number; name it and take the `# ` away."
            body = [f"# {line}" for line in body]
        yield from body
        off = "" if is_known and any(one.sure for one in proposals) else "# "
        if proposals:
            yield f"{off}[[source]]"
            yield f"{off}domain = {_toml(domain)}"
            yield f"{off}name = {_toml(name)}"
            yield f"{off}table = {_toml(name)}"
            yield f"{off}[source.variables]"
        for one in sorted(proposals, key=lambda item: (not item.sure, item.variable, item.column)):
            yield f"{off}{_line(one)}" if one.sure else f"# {_line(one)}"
            if one.asks_map:
                self.words[one.variable.lower()] = _asked(one, sheet)
        yield from _wide(sheet, domain, name)


def _parts(one: Proposal) -> list[str]:
    """The columns that a proposal reads."""
    return [part.strip() for column in one.spec.column for part in column.split(PLUS)]


def _looks_like(sheets: Sequence[Sheet]) -> Iterator[str]:
    """The built-in mappings that the headings are of."""
    for sheet in sheets:
        headings = {part for column in sheet.columns for part in (column.name, *column.name.split("|"))}
        for name, signs, what in _FINGERPRINTS:
            if signs <= headings:
                yield f"# {_place(sheet)} looks like {what}: try --extract {name} first."


def _place(sheet: Sheet) -> str:
    return f"{sheet.file}!{sheet.sheet}" if sheet.sheet else sheet.file


def _asked(one: Proposal, sheet: Sheet) -> list[str]:
    """The values of a guess that a map could turn into terms, with the term that has a word of theirs, as comments."""
    column = next(column for column in sheet.columns if column.name == one.column)
    shown = [text for text, n in sorted(column.values.items()) if n >= LEAST and not column.hidden]
    terms = codelist(one.spec.codelist).terms
    return [f"# {_toml(text)} = {_toml(_nearest(text, terms))}  {GUESS}" for text in shown[:40]]


def _nearest(text: str, terms: Iterable[str]) -> str:
    """The one term whose words are all in a text, `?` where there is none or several."""
    said = set(text.upper().split())
    found = [term for term in terms if set(term.upper().split()) <= said]
    return found[0] if len(found) == 1 else UNDECIDED


def _line(one: Proposal) -> str:
    if one.sure:
        return f"{one.variable} = {_spec(one.spec)}"
    spec = one.spec.model_copy(update={"map": one.variable.lower()}) if one.asks_map else one.spec
    more = " (with its map below)" if one.asks_map else ""
    return f"{one.variable} = {_spec(spec)}  {GUESS} {one.score:.2f} {one.why}{more}"


def _spec(spec: ColumnMap) -> str:
    """How a variable is filled, as it stands in a mapping."""
    said = spec.model_dump(by_alias=True, exclude_defaults=True)
    columns = said.pop("column", ())
    parts = [f"column = {_toml(columns[0] if len(columns) == 1 else list(columns))}"] if columns else []
    return "{ " + ", ".join([*parts, *(f"{name} = {_toml(value)}" for name, value in said.items())]) + " }"


def _toml(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _name(sheet: Sheet, names: set[str]) -> str:
    """A name of a table that no other has: of its file and sheet, with a number where that is not enough."""
    stem = PurePosixPath(sheet.file).name.split(".")[0]
    words = re.findall(r"[a-z0-9]+", f"{stem} {sheet.sheet}".lower())
    made = "-".join(words) if words and words[0][0].isalpha() else "-".join(["table", *words])
    chosen, number = made, 1
    while chosen in names:
        number += 1
        chosen = f"{made}-{number}"
    names.add(chosen)
    return chosen


def _not_needed(sheet: Sheet, subject: str, used: set[str]) -> Iterator[str]:
    """Every column that no plain line reads: the reason where its name says it, else a question with what it holds."""
    rest = [column for column in sheet.columns if column.name != subject and column.name not in used]
    rest = [column for column in rest if column.filled]
    if rest:
        yield "[table.not_needed]"
    for column in rest:
        known = known_names().get(plain_name(column.name), ())
        if any(one.kind == "study" for one in known):
            yield f'{_toml(column.name)} = "the study file names the study"'
        else:
            yield f"{_toml(column.name)} = {_toml(UNDECIDED)}  # {_holds(column)}"


def _holds(column: Column) -> str:
    """How many cells are filled and, unless they may lead to a person, the most frequent values."""
    if column.hidden:
        return f"{column.filled} cells; may identify people"
    frequent = most_frequent(column.values, LEAST) if len(column.values) <= MOST_VALUES else []
    shown = "; ".join(f"{_plain(text)} ({n})" for text, n in frequent)
    return f"{column.filled} cells" + (f": {shown}" if shown else "")


def _plain(text: str) -> str:
    return " ".join(text.split())[:40]


def _wide(sheet: Sheet, domain: str, name: str) -> Iterator[str]:
    """Columns that are named as tests of findings, or numbered, as a source with `each`: always a guess."""
    for code, tests in (("VS", "VSTESTCD"), ("LB", "LBTESTCD")):
        if domain not in ("", code):
            continue
        terms = codelist(next(iter(sdtm_datasets()[code][tests].codelists))).terms
        found = [c.name for c in sheet.columns if c.is_number and c.name.upper() in terms and not c.hidden]
        if len(found) >= 2:
            each = f"(?P<test>{'|'.join(map(re.escape, found))})"
            yield from _each(code, f"{name}-{code.lower()}-tests", name, each, "test", "named as tests")
    families: dict[str, list[str]] = {}
    for column in sheet.columns:
        if (
            column.is_number
            and len(column.texts) > 3
            and (match := re.fullmatch(r"(\D*[A-Za-z_])(\d{1,2})(\D*)", column.name))
        ):
            families.setdefault(f"{re.escape(match[1])}(?P<number>\\d+){re.escape(match[3])}", []).append(column.name)
    for place, (each, some) in enumerate(sorted(families.items()), 1):
        if len(some) >= 2 and domain in ("", "TR", "TU"):
            yield from _each("TR", f"{name}-numbered-{place}", name, each, "number", "numbered columns")


def _each(domain: str, name: str, table: str, each: str, group: str, why: str) -> Iterator[str]:
    filled = {"test": f"{domain}TESTCD", "number": f"{domain}LNKID"}[group]
    yield f"# [[source]]  {GUESS} 0.60 {why}"
    yield f"# domain = {_toml(domain)}"
    yield f"# name = {_toml(name)}"
    yield f"# table = {_toml(table)}"
    yield f"# each = {_toml(each)}"
    yield "# [source.variables]"
    yield f'# {filled} = {{ column = "${group}" }}'
    yield f'# {domain}ORRES = {{ column = "$cell", as = "result" }}'


def more_of(text: str, extract: Extract, sheets: Sequence[Sheet]) -> str:
    """An earlier mapping word for word, and below it what the extract has that the mapping does not name.

    New tables come as in a draft; new columns of a table as comments, since every column of it stands in one place.
    """
    lines: list[str] = []
    unknown = [sheet for sheet in sheets if not any(_is_of(sheet, table) for table in extract.table)]
    for sheet in sorted(sheets, key=lambda one: (one.file, one.sheet)):
        for table in extract.table:
            if not _is_of(sheet, table):
                continue
            needed = columns_needed(extract, table, [column.name for column in sheet.columns]).columns
            new = [
                column
                for column in sheet.columns
                if column.filled and column.name not in needed and not reason_of(table, column.name)
            ]
            if new:
                lines += ["", f"# New columns of table {table.name} ({_place(sheet)}):"]
                domain = next((source.domain for source in extract.source if source.table == table.name), "")
                lately = propose(Sheet(sheet.file, sheet.sheet, sheet.header, new), domain, True, extract.read, False)
                lines += [f"# {_line(one)}" for one in (lately if domain else ())]
                lines += [
                    f"# not_needed: {_toml(column.name)} = {_toml(UNDECIDED)}  # {_holds(column)}" for column in new
                ]
    if unknown:
        made = _Drafting(unknown, extract.read, names={table.name for table in extract.table})
        for sheet in sorted(unknown, key=lambda one: (one.file, one.sheet)):
            lines += ["", *made.table(sheet)]
    return text if not lines else text.rstrip("\n") + "\n" + "\n".join(lines) + "\n"


def _is_of(sheet: Sheet, table: Table) -> bool:
    return PurePosixPath(sheet.file).match(table.file) and table.sheet in ("", sheet.sheet)
