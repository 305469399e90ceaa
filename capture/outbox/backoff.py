"""How a try to deliver ended -> when to try again, if at all."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

# Seconds before each try: 75 hours in all: a long weekend with the mail server away, and after Standard Webhooks.
DELAYS = (0, 10, 60, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)

# How much longer than its delay a wait may be, so that rows that failed together are not tried together again.
SPREAD = 0.1

# The longest wait that another server may ask for.
LONGEST = timedelta(days=1)

# No row waits longer than this, but one that was given its time by a clock that was wrong.
HORIZON = LONGEST * (1 + SPREAD) + timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one try ended: `state` is "sent", "later", "dead" or "stopped" (the receiver wants nothing any more).

    `error` is for people: one line, in the other server's words where it had any. `cause` is for the log: a class or a
    status, never words of others. `wait` is how long the other side asked to be left alone.
    """

    state: str
    error: str = ""
    cause: str = ""
    wait: timedelta = timedelta()


SENT = Outcome("sent")


def later(error: str, cause: str, wait: timedelta = timedelta()) -> Outcome:
    """A failure that may pass."""
    return Outcome("later", error, cause, wait)


def dead(error: str, cause: str) -> Outcome:
    """A failure that trying again does not mend."""
    return Outcome("dead", error, cause)


def stopped(error: str, cause: str) -> Outcome:
    """The receiver wants nothing any more, so that nothing goes there until a person says that it may."""
    return Outcome("stopped", error, cause)


def next_try(tries: int, now: datetime, jitter: float, wait: timedelta = timedelta()) -> datetime | None:
    """When to try again after `tries` tries have failed; None when it is time to give up.

    `jitter` is a random number from 0 to 1. `wait` is what the other side asked for: at most `LONGEST` of it is kept.
    """
    if tries >= len(DELAYS):
        return None
    delay = timedelta(seconds=DELAYS[max(tries, 0)])
    return now + max(delay, min(wait, LONGEST)) * (1 + SPREAD * jitter)
