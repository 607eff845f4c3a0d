"""Which records of a drug may start time: what was given, taken or dispensed, and an order only where nothing was.

FHIR R4: MedicationRequest.intent tells an order from a proposal, a plan or an option, which start nothing; that the
drug was given is said by MedicationAdministration, MedicationStatement and MedicationDispense.
"""

from __future__ import annotations

import pandas as pd
from fhir2cdisc.fhir.findings import Finding
from fhir2cdisc.mappings.study import Study
from fhir2cdisc.sdtm.columns import ANTINEOPLASTIC, DRUG, INTENT, SUBJECT

# Codes of intent that are no order yet.
PLANNED = ("proposal", "plan", "option")
_COLUMNS = [SUBJECT, "DRUG", "DTC", "END", "ORDER"]


def starting_records(ex: pd.DataFrame | None, cm: pd.DataFrame | None, study: Study) -> dict[str, pd.DataFrame]:
    """EX and antineoplastic CM (SUBJECT, DRUG, DTC, END, ORDER) that may start time.

    An order of a drug is left out where the subject has any other record of it, and every order of CM where
    `[reference] orders` is `never`.
    """
    frames = {"EX": _records(ex, "EX"), "CM": _records(cm, "CM")}
    both = pd.concat(list(frames.values()))
    given = set(zip(both.loc[~both["ORDER"], SUBJECT], both.loc[~both["ORDER"], "DRUG"], strict=True))
    found = {}
    for domain, frame in frames.items():
        known = pd.Series(
            [pair in given for pair in zip(frame[SUBJECT], frame["DRUG"], strict=True)], frame.index, bool
        )
        never = domain == "CM" and study.reference.orders == "never"
        found[domain] = frame[~(frame["ORDER"] & (known | never))]
    return found


def _records(frame: pd.DataFrame | None, domain: str) -> pd.DataFrame:
    if frame is None:
        return pd.DataFrame(columns=_COLUMNS).astype({"ORDER": bool})
    blank = pd.Series("", index=frame.index, dtype=object)
    name, intent = frame[DRUG], frame.get(INTENT, blank).fillna("")
    made = pd.DataFrame(
        {
            SUBJECT: frame[SUBJECT],
            "DRUG": name.where(name != "", frame[f"{domain}TRT"].str.upper()),
            "DTC": frame.get(f"{domain}STDTC", blank),
            "END": frame.get(f"{domain}ENDTC", blank),
            "ORDER": (intent != "").astype(bool),
        }
    )
    counts = ~intent.isin(PLANNED)
    return made[counts & (frame[ANTINEOPLASTIC] == "Y")] if domain == "CM" else made[counts]


def order_findings(
    records: dict[str, pd.DataFrame], dates: pd.DataFrame, who: pd.DataFrame, study: Study
) -> list[Finding]:
    """A finding for each subject whose time starts with an order, since nothing says that the drug was given."""
    names = [n for n, start in (("EX", "first-dose"), ("CM", "first-antineoplastic")) if start in study.reference.start]
    if not names:
        return []
    both = pd.concat(list(records.values())) if "CM" in names else records["EX"]
    both = both[both["DTC"] == both[SUBJECT].map(dates["RFSTDTC"])]
    given = set(both.loc[~both["ORDER"], SUBJECT])
    found = []
    for subject, own in both[both["ORDER"] & (both["DTC"] != "")].groupby(SUBJECT, sort=True):
        if subject not in given:
            usubjid, drugs = str(who["USUBJID"][subject]), ", ".join(sorted(set(own["DRUG"])))
            said = (
                f"{usubjid}: RFSTDTC {own['DTC'].iloc[0]} is the day of an order of {drugs}, and no record says that "
            )
            said += "it was given; time starts with a prescribed therapy ([reference] orders)"
            found.append(Finding("start.order", said, "warning", variable="RFSTDTC", usubjid=usubjid))
    return found
