"""Case 53: a line end or a terminal's control in any field makes no line of its own in the log, which is one JSON
object a line, and tells neither a message's text nor an address.

In a real process: `test_the_log_holds_nothing_of_anybody`; of deliveries:
`test_the_log_tells_of_deliveries_and_not_of_people`.
"""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture.run.log import Lines
from tests.capture.hostile import ENDPOINT, TEXTS, headers_of, siege
from tests.capture.test_hostile import PLAIN
from tests.capture.test_run_parts import Told

INJECTED = (
    'x\r\n{"kind": "request", "route": "/owned"}',
    '\n{"time": "2026-11-23T10:00:00.000Z", "kind": "note", "message": "owned"}',
    "\u2028owned\u2029\x85\x0b\x0cowned",
    "\x1b[2J\x1b]0;owned\x07\x9b31m",
)


@contextmanager
def logged() -> Iterator[Told]:
    """All that is logged meanwhile, in the lines that a running process writes."""
    told, root = Told(), logging.getLogger()
    lines, before = Lines(told.log), root.level
    root.addHandler(lines)
    root.setLevel(logging.DEBUG)
    try:
        yield told
    finally:
        root.removeHandler(lines)
        root.setLevel(before)


@given(st.text())
def test_nothing_makes_two_lines_or_moves_a_terminal(text: str) -> None:
    told = Told()
    told.log.tell("note", message=text)
    line = told.stream.getvalue()
    assert line.endswith("\n")
    assert line[:-1].isascii()
    assert line[:-1].isprintable()


def test_logs_tell_nothing_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even when storing fails with what was sent in the exception."""

    def fail(*given: object, **_: object) -> Any:
        raise RuntimeError(repr(given))

    with siege(tmp_path, ()) as house, logged() as told:
        monkeypatch.setattr("capture.endpoint.save", fail)
        monkeypatch.setattr("capture.endpoint.keep", lambda *_: None)
        for text in (*TEXTS, *INJECTED):
            sent = {**PLAIN, "name": text.replace("\0", "") or "x", "message": f"secret {text}", text: text}
            house.app.test_client().post(ENDPOINT, data=sent, headers=headers_of(text))
            house.app.test_client().get("/_ob/none", query_string={text: text}, headers=headers_of(text))
    whole = told.stream.getvalue()
    lines = whole.removesuffix("\n").split("\n")
    assert len(lines) > len(TEXTS) // 2
    assert {json.loads(line)["kind"] for line in lines} <= {"note", "fault"}
    assert whole.replace("\n", "").isprintable()
    assert not [word for word in ("owned", "secret", "ann@", "127.0.0.1") if word in whole]


def test_a_fault_of_the_program_tells_nothing_of_who_met_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What nobody foresaw: it comes out through the application's own logger, with its exception."""

    def fail(*_: object, **__: object) -> Any:
        raise ValueError("\n".join(("ann@example.org said secret", *INJECTED)))

    with siege(tmp_path, ()) as house, logged() as told:
        monkeypatch.setattr("capture.endpoint.read_post", fail)
        assert house.app.test_client().post(ENDPOINT, data=PLAIN).status_code == 500
    [line] = told.stream.getvalue().splitlines()
    assert json.loads(line)["error"].startswith("ValueError < ")
    assert not [word for word in ("owned", "secret", "ann@") if word in line]
