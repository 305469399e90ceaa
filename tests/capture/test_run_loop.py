"""The loop of the server: only who may have changed is asked what it waits for, and nobody who changed is missed."""

from __future__ import annotations

import os
import selectors
import threading
from collections.abc import Iterator

import pytest

from capture.run.loop import Loop


class Pipe:
    """The reading end of a pipe that is waited for, as waitress's connections are. It counts how often it is asked."""

    accepting = False

    def __init__(self, waiting: dict[int, object]) -> None:
        self._fileno, self.end = os.pipe()
        self.wants = True
        self.asked = 0
        self.read = 0
        self.waiting = waiting
        waiting[self._fileno] = self

    def readable(self) -> bool:
        self.asked += 1
        return self.wants

    def writable(self) -> bool:
        return False

    def handle_read_event(self) -> None:
        self.read += len(os.read(self._fileno, 100))

    def handle_error(self) -> None:
        raise AssertionError

    def send(self) -> None:
        os.write(self.end, b"x")


@pytest.fixture
def pipes() -> Iterator[list[Pipe]]:
    waiting: dict[int, object] = {}
    made = [Pipe(waiting) for _ in range(5)]
    yield made
    for one in made:
        os.close(one._fileno)
        os.close(one.end)


@pytest.fixture
def loop(pipes: list[Pipe]) -> Iterator[Loop]:
    """A loop over the pipes; the last of them wakes it."""
    made = Loop(pipes[0].waiting, pipes[-1].send)
    for one in pipes:
        made.look_at(one)
    yield made
    made.close()


def test_who_has_not_changed_is_not_asked(loop: Loop, pipes: list[Pipe]) -> None:
    loop.turn(0)
    asked = [one.asked for one in pipes]
    for _ in range(10):
        pipes[0].send()
        loop.turn(1)
    assert pipes[0].read == 10
    assert [one.asked for one in pipes[1:]] == asked[1:]


def test_what_is_not_wanted_is_not_told_until_it_is(loop: Loop, pipes: list[Pipe]) -> None:
    one = pipes[0]
    one.wants = False
    one.send()
    loop.turn(0)
    loop.turn(0.01)
    assert one.read == 0
    one.wants = True
    assert not loop.is_seen(one)
    loop.look_at(one)
    loop.turn(1)
    assert one.read == 1
    assert loop.is_seen(one)


def test_who_does_not_listen_for_a_moment_is_let_be_until_something_comes(loop: Loop, pipes: list[Pipe]) -> None:
    """As who is answered: else it would be changed twice for each answer, or turn as long as they are not read."""
    loop.turn(0)
    one, selector = pipes[0], loop._selector
    one.wants = False
    loop.look_at(one)
    loop.turn(0)
    assert one._fileno in selector.get_map()
    one.wants = True
    assert loop.is_seen(one)
    one.wants = False
    one.send()
    loop.turn(1)
    assert one.read == 0
    assert one._fileno not in selector.get_map()
    one.wants = True
    assert not loop.is_seen(one)
    loop.look_at(one)
    loop.turn(1)
    assert one.read == 1


def test_who_changes_while_it_sleeps_wakes_it(loop: Loop, pipes: list[Pipe]) -> None:
    one, asleep = pipes[0], threading.Event()
    one.wants = False
    one.send()
    loop.turn(0)

    class Telling(selectors.DefaultSelector):
        def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
            asleep.set()
            found: list[tuple[selectors.SelectorKey, int]] = super().select(timeout)
            return found

    loop._selector.__class__ = Telling

    def change() -> None:
        assert asleep.wait(10)
        one.wants = True
        loop.look_at(one)
        loop.look_at(one)

    thread = threading.Thread(target=change)
    thread.start()
    loop.turn(30)  # the thread ends it long before
    thread.join()
    assert pipes[-1].read == 1, "one word is enough"
    loop.turn(1)
    assert one.read == 1


def test_who_changes_while_it_is_asked_is_not_taken_for_seen(loop: Loop, pipes: list[Pipe]) -> None:
    """A thread that ends an answer just then has to have it looked at again."""
    one, seen = pipes[0], list[bool]()
    ask = one.readable

    def changing() -> bool:
        wanted = ask()
        one.wants = not wanted
        one.readable = ask  # type: ignore[method-assign]
        seen.append(loop.is_seen(one))
        return wanted

    loop.turn(0)
    one.wants = False
    one.readable = changing  # type: ignore[method-assign]
    loop.look_at(one)
    loop.turn(0)
    assert seen == [False]


def test_what_a_thread_closes_while_it_is_asked_harms_nobody(pipes: list[Pipe]) -> None:
    """A thread that answers may find its connection broken, and close it; the next one gets its number."""
    loop = Loop(pipes[0].waiting, pipes[-1].send)
    broken = Pipe(pipes[0].waiting)
    ask = broken.readable

    def closing() -> bool:
        loop.forget(broken._fileno)
        del broken.waiting[broken._fileno]
        os.close(broken._fileno)
        return ask()

    broken.readable = closing  # type: ignore[method-assign]
    loop.look_at(broken)
    loop.turn(0)
    other = Pipe(pipes[0].waiting)
    assert other._fileno == broken._fileno, "the least number that is free"
    loop.look_at(other)
    other.send()
    loop.turn(1)
    assert other.read == 1
    loop.close()
    for number in (other._fileno, other.end, broken.end):
        os.close(number)


def test_what_is_closed_is_forgotten_and_its_number_may_be_used_again(loop: Loop, pipes: list[Pipe]) -> None:
    loop.turn(0)
    one = pipes[0]
    loop.forget(one._fileno)
    del one.waiting[one._fileno]
    loop.look_at(one)
    one.send()
    loop.turn(0.01)
    assert one.read == 0
    one.waiting[one._fileno] = one
    loop.look_at(one)
    loop.turn(1)
    assert one.read == 1
