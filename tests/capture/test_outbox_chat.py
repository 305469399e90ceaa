"""Messages to a chat: the one body that Slack and those like it take, from a real worker to a real receiver."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capture.outbox import chat
from capture.outbox.notifications import outgoing_for
from capture.outbox.worker import Worker
from capture.setup import Secrets
from tests.capture.cases.visits import post, visitor
from tests.capture.house import CONTACT, NOW, SETTINGS
from tests.capture.outbox_room import STILL, house_on, page, staff, table
from tests.capture.receivers import Receiver, mail_server, receiver
from tests.capture.samples import digits
from tests.capture.test_outbox_letters import HEAD, PAGE, SITE, delivery, submission

ROOM = replace(SETTINGS, chat="sales room", notify=())


def message(**changes: Any) -> str:
    """What the chat is told of a submission."""
    told = outgoing_for(CONTACT, replace(SITE, chat="sales"), submission(**changes), PAGE)[-1]
    return chat.message(delivery(json.loads(json.dumps(told.payload)), channel="chat", target=told.target), HEAD)


def secrets(hook: Receiver, **more: str) -> Secrets:
    return Secrets(key="5e" * 32, chat=hook.url, **more)


def test_a_message_tells_who_what_and_where() -> None:
    assert message(values={"name": "Ann", "budget": "middle", "message": "First\nSecond"}) == (
        "Talk to us: Ann Example (Marketing vs. sales)\n"
        "\n"
        "Your name: Ann\n"
        "Budget: 5k to 20k\n"
        "How can we help?:\n"
        "    First\n"
        "    Second\n"
        "\n"
        f"See it, answer it, move it on: https://site.test/inbox/i/{digits('inquiry')}"
    ).replace("Ann Example", "Ann")


def test_the_chat_is_told_and_its_address_is_kept_nowhere(sqlite_url: str, tmp_path: Path) -> None:
    with receiver() as hook, mail_server() as mail:
        given = secrets(hook, smtp=mail.url)
        with house_on(tmp_path, sqlite_url, secrets=given, settings=ROOM) as house:
            assert post(visitor(house)).status_code == 303
            assert Worker(house, STILL).step(NOW) == 2
            row = table(house)["sales room"]
            shown = page(staff(house), f"/inbox/i/{row.inquiry}")
    assert (row.channel, row.state) == ("chat", "sent")
    assert "Message to the chat “sales room”" in shown
    assert hook.address not in shown + repr(row) + repr(given)
    [taken] = hook.taken
    body = json.loads(taken.body)
    assert taken.headers["content-type"] == "application/json"
    assert body["text"].startswith("Talk to us: Ann Example")
    assert (body["mrkdwn"], body["parse"], body["link_names"]) == (False, "none", False)


def test_without_its_address_it_waits_and_says_what_to_set(sqlite_url: str, tmp_path: Path) -> None:
    with house_on(tmp_path, sqlite_url, settings=ROOM) as house:
        post(visitor(house))
        Worker(house, STILL).step(NOW)
        row = table(house)["sales room"]
    assert (row.state, "OBVERSE_CHAT" in row.last_error) == ("waiting", True)


def test_a_chat_that_wants_no_more_is_stopped_and_told_of_by_mail(sqlite_url: str, tmp_path: Path) -> None:
    with receiver(status=410) as hook, mail_server() as mail:
        given = secrets(hook, smtp=mail.url)
        with house_on(tmp_path, sqlite_url, secrets=given, settings=ROOM) as house:
            for _ in range(2):
                post(visitor(house), message=f"Hello {_}")
            worker = Worker(house, STILL)
            worker.step(NOW)
            worker.step(NOW)
    assert len(hook.taken) == 1
    assert "Chat is broken: nothing is delivered" in [one["Subject"] for one in mail.messages]


def test_of_broken_mail_the_chat_tells(sqlite_url: str, tmp_path: Path) -> None:
    with receiver() as hook, mail_server(manner="defer") as mail:
        given = secrets(hook, smtp=mail.url)
        with house_on(tmp_path, sqlite_url, secrets=given, settings=ROOM) as house:
            post(visitor(house))
            worker = Worker(house, STILL)
            for hours in (0, 1, 1, 2):
                worker.step(NOW + timedelta(hours=hours))
    texts = [json.loads(one.body)["text"] for one in hook.taken]
    told = [one for one in texts if one.startswith("Mail is broken")]
    assert len(told) == 1
    assert "451 4.7.1 Come back later" in told[0]
    assert "https://site.test/inbox/deliveries" in told[0]


@settings(max_examples=150, deadline=None)
@given(st.text(st.sampled_from("@<>&![](:/)wW.*#hereall \n"), max_size=60))
def test_nothing_that_is_typed_acts(text: str) -> None:
    shown = chat.literal(text, 10_000)
    assert not any(one in shown for one in ("<", ">", "](", "][", "://", "www."))
    assert not any(f"@{one}" in shown for one in ("here", "all"))
    back = shown.replace("\u200b", "").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    assert back == text


@pytest.mark.parametrize("text", ["&" * 60_000, "名" * 60_000, "@here " * 9_000])
def test_a_message_is_never_too_long_for_any_chat(text: str) -> None:
    told = message(values={"name": text, "message": text})
    assert len(told) <= chat.LARGEST
    assert told.endswith(f"https://site.test/inbox/i/{digits('inquiry')}")
    assert "…\n\n" in told
    assert not told.partition("…\n\n")[0].endswith(("&am", "&a", "&amp"))
