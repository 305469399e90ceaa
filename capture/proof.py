"""A challenge, and what comes back with a post -> whether work was done for it, or time spent waiting. Pure.

A challenge is ALTCHA's: find the number whose digits, after a salt, have a given SHA-256. Unlike ALTCHA's it is signed
as a whole: form, salt, digest, cost and time are one JSON text under one MAC, so nothing can move from one part into
another, and of what a client sends only the number counts. Why it is our own is in docs/decisions/proof.md.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

ALGORITHM = "SHA-256"

# The numbers that are tried at most, half of them on average: a second on a telephone, less on a desk.
COST = 200_000

# For so long a challenge counts: the number may take its time, and what was used is remembered for no longer.
LIFE = timedelta(hours=1)

# Who cannot reckon (there is no script) waits so long instead.
PATIENCE = timedelta(seconds=30)

_LONGEST = 1000  # characters of a token


@dataclass(frozen=True, slots=True)
class Challenge:
    """What is asked of a browser: the number of at most `most` for which SHA-256("SALT.NUMBER") is `digest`.

    `token` is the same, signed: it comes back with the number. `made_at` is in whole seconds.
    """

    form: str
    salt: str
    digest: str
    most: int
    made_at: datetime
    token: str

    @property
    def until(self) -> datetime:
        """When it stops to count."""
        return self.made_at + LIFE

    def is_solved_by(self, number: str) -> bool:
        """Whether these digits are the number."""
        fit = number.isascii() and number.isdigit() and len(number) <= len(str(self.most))
        return fit and hmac.compare_digest(_digest(self.salt, int(number)), self.digest)

    def patience(self, now: datetime) -> int:
        """For how many whole seconds somebody without a script still has to wait."""
        left = self.made_at + PATIENCE - now
        return min(max(0, -(-left // timedelta(seconds=1))), PATIENCE.seconds)


def make(key: str, form: str, now: datetime, token: Callable[[], str]) -> Challenge:
    """A new challenge for one post to a form. `token` gives random hexadecimal digits.

    Raises ValueError without a key: anybody could then sign.
    """
    salt = token()
    number = int(token(), 16) % (COST + 1)
    made_at = int(now.timestamp())
    parts: list[str | int] = [form, salt, _digest(salt, number), COST, made_at]
    return _of(parts, _signed(key, json.dumps(parts)))


def read(key: str, token: str, form: str, now: datetime) -> Challenge | None:
    """The challenge in a token; None when it is not one of ours for that form, of today's cost, that still counts.

    Raises ValueError without a key.
    """
    text = _text(token)
    if text is None or not hmac.compare_digest(_signed(key, text).encode(), token.encode("utf-8", "replace")):
        return None
    challenge = _of(json.loads(text), token)
    # A clock that was set back since must not let it live longer than it should.
    lives = abs(now - challenge.made_at) <= LIFE
    return challenge if lives and challenge.form == form and challenge.most >= COST else None


def _of(parts: list[str | int], token: str) -> Challenge:
    form, salt, digest, most, made_at = parts
    return Challenge(str(form), str(salt), str(digest), int(most), datetime.fromtimestamp(int(made_at), UTC), token)


def _digest(salt: str, number: int) -> str:
    # The salt is hexadecimal, so the full stop says where it ends.
    return hashlib.sha256(f"{salt}.{number}".encode()).hexdigest()


def _signed(key: str, text: str) -> str:
    if not key:
        raise ValueError("the site has no key")
    mac = hmac.new(key.encode(), json.dumps(["challenge", text]).encode(), hashlib.sha256).hexdigest()
    return f"{base64.urlsafe_b64encode(text.encode()).decode()}.{mac}"


def _text(token: str) -> str | None:
    """What was signed, if that is what it is; nothing in it may be trusted yet."""
    try:
        return base64.b64decode(token[:_LONGEST].partition(".")[0], altchars=b"-_", validate=True).decode()
    except ValueError:
        return None
