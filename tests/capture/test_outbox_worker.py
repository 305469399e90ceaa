"""The worker: every row is delivered, put off or given up, whatever happens to the network, clock or database."""

import itertools
import json
import logging
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from capture.model import Outgoing
from capture.outbox.backoff import DELAYS, SENT, Outcome, later, next_try
from capture.outbox.mail import send
from capture.outbox.notifications import outgoing_for
from capture.outbox.worker import LEASE, ROUND, Channels, Worker
from capture.setup import Secrets
from capture.spool import keep
from capture.store.database import FILE, Database, Unavailable
from capture.store.moments import to_text
from capture.store.saving import save
from capture.store.tables import outbox as rows
from tests.capture.house import CONTACT, NOW, SETTINGS, Tokens, a_house
from tests.capture.outbox_room import STILL, Crash, clock, house_on, table, tell
from tests.capture.receivers import free_port, mail_server, receiver
from tests.capture.samples import make_submission
from tests.serving import until


def test_a_submission_is_told_by_mail_and_to_the_webhook(database_url: str, tmp_path: Path) -> None:
    with mail_server() as mail, receiver() as hook, house_on(tmp_path, database_url, mail) as house:
        tell(house, "a@house.test", "b@house.test", webhook=hook.url)
        worker = Worker(house, STILL)
        assert worker.step(NOW) == 3
        assert worker.step(NOW + timedelta(days=9)) == 0
        assert sorted(one.receivers for one in mail.taken) == [("a@house.test",), ("b@house.test",)]
        told = json.loads(hook.taken[0].body)["data"]
        link = f"https://site.test/inbox/i/{told['inquiry']}"
        assert told["url"] == link
        assert all(link in one.get_content() for one in mail.messages)
        assert {(one.state, one.attempts, one.done_at) for one in table(house).values()} == {("sent", 1, NOW)}


def test_tries_go_on_for_three_days_and_then_end(database_url: str, tmp_path: Path) -> None:
    tried: list[datetime] = []

    def fail(*_: Any) -> Outcome:
        tried.append(now)
        return later("away", "Away")

    with house_on(tmp_path, database_url) as house:
        tell(house, "a@house.test")
        worker, now = Worker(house, Channels(send=fail, jitter=lambda: 0.0)), NOW
        while (row := table(house)["a@house.test"]).state == "waiting":
            now = row.next_at - timedelta(microseconds=1)
            assert now < NOW or worker.step(now) == 0  # not before its time
            now = row.next_at
            assert worker.step(now) == 1
        waits = [(after - before).total_seconds() for before, after in itertools.pairwise(tried)]
        assert waits == list(DELAYS[1:])
        assert sum(waits) >= timedelta(hours=75).total_seconds()
        assert (row.state, row.last_error, row.attempts) == ("dead", "away", len(DELAYS))


def test_a_mail_server_that_was_away_gets_everything_when_it_is_back(sqlite_url: str, tmp_path: Path) -> None:
    with mail_server() as mail:
        gone = replace(mail, port=free_port())
        with house_on(tmp_path, sqlite_url, gone) as house:
            for n in range(3):
                tell(house, f"{n}@house.test")
            assert Worker(house, STILL).step(NOW) == 3
            assert {one.state for one in table(house).values()} == {"waiting"}
            back = replace(house, setup=replace(house.setup, secrets=Secrets(smtp=mail.url)))
            assert Worker(back, STILL).step(NOW + timedelta(seconds=10)) == 3
            assert {one.state for one in table(house).values()} == {"sent"}
        assert len(mail.taken) == 3


def test_one_that_kills_its_process_is_not_tried_for_ever(sqlite_url: str, tmp_path: Path) -> None:
    def crash(*_: Any) -> Outcome:
        raise Crash

    with house_on(tmp_path, sqlite_url) as house:
        tell(house, "a@house.test")
        now = NOW
        for _ in DELAYS:
            with pytest.raises(Crash):
                Worker(house, Channels(send=crash)).step(now)
            now += LEASE
        assert Worker(house, Channels(send=crash)).step(now) == 1
        assert table(house)["a@house.test"].state == "dead"


def test_two_workers_on_one_postgresql_send_nothing_twice(postgres_url: str, tmp_path: Path) -> None:
    count = 30
    with receiver() as hook, house_on(tmp_path / "one", postgres_url) as one:
        with house_on(tmp_path / "two", postgres_url) as two:
            for _ in range(count):
                tell(one, webhook=hook.url)
            other = replace(two, token=lambda: "f" * 32)
            both = (Worker(one, STILL), Worker(other, STILL))
            done: list[int] = []

            def work(worker: Worker) -> None:
                while tried := worker.step(NOW):
                    done.append(tried)

            threads = [threading.Thread(target=work, args=(worker,)) for worker in both]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        ids = [post.headers["webhook-id"] for post in hook.taken]
        assert (len(ids), len(set(ids)), sum(done)) == (count, count, count)


class Away:
    """A database that can be taken away."""

    def __init__(self, inner: Database) -> None:
        self._inner = inner
        self.away = False
        self.refused = 0

    @property
    def is_postgres(self) -> bool:
        return self._inner.is_postgres

    @contextmanager
    def _given(self, how: str) -> Iterator[sa.Connection]:
        if self.away:
            self.refused += 1
            raise Unavailable("away")
        with getattr(self._inner, how)() as connection:
            yield connection

    def write(self, **given: Any) -> Any:
        return self._given("write")

    def read(self) -> Any:
        return self._given("read")


def test_what_was_sent_while_the_database_went_away_is_not_sent_again(sqlite_url: str, tmp_path: Path) -> None:
    with mail_server() as mail, house_on(tmp_path, sqlite_url, mail) as inner:
        database = Away(inner.database)
        house = replace(inner, database=database)  # type: ignore[arg-type]
        tell(house, "a@house.test")

        def take_away(*given: Any) -> Outcome:
            outcome = send(*given)
            database.away = True
            return outcome

        worker = Worker(house, Channels(send=take_away))
        for _ in range(2):
            with pytest.raises(Unavailable):
                worker.step(NOW)
        database.away = False
        assert worker.step(NOW + 2 * LEASE) == 0
        assert len(mail.taken) == 1
        assert table(house)["a@house.test"].state == "sent"


def test_the_thread_outlives_a_database_that_is_away(
    sqlite_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("capture.outbox.worker._FIRST_PAUSE", 0.02)
    with mail_server() as mail, house_on(tmp_path, sqlite_url, mail) as inner:
        database = Away(inner.database)
        house = replace(inner, database=database)  # type: ignore[arg-type]
        tell(house, "a@house.test")
        database.away = True
        worker = Worker(house)
        with caplog.at_level(logging.INFO, "obverse.capture"):
            worker.start()
            until(lambda: database.refused > 2)
            assert mail.taken == []
            database.away = False
            until(lambda: mail.taken)
            assert worker.stop(10)
    told = [json.loads(one.getMessage()) for one in caplog.records]
    assert {"kind": "outbox", "state": "away", "cause": "Unavailable"} in told


def test_wake_delivers_at_once_and_stop_waits_for_the_delivery_at_hand(sqlite_url: str, tmp_path: Path) -> None:
    inside, go_on = threading.Event(), threading.Event()

    def slow(*_: Any) -> Outcome:
        inside.set()
        assert go_on.wait(10)
        return SENT

    with house_on(tmp_path, sqlite_url) as house:
        worker = Worker(house, Channels(send=slow))
        worker.start()
        tell(house, "a@house.test", "b@house.test")
        worker.wake()
        assert inside.wait(10)
        assert not worker.stop(0.01)
        go_on.set()
        assert worker.stop(10)
        assert sorted(one.state for one in table(house).values()) == ["sent", "waiting"]


def test_a_worker_that_never_began_is_stopped_at_once(sqlite_url: str, tmp_path: Path) -> None:
    with house_on(tmp_path, sqlite_url) as house:
        assert Worker(house).stop(0)


def test_in_a_preview_nothing_leaves_the_house(sqlite_url: str, tmp_path: Path) -> None:
    with mail_server() as mail, receiver() as hook, house_on(tmp_path, sqlite_url, mail, preview=True) as house:
        tell(house, "a@house.test", webhook=hook.url)
        assert Worker(house).step(NOW) == 2
        assert {one.state for one in table(house).values()} == {"sent"}
        assert (mail.taken, mail.tried, hook.taken) == ([], 0, [])


def test_a_row_that_cannot_be_made_into_a_mail_holds_nobody_and_tells_nothing(
    sqlite_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with mail_server() as mail, house_on(tmp_path, sqlite_url, mail) as house:
        tell(house, "not an address", "b@house.test")
        submission = make_submission(received_at=NOW, instance="broken")
        broken = Outgoing("mail", "notify", "c@house.test", {"answers": ["Ann's secret"]})
        with house.database.write() as connection:
            save(connection, submission, [broken], house.token, now=NOW)
        with caplog.at_level(logging.INFO, "obverse.capture"):
            assert Worker(house, STILL).step(NOW) == 3
        found = table(house)
    states = {target: one.state for target, one in found.items()}
    assert states == {"not an address": "dead", "b@house.test": "sent", "c@house.test": "waiting"}
    assert "secret" not in found["c@house.test"].last_error
    assert "address" in found["not an address"].last_error


def test_the_log_tells_of_deliveries_and_not_of_people(
    sqlite_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        mail_server(refused={"a@house.test"}) as mail,
        receiver(status=500) as hook,
        house_on(tmp_path, sqlite_url, mail) as house,
        caplog.at_level(logging.INFO, "obverse.capture"),
    ):
        tell(house, "a@house.test", "b@house.test", webhook=hook.url)
        Worker(house, STILL).step(NOW)
    told = {one["channel"] + one["outcome"]: one for one in (json.loads(line.getMessage()) for line in caplog.records)}
    assert sorted(told) == ["maildead", "mailsent", "webhooklater"]
    assert told["maildead"] | {"outbox": ""} == {
        "kind": "delivery",
        "channel": "mail",
        "outbox": "",
        "attempt": 1,
        "outcome": "dead",
        "cause": "SMTPRecipientsRefused 550",
    }
    whole = "\n".join(one.getMessage() for one in caplog.records)
    assert "\n" not in caplog.records[0].getMessage()
    assert not any(text in whole for text in ("@", "Ada", "What does it cost", "nobody of that name"))


def test_without_settings_the_mail_waits_and_says_what_to_set(sqlite_url: str, tmp_path: Path) -> None:
    with house_on(tmp_path, sqlite_url) as house:
        tell(house, "a@house.test")
        Worker(house, STILL).step(NOW)
        assert "OBVERSE_SMTP" in table(house)["a@house.test"].last_error
    with a_house(tmp_path / "b", settings=replace(SETTINGS, sender=""), secrets=Secrets(key="5e" * 32)) as house:
        tell(house, "a@house.test", webhook="https://hook.test/")
        Worker(house, STILL).step(NOW)
        found = table(house)
    assert "[capture]" in found["a@house.test"].last_error
    assert found["https://hook.test/"].state == "dead"


def test_what_waits_in_the_spool_is_stored_and_told(sqlite_url: str, tmp_path: Path) -> None:
    with mail_server() as mail, house_on(tmp_path, sqlite_url, mail) as house:
        submission = make_submission(received_at=NOW)
        house.spool.mkdir(parents=True, exist_ok=True)
        keep(house.spool, submission, outgoing_for(CONTACT, SETTINGS, submission))
        assert Worker(house, STILL).step(clock(house)()) == 1
        assert list(house.spool.glob("*.json")) == []
    assert [one.receivers for one in mail.taken] == [("sales@house.test",)]


class Counting(Away):
    """A database that counts what is written in one go."""

    def __init__(self, inner: Database) -> None:
        super().__init__(inner)
        self.writes = 0

    def write(self, **given: Any) -> Any:
        self.writes += 1
        return super().write(**given)


def test_quick_deliveries_share_their_transactions(sqlite_url: str, tmp_path: Path) -> None:
    with house_on(tmp_path, sqlite_url) as inner:
        database = Counting(inner.database)
        house = replace(inner, database=database)  # type: ignore[arg-type]
        tell(house, *(f"{n}@house.test" for n in range(31)))
        database.writes = 0
        assert Worker(house, Channels(send=lambda *_: SENT)).step(NOW) == 31
        # 1, 2, 4, 8, 10 and 6 rows, each time claimed at once, and marked with the next claim; the last finds none
        assert database.writes == 7
        assert {one.state for one in table(house).values()} == {"sent"}


def test_what_the_last_claim_of_a_round_brought_is_marked_before_it_ends(sqlite_url: str, tmp_path: Path) -> None:
    with house_on(tmp_path, sqlite_url) as house:
        tell(house, *(f"{n}@house.test" for n in range(ROUND + 1)))
        assert Worker(house, Channels(send=lambda *_: SENT)).step(NOW) == ROUND
        assert sorted(one.state for one in table(house).values()) == ["sent"] * ROUND + ["waiting"]


def test_a_worker_folds_the_log(sqlite_url: str, tmp_path: Path) -> None:
    """Nobody who answers visitors does."""
    with house_on(tmp_path, sqlite_url) as house:
        tell(house, "a@house.test")
        worker = Worker(house, Channels(send=lambda *_: SENT))
        worker.start()
        until(lambda: "sent" in in_the_file_alone(tmp_path))
        assert worker.stop(10)


def in_the_file_alone(folder: Path) -> list[str]:
    """The states of the outbox as they are without the log."""
    alone = folder / "alone.db"
    alone.write_bytes((folder / "var" / FILE).read_bytes())
    with closing(sqlite3.connect(alone)) as connection:
        return [state for (state,) in connection.execute("SELECT state FROM outbox")]


def test_what_a_slow_server_leaves_no_time_for_is_given_back(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody else waits for a claim to run out, and no try is counted that was not made."""
    seen: list[list[str]] = []

    def send(*_: Any) -> Outcome:
        if len(seen) == 2:
            monkeypatch.setattr("capture.outbox.worker._QUICK", -1.0)
        seen.append([one.state for one in table(house).values() if one.state == "claimed"])
        return SENT

    with house_on(tmp_path, sqlite_url) as house:
        tell(house, *(f"{n}@house.test" for n in range(9)))
        assert Worker(house, Channels(send=send)).step(NOW) == 9
        assert [len(one) for one in seen] == [1, 2, 2, 4, 2, 2, 2, 2, 1]
        assert {(one.state, one.attempts) for one in table(house).values()} == {("sent", 1)}


def test_what_a_receiver_asks_for_goes_for_all_that_was_claimed_with_it(sqlite_url: str, tmp_path: Path) -> None:
    answers = [SENT, SENT, SENT, later("429", "429", timedelta(hours=1))]
    with house_on(tmp_path, sqlite_url) as house:
        for _ in range(9):
            tell(house, webhook="https://hook.test/")
        worker = Worker(house, Channels(post=lambda *_, **__: answers.pop(0), jitter=lambda: 0.0))
        assert worker.step(NOW) == 4
        with house.database.read() as connection:
            found = sorted(tuple(one) for one in connection.execute(sa.select(rows.c.state, rows.c.next_at)))
        assert [one for one, _ in found] == ["sent"] * 3 + ["waiting"] * 6
        assert {at for state, at in found if state == "waiting"} == {to_text(NOW + timedelta(hours=1))}


def test_a_row_erased_meanwhile_is_let_go(sqlite_url: str, tmp_path: Path) -> None:
    with house_on(tmp_path, sqlite_url) as house:
        tell(house, "a@house.test", "b@house.test")

        def erase(*_: Any) -> Outcome:
            with house.database.write() as connection:
                connection.execute(rows.delete().where(rows.c.state == "claimed"))
            return SENT

        worker = Worker(house, Channels(send=erase))
        assert worker.step(NOW) == 2
        assert table(house) == {}


def test_a_round_ends_so_that_the_spool_has_its_turn(sqlite_url: str, tmp_path: Path) -> None:
    with house_on(tmp_path, sqlite_url) as house:
        tell(house, *(f"{n}@house.test" for n in range(ROUND + 1)))
        worker = Worker(house, Channels(send=lambda *_: SENT))
        assert worker.step(NOW) == ROUND
        assert worker.step(NOW) == 1


def test_waits_grow_by_their_schedule_and_a_little_chance() -> None:
    assert next_try(0, NOW, 0.0) == NOW
    assert next_try(1, NOW, 0.0) == NOW + timedelta(seconds=10)
    assert next_try(1, NOW, 1.0) == NOW + timedelta(seconds=11)
    assert next_try(10, NOW, 0.5) == NOW + timedelta(days=1) * 1.05
    assert next_try(11, NOW, 0.0) is None
    assert next_try(1, NOW, 0.0, timedelta(hours=3)) == NOW + timedelta(hours=3)
    assert next_try(4, NOW, 0.0, timedelta(seconds=1)) == NOW + timedelta(minutes=30)
    assert next_try(1, NOW, 0.0, timedelta(days=900)) == NOW + timedelta(days=1)


def test_the_worker_is_named_by_a_token_so_that_no_two_are_the_same(sqlite_url: str, tmp_path: Path) -> None:
    with house_on(tmp_path, sqlite_url) as house:
        named = replace(house, token=Tokens())
        assert Worker(named)._name != Worker(named)._name
