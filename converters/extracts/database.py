"""Tables of a hospital's database: SQLite files, and servers that a connection file names; read and never written.

A connection file is a TOML file among the sources:

    [connection]
    url = "postgresql+pg8000://reader@127.0.0.1/clinic"
    password_env = "CLINIC_PASSWORD"

A password stands in an environment variable, and in no file, command, message or lineage.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from fhir2cdisc.converters.extracts.grid import ExtractError, Grid, Notice
from fhir2cdisc.converters.extracts.values import text_of
from fhir2cdisc.mappings.extract_model import is_query

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

SQLITE = b"SQLite format 3\x00"
_BATCH = 5_000


def is_connection(head: bytes) -> bool:
    """Whether a file begins as one that names a connection."""
    return re.search(rb"^\[connection\]", head, re.MULTILINE) is not None


def read_database(path: Path, name: str, table: str, notice: Notice) -> Grid:
    """The rows of a table (`schema.table`) or query, in the order of all of their columns: its names are in row 0.

    ExtractError without the extra `sql`, for a database that cannot be reached, and for a table that is not there.
    A column of bytes is blank, which is said.
    """
    if not table:
        raise ExtractError(f"{name}: is a database; name the table as sheet, or give a query")
    with _connected(path, name) as connection:
        query = _selected(connection, table)
        width = len(_executed(connection, name, f"{query} LIMIT 0").keys())
    return Grid(table, _rows(path, name, query, width, notice))


def _rows(path: Path, name: str, query: str, width: int, notice: Notice) -> Iterator[tuple[int, list[str]]]:
    order = ", ".join(str(number) for number in range(1, width + 1))
    binary: set[str] = set()
    with _connected(path, name) as connection:
        found = _executed(connection, name, f"{query} ORDER BY {order}")
        names = list(found.keys())
        yield 0, names
        for number, row in enumerate(found.yield_per(_BATCH), 1):
            for heading, value in zip(names, row, strict=True):
                if isinstance(value, bytes | memoryview) and heading not in binary:
                    binary.add(heading)
                    notice("extract.binary", number, f"column {heading!r} holds bytes, which are no text; left blank")
            yield number, ["" if isinstance(value, bytes | memoryview) else text_of(value) for value in row]


def _selected(connection: Connection, table: str) -> str:
    """The query of a table or query, to which an order can be added."""
    if is_query(table):
        return f"SELECT * FROM ({table.rstrip().rstrip(';')}) AS asked"
    quote = connection.dialect.identifier_preparer.quote_identifier
    return f"SELECT * FROM {'.'.join(quote(part) for part in table.split('.'))}"


def _executed(connection: Connection, name: str, query: str) -> Any:
    from sqlalchemy import text
    from sqlalchemy.exc import SQLAlchemyError

    try:
        # A colon is part of the query and no place for a value.
        return connection.execution_options(stream_results=True).execute(text(query.replace(":", "\\:")))
    except SQLAlchemyError as error:
        raise ExtractError(f"{name}: the database refuses what is asked ({type(error).__name__})") from None


@contextmanager
def _connected(path: Path, name: str) -> Iterator[Connection]:
    """A connection that can only read; whatever goes wrong is said without address, user and password."""
    try:
        from sqlalchemy import create_engine
        from sqlalchemy.exc import SQLAlchemyError
    except ImportError:
        raise ExtractError(f"{name}: is a database, which needs the extra: pip install 'fhir2cdisc[sql]'") from None
    try:
        engine = create_engine(_url(path, name), execution_options={"postgresql_readonly": True})
        connection = engine.connect()
    except (SQLAlchemyError, OSError, ImportError) as error:
        raise ExtractError(f"{name}: the database cannot be reached ({type(error).__name__})") from None
    try:
        yield connection
    except SQLAlchemyError as error:
        raise ExtractError(f"{name}: the database broke off ({type(error).__name__})") from None
    finally:
        connection.close()
        engine.dispose()


def _url(path: Path, name: str) -> Any:
    """The address of the database: the file itself, read only, or what a connection file says."""
    from sqlalchemy.engine import URL, make_url
    from sqlalchemy.exc import ArgumentError

    with path.open("rb") as file:
        if file.read(len(SQLITE)) == SQLITE:
            return URL.create("sqlite", database=f"file:{quote(path.as_posix())}", query={"mode": "ro", "uri": "true"})
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8"))["connection"]
        url, variable = make_url(said["url"]), said.get("password_env", "")
    except (ArgumentError, tomllib.TOMLDecodeError, KeyError, TypeError, ValueError):
        raise ExtractError(f"{name}: is no connection file: it has no [connection] with a url") from None
    if url.password is not None:
        raise ExtractError(f"{name}: has a password; name the environment variable that holds it (password_env)")
    if variable and variable not in os.environ:
        raise ExtractError(f"{name}: the environment variable {variable}, which holds the password, is not set")
    return url.set(password=os.environ[variable]) if variable else url
