"""What the audit log tells of: a closed set, each kind with what its row says.

What sales does to one inquiry (stage, owner, note, reply) is an event already and not told twice. Neither is looking:
who was signed in when is told, and whatever leaves the house as a file.
"""

from __future__ import annotations

from collections.abc import Mapping

# Who acts where no person of the inbox does: somebody at the server's terminal, or the program by itself.
TERMINAL, HOUSE = "terminal", "house"

# Set by `obverse run` for what it begins at night.
BY = "OBVERSE_BY"


def actor(environ: Mapping[str, str]) -> str:
    """Who acts in a process without an inbox."""
    return HOUSE if environ.get(BY) == HOUSE else TERMINAL


KINDS: Mapping[str, str] = {
    "signin": "somebody signed in: `by` password, link or new password; `failed` tries went before it",
    "signin.failed": "tries with a wrong password, one row for a quarter of an hour; of unknown addresses as nobody's",
    "signout": "somebody signed out",
    "sessions.ended": "somebody ended `count` of their own sessions",
    "password.set": "a person has another password; `sessions` ended by it",
    "user.added": "a person may sign in; `again` when they could before",
    "user.removed": "a person may sign in no longer",
    "inquiries.exported": "`rows` inquiries were handed out, as `format`; `filters` names what narrowed the list",
    "audit.exported": "`rows` of this log were handed out, as `format`",
    "contact.exported": "all that is held of a person was handed out",
    "contact.erased": "all that was held of a person was erased",
    "file.downloaded": "a file that a visitor sent was handed out",
    "inquiry.released": "an inquiry that was held was let in",
    "outbox.replayed": "`rows` deliveries are sent again",
    "outbox.resumed": "the outbox sends again; `rows` that had been stopped go on",
    "retention.run": "what was kept for long enough was emptied: counts by what it was",
    "audit.pruned": "rows of this log up to `through` were let go of; `hash` is that of the last of them",
    "backup.made": "a backup was made of `inquiries` and `files`; `head` is the head of this log in it",
    "backup.drilled": "a backup, made at `made`, was restored beside the house to see that it can be",
    "backup.restored": "a backup, made at `made`, took the place of the data; `left` is the head of this log before",
    "database.upgraded": "the tables went on to the revision `to`; in a new database, the first row",
    "settings.changed": "a process found `names` set otherwise than the last one there; `marks` stand for the values",
    "key.changed": "from here on another key of the site seals: an earlier one is not known any more",
}
