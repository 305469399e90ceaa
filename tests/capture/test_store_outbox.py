"""The rows of the outbox: claimed by one at a time, tried again, given up, tried once more."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from capture.store import outbox, tables
from capture.store.database import Database
from capture.store.moments import to_text
from capture.store.saving import save
from tests.capture.samples import NOW, make_outgoing, make_submission, tokens

LEASE, MINUTE = timedelta(minutes=5), timedelta(minutes=1)


def put(database: Database, *targets: str, channel: str = "mail") -> None:
    with database.write() as connection:
        for target in targets:
            submission = make_submission(values={"message": target})
            save(connection, submission, [make_outgoing(target, channel)], tokens(submission.id))


def claimed(database: Database, now: datetime = NOW, limit: int = 10, worker: str = "w") -> list[str]:
    with database.write() as connection:
        return sorted(one.target for one in outbox.claim(connection, worker, now, limit, LEASE))


def row(database: Database, target: str = "a") -> outbox.Delivery:
    with database.read() as connection:
        chosen = sa.select(tables.outbox.c.id).where(tables.outbox.c.target == target)
        found = outbox.delivery(connection, connection.execute(chosen).scalar_one())
    assert found is not None
    return found


def act(database: Database, name: str, *given: object, target: str = "a") -> None:
    with database.write() as connection:
        getattr(outbox, name)(connection, row(database, target).id, *given)


def due(database: Database) -> datetime | None:
    with database.read() as connection:
        return outbox.next_due(connection)


def test_what_is_due_is_claimed_once(database: Database) -> None:
    put(database, "a", "b", "c")
    assert due(database) == NOW
    assert claimed(database, NOW - MINUTE) == []
    assert len(claimed(database, limit=2)) == 2
    assert len(claimed(database)) == 1
    assert claimed(database) == []
    assert due(database) == NOW + LEASE


def test_a_long_backlog_makes_no_claim_dearer(sqlite_database: Database) -> None:
    """Not all that waits is sorted for each that is claimed."""
    with sqlite_database.write() as connection:
        plans = [_plan(connection, one) for one in _asked(connection)]
    assert len(plans) == 2
    assert "next_at<" in plans[1]
    assert "TEMP B-TREE" not in plans[1]


def _asked(connection: sa.Connection) -> list[tuple[str, Any]]:
    asked: list[tuple[str, Any]] = []
    sa.event.listen(connection, "before_cursor_execute", lambda _, __, text, given, *___: asked.append((text, given)))
    outbox.claim(connection, "w", NOW, 1, LEASE)
    return [one for one in asked if one[0].startswith("SELECT outbox.id \nFROM")]


def _plan(connection: sa.Connection, asked: tuple[str, Any]) -> str:
    return str(connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {asked[0]}", asked[1]).all())


def test_a_claim_ends_by_itself_and_each_counts(database: Database) -> None:
    put(database, "a")
    for number in range(3):
        assert claimed(database, NOW + number * LEASE) == ["a"]
        assert claimed(database, NOW + number * LEASE + MINUTE) == []
    assert row(database).attempts == 3


def test_who_gives_back_gives_back_its_own(database: Database) -> None:
    put(database, "a")
    claimed(database, worker="w1")
    for worker, left in (("w2", []), ("w1", ["a"])):
        with database.write() as connection:
            outbox.give_back(connection, worker, [row(database).id])
        assert claimed(database) == left
    assert row(database).attempts == 1


def test_sent_is_sent(database: Database) -> None:
    put(database, "a")
    claimed(database)
    act(database, "sent", NOW)
    assert claimed(database, NOW + timedelta(days=9)) == []
    assert due(database) is None
    assert (row(database).state, row(database).done_at) == ("sent", NOW)
    with pytest.raises(ValueError, match="sent already"):
        act(database, "replay", NOW)


def test_failed_is_tried_again_at_its_time(database: Database) -> None:
    put(database, "a")
    claimed(database)
    act(database, "failed", "451 later", NOW + MINUTE, NOW)
    assert due(database) == NOW + MINUTE
    assert claimed(database) == []
    assert claimed(database, NOW + MINUTE) == ["a"]
    with pytest.raises(ValueError, match="being sent"):
        act(database, "replay", NOW)


def test_dead_is_dead_until_a_person_asks(database: Database) -> None:
    put(database, "a")
    claimed(database)
    act(database, "dead", "550 no", NOW)
    assert (row(database).state, row(database).last_error, due(database)) == ("dead", "550 no", None)
    assert claimed(database, NOW + timedelta(days=9)) == []
    act(database, "replay", NOW + MINUTE)
    assert row(database).attempts == 0
    assert claimed(database, NOW + MINUTE) == ["a"]


def test_who_lost_it_may_have_it_again(database: Database) -> None:
    put(database, "a")
    claimed(database)
    act(database, "sent", NOW)
    before = row(database).id
    with database.write() as connection:
        outbox.replay(connection, before, NOW + MINUTE, sent_too=True)
    assert claimed(database, NOW + MINUTE) == ["a"]
    assert row(database).id == before


def test_a_range_of_time_is_sent_again(database: Database) -> None:
    """What was given up, or all but replies when somebody lost it; from the first moment on, before the last."""
    rows = {
        **{f"{state} {day}": ("webhook", "notify", state, day) for state in ("dead", "sent") for day in range(4)},
        "waiting": ("webhook", "notify", "waiting", 1),
        "stopped": ("webhook", "notify", "stopped", 1),
        "mail": ("mail", "notify", "dead", 1),
        "reply": ("mail", "reply", "sent", 1),
        "thanks": ("mail", "auto-reply", "sent", 1),
    }
    put(database, *rows)

    def again(**how: Any) -> set[str]:
        with database.write() as connection:
            for target, (channel, kind, state, day) in rows.items():
                at = to_text(NOW + timedelta(days=day))
                plain = {"channel": channel, "kind": kind, "state": state, "created_at": at, "attempts": 3}
                connection.execute(tables.outbox.update().where(tables.outbox.c.target == target).values(**plain))
            start, end = (NOW + timedelta(days=days) for days in (1, 3))
            count = outbox.replay_range(connection, start, end, NOW, **how)
            found = {one.target for one in outbox.deliveries(connection, ("waiting",)) if one.attempts == 0}
        assert count == len(found)
        return found

    assert again() == {"dead 1", "dead 2", "mail"}
    assert again(channel="webhook") == {"dead 1", "dead 2"}
    assert again(sent_too=True) == {"dead 1", "dead 2", "sent 1", "sent 2", "mail"}


@pytest.mark.parametrize("id", ["0" * 32, "\0", ""])
def test_an_unknown_row(sqlite_database: Database, id: str) -> None:
    with sqlite_database.write() as connection:
        assert outbox.delivery(connection, id) is None
        for act in (outbox.sent, outbox.replay):
            with pytest.raises(KeyError):
                act(connection, id, NOW)


def test_health_by_channel(database: Database) -> None:
    with database.read() as connection:
        assert outbox.health(connection) == {}
    put(database, "a", "b", "c", "d")
    put(database, "hook", channel="webhook")
    claimed(database)
    act(database, "sent", NOW + MINUTE, target="a")
    act(database, "dead", "550 no", NOW, target="b")
    act(database, "failed", "451 later", NOW + 2 * MINUTE, NOW + 2 * MINUTE, target="c")
    with database.read() as connection:
        assert outbox.health(connection) == {
            "mail": outbox.Health(
                waiting=2,
                dead=1,
                stopped=0,
                last_sent=NOW + MINUTE,
                last_failed=NOW + 2 * MINUTE,
                failing_since=NOW + 2 * MINUTE,
                last_error="451 later",
            ),
            "webhook": outbox.Health(1, 0, 0, last_sent=None, last_failed=None, failing_since=None, last_error=""),
        }
        assert {one.target for one in outbox.deliveries(connection)} == {"b", "c", "d", "hook"}
        assert [one.target for one in outbox.deliveries(connection, ("dead",))] == ["b"]
        assert len(outbox.deliveries(connection, limit=2, offset=3)) == 1


def test_many_workers_claim_each_row_once(database: Database) -> None:
    put(database, *(f"t{number:02}" for number in range(40)))

    def work(worker: str) -> list[str]:
        mine: list[str] = []
        while some := claimed(database, limit=3, worker=worker):
            mine += some
        return mine

    with ThreadPoolExecutor(4) as pool:
        shares = list(pool.map(work, ("w1", "w2", "w3", "w4")))
    assert sorted(one for share in shares for one in share) == [f"t{number:02}" for number in range(40)]


def test_a_worker_does_not_wait_for_another(postgres_url: str, tmp_path: Path) -> None:
    database = Database.open(postgres_url, tmp_path)
    put(database, "a", "b")
    with database.write() as connection:
        assert len(outbox.claim(connection, "w1", NOW, 1, LEASE)) == 1
        assert len(claimed(database)) == 1  # while the first is still at it
    database.close()
