"""Makes the tables of this folder anew from the collected facts of the folder `shared`: `python make_facts.py SHARED`.

Only numbers and codes are taken: no wording of a questionnaire, no reason, no note, no definition. Each table says in
its first line where its figures were published. `tests/test_facts.py` checks that the tables are what this makes.
"""

from __future__ import annotations

import csv
import io
import json
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
Row = dict[str, Any]
# Cells of the published iRECIST tables that are words, as the codes that they allow.
IMMUNE = {"NON-iUPD or iUPD not growing": "iSD|iUPD", "NON-iUPD or not growing": "NON-iCR/NON-iUPD"}
CODELISTS = ("C81223", "C81224", "C81225", "C81226")


def rows(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def table(source: str, made: Iterable[Row]) -> str:
    """CSV text with its source as a comment in the first line."""
    found = list(made)
    out = io.StringIO()
    writer = csv.DictWriter(out, list(found[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(found)
    return f"# {source}\n{out.getvalue()}"


def plain(name: str, *columns: str) -> Callable[[Path], Iterable[Row]]:
    """The named columns of a table, all of them where none is named."""
    return lambda facts: [{k: r[k] for k in columns or r} for r in rows(facts / f"{name}.csv")]


def immune_timepoints(facts: Path) -> Iterable[Row]:
    for r in rows(facts / "irecist_timepoint.csv"):
        later = r["tp_with_previous_iUPD"]
        quiet, grown = ("iUPD", "iCPD") if "iCPD" in later else (later, later)
        cells = {name: IMMUNE.get(r[name], r[name]) for name in ("target", "nontarget", "new_lesion")}
        yield {**cells, "first": r["tp_no_previous_iUPD"].split(" ")[0], "later_quiet": quiet, "later_grown": grown}


def immune_best(facts: Path) -> Iterable[Row]:
    for r in rows(facts / "irecist_ibor_examples.csv"):
        points = {f"tp{i}": r[f"tp{i}"].split(" ")[0] for i in range(1, 6)}
        anything = ("any", "Any", "same", "..")
        yield {"id": r["id"], **{k: "" if v in anything else v for k, v in points.items()}, "iBOR": r["iBOR"]}


def immune_progression(facts: Path) -> Iterable[Row]:
    for r in rows(facts / "irecist_progression_date_vectors.csv"):
        place = r["index_of_progression_tp_1based"].split(" ")[0]
        yield {"id": r["id"], "sequence": r["sequence"], "progression_at": "" if place == "none" else place}


def confirmed_best(facts: Path) -> Iterable[Row]:
    for r in rows(facts / "recist11_confirmed_bor_table.csv"):
        met, not_met = r["bor_if_SD_min_duration_met"].split("|")[0], r["bor_if_not_met"].replace("see note", "PD")
        yield {"first": r["first_tp"], "later": r["subsequent_tp_ge_4wk"], "sd_long_enough": met, "sd_short": not_met}


def censoring(facts: Path) -> Iterable[Row]:
    for r in rows(facts / "pfs_censoring_vectors_fda_style.csv"):
        at_start = "Y" if r["ADT_rule"] == "start date" else "N"
        yield {"id": r["id"], "event": "Y" if r["event_or_censor"] == "E" else "N", "at_start": at_start}


def fact_hep_vectors(facts: Path) -> Iterable[Row]:
    vectors = json.loads((facts / "fact_hep_scoring.json").read_text(encoding="utf-8"))["test_vectors"]
    items = [r["facit_code"] for r in rows(facts / "fact_hep_items.csv")]
    for number, one in enumerate(vectors, 1):
        answers = {item: one["responses"].get(item) for item in items}
        scores = {f"={name}": value for name, value in one["expected"].items()}
        yield {"id": f"V{number:02}", **answers, **scores}


def promis_vectors(facts: Path) -> Iterable[Row]:
    for one in json.loads((facts / "promis29_summary.json").read_text(encoding="utf-8"))["vectors"]:
        raw = {f"{name}_RAW": value for name, value in one["raw"].items()}
        scores = {f"={name}": value for name, value in one["tscores"].items()}
        yield {**raw, "PAIN": one["pain_intensity"], **scores, "=PHS": one["PHS"], "=MHS": one["MHS"]}


def old_physical_function(facts: Path) -> Iterable[Row]:
    for r in rows(facts / "promis29_tscores_old_pf_v1.csv"):
        raw, score = r.values()
        yield {"raw": raw, "tscore": score}


def publications(facts: Path) -> Iterable[Row]:
    for r in rows(facts / "seed_related_publications.csv"):
        counts = [] if "?" in r["x_over_n"] else re.findall(r"\d+", r["x_over_n"].split("/")[0])
        for x, interval in zip(counts, r["recomputed_clopper_pearson"].split(" / "), strict=True) if counts else ():
            paper = re.match(r"[A-Z]\w+ [A-Z] \d{4}|\w+ \w+", r["paper"])
            yield {"paper": paper[0] if paper else "", "n": r["n"], "x": x, "clopper_pearson_95": interval}


def adam_terms(facts: Path) -> Iterable[Row]:
    path = facts.parent / "standards" / "adamct_2026-03-27.json"
    for one in json.loads(path.read_text(encoding="utf-8"))["codelists"]:
        for term in one["terms"] if one["conceptId"] in CODELISTS else ():
            head = {"codelist": one["conceptId"], "submission": one["submissionValue"], "name": one["name"]}
            more = {"extensible": "Y" if one["extensible"] else "N"}
            yield {**head, **more, "term": term["submissionValue"], "code": term["conceptId"]}


def adam_labels(facts: Path) -> Iterable[Row]:
    path = facts.parent / "standards" / "adamig13_variables.json"
    seen: dict[tuple[str, str], None] = {}
    for group in json.loads(path.read_text(encoding="utf-8"))["structures"].values():
        seen |= dict.fromkeys((one["name"], one["label"]) for one in group)
    return ({"variable": name, "label": label} for name, label in seen)


def r_figures(facts: Path) -> str:
    """The figures of R without their notes; JSON, since they are of many shapes."""
    found = json.loads((facts / "survival_reference_R.json").read_text(encoding="utf-8"))
    found["toy_flat_median"] = [{k: v for k, v in one.items() if k != "note"} for one in found["toy_flat_median"]]
    lines = ",\n".join(f' "{k}": {json.dumps(v)}' for k, v in found.items() if k != "software")
    return f"{{\n{lines}\n}}\n"


RECIST = "RECIST 1.1 (Eisenhauer et al, Eur J Cancer 2009;45:228-247)"
IRECIST = "iRECIST (Seymour et al, Lancet Oncol 2017;18:e143-e152)"
BY_HAND = "worked by hand"
PROMIS = "PROMIS scoring tables of HealthMeasures, 4-item forms of the PROMIS-29 Profile v2.1"
FACIT = "FACT-Hep v4 scoring of FACIT.org"
CSV_TABLES: dict[str, tuple[str, Callable[[Path], Iterable[Row]]]] = {
    "recist11_timepoint_target": (f"{RECIST}, table 1", plain("recist11_timepoint_target")),
    "recist11_timepoint_nontarget_only": (f"{RECIST}, table 2", plain("recist11_timepoint_nontarget_only")),
    "recist11_confirmed_bor": (f"{RECIST}, table 3; CR then PR: PD where SD is too short", confirmed_best),
    "recist11_target_vectors": (
        f"{RECIST}, section 4.3, {BY_HAND}",
        plain("recist11_target_vectors", "id", "expected"),
    ),
    "recist11_bor_vectors": (f"{RECIST}, sections 4.4 and 4.6, {BY_HAND}", plain("recist11_bor_vectors")),
    "mrecist_timepoint": (
        "mRECIST (Lencioni and Llovet, Semin Liver Dis 2010;30:52-60)",
        plain("mrecist_timepoint"),
    ),
    "irecist_timepoint": (f"{IRECIST}, table 2", immune_timepoints),
    "irecist_best_response": (f"{IRECIST}, table 3; blank: anything", immune_best),
    "irecist_progression": (f"{IRECIST}, {BY_HAND}; blank: no progression", immune_progression),
    "pfs_censoring": (
        "Situations of the FDA guidance on clinical trial endpoints for cancer drugs (2018), worked by hand",
        censoring,
    ),
    "fact_hep_items": (
        FACIT,
        plain("fact_hep_items", "facit_code", "cdisc_qstestcd", "subscale", "reverse_4_minus_x"),
    ),
    "fact_hep_vectors": (f"{FACIT}, {BY_HAND}; blank: not answered, or no score", fact_hep_vectors),
    "promis29_items": ("PROMIS-29 Profile v2.1", plain("promis29_items", "domain", "promis_item_id", "cdisc_qstestcd")),
    "promis29_tscores": (PROMIS, plain("promis29_tscores", "domain", "raw", "tscore", "se")),
    "promis29_tscores_old_pf": (f"{PROMIS}: older calibration of PF, not in use", old_physical_function),
    "promis29_summary_vectors": ("PROMIS Adult Profile manual 2024 (one source), worked by hand", promis_vectors),
    "proportion_intervals": (
        "R 4.2.2 binom.test, and as printed in Finn 2020, KEYNOTE-158 and KEYNOTE-028",
        plain("proportion_ci_reference", "x", "n", "clopper_pearson_95"),
    ),
    "published_proportions": ("Counts of the named publications; intervals by R 4.2.2 binom.test", publications),
    "adam_terms": ("CDISC ADaM Controlled Terminology 2026-03-27, NCI EVS: codes and submission values", adam_terms),
    "adam_labels": ("ADaMIG 1.3, section 3: names and labels of variables", adam_labels),
}


def made(shared: Path) -> dict[str, str]:
    """The text of every file of this folder by its name."""
    facts = shared / "facts"
    found = {f"{name}.csv": table(source, make(facts)) for name, (source, make) in CSV_TABLES.items()}
    return {**found, "survival_R.json": r_figures(facts)}


if __name__ == "__main__":
    for name, text in made(Path(sys.argv[1])).items():
        (HERE / name).write_text(text, encoding="utf-8")
