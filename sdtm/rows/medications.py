"""The drugs of a medication record: how each is named, by which codes, and how strong the product is in it.

FHIR R4 lets a hospital write the drug as a concept, as a reference to a Medication (contained, read, or not exported),
as the ingredients of one, or as a display only; and one concept may hold the codes of one drug in several systems, or
of several drugs. A record of several drugs is several records of SDTM (one treatment in each --TRT).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from fhir2cdisc.fhir.path.expression import Context
from fhir2cdisc.mappings.antineoplastics import names_of
from fhir2cdisc.mappings.study import Drug
from fhir2cdisc.sdtm.rows.shapes import primitive_text
from fhir2cdisc.sdtm.rows.texts import codings_of, concept_text

Json = dict[str, Any]
Report = Callable[[str, str, str, str], None]
ATC_SYSTEMS = (
    "http://www.whocc.no/atc",
    "urn:oid:2.16.840.1.113883.6.73",
    "http://fhir.de/CodeSystem/bfarm/atc",
    "http://fhir.de/CodeSystem/dimdi/atc",
)
SUBSTANCE_LENGTH, CLASS_LENGTH = 7, 5
# Words that say how a drug is made up and not which one it is: two products that share only these may be two drugs.
_FORMS = frozenset(
    "oral tablet tablets capsule capsules injection injectable solution suspension product containing precisely only "
    "medicinal infusion intravenous subcutaneous powder concentrate coated film extended delayed release topical cream "
    "ointment patch spray syringe prefilled vial pack combination combinations clinical drug substance hydrochloride "
    "sodium acetate mesylate sulfate phosphate".split()
)


@dataclass(frozen=True, slots=True)
class Ingredient:
    """An ingredient of a Medication; `active` is False where the source says that it is not."""

    concept: Json
    strength: Json
    active: bool


@dataclass(frozen=True, slots=True)
class Product:
    """What a record says of its medication; `references` are those that were followed, in order."""

    concept: Json
    display: str
    ingredients: tuple[Ingredient, ...]
    amount: Json
    references: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DrugPart:
    """One drug of a record: its name as the source has it, and what it can be told by.

    `strength` is the FHIR Ratio of the drug in the product, `amount` that of the product. `mixture` says that the
    product has other ingredients, `alone` is False where one dose is written for several drugs together.
    """

    name: str
    concept: Json
    strength: Json
    product: Product
    mixture: bool = False
    alone: bool = True

    def field(self, what: str) -> str:
        """`name`, or of the ATC codings `substance` (fifth level), `class` and `class_code` (levels above).

        A code of the fifth level begins with that of its class (ATC, structure of the code).
        """
        if what == "name":
            return self.name
        substance = what == "substance"
        coded = [(primitive_text(c.get("code")), c) for c in codings_of(self.concept) if _system(c) in ATC_SYSTEMS]
        for code, coding in coded:
            if code and (len(code) == SUBSTANCE_LENGTH) is substance:
                return code if what == "class_code" else primitive_text(coding.get("display"))
        if what == "class_code":
            return next((code[:CLASS_LENGTH] for code, _ in coded if len(code) == SUBSTANCE_LENGTH), "")
        return ""


class DrugMatcher:
    """Finds the drugs of a medication by code, or by whole words of its text."""

    def __init__(self, drugs: Iterable[Drug]) -> None:
        self.drugs = tuple(drugs)
        self.codes = {(c.system, c.code): d for d in self.drugs for c in d.codes}
        self.words = [
            (re.compile(_whole_word(term), re.IGNORECASE), drug) for drug in self.drugs for term in names_of(drug)
        ]

    def __call__(self, concept: Any) -> Drug | None:
        codings = codings_of(concept)
        for coding in codings:
            if (found := self._by_code(coding)) is not None:
                return found
        texts = [concept_text(concept), *(primitive_text(c.get("display")) for c in codings)]
        return next((drug for pattern, drug in self.words if any(pattern.search(t) for t in texts)), None)

    def _by_code(self, coding: Json) -> Drug | None:
        system, code = primitive_text(coding.get("system")), primitive_text(coding.get("code"))
        return self.codes.get((system, code)) or self.codes.get(("", code))

    def of_coding(self, coding: Json) -> frozenset[str]:
        """The names of the drugs that one coding stands for."""
        found = self._by_code(coding)
        return frozenset([found.name]) if found is not None else self.in_text(primitive_text(coding.get("display")))

    def in_text(self, text: str) -> frozenset[str]:
        """The names of all drugs that a text names; of terms within each other the longest (`nab-paclitaxel`)."""
        found: dict[tuple[int, int], str] = {}
        for pattern, drug in self.words:
            for match in pattern.finditer(text):
                found.setdefault(match.span(), drug.name)
        return frozenset(
            name
            for (start, end), name in found.items()
            if not any(a <= start and end <= b and b - a > end - start for a, b in found)
        )


def _whole_word(term: str) -> str:
    """Chinese is written without spaces, so only a Latin term is bound by word edges."""
    return rf"\b{re.escape(term)}\b" if term.isascii() else re.escape(term)


def _system(coding: Json) -> str:
    return primitive_text(coding.get("system"))


def _words(concept: Any) -> str:
    """The text of a concept, else its first display; blank where it has codes only."""
    if not isinstance(concept, dict):
        return ""
    displays = (primitive_text(coding.get("display")) for coding in codings_of(concept))
    return primitive_text(concept.get("text")) or next(filter(None, displays), "")


def _object(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


def read_product(resource: Json, context: Context) -> Product:
    """What the record says of its medication, by concept or by reference."""
    concept = _object(resource.get("medicationCodeableConcept") or resource.get("vaccineCode"))
    reference = _object(resource.get("medicationReference"))
    place = primitive_text(reference.get("reference"))
    medication = _object(context.resolve(place)) if place else {}
    followed = [place] if place else []
    listed = medication.get("ingredient")
    ingredients = [
        _ingredient(one, context, followed)
        for one in (listed if isinstance(listed, list) else ())
        if isinstance(one, dict)
    ]
    return Product(
        concept or _object(medication.get("code")),
        primitive_text(reference.get("display")),
        tuple(ingredients),
        _object(medication.get("amount")),
        tuple(followed),
    )


def _ingredient(one: Json, context: Context, followed: list[str]) -> Ingredient:
    concept, reference = _object(one.get("itemCodeableConcept")), _object(one.get("itemReference"))
    if not concept and reference:
        place = primitive_text(reference.get("reference"))
        concept = _object(_object(context.resolve(place)).get("code")) if place else {}
        followed += [place] if place else []
        concept = concept or {"text": primitive_text(reference.get("display"))}
    return Ingredient(concept, _object(one.get("strength")), one.get("isActive") is not False)


def drug_parts(resource: Json, context: Context, known: DrugMatcher, report: Report) -> list[DrugPart]:
    """The drugs of a record, at least one; `report` is told of what was split, cannot be told, or has no name.

    Two ingredients that the study knows as two drugs are two records; any other product is one record under its own
    name, with the strength of the drug in it that the study knows. A vaccine is one whatever it protects against.
    """
    product = read_product(resource, context)
    if "vaccineCode" in resource:
        name = concept_text(product.concept)
        found = [DrugPart(name, {**product.concept, "text": name}, {}, product)]
    else:
        found = _of_ingredients(product, known) if product.ingredients else _of_codings(product, known, report)
    if len(found) > 1:
        names = " and ".join(part.name for part in found)
        report("medication.split", "", "", f"names {len(found)} drugs, {names}; each is a record of its own")
    if not found[0].name:
        report("medication.nameless", "", "", "names no drug, so whether it is treatment under study is not known")
    return found


def _of_ingredients(product: Product, known: DrugMatcher) -> list[DrugPart]:
    mixture = len(product.ingredients) > 1
    drugs: dict[str, Ingredient] = {}
    for one in product.ingredients:
        if (drug := known(one.concept)) is not None:
            drugs.setdefault(drug.name, one)
    if len(drugs) > 1:
        return [
            DrugPart(_words(one.concept) or name, one.concept, one.strength, product, mixture, alone=False)
            for name, one in drugs.items()
        ]
    active = [one for one in product.ingredients if one.active] or list(product.ingredients)
    told = [*drugs.values()][:1]
    chief = told or (active if len(active) == 1 else [])
    parts = " + ".join(filter(None, (_words(one.concept) for one in told or active)))
    name = _words(product.concept) or parts or product.display or concept_text(product.concept)
    codings = [*codings_of(product.concept), *(c for one in chief for c in codings_of(one.concept))]
    more = [{"display": text} for text in (*(_words(one.concept) for one in told or active), product.display) if text]
    concept = {"coding": [*codings, *more], "text": name}
    return [DrugPart(name, concept, chief[0].strength if chief else {}, product, mixture)]


def _of_codings(product: Product, known: DrugMatcher, report: Report) -> list[DrugPart]:
    codings = codings_of(product.concept)
    name = _words(product.concept) or product.display or concept_text(product.concept)
    groups = _groups(codings, known)
    told = frozenset(drug for coding in codings for drug in known.of_coding(coding))
    # A regimen written in words names more than its codes; words of a drug that no code tells are that drug's.
    others = sorted(known.in_text(name) - told) if told or not groups else []
    if len(groups) + len(others) > 1:
        made = [_of_group(group, product) for group in groups]
        return [*made, *(DrugPart(name, {"text": drug}, {}, product, alone=False) for drug in others)]
    if _doubtful(codings, known):
        shown = ", ".join(primitive_text(one.get("display")) or primitive_text(one.get("code")) for one in codings)
        said = f"has codes of what may be several drugs ({shown}); it is one record, as nothing tells them apart"
        report("medication.several", "", "", said)
    more = [{"display": product.display}] if product.display else []
    return [DrugPart(name, {"coding": [*codings, *more], "text": name}, {}, product)]


def _of_group(group: list[Json], product: Product) -> DrugPart:
    displays = (primitive_text(one.get("display")) for one in group)
    name = next(filter(None, displays), primitive_text(group[0].get("code")))
    return DrugPart(name, {"coding": group, "text": name}, {}, product, alone=False)


def _is_substance(coding: Json) -> bool:
    return _system(coding) in ATC_SYSTEMS and len(primitive_text(coding.get("code"))) == SUBSTANCE_LENGTH


def _groups(codings: list[Json], known: DrugMatcher) -> list[list[Json]]:
    """Codings by the drug that they stand for: ATC substances by name, and whatever the study knows; others join."""
    groups: list[list[Json]] = []
    for coding in codings:
        if not (known.of_coding(coding) or (_is_substance(coding) and primitive_text(coding.get("display")))):
            continue
        home = next((group for group in groups if any(_same(coding, one, known) for one in group)), None)
        if home is None:
            groups.append([coding])
        else:
            home.append(coding)
    placed = [coding for group in groups for coding in group]
    for coding in codings:
        if coding not in placed:
            for group in groups:
                if any(_same(coding, one, known) or _above(coding, one) for one in group):
                    group.append(coding)
                    break
    return groups


def _above(coding: Json, substance: Json) -> bool:
    """Whether an ATC coding is a level above a substance."""
    code, below = primitive_text(coding.get("code")), primitive_text(substance.get("code"))
    return {_system(coding), _system(substance)} <= set(ATC_SYSTEMS) and bool(code) and below.startswith(code)


def _same(one: Json, other: Json, known: DrugMatcher) -> bool:
    """Whether two codings are of one drug: the same code, a drug of the study in both, or a telling word in both."""
    if (_system(one), one.get("code")) == (_system(other), other.get("code")):
        return True
    drugs = known.of_coding(one), known.of_coding(other)
    if all(drugs):
        return bool(drugs[0] & drugs[1])
    return bool(_telling(one) & _telling(other))


def _telling(coding: Json) -> frozenset[str]:
    words = re.findall(r"\w{4,}", primitive_text(coding.get("display")).casefold())
    return frozenset(word for word in words if word not in _FORMS and not word[0].isdigit())


def _doubtful(codings: list[Json], known: DrugMatcher) -> bool:
    """Whether codes of one system may be of several drugs: two ATC substances, or two names without a common word."""
    for at, one in enumerate(codings):
        for other in codings[at + 1 :]:
            if _system(one) != _system(other) or _same(one, other, known):
                continue
            silent = not (_telling(one) and _telling(other))
            if _is_substance(one) and _is_substance(other):
                return True
            if not silent and _system(one) not in ATC_SYSTEMS:
                return True
    return False
