"""Case 7: the mail server refuses one of three receivers for good: the two others get it, and the refusal is shown."""

from pathlib import Path

from capture.outbox.worker import Worker
from tests.capture.house import NOW
from tests.capture.outbox_room import STILL, house_on, page, staff, table, tell
from tests.capture.receivers import mail_server


def test_one_refused_receiver_does_not_hold_the_others(database_url: str, tmp_path: Path) -> None:
    with mail_server(refused={"a@house.test"}) as mail, house_on(tmp_path, database_url, mail) as house:
        tell(house, "a@house.test", "b@house.test", "c@house.test")
        assert Worker(house, STILL).step(NOW) == 3
        assert Worker(house, STILL).step(NOW) == 0
        found = table(house)
        desk = staff(house)
        shown = [page(desk, path) for path in ("/inbox/deliveries", f"/inbox/i/{found['a@house.test'].inquiry}")]
    assert {target: one.state for target, one in found.items()} == {
        "a@house.test": "dead",
        "b@house.test": "sent",
        "c@house.test": "sent",
    }
    assert sorted(one.receivers for one in mail.taken) == [("b@house.test",), ("c@house.test",)]
    # A suppression that nobody sees is an inquiry that nobody reads.
    for html in shown:
        assert "550 5.1.1 &lt;…&gt; nobody of that name" in html
        assert "Word of the inquiry to a@house.test" in html
        assert '<span class="alarm">1<' in html


def test_one_who_is_to_be_asked_later_holds_nobody(sqlite_url: str, tmp_path: Path) -> None:
    with mail_server(deferred={"b@house.test"}) as mail, house_on(tmp_path, sqlite_url, mail) as house:
        tell(house, "b@house.test", "c@house.test")
        Worker(house, STILL).step(NOW)
        assert {target: one.state for target, one in table(house).items()} == {
            "b@house.test": "waiting",
            "c@house.test": "sent",
        }
