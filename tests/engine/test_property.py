"""The heart of it: whatever happens to a site, a build that remembers makes what a build that remembers nothing makes.

A history is a list of edits, each with the seed of its own chance. After a few of them the site is built; then the
output folder and the problems have to be those of a clean build into another folder, a blocked build must have left the
folder untouched, and building again must write nothing. A history that fails is cut down before it is shown.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from tests.engine.edits import EDITS, LENIENT_SETTINGS
from tests.engine.sites import CONTENT, TinySite, stats, told

Step = tuple[str, int]
History = tuple[Step, ...]

# Edits after which one build comes, and how long a history goes on.
FEW = 3
LENGTH = 30
BUILD = "build"

# Harm to the ledger has its own tests; here it is rare, or nothing would ever be remembered.
WEIGHTS = {
    "edit_body": 3, "change_matter": 14, "add_article": 4, "add_page": 3, "rename_page": 3, "bring_back": 5,
    "delete_memory": 0.3, "delete_everything_built": 0.2, "damage_memory": 0.3, "change_hooks": 0.5,
    "delete_folder": 0.5,
    "rewrite_settings": 0.7, "break_template": 0.5, "drop_template": 3,
}  # fmt: skip


@pytest.fixture
def quick_stamps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trust stamps soon: histories are faster than people, and stamps that are never trusted would prove nothing."""
    monkeypatch.setattr("obverse.sources.RACY_NS", 20_000_000)


def history(seed: int, length: int = LENGTH) -> History:
    """A history made by chance alone."""
    chance = Random(seed)
    names = sorted(EDITS)
    weights = [WEIGHTS.get(name, 1) for name in names]
    steps: list[Step] = []
    while len(steps) < length:
        steps += [
            (name, chance.randrange(1 << 30)) for name in chance.choices(names, weights, k=chance.randint(1, FEW))
        ]
        steps.append((BUILD, chance.randrange(1 << 30)))
    return tuple(steps)


def live(root: Path, steps: History) -> None:
    """Live through a history from the tiny site on. Raises AssertionError where a build was not as a clean one."""
    shutil.rmtree(root, ignore_errors=True)
    site = TinySite(root, {**CONTENT, "obverse.toml": LENIENT_SETTINGS})
    site.good_build()
    safe = _snapshot(site)
    for name, seed in steps:
        if name != BUILD:
            EDITS[name](site, Random(seed))
        elif _built_as_clean(site, Random(seed)):
            safe = _snapshot(site)
        else:
            _restore(site, safe)


def _built_as_clean(site: TinySite, chance: Random) -> bool:
    """Build and compare. Says whether the build went through; a blocked one has to be blocked for the same reasons."""
    mode = {"mode": "preview", "drafts": True} if chance.random() < 0.2 else {}
    options = site.options(**mode)
    before = stats(options.folder)
    report = site.build(**mode)
    assert report.total or report.blocked
    site.assert_as_clean(report, options.folder, **mode)
    if report.blocked:
        assert stats(options.folder) == before, "a blocked build touched its folder"
        return False
    if chance.random() < 0.5:
        after = stats(options.folder)
        again = site.build(**mode)
        assert (again.written, again.removed) == ((), ()), again.because
        assert told(again) == told(report)
        assert stats(options.folder) == after, "a build with nothing to do touched its folder"
    return True


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


def failure(root: Path, steps: History) -> str:
    """What goes wrong in a history, "" when nothing does."""
    try:
        live(root, steps)
    except Exception as error:  # noqa: BLE001 - a traceback out of a build is a failure like any other
        return f"{type(error).__name__}: {error}"
    return ""


def shortest(root: Path, steps: History, fails: Callable[[Path, History], str] = failure) -> History:
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


def prove(root: Path, seed: int, length: int = LENGTH) -> None:
    """Live through the history of a seed; a failure is told with the shortest history that has it."""
    steps = history(seed, length)
    if failure(root, steps):
        steps = shortest(root, steps)
        pytest.fail(
            f"seed {seed}, cut down to\n" + "\n".join(map(repr, steps)) + f"\n{failure(root, steps)}", pytrace=False
        )


@pytest.mark.parametrize("seed", range(6))
def test_any_history_ends_as_a_clean_build(seed: int, tmp_path: Path, tiny_theme: Path, quick_stamps: None) -> None:
    prove(tmp_path / "desk", seed)


@pytest.mark.long
def test_long_histories_end_as_clean_builds(tmp_path: Path, tiny_theme: Path, quick_stamps: None) -> None:
    began = time.monotonic()
    for seed in range(1000, 1100):
        prove(tmp_path / "desk", seed, length=100)
    print(f"100 histories of 100 steps in {time.monotonic() - began:.0f} s")
