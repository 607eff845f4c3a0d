"""ODM-XML as a table: what each kind of file says of a subject."""

from __future__ import annotations

from pathlib import Path

import pytest
from fhir2cdisc.converters.extracts.files import open_grid
from fhir2cdisc.converters.extracts.grid import ExtractError
from fhir2cdisc.converters.extracts.odm_codes import read_odm_codes

HEAD = '<ODM xmlns="http://www.cdisc.org/ns/odm/v1.3" FileType="Snapshot" FileOID="f" ODMVersion="1.3.2">\n'
GROUP = """<ClinicalData StudyOID="S" MetaDataVersionOID="1"><SubjectData SubjectKey="{who}">
<StudyEventData StudyEventOID="SE" StudyEventRepeatKey="1"><FormData FormOID="F">
<ItemGroupData ItemGroupOID="IG" ItemGroupRepeatKey="{repeat}"{kind}>
{items}
</ItemGroupData></FormData></StudyEventData></SubjectData></ClinicalData>
"""


def rows(folder: Path, *groups: str, head: str = HEAD, sheet: str = "") -> list[dict[str, str]]:
    """The filled cells of each row by their headings, of the keys the subject and the repeat of the group only."""
    path = folder / "a.xml"
    path.write_text(head + "".join(groups) + "</ODM>", encoding="utf-8")
    (_, names), *lines = list(open_grid(path, "a.xml", sheet, "", "", lambda *_: None).rows)
    kept = ("SubjectKey", "ItemGroupRepeatKey")
    return [
        {n: c for n, c in zip(names, cells, strict=True) if c and (n in kept or n.startswith(("A", "B")))}
        for _, cells in lines
    ]


def group(items: str, who: str = "01", repeat: str = "1", kind: str = "") -> str:
    return GROUP.format(who=who, repeat=repeat, kind=f' TransactionType="{kind}"' if kind else "", items=items)


@pytest.mark.parametrize(
    ("items", "cells"),
    [
        ('<ItemData ItemOID="A" Value="72"/>', {"A": "72"}),  # untyped
        ('<ItemDataInteger ItemOID="A">72</ItemDataInteger>', {"A": "72"}),  # typed
        ('<ItemData ItemOID="A" IsNull="Yes"/><ItemData ItemOID="B" Value="x"/>', {"B": "x"}),
        ('<ItemData ItemOID="A" Value="日本語"/>', {"A": "日本語"}),
        ('<ItemData ItemOID="A" Value=""/><ItemData ItemOID="B" Value="0"/>', {"B": "0"}),
    ],
)
def test_an_item_is_a_cell_under_its_oid(tmp_path: Path, items: str, cells: dict[str, str]) -> None:
    assert rows(tmp_path, group(items)) == [{"SubjectKey": "01", "ItemGroupRepeatKey": "1", **cells}]


def test_every_repeat_of_a_group_is_a_row(tmp_path: Path) -> None:
    first, second = group('<ItemData ItemOID="A" Value="1"/>'), group('<ItemData ItemOID="A" Value="2"/>', repeat="2")
    assert [row["A"] for row in rows(tmp_path, first, second)] == ["1", "2"]


def test_of_transactions_the_last_counts_and_what_is_removed_is_gone(tmp_path: Path) -> None:
    head = HEAD.replace("Snapshot", "Transactional")
    found = rows(
        tmp_path,
        group('<ItemData ItemOID="A" Value="1"/><ItemData ItemOID="B" Value="x"/>', kind="Insert"),
        group('<ItemData ItemOID="A" Value="2"/>', kind="Update"),
        group('<ItemData ItemOID="A" Value="9"/>', repeat="2", kind="Insert"),
        group("", repeat="2", kind="Remove"),
        head=head,
    )
    assert found == [{"SubjectKey": "01", "ItemGroupRepeatKey": "1", "A": "2", "B": "x"}]


def test_groups_in_groups_of_odm_2(tmp_path: Path) -> None:
    text = """<ClinicalData StudyOID="S"><SubjectData SubjectKey="01"><StudyEventData StudyEventOID="SE">
<ItemGroupData ItemGroupOID="FO"><ItemGroupData ItemGroupOID="IG">
<ItemData ItemOID="A"><Value>1</Value><Value>2</Value></ItemData>
<ItemGroupData ItemGroupOID="IN" ItemGroupRepeatKey="3">
<ItemData ItemOID="B"><Value>x</Value></ItemData></ItemGroupData>
</ItemGroupData></ItemGroupData></StudyEventData></SubjectData></ClinicalData>"""
    found = rows(tmp_path, text, head=HEAD.replace("1.3.2", "2.0"))
    assert found == [{"SubjectKey": "01", "A": "1;2"}, {"SubjectKey": "01", "ItemGroupRepeatKey": "3", "B": "x"}]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('<!DOCTYPE x [<!ENTITY a "b">]>\n' + HEAD + group('<ItemData ItemOID="A" Value="1"/>') + "</ODM>", "DOCTYPE"),
        (HEAD + group('<ItemData ItemOID="A" Value="1"/>'), "not well-formed"),  # breaks off
        (HEAD + "</ODM>", "ClinicalData"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "a.xml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ExtractError) as error:
        list(open_grid(path, "a.xml", "", "", "", lambda *_: None).rows)
    assert str(error.value).startswith("a.xml") and said in str(error.value)


def test_codes_have_the_words_of_their_list_in_english(tmp_path: Path) -> None:
    path = tmp_path / "m.xml"
    path.write_text(
        HEAD
        + """<Study OID="S"><MetaDataVersion OID="1" Name="m">
<ItemDef OID="A" Name="a" DataType="text"><CodeListRef CodeListOID="CL"/></ItemDef>
<ItemDef OID="B" Name="b" DataType="text"/>
<CodeList OID="CL" Name="c" DataType="text">
<CodeListItem CodedValue="1"><Decode><TranslatedText xml:lang="de">Ja</TranslatedText>
<TranslatedText xml:lang="en">Yes</TranslatedText></Decode></CodeListItem>
<CodeListItem CodedValue="2"><Decode><TranslatedText xml:lang="de">Nein</TranslatedText></Decode></CodeListItem>
</CodeList></MetaDataVersion></Study></ODM>""",
        encoding="utf-8",
    )
    assert read_odm_codes(path, "m.xml", lambda *_: None).labels == {"A": {"1": "Yes", "2": "Nein"}}
