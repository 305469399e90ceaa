"""Case 37: fifty thousand parts, or one giant part that is no file: 413 at once, and memory stays flat."""

import time
import tracemalloc

import pytest
from flask import Request
from werkzeug.test import EnvironBuilder

from capture.posting import LONGEST, Rejected, read_post

PART = b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n'
BODIES = {
    "50,000 parts": PART * 50_000 + b"--b--\r\n",
    "as many as the cap on bytes lets in": PART * (LONGEST // len(PART)),
    "one giant part": PART + b"x" * (64 << 20),
    "one giant line end": PART + b"\r" * (LONGEST - len(PART)),
}


@pytest.mark.parametrize("name", BODIES)
def test_it_is_refused_at_once_and_costs_no_memory(name: str) -> None:
    environ = EnvironBuilder(
        method="POST", data=BODIES[name], content_type="multipart/form-data; boundary=b"
    ).get_environ()
    tracemalloc.start()
    try:
        read = read_post(Request(environ))
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert isinstance(read, Rejected)
    assert read.status in (400, 413)
    assert most < 16 * LONGEST


def test_it_takes_less_than_a_twentieth_of_a_second() -> None:
    environ = EnvironBuilder(
        method="POST", data=BODIES["50,000 parts"], content_type="multipart/form-data; boundary=b"
    ).get_environ()
    began = time.process_time()
    assert read_post(Request(environ)) == Rejected(413, "too-big")
    assert time.process_time() - began < 0.05
