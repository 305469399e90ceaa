"""What the house tells its owner -> the subject and the text of a mail, which hold nothing that a visitor wrote."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Say = Callable[..., str]

# The kinds of rows in the outbox that tell of the house itself.
KINDS = frozenset({"silence", "canary", "canary-lost", "canary-back"})


def written(kind: str, facts: Mapping[str, Any], say: Say, moment: Callable[[str], str], inbox: str) -> tuple[str, str]:
    """Subject and text. `moment` says a stored time as the house reads clocks, `inbox` is the inbox's address."""
    told = {**texts(facts, say), "time": moment(str(facts.get("time", "")))}
    parts = [say(f"mail.{kind}", **told), say("mail.inbox", link=inbox)]
    return say(f"mail.{kind}.subject", **told), "\n\n".join(parts)


def texts(facts: Mapping[str, Any], say: Say) -> dict[str, str]:
    """The facts as words may name them; `why` is the sentence for the step that a canary ended at."""
    plain = {name: value for name, value in facts.items() if isinstance(value, str)}
    step = plain.get("step")
    return {**plain, "why": say(f"canary.{step}", detail=plain.get("detail", ""))} if step else plain
