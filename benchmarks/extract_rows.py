"""Rows of a raw extract to LB at scale: CPU time and memory, against pandas reading the same file as texts.

`python benchmarks/extract_rows.py [rows] [workers]`: 100,000 invented laboratory rows of 13 columns and one process
unless told otherwise. The run is a process of its own; its CPU time and memory count the processes that it starts.
"""

from __future__ import annotations

import csv
import random
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd
from whole_run import run

TESTS = (
    ("ALT", "Alanine Aminotransferase", "U/L", "9-50"),
    ("AST", "Aspartate Aminotransferase", "U/L", "15-40"),
    ("HGB", "Hemoglobin", "g/L", "130-175"),
    ("CEA", "Carcinoembryonic Antigen", "ng/mL", "<5"),
    ("ALB", "Albumin", "g/L", "40-55"),
    ("PLAT", "Platelets", "10*9/L", "125-350"),
)
HEADINGS = "number name patient ward code item result unit range flag collected reported device".split()
MAPPING = """
extract = "lis"
[[table]]
name = "lab"
file = "lab.csv"
subject = "patient"
not_needed = { number = "key", name = "names people", ward = "place", reported = "later", device = "not asked for" }
[[source]]
domain = "LB"
name = "result"
table = "lab"
[source.variables]
LBTESTCD = { column = "code" }
LBTEST = { column = "item" }
LBORRES = { column = "result", as = "result" }
LBORRESU = { column = "unit", as = "unit" }
LBORNRLO = { column = "range", as = "low" }
LBORNRHI = { column = "range", as = "high" }
LBNRIND = { column = "flag", as = "flag" }
LBDTC = { column = "collected", as = "dtc" }
"""


def write_rows(path: Path, rows: int) -> None:
    """A laboratory's export of so many rows, of a subject for each 200 of them; the same rows each time."""
    chance = random.Random(1)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADINGS)
        for n in range(rows):
            code, item, unit, limits = chance.choice(TESTS)
            value = round(chance.uniform(1, 200), 1)
            result = f"<{value}" if n % 97 == 0 else "negative (-)" if n % 211 == 0 else f"{value}"
            day = f"2024-{chance.randint(1, 12):02}-{chance.randint(1, 28):02} {chance.randint(7, 18):02}:30"
            subject = n % max(1, rows // 200)
            told = (f"L{n:08}", f"Person {subject}", f"{subject:06}", "W1", code, item, result, unit, limits)
            writer.writerow([*told, chance.choice(["", "↑", "↓"]), day, day, "D1"])


def main() -> None:
    """Print CPU seconds, memory, rows a CPU second, and the ratio to pandas."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    workers = sys.argv[2] if len(sys.argv) > 2 else "1"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "data").mkdir()
        write_rows(folder / "data" / "lab.csv", rows)
        (folder / "mapping.toml").write_text(MAPPING, encoding="utf-8")
        (folder / "study.toml").write_text('id = "lis"\nstudyid = "LIS"\ntitle = "Laboratory"\n', encoding="utf-8")
        began = time.process_time()
        pd.read_csv(folder / "data" / "lab.csv", dtype=str, keep_default_na=False)
        plain = time.process_time() - began
        words = ("--extract", str(folder / "mapping.toml"), "--study", str(folder / "study.toml"))
        cpu, most = run("sdtm", str(folder / "data"), *words, "--out", str(folder / "out"), "--workers", workers)
    print(f"{rows:,} rows of {len(HEADINGS)} columns, {workers} workers")
    print(f"pandas.read_csv as texts        {plain:7.2f} s CPU")
    print(f"fhir2cdisc sdtm                 {cpu:7.2f} s CPU  {cpu / plain:5.0f} times pandas")
    print(f"                                {rows / cpu:7,.0f} rows a CPU second, {most / 1e6:,.0f} MB at most")


if __name__ == "__main__":
    main()
