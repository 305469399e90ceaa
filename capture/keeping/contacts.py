"""An e-mail address -> everything that is held of that person; or nothing, now and in every backup restored later."""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from capture.audit.chain import Entry
from capture.audit.kinds import TERMINAL
from capture.files import sync_folder
from capture.ids import Ids
from capture.inbox.exports import NOWHERE, Outside, plain_asking, plain_inquiry
from capture.keeping.ledger import Erasure, mark, note
from capture.outbox.confirmation import consent_id
from capture.spool import ASIDE, files
from capture.store import audit, consents, erasure, inquiries
from capture.store.consents import Asking
from capture.store.database import Database
from capture.store.moments import to_text
from capture.store.records import Inquiry
from capture.uploads.shelf import FOLDER as UPLOADS
from capture.uploads.shelf import path_of, remove
from obverse.forms.checking import email_key


def exported(
    connection: sa.Connection, folder: Path, email: str, now: datetime, outside: Outside = NOWHERE, key: str = ""
) -> dict[str, Any]:
    """All that is held of a person, as JSON can hold it; every list is empty for a stranger.

    "consents" are those that were to be confirmed by mail, also of somebody who was erased: what is left of them has no
    address, but with the site's `key` the address tells which are its own. A file has its "content" in base64, None
    when it is not there any more.
    """
    found = (inquiries.detail(connection, one) for one in erasure.inquiries_of(connection, email, now))
    known = [_plain(one, outside) for one in found if one]
    asked = [*consents.of_address(connection, email), *_proofs(connection, email, key)]
    spooled = [json.loads(path.read_bytes())["submission"] for path in _spooled(folder, email)]
    for file in _files_in(known, spooled):
        file["content"] = _content(folder, file["id"])
    told = [plain_asking(one, outside) for one in asked]
    return {"email": email, "inquiries": known, "consents": told, "spool": spooled}


def _proofs(connection: sa.Connection, email: str, key: str) -> Iterator[Asking]:
    """What an address was asked before it was erased: the ids of askings are made of it."""
    ids = Ids(key, str)
    for one, received in consents.without_address(connection) if key else ():
        if one.id == consent_id(ids, email, one.form, one.field, received):
            yield one


def erase(
    database: Database, folder: Path, key: str, email: str, now: datetime, *, actor: str = TERMINAL
) -> tuple[int, int]:
    """Erase a person; how many inquiries and how many files of the spool that was.

    The ledger has it first: what is killed midway is finished by doing it again, and by the next restore. The audit log
    has it with the same digest. Raises ValueError without a key, OSError, and what writing to the database raises.
    """
    note(folder, [Erasure(now, mark(key, email))])
    waiting = _spooled(folder, email)
    _remove(folder, waiting)
    with database.write() as connection:
        erased = erasure.erase(connection, email, now)
        counts = {"inquiries": len(erased.inquiries), "files": len(erased.files), "spool": len(waiting)}
        audit.append(connection, key, Entry(now, actor, "contact.erased", "person", mark(key, email), counts))
    remove(folder / UPLOADS, erased.files)
    database.fold()
    return len(erased.inquiries), len(waiting)


def erase_again(database: Database, folder: Path, key: str, ledger: Iterable[Erasure]) -> None:
    """Erase everybody in the ledger from what was restored into a folder. Raises as `erase` does."""
    until = {one.who: one.at for one in sorted(ledger, key=lambda one: one.at)}
    if not until:
        return
    gone: list[str] = []
    with database.write() as connection:
        known = {*erasure.addresses(connection), *(address for path in _files(folder) for address in _addresses(path))}
        for address in sorted(known):
            if at := until.get(mark(key, address)):
                gone += erasure.erase(connection, address, at).files
                _remove(folder, [path for path in _spooled(folder, address) if _received(path) <= to_text(at)])
    remove(folder / UPLOADS, gone)
    database.fold()


def _plain(found: Inquiry, outside: Outside) -> dict[str, Any]:
    return {
        **plain_inquiry(found, outside),
        "networks": [one.network for one in found.submissions],
        "notes": [{"at": to_text(one.at), "text": one.text} for one in found.notes],
        "messages": [
            {"at": to_text(one.at), "to": one.to, "subject": one.subject, "text": one.text} for one in found.messages
        ],
        "told": [{"at": to_text(one.created_at), "channel": one.channel, "kind": one.kind} for one in found.deliveries],
    }


def _files(folder: Path) -> list[Path]:
    """What waits in the spool, and what could not be stored."""
    spool = folder / "spool"
    return [*files(spool), *files(spool / ASIDE)]


def _spooled(folder: Path, email: str) -> list[Path]:
    return [path for path in _files(folder) if email_key(email) in _addresses(path)]


def _addresses(path: Path) -> set[str]:
    """Every answer of a file of the spool that is an address, as it is compared."""
    try:
        return set(erasure.keys(json.loads(path.read_bytes())["submission"]))
    except (OSError, ValueError, KeyError, TypeError):
        return set()


def _received(path: Path) -> str:
    return str(json.loads(path.read_bytes())["submission"]["received_at"])


def _files_in(inquiries: Iterable[dict[str, Any]], spooled: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for one in inquiries:
        for sent in one["submissions"]:
            yield from sent["files"]
    for sent in spooled:
        yield from sent.get("attachments", ())


def _content(folder: Path, id: str) -> str | None:
    try:
        return base64.b64encode(path_of(folder / UPLOADS, id).read_bytes()).decode()
    except (OSError, ValueError):
        return None


def _remove(folder: Path, paths: Iterable[Path]) -> None:
    """Remove files of the spool, and before them what they name: what is killed midway is found again."""
    for path in paths:
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            named = json.loads(path.read_bytes())["submission"].get("attachments", ())
            remove(folder / UPLOADS, (one["id"] for one in named))
        path.unlink(missing_ok=True)
        sync_folder(path.parent)
