"""Biomarker groups of a subject from SDTM GF and MI: PD-L1, tumour mutation burden, MSI, gene flags.

The result has one row per subject and merges into ADSL by USUBJID. A subject without the test is `""`, never
negative: not tested and not found are different things.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
import pandas as pd
from fhir2cdisc.adam.frames.columns import number, text
from fhir2cdisc.adam.frames.dates import date, impute_dates
from fhir2cdisc.adam.frames.variables import derived, derived_number
from fhir2cdisc.adam.subject.genes import ALTERED, STUDIED, GeneOptions, gene_flags, read_variants

MSI_HIGH = frozenset({"MSI-H", "MSI-HIGH", "HIGH", "MICROSATELLITE INSTABILITY HIGH", "DMMR"})
MSI_OTHER = frozenset(
    {"MSS", "MSI-L", "MSI-LOW", "LOW", "STABLE", "MICROSATELLITE STABLE", "MICROSATELLITE INSTABILITY LOW", "PMMR"}
)
_SPELLED = {"TPS": "TUMOR PROPORTION SCORE", "CPS": "COMBINED POSITIVE SCORE"}
TMB_GROUPS = ("L", "H")
_SAMPLE = "of the samples up to TRTSDT (of all where there is none) the last, of one day the {}"
VARIABLES = (
    derived_number("PDL1", "PD-L1 Score", ""),
    derived("PDL1GR1", "PD-L1 Group 1", ""),
    derived_number("TMB", "Tumor Mutation Burden", f"GF.GFSTRESN of TMB: {_SAMPLE.format('highest')}"),
    derived("TMBGR1", "Tumor Mutation Burden Group 1", ""),
    derived(
        "MSIFL",
        "Microsatellite Instability-High Flag",
        f"Y if GF.GFSTRESC of MICRISTB is {', '.join(sorted(MSI_HIGH))}, N if {', '.join(sorted(MSI_OTHER))}: "
        f"{_SAMPLE.format('high one')}",
    ),
)


@dataclass(frozen=True, slots=True)
class BiomarkerOptions:
    """Cut-offs and genes of a study; no seed protocol names one, so the report prints them.

    `pdl1_score`: the score in MITSTDTL that PDL1GR1 is about (`TPS` in percent, or `CPS`). `pdl1_cuts`: lower
    ends of the groups above the lowest. `tmb_cut`: mutations per megabase from which TMB is high.
    `genes`: symbols with a flag (`KRAS` becomes KRASFL). `baseline_only`: use samples up to the first dose
    where a subject has any; otherwise the latest sample counts. `tested`, `panel`: which genes a record shows to have
    been tested, see `GeneOptions`.
    """

    pdl1_score: str = "TPS"
    pdl1_cuts: tuple[float, ...] = (1.0, 50.0)
    tmb_cut: float = 10.0
    genes: tuple[str, ...] = ()
    baseline_only: bool = True
    tested: Literal["named", "any-variant"] = "named"
    panel: tuple[str, ...] = ()

    @property
    def of_genes(self) -> GeneOptions:
        return GeneOptions(self.tested, self.panel, self.baseline_only)


DEFAULTS = BiomarkerOptions()


def derive_biomarkers(
    adsl: pd.DataFrame, gf: pd.DataFrame | None, mi: pd.DataFrame | None, options: BiomarkerOptions = DEFAULTS
) -> pd.DataFrame:
    """PDL1, PDL1GR1, TMB, TMBGR1, MSIFL and one flag per gene, one row for each subject of `adsl`.

    PD-L1 is MI test `PDL1` with the score named in MITSTDTL; TMB and MSI are GF tests (`TMB`, `MICRISTB`), variants
    see `genes.read_variants`. Of several samples the last up to the first dose counts, the higher value on one day.
    MSIFL and gene flags are `Y`, `N` (tested, not found) or `""`.
    """
    out = pd.DataFrame({"USUBJID": adsl["USUBJID"]})
    start = adsl.set_index("USUBJID")["TRTSDT"] if "TRTSDT" in adsl else None
    tissue = _samples(mi, "MI", start, options)
    genes = _samples(gf, "GF", start, options)
    detail = text(tissue, "MITSTDTL").str.upper()
    pdl1 = _value(tissue[(tissue["CODE"] == "PDL1") & detail.map(lambda d: _names(d, options.pdl1_score))])
    out["PDL1"] = out["USUBJID"].map(pdl1).astype(float)
    out["PDL1GR1"] = _groups(out["PDL1"], options.pdl1_cuts)
    out["TMB"] = out["USUBJID"].map(_value(genes[genes["CODE"] == "TMB"])).astype(float)
    out["TMBGR1"] = _groups(out["TMB"], (options.tmb_cut,), TMB_GROUPS)
    out["MSIFL"] = out["USUBJID"].map(_msi(genes)).fillna("").astype(object)
    variants = read_variants(gf, start)
    for symbol in options.genes:
        flags = gene_flags(variants, symbol, options.of_genes)
        out[gene_flag(symbol)] = out["USUBJID"].map(flags).fillna("").astype(object)
    return out.reset_index(drop=True)


def gene_flag(symbol: str) -> str:
    """The flag variable of a gene, at most eight characters: `KRAS` is KRASFL."""
    return re.sub(r"[^A-Z0-9]", "", symbol.upper())[:6] + "FL"


def gene_in_words(symbol: str, options: BiomarkerOptions) -> str:
    """The method of the flag of a gene."""
    covered = options.tested == "any-variant" or symbol.upper() in {one.upper() for one in options.panel}
    looked = (
        "with other records of a variant or a panel (VARPROF), which covers the gene"
        if covered
        else f"with other records that name it: not detected in it as a whole, benign, or {STUDIED} in VARPROF"
    )
    altered = ALTERED.format(f"GFSYM {symbol}, ")
    return f"Y if {altered}; N {looked}; blank otherwise; of the gene's records up to TRTSDT where there are any"


def score_in_words(score: str) -> str:
    """The method of a PD-L1 score."""
    return f"MI.MISTRESN of PDL1 with {_SPELLED[score]} in MITSTDTL: {_SAMPLE.format('highest')}"


def groups_in_words(name: str, cuts: Sequence[float], names: Sequence[str] = ()) -> str:
    """The method of the groups of a number, each cut the lowest value of its group."""
    shown = names or group_names(cuts)
    limits = [f"below {cuts[0]:g}", *(f"from {cut:g}" for cut in cuts)]
    return f"{name}: {', '.join(f'{limit} {group}' for limit, group in zip(limits, shown, strict=True))}"


def _samples(
    source: pd.DataFrame | None, domain: str, start: pd.Series | None, options: BiomarkerOptions
) -> pd.DataFrame:
    """Records with CODE, NUM, CHARVAL and day, kept to the samples that count for each subject."""
    if source is None:
        source = pd.DataFrame({"USUBJID": pd.Series(dtype=object)})
    out = source.reset_index(drop=True).copy()
    out["CODE"] = text(out, f"{domain}TESTCD").str.upper()
    out["CHARVAL"] = text(out, f"{domain}STRESC").str.strip().str.upper()
    out["NUM"] = number(out, f"{domain}STRESN")
    out["DAY"], _ = impute_dates(text(out, f"{domain}DTC"), "first")
    out = out[text(out, f"{domain}STAT") != "NOT DONE"]
    if options.baseline_only and start is not None:
        first = date(pd.DataFrame({"d": out["USUBJID"].map(start)}), "d")
        early = ~(out["DAY"] > first)
        known = early.groupby([out["USUBJID"], out["CODE"]]).transform("any") if len(out) else early
        out = out[early | ~known]
    return out


def _value(rows: pd.DataFrame) -> pd.Series:
    """The last numeric value of each subject, the higher where a day has two."""
    rows = rows[rows["NUM"].notna()].sort_values(["USUBJID", "DAY", "NUM"], na_position="first")
    return rows.drop_duplicates("USUBJID", keep="last").set_index("USUBJID")["NUM"]


def _groups(values: pd.Series, cuts: Sequence[float], names: Sequence[str] = ()) -> pd.Series:
    """`<1`, `1-<50`, `>=50` for cuts 1 and 50, or the given names; a value on a cut belongs above it."""
    names = names or group_names(cuts)
    place = np.searchsorted(np.array(cuts), values.to_numpy(float), side="right")
    shown = [names[min(p, len(names) - 1)] for p in place]
    return pd.Series(shown, index=values.index, dtype=object).where(values.notna(), "")


def group_names(cuts: Sequence[float]) -> list[str]:
    return [f"<{cuts[0]:g}", *(f"{a:g}-<{b:g}" for a, b in pairwise(cuts)), f">={cuts[-1]:g}"]


def _names(detail: str, score: str) -> bool:
    spelled = _SPELLED.get(score, score)
    return score in detail.split() or spelled in detail or detail == score


def _msi(genes: pd.DataFrame) -> pd.Series:
    rows = genes[(genes["CODE"] == "MICRISTB") & genes["CHARVAL"].isin(MSI_HIGH | MSI_OTHER)]
    rows = rows.assign(_high=rows["CHARVAL"].isin(MSI_HIGH)).sort_values(
        ["USUBJID", "DAY", "_high"], na_position="first"
    )
    last = rows.drop_duplicates("USUBJID", keep="last").set_index("USUBJID")["_high"]
    return last.map({True: "Y", False: "N"})
