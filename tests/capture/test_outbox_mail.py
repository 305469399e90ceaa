"""Mails to a real server that takes, puts off, refuses, hangs up, stalls, wants a password, or speaks TLS."""

from pathlib import Path

import pytest

from capture.outbox.backoff import SENT
from capture.outbox.mail import BadServer, Server, send, server_of
from tests.capture.receivers import certificate, mail_server
from tests.capture.test_outbox_letters import NOW, notification


def test_a_mail_arrives_as_it_was_made() -> None:
    with mail_server() as server:
        made = notification()
        assert send(made, server.url) == SENT
    [taken] = server.taken
    assert (taken.sender, taken.receivers) == ("hello@house.test", ("sales@house.test",))
    assert taken.raw == made.as_bytes()
    assert taken.message["Date"].datetime == NOW


def test_one_who_trickles_is_left_after_a_while() -> None:
    with mail_server(manner="stall") as server:
        outcome = send(notification(), server.url, wait=20, whole=0.3)
    assert outcome.state == "later"


def test_starttls_is_used_where_it_is_offered(tmp_path: Path) -> None:
    with mail_server(tls=certificate(tmp_path), user="me", password="p@ss:/word") as server:
        assert send(notification(), f"smtp://me:p%40ss%3A%2Fword@127.0.0.1:{server.port}") == SENT
        assert server.taken[0].secure
        assert server.taken[0].user == "me"
        refused = send(notification(), f"smtp://me:wrong@127.0.0.1:{server.port}")
    # A password can be mended while mails wait.
    assert (refused.state, refused.cause) == ("later", "SMTPAuthenticationError 535")
    assert "wrong" not in refused.error


def test_tls_from_the_first_byte(tmp_path: Path) -> None:
    with mail_server(tls=certificate(tmp_path), secure=True) as server:
        assert send(notification(), server.url) == SENT
        assert server.taken[0].secure


def test_elsewhere_nothing_is_told_without_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Server, "near", property(lambda _: False))
    with mail_server() as server:
        outcome = send(notification(), server.url)
        assert (outcome.state, outcome.cause) == ("later", "SMTPNotSupportedError")
        assert server.tried == 0


def test_any_mail_server_can_take_the_bytes() -> None:
    with mail_server() as server:
        assert (
            send(
                notification(name="Ännchen 名", values={"message": "ü" * 2_000 + "\n.\nQUIT\n" + "x" * 5_000}),
                server.url,
            )
            == SENT
        )
    [taken] = server.taken
    assert taken.raw.isascii()
    assert max(map(len, taken.raw.split(b"\r\n"))) <= 998
    assert "ü" * 2_000 in taken.message.get_content()
    assert "\n    .\n" in taken.message.get_content().replace("\r\n", "\n")


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://mail.example", Server("mail.example", 587)),
        ("smtps://mail.example", Server("mail.example", 465, secure=True)),
        ("smtp://a%40b:c%3Ad@mail.example:2525", Server("mail.example", 2525, user="a@b", password="c:d")),
        ("smtp://[::1]:25", Server("::1", 25)),
    ],
)
def test_servers(url: str, server: Server) -> None:
    assert server_of(url) == server
    assert "c:d" not in repr(server_of(url))


@pytest.mark.parametrize(
    "url", ["", "mail.example", "http://mail.example", "smtp://", "smtp://hidden@x:port", "smtp://[x"]
)
def test_a_setting_that_names_no_server_is_said_without_repeating_it(url: str) -> None:
    with pytest.raises(BadServer) as told:
        server_of(url)
    assert "hidden" not in str(told.value)
    assert send(notification(), url).state == "later"


def test_near_is_this_machine_only() -> None:
    assert all(Server(host, 25).near for host in ("localhost", "127.0.0.9", "::1"))
    assert not any(Server(host, 25).near for host in ("10.0.0.1", "localhost.evil.test", "mail.example"))
