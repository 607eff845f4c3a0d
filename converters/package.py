"""What a package is: its folders and what stands beside the datasets, and how it comes to be on the disk.

It appears whole or not at all, and replaces nothing but an unchanged package of ours.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pandas as pd
from fhir2cdisc.converters.choices import FORMATS
from fhir2cdisc.converters.manifest import Differences, differences, is_ours
from fhir2cdisc.converters.temporary import room_in
from fhir2cdisc.fhir.findings import Finding
from fhir2cdisc.mappings.errors import Fhir2CdiscError
from fhir2cdisc.mappings.standard.datasets import Dataset

Kind = Literal["sdtm", "adam"]
# The folders of datasets in a package, and where they stand under m5/datasets/<study> in a submission (eCTD).
KINDS: tuple[Kind, ...] = ("sdtm", "adam")
ECTD_PLACES: dict[Kind, str] = {"sdtm": "tabulations/sdtm", "adam": "analysis/adam/datasets"}
ADAM_STANDARD = ("ADaMIG", "1.3")


@dataclass(frozen=True, slots=True)
class LinkedDocument:
    """A file beside define.xml that it links to: a reviewer's guide, an annotated form, a report."""

    id: str
    title: str
    href: str


# The reviewer's guide beside the datasets of each kind.
GUIDES: dict[str, LinkedDocument] = {
    "sdtm": LinkedDocument("csdrg", "Clinical Study Data Reviewer's Guide", "csdrg.html"),
    "adam": LinkedDocument("adrg", "Analysis Data Reviewer's Guide", "adrg.html"),
}


@dataclass(frozen=True, slots=True)
class Identity:
    """The study as define.xml and the guides name it."""

    id: str
    name: str
    description: str


@dataclass(frozen=True, slots=True)
class Written:
    """What was written: datasets with their metadata as it stands in the files, and the encoding."""

    datasets: tuple[tuple[Dataset, pd.DataFrame], ...]
    encoding: str
    findings: tuple[Finding, ...] = ()


class PackageError(Fhir2CdiscError):
    """A package that cannot be written; the message is one clear sentence."""


@contextmanager
def new_folder(out: Path, replace_old: bool = False) -> Iterator[Path]:
    """A folder that becomes `out` when the block ends well; until then, and after a failure, `out` is untouched.

    A link is followed: the folder that it names is made or replaced. Raises PackageError where `out` exists and is
    not empty, or, with `replace_old`, holds anything that is not as a run of ours wrote it, and where it cannot be
    written. An OSError of the block that names another place than `out` is left as it is.
    """
    target = _real(out)
    if not replace_old:
        _check_free(out, replace_old)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        room = room_in(target.parent)
    except OSError as error:
        raise _cannot(out, error) from error
    # Below the room, which only its owner may enter, the new folder gets the rights that the user's umask gives.
    part = room / "new"
    try:
        part.mkdir()
        yield part
        if replace_old and not _is_free(target):
            _swap(part, target, room.with_name(f"{room.name}.old"), out)
        else:
            part.rename(target)
    except OSError as error:
        if _is_of_another(error, room):
            raise
        raise _cannot(out, error) from error
    finally:
        shutil.rmtree(room, ignore_errors=True)


def _is_of_another(error: OSError, room: Path) -> bool:
    """Whether an error names a file that is not of the package: an input that cannot be read is no fault of it."""
    name = error.filename
    return isinstance(name, (str, bytes, os.PathLike)) and room not in Path(os.fsdecode(name)).parents


def _swap(part: Path, target: Path, old: Path, out: Path) -> None:
    """Put `part` in the place of a package, which is looked at once more when nobody can find it any longer.

    An OSError that names the old one means that the new one is in place and the rest of the old one is still there.
    """
    try:
        target.rename(old)
        try:
            _check_ours(old, out)
            part.rename(target)
        except BaseException:
            old.rename(target)
            raise
    except OSError as error:
        raise _cannot(out, error) from error
    shutil.rmtree(old)


def _cannot(out: Path, error: OSError) -> PackageError:
    return PackageError(f"{out}: cannot be written ({error.strerror or error})")


def check_writable(out: Path, replace_old: bool, inputs: Iterable[Path]) -> None:
    """Say before a long run that its output would have no place, or a place that something else needs.

    `inputs` are all files and folders that the run reads. Raises PackageError where `out` is one of them, lies in
    one or holds one, lies in a package, holds the current folder, exists without `replace_old`, holds anything that
    is not as a run of ours wrote it, or cannot be written.
    """
    for path in inputs:
        _check_apart(out, path)
    target, here = _real(out), Path.cwd()
    if any(_same(target, folder) for folder in (here, *here.parents)):
        raise PackageError(f"{out}: is or holds the current folder; name another one")
    check_outside(out)
    _check_free(out, replace_old)
    parent = next(p for p in (target, *target.parents) if p.exists())
    if not parent.is_dir() or not os.access(parent, os.W_OK | os.X_OK):
        reason = "no permission in" if parent.is_dir() else "no folder is"
        raise PackageError(f"{out}: cannot be written ({reason} {parent})")


def check_outside(path: Path) -> None:
    """Refuse to write anything into a package: its manifest would no longer be true."""
    around = next((folder for folder in _real(path).parents if is_ours(folder)), None)
    if around is not None:
        raise PackageError(f"{path}: lies in the package {around}, to which nothing is added; name another place")


def _check_apart(out: Path, path: Path) -> None:
    """Refuse an output that overlaps with an input, whatever links and relative names lead there."""
    target, read = _real(out), _real(path)
    if _same(target, read):
        raise PackageError(f"{out}: is the input {path} itself; name another folder for the output")
    if any(_same(target, folder) for folder in read.parents):
        raise PackageError(f"{out}: holds the input {path}; name another folder for the output")
    if any(_same(folder, read) for folder in target.parents):
        raise PackageError(f"{out}: lies in the input {path}; name another folder for the output")


def _real(path: Path) -> Path:
    """An absolute path without links and `..`, also where nothing is there yet."""
    return Path(os.path.realpath(path))


def _same(one: Path, other: Path) -> bool:
    """Whether two real paths are one place: by name, or by the file system where that knows more names for it."""
    try:
        return one == other or one.samefile(other)
    except OSError:
        return False


def _check_free(out: Path, replace_old: bool) -> None:
    target = _real(out)
    try:
        if _is_free(target):
            return
        if not replace_old:
            offer = ", or use --replace" if is_ours(target) else ""
            raise PackageError(f"{out}: exists and is not empty; name a new or empty folder{offer}")
        _check_ours(target, out)
    except OSError as error:
        raise PackageError(f"{out}: cannot be looked through ({error.strerror or error})") from error


def _is_free(target: Path) -> bool:
    return not target.exists() or (target.is_dir() and not any(target.iterdir()))


def _check_ours(folder: Path, out: Path) -> None:
    """Only what a run of ours wrote may be removed: a wrong name or a file put beside it costs nobody a file."""
    found = differences(folder)
    if found is None:
        raise PackageError(f"{out}: is not a package (it has no manifest.json of fhir2cdisc), so it is not replaced")
    if found != Differences():
        advice = "save what you need and remove the folder yourself"
        raise PackageError(f"{out}: is not replaced: {_in_words(found)}; {advice}")


def _in_words(found: Differences) -> str:
    """The first thing that is not as it was written, what would be lost before what is lost already."""
    kinds = {
        "is not of this package": found.unknown,
        "was changed after it was written": found.changed,
        "is missing": found.missing,
    }
    says, names = next((says, names) for says, names in kinds.items() if names)
    rest = sum(map(len, kinds.values())) - 1
    return f"{names[0]} {says}" + (f" (and {rest} more files are not as they were written)" if rest else "")


def arrange_ectd(package: Path, study_id: str) -> None:
    """Copy the datasets of a package into its `m5/datasets/<study>/tabulations/sdtm` and `.../analysis/adam/datasets`.

    Their define.xml, define.html and stylesheet, split pieces and reviewer's guides go along, the same datasets in
    other formats do not: an agency takes transport files. Folder names of the study are lower-case, as in chapter 7
    of the FDA Study Data Technical Conformance Guide.
    """
    folder = "".join(c if c.isalnum() or c in "-_" else "-" for c in study_id.lower())
    study = package / "m5" / "datasets" / folder
    for kind, place in ECTD_PLACES.items():
        source = package / kind
        for path in sorted(p for p in source.rglob("*") if p.is_file() and p.suffix[1:] not in FORMATS):
            target = study / place / path.relative_to(source)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
