"""All buckets of a run as one set of rows: records numbered through, rows keyed, links kept."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from fhir2cdisc.fhir.accounts import Accounts
from fhir2cdisc.mappings.standard.datasets import Dataset, sdtm_datasets
from fhir2cdisc.sdtm.columns import ENCOUNTER, NUMBERS, RECORD_NO, ROW, USED
from fhir2cdisc.sdtm.rows.clocks import Times
from fhir2cdisc.sdtm.rows.hints import Hinted
from fhir2cdisc.sdtm.rows.work import RECORD_COLUMNS, Converted

# Findings about a code or a term rather than about one record: the same one comes with every patient.
TERM_RULES = ("codelist.", "unit.", "code.", "text.withheld", "version.adapted", "privacy.identifier")


@dataclass(slots=True)
class Gathered:
    """Mapped rows of every domain, in no order yet; `records` holds where each came from, by row number.

    `datasets` says what variables a domain has and in what order, `times` what was written of each subject's clocks,
    `hints` which records may say more than was read, `origins` whose records of a domain count where FHIR and extracts
    both have some.
    """

    frames: dict[str, pd.DataFrame]
    records: pd.DataFrame
    links: list[tuple[int, int]]
    accounts: Accounts
    datasets: Mapping[str, Dataset]
    times: list[Times] = field(default_factory=list)
    hints: list[Hinted] = field(default_factory=list)
    origins: Mapping[str, str] = field(default_factory=dict)


def gather(parts: Iterable[Converted], accounts: Accounts, datasets: Mapping[str, Dataset] | None = None) -> Gathered:
    """The buckets put together, in the order given; `accounts` are those of the routing stage and are added to.

    `datasets` are those of the guide unless mappings bring more.
    """
    datasets = sdtm_datasets() if datasets is None else datasets
    by_domain: dict[str, list[tuple[pd.DataFrame, int, int]]] = defaultdict(list)
    records: list[pd.DataFrame] = []
    links: list[tuple[int, int]] = []
    times: list[Times] = []
    hints: list[Hinted] = []
    rows = numbers = 0
    for part in parts:
        accounts.merge(part.accounts)
        for domain, frame in part.frames.items():
            by_domain[domain].append((frame, rows, numbers))
        links += [(a + rows, b + rows) for a, b in part.links]
        rows += sum(map(len, part.frames.values()))
        numbers += len(part.records)
        records.append(part.records)
        times += part.times
        hints += part.hints
    accounts.add_up(TERM_RULES)
    frames = {domain: _typed(datasets[domain], _joined(some)) for domain, some in by_domain.items()}
    all_records = pd.concat(records, ignore_index=True) if records else pd.DataFrame(columns=RECORD_COLUMNS)
    return Gathered(frames, all_records, links, accounts, datasets, times, hints)


def _joined(parts: list[tuple[pd.DataFrame, int, int]]) -> pd.DataFrame:
    """Frames of one domain as one, their row and record numbers moved by what stood before each."""
    frame = pd.concat([part for part, _, _ in parts], ignore_index=True)
    sizes = [len(part) for part, _, _ in parts]
    before = np.repeat([numbers for _, _, numbers in parts], sizes)
    encounter = frame[ENCOUNTER].to_numpy(np.int64)
    frame[ROW] = frame[ROW].astype(np.int64) + np.repeat([rows for _, rows, _ in parts], sizes)
    frame[RECORD_NO] = frame[RECORD_NO].astype(np.int64) + before
    frame[ENCOUNTER] = np.where(encounter >= 0, encounter + before, -1)
    frame[USED] = [tuple(n + shift for n in used) for used, shift in zip(frame[USED], before.tolist(), strict=True)]
    return frame


def _typed(dataset: Dataset, frame: pd.DataFrame) -> pd.DataFrame:
    """Numeric variables as float64 with NaN, all other columns as text with `""` for missing."""
    numeric = {v.name for v in dataset.variables if v.type == "Num"}
    for column in frame.columns:
        if column in numeric:
            frame[column] = pd.to_numeric(frame[column], errors="coerce").astype(float)
        elif column not in NUMBERS:
            frame[column] = frame[column].where(frame[column].notna(), "").astype(object)
    return frame
