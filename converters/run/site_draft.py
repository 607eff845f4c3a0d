"""A draft of a site map: the codes of FHIR resources for which no CDISC test is known, to be filled in."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from fhir2cdisc.converters.run.pipeline import RunOptions, build_sdtm
from fhir2cdisc.fhir.columns import LEAST
from fhir2cdisc.mappings.standard.datasets import codelist
from fhir2cdisc.mappings.study import Study
from fhir2cdisc.sdtm.rows.engine import TEST_CODELISTS

_HEAD = (
    "A draft of a site map: codes of the source that no CDISC test is known for, the most frequent first. Fill in",
    "domain, testcd and test, take the `# ` away, and give the file with --site.",
)
_STUDY = Study.model_validate({"id": "draft", "studyid": "DRAFT", "title": "Draft", "cohort": {"membership": "all"}})


def draft_site(sources: Sequence[Path], sites: Sequence[str]) -> str:
    """The codes that stand for no test, each as a `[[test]]` in comments; rare ones are counted together."""
    run = build_sdtm(list(sources), _STUDY, RunOptions(sites=tuple(sites)))
    counts: Counter[str] = Counter()
    labels: dict[str, str] = {}
    for finding in run.accounts.findings:
        if finding.rule in ("code.unmapped", "code.no-test"):
            counts[finding.value] += finding.count
            if named := re.search(r"\((.*)\)", finding.message):
                labels[finding.value] = " ".join(named[1].split())[:80]
    lines = [*(f"# {line}" for line in _HEAD), 'site = "draft"']
    rare = 0
    for value, count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])):
        if count < LEAST:
            rare += 1
            continue
        system, _, code = value.rpartition("|")
        label = labels.get(value, "")
        lines += ["", f"# {count} resources" + (f": {label}" if label not in ("", code) else ""), *_test(system, code)]
    if rare:
        lines += ["", f"# {rare} more codes stand in fewer than {LEAST} resources each; findings of a run name them."]
    return "\n".join(lines) + "\n"


def _test(system: str, code: str) -> list[str]:
    domain, test = _by_name().get(code.upper(), ("?", "?"))
    known = f"  # GUESS 0.70 the code is that of a test of {domain}" if domain != "?" else ""
    return [
        f"# [[test]]{known}",
        f"# system = {json.dumps(system, ensure_ascii=False)}",
        f"# code = {json.dumps(code, ensure_ascii=False)}",
        f"# domain = {json.dumps(domain)}",
        f"# testcd = {json.dumps(code.upper() if domain != '?' else '?', ensure_ascii=False)}",
        f"# test = {json.dumps(test)}",
    ]


@cache
def _by_name() -> dict[str, tuple[str, str]]:
    """Test code to domain and test, for codes that one domain alone has."""
    found: dict[str, list[tuple[str, str]]] = {}
    for domain, (short, long) in TEST_CODELISTS.items():
        names = codelist(long).by_code
        for testcd, code in codelist(short).terms.items():
            found.setdefault(testcd.upper(), []).append((domain, names.get(code, testcd)))
    return {testcd: some[0] for testcd, some in found.items() if len(some) == 1}
