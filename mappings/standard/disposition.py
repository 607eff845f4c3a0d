"""What a disposition event is the end of, by DSSCAT.

The codelist DSSCAT (SDTM terminology) has STUDY PARTICIPATION and STUDY TREATMENT; other data say TREATMENT, END OF
TREATMENT or name the drug phase in other words, and data with dispositions of the study only leave DSSCAT out.
"""

from __future__ import annotations

import re
from functools import lru_cache

PARTICIPATION, TREATMENT = "STUDY PARTICIPATION", "STUDY TREATMENT"
_TREATED = frozenset("TREATMENT THERAPY DRUG MEDICATION DOSING DOSE EXPOSURE INFUSION".split())
# What follows treatment is not treatment, though its name holds the word.
_NOT_TREATED = frozenset("PARTICIPATION POST FOLLOW FOLLOWUP AFTER SURVIVAL".split())


@lru_cache(maxsize=1 << 10)
def ended_scope(dsscat: str) -> str:
    """`STUDY PARTICIPATION` (also of a blank), `STUDY TREATMENT`, or blank where the words are of neither."""
    words = set(re.split(r"[\W_]+", dsscat.upper())) - {""}
    if not words or words & {"PARTICIPATION"}:
        return PARTICIPATION
    return TREATMENT if words & _TREATED and not words & _NOT_TREATED else ""
