"""A run: sources to SDTM, as two functions over files whatever executes them (route, convert), then assembly."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from fhir2cdisc.converters.run.executor import Executor, executor
from fhir2cdisc.fhir.accounts import Accounts
from fhir2cdisc.fhir.findings import Finding
from fhir2cdisc.fhir.path.parser import PathError
from fhir2cdisc.fhir.route import SHARED_BUCKET, bucket_names, read_bucket, route
from fhir2cdisc.fhir.sources import Document, list_documents
from fhir2cdisc.mappings.model import (
    DomainMap,
    MappingError,
    builtin_domains,
    builtin_terminology,
    datasets_of,
    load_domain,
    load_site,
    override,
)
from fhir2cdisc.mappings.study import Study
from fhir2cdisc.sdtm.assemble import Sdtm, assemble
from fhir2cdisc.sdtm.convert import Converted, Converter
from fhir2cdisc.sdtm.engine import Engine
from fhir2cdisc.sdtm.gather import gather
from fhir2cdisc.sdtm.resources import Shared

# Files of about this size together make one routing task.
_TASK_BYTES = 16 << 20
Progress = Callable[[Iterable[object], str, int], Iterable[object]]


def _silent(steps: Iterable[object], label: str, length: int) -> Iterable[object]:
    return steps


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How a run is done; nothing here changes what comes out except `deep`, `mappings` and `key`.

    `buckets` is the number of parts that subjects are dealt into, `workers` the number of processes. `mappings`
    are files that override built-in mappings, `sites` maps of local codes (built-in names or files). `key` is the
    secret from which subject numbers are made where the source has none; without it they can be made again by
    anyone who knows the patients' ids.
    """

    deep: bool = False
    workers: int = 1
    buckets: int = 32
    mappings: tuple[Path, ...] = ()
    sites: tuple[str, ...] = ()
    key: bytes = field(default=b"", repr=False)


@dataclass(slots=True)
class SdtmRun:
    """SDTM and everything that is known of how it came about."""

    sdtm: Sdtm
    accounts: Accounts
    mappings: list[DomainMap]
    documents: list[Document]
    skipped: list[str]


def all_mappings(options: RunOptions) -> list[DomainMap]:
    """The built-in mappings with the user's put before them; MappingError says what is wrong with a file."""
    return override(builtin_domains(), [load_domain(path) for path in options.mappings])


Rules = tuple[tuple[Path, ...], tuple[str, ...]]


@cache
def _engine(study: Study, rules: Rules) -> Engine:
    mappings, sites = rules
    terms = builtin_terminology()
    for site in reversed(sites):
        terms = terms.with_site(load_site(site))
    try:
        return Engine.build(study, all_mappings(RunOptions(mappings=mappings)), terms)
    except (PathError, KeyError, re.error) as error:
        raise MappingError(f"mapping: {error.args[0]}") from error


@cache
def _shared(folder: Path) -> Shared:
    # Booked once by the run itself; a worker only needs the resources.
    return Shared.of(read_bucket(folder, SHARED_BUCKET), Accounts())


def route_task(
    documents: list[Document], folder: Path, buckets: int, study: Study, rules: Rules, task: int
) -> Accounts:
    """Stage one over some documents."""
    return route(documents, folder, buckets, _engine(study, rules).types, task)


def convert_task(folder: Path, name: str, study: Study, rules: Rules, deep: bool) -> Converted:
    """Stage two over one bucket."""
    return Converter(_engine(study, rules), _shared(folder), deep).convert(read_bucket(folder, name))


def build_sdtm(
    sources: Sequence[str | Path], study: Study, options: RunOptions | None = None, progress: Progress = _silent
) -> SdtmRun:
    """SDTM of a study from FHIR sources.

    Raises SourceError for a source that is missing or empty, MappingError for a wrong mapping file, SubjectError
    where subjects cannot be told apart. Whatever is wrong with single records is in the accounts and findings.
    """
    options = options or RunOptions()
    documents, skipped = list_documents(sources)
    mappings = all_mappings(options)
    _engine(study, (options.mappings, options.sites))
    with tempfile.TemporaryDirectory(prefix="fhir2cdisc-") as name:
        engine = executor(options.workers)
        try:
            accounts, parts = _stages(Path(name), documents, study, options, engine, progress)
        finally:
            engine.close()
            _shared.cache_clear()
            if options.mappings or options.sites:
                # A file may say something else the next time.
                _engine.cache_clear()
    gathered = gather(parts, accounts, datasets_of(mappings))
    return SdtmRun(assemble(gathered, study, mappings, options.key), accounts, mappings, documents, skipped)


def _stages(
    folder: Path, documents: list[Document], study: Study, options: RunOptions, engine: Executor, progress: Progress
) -> tuple[Accounts, list[Converted]]:
    rules = (options.mappings, options.sites)
    tasks = [(part, folder, options.buckets, study, rules, number) for number, part in enumerate(_tasks(documents))]
    accounts = Accounts()
    routed = engine.gather(engine.map(route_task, tasks))
    for booked in progress(routed, "Reading", len(tasks)):
        assert isinstance(booked, Accounts)
        accounts.merge(booked)
    Shared.of(read_bucket(folder, SHARED_BUCKET), accounts)
    buckets = [(folder, name, study, rules, options.deep) for name in bucket_names(folder)]
    converted = engine.gather(engine.map(convert_task, buckets))
    parts = [part for part in progress(converted, "Mapping", len(buckets)) if isinstance(part, Converted)]
    return accounts, parts


def _tasks(documents: list[Document]) -> list[list[Document]]:
    """Documents in parts of about equal size; a large file is a part of its own."""
    parts: list[list[Document]] = [[]]
    size = 0
    for document in documents:
        if size > _TASK_BYTES:
            parts.append([])
            size = 0
        parts[-1].append(document)
        size += Path(document.path).stat().st_size
    return parts


def sorted_findings(findings: Iterable[Finding]) -> list[Finding]:
    """The findings in a fixed order, errors first."""
    rank = {"error": 0, "warning": 1, "info": 2}
    return sorted(findings, key=lambda f: (rank[f.severity], f.rule, f.file, f.line, f.entry, f))
