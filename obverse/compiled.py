"""Compiled: patterns and the methods of data classes as Python compiled them, kept from process to process.

Python keeps the bytecode of modules, but not what these compile while they are imported: some two hundred patterns and
the methods of fifty classes, which took a fifth of the time of a build that makes one page. They are kept by their
whole text beside our own bytecode, under Python's own rule for whether to write there, and for one Python alone.
"""

from __future__ import annotations

import builtins
import collections
import contextlib
import marshal
import os
import re
import sys
import typing
import zlib
from _thread import get_ident
from collections.abc import Callable, Iterable
from importlib import import_module
from itertools import islice
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, TypeAlias

# With more than this, somebody makes patterns of what they find: no further ones are remembered.
MOST = 2_000

_FILE = Path(__file__).parent / "__pycache__" / f"compiled.{sys.implementation.cache_tag}"
_CHECK = 4

_used: Compiled | None = None

Known: TypeAlias = dict[tuple[int | str, Any], bytes]
"""By what kind of text it was made of, and that text; each packed, since a process needs few of them."""


class Compiled:
    """What was compiled before, and what has been since."""

    def __init__(self, file: Path) -> None:
        """Begin with what is in `file`, if that was written by this Python and is whole."""
        self._file = file
        self.known = _known(file)
        self._process, self._before = os.getpid(), len(self.known)
        self._told = self._before

    def begin(self) -> None:
        """From now on, compile nothing that is known. Without effect where Python is built otherwise."""
        dataclasses = _data_classes()
        # Each of these looks its function up among its own names first, and finds ours.
        dataclasses.exec = self.execute
        collections.eval = self.evaluate  # type: ignore[attr-defined]
        typing.compile = self.code  # type: ignore[attr-defined] # of each field of a named tuple, which nobody asks for
        compiler: Any = getattr(re, "_compiler", None)
        if hasattr(compiler, "_sre") and hasattr(compiler, "compile"):
            maker = _Maker(compiler, self.known)
            compiler._sre, compiler.compile = maker, maker.pattern  # noqa: SLF001 - there is no other way in

    def execute(self, text: Any, *scopes: Any) -> None:
        """As `exec`."""
        exec(self._code(text, "exec"), *scopes)  # noqa: S102 - what Python would execute

    def evaluate(self, text: Any, *scopes: Any) -> Any:
        """As `eval`."""
        return eval(self._code(text, "eval"), *scopes)  # noqa: S307 - what Python would evaluate

    def code(self, text: Any, file: str, mode: str) -> Any:
        """As `compile`."""
        return self.kept(mode, text, lambda: builtins.compile(text, file, mode, dont_inherit=True))

    def _code(self, text: Any, mode: str) -> Any:
        return text if isinstance(text, CodeType) else self.code(text, "<string>", mode)

    def kept(self, kind: str, text: Any, make: Callable[[], Any]) -> Any:
        """What `make` makes of a text, something that marshal can write, once for all processes."""
        kept = self.known.get((kind, text))
        if kept is not None:
            return marshal.loads(kept)  # noqa: S302 - our own bytes, checked
        made = make()
        if len(self.known) < MOST:
            self.known[kind, text] = marshal.dumps(made)
        return made

    def told(self) -> list[tuple[Any, bytes]]:
        """What was compiled since this was asked last."""
        if len(self.known) == self._told:
            return []
        told, self._told = list(islice(self.known.items(), self._told, None)), len(self.known)
        return told

    def learn(self, told: Iterable[tuple[Any, bytes]]) -> None:
        """Know what a forked process has told."""
        self.known.update(islice(told, max(0, MOST - len(self.known))))

    def keep(self) -> None:
        """Keep what is known for other processes, if that is more than before."""
        unchanged = len(self.known) == self._before or self._process != os.getpid()
        if unchanged or sys.dont_write_bytecode:
            return
        data = _stamp() + marshal.dumps(self.known)
        draft = self._file.with_name(f"{self._file.name}.{os.getpid()}")
        with contextlib.suppress(OSError, ValueError):
            draft.write_bytes(zlib.crc32(data).to_bytes(_CHECK) + data)
            os.replace(draft, self._file)


class _Maker:
    """What `re` makes patterns with: sees what each is made of, and makes known ones without its compiler."""

    def __init__(self, compiler: Any, known: Known) -> None:
        self._compile, self._inner, self._known = compiler.compile, compiler._sre, known  # noqa: SLF001
        self._parts: dict[int, tuple[Any, ...]] = {}  # of the pattern that each thread is making

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def compile(self, pattern: Any, *parts: Any) -> Any:
        """The pattern that these parts make."""
        flags, code, *others = parts
        # Its constants are a kind of int that has a name.
        self._parts[get_ident()] = int(flags), list(map(int, code)), *others
        return self._inner.compile(pattern, *parts)

    def pattern(self, text: Any, flags: int = 0) -> Any:
        """As the compiler of `re`."""
        if type(text) not in {str, bytes}:
            return self._compile(text, flags)
        kept = self._known.get((int(flags), text))
        if kept is not None:
            return self._inner.compile(text, *marshal.loads(kept))  # noqa: S302 - our own bytes, checked
        made = self._compile(text, flags)
        parts = self._parts.pop(get_ident())
        if len(self._known) < MOST:
            self._known[int(flags), text] = marshal.dumps(parts)
        return made


def _data_classes() -> Any:
    """The module of data classes, which loads another that it asks for next to nothing when somebody does ask for it.

    To load it takes longer than all the rest of the standard library that a build with nothing to do needs.
    """
    unknown = "inspect" not in sys.modules
    if unknown:
        sys.modules["inspect"] = _Later("inspect")
    try:
        import dataclasses
    finally:
        if unknown:  # all others get what they ask for
            del sys.modules["inspect"]
    return dataclasses


class _Later(ModuleType):
    """A module that is loaded when it is first asked for something."""

    def __getattr__(self, name: str) -> Any:
        return getattr(import_module(self.__name__), name)


def _stamp() -> bytes:
    return f"{sys.version} {sys.flags.optimize}\n".encode()


def _known(file: Path) -> Known:
    try:
        data = memoryview(file.read_bytes())  # to cut bytes would be to copy most of a megabyte, twice
    except OSError:
        return {}
    check, body, stamp = data[:_CHECK], data[_CHECK:], _stamp()
    if body[: len(stamp)] != stamp or zlib.crc32(body).to_bytes(_CHECK) != check:
        return {}
    known: Known = marshal.loads(body[len(stamp) :])  # noqa: S302 - our own bytes, checked
    return known


def begun() -> Compiled:
    """What is known beside our own bytecode, in use from now on."""
    global _used  # noqa: PLW0603 - so are the functions that it takes the place of
    _used = Compiled(_FILE)
    _used.begin()
    return _used


def kept(kind: str, text: Any, make: Callable[[], Any]) -> Any:
    """What `make` makes of a text, once for all processes where such things are kept. `text` must be hashable."""
    return _used.kept(kind, text, make) if _used else make()


def told() -> list[tuple[Any, bytes]]:
    """What a forked process has compiled since this was asked last: it keeps nothing itself."""
    return _used.told() if _used else []


def learn(told: Iterable[tuple[Any, bytes]]) -> None:
    """Know what a forked process has told."""
    if _used:
        _used.learn(told)
