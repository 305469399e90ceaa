"""A build by several processes: the same site as by one, and a located problem when one of them fails.

The builds run in a Python of their own: a fork wants a process without threads, which a test runner is not.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from obverse import ledger_file as ledgers
from obverse.compiled import Compiled
from obverse.crew import in_turn
from obverse.jobs import Job
from tests.engine.sites import SETTINGS, TinySite, tree

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")

ARTICLE = "---\ntitle: Number {n}\ndate: 2026-01-01\ntags: [t{tag}]\n---\nText of {n}, then [the next]({next}.md).\n"


@pytest.fixture
def sixty(site_dir: Callable[..., TinySite]) -> TinySite:
    """A site large enough to be worth a second process."""
    pages = {f"content/articles/{n}.md": ARTICLE.format(n=n, tag=n % 7, next=(n + 1) % 60) for n in range(60)}
    pages["content/about.md"] = "---\ntitle: About\n---\nUs.\n"
    return site_dir(pages, SETTINGS)


def built(site: TinySite, workers: int, out: str = "site") -> tuple[int, dict[str, object]]:
    """A build's exit code and report."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "obverse", "build", "--json", "--out", str(site.root / out)],
        cwd=site.root,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "OBVERSE_WORKERS": str(workers),
            "SOURCE_DATE_EPOCH": "1800000000",
        },
        capture_output=True,
        text=True,
    )
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def test_what_workers_found_out_is_remembered(sixty: TinySite) -> None:
    """The size of a picture, for which the next edit would else load a library."""
    Image.new("RGB", (3, 2)).save(sixty.root / "content/one.png")
    sixty.replace("content/articles/59.md", "Text of", "![A dot](../one.png) Text of")
    assert built(sixty, 2)[0] == 0
    (file,) = (sixty.root / ".obverse").glob("memo-*.db")
    with contextlib.closing(sqlite3.connect(file)) as memo:
        assert memo.execute("SELECT count(*) FROM memo WHERE part = 'size'").fetchone() == (1,)


BUILD = """
import sys
from pathlib import Path
from obverse import compiled
compiled._FILE = Path(sys.argv.pop(1))
from obverse.cli import command
command()
"""


def test_what_a_worker_compiled_is_kept(sixty: TinySite, tmp_path: Path) -> None:
    """The patterns of a lexer, which each worker of the next build would else compile once more."""
    sixty.replace("content/articles/59.md", "Text of", "```toml\na = 1\n```\n\nText of")
    subprocess.run(
        [sys.executable, "-c", BUILD, str(tmp_path / "compiled"), "build"],
        cwd=sixty.root,
        env={"PYTHONPATH": str(ROOT), "OBVERSE_WORKERS": "2"},
        check=True,
    )
    assert "-?0b[01_]+" in {text for _, text in Compiled(tmp_path / "compiled").known}


def test_two_processes_write_what_one_writes(sixty: TinySite) -> None:
    assert built(sixty, 1, "one")[0] == built(sixty, 2, "two")[0] == 0
    assert tree(sixty.root / "one") == tree(sixty.root / "two")
    for number in range(2):
        assert built(sixty, 2 - number, "two")[1]["written"] == []
    sixty.replace("content/articles/5.md", "Number 5", "Five")
    sixty.write("templates/article.html", "{{ page.title }} {{ page.body }}")
    assert len(built(sixty, 2, "two")[1]["written"]) > 60  # type: ignore[arg-type]
    built(sixty, 1, "one")
    assert tree(sixty.root / "one") == tree(sixty.root / "two")


SCRIBBLER = """
import pathlib


def html(url, html):
    if url == "/articles/7/":
        page = pathlib.Path("content/articles/7.md")
        page.write_text(page.read_text() + "More.")
    return html
"""


def test_a_page_that_was_written_meanwhile_is_not_known(sixty: TinySite) -> None:
    """Pages are packed while others work: what was seen to change since then must not count."""
    sixty.write("hooks.py", SCRIBBLER)
    assert built(sixty, 2)[0] == 0
    known = ledgers.load(sixty.root / ".obverse/site.ledger").pages
    assert ("articles/6.md" in known, "articles/7.md" in known) == (True, False)
    assert "More." in (sixty.root / "content/articles/7.md").read_text("utf-8")
    sixty.remove("hooks.py")
    built(sixty, 2)
    assert "More." in (sixty.out / "articles/7/index.html").read_text("utf-8")


DEADLY = """
import os

HERE = os.getpid()


def {hook}:
    if os.getpid() != HERE and {where}.startswith("{top}articles/") and {where}[-4].isdigit():
        os._exit(3)
    return {value}
"""


@pytest.mark.parametrize(
    "hook, where, top, value",
    [("page(page)", "page.path", "", "page"), ("html(url, html)", "(url[:-1] + '.md')", "/", "html")],
)
def test_a_worker_that_dies_is_a_problem_at_its_page(
    sixty: TinySite, hook: str, where: str, top: str, value: str
) -> None:
    sixty.write("hooks.py", DEADLY.format(hook=hook, where=where, top=top, value=value))
    code, report = built(sixty, 2)
    found = [(one["code"], one["path"]) for one in report["problems"]]  # type: ignore[attr-defined]
    assert code == 1
    assert len(found) == 1
    assert found[0][0] == "worker"
    assert re.fullmatch(r"content/articles/\d+\.md", found[0][1])
    assert not sixty.out.exists()
    sixty.remove("hooks.py")
    assert built(sixty, 2)[0] == 0


def test_what_a_hook_does_wrong_in_a_worker_is_told(sixty: TinySite) -> None:
    sixty.write("hooks.py", "def html(url, html):\n    return html if url != '/articles/7/' else 1 / 0\n")
    code, report = built(sixty, 2)
    assert code == 1
    assert [(one["code"], one["line"]) for one in report["problems"]] == [("hook", 2)]  # type: ignore[attr-defined]


def test_where_a_process_cannot_be_forked_the_ledger_is_as_good(sixty: TinySite) -> None:
    ended = threading.Event()
    other = threading.Thread(target=ended.wait)
    other.start()
    try:
        sixty.good_build(workers=2)
        sixty.replace("content/articles/5.md", "Number 5", "Five")
        sixty.assert_as_clean(sixty.good_build(workers=2))
        assert not sixty.good_build(workers=2).written
    finally:
        ended.set()
        other.join()


def test_what_shows_the_whole_site_is_made_first() -> None:
    kinds = ("page", "sitemap", "list", "feed", "page", "release")
    jobs = [Job(f"{number}", "/", kind) for number, kind in enumerate(kinds)]
    assert in_turn(jobs) == [1, 3, 5, 0, 2, 4]
