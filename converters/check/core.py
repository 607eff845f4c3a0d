"""CDISC CORE as a second opinion: an installed executable is run on a package, and its report read."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fhir2cdisc.converters.check.conformance import Issue
from fhir2cdisc.mappings.errors import Fhir2CdiscError

TIMEOUT_SECONDS = 3600


class CoreError(Fhir2CdiscError):
    """CORE could not be run, or left no report that can be read."""


def run_core(
    executable: str | Path, package: str | Path, *, standard: str = "sdtmig", version: str = "3-4"
) -> list[Issue]:
    """Run CORE on the SDTM datasets of a package and return its findings, rule ids as CORE names them.

    CORE has no published rules for ADaM, so only SDTM is given to it. A rule that CORE could not execute is a
    note.
    """
    folder = Path(package) / "sdtm"
    data = folder if folder.is_dir() else Path(package)
    with tempfile.TemporaryDirectory() as scratch:
        output = Path(scratch) / "core"
        command = [str(executable), "validate", "-s", standard, "-v", version, "-d", str(data)]
        command += ["-o", str(output), "-of", "JSON"]
        if (data / "define.xml").is_file():
            command += ["-dxp", str(data / "define.xml")]
        said = _run(command)
        report = output.with_suffix(".json")
        if not report.is_file():
            raise CoreError(f"CORE left no JSON report: {said}")
        try:
            return list(_issues(json.loads(report.read_text(encoding="utf-8"))))
        except (ValueError, AttributeError, TypeError) as error:
            raise CoreError("the report of CORE is not of the expected form") from error


def _run(command: list[str]) -> str:
    """Run the engine; its last words, for the case that it leaves no report."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CoreError(f"CORE could not be run: {error}") from error
    words = (done.stderr.strip() or done.stdout.strip()).splitlines()
    return f"exit code {done.returncode}, {words[-1] if words else 'no message'}"


def _issues(report: dict[str, Any]) -> Iterator[Issue]:
    for entry in report.get("Issue_Details", []):
        row = entry.get("row")
        variables = entry.get("variables") or []
        yield Issue(
            str(entry.get("core_id", "CORE")),
            "error",
            "CDISC CORE",
            Path(str(entry.get("dataset", ""))).stem.upper(),
            ", ".join(map(str, variables)),
            str(entry.get("message", "")),
            (int(row),) if str(row).isdigit() else (),
        )
    for entry in report.get("Rules_Report", []):
        if "ERROR" in str(entry.get("status", "")):
            name = str(entry.get("core_id", "CORE"))
            yield Issue(name, "note", "CDISC CORE", "", "", "CORE could not execute this rule")
