"""A mail and the address of a mail server -> how the try to send it ended.

Everything that may pass is tried again: a server that is away, a wrong password, a certificate that has run out. Only
the words "not this receiver" or "not this mail" are final.
"""

from __future__ import annotations

import ipaddress
import smtplib
import socket
import ssl
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import parseaddr
from urllib.parse import SplitResult, unquote, urlsplit

from capture.outbox.backoff import SENT, Outcome, dead, later
from capture.outbox.deadline import Deadline
from capture.outbox.headers import line

# Seconds: for one wait, and for the whole talk after the connection stands.
WAIT = 20.0
WHOLE = 120.0


@dataclass(frozen=True, slots=True)
class Server:
    """A mail server. `secure` is TLS from the first byte; without it STARTTLS is needed, but on this machine."""

    host: str
    port: int
    secure: bool = False
    user: str = ""
    password: str = field(default="", repr=False)

    @property
    def near(self) -> bool:
        """Whether it is on this machine, so that nobody is on the line."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


class BadServer(ValueError):  # noqa: N818 -- it names what the setting is
    """A setting that names no mail server. The message is a sentence that does not repeat the setting."""


def server_of(url: str) -> Server:
    """The server of "smtp://user:password@host:587" or "smtps://…:465". Raises BadServer."""
    if not url:
        raise BadServer("no mail server is set: give OBVERSE_SMTP, or smtp in secrets.toml")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise BadServer("the setting of the mail server cannot be read") from None
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
        raise BadServer("the mail server must be given as smtp://user:password@host:587 or smtps://…:465")
    secure = parts.scheme == "smtps"
    return Server(parts.hostname, port or (465 if secure else 587), secure, *_credentials(parts))


def _credentials(parts: SplitResult) -> tuple[str, str]:
    return unquote(parts.username or ""), unquote(parts.password or "")


def send(message: EmailMessage, url: str, *, wait: float = WAIT, whole: float = WHOLE) -> Outcome:
    """Send a mail to its one receiver by the server at `url`.

    `wait` and `whole` are the seconds that one wait and the whole talk may take.
    """
    sender, receiver = parseaddr(str(message["From"]))[1], parseaddr(str(message["To"]))[1]
    try:
        server = server_of(url)
        with _connected(server, sender.rpartition("@")[2], wait) as talk, Deadline(whole, lambda: talk.sock):
            _prepare(talk, server)
            talk.sendmail(sender, [receiver], message.as_bytes())
    except BadServer as error:
        return later(str(error), "BadServer")
    except (smtplib.SMTPException, OSError) as error:
        return _failed(error, receiver)
    return SENT


def answers(url: str, name: str, *, wait: float = WAIT) -> Outcome:
    """Whether the server at `url` lets us in as before a mail; `name` is the sender's domain. Nothing is sent."""
    try:
        server = server_of(url)
        with _connected(server, name, wait) as talk, Deadline(2 * wait, lambda: talk.sock):
            _prepare(talk, server)
    except BadServer as error:
        return later(str(error), "BadServer")
    except (smtplib.SMTPException, OSError) as error:
        return _failed(error, "")
    return SENT


def _connected(server: Server, name: str, wait: float) -> smtplib.SMTP:
    """The name in the greeting is the sender's domain: asking the resolver for this machine's own may take minutes."""
    if server.secure:
        context = _context(server)
        return smtplib.SMTP_SSL(server.host, server.port, local_hostname=name, timeout=wait, context=context)
    return smtplib.SMTP(server.host, server.port, local_hostname=name, timeout=wait)


def _prepare(talk: smtplib.SMTP, server: Server) -> None:
    """Encrypt and log in, as far as the server asks for it."""
    talk.ehlo_or_helo_if_needed()
    if not server.secure and talk.has_extn("starttls"):
        talk.starttls(context=_context(server))
        talk.ehlo_or_helo_if_needed()
    elif not server.secure and not server.near:
        raise smtplib.SMTPNotSupportedError("the mail server offers no STARTTLS, so nothing was told to it")
    if server.user:
        talk.login(server.user, server.password)


def _context(server: Server) -> ssl.SSLContext:
    """Certificates are checked, but for this machine's own server: its certificate is mostly one it made itself."""
    context = ssl.create_default_context()
    if server.near:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _failed(error: smtplib.SMTPException | OSError, receiver: str) -> Outcome:
    cause = type(error).__name__
    answer: tuple[int, bytes | str]
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        answer = next(iter(error.recipients.values()))
    elif isinstance(error, smtplib.SMTPResponseException):
        answer = (error.smtp_code, error.smtp_error)
    else:
        return later(_words(error), cause)
    code, words = answer
    # The row outlives an erasure, so the server's words are kept without the address that they are about.
    said = line(f"{code} {_plain(words)}".replace(receiver, "…"), 300)
    final = isinstance(error, (smtplib.SMTPRecipientsRefused, smtplib.SMTPDataError)) and 500 <= code <= 599
    return (dead if final else later)(said, f"{cause} {code}")


def _plain(words: bytes | str) -> str:
    return words.decode("utf-8", "replace") if isinstance(words, bytes) else words


def _words(error: smtplib.SMTPException | OSError) -> str:
    """What went wrong, for people."""
    if isinstance(error, socket.gaierror):
        return "the mail server's name is not known"
    if isinstance(error, TimeoutError):
        return "the mail server did not answer in time"
    if isinstance(error, smtplib.SMTPServerDisconnected):
        return "the mail server broke off, or did not answer in time"
    if isinstance(error, ssl.SSLError):
        return line(f"no secure connection to the mail server: {error.reason or 'broken off'}", 300)
    if isinstance(error, smtplib.SMTPException):
        return line(str(error), 300) or type(error).__name__
    return line(f"the mail server cannot be reached: {error.strerror or type(error).__name__}", 300)
