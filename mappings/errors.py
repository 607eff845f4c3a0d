"""The root of every exception of the product."""

from __future__ import annotations


class Fhir2CdiscError(ValueError):
    """Something is wrong with what was given; the message is one clear sentence for the person who gave it."""
