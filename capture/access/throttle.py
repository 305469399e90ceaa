"""Failed logins -> how long the next one has to wait: by account and by network, growing, and never for good.

Each try is counted before its password is looked at, so a thousand at once are a thousand. A browser that this person
has logged in with before carries a mark and is counted by itself: whoever guesses at an address from elsewhere makes
strangers wait, not its owner.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from capture.store.database import lock
from capture.store.people import Attempts, attempts_at, count_attempts, forget_attempts, forget_attempts_before

_FORGET = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Scale:
    """How many tries are free, and the longest wait after that, which begins with a second and doubles."""

    free: int
    longest: timedelta

    def wait(self, count: int) -> timedelta:
        """The wait after so many failures."""
        if count < self.free:
            return timedelta(0)
        return min(timedelta(seconds=2 ** min(count - self.free, 20)), self.longest)


ACCOUNT = Scale(5, timedelta(minutes=15))
NETWORK = Scale(30, timedelta(minutes=5))
DEVICE = Scale(5, timedelta(minutes=1))


@dataclass(frozen=True, slots=True)
class Counter:
    """What tries are counted against: a digest, never an address."""

    key: str
    scale: Scale


def counters(secret: str, email: str, network: str, device: str = "") -> tuple[Counter, ...]:
    """The counters of one try. `secret` keys the digests; `device` is the mark of a known browser, "" for a new one."""
    if device:
        return (Counter(_digest(secret, "device", device), DEVICE),)
    return (
        Counter(_digest(secret, "account", email), ACCOUNT),
        Counter(_digest(secret, "network", network), NETWORK),
    )


def admit(connection: sa.Connection, asked: Iterable[Counter], now: datetime) -> timedelta:
    """Zero when this try may go on, and it is counted then; else how long to wait, and nothing is counted."""
    asked = tuple(sorted(asked, key=lambda one: one.key))
    for one in asked:
        lock(connection, "attempts", one.key)
    past = attempts_at(connection, (one.key for one in asked))
    wait = max((_left(past[one.key], one.scale, now) for one in asked if one.key in past), default=timedelta(0))
    if wait > timedelta(0):
        return wait
    count_attempts(connection, [one.key for one in asked], now, now - _FORGET)
    forget_attempts_before(connection, now - _FORGET)
    return timedelta(0)


def _left(past: Attempts, scale: Scale, now: datetime) -> timedelta:
    """How much of a wait is left. A last try that is long past, or further ahead than any wait is, counts for none.

    The latter a clock wrote down that has been put back since: it must not keep anybody out until that time has come.
    """
    whole = scale.wait(past.count)
    if not whole or not now - _FORGET < past.last_at <= now + scale.longest:
        return timedelta(0)
    return min(past.last_at + whole - now, scale.longest)


def forgive(connection: sa.Connection, asked: Iterable[Counter]) -> None:
    """Forget the tries of an account or a browser after a good one; those of its network go on counting."""
    forget_attempts(connection, [one.key for one in asked if one.scale is not NETWORK])


def _digest(secret: str, kind: str, value: str) -> str:
    text = f"attempt\0{kind}\0{value}".encode("utf-8", "surrogatepass")
    return kind[0] + hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()[:40]
