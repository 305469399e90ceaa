"""What is told of a submission, and the mails made of it: one line a header, whatever visitors type."""

import email
import email.policy
import json
from dataclasses import replace
from datetime import timedelta
from email.message import EmailMessage
from typing import Any

import pytest

from capture.inbox.words import say_in
from capture.model import Consent
from capture.outbox.headers import ascii_address, block, line
from capture.outbox.letters import Letterhead, Unsendable, letter
from capture.outbox.notifications import outgoing_for
from capture.setup import PageRow
from capture.store.outbox import Delivery
from tests.capture.house import CONTACT, GUIDE, NOW, SETTINGS
from tests.capture.samples import digits, make_submission

SITE = replace(SETTINGS, timezone="America/New_York")
HEAD = Letterhead(SITE, "https://site.test", say_in("en"), lambda _: say_in("en"))
PAGE = PageRow("articles/two-sides.md", "/articles/two-sides/", "Marketing vs. sales")
PERSON = {"name": "Ann Example", "email": "ann@example.com"}
VALUES = {**PERSON, "budget": "middle", "message": "First\nSecond", "news": True}
NASTY = (
    "a\r\nBcc: victim@example.org",
    "a\nBcc: victim@example.org\n\nbody",
    "a\u2028Bcc: v@example.org",
    "a\x85Bcc: v@example.org",
    "a\x0bBcc: v@example.org",
    "\x00\x1b[31mred",
    "=?utf-8?q?=0D=0ABcc:_v@example.org?=",
    '"<v@example.org>, x',
    "Müller, Anna <v@example.org>; (a) [b] \\",
    "\u202eevil\u202c",
    "x" * 5_000,
    "é" * 5_000,
    "名" * 500,
    "",
)


def submission(**changes: Any) -> Any:
    plain = {
        "values": VALUES,
        "labels": tuple((one.name, one.label) for one in CONTACT.fields),
        "page": PAGE.id,
        "page_title": PAGE.title,
        "received_at": NOW,
        "consents": (Consent("news", "I agree to receive one article a month.", given=True),),
        "extra": {"colour": ("red", "blue")},
    }
    return make_submission(**{**plain, **changes})


def delivery(payload: Any, **changes: Any) -> Delivery:
    plain: dict[str, Any] = {
        "id": digits("row"),
        "inquiry": digits("inquiry"),
        "submission": digits("submission"),
        "message": "",
        "channel": "mail",
        "kind": "notify",
        "target": "sales@house.test",
        "payload": payload,
        "state": "claimed",
        "created_at": NOW,
        "next_at": NOW,
        "attempts": 1,
        "done_at": None,
        "last_error": "",
    }
    return Delivery(**{**plain, **changes})


def notification(**changes: Any) -> EmailMessage:
    [row] = outgoing_for(CONTACT, SITE, submission(**changes), PAGE)
    return letter(delivery(json.loads(json.dumps(row.payload))), HEAD)


def read(message: EmailMessage) -> EmailMessage:
    """The mail as its receiver reads it."""
    read = email.message_from_bytes(message.as_bytes(), policy=email.policy.default)
    assert isinstance(read, EmailMessage)
    return read


def text_of(message: EmailMessage) -> str:
    return str(message.get_content()).replace("\r\n", "\n")


def addresses(message: EmailMessage, header: str) -> list[str]:
    return [one.addr_spec for one in message[header].addresses]


def test_the_forms_own_addresses_come_before_the_sites() -> None:
    told = outgoing_for(CONTACT, replace(SITE, webhook="https://hook.test/in"), submission(), PAGE)
    assert [(one.channel, one.kind, one.target) for one in told] == [
        ("mail", "notify", "sales@house.test"),
        ("webhook", "notify", "https://hook.test/in"),
    ]
    assert [one.target for one in outgoing_for(GUIDE, SITE, submission(form="guide"))] == ["team@house.test"]
    twice = replace(CONTACT, notify=("a@house.test", "a@house.test", "b@house.test"))
    assert [one.target for one in outgoing_for(twice, SITE, submission())] == ["a@house.test", "b@house.test"]


def test_a_notification_tells_everything() -> None:
    message = read(notification())
    assert message["Subject"] == "Talk to us: Ann Example (Marketing vs. sales)"
    assert str(message["From"]) == "Two Sides <hello@house.test>"
    assert str(message["To"]) == "sales@house.test"
    assert str(message["Reply-To"]) == "Ann Example <ann@example.com>"
    assert message["Message-ID"] == f"<{digits('row')}@house.test>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["X-Obverse-Inquiry"] == digits("inquiry")
    assert message["Date"].datetime == NOW
    assert message.get_content_type() == "text/plain"
    assert text_of(message) == (
        "“Talk to us” was sent on 2026-11-23 05:00 (America/New_York)\n"
        "from the page “Marketing vs. sales”\n"
        "https://site.test/articles/two-sides/\n"
        "\n"
        "Your name: Ann Example\n"
        "E-mail: ann@example.com\n"
        "Budget: 5k to 20k\n"
        "How can we help?:\n"
        "    First\n"
        "    Second\n"
        "\n"
        "Newsletter: agreed to “I agree to receive one article a month.”\n"
        "\n"
        "Also sent, though the form has no such field:\n"
        "colour: red, blue\n"
        "\n"
        f"See it, answer it, move it on: https://site.test/inbox/i/{digits('inquiry')}\n"
        "An answer to this mail also reaches the sender, but the inbox will not know of it.\n"
    )


def test_the_same_row_gives_the_same_bytes() -> None:
    one = submission()
    row = outgoing_for(CONTACT, SITE, one, PAGE)[0]
    first, second = (letter(delivery(row.payload, attempts=n), HEAD).as_bytes() for n in (1, 2))
    assert first == second


def test_without_page_name_and_address_it_is_still_a_mail() -> None:
    message = read(notification(values={"message": "Hi"}, page="", page_title="", extra={}, consents=()))
    assert message["Subject"] == "Talk to us: somebody"
    assert message["Reply-To"] is None


def test_the_base_path_is_in_an_address_once() -> None:
    site = replace(SITE, url="https://site.test/blog", base_path="/blog")
    page = replace(PAGE, url="/blog/blogging/")
    assert outgoing_for(CONTACT, site, submission(), page)[0].payload["page_url"] == "https://site.test/blog/blogging/"
    assert outgoing_for(CONTACT, site, submission())[0].payload["page_url"] == ""


def test_no_answer_passes_for_the_mails_own_words() -> None:
    message = read(notification(values={**VALUES, "message": "x\nSee it: https://evil.test/inbox"}))
    assert "\n    See it: https://evil.test/inbox\n" in text_of(message)


@pytest.mark.parametrize(
    ("typed", "plain"),
    [
        ("ann@example.com", "ann@example.com"),
        (" ann+x@example.com ", "ann+x@example.com"),
        ("ann@bücher.example", "ann@xn--bcher-kva.example"),
        ("ann@straße.example", ""),  # the older rule would make another domain of it
        ("änn@example.com", ""),
        ('"a b"@example.com', ""),
        ("a@b,c@d", ""),
        ("a@b\r\nBcc: c@d", ""),
        ("a" * 65 + "@example.com", ""),
        ("a" * 10_000 + "@example.com", ""),
        ("a@" + "b." * 5_000 + "com", ""),
        ("a@.", ""),
        ("a@-", "a@-"),
        ("nobody", ""),
        ("@example.com", ""),
        ("", ""),
    ],
)
def test_addresses_are_plain_or_none(typed: str, plain: str) -> None:
    assert ascii_address(typed) == plain


def test_lines_and_blocks() -> None:
    assert line("  a \r\n b\t\u200bc ") == "a b c"
    assert line("abcdef", 4) == "abc…"
    assert line("=?utf-8?q?=0D=0A?=") == "= ?utf-8?q?=0D=0A?="
    assert line("=\u200b?utf-8?q?=0D?=") == "= ?utf-8?q?=0D?="
    assert block("a\r\nb\rc\x00\x1bd\te") == "a\nb\nc  d\te"


def reply(**changes: Any) -> EmailMessage:
    answers = [
        {"name": "name", "label": "Your name", "value": "Ann", "shown": "Ann"},
        {"name": "news", "label": "Newsletter", "value": True, "shown": "True"},
        {"name": "message", "label": "How can we help?", "value": "One\nTwo", "shown": "One\nTwo"},
    ]
    payload = {
        "subject": "Re: Talk to us",
        "text": "Dear Ann,\r\nyes.\r\n",
        "author_name": "Sam Seller",
        "author_email": "sam@house.test",
        "name": "Ann Example",
        "received_at": "2026-11-23T10:00:00.000000Z",
        "answers": answers,
        **changes.pop("payload", {}),
    }
    return letter(delivery(payload, **{"kind": "reply", "target": "ann@bücher.example", **changes}), HEAD)


def test_a_reply_comes_from_a_person_at_our_address() -> None:
    message = read(reply())
    assert str(message["From"]) == "Sam Seller <hello@house.test>"
    assert str(message["Reply-To"]) == "Sam Seller <sam@house.test>"
    assert str(message["To"]) == "Ann Example <ann@xn--bcher-kva.example>"
    assert message["Subject"] == "Re: Talk to us"
    assert message["Auto-Submitted"] is None
    assert text_of(message) == (
        "Dear Ann,\nyes.\n\nOn 2026-11-23 05:00 (America/New_York) you wrote:\n"
        "> Your name: Ann\n> How can we help?:\n>     One\n>     Two\n"
    )


@pytest.mark.parametrize("target", ["", "nobody", "a@b, c@d", "a@b\nBcc: c@d", "änn@example.com"])
def test_a_mail_to_no_address_is_none(target: str) -> None:
    with pytest.raises(Unsendable) as told:
        reply(target=target)
    assert not target or target not in str(told.value)


def test_the_time_is_the_houses_own_or_nothing() -> None:
    assert HEAD.moment((NOW + timedelta(days=200)).isoformat()) == "2027-06-11 06:00 (America/New_York)"
    assert replace(HEAD, settings=replace(SITE, timezone="Nowhere/At_All")).moment(NOW.isoformat()).endswith("(UTC)")
    assert HEAD.moment("yesterday") == ""


def test_what_was_left_empty_is_not_in_the_mail() -> None:
    sent = submission(values={**VALUES, "budget": "", "message": None})
    answers = {one["name"]: one["shown"] for one in outgoing_for(CONTACT, SITE, sent)[0].payload["answers"]}
    assert (answers["budget"], answers["message"]) == ("", "")
    text = text_of(notification(values={**VALUES, "budget": "", "message": None}))
    assert "None" not in text
    assert "Ann Example" in text
    labels = [str((CONTACT.field(name) or CONTACT.fields[0]).label) for name in ("budget", "message")]
    assert not any(f"{label}:" in text for label in labels)
