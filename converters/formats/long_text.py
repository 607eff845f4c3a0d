"""Text over 200 bytes, carried as SDTMIG says and never cut (SDTMIG 3.4, section 4.5.3.2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pandas as pd
from fhir2cdisc.converters.define.types import numeric_text
from fhir2cdisc.converters.xpt.columns import MAX_TEXT, texts
from fhir2cdisc.fhir.findings import Finding
from fhir2cdisc.mappings.standard.datasets import Dataset, Variable, record_key

SUPP_COLUMNS = (
    "STUDYID",
    "RDOMAIN",
    "USUBJID",
    "IDVAR",
    "IDVARVAL",
    "QNAM",
    "QLABEL",
    "QVAL",
    "QORIG",
    "QEVAL",
)
# Variables whose overflow stays in the dataset as numbered variables.
NUMBERED = ("TSVAL", "COVAL")


def split_text(text: str, limit: int = MAX_TEXT, encoding: str = "ascii") -> list[str]:
    """Pieces of at most `limit` bytes, split between words where that is possible, never inside a character.

    Characters outside the encoding count as their UTF-8 bytes; the writer refuses them later.
    """
    pieces: list[str] = []
    rest = text.strip(" ")
    while len(_bytes(rest, encoding)) > limit:
        end = _fitting(rest, limit, encoding)
        blank = rest.rfind(" ", 1, end + 1)
        cut = blank if blank > 0 else end
        pieces.append(rest[:cut].rstrip(" "))
        rest = rest[cut:].lstrip(" ")
    return [*pieces, rest]


def split_long_text(
    frame: pd.DataFrame, supp: pd.DataFrame | None, dataset: Dataset, *, encoding: str = "ascii"
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Move what a domain's texts have over 200 bytes into its SUPP-- frame.

    The domain keeps the first piece; the others become qualifiers named as the variable with a digit
    (`AETERM1`, `AETERM2`; a name of 8 characters gives up its last one), with the label of the variable.
    """
    frame = frame.copy()
    rows: list[dict[str, str]] = []
    for variable in dataset.variables:
        if variable.type != "Char" or variable.name not in frame.columns:
            continue
        for position, pieces in _overflow(frame[variable.name], encoding).items():
            frame.iat[position, frame.columns.get_loc(variable.name)] = pieces[0]
            record = frame.iloc[position]
            rows += [_qualifier(record, dataset, variable, i, p) for i, p in enumerate(pieces[1:], 1)]
    added = pd.DataFrame(rows, columns=list(SUPP_COLUMNS), dtype=object)
    old = pd.DataFrame(columns=list(SUPP_COLUMNS), dtype=object) if supp is None else supp
    return frame, old if added.empty else pd.concat([old, added], ignore_index=True) if len(old) else added


def cut_texts(frame: pd.DataFrame, dataset: Dataset, *, encoding: str = "ascii") -> tuple[pd.DataFrame, list[Finding]]:
    """A frame whose texts over 200 bytes are cut to their first piece, and a finding for each variable of a subject.

    For datasets that have no SUPP--. The first piece is what stands in the variable of SDTM too.
    """
    made, found = frame, []
    for variable in dataset.variables:
        if variable.type != "Char" or variable.name not in frame.columns:
            continue
        long = _overflow(frame[variable.name], encoding)
        if not long:
            continue
        if made is frame:
            made = frame.copy()
        column, seen = made.columns.get_loc(variable.name), set()
        for position, pieces in long.items():
            made.iat[position, column] = pieces[0]
            subject = str(frame["USUBJID"].iloc[position]) if "USUBJID" in frame else ""
            if subject in seen:
                continue
            seen.add(subject)
            name = f"{dataset.name}.{variable.name}"
            said = f"{name}: a text over {MAX_TEXT} bytes is cut; a transport file has no room for more"
            found.append(Finding("text.cut", said, variable=name, usubjid=subject))
    return made, found


def split_long_qualifiers(supp: pd.DataFrame, *, encoding: str = "ascii") -> pd.DataFrame:
    """A SUPP-- frame whose QVAL over 200 bytes go on in records of their own, named as `split_long_text` names them."""
    overflow = _overflow(supp["QVAL"], encoding)
    if not overflow:
        return supp
    rows: list[dict[str, str]] = []
    for position, record in enumerate(supp.to_dict("records")):
        name = str(record["QNAM"])
        for number, piece in enumerate(overflow.get(position, [str(record["QVAL"])])):
            own = f"{name[: 8 - len(str(number))]}{number}" if number else name
            rows.append({**record, "QNAM": own, "QVAL": piece})
    return pd.DataFrame(rows, columns=supp.columns, dtype=object)


def split_columns(frame: pd.DataFrame, name: str, *, encoding: str = "ascii") -> pd.DataFrame:
    """Continue `TSVAL` or `COVAL` over 200 bytes in `TSVAL1`, `TSVAL2` ... beside it."""
    overflow = _overflow(frame[name], encoding)
    most = max((len(pieces) for pieces in overflow.values()), default=1)
    columns = [
        [overflow[i][k] if i in overflow and k < len(overflow[i]) else "" for i in range(len(frame))]
        for k in range(1, most)
    ]
    result = frame.copy()
    for position, pieces in overflow.items():
        result.iat[position, result.columns.get_loc(name)] = pieces[0]
    place = int(result.columns.get_loc(name))
    for number, values in enumerate(columns, 1):
        result.insert(place + number, f"{name}{number}", pd.Series(values, index=result.index, dtype=object))
    return result


def with_continuations(dataset: Dataset, columns: Sequence[str]) -> Dataset:
    """The dataset with a variable for each `TSVALn` or `COVALn` column, after the one it continues."""
    variables: list[Variable] = []
    for variable in dataset.variables:
        variables.append(variable)
        if variable.name in NUMBERED:
            numbers = sorted(int(c[5:]) for c in columns if c.startswith(variable.name) and c[5:].isdigit())
            variables += [
                replace(variable, name=f"{variable.name}{n}", label=f"{variable.label} {n}", core="Perm")
                for n in numbers
                if f"{variable.name}{n}" not in dataset
            ]
    return replace(dataset, variables=tuple(variables))


def _qualifier(
    record: Mapping[str, object], dataset: Dataset, variable: Variable, number: int, text: str
) -> dict[str, str]:
    key = record_key(dataset.name)
    has_key = key in record and not pd.isna(record[key])
    return {
        "STUDYID": str(record.get("STUDYID", "")),
        "RDOMAIN": dataset.name,
        "USUBJID": str(record.get("USUBJID", "")),
        "IDVAR": key if has_key else "",
        "IDVARVAL": numeric_text(float(str(record[key]))) if has_key else "",
        "QNAM": f"{variable.name[: 8 - len(str(number))]}{number}",
        "QLABEL": variable.label,
        "QVAL": text,
        "QORIG": variable.origin or "Collected",
        "QEVAL": "",
    }


def _overflow(values: pd.Series, encoding: str) -> dict[int, list[str]]:
    """Positions of texts over the limit with their pieces."""
    found = texts(values).tolist()
    long = {
        value
        for value in set(found)
        if len(str(value)) * 4 > MAX_TEXT and len(_bytes(str(value).strip(" "), encoding)) > MAX_TEXT
    }
    if not long:
        return {}
    return {p: split_text(str(v), MAX_TEXT, encoding) for p, v in enumerate(found) if v in long}


def _bytes(text: str, encoding: str) -> bytes:
    return text.encode("utf-8" if encoding == "ascii" else encoding)


def _fitting(text: str, limit: int, encoding: str) -> int:
    """How many characters from the start fit into so many bytes."""
    size = 0
    for position, character in enumerate(text):
        size += len(_bytes(character, encoding))
        if size > limit:
            return position
    return len(text)
