"""The ledger on disk: a base, and beside it all that has changed since, so that a small edit writes a small file.

Each is one file that arrives whole, in two parts with a checksum each: what tells whether there is anything to do, and
the rest, which a build with nothing to do never reads. What has changed names the base it belongs to and is ignored
beside any other; a damaged or missing file makes the ledger unknown. When too much has changed, all of it is a new
base, with a file beside it that tells of no changes.
"""

from __future__ import annotations

import contextlib
import marshal
import mmap
import os
import struct
import sys
import zlib
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from dataclasses import replace
from functools import reduce
from pathlib import Path
from typing import Any, NamedTuple

from obverse.garbage import for_good, nowhere
from obverse.ledger import Asked, Base, Ledger, Outline, Outputs, Table, Written, problems_in, problems_out
from obverse.rows import Packed, Row, Rows, difference, numbered, packed

FORMAT = 11
_MAGIC = f"obverse ledger {FORMAT} {sys.implementation.cache_tag}\n".encode()
# Of each part its length in bytes and its CRC-32. They guard against a torn file, and together they name a base.
_HEAD = struct.Struct("<QIQI")
_BODY = len(_MAGIC) + _HEAD.size
# In the second part of a base: how long each of its sections is.
_LENGTH = struct.Struct("<Q")

BASE = ".ledger"
SINCE = ".since"
# A file of changes is worth its while until one of its parts is this part of that of the base.
_WORTH = 8
_LITTLE = 100_000
# Rows that surely have as many bytes.
_SOME = 1_000

# The tables of the first part, and those of the second, in their order. The latter are packed: only what an edit
# touches is ever unpacked.
_SEEN = ("sources", "stamps")
_TABLES = ("pages", "places", "orders", "addresses", "written", "reads", "cells")

# What has changed in a table: the rows that are new or others, and the keys of those that are gone.
_Change = tuple[dict[str, Any], Any]


def outline(file: Path) -> Outline:
    """What the ledger in `file` says before it is read; an empty one when there is none that can be read."""
    try:
        with _read(file) as (base, since):
            return _outline(base, since) if base else Outline()
    except ValueError:
        return Outline()


def load(file: Path, seen: Outline | None = None) -> Ledger:
    """The ledger in `file`; an empty one when there is none, or when it is damaged or of another format or Python.

    `seen` is what it said before it was read, if that is known.
    """
    try:
        with _read(file) as (base, since):
            return _whole(base, since, seen if seen and seen.stamps else _outline(base, since)) if base else Ledger()
    except ValueError:
        return Ledger()


def ahead(tables: Mapping[str, Table[Any]]) -> dict[str, bytes]:
    """Tables of a new base, by their names, packed for `save` while there is time for it."""
    with nowhere():
        return {name: _packed_table(name, table) for name, table in tables.items()}


def save(old: Ledger, new: Ledger, file: Path, ready: Mapping[str, bytes] | None = None) -> tuple[Path, bytes]:
    """The file to replace, and its bytes, so that `load(file)` gives `new`; `old` is what was loaded from it.

    `ready` are tables of `new` that are packed already. `new` then knows its base, as if it had been loaded.
    """
    base = old.base
    with nowhere():
        if base is not None and not _mostly_new(new.outputs.records) and _longer(old.asked.keys, new.asked.keys):
            changes = _changes(old, new, base)
            little = marshal.dumps((base.check, *changes[:2])), marshal.dumps(changes[2])
            if all(len(part) < max(_LITTLE, size // _WORTH) for part, size in zip(little, base.sizes, strict=True)):
                new.base = replace(base, since=changes)
                return file.with_suffix(SINCE), _framed([little[0]], [little[1]])
        parts = [marshal.dumps(_plain_seen(new))], _packed_rest(new, ready or {})
        data = _framed(*parts)
        new.base = Base(data[len(_MAGIC) : _BODY], (_length(parts[0]), _length(parts[1])), len(new.asked.keys))
        return file, data


def _mostly_new(written: Table[Written]) -> bool:
    """Whether so many outputs were written that to tell them all as changes would only show that they are too many."""
    return isinstance(written, Rows) and len(written.changed) > max(_SOME, len(written.base) // 2)


def settle(file: Path) -> None:
    """Tidy up after `file` was replaced: a new base has a file of no changes beside it.

    Without one, a base from before would pass for all that is known once somebody has deleted what came later.

    New changes are told by the time of their base, which is the one file to watch for whoever waits for builds.
    """
    if file.suffix == SINCE:
        with contextlib.suppress(FileNotFoundError):
            os.utime(file.with_suffix(BASE))
    else:
        file.with_suffix(SINCE).write_bytes(_framed([marshal.dumps((b"", (), ()))], [marshal.dumps(())]))


def remove(file: Path) -> None:
    """Take a ledger away."""
    for one in (file, file.with_suffix(SINCE)):
        one.unlink(missing_ok=True)


@contextlib.contextmanager
def _read(file: Path) -> Iterator[tuple[_Frame | None, _Frame | None]]:
    """The base and its changes. What is made of them lives as long as the process, so none of it is ever garbage."""
    with for_good(), _opened(file) as frames:
        yield frames


# Frames: the two parts that a file holds.


class _Frame(NamedTuple):
    """A file of two parts, open to be read."""

    data: mmap.mmap

    @property
    def check(self) -> bytes:
        """What tells it from any other."""
        return self.data[len(_MAGIC) : _BODY]

    @property
    def sizes(self) -> tuple[int, int]:
        """How many bytes each part has."""
        first, _, second, _ = _HEAD.unpack(self.check)
        return first, second

    def part(self, number: int) -> Any:
        """The first or the second part as the values it was made of. Raises ValueError when it is damaged."""
        with self.view(number) as part:
            return marshal.loads(part)  # noqa: S302 - checked: our own bytes, on our own disk

    def view(self, number: int) -> memoryview:
        """The bytes of the first or the second part. Raises ValueError when it is damaged."""
        first, check, second, other = _HEAD.unpack(self.check)
        start, end, check = ((_BODY, _BODY + first, check), (_BODY + first, _BODY + first + second, other))[number]
        part = memoryview(self.data)[start:end]
        if zlib.crc32(part) != check:
            part.release()
            raise ValueError("a damaged ledger")
        return part


def _framed(first: Sequence[bytes], second: Sequence[bytes]) -> bytes:
    """A file of two parts, each in pieces: they are put together once."""
    head = _HEAD.pack(*(one for part in (first, second) for one in (_length(part), _checksum(part))))
    return b"".join((_MAGIC, head, *first, *second))


def _length(part: Sequence[bytes]) -> int:
    return sum(map(len, part))


def _checksum(part: Sequence[bytes]) -> int:
    return reduce(lambda check, piece: zlib.crc32(piece, check), part, 0)


@contextlib.contextmanager
def _opened(file: Path) -> Iterator[tuple[_Frame | None, _Frame | None]]:
    """The base and its changes, None when there is no base. Raises ValueError when one is damaged or stands alone."""
    with contextlib.ExitStack() as stack:
        base, since = _frame(file, stack), _frame(file.with_suffix(SINCE), stack)
        if base and not since:
            raise ValueError("a ledger without what came later")
        yield base, since


def _frame(file: Path, stack: contextlib.ExitStack) -> _Frame | None:
    """A file, open until the stack ends. Raises ValueError when it is none of ours or has not its whole length."""
    try:
        stream = stack.enter_context(file.open("rb"))
    except OSError:
        return None
    data = stack.enter_context(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ))
    if data[: len(_MAGIC)] != _MAGIC or len(data) < _BODY:
        raise ValueError("not a ledger of this format")
    first, _, second, _ = _HEAD.unpack(data[len(_MAGIC) : _BODY])
    if len(data) != _BODY + first + second:
        raise ValueError("a torn ledger")
    return _Frame(data)


# The plain form of a whole ledger.


def _plain_seen(ledger: Ledger) -> tuple[Any, ...]:
    return tuple(getattr(ledger, name) for name in _SEEN), _plain_texts(ledger)


def _plain_texts(ledger: Ledger) -> tuple[Any, ...]:
    return ledger.rules, ledger.setting, ledger.next_due, ledger.built_at, problems_out(ledger.told)


def _tables(ledger: Ledger) -> tuple[Table[Any], ...]:
    """The tables of the second part, in their order."""
    outputs = ledger.outputs
    return (
        ledger.pages, ledger.places, ledger.orders, ledger.addresses, outputs.records, outputs.reads,
        ledger.asked.cells,
    )  # fmt: skip


def _pack_plain(row: Any) -> bytes:
    return marshal.dumps(_plain(row))


def _written(data: Any) -> Written:
    return Written._make(marshal.loads(data))  # noqa: S302 - checked


# How a row becomes bytes and how it is made of them again, for those tables that are not all plain values.
_PACK: dict[str, Any] = {"written": _pack_plain, "reads": bytes}
_UNPACK: dict[str, Any] = {"written": _written, "reads": bytes}


def _packed_rest(ledger: Ledger, ready: Mapping[str, bytes]) -> list[bytes]:
    """What is unpacked at once, the questions, and all tables: each after its length."""
    keys = ledger.asked.keys
    sections = [marshal.dumps(_plain_rest(ledger))]
    sections.append(keys.pack(marshal.dumps) if isinstance(keys, Row) else numbered(map(marshal.dumps, keys)))
    tables = zip(_TABLES, _tables(ledger), strict=True)
    sections += [ready.get(name) or _packed_table(name, table) for name, table in tables]
    return [part for section in sections for part in (_LENGTH.pack(len(section)), section)]


def _packed_table(name: str, table: Table[Any]) -> bytes:
    pack = _PACK.get(name, marshal.dumps)
    return table.pack(pack) if isinstance(table, Rows) else packed({key: pack(row) for key, row in table.items()})


def _sections(rest: memoryview) -> Iterator[memoryview]:
    start = 0
    while start < len(rest):
        (length,) = _LENGTH.unpack_from(rest, start)
        start += _LENGTH.size + length
        yield rest[start - length : start]


def _plain_rest(ledger: Ledger) -> tuple[Any, ...]:
    """All that is small, and what of the questions is not packed."""
    return _plain_standing(ledger), ledger.asked.digests


def _plain_standing(ledger: Ledger) -> tuple[Any, ...]:
    outputs, asked = ledger.outputs, ledger.asked
    of_outputs = outputs.wants, outputs.told, outputs.assets
    return (
        _plain(ledger.standing), ledger.planned, ledger.forms, ledger.references, asked.until, asked.marks, of_outputs,
    )  # fmt: skip


def _outline(base: _Frame, since: _Frame | None) -> Outline:
    tables, texts = base.part(0)
    if since is not None:
        check, changes, later = since.part(0)
        if check == base.check:
            texts = later
            for table, change in zip(tables, changes, strict=True):
                _change(table, change)
    sources, stamps = tables
    rules, setting, next_due, built_at, told = texts
    return Outline(sources, stamps, rules, setting, next_due, built_at, problems_in(told))


def _whole(base: _Frame, since: _Frame | None, outline: Outline) -> Ledger:
    with base.view(1) as rest:
        # A copy, so that the file can be closed; next to nothing of it is looked at yet.
        plain, keys, *tables = _sections(memoryview(bytes(rest)))
    standing, digests = marshal.loads(plain)  # noqa: S302 - checked
    rows = {
        name: Rows(Packed(one, _UNPACK.get(name, marshal.loads))) for name, one in zip(_TABLES, tables, strict=True)
    }
    ledger = Ledger(
        sources=outline.sources,
        pages=rows["pages"],
        places=rows["places"],
        orders=rows["orders"],
        addresses=rows["addresses"],
        outputs=Outputs(rows["written"], rows["reads"], outline.stamps),
        asked=Asked(Row(Packed(keys)), digests, cells=rows["cells"]),
        rules=outline.rules,
        setting=outline.setting,
        next_due=outline.next_due,
        built_at=outline.built_at,
        told=outline.told,
    )
    _set_standing(ledger, standing)
    ledger.base = Base(base.check, base.sizes, len(ledger.asked.keys))
    if since is not None:
        (check, *seen), changes = since.part(0), since.part(1)
        if check == base.check:
            _apply(ledger, ledger.base, (*seen, changes))
    return ledger


def _set_standing(ledger: Ledger, standing: tuple[Any, ...]) -> None:
    outputs, asked = ledger.outputs, ledger.asked
    ledger.standing, ledger.planned, ledger.forms, ledger.references, asked.until, asked.marks, of_outputs = standing
    outputs.wants, outputs.told, outputs.assets = of_outputs


# Changes. They pile up over the builds: each file of changes has all since its base.


_UNCHANGED: tuple[Any, ...] = (tuple(({}, ()) for _ in _SEEN), (), (tuple(({}, ()) for _ in _TABLES), {}))


def _changes(old: Ledger, new: Ledger, base: Base) -> tuple[Any, ...]:
    """What has changed in the tables of the first part, its texts as they are now, and all of the second part."""
    seen, _, (tables, digests, *_) = base.since or _UNCHANGED
    seen = tuple(
        _merged(known, getattr(old, name), getattr(new, name)) for name, known in zip(_SEEN, seen, strict=True)
    )
    pairs = zip(tables, _tables(old), _tables(new), strict=True)
    tables = tuple(_merged(*one) for one in pairs)
    was, now = old.asked.digests[: base.keys], new.asked.digests[: base.keys]
    if was != now:
        both = enumerate(zip(was, now, strict=True))
        digests = digests | {number: digest for number, (then, digest) in both if then != digest}
    asked = new.asked.keys[base.keys :], new.asked.digests[base.keys :]
    return seen, _plain_texts(new), (tables, digests, *asked, _plain_standing(new))


def _longer(old: Sequence[Any], new: Sequence[Any]) -> bool:
    """Whether a row of questions is another one with nothing but more at its end."""
    if isinstance(old, Row) and isinstance(new, Row) and old.base is new.base:
        return new.more[: len(old.more)] == old.more
    return list(new)[: len(old)] == list(old)


def _merged(known: _Change, old: Table[Any], new: Table[Any]) -> _Change:
    """What has changed since the base: what had, and what is different in a new table."""
    changed, gone = difference(old, new)
    kept = {key: value for key, value in known[0].items() if key not in gone}
    others = {key: _plain(row) for key, row in changed.items()}
    return {**kept, **others}, tuple(sorted(gone.union(known[1]) - changed.keys()))


def _plain(value: Any) -> Any:
    """A record without the class that marshal does not know."""
    return tuple(value) if isinstance(value, tuple) else value


def _apply(ledger: Ledger, base: Base, changes: tuple[Any, ...]) -> None:
    _, _, (tables, digests, keys, more, standing) = changes
    asked = ledger.asked
    # The sources, the stamps and the texts are those of the outline, which knows of them already.
    for name, table, (changed, gone) in zip(_TABLES, _tables(ledger), tables, strict=True):
        rows = {path: Written._make(row) for path, row in changed.items()} if name == "written" else changed
        _change(table, (rows, gone))
    for number, digest in digests.items():
        asked.digests[number] = digest
    for key in keys:
        asked.keys.append(key)
    asked.digests.extend(more)
    _set_standing(ledger, standing)
    base.since = changes


def _change(table: MutableMapping[str, Any], change: _Change) -> None:
    changed, gone = change
    table.update(changed)
    for key in gone:
        table.pop(key, None)
