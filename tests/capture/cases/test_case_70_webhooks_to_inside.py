"""Case 70: a webhook to this machine or its networks, in whatever spelling, by a redirect, or by a name that changes:
refused, and the address that was looked at is the one that is asked. What the receiver answers is told to nobody.
"""

import socket
from datetime import UTC, datetime
from typing import Any

import pytest

from capture.outbox.addresses import is_outside
from capture.outbox.backoff import SENT, Outcome
from capture.outbox.webhook import post
from obverse.config import load
from tests.capture.receivers import receiver
from tests.capture.test_outbox_webhook import ADDRESS, SECRET, row

OUTSIDE = "93.184.215.14"


def tell(url: str, **given: Any) -> Outcome:
    return post(row(url), SECRET, ADDRESS, datetime.now(UTC), **given)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """The addresses that were connected to; nobody answers there."""
    found: list[tuple[Any, ...]] = []

    def connect(address: tuple[Any, ...], *_: object) -> socket.socket:
        found.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr("capture.outbox.addresses.socket.create_connection", connect)
    return found


@pytest.mark.parametrize(
    "host",
    [
        *("127.1", "0x7f000001", "2130706433", "0177.0.0.1", "127.0.0.2", "0", "0.0.0.0"),
        *("10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "169.254.169.254", "0xa9fea9fe", "224.0.0.1"),
        *("[::1]", "[::]", "[::ffff:7f00:1]", "[::ffff:169.254.169.254]", "[fd00::1]", "[fe80::1]", "[ff02::1]"),
        *("[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[fd00:ec2::254]", "[2001:0:102:304:0:0:80ff:fffe]"),
    ],
)
def test_no_spelling_of_an_address_inside_is_asked(host: str, asked: list[tuple[Any, ...]]) -> None:
    outcome = tell(f"https://{host}/")
    assert (outcome.state, outcome.cause, asked) == ("later", "Inside", [])


@pytest.mark.parametrize("host", ["localhost.", "intern.example", "LOCALHOST.", "mixed.example"])
def test_no_name_of_one_is_asked(host: str, asked: list[tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch) -> None:
    resolves(monkeypatch, [OUTSIDE, "10.1.2.3"] if host.startswith("mixed") else ["127.0.0.1"])
    assert (tell(f"https://{host}/").cause, asked) == ("Inside", [])


@pytest.mark.parametrize(
    "url",
    [
        *("https://user:pass@hook.example/", "https://user@hook.example/", "http://hook.example/"),
        *("http://127.1/", "ftp://hook.example/", "file:///etc/passwd", "gopher://127.0.0.1/", "https:///"),
    ],
)
def test_what_is_no_plain_address_over_tls_is_given_up(url: str, asked: list[tuple[Any, ...]]) -> None:
    assert (tell(url).state, asked) == ("dead", [])
    _, problems = load(f'[capture]\nwebhook = "{url}"\n')
    assert [one for one in problems if "webhook" in str(one)]


def resolves(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[int]:
    """Let every name have these addresses, one answer after the other; how often was asked is counted."""
    counted: list[int] = []

    def look_up(_: str, port: int, **__: object) -> list[Any]:
        counted.append(1)
        answer = answers[min(len(counted), len(answers)) - 1]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in answer]

    monkeypatch.setattr("capture.outbox.addresses.socket.getaddrinfo", look_up)
    return counted


def test_a_name_that_changes_is_resolved_once_and_pinned(
    asked: list[tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = resolves(monkeypatch, [OUTSIDE], ["127.0.0.1"])
    assert tell("https://rebound.example/").cause == "ConnectionRefusedError"
    assert (asked, len(counted)) == ([(OUTSIDE, 443)], 1)


def test_a_host_that_the_owner_names_may_be_inside(
    asked: list[tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    resolves(monkeypatch, ["10.1.2.3"])
    assert tell("https://crm.internal/", inside=("crm.internal",)).cause == "ConnectionRefusedError"
    assert tell("https://crm.internal/", inside=("internal",)).cause == "Inside"
    assert asked == [("10.1.2.3", 443)]
    config, problems = load('[capture]\nwebhook = "https://crm.internal/"\ninside = ["crm.internal"]\n')
    assert config.for_capture["inside"] == ["crm.internal"]
    assert not [one for one in problems if "inside" in str(one)]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_inside_is_not_followed_and_its_answer_told_to_nobody(status: int) -> None:
    with receiver() as within, receiver(status=status, headers={"Location": within.url, "X-Told": "owned"}) as one:
        outcome = tell(one.url)
        assert (len(one.taken), within.taken) == (1, [])
    assert outcome.error == f"the receiver said {status}, but redirects are not followed: set its own address"


def test_this_machine_plainly_named_in_the_settings_is_meant() -> None:
    with receiver() as one:
        assert tell(one.url) == SENT
    assert not is_outside("127.0.0.1")
    assert is_outside(OUTSIDE)
    assert is_outside("2606:4700::1111")
