"""Case 10: a receiver that never answers, trickles, or answers without end: so many seconds and 64 kB, no more."""

import time
from datetime import UTC, datetime

import pytest

from capture.outbox.webhook import post
from tests.capture.receivers import receiver
from tests.capture.test_outbox_webhook import ADDRESS, SECRET, row

WHOLE = 0.4
LONG = 15.0  # an ending of its own, by a socket's time-out or the receiver's, would come after this


@pytest.mark.parametrize(
    ("manner", "state"), [("stall", "later"), ("trickle", "later"), ("drop", "later"), ("endless", "sent")]
)
def test_no_receiver_holds_us(manner: str, state: str) -> None:
    with receiver(manner=manner) as one:
        start = time.monotonic()
        assert post(row(one.url), SECRET, ADDRESS, datetime.now(UTC), whole=WHOLE).state == state
        assert time.monotonic() - start < LONG


def test_of_an_endless_answer_little_is_read() -> None:
    """What the system holds for us beyond the 64 kB is a few megabytes; in two seconds it would be hundreds."""
    with receiver(manner="endless") as one:
        assert post(row(one.url), SECRET, ADDRESS, datetime.now(UTC), whole=2.0).state == "sent"
        assert one.poured < 32 * 1024 * 1024
