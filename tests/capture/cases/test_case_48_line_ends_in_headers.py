"""Case 48: line ends in a name, an address, a subject, or a placeholder of the thank-you: no header comes of it."""

from pathlib import Path

import pytest

from capture.outbox.worker import Worker
from tests.capture.cases.visits import post, visitor
from tests.capture.house import NOW
from tests.capture.outbox_room import STILL, house_on
from tests.capture.receivers import mail_server
from tests.capture.test_outbox_letters import NASTY, VALUES, addresses, notification, read, reply

OURS = {
    *("Message-ID", "Date", "From", "To", "X-Obverse-Inquiry", "Reply-To", "Subject", "Auto-Submitted"),
    *("MIME-Version", "Content-Type", "Content-Transfer-Encoding"),
}
INJECTED = "Ann\r\nBcc: victim@example.org\r\nSubject: owned"


@pytest.mark.parametrize("text", NASTY)
def test_a_notification_has_our_headers_and_no_others(text: str) -> None:
    made = notification(
        values={**VALUES, "name": text, "message": text}, name=text, page_title=text, extra={text: (text,)}
    )
    message = read(made)
    assert set(message.keys()) == OURS
    assert len(message.keys()) == len(OURS)
    assert addresses(message, "Reply-To") == ["ann@example.com"]
    assert addresses(message, "From") == ["hello@house.test"]
    assert len(str(message["Subject"])) <= 200
    assert max(len(one) for one in made.as_bytes().split(b"\r\n")) <= 998
    assert not any(one in str(message["Subject"]) for one in "\r\n\x00\x1b\u2028\u202e")


@pytest.mark.parametrize("text", NASTY)
def test_a_reply_is_as_safe(text: str) -> None:
    message = read(reply(payload={"subject": text, "author_name": text, "name": text, "text": text}))
    assert addresses(message, "To") == ["ann@xn--bcher-kva.example"]
    assert addresses(message, "From") == ["hello@house.test"]
    assert len(message.keys()) == len(OURS) - 1  # a person wrote it, so it was not submitted automatically
    assert message["Subject"]


def test_what_a_visitor_sends_with_line_ends_reaches_one_receiver(sqlite_url: str, tmp_path: Path) -> None:
    """All the way: posted to the form, thanked with the name in the page, told by a real mail server."""
    with mail_server() as mail, house_on(tmp_path, sqlite_url, mail) as house:
        browser = visitor(house)
        refused = post(browser, email="ann@example.org\r\nBcc: victim@example.org")
        assert refused.status_code == 422
        stored = post(browser, name=INJECTED)
        assert stored.status_code == 303
        thanks = browser.get(stored.headers["Location"])
        assert "Thank you, Ann" in thanks.text
        assert not {"Bcc", "Subject"} & set(thanks.headers.keys())
        Worker(house, STILL).step(NOW)
    [taken] = mail.taken
    assert taken.receivers == ("sales@house.test",)
    assert set(taken.message.keys()) <= OURS
    assert "owned" in taken.message["Subject"]  # folded to a space, not dropped
    assert taken.message["Bcc"] is None
