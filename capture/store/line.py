"""Submissions that arrive at once -> one transaction: who comes while a commit is under way is saved by the next one.

The sync of a commit costs the same for one and for twenty. Whoever is first in line when a commit ends saves all who
stand there by then, and nobody leaves before the commit that holds what they brought. Nobody waits for company either:
with nobody in line, one is a group. PostgreSQL could save them side by side, but what it is asked costs more than that.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from capture.model import Outgoing, Saved, Submission
from capture.store.database import Database, Unavailable
from capture.store.saving import Arrival, save_together
from capture.store.saving import save as save_one


class Place:
    """A place in line: who stands there, and what became of it once it was served. Who `leads` serves."""

    def __init__(self, arrival: Arrival) -> None:
        self.arrival = arrival
        self.outcome: Saved | Exception | None = None
        self.leads = False
        self._called = threading.Lock()
        self._called.acquire()

    def wait(self) -> None:
        """Stand here until it is `call`ed, before or now."""
        self._called.acquire()

    def call(self) -> None:
        """It has been served, or it is its turn to serve."""
        self._called.release()

    def result(self) -> Saved | Exception:
        """What was saved, or what kept it from being saved."""
        return self.outcome or Unavailable("whoever was to save it came to an end")


class Line:
    """The line of one process, for all its threads.

    Each place is called by itself, and one of those who came meanwhile is told to lead: a lock that all wait for would
    be handed through all who were served before the next one could begin.
    """

    def __init__(self) -> None:
        self._changing = threading.Lock()
        self._is_led = False
        self._waiting: list[Place] = []

    def enter(self, arrivals: Sequence[Arrival], serve: Callable[[Sequence[Place]], None]) -> list[Saved | Exception]:
        """Stand in line with what one thread brings, until one of those who stand there has served all.

        What became of each, or what kept it from being saved.
        """
        places = [Place(arrival) for arrival in arrivals]
        with self._changing:
            self._waiting += places
            self._appoint()
        # Whoever takes the first one takes all of them.
        places[0].wait()
        if places[0].leads:
            self._lead(serve)
        return [place.result() for place in places]

    def _lead(self, serve: Callable[[Sequence[Place]], None]) -> None:
        """Serve all who wait by now, this one among them; then the next one leads."""
        with self._changing:
            group, self._waiting = self._waiting, []
        try:
            serve(group)
        finally:
            # Who leads next is told before those who were served: all who wait, wait for that one.
            with self._changing:
                self._is_led = False
                self._appoint()
            for place in group:
                place.call()

    def _appoint(self) -> None:
        """Let the first who waits lead, where nobody does. Within `_changing`."""
        if self._waiting and not self._is_led:
            self._is_led = self._waiting[0].leads = True
            self._waiting[0].call()


def save(
    line: Line,
    database: Database,
    brought: Sequence[tuple[Submission, Sequence[Outgoing]]],
    token: Callable[[], str],
) -> list[Saved | Exception]:
    """Save submissions together with those that arrive with them. They are on the disk when this returns.

    What became of each: what kept it from being saved (Unavailable, Refused, as at every use of a database) is for its
    own sake only: a member that spoils its group is tried again alone, as are all others.
    """
    arrivals = [Arrival.ready(submission, outgoing, token) for submission, outgoing in brought]
    return line.enter(arrivals, lambda group: _serve(database, group, token))


def _serve(database: Database, group: Sequence[Place], token: Callable[[], str]) -> None:
    """Save a group, so that every place has its outcome."""
    for place, outcome in zip(group, _outcomes(database, group, token), strict=True):
        place.outcome = outcome


def _outcomes(database: Database, group: Sequence[Place], token: Callable[[], str]) -> Sequence[Saved | Exception]:
    """What becomes of a group in one transaction, or of each alone when that fails."""
    try:
        with database.write() as connection:
            return save_together(connection, [place.arrival for place in group], token)
    except Unavailable as error:
        # It is not for what they brought: each of them would wait as long as all have waited now.
        return [error] * len(group)
    except Exception as error:  # noqa: BLE001 -- whose fault it is shows when each is alone
        return _one_by_one(database, group, token) if len(group) > 1 else [error]


def _one_by_one(database: Database, group: Sequence[Place], token: Callable[[], str]) -> list[Saved | Exception]:
    outcomes: list[Saved | Exception] = []
    for place in group:
        try:
            outcomes.append(_alone(database, place.arrival, token))
        except Unavailable as error:
            return outcomes + [error] * (len(group) - len(outcomes))
        except Exception as error:  # noqa: BLE001 -- it is raised in the thread of whoever brought it
            outcomes.append(error)
    return outcomes


def _alone(database: Database, arrival: Arrival, token: Callable[[], str]) -> Saved:
    with database.write() as connection:
        return save_one(connection, arrival.submission, arrival.outgoing, token)
