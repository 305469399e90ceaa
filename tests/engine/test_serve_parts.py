"""The parts of serving that need neither a server nor a clock: names, paths, seams, states, lines."""

import socket
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from obverse.clock import NEVER
from obverse.problems import Level, Problem
from obverse.security import CSP, HEADERS
from obverse.serve.alarm import LONGEST, Alarm
from obverse.serve.desk import lines
from obverse.serve.handlers import policy, problem_page
from obverse.serve.hosts import NotListening, is_ours, listening, origin
from obverse.serve.injection import injected, shape
from obverse.serve.preview import File, Moved, find, is_empty, media_type
from obverse.serve.state import SHOWN, Changed, State, changes
from obverse.serve.wire import Order, Outcome, crash, order_line, outcome_line, read_order, read_outcome

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
WRONG = Problem("broken", "content/a.md", "unknown key 'x'", 3, 1, "x: 1", "did you mean 'y'?")


@pytest.mark.parametrize(
    "header, given, ours",
    [
        ("localhost:8000", "127.0.0.1", True),
        ("LOCALHOST.", "127.0.0.1", True),
        ("site.localhost:8000", "127.0.0.1", True),
        ("127.0.0.1:8000", "127.0.0.1", True),
        ("192.168.1.7:8000", "0.0.0.0", True),
        ("[::1]:8000", "::1", True),
        ("desk.lan:8000", "Desk.lan", True),
        ("desk.lan:8000", "127.0.0.1", False),
        ("evil.example", "127.0.0.1", False),
        ("localhost.evil.example", "127.0.0.1", False),
        ("notlocalhost", "127.0.0.1", False),
        ("", "127.0.0.1", False),
        ("[::1", "127.0.0.1", True),
    ],
)
def test_a_request_is_answered_to_names_that_nobody_else_can_own(header: str, given: str, ours: bool) -> None:
    assert is_ours(header, given) is ours


@pytest.mark.parametrize(
    "host, expected",
    [
        ("127.0.0.1", "http://127.0.0.1:81"),
        ("0.0.0.0", "http://localhost:81"),
        ("", "http://localhost:81"),
        ("::1", "http://[::1]:81"),
        ("desk.lan", "http://desk.lan:81"),
    ],
)
def test_the_address_is_one_a_person_can_type(host: str, expected: str) -> None:
    assert origin(host, 81) == expected


def test_a_taken_port_is_stepped_over_as_often_as_allowed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        sockets, found = listening("127.0.0.1", port, 10)
        for one in sockets:
            one.close()
        assert port < found < port + 10
        with pytest.raises(NotListening) as refusal:
            listening("127.0.0.1", port)
    assert refusal.value.problem.code == "port-taken"
    assert f"port {port} is taken" in refusal.value.problem.message


def test_when_all_ports_are_taken_the_problem_names_them() -> None:
    with (
        socket.create_server(("127.0.0.1", 65534)),
        socket.create_server(("127.0.0.1", 65535)),
        pytest.raises(NotListening, match="the ports 65534 to 65535 are all taken"),
    ):
        listening("127.0.0.1", 65534, 10)


@pytest.mark.parametrize(
    "host, port",
    [("no.such.host.invalid", 0), ("127.0.0.1", 99999), ("127.0.0.1", -1), ("203.0.113.1", 0), ("a" * 80, 0)],
)
def test_an_address_that_cannot_be_is_a_problem(host: str, port: int) -> None:
    with pytest.raises(NotListening) as refusal:
        listening(host, port)
    assert refusal.value.problem.code == "serve-address"


@pytest.mark.parametrize(
    "page, start",
    [
        (b"<html><head></head><body><p>x</p></body></html>", b"<html><head></head><body><p>x</p><script"),
        (b"<HEAD></HEAD><BODY>x</BODY >", b"<HEAD></HEAD><BODY>x<script"),
        (b"<body><pre>&lt;/body></pre><!-- </body> --></body>", b"<body><pre>&lt;/body></pre><!-- </body> --><script"),
        (b"<head><title>x</title></head><p>no body", b"<head><title>x</title><script"),
        (b"<p>a piece", b"<p>a piece<script"),
        (b"", b"<script"),
    ],
)
def test_the_script_is_put_where_it_does_no_harm(page: bytes, start: bytes) -> None:
    served = injected(page, "abc-1")
    assert served.startswith(start)
    assert b'<script type="module" src="/_ob/live.js" data-build="abc-1"' in served
    at, end = served.index(b"<script"), served.index(b"</script>") + len(b"</script>")
    assert served[:at] + served[end:] == page


def test_pages_that_differ_in_their_stylesheets_alone_have_one_shape() -> None:
    page = b'<link rel="stylesheet" href="/app.%s.css"><link rel="icon" href="/%s.svg">%s'
    assert shape(page % (b"1", b"i", b"x")) == shape(page % (b"2", b"i", b"x"))
    assert shape(page % (b"1", b"i", b"x")) != shape(page % (b"1", b"j", b"x"))
    assert shape(page % (b"1", b"i", b"x")) != shape(page % (b"1", b"i", b"y"))


@pytest.fixture
def out(tmp_path: Path) -> Path:
    for name in (
        "index.html",
        "about/index.html",
        "grün/index.html",
        "a/b.txt",
        ".ledger",
        ".hid/x.txt",
        "empty/x.txt",
    ):
        (tmp_path / "out" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "out" / name).write_text(name)
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "outside").mkdir()
    return tmp_path / "out"


@pytest.mark.parametrize(
    "path, found",
    [
        ("", File("index.html")),
        ("index.html", File("index.html")),
        ("about", Moved("/about/")),
        ("about/", File("about/index.html")),
        ("about/index.html", File("about/index.html")),
        ("grün", Moved("/gr%C3%BCn/")),
        ("a/b.txt", File("a/b.txt")),
        ("a/b.txt/", None),
        ("empty", None),
        ("empty/", None),
        ("nothing", None),
        (".ledger", None),
        (".hid/x.txt", None),
        ("a/../index.html", None),
        ("../secret.txt", None),
        ("..", None),
        ("/", None),
        ("/evil.example", None),
        ("/about", None),
        ("about//", None),
        ("a\0b", None),
        ("a\\b.txt", None),
        ("x" * 5000, None),
    ],
)
def test_a_path_finds_what_the_preview_has_there_and_nothing_else(out: Path, path: str, found: object) -> None:
    assert find(out, path) == found


def test_a_preview_is_empty_until_a_build_was_written(out: Path, tmp_path: Path) -> None:
    assert not is_empty(out)
    assert is_empty(tmp_path / "outside")
    assert is_empty(tmp_path / "no-such-folder")


@pytest.mark.parametrize(
    "name, expected",
    [
        ("a.HTML", "text/html; charset=utf-8"),
        ("a.svg", "image/svg+xml"),
        ("a.webp", "image/webp"),
        ("a.avif", "image/avif"),
        ("a.woff2", "font/woff2"),
        ("feed.xml", "application/xml; charset=utf-8"),
        ("a.json", "application/json"),
        ("a.webmanifest", "application/manifest+json"),
        ("robots.txt", "text/plain; charset=utf-8"),
        ("a.js", "text/javascript; charset=utf-8"),
        ("a.unheard-of", "application/octet-stream"),
        ("CNAME", "application/octet-stream"),
    ],
)
def test_a_file_has_the_type_its_name_says(name: str, expected: str) -> None:
    assert media_type(name) == expected


@pytest.mark.parametrize(
    "host, added",
    [
        ("localhost:8000", " ws://localhost:8000"),
        ("[::1]:8000", ""),
        ("a; script-src *", ""),
        ("a'b", ""),
        ("ä.localhost", ""),
    ],
)
def test_the_policy_grows_by_the_socket_alone(host: str, added: str) -> None:
    assert policy(host) == CSP.replace("connect-src 'self'", f"connect-src 'self'{added}")


def test_the_site_s_policy_allows_nothing_inline_and_nobody_else() -> None:
    assert HEADERS["Content-Security-Policy"] == CSP
    assert "unsafe" not in CSP
    assert {word for part in CSP.split("; ") for word in part.split()[1:]} == {"'none'", "'self'"}


class Bell:
    """An alarm with a clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = NOON
        self.rung: list[datetime] = []
        self.timers: list[Timer] = []
        self.alarm = Alarm(lambda: self.rung.append(self.now), lambda: self.now, self.later)

    def later(self, seconds: float, call: Callable[[], None]) -> "Timer":
        timer = Timer(self.now + timedelta(seconds=seconds), call, self.timers)
        self.timers.append(timer)
        return timer

    def run(self, seconds: float) -> None:
        end = self.now + timedelta(seconds=seconds)
        while self.timers and self.timers[0].at <= end:
            timer = self.timers.pop(0)
            self.now = timer.at
            timer.call()
        self.now = end


@dataclass
class Timer:
    at: datetime
    call: Callable[[], None]
    timers: list["Timer"]

    def cancel(self) -> None:
        self.timers.remove(self)


def test_the_alarm_rings_at_its_moment_and_looks_at_the_clock_in_between() -> None:
    bell = Bell()
    due = NOON + timedelta(seconds=150)
    bell.alarm.set(due)
    assert bell.timers[0].at == NOON + timedelta(seconds=LONGEST)
    bell.run(1000)
    assert bell.rung == [due]
    assert bell.timers == []


def test_a_moment_rings_once_even_when_the_build_it_asked_for_was_blocked() -> None:
    bell = Bell()
    past = NOON - timedelta(seconds=1)
    bell.alarm.set(past)
    bell.alarm.set(past)
    assert bell.rung == [NOON]
    bell.alarm.set(past + timedelta(seconds=0.5))
    assert len(bell.rung) == 2


def test_an_alarm_set_anew_forgets_the_moment_before() -> None:
    bell = Bell()
    bell.alarm.set(NOON + timedelta(seconds=10))
    bell.alarm.set(NOON + timedelta(seconds=30))
    bell.run(20)
    assert bell.rung == []
    bell.run(20)
    assert len(bell.rung) == 1
    bell.alarm.set(NOON + timedelta(hours=1))
    bell.alarm.set(NEVER)
    assert bell.timers == []


def test_what_goes_over_the_wire_comes_back_as_it_was() -> None:
    order = Order("/site", "/site/.obverse/preview", "http://localhost:1", "a:b")
    assert read_order(order_line(order)) == order
    outcome = Outcome((WRONG,), ("a", "b\nc"), ("d",), 7, True, NOON, 0.25)
    assert read_outcome(outcome_line(outcome)) == outcome
    assert outcome_line(outcome).count(b"\n") == 1
    fault = crash("it broke")
    assert fault.crashed
    assert fault.blocked
    assert read_outcome(outcome_line(fault)) == fault
    assert read_outcome(outcome_line(fault)).next_due == NEVER


def test_changes_are_sorted_by_what_a_browser_does_with_them() -> None:
    assert changes(["a/index.html"]) == Changed(pages=True)
    assert changes(["assets/app.1.css"]) == Changed(styles=True)
    assert changes(["a.png"]) == Changed(files=True)
    assert changes(["feed.xml", "feed.json", "robots.txt"]) == Changed()
    assert not changes([])


def test_the_state_names_the_preview_on_disk_and_the_one_before() -> None:
    first = State("s").after(Outcome())
    assert (first.build, first.message()["since"], first.ready) == ("s-1", "s-0", True)
    second = first.after(Outcome(written=("a.png",)))
    assert (second.build, second.changed.files) == ("s-2", True)
    blocked = second.after(Outcome(problems=(WRONG,), blocked=True))
    assert (blocked.build, blocked.serial, blocked.blocked) == ("s-2", 3, True)
    # what led to s-2 is still what leads there: a page at s-1 may have missed it
    assert blocked.after(Outcome()).message()["changed"] == {"pages": False, "styles": False, "files": True}


def test_a_browser_is_told_of_so_many_problems_as_anybody_reads() -> None:
    many = tuple(Problem("broken", "a.md", str(number), level=Level.WARNING) for number in range(SHOWN + 5))
    message = State("s").after(Outcome(problems=many)).message()
    assert len(message["problems"]) == SHOWN
    assert (message["total"], message["tally"]) == (SHOWN + 5, f"{SHOWN + 5} warnings")
    assert message["problems"][0]["place"] == "a.md"


def test_the_terminal_says_a_line_a_build_and_a_problem_once() -> None:
    built = Outcome(written=("a", "b", "c"), total=120, seconds=0.0817)
    assert list(lines(built, ())) == ["built 3 of 120 files in 0.08 s"]
    assert list(lines(Outcome(removed=("a",), total=2), ())) == ["built 0 of 2 files, removed 1 in 0.00 s"]
    blocked = Outcome(problems=(WRONG,), blocked=True)
    said = list(lines(blocked, ()))
    assert said[0].startswith("content/a.md:3:1 error: unknown key 'x' [broken]\n  3 | x: 1\n    | ^\n")
    assert said[1:] == ["1 error: the preview stays as it was"]
    assert list(lines(blocked, (WRONG,))) == said[1:]
    soft = Problem("broken", "a.md", "hm", level=Level.WARNING)
    assert list(lines(Outcome(problems=(soft,), written=("a",), total=1), (soft,))) == [
        "built 1 of 1 files in 0.00 s (1 warning)"
    ]


def test_the_page_shown_while_there_is_none_holds_every_problem_as_text() -> None:
    wrong = Problem("broken", "content/a.md", "<script>alert(1)</script>", 3)
    page = problem_page(State("s").after(Outcome(problems=(wrong,), blocked=True))).decode()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "content/a.md:3" in page
    assert 'data-serial="1"' in page
    assert "<script>" not in page
    assert "is being built" in problem_page(State("s")).decode()
