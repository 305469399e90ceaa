"""The spool: submissions as files while the database is away -> rows, in order, as soon as it is back.

A file is named by when it was received, its id and its receipt; it is whole and on the disk before its sender is
thanked, and is removed only after the commit. Files that came with it lie in the folder of uploads; it has their names.
What cannot be read is moved aside to `bad/` and told, never removed.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from capture.files import make_folder, put, sync_folder
from capture.house import House
from capture.keeping.orphans import drop_copies
from capture.model import Attachment, Consent, Outgoing, Submission, Verdict
from capture.outbox.audience import audience
from capture.store.database import Refused, Unavailable
from capture.store.moments import from_text, to_text
from capture.store.saving import save
from capture.uploads.shelf import let_go

_log = logging.getLogger("obverse.capture")

ASIDE = "bad"  # the folder within the spool of what cannot be stored


@dataclass(frozen=True, slots=True)
class Waiting:
    """A submission in the spool, and who was to be told of it when it came."""

    submission: Submission
    outgoing: tuple[Outgoing, ...]


def keep(folder: Path, submission: Submission, outgoing: Sequence[Outgoing]) -> None:
    """Write a submission to the spool, so that it survives a power cut. Raises OSError."""
    stamp = to_text(submission.received_at).replace(":", "")
    name = f"{stamp}-{submission.id}-{submission.receipt}.json"
    plain = {"submission": _plain(submission), "outgoing": [asdict(one) for one in outgoing]}
    put(folder / name, json.dumps(plain).encode())


def find(folder: Path, receipt: str) -> Submission | None:
    """The submission in the spool that a receipt was given for."""
    path = next((one for one in files(folder) if one.stem.endswith(f"-{receipt}")), None)
    if path is not None:
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
            return _read(path).submission
    return None


def ingest(house: House) -> int:
    """Store all that waits in the spool, the oldest first; how many are stored or were already.

    While the database is away they go on waiting, and the answer is what was done so far.
    """
    done = 0
    for path in files(house.spool):
        try:
            done += _take(house, path)
        except Unavailable:
            break
    if done:
        _log.info("%d submissions of the spool are stored", done)
        house.wake()
    return done


def _take(house: House, path: Path) -> bool:
    """Store one file. Raises Unavailable."""
    try:
        waiting = _read(path)
    except FileNotFoundError:  # another process was here
        return False
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        _set_aside(path)
        return False
    try:
        with house.ready().write() as connection:
            saved = save(connection, waiting.submission, _told(house, waiting), house.token, now=house.now())
    except Refused:
        _set_aside(path)
        return False
    ids = [one.id for one in waiting.submission.attachments]
    let_go(house.uploads, ids)
    if saved.outcome == "replayed":
        drop_copies(house.database, house.setup.folder, ids)
    path.unlink(missing_ok=True)
    sync_folder(path.parent)
    return True


def _told(house: House, waiting: Waiting) -> Sequence[Outgoing]:
    """Who is told: those of the site as it is now; where its form is not known here, those of when it came."""
    submission = waiting.submission
    release = house.releases.current(submission.form, submission.rules)
    if release.told(submission) is None:
        return waiting.outgoing
    return audience(release, submission, house.ids)


def files(folder: Path) -> list[Path]:
    """The submissions in a folder, the oldest first."""
    try:
        return sorted(folder / name for name in os.listdir(folder) if name.endswith(".json") and name[0] != ".")
    except OSError:
        return []


def _set_aside(path: Path) -> None:
    aside = path.parent / ASIDE
    _log.error("a submission in the spool cannot be stored; its file is kept in spool/%s/", ASIDE)
    with contextlib.suppress(OSError):
        make_folder(aside)
        os.replace(path, aside / path.name)


def _plain(submission: Submission) -> dict[str, Any]:
    return {**asdict(submission), "received_at": to_text(submission.received_at)}


def _read(path: Path) -> Waiting:
    plain = json.loads(path.read_bytes())
    return Waiting(_submission(plain["submission"]), tuple(Outgoing(**one) for one in plain["outgoing"]))


def _submission(plain: Mapping[str, Any]) -> Submission:
    return Submission(
        **{
            **plain,
            "received_at": from_text(plain["received_at"]),
            "values": {name: _tuple(value) for name, value in plain["values"].items()},
            "extra": {name: tuple(sent) for name, sent in plain["extra"].items()},
            "labels": _pairs(plain["labels"]),
            "consents": tuple(Consent(**one) for one in plain["consents"]),
            "verdict": Verdict(tuple(plain["verdict"]["reasons"])),
            "attachments": tuple(Attachment(**one) for one in plain.get("attachments", ())),
        }
    )


def _pairs(plain: Iterable[Sequence[str]]) -> tuple[tuple[str, str], ...]:
    return tuple((name, label) for name, label in plain)


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
