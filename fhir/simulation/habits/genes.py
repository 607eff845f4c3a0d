"""Habits around genes: panels with and without a list, variants that are no short ones, genes written as wild type."""

from __future__ import annotations

from fhir2cdisc.fhir.simulation.chart import Chart, Json, quantity
from fhir2cdisc.fhir.simulation.dialects import category, concept
from fhir2cdisc.fhir.simulation.habits.planted import Planted, drop, written
from fhir2cdisc.fhir.simulation.plan import iso
from fhir2cdisc.fhir.simulation.record_resources import VARIANT, gene_part
from fhir2cdisc.fhir.simulation.vocabulary import GENES, HL7, LOINC, Gene

COPIES, CHANGE, SEQUENCE, PLACE, REF, ALT = "82155-3", "48019-4", "48013-7", "81254-5", "69547-8", "69551-0"
PARTNER = Gene("ALK", "HGNC:427", "", "")


def untested_genes(chart: Chart) -> list[Planted]:
    """The panel names the genes that it tested; some without a variant are not among them."""
    course, panel = chart.course, written(chart, "Observation", "panel")
    if panel is None or course.variant_day is None:
        return []
    found = _found(chart)
    left_out = [gene for at, gene in enumerate(GENES) if gene.symbol not in found and at % 2]
    panel["component"] = [gene_part(gene) for gene in GENES if gene not in left_out]
    names = " ".join(gene.symbol for gene in left_out)
    return [Planted(f"the panel of {iso(course.variant_day)} did not test {names}", truth=f"UNTESTED={names}")]


def variant_kinds(chart: Chart) -> list[Planted]:
    """Variants by turns: a number of copies, a fusion with its partner, alleles at a position."""
    made = []
    for turn, at in enumerate(chart.course.variants, start=chart.course.index):
        one = written(chart, "Observation", f"variant-{GENES[at].symbol}")
        if one is not None:
            what, parts = _kind(turn % 3)
            one["component"] = [gene_part(GENES[at]), *parts]
            made.append(Planted(f"{GENES[at].symbol} is {what}"))
    return made


def _kind(turn: int) -> tuple[str, list[Json]]:
    if turn == 0:
        return "a number of copies", [_part(COPIES, valueQuantity=quantity(8, "1"))]
    if turn == 1:
        fused = concept("http://www.sequenceontology.org", "SO:0001565", "gene_fusion")
        return "a fusion", [gene_part(PARTNER), _part(CHANGE, valueCodeableConcept=fused)]
    refseq = concept("http://www.ncbi.nlm.nih.gov/refseq", "NC_000007.14")
    place = {"low": {"value": 140753336}, "high": {"value": 140753336}}
    alleles = [_part(REF, valueString="A"), _part(ALT, valueString="T")]
    return "alleles", [_part(SEQUENCE, valueCodeableConcept=refseq), _part(PLACE, valueRange=place), *alleles]


def _part(code: str, **value: object) -> Json:
    return {"code": concept(LOINC, code), **value}


def wild_type(chart: Chart) -> list[Planted]:
    """No list of genes: each gene without a variant is a record of its own, in one of four spellings."""
    course, found = chart.course, _found(chart)
    if course.variant_day is None or not drop(chart, {chart.id("Observation", "panel")}):
        return []
    spellings: list[Json] = [
        {"valueCodeableConcept": concept(LOINC, "LA9634-2", "Absent")},
        {"valueCodeableConcept": {"text": chart.word("wild type", "野生型")}},
        {"interpretation": [concept(HL7 + "v3-ObservationInterpretation", "NEG", "Negative")]},
        {"valueString": chart.word("not detected", "未检出")},
    ]
    for turn, gene in enumerate(gene for gene in GENES if gene.symbol not in found):
        chart.observe(
            f"wild-{gene.symbol}",
            concept(LOINC, *VARIANT),
            course.variant_day,
            category=category("laboratory"),
            component=[gene_part(gene)],
            **spellings[turn % 4],
        )
    return [Planted("genes without a variant are written one by one")]


def no_gene_list(chart: Chart) -> list[Planted]:
    """Nobody says which genes were tested."""
    if not drop(chart, {chart.id("Observation", "panel")}):
        return []
    return [Planted("the panel names no gene", "finding: genes without a variant were tested or not")]


def _found(chart: Chart) -> set[str]:
    """Genes of which a variant is written."""
    course = chart.course
    return {GENES[at].symbol for at in course.variants} | {gene for one in course.boards for gene in one.genes}
