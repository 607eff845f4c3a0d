"""A second implementation of the response parameters: one subject, plain lists, slow and easy to read."""

from __future__ import annotations

from typing import Any

WORSE = {"NE": 0, "NED": 1, "CR": 2, "PR": 3, "SD": 4, "NON-CR/NON-PD": 5, "iUPD": 6, "PD": 7}


def counted(scans: list[tuple[int, str]], options: Any, last_day: int | None) -> list[tuple[int, str]]:
    """The worst call of each day from day 0 to the last day that counts, in time order."""
    days: dict[int, str] = {}
    for day, call in scans:
        if day < 0 or (last_day is not None and day > last_day):
            continue
        if day not in days or WORSE[call] > WORSE[days[day]]:
            days[day] = call
    return sorted(days.items())


def window(scans: list[tuple[int, str]], options: Any, last_day: int | None) -> list[tuple[int, str]]:
    """The calls up to the first PD, with what the options say of disease after CR."""
    kept: list[tuple[int, str]] = []
    had_cr = False
    for day, call in counted(scans, options, last_day):
        strict = options.pr_after_cr == "PD" and options.criteria != "iRECIST"
        if strict and had_cr and call in ("PR", "SD", "NON-CR/NON-PD"):
            call = "PD"
        had_cr = had_cr or call == "CR"
        kept.append((day, call))
        if call == "PD":
            break
    if options.pr_after_cr == "PR":
        for i in range(len(kept)):
            later = [call for _, call in kept[i + 1 :]]
            if kept[i][1] == "CR" and any(call in ("PR", "SD", "NON-CR/NON-PD") for call in later):
                kept[i] = (kept[i][0], "PR")
    return kept


def is_confirmed(kept: list[tuple[int, str]], i: int, options: Any) -> bool:
    """Whether the CR or PR at a position is confirmed."""
    day, call = kept[i]
    confirming = ("CR",) if call == "CR" else ("CR", "PR")
    between = []
    for later_day, later in kept[i + 1 :]:
        between.append(later)
        if later in confirming and later_day >= day + options.confirm_days:
            break
    else:
        return False
    if between.count("NE") > options.max_ne:
        return False
    if call == "CR":
        return all(later in ("CR", "NE") for later in between)
    if any(later not in ("CR", "PR", "NE", "SD") for later in between):
        return False
    if not options.sticky_pr and between.count("SD") > (1 if options.accept_sd else 0):
        return False
    return not ("CR" in between and "PR" in between[between.index("CR") :])


def best(kept: list[tuple[int, str]], options: Any, confirmed: bool) -> tuple[str, int | None]:
    """The best overall response and its day."""

    def first(test: Any) -> int | None:
        return next((kept[i][0] for i in range(len(kept)) if test(i)), None)

    def responds(call: str) -> Any:
        return lambda i: kept[i][1] == call and (not confirmed or is_confirmed(kept, i, options))

    def lasting(i: int) -> bool:
        return kept[i][0] >= options.sd_min_days

    rules = [
        ("CR", responds("CR")),
        ("PR", responds("PR")),
        ("SD", lambda i: kept[i][1] in ("CR", "PR", "SD") and lasting(i)),
        ("NON-CR/NON-PD", lambda i: kept[i][1] == "NON-CR/NON-PD" and lasting(i)),
        ("PD", lambda i: kept[i][1] == "PD"),
        ("iUPD", lambda i: kept[i][1] == "iUPD"),
        ("NED", lambda i: kept[i][1] == "NED"),
        ("NE", lambda i: True),
    ]
    for name, test in rules:
        day = first(test)
        if day is not None:
            return name, day
    return ("NE" if options.missing_as_ne else "MISSING"), None


def immune_progression(kept: list[tuple[int, str]], options: Any) -> tuple[str, int | None]:
    """The first iUPD of the last block without response or SD, if it ends in iCPD or may stay unconfirmed."""
    block: list[tuple[int, str]] = []
    for day, call in kept:
        block = [] if call in ("CR", "PR", "SD", "NON-CR/NON-PD") else [*block, (day, call)]
    bad = [(day, call) for day, call in block if call in ("iUPD", "PD")]
    confirmed = any(call == "PD" for _, call in bad)
    return ("Y", bad[0][0]) if bad and (confirmed or options.unconfirmed_iupd) else ("N", None)


def parameters(scans: list[tuple[int, str]], options: Any, last_day: int | None) -> dict[str, Any]:
    """Every response parameter of one subject as (value, day)."""
    kept = window(scans, options, last_day)

    def flag(test: Any) -> tuple[str, int | None]:
        day = next((kept[i][0] for i in range(len(kept)) if test(i)), None)
        return ("N", None) if day is None else ("Y", day)

    def answered(i: int) -> bool:
        return kept[i][1] in ("CR", "PR")

    def confirmed(i: int) -> bool:
        return answered(i) and is_confirmed(kept, i, options)

    def stable(i: int) -> bool:
        known = kept[i][1] in ("CR", "PR", "SD", "NON-CR/NON-PD")
        return known and kept[i][0] >= options.benefit_min_days

    progressed = flag(lambda i: kept[i][1] == "PD")
    everything = counted(scans, options, last_day)
    adequate = [(day, call) for day, call in kept if call != "NE"]
    seen = everything if options.last_assessment == "any" else adequate
    plain, sure = best(kept, options, False), best(kept, options, True)
    control = ("CR", "PR", "SD", "NON-CR/NON-PD")
    return {
        "BOR": plain,
        "CBOR": sure,
        "RSP": flag(answered),
        "CRSP": flag(confirmed),
        "CB": flag(lambda i: answered(i) or stable(i)),
        "CCB": flag(lambda i: confirmed(i) or stable(i)),
        "DCR": ("Y", plain[1]) if plain[0] in control else ("N", None),
        "CDCR": ("Y", sure[1]) if sure[0] in control else ("N", None),
        "PD": immune_progression(kept, options) if options.criteria == "iRECIST" else progressed,
        "LSTA": (seen[-1][1], seen[-1][0]) if seen else ("", None),
    }
