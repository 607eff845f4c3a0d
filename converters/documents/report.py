"""`report/index.html`: the study, what became of the data, every endpoint and the figures, on one page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

import pandas as pd
from fhir2cdisc.adam.frames.columns import text
from fhir2cdisc.adam.plan import Plan
from fhir2cdisc.adam.results.sheet import Data, Results, Spec
from fhir2cdisc.adam.results.survival import SurvivalSpec
from fhir2cdisc.converters.atomic import write_text
from fhir2cdisc.converters.documents.figures import survival_figure, swimmer_figure, waterfall_figure
from fhir2cdisc.converters.documents.tables import (
    accounts_table,
    columns_table,
    conflicts_table,
    endpoints_table,
    events_table,
    evidence_tables,
    findings_table,
    options_table,
    table,
    tripwires_box,
    unused_table,
)
from fhir2cdisc.converters.page import page
from fhir2cdisc.fhir.findings import Finding
from fhir2cdisc.mappings.study import Study

Frames = Mapping[str, pd.DataFrame]


@dataclass(frozen=True, slots=True, eq=False)
class Background:
    """What a run knows beside the results: the accounts of resources, what was found, conflicting responses.

    `conflicts` are the findings of `conflict_findings`: USUBJID, RECORD, VARIABLE, VALUE, MESSAGE. `synthetic` is
    how many patients the source marks as synthetic, `evidence` what facts of subjects were chosen from, `unread` what
    nothing read of the mapped resources, `columns` what became of the columns of extracts.
    """

    counts: Mapping[tuple[str, str, str], int] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    conflicts: pd.DataFrame = field(default_factory=pd.DataFrame)
    synthetic: int = 0
    evidence: pd.DataFrame = field(default_factory=pd.DataFrame)
    unread: pd.DataFrame = field(default_factory=pd.DataFrame)
    columns: pd.DataFrame = field(default_factory=pd.DataFrame)


def write_report(
    folder: Path, plan: Plan, specs: Sequence[Spec], results: Results, frames: Frames, background: Background
) -> None:
    """Write `report/index.html` below `folder`; one file, no script, nothing loaded from elsewhere."""
    study = plan.study
    sections = _sections(plan, specs, results.table, frames, background)
    links = "".join(f'<li><a href="#{name}">{escape(title)}</a></li>' for name, title, _ in sections)
    parts = [f"<h1>{escape(study.title)}</h1>", _heading(study, frames, background)]
    for name, title, content in sections:
        parts.append(f'<h2 id="{name}">{escape(title)}</h2>\n{content}')
    made = page(f"{study.studyid}: report", "\n".join(parts), f"<ul>{links}</ul>")
    write_text(folder / "report" / "index.html", made)


def _sections(
    plan: Plan, specs: Sequence[Spec], results: pd.DataFrame, frames: Frames, background: Background
) -> list[tuple[str, str, str]]:
    study = plan.study
    events = [one.id for one in study.endpoints if one.kind == "incidence"]
    nothing = '<p class="note">Not known here: results were computed from ADaM alone.</p>'
    followed, subjects = courses(frames, plan), len(frames["ADSL"])
    wanted = [
        ("results", "Endpoints", endpoints_table(study, specs, results)),
        ("interim", "Interim looks", _interim(study, results)),
        ("survival", "Survival curves", _curves(plan, specs, frames)),
        ("change", "Best change of the tumour sum", _waterfall(plan, frames)),
        ("courses", "Courses of subjects", swimmer_figure("Courses of subjects", followed)),
        ("events", "Adverse events", "".join(events_table(results, name) for name in events)),
        ("conflicts", "Responses that differ from the lesions", conflicts_table(background.conflicts)),
        ("evidence", "Facts of subjects: from what they were chosen", evidence_tables(background.evidence, subjects)),
        ("accounts", "Resources and rows: what became of them", accounts_table(background.counts) or nothing),
        ("columns", "Columns of extracts", columns_table(background.columns)),
        ("unused", "What of the mapped resources is not used", unused_table(background.unread)),
        ("findings", "Findings by rule", findings_table(background.findings) or nothing),
        ("options", "Options: stated by the protocol or default", options_table(study)),
    ]
    return [(name, title, content) for name, title, content in wanted if content]


def _heading(study: Study, frames: Frames, background: Background) -> str:
    adsl = frames["ADSL"]
    cut = f", data cut-off {study.cutoff}" if study.cutoff else ""
    treated, dead = int((text(adsl, "SAFFL") == "Y").sum()), int((text(adsl, "DTHFL") == "Y").sum())
    words = f"Study {study.studyid} ({study.id}){cut}: {len(adsl)} subjects, {treated} treated, {dead} dead."
    synthetic = '<p class="warning">Synthetic data.</p>' if study.synthetic or background.synthetic else ""
    return f"{tripwires_box(background.findings)}<p>{escape(words)}</p>{synthetic}"


def _interim(study: Study, results: pd.DataFrame) -> str:
    """What each look reached; its rows stand in results.csv under `intN.`."""
    rows = []
    for look, cases in enumerate(study.interim.cases, start=1):
        mine = results[results["RESULTID"].str.startswith(f"int{look}.")]
        missed = results[results["RESULTID"] == f"int{look}"]
        said = f"{len(mine)} rows in results.csv" if len(mine) else " ".join(missed["REASON"])
        rows.append((f"int{look}", str(cases), said))
    return table(("Look", "Subjects", "Result"), rows)


def _curves(plan: Plan, specs: Sequence[Spec], frames: Frames) -> str:
    """A curve for every endpoint that is a time, by arm; without such endpoints for every time that was derived."""
    main = [one for one in specs if isinstance(one, SurvivalSpec) and one.analysis == "main" and not one.look]
    if not main:
        own = [one for one in plan.parameters if one.criteria in ("", plan.response.criteria)]
        main = [SurvivalSpec(id="", label=one.param, paramcd=one.paramcd) for one in own]
    data, parts = Data(frames, plan.lacking), []
    for spec in main:
        if figure := survival_figure(f"{spec.label} (Kaplan-Meier)", _by_arm(plan, data, spec), plan.month):
            parts.append(f"<h3>{escape(spec.label)}</h3>{figure}")
    return "".join(parts)


def _by_arm(plan: Plan, data: Data, spec: SurvivalSpec) -> list[tuple[str, pd.DataFrame]]:
    subjects = data.subjects(spec)
    everybody = "All treated subjects" if spec.population == "SAFFL" else "All subjects"
    groups = data.split(subjects, "TRT01A") if len(plan.study.arms) > 1 else [(everybody, subjects)]
    (wanted,) = spec.counted
    return [(name, data.records(wanted, part)) for name, part in groups]


def _waterfall(plan: Plan, frames: Frames) -> str:
    if "ADTR" not in frames:
        return ""
    note = '<p class="note">Lowest sum after baseline; bars above +100% are cut. Lines at -30% and +20%.</p>'
    made = waterfall_figure("Best change of the sum of diameters", frames["ADTR"], best_responses(plan, frames))
    return made and made + note


def best_responses(plan: Plan, frames: Frames) -> dict[str, str]:
    """Confirmed best overall response by subject."""
    if "ADRS" not in frames:
        return {}
    rows = frames["ADRS"][frames["ADRS"]["PARAMCD"] == plan.response_code("CBOR")]
    return dict(zip(rows["USUBJID"], text(rows, "AVALC"), strict=True))


def courses(frames: Frames, plan: Plan) -> pd.DataFrame:
    """Months from the first dose to last dose, last contact, first confirmed response, progression and death."""
    adsl = frames["ADSL"]
    treated = adsl[adsl["TRTSDT"].notna()].set_index("USUBJID")
    start = treated["TRTSDT"]
    made = pd.DataFrame({"SUBJID": treated["SUBJID"], "TREATED": treated["TRTEDT"], "DEATH": treated["DTHDT"]})
    for code, name in (("CRSP", "RESPONSE"), ("PD", "PROGRESSION")):
        rows = frames.get("ADRS", pd.DataFrame({"USUBJID": [], "PARAMCD": [], "AVALC": [], "ADT": []}))
        rows = rows[(rows["PARAMCD"] == plan.response_code(code)) & (rows["AVALC"] == "Y")]
        made[name] = pd.to_datetime(made.index.to_series().map(rows.groupby("USUBJID")["ADT"].min()))
    made["FOLLOWED"] = made["DEATH"].where(made["DEATH"].notna(), treated["LSTALVDT"])
    for name in ("TREATED", "FOLLOWED", "RESPONSE", "PROGRESSION", "DEATH"):
        made[name] = (pd.to_datetime(made[name]) - start).dt.days / plan.month
    return made.dropna(subset="FOLLOWED").reset_index(drop=True)
