"""Relatives of a subject: persons of their own, whose history is never the subject's (SDTM 2.0, section 4)."""

from __future__ import annotations

import pandas as pd
from fhir2cdisc.sdtm.columns import ORDER, RECORD_NO, SUBJECT
from fhir2cdisc.sdtm.methods import derives


@derives("APMH.APID", "RSUBJID, `-R` and the number of the relative among those of the subject")
@derives("APMH.RSUBJID", "USUBJID of the subject whose relative it is")
def name_relatives(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of APMH with APID and RSUBJID; what one record says of a relative is of one person."""
    first = rows.groupby([SUBJECT, RECORD_NO], sort=False)[ORDER].transform("min")
    number = first.groupby(rows[SUBJECT]).rank(method="dense").astype(int).astype(str)
    return rows.assign(APID=rows["USUBJID"] + "-R" + number, RSUBJID=rows["USUBJID"])
