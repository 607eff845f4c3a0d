"""Tables of a database: the same SDTM as from the same rows in CSV, read only, and no password anywhere."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from fhir2cdisc.converters.extracts.files import open_grid
from fhir2cdisc.converters.extracts.grid import ExtractError
from fhir2cdisc.mappings.extract_model import is_query
from support.command import call, fhir2cdisc
from support.postgres import postgres

PASSWORD = "not-to-be-seen-7F"
ROWS = [
    ("0012301", "F", "2024-01-05", "12.50", None),
    ("0012302", "M", "2024-02-29", "<5", "a: 5% of b"),
    ("0012303", "F", None, "", ""),
]
CREATE = "CREATE TABLE lab (no {text}, sex {text}, day {date}, result {text}, note {text}, photo {bytes})"
MAPPING = """
extract = "lis"
[[table]]
name = "lab"
file = "{file}"
{what}
subject = "no"
not_needed = {{ note = "free text", photo = "a picture" }}
[[source]]
domain = "DM"
name = "subject"
table = "lab"
[source.variables]
SEX = {{ column = "sex" }}
[[source]]
domain = "LB"
name = "result"
table = "lab"
where = "result.exists()"
[source.variables]
LBTESTCD = {{ value = "CEA" }}
LBTEST = {{ value = "Carcinoembryonic Antigen" }}
LBORRES = {{ column = "result", as = "result" }}
LBDTC = {{ column = "day", as = "dtc" }}
"""
STUDY = 'id = "own"\nstudyid = "OWN"\ntitle = "Own"\n'


def made(folder: Path, source: Path, file: str, what: str) -> dict[str, bytes]:
    """The transport files of a run, by name."""
    (folder / "study.toml").write_text(STUDY, encoding="utf-8")
    (folder / "mapping.toml").write_text(MAPPING.format(file=file, what=what), encoding="utf-8")
    out = folder / "package"
    words = ("--extract", folder / "mapping.toml", "--study", folder / "study.toml", "--out", out, "--replace")
    fhir2cdisc("sdtm", source, *words)
    for path in out.rglob("*"):
        assert not path.is_file() or PASSWORD.encode() not in path.read_bytes()
    return {path.name: path.read_bytes() for path in sorted((out / "sdtm").glob("*.xpt"))}


@pytest.fixture
def by_csv(tmp_path: Path) -> dict[str, bytes]:
    folder = tmp_path / "csv"
    (folder / "source").mkdir(parents=True)
    lines = ["no,sex,day,result,note,photo", *(",".join([*(cell or "" for cell in row), ""]) for row in ROWS)]
    (folder / "source" / "lab.csv").write_text("\n".join(lines), encoding="utf-8")
    found = made(folder, folder / "source", "lab.csv", "")
    assert {"dm.xpt", "lb.xpt"} <= set(found)
    return found


@pytest.fixture
def sqlite(tmp_path: Path) -> Path:
    source = tmp_path / "source"
    source.mkdir()
    with sqlite3.connect(source / "lis.sqlite") as base:
        base.execute(CREATE.format(text="TEXT", date="TEXT", bytes="BLOB"))
        # In another order than the CSV has them.
        base.executemany("INSERT INTO lab VALUES (?, ?, ?, ?, ?, NULL)", reversed(ROWS))
    base.close()
    return source


@pytest.mark.parametrize(
    "what", ['sheet = "lab"', "query = \"SELECT * FROM lab WHERE no LIKE '00%' AND 'a:b' = 'a:b'\""]
)
def test_a_sqlite_file_gives_what_the_csv_gives(
    what: str, tmp_path: Path, sqlite: Path, by_csv: dict[str, bytes]
) -> None:
    before = (sqlite / "lis.sqlite").read_bytes()
    assert made(tmp_path, sqlite, "lis.sqlite", what) == by_csv
    assert (sqlite / "lis.sqlite").read_bytes() == before


def test_lineage_names_table_row_and_column(tmp_path: Path, sqlite: Path) -> None:
    made(tmp_path, sqlite, "lis.sqlite", 'sheet = "lab"')
    lineage = pd.read_parquet(tmp_path / "package" / "lineage" / "sdtm.parquet").query("DATASET == 'LB'")
    assert lineage[["FILE", "LINE"]].to_numpy().tolist() == [["lis.sqlite!lab", 1], ["lis.sqlite!lab", 2]]
    shown = fhir2cdisc("trace", tmp_path / "package", "LB", "USUBJID=OWN-0012302", "--source", sqlite)
    assert "LBORRES = <5 from D2 (result) '<5'" in shown


def test_a_column_of_bytes_is_blank_and_said(tmp_path: Path, sqlite: Path) -> None:
    with sqlite3.connect(sqlite / "lis.sqlite") as base:
        base.execute("UPDATE lab SET photo = x'00ff' WHERE no = '0012301'")
    base.close()
    made(tmp_path, sqlite, "lis.sqlite", 'sheet = "lab"')
    found = pd.read_csv(tmp_path / "package" / "findings" / "findings.csv", keep_default_na=False)
    [said] = found.query("rule == 'extract.binary'")["message"]
    assert said == "lis.sqlite!lab: column 'photo' holds bytes, which are no text; left blank"


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("", "is a database; name the table as sheet, or give a query"),
        ("gone", "the database refuses what is asked (OperationalError)"),
        ("lab; DROP TABLE lab", "the database refuses what is asked"),  # a name of a table, quoted
    ],
)
def test_what_the_database_does_not_have_is_one_sentence(table: str, said: str, sqlite: Path) -> None:
    with pytest.raises(ExtractError, match=r"^lis: ") as error:
        list(open_grid(sqlite / "lis.sqlite", "lis", table, "", "", lambda *_: None).rows)
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("query", "is_one"),
    [
        ("SELECT 1", True),
        ("with a as (select 1) select * from a;", True),
        ("DELETE FROM lab", False),
        ("SELECT 1; DROP TABLE lab", False),
        ("", False),
    ],
)
def test_a_query_is_one_select(query: str, is_one: bool) -> None:
    assert is_query(query) is is_one


def connection(folder: Path, text: str) -> Path:
    path = folder / "clinic.toml"
    path.write_text(f"[connection]\n{text}\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f'url = "postgresql+pg8000://u:{PASSWORD}@127.0.0.1/x"', "has a password; name the environment variable"),
        (
            'url = "postgresql+pg8000://u@127.0.0.1/x"\npassword_env = "NOT_SET_7F"',
            "NOT_SET_7F, which holds the password",
        ),
        ('url = "postgresql+pg8000://u@127.0.0.1:1/x"', "the database cannot be reached"),
        ('url = "nonsense"', "is no connection file"),
        ("host = 1", "is no connection file"),
    ],
)
def test_what_is_wrong_with_a_connection_is_said_without_a_secret(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(ExtractError) as error:
        open_grid(connection(tmp_path, text), "clinic.toml", "lab", "", "", lambda *_: None)
    assert said in str(error.value) and PASSWORD not in str(error.value)


@pytest.fixture
def port() -> Iterator[int]:
    values = ", ".join("(" + ", ".join("NULL" if c is None else f"'{c}'" for c in row) + ", NULL)" for row in ROWS)
    statements = [
        CREATE.format(text="text", date="date", bytes="bytea"),
        f"INSERT INTO lab VALUES {values}",
        f"CREATE ROLE reader LOGIN PASSWORD '{PASSWORD}'",
        "GRANT SELECT, DELETE ON lab TO reader",
    ]
    with postgres(statements) as found:
        yield found


def test_a_postgresql_server_gives_what_the_csv_gives(
    port: int, tmp_path: Path, by_csv: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a password out of the environment; without the right one nothing is read, and it is not shown."""
    source = tmp_path / "source"
    source.mkdir()
    url = f'url = "postgresql+pg8000://reader@127.0.0.1:{port}/postgres"\npassword_env = "CLINIC_7F"'
    connection(source, url)
    monkeypatch.setenv("CLINIC_7F", PASSWORD)
    assert made(tmp_path, source, "clinic.toml", 'sheet = "public.lab"') == by_csv
    where = "result NOT LIKE '%x%' OR result = ''"
    query = f'query = "SELECT no, sex, day::date AS day, result, note, photo FROM lab WHERE {where}"'
    assert made(tmp_path, source, "clinic.toml", query) == by_csv
    changing = 'query = "WITH gone AS (DELETE FROM lab RETURNING *) SELECT * FROM gone"'
    (tmp_path / "mapping.toml").write_text(MAPPING.format(file="clinic.toml", what=changing), encoding="utf-8")
    words = ("--extract", tmp_path / "mapping.toml", "--study", tmp_path / "study.toml", "--out", tmp_path / "other")
    done = call("sdtm", source, *words)
    assert done.exit_code == 1 and "the database refuses what is asked" in done.output
    monkeypatch.setenv("CLINIC_7F", "wrong" + PASSWORD)
    done = call("sdtm", source, *words)
    assert done.exit_code == 1 and "cannot be reached" in done.output and PASSWORD not in done.output
