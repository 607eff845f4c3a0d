"""The codelists of a define.xml: the terms that the data use, with NCI codes, extensions marked."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import pandas as pd
from fhir2cdisc.converters.define.types import numeric_text, used_texts
from fhir2cdisc.converters.define.xml import Element, describe, element, oid
from fhir2cdisc.converters.xpt.columns import is_numeric, texts
from fhir2cdisc.mappings.standard.datasets import Codelist, Variable, codelists_by_test

# Variables whose decode stands in another variable of the same record.
_DECODES = {
    "PARAMCD": "PARAM",
    "PARAMN": "PARAM",
    "AVISITN": "AVISIT",
    "QNAM": "QLABEL",
    "TSPARMCD": "TSPARM",
    "ARMCD": "ARM",
    "ACTARMCD": "ACTARM",
    "ETCD": "ELEMENT",
    "VISITNUM": "VISIT",
}
_YES_NO = {"Y": "Yes", "N": "No", "U": "Unknown", "NA": "Not Applicable"}
_MOST_TERMS = 500


@dataclass(frozen=True, slots=True)
class PublishedTerms:
    """A published set of controlled terminology: `SDTM`, its date and its codelists by NCI code."""

    publishing_set: str
    version: str
    codelists: Mapping[str, Codelist]

    @property
    def oid(self) -> str:
        return oid("STD", "CT", self.publishing_set, self.version)


@dataclass(frozen=True, slots=True)
class Dictionary:
    """An external dictionary that codes a variable: name as in Define-XML (`MedDRA`), version."""

    name: str
    version: str


@dataclass(frozen=True, slots=True)
class Term:
    """A used value with its decode and NCI code, where it has them; extended where the list lacks it."""

    value: str
    decode: str = ""
    code: str = ""
    extended: bool = False


@dataclass(frozen=True, slots=True)
class UsedList:
    """A codelist of this define.xml."""

    oid: str
    name: str
    data_type: str
    terms: tuple[Term, ...] = ()
    standard: Codelist | None = None
    standard_oid: str = ""
    dictionary: Dictionary | None = None


@dataclass(slots=True)
class CodelistBook:
    """Collects the codelists while variables are described; equal lists are written once."""

    terminologies: Sequence[PublishedTerms]
    dictionaries: Mapping[str, Dictionary]
    lists: dict[str, UsedList] = field(default_factory=dict)
    _known: dict[object, str] = field(default_factory=dict)

    def reference(self, dataset: str, variable: Variable, frame: pd.DataFrame, value: str = "") -> str | None:
        """OID of the codelist of a variable (of one value level where `value` is given), None without one."""
        external = self.dictionaries.get(f"{dataset}.{variable.name}")
        if external is not None:
            return self._add(UsedList("", external.name, "text", dictionary=external), external.name)
        used = _used(frame[variable.name])
        if not used or len(used) > _MOST_TERMS:
            return None
        decodes = _decodes(variable.name, frame)
        place = [dataset, variable.name, *([value] if value else [])]
        standard = self._standard(_listed(dataset, variable, value), used)
        if standard is None:
            if decodes is None or value:
                return None
            terms = tuple(Term(u, decodes[u]) for u in used)
            kind = "text" if variable.type == "Char" else _numeric_kind(used)
            return self._add(UsedList("", f"{variable.label} ({dataset})", kind, terms), *place)
        codelist, terminology = standard
        terms = tuple(_term(u, codelist, decodes) for u in used)
        found = UsedList("", codelist.name, "text", terms, codelist, terminology.oid)
        return self._add(found, codelist.submission_value, *place)

    def _standard(self, variable: Variable, used: Sequence[str]) -> tuple[Codelist, PublishedTerms] | None:
        """Of the codelists of a variable, the one that holds most of the used values."""
        candidates = [
            (terminology.codelists[code], terminology)
            for code in variable.codelists
            for terminology in self.terminologies
            if code in terminology.codelists
        ]
        if variable.type == "Num" or not candidates:
            return None
        # The codelist of a result is that of some tests only; a measured number is no term.
        if variable.name.endswith(("ORRES", "STRESC")) and any(map(_is_number, used)):
            return None
        return max(candidates, key=lambda c: sum(value in c[0].terms for value in used))

    def _add(self, found: UsedList, *place: str) -> str:
        code = found.standard.code if found.standard else found.name
        key = (code, found.terms, found.dictionary)
        if key not in self._known:
            identifier = oid("CL", *place)
            self._known[key] = identifier
            self.lists[identifier] = UsedList(
                identifier,
                found.name,
                found.data_type,
                found.terms,
                found.standard,
                found.standard_oid,
                found.dictionary,
            )
        return self._known[key]

    def write(self, parent: Element) -> None:
        for used in sorted(self.lists.values(), key=lambda u: u.oid):
            _write(parent, used)


def _write(parent: Element, used: UsedList) -> None:
    own = used.standard is None and used.dictionary is None
    attributes = {
        "OID": used.oid,
        "Name": used.name,
        "DataType": used.data_type,
        "def:StandardOID": used.standard_oid or None,
        "def:IsNonStandard": "Yes" if own else None,
    }
    codelist = element(parent, "CodeList", attributes)
    if used.dictionary is not None:
        names = {"Dictionary": used.dictionary.name, "Version": used.dictionary.version}
        element(codelist, "ExternalCodeList", names)
        return
    decoded = all(term.decode for term in used.terms)
    for term in used.terms:
        extended = "Yes" if term.extended else None
        item = element(
            codelist,
            "CodeListItem" if decoded else "EnumeratedItem",
            {"CodedValue": term.value, "def:ExtendedValue": extended},
        )
        if decoded:
            describe(item, term.decode, "Decode")
        if term.code:
            element(item, "Alias", {"Context": "nci:ExtCodeID", "Name": term.code})
    if used.standard is not None:
        element(codelist, "Alias", {"Context": "nci:ExtCodeID", "Name": used.standard.code})


def _term(value: str, codelist: Codelist, decodes: Mapping[str, str] | None) -> Term:
    known = decodes or (_YES_NO if codelist.submission_value == "NY" else {})
    decode = known.get(value, "")
    code = codelist.terms.get(value, "")
    return Term(value, decode, code, extended=value not in codelist.terms)


def _used(values: pd.Series) -> list[str]:
    if is_numeric(values):
        return [numeric_text(float(v)) for v in sorted(values.dropna().unique())]
    return used_texts(values) if values.dtype.kind == "O" else []


def _numeric_kind(used: Sequence[str]) -> str:
    return "float" if any("." in value for value in used) else "integer"


def _decodes(name: str, frame: pd.DataFrame) -> dict[str, str] | None:
    """Value to decode where another variable decodes this one without exception."""
    partner = _partner(name, frame)
    if partner is None:
        return None
    codes = frame[name].reset_index(drop=True)
    pairs = pd.DataFrame({"code": codes, "decode": texts(frame[partner])}).drop_duplicates()
    pairs["code"] = pairs["code"].map(lambda v: "" if pd.isna(v) else _as_code(v)).astype(object)
    used = set(pairs["code"]) - {""}
    pairs = pairs[(pairs["code"] != "") & (pairs["decode"] != "")].drop_duplicates()
    if pairs["code"].duplicated().any() or set(pairs["code"]) != used:
        return None
    return dict(zip(pairs["code"], pairs["decode"].astype(str), strict=True))


def _listed(dataset: str, variable: Variable, value: str) -> Variable:
    """A variable with the codelists of one test; without, where they differ from test to test."""
    by_test = codelists_by_test(dataset, variable.name)
    if not by_test:
        return variable
    return replace(variable, codelists=(by_test[value],) if value in by_test else ())


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _as_code(value: object) -> str:
    return numeric_text(float(value)) if isinstance(value, int | float) else str(value).rstrip(" ")


def _partner(name: str, frame: pd.DataFrame) -> str | None:
    partner = _DECODES.get(name)
    if partner is None and re.fullmatch(r"[A-Z]{2}TESTCD", name):
        partner = name[:-2]
    if partner is None and name.endswith("N") and is_numeric(frame[name]):
        partner = name[:-1]
    if partner not in frame.columns or frame[partner].dtype != object:
        return None
    return partner
