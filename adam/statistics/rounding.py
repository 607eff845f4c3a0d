"""Numbers as a table shows them: halves go up, as SAS and the reader expect, never to the even neighbour."""

from __future__ import annotations

import math
from decimal import ROUND_HALF_UP, Decimal


def round_half_up(value: float, digits: int = 1) -> float:
    """`value` at `digits` decimals, halves away from zero; NaN stays NaN.

    The shortest decimal text of the float is rounded (2.675 is 2.68, as written), not its binary neighbour.
    """
    if math.isnan(value) or math.isinf(value):
        return value
    return float(Decimal(repr(float(value))).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP))


def percent(x: int, n: int, digits: int = 1) -> float:
    """100 x / n at `digits` decimals, rounded half up from the exact fraction; NaN where `n` is 0."""
    if n == 0:
        return math.nan
    exact = Decimal(100 * int(x)) / Decimal(int(n))
    return float(exact.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP))
