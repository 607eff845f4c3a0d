"""The sources of extracts as those of mapping files: what define.xml and the datasets of a run need to know of them."""

from __future__ import annotations

from collections.abc import Iterable

from fhir2cdisc.mappings.extract_model import ColumnMap, Extract, RowSource
from fhir2cdisc.mappings.model import DomainMap, SourceMap, VariableMap


def with_extracts(mappings: Iterable[DomainMap], extracts: Iterable[Extract]) -> list[DomainMap]:
    """The mappings with a source for each source of the extracts, whose paths are the columns in words."""
    by_domain: dict[str, list[SourceMap]] = {}
    for extract in extracts:
        for source in extract.source:
            by_domain.setdefault(source.domain, []).append(_described(extract, source))
    return [
        mapping.model_copy(update={"source": (*mapping.source, *by_domain.get(mapping.domain, ()))})
        for mapping in mappings
    ]


def _described(extract: Extract, source: RowSource) -> SourceMap:
    return SourceMap(
        name=f"{extract.extract}:{source.name}",
        resource=f"{extract.extract}/{source.table}",
        variables={name: _words(spec) for name, spec in source.all_variables.items()},
        supp={name: _words(spec) for name, spec in source.supp.items()},
    )


def _words(spec: ColumnMap) -> VariableMap:
    """The columns of a variable as paths; a value that is given is one here, too."""
    if spec.value:
        return VariableMap(value=spec.value, label=spec.label)
    return VariableMap(path=spec.column or (spec.text or spec.checked,), label=spec.label)
