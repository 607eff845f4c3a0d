import pandas as pd
import pytest
from fhir2cdisc.adam.subject.biomarkers import BiomarkerOptions, derive_biomarkers, gene_flag

ADSL = pd.DataFrame({"USUBJID": ["01", "02"], "TRTSDT": pd.to_datetime(["2024-02-01"] * 2)})


def mi(*rows):
    return pd.DataFrame(
        [{"USUBJID": "01", "MITESTCD": "PDL1", "MITSTDTL": d, "MISTRESN": v, "MIDTC": w} for d, v, w in rows]
    )


def gf(*rows):
    names = ("GFTESTCD", "GFSYM", "GFSTRESC", "GFSTRESN", "GFDTC")
    return pd.DataFrame([{"USUBJID": "01", **dict(zip(names, r, strict=True))} for r in rows])


@pytest.mark.parametrize(
    ("value", "group"), [(0, "<1"), (0.9, "<1"), (1, "1-<50"), (49, "1-<50"), (50, ">=50"), (100, ">=50")]
)
def test_pdl1_groups_at_their_cuts(value, group):
    out = derive_biomarkers(ADSL, None, mi(("TPS", value, "2024-01-01")))
    assert out["PDL1GR1"].tolist() == [group, ""]


def test_pdl1_reads_the_score_that_is_asked_for():
    rows = mi(("TUMOR PROPORTION SCORE", 5, "2024-01-01"), ("Combined Positive Score", 12, "2024-01-01"))
    assert derive_biomarkers(ADSL, None, rows)["PDL1"].tolist()[0] == 5
    assert (
        derive_biomarkers(ADSL, None, rows, BiomarkerOptions(pdl1_score="CPS", pdl1_cuts=(1.0, 10.0)))[
            "PDL1GR1"
        ].tolist()[0]
        == ">=10"
    )


@pytest.mark.parametrize(("value", "group"), [(9.99, "L"), (10.0, "H"), (None, "")])
def test_tmb_is_high_from_ten(value, group):
    out = derive_biomarkers(ADSL, gf(("TMB", "", "", value, "2024-01-01")), None)
    assert out["TMBGR1"].tolist() == [group, ""]


def test_the_last_sample_up_to_the_first_dose_counts():
    rows = gf(
        ("TMB", "", "", 20.0, "2023-01-01"),
        ("TMB", "", "", 4.0, "2024-02-01"),
        ("TMB", "", "", 30.0, "2024-03-01"),
    )
    assert derive_biomarkers(ADSL, rows, None)["TMB"].tolist()[0] == 4
    assert derive_biomarkers(ADSL, rows.iloc[2:], None)["TMB"].tolist()[0] == 30  # nothing earlier
    any_time = BiomarkerOptions(baseline_only=False)
    assert derive_biomarkers(ADSL, rows, None, any_time)["TMB"].tolist()[0] == 30


@pytest.mark.parametrize(("result", "flag"), [("MSI-H", "Y"), ("msi-high", "Y"), ("MSS", "N"), ("unclear", "")])
def test_msi(result, flag):
    out = derive_biomarkers(ADSL, gf(("MICRISTB", "", result, None, "2024-01-01")), None)
    assert out["MSIFL"].tolist() == [flag, ""]


def test_gene_flags_tell_not_found_from_not_tested():
    rows = gf(
        ("SNV", "IDH1", "p.Arg132Cys", None, "2024-01-01"),
        ("SNV", "KRAS", "NOT DETECTED", None, "2024-01-01"),
    )
    out = derive_biomarkers(ADSL, rows, None, BiomarkerOptions(genes=("IDH1", "KRAS", "FGFR2")))
    assert out[["IDH1FL", "KRASFL", "FGFR2FL"]].values.tolist() == [["Y", "N", ""], ["", "", ""]]
    panel = BiomarkerOptions(genes=("FGFR2",), tested="any-variant")
    assert derive_biomarkers(ADSL, rows, None, panel)["FGFR2FL"].tolist() == ["N", ""]
    benign = rows.assign(GFRESCAT="Benign")
    assert derive_biomarkers(ADSL, benign, None, BiomarkerOptions(genes=("IDH1",)))["IDH1FL"].tolist() == [
        "N",
        "",
    ]
    assert gene_flag("NTRK1-fusion") == "NTRK1FFL"


@pytest.mark.parametrize(
    ("test", "symbol", "result", "flag"),
    [
        ("SNV", "KRAS", "p.Gly12Asp", "Y"),
        ("SNV", "KRAS", "WILD TYPE", "N"),
        ("SNV", "KRAS;TP53", "NOT DETECTED", "N"),  # a panel that names its genes
        ("SNV", "KRAS", "", ""),  # without a result
        ("SNV", "TP53", "p.Arg175His", ""),  # another gene
        ("TMB", "", "4", ""),  # says nothing of variants
    ],
)
def test_untested_is_not_wild_type(test, symbol, result, flag):
    rows = gf((test, symbol, result, 4.0, "2024-01-01"))
    out = derive_biomarkers(ADSL, rows, None, BiomarkerOptions(genes=("KRAS",)))
    assert out["KRASFL"].tolist() == [flag, ""]


def test_no_tests_at_all():
    out = derive_biomarkers(ADSL, None, None, BiomarkerOptions(genes=("IDH1",)))
    assert out[["PDL1GR1", "TMBGR1", "MSIFL", "IDH1FL"]].values.tolist() == [[""] * 4] * 2
    assert derive_biomarkers(ADSL.iloc[:0], None, None).shape == (0, 6)
