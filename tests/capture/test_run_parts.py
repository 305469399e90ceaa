"""The parts of a running process on their own: the log, what is demanded, builds and their reports, pushing."""

from __future__ import annotations

import io
import json
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import flask
import pytest

from capture.run.child import nicely
from capture.run.demands import demands, is_placeholder
from capture.run.front import Front, note_routes
from capture.run.log import Lines, Log, path_told
from capture.run.publisher import Job, Outcome, Publisher, outcome_of, without_secrets
from capture.run.push import push
from capture.run.static import Static
from capture.setup import Secrets
from tests.capture.house import CONTACT, GUIDE, NOW, SETTINGS, write_release
from tests.serving import until

RECEIPT = "0123456789abcdef" * 2


class Told:
    """A log that is read as it is written."""

    def __init__(self) -> None:
        self.stream = io.StringIO()
        self.log = Log(self.stream, lambda: NOW)

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.stream.getvalue().splitlines()]


# The log


def test_a_line_is_json_with_time_and_kind() -> None:
    told = Told()
    told.log.request("GET", "/a/", 200, 1.26, 12)
    assert told.stream.getvalue() == (
        '{"time": "2026-11-23T10:00:00.000Z", "kind": "request", "method": "GET", "route": "/a/", "status": 200, '
        '"ms": 1.3, "bytes": 12}\n'
    )


@pytest.mark.parametrize(
    "path, told",
    [
        ("/articles/one/", "/articles/one/"),
        (f"/_ob/t/{RECEIPT}", "/_ob/t/:id"),
        ("/unsubscribe/ann@house.test", "/unsubscribe/:id"),
        ("/inbox/enter/kX9-3fTq_w8Zl2mNbVcAsD7", "/inbox/enter/:id"),
        ("/a/?email=ann@house.test", "/a/"),
        ("/a-long-title-of-many-plain-words-as-articles-have/", "/a-long-title-of-many-plain-words-as-articles-have/"),
    ],
)
def test_a_path_is_told_without_what_may_name_somebody(path: str, told: str) -> None:
    assert path_told(path) == told


def test_a_path_is_not_told_without_end() -> None:
    assert len(path_told("/" + "x/" * 5000)) < 400


def test_an_exception_is_told_by_its_class_and_place_and_never_by_its_words() -> None:
    told = Told()
    logger = logging.Logger("capture")  # noqa: LOG001 -- one that nobody else has
    logger.addHandler(Lines(told.log))
    try:
        int("ann@house.test")
    except ValueError:
        logger.exception("while serving /_ob/t/%s for ann@house.test", RECEIPT)
    assert told.lines[0]["kind"] == "fault"
    assert told.lines[0]["error"].startswith("ValueError < test_run_parts.py:")
    assert "ann" not in told.stream.getvalue()
    assert RECEIPT not in told.stream.getvalue()


def test_a_message_that_is_json_keeps_its_facts() -> None:
    told = Told()
    logger = logging.Logger("obverse.capture")  # noqa: LOG001 -- as above
    logger.addHandler(Lines(told.log))
    logger.info('{"kind": "delivery", "attempt": 2}')
    assert {key: told.lines[0][key] for key in ("kind", "attempt")} == {"kind": "delivery", "attempt": 2}


def test_a_log_that_nobody_reads_any_more_holds_nobody_up() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    stream = os.fdopen(writing, "w")
    Log(stream, lambda: NOW).tell("note")
    with pytest.raises(BrokenPipeError):
        stream.close()


# The front


def application(environ: dict[str, Any], start: Callable[..., Any]) -> list[bytes]:
    start("200 OK", [("Content-Length", "3")])
    return [b"app"]


def get(front: Front, path: str, method: str = "GET", **environ: str) -> tuple[str, dict[str, str], bytes]:
    answered: list[Any] = []
    raw = path.encode("utf-8", "surrogateescape").decode("latin-1")
    asked = {"REQUEST_METHOD": method, "PATH_INFO": raw, "SCRIPT_NAME": "", **environ}
    body = b"".join(front(asked, lambda status, headers, *_: answered.extend((status, dict(headers)))))
    return answered[0], answered[1], body


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "index.html").write_bytes(b"home")
    (tmp_path / "site" / "404.html").write_bytes(b"none")
    return tmp_path / "site"


def a_front(site: Path | None, told: Told, base_path: str = "") -> Front:
    static = Static(site, base_path) if site else None
    return Front(application, static, base_path=base_path, headers={"X-Policy": "strict"}, log=told.log)


@pytest.mark.parametrize(
    "path, body",
    [
        ("/", b"home"),
        ("/_ob/f/contact", b"app"),
        ("/inbox/", b"app"),
        ("/inbox", b"app"),
        ("/api/v1/report", b"app"),
        ("/healthz", b"app"),
        ("/_obscure", b"none"),
        ("/inboxes/", b"none"),
        ("/healthz.html", b"none"),
        ("/\udcff", b"none"),
        ("//inbox/", b"none"),
    ],
)
def test_the_application_and_the_site_have_their_own_addresses(site: Path, path: str, body: bytes) -> None:
    assert get(a_front(site, Told()), path)[2] == body


@pytest.mark.parametrize(
    "path, body",
    [("/blog/", b"home"), ("/blog/inbox/", b"app"), ("/inbox/", b"none"), ("/", b"none"), ("/blogs/", b"none")],
)
def test_all_of_it_lies_under_the_base_path(site: Path, path: str, body: bytes) -> None:
    assert get(a_front(site, Told(), "/blog"), path)[2] == body


def test_pages_are_sent_with_the_constant_headers_and_the_application_has_its_own(site: Path) -> None:
    front = a_front(site, Told())
    assert get(front, "/")[1]["X-Policy"] == get(front, "/nothing")[1]["X-Policy"] == "strict"
    assert "X-Policy" not in get(front, "/inbox/")[1]


def test_before_the_first_build_visitors_are_asked_to_come_back(tmp_path: Path) -> None:
    front = a_front(tmp_path / "site", Told())
    status, headers, body = get(front, "/")
    assert (status, headers["Retry-After"], headers["X-Policy"]) == ("503 Service Unavailable", "5", "strict")
    assert b"again in a moment" in body
    assert get(front, "/", "HEAD")[2] == b""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "index.html").write_bytes(b"home")
    assert get(front, "/")[2] == b"home"


def test_a_process_without_a_site_has_no_pages() -> None:
    front = a_front(None, Told())
    assert get(front, "/")[0] == "404 Not Found"
    assert get(front, "/_ob/f/contact")[2] == b"app"


def test_a_request_is_told_in_one_line_without_its_query(site: Path) -> None:
    told = Told()
    get(a_front(site, told), "/", QUERY_STRING="email=ann@house.test", HTTP_USER_AGENT="Agent", REMOTE_ADDR="192.0.2.7")
    line = told.lines[0]
    assert line.pop("ms") >= 0
    assert line == {
        "time": "2026-11-23T10:00:00.000Z",
        "kind": "request",
        "method": "GET",
        "route": "/",
        "status": 200,
        "bytes": 4,
    }


def test_the_application_is_told_by_its_rules(site: Path) -> None:
    told = Told()
    app = flask.Flask("tiny")
    app.add_url_rule("/_ob/t/<string:receipt>", view_func=lambda receipt: "thanks", endpoint="thanks")
    note_routes(app)
    front = Front(app.wsgi_app, Static(site), headers={}, log=told.log)
    for path in (f"/_ob/t/{RECEIPT}", "/_ob/t/ann@house.test/x"):
        environ = app.test_request_context(path).request.environ
        b"".join(front(environ, lambda *_: None))
    assert [line["route"] for line in told.lines] == ["/_ob/t/:receipt", "/_ob/…"]


def test_a_fault_of_the_application_is_told_as_500(site: Path) -> None:
    def broken(environ: Any, start: Any) -> list[bytes]:
        raise RuntimeError

    told = Told()
    with pytest.raises(RuntimeError):
        get(Front(broken, Static(site), headers={}, log=told.log), "/inbox/")
    assert told.lines[0]["status"] == 500


# What must be set

GOOD = Secrets(key="5e" * 32, smtp="smtp://localhost")


def test_a_site_that_is_set_up_is_asked_for_nothing() -> None:
    assert demands(SETTINGS, GOOD, (CONTACT, GUIDE), 1) == ()
    assert demands(SETTINGS, GOOD, (), None) == ()


def test_everything_that_is_missing_is_said_at_once() -> None:
    bare = replace(SETTINGS, url="", sender="", notify=(), webhook="https://hook.test/", chat="sales")
    messages = [one.message for one in demands(bare, Secrets(), (CONTACT, GUIDE), 0)]
    assert messages == [
        "[site] url is not set",
        "[capture] from is not set, so mail cannot be sent",
        "no mail server is known",
        "[capture] webhook has no secret to be signed with",
        "the address of [capture] chat is not known",
        "nobody is told of what the form 'guide' brings",
        "nobody can log in to the inbox",
    ]


def test_placeholders_are_not_taken_for_settings() -> None:
    forms = (replace(CONTACT, notify=("sales@example.com",)),)
    given = replace(
        SETTINGS,
        url="https://shop.example/blog",
        sender="hello@shop.example",
        notify=("team@example.org",),
        origin="https://forms.shop.example",
    )
    found = demands(given, GOOD, forms, 1)
    assert [one.message for one in found] == [
        "[site] url is still the placeholder shop.example",
        "[capture] origin is still a placeholder",
        "[capture] from is still a placeholder",
        "[capture] notify holds a placeholder",
        "the form 'contact' notifies a placeholder",
    ]
    assert all(one.hint for one in found)


@pytest.mark.parametrize(
    "host, is_one",
    [("example", True), ("a.EXAMPLE.", True), ("example.com", True), ("myexample.com", False), ("house.test", False)],
)
def test_names_that_belong_to_nobody(host: str, is_one: bool) -> None:
    assert is_placeholder(host) is is_one


# Builds

REPORT: dict[str, Any] = {
    "problems": [],
    "written": ["index.html"],
    "removed": [],
    "total": 3,
    "blocked": False,
    "next_due": None,
    "seconds": 0.1,
}


def test_a_report_is_read() -> None:
    due = "2026-12-01T09:00:00+00:00"
    problems = [{"path": "content/a.md", "line": 3, "message": "unknown key"}, {"path": "", "line": 0, "message": "no"}]
    outcome = outcome_of(1, json.dumps({**REPORT, "blocked": True, "problems": problems, "next_due": due}))
    assert outcome.facts() == {
        "written": 1,
        "removed": 0,
        "total": 3,
        "next_due": due,
        "blocked": True,
        "problems": ("content/a.md:3 unknown key", "obverse no"),
    }


@pytest.mark.parametrize("output", ["", "Traceback", "[]", "{}", '{"next_due": 3}'])
def test_a_build_that_says_nothing_is_a_fault_and_not_a_crash(output: str) -> None:
    outcome = outcome_of(-9, output, "one\nSyntaxError: ann@house.test\n")
    assert outcome.blocked
    assert outcome.fault == "the build ended with -9 and no report: SyntaxError: :id"


def test_a_build_gives_way_and_knows_no_secrets() -> None:
    assert without_secrets({"OBVERSE_SMTP": "x", "OBVERSE_CHAT": "x", "OBVERSE_KEY": "x", "PATH": "p"}) == {"PATH": "p"}
    assert nicely(["/bin/true"])[-1] == "/bin/true"


@pytest.fixture
def publishing(tmp_path: Path) -> Iterator[Callable[..., tuple[Publisher, list[Outcome], Told]]]:
    """Publishers whose build runs `code`, and what came of each of their builds."""
    started: list[Publisher] = []

    def start(code: str, now: Callable[[], datetime] = lambda: NOW, ledger: Path | None = None) -> Any:
        told, outcomes = Told(), list[Outcome]()
        job = Job((sys.executable, "-c", f"import json, os, sys, time\nreport = {REPORT!r}\n{code}"), ledger)
        publisher = Publisher(job, told.log, now, outcomes.append, gap=0.1)
        started.append(publisher)
        publisher.start()
        return publisher, outcomes, told

    yield start
    for publisher in started:
        publisher.stop(10)


PRINT = "print(json.dumps(report))"


def test_a_build_runs_at_the_start_and_when_asked_in_a_niced_process(publishing: Any) -> None:
    publisher, outcomes, told = publishing(f"report['total'] = os.nice(0)\n{PRINT}")
    assert publisher.wait_for_first(10)
    publisher.ask()
    until(lambda: len(outcomes) == 2)
    assert outcomes[0].total == min(os.nice(0) + 10, 19)
    assert [line["kind"] for line in told.lines] == ["build", "build"]


def test_a_page_that_falls_due_is_published_and_nothing_is_built_before(publishing: Any) -> None:
    clock = [NOW]
    due = NOW + timedelta(hours=1)
    _, outcomes, _ = publishing(f"report['next_due'] = {due.isoformat()!r}\n{PRINT}", lambda: clock[0])
    until(lambda: outcomes)
    threading.Event().wait(0.4)  # looks at the clock have passed
    assert len(outcomes) == 1
    clock[0] = due
    until(lambda: len(outcomes) == 2)


def test_a_build_by_somebody_else_is_noticed_by_its_ledger(publishing: Any, tmp_path: Path) -> None:
    ledger = tmp_path / "site.ledger"
    _, outcomes, _ = publishing(PRINT, ledger=ledger)
    until(lambda: outcomes)
    ledger.write_text("theirs")
    until(lambda: len(outcomes) == 2)
    threading.Event().wait(0.4)  # and only once
    assert len(outcomes) == 2


def test_a_blocked_build_is_told_with_its_first_problems(publishing: Any) -> None:
    code = (
        "report['blocked'] = True; report['problems'] = [dict(path='a.md', line=n, message='m') for n in range(1, 99)]"
    )
    _, outcomes, told = publishing(f"{code}\n{PRINT}\nsys.exit(1)")
    until(lambda: outcomes)
    assert told.lines[0]["problems"] == [f"a.md:{number} m" for number in range(1, 6)]


def test_a_build_that_cannot_start_is_told() -> None:
    told = Told()
    publisher = Publisher(Job(("/nowhere/python",)), told.log, lambda: NOW)
    publisher.start()
    assert publisher.wait_for_first(10)
    publisher.stop(5)
    assert told.lines[0]["blocked"]
    assert "no report" in told.lines[0]["fault"]


def test_stopping_ends_a_build_and_all_that_it_started(publishing: Any, tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    grandchild = f"import os, time; open({str(mark)!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    publisher, outcomes, _ = publishing(f"import subprocess; subprocess.run([sys.executable, '-c', {grandchild!r}])")
    until(lambda: mark.exists() and mark.read_text())
    publisher.stop(10)
    assert outcomes == []

    def is_gone() -> bool:
        try:
            stat = Path(f"/proc/{mark.read_text()}/stat").read_text()
        except OSError:
            return True
        return ") Z " in stat

    until(is_gone)


# Pushing


def test_a_release_is_pushed_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_release(tmp_path / ".obverse" / "release")
    target = tmp_path / "mounted" / "releases"
    assert push(tmp_path, target) == 0
    assert "a new release, 10 files added (3 of forms)" in capsys.readouterr().out
    assert push(tmp_path, target) == 0
    assert "was there already" in capsys.readouterr().out


def test_what_cannot_be_pushed_is_a_problem(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert push(tmp_path, tmp_path / "releases") == 1
    assert "there is no release yet [run-release]\n  hint: run obverse build first" in capsys.readouterr().err
    assert not (tmp_path / "releases").exists()
    write_release(tmp_path / ".obverse" / "release")
    (tmp_path / "file").touch()
    assert push(tmp_path, tmp_path / "file" / "releases") == 1
    assert "cannot be written" in capsys.readouterr().err
    (tmp_path / ".obverse/release/pages.json").write_text("{")
    assert push(tmp_path, tmp_path / "releases") == 1
    assert "pages.json" in capsys.readouterr().err


def test_the_time_is_utc() -> None:
    stream = io.StringIO()
    Log(stream, lambda: datetime(2026, 1, 1, tzinfo=UTC)).tell("note")
    assert json.loads(stream.getvalue())["time"] == "2026-01-01T00:00:00.000Z"
