"""Records that their source deleted: by a history bundle, a transaction, or a `deleted` file of a Bulk Data export."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from fhir2cdisc.fhir.records import Deletion
from fhir2cdisc.fhir.servers import Servers, resource_key


@dataclass(frozen=True, slots=True)
class Deletions:
    """All deletions of a run, by the key of the record."""

    servers: Servers = field(default_factory=Servers)
    by_key: Mapping[str, tuple[Deletion, ...]] = field(default_factory=dict, hash=False)

    @classmethod
    def of(cls, deletions: Iterable[Deletion], servers: Servers) -> Deletions:
        found: dict[str, list[Deletion]] = defaultdict(list)
        for one in sorted(deletions):
            found[resource_key(servers.canonical(one.base), one.plain)].append(one)
        return cls(servers, {key: tuple(some) for key, some in found.items()})

    def find(self, base: str, plain: str, version: str, updated: str) -> Deletion | None:
        """The deletion that a record did not outlive: not a newer version, nor updated after it."""
        some = self.by_key.get(resource_key(self.servers.canonical(base), plain), ()) if self.by_key else ()
        return next((one for one in some if _is_after(one, version, updated)), None)

    def has(self, key: str) -> bool:
        return key in self.by_key


def is_certain(deletion: Deletion, version: str, updated: str) -> bool:
    """Whether versions or times say which came last; where they do not the deletion counts."""
    return (version.isdigit() and deletion.version.isdigit()) or bool(updated and deletion.updated)


def _is_after(deletion: Deletion, version: str, updated: str) -> bool:
    if version.isdigit() and deletion.version.isdigit():
        return int(version) <= int(deletion.version)
    if updated and deletion.updated:
        return instant(updated) <= instant(deletion.updated)
    return True


def instant(text: str) -> str:
    """An instant in UTC, so that updates written in different time zones compare; any other text unchanged."""
    try:
        at = datetime.fromisoformat(text)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC).isoformat()
    except (ValueError, OverflowError):
        return text
