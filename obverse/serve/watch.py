"""The site's folders -> a word for every save: the paths that changed, soon after the last byte of each.

The trees (content, templates) are watched by the system's own notifications, through watchfiles; the few single files
(settings, hooks) and the trees' comings and goings by looking, which costs six calls of stat. Where watchfiles cannot
be imported, everything is looked at.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from pathlib import Path
from typing import TypeAlias

from livereload.watcher import Watcher as LiveReloadWatcher

TREES = ("content", "templates")
FILES = ("hooks.py", "obverse.toml")

# Milliseconds. A save is often two or three writes: it is told when nothing came for QUIET, at the latest after FULL.
QUIET = 40
FULL = 200
LOOK = 100
# Seconds after which a new folder is looked at again: what was put into it before it was watched has told nobody.
SETTLED = 0.4

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


class Watcher(LiveReloadWatcher):  # type: ignore[misc]  # livereload ships no types
    """Watches one site. `noticed` is called with absolute paths, on the watcher's own thread."""

    def __init__(self, root: Path, more: Iterable[Path], noticed: Noticed) -> None:
        """`root` is the site's folder; `more` are trees elsewhere that the site also reads."""
        super().__init__()
        self._trees = sorted({str(root / name) for name in TREES} | {str(path) for path in more})
        self._files = [str(root / name) for name in FILES]
        self._noticed = noticed
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._seen: Stats = _stats(self._files)

    def start(self, _callback: object = None) -> bool:
        """Watch from now on, and say so once by noticing everything. False: `examine` has to be called instead."""
        try:
            import watchfiles  # noqa: F401
        except ImportError:
            self._seen = self._snapshot()
            self._noticed(frozenset(self._trees))
            return False
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
        self._thread.start()
        return True

    def stop(self) -> None:
        """Watch no longer."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(2)

    def examine(self) -> tuple[None, None]:
        """Look at everything once. There is never anything for livereload to do: its reload would come too early."""
        now = self._snapshot()
        changed, self._seen = _differences(self._seen, now), now
        if changed:
            self._noticed(changed)
        return None, None

    def is_wanted(self, _change: object, path: str) -> bool:
        """Whether a change at this path may change the site."""
        for tree in self._trees:
            if path == tree:
                return True
            if path.startswith(tree + os.sep):
                return not is_noise(path[len(tree) + 1 :])
        return False

    def _snapshot(self) -> Stats:
        found = _stats(self._files)
        for tree in self._trees:
            for folder, folders, files in os.walk(tree, followlinks=True):
                folders[:] = [name for name in folders if not is_noise(name)]
                found |= _stats(os.path.join(folder, name) for name in files if not is_noise(name))
        return found

    def _run(self) -> None:
        polling = False
        while not self._stop.is_set():
            try:
                self._watch(_identities(self._trees), polling)
            except FileNotFoundError:  # a tree went away between the look and the watch
                self._stop.wait(LOOK / 1000)
            except (OSError, RuntimeError):  # the system has no more notifications to give, or none for this drive
                polling = True
                self._stop.wait(LOOK / 1000)

    def _watch(self, trees: Stats, polling: bool) -> None:
        """Tell changes until one of the trees comes, goes or is replaced. The first word is that anything may have."""
        told = False
        with closing(self._batches(sorted(trees), polling)) as batches:
            for batch in batches:
                names = frozenset(path for _, path in batch) | self._changed_files()
                if names or not told:
                    self._noticed(names if told else names | set(self._trees))
                if any(os.path.isdir(path) for path in names):
                    self._settle(names)
                if (told and names & trees.keys()) or _identities(self._trees) != trees:
                    return
                told = True

    def _batches(self, trees: list[str], polling: bool) -> Generator[Iterable[tuple[object, str]], None, None]:
        """What changed under the trees, a set at a time; an empty one when nothing did for a while."""
        if trees:
            from watchfiles import watch

            yield from watch(
                *trees,
                watch_filter=self.is_wanted,
                debounce=FULL,
                step=QUIET,
                stop_event=self._stop,
                rust_timeout=LOOK,
                yield_on_timeout=True,
                raise_interrupt=False,
                force_polling=polling or None,
                ignore_permission_denied=True,
            )
        while not self._stop.wait(LOOK / 1000):
            yield ()

    def _changed_files(self) -> frozenset[str]:
        before, self._seen = self._seen, _stats(self._files)
        return _differences(before, self._seen)

    def _settle(self, names: frozenset[str]) -> None:
        timer = threading.Timer(SETTLED, self._noticed, (names,))
        timer.daemon = True
        timer.start()


def _differences(before: Stats, now: Stats) -> frozenset[str]:
    return frozenset(path for path in before.keys() | now.keys() if before.get(path) != now.get(path))


def _stats(paths: Iterable[str]) -> Stats:
    found: Stats = {}
    for path in paths:
        try:
            stat = os.stat(path)
        except OSError:
            continue
        found[path] = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
    return found


def _identities(paths: Iterable[str]) -> Stats:
    found: Stats = {}
    for path in paths:
        if os.path.isdir(path):
            stat = os.stat(path)
            found[path] = (stat.st_dev, stat.st_ino)
    return found
