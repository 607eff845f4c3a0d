"""What is wrong with the input, said once and kept: nothing is dropped silently."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One thing found in the data.

    `rule` is a stable short id (`date.impossible`), `message` one sentence. `file`, `line` (1-based; 0 where
    the file is one JSON document) and `entry` (0-based index in a bundle; -1 outside one) say where. `count` is
    how many records the finding stands for.
    """

    rule: str
    message: str
    severity: str = "warning"
    file: str = ""
    line: int = 0
    entry: int = -1
    resource: str = ""
    path: str = ""
    value: str = ""
    variable: str = ""
    usubjid: str = ""
    count: int = 1

    def as_dict(self) -> dict[str, str | int]:
        return asdict(self)
