"""The draft of a mapping for what sources hold: tables of an extract, or FHIR."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fhir2cdisc.converters.atomic import write_text
from fhir2cdisc.converters.extracts.draft import draft, more_of
from fhir2cdisc.converters.extracts.sheets import read_sheets
from fhir2cdisc.converters.run.site_draft import draft_site
from fhir2cdisc.fhir.sources import SourceError, list_documents
from fhir2cdisc.mappings.errors import Fhir2CdiscError
from fhir2cdisc.mappings.extract_model import builtin_extracts, load_extract


class DraftError(Fhir2CdiscError):
    """A draft that cannot be made or written; one sentence."""


def drafted(sources: Sequence[Path], earlier: str | None, sites: Sequence[str]) -> tuple[str, list[str]]:
    """The text of the draft, and what is to be said of files that could not be read.

    Of an earlier mapping every line is kept, and what is new is added. Without any table FHIR is drafted as a site map.
    """
    said: list[str] = []
    sheets = read_sheets(sources, said.append)
    if earlier is not None:
        extract = load_extract(earlier)
        text = builtin_extracts().get(earlier, Path(earlier)).read_text(encoding="utf-8")
        return more_of(text, extract, sheets), said
    if sheets:
        return draft(sheets), said
    if list_documents(sources, may_be_none=True).documents:
        return draft_site(sources, sites), said
    raise SourceError("; ".join(["there is neither a table nor FHIR among the sources", *said]))


def write_draft(out: Path, text: str, replace_old: bool) -> None:
    """The file whole or not at all; a file that is there is kept unless it is to be replaced."""
    if out.exists() and not replace_old:
        raise DraftError(f"{out}: is there already; --replace replaces it")
    write_text(out, text)
