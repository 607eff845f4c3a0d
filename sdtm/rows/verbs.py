"""From a FHIR value to the text or number of one SDTM variable: the verbs of a mapping.

Nothing is guessed: several values where one is expected, a term that its codelist does not have, a date that does
not exist, are reported, and the cell stays empty.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Protocol

from fhir2cdisc.fhir.dates import DateError, to_dtc
from fhir2cdisc.fhir.path.expression import Context, Path, compile_path, truth
from fhir2cdisc.fhir.path.parser import PathError
from fhir2cdisc.mappings.model import NCI_SYSTEMS, Terminology, Test, VariableMap
from fhir2cdisc.mappings.standard.datasets import Codelist, codelist
from fhir2cdisc.mappings.study_sections import Privacy
from fhir2cdisc.sdtm.rows.doses import read_dose
from fhir2cdisc.sdtm.rows.free_text import own_words
from fhir2cdisc.sdtm.rows.identifiers import identifier, subject_number
from fhir2cdisc.sdtm.rows.medications import DrugPart
from fhir2cdisc.sdtm.rows.performers import performer
from fhir2cdisc.sdtm.rows.shapes import may_be_boolean, odd_part, primitive_text
from fhir2cdisc.sdtm.rows.texts import codings_of, concept_text, has_unit, result_text
from fhir2cdisc.sdtm.standard_results import LARGEST, SMALLEST

# A supply for longer than this is an error of writing.
MOST_DAYS = 3660
_NUMBER = re.compile(r"[<>]?=? ?[+-]?[0-9]+(?:\.[0-9]+)?")
# Characters that neither XML nor a transport file can hold.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")

Value = str | float
Report = Callable[[str, str, str, str], None]


@dataclass(slots=True)
class Cell:
    """What a verb may need besides the value: context, focus, test and drug of the row, how to report and read dates.

    A verb says here that its row must not be made (`withheld`), or that a number came without a unit (`no_unit`).
    """

    context: Context
    report: Report
    test: Test | None = None
    part: DrugPart | None = None
    focus: Any = None
    withheld: bool = False
    no_unit: bool = False
    date: Callable[[str], str] = to_dtc


Verb = Callable[[Any, Cell], Value]


def unit_of(value: Any) -> tuple[str, str] | None:
    """Code and printed unit of a value[x] that is a number: both blank where it has none, None for other values.

    A Range has the unit of its limits, a Ratio of two units the quotient of them.
    """
    if isinstance(value, str):
        return ("", "") if _NUMBER.fullmatch(value.strip()) else None
    if not isinstance(value, dict):
        return None if isinstance(value, bool) or value is None else ("", "")
    if "numerator" in value or "denominator" in value:
        above, below = (unit_of(value.get(part)) or ("", "") for part in ("numerator", "denominator"))
        quotient = tuple(f"{one}/{other}" if other else one for one, other in zip(above, below, strict=True))
        return (quotient[0], quotient[1]) if any(quotient) else None
    if "low" in value or "high" in value:
        return next((unit for part in ("low", "high") if any(unit := unit_of(value.get(part)) or ("", ""))), ("", ""))
    if ("value" not in value and not has_unit(value)) or "coding" in value:
        return None
    return primitive_text(value.get("code")), primitive_text(value.get("unit"))


def unit_text(value: Any, variable: str, units: Mapping[str, str], cell: Cell) -> str:
    """The CDISC unit of a number, its own unit (reported) where the table has none.

    A unit that means something else for one test (`RESP|/min`) is looked up with the test's code first; what stands
    there without a unit (`INR|`) is the unit of a result that comes without one. Where none stands the row is marked.
    A text that is a CDISC unit already is one; a code is not (`C` of UCUM is a coulomb).
    """
    found = unit_of(value)
    if found is None:
        return ""
    testcd = cell.test.testcd if cell.test else ""
    code, unit = found
    for candidate in found if code or unit else ("",):
        for key in (f"{testcd}|{candidate}", candidate):
            if key in units:
                return units[key]
    if unit in codelist("UNIT").terms:
        return unit
    if own := unit or code:
        cell.report("unit.unknown", variable, own, "unit has no CDISC unit; kept as the source wrote it")
    else:
        cell.no_unit = True
    return own


def amount_text(value: Any) -> str:
    """A number with its unit as the source writes them, or a text: `54 years` of an Age, `50-55 years` of a Range."""
    code, unit = unit_of(value) or ("", "")
    return f"{result_text(value)} {unit or code}".strip()


def limit_text(value: Any, variable: str, cell: Cell) -> str:
    """A limit of a reference range as --ORNRLO shows it; blank, and reported, where its unit is not the result's."""
    found = cell.focus.get("valueQuantity") if isinstance(cell.focus, dict) else None
    if found and found.get("code") == value.get("code") and found.get("unit") == value.get("unit"):
        return result_text(value)
    own, result = unit_of(value), unit_of(found)
    if own and result and any(own) and any(result) and not {*own} & {*result} - {""}:
        said = "a limit of the reference range has another unit than the result; left empty"
        cell.report("range.unit-differs", variable, own[1] or own[0], said)
        return ""
    return result_text(value)


def table_entry(table: Mapping[str, str], concept: Any) -> str | None:
    """What a table of terms says of a concept: of a coding (`system|code`, then `code`), then of its text."""
    for coding in codings_of(concept):
        system, code = primitive_text(coding.get("system")), primitive_text(coding.get("code"))
        for key in (f"{system}|{code}".lower(), code.lower()):
            if key in table:
                return table[key]
    text = concept_text(concept).lower()
    return table.get(text) if text else None


class Worded(Protocol):
    """What a mapping says of the terms of a variable: codelist, map, and whether others are in capitals."""

    @property
    def codelist(self) -> str: ...

    @property
    def map(self) -> str: ...

    @property
    def upper(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Term:
    """Looks a FHIR value up in a codelist: NCI concept code first, then the map, then the term's own text."""

    variable: str
    codelist: Codelist | None
    pairs: Mapping[str, str]
    patterns: tuple[tuple[re.Pattern[str], str], ...]
    upper: bool
    by_code: dict[str, str] = field(default_factory=dict)
    by_text: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, variable: str, spec: Worded, terms: Terminology) -> Term:
        found = codelist(spec.codelist) if spec.codelist else None
        if spec.map and spec.map not in terms.maps and all(p.map != spec.map for p in terms.patterns):
            raise KeyError(f"no map {spec.map}")
        by_code = found.by_code if found else {}
        by_text = {term.lower(): term for term in found.terms} if found else {}
        patterns = tuple((re.compile(p.match), p.term) for p in terms.patterns if p.map == spec.map)
        return cls(variable, found, terms.maps.get(spec.map, {}), patterns, spec.upper, by_code, by_text)

    def __call__(self, value: Any, report: Report) -> str:
        found = self.find(value)
        if found is not None:
            return found
        text = concept_text(value)
        return self._unknown(text, report) if text else ""

    def find(self, value: Any) -> str | None:
        """The term that the tables or the codelist have for a value; None where they have none."""
        for coding in codings_of(value):
            code, system = primitive_text(coding.get("code")), primitive_text(coding.get("system"))
            if code in self.by_code and system in NCI_SYSTEMS:
                return self.by_code[code]
            for key in (f"{system}|{code}".lower(), code.lower()):
                if key in self.pairs:
                    return self.pairs[key]
        text = concept_text(value)
        if not text:
            return None
        for key in (text.lower(), str(value).lower() if not isinstance(value, dict) else ""):
            if key in self.pairs:
                return self.pairs[key]
        for pattern, template in self.patterns:
            if match := pattern.fullmatch(text):
                return match.expand(template)
        if self.codelist is not None and text in self.codelist.terms:
            # Terms of units may differ in their case alone: Pa and PA.
            return text
        return self.by_text.get(text.lower())

    def _unknown(self, text: str, report: Report) -> str:
        own = text.upper() if self.upper else text
        if self.codelist is None:
            return own
        name = f"{self.codelist.submission_value} ({self.codelist.code})"
        if self.codelist.extensible:
            report("codelist.extended", self.variable, own, f"is not in the extensible codelist {name}; kept")
            return own
        report("codelist.unknown", self.variable, own, f"is not in the codelist {name}, which cannot be extended")
        return ""


def compile_variable(
    name: str, spec: VariableMap, terms: Terminology, privacy: Privacy | None = None, qualifier: bool = False
) -> Verb:
    """One function for one variable; PathError or KeyError where the mapping names what does not exist.

    `privacy` says whether the study keeps the free text of people, and which identifiers may stand in a dataset.
    Without leave such a text in a supplemental `qualifier` is left out, and in a variable the row.
    """
    privacy = privacy or Privacy()
    withholds, allowed = spec.prose and not privacy.notes, frozenset(privacy.identifiers)
    when = compile_path(spec.when) if spec.when else None
    readers = [
        (compile_path(p), is_concept, spec.as_ == "result" or spec.codelist == "NY" or may_be_boolean(p))
        for paths, is_concept in ((spec.concept, True), (spec.path, False))
        for p in paths
    ]
    shape = _shape(name, spec, terms)
    days = compile_path(spec.days) if spec.days else None

    def read(focus: Any, cell: Cell) -> Value:
        if when is not None and not truth(when(focus, cell.context)):
            return ""
        for path, is_concept, booleans in readers:
            values = path(focus, cell.context)
            if values and _is_odd(name, values, spec, booleans, cell):
                return ""
            if values and spec.as_ == "identifier":
                return identifier(values, allowed, name, cell.report)
            if values and spec.as_ == "subject-number":
                return subject_number(values, allowed, name, cell.report, focus, cell.context)
            if withholds and values and _is_withheld(name, values, cell):
                cell.withheld |= not qualifier
                return ""
            if values and (value := _one(name, values, shape(is_concept), spec, cell)) != "":
                value = value if days is None else _last_day(str(value), days(focus, cell.context))
                return printable(name, value, cell.report)
        if spec.test and cell.test is not None:
            return str(getattr(cell.test, spec.test))
        if spec.drug and cell.part is not None and (text := cell.part.field(spec.drug)):
            return printable(name, text.upper() if spec.upper else text, cell.report)
        return spec.value

    return read


def _is_withheld(name: str, values: list[Any], cell: Cell) -> bool:
    """Whether a value is the free text of a person, which is reported."""
    for value in values:
        if not isinstance(value, str) and (not isinstance(value, dict) or "text" not in value or "coding" in value):
            continue
        text = primitive_text(value["text"] if isinstance(value, dict) else value)
        if reason := own_words(text, cell.context, isinstance(value, dict)):
            cell.report("text.withheld", name, "", reason)
            return True
    return False


def _is_odd(name: str, values: list[Any], spec: VariableMap, booleans: bool, cell: Cell) -> bool:
    """Whether a value has no shape of FHIR, which is reported; the verbs of dates and numbers look themselves."""
    if spec.as_ in ("dtc", "number", "performer", "identifier", "subject-number") or spec.as_.startswith("dose"):
        return False
    for value in values:
        if type(value) is not str and (part := odd_part(value, booleans)):
            said = f"holds an object, a list or a boolean in {part!r} where FHIR has a text or number; left empty"
            cell.report("value.odd-shape", name, "", said)
            return True
    return False


def printable(name: str, value: Value, report: Report) -> Value:
    """The value without control characters, which are reported."""
    if not isinstance(value, str) or value.isprintable() or not _CONTROL.search(value):
        return value
    report("text.control", name, "", "holds control characters, which were taken out")
    return _CONTROL.sub("", value).strip()


Shape = Callable[[Any, Cell], Value]


def _one(name: str, values: list[Any], shape: Shape, spec: VariableMap, cell: Cell) -> Value:
    if spec.as_ == "performer":
        return performer(values, cell.context.peek)
    if spec.as_.startswith("dose"):
        return _dose(name, values, shape, spec, cell)
    if spec.join is not None:
        return spec.join.join(str(shape(value, cell)) for value in values)
    if len(values) > 1 and any(value != values[0] for value in values[1:]):
        cell.report("value.several", name, "", f"has {len(values)} values where one is expected; left empty")
        return ""
    return shape(values[0], cell)


def _dose(name: str, values: list[Any], shape: Shape, spec: VariableMap, cell: Cell) -> Value:
    """A part of the dose of the drug; what is to be said of it is said with its number."""
    dose = read_dose(values, cell.part, treatment=name.startswith("EX"))
    if spec.as_ == "dose":
        for rule, words in dose.said:
            cell.report(rule, name, "", words)
        return shape(dose.quantity["value"], cell) if "value" in dose.quantity else ""
    if spec.as_ == "dose-unit":
        return shape(dose.quantity, cell) if "value" in dose.quantity else ""
    return dose.text if spec.as_ == "dose-text" else dose.volume


def _shape(name: str, spec: VariableMap, terms: Terminology) -> Callable[[bool], Shape]:
    """What is done to one value, for a concept path and for a plain one."""
    term = Term.of(name, spec, terms) if spec.codelist or spec.map else None
    if spec.as_ == "dtc":
        return lambda is_concept: lambda value, cell: _dtc(name, value, cell)
    if spec.as_ in ("number", "dose"):
        return lambda is_concept: lambda value, cell: _number(name, value, cell.report)
    if spec.as_ in ("unit", "dose-unit"):
        return lambda is_concept: lambda value, cell: unit_text(value, name, terms.units, cell)
    if spec.as_ == "amount":
        return lambda is_concept: lambda value, cell: amount_text(value)
    if spec.as_ == "limit":
        return lambda is_concept: lambda value, cell: limit_text(value, name, cell)
    if spec.as_ == "result" and term is not None:
        # A Quantity has a `code` too, the unit's; only a concept or a text is looked up.
        return lambda is_concept: (
            lambda value, cell: (
                term(value, cell.report) if not isinstance(value, dict) or _is_concept(value) else result_text(value)
            )
        )
    if term is not None:
        return lambda is_concept: lambda value, cell: term(value, cell.report)
    if spec.as_ == "result":
        return lambda is_concept: lambda value, cell: result_text(value)
    if spec.upper:
        return lambda is_concept: lambda value, cell: concept_text(value).upper()
    return lambda is_concept: lambda value, cell: concept_text(value)


def _is_concept(value: dict[str, Any]) -> bool:
    return "coding" in value or "text" in value


def _last_day(start: str, days: list[Any]) -> str:
    """The last of so many days from a date on; blank where the date is partial or the number is none."""
    number = days[0] if days else None
    if isinstance(number, bool) or not isinstance(number, (int, Decimal)) or not 0 < number < MOST_DAYS:
        return ""
    if len(start) < len("2024-01-01"):
        return ""
    return (date.fromisoformat(start[:10]) + timedelta(days=math.ceil(number) - 1)).isoformat()


def _dtc(name: str, value: Any, cell: Cell) -> str:
    if not isinstance(value, str):
        cell.report("date.not-text", name, "", "is not a date")
        return ""
    try:
        return cell.date(value)
    except DateError as error:
        cell.report("date.impossible", name, value, str(error))
        return ""


def _number(name: str, value: Any, report: Report) -> Value:
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        report("number.not-a-number", name, primitive_text(value)[:40], "is not a number")
        return ""
    number = float(value) if not isinstance(value, int) or value.bit_length() < 1000 else math.inf
    if number and not SMALLEST <= abs(number) <= LARGEST:
        report("number.out-of-range", name, str(value)[:40], "is a number that a transport file cannot hold")
        return ""
    return number


__all__ = [
    "Cell",
    "Path",
    "PathError",
    "Term",
    "Verb",
    "compile_variable",
    "concept_text",
    "result_text",
    "table_entry",
    "unit_of",
]
