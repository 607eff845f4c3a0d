"""Every method that define.xml gives for an SDTM variable is recomputed from a simulated study, from its own words.

A check takes the finished datasets and the resources they were made of and computes the variable by a few plain lines
of its own; none calls the code that it checks. A method without a check fails, and so does a check of nothing.
"""

from __future__ import annotations

import ast
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from fhir2cdisc.mappings.study import Study
from fhir2cdisc.sdtm.describe import DERIVATIONS, METHODS, describe
from support.made_study import US_CORE, Made, Row, build
from support.paths import ROOT

Compared = Iterator[tuple[str, Any, Any]]
# OMB categories by the code systems of US Core, as CDISC terms.
RACES = {"2028-9": "ASIAN", "2106-3": "WHITE"}
ETHNICITIES = {"2186-5": "NOT HISPANIC OR LATINO", "2135-2": "HISPANIC OR LATINO"}
TO_STANDARD = {"cm": (Decimal(10), "mm")}
ENROLMENT = "ENTERED INTO TRIAL"
LENGTHS = ("LDIAM", "LPERP", "DIAMETER")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return build(tmp_path_factory.mktemp("methods"))


def day(dtc: str) -> date | None:
    return date.fromisoformat(dtc[:10]) if len(dtc) >= 10 else None


def number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return ""


def usubjid(made: Made) -> Compared:
    for row in made.rows("DM"):
        yield row["SUBJID"], row["USUBJID"], f"{row['STUDYID']}-{row['SUBJID']}"
    for domain, rows in made.having("SEQ"):
        for row in rows if domain != "TS" else ():
            yield domain, row["USUBJID"] in made.dm, True


def sequence_numbers(made: Made) -> Compared:
    keys = {mapping.domain: mapping.keys for mapping in made.run.mappings} | {"SE": ("STUDYID", "USUBJID", "SESTDTC")}
    for domain, _ in made.having("SEQ"):
        for subject, rows in made.of(domain).items() if domain != "TS" else ():
            yield f"{domain} {subject}", [row[f"{domain}SEQ"] for row in rows], [n + 1.0 for n in range(len(rows))]
            # A number that is missing comes last, a text first.
            order = [
                [(v == "" and k == "VISITNUM", v) for k in keys[domain] if (v := row.get(k)) is not None]
                for row in rows
            ]
            yield (
                f"{domain} {subject} in order",
                order,
                sorted(order, key=lambda one: [(m, "" if m else v) for m, v in one]),
            )


def study_days(made: Made) -> Compared:
    for part in ("ST", "EN", ""):
        for domain, rows in made.having(f"{part}DTC", f"{part}DY"):
            for row in rows:
                start, own = day(made.dm[row["USUBJID"]]["RFSTDTC"]), day(row[f"{domain}{part}DTC"])
                expected: Any = ""
                if start and own:
                    expected = float((own - start).days + (1 if own >= start else 0))
                yield f"{domain}{part}DY", row[f"{domain}{part}DY"], expected


def epochs(made: Made) -> Compared:
    for domain, frame in sorted(made.run.sdtm.frames.items()):
        if "EPOCH" not in frame or domain in ("SE", "TA"):
            continue
        when = f"{domain}STDTC" if f"{domain}STDTC" in frame else f"{domain}DTC"
        for row in made.rows(domain):
            dm, own = made.dm[row["USUBJID"]], day(row[when])
            start, consent, last = day(dm["RFSTDTC"]), day(dm["RFICDTC"]), day(dm["RFXENDTC"])
            if own is None or start is None:
                expected = ""
            elif own < start:
                expected = "SCREENING" if consent and own >= consent else ""
            elif not dm["RFXSTDTC"]:
                expected = "OBSERVATION"
            else:
                expected = "FOLLOW-UP" if last and own > last else "TREATMENT"
            yield f"{domain} {row[when]}", row["EPOCH"], expected


def planned(name: str, study: Study) -> float | None:
    """The number of a planned visit of this study by the name that the encounter has."""
    words = name.upper().split()
    if words == ["SCREENING"]:
        return -1.0
    if words[0] == "CYCLE":
        return float((int(words[1]) - 1) * study.schedule.cycle_days + int(words[3]))
    if words[0] == "WEEK":
        return int(words[1]) * 7 + 1 + 0.1
    if words == ["END", "OF", "TREATMENT"]:
        return 9000.0
    return 9000.0 + int(words[1]) if words[0] == "FOLLOW-UP" else None


def visit_numbers(made: Made) -> dict[str, tuple[float, str]]:
    """Encounter id to the number and the name of its visit."""
    found = {}
    by_patient = defaultdict(list)
    for (kind, key), one in made.resources.items():
        if kind == "Encounter":
            by_patient[one["subject"]["reference"]].append((one["period"]["start"], key, one["type"][0]["text"]))
    for encounters in by_patient.values():
        last, after = 0.0, 0
        for _, key, name in sorted(encounters):
            own = planned(name, made.study)
            last, after = (last, after + 1) if own is None else (own, 0 if own != last else after)
            at = last if own is not None else round(last + after / 1000, 3)
            found[key] = (at, name.upper() if own is not None else f"UNSCHEDULED {at:.3f}")
    return found


def visits(variable: str) -> Callable[[Made], Compared]:
    def check(made: Made) -> Compared:
        numbers = visit_numbers(made)
        place = ("VISITNUM", "VISIT").index(variable)
        sv = made.run.sdtm.lineage[made.run.sdtm.lineage["DATASET"] == "SV"]
        for key, at in zip(sv["ID"], sv["SEQ"], strict=True):
            yield f"SV of encounter {key}", at, numbers[key][0]
        names = dict(numbers.values())
        for row in made.rows("SV"):
            yield f"SV {row['VISITNUM']}", row["VISIT"], names[row["VISITNUM"]]
        for domain, frame in sorted(made.run.sdtm.frames.items()):
            if variable in frame and domain not in ("SV", "TV"):
                for row in made.rows(domain):
                    reference = made.origin(domain, row).get("encounter", {}).get("reference", "")
                    expected = numbers[reference.split(":")[-1]][place] if reference else ""
                    yield f"{domain} {reference}", row[variable], expected

    return check


def planned_visits(made: Made) -> Compared:
    for row in made.rows("TV"):
        yield row["VISIT"], row["VISITNUM"], planned(row["VISIT"], made.study)


def baselines(flag: str, reference: str) -> Callable[[Made], Compared]:
    keys = ("TESTCD", "TEST", "SYM", "SPEC", "LNKID", "CAT", "EVAL", "EVALID")

    def before(own: str, limit: str) -> bool:
        if not (day(own) and day(limit)):
            return False
        timed = len(own) > 10 and len(limit) > 10
        return own < limit if timed else own[:10] <= limit[:10]

    def check(made: Made) -> Compared:
        for domain, rows in made.having(flag, "ORRES", "DTC"):
            groups = defaultdict(list)
            for row in rows:
                groups[row["USUBJID"], *(row.get(f"{domain}{key}", "") for key in keys)].append(row)
            for key, group in groups.items():
                limit = made.dm[group[0]["USUBJID"]][reference]
                usable = [r for r in group if r[f"{domain}ORRES"] != "" and before(r[f"{domain}DTC"], limit)]
                flagged = [r[f"{domain}DTC"] for r in group if r[f"{domain}{flag}"] == "Y"]
                expected = [max(r[f"{domain}DTC"] for r in usable)] if usable else []
                yield f"{domain} {key}", flagged, expected

    return check


def standard_texts(made: Made) -> Compared:
    for domain, rows in made.having("STRESC", "ORRES"):
        for row in rows:
            collected, unit = row[f"{domain}ORRES"], row.get(f"{domain}ORRESU", "")
            resource = made.origin(domain, row)
            expected = collected
            if unit in TO_STANDARD and row[f"{domain}TESTCD"] in LENGTHS:
                expected = f"{(Decimal(collected) * TO_STANDARD[unit][0]).normalize():f}"
            elif domain == "GF" and row["GFTESTCD"] == "VARPROF":
                # That a gene was looked at is no result in the source's words.
                expected = collected.upper()
            elif domain == "SS":
                expected = resource["valueDateTime"]
            elif domain in ("RS", "TU"):
                # The simulator's first dialect codes responses and roles of lesions by NCI, with the term as display.
                coded = resource.get("valueCodeableConcept", {}).get("coding", [])
                expected = coded[0]["display"] if coded else collected
            yield f"{domain} {collected} {unit}", row[f"{domain}STRESC"], expected


def standard_numbers(made: Made) -> Compared:
    for domain, rows in made.having("STRESC", "STRESN"):
        for row in rows:
            yield domain, row[f"{domain}STRESN"], number(row[f"{domain}STRESC"])


def standard_units(made: Made) -> Compared:
    for domain, rows in made.having("STRESU", "ORRESU"):
        for row in rows:
            unit = row[f"{domain}ORRESU"]
            converted = unit in TO_STANDARD and row[f"{domain}TESTCD"] in LENGTHS
            yield domain, row[f"{domain}STRESU"], TO_STANDARD[unit][1] if converted else unit


def complete(rows: list[Row], *names: str) -> list[str]:
    return [row[name] for row in rows for name in names if len(row[name]) >= 10]


def participation(made: Made, subject: str) -> str:
    ends = [
        r for r in made.of("DS")[subject] if (r["DSCAT"], r["DSSCAT"]) == ("DISPOSITION EVENT", "STUDY PARTICIPATION")
    ]
    return max(complete(ends, "DSSTDTC"), default=made.dm[subject]["DTHDTC"])


def milestone(made: Made, subject: str, name: str) -> str:
    said = [row for row in made.of("DS")[subject] if row["DSDECOD"] == name]
    return min(complete(said, "DSSTDTC"), default="")


def consent(made: Made, subject: str) -> str:
    return milestone(made, subject, "INFORMED CONSENT OBTAINED")


def first_dose(made: Made, subject: str) -> str:
    return min(complete(made.of("EX")[subject], "EXSTDTC"), default="")


def last_dose(made: Made, subject: str) -> str:
    return max(complete(made.of("EX")[subject], "EXSTDTC", "EXENDTC"), default="")


def of_dm(variable: str, expected: Callable[[Made, str], Any]) -> Callable[[Made], Compared]:
    def check(made: Made) -> Compared:
        for subject, row in made.dm.items():
            yield subject, row[variable], expected(made, subject)

    return check


def age(made: Made, subject: str) -> Any:
    dm = made.dm[subject]
    born, at = day(made.origins["DM", subject, 0].get("birthDate", "")), day(dm["RFSTDTC"] or dm["RFICDTC"])
    if not (born and at):
        return ""
    return float(at.year - born.year - ((at.month, at.day) < (born.month, born.day)))


def is_dead(made: Made, subject: str) -> str:
    patient = made.origins["DM", subject, 0]
    return "Y" if patient.get("deceasedDateTime") or patient.get("deceasedBoolean") else ""


def death_date(made: Made, subject: str) -> str:
    return made.origins["DM", subject, 0].get("deceasedDateTime", "")[:19]


def categories(made: Made, subject: str, kind: str) -> list[str]:
    patient = made.origins["DM", subject, 0]
    found = [one for one in patient["extension"] if one["url"] == f"{US_CORE}{kind}"]
    return [part["valueCoding"]["code"] for one in found for part in one["extension"]]


def race(made: Made, subject: str) -> str:
    terms = [RACES[code] for code in categories(made, subject, "race")]
    told = [row["QVAL"] for row in made.of("SUPPDM")[subject] if row["QNAM"].startswith("RACE")]
    assert told == (terms if len(terms) > 1 else [])
    return terms[0] if len(terms) == 1 else "MULTIPLE" if terms else ""


def ethnic(made: Made, subject: str) -> str:
    return ETHNICITIES[categories(made, subject, "ethnicity")[0]]


def goes_on(variable: str) -> Callable[[Made], Compared]:
    def check(made: Made) -> Compared:
        for domain in ("CM", "HO", "MH"):
            for row in made.rows(domain):
                resource, end = made.origin(domain, row), made.dm[row["USUBJID"]]["RFPENDTC"]
                status = resource.get("status") or resource["clinicalStatus"]["coding"][0]["code"]
                still = (
                    status in ("active", "in-progress", "recurrence", "relapse")
                    and not row.get(f"{domain}ENDTC")
                    and end
                )
                expected = {"ENRTPT": "ONGOING", "ENTPT": end}[variable] if still else ""
                yield f"{domain} {status}", row[f"{domain}{variable}"], expected

    return check


def reader(row: Row, domain: str) -> str:
    said = row.get(f"{domain}EVALID", "") or row.get(f"{domain}EVAL", "")
    return "" if said == "INVESTIGATOR" else said


def groups(made: Made) -> dict[tuple[str, str, Any], str]:
    """(subject, reader, visit or day) to the name of the assessment."""
    first: dict[tuple[str, str], dict[Any, str]] = defaultdict(dict)
    for row in made.rows("TR"):
        at = row["VISITNUM"] if row["VISITNUM"] != "" else row["TRDTC"][:10]
        known = first[row["USUBJID"], reader(row, "TR")]
        known[at] = min(known.get(at, row["TRDTC"]), row["TRDTC"])
    found = {}
    for (subject, who), dates in first.items():
        for place, at in enumerate(sorted(dates, key=lambda at: (dates[at], str(at))), start=1):
            found[subject, who, at] = f"{who}-A{place}" if who else f"A{place}"
    return found


def assessments(made: Made) -> Compared:
    names = groups(made)

    def key(row: Row, domain: str) -> tuple[str, str, Any]:
        return (
            row["USUBJID"],
            reader(row, domain),
            row["VISITNUM"] if row["VISITNUM"] != "" else row[f"{domain}DTC"][:10],
        )

    for row in made.rows("TR"):
        yield f"TR {row['TRDTC']}", row["TRLNKGRP"], names[key(row, "TR")]
    judged = [row for row in made.rows("RS") if row["RSTESTCD"] == "OVRLRESP"]
    keys = [key(row, "RS") for row in judged]
    for row in made.rows("RS"):
        own = key(row, "RS")
        only = row["RSTESTCD"] == "OVRLRESP" and keys.count(own) == 1
        yield f"RS {row['RSDTC']}", row["RSLNKGRP"], names.get(own, "") if only else ""


def lesion_roles(made: Made) -> Compared:
    roles: dict[tuple[str, ...], str] = {}
    for row in made.rows("TU"):
        if row["TUTESTCD"] == "TUMIDENT":
            for key in ((row["USUBJID"], row["TULNKID"], reader(row, "TU")), (row["USUBJID"], row["TULNKID"])):
                roles.setdefault(key, row["TUSTRESC"])
    for row in made.rows("TR"):
        keys = (row["USUBJID"], row["TRLNKID"], reader(row, "TR")), (row["USUBJID"], row["TRLNKID"])
        yield row["TRLNKID"], row["TRGRPID"], next((roles[key] for key in keys if key in roles), "")


def relatives(made: Made) -> Compared:
    """The aunt's resource has two conditions and comes before the brother's by its id."""
    for subject in made.dm:
        mine = [row for row in made.rows("APMH") if row["RSUBJID"] == subject]
        assert mine, "each subject has relatives"
        for row in mine:
            yield row["MHTERM"], row["APID"], f"{subject}-R{2 if row['SREL'] == 'BROTHER' else 1}"


def readers(made: Made) -> Compared:
    who: dict[str, set[str]] = defaultdict(set)
    read = []
    for domain in ("TU", "TR", "RS"):
        for row in made.rows(domain):
            if row[f"{domain}EVAL"] == "INDEPENDENT ASSESSOR":
                key = made.origin(domain, row)["performer"][0]["reference"]
                who[row["USUBJID"]].add(key)
                read.append((domain, row, key))
            else:
                yield domain, row.get(f"{domain}EVALID", ""), ""
    for domain, row, key in read:
        place = bisect_right(sorted(who[row["USUBJID"]]), key)
        yield f"{domain} {key}", row[f"{domain}EVALID"], f"RADIOLOGIST {place}"


def elements(variable: str) -> Callable[[Made], Compared]:
    starts = {"SCRN": "RFICDTC", "TRT": "RFXSTDTC", "FU": "RFXENDTC"}
    ends = {"SCRN": "RFXSTDTC", "TRT": "RFXENDTC", "FU": "RFPENDTC"}

    def check(made: Made) -> Compared:
        epoch = {row["ETCD"]: row["EPOCH"] for row in made.rows("TA")}
        for row in made.rows("SE"):
            dm = made.dm[row["USUBJID"]]
            start, end = dm[starts[row["ETCD"]]], dm[ends[row["ETCD"]]]
            later = day(end) and day(start) and day(end) < day(start)
            expected = {"EPOCH": epoch[row["ETCD"]], "SESTDTC": start, "SEENDTC": start if later else end}
            yield row["ETCD"], row[variable], expected[variable]

    return check


def parameter_numbers(made: Made) -> Compared:
    seen: dict[str, int] = defaultdict(int)
    for row in made.rows("TS"):
        seen[row["TSPARMCD"]] += 1
        yield row["TSPARMCD"], row["TSSEQ"], float(seen[row["TSPARMCD"]])


CHECKS: dict[str, Callable[[Made], Compared]] = {
    "USUBJID": usubjid,
    "--SEQ": sequence_numbers,
    **dict.fromkeys(("--DY", "--STDY", "--ENDY"), study_days),
    "EPOCH": epochs,
    "VISITNUM": visits("VISITNUM"),
    "VISIT": visits("VISIT"),
    "TV.VISITNUM": planned_visits,
    "--LOBXFL": baselines("LOBXFL", "RFXSTDTC"),
    "--BLFL": baselines("BLFL", "RFSTDTC"),
    "--STRESC": standard_texts,
    "--STRESN": standard_numbers,
    "--STRESU": standard_units,
    "RFSTDTC": of_dm("RFSTDTC", lambda made, subject: first_dose(made, subject) or milestone(made, subject, ENROLMENT)),
    "RFXSTDTC": of_dm("RFXSTDTC", first_dose),
    "RFXENDTC": of_dm("RFXENDTC", last_dose),
    "RFENDTC": of_dm("RFENDTC", lambda made, subject: last_dose(made, subject) or participation(made, subject)),
    "RFICDTC": of_dm("RFICDTC", consent),
    "RFPENDTC": of_dm("RFPENDTC", participation),
    "DMDTC": of_dm("DMDTC", consent),
    "AGE": of_dm("AGE", age),
    "AGEU": of_dm("AGEU", lambda made, subject: "YEARS" if age(made, subject) != "" else ""),
    "DTHFL": of_dm("DTHFL", is_dead),
    "DTHDTC": of_dm("DTHDTC", death_date),
    "RACE": of_dm("RACE", race),
    "ETHNIC": of_dm("ETHNIC", ethnic),
    **dict.fromkeys(("CMENRTPT", "HOENRTPT", "MHENRTPT"), goes_on("ENRTPT")),
    **dict.fromkeys(("CMENTPT", "HOENTPT", "MHENTPT"), goes_on("ENTPT")),
    **dict.fromkeys(("TRLNKGRP", "RSLNKGRP"), assessments),
    "TRGRPID": lesion_roles,
    "APMH.APID": relatives,
    "APMH.RSUBJID": relatives,
    **dict.fromkeys(("TUEVALID", "TREVALID", "RSEVALID"), readers),
    "SE.EPOCH": elements("EPOCH"),
    "SE.SESTDTC": elements("SESTDTC"),
    "SE.SEENDTC": elements("SEENDTC"),
    "TS.TSSEQ": parameter_numbers,
}


def test_every_method_has_a_check() -> None:
    assert set(CHECKS) == set(METHODS)


def test_every_derived_variable_of_the_study_has_one_of_the_methods(made: Made) -> None:
    described = describe(made.run.sdtm.frames, made.run.mappings)
    derived = {v.method for dataset in described.values() for v in dataset.variables if v.origin == "Derived"}
    assert derived == set(METHODS.values())


@pytest.mark.parametrize("variable", sorted(CHECKS))
def test_the_data_are_what_the_method_says(made: Made, variable: str) -> None:
    compared = list(CHECKS[variable](made))
    assert [one for one in compared if one[1] != one[2]] == []
    assert any(found not in ("", [], True) for _, found, _ in compared), "nothing to compare"


HELD = [
    ("a visit that is not planned", "SV", lambda row: row["VISIT"].startswith("UNSCHEDULED")),
    ("a visit after the last dose", "SV", lambda row: row["VISITNUM"] > 9000),
    ("a length in another unit", "TR", lambda row: row["TRORRESU"] == "cm"),
    ("a second reader", "TU", lambda row: row["TUEVALID"] == "RADIOLOGIST 2"),
    ("a partial date", "AE", lambda row: 0 < len(row["AESTDTC"]) < 10),
    ("a time before informed consent", "CM", lambda row: row["CMSTDY"] != "" and row["EPOCH"] == ""),
    ("a subject without exposure", "DS", lambda row: row["EPOCH"] == "OBSERVATION"),
    ("a subject of several races", "DM", lambda row: row["RACE"] == "MULTIPLE"),
    ("a medicine that goes on", "CM", lambda row: row["CMENRTPT"] == "ONGOING"),
    ("an overall response of its own", "RS", lambda row: row["RSLNKGRP"] != ""),
]


@pytest.mark.parametrize(("what", "dataset", "holds"), HELD, ids=[what for what, *_ in HELD])
def test_the_study_holds_what_the_methods_speak_of(
    made: Made, what: str, dataset: str, holds: Callable[[Row], bool]
) -> None:
    assert any(map(holds, made.rows(dataset))), what


def test_every_function_that_says_how_it_derives_is_asked() -> None:
    marked = {
        node.name
        for path in (ROOT / "sdtm").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and any("derives" in ast.dump(one) for one in node.decorator_list)
    }
    assert marked == {function.__name__ for function in DERIVATIONS}
