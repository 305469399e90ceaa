"""Late: a mapping that is made when somebody first looks into it; most builds look into few."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Late(Mapping[K, V]):
    """What `make` gives, made at most once."""

    __slots__ = ("_made", "_make")

    def __init__(self, make: Callable[[], Mapping[K, V]]) -> None:
        """`make` is not called before somebody asks for something."""
        self._make = make
        self._made: Mapping[K, V] | None = None

    def _whole(self) -> Mapping[K, V]:
        if self._made is None:
            self._made = self._make()
        return self._made

    def __getitem__(self, key: K) -> V:
        """The value of a key. Raises KeyError."""
        return self._whole()[key]

    def __iter__(self) -> Iterator[K]:
        """The keys, in the order they were made in."""
        return iter(self._whole())

    def __len__(self) -> int:
        """How many there are."""
        return len(self._whole())
