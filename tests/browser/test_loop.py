"""The whole loop at a desk: an article's form is sent, the inquiry is worked on and won, and the article says so."""

from __future__ import annotations

import queue
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

pytestmark = pytest.mark.browser

REPOSITORY = Path(__file__).resolve().parents[2]
ARTICLE = "/articles/marketing-vs-sales/"
TITLE = "Marketing vs. sales: two jobs, one customer"
PATIENCE = 30
START = "import sys; sys.path.insert(0, sys.argv.pop(1)); from obverse.cli import main; sys.exit(main(sys.argv[1:]))"


@dataclass
class Desk:
    """A running `obverse serve`: where it is, and the link it printed."""

    root: Path
    address: str
    link: str


@contextmanager
def serving(root: Path) -> Iterator[Desk]:
    """`obverse serve` as its user starts it, on a free port."""
    command = [sys.executable, "-P", "-c", START, str(REPOSITORY), "serve", "--root", str(root), "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root)
    assert process.stdout
    lines: queue.Queue[str] = queue.Queue()
    reader = threading.Thread(target=lambda: [lines.put(line) for line in process.stdout or ()], daemon=True)
    reader.start()
    try:
        address = _said(lines, r"Obverse serves (\S+)/ ")
        yield Desk(root, address, _said(lines, r"the inbox is at (\S+)"))
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(PATIENCE)
        reader.join(PATIENCE)
        process.stdout.close()


def _said(lines: queue.Queue[str], pattern: str) -> str:
    while True:
        found = re.search(pattern, lines.get(timeout=PATIENCE))
        if found:
            return found[1]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    for name in ("content", "templates"):
        shutil.copytree(REPOSITORY / name, tmp_path / name)
    shutil.copy(REPOSITORY / "obverse.toml", tmp_path)
    with serving(tmp_path) as one:
        yield one


@contextmanager
def visiting(browser: Browser, scripts: bool) -> Iterator[Page]:
    """A page in a browser of its own; whatever the policy refuses fails the test."""
    # Without motion: a page change that leads out of the theme ends its transition, which Chromium tells as an error.
    context: BrowserContext = browser.new_context(java_script_enabled=scripts, reduced_motion="reduce")
    page = context.new_page()
    refused: list[str] = []
    page.on("console", lambda said: refused.append(said.text) if "Policy" in said.text else None)
    page.on("pageerror", lambda fault: refused.append(str(fault)))
    yield page
    context.close()
    assert refused == []


def write(page: Page, desk: Desk) -> None:
    """Read the article, fill in its form, and send it."""
    page.goto(desk.address + ARTICLE)
    form = page.locator("form.form")
    form.locator("[name=name]").fill("Ann Example")
    form.locator("[name=email]").fill("ann@customer.example")
    form.locator("[name=message]").fill("We lose leads between two teams.\nCan you help?")
    page.wait_for_timeout(2000)  # what a script measures as faster than typing is held
    form.get_by_role("button", name="Send message").click()
    page.wait_for_url("**/_ob/t/*")
    expect(page.get_by_text("Thank you, Ann Example.")).to_be_visible()


def win(page: Page, desk: Desk) -> None:
    """Come in by the printed link, find the inquiry with its article named, and move it to won with a value."""
    page.goto(desk.link)
    page.get_by_role("button").first.click()
    page.wait_for_url("**/inbox/")
    page.get_by_role("link", name="Ann Example").first.click()
    expect(page.get_by_role("heading", name="Ann Example")).to_be_visible()
    expect(page.get_by_role("link", name=TITLE).first).to_be_visible()
    expect(page.get_by_text("Can you help?").first).to_be_visible()
    page.locator("summary", has_text="Won").click()
    form = page.locator("form:has(#won-value)")
    form.locator("#won-value").fill("8000")
    form.get_by_role("button").click()
    expect(page.get_by_text("8,000").first).to_be_visible()


@pytest.mark.parametrize("scripts", [False, True], ids=["without", "with"])
def test_from_the_article_to_won_and_back_to_the_writer(desk: Desk, browser: Browser, scripts: bool) -> None:
    with visiting(browser, scripts) as visitor:
        write(visitor, desk)
    with visiting(browser, scripts) as sales:
        win(sales, desk)
    with visiting(browser, scripts=True) as writer:
        writer.goto(desk.address + ARTICLE)
        bar = writer.locator("obverse-bar")
        expect(bar).to_contain_text("1 won", timeout=PATIENCE * 1000)
        expect(bar).to_contain_text("8,000")
        writer.goto(desk.address + "/_ob/mail/")
        expect(writer.get_by_text("Ann Example").first).to_be_visible()
