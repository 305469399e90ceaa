"""Every save is noticed, whatever the editor does to make it."""

import os
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import watchfiles

from obverse.serve.watch import Watcher, is_noise
from tests.serving import until


class Eye:
    """A watcher and what it noticed."""

    def __init__(self, root: Path, *more: Path) -> None:
        self.root = root
        self.told: list[frozenset[str]] = []
        self.watcher = Watcher(root, more, self.told.append)
        self.watcher.start()
        until(lambda: self.told)

    def saw(self, path: str, do: Callable[[], Any]) -> bool:
        """Whether doing something is noticed as a change of this path."""
        self.told.clear()
        do()
        return self.sees(path)

    def sees(self, path: str) -> bool:
        wanted = str(self.root / path)
        return bool(until(lambda: any(wanted in paths for paths in self.told), 10))


@pytest.fixture(autouse=True)
def _haste(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("obverse.serve.watch.WAKE", 30)
    monkeypatch.setattr("obverse.serve.watch.WITHOUT", (0.05, 1))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("content/articles/a.md", "obverse.toml", "site/index.html", "var/x", ".git/HEAD"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    return tmp_path


@pytest.fixture(params=["notified", "refused", "deaf", "without watchfiles"])
def eye(root: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Eye]:
    if request.param == "without watchfiles":
        monkeypatch.setitem(sys.modules, "watchfiles", None)
    elif request.param != "notified":
        monkeypatch.setattr(watchfiles, "watch", globals()[request.param])
        monkeypatch.setattr("obverse.serve.watch.WITH_NOTICE", (0.1, 1))
    one = Eye(root)
    yield one
    one.watcher.stop()


def refused(*_: str, **__: Any) -> Iterator[set[tuple[int, str]]]:
    """As on a machine whose notifications are used up."""
    raise OSError(28, "OS file watch limit reached")
    yield


def deaf(*_: str, stop_event: threading.Event, **__: Any) -> Iterator[set[tuple[int, str]]]:
    """As over a drive that gives no notice of what others write to it."""
    while not stop_event.wait(0.1):
        yield set()


def test_edits_of_every_kind_are_noticed(eye: Eye, root: Path) -> None:
    page = root / "content/articles/a.md"
    assert eye.saw("content/articles/a.md", lambda: page.write_text("longer"))

    def renamed_into_place() -> None:
        (root / "content/articles/.a.md.swp").write_text("by rename")
        (root / "content/articles/.a.md.swp").replace(page)

    assert eye.saw("content/articles/a.md", renamed_into_place)
    assert eye.saw("content/articles/a.md", page.unlink)
    assert eye.saw("content/b.md", lambda: (root / "content/b.md").write_text("new"))
    assert eye.saw("obverse.toml", lambda: (root / "obverse.toml").write_text("[site]"))
    assert eye.saw("hooks.py", lambda: (root / "hooks.py").write_text("x = 1"))


def test_a_file_moved_in_from_elsewhere_is_noticed_though_it_is_old(eye: Eye, root: Path) -> None:
    old = root / "old.md"
    old.write_text("old")
    os.utime(old, (1, 1))
    assert eye.saw("content/old.md", lambda: old.rename(root / "content/old.md"))


def test_folders_that_come_later_are_watched(eye: Eye, root: Path) -> None:
    deep = root / "content/x/y/z/deep.md"
    eye.told.clear()
    deep.parent.mkdir(parents=True)
    deep.write_text("x")
    until(lambda: any(path.startswith(str(root / "content/x")) for paths in eye.told for path in paths))
    assert eye.saw("content/x/y/z/deep.md", lambda: deep.write_text("xx"))
    template = root / "templates/page.html"

    def first() -> None:
        template.parent.mkdir()
        template.write_text("x")

    assert eye.saw("templates", first)
    assert eye.saw("templates/page.html", lambda: template.write_text("xy"))


def test_a_tree_that_is_replaced_is_watched_again(eye: Eye, root: Path) -> None:
    shutil.copytree(root / "content", root / "copy")
    eye.told.clear()
    shutil.rmtree(root / "content")
    (root / "copy").rename(root / "content")
    assert eye.sees("content")
    time.sleep(0.3)  # until the watch over the old folder has given way to one over the new
    page = root / "content/articles/a.md"
    assert eye.saw("content/articles/a.md", lambda: page.write_text("after the swap"))


def test_what_is_not_the_site_is_not_noticed(eye: Eye, root: Path) -> None:
    time.sleep(0.2)
    eye.told.clear()
    for name in (
        "site/index.html",
        "var/x",
        ".git/HEAD",
        ".obverse/preview/index.html",
        "content/articles/.a.md.swp",
        "content/articles/a.md~",
        "content/articles/4913",
        "content/articles/.#a.md",
        "content/articles/#a.md#",
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("noise")
    time.sleep(0.4)
    assert eye.told == []


def test_one_save_is_told_once(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("obverse.serve.watch.WITH_NOTICE", (0.1, 1))
    eye = Eye(root)
    time.sleep(0.4)
    assert eye.saw("content/articles/a.md", lambda: (root / "content/articles/a.md").write_text("longer"))
    time.sleep(0.4)  # long enough to look at everything again
    assert len(eye.told) == 1
    eye.watcher.stop()


@pytest.mark.parametrize(
    "path, noise",
    [
        ("a.md", False),
        ("site/a.md", False),
        ("var/x.md", False),
        ("4913.md", False),
        ("C#.md", False),
        ("_data/team.toml", False),
        ("a.md~", True),
        (".a.md.swp", True),
        ("a.md.swx", True),
        ("deep/4913", True),
        (".#a.md", True),
        ("#a.md#", True),
        (".git/HEAD", True),
        ("a/.DS_Store", True),
        ("a.md___jb_tmp___", True),
        ("__pycache__/x.pyc", True),
    ],
)
def test_only_what_an_editor_keeps_for_itself_is_noise(path: str, noise: bool) -> None:
    assert is_noise(path.replace("/", os.sep)) is noise


def test_a_tree_elsewhere_is_watched_too(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    theme = tmp_path_factory.mktemp("theme")
    eye = Eye(root, theme)
    assert eye.saw(str(theme / "page.html"), lambda: (theme / "page.html").write_text("x"))
    eye.watcher.stop()


def test_a_site_without_any_folder_waits_for_one(tmp_path: Path) -> None:
    eye = Eye(tmp_path)

    def first() -> None:
        (tmp_path / "content").mkdir()
        (tmp_path / "content/a.md").write_text("x")

    assert eye.saw("content", first)
    assert eye.saw("content/a.md", lambda: (tmp_path / "content/a.md").write_text("xx"))
    eye.watcher.stop()
    assert not [one for one in threading.enumerate() if one.name == "watch"]


def test_what_was_put_into_a_folder_before_it_was_watched_is_found(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("obverse.serve.watch.WITH_NOTICE", (0.1, 1))
    real = Watcher.is_wanted
    # the folder's own notice comes; that of the file in it is lost, as when it was written a moment too early
    monkeypatch.setattr(Watcher, "is_wanted", lambda *given: not given[2].endswith(".md") and real(*given))
    eye = Eye(root)
    (root / "content/new").mkdir()
    assert eye.sees("content/new")
    assert eye.saw("content/new/a.md", lambda: (root / "content/new/a.md").write_text("x"))
    eye.watcher.stop()
