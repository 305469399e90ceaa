"""Rows: a large table of the ledger, packed row by row, so that an edit unpacks the rows it touches and no others.

A table is what lies packed in a file, and beside it all that has changed since. A copy shares what is packed and what
was unpacked of it; so does the next ledger, and to tell what has changed costs nothing.
"""

from __future__ import annotations

import marshal
import struct
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, Sequence
from itertools import accumulate, chain, compress, count
from operator import eq
from typing import Any, Final, TypeAlias

from obverse.garbage import for_good

Unpack: TypeAlias = Callable[[Any], Any]
"""The bytes of a row -> the row."""

# How many rows there are, how many keys, and how many bytes of keys.
_HEAD = struct.Struct("<QQQ")
_ENDS_TYPE: Final = "Q"
_END_SIZE = array(_ENDS_TYPE).itemsize


class Packed:
    """Rows as they lie in a file, in order of their keys: where each key and each row ends, and all of them end to end.

    Rows that only have numbers have no keys.
    """

    def __init__(self, data: memoryview, unpack: Unpack = marshal.loads) -> None:
        """`data` is what `packed` or `numbered` made; `unpack` makes a row of its bytes."""
        count, names, size = _HEAD.unpack_from(data)
        middle = _HEAD.size + names * _END_SIZE
        start = middle + count * _END_SIZE
        self._key_ends, self._ends = _ends(data[_HEAD.size : middle]), _ends(data[middle:start])
        self._keys, self.data = data[start : start + size], data[start + size :]
        self.packed = data
        self.unpack = unpack
        self._seen: dict[str, Any] = {}
        self._whole = False

    def __len__(self) -> int:
        """How many rows there are."""
        return len(self._ends)

    def __contains__(self, key: str) -> bool:
        """Whether there is a row of this key; nothing is unpacked."""
        return key in self._seen or (not self._whole and self._number(key) is not None)

    def keys(self) -> list[str]:
        """All keys, in order."""
        return list(self._seen) if self._whole else list(map(_text, _pieces(bytes(self._keys), self._key_ends)))

    def _number(self, key: str) -> int | None:
        wanted = key.encode("utf-8", "surrogatepass")
        at = bisect_left(range(len(self._key_ends)), wanted, key=self._key)
        return at if at < len(self._key_ends) and self._key(at) == wanted else None

    def _key(self, number: int) -> bytes:
        return bytes(self._keys[self._key_ends[number - 1] if number else 0 : self._key_ends[number]])

    def raw(self, number: int) -> memoryview:
        """The bytes of a row."""
        return self.data[self._ends[number - 1] if number else 0 : self._ends[number]]

    def row(self, key: str) -> Any:
        """The row of a key, unpacked at most once. Raises KeyError."""
        if key not in self._seen:
            number = None if self._whole else self._number(key)
            if number is None:
                raise KeyError(key)
            self._seen[key] = self.unpack(self.raw(number))
        return self._seen[key]

    def rows(self) -> Iterator[Any]:
        """All rows, unpacked, in the order of their keys or numbers."""
        return map(self.unpack, self.pieces())

    def pieces(self) -> Iterator[memoryview]:
        """The bytes of all rows."""
        return _pieces(self.data, self._ends)

    def whole(self) -> dict[str, Any]:
        """All rows by key, for whoever is going to look at most of them."""
        if not self._whole:
            with for_good():
                rows = self.rows()
                # What somebody has looked at stays the very object: to see that nothing has changed costs nothing then.
                self._seen = dict(zip(self.keys(), rows, strict=True)) | self._seen
            self._whole = True
        return self._seen

    def holding(self, numbers: frozenset[int]) -> Iterator[tuple[str, int]]:
        """The keys of those rows that hold one of these numbers, and the first of them; each row is packed numbers."""
        every = array("I")
        every.frombytes(self.data)
        last = -1
        for place in compress(count(), map(numbers.__contains__, every)):
            row = bisect_right(self._ends, place * every.itemsize)
            if row != last:
                yield _text(self._key(row)), every[place]
            last = row


def _ends(data: memoryview) -> array[int]:
    ends = array(_ENDS_TYPE)
    ends.frombytes(data)
    return ends


def _pieces(data: Any, ends: array[int]) -> Iterator[Any]:
    return (data[start:end] for start, end in zip(chain((0,), ends), ends, strict=False))


def _text(key: bytes) -> str:
    return key.decode("utf-8", "surrogatepass")


def packed(rows: Mapping[str, Any]) -> bytes:
    """A table of packed rows, each the bytes of its key."""
    names = {key.encode("utf-8", "surrogatepass"): row for key, row in rows.items()}
    keys = sorted(names)
    return _laid_out(keys, [names[key] for key in keys])


def numbered(rows: Iterable[Any]) -> bytes:
    """Packed rows that have numbers for keys, from 0 on."""
    return _laid_out([], list(rows))


def _laid_out(keys: list[bytes], rows: list[Any]) -> bytes:
    ends = (array(_ENDS_TYPE, accumulate(map(len, some))).tobytes() for some in (keys, rows))
    return b"".join((_HEAD.pack(len(rows), len(keys), sum(map(len, keys))), *ends, *keys, *rows))


class Rows(MutableMapping[str, Any]):
    """A table whose rows are unpacked when somebody looks at them, and what was changed in it since it was packed."""

    __slots__ = ("base", "changed", "gone")

    def __init__(self, base: Packed, changed: Mapping[str, Any] | None = None, gone: Iterable[str] = ()) -> None:
        """Begin with what is packed in `base`, but for the rows `changed` and those `gone`."""
        self.base = base
        self.changed = dict(changed or {})
        self.gone = set(gone)

    def copy(self) -> Rows:
        """The same table, to be changed by itself."""
        return Rows(self.base, self.changed, self.gone)

    def __getitem__(self, key: str) -> Any:
        """The row of a key. Raises KeyError."""
        if key in self.changed:
            return self.changed[key]
        if key in self.gone:
            raise KeyError(key)
        return self.base.row(key)

    def __setitem__(self, key: str, row: Any) -> None:
        """Put a row in the place of what was there."""
        self.changed[key] = row
        self.gone.discard(key)

    def __delitem__(self, key: str) -> None:
        """Take a row away. Raises KeyError."""
        if key not in self:
            raise KeyError(key)
        self.changed.pop(key, None)
        if key in self.base:
            self.gone.add(key)

    def __contains__(self, key: object) -> bool:
        """Whether there is such a row; nothing is unpacked."""
        return key in self.changed or (isinstance(key, str) and key not in self.gone and key in self.base)

    def __iter__(self) -> Iterator[str]:
        """The keys: those that were packed in their order, then those that came later."""
        gone, base = self.gone, self.base
        yield from (key for key in base.keys() if key not in gone)  # noqa: SIM118 - it is no dict
        yield from (key for key in self.changed if key not in base)

    def __len__(self) -> int:
        """How many rows there are."""
        return len(self.base) - len(self.gone) + sum(key not in self.base for key in self.changed)

    def whole(self) -> dict[str, Any]:
        """All of it as a dict, for whoever is going to look at most rows."""
        rows = {**self.base.whole(), **self.changed}
        for key in self.gone:
            del rows[key]
        return rows

    def pack(self, pack: Callable[[Any], bytes]) -> bytes:
        """The whole table packed anew; rows that have not changed are not unpacked for it."""
        base, gone = self.base, self.gone
        if not self.changed and not gone:
            return bytes(base.packed)
        kept: dict[str, Any] = {
            key: row for key, row in zip(base.keys(), base.pieces(), strict=True) if key not in gone
        }
        return packed(kept | {key: pack(row) for key, row in self.changed.items()})


def whole(table: Mapping[str, Any]) -> Mapping[str, Any]:
    """A table as it is for whoever is going to look at most rows."""
    return table.whole() if isinstance(table, Rows) else table


def holding(table: Mapping[str, bytes], numbers: frozenset[int]) -> Iterator[tuple[str, int]]:
    """The keys of those rows of a table of packed numbers that hold one of these, and the first of these they hold."""
    changed = table
    if isinstance(table, Rows):
        changed, gone = table.changed, table.gone
        yield from (one for one in table.base.holding(numbers) if one[0] not in changed and one[0] not in gone)
    for key, row in changed.items():
        found = next(filter(numbers.__contains__, memoryview(row).cast("I")), None) if row else None
        if found is not None:
            yield key, found


def difference(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[dict[str, Any], set[str]]:
    """The rows of a new table that are not as in the old one, and the keys of those that are gone."""
    if isinstance(old, Rows) and isinstance(new, Rows) and old.base is new.base:
        changed = {key: row for key, row in new.changed.items() if old.get(key, _NONE) != row}
        return changed, {key for key in (*new.gone, *old.changed) if key in old and key not in new}
    before, now = whole(old), whole(new)
    others = {key: row for key, row in now.items() if before.get(key, _NONE) is not row}
    return {key: row for key, row in others.items() if before.get(key, _NONE) != row}, before.keys() - now.keys()


# Nothing that any table holds.
_NONE = object()


class Row(Sequence[Any]):
    """A long row of values by number, each unpacked when somebody looks at it; more can be put at its end."""

    __slots__ = ("base", "more")

    def __init__(self, base: Packed, more: Iterable[Any] = ()) -> None:
        """`base` has numbers for keys, from 0 on; `more` follows."""
        self.base = base
        self.more = list(more)

    def copy(self) -> Row:
        """The same row, to be made longer by itself."""
        return Row(self.base, self.more)

    def append(self, value: Any) -> None:
        """Put one more value at the end."""
        self.more.append(value)

    def __getitem__(self, number: Any) -> Any:
        """The value with a number, or those of a slice. Raises IndexError."""
        if isinstance(number, slice):
            return [self[one] for one in range(*number.indices(len(self)))]
        beyond = number - len(self.base)
        return self.more[beyond] if beyond >= 0 else self.base.unpack(self.base.raw(number))

    def __setitem__(self, number: int, value: Any) -> None:
        """Put another value in the place of one that was put at the end. Raises IndexError for any other."""
        beyond = number - len(self.base)
        if beyond < 0:
            raise IndexError(number)
        self.more[beyond] = value

    def __iter__(self) -> Iterator[Any]:
        """All values."""
        yield from self.base.rows()
        yield from self.more

    def __len__(self) -> int:
        """How many there are."""
        return len(self.base) + len(self.more)

    def __eq__(self, other: object) -> bool:
        """Whether another row has the same values."""
        return isinstance(other, Sequence) and len(self) == len(other) and all(map(eq, self, other))

    __hash__ = None  # type: ignore[assignment]

    def pack(self, pack: Callable[[Any], bytes]) -> bytes:
        """The whole row packed anew."""
        return numbered((*self.base.pieces(), *map(pack, self.more))) if self.more else bytes(self.base.packed)
