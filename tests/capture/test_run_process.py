"""A running process: what it refuses to start with, what it serves, how it ends, and what it never loses."""

from __future__ import annotations

import http.client
import json
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from capture.run import RunOptions
from capture.run.preparation import prepare
from capture.run.push import push
from capture.store.tables import outbox
from obverse.problems import as_text
from tests.capture.databases import Server, running_server
from tests.capture.house import write_release
from tests.capture.receivers import mail_server
from tests.capture.running import (
    FORM,
    MANY,
    START,
    Answer,
    Running,
    database,
    fields,
    kept,
    let_in,
    make_root,
    running,
)
from tests.serving import until


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = make_root(tmp_path)
    let_in(made)
    return made


# Starting


def refusal(root: Path, **options: Any) -> str:
    """What a process says that does not start."""
    given = json.dumps({"root": str(root), "port": 0, "site": str(root / "site"), **options})
    done = subprocess.run([sys.executable, "-c", START, given], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


def test_it_does_not_start_with_defaults_and_says_all_that_is_to_be_set(tmp_path: Path) -> None:
    root = make_root(tmp_path, replace(MANY, url="https://shop.example", sender="hello@shop.example"), smtp="")
    said = refusal(root)
    for words in (
        "placeholder shop.example",
        "[capture] from",
        "OBVERSE_SMTP",
        "obverse users add",
        "4 errors",
        "[run-setting]",
    ):
        assert words in said
    assert "5e5e" not in said


def obstacles(root: Path) -> str:
    """What stands in the way of a process over `root`."""
    prepared, problems = prepare(RunOptions(root))
    if prepared:
        prepared.house.database.close()
    return as_text(problems)


def test_secrets_that_others_may_read_keep_it_from_starting(root: Path) -> None:
    (root / "var" / "secrets.toml").chmod(0o644)
    assert "chmod 600" in obstacles(root)


def test_settings_with_mistakes_keep_it_from_starting(root: Path) -> None:
    (root / "obverse.toml").write_text("[site]\ntitel = 1\n")
    assert "obverse.toml:2:1" in obstacles(root)


def test_a_database_of_a_newer_program_keeps_it_from_starting(root: Path) -> None:
    assert obstacles(root) == ""
    with database(root) as opened, opened.write() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    said = obstacles(root)
    assert "newer" in said
    assert "[run-database]" in said


def test_a_data_folder_that_cannot_be_written_keeps_it_from_starting(root: Path) -> None:
    shutil.rmtree(root / "var")
    (root / "var").touch()
    assert "[unreadable]" in obstacles(root) or "[disk]" in obstacles(root)


def test_a_port_that_is_taken_is_said_to_be_so(root: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = refusal(root, port=port)
        assert f"127.0.0.1:{port} cannot be listened on: Address already in use [run-address]" in said


def test_the_key_is_made_on_the_first_start_and_kept(root: Path) -> None:
    secret = root / "var" / "secrets.toml"
    secret.write_text('smtp = "smtp://127.0.0.1:9"\n')
    with running(root) as one:
        first = secret.read_text()
        assert re.search(r'^key = "[0-9a-f]{64}"$', first, re.MULTILINE)
        assert one.send().status == 303
    with running(root):
        assert secret.read_text() == first


# Serving


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One process for the tests that only ask."""
    root = make_root(tmp_path_factory.mktemp("run"))
    let_in(root)
    with running(root, headers={"X-Policy": "strict"}) as one:
        yield one


def test_one_process_has_the_site_the_forms_the_inbox_and_its_health(shared: Running) -> None:
    home = shared.ask("/", Accept_Encoding="gzip")
    assert (home.status, home.headers["X-Policy"], home.headers["Content-Encoding"]) == (200, "strict", "gzip")
    assert home.headers["Server"] is None
    thanks = shared.ask(shared.send().headers["Location"])
    assert b"Thank you, Ann." in thanks.body
    assert shared.ask("/inbox/").status == 303
    assert b"password" in shared.ask(shared.ask("/inbox/").headers["Location"]).body
    assert shared.ask("/healthz").status == 200
    assert shared.ask("/nothing").body.startswith(b"<!doctype html><title>Not here")
    assert shared.ask("/", "POST").status == 405


def test_the_log_holds_nothing_of_anybody(shared: Running) -> None:
    receipt = shared.send(name="Zebedee", email="zeb@visitor.test", message="a secret").receipt
    shared.ask(f"/_ob/t/{receipt}?email=zeb@visitor.test", User_Agent="Browser", Referer="https://site.test/zeb@x")
    until(lambda: any(one.get("route") == "/_ob/t/:receipt" for one in shared.told))
    text = json.dumps(shared.told)
    for personal in ("Zebedee", "zeb@", "secret", receipt, "Browser"):
        assert personal not in text


def raw(one: Running, *lines: bytes, body: bytes = b"") -> bytes:
    """The answer to bytes as they are."""
    with socket.create_connection(("127.0.0.1", one.port), timeout=20) as connection:
        connection.sendall(b"\r\n".join([*lines, b"Host: site.test", b"Connection: close", b"", body]))
        return b"".join(iter(lambda: connection.recv(65536), b""))


@pytest.mark.parametrize(
    "path", [b"/../obverse.toml", b"/%2e%2e/obverse.toml", b"/..%2f..%2fetc/passwd", b"/%ff", b"/%00"]
)
def test_paths_as_attackers_send_them_find_nothing(shared: Running, path: bytes) -> None:
    assert raw(shared, b"GET " + path + b" HTTP/1.1").startswith(b"HTTP/1.1 404")


def test_a_body_above_the_cap_is_refused_before_it_is_read(shared: Running) -> None:
    head = raw(shared, b"POST /_ob/f/contact HTTP/1.1", b"Content-Length: 999999999999")
    assert head.startswith(b"HTTP/1.1 413")


def test_a_body_a_little_above_the_cap_is_refused_in_the_theme(shared: Running) -> None:
    answer = shared.ask("/_ob/f/contact", "POST", "message=" + "x" * 700_000, **FORM)
    assert (answer.status, b"Two Sides" in answer.body) == (413, True)


def test_a_slow_sender_holds_up_nobody_else(shared: Running) -> None:
    slow = [socket.create_connection(("127.0.0.1", shared.port)) for _ in range(60)]
    try:
        for one in slow:
            one.sendall(b"POST /_ob/f/contact HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nmess")
        began = time.monotonic()
        assert shared.send().status == 303
        assert time.monotonic() - began < 3
    finally:
        for one in slow:
            one.close()


def test_nobody_may_say_for_whom_they_ask_without_a_proxy(tmp_path: Path) -> None:
    root = make_root(tmp_path, replace(MANY, rate=3))
    let_in(root)
    with running(root) as one:
        statuses = [one.send(head={"X-Forwarded-For": f"198.51.{number}.7"}).status for number in range(5)]
    assert statuses == [303, 303, 303, 200, 200]
    with running(root) as one:
        assert one.send().status == 200, "and a restart forgets nobody"


def test_all_of_it_lies_under_the_path_of_the_address(tmp_path: Path) -> None:
    root = make_root(tmp_path, replace(MANY, url="https://site.test/blog", base_path="/blog"))
    let_in(root)
    with running(root) as one:
        assert one.ask("/blog/").status == 200
        sent = one.send("/blog")
        assert sent.headers["Location"].startswith("/blog/_ob/t/")
        assert b"Thank you, Ann." in one.ask(sent.headers["Location"]).body
        assert one.ask("/blog/inbox/").headers["Location"].startswith("/blog/inbox/")
        assert one.ask("/").status == 404
        assert one.ask("/_ob/f/contact").status == 404


def test_a_process_without_settings_runs_from_pushed_releases(tmp_path: Path) -> None:
    root = make_root(tmp_path / "far")
    let_in(root)
    write_release(tmp_path / "near" / ".obverse" / "release", settings=MANY)
    assert push(tmp_path / "near", root / "var" / "releases") == 0
    (root / "obverse.toml").unlink()
    for path in (root / "site").iterdir():
        path.unlink()
    with running(root) as one:
        assert b"Thank you, Ann." in one.ask(one.send().headers["Location"]).body
        assert one.ask("/").status == 404


# Publishing


BUILD = """
import json, pathlib, sys, time
root = pathlib.Path(sys.argv[1])
count = root / "count"
number = int(count.read_text()) + 1 if count.exists() else 1
while (root / "hold").exists():
    time.sleep(0.02)
(root / "site").mkdir(exist_ok=True)
(root / "site" / "index.html").write_text(f"build {number}")
count.write_text(str(number))
print(json.dumps(dict(problems=[], written=[], removed=[], total=1, blocked=False, next_due=None, seconds=0)))
"""


def test_a_site_that_was_never_built_is_served_as_soon_as_it_is(root: Path) -> None:
    for path in (root / "site").iterdir():
        path.unlink()
    (root / "hold").touch()
    with running(root, build=[sys.executable, "-c", BUILD, str(root)]) as one:
        assert (one.ask("/").status, one.ask("/").headers["Retry-After"]) == (503, "5")
        assert one.send().status == 303
        (root / "hold").unlink()
        until(lambda: one.ask("/").body == b"build 1")


def test_a_hangup_publishes_and_the_site_before_stays_up_meanwhile(root: Path) -> None:
    with running(root, build=[sys.executable, "-c", BUILD, str(root)]) as one:
        until(lambda: one.ask("/").body == b"build 1")
        (root / "hold").touch()
        one.process.send_signal(signal.SIGHUP)
        assert one.ask("/").body == b"build 1"
        (root / "hold").unlink()
        until(lambda: one.ask("/").body == b"build 2")


def test_a_build_that_crashes_leaves_the_site_and_is_told(root: Path) -> None:
    with running(root, build=[sys.executable, "-c", "raise SystemExit('hooks.py is broken')"]) as one:
        until(lambda: one.lines("build"))
        assert one.lines("build")[0]["fault"].endswith("hooks.py is broken")
        assert one.ask("/").status == 200


def test_a_new_form_is_taken_in_without_a_restart_and_what_it_lacks_is_told(root: Path) -> None:
    build = (
        BUILD
        + f"""
if number == 2:
    sys.path.insert(0, {str(Path(__file__).parents[2])!r})
    from dataclasses import replace
    from tests.capture.house import CONTACT, write_release
    from tests.capture.running import MANY
    more = replace(CONTACT, name="more", notify=("sales@example.com",))
    write_release(root / ".obverse" / "release", forms=(CONTACT, more), settings=MANY)
"""
    )
    with running(root, build=[sys.executable, "-c", build, str(root)]) as one:
        until(lambda: one.lines("build"))
        assert one.send(form="more").status == 404
        one.process.send_signal(signal.SIGHUP)
        until(lambda: one.send(form="more").status == 303)
        one.process.send_signal(signal.SIGHUP)
        until(lambda: any("'more' notifies a placeholder" in fault["message"] for fault in one.lines("fault")))


# Ending


def slow_post(one: Running) -> http.client.HTTPConnection:
    """A post whose last byte has not been sent."""
    body = fields().encode()
    connection = http.client.HTTPConnection("127.0.0.1", one.port, timeout=30)
    connection.putrequest("POST", "/_ob/f/contact")
    for name, value in {**FORM, "Content-Length": str(len(body))}.items():
        connection.putheader(name, value)
    connection.endheaders(body[:-1])
    return connection


def test_it_drains_finishes_what_has_begun_and_takes_nobody_new(root: Path) -> None:
    with running(root) as one:
        idle = http.client.HTTPConnection("127.0.0.1", one.port, timeout=30)
        idle.request("GET", "/")
        idle.getresponse().read()
        begun = slow_post(one)
        until(lambda: len(one.lines("request")) == 1)
        time.sleep(0.3)  # the first bytes of the post have arrived
        one.process.send_signal(signal.SIGTERM)
        until(lambda: one.lines("stop"))
        until(lambda: not _connects(one.port))
        begun.send(b"o")
        answer = begun.getresponse()
        assert (answer.status, answer.headers["Connection"]) == (303, "close")
        receipt = answer.headers["Location"].rpartition("/")[2]
        answer.read()
        assert one.process.wait(20) == 0
        begun.close()
        idle.close()
    assert one.errors == []
    assert one.lines("stop")[-1]["requests_finished"] is True
    assert receipt in kept(root)


def _connects(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def test_who_never_finishes_is_waited_for_only_so_long(root: Path) -> None:
    with running(root, drain=0.5) as one:
        begun = slow_post(one)
        time.sleep(0.2)
        assert one.end() == 0
        begun.close()
    assert one.lines("stop")[-1]["requests_finished"] is False


def test_a_second_signal_ends_it_at_once(root: Path) -> None:
    with running(root) as one:
        begun = slow_post(one)
        time.sleep(0.3)
        one.process.send_signal(signal.SIGINT)
        until(lambda: one.lines("stop"))
        began = time.monotonic()
        assert one.end(signal.SIGINT) == 1
        assert time.monotonic() - began < 5
        begun.close()


def test_ending_ends_a_build_under_way(root: Path) -> None:
    with running(root, build=[sys.executable, "-c", "import time; print('begun', flush=True); time.sleep(600)"]) as one:
        began = time.monotonic()
        assert one.end() == 0
        assert time.monotonic() - began < 10


# What is never lost


def test_two_processes_on_one_postgresql_share_everything(tmp_path: Path, postgres_url: str) -> None:
    roots = [make_root(tmp_path / name) for name in ("one", "two")]
    let_in(roots[0], postgres_url)
    env = {"OBVERSE_DATABASE": postgres_url}
    with mail_server() as mail:
        env["OBVERSE_SMTP"] = mail.url
        with running(roots[0], env) as one, running(roots[1], env) as two:
            same = fields(name="Same")
            answers: list[Answer] = []

            def both(visitor: int) -> None:
                for number in range(10):
                    where = (one, two)[(visitor + number) % 2]
                    answers.append(where.send(message=f"{visitor} {number}"))
                    answers.append((one, two)[number % 2].ask("/_ob/f/contact", "POST", same, **FORM))

            threads = [threading.Thread(target=both, args=(visitor,)) for visitor in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            distinct = {answer.receipt for answer in answers}
            assert len(distinct) == 41
            assert sorted(kept(roots[0], postgres_url)) == sorted(distinct)
            path = answers[0].headers["Location"]
            assert one.ask(path).body == two.ask(path).body
            until(lambda: len(mail.taken) >= 41, 30)
            until(lambda: not _waiting(roots[0], postgres_url), 30)
    assert len(mail.taken) == 41
    assert len({one.message["Message-ID"] for one in mail.taken}) == 41


def _waiting(root: Path, url: str = "") -> int:
    with database(root, url) as opened, opened.read() as connection:
        asked = sa.select(sa.func.count()).select_from(outbox).where(outbox.c.state != "sent")
        found: int = connection.execute(asked).scalar_one()
        return found


def test_a_mail_server_that_is_away_delays_mail_and_nothing_else(tmp_path: Path) -> None:
    with mail_server() as mail:
        root = make_root(tmp_path, smtp=mail.url)
        let_in(root)
        mail.manner = "busy"
        with running(root) as one:
            assert one.send().status == 303
            until(lambda: mail.tried)
            assert one.ask("/healthz").status == 200
        mail.manner = "accept"
        with database(root) as opened, opened.write() as connection:  # hours pass
            connection.execute(outbox.update().values(next_at="2026-01-01T00:00:00.000000Z"))
        with running(root):
            until(lambda: mail.taken)
            until(lambda: not _waiting(root))
    assert len(mail.to("sales@house.test")) == 1


def test_a_database_that_goes_away_and_comes_back_loses_nothing(tmp_path: Path) -> None:
    root = make_root(tmp_path)
    with running_server() as server:
        url = server.url()
        let_in(root, url)
        with running(root, {"OBVERSE_DATABASE": url}) as one:
            before = one.send().receipt
            with paused(server):
                meanwhile = [one.send(message=str(number)) for number in range(3)]
                thanks = one.ask(meanwhile[0].headers["Location"])
                assert thanks.status == 200
                assert one.ask("/healthz").status == 503
                assert one.ask("/").status == 200
                assert len(list((root / "var" / "spool").glob("*.json"))) == 3
            after = one.send().receipt
            until(lambda: not list((root / "var" / "spool").glob("*.json")), 60)
            wanted = sorted([before, after, *(answer.receipt for answer in meanwhile)])
            assert sorted(kept(root, url)) == wanted
            assert one.ask("/healthz").status == 200


class paused:  # noqa: N801 -- reads as a sentence
    """A PostgreSQL that nobody can reach: its connections are cut and its socket is not there."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.socket = next(server.folder.glob(".s.PGSQL.*[0-9]"))
        self.hidden = self.socket.with_name("hidden")

    def __enter__(self) -> None:
        with psycopg.connect(self.server.url(), autocommit=True) as connection:
            # The socket first: who is cut off while it is there is back at once.
            self.socket.rename(self.hidden)
            others = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
            connection.execute(others + " AND backend_type = 'client backend'")
        self.server.execute = _away  # type: ignore[assignment, method-assign]

    def __exit__(self, *_: object) -> None:
        self.hidden.rename(self.socket)
        del self.server.execute  # type: ignore[method-assign]


def _away(statement: str) -> None:
    raise AssertionError(statement)
