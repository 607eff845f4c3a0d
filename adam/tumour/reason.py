"""Why a time point has its response, in words: changes, limits, lesions."""

from __future__ import annotations

import numpy as np
import pandas as pd
from fhir2cdisc.adam.frames.dates import iso
from fhir2cdisc.adam.tumour.millimetres import in_mm, percent


def reasons(table: pd.DataFrame, missing: pd.Series) -> list[str]:
    """One sentence per time point; `missing` holds the names of target lesions that were not measured."""
    columns = [
        table["overall"],
        table["target"],
        table["non_target"],
        table["sum"],
        table["basesum"],
        table["nadir"],
        iso(table["nadir_day"].to_numpy(dtype=np.int64)),
        missing,
        table["nt_links"],
        table["new_links"],
        table["solid"] & (table["nadir"] >= 0),
    ]
    return [_reason(*row) for row in zip(*columns, strict=True)]


def _reason(
    overall: str,
    target: str,
    non_target: str,
    total: float,
    base: float,
    nadir: float,
    nadir_day: str,
    missing: str,
    worse: str,
    new: str,
    solid: bool,
) -> str:
    parts = []
    if target == "PD":
        parts.append(_growth(total, nadir, nadir_day) + (f" (not measured: {missing})" if missing else ""))
    if non_target == "PD":
        parts.append(f"unequivocal progression of non-target lesion {worse}")
    if new:
        parts.append(f"new lesion {new}")
    if overall == "PD":
        return "; ".join(parts)
    parts.append(_target_words(target, total, base, nadir, nadir_day, missing))
    parts.append(_NON_TARGET[non_target])
    return "; ".join(part for part in parts if part) or "no lesion at baseline and none new"


_NON_TARGET = {
    "CR": "all non-target lesions gone",
    "NON-CR/NON-PD": "non-target lesions persist",
    "IR/SD": "non-target lesions persist",
    "NE": "non-target lesions not all evaluated",
    "NA": "",
    "PD": "",
}


def _growth(total: float, nadir: float, nadir_day: str) -> str:
    change = f"+{in_mm(total - nadir)} mm over nadir {in_mm(nadir)} mm of {nadir_day}"
    if total <= nadir:
        return f"target lesion present again after complete response of {nadir_day}"
    return f"{percent(total - nadir, nadir)} and {change}" if nadir > 0 else change


def _target_words(target: str, total: float, base: float, nadir: float, nadir_day: str, missing: str) -> str:
    if target == "NA":
        return ""
    if target == "NE":
        return f"target lesion not measured: {missing}" if missing else "no baseline of the target lesions"
    if target == "CR":
        return "all target lesions gone" + (f", nodes under 10 mm (sum {in_mm(total)} mm)" if total else "")
    words = f"{percent(total - base, base)} from baseline {in_mm(base)} mm" if base > 0 else f"sum {in_mm(total)} mm"
    if target == "SD" and total > nadir:
        words += f", +{in_mm(total - nadir)} mm over nadir {in_mm(nadir)} mm of {nadir_day}"
    return words
