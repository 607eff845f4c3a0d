"""The mapping engine: mapping files compiled once to functions, resources of a subject to rows of domains."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from fhir2cdisc.fhir.dates import to_dtc
from fhir2cdisc.fhir.path.expression import Context, Path, compile_path, truth
from fhir2cdisc.fhir.path.parser import PathError
from fhir2cdisc.mappings.model import (
    NCI_SYSTEMS,
    DomainMap,
    MappingError,
    ResourceRule,
    SourceMap,
    Terminology,
    Test,
    builtin_terminology,
    none_known,
    resource_rules,
)
from fhir2cdisc.mappings.standard.datasets import codelist
from fhir2cdisc.mappings.study import Drug, Study
from fhir2cdisc.mappings.study_sections import Privacy
from fhir2cdisc.sdtm.rows.clocks import Zones
from fhir2cdisc.sdtm.rows.completeness import Needs
from fhir2cdisc.sdtm.rows.death_records import DeathReader
from fhir2cdisc.sdtm.rows.from_cells import NoExtracts, RowMapper
from fhir2cdisc.sdtm.rows.hints import HintReader, built_in_hints
from fhir2cdisc.sdtm.rows.mapping_names import check_names, place_of
from fhir2cdisc.sdtm.rows.medications import DrugMatcher, DrugPart, drug_parts, read_product
from fhir2cdisc.sdtm.rows.parts import Part, parts_of
from fhir2cdisc.sdtm.rows.shapes import primitive_text
from fhir2cdisc.sdtm.rows.texts import codings_of
from fhir2cdisc.sdtm.rows.verbs import Cell, Report, Value, Verb, compile_variable, table_entry

# Codelists whose NCI concept codes are the tests of a domain: (--TESTCD, --TEST). Of a code that several domains
# have, the first domain takes it.
TEST_CODELISTS = {
    "TU": ("C96784", "C96783"),
    "TR": ("C96779", "C96778"),
    "RS": ("C96782", "C96781"),
    "SS": ("C124305", "C124306"),
    "GF": ("C181178", "C181179"),
    "DD": ("C116108", "C116107"),
    "VS": ("C66741", "C67153"),
    "LB": ("C65047", "C67154"),
    "MI": ("C132263", "C132262"),
}
# Records that, by their code, may say that there is nothing of their kind and make no record then (HL7 IPS, absent or
# unknown); of problems, allergies and procedures that is a record of its own.
_MAY_SAY_NONE = frozenset(
    "DeviceUseStatement Immunization MedicationAdministration MedicationDispense MedicationRequest "
    "MedicationStatement".split()
)
# Resources that are read for other resources that point at them.
SUPPORTING_TYPES = frozenset({"BodyStructure", "Specimen", "Encounter", "Patient", "RequestGroup"})


def known_tests(terms: Terminology) -> dict[tuple[str, str], Test]:
    """Every code that stands for a test: the tables of project and site, and the NCI codes of the test codelists."""
    found: dict[tuple[str, str], Test] = {}
    for domain, (short, long) in TEST_CODELISTS.items():
        names = codelist(long).by_code
        for term, code in codelist(short).terms.items():
            test = Test(domain=domain, testcd=term, test=names.get(code, term))
            for system in NCI_SYSTEMS:
                found.setdefault((system, code), test)
    found.update(terms.tests)
    return found


@contextmanager
def _said(place: str) -> Iterator[None]:
    try:
        yield
    except (PathError, KeyError) as error:
        raise MappingError(f"{place}: {error.args[0]}") from error


@dataclass(slots=True)
class Source:
    """A compiled source: its condition, its focuses and one verb for each column."""

    domain: str
    spec: SourceMap
    where: Path | None
    each: Path | None
    columns: tuple[str, ...]
    verbs: tuple[Verb, ...]
    links: tuple[Path, ...]
    encounter: Path
    coded: Mapping[str, str]
    not_coded: Mapping[str, str]
    needs: Needs
    reads_components: bool
    by_test: bool
    asks_code: bool
    of_drugs: bool

    @classmethod
    def of(cls, domain: str, spec: SourceMap, terms: Terminology, privacy: Privacy | None = None) -> Source:
        """The source compiled; MappingError names the file, the source and what it asks for that is not there.

        `privacy` is that of the study.
        """
        place = place_of(domain, spec)
        verbs: dict[str, Verb] = {}
        for prefix, specs in (("", spec.variables), ("SUPP.", spec.supp)):
            for name, variable in specs.items():
                with _said(f"{place}, {name}"):
                    verbs[prefix + name] = compile_variable(name, variable, terms, privacy, bool(prefix))
        of_drugs = bool(spec.drug) or any(one.drug for one in (*spec.variables.values(), *spec.supp.values()))
        with _said(place):
            return cls(
                domain,
                spec,
                compile_path(spec.where) if spec.where else None,
                compile_path(spec.each) if spec.each else None,
                tuple(verbs),
                tuple(verbs.values()),
                tuple(map(compile_path, spec.links)),
                compile_path(spec.encounter),
                _table(spec.coded, terms),
                _table(spec.not_coded, terms),
                Needs.of(domain, tuple(verbs), of_drugs),
                _reads_components(spec),
                spec.test and not spec.each,
                bool(spec.coded or spec.not_coded),
                of_drugs,
            )

    def wants_code(self, resource: dict[str, Any]) -> bool:
        """Whether the code of the resource is in the table that the source is for, and in none that it is not for."""
        if self.spec.coded and not _is_in(self.coded, resource):
            return False
        return not (self.spec.not_coded and _is_in(self.not_coded, resource))


def _table(name: str, terms: Terminology) -> Mapping[str, str]:
    if name and name not in terms.maps:
        raise KeyError(f"no map {name}")
    return terms.maps.get(name, {})


def _is_in(table: Mapping[str, str], resource: dict[str, Any]) -> bool:
    return table_entry(table, resource.get("code")) is not None


def _holds(condition: str, resource: dict[str, Any]) -> bool:
    return bool(condition) and truth(compile_path(condition)(resource, Context(resource))) is True


def _reads_components(spec: SourceMap) -> bool:
    """Whether the records of the source say what stands in the components, which then are no records of their own."""
    paths = [
        path for one in (*spec.variables.values(), *spec.supp.values()) for path in (*one.path, *one.concept, one.when)
    ]
    return any("component" in path for path in (spec.each, *paths))


@dataclass(slots=True)
class Row:
    """One mapped row: the source that made it, its values, and what it points at."""

    source: Source
    values: list[Value]
    encounter: str
    links: list[str]
    drug: str = ""
    antineoplastic: bool = False
    no_unit: bool = False
    code: Any = None


@dataclass(slots=True)
class Engine:
    """All mappings compiled for one study."""

    study: Study
    terms: Terminology = field(default_factory=builtin_terminology)
    by_type: dict[str, list[Source]] = field(default_factory=lambda: defaultdict(list))
    tests: dict[tuple[str, str], Test] = field(default_factory=dict)
    zones: Zones = field(init=False)
    rules: dict[str, list[tuple[Path, ResourceRule]]] = field(default_factory=dict)
    absent: frozenset[str] = frozenset()
    cells: RowMapper = field(default_factory=NoExtracts)

    def __post_init__(self) -> None:
        self.tests = known_tests(self.terms)
        self.zones = Zones.of(self.study.clock)
        self.rules = {
            kind: [(compile_path(rule.where), rule) for rule in rules] for kind, rules in resource_rules().items()
        }
        self.study_drug = DrugMatcher(self.study.drugs or self.study.reference.antineoplastic)
        self.antineoplastic = DrugMatcher((*self.study.reference.antineoplastic, *self.study.drugs))
        self.known_drug = DrugMatcher((*self.study.drugs, *self.study.reference.antineoplastic))

    deaths: DeathReader = field(default_factory=DeathReader.built_in)
    hints: tuple[HintReader, ...] = field(default_factory=built_in_hints)
    study_drug: DrugMatcher = field(init=False)
    antineoplastic: DrugMatcher = field(init=False)
    known_drug: DrugMatcher = field(init=False)

    @classmethod
    def build(cls, study: Study, domains: Iterable[DomainMap], terms: Terminology | None = None) -> Engine:
        """The engine of a study; MappingError where a mapping names what does not exist."""
        engine = cls(study, terms or builtin_terminology())
        for domain in domains:
            check_names(domain)
            for spec in domain.source:
                source = Source.of(domain.domain, spec, engine.terms, study.privacy)
                if not spec.aside or study.privacy.notes:
                    engine.by_type[spec.resource].append(source)
        for sources in engine.by_type.values():
            sources.sort(key=lambda source: (source.spec.aside, source.spec.fallback))
        engine.absent = frozenset(kind for kind, some in engine.by_type.items() if any(s.spec.absent for s in some))
        return engine

    @property
    def types(self) -> frozenset[str]:
        """The resource types that a mapping reads or follows a reference to, or that may hint at something."""
        asked = frozenset[str]().union(*(one.resources for one in self.hints))
        return frozenset(self.by_type) | SUPPORTING_TYPES | frozenset(self.deaths.by_type) | asked

    def not_a_fact(self, resource: dict[str, Any]) -> str:
        """Why a resource is no fact about the patient; empty where it is one."""
        broken = self._broken(resource)
        return broken.reason if broken is not None else ""

    def not_done(self, resource: dict[str, Any]) -> bool:
        """Whether a resource is no fact because it says that something was not done, and a source maps that."""
        if resource.get("resourceType") not in self.absent:
            return False
        broken = self._broken(resource)
        return broken is not None and _holds(broken.absent, resource)

    def referred(self, resource: dict[str, Any]) -> bool:
        """Whether a resource that is no fact may be read by one that points at it: a draft that a board recommends."""
        broken = self._broken(resource)
        return broken is not None and _holds(broken.referred, resource)

    def says_none(self, resource: dict[str, Any], context: Context) -> str:
        """The code or text by which a record says that there is nothing of its kind, or that nothing is known."""
        if resource.get("resourceType") not in _MAY_SAY_NONE:
            return ""
        concept = resource.get("code") or read_product(resource, context).concept
        keys = [f"{primitive_text(c.get('system'))}|{primitive_text(c.get('code'))}" for c in codings_of(concept)]
        text = primitive_text(concept.get("text")) if isinstance(concept, dict) else ""
        found = next((key for key in keys if key.lower() in none_known()), "")
        return found or (text if not keys and text.lower() in none_known() else "")

    def odd_status(self, resource: dict[str, Any]) -> str | None:
        """The status of a resource that is no fact by it, where R4 has no such code; None where R4 has it."""
        broken = self._broken(resource)
        if broken is None or not broken.known:
            return None
        status = primitive_text(resource.get("status"))
        return None if status in broken.known else status

    def _broken(self, resource: dict[str, Any]) -> ResourceRule | None:
        """The first rule of its type that a resource breaks."""
        context = Context(resource)
        rules = self.rules.get(resource.get("resourceType", ""), ())
        return next((rule for where, rule in rules if not truth(where(resource, context))), None)

    def rows(
        self, resource: dict[str, Any], context: Context, report: Report, date: Callable[[str], str] = to_dtc
    ) -> Iterator[Row]:
        """The rows that a resource becomes, in the order of the mappings; a fallback only where it becomes none.

        A component with a result is, for the sources that say so, like a resource of its own; a resource that has no
        result but such components is then no row. Of sources that are alike only the first that makes one. `date` reads
        the dates, as `to_dtc` does without a time zone.
        """
        if self.says_none(resource, context):
            return
        absent = self.not_done(resource)
        whole = Part(resource, context, self.test_of(resource))
        parts = parts_of(resource, context, self.test_of) if "component" in resource else []
        alone = [whole]
        alike: set[tuple[str, str]] = set()
        several = parts if parts and not whole.has_value else [whole, *parts]
        for source in self.by_type.get(resource.get("resourceType", ""), ()):
            spec = source.spec
            if spec.absent is not absent:
                continue
            if source.of_drugs and not whole.drugs:
                whole.drugs = drug_parts(resource, context, self.known_drug, report)
            if spec.aside and not any(part.made for part in (whole, *parts)):
                continue
            kind = (source.domain, spec.like or spec.name)
            if kind in alike:
                continue
            for part in several if spec.components else alone:
                if spec.fallback and part.made:
                    continue
                # The quick questions first: most sources want another test, and a generator costs more than they do.
                if not source.by_test or (part.test is not None and _wants(source, part.test)):
                    cell = Cell(part.context, report, part.test, date=date)
                    for row in self._part_rows(source, part, cell, parts):
                        alike.add(kind)
                        yield row

    def _part_rows(self, source: Source, part: Part, cell: Cell, others: list[Part]) -> Iterator[Row]:
        for row in self._source_rows(source, part, cell):
            part.made = True
            if source.reads_components:
                for other in others:
                    other.made = True
            if row is not None:
                yield row

    def test_of(self, focus: dict[str, Any]) -> Test | None:
        code = focus.get("code")
        if not isinstance(code, dict):
            return None
        for coding in codings_of(code):
            test = self.tests.get((primitive_text(coding.get("system")), primitive_text(coding.get("code"))))
            if test is not None:
                return test
        return None

    def _source_rows(self, source: Source, part: Part, cell: Cell) -> Iterator[Row | None]:
        """The rows of one source; None for one that is withheld as the free text of a person."""
        spec, resource, context = source.spec, part.resource, cell.context
        if spec.each == "component" and "component" not in resource:
            return
        if source.where is not None and not truth(source.where(resource, context)):
            return
        if source.asks_code and not source.wants_code(resource):
            return
        for one in part.drugs if source.of_drugs else (None,):
            drug, use = self._drug(spec, resource, one)
            if not use:
                continue
            for place in one.product.references if one is not None else ():
                context.resolve(place)
            cell.part = one
            for focus in source.each(resource, context) if source.each else (resource,):
                if spec.test and source.each is not None:
                    cell.test = self.test_of(focus)
                    if not _wants(source, cell.test):
                        continue
                yield self._row(source, resource, focus, cell, drug)

    def _row(
        self, source: Source, resource: dict[str, Any], focus: dict[str, Any], cell: Cell, drug: Drug | None
    ) -> Row | None:
        context = cell.context
        cell.focus, cell.withheld, cell.no_unit = focus, False, False
        values = [verb(focus, cell) for verb in source.verbs]
        if cell.withheld:
            return None
        if lacks := source.needs.lacks(values):
            source.needs.report(lacks, focus, cell.report)
        encounters = source.encounter(resource, context)
        links = [r for path in source.links for r in path(focus, context) if isinstance(r, str)]
        return Row(
            source,
            values,
            _reference(encounters[0]) if encounters else "",
            links,
            drug.name if drug else "",
            drug is not None,
            cell.no_unit,
            resource.get("code"),
        )

    def _drug(self, spec: SourceMap, resource: dict[str, Any], part: DrugPart | None) -> tuple[Drug | None, bool]:
        """The drug of a medication record, and whether a source for study drugs or for others may have it."""
        if not spec.drug or part is None:
            return None, True
        drug = self.study_drug(part.concept)
        if spec.drug == "named":
            return drug, drug is not None
        exposure = resource["resourceType"] in self.study.reference.exposure
        is_study = exposure and (drug is not None or not self.study_drug.drugs)
        if spec.drug == "study":
            return drug, is_study
        return self.antineoplastic(part.concept), not is_study


def _wants(source: Source, test: Test | None) -> bool:
    if test is None or test.domain != source.domain or test.testcd in source.spec.not_testcds:
        return False
    return not source.spec.testcds or test.testcd in source.spec.testcds


def _reference(value: Any) -> str:
    if isinstance(value, dict):
        if reference := value.get("reference"):
            return str(reference)
        if value.get("resourceType"):
            return f"{value['resourceType']}/{value.get('id', '')}"
    return ""
