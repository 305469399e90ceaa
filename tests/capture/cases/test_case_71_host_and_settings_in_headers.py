"""Case 71: a poisoned Host is in no link that we write, and what settings put into headers cannot add to them.

On the pages themselves: `test_headers_change_no_address_and_are_nowhere_shown`.
"""

from dataclasses import replace
from pathlib import Path

import pytest

from capture.answers import origin_of
from capture.app import create_app
from capture.outbox.worker import Worker
from obverse.config import load
from tests.capture.cases.visits import ANSWERS, FORM
from tests.capture.house import NOW, SETTINGS, a_house, no_sync
from tests.capture.receivers import mail_server
from tests.capture.test_outbox_worker import STILL, house_on

__all__ = ["no_sync"]

POISON = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"}
SPLITTING = (
    "https://x.test; script-src *",
    "https://x.test;script-src",
    "https://x.test,evil.test",
    "https://x.test\r\nSet-Cookie: a=b",
    "https://x.test 'unsafe-inline'",
    "https://*",
    "https://x'test",
)


def test_links_in_mails_are_at_the_address_that_is_set(tmp_path: Path, database_url: str, no_sync: None) -> None:
    with mail_server() as mail, house_on(tmp_path, database_url, mail) as house:
        sent = create_app(house).test_client().post(FORM, data=ANSWERS, headers=POISON)
        assert sent.location.startswith("/_ob/t/")
        Worker(house, STILL).step(NOW)
    [told] = mail.messages
    assert "https://site.test/inbox/i/" in told.get_content()
    assert "evil" not in told.as_string()


@pytest.mark.parametrize("text", SPLITTING)
def test_settings_add_nothing_to_a_policy(text: str, tmp_path: Path, sqlite_url: str, no_sync: None) -> None:
    """They are refused where they are read; and a release that has them all the same changes no header."""
    written = text.replace("\r", "\\r").replace("\n", "\\n")
    for table, key in (("site", "url"), ("capture", "origin")):
        config, _ = load(f'[{table}]\n{key} = "{written}"\n')
        assert getattr(getattr(config, table), key) == ""
    assert origin_of(text) == ""
    settings = replace(SETTINGS, url=text, origin="https://ask.test")
    with a_house(tmp_path, sqlite_url, settings=settings, address="https://ask.test") as house:
        answer = create_app(house).test_client().post(FORM, data=ANSWERS)
    policy = answer.headers["Content-Security-Policy"]
    assert "script-src 'self';" in policy
    assert policy.count("script-src") == 1
    assert "unsafe" not in policy
    assert "Set-Cookie" not in answer.headers
