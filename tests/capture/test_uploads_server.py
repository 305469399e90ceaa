"""How long a request may arrive, and how long a body may be, by what it is."""

from __future__ import annotations

import pytest
from waitress.adjustments import Adjustments

from capture.run.server import LARGEST, SLOWEST, WITH_FILES, _Channel, _Parser

MULTIPART = "Content-Type: multipart/form-data; boundary=b"


@pytest.mark.parametrize(
    ("line", "kind", "most"),
    [
        ("POST /_ob/f/job", MULTIPART, WITH_FILES),
        ("POST /blog/_ob/f/job", MULTIPART, WITH_FILES),
        ("POST /_ob/f/job", "Content-Type: application/json", LARGEST),
        ("PUT /_ob/f/job", MULTIPART, LARGEST),
        ("POST /inbox/login", MULTIPART, LARGEST),
        ("POST /", MULTIPART, LARGEST),
    ],
)
def test_only_posts_to_forms_may_bring_files(line: str, kind: str, most: int) -> None:
    shared = Adjustments(max_request_body_size=LARGEST)
    for length, refused in ((most - 1, False), (most, True)):
        parser = _Parser(shared)
        parser.received(f"{line} HTTP/1.1\r\nHost: a\r\n{kind}\r\nContent-Length: {length}\r\n\r\n".encode())
        assert (parser.error is not None) == refused, (line, length)
    assert shared.max_request_body_size == LARGEST


def test_what_arrives_at_a_fair_pace_has_the_time_for_it_and_what_trickles_has_not() -> None:
    channel = object.__new__(_Channel)
    parser = _Parser(Adjustments(max_request_body_size=LARGEST))
    parser.received(f"POST /_ob/f/a HTTP/1.1\r\nHost: a\r\n{MULTIPART}\r\nContent-Length: 20000000\r\n\r\n".encode())
    channel.request = parser
    assert not channel.is_late(100.0, 60)
    parser.received(bytes(10 * SLOWEST))
    assert not channel.is_late(165.0, 60)
    assert channel.is_late(171.0, 60)
    parser.received(b"x")
    assert channel.is_late(171.0, 60)
