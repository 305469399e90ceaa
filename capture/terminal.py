"""Inquiries, people and the report at the command line: each function prints, and gives back an exit code.

Looking makes nothing: where nobody has written yet, no database comes to be. Mistakes are told as Problems.
"""

from __future__ import annotations

import getpass
import json
import os
import secrets
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from capture import telling
from capture.access import passwords
from capture.audit.chain import Entry
from capture.audit.kinds import actor
from capture.backup import pause
from capture.columns import aligned, harmless, harmless_lines
from capture.inbox import display, exports
from capture.inbox.words import t
from capture.keeping import contacts
from capture.keeping.ledger import mark
from capture.keeping.orphans import orphans, sweep
from capture.model import LOST_REASONS
from capture.release import Release, Releases
from capture.reporting.rows import as_csv, as_json, as_table, rows
from capture.secrets import key_of, load_secrets
from capture.setup import VAR, configuration
from capture.store import audit, changes, inquiries, outbox, people
from capture.store import retention as keeping
from capture.store.database import FILE, BadUrl, Database, Unavailable
from capture.store.inquiries import Query
from capture.store.migrations import TooNew, upgrade
from capture.store.records import Row
from capture.store.tables import inquiries as table
from capture.uploads.shelf import FOLDER as UPLOADS
from capture.uploads.shelf import remove
from obverse.config import PATH
from obverse.problems import Level, Problem, as_text, problem
from obverse.schema import Document, Field, Node, read_value

Tell = Callable[..., None]  # as `teller` makes it

_NOTHING = "No inquiry yet: nobody has sent a form."
_NOBODY = "Nobody may log in yet: obverse users add E-MAIL lets somebody in."
_MOST = 200  # rows of a table; whoever wants more wants an export
_SHORTEST_ID = 4


class Told(Exception):  # noqa: N818  # it carries what is to be told
    """What stops a command, as a Problem."""

    def __init__(self, one: Problem) -> None:
        super().__init__(one.message)
        self.problem = one


def inquiries_list(root: Path, view: str, text: str, as_json: bool, preview: bool) -> int:
    """Print the inquiries of a view ("open", "held", "won", "lost", "all") that hold these words."""

    def work() -> int:
        with looking(root, preview) as database:
            if database is None:
                return said("[]" if as_json else _NOTHING)
            with database.read() as connection:
                found, total = _listing(connection, Query(view=view, text=text), None if as_json else _MOST)
            if as_json:
                filters = ["text"] if text else []
                tell = teller(root, preview)
                with database.write() as connection:
                    tell(connection, "inquiries.exported", format="list", rows=total, view=view, filters=filters)
        if as_json:
            return said(json.dumps([exports.plain_row(row) for row in found], ensure_ascii=False, indent=2))
        if not found:
            return said(f"No inquiry is {view}." if view != "all" and not text else "No inquiry is like that.")
        more = f"\n… and {total - len(found)} more: narrow it with --search" if total > len(found) else ""
        return said(telling.listed(found, _now()) + more)

    return done(work)


def inquiries_show(root: Path, id_prefix: str, preview: bool) -> int:
    """Print one inquiry whole."""

    def work() -> int:
        with looking(root, preview) as database:
            if database is None:
                raise Told(_no_inquiry(id_prefix))
            with database.read() as connection:
                found = inquiries.detail(connection, _id_of(connection, id_prefix))
        if found is None:
            raise Told(_no_inquiry(id_prefix))
        return said(telling.whole(found, _release(root, preview), _now()).rstrip())

    return done(work)


def inquiries_stage(root: Path, id_prefix: str, stage: str, value: str, reason: str, preview: bool) -> int:
    """Move an inquiry to a stage: won with a value ("8,000"), lost with a reason."""

    def change(connection: sa.Connection, id: str) -> str:
        currency = _release(root, preview).settings.currency
        amount = display.amount(value)
        named = {"value": amount, "currency": currency if amount is not None else "", "reason": reason}
        changes.set_stage(connection, id, stage, actor="", now=_now(), **named)  # type: ignore[arg-type]
        worth = f", {display.money(amount, currency)}" if amount is not None else ""
        return f"{id[: telling.SHORT]} is {stage} now{worth}"

    hint = f"the reasons are {', '.join(LOST_REASONS)}" if stage == "lost" else ""
    return _changed(root, id_prefix, preview, change, hint)


def inquiries_note(root: Path, id_prefix: str, text: str, preview: bool) -> int:
    """Add a note to an inquiry."""

    def change(connection: sa.Connection, id: str) -> str:
        changes.add_note(connection, id, text, actor="", now=_now(), token=_token)
        return f"noted with {id[: telling.SHORT]}"

    return _changed(root, id_prefix, preview, change)


def inquiries_export(root: Path, format: str, preview: bool) -> int:
    """Print all inquiries as "csv" or "json", as the inbox hands them out."""

    def work() -> int:
        lines = exports.csv_lines if format == "csv" else exports.json_lines
        with looking(root, preview) as database:
            if database is None:
                print(_NOTHING, file=sys.stderr)
                return said("[]") if format == "json" else 0
            query, tell = Query(view="all", sort="newest"), teller(root, preview)
            with database.write() as connection:
                rows = inquiries.count(connection, query)
                tell(connection, "inquiries.exported", format=format, rows=rows, view="all", filters=[])
            with database.read() as connection:
                _put(lines(connection, query, _outside(root, preview)))
        return 0

    return done(work)


def contacts_export(root: Path, email: str, preview: bool) -> int:
    """Print all that is held of whoever writes from that address, as JSON."""

    def work() -> int:
        address = _address(email)
        with looking(root, preview) as database:
            if database is None:
                return said(_NOTHING)
            with database.read() as connection:
                folder, outside, key = data_folder(root, preview), _outside(root, preview), _key(root, preview)
                found = contacts.exported(connection, folder, address, _now(), outside, key)
            tell, counts = teller(root, preview), {name: len(found[name]) for name in ("inquiries", "spool")}
            with database.write() as connection:
                tell(connection, "contact.exported", "person", mark(key, address), **counts)
        return said(json.dumps(found, ensure_ascii=False, indent=2))

    return done(work)


def contacts_erase(root: Path, email: str, preview: bool) -> int:
    """Erase all that is held of whoever writes from that address, now and in every backup that is restored later."""

    def work() -> int:
        address, folder = _address(email), data_folder(root, preview)
        with looking(root, preview) as database:
            if database is None:
                return said(_NOTHING)
            key = known_key(root, preview)
            if not key:
                hint = "the first start of obverse run makes it"
                raise Told(problem("bad-value", "", "the site has no key to remember the erasure by", hint=hint))
            rows, files = contacts.erase(database, folder, key, address, _now())
        return said(f"erased: {rows} inquiries, {files} files of the spool; reports stay as they are")

    return done(work)


def retention(root: Path, dry: bool, sure: bool, preview: bool) -> int:
    """Empty what has been kept for as long as `[capture]` says, or say what that is.

    Networks always go, and so do addresses that confirmed nothing. When inquiries are more than a quarter of all, they
    go only if somebody is `sure`: a clock that is years ahead takes nothing.
    """

    def work() -> int:
        keep, now = _keep(root), _now()
        with looking(root, preview) as database:
            if database is None:
                return said(_NOTHING)
            with database.read() as connection:
                due = keeping.due(connection, keep, now)
            folder = data_folder(root, preview)
            if dry:
                left = len(orphans(database, folder, now))
                return said(telling.due(due, keep, "would go") + telling.orphans(left, "would go"))
            tell = teller(root, preview)
            counted = _counted(tell)
            keeping.forget_networks(database, keep, now, counted)
            keeping.forget_askings(database, now, counted)
            left = sweep(database, folder, now)
            if left:
                with database.write() as connection:
                    tell(connection, "retention.run", orphans=left)
            if due.is_much and not sure:
                message = f"{len(due.ids)} of {due.total} inquiries would go at once, and none went"
                hint = "look at the clock and at [capture] keep_…, then: obverse retention --yes"
                raise Told(problem("bad-value", "", message, hint=hint))
            gone = keeping.forget(database, keep, due, now, counted)
            remove(folder / UPLOADS, gone.files)
            rows = _pruned(database, keep.audit, tell, sure=sure)
        return said(telling.due(gone, keep, "went") + telling.orphans(left, "went") + telling.pruned(rows))

    return done(work)


def _pruned(database: Database, days: int, tell: Tell, *, sure: bool) -> int:
    """Let go of old rows of the audit log; how many went. More than a quarter at once needs somebody who is sure."""
    try:
        with database.write() as connection:
            return audit.prune(connection, days, tell, _now(), sure=sure)
    except ValueError as error:
        hint = "look at the clock and at [capture] keep_audit, then: obverse retention --yes"
        raise Told(problem("bad-value", "", str(error), hint=hint)) from None


def _keep(root: Path) -> keeping.Keep:
    """For how long what is kept. Settings that are wrong stop everything: a default may be shorter than was meant."""
    config, wrong = configuration(root)
    if config is None:
        raise Told(problem("bad-value", PATH, "the settings cannot be read"))
    if wrong:
        raise Told(wrong[0])
    given = config.capture
    return keeping.Keep(given.keep_held, given.keep_won, given.keep_lost, given.keep_networks, given.keep_audit)


def outbox_resume(root: Path) -> int:
    """Let the outbox send again after a restore, and to receivers that wanted no more."""

    def work() -> int:
        was = pause.resume(root / VAR)
        with looking(root, preview=False) as database:
            rows = 0
            if database is not None:
                with database.write() as connection:
                    rows = outbox.resume(connection, _now())
                    teller(root, preview=False)(connection, "outbox.resumed", rows=rows)
        told = f"{rows} that their receiver had stopped go on" if rows else "nothing had been stopped by its receiver"
        return said(f"{'the outbox sends again' if was else 'the outbox was not paused'}; {told}")

    return done(work)


def outbox_replay(root: Path, id: str, since: str, until: str, channel: str, *, sent_too: bool) -> int:
    """Send one row of the outbox again, or those made from `since` to `until`: days or times in the site's zone.

    A day at the end is meant whole. What was sent goes again only when it is named by its id or with `sent_too`.
    """

    def work() -> int:
        if bool(id) == bool(since or until):
            raise Told(problem("bad-value", "", "give the id of one, or a time with --from and --to"))
        with looking(root, preview=False) as database:
            if database is None:
                return said(_NOTHING)
            if id:
                _replay_one(database, id, teller(root, preview=False))
                return said(f"{id} is sent again")
            start, end = _range(since, until, _release(root, preview=False))
            with database.write() as connection:
                rows = outbox.replay_range(connection, start, end, _now(), channel=channel, sent_too=sent_too)
                tell = teller(root, preview=False)
                tell(connection, "outbox.replayed", channel=channel, rows=rows, sent_too=sent_too)
        return said(f"{rows} are sent again")

    return done(work)


def _replay_one(database: Database, id: str, tell: Tell) -> None:
    try:
        with database.write() as connection:
            outbox.replay(connection, id, _now(), sent_too=True)
            tell(connection, "outbox.replayed", "delivery", id, rows=1)
    except KeyError:
        hint = "it is the webhook-id of a post, and `outbox` in the log"
        raise Told(problem("bad-value", "", f"nothing in the outbox has the id '{id}'", hint=hint)) from None
    except ValueError as error:
        raise Told(problem("bad-value", "", str(error).rstrip("."))) from None


def _range(since: str, until: str, release: Release) -> tuple[datetime, datetime]:
    """From the first of two days or times to the second: without the first from ever, without the second to now."""
    start = _moment(since, release) if since else datetime(1970, 1, 1, tzinfo=UTC)
    end = _moment(until, release, whole_day=True) if until else _now()
    return start, end


def _moment(text: str, release: Release, *, whole_day: bool = False) -> datetime:
    """A time in the site's zone unless it names its own; of a day its beginning, or its end."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        hint = "write it like 2026-01-31 or 2026-01-31T15:00"
        raise Told(problem("bad-value", "", f"'{text}' is no day and no time", hint=hint)) from None
    if whole_day and len(text) <= len("2026-01-31"):
        moment += timedelta(days=1)
    return moment if moment.tzinfo else moment.replace(tzinfo=display.zone_of(release.settings.timezone))


def users_add(root: Path, email: str, name: str, preview: bool) -> int:
    """Let somebody in to the inbox, with a password that is asked for twice, or read from what is piped in."""

    def work() -> int:
        address = _address(email)
        with _writing(root, preview) as database:
            with database.read() as connection:
                if people.person_by_email(connection, address):
                    hint = f"obverse users password {address} gives them another password"
                    raise Told(problem("unknown-user", "", f"'{address}' may log in already", hint=hint))
            kept = passwords.hashed(_new_password(address))
            with database.write() as connection:
                fresh = _token()
                added = people.add_person(connection, fresh, address, name.strip(), kept, _now())
                teller(root, preview)(connection, "user.added", "user", added, again=added != fresh)
        return said(f"{address} may log in now")

    return done(work)


def users_password(root: Path, email: str, preview: bool) -> int:
    """Give somebody another password. All their sessions end."""

    def work() -> int:
        with _person(root, email, preview) as (database, person):
            kept = passwords.hashed(_new_password(person.email))
            with database.write() as connection:
                people.set_password(connection, person.id, kept)
                count = people.delete_sessions(connection, person.id)
                teller(root, preview)(connection, "password.set", "user", person.id, sessions=count)
        return said(f"{person.email} has a new password; their sessions have ended")

    return done(work)


def users_remove(root: Path, email: str, preview: bool) -> int:
    """Let somebody in no longer. What they did keeps their name."""

    def work() -> int:
        with _person(root, email, preview) as (database, person), database.write() as connection:
            people.remove_person(connection, person.id, _now())
            teller(root, preview)(connection, "user.removed", "user", person.id)
        return said(f"{person.email} may not log in any more; their sessions have ended")

    return done(work)


def users_list(root: Path, preview: bool) -> int:
    """Print who may log in."""

    def work() -> int:
        with looking(root, preview) as database:
            if database is None:
                return said(_NOBODY)
            with database.read() as connection:
                found = people.people(connection)
        if not found:
            return said(_NOBODY)
        lines = [(harmless(one.email), harmless(one.name) or "-", f"{one.created_at:%Y-%m-%d}") for one in found]
        return said(aligned([("e-mail", "name", "since"), *lines]))

    return done(work)


def report(root: Path, since: str, format: str, preview: bool) -> int:
    """Print what each article brought, as "table", "csv" or "json"; `since` is a day, "" for all time."""

    def work() -> int:
        release = _release(root, preview)
        start, currency = _day(since, release), release.settings.currency
        with looking(root, preview) as database:
            found = []
            if database is not None:
                with database.read() as connection:
                    found = rows(connection, release, start)
        if format == "json":
            return said(as_json(found, currency, _now()).rstrip())
        if format == "csv":
            _put([as_csv(found, currency)])
            return 0
        return said(as_table(found) if found else _NOTHING)

    return done(work)


# The database.


def data_folder(root: Path, preview: bool) -> Path:
    """Where the data of the site lie, or those of its preview."""
    return root / VAR / "preview" if preview else root / VAR


@contextmanager
def looking(root: Path, preview: bool) -> Iterator[Database | None]:
    """The database, None where none has come to be yet."""
    folder, url = data_folder(root, preview), _url(root, preview)
    if not url and not (folder / FILE).is_file():
        yield None
        return
    with _opened(url, folder, known_key(root, preview)) as database:
        yield database


@contextmanager
def _writing(root: Path, preview: bool) -> Iterator[Database]:
    """The database, made where there is none yet."""
    with _opened(_url(root, preview), data_folder(root, preview), _key(root, preview)) as database:
        yield database


@contextmanager
def _opened(url: str, folder: Path, key: str) -> Iterator[Database]:
    database = Database.open(url, folder)
    try:
        upgrade(database, audit.tells_upgrades(key, _now))
        yield database
    finally:
        database.close()


def known_key(root: Path, preview: bool) -> str:
    """The site's key, "" where none has been made yet."""
    return load_secrets(data_folder(root, preview), {} if preview else os.environ)[0].key


def _key(root: Path, preview: bool) -> str:
    """The site's key, made where there is none yet: the audit log is sealed with it."""
    return key_of(data_folder(root, preview), {} if preview else os.environ)


def teller(root: Path, preview: bool) -> Tell:
    """What tells the audit log what is done here: last in the transaction that does it."""
    key = _key(root, preview)

    def tell(connection: sa.Connection, kind: str, about: str = "", subject: str = "", **facts: Any) -> None:
        audit.append(connection, key, Entry(_now(), actor(os.environ), kind, about, subject, facts))

    return tell


def _counted(tell: Tell) -> keeping.Tell:
    return lambda connection, counts: tell(connection, "retention.run", **counts)


def _url(root: Path, preview: bool) -> str:
    """Where the database is. Secrets that cannot be read stop everything: else it would be looked for elsewhere."""
    given, problems = load_secrets(data_folder(root, preview), {} if preview else os.environ)
    for one in problems:
        if one.level is Level.ERROR:
            raise Told(one)
    return given.database


def _release(root: Path, preview: bool) -> Release:
    return Releases(data_folder(root, preview) / "releases").current()


def _outside(root: Path, preview: bool) -> exports.Outside:
    release = _release(root, preview)
    return exports.Outside(release, release.settings.address)


# Inquiries.


def _listing(connection: sa.Connection, query: Query, most: int | None) -> tuple[list[Row], int]:
    """The rows of a query, all of them or at most so many, and how many there are."""
    found: list[Row] = []
    while True:
        step = Query(view=query.view, text=query.text, offset=len(found), limit=most or 500)
        page = inquiries.listing(connection, step)
        found += page.rows
        if most or not page.rows or len(found) >= page.total:
            return found, page.total


def _id_of(connection: sa.Connection, prefix: str) -> str:
    """The id that begins so. Raises Told when none does, or several."""
    wanted = prefix.strip().lower()
    if len(wanted) < _SHORTEST_ID or set(wanted) - set("0123456789abcdef"):
        hint = "the ids are in: obverse inquiries list"
        message = f"'{prefix}' is no id: give the first {_SHORTEST_ID} or more of its characters"
        raise Told(problem("unknown-inquiry", "", message, hint=hint))
    asked = sa.select(table.c.id).where(table.c.id.startswith(wanted, autoescape=True)).order_by(table.c.id).limit(6)
    found: list[str] = list(connection.execute(asked).scalars())
    if not found:
        raise Told(_no_inquiry(prefix))
    if len(found) > 1:
        some = ", ".join(one[: max(telling.SHORT, len(wanted) + 4)] for one in found[:5])
        message = f"more than one inquiry begins with '{wanted}'"
        raise Told(problem("unknown-inquiry", "", message, hint=f"give more of it: {some}"))
    return found[0]


def _no_inquiry(prefix: str) -> Problem:
    hint = "the ids are in: obverse inquiries list --view all"
    return problem("unknown-inquiry", "", f"no inquiry begins with '{prefix}'", hint=hint)


def _changed(
    root: Path, prefix: str, preview: bool, change: Callable[[sa.Connection, str], str], hint: str = ""
) -> int:
    """Change the inquiry that begins so, and print what was done."""

    def work() -> int:
        with looking(root, preview) as database:
            if database is None:
                raise Told(_no_inquiry(prefix))
            try:
                with database.write() as connection:
                    done = change(connection, _id_of(connection, prefix))
            except ValueError as error:
                raise Told(problem("bad-value", "", str(error).rstrip("."), hint=hint)) from None
        return said(done)

    return done(work)


# People.


def _address(email: str) -> str:
    address = people.login_name(email)
    _, problems = read_value("address", Field("email"), Node(address, quoted=True), Document(""))
    if problems or not address:
        raise Told(problem("bad-value", "", f"'{email}' is no e-mail address"))
    return address


@contextmanager
def _person(root: Path, email: str, preview: bool) -> Iterator[tuple[Database, people.Person]]:
    """The one who logs in with that address."""
    with looking(root, preview) as database:
        if database is not None:
            with database.read() as connection:
                found = people.person_by_email(connection, email)
            if found is not None:
                yield database, found
                return
        hint = "who may is in: obverse users list"
        raise Told(problem("unknown-user", "", f"nobody logs in as '{email}'", hint=hint))


def _new_password(email: str) -> str:
    """A password that was typed twice, or the first line of what is piped in."""
    if sys.stdin.isatty():
        given = getpass.getpass(f"Password for {email}: ")
        if given and getpass.getpass("Once more: ") != given:
            raise Told(problem("bad-value", "", "the password was not the same both times"))
    else:
        given = sys.stdin.readline().rstrip("\r\n")
    if key := passwords.complaint(given):
        words = t(key, shortest=passwords.SHORTEST, longest=passwords.LONGEST)
        raise Told(problem("bad-value", "", words[:1].lower() + words[1:].rstrip(".")))
    return given


def moment(root: Path, text: str, preview: bool) -> datetime:
    """A day's beginning or a time, in the site's zone unless it names its own. Raises Told."""
    return _moment(text, _release(root, preview))


def _day(text: str, release: Release) -> datetime | None:
    """The beginning of a day in the site's zone."""
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        hint = "write it like 2026-01-31"
        raise Told(problem("bad-value", "", f"'{text}' is no day", hint=hint)) from None
    return datetime.combine(day, time(), display.zone_of(release.settings.timezone))


# Printing.


def done(work: Callable[[], int]) -> int:
    """Do the work; print the one problem that stopped it."""
    try:
        return work()
    except Told as found:
        one = found.problem
    except (TooNew, BadUrl, Unavailable) as error:
        one = problem("run-database", "", str(error), hint="nothing was changed")
    except EOFError:
        one = problem("bad-value", "", "no password was given")
    print(as_text((one,)), file=sys.stderr)
    return 1


def said(text: str) -> int:
    """Print it; the exit code of what went well."""
    print(text)
    return 0


def _put(lines: Iterable[str]) -> None:
    """A file's content: every byte of it into a pipe or a file, made harmless on a terminal."""
    if sys.stdout.isatty():
        for line in lines:
            print("\n".join(harmless_lines(line.removesuffix("\n").removesuffix("\r"))))
        return
    sys.stdout.flush()
    for line in lines:
        sys.stdout.buffer.write(line.encode("utf-8", "surrogatepass"))
    sys.stdout.buffer.flush()


def _now() -> datetime:
    return datetime.now(UTC)


def _token() -> str:
    return secrets.token_hex(16)
