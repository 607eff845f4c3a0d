"""Synthetic cohorts built to hit published results, and the page that sets our figures beside the published.

No patient data: times and responses are invented so that counts and medians equal those of the papers;
who had which value is made up. `python tests/adam/published_cohorts.py` writes docs/published_results.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from fhir2cdisc.adam.results.incidence import IncidenceSpec
from fhir2cdisc.adam.results.proportion import ProportionSpec
from fhir2cdisc.adam.results.sheet import Records, Spec
from fhir2cdisc.adam.results.summary import summarise_results
from fhir2cdisc.adam.results.survival import SurvivalSpec
from fhir2cdisc.adam.safety.adae import derive_adae
from fhir2cdisc.adam.statistics.proportions import t_interval
from fhir2cdisc.adam.statistics.rounding import round_half_up
from fhir2cdisc.mappings.conditions import Condition, is_

MONTH = 30.4375
PAGE = Path(__file__).resolve().parents[3] / "docs" / "published_results.md"


@dataclass(frozen=True)
class Paper:
    """What a paper reports: counts, medians in months, deaths, subjects with worst grade 3; 0 if it does not.

    `printed` holds endpoint, figure and interval as printed, and a note.
    """

    name: str
    n: int
    responders: int
    controlled: int
    benefit: int = 0
    pfs: float = 0.0
    os: float = 0.0
    deaths: int = 0
    grade_3: int = 0
    printed: tuple[tuple[str, str, str, str], ...] = ()


NOT_ATTAINABLE = "40.5 is not attainable with n = 32; 13/32 = 40.6"
TRUNCATED = "19/32 = 59.375: truncated in the paper, rounded half up here"
T_INTERVAL = "the published interval is the t interval of the 0/1 mean"
SYMMETRIC = "published interval is symmetric about the median, as median +/- 1.96 SE is"
PAPERS = (
    Paper(
        "Lin 2020, pembrolizumab + lenvatinib",
        32,
        8,
        25,
        13,
        4.9,
        11.0,
        grade_3=19,
        printed=(
            ("ORR", "25%", "", ""),
            ("DCR", "78.1%", "", ""),
            ("CBR", "40.5%", "", NOT_ATTAINABLE),
            ("PFS", "4.9", "4.7-5.2", SYMMETRIC),
            ("OS", "11.0", "9.6-12.3", SYMMETRIC),
            ("G3", "59.3%", "", TRUNCATED),
        ),
    ),
    Paper(
        "2019 preprint, lenvatinib + PD-1",
        56,
        17,
        48,
        24,
        5.0,
        11.0,
        printed=(
            ("ORR", "30.4%", "", ""),
            ("DCR", "85.7%", "", ""),
            ("CBR", "42.9%", "", ""),
            ("PFS", "5.0", "4.0-6.0", SYMMETRIC),
            ("OS", "11.0", "6.6-15.4", SYMMETRIC),
        ),
    ),
    Paper(
        "Zuo 2022, anti-PD-1 + lenvatinib",
        31,
        10,
        26,
        13,
        5.0,
        11.3,
        deaths=23,
        grade_3=18,
        printed=(
            ("ORR", "32.3%", "", ""),
            ("DCR", "83.9%", "", ""),
            ("CBR", "41.9%", "", ""),
            ("PFS", "5.0", "4.1-8.0", ""),
            ("OS", "11.3", "7.5-20.9", ""),
            ("G3", "58.1%", "", ""),
        ),
    ),
    Paper(
        "Wang 2023, radiotherapy + PD-1 + lenvatinib",
        31,
        10,
        27,
        pfs=7.9,
        os=11.7,
        printed=(
            ("ORR", "32.3%", "14.8-49.7", T_INTERVAL),
            ("DCR", "87.1%", "74.6-99.6", T_INTERVAL),
            ("PFS", "7.9", "7.1-8.7", SYMMETRIC),
            ("OS", "11.7", "8.3-15.0", SYMMETRIC),
        ),
    ),
    Paper(
        "Apatinib alone 2021",
        26,
        3,
        13,
        pfs=2.0,
        os=9.0,
        printed=(
            ("ORR", "11.5%", "", ""),
            ("DCR", "50.0%", "", ""),
            ("PFS", "2.0", "0.7-3.3", SYMMETRIC),
            ("OS", "9.0", "4.6-13.4", SYMMETRIC),
        ),
    ),
    Paper("Finn 2020, mRECIST", 100, 46, 46, printed=(("ORR", "46.0%", "36.0-56.3", "exact interval: equal"),)),
    Paper(
        "Finn 2020, RECIST 1.1",
        100,
        36,
        36,
        printed=(("ORR", "36.0%", "26.6-46.2", "exact interval: equal"),),
    ),
)
RESPONSE = Records("ADRS", "CBOR", (is_("AVALC", "CR", "PR"),))
BEYOND_6 = Records("ADTTE", "PFS", (Condition("AVAL", "GT", (6 * MONTH,)),))
SPECS: tuple[Spec, ...] = (
    ProportionSpec(id="ORR", label="Objective response rate", criteria=((RESPONSE,),)),
    ProportionSpec(
        id="DCR",
        label="Disease control rate",
        criteria=((Records("ADRS", "CBOR", (is_("AVALC", "CR", "PR", "SD"),)),),),
    ),
    ProportionSpec(id="CBR", label="Clinical benefit rate", criteria=((RESPONSE,), (BEYOND_6,))),
    SurvivalSpec(id="PFS", label="Progression-free survival", paramcd="PFS"),
    SurvivalSpec(id="OS", label="Overall survival", paramcd="OS"),
    IncidenceSpec(id="G3", label="Worst grade 3"),
)


def times(n: int, median: float, beyond: int = 0) -> np.ndarray:
    """`n` ordered days whose middle is `median` months; `beyond` of them (where given) exceed six months."""
    middle = round(median * MONTH)
    half = n // 2
    below = np.linspace(20, middle - 1, half).round()
    top = np.linspace(middle + 1, 3.5 * middle, half).round()
    if beyond:
        between = np.linspace(middle + 1, 182, half - beyond).round() if half > beyond else np.array([])
        top = np.concatenate([between, np.linspace(190, 3.5 * middle, beyond).round()])
    return np.concatenate([below, [middle] if n % 2 else [], top])


def cohort(paper: Paper) -> dict[str, pd.DataFrame]:
    """The synthetic ADaM frames of a paper: those who live longest respond."""
    ids = [f"SYNTHETIC-{i:03d}" for i in range(1, paper.n + 1)]
    start = pd.Timestamp("2020-01-01")
    adsl = pd.DataFrame(
        {
            "USUBJID": ids,
            "SAFFL": "Y",
            "TRT01A": "Study drug",
            "TRTSDT": start,
            "TRTEDT": start + pd.Timedelta(days=100),
        }
    )
    stable = paper.controlled - paper.responders
    best = ["PD"] * (paper.n - paper.controlled) + ["SD"] * stable + ["PR"] * paper.responders
    adrs = pd.DataFrame({"USUBJID": ids, "PARAMCD": "CBOR", "AVALC": best, "ASEQ": 1.0})
    pfs = times(paper.n, paper.pfs or 5.0, paper.benefit)
    survival = times(paper.n, paper.os or 11.0)
    alive = np.arange(paper.n) >= (paper.deaths or paper.n)
    progression = pd.DataFrame({"USUBJID": ids, "PARAMCD": "PFS", "AVAL": pfs, "CNSR": 0, "ASEQ": 1.0})
    death = pd.DataFrame({"USUBJID": ids, "PARAMCD": "OS", "AVAL": survival, "ASEQ": 2.0})
    adtte = pd.concat([progression, death.assign(CNSR=alive.astype(int))])
    grade = ["3"] * paper.grade_3 + ["1"] * (paper.n - paper.grade_3)
    ae = pd.DataFrame(
        {
            "USUBJID": ids,
            "AESEQ": 1.0,
            "AETERM": "Synthetic term",
            "AEDECOD": "Synthetic term",
            "AEBODSYS": "Synthetic class",
            "AETOXGR": grade,
            "AESTDTC": "2020-02-01",
        }
    )
    return {"ADSL": adsl, "ADRS": adrs, "ADTTE": adtte, "ADAE": derive_adae(adsl, ae)}


def comparison() -> pd.DataFrame:
    """One row per published figure: what the paper prints and what we compute from the synthetic cohort."""
    rows = []
    for paper in PAPERS:
        table = summarise_results(SPECS, cohort(paper)).table
        for endpoint, figure, interval, note in paper.printed:
            mine = table[(table["RESULTID"] == endpoint) & (table["CATEGORY"] == "")]
            median = endpoint in ("PFS", "OS")
            shown = "percent, grade 3" if endpoint == "G3" else "median" if median else "percent"
            counted = "events" if median else "n, grade 3" if endpoint == "G3" else "n"
            x = int(mine.loc[mine["STATISTIC"] == counted, "VALUE"].iloc[0])
            row = mine[mine["STATISTIC"] == shown].iloc[0]
            rows.append(
                {
                    "PAPER": paper.name,
                    "N": paper.n,
                    "ENDPOINT": endpoint,
                    "PUBLISHED": figure,
                    "PUBLISHED_CI": interval,
                    "X": x,
                    "OURS": round_half_up(row["VALUE"]),
                    "OURS_CI": _limits(row),
                    "T_INTERVAL": "" if median else _as_percent(t_interval(x, paper.n)),
                    "NOTE": note,
                }
            )
    return pd.DataFrame(rows)


def _limits(row: pd.Series) -> str:
    return "-".join("NE" if math.isnan(v) else f"{round_half_up(v):.1f}" for v in (row["LOWER"], row["UPPER"]))


def _as_percent(limits: tuple[float, float]) -> str:
    return "-".join(f"{round_half_up(100 * v):.1f}" for v in limits)


TOP = """\
# Published results, recomputed

Made by running `python tests/adam/published_cohorts.py`; a test checks that it is up to date. For each
paper a **synthetic** cohort was built whose counts and medians equal the published ones: no patient data,
individual times and responses are invented. What this shows is that the same n, x, percentages and medians
come out of our functions, and how our intervals differ from the published ones and why.

Proportions: Clopper-Pearson. Medians: Kaplan-Meier, log-log interval, in months of 30.4375 days. The
interval of a proportion follows from x and n and can be compared with the published one. The interval of a
median depends on the individual times, which are invented here: it cannot be compared. `x` is the number
of subjects with the endpoint, or of events. The t interval of the 0/1 mean is shown as a comparator
because some papers print it; for small samples it is too short and may leave 0 to 100%.

| Paper | n | Endpoint | Published | Published 95% CI | x | Ours | Our 95% CI | t interval | Note |
|---|---|---|---|---|---|---|---|---|---|
"""
END = """
Differences in method: Wang 2023 prints t intervals of the 0/1 mean (reproduced to the digit in the column
beside); exact intervals are 16.7-51.4 and 70.2-96.4. Several papers print intervals of medians that are
symmetric about the median, as a normal approximation gives them; ours are log-log, the default of SAS.

Not here: Wang 2021 (apatinib + camrelizumab), whose numbers could not be verified.
"""


def page() -> str:
    """The text of docs/published_results.md."""
    lines = []
    for r in comparison().to_dict("records"):
        unit = " months" if r["ENDPOINT"] in ("PFS", "OS") else "%"
        published = f"{r['PUBLISHED']} months" if r["ENDPOINT"] in ("PFS", "OS") else r["PUBLISHED"]
        name = "Worst grade 3" if r["ENDPOINT"] == "G3" else r["ENDPOINT"]
        cells = (
            r["PAPER"],
            r["N"],
            name,
            published,
            r["PUBLISHED_CI"],
            r["X"],
            f"{r['OURS']:.1f}{unit}",
            r["OURS_CI"],
            r["T_INTERVAL"],
            r["NOTE"],
        )
        lines.append("| " + " | ".join(str(c) for c in cells) + " |\n")
    return TOP + "".join(lines) + END


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")
