"""What ADSL says of markers and of the tumour board: groups by cut-offs, altered genes, actionable variants.

The result of every function has one row for each subject of ADSL and merges by USUBJID.
"""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
from fhir2cdisc.adam.frames.columns import text, yes_no
from fhir2cdisc.adam.frames.variables import derived, derived_number
from fhir2cdisc.adam.subject.biomarkers import (
    TMB_GROUPS,
    BiomarkerOptions,
    derive_biomarkers,
    gene_flag,
    gene_in_words,
    groups_in_words,
    score_in_words,
)
from fhir2cdisc.adam.subject.genes import ALTERED, gene_findings, read_variants, variant_flags
from fhir2cdisc.adam.subject.options import AdslOptions

# The ADSL variable that holds the groups of a marker of the study file.
GROUPS = {"PDL1TPS": "PDL1GR1", "PDL1CPS": "CPSGR1", "TMB": "TMBGR1", "MSI": "MSIFL", "VARIANT": "VARFL"}
# Where the study file names no cut-offs of the combined positive score.
CPS_CUTS = (1.0, 10.0)
VARIABLES = (
    derived_number("CPS", "PD-L1 Combined Positive Score", score_in_words("CPS")),
    derived("CPSGR1", "PD-L1 Combined Positive Score Group 1", ""),
    derived(
        "VARFL",
        "Genomic Variant Flag",
        f"Y if {ALTERED.format('')}; N with other records of a clear result or of a panel (VARPROF) only, else blank",
    ),
    derived(
        "ACTVARFL",
        "Actionable Variant Flag",
        "Y if RELREC links a recommendation (FASEQ of FA MTBREC) to GF, else N; blank without RELREC",
    ),
    derived("MTB2FL", "Second Board Recommendation Flag", "Y if FADTC of FA MTBREC has several values, else N"),
    derived("GDPERFL", "Ever under Guided Therapy Flag", "Y if a therapy that a recommendation guided began, else N"),
    derived(
        "OTPERFL",
        "Ever under Other Therapy Flag",
        "Y if therapies began on a day none of which a recommendation guided, else N",
    ),
)


def biomarker_options(options: AdslOptions) -> BiomarkerOptions:
    """The cut-offs and genes that the study file gives, the project's where it gives none."""
    found = BiomarkerOptions()
    for marker in options.biomarkers:
        if marker.code == "PDL1TPS" and marker.cutoffs:
            found = replace(found, pdl1_cuts=marker.cutoffs)
        if marker.code == "TMB" and marker.cutoffs:
            found = replace(found, tmb_cut=marker.cutoffs[0])
        if marker.code == "VARIANT":
            found = replace(found, genes=marker.genes, tested=marker.tested, panel=marker.panel)
    return found


def cps_cuts(options: AdslOptions) -> tuple[float, ...]:
    """Where the combined positive score divides subjects."""
    said = [marker.cutoffs for marker in options.biomarkers if marker.code == "PDL1CPS" and marker.cutoffs]
    return said[-1] if said else CPS_CUTS


def methods(options: AdslOptions) -> dict[str, str]:
    """The methods of the groups, which are by the cut-offs of the study."""
    main = biomarker_options(options)
    return {
        "PDL1": score_in_words(main.pdl1_score),
        "PDL1GR1": groups_in_words("PDL1", main.pdl1_cuts),
        "CPSGR1": groups_in_words("CPS", cps_cuts(options)),
        "TMBGR1": groups_in_words("TMB", (main.tmb_cut,), TMB_GROUPS),
    }


def gene_variables(options: AdslOptions) -> list[tuple[str, str, str]]:
    """Name, label and method of the flag of each gene that the study names."""
    main = biomarker_options(options)
    return [
        (gene_flag(gene), f"{gene_flag(gene).removesuffix('FL')} Alteration Flag", gene_in_words(gene, main))
        for gene in main.genes
    ]


def untold_genes(adsl: pd.DataFrame, gf: pd.DataFrame | None, options: AdslOptions) -> pd.DataFrame:
    """Findings: why the flags of genes are blank in a subject of whom GF has a variant or a panel."""
    main = biomarker_options(options)
    rows = read_variants(gf, adsl.set_index("USUBJID")["TRTSDT"])
    return gene_findings(rows[rows["USUBJID"].isin(adsl["USUBJID"])], main.genes, main.of_genes)


def derive_markers(
    adsl: pd.DataFrame, gf: pd.DataFrame | None, mi: pd.DataFrame | None, options: AdslOptions
) -> pd.DataFrame:
    """PDL1, TMB and MSI with their groups, gene flags, VARFL; CPS and CPSGR1 where the study asks for that score."""
    main = biomarker_options(options)
    out = derive_biomarkers(adsl, gf, mi, main)
    if any(marker.code == "PDL1CPS" for marker in options.biomarkers):
        cps = replace(main, pdl1_score="CPS", pdl1_cuts=cps_cuts(options), genes=())
        score = derive_biomarkers(adsl, None, mi, cps)
        out = out.assign(CPS=score["PDL1"], CPSGR1=score["PDL1GR1"])
    return out.assign(VARFL=_any_variant(out["USUBJID"], gf))


def _any_variant(subjects: pd.Series, gf: pd.DataFrame | None) -> pd.Series:
    """`Y` with a variant that is not benign, `N` with negative or benign variant records only, blank without any.

    A test of something else (tumour mutation burden, microsatellites) says nothing of variants.
    """
    return subjects.map(variant_flags(read_variants(gf))).fillna("").astype(object)


def derive_board(
    adsl: pd.DataFrame, fa: pd.DataFrame, relrec: pd.DataFrame | None, periods: pd.DataFrame
) -> pd.DataFrame:
    """ACTVARFL, MTB2FL, GDPERFL and OTPERFL by subject, always `Y` or `N` where known.

    ACTVARFL: a variant (GF) stands behind a recommendation (FA MTBREC), by RELREC; blank for everybody without
    RELREC. MTB2FL: recommendations on two days. GDPERFL, OTPERFL: ever under guided, under other therapy
    (`periods` of `guidance_periods`).
    """
    ids, rows = adsl["USUBJID"], fa[text(fa, "FATESTCD") == "MTBREC"]
    twice = rows.assign(_D=text(rows, "FADTC")).groupby("USUBJID")["_D"].nunique()
    kinds = periods.groupby("TRTA")["USUBJID"].agg(set).to_dict() if len(periods) else {}
    behind = _linked_to_variant(rows, relrec)
    return pd.DataFrame(
        {
            "USUBJID": ids,
            "ACTVARFL": "" if behind is None else yes_no(ids.isin(behind)),
            "MTB2FL": yes_no(ids.isin(twice.index[twice > 1])),
            "GDPERFL": yes_no(ids.isin(kinds.get("MTB-guided", set()))),
            "OTPERFL": yes_no(ids.isin(kinds.get("Other therapy", set()))),
        }
    )


def _linked_to_variant(recommended: pd.DataFrame, relrec: pd.DataFrame | None) -> set[str] | None:
    """The subjects one of whose recommendations RELREC links to a record of GF."""
    if relrec is None:
        return None
    keys = ["USUBJID", "RELID"]
    numbers = pd.to_numeric(relrec["IDVARVAL"], errors="coerce")
    linked = relrec.assign(_N=numbers)[relrec["IDVAR"] == "FASEQ"]
    mine = linked.merge(recommended[["USUBJID", "FASEQ"]], left_on=["USUBJID", "_N"], right_on=["USUBJID", "FASEQ"])
    variants = relrec[relrec["RDOMAIN"] == "GF"]
    return set(mine.merge(variants[keys], on=keys)["USUBJID"])
