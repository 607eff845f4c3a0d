"""How long 2,000 simulated patients take, and how much memory: the issue asks for two minutes and 1 GB.

Run as `python benchmarks/simulate.py [patients]`; prints seconds, resources per second, peak memory, and the time
relative to writing the same resources again with the standard library's json.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from pathlib import Path

from fhir2cdisc.fhir.simulation.simulate import Order, simulate, simulate_subjects
from fhir2cdisc.mappings.study import load_study


def main() -> None:
    patients = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    order = Order(load_study("hepatobiliary-rws"), seed=1, patients=patients, format="ndjson")
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        counts = simulate(order, Path(folder))
        spent = time.perf_counter() - began
        size = sum(path.stat().st_size for path in Path(folder).rglob("*.*"))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    encoding = 0.0
    for made in simulate_subjects(order):
        began = time.perf_counter()
        for one in made.resources:
            json.dumps(one)
        encoding += time.perf_counter() - began
    print(f"{counts['subjects']} subjects, {counts['resources']} resources, {size / 1e6:.0f} MB")
    print(f"{spent:.1f} s, {counts['resources'] / spent:,.0f} resources per second, peak memory {peak:.0f} MB")
    print(f"{spent / encoding:.2f} times the time of json.dumps over the same resources ({encoding:.1f} s)")


if __name__ == "__main__":
    main()
