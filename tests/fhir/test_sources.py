"""Files, folders, zip and gzip: what is read, in which order, and what is refused in one sentence."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import pytest
from fhir2cdisc.fhir import archives
from fhir2cdisc.fhir.sources import SourceError, list_documents


def names(*given: Path) -> list[str]:
    return [document.name for document in list_documents(given)[0]]


def test_every_form_is_listed_in_one_fixed_order(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    for name in ("b/z.json", "a.ndjson", "B.JSON", "c.jsonl.gz", "notes.txt"):
        (tmp_path / name).write_bytes(gzip.compress(b"{}") if name.endswith(".gz") else b"{}")
    with zipfile.ZipFile(tmp_path / "pack.zip", "w") as archive:
        archive.writestr("in/x.json", b"{}")
        archive.writestr("in/picture.png", b"")
    found, skipped = list_documents([tmp_path])
    assert [d.name for d in found] == ["B.JSON", "a.ndjson", "b/z.json", "c.jsonl.gz", "pack.zip!in/x.json"]
    assert [one.name for one in skipped] == ["notes.txt", "pack.zip!in/picture.png"]
    assert [d.read() for d in found] == [b"{}"] * 5
    assert [d.lines for d in found] == [False, True, False, True, False]


def test_the_order_in_which_sources_are_given_changes_nothing(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / f"{folder}.json").write_text("{}")
    assert names(tmp_path / "one", tmp_path / "two") == names(tmp_path / "two", tmp_path / "one")
    assert names(tmp_path / "one", tmp_path / "one") == ["one.json"]


def test_files_of_one_name_from_two_sources_are_told_apart(tmp_path: Path) -> None:
    for folder in ("a/in", "b/in"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "x.json").write_text("{}")
    assert names(tmp_path / "b" / "in", tmp_path / "a" / "in") == ["a/in/x.json", "b/in/x.json"]


def test_names_inside_an_archive_that_lead_out_of_it_are_names_only(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as archive:
        archive.writestr("../../evil.json", b'{"resourceType": "Patient"}')
    before = sorted(tmp_path.parent.rglob("*"))
    (document,), _ = list_documents([tmp_path / "evil.zip"])
    assert document.name == "evil.zip!../../evil.json"
    assert document.read() == b'{"resourceType": "Patient"}'
    assert sorted(tmp_path.parent.rglob("*")) == before


def test_a_symbolic_link_inside_a_folder_is_named_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "outside.json").write_text("{}")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "own.json").write_text("{}")
    (tmp_path / "in" / "link.json").symlink_to(tmp_path / "outside.json")
    (tmp_path / "in" / "loop").symlink_to(tmp_path / "in")
    (tmp_path / "in" / "nowhere.json").symlink_to(tmp_path / "gone.json")
    found, skipped = list_documents([tmp_path / "in"])
    assert [d.name for d in found] == ["own.json"]
    assert [one.name for one in skipped] == ["link.json", "loop", "nowhere.json"]


def test_a_missing_or_empty_source_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no such file or folder"):
        list_documents([tmp_path / "gone"])
    with pytest.raises(SourceError, match=r"holds no \.json"):
        list_documents([tmp_path])


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tgz", "a.tar.gz"])
def test_an_archive_that_is_not_what_its_name_says_is_one_sentence(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"this is neither")
    with pytest.raises(SourceError, match=name):
        list_documents([tmp_path / name])[0][0].read()


def test_a_truncated_gzip_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "a.json.gz").write_bytes(gzip.compress(b"{}" * 5000)[:-9])
    with pytest.raises(SourceError, match="cannot be read"):
        list_documents([tmp_path / "a.json.gz"])[0][0].read()


def test_an_encrypted_member_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.json", b"{}")
    content = bytearray(path.read_bytes())
    # Bit 0 of the flags says "encrypted": in the local header (offset 6) and in the central directory (offset 8).
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    with pytest.raises(SourceError, match="cannot be read"):
        list_documents([path])[0][0].read()


def test_a_document_that_unpacks_beyond_the_limit_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_DOCUMENT_BYTES", 1000)
    (tmp_path / "bomb.json.gz").write_bytes(gzip.compress(b" " * 100_000))
    with pytest.raises(SourceError, match="larger than 1000 bytes"):
        list_documents([tmp_path / "bomb.json.gz"])[0][0].read()
