"""What the options of responses and lesions change: the rule, the value, and the result by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
from fhir2cdisc.adam.response.adrs import derive_adrs
from fhir2cdisc.adam.response.options import ResponseOptions
from fhir2cdisc.adam.tumour.options import RecistOptions
from fhir2cdisc.adam.tumour.recist import timepoint_responses
from support.options.case import Case
from support.tables import table

START = pd.Timestamp("2024-01-01")
SUBJECT = pd.DataFrame(
    {
        "STUDYID": "S",
        "USUBJID": ["01"],
        "TRTSDT": START,
        "RFSTDT": START + pd.Timedelta(days=30),
        "TRTEDT": START + pd.Timedelta(days=60),
        "NACTDT": START + pd.Timedelta(days=200),
    }
)
LESIONS = pd.DataFrame({"USUBJID": ["01"], "TUTESTCD": "TUMIDENT", "TUSTRESC": "TARGET", "TUEVAL": "INVESTIGATOR"})
Run = Callable[[Any], str]


def called(parameter: str, scans: str) -> Run:
    """A parameter out of responses `day:call`, or `day:call:criteria:evaluator:reader`, days from the first dose."""

    def run(options: ResponseOptions) -> str:
        rows = [(one.split(":") + [""] * 3)[:5] for one in scans.split()]
        rs = pd.DataFrame(rows, columns=["DAY", "RSSTRESC", "RSCAT", "RSEVAL", "RSEVALID"], dtype=object)
        days = START + pd.to_timedelta(pd.to_numeric(rs["DAY"]), unit="D")
        rs = rs.assign(
            USUBJID="01", RSTESTCD="OVRLRESP", RSSEQ=range(1, len(rs) + 1), RSDTC=days.dt.strftime("%Y-%m-%d")
        )
        made = derive_adrs(SUBJECT, rs, LESIONS, options)
        return str(made.loc[made["PARAMCD"].str.fullmatch(f"[IM]?{parameter}"), "AVALC"].iloc[0])

    return run


RESPONSE = {
    "criteria": Case(called("BOR", "50:PD 50:iUPD:iRECIST"), "iRECIST", "PD", "iUPD"),
    "evaluator": Case(called("BOR", "50:PR::INVESTIGATOR 50:SD::INDEPENDENT"), "INDEPENDENT ASSESSOR", "PR", "SD"),
    "evaluator_id": Case(
        called("BOR", "50:PR::CENTRAL:R1 50:SD::CENTRAL:R2"), "R2", "PR", "SD", {"evaluator": "INDEPENDENT ASSESSOR"}
    ),
    "reference": Case(called("BOR", "50:SD"), "RFSTDT", "SD", "NE"),  # day 50 from TRTSDT, day 20 from RFSTDT
    "confirm_days": Case(called("CBOR", "50:PR 78:PR"), 29, "PR", "SD"),
    "sd_min_days": Case(called("BOR", "50:SD"), 51, "SD", "NE"),
    "benefit_min_days": Case(called("CB", "50:SD"), 51, "Y", "N"),
    "max_ne": Case(called("CRSP", "50:PR 60:NE 78:PR"), 0, "Y", "N"),
    "accept_sd": Case(called("CRSP", "50:PR 60:SD 78:PR"), True, "N", "Y"),
    "missing_as_ne": Case(called("BOR", "-9:SD"), True, "MISSING", "NE"),
    "sticky_pr": Case(called("CRSP", "50:PR 60:SD 70:SD 78:PR"), True, "N", "Y"),
    "pr_after_cr": Case(called("PD", "50:CR 90:SD"), "collected", "Y", "N"),
    "new_therapy": Case(called("RSP", "50:SD 201:PR"), "", "N", "Y"),
    "end_of_window": Case(called("RSP", "50:SD 61:PR"), "TRTEDT", "Y", "N"),
    "end_of_window_days": Case(called("RSP", "50:SD 61:PR"), 1, "N", "Y", {"end_of_window": "TRTEDT"}),
    "last_assessment": Case(called("LSTA", "50:PR 90:NE"), "any", "PR", "NE"),
    "unconfirmed_iupd": Case(called("PD", "50:iUPD:iRECIST"), False, "Y", "N", {"criteria": "iRECIST"}),
}

TU = table(
    """
    USUBJID | TULNKID | TUSTRESC | TULOC | TUTESTCD
    01      | T01     | TARGET   | LIVER | TUMIDENT
    01      | T02     | TARGET   | LUNG  | TUMIDENT
    01      | NEW01   | NEW      | BONE  | TUMIDENT
    """,
    {"USUBJID": "text"},
)


def judged(column: str, records: str) -> Run:
    """A column of the time points out of records `visit:date:lesion:test:result`, one after the other."""

    def run(options: RecistOptions) -> str:
        rows = [one.split(":") for one in records.split()]
        tr = pd.DataFrame(rows, columns=["VISIT", "TRDTC", "TRLNKID", "TRTESTCD", "TRSTRESC"], dtype=object)
        tr = tr.assign(USUBJID="01", TRSEQ=range(1, len(tr) + 1), TRSTRESU="mm")
        tr["TRSTRESC"] = tr["TRSTRESC"].str.replace("_", " ")
        made = timepoint_responses(TU, tr, options)
        shown = made[column].dt.strftime("%Y-%m-%d") if column == "ADT" else made[column].map(str)
        return " ".join(shown)

    return run


BASE = "SCREENING:2024-01-01:T01:LDIAM:50"
GROWN = f"{BASE} W8:2024-02-26:T01:LDIAM:70"
LESION = {
    "criteria": Case(judged("OVRLRESP", GROWN), "iRECIST", "PD", "iUPD"),
    "visit_window_days": Case(
        judged(
            "SUMDIAM",
            f"{BASE} SCREENING:2024-01-02:T02:LDIAM:30 UNSCHED:2024-02-26:T01:LDIAM:48 UNSCHED:2024-03-02:T02:LDIAM:20",
        ),
        4,
        "68.0",
        "48.0 20.0",
    ),
    "pd_date": Case(
        judged("ADT", f"{BASE} SCREENING:2024-01-02:T02:LDIAM:30 {GROWN.split()[1]} W8:2024-02-28:T02:LDIAM:60"),
        "last",
        "2024-02-26",
        "2024-02-28",
    ),
    "date_imputation": Case(judged("ADT", f"{BASE} W8:2024-02:T01:LDIAM:50"), "first", "2024-02-29", "2024-02-01"),
    "baseline_visits": Case(
        judged("BASE", "V1:2024-01-01:T01:LDIAM:50 V2:2024-01-09:T01:LDIAM:54 W8:2024-02-26:T01:LDIAM:54"),
        ("V2",),
        "50.0 50.0",
        "54.0",
    ),
    "too_small_mm": Case(judged("SUMDIAM", f"{BASE} W8:2024-02-26:T01:LDIAM:TOO_SMALL_TO_MEASURE"), "3", "5.0", "3.0"),
    "equivocal_backdated": Case(
        judged(
            "OVRLRESP",
            f"{BASE} W8:2024-02-26:T01:LDIAM:50 W8:2024-02-26:NEW01:TUMSTATE:EQUIVOCAL "
            "W16:2024-04-22:T01:LDIAM:50 W16:2024-04-22:NEW01:TUMSTATE:PRESENT",
        ),
        False,
        "PD PD",
        "SD PD",
    ),
    "sticky_pr": Case(
        judged("OVRLRESP", f"{BASE} W8:2024-02-26:T01:LDIAM:34 W16:2024-04-22:T01:LDIAM:38"), True, "PR SD", "PR PR"
    ),
    "confirm_pd_days": Case(
        judged("OVRLRESP", f"{GROWN} W11:2024-03-18:T01:LDIAM:80"),  # 21 days after the first iUPD
        21,
        "iUPD iUPD",
        "iUPD iCPD",
        {"criteria": "iRECIST"},
    ),
}
