"""Posts to a real receiver that takes, refuses, redirects, stalls, trickles and talks without end."""

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from capture.outbox.backoff import SENT, Outcome
from capture.outbox.keys import keys_of
from capture.outbox.notifications import outgoing_for
from capture.outbox.webhook import LARGEST, body, post
from capture.store.outbox import Delivery
from tests.capture.house import CONTACT
from tests.capture.receivers import Post, Receiver, certificate, free_port, receiver
from tests.capture.samples import digits
from tests.capture.test_outbox_letters import NASTY, PAGE, SITE, delivery, submission

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
ADDRESS = "https://site.test"


def row(url: str = "https://hook.test/in", **changes: Any) -> Delivery:
    told = outgoing_for(CONTACT, replace(SITE, webhook=url), submission(**changes), PAGE)[-1]
    return delivery(json.loads(json.dumps(told.payload)), channel="webhook", target=url)


def tell(to: Receiver, whole: float = 15.0, now: datetime | None = None) -> Outcome:
    return post(row(to.url), SECRET, ADDRESS, now or datetime.now(UTC), whole=whole)


def test_a_post_is_signed_as_the_standard_says() -> None:
    with receiver() as one:
        assert tell(one) == SENT
    [taken] = one.taken
    assert taken.path == "/hook?of=site"
    assert taken.headers["content-type"] == "application/json"
    assert taken.headers["webhook-id"] == digits("row")
    told = Webhook(SECRET).verify(taken.body, dict(taken.headers))
    assert told["type"] == "inquiry.received"
    assert told["timestamp"] == "2026-11-23T10:00:00+00:00"
    data = told["data"]
    assert data["inquiry"] == digits("inquiry")
    assert data["url"] == f"https://site.test/inbox/i/{digits('inquiry')}"
    assert data["page"] == {
        "id": "articles/two-sides.md",
        "title": "Marketing vs. sales",
        "url": "https://site.test/articles/two-sides/",
    }
    assert data["answers"][2] == {"name": "budget", "label": "Budget", "value": "middle"}
    assert data["consents"][0]["given"] is True
    assert data["extra"] == {"colour": ["red", "blue"]}
    assert data["shortened"] is False
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(taken.body.replace(b"Ann", b"Bob"), dict(taken.headers))


def test_each_try_has_the_same_id_and_body_and_its_own_time() -> None:
    now = datetime.now(UTC)
    with receiver(status=500) as one:
        same = row(one.url)
        for seconds in (0, 10):
            post(same, SECRET, ADDRESS, now + timedelta(seconds=seconds))
    first, second = one.taken
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body
    assert int(second.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"]) == 10
    assert Webhook(SECRET).verify(second.body, dict(second.headers))


def test_a_receiver_that_is_not_there_is_tried_again() -> None:
    now = datetime.now(UTC)
    assert post(row(f"http://127.0.0.1:{free_port()}/"), SECRET, ADDRESS, now).state == "later"
    assert post(row("https://hook.invalid/"), SECRET, ADDRESS, now).error == "the receiver's name is not known"
    assert post(row("ftp://hook.test/"), SECRET, ADDRESS, now).state == "dead"
    assert post(row("https://hook.test:port/"), SECRET, ADDRESS, now).state == "dead"


def test_certificates_are_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with receiver(tls=certificate(tmp_path)) as one:
        outcome = tell(one)
        assert (outcome.state, outcome.cause, one.taken) == ("later", "SSLCertVerificationError", [])
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
        assert tell(one) == SENT
        assert one.taken[0].headers["host"] == one.address.removeprefix("https://")


@pytest.mark.parametrize(
    "secret",
    ["", "whsec_", "whsec_c2hvcnQ=", "whsec_!!!", "sk_" + SECRET[6:], "whsec_" + base64.b64encode(bytes(65)).decode()],
)
def test_without_a_good_secret_nothing_is_sent(secret: str) -> None:
    with receiver() as one:
        outcome = post(row(one.url), secret, ADDRESS, datetime.now(UTC))
    assert (outcome.state, one.taken) == ("dead", [])
    assert "OBVERSE_WEBHOOK" in outcome.error
    assert len(secret) < 8 or secret not in outcome.error


def test_keys_have_24_to_64_bytes() -> None:
    lengths = (23, 24, 64, 65)
    keys = [keys_of("whsec_" + base64.b64encode(bytes(length)).decode()) for length in lengths]
    assert [[len(key.secret) for key in found] for found in keys] == [[], [24], [64], []]


OLD = "whsec_" + base64.b64encode(bytes(range(40, 80))).decode()


def takes(secret: str, taken: Post) -> bool:
    """Whether a receiver that knows only this secret takes the post."""
    try:
        Webhook(secret).verify(taken.body, dict(taken.headers))
    except WebhookVerificationError:
        return False
    return True


def test_while_a_key_is_exchanged_both_sign() -> None:
    today = datetime.now(UTC)
    tomorrow, yesterday = (f"{(today + timedelta(days=days)).date()}" for days in (1, -1))
    settings = (f"{SECRET} {OLD}", f"{SECRET} {OLD}@{today.date()}", f"{SECRET} {OLD}@{tomorrow}")
    with receiver() as one:
        for setting in (*settings, f"{SECRET} {OLD}@{yesterday}", SECRET):
            assert post(row(one.url), setting, ADDRESS, today) == SENT
        found = [(takes(SECRET, taken), takes(OLD, taken)) for taken in one.taken]
        assert found == [(True, True)] * len(settings) + [(True, False)] * 2
        assert one.taken[0].headers["webhook-signature"].count(" v1,") == 1
        assert post(row(one.url), f"{OLD}@{yesterday}", ADDRESS, today).cause == "NoSecret"


@pytest.mark.parametrize("setting", [f"{SECRET} whsec_c2hvcnQ=", f"{SECRET} {OLD}@soon", f"{SECRET},{OLD}"])
def test_one_bad_key_makes_the_setting_bad(setting: str) -> None:
    assert keys_of(setting) == ()


def test_long_texts_are_cut_and_that_is_said() -> None:
    short = json.loads(body(row(values={"message": "é" * 9_000}), ADDRESS))["data"]
    assert not short["shortened"]
    content = body(row(values={"name": "Ann", "message": "é" * 40_000}), ADDRESS)
    long = json.loads(content)["data"]
    assert len(content) < LARGEST
    assert long["shortened"]
    assert long["answers"][0]["value"] == "Ann"
    assert len(long["answers"][1]["value"]) >= 4_000
    assert long["answers"][1]["value"].endswith("é…")
    assert long["url"] == short["url"]


@pytest.mark.parametrize(
    "changes",
    [
        {"extra": {f"field {n}": ("x" * 250,) for n in range(1_000)}},
        {"extra": {"n" * 30_000: ("x",)}},
        {"name": "名" * 60_000, "email": "e" * 60_000, "page_title": "t" * 60_000},
        {"values": {f"a{n}": ["é" * 200] * 60 for n in range(100)}, "name": "n" * 9_000},
    ],
)
def test_whatever_is_sent_a_post_stays_small(changes: dict[str, Any]) -> None:
    content = body(row(**changes), ADDRESS)
    assert len(content) < LARGEST
    assert json.loads(content)["data"]["inquiry"] == digits("inquiry")


@pytest.mark.parametrize("text", NASTY)
def test_what_is_typed_stays_in_the_body(text: str) -> None:
    with receiver() as one:
        assert post(row(one.url, name=text, page_title=text), SECRET, ADDRESS, datetime.now(UTC)) == SENT
    told = Webhook(SECRET).verify(one.taken[0].body, dict(one.taken[0].headers))
    assert told["data"]["name"][:3_000] == text[:3_000]
