"""The truth of a simulated course: best responses, time-to-event endpoints, events and scores.

Plain code of the simulator's own, which shares nothing with the derivations of the product. Rules: RECIST 1.1
with confirmation; progression-free survival censored in FDA style at the last adequate assessment before new
anticancer therapy or before too long a gap; days count the first day.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fhir2cdisc.fhir.simulation.plan import Assessment, Board, Course, iso
from fhir2cdisc.fhir.simulation.questionnaires import FACT, fact_scores, promis_scores
from fhir2cdisc.fhir.simulation.vocabulary import AE_TERMS, GENES
from fhir2cdisc.mappings.study import Study

Row = dict[str, str | int | float | None]
Call = tuple[int, str]
REASONS = {
    1: "No event, ongoing",
    3: "No assessment after baseline",
    4: "Event after missed assessments",
    5: "New anticancer therapy",
    6: "Lost to follow-up or withdrawn",
}
SYSTEMS = {one.text: one.system for one in AE_TERMS}
RESPONSE = ("CR", "PR")
CONTROL = ("CR", "PR", "SD", "NON-CR/NON-PD")
EVALUABLE = ("CR", "PR", "SD", "PD", "NON-CR/NON-PD")


def calls(course: Course, evaluator: str) -> list[Call]:
    """Day and overall response of every assessment after baseline, in order."""
    found = ((one.day, one.read(evaluator)) for one in course.assessments if one.number)
    return sorted((day, read.overall) for day, read in found if read is not None)


def counted(found: Sequence[Call], new_therapy: int | None) -> list[Call]:
    """Assessments that count for best response: before new therapy, up to the first progression."""
    kept: list[Call] = []
    for day, response in found:
        if new_therapy is not None and day >= new_therapy:
            break
        kept.append((day, response))
        if response == "PD":
            break
    return kept


def best_response(
    found: Sequence[Call],
    start: int,
    *,
    confirm_days: int | None,
    sd_min_days: int = 42,
    max_ne: int = 1,
    accept_sd: bool = False,
) -> tuple[str, int | None]:
    """Best overall response and the day of the assessment that gives it; `confirm_days` None: unconfirmed."""
    for wanted in ("CR", "PR"):
        for at, (day, response) in enumerate(found):
            if response != wanted:
                continue
            if confirm_days is None or _confirmed(found, at, confirm_days, max_ne, accept_sd):
                return wanted, day
    stable = {"SD": ("CR", "PR", "SD"), "NON-CR/NON-PD": ("NON-CR/NON-PD",)}
    for label, words in stable.items():
        held = [day for day, response in found if response in words and day - start >= sd_min_days]
        if held:
            return label, held[0]
    progressed = [day for day, response in found if response == "PD"]
    if progressed:
        return "PD", progressed[0]
    return ("NE", found[0][0]) if found else ("MISSING", None)


def _confirmed(found: Sequence[Call], at: int, days: int, max_ne: int, accept_sd: bool) -> bool:
    first_day, first = found[at]
    good = ("CR",) if first == "CR" else ("CR", "PR")
    unclear, complete, stable = 0, first == "CR", 0
    for day, response in found[at + 1 :]:
        if response == "NE":
            unclear += 1
        elif first == "PR" and complete and response == "PR":
            return False
        elif response in good:
            complete = complete or response == "CR"
            if day - first_day >= days:
                return unclear <= max_ne
        elif accept_sd and first == "PR" and response == "SD" and not stable:
            stable = 1
        else:
            return False
    return False


def _last_adequate(found: Sequence[Call], before: int | None) -> int | None:
    days = [day for day, response in found if response in EVALUABLE and (before is None or day < before)]
    return days[-1] if days else None


def event_or_censor(course: Course, found: Sequence[Call], gap: int, *, death_counts: bool) -> tuple[int, int, str]:
    """Day, censoring code (0: event) and description, in FDA style; gaps count from start of treatment."""
    start, therapy = course.first_dose or 0, course.new_therapy
    progressed = [day for day, response in found if response == "PD"]
    events = [(progressed[0], "Disease progression")] if progressed else []
    if course.death is not None and death_counts:
        events.append((course.death, "Death"))
    event = min(events) if events else None
    if event is not None and not (therapy is not None and therapy < event[0]):
        last = _last_adequate(found, event[0])
        if event[0] - (last or start) <= gap:
            return event[0], 0, event[1]
        return last or start, 4, REASONS[4]
    last = _last_adequate(found, therapy)
    code = _why_censored(course, last)
    return last or start, code, REASONS[code]


def _why_censored(course: Course, last: int | None) -> int:
    if course.new_therapy is not None:
        return 5
    if last is None:
        return 3
    return 6 if course.study_end_reason in ("LOST TO FOLLOW-UP", "WITHDRAWAL BY SUBJECT") else 1


def plain_event(course: Course, found: Sequence[Call]) -> tuple[int, int, str]:
    """Progression or death whenever it happens (EMA style): gaps and new therapy are ignored."""
    start = course.first_dose or 0
    events = [(day, "Disease progression") for day, response in found if response == "PD"][:1]
    if course.death is not None:
        events.append((course.death, "Death"))
    if events:
        return (*min(events)[:1], 0, min(events)[1])
    last = _last_adequate(found, None)
    return last or start, 1 if last else 3, REASONS[1 if last else 3]


def time_rows(study: Study, course: Course) -> Iterator[Row]:
    """OS, and per reader PFS, PFS in EMA style, TTP, DOR of responders and CDOR of confirmed ones."""
    start = course.first_dose
    if start is None:
        return
    if course.death is not None:
        yield _row(course, "", "OS", start, course.death, 0, "Death")
    else:
        yield _row(course, "", "OS", start, course.end, 1, "Alive")
    gap = study.censoring.gap_days(study.schedule)
    for evaluator in course.evaluators:
        found = calls(course, evaluator)
        pfs = event_or_censor(course, found, gap, death_counts=True)
        yield _row(course, evaluator, "PFS", start, *pfs)
        yield _row(course, evaluator, "PFSEMA", start, *plain_event(course, found))
        yield _row(course, evaluator, "TTP", start, *event_or_censor(course, found, gap, death_counts=False))
        for name, days in (("CDOR", study.response.confirm_days), ("DOR", None)):
            best, day = responses(study, course, evaluator, days)
            if best in ("CR", "PR"):
                first = _first_response(study, course, evaluator, days) or day or start
                yield _row(course, evaluator, name, first, *pfs)


def responses(
    study: Study, course: Course, evaluator: str, days: int | None, close: int | None = None
) -> tuple[str, int | None]:
    """Best overall response of one reader up to day `close`, confirmed after `days` or unconfirmed (None)."""
    options = study.response
    found = counted(calls(course, evaluator), course.new_therapy)
    return best_response(
        [one for one in found if close is None or one[0] <= close],
        course.first_dose or 0,
        confirm_days=days,
        sd_min_days=options.sd_min_days,
        max_ne=options.max_ne,
        accept_sd=options.accept_sd,
    )


def _first_response(study: Study, course: Course, evaluator: str, days: int | None) -> int | None:
    """The first CR or PR of a responder that is (confirmed, if `days`) a response."""
    found, options = counted(calls(course, evaluator), course.new_therapy), study.response
    for at, (day, response) in enumerate(found):
        if response in ("CR", "PR") and (
            days is None or _confirmed(found, at, days, options.max_ne, options.accept_sd)
        ):
            return day
    return None


def _row(course: Course, evaluator: str, name: str, start: int, day: int, code: int, why: str) -> Row:
    return {
        "SUBJID": course.subjid,
        "EVALUATOR": evaluator,
        "PARAMCD": name,
        "STARTDT": iso(start),
        "ADT": iso(day),
        "AVAL": day - start + 1,
        "CNSR": code,
        "EVNTDESC" if code == 0 else "CNSDTDSC": why,
    }


def subject_row(study: Study, course: Course) -> Row:
    """One row per subject: identity, dates, reasons, markers and the best responses of the main reader."""
    main = study.response.evaluator
    treated = course.first_dose is not None
    best, best_day = responses(study, course, main, None) if treated else ("", None)
    sure, sure_day = responses(study, course, main, study.response.confirm_days) if treated else ("", None)
    board = course.boards[0] if course.boards else None
    second = course.boards[1] if len(course.boards) > 1 else None
    return {
        "SUBJID": course.subjid,
        "SITEID": course.site,
        "SEX": course.sex[0].upper(),
        "BRTHDTC": iso(course.birth),
        "ARM": course.arm,
        "DRUGS": "+".join(course.drugs),
        "RFICDTC": iso(course.consent),
        "TRTSDT": _text(course.first_dose),
        "TRTEDT": _text(course.last_dose),
        "DTHDT": _text(course.death),
        "DTHCAUS": course.cause,
        "LSTALVDT": "" if course.death is not None else iso(course.end),
        "EOSREAS": course.study_end_reason,
        "EOTREAS": course.treatment_end_reason,
        "NACTDT": _text(course.new_therapy),
        "MEASURABLE": "Y" if course.measurable else "N",
        "BOR": best,
        "BORDT": _text(best_day),
        "CBOR": sure,
        "CBORDT": _text(sure_day),
        "TMB": course.tmb,
        "MSI": course.msi,
        "PDL1TPS": course.pdl1,
        "PDL1CPS": course.cps,
        "GENES": "+".join(GENES[at].symbol for at in course.variants),
        "PANEL": "" if course.variant_day is None else "+".join(gene.symbol for gene in GENES),
        "MTBDT": _text(board.day if board else None),
        "MTBREC": "+".join(board.drugs) if board else "",
        "MTBMFL": "Y" if board and _followed(course, board) else "N",
        "SECMTBDT": _text(second.day if second else None),
        "SECMTBFL": "Y" if second and _followed(course, second) else "N",
    }


def _followed(course: Course, board: Board) -> bool:
    """Whether a treatment that started after the board is one that it recommends."""
    given = [(name, course.first_dose) for name in course.drugs] if course.first_dose is not None else []
    given += [(one.name, one.start) for one in course.therapies if not one.prior]
    return any(name in board.drugs and start is not None and start > board.day for name, start in given)


def response_rows(study: Study, course: Course) -> Iterator[Row]:
    """Per reader the best overall response, unconfirmed and confirmed, and whether the subject counts.

    RSP and CRSP: response; DCR and CDCR: response, SD or NON-CR/NON-PD (no targets), within the window after the
    last dose where the study's disease control has one; SD4M: confirmed best response SD and more than 4 months
    free of progression, DC4M: disease control and the same; CBR: confirmed response or more than 6 months free.
    """
    window = next((e.after_last_dose_days for e in study.endpoints if e.after_last_dose_days is not None), None)
    close = None if window is None or course.last_dose is None else course.last_dose + window
    gap, month = study.censoring.gap_days(study.schedule), study.censoring.month
    for evaluator in course.evaluators:
        best, day = responses(study, course, evaluator, None)
        sure, sure_day = responses(study, course, evaluator, study.response.confirm_days)
        inside = [responses(study, course, evaluator, n, close)[0] for n in (None, study.response.confirm_days)]
        ended = event_or_censor(course, calls(course, evaluator), gap, death_counts=True)[0]
        free = (ended - (course.first_dose or 0) + 1) / month
        held = {
            "RSP": best in RESPONSE,
            "CRSP": sure in RESPONSE,
            "DCR": inside[0] in CONTROL,
            "CDCR": inside[1] in CONTROL,
            "SD4M": sure == "SD" and free > 4,
            "DC4M": sure in CONTROL and free > 4,
            "CBR": sure in RESPONSE or free > 6,
        }
        yield {
            "SUBJID": course.subjid,
            "EVALUATOR": evaluator,
            "BOR": best,
            "BORDT": _text(day),
            "CBOR": sure,
            "CBORDT": _text(sure_day),
            **{name: "Y" if held[name] else "N" for name in held},
        }


def timepoint_rows(course: Course) -> Iterator[Row]:
    """Sums and responses of every assessment and reader."""
    for one in course.assessments:
        for read in one.reads:
            yield {
                "SUBJID": course.subjid,
                "EVALUATOR": read.evaluator,
                "NUMBER": one.number,
                "VISIT": one.visit,
                "DATE": iso(one.day),
                "SUM_MM": read.sum_mm,
                "TRGRESP": read.target,
                "NTRGRESP": read.nontarget,
                "NEWLIND": ("Y" if read.new else "N") if one.number else "",
                "OVRLRESP": read.overall,
            }


def lesion_rows(course: Course) -> Iterator[Row]:
    """Every lesion at every assessment and reader."""
    for one in course.assessments:
        for read in one.reads:
            for lesion in (*course.lesions, *read.new):
                yield _lesion(course, one, read.evaluator, lesion.id)


def _lesion(course: Course, one: Assessment, evaluator: str, name: str) -> Row:
    read = one.read(evaluator)
    assert read is not None
    lesion = next(item for item in (*course.lesions, *read.new) if item.id == name)
    return {
        "SUBJID": course.subjid,
        "EVALUATOR": evaluator,
        "NUMBER": one.number,
        "DATE": iso(one.day),
        "LESION": name,
        "ROLE": lesion.role,
        "LOC": lesion.organ,
        "NODE": "Y" if lesion.node else "N",
        "SIZE_MM": read.sizes.get(name),
        "STATE": read.states.get(name) or ("PRESENT" if lesion.role == "NEW" else ""),
    }


def event_rows(course: Course) -> Iterator[Row]:
    """Adverse events: true days, the start as written, grade, and whether treatment-emergent."""
    for one in course.events:
        yield {
            "SUBJID": course.subjid,
            "NUMBER": one.number,
            "TERM": one.term,
            "BODYSYS": SYSTEMS[one.term],
            "START": iso(one.start),
            "START_WRITTEN": one.start_text,
            "END": _text(one.end),
            "GRADE": one.grade,
            "SERIOUS": "Y" if one.serious else "N",
            "RELATED": "Y" if one.related else "N",
            "OUTCOME": one.outcome,
            "TRTEMFL": "Y" if one.emergent else "N",
        }


def score_rows(course: Course) -> Iterator[Row]:
    """FACT-Hep scores and PROMIS-29 raw domain sums of every form."""
    for form in course.forms:
        scores = fact_scores(form.answers) if form.code == FACT else promis_scores(form.answers)
        for scale, score in scores.items():
            yield {
                "SUBJID": course.subjid,
                "QSCAT": form.code,
                "VISIT": form.visit,
                "DATE": iso(form.day),
                "SCALE": scale,
                "SCORE": None if score is None else round(score, 6),
            }


def _text(day: int | None) -> str:
    return "" if day is None else iso(day)
