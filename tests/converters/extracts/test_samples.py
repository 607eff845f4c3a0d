"""Extracts of many systems against what they must become: every cell of every expected table.

The tables beside the samples were made from the raw files without this project. `(any)` in them fits everything.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pandas as pd
import pytest
from fhir2cdisc.adam.build import build_adam, study_lesions
from fhir2cdisc.converters.extracts.cell import CellReader
from fhir2cdisc.converters.extracts.grid import letters
from fhir2cdisc.converters.run.derived_rs import add_derived_responses
from fhir2cdisc.converters.run.pipeline import RunOptions, SdtmRun, build_sdtm
from fhir2cdisc.mappings.extract_model import builtin_extracts
from fhir2cdisc.mappings.study import Study
from support.others import others

MAPPINGS = Path(__file__).parent / "mappings"
STUDY = Study.model_validate(
    {
        "id": "own",
        "studyid": "01",
        "title": "Extracts",
        "reference": {"start": ["first-dose"]},
        "privacy": {"birth_date": "full"},
    }
)


@dataclass(frozen=True)
class Sample:
    """A folder of samples and the mapping that reads it; `but` are variables that the raw files do not determine."""

    folder: str
    mapping: str
    domains: str
    but: tuple[str, ...] = ()


SAMPLES = [
    Sample("edc_cdash_360i", "cdash-360i", "DM AE CM EX MH"),
    Sample("edc_rave_oak", "rave-cm-vs", "CM VS"),
    Sample("recist_cn_wide", "cn-recist", "TU TR RS"),
    # No column of the project has the last dose.
    Sample("redcap_recist", "redcap-recist", "DM TU TR RS", ("RFXENDTC",)),
]


@cache
def made(folder: Path, mapping: str) -> SdtmRun:
    own = MAPPINGS / f"{mapping}.toml"
    return build_sdtm([folder], STUDY, RunOptions(extracts=(str(own) if own.exists() else mapping,)))


def cells(frame: pd.DataFrame, columns: list[str]) -> list[tuple[str, ...]]:
    def shown(value: object) -> str:
        return ("" if pd.isna(value) else f"{value:.15g}") if isinstance(value, float) else str(value).strip()

    return [tuple(shown(row[name]) for name in columns) for row in frame.to_dict("records")]


def expected(folder: Path, domain: str, but: tuple[str, ...]) -> pd.DataFrame:
    frame = pd.read_csv(folder / f"expected_{domain}.csv", dtype=str, keep_default_na=False)
    return frame.drop(columns=[name for name in but if name in frame])


def found(run: SdtmRun, domain: str, columns: list[str]) -> pd.DataFrame:
    frame = run.sdtm.frames[domain]
    dm = run.sdtm.frames["DM"].set_index("USUBJID")
    named = frame.assign(SUBJID=frame["USUBJID"].map(dm["SUBJID"]))
    return named.assign(**{name: "" for name in columns if name not in named})


@pytest.mark.parametrize(
    ("sample", "domain"),
    [pytest.param(s, d, id=f"{s.folder}-{d}") for s in SAMPLES for d in s.domains.split()],
)
def test_every_cell_is_the_expected_one(sample: Sample, domain: str) -> None:
    folder = others("data", "raw", sample.folder)
    wanted = expected(folder, domain, sample.but)
    columns = list(wanted.columns)
    mine = found(made(folder, sample.mapping), domain, columns)
    if domain in ("RS", "TU"):
        # What the lesions give beside what was written is compared elsewhere.
        mine = mine[mine.index.isin(collected(made(folder, sample.mapping), domain))]
    theirs, ours = Counter(cells(wanted, columns)), Counter(cells(mine, columns))
    free = [row for row in theirs if "(any)" in row]
    for row in free:
        fits = [one for one in ours if all(a in ("(any)", b) for a, b in zip(row, one, strict=True))]
        assert len(fits) == theirs.pop(row), row
        ours.pop(fits[0])
    assert ours == theirs


def collected(run: SdtmRun, domain: str) -> list[int]:
    """The rows that come from a cell or row of the extract."""
    lineage = run.sdtm.lineage
    mine = lineage[(lineage["DATASET"] == domain) & (lineage["ROLE"] == "source") & lineage["RULE"].str.contains(":")]
    keys = set(zip(mine["USUBJID"], mine["SEQ"], strict=True))
    frame = run.sdtm.frames[domain]
    pairs = zip(frame["USUBJID"], frame[f"{domain}SEQ"], strict=True)
    return [index for index, pair in zip(frame.index, pairs, strict=True) if pair in keys]


@pytest.mark.parametrize("domain", ["DM", "AE"])
def test_an_edc_export_is_the_published_sdtm_in_all_that_it_determines(domain: str) -> None:
    """306 subjects and 1,191 adverse events.

    The export has no dosing and no disposition, so none of the reference dates, and no birth or death dates. It has
    codes of terms that the published data leave blank. 15 dates of onset that were `YYYY-MM` are blank in it.
    """
    raw, published = others("data", "raw", "edc_csv"), others("data", "sdtm", f"{domain.lower()}.parquet")
    run = made(raw, "edc-csv")
    wanted, mine = pd.read_parquet(published), run.sdtm.frames[domain]
    not_there = {
        "DM": "RFSTDTC RFENDTC RFXSTDTC RFXENDTC RFICDTC RFPENDTC DTHDTC DTHFL DMDY ARMNRS ACTARMUD BRTHDTC".split(),
        "AE": "AESEQ AESPID AELLTCD AEPTCD AEHLTCD AEHLGTCD AESOCCD AEBDSYCD AESTDY AEENDY AEDY".split(),
    }[domain]
    columns = [name for name in wanted if name not in not_there and name != "STUDYID"]
    assert len(mine) == len(wanted) == {"DM": 306, "AE": 1191}[domain]
    assert set(columns) <= set(mine.columns)
    texts = wanted[columns].astype(object).where(wanted[columns].notna(), "")
    theirs, ours = Counter(cells(texts, columns)), Counter(cells(mine, columns))
    lost = list((theirs - ours).elements())
    if domain == "AE":
        months = [row for row in lost if len(row[columns.index("AESTDTC")]) == len("2012-02")]
        assert len(months) == len(lost) == 15
        blank = [tuple("" if name == "AESTDTC" else v for name, v in zip(columns, row, strict=True)) for row in lost]
        assert Counter(blank) == ours - theirs
    else:
        assert (lost, ours - theirs) == ([], Counter())


RECIST = Study.model_validate(
    {
        "id": "own",
        "studyid": "01",
        "title": "One trial told three times",
        "cohort": {"membership": "all"},
        "reference": {"start": ["first-dose"]},
        # The FHIR of the trial has the first and the last dose only.
        "treatment": {"gap_days": 400},
    }
)
LINK = """
[link]
file = "subjects.csv"
subject = "subject"
keys = { mrn = "urn:example:hospital:mrn", screening = "cn-recist" }
"""
DATES = """
extract = "dates"
[[table]]
name = "dates"
file = "dates.csv"
subject = "SUBJID"
[[source]]
domain = "DM"
name = "dates"
table = "dates"
adds = true
same = ["RFXSTDTC", "DTHDTC"]
"""


def told(way: str, folder: Path) -> SdtmRun:
    """The trial from the workbook with a table of dates, from the REDCap project, or from the workbook and FHIR."""
    if way == "fhir_and_raw":
        linked = folder / "linked.toml"
        linked.write_text(builtin_extracts()["cn-recist"].read_text(encoding="utf-8") + LINK, encoding="utf-8")
        return build_sdtm([others("data", "raw", way)], RECIST, RunOptions(extracts=(str(linked),)))
    if way == "redcap_recist":
        return build_sdtm([others("data", "raw", way)], RECIST, RunOptions(extracts=("redcap-recist",)))
    dates = pd.read_csv(others("data", "raw", "redcap_recist", "expected_DM.csv"), dtype=str, keep_default_na=False)
    (folder / "dates").mkdir()
    dates[["SUBJID", "RFXSTDTC", "DTHDTC"]].to_csv(folder / "dates" / "dates.csv", index=False)
    (folder / "dates.toml").write_text(DATES, encoding="utf-8")
    extracts = ("cn-recist", str(folder / "dates.toml"))
    return build_sdtm([others("data", "raw", way), folder / "dates"], RECIST, RunOptions(extracts=extracts))


@pytest.mark.parametrize("way", ["recist_cn_wide", "redcap_recist", "fhir_and_raw"])
def test_one_trial_told_three_times_has_the_same_lesions_responses_and_survival(way: str, tmp_path: Path) -> None:
    run = told(way, tmp_path)
    made = build_adam(run.sdtm.frames, RECIST).frames
    wanted = pd.read_csv(others("data", "raw", way, "expected_endpoints.csv"), dtype=str, keep_default_na=False)
    counts = {domain: len(collected(run, domain)) for domain in ("TU", "TR", "RS")}
    assert counts == {"TU": 15, "TR": 51, "RS": 63}
    adrs, adtte = made["ADRS"], made["ADTTE"]
    best = adrs[adrs["PARAMCD"] == "BOR"].set_index("USUBJID")["AVALC"].replace("MISSING", "")
    pfs = adtte[adtte["PARAMCD"] == "PFS"].set_index("USUBJID")
    number = [f"01-{one[:3]}-{one[3:]}" if way == "fhir_and_raw" else f"01-{one}" for one in wanted["SUBJID"]]
    assert best[number].tolist() == wanted["BOR_REPORTED_UNCONFIRMED"].tolist()
    assert pfs.loc[number, "CNSR"].map({0: "Y"}).fillna("N").tolist() == wanted["PFS_EVENT"].tolist()
    assert pfs.loc[number, "ADT"].dt.strftime("%Y-%m-%d").tolist() == wanted["PFS_DATE"].tolist()


@pytest.mark.parametrize("way", ["recist_cn_wide", "redcap_recist", "fhir_and_raw"])
def test_the_written_response_that_the_lesions_contradict_is_a_conflict(way: str, tmp_path: Path) -> None:
    run = told(way, tmp_path)
    conflicts = add_derived_responses(run.sdtm, RECIST, study_lesions(run.sdtm.frames, RECIST))
    found = conflicts[conflicts["VARIABLE"] == "OVRLRESP"]
    assert found["USUBJID"].str.endswith("0008").tolist() == [True]
    assert "is PR; the lesions give SD (-25% from baseline 40 mm)" in found["MESSAGE"].iloc[0]


def test_cells_are_found_again_by_their_addresses() -> None:
    """40 measurements of the workbook with the address of the cell that each stands in, and what stands there."""
    folder = others("data", "raw", "recist_cn_wide")
    wanted = pd.read_csv(folder / "expected_cells.csv", dtype=str, keep_default_na=False)
    run = made(folder, "cn-recist")
    tr = run.sdtm.frames["TR"].assign(SUBJID=lambda frame: frame["USUBJID"].str.removeprefix("01-"))
    lineage = run.sdtm.lineage
    read = CellReader([folder])
    for row in wanted.itertuples():
        record = tr[(tr["SUBJID"] == row.SUBJID) & (tr["TRLNKID"] == row.TRLNKID) & (tr["VISIT"] == row.VISIT)]
        mine = lineage[(lineage["DATASET"] == "TR") & (lineage["USUBJID"] == f"01-{row.SUBJID}")]
        (place,) = mine[mine["SEQ"].isin(record["TRSEQ"]) & (mine["ROLE"] == "source")].itertuples()
        assert f"疗效评估.xlsx!{row.SHEET}" == place.FILE
        assert f"{letters(place.ENTRY)}{place.LINE}" == row.CELL
        assert read(place.FILE, place.LINE, place.ENTRY) == row.SHOWN


def test_tables_of_the_common_data_model_are_read_by_the_codes_of_their_tests() -> None:
    """Every expected result is there, and more: the expected table has the tests of a short list only."""
    folder = others("data", "raw", "omop_synthea27")
    frames = made(folder, "omop").sdtm.frames
    people = pd.read_csv(folder / "expected_DM.csv", dtype=str, keep_default_na=False).rename(
        columns={"SUBJ": "SUBJID"}
    )
    columns = list(people.columns)
    assert Counter(cells(frames["DM"], columns)) == Counter(cells(people, columns))
    results = pd.read_csv(folder / "expected_findings.csv", dtype=str, keep_default_na=False)
    wanted = Counter(zip(results["SUBJ"], results["TESTCD"], results["ORRES"].map(float), results["DTC"], strict=True))
    found: Counter[tuple[object, ...]] = Counter()
    for domain in ("VS", "LB"):
        mine = frames[domain]
        numbers = mine[f"{domain}ORRES"].map(float)
        who = mine["USUBJID"].str.removeprefix("01-")
        found.update(zip(who, mine[f"{domain}TESTCD"], numbers, mine[f"{domain}DTC"], strict=True))
    assert len(results) == 110
    assert wanted - found == Counter()


def test_items_of_odm_are_records_and_its_code_lists_are_read() -> None:
    """A snapshot of ODM 1.3.2: sex, age, weight and height, and 317 answers of a form.

    Five of the 90 subjects have nothing of the first group: they are subjects, of whom that is not known.
    """
    folder = others("data", "raw", "odm_openedc")
    frames = made(folder, "odm-openedc").sdtm.frames
    wanted = pd.read_csv(folder / "expected_DM_VS.csv", dtype=str, keep_default_na=False)
    dm, vs, qs = frames["DM"], frames["VS"], frames["QS"]
    results = vs.pivot_table(index="USUBJID", columns="VSTESTCD", values="VSORRES", aggfunc="first").fillna("")
    mine = dm.merge(results, left_on="USUBJID", right_index=True, how="left").fillna({"WEIGHT": "", "HEIGHT": ""})
    columns = ["SUBJID", "SEX", "AGE", "WEIGHT_kg", "HEIGHT_m"]
    named = mine.rename(columns={"WEIGHT": "WEIGHT_kg", "HEIGHT": "HEIGHT_m"})
    there = named["SUBJID"].isin(wanted["SUBJID"])
    assert Counter(cells(named[there], columns)) == Counter(cells(wanted, columns))
    assert {row[1:] for row in cells(named[~there], columns)} == {("", "", "", "")} and len(dm) == 90
    answers = pd.read_csv(folder / "expected_QS.csv", dtype=str, keep_default_na=False)
    given = qs.assign(SUBJID=qs["USUBJID"].str.removeprefix("01-"))
    assert Counter(cells(given, ["SUBJID", "VISIT", "QSTEST", "QSORRES"])) == Counter(cells(answers, list(answers)))


def test_items_of_odm_2_lie_in_groups_in_groups() -> None:
    """The second date of birth ends with a sign that no date has: it is said, and left empty."""
    folder = others("data", "raw", "odm_v2")
    run = made(folder, "odm-race")
    wanted = pd.read_csv(folder / "expected_DM_race.csv", dtype=str, keep_default_na=False)
    dm, sc = run.sdtm.frames["DM"], run.sdtm.frames["SC"]
    assert dm["SEX"].map({"M": "1", "F": "2"}).tolist() == wanted["SEX_CODE"].tolist()
    assert dm["BRTHDTC"].tolist() == [one if one.replace("-", "").isdigit() else "" for one in wanted["BRTHDTC"]]
    assert sc["SCORRES"].tolist() == wanted["RACE_CODES"].tolist()
    assert [f.value for f in run.accounts.findings if f.rule == "date.unreadable"] == ["1975-01-31>"]


def test_a_redcap_project_with_repeating_and_empty_forms() -> None:
    folder = others("data", "raw", "redcap_small")
    frames = made(folder, "redcap-small").sdtm.frames
    people = pd.read_csv(folder / "expected_DM.csv", dtype=str, keep_default_na=False).drop(columns="FORM_STATUS")
    assert Counter(cells(frames["DM"], list(people))) == Counter(cells(people, list(people)))
    readings = pd.read_csv(folder / "expected_VS.csv", dtype=str, keep_default_na=False).drop(columns="VSREPEAT")
    vs = frames["VS"].assign(SUBJID=frames["VS"]["USUBJID"].str.removeprefix("01-"))
    assert Counter(cells(vs, list(readings))) == Counter(cells(readings, list(readings)))
