"""A study in words: every endpoint, its definition, every option, and whether the protocol or a default gives it."""

from __future__ import annotations

from collections.abc import Iterable
from textwrap import fill

from fhir2cdisc.mappings.study import Study, builtin_studies, load_study
from fhir2cdisc.mappings.study_base import Section

WIDTH = 100
SECTIONS = (
    ("design", "Design"),
    ("cohort", "Who belongs to the study"),
    ("reference", "Where time starts"),
    ("clock", "In which time zone a day is meant, and the last day that the data can know"),
    ("diagnosis", "Which diagnosis counts"),
    ("treatment", "When treatment begins and ends"),
    ("new_therapy", "What is new anticancer therapy"),
    ("death", "Whether and when a subject died"),
    ("response", "Tumour response"),
    ("schedule", "Assessment schedule"),
    ("censoring", "Censoring of time-to-event endpoints"),
    ("safety", "Safety"),
    ("interim", "Interim looks"),
    ("tripwires", "When a run doubts its results"),
    ("statistics", "Statistics"),
)
LISTS = (
    ("populations", "Populations", "code"),
    ("questionnaires", "Questionnaires", "code"),
    ("biomarkers", "Biomarkers", "code"),
)


def list_studies() -> str:
    """One line per built-in study: name, planned subjects, primary endpoints, title."""
    lines = []
    for name in builtin_studies():
        study = load_study(name)
        primary = ", ".join(one.id for one in study.endpoints if one.role == "primary")
        lines.append(f"{name:26}{study.design.planned:>6}  {primary:24}  {study.title}")
    return "\n".join(lines)


def explain_study(study: Study) -> str:
    """The whole study as text, every option marked [protocol] or [default]."""
    blocks = [_heading(study), *(_endpoint(study, one.id) for one in study.endpoints), _arms(study)]
    for name, title in SECTIONS:
        blocks.append("\n".join([title, *_options(getattr(study, name))]))
    for name, title, key in LISTS:
        for one in getattr(study, name):
            blocks.append("\n".join([f"{title}: {getattr(one, key)}", *_options(one, skip=(key,))]))
    blocks += [_criteria(study), _trial_summary(study), _times(study)]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _heading(study: Study) -> str:
    lines = [f"{study.id} ({study.studyid})", fill(study.title, WIDTH)]
    if study.cutoff:
        lines.append(f"data cut-off: {study.cutoff} [{study.origin('cutoff')}]")
    lines.append("[protocol]: stated by the protocol document.  [default]: the document is silent.")
    return "\n".join(lines)


def _endpoint(study: Study, name: str) -> str:
    one = study.endpoint(name)
    lines = [f"Endpoint {one.id}: {one.title} ({one.role}, {one.kind})"]
    lines.append(_indented(one.definition))
    if one.reading:
        lines.append(_indented(f"How it was read: {one.reading}"))
    shown = ("id", "title", "role", "kind", "definition", "reading")
    return "\n".join([*lines, *_options(one, skip=shown, silent=False)])


def _arms(study: Study) -> str:
    lines = [f"Arms and treatments [{study.origin('arms')}]"] if study.arms or study.drugs else []
    lines += [f"    {arm.code}: {arm.label} (precedence {arm.precedence})" for arm in study.arms]
    if study.drugs:
        lines.append(_indented("drugs: " + ", ".join(drug.name for drug in study.drugs)))
    return "\n".join(lines)


def _criteria(study: Study) -> str:
    lines = ["Eligibility criteria"] if study.criteria else []
    for one in study.criteria:
        version = f" (version {one.version})" if one.version else ""
        lines.append(f"    {one.code:10}{one.category.lower()}{version}: {one.text}")
    return "\n".join(lines)


def _trial_summary(study: Study) -> str:
    lines = ["Trial summary parameters"] if study.trial_summary else []
    return "\n".join([*lines, *(f"    {one.code:10}{_shown(one.values)}" for one in study.trial_summary)])


def _times(study: Study) -> str:
    own = {one.paramcd for one in study.time_to_event}
    lines = ["Time-to-event parameters"]
    lines += [f"    {code:10}{one.param}{' (own)' * (code in own)}" for code, one in study.times.items()]
    return "\n".join([*lines, *(f"    {code:10}left out" for code in study.without_parameters)])


def options_of(section: Section, skip: Iterable[str] = (), silent: bool = True) -> list[tuple[str, str, str]]:
    """Name, value and origin (protocol or default) of each option; `silent` also gives options that are empty."""
    rows: list[tuple[str, str, str]] = []
    for name in type(section).model_fields:
        value = getattr(section, name)
        if name in ("stated", *skip) or (not silent and value in ("", (), None)):
            continue
        rows.append((name, _shown(value), section.origin(name)))
    return rows


def _options(section: Section, skip: Iterable[str] = (), silent: bool = True) -> list[str]:
    return [f"    {name:22} {value}  [{origin}]" for name, value, origin in options_of(section, skip, silent)]


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(_shown(one) for one in value) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if value in ("", None):
        return "not given"
    code, name = getattr(value, "code", ""), getattr(value, "name", "")
    return str(code or name or value)


def _indented(text: str) -> str:
    return fill(text, WIDTH, initial_indent="    ", subsequent_indent="    ")
