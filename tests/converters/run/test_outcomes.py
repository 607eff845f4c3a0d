"""Every outcome of the five documents has a result, and the result is the truth that the simulator planted."""

from __future__ import annotations

import importlib.util
import json
import math
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import jsonschema
import pandas as pd
import pytest
from fhir2cdisc.adam.build import build_adam
from fhir2cdisc.adam.results.kinds import endpoint_specs, look_specs
from fhir2cdisc.adam.results.summary import study_results, summarise_results
from fhir2cdisc.converters.documents.arm import result_displays
from fhir2cdisc.converters.documents.report import Background, write_report
from fhir2cdisc.converters.documents.results import write_results
from fhir2cdisc.mappings.study import builtin_studies, load_study
from support.command import call, fhir2cdisc
from support.others import others
from support.packages import Package

STUDIES = sorted(builtin_studies())
PackageOf = Callable[[str], Package]

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


@pytest.fixture(scope="module", params=STUDIES)
def made(request: pytest.FixtureRequest, package_of: PackageOf) -> Package:
    return package_of(request.param)


@pytest.fixture(scope="module")
def written(made: Package, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the results and the report of a study."""
    return write(made, tmp_path_factory.mktemp("written"))


def write(made: Package, folder: Path) -> Path:
    plan, specs = made.made.plan, made.made.specs
    results = write_results(folder, plan, specs, made.adam)
    write_report(folder, plan, specs, results, made.adam, Background())
    return folder


def test_every_outcome_of_the_document_has_a_result(made: Package) -> None:
    named = DOCUMENTS[made.study.id].split()
    assert set(named) <= {one.id for one in made.study.endpoints}
    table = made.results.table
    for name in named:
        rows = table[table["RESULTID"] == name]
        assert rows["VALUE"].notna().any(), f"{name} has no result"


def test_every_endpoint_of_the_study_has_a_result_and_every_missing_number_its_reason(made: Package) -> None:
    table = made.results.table
    for one in made.study.endpoints:
        assert (table["RESULTID"] == one.id).any(), f"{one.id} has no row"
    unexplained = table[table["VALUE"].isna() & (table["REASON"] == "")]
    assert unexplained.to_dict("records") == []


def test_the_numbers_are_the_planted_ones(made: Package) -> None:
    truth = PAGE.plain.Truth(made.simulated, made.study.response.evaluator)
    wrong = [
        f"{line.endpoint} {line.statistic}: {line.row['VALUE']} {line.row['REASON']}, truth {line.truth}"
        for line in PAGE.lines(made.study, made.results.table, truth)
        if not agrees(line)
    ]
    assert wrong == []


def agrees(line: Any) -> bool:
    value, truth = line.row["VALUE"], line.truth
    missing = value is None or math.isnan(value)
    if isinstance(truth, str):
        return line.row["REASON"] != "no result"
    return missing == (truth is None) and (missing or abs(value - truth) < 1e-6)


def test_both_sensitivities_ship(made: Package) -> None:
    ids = set(made.results.table["RESULTID"])
    assert {"orr", "orr.unconfirmed", "pfs", "pfs.pfsema"} <= ids


def test_every_result_names_the_records_that_it_counts(made: Package) -> None:
    results = made.results
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


def test_the_reporting_event_is_valid_and_its_references_exist(written: Path) -> None:
    path = others("standards", "ars_ldm.schema.json")
    event = json.loads((written / "results" / "ars.json").read_text(encoding="utf-8"))
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


def test_results_are_written_the_same_twice_and_json_says_what_csv_says(
    made: Package, written: Path, tmp_path: Path
) -> None:
    write(made, tmp_path)
    for file in (
        "results/results.csv",
        "results/results.json",
        "results/ars.json",
        "results/records.parquet",
        "report/index.html",
    ):
        assert (written / file).read_bytes() == (tmp_path / file).read_bytes()
    rows = json.loads((written / "results" / "results.json").read_text(encoding="utf-8"))
    table = pd.read_csv(written / "results" / "results.csv", keep_default_na=False, na_values=[""])
    assert [row["RESULTID"] for row in rows] == list(table["RESULTID"])
    values = [math.nan if row["VALUE"] is None else row["VALUE"] for row in rows]
    pd.testing.assert_series_equal(pd.Series(values, name="VALUE"), table["VALUE"])


def test_define_has_a_display_for_every_endpoint_whose_data_are_there(made: Package) -> None:
    adam = made.adam
    displays = result_displays(made.study, made.made.specs, adam)
    assert [display.id for display in displays] == [one.id for one in made.study.endpoints]
    for result in (result for display in displays for result in display.results):
        for data in result.data:
            assert set(data.variables) <= set(adam[data.dataset])


def test_interim_looks_are_the_rows_of_data_cut_by_hand(package_of: PackageOf) -> None:
    made = package_of("hepatobiliary-rws")
    cases = (20, 30, 50)
    interim = made.study.interim.model_copy(update={"cases": cases, "only_if_extended": (50,)})
    study, sdtm = made.study.model_copy(update={"interim": interim}), made.sdtm
    whole = build_adam(sdtm, study)
    table = study_results(whole.plan, whole.specs, whole.frames).table
    dm = sdtm["DM"].sort_values(["RFICDTC", "USUBJID"])
    for look, count in ((1, 20), (2, 30)):
        kept = set(dm["USUBJID"].head(count))
        cut = {n: f[f["USUBJID"].isin(kept)] if "USUBJID" in f else f for n, f in sdtm.items()}
        by_hand = summarise_results(endpoint_specs(whole.plan), build_adam(cut, study).frames).table
        rows = table[table["RESULTID"].str.startswith(f"int{look}.")]
        assert list(rows["RESULTID"].unique()) == [spec.id for spec in look_specs(whole.plan, look)]
        assert set(rows["ENDPOINT"].str.endswith(f", first {count} subjects")) == {True}
        pd.testing.assert_frame_equal(
            plainly(rows, f"int{look}.", f", first {count} subjects"), plainly(by_hand), check_exact=True
        )
    missed = table[table["RESULTID"] == "int3"]
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


def test_the_page_is_written_from_the_numbers(package_of: PackageOf) -> None:
    made = package_of("apatinib-camrelizumab")
    truth = PAGE.plain.Truth(made.simulated)
    text = PAGE.section(made.study, list(PAGE.lines(made.study, made.results.table, truth)), 40)
    assert text.startswith("## apatinib-camrelizumab\n\nApatinib Plus Camrelizumab")
    row = next(line for line in text.splitlines() if "(`orr`) | percent |" in line)
    shown, planted = row.split(" | ")[2:4]
    assert shown.split(" ")[0] == planted


def test_the_command_gives_the_results_of_a_package(package_of: PackageOf, tmp_path: Path) -> None:
    study, out = "lenvatinib-pembrolizumab", tmp_path / "results"
    package = package_of(study).folder
    said = fhir2cdisc("results", package, "--study", study, "--out", out)
    assert "Objective Response Rate (ORR): percent" in said
    for name in ("results.csv", "results.json", "ars.json", "records.parquet"):
        assert (out / "results" / name).read_bytes() == (package / "results" / name).read_bytes()
    assert "<nav>" in (package / "report" / "index.html").read_text(encoding="utf-8")
    empty = tmp_path / "empty"
    empty.mkdir()
    refused = call("results", empty, "--study", study, "--out", tmp_path / "r2")
    assert refused.exit_code == 1
    assert refused.output == f"Error: {empty}: has no ADSL dataset, so there are no results\n"
