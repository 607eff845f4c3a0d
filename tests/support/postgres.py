"""A PostgreSQL server of a test's own, from the programs that Debian's package installs."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_PROGRAMS = next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)), None)


@contextmanager
def postgres(statements: list[str]) -> Iterator[int]:
    """The port of 127.0.0.1 on which a server listens that has run the statements; skips where there is none.

    Whoever comes over the network has to say a password.
    """
    if _PROGRAMS is None:
        pytest.skip("PostgreSQL is not installed")
    as_user = []
    if os.geteuid() == 0:
        if shutil.which("runuser") is None:
            pytest.skip("PostgreSQL does not run as root, and nothing changes the user")
        as_user = ["runuser", "-u", "postgres", "--"]
    folder = Path(f"/tmp/postgres-{os.getpid()}")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])

    def run(program: str, *words: str, said: str = "") -> None:
        command = [*as_user, str(_PROGRAMS / program), *words]
        # The server keeps what it was started with open: nothing waits for its output.
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.run(command, check=True, text=True, input=said, cwd="/", timeout=60, **quiet)  # type: ignore[call-overload]

    try:
        run(
            "initdb",
            "-D",
            str(folder),
            "--auth-local=trust",
            "--auth-host=scram-sha-256",
            "-U",
            "postgres",
            "-E",
            "UTF8",
        )
        options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={folder} -c fsync=off"
        run("pg_ctl", "-D", str(folder), "-o", options, "-w", "-l", f"{folder}/log", "start")
        words = ("-h", str(folder), "-p", port, "-U", "postgres", "-v", "ON_ERROR_STOP=1")
        run("psql", *words, said="".join(f"{one};\n" for one in statements))
        yield int(port)
    finally:
        with_server = (folder / "postmaster.pid").exists()
        if with_server:
            run("pg_ctl", "-D", str(folder), "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)
