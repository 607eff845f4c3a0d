"""The largest of what nothing reads of published data has a reason in the manual."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest
from fhir2cdisc.converters.run.pipeline import build_sdtm
from fhir2cdisc.fhir.simulation.simulate import Order, simulate
from fhir2cdisc.mappings.study import Study, load_study
from fhir2cdisc.sdtm.rows.unused import unused
from support.others import others
from support.paths import ROOT

EVERYONE = Study.model_validate({"id": "e", "studyid": "E", "title": "E", "cohort": {"membership": "all"}})
TEXT = (ROOT / "docs" / "unused.md").read_text(encoding="utf-8")
REASONS = {
    (kind, path): why for kind, path, why in re.findall(r"^\| (\w+) \| `(.+?)` \| (.+?) \|$", TEXT, re.MULTILINE)
}
LARGEST = 10


def largest(source: Path, study: Study) -> list[tuple[str, str]]:
    """Resource type and path of the largest ten; at the end of the ten, all that are as large."""
    frame = unused(build_sdtm([source], study).accounts)
    counts = frame["RESOURCES"].astype(int)
    least = counts.sort_values(ascending=False).iloc[min(LARGEST, len(frame)) - 1]
    kept = frame[counts > least] if len(frame) > LARGEST else frame
    return list(kept[["RESOURCE", "PATH"]].itertuples(index=False, name=None))


@pytest.mark.parametrize("name", ["synthea", "mcode", "ips", "genomics"])
def test_the_largest_unread_paths_have_a_reason(name: str) -> None:
    assert [one for one in largest(others("data", "fhir", name), EVERYONE) if one not in REASONS] == []


def test_the_largest_unread_paths_of_a_simulated_study_have_a_reason(tmp_path: Path) -> None:
    study = load_study("lenvatinib-pembrolizumab")
    simulate(Order(study, 1, 10), tmp_path / "simulated")
    assert [one for one in largest(tmp_path / "simulated" / "fhir", study) if one not in REASONS] == []


def test_every_reason_says_something() -> None:
    assert len(REASONS) >= 30 and all(len(why) > 5 for why in REASONS.values())
    assert pd.Series(list(REASONS)).is_unique
