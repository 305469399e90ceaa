"""The ledger on disk: a base, and beside it all that has changed since, so that a small edit writes a small file.

Each is one file that arrives whole, with a checksum. What has changed names the base it belongs to and is ignored
beside any other; a damaged one makes the ledger unknown. When too much has changed, all of it is a new base.
"""

from __future__ import annotations

import contextlib
import gc
import hashlib
import marshal
import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from obverse.ledger import Asked, Base, Ledger, Written, problems_in, problems_out

FORMAT = 6
_MAGIC = f"obverse ledger {FORMAT} {sys.implementation.cache_tag}\n".encode()
_CHECK = 16

BASE = ".ledger"
SINCE = ".since"
# A file of changes is worth its while until it is this part of the base.
_WORTH = 8
_LITTLE = 100_000

# The tables that are dicts, by their place in the plain form of a ledger.
_TABLES = ("sources", "pages", "places", "references", "outputs", "addresses")


def load(file: Path) -> Ledger:
    """The ledger in `file`; an empty one when there is none, or when it is damaged or of another format or Python."""
    with _no_collection():
        base, check, size = _read(file)
        if base is None:
            return Ledger()
        ledger = _from_plain(base)
        ledger.base = Base(check, size, len(ledger.asked.keys))
        try:
            since, _, _ = _read(file.with_suffix(SINCE), missing=())
        except ValueError:
            return Ledger()
        if since and since[0] == check:
            _apply(ledger, since[1])
        return ledger


def save(old: Ledger, new: Ledger, file: Path) -> tuple[Path, bytes]:
    """The file to replace, and its bytes, so that `load(file)` gives `new`; `old` is what was loaded from it.

    `new` then knows its base, as if it had been loaded.
    """
    base = old.base
    with _no_collection():
        if base is not None and new.asked.keys[: len(old.asked.keys)] == old.asked.keys:
            changes = _changes(old, new, base)
            data = _framed((base.check, changes))
            if len(data) < max(_LITTLE, base.size // _WORTH):
                new.base = replace(base, since=changes)
                return file.with_suffix(SINCE), data
        data = _framed(_to_plain(new))
        new.base = Base(data[len(_MAGIC) : len(_MAGIC) + _CHECK], len(data), len(new.asked.keys))
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


# Frames: what a file holds and a checksum that guards against a torn or foreign one.


def _framed(plain: Any) -> bytes:
    body = marshal.dumps(plain)
    return b"".join((_MAGIC, _checksum(body), body))


def _read(file: Path, missing: Any = None) -> tuple[Any, bytes, int]:
    """What a file holds, its checksum and its size; `missing` when there is none.

    Raises ValueError for a damaged file when there is something to take the place of a missing one.
    """
    try:
        data = memoryview(file.read_bytes())
    except OSError:
        return missing, b"", 0
    head, check, body = data[: len(_MAGIC)], data[len(_MAGIC) : len(_MAGIC) + _CHECK], data[len(_MAGIC) + _CHECK :]
    if head != _MAGIC or check != _checksum(body):
        if missing is not None:
            raise ValueError("a damaged ledger")
        return None, b"", 0
    return marshal.loads(body), bytes(check), len(data)  # noqa: S302 - checked: our own bytes, on our own disk


def _checksum(body: bytes | memoryview) -> bytes:
    return hashlib.blake2b(body, digest_size=_CHECK).digest()


# The plain form of a whole ledger.


def _to_plain(ledger: Ledger) -> tuple[Any, ...]:
    asked = ledger.asked
    return (
        *(_plain_table(ledger, name) for name in _TABLES),
        _plain_rest(ledger),
        (asked.keys, asked.digests, asked.origins),
    )


def _plain_table(ledger: Ledger, name: str) -> dict[str, Any]:
    table: dict[str, Any] = getattr(ledger, name)
    # marshal knows tuples, not their children
    return {path: tuple(one) for path, one in table.items()} if name == "outputs" else table


def _plain_rest(ledger: Ledger) -> tuple[Any, ...]:
    known = (ledger.rules, ledger.setting, ledger.next_due, ledger.built_at)
    return (*known, ledger.standing, ledger.planned, ledger.forms, ledger.asked.until, problems_out(ledger.told))


def _from_plain(plain: tuple[Any, ...]) -> Ledger:
    *tables, rest, (keys, digests, origins) = plain
    ledger = Ledger(**dict(zip(_TABLES, tables, strict=True)), asked=Asked(keys, digests, {}, origins))
    ledger.outputs = dict(zip(ledger.outputs, map(Written._make, ledger.outputs.values()), strict=True))
    _set_rest(ledger, rest)
    return ledger


def _set_rest(ledger: Ledger, rest: tuple[Any, ...]) -> None:
    ledger.rules, ledger.setting, ledger.next_due, ledger.built_at, *standing, ledger.asked.until, told = rest
    ledger.standing, ledger.planned, ledger.forms = standing
    ledger.told = problems_in(told)


# Changes. They pile up over the builds: each file of changes has all since its base.


def _changes(old: Ledger, new: Ledger, base: Base) -> tuple[Any, ...]:
    before = base.since or (tuple(({}, ()) for _ in (*_TABLES, "origins")), {}, [], [], ())
    pairs = [(getattr(old, name), getattr(new, name)) for name in _TABLES]
    pairs.append((old.asked.origins, new.asked.origins))
    tables = tuple(_merged(known, *_difference(*pair)) for known, pair in zip(before[0], pairs, strict=True))
    digests = dict(before[1])
    both = zip(old.asked.digests[: base.keys], new.asked.digests[: base.keys], strict=True)
    digests.update({number: now for number, (then, now) in enumerate(both) if then is not now and then != now})
    return tables, digests, new.asked.keys[base.keys :], new.asked.digests[base.keys :], _plain_rest(new)


def _difference(old: dict[str, Any], new: dict[str, Any]) -> tuple[dict[str, Any], set[str]]:
    changed = {}
    for key, value in new.items():
        before = old.get(key)
        if before is not value and before != value:
            changed[key] = value if type(value) is tuple else tuple(value)
    return changed, old.keys() - new.keys()


def _merged(known: tuple[dict[str, Any], Any], changed: dict[str, Any], gone: set[str]) -> tuple[dict[str, Any], Any]:
    kept = {key: value for key, value in known[0].items() if key not in gone}
    return {**kept, **changed}, tuple(sorted(gone.union(known[1]) - changed.keys()))


def _apply(ledger: Ledger, changes: tuple[Any, ...]) -> None:
    tables, digests, keys, more, rest = changes
    targets = [getattr(ledger, name) for name in _TABLES]
    for name, target, (changed, gone) in zip((*_TABLES, ""), (*targets, ledger.asked.origins), tables, strict=True):
        target.update({key: Written._make(one) for key, one in changed.items()} if name == "outputs" else changed)
        for key in gone:
            target.pop(key, None)
    for number, digest in digests.items():
        ledger.asked.digests[number] = digest
    ledger.asked.keys.extend(keys)
    ledger.asked.digests.extend(more)
    _set_rest(ledger, rest)
    if ledger.base:
        ledger.base.since = changes
