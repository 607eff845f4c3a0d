"""Simulated questionnaire answers and their scores, in plain code of the simulator's own. Item codes only."""

from __future__ import annotations

from random import Random

FACT = "FACT-HEP V4"
# First item, number of items and the items (1-based within the scale) that are not reversed, by form order.
FACT_SCALES = {"PWB": (1, 7), "SWB": (8, 7), "EWB": (15, 6), "FWB": (21, 7), "HEPCS": (28, 18)}
# Items for which a higher answer is the better one; GE2, C3, C4, C6 and An7 among the negative scales.
FACT_POSITIVE = {*range(8, 15), 16, *range(21, 28), 30, 31, 33, 38}
PROMIS_SCALES = {"PF": 1, "ANX": 5, "DEP": 9, "FAT": 13, "SLP": 17, "SOC": 21, "PI": 25}
PROMIS_POSITIVE = {"PF", "SOC"}


def fact_code(number: int) -> str:
    return f"FAC015{number:02d}"


def promis_code(number: int) -> str:
    return f"PA2610{number:02d}"


def fact_answers(rng: Random, health: float, missing: float) -> dict[str, int]:
    """45 answers (0 to 4, as printed) around a state of health from 0 to 1."""
    answers = {}
    for number in range(1, 46):
        if rng.random() < (0.3 if number == 14 else missing):
            continue
        good = round(min(4.0, max(0.0, 4 * health + rng.gauss(0, 0.8))))
        answers[fact_code(number)] = good if number in FACT_POSITIVE else 4 - good
    return answers


def promis_answers(rng: Random, health: float, missing: float) -> dict[str, int]:
    """29 answers: 1 to 5 as scored by PROMIS, and pain intensity 0 to 10, around a state of health from 0 to 1."""
    answers = {}
    for scale, first in PROMIS_SCALES.items():
        for number in range(first, first + 4):
            if rng.random() < missing:
                continue
            good = round(min(5.0, max(1.0, 1 + 4 * health + rng.gauss(0, 0.7))))
            answers[promis_code(number)] = good if scale in PROMIS_POSITIVE else 6 - good
    if rng.random() >= missing:
        answers[promis_code(29)] = round(min(10.0, max(0.0, 8 * (1 - health) + rng.gauss(0, 1))))
    return answers


def fact_scores(answers: dict[str, int]) -> dict[str, float | None]:
    """FACT-Hep scales and totals; None where too few items are answered (half of a scale, 80 % of a total)."""
    scores: dict[str, float | None] = {}
    for scale, (first, size) in FACT_SCALES.items():
        items = [(n, answers[fact_code(n)]) for n in range(first, first + size) if fact_code(n) in answers]
        total = sum(value if n in FACT_POSITIVE else 4 - value for n, value in items)
        scores[scale] = total * size / len(items) if 2 * len(items) > size else None
    general = sum(fact_code(n) in answers for n in range(1, 28))
    scores["TOI"] = _sum(scores, ("PWB", "FWB", "HEPCS"))
    scores["FACTG"] = _sum(scores, ("PWB", "SWB", "EWB", "FWB")) if 10 * general > 8 * 27 else None
    scores["FACTHEP"] = _sum(scores, tuple(FACT_SCALES)) if 10 * len(answers) > 8 * 45 else None
    return scores


def promis_scores(answers: dict[str, int]) -> dict[str, float | None]:
    """PROMIS-29 raw sums of the seven domains (None unless all four items are answered) and pain intensity."""
    scores: dict[str, float | None] = {}
    for scale, first in PROMIS_SCALES.items():
        items = [answers.get(promis_code(n)) for n in range(first, first + 4)]
        scores[scale] = None if None in items else float(sum(item or 0 for item in items))
    pain = answers.get(promis_code(29))
    scores["PAIN"] = None if pain is None else float(pain)
    return scores


def _sum(scores: dict[str, float | None], names: tuple[str, ...]) -> float | None:
    parts = [scores[name] for name in names]
    return None if None in parts else sum(part or 0.0 for part in parts)
