"""A password -> its scrypt hash, and whether a password fits one: slow by design, never more than two at a time."""

from __future__ import annotations

import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from werkzeug.security import check_password_hash, generate_password_hash

METHOD = "scrypt:32768:8:3"
SHORTEST, LONGEST = 12, 1000

# How many passwords are worked on at once, and how many may be worked on or wait: each costs a third of a second of a
# processor and 32 MB, so a flood of logins must neither take the machine nor all threads of the server.
_working = threading.BoundedSemaphore(2)
_inside = threading.BoundedSemaphore(6)


class Busy(Exception):  # noqa: N818  # it names a state, not a fault
    """So many passwords are being looked at that this one is not even taken in line."""


@contextmanager
def door() -> Iterator[None]:
    """A place in the line for one password. Raises Busy at once when the line is full."""
    if not _inside.acquire(blocking=False):
        raise Busy
    try:
        yield
    finally:
        _inside.release()


def complaint(password: str) -> str:
    """The key of the word that says what is wrong with a new password, "" for a good one."""
    length = len(_plain(password))
    if length < SHORTEST:
        return "access.password.short"
    return "access.password.long" if length > LONGEST else ""


def hashed(password: str) -> str:
    """The hash to keep. It names its method, so another one may come later."""
    with _working:
        return generate_password_hash(_plain(password), method=METHOD)


def fits(password: str, kept: str) -> bool:
    """Whether the password is the one kept as that hash.

    "" fits nothing and takes as long, so that nobody learns from the time who may log in.
    """
    plain = _plain(password)[: LONGEST + 1]
    with _working:
        good = check_password_hash(kept or _nobodys(METHOD), plain)
    return good and bool(kept) and len(plain) <= LONGEST


@cache
def _nobodys(method: str) -> str:
    """The hash that is worked on for people who are not there."""
    return generate_password_hash("nobody has this password", method=method)


def _plain(password: str) -> str:
    """One spelling for keyboards that compose letters differently; what no encoding can carry becomes a mark."""
    text = unicodedata.normalize("NFC", password)
    return text.encode("utf-8", "replace").decode("utf-8")
