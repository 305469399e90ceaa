"""`obverse audit`: the rows as a table or JSON, and whether the chain holds. Each prints, and gives an exit code.

Looking makes nothing: where there is no database yet, none comes to be.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from capture import terminal
from capture.audit.chain import Row, Verdict, verified
from capture.audit.kinds import HOUSE, KINDS, TERMINAL
from capture.audit.texts import facts_text, json_lines
from capture.columns import aligned, harmless
from capture.store import audit, people
from capture.store.audit import Query
from capture.store.database import Database
from capture.store.people import Person
from obverse.problems import nearest, problem

_NOTHING = "No audit log yet: nothing has been done here."
_MOST = 200  # rows of a table; --json has all


def listed(root: Path, since: str, kind: str, actor: str, as_json: bool, preview: bool) -> int:
    """Print the rows from a day or time on, of a kind, by an actor (an e-mail address, or the beginning of an id)."""

    def work() -> int:
        with terminal.looking(root, preview) as database:
            if database is None:
                return terminal.said("[]" if as_json else _NOTHING)
            query, names = _query(root, database, since, kind, actor, preview)
            if as_json:
                return _export(root, database, query, preview)
            with database.read() as connection:
                rows = audit.listed(connection, query)
                total, head = audit.count(connection, query), audit.head(connection)
        more = f"\n… and {total - len(rows)} older: --json has all, --since, --kind and --actor fewer"
        return terminal.said(_table(rows, names) + (more if total > len(rows) else "") + f"\nhead {head}")

    return terminal.done(work)


def _export(root: Path, database: Database, query: Query, preview: bool) -> int:
    with database.write() as connection:
        rows = audit.count(connection, query)
        terminal.teller(root, preview)(connection, "audit.exported", format="json", rows=rows)
    with database.read() as connection:
        for text in json_lines(audit.walked(connection, query)):
            print(text, end="")
    return 0


def _query(
    root: Path, database: Database, since: str, kind: str, actor: str, preview: bool
) -> tuple[Query, dict[str, str]]:
    """What is asked for, and who is called what. Raises terminal.Told."""
    if kind and kind not in KINDS:
        hint = nearest(kind, KINDS) or f"the kinds are {', '.join(KINDS)}"
        raise terminal.Told(problem("bad-value", "", f"the audit log has no kind '{kind}'", hint=hint))
    with database.read() as connection:
        known = people.people(connection, removed=True)
    start = terminal.moment(root, since, preview) if since else None
    names = {one.id: one.email for one in known}
    return Query(kind, _actor(actor, known) if actor else "", start, limit=_MOST), names


def _actor(given: str, known: Sequence[Person]) -> str:
    ids = [one.id for one in known if one.email == people.login_name(given) or one.id.startswith(given)]
    if given in (TERMINAL, HOUSE):
        return given
    if len(ids) != 1:
        hint = f"an e-mail address, the id of a person, {TERMINAL} or {HOUSE}"
        raise terminal.Told(problem("unknown-user", "", f"nobody acts as '{given}'", hint=hint))
    return ids[0]


def _table(rows: Sequence[Row], names: dict[str, str]) -> str:
    lines = [("number", "time (UTC)", "who", "what", "of", "facts")]
    lines += [
        (
            str(row.number),
            row.at[:19].replace("T", " "),
            harmless(names.get(row.actor, row.actor)) or "-",
            harmless(row.kind),
            harmless(f"{row.about} {names.get(row.subject, row.subject[:12])}".strip()) or "-",
            harmless(facts_text(row.facts)),
        )
        for row in rows
    ]
    return aligned(lines, right=(0,)) if rows else "No row is like that."


def verify(root: Path, head: str, preview: bool) -> int:
    """Walk the chain, and hold it against a head that was noted elsewhere ("" for none). 1 when it is broken."""

    def work() -> int:
        with terminal.looking(root, preview) as database:
            if database is None:
                return terminal.said(_NOTHING)
            try:
                with database.read() as connection:
                    found = verified(audit.walked(connection), terminal.known_key(root, preview), head)
            except ValueError as error:
                raise terminal.Told(problem("bad-value", "", str(error))) from None
        if found.broken:
            hint = "who may write to the database, and when did it last hold? obverse audit, and your backups, say so"
            raise terminal.Told(problem("audit-broken", "", found.broken, hint=hint))
        return terminal.said(spoken(found, known=head))

    return terminal.done(work)


def spoken(found: Verdict, known: str = "") -> str:
    """A chain that holds, in a sentence, and its head."""
    pruned = f" from {found.first} on" if found.first > 1 else ""
    foreign = f", {found.foreign} of them with an earlier key" if found.foreign else ""
    against = f", {known.partition(':')[0]} among them as it was noted" if known else ""
    return f"the audit log is whole: {found.rows} rows{pruned}{foreign}{against}; head {found.head}"
