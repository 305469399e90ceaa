"""Findings: what the doctor says, a sentence each, with the mend where there is one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

WELL, UNKNOWN, WARNING, ERROR = "well", "unknown", "warning", "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: its state, what it is about ("disk", "mail" …), a sentence, and how to mend it."""

    state: str
    about: str
    said: str
    mend: str = ""


def well(about: str, said: str) -> Finding:
    """Nothing has to be done."""
    return Finding(WELL, about, said)


def unknown(about: str, said: str) -> Finding:
    """It could not be found out."""
    return Finding(UNKNOWN, about, said)


def warning(about: str, said: str, mend: str) -> Finding:
    """It works, but may cost something one day."""
    return Finding(WARNING, about, said, mend)


def error(about: str, said: str, mend: str) -> Finding:
    """It does not work."""
    return Finding(ERROR, about, said, mend)


def as_text(findings: Iterable[Finding]) -> str:
    """A line each, what is about one thing together; the mend below."""
    lines = []
    for one in findings:
        lines.append(f"{one.state:8}{one.about:9}{one.said}")
        if one.mend:
            lines.append(f"{'':17}→ {one.mend}")
    return "\n".join(lines)
