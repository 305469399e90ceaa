"""A row of the outbox -> a message for a chat: the `{"text": …}` that Slack, Mattermost, Rocket.Chat and Discord take.

What visitors typed is text there and nothing else: no mention rings anybody, and no link hides where it goes. Slack's
rules are https://docs.slack.dev/messaging/formatting-message-text ("Escaping text"); the others follow them, but read
Markdown and mentions in plain text too, so those are broken up by a space without width.
"""

from __future__ import annotations

import json
import re
from datetime import datetime

from capture.outbox.backoff import Outcome, later
from capture.outbox.letters import Letterhead, answered, headline, outage
from capture.outbox.webhook import WHOLE, post_json
from capture.store.outbox import Delivery

# Characters of the whole message: Discord takes 2,000, the others many more. The inbox has all of it.
LARGEST = 1_900

# What each character is in the text of a message.
_ESCAPED = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}

# A mention at the beginning of a word, one of everybody anywhere, Slack's own kinds, a masked link, an address.
_ACTIVE = re.compile(
    r"(?<![\w.])@(?=\w)|@(?=(?:everyone|here|channel|all)\b)|<(?=[!@#])|\](?=[\[(:])|:(?=//)|\bwww(?=\.)", re.IGNORECASE
)

# Nothing in the text is read as more than text, and no page that somebody names is fetched for a picture of it.
_PLAIN = {"mrkdwn": False, "parse": "none", "link_names": False, "unfurl_links": False, "unfurl_media": False}


def body(delivery: Delivery, head: Letterhead) -> bytes:
    """The post's JSON."""
    return json.dumps({"text": message(delivery, head), **_PLAIN}, ensure_ascii=False).encode("utf-8", "replace")


def message(delivery: Delivery, head: Letterhead) -> str:
    """What the chat is told, in at most `LARGEST` characters: literal, but for the link of our own at its end."""
    told, say = delivery.payload, head.say
    if delivery.kind == "outage":
        first, more, closing = outage(delivery, head)
    else:
        first, more = headline(told, say), answered(told, say)
        closing = say("mail.link", link=head.link(delivery.inquiry))
    return literal(f"{first}\n\n{more}".strip(), LARGEST - len(closing) - 2) + f"\n\n{closing}"


def literal(text: str, limit: int) -> str:
    """The text as every chat shows it and acts on none of it, at most `limit` characters long when it is escaped."""
    pieces: list[str] = []
    left = limit - 1
    for one in _ACTIVE.sub("\\g<0>\u200b", text):
        piece = _ESCAPED.get(one, one)
        left -= len(piece)
        if left < 0:
            return "".join(pieces) + "…"
        pieces.append(piece)
    return "".join(pieces)


def post(delivery: Delivery, url: str, head: Letterhead, now: datetime, *, whole: float = WHOLE) -> Outcome:
    """Tell the chat whose incoming webhook `url` is, once, within `whole` seconds."""
    if not url:
        return later("no address of the chat is set: give OBVERSE_CHAT, or chat in secrets.toml", "NoSecret")
    return post_json(url, body(delivery, head), {}, now, whole=whole, inside=head.settings.inside)
