"""A writer who saves ten times a second: the last text ends on disk and on screen, and no process grows by it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from benchmarks.measuring import resident, tree
from tests.serving import Served, commanded, until

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="memory is read from /proc"),
]

RATE = 10  # saves a second
WARM = 30  # saves until what is loaded and kept once has been
PATIENCE = 30

# The article is long, so that a process that kept a copy of each save, in any form, would grow by LENGTH a save: over
# the fewest saves here by half as much again as SLACK. What allocators leave lying does not grow with the saves.
LENGTH = 60_000
SLACK = 1_200_000  # an arena of Python's allocator, which may come at any time, is 1 MiB

ARTICLE = "---\ntitle: Prices\ndate: 2026-01-02\n---\n\n{said}\n\n" + "It costs what it costs. " * 10


def in_place(file: Path, text: str) -> None:
    """Save as plain editors do: the same file, emptied and written."""
    file.write_text(text, "utf-8")


def renamed(file: Path, text: str) -> None:
    """Save as careful editors do: a whole file beside it takes its name."""
    beside = file.with_name(f".{file.name}.tmp")
    beside.write_text(text, "utf-8")
    os.replace(beside, file)


def put_aside(file: Path, text: str) -> None:
    """Save as Vim does: the old file becomes the backup, a new one is written, the backup goes."""
    backup = file.with_name(f"{file.name}~")
    os.replace(file, backup)
    file.write_text(text, "utf-8")
    backup.unlink()


WAYS: tuple[Callable[[Path, str], None], ...] = (in_place, renamed, put_aside)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Served]:
    """`obverse serve` over a small site, two articles of which are written at."""
    for name, text in (
        ("obverse.toml", '[site]\ntitle = "Small"\nurl = "https://small.example"\n'),
        ("content/index.md", "---\ntitle: Home\n---\n\nWelcome.\n"),
        ("content/articles/seen.md", article("first text")),
        ("content/articles/unseen.md", article("first text")),
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    with commanded(tmp_path) as one:
        yield one


def article(said: str) -> str:
    text = ARTICLE.format(said=said)
    return text + "\n\n" + ("x" * 99 + "\n") * ((LENGTH - len(text)) // 100)


def on_disk(desk: Served, name: str) -> str:
    file = desk.root / ".obverse/preview/articles" / name / "index.html"
    return file.read_text("utf-8") if file.exists() else ""


def save(page: Page, desk: Served, count: int, words: str) -> None:
    """Save the article in view so often, and in between the other one; the browser lives on meanwhile."""
    began, ways = time.monotonic(), cycle(WAYS)
    for number in range(count):
        page.wait_for_timeout(max(0, 1000 * (began + number / RATE - time.monotonic())))
        next(ways)(desk.root / "content/articles/seen.md", article(f"{words} {number}."))
        if number % 7 == 3:
            next(ways)(desk.root / "content/articles/unseen.md", article(f"{words} {number}."))


def settled(page: Page, desk: Served, count: int, words: str) -> dict[int, int]:
    """Wait until the last texts are on disk and on screen; the bytes each process of the server holds then."""
    other = max(number for number in range(count) if number % 7 == 3)
    until(lambda: f"{words} {count - 1}." in on_disk(desk, "seen"), PATIENCE)
    until(lambda: f"{words} {other}." in on_disk(desk, "unseen"), PATIENCE)
    expect(page.get_by_text(f"{words} {count - 1}.")).to_be_visible(timeout=1000 * PATIENCE)
    return {pid: resident(pid) for pid in tree(desk.process.pid)}


@pytest.mark.parametrize("count", [25, pytest.param(100, marks=pytest.mark.long)])
def test_saves_ten_times_a_second_end_with_the_last_and_cost_no_memory(
    desk: Served, browser: Browser, count: int
) -> None:
    faults: list[str] = []
    page = browser.new_page()
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(desk.address + "/articles/seen/")
    save(page, desk, WARM, "Warm-up number")
    before = settled(page, desk, WARM, "Warm-up number")
    save(page, desk, count, "Save number")
    after = settled(page, desk, count, "Save number")
    print("bytes, and what came to them:", [(size, size - before.get(pid, 0)) for pid, size in after.items()])
    expect(page.get_by_role("dialog")).to_be_hidden()
    assert desk.state["problems"] == []
    assert not (desk.root / ".obverse/crash.txt").exists()
    assert "Traceback" not in desk.said()
    assert " error" not in desk.said()
    assert faults == []
    assert after.keys() == before.keys()
    assert {pid: size - before[pid] for pid, size in after.items() if size - before[pid] > SLACK} == {}
    page.close()
