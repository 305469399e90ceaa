"""Signals of one post -> clean, or held with reasons. Nothing is dropped, and an absent signal is no signal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from capture.model import Verdict

# Nobody reads a form and fills it in within so many milliseconds.
FASTEST = 1500

_LONGEST_COUNT = 12


def judge(sent: Mapping[str, Sequence[str]]) -> Verdict:
    """The verdict on a post, by what its form's own fields carry.

    `trap`: the field that no person sees was filled in. `fast`: the script counted less than `FASTEST`; a page without
    the script counts nothing.
    """
    elapsed = milliseconds(_first(sent, "_ob_elapsed"))
    reasons = {
        "trap": bool(_first(sent, "_ob_trap").strip()),
        "fast": elapsed is not None and elapsed < FASTEST,
    }
    return Verdict(tuple(reason for reason, true in reasons.items() if true))


def milliseconds(text: str) -> int | None:
    """A count that a script sent, or None for anything else."""
    plain = text.strip()
    whole = plain.isascii() and plain.isdigit() and len(plain) <= _LONGEST_COUNT
    return int(plain) if whole else None


def _first(sent: Mapping[str, Sequence[str]], name: str) -> str:
    return next(iter(sent.get(name, ())), "")
