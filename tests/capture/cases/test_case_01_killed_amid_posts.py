"""Case 1: the process is killed at random amid posts. Every receipt that was given out is there afterwards, once.

Killing proves that the commit comes before the answer; what a disk keeps is case 2.
"""

from __future__ import annotations

import http.client
import itertools
import os
import signal
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from capture.store.tables import inquiries, submissions
from tests.capture.databases import running_server
from tests.capture.running import FORM, Running, count, fields, kept, let_in, make_root, running
from tests.serving import until


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = make_root(tmp_path)
    let_in(made)
    return made


def visit(port: Callable[[], int], acknowledged: list[str], over: threading.Event) -> None:
    """A visitor who sends one form after the other, each until it is answered, as the page's script does."""
    while not over.is_set():
        body = fields(message=os.urandom(8).hex())
        while not over.is_set():
            try:
                answer = Running(None, port()).ask("/_ob/f/contact", "POST", body, **FORM)  # type: ignore[arg-type]
            except (OSError, http.client.HTTPException):
                over.wait(0.01)
                continue
            acknowledged.append(answer.receipt)
            break


def kill_amid_posts(root: Path, rounds: int, each: int, url: str = "") -> list[str]:
    """Receipts acknowledged by a process that is killed `rounds` times amid at least `each` posts."""
    acknowledged: list[str] = []
    over = threading.Event()
    now = [0]
    visitors = [threading.Thread(target=visit, args=(lambda: now[0], acknowledged, over)) for _ in range(8)]
    env = {"OBVERSE_DATABASE": url} if url else {}
    try:
        for turn in range(rounds):
            with running(root, env) as one:
                now[0] = one.port
                if not turn:
                    for visitor in visitors:
                        visitor.start()
                wanted = len(acknowledged) + each + turn * 7
                until(lambda: len(acknowledged) >= wanted, 60)  # noqa: B023 -- asked before the next turn
                one.process.kill()
                one.process.wait()
        with running(root, env) as one:
            now[0] = one.port
            wanted = len(acknowledged) + 8
            until(lambda: len(acknowledged) >= wanted, 60)
            over.set()
            for visitor in visitors:
                visitor.join(40)
            until(lambda: not list((root / "var" / "spool").glob("*.json")), 60)
    finally:
        over.set()
    return acknowledged


def test_case_01_processes_on_one_postgresql_one_killed_and_the_database_crashing(tmp_path: Path) -> None:
    """Each process keeps nothing but its spool; whoever takes a post again knows that it was taken."""
    roots = [make_root(tmp_path / name) for name in ("one", "two")]
    acknowledged: list[str] = []
    over, ports = threading.Event(), [0, 0]
    turns = itertools.count()
    visitors = [
        threading.Thread(target=visit, args=(lambda: ports[next(turns) % 2], acknowledged, over)) for _ in range(6)
    ]

    def more(count: int) -> None:
        wanted = len(acknowledged) + count
        until(lambda: len(acknowledged) >= wanted, 60)

    with running_server("synchronous_commit=on", "full_page_writes=on") as server:
        url = server.url()
        let_in(roots[0], url)
        env = {"OBVERSE_DATABASE": url}
        try:
            with running(roots[0], env) as one:
                with running(roots[1], env) as two:
                    ports[:] = [one.port, two.port]
                    for visitor in visitors:
                        visitor.start()
                    more(30)
                    two.process.kill()
                    two.process.wait()
                more(20)
                server.stop(signal.SIGQUIT)
                more(10)
                server.start()
                with running(roots[1], env) as two:
                    ports[1] = two.port
                    more(20)
                    over.set()
                    for visitor in visitors:
                        visitor.join(40)
                    until(lambda: not [path for root in roots for path in (root / "var/spool").glob("*.json")], 60)
        finally:
            over.set()
        assert_each_once(roots[0], acknowledged, url)


def assert_each_once(root: Path, acknowledged: list[str], url: str = "") -> None:
    found = Counter(kept(root, url))
    assert {receipt: found[receipt] for receipt in acknowledged} == dict.fromkeys(acknowledged, 1)
    assert len(set(acknowledged)) == len(acknowledged)
    # A post that was stored but killed before its answer came again under its key: nothing is there twice.
    assert count(root, submissions, url) == count(root, inquiries, url) <= len(acknowledged) + 8


def test_case_01_killing_it_amid_hundreds_of_posts_loses_and_doubles_nothing(root: Path) -> None:
    acknowledged = kill_amid_posts(root, rounds=3, each=60)
    assert len(acknowledged) > 200
    assert_each_once(root, acknowledged)


@pytest.mark.long
def test_case_01_killing_it_amid_thousands_of_posts_loses_and_doubles_nothing(root: Path, postgres_url: str) -> None:
    for url in ("", postgres_url):
        if url:
            let_in(root, url)
        assert_each_once(root, kill_amid_posts(root, rounds=25, each=150, url=url), url)
