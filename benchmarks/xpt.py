"""Writing a transport file against writing the same bytes plainly, and against pyreadstat, in one run.

`python benchmarks/xpt.py [rows]`: 1,000,000 rows of 10 numeric and 10 character columns unless told
otherwise.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyreadstat
from fhir2cdisc.converters.xpt.layout import CARD
from fhir2cdisc.converters.xpt.write import read_xpt, write_xpt
from fhir2cdisc.mappings.standard.datasets import Variable

REPEATS = 3


def clinical_frame(rows: int) -> pd.DataFrame:
    """A synthetic findings dataset: repeated codes, subjects in order, and texts that are all different."""
    random = np.random.default_rng(20240301)
    subjects = np.sort(random.integers(0, max(1, rows // 200), rows))
    data: dict[str, Any] = {
        "STUDYID": np.full(rows, "SYN-2024-01", dtype=object),
        "USUBJID": np.array([f"SYN-2024-01-{i:06d}" for i in range(subjects.max() + 1)], dtype=object)[subjects],
    }
    for number, levels in enumerate((3, 12, 40, 40, 200, 2000), 1):
        terms = np.array([f"TERM {i} OF LIST {number}" for i in range(levels)], dtype=object)
        data[f"CHAR{number}"] = terms[random.integers(0, levels, rows)]
    data["DTC"] = np.datetime_as_string(
        np.datetime64("2020-01-01") + random.integers(0, 1500, rows).astype("timedelta64[D]")
    ).astype(object)
    data["ORRES"] = np.array([f"{value:.3f}" for value in random.normal(50, 10, rows)], dtype=object)
    for number in range(10):
        values = random.normal(100, 30, rows).round(number % 5)
        data[f"NUM{number}"] = np.where(random.random(rows) < 0.05, np.nan, values)
    return pd.DataFrame(data)


@dataclass(frozen=True)
class Cost:
    """Seconds of the fastest run: on the wall, and of the processor (which other users disturb less)."""

    wall: float
    cpu: float

    def over(self, other: Cost) -> str:
        return f"{self.wall / other.wall:5.1f} times by wall, {self.cpu / other.cpu:5.1f} by processor"


def best(action: Callable[[], object], repeats: int = REPEATS) -> Cost:
    """The fastest of some runs."""
    costs = []
    for _ in range(repeats):
        wall, cpu = time.perf_counter(), time.process_time()
        action()
        costs.append(Cost(time.perf_counter() - wall, time.process_time() - cpu))
    return min(costs, key=lambda cost: cost.wall)


def plain_write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)


def to_disk(path: Path, write: Callable[[], object]) -> None:
    """A write that ends when the file is on the disk, and not only in the memory of the system."""
    write()
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def main() -> None:
    """Print the seconds and the ratios."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    frame = clinical_frame(rows)
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as folder:
        ours, theirs, plain = (Path(folder) / name for name in ("ours.xpt", "theirs.xpt", "plain.bin"))
        measured = best(lambda: write_xpt(frame, ours, name="LB", label="Laboratory"))
        variables: tuple[Variable, ...] = read_xpt(ours)[1].variables
        declared = best(lambda: write_xpt(frame, ours, name="LB", label="Laboratory", variables=variables))
        content = ours.read_bytes()
        bare = best(lambda: plain_write(plain, content))
        bare_disk = best(lambda: to_disk(plain, lambda: plain_write(plain, content)))
        disk = best(lambda: to_disk(ours, lambda: write_xpt(frame, ours, name="LB", label="Laboratory")))
        other = best(lambda: pyreadstat.write_xport(frame, theirs, table_name="LB", file_format_version=5), 1)
        record = sum(variable.length for variable in variables)
        head = len(content) - -(-rows * record // CARD) * CARD
        same = theirs.read_bytes()[head:] == content[head:]
        reading = best(lambda: read_xpt(ours), 1)
    print(f"{rows:,} rows, 10 numeric and 10 character columns, {len(content) / 1e6:.0f} MB")
    print(f"plain write of the same bytes   {bare.wall:6.2f} s, until on disk {bare_disk.wall:.2f} s")
    print(f"write_xpt, lengths measured     {measured.wall:6.2f} s, plain {measured.over(bare)}")
    print(f"write_xpt, lengths declared     {declared.wall:6.2f} s, plain {declared.over(bare)}")
    print(f"measured, until on disk         {disk.wall:6.2f} s, plain {disk.over(bare_disk)}")
    print(f"pyreadstat                      {other.wall:6.2f} s, ours {other.over(measured)}")
    print(f"read_xpt                        {reading.wall:6.2f} s")
    print(f"data bytes equal to pyreadstat's: {'yes' if same else 'no'}")


if __name__ == "__main__":
    main()
