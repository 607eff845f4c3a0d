"""Dates as people and systems type them to --DTC: by the formats of the extract, partial ones kept, nothing guessed.

SDTMIG 3.4 section 4.4.1 (ISO 8601) and 4.4.2: parts that are not known are left out from the right, one in the middle
is a hyphen (`2019---20` is the 20th of an unknown month of 2019, `--12-15` the 15 December of an unknown year).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from fhir2cdisc.fhir.dates import DateError, to_dtc
from fhir2cdisc.mappings.errors import Fhir2CdiscError

UNREADABLE, IMPOSSIBLE, AMBIGUOUS = "date.unreadable", "date.impossible", "date.ambiguous"
TIME_OF_PARTIAL = "date.time-of-partial"
# No record of a patient is of another year.
FIRST_YEAR, LAST_YEAR = 1800, 2200
EXCEL = {"EXCEL": date(1899, 12, 30), "EXCEL1904": date(1904, 1, 1)}
# The parts of a format, the longest first, and what fits each.
_PARTS = {
    "YYYY": r"(?P<year>\d{4})",
    "YY": r"(?P<short>\d{2})",
    "MMM": r"(?P<name>[^\W\d_]{1,12}\.?)",
    "MM": r"(?P<month>\d{2})",
    "M": r"(?P<month>\d{1,2})",
    "DD": r"(?P<day>\d{2})",
    "D": r"(?P<day>\d{1,2})",
    "HH": r"(?P<hour>\d{1,2})",
    "mm": r"(?P<minute>\d{2})",
    "ss": r"(?P<second>\d{2})",
    "AM": r"(?P<half>[AaPp]\.?[Mm]\.?)",
}
_PART = re.compile("|".join(_PARTS))
_KIND = {"YYYY": "year", "YY": "year", "MMM": "month", "MM": "month", "M": "month", "DD": "day", "D": "day"}
_UNKNOWN = "UNKN UNK UN NK ND NA XXXX XXX XX ???? ?? ---- --- -- 不详 未知 不明".split()
_NAMES = (
    "january jan januar janvier enero",
    "february feb februar février fevrier febrero",
    "march mar märz maerz mrz mär mars marzo",
    "april apr avril abril",
    "may mai mayo",
    "june jun juni juin junio",
    "july jul juli juillet julio",
    "august aug août aout agosto",
    "september sep sept septembre septiembre",
    "october oct oktober okt octobre octubre",
    "november nov novembre noviembre",
    "december dec dezember dez décembre decembre diciembre",
)
MONTHS = {name: number for number, names in enumerate(_NAMES, 1) for name in names.split()}
_DIGITS = {"〇": 0, "零": 0, "一": 1, "二": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9}
_HAN = re.compile("[〇零一二三四五六七八九十]+")
_INFORM = re.compile(r"(\d{4}|-)-(\d{2}|-)-(\d{2}|-)T[-:\d]*(?:[+-]\d{2}:\d{2}|Z)?")
_ISO_GAP = re.compile(r"(?P<year>\d{4}|-)-(?P<month>\d{2}|-)-(?P<day>\d{2})")
_TIME = re.compile(r"(\d{1,2})\s*[:.hH时]\s*(\d{2})\s*(?:[:.分]\s*(\d{2})(?:\.\d+)?)?\s*分?\s*([AaPp]\.?[Mm]\.?)?")
_PLAIN_TIME = re.compile(r"(\d{2})(\d{2})(\d{2})?")


class CellDateError(Fhir2CdiscError):
    """A cell that is no date by the formats of the extract; `rule` is that of the finding."""

    def __init__(self, sentence: str, rule: str = UNREADABLE) -> None:
        super().__init__(sentence)
        self.rule = rule


@dataclass(frozen=True, slots=True)
class RawDates:
    """The formats of an extract's dates, in order of preference; see `read`."""

    formats: tuple[str, ...]
    century: int | None = None
    unknown: tuple[str, ...] = ()

    @classmethod
    def of(cls, formats: Sequence[str], century: int | None = None, unknown: Sequence[str] = ()) -> RawDates:
        """The formats checked; ValueError for one that cannot be read.

        A format has the parts YYYY, YY, MMM (the name of a month), MM, M, DD, D, HH, mm, ss and AM, or is EXCEL or
        EXCEL1904, a day's number in a sheet; all else stands for itself. `century` is the last two-digit year of this
        century, `unknown` are further texts for a part that is not known.
        """
        for one in formats:
            _check(one)
        return cls(tuple(formats), century, tuple(unknown))

    def read(self, text: str) -> str:
        """A cell as --DTC, blank where every part of it is unknown; CellDateError where it is no date.

        ISO 8601 needs no format. A cell must fit a format whole; two formats that fit and differ are ambiguous.
        """
        return _read(self, text)


def _check(format_: str) -> None:
    if format_ in EXCEL:
        return
    parts = _PART.findall(format_)
    kinds = [_KIND.get(part, part) for part in parts]
    if not parts or "year" not in kinds:
        raise ValueError(f"date format {format_!r} has no year (YYYY or YY)")
    if len(set(kinds)) < len(kinds):
        raise ValueError(f"date format {format_!r} has one part twice")
    if "day" in kinds and "month" not in kinds:
        raise ValueError(f"date format {format_!r} has a day and no month")
    if rest := re.search(r"[A-Za-z]", _PART.sub("", format_).replace("T", "")):
        raise ValueError(f"date format {format_!r}: {rest[0]!r} is no part of a date")


@lru_cache(maxsize=1 << 16)
def _read(dates: RawDates, raw: str) -> str:
    text = plain(raw)
    if (iso := _iso(text)) is not None:
        return iso
    found: dict[str, str] = {}
    errors: list[CellDateError] = []
    for one in dates.formats:
        try:
            if (dtc := _by_format(dates, one, text)) is not None:
                found.setdefault(dtc, one)
        except CellDateError as error:
            errors.append(error)
    if len(found) == 1:
        return next(iter(found))
    if found:
        both = " and ".join(list(found.values())[:2])
        raise CellDateError(f"is one date by {both}, and another by the other; it is left empty", AMBIGUOUS)
    if errors:
        raise errors[0]
    listed = ", ".join(dates.formats) or "none but ISO 8601"
    raise CellDateError(f"fits none of the formats of the extract ({listed})", UNREADABLE)


def plain(raw: str) -> str:
    """A text with plain digits, signs and single blanks: full-width ones and Chinese numbers are written out."""
    text = " ".join(unicodedata.normalize("NFKC", raw).split())
    text = _HAN.sub(lambda match: _han(match[0]), text)
    # Blanks that stand around Chinese units are no part of the date.
    return re.sub(r"\s*([年月日时分])\s*", r"\1", text) if re.search("[年月日]", text) else text


def _han(text: str) -> str:
    """`二〇二三` is 2023, `十月` 10, `二十一` 21."""
    if "十" not in text:
        return "".join(str(_DIGITS[sign]) for sign in text)
    tens, _, ones = text.partition("十")
    if "十" in ones or len(tens) > 1 or len(ones) > 1:
        return text
    return str((_DIGITS[tens] if tens else 1) * 10 + (_DIGITS[ones] if ones else 0))


def _iso(text: str) -> str | None:
    """A text that is ISO 8601 already, or as InForm writes it; None for any other."""
    if match := _INFORM.fullmatch(text):
        parts = [None if part == "-" else part for part in match.groups()]
        if None in parts:
            return _joined(*parts)
        text = re.sub(r"T-.*", "", text)
    if (match := _ISO_GAP.fullmatch(text)) and "-" in (match["year"], match["month"]):
        return _joined(*(None if part == "-" else part for part in match.groups()))
    try:
        return to_dtc(text)
    except DateError as error:
        if re.fullmatch(r"\d{4}(-\d{2}(-\d{2}(T.*)?)?)?", text) and "is not a FHIR" not in str(error):
            raise CellDateError(str(error), IMPOSSIBLE) from None
        return None


def _by_format(dates: RawDates, format_: str, text: str) -> str | None:
    """The date by one format, None where the cell does not fit it."""
    if format_ in EXCEL:
        return _serial(format_, text)
    match = _pattern(format_, dates.unknown).fullmatch(text)
    if match is None:
        return None
    parts = {name: part for name, part in match.groupdict().items() if part is not None}
    known = {name: part for name, part in parts.items() if not _is_unknown(part, dates.unknown, name)}
    if "name" in known:
        month = MONTHS.get(known["name"].rstrip(".").lower())
        if month is None and not (month := _month_number(known["name"])):
            return None
        known["month"] = f"{month:02d}"
    year = known.get("year") or (_year(known["short"], dates.century) if "short" in known else None)
    day = _joined(year, known.get("month"), known.get("day"))
    return day if "hour" not in known else _timed(day, known)


def _month_number(name: str) -> int:
    digits = name.rstrip("月")
    return int(digits) if digits.isdigit() and 1 <= int(digits) <= 12 else 0


@lru_cache(maxsize=512)
def _pattern(format_: str, unknown: tuple[str, ...]) -> re.Pattern[str]:
    """What fits a format; a part of the date may be an unknown one."""
    words = "|".join(re.escape(word) for word in sorted((*_UNKNOWN, *unknown), key=len, reverse=True))
    made, at = "", 0
    for part in _PART.finditer(format_):
        made += re.escape(format_[at : part.start()]).replace(r"\ ", r"\s*")
        inner = _PARTS[part[0]]
        made += inner[:-1] + rf"|{words}|00?)" if part[0] in _KIND and part[0] != "MMM" else inner[:-1] + rf"|{words})"
        at = part.end()
    made += re.escape(format_[at:]).replace(r"\ ", r"\s*")
    # A time may say its offset, which --DTC does not have.
    return re.compile(made + (r"\s*(?:Z|[+-]\d{2}:?\d{2})?" if "HH" in format_ else ""), re.IGNORECASE)


def _is_unknown(part: str, unknown: Sequence[str], name: str) -> bool:
    return part.upper() in _UNKNOWN or part in unknown or (name in ("month", "day") and part in ("0", "00"))


def _year(short: str, century: int | None) -> str:
    if century is None:
        raise CellDateError("has a year of two digits; [read] century says which century it is of", AMBIGUOUS)
    return f"{2000 + int(short) if int(short) <= century else 1900 + int(short)}"


def _joined(year: str | None, month: str | None, day: str | None) -> str:
    """Parts of a date as --DTC; None stands for one that is not known. CellDateError for a day that does not exist."""
    if year is not None and not FIRST_YEAR <= int(year) <= LAST_YEAR:
        raise CellDateError(f"is of the year {year}, as no record of a patient is", IMPOSSIBLE)
    month, day = (f"{int(part):02d}" if part else None for part in (month, day))
    try:
        # 2000 has every day that any year has.
        to_dtc(f"{year or '2000'}-{month or '01'}-{day or '01'}")
    except DateError as error:
        raise CellDateError(str(error), IMPOSSIBLE) from None
    if day is None:
        return f"{year}-{month}" if year and month else year or (f"--{month}" if month else "")
    return f"{year or '-'}-{month or '-'}-{day}"


def _serial(format_: str, text: str) -> str | None:
    """The day with a number in a sheet, with the time of its fraction to the minute (second where it has some)."""
    if not re.fullmatch(r"\d{1,7}(?:\.\d+)?", text):
        return None
    days = float(text)
    if format_ == "EXCEL" and int(days) == 60:
        raise CellDateError("is day 60 of a sheet, 29 February 1900, which did not exist", IMPOSSIBLE)
    first = EXCEL[format_]
    # Before that day Excel counts one day less.
    day = first + timedelta(days=int(days) + (1 if format_ == "EXCEL" and days < 60 else 0))
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise CellDateError(f"is of the year {day.year}, as no record of a patient is", IMPOSSIBLE)
    seconds = round((days - int(days)) * 86400)
    if not seconds:
        return day.isoformat()
    time = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}" + (f":{seconds % 60:02d}" if seconds % 60 else "")
    return f"{day.isoformat()}T{time}"


def _timed(day: str, known: Mapping[str, str]) -> str:
    if len(day) < len("2024-01-01") or day.startswith("-") or "--" in day:
        raise CellDateError("has a time of a day that is not known", TIME_OF_PARTIAL)
    half = known.get("half", "").replace(".", "").upper()
    return f"{day}T{_clock(known['hour'], known.get('minute', '00'), known.get('second'), half)}"


def _clock(hour: str, minute: str, second: str | None, half: str) -> str:
    """A time of day, `half` AM, PM or blank; CellDateError for one that does not exist."""
    number = int(hour)
    if half:
        if not 1 <= number <= 12:
            raise CellDateError("has a time of day that does not exist", IMPOSSIBLE)
        number = number % 12 + (12 if half == "PM" else 0)
    if number > 23 or int(minute) > 59 or int(second or 0) > 59:
        raise CellDateError("has a time of day that does not exist", IMPOSSIBLE)
    return f"{number:02d}:{minute}" + (f":{second}" if second else "")


def with_time(dtc: str, time: str) -> str:
    """A date with the time of another cell (`7:25`, `07:25:10`, `8:00 AM`, `14h30`, `0725`).

    CellDateError where the date is not complete to the day, so that it keeps no time, and where the cell is no time.
    """
    text = plain(time)
    if text.upper() in _UNKNOWN or not dtc:
        return dtc
    match = _TIME.fullmatch(text) or _PLAIN_TIME.fullmatch(text)
    if match is None:
        raise CellDateError("is no time of day", UNREADABLE)
    hour, minute, second, *half = match.groups()
    clock = _clock(hour, minute, second, (half[0] or "").replace(".", "").upper() if half else "")
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", dtc):
        raise CellDateError("is the time of a day that is not known", TIME_OF_PARTIAL)
    return f"{dtc}T{clock}"
