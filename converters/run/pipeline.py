"""A run: sources to SDTM, as two functions over files whatever executes them (route, convert), then assembly."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from fhir2cdisc.converters.extracts.account import column_findings
from fhir2cdisc.converters.extracts.bind import Prepared, prepare
from fhir2cdisc.converters.extracts.link import by_number
from fhir2cdisc.converters.extracts.route_rows import route_rows
from fhir2cdisc.converters.manifest import Input, look_again, note_inputs
from fhir2cdisc.converters.run.executor import Executor, executor
from fhir2cdisc.converters.run.left_out import book_left_out, without_failing, without_subjects
from fhir2cdisc.converters.temporary import temporary_folder
from fhir2cdisc.fhir.accounts import Accounts
from fhir2cdisc.fhir.deletions import Deletions
from fhir2cdisc.fhir.findings import Finding
from fhir2cdisc.fhir.identity import Identities, find_identities
from fhir2cdisc.fhir.mentions import resolve_mentions
from fhir2cdisc.fhir.path.parser import PathError
from fhir2cdisc.fhir.route import SHARED_BUCKET, bucket_names, read_bucket, read_subjects, route
from fhir2cdisc.fhir.servers import Servers
from fhir2cdisc.fhir.sources import Document, NotRead, list_documents, named_source, readable
from fhir2cdisc.mappings.extract_described import with_extracts
from fhir2cdisc.mappings.extract_model import load_extract
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
from fhir2cdisc.sdtm.cells.sources import RowEngine
from fhir2cdisc.sdtm.columns import SUBJECT
from fhir2cdisc.sdtm.rows.cohort import unread_findings, unread_studies, with_assumed
from fhir2cdisc.sdtm.rows.convert import Converter
from fhir2cdisc.sdtm.rows.engine import Engine
from fhir2cdisc.sdtm.rows.gather import Gathered
from fhir2cdisc.sdtm.rows.gather import gather as join
from fhir2cdisc.sdtm.rows.resources import Index
from fhir2cdisc.sdtm.rows.shared import read_shared
from fhir2cdisc.sdtm.rows.unused import Known, count_shared
from fhir2cdisc.sdtm.rows.work import Converted

# Files of about this size together make one routing task.
_TASK_BYTES = 16 << 20
Progress = Callable[[Iterable[object], str, int], Iterable[object]]


def _silent(steps: Iterable[object], label: str, length: int) -> Iterable[object]:
    return steps


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How a run is done; nothing here changes what comes out except `deep`, `mappings`, `sites`, `key`, `other_way`.

    `buckets` is the number of parts that subjects are dealt into, `workers` the number of processes. `mappings` are
    files that override built-in mappings, `sites` maps of local codes and `extracts` mappings of raw extracts (built-in
    names or files). `key` is the secret from which subject numbers are made where the source has none; without it they
    can be made again by anyone who knows the patients' ids. `other_way` lets the other record count wherever two differ
    and nothing in the data says which is newer: to see what hangs on such records.
    """

    deep: bool = False
    workers: int = 1
    buckets: int = 32
    mappings: tuple[Path, ...] = ()
    sites: tuple[str, ...] = ()
    extracts: tuple[str, ...] = ()
    key: bytes = field(default=b"", repr=False)
    other_way: bool = False


@dataclass(slots=True)
class SdtmRun:
    """SDTM and everything that is known of how it came about: `inputs` are the files that were read."""

    sdtm: Sdtm
    accounts: Accounts
    mappings: list[DomainMap]
    inputs: list[Input]
    skipped: list[NotRead]
    identities: Identities
    prepared: Prepared = field(default_factory=Prepared)


def all_mappings(options: RunOptions) -> list[DomainMap]:
    """The built-in mappings with the user's put before them; MappingError says what is wrong with a file."""
    return override(builtin_domains(), [load_domain(path) for path in options.mappings])


class Added(NamedTuple):
    """What a user adds to the built-in mappings: files, sites, and extracts with the columns of their files."""

    mappings: tuple[Path, ...]
    sites: tuple[str, ...]
    extracts: tuple[str, ...] = ()
    headings: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @classmethod
    def of(cls, options: RunOptions, prepared: Prepared) -> Added:
        headings = tuple((one.name, one.headings) for one in prepared.bound)
        return cls(options.mappings, options.sites, options.extracts, headings)


@cache
def _mapping_engine(study: Study, added: Added) -> Engine:
    terms = builtin_terminology()
    for site in reversed(added.sites):
        terms = terms.with_site(load_site(site))
    try:
        engine = Engine.build(study, all_mappings(RunOptions(mappings=added.mappings)), terms)
        columns = {file: {name: n for n, name in enumerate(names)} for file, names in added.headings}
        engine.cells = RowEngine.of(map(load_extract, added.extracts), terms, columns)
        return engine
    except (PathError, KeyError, re.error) as error:
        raise MappingError(f"mapping: {error.args[0]}") from error


@cache
def _known(study: Study, added: Added) -> Known:
    """What this process has learnt of the forms of resources under the study's mapping."""
    return Known()


@cache
def _shared(folder: Path, servers: Servers, deletions: Deletions, other_way: bool) -> Index:
    # Booked once by the run itself; a worker only needs the resources.
    return read_shared(read_bucket(folder, SHARED_BUCKET), servers, Accounts(), deletions, other_way)


def route_task(
    documents: list[Document], folder: Path, buckets: int, study: Study, added: Added, task: int
) -> Accounts:
    """Stage one over some documents."""
    return route(documents, folder, buckets, _mapping_engine(study, added).types, task)


def convert_task(
    folder: Path, name: str, study: Study, options: RunOptions, added: Added, identities: Identities
) -> Converted:
    """Stage two over one bucket."""
    engine = _mapping_engine(study, added)
    shared = _shared(folder, identities.servers, identities.deletions, options.other_way)
    converter = Converter(engine, shared, identities, options.deep, options.other_way, _known(study, added))
    return converter.convert(read_subjects(folder, name, identities, options.buckets))


def build_sdtm(
    sources: Sequence[str | Path], study: Study, options: RunOptions | None = None, progress: Progress = _silent
) -> SdtmRun:
    """SDTM of a study from FHIR sources.

    Raises SourceError for a source that is missing or empty, MappingError for a wrong mapping file, SubjectError
    where subjects cannot be told apart. Whatever is wrong with single records is in the accounts and findings.
    """
    options = options or RunOptions()
    prepared = prepare(options.extracts, sources)
    documents, skipped = list_documents(sources, may_be_none=bool(prepared.bound))
    taken = {file.name for file in prepared.files}
    skipped = [one for one in skipped if one.name not in taken]
    if prepared.days_from and documents:
        said = f"an extract counts its days from {prepared.days_from}, and {documents[0].name} is FHIR, which has dates"
        raise MappingError(f"{said}; days and dates cannot stand on one scale")
    mappings = with_extracts(all_mappings(options), prepared.extracts)
    added = Added.of(options, prepared)
    _mapping_engine(study, added)
    inputs = note_inputs([*_files(sources, documents), *((file.path, file.name) for file in prepared.files)])
    with temporary_folder() as folder:
        pool = executor(options.workers)
        try:
            tasks = _tasks(documents, inputs)
            given = Given(study, options, added, prepared)
            accounts, parts, shared, identities = _stages(folder, tasks, given, pool, progress)
        except BaseException:
            pool.abandon()
            raise
        finally:
            pool.close()
            _shared.cache_clear()
            if options.mappings or options.sites or options.extracts:
                # A file may say something else the next time.
                _mapping_engine.cache_clear()
                _known.cache_clear()
    accounts.add_files(len(documents) + len(prepared.files), skipped)
    skipped = sorted([*skipped, *accounts.unreadable()])
    inputs = look_again(inputs)
    accounts.findings += [*prepared.findings, *_changed(inputs), *_unknown_sites(study, documents)]
    gathered = join(parts, accounts, datasets_of(mappings))
    accounts.findings += column_findings(accounts)
    gathered.origins = {domain: of for one in prepared.extracts for domain, of in one.origins.items()}
    count_shared(accounts, shared)
    sdtm = _assembled(gathered, study, mappings, options.key)
    return SdtmRun(sdtm, accounts, mappings, inputs, skipped, identities, prepared)


def _assembled(gathered: Gathered, study: Study, mappings: list[DomainMap], key: bytes) -> Sdtm:
    """The datasets of all subjects but those whose rows cannot be put together, which are booked and named."""

    def work(left_out: frozenset[str]) -> Sdtm:
        return assemble(without_subjects(gathered, left_out) if left_out else gathered, study, mappings, key)

    subjects = gathered.frames["DM"][SUBJECT].unique().tolist() if "DM" in gathered.frames else []
    sdtm, failures = without_failing(work, subjects)
    if failures:
        book_left_out(gathered, failures)
    return sdtm


def _files(sources: Sequence[str | Path], documents: Iterable[Document]) -> Iterator[tuple[Path, str]]:
    """The files of documents, each once, named from the source that it is of or lies in."""
    tops = [named_source(source)[1].resolve() for source in sources]
    for path in dict.fromkeys(Path(document.path) for document in documents):
        top = next(top for top in tops if path == top or top in path.parents)
        yield path, readable(path.relative_to(top.parent).as_posix())


def _changed(inputs: Iterable[Input]) -> Iterator[Finding]:
    for one in inputs:
        if one.changed:
            message = f"{one.name}: was changed or removed while it was read; the manifest has its SHA-256 of before"
            yield Finding("source.changed", message, "error", file=one.name)


def _unknown_sites(study: Study, documents: Iterable[Document]) -> Iterator[Finding]:
    known = {one.site for one in documents}
    for one in study.clock.sites:
        if one.site not in known:
            message = f"[[clock.sites]] names the time zone of {one.site!r}, but no source was read under this name"
            yield Finding("clock.site-unknown", message, value=one.site)


class Given(NamedTuple):
    """What a run was given beside its sources."""

    study: Study
    options: RunOptions
    added: Added
    prepared: Prepared


def _stages(
    folder: Path, parts: list[list[Document]], given: Given, pool: Executor, progress: Progress
) -> tuple[Accounts, list[Converted], Index, Identities]:
    study, options, added, prepared = given
    tasks = [(part, folder, options.buckets, study, added, number) for number, part in enumerate(parts)]
    tables = [([one], folder, options.buckets, len(parts) + number) for number, one in enumerate(prepared.bound)]
    accounts = Accounts()
    routed = chain(pool.gather(pool.map(route_task, tasks)), pool.gather(pool.map(route_rows, tables)))
    for booked in progress(routed, "Reading", len(tasks) + len(tables)):
        assert isinstance(booked, Accounts)
        accounts.merge(booked)
    servers = Servers(frozenset(accounts.homes), frozenset(accounts.spaces))
    identities, found = find_identities(accounts.people, servers, study.identity.same)
    accounts.findings += found
    identities = replace(identities, deletions=Deletions.of(accounts.deletions, servers))
    identities, found = resolve_mentions(accounts.mentions.values(), accounts.people, identities)
    accounts.findings += found
    if prepared.bound:
        named = frozenset(study.privacy.identifiers)
        if prepared.link is not None:
            identities, found = prepared.link.subjects(accounts.people, identities)
        else:
            identities, found = by_number(accounts.people, identities, accounts.numbers, named)
        accounts.findings += found
    shared = read_shared(read_bucket(folder, SHARED_BUCKET), servers, accounts, identities.deletions)
    unread = unread_studies(accounts.enrolments, study, shared)
    accounts.findings += unread_findings(unread, study)
    # A worker needs no secret.
    bare, to_map = replace(options, key=b""), with_assumed(study, unread)
    buckets = [(folder, name, to_map, bare, added, identities.without_reasons()) for name in bucket_names(folder)]
    converted = pool.gather(pool.map(convert_task, buckets))
    parts_made = [one for one in progress(converted, "Mapping", len(buckets)) if isinstance(one, Converted)]
    return accounts, parts_made, shared, identities


def _tasks(documents: list[Document], inputs: Iterable[Input]) -> list[list[Document]]:
    """Documents in parts of about equal size; a large file is a part of its own."""
    sizes = {str(one.path): one.bytes for one in inputs}
    parts: list[list[Document]] = [[]] if documents else []
    size = 0
    for document in documents:
        if size > _TASK_BYTES:
            parts.append([])
            size = 0
        parts[-1].append(document)
        size += sizes[document.path]
    return parts


def sorted_findings(findings: Iterable[Finding]) -> list[Finding]:
    """The findings in a fixed order, errors first."""
    rank = {"error": 0, "warning": 1, "info": 2}
    return sorted(findings, key=lambda f: (rank[f.severity], f.rule, f.file, f.line, f.entry, f))
