"""The settings -> who is told of a canary: a mailbox or a receiver for tests, and nobody else."""

from __future__ import annotations

from capture.model import Outgoing, Submission
from capture.setup import Settings
from capture.store.moments import to_text


def targets(settings: Settings) -> int:
    """How many mailboxes and receivers a canary goes to; with none there is no canary."""
    return len(settings.canary) + bool(settings.canary_webhook)


def outgoing_of(settings: Settings, canary: Submission) -> list[Outgoing]:
    """The rows that tell of a canary, to nobody but those who are to be told of tests."""
    facts = {"time": to_text(canary.received_at), "form": canary.form}
    mails = [Outgoing("mail", "canary", address, facts) for address in settings.canary]
    hook = settings.canary_webhook
    return [*mails, *([Outgoing("webhook", "canary", hook, facts)] if hook else [])]
