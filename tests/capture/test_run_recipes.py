"""What the operators' manual tells people to do, done as it says: nginx, Caddy, the service."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import shutil
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from capture.store.tables import submissions
from tests.capture.receivers import certificate, free_port
from tests.capture.running import FORM, MANY, Answer, Running, database, fields, let_in, make_root, running
from tests.serving import until

MANUAL = Path(__file__).parents[2] / "docs" / "content" / "operators.md"
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
CADDY = os.environ.get("OBVERSE_CADDY") or shutil.which("caddy")


def recipe(language: str, holding: str) -> str:
    """The manual's block of that language with these words in it."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", MANUAL.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    found = [block for block in blocks if holding in block]
    assert len(found) == 1, (language, holding)
    return str(found[0])


def exchanged(text: str, **by: str) -> str:
    """The text with each of these patterns replaced; every one must be there."""
    for pattern, words in by.items():
        text, times = re.subn(pattern, words, text)
        assert times, pattern
    return text


def ask(port: int, path: str, method: str = "GET", body: str = "", **headers: str) -> Answer:
    """An answer over HTTPS, whoever signed the certificate."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=20, context=context)
    with contextlib.closing(connection):
        given = {"Host": "www.your-domain.com", **{name.replace("_", "-"): value for name, value in headers.items()}}
        connection.request(method, path, body, given)
        answer = connection.getresponse()
        return Answer(answer.status, answer.headers, answer.read())


@contextmanager
def beside(argv: list[str], port: int) -> Iterator[None]:
    """A proxy as a process, once it listens."""
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout
    try:
        until(lambda: process.poll() is not None or _answers(port))
        assert process.poll() is None, process.stdout.read()
        yield
    finally:
        process.terminate()
        process.wait(20)
        process.stdout.close()


def _answers(port: int) -> bool:
    try:
        return bool(ask(port, "/healthz").status)
    except OSError:
        return False


@pytest.fixture
def behind_one_proxy(tmp_path: Path) -> Iterator[tuple[Running, Path]]:
    """A process that trusts one proxy, and lets each network send three forms."""
    settings = replace(MANY, url="https://www.your-domain.com", rate=3)
    root = make_root(tmp_path / "site", settings, proxies=1)
    let_in(root)
    with running(root, headers={"X-Policy": "strict"}) as one:
        yield one, root


def look_through(port: int, root: Path) -> None:
    """What has to work through any proxy."""
    home = ask(port, "/", Accept_Encoding="gzip")
    assert (home.status, home.headers["X-Policy"], home.headers["Content-Encoding"]) == (200, "strict", "gzip")
    assert ask(port, "/", Accept_Encoding="gzip", If_None_Match=home.headers["ETag"]).status == 304
    sent = ask(port, "/_ob/f/contact", "POST", fields(), Origin="https://www.your-domain.com", **FORM)
    assert b"Thank you, Ann." in ask(port, sent.headers["Location"]).body
    login = ask(port, "/inbox/")
    assert (login.status, login.headers["Location"][:7]) == (303, "/inbox/")
    assert b"password" in ask(port, login.headers["Location"]).body
    large = ask(port, "/_ob/f/contact", "POST", "message=" + "x" * 700_000, **FORM)
    assert (large.status, b"Two Sides" in large.body) == (413, True)
    # The visitor's network is the one the proxy saw, whatever the visitor claims: the limit bites.
    claims = [f"198.51.{number}.7" for number in range(4)]
    statuses = [ask(port, "/_ob/f/contact", "POST", fields(), X_Forwarded_For=one, **FORM).status for one in claims]
    assert statuses == [303, 303, 200, 200]
    with database(root) as opened, opened.read() as connection:
        networks = {row[0] for row in connection.execute(sa.select(submissions.c.network))}
    assert networks == {"127.0.0.0/24"}


@pytest.mark.skipif(not NGINX, reason="nginx is not installed")
def test_nginx_as_the_manual_sets_it_up(behind_one_proxy: tuple[Running, Path], tmp_path: Path) -> None:
    one, root = behind_one_proxy
    certificate(tmp_path)
    plain, secure = free_port(), free_port()
    written = exchanged(
        recipe("nginx", "upstream obverse"),
        **{
            r"server 127\.0\.0\.1:8080": f"server 127.0.0.1:{one.port}",
            r"listen 80;": f"listen 127.0.0.1:{plain};",
            r"listen 443 ssl": f"listen 127.0.0.1:{secure} ssl",
            r"\n *listen \[::\]:[^;]*;": "",
            r"/etc/\S*/fullchain\.pem": str(tmp_path / "cert.pem"),
            r"/etc/\S*/privkey\.pem": str(tmp_path / "key.pem"),
        },
    )
    paths = "".join(
        f"{name}_temp_path {tmp_path}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;" if os.geteuid() == 0 else ""  # else its workers could not enter the folder of this test
    whole = f"{user} daemon off; error_log stderr; pid {tmp_path}/pid; events {{}} http {{ {paths}\n{written} }}"
    (tmp_path / "nginx.conf").write_text(whole)
    assert NGINX
    with beside([NGINX, "-c", str(tmp_path / "nginx.conf"), "-p", str(tmp_path)], secure):
        look_through(secure, root)
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", plain, timeout=20)) as connection:
            connection.request("GET", "/a/?b=c", headers={"Host": "www.your-domain.com"})
            assert connection.getresponse().headers["Location"] == "https://www.your-domain.com/a/?b=c"


@pytest.mark.skipif(not CADDY, reason="Caddy is not installed")
def test_caddy_as_the_manual_sets_it_up(
    behind_one_proxy: tuple[Running, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, root = behind_one_proxy
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    certificate(tmp_path)
    secure, plain = free_port(), free_port()
    written = exchanged(
        recipe("caddy", "reverse_proxy"),
        **{
            r"127\.0\.0\.1:8080": f"127.0.0.1:{one.port}",
            r"www\.your-domain\.com \{": f"https://:{secure} {{\n    tls {tmp_path}/cert.pem {tmp_path}/key.pem",
        },
    )
    whole = f"{{\n    admin off\n    http_port {plain}\n    auto_https disable_redirects\n}}\n{written}"
    (tmp_path / "Caddyfile").write_text(whole)
    assert CADDY
    with beside([CADDY, "run", "--config", str(tmp_path / "Caddyfile"), "--adapter", "caddyfile"], secure):
        look_through(secure, root)


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
def test_the_service_is_one_that_systemd_understands(tmp_path: Path) -> None:
    unit = exchanged(
        recipe("ini", "ExecStart"),
        **{
            r"/srv/site/\.venv/bin/obverse": sys.executable,
            r"User=obverse": "User=daemon",
            r"/srv/site": str(tmp_path),
        },
    )
    (tmp_path / "obverse.service").write_text(unit)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", tmp_path / "obverse.service"],
        capture_output=True,
        text=True,
    )
    ours = [line for line in done.stderr.splitlines() if "obverse" in line or str(tmp_path) in line]
    assert (done.returncode, ours) == (0, []), done.stderr


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
def test_the_socket_is_one_that_systemd_understands(tmp_path: Path) -> None:
    (tmp_path / "obverse.socket").write_text(recipe("ini", "ListenStream"))
    unit = f"[Unit]\nRequires=obverse.socket\nAfter=obverse.socket\n[Service]\nExecStart={sys.executable}\n"
    (tmp_path / "obverse.service").write_text(unit)
    units = [tmp_path / "obverse.socket", tmp_path / "obverse.service"]
    verify = ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", *units]
    done = subprocess.run(verify, capture_output=True, text=True)
    ours = [line for line in done.stderr.splitlines() if "obverse" in line or str(tmp_path) in line]
    assert (done.returncode, ours) == (0, []), done.stderr
