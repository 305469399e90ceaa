"""Case 26: digits of a challenge's expiry or salt are moved into its number (CVE-2025-68113). The signature fails.

All that is signed is one JSON text under one MAC, and the number follows the salt after a full stop.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import timedelta

import pytest

from capture.proof import COST, LIFE, Challenge, make, read
from tests.capture.house import KEY, NOW, Tokens
from tests.capture.proving import found


@pytest.fixture
def challenge() -> Challenge:
    return make(KEY, "contact", NOW, Tokens())


def test_what_we_made_is_read_again(challenge: Challenge) -> None:
    assert read(KEY, challenge.token, "contact", NOW) == challenge
    number = found(challenge.salt, challenge.digest, challenge.most)
    assert challenge.is_solved_by(number)
    assert [challenge.is_solved_by(one) for one in ("", "0", f"{number}0", f"-{number}", "²", "9" * 5000)] == [
        False
    ] * 6


def spliced(parts: list[str | int]) -> Iterator[list[str | int]]:
    """The same characters in the same order with the borders of two neighbours moved; and each part changed alone."""
    for at in range(len(parts) - 1):
        left, right = str(parts[at]), str(parts[at + 1])
        yield [*parts[:at], left[:-1], left[-1] + right, *parts[at + 2 :]]
        yield [*parts[:at], left + right[0], right[1:], *parts[at + 2 :]]
    for at, part in enumerate(parts):
        yield [*parts[:at], part + 1 if isinstance(part, int) else part + "0", *parts[at + 1 :]]
    yield [*parts[:-1], int(parts[-1]) + int(LIFE.total_seconds())]


def test_nothing_moves_from_one_part_into_another(challenge: Challenge) -> None:
    text, _, mac = challenge.token.partition(".")
    parts = json.loads(base64.urlsafe_b64decode(text))
    assert parts == ["contact", challenge.salt, challenge.digest, COST, int(NOW.timestamp())]
    forged = [base64.urlsafe_b64encode(json.dumps(one).encode()).decode() + f".{mac}" for one in spliced(parts)]
    assert len(forged) == 14
    for name in ("contact", "contac", "contact0", f"contact{challenge.salt[0]}"):
        assert {read(KEY, one, name, NOW + timedelta(minutes=1)) for one in forged} == {None}


def test_the_salts_digits_are_none_of_the_number(challenge: Challenge) -> None:
    number = found(challenge.salt, challenge.digest, challenge.most)
    bare = hashlib.sha256(f"{challenge.salt}{number}".encode()).hexdigest()
    assert bare != challenge.digest, "a delimiter stands between them"
    assert not challenge.is_solved_by(challenge.salt[-1] + number)


@pytest.mark.parametrize(
    "token", ["", ".", "x", "WzFd", "WzFd.", "é.é", "\0", "A" * 5000, "W10=." + "0" * 64, "\ud800"]
)
def test_what_is_no_token_is_none(token: str) -> None:
    assert read(KEY, token, "contact", NOW) is None


def test_the_mac_is_of_the_whole_text_under_the_sites_key(challenge: Challenge) -> None:
    text, _, mac = challenge.token.partition(".")
    whole = json.dumps(["challenge", base64.urlsafe_b64decode(text).decode()]).encode()
    assert mac == hmac.new(KEY.encode(), whole, hashlib.sha256).hexdigest()
    assert read("0" * 64, challenge.token, "contact", NOW) is None
