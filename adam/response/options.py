"""What a protocol has to say before a best overall response can be computed, as one printable value."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from fhir2cdisc.adam.criteria import CRITERIA, DERIVED, IRECIST, RECIST, in_terms_of


@dataclass(frozen=True, slots=True)
class ResponseOptions:
    """The choices behind best overall response, confirmation and benefit.

    criteria          `RECIST 1.1`, `iRECIST` or `mRECIST`.
    evaluator         RSEVAL that is analysed; `evaluator_id` (RSEVALID) narrows it to one reader. `ALGORITHM`
                      are responses derived from lesions; `evaluator_id` then names whose lesions.
    source            `collected`, `derived` (from the lesions of the evaluator) or `collected-else-derived`: the
                      latter where a subject has no counted collected response, subject by subject.
    reference         column of the reference frame from which the SD minimum is counted.
    confirm_days      a response is confirmed by another one at least so many days later.
    sd_min_days       SD (and NON-CR/NON-PD) counts from this day after the reference on, inclusive.
    benefit_min_days  the same for clinical benefit.
    max_ne            so many NE may stand between a response and its confirmation.
    accept_sd         one SD may stand between a PR and its confirmation.
    missing_as_ne     a subject without assessment is NE instead of MISSING.
    sticky_pr         SD after PR does not interrupt the PR (EORTC); it never confirms one.
    pr_after_cr       disease after a CR: `PD` from then on (RECIST 1.1 table 3, footnote), `PR` corrects the
                      CR to PR, `collected` leaves the calls as they are. iRECIST has no `PD` rule: the
                      calls are taken as collected.
    new_therapy       column of the reference frame with the date of new anticancer therapy; assessments after
                      it do not count. Blank, or a column that is not there, means no such rule.
    end_of_window     column after which, plus `end_of_window_days`, assessments do not count.
    last_assessment   `adequate` (not NE, up to progression) or `any`.
    unconfirmed_iupd  iRECIST: an iUPD that nothing better follows is progression although not confirmed.
    """

    criteria: str = RECIST
    evaluator: str = "INVESTIGATOR"
    evaluator_id: str = ""
    source: Literal["collected", "derived", "collected-else-derived"] = "collected-else-derived"
    reference: str = "TRTSDT"
    confirm_days: int = 28
    sd_min_days: int = 42
    benefit_min_days: int = 42
    max_ne: int = 1
    accept_sd: bool = False
    missing_as_ne: bool = False
    sticky_pr: bool = False
    pr_after_cr: Literal["PD", "PR", "collected"] = "PD"
    new_therapy: str = "NACTDT"
    end_of_window: str = ""
    end_of_window_days: int = 0
    last_assessment: Literal["adequate", "any"] = "adequate"
    unconfirmed_iupd: bool = True

    def __post_init__(self) -> None:
        if self.criteria not in CRITERIA:
            raise ValueError(f"criteria: {self.criteria!r} is none of {', '.join(CRITERIA)}")
        if self.pr_after_cr not in ("PD", "PR", "collected"):
            raise ValueError(f"pr_after_cr: {self.pr_after_cr!r} is none of PD, PR, collected")
        if self.last_assessment not in ("adequate", "any"):
            raise ValueError(f"last_assessment: {self.last_assessment!r} is none of adequate, any")
        if self.source not in ("collected", "derived", "collected-else-derived"):
            raise ValueError(f"source: {self.source!r} is none of collected, derived, collected-else-derived")
        for name in ("confirm_days", "sd_min_days", "benefit_min_days", "max_ne"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name}: {getattr(self, name)} is negative")

    @classmethod
    def admiralonco(cls) -> ResponseOptions:
        """As the R package admiralonco computes: calls as collected, no rule for new therapy."""
        return cls(pr_after_cr="collected", new_therapy="", last_assessment="any")

    @property
    def whose(self) -> str:
        """Whose lesions a derived response is derived from, as RSEVALID names it."""
        return self.evaluator_id if self.evaluator == DERIVED else f"{self.evaluator} {self.evaluator_id}".strip()

    @property
    def assessor(self) -> str:
        """Who called the responses, as PARAM and PARCAT2 name it, and RSPSRC unless a subject's were derived."""
        return self.derived_assessor if self.evaluator == DERIVED or self.source == "derived" else self.whose.title()

    @property
    def derived_assessor(self) -> str:
        """RSPSRC of responses that were derived from lesions."""
        return f"Algorithm from Lesions of {self.whose.title()}" if self.whose else DERIVED.title()

    def of_lesions(self, criteria: str) -> ResponseOptions:
        """The same rules by these criteria, of responses derived from the evaluator's lesions."""
        return replace(self, criteria=criteria, evaluator=DERIVED, evaluator_id=self.whose, source="derived")

    @property
    def falls_back(self) -> bool:
        return self.evaluator != DERIVED and self.source == "collected-else-derived"

    def in_words(self) -> str:
        """The options as one paragraph for define.xml and the reviewer's guide."""
        immune = self.criteria == IRECIST
        parts = [
            f"{self.criteria} by {self.assessor.lower()}",
            *(["where a subject has no collected response, derived from its lesions"] * self.falls_back),
            f"responses from {self.reference} to the first PD count, the worst of a day",
            f"a CR is confirmed by the first CR, a PR by the first CR or PR at least {self.confirm_days} days later, "
            f"with no other response but CR, PR (for PR, none after a CR) and at most {self.max_ne} NE between",
            f"SD from day {self.sd_min_days} after {self.reference} (inclusive)",
            f"benefit from day {self.benefit_min_days} (inclusive)",
            {
                "PD": "calls after CR as collected" if immune else "disease after CR is PD",
                "PR": "CR followed by disease is corrected to PR",
                "collected": "calls after CR as collected",
            }[self.pr_after_cr],
        ]
        if immune:
            word = "progression" if self.unconfirmed_iupd else "no progression"
            parts.append(f"an iUPD that nothing better and no PD follows is {word}")
        parts += ["one SD between PR and its confirmation accepted"] * self.accept_sd
        parts += ["PR kept through SD until PD"] * self.sticky_pr
        parts += [f"assessments after {self.new_therapy} not counted"] * bool(self.new_therapy)
        window = f"assessments after {self.end_of_window} + {self.end_of_window_days} days not counted"
        parts += [window] * bool(self.end_of_window)
        parts += ["no assessment counts as NE"] * self.missing_as_ne
        parts += ["the last assessment may be NE or after PD"] * (self.last_assessment == "any")
        return in_terms_of("; ".join(parts), self.criteria) + "."
