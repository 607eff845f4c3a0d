"""The whole run, FHIR to package, at scale: CPU time and memory, against parsing the same bytes with orjson.

`python benchmarks/whole_run.py [patients] [workers]`: 200 synthetic patients of hepatobiliary-rws and one process
unless told otherwise. The run is a process of its own; its CPU time and memory count the processes that it starts.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import orjson

STUDY = "hepatobiliary-rws"
COMMAND = (sys.executable, "-c", "import sys; from fhir2cdisc.converters.cli.main import main; sys.exit(main())")


def children_cpu() -> float:
    """CPU seconds of the processes that have ended, with theirs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def resident(process: int) -> int:
    """Bytes in memory of a process and all that it started, 0 where the system does not tell."""
    folder = Path("/proc") / str(process)
    try:
        pages = int((folder / "statm").read_text().split()[1])
        started = [int(p) for task in (folder / "task").iterdir() for p in (task / "children").read_text().split()]
    except (OSError, IndexError):
        return 0
    return pages * resource.getpagesize() + sum(map(resident, started))


def run(*arguments: str) -> tuple[float, int]:
    """CPU seconds and the most memory of the command line with these arguments; SystemExit where it fails."""
    before, most = children_cpu(), 0
    process = subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.DEVNULL)
    while process.poll() is None:
        most = max(most, resident(process.pid))
        time.sleep(0.05)
    if process.returncode:
        raise SystemExit(f"fhir2cdisc {arguments[0]} ended with {process.returncode}")
    return children_cpu() - before, most


def main() -> None:
    """Print CPU seconds, memory, resources a CPU second, and the ratio to orjson."""
    patients = sys.argv[1] if len(sys.argv) > 1 else "200"
    workers = sys.argv[2] if len(sys.argv) > 2 else "1"
    with tempfile.TemporaryDirectory() as folder:
        data, package = Path(folder) / "data", Path(folder) / "package"
        run("simulate", STUDY, "--seed", "1", "--patients", patients, "--out", str(data))
        contents = [path.read_bytes() for path in sorted((data / "fhir").glob("*.json"))]
        resources = sum(len(orjson.loads(content)["entry"]) for content in contents)
        start, _ = run("--help")
        began = time.process_time()
        for content in contents:
            orjson.loads(content)
        plain = time.process_time() - began
        cpu, most = run("run", str(data / "fhir"), "--study", STUDY, "--out", str(package), "--workers", workers)
    size = sum(map(len, contents))
    print(f"{patients} patients, {resources:,} resources, {size / 1e6:.1f} MB, {workers} workers")
    print(f"orjson.loads of the same bytes  {plain:7.2f} s CPU")
    print(f"fhir2cdisc --help               {start:7.2f} s CPU")
    print(f"fhir2cdisc run                  {cpu:7.2f} s CPU  {cpu / plain:5.0f} times orjson")
    print(f"resources a CPU second          {resources / cpu:7.0f}")
    print(f"memory at most                  {most / 1e6:7.0f} MB, with the processes it starts")


if __name__ == "__main__":
    main()
