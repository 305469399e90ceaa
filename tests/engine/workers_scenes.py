"""Scenes for the tests of workers: each is played by a Python of its own, and fails by an assertion.

`python -m tests.engine.workers_scenes NAME` plays one.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator

from obverse.workers import WorkerError, can_fork, spread

SCENES: dict[str, Callable[[], None]] = {}


def scene(function: Callable[[], None]) -> Callable[[], None]:
    """Put a function among the scenes, under its name."""
    SCENES[function.__name__] = function
    return function


def squares(mine: Iterator[int]) -> Iterator[bytes]:
    for item in mine:
        yield b"%d" % (item * item)


def pids(mine: Iterator[int]) -> Iterator[bytes]:
    for _ in mine:
        time.sleep(0.001)
        yield b"%d" % os.getpid()


def failure(results: Iterator[bytes], got: list[bytes]) -> WorkerError:
    """How it fails, with what came before it put into `got`."""
    try:
        got.extend(results)
    except WorkerError as error:
        return error
    raise AssertionError("it did not fail")


def childless() -> bool:
    try:
        os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return True
    return False


@scene
def any_number_of_workers_gives_what_one_gives() -> None:
    def uneven(mine: Iterator[int]) -> Iterator[bytes]:
        for item in mine:
            time.sleep(0.0002 * (item % 7))
            yield b"%d " % item * (item % 5) * 3000

    alone = list(spread(range(200), uneven, 1, chunk=4))
    assert [len(one) > 0 for one in alone] == [item % 5 > 0 for item in range(200)]
    for workers in (2, 3, 5):
        for chunk in (1, 4, 90):
            assert list(spread(range(200), uneven, workers, chunk=chunk)) == alone
    assert list(spread([], uneven, 2, chunk=4)) == []
    assert childless()


@scene
def several_processes_do_the_work_and_they_leave_nothing_open() -> None:
    before = os.listdir("/dev/fd")
    who = set(spread(range(100), pids, 3, chunk=2))
    assert len(who) == 3
    assert b"%d" % os.getpid() in who
    assert os.listdir("/dev/fd") == before
    assert childless()


@scene
def few_items_are_done_here() -> None:
    here = b"%d" % os.getpid()
    assert set(spread(range(8), pids, 4, chunk=8)) == {here}
    assert set(spread(range(30), pids, 1, chunk=8)) == {here}
    assert set(spread(range(9), pids, 4, chunk=8)) != {here}


@scene
def the_first_result_comes_before_the_last_is_made() -> None:
    def slow(mine: Iterator[int]) -> Iterator[bytes]:
        for item in mine:
            time.sleep(0.02)
            yield b"%d" % item

    began = time.monotonic()
    results = spread(range(100), slow, 2, chunk=10)
    assert [next(results) for _ in range(3)] == [b"0", b"1", b"2"]
    assert time.monotonic() - began < 0.5  # a second for all of them
    results.close()
    assert childless()


@scene
def who_runs_ahead_is_held_back() -> None:
    import mmap

    from obverse import workers

    workers.LIMIT = 300_000
    done = mmap.mmap(-1, 2000)

    def work(mine: Iterator[int]) -> Iterator[bytes]:
        for item in mine:
            time.sleep(0.3 if item == 0 else 0)
            done[item] = 1
            yield b"x" * 10_000

    results = spread(range(2000), work, 2, chunk=4)
    next(results)
    ahead = sum(done[:])
    assert 30 < ahead < 300, ahead  # the limit, what a pipe holds, and what was handed out
    time.sleep(0.1)
    assert sum(done[:]) < ahead + 200  # nor does a slow reader get everything at once
    assert len(list(results)) == 1999


@scene
def results_larger_than_any_pipe_arrive_whole() -> None:
    def large(mine: Iterator[int]) -> Iterator[bytes]:
        for item in mine:
            yield bytes([item]) * 3_000_000

    assert [set(one) for one in spread(range(6), large, 2, chunk=1)] == [{item} for item in range(6)]


@scene
def the_first_item_that_fails_is_told_by_any_number_of_workers() -> None:
    def work(mine: Iterator[int]) -> Iterator[bytes]:
        for item in mine:
            if item == 20:
                time.sleep(0.05)  # another fails long before
            if item in {20, 21, 22, 40}:
                raise ValueError(f"no luck with {item}")
            yield b"%d" % item

    got: list[bytes] = []
    error = failure(spread(range(100), work, int(os.environ["NUMBER"]), chunk=1), got)
    assert (error.index, error.text) == (20, "ValueError: no luck with 20")
    assert str(error) == error.text
    assert error.__cause__ or "in work" in error.__notes__[0]
    assert got == [b"%d" % item for item in range(20)]
    assert childless()


@scene
def a_worker_that_dies_is_told_with_its_item() -> None:
    signal.signal(signal.SIGTERM, lambda *_: print("a parent's handler"))
    way, told = os.environ["WAY"].split("|")
    here = os.getpid()

    def work(mine: Iterator[int]) -> Iterator[bytes]:
        for item in mine:
            if item >= 37 and os.getpid() != here:
                exec(way)
            time.sleep(0.001)
            yield b"%d" % item

    got: list[bytes] = []
    error = failure(spread(range(200), work, 2, chunk=8), got)
    assert error.text == told
    assert 37 <= error.index < 100  # the first from there on that is not done here
    assert got == [b"%d" % item for item in range(error.index)]
    assert childless()


def less(mine: Iterator[int]) -> Iterator[bytes]:
    return (b"" for item in mine if item != 30)


def more(mine: Iterator[int]) -> Iterator[bytes]:
    for item in mine:
        yield b""
        if item == 20:
            yield b"once more"


def lazy(mine: Iterator[int]) -> Iterator[bytes]:
    return (b"%d" % item for item, _ in zip(mine, range(5), strict=False))


@scene
def work_that_gives_too_little_or_too_much_is_a_failure() -> None:
    for work in (less, more, lazy):
        for number in (1, 2):
            error = failure(spread(range(100), work, number, chunk=8), [])
            assert "results for" in error.text, error.text
    assert childless()


@scene
def workers_end_when_their_parent_is_killed() -> None:
    def work(mine: Iterator[int]) -> Iterator[bytes]:
        for item in mine:
            if item == 20:
                print("at work", flush=True)
            time.sleep(0.01)
            yield b"x" * 100_000

    for _ in spread(range(100_000), work, 3, chunk=4):
        pass


@scene
def workers_end_when_nobody_wants_more() -> None:
    before = os.listdir("/dev/fd")
    for one in spread(range(1000), pids, 2, chunk=2):
        assert one
        break
    assert childless()

    def consume() -> None:
        for one in spread(range(1000), pids, 2, chunk=2):
            raise LookupError(one)

    try:
        consume()
    except LookupError as error:
        error.__traceback__ = None
    assert childless()
    spread(range(1000), pids, 2, chunk=2)  # and nobody begins before anybody wants any
    assert childless()
    assert os.listdir("/dev/fd") == before


@scene
def an_interrupt_is_the_parents_to_answer() -> None:
    def work(mine: Iterator[int]) -> Iterator[bytes]:
        for item in mine:
            if item == 10:
                os.killpg(0, signal.SIGINT)  # as a terminal does it
            time.sleep(0.01)
            yield b""

    try:
        list(spread(range(500), work, 2, chunk=4))
    except KeyboardInterrupt:
        assert childless()
        print("interrupted")


@scene
def what_was_printed_is_said_once_and_the_end_comes_once() -> None:
    import atexit

    atexit.register(print, "bye")
    print("hello")

    def chatty(mine: Iterator[int]) -> Iterator[bytes]:
        for item in mine:
            if item == 5:
                print("from a worker")
            yield b""

    list(spread(range(100), chatty, 2, chunk=4))
    print("done")


@scene
def a_process_with_threads_is_not_forked() -> None:
    import threading

    ready = threading.Event()
    thread = threading.Thread(target=ready.wait)
    thread.start()
    here = b"%d" % os.getpid()
    assert set(spread(range(50), pids, 2, chunk=4)) == {here}
    ready.set()
    thread.join()
    end = time.monotonic() + 10
    while not can_fork() and time.monotonic() < end:  # one that has been joined may not be gone yet
        time.sleep(0.001)
    assert set(spread(range(50), pids, 2, chunk=4)) != {here}


@scene
def a_worker_has_no_workers() -> None:
    here = os.getpid()

    def outer(mine: Iterator[int]) -> Iterator[bytes]:
        for _ in mine:
            me = b"%d" % os.getpid()
            assert os.getpid() == here or set(spread(range(50), pids, 2, chunk=1)) == {me}
            time.sleep(0.01)
            yield me

    assert len(set(spread(range(10), outer, 2, chunk=1))) == 2


@scene
def two_at_once_do_not_hold_each_other() -> None:
    one, two = (spread(range(90), squares, 2, chunk=4) for _ in range(2))
    both = list(zip(one, two, strict=True))
    assert both == [(b"%d" % (item * item),) * 2 for item in range(90)]
    first = spread(range(90), squares, 2, chunk=4)
    next(first)
    second = spread(range(90), squares, 2, chunk=4)
    next(second)
    first.close()
    assert len(list(second)) == 89
    assert childless()


@scene
def where_there_is_no_room_for_a_process_the_work_is_done_all_the_same() -> None:
    real, room = os.fork, [0]

    def fork() -> int:
        room[0] -= 1
        if room[0] < 0:
            raise BlockingIOError(11, "Resource temporarily unavailable")
        return real()

    os.fork = fork
    before = os.listdir("/dev/fd")
    for places in (0, 1, 2):
        room[0] = places
        who = set(spread(range(50), pids, 3, chunk=2))
        assert len(who) == places + 1
        assert b"%d" % os.getpid() in who
        assert os.listdir("/dev/fd") == before


if __name__ == "__main__":
    SCENES[sys.argv[1]]()
