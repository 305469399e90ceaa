"""Fields: what a key may hold. A schema is a mapping of names to fields, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, TypeAlias

Options: TypeAlias = "tuple[str, ...] | Mapping[str, str]"


class Unset(Enum):
    """The mark of a field without a default of its own: it falls back to its type's empty value."""

    UNSET = "unset"


UNSET: Final = Unset.UNSET

# What each type is when nothing is given. Every type there is has its line here.
EMPTIES: dict[str, Any] = {
    "text": "",
    "markdown": "",
    "email": "",
    "url": "",
    "tel": "",
    "number": None,
    "money": "",
    "date": None,
    "datetime": None,
    "boolean": False,
    "choice": "",
    "choices": (),
    "consent": False,
    "hidden": "",
    "heading": "",
    "reference": "",
    "image": "",
    "file": "",
    "list": (),
    "object": {},
}


@dataclass(frozen=True, slots=True)
class Field:
    """One key of a schema.

    `type` is a key of `EMPTIES`. `max` and `min` bound the length of a text, the size of a number or money, or the
    count of a list. `options` are the values of a choice, with their labels where it is a mapping. `of` types the items
    of a list, or every value of an object that names no `fields`; an object with neither is free. `help` is one
    sentence: the manual, the JSON Schema and the hint of a problem are made of it.

    How authors write it: `also` are other names of the key; `commas` lets one text hold a whole list; `whole` wants a
    number without decimals; `name_key` lets a table stand for a text, by that key of it; `placed` gives an object's
    value its own `line`. `check` returns a complaint ("must be …") or "".
    """

    type: str = "text"
    required: bool = False
    default: Any = UNSET
    options: Options = ()
    of: Field | None = None
    fields: Mapping[str, Field] | None = None
    max: float | None = None
    min: float | None = None
    pattern: str = ""
    help: str = ""
    also: tuple[str, ...] = ()
    commas: bool = False
    whole: bool = False
    name_key: str = ""
    placed: bool = False
    check: Callable[[Any], str] | None = None

    def __post_init__(self) -> None:
        """Raise ValueError for a type that does not exist: a mistake in the code that declares the field."""
        if self.type not in EMPTIES:
            raise ValueError(f"no field type '{self.type}'")

    @property
    def empty(self) -> Any:
        """The value when none is given."""
        return EMPTIES[self.type] if self.default is UNSET else self.default


def option_values(field: Field) -> tuple[str, ...]:
    """The values a choice accepts, in their order."""
    return tuple(field.options)
