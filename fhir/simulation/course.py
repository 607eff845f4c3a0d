"""Planning the course of a simulated patient: enrolment, fate, scans, treatment and its end."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from random import Random

from fhir2cdisc.fhir.simulation.happenings import add_events, add_forms, add_visits
from fhir2cdisc.fhir.simulation.molecular import add_later_therapy, add_molecular, choose_regimen
from fhir2cdisc.fhir.simulation.plan import Course, Dose, Therapy, iso, ordinal
from fhir2cdisc.fhir.simulation.tumours import Scan, draw_lesions, draw_trend, measure, second_read
from fhir2cdisc.fhir.simulation.vocabulary import COMORBIDITIES, DEFAULT_SCHEDULE, PRIOR_DRUGS, SCHEDULES
from fhir2cdisc.mappings.study import Study
from fhir2cdisc.mappings.study_base import DAYS_PER_MONTH

MONTH = DAYS_PER_MONTH
SHAPE = 1.1


@dataclass(slots=True)
class Fate:
    """What awaits a patient, as day numbers; a day beyond the data cut never becomes known."""

    progression: int
    death: int
    lost: int | None
    withdrawn: int | None
    early_therapy: int | None
    intolerance: int | None
    responder: bool
    complete: bool


def data_cut(study: Study) -> str:
    """The day of the simulated data: the study's cut, or the end of follow-up of the last subject."""
    if study.simulation.cutoff or study.cutoff:
        return study.simulation.cutoff or study.cutoff
    months = study.design.enrolment_months + study.design.follow_up_months
    return iso(ordinal(study.simulation.start) + round(months * MONTH))


def plan_subject(study: Study, seed: int, index: int, cutoff: int) -> Course | None:
    """The course of subject `index` (from 1) up to the data cut; None if consent would come after it."""
    rng = Random(f"{seed}|{study.id}|{index}")
    course = _enrol(rng, study, index)
    if course.consent > cutoff:
        return None
    treated = rng.random() >= study.simulation.never_treated_rate
    first = course.consent + rng.randint(4, 21)
    fate = _fate(rng, study, first)
    choose_regimen(rng, study, course, first, treated)
    if treated and first <= cutoff - 5:
        _follow(rng, study, course, fate, first, cutoff)
    else:
        _leave_untreated(rng, course, treated, cutoff)
    add_molecular(rng, study, course)
    add_later_therapy(rng, study, course)
    add_visits(rng, study, course)
    add_events(rng, study, course)
    add_forms(rng, study, course)
    return course


def _enrol(rng: Random, study: Study, index: int) -> Course:
    sim = study.simulation
    site = f"{rng.randint(1, study.design.sites):02d}"
    consent = ordinal(sim.start) + int(rng.random() * study.design.enrolment_months * MONTH)
    diagnosis = consent - rng.randint(60, 900)
    tumour = rng.choices(range(len(sim.tumours)), [one.share for one in sim.tumours])[0] if sim.tumours else 0
    birth = consent - int(365.25 * min(84, max(22, rng.gauss(59, 10)))) - rng.randint(0, 364)
    return Course(
        index=index,
        subjid=f"{site}-{index:04d}",
        site=site,
        sex="male" if rng.random() < 0.58 else "female",
        birth=birth,
        diagnosis=diagnosis,
        diagnosis_text=iso(diagnosis)[:7] if rng.random() < 3 * sim.partial_date_rate else iso(diagnosis),
        tumour=tumour,
        comorbidities=tuple(name for name in COMORBIDITIES if rng.random() < 0.22),
        consent=consent,
        centimetres=Random(f"{study.id}|site|{site}").random() < sim.centimetre_site_rate,
    )


# The share of responses that are found and confirmed before dropout, missed scans and early death get in the way.
CONFIRMED = 0.82


def _progression_free(rng: Random, study: Study) -> tuple[int, float]:
    """Days to progression (hidden until a scan), and the share of patients who stay free long enough to respond."""
    sim, interval = study.simulation, study.schedule.interval_days
    early = sim.primary_progression_rate
    # Progression is found about half an interval after it happens, so the hidden median lies that much earlier.
    median = max(sim.median_pfs_months * MONTH - interval / 2, interval + 7)
    scale = (median - interval) / (-math.log(0.5 / (1 - early))) ** (1 / SHAPE) if early < 0.5 else 90.0
    if rng.random() < early:
        free = rng.randint(12, interval)
    else:
        free = interval + 1 + round(rng.weibullvariate(scale, SHAPE))
    return free, (1 - early) * math.exp(-(((interval + 7) / scale) ** SHAPE))


def _fate(rng: Random, study: Study, first: int) -> Fate:
    sim, interval = study.simulation, study.schedule.interval_days
    free, reachable = _progression_free(rng, study)
    post = max(1.0, sim.median_os_months - sim.median_pfs_months) * MONTH
    death = free + 12 + round(rng.expovariate(math.log(2) / post))
    if rng.random() < 0.05:
        death = rng.randint(20, free + 15)
    chance = min(1.0, sim.response_rate / (reachable * CONFIRMED))
    responder = free > 2 * interval + 7 and rng.random() < chance
    return Fate(
        progression=first + free,
        death=first + death,
        lost=first + rng.randint(20, 500) if rng.random() < sim.lost_rate else None,
        withdrawn=first + rng.randint(10, 300) if rng.random() < sim.withdrawal_rate else None,
        early_therapy=first + rng.randint(45, 160) if rng.random() < sim.early_new_therapy_rate else None,
        intolerance=first + rng.randint(20, 240) if rng.random() < 0.07 else None,
        responder=responder,
        complete=responder and rng.random() < sim.complete_rate / max(sim.response_rate, 0.01),
    )


def _leave_untreated(rng: Random, course: Course, treated: bool, cutoff: int) -> None:
    """Enrolled but not (yet) treated."""
    course.end = min(course.consent + rng.randint(20, 120), cutoff)
    course.arm, course.drugs = "", ()
    if not treated:
        course.study_end_reason = "WITHDRAWAL BY SUBJECT" if rng.random() < 0.7 else "PHYSICIAN DECISION"


def _follow(rng: Random, study: Study, course: Course, fate: Fate, first: int, cutoff: int) -> None:
    """From first dose to the end of what is known of a treated patient."""
    _close(rng, course, fate, first, cutoff)
    sim = study.simulation
    course.first_dose = first
    if fate.early_therapy is not None and fate.early_therapy < min(fate.progression, course.end) - 1:
        course.new_therapy = fate.early_therapy
    course.lesions = draw_lesions(rng, rng.random() >= sim.no_measurable_rate, sim.node_rate)
    scans = plan_scans(rng, study, course, fate)
    progressed = next((n for n, scan in enumerate(scans, 1) if scan.progressed), 0)
    trend = draw_trend(rng, fate.responder, fate.complete, course.lesions, progressed)
    baseline = first - rng.randint(1, min(14, first - course.consent))
    course.assessments = measure(rng, course.lesions, trend, baseline, scans)
    if sim.two_readers:
        second_read(rng, course.lesions, course.assessments, sim.reader_disagreement_rate)
    seen = scans[progressed - 1].day if progressed else None
    stop, course.treatment_end_reason = _treatment_end(rng, course, fate, seen)
    course.doses = plan_doses(rng, study, course, stop)
    given = [dose for dose in course.doses if dose.status != "not-done"]
    course.last_dose = max(dose.end or dose.start for dose in given)
    _prior(rng, course)


def _close(rng: Random, course: Course, fate: Fate, first: int, cutoff: int) -> None:
    """The last day of what is known, and why it is the last."""
    ends = [(fate.death, "DEATH")]
    if fate.lost is not None:
        ends.append((fate.lost, "LOST TO FOLLOW-UP"))
    if fate.withdrawn is not None:
        ends.append((fate.withdrawn, "WITHDRAWAL BY SUBJECT"))
    day, reason = min(ends)
    if day > cutoff:
        course.end = max(first, cutoff - rng.randint(0, 25))
        return
    course.end, course.study_end_reason = day, reason
    if reason == "DEATH":
        course.death = day
        course.cause = "DISEASE PROGRESSION" if day >= fate.progression or rng.random() < 0.5 else "OTHER"


def plan_scans(rng: Random, study: Study, course: Course, fate: Fate) -> list[Scan]:
    """Scheduled scans with jitter, missed ones left out, unscheduled ones added, until progression is seen."""
    sim, plan = study.simulation, study.schedule
    first, last = course.first_dose or 0, course.end - 1
    scans: list[Scan] = []
    for number in range(1, 200):
        day = first + number * plan.interval_days + rng.randint(-plan.window_days, plan.window_days)
        if day > last:
            break
        missed = sim.missed_scan_rate + (0.2 if fate.intolerance is not None and day > fate.intolerance else 0.0)
        if course.new_therapy is not None and day >= course.new_therapy:
            missed = 0.75
        if rng.random() < missed or day == course.new_therapy:
            continue
        weeks = number * plan.interval_days // 7
        scans.append(_scan(rng, study, f"WEEK {weeks}", day, fate))
        if scans[-1].progressed:
            break
        extra = day + rng.randint(15, plan.interval_days - plan.window_days - 15)
        if rng.random() < sim.unscheduled_scan_rate and extra <= last and extra != course.new_therapy:
            scans.append(_scan(rng, study, "UNSCHEDULED", extra, fate))
            if scans[-1].progressed:
                break
    return scans


def _scan(rng: Random, study: Study, visit: str, day: int, fate: Fate) -> Scan:
    lost = rng.random() < study.simulation.not_evaluable_rate
    return Scan(visit, day, day >= fate.progression, lost and day < fate.progression)


def _treatment_end(rng: Random, course: Course, fate: Fate, seen: int | None) -> tuple[int, str]:
    """The last possible day of treatment and why it ends there ('' while it goes on at the data cut)."""
    candidates = [(course.end, "")]
    if course.study_end_reason:
        candidates = [(course.end - rng.randint(1, 15), course.study_end_reason)]
    if seen is not None:
        candidates.append((seen + rng.randint(0, 6), "PROGRESSIVE DISEASE"))
    else:
        candidates.append((fate.progression + rng.randint(70, 90), "LACK OF EFFICACY"))
    if fate.intolerance is not None:
        candidates.append((fate.intolerance, "ADVERSE EVENT"))
    if course.new_therapy is not None:
        candidates.append((course.new_therapy - rng.randint(1, 10), "PHYSICIAN DECISION"))
    day, reason = min(candidates)
    return max(day, course.first_dose or 0), reason


def cycle_starts(rng: Random, first: int, stop: int, length: int) -> list[int]:
    """The first day of every cycle up to `stop`; some cycles start a few days late."""
    starts = [first]
    while (late := starts[-1] + length + rng.choice((0, 0, 0, 0, 1, 2, 3, 7))) <= stop:
        starts.append(late)
    return starts


def plan_doses(rng: Random, study: Study, course: Course, stop: int) -> list[Dose]:
    """Cycles of every drug up to `stop`: holds, reductions, and why the last one was the last."""
    length = study.schedule.cycle_days
    starts = cycle_starts(rng, course.first_dose or 0, stop, length)
    held = {cycle for cycle in range(2, len(starts)) if rng.random() < 0.04}
    doses: list[Dose] = []
    for drug in course.drugs:
        how = SCHEDULES.get(drug, DEFAULT_SCHEDULE)
        route = "ORAL" if how.oral else "INTRAVENOUS"
        reduced_from = rng.randint(2, 6) if how.oral and rng.random() < 0.2 else 999
        for cycle, start in enumerate(starts, 1):
            end = min(start + length - 1, stop) if how.oral else None
            amount = round(how.amount * 2 / 3, 1) if cycle >= reduced_from else how.amount
            if cycle in held:
                note = "dose held for an adverse event"
                doses.append(Dose(drug, cycle, start, end, 0, how.unit, route, "not-done", "ADVERSE EVENT", note))
                continue
            note = "dose reduced" if cycle == reduced_from else ""
            doses.append(Dose(drug, cycle, start, end, amount, how.unit, route, note=note))
    return _ended(doses, course)


def _ended(doses: list[Dose], course: Course) -> list[Dose]:
    """The same doses with the reason for the end of treatment on the last one of every drug."""
    if not course.treatment_end_reason:
        return doses
    last = {dose.drug: at for at, dose in enumerate(doses) if dose.status != "not-done"}
    for at in last.values():
        doses[at] = replace(doses[at], status="stopped", reason=course.treatment_end_reason)
    return doses


def _prior(rng: Random, course: Course) -> None:
    """Treatment before the study, after diagnosis; its start may be written as a month only."""
    room = course.consent - course.diagnosis
    start = course.diagnosis + room // 4
    end = course.consent - max(15, room // 4)
    if end <= start:
        return
    for name in rng.sample(sorted(PRIOR_DRUGS), rng.randint(1, 2)):
        text = iso(start)[:7] if rng.random() < 0.3 else iso(start)
        course.therapies.append(Therapy("drug", name, start, end, prior=True, start_text=text))
