"""Simulated questionnaire answers and their scores, in plain code of the simulator's own."""

from __future__ import annotations

from random import Random

from fhir2cdisc.mappings.instruments import instruments

FACT = "FACT-HEP V4"
PROMIS = "PROMIS-29 PROFILE V2.1"
_FACT, _PROMIS = instruments()[FACT], instruments()[PROMIS]
FACT_SCALES = tuple(scale.code for scale in _FACT.scales)
PROMIS_SCALES = tuple(scale.code for scale in _PROMIS.scales if scale.code != "PAIN")
# Domains of PROMIS in which more is better.
PROMIS_POSITIVE = {"PF", "SOC"}


def fact_answers(rng: Random, health: float, missing: float) -> dict[str, int]:
    """45 answers (0 to 4, as printed) around a state of health from 0 to 1."""
    answers = {}
    for item in _FACT.items:
        if rng.random() < (0.3 if item.item == "GS7" else missing):
            continue
        good = round(min(4.0, max(0.0, 4 * health + rng.gauss(0, 0.8))))
        answers[item.testcd] = 4 - good if item.falling else good
    return answers


def promis_answers(rng: Random, health: float, missing: float) -> dict[str, int]:
    """29 answers: 1 to 5 as scored by PROMIS, and pain intensity 0 to 10, around a state of health from 0 to 1."""
    answers = {}
    for scale in PROMIS_SCALES:
        for item in _PROMIS.items_of(scale):
            if rng.random() < missing:
                continue
            good = round(min(5.0, max(1.0, 1 + 4 * health + rng.gauss(0, 0.7))))
            answers[item.testcd] = good if scale in PROMIS_POSITIVE else 6 - good
    if rng.random() >= missing:
        (pain,) = _PROMIS.items_of("PAIN")
        answers[pain.testcd] = round(min(10.0, max(0.0, 8 * (1 - health) + rng.gauss(0, 1))))
    return answers


def fact_scores(answers: dict[str, int]) -> dict[str, float | None]:
    """FACT-Hep scales and totals; None where too few items are answered (half of a scale, 80 % of a total)."""
    scores: dict[str, float | None] = {}
    for scale in FACT_SCALES:
        items = _FACT.items_of(scale)
        values = [4 - answers[i.testcd] if i.falling else answers[i.testcd] for i in items if i.testcd in answers]
        scores[scale] = sum(values) * len(items) / len(values) if 2 * len(values) > len(items) else None
    general = sum(i.testcd in answers for i in _FACT.items if i.scale != "HEPCS")
    scores["TOI"] = _sum(scores, ("PWB", "FWB", "HEPCS"))
    scores["FACTG"] = _sum(scores, ("PWB", "SWB", "EWB", "FWB")) if 10 * general > 8 * 27 else None
    scores["FACTHEP"] = _sum(scores, FACT_SCALES) if 10 * len(answers) > 8 * 45 else None
    return scores


def promis_scores(answers: dict[str, int]) -> dict[str, float | None]:
    """PROMIS-29 raw sums of the seven domains (None unless all four items are answered) and pain intensity."""
    scores: dict[str, float | None] = {}
    for scale in PROMIS_SCALES:
        items = [answers.get(item.testcd) for item in _PROMIS.items_of(scale)]
        scores[scale] = None if None in items else float(sum(item or 0 for item in items))
    (pain,) = _PROMIS.items_of("PAIN")
    scores["PAIN"] = float(answers[pain.testcd]) if pain.testcd in answers else None
    return scores


def _sum(scores: dict[str, float | None], names: tuple[str, ...]) -> float | None:
    parts = [scores[name] for name in names]
    return None if None in parts else sum(part or 0.0 for part in parts)
