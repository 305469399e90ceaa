"""The setting of the webhook's secret -> the keys that a post is signed with now, the newest first.

A key is exchanged without a gap: for a while posts carry the signatures of the new one and of the old one, and the
receiver takes either (https://www.standardwebhooks.com, "Signature scheme"). `whsec_NEW whsec_OLD@2026-12-31` signs
with both until that day is over, and with the new one from then on.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

_KIND = "whsec_"


@dataclass(frozen=True, slots=True)
class Key:
    """A key of 24 to 64 bytes. `last` is the last day (UTC) that it signs on, None for one that does not end."""

    secret: bytes = field(repr=False)
    last: date | None = None


def keys_of(setting: str) -> tuple[Key, ...]:
    """All keys of the setting in their order; () when it is empty, or when any of them is none."""
    found = [_key(one) for one in setting.split()]
    keys = tuple(one for one in found if one is not None)
    return keys if len(keys) == len(found) else ()


def signing(keys: tuple[Key, ...], now: datetime) -> tuple[bytes, ...]:
    """The keys that have not ended by `now`, in their order."""
    today = now.astimezone(UTC).date()
    return tuple(one.secret for one in keys if one.last is None or today <= one.last)


def _key(text: str) -> Key | None:
    secret, at, day = text.partition("@")
    try:
        key = base64.b64decode(secret.removeprefix(_KIND), validate=True)
        last = date.fromisoformat(day) if at else None
    except (binascii.Error, ValueError):
        return None
    return Key(key, last) if secret.startswith(_KIND) and 24 <= len(key) <= 64 else None
