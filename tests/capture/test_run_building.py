"""Visitors while the site is built: `run` with real builds, from content to a page and the form in it."""

from __future__ import annotations

import random
import shutil
import signal
import statistics
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from capture.house import utc_now
from tests.capture.running import MANY, REPOSITORY, Running, let_in, make_root, running
from tests.serving import until

BUILD = (
    f"import sys; sys.path.insert(0, {str(REPOSITORY)!r}); from obverse.cli import main; sys.exit(main(sys.argv[1:]))"
)

FORM = """---
title: Talk to us
submit: Send
notify: [sales@house.test]
fields:
  name:
    label: Your name
    required: true
  email:
    type: email
    label: E-mail
  message:
    type: text
    label: Message
---
Thank you, {name}.
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = make_root(tmp_path, MANY)
    shutil.rmtree(made / ".obverse")
    shutil.rmtree(made / "site")
    (made / "content" / "forms").mkdir(parents=True)
    (made / "content" / "forms" / "contact.md").write_text(FORM)
    (made / "content" / "index.md").write_text("---\ntitle: Home\ndescription: Home.\n---\nWelcome.\n")
    let_in(made)
    return made


def write_articles(root: Path, number: int, words: int = 700) -> None:
    folder = root / "content" / "articles"
    folder.mkdir(exist_ok=True)
    chance = random.Random(7)
    for one in range(number):
        text = " ".join(
            chance.choice(("plain", "*short*", "`code`", "words", "a", "of", "buyers")) for _ in range(words)
        )
        matter = f"---\ntitle: Article {one}\ndescription: One of many.\ndate: 2026-01-01\n---\n"
        (folder / f"article-{one}.md").write_text(matter + text + "\n")


@contextmanager
def building(root: Path) -> Iterator[Running]:
    argv = [sys.executable, "-c", BUILD, "build", "--json", "--root", str(root)]
    ledger = root / ".obverse" / "site.ledger"
    with running(root, build=argv, ledger=str(ledger)) as one:
        until(lambda: one.lines("build"), 120)
        until(lambda: one.send().status == 303)  # a release is looked for once a second
        yield one


def test_from_nothing_to_a_page_with_a_form_that_is_answered(root: Path) -> None:
    (root / "content" / "contact.md").write_text(
        "---\ntitle: Contact\ndescription: Write.\nform: contact\n---\nHello.\n"
    )
    with building(root) as one:
        assert one.lines("build")[0]["blocked"] is False, one.lines("build")
        page = one.ask("/contact/").body
        assert b'action="/_ob/f/contact"' in page
        assert b"Thank you, Ann." in one.ask(one.send().headers["Location"]).body


def test_an_article_appears_at_the_second_it_is_dated_for(root: Path) -> None:
    write_articles(root, 1)
    with building(root) as one:
        due = (utc_now() + timedelta(seconds=6)).replace(microsecond=0)
        matter = f"---\ntitle: Soon\ndescription: Soon.\ndate: {due.isoformat()}\n---\nNow.\n"
        (root / "content" / "articles" / "soon.md").write_text(matter)
        one.process.send_signal(signal.SIGHUP)
        until(lambda: len(one.lines("build")) > 1, 30)
        assert datetime.fromisoformat(one.lines("build")[-1]["next_due"]) == due
        assert one.ask("/articles/soon/").status == 404
        until(lambda: one.ask("/articles/soon/").status == 200, 40)
        assert utc_now() >= due


def test_a_mistake_in_the_content_is_told_and_the_site_stays(root: Path) -> None:
    with building(root) as one:
        (root / "content" / "index.md").write_text("---\ntitel: Home\n---\n")
        one.process.send_signal(signal.SIGHUP)
        until(lambda: len(one.lines("build")) > 1, 30)
        told = one.lines("build")[-1]
        assert told["blocked"] is True
        assert any("content/index.md:2 unknown key 'titel'" in line for line in told["problems"])
        assert b"Welcome" in one.ask("/").body


def waits(one: Running, over: threading.Event, most: int) -> list[float]:
    """How long each of a visitor's posts waited for its answer, in milliseconds, a few of them a second."""
    found: list[float] = []
    while not over.is_set() and len(found) < most:
        began = time.perf_counter()
        assert one.send().status == 303
        found.append((time.perf_counter() - began) * 1000)
        over.wait(0.02)
    return found


def slowest(found: list[float]) -> float:
    """The time within which 99 of 100 were answered."""
    return statistics.quantiles(found, n=100)[98]


def rebuild_under_posts(one: Running, root: Path, posts: int) -> tuple[list[float], list[float]]:
    """The waits of posts before, and during, a full rebuild."""
    over = threading.Event()
    before = waits(one, over, posts)
    for path in [root / ".obverse" / "site.ledger", *(root / ".obverse").glob("memo*")]:
        path.unlink()
    builds = len(one.lines("build"))
    one.process.send_signal(signal.SIGHUP)
    during: list[float] = []
    while len(one.lines("build")) == builds:
        during += waits(one, over, 20)
    return before, during


def test_posts_are_answered_while_the_site_is_rebuilt(root: Path) -> None:
    write_articles(root, 30)
    with building(root) as one:
        _, during = rebuild_under_posts(one, root, 20)
        assert len(during) >= 20
        assert one.lines("build")[-1]["blocked"] is False
    assert statistics.median(during) < 1000


@pytest.mark.long
def test_a_rebuild_of_a_thousand_articles_does_not_slow_posts_down(root: Path) -> None:
    """A busy machine only makes both worse, so the least of three measurements of each counts."""
    write_articles(root, 1000)
    told = []
    with building(root) as one:
        for _ in range(3):
            before, during = rebuild_under_posts(one, root, 400)
            told.append((round(slowest(before), 1), round(slowest(during), 1), len(during)))
    print("99 of 100 within ms: before, during, posts during:", told)
    befores, durings, _ = zip(*told, strict=True)
    assert min(durings) <= 2 * min(befores)
