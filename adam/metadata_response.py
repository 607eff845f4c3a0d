"""Metadata of ADRS, ADTR and ADTTE for define.xml, XPT and the reviewer's guide."""

from __future__ import annotations

from collections.abc import Sequence

from fhir2cdisc.adam.response.options import IRECIST, ResponseOptions
from fhir2cdisc.adam.response.parameters import IMMUNE_PARAMETERS, PARAMETERS
from fhir2cdisc.adam.time_to_event.adtte import Parameter
from fhir2cdisc.mappings.standard.datasets import Dataset, Variable

_CLASS = "BASIC DATA STRUCTURE"
_STUDYID = Variable("STUDYID", "Study Identifier", core="Req", origin="Predecessor", source="ADSL.STUDYID")
_USUBJID = Variable("USUBJID", "Unique Subject Identifier", core="Req", origin="Predecessor", source="ADSL.USUBJID")


def _derived(
    name: str, label: str, method: str, type_: str = "Char", format_: str = "", core: str = "Perm"
) -> Variable:
    return Variable(
        name,
        label,
        type="Num" if type_ == "Num" else "Char",
        core="Req" if core == "Req" else "Perm",
        format=format_,
        origin="Derived",
        method=method,
    )


def _assigned(name: str, label: str, type_: str = "Char", core: str = "Perm") -> Variable:
    return Variable(
        name,
        label,
        type="Num" if type_ == "Num" else "Char",
        core="Req" if core == "Req" else "Perm",
        origin="Assigned",
    )


_PARAMETER = (
    _assigned("PARAMCD", "Parameter Code", core="Req"),
    _assigned("PARAM", "Parameter", core="Req"),
)
_CATEGORIES = (
    _assigned("PARCAT1", "Parameter Category 1"),
    _assigned("PARCAT2", "Parameter Category 2"),
    _assigned("PARCAT3", "Parameter Category 3"),
)
_DATES = (
    _derived("ADT", "Analysis Date", "The date of the source record.", "Num", "DATE9."),
    _derived("ADTF", "Analysis Date Imputation Flag", "D where the day of the date was missing and imputed."),
    _derived(
        "ADY",
        "Analysis Relative Day",
        "ADT minus the reference date, plus 1 on or after the reference.",
        "Num",
    ),
    _derived("AVISIT", "Analysis Visit", "VISIT of the source record; BASELINE for the baseline scan."),
    _derived("AVISITN", "Analysis Visit (N)", "VISITNUM of the source record; 0 for the baseline scan.", "Num"),
)
_SOURCE = (
    _assigned("SRCDOM", "Source Data"),
    _assigned("SRCVAR", "Source Variable"),
    _derived("SRCSEQ", "Source Sequence Number", "The sequence number of the source record.", "Num"),
    _derived("ASEQ", "Analysis Sequence Number", "Numbers the records of a subject in sort order.", "Num"),
)


def adrs_metadata(
    options: ResponseOptions | Sequence[ResponseOptions] | None = None, composites: Sequence[str] = ()
) -> Dataset:
    """ADRS with the derivation of AVALC, parameter by parameter, and the options in words.

    `composites` are the derivations of parameters that only this study has.
    """
    every = [options] if isinstance(options, ResponseOptions) else list(options or [ResponseOptions()])
    said = [f"{p.paramcd(o.criteria)}: {p.derivation(o.criteria)}" for o in every for p in _parameters(o)]
    method = " ".join(dict.fromkeys([*said, *composites, *(o.in_words() for o in every)]))
    return Dataset(
        "ADRS",
        "Response Analysis",
        _CLASS,
        "One record per subject per parameter per assessment",
        (
            _STUDYID,
            _USUBJID,
            *_PARAMETER,
            *_CATEGORIES,
            _derived(
                "AVAL",
                "Analysis Value",
                "CR 1, PR 2, SD 3, NON-CR/NON-PD 4, PD 5, NE 6, ...; Y 1, N 0.",
                "Num",
            ),
            _derived("AVALC", "Analysis Value (C)", method),
            *_DATES,
            _derived(
                "ANL01FL",
                "Analysis Flag 01",
                "Y for the worst response of a day from the reference date on; Y for all other parameters.",
            ),
            _derived("ANL02FL", "Analysis Flag 02", "Y up to and including the first PD."),
            *_SOURCE,
        ),
        ("STUDYID", "USUBJID", "PARAMCD", "PARCAT2", "ADT", "ASEQ"),
    )


def _parameters(options: ResponseOptions) -> tuple:  # type: ignore[type-arg]
    return (*PARAMETERS, *IMMUNE_PARAMETERS) if options.criteria == IRECIST else PARAMETERS


def adtr_metadata() -> Dataset:
    """ADTR: sum of diameters and diameters of lesions."""
    return Dataset(
        "ADTR",
        "Tumor Results Analysis",
        _CLASS,
        "One record per subject per parameter per assessment",
        (
            _STUDYID,
            _USUBJID,
            *_PARAMETER,
            *_CATEGORIES,
            _derived(
                "AVAL",
                "Analysis Value",
                "SDIAM: longest diameters of target lesions plus short axes of nodes; else the length in mm.",
                "Num",
            ),
            _derived("BASE", "Baseline Value", "AVAL of the baseline record.", "Num"),
            _derived("CHG", "Change from Baseline", "AVAL - BASE.", "Num"),
            _derived("PCHG", "Percent Change from Baseline", "100 * (AVAL - BASE) / BASE.", "Num"),
            _derived("NADIR", "Nadir", "The lowest complete sum before, baseline included.", "Num"),
            _derived("CHGNAD", "Change from Nadir", "AVAL - NADIR.", "Num"),
            _derived("PCHGNAD", "Percent Change from Nadir", "100 * (AVAL - NADIR) / NADIR.", "Num"),
            *_DATES,
            _derived("ABLFL", "Baseline Record Flag", "Y for the last scan up to the reference date."),
            _derived("ANL01FL", "Analysis Flag 01", "Y where every target lesion of baseline was measured."),
            _derived("ANL02FL", "Analysis Flag 02", "Y for the lowest complete sum after baseline."),
            _derived("ANL03FL", "Analysis Flag 03", "Y where complete and before target progression."),
            _derived("ANL04FL", "Analysis Flag 04", "Y where complete or target progression."),
            _derived("PDFL", "Progressive Disease Flag", "Y where the target response is PD."),
            _derived("LSEXP", "Lesion IDs Expected", "The target lesions of baseline."),
            _derived("LSASS", "Lesion IDs Assessed", "The target lesions that were measured."),
            Variable("TRLNKID", "Link ID", origin="Predecessor", source="TR.TRLNKID"),
            Variable("TULOC", "Location of the Tumor/Lesion", origin="Predecessor", source="TU.TULOC"),
            *_SOURCE,
        ),
        ("STUDYID", "USUBJID", "PARAMCD", "ADT", "ASEQ"),
    )


def adtte_metadata(parameters: Sequence[Parameter]) -> Dataset:
    """ADTTE with the method of every parameter in words."""
    method = " ".join(f"{parameter.paramcd}: {parameter.method}" for parameter in parameters)
    return Dataset(
        "ADTTE",
        "Time-to-Event Analysis",
        _CLASS,
        "One record per subject per parameter",
        (
            _STUDYID,
            _USUBJID,
            *_PARAMETER,
            *_CATEGORIES,
            _derived("STARTDT", "Time-to-Event Origin Date for Subject", method, "Num", "DATE9."),
            _derived("ADT", "Analysis Date", "The date of the event or censoring.", "Num", "DATE9."),
            _derived("AVAL", "Analysis Value", "ADT - STARTDT + 1, in days.", "Num", core="Req"),
            _derived("CNSR", "Censor", method, "Num", core="Req"),
            _derived("EVNTDESC", "Event or Censoring Description", "What ended the time."),
            _derived("CNSDTDSC", "Censor Date Description", "What the censoring date is; blank for an event."),
            _derived("WHY", "Reason in Words", "Event or censoring, date and reason as one sentence."),
            *_SOURCE,
        ),
        ("STUDYID", "USUBJID", "PARAMCD"),
    )
