"""manifest.json: what went in, what came out, with which versions and options, as SHA-256."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from fhir2cdisc.converters.atomic import write_text

# The libraries whose version can change a number or a byte of the output.
_LIBRARIES = ("lifelines", "lxml", "msgspec", "numpy", "pandas", "pyarrow", "scipy", "statsmodels")
_CHUNK = 1 << 20


def build_manifest(
    inputs: Iterable[str | Path],
    outputs: str | Path,
    *,
    options: Mapping[str, Any] | None = None,
    root: str | Path | None = None,
) -> dict[str, Any]:
    """The manifest of a package: files with size and SHA-256, versions, options.

    `inputs` are files or folders, named relative to `root` where they lie below it and else by their own
    name; `outputs` is the package folder. No date, time zone, host, user or absolute path is in it, so that a
    run on another day gives the same bytes.
    """
    package = Path(outputs)
    return {
        "product": {"name": "fhir2cdisc", "version": version("fhir2cdisc")},
        "python": ".".join(platform.python_version_tuple()[:2]),
        "libraries": {name: version(name) for name in _LIBRARIES},
        "options": dict(options or {}),
        "inputs": sorted(_inputs(inputs, root), key=lambda entry: (entry["path"], entry["sha256"])),
        "outputs": [
            _entry(path, path.relative_to(package).as_posix())
            for path in _files(package)
            if path != package / "manifest.json"
        ],
    }


def write_manifest(manifest: Mapping[str, Any], package: str | Path) -> Path:
    """Write `manifest.json` into the package folder, keys sorted."""
    path = Path(package) / "manifest.json"
    write_text(path, json.dumps(manifest, indent=2, sort_keys=True, ensure_ascii=False) + "\n")
    return path


def changed_outputs(package: str | Path) -> list[str]:
    """What differs between a package and its manifest, one sentence a file; empty where all is as written."""
    folder = Path(package)
    said = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["outputs"]
    expected = {entry["path"]: entry["sha256"] for entry in said}
    found = {
        path.relative_to(folder).as_posix(): sha256(path) for path in _files(folder) if path != folder / "manifest.json"
    }
    missing = [f"{path}: missing" for path in expected.keys() - found.keys()]
    added = [f"{path}: not in the manifest" for path in found.keys() - expected.keys()]
    common = expected.keys() & found.keys()
    changed = [f"{path}: other content than written" for path in common if expected[path] != found[path]]
    return sorted([*missing, *added, *changed])


def sha256(path: Path) -> str:
    """SHA-256 of a file in hexadecimal, read in pieces."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_CHUNK):
            digest.update(piece)
    return digest.hexdigest()


def _inputs(inputs: Iterable[str | Path], root: str | Path | None) -> Iterable[dict[str, Any]]:
    base = Path(root).resolve() if root is not None else None
    for given in map(Path, inputs):
        top = given.resolve()
        for path in _files(top) if top.is_dir() else [top]:
            inside = base is not None and path.is_relative_to(base)
            below = path.relative_to(base) if inside and base is not None else path.relative_to(top.parent)
            yield _entry(path, below.as_posix())


def _files(folder: Path) -> list[Path]:
    return sorted(p for p in folder.rglob("*") if p.is_file() and not p.name.endswith(".part"))


def _entry(path: Path, name: str) -> dict[str, Any]:
    return {"path": name, "bytes": path.stat().st_size, "sha256": sha256(path)}
