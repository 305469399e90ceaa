"""Chaos: visitors, and a process that everything happens to -> whether each who was thanked is stored once and told of.

    python -m benchmarks.chaos [--minutes 10] [--database sqlite|postgresql] [--visitors 8] [--pause 0.05] [--seed 1]
                               [--folder DIR]

At random: the process is killed (SIGKILL) and started again, its database is locked by somebody else, the disk is full,
the mail server is busy, puts off, hangs up after the text, or never answers, and the clock jumps by up to two hours. On
PostgreSQL there are two processes, and their server is stopped, crashes, loses connections, stands still or has a full
disk. A visitor sends a form under one instance key until it is thanked, as the page's script does. At the end all is
well, hours pass, and everything is counted. All of it is on loopback and stops by itself.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import os
import random
import resource
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from unittest import mock

import sqlalchemy as sa

from benchmarks.outages import Target, postgres_target, sqlite_target
from capture.store.database import Database
from capture.store.tables import outbox, submissions
from tests.capture import running as processes
from tests.capture.receivers import MailServer, mail_server
from tests.capture.running import FORM, Running, database, fields, kept, let_in, make_root, running

PATIENCE = 120.0  # seconds at the end without any progress, and of a visitor
STANDSTILL = 10.0  # seconds in which a process that has something left to do gets on with it
MANNERS = ("busy", "defer", "drop", "stall")
JUMPS = (-7200, -600, 600, 7200)  # seconds

# The clock of the process is the machine's and what stands in a file.
CLOCK = """
import datetime, functools, os
from capture.run import preparation
def now():
    with open(os.environ["CHAOS_CLOCK"]) as file:
        return datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=float(file.read() or 0))
preparation.open_house = functools.partial(preparation.open_house, now=now)
"""


@dataclass(slots=True)
class Counted:
    """What came of it. `told` is how many notices there were to send, `mails` how many arrived, by Message-ID once."""

    acknowledged: int = 0
    stored: int = 0
    lost: int = 0
    duplicates: int = 0
    notices: int = 0
    told: int = 0
    mails: int = 0
    faults: Counter[str] = field(default_factory=Counter)

    @property
    def good(self) -> bool:
        """Whether nothing was lost, doubled or kept silent about."""
        whole = self.acknowledged == self.stored and not self.lost and not self.duplicates
        return whole and self.acknowledged > 0 and self.told == self.notices == self.stored

    def __str__(self) -> str:
        faults = ", ".join(f"{name} {count}" for name, count in sorted(self.faults.items()))
        return (
            f"acknowledged {self.acknowledged}, stored {self.stored}, lost {self.lost}, duplicates {self.duplicates}\n"
            f"notices {self.notices}, told {self.told} by Message-ID, in {self.mails} mails\n{faults}"
        )


@dataclass
class Place:
    """One site's folder, and the process that runs over it now."""

    root: Path
    process: Running | None = None

    @property
    def clock(self) -> Path:
        """The file that says how wrong the clock of the process is, in seconds."""
        return self.root / "clock"


@dataclass
class Stage:
    """Where it happens: the places, which share the mail server and the database."""

    places: Sequence[Place]
    mail: MailServer
    target: Target
    counted: Counted = field(default_factory=Counted)
    acknowledged: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def database(self) -> Iterator[Database]:
        """The database, for who counts."""
        with database(self.places[0].root, self.target.url) as opened:
            yield opened


def chaos(
    folder: Path, seconds: float, *, kind: str = "sqlite", visitors: int = 8, pause: float = 0.05, seed: int = 1
) -> Counted:
    """Let it happen for so long, make all well, and count. On "postgresql" two processes share the database."""
    with mail_server() as mail, _with_clock():
        names = ("one", "two") if kind == "postgresql" else ("one",)
        places = [Place(make_root(folder / name, smtp=mail.url)) for name in names]
        luck = Random(seed)
        with postgres_target(luck) if kind == "postgresql" else sqlite_target(places[0].root) as target:
            stage = Stage(places, mail, target)
            let_in(places[0].root, target.url)
            for place in places:
                place.clock.write_text("0")
            with _visiting(stage, visitors, pause):
                _happen(stage, seconds, luck)
                _end_well(stage)
            _make_well(stage)
            _count(stage)
            return stage.counted


def _happen(stage: Stage, seconds: float, luck: Random) -> None:
    """What happens to the database, and to each process, has nothing to do with one another."""
    end = time.monotonic() + seconds
    with ThreadPoolExecutor() as pool:
        lives = [pool.submit(_live, stage, one, end, seconds / 6, Random(luck.random())) for one in stage.places]
        for one in [*lives, pool.submit(_suffer, stage, end, seconds / 6, Random(luck.random()))]:
            one.result()


def _suffer(stage: Stage, end: float, longest: float, luck: Random) -> None:
    """The database: one harm after the other, with some peace between them."""
    while time.monotonic() < end:
        time.sleep(min(luck.uniform(0.2, 8), longest))
        name = luck.choice(list(stage.target.harms))
        stage.target.harms[name](min(luck.uniform(0.3, 8), longest))
        stage.counted.faults[f"database {name}"] += 1


def _live(stage: Stage, place: Place, end: float, longest: float, luck: Random) -> None:
    """One process after the other, each with its faults."""
    while time.monotonic() < end:
        with _process(stage, place) as one:
            _wait_for(stage, 4)
            for name in luck.choices(list(_FAULTS), k=luck.randint(1, 3)):
                _FAULTS[name](stage, place, luck, min(luck.uniform(0.3, 8), longest))
                stage.counted.faults[name] += 1
            one.process.kill()
            one.process.wait()
            stage.counted.faults["kill -9"] += 1


def _end_well(stage: Stage) -> None:
    """The last processes live until all visitors are answered."""
    with ExitStack() as living:
        for place in stage.places:
            living.enter_context(_process(stage, place))
        _wait_for(stage, 8)
        stage.over.set()
        for thread in [one for one in threading.enumerate() if one.name == "visitor"]:
            thread.join(60)


def _fill(_stage: Stage, place: Place, _luck: Random, seconds: float) -> None:
    assert place.process
    pid = place.process.process.pid
    _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, hard))
    time.sleep(seconds)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard, hard))


def _mislead(stage: Stage, _place: Place, luck: Random, seconds: float) -> None:
    stage.mail.manner = luck.choice(MANNERS)
    time.sleep(seconds)
    stage.mail.manner = "accept"


def _jump(_stage: Stage, place: Place, luck: Random, seconds: float) -> None:
    _set(place.clock, str(luck.choice(JUMPS)))
    time.sleep(seconds)


_FAULTS: dict[str, Callable[[Stage, Place, Random, float], None]] = {
    "disk full": _fill,
    "mail": _mislead,
    "clock": _jump,
}


def _set(path: Path, text: str) -> None:
    path.with_suffix(".new").write_text(text)
    os.replace(path.with_suffix(".new"), path)


def _with_clock() -> contextlib.AbstractContextManager[object]:
    return mock.patch.object(processes, "START", CLOCK + processes.START)


@contextmanager
def _process(stage: Stage, place: Place) -> Iterator[Running]:
    own = {"CHAOS_CLOCK": str(place.clock), **({"OBVERSE_DATABASE": stage.target.url} if stage.target.url else {})}
    with running(place.root, own) as one:
        place.process = one
        yield one


@contextmanager
def _visiting(stage: Stage, count: int, pause: float) -> Iterator[None]:
    """Meanwhile so many visitors send forms."""
    threads = [threading.Thread(target=_visit, args=(stage, pause), name="visitor") for _ in range(count)]
    with ExitStack() as ending:
        ending.callback(stage.over.set)
        for one in threads:
            one.start()
        yield
    for one in threads:
        one.join(60)


def _visit(stage: Stage, pause: float) -> None:
    """One form after the other, each sent until it is thanked, also when nobody new comes any more."""
    while not stage.over.wait(pause):
        mine = os.urandom(8).hex()
        body = fields(message=mine, email=f"{mine}@visitor.test")
        patience = time.monotonic() + PATIENCE
        while time.monotonic() < patience and not _thanked(stage, body):
            time.sleep(0.05)


def _thanked(stage: Stage, body: str) -> bool:
    """Whether one of the processes thanks for it: each try goes to any of them, as behind a proxy."""
    process = random.choice(stage.places).process
    if process is None:
        return False
    try:
        answer = process.ask("/_ob/f/contact", "POST", body, **FORM)
    except (OSError, http.client.HTTPException):
        return False
    if answer.status == 303:
        stage.acknowledged.append(answer.receipt)
    return answer.status == 303


def _wait_for(stage: Stage, more: int) -> None:
    """Until some more are thanked: a process that is killed before anybody came proves nothing."""
    wanted, patience = len(stage.acknowledged) + more, time.monotonic() + 30
    while len(stage.acknowledged) < wanted and time.monotonic() < patience:
        time.sleep(0.01)


def _make_well(stage: Stage) -> None:
    """The mail server takes mail, the clocks are right, hours pass, and processes do what is left to do."""
    stage.mail.manner = "accept"
    for place in stage.places:
        _set(place.clock, "0")
    patience = time.monotonic() + PATIENCE
    while time.monotonic() < patience and (left := _left(stage)):
        _make_due(stage)
        with ExitStack() as living:
            for place in stage.places:
                living.enter_context(_process(stage, place))
            _watch(stage)
        if _left(stage) < left:
            patience = time.monotonic() + PATIENCE


def _make_due(stage: Stage) -> None:
    with stage.database() as opened, opened.write() as connection:
        late = {"state": "waiting", "next_at": "2026-01-01T00:00:00.000000Z", "claimed_until": None}
        connection.execute(outbox.update().where(outbox.c.state.in_(("waiting", "claimed"))).values(**late))


def _watch(stage: Stage) -> None:
    """Until nothing is left, or nothing has become less for a while."""
    least, patience = _left(stage), time.monotonic() + STANDSTILL
    while least and time.monotonic() < patience:
        time.sleep(0.5)
        if (left := _left(stage)) < least:
            least, patience = left, time.monotonic() + STANDSTILL


def _left(stage: Stage) -> int:
    """What lies in the spools and what is not sent."""
    return sum(len(list((one.root / "var" / "spool").glob("*.json"))) for one in stage.places) + _waiting(stage)


def _waiting(stage: Stage) -> int:
    with stage.database() as opened, opened.read() as connection:
        asked = sa.select(sa.func.count()).select_from(outbox).where(outbox.c.state != "sent")
        return int(connection.execute(asked).scalar_one())


def _count(stage: Stage) -> None:
    counted = stage.counted
    found = kept(stage.places[0].root, stage.target.url)
    counted.acknowledged = len(stage.acknowledged)
    counted.lost = len(set(stage.acknowledged) - set(found))
    with stage.database() as opened, opened.read() as connection:
        instances = Counter(connection.execute(sa.select(submissions.c.instance)).scalars())
        counted.notices = len(connection.execute(sa.select(outbox.c.id)).all())
    counted.stored = sum(instances.values())
    counted.duplicates = sum(instances.values()) - len(instances)
    counted.mails = len(stage.mail.taken)
    counted.told = len({one.message["Message-ID"] for one in stage.mail.taken})


def main(arguments: list[str] | None = None) -> int:
    """Run, print what came of it, and end with 1 when it is not good."""
    parser = argparse.ArgumentParser(prog="benchmarks.chaos", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--visitors", type=int, default=8)
    parser.add_argument("--pause", type=float, default=0.05, help="seconds between two forms of one visitor")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(dir=given.folder, prefix="obverse-chaos-") as name:
        many = {"visitors": given.visitors, "pause": given.pause, "seed": given.seed}
        counted = chaos(Path(name), given.minutes * 60, kind=given.database, **many)
    print(counted)
    return 0 if counted.good else 1


if __name__ == "__main__":
    sys.exit(main())
