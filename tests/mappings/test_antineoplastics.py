"""The table of drugs against cancer: each name is of one drug, and a drug of a study is known by all of them."""

from __future__ import annotations

import re
from collections import Counter

from fhir2cdisc.mappings.antineoplastics import antineoplastics, names_of
from fhir2cdisc.mappings.study import Drug


def test_a_name_is_of_one_drug_and_a_code_is_one_of_the_who_index() -> None:
    names = Counter(name.lower() for one in antineoplastics() for name in one.names)
    assert [name for name, count in names.items() if count > 1] == []
    # ATC: a letter, two digits, two letters, two digits; at least the fourth level.
    assert [one for one in antineoplastics() if not re.fullmatch(r"[A-Z]\d\d[A-Z]{2}(\d\d)?", one.atc)] == []
    codes = Counter(one.atc for one in antineoplastics() if len(one.atc) == 7)
    assert [code for code, count in codes.items() if count > 1] == []


def test_a_drug_of_a_study_is_known_by_name_or_code() -> None:
    by_name = Drug(name="PEMBROLIZUMAB")
    by_code = Drug.model_validate(
        {"name": "STUDY DRUG 1", "codes": [{"system": "http://www.whocc.no/atc", "code": "L01FF02"}]}
    )
    for drug in (by_name, by_code):
        assert {"keytruda", "帕博利珠单抗"} <= set(names_of(drug))
    assert names_of(Drug(name="X-100", terms=("x100",))) == ("X-100", "x100")
