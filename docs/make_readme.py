"""Writes the printed runs of `README.md` anew: the demo, and with a folder of published data the runs on those.

Run as `python docs/make_readme.py [SHARED]`, where SHARED holds `data/fhir/synthea` and `data/fhir/mcode`. A test keeps
the demo equal to what the commands print.
"""

from __future__ import annotations

import contextlib
import re
import sys
import tempfile
from pathlib import Path

from click.testing import CliRunner
from fhir2cdisc.converters.cli.main import main

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
EVERYONE = 'id = "everyone"\nstudyid = "EVERYONE"\ntitle = "Everyone"\n[cohort]\nmembership = "all"\n'
DEMO = """
simulate lenvatinib-pembrolizumab --seed 1 --out out/demo/source
run out/demo/source/fhir --study lenvatinib-pembrolizumab --out out/demo/package
trace out/demo/package ADTTE USUBJID=LENVA-PEMBRO-HB-01-0002 PARAMCD=PFS
"""
HEAD_OF_TRACE = "\nWhere the progression-free survival of one subject comes from:\n"
PUBLISHED = {
    "run synthea/ --study examples/cancer-cohort.toml --out out/cohort": "synthea",
    "run mcode/ --study everyone.toml --out out/mcode": "mcode",
}


def said(command: str) -> str:
    """What `fhir2cdisc` prints for a command that must succeed."""
    done = CliRunner().invoke(main, command.split(), catch_exceptions=False)
    if done.exit_code:
        raise SystemExit(done.output)
    return done.output


def demo() -> str:
    """What `make demo` prints."""
    simulated, run, traced = DEMO.strip().splitlines()
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        return said(simulated) + said(run) + HEAD_OF_TRACE + said(traced)


def published(command: str, source: Path) -> str:
    """What a run on a folder of published data prints."""
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        Path(source.name).symlink_to(source)
        Path("examples").symlink_to(ROOT / "examples")
        Path("everyone.toml").write_text(EVERYONE, encoding="utf-8")
        return said(command)


def with_block(text: str, command: str, printed: str) -> str:
    """The text with the block of this command line filled anew."""
    pattern = re.compile(rf"(?<=^```\n\$ {re.escape(command)}\n).*?(?=^```$)", flags=re.MULTILINE | re.DOTALL)
    changed, count = pattern.subn(lambda _: printed, text)
    if count != 1:
        raise SystemExit(f"README.md has {count} blocks of `{command}`")
    return changed


if __name__ == "__main__":
    written = with_block(README.read_text(encoding="utf-8"), "make demo", demo())
    for line, name in PUBLISHED.items() if len(sys.argv) > 1 else ():
        printed = published(line, Path(sys.argv[1]).resolve() / "data" / "fhir" / name)
        written = with_block(written, f"fhir2cdisc {line}", printed)
    README.write_text(written, encoding="utf-8")
