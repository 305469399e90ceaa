"""Case 22: the mail lands and the webhook fails: each channel shows when it last worked and last failed."""

import re
from datetime import timedelta
from pathlib import Path

from capture.outbox.worker import Worker
from capture.store.erasure import erase
from tests.capture.house import NOW
from tests.capture.outbox_room import STILL, clock, house_on, page, staff, tell
from tests.capture.receivers import mail_server, receiver

NEVER = "Never yet"


def status(html: str) -> dict[str, list[str]]:
    """What the page says of each channel: waiting, failed, stopped, and the moments of the last success and failure."""
    rows = re.findall(r'<tr><th scope="row">(\w+)</th>(.*?)</tr>', html, re.DOTALL)
    cells = {name: re.findall(r"<td.*?>(.*?)</td>", row, re.DOTALL) for name, row in rows}
    return {name: [re.sub("<[^>]+>", "", one).strip() for one in found] for name, found in cells.items()}


def moments(html: str) -> list[str]:
    """The exact times in the table of channels."""
    table = html[html.index("<table") : html.index("</table>")]
    return re.findall(r'<time datetime="([^"]+)"', table)


def test_each_channel_shows_its_last_success_and_failure(database_url: str, tmp_path: Path) -> None:
    later = NOW + timedelta(minutes=5)
    with mail_server() as mail, receiver() as hook, house_on(tmp_path, database_url, mail) as house:
        desk, worker = staff(house), Worker(house, STILL)
        tell(house, "a@house.test", webhook=hook.url)
        assert worker.step(NOW) == 2
        shown = status(page(desk, "/inbox/deliveries"))
        assert {name: cells[4] for name, cells in shown.items()} == {"Mail": NEVER, "Webhook": NEVER}
        hook.status = 500
        tell(house, "a@house.test", webhook=hook.url)
        clock(house).move(minutes=5)
        assert worker.step(later) == 2
        html = page(desk, "/inbox/deliveries")
        shown = status(html)
        assert (shown["Mail"][:3], shown["Webhook"][:3]) == (["0", "0", "0"], ["1", "0", "0"])
        assert shown["Mail"][4] == NEVER
        # of mail its last success; of the webhook its last success, before, and its failure now
        assert moments(html) == [one.isoformat(timespec="seconds") for one in (later, NOW, later)]
        assert desk.get("/healthz").json["delivery"] == "ok", "one failure is no outage"  # type: ignore[index]


def test_what_was_is_not_forgotten_with_the_person_it_was_about(sqlite_url: str, tmp_path: Path) -> None:
    """An erasure takes rows of the outbox away, and no replay or erasure makes a channel look as if it never worked."""
    with mail_server() as mail, house_on(tmp_path, sqlite_url, mail) as house:
        tell(house, "a@house.test")
        Worker(house, STILL).step(NOW)
        tell(house, "b@house.test", values={"name": "Bo", "email": "bo@example.org", "message": "Hello"})
        with house.database.write() as connection:
            assert len(erase(connection, "ada@example.org", NOW).inquiries) == 1
        html = page(staff(house), "/inbox/deliveries")
        assert status(html)["Mail"][0] == "1"
        assert moments(html) == [NOW.isoformat(timespec="seconds")]
