"""One patient's odd value never ends the run for the others, and is never without a word."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import CliRunner, Result
from fhir2cdisc.adam import build
from fhir2cdisc.converters.cli.main import main
from fhir2cdisc.converters.formats.folder import read_folder
from fhir2cdisc.converters.run.left_out import MOST, without_failing
from fhir2cdisc.sdtm import assemble
from fhir2cdisc.sdtm.rows.one_subject import SubjectMapper

Json = dict[str, Any]
STUDY = 'id = "s"\nstudyid = "S"\ntitle = "S"\n[cohort]\nmembership = "all"\n[[drugs]]\nname = "X"\nterms = ["x"]\n'
NCI = "http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl"
LONG = "word " * 60
CHINESE = "肝" * 73


def make(kind: str, who: str, name: str, **more: Any) -> Json:
    return {"resourceType": kind, "id": f"{who}-{name}", "subject": {"reference": f"Patient/{who}"}, **more}


def concept(code: str, system: str = NCI) -> Json:
    return {"coding": [{"system": system, "code": code}]}


def patient(who: str, **more: Any) -> list[Json]:
    """A patient who was treated from 2020-03-01 on."""
    person = {"resourceType": "Patient", "id": who, "gender": "female", "birthDate": "1950-01-01", **more}
    period = {"start": "2020-03-01", "end": "2020-06-10"}
    dose = {"dose": {"value": 8, "unit": "mg", "code": "mg"}}
    drug = {"medicationCodeableConcept": {"text": "x"}}
    return [
        person,
        make("MedicationAdministration", who, "m", status="completed", effectivePeriod=period, dosage=dose, **drug),
    ]


def event(**more: Any) -> Json:
    plain = {"actuality": "actual", "date": "2020-03-05", "event": {"text": "Rash"}}
    return make("AdverseEvent", "odd", "a", **{**plain, **more})


def lesion(*sizes: tuple[str, Any]) -> list[Json]:
    """A target lesion of the odd patient, measured on these days."""
    place = {
        "resourceType": "BodyStructure",
        "id": "b",
        "patient": {"reference": "Patient/odd"},
        "identifier": [{"value": "T1"}],
    }
    on = {"status": "final", "focus": [{"reference": "BodyStructure/b"}]}
    first = {"effectiveDateTime": sizes[0][0], "valueCodeableConcept": {"text": "target"}}
    measured = [
        make("Observation", "odd", f"s{n}", code=concept("C96684"), effectiveDateTime=day, valueQuantity=mm, **on)
        for n, (day, size) in enumerate(sizes)
        for mm in [{"value": size, "unit": "mm", "code": "mm"}]
    ]
    return [place, make("Observation", "odd", "t", code=concept("C94189"), **first, **on), *measured]


def result(value: Any, unit: str = "g/dL") -> Json:
    quantity = {"value": value, "unit": unit, "code": unit}
    code = concept("718-7", "http://loinc.org")
    return make(
        "Observation", "odd", "h", status="final", code=code, effectiveDateTime="2020-02-20", valueQuantity=quantity
    )


def visit(name: str) -> Json:
    period, kind = {"start": "2020-03-05"}, [{"text": name}]
    return make("Encounter", "odd", "v", status="finished", **{"class": {"code": "AMB"}}, type=kind, period=period)


# What the odd patient has beside being treated | what is said: rule, and the variable where it is one
ODD: list[tuple[str, list[Json], str, str]] = [
    ("a term over 200 bytes", [event(event={"text": LONG})], "text.cut", "ADAE.AETERM"),
    ("a Chinese term of 219 bytes", [event(event={"text": CHINESE})], "text.cut", "ADAE.AETERM"),
    (
        "a long causality",
        [event(suspectEntity=[{"causality": [{"assessment": {"text": LONG}}]}])],
        "text.cut",
        "ADAE.AEREL",
    ),
    ("a lesion of 0 mm before baseline", lesion(("2020-01-01", 0), ("2020-02-20", 26), ("2020-05-01", 30)), "", ""),
    ("a length beyond measure", lesion(("2020-02-20", "@1e400"), ("2020-05-01", 10)), "number.range", "TRSTRESN"),
    ("a result beyond measure", [result("@1e400")], "number.range", "LBSTRESN"),
    ("a result that leaves the range by conversion", [result("@1e75")], "number.range", "LBSTRESN"),
    ("a visit of 400 digits", [visit("WEEK " + "9" * 400)], "", ""),
    ("a visit of 5,000 digits", [visit("WEEK " + "9" * 5000)], "", ""),
    (
        "a code of 600 lists in lists",
        [{**result(1), "code": "@" + "[" * 600 + "]" * 600}],
        "record.incomplete",
        "XOTEST",
    ),
    ("a narrative that is true", [{**result(1), "text": True}, {**visit("x"), "text": ["died"]}], "", ""),
    ("two values", [{**result(1), "valueString": "14"}], "value.two", ""),
    ("no status", [{k: v for k, v in result(1).items() if k != "status"}], "status.odd", ""),
    ("a status that R4 does not have", [{**result(1), "status": "FINAL"}], "status.odd", ""),
    ("a dose of no status", [{**patient("odd")[1], "id": "m2", "status": ""}], "status.odd", ""),
    ("a date in 2262", [event(date="2262-04-15")], "adam.date in the future", "AE.AESTDTC"),
    ("a year of four nines", [event(date="9999-12-31")], "adam.date in the future", "AE.AESTDTC"),
]
# The same of the Patient resource itself.
PEOPLE: list[tuple[str, Json, str, str]] = [
    ("a label that is an object", {"meta": {"tag": [{"code": {"a": 1}}]}}, "", ""),
    ("a country over 200 bytes", {"address": [{"country": LONG}]}, "text.cut", "ADSL.COUNTRY"),
]


class Bench:
    """A run on resources written by hand."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.out = folder, folder / "out"
        (folder / "study.toml").write_text(STUDY, encoding="utf-8")

    def run(self, resources: list[Json], command: str = "run") -> Result:
        # Numbers and nesting that json.dumps would not write stand as texts that begin with `@`.
        lines = [json.dumps(one, ensure_ascii=False).replace('"@', "").replace('@"', "") for one in resources]
        text = "\n".join(lines)
        for raw in ("1e400", "1e75", "[" * 600 + "]" * 600):
            text = text.replace(f'{raw}"', raw)
        (self.folder / "in.ndjson").write_text(text, encoding="utf-8")
        given = [command, self.folder / "in.ndjson", "--study", self.folder / "study.toml", "--out", self.out]
        return CliRunner().invoke(main, list(map(str, given)))

    def findings(self) -> pd.DataFrame:
        return pd.read_csv(self.out / "findings" / "findings.csv", dtype=str, keep_default_na=False)

    def frame(self, name: str) -> pd.DataFrame:
        return read_folder(self.out, "adam" if name.startswith("AD") else "sdtm")[0][name]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.mark.parametrize(
    ("why", "person", "more", "rule", "variable"),
    [*((why, {}, more, *said) for why, more, *said in ODD), *((why, one, [], *said) for why, one, *said in PEOPLE)],
    ids=[one[0] for one in (*ODD, *PEOPLE)],
)
def test_the_run_goes_on_and_says_what_was_odd(
    bench: Bench, why: str, person: Json, more: list[Json], rule: str, variable: str
) -> None:
    done = bench.run([*patient("good"), *patient("odd", **person), *more])
    assert done.exit_code == 0, done.output
    assert len(bench.frame("ADSL")) == 2
    found = bench.findings()
    assert not rule or variable in set(found.loc[found["rule"] == rule, "variable"])
    assert not {"subject.failed", "tripwire.left out"} & set(found["rule"])


def test_no_lesion_was_gone_before_it_was_measured_at_baseline(bench: Bench) -> None:
    """26 mm at baseline and 30 mm later are stable disease, whatever an earlier scan did not show."""
    bench.run([*patient("odd"), *lesion(("2020-01-01", 0), ("2020-02-20", 26), ("2020-05-01", 30))])
    rs = bench.frame("RS")
    overall = (rs["RSTESTCD"] == "OVRLRESP") & (rs["RSDTC"] == "2020-05-01")
    assert set(rs.loc[overall, "RSSTRESC"]) == {"SD"}


def test_a_subject_number_of_300_bytes_gives_way_to_a_pseudonym(bench: Bench) -> None:
    enrolled = make("ResearchSubject", "odd", "r", status="on-study", period={"start": "2020-02-01"})
    enrolled |= {"individual": enrolled.pop("subject"), "identifier": [{"system": "urn:x", "value": "9" * 300}]}
    assert bench.run([*patient("odd"), enrolled]).exit_code == 0
    (number,) = bench.frame("DM")["SUBJID"]
    found = bench.findings()
    assert len(number) == 12 and list(found.loc[found["rule"] == "subject.number", "usubjid"]) == [f"S-{number}"]


def of_odd(one: Any) -> bool:
    """Whether what a stage is called with holds the odd patient."""
    if isinstance(one, SubjectMapper):
        return one.subject == "Patient/odd"
    frame = one.frames["DM"] if hasattr(one, "frames") else one["DM"]
    return bool((frame["SEX"] == "M").any())


def failing(real: Callable[..., Any]) -> Callable[..., Any]:
    def stage(first: Any, *more: Any, **named: Any) -> Any:
        if of_odd(first):
            raise ZeroDivisionError("a value nobody thought of")
        return real(first, *more, **named)

    return stage


# Where a fault of the product meets one subject: mapping, assembling, deriving | rule of the finding
STAGES = [
    (SubjectMapper, "map", "subject.failed"),
    (assemble, "complete_domains", "subject.failed"),
    (build, "derive_subjects", "tripwire.left out"),
]


@pytest.mark.parametrize(("place", "name", "rule"), STAGES, ids=[one[1] for one in STAGES])
def test_a_subject_that_stops_a_stage_is_left_out_and_named(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, place: Any, name: str, rule: str
) -> None:
    stage = failing(getattr(place, name))
    if name == "complete_domains":
        steps = tuple(stage if one is assemble.complete_domains else one for one in assemble.STEPS)
        monkeypatch.setattr(assemble, "STEPS", steps)
    else:
        monkeypatch.setattr(place, name, stage)
    people = [patient("good"), patient("odd", gender="male"), patient("third")]
    done = bench.run([one for some in people for one in some])
    assert done.exit_code == 0, done.output
    assert len(bench.frame("ADSL")) == 2 and "M" not in set(bench.frame("ADSL")["SEX"])
    found = bench.findings()
    (said,) = found[found["rule"] == rule].to_dict("records")
    assert said["severity"] == "error" and "ZeroDivisionError" in said["message"]
    if rule == "tripwire.left out":
        # SDTM has the subject; what cannot be analysed is the first thing that is said.
        assert len(bench.frame("DM")) == 3 and said["usubjid"] and done.output.startswith("LOOK AT THIS FIRST")
    else:
        assert "Read 6 resources = 4 mapped + 0 not needed + 2 rejected" in done.output
        assert said["count"] == "2" and "Patient/odd" in said["resource"]


def test_a_fault_that_no_single_subject_has_is_not_hidden() -> None:
    def work(left_out: frozenset[str]) -> int:
        if len({"a", "b"} - left_out) == 2:
            raise KeyError("only both together")
        return 0

    with pytest.raises(KeyError):
        without_failing(work, ["a", "b", "c"])


def test_a_fault_of_many_subjects_is_one_of_the_product() -> None:
    everyone = [str(n) for n in range(MOST + 10)]

    def work(left_out: frozenset[str]) -> int:
        if len(left_out) < len(everyone):
            raise ValueError("always")
        return 0

    with pytest.raises(ValueError, match="always"):
        without_failing(work, everyone)


@pytest.mark.parametrize("odd", [[], ["a"], ["a", "g"], ["c", "d", "e"]])
def test_exactly_the_subjects_to_blame_are_left_out(odd: list[str]) -> None:
    def work(left_out: frozenset[str]) -> list[str]:
        kept = [one for one in "abcdefg" if one not in left_out]
        if blamed := set(kept) & set(odd):
            raise ValueError(sorted(blamed)[0])
        return kept

    kept, failures = without_failing(work, list("abcdefg"))
    assert sorted(failures) == odd and kept == [one for one in "abcdefg" if one not in odd]


def test_a_name_that_is_no_utf_8_is_read_and_named_by_its_bytes(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    lines = "\n".join(map(json.dumps, patient("good")))
    try:
        Path(str(folder).encode().decode() + "/\udcc4\udce3.ndjson").write_text(lines, encoding="utf-8")
        Path(str(folder).encode().decode() + "/\udcc4.txt").write_text("x", encoding="utf-8")
    except OSError:
        pytest.skip("this file system takes no such names")
    (tmp_path / "study.toml").write_text(STUDY, encoding="utf-8")
    given = ["sdtm", str(folder), "--study", str(tmp_path / "study.toml"), "--out", str(tmp_path / "out")]
    done = CliRunner().invoke(main, given)
    assert done.exit_code == 0, done.output
    assert "\\xc4.txt" in (tmp_path / "out/findings/skipped-files.csv").read_text(encoding="utf-8")


def test_a_name_that_stands_twice_is_found_by_a_deep_look(bench: Bench) -> None:
    twice = json.dumps(result(99)).replace('"value": 99', '"value": 1, "value": 99')
    (bench.folder / "in.ndjson").write_text("\n".join([*map(json.dumps, patient("odd")), twice]), encoding="utf-8")
    given = ["sdtm", bench.folder / "in.ndjson", "--study", bench.folder / "study.toml", "--out", bench.out, "--deep"]
    assert CliRunner().invoke(main, list(map(str, given))).exit_code == 0
    (said,) = bench.findings().query("rule == 'json.repeated'")["message"]
    assert said == "Observation/odd-h: says value twice in one object; the last one is read"
