"""The chain of the audit log: whatever is done to its rows breaks it, and the first broken row is named."""

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import astuple, fields, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from capture.audit.chain import NOTHING, Entry, Row, digest, mark_of, row_after, seal, verified
from capture.audit.kinds import KINDS, TERMINAL
from capture.store import audit
from capture.store.audit import QUIET, Query, append, failed, prune, signed_in, walked
from capture.store.database import Database
from capture.store.tables import audit as table
from tests.capture.samples import NOW

KEY, OTHER = "5e" * 32, "6f" * 32
ANN = "a" * 32


def entry(number: int, **more: Any) -> Entry:
    given = {"actor": TERMINAL, "kind": "user.added", "about": "user", "subject": ANN, "facts": {"count": number}}
    return Entry(NOW + timedelta(minutes=number), **{**given, **more})


def made(count: int, key: str = KEY, last: Row | None = None) -> list[Row]:
    rows = []
    for number in range(count):
        last = row_after(last, entry(number), key)
        rows.append(last)
    return rows


def broken(rows: list[Row], key: str = KEY, known: str = "") -> str:
    return verified(rows, key, known).broken


def test_rows_as_they_were_made_hang_together() -> None:
    rows = made(9)
    found = verified(rows, KEY)
    assert (found.rows, found.first, found.head, found.broken, found.foreign) == (9, 1, rows[-1].head, "", 0)
    assert rows[0].previous == NOTHING
    assert len({one.hash for one in rows}) == 9


OF_A_KIND = {"number": 77, "at": "2026-11-23T22:06:00.000000Z", "kind": "user.removed", "key": "0" * 8}


@pytest.mark.parametrize("name", [one.name for one in fields(Row)])
def test_a_change_of_any_column_is_seen(name: str) -> None:
    rows = made(5)
    value = OF_A_KIND.get(name, "0" * 64)
    assert getattr(rows[2], name) != value
    rows[2] = replace(rows[2], **{name: value})
    assert {"number": "row 3 is missing", "key": "row 3 was made with another key"}.get(name, "row 3 ") in broken(rows)


def test_a_change_of_the_last_row_is_seen_as_well() -> None:
    for one in fields(Row):
        rows = made(5)
        rows[4] = replace(rows[4], **{one.name: OF_A_KIND.get(one.name, "0" * 64)})
        assert broken(rows), one.name


def test_a_row_that_is_gone_is_named() -> None:
    rows = made(6)
    assert broken([*rows[:2], *rows[3:]]) == "row 3 is missing: after 2 comes 4"
    assert broken(rows[1:]) == "row 1 is missing, and no row says that those before were let go of"
    assert broken([]) == "row 1 is missing: the log is empty, and it never is"


def test_a_tail_that_is_gone_is_seen_by_a_head_that_was_noted() -> None:
    rows = made(6)
    assert broken(rows[:4]) == ""
    assert broken(rows[:4], known=rows[5].head) == "row 5 is missing: row 6 was noted as the head"
    assert broken(rows, known=rows[3].head[:20]) == ""
    assert broken(rows, known=f"4:{rows[4].hash}") == "row 4 is another one than was noted as the head"
    assert broken([*rows[:4], *made(2, last=row_after(rows[3], entry(9), KEY))[0:1]], known=rows[5].head)
    for wrong in ("4", "4:xyz", "0:" + "a" * 64, "4:abc"):
        with pytest.raises(ValueError, match="a head is a number"):
            verified(rows, KEY, wrong)


def renumbered(rows: list[Row]) -> list[Row]:
    return [replace(row, number=number) for number, row in enumerate(rows, 1)]


def test_rows_that_change_places_or_are_put_in_are_seen() -> None:
    rows = made(6)
    swapped = [rows[0], rows[2], rows[1], *rows[3:]]
    assert broken(renumbered(swapped)) == "row 2 was changed: its hash is not that of what it says"
    put_in = replace(rows[2], at=rows[3].at)
    assert broken(renumbered([*rows[:3], put_in, *rows[3:]])).startswith("row 4 ")


def remade(rows: list[Row], key: str, mark: str = "") -> list[Row]:
    """What somebody who may write to the database makes of rows they changed: a chain that fits."""
    made_anew: list[Row] = []
    for row in rows:
        previous = made_anew[-1].hash if made_anew else NOTHING
        changed = replace(row, number=len(made_anew) + 1, previous=previous, key=mark or mark_of(key))
        changed = replace(changed, hash=digest(changed))
        made_anew.append(replace(changed, seal=seal(key, changed.hash)))
    return made_anew


def test_a_chain_that_was_made_anew_has_no_true_seals() -> None:
    rows = made(6)
    changed = [*rows[:2], *rows[3:]]
    assert broken(remade(changed, OTHER, mark_of(KEY))) == (
        "row 1 was made by somebody without the site's key: its seal is false"
    )
    assert broken([*rows[:2], *remade(changed, OTHER, mark_of(KEY))[2:]]).startswith("row 3 was made by somebody")
    assert broken(remade(changed, OTHER)) == "row 5, the last, was made with another key than the site's"
    # And when the house has gone on from what it found there, a row of its own says that there was another key.
    forged = remade(changed, OTHER)
    assert broken([*forged, row_after(forged[-1], entry(9), KEY)]).startswith("row 5 was made with another key")


def test_with_another_key_the_log_goes_on_and_says_so(database: Database) -> None:
    for key in (KEY, KEY, OTHER, OTHER):
        with database.write() as connection:
            append(connection, key, entry(1))
    with database.read() as connection:
        rows = list(walked(connection))
    assert [one.kind for one in rows] == ["user.added", "user.added", "key.changed", "user.added", "user.added"]
    assert json.loads(rows[2].facts) == {"was": mark_of(KEY), "now": mark_of(OTHER)}
    found = verified(rows, OTHER)
    assert (found.broken, found.foreign) == ("", 2)
    assert broken(rows, KEY) == "row 5, the last, was made with another key than the site's"


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "user.renamed"},
        {"subject": "ada@example.org"},
        {"subject": "Ada Byron"},
        {"actor": "Ada Byron"},
        {"facts": {"file": "C\\offer.pdf"}},
        {"facts": {"filters": ["what does it cost"]}},
        {"facts": {"ada@example.org": 1}},
        {"facts": {"share": 0.5}},
        {"facts": {"names": {"owner": "Zoë"}}},
    ],
    ids=repr,
)
def test_no_value_of_a_person_fits_in(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="audit log"):
        row_after(None, entry(1, **wrong), KEY)


def test_every_kind_says_what_it_is_and_is_written_by_something() -> None:
    root = Path(__file__).parents[2] / "capture"
    source = "\n".join(one.read_text("utf-8") for one in root.rglob("*.py") if one.name != "kinds.py")
    assert [kind for kind, said in KINDS.items() if f'"{kind}"' not in source or len(said) < 15] == []


# The rows.


@pytest.fixture
def rows_of(database: Database) -> Callable[[], list[Row]]:
    def read() -> list[Row]:
        with database.read() as connection:
            return list(walked(connection))

    return read


def test_what_is_undone_leaves_no_row(database: Database, rows_of: Callable[[], list[Row]]) -> None:
    with database.write() as connection:
        append(connection, KEY, entry(1))
    with contextlib.suppress(KeyError), database.write() as connection:
        append(connection, KEY, entry(2))
        raise KeyError
    with database.write() as connection:
        append(connection, KEY, entry(3))
    assert [one.number for one in rows_of()] == [1, 2]
    assert verified(rows_of(), KEY).broken == ""


def test_writers_at_once_make_one_chain(
    database: Database, database_url: str, tmp_path: Path, rows_of: Callable[[], list[Row]]
) -> None:
    """Two processes' databases, two threads in each; each row in a transaction of its own that also writes else.

    What else they write is each one's own: a lock that all of them took before would put them in line for the chain.
    """
    others = [database, Database.open(database_url, tmp_path / "var")]
    wrong: list[BaseException] = []

    def write(one: Database, own: str) -> None:
        try:
            for number in range(12):
                with one.write() as connection:
                    audit.count_attempts(connection, [f"{own} {number}"], NOW, NOW - timedelta(days=1))
                    append(connection, KEY, entry(number))
        except BaseException as error:  # noqa: BLE001 -- told below
            wrong.append(error)

    threads = [threading.Thread(target=write, args=(one, str(own))) for own, one in enumerate(others * 2)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(60)
    others[1].close()
    assert wrong == []
    assert [one.number for one in rows_of()] == list(range(1, 49))
    assert verified(rows_of(), KEY).broken == ""


def test_a_row_changed_in_the_database_is_found(database: Database, rows_of: Callable[[], list[Row]]) -> None:
    with database.write() as connection:
        for number in range(4):
            append(connection, KEY, entry(number))
    assert [astuple(one) for one in rows_of()] == [astuple(one) for one in made(4)]
    with database.write() as connection:
        connection.execute(table.update().where(table.c.number == 2).values(actor="b" * 32))
    assert verified(rows_of(), KEY).broken == "row 2 was changed: its hash is not that of what it says"


@pytest.fixture
def statements(sqlite_database: Database) -> Iterator[list[str]]:
    seen: list[str] = []

    def note(*given: Any) -> None:
        seen.append(given[2])

    event.listen(sqlite_database._engine, "before_cursor_execute", note)
    yield seen
    event.remove(sqlite_database._engine, "before_cursor_execute", note)


def test_a_row_costs_two_statements_however_long_the_log(sqlite_database: Database, statements: list[str]) -> None:
    with sqlite_database.write() as connection:
        for number in range(50):
            append(connection, KEY, entry(number))
        statements.clear()
        append(connection, KEY, entry(1))
        assert [one.split()[0] for one in statements] == ["SELECT", "INSERT"]
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statements[0].replace('?', '1')}").all()
    assert not [one for one in plan if "TEMP B-TREE" in str(one)], plan


def test_a_flood_of_wrong_passwords_is_few_rows(database: Database, rows_of: Callable[[], list[Row]]) -> None:
    """The number is told, by the next row or by whoever gets in at last."""
    for second in range(60):
        with database.write() as connection:
            failed(connection, KEY, ANN, "password", NOW + timedelta(seconds=second))
            failed(connection, KEY, "", "password", NOW + timedelta(seconds=second))
    assert len(rows_of()) == 2
    later = NOW + QUIET + timedelta(minutes=2)
    with database.write() as connection:
        failed(connection, KEY, "", "password", later)
        signed_in(connection, KEY, ANN, "password", later)
    told = [(one.kind, one.subject, json.loads(one.facts)) for one in rows_of()]
    assert told == [
        ("signin.failed", ANN, {"by": "password", "tries": 1}),
        ("signin.failed", "", {"by": "password", "tries": 1}),
        ("signin.failed", "", {"by": "password", "tries": 60}),
        ("signin", ANN, {"by": "password", "failed": 59}),
    ]
    with database.write() as connection:
        signed_in(connection, KEY, ANN, "link", later)
    assert json.loads(rows_of()[-1].facts) == {"by": "link"}


# What goes after its time.


def pruned(database: Database, days: int, now: Any, *, sure: bool = True) -> int:
    def tell(connection: sa.Connection, kind: str, **facts: Any) -> None:
        append(connection, KEY, Entry(now, TERMINAL, kind, facts=facts))

    with database.write() as connection:
        return prune(connection, days, tell, now, sure=sure)


def test_old_rows_go_and_the_chain_still_holds(database: Database, rows_of: Callable[[], list[Row]]) -> None:
    with database.write() as connection:
        for number in range(20):
            append(connection, KEY, replace(entry(number), at=NOW + timedelta(days=number)))
    heads = [one.head for one in rows_of()]
    assert pruned(database, 0, NOW + timedelta(days=900)) == 0
    assert pruned(database, 30, NOW + timedelta(days=20)) == 0
    assert pruned(database, 16, NOW + timedelta(days=20), sure=False) == 4
    assert [rows_of()[0].number, len(rows_of())] == [5, 17]
    assert verified(rows_of(), KEY, heads[4]).broken == ""
    assert pruned(database, 10, NOW + timedelta(days=20)) == 6
    found = verified(rows_of(), KEY)
    assert (found.broken, found.first) == ("", 11)
    with database.write() as connection:
        connection.execute(table.delete().where(table.c.number == 11))
    assert verified(rows_of(), KEY).broken == "row 11 is missing, and no row says that those before were let go of"


def test_a_clock_that_is_years_ahead_takes_nothing(database: Database, rows_of: Callable[[], list[Row]]) -> None:
    with database.write() as connection:
        for number in range(8):
            append(connection, KEY, entry(number))
    late = NOW + timedelta(days=4000)
    with pytest.raises(ValueError, match="7 rows of the audit log would go at once, and none went"):
        pruned(database, 30, late, sure=False)
    assert len(rows_of()) == 8
    assert pruned(database, 30, late) == 7
    assert (verified(rows_of(), KEY).broken, [one.number for one in rows_of()]) == ("", [8, 9])


def test_rows_are_found_by_kind_actor_and_time(database: Database) -> None:
    with database.write() as connection:
        for number in range(6):
            append(connection, KEY, entry(number, actor=ANN if number % 2 else TERMINAL))
    with database.read() as connection:
        for query, numbers in (
            (Query(), [6, 5, 4, 3, 2, 1]),
            (Query(actor=ANN), [6, 4, 2]),
            (Query(kind="signin"), []),
            (Query(since=NOW + timedelta(minutes=4)), [6, 5]),
            (Query(before=4, limit=2), [3, 2]),
        ):
            assert [one.number for one in audit.listed(connection, query)] == numbers
            assert [one.number for one in walked(connection, query)] == sorted(
                one.number for one in audit.listed(connection, replace(query, limit=None))
            )
