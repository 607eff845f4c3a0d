"""What our HTML pages share: one style sheet, and a policy that lets nothing else in."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from html import escape
from importlib.resources import files


@cache
def style() -> str:
    """The style sheet of every page."""
    text = files("fhir2cdisc.converters").joinpath("page.css").read_text(encoding="utf-8")
    return text.replace("\n", "")


@cache
def style_hash() -> str:
    """SHA-256 of the style sheet in base64, as a content security policy names it."""
    return base64.b64encode(hashlib.sha256(style().encode("utf-8")).digest()).decode("ascii")


def page(title: str, body: str, nav: str = "") -> str:
    """A whole page around a body of trusted HTML: no script, nothing loaded from elsewhere.

    `nav` is a list of links that stays beside the text.
    """
    aside = f"<nav>{nav}</nav>" if nav else ""
    wide = "" if nav else ' class="wide"'
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta http-equiv="Content-Security-Policy" '
        f"content=\"default-src 'none'; style-src 'sha256-{style_hash()}'\">"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{style()}</style></head>\n<body>{aside}<main{wide}>\n{body}\n</main></body></html>\n"
    )
