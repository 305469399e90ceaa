"""Posts that are at hand together: one thread answers them, by one commit, and nobody waits for one that is held up."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from typing import Any

import pytest

from capture import posts
from capture.answers import Answer
from capture.model import Saved
from capture.posts import Later
from capture.run import server as module
from capture.run.server import Server, make_server
from capture.run.sockets import listening
from tests.serving import until

POST = b"POST /_ob/f/contact HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\na=b"
STORED = Answer(200, "stored")


class Brought:
    """What is to be stored of a post."""

    house = None

    def told(self, _saved: Saved | None) -> Answer:
        return STORED


class Application:
    """Posts are to be stored, all else is answered at once. `begin` and `store` are what a test makes of it."""

    def __init__(self) -> None:
        self.groups: list[int] = []
        self.begin = lambda: None
        self.store = lambda: None

    def __call__(self, environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] != "POST":
            start("200 OK", [("Content-Length", "3")])
            return [b"got"]
        self.begin()

        def send(answer: Answer) -> Iterable[bytes]:
            start("200 OK", [("Content-Length", str(len(answer.body)))])
            return [answer.body.encode()]

        brought: Any = Brought()
        return Later(brought, send)

    def stored(self, some: Sequence[Any]) -> list[None]:
        self.groups.append(len(some))
        self.store()
        return [None] * len(some)


@pytest.fixture
def application(monkeypatch: pytest.MonkeyPatch) -> Application:
    made = Application()
    monkeypatch.setattr(posts, "store", made.stored)
    return made


@contextmanager
def serving(application: Application) -> Iterator[tuple[Server, int]]:
    made, over = listening("127.0.0.1", 0), threading.Event()
    server = make_server(application, made, proxies=0)
    thread = threading.Thread(target=server.serve, args=(over.is_set,))
    thread.start()
    try:
        yield server, made.getsockname()[1]
    finally:
        over.set()
        server.wake()
        thread.join(10)
        server.drain(1, lambda: False)


def sent(port: int) -> socket.socket:
    visitor = socket.create_connection(("127.0.0.1", port), timeout=10)
    visitor.sendall(POST)
    return visitor


def held_up() -> tuple[threading.Event, threading.Event, Callable[[], None]]:
    """When it has begun, when it may go on, and what waits for that."""
    begun, may = threading.Event(), threading.Event()

    def hold() -> None:
        begun.set()
        assert may.wait(10)

    return begun, may, hold


def answered(visitor: socket.socket) -> bool:
    came = b""
    while not came.endswith((b"stored", b"error")) and (piece := visitor.recv(4096)):
        came += piece
    return came.startswith(b"HTTP/1.1 200 OK\r\n") and came.endswith(b"stored")


def test_posts_at_hand_are_stored_together(application: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HELD_UP", 60)
    monkeypatch.setattr(module, "GATHER", 60)
    all_here = threading.Event()
    application.begin = lambda: all_here.wait(10) and None
    with serving(application) as (server, port), ExitStack() as open_:
        visitors = [open_.enter_context(closing(sent(port))) for _ in range(8)]
        until(lambda: len(server.task_dispatcher._posts) == 7)
        all_here.set()
        assert all(map(answered, visitors))
    assert application.groups == [8]


def test_who_waits_long_enough_is_stored_with_those_before(
    application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not everybody who may come is waited for: a group ends once its first has waited for others' turn."""
    monkeypatch.setattr(module, "GATHER", 0)
    with serving(application) as (_, port), ExitStack() as open_:
        visitors = [open_.enter_context(closing(sent(port))) for _ in range(4)]
        assert all(map(answered, visitors))
    assert application.groups == [1] * 4


def test_nobody_waits_for_a_post_that_is_held_up(application: Application) -> None:
    """Neither other requests nor other posts: there are more threads, and they come to help."""
    held, free = threading.Event(), threading.Event()

    def hold() -> None:
        if not held.is_set():
            held.set()
            assert free.wait(10)

    application.store = hold
    with serving(application) as (_, port), closing(sent(port)) as first:
        assert held.wait(10)
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as reader:
            reader.request("GET", "/")
            assert reader.getresponse().read() == b"got"
        for _ in range(3):
            with closing(sent(port)) as other:
                assert answered(other)
        assert not free.is_set()
        free.set()
        assert answered(first)


def test_as_many_as_there_are_threads_may_be_held_up(application: Application) -> None:
    free = threading.Event()
    application.begin = lambda: free.wait(10) and None
    with serving(application) as (server, port), ExitStack() as open_:
        visitors = [open_.enter_context(closing(sent(port))) for _ in range(6)]
        until(lambda: server.task_dispatcher._at_posts == 6)
        free.set()
        assert all(map(answered, visitors))
        until(lambda: server.task_dispatcher._at_posts == 0)
        with closing(sent(port)) as again:
            assert answered(again)
        assert server.task_dispatcher._helpers == 0


def test_one_connection_is_answered_in_its_order(application: Application) -> None:
    with serving(application) as (_, port), closing(sent(port)) as visitor:
        visitor.sendall(POST + b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        came = b"".join(iter(lambda: visitor.recv(4096), b""))
    assert [came.count(b"stored"), came.count(b"got")] == [2, 1]
    assert came.endswith(b"got")


def test_what_the_application_raises_takes_nobody_along(application: Application) -> None:
    raised = threading.Event()

    def once() -> None:
        if not raised.is_set():
            raised.set()
            raise RuntimeError

    application.begin = once
    with serving(application) as (_, port), closing(sent(port)) as first:
        assert b"500 Internal Server Error" in first.recv(4096)
        with closing(sent(port)) as second:
            assert answered(second)


def test_who_hangs_up_is_stored_all_the_same(application: Application) -> None:
    begun, gone, application.begin = held_up()
    with serving(application) as (_, port):
        visitor = sent(port)
        assert begun.wait(10)
        visitor.close()
        gone.set()
        until(lambda: application.groups == [1])


def test_what_is_under_way_is_finished_when_it_ends(application: Application) -> None:
    begun, may, application.store = held_up()
    made, over = listening("127.0.0.1", 0), threading.Event()
    server = make_server(application, made, proxies=0)
    thread = threading.Thread(target=server.serve, args=(over.is_set,))
    thread.start()
    with closing(sent(made.getsockname()[1])) as visitor:
        assert begun.wait(10)
        over.set()
        server.wake()
        thread.join(10)
        threading.Timer(0.3, may.set).start()
        assert server.drain(10, lambda: False)
        assert answered(visitor)
