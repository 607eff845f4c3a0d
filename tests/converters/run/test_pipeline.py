"""A run gives the same bytes however it is executed, and damaged input never stops it or loses a resource."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from fhir2cdisc.converters.manifest import sha256
from fhir2cdisc.converters.package import new_folder
from fhir2cdisc.converters.run.evidence import finish, write_findings, write_lineage
from fhir2cdisc.converters.run.pipeline import RunOptions, build_sdtm
from fhir2cdisc.converters.run.write import write_sdtm
from fhir2cdisc.mappings.study import Study
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.command import fhir2cdisc
from support.others import others

FUZZ = bool(os.environ.get("FHIR2CDISC_FUZZ"))
EVERYONE = Study.model_validate(
    {"id": "everyone", "studyid": "EVERYONE", "title": "Everyone", "cohort": {"membership": "all"}}
)
STUDY_FILE = 'id = "everyone"\nstudyid = "EVERYONE"\ntitle = "Everyone"\n[cohort]\nmembership = "all"\n'


def mcode() -> list[Path]:
    return sorted(others("data", "fhir", "mcode").glob("*.json"))


def write(sources: list[Path], out: Path, options: RunOptions | None = None) -> dict[str, str]:
    """SHA-256 by name of every file of the package."""
    made = build_sdtm(sources, EVERYONE, options)
    with new_folder(out) as folder:
        written = write_sdtm(folder, made, EVERYONE)
        write_lineage(folder, made, None)
        write_findings(folder, made, None, written.findings)
        finish(folder, made.inputs, EVERYONE, RunOptions(), "auto")
    return hashes(out)


def hashes(out: Path) -> dict[str, str]:
    return {path.relative_to(out).as_posix(): sha256(path) for path in sorted(out.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The package of the published mCODE examples, made the usual way."""
    found = write([mcode()[0].parent], tmp_path_factory.mktemp("usual") / "out")
    assert {"sdtm/dm.xpt", "sdtm/define.xml", "lineage/sdtm.parquet", "manifest.json"} <= set(found)
    return found


@pytest.mark.parametrize("options", [RunOptions(buckets=1), RunOptions(buckets=64), RunOptions(workers=2)])
def test_buckets_and_workers_change_no_byte(tmp_path: Path, usual: dict[str, str], options: RunOptions) -> None:
    assert write([mcode()[0].parent], tmp_path / "out", options) == usual


def test_the_order_of_sources_changes_no_byte_of_the_data(tmp_path: Path, usual: dict[str, str]) -> None:
    found = write(mcode()[::-1], tmp_path / "out")
    # The manifest names the sources as they were given: a folder, or files.
    assert {k: v for k, v in found.items() if k != "manifest.json"} == {
        k: v for k, v in usual.items() if k != "manifest.json"
    }


def test_the_names_of_files_change_no_transport_file(tmp_path: Path, usual: dict[str, str]) -> None:
    (tmp_path / "in").mkdir()
    for number, path in enumerate(reversed(mcode())):
        shutil.copyfile(path, tmp_path / "in" / f"{number:04d}.json")
    found = write([tmp_path / "in"], tmp_path / "out")
    assert {k: v for k, v in found.items() if k.startswith("sdtm/")} == {
        k: v for k, v in usual.items() if k.startswith("sdtm/")
    }


def test_one_file_of_lines_gives_the_same_transport_files_as_many_files(tmp_path: Path, usual: dict[str, str]) -> None:
    lines = []
    for path in mcode():
        lines.append(json.dumps(json.loads(path.read_bytes())))
    (tmp_path / "all.ndjson").write_text("\n".join(lines))
    found = write([tmp_path / "all.ndjson"], tmp_path / "out")
    # A float is written anew by json.dumps, digits may differ: compared are the subjects and their conditions.
    assert {found[f"sdtm/{name}.xpt"] == usual[f"sdtm/{name}.xpt"] for name in ("dm", "mh")} == {True}


def test_time_zone_and_hash_seed_change_no_byte(tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_text(STUDY_FILE)
    source = str(mcode()[0].parent.parent / "recist_examples")
    given = ["sdtm", source, "--study", str(tmp_path / "study.toml"), "--out"]
    fhir2cdisc(*given, tmp_path / "here")
    code = "from fhir2cdisc.converters.cli.main import main; main()"
    env = {**os.environ, "TZ": "Pacific/Kiritimati", "PYTHONHASHSEED": "7"}
    call = [sys.executable, "-c", code, *given, str(tmp_path / "there")]
    done = subprocess.run(call, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert hashes(tmp_path / "there") == hashes(tmp_path / "here")


ODD: list[Any] = [
    None,
    True,
    5,
    -1,
    1.5,
    10**30,
    1e300,
    1e-300,
    10**80,
    "",
    "x",
    "2020-13-45",
    "2024",
    "\u0000",
    "中",
    "9" * 400,
    "inf",
    "nan",
    [],
    {},
    [1],
    [None],
    {"a": 1},
    [[]],
    {"coding": "x"},
    {"coding": [5]},
    {"reference": "x"},
    {"value": "x"},
    {"value": 1e300},
    {"extension": 5},
    {"resourceType": "Patient"},
]


@cache
def pool() -> list[dict[str, Any]]:
    """One published resource of each kind and code, all of one patient; to be copied."""
    found: dict[str, dict[str, Any]] = {}
    for path in mcode():
        one = json.loads(path.read_bytes())
        if one["resourceType"] in ("Bundle", "Patient"):
            continue
        for key in ("subject", "patient", "individual"):
            if isinstance(one.get(key), dict):
                one[key] = {"reference": "Patient/p"}
        code = json.dumps(one.get("code", {}).get("coding", [{}])[:1]) if isinstance(one.get("code"), dict) else ""
        found.setdefault(one["resourceType"] + code, one)
    return list(found.values())[:: 1 if FUZZ else 2]


def damage(resource: Any, data: st.DataObject) -> None:
    """Change one value somewhere in a resource: gone, doubled, or of another shape."""
    node = resource
    while True:
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        key = data.draw(st.sampled_from(keys))
        inside = node[key]
        if isinstance(inside, (dict, list)) and inside and data.draw(st.booleans()):
            node = inside
            continue
        how = data.draw(st.sampled_from(["gone", "twice", "odd", "odd", "odd"]))
        if how == "gone" and isinstance(node, dict):
            del node[key]
        elif how == "twice":
            node[key] = json.loads(json.dumps([inside, inside]))
        else:
            node[key] = json.loads(json.dumps(data.draw(st.sampled_from(ODD))))
        return


@settings(
    max_examples=200 if FUZZ else 3,
    derandomize=not FUZZ,
    deadline=None,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.function_scoped_fixture,
    ],
)
@given(st.data())
def test_damage_never_raises_and_the_accounts_add_up(tmp_path: Path, data: st.DataObject) -> None:
    resources = json.loads(json.dumps([{"resourceType": "Patient", "id": "p", "birthDate": "1960-01-01"}, *pool()]))
    for number in data.draw(st.sets(st.integers(0, len(resources) - 1), max_size=25)):
        damage(resources[number], data)
    entries = [{"resource": one} for one in resources]
    path, out = tmp_path / "in.json", tmp_path / "out"
    path.write_text(json.dumps({"resourceType": "Bundle", "entry": entries}))
    made = build_sdtm([path], EVERYONE, RunOptions(deep=data.draw(st.booleans())))
    assert sum(made.accounts.counts.values()) == len(made.accounts.rows) == len(resources)
    assert {outcome for _, outcome, _ in made.accounts.counts} <= {"mapped", "not needed", "rejected"}
    rejected = sum(n for (_, outcome, _), n in made.accounts.counts.items() if outcome == "rejected")
    assert sum(f.count for f in made.accounts.findings if f.severity == "error") >= rejected
    if made.sdtm.frames:
        shutil.rmtree(out, ignore_errors=True)
        with new_folder(out) as folder:
            written = write_sdtm(folder, made, EVERYONE)
            write_lineage(folder, made, None)
            write_findings(folder, made, None, written.findings)


def test_two_runs_with_a_changed_mapping_file_use_the_change(tmp_path: Path) -> None:
    (tmp_path / "in.json").write_text('{"resourceType": "Patient", "id": "p"}')
    mapping = tmp_path / "dm.toml"
    found = []
    for site in ("ONE", "TWO"):
        mapping.write_text(
            'domain = "DM"\nkeys = ["STUDYID", "USUBJID"]\n[[source]]\nname = "patient"\nresource = "Patient"\n'
            f'[source.variables]\nSITEID = {{ value = "{site}" }}\n'
        )
        made = build_sdtm([tmp_path / "in.json"], EVERYONE, RunOptions(mappings=(mapping,)))
        found += made.sdtm.frames["DM"]["SITEID"].tolist()
    assert found == ["ONE", "TWO"]
