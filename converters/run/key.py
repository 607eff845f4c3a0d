"""The secret from which subject numbers are made where the source has none."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from fhir2cdisc.fhir.findings import Finding
from fhir2cdisc.mappings.errors import Fhir2CdiscError


class KeyFileError(Fhir2CdiscError):
    """A key file that holds no secret."""


def read_key(path: Path) -> bytes:
    """The secret of a key file, without blanks and line ends around it; KeyFileError where nothing else is in it."""
    secret = path.read_bytes().strip()
    if not secret:
        raise KeyFileError(
            "the key file is empty: whoever knows the ids of patients could make the subject numbers again"
        )
    return secret


def key_findings(path: Path) -> list[Finding]:
    """A warning where others than its owner may read the key file; no word where the system knows no such rights."""
    if os.name != "posix" or not path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
        return []
    message = (
        "the key file may be read by others than its owner; with the key subject numbers can be made again from ids"
    )
    return [Finding("privacy.key-open", message, "warning")]
