"""Which records say that somebody died: a table of evidence, `mappings/deaths.toml`, compiled to a reader."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from fhir2cdisc.fhir.dates import DateError, to_dtc
from fhir2cdisc.fhir.path.expression import Context, Path, compile_path, truth
from fhir2cdisc.mappings.model import DeathEvidence, death_evidence, terminology_maps
from fhir2cdisc.sdtm.rows.verbs import table_entry

PATIENT = "Patient"
# The map of what is said of a patient's life, and what it calls the dead.
_MAP, _DEAD = "survival", "DEAD"


class Death(NamedTuple):
    """One record that says that the subject died: its rank, kind, resource and date (blank where it has none)."""

    rank: int
    kind: str
    resource: str
    dtc: str


@dataclass(frozen=True, slots=True)
class _Kind:
    """One kind of evidence, compiled."""

    rank: int
    name: str
    where: Path | None
    said: tuple[Path, ...]
    dates: tuple[Path, ...]

    def holds(self, resource: dict[str, Any], context: Context, survival: Mapping[str, str]) -> bool:
        # What is said comes first: few records have it, and a path costs less than a condition.
        if self.said:
            concepts = (value for path in self.said for value in path(resource, context))
            if not any(table_entry(survival, concept) == _DEAD for concept in concepts):
                return False
        return self.where is None or truth(self.where(resource, context)) is True


@dataclass(slots=True)
class DeathReader:
    """The table of evidence, compiled, and the map of what is said of a patient's life."""

    by_type: dict[str, list[_Kind]]
    survival: Mapping[str, str]

    @classmethod
    def of(cls, table: Iterable[DeathEvidence], survival: Mapping[str, str]) -> DeathReader:
        found: dict[str, list[_Kind]] = {}
        for rank, one in enumerate(table):
            said, dates = (tuple(map(compile_path, paths)) for paths in (one.said, one.date))
            where = compile_path(one.where) if one.where else None
            found.setdefault(one.resource, []).append(_Kind(rank, one.name, where, said, dates))
        return cls(found, survival)

    @classmethod
    def built_in(cls) -> DeathReader:
        return cls.of(death_evidence(), terminology_maps()[_MAP])

    def read(self, resource: dict[str, Any], context: Context, date: Callable[[str], str] = to_dtc) -> Death | None:
        """What a resource says of the patient's death, its date as `date` reads it; None where it says nothing."""
        kind = str(resource.get("resourceType"))
        for one in self.by_type.get(kind, ()):
            if one.holds(resource, context, self.survival):
                dates = (value for path in one.dates for value in path(resource, context))
                dtc = next((dtc for value in dates if (dtc := _dtc(value, date))), "")
                return Death(one.rank, one.name, f"{kind}/{resource.get('id', '')}", dtc)
        return None


def _dtc(value: Any, date: Callable[[str], str]) -> str:
    try:
        return date(value) if isinstance(value, str) else ""
    except DateError:
        # That it is no date is said where the record itself is mapped.
        return ""
