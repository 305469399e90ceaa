"""What rows know of the files that came: which there are, of which submission, how much of a form's room they take."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from capture.model import Attachment
from capture.store.tables import attachments, submissions
from capture.store.texts import is_id

# Ids that are asked for at once.
_AT_ONCE = 500


def attachment(connection: sa.Connection, id: str) -> Attachment | None:
    """The file of that id, None when no row names it."""
    if not is_id(id):
        return None
    found = connection.execute(sa.select(attachments).where(attachments.c.id == id)).one_or_none()
    return _read(found) if found else None


def attachments_of(connection: sa.Connection, ids: Sequence[str]) -> dict[str, tuple[Attachment, ...]]:
    """The files of these submissions, in the order they were sent; submissions without any are not in it."""
    chosen = sa.select(attachments).where(attachments.c.submission.in_(ids))
    found: dict[str, tuple[Attachment, ...]] = {}
    for row in connection.execute(chosen.order_by(attachments.c.submission, attachments.c.place)):
        found[row.submission] = (*found.get(row.submission, ()), _read(row))
    return found


def known(connection: sa.Connection, ids: Iterable[str]) -> set[str]:
    """Those of the ids that a row names."""
    asked = list(ids)
    found: set[str] = set()
    for start in range(0, len(asked), _AT_ONCE):
        chosen = sa.select(attachments.c.id).where(attachments.c.id.in_(asked[start : start + _AT_ONCE]))
        found.update(connection.execute(chosen).scalars())
    return found


def is_stored(connection: sa.Connection, submission: str) -> bool:
    """Whether there is a submission of that id."""
    return connection.execute(sa.select(submissions.c.id).where(submissions.c.id == submission)).first() is not None


def used(connection: sa.Connection, form: str) -> int:
    """The bytes of all files that came with a form."""
    total = sa.select(sa.func.coalesce(sa.func.sum(attachments.c.size), 0)).join(submissions)
    return int(connection.execute(total.where(submissions.c.form == form)).scalar_one())


def _read(row: sa.Row[tuple[object, ...]]) -> Attachment:
    return Attachment(**{name: row._mapping[name] for name in Attachment.__dataclass_fields__})  # noqa: SLF001 -- the public name of it
