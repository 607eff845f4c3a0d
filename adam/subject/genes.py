"""Whether a gene of a subject is altered, by SDTM GF: found, tested and not found, or not known.

Not tested and not found are different things: a gene is `N` only where a record says that it was looked at.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from fhir2cdisc.adam.frames.columns import number, text
from fhir2cdisc.adam.frames.dates import impute_dates
from fhir2cdisc.adam.frames.findings import findings, stack_findings

VARIANTS = frozenset({"SNV", "SHRTVAR", "CPNUMVAR", "CPNUMAMP", "SEQREAR", "VNTR"})
PROFILE = "VARPROF"
NEGATIVE = frozenset({"NOT DETECTED", "NEGATIVE", "ABSENT", "WILD TYPE", "N", "NO MUTATION DETECTED"})
UNCLEAR = frozenset({"INDETERMINATE", "NO CALL", "EQUIVOCAL", "INCONCLUSIVE", "NOT EVALUABLE", "UNINTERPRETABLE"})
BENIGN = frozenset({"BENIGN", "LIKELY BENIGN"})
STUDIED = "STUDIED"
IMPACT = frozenset({"VARIANT IMPACT CLASSIFICATION", "REARRANGEMENT IMPACT CLASSIFICATION"})
COPIES, NORMAL_COPIES = "NUMBER OF GENE COPIES", 2
# Details whose result is about a variant and is none itself (GFTSDTL).
ABOUT = IMPACT | {
    "READ DEPTH",
    "VARIANT READ DEPTH",
    "VARIANT READ DEPTH/READ DEPTH",
    "NUMBER OF ALTERED EXONS",
    "PREDICTED IN-FRAME INDICATOR",
    "COPY NUMBER RATIO",
    "FRAGMENT COUNT",
    "NUMBER OF CAG REPEATS",
    "PREDICTED NUMBER OF CAG REPEATS",
    "CENTROMERE SIGNALS",
    "GENOME-SPECIFIC TARGET SIGNALS",
}
# Details that name one change: where it is not there, another one of the gene may be.
CHANGES = frozenset(
    {"PREDICTED AMINO ACID CHANGE", "PREDICTED CODING SEQUENCE CHANGE", "NUCLEOTIDE SEQUENCE", "ALLELE SEQUENCE"}
)
PRESENT, SPARED, HARMLESS, LISTED, ELSEWHERE, OPEN = "present", "absent", "benign", "studied", "one change", "unclear"
LOOKED_AT = (SPARED, HARMLESS, LISTED)
ALTERED = (
    f"GF has a record of {', '.join(sorted(VARIANTS))} with {{}}GFSTRESC present and none of "
    f"{', '.join(sorted(NEGATIVE | UNCLEAR))}, GFTSTDTL none of {', '.join(sorted(ABOUT))}, no {NORMAL_COPIES} in "
    f"{COPIES}, and neither GFRESCAT nor the {' or '.join(sorted(IMPACT))} of its GFGRPID {' or '.join(sorted(BENIGN))}"
)


@dataclass(frozen=True, slots=True)
class GeneOptions:
    """Which genes a record shows to have been tested.

    `tested`: those that a record names, or every gene where there is a record of a variant or panel (`any-variant`).
    `panel`: the genes of the study's panel, tested where there is such a record. `baseline_only`: records up to the
    first dose count where there are any of the gene.
    """

    tested: Literal["named", "any-variant"] = "named"
    panel: tuple[str, ...] = ()
    baseline_only: bool = True


def read_variants(gf: pd.DataFrame | None, start: pd.Series | None = None) -> pd.DataFrame:
    """The records of GF that say whether there is a variant: USUBJID, SYMBOL, SYMBOLS, STATE and EARLY.

    STATE is `present`, `benign`, `absent`, `one change` (only that one is absent), `studied` (a panel looked at the
    gene), `unclear` or blank (a panel of which no gene is named). EARLY: up to the first dose, `start` by USUBJID.
    """
    rows = pd.DataFrame({"USUBJID": pd.Series(dtype=object)}) if gf is None else gf.reset_index(drop=True)
    code, detail = text(rows, "GFTESTCD").str.upper(), text(rows, "GFTSTDTL").str.upper()
    result = text(rows, "GFSTRESC").str.strip().str.upper()
    undone = text(rows, "GFSTAT") == "NOT DONE"
    harmless = text(rows, "GFRESCAT").str.upper().isin(BENIGN) | _classified_benign(rows, detail, result)
    normal = (detail == COPIES) & (number(rows, "GFSTRESN") == NORMAL_COPIES)
    single = detail.isin(CHANGES) | (text(rows, "GFGENLOC") != "") | (text(rows, "GFPVRID") != "")
    profile = code == PROFILE
    absent = result.isin(NEGATIVE)
    state = pd.Series(PRESENT, index=rows.index, dtype=object)
    for where, name in (
        (harmless, HARMLESS),
        (normal | absent, SPARED),
        (absent & single, ELSEWHERE),
        (result.isin(UNCLEAR) | undone, OPEN),
        (profile, ""),
        (profile & (result == STUDIED), LISTED),
        (profile & undone, OPEN),
    ):
        state = state.mask(where, name)
    symbol = text(rows, "GFSYM").str.strip().str.upper()
    day, _ = impute_dates(text(rows, "GFDTC"), "first")
    first = pd.to_datetime(rows["USUBJID"].map(start)) if start is not None else pd.Series(pd.NaT, index=rows.index)
    made = pd.DataFrame({"USUBJID": rows["USUBJID"], "SYMBOL": symbol, "STATE": state, "EARLY": ~(day > first)})
    made["SYMBOLS"] = symbol.map(lambda names: frozenset(re.split(r"[;,|/\s]+", names)) - {""})
    of_panel = profile & ((detail == "") | (detail == "DETECTION"))
    kept = (code.isin(VARIANTS) & ~detail.isin(ABOUT)) | of_panel
    return made[kept & ((result != "") | undone)].reset_index(drop=True)


def _classified_benign(rows: pd.DataFrame, detail: pd.Series, result: pd.Series) -> pd.Series:
    """Whether the records of one GFGRPID hold a classification of the variant as benign."""
    group = rows["USUBJID"].astype(str) + "\n" + text(rows, "GFGRPID")
    benign = set(group[detail.isin(IMPACT) & result.isin(BENIGN) & (text(rows, "GFGRPID") != "")])
    return group.isin(benign)


def gene_flags(rows: pd.DataFrame, symbol: str, options: GeneOptions) -> pd.Series:
    """`Y` or `N` by USUBJID of the subjects in whom the gene was tested; `rows` of `read_variants`.

    A panel that lists the gene does not make it `N` where a record of the gene is unclear, or where a variant is of one
    of several genes and nobody says of which.
    """
    mine = _of_gene(rows, symbol, options)
    named = _names(mine, symbol)
    alone = mine["SYMBOL"] == symbol.upper()
    found = alone & (mine["STATE"] == PRESENT)
    clear = named & mine["STATE"].isin((SPARED, HARMLESS))
    doubt = named & ((mine["STATE"] == OPEN) | (~alone & (mine["STATE"] == PRESENT)))
    listed = (named & (mine["STATE"] == LISTED)) | _covers(symbol, options)
    seen = pd.DataFrame({"Y": found, "N": clear, "D": doubt, "L": listed}).astype(bool).groupby(mine["USUBJID"]).any()
    spared = seen["N"] | (seen["L"] & ~seen["D"])
    flags = pd.Series(np.select([seen["Y"], spared], ["Y", "N"], ""), index=seen.index, dtype=object)
    return flags[flags != ""]


def _names(rows: pd.DataFrame, symbol: str) -> pd.Series:
    return rows["SYMBOLS"].map(lambda names: symbol.upper() in names).astype(bool)


def _covers(symbol: str, options: GeneOptions) -> bool:
    return options.tested == "any-variant" or symbol.upper() in {one.upper() for one in options.panel}


def _of_gene(rows: pd.DataFrame, symbol: str, options: GeneOptions) -> pd.DataFrame:
    """The records that say something of a gene, up to the first dose where there are any."""
    mine = rows[_names(rows, symbol) | _covers(symbol, options)]
    if not options.baseline_only or not len(mine):
        return mine
    known = mine.groupby("USUBJID")["EARLY"].transform("any").astype(bool)
    return mine[mine["EARLY"].astype(bool) | ~known]


def variant_flags(rows: pd.DataFrame) -> pd.Series:
    """By USUBJID `Y` with a variant of any gene that is not benign, else `N` where something was looked at."""
    known = rows[rows["STATE"].isin((PRESENT, ELSEWHERE, *LOOKED_AT))]
    return known["STATE"].eq(PRESENT).groupby(known["USUBJID"]).any().map({True: "Y", False: "N"})


def gene_findings(rows: pd.DataFrame, genes: tuple[str, ...], options: GeneOptions) -> pd.DataFrame:
    """Why the flags of genes are blank in a subject of whom GF has a record of a variant or a panel.

    A gene that is outside the list of a panel is not tested, and nothing is said of it.
    """
    listed = set(rows.loc[rows["STATE"].isin(LOOKED_AT) & (rows["SYMBOLS"].map(len) > 0), "USUBJID"])
    reasons: dict[tuple[str, str], list[str]] = {}
    for gene in genes:
        mine = _of_gene(rows, gene, options)
        mine = mine[_names(mine, gene)]
        states = {str(one): set(some) for one, some in mine.groupby("USUBJID")["STATE"]}
        flags = gene_flags(rows, gene, options)
        for subject in sorted(set(rows["USUBJID"]) - set(flags.index)):
            seen = states.get(subject, set())
            rule = (
                "gene.unclear" if {OPEN, PRESENT} & seen else "gene.one-change" if ELSEWHERE in seen else "gene.no-list"
            )
            if rule != "gene.no-list" or subject not in listed:
                reasons.setdefault((subject, rule), []).append(gene)
    said = {
        "gene.unclear": "a test gave no clear result of the gene, so the flag is blank",
        "gene.one-change": "only single changes or places of the gene were tested and not found, so the flag is blank",
        "gene.no-list": "the panel does not say which genes it tested, so the flag is blank "
        "(the study file may name its genes: [[biomarkers]] panel)",
    }
    made = [
        findings("GF", rule, "warning", [(subject, "", "GFSYM", " ".join(names), f"{', '.join(names)}: {said[rule]}")])
        for (subject, rule), names in reasons.items()
    ]
    return stack_findings(made)
