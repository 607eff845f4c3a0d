"""A guide as sections, paragraphs and tables, written as Markdown or as an HTML page."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from fhir2cdisc.converters.page import page


@dataclass(frozen=True, slots=True)
class Table:
    """Column heads and rows; a table without rows is left out."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Section:
    """A heading, its paragraphs, its tables and its subsections."""

    heading: str
    paragraphs: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    parts: tuple[Section, ...] = ()

    @property
    def is_empty(self) -> bool:
        filled = any(table.rows for table in self.tables)
        return not self.paragraphs and not filled and all(part.is_empty for part in self.parts)


@dataclass(frozen=True, slots=True)
class Guide:
    """A titled document; sections without content are left out and the others numbered."""

    title: str
    subtitle: str
    sections: tuple[Section, ...]


def _numbered(sections: Sequence[Section], above: str = "") -> Iterator[tuple[str, int, Section]]:
    filled = [section for section in sections if not section.is_empty]
    for number, section in enumerate(filled, 1):
        label = f"{above}{number}"
        yield label, label.count(".") + 2, section
        yield from _numbered(section.parts, f"{label}.")


def as_markdown(guide: Guide) -> str:
    """The guide as Markdown; what could be taken for markup is escaped."""
    blocks = [f"# {_plain(guide.title)}", _plain(guide.subtitle)]
    for label, level, section in _numbered(guide.sections):
        blocks.append(f"{'#' * level} {label} {_plain(section.heading)}")
        blocks += [_plain(text) for text in section.paragraphs]
        blocks += [_markdown_table(table) for table in section.tables if table.rows]
    return "\n\n".join(blocks) + "\n"


def as_html(guide: Guide) -> str:
    """The guide as one page without script, with a linked table of contents."""
    numbered = list(_numbered(guide.sections))
    links = "".join(f'<li><a href="#s{n}">{n} {escape(s.heading)}</a></li>' for n, _, s in numbered)
    parts = [f"<h1>{escape(guide.title)}</h1><p>{escape(guide.subtitle)}</p><ul>{links}</ul>"]
    for label, level, section in numbered:
        parts.append(f'<h{level} id="s{label}">{label} {escape(section.heading)}</h{level}>')
        parts += [f"<p>{escape(text)}</p>" for text in section.paragraphs]
        parts += [_html_table(table) for table in section.tables if table.rows]
    return page(f"{guide.title}, {guide.subtitle}", "\n".join(parts))


def _plain(text: str) -> str:
    return re.sub(r"([\\`*_\[\]<>|#])", r"\\\1", " ".join(text.split()))


def _markdown_table(table: Table) -> str:
    rows = [table.heads, tuple("---" for _ in table.heads)]
    lines = [f"| {' | '.join(rows[0])} |", f"| {' | '.join(rows[1])} |"]
    lines += [f"| {' | '.join(_plain(cell) for cell in row)} |" for row in table.rows]
    return "\n".join(lines)


def _html_table(table: Table) -> str:
    heads = "".join(f"<th>{escape(head)}</th>" for head in table.heads)
    rows = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in table.rows)
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
