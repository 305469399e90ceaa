"""A post that can be read -> whether it may come: at once, by its proof, with one to be given first, or not now.

Nobody normal is asked for a proof: only who comes past a limit. Nothing is lost by it: who cannot reckon waits, and
what cannot be checked is held.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from capture.house import House
from capture.ids import instance_key
from capture.limits import WINDOW, Came, Limit
from capture.model import Submission
from capture.posting import Post
from capture.proof import Challenge, make, read
from capture.release import Release
from capture.store.database import Refused, Unavailable
from capture.store.proofs import spend
from capture.store.recent import recent
from obverse.forms.form import Form

_log = logging.getLogger("obverse.capture")


@dataclass(frozen=True, slots=True)
class Passed:
    """It may come. `reasons` hold it; `challenge` is the one it was let in by, None when none was needed."""

    reasons: tuple[str, ...] = ()
    challenge: Challenge | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """It may come with a proof. Without one it may in `wait` seconds."""

    challenge: Challenge
    wait: int


@dataclass(frozen=True, slots=True)
class Full:
    """It may not come for `wait` seconds, whatever it brings."""

    wait: int


def gate(house: House, release: Release, form: Form, post: Post) -> Passed | Asked | Full:
    """Count a post to a form against the limits, and say whether it may come. A test by the house itself always may."""
    mark = post.own("canary")
    if mark and house.ids.is_canary(form.name, instance_key(post.own("instance")), mark):
        return Passed()
    now = house.now()
    _catch_up(house, release, now)
    brought = _brought(house, form, post, now)
    limits = limits_of(release, form.name, post.network)
    room = house.limits.take(limits, release.settings.proofs, now.timestamp(), proved=brought is not None)
    if room.wait:
        return Full(room.wait)
    if not room.proof:
        return Passed()
    if not house.key:
        _log.error("the site has no key, so no proof of work can be asked for: what comes past a limit is held")
    return brought or _asked(house, form, post, now)


def gate_link(house: House, release: Release, network: str) -> int:
    """Count a post to a link of ours, and say how many seconds it has to wait; 0 when it may come.

    Nobody who presses a button of a mail is asked for a proof, so it is refused only where a proved one would be.
    """
    settings = release.settings
    limits = (Limit(("network", network, "/link"), settings.rate),) if settings.rate else ()
    return house.limits.take(limits, settings.proofs, house.now().timestamp(), proved=True).wait


def limits_of(release: Release, form: str, network: str) -> tuple[Limit, ...]:
    """What a post counts against: its network at this form, the form, and each address that is told of it."""
    settings = release.settings
    if not settings.rate:
        return ()
    current = release.current(form, "")
    told = (current.notify if current else ()) or settings.notify
    # All together may send what one may.
    at_form, to_one = max(settings.rate_form, settings.rate), max(settings.rate_recipient, settings.rate)
    return (
        Limit(("network", network, form), settings.rate),
        Limit(("form", form), at_form),
        *[Limit(("told", address), to_one) for address in dict.fromkeys(told)],
    )


def reasons(house: House, passed: Passed, submission: Submission) -> tuple[str, ...]:
    """Why a submission is held for the way it came. What it was let in by counts for no other one from now on."""
    if passed.challenge is None:
        return passed.reasons
    try:
        with house.ready().write() as connection:
            is_first = spend(connection, passed.challenge.digest, submission.id, passed.challenge.until, house.now())
    except Exception as error:  # noqa: BLE001 -- what cannot be checked is held, and what was written is not lost
        _log.warning("whether a proof of work was used before cannot be checked: %s", type(error).__name__)
        return (*passed.reasons, "unchecked")
    return passed.reasons if is_first else (*passed.reasons, "reused")


def _catch_up(house: House, release: Release, now: datetime) -> None:
    """Count what is stored since it was last looked: by other processes, and by this one before it was started.

    While the database is away each process counts for itself.
    """
    if not house.limits.is_due(now.timestamp()):
        return
    window = timedelta(seconds=WINDOW * release.settings.proofs)
    try:
        with house.ready().read() as connection:
            seen, stored = recent(connection, house.limits.seen, now - window, now)
    except (Unavailable, Refused):
        house.limits.put_off(now.timestamp())
        return
    limits = {one: limits_of(release, *one) for one in {(one.form, one.network) for one in stored}}
    house.limits.remember(seen, (Came(limits[one.form, one.network], one.at.timestamp()) for one in stored))


def _brought(house: House, form: Form, post: Post, now: datetime) -> Passed | None:
    """What a post may come by past a limit: a number that was found, or time that was waited."""
    if not house.key:
        return Passed(("unchecked",))
    challenge = _challenge(house, form, post, now)
    if challenge is None:
        return None
    if challenge.is_solved_by(post.own("proof")):
        return Passed((), challenge)
    return None if challenge.patience(now) else Passed(("waited",), challenge)


def _asked(house: House, form: Form, post: Post, now: datetime) -> Asked:
    """Who waits already goes on waiting; anybody else begins."""
    challenge = _challenge(house, form, post, now) or make(house.key, form.name, now, house.token)
    return Asked(challenge, challenge.patience(now))


def _challenge(house: House, form: Form, post: Post, now: datetime) -> Challenge | None:
    sent = post.own("challenge")
    return read(house.key, sent, form.name, now) if sent else None
