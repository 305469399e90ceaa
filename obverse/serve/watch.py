"""The site's folders -> a word for every save: the paths that changed, soon after the last byte of each.

The trees (content, templates) are watched through watchfiles, by the system's own notifications; the few single files
(settings, hooks) and the trees' comings and goings by looking at each. Notifications are quick but promise nothing:
none come from many network drives and containers, and none when too many are in use. So everything is also looked at
now and then, and often where there is nothing better: a save may be told late, but it is told.
"""

from __future__ import annotations

import os
import stat
import threading
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from pathlib import Path
from typing import TypeAlias

TREES = ("content", "templates")
FILES = ("hooks.py", "obverse.toml")

# Milliseconds. A save is often two or three writes: it is told when nothing came for QUIET, at the latest after FULL.
QUIET = 40
FULL = 200
WAKE = 100

# How often everything is looked at: seconds, and never more than one part in so many of the time.
WITH_NOTICE = (2.0, 50)
WITHOUT = (0.3, 10)

_SUFFIXES = ("~", ".bak", ".swp", ".swx", ".swo", ".kate-swp", ".tmp", ".part", "___jb_tmp___", "___jb_old___")

Noticed: TypeAlias = Callable[[frozenset[str]], None]
Stats: TypeAlias = dict[str, tuple[int, ...]]


def is_noise(relative: str) -> bool:
    """Whether a path under a watched tree is what an editor or a version control system keeps for itself."""
    parts = relative.replace(os.sep, "/").split("/")
    if any(part.startswith(".") or part == "__pycache__" for part in parts):
        return True
    # 4913 is how Vim tries whether it may write here; #name# is what Emacs saves by itself.
    return parts[-1] == "4913" or parts[-1].endswith(_SUFFIXES) or (parts[-1][:1] + parts[-1][-1:] == "##")


class Watcher:
    """Watches one site. `noticed` is called with absolute paths, on the watcher's own thread."""

    def __init__(self, root: Path, more: Iterable[Path], noticed: Noticed) -> None:
        """`root` is the site's folder; `more` are trees elsewhere that the site also reads."""
        self._trees = sorted({str(root / name) for name in TREES} | {str(path) for path in more})
        self._files = [str(root / name) for name in FILES]
        self._noticed = noticed
        self._seen: Stats = {}
        self._next_look = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> None:
        """Watch, and say once that everything may have changed: from that word on nothing is missed."""
        self._thread.start()

    def stop(self) -> None:
        """Watch no longer."""
        self._stop.set()
        self._thread.join(2)

    def is_wanted(self, _change: object, path: str) -> bool:
        """Whether a change at this path may change the site."""
        for tree in self._trees:
            if path == tree:
                return True
            if path.startswith(tree + os.sep):
                return not is_noise(path[len(tree) + 1 :])
        return False

    def _run(self) -> None:
        notified = True
        while not self._stop.is_set():
            try:
                self._watch(_identities(self._trees), notified)
            except FileNotFoundError:  # a tree went away between the look and the watch
                self._stop.wait(WAKE / 1000)
            except (ImportError, OSError, RuntimeError):  # no watchfiles here, or no notifications to be had
                notified = False

    def _watch(self, trees: Stats, notified: bool) -> None:
        """Tell changes until one of the trees comes, goes or is replaced."""
        with closing(self._batches(sorted(trees), notified)) as batches:
            next(batches)  # they are being watched now
            self._seen = self._snapshot()
            self._noticed(frozenset(self._trees))
            for names in batches:
                self._renew(names)
                changed = names | self._renew(self._files) | self._look(*(WITH_NOTICE if notified else WITHOUT))
                if changed:
                    self._noticed(changed)
                if names & trees.keys() or _identities(self._trees) != trees:
                    return

    def _batches(self, trees: list[str], notified: bool) -> Generator[frozenset[str], None, None]:
        """The paths that changed under the trees, a batch at a time; an empty one when none did for a while."""
        if trees and notified:
            from watchfiles import watch

            for changes in watch(
                *trees,
                watch_filter=self.is_wanted,
                debounce=FULL,
                step=QUIET,
                stop_event=self._stop,
                rust_timeout=WAKE,
                yield_on_timeout=True,
                raise_interrupt=False,
                force_polling=False,  # its polling compares whole seconds: two saves in one of them would be one
                ignore_permission_denied=True,
            ):
                yield frozenset(path for _, path in changes)
        yield frozenset()
        while not self._stop.wait(WAKE / 1000):
            yield frozenset()

    def _renew(self, paths: Iterable[str]) -> frozenset[str]:
        """See these files as they are now. Returns those that were seen otherwise before."""
        before = {path: self._seen[path] for path in paths if path in self._seen}
        now = _stats(paths)
        for path in before:
            del self._seen[path]
        self._seen |= now
        return _differences(before, now)

    def _look(self, pause: float, share: int) -> frozenset[str]:
        """Look at everything when it is time to. Returns what has changed and nobody told."""
        began = time.monotonic()
        if began < self._next_look:
            return frozenset()
        before, self._seen = self._seen, self._snapshot()
        ended = time.monotonic()
        self._next_look = ended + max(pause, (ended - began) * share)
        return _differences(before, self._seen)

    def _snapshot(self) -> Stats:
        found = _stats(self._files)
        for tree in self._trees:
            for folder, folders, files in os.walk(tree, followlinks=True):
                folders[:] = [name for name in folders if not is_noise(name)]
                found |= _stats(os.path.join(folder, name) for name in files if not is_noise(name))
        return found


def _differences(before: Stats, now: Stats) -> frozenset[str]:
    return frozenset(path for path in before.keys() | now.keys() if before.get(path) != now.get(path))


def _stats(paths: Iterable[str]) -> Stats:
    """What tells a file from what it was before. Folders are none: they change with every file in them."""
    found: Stats = {}
    for path in paths:
        try:
            now = os.stat(path)
        except OSError:
            continue
        if not stat.S_ISDIR(now.st_mode):
            found[path] = (now.st_mtime_ns, now.st_size, now.st_ino)
    return found


def _identities(paths: Iterable[str]) -> Stats:
    """The folders there are, each told from another of the same name."""
    found: Stats = {}
    for path in paths:
        if os.path.isdir(path):
            now = os.stat(path)
            found[path] = (now.st_dev, now.st_ino)
    return found
