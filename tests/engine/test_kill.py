"""A build killed at any moment: what is there is whole, and the next build ends as if nothing had happened."""

from __future__ import annotations

import os
import re
import shutil
import signal
import sys
import time
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from obverse import commit as committing
from obverse import writing
from tests.engine.sites import TinySite, assert_same_tree, released, tree

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="forks")

KILLED = 99


def _child(work: Callable[[], object]) -> int:
    """Start a child process that does some work and leaves without tidying up; its process id."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return pid


def _ended(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _die_at(count: int) -> None:
    """From the beginning of the commit on, leave at the n-th step that changes the disk, before it is done."""
    left = [count]

    def fatal(function: Callable[..., Any]) -> Callable[..., Any]:
        def stepped(*arguments: Any, **named: Any) -> Any:
            left[0] -= 1
            if left[0] < 0:
                os._exit(KILLED)
            return function(*arguments, **named)

        return stepped

    commit = committing.commit

    def doomed(*arguments: Any) -> None:
        for name in ("replace", "unlink", "rmdir", "mkdir", "fsync"):
            setattr(os, name, fatal(getattr(os, name)))
        commit(*arguments)

    writing.commit = doomed  # type: ignore[attr-defined]


def _edited(site: TinySite, number: int) -> None:
    """Another state of the site: files that come, go, change, and change places with folders; another asset."""
    site.write("templates/assets/dot.svg", f'<svg viewBox="0 0 {number} 1"></svg>\n')
    site.write("content/about.md", f"---\ntitle: About {number}\n---\nNumber {number}.\n\n## Team\n")
    come, go = ("odd", "even") if number % 2 else ("even", "odd")
    site.write(f"content/{come}.md", f"{come} {number}\n")
    (site.root / f"content/{go}.md").unlink(missing_ok=True)
    shutil.rmtree(site.root / "content/place", ignore_errors=True)
    (site.root / "content/place.txt").unlink(missing_ok=True)
    site.write("content/place.txt" if number % 2 else "content/place/x/y.txt", f"{number}\n")


def _assert_whole(site: TinySite, before: dict[str, bytes | None], after: dict[str, bytes | None]) -> None:
    """Every file is as it was or as it will be, and every page has the style sheet it names."""
    now = tree(site.out)
    for path, data in now.items():
        assert path in before or path in after, f"{path} came from nowhere"
        allowed = [files[path] for files in (before, after) if path in files]
        assert data in allowed, f"{path} is neither old nor new"
        for sheet in re.findall(rb'<link href="/(assets/[^"]+)"', data or b""):
            assert sheet.decode() in now, f"{path} names {sheet.decode()}"
    for path in before.keys() & after.keys():
        assert path in now, f"{path} is gone for a while"


@pytest.mark.parametrize("stride", [5, pytest.param(1, marks=pytest.mark.long)])
def test_killed_at_every_step_of_a_commit(built: TinySite, stride: int) -> None:
    step, code = 0, KILLED
    while code == KILLED:
        before = tree(built.out)
        _edited(built, step)

        def doomed(step: int = step) -> None:
            _die_at(step)
            built.good_build()

        code = _ended(_child(doomed))
        assert code in {KILLED, 0}
        clean, after = built.clean_build()
        assert not clean.blocked
        _assert_whole(built, before, after)
        built.good_build()
        assert_same_tree(tree(built.out) | released(built.options().release_folder), after)
        assert not (built.root / ".obverse/journal").exists()
        assert not (built.root / ".obverse/stage").exists()
        step += stride
    assert step > 30, "the commit had hardly a step to be killed at"


def test_killed_at_any_moment(built: TinySite) -> None:
    chance = Random(7)
    killed = 0
    for number in range(15):
        before = tree(built.out)
        _edited(built, number)
        pid = _child(built.good_build)
        time.sleep(chance.uniform(0.0, 0.15))
        os.kill(pid, signal.SIGKILL)
        killed += _ended(pid) == -signal.SIGKILL
        _, after = built.clean_build()
        _assert_whole(built, before, after)
        built.good_build()
        assert_same_tree(tree(built.out) | released(built.options().release_folder), after)
    assert killed > 3


def test_killed_while_it_writes_the_moves(built: TinySite) -> None:
    """The redirect of a page that moved survives a kill between writing the moves and committing."""
    built.move("content/services/one.md", "content/services/first.md")
    built.replace("content/services/two.md", "one.md", "first.md")

    def doomed() -> None:
        _die_at(0)
        built.build()

    assert _ended(_child(doomed)) == KILLED
    report = built.good_build()
    assert b"/services/first/" in (built.out / "services/one/index.html").read_bytes()
    built.assert_as_clean(report)
