"""Commit: all or nothing, whole files only, assets before pages, in order where names change places."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from obverse import commit as committing
from obverse.commit import JOURNAL, roll_forward
from tests.engine.sites import CONTENT, SETTINGS, THEME, TinySite, stats, tree

Make = Callable[..., TinySite]

PLAIN = SETTINGS.partition("[menus]")[0]

# A theme of nothing, for sites whose templates do not matter.
BARE = {
    f"templates/{name}.html": "{{ page.title }} {{ page.body }}"
    for name in ("page", "article", "list", "term", "terms", "author", "authors", "404")
}


@pytest.mark.parametrize(
    "before, after",
    [
        ("content/thing.md", "content/thing"),
        ("content/thing", "content/thing.md"),
        ("content/deep/er/x.txt", "content/deep"),
        ("content/deep", "content/deep/er/x.txt"),
        ("content/Case.txt", "content/case.txt"),
    ],
)
def test_files_and_folders_change_places(before: str, after: str, site_dir: Make) -> None:
    site = site_dir({**BARE, before: "text\n"}, PLAIN)
    site.good_build()
    site.remove(f"content/{before.split('/')[1]}")
    site.write(after, "other\n")
    site.assert_as_clean(site.good_build())
    site.remove(f"content/{after.split('/')[1]}")
    site.write(before, "text\n")
    site.assert_as_clean(site.good_build())


def test_a_file_in_the_way_of_a_folder_is_a_collision(site_dir: Make) -> None:
    site = site_dir({**BARE, "content/thing.md": "text\n", "content/thing": "a file\n"}, PLAIN)
    report = site.build()
    assert report.blocked
    assert {one.code for one in report.problems} == {"url-collision"}
    site.write("obverse.toml", site.read("obverse.toml") + '[checks]\nurl-collision = "warning"\n')
    site.assert_as_clean(site.good_build())


def test_empty_folders_do_not_stay(built: TinySite) -> None:
    built.remove("content/articles/d")
    built.good_build()
    assert not (built.out / "articles/d").exists()


def test_empty_folders_of_a_forgotten_build_do_not_stay(built: TinySite) -> None:
    """A build was killed between a folder and its first file, and what remembered it was deleted."""
    shutil.rmtree(built.root / ".obverse")
    folders = (built.out / "never/filled", built.options().release_folder / "never/filled")
    for folder in folders:
        folder.mkdir(parents=True)
    built.good_build()
    assert not any(folder.parent.exists() for folder in folders)


def test_a_blocked_build_touches_nothing(built: TinySite) -> None:
    before = stats(built.out)
    built.write("content/about.md", "[nowhere](no.md)\n")
    built.write("content/new.md", "new\n")
    report = built.build()
    assert report.blocked
    assert stats(built.out) == before
    assert not (built.root / ".obverse/stage").exists()


def _ordered(monkeypatch: pytest.MonkeyPatch, site: TinySite) -> list[str]:
    """The output paths in the order in which they come and go (with a minus)."""
    seen: list[str] = []
    put, remove = committing._put, committing._remove

    def noted_put(staged: str, target: Path) -> None:
        seen.append(os.path.relpath(target, site.out))
        put(staged, target)

    def noted_remove(out: Path, path: str) -> None:
        seen.append(f"-{path}")
        remove(out, path)

    monkeypatch.setattr(committing, "_put", noted_put)
    monkeypatch.setattr(committing, "_remove", noted_remove)
    return seen


def test_assets_come_before_pages_and_go_after_them(built: TinySite, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = _ordered(monkeypatch, built)
    built.write("templates/assets/dot.svg", '<svg viewBox="0 0 9 9"></svg>\n')
    built.write("content/articles/new.md", "---\ntitle: New\ndate: 2026-02-02\n---\n![new](new.svg)\n")
    built.write("content/articles/new.svg", "<svg/>\n")
    built.remove("content/articles/e.md")
    built.good_build()
    released = [number for number, path in enumerate(seen) if path.startswith("../.obverse/release/")]
    come = [path for path in seen if not path.startswith("-")]
    assets = [number for number, path in enumerate(come) if path.startswith("assets/") or path.endswith(".svg")]
    pages = [number for number, path in enumerate(come) if path.endswith("index.html")]
    assert released
    assert max(released) < min(pages)
    assert assets
    assert pages
    assert max(assets) < min(pages)
    assert min(pages) < come.index("sitemap.xml")
    gone = [path for path in seen if path.startswith("-")]
    assert "-articles/e/index.html" in gone
    assert any(path.startswith("-assets/") for path in gone)
    assert max(seen.index(path) for path in come) < min(seen.index(path) for path in gone)


def test_a_reader_never_sees_half_a_file(tiny: TinySite, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody who reads all the while sees whole old files or whole new ones, and every asset a page names."""
    tail = "<!-- whole -->"
    tiny.write("templates/base.html", THEME["base.html"] + "filler " * 20_000 + tail)
    tiny.good_build()
    stop, wrong, count = threading.Event(), list[str](), [0]

    def read() -> None:
        while not stop.is_set():
            for path in ("index.html", "about/index.html", "articles/index.html"):
                text = (tiny.out / path).read_text(encoding="utf-8")
                count[0] += 1
                if not text.endswith(tail):
                    wrong.append(f"half of {path}")
                asset = text.partition('<link href="')[2].partition('"')[0]
                missing = not (tiny.out / asset.lstrip("/")).is_file()
                # Unless the page has been replaced meanwhile, it names what is not there.
                if missing and (tiny.out / path).read_text(encoding="utf-8") == text:
                    wrong.append(f"{path} names {asset}")

    watcher = threading.Thread(target=read)
    watcher.start()
    try:
        for number in range(12):
            tiny.write("templates/assets/dot.svg", f'<svg viewBox="0 0 {number} 1"></svg>\n')
            tiny.good_build()
    finally:
        stop.set()
        watcher.join()
    assert count[0] > 50
    assert wrong == []


# The disk refuses.


class Full:
    """Makes writing fail from the n-th write on, as a full disk does."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, after: int) -> None:
        self.left = after
        write, durable = committing._write, committing._durable
        monkeypatch.setattr(committing, "_write", self._limited(write))
        monkeypatch.setattr(committing, "_durable", self._limited(durable))

    def _limited(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def limited(*arguments: Any) -> Any:
            self.left -= 1
            if self.left < 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return function(*arguments)

        return limited


@pytest.mark.parametrize("after", [0, 1, 5, 23, 24, 25])
def test_a_full_disk_leaves_the_site_as_it_was(built: TinySite, after: int) -> None:
    before = stats(built.out)
    built.replace("obverse.toml", 'title = "Tiny"', 'title = "Larger"')
    with pytest.MonkeyPatch.context() as patch:
        full = Full(patch, after)
        report = built.build()
    if full.left < 0:
        assert report.blocked
        assert [one.code for one in report.problems] == ["disk"]
        assert "no space left" in report.problems[0].message
        assert stats(built.out) == before
    built.assert_as_clean(built.good_build())


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of two megabytes."""
    folder = tmp_path / "small"
    folder.mkdir()
    if (
        os.geteuid() != 0
        or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", folder], check=False).returncode
    ):
        pytest.skip("file systems cannot be mounted here")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def _fill(file: Path) -> None:
    with open(file, "wb", buffering=0) as stream:
        while stream.write(b"x" * 1024):
            pass


def test_a_really_full_disk(small_disk: Path, tiny_theme: Path) -> None:
    site = TinySite(small_disk / "desk", {**CONTENT, "obverse.toml": SETTINGS})
    site.good_build()
    before = stats(site.out)
    filler = small_disk / "filler"
    with pytest.raises(OSError, match="No space"):
        _fill(filler)
    site.later(days=400)  # changes what the 404 page says
    report = site.build()
    assert [one.code for one in report.problems] == ["disk"], report.problems
    assert stats(site.out) == before
    filler.unlink()
    assert not site.good_build().problems
    assert (site.out / "404.html").read_text(encoding="utf-8").find("2027") > 0


def test_something_in_the_way_is_told_and_the_commit_goes_on_when_it_is_gone(built: TinySite) -> None:
    """Somebody put a folder with a file where a page is: it is not ours to delete."""
    built.remove("site/about/index.html")
    theirs = built.write("site/about/index.html/theirs.txt", "mine!")
    report = built.build()
    assert report.blocked
    assert [(one.code, one.path) for one in report.problems] == [("disk", "site/about/index.html")]
    assert theirs.read_text(encoding="utf-8") == "mine!"
    again = built.build()
    assert [one.code for one in again.problems] == ["disk"]
    theirs.unlink()
    built.assert_as_clean(built.good_build())


@pytest.mark.parametrize("journal", [b"", b"{", b"\xff\xfe"])
def test_a_journal_that_is_none_is_taken_away(built: TinySite, journal: bytes) -> None:
    (built.root / ".obverse" / JOURNAL).write_bytes(journal)
    built.assert_as_clean(built.good_build())
    assert not (built.root / ".obverse" / JOURNAL).exists()


def test_rolling_forward_twice_is_rolling_forward_once(tmp_path: Path) -> None:
    out, workshop = tmp_path / "site", tmp_path / ".obverse"
    (workshop / "stage").mkdir(parents=True)
    (workshop / "stage/0").write_text("new", encoding="utf-8")
    out.mkdir()
    (out / "old.html").write_text("old", encoding="utf-8")
    plan = {
        "out": str(out),
        "release": str(workshop / "release"),
        "stages": [str(workshop / "stage"), str(workshop / "stage.release")],
        "moves": [[str(workshop / "stage/0"), "a/index.html"]],
        "removals": ["old.html"],
        "ledger": [str(workshop / "site.new"), str(workshop / "site.ledger")],
    }
    for _ in range(2):
        (workshop / JOURNAL).write_text(json.dumps(plan), encoding="utf-8")
        assert roll_forward(workshop)
        assert tree(out) == {"a": None, "a/index.html": b"new"}
    assert not roll_forward(workshop)


# Two at once.


def test_two_builds_at_once_wait_for_one_another(built: TinySite) -> None:
    script = (
        "import sys, time; from pathlib import Path; from obverse.lock import locked\n"
        "with locked(Path(sys.argv[1]), lambda: None):\n    print('held', flush=True)\n    sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", script, str(built.root / ".obverse")]
    holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert holder.stdin
    assert holder.stdout
    assert holder.stdout.readline() == "held\n"
    waited, done = threading.Event(), threading.Event()
    built.write("content/more.md", "more\n")

    def build() -> None:
        built.good_build(on_wait=waited.set)
        done.set()

    second = threading.Thread(target=build)
    second.start()
    try:
        assert waited.wait(10)
        assert not done.wait(0.2)
        assert not (built.out / "more/index.html").exists()
    finally:
        holder.stdin.close()
        holder.wait(10)
        holder.stdout.close()
    assert done.wait(20)
    second.join()
    assert (built.out / "more/index.html").exists()
