"""The key file: what is in it, and who may read it."""

from __future__ import annotations

from pathlib import Path

import pytest
from fhir2cdisc.converters.run.key import KeyFileError, key_findings, read_key


@pytest.mark.parametrize("text", [b"secret", b"secret\n", b"  secret\r\n"])
def test_blanks_and_line_ends_are_no_part_of_the_key(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "key").write_bytes(text)
    assert read_key(tmp_path / "key") == b"secret"


@pytest.mark.parametrize("text", [b"", b"\n", b"  \t\r\n"])
def test_an_empty_key_is_refused(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "key").write_bytes(text)
    with pytest.raises(KeyFileError, match="the key file is empty"):
        read_key(tmp_path / "key")


@pytest.mark.parametrize(
    ("mode", "said"), [(0o600, []), (0o400, []), (0o640, ["privacy.key-open"]), (0o604, ["privacy.key-open"])]
)
def test_a_key_that_others_may_read_is_said(tmp_path: Path, mode: int, said: list[str]) -> None:
    (tmp_path / "key").write_bytes(b"secret")
    (tmp_path / "key").chmod(mode)
    assert [one.rule for one in key_findings(tmp_path / "key")] == said
