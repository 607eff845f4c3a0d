"""Shift tables (by hand)."""

from __future__ import annotations

import pandas as pd
from fhir2cdisc.adam.results.shift import shift_table


def test_shift_table_shows_all_pairs_and_the_missing():
    rows = pd.DataFrame({"BASE": [0.0, 0.0, 1.0, None], "AVAL": [0.0, 1.0, 1.0, 2.0]})
    table = shift_table(rows, "BASE", "AVAL").set_index(["FROM", "TO"])
    assert table["N_SUBJECTS"].sum() == 4 and len(table) == 16
    assert table.loc[("0", "1"), ["N_SUBJECTS", "N", "PERCENT"]].tolist() == [1, 4, 25.0]
    assert table.loc[("Missing", "2"), "N_SUBJECTS"] == 1
