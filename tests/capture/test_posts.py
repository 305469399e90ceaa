"""Posts that go straight: the same answers as the long way's, byte for byte, and several stored by one commit."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from io import BytesIO
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask
from werkzeug.test import EnvironBuilder, run_wsgi_app

from capture.app import create_app
from capture.house import House
from capture.posts import Later
from capture.store.database import Database, Unavailable
from capture.store.tables import submissions
from tests.capture.house import CONTACT, a_house, no_sync
from tests.capture.running import count

__all__ = ["no_sync"]
pytestmark = pytest.mark.usefixtures("no_sync")

Answered = tuple[str, list[tuple[str, str]], bytes]

ANSWERS = {"name": "Ann Example", "email": "ann@example.org", "message": "What does it cost?", "_ob_page": "contact.md"}
KEY = "0f3c1b52-6a40-4d39-9d5e-1f2c3b4a5d6e"
SENT: dict[str, dict[str, Any]] = {
    "stored": {"data": {**ANSWERS, "_ob_version": CONTACT.version}},
    "the same again": {"data": {**ANSWERS, "_ob_version": CONTACT.version}},
    "with a key": {"data": {**ANSWERS, "_ob_instance": KEY}},
    "with the same key": {"data": {**ANSWERS, "_ob_instance": KEY, "message": "What would it cost?"}},
    "as a program sends it": {"json": ANSWERS},
    "held": {"data": {**ANSWERS, "_ob_trap": "x", "email": "held@example.org"}},
    "to be mended": {"data": {**ANSWERS, "email": "ann"}},
    "nothing at all": {"data": {}},
    "with a file that nobody asked for": {"data": {**ANSWERS, "cv": (BytesIO(b"%PDF-1.4"), "cv.pdf")}},
    "of a kind that is not read": {"data": b"<a/>", "content_type": "text/xml"},
    "too long": {"data": b"message=" + b"a" * 300_000, "content_type": "application/x-www-form-urlencoded"},
    "broken": {"data": b"{", "content_type": "application/json"},
    "from elsewhere": {"data": ANSWERS, "headers": {"Origin": "https://elsewhere.test"}},
    "from a static host": {"data": ANSWERS, "headers": {"Origin": "https://site.test"}},
    "in German": {"data": {**ANSWERS, "email": ""}, "headers": {"Accept-Language": "de"}},
    "to a form that is none": {"data": ANSWERS, "path": "/_ob/f/none"},
    "to an address that is none": {"data": ANSWERS, "path": "/_ob/f/Con%20tact"},
    "to a host that is none": {"data": ANSWERS, "headers": {"Host": "."}},
}


@pytest.fixture
def house(tmp_path: Path, sqlite_url: str) -> Iterator[House]:
    with a_house(tmp_path, sqlite_url) as house:
        yield house


def environ(sent: dict[str, Any], accept: str = "*/*") -> dict[str, Any]:
    sent = {"path": "/_ob/f/contact", **sent}
    sent["headers"] = {"Accept": accept, **sent.get("headers", {})}
    data = sent.get("data")
    if isinstance(data, dict) and not any(isinstance(one, tuple) for one in data.values()):
        sent |= {"data": urlencode(data), "content_type": "application/x-www-form-urlencoded"}
    return EnvironBuilder(method="POST", base_url="https://house.test", **sent).get_environ()


def asked(app: Flask, given: dict[str, Any]) -> Answered:
    body, status, headers = run_wsgi_app(app.wsgi_app, given, buffered=True)
    return status, list(headers), b"".join(body)


class Mark:
    """Something that tells when it is freed."""


def test_a_post_is_freed_as_it_is_answered(house: House) -> None:
    """What holds itself waits for the collector, which looks through all that is at hand."""
    app, given = create_app(house), environ(SENT["stored"])
    given["test.mark"] = Mark()
    left = weakref.ref(given["test.mark"])
    gc.disable()
    try:
        assert b"".join(app.wsgi_app(given, lambda *_: None)) == b""
        del given
        assert left() is None
    finally:
        gc.enable()


def test_the_straight_way_gives_the_answers_of_the_long_one(
    tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To each of them, the headers and their order among it; what is stored is the same as well."""
    answers: list[list[Answered]] = []
    with ExitStack() as both:
        for way in ("straight", "long"):
            root = tmp_path / way
            (root / "var").mkdir(parents=True)
            (root / "var" / "obverse.db").write_bytes(sqlite_template.read_bytes())
            url = f"sqlite:///{root / 'var' / 'obverse.db'}"
            house = both.enter_context(a_house(root, url, address="https://house.test"))
            app = create_app(house)
            with monkeypatch.context() as patched:
                if way == "long":
                    patched.setattr("capture.posts._plainly_named", lambda _environ: "")
                answers.append(
                    [
                        asked(app, environ(_fresh(sent), accept))
                        for sent, accept in product(SENT.values(), ("application/json", "text/html"))
                    ]
                )
            assert count(root, submissions) > 3
    assert {one[0][:3] for one in answers[0]} >= {"303", "200", "201", "422", "415", "413", "400", "403", "404"}
    for straight, long in zip(*answers, strict=True):
        assert straight == long


def _fresh(sent: dict[str, Any]) -> dict[str, Any]:
    """The same again: a file can be read once."""
    data = sent.get("data")
    if not isinstance(data, dict):
        return sent
    renewed = {k: (BytesIO(v[0].getvalue()), v[1]) if isinstance(v, tuple) else v for k, v in data.items()}
    return {**sent, "data": renewed}


def begun(app: Flask, number: int) -> tuple[Later, list[str]]:
    """The answer to a post that is not asked for yet, and what it was started with."""
    started: list[str] = []
    start: Callable[..., Any] = lambda status, _headers: started.append(status)  # noqa: E731
    sent = environ({"data": {**ANSWERS, "email": f"{number}@example.org", "message": f"Question {number}"}})
    answer: Iterable[bytes] = app.wsgi_app(sent, start)
    assert isinstance(answer, Later)
    return answer, started


def test_several_are_stored_by_one_commit_before_any_is_answered(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    app, writes, write = create_app(house), list[int](), Database.write
    monkeypatch.setattr(Database, "write", lambda self, **more: (writes.append(1), write(self, **more))[1])
    several = [begun(app, number) for number in range(5)]
    assert not writes
    Later.together([one for one, _ in several])
    assert len(writes) == 1
    assert [started for _, started in several] == [[]] * 5
    with house.database.read() as connection:
        assert len(connection.execute(submissions.select()).all()) == 5
    assert [list(one) for one, _ in several] == [[b""]] * 5
    assert [started for _, started in several] == [["303 SEE OTHER"]] * 5
    assert len(writes) == 1


def test_one_that_nobody_stored_is_stored_as_its_answer_is_asked_for(house: House) -> None:
    later, started = begun(create_app(house), 1)
    over: list[bool] = []
    later.over = lambda: over.append(bool(started))
    assert not over
    assert list(later) == [b""]
    assert (started, over) == (["303 SEE OTHER"], [True])


def test_what_no_database_takes_goes_to_the_spool_together(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those who come together wait for a database that is away together, once."""
    tried: list[int] = []

    def away(*_: object, **__: object) -> Any:
        tried.append(1)
        raise Unavailable("away")

    several = [begun(create_app(house), number) for number in range(4)]
    monkeypatch.setattr(Database, "write", away)
    Later.together([one for one, _ in several])
    assert len(tried) == 1
    assert [list(one) for one, _ in several] == [[b""]] * 4
    assert [started for _, started in several] == [["303 SEE OTHER"]] * 4
    assert len(list(house.spool.glob("*.json"))) == 4


def test_a_fault_is_answered_as_the_application_does(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("ann@example.org")

    monkeypatch.setattr("capture.endpoint.accept", broken)
    status, headers, body = asked(create_app(house), environ({"data": ANSWERS}))
    assert status == "500 INTERNAL SERVER ERROR"
    assert ("X-Content-Type-Options", "nosniff") in headers
    assert b"ann@example.org" not in body
