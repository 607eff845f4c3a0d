"""Every outcome of the five documents has a result, and the result is the truth that the simulator planted."""

from __future__ import annotations

import importlib.util
import json
import math
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import jsonschema
import pandas as pd
import pytest
from click.testing import CliRunner
from fhir2cdisc.adam.build import build_adam
from fhir2cdisc.adam.results.endpoints import endpoint_specs
from fhir2cdisc.adam.results.interim import look_specs, study_results
from fhir2cdisc.adam.results.results import summarise_results
from fhir2cdisc.converters.cli.main import main
from fhir2cdisc.converters.documents.arm import result_displays
from fhir2cdisc.converters.documents.report import Background, write_report
from fhir2cdisc.converters.documents.results import write_results
from fhir2cdisc.converters.run.pipeline import build_sdtm
from fhir2cdisc.fhir.simulation.simulate import Order, simulate
from fhir2cdisc.mappings.study import Study, builtin_studies, load_study
from support.others import others

STUDIES = sorted(builtin_studies())

# The outcomes of each document in its own order, and the endpoint that answers them (read by hand).
DOCUMENTS = {
    "hepatobiliary-rws": "os pfs orr dcr teae qol dor os-5y genes",
    "lenvatinib-pembrolizumab": "orr dcr pfs os dor sd4 teae trae ttp biomarkers",
    "apatinib-camrelizumab": "pfs orr os teae trae cbr ttp biomarkers",
    "axitinib-toripalimab": "orr pfs dcr os dor sd4 pfs-rate os-rate teae trae pdl1 tmb ttp biomarkers",
    "refractory-registry": "orr orr-visit mtb-guided pfs os bor sae qol variants ecog second-guided",
}


def _table_module() -> ModuleType:
    path = Path(__file__).parent / "outcomes_table.py"
    spec = importlib.util.spec_from_file_location("outcomes_table", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["outcomes_table"] = module
    spec.loader.exec_module(module)
    return module


PAGE = _table_module()


@dataclass
class Made:
    """A small simulated cohort: the study, its SDTM and ADaM frames, the rows of results."""

    study: Study
    folder: Path
    sdtm: dict[str, pd.DataFrame]
    adam: dict[str, pd.DataFrame]
    table: pd.DataFrame


@pytest.fixture(scope="module", params=STUDIES)
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Made:
    return cohort(load_study(request.param), tmp_path_factory.mktemp(request.param), 24, 5)


def cohort(study: Study, folder: Path, patients: int, seed: int) -> Made:
    simulate(Order(study, seed, patients), folder)
    sdtm = build_sdtm([folder / "fhir"], study).sdtm.frames
    adam = build_adam(sdtm, study).frames
    return Made(study, folder, sdtm, adam, study_results(study, adam).table)


def test_every_outcome_of_the_document_has_a_result(made: Made) -> None:
    named = DOCUMENTS[made.study.id].split()
    assert set(named) <= {one.id for one in made.study.endpoints}
    for name in named:
        rows = made.table[made.table["RESULTID"] == name]
        assert rows["VALUE"].notna().any(), f"{name} has no result"


def test_every_endpoint_of_the_study_has_a_result_and_every_missing_number_its_reason(made: Made) -> None:
    for one in made.study.endpoints:
        assert (made.table["RESULTID"] == one.id).any(), f"{one.id} has no row"
    unexplained = made.table[made.table["VALUE"].isna() & (made.table["REASON"] == "")]
    assert unexplained.to_dict("records") == []


def test_the_numbers_are_the_planted_ones(made: Made) -> None:
    truth = PAGE.plain.Truth(made.folder, made.study.response.evaluator)
    wrong = [
        f"{line.endpoint} {line.statistic}: {line.row['VALUE']} {line.row['REASON']}, truth {line.truth}"
        for line in PAGE.lines(made.study, made.table, truth)
        if not agrees(line)
    ]
    assert wrong == []


def agrees(line: Any) -> bool:
    value, truth = line.row["VALUE"], line.truth
    missing = value is None or math.isnan(value)
    if isinstance(truth, str):
        return line.row["REASON"] != "no result"
    return missing == (truth is None) and (missing or abs(value - truth) < 1e-6)


def test_both_sensitivities_ship(made: Made) -> None:
    ids = set(made.table["RESULTID"])
    assert {"orr", "orr.unconfirmed", "pfs", "pfs.pfsema"} <= ids


def test_every_result_names_the_records_that_it_counts(made: Made) -> None:
    results = study_results(made.study, made.adam)
    counted = results.table[(results.table["STATISTIC"] == "n") & (results.table["VALUE"] > 0)]
    counted = counted[~counted["RESULTID"].str.startswith("int") & (counted["DATASET"] == "ADRS")]
    numerators = results.records[results.records["ROLE"] == "numerator"]
    there = set(made.adam["ADRS"].set_index(["USUBJID", "ASEQ"]).index)
    for row in counted.to_dict("records"):
        keys = (row["RESULTID"], row["GROUP"], row["CATEGORY"])
        mine = numerators[
            (numerators["RESULTID"] == keys[0]) & (numerators["GROUP"] == keys[1]) & (numerators["CATEGORY"] == keys[2])
        ]
        if row["CATEGORY"] != "MISSING":
            assert mine["USUBJID"].nunique() == row["VALUE"]
        counted_in = mine.loc[mine["DATASET"] == "ADRS", ["USUBJID", "SEQ"]]
        assert set(counted_in.itertuples(index=False, name=None)) <= there


def test_the_reporting_event_is_valid_and_its_references_exist(made: Made, tmp_path: Path) -> None:
    path = others("standards", "ars_ldm.schema.json")
    write_results(tmp_path, made.adam, made.study)
    event = json.loads((tmp_path / "results" / "ars.json").read_text(encoding="utf-8"))
    schema = json.loads(path.read_text(encoding="utf-8"))
    checker = jsonschema.validators.validator_for(schema)(schema)
    assert [error.message for error in checker.iter_errors(event)] == []
    parts = ("analysisSets", "dataSubsets", "analysisGroupings", "methods")
    known = {one["id"] for part in parts for one in event[part]}
    operations = {one["id"] for method in event["methods"] for one in method["operations"]}
    for one in event["analyses"]:
        used = {one["analysisSetId"], one["methodId"], *(g["groupingId"] for g in one["orderedGroupings"])}
        assert used | ({one["dataSubsetId"]} if "dataSubsetId" in one else set()) <= known
        assert {result["operationId"] for result in one["results"]} <= operations
        assert one["results"]
    assert [one["id"] for one in event["analyses"]] == [
        item["analysisId"] for item in event["mainListOfContents"]["contentsList"]["listItems"]
    ]


def test_results_are_written_the_same_twice_and_json_says_what_csv_says(made: Made, tmp_path: Path) -> None:
    for name in ("one", "two"):
        results = write_results(tmp_path / name, made.adam, made.study)
        write_report(tmp_path / name, made.study, results, made.adam, Background())
    for file in (
        "results/results.csv",
        "results/results.json",
        "results/ars.json",
        "results/records.parquet",
        "report/index.html",
    ):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()
    rows = json.loads((tmp_path / "one" / "results" / "results.json").read_text(encoding="utf-8"))
    table = pd.read_csv(tmp_path / "one" / "results" / "results.csv", keep_default_na=False, na_values=[""])
    assert [row["RESULTID"] for row in rows] == list(table["RESULTID"])
    values = [math.nan if row["VALUE"] is None else row["VALUE"] for row in rows]
    pd.testing.assert_series_equal(pd.Series(values, name="VALUE"), table["VALUE"])


def test_define_has_a_display_for_every_endpoint_whose_data_are_there(made: Made) -> None:
    displays = result_displays(made.study, made.adam)
    assert [display.id for display in displays] == [one.id for one in made.study.endpoints]
    for result in (result for display in displays for result in display.results):
        for data in result.data:
            assert set(data.variables) <= set(made.adam[data.dataset])


def test_interim_looks_are_the_rows_of_data_cut_by_hand(tmp_path: Path) -> None:
    whole = load_study("hepatobiliary-rws")
    cases = (20, 30, 50)
    interim = whole.interim.model_copy(update={"cases": cases, "only_if_extended": (50,)})
    study = whole.model_copy(update={"interim": interim})
    made = cohort(study, tmp_path, 40, 7)
    dm = made.sdtm["DM"].sort_values(["RFICDTC", "USUBJID"])
    for look, count in ((1, 20), (2, 30)):
        kept = set(dm["USUBJID"].head(count))
        cut = {n: f[f["USUBJID"].isin(kept)] if "USUBJID" in f else f for n, f in made.sdtm.items()}
        by_hand = summarise_results(endpoint_specs(study), build_adam(cut, study).frames).table
        rows = made.table[made.table["RESULTID"].str.startswith(f"int{look}.")]
        assert list(rows["RESULTID"].unique()) == [spec.id for spec in look_specs(study, look)]
        assert set(rows["ENDPOINT"].str.endswith(f", first {count} subjects")) == {True}
        pd.testing.assert_frame_equal(
            plainly(rows, f"int{look}.", f", first {count} subjects"), plainly(by_hand), check_exact=True
        )
    missed = made.table[made.table["RESULTID"] == "int3"]
    assert list(missed["REASON"]) == [
        "40 of 50 subjects are enrolled; the study reaches this look only if it is extended"
    ]


def plainly(rows: pd.DataFrame, prefix: str = "", words: str = "") -> pd.DataFrame:
    return rows.assign(
        RESULTID=rows["RESULTID"].str.removeprefix(prefix), ENDPOINT=rows["ENDPOINT"].str.removesuffix(words)
    ).reset_index(drop=True)


def test_the_page_lists_every_endpoint_of_every_study() -> None:
    page = PAGE.PAGE.read_text(encoding="utf-8")
    parts = {part.split("\n", 1)[0]: part for part in page.split("\n## ")}
    for name in STUDIES:
        for one in load_study(name).endpoints:
            assert f"| {one.title} (`{one.id}`) |" in parts[name]
    assert "no result" not in page


def test_the_page_is_written_from_the_numbers(tmp_path: Path) -> None:
    study = load_study("apatinib-camrelizumab")
    table = PAGE.make_study(study, tmp_path, 12, 3)
    truth = PAGE.plain.Truth(tmp_path)
    text = PAGE.section(study, list(PAGE.lines(study, table, truth)), 12)
    assert text.startswith("## apatinib-camrelizumab\n\nApatinib Plus Camrelizumab")
    row = next(line for line in text.splitlines() if "(`orr`) | percent |" in line)
    shown, planted = row.split(" | ")[2:4]
    assert shown.split(" ")[0] == planted


def test_the_command_gives_the_results_of_a_package(tmp_path: Path) -> None:
    study = load_study("lenvatinib-pembrolizumab")
    simulate(Order(study, 4, 12), tmp_path / "sim")
    run = CliRunner()
    source, package, out = str(tmp_path / "sim" / "fhir"), tmp_path / "package", tmp_path / "results"
    assert run.invoke(main, ["run", source, "--study", study.id, "--out", str(package)]).exit_code == 0
    said = run.invoke(main, ["results", str(package), "--study", study.id, "--out", str(out)])
    assert said.exit_code == 0, said.output
    assert "Objective Response Rate (ORR): percent" in said.output
    for name in ("results.csv", "results.json", "ars.json", "records.parquet"):
        assert (out / "results" / name).read_bytes() == (package / "results" / name).read_bytes()
    assert "<nav>" in (package / "report" / "index.html").read_text(encoding="utf-8")
    empty = tmp_path / "empty"
    empty.mkdir()
    refused = run.invoke(main, ["results", str(empty), "--study", study.id, "--out", str(tmp_path / "r2")])
    assert refused.exit_code == 1
    assert refused.output == f"Error: {empty}: has no ADSL dataset, so there are no results\n"
