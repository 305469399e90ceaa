"""One look at the house, a matter at a time -> notices that begin or end, each told once over all processes.

Every function takes the time as an argument, and raises what the database raises.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from capture.audit.settings import tell_settings
from capture.house import House
from capture.inbox.display import zone_of
from capture.store import audit, canaries, notices
from capture.store.arrivals import first_arrival, last_arrivals
from capture.store.held import held_after
from capture.store.moments import to_text
from capture.store.notices import Notice
from capture.watch.canary import Canary
from capture.watch.posting import post
from capture.watch.silence import silent_since
from capture.watch.told import by_mail, over, tell
from capture.watch.watcher import Round

# Inquiries that the silence is measured by: enough to know a week's hours, few enough to be read in no time.
MOST = 1000

# Problems of a blocked build that its mail names; `obverse check` has all of them.
SHOWN = 5

# The hour of the site's own day from which on the digest is sent.
MORNING = 7


def rounds(house: House, listener: tuple[str, int], place: str) -> tuple[Round, ...]:
    """What is looked at again and again while `obverse run` listens at `listener`, in the place that is called so."""
    canary = Canary(house, partial(post, listener), place)
    return (
        Round("silence", timedelta(minutes=10), partial(look_for_silence, house)),
        Round("canary", timedelta(), canary.look),
        Round("digest", timedelta(minutes=10), partial(tell_what_is_held, house)),
        Round("settings", timedelta(minutes=10), partial(tell_settings, house, place)),
        Round("old canaries", timedelta(hours=1), partial(remove_old_canaries, house)),
    )


def remove_old_canaries(house: House, now: datetime) -> None:
    """Remove what tests have left behind a day ago; whether any is sent now or not."""
    with house.ready().write() as connection:
        canaries.remove_old(connection, now)


def look_for_silence(house: House, now: datetime) -> None:
    """Tell once of a silence that is too long; it ends with the next inquiry.

    Its key is the time of the last inquiry: no other process, no restart and no clock set forward tells of it again.
    """
    release = house.releases.current()
    with house.ready().read() as connection:
        times, begun = last_arrivals(connection, now, MOST), first_arrival(connection)
        standing = [one for one in notices.standing(connection) if one.kind == "silence"]
    last = to_text(times[-1]) if times else ""
    if any(one.subject < last for one in standing):
        with house.ready().write() as connection:
            notices.end(connection, "silence", now, but=last)
    since = silent_since(times, begun or now, now, zone_of(release.settings.timezone))
    if since is None:
        return
    facts = {"time": to_text(since)}
    notice = Notice(f"silence {last}", "silence", now, subject=last, facts=facts)
    tell(house, notice, by_mail(release, "silence", facts))


def tell_what_is_held(house: House, now: datetime) -> None:
    """One mail a day, in the morning, when anything was held since the last one.

    It takes the head of the audit log out of the house: whoever has the key could make the log anew, but not the mail.
    """
    release = house.releases.current()
    local = now.astimezone(zone_of(release.settings.timezone))
    if local.hour < MORNING:
        return
    with house.ready().read() as connection:
        before = notices.last(connection, "held")
        found = held_after(connection, int(before.subject) if before else 0)
        last = audit.newest(connection)
    if not found.count:
        return
    facts: dict[str, Any] = {"n": found.count, "waiting": found.waiting, "reasons": found.reasons}
    facts |= {"newest": found.newest, "audit": last.short if last else ""}
    subject = f"{found.upto:020d}"  # so that texts are in the order of numbers
    notice = Notice(f"held {local:%Y-%m-%d}", "held", now, subject=subject, ended_at=now, facts=facts)
    tell(house, notice, by_mail(release, "held", facts))


def hear_of_build(house: House, place: str, problems: Sequence[str], now: datetime) -> None:
    """Tell once of each set of problems that blocks a build, and once when builds go through again.

    `problems` are "path:line message", none for a build that went through.
    """
    release = house.releases.current()
    if not problems:
        facts: dict[str, Any] = {"time": to_text(now)}
        news = Notice(f"mended {to_text(now)} {place}"[:120], "mended", now, place=place, ended_at=now, facts=facts)
        over(house, "blocked", news, by_mail(release, "mended", facts), place=place)
        return
    subject = hashlib.sha256("\n".join(sorted(set(problems))).encode("utf-8", "replace")).hexdigest()[:32]
    with house.ready().write() as connection:
        notices.end(connection, "blocked", now, place=place, but=subject)
    facts = {"time": to_text(now), "n": len(problems), "lines": problems[:SHOWN], "first": problems[0]}
    notice = Notice(f"blocked {to_text(now)} {place}"[:120], "blocked", now, subject=subject, place=place, facts=facts)
    tell(house, notice, by_mail(release, "blocked", facts))
