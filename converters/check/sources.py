"""The source of an ADaM record (SRCDOM, SRCVAR, SRCSEQ) looked up in the package (ADaMIG 1.3, 3.3.9)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from fhir2cdisc.converters.check.columns import has, hit, number, text
from fhir2cdisc.converters.check.rule import Hit, Loaded, Package
from fhir2cdisc.converters.define.types import numeric_text
from fhir2cdisc.mappings.standard.datasets import record_key

# Subjects with the keys of their records that hold what a source names; None where nothing of the package does.
_Held = set[tuple[str, str]] | None


def sources(package: Package) -> Iterator[Hit]:
    """Records of ADaM whose source is named and not in the package."""
    cache: dict[tuple[str, str], _Held] = {}
    for loaded in package.adam.values():
        if not has(loaded, "SRCDOM"):
            continue
        columns = [text(loaded.frame, n) for n in ("SRCDOM", "SRCVAR", "SRCSEQ", "USUBJID")]
        wrong = [_lost(package, cache, *row) for row in zip(*columns, strict=True)]
        mask = pd.Series(wrong, index=loaded.frame.index, dtype=bool)
        yield from hit(loaded, "SRCDOM", "SRCDOM, SRCVAR and SRCSEQ lead to no record of the package", mask)


def _lost(
    package: Package, cache: dict[tuple[str, str], _Held], source: str, variable: str, seq: str, subject: str
) -> bool:
    """True where a source is named that the package holds not, as far as the package can tell."""
    if not source or (not package.sdtm and not source.startswith("AD")):
        return False
    if (source, variable) not in cache:
        cache[source, variable] = _held(package, source, variable)
    held = cache[source, variable]
    found = package.find(source)
    if held is not None and found is not None and found.kind == "adam" and not has(found, "ASEQ"):
        # Nothing tells the records of this dataset apart.
        return False
    return held is None or (bool(seq) and (subject, seq) not in held)


def _held(package: Package, source: str, variable: str) -> _Held:
    found = package.find(source)
    # The domain of a split dataset is a source as well.
    parts = [found] if found is not None else [d for d in package.sdtm.values() if d.domain == source]
    held: _Held = None
    for part in parts:
        keys = _keys(part)
        if variable and variable not in part.frame.columns:
            keys = keys[_qualified(package, part, variable)]
            if keys.empty:
                continue
        held = (held or set()) | set(keys.itertuples(index=False, name=None))
    return held


def _keys(loaded: Loaded) -> pd.DataFrame:
    """Subject and key of each record, the key empty where the dataset has none."""
    name = "ASEQ" if loaded.kind == "adam" else record_key(loaded.domain)
    values = number(loaded.frame, name).map(lambda v: "" if np.isnan(v) else numeric_text(v))
    return pd.DataFrame({"subject": text(loaded.frame, "USUBJID"), "key": values})


def _qualified(package: Package, parent: Loaded, variable: str) -> pd.Series:
    """Records of a dataset that have a supplemental qualifier of this name."""
    subjects = text(parent.frame, "USUBJID")
    found = pd.Series(False, index=parent.frame.index)
    supplements = [d for d in package.sdtm.values() if d.is_supplemental] if parent.kind == "sdtm" else []
    for supp in supplements:
        chosen = (text(supp.frame, "RDOMAIN") == parent.domain) & (text(supp.frame, "QNAM") == variable)
        columns = {n: text(supp.frame, n)[chosen] for n in ("IDVAR", "USUBJID", "IDVARVAL")}
        for name, rows in pd.DataFrame(columns).groupby("IDVAR"):
            wanted = set(zip(rows["USUBJID"], rows["IDVARVAL"], strict=True))
            # Without IDVAR a qualifier is of the subject, whose values here are empty as well.
            pairs = zip(subjects, text(parent.frame, str(name)), strict=True)
            found |= pd.Series([pair in wanted for pair in pairs], index=found.index, dtype=bool)
    return found
