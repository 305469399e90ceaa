"""A preview as a writer has it: a process with a terminal, a folder of files, and pages that follow every save."""

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tornado.websocket import websocket_connect

from obverse.clock import NEVER
from obverse.problems import problem
from obverse.serve import desk as desks
from obverse.serve.wire import Order, Outcome
from tests.serving import FAKE, REPOSITORY, START, Served, served, until


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "content").mkdir()
    (tmp_path / "content/index.md").write_text("hello")
    (tmp_path / "obverse.toml").write_text('[site]\ntitle = "x"\n')
    return tmp_path


@pytest.fixture
def desk(root: Path) -> Iterator[Served]:
    with served(root) as one:
        yield one


def test_a_save_is_seen_and_said(desk: Served) -> None:
    desk.write("content/index.md", "second")
    until(lambda: "<p>second</p>" in desk.get("/").text)
    desk.write("content/new/page.md", "a page in a new folder")
    until(lambda: desk.get("/new/page/").status == 200)
    (desk.root / "content/new/page.md").unlink()
    until(lambda: desk.get("/new/page/").status == 404)
    until(lambda: "removed 1 in" in desk.said())  # said once the site is as it says
    assert re.fullmatch(r"Obverse serves http://127.0.0.1:\d+/ – press Ctrl-C to stop", desk.lines[0])
    assert re.fullmatch(r"built 2 of 2 files in \d\.\d\d s", desk.lines[1])
    assert re.fullmatch(r"built 1 of 2 files in \d\.\d\d s", desk.lines[2])


def test_the_settings_and_the_templates_are_watched_too(desk: Served) -> None:
    serial = desk.state["serial"]
    desk.write("obverse.toml", "[site]\n")
    until(lambda: desk.state["serial"] > serial)
    desk.write("templates/app.css", "body { color: red }")
    until(lambda: 'rel="stylesheet"' in desk.get("/").text)


def test_problems_block_the_preview_until_they_are_mended(desk: Served) -> None:
    desk.write("content/index.md", "fine\n!error in the second line")
    until(lambda: desk.state["blocked"])
    assert "<p>hello</p>" in desk.get("/").text
    (found,) = desk.state["problems"]
    assert (found["place"], found["excerpt"], found["hint"]) == (
        "content/index.md:2:2",
        "!error in the second line",
        "mend it",
    )
    assert "content/index.md:2:2 error: this is <b>wrong</b>" in desk.said()
    assert desk.lines[-1] == "1 error: the preview stays as it was"
    desk.write("content/index.md", "mended")
    until(lambda: not desk.state["blocked"])
    assert "<p>mended</p>" in desk.get("/").text


def test_a_first_build_that_is_blocked_is_shown_at_every_address(root: Path) -> None:
    (root / "content/index.md").write_text("!error")
    with served(root) as desk:
        for path in ("/", "/about/", "/style.css"):
            answer = desk.get(path)
            assert answer.status == 503
            assert "content/index.md:1:2 error" in answer.text
            assert "Traceback" not in answer.text
        desk.write("content/index.md", "mended")
        until(lambda: desk.get("/").status == 200)


def test_a_crash_is_a_problem_in_the_page_not_the_end(desk: Served) -> None:
    desk.write("content/index.md", "!crash")
    until(lambda: desk.state["blocked"])
    assert desk.state["problems"][0]["code"] == "builder-crashed"
    desk.write("content/index.md", "well again")
    until(lambda: "well again" in desk.get("/").text)
    assert "Traceback" not in desk.said()


def test_a_page_that_falls_due_appears_by_itself(desk: Served) -> None:
    serial = desk.state["serial"]
    desk.write("content/later.md", "!due 1.2")
    until(lambda: desk.state["serial"] == serial + 1)
    began = time.monotonic()
    until(lambda: desk.state["serial"] > serial + 1)
    assert time.monotonic() - began > 0.6


def test_two_seconds_of_saving_end_with_the_last_text(desk: Served) -> None:
    assert_last_save_wins(desk, seconds=2)


@pytest.mark.long
def test_ten_seconds_of_saving_end_with_the_last_text(desk: Served) -> None:
    assert_last_save_wins(desk, seconds=10)


def assert_last_save_wins(desk: Served, seconds: int) -> None:
    """Ten saves a second, some by rename as editors do, and a page that is told of them."""
    told = asyncio.run(saving(desk, seconds * 10))
    assert f"save {seconds * 10 - 1}!" in desk.get("/").text
    assert f"save {seconds * 10 - 1}!" in (desk.root / ".obverse/preview/index.html").read_text()
    assert told == sorted(told, key=lambda build: int(build.rpartition("-")[2]))


async def saving(desk: Served, saves: int) -> list[str]:
    """The builds an open page was told of while its source was saved so many times, up to the one with the last."""
    opened = await websocket_connect(desk.address.replace("http", "ws") + "/livereload")
    await opened.write_message('{"command": "hello", "protocols": ["obverse"]}')
    await opened.write_message('{"command": "info"}')
    source = desk.root / "content/index.md"
    for number in range(saves):
        if number % 3:
            source.write_text(f"save {number}!")
        else:
            (desk.root / "content/index.md~").write_text(f"save {number}!")
            (desk.root / "content/index.md~").replace(source)
        await asyncio.sleep(0.1)
    await asyncio.to_thread(until, lambda: f"save {saves - 1}!" in desk.get("/").text)
    last, told = desk.state["build"], [""]
    while told[-1] != last:
        message: Any = json.loads(await asyncio.wait_for(opened.read_message(), 10) or "{}")
        told.append(message.get("build", ""))
    opened.close()
    return [build for build in told if build]


def test_a_page_is_told_when_the_bytes_are_there(desk: Served) -> None:
    async def go() -> list[str]:
        opened = await websocket_connect(desk.address.replace("http", "ws") + "/livereload")
        await opened.write_message('{"command": "hello", "protocols": []}')
        await opened.write_message('{"command": "info"}')
        await opened.read_message()
        pages = []
        for number in range(5):
            desk.write("content/index.md", f"!slow\nnumber {number}")
            message: Any = json.loads(await asyncio.wait_for(opened.read_message(), 10) or "{}")
            page = (desk.root / ".obverse/preview/index.html").read_text()
            assert message["command"] == "reload"
            pages.append(page)
        opened.close()
        return pages

    for number, page in enumerate(asyncio.run(go())):
        assert f"number {number}" in page


ARTICLE = "---\ntitle: Prices\ndate: 2026-01-02\n---\n\nWhat it costs.\n"


def test_the_reload_comes_when_all_that_a_title_touches_is_on_disk(root: Path) -> None:
    """With the real builder: the page, the lists and the feeds."""
    (root / "content/articles").mkdir()
    (root / "content/articles/prices.md").write_text(ARTICLE)

    async def go(desk: Served, touched: list[Path], title: str) -> list[Path]:
        """The files that did not have the title when the open page was told."""
        opened = await websocket_connect(desk.address.replace("http", "ws") + "/livereload")
        await opened.write_message('{"command": "hello", "protocols": []}')
        await opened.write_message('{"command": "info"}')
        await opened.read_message()
        desk.write("content/articles/prices.md", ARTICLE.replace("Prices", title))
        message: Any = json.loads(await asyncio.wait_for(opened.read_message(), 20) or "{}")
        late = [path for path in touched if title.encode() not in path.read_bytes()]
        opened.close()
        assert message["command"] == "reload"
        return late

    with served(root, builder="obverse.build:build") as desk:
        files = (path for path in (root / ".obverse/preview").rglob("*") if path.is_file())
        touched = [path for path in files if b"Prices" in path.read_bytes()]
        assert len({path.parent for path in touched}) > 1
        assert {path.suffix for path in touched} >= {".html", ".xml"}
        assert [asyncio.run(go(desk, touched, f"Tariff {number}")) for number in range(3)] == [[], [], []]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_quietly_and_takes_its_builder_along(root: Path, number: signal.Signals) -> None:
    with served(root) as desk:
        children = Path(f"/proc/{desk.process.pid}/task/{desk.process.pid}/children").read_text().split()
        assert len(children) == 1
        desk.process.send_signal(number)
        assert desk.process.wait(10) == 0
        assert not Path(f"/proc/{children[0]}").exists()
    assert len(desk.lines) == 2


def test_ctrl_c_during_a_build_does_not_wait_for_it(root: Path) -> None:
    with served(root) as desk:
        desk.write("content/index.md", "!slow\n" * 60)
        time.sleep(0.6)
        began = time.monotonic()
        desk.process.send_signal(signal.SIGINT)
        assert desk.process.wait(10) == 0
        assert time.monotonic() - began < 4
    assert "Traceback" not in desk.said()


def test_a_taken_port_that_was_asked_for_is_a_problem(root: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = subprocess.run(
            [sys.executable, "-c", START, str(root), port, FAKE],
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            timeout=20,
        )
    assert ended.returncode == 1
    assert ended.stdout == (
        f"obverse error: port {port} is taken [port-taken]\n  hint: end what uses it, or give another --port\n"
    )
    assert ended.stderr == ""


def test_the_settings_name_the_port_and_one_taken_is_stepped_over(root: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        (root / "obverse.toml").write_text(f'[serve]\nport = {port}\nhost = "localhost"\n')
        with served(root, port=None) as desk:
            number = int(desk.address.rpartition(":")[2])
            assert port < number < port + 10
            assert desk.address == f"http://localhost:{number}"
            assert desk.lines[0] == f"port {port} is taken: this is {number}"


def test_the_browser_is_opened_when_there_is_something_to_see(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opener = tmp_path / "opener"
    opener.write_text(f'#!/bin/sh\necho "$1" > {tmp_path / "opened"}\n')
    opener.chmod(0o755)
    monkeypatch.setenv("BROWSER", f"{opener} %s")
    with served(root, FAKE, 0, "open") as desk:
        until(lambda: (tmp_path / "opened").exists() and (tmp_path / "opened").read_text() == f"{desk.address}/\n")


def test_settings_that_cannot_be_read_are_the_builder_s_to_tell(root: Path) -> None:
    (root / "obverse.toml").write_bytes(b"\xff\xfe")
    with served(root) as desk:
        assert desk.get("/").status == 200


def test_a_site_with_no_folder_and_no_settings_is_served_once_it_has_them(tmp_path: Path) -> None:
    with served(tmp_path / "later") as desk:
        desk.write("content/index.md", "here at last")
        until(lambda: "here at last" in desk.get("/").text)


class StillBuilder:
    def __init__(self, _order: Order, _tell: Any, _post: Any) -> None:
        self.asked: list[bool] = []

    def ask(self, *, afresh: bool = False, first: tuple[str, ...] = ()) -> None:
        self.asked.append(afresh)


def test_a_save_of_hooks_asks_for_a_new_builder(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desks, "Builder", StillBuilder)

    async def go() -> list[bool]:
        one = desks.Desk(Order(str(root), str(root / "out"), "", ""), asyncio.get_running_loop(), "s")
        one.saved(frozenset({str(root / "content/a.md")}))
        one.saved(frozenset({str(root / "hooks.py"), str(root / "content/a.md")}))
        await asyncio.sleep(0.05)
        return one._builder.asked  # type: ignore[attr-defined]

    assert asyncio.run(go()) == [False, True]


def test_what_a_build_made_of_half_a_save_is_told_only_when_the_whole_is_no_better(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desks, "Builder", StillBuilder)
    file = root / "content/index.md"
    blocked = Outcome(problems=(problem("missing-date", "content/index.md", "none"),), blocked=True, seconds=0.5)

    async def go(age: float, saved: set[str], *outcomes: Outcome) -> tuple[int, int]:
        """The builds that were asked for by themselves, and those that were told."""
        one = desks.Desk(Order(str(root), str(root / "out"), "", ""), asyncio.get_running_loop(), "s")
        one.saved(frozenset(saved))
        await asyncio.sleep(0)
        os.utime(file, (time.time() - age, time.time() - age))
        for outcome in outcomes:
            one.heard(outcome)
        one._alarm.set(NEVER)
        return len(one._builder.asked) - 1, one.state.serial  # type: ignore[attr-defined]

    elsewhere = replace(blocked, problems=(problem("broken-link", "content/other.md", "none"),))
    assert asyncio.run(go(0.1, set(), blocked)) == (1, 0)
    assert asyncio.run(go(0.1, set(), blocked, blocked)) == (1, 1)
    assert asyncio.run(go(0.1, {str(file)}, elsewhere)) == (1, 0)
    assert asyncio.run(go(0.1, set(), elsewhere)) == (0, 1)
    assert asyncio.run(go(0.7, {str(file)}, blocked)) == (0, 1)
    assert asyncio.run(go(0.1, {str(file)}, replace(blocked, blocked=False))) == (0, 1)
    assert asyncio.run(go(0.1, {str(file)}, replace(blocked, crashed=True))) == (0, 1)


def test_a_request_waits_for_the_first_build_but_not_for_ever(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desks, "Builder", StillBuilder)
    monkeypatch.setattr(desks, "WAIT", 0.2)

    async def go() -> float:
        one = desks.Desk(Order(str(root), str(root / "out"), "", ""), asyncio.get_running_loop(), "s")
        began = time.monotonic()
        await one.first_build()
        return time.monotonic() - began

    assert 0.15 < asyncio.run(go()) < 2


def test_asking_for_help_loads_no_server() -> None:
    code = "import sys, obverse.serve; sys.exit('tornado' in sys.modules or 'livereload' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, env=os.environ).returncode == 0
