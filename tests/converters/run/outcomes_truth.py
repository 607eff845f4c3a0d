"""The truth of every outcome of a simulated study, by plain code from the simulator's files alone.

A helper of the tests and of docs/outcomes.md, loaded by path. It imports nothing of the product: Kaplan-Meier,
proportions and means are a few lines each, and what is not planted is None.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from statistics import mean

MONTH = 30.4375
Row = dict[str, str]
Key = tuple[str, str, str]


def read(folder: Path, name: str) -> list[Row]:
    with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def survival(rows: Iterable[tuple[int, int]]) -> list[tuple[int, float]]:
    """Day and S after it, for (days, 1 for an event) of each subject."""
    known = sorted(rows)
    curve, level = [], 1.0
    for day in sorted({d for d, _ in known}):
        risk = sum(d >= day for d, _ in known)
        died = sum(d == day and e for d, e in known)
        level *= 1 - died / risk
        curve.append((day, level))
    return curve


def median(rows: list[tuple[int, int]]) -> float | None:
    """First day with S below one half; the middle of a plateau at exactly one half (R survival). Months."""
    half = [day for day, level in survival(rows) if abs(level - 0.5) < 1e-9]
    below = [day for day, level in survival(rows) if level < 0.5 - 1e-9]
    if half:
        return (half[0] + (below[0] if below else half[0])) / 2 / MONTH
    return below[0] / MONTH if below else None


def rate(rows: list[tuple[int, int]], months: float, least: int) -> float | None:
    """S at a month in percent; None with fewer at risk than `least`, or beyond the last observation.

    Once everybody had the event S is 0 for good (R survival, `summary(extend = TRUE)`).
    """
    day = months * MONTH
    if any(d <= day and level < 1e-12 for d, level in survival(rows)):
        return 0.0
    if not rows or max(d for d, _ in rows) < day or sum(d >= day for d, _ in rows) < least:
        return None
    return 100 * next((level for d, level in reversed(survival(rows)) if d <= day), 1.0)


@dataclass
class Truth:
    """The truth files of one study; every question gives percent, months, a mean or None."""

    folder: Path
    main: str = "INVESTIGATOR"
    only: frozenset[str] | None = None
    subjects: list[Row] = field(default_factory=list)

    def __post_init__(self) -> None:
        everybody = read(self.folder / "truth", "subjects")
        self.subjects = [s for s in everybody if self.only is None or s["SUBJID"] in self.only]
        self.treated = {s["SUBJID"] for s in self.subjects if s["TRTSDT"]}
        self.responses = {
            r["SUBJID"]: r for r in read(self.folder / "truth", "responses") if r["EVALUATOR"] == self.main
        }

    def first(self, cases: int) -> Truth:
        """The same of the first so many subjects by consent, then number."""
        order = sorted((s["RFICDTC"], s["SUBJID"]) for s in self.subjects)
        return Truth(self.folder, self.main, frozenset(subject for _, subject in order[:cases]))

    def share(
        self, met: Callable[[Row], bool], of: Callable[[Row], bool] = lambda s: bool(s["TRTSDT"])
    ) -> float | None:
        """Percent who meet a condition, of the treated unless said otherwise."""
        asked = [s for s in self.subjects if of(s)]
        return 100 * sum(met(s) for s in asked) / len(asked) if asked else None

    def responder(self, code: str) -> Callable[[Row], bool]:
        return lambda s: self.responses[s["SUBJID"]][code] == "Y"

    def times(self, code: str, who: Callable[[Row], bool] = lambda s: True) -> list[tuple[int, int]]:
        chosen = {s["SUBJID"] for s in self.subjects if who(s)}
        return [
            (int(r["AVAL"]), int(r["CNSR"] == "0"))
            for r in read(self.folder / "truth", "tte")
            if r["PARAMCD"] == code and r["EVALUATOR"] in ("", self.main) and r["SUBJID"] in chosen
        ]

    def with_event(self, met: Callable[[Row], bool]) -> float | None:
        """Share of treated subjects with a treatment-emergent event."""
        rows = [r for r in read(self.folder / "truth", "ae") if r["TRTEMFL"] == "Y"]
        hit = {r["SUBJID"] for r in rows if met(r)}
        return self.share(lambda s: s["SUBJID"] in hit)

    def at_visit(self, visit: str) -> float | None:
        """Share with CR or PR of those assessed at a visit."""
        rows = [
            r
            for r in read(self.folder / "truth", "timepoints")
            if r["EVALUATOR"] == self.main and r["VISIT"] == visit and r["SUBJID"] in self.treated and r["OVRLRESP"]
        ]
        good = {r["SUBJID"] for r in rows if r["OVRLRESP"] in ("CR", "PR")}
        asked = {r["SUBJID"] for r in rows}
        return 100 * len(good) / len(asked) if asked else None

    def change(
        self, scale: str, visit: Callable[[int, Row], float | None], target: float, windowed: bool
    ) -> float | None:
        """Mean change of a score at an analysis visit; of several forms there the one nearest to the target day."""
        start = {s["SUBJID"]: s["TRTSDT"] for s in self.subjects if s["TRTSDT"]}
        base: dict[str, tuple[str, float]] = {}
        near: dict[str, tuple[float, str, float]] = {}
        for r in read(self.folder / "truth", "questionnaires"):
            first = start.get(r["SUBJID"])
            if r["SCALE"] != scale or not r["SCORE"] or first is None:
                continue
            if r["DATE"] <= first:
                base[r["SUBJID"]] = max(base.get(r["SUBJID"], ("", 0.0)), (r["DATE"], float(r["SCORE"])))
                continue
            day = (date.fromisoformat(r["DATE"]) - date.fromisoformat(first)).days + 1
            if visit(day, r) == target:
                # Without a target day the last form of the visit counts.
                far = abs(day - (round(target * MONTH) + 1)) if windowed else -day
                near[r["SUBJID"]] = min(near.get(r["SUBJID"], (1e9, "", 0.0)), (far, r["DATE"], float(r["SCORE"])))
        both = [near[s][2] - base[s][1] for s in near if s in base]
        return mean(both) if both else None

    def scanned_after_progression(self) -> bool:
        """Whether any subject has an assessment after its first PD by the main reader."""
        last: dict[str, str] = {}
        first: dict[str, str] = {}
        for r in read(self.folder / "truth", "timepoints"):
            if r["EVALUATOR"] == self.main and r["OVRLRESP"]:
                last[r["SUBJID"]] = max(last.get(r["SUBJID"], ""), r["DATE"])
                if r["OVRLRESP"] == "PD":
                    first[r["SUBJID"]] = min(first.get(r["SUBJID"], "9"), r["DATE"])
        return any(last[subject] > day for subject, day in first.items())

    def after_resistance(self) -> Callable[[Row], bool]:
        """Progression after the start of the first therapy that the board recommended."""
        progressed: dict[str, list[str]] = {}
        for r in read(self.folder / "truth", "timepoints"):
            if r["EVALUATOR"] == self.main and r["OVRLRESP"] == "PD":
                progressed.setdefault(r["SUBJID"], []).append(r["DATE"])

        def resisted(s: Row) -> bool:
            given = set(s["DRUGS"].split("+")) & set(s["MTBREC"].split("+")) - {""}
            began = s["TRTSDT"] if given and s["TRTSDT"] > s["MTBDT"] else s["NACTDT"]
            return s["MTBMFL"] == "Y" and any(day > began for day in progressed.get(s["SUBJID"], []))

        return resisted

    def ecog(self, visit: str) -> list[float]:
        """Change of ECOG at a visit, from the simulated FHIR (the truth files hold no ECOG)."""
        found = []
        start = {s["SUBJID"]: s["TRTSDT"] for s in self.subjects if s["TRTSDT"]}
        for path in sorted((self.folder / "fhir").glob("patient-*.json")):
            resources = [e["resource"] for e in json.loads(path.read_text(encoding="utf-8"))["entry"]]
            subject = next(r["identifier"][0]["value"] for r in resources if r["resourceType"] == "Patient")
            names = {r["id"]: r["type"][0]["text"] for r in resources if r["resourceType"] == "Encounter"}
            scores = sorted(
                (r["effectiveDateTime"], names[r["encounter"]["reference"].rsplit(":", 1)[-1]], r["valueInteger"])
                for r in resources
                if r["resourceType"] == "Observation" and r["code"].get("coding", [{}])[0].get("code") == "89247-1"
            )
            before = [s for day, _, s in scores if day <= start.get(subject, "")]
            after = [s for day, name, s in scores if name == visit and day > start.get(subject, "9")]
            if before and after:
                found.append(float(after[-1] - before[-1]))
        return found


def months_window(every: int, days: int) -> Callable[[int, Row], float | None]:
    """The nearest multiple of so many months within so many days."""

    def visit(day: int, _row: Row) -> float | None:
        best = min((abs(day - (round(m * MONTH) + 1)), m) for m in range(every, 121, every))
        return float(best[1]) if best[0] <= days else None

    return visit
