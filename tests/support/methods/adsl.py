"""The methods of ADSL: treatment, disposition, death, last contact and populations."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from fhir2cdisc.mappings.study import Arm, Study
from support.analysed import Analysed, Check, Compared, Row, day, earliest, first_day, latest
from support.methods import adsl_board, adsl_death, adsl_disease

WORDS: dict[str, str] = {}


def of_subject(variable: str, expected: Callable[[Analysed, str, Row], Any]) -> Check:
    """A check that goes from subject to subject; a variable that the study does not have is passed over."""

    def check(data: Analysed) -> Compared:
        for subject, row in data.adsl.items():
            if variable in row:
                yield subject, row[variable], expected(data, subject, row)

    return check


def dm(data: Analysed, subject: str) -> Row:
    return data.of("DM", subject)[0]


def from_dm(name: str) -> Callable[[Analysed, str, Row], Any]:
    return lambda data, subject, row: day(dm(data, subject)[name])


def enrolled(data: Analysed, subject: str, row: Row) -> Any:
    return earliest(day(r["DSSTDTC"]) for r in data.of("DS", subject) if r["DSDECOD"] == "ENTERED INTO TRIAL")


def first_dose(data: Analysed, subject: str, row: Row) -> Any:
    if not data.rows("EX"):
        return day(dm(data, subject)["RFXSTDTC"])
    return earliest(day(r["EXSTDTC"]) for r in data.of("EX", subject))


def last_dose(data: Analysed, subject: str, row: Row) -> Any:
    if not data.rows("EX"):
        return day(dm(data, subject)["RFXENDTC"])
    return latest(day(r[name]) for r in data.of("EX", subject) for name in ("EXSTDTC", "EXENDTC"))


def duration(data: Analysed, subject: str, row: Row) -> Any:
    return float((row["TRTEDT"] - row["TRTSDT"]).days + 1) if row["TRTSDT"] and row["TRTEDT"] else ""


def drugs(data: Analysed, subject: str) -> set[str]:
    return {r["EXTRT"].upper() for r in data.of("EX", subject)}


def fits(study: Study, arm: Arm, given: set[str]) -> bool:
    classes = {drug.drug_class for drug in study.drugs if drug.name.upper() in given}
    return (
        bool(arm.drugs or arm.any_class or arm.all_class)
        and (not arm.drugs or any(drug.upper() in given for drug in arm.drugs))
        and (not arm.any_class or bool(classes & set(arm.any_class)))
        and set(arm.all_class) <= classes
    )


def treatment(name: str) -> Callable[[Analysed, str, Row], Any]:
    def expected(data: Analysed, subject: str, row: Row) -> Any:
        said, given = dm(data, subject)[name], drugs(data, subject)
        arms = sorted(data.study.arms, key=lambda arm: (arm.precedence, arm.code))
        fitting = [arm.label for arm in arms if given and fits(data.study, arm, given)]
        return said or next(iter(fitting), "")

    return expected


def last_event(data: Analysed, subject: str, scope: str) -> Row:
    """The last disposition event of the scope, without one a record of blanks."""
    events = [
        r
        for r in data.of("DS", subject)
        if r["DSCAT"] == "DISPOSITION EVENT" and (r["DSSCAT"] or "STUDY PARTICIPATION") == scope
    ]
    return max(events, key=lambda r: (str(first_day(r["DSSTDTC"])), r["DSSEQ"]), default={"DSDECOD": "", "DSSTDTC": ""})


def ended_on(scope: str) -> Callable[[Analysed, str, Row], Any]:
    return lambda data, subject, row: day(last_event(data, subject, scope)["DSSTDTC"])


def reason(scope: str) -> Callable[[Analysed, str, Row], Any]:
    return lambda data, subject, row: last_event(data, subject, scope)["DSDECOD"].replace("COMPLETED", "")


def status(data: Analysed, subject: str, scope: str) -> str:
    term = last_event(data, subject, scope)["DSDECOD"]
    return "ONGOING" if not term else "COMPLETED" if term == "COMPLETED" else "DISCONTINUED"


def treatment_status(data: Analysed, subject: str, row: Row) -> str:
    found = status(data, subject, "STUDY TREATMENT")
    over = found == "ONGOING" and (row["DTHFL"] == "Y" or row["EOSSTT"] != "ONGOING")
    return "" if over or not (row["TRTSDT"] or data.of("EX", subject)) else found


def cause(data: Analysed, subject: str, row: Row) -> str:
    said = [r["DDSTRESC"] for r in data.of("DD", subject) if r["DDTESTCD"] == "PRCDTH"]
    return next(iter(said), "") if row["DTHFL"] == "Y" else ""


def last_contact(place: int) -> Callable[[Analysed, str, Row], Any]:
    return lambda data, subject, row: adsl_death.contact(data, subject)[place]


def of_death(place: int) -> Callable[[Analysed, str, Row], Any]:
    return lambda data, subject, row: adsl_death.death(data, subject)[place]


def yes(condition: Any) -> str:
    return "Y" if condition else "N"


def full_set(data: Analysed, subject: str, row: Row) -> str:
    if data.study.cohort.membership != "research-subject":
        return "Y"
    entered = any(r["DSDECOD"] == "ENTERED INTO TRIAL" for r in data.of("DS", subject))
    return yes(entered or dm(data, subject)["RFICDTC"])


def safety_set(data: Analysed, subject: str, row: Row) -> str:
    return yes(row["TRTSDT"] or data.of("EX", subject))


def evaluable(data: Analysed, subject: str, row: Row) -> str:
    target = any(r["TUSTRESC"] in ("TARGET", "TARGET NODAL") for r in data.of("TU", subject))
    called = [r["ADT"] for r in data.of("ADRS", subject) if r["PARAMCD"] == "OVR" and r["AVALC"] not in ("", "MISSING")]
    after = any(when and row["TRTSDT"] and when > row["TRTSDT"] for when in called)
    return yes(row["SAFFL"] == "Y" and target and after)


@cache
def ranks(data: Analysed) -> dict[str, float]:
    dated = [(row["RFICDT"] or row["ENRLDT"], subject) for subject, row in data.adsl.items()]
    return {subject: place for place, (when, subject) in enumerate(sorted(d for d in dated if d[0]), start=1)}


def rank(data: Analysed, subject: str, row: Row) -> Any:
    return float(ranks(data)[subject]) if subject in ranks(data) else ""


CHECKS: dict[str, Check] = {
    "TRT01P": of_subject("TRT01P", treatment("ARM")),
    "TRT01A": of_subject("TRT01A", treatment("ACTARM")),
    "RFSTDT": of_subject("RFSTDT", from_dm("RFSTDTC")),
    "RFICDT": of_subject("RFICDT", from_dm("RFICDTC")),
    "ENRLDT": of_subject("ENRLDT", enrolled),
    "TRTSDT": of_subject("TRTSDT", first_dose),
    "TRTEDT": of_subject("TRTEDT", last_dose),
    "TRTDURD": of_subject("TRTDURD", duration),
    "EOSDT": of_subject("EOSDT", ended_on("STUDY PARTICIPATION")),
    "DCSREAS": of_subject("DCSREAS", reason("STUDY PARTICIPATION")),
    "EOSSTT": of_subject("EOSSTT", lambda data, subject, row: status(data, subject, "STUDY PARTICIPATION")),
    "EOTDT": of_subject("EOTDT", ended_on("STUDY TREATMENT")),
    "DCTREAS": of_subject("DCTREAS", reason("STUDY TREATMENT")),
    "EOTSTT": of_subject("EOTSTT", treatment_status),
    "DTHDT": of_subject("DTHDT", of_death(0)),
    "DTHDTF": of_subject("DTHDTF", of_death(1)),
    "DTHFL": of_subject("DTHFL", adsl_death.is_dead),
    "DTHEDT": of_subject("DTHEDT", of_death(2)),
    "DTHLDT": of_subject("DTHLDT", of_death(3)),
    "DTHCAUS": of_subject("DTHCAUS", cause),
    "LSTALVDT": of_subject("LSTALVDT", last_contact(0)),
    "LALVDOM": of_subject("LALVDOM", last_contact(1)),
    "LALVVAR": of_subject("LALVVAR", last_contact(2)),
    "LALVSEQ": of_subject("LALVSEQ", last_contact(3)),
    "FASFL": of_subject("FASFL", full_set),
    "SAFFL": of_subject("SAFFL", safety_set),
    "EVALFL": of_subject("EVALFL", evaluable),
    "ENRLRANK": of_subject("ENRLRANK", rank),
    **{name: of_subject(name, expected) for name, expected in adsl_disease.EXPECTED.items()},
    **{name: of_subject(name, expected) for name, expected in adsl_board.EXPECTED.items()},
}


def received(name: str) -> Callable[[Analysed, str, Row], Any]:
    return lambda data, subject, row: yes(name.upper() in drugs(data, subject))


def in_arm(arm: Arm) -> Callable[[Analysed, str, Row], Any]:
    return lambda data, subject, row: yes(drugs(data, subject) and fits(data.study, arm, drugs(data, subject)))


def in_look(cases: int) -> Callable[[Analysed, str, Row], Any]:
    return lambda data, subject, row: yes(row["ENRLRANK"] != "" and row["ENRLRANK"] <= cases)


def of_study(study: Study) -> dict[str, Check]:
    """Checks of the variables that only this study has."""
    own: dict[str, Callable[[Analysed, str, Row], Any]] = {
        f"{arm.code[:6]}FL": in_arm(arm) for arm in study.arms if arm.any_class or arm.all_class
    }
    own |= {drug.flag: received(drug.name) for drug in study.drugs if drug.flag}
    own |= {f"INT{n}FL": in_look(cases) for n, cases in enumerate(study.interim.cases, start=1)}
    for marker in study.biomarkers:
        own |= {f"{gene[:6]}FL": adsl_disease.altered(gene) for gene in marker.genes}
    return {name: of_subject(name, expected) for name, expected in own.items()}
