"""Markers, the molecular tumour board, the choice of regimen and anticancer treatment after the study treatment."""

from __future__ import annotations

from random import Random

from fhir2cdisc.fhir.simulation.plan import Board, Course, Therapy
from fhir2cdisc.fhir.simulation.vocabulary import GENES, LATER_DRUGS
from fhir2cdisc.mappings.study import Study


def choose_regimen(rng: Random, study: Study, course: Course, first: int, treated: bool) -> None:
    """Variants first, then the board where there is one, then drugs and arm."""
    sim = study.simulation
    known = {drug.name for drug in study.drugs}
    actionable = [at for at, gene in enumerate(GENES) if gene.drug in known]
    passengers = [at for at, gene in enumerate(GENES) if not gene.drug]
    found = rng.sample(passengers, rng.randint(0, 2))
    if sim.board:
        _consult(rng, study, course, first, actionable, found)
        wanted = course.boards[0].drugs if rng.random() < sim.guided_rate else ()
        fitting = [one for one in sim.regimens if one.drugs[0] in wanted] if treated else []
        others = [one for one in sim.regimens if not one.variant_needed]
        regimen = fitting[0] if fitting else rng.choices(others, [one.share for one in others])[0]
    else:
        regimen = rng.choices(sim.regimens, [one.share for one in sim.regimens])[0]
        if regimen.variant_needed:
            found += [at for at, gene in enumerate(GENES) if gene.drug in regimen.drugs]
    course.arm, course.drugs = regimen.arm, regimen.drugs
    tested = sim.board or regimen.variant_needed or rng.random() < sim.variant_rate
    course.variants = tuple(sorted(set(found))) if tested else ()
    course.variant_day = course.consent if tested else None


def _consult(rng: Random, study: Study, course: Course, first: int, actionable: list[int], found: list[int]) -> None:
    day = first - rng.randint(1, min(5, first - course.consent - 1))
    if not actionable or rng.random() >= study.simulation.recommendation_rate:
        course.boards = [Board(1, day, (), ())]
        return
    at = rng.choice(actionable)
    found.append(at)
    course.boards = [Board(1, day, (GENES[at].drug,), (GENES[at].symbol,))]


def add_molecular(rng: Random, study: Study, course: Course) -> None:
    """TMB, MSI and PD-L1, on the day of the variant report and never after what is known of the patient."""
    marks = {one.code for one in study.biomarkers}
    course.boards = [board for board in course.boards if board.day <= course.end]
    if course.variant_day is None or course.variant_day > course.end:
        course.variants, course.variant_day = (), None
        return
    if "TMB" in marks:
        course.tmb = round(rng.lognormvariate(1.4, 0.7), 1)
    if "MSI" in marks:
        course.msi = "MSI-H" if rng.random() < 0.04 else "STABLE"
    if "PDL1TPS" in marks:
        course.pdl1 = 0 if rng.random() < 0.45 else min(100, max(1, round(rng.lognormvariate(2.2, 1.2))))
    if "PDL1CPS" in marks:
        course.cps = 0 if not course.pdl1 and rng.random() < 0.7 else min(100, (course.pdl1 or 0) + rng.randint(1, 8))


def progression_day(course: Course) -> int | None:
    """The day on which the investigator first called progression."""
    for one in course.assessments:
        if one.reads[0].overall == "PD":
            return one.day
    return None


def add_later_therapy(rng: Random, study: Study, course: Course) -> None:
    """Anticancer treatment after the study treatment: the early one of the plan, or one after progression."""
    seen = progression_day(course)
    if course.new_therapy is not None:
        course.therapies.append(_therapy(rng, course, course.new_therapy))
        return
    if seen is None or course.first_dose is None:
        return
    wanted = _second_board(rng, study, course, seen)
    start = max(seen, course.last_dose or seen, *(board.day for board in course.boards), seen) + rng.randint(5, 40)
    if start >= course.end:
        return
    if wanted and rng.random() < study.simulation.guided_rate:
        course.therapies.append(Therapy("drug", wanted, start, _until(rng, course, start)))
    elif rng.random() < study.simulation.new_therapy_rate:
        course.therapies.append(_therapy(rng, course, start))
    else:
        return
    course.new_therapy = start


def _second_board(rng: Random, study: Study, course: Course, seen: int) -> str:
    """A second test and board after progression on a targeted drug; the drug that it recommends, or ''."""
    sim = study.simulation
    if not (sim.board and course.arm == "GUIDED" and rng.random() < sim.second_board_rate):
        return ""
    day = seen + rng.randint(8, 25)
    if day >= course.end:
        return ""
    known = {drug.name for drug in study.drugs}
    rest = [gene for gene in GENES if gene.drug in known and gene.drug not in course.drugs]
    if rng.random() < 0.3 or not rest:
        course.boards.append(Board(2, day, (), ()))
        return ""
    gene = rng.choice(rest)
    course.boards.append(Board(2, day, (gene.drug,), (gene.symbol,)))
    return gene.drug


def _therapy(rng: Random, course: Course, start: int) -> Therapy:
    kind = rng.random()
    if kind < 0.12:
        return Therapy("radiotherapy", "RADIOTHERAPY", start, None)
    if kind < 0.2:
        return Therapy("surgery", "HEPATECTOMY", start, None)
    return Therapy("drug", rng.choice(sorted(set(LATER_DRUGS) - set(course.drugs))), start, _until(rng, course, start))


def _until(rng: Random, course: Course, start: int) -> int | None:
    end = start + rng.randint(20, 120)
    return end if end <= course.end else None
