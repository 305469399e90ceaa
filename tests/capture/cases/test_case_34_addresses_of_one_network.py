"""Case 34: 200,000 distinct IPv6 addresses in one /48 are one network; what is remembered is bounded, and kept.

Limits hold over a restart and among several processes, since they count what is stored; without the database each
process counts for itself.
"""

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from capture.house import House, hex_token
from capture.limits import LOOK, LOOK_LATER, WINDOW, Limit, Limits, Room
from capture.posting import network_of
from capture.store import recent
from capture.store.database import Unavailable
from tests.capture.house import CONTACT, FORMS, GUIDE, a_house, no_sync, write_release
from tests.capture.posting import client, clock
from tests.capture.proving import FORM, TIGHT, asked, crowd, letter

__all__ = ["no_sync"]
pytestmark = pytest.mark.usefixtures("no_sync")


def let_in(limits: Limits, network: str, at_form: int = 10**6) -> bool:
    both = [Limit(("network", network), 30), Limit(("form", "contact"), at_form)]
    return limits.take(both, 10, 1e9) == Room()


def test_a_whole_network_has_one_bucket() -> None:
    chance, limits = random.Random(34), Limits()
    addresses = (f"2001:db8:7:{chance.getrandbits(16):x}::{chance.getrandbits(16):x}" for _ in range(20_000))
    assert (sum(let_in(limits, network_of(one)) for one in addresses), len(limits)) == (30, 2)


def test_many_networks_are_not_all_remembered_and_share_one_limit() -> None:
    limits = Limits(room=500)
    came = sum(let_in(limits, f"2001:db8:{number:x}::/48", 1000) for number in range(20_000))
    # A float of seconds may cost one of the thousand.
    assert (came in (999, 1000), len(limits)) == (True, 500)


@pytest.fixture
def house(tmp_path: Path, database_url: str) -> Iterator[House]:
    """A house that asks for a proof after two posts of one network to one form."""
    with a_house(tmp_path, database_url, settings=TIGHT) as house:
        yield house


def beside(house: House) -> House:
    """Another process over the same database, at the same time; also what this one is after a restart."""
    return replace(house, limits=Limits(), token=hex_token)


def status(house: House, number: int = 0, address: str = "127.0.0.1", form: str = FORM, **more: str) -> int:
    """What becomes of one post."""
    sent = {**letter(number), **more}
    return client(house).post(form, data=sent, environ_overrides={"REMOTE_ADDR": address}).status_code


def test_it_survives_a_restart(house: House) -> None:
    crowd(client(house))
    again = beside(house)
    assert status(again) == 200
    assert status(again, 1, "198.51.100.7") == 303, "nobody else is asked"
    for number in range(2, 6):
        proof = asked(client(again))
        assert status(beside(house), number, **proof) == 303
    assert status(beside(house), 9, **asked(client(again))) == 429
    clock(house).move(seconds=WINDOW * TIGHT.proofs)
    assert status(beside(house), 10) == 303


def test_two_processes_share_it(house: House) -> None:
    other = beside(house)
    assert [status(other, 1), status(house, 2)] == [303, 303]
    clock(house).move(seconds=LOOK)
    assert [status(other, 3), status(house, 4)] == [200, 200]


def test_what_is_stored_is_not_counted_twice(tmp_path: Path, database_url: str) -> None:
    with a_house(tmp_path, database_url, settings=replace(TIGHT, rate=10)) as house:
        statuses = []
        for number in range(11):
            statuses.append(status(house, number))
            clock(house).move(seconds=LOOK)
        assert statuses == [303] * 10 + [200]


def test_what_sends_the_same_form_again_counts_too(house: House) -> None:
    key = {"_ob_instance": "5a" * 16}
    assert [status(house, number, **key) for number in range(2)] == [303, 303]
    assert status(beside(house), 2, **key) == 200


def test_without_the_database_each_process_counts_for_itself(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    crowd(client(house))
    again, asked_for = beside(house), 0

    def away(*_: object) -> None:
        nonlocal asked_for
        asked_for += 1
        raise Unavailable("away")

    with monkeypatch.context() as patched:
        patched.setattr("capture.gate.recent", away)
        assert [status(again, number) for number in range(3)] == [303, 303, 200]
        clock(house).move(seconds=LOOK_LATER - LOOK)
        status(again)
    assert asked_for == 1, "who waits for a database that is away does so seldom"
    third = beside(house)
    assert status(third, 7) == 200


def test_no_more_is_read_than_the_newest(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    crowd(client(house))
    monkeypatch.setattr(recent, "MOST", 1)
    assert [status(beside(house), 7), status(beside(house), 8)] == [303, 303]


def test_a_form_has_a_limit_whoever_sends_it(tmp_path: Path, database_url: str) -> None:
    with a_house(tmp_path, database_url, settings=replace(TIGHT, rate_form=4, rate_recipient=100)) as house:
        spread = [status(house, number, f"198.51.{number}.7") for number in range(5)]
        assert spread == [303] * 4 + [200]
        assert status(beside(house), 9, "203.0.113.9") == 200
        assert status(house, 9, "203.0.113.9", "/_ob/f/guide") == 303


def test_who_is_told_has_a_limit_whatever_form_it_is(tmp_path: Path, database_url: str) -> None:
    with a_house(tmp_path, database_url, settings=replace(TIGHT, rate_form=100, rate_recipient=3)) as house:
        same = tuple(replace(one, notify=CONTACT.notify) if one.name == GUIDE.name else one for one in FORMS)
        write_release(tmp_path / "release", forms=same, settings=replace(TIGHT, rate_form=100, rate_recipient=3))
        again = beside(replace(house, releases=type(house.releases)(tmp_path / "shelf", tmp_path / "release")))
        forms = [FORM, "/_ob/f/guide", FORM, "/_ob/f/guide"]
        spread = [status(again, number, f"198.51.{number}.7", form) for number, form in enumerate(forms)]
        assert spread == [303, 303, 303, 200]
        assert status(beside(again), 9, "203.0.113.9") == 200
