"""Signals of one post -> clean, or held with reasons. Nothing is dropped, and an absent signal is no signal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from capture.model import Verdict
from capture.signs import ENOUGH, Written, signs

# Nobody reads a form and fills it in within so many milliseconds.
FASTEST = 1500

# What a person known to sales is not held for again: what they wrote, not how it came. The owner's rules stay.
SOFT = frozenset({"link-name", "markup", "links", "wording", "script", "disposable"})

_LONGEST_COUNT = 12


def judge(
    sent: Mapping[str, Sequence[str]], written: Written | None = None, table: Sequence[int] | None = None
) -> Verdict:
    """The verdict on a post, by what its form's own fields carry and by what was `written`.

    `trap`: the field that no person sees was filled in. `fast`: the script counted less than `FASTEST`; a page without
    the script counts nothing. Either holds by itself; signs in the text hold together (see `capture.signs`).
    """
    elapsed = milliseconds(_first(sent, "_ob_elapsed"))
    hard = {
        "trap": bool(_first(sent, "_ob_trap").strip()),
        "fast": elapsed is not None and elapsed < FASTEST,
    }
    soft = signs(written, table) if written else {}
    if not any(hard.values()) and sum(soft.values()) < ENOUGH:
        return Verdict()
    return Verdict((*(reason for reason, true in hard.items() if true), *soft))


def spared(verdict: Verdict) -> Verdict:
    """The verdict on a person whom sales answered or let in before: what they write is no reason any more."""
    return Verdict(tuple(reason for reason in verdict.reasons if reason not in SOFT))


def milliseconds(text: str) -> int | None:
    """A count that a script sent, or None for anything else."""
    plain = text.strip()
    whole = plain.isascii() and plain.isdigit() and len(plain) <= _LONGEST_COUNT
    return int(plain) if whole else None


def _first(sent: Mapping[str, Sequence[str]], name: str) -> str:
    return next(iter(sent.get(name, ())), "")
