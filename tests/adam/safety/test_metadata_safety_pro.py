import pandas as pd
import pytest
from fhir2cdisc.adam.frames.variables import described
from fhir2cdisc.adam.questionnaires.adqs import AdqsOptions, adqs_dataset, derive_adqs
from fhir2cdisc.adam.questionnaires.visit_windows import VisitWindows
from fhir2cdisc.adam.safety.adae import AdaeOptions, adae_dataset, derive_adae
from support.facts import facts

WINDOWS = AdqsOptions(windows=VisitWindows(3, 45))
ADSL = pd.DataFrame(
    {
        "STUDYID": ["S"],
        "USUBJID": ["01"],
        "SUBJID": ["1"],
        "SITEID": ["1"],
        "SAFFL": ["Y"],
        "TRT01A": ["A"],
        "TRTSDT": pd.to_datetime(["2024-01-10"]),
        "TRTEDT": pd.to_datetime(["2024-12-31"]),
    }
)


@pytest.fixture
def adae():
    ae = pd.DataFrame(
        {
            "STUDYID": ["S"],
            "DOMAIN": ["AE"],
            "USUBJID": ["01"],
            "AESEQ": [1.0],
            "AETERM": ["T"],
            "AEDECOD": ["T"],
            "AEBODSYS": ["C"],
            "AESTDTC": ["2024-02"],
            "AETOXGR": ["2"],
        }
    )
    supp = pd.DataFrame({"USUBJID": ["01"], "IDVAR": "AESEQ", "IDVARVAL": "1", "QNAM": "AEODD", "QVAL": "x"})
    return derive_adae(ADSL, ae, supp)


@pytest.fixture
def adqs():
    rs = pd.DataFrame(
        {
            "USUBJID": ["01"],
            "RSSEQ": [1.0],
            "RSTESTCD": ["ECOG101"],
            "RSCAT": ["ECOG"],
            "RSSTRESC": ["1"],
            "RSDTC": ["2024-04-10"],
            "VISIT": ["V"],
            "VISITNUM": [2.0],
        }
    )
    return derive_adqs(ADSL, rs.iloc[:0], WINDOWS, rs)


def all_variables(adae, adqs):
    return [*adae_dataset(adae).variables, *described(adqs, adqs_dataset(WINDOWS)).variables]


def test_every_column_is_described_in_its_order(adae, adqs):
    assert adae_dataset(adae).names == tuple(adae.columns)
    assert described(adqs, adqs_dataset(WINDOWS)).names == tuple(adqs.columns)
    assert adae_dataset(adae)["AEODD"].source == "SUPPAE.QVAL where QNAM is AEODD"


def test_names_labels_and_origins_fit_a_transport_file(adae, adqs):
    for v in all_variables(adae, adqs):
        assert 0 < len(v.label) <= 40, v
        assert len(v.name) <= 8 and v.origin in ("Derived", "Predecessor"), v
        assert v.method if v.origin == "Derived" else v.source, v


def test_types_and_formats_are_those_of_the_frames(adae, adqs):
    for data, frame in ((adae_dataset(adae), adae), (described(adqs, adqs_dataset(WINDOWS)), adqs)):
        for v in data.variables:
            dtype = frame[v.name].dtype
            assert v.type == ("Char" if dtype.kind == "O" else "Num"), v.name
            assert (v.format == "DATE9.") == (dtype.kind == "M"), v.name


def test_options_of_the_study_are_in_the_methods(adae):
    text = adae_dataset(adae, AdaeOptions(window=90, ctcae_version="4.0"))
    assert "90 days after TRTEDT" in text["TRTEMFL"].method and "4.0" in text["CTCAEVER"].method


def test_labels_agree_with_the_guide(adae, adqs):
    labels = {row["variable"]: row["label"] for row in facts("adam_labels")}
    checked = [v for v in all_variables(adae, adqs) if v.name in labels]
    assert len(checked) > 25
    for v in checked:
        assert v.label == labels[v.name], v.name
