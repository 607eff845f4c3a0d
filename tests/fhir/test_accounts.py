"""The ledger: every resource booked once, findings about one term put together, whatever the order of buckets."""

from __future__ import annotations

from collections import Counter
from itertools import permutations

from fhir2cdisc.fhir.accounts import Accounts, add_finding
from fhir2cdisc.fhir.findings import Finding
from fhir2cdisc.fhir.records import Place

PLACE = Place("a.ndjson", line=3)


def test_a_rejected_resource_is_booked_with_the_finding_that_says_why() -> None:
    accounts = Accounts()
    accounts.reject(PLACE, "Condition", "c1", "json.invalid", "cannot be read", path="code")
    accounts.reject(PLACE, "", "", "resource.no-type", "has no resourceType")
    assert accounts.counts == Counter(
        {("Condition", "rejected", "json.invalid"): 1, ("", "rejected", "resource.no-type"): 1}
    )
    assert accounts.rows[0] == ("a.ndjson", 3, -1, "Condition", "c1", "rejected", "json.invalid")
    said = [(f.message, f.severity, f.line, f.path) for f in accounts.findings]
    assert said == [
        ("Condition/c1: cannot be read", "error", 3, "code"),
        ("resource: has no resourceType", "error", 3, ""),
    ]


def test_accounts_of_several_buckets_are_the_sum() -> None:
    one, two = Accounts(synthetic=1), Accounts(synthetic=2)
    one.add(PLACE, "Patient", "1", "mapped")
    two.add(PLACE, "Patient", "2", "mapped")
    two.reject(PLACE, "Patient", "3", "json.invalid", "cannot be read")
    one.merge(two)
    assert one.counts == Counter({("Patient", "mapped", ""): 2, ("Patient", "rejected", "json.invalid"): 1})
    assert ([row[4] for row in one.rows], len(one.findings), one.synthetic) == (["1", "2", "3"], 1, 3)


def test_findings_about_one_term_are_put_together_with_their_count() -> None:
    accounts = Accounts(findings=[Finding("unit.unknown", "x", value="u", count=n) for n in (2, 3)])
    accounts.findings.append(Finding("date.impossible", "x"))
    accounts.add_up(("unit.",))
    assert sorted((f.rule, f.count) for f in accounts.findings) == [
        ("date.impossible", 1),
        ("unit.unknown", 5),
    ]


def test_the_first_place_stands_for_all_whatever_the_order_of_buckets() -> None:
    findings = [
        Finding("unit.unknown", "x", file=name, line=line, value="u") for name, line in (("b", 1), ("a", 9), ("a", 2))
    ]
    for order in permutations(findings):
        same: dict[tuple[str, ...], Finding] = {}
        for finding in order:
            add_finding(same, finding)
        ((kept),) = same.values()
        assert (kept.file, kept.line, kept.count) == ("a", 2, 3)


# What makes two findings about a code or term the same: rule, variable and value; of a code also the resource type.
TOLD_APART = [
    (
        Finding("unit.unknown", "x", variable="LBORRESU", value="u"),
        Finding("unit.unknown", "x", variable="VSORRESU", value="u"),
    ),
    (
        Finding("code.unmapped", "x", resource="Condition/1", value="u"),
        Finding("code.unmapped", "x", resource="Procedure/1", value="u"),
    ),
]


def test_findings_about_different_things_stay_apart() -> None:
    for pair in TOLD_APART:
        same: dict[tuple[str, ...], Finding] = {}
        for finding in pair:
            add_finding(same, finding)
        assert len(same) == 2, pair
