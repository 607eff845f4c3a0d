"""What a mapping file may write once and use in many places: named paths, and sources that are like another one.

`[paths]` names parts of paths; `<name>` in a path stands for the part, which may use the names above it. A source
that is `like` another one of the file has all that the other has, but for what it says itself.
"""

from __future__ import annotations

import re
from typing import Any

_NAMED = re.compile(r"<([a-z][a-z0-9-]*)>")


def written_out(data: dict[str, Any]) -> dict[str, Any]:
    """A mapping file as read from TOML, with every named path and every likeness written out.

    ValueError names a path or a source that the file does not have, and a source that is like one that is itself
    like another.
    """
    known: dict[str, str] = {}
    for name, path in data.get("paths", {}).items():
        known[name] = str(_with_paths(path, known))
    rest = {key: value for key, value in data.items() if key != "paths"}
    sources = rest.get("source", [])
    if not isinstance(sources, list) or not all(isinstance(one, dict) for one in sources):
        return rest
    return {**rest, "source": [_with_paths(_alike(one, sources), known) for one in sources]}


def _with_paths(value: Any, known: dict[str, str]) -> Any:
    if isinstance(value, str):
        return _NAMED.sub(lambda found: _path(found[1], known), value)
    if isinstance(value, list):
        return [_with_paths(one, known) for one in value]
    if isinstance(value, dict):
        return {key: _with_paths(one, known) for key, one in value.items()}
    return value


def _path(name: str, known: dict[str, str]) -> str:
    if name not in known:
        raise ValueError(f"<{name}> is no path of [paths] above it")
    return known[name]


def _alike(source: dict[str, Any], sources: list[dict[str, Any]]) -> dict[str, Any]:
    """The source with what it takes from the one that it is like; its variables come in the order of that one."""
    name = source.get("like")
    if not name:
        return source
    model = next((one for one in sources if one.get("name") == name), None)
    if model is None or model.get("like"):
        said = "is like another source itself" if model else "is no source of this file"
        raise ValueError(f"source {source.get('name')}: {name} {said}")
    made = {**model, **source}
    for table in ("variables", "supp"):
        made[table] = {**model.get(table, {}), **source.get(table, {})}
    return made
