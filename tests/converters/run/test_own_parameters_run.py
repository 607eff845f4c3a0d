"""Two times that only a study file describes, from FHIR to data, define.xml, ARS, guide, results and report."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from fhir2cdisc.converters.xpt.read import read_xpt
from lxml import etree
from support.command import fhir2cdisc
from support.own_endpoints import ENDPOINTS, TIMES
from support.packages import Package

OWN = {"TTSAE": "Time to first serious adverse event", "TTNT": "Time to next treatment"}


@pytest.fixture(scope="module")
def folder(package_of: Callable[[str], Package], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package of a built-in study with both endpoints added to its file."""
    made = package_of("apatinib-camrelizumab")
    home = tmp_path_factory.mktemp("own")
    text = fhir2cdisc("studies", made.study.id, "--toml")
    (home / "mine.toml").write_text(f"{text}\n{TIMES}{ENDPOINTS}", encoding="utf-8")
    fhir2cdisc("run", made.few, "--study", home / "mine.toml", "--out", home / "package")
    return home / "package"


def test_both_times_are_in_the_data(folder: Path) -> None:
    frame, _ = read_xpt(folder / "adam" / "adtte.xpt")
    adsl, _ = read_xpt(folder / "adam" / "adsl.xpt")
    adae, _ = read_xpt(folder / "adam" / "adae.xpt")
    assert set(OWN) <= set(frame["PARAMCD"])
    serious = adae[(adae["TRTEMFL"] == "Y") & (adae["AESER"] == "Y")].groupby("USUBJID")["ASTDT"].min()
    own = frame[frame["PARAMCD"] == "TTSAE"].set_index("USUBJID")
    assert len(own) == len(adsl) and len(serious)
    for subject, row in own.iterrows():
        event = row["CNSR"] == 0
        assert event == (subject in serious.index)
        if event:
            assert row["AVAL"] == (serious[subject] - row["STARTDT"]).days + 1


def test_define_xml_names_them_and_says_how(folder: Path) -> None:
    root = etree.parse(folder / "adam" / "define.xml").getroot()
    words = " ".join(root.itertext())
    values = {node.text for node in root.iter("{*}CheckValue")}
    assert set(OWN) <= values
    assert "TTSAE: Starts: Treatment Start (ADSL.TRTSDT)" in words
    assert "Serious event (ADAE.ASTDT where TRTEMFL = 'Y' and AESER = 'Y')" in words
    assert set(OWN.values()) <= {text.strip() for text in root.itertext()}


def test_the_analysis_results_name_them(folder: Path) -> None:
    text = (folder / "results" / "ars.json").read_text(encoding="utf-8")
    event = json.loads(text)
    for code, title in OWN.items():
        assert title in json.dumps(event["analyses"])
        assert f'"{code}"' in text


@pytest.mark.parametrize("code", OWN)
def test_the_reviewers_guide_names_them(folder: Path, code: str) -> None:
    guides = sorted((folder / "adam").glob("adrg*"))
    assert guides and all(code in path.read_text(encoding="utf-8") for path in guides)


def test_the_results_have_them(folder: Path) -> None:
    table = pd.read_csv(folder / "results" / "results.csv")
    for name in ("serious", "next-treatment"):
        rows = table[table["RESULTID"] == name].set_index("STATISTIC")
        assert rows.loc["N", "VALUE"] == rows.loc["events", "VALUE"] + rows.loc["censored", "VALUE"] > 0


@pytest.mark.parametrize("title", OWN.values())
def test_the_report_draws_a_curve_for_each(folder: Path, title: str) -> None:
    page = (folder / "report" / "index.html").read_text(encoding="utf-8")
    after = page.split(f"<h3>{title}</h3>", 1)[1].lstrip()
    assert after.startswith("<svg")
    assert f"{title} (Kaplan-Meier)" in after.split("</svg>", 1)[0]
    assert re.search(r"All treated subjects: \d+ subjects, \d+ events", after.split("</svg>", 1)[0])
