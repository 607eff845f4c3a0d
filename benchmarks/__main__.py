"""Runs the benchmarks of this folder: `python -m benchmarks` all, `python -m benchmarks NAME [ARGUMENT...]` one.

A benchmark is a module with a `main()` that prints; each runs in a process of its own, so that neither imports nor
memory of one count in the next.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent


def names() -> list[str]:
    """The modules of the folder that have a `main()`."""
    return sorted(
        path.stem
        for path in FOLDER.glob("*.py")
        if not path.stem.startswith("_") and "\ndef main(" in path.read_text(encoding="utf-8")
    )


def run(name: str, arguments: list[str]) -> int:
    print(f"== {name}", flush=True)
    return subprocess.run([sys.executable, str(FOLDER / f"{name}.py"), *arguments], check=False).returncode


def main() -> int:
    """Run one benchmark or all; the exit code is that of the worst."""
    found = names()
    if len(sys.argv) > 1:
        if sys.argv[1] not in found:
            print(f"no benchmark {sys.argv[1]!r}; there are {', '.join(found)}", file=sys.stderr)
            return 2
        return run(sys.argv[1], sys.argv[2:])
    return max(run(name, []) for name in found)


if __name__ == "__main__":
    sys.exit(main())
