"""A simulated study's tumour assessments as a workbook kept by hand in Chinese: what the investigator read.

A sheet of target lesions with a block of columns for each visit under two rows of headings, the subject's number merged
over its lesions and a sum below them; a sheet of the other lesions and the responses.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from xml.sax.saxutils import escape

from fhir2cdisc.fhir.simulation.plan import Assessment, Course, Lesion
from fhir2cdisc.mappings.study import Study

TITLE = "肿瘤评估（RECIST 1.1） 合成数据 单位：mm"
ORGANS = {
    "LIVER": "肝",
    "LUNG": "肺",
    "LYMPH NODE": "淋巴结",
    "BONE": "骨",
    "PERITONEUM": "腹膜",
    "ADRENAL GLAND": "肾上腺",
}
STATES = {"PRESENT": "存在", "ABSENT": "消失", "UNEQUIVOCAL INCREASE": "明确进展"}
CALLS = {
    "CR": "完全缓解",
    "PR": "部分缓解",
    "SD": "疾病稳定",
    "PD": "疾病进展",
    "NE": "不可评价",
    "NON-CR/NON-PD": "非CR/非PD",
    "": "",
}
_FIRST = ("受试者筛选号", "病灶编号", "一级器官", "二级器官", "测量类型")
_BLOCK = ("检查日期", "检查方式", "测量结果(mm)")
_OVERALL = (
    *("受试者筛选号", "访视", "评估日期", "非靶病灶编号", "非靶病灶部位", "非靶病灶状态"),
    *("新病灶", "新病灶部位", "靶病灶疗效", "非靶病灶疗效", "总体疗效"),
)
# As people write days.
_DAYS = (
    "{0.year}年{0.month}月{0.day}日",
    "{0.year}.{0.month}.{0.day}",
    "{0.year}/{0.month}/{0.day}",
    "{0:%Y%m%d}",
    "{0:%Y-%m-%d}",
)
# Every file of the archive has this time, so that the same order gives the same bytes.
_TIME = (2020, 1, 1, 0, 0, 0)


def _day(day: int, place: int) -> str:
    return _DAYS[place % len(_DAYS)].format(date.fromordinal(day))


def visit_of(one: Assessment) -> str:
    """The name of a visit on the second sheet."""
    if one.number == 0:
        return "筛选期"
    week = one.visit.removeprefix("WEEK ")
    return f"第{week}周" if week.isdigit() else f"计划外{one.number}"


def block_of(one: Assessment) -> str:
    """The heading of a visit's block of columns on the first sheet."""
    if one.number == 0:
        return "基线（筛选期）"
    week = one.visit.removeprefix("WEEK ")
    return f"第{int(week) // 8}次评估（第{week}周±7天）" if week.isdigit() else f"计划外{one.number}"


class WorkbookFolder:
    """The folder of the workbook: the assessments are kept, and the file is written when the last one is there."""

    def __init__(self, out: Path, study: Study, stack: ExitStack) -> None:
        out.mkdir(parents=True, exist_ok=True)
        self.path, self.courses = out / "疗效评估.xlsx", list[Course]()
        stack.callback(self.close)

    def write(self, course: Course) -> None:
        """Keep one patient, whose visits say which columns the sheet has."""
        if course.assessments:
            self.courses.append(course)

    def close(self) -> None:
        """Write the workbook."""
        write_workbook(self.path, [("靶病灶", *_targets(self.courses)), ("非靶及总体评价", _others(self.courses), ())])


def _targets(courses: Sequence[Course]) -> tuple[list[list[str]], list[str]]:
    """The rows of the first sheet, and the ranges of cells that are merged."""
    blocks = _blocks(courses)
    rows = [[TITLE], [*_FIRST], ["" for _ in _FIRST]]
    merged = [f"{_letters(n)}2:{_letters(n)}3" for n in range(len(_FIRST))]
    for place, block in enumerate(blocks):
        rows[1] += [block, "", ""]
        rows[2] += _BLOCK
        first = len(_FIRST) + 3 * place
        merged.append(f"{_letters(first)}2:{_letters(first + 2)}2")
    for course in courses:
        lesions = [lesion for lesion in course.lesions if lesion.role == "TARGET"]
        if not lesions:
            continue
        top = len(rows) + 1
        rows += [_target(course, lesion, blocks, len(rows) + place) for place, lesion in enumerate(lesions)]
        rows[top - 1][0] = course.subjid
        sums = {block_of(one): one.reads[0].sum_mm for one in course.assessments}
        shown = ["" if sums.get(block) is None else str(sums[block]) for block in blocks]
        rows.append(["", "合计", "", "", "", *(cell for one in shown for cell in ("", "", one))])
        if len(lesions) > 1:
            merged.append(f"A{top}:A{top + len(lesions) - 1}")
    return rows, merged


def _blocks(courses: Sequence[Course]) -> list[str]:
    """The blocks of all visits: the baseline, the weeks in their order, then the unplanned ones."""

    def rank(one: Assessment) -> tuple[int, int]:
        week = one.visit.removeprefix("WEEK ")
        return (0, 0) if one.number == 0 else (1, int(week)) if week.isdigit() else (2, one.number)

    every = {block_of(one): rank(one) for course in courses for one in course.assessments}
    return sorted(every, key=lambda block: (every[block], block))


def _target(course: Course, lesion: Lesion, blocks: Sequence[str], place: int) -> list[str]:
    row = ["", lesion.id, ORGANS[lesion.organ], "", "短径" if lesion.node else "长径"]
    by_block = {block_of(one): one for one in course.assessments}
    for number, block in enumerate(blocks):
        one = by_block.get(block)
        if one is None:
            row += ["", "", ""]
            continue
        size = one.reads[0].sizes[lesion.id]
        row += [_day(one.day, place + number), "CT", "未测" if size is None else "消失" if size == 0 else str(size)]
    return row


def _others(courses: Sequence[Course]) -> list[list[str]]:
    """The rows of the second sheet: one a visit, and one more for each further lesion."""
    rows = [list(_OVERALL)]
    for course in courses:
        others = [lesion for lesion in course.lesions if lesion.role != "TARGET"]
        for one in course.assessments:
            read = one.reads[0]
            lesions = [
                [lesion.id, ORGANS[lesion.organ], STATES.get(read.states[lesion.id] or "", "")] for lesion in others
            ] or [["", "", ""]]
            new = ["", ""]
            if one.number:
                new = ["有", ORGANS[read.new[0].organ]] if read.new else ["无", ""]
            calls = [CALLS[read.target], CALLS[read.nontarget], CALLS[read.overall]] if one.number else ["", "", ""]
            head = [course.subjid, visit_of(one), _day(one.day, len(rows))]
            rows.append([*head, *lesions[0], *new, *calls])
            rows += [[*head, *more, "", "", "", "", ""] for more in lesions[1:]]
    return rows


def _letters(column: int) -> str:
    """The letters over a column, from 0."""
    return (_letters(column // 26 - 1) if column >= 26 else "") + chr(65 + column % 26)


_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"


def write_workbook(path: Path, sheets: Iterable[tuple[str, list[list[str]], Sequence[str]]]) -> None:
    """A workbook (ECMA-376) of sheets with a name, rows of texts and merged ranges; every cell is a text."""
    parts, names, links, types = {}, "", "", ""
    for number, (name, rows, merged) in enumerate(sheets, 1):
        parts[f"xl/worksheets/sheet{number}.xml"] = _sheet(rows, merged)
        names += f'<sheet name="{escape(name)}" sheetId="{number}" r:id="r{number}"/>'
        links += f'<Relationship Id="r{number}" Type="{_OFFICE}/worksheet" Target="worksheets/sheet{number}.xml"/>'
        types += f'<Override PartName="/xl/worksheets/sheet{number}.xml" ContentType="{_TYPE}.worksheet+xml"/>'
    book = f'<Relationship Id="r1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/>'
    main = f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>'
    default = '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    default += '<Default Extension="xml" ContentType="application/xml"/>'
    parts |= {
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types">{default}{main}{types}</Types>',
        "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">{book}</Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{names}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">{links}</Relationships>',
    }
    with zipfile.ZipFile(path, "w") as archive:
        for part, text in sorted(parts.items()):
            archive.writestr(zipfile.ZipInfo(part, _TIME), _XML + text, zipfile.ZIP_DEFLATED)


def _sheet(rows: list[list[str]], merged: Sequence[str]) -> str:
    lines = []
    for number, row in enumerate(rows, 1):
        cells = "".join(
            f'<c r="{_letters(n)}{number}" t="inlineStr"><is><t>{escape(text)}</t></is></c>'
            for n, text in enumerate(row)
            if text
        )
        lines.append(f'<row r="{number}">{cells}</row>')
    ranges = "".join(f'<mergeCell ref="{one}"/>' for one in merged)
    joined = f'<mergeCells count="{len(merged)}">{ranges}</mergeCells>' if merged else ""
    return f'<worksheet xmlns="{_MAIN}"><sheetData>{"".join(lines)}</sheetData>{joined}</worksheet>'
