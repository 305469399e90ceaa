"""The builder process: asked once at a time, never for nothing, and gone when its server is."""

import os
import queue
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest

from obverse.serve import child
from obverse.serve.builder import Builder
from obverse.serve.wire import Order, Outcome, order_line, read_outcome
from tests.serving import FAKE, REPOSITORY, until


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "content").mkdir()
    (tmp_path / "content/index.md").write_text("hello")
    return tmp_path


def order(root: Path, builder: str = FAKE) -> Order:
    return Order(str(root), str(root / "out"), "http://localhost", builder)


class Room:
    """A builder and the thread it lives on, which is this one."""

    def __init__(self, root: Path, builder: str = FAKE) -> None:
        self.calls: queue.Queue[tuple[Any, ...]] = queue.Queue()
        self.outcomes: list[Outcome] = []
        self.builder = Builder(order(root, builder), self.outcomes.append, lambda *call: self.calls.put(call))

    def outcome(self) -> Outcome:
        before = len(self.outcomes)
        while len(self.outcomes) == before:
            self.turn(20)
        return self.outcomes[-1]

    def turn(self, seconds: float) -> None:
        call, *arguments = self.calls.get(timeout=seconds)
        call(*arguments)

    def rest(self, seconds: float = 0.3) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            try:
                self.turn(left)
            except queue.Empty:
                return


@pytest.fixture
def room(root: Path) -> Iterator[Room]:
    one = Room(root)
    yield one
    one.builder.close()
    one.rest(0.05)


def test_it_builds_when_asked_and_tells_what_came_of_it(room: Room, root: Path) -> None:
    room.builder.ask()
    outcome = room.outcome()
    assert outcome.written == ("404.html", "index.html")
    assert outcome.total == 2
    assert "hello" in (root / "out/index.html").read_text()
    (root / "content/index.md").write_text("!error")
    room.builder.ask()
    assert room.outcome().blocked
    assert room.outcomes[-1].problems[0].place == "content/index.md:1:2"


def test_what_is_asked_during_a_build_becomes_one_more_build(room: Room, root: Path) -> None:
    (root / "content/index.md").write_text("!slow\none")
    room.builder.ask()
    time.sleep(0.1)
    for number in range(10):
        (root / "content/index.md").write_text(f"!slow\nsave {number}")
        room.builder.ask()
    room.outcome()
    room.outcome()
    assert "save 9" in (root / "out/index.html").read_text()
    room.rest(0.6)
    assert len(room.outcomes) == 2


def test_what_is_looked_at_is_told_before_the_rest(room: Room, root: Path) -> None:
    (root / "content/about.md").write_text("!part")
    room.builder.ask(first=("index.html",))
    outcome = room.outcome()
    assert (outcome.partial, outcome.written) == (True, ("index.html",))
    outcome = room.outcome()
    assert (outcome.partial, outcome.written) == (False, ("404.html", "about/index.html"))
    room.rest()
    assert len(room.outcomes) == 2


def test_what_is_asked_between_the_two_is_built_after_both(room: Room, root: Path) -> None:
    (root / "content/about.md").write_text("!part")
    room.builder.ask(first=("index.html",))
    room.outcome()
    (root / "content/index.md").write_text("saved meanwhile")
    room.builder.ask()
    while "saved meanwhile" not in (root / "out/index.html").read_text():
        room.outcome()
    room.rest()
    assert not room.outcomes[-1].partial


def test_what_a_hook_prints_does_not_reach_the_wire(room: Room, root: Path) -> None:
    (root / "content/index.md").write_text("!print")
    room.builder.ask()
    assert not room.outcome().crashed


def test_a_crash_is_a_problem_and_the_next_save_has_a_new_builder(room: Room, root: Path) -> None:
    (root / "content/index.md").write_text("!crash")
    first = room.builder.pid
    room.builder.ask()
    outcome = room.outcome()
    assert outcome.crashed
    assert outcome.blocked
    assert outcome.problems[0].code == "builder-crashed"
    assert outcome.problems[0].message == "the builder stopped: RuntimeError: no more"
    assert "RuntimeError: no more" in (root / ".obverse/crash.txt").read_text()
    room.outcome()  # tried once more by itself
    room.rest()
    assert len(room.outcomes) == 2  # and not for ever
    (root / "content/index.md").write_text("mended")
    room.builder.ask()
    assert room.outcome().blocked is False
    assert room.builder.pid != first


def test_a_builder_that_just_ends_is_a_problem_too(room: Room, root: Path) -> None:
    (root / "content/index.md").write_text("!die")
    room.builder.ask()
    assert room.outcome().problems[0].message == "the builder ended without a report (exit code 3)"
    room.outcome()
    (root / "content/index.md").write_text("mended")
    room.builder.ask()
    assert room.outcome().blocked is False


def test_a_builder_killed_in_the_middle_builds_what_was_asked(room: Room, root: Path) -> None:
    (root / "content/index.md").write_text("!slow\nlast words")
    room.builder.ask()
    time.sleep(0.1)
    assert room.builder.pid
    os.kill(room.builder.pid, signal.SIGKILL)
    assert room.outcome().problems[0].message == "the builder ended without a report (killed by signal 9)"
    assert room.outcome().blocked is False
    assert "last words" in (root / "out/index.html").read_text()


def test_one_killed_while_idle_is_replaced_without_a_word(room: Room) -> None:
    room.builder.ask()
    room.outcome()
    assert room.builder.pid
    os.kill(room.builder.pid, signal.SIGKILL)
    until(lambda: room.rest(0.05) or room.builder.pid is None)
    room.builder.ask()
    assert room.outcome().crashed is False


def test_changed_code_is_built_by_a_new_process(room: Room) -> None:
    room.builder.ask()
    room.outcome()
    first = room.builder.pid
    room.builder.ask(afresh=True)
    room.outcome()
    assert room.builder.pid != first


def test_a_builder_that_cannot_be_imported_is_a_problem(root: Path) -> None:
    room = Room(root, "no.such.module:build")
    room.builder.ask()
    assert "No module named 'no'" in room.outcome().problems[0].message
    room.outcome()
    room.builder.close()


def test_modules_that_lie_in_the_working_folder_are_not_imported(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "json.py").write_text("raise SystemExit('the wrong json')")
    monkeypatch.chdir(root)
    room = Room(root)
    room.builder.ask()
    assert not room.outcome().crashed
    room.builder.close()


def test_closing_ends_the_process(root: Path) -> None:
    room = Room(root)
    pid = room.builder.pid
    assert pid
    room.builder.close()
    assert room.builder.pid is None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


HOLDER = """
import sys, time
from obverse.serve.builder import Builder
from obverse.serve.wire import Order
builder = Builder(Order(sys.argv[1], sys.argv[1] + "/out", "", sys.argv[2]), print, print)
builder.ask()
print(builder.pid, flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("text", ["hello", "!slow\n" * 40])
def test_it_dies_with_a_server_that_is_killed(root: Path, text: str) -> None:
    (root / "content/index.md").write_text(text)
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(root), FAKE], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout
    pid = int(holder.stdout.readline())
    time.sleep(0.5)
    assert Path(f"/proc/{pid}").exists()
    holder.kill()
    holder.wait()
    holder.stdout.close()
    until(lambda: has_ended(pid), 5)


def has_ended(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def answered(*orders: Order) -> list[Outcome]:
    lines: SimpleQueue[bytes | None] = SimpleQueue()
    for one in orders:
        lines.put(order_line(one))
    lines.put(None)
    answers = BytesIO()
    child.answer_all(lines, answers)
    return [read_outcome(line) for line in answers.getvalue().splitlines()]


def test_the_child_answers_each_order_until_there_are_no_more(root: Path) -> None:
    assert [one.written for one in answered(order(root), order(root))] == [("404.html", "index.html"), ()]


def test_the_child_answers_nothing_after_a_crash(root: Path) -> None:
    (root / "content/index.md").write_text("!crash")
    assert [one.crashed for one in answered(order(root), order(root))] == [True]


def test_a_crash_in_the_site_s_own_code_is_told_at_its_line(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = "from tests.fake_builder import BuildOptions, Keep\n\ndef build(_, keep):\n    1 / 0\n"
    (root / "site_hooks.py").write_text(code)
    monkeypatch.syspath_prepend(root)
    found = answered(order(root, "site_hooks:build"))[0].problems[0]
    assert (found.place, found.excerpt) == ("site_hooks.py:4", "    1 / 0")
    assert "mend the line shown" in found.hint


def test_a_hook_that_calls_exit_is_a_crash_not_the_end(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "exit_hooks.py").write_text("raise SystemExit(0)")
    monkeypatch.syspath_prepend(root)
    assert answered(order(root, "exit_hooks:build"))[0].crashed


def test_a_crash_is_told_even_where_nothing_can_be_kept(root: Path) -> None:
    (root / ".obverse").write_text("in the way")
    (root / "content/index.md").write_text("!crash")
    assert "crash.txt" not in answered(order(root))[0].problems[0].hint
