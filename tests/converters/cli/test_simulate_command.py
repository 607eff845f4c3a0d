"""`fhir2cdisc simulate`: the default number of subjects, the folders it writes, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

from support.command import call


def run(*arguments: object) -> tuple[int, str]:
    done = call("simulate", *arguments)
    return done.exit_code, done.output


def test_without_a_number_the_protocol_gives_it(tmp_path: Path) -> None:
    status, said = run("apatinib-camrelizumab", "--out", tmp_path / "out")
    assert (status, said.split(",")[0]) == (0, "20 synthetic subjects")
    assert len(list((tmp_path / "out/fhir").glob("patient-*.json"))) == 20
    bundle = json.loads((tmp_path / "out/fhir/shared.json").read_text(encoding="utf-8"))
    assert bundle["type"] == "transaction"
    names = sorted(path.name for path in (tmp_path / "out/truth").iterdir())
    assert names == [
        "ae.csv",
        "lesions.csv",
        "questionnaires.csv",
        "responses.csv",
        "subjects.csv",
        "timepoints.csv",
        "tte.csv",
    ]


def test_ndjson_has_a_file_for_each_type(tmp_path: Path) -> None:
    status, _ = run("refractory-registry", "--patients", 30, "--format", "ndjson", "--out", tmp_path)
    assert status == 0
    for path in (tmp_path / "fhir").iterdir():
        kinds = {json.loads(line)["resourceType"] for line in path.read_text(encoding="utf-8").splitlines()}
        assert kinds == {path.stem}


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    status, said = run("apatinib-camrelizumab", "--out", tmp_path)
    assert (status, "is not empty" in said) == (1, True)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_wrong_arguments_are_named(tmp_path: Path) -> None:
    assert "'2023-13-01' is not a date" in run("apatinib-camrelizumab", "--out", tmp_path, "--cutoff", "2023-13-01")[1]
    assert "neither a file nor a built-in study" in run("no-study", "--out", tmp_path)[1]
    assert "'latin' is not one of" in run("apatinib-camrelizumab", "--out", tmp_path, "--dialect", "latin")[1]
