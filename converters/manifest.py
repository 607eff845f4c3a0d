"""manifest.json: what went in, what came out, with which versions and options, as SHA-256; and what differs from it."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec
from fhir2cdisc.converters.atomic import write_text

PRODUCT = "fhir2cdisc"
NAME = "manifest.json"
# The libraries whose version can change a number or a byte of the output.
_LIBRARIES = ("lxml", "msgspec", "numpy", "pandas", "pyarrow", "scipy")


@dataclass(frozen=True, slots=True)
class Input:
    """A file as it was before it was read, `sha256` empty where it could not be opened.

    `state` is what the file system says of it; every write changes that. `changed` is whether its content is
    another since.
    """

    path: Path
    name: str
    bytes: int
    sha256: str
    state: tuple[int, ...]
    changed: bool = False


def note_inputs(files: Iterable[tuple[Path, str]]) -> list[Input]:
    """Size and SHA-256 of files, with the names that the manifest gives them; call it before they are read."""
    noted = []
    for path, name in files:
        state = _state(path)
        noted.append(Input(path, name, state[0] if state else 0, _readable_sha256(path), state))
    return noted


def look_again(inputs: Iterable[Input]) -> list[Input]:
    """The inputs after they have been read, those marked `changed` whose content is another now or is gone."""
    return [
        replace(one, changed=_state(one.path) != one.state and _readable_sha256(one.path) != one.sha256)
        for one in inputs
    ]


def _state(path: Path) -> tuple[int, ...]:
    try:
        found = path.stat()
    except OSError:
        return ()
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_dev


def _readable_sha256(path: Path) -> str:
    try:
        return sha256(path)
    except OSError:
        return ""


def build_manifest(inputs: Iterable[Input], package: Path, options: Mapping[str, Any]) -> dict[str, Any]:
    """The manifest of a package: the files that were read and those that were written, versions, options.

    No date, time zone, host, user or path of an input is in it, so that a run on another day, or on files that are
    called otherwise, gives the same bytes; a file's name may be a patient's. Inputs are numbered by their content.
    """
    noted = sorted(inputs, key=lambda one: (one.sha256, one.bytes))
    return {
        "product": {"name": PRODUCT, "version": version(PRODUCT)},
        "python": ".".join(platform.python_version_tuple()[:2]),
        "libraries": {name: version(name) for name in _LIBRARIES},
        "options": dict(options),
        "inputs": [_read(number, one) for number, one in enumerate(noted, start=1)],
        "outputs": [_written(package / name, name) for name in _names(package)],
    }


def _read(number: int, one: Input) -> dict[str, Any]:
    entry = {"input": number, "bytes": one.bytes, "sha256": one.sha256 or None}
    return {**entry, "changed": True} if one.changed else entry


def _written(path: Path, name: str) -> dict[str, Any]:
    return {"path": name, "bytes": path.stat().st_size, "sha256": sha256(path)}


def write_manifest(manifest: Mapping[str, Any], package: Path) -> None:
    """Write `manifest.json` into the package folder, keys sorted."""
    write_text(package / NAME, json.dumps(manifest, indent=2, sort_keys=True, ensure_ascii=False) + "\n")


class _Product(msgspec.Struct):
    name: str


class _Output(msgspec.Struct):
    path: str
    sha256: str


class _Manifest(msgspec.Struct):
    product: _Product
    outputs: list[_Output]


@dataclass(frozen=True, slots=True)
class Differences:
    """The files of a package that are not as its manifest says, by their names in the package.

    `missing` are in the manifest only, `unknown` in the folder only (links and what else is no plain file with
    them), `changed` have another content than was written.
    """

    missing: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


def is_ours(folder: str | os.PathLike[str]) -> bool:
    """Whether a folder has a manifest.json that this product wrote; a FHIR Bulk export has one too that it did not."""
    return _outputs(Path(folder)) is not None


def differences(package: Path) -> Differences | None:
    """What differs between a package and its manifest; None where the folder is no package of ours.

    Raises OSError where the folder cannot be looked through.
    """
    said = _outputs(package)
    if said is None:
        return None
    there = set(_names(package))
    plain = {name for name in there if not (package / name).is_symlink() and (package / name).is_file()}
    changed = [name for name in plain & said.keys() if _readable_sha256(package / name) != said[name]]
    missing, unknown = said.keys() - there, there - (plain & said.keys())
    return Differences(tuple(sorted(missing)), tuple(sorted(changed)), tuple(sorted(unknown)))


def _outputs(package: Path) -> dict[str, str] | None:
    """SHA-256 by name of what a package of ours was written with."""
    path = package / NAME
    try:
        if not path.is_file():
            return None
        found = msgspec.json.decode(path.read_bytes(), type=_Manifest)
    except (OSError, RecursionError, msgspec.MsgspecError):
        return None
    return {one.path: one.sha256 for one in found.outputs} if found.product.name == PRODUCT else None


def _names(package: Path) -> Sequence[str]:
    """Everything in a package that is no folder, by its name there, without the manifest itself."""
    found = []
    for folder, below, files in os.walk(package, onerror=_refuse):
        place = Path(folder)
        found += [place / name for name in (*files, *(b for b in below if (place / b).is_symlink()))]
    return sorted(name for path in found if (name := path.relative_to(package).as_posix()) != NAME)


def _refuse(error: OSError) -> None:
    raise error


def sha256(path: Path) -> str:
    """SHA-256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
