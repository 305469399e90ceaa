"""Reading the disk: every edit is seen, however quick or well hidden, and nothing is read that need not be."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from obverse import ledger_file as ledgers
from obverse import pages
from obverse import sources as reading
from obverse.names import is_page
from obverse.sources import RACY_NS, digest_of, read_sources
from tests.engine.sites import TinySite

OLD = time.time() - 3600
NOWHERE = Path("/nowhere/at/all")


def _far(seconds: float = 60) -> int:
    """A time of scanning that lies well behind all that was written."""
    return time.time_ns() + int(seconds * 1e9)


def test_edit_of_the_same_size_within_the_same_second(built: TinySite) -> None:
    file = built.root / "content/about.md"
    before = file.stat()
    built.replace("content/about.md", "People.", "Humans.")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert built.good_build().written == ("about/index.html",)


def test_edit_with_its_time_set_back(tmp_path: Path) -> None:
    """Same size, same inode, same modification time, long after the file was trusted: the inode's own time tells."""
    (tmp_path / "content").mkdir()
    file = tmp_path / "content/a.txt"
    file.write_text("one", encoding="utf-8")
    os.utime(file, (OLD, OLD))
    first = read_sources(tmp_path, NOWHERE, {}, _far())
    assert first.files["content/a.txt"].stamp
    known = {path: (one.stamp, one.digest) for path, one in first.files.items()}
    file.write_text("two", encoding="utf-8")
    os.utime(file, (OLD, OLD))
    second = read_sources(tmp_path, NOWHERE, known, _far())
    assert second.files["content/a.txt"].digest != first.files["content/a.txt"].digest


def test_young_files_are_not_trusted(tmp_path: Path) -> None:
    (tmp_path / "content").mkdir()
    file = tmp_path / "content/a.md"
    file.write_text("one", encoding="utf-8")
    changed = file.stat().st_ctime_ns
    at = {
        age: read_sources(tmp_path, NOWHERE, {}, changed + age).files["content/a.md"]
        for age in (0, RACY_NS, RACY_NS + 1)
    }
    assert [bool(one.stamp) for one in at.values()] == [False, False, True]


def test_trusted_files_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "content").mkdir()
    (tmp_path / "content/a.txt").write_text("one", encoding="utf-8")
    first = read_sources(tmp_path, NOWHERE, {}, _far())
    known = {path: (one.stamp, one.digest) for path, one in first.files.items()}
    monkeypatch.setattr(reading, "_digest_of_file", lambda _: pytest.fail("it was known"))
    assert read_sources(tmp_path, NOWHERE, known, _far()).files == first.files


def test_a_page_nobody_knows_is_read_once_and_known_by_what_was_parsed(
    tiny: TinySite, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, read = reading._pieces, list[str]()

    def noted(file: str) -> Iterator[bytes]:
        read.append(Path(file).name)
        return real(file)

    monkeypatch.setattr(reading, "_pieces", noted)
    tiny.write("content/new.md", "# New\n\nWords.\n")
    tiny.good_build()
    assert read.count("new.md") == 1
    seen = ledgers.load(tiny.options().ledger_file).sources
    files = {path: tiny.root / path for path in seen if is_page(path)}
    assert "content/new.md" in files
    assert {path: seen[path][1] for path in files} == {
        path: digest_of(file.read_bytes()) for path, file in files.items()
    }


def test_a_page_that_cannot_be_read_is_told_and_never_known(tiny: TinySite, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(file: str) -> bytes:
        if file.endswith("new.md"):
            raise PermissionError(13, "Permission denied", file)
        return Path(file).read_bytes()

    tiny.write("content/new.md", "# New\n\nWords.\n")
    with monkeypatch.context() as patched:
        patched.setattr(pages, "bytes_of", refuse)
        report = tiny.build()
    assert report.blocked
    assert [(one.code, one.path, one.message) for one in report.problems] == [
        ("unreadable", "content/new.md", "cannot be read: permission denied")
    ]
    tiny.assert_as_clean(tiny.good_build())


def test_replaced_by_a_file_with_the_same_stat_but_the_inode(tmp_path: Path) -> None:
    (tmp_path / "content").mkdir()
    file, other = tmp_path / "content/a.txt", tmp_path / "other"
    file.write_text("one", encoding="utf-8")
    other.write_text("two", encoding="utf-8")
    for one in (file, other):
        os.utime(one, (OLD, OLD))
    first = read_sources(tmp_path, NOWHERE, {}, _far())
    known = {path: (one.stamp, one.digest) for path, one in first.files.items()}
    other.rename(file)
    assert (
        read_sources(tmp_path, NOWHERE, known, _far()).files["content/a.txt"].digest
        != first.files["content/a.txt"].digest
    )


def test_what_is_no_business_of_the_sites_is_left_out(tmp_path: Path) -> None:
    for name in (".hidden", "a.md~", ".git/config", "__pycache__/x.pyc", "a.md"):
        (tmp_path / "content" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "content" / name).write_text("x", encoding="utf-8")
    assert list(read_sources(tmp_path, NOWHERE, {}, 0).files) == ["content/a.md"]


def _loop(folder: Path) -> None:
    (folder / "round").symlink_to(folder, target_is_directory=True)


def _broken(folder: Path) -> None:
    (folder / "gone.md").symlink_to(folder / "nothing.md")


def _two_forms(folder: Path) -> None:
    (folder / "é.md").write_text("composed", encoding="utf-8")
    (folder / "e\u0301.md").write_text("decomposed", encoding="utf-8")


def _not_text(folder: Path) -> None:
    with open(os.fsencode(folder) + b"/\xff.md", "wb") as stream:
        stream.write(b"x")


@pytest.mark.parametrize(
    "harm, code", [(_loop, "unreadable"), (_broken, "unreadable"), (_two_forms, "file-name"), (_not_text, "file-name")]
)
def test_what_cannot_be_read_is_told(tmp_path: Path, harm: Callable[[Path], None], code: str) -> None:
    folder = tmp_path / "content"
    folder.mkdir()
    try:
        harm(folder)
    except OSError:
        pytest.skip("this file system has no such names")
    assert [one.code for one in read_sources(tmp_path, NOWHERE, {}, 0).problems] == [code]


def test_a_fifo_is_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "content").mkdir()
    os.mkfifo(tmp_path / "content/pipe.md")
    assert read_sources(tmp_path, NOWHERE, {}, 0).files == {}


def test_a_file_written_while_it_is_read_is_read_again(
    site_dir: Callable[..., TinySite], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that becomes another one after the scan, and is as it was before the next build, leaves no trace."""
    site = site_dir({"content/a.md": "---\ntitle: One\n---\nFirst.\n"})
    page = site.root / "content/a.md"
    original = page.read_bytes()
    reading = Path.read_bytes

    def overtaken(path: Path) -> bytes:
        if path.name == "a.md":
            page.write_bytes(original.replace(b"First", b"Other"))
        return reading(path)

    monkeypatch.setattr(Path, "read_bytes", overtaken)
    site.build()
    monkeypatch.undo()
    page.write_bytes(original)
    site.assert_as_clean(site.build())
