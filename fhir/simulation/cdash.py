"""A simulated study as the export of an EDC system with CDASH names: one CSV a form, from the same course as the FHIR.

The rows are written from what happens to a patient, and from no FHIR; the built-in mapping `cdash` reads them.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

from fhir2cdisc.fhir.simulation.plan import Course, Lesion, Read, iso
from fhir2cdisc.fhir.simulation.record_resources import form_visit
from fhir2cdisc.fhir.simulation.vocabulary import AE_TERMS, GENES, LABS, LATER_DRUGS, LOINC, PRIOR_DRUGS, VITALS
from fhir2cdisc.mappings.instruments import instruments
from fhir2cdisc.mappings.model import tests_by_code
from fhir2cdisc.mappings.study import Study

Rows = Iterator[tuple[str, ...]]
_NAMED = ("SITEID", "SUBJID")
# Form to its columns behind site and subject, and what writes its rows.
COLUMNS: dict[str, tuple[str, ...]] = {
    "DM": ("SEX", "BRTHDAT", "COUNTRY", "RFICDAT", "DTHDAT", "ARMCD", "ARM", "ACTARMCD", "ACTARM"),
    "MH": ("MHSPID", "MHTERM", "MHCAT", "MHDAT", "MHSTDAT", "MHONGO"),
    "DS": ("DSTERM", "DSDECOD", "DSCAT", "DSSCAT", "DSSTDAT"),
    "AE": (
        *("AESPID", "AETERM", "AEDECOD", "AEBODSYS", "AESTDAT", "AEENDAT", "AEONGO"),
        *("AETOXGR", "AESER", "AEREL", "AEACN", "AEOUT"),
    ),
    "EX": ("EXTRT", "EXDSTXT", "EXDOSU", "EXROUTE", "EXSTDAT", "EXENDAT", "EXADJ"),
    "CM": ("CMTRT", "CMDECOD", "CMCAT", "CMCLASCD", "CMSTDAT", "CMENDAT", "CMONGO"),
    "PR": ("PRTRT", "PRCAT", "VISIT", "PRSTDAT", "PRENDAT"),
    "VS": ("VSTESTCD", "VSTEST", "VSORRES", "VSORRESU", "VISIT", "VSDAT", "VSTIM"),
    "LB": (
        *("LBTESTCD", "LBTEST", "LBCAT", "LBORRES", "LBORRESU", "LBORNRLO", "LBORNRHI", "LBNRIND"),
        *("LBSPEC", "VISIT", "LBDAT", "LBTIM"),
    ),
    "QS": ("QSTESTCD", "QSTEST", "QSCAT", "QSORRES", "VISIT", "QSDAT"),
    "GF": ("GFSPID", "GFTESTCD", "GFTEST", "GFTSTDTL", "GFORRES", "GFORRESU", "GFSTRESC", "GFSYM", "GFDAT"),
    "MI": ("MITESTCD", "MITEST", "MITSTDTL", "MIORRES", "MIORRESU", "MIDAT"),
    "FA": ("FASPID", "FATESTCD", "FATEST", "FAOBJ", "FACAT", "FAORRES", "FADAT", "FAGFNO"),
    "SS": ("SSTESTCD", "SSTEST", "SSORRES", "VISIT", "SSDAT"),
    "DD": ("DDTESTCD", "DDTEST", "DDORRES", "DDDAT"),
    "TU": ("TULNKID", "TUTESTCD", "TUTEST", "TUORRES", "TULOC", "TUMETHOD", "TUEVAL", "VISIT", "TUDAT"),
    "TR": (
        *("TRLNKID", "TRTESTCD", "TRTEST", "TRORRES", "TRORRESU", "TRSTAT", "TRREASND"),
        *("TRMETHOD", "TREVAL", "VISIT", "TRDAT"),
    ),
    "RS": ("RSTESTCD", "RSTEST", "RSCAT", "RSORRES", "RSEVAL", "VISIT", "RSDAT"),
}


def _demographics(study: Study, course: Course) -> Rows:
    treated = course.first_dose is not None and course.arm
    label = next((arm.label for arm in study.arms if arm.code == course.arm), "") if treated else ""
    arm = (course.arm, label) if treated else ("", "")
    died = "" if course.death is None else iso(course.death)
    yield (course.sex.capitalize(), iso(course.birth), "CHN", iso(course.consent), died, *arm, *arm)


def _history(study: Study, course: Course) -> Rows:
    seen = iso(course.consent)
    if study.simulation.tumours:
        tumour = study.simulation.tumours[course.tumour]
        yield "1", tumour.text, "PRIMARY DIAGNOSIS", seen, course.diagnosis_text, "Y"
    for number, name in enumerate(course.comorbidities, 2):
        yield str(number), name, "MEDICAL HISTORY", seen, "", "Y"


def _disposition(study: Study, course: Course) -> Rows:
    consent = iso(course.consent)
    yield "INFORMED CONSENT OBTAINED", "INFORMED CONSENT OBTAINED", "PROTOCOL MILESTONE", "", consent
    yield "ENTERED INTO TRIAL", "ENTERED INTO TRIAL", "PROTOCOL MILESTONE", "", consent
    if course.study_end_reason:
        reason, event = course.study_end_reason, "DISPOSITION EVENT"
        yield reason, reason, event, "STUDY PARTICIPATION", iso(course.end)
    if course.treatment_end_reason and course.last_dose is not None:
        reason = course.treatment_end_reason
        yield reason, reason, "DISPOSITION EVENT", "STUDY TREATMENT", iso(course.last_dose)


def _events(study: Study, course: Course) -> Rows:
    for one in course.events:
        system = next(term.system for term in AE_TERMS if term.text == one.term)
        end = "" if one.end is None else iso(one.end)
        related = "RELATED" if one.related else "NOT RELATED"
        outcome = OUTCOMES[one.outcome]
        yield (
            *(
                str(one.number),
                one.term,
                one.term,
                system,
                one.start_text,
                end,
                "Y" if one.outcome == "ongoing" else "",
            ),
            *(str(one.grade), "Yes" if one.serious else "No", related, one.action, outcome),
        )


OUTCOMES = {
    "resolved": "RECOVERED/RESOLVED",
    "recovering": "RECOVERING/RESOLVING",
    "ongoing": "NOT RECOVERED/NOT RESOLVED",
    "resolvedWithSequelae": "RECOVERED/RESOLVED WITH SEQUELAE",
    "fatal": "FATAL",
    "unknown": "UNKNOWN",
}


def _doses(study: Study, course: Course) -> Rows:
    for one in course.doses:
        if one.status == "not-done":
            continue
        end = iso(one.start if one.end is None else one.end)
        yield one.drug, f"{one.amount:.15g}", one.unit, one.route, iso(one.start), end, one.reason


def _therapies(study: Study, course: Course) -> Rows:
    for one in course.therapies:
        if one.kind == "drug":
            kind = "PRIOR" if one.prior else "SUBSEQUENT"
            code = _class_of(study, one.name)
            start, end = one.start_text or iso(one.start), "" if one.end is None else iso(one.end)
            yield one.name.capitalize(), one.name, f"{kind} ANTICANCER THERAPY", code, start, end, "" if end else "Y"


def _class_of(study: Study, drug: str) -> str:
    """The class of a drug by its ATC code, without the substance."""
    own = next((one.codes[0].code for one in study.drugs if one.name == drug and one.codes), "")
    return (own or {**PRIOR_DRUGS, **LATER_DRUGS}.get(drug, ("", ""))[0])[:5]


def _procedures(study: Study, course: Course) -> Rows:
    for one in course.assessments:
        yield "CT", "IMAGING", one.visit, iso(one.day), iso(one.day)
    for therapy in course.therapies:
        if therapy.kind != "drug":
            start = therapy.start_text or iso(therapy.start)
            yield therapy.name, "SUBSEQUENT ANTICANCER THERAPY", "", start, start


def _vitals(study: Study, course: Course) -> Rows:
    for visit in course.visits:
        for name, value in visit.vitals.items():
            test = tests_by_code()[LOINC, VITALS[name].loinc]
            day = iso(visit.day)
            yield test.testcd, test.test, f"{value:.15g}", VITALS[name].unit, visit.name, day, "08:30:00"


def _labs(study: Study, course: Course) -> Rows:
    for visit in course.visits:
        for name, value in visit.labs.items():
            lab = LABS[name]
            test = tests_by_code()[LOINC, lab.loinc]
            flag = "LOW" if value < lab.low else "HIGH" if value > lab.high else "NORMAL"
            limits = (f"{lab.low:.15g}", f"{lab.high:.15g}", flag)
            told = (test.testcd, test.test, test.category, f"{value:.15g}", lab.unit, *limits, test.specimen)
            yield (*told, visit.name, iso(visit.day), "08:30:00")


def _forms(study: Study, course: Course) -> Rows:
    for form in course.forms:
        names = {item.testcd: item.test for item in instruments()[form.code].items}
        visit = form_visit(course, form)
        for code, value in form.answers.items():
            yield code, names[code], form.code, str(value), visit.name if visit else "", iso(form.day)


def _genes(study: Study, course: Course) -> Rows:
    if course.variant_day is None:
        return
    day = iso(course.variant_day)
    for at in course.variants:
        yield _variant(at, day)
    for number, board in enumerate(course.boards, 1):
        known = {GENES[at].symbol for at in course.variants}
        for at, gene in enumerate(GENES):
            if number > 1 and gene.symbol in board.genes and gene.symbol not in known:
                yield _variant(at, iso(board.day - 1))
    for gene in GENES:
        yield "", "VARPROF", "Variant Profile", "", "Studied", "", "STUDIED", gene.symbol, day
    if course.tmb is not None:
        yield "", "TMB", "Tumor Mutation Burden", "", f"{course.tmb:.15g}", "mut/Mb", "", "", day
    if course.msi:
        found = course.msi if course.msi == "MSI-H" else "Stable"
        yield "", "MICRISTB", "Microsatellite Instability", "", found, "", course.msi, "", day


def _variant(at: int, day: str) -> tuple[str, ...]:
    """A variant by what its protein becomes; its gene is its name, by which boards point at it."""
    gene = GENES[at]
    told = ("SHRTVAR", "Short Variation", "PREDICTED AMINO ACID CHANGE")
    return gene.symbol, *told, gene.protein, "", "", gene.symbol, day


def _microscopy(study: Study, course: Course) -> Rows:
    if study.simulation.tumours:
        histology = study.simulation.tumours[course.tumour].histology
        yield "HISTTYPC", "Histologic Type of Cancer", "", histology, "", iso(course.diagnosis)
    if course.variant_day is None:
        return
    scores = (("TUMOR PROPORTION SCORE", course.pdl1, "%"), ("COMBINED POSITIVE SCORE", course.cps, ""))
    for detail, value, unit in scores:
        if value is not None:
            yield "PDL1", "Programmed Death Ligand 1", detail, str(value), unit, iso(course.variant_day)


def _boards(study: Study, course: Course) -> Rows:
    for board in course.boards:
        told = ("MTBREC", "Tumor Board Recommendation", "MOLECULAR TUMOR BOARD", "MOLECULAR TUMOR BOARD")
        for drug in board.drugs:
            yield str(board.number), *told, drug.capitalize(), iso(board.day), ", ".join(board.genes)


def _contacts(study: Study, course: Course) -> Rows:
    test = ("LSCFADTC", "Latest Date Subject Confirmed Alive")
    for visit in course.visits:
        if visit.key.startswith("follow"):
            yield *test, iso(visit.day), visit.name, iso(visit.day)
    if course.death is None:
        yield *test, iso(course.end), "", iso(course.end)


def _death(study: Study, course: Course) -> Rows:
    if course.death is not None:
        yield "PRCDTH", "Primary Cause of Death", course.cause, iso(course.death)


def _lesions(study: Study, course: Course) -> Rows:
    for one in course.assessments:
        for read in one.reads:
            for lesion in course.lesions if one.number == 0 else read.new:
                yield _lesion(lesion.id, "TUMIDENT", "Tumor Identification", lesion, read, one.visit, iso(one.day))
            if read.merged:
                name = read.merged[0]
                lesion = next(own for own in course.lesions if own.id == name)
                yield _lesion(name, "TUMERGE", "Tumor Merged", lesion, read, one.visit, iso(one.day))


def _lesion(name: str, code: str, test: str, lesion: Lesion, read: Read, visit: str, day: str) -> tuple[str, ...]:
    return name, code, test, lesion.role, lesion.organ, "CT SCAN", read.evaluator, visit, day


def _measurements(study: Study, course: Course) -> Rows:
    for one in course.assessments:
        for read in one.reads:
            for lesion in (*course.lesions, *read.new):
                yield (lesion.id, *_measured(course, read, lesion), "CT SCAN", read.evaluator, one.visit, iso(one.day))


def _measured(course: Course, read: Read, lesion: Lesion) -> tuple[str, ...]:
    """Test, result, unit, status and reason of one lesion at one reading."""
    if lesion.role == "TARGET":
        test = ("LPERP", "Longest Perpendicular") if lesion.node else ("LDIAM", "Longest Diameter")
        size = read.sizes[lesion.id]
        if size is None:
            return *test, "", "", "NOT DONE", "NOT PERFORMED"
        shown = (f"{size / 10:.15g}", "cm") if course.centimetres else (str(size), "mm")
        return *test, *shown, "", ""
    state = "PRESENT" if lesion.role == "NEW" else read.states[lesion.id]
    told = ("", "", "NOT DONE", "NOT PERFORMED") if state is None else (state, "", "", "")
    return "TUMSTATE", "Tumor State", *told


def _responses(study: Study, course: Course) -> Rows:
    for visit in course.visits:
        if visit.ecog is not None:
            yield "ECOG101", "ECOG1-Performance Status", "ECOG", str(visit.ecog), "", visit.name, iso(visit.day)
    for one in course.assessments[1:]:
        for read in one.reads:
            calls = (
                ("TRGRESP", "Target Response", read.target),
                ("NTRGRESP", "Non-target Response", read.nontarget),
                ("NEWLIND", "New Lesion Indicator", "Y" if read.new else "N"),
                ("OVRLRESP", "Overall Response", read.overall),
            )
            for code, test, value in calls:
                if value:
                    yield code, test, "RECIST 1.1", value, read.evaluator, one.visit, iso(one.day)


FORMS: dict[str, Callable[[Study, Course], Rows]] = {
    "DM": _demographics,
    "MH": _history,
    "DS": _disposition,
    "AE": _events,
    "EX": _doses,
    "CM": _therapies,
    "PR": _procedures,
    "VS": _vitals,
    "LB": _labs,
    "QS": _forms,
    "GF": _genes,
    "MI": _microscopy,
    "FA": _boards,
    "SS": _contacts,
    "DD": _death,
    "TU": _lesions,
    "TR": _measurements,
    "RS": _responses,
}


class CdashFolder:
    """The folder of an export while it is written: a CSV for each form, in UTF-8."""

    def __init__(self, out: Path, study: Study, stack: ExitStack) -> None:
        out.mkdir(parents=True, exist_ok=True)
        self.study = study
        self.writers = {}
        for form, columns in COLUMNS.items():
            handle = stack.enter_context((out / f"{form}.csv").open("w", encoding="utf-8", newline=""))
            self.writers[form] = csv.writer(handle, lineterminator="\n")
            self.writers[form].writerow([*_NAMED, *columns])

    def write(self, course: Course) -> None:
        """The rows of one patient; the number of a subject is `SITEID-SUBJID`."""
        number = course.subjid.removeprefix(f"{course.site}-")
        for form, rows in FORMS.items():
            for row in rows(self.study, course):
                self.writers[form].writerow([course.site, number, *row])
