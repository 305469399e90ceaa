"""Moments as the database holds them: aware datetimes -> text that sorts as time does -> aware datetimes in UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache


@lru_cache(maxsize=64)  # one submission has the same moment in many rows
def to_text(moment: datetime) -> str:
    """`2026-11-23T22:05:00.000000Z`. Raises ValueError for a moment without a zone, which could be any."""
    if moment.utcoffset() is None:
        raise ValueError("a moment without a time zone")
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def from_text(text: str) -> datetime:
    """The moment again, in UTC."""
    return datetime.fromisoformat(text)


def maybe_from(text: str | None) -> datetime | None:
    """The same for a column that may be empty."""
    return None if text is None else from_text(text)
