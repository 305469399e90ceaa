"""The ledger on disk: a base, and beside it all that has changed since, so that a small edit writes a small file.

Each is one file that arrives whole, in two parts with a checksum each: what tells whether there is anything to do, and
the rest, which a build with nothing to do never reads. What has changed names the base it belongs to and is ignored
beside any other; a damaged file makes the ledger unknown. When too much has changed, all of it is a new base.
"""

from __future__ import annotations

import contextlib
import gc
import marshal
import mmap
import os
import struct
import sys
import zlib
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from obverse.ledger import Asked, Base, Ledger, Outline, Written, problems_in, problems_out
from obverse.rows import Packed, Row, Rows, packed

FORMAT = 8
_MAGIC = f"obverse ledger {FORMAT} {sys.implementation.cache_tag}\n".encode()
# Of each part its length in bytes and its CRC-32. They guard against a torn file, and together they name a base.
_HEAD = struct.Struct("<QIQI")
_BODY = len(_MAGIC) + _HEAD.size
# In the second part of a base: how long what is unpacked at once is, and how long the questions are.
_LENGTHS = struct.Struct("<QQ")

BASE = ".ledger"
SINCE = ".since"
# A file of changes is worth its while until it is this part of the base.
_WORTH = 8
_LITTLE = 100_000

# The tables that are dicts, in their order in each part.
_SEEN = ("sources", "stamps")
_TABLES = ("pages", "places", "references", "outputs", "addresses")
# Those of what was asked; of the second, and of all questions, only what an edit touches is ever unpacked.
_ASKED = ("marks", "cells")

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


def save(old: Ledger, new: Ledger, file: Path) -> tuple[Path, bytes]:
    """The file to replace, and its bytes, so that `load(file)` gives `new`; `old` is what was loaded from it.

    `new` then knows its base, as if it had been loaded.
    """
    base = old.base
    with _no_collection():
        if base is not None and _longer(old.asked.keys, new.asked.keys):
            changes = _changes(old, new, base)
            data = _framed(marshal.dumps((base.check, *changes[:2])), marshal.dumps(changes[2]))
            if len(data) < max(_LITTLE, base.size // _WORTH):
                new.base = replace(base, since=changes)
                return file.with_suffix(SINCE), data
        data = _framed(marshal.dumps(_plain_seen(new)), _packed_rest(new))
        new.base = Base(data[len(_MAGIC) : _BODY], len(data), len(new.asked.keys))
        return file, data


def settle(file: Path) -> None:
    """Tidy up after `file` was replaced: a new base has no changes beside it.

    New changes are told by the time of their base, which is the one file to watch for whoever waits for builds.
    """
    if file.suffix == SINCE:
        with contextlib.suppress(FileNotFoundError):
            os.utime(file.with_suffix(BASE))
    else:
        file.with_suffix(SINCE).unlink(missing_ok=True)


def remove(file: Path) -> None:
    """Take a ledger away."""
    file.unlink(missing_ok=True)
    settle(file)


@contextlib.contextmanager
def _no_collection() -> Iterator[None]:
    """While a great many objects are made, none of which is garbage, there is no use in looking for any."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


@contextlib.contextmanager
def _read(file: Path) -> Iterator[tuple[_Frame | None, _Frame | None]]:
    """The base and its changes. What is made of them lives as long as the process, so none of it is ever garbage."""
    with _no_collection(), _opened(file) as frames:
        yield frames
        gc.freeze()


# Frames: the two parts that a file holds.


class _Frame(NamedTuple):
    """A file of two parts, open to be read."""

    data: mmap.mmap

    @property
    def check(self) -> bytes:
        """What tells it from any other."""
        return self.data[len(_MAGIC) : _BODY]

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


def _framed(*parts: bytes) -> bytes:
    return b"".join((_MAGIC, _HEAD.pack(*(one for part in parts for one in (len(part), zlib.crc32(part)))), *parts))


@contextlib.contextmanager
def _opened(file: Path) -> Iterator[tuple[_Frame | None, _Frame | None]]:
    """The base and its changes, None for what is not there. Raises ValueError when one of them is damaged."""
    with contextlib.ExitStack() as stack:
        yield _frame(file, stack), _frame(file.with_suffix(SINCE), stack)


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


def _packed_rest(ledger: Ledger) -> bytes:
    """What is unpacked at once, the questions, and the cells: each after its length."""
    asked, pack = ledger.asked, marshal.dumps
    tables = tuple(_plain_table(ledger, name) for name in _TABLES)
    plain = pack((tables, _plain_standing(ledger), asked.digests, asked.marks))
    keys = asked.keys.pack(pack) if isinstance(asked.keys, Row) else packed((), map(pack, asked.keys))
    cells = asked.cells
    by_origin = cells.pack(pack) if isinstance(cells, Rows) else packed(tuple(cells), map(pack, cells.values()))
    return b"".join((_LENGTHS.pack(len(plain), len(keys)), plain, keys, by_origin))


def _plain_table(ledger: Ledger, name: str) -> dict[str, Any]:
    table: dict[str, Any] = getattr(ledger, name)
    # marshal knows tuples, not their children
    return {path: tuple(one) for path, one in table.items()} if name == "outputs" else table


def _plain_standing(ledger: Ledger) -> tuple[Any, ...]:
    return ledger.standing, ledger.planned, ledger.forms, ledger.asked.until


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
        ledger = _from_packed(rest)
    ledger.sources = outline.sources
    ledger.base = Base(base.check, len(base.data), len(ledger.asked.keys))
    _set_outline(ledger, outline)
    if since is not None:
        (check, *seen), changes = since.part(0), since.part(1)
        if check == base.check:
            _apply(ledger, ledger.base, (*seen, changes))
    return ledger


def _from_packed(rest: memoryview) -> Ledger:
    plain, keys = _LENGTHS.unpack_from(rest)
    start, end = _LENGTHS.size + plain, _LENGTHS.size + plain + keys
    with rest[_LENGTHS.size : start] as part:
        tables, standing, digests, marks = marshal.loads(part)  # noqa: S302 - checked
    # Copies, so that the file can be closed; nothing of them is looked at yet.
    row, cells = Row(Packed(memoryview(bytes(rest[start:end])))), Rows(Packed(memoryview(bytes(rest[end:]))))
    named = dict(zip(_TABLES, tables, strict=True))
    ledger = Ledger(**named, asked=Asked(row, digests, {}, marks, cells))
    ledger.outputs = dict(zip(ledger.outputs, map(Written._make, ledger.outputs.values()), strict=True))
    _set_standing(ledger, standing)
    return ledger


def _set_outline(ledger: Ledger, outline: Outline) -> None:
    ledger.rules, ledger.setting, ledger.told = outline.rules, outline.setting, outline.told
    ledger.next_due, ledger.built_at = outline.next_due, outline.built_at


def _set_standing(ledger: Ledger, standing: tuple[Any, ...]) -> None:
    ledger.standing, ledger.planned, ledger.forms, ledger.asked.until = standing


# Changes. They pile up over the builds: each file of changes has all since its base.


_UNCHANGED: tuple[Any, ...] = (
    tuple(({}, ()) for _ in _SEEN),
    (),
    (tuple(({}, ()) for _ in (*_TABLES, *_ASKED)), {}),
)


def _changes(old: Ledger, new: Ledger, base: Base) -> tuple[Any, ...]:
    """What has changed in the tables of the first part, its texts as they are now, and all of the second part."""
    seen, _, (tables, digests, *_) = base.since or _UNCHANGED
    seen = tuple(
        _merged(known, *_difference(getattr(old, name), getattr(new, name)))
        for name, known in zip(_SEEN, seen, strict=True)
    )
    pairs = [(getattr(old, name), getattr(new, name)) for name in _TABLES]
    pairs += [(getattr(old.asked, name), getattr(new.asked, name)) for name in _ASKED]
    tables = tuple(_merged(known, *_difference(*pair)) for known, pair in zip(tables, pairs, strict=True))
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


def _difference(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[dict[str, Any], set[str]]:
    if isinstance(old, Rows) and isinstance(new, Rows) and old.base is new.base:
        changed = {key: row for key, row in new.changed.items() if old.get(key) != row}
        return changed, {key for key in (*new.gone, *old.changed) if key in old and key not in new}
    before = old.get
    other = {key: value for key, value in new.items() if before(key, _NONE) is not value}
    changed = {key: _plain(value) for key, value in other.items() if before(key, _NONE) != value}
    return changed, old.keys() - new.keys()


# Nothing that any table holds.
_NONE = object()


def _plain(value: Any) -> Any:
    """A record without the class that marshal does not know."""
    return tuple(value) if isinstance(value, tuple) else value


def _merged(known: _Change, changed: dict[str, Any], gone: set[str]) -> _Change:
    kept = {key: value for key, value in known[0].items() if key not in gone}
    return {**kept, **changed}, tuple(sorted(gone.union(known[1]) - changed.keys()))


def _apply(ledger: Ledger, base: Base, changes: tuple[Any, ...]) -> None:
    _, _, (tables, digests, keys, more, standing) = changes
    asked = ledger.asked
    # The sources and the texts are those of the outline, which knows of them already.
    targets = [*(getattr(ledger, name) for name in _TABLES), asked.marks, asked.cells]
    for target, change in zip(targets, tables, strict=True):
        _change(target, change)
    rows = ledger.outputs
    rows.update({path: Written._make(rows[path]) for path in tables[_TABLES.index("outputs")][0]})
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
