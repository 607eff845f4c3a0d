"""The methods of ADRS: responses, the parameters that they decide, and the composite parameters of a study."""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import date, timedelta
from functools import cache
from typing import Any, NamedTuple

from fhir2cdisc.adam.response.options import ResponseOptions
from support import plain_response
from support.analysed import Analysed, Check, Compared, Row, days_from, last_day

WORDS: dict[str, str] = {}
IMMUNE = {"CR": "iCR", "PR": "iPR", "SD": "iSD", "NON-CR/NON-PD": "NON-iCR/NON-iUPD", "PD": "iCPD"}
PLAIN = {immune: call for call, immune in IMMUNE.items()}
NUMBER = {"CR": 1, "PR": 2, "SD": 3, "NON-CR/NON-PD": 4, "PD": 5, "NE": 6, "MISSING": 7, "iUPD": 8, "NED": 9}
NUMBER |= {"Y": 1, "N": 0}
LETTER = {"RECIST 1.1": "", "iRECIST": "I", "mRECIST": "M"}


class Decided(NamedTuple):
    """What a parameter should say of a subject: AVALC, its day, and the record behind it."""

    avalc: str
    when: Any = ""
    source: Any = ""
    visit: Any = ""
    number: Any = ""
    imputed: str = ""


def reader(options: ResponseOptions) -> str:
    return options.evaluator_id if options.evaluator == "ALGORITHM" else options.evaluator


def is_derived(options: ResponseOptions) -> bool:
    return options.evaluator == "ALGORITHM"


def collected(data: Analysed, options: ResponseOptions, subject: str) -> list[Row]:
    """The overall responses of the evaluator by RSSEQ."""
    rows = [
        r
        for r in data.of("RS", subject)
        if r["RSTESTCD"] == "OVRLRESP"
        and r["RSEVAL"] in (options.evaluator, "")
        and r["RSCAT"] in ("", options.criteria)
    ]
    return sorted(rows, key=lambda r: r["RSSEQ"])


def responses(data: Analysed, options: ResponseOptions, subject: str) -> list[Row]:
    """The records of OVR: of collected responses made from RS, of derived ones (tests/adam/tumour) as they are.

    Who has no collected response has derived ones.
    """
    code = LETTER[options.criteria] + "OVR"
    own = collected(data, options, subject)
    counts = any(r["RSSTRESC"] or r["RSORRES"] for r in own if len(r["RSDTC"]) >= 7)
    if is_derived(options) or (options.source == "collected-else-derived" and not counts):
        return [r for r in data.of("ADRS", subject) if r["PARAMCD"] == code]
    return [
        {
            "AVALC": r["RSSTRESC"] or r["RSORRES"],
            "ADT": last_day(r["RSDTC"]) if len(r["RSDTC"]) >= 7 else "",
            "ADTF": "D" if len(r["RSDTC"]) == 7 else "",
            "AVISIT": r["VISIT"],
            "AVISITN": r["VISITNUM"],
            "SRCSEQ": r["RSSEQ"],
        }
        for r in own
    ]


def plain(call: str) -> str:
    return PLAIN.get(call, call)


def called(call: str, options: ResponseOptions) -> str:
    return IMMUNE.get(call, call) if options.criteria == "iRECIST" else call


def analysed_of_day(data: Analysed, options: ResponseOptions, subject: str) -> dict[date, int]:
    """The place in `responses` of the worst one of each day from the start on; of equals the last."""
    start = data.adsl[subject][options.reference]
    worst: dict[date, int] = {}
    rows = responses(data, options, subject)
    for place, row in enumerate(rows):
        rank = plain_response.WORSE.get(plain(row["AVALC"]), -1)
        if rank < 0 or not row["ADT"] or not start or row["ADT"] < start:
            continue
        known = worst.get(row["ADT"])
        if known is None or rank >= plain_response.WORSE[plain(rows[known]["AVALC"])]:
            worst[row["ADT"]] = place
    return worst


def decided(data: Analysed, options: ResponseOptions, subject: str, until: Any) -> dict[str, Decided]:
    """Every parameter that responses decide; those after `until` do not count."""
    start, rows = data.adsl[subject][options.reference], responses(data, options, subject)
    places = analysed_of_day(data, options, subject)
    scans = [((when - start).days, plain(rows[place]["AVALC"])) for when, place in places.items()]
    last = (until - start).days if until and start else None
    found = plain_response.parameters(scans, options, last)
    found["BCP"] = first_of(found["BOR"], "CR", "PR")
    found["CBCP"] = first_of(found["CBOR"], "CR", "PR")
    if options.criteria == "iRECIST":
        kept = plain_response.window(scans, options, last)
        found["CPD"] = next((("Y", when) for when, call in kept if call == "PD"), ("N", None))
        found["UPD"] = next((("Y", when) for when, call in kept if call == "iUPD"), ("N", None))
        found["PDANY"] = plain_response.immune_progression(plain_response.window(scans, options, None), options)
    made = {}
    for code, (value, offset) in found.items():
        if offset is None:
            made[code] = Decided(value)
            continue
        row = rows[places[start + timedelta(days=offset)]]
        names = ("ADT", "SRCSEQ", "AVISIT", "AVISITN", "ADTF")
        made[code] = Decided(called(value, options), *(row[name] for name in names))
    return made


def first_of(best: tuple[str, Any], *calls: str) -> tuple[str, Any]:
    return ("Y", best[1]) if best[0] in calls else ("N", None)


def lesions(data: Analysed, options: ResponseOptions, subject: str, kinds: tuple[str, ...]) -> list[float]:
    return sorted(
        r["TUSEQ"]
        for r in data.of("TU", subject)
        if r["TUTESTCD"] in ("", "TUMIDENT")
        and r["TUSTRESC"] in kinds
        and f"{r['TUEVAL']} {r.get('TUEVALID', '')}".strip() in (reader(options), "")
    )


def facts(data: Analysed, options: ResponseOptions, subject: str) -> dict[str, Decided]:
    """What lesions and deaths say."""
    target, known = (lesions(data, options, subject, k) for k in (("TARGET",), ("TARGET", "NON-TARGET")))
    died = data.adsl[subject]["DTHDT"]
    return {
        "MDIS": Decided("Y", source=target[0]) if target else Decided("N"),
        "BASETA": Decided("Y", source=known[0]) if known else Decided("N"),
        "DEATH": Decided("Y", died) if died else Decided("N"),
    }


COMPOSITE = re.compile(
    r"(\w+): Y where (\w+) is ([^:]+?)(?: by assessments up to (\d+) days after ADSL\.TRTEDT)?"
    r"(?: (and|or) ADTTE\.AVAL of (\w+) is more than ([\d.]+) x ([\d.]+) days)?, else N\."
)


@cache
def composites(data: Analysed) -> dict[str, tuple[str, ...]]:
    """The composite parameters as the method describes them, by PARAMCD."""
    found = COMPOSITE.findall(data.method("ADRS", "AVALC"))
    return {code: tuple(said) for code, *said in found if said[2] or said[4]}


def composite(data: Analysed, subject: str, said: tuple[str, ...], made: dict[str, Decided]) -> Decided:
    best, calls, window, word, time, months, length = said
    if window:
        options = next(o for o in data.made.plan.every if best in (LETTER[o.criteria] + c for c in ("BOR", "CBOR")))
        row = data.adsl[subject]
        ends = [row["TRTEDT"] + timedelta(days=int(window))] if row["TRTEDT"] else []
        ends += [row["NACTDT"]] if row["NACTDT"] else []
        own = decided(data, options, subject, min(ends, default=""))[best.removeprefix(LETTER[options.criteria])]
        source = own.source
    else:
        own = made[best]
        source = next(r["ASEQ"] for r in data.of("ADRS", subject) if r["PARAMCD"] == best)
    responded = own.avalc in calls.split(", ")
    event = next((r for r in data.of("ADTTE", subject) if r["PARAMCD"] == time), None)
    held = bool(event and event["AVAL"] != "" and event["AVAL"] > float(months) * float(length))
    met = {"": responded, "and": responded and held, "or": responded or held}[word]
    by_time = bool(word) and responded == (word == "and") and event is not None
    when, imputed = (event["ADT"], "") if by_time and event else (own.when, own.imputed)
    return Decided(
        "Y" if met else "N",
        when if met else "",
        event["ASEQ"] if by_time and event else source,
        imputed=imputed if met else "",
    )


@cache
def expected(data: Analysed) -> dict[str, dict[str, Decided]]:
    """Subject to parameter to what it should say."""
    found: dict[str, dict[str, Decided]] = defaultdict(dict)
    for subject, row in data.adsl.items():
        for options in data.made.plan.every:
            letter = LETTER[options.criteria]
            made = decided(data, options, subject, row.get(options.new_therapy, ""))
            made |= facts(data, options, subject)
            found[subject] |= {code if code == "DEATH" else letter + code: one for code, one in made.items()}
        for code, said in composites(data).items():
            found[subject][code] = composite(data, subject, said, found[subject])
    return found


def of_parameters(variable: str, place: str) -> Check:
    """All parameters that have a record for each subject, and OVR against the collected responses."""

    def check(data: Analysed) -> Compared:
        for row in data.rows("ADRS"):
            if not row["PARAMCD"].endswith("OVR"):
                wanted = getattr(expected(data)[row["USUBJID"]][row["PARAMCD"]], place)
                yield f"{row['USUBJID']} {row['PARAMCD']}", row[variable], wanted
        for options in data.made.plan.every:
            code = LETTER[options.criteria] + "OVR"
            for subject in data.adsl if not is_derived(options) else ():
                mine = [r for r in data.of("ADRS", subject) if r["PARAMCD"] == code]
                theirs = responses(data, options, subject)
                for found, wanted in zip(sorted(mine, key=dated), sorted(theirs, key=dated), strict=True):
                    yield f"{subject} {code} {found['ADT']}", found[variable], wanted[variable]

    return check


def dated(row: Row) -> tuple[str, float]:
    return str(row["ADT"]), row["SRCSEQ"] or 0.0


def values(data: Analysed) -> Compared:
    yield from of_parameters("AVALC", "avalc")(data)
    codes = {row["PARAMCD"] for row in data.rows("ADRS")}
    said = set(re.findall(r"(?:^|\. )(\w{2,8}): ", data.method("ADRS", "AVALC")))
    yield "parameters that the method describes", codes <= said, True


def numbers(data: Analysed) -> Compared:
    for row in data.rows("ADRS"):
        nothing = row["PARAMCD"].endswith("OVR") and row["AVALC"] == "MISSING"
        wanted = "" if nothing else NUMBER.get(plain(row["AVALC"]), "")
        yield f"{row['USUBJID']} {row['PARAMCD']} {row['AVALC']}", row["AVAL"], float(wanted) if wanted != "" else ""


def analysed_flag(data: Analysed) -> Compared:
    for options in data.made.plan.every:
        for subject in data.adsl:
            rows = responses(data, options, subject)
            chosen = {(rows[p]["ADT"], rows[p]["SRCSEQ"]) for p in analysed_of_day(data, options, subject).values()}
            for row in data.of("ADRS", subject):
                if row["PARAMCD"] == LETTER[options.criteria] + "OVR":
                    wanted = "Y" if (row["ADT"], row["SRCSEQ"]) in chosen else ""
                    yield f"{subject} {row['PARAMCD']} {row['ADT']} {row['AVALC']}", row["ANL01FL"], wanted
                elif not row["PARAMCD"].endswith("OVR"):
                    yield f"{subject} {row['PARAMCD']}", row["ANL01FL"], "Y"


def until_progression(data: Analysed) -> Compared:
    for subject in data.adsl:
        rows = data.of("ADRS", subject)
        for row in rows:
            ends = [
                r["ADT"]
                for r in rows
                if r["PARAMCD"].endswith("OVR")
                and (r["PARCAT2"], r["PARCAT3"]) == (row["PARCAT2"], row["PARCAT3"])
                and plain(r["AVALC"]) == "PD"
                and r["ANL01FL"] == "Y"
            ]
            plain_one = row["PARAMCD"] not in composites(data) and row["PARAMCD"] != "DEATH"
            wanted = plain_one and row["ADT"] != "" and row["ADT"] <= min(ends, default=date.max)
            yield f"{subject} {row['PARAMCD']} {row['ADT']}", row["ANL02FL"], "Y" if wanted else ""


def sequence(data: Analysed) -> Compared:
    for subject in data.adsl:
        rows = sorted(data.of("ADRS", subject), key=lambda r: r["ASEQ"])
        yield subject, [r["ASEQ"] for r in rows], [float(n + 1) for n in range(len(rows))]
        keys = [(r["PARAMCD"] in composites(data), *(() if r["PARAMCD"] in composites(data) else key(r))) for r in rows]
        yield f"{subject} in order", keys, sorted(keys)


def key(row: Row) -> tuple[str, str, str, float]:
    return row["PARAMCD"], row["PARCAT2"], *dated(row)


def relative_day(data: Analysed) -> Compared:
    for row in data.rows("ADRS"):
        yield row["USUBJID"], row["ADY"], days_from(data.adsl[row["USUBJID"]]["TRTSDT"], row["ADT"])


def caller(data: Analysed) -> Compared:
    """Who called: of a subject without a collected response they were derived, if the subject has any."""
    options = {one.criteria: one for one in data.made.plan.every if not is_derived(one)}
    for row in data.rows("ADRS"):
        who, said = row["PARCAT2"], options.get(row["PARCAT3"])
        overall = [r for r in data.of("ADRS", row["USUBJID"]) if r["PARAMCD"].endswith("OVR")]
        lesions = any((r["PARCAT2"], r["PARCAT3"]) == (who, row["PARCAT3"]) and r["SRCDOM"] != "RS" for r in overall)
        own = who.startswith("Algorithm") or not lesions or (said and collected(data, said, row["USUBJID"]))
        yield row["USUBJID"], row["RSPSRC"], who if own or not who else f"Algorithm from Lesions of {who}"


CHECKS: dict[str, Check] = {
    "AVALC": values,
    "AVAL": numbers,
    "ADT": of_parameters("ADT", "when"),
    "ADTF": of_parameters("ADTF", "imputed"),
    "ADY": relative_day,
    "AVISIT": of_parameters("AVISIT", "visit"),
    "AVISITN": of_parameters("AVISITN", "number"),
    "ANL01FL": analysed_flag,
    "ANL02FL": until_progression,
    "SRCSEQ": of_parameters("SRCSEQ", "source"),
    "RSPSRC": caller,
    "ASEQ": sequence,
}
