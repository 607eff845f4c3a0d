"""Lesions and how they change: simulated readings that add up to the response that the course calls for."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from fhir2cdisc.fhir.simulation.plan import INDEPENDENT, INVESTIGATOR, Assessment, Lesion, Read
from fhir2cdisc.fhir.simulation.recist import nontarget_response, overall_response, target_response

SITES = ("LIVER", "LIVER", "LUNG", "LUNG", "PERITONEUM", "ADRENAL GLAND")
TOO_SMALL = 5
# Below 10 mm (a normal node, a lesion that is hardly visible) readers do not differ.
SMALL = 10


@dataclass(frozen=True, slots=True)
class Scan:
    """A planned assessment before anything is measured."""

    visit: str
    day: int
    progressed: bool
    not_evaluable: bool = False


@dataclass(slots=True)
class Trend:
    """How one patient's tumours go: the part of the baseline sum that they approach, and how fast."""

    depth: float
    ramp: int
    complete: bool
    mode: str
    merge_at: int | None = None


def draw_lesions(rng: Random, measurable: bool, node_rate: float) -> list[Lesion]:
    """Up to five targets (two per organ) and up to three non-targets; without targets at least one non-target."""
    organs = list(SITES[: rng.randint(1, len(SITES))])
    if rng.random() < node_rate:
        organs = [*organs[:4], "LYMPH NODE"]
    lesions = []
    for number, organ in enumerate(organs[:5] if measurable else [], 1):
        node = organ == "LYMPH NODE"
        size = rng.randint(15, 32) if node else max(10, min(120, round(rng.lognormvariate(3.3, 0.45))))
        lesions.append(Lesion(f"T{number:02d}", "TARGET", organ, node, size))
    for number in range(1, rng.randint(0 if measurable else 1, 3) + 1):
        organ = rng.choice(("LUNG", "PERITONEUM", "BONE", "LYMPH NODE"))
        lesions.append(Lesion(f"NT{number:02d}", "NON-TARGET", organ, organ == "LYMPH NODE"))
    return lesions


def draw_trend(rng: Random, responder: bool, complete: bool, lesions: list[Lesion], progressed_by: int) -> Trend:
    """A trend; `progressed_by` is the index of the first progressed scan (0: none)."""
    depth = 0.0 if complete else rng.uniform(0.25, 0.62) if responder else rng.uniform(0.82, 1.08)
    targets = [one for one in lesions if one.role == "TARGET"]
    modes = ["new"] + (["target", "target"] if targets else []) + (["nontarget"] if len(lesions) > len(targets) else [])
    pair = len(targets) > 1 and targets[0].organ == targets[1].organ and not complete
    merge = rng.randint(1, 3) if pair and rng.random() < 0.08 else None
    if merge is not None and progressed_by and merge >= progressed_by:
        merge = None
    return Trend(depth, rng.randint(1, 2) if responder else 1, complete, rng.choice(modes), merge)


class Reader:
    """A reader who goes through the scans in order and keeps base, nadir and what was seen last."""

    def __init__(self, evaluator: str, lesions: list[Lesion]) -> None:
        self.evaluator = evaluator
        self.targets = [one for one in lesions if one.role == "TARGET"]
        self.nontargets = [one for one in lesions if one.role == "NON-TARGET"]
        self.base = self.nadir = 0

    def baseline(self, sizes: dict[str, int]) -> Read:
        self.base = self.nadir = sum(sizes.values())
        read = Read(self.evaluator, dict(sizes), {one.id: "PRESENT" for one in self.nontargets})
        read.sum_mm = self.base if self.targets else None
        return read

    def call(self, read: Read) -> Read:
        """Fill in sum and responses of a reading after baseline, then move the nadir."""
        complete = all(read.sizes[one.id] is not None for one in self.targets)
        if self.targets and complete:
            read.sum_mm = sum(read.sizes[one.id] or 0 for one in self.targets)
        read.target = target_response(self.targets, read.sizes, self.base, self.nadir)
        read.nontarget = nontarget_response(self.nontargets, read.states)
        read.overall = overall_response(read.target, read.nontarget, bool(read.new))
        if read.sum_mm is not None:
            self.nadir = min(self.nadir, read.sum_mm)
        return read


def measure(rng: Random, lesions: list[Lesion], trend: Trend, baseline: int, scans: list[Scan]) -> list[Assessment]:
    """The investigator's readings at baseline and at every scan."""
    reader = Reader(INVESTIGATOR, lesions)
    sizes = {one.id: one.baseline for one in reader.targets}
    done = [Assessment(0, "SCREENING", baseline, [reader.baseline(sizes)])]
    merged = False
    for number, scan in enumerate(scans, 1):
        read = Read(INVESTIGATOR, {}, {one.id: "PRESENT" for one in reader.nontargets})
        ratio = 1 - (1 - trend.depth) * min(1.0, number / trend.ramp) + 0.01 * number * (not trend.complete)
        before = dict(sizes)
        sizes = _shrink(rng, reader, ratio, trend.complete and number >= trend.ramp)
        if trend.complete and number >= trend.ramp:
            read.states = dict.fromkeys(read.states, "ABSENT")
        merged = merged or number == trend.merge_at
        if merged:
            first, second = reader.targets[0].id, reader.targets[1].id
            sizes[first], sizes[second] = max(sizes[first] + sizes[second], 1), 0
            read.merged = (first, second) if number == trend.merge_at else None
        _hold_below_progression(sizes, reader.nadir)
        if scan.progressed:
            _progress(rng, reader, trend, read, sizes, before)
        read.sizes.update(sizes)
        if scan.not_evaluable and not scan.progressed:
            _lose(rng, read)
        done.append(Assessment(number, scan.visit, scan.day, [reader.call(read)]))
    return done


def _shrink(rng: Random, reader: Reader, ratio: float, complete: bool) -> dict[str, int]:
    """Sizes around a ratio of baseline; a lesion that is still there but hardly visible is 5 mm."""
    sizes = {}
    for one in reader.targets:
        if complete:
            sizes[one.id] = rng.randint(5, 9) if one.node else 0
            continue
        size = round(one.baseline * ratio * rng.uniform(0.95, 1.05))
        sizes[one.id] = max(size, TOO_SMALL)
    return sizes


def _hold_below_progression(sizes: dict[str, int], nadir: int) -> None:
    while sizes and 5 * sum(sizes.values()) >= 6 * nadir and sum(sizes.values()) - nadir >= 5:
        largest = max(sizes, key=lambda name: (sizes[name], name))
        sizes[largest] -= 1


def _progress(
    rng: Random, reader: Reader, trend: Trend, read: Read, sizes: dict[str, int], before: dict[str, int]
) -> None:
    """Make this reading a progression by the trend's mode."""
    if trend.mode == "target":
        sizes.update({name: max(size, before[name]) for name, size in sizes.items()})
        needed = max(-(-6 * reader.nadir // 5), reader.nadir + 5) + rng.randint(0, 12)
        names = sorted(name for name, size in sizes.items() if size) or sorted(sizes)
        turn = 0
        while sum(sizes.values()) < needed:
            sizes[names[turn % len(names)]] += 1
            turn += 1
    elif trend.mode == "nontarget":
        read.states[rng.choice(sorted(read.states))] = "UNEQUIVOCAL INCREASE"
    else:
        organs = rng.sample(("LIVER", "LUNG", "BONE", "PERITONEUM"), rng.randint(1, 2))
        read.new = tuple(Lesion(f"N{n:02d}", "NEW", organ, False) for n, organ in enumerate(organs, 1))


def _lose(rng: Random, read: Read) -> None:
    """Leave one target, or without targets every non-target, unmeasured."""
    if read.sizes:
        read.sizes[rng.choice(sorted(read.sizes))] = None
    else:
        read.states = dict.fromkeys(read.states)


def second_read(rng: Random, lesions: list[Lesion], assessments: list[Assessment], disagreement: float) -> None:
    """Add an independent reader to every assessment: own measurements, own calls, sometimes another view."""
    reader = Reader(INDEPENDENT, lesions)
    spread = 0.16 if rng.random() < disagreement else 0.02
    misses_new = rng.random() < disagreement
    for assessment in assessments:
        first = assessment.reads[0]
        sizes = {name: _own(rng, size, spread) for name, size in first.sizes.items()}
        if assessment.number == 0:
            assessment.reads.append(reader.baseline({name: size or 0 for name, size in sizes.items()}))
            continue
        read = Read(INDEPENDENT, sizes, dict(first.states), first.merged, () if misses_new else first.new)
        assessment.reads.append(reader.call(read))


def _own(rng: Random, size: int | None, spread: float) -> int | None:
    if size is None or size < SMALL:
        return size
    return round(size * (1 + rng.uniform(-spread, spread)))
