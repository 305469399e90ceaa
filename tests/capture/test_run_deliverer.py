"""The process that delivers: it does, it is replaced when it dies, and it does not outlive its parent."""

from __future__ import annotations

import mmap
import os
import signal
import sys
from pathlib import Path

import pytest

from capture.run.deliverer import Deliverer
from tests.capture.receivers import mail_server
from tests.capture.running import let_in, make_root, running
from tests.serving import until

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/task").exists() or sys.platform == "win32", reason="looks in /proc"
)


def children(process: int) -> list[int]:
    """The processes that any thread of a process has started."""
    tasks = Path(f"/proc/{process}/task").iterdir()
    return [int(one) for task in tasks for one in (task / "children").read_text().split()]


def is_alive(process: int) -> bool:
    status = Path(f"/proc/{process}/status")
    return status.exists() and "State:\tZ" not in status.read_text()


def test_it_delivers_in_a_process_of_its_own_and_a_thread_goes_on_when_that_dies(tmp_path: Path) -> None:
    with mail_server() as mail:
        root = make_root(tmp_path, smtp=mail.url)
        let_in(root)
        with running(root) as one:
            (deliverer,) = children(one.process.pid)
            one.send(message="first")
            until(lambda: len(mail.taken) == 1)
            os.kill(deliverer, signal.SIGKILL)
            until(lambda: any("deliver" in str(line) for line in one.lines("fault")))
            one.send(message="second")
            until(lambda: len(mail.taken) == 2)
            assert not children(one.process.pid)
            assert one.end() == 0


def test_it_is_told_once_until_it_hears() -> None:
    """Each word is work for both; what comes after it has heard is a word again."""
    reading, writing = os.pipe()
    told = mmap.mmap(-1, 1)
    one = Deliverer(0, writing, told)
    with open(reading, "rb", buffering=0) as heard:
        for _ in range(2):
            for _ in range(5):
                one.wake()
            assert heard.read(99) == b"w"
            told[0] = 0
    os.close(writing)


def test_it_ends_with_its_parent_however_that_ends(tmp_path: Path) -> None:
    root = make_root(tmp_path)
    let_in(root)
    with running(root) as one:
        (deliverer,) = children(one.process.pid)
        one.end(signal.SIGKILL)
        until(lambda: not is_alive(deliverer))
