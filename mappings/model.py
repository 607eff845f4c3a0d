"""What a mapping file may say: frozen models, unknown keys refused.

One TOML file holds one SDTM domain; several sources may feed it, and their order is their priority. A site or a
study overrides a mapping with a file of the same schema, without Python.
"""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from fhir2cdisc.mappings.errors import Fhir2CdiscError
from fhir2cdisc.mappings.own_domain import OwnDataset, OwnVariable, own_dataset
from fhir2cdisc.mappings.shorthand import written_out
from fhir2cdisc.mappings.standard.datasets import Dataset, sdtm_datasets, with_model_variables
from fhir2cdisc.mappings.study import Model
from pydantic import BeforeValidator, ConfigDict, Field, PrivateAttr, ValidationError, model_validator

NCI_SYSTEMS = (
    "http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl",
    "http://ncithesaurus-stage.nci.nih.gov",
    "urn:oid:2.16.840.1.113883.3.26.1.1",
)


class MappingError(Fhir2CdiscError):
    """A mapping file that is wrong; the message is one clear sentence."""


def _tuple(value: object) -> object:
    return (value,) if isinstance(value, str) else value


Paths = Annotated[tuple[str, ...], BeforeValidator(_tuple)]


class VariableMap(Model):
    """How one variable is filled: where its value comes from, and what is done to it.

    Of several paths the first that gives a value is taken. `concept` reads the text of a CodeableConcept or
    Coding (text, else display, else code). `test` reads a field of the test that the resource's code stands for,
    `drug` one of the drug that the row is about. `as = "dose"`, `"dose-unit"`, `"dose-text"` and `"dose-volume"` read
    the dose of that drug from dosages; `"identifier"` an Identifier whose system the study names, `"subject-number"`
    one that is no record number. `days` is a path of a number of days: a date becomes the last day of so many.
    Where `prose` is set a person's free text may stand, and no row is made of it unless the study keeps notes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    path: Paths = ()
    concept: Paths = ()
    value: str = ""
    test: Literal["", "testcd", "test", "category", "specimen", "method"] = ""
    drug: Literal["", "name", "substance", "class", "class_code"] = ""
    as_: Literal[
        "text",
        "dtc",
        "number",
        "result",
        "limit",
        "amount",
        "unit",
        "performer",
        "identifier",
        "subject-number",
        "dose",
        "dose-unit",
        "dose-text",
        "dose-volume",
    ] = Field("text", alias="as")
    days: str = ""
    codelist: str = ""
    map: str = ""
    join: str | None = None
    upper: bool = False
    label: str = ""
    when: str = ""
    prose: bool = False


class FromFile(Model):
    """A part of a mapping file that knows the name of its file, blank where it was not read from one."""

    _file: str = PrivateAttr(default="")

    def model_post_init(self, context: Any) -> None:
        self._file = context.get("file", "") if isinstance(context, dict) else ""

    @property
    def file(self) -> str:
        return self._file


class SourceMap(FromFile):
    """One kind of resource that feeds a domain.

    `where` is a condition on the resource; `each` gives the focuses, one row each (the resource itself where it
    is empty). `test` says that the focus must carry the code of a test of this domain, `testcds` and
    `not_testcds` narrow it to some tests. With `components` a component that has a result is read like a resource of
    its own. `coded` names a table of terms that must have the code of the resource, `not_coded` one that must not. A
    `fallback` source is tried where nothing else claims the resource, an `aside` source (notes) only where something
    does. An `absent` source alone maps the records that say that something was not done. `drug` keeps the records of
    the study's drugs that are exposure (`study`), all others (`other`), or every record of a drug that the study names
    (`named`); a record of several drugs is a row for each. `links` are references whose targets' records are related
    (RELREC). Of a source and those that are `like` it the first that fits makes the records of a resource.
    """

    name: str
    like: str = ""
    resource: str
    where: str = ""
    each: str = ""
    test: bool = False
    testcds: tuple[str, ...] = ()
    not_testcds: tuple[str, ...] = ()
    components: bool = False
    coded: str = ""
    not_coded: str = ""
    fallback: bool = False
    aside: bool = False
    absent: bool = False
    drug: Literal["", "study", "other", "named"] = ""
    variables: dict[str, VariableMap]
    supp: dict[str, VariableMap] = Field(default_factory=dict)
    links: tuple[str, ...] = ()
    encounter: str = "encounter | context"


class DomainMap(FromFile):
    """A mapping file; `dataset` and `variable` where it brings a domain that the project does not have."""

    domain: str = Field(pattern=r"^(AP)?[A-Z][A-Z0-9]$")
    keys: tuple[str, ...]
    dataset: OwnDataset | None = None
    variable: tuple[OwnVariable, ...] = ()
    source: tuple[SourceMap, ...]

    @model_validator(mode="before")
    @classmethod
    def _written_out(cls, data: Any) -> Any:
        return written_out(data) if isinstance(data, dict) else data

    @cached_property
    def own(self) -> Dataset | None:
        """The dataset that the file brings, None where the domain is one of the project's."""
        return None if self.dataset is None else own_dataset(self.domain, self.dataset, self.variable)

    @model_validator(mode="after")
    def _own_is_whole_and_right(self) -> DomainMap:
        if self.own is None and self.variable:
            raise ValueError("it has variables of its own but no dataset")
        return self


class ResourceRule(Model):
    """Which records of a resource type are facts: `where` must hold, else `reason` says why it is not needed.

    Where it does not hold and `absent` does, the record says that something was not done: `absent` sources map it.
    Where it does not hold and `referred` does, the record makes no row, but a record that points at it may read it.
    `known` are the codes of `status` in R4 that do not hold; any other, and none at all, is a finding.
    """

    where: str
    reason: str
    absent: str = ""
    referred: str = ""
    known: tuple[str, ...] = ()


class DeathEvidence(Model):
    """A kind of record that says that the patient died: `where` it does, and the paths of the date, the best first.

    `said` are paths of concepts of which one must be DEAD in the map `survival`.
    """

    resource: str
    name: str
    where: str = ""
    said: tuple[str, ...] = ()
    date: tuple[str, ...] = ()


class Hint(Model):
    """What may say something that decides an endpoint: `whole` words, `words` that begin one, texts `anywhere`.

    A text with one of `not` is none. `resources` are types that are read for this alone, `skipped` are not asked, nor
    are records that became rows of one of `domains`. `rule` and `said` are the finding.
    """

    rule: str
    said: str
    resources: tuple[str, ...]
    skipped: tuple[str, ...]
    domains: tuple[str, ...] = ()
    whole: tuple[str, ...]
    words: tuple[str, ...]
    anywhere: tuple[str, ...]
    not_: tuple[str, ...] = Field(alias="not")


class Test(Model):
    """A CDISC test that a code stands for; an empty `testcd` means that no CDISC term exists."""

    domain: str
    testcd: str = ""
    test: str = ""
    category: str = ""
    specimen: str = ""
    method: str = ""


def _data(name: str) -> str:
    return (Path(__file__).parent / name).read_text(encoding="utf-8")


class SiteTest(Test):
    """A local code that stands for a CDISC test."""

    system: str
    code: str


class Pattern(Model):
    """A text of a site by regular expression; `term` may use its groups (`WEEK \\1`)."""

    map: str
    match: str
    term: str


class SiteMap(Model):
    """What a site's own codes and words mean, in one file that needs no mapping of its own.

    `test` says which CDISC test a local code stands for; `maps` adds to the named terminology maps (see
    `maps.toml`) and `pattern` to them by regular expression; `units` adds units. A site's entry comes before a
    built-in one.
    """

    site: str
    test: tuple[SiteTest, ...] = ()
    maps: dict[str, dict[str, str]] = Field(default_factory=dict)
    pattern: tuple[Pattern, ...] = ()
    units: dict[str, str] = Field(default_factory=dict)


@dataclass(frozen=True)
class Terminology:
    """Every table that turns a code, text or unit of a source into a CDISC term."""

    tests: Mapping[tuple[str, str], Test]
    maps: Mapping[str, Mapping[str, str]]
    units: Mapping[str, str]
    patterns: tuple[Pattern, ...] = ()

    def with_site(self, site: SiteMap) -> Terminology:
        tests = {**self.tests, **{(t.system, t.code): t for t in site.test}}
        maps = {name: dict(pairs) for name, pairs in self.maps.items()}
        for name, pairs in site.maps.items():
            maps.setdefault(name, {}).update({key.lower(): term for key, term in pairs.items()})
        return Terminology(tests, maps, {**self.units, **site.units}, (*site.pattern, *self.patterns))


@cache
def builtin_terminology() -> Terminology:
    return Terminology(tests_by_code(), terminology_maps(), unit_map())


def builtin_sites() -> dict[str, Path]:
    """The site maps that ship with the project: name to file."""
    return {path.stem: path for path in sorted((Path(__file__).parent / "sites").glob("*.toml"))}


def load_site(name_or_path: str) -> SiteMap:
    """A built-in site map by name, or a file by path; MappingError says what is wrong with it."""
    path = builtin_sites().get(name_or_path, Path(name_or_path))
    return _load(path, SiteMap, "site map")


@cache
def tests_by_code() -> dict[tuple[str, str], Test]:
    """(system, code) to test: LOINC, SNOMED CT and NCI codes that the project knows."""
    rows = csv.DictReader(_data("tests.csv").splitlines())
    return {(row.pop("system"), row.pop("code")): Test(**row) for row in rows}


@cache
def unit_map() -> dict[str, str]:
    """UCUM code, or a unit as hospitals print it, to the CDISC unit; `TESTCD|unit` where it is of one test only."""
    return {row["unit"]: row["cdisc"] for row in csv.DictReader(_data("units.csv").splitlines())}


@cache
def conversions() -> dict[tuple[str, str], tuple[str, str, str]]:
    """(test code or `*`, CDISC unit) to (standard unit, factor, offset), the numbers as decimal text."""
    rows = csv.DictReader(_data("conversions.csv").splitlines())
    return {(r["testcd"], r["unit"]): (r["standard"], r["factor"], r["offset"] or "0") for r in rows}


@cache
def terminology_maps() -> dict[str, dict[str, str]]:
    """Named maps from a code (`system|code`, `code`) or a lower-case text to a CDISC term."""
    found = {
        name: {key.lower(): term for key, term in pairs.items()}
        for name, pairs in tomllib.loads(_data("maps.toml")).items()
    }
    return {**found, "none_known": none_known()}


@cache
def none_known() -> dict[str, str]:
    """A code (`system|code`), or a text in lower case, that says that there is none of something: to what it is."""
    rows = csv.DictReader(_data("none_known.csv").splitlines())
    return {(f"{r['system']}|{r['code']}" if r["system"] else r["code"]).lower(): r["what"] for r in rows}


@cache
def absences() -> frozenset[str]:
    """`system|code`, or `|text` in lower case, that say that a patient has nothing of a kind, or that it is unknown."""
    rows = csv.DictReader(_data("absences.csv").splitlines())
    return frozenset(f"{row['system']}|{row['code']}" for row in rows)


@cache
def resource_rules() -> dict[str, tuple[ResourceRule, ...]]:
    """Resource type to the rules that say which of its records are facts."""
    return {
        kind: tuple(ResourceRule(**rule) for rule in rules)
        for kind, rules in tomllib.loads(_data("resources.toml")).items()
    }


@cache
def death_evidence() -> tuple[DeathEvidence, ...]:
    """The kinds of records that say that a patient died, the surest first."""
    return tuple(DeathEvidence(**one) for one in tomllib.loads(_data("deaths.toml"))["evidence"])


@cache
def hint_table() -> tuple[Hint, ...]:
    """What may say something that decides an endpoint, where no mapping reads it as such."""
    return tuple(Hint(**one) for one in tomllib.loads(_data("hints.toml"))["hint"])


def load_domain(path: Path) -> DomainMap:
    """A mapping file; MappingError says what is wrong with it."""
    return _load(path, DomainMap, "mapping")


Loaded = TypeVar("Loaded", bound=Model)


def _load(path: Path, model: type[Loaded], kind: str) -> Loaded:
    data: Any = None
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        return model.model_validate(data, context={"file": path.name})
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise MappingError(f"{kind} {path.name}: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        said = [f"{kind} {path.name}", place_in(first["loc"], data), first["msg"].removeprefix("Value error, ")]
        raise MappingError(": ".join(part for part in said if part)) from error


def place_in(location: tuple[int | str, ...], data: Any) -> str:
    """Where in a file something is wrong, an entry of a list by its name: `source.adverse-event.variables.AETERM`."""
    parts = []
    for part in location:
        inside = data if isinstance(data, dict) else dict(enumerate(data)) if isinstance(data, list) else {}
        data = inside.get(part)
        named = data.get("name") if isinstance(part, int) and isinstance(data, dict) else None
        parts.append(str(named or part))
    return ".".join(parts)


def builtin_domains() -> list[DomainMap]:
    """The domains that ship with the project, in order of their names."""
    return list(_shipped_domains())


@cache
def _shipped_domains() -> tuple[DomainMap, ...]:
    folder = Path(__file__).parent / "domains"
    return tuple(load_domain(path) for path in sorted(folder.glob("*.toml")))


def override(domains: Iterable[DomainMap], extra: Iterable[DomainMap]) -> list[DomainMap]:
    """The domains with the sources of `extra` put first; a source of the same name is replaced."""
    merged = {d.domain: d for d in domains}
    for domain in extra:
        base = merged.get(domain.domain)
        names = {s.name for s in domain.source}
        rest = tuple(s for s in base.source if s.name not in names) if base else ()
        if base is not None and base.own and not domain.own:
            # The dataset is that of the file which brings it; the keys are those of the last file.
            merged[domain.domain] = base.model_copy(update={"source": domain.source + rest, "keys": domain.keys})
        else:
            merged[domain.domain] = domain.model_copy(update={"source": domain.source + rest})
    return [merged[name] for name in sorted(merged)]


def datasets_of(mappings: Iterable[DomainMap]) -> dict[str, Dataset]:
    """Every SDTM dataset by name: the project's, and those that mapping files bring.

    One has the variables of its class, too, that the guide does not list for it and a mapping fills.
    """
    mappings = list(mappings)
    found = sdtm_datasets() | {mapping.domain: mapping.own for mapping in mappings if mapping.own is not None}
    for mapping in mappings:
        names = {name for source in mapping.source for name in source.variables if not name.startswith("_")}
        more = {name for name in names if name not in found[mapping.domain]}
        if "VISIT" in more:
            more |= {"VISITNUM", "VISITDY"}
        # A date has its study day.
        more |= {f"{name[:-3]}DY" for name in names if name.endswith("DTC") and name in more}
        if more:
            found[mapping.domain] = with_model_variables(found[mapping.domain], sorted(more))
    return found
