"""Rows of the outbox that are due -> delivered, or put off, or given up; one thread that nothing ends but `stop`.

Rows are claimed in one transaction, delivered one after the other outside any, and marked in the next. A crash in
between sends again what was not marked, under the same id, when the claim has run out. So does a power cut with what
was marked since a visitor's post was stored, or all was delivered: who answers visitors would wait for each sync. What
was delivered while the database went away is remembered and marked first when it is back.
"""

from __future__ import annotations

import contextlib
import json
import logging
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from capture.backup.pause import paused
from capture.house import House
from capture.inbox.words import say_in
from capture.outbox import chat, mail, webhook
from capture.outbox.alarm import raise_alarm
from capture.outbox.backoff import DELAYS, HORIZON, SENT, Outcome, dead, later, next_try, stopped
from capture.outbox.letters import Letterhead, Unsendable, letter
from capture.spool import ingest
from capture.store import outbox
from capture.store.database import Unavailable
from capture.store.moments import to_text
from capture.store.outbox import Delivery
from capture.store.tables import outbox as rows
from capture.watch.letters import KINDS

_log = logging.getLogger("obverse.capture")

# How long a claim holds: longer than any one delivery may take, so that nobody else tries while we do.
LEASE = timedelta(minutes=5)

# How many rows one round delivers before the spool and the clock are looked at again.
ROUND = 50

# So many rows are claimed at once as long as deliveries are quick, and so many seconds a claim of several is worked at:
# whoever is slow is claimed for alone, and a crash sends again what was sent in so short a time.
_MOST, _QUICK = 10, 0.25

# Seconds between rounds when nothing is due, for what other processes leave behind; and between tries to reach the
# database, doubled each time up to the most.
IDLE = 30.0
_SHORTEST = 0.1  # another worker may be about to take what is due
# Seconds between any two rounds: under load one round serves all who came meanwhile, and the threads that answer
# visitors have the processor to themselves for most of the time.
_GATHER = 0.2
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0

Mark = Callable[[sa.Connection], None]


@dataclass(frozen=True, slots=True)
class Channels:
    """How rows are delivered. `jitter` is a random number from 0 to 1; tests give what they need."""

    send: Callable[..., Outcome] = mail.send
    post: Callable[..., Outcome] = webhook.post
    chat: Callable[..., Outcome] = chat.post
    jitter: Callable[[], float] = random.random


class Worker:
    """Delivers the outbox of one house. Any number of them may share a PostgreSQL: each row is claimed by one."""

    def __init__(self, house: House, channels: Channels = Channels()) -> None:
        self._house = house
        self._channels = channels
        self._name = house.token()
        self._marks: deque[Mark] = deque()
        self._several = 1
        self._paused = False
        self._bell = threading.Event()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="outbox", daemon=True)

    def start(self) -> None:
        """Begin. A worker can be started once."""
        self._thread.start()

    def wake(self) -> None:
        """There is something to do. Costs nothing and never waits."""
        self._bell.set()

    def stop(self, timeout: float) -> bool:
        """Finish the delivery at hand and end; whether that was done within `timeout` seconds."""
        self._ending.set()
        self._bell.set()
        if self._thread.is_alive():
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def step(self, now: datetime) -> int:
        """One round: what waits in the spool is stored, then what is due is delivered. How many rows were tried.

        `now` is the time for all of it. Raises Unavailable while the database is away.
        """
        ingest(self._house)
        self._flush()
        if self._is_paused():
            return 0
        self._mend(now)
        done = 0
        while done < ROUND and not self._ending.is_set() and (tried := self._next(now, ROUND - done)):
            done += tried
        self._flush()
        raise_alarm(self._house, now)
        return done

    def _is_paused(self) -> bool:
        """Whether a restore has paused it, which is told once."""
        reason = paused(self._house.setup.folder)
        if reason and not self._paused:
            _log.warning("%s", json.dumps({"kind": "outbox", "state": "paused", "cause": reason}))
        self._paused = bool(reason)
        return self._paused

    def _next(self, now: datetime, most: int) -> int:
        """Claim rows and deliver them; how many were tried, 0 when none is due.

        What came of those before is written down with the claim, in one transaction: visitors wait for each of them.
        What there was no time for is given back: a claim could run out while its first row waits for a slow server. So
        is what comes after an answer that goes for others, too.
        """
        with self._house.ready().write(lasting=False) as connection:
            self._write_down(connection)
            claimed = outbox.claim(connection, self._name, now, min(self._several, most), LEASE)
        self._marks.clear()
        began, tried = time.monotonic(), 0
        for row in claimed:
            outcome = self._try(row, now)
            tried += 1
            is_late = time.monotonic() - began > _QUICK or self._ending.is_set()
            if is_late or outcome.wait or outcome.state == "stopped":
                break
        self._give_back(claimed[tried:])
        self._several = min(2 * tried or 1, _MOST)
        return tried

    def _try(self, row: Delivery, now: datetime) -> Outcome:
        """Deliver one; how it ended is still to be marked."""
        delivery = self._addressed(row)
        outcome = self._deliver(delivery, now)
        self._tell(delivery, outcome)
        self._marks.append(self._mark(delivery, outcome, now))
        return outcome

    def _give_back(self, untried: Sequence[Delivery]) -> None:
        """Before all marks: what they say of a receiver goes for these, too."""
        if untried:
            ids = [one.id for one in untried]
            self._marks.appendleft(lambda connection: outbox.give_back(connection, self._name, ids))

    def _flush(self) -> None:
        """Write down how deliveries ended. What cannot be written now is the first thing next time."""
        if not self._marks:
            return
        with self._house.ready().write(lasting=False) as connection:
            self._write_down(connection)
        self._marks.clear()

    def _write_down(self, connection: sa.Connection) -> None:
        """Mark what was tried. It stays to be marked until that is committed."""
        for mark in self._marks:
            # A row that was erased in the meantime has nothing to be written on.
            with contextlib.suppress(KeyError):
                mark(connection)

    def _addressed(self, delivery: Delivery) -> Delivery:
        """The row as it goes today: the webhook's address may have been mended since. Tests have one of their own."""
        address = self._house.releases.current().settings.webhook
        is_ours = delivery.channel == "webhook" and delivery.kind not in KINDS
        return replace(delivery, target=address) if is_ours and address else delivery

    def _deliver(self, delivery: Delivery, now: datetime) -> Outcome:
        """Whatever goes wrong with one row, the others have their turn."""
        if delivery.attempts > len(DELAYS):
            return dead(delivery.last_error or "it was tried too often without an end", "TooOften")
        try:
            return SENT if self._house.setup.preview else self._by_channel(delivery, now)
        except Unsendable as error:
            return dead(str(error), "Unsendable")
        except Exception as error:  # noqa: BLE001 -- its text may hold what a visitor wrote, so its class is all we tell
            return later("the program failed at this one", type(error).__name__)

    def _by_channel(self, delivery: Delivery, now: datetime) -> Outcome:
        given = self._house.setup
        if delivery.channel == "webhook":
            posted = self._channels.post
            inside = self._house.releases.current().settings.inside
            stopped = self._stopped(delivery)
            return stopped or posted(delivery, given.secrets.webhook, given.address, now, inside=inside)
        head = letterhead(self._house)
        if delivery.channel == "chat":
            return self._stopped(delivery) or self._channels.chat(delivery, given.secrets.chat, head, now)
        if not head.sender:
            return later("no sender is set: give from in [capture] of obverse.toml", "NoSender")
        return self._channels.send(letter(delivery, head), given.secrets.smtp)

    def _stopped(self, delivery: Delivery) -> Outcome | None:
        """What a try comes to at a receiver that wants no more of them: it is not made."""
        with self._house.ready().read() as connection:
            reason = outbox.stopped(connection, delivery.channel, delivery.target)
        return stopped(reason, "Stopped") if reason else None

    def _mark(self, delivery: Delivery, outcome: Outcome, now: datetime) -> Mark:
        row, target, error = delivery.id, delivery.target, outcome.error
        if outcome.state == "sent":
            return lambda connection: outbox.sent(connection, row, now)
        if outcome.state == "stopped":
            return lambda connection: outbox.stop(connection, row, target, error, now)
        again = next_try(delivery.attempts, now, self._channels.jitter(), outcome.wait)
        if outcome.state == "dead" or again is None:
            return lambda connection: outbox.dead(connection, row, error, now)
        if outcome.wait:
            return lambda connection: _put_off(connection, delivery, error, again, now)
        return lambda connection: outbox.failed(connection, row, error, again, now)

    def _tell(self, delivery: Delivery, outcome: Outcome) -> None:
        """One line for the log, without addresses and texts."""
        told = {"kind": "delivery", "channel": delivery.channel, "outbox": delivery.id, "attempt": delivery.attempts}
        text = json.dumps({**told, "outcome": outcome.state, "cause": outcome.cause})
        _log.log(logging.INFO if outcome.state == "sent" else logging.WARNING, "%s", text)

    def _mend(self, now: datetime) -> None:
        """Rows that wait for a time no back-off gives had it from a clock that was wrong: they are due now."""
        far, name = to_text(now + HORIZON), rows.c
        wrong = sa.and_(name.state == "waiting", name.next_at > far)
        held = sa.and_(name.state == "claimed", name.claimed_until > to_text(now + 2 * LEASE))
        with self._house.ready().read() as connection:
            found = connection.execute(sa.select(name.id).where(sa.or_(wrong, held)).limit(1)).first()
        if found:
            with self._house.ready().write(lasting=False) as connection:
                connection.execute(rows.update().where(wrong).values(next_at=to_text(now)))
                connection.execute(rows.update().where(held).values(claimed_until=to_text(now)))

    def _run(self) -> None:
        pause = 0.0
        while not self._ending.is_set():
            self._bell.clear()
            try:
                done = self.step(self._house.now())
                if 0 < done < ROUND:  # while more is left, the disk is for those who write
                    with contextlib.suppress(Unavailable):  # the next round does it
                        self._house.database.fold_aside()
                wait = self._wait(done)
                pause = 0.0
            except Exception as error:  # noqa: BLE001 -- a thread that ends would be a silence nobody notices
                wait = pause = min(max(_FIRST_PAUSE, pause * 2), _LONGEST_PAUSE)
                away = isinstance(error, Unavailable)
                told = {"kind": "outbox", "state": "away" if away else "failed", "cause": type(error).__name__}
                _log.warning("%s", json.dumps(told))
            self._ending.wait(_GATHER)
            self._bell.wait(wait)

    def _wait(self, done: int) -> float:
        """Seconds until the next round."""
        if done >= ROUND:
            return 0.0
        with self._house.ready().read() as connection:
            due = outbox.next_due(connection)
        return min(max((due - self._house.now()).total_seconds(), _SHORTEST), IDLE) if due else IDLE


def _put_off(connection: sa.Connection, delivery: Delivery, error: str, until: datetime, now: datetime) -> None:
    """Its receiver asked to be left alone, which goes for all that waits for it."""
    outbox.failed(connection, delivery.id, error, until, now)
    outbox.put_off(connection, delivery.channel, delivery.target, until)


def letterhead(house: House) -> Letterhead:
    """What all mails of the house share, as the newest release says it."""
    release = house.releases.current()
    return Letterhead(release.settings, house.setup.address, say_in(release.settings.language), release.say)
