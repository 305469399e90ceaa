"""Dates in templates: a moment is written in its own zone, whatever was written before it."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from obverse.templates import isodate

BERLIN = ZoneInfo("Europe/Berlin")


def test_equal_moments_are_each_written_in_their_own_zone() -> None:
    written = "2026-01-01T12:00:00+00:00", "2026-01-01T13:00:00+01:00"
    moments = [datetime.fromisoformat(one) for one in written]
    assert moments[0] == moments[1]
    assert tuple(map(isodate, moments)) == written


def test_the_hour_that_comes_twice_is_written_as_the_one_it_is() -> None:
    first = datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN)
    second = first.replace(fold=1)
    assert first == second
    assert [isodate(first), isodate(second)] == ["2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00"]
