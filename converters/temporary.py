"""Folders for patients' data on their way: named by the process that made them, so that nothing raw stays behind.

A run that ends, also by Ctrl-C or SIGTERM, removes its own. What a killed one left is removed by the next run.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import signal
import tempfile
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

PREFIX = "fhir2cdisc-"
_OWNED = re.compile(r"\.?fhir2cdisc-(\d+)-([0-9a-f]{8})-[^.]+")
# A shared disk holds folders of other machines, whose processes nobody here can look for.
_HOST = f"{zlib.crc32(platform.node().encode()):08x}"
_ENDING = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder of the system's temporary place that only its owner may enter; gone when the block ends."""
    remove_abandoned(Path(tempfile.gettempdir()))
    with tempfile.TemporaryDirectory(prefix=f"{PREFIX}{os.getpid()}-{_HOST}-") as name:
        yield Path(name)


def room_in(folder: Path) -> Path:
    """A new hidden folder in another one, for what is to take its place there; the caller removes it."""
    remove_abandoned(folder)
    return Path(tempfile.mkdtemp(prefix=f".{PREFIX}{os.getpid()}-{_HOST}-", dir=folder))


def remove_abandoned(place: Path) -> None:
    """Remove the folders that processes of this user and machine made in a place and did not live to remove.

    One beside which an old package waits (`.old`) is kept: it may hold the only new one.
    """
    if os.name != "posix" or not place.is_dir():
        return
    for path in [*place.glob(f"{PREFIX}*"), *place.glob(f".{PREFIX}*")]:
        name = _OWNED.fullmatch(path.name)
        if name is None or name[2] != _HOST or path.is_symlink() or _lives(int(name[1])):
            continue
        if path.lstat().st_uid == os.getuid() and not path.with_name(f"{path.name}.old").exists():
            shutil.rmtree(path, ignore_errors=True)


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


@contextmanager
def ended_in_order() -> Iterator[None]:
    """Within the block SIGTERM and SIGHUP end the process as Ctrl-C does: what it made on the way is removed first."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(number: int, frame: FrameType | None) -> None:
        # The usual exit code of a process that a signal ended.
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, end) for number in _ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
