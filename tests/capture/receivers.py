"""Real servers to deliver to: one that takes mail and one that takes posts, whose manners a test changes as it goes.

Both listen on loopback only and are ended, with all their connections, when their block ends.
"""

import asyncio
import contextlib
import email
import email.policy
import http.server
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


def free_port() -> int:
    """A port that nobody listens on; aiosmtpd cannot choose one itself."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def certificate(folder: Path) -> ssl.SSLContext:
    """A server's TLS with a certificate for localhost that it made itself; `folder/cert.pem` is what would trust it."""
    key, cert = folder / "key.pem", folder / "cert.pem"
    new = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "2",
    ]
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    subprocess.run([*new, *names, "-keyout", key, "-out", cert], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return context


@dataclass(frozen=True)
class Mail:
    """A mail that was taken: from whom and to whom the envelope was, and what was in it."""

    sender: str
    receivers: tuple[str, ...]
    message: EmailMessage
    raw: bytes
    secure: bool
    user: str


@dataclass
class MailServer:
    """A mail server. `manner` is one of accept, defer (451), refuse (550), drop (hang up after the text), busy (421),
    stall (never answer). `refused` and `deferred` are single receivers. `user` and `password` are asked for when set.
    """

    manner: str = "accept"
    refused: set[str] = field(default_factory=set)
    deferred: set[str] = field(default_factory=set)
    user: str = ""
    password: str = ""
    taken: list[Mail] = field(default_factory=list)
    tried: int = 0
    port: int = 0
    host: str = "127.0.0.1"
    scheme: str = "smtp"

    @property
    def url(self) -> str:
        """As OBVERSE_SMTP would give it."""
        return f"{self.scheme}://{self.host}:{self.port}"

    @property
    def messages(self) -> list[EmailMessage]:
        return [one.message for one in self.taken]

    def to(self, address: str) -> list[Mail]:
        """What was taken for that address."""
        return [one for one in self.taken if address in one.receivers]

    # What aiosmtpd asks.

    async def handle_RCPT(self, _: SMTP, __: Session, envelope: Envelope, address: str, options: list[str]) -> str:  # noqa: N802
        self.tried += 1
        if self.manner == "stall":
            await asyncio.sleep(3600)
        if self.manner == "busy":
            return "421 4.3.2 Too busy"
        if self.manner == "defer" or address in self.deferred:
            return "451 4.7.1 Come back later"
        if self.manner == "refuse" or address in self.refused:
            return f"550 5.1.1 <{address}> nobody\x07 of that name"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.manner == "spam":
            return "554 5.7.1 That looks like spam"
        raw = bytes(envelope.original_content or b"")
        message = email.message_from_bytes(raw, policy=email.policy.default)
        user = session.auth_data.decode() if isinstance(session.auth_data, bytes) else ""
        secure = session.ssl is not None or self.scheme == "smtps"
        self.taken.append(
            Mail(str(envelope.mail_from), tuple(envelope.rcpt_tos), message, raw, secure, user)  # type: ignore[arg-type]
        )
        if self.manner == "drop":
            server.transport.abort()
        return "250 OK"

    def check(self, _: SMTP, __: Session, ___: Envelope, mechanism: str, data: Any) -> AuthResult:
        """Whether the name and the password are ours."""
        assert isinstance(data, LoginPassword), mechanism
        good = (data.login, data.password) == (self.user.encode(), self.password.encode())
        return AuthResult(success=good, handled=False, auth_data=data.login)


class _Controller(Controller):
    """Ends open connections too, so that nobody is left stalling."""

    def factory(self) -> SMTP:
        one = super().factory()
        self.open: list[SMTP] = [*getattr(self, "open", []), one]
        return one

    def _stop(self, *given: Any, **named: Any) -> None:
        for one in getattr(self, "open", []):
            if one.transport is not None:
                one.transport.abort()
        super()._stop(*given, **named)


@contextmanager
def mail_server(*, tls: ssl.SSLContext | None = None, secure: bool = False, **manners: Any) -> Iterator[MailServer]:
    """A running mail server. With `tls` it offers STARTTLS, or with `secure` speaks TLS from the first byte."""
    server = MailServer(port=free_port(), scheme="smtps" if secure else "smtp", **manners)
    given: dict[str, Any] = {"ssl_context": tls} if secure else {"tls_context": tls}
    if server.user:
        given |= {
            "authenticator": server.check,
            "auth_required": True,
            "auth_require_tls": tls is not None and not secure,
        }
    controller = _Controller(server, hostname=server.host, port=server.port, **given)
    controller.start()
    try:
        yield server
    finally:
        controller.stop()


@dataclass(frozen=True)
class Post:
    """A post that came in whole."""

    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Receiver:
    """A receiver of posts. `status`, `headers` are its answer; `manner` is one of answer, stall (never answer),
    trickle (a byte of the answer's head each 50 ms), endless (a good head, and a body without end), drop (hang up).
    """

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    manner: str = "answer"
    taken: list[Post] = field(default_factory=list)
    poured: int = 0  # bytes of an endless answer that somebody took, or that the system holds for them
    address: str = ""
    ended: threading.Event = field(default_factory=threading.Event)
    on_post: Callable[[Post], None] = lambda _: None

    @property
    def url(self) -> str:
        return f"{self.address}/hook?of=site"


@contextmanager
def receiver(*, tls: ssl.SSLContext | None = None, **manners: Any) -> Iterator[Receiver]:
    """A running receiver."""
    one = Receiver(**manners)

    class Handler(_Handler):
        of = one

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = False
    server.handle_error = lambda *_: None  # type: ignore[method-assign, assignment]
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    one.address = f"{'https' if tls else 'http'}://{'localhost' if tls else '127.0.0.1'}:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield one
    finally:
        one.ended.set()
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(http.server.BaseHTTPRequestHandler):
    of: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        post = Post(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
        self.of.taken.append(post)
        self.of.on_post(post)
        with contextlib.suppress(OSError):
            getattr(self, f"_{self.of.manner}")()

    def _answer(self) -> None:
        self.send_response(self.of.status)
        for name, value in {"Content-Length": "2", **self.of.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(b"ok")

    def _stall(self) -> None:
        self.of.ended.wait(30)

    def _drop(self) -> None:
        self.connection.shutdown(socket.SHUT_RDWR)

    def _trickle(self) -> None:
        for one in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 10_000:
            self.wfile.write(bytes([one]))
            if self.of.ended.wait(0.05):
                return

    def _endless(self) -> None:
        self.send_response(self.of.status)
        self.end_headers()
        while not self.of.ended.is_set():
            self.of.poured += self.wfile.write(b"x" * 65_536)

    def log_message(self, *_: Any) -> None:
        """Nobody reads it."""
