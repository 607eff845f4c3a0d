"""Time-to-event parameters of a study file: derived, replaced, left out, or not possible, and then with the reason."""

from __future__ import annotations

import math

import pandas as pd
import pytest
from fhir2cdisc.adam.build import Adam, build_adam
from fhir2cdisc.adam.results.sheet import Results
from fhir2cdisc.adam.results.summary import study_results
from fhir2cdisc.mappings.study import Study
from support.own_endpoints import ENDPOINTS, TIMES, study
from support.tables import Type, assert_rows, table

IDS: dict[str, Type] = {"USUBJID": "text"}
DM = table(
    """
    USUBJID | RFSTDTC    | RFXSTDTC   | RFICDTC    | DTHDTC     | DTHFL
    01      | 2024-03-01 | 2024-03-01 | 2024-02-20 |            |
    02      | 2024-03-01 | 2024-03-01 | 2024-02-25 | 2024-05-30 | Y
    03      | 2024-03-01 | 2024-03-01 | 2024-02-28 |            |
    """,
    IDS,
).assign(STUDYID="OWN", ARM="", ACTARM="")
EX = table(
    """
    USUBJID | EXSEQ | EXTRT | EXSTDTC    | EXENDTC
    01      | 1     | DRUG  | 2024-03-01 | 2024-05-01
    02      | 1     | DRUG  | 2024-03-01 | 2024-05-01
    03      | 1     | DRUG  | 2024-03-01 | 2024-05-01
    """,
    IDS,
)
AE = table(
    """
    USUBJID | AESEQ | AETERM  | AESER | AESTDTC    | AEENDTC    | why
    01      | 1     | Fall    | Y     | 2024-02-22 | 2024-02-24 | over before the first dose
    01      | 2     | Rash    | N     | 2024-03-05 |            | not serious
    01      | 3     | Sepsis  | Y     | 2024-03-31 |            | the event
    01      | 4     | Ileus   | Y     | 2024-04-20 |            | a later one
    02      | 1     | Rash    | N     | 2024-03-05 |            | not serious
    03      | 1     | Sepsis  | Y     | 2024-06-20 |            | 50 days after the last dose
    """,
    IDS,
)
CM = table(
    """
    USUBJID | CMSEQ | CMTRT       | CMCAT                         | CMSTDTC
    01      | 1     | Gemcitabine | PRIOR ANTICANCER THERAPY      | 2023-06-01
    01      | 2     | Folfox      | SUBSEQUENT ANTICANCER THERAPY | 2024-06-09
    """,
    IDS,
)
SS = table(
    """
    USUBJID | SSSEQ | SSTESTCD | SSSTRESC | SSDTC
    01      | 1     | SURVSTAT | ALIVE    | 2024-09-01
    02      | 1     | SURVSTAT | ALIVE    | 2024-05-20
    03      | 1     | SURVSTAT | ALIVE    | 2024-06-29
    """,
    IDS,
)
SDTM = {"DM": DM, "EX": EX, "AE": AE, "CM": CM, "SS": SS}


def results(made: Adam) -> Results:
    return study_results(made.plan, made.specs, made.frames)


def one(table: pd.DataFrame, result: str, statistic: str) -> pd.Series:  # type: ignore[type-arg]
    rows = table[(table["RESULTID"] == result) & (table["STATISTIC"] == statistic)]
    assert len(rows) == 1, rows
    return rows.iloc[0]


@pytest.fixture(scope="module")
def made() -> Adam:
    return build_adam(SDTM, study(statistics={"at_risk_min": 1}))


def test_the_times_of_three_subjects(made: Adam) -> None:
    """From 1 March: 31 March is day 31, 20 May day 81, 30 May day 91, 9 June day 101, 29 June day 121."""
    own = made.frames["ADTTE"].query("PARAMCD in ('TTNT', 'TTSAE')")
    assert_rows(
        own,
        """
        USUBJID | PARAMCD | AVAL | CNSR | ADT        | EVNTDESC                | CNSDTDSC         | SRCVAR   | SRCSEQ
        01      | TTNT    | 101  | 0    | 2024-06-09 | New anticancer therapy  |                  | NACTDT   |
        01      | TTSAE   | 31   | 0    | 2024-03-31 | Serious event           |                  | ASTDT    | 3
        02      | TTNT    | 91   | 0    | 2024-05-30 | Death                   |                  | DTHDT    |
        02      | TTSAE   | 81   | 1    | 2024-05-20 | No serious event        | Last known alive | LSTALVDT |
        03      | TTNT    | 121  | 1    | 2024-06-29 | No next treatment       | Last known alive | LSTALVDT |
        03      | TTSAE   | 121  | 1    | 2024-06-29 | No serious event        | Last known alive | LSTALVDT |
        """,
    )
    assert own["SRCDOM"].tolist() == ["ADSL", "ADAE", "ADSL", "ADSL", "ADSL", "ADSL"]
    behind = made.lineage.query("DATASET == 'ADTTE' and USUBJID == '01' and PARAMCD == 'TTSAE'")
    assert behind[["SRCDOM", "SRCVAR", "SRCSEQ"]].values.tolist() == [["ADAE", "ASTDT", 3]]


def test_their_results(made: Adam) -> None:
    """TTNT ends at 91 and 101: S is 2/3, then 1/3; TTSAE rests on 2/3 after day 31. Three months are 91.3 days."""
    found = results(made).table
    median = one(found, "next-treatment", "median")
    assert median["VALUE"] == pytest.approx(101 / 30.4375)
    assert [one(found, "next-treatment", name)["VALUE"] for name in ("N", "events", "censored")] == [3, 2, 1]
    assert one(found, "next-treatment", "rate")["VALUE"] == pytest.approx(200 / 3)
    missing = one(found, "serious", "median")
    assert math.isnan(missing["VALUE"])
    assert missing["REASON"] == "not reached: the curve ends at 0.667, above 0.5"
    records = results(made).records.query("RESULTID == 'serious' and ROLE == 'event'")
    assert records[["USUBJID", "PARAMCD"]].values.tolist() == [["01", "TTSAE"]]


def test_their_metadata(made: Adam) -> None:
    words = made.datasets["ADTTE"]["CNSR"].method
    event = "Serious event (ADAE.ASTDT where TRTEMFL = 'Y' and AESER = 'Y')"
    assert (
        f"TTSAE: Starts: Treatment Start (ADSL.TRTSDT). Events (the first counts, of one day the first named): {event}."
        in words
    )
    assert "No next treatment (ADSL.LSTALVDT), CNSR 1 at 'Last known alive'" in words


def test_a_parameter_of_the_study_stands_in_the_place_of_the_one_that_ships() -> None:
    """Survival from consent: of 02 from 25 February to 30 May, 96 days; 91 days from the first dose as it ships."""
    own = """
    [[time_to_event]]
    paramcd = "OS"
    param = "Overall Survival from Consent"
    start = "RFICDT"
    events = [{ says = "Died", dataset = "ADSL", date = "DTHDT" }]
    censors = [{ says = "Alive", dataset = "ADSL", date = "LSTALVDT" }]
    """
    for text, name, days in ((own, "Overall Survival from Consent", 96), ("", "Overall Survival", 91)):
        made = build_adam(SDTM, study(text))
        survival = made.frames["ADTTE"].query("PARAMCD == 'OS'").set_index("USUBJID")
        assert survival["PARAM"].unique().tolist() == [name]
        assert survival["AVAL"]["02"] == days
        assert sorted(set(made.frames["ADTTE"]["PARAMCD"])) == ["OS", "TTD"]


def test_a_parameter_that_the_study_leaves_out_is_nowhere() -> None:
    made = build_adam(SDTM, study(f'without_parameters = ["TTD"]\n{TIMES}{ENDPOINTS}'))
    assert sorted(set(made.frames["ADTTE"]["PARAMCD"])) == ["OS", "TTNT", "TTSAE"]
    assert "TTD" not in made.datasets["ADTTE"]["CNSR"].method
    assert "TTD" not in set(results(made).table["PARAMCD"])
    assert not len(made.findings)


@pytest.fixture(scope="module")
def without_events() -> Adam:
    return build_adam({name: frame for name, frame in SDTM.items() if name != "AE"}, study())


def test_a_parameter_whose_dataset_is_absent_is_a_finding_that_names_the_endpoint(without_events: Adam) -> None:
    found = without_events.findings[["DATASET", "VARIABLE", "VALUE", "RULE", "MESSAGE"]].values.tolist()
    assert found == [
        [
            "ADTTE",
            "PARAMCD",
            "TTSAE",
            "parameter not derived",
            "Endpoint serious: parameter TTSAE was not derived: there is no dataset ADAE.",
        ]
    ]


def test_its_results_say_why_and_count_nobody(without_events: Adam) -> None:
    found = results(without_events).table
    row = found[found["RESULTID"] == "serious"]
    assert row["STATISTIC"].tolist() == ["estimate"] and row["VALUE"].isna().all()
    assert row["REASON"].tolist() == ["there is no dataset ADAE"]
    assert one(found, "next-treatment", "N")["VALUE"] == 3


def test_an_endpoint_may_use_a_parameter_of_the_study_only_where_it_is_defined() -> None:
    with pytest.raises(ValueError, match="nobody derives a parameter 'TTSAE'"):
        study(ENDPOINTS)
    assert isinstance(study(TIMES), Study)
