"""Case 36: slow, huge, chunked and packed bodies are refused early by a real process, which serves others meanwhile.

What arrives too slowly is given up in `test_run_parts.py`; sixty slow senders at once are in `test_run_process.py`.
"""

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.capture.running import Running, let_in, make_root, running

HEAD = b"POST /_ob/f/contact HTTP/1.1\r\nHost: site.test\r\nContent-Type: application/x-www-form-urlencoded\r\n"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    root: Path = make_root(tmp_path_factory.mktemp("run"))
    let_in(root)
    with running(root) as one:
        yield one


def first_line(one: Running, sent: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", one.port), timeout=20) as connection:
        with contextlib.suppress(ConnectionError):  # it may close before it has read all
            connection.sendall(sent)
        return connection.recv(65536).partition(b"\r\n")[0]


@pytest.mark.parametrize(
    ("rest", "status"),
    [
        (b"Content-Length: 2147483648\r\n\r\n", b"413"),
        (b"Transfer-Encoding: chunked\r\n\r\n" + b"10000\r\n" + b"x" * 0x10000 + b"\r\n", b""),
        (b"Transfer-Encoding: chunked\r\n\r\n" + (b"10000\r\n" + b"x" * 0x10000 + b"\r\n") * 48, b"413"),
        (b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b\x08\x00", b"415"),
        (b"Content-Length: 100\r\n\r\nmess", b""),
    ],
    ids=["2 GB", "chunked and never ended", "chunked without end", "gzip", "slow"],
)
def test_it_is_refused_early_or_waits_alone(shared: Running, rest: bytes, status: bytes) -> None:
    if status:
        assert first_line(shared, HEAD + rest).startswith(b"HTTP/1.1 " + status)
        assert shared.send().status == 303
        return
    with socket.create_connection(("127.0.0.1", shared.port)) as waiting:
        waiting.sendall(HEAD + rest)
        assert shared.send().status == 303
