"""What a bucket of resources becomes: rows by domain, the records behind them, accounts; and how they are collected."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Any

import pandas as pd
from fhir2cdisc.fhir.accounts import Accounts
from fhir2cdisc.fhir.findings import Finding
from fhir2cdisc.fhir.route import Routed
from fhir2cdisc.sdtm.columns import ROW_COLUMNS
from fhir2cdisc.sdtm.rows.clocks import Times
from fhir2cdisc.sdtm.rows.hints import Hinted

RECORD_COLUMNS = ["SUBJECT", "FILE", "LINE", "ENTRY", "RESOURCE", "ID", "VERSION"]


@dataclass(slots=True)
class Converted:
    """What one bucket gives: rows by domain, the records they came from, links between records, accounts.

    `times` is what was written of each subject's clocks, `hints` which records may say more than was read.
    """

    frames: dict[str, pd.DataFrame]
    records: pd.DataFrame
    links: list[tuple[int, int]]
    accounts: Accounts
    times: list[Times]
    hints: list[Hinted]


class Work:
    """Rows, records and accounts of a bucket while it is being converted."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], tuple[tuple[str, ...], list[list[Any]]]] = {}
        self.records: list[tuple[str, str, int, int, str, str, str]] = []
        self.links: list[tuple[int, int]] = []
        self.accounts = Accounts()
        self.times: list[Times] = []
        self.hints: list[Hinted] = []
        self.terms: dict[tuple[str, ...], Finding] = {}
        self.next_row = 0
        # Cells of extracts that records took, by table and file: columns that a row took together, with their number.
        self.taken: dict[tuple[str, str], Counter[tuple[str, ...]]] = defaultdict(Counter)
        # Columns that are taken of rows of one shape: see `extract_rows`.
        self.shapes: dict[tuple[object, ...], tuple[str, ...]] = {}

    def record(self, subject: str, head: Routed) -> int:
        place = head.place
        self.records.append((subject, place.file, place.line, place.entry, head.type, head.id, head.version))
        return len(self.records) - 1

    def result(self) -> Converted:
        by_domain: dict[str, list[pd.DataFrame]] = defaultdict(list)
        for (domain, _), (columns, values) in self.rows.items():
            by_domain[domain].append(pd.DataFrame(values, columns=[*ROW_COLUMNS, *columns], dtype=object))
        frames = {d: pd.concat(parts, ignore_index=True) for d, parts in by_domain.items()}
        self.accounts.findings += self.terms.values()
        for table, together in self.taken.items():
            counts = self.accounts.taken.setdefault(table, Counter())
            for columns, count in together.items():
                counts.update(dict.fromkeys(columns, count))
        records = pd.DataFrame(self.records, columns=RECORD_COLUMNS)
        return Converted(frames, records, self.links, self.accounts, self.times, self.hints)
