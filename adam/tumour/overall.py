"""Target, non-target and new lesions put together: the decision tables of RECIST 1.1, mRECIST and iRECIST."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from fhir2cdisc.adam.frames.arrays import Bools, Ints, Texts
from fhir2cdisc.adam.tumour.options import RecistOptions
from fhir2cdisc.adam.tumour.target import STEP

_IMMUNE = {
    "CR": "iCR",
    "PR": "iPR",
    "SD": "iSD",
    "NON-CR/NON-PD": "NON-iCR/NON-iUPD",
    "PD": "iUPD",
}


def overall_response(target: Texts, non_target: Texts, new: Texts) -> Texts:
    """The overall response of time points out of target and non-target response and new lesion (Y/N).

    `NA` says that there is no lesion of the kind; without any lesion at baseline the answer is `NED` until a
    new one appears. `IR/SD` is mRECIST's word for NON-CR/NON-PD. Source: RECIST 1.1 tables 1 and 2.
    """
    progressed = (target == "PD") | (non_target == "PD") | (new == "Y")
    other = np.where(np.isin(non_target, ("IR/SD",)), "NON-CR/NON-PD", non_target)
    choices: list[tuple[Bools, Any]] = [
        (progressed, "PD"),
        ((target == "NA") & (other == "NA"), "NED"),
        (target == "NA", other),
        ((target == "CR") & ~np.isin(other, ("CR", "NA")), "PR"),
    ]
    call = target.copy()
    for condition, value in reversed(choices):
        call = np.where(condition, value, call)
    return np.asarray(call, dtype=object)


def immune_terms(calls: Texts) -> Texts:
    """RECIST 1.1 terms as iRECIST terms (PD becomes iUPD)."""
    codes, uniques = pd.factorize(calls)
    table = np.array([*(_IMMUNE.get(str(u), str(u)) for u in uniques), ""], dtype=object)
    return np.asarray(table[codes])


def immune_response(call: Texts, pending: Bools, grown: Bools) -> Texts:
    """The iRECIST response of time points from the RECIST 1.1 call.

    `pending` says that an iUPD came before and nothing better since, `grown` that the disease grew further
    after that iUPD. PD is iUPD, or iCPD where it was pending and grew. Source: Seymour 2017, table 2.
    """
    confirmed = (call == "PD") & pending & grown
    return np.where(confirmed, "iCPD", immune_terms(call)).astype(object)


def immune_course(table: pd.DataFrame, options: RecistOptions) -> Texts:
    """iRECIST responses in time order: each time point is compared with the last iUPD of its panel.

    One pass over the time points' numbers (first, second, ...), all panels at once. The bar is reset by iCR,
    iPR, iSD and NON-iCR/NON-iUPD; NE leaves it. After iCPD the response stays iCPD while there is
    progression.
    """
    result = np.full(len(table), "", dtype=object)
    call = table["overall"].to_numpy(dtype=object)
    step = table.groupby("panel").cumcount().to_numpy()
    panel = pd.factorize(table["panel"])[0]
    last = np.full(panel.max() + 1 if len(panel) else 0, -1, dtype=np.int64)
    growth = _Growth(table, options)
    for n in range(int(step.max()) + 1 if len(step) else 0):
        rows = np.flatnonzero(step == n)
        before = last[panel[rows]]
        pending = before >= 0
        grown = growth.since(rows, np.where(pending, before, 0))
        result[rows] = immune_response(call[rows], pending, grown)
        better = ~np.isin(call[rows], ("PD", "NE"))
        last[panel[rows]] = np.where(call[rows] == "PD", rows, np.where(better, -1, before))
    return result


class _Growth:
    """Whether the disease of one time point has grown since another. Source: Seymour 2017, table 2."""

    def __init__(self, table: pd.DataFrame, options: RecistOptions) -> None:
        self.table = table
        self.days = options.confirm_pd_days

    def _get(self, name: str) -> npt.NDArray[Any]:
        return np.asarray(self.table[name].to_numpy())

    def since(self, now: Ints, then: Ints) -> Bools:
        target, nt, new = self._get("target"), self._get("non_target"), self._get("new")
        total, new_sum = self._get("sum").astype(float), self._get("new_sum").astype(float)
        larger = (target[now] == "PD") & (total[now] - total[then] >= STEP)
        worse = (nt[now] == "PD") | ((nt[then] == "PD") & self._get("nt_grown")[now].astype(bool))
        spread = (self._get("new_count")[now] > self._get("new_count")[then]) | (new_sum[now] - new_sum[then] >= STEP)
        spread |= self._get("new_grown")[now].astype(bool)
        other = (target[now] == "PD") & (target[then] != "PD")
        other |= (nt[now] == "PD") & (nt[then] != "PD")
        other |= (new[now] == "Y") & (new[then] != "Y")
        late = self._get("last")[now].astype(int) - self._get("last")[then].astype(int) >= self.days
        return np.asarray((larger | worse | spread | other) & late, dtype=bool)
