"""docs/outcomes.md: every outcome of the five documents, computed on simulated studies, beside the planted truth.

`python tests/converters/outcomes_table.py [FOLDER]` simulates the five studies at their full size (in FOLDER,
which keeps them) and writes the page. The tests do the same with small cohorts.
"""

from __future__ import annotations

import importlib.util
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd
from fhir2cdisc.adam.build import build_adam
from fhir2cdisc.adam.results.summary import study_results
from fhir2cdisc.adam.subject.biomarkers import gene_flag
from fhir2cdisc.converters.documents.result_format import NOT_ESTIMABLE, number, shown_with_interval
from fhir2cdisc.converters.run.pipeline import build_sdtm
from fhir2cdisc.fhir.simulation.simulate import Order, simulate
from fhir2cdisc.mappings.study import Study, builtin_studies, load_study
from fhir2cdisc.mappings.study_sections import Endpoint

HERE = Path(__file__).resolve().parent
PAGE = HERE.parents[2] / "docs" / "outcomes.md"
SEED = 1
NOT_PLANTED = "not planted"
QOL_FIRST = {"FACT-HEP V4": ("FACTHEP", "Month 3", 3.0), "PROMIS-29 PROFILE V2.1": ("PAIN", "WEEK 8", 8.0)}
GROUP_TRUTH: dict[str, Callable[[dict[str, str]], str]] = {
    "VARFL": lambda s: "Y" if s["GENES"] else "N" if s["PANEL"] else "",
    "PDL1GR1": lambda s: s["PDL1TPS"],
    "CPSGR1": lambda s: s["PDL1CPS"],
    "TMBGR1": lambda s: s["TMB"],
    "MSIFL": lambda s: s["MSI"],
}


def _truth_module() -> ModuleType:
    spec = importlib.util.spec_from_file_location("outcomes_truth", HERE / "outcomes_truth.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["outcomes_truth"] = module
    spec.loader.exec_module(module)
    return module


plain = _truth_module()


@dataclass(frozen=True)
class Line:
    """One number of an outcome: what the product gives, and the truth (None: no value; NOT_PLANTED: unknown)."""

    endpoint: str
    statistic: str
    row: dict[str, Any]
    truth: float | str | None


def make_study(study: Study, folder: Path, patients: int | None = None, seed: int = SEED) -> pd.DataFrame:
    """Simulate a study into `folder` (unless it is there), run it to ADaM and give its rows of results."""
    if not (folder / "truth").is_dir():
        simulate(Order(study, seed, patients), folder)
    sdtm = build_sdtm([folder / "fhir"], study).sdtm.frames
    made = build_adam(sdtm, study)
    return study_results(made.plan, made.specs, made.frames).table


def lines(study: Study, table: pd.DataFrame, truth: Any, look: str = "") -> Iterator[Line]:
    """The main numbers of every endpoint, in its order, with their truth."""
    found = {
        (r["RESULTID"], r["CATEGORY"], r["STATISTIC"]): r
        for r in table[table["GROUP"] == "All"].to_dict("records")
        if str(r["RESULTID"]).startswith(look)
    }
    for endpoint in study.endpoints:
        asked = list(_questions(endpoint, study, truth))
        for (name, category, statistic), value in (*asked, *_again(endpoint, study, truth, asked)):
            row = found.get((look + name, category, statistic))
            missing = {"VALUE": None, "LOWER": None, "UPPER": None, "REASON": "no result", "UNIT": "", "STATISTIC": ""}
            words = ", ".join(part for part in (name.partition(".")[2], statistic, category) if part)
            yield Line(endpoint.id, words, row or missing, value)


def _questions(one: Endpoint, study: Study, t: Any) -> Iterator[tuple[tuple[str, str, str], Any]]:
    if one.kind in ("time-to-event", "event-rate"):
        yield from _times(one, study, t)
    elif one.kind == "proportion":
        yield from _shares(one, t)
    elif one.kind == "incidence":
        yield from _events(one, t)
    elif one.kind == "pro-change":
        scale, visit, target = QOL_FIRST[one.questionnaire]
        windowed = visit.startswith("Month")
        asked = plain.months_window(3, 45) if windowed else lambda _, r: 8.0 if r["VISIT"] == visit else None
        yield (one.id, f"{scale}, {visit}", "mean, change"), t.change(scale, asked, target, windowed)
    elif one.kind == "shift":
        changes = t.ecog("CYCLE 2 DAY 1")
        for word, met in (("improved", lambda c: c < 0), ("same", lambda c: c == 0), ("worse", lambda c: c > 0)):
            share = 100 * sum(map(met, changes)) / len(changes) if changes else None
            yield (one.id, f"CYCLE 2 DAY 1: {word}", "percent"), share
    elif one.kind == "distribution":
        yield from _categories(one, study, t)
    else:
        yield from _groups(one, study, t)


def _again(one: Endpoint, study: Study, t: Any, asked: list[tuple[tuple[str, str, str], Any]]) -> Iterator[Any]:
    """The main questions by iRECIST: where nobody is scanned after PD, no iUPD is followed: the answer is the same."""
    if one.kind not in ("proportion", "time-to-event", "event-rate") or one.paramcd == "OS" or one.dataset == "ADSL":
        return
    for criteria in study.response.sensitivity:
        for (name, category, statistic), value in asked:
            if name == one.id:
                known = criteria == "iRECIST" and not t.scanned_after_progression()
                yield (f"{name}.{criteria.lower()}", category, statistic), value if known else NOT_PLANTED


def _times(one: Endpoint, study: Study, t: Any) -> Iterator[tuple[tuple[str, str, str], Any]]:
    chosen = (lambda s: "APATINIB" in s["DRUGS"].split("+")) if one.subset else (lambda s: True)
    least = study.statistics.at_risk_min
    names = [(one.id, one.paramcd), *((f"{one.id}.{code.lower()}", code) for code in one.sensitivity)]
    if one.paramcd == "CDOR":
        names.append((f"{one.id}.unconfirmed", "DOR"))
    for name, code in names:
        rows = t.times(code, chosen)
        if one.kind == "time-to-event":
            yield (name, "", "median"), plain.median(rows)
        for months in one.landmarks:
            value = plain.rate(rows, months, least)
            yield (name, f"{months:g} months", "rate"), value
            if one.kind == "event-rate":
                yield (name, f"{months:g} months", "1 - rate"), None if value is None else 100 - value


def _shares(one: Endpoint, t: Any) -> Iterator[tuple[tuple[str, str, str], Any]]:
    everybody = lambda s: True  # noqa: E731
    if one.paramcd == "OVR":
        yield (one.id, "WEEK 8", "percent"), t.at_visit("WEEK 8")
    elif one.paramcd == "MTBMFL":
        flag = lambda s: s["MTBMFL"] == "Y"  # noqa: E731
        yield (one.id, "", "percent"), t.share(flag, everybody)
        yield (f"{one.id}.recommended", "", "percent"), t.share(flag, lambda s: bool(s["MTBREC"]))
    elif one.paramcd == "ACTVARFL":
        yield (one.id, "", "percent"), t.share(lambda s: bool(s["MTBREC"]), everybody)
    elif one.paramcd == "SECMTBFL":
        flag = lambda s: s["SECMTBFL"] == "Y"  # noqa: E731
        yield (one.id, "", "percent"), t.share(flag, t.after_resistance())
        yield (f"{one.id}.second-test", "", "percent"), NOT_PLANTED
        yield (f"{one.id}.enrolled", "", "percent"), t.share(flag, everybody)
    else:
        code = one.paramcd.removesuffix("30")
        yield (one.id, "", "percent"), t.share(t.responder(code))
        if code in ("CRSP", "CDCR"):
            yield (f"{one.id}.unconfirmed", "", "percent"), t.share(t.responder(code[1:]))


def _events(one: Endpoint, t: Any) -> Iterator[tuple[tuple[str, str, str], Any]]:
    tests = {"TEAE": lambda r: True, "TRAE": lambda r: r["RELATED"] == "Y", "SAE": lambda r: r["SERIOUS"] == "Y"}
    met = tests[one.paramcd]
    yield (one.id, "", "percent"), t.with_event(met)
    yield (one.id, "", "percent, grade >=3"), t.with_event(lambda r: met(r) and int(r["GRADE"]) >= 3)


def _categories(one: Endpoint, study: Study, t: Any) -> Iterator[tuple[tuple[str, str, str], Any]]:
    if one.dataset == "ADSL":
        for arm in study.arms:
            share = t.share(lambda s, a=arm.code: s["ARM"] == a and bool(s["TRTSDT"]), lambda s: True)
            yield (one.id, arm.label, "percent"), share
        return
    for name, code in ((one.id, "CBOR"), (f"{one.id}.unconfirmed", "BOR")):
        for category in ("CR", "PR", "SD", "NON-CR/NON-PD", "PD", "NE", "MISSING"):
            share = t.share(lambda s, c=category, k=code: t.responses[s["SUBJID"]][k] == c)
            yield (name, category, "percent"), share


def _groups(one: Endpoint, study: Study, t: Any) -> Iterator[tuple[tuple[str, str, str], Any]]:
    """Sizes of marker groups, response and median progression-free survival in them; genes one by one."""
    if one.kind == "subgroup":
        for gene in (gene for marker in study.biomarkers for gene in marker.genes):
            for flag, wanted in (("Y", True), ("N", False)):
                tested = lambda s, g=gene, w=wanted: (  # noqa: E731
                    g in s["PANEL"].split("+") and (g in s["GENES"].split("+")) == w
                )
                rows = t.times("PFS", tested)
                if rows:
                    yield (one.id, f"{gene_flag(gene)}: {flag}", "median"), plain.median(rows)
        return
    variables = {"VARIANT": "VARFL", "PDL1TPS": "PDL1GR1", "PDL1CPS": "CPSGR1", "TMB": "TMBGR1"}
    for at, name in enumerate(one.by):
        marker = next(m for m in study.biomarkers if m.code == name)
        variable = variables[name]
        for category, inside in _cuts(variable, marker.cutoffs):
            place = one.id if at == 0 else f"{one.id}.{variable.lower()}"
            size = t.share(inside)
            yield (place, category, "percent"), size
            if size:
                within = lambda s, met=inside: bool(s["TRTSDT"]) and met(s)  # noqa: E731
                label = f"{variable}: {category}"
                yield (f"{one.id}.response", label, "percent"), t.share(t.responder("CRSP"), within)
                yield (f"{one.id}.pfs", label, "median"), plain.median(t.times("PFS", within))


def _cuts(variable: str, cutoffs: tuple[float, ...]) -> Iterator[tuple[str, Callable[[dict[str, str]], bool]]]:
    value = GROUP_TRUTH[variable]
    if not cutoffs:
        yield "Y", lambda s: value(s) == "Y"
        return
    edges = [float("-inf"), *cutoffs, float("inf")]
    for low, high in pairwise(edges):
        name = f"<{high:g}" if low == edges[0] else f">={low:g}" if high == edges[-1] else f"{low:g}-<{high:g}"
        if variable == "TMBGR1":
            name = "L" if low == edges[0] else "H"
        yield name, lambda s, a=low, b=high: value(s) != "" and a <= float(value(s)) < b


def truth_shown(line: Line) -> str:
    if isinstance(line.truth, str):
        return line.truth
    return NOT_ESTIMABLE if line.truth is None else number(line.truth, line.row)


def section(study: Study, made: list[Line], patients: int) -> str:
    """One study as Markdown."""
    out = [f"## {study.id}", "", f"{study.title}: {patients} simulated subjects, seed {SEED}.", ""]
    out += ["| Outcome | Number | Computed (interval) | Planted | Why not estimable |", "|---|---|---|---|---|"]
    titles = {one.id: one.title for one in study.endpoints}
    for line in made:
        unit = " (months)" if line.row["UNIT"] == "months" else ""
        shown = shown_with_interval(line.row)
        said = [f"{titles[line.endpoint]} (`{line.endpoint}`)", line.statistic + unit, shown, truth_shown(line)]
        out.append("| " + " | ".join(part.replace("|", "/") for part in [*said, str(line.row["REASON"])]) + " |")
    return "\n".join(out) + "\n"


INTRODUCTION = """# Outcomes of the five documents

Every outcome that the documents of the five built-in studies name, computed on simulated data by `fhir2cdisc run`
from the FHIR resources. **The data are synthetic.** The last but one column is the truth that the simulator planted,
computed from its truth files by plain code that shares nothing with the product (`tests/converters/outcomes_truth.py`);
ECOG, which the truth files do not hold, is counted in the simulated FHIR. `not planted`: the truth files do not say.
NE: not estimable, with the reason. `unconfirmed`, `pfsema` and `irecist` are the sensitivity analyses that ship:
response without confirmation, progression-free survival in EMA style, and, in the studies whose file asks for it,
responses derived from the lesions by iRECIST. The simulated subjects are not scanned after progression, so that no iUPD
is followed and iRECIST must give what RECIST 1.1 gives. Of results by visit or score one number is shown here; all
others, every group, and the records that each number counts are in `results/` of a package.

Written by `python tests/converters/outcomes_table.py`; `tests/converters/test_outcomes.py` checks with small cohorts
that no outcome lacks a result and that every number is the planted one.
"""


def main(folder: Path | None = None) -> None:
    """Write docs/outcomes.md at full size."""
    with tempfile.TemporaryDirectory() as name:
        parts = [INTRODUCTION]
        for study_name in ("hepatobiliary-rws", *(n for n in builtin_studies() if n != "hepatobiliary-rws")):
            study = load_study(study_name)
            place = (folder or Path(name)) / study_name
            table = make_study(study, place)
            truth = plain.Truth(place, study.response.evaluator)
            made = list(lines(study, table, truth))
            parts.append(section(study, made, len(truth.subjects)))
            parts += [_look(study, table, truth, at) for at in range(len(study.interim.cases))]
        PAGE.write_text("\n".join(parts), encoding="utf-8")


def _look(study: Study, table: pd.DataFrame, truth: Any, at: int) -> str:
    """An interim look: its main numbers, or why there are none."""
    cases, prefix = study.interim.cases[at], f"int{at + 1}."
    heading = f"### Interim look at {cases} subjects\n\n"
    if not table["RESULTID"].str.startswith(prefix).any():
        return heading + "Not estimable: " + " ".join(table.loc[table["RESULTID"] == prefix[:-1], "REASON"]) + ".\n"
    main_ones = {one.id for one in study.endpoints if one.role in ("primary", "secondary")}
    made = [line for line in lines(study, table, truth.first(cases), prefix) if line.endpoint in main_ones]
    return heading + section(study, made, cases).split("\n", 4)[4]


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
