"""What a column of an extract may become: sure where name and values agree, a guess with its score where not."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from fhir2cdisc.mappings.draft_names import Named, known_names, plain_name
from fhir2cdisc.mappings.extract_model import ColumnMap, Reading
from fhir2cdisc.mappings.model import builtin_terminology
from fhir2cdisc.mappings.standard.datasets import Dataset, Variable, codelist, model_variable, sdtm_datasets
from fhir2cdisc.sdtm.cells.verbs import RowCells, compile_cells
from fhir2cdisc.sdtm.draft.profile import Column, Sheet, is_date

# Answers that name no record: the table says in its rows whether there is anything (AEYN).
_ASKED = re.compile(r"[A-Z]{2}(?:YN|PERF|OCCUR)$")
_PREFIX = re.compile(r"^(?:IT\.|I_|FORM\.|F_)")
_SUFFIX = re.compile(r"_(?:RAW|ORIG|TXT)$")
_DAT = re.compile(r"^([A-Z]{2})(ST|EN|)(?:DAT|DT|DATE)$")
# Values of these are names of things, never codes of answers.
_NAMES = ("SPID", "REFID", "LNKID", "GRPID", "CD", "NUM", "SEQ", "DOSE", "ORRES", "STRESC", "DOSTXT")
# Words that each sponsor lists for itself.
_SPONSOR = ("REL", "RELNST", "PATT")
_NOT_MAPPED = ("STUDYID", "DOMAIN", "USUBJID", "SUBJID")


@dataclass(frozen=True, slots=True)
class Proposal:
    """A line of a mapping: the variable, how it is filled from a column, how sure that is (1: plain) and why.

    `known` is the share of the values that its codelist has.
    """

    column: str
    variable: str
    spec: ColumnMap
    score: float
    why: str
    known: float = 1

    @property
    def asks_map(self) -> bool:
        """Whether a map has to say which terms of the codelist the values are."""
        return bool(self.spec.codelist) and not self.sure and self.known < 1

    @property
    def sure(self) -> bool:
        return self.score >= 1


def domain_of(sheet: Sheet) -> tuple[str, bool]:
    """The domain of a table and whether that is sure: by the name of its file or sheet, and by its columns' names."""
    known = sdtm_datasets()
    stem = PurePosixPath(sheet.file).name.split(".")[0]
    named = [part.upper() for part in re.split(r"[\W_]+", f"{stem} {sheet.sheet}") if part.upper() in known]
    counts = {
        domain: sum(1 for column in sheet.columns if any(_fits(domain, name) for name in _names(column.name)))
        for domain, dataset in known.items()
        if len(domain) == 2 and "USUBJID" in dataset
    }
    best = max(sorted(counts), key=lambda domain: counts[domain])
    if named and len(named[0]) == 2:
        return named[0], counts.get(named[0], 0) == counts[best] or counts.get(named[0], 0) >= 2
    others = [count for domain, count in counts.items() if domain != best]
    return (best, counts[best] >= 3 and counts[best] > 2 * max(others)) if counts[best] else ("", False)


def _fits(domain: str, name: str) -> bool:
    """Whether a name is that of a variable of a domain that no other has, as the standard or CDASH writes it."""
    if not name.startswith(domain):
        return any(one.domain == domain for one in known_names().get(name, ()))
    return _variable(domain, _DAT.sub(r"\1\2DTC", name)) is not None


def _variable(domain: str, name: str) -> Variable | None:
    dataset: Dataset | None = sdtm_datasets().get(domain)
    if dataset is None or name in _NOT_MAPPED or name == f"{domain}SEQ":
        return None
    return dataset[name] if name in dataset else model_variable(dataset, name)


def _names(heading: str) -> list[str]:
    """A heading and the same without what systems put before or after names."""
    upper = heading.upper().strip()
    bare = _SUFFIX.sub("", _PREFIX.sub("", upper))
    return list(dict.fromkeys([upper, bare]))


def propose(sheet: Sheet, domain: str, sure: bool, reading: Reading, undecided: bool) -> Iterator[Proposal]:
    """A proposal for each column that may fill a variable of the domain; of several for one variable the first is sure.

    `undecided`: the dates of the extract can be read with the day or the month first.
    """
    taken: set[str] = set()
    found = []
    for place, column in enumerate(sheet.columns):
        if not column.texts:
            continue
        proposal = next(_of_column(column, sheet.columns, domain, reading, undecided), None)
        if proposal is not None:
            found.append((-proposal.score, place, proposal))
    for _, _, one in sorted(found, key=lambda item: item[:2]):
        doubt = "" if sure else "the domain of the table is a guess; "
        if one.variable in taken:
            doubt += "another column fills it; "
        taken.add(one.variable)
        yield replace(one, score=0.6, why=doubt + one.why) if doubt and one.sure else one


def _of_column(
    column: Column, others: Sequence[Column], domain: str, reading: Reading, undecided: bool
) -> Iterator[Proposal]:
    """What a column may be, the best first."""
    for number, name in enumerate(_names(column.name)):
        why = "same name" if number == 0 else "same name without what a system adds"
        if (variable := _variable(domain, name)) is not None:
            yield _with_values(column, variable, column.name, reading, undecided, why, "")
        if match := _DAT.match(name):
            dtc = f"{match[1]}{match[2]}DTC"
            if (variable := _variable(domain, dtc)) is not None and match[1] == domain:
                yield _with_values(
                    column, variable, _with_time(column, others), reading, undecided, "CDASH name", "dtc"
                )
    for named in known_names().get(plain_name(column.name), ()):
        if named.kind in ("cdash", "guess") and (variable := _named_variable(named, domain)) is not None:
            made = _with_values(column, variable, column.name, reading, undecided, "usual name", named.as_)
            yield made if named.kind == "cdash" else _guess(made, 0.7)
    if _ASKED.match(column.name.upper()):
        return
    yield from _by_label(column, domain, reading, undecided)
    yield from _by_values(column, domain)


def _named_variable(named: Named, domain: str) -> Variable | None:
    if named.domain and named.domain != domain:
        return None
    name = named.variable if named.domain or named.variable == "VISIT" else f"{domain}{named.variable}"
    return _variable(domain, name)


def _with_time(column: Column, others: Sequence[Column]) -> str:
    """The column of a date with that of its time: `AESTDAT + AESTTIM`."""
    wanted = re.sub(r"(?:DAT|DT|DATE)$", "TIM", column.name.upper())
    time = next((one.name for one in others if one.name.upper() == wanted and one.texts), "")
    return f"{column.name} + {time}" if time else column.name


def _guess(proposal: Proposal, score: float) -> Proposal:
    return replace(proposal, score=min(score, proposal.score))


def _with_values(
    column: Column, variable: Variable, cell: str, reading: Reading, undecided: bool, why: str, as_: str
) -> Proposal:
    """A proposal by a name: sure where the values are what the variable holds."""

    def made(score: float, said: str, **more: object) -> Proposal:
        spec = ColumnMap.model_validate({"column": (cell,), **more})
        return Proposal(column.name, variable.name, spec, score, f"{why}; {said}" if said else why)

    if column.hidden and variable.name != "BRTHDTC":
        return made(0.5, "the column may identify people")
    if variable.name.endswith("DTC") or as_ == "dtc":
        dates = all(is_date(text, reading.dates) for text in column.texts)
        if undecided and not all(is_date(text, ()) for text in column.texts):
            return made(0.6, "day and month cannot be told apart", **{"as": "dtc"})
        return made(1 if dates else 0.5, "" if dates else "not all values are dates", **{"as": "dtc"})
    if variable.type == "Num":
        numbers = column.is_number
        return made(1 if numbers else 0.5, "" if numbers else "not all values are numbers", **{"as": "number"})
    if variable.name.endswith(("ORRES", "ORNRLO", "ORNRHI")):
        return made(1, "", **{"as": "result"})
    if variable.name.endswith(("ORRESU", "STRESU")):
        return _by_words(made, variable, column, reading, "unit")
    if variable.codelists:
        return _by_words(made, variable, column, reading, "")
    if variable.name.endswith("STAT"):
        return made(0.6, "which words say that it was not done is for you to say")
    if variable.name.endswith(_SPONSOR):
        return made(0.7, "the sponsor says which words it may have")
    if column.is_code and not variable.name.endswith(_NAMES):
        return made(0.5, "its values are codes, and nothing says what they mean")
    return made(1, "")


def _by_words(
    made: Callable[..., Proposal], variable: Variable, column: Column, reading: Reading, as_: str
) -> Proposal:
    """A proposal for a variable with a codelist: sure where the codelist has every value; of units in its own case."""
    name = codelist(variable.codelists[0]).submission_value if variable.codelists and not as_ else ""
    more = {"as": as_} if as_ else {"codelist": name}
    known = _share_known(variable.name, ColumnMap.model_validate({"column": (column.name,), **more}), column, reading)
    exact = not as_ and all(text in _terms(variable) for text in column.texts)
    if exact:
        return made(1, "")
    if known == 1 and name != "UNIT":
        return made(1, "", **more)
    if not as_ and (map_ := _map_of(variable, column)):
        return made(1, "", codelist=name, map=map_)
    said = f"{known:.0%} of the values are known terms"
    return replace(made(round(0.3 + 0.5 * known, 2), said, **more), known=known)


def _map_of(variable: Variable, column: Column) -> str:
    """The map of the project that has a term of the codelist for every value; blank for codes, or where maps differ."""
    if column.is_code:
        return ""
    terms, fits = _terms(variable), {}
    for name, pairs in sorted(builtin_terminology().maps.items()):
        made = tuple(pairs.get(text.lower(), "") for text in column.texts)
        if all(term in terms for term in made):
            fits[name] = made
    return next(iter(fits)) if len(set(fits.values())) == 1 else ""


def _terms(variable: Variable) -> set[str]:
    return {term for code in variable.codelists for term in codelist(code).terms}


def _share_known(name: str, spec: ColumnMap, column: Column, reading: Reading) -> float:
    """The share of the different values that a verb turns into a term without a word."""
    verb = compile_cells(name, spec, builtin_terminology(), reading)
    said: list[str] = []
    unknown = 0
    for text in column.texts:
        said.clear()
        verb(RowCells({column.name: text}), lambda *words: said.append(words[0]))
        unknown += bool(said)
    return 1 - unknown / len(column.texts)


def _by_label(column: Column, domain: str, reading: Reading, undecided: bool) -> Iterator[Proposal]:
    """A guess by the words of a codebook, or of the heading, that are the label of a variable."""
    words = {plain_name(text) for text in (column.label, column.name) if text}
    for variable in sdtm_datasets()[domain].variables if domain in sdtm_datasets() else ():
        if plain_name(variable.label) in words and variable.name not in _NOT_MAPPED:
            yield _guess(_with_values(column, variable, column.name, reading, undecided, "words of the label", ""), 0.8)


def _by_values(column: Column, domain: str) -> Iterator[Proposal]:
    """A guess by values that are terms of the codelist of one variable of the domain, and of no other one."""
    if domain not in sdtm_datasets() or column.is_number or column.hidden or len(column.texts) < 2:
        return
    fits = []
    for variable in sdtm_datasets()[domain].variables:
        terms = {term.lower() for term in _terms(variable)} if variable.codelists else set()
        if terms and (share := sum(text.lower() in terms for text in column.texts) / len(column.texts)) >= 0.8:
            fits.append((share, variable))
    if len(fits) == 1:
        share, variable = fits[0]
        short = codelist(variable.codelists[0]).submission_value
        spec = ColumnMap.model_validate({"column": (column.name,), "codelist": short})
        why = f"{share:.0%} of the values are terms"
        yield Proposal(column.name, variable.name, spec, round(0.6 * share, 2), why, share)


def subject_of(sheets: Sequence[Sheet]) -> dict[str, tuple[str, bool]]:
    """The column of the subject's number by file and sheet, and whether its name says so; blank where none does.

    Of several the one that most tables have: rows of two tables meet by it. A number of the hospital (mrn) may be that
    of the subject, and is a guess.
    """
    every = [{plain_name(one.name): one.name for one in reversed(sheet.columns) if one.texts} for sheet in sheets]
    tables = Counter(name for names in every for name in names)
    found = {}
    for sheet, names in zip(sheets, every, strict=True):
        own, of_hospital = (_common(kind, names, tables) for kind in ("subject", "hospital"))
        found[f"{sheet.file}!{sheet.sheet}"] = (names.get(own or of_hospital, ""), bool(own))
    return found


def _common(kind: str, names: Mapping[str, str], tables: Mapping[str, int]) -> str:
    """Of the names of a kind that a table has the one that most tables have, the first of them in the list."""
    some = [name for name, named in known_names().items() if named[0].kind == kind and name in names]
    return max(some, key=lambda name: tables[name], default="")
