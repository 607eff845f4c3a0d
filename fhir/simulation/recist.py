"""RECIST 1.1 calls for simulated readings, in plain code of the simulator's own.

Source: Eisenhauer et al, Eur J Cancer 2009;45:228-247, sections 4.3 and tables 1 and 2.
"""

from __future__ import annotations

from collections.abc import Sequence

from fhir2cdisc.fhir.simulation.plan import Lesion


def target_response(lesions: Sequence[Lesion], sizes: dict[str, int | None], base: int, nadir: int) -> str:
    """The call on the target lesions; `base` and `nadir` are sums in mm before this assessment."""
    if not lesions:
        return ""
    known = sum(size for one in lesions if (size := sizes[one.id]) is not None)
    if 5 * known >= 6 * nadir and known - nadir >= 5:
        return "PD"
    if any(sizes[one.id] is None for one in lesions):
        return "NE"
    if all((sizes[one.id] or 0) < (10 if one.node else 1) for one in lesions):
        return "CR"
    return "PR" if 10 * known <= 7 * base else "SD"


def nontarget_response(lesions: Sequence[Lesion], states: dict[str, str | None]) -> str:
    """The call on the non-target lesions from the state of each."""
    seen = [states[one.id] for one in lesions]
    if not seen:
        return ""
    if "UNEQUIVOCAL INCREASE" in seen:
        return "PD"
    if None in seen:
        return "NE"
    return "CR" if set(seen) == {"ABSENT"} else "NON-CR/NON-PD"


def overall_response(target: str, nontarget: str, new: bool) -> str:
    """The call on the whole assessment, from target, non-target and new lesions."""
    if new or "PD" in (target, nontarget):
        return "PD"
    if not target:
        return nontarget or "NE"
    if target == "CR" and nontarget in ("NON-CR/NON-PD", "NE"):
        return "PR"
    return target
