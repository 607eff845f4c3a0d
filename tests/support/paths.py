"""Where tests find the repository, and the data of others beside it, which need not be there."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Data, standards and reference texts that the repository does not hold; None where they are absent.
SHARED = next((p / "shared" for p in ROOT.parents if (p / "shared").is_dir()), None)
