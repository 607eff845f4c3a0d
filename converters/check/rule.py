"""What a conformance rule is, what it looks at, and what it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd
from fhir2cdisc.converters.manifest import Differences
from fhir2cdisc.converters.package import Kind
from fhir2cdisc.mappings.standard.datasets import Dataset, sdtm_datasets

Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True, slots=True)
class Hit:
    """One thing that a rule found: where, in a sentence, and the rows (from 1), none where it is no row."""

    dataset: str
    variable: str
    message: str
    rows: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Loaded:
    """A dataset file of the package, read; `domain` is QS for a split dataset such as QSFH."""

    kind: Kind
    path: Path
    frame: pd.DataFrame
    dataset: Dataset
    domain: str = ""

    @property
    def name(self) -> str:
        return self.dataset.name

    @property
    def model(self) -> Dataset | None:
        """What the SDTM guide says of this dataset, as far as the project knows it."""
        known = sdtm_datasets()
        if self.kind == "adam":
            return None
        if self.is_supplemental:
            return known["SUPPQUAL"]
        return known.get(self.name) or known.get(self.domain)

    @property
    def is_supplemental(self) -> bool:
        return {"RDOMAIN", "QNAM", "QVAL"} <= set(self.frame.columns)


@dataclass(frozen=True, slots=True)
class Package:
    """A package: the folder of each kind, datasets by name, define.xml trees, and files that could not be read.

    `coming` are files that will be there when the package is complete. `differences` are those to its manifest,
    None where `manifest` is none of ours; `manifest` is False where there is none at all.
    """

    places: Mapping[Kind, Path]
    sdtm: dict[str, Loaded]
    adam: dict[str, Loaded]
    defines: dict[Kind, Any]
    unread: tuple[Hit, ...] = ()
    malformed: tuple[Hit, ...] = ()
    coming: frozenset[Path] = frozenset()
    manifest: bool = False
    differences: Differences | None = None

    @property
    def loaded(self) -> Iterator[Loaded]:
        yield from self.sdtm.values()
        yield from self.adam.values()

    def has_file(self, kind: Kind, href: str) -> bool:
        """True where a file that the define.xml of a kind links to is there, or will be."""
        path = self.places[kind] / href
        return path.is_file() or path in self.coming

    def find(self, name: str) -> Loaded | None:
        return self.sdtm.get(name) or self.adam.get(name)

    def group(self, kind: Kind) -> dict[str, Loaded]:
        return self.sdtm if kind == "sdtm" else self.adam


Check = Callable[[Package], Iterable[Hit]]


@dataclass(frozen=True, slots=True)
class Rule:
    """A conformance rule in our own words: id, severity, where the guide says it (or `own rule`), and the check."""

    id: str
    severity: Severity
    section: str
    says: str
    check: Check
