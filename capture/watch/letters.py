"""What the house tells its owner -> the subject and the text of a mail, which hold nothing that a visitor wrote."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Say = Callable[..., str]

# The kinds of rows in the outbox that tell of the house itself.
KINDS = frozenset({"silence", "canary", "canary-lost", "canary-back", "held", "blocked", "mended"})


def written(kind: str, facts: Mapping[str, Any], say: Say, moment: Callable[[str], str], inbox: str) -> tuple[str, str]:
    """Subject and text. `moment` says a stored time as the house reads clocks, `inbox` is the inbox's address."""
    told = {**texts(facts, say), "time": moment(str(facts.get("time", "")))}
    place = f"{inbox}?view=held" if kind == "held" else inbox
    parts = [say(f"mail.{kind}", **told), _lines(facts), *_held(facts, say, inbox), say("mail.inbox", link=place)]
    return say(f"mail.{kind}.subject", **told), "\n\n".join(filter(None, parts))


def texts(facts: Mapping[str, Any], say: Say) -> dict[str, Any]:
    """The facts as words may name them; `why` is the sentence for the step that a canary ended at."""
    plain = {name: value for name, value in facts.items() if isinstance(value, str | int)}
    step = plain.get("step")
    return {**plain, "why": say(f"canary.{step}", detail=plain.get("detail", ""))} if step else plain


def _lines(facts: Mapping[str, Any]) -> str:
    """The first problems of a blocked build, each on a line of its own."""
    return "\n".join(" ".join(str(one).split()) for one in facts.get("lines", ()))


def _held(facts: Mapping[str, Any], say: Say, inbox: str) -> tuple[str, ...]:
    """Of what is held: each reason with its number, where the newest are looked at, and the head of the audit log."""
    reasons = [f"{_reason(code, say)}: {number}" for code, number in facts.get("reasons", ())]
    newest = [f"{inbox}i/{one} ({_reasons(codes, say)})" for one, codes in facts.get("newest", ())]
    head = facts.get("audit", "")
    return "\n".join(reasons), "\n".join(newest), say("mail.held.audit", head=head) if head else ""


def _reasons(codes: str, say: Say) -> str:
    return ", ".join(_reason(code, say) for code in codes.split())


def _reason(code: str, say: Say) -> str:
    """A newer program may have held something for what this one has no words for."""
    try:
        return say(f"held.short.{code}")
    except KeyError:
        return say("held.unknown")
