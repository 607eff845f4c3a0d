"""Responses derived from lesions, put into RS beside the collected ones, and where the two disagree."""

from __future__ import annotations

import pandas as pd
from fhir2cdisc.adam.criteria import evaluator_names, reader_names, whose
from fhir2cdisc.adam.frames.columns import texts
from fhir2cdisc.adam.plan import every_recist_options
from fhir2cdisc.adam.tumour.derived_rs import derived_rs, lesion_conflicts
from fhir2cdisc.adam.tumour.options import RecistOptions
from fhir2cdisc.adam.tumour.recist import Lesions
from fhir2cdisc.mappings.standard.datasets import sdtm_datasets
from fhir2cdisc.mappings.study import Study
from fhir2cdisc.sdtm.assemble import Sdtm
from fhir2cdisc.sdtm.lineage import LINEAGE_COLUMNS
from fhir2cdisc.sdtm.timing import REFERENCES, epoch, study_day

RULE = "RS/derived-from-lesions"


def add_derived_responses(sdtm: Sdtm, study: Study, lesions: Lesions) -> pd.DataFrame:
    """Add derived records to RS and their lineage, and return the conflicts as findings (one row each).

    Responses are derived by the criteria of the main analysis, then by those of each sensitivity analysis. A
    derived record says so (RSEVAL `ALGORITHM`, RSCAT, RSMETHOD) and no collected record is changed. Nothing happens
    where the data hold no lesions.
    """
    if not lesions:
        return pd.DataFrame()
    every = every_recist_options(study)
    conflicts = lesion_conflicts(sdtm.frames.get("RS", pd.DataFrame()), lesions, every)
    for options in every:
        _derive(sdtm, lesions, options)
    return conflicts


def _derive(sdtm: Sdtm, lesions: Lesions, options: RecistOptions) -> None:
    """The same by the criteria of one analysis."""
    frames = sdtm.frames
    dm, collected = frames["DM"], frames.get("RS")
    made = derived_rs(lesions.responses(options), collected, options.criteria)
    if not len(made):
        return
    frames["RS"] = with_records(made.iloc[:0] if collected is None else collected, _timed(made, dm))
    sdtm.lineage = pd.concat([sdtm.lineage, _lineage(made, frames["TR"], sdtm.lineage)], ignore_index=True)


def _timed(made: pd.DataFrame, dm: pd.DataFrame) -> pd.DataFrame:
    subject = dm.set_index("USUBJID")[REFERENCES].reindex(made["USUBJID"]).fillna("").set_index(made.index)
    day = study_day(made["RSDTC"], subject["RFSTDTC"])
    return made.assign(RSDY=day, EPOCH=epoch(made["RSDTC"], subject), RSSTRESU="", RSORRESU="")


def with_records(some: pd.DataFrame, more: pd.DataFrame) -> pd.DataFrame:
    """Records of RS together, in the guide's order of variables, sorted by subject and --SEQ's own order."""
    if not len(more):
        return some
    both = pd.concat([some, more], ignore_index=True)
    for variable in sdtm_datasets()["RS"].variables:
        if variable.name in both:
            column = both[variable.name]
            both[variable.name] = column.astype(float) if variable.type == "Num" else column.fillna("").astype(object)
    names = [v.name for v in sdtm_datasets()["RS"].variables if v.name in both]
    keys = ["USUBJID", "RSCAT", "RSTESTCD", "RSEVAL", "RSEVALID", "VISITNUM", "RSDTC", "RSSEQ"]
    return both.sort_values([k for k in keys if k in both], kind="stable")[names].reset_index(drop=True)


def _lineage(made: pd.DataFrame, tr: pd.DataFrame, lineage: pd.DataFrame) -> pd.DataFrame:
    """The resources of the measurements that a derived record was made of: same subject, reader and visit."""
    reader = whose(evaluator_names(texts(tr, "TREVAL")), reader_names(texts(tr, "TREVALID")))
    visits = tr.assign(READER=reader, DAY=tr["TRDTC"].str.slice(0, 10))
    here = made.assign(READER=made["RSEVALID"], DAY=made["RSDTC"])
    keys = ["USUBJID", "READER"]
    by_visit = here.merge(visits[[*keys, "VISITNUM", "TRSEQ"]].dropna(), on=[*keys, "VISITNUM"])
    by_day = here[here["VISITNUM"].isna()].merge(visits[[*keys, "DAY", "TRSEQ"]], on=[*keys, "DAY"])
    pairs = pd.concat([by_visit, by_day])[["USUBJID", "RSSEQ", "TRSEQ"]].drop_duplicates()
    source = lineage[(lineage["DATASET"] == "TR") & (lineage["ROLE"] == "source")]
    found = pairs.merge(source, left_on=["USUBJID", "TRSEQ"], right_on=["USUBJID", "SEQ"])
    found = found.assign(DATASET="RS", SEQ=found["RSSEQ"].astype(lineage["SEQ"].dtype), ROLE="support", RULE=RULE)
    return found[LINEAGE_COLUMNS].sort_values(["USUBJID", "SEQ", "RESOURCE", "ID"], kind="stable")
