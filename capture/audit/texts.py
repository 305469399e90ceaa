"""Rows of the audit log -> text: their facts in one line, and all of them as JSON or CSV with every column."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, astuple, fields
from typing import Any

from capture.audit.chain import Row
from capture.inbox.cells import BOM, csv_line, json_array


def facts_text(facts: str) -> str:
    """The facts of a row in one line: `name value, name value`. Marks and hashes are left out: the export has them."""
    try:
        plain: dict[str, Any] = dict(json.loads(facts))
    except (ValueError, TypeError):
        return facts  # somebody changed it
    shown = {name: value for name, value in plain.items() if name not in ("marks", "hash") and value not in ("", [])}
    return ", ".join(f"{name} {_plain(value)}" for name, value in shown.items())


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)[:40]


def json_lines(rows: Iterator[Row]) -> Iterator[str]:
    """One array of objects, every column as it is stored: whoever has it can walk the chain."""
    return json_array(json.dumps(asdict(row)) for row in rows)


def csv_lines(rows: Iterator[Row]) -> Iterator[str]:
    """The same for a spreadsheet."""
    yield BOM + csv_line([one.name for one in fields(Row)])
    for row in rows:
        yield csv_line(astuple(row))
