"""Histories of a site: edits and builds by chance, and what has to be true after each build.

A history is a list of steps, each with the seed of its own chance. After a few edits the site is built; then the output
folder and the problems have to be those of a clean build into another folder, a blocked build must have left the folder
untouched, and building again must write nothing. Some builds are killed at a moment made by chance, some are checked
with `--verify`. A history that fails is cut down before it is told.

`python -m tests.engine.histories --seeds 1000:1100 --length 100 --workers 2 --kills` lives through many. Builds with
several workers need this: a process that runs tests has threads, and is not forked.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

from obverse.build import Keep, Report, build
from tests.engine.edits import EDITS, LENIENT_SETTINGS
from tests.engine.sites import CONTENT, THEME, TinySite, frozen, stats, told

Step = tuple[str, int]
History = tuple[Step, ...]
Make = Callable[..., Report]

# Edits after which one build comes, and how long a history goes on.
FEW = 3
LENGTH = 30
BUILD, KILL = "build", "kill"

# Harm to the ledger has its own tests; here it is rare, or nothing would ever be remembered.
WEIGHTS = {
    "edit_body": 3, "change_matter": 14, "add_article": 4, "add_page": 3, "rename_page": 5, "bring_back": 5,
    "delete_memory": 0.3, "delete_everything_built": 0.2, "damage_memory": 0.3, "change_hooks": 0.5,
    "delete_folder": 0.5, "move_address": 4, "put_file_at_address": 2, "delete_file": 2,
    "rewrite_settings": 0.7, "break_template": 0.5, "drop_template": 3,
}  # fmt: skip


@dataclasses.dataclass(frozen=True, slots=True)
class Way:
    """How the builds of a history are made; the clean builds beside them are always made by one process."""

    engine: str = "markdown"
    workers: int = 1
    kills: bool = False
    keeps: bool = False  # the process keeps its ledger from build to build, as `serve` does


PLAIN = Way()

# What was lived through: edits, builds, builds that were killed. Kills that all come too late prove nothing.
lived: Counter[str] = Counter()


def history(seed: int, length: int = LENGTH, *, kills: bool = False) -> History:
    """A history made by chance alone."""
    chance = Random(seed)
    names = sorted(EDITS)
    weights = [WEIGHTS.get(name, 1) for name in names]
    steps: list[Step] = []
    while len(steps) < length:
        steps += [
            (name, chance.randrange(1 << 30)) for name in chance.choices(names, weights, k=chance.randint(1, FEW))
        ]
        if kills and chance.random() < 0.4:
            steps.append((KILL, chance.randrange(1 << 30)))
            if chance.random() < 0.3:
                continue
        steps.append((BUILD, chance.randrange(1 << 30)))
    return tuple(steps)


def live(root: Path, steps: History, way: Way = PLAIN) -> None:
    """Live through a history from the tiny site on. Raises AssertionError where a build was not as a clean one."""
    shutil.rmtree(root, ignore_errors=True)
    site = TinySite(root, {**CONTENT, "obverse.toml": LENIENT_SETTINGS})
    _choose(site, way.engine)
    keep = Keep() if way.keeps else None

    def make(**mode: Any) -> Report:
        return build(site.options(workers=way.workers, **mode), frozen(site.now), keep)

    make()
    safe = _snapshot(site)
    for name, seed in steps:
        chance = Random(seed)
        _choose(site, way.engine)
        lived[name if name in {BUILD, KILL} else "edit"] += 1
        if name == KILL:
            _build_and_kill(make, chance)
        elif name != BUILD:
            EDITS[name](site, chance)
        elif _built_as_clean(site, make, way, chance):
            safe = _snapshot(site)
        else:
            _restore(site, safe)


def _choose(site: TinySite, engine: str) -> None:
    """Choose another than the default engine, whatever an edit has made of the settings."""
    file = site.root / "obverse.toml"
    table = f'[markdown]\nengine = "{engine}"\n'
    if engine != "markdown" and file.is_file() and table not in site.read("obverse.toml"):
        site.write("obverse.toml", f"{site.read('obverse.toml').rstrip()}\n{table}")


def _built_as_clean(site: TinySite, make: Make, way: Way, chance: Random) -> bool:
    """Build and compare. Says whether the build went through; a blocked one has to be blocked for the same reasons."""
    mode: dict[str, Any] = _mode(chance)
    options = site.options(**mode)
    if chance.random() < 0.3:
        _build_a_part(make, mode, options.folder, chance)
    before = stats(options.folder)
    report = make(**mode)
    assert report.total or report.blocked
    site.assert_as_clean(report, options.folder, **mode, workers=1)
    if report.blocked:
        # A commit that a kill left half done is finished even so; there is nothing to be as it was.
        assert way.kills or stats(options.folder) == before, "a blocked build touched its folder"
        return False
    if chance.random() < 0.5:
        after = stats(options.folder)
        again = make(**mode)
        assert (again.written, again.removed) == ((), ()), again.because
        assert told(again) == told(report)
        assert stats(options.folder) == after, "a build with nothing to do touched its folder"
    if chance.random() < 0.1:
        verified = make(**mode, verify=True)
        assert told(verified) == told(report), "what --verify finds"
    return True


def _build_a_part(make: Make, mode: dict[str, Any], folder: Path, chance: Random) -> None:
    """Build, if a great deal is to be made, what is looked at alone; the rest is put off to the build that follows."""
    files = sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())
    seen = frozenset(chance.sample(files, min(len(files), 2)))
    report = make(**mode, first=seen)
    lived["partial"] += report.partial
    lived["put off"] += report.partial and not report.blocked
    assert not report.partial or set(report.written) & seen or report.blocked


def _mode(chance: Random) -> dict[str, Any]:
    return {"mode": "preview", "drafts": True} if chance.random() < 0.2 else {}


# Killed builds.


def _build_and_kill(make: Make, chance: Random) -> None:
    """Build in a child process that dies somewhere: at a step of its commit, or at some call of some function."""
    mode = _mode(chance)
    die = _at_a_step if chance.random() < 0.4 else _at_a_call
    seed = chance.randrange(1 << 30)
    pid = os.fork()
    if pid == 0:
        try:
            die(Random(seed))
            make(**mode)
        finally:
            os._exit(0)
    _, status = os.waitpid(pid, 0)
    lived["killed"] += os.WIFSIGNALED(status)


def _at_a_step(chance: Random) -> None:
    """Die at the n-th step that changes the disk, before it is done; a worker that comes so far dies too."""
    left = chance.randrange(80)

    def fatal(function: Callable[..., Any]) -> Callable[..., Any]:
        def stepped(*arguments: Any, **named: Any) -> Any:
            nonlocal left
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*arguments, **named)

        return stepped

    for name in ("replace", "unlink", "rmdir", "mkdir", "fsync"):
        setattr(os, name, fatal(getattr(os, name)))


def _at_a_call(chance: Random) -> None:
    """Die at the n-th call of a function, in any phase; either this process alone or whoever counts so far."""
    left = int(10 ** chance.uniform(2, 5.2))
    mine = os.getpid() if chance.random() < 0.5 else None

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal left
        if event == "call":
            left -= 1
            if left < 0 and mine in {None, os.getpid()}:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.setprofile(count)


# What a blocked build is followed by: the writer takes back what was wrong.

OURS = ("content", "templates", "obverse.toml", "hooks.py")


def _snapshot(site: TinySite) -> dict[str, bytes]:
    found = {}
    for name in OURS:
        top = site.root / name
        files = [top] if top.is_file() else sorted(top.rglob("*"))
        found |= {file.relative_to(site.root).as_posix(): file.read_bytes() for file in files if file.is_file()}
    return found


def _restore(site: TinySite, files: dict[str, bytes]) -> None:
    for name in OURS:
        top = site.root / name
        top.unlink() if top.is_file() else shutil.rmtree(top, ignore_errors=True)
    for path, data in files.items():
        site.write(path, data)


# Proving.


def failure(root: Path, steps: History, way: Way = PLAIN) -> str:
    """What goes wrong in a history, "" when nothing does."""
    try:
        live(root, steps, way)
    except Exception as error:  # noqa: BLE001 - a traceback out of a build is a failure like any other
        return f"{type(error).__name__}: {error}"
    return ""


def shortest(root: Path, steps: History, fails: Callable[[Path, History], str]) -> History:
    """The history without the steps it fails without: halves first, then single steps."""
    size = len(steps) // 2
    while size:
        start = 0
        while start < len(steps):
            shorter = steps[:start] + steps[start + size :]
            if fails(root, shorter):
                steps = shorter
            else:
                start += size
        size //= 2
    return steps


def flaw(root: Path, seed: int, length: int = LENGTH, way: Way = PLAIN) -> str:
    """Live through the history of a seed: "", or the shortest history that fails, and how."""
    steps = history(seed, length, kills=way.kills)
    first = failure(root, steps, way)
    if not first:
        return ""
    steps = shortest(root, steps, lambda place, some: failure(place, some, way))
    how = failure(root, steps, way) or f"(not every time) {first}"
    return f"seed {seed} of length {length}, {way}, cut down to\n" + "\n".join(map(repr, steps)) + f"\n{how}"


@contextmanager
def stage(folder: Path) -> Iterator[Path]:
    """What the fixtures give a test, and workers that are called for a handful: a place for a site, in `folder`."""
    for name, text in THEME.items():
        (folder / "theme" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "theme" / name).write_text(text, encoding="utf-8", newline="\n")
    os.environ.pop("SOURCE_DATE_EPOCH", None)
    patches: dict[str, Any] = {
        "obverse.build.bundled": lambda _name: folder / "theme",
        "obverse.versions.versions_stamp": lambda: "versions",
        "obverse.sources.RACY_NS": 20_000_000,
        "obverse.pages.ENOUGH": 2,
        "obverse.pages._FEW": 1,
        "obverse.crew.ENOUGH": 2,
        "obverse.crew._CHUNK": 1,
        "obverse.making.FEW": 2,
    }
    with ExitStack() as stack:
        for name, value in patches.items():
            stack.enter_context(patch(name, value))
        yield folder / "desk"


def main() -> None:
    """Live through the histories of many seeds; exit code 1 at the first flaw."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", default="1000:1010", help="first:end")
    parser.add_argument("--length", type=int, default=LENGTH)
    parser.add_argument("--engine", default="markdown")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--kills", action="store_true")
    parser.add_argument("--keeps", action="store_true")
    wish = parser.parse_args()
    first, _, end = wish.seeds.partition(":")
    way = Way(wish.engine, wish.workers, wish.kills, wish.keeps)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, stage(Path(folder)) as root:
        for seed in range(int(first), int(end)):
            if found := flaw(root, seed, wish.length, way):
                print(found, flush=True)
                sys.exit(1)
    print(f"{int(end) - int(first)} histories of {wish.length} steps, {way}: {time.monotonic() - began:.0f} s")
    killed = f"{lived['killed']} of {lived[KILL]} others killed in the middle"
    print(f"{lived['edit']} edits, {lived[BUILD]} builds compared, {lived['put off']} after a part, {killed}")
    if wish.kills and not lived["killed"]:
        sys.exit("no build was killed in the middle")


if __name__ == "__main__":
    main()
