"""The report page: escaped, without script, figures by hand, and no section that has nothing to show."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
from fhir2cdisc.adam.plan import Plan
from fhir2cdisc.adam.results.summary import study_results, study_specs
from fhir2cdisc.converters.documents.figures import MOST_COURSES, survival_figure, swimmer_figure, waterfall_figure
from fhir2cdisc.converters.documents.report import Background, courses, write_report
from fhir2cdisc.converters.documents.result_format import shown_with_interval
from fhir2cdisc.converters.documents.svg import Scale, drawing, tag, ticks
from fhir2cdisc.converters.documents.tables import conflicts_table, findings_table, table
from fhir2cdisc.fhir.findings import Finding
from fhir2cdisc.mappings.study import load_study
from lxml import etree

HOSTILE = "<script>alert(1)</script>\" onload='x' & <b>"
MONTH = 30.4375


def times(days: list[float], censored: list[float]) -> pd.DataFrame:
    return pd.DataFrame({"AVAL": days, "CNSR": censored})


def frames(label: str = "A") -> dict[str, pd.DataFrame]:
    start = pd.Timestamp("2024-01-01")
    adsl = pd.DataFrame(
        {
            "STUDYID": "X",
            "USUBJID": ["1", "2"],
            "SUBJID": [label, "2"],
            "TRT01A": label,
            "SAFFL": "Y",
            "FASFL": "Y",
            "DTHFL": ["Y", ""],
            "TRTSDT": start,
            "TRTEDT": start + pd.Timedelta(days=30),
            "DTHDT": [start + pd.Timedelta(days=61), pd.NaT],
            "LSTALVDT": start + pd.Timedelta(days=90),
        }
    )
    rows = [(s, code, 61.0 + n, float(n), 1.0, "Y") for n, s in enumerate(["1", "2"]) for code in ("OS", "PFS")]
    adtte = pd.DataFrame(rows, columns=["USUBJID", "PARAMCD", "AVAL", "CNSR", "ASEQ", "SAFFL"])
    return {"ADSL": adsl, "ADTTE": adtte.assign(TRT01A=label)}


PLAN = Plan.of(load_study("refractory-registry"), {})
MONTH = 30.4375


def page(folder: Path, label: str, background: Background, study_name: str = "refractory-registry") -> str:
    study = load_study(study_name).model_copy(update={"title": f"Title {label}"})
    made = frames(label)
    plan = Plan.of(study, made)
    specs = study_specs(plan, made)
    write_report(folder, plan, specs, study_results(plan, specs, made), made, background)
    return (folder / "report" / "index.html").read_text(encoding="utf-8")


def test_nothing_of_the_data_becomes_markup(tmp_path: Path) -> None:
    findings = (Finding("rule " + HOSTILE, HOSTILE, "error"),)
    conflicts = pd.DataFrame([dict.fromkeys(("USUBJID", "RECORD", "VARIABLE", "VALUE", "MESSAGE"), HOSTILE)])
    text = page(tmp_path, HOSTILE, Background({(HOSTILE, HOSTILE, HOSTILE): 1}, findings, conflicts))
    assert "<script" not in text
    assert "<b>" not in text
    assert re.search(r"<[^>]+\sonload=", text) is None
    assert "&lt;script&gt;" in text
    assert re.search(r"\sstyle=", text) is None
    assert re.search(r"(src|href)=\"(?!#)", text) is None
    assert "default-src 'none'" in text


def test_every_endpoint_stands_on_the_page_and_says_why_it_has_no_number(tmp_path: Path) -> None:
    text = page(tmp_path, "A", Background())
    for one in load_study("refractory-registry").endpoints:
        assert f'id="e-{one.id}"' in text
    assert "there is no dataset ADRS" in text
    assert "[default]" not in text
    assert "<td>default</td>" in text
    assert "Responses that differ" not in text


def test_each_figure_is_well_formed_xml() -> None:
    adtr = pd.DataFrame({"USUBJID": ["1"], "PARAMCD": "SDIAM", "ABLFL": "", "PCHG": [-40.0]})
    for text in (
        survival_figure("S & T", [("a<b", times([100, 200], [0, 1]))], MONTH),
        waterfall_figure("W", adtr, {"1": "PR"}),
        swimmer_figure("C", courses(frames(), PLAN)),
    ):
        assert etree.fromstring(text.encode("utf-8")).tag == "{http://www.w3.org/2000/svg}svg"


def test_numbers_at_risk_are_those_whose_time_is_not_before_the_month() -> None:
    # At 0: all four; at 1 month (30.4375 days) the one of 30 days is gone; at 2 (60.875) two are left.
    text = survival_figure("S", [("all", times([30, 60, 61, 92], [0, 0, 1, 0]))], MONTH)
    below = text.split("At risk", 1)[1]
    assert re.findall(r">(\d+)</text>", below) == ["4", "3", "2", "1"]


def test_figures_without_data_are_left_out() -> None:
    assert survival_figure("S", [("a", times([], []))], MONTH) == ""
    assert survival_figure("S", [("a", times([np.nan], [np.nan]))], MONTH) == ""
    empty = pd.DataFrame({"USUBJID": [], "PARAMCD": [], "ABLFL": [], "PCHG": []})
    assert waterfall_figure("W", empty, {}) == ""
    assert swimmer_figure("C", courses(frames(), PLAN).iloc[:0]) == ""


def test_the_waterfall_takes_the_lowest_value_after_baseline_and_cuts_tall_bars() -> None:
    adtr = pd.DataFrame(
        {
            "USUBJID": ["1", "1", "1", "2", "3"],
            "PARAMCD": ["SDIAM"] * 4 + ["LDIAM1"],
            "ABLFL": ["Y", "", "", "", ""],
            "PCHG": [-90.0, -20.0, -50.0, 250.0, -99.0],
        }
    )
    text = waterfall_figure("W", adtr, {"1": "PR", "2": "PD"})
    bars = re.findall(r'<rect x="[\d.]+" y="([\d.]+)" width="[\d.]+" height="([\d.]+)" fill="(#\w+)"/>', text)[5:]
    # Scale: +100% at 40, 0% at 190, -100% at 340.
    assert bars == [("40", "150", "#d55e00"), ("190", "75", "#0072b2")]


def test_courses_in_months_from_the_first_dose() -> None:
    made = courses(frames(), PLAN).set_index("SUBJID")
    assert made.loc["A", "DEATH"] == 61 / MONTH
    assert made.loc["A", "FOLLOWED"] == 61 / MONTH
    assert made.loc["2", "FOLLOWED"] == 90 / MONTH
    many = pd.DataFrame(
        {
            "SUBJID": [f"s{n:03d}" for n in range(200)],
            "TREATED": 1.0,
            "FOLLOWED": np.arange(200.0),
            "RESPONSE": np.nan,
            "PROGRESSION": np.nan,
            "DEATH": np.nan,
        }
    )
    drawn = re.findall(r">(s\d{3})<", swimmer_figure("C", many))
    assert (len(drawn), drawn[0], drawn[-1]) == (MOST_COURSES, "s199", "s000")


def test_round_ticks() -> None:
    cases = [(0, [0.0]), (1, [0.0, 1.0]), (20, [0, 3, 6, 9, 12, 15, 18]), (41, [0, 6, 12, 18, 24, 30, 36])]
    for largest, expected in cases:
        assert ticks(largest) == expected
    assert len(ticks(5000)) <= 9
    assert Scale(0, 0, 5, 10)(3) == 5


def test_svg_numbers_have_two_decimals_and_texts_are_escaped() -> None:
    made = tag("rect", x=1 / 3, y=-0.001, stroke_width=2.0, class_="a")
    assert made == '<rect x="0.33" y="0" stroke-width="2" class="a"/>'
    assert '"&lt;t&gt;"' in drawing("<t>", 10, 5, [])


def test_values_as_a_reader_sees_them() -> None:
    nan = float("nan")
    cases = [
        ("percent", "%", (27.586, 16.66, 40.895), "27.6% (16.7, 40.9)"),
        ("percent", "%", (6.25, nan, nan), "6.3%"),
        ("median", "months", (nan, 9.05, nan), "NE (9.1, NE)"),
        ("hazard ratio", "", (0.905, 0.4431, 1.829), "0.91 (0.44, 1.83)"),
        ("p value", "", (0.0001, nan, nan), "<0.001"),
        ("N", "subjects", (58.0, nan, nan), "58"),
    ]
    for statistic, unit, (value, lower, upper), expected in cases:
        row = {"STATISTIC": statistic, "UNIT": unit, "VALUE": value, "LOWER": lower, "UPPER": upper}
        assert shown_with_interval(row) == expected


def test_tables() -> None:
    assert table(("a",), []) == ""
    findings = [Finding("r1", "one", "warning"), Finding("r2", "two", "error"), Finding("r1", "three", "warning")]
    text = findings_table(findings)
    assert text.index("r2") < text.index("r1")
    assert "<td>warning</td><td>r1</td><td>2</td><td>one</td>" in text
    assert conflicts_table(pd.DataFrame()) == ""
    many = pd.DataFrame([dict.fromkeys(("USUBJID", "RECORD", "VARIABLE", "VALUE", "MESSAGE"), "x")] * 203)
    assert "and 3 more, in the findings" in conflicts_table(many)


def test_synthetic_patients_make_a_synthetic_report(tmp_path: Path) -> None:
    assert "Synthetic data." in page(tmp_path / "a", "A", Background(synthetic=1))
    assert "Synthetic data." not in page(tmp_path / "b", "A", Background())
