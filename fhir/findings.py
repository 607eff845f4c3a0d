"""What is wrong with the input, said once and kept: nothing is dropped silently."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass

# A resource by its id, wherever a message names one.
_RESOURCE = re.compile(r"\b([A-Z][A-Za-z]{2,})/[A-Za-z0-9.\-]{1,64}(?:/_history/[A-Za-z0-9.\-]+)?")
# Rules about codes and terms, which are the same for many patients; any other value may be a patient's own.
_OF_TERMS = ("codelist.", "unit.", "code.", "ts.", "version.", "study.", "bulk.")


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

    @property
    def shown(self) -> str:
        """The message for terminal and report: without ids of resources, names of files, and values of a patient."""
        text = self.message
        for said in (self.file, self.value if not self.rule.startswith(_OF_TERMS) else ""):
            text = text.replace(said, "...") if len(said) > 1 else text
        return _RESOURCE.sub(r"\1/...", text)
