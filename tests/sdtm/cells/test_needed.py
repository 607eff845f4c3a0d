"""Which columns a mapping reads, and what is said of those that are not there."""

from __future__ import annotations

import pytest
from fhir2cdisc.mappings.extract_model import Extract
from fhir2cdisc.sdtm.cells.needed import columns_needed, read_columns, variable_columns

EXTRACT = Extract.model_validate(
    {
        "extract": "one",
        "table": [
            {
                "name": "t",
                "file": "t.csv",
                "subject": "{SITE}-{SUBJ}",
                "fill_down": ["SUBJ"],
                "rows_not_needed": [{"where": "NO = 'sum'", "reason": "a sum"}],
                "refused": {"*_INT": "a date that was imputed"},
            }
        ],
        "source": [
            {
                "domain": "TR",
                "name": "measured",
                "table": "t",
                "where": "DONE = 'Y'",
                "each": r"(?P<visit>W\d+)[|]MM",
                "variables": {
                    "TRORRES": {"column": "$cell", "as": "result"},
                    "TRDTC": {"column": "$visit|DATE", "as": "dtc"},
                    "TRLNKID": {"text": "T{NO}"},
                    "TRMETHOD": {"checked": r"CT___(\d)"},
                    "TRSTAT": {"value": "NOT DONE", "when": "BAD = '1'"},
                    "VISIT": {"column": "$visit"},
                },
            }
        ],
    }
)
ALL = ["SITE", "SUBJ", "NO", "DONE", "W8|MM", "W8|DATE", "W16|MM", "CT___1", "CT___2", "BAD", "MORE"]


def test_all_that_is_read_is_needed_and_nothing_else() -> None:
    assert columns_needed(EXTRACT, EXTRACT.table[0], ALL) == (set(ALL) - {"MORE"}, [], [])


@pytest.mark.parametrize(
    ("gone", "fault"),
    [
        ("SITE", "table t, subject: there is no column 'SITE'"),
        ("DONE", "source measured, where: there is no column 'DONE'"),
        ("BAD", "source measured, TRSTAT, when: there is no column 'BAD'"),
    ],
)
def test_a_column_that_is_not_there_is_named_with_who_asks(gone: str, fault: str) -> None:
    _, faults, _ = columns_needed(EXTRACT, EXTRACT.table[0], [name for name in ALL if name != gone])
    assert [one.partition(" (the nearest")[0] for one in faults] == [fault]


def test_everything_that_is_wrong_is_said_at_once_with_the_nearest_name() -> None:
    _, faults, _ = columns_needed(EXTRACT, EXTRACT.table[0], ["SITES", "SUBJ"])
    assert "table t, subject: there is no column 'SITE' (the nearest is 'SITES')" in faults
    assert any("no column fits" in one for one in faults)
    assert len(faults) >= 5


def test_a_column_that_the_table_refuses_is_not_read() -> None:
    table = EXTRACT.table[0].model_copy(update={"subject": "D_INT"})
    _, faults, _ = columns_needed(EXTRACT, table, [*ALL, "D_INT"])
    assert faults == ["table t, subject: column 'D_INT' is not to be read: a date that was imputed"]


def test_the_columns_of_a_record_that_stands_in_one_cell() -> None:
    source = EXTRACT.source[0]
    assert read_columns(source, "W8|MM", ALL) == {"W8|MM", "W8|DATE", "DONE", "NO", "BAD", "CT___1", "CT___2"}
    assert variable_columns(source, source.variables["TRDTC"], "W8|MM", ALL) == ["W8|DATE"]
    assert variable_columns(source, source.variables["TRORRES"], "W8|MM", ALL) == ["W8|MM"]
    assert variable_columns(source, source.variables["VISIT"], "W8|MM", ALL) == ["W8|MM"]  # its heading says it
    assert variable_columns(source, source.variables["TRSTAT"], "W8|MM", ALL) == []


def test_a_mapping_of_some_columns_does_without_those_of_variables_and_not_without_the_subject() -> None:
    some = EXTRACT.model_copy(update={"columns": "some"})
    found = columns_needed(some, some.table[0], ["SITE", "NO", "DONE", "W8|MM", "CT___1"])
    assert [one.partition(":")[0] for one in found.faults] == ["table t, subject", "table t, fill_down"]
    assert [one.partition(":")[0] for one in found.lacking] == [
        "source measured, TRDTC",
        "source measured, TRSTAT, when",
    ]
