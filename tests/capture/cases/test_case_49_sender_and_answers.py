"""Case 49: mail comes from our own address and is answered to the visitor's: one address, or a mistake in the field."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capture.outbox.worker import Worker
from tests.capture.cases.visits import post, visitor
from tests.capture.house import NOW
from tests.capture.outbox_room import STILL, house_on
from tests.capture.receivers import mail_server
from tests.capture.test_outbox_letters import addresses, notification, read

# What is typed, and what an answer goes to; "" where it is kept for people to read but no header is made of it, and
# None where the form says that it is no address.
TYPED = {
    "ann@example.org": "ann@example.org",
    "ann@bücher.example": "ann@xn--bcher-kva.example",
    "a.b+c@example.org": "a.b+c@example.org",
    "ann@straße.example": "",
    "a@b,c@d": None,
    "a@example.org, b@example.org": None,
    '"a b"@example.org': None,
    "x" * 10_000 + "@example.org": None,
    "nobody": None,
}


@pytest.mark.parametrize("typed", TYPED, ids=lambda typed: typed[:30])
def test_the_sender_is_ours_and_the_answer_goes_to_one_visitor(sqlite_url: str, tmp_path: Path, typed: str) -> None:
    answers_to = TYPED[typed]
    with mail_server() as mail, house_on(tmp_path, sqlite_url, mail) as house:
        answer = post(visitor(house), email=typed)
        assert answer.status_code == (422 if answers_to is None else 303)
        Worker(house, STILL).step(NOW)
    assert len(mail.taken) == (answers_to is not None)
    for taken in mail.taken:
        assert taken.sender == "hello@house.test"
        assert addresses(taken.message, "From") == ["hello@house.test"]
        assert taken.message["Sender"] is None
        assert addresses(taken.message, "Reply-To") == [answers_to] if answers_to else not taken.message["Reply-To"]
        assert typed in taken.message.get_content()


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=200), st.text(max_size=60))
def test_any_name_and_any_address_leave_one_receiver_and_one_sender(name: str, address: str) -> None:
    message = read(notification(name=name, email=address))
    assert addresses(message, "To") == ["sales@house.test"]
    assert addresses(message, "From") == ["hello@house.test"]
    assert message["Reply-To"] is None or len(addresses(message, "Reply-To")) == 1
    assert message["Bcc"] is None
