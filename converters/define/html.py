"""define.html and the stylesheet beside a define.xml."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from fhir2cdisc.converters.atomic import replacing, write_text
from fhir2cdisc.converters.page import style, style_hash
from lxml import etree

STYLESHEET = "define.xsl"


@cache
def stylesheet() -> str:
    """The XSL stylesheet with the style of our pages in it."""
    text = files("fhir2cdisc.converters.define").joinpath(STYLESHEET).read_text(encoding="utf-8")
    return text.replace("STYLE_HASH", style_hash()).replace("STYLE_TEXT", style())


def write_define_html(define: str | Path) -> Path:
    """Write `define.html` and `define.xsl` beside a define.xml; the page is made by that stylesheet."""
    source = Path(define)
    parser: Any = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    sheet = etree.XSLT(etree.fromstring(stylesheet().encode("utf-8"), parser))
    result = sheet(etree.parse(source, parser))
    write_text(source.with_name(STYLESHEET), stylesheet())
    target = source.with_suffix(".html")
    with replacing(target) as file:
        file.write(bytes(result).rstrip(b"\n") + b"\n")
    return target
