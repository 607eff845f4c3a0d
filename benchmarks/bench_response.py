"""CPU and memory of ADRS (all parameters) and ADTTE for 20,000 synthetic subjects with 560,000 RS records.

The same work took the R reference packages 217 s and 2.1 GB on a machine of this size. Run as
`python benchmarks/bench_response.py`; ratios are printed against those two figures and against a plain pandas
groupby over the same records, timed in the same run.
"""

from __future__ import annotations

import resource
import time

import numpy as np
import pandas as pd
from fhir2cdisc.adam.response.adrs import derive_adrs
from fhir2cdisc.adam.response.response import ResponseOptions
from fhir2cdisc.adam.time_to_event.adtte import derive_adtte
from fhir2cdisc.adam.time_to_event.parameters import PARAMETERS

SUBJECTS, VISITS = 20_000, 28
PEER_SECONDS, PEER_MB = 217.0, 2_100.0
CALLS = np.array(["CR", "PR", "SD", "NON-CR/NON-PD", "PD", "NE"], dtype=object)


def synthetic(subjects: int = SUBJECTS, visits: int = VISITS) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Synthetic ADSL, RS and TU: assessments every three weeks with a fixed seed."""
    random = np.random.default_rng(20260101)
    ids = np.array([f"S-{n:06}" for n in range(subjects)], dtype=object)
    start = np.datetime64("2020-01-01") + random.integers(0, 700, subjects)
    death = start + random.integers(100, 1500, subjects)
    adsl = pd.DataFrame(
        {
            "STUDYID": "SYNTH",
            "USUBJID": ids,
            "TRTSDT": start.astype("datetime64[ns]"),
            "TRTEDT": (start + 300).astype("datetime64[ns]"),
            "DTHDT": np.where(random.random(subjects) < 0.4, death, np.datetime64("NaT")).astype("datetime64[ns]"),
            "LSTALVDT": (death - 1).astype("datetime64[ns]"),
            "NACTDT": np.where(random.random(subjects) < 0.3, start + 400, np.datetime64("NaT")).astype(
                "datetime64[ns]"
            ),
        }
    )
    n = subjects * visits
    number = np.tile(np.arange(1, visits + 1), subjects)
    day = np.repeat(start, visits) + 21 * number + random.integers(-3, 4, n)
    call = CALLS[random.choice(6, n, p=[0.05, 0.2, 0.6, 0.05, 0.03, 0.07])]
    rs = pd.DataFrame(
        {
            "STUDYID": "SYNTH",
            "USUBJID": np.repeat(ids, visits),
            "RSSEQ": number.astype(float),
            "RSTESTCD": "OVRLRESP",
            "RSCAT": "RECIST 1.1",
            "RSORRES": call,
            "RSSTRESC": call,
            "RSEVAL": "INVESTIGATOR",
            "VISITNUM": number.astype(float),
            "VISIT": np.array([f"WEEK {3 * v}" for v in range(visits + 1)], dtype=object)[number],
            "RSDTC": np.datetime_as_string(day).astype(object),
        }
    )
    tu = pd.DataFrame({"USUBJID": ids, "TUSEQ": 1.0, "TUTESTCD": "TUMIDENT", "TUSTRESC": "TARGET"})
    return adsl, rs, tu.assign(TUEVAL="INVESTIGATOR", TULNKID="T01")


def memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    adsl, rs, tu = synthetic()
    derive_adrs(adsl.iloc[:10], rs.iloc[:280], tu.iloc[:10])  # imports and first calls
    at_start = memory()
    begin = time.process_time()
    adrs = derive_adrs(adsl, rs, tu, ResponseOptions())
    middle = time.process_time()
    adtte = derive_adtte(adsl, {"ADRS": adrs}, PARAMETERS)
    end = time.process_time()
    rs.groupby("USUBJID")["RSDTC"].max()
    plain = time.process_time() - end
    seconds, peak = end - begin, memory()
    print(f"{len(adsl):,} subjects: RS {len(rs):,} records, ADRS {len(adrs):,} rows, ADTTE {len(adtte):,}")
    print(f"ADRS {middle - begin:.2f} s CPU, ADTTE {end - middle:.2f} s CPU, together {seconds:.2f} s")
    print(f"peak memory {peak:.0f} MB, of which {at_start:.0f} MB before (libraries and the synthetic input)")
    print(f"ratio to the reference packages: time 1/{PEER_SECONDS / seconds:.0f}, memory 1/{PEER_MB / peak:.1f}")
    print(f"ratio to one groupby over RS in this run: {seconds / plain:.0f}")


if __name__ == "__main__":
    main()
