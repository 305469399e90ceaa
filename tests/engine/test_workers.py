"""Work in several processes: the results of one, in the same order, whatever happens to whom.

A fork wants a process without threads, which a test runner is not. So the scenes of `workers_scenes` are played by a
new Python, every warning an error; each fails by an assertion of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from obverse import workers
from obverse.workers import WorkerError, count, spawned

ROOT = Path(__file__).resolve().parents[2]

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")


def started(scene: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "tests.engine.workers_scenes", scene],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def said(scene: str) -> str:
    """What a scene printed, once it and all its workers have ended."""
    process = started(scene)
    out, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert not errors
    return out


# In order, a few at a time.


@needs_fork
def test_any_number_of_workers_gives_what_one_gives() -> None:
    said("any_number_of_workers_gives_what_one_gives")


@needs_fork
def test_several_processes_do_the_work_and_they_leave_nothing_open() -> None:
    said("several_processes_do_the_work_and_they_leave_nothing_open")


@needs_fork
def test_few_items_are_done_here() -> None:
    said("few_items_are_done_here")


@needs_fork
def test_the_first_result_comes_before_the_last_is_made() -> None:
    said("the_first_result_comes_before_the_last_is_made")


@needs_fork
def test_who_runs_ahead_is_held_back() -> None:
    said("who_runs_ahead_is_held_back")


@needs_fork
def test_results_larger_than_any_pipe_arrive_whole() -> None:
    said("results_larger_than_any_pipe_arrive_whole")


# When something goes wrong.


@needs_fork
@pytest.mark.parametrize("number", [1, 2])
def test_the_first_item_that_fails_is_told_by_any_number_of_workers(
    number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUMBER", str(number))
    said("the_first_item_that_fails_is_told_by_any_number_of_workers")


@needs_fork
@pytest.mark.parametrize(
    "way, told",
    [
        ("os.kill(os.getpid(), signal.SIGKILL)", "a worker was killed by signal 9"),
        ("os.kill(os.getpid(), signal.SIGTERM)", "a worker was killed by signal 15"),
        ("os._exit(3)", "a worker ended with exit code 3"),
        ("sys.exit(4)", "SystemExit: 4"),
    ],
)
def test_a_worker_that_dies_is_told_with_its_item(way: str, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAY", f"{way}|{told}")
    assert said("a_worker_that_dies_is_told_with_its_item") == ""


@needs_fork
def test_work_that_gives_too_little_or_too_much_is_a_failure() -> None:
    said("work_that_gives_too_little_or_too_much_is_a_failure")


@needs_fork
def test_workers_end_when_their_parent_is_killed() -> None:
    process = started("workers_end_when_their_parent_is_killed")
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline() == "at work\n"
    process.kill()
    # The workers hold the other end of this pipe too.
    assert process.communicate(timeout=10) == ("", "")


@needs_fork
def test_workers_end_when_nobody_wants_more() -> None:
    said("workers_end_when_nobody_wants_more")


@needs_fork
def test_an_interrupt_is_the_parents_to_answer() -> None:
    assert said("an_interrupt_is_the_parents_to_answer") == "interrupted\n"


# What workers leave alone.


@needs_fork
def test_what_was_printed_is_said_once_and_the_end_comes_once() -> None:
    assert said("what_was_printed_is_said_once_and_the_end_comes_once") == "hello\nfrom a worker\ndone\nbye\n"


@needs_fork
def test_a_process_with_threads_is_not_forked() -> None:
    said("a_process_with_threads_is_not_forked")


@needs_fork
def test_a_worker_has_no_workers() -> None:
    said("a_worker_has_no_workers")


@needs_fork
def test_two_at_once_do_not_hold_each_other() -> None:
    said("two_at_once_do_not_hold_each_other")


@needs_fork
def test_where_there_is_no_room_for_a_process_the_work_is_done_all_the_same() -> None:
    said("where_there_is_no_room_for_a_process_the_work_is_done_all_the_same")


# Workers started anew.


def labour(recipe: str, mine: Iterator[int]) -> Iterator[bytes]:
    """What the workers of these tests do."""
    print("what is printed is no result")
    for item in mine:
        if recipe == "fail" and item == 30:
            raise ValueError("no luck")
        if recipe == "die" and item == 30:
            os._exit(5)
        yield f"{recipe} {item}".encode()


WORK = "tests.engine.test_workers:labour"


def test_workers_started_anew_give_what_one_gives(capfd: pytest.CaptureFixture[str]) -> None:
    threads = threading.active_count()
    alone = list(spawned(range(60), WORK, "recipe", 1, chunk=4))
    assert alone == [b"recipe %d" % item for item in range(60)]
    assert list(spawned(range(60), WORK, "recipe", 2, chunk=4)) == alone
    assert threading.active_count() == threads
    capfd.readouterr()


@pytest.mark.parametrize("recipe, told", [("fail", "ValueError: no luck"), ("die", "a worker ended with exit code 5")])
def test_what_goes_wrong_in_workers_started_anew(recipe: str, told: str, capfd: pytest.CaptureFixture[str]) -> None:
    threads = threading.active_count()
    got = []
    with pytest.raises(WorkerError) as caught:
        got.extend(spawned(range(60), WORK, recipe, 2, chunk=4))
    assert (caught.value.index, caught.value.text) == (30, told)
    assert threading.active_count() == threads
    capfd.readouterr()


def test_a_name_nobody_knows_is_a_failure_like_any_other() -> None:
    with pytest.raises(WorkerError, match="AttributeError"):
        list(spawned(range(9), "obverse.workers:nothing", None, 2, chunk=1))


# How many.


@pytest.mark.parametrize(
    "asked, wish, wanted", [(3, "", 3), (1, "", 1), (3, "2", 2), (0, "1", 1), (3, "many", 3), (3, "0", None)]
)
def test_how_many(asked: int, wish: str, wanted: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(workers.VARIABLE, wish)
    monkeypatch.setattr(workers, "_processors", lambda: 64)
    assert count(asked) == (wanted or workers.MOST)


def test_left_alone_it_takes_the_processors_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(workers.VARIABLE, raising=False)
    assert 1 <= count(0) <= workers.MOST


def test_nothing_heavy_is_imported_to_work_alone() -> None:
    heavy = "multiprocessing", "concurrent", "subprocess", "threading", "pickle"
    code = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
from obverse.workers import spread
list(spread([1, 2], lambda mine: (b"" for _ in mine), 2, chunk=2))
assert not set({heavy!r}) & set(sys.modules)
"""
    assert subprocess.run([sys.executable, "-I", "-S", "-c", code]).returncode == 0
