"""The server's connections: what its loop is woken for, and what it leaves to the threads that answer."""

from __future__ import annotations

import gc
import http.client
import socket
import threading
import weakref
from collections.abc import Iterable
from contextlib import closing
from typing import Any

import pytest
from waitress.channel import HTTPChannel

from capture.run.server import _Channel, make_server
from capture.run.sockets import listening
from tests.serving import until


def answer(_environ: dict[str, Any], start: Any) -> Iterable[bytes]:
    start("200 OK", [("Content-Length", "2")])
    return [b"ok"]


def test_an_answer_that_is_sent_whole_wakes_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever goes on to listen needs no look: to wake the loop for each answer cost more than to read a request."""
    made = listening("127.0.0.1", 0)
    server = make_server(answer, made, proxies=0)
    over, woken = threading.Event(), list[int]()
    wake = server.loop._wake

    def count() -> None:
        woken.append(1)
        wake()

    monkeypatch.setattr(server.loop, "_wake", count)
    thread = threading.Thread(target=server.serve, args=(over.is_set,))
    thread.start()
    try:
        with closing(http.client.HTTPConnection("127.0.0.1", made.getsockname()[1], timeout=10)) as visitor:
            for _ in range(40):
                visitor.request("POST", "/", b"a=b")
                assert visitor.getresponse().read() == b"ok"
    finally:
        over.set()
        server.wake()
        thread.join(10)
        server.drain(1, lambda: False)
    assert len(woken) < 20


def test_who_stops_sending_while_it_is_answered_is_answered() -> None:
    """Who has sent a form and hung up is not turned away for that: what they wrote is there."""
    made, asked, may_answer = listening("127.0.0.1", 0), threading.Event(), threading.Event()

    def slow(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        asked.set()
        assert may_answer.wait(10)
        return answer(environ, start)

    server, over = make_server(slow, made, proxies=0), threading.Event()
    thread = threading.Thread(target=server.serve, args=(over.is_set,))
    thread.start()
    try:
        with socket.create_connection(made.getsockname(), timeout=10) as visitor:
            visitor.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\na=b")
            assert asked.wait(10)
            visitor.shutdown(socket.SHUT_WR)
            until(lambda: server.loop._waited[server._channels()[0]._fileno] == 0)
            may_answer.set()
            assert visitor.makefile("rb").read().endswith(b"\r\n\r\nok")
    finally:
        may_answer.set()
        over.set()
        server.wake()
        thread.join(10)
        server.drain(1, lambda: False)


class Mark:
    """Something that tells when it is freed."""


def test_a_post_is_freed_as_it_is_answered() -> None:
    """What holds itself waits for the collector, which looks through all that is at hand."""
    made, left = listening("127.0.0.1", 0), list[weakref.ref[Mark]]()

    def marked(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        environ["test.mark"] = Mark()
        left.append(weakref.ref(environ["test.mark"]))
        return answer(environ, start)

    server, over = make_server(marked, made, proxies=0), threading.Event()
    thread = threading.Thread(target=server.serve, args=(over.is_set,))
    thread.start()
    gc.disable()
    try:
        with closing(http.client.HTTPConnection("127.0.0.1", made.getsockname()[1], timeout=10)) as visitor:
            visitor.request("POST", "/_ob/f/contact", b"a=b")
            assert visitor.getresponse().read() == b"ok"
            until(lambda: left[0]() is None)
    finally:
        gc.enable()
        over.set()
        server.wake()
        thread.join(10)
        server.drain(1, lambda: False)


def test_the_loop_does_not_send_while_a_thread_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would be told again and again that it could, and turn until the interpreter is taken from it."""
    channel = object.__new__(_Channel)
    channel.total_outbufs_len = 10
    assert channel.writable()
    during = list[bool]()

    def flush(_self: HTTPChannel, *, do_close: bool) -> bool:
        during.append(channel.writable())
        raise OSError("the connection broke")

    monkeypatch.setattr(HTTPChannel, "_flush_some", flush)
    with pytest.raises(OSError, match="broke"):
        channel._flush_some(do_close=False)
    assert during == [False]
    assert channel.writable(), "what it left is for the loop"
    channel.sending = channel.will_close = True
    assert channel.writable(), "what is to be closed is closed"
