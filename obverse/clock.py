"""The clock: one frozen moment a build, and for every question about time the moment its answer next changes.

There is no raw "now" in a template: `today`, `year`, `is_past(date)` and `age_in_days(date)` are all there is, so the
least of their next changes is when the site is due to be built again.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Generic, NamedTuple, TypeVar

NEVER = datetime.max.replace(tzinfo=UTC)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Told(Generic[T]):
    """An answer about time, and the moment from which it will be another one (`NEVER` when it will not)."""

    value: T
    until: datetime


class Clock(NamedTuple):
    """A frozen moment (`now`, always with a zone) seen from the site's time zone."""

    now: datetime
    zone: tzinfo

    @property
    def local(self) -> datetime:
        """The moment on the site's own wall clock."""
        return self.now.astimezone(self.zone)

    def today(self) -> Told[date]:
        """The site's calendar day, until its next midnight."""
        day = self.local.date()
        return Told(day, self._midnight(day + timedelta(days=1)))

    def year(self) -> Told[int]:
        """The site's calendar year, until the next New Year."""
        year = self.local.year
        return Told(year, self._midnight(date(year + 1, 1, 1)))

    def is_past(self, moment: datetime) -> Told[bool]:
        """Whether `moment` has come; false until then, true for ever after."""
        return Told(True, NEVER) if moment <= self.now else Told(False, moment)

    def age_in_days(self, moment: datetime) -> Told[int]:
        """Whole calendar days of the site from `moment` to today (negative while it lies ahead)."""
        today = self.today()
        return Told((today.value - moment.astimezone(self.zone).date()).days, today.until)

    def _midnight(self, day: date) -> datetime:
        return datetime.combine(day, time(), self.zone)


def zone_of(name: str) -> tzinfo:
    """The time zone of an IANA name. For UTC, Python's table of zones is not loaded. Raises ZoneInfoNotFoundError."""
    if name == "UTC":
        return UTC
    from zoneinfo import ZoneInfo

    return ZoneInfo(name)


def clock(environ: Mapping[str, str], real_now: datetime, zone: tzinfo) -> Clock:
    """The build's clock: `SOURCE_DATE_EPOCH` (reproducible-builds.org) when it is set, the given real time otherwise.

    Raises ValueError when `SOURCE_DATE_EPOCH` is not a whole number of seconds.
    """
    epoch = environ.get("SOURCE_DATE_EPOCH")
    now = real_now if epoch is None else datetime.fromtimestamp(int(epoch), UTC)
    return Clock(now, zone)


def moment(at: Clock | None, zone: str) -> Clock:
    """The clock of a build: the one it is given, or the present as the environment has it, seen from `zone`."""
    return at or clock(os.environ, datetime.now(UTC), zone_of(zone))
