"""Figures of the report as SVG: Kaplan-Meier curves, best change of the tumour sum, courses of subjects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from fhir2cdisc.adam.frames.columns import number, text
from fhir2cdisc.adam.statistics.kaplan_meier import KaplanMeier, kaplan_meier
from fhir2cdisc.converters.documents.svg import COLOURS, GREY, INK, Scale, drawing, label, line, tag, ticks

WIDTH, LEFT, RIGHT, HEIGHT = 900.0, 60.0, 20.0, 300.0
RESPONSE_COLOURS = {
    "CR": "#009e73",
    "PR": "#0072b2",
    "SD": "#e69f00",
    "NON-CR/NON-PD": "#e69f00",
    "PD": "#d55e00",
}
MOST_COURSES = 60
Groups = Sequence[tuple[str, pd.DataFrame]]


def survival_figure(title: str, groups: Groups, month: float) -> str:
    """Kaplan-Meier curves of groups of ADTTE records, censorings ticked, with the numbers at risk.

    The axis is in months of `month` days.
    """
    curves = [(name, kaplan_meier(rows["AVAL"], number(rows, "CNSR") == 0)) for name, rows in groups if len(rows)]
    curves = [(name, curve) for name, curve in curves if curve.n]
    if not curves:
        return ""
    longest = max(curve.last for _, curve in curves) / month
    top = 20.0 + 18 * len(curves)
    x, y = Scale(0, longest, LEFT, WIDTH - RIGHT), Scale(0, 1, top + HEIGHT, top)
    parts = [_grid(x, y, ticks(longest), top)]
    for at, (name, curve) in enumerate(curves):
        colour = COLOURS[at % len(COLOURS)]
        parts.append(_curve(curve, x, y, colour, month))
        parts.append(tag("rect", x=LEFT, y=4 + 18 * at, width=14, height=10, fill=colour))
        said = f"{name}: {curve.n} subjects, {curve.events} events"
        parts.append(label(said, LEFT + 20, 13 + 18 * at, font_size=12))
    below = top + HEIGHT + 44
    parts.append(label("At risk", 4, below, font_size=11, font_weight="bold"))
    for at, (_, curve) in enumerate(curves):
        row = below + 16 * (at + 1)
        parts.append(tag("rect", x=4, y=row - 9, width=14, height=10, fill=COLOURS[at % len(COLOURS)]))
        parts += [
            label(str(_at_risk(curve, months * month)), x(months), row, font_size=11, text_anchor="middle")
            for months in ticks(longest)
        ]
    return drawing(title, WIDTH, below + 16 * len(curves) + 12, parts)


def waterfall_figure(title: str, adtr: pd.DataFrame, best: Mapping[str, str]) -> str:
    """Best percentage change of the sum of diameters, one bar a subject, coloured by best overall response."""
    rows = adtr[(adtr["PARAMCD"] == "SDIAM") & (text(adtr, "ABLFL") != "Y")]
    lowest = number(rows, "PCHG").groupby(rows["USUBJID"]).min().dropna()
    if not len(lowest):
        return ""
    order = lowest.reset_index().sort_values(["PCHG", "USUBJID"], ascending=[False, True])
    highest = 100.0
    x = Scale(0, len(order), LEFT, WIDTH - RIGHT)
    y = Scale(-100, highest, 40 + HEIGHT, 40)
    parts = [_legend(["CR", "PR", "SD", "PD"])]
    for percent in (-100, -30, 0, 20, 100):
        dash = {"stroke_dasharray": "4 3"} if percent in (-30, 20) else {}
        parts.append(line(LEFT, y(percent), WIDTH - RIGHT, y(percent), GREY, **dash))
        said = f"{percent:+d}%" if percent else "0%"
        parts.append(label(said, LEFT - 6, y(percent) + 4, text_anchor="end", font_size=11))
    wide = max(x(1) - x(0) - (1 if len(order) <= 200 else 0), 0.3)
    for at, (subject, change) in enumerate(order.itertuples(index=False)):
        capped = min(change, highest)
        colour = RESPONSE_COLOURS.get(best.get(subject, ""), GREY)
        upper, lower = y(max(capped, 0)), y(min(capped, 0))
        parts.append(tag("rect", x=x(at), y=upper, width=wide, height=max(lower - upper, 0.8), fill=colour))
    return drawing(title, WIDTH, 60 + HEIGHT, parts)


def swimmer_figure(title: str, courses: pd.DataFrame) -> str:
    """One bar a subject from the first dose: treatment, follow-up, first response, progression, death.

    `courses` has SUBJID and the months TREATED, FOLLOWED, RESPONSE, PROGRESSION, DEATH (missing: none). Of more
    than sixty subjects evenly spaced ones by length of follow-up are drawn.
    """
    if not len(courses):
        return ""
    rows = courses.sort_values(["FOLLOWED", "SUBJID"], ascending=[False, True])
    if len(rows) > MOST_COURSES:
        rows = rows.iloc[np.unique(np.linspace(0, len(rows) - 1, MOST_COURSES).round().astype(int))]
    longest, bottom = float(rows["FOLLOWED"].max()), 36 + 11.0 * len(rows)
    x = Scale(0, max(longest, 1), 90, WIDTH - RIGHT)
    parts = [_courses_legend()]
    for month in ticks(longest):
        parts.append(line(x(month), 30, x(month), bottom, "#e3e8ee"))
        parts.append(label(f"{month:g}", x(month), bottom + 14, font_size=11, text_anchor="middle"))
    parts.append(label("months from first dose", (90 + WIDTH) / 2, bottom + 30, font_size=11, text_anchor="middle"))
    for at, row in enumerate(rows.to_dict("records")):
        parts += _course(row, x, 34 + 11.0 * at)
    return drawing(title, WIDTH, bottom + 40, parts)


def _grid(x: Scale, y: Scale, months: Sequence[float], top: float) -> str:
    parts = []
    for share in (0, 0.25, 0.5, 0.75, 1):
        parts.append(line(LEFT, y(share), WIDTH - RIGHT, y(share), "#e3e8ee"))
        parts.append(label(f"{100 * share:g}%", LEFT - 6, y(share) + 4, text_anchor="end", font_size=11))
    for month in months:
        parts.append(line(x(month), top + HEIGHT, x(month), top + HEIGHT + 4))
        parts.append(label(f"{month:g}", x(month), top + HEIGHT + 16, text_anchor="middle", font_size=11))
    parts.append(line(LEFT, top + HEIGHT, WIDTH - RIGHT, top + HEIGHT))
    middle = (LEFT + WIDTH) / 2
    parts.append(label("months", middle, top + HEIGHT + 30, text_anchor="middle", font_size=11))
    return "".join(parts)


def _curve(curve: KaplanMeier, x: Scale, y: Scale, colour: str, month: float) -> str:
    path, level = f"M{x(0):.2f} {y(1):.2f}", 1.0
    marks = []
    for row in curve.table.to_dict("records"):
        at = x(row["TIME"] / month)
        path += f"H{at:.2f}"
        if row["SURVIVAL"] != level:
            level = row["SURVIVAL"]
            path += f"V{y(level):.2f}"
        if row["CENSORED"]:
            marks.append(f"M{at:.2f} {y(level) - 4:.2f}v8")
    drawn = tag("path", d=path, fill="none", stroke=colour, stroke_width=2)
    return drawn + (tag("path", d="".join(marks), stroke=colour, stroke_width=1) if marks else "")


def _at_risk(curve: KaplanMeier, day: float) -> int:
    """Those whose time is not before the day."""
    later = curve.table[curve.table["TIME"] >= day]
    return int(later["AT_RISK"].iloc[0]) if len(later) else 0


def _legend(names: Sequence[str]) -> str:
    parts = []
    for at, name in enumerate([*names, "other"]):
        place = LEFT + 90.0 * at
        parts.append(tag("rect", x=place, y=6, width=14, height=10, fill=RESPONSE_COLOURS.get(name, GREY)))
        parts.append(label(name, place + 20, 15, font_size=12))
    return "".join(parts)


MARKS = (("RESPONSE", "response", "#009e73"), ("PROGRESSION", "progression", "#d55e00"), ("DEATH", "death", INK))


def _courses_legend() -> str:
    parts = []
    for at, (name, colour) in enumerate((("treatment", "#0072b2"), ("follow-up", "#bcd6ea"))):
        parts.append(tag("rect", x=90 + 110.0 * at, y=8, width=14, height=8, fill=colour))
        parts.append(label(name, 110 + 110.0 * at, 16, font_size=12))
    for at, (kind, name, _) in enumerate(MARKS):
        place = 330 + 110.0 * at
        parts.append(_mark(kind, place, 12))
        parts.append(label(name, place + 12, 16, font_size=12))
    return "".join(parts)


def _mark(kind: str, x: float, y: float) -> str:
    colour = next(colour for name, _, colour in MARKS if name == kind)
    if kind == "RESPONSE":
        return tag("circle", cx=x, cy=y, r=4, fill=colour, stroke="#fff")
    if kind == "PROGRESSION":
        return tag("path", d=f"M{x - 4:.2f} {y + 4:.2f}L{x:.2f} {y - 4:.2f}L{x + 4:.2f} {y + 4:.2f}Z", fill=colour)
    return tag("path", d=f"M{x - 4:.2f} {y - 4:.2f}l8 8m0-8l-8 8", stroke=colour, stroke_width=2)


def _course(row: Mapping[str, object], x: Scale, y: float) -> list[str]:
    followed, treated = float(str(row["FOLLOWED"])), float(str(row["TREATED"]))
    parts = [label(str(row["SUBJID"]), 84, y + 8, font_size=9, text_anchor="end")]
    parts.append(tag("rect", x=x(0), y=y, width=max(x(followed) - x(0), 1), height=8, fill="#bcd6ea"))
    if treated == treated:
        parts.append(tag("rect", x=x(0), y=y, width=max(x(treated) - x(0), 1), height=8, fill="#0072b2"))
    for kind, _, _ in MARKS:
        when = float(str(row[kind]))
        if when == when:
            parts.append(_mark(kind, x(when), y + 4))
    return parts
