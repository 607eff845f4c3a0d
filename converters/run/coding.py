"""Coding of adverse events with a dictionary file of the user; the project ships no dictionary content."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from fhir2cdisc.adam.safety.dictionary import CODED, apply_dictionary
from fhir2cdisc.mappings.errors import Fhir2CdiscError
from fhir2cdisc.mappings.standard.datasets import sdtm_datasets
from fhir2cdisc.sdtm.assemble import guide_columns


class DictionaryError(Fhir2CdiscError):
    """A dictionary file that cannot be used; the message is one clear sentence."""


def read_dictionary(path: Path) -> pd.DataFrame:
    """The file as text columns; DictionaryError where it is no CSV."""
    try:
        return pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise DictionaryError(f"dictionary {path.name}: is no CSV file ({type(error).__name__})") from error


def code_events(frames: dict[str, pd.DataFrame], path: Path) -> pd.DataFrame:
    """Code AE in place and return the terms that the dictionary does not hold, as findings.

    A term that the source had coded keeps its coding; where the source had none, AEDECOD only repeats AETERM and is
    replaced. A term without an entry keeps AEDECOD as it was.
    """
    if "AE" not in frames:
        return pd.DataFrame()
    ae = frames["AE"]
    repeated = ae["AEDECOD"].str.casefold() == ae["AETERM"].str.casefold()
    try:
        coded, uncoded = apply_dictionary(ae.assign(AEDECOD=ae["AEDECOD"].where(~repeated, "")), read_dictionary(path))
    except ValueError as error:
        raise DictionaryError(f"{path.name}: {error}") from error
    coded["AEDECOD"] = coded["AEDECOD"].where(coded["AEDECOD"] != "", ae["AEDECOD"])
    for name in CODED:
        if name in coded and sdtm_datasets()["AE"][name].type == "Num":
            coded[name] = pd.to_numeric(coded[name], errors="coerce").astype(float)
    frames["AE"] = guide_columns(coded, sdtm_datasets()["AE"])
    return uncoded
