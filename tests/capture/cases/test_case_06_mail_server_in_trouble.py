"""Case 6: the mail server refuses, is not known, says 421 or 451, breaks TLS, hangs, or goes after the text.

The lead is safe, every such error is tried again, one mail has one Message-ID, and after a while every page says so.
"""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from capture.outbox import mail as by_mail
from capture.outbox.backoff import SENT
from capture.outbox.mail import send
from capture.outbox.worker import Worker
from capture.store import channels
from capture.store.channels import PATIENCE, TRIES
from capture.store.notices import Notice
from capture.watch.told import by_mail as to_owners
from capture.watch.told import tell as tell_the_house
from tests.capture.cases.visits import post, stored, visitor
from tests.capture.house import NOW, SETTINGS
from tests.capture.outbox_room import STILL, house_on, page, staff, table, tell
from tests.capture.receivers import certificate, free_port, mail_server, receiver
from tests.capture.test_outbox_letters import notification

BROKEN_OFF = "the mail server broke off, or did not answer in time"


@pytest.mark.parametrize(
    ("manner", "state", "error", "cause"),
    [
        ("defer", "later", "451 4.7.1 Come back later", "SMTPRecipientsRefused 451"),
        ("busy", "later", "421 4.3.2 Too busy", "SMTPRecipientsRefused 421"),
        ("refuse", "dead", "550 5.1.1 <…> nobody of that name", "SMTPRecipientsRefused 550"),
        ("spam", "dead", "554 5.7.1 That looks like spam", "SMTPDataError 554"),
        ("drop", "later", BROKEN_OFF, "SMTPServerDisconnected"),
        ("stall", "later", BROKEN_OFF, "SMTPServerDisconnected"),
    ],
)
def test_what_may_pass_is_tried_again_and_the_rest_is_not(manner: str, state: str, error: str, cause: str) -> None:
    with mail_server(manner=manner) as server:
        outcome = send(notification(), server.url, wait=0.3)
        assert (outcome.state, outcome.error, outcome.cause) == (state, error, cause)
        server.manner = "accept"
        assert send(notification(), server.url) == SENT
        assert len({one["Message-ID"] for one in server.messages}) == 1


def test_a_server_that_is_not_there_is_tried_again() -> None:
    assert send(notification(), f"smtp://127.0.0.1:{free_port()}").state == "later"
    outcome = send(notification(), "smtp://mail.invalid:25")
    assert (outcome.state, outcome.error) == ("later", "the mail server's name is not known")


def test_a_connection_that_is_not_secure_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(by_mail.Server, "near", property(lambda _: False))
    with mail_server(tls=certificate(tmp_path)) as server:
        outcome = send(notification(), server.url)
        assert (outcome.state, outcome.cause, server.taken) == ("later", "SSLCertVerificationError", [])
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
        assert send(notification(), server.url) == SENT


@pytest.mark.parametrize("manner", ["defer", "busy", "drop", "stall"])
def test_the_lead_is_safe_and_told_once_the_server_is_well(sqlite_url: str, tmp_path: Path, manner: str) -> None:
    hasty = replace(STILL, send=lambda message, url: send(message, url, wait=0.3))
    with mail_server(manner=manner) as mail, house_on(tmp_path, sqlite_url, mail) as house:
        assert post(visitor(house)).status_code == 303
        assert Worker(house, hasty).step(NOW) == 1
        assert len(stored(house)) == 1
        [row] = table(house).values()
        assert (row.state, row.next_at) == ("waiting", NOW + timedelta(seconds=10))
        mail.manner = "accept"
        assert Worker(house, hasty).step(row.next_at) == 1
        assert {one.state for one in table(house).values()} == {"sent"}
    assert len({one["Message-ID"] for one in mail.messages}) == 1


def test_after_some_tries_every_page_says_so_and_the_other_channel_is_told_once(
    database_url: str, tmp_path: Path
) -> None:
    """Two processes work on the outbox; the alarm is one."""
    with (
        mail_server(manner="defer") as mail,
        receiver() as hook,
        house_on(tmp_path, database_url, mail, settings=replace(SETTINGS, webhook=hook.url)) as house,
    ):
        for number in range(TRIES - 1):
            tell(house, f"{number}@house.test")
        desk, both = staff(house), (Worker(house, STILL), Worker(house, STILL))
        assert both[0].step(NOW) == TRIES - 1
        assert 'class="broken"' not in page(desk, "/inbox/")
        tell(house, "the-last@house.test")
        tried = [worker.step(NOW + timedelta(seconds=seconds)) for seconds in (1, 2, 3) for worker in both]
        assert sum(tried) == 2  # the mail, and the alarm
        for path in ("/inbox/", "/inbox/deliveries", "/inbox/report"):
            assert "Nothing is delivered by Mail since" in page(desk, path)
            assert "451 4.7.1 Come back later" in page(desk, path)
        health = desk.get("/healthz")
        assert (health.status_code, health.json) == (200, {"database": "ok", "spool": "ok", "delivery": "failing"})
        [told] = [json.loads(one.body) for one in hook.taken]
        assert told["type"] == "channel.broken"
        assert (told["data"]["channel"], told["data"]["error"]) == ("mail", "451 4.7.1 Come back later")
        assert told["data"]["url"] == "https://site.test/inbox/deliveries"
        assert "inquiry" not in told["data"]
        assert [one.inquiry for one in table(house).values() if one.kind == "outage"] == [""]
        mail.manner = "accept"
        assert both[0].step(NOW + timedelta(hours=1)) == TRIES
        assert 'class="broken"' not in page(desk, "/inbox/")
        assert desk.get("/healthz").json["delivery"] == "ok"  # type: ignore[index]


def test_mails_of_the_house_that_fail_are_told_as_any(sqlite_url: str, tmp_path: Path) -> None:
    """What could not be delivered last belongs to no inquiry."""
    with (
        mail_server(manner="defer") as mail,
        receiver() as hook,
        house_on(tmp_path, sqlite_url, mail, settings=replace(SETTINGS, webhook=hook.url)) as house,
    ):
        tell_the_house(house, Notice("silence 1", "silence", NOW), to_owners(house.releases.current(), "silence", {}))
        worker = Worker(house, STILL)
        for hours in (0, 1, 2):
            worker.step(NOW + timedelta(hours=hours))
        assert [json.loads(one.body)["type"] for one in hook.taken] == ["channel.broken"]


def test_one_mail_that_fails_for_an_hour_is_an_outage_too(sqlite_url: str, tmp_path: Path) -> None:
    """A house that few write to would wait days for the tenth try."""
    with (
        mail_server(manner="defer") as mail,
        receiver() as hook,
        house_on(tmp_path, sqlite_url, mail, settings=replace(SETTINGS, webhook=hook.url)) as house,
    ):
        tell(house, "a@house.test")
        worker, now = Worker(house, STILL), NOW
        while now < NOW + PATIENCE:
            worker.step(now)
            now = table(house)["a@house.test"].next_at
        assert hook.taken == []
        worker.step(NOW + PATIENCE)
        worker.step(NOW + PATIENCE)
        worker.step(NOW + PATIENCE + timedelta(hours=30))
        assert [json.loads(one.body)["type"] for one in hook.taken] == ["channel.broken"]


def test_of_a_broken_webhook_a_mail_tells(sqlite_url: str, tmp_path: Path) -> None:
    with mail_server() as mail, receiver(status=410) as hook, house_on(tmp_path, sqlite_url, mail) as house:
        tell(house, webhook=hook.url)
        worker = Worker(house, STILL)
        assert worker.step(NOW) == 1
        assert worker.step(NOW) == 1
        tell(house, webhook=hook.url)
        assert worker.step(NOW + timedelta(days=1)) == 1  # stopped, and told of already
    [taken] = mail.taken
    assert taken.receivers == ("team@house.test",)
    assert taken.message["Subject"] == "Webhook is broken: nothing is delivered"
    assert taken.message["Auto-Submitted"] == "auto-generated"
    assert taken.message["X-Obverse-Inquiry"] is None
    text = taken.message.get_content()
    assert "Nothing has been delivered by Webhook since 2026-11-23 10:00 (UTC)." in text
    assert "the receiver said 410" in text
    assert "https://site.test/inbox/deliveries" in text


def test_what_a_server_says_of_one_receiver_says_nothing_of_the_channel(sqlite_url: str, tmp_path: Path) -> None:
    with mail_server(manner="refuse") as mail, house_on(tmp_path, sqlite_url, mail) as house:
        for number in range(2 * TRIES):
            tell(house, f"{number}@house.test")
        assert Worker(house, STILL).step(NOW) == 2 * TRIES
        assert 'class="broken"' not in page(staff(house), "/inbox/")


def test_of_processes_that_see_it_at_once_one_tells(database_url: str, tmp_path: Path) -> None:
    with house_on(tmp_path, database_url) as house:
        with house.database.write() as connection:
            channels.failed(connection, "mail", "451 later", NOW, for_good=True)
        with house.database.read() as connection:
            [seen] = channels.broken(connection, NOW)
        told = []
        for _ in range(2):  # each has seen the same, and comes to write after the other
            with house.database.write() as connection:
                told.append(channels.tell(connection, seen, NOW))
        assert told == [True, False]
