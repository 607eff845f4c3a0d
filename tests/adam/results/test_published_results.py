"""The published counts and medians come out of synthetic cohorts built to hit them."""

import importlib.util
import sys
from pathlib import Path

import pytest
from support.facts import facts


@pytest.fixture(scope="module")
def cohorts():
    spec = importlib.util.spec_from_file_location("published_cohorts", Path(__file__).with_name("published_cohorts.py"))
    module = importlib.util.module_from_spec(spec)
    sys.modules["published_cohorts"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["published_cohorts"]


@pytest.fixture(scope="module")
def comparison(cohorts):
    return cohorts.comparison()


# Percentages and medians as printed; where the print cannot be met, what the fraction gives.
EXPECTED = {
    ("Lin 2020", "ORR"): 25.0,
    ("Lin 2020", "DCR"): 78.1,
    ("Lin 2020", "CBR"): 40.6,
    ("Lin 2020", "PFS"): 4.9,
    ("Lin 2020", "OS"): 11.0,
    ("Lin 2020", "G3"): 59.4,
    ("2019 preprint", "ORR"): 30.4,
    ("2019 preprint", "DCR"): 85.7,
    ("2019 preprint", "CBR"): 42.9,
    ("2019 preprint", "PFS"): 5.0,
    ("2019 preprint", "OS"): 11.0,
    ("Zuo 2022", "ORR"): 32.3,
    ("Zuo 2022", "DCR"): 83.9,
    ("Zuo 2022", "CBR"): 41.9,
    ("Zuo 2022", "PFS"): 5.0,
    ("Zuo 2022", "OS"): 11.3,
    ("Zuo 2022", "G3"): 58.1,
    ("Wang 2023", "ORR"): 32.3,
    ("Wang 2023", "DCR"): 87.1,
    ("Wang 2023", "PFS"): 7.9,
    ("Wang 2023", "OS"): 11.7,
    ("Apatinib alone", "ORR"): 11.5,
    ("Apatinib alone", "DCR"): 50.0,
    ("Apatinib alone", "PFS"): 2.0,
    ("Apatinib alone", "OS"): 9.0,
    ("Finn 2020, mRECIST", "ORR"): 46.0,
    ("Finn 2020, RECIST", "ORR"): 36.0,
}


def test_every_published_figure(comparison):
    assert len(comparison) == len(EXPECTED)
    for (paper, endpoint), expected in EXPECTED.items():
        rows = comparison[comparison["PAPER"].str.startswith(paper) & (comparison["ENDPOINT"] == endpoint)]
        assert rows["OURS"].tolist() == [expected], (paper, endpoint)


def test_where_the_print_differs_there_is_a_note(comparison):
    for row in comparison.to_dict("records"):
        printed = float(row["PUBLISHED"].rstrip("%"))
        assert row["OURS"] == printed or row["NOTE"], row
        if row["PUBLISHED_CI"] and row["ENDPOINT"] in ("ORR", "DCR"):
            assert row["PUBLISHED_CI"] in (row["OURS_CI"], row["T_INTERVAL"]), row


def test_counts_and_intervals_of_the_collected_publications(comparison):
    expected = [(int(r["n"]), int(r["x"]), r["clopper_pearson_95"]) for r in facts("published_proportions")]
    ours = set(comparison[["N", "X", "OURS_CI"]].itertuples(index=False, name=None))
    assert len(expected) == 16 and set(expected) <= ours, set(expected) - ours


def test_zuo_2022_has_23_deaths_and_lin_2020_13_with_benefit(comparison):
    def count(paper, endpoint):
        rows = comparison[comparison["PAPER"].str.startswith(paper) & (comparison["ENDPOINT"] == endpoint)]
        return rows["X"].tolist()

    assert count("Zuo", "OS") == [23] and count("Lin", "CBR") == [13] and count("Lin", "G3") == [19]


def test_the_page_is_what_running_gives(cohorts):
    assert cohorts.PAGE.read_text(encoding="utf-8") == cohorts.page()
