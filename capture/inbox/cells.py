"""A value -> a cell of a CSV table that no spreadsheet takes for a formula; headings that differ; values as an array.

A cell that would begin a formula gets an apostrophe before it. A telephone number is no formula and stays readable: its
parts are parted by blanks, since "+1-518-555-0142" would be computed, and "+15185550142" shown as a rounded number.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from capture.inbox.display import plain_value

# What spreadsheets begin formulas with, in both widths, and what they skip before looking.
_FORMULA = re.compile("[\\s\u200b\ufeff]*[=+\\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]")
_PHONE = re.compile(r"\+\d[\d ().\-/]{5,24}\d")

BOM = "\ufeff"  # without it a spreadsheet reads UTF-8 as something else


def safe_cell(value: Any) -> str:
    """A value as the text of a cell."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    text = plain_value(value).replace("\0", "")
    if _PHONE.fullmatch(text) and 7 <= sum(char.isdigit() for char in text) <= 15:
        return _grouped(text)
    return f"'{text}" if _FORMULA.match(text) else text


def _grouped(phone: str) -> str:
    """A telephone number in groups parted by blanks."""
    parts = re.findall(r"\d+", phone)
    if len(parts) == 1:
        parts = [parts[0][:-4], parts[0][-4:]]
    return "+" + " ".join(parts)


def headings(labels: Iterable[tuple[str, str]]) -> list[str]:
    """Headings of columns, from (label, name): one that occurs again says its name as well."""
    taken: dict[str, int] = {}
    found = []
    for label, name in labels:
        heading = label or name
        if heading in taken:
            heading = f"{heading} ({name})"
        taken[heading] = taken.get(heading, 0) + 1
        found.append(heading if taken[heading] == 1 else f"{heading} {taken[heading]}")
    return found


def json_array(values: Iterable[str]) -> Iterator[str]:
    """One array of values that are JSON already, a line each."""
    before = "[\n"
    for value in values:
        yield before + value
        before = ",\n"
    yield "[]\n" if before == "[\n" else "\n]\n"


def csv_line(values: Sequence[Any]) -> str:
    """One record as RFC 4180 has it."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow([safe_cell(value) for value in values])
    return out.getvalue()
