"""define.xml: valid by the schema, every reference resolves, and it says what the data say."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from fhir2cdisc.converters.define.codelists import Dictionary
from fhir2cdisc.converters.define.document import terminologies_of, write_define
from fhir2cdisc.converters.define.results import AnalysisData, AnalysisResult, ResultDisplay
from fhir2cdisc.converters.define.types import item_type
from fhir2cdisc.converters.define.xml import oid
from fhir2cdisc.converters.package import LinkedDocument
from fhir2cdisc.mappings.standard.datasets import Dataset, Variable, sdtm_datasets
from lxml import etree, html

NS = {
    "o": "http://www.cdisc.org/ns/odm/v1.3",
    "def": "http://www.cdisc.org/ns/def/v2.1",
    "arm": "http://www.cdisc.org/ns/arm/v1.0",
    "xlink": "http://www.w3.org/1999/xlink",
}
Package = Sequence[tuple[Dataset, pd.DataFrame]]


STUDY = SimpleNamespace(id="SYN01", name="Synthetic", description="A synthetic study of two subjects")
DISPLAYS = (
    ResultDisplay(
        "Table14.2.1",
        "Progression-free survival",
        (
            AnalysisResult(
                "PFS",
                "Kaplan-Meier estimate of PFS",
                (
                    AnalysisData("ADTTE", ("AVAL", "CNSR"), (("PARAMCD", ("PFS",)),)),
                    AnalysisData("ADSL", ("TRT01P",)),
                ),
                parameter="ADTTE.PARAMCD",
                documentation="Median with a 95% confidence interval",
                code="kaplan_meier(adtte)",
            ),
        ),
        document="adrg",
    ),
)
DOCUMENTS = (
    LinkedDocument("acrf", "Annotated CRF", "acrf.pdf"),
    LinkedDocument("adrg", "Reviewer's Guide", "adrg.html"),
)


def define(path: Path, package: Package, **options: Any) -> Any:
    write_define(path, study=STUDY, datasets=package, **options)
    return etree.parse(path)


@pytest.fixture
def sdtm(tmp_path: Path, sdtm_package: Package) -> Any:
    return define(
        tmp_path / "define.xml",
        sdtm_package,
        documents=DOCUMENTS[:1],
        dictionaries={"AE.AEDECOD": Dictionary("MedDRA", "27.0")},
        comments={"AE.AEREL": "As the investigator said", "XX": "of a dataset that is not there"},
    )


@pytest.fixture
def adam(tmp_path: Path, adam_package: Package) -> Any:
    return define(
        tmp_path / "define.xml",
        adam_package,
        standard=("ADaMIG", "1.3"),
        results=DISPLAYS,
        documents=DOCUMENTS,
        methods={"ADTTE.AVAL.PFS": "Days from start to progression or death", "ADRS.AVAL": "1 CR to 5 PD"},
    )


def values(tree: Any, path: str) -> list[str]:
    return [str(found) for found in tree.xpath(path, namespaces=NS)]


@pytest.mark.parametrize("kind", ["sdtm", "adam"])
def test_the_file_is_valid_by_the_schema(kind: str, request: pytest.FixtureRequest, define_schema: Any) -> None:
    tree = request.getfixturevalue(kind)
    assert define_schema.validate(tree), list(define_schema.error_log)


REFERENCES = {
    "//o:ItemRef/@ItemOID": "//o:ItemDef/@OID",
    "//@MethodOID": "//o:MethodDef/@OID",
    "//@def:CommentOID": "//def:CommentDef/@OID",
    "//o:CodeListRef/@CodeListOID": "//o:CodeList/@OID",
    "//def:ValueListRef/@ValueListOID": "//def:ValueListDef/@OID",
    "//def:WhereClauseRef/@WhereClauseOID": "//def:WhereClauseDef/@OID",
    "//o:RangeCheck/@def:ItemOID": "//o:ItemDef/@OID",
    "//@leafID": "//def:leaf/@ID",
    "//@def:ArchiveLocationID": "//def:leaf/@ID",
    "//@def:StandardOID": "//def:Standard/@OID",
    "//arm:AnalysisResult/@ParameterOID": "//o:ItemDef/@OID",
    "//arm:AnalysisDataset/@ItemGroupOID": "//o:ItemGroupDef/@OID",
    "//arm:AnalysisVariable/@ItemOID": "//o:ItemDef/@OID",
}


@pytest.mark.parametrize("kind", ["sdtm", "adam"])
def test_every_reference_resolves_and_nothing_is_defined_in_vain(kind: str, request: pytest.FixtureRequest) -> None:
    tree = request.getfixturevalue(kind)
    for reference, definition in REFERENCES.items():
        assert set(values(tree, reference)) <= set(values(tree, definition)), reference
    for reference, definition in list(REFERENCES.items())[:6]:
        assert set(values(tree, definition)) <= set(values(tree, reference)), definition
    everything = values(tree, "//@OID") + values(tree, "//def:leaf/@ID")
    assert len(everything) == len(set(everything))


def facts(node: Any) -> tuple[Any, ...]:
    """An element with everything below it, for comparison without regard to attribute order and spacing."""
    return (
        node.tag,
        sorted(node.attrib.items()),
        (node.text or "").strip(),
        [facts(child) for child in node],
    )


@pytest.mark.parametrize("kind", ["sdtm", "adam"])
def test_odmlib_reads_it_and_writes_it_back_without_loss(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    from odmlib import define_loader, loader

    tree = request.getfixturevalue(kind)
    package = "define_2_1" if kind == "sdtm" else "arm_1_0"
    reader: Any = loader.ODMLoader(define_loader.XMLDefineLoader(model_package=package, ns_uri=NS["def"]))
    reader.open_odm_document(str(tmp_path / "define.xml"))
    reader.root().write_xml(str(tmp_path / "back.xml"))
    assert facts(etree.parse(tmp_path / "back.xml").getroot()) == facts(tree.getroot())


def test_variables_stand_in_order_with_keys_types_lengths_and_origins(sdtm: Any) -> None:
    ae = "//o:ItemGroupDef[@Name='AE']"
    assert values(sdtm, f"{ae}/o:ItemRef/@ItemOID")[:4] == [
        "IT.AE.STUDYID",
        "IT.AE.DOMAIN",
        "IT.AE.USUBJID",
        "IT.AE.AESEQ",
    ]
    keys = {n.get("ItemOID"): n.get("KeySequence") for n in sdtm.xpath(f"{ae}/o:ItemRef[@KeySequence]", namespaces=NS)}
    assert keys == {"IT.AE.STUDYID": "1", "IT.AE.USUBJID": "2", "IT.AE.AESTDTC": "3", "IT.AE.AESEQ": "4"}
    assert values(sdtm, f"{ae}/o:ItemRef[@Mandatory='Yes']/@ItemOID") == [
        f"IT.AE.{name}" for name in ("STUDYID", "DOMAIN", "USUBJID", "AESEQ", "AETERM", "AEDECOD")
    ]
    assert values(sdtm, f"{ae}/def:Class/@Name") == ["EVENTS"]
    assert values(sdtm, f"{ae}/def:leaf/@xlink:href") == ["ae.xpt"]
    assert values(sdtm, "//o:ItemGroupDef[@Name='DM']/@Repeating") == ["No"]
    assert values(sdtm, "//o:ItemGroupDef[@Name='TS']/@IsReferenceData") == ["Yes"]
    assert values(sdtm, "//o:ItemGroupDef[@Name='SUPPAE']/@Domain") == ["AE"]
    expected = {  # AESTDTC holds a date, a month and a date with time
        "AE.AESTDTC": ("partialDatetime", None, None),
        "AE.AEENDTC": ("date", None, None),
        "AE.AETERM": ("text", "8", None),
        "AE.AESEQ": ("integer", "8", None),
        "EX.EXDOSE": ("float", "8", "1"),
    }
    for name, found in expected.items():
        (item,) = sdtm.xpath(f"//o:ItemDef[@OID='IT.{name}']", namespaces=NS)
        assert (item.get("DataType"), item.get("Length"), item.get("SignificantDigits")) == found
    dy = "//o:ItemDef[@OID='IT.AE.AESTDY']/def:Origin"
    assert values(sdtm, f"{dy}/@Type") + values(sdtm, f"{dy}/@Source") == ["Derived", "Sponsor"]
    assert values(sdtm, "//o:ItemDef[@OID='IT.AE.AETERM']/def:Origin//o:TranslatedText/text()") == ["AE form"]


def test_codelists_hold_the_used_terms_with_their_codes(sdtm: Any) -> None:
    def terms(variable: str) -> list[tuple[str | None, ...]]:
        (codelist,) = values(sdtm, f"//o:ItemDef[@OID='IT.{variable}']/o:CodeListRef/@CodeListOID")
        items = sdtm.xpath(f"//o:CodeList[@OID='{codelist}']/*[@CodedValue]", namespaces=NS)
        return [(i.get("CodedValue"), next(iter(i.xpath("o:Alias/@Name", namespaces=NS)), None)) for i in items]

    # NCI codes: NY C66742 with N C49487 and Y C49488; SEX C66731 with F C16576 and M C20197.
    assert terms("AE.AESER") == [("N", "C49487"), ("Y", "C49488")]
    assert terms("DM.DTHFL") == [("Y", "C49488")]
    assert terms("DM.SEX") == [("F", "C16576"), ("M", "C20197")]
    assert terms("RS.RSSTRESC.OVRLRESP") == [("PD", "C35571"), ("PR", "C18058"), ("SD", "C18213")]
    alias = "//o:CodeList[@OID='CL.SEX.DM.SEX']"
    assert values(sdtm, f"{alias}/o:Alias/@Name") == ["C66731"]
    assert values(sdtm, f"{alias}/@def:StandardOID") == ["STD.CT.SDTM.2025-03-28"]
    decode = "//o:CodeListItem[@CodedValue='OVRLRESP']/o:Decode/o:TranslatedText/text()"
    assert values(sdtm, decode) == ["Overall Response"]
    external = "//o:CodeList[@OID='CL.MedDRA']/o:ExternalCodeList"
    assert values(sdtm, f"{external}/@Dictionary") + values(sdtm, f"{external}/@Version") == [
        "MedDRA",
        "27.0",
    ]


def test_a_codelist_of_some_tests_does_not_take_the_numbers_of_others(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "STUDYID": "S",
            "USUBJID": "S-1",
            "TRTESTCD": ["LDIAM", "TUMSTATE"],
            "TRTEST": ["Longest Diameter", "Tumor State"],
            "TRSTRESC": ["30", "PRESENT"],
        }
    )
    tree = define(tmp_path / "define.xml", [(sdtm_datasets()["TR"], frame)])
    with_list = [i.getparent().get("OID") for i in tree.xpath("//o:CodeListRef", namespaces=NS)]
    assert [name for name in with_list if "TRSTRESC" in name] == ["IT.TR.TRSTRESC.TUMSTATE"]


def test_a_term_that_the_codelist_lacks_is_marked_as_extended(tmp_path: Path, sdtm_package: Package) -> None:
    package = [(d, f.assign(EXDOSFRM=["TABLET", "MAGIC POTION"]) if d.name == "EX" else f) for d, f in sdtm_package]
    tree = define(tmp_path / "define.xml", package)
    items = tree.xpath("//*[@def:ExtendedValue]", namespaces=NS)
    assert [(i.get("CodedValue"), len(i)) for i in items] == [("MAGIC POTION", 0)]


def test_tests_and_parameters_have_value_level_metadata(sdtm: Any, adam: Any) -> None:
    assert values(adam, "//o:ItemDef[@OID='IT.ADTTE.AVAL']/def:ValueListRef/@ValueListOID") == ["VL.ADTTE.AVAL"]
    item = "//o:ItemDef[@OID='IT.ADTTE.AVAL.PFS']"
    assert values(adam, f"{item}/@DataType") == ["integer"]
    assert values(adam, "//def:WhereClauseDef[@OID='WC.ADTTE.PARAMCD.PFS']//o:CheckValue/text()") == ["PFS"]
    method = "//o:MethodDef[@OID='MT.ADTTE.AVAL.PFS']//o:TranslatedText/text()"
    assert values(adam, method) == ["Days from start to progression or death"]
    assert values(adam, "//o:MethodDef[@OID='MT.ADTTE.AVAL']//o:TranslatedText/text()") == ["ADT - STARTDT + 1"]
    levels = "//def:ValueListDef[@OID='VL.RS.RSSTRESC']/o:ItemRef/@ItemOID"
    assert values(sdtm, levels) == ["IT.RS.RSSTRESC.OVRLRESP"]
    assert values(sdtm, "//o:ItemDef[@OID='IT.SUPPAE.QVAL.AETRTEM']/@Length") == ["1"]
    decodes = "//o:CodeListItem[@CodedValue='PFS']/o:Decode/o:TranslatedText/text()"
    assert values(adam, decodes) == ["Progression-Free Survival (days)"]


def test_results_name_their_data_reason_and_code(adam: Any) -> None:
    result = "//arm:AnalysisResult[@OID='AR.Table14.2.1.PFS']"
    assert values(adam, f"{result}/@ParameterOID") == ["IT.ADTTE.PARAMCD"]
    assert values(adam, f"{result}//arm:AnalysisVariable/@ItemOID") == [
        "IT.ADTTE.AVAL",
        "IT.ADTTE.CNSR",
        "IT.ADSL.TRT01P",
    ]
    assert values(adam, f"{result}//arm:Code/text()") == ["kaplan_meier(adtte)"]
    assert values(adam, "//o:ItemGroupDef[@Name='ADTTE']/def:Class/def:SubClass/@Name") == ["TIME-TO-EVENT"]
    assert values(adam, "//o:ItemDef[@OID='IT.ADTTE.ADT']/@def:DisplayFormat") == ["DATE9."]


def test_a_result_of_data_that_are_not_there_is_refused(tmp_path: Path, sdtm_package: Package) -> None:
    with pytest.raises(ValueError, match=r"Table14.2.1, PFS: no ADSL, ADSL.TRT01P, ADTTE"):
        define(tmp_path / "define.xml", sdtm_package, results=DISPLAYS)
    assert list(tmp_path.iterdir()) == []


def test_only_variables_that_are_present_are_described(tmp_path: Path) -> None:
    frame = pd.DataFrame({"STUDYID": ["S"], "USUBJID": ["S-1"], "AGE": [1.0]})
    tree = define(tmp_path / "define.xml", [(sdtm_datasets()["DM"], frame)])
    assert values(tree, "//o:ItemDef/@Name") == ["STUDYID", "USUBJID", "AGE"]


def test_an_empty_dataset_says_so(tmp_path: Path, sdtm_package: Package, define_schema: Any) -> None:
    package = [(d, f.iloc[:0]) for d, f in sdtm_package]
    tree = define(tmp_path / "define.xml", package)
    assert define_schema.validate(tree), list(define_schema.error_log)
    assert set(values(tree, "//o:ItemGroupDef/@def:HasNoData")) == {"Yes"}


def test_lengths_are_those_of_the_metadata_where_they_are_given(tmp_path: Path, sdtm_package: Package) -> None:
    dataset, frame = sdtm_package[1]
    wide = replace(dataset, variables=tuple(replace(v, length=30) for v in dataset.variables))
    tree = define(tmp_path / "define.xml", [(wide, frame)])
    assert values(tree, "//o:ItemDef[@Name='USUBJID']/@Length") == ["30"]


def test_the_same_data_give_the_same_bytes(tmp_path: Path, adam_package: Package) -> None:
    define(tmp_path / "a.xml", adam_package)
    define(tmp_path / "b.xml", adam_package)
    assert (tmp_path / "a.xml").read_bytes() == (tmp_path / "b.xml").read_bytes()
    later = define(tmp_path / "c.xml", adam_package, created=datetime(2024, 5, 6, 7, 8, 9))
    assert later.getroot().get("CreationDateTime") == "2024-05-06T07:08:09"


def test_signs_that_xml_cannot_hold_do_not_break_the_file(tmp_path: Path) -> None:
    frame = pd.DataFrame({"STUDYID": ["S"], "QNAM": ["A\x01B"], "QLABEL": ["<b> & \x00"], "QVAL": ["x\x1fy"]})
    dataset = replace(sdtm_datasets()["SUPPQUAL"], name="SUPPXX")
    tree = define(tmp_path / "define.xml", [(dataset, frame)])
    assert "<b> & ?" in values(tree, "//o:TranslatedText/text()")


def test_identifiers_never_meet() -> None:
    assert oid("IT", "A B") != oid("IT", "A_B")
    assert re.fullmatch(r"IT\.A_B_[0-9a-f]{8}", oid("IT", "A B"))


@pytest.mark.parametrize(
    ("name", "column", "expected"),
    [
        ("XXDTC", ["2024-01-01", ""], "date"),
        ("XXDTC", ["2024-01-01", "2024-01"], "partialDate"),
        ("XXDTC", ["2024-01-01T10:00"], "datetime"),
        ("XXDTC", ["2024-01-01T10:00", "2024"], "partialDatetime"),
        ("XXDTC", ["2024---15"], "incompleteDatetime"),
        ("XXDUR", ["P3D", "PT1H"], "durationDatetime"),
        ("XXDUR", ["three days"], "text"),
        ("XXTERM", ["2024-01-01"], "text"),
    ],
)
def test_data_types_of_texts(name: str, column: list[str], expected: str) -> None:
    assert item_type(Variable(name, ""), pd.Series(column)).data_type == expected


@pytest.mark.parametrize(
    ("column", "kind", "digits"),
    [
        ([1.0, np.nan], "integer", None),
        ([1.25, 3.0], "float", 2),
        ([np.nan], "integer", None),
        ([1e-7], "float", 7),
    ],
)
def test_data_types_of_numbers(column: list[float], kind: str, digits: int | None) -> None:
    found = item_type(Variable("AVAL", "", "Num"), pd.Series(column))
    assert (found.data_type, found.digits) == (kind, digits)


@pytest.mark.parametrize(
    ("standard", "named"),
    [
        (("SDTMIG", "3.4"), [("SDTM", "2025-03-28")]),
        (("ADaMIG", "1.3"), [("ADaM", "2026-03-27"), ("SDTM", "2025-03-28")]),
    ],
)
def test_the_terminology_of_the_standard_is_the_default(
    standard: tuple[str, str], named: list[tuple[str, str]], tmp_path: Path
) -> None:
    assert [(t.publishing_set, t.version) for t in terminologies_of(standard)] == named
    flags = Dataset("ADX", "X", "BDS", "", (Variable("ADTF", "Flag", codelists=("C81223",)),))
    tree = define(tmp_path / "define.xml", [(flags, pd.DataFrame({"ADTF": ["D", ""]}))], standard=standard)
    found = tree.xpath("//def:Standard[@Type='CT']", namespaces=NS)
    assert [(one.get("PublishingSet"), one.get("Version")) for one in found] == named
    codes = tree.xpath("//o:CodeList/o:EnumeratedItem/o:Alias/@Name", namespaces=NS)
    assert codes == (["C81212"] if standard[0] == "ADaMIG" else [])


def test_the_codelist_of_a_result_is_that_of_its_test(tmp_path: Path) -> None:
    """CDISC COSMoS: NEWLIND takes NY, OVRLRESP ONCRSR; a date takes none."""
    rs = sdtm_datasets()["RS"].select(("RSTESTCD", "RSTEST", "RSSTRESC"))
    ss = sdtm_datasets()["SS"].select(("SSTESTCD", "SSTEST", "SSSTRESC"))
    frames = [
        (rs, pd.DataFrame({"RSTESTCD": ["NEWLIND", "OVRLRESP"], "RSTEST": ["a", "b"], "RSSTRESC": ["Y", "PD"]})),
        (
            ss,
            pd.DataFrame(
                {"SSTESTCD": ["SURVSTAT", "LSCFADTC"], "SSTEST": ["a", "b"], "SSSTRESC": ["DEAD", "2024-01-02"]}
            ),
        ),
    ]
    tree = define(tmp_path / "define.xml", frames)

    def codelist(item: str) -> list[str]:
        (node,) = tree.xpath(f"//o:ItemDef[@OID='{item}']", namespaces=NS)
        lists = node.xpath("o:CodeListRef/@CodeListOID", namespaces=NS)
        return [str(c) for one in lists for c in tree.xpath(f"//o:CodeList[@OID='{one}']/o:Alias/@Name", namespaces=NS)]

    assert codelist("IT.RS.RSSTRESC.NEWLIND") == ["C66742"]
    assert codelist("IT.RS.RSSTRESC.OVRLRESP") == ["C96785"]
    assert codelist("IT.SS.SSSTRESC.SURVSTAT") == ["C124304"]
    assert codelist("IT.SS.SSSTRESC.LSCFADTC") == []
    assert codelist("IT.RS.RSSTRESC") == [] and codelist("IT.SS.SSSTRESC") == []


def test_the_page_is_readable_linked_and_closed(tmp_path: Path, adam_package: Package) -> None:
    hostile = [(replace(d, label="<script>alert(1)</script>") if d.name == "ADSL" else d, f) for d, f in adam_package]
    define(tmp_path / "define.xml", hostile, standard=("ADaMIG", "1.3"), results=DISPLAYS, documents=DOCUMENTS)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["define.html", "define.xml", "define.xsl"]
    text = (tmp_path / "define.html").read_text(encoding="utf-8")
    page = html.fromstring(text)
    assert page.xpath("//script") == [] and "&lt;script&gt;alert(1)" in text
    ids = page.xpath("//@id")
    assert len(ids) == len(set(ids))
    links = [href for href in page.xpath("//a/@href") if href.startswith("#")]
    assert {href[1:] for href in links} <= set(ids)
    files = {href for href in page.xpath("//a/@href") if not href.startswith("#")}
    assert files == {"adsl.xpt", "adrs.xpt", "adtte.xpt", "acrf.pdf", "adrg.html"}
    assert page.xpath("//*[@src]") == [] and "http" not in text.replace("http-equiv", "")


def test_the_policy_of_the_page_admits_its_own_style_and_nothing_else(tmp_path: Path, sdtm_package: Package) -> None:
    define(tmp_path / "define.xml", sdtm_package)
    page = html.fromstring((tmp_path / "define.html").read_text(encoding="utf-8"))
    (policy,) = page.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")
    (style,) = page.xpath("//style/text()")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'"
    assert page.xpath("//@style") == []


def test_a_browser_finds_the_stylesheet_beside_the_file(tmp_path: Path, sdtm_package: Package) -> None:
    define(tmp_path / "define.xml", sdtm_package)
    text = (tmp_path / "define.xml").read_text(encoding="utf-8")
    assert '<?xml-stylesheet type="text/xsl" href="define.xsl"?>' in text
    etree.XSLT(etree.parse(tmp_path / "define.xsl"))
