"""The canary: every hour a marked test through the public form, followed until somebody else has taken it.

posted -> stored -> put out -> delivered. Where that ends before its end the owner is told, once for each outage of each
process: above the inbox, and by mail and webhook both, since one of them may be what is broken; and again when a test
has come through.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from capture.backup.pause import paused
from capture.house import House
from capture.release import Release
from capture.store import canaries
from capture.store.canaries import Trail
from capture.store.database import Unavailable
from capture.store.moments import to_text
from capture.store.notices import Notice
from capture.watch.filling import fitting
from capture.watch.posting import Answered
from capture.watch.targets import targets
from capture.watch.told import by_all, over, tell
from obverse.forms.form import Form

EVERY = timedelta(hours=1)

# How often the trail is looked at before the canary is given up for lost: with a look every 20 seconds 15 minutes,
# enough for a mail server that wants everything twice. Looks are counted, since a clock may jump.
LOOKS = 45

# How often it is sent, at one look after the other, before it counts as not taken: visitors press twice as well.
TRIES = 3

Post = Callable[[str, Mapping[str, tuple[str, ...]]], Answered]


@dataclass(frozen=True, slots=True)
class Failure:
    """Where a canary ended: "form", "post", "stored", "held", "outbox" or "delivered". `detail` names no person."""

    step: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Flight:
    """A canary under way: its submission's id, how many rows tell of it, and how often it was looked for."""

    id: str
    expected: int
    looks: int = 0


class Canary:
    """One process's canary. `post` sends fields to a path of its own public listener; `place` is what it is called."""

    def __init__(self, house: House, post: Post, place: str) -> None:
        self._house, self._post, self._place = house, post, place
        self._sent_at: datetime | None = None
        self._refused = 0  # tries in a row that were not taken
        self._flight: Flight | None = None
        self._outcome: Failure | bool | None = None  # what is still to be told: a failure, or that it came through

    def look(self, now: datetime) -> None:
        """Send one when it is time, follow the one that is under way, tell how it ended. Raises Unavailable."""
        release = self._house.releases.current()
        if not targets(release.settings) or paused(self._house.setup.folder):
            self._flight = None
            return
        if self._flight is None and self._outcome is None and self._is_due(now):
            self._send(release, now)
        if self._flight is not None:
            self._follow(self._flight)
        if self._outcome is not None:
            self._tell(release, now)

    def _is_due(self, now: datetime) -> bool:
        return self._refused > 0 or self._sent_at is None or abs(now - self._sent_at) >= EVERY

    def _send(self, release: Release, now: datetime) -> None:
        self._sent_at = now
        settings = release.settings
        email = next(iter(settings.canary), settings.sender)
        found = fitting(_forms(release), email, settings.url, now.date())
        if found is None:
            self._outcome = Failure("form")
            return
        form, filled = found
        answered = self._post(f"{settings.base_path}/_ob/f/{form.name}", {**filled, **self._mark(form.name)})
        self._refused = 0 if answered.id else self._refused + 1
        if answered.id:
            self._flight = Flight(answered.id, targets(settings))
        elif self._refused >= TRIES:
            self._refused, self._outcome = 0, Failure("post", answered.words)

    def _mark(self, form: str) -> dict[str, tuple[str, ...]]:
        """What tells the endpoint that it is ours: nobody without the house's key can make it."""
        instance = self._house.token()
        mark = self._house.ids.canary(form, instance)
        return {"_ob_instance": (instance,), "_ob_canary": (mark,)}

    def _follow(self, flight: Flight) -> None:
        is_last = flight.looks + 1 >= LOOKS
        outcome = verdict(self._trail(flight.id), flight.expected, is_last=is_last)
        self._flight = Flight(flight.id, flight.expected, flight.looks + 1) if outcome is None else None
        self._outcome = outcome

    def _trail(self, id: str) -> Trail | None:
        """A database that is away may be back before the canary is given up: it waits in the spool meanwhile."""
        try:
            with self._house.ready().read() as connection:
                return canaries.trail(connection, id)
        except Unavailable:
            return None

    def _tell(self, release: Release, now: datetime) -> None:
        """Tell how it ended, as far as that is news. What cannot be told now is told at the next look."""
        if isinstance(self._outcome, Failure):
            facts = {"time": to_text(self._sent_at or now), "step": self._outcome.step, "detail": self._outcome.detail}
            self._tell_of_loss(release, now, {**facts, "place": self._place})
        else:
            self._tell_of_return(release, now)
        self._outcome = None

    def _tell_of_loss(self, release: Release, now: datetime, facts: Mapping[str, Any]) -> None:
        key = f"canary-lost {to_text(now)} {self._place}"[:120]
        notice = Notice(key, "canary-lost", now, place=self._place, facts=facts)
        tell(self._house, notice, by_all(release, "canary-lost", facts))

    def _tell_of_return(self, release: Release, now: datetime) -> None:
        facts = {"time": to_text(now), "place": self._place}
        back = Notice(f"canary-back {to_text(now)} {self._place}"[:120], "canary-back", now, ended_at=now, facts=facts)
        over(self._house, "canary-lost", back, by_all(release, "canary-back", facts), place=self._place)


def verdict(found: Trail | None, expected: int, *, is_last: bool) -> Failure | bool | None:
    """How a canary stands: lost, through (True), or under way (None), which the last look ends."""
    if found is None:
        return Failure("stored") if is_last else None
    if found.held:
        return Failure("held", " ".join(found.held))
    if len(found.sendings) < expected:
        return Failure("outbox")
    open_ones = [one for one in found.sendings if one.state != "sent"]
    lost = next((one for one in open_ones if one.state == "dead" or is_last), None)
    if lost:
        return Failure("delivered", f"{lost.channel}: {lost.error}")
    return None if open_ones else True


def _forms(release: Release) -> list[Form]:
    """The one that is named, else all of them in the site's own language, by name."""
    named = release.settings.canary_form
    names = [named] if named else sorted({name for name, _ in release.forms})
    found = (release.current(name, release.settings.language) for name in names)
    return [one for one in found if one]
