"""Sockets that a service manager holds: a restart turns nobody away, and what cannot be listened on is told."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from capture.run.sockets import Unfit, inherited, listening
from capture.store.tables import submissions
from tests.capture.running import HAND_OVER, database, let_in, make_root, running
from tests.serving import until


@pytest.fixture
def held() -> Iterator[socket.socket]:
    """A socket that listens, held by us."""
    with closing(listening("127.0.0.1", 0)) as one:
        yield one


def test_a_restart_turns_nobody_away(tmp_path: Path, held: socket.socket) -> None:
    """Visitors go on sending while one process ends and the next one starts; every one is answered, and kept."""
    root = make_root(tmp_path)
    let_in(root)
    sent: list[str] = []
    wrong: list[BaseException] = []
    over = threading.Event()

    def visit() -> None:
        try:
            while not over.is_set():
                sent.append(one.send().receipt)
        except BaseException as error:  # noqa: BLE001 - whatever a visitor meets is what this is about
            wrong.append(error)

    visitors = [threading.Thread(target=visit) for _ in range(3)]
    with running(root, handed=held) as one:
        assert one.port == held.getsockname()[1]
        for visitor in visitors:
            visitor.start()
        until(lambda: len(sent) > 20 or wrong)
        assert one.end(signal.SIGTERM) == 0
    try:
        before = len(sent)
        with running(root, handed=held) as other:
            until(lambda: len(sent) > before + 20 or wrong)
            over.set()
            for visitor in visitors:
                visitor.join()
            assert other.end() == 0
    finally:
        over.set()
    assert wrong == []
    with database(root) as opened, opened.read() as connection:
        assert set(sent) == set(connection.execute(sa.select(submissions.c.receipt)).scalars())
    assert len(set(sent)) == len(sent)


def variables(**more: str) -> dict[str, str]:
    return {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1", "LISTEN_FDNAMES": "x", "PATH": "/bin", **more}


def test_the_socket_that_is_meant_for_this_process_is_taken(held: socket.socket) -> None:
    environ = variables()
    made = inherited(environ, os.getpid(), os.dup(held.fileno()))
    assert made is not None
    with made:
        assert made.getsockname() == held.getsockname()
        assert not made.get_inheritable(), "a build that is started must not hold it"
    assert environ == {"PATH": "/bin"}, "children are not meant"


@pytest.mark.parametrize("given", [{}, variables(LISTEN_PID="1"), variables(LISTEN_FDS="0"), variables(LISTEN_FDS="x")])
def test_what_is_meant_for_another_process_is_left(given: dict[str, str], held: socket.socket) -> None:
    assert inherited(given, os.getpid(), held.fileno()) is None


def test_what_cannot_be_listened_on_is_told(held: socket.socket, tmp_path: Path) -> None:
    with socket.socket() as deaf, socket.socket(type=socket.SOCK_DGRAM) as letters, (tmp_path / "f").open("w") as file:
        for one, words in (
            (deaf.fileno(), "does not listen for TCP"),
            (letters.fileno(), "does not listen for TCP"),
            (file.fileno(), "is no socket"),
            (9999, "cannot be used"),
        ):
            with pytest.raises(Unfit, match=words):
                inherited(variables(), os.getpid(), one)
    with pytest.raises(Unfit, match="2 sockets were handed over"):
        inherited(variables(LISTEN_FDS="2"), os.getpid(), held.fileno())


def test_a_process_that_is_handed_no_socket_says_so(tmp_path: Path) -> None:
    root = make_root(tmp_path)
    let_in(root)
    command = [sys.executable, "-P", "-m", "obverse", "run", "--root", str(root), "--no-build"]
    with (tmp_path / "file").open("w") as file:
        handed = [sys.executable, "-c", HAND_OVER, str(file.fileno()), *command]
        done = subprocess.run(handed, pass_fds=(file.fileno(),), capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "error: what was handed over (LISTEN_FDS) is no socket [run-address]" in done.stderr
    assert "ListenStream=" in done.stderr
