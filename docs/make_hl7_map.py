"""Writes `hl7_map.md`: for every SDTM variable of the HL7 FHIR to CDISC map 1.0, how it is made here, or why not.

Run as `python docs/make_hl7_map.py`. How a variable is made comes from the mapping files and from the words of
define.xml; why one is not made comes from `hl7_map_reasons.toml`, which also lists the variables by name.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
from fhir2cdisc.mappings.model import DomainMap, VariableMap, builtin_domains
from fhir2cdisc.mappings.standard.datasets import sdtm_datasets
from fhir2cdisc.sdtm.describe import describe

FOLDER = Path(__file__).parent
MADE = {"fhir": "From FHIR", "derived": "Derived", "not": "Not made"}
HEAD = """# The HL7 FHIR to CDISC map 1.0, variable by variable

HL7 and CDISC published a map from FHIR R4 to SDTM for seven domains (informative; CC0). This is what the project
makes of each of its {total} SDTM variables: the FHIRPath that fills it, the derivation, or the reason why it stays
empty. Paths are those of the mapping files in `mappings/domains`; of several the first that gives a value is taken.
The table is made by `python docs/make_hl7_map.py` and a test keeps it true.

| Domain | Variables | From FHIR | Derived | Not made |
|---|---:|---:|---:|---:|
"""

How = tuple[str, str]


@cache
def facts() -> dict[str, Any]:
    """The lists and reasons of `hl7_map_reasons.toml`."""
    return tomllib.loads((FOLDER / "hl7_map_reasons.toml").read_text(encoding="utf-8"))


@cache
def mappings() -> dict[str, DomainMap]:
    return {mapping.domain: mapping for mapping in builtin_domains()}


def variables() -> Iterator[tuple[str, str]]:
    """(domain, variable) of the HL7 map; `DM.SITEID` under AE is DM's, `SUPPAE.QVAL` all supplemental qualifiers."""
    for domain, names in sorted(facts()["variables"].items()):
        for name in names.split():
            yield domain, name


def how(domain: str, name: str) -> How:
    """(kind, words) of a variable: kind is `fhir`, `derived` or `not`; KeyError where nothing is known of it."""
    plain = name.removesuffix(".QVAL")
    home, _, variable = plain.rpartition(".")
    home = home or domain
    return _derived(home, variable) or _mapped(home, variable) or _not_made(domain, variable)


def _mapped(domain: str, variable: str) -> How | None:
    if variable == f"SUPP{domain}":
        found = [_supp(source.resource, source.supp) for source in mappings()[domain].source]
    else:
        hidden = (variable, f"_{variable}")
        found = [
            words(source.resource, source.variables[name])
            for source in mappings()[domain].source
            for name in hidden
            if name in source.variables
        ]
    lines = list(dict.fromkeys(line for line in found if line))
    return ("fhir", "<br>".join(lines)) if lines else None


def _supp(resource: str, specs: dict[str, VariableMap]) -> str:
    return "<br>".join(f"{name} ({spec.label}): {words(resource, spec)}" for name, spec in specs.items())


def words(resource: str, spec: VariableMap) -> str:
    """A source of a variable in words: its paths, and what is done to the value."""
    paths = [path if path.startswith("%") else f"{resource}: {path}" for path in (*spec.concept, *spec.path)]
    text = ", else ".join(f"`{path}`" for path in paths)
    if spec.test:
        text = ", else ".join(filter(None, [text, f"{resource}: the {spec.test} of the test that its code stands for"]))
    if spec.drug:
        what = spec.drug.replace("_", " ") + (" in ATC" if spec.drug != "name" else "")
        text = ", else ".join(filter(None, [text, f"{resource}: the {what} of the drug that it is about"]))
    if spec.value:
        text = ", else ".join(filter(None, [text, f"{resource}: always {spec.value}"]))
    done = [f"map `{spec.map}`" if spec.map else "", f"codelist {spec.codelist}" if spec.codelist else ""]
    done = [part for part in done if part]
    return f"{text} ({', '.join(done)})" if done else text


@cache
def _described(domain: str) -> dict[str, str]:
    """Variable to method in words, as define.xml says it."""
    names = sdtm_datasets()[domain].names
    made = describe({domain: pd.DataFrame(columns=list(names))}, list(mappings().values()))[domain]
    return {variable.name: variable.method for variable in made.variables if variable.method}


def _derived(domain: str, variable: str) -> How | None:
    text = facts()["derived"].get(variable, "") or _described(domain).get(variable, "")
    return ("derived", text) if text else None


def _not_made(domain: str, variable: str) -> How:
    kind, _, own = facts()["reasons"][domain][variable].partition(": ")
    text = facts()["kinds"][kind]
    return "not", f"{text}: {own}" if own else text


def document() -> str:
    """The whole of `hl7_map.md`."""
    made = {(domain, name): how(domain, name) for domain, name in variables()}
    text = HEAD.format(total=len(made))
    counts = pd.Series([(domain, kind) for (domain, _), (kind, _) in made.items()]).value_counts()
    for domain in sorted(facts()["variables"]):
        row = [int(counts.get((domain, kind), 0)) for kind in MADE]
        text += f"| {domain} | {sum(row)} | {' | '.join(map(str, row))} |\n"
    for domain in sorted(facts()["variables"]):
        text += f"\n## {domain}\n\n| Variable | | How, or why not |\n|---|---|---|\n"
        for (own, name), (kind, said) in made.items():
            if own == domain:
                text += f"| {name} | {MADE[kind]} | {said.replace('|', chr(92) + '|')} |\n"
    return text


if __name__ == "__main__":
    (FOLDER / "hl7_map.md").write_text(document(), encoding="utf-8")
