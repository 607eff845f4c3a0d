"""What a mapping of an extract may say, and what is said of one that is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from fhir2cdisc.mappings.errors import Fhir2CdiscError
from fhir2cdisc.mappings.extract_model import Extract, builtin_extracts, load_extract

HEAD = """
extract = "own"
[[table]]
name = "ae"
file = "AE.csv"
subject = "SUBJID"
"""
SOURCE = """
[[source]]
domain = "AE"
name = "event"
table = "ae"
"""


def write(folder: Path, text: str) -> str:
    path = folder / "own.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_columns_of_their_own_name_need_no_line(tmp_path: Path) -> None:
    text = HEAD + SOURCE + 'same = ["AETERM"]\n[source.variables]\nAESEV = { column = "SEV" }\n'
    (source,) = load_extract(write(tmp_path, text)).source
    assert {name: spec.column for name, spec in source.all_variables.items()} == {
        "AETERM": ("AETERM",),
        "AESEV": ("SEV",),
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("extract = 'Own'", "extract: String should match pattern"),
        (HEAD + SOURCE, "source.event: fills no variable"),
        (
            HEAD + SOURCE + "[source.variables]\nAETERM = {}\n",
            "AETERM: takes one of column, value, text, checked and test",
        ),
        (
            HEAD + SOURCE + '[source.variables]\nAETERM = { column = "A", value = "B" }\n',
            "not column and value",
        ),
        (HEAD + SOURCE + '[source.variables]\nAETERM = { column = "A", match = "(" }\n', "match is no pattern"),
        (HEAD + SOURCE + '[source.variables]\nAETERM = { column = "A", match = "a" }\n', "match has no group"),
        (HEAD + SOURCE + '[source.variables]\nAETERM = { colum = "A" }\n', "colum: Extra inputs are not permitted"),
        (HEAD + SOURCE.replace('"ae"', '"me"') + 'same = ["AETERM"]\n', "source event: there is no table me"),
        (HEAD + 2 * (SOURCE + 'same = ["AETERM"]\n'), "two sources are named AE/event"),
        (HEAD + SOURCE + 'same = ["AETERM"]\nadds = true\n', "adds is for DM"),
        (HEAD + SOURCE + 'same = ["AETERM"]\nblank = ["9"]\n', "blank is for the cells of each"),
        (
            HEAD.replace('file = "AE.csv"', "header = [2, 1]\nfile = 'A'") + SOURCE + 'same = ["AETERM"]\n',
            "from the top down",
        ),
        ("extract = ", "extract own.toml: Invalid value"),
    ],
)
def test_a_wrong_mapping_is_one_sentence_that_names_the_place(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(Fhir2CdiscError) as error:
        load_extract(write(tmp_path, text))
    assert said in str(error.value)
    assert str(error.value).startswith("extract own.toml")


def test_all_mistakes_are_said_at_once(tmp_path: Path) -> None:
    text = HEAD + SOURCE + "[source.variables]\nAETERM = {}\nAESEV = { colum = 'A' }\n"
    with pytest.raises(Fhir2CdiscError) as error:
        load_extract(write(tmp_path, text))
    assert "AETERM" in str(error.value) and "AESEV" in str(error.value)


def test_a_mapping_that_is_not_there_says_so() -> None:
    with pytest.raises(Fhir2CdiscError, match=r"nowhere\.toml"):
        load_extract("nowhere.toml")


@pytest.mark.parametrize("name", sorted(builtin_extracts()))
def test_the_mappings_that_ship_are_read_and_named_as_their_files(name: str) -> None:
    assert load_extract(name).extract == name


def test_an_extract_whose_table_of_subjects_only_adds_makes_none() -> None:
    dm = {"domain": "DM", "name": "dm", "table": "t", "same": ["SEX"]}
    table = {"name": "t", "file": "t.csv", "subject": "S"}
    assert Extract.model_validate({"extract": "a", "table": [table], "source": [dm]}).makes_dm
    assert not Extract.model_validate({"extract": "a", "table": [table], "source": [dm | {"adds": True}]}).makes_dm
