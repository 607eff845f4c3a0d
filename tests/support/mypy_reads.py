"""A mypy plugin that writes down which attribute of which class is read where; it changes nothing of the check.

Its output is the file named by FHIR2CDISC_READS: one line a read, `module.Class.attribute`, path and line by tabs.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from mypy.plugin import AttributeContext, Plugin
from mypy.types import Type


class Reads(Plugin):
    def get_attribute_hook(self, fullname: str) -> Callable[[AttributeContext], Type] | None:
        if not fullname.startswith("fhir2cdisc.mappings."):
            return None

        def write(context: AttributeContext) -> Type:
            path = getattr(context.api, "path", "")
            with Path(os.environ["FHIR2CDISC_READS"]).open("a", encoding="utf-8") as file:
                file.write(f"{fullname}\t{path}\t{context.context.line}\n")
            return context.default_attr_type

        return write


def plugin(version: str) -> type[Plugin]:
    return Reads
