"""Case 39: a website like `http://x' onmouseover=alert(1)` is inert in list, inquiry, mail, export and reply."""

from pathlib import Path

from capture.outbox.letters import letter
from capture.outbox.worker import letterhead
from capture.store import outbox
from capture.store.outbox import STATES
from tests.capture.hostile import Siege, faults, siege

TEXT = "http://x' onmouseover=owned(1) "


def key_of(house: Siege) -> str:
    with house.house.database.read() as connection:
        return str(connection.exec_driver_sql("SELECT id FROM inquiries").scalar_one())


def test_a_website_that_breaks_out_of_its_quotes_runs_nowhere(tmp_path: Path) -> None:
    with siege(tmp_path, (TEXT,)) as house:
        key, client = key_of(house), house.client()
        refused = house.app.test_client().post("/_ob/f/contact", data={**house.sent[0].values, "website": TEXT})
        assert (refused.status_code, faults(refused.text)) == (422, [])
        # Its link is a reason to hold it; whoever is let in tells every channel.
        assert client.post(f"/inbox/i/{key}/release", data={"_csrf": house.csrf}).status_code == 303
        reply = {"_csrf": house.csrf, "subject": TEXT, "text": TEXT}
        assert client.post(f"/inbox/i/{key}/reply", data=reply).status_code == 303
        for path in ("/inbox/?view=all", f"/inbox/i/{key}", f"/inbox/i/{key}?pane=1", "/inbox/export?view=all"):
            page = client.get(path)
            assert (path, page.status_code, faults(page.text)) == (path, 200, [])
        with house.house.database.read() as connection:
            mails = [one for one in outbox.deliveries(connection, STATES) if one.channel == "mail"]
        assert {one.kind for one in mails} == {"notify", "reply"}
        for one in mails:
            assert letter(one, letterhead(house.house)).get_content_type() == "text/plain"
