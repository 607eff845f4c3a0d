"""Every study simulated as FHIR and as a raw extract: the same truth, the same SDTM values, the same endpoints."""

from __future__ import annotations

import importlib.util
from collections import Counter
from functools import cache
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest
from fhir2cdisc.adam.build import build_adam
from fhir2cdisc.adam.results.summary import study_results
from fhir2cdisc.converters import choices
from fhir2cdisc.converters.run.pipeline import RunOptions, SdtmRun, build_sdtm
from fhir2cdisc.fhir.simulation import simulate as simulation
from fhir2cdisc.fhir.simulation.simulate import Order, simulate
from fhir2cdisc.mappings.study import Study, builtin_studies, load_study
from support.command import fhir2cdisc
from support.facts import facts

STUDIES = sorted(builtin_studies())
PATIENTS = 8
# Extracts of the tumour assessments alone, as the investigator made them.
FORMS = ("redcap-recist", "cn-recist")
# Of each domain the variables that an EDC system collects. VISITNUM of an unplanned visit differs: FHIR has encounters
# that place it in time, a form has its name only.
CARRIED = {
    "AE": "AETERM AEDECOD AEBODSYS AESER AEACN AEREL AEOUT AETOXGR AESTDTC AEENDTC AESTDY AEENDY EPOCH",
    "CM": "CMTRT CMDECOD CMCAT CMCLASCD CMSTDTC CMENDTC CMSTDY CMENDY",
    "DD": "DDTESTCD DDORRES DDSTRESC DDDTC",
    "DM": "SITEID SEX BRTHDTC AGE RFSTDTC RFENDTC RFXSTDTC RFXENDTC RFICDTC RFPENDTC DTHDTC DTHFL ARMCD COUNTRY",
    "EX": "EXTRT EXDOSE EXDOSU EXROUTE EXSTDTC EXENDTC EXADJ EXSTDY EXENDY EPOCH",
    "FA": "FATESTCD FAOBJ FAORRES FASTRESC FADTC",
    "GF": "GFTESTCD GFTSTDTL GFSYM GFORRES GFORRESU GFSTRESC GFSTRESN GFSTRESU GFDTC GFBLFL",
    "LB": "LBTESTCD LBTEST LBCAT LBSPEC LBORRES LBORRESU LBORNRLO LBNRIND LBSTRESC LBSTRESN LBSTRESU LBDTC VISIT",
    "MI": "MITESTCD MITSTDTL MIORRES MIORRESU MISTRESC MISTRESN MIDTC",
    "PR": "PRTRT PRCAT PRSTDTC PRENDTC",
    "QS": "QSTESTCD QSCAT QSORRES QSSTRESC QSSTRESN QSDTC VISIT VISITNUM",
    "RS": "RSTESTCD RSTEST RSCAT RSORRES RSSTRESC RSEVAL RSDTC",
    "SS": "SSTESTCD SSSTRESC SSDTC",
    "TR": "TRLNKID TRTESTCD TRTEST TRORRES TRORRESU TRSTRESC TRSTRESN TRSTRESU TRSTAT TRMETHOD TREVAL TRDTC TRGRPID",
    "TU": "TULNKID TUTESTCD TUTEST TUORRES TUSTRESC TULOC TUMETHOD TUEVAL TUDTC",
    "VS": "VSTESTCD VSTEST VSORRES VSORRESU VSSTRESC VSSTRESN VSSTRESU VSDTC VISIT VISITNUM",
}


@cache
def _truth() -> ModuleType:
    spec = importlib.util.spec_from_file_location("truth_compare", Path(__file__).parent / "truth_compare.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Twice:
    """One study run from FHIR and from extracts."""

    def __init__(self, name: str, folder: Path) -> None:
        self.study: Study = load_study(name)
        simulate(Order(self.study, 101, PATIENTS, extracts=("cdash", *FORMS)), folder)
        self.truth = folder / "truth"
        self.fhir: SdtmRun = build_sdtm([folder / "fhir"], self.study)
        self.folder = folder
        self.runs: dict[str, SdtmRun] = {}
        self.extract = self.of("cdash")

    def of(self, name: str) -> SdtmRun:
        """What the extract of this name becomes."""
        if name not in self.runs:
            self.runs[name] = build_sdtm([self.folder / name], self.study, RunOptions(extracts=(name,)))
        return self.runs[name]


@pytest.fixture(scope="module", params=STUDIES)
def twice(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Twice:
    return Twice(request.param, tmp_path_factory.mktemp(request.param) / "simulated")


def values(run: SdtmRun, domain: str, columns: list[str], wanted: str = "") -> Counter[tuple[str, ...]]:
    """The different records of a domain by the values of columns, those that are `wanted` alone."""
    frame = run.sdtm.frames.get(domain)
    if frame is None:
        return Counter()
    rows = (frame.query(wanted, engine="python") if wanted else frame).reindex(columns=columns)
    if domain in ("LB", "VS") and "VISIT" in columns:
        rows["VISIT"] = rows["VISIT"].str.replace(r"UNSCHEDULED .*", "UNSCHEDULED", regex=True)
    texts = rows.astype(object).where(rows.notna(), "")
    return Counter(tuple(str(value) for value in row) for row in texts.to_numpy().tolist())


@pytest.mark.parametrize("domain", sorted(CARRIED))
def test_sdtm_has_the_same_values(twice: Twice, domain: str) -> None:
    columns = ["USUBJID", *CARRIED[domain].split()]
    ours, theirs = values(twice.extract, domain, columns), values(twice.fhir, domain, columns)
    assert ours == theirs


def test_the_truth_comes_back(twice: Twice) -> None:
    """Its subjects are numbered `site-number`, as the extract does in two columns."""
    frames = dict(twice.extract.sdtm.frames)
    number = frames["DM"]["USUBJID"].str.removeprefix(f"{twice.study.studyid}-")
    frames["DM"] = frames["DM"].assign(SUBJID=number)
    scores = facts("promis29_tscores")
    assert _truth().differences(frames, twice.study, twice.truth, scores) == []


def planned(run: SdtmRun, study: Study) -> pd.DataFrame:
    """The table of all results without those of unplanned visits."""
    made = build_adam(run.sdtm.frames, study)
    table = study_results(made.plan, made.specs, made.frames).table
    return table[~table["CATEGORY"].str.startswith("UNSCHEDULED")].reset_index(drop=True)


def test_the_endpoints_are_the_same(twice: Twice) -> None:
    """But for rows of unplanned visits, whose names differ (see `CARRIED`)."""
    ours, theirs = (planned(run, twice.study) for run in (twice.extract, twice.fhir))
    assert len(ours) > 0
    pd.testing.assert_frame_equal(ours, theirs)


def test_nothing_of_the_extract_is_lost(twice: Twice) -> None:
    counts = twice.extract.accounts.counts
    assert {outcome for (kind, outcome, _), _ in counts.items() if kind.startswith("cdash/")} == {"mapped"}
    assert [
        one.message for one in twice.extract.accounts.findings if one.rule.startswith(("column.unm", "column.par"))
    ] == []


LESIONS = {
    "TU": ("TULNKID TUORRES TULOC TUDTC", "TUORRES in ('TARGET', 'NON-TARGET') and TUTESTCD == 'TUMIDENT'"),
    # In mm, since a form has one unit; a state that was not seen is no answer there.
    "TR": (
        "TRLNKID TRTESTCD TRSTRESC TRSTAT TRDTC",
        "TRLNKID.str.match('N?T') and (TRSTRESC != '' or TRTESTCD != 'TUMSTATE')",
    ),
    "RS": ("RSTESTCD RSCAT RSSTRESC RSDTC", "RSCAT == 'RECIST 1.1'"),
}


@pytest.mark.parametrize("domain", sorted(LESIONS))
@pytest.mark.parametrize("form", FORMS)
def test_forms_of_tumours_have_what_the_investigator_saw(twice: Twice, form: str, domain: str) -> None:
    columns, wanted = LESIONS[domain]
    run = twice.of(form)
    ours = values(run, domain, ["USUBJID", *columns.split()], wanted)
    theirs = values(twice.fhir, domain, ["USUBJID", *columns.split()], f"{wanted} and {domain}EVAL == 'INVESTIGATOR'")
    assert len(ours) > 0 and ours == theirs


def test_the_command_writes_the_extract_beside_fhir(tmp_path: Path) -> None:
    words = ("simulate", "refractory-registry", "--patients", "2", "--extract", "cdash", "--out")
    fhir2cdisc(*words, tmp_path / "one")
    fhir2cdisc(*words, tmp_path / "two")
    files = sorted((tmp_path / "one" / "cdash").iterdir())
    assert len(files) == 19 and "Synthetic data" in (tmp_path / "one" / "cdash" / "SYNTHETIC.txt").read_text("utf-8")
    assert all(path.read_bytes() == (tmp_path / "two" / "cdash" / path.name).read_bytes() for path in files)
    assert (tmp_path / "one" / "fhir").is_dir() and (tmp_path / "one" / "truth").is_dir()


def test_the_command_offers_what_the_simulator_writes() -> None:
    assert tuple(simulation.EXTRACTS) == choices.EXTRACTS
