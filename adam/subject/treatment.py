"""When study treatment began and ended, with which drugs, and what was given before and after it.

Study treatment begins with the first dose on or after the enrolment, where the study says so. The drugs that begin
together are the index regimen; what comes later and is not of the subject's arm is a later line of therapy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from fhir2cdisc.adam.frames.columns import number, text
from fhir2cdisc.adam.frames.dates import impute_dates
from fhir2cdisc.adam.frames.findings import findings, gather_findings
from fhir2cdisc.adam.frames.sdtm import Frames, dataset
from fhir2cdisc.adam.frames.variables import derived, derived_date, derived_number
from fhir2cdisc.adam.subject.drugs import DrugNames, plain
from fhir2cdisc.adam.subject.evidence import as_evidence, candidates, stack_evidence
from fhir2cdisc.adam.subject.options import AdslOptions

VARIABLES = (
    derived_date(
        "TRTSDT",
        "Date of First Exposure to Treatment",
        "Earliest EX.EXSTDTC of a dose above 0 that is complete to the day, from the enrolment on where the study says",
    ),
    derived_date(
        "TRTEDT",
        "Date of Last Exposure to Treatment",
        "Latest EX.EXENDTC or EX.EXSTDTC of the index regimen; exposure without an end lasts until the next evidence",
    ),
    derived("TRTEDTF", "Date of Last Exposure Imputation Flag", "D or M where partial, Y where EXENDTC is blank"),
    derived_number("TRTDURD", "Total Treatment Duration (Days)", "TRTEDT - TRTSDT + 1"),
)
_ISO = "%Y-%m-%d"
CONTACT = "last contact"
# A dose given at once: its record without an end is not treatment that goes on.
_AT_ONCE = ("INTRAVENOUS", "SUBCUTANEOUS", "INTRAMUSCULAR", "INTRA-ARTERIAL", "INTRAPERITONEAL", "INTRATUMOR")


@dataclass(frozen=True, slots=True, eq=False)
class Exposure:
    """Doses read once, a row a record of EX, and what they make of each subject.

    doses     USUBJID, DRUG, START, END, FROM (the start, or the enrolment where it lies within the record), ROLE
              (`prior`, `index`, `later`, `held`, `undated`) and what `candidates` gives.
    start     the index date by USUBJID.
    regimen   the names of the drugs of the index regimen by USUBJID.
    """

    doses: pd.DataFrame
    start: pd.Series
    regimen: Mapping[str, frozenset[str]]
    evidence: pd.DataFrame
    findings: pd.DataFrame

    @property
    def treated(self) -> frozenset[str]:
        """Who got a dose of study treatment, dated or not."""
        given = self.doses["ROLE"].isin(["index", "later", "undated"])
        return frozenset(self.doses.loc[given, "USUBJID"])

    def of(self, role: str) -> pd.DataFrame:
        return self.doses[self.doses["ROLE"] == role]


def read_exposure(frames: Frames, options: AdslOptions) -> Exposure:
    """The doses of every subject in DM with their roles."""
    dm = dataset(frames, "DM")
    names = DrugNames(options.drugs)
    doses = _doses(frames, names)
    enrolled = enrolment(frames)
    by_enrolment = options.treatment.index == "enrolment" or (not options.treatment.index and options.by_enrolment)
    since = enrolled - pd.Timedelta(days=options.treatment.before_days)
    doses = _from_enrolment(doses, since if by_enrolment else since.iloc[:0])
    counted = doses[(doses["ROLE"] == "") & doses["FROM"].notna()]
    start = counted.groupby("USUBJID")["FROM"].min()
    doses, regimen = _regimens(doses, start, _arm_drugs(dm, names, options), options)
    start = start.reindex(dm["USUBJID"]).astype("datetime64[ns]")
    return Exposure(doses, start, regimen, _evidence(doses, start), _findings(doses, start, since, options))


def enrolment(frames: Frames) -> pd.Series:
    """The day from which doses are of the study, by USUBJID: consent, else enrolment; the first possible day."""
    dm, ds = dataset(frames, "DM"), dataset(frames, "DS")
    consent = impute_dates(text(dm, "RFICDTC"), "first")[0].groupby(dm["USUBJID"]).min()
    entered = ds[text(ds, "DSDECOD") == "ENTERED INTO TRIAL"]
    enrolled = impute_dates(text(entered, "DSSTDTC"), "first")[0].groupby(entered["USUBJID"]).min()
    return consent.fillna(enrolled.reindex(consent.index)).astype("datetime64[ns]")


def _doses(frames: Frames, names: DrugNames) -> pd.DataFrame:
    """Records of EX, or of DM where there is no EX, with their days; ROLE is `held` where nothing was given."""
    ex, dm = dataset(frames, "EX"), dataset(frames, "DM")
    if not len(ex):
        known = dm[text(dm, "RFXSTDTC") != ""]
        made = candidates(known, "DM", "RFXSTDTC", pd.Series("", index=known.index, dtype=object))
        ends = text(known, "RFXENDTC").where(text(known, "RFXENDTC") != "", made["DTC"])
        made = made.assign(DRUG="", ENDTC=ends, ROLE="", ONCE=True, OPEN=False, REGIMEN=True)
    else:
        made = candidates(ex, "EX", "EXSTDTC", "EXTRT")
        dose = number(ex, "EXDOSE")
        placebo = text(ex, "EXTRT").str.upper().str.contains("PLACEBO", regex=False)
        held = ((dose <= 0) & ~placebo) | (text(ex, "EXOCCUR") == "N") | (text(ex, "EXSTAT") == "NOT DONE")
        once = text(ex, "EXDOSFRQ").str.upper() == "ONCE"
        once |= (text(ex, "EXDOSFRQ") == "") & text(ex, "EXROUTE").str.upper().isin(_AT_ONCE)
        made = made.assign(
            DRUG=names.names(text(ex, "EXTRT")),
            ENDTC=text(ex, "EXENDTC"),
            ROLE=np.where(held, "held", ""),
            ONCE=once.to_numpy(),
            REGIMEN=False,
        )
    made["START"] = impute_dates(made["DTC"], "first", "")[0]
    made["END"], made["ENDF"] = impute_dates(made["ENDTC"], "last")
    made["END"] = made["END"].where(~(made["END"] < made["START"]), made["START"])
    made = made.sort_values(["USUBJID", "START", "DRUG", "END", "SRCSEQ"], kind="stable").reset_index(drop=True)
    last = ~made[(made["ROLE"] == "") & made["START"].notna()].duplicated(["USUBJID", "DRUG"], keep="last")
    made["OPEN"] = last.reindex(made.index, fill_value=False) & (made["ENDTC"] == "") & ~made["ONCE"]
    return made


def _from_enrolment(doses: pd.DataFrame, since: pd.Series) -> pd.DataFrame:
    """FROM and the role `prior` of what was over before the enrolment; without EX, DM says what is of the study."""
    begun = pd.to_datetime(doses["USUBJID"].map(since)).where(~doses["REGIMEN"])
    begun = begun.astype("datetime64[ns]")
    latest = impute_dates(doses["DTC"], "last")[0]
    end = doses["END"].where(doses["END"].notna(), latest)
    # A record without an end that other doses follow was over when they began.
    followed = doses["USUBJID"].isin(doses.loc[doses["START"] >= begun, "USUBJID"])
    early = (latest < begun) & ~((end >= begun) | (doses["OPEN"] & ~followed))
    # One record may hold doses of both sides of the enrolment.
    across = (doses["START"] < begun) & ~early
    role = doses["ROLE"].mask(early & (doses["ROLE"] == ""), "prior")
    return doses.assign(ROLE=role, FROM=doses["START"].mask(across, begun), ACROSS=across, LATEST=latest)


def _arm_drugs(dm: pd.DataFrame, names: DrugNames, options: AdslOptions) -> dict[str, frozenset[str]]:
    """The drugs of the arm that DM gives a subject: by the study's arm of that name, else those that its name holds."""
    of_arm = {
        plain(word): frozenset(names.name(drug) for drug in arm.drugs)
        for arm in options.arms
        for word in (arm.code, arm.label)
    }
    said = {who: frozenset[str]() for who in dm["USUBJID"]}
    for column in ("ACTARM", "ACTARMCD", "ARM", "ARMCD"):
        for who, word in zip(dm["USUBJID"], text(dm, column), strict=True):
            found = of_arm.get(plain(word)) or names.in_text(word)
            said[who] = said[who] or found
    return said


def _regimens(
    doses: pd.DataFrame, start: pd.Series, arms: Mapping[str, frozenset[str]], options: AdslOptions
) -> tuple[pd.DataFrame, dict[str, frozenset[str]]]:
    """The roles `index`, `later` and `undated`, and the index regimen of every subject."""
    named = frozenset(drug.name.upper() for drug in options.drugs)
    counted = doses[(doses["ROLE"] == "") & doses["FROM"].notna()]
    first = counted.groupby(["USUBJID", "DRUG"])["FROM"].min().reset_index()
    begun = pd.to_datetime(first["USUBJID"].map(start))
    together = (first["FROM"] - begun).dt.days <= options.treatment.together_days
    regimen = first[together].groupby("USUBJID")["DRUG"].agg(frozenset).to_dict()
    for who, drugs in regimen.items():
        regimen[who] = drugs | _of_arm(drugs, arms.get(who, frozenset()), options)
    # EX holds the treatment of the protocol (SDTMIG 3.4, 6.1.3): only a drug that the study file names can be another
    # line of it.
    pairs = zip(doses["USUBJID"], doses["DRUG"], strict=True)
    other = np.array([drug in named and drug not in regimen.get(who, frozenset()) for who, drug in pairs], dtype=bool)
    later = (doses["ROLE"] == "") & doses["FROM"].notna() & (other | _after_gap(doses, other, named, options))
    undated = (doses["ROLE"] == "") & doses["FROM"].isna()
    role = doses["ROLE"].mask(later, "later").mask(undated, "undated")
    return doses.assign(ROLE=role.where(role != "", "index"), OTHER=other), regimen


def _of_arm(drugs: frozenset[str], said: frozenset[str], options: AdslOptions) -> frozenset[str]:
    if said:
        return said
    arms = sorted(options.arms, key=lambda arm: (arm.precedence, arm.code))
    lists = (frozenset(name.upper() for name in arm.drugs) for arm in arms if arm.drugs)
    return next((one for one in lists if drugs <= one), frozenset())


def _after_gap(doses: pd.DataFrame, other: np.ndarray, named: frozenset[str], options: AdslOptions) -> pd.Series:
    """Doses of the index regimen that come more than the gap after all that went before."""
    late = pd.Series(False, index=doses.index)
    rows = doses[(doses["ROLE"] == "") & doses["FROM"].notna() & ~other]
    rows = rows.sort_values(["USUBJID", "FROM", "SRCSEQ"], kind="stable")
    if not named or not len(rows):
        return late
    # A record without an end that another follows lasted until that one, unless it was a dose given at once.
    following = rows.groupby("USUBJID")["FROM"].shift(-1)
    lasted = rows["END"].where(rows["END"].notna() | rows["ONCE"], following)
    end = lasted.where(lasted.notna(), rows["FROM"])
    reach = end.groupby(rows["USUBJID"]).cummax().groupby(rows["USUBJID"]).shift()
    gap = (rows["FROM"] - reach).dt.days - 1 > options.treatment.gap_days
    late.loc[rows.index] = gap.groupby(rows["USUBJID"]).cummax()
    return late


def study_doses(ex: pd.DataFrame, adsl: pd.DataFrame) -> pd.DataFrame:
    """EX from the first dose of study treatment on; what was given before is no therapy under study."""
    start = pd.to_datetime(ex["USUBJID"].map(adsl.set_index("USUBJID")["TRTSDT"]))
    latest = impute_dates(text(ex, "EXENDTC").where(text(ex, "EXENDTC") != "", text(ex, "EXSTDTC")), "last")[0]
    return ex[~(latest < start)]


def later_lines(exposure: Exposure) -> pd.DataFrame:
    """The first dose of every later line, as candidates with DATE."""
    rows = exposure.of("later").sort_values(["USUBJID", "FROM", "SRCSEQ"], kind="stable")
    return rows.drop_duplicates(["USUBJID", "DRUG"]).assign(DATE=lambda made: made["FROM"])


@dataclass(frozen=True, slots=True, eq=False)
class Ends:
    """What can end treatment of which the record has no end: dates by USUBJID, by the words for them, in this order."""

    dates: Mapping[str, pd.Series]

    def first(self, who: str, begun: pd.Timestamp) -> tuple[pd.Timestamp, str]:
        """The earliest of them that is not before the start; the start itself where nothing is known."""
        found = [(day, words) for words, days in self.dates.items() if not pd.isna(day := days.get(who, pd.NaT))]
        # A last contact on the day of the dose is that dose: it says nothing of an end.
        later = [one for one in found if one[0] > begun or (one[0] == begun and one[1] != CONTACT)]
        return min(later, key=lambda one: one[0]) if later else (begun, "nothing else is known")


def treatment_end(exposure: Exposure, ends: Ends) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """TRTEDT and TRTEDTF by USUBJID, with evidence and findings.

    A partial end counts as its last possible day, not after what ends treatment for certain.
    """
    doses = exposure.doses
    known = (doses["ROLE"] == "undated") & doses["END"].notna() & doses["USUBJID"].map(exposure.start).notna()
    rows = doses[(doses["ROLE"] == "index") | known].copy()
    rows["DATE"] = rows["END"].where(rows["END"].notna(), rows["FROM"])
    rows["FLAG"], rows["BY"] = rows["ENDF"].where(rows["ENDF"] != "", ""), ""
    for at in rows.index[rows["OPEN"] | (rows["ENDF"] != "")]:
        day, words = ends.first(rows.at[at, "USUBJID"], rows.at[at, "FROM"])
        if rows.at[at, "OPEN"]:
            rows.loc[at, ["DATE", "FLAG", "BY"]] = [day, "Y", words]
        elif day < rows.at[at, "END"]:
            rows.loc[at, ["DATE", "BY"]] = [day, words]
    rows["DATE"] = pd.to_datetime(rows["DATE"])
    ordered = rows.sort_values(["USUBJID", "DATE", "FLAG", "SRCSEQ"], kind="stable", na_position="first")
    last = ordered.drop_duplicates("USUBJID", keep="last")
    values = last.set_index("USUBJID")[["DATE", "FLAG"]].rename(columns={"DATE": "TRTEDT", "FLAG": "TRTEDTF"})
    return values, _end_evidence(rows, last), _end_findings(last)


def _end_evidence(rows: pd.DataFrame, last: pd.DataFrame) -> pd.DataFrame:
    """The last record of every drug."""
    kept = rows.sort_values(["USUBJID", "DRUG", "DATE", "SRCSEQ"], kind="stable")
    kept = kept[~kept.duplicated(["USUBJID", "DRUG"], keep="last") | kept.index.isin(last.index)]
    chosen = kept.index.isin(last.index)
    why = np.where(kept["OPEN"], "without an end, so it lasts until: " + kept["BY"], "the latest end of the regimen")
    passed = np.where(chosen, why, "another drug or record ends as late or later")
    made = kept.assign(
        DTC=kept["ENDTC"],
        SRCVAR=np.where(kept["SRCDOM"] == "EX", "EXENDTC", "RFXENDTC"),
        CHOSEN=np.where(chosen, "Y", ""),
        REASON=passed,
    )
    return as_evidence(made, "treatment end")


def _end_findings(last: pd.DataFrame) -> pd.DataFrame:
    rows = last[(last["FLAG"] != "") | (last["OPEN"])]
    opened, partial = rows[rows["OPEN"]], rows[~rows["OPEN"]]
    lines = [
        (
            row.USUBJID,
            f"EX {row.SRCSEQ:g}",
            "TRTEDT",
            row.DTC,
            f"{row.DRUG} from {row.DTC} on has no end: it is taken to last until {row.DATE:{_ISO}} ({row.BY}).",
        )
        for row in opened.itertuples()
    ]
    cut = [
        (
            row.USUBJID,
            f"EX {row.SRCSEQ:g}",
            "TRTEDT",
            row.ENDTC,
            f"{row.DRUG} ended in {row.ENDTC}: the last day is taken as {row.DATE:{_ISO}}, the last possible one.",
        )
        for row in partial.itertuples()
    ]
    return gather_findings(
        [
            findings("ADSL", "exposure without an end", "INFO", lines),
            findings("ADSL", "partial end of exposure", "INFO", cut),
        ]
    )


def _evidence(doses: pd.DataFrame, start: pd.Series) -> pd.DataFrame:
    """The first record of every drug and role."""
    ordered = doses.sort_values(["USUBJID", "START", "SRCSEQ"], kind="stable", na_position="last")
    kept = ordered.drop_duplicates(["USUBJID", "DRUG", "ROLE"])
    index = kept["ROLE"] == "index"
    first = index & (kept["FROM"] == pd.to_datetime(kept["USUBJID"].map(start)))
    first &= ~kept[first].duplicated("USUBJID").reindex(kept.index, fill_value=False)
    across = first & kept["ACROSS"]
    reasons = np.select(
        [across, first, index, kept["ROLE"] == "prior", kept["ROLE"] == "held", kept["ROLE"] == "undated"],
        [
            "under way on the day of enrolment, from which on it is of the study",
            "the first dose of study treatment",
            "of the index regimen, begun later or on the same day",
            "before the enrolment: prior therapy",
            "nothing was given (dose 0 or not done)",
            "without a complete date",
        ],
        "a later line of therapy",
    )
    started = as_evidence(
        kept.assign(DATE=kept["FROM"], CHOSEN=np.where(first, "Y", ""), REASON=reasons), "treatment start"
    )
    later = kept[kept["ROLE"] == "later"]
    why = np.where(later["OTHER"], "a drug outside the index regimen and the arm", "after a gap in the regimen")
    return stack_evidence(
        [started, as_evidence(later.assign(DATE=later["FROM"], CHOSEN="Y", REASON=why), "later line")]
    )


def _findings(doses: pd.DataFrame, start: pd.Series, since: pd.Series, options: AdslOptions) -> pd.DataFrame:
    return gather_findings(
        [
            *_prior_findings(doses, start, since, options),
            _across_findings(doses, start),
            *_later_findings(doses, start, options),
            _partial_findings(doses, start),
        ]
    )


def _prior_findings(
    doses: pd.DataFrame, start: pd.Series, since: pd.Series, options: AdslOptions
) -> list[pd.DataFrame]:
    """Doses before the enrolment: an earlier line, or perhaps the same treatment with a late consent."""
    prior = doses[doses["ROLE"] == "prior"]
    near, far = [], []
    for who, mine in prior.groupby("USUBJID"):
        drugs = ", ".join(sorted(set(mine["DRUG"])))
        begun, enrolled = start.get(who, pd.NaT), since.get(who, pd.NaT)
        dates = f"{mine['DTC'].iloc[0]} to {mine['DTC'].iloc[-1]}" if len(mine) > 1 else mine["DTC"].iloc[0]
        said = f"{len(mine)} doses of {drugs} ({dates}) lie before the enrolment on {enrolled:{_ISO}}"
        effect = "the subject has no dose of study treatment" if pd.isna(begun) else f"TRTSDT is {begun:{_ISO}}"
        line = (who, f"EX {mine['SRCSEQ'].iloc[0]:g}", "TRTSDT", mine["DTC"].iloc[0])
        close = not pd.isna(begun) and (begun - mine["LATEST"].max()).days <= options.treatment.gap_days
        same = close and bool(
            set(mine["DRUG"]) & set(doses.loc[(doses["USUBJID"] == who) & (doses["ROLE"] == "index"), "DRUG"])
        )
        if same or pd.isna(begun) or mine["OPEN"].any():
            hint = "it may be the same treatment, consented to late ([treatment] before_days)"
            near.append((*line, f"{said}: they count as prior therapy, {effect}; {hint}."))
        else:
            far.append((*line, f"{said}: they are prior therapy, {effect}."))
    return [
        findings("ADSL", "treatment before enrolment", "WARNING", near),
        findings("ADSL", "prior therapy with a study drug", "INFO", far),
    ]


def _across_findings(doses: pd.DataFrame, start: pd.Series) -> pd.DataFrame:
    begun = pd.to_datetime(doses["USUBJID"].map(start))
    rows = doses[doses["ACROSS"] & (doses["ROLE"] == "index") & (doses["FROM"] == begun)].drop_duplicates("USUBJID")
    lines = (
        (
            row.USUBJID,
            f"EX {row.SRCSEQ:g}",
            "TRTSDT",
            row.DTC,
            f"{row.DRUG} was under way since {row.DTC} on the day of enrolment: study treatment counts from "
            f"{row.FROM:{_ISO}} on.",
        )
        for row in rows.itertuples()
    )
    return findings("ADSL", "treatment before enrolment", "WARNING", lines)


def _later_findings(doses: pd.DataFrame, start: pd.Series, options: AdslOptions) -> list[pd.DataFrame]:
    ordered = doses[(doses["ROLE"] == "later")].sort_values(["USUBJID", "FROM", "SRCSEQ"], kind="stable")
    rows = ordered.drop_duplicates(["USUBJID", "DRUG"])
    lines = []
    for row in rows.itertuples():
        why = (
            f"begins more than {options.treatment.together_days} days after the first dose on "
            f"{start[row.USUBJID]:{_ISO}} and is not of the subject's arm"
            if row.OTHER
            else f"goes on after more than {options.treatment.gap_days} days without a dose"
        )
        effect = "a later line and new anticancer therapy, whose doses extend neither treatment nor arm"
        message = f"{row.DRUG} of {row.DTC} {why}: it is {effect}."
        lines.append((row.USUBJID, f"EX {row.SRCSEQ:g}", "NACTDT", row.DTC, message))
    made = [findings("ADSL", "later line with a study drug", "WARNING", lines)]
    if options.drugs:
        return made
    first = doses[doses["ROLE"] == "index"].sort_values(["USUBJID", "FROM", "SRCSEQ"], kind="stable")
    first = first.drop_duplicates(["USUBJID", "DRUG"])
    after = (first["FROM"] - pd.to_datetime(first["USUBJID"].map(start))).dt.days
    plain_lines = (
        (
            row.USUBJID,
            f"EX {row.SRCSEQ:g}",
            "TRTEDT",
            row.DTC,
            f"{row.DRUG} begins on {row.DTC}, more than {options.treatment.together_days} days after the first dose; "
            "it counts as study treatment, as the study file names no drugs by which a later line could be told.",
        )
        for row in first[after > options.treatment.together_days].itertuples()
    )
    return [*made, findings("ADSL", "drug begun later", "INFO", plain_lines)]


def _partial_findings(doses: pd.DataFrame, start: pd.Series) -> pd.DataFrame:
    """Doses without a complete date that may be earlier than the first one that has it."""
    rows = doses[doses["ROLE"] == "undated"]
    begun = pd.to_datetime(rows["USUBJID"].map(start))
    first = impute_dates(rows["DTC"], "first")[0]
    rows = rows[begun.isna() | first.isna() | (first < begun)].drop_duplicates("USUBJID")
    lines = []
    for row in rows.itertuples():
        taken = start.get(row.USUBJID, pd.NaT)
        effect = (
            "so TRTSDT is blank" if pd.isna(taken) else f"so treatment may have begun before {taken:{_ISO}} (TRTSDT)"
        )
        said = f"is dated {row.DTC} only" if row.DTC else "has no date"
        message = f"A dose of {row.DRUG or 'treatment'} {said}, {effect}."
        lines.append((row.USUBJID, f"EX {row.SRCSEQ:g}", "TRTSDT", row.DTC, message))
    return findings("ADSL", "dose without a complete date", "WARNING", lines)
