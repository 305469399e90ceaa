"""Packed rows are as a dict and a list would be, whatever was changed, and however often they were packed anew."""

from __future__ import annotations

import marshal
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obverse.rows import Packed, Row, Rows, difference, holding, numbered, packed

TABLES = st.dictionaries(st.text(max_size=3), st.integers())
EDITS = st.lists(st.tuples(st.text(max_size=3), st.none() | st.integers()), max_size=12)


def table_of(rows: dict[str, int]) -> Rows:
    return Rows(Packed(memoryview(packed({key: marshal.dumps(row) for key, row in rows.items()}))))


def row_of(values: list[int]) -> Row:
    return Row(Packed(memoryview(numbered(map(marshal.dumps, values)))))


@given(TABLES, EDITS, EDITS)
def test_a_table_is_as_a_dict(
    rows: dict[str, int], first: list[tuple[str, int | None]], then: list[tuple[str, int | None]]
) -> None:
    table, known = table_of(rows), dict(rows)
    for edits in (first, then):
        before, was = table, dict(known)
        table = table.copy()
        for key, value in edits:
            if value is not None:
                table[key] = known[key] = value
            elif key in known:
                del table[key], known[key]
        assert (dict(table), len(table), set(table)) == (known, len(known), set(known))
        assert dict(before) == was, "a copy is changed by itself"
        others = {key: row for key, row in known.items() if key not in was or was[key] != row}
        assert difference(before, table) == difference(was, known) == (others, was.keys() - known.keys())
        assert (table.whole(), table.whole()) == (known, known)
        table = Rows(Packed(memoryview(table.pack(marshal.dumps))))
        assert dict(table) == known


@given(st.lists(st.integers()), st.lists(st.integers()))
def test_a_row_is_as_a_list(values: list[int], more: list[int]) -> None:
    row = row_of(values)
    longer = row.copy()
    for value in more:
        longer.append(value)
    assert (list(row), list(longer)) == (values, values + more)
    assert [longer[at] for at in range(len(longer))] == longer[:] == values + more
    assert longer == row_of(values + more) == Row(Packed(memoryview(longer.pack(marshal.dumps))))
    assert (longer == row) == (not more)
    for at in range(len(more)):
        longer[len(values) + at] = "another"
    assert longer[:] == values + ["another"] * len(more)
    if values:
        with pytest.raises(IndexError):
            longer[0] = "another"


NUMBERS = st.lists(st.integers(0, 2**32 - 1) | st.integers(0, 3), max_size=4)


@given(st.dictionaries(st.text(max_size=3), NUMBERS), st.dictionaries(st.text(max_size=3), NUMBERS), NUMBERS)
def test_rows_that_hold_a_number_are_found(
    rows: dict[str, list[int]], changed: dict[str, list[int]], wanted: list[int]
) -> None:
    table = Rows(Packed(memoryview(packed({key: array("I", row).tobytes() for key, row in rows.items()})), bytes))
    for key, row in changed.items():
        table[key] = array("I", row).tobytes()
    for key in [key for key in rows if key not in changed][::3]:
        del table[key], rows[key]
    hits = {key: [number for number in row if number in wanted] for key, row in {**rows, **changed}.items()}
    expected = sorted((key, found[0]) for key, found in hits.items() if found)
    assert sorted(holding(table, frozenset(wanted))) == expected
    assert sorted(holding(table.whole(), frozenset(wanted))) == expected


def test_what_is_not_there_is_told() -> None:
    table = table_of({"a": 1})
    del table["a"]
    for key in ("a", "b"):
        assert key not in table
        with pytest.raises(KeyError):
            table[key]
        with pytest.raises(KeyError):
            del table[key]
    with pytest.raises(IndexError):
        row_of([1])[1]


def test_what_nobody_looks_at_is_not_unpacked() -> None:
    seen: list[int] = []

    def unpack(data: memoryview) -> int:
        seen.append(marshal.loads(data))
        return seen[-1]

    table = Rows(Packed(memoryview(packed({key: marshal.dumps(ord(key) - 96) for key in "cab"})), unpack))
    assert ("c" in table, len(table), list(table), table["b"], table["b"]) == (True, 3, ["a", "b", "c"], 2, 2)
    table["a"] = 7
    table.pack(marshal.dumps)
    assert seen == [2]
