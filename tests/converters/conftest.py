"""Transport files read by four independent readers, in one shape."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pyreadstat
import pytest
from fhir2cdisc.converters.define.document import write_define
from fhir2cdisc.converters.xpt.write import read_xpt, study_lengths, with_lengths, write_xpt
from fhir2cdisc.mappings.standard.datasets import Dataset, Variable, sdtm_datasets
from lxml import etree


@dataclass(frozen=True)
class Reading:
    """What one reader found: NaN and "" as missing, dates as SAS numbers, formats without the dot."""

    frame: pd.DataFrame
    name: str | None = None
    label: str | None = None
    labels: dict[str, str] | None = None
    formats: dict[str, str] | None = None
    lengths: dict[str, int] | None = None


def by_pandas(path: Path) -> Reading:
    found: Any = pd.read_sas(path, format="xport", encoding="utf-8")
    # pandas 2.3 reads the word of zero as 2**-260, the smallest number of the format.
    return Reading(
        found.where(~found.isna() | ~found.dtypes.map(pd.api.types.is_object_dtype), "").replace(2.0**-260, 0.0)
    )


def by_pyreadstat(path: Path) -> Reading:
    frame, meta = pyreadstat.read_xport(path, disable_datetime_conversion=True)
    return Reading(
        frame,
        meta.table_name,
        meta.file_label or "",
        {k: v or "" for k, v in meta.column_names_to_labels.items()},
        {k: (v or "").rstrip(".") for k, v in meta.original_variable_types.items()},
        dict(meta.variable_storage_width),
    )


def by_xport(path: Path) -> Reading:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import xport.v56 as v56

        content = path.read_bytes()
        library: Any = v56.loads(content)
        start = content.index(b"HEADER RECORD*******MEMBER")
        header: Any = v56.MemberHeader.from_bytes(content[start : content.index(b"RECORD*******OBS ") + 74])
        (member,) = library.values()
        frame = pd.DataFrame({name: list(member[name]) for name in header})
    return Reading(
        frame,
        member.name,
        header.label,
        {name: header[name].label for name in header},
        {name: str(header[name].format).rstrip(".") for name in header},
        {name: header[name].length for name in header},
    )


def by_us(path: Path) -> Reading:
    frame, dataset = read_xpt(path, dates=False)
    return Reading(
        frame,
        dataset.name,
        dataset.label,
        {v.name: v.label for v in dataset.variables},
        {v.name: v.format.rstrip(".") for v in dataset.variables},
        {v.name: v.length for v in dataset.variables},
    )


@pytest.fixture(scope="session")
def readers() -> dict[str, Callable[[Path], Reading]]:
    """Four readers of a transport file by name; each takes a path and gives a Reading."""
    return {"pandas": by_pandas, "pyreadstat": by_pyreadstat, "xport": by_xport, "fhir2cdisc": by_us}


Package = list[tuple[Dataset, pd.DataFrame]]

# A small synthetic study of two subjects that keeps every rule; tests spoil one thing at a time.
SMALL = Path(__file__).parent / "small_package"
ORDER = {"sdtm": ("TS", "DM", "AE", "EX", "RS", "SUPPAE"), "adam": ("ADSL", "ADRS", "ADTTE")}
SDTM_KEYS = {
    "TS": ("STUDYID", "TSPARMCD", "TSSEQ"),
    "DM": ("STUDYID", "USUBJID"),
    "AE": ("STUDYID", "USUBJID", "AESTDTC", "AESEQ"),
    "EX": ("STUDYID", "USUBJID", "EXTRT", "EXSTDTC"),
    "RS": ("STUDYID", "USUBJID", "RSTESTCD", "VISITNUM", "RSDTC"),
    "SUPPAE": ("STUDYID", "RDOMAIN", "USUBJID", "IDVAR", "IDVARVAL", "QNAM"),
}
ADAM_CLASSES = {
    "ADSL": ("SUBJECT LEVEL ANALYSIS DATASET", "One record per subject", ("STUDYID", "USUBJID")),
    "ADRS": ("BASIC DATA STRUCTURE", "One record per subject per parameter per date", ()),
    "ADTTE": ("BASIC DATA STRUCTURE", "One record per subject per parameter", ()),
}
NUMBERS = {"AGE", "AVAL", "ADY", "CNSR", "VISITNUM", "EXDOSE", "SRCSEQ"}
CODELISTS = {"SEX": ("C66731",), "RACE": ("C74457",), "SAFFL": ("C66742",), "ANL01FL": ("C66742",)}


@cache
def tables(kind: str) -> dict[str, pd.DataFrame]:
    """The frames of the small package, to be copied; numbers, dates and texts by the habits of variable names."""
    return {name: table(SMALL / kind / f"{name.lower()}.csv") for name in ORDER[kind]}


def table(path: Path) -> pd.DataFrame:
    frame = pd.read_csv(path, dtype=object, keep_default_na=False)
    for name in frame.columns:
        if name in NUMBERS or name.endswith(("SEQ", "DY", "LLTCD", "PTCD", "HLTCD", "HLGTCD", "BDSYCD", "SOCCD")):
            frame[name] = pd.to_numeric(frame[name]).astype("float64")
        elif name.endswith("DT"):
            frame[name] = pd.to_datetime(frame[name])
    return frame


def sdtm_dataset(name: str, frame: pd.DataFrame) -> Dataset:
    known = sdtm_datasets()["SUPPQUAL" if name.startswith("SUPP") else name].select(frame.columns)
    described = tuple(
        replace(v, origin="Derived", method="--DTC minus RFSTDTC in days, no day 0")
        if v.name.endswith("DY")
        else replace(v, origin="Collected", source=f"{name} form")
        for v in known.variables
    )
    label = f"Supplemental Qualifiers for {name[4:]}" if name.startswith("SUPP") else known.label
    return replace(known, name=name, label=label, variables=described, keys=SDTM_KEYS[name])


def adam_dataset(name: str, frame: pd.DataFrame) -> Dataset:
    class_, structure, keys = ADAM_CLASSES[name]
    variables = tuple(
        Variable(
            column,
            ADAM_LABELS.get(column, f"Label of {column}"),
            "Char" if frame[column].dtype == object else "Num",
            core="Req" if column in ("STUDYID", "USUBJID") else "",
            codelists=CODELISTS.get(column, ()),
            format="DATE9." if column.endswith("DT") else "",
            origin="Derived" if column in ("AVAL", "CNSR", "ADT") else "Predecessor",
            source="" if column in ("AVAL", "CNSR", "ADT") else f"DM.{column}",
            method=METHODS.get(column, ""),
        )
        for column in frame.columns
    )
    keys = keys or ("STUDYID", "USUBJID", "PARAMCD", "ADT")
    return Dataset(name, f"{name} Analysis Dataset", class_, structure, variables, keys)


METHODS = {"AVAL": "ADT - STARTDT + 1", "ADT": "Date of the record", "CNSR": "0 for an event"}
ADAM_LABELS = {
    "STUDYID": "Study Identifier",
    "USUBJID": "Unique Subject Identifier",
    "AVAL": "Analysis Value",
    "CNSR": "Censor",
    "PARAM": "Parameter",
    "PARAMCD": "Parameter Code",
}


@pytest.fixture
def sdtm_package() -> Package:
    """A valid small SDTM package: descriptions with frames."""
    return small("sdtm")


@pytest.fixture
def adam_package() -> Package:
    """A valid small ADaM package: descriptions with frames."""
    return small("adam")


@cache
def described(kind: str) -> list[Dataset]:
    """The datasets of the small package."""
    describe = sdtm_dataset if kind == "sdtm" else adam_dataset
    return [describe(name, frame) for name, frame in tables(kind).items()]


def small(kind: str) -> Package:
    """One half of the small package, with frames that a test may change."""
    return [(dataset, tables(kind)[dataset.name][[*dataset.names]].copy()) for dataset in described(kind)]


@pytest.fixture(scope="session")
def define_schema() -> Any:
    """The XSD of Define-XML 2.1 with Analysis Results Metadata 1.0, as odmlib carries it."""
    import odmlib

    root = Path(odmlib.__file__).parent / "schemas" / "arm" / "1.0-define2.1" / "arm1-0-0.xsd"
    return etree.XMLSchema(etree.parse(root))


@pytest.fixture(scope="session")
def small_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The valid small package as files, written once, to be copied."""
    folder = PackageFolder(tmp_path_factory.mktemp("small") / "package", small("sdtm"), small("adam"))
    folder.write()
    return folder.path


@pytest.fixture
def package_dir(tmp_path: Path, small_folder: Path, sdtm_package: Package, adam_package: Package) -> PackageFolder:
    """A valid package on disk that can be written again with other content."""
    path = Path(shutil.copytree(small_folder, tmp_path / "package"))
    return PackageFolder(path, sdtm_package, adam_package)


@dataclass
class PackageFolder:
    """A package folder with the frames that it was made of."""

    path: Path
    sdtm: Package
    adam: Package

    def write(self, *kinds: str) -> None:
        """Write the datasets and the define.xml of both kinds, or of those named."""
        for kind, datasets in (("sdtm", self.sdtm), ("adam", self.adam)):
            if kinds and kind not in kinds:
                continue
            frames = {dataset.name: frame for dataset, frame in datasets}
            lengths = study_lengths(frames)
            sized = [(with_lengths(dataset, lengths), frame) for dataset, frame in datasets]
            for dataset, frame in sized:
                path = self.path / kind / f"{dataset.name.lower()}.xpt"
                write_xpt(frame, path, name=dataset.name, label=dataset.label, variables=dataset.variables)
            standard = ("SDTMIG", "3.4") if kind == "sdtm" else ("ADaMIG", "1.3")
            write_define(self.path / kind / "define.xml", study=STUDY, datasets=sized, standard=standard)

    def change(self, name: str, edit: Callable[[Dataset, pd.DataFrame], tuple[Dataset, pd.DataFrame]]) -> None:
        """Replace one dataset by an edited one and write its kind again."""
        kind = "sdtm" if name in {d.name for d, _ in self.sdtm} else "adam"
        datasets: Package = getattr(self, kind)
        setattr(self, kind, [edit(d, f.copy()) if d.name == name else (d, f) for d, f in datasets])
        self.write(kind)


@dataclass(frozen=True)
class Study:
    id: str = "SYN01"
    name: str = "Synthetic"
    description: str = "A synthetic study of two subjects"


STUDY = Study()
