"""docs/habits.md: what a run makes of every habit of hospitals, fact by fact: equal, said, or different and not said.

`python tests/converters/run/habits_table.py [SEED PATIENTS STUDY...]` simulates and runs every habit on every built-in
study (or on those named) and writes the page; it takes some minutes. The page is the state of the code that wrote it.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

HERE = Path(__file__).resolve().parent
if __name__ == "__main__":
    sys.path.insert(0, str(HERE.parents[1]))

from fhir2cdisc.fhir.simulation.habits.names import HABITS  # noqa: E402
from fhir2cdisc.mappings.study import builtin_studies  # noqa: E402
from support.habits import DIFFERENT, EQUAL, GROUPS, SAID, Case, Verdict, verdicts  # noqa: E402

PAGE = HERE.parents[2] / "docs" / "habits.md"
HEAD = """# Habits of hospitals, and what a run makes of them

Each habit of `fhir2cdisc simulate --habit` on the studies {studies}; {patients} subjects each, seed {seed}.
A row is a habit, a column a group of facts and endpoints (they are listed below). A cell counts subjects: `=` all are
as planted; `said n`: n are different and a finding that a clean run does not give names the subject, or the study where
the habit is one of the whole source; `**different n**`: n are different and nothing says so. The last of these is a
fault of the product. The page is made by `python tests/converters/run/habits_table.py` and is the state of the code
that made it; `tests/converters/run/test_habits.py` holds that nothing is different without a word.

"""


def cell(found: Iterable[Verdict]) -> str:
    """A cell of the table."""
    count = Counter(one.verdict for one in found)
    if not count:
        return ""
    parts = [f"said {count[SAID]}"] * (count[SAID] > 0) + [f"**different {count[DIFFERENT]}**"] * (count[DIFFERENT] > 0)
    return ", ".join(parts) or "="


def page(found: dict[str, list[Verdict]], studies: list[str], seed: int, patients: int) -> str:
    """The page from the verdicts of each habit on these studies."""
    lines = [HEAD.format(studies=", ".join(studies), seed=seed, patients=patients)]
    lines.append(f"| Habit | Subjects | {' | '.join(GROUPS)} | Different and not said |\n")
    lines.append("|---|---:|" + "---|" * len(GROUPS) + "---:|\n")
    for name, those in found.items():
        cells = [cell(one for one in those if one.group == group) for group in GROUPS]
        lost = sum(one.verdict == DIFFERENT for one in those)
        lines.append(f"| `{name}` | {len(those) // len(GROUPS)} | {' | '.join(cells)} | {lost} |\n")
    lines.append("\n## What the columns compare\n\n| Column | Compared with the truth |\n|---|---|\n")
    lines += [f"| {group} | {', '.join(codes) or 'whatever else differs'} |\n" for group, codes in GROUPS.items()]
    lines.append("\n## What was said where something is different\n\n| Habit | Rules of the findings |\n|---|---|\n")
    for name, those in found.items():
        rules = sorted({rule for one in those if one.verdict == SAID for rule in one.rules})
        if rules:
            lines.append(f"| `{name}` | {', '.join(rules)} |\n")
    lines.append("\n## The habits\n\n| Habit | What it plants |\n|---|---|\n")
    lines += [f"| `{name}` | {text} |\n" for name, text in HABITS.items()]
    return "".join(lines)


def main(seed: int = 11, patients: int = 5, *studies: str) -> None:
    """Write the page after each study, so that an interrupted run leaves a page of the studies that it finished."""
    found: dict[str, list[Verdict]] = {name: [] for name in HABITS}
    done: list[str] = []
    for study in studies or sorted(builtin_studies()):
        for name, those in found.items():
            made = verdicts(Case(study, (name,), seed, patients))
            those += made
            for one in made:
                if one.verdict != EQUAL:
                    print(name, study, one, flush=True)
        done.append(study)
        PAGE.write_text(page(found, done, seed, patients), encoding="utf-8")


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:3]), *sys.argv[3:])
