"""`fhir2cdisc studies`: list, explain, and the file to start from."""

from __future__ import annotations

from pathlib import Path

from fhir2cdisc.mappings.study import builtin_studies, load_study
from support.command import call


def run(*arguments: str) -> tuple[int, str]:
    done = call("studies", *arguments)
    return done.exit_code, done.output


def test_alone_it_lists_the_five() -> None:
    status, said = run()
    assert status == 0
    assert [line.split()[0] for line in said.splitlines()] == list(builtin_studies())


def test_a_name_is_explained() -> None:
    status, said = run("refractory-registry")
    assert status == 0
    assert "Endpoint mtb-guided: Proportion of targeted therapy guided by tumor molecular characteristics" in said
    assert "data cut-off: 2023-11-30 [protocol]" in said


def test_the_printed_file_is_a_study_of_ones_own(tmp_path: Path) -> None:
    status, said = run("hepatobiliary-rws", "--toml")
    mine = tmp_path / "mine.toml"
    mine.write_text(said, encoding="utf-8")
    assert status == 0
    assert load_study(str(mine)) == load_study("hepatobiliary-rws")
    assert run(str(mine)) == run("hepatobiliary-rws")


def test_mistakes_are_named() -> None:
    assert run("--toml")[0] == 2
    assert "neither a file nor a built-in study" in run("no-study")[1]
