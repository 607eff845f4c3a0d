"""Array tools of the derivations: what arrays hold, orders by several keys, runs of truth."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Texts = npt.NDArray[np.object_]


def sorted_order(*keys: Ints) -> Ints:
    """The stable order by whole-number keys, the first one leading: one sort of one combined number."""
    combined = np.zeros(len(keys[0]), dtype=np.int64)
    for key in keys:
        low = int(key.min()) if len(key) else 0
        span = int(key.max()) - low + 1 if len(key) else 1
        combined = combined * span + (key - low)
    return np.argsort(combined, kind="stable")


def next_true(mask: Bools) -> Ints:
    """For every position (and one past the end) the first position at or after it that is true."""
    n = len(mask)
    where = np.where(mask, np.arange(n), n)
    return np.append(np.minimum.accumulate(where[::-1])[::-1], n).astype(np.int64)


def running(mask: Bools) -> Ints:
    """Counts of true values before each position, so that a range count is one subtraction."""
    return np.concatenate([[0], np.cumsum(mask)]).astype(np.int64)
