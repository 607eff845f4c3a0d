"""Conformance: the small package keeps every rule; for each rule a package that breaks it is found out."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from fhir2cdisc.converters.check import define as rules_define
from fhir2cdisc.converters.check import manifest as rules_manifest
from fhir2cdisc.converters.check import xpt as rules_xpt
from fhir2cdisc.converters.check.conformance import (
    RULES,
    as_text,
    validate_package,
)
from fhir2cdisc.converters.check.rule import Rule
from fhir2cdisc.converters.manifest import build_manifest, write_manifest
from fhir2cdisc.converters.xpt.write import write_xpt
from fhir2cdisc.mappings.standard.datasets import Dataset, Variable, sdtm_datasets
from lxml import etree
from support.command import call

Spoil = Callable[[Any], None]


def test_the_small_package_keeps_every_rule(package_dir: Any) -> None:
    report = validate_package(package_dir.path)
    assert report.issues == (), as_text(report)
    assert report.passed and len(report.datasets) == 9


def described(dataset: Dataset, frame: pd.DataFrame) -> Dataset:
    """The dataset with a description for every column, in the order of the guide where it has one."""
    model = sdtm_datasets().get("SUPPQUAL" if dataset.name.startswith("SUPP") else dataset.name)
    known = {v.name: v for v in dataset.variables}
    for name in frame.columns:
        if name not in known:
            numeric = frame[name].dtype != object
            plain = Variable(name, f"Label of {name}", "Num" if numeric else "Char", origin="Collected")
            found = replace(model[name], origin="Collected") if model and name in model else plain
            known[name] = replace(found, format="DATE9." if name.endswith("DT") else "")
    order = model.names if model else ()
    names = sorted(frame.columns, key=lambda n: order.index(n) if n in order else 999)
    return replace(dataset, variables=tuple(known[name] for name in names))


def put(name: str, **columns: Any) -> Spoil:
    """A dataset with other values: a list for the whole column, or one value for the first row."""

    def edit(dataset: Dataset, frame: pd.DataFrame) -> tuple[Dataset, pd.DataFrame]:
        for column, value in columns.items():
            if column not in frame.columns:
                frame[column] = np.nan if not isinstance(value, str | list) else ""
                if isinstance(value, list):
                    frame[column] = pd.Series(value, index=frame.index)
            if isinstance(value, list):
                frame[column] = pd.Series(value, index=frame.index, dtype=frame[column].dtype)
            else:
                frame.loc[frame.index[0], column] = value
        return described(dataset, frame), frame

    return lambda folder: folder.change(name, edit)


def drop(name: str, *columns: str) -> Spoil:
    def edit(dataset: Dataset, frame: pd.DataFrame) -> tuple[Dataset, pd.DataFrame]:
        return dataset, frame.drop(columns=list(columns))

    return lambda folder: folder.change(name, edit)


def again(name: str, **columns: Any) -> Spoil:
    """A dataset with its first row twice, changed where columns say so."""

    def edit(dataset: Dataset, frame: pd.DataFrame) -> tuple[Dataset, pd.DataFrame]:
        row = frame.iloc[[0]].assign(**columns)
        return dataset, pd.concat([frame, row], ignore_index=True)

    return lambda folder: folder.change(name, edit)


def describe(name: str, variable: str, **changes: Any) -> Spoil:
    def edit(dataset: Dataset, frame: pd.DataFrame) -> tuple[Dataset, pd.DataFrame]:
        changed = tuple(replace(v, **changes) if v.name == variable else v for v in dataset.variables)
        return replace(dataset, variables=changed), frame

    return lambda folder: folder.change(name, edit)


def without(*names: str) -> Spoil:
    def spoil(folder: Any) -> None:
        for name in names:
            (folder.path / name).unlink()

    return spoil


ECTD = "m5/datasets/s/analysis/adam/datasets"


def with_manifest(folder: Any) -> None:
    write_manifest(build_manifest([], folder.path, {}), folder.path)


def written(name: str, text: str) -> Spoil:
    def spoil(folder: Any) -> None:
        (folder.path / name).parent.mkdir(parents=True, exist_ok=True)
        (folder.path / name).write_text(text)

    return spoil


def linked(name: str) -> Spoil:
    return lambda folder: (folder.path / name).symlink_to(folder.path)


def bytes_of(name: str, old: bytes, new: bytes) -> Spoil:
    def spoil(folder: Any) -> None:
        content = (folder.path / name).read_bytes()
        assert old in content and len(old) == len(new)
        (folder.path / name).write_bytes(content.replace(old, new))

    return spoil


def define(kind: str, path: str, change: Callable[[Any], None]) -> Spoil:
    """define.xml with the first element of a path changed."""

    def spoil(folder: Any) -> None:
        file = folder.path / kind / "define.xml"
        tree = etree.parse(file)
        change(rules_define.find(tree, path)[0])
        tree.write(file)

    return spoil


def attribute(name: str, value: str) -> Callable[[Any], None]:
    return lambda node: node.set(name, value)


def remove(node: Any) -> None:
    node.getparent().remove(node)


def new_dataset(kind: str, name: str, **columns: Any) -> Spoil:
    """One more SDTM dataset in the package."""

    def spoil(folder: Any) -> None:
        frame = pd.DataFrame(columns)
        model = sdtm_datasets()[name]
        dataset = described(replace(model.select(frame.columns), keys=("USUBJID",)), frame)
        folder.sdtm = [*folder.sdtm, (dataset, frame[list(dataset.names)])]
        folder.write()

    return spoil


def file(name: str, **columns: Any) -> Spoil:
    """One more SDTM file of bare columns, which no define.xml describes."""

    def spoil(folder: Any) -> None:
        write_xpt(pd.DataFrame(columns), folder.path / "sdtm" / f"{name.lower()}.xpt", name=name)

    return spoil


def supplement(name: str, **columns: str) -> Spoil:
    """One more qualifier of the first subject, of its second event by the term where no columns say otherwise."""
    subject = {"IDVAR": "", "IDVARVAL": ""} if columns else {"IDVAR": "AETERM", "IDVARVAL": "Fatigue"}
    return again("SUPPAE", QNAM=name, QLABEL=name, **subject, **columns)


def both(*spoils: Spoil) -> Spoil:
    def spoil(folder: Any) -> None:
        for one in spoils:
            one(folder)

    return spoil


def lesions(named: str) -> Spoil:
    """Three lesions of one subject and one of the other in TU, and a measurement of the first by this name."""
    tu = {"USUBJID": [SUBJECTS[0]] * 3 + [SUBJECTS[1]], "TULNKID": ["T01", "T02", "N-03", "T04"]}
    return both(file("TU", **tu), file("TR", USUBJID=SUBJECTS[:1], TRLNKID=[named]))


SUBJECTS = ["SYN01-01", "SYN01-02"]
ITEM = "//o:ItemDef[@OID='IT.AE.AETERM']"
BROKEN: dict[str, list[Spoil]] = {
    "XPT-001": [
        lambda f: (f.path / "sdtm" / "zz.xpt").write_text("no transport file" * 60),
        lambda f: (f.path / "sdtm" / "dm2.xpt").write_bytes((f.path / "sdtm" / "dm.xpt").read_bytes()),
    ],
    "XPT-002": [lambda f: [p.unlink() for p in f.path.rglob("*.xpt")]],
    "XPT-003": [lambda f: (f.path / "sdtm" / "ex.xpt").rename(f.path / "sdtm" / "EX.xpt")],
    "XPT-004": [bytes_of("sdtm/ae.xpt", b"AEACN   ", b"AE_CN   ")],
    "XPT-005": [describe("AE", "AETERM", label="")],
    "XPT-006": [describe("ADSL", "TRT01P", label="Planned (treatment")],
    "XPT-007": [bytes_of("sdtm/ae.xpt", b"Headache", b"Headach\xe9")],
    "XPT-008": [put("AE", AETERM="Head\nache")],
    "XPT-009": [put("AE", AETERM=" Headache"), put("AE", AETERM=".")],
    "XPT-010": [lambda f: overlong(f.path / "sdtm" / "zz.xpt")],
    "XPT-011": [lambda f: longer(f)],
    "XPT-012": [lambda f: None],
    "SDTM-001": [without("sdtm/ts.xpt"), without("sdtm/dm.xpt")],
    "SDTM-002": [put("TS", TSVAL="spring 2024"), put("TS", TSPARMCD="OTHER")],
    "SDTM-003": [drop("AE", "AEDECOD")],
    "SDTM-004": [drop("AE", "AEACN")],
    "SDTM-005": [put("AE", AETERM="")],
    "SDTM-006": [put("AE", AENEW="x")],
    "SDTM-007": [lambda f: f.change("AE", lambda d, x: (replace(d, variables=d.variables[1:] + d.variables[:1]), x))],
    "SDTM-008": [describe("AE", "AETERM", label="Term")],
    "SDTM-009": [lambda f: f.change("EX", lambda d, x: (retyped(d, "EXDOSE", "Char"), x.assign(EXDOSE=["12.5", "8"])))],
    "SDTM-010": [put("AE", DOMAIN="XX")],
    "SDTM-011": [put("AE", STUDYID="OTHER")],
    "SDTM-012": [put("DM", DTHFL="J"), put("AE", AESER="YES")],
    "SDTM-013": [put("EX", EXDOSFRM="MAGIC POTION"), put("RS", RSSTRESC="SLIGHTLY BETTER")],
    "SDTM-014": [
        put("AE", AESTDTC="12/01/2024"),
        put("AE", AESTDTC="2024-13-01"),
        put("AE", AEENDTC="2024-02-30"),
        *(put("AE", AEENDTC=value) for value in ("2024-01-14/soon", "2024-01-14/2024-02-30", "2024-01-14/")),
        *(put("AE", AEENDTC=value) for value in ("P2D/P3D", "P2D", "2024-01-14/-P2D", "2024-01-14/P1D/P1D")),
    ],
    "SDTM-015": [
        *(put("AE", AEDUR=value) for value in ("three days", "P", "P1DT", "P1D2M", "P1W2D")),
        *(put("AE", AEDUR=value) for value in ("P1.5DT2H", "P1.5Y2M", "P1.D")),
    ],
    "SDTM-016": [
        put("AE", AESEQ=2.0),
        put("AE", AESEQ=np.nan),
        both(
            file("QSFH", DOMAIN=["QS"] * 2, USUBJID=SUBJECTS, QSSEQ=[1.0, 1.0]),
            file("QSPR", DOMAIN=["QS"] * 2, USUBJID=SUBJECTS, QSSEQ=[2.0, 1.0]),
        ),
        file("OI", DOMAIN=["OI"] * 2, NHOID=["HIV 1"] * 2, OIPARMCD=["SPECIES"] * 2, OISEQ=[1.0, 1.0]),
    ],
    "SDTM-017": [put("RS", RSTESTCD="1OVR"), put("RS", RSTESTCD="O-R"), put("SUPPAE", QNAM="TOOLONGNAME")],
    "SDTM-018": [put("RS", RSTEST="x" * 41)],
    "SDTM-019": [
        put("RS", VISIT="WEEK 9"),
        put("RS", RSTEST="Another"),
        both(put("RS", VISITNUM=2.1, VISIT="WEEK 9"), file("TV", VISITNUM=[2.1, 3.0])),
        put("RS", VISITNUM=2.1, VISIT="WEEK 9", VISITDY=[43.0, 64.0, 43.0]),
    ],
    "SDTM-020": [put("RS", RSSTRESC=""), put("RS", RSSTAT="NOT DONE")],
    "SDTM-021": [put("RS", RSSTRESC="5", RSSTRESN=[6.0, np.nan, np.nan])],
    "SDTM-022": [lambda f: write_xpt(pd.DataFrame({"TETEXT": ["x" * 90]}), f.path / "sdtm" / "test.xpt", name="TEST")],
    "LINK-001": [again("DM")],
    "LINK-002": [put("EX", USUBJID="SYN01-99")],
    "LINK-003": [put("DM", DTHFL="")],
    "LINK-004": [put("DM", AGE=-1.0), put("DM", AGEU="")],
    "LINK-005": [
        put("AE", AEENDTC="2024-01-11"),
        put("DM", RFENDTC="2023"),
        put("AE", AESTDTC="2024-01-12T10:00", AEENDTC="2024-01-12T09:00"),
    ],
    "LINK-006": [
        put("AE", AESTDY=2.0),
        put("AE", AESTDY=np.nan),
        put("AE", AESTDTC="2024-01"),
        put("AE", AESTDY=0.0),
    ],
    "LINK-007": [put("SUPPAE", IDVARVAL="7"), put("SUPPAE", RDOMAIN="CM"), put("SUPPAE", IDVAR="AENONE")],
    "LINK-008": [again("SUPPAE", QVAL="N")],
    "LINK-009": [put("SUPPAE", QNAM="AETERM")],
    "LINK-010": [
        new_dataset(
            "sdtm",
            "RELREC",
            STUDYID=["SYN01"],
            RDOMAIN=["AE"],
            USUBJID=["SYN01-01"],
            IDVAR=["AESEQ"],
            IDVARVAL=["1"],
            RELTYPE=[""],
            RELID=["R1"],
        )
    ],
    "LINK-011": [
        both(
            new_dataset("sdtm", "TU", STUDYID="SYN01", DOMAIN="TU", USUBJID=SUBJECTS, TULNKID=["T01", "T01"]),
            new_dataset("sdtm", "TR", STUDYID="SYN01", DOMAIN="TR", USUBJID=SUBJECTS, TRLNKID=["T01", "T02"]),
        ),
        *(lesions(named) for named in ("T010", "T01/T09", "T04a", "NT01", "T01-T1", "T01/")),
    ],
    "LINK-012": [put("RS", RSLOBXFL=["Y", "Y", ""])],
    "LINK-013": [put("AE", AESHOSP="Y")],
    "ADAM-001": [without("adam/adsl.xpt")],
    "ADAM-002": [again("ADSL"), put("ADSL", USUBJID="")],
    "ADAM-003": [drop("ADSL", "AGEU"), drop("ADSL", "TRT01P")],
    "ADAM-004": [put("ADSL", USUBJID="SYN01-99"), put("ADTTE", USUBJID="SYN01-98")],
    "ADAM-005": [put("ADRS", TRT01P="Other")],
    "ADAM-006": [
        describe("ADRS", "TRT01P", label="Another label"),
        both(put("ADTTE", ANL01FL=[1.0, 1.0]), describe("ADTTE", "ANL01FL", label="Label of ANL01FL")),
    ],
    "ADAM-007": [drop("ADRS", "PARAM"), drop("ADRS", "AVAL", "AVALC")],
    "ADAM-008": [put("ADTTE", PARAMCD=[code] * 2) for code in ("PFS-INV", "_PFS", "1PFS")],
    "ADAM-009": [put("ADTTE", PARAM="Another"), put("ADRS", AVISIT=["A", "A", "B"], AVISITN=[1.0, 2.0, 3.0])],
    "ADAM-010": [put("ADRS", AVALC="PD"), put("ADRS", AVAL=5.0)],
    "ADAM-011": [
        put("ADRS", BASE=[1.0, 1.0, 1.0], CHG=[2.0, 4.0, 2.0]),
        put("ADRS", BASE=[1.0] * 3, PCHG=[9.0] * 3),
    ],
    "ADAM-012": [
        put("ADRS", ABLFL=["Y", "Y", ""]),
        put("ADRS", ABLFL=["Y", "", "Y"], BASE=[2.0, 9.0, 3.0]),
    ],
    "ADAM-013": [put("ADRS", ADY=44.0), put("ADRS", ADY=0.0), put("ADRS", ADY=[-27.0, 1.0, 43.0])],
    "ADAM-014": [put("ADRS", ANL01FL="U"), put("ADSL", SAFFL=""), put("ADRS", XXFL="1")],
    "ADAM-015": [lambda f: undated(f)],
    "ADAM-016": [put("ADSL", TRTEDT=pd.Timestamp("2024-01-09"))],
    "ADAM-017": [
        put("ADRS", SRCSEQ=9.0),
        put("ADRS", SRCDOM="XX"),
        put("ADRS", SRCVAR="RSNONE"),
        put("ADTTE", SRCDOM="ADXX"),
        put("ADRS", SRCDOM="AE", SRCVAR="AENONE"),
        put("ADRS", SRCDOM="AE", SRCVAR="AETRTEM", SRCSEQ=2.0),
        put("ADRS", SRCDOM=["RS", "RS", "AE"], SRCVAR=["RSSTRESC"] * 2 + ["AETRTEM"]),
    ],
    "ADAM-018": [put("ADTTE", ADTF="X"), put("ADTTE", ASTTMF="D"), put("ADTTE", PARAMTYP="ORIGINAL")],
    "ADAM-019": [put("ADRS", DTYPE="GUESS")],
    "ADAM-020": [put("ADRS", ADY=[45.0, 73.0, 43.0])],
    "TTE-001": [drop("ADTTE", "AVAL")],
    "TTE-002": [put("ADTTE", CNSR=np.nan), lambda f: f.change("ADTTE", lambda d, x: worded(d, x))],
    "TTE-003": [put("ADTTE", CNSDTDSC="of an event")],
    "TTE-004": [put("ADTTE", EVNTDESC="Last assessment")],
    "TTE-005": [put("ADTTE", ADT=pd.Timestamp("2024-01-09"))],
    "TTE-006": [put("ADTTE", AVAL=70.0), put("ADTTE", AVAL=np.nan)],
    "TTE-007": [again("ADTTE")],
    "TTE-008": [drop("ADTTE", name) for name in ("STARTDT", "ADT", "EVNTDESC")],
    "TTE-009": [put("ADTTE", CNSR=0.5), put("ADTTE", CNSR=-1.0)],
    "TTE-010": [put("ADTTE", EVNTDESC=""), put("ADTTE", CNSDTDSC=["", ""])],
    "DEF-001": [without("sdtm/define.xml")],
    "DEF-002": [lambda f: (f.path / "adam" / "define.xml").write_text("<a>")],
    "DEF-003": [define("sdtm", "//o:ItemDef", attribute("DataType", "number"))],
    "DEF-004": [
        define("sdtm", "//o:CodeList", remove),
        define("adam", "//o:MethodDef", remove),
        define("sdtm", ITEM, remove),
    ],
    "DEF-005": [define("sdtm", "//o:ItemDef[2]", attribute("OID", "IT.TS.STUDYID"))],
    "DEF-006": [without("sdtm/ex.xpt"), define("sdtm", "//o:ItemGroupDef[@Name='EX']", remove)],
    "DEF-007": [
        define("sdtm", "//def:leaf", attribute("{http://www.w3.org/1999/xlink}href", "other.xpt")),
    ],
    "DEF-008": [
        define("sdtm", "//o:ItemRef[@ItemOID='IT.AE.AETERM']", remove),
        define("sdtm", ITEM, attribute("Name", "AEOTHER")),
    ],
    "DEF-009": [define("sdtm", "//o:ItemRef[@ItemOID='IT.AE.AETERM']", attribute("OrderNumber", "99"))],
    "DEF-010": [define("sdtm", f"{ITEM}//o:TranslatedText", lambda n: setattr(n, "text", "Other"))],
    "DEF-011": [
        define("sdtm", ITEM, attribute("Length", "9")),
        define("sdtm", ITEM, attribute("DataType", "float")),
    ],
    "DEF-012": [
        define("sdtm", "//o:ItemRef[@ItemOID='IT.AE.AESEQ']", lambda n: n.attrib.pop("KeySequence")),
        again("ADTTE"),
    ],
    "DEF-013": [lambda f: f.change("EX", lambda d, x: (d, x.iloc[::-1].reset_index(drop=True)))],
    "DEF-014": [define("sdtm", "//o:CodeList[starts-with(@OID, 'CL.SEX')]/*[@CodedValue='F']", remove)],
    "DEF-015": [describe("AE", "AETERM", origin=""), describe("ADTTE", "ADT", method="")],
    "PKG-001": [written("manifest.json", "{}"), written("manifest.json", "{")],
    "PKG-002": [both(with_manifest, without("sdtm/define.xsl")), both(with_manifest, without("adam/adtte.xpt"))],
    "PKG-003": [
        both(with_manifest, put("ADTTE", CNSR=1.0)),
        both(with_manifest, written("sdtm/define.html", "edited")),
        both(written("results/results.csv", "1"), with_manifest, written("results/results.csv", "2")),
    ],
    "PKG-004": [both(with_manifest, written("thesis.txt", "mine")), both(with_manifest, linked("sdtm/more"))],
    "PKG-005": [
        both(written("sdtm/csdrg.md", "draft"), with_manifest, written("sdtm/csdrg.md", "final")),
        both(written(f"{ECTD}/adrg.html", "draft"), with_manifest, written(f"{ECTD}/adrg.html", "final")),
    ],
}
# Keys that stop telling records apart need rows that share what is left of them.
BROKEN["DEF-012"][0] = both(put("AE", AESTDTC=["2024-01-12"] * 2 + ["2024-01-31T08:30"]), BROKEN["DEF-012"][0])
# What the guides allow: none of these breaks the rule.
ALLOWED: dict[str, list[Spoil]] = {
    "PKG-001": [with_manifest],
    "PKG-002": [with_manifest],
    "PKG-003": [
        with_manifest,
        both(written("sdtm/csdrg.md", "draft"), with_manifest, written("sdtm/csdrg.md", "final")),
    ],
    "PKG-004": [with_manifest, both(written("thesis.txt", "mine"), with_manifest), written("thesis.txt", "mine")],
    # Tests without a code are told apart by their names.
    "LINK-012": [
        put("RS", RSTESTCD=["", "", "OVRLRESP"], RSTEST=["A", "B", "Overall Response"], RSLOBXFL=["Y", "Y", ""])
    ],
    "SDTM-014": [
        *(put("AE", AEENDTC=value) for value in ("2024-01-14/2024-01-20", "2024-01-14/P3D", "P3D/2024-01-20")),
        *(put("AE", AEENDTC=value) for value in ("2024-01-14T10:00/2024-01-14T10:30", "2024-01/2024-02")),
        *(put("AE", AEENDTC=value) for value in ("--01-14", "2024---14", "-----T07:15", "2024-01-14T-:15")),
    ],
    "SDTM-015": [
        *(put("AE", AEDUR=value) for value in ("P4.5W", "P1DT2.5H", "P0.5D", "-PT0.5S", "P1Y2M3DT4H5M6S")),
    ],
    "SDTM-016": [
        both(
            file("QSFH", DOMAIN=["QS"] * 2, USUBJID=SUBJECTS, QSSEQ=[1.0, 1.0]),
            file("QSPR", DOMAIN=["QS"] * 2, USUBJID=SUBJECTS, QSSEQ=[2.0, 2.0]),
        ),
        file("OI", DOMAIN=["OI"] * 2, NHOID=["HIV 1", "HIV 2"], OIPARMCD=["SPECIES"] * 2, OISEQ=[1.0, 1.0]),
        both(file("QSFH", DOMAIN=[], USUBJID=[], QSSEQ=[]), file("QSPR", DOMAIN=["QS"], USUBJID=["1"], QSSEQ=[1.0])),
    ],
    "SDTM-017": [put("RS", RSTESTCD=["Ovr_1"] * 3), put("SUPPAE", QNAM="aetrt1")],
    "SDTM-019": [
        put("RS", VISITNUM=[2.1, 2.2, 2.3], VISIT=["UNSCHEDULED"] * 3),
        both(put("RS", VISITNUM=[90.0, 91.0, 92.0], VISIT=["UNPLANNED"] * 3), file("TV", VISITNUM=[2.0, 3.0])),
        put("RS", VISITNUM=[90.0, 3.0, 91.0], VISIT=["WEEK 9"] * 3, VISITDY=[np.nan, 64.0, np.nan]),
    ],
    "LINK-005": [put("AE", AEENDTC=value) for value in ("2024-01-10/2024-01-14", "P9D/2024-01-14")],
    "LINK-006": [put("AE", AESTDTC="2024-01-12/2024-01-13", AESTDY=np.nan)],
    "LINK-011": [lesions(n) for n in ("T01", "T01a", "T01.1", "T01-2", "T01/T02", "T02_T01", "N-03-T01", "T01/T02a")],
    "ADAM-006": [both(put("ADTTE", ANL01FL=["Y", "Y"]), describe("ADTTE", "ANL01FL", label="For the main model"))],
    "ADAM-008": [put("ADTTE", PARAMCD=["P_1"] * 2)],
    "ADAM-009": [
        put("ADRS", PARAMCD=["A", "B", "B"], PARAM=["A", "B", "B"], AVISIT=["W6", "W6", "W9"], AVISITN=[1.0, 2.0, 3.0]),
        put("ADRS", PARAMCD=["A", "B", "B"], PARAM=["A", "B", "B"], AVISIT=["W6", "D1", "W9"], AVISITN=[1.0, 1.0, 2.0]),
    ],
    "ADAM-010": [
        put("ADRS", AVALC=["PR", "", ""], AVAL=[2.0, 2.0, 2.0]),
        put("ADRS", PARAMCD=["A", "B", "B"], AVALC=["PR", "PD", "SD"], AVAL=[2.0, 2.0, 3.0]),
    ],
    # Other dates than the start of treatment; in the second case the first subject's counts from its progression.
    "ADAM-013": [
        put("ADRS", ADY=[45.0, 73.0, 1.0]),
        put("ADRS", ADY=[-28.0, 1.0, -5.0]),
        put("ADRS", PARAMCD=["A", "B", "B"], ADY=[43.0, 1.0, 43.0]),
    ],
    "ADAM-014": [
        put("ADRS", **{name: ["Y", "N", ""]})
        for name in ("ABLFL", "ANL01FL", "ONTRTFL", "TRTEMFL", "LVOTFL", "CRIT1FL")
    ],
    "ADAM-017": [
        put("ADRS", SRCDOM="AE", SRCVAR="AETRTEM"),
        put("ADRS", SRCDOM="AE", SRCVAR="AETRTEM", SRCSEQ=np.nan),
        both(supplement("AENOTE"), put("ADRS", SRCDOM="AE", SRCVAR="AENOTE", SRCSEQ=2.0)),
        both(supplement("DMNOTE", RDOMAIN="DM"), put("ADRS", SRCDOM="DM", SRCVAR="DMNOTE", SRCSEQ=np.nan)),
        both(
            file("QSFH", DOMAIN=["QS"], USUBJID=SUBJECTS[:1], QSSEQ=[1.0], QSORRES=["2"]),
            file("QSPR", DOMAIN=["QS"], USUBJID=SUBJECTS[:1], QSSEQ=[2.0], QSORRES=["3"]),
            put("ADRS", SRCDOM=["QS", "QS", "RS"], SRCVAR=["QSORRES"] * 2 + ["RSSTRESC"]),
        ),
    ],
    "TTE-001": [drop("ADTTE", "STARTDT"), drop("ADTTE", "EVNTDESC"), drop("ADTTE", "CNSDTDSC")],
    "TTE-002": [put("ADTTE", CNSR=-1.0), put("ADTTE", PARAMCD=["PFS", "AGE"], CNSR=[0.0, np.nan])],
    "TTE-003": [put("ADTTE", EVNTDESC=""), put("ADTTE", CNSDTDSC=["", ""])],
    "TTE-010": [drop("ADTTE", "CNSDTDSC")],
}


def overlong(path: Path) -> None:
    """A transport file with a character variable of 250 bytes, as other writers make it."""
    write_xpt(pd.DataFrame({"A": ["x" * 200], "B": ["y" * 50]}), path, name="ZZ")
    content = path.read_bytes()
    first, second = content.index(b"A       ") - 8, content.index(b"B       ") - 8
    changed = bytearray(content)
    changed[first + 4 : first + 6] = (249).to_bytes(2, "big")
    changed[second + 4 : second + 6] = (1).to_bytes(2, "big")
    changed[second + 84 : second + 88] = (249).to_bytes(4, "big")
    path.write_bytes(bytes(changed))


def longer(folder: Any) -> None:
    """One file with a length that no value of the study needs."""
    dataset, frame = next(p for p in folder.sdtm if p[0].name == "EX")
    wide = tuple(replace(v, length=150) if v.name == "EXTRT" else v for v in dataset.variables)
    write_xpt(frame, folder.path / "sdtm" / "ex.xpt", name="EX", label=dataset.label, variables=wide)


def undated(folder: Any) -> None:
    dataset, frame = next(p for p in folder.adam if p[0].name == "ADRS")
    plain = frame.assign(ADT=(frame["ADT"] - pd.Timestamp("1960-01-01")).dt.days.astype(float))
    variables = tuple(replace(v, format="") if v.name == "ADT" else v for v in dataset.variables)
    write_xpt(plain, folder.path / "adam" / "adrs.xpt", name="ADRS", label=dataset.label, variables=variables)


def worded(dataset: Dataset, frame: pd.DataFrame) -> tuple[Dataset, pd.DataFrame]:
    """CNSR in words."""
    return retyped(dataset, "CNSR", "Char"), frame.assign(CNSR=["EVENT", "CENSORED"])


def retyped(dataset: Dataset, name: str, kind: Any) -> Dataset:
    return replace(dataset, variables=tuple(replace(v, type=kind) if v.name == name else v for v in dataset.variables))


FUZZ = bool(os.environ.get("FHIR2CDISC_FUZZ"))
# Of the other rules, which must stand the package too, each case takes one in eight; FHIR2CDISC_FUZZ=1 takes all.
SHARE = 1 if FUZZ else 8


def with_others(rule: str, case: int) -> list[Rule]:
    """The rule and a share of the others, another one for the next case."""
    return [one for n, one in enumerate(RULES) if one.id == rule or (n + case) % SHARE == 0]


def cases(spoils: dict[str, list[Spoil]]) -> list[tuple[int, str, int]]:
    """Number of the case, rule, number of the spoil."""
    pairs = [(rule, number) for rule, own in spoils.items() for number in range(len(own))]
    return [(case, *pair) for case, pair in enumerate(pairs)]


@pytest.mark.parametrize(("case", "rule", "number"), cases(BROKEN))
def test_each_rule_finds_the_package_that_breaks_it(
    package_dir: Any, case: int, rule: str, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if rule == "XPT-012":
        monkeypatch.setattr(rules_xpt, "MAX_BYTES", 100)
    BROKEN[rule][number](package_dir)
    report = validate_package(package_dir.path, rules=with_others(rule, case))
    found = [issue for issue in report.issues if issue.rule == rule]
    assert found, as_text(report)
    severity = next(r.severity for r in RULES if r.id == rule)
    assert all(issue.severity == severity for issue in found), as_text(report)
    assert not [i for i in report.issues if "could not be applied" in i.message], as_text(report)


@pytest.mark.parametrize(("case", "rule", "number"), cases(ALLOWED))
def test_what_a_guide_allows_breaks_no_rule(package_dir: Any, case: int, rule: str, number: int) -> None:
    ALLOWED[rule][number](package_dir)
    report = validate_package(package_dir.path, rules=with_others(rule, case))
    found = [i for i in report.issues if i.rule == rule or "could not be applied" in i.message]
    assert not found, as_text(report)


def test_every_rule_has_a_case_an_id_of_its_own_and_a_source() -> None:
    assert {rule.id for rule in RULES} == set(BROKEN)
    assert len({rule.id for rule in RULES}) == len(RULES)
    assert all(rule.section and rule.says.endswith(".") for rule in RULES)


def test_the_readme_counts_the_rules() -> None:
    readme = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"(\d+) rules of our own", readme) == [str(len(RULES))]


@pytest.mark.parametrize(("number", "rules"), [(29.001, set()), (29.0, {"ADAM-017"})])
def test_a_visit_as_source_is_named_by_its_number(package_dir: Any, number: float, rules: set[str]) -> None:
    subject = next(frame["USUBJID"].iloc[0] for dataset, frame in package_dir.adam if dataset.name == "ADRS")
    sv = pd.DataFrame({"USUBJID": [subject], "VISITNUM": [29.001], "SVSTDTC": ["2024-02-12"]})
    write_xpt(sv, package_dir.path / "sdtm" / "sv.xpt", name="SV")
    put("ADRS", SRCDOM="SV", SRCVAR="SVSTDTC", SRCSEQ=number)(package_dir)
    assert {i.rule for i in validate_package(package_dir.path).issues if i.rule == "ADAM-017"} == rules


def test_the_row_of_a_finding_counts_from_one(package_dir: Any) -> None:
    put("AE", AETERM=["Headache", "", "Nausea"])(package_dir)
    (issue,) = [i for i in validate_package(package_dir.path).issues if i.rule == "SDTM-005"]
    assert (issue.place, issue.rows, issue.shown_rows) == ("AE.AETERM", (2,), "row 2")


def test_a_measured_number_is_no_term_of_the_codelist_of_results(package_dir: Any) -> None:
    put("RS", RSSTRESC="4.5", RSORRES="4.5")(package_dir)
    assert validate_package(package_dir.path).issues == ()


def test_times_in_months_follow_the_name_of_the_parameter(package_dir: Any) -> None:
    # 71 and 43 days are 2.332649 and 1.412731 months of 30.4375 days.
    name = "Progression-Free Survival (months)"
    put("ADTTE", PARAM=[name, name], AVAL=[2.332649, 1.412731])(package_dir)
    assert validate_package(package_dir.path).issues == ()
    put("ADTTE", AVAL=[2.33, 1.41])(package_dir)
    assert validate_package(package_dir.path).issues == ()
    put("ADTTE", AVAL=[2.33, 1.50])(package_dir)
    assert [i.rule for i in validate_package(package_dir.path).issues] == ["TTE-006"]


def test_values_outside_a_codelist_are_named(package_dir: Any) -> None:
    put("EX", EXDOSFRM=["OINTMENT?", "x" * 50])(package_dir)
    issues = [i for i in validate_package(package_dir.path).issues if i.rule == "SDTM-013"]
    assert sorted((i.place, i.message, i.rows) for i in issues) == [
        ("EX.EXDOSFRM", "codelist FRM does not have 'OINTMENT?'", (1,)),
        ("EX.EXDOSFRM", f"codelist FRM does not have '{'x' * 40}...'", (2,)),
    ]


def test_the_command_says_what_it_found_and_fails_on_errors(package_dir: Any, tmp_path: Path) -> None:
    done = call("validate", package_dir.path)
    assert (done.exit_code, done.output) == (
        0,
        f"0 errors, 0 warnings, 0 notes from {len(RULES) - len(rules_manifest.RULES)} rules on 9 datasets\n",
    )
    with_manifest(package_dir)
    said = call("validate", package_dir.path).output
    assert said == f"0 errors, 0 warnings, 0 notes from {len(RULES)} rules on 9 datasets\n"
    without("manifest.json")(package_dir)
    put("EX", EXDOSFRM="MAGIC POTION")(package_dir)
    assert call("validate", package_dir.path).exit_code == 0
    assert call("validate", package_dir.path, "--strict").exit_code == 1
    put("AE", AETERM="")(package_dir)
    done = call("validate", package_dir.path, "--json", tmp_path / "r.json", "--html", tmp_path / "r.html")
    assert done.exit_code == 1 and "SDTM-005" in done.output
    assert json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))["passed"] is False
    assert "SDTM-005" in (tmp_path / "r.html").read_text(encoding="utf-8")
    assert call("validate", tmp_path / "nowhere").exit_code == 2
