"""The tables of the standards against the published ones where these lie beside the checkout, and in themselves."""

from __future__ import annotations

import csv

import pytest
from fhir2cdisc.mappings.standard.datasets import codelist, codelists, codelists_by_test, sdtm_datasets
from support.others import others


def test_names_labels_and_codelists_are_within_the_limits_of_a_transport_file() -> None:
    for name, dataset in sdtm_datasets().items():
        assert len(dataset.label) <= 40 or name == "SUPPQUAL", name
        assert len(set(dataset.names)) == len(dataset.names), name
        for variable in dataset.variables:
            assert len(variable.name) <= 8 and 0 < len(variable.label) <= 40, variable
            assert variable.type in ("Char", "Num") and variable.core in ("Req", "Exp", "Perm", "Cond", ""), variable
            for code in variable.codelists:
                assert code not in codelists() or codelists()[code].terms, variable


KNOWN = [
    ("NY", "C66742", {"Y": "C49488", "N": "C49487", "U": "C17998", "NA": "C48660"}, False),
    ("SEX", "C66731", {"F": "C16576", "M": "C20197", "U": "C17998", "INTERSEX": "C45908"}, False),
]


@pytest.mark.parametrize(("name", "code", "terms", "extensible"), KNOWN)
def test_a_codelist_is_the_published_one(name: str, code: str, terms: dict[str, str], extensible: bool) -> None:
    found = codelist(name)
    assert found is codelist(code)
    assert (dict(found.terms), found.extensible) == (terms, extensible)
    assert found.by_code == {c: t for t, c in terms.items()}


def test_what_is_not_there_is_said() -> None:
    with pytest.raises(KeyError, match="no codelist NOPE"):
        codelist("NOPE")
    with pytest.raises(KeyError, match="DM has no variable NOPE"):
        sdtm_datasets()["DM"]["NOPE"]


def test_variables_are_selected_in_the_order_of_the_standard() -> None:
    assert sdtm_datasets()["DM"].select(["SEX", "STUDYID"]).names == ("STUDYID", "SEX")


def test_the_codelist_of_each_test_is_that_of_the_published_specializations() -> None:
    """CDISC COSMoS names the codelist of --STRESC for each test; SURVSTAT is in SDTMIG's own SS table."""
    with others("data", "cosmos", "sdtm_specializations_oncology.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    tests = {r["vlm_group_id"]: r["assigned_value"] for r in rows if r["sdtm_variable"] == f"{r['domain']}TESTCD"}
    published: dict[tuple[str, str], set[str]] = {}
    for r in rows:
        if r["sdtm_variable"] == f"{r['domain']}STRESC" and r["codelist"]:
            published.setdefault((r["domain"], tests[r["vlm_group_id"]]), set()).add(r["codelist"])
    mine = {
        (dataset, test): {code}
        for dataset in ("DD", "RS", "SS", "TR", "TU")
        for test, code in codelists_by_test(dataset, f"{dataset}STRESC").items()
    }
    assert mine.pop(("SS", "SURVSTAT")) == {codelist("SSTATRS").code}
    assert mine == {key: codes for key, codes in published.items() if key in mine}
    assert {key for key in published if key not in mine} == {("DD", "LOCDTH")}
    assert codelists_by_test("LB", "LBSTRESC") == {} and codelists_by_test("RS", "RSORRES") == {}
