"""Case 43: the pages that show a mail or a post as it was sent escape it, and their policy alone would stop it.

That the policy alone does is seen in a browser: `tests/browser/test_hostile.py`, `test_the_policy_alone_would_stop_it`.
"""

from pathlib import Path

from capture.access import guard
from capture.store import outbox
from capture.store.outbox import STATES
from tests.capture.hostile import MARKUP, faults, siege


def test_a_mail_and_a_post_are_shown_escaped_and_under_the_policy(tmp_path: Path) -> None:
    with siege(tmp_path, MARKUP[:3]) as house:
        with house.house.database.read() as connection:
            sent = outbox.deliveries(connection, STATES, limit=100)
        assert {one.channel for one in sent} == {"mail", "webhook"}
        for one in sent:
            page = house.client().get(f"/_ob/mail/{one.id}")
            assert (page.status_code, faults(page.text)) == (200, [])
            assert "owned(" in page.text
            assert page.headers["Content-Security-Policy"] == guard.CSP
        assert "unsafe" not in guard.CSP
