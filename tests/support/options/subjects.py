"""What the options of ADSL, ADAE and ADQS change: the value, and the result by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
from fhir2cdisc.adam.questionnaires import fact_hep, promis29
from fhir2cdisc.adam.questionnaires.adqs import AdqsOptions, derive_adqs
from fhir2cdisc.adam.questionnaires.visit_windows import VisitWindows
from fhir2cdisc.adam.response.options import ResponseOptions
from fhir2cdisc.adam.safety.adae import derive_adae
from fhir2cdisc.adam.subject.adsl import derive_adsl
from fhir2cdisc.adam.subject.biomarkers import derive_biomarkers
from fhir2cdisc.adam.subject.genes import GeneOptions, gene_flags, read_variants
from fhir2cdisc.adam.subject.tumour_board import MtbOptions, guided_therapies
from fhir2cdisc.mappings.study import Arm, Drug
from fhir2cdisc.mappings.study_sections import Biomarker
from support.options.case import Case
from support.tables import table

Run = Callable[[Any], str]
ONE = {"USUBJID": "text"}
ADSL = table("USUBJID | TRTSDT | TRTEDT\n 01 | 2024-03-01 | 2024-06-01", ONE)


def first(frame: pd.DataFrame, column: str) -> str:
    """A cell of the first record, `-` where there is no such column."""
    if column not in frame:
        return "-"
    value = frame[column].iloc[0]
    if isinstance(value, pd.Timestamp):
        return f"{value:%Y-%m-%d}"
    return f"{value:g}" if isinstance(value, float) else str(value)


FRAMES = {
    "DM": table(
        "STUDYID | USUBJID | RFICDTC | ARM | DTHFL\n S | 01 | | | \n S | 02 | 2024-02-01 | | ",
        {**ONE, "RFICDTC": "text", "ARM": "text", "DTHFL": "text"},
    ),
    "EX": table("USUBJID | EXTRT | EXSTDTC | EXSEQ\n 01 | DRUGA | 2024-03-01 | 1", ONE),
    "CM": table("USUBJID | CMTRT | CMSTDTC | CMSEQ\n 01 | Drugb 5 mg | 2024-04-01 | 1", ONE),
    "GF": table(
        "USUBJID | GFTESTCD | GFSYM | GFSTRESC | GFDTC | GFSEQ\n 01 | SNV | KRAS | p.Gly12Asp | 2024-02-01 | 1", ONE
    ),
    "SS": table("USUBJID | SSTESTCD | SSSTRESC | SSDTC | SSSEQ\n 01 | SURVSTAT | ALIVE | 2024-09-01 | 1", ONE),
    "FA": table(
        "USUBJID | FATESTCD | FASTRESC | FADTC | FASEQ | FASPID\n 01 | MTBREC | DRUGA | 2024-02-01 | 1 | R1", ONE
    ),
    "RS": table(
        """
        USUBJID | RSTESTCD | RSSTRESC | RSEVAL               | RSDTC      | RSSEQ
        01      | OVRLRESP | PD       | INVESTIGATOR         | 2024-05-01 | 1
        01      | OVRLRESP | PD       | INDEPENDENT ASSESSOR | 2024-07-01 | 2
        """,
        ONE,
    ),
}


def subject(column: str) -> Run:
    return lambda options: first(derive_adsl(FRAMES, options), column)


SUBJECT = {
    "arms": Case(subject("TRT01A"), (Arm(code="A", label="Arm A", drugs=("DRUGA",)),), "", "Arm A"),
    "drugs": Case(subject("DRUGAFL"), (Drug(name="DRUGA", flag="DRUGAFL"),), "-", "Y"),
    "biomarkers": Case(subject("KRASFL"), (Biomarker(code="VARIANT", title="Variants", genes=("KRAS",)),), "-", "Y"),
    "looks": Case(subject("INT1FL"), (1,), "-", "N"),  # 01 has no date of consent and so no rank
    "by_enrolment": Case(subject("FASFL"), False, "N", "Y"),
    "cutoff": Case(subject("LSTALVDT"), "2024-08-01", "2024-09-01", "2024-07-01"),
    "response": Case(
        subject("RESISTDT"), ResponseOptions(evaluator="INDEPENDENT ASSESSOR"), "2024-05-01", "2024-07-01"
    ),
    # DRUGB of CM has no category and no class: only the study file says that it is against cancer.
    "antineoplastic": Case(subject("NACTDT"), (Drug(name="DRUGB"),), "NaT", "2024-04-01"),
}


def event(column: str, **cells: Any) -> Run:
    """A column of the last of events; the cells of an event are lists where there are several."""
    number = max(len(value) if isinstance(value, list) else 1 for value in cells.values())
    said = {"USUBJID": "01", "AETERM": "X", "AESEQ": [float(n + 1) for n in range(number)], **cells}
    return lambda options: first(derive_adae(ADSL, pd.DataFrame(said), options=options).iloc[[-1]], column)


ADVERSE = {
    "window": Case(event("TRTEMFL", AESTDTC="2024-07-02"), 31, "", "Y"),  # 31 days after the last dose
    "initial_grade": Case(event("TRTEMFL", AESTDTC="2024-02-20", AETOXGR="3", AEBASEGR="2"), "AEBASEGR", "", "Y"),
    "group": Case(
        event("TRTEMFL", AESTDTC=["2024-02-01", "2024-03-05"], AETOXGR=["3", "2"], AEGRPID="G"), "AEGRPID", "Y", ""
    ),
    "related": Case(event("AREL", AESTDTC="2024-03-05", AEREL="perhaps"), frozenset({"PERHAPS"}), "", "RELATED"),
    "not_related": Case(event("AREL", AESTDTC="2024-03-05", AEREL="never"), frozenset({"NEVER"}), "", "NOT RELATED"),
    "missing_relation": Case(event("AREL", AESTDTC="2024-03-05", AEREL=""), "RELATED", "", "RELATED"),
    "ctcae_version": Case(event("CTCAEVER", AESTDTC="2024-03-05"), "5.0", "", "5.0"),
    "start_imputation": Case(event("ASTDT", AESTDTC="2024-05"), "", "2024-05-01", "NaT"),
    "end_imputation": Case(event("AENDT", AESTDTC="2024-04-01", AEENDTC="2024"), "D", "2024-12-31", "NaT"),
}


def form(items: dict[str, float], qscat: str, day: str = "2024-06-01") -> pd.DataFrame:
    codes = list(items)
    return pd.DataFrame(
        {
            "USUBJID": "01",
            "QSTESTCD": codes,
            "QSTEST": codes,
            "QSCAT": qscat,
            "QSSTRESN": [items[code] for code in codes],
            "QSDTC": day,
            "VISIT": "V",
            "VISITNUM": 2.0,
            "QSSEQ": [float(n + 1) for n in range(len(codes))],
        }
    )


def scored(parameter: str, qs: pd.DataFrame, column: str = "AVAL") -> Run:
    """A column of a parameter, `-` where there is none."""

    def run(options: AdqsOptions) -> str:
        made = derive_adqs(ADSL, qs, options)
        return first(made[made["PARAMCD"] == parameter], column) if parameter in set(made["PARAMCD"]) else "-"

    return run


# Seven items of physical well-being, all to be turned; four of physical function, whose positions are turned.
PHYSICAL = form({i.qstestcd: 1.0 for i in fact_hep.items() if i.subscale == "PWB"}, fact_hep.QSCAT)
FUNCTION = form({i.qstestcd: 1.0 for i in promis29.items() if i.domain == "PF"}, promis29.QSCAT)
PROFILE = form({i.qstestcd: 3.0 for i in promis29.items()}, promis29.QSCAT)
QUESTIONS = {
    "windows": Case(scored("PWB", PHYSICAL, "AVISIT"), VisitWindows(3), "V", "Month 3"),
    "items": Case(scored(PHYSICAL["QSTESTCD"][0], PHYSICAL), False, "1", "-"),
    "fact_hep_reversed": Case(scored("PWB", PHYSICAL), True, "21", "7"),
    "promis_coding": Case(scored("PF", FUNCTION), "position", "22.5", "57"),  # raw sums 4 and 20
    "experimental": Case(lambda options: "Y" if scored("PHS", PROFILE)(options) != "-" else "", False, "Y", ""),
}


def visited(column: str) -> Run:
    """Study day 93, 1 June."""
    return lambda windows: scored("PWB", PHYSICAL, column)(AdqsOptions(windows=windows))


WINDOWS = {
    "every_months": Case(visited("AVISIT"), 2, "Month 3", "Month 4", {"every_months": 3}),  # day 123, not 62
    "days": Case(visited("AWLO"), 10, "47", "82", {"every_months": 3}),
    "month": Case(visited("AWTARGET"), 28.0, "92", "85", {"every_months": 3}),  # 1 + 3 x 28
}

TISSUE = table(
    """
    USUBJID | MITESTCD | MITSTDTL                | MISTRESN | MIDTC
    01      | PDL1     | TUMOR PROPORTION SCORE  | 20       | 2024-02-01
    01      | PDL1     | TUMOR PROPORTION SCORE  | 70       | 2024-04-01
    01      | PDL1     | COMBINED POSITIVE SCORE | 35       | 2024-02-01
    """,
    ONE,
)
GENES = table(
    """
    USUBJID | GFTESTCD | GFSYM | GFSTRESC | GFSTRESN | GFDTC
    01      | TMB      |       | 10       | 10       | 2024-02-01
    01      | SNV      | KRAS  | p.X      |          | 2024-02-01
    """,
    {**ONE, "GFSTRESC": "text"},
)


def marked(column: str) -> Run:
    return lambda options: first(derive_biomarkers(ADSL, GENES, TISSUE, options), column)


MARKERS = {
    "pdl1_score": Case(marked("PDL1"), "CPS", "20", "35"),
    "pdl1_cuts": Case(marked("PDL1GR1"), (5.0,), "1-<50", ">=5"),
    "tmb_cut": Case(marked("TMBGR1"), 10.5, "H", "L"),
    "genes": Case(marked("KRASFL"), ("KRAS",), "-", "Y"),
    "baseline_only": Case(marked("PDL1"), False, "20", "70"),
    "panel": Case(marked("TP53FL"), ("TP53",), "", "N", {"genes": ("TP53",)}),
}


def flagged(symbol: str, gf: pd.DataFrame) -> Run:
    start = pd.Series({"01": pd.Timestamp("2024-03-01")})

    def run(options: GeneOptions) -> str:
        return str(gene_flags(read_variants(gf, start), symbol, options).get("01", ""))

    return run


# KRAS has a variant before the first dose; BRAF is wild type before it and has a variant after it.
VARIANTS = table(
    """
    USUBJID | GFTESTCD | GFSYM | GFSTRESC     | GFDTC
    01      | SHRTVAR  | KRAS  | p.X          | 2024-02-01
    01      | SHRTVAR  | BRAF  | NOT DETECTED | 2024-02-01
    01      | SHRTVAR  | BRAF  | p.Y          | 2024-04-01
    """,
    {**ONE, "GFSTRESC": "text"},
)
PANELS = {
    "tested": Case(flagged("TP53", VARIANTS), "any-variant", "", "N"),
    "panel": Case(flagged("TP53", VARIANTS), ("TP53",), "", "N"),
    "baseline_only": Case(flagged("BRAF", VARIANTS), False, "N", "Y"),
}


def guided(drug: str, day: str) -> Run:
    """How the therapy with X of class C from 1 March matches, `-` where it does not."""
    asked = pd.DataFrame({"USUBJID": ["01"], "RECID": "R1", "RECDT": day, "DRUG": drug, "CLASS": "C"})
    given = pd.DataFrame(
        {"USUBJID": ["01"], "TRT": "X", "ASTDT": "2024-03-01", "SRCDOM": "EX", "SRCSEQ": 1.0, "CLASS": "C"}
    )

    def run(options: MtbOptions) -> str:
        made = guided_therapies(asked, given, options)
        return first(made, "MATCHBY") if len(made) else "-"

    return run


BOARD = {
    "same_day": Case(guided("X", "2024-03-01"), True, "-", "DRUG"),
    "by_class": Case(guided("Y", "2024-02-01"), False, "CLASS", "-"),
}
