"""Case 47: `<!channel>`, links, Markdown and replacement patterns in an answer are literal in mail and in the chat."""

import json
from pathlib import Path

import pytest

from capture.house import House
from capture.outbox.worker import Worker
from capture.store import inquiries
from capture.store.inquiries import Query
from tests.capture.cases.visits import post, visitor
from tests.capture.house import NOW
from tests.capture.outbox_room import STILL, house_with_all, staff, submit

# What is typed, and how it stands in the text that a chat is sent; ~ for the space without width that breaks it up.
TYPED = {
    "<!channel> look": "&lt;~!channel&gt; look",
    "<!subteam^S1> <#C1|room>": "&lt;~!subteam^S1&gt; &lt;~#C1|room&gt;",
    "<@U012AB3CD> @here @channel": "&lt;~@~U012AB3CD&gt; @~here @~channel",
    "x@everyone ann@example.net": "x@~everyone ann@example.net",
    "<https://evil.example|our bank>": "&lt;https:~//evil.example|our bank&gt;",
    "[our bank](https://evil.example)": "[our bank]~(https:~//evil.example)",
    "![](https://evil.example/seen.png)": "![]~(https:~//evil.example/seen.png)",
    "www.evil.example": "www~.evil.example",
    "*bold* _it_ `code` &amp; &lt;": "*bold* _it_ `code` &amp;amp; &amp;lt;",
    "<b>bold</b><img src=x>": "&lt;b&gt;bold&lt;/b&gt;&lt;img src=x&gt;",
    r"$& $1 $` \1 \g<0> \n \\": r"$&amp; $1 $` \1 \g&lt;0&gt; \n \\",
}


def release_all(house: House) -> None:
    """Judgement holds some of these, which tells nobody; a person lets them in, which tells everybody."""
    desk = staff(house)
    with house.database.read() as connection:
        held = inquiries.listing(connection, Query(view="held")).rows
    for one in held:
        assert "done=release" in submit(desk, f"/inbox/i/{one.id}/release")


@pytest.mark.parametrize("typed", TYPED)
def test_an_answer_is_text_and_nothing_else(sqlite_url: str, tmp_path: Path, typed: str) -> None:
    with house_with_all(tmp_path, sqlite_url) as (house, mail, hook, room):
        browser = visitor(house)
        assert post(browser, message=typed, budget="small").status_code == 303
        release_all(house)
        assert Worker(house, STILL).step(NOW) == 3
    [message] = mail.messages
    assert message.get_content_type() == "text/plain"  # in which nothing is markup
    assert f"How can we help?: {typed}\n" in message.get_content().replace("\r\n", "\n")
    answers = {one["name"]: one["value"] for one in json.loads(hook.taken[0].body)["data"]["answers"]}
    assert answers["message"] == typed
    body = json.loads(room.taken[0].body)
    assert f"How can we help?: {TYPED[typed].replace('~', chr(0x200B))}\n" in body["text"]
    assert body["mrkdwn"] is False
    assert (body["unfurl_links"], body["unfurl_media"]) == (False, False)
