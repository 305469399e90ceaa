"""Rows: a large table of the ledger, packed row by row, so that an edit unpacks the rows it touches and no others.

A table is what lies packed in a file, and beside it all that has changed since. A copy shares what is packed and what
was unpacked of it; so does the next ledger, and to tell what has changed costs nothing.
"""

from __future__ import annotations

import marshal
import struct
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, Sequence
from functools import cached_property
from operator import eq
from typing import Any, Final, TypeAlias

Unpack: TypeAlias = Callable[[Any], Any]
"""The bytes of a row -> the row."""

_HEAD = struct.Struct("<QQ")
_ENDS: Final = "Q"
_END_SIZE = array(_ENDS).itemsize


class Packed:
    """Rows as they lie in a file: their keys, where each ends, and all of them end to end."""

    def __init__(self, data: memoryview, unpack: Unpack = marshal.loads) -> None:
        """`data` is what `packed` made; `unpack` makes a row of its bytes."""
        size, count = _HEAD.unpack_from(data)
        start = _HEAD.size + size
        self._keys = data[_HEAD.size : start]
        self._ends = data[start : start + count * _END_SIZE].cast(_ENDS)
        self.data = data[start + count * _END_SIZE :]
        self.unpack = unpack
        self.seen: dict[Any, Any] = {}

    @cached_property
    def numbers(self) -> dict[Any, int]:
        """The number of each key."""
        return {key: number for number, key in enumerate(marshal.loads(self._keys))}  # noqa: S302 - our own bytes

    def __len__(self) -> int:
        """How many rows there are."""
        return len(self._ends)

    def raw(self, number: int) -> memoryview:
        """The bytes of a row."""
        return self.data[self._ends[number - 1] if number else 0 : self._ends[number]]

    def row(self, key: Any) -> Any:
        """The row of a key, unpacked at most once. Raises KeyError."""
        if key not in self.seen:
            self.seen[key] = self.unpack(self.raw(self.numbers[key]))
        return self.seen[key]


def packed(keys: Sequence[Any], rows: Iterable[Any]) -> bytes:
    """A table of packed rows, each the bytes of its key."""
    rows = list(rows)
    ends, end = array(_ENDS), 0
    for row in rows:
        end += len(row)
        ends.append(end)
    names = marshal.dumps(tuple(keys))
    return b"".join((_HEAD.pack(len(names), len(rows)), names, ends.tobytes(), *rows))


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
        if key in self.base.numbers:
            self.gone.add(key)

    def __contains__(self, key: object) -> bool:
        """Whether there is such a row; nothing is unpacked."""
        return key in self.changed or (key in self.base.numbers and key not in self.gone)

    def __iter__(self) -> Iterator[str]:
        """The keys: those that were packed in their order, then those that came later."""
        numbers, gone = self.base.numbers, self.gone
        yield from (key for key in numbers if key not in gone) if gone else numbers
        yield from (key for key in self.changed if key not in numbers)

    def __len__(self) -> int:
        """How many rows there are."""
        return len(self.base) - len(self.gone) + sum(key not in self.base.numbers for key in self.changed)

    def pack(self, pack: Callable[[Any], bytes]) -> bytes:
        """The whole table packed anew; rows that have not changed are not unpacked for it."""
        keys, numbers, changed = tuple(self), self.base.numbers, self.changed
        return packed(keys, (pack(changed[key]) if key in changed else self.base.raw(numbers[key]) for key in keys))


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

    def __iter__(self) -> Iterator[Any]:
        """All values."""
        base, unpack = self.base, self.base.unpack
        yield from (unpack(base.raw(number)) for number in range(len(base)))
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
        kept = (self.base.raw(number) for number in range(len(self.base)))
        return packed((), (*kept, *map(pack, self.more)))
