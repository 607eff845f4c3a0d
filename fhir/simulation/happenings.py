"""What is recorded along the way: visits with ECOG, laboratory tests and vital signs; adverse events; forms."""

from __future__ import annotations

import math
from datetime import date
from random import Random

from fhir2cdisc.fhir.simulation.plan import AdverseEvent, Course, Form, Visit, iso
from fhir2cdisc.fhir.simulation.questionnaires import FACT, fact_answers, promis_answers
from fhir2cdisc.fhir.simulation.vocabulary import AE_TERMS, LABS, VITALS
from fhir2cdisc.mappings.study import Study
from fhir2cdisc.mappings.study_base import DAYS_PER_MONTH
from fhir2cdisc.mappings.study_sections import Questionnaire


def add_visits(rng: Random, study: Study, course: Course) -> None:
    """Screening, the first day of every cycle, every scan, end of treatment, follow-up; all within what is known."""
    screening = min(course.consent + rng.randint(0, 3), course.end)
    course.visits.append(Visit("screening", "SCREENING", screening))
    starts = sorted({(dose.cycle, dose.start) for dose in course.doses})
    course.visits += [Visit(f"cycle-{cycle}", f"CYCLE {cycle} DAY 1", day) for cycle, day in starts]
    for one in course.assessments:
        name = f"{one.visit} SCAN" if one.number == 0 else one.visit
        course.visits.append(Visit(f"scan-{one.number}", "SCREENING" if one.number == 0 else name, one.day))
    if course.treatment_end_reason and course.last_dose is not None:
        day = course.last_dose + rng.randint(1, 10)
        if day <= course.end:
            course.visits.append(Visit("end", "END OF TREATMENT", day))
        follow = range(day + 80, course.end, 90)
        course.visits += [Visit(f"follow-{n}", f"FOLLOW-UP {n}", at) for n, at in enumerate(follow, 1)]
    course.visits.sort(key=lambda visit: (visit.day, visit.key))
    _examine(rng, study, course)


def _examine(rng: Random, study: Study, course: Course) -> None:
    weight, height = rng.gauss(62, 10), round(rng.gauss(168 if course.sex == "male" else 158, 6))
    last_full = -math.inf
    score = rng.choices((0, 1, 2), (45, 48, 7))[0]
    levels = {name: rng.gauss(lab.mean, lab.spread * 0.6) for name, lab in LABS.items()}
    for visit in course.visits:
        if not visit.key.startswith(("screening", "cycle", "end")):
            continue
        frail = course.death is not None and course.death - visit.day < 60
        score = min(4, max(0, score + rng.choices((-1, 0, 1), (7, 83, 10 + 40 * frail))[0]))
        visit.ecog = score
        if visit.key != "screening" and visit.day - last_full < study.simulation.labs_every_days:
            continue
        last_full = visit.day
        visit.labs = {name: _level(rng, levels[name], name) for name in LABS}
        visit.vitals = _vitals(rng, weight, height, visit.key == "screening")
        weight -= rng.uniform(-0.3, 0.8)


def _level(rng: Random, level: float, name: str) -> float:
    lab = LABS[name]
    value = max(lab.low * 0.3, level + rng.gauss(0, lab.spread * 0.5))
    return round(value, 1 if lab.high < 30 else 0)


def _vitals(rng: Random, weight: float, height: int, first: bool) -> dict[str, float]:
    values = {name: round(rng.gauss(v.mean, v.spread), 0) for name, v in VITALS.items() if name != "TEMP"}
    values["TEMP"] = round(rng.gauss(36.6, 0.3), 1)
    values["WEIGHT"] = round(max(35.0, weight), 1)
    values["HEIGHT"] = float(height)
    if not first:
        del values["HEIGHT"]
    return values


def add_events(rng: Random, study: Study, course: Course) -> None:
    """Adverse events on treatment, some before it and some after the window; a fatal one for some deaths."""
    first, last = course.first_dose, course.last_dose
    if first is None or last is None:
        return
    months = (min(last + study.safety.window_days, course.end) - first + 1) / DAYS_PER_MONTH
    until = min(last + study.safety.window_days, course.end)
    starts = [rng.randint(first, until) for _ in range(_poisson(rng, study.simulation.ae_per_month * months))]
    if rng.random() < 0.06 and first - course.consent > 6:
        starts.append(rng.randint(course.consent, first - 5))
    late = last + study.safety.window_days + rng.randint(5, 60)
    if rng.random() < 0.04 and late < course.end:
        starts.append(late)
    for number, start in enumerate(sorted(starts), 1):
        course.events.append(_event(rng, study, course, number, start))
    if course.cause == "OTHER" and rng.random() < 0.5 and course.death is not None and course.death > first:
        course.events.append(_fatal(rng, study, course))
        course.cause = "ADVERSE EVENT"


def _event(rng: Random, study: Study, course: Course, number: int, start: int) -> AdverseEvent:
    sim, first, last = study.simulation, course.first_dose or 0, course.last_dose or 0
    grade = 3 if rng.random() < sim.grade3_rate else rng.choice((1, 1, 2))
    if grade == 3 and rng.random() < 0.06:
        grade = 4
    ended = start + rng.randint(3, 60)
    if start < first:
        ended = min(start + 3, first - 1)
    known = ended <= course.end - 1
    serious = grade == 4 or rng.random() < sim.serious_rate * (3 if grade == 3 else 0.5)
    emergent = first <= start <= last + study.safety.window_days
    action = "DOSE REDUCED" if grade == 3 and rng.random() < 0.4 else "DOSE NOT CHANGED"
    term = rng.choices(AE_TERMS, [one.weight for one in AE_TERMS])[0]
    return AdverseEvent(
        number=number,
        term=term.text,
        start=start,
        end=ended if known else None,
        start_text=_written(rng, study, start, first, last + study.safety.window_days),
        grade=grade,
        serious=serious,
        related=emergent and rng.random() < sim.related_rate,
        outcome=("resolvedWithSequelae" if rng.random() < 0.04 else "resolved") if known else "ongoing",
        action=action,
        emergent=emergent,
        drug=rng.choice(course.drugs),
    )


def _fatal(rng: Random, study: Study, course: Course) -> AdverseEvent:
    death, last = course.death or 0, course.last_dose or 0
    start = max(course.first_dose or 0, death - rng.randint(1, 9))
    return AdverseEvent(
        number=len(course.events) + 1,
        term="Pneumonitis",
        start=start,
        end=death,
        start_text=iso(start),
        grade=5,
        serious=True,
        related=False,
        outcome="fatal",
        action="DRUG WITHDRAWN",
        emergent=start <= last + study.safety.window_days,
        drug=course.drugs[0],
    )


def _written(rng: Random, study: Study, start: int, first: int, window_end: int) -> str:
    """The start as written: a month only where the whole month leaves no doubt about emergence."""
    day = date.fromordinal(start)
    month_start = start - day.day + 1
    inside = month_start > first and month_start + 31 < window_end
    return iso(start)[:7] if inside and rng.random() < study.simulation.partial_date_rate else iso(start)


def add_forms(rng: Random, study: Study, course: Course) -> None:
    """Questionnaires at screening and then every few months (a visit of its own), or at every scan."""
    anchor = course.first_dose
    for form in study.questionnaires:
        due = [(visit.name, visit.day) for visit in course.visits if visit.key == "screening"]
        if anchor is not None:
            due += _due(study, form, course, anchor)
        for name, day in due:
            if name.startswith("MONTH"):
                course.visits.append(Visit(name.replace(" ", "-").lower(), name, day))
            if rng.random() < study.simulation.form_done_rate:
                health = _health(rng, course, day)
                fill = fact_answers if form.code == FACT else promis_answers
                course.forms.append(Form(form.code, name, day, fill(rng, health, study.simulation.item_missing_rate)))


def _due(study: Study, form: Questionnaire, course: Course, anchor: int) -> list[tuple[str, int]]:
    if form.every_visit:
        return [(one.visit, one.day) for one in course.assessments if one.number and one.visit != "UNSCHEDULED"]
    step = form.every_months * study.censoring.month
    last = min(course.end, (course.last_dose or anchor) + 180)
    days = [anchor + round(n * step) for n in range(1, 1 + int((last - anchor) / step))]
    return [(f"MONTH {round(n * form.every_months)}", day) for n, day in enumerate(days, 1)]


def _health(rng: Random, course: Course, day: int) -> float:
    left = 400 if course.death is None else course.death - day
    return min(0.95, max(0.1, 0.72 - 0.35 * math.exp(-left / 90) + rng.gauss(0, 0.08)))


def _poisson(rng: Random, mean: float) -> int:
    limit, product, count = math.exp(-mean), rng.random(), 0
    while product > limit:
        product *= rng.random()
        count += 1
    return count
