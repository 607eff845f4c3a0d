"""What every part of a study model shares: frozen, no unknown key, and where each option comes from."""

from __future__ import annotations

from datetime import date
from typing import Literal

from fhir2cdisc.mappings.errors import Fhir2CdiscError
from pydantic import BaseModel, ConfigDict, Field, model_validator

# Days in a month, a twelfth of a year of 365.25 days; a study names another one (`[censoring] month`).
DAYS_PER_MONTH = 30.4375


# What a date of an analysis dataset can be: nanoseconds since 1970 reach no further.
FIRST_DAY, LAST_DAY = date(1678, 1, 1), date(2261, 12, 31)


def is_known_day(text: str) -> str:
    """The text of a day (ISO 8601) that a date of a dataset can be, or ''; ValueError for any other."""
    if text:
        try:
            known = FIRST_DAY <= date.fromisoformat(text) <= LAST_DAY
        except ValueError:
            raise ValueError(f"{text!r} is no day of the calendar") from None
        if not known:
            raise ValueError(f"{text!r} is not a day from {FIRST_DAY} to {LAST_DAY}")
    return text


class StudyError(Fhir2CdiscError):
    """A study that does not exist or whose file is wrong; the message is one clear sentence."""


class Model(BaseModel):
    """Frozen, and strict about keys: a misspelt option must not pass as a default."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Section(Model):
    """A section whose options are either stated by the protocol or defaults of the project."""

    stated: tuple[str, ...] = ()

    def origin(self, option: str) -> Literal["protocol", "default"]:
        return "protocol" if option in self.stated else "default"

    @model_validator(mode="after")
    def _stated_names_options(self) -> Section:
        unknown = sorted(set(self.stated) - set(type(self).model_fields))
        if unknown:
            raise ValueError(f"stated names {', '.join(unknown)}, which is no option of this section")
        return self


class Code(Model):
    """A code of a terminology; an empty `system` matches any system."""

    code: str
    system: str = ""


class Drug(Model):
    """A drug by name: `terms` are matched as whole words in a medication's text, `codes` exactly.

    `flag` names an ADSL variable that says who received it, where an analysis needs that.
    """

    name: str
    terms: tuple[str, ...] = ()
    codes: tuple[Code, ...] = ()
    drug_class: str = ""
    flag: str = Field(default="", pattern=r"^([A-Z][A-Z0-9]{0,5}FL)?$")
