"""Which records say that somebody died: a table of evidence, `mappings/deaths.toml`, compiled to a reader."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from fhir2cdisc.fhir.dates import DateError, to_dtc
from fhir2cdisc.fhir.path.expression import Context, Path, compile_path, truth
from fhir2cdisc.mappings.model import DeathEvidence, death_evidence

PATIENT = "Patient"


class Death(NamedTuple):
    """One record that says that the subject died: its rank, kind, resource and date (blank where it has none)."""

    rank: int
    kind: str
    resource: str
    dtc: str


@dataclass(slots=True)
class DeathReader:
    """The table of evidence, compiled."""

    by_type: dict[str, list[tuple[int, str, Path, list[Path]]]]

    @classmethod
    def of(cls, table: Iterable[DeathEvidence]) -> DeathReader:
        found: dict[str, list[tuple[int, str, Path, list[Path]]]] = {}
        for rank, one in enumerate(table):
            paths = [compile_path(path) for path in one.date]
            found.setdefault(one.resource, []).append((rank, one.name, compile_path(one.where), paths))
        return cls(found)

    @classmethod
    def built_in(cls) -> DeathReader:
        return cls.of(death_evidence())

    def read(self, resource: dict[str, Any], context: Context, date: Callable[[str], str] = to_dtc) -> Death | None:
        """What a resource says of the patient's death, its date as `date` reads it; None where it says nothing."""
        kind = str(resource.get("resourceType"))
        for rank, name, where, paths in self.by_type.get(kind, ()):
            if truth(where(resource, context)):
                dates = (value for path in paths for value in path(resource, context))
                dtc = next((dtc for value in dates if (dtc := _dtc(value, date))), "")
                return Death(rank, name, f"{kind}/{resource.get('id', '')}", dtc)
        return None


def _dtc(value: Any, date: Callable[[str], str]) -> str:
    try:
        return date(value) if isinstance(value, str) else ""
    except DateError:
        # That it is no date is said where the record itself is mapped.
        return ""
