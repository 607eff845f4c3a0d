"""Whether a mapped row has what makes it a record: a term, a result (or a reason why there is none), a date."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fhir2cdisc.sdtm.columns import ASSERTED, ONSET, ORDINAL, STRESC
from fhir2cdisc.sdtm.rows.verbs import Report, Value

_TERMS = ("TERM", "TRT", "TEST")
_RESULTS = ("ORRES", "STRESC", "STAT")
_DATES = ("STDTC", "DTC", "ENDTC")
NO_DATE = "has no date"
_SAID = {
    "term": "has no term; the record says of nothing what it is",
    "result": "has no result and no reason why there is none",
    "date": NO_DATE,
}


@dataclass(frozen=True, slots=True)
class Needs:
    """The columns of a source one of which a row must have: what for, the variable that is named, their places.

    Only what the source maps is asked for: a characteristic without a date lacks none.
    """

    wanted: tuple[tuple[str, str, tuple[int, ...]], ...]

    @classmethod
    def of(cls, domain: str, columns: tuple[str, ...], of_drugs: bool = False) -> Needs:
        """What rows of a source of this domain need, by the columns that it maps.

        That a drug has no name is said where it is looked for (see `medications`).
        """
        wanted = []
        for kind, suffixes, more in (
            ("term", _TERMS, ()),
            ("result", _RESULTS, (STRESC, ORDINAL)),
            ("date", _DATES, (ASSERTED, ONSET)),
        ):
            names = [f"{domain}{suffix}" for suffix in suffixes]
            own = [name for name in names if name in columns]
            if (kind == "result" and f"{domain}ORRES" not in own) or (kind == "term" and of_drugs):
                continue
            if own:
                places = tuple(columns.index(name) for name in (*own, *more) if name in columns)
                wanted.append((kind, own[0], places))
        return cls(tuple(wanted))

    def lacks(self, values: list[Value]) -> list[tuple[str, str]]:
        """(kind, variable) of each thing that a row does not have; the columns asked for hold texts."""
        found = []
        for kind, name, places in self.wanted:
            for place in places:
                if values[place]:
                    break
            else:
                found.append((kind, name))
        return found

    def report(self, lacks: list[tuple[str, str]], focus: dict[str, Any], report: Report) -> None:
        """A finding for each thing that is not there."""
        for kind, name in lacks:
            said = _SAID[kind]
            if kind == "result" and (element := next((key for key in focus if key.startswith("value")), "")):
                said = f"has no result that can be written: {element} is no text, number or concept"
            report("record.incomplete", name, "", said)
