"""A build that is blocked is told to the owner: once for each set of problems, and once when it is mended."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from capture.house import House
from capture.inbox.words import say_in
from capture.outbox.letters import Letterhead, letter
from capture.run.options import RunOptions
from capture.run.preparation import prepare
from capture.run.process import Process
from capture.run.publisher import outcome_of
from capture.store import notices, outbox
from capture.store.outbox import Delivery
from capture.watch.rounds import hear_of_build
from tests.capture.house import NOW, SETTINGS, a_house
from tests.capture.inbox_room import room
from tests.capture.running import database, let_in, make_root
from tests.capture.test_run_parts import REPORT, Told

ONE = ("content/a.md:3 unknown key 'titel'",)
TWO = (*ONE, "content/b.md:7 the link leads nowhere")


@pytest.fixture
def house(tmp_path: Path, database_url: str) -> Iterator[House]:
    with a_house(tmp_path, database_url) as house:
        yield house


def rows(house: House) -> list[Delivery]:
    with house.database.read() as connection:
        return sorted(outbox.deliveries(connection, outbox.STATES), key=lambda one: one.created_at)


def told(house: House) -> list[tuple[str, int]]:
    return [(one.kind, one.payload.get("n", 0)) for one in rows(house)]


def hear(house: House, *builds: tuple[str, ...], place: str = "web-1") -> None:
    """These builds end, an hour after the other."""
    begun = len(rows(house))
    for number, problems in enumerate(builds):
        hear_of_build(house, place, problems, NOW + timedelta(hours=begun + number))


def test_each_set_of_problems_is_told_once_and_so_is_their_end(house: House) -> None:
    hear(house, ())
    assert told(house) == []
    hear(house, ONE, ONE, ONE)
    assert told(house) == [("blocked", 1)]
    hear(house, TWO, TWO[::-1])
    assert told(house) == [("blocked", 1), ("blocked", 2)]
    with house.database.read() as connection:
        assert [one.facts["first"] for one in notices.standing(connection)] == [ONE[0]]
    hear(house, (), ())
    assert told(house) == [("blocked", 1), ("blocked", 2), ("mended", 0)]
    with house.database.read() as connection:
        assert list(notices.standing(connection)) == []
    hear(house, ONE, ONE)
    assert told(house)[3:] == [("blocked", 1)]


def test_a_build_elsewhere_mends_nothing_here(house: House) -> None:
    hear(house, ONE)
    hear(house, (), place="web-2")
    assert told(house) == [("blocked", 1)]


def test_the_mail_names_file_and_line_of_the_first_few(house: House) -> None:
    hear(house, tuple(f"content/{one}.md:{one} wrong\nhere" for one in range(1, 9)))
    message = letter(rows(house)[0], Letterhead(SETTINGS, "https://site.test", say_in("en"), lambda _: say_in("en")))
    text = message.get_content()
    assert message["Subject"] == "The site cannot be published: 8 problems"
    assert "content/1.md:1 wrong here\ncontent/2.md:2 wrong here\n" in text.replace("\r\n", "\n")
    assert "content/5.md" in text
    assert "content/6.md" not in text
    hear(house, ())
    assert (
        "mended" in letter(rows(house)[1], Letterhead(SETTINGS, "", say_in("en"), lambda _: say_in("en"))).get_content()
    )


def test_the_inbox_says_it_until_it_is_mended(tmp_path: Path) -> None:
    with room(tmp_path, filled=False) as one:
        hear(one.house, ONE)
        page = one.client().get("/inbox/").text
        assert "has not been published since" in page
        assert "content/a.md:3 unknown key" in page
        hear(one.house, TWO)
        assert "because of 2 problems" in one.client().get("/inbox/").text
        hear(one.house, ())
        assert "not been published" not in one.client().get("/inbox/").text


def test_a_process_tells_what_its_builds_came_to_and_warnings_block_nothing(tmp_path: Path) -> None:
    root = make_root(tmp_path)
    let_in(root)
    options = RunOptions(root)
    prepared, _ = prepare(options)
    assert prepared
    process = Process(options, prepared, Told().log)
    warning = {"path": "content/w.md", "line": 1, "message": "long", "level": "warning"}
    error = {"path": "content/e.md", "line": 2, "message": "none", "level": "error"}
    for report in (
        {"problems": [warning]},
        {"problems": [warning, error], "blocked": True},
        {"problems": [error], "blocked": True},
    ):
        process._look_again(outcome_of(0, json.dumps(REPORT | report)))
    process._look_again(outcome_of(-9, "", "killed"))
    process.close()
    with database(root) as opened, opened.read() as connection:
        found = [one.payload for one in outbox.deliveries(connection, outbox.STATES)]
    lines = sorted(str(one["lines"][0]) for one in found)
    assert lines == ["content/e.md:2 none", "the build ended with -9 and no report: killed"]
