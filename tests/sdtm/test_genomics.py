"""Genomics: every variant of the published examples of the Genomics Reporting guide says in GF what its resource says.

The expected values are read from the JSON by the few lines below, which know LOINC codes of components and nothing of
the mapping. Other tables are of resources written by hand.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pandas as pd
import pytest
from fhir2cdisc.converters.run.pipeline import SdtmRun, build_sdtm
from fhir2cdisc.mappings.study import Study
from support.others import others

Make = Callable[..., dict[str, Any]]
Json = dict[str, Any]
STUDY: Json = {"id": "g", "studyid": "G", "title": "Genes", "cohort": {"membership": "all"}}
# LOINC code of a component of a variant (Genomics Reporting guide, Variant): what of its value a record must show.
SHOWN = {
    "48018-6": "display",  # gene studied
    "48004-6": "code",  # c.HGVS
    "48005-3": "code",  # p.HGVS
    "81290-9": "code",  # g.HGVS
    "69547-8": "text",  # reference allele
    "69551-0": "text",  # alternate allele
    "81254-5": "low",  # exact start
    "81258-6": "number",  # allelic frequency
    "82121-5": "number",  # allelic depth
    "82155-3": "number",  # copy number
    "53034-5": "display",  # allelic state
    "48013-7": "code",  # genomic reference sequence
    "51958-7": "code",  # transcript
}
VARIANT = "69548-6"


def resources(node: Any) -> Iterator[Json]:
    """Every resource of a document, those of bundles and those inside others included."""
    if isinstance(node, list):
        for one in node:
            yield from resources(one)
    elif isinstance(node, dict):
        if "resourceType" in node:
            yield node
        for value in node.values():
            yield from resources(value)


def coded(concept: Json, code: str) -> bool:
    return any(coding.get("code") == code for coding in concept.get("coding", []))


def wanted(component: Json) -> list[str]:
    """What of a component a record must show; nothing where its value is not of the kind that is looked for."""
    said = [SHOWN[code] for code in SHOWN if coded(component["code"], code)]
    value: Any = next((item for key, item in component.items() if key.startswith("value")), None)
    coding = (value.get("coding") or [{}])[0] if isinstance(value, dict) else {}
    found: list[str] = []
    for kind in said:
        if kind in ("display", "code") and isinstance(value, dict):
            found.append(
                coding.get("display" if kind == "display" and coding.get("display") else "code")
                or value.get("text", "")
            )
        elif kind == "text" and isinstance(value, str):
            found.append(value)
        elif kind == "low" and isinstance(value, dict) and "low" in value:
            found.append(str(value["low"]["value"]))
        elif kind == "number" and isinstance(value, dict) and "value" in value:
            found.append(str(value["value"]))
    return [one for one in found if one]


@pytest.fixture(scope="module")
def examples() -> tuple[SdtmRun, list[Json]]:
    folder = others("data", "fhir", "genomics")
    read = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]
    variants = [one for one in resources(read) if one["resourceType"] == "Observation" and coded(one["code"], VARIANT)]
    # Of a record that is there twice and differs, one counts.
    forms: dict[str, set[str]] = {}
    for one in variants:
        forms.setdefault(one["id"], set()).add(json.dumps(one.get("component"), sort_keys=True))
    variants = [one for one in variants if len(forms[one["id"]]) == 1]
    return build_sdtm([folder], Study.model_validate(STUDY)), variants


def said_of(run: SdtmRun) -> dict[str, str]:
    """All that GF and SUPPGF say of each variant, by the id of its resource."""
    gf, supp, lineage = run.sdtm.frames["GF"], run.sdtm.frames["SUPPGF"], run.sdtm.lineage
    more: dict[tuple[str, str], list[str]] = {}
    for who, key, text in zip(supp["USUBJID"], supp["IDVARVAL"], supp["QVAL"], strict=True):
        more.setdefault((who, str(float(key))), []).append(text)
    texts = {
        (row["USUBJID"], str(row["GFSEQ"])): [str(value) for value in row.values()]
        + more.get((row["USUBJID"], str(row["GFSEQ"])), [])
        for row in gf.to_dict("records")
    }
    found: dict[str, list[str]] = {}
    own = lineage[(lineage["DATASET"] == "GF") & (lineage["ROLE"] == "source")]
    for who, number, key in zip(own["USUBJID"], own["SEQ"], own["ID"], strict=True):
        found.setdefault(key, []).extend(texts[who, str(float(number))])
    return {key: "\n".join(values) for key, values in found.items()}


@pytest.mark.slow
def test_every_variant_of_the_examples_says_what_its_resource_says(examples: tuple[SdtmRun, list[Json]]) -> None:
    run, variants = examples
    said, booked = said_of(run), {row[4] for row in run.accounts.rows}
    lost, looked_at = [], 0
    for one in variants:
        texts = next((text for key, text in said.items() if key == one["id"] or key.endswith(f".{one['id']}")), None)
        if texts is None:
            # Of nobody who was read: the accounts say so.
            lost += [] if one["id"] in booked else [(one["id"], "no record")]
            continue
        for component in one.get("component", []):
            for value in wanted(component):
                looked_at += 1
                if value not in texts:
                    lost.append((one["id"], value))
    assert lost == [], lost
    assert (len(variants) > 100, looked_at > 600) == (True, True)


@pytest.mark.slow
def test_few_variants_of_the_examples_say_only_that_they_are_present(examples: tuple[SdtmRun, list[Json]]) -> None:
    gf: pd.DataFrame = examples[0].sdtm.frames["GF"]
    bare = gf[(gf["GFORRES"] == "Present") & (gf["GFTESTCD"] == "SHRTVAR")]
    assert len(bare) <= 2
