"""Case 46: what looks like a template, `{{7*7}}` or `{% import os %}`, is data in mail, chat, webhook and pages."""

import html
import json
from pathlib import Path

import pytest

from capture.outbox.worker import Worker
from tests.capture.cases.visits import post, visitor
from tests.capture.house import NOW
from tests.capture.outbox_room import STILL, house_with_all, page, staff, submit, table

TEXTS = (
    "{{7*7}}",
    "{% import os %}{{os.name}}",
    "${7*7} #{7*7}",
    "{form} {who} {page} {link} {site}",
    "{name} {0} {0.__class__} {who.__class__}",
    "%(form)s %s $form ${form}",
)


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_comes_out_as_it_went_in(sqlite_url: str, tmp_path: Path, text: str) -> None:
    with house_with_all(tmp_path, sqlite_url) as (house, mail, hook, room):
        browser = visitor(house)
        thanks = browser.get(
            post(
                browser,
                name=text,
                message=f"{text}\nand I would like to know when you could come to measure our windows",
            ).headers["Location"]
        )
        worker, desk = Worker(house, STILL), staff(house)
        assert worker.step(NOW) == 3
        inquiry = table(house)["sales"].inquiry
        reply = {"subject": f"Re: {text}", "text": f"You wrote {text}"}
        assert "done=reply" in submit(desk, f"/inbox/i/{inquiry}/reply", **reply)
        assert worker.step(NOW) == 1
        shown = page(desk, f"/inbox/i/{inquiry}")
    notification, answer = mail.messages
    data = json.loads(hook.taken[0].body)["data"]
    assert html.escape(text) in thanks.text
    assert html.unescape(shown).count(text) >= 3
    assert text in notification["Subject"]
    assert text in notification.get_content()
    assert (answer["Subject"], text in answer.get_content()) == (f"Re: {text}", True)
    assert (data["name"], data["answers"][0]["value"]) == (text, text)
    assert json.loads(room.taken[0].body)["text"].count(text) == 3  # in the first line, as the name, in the message
