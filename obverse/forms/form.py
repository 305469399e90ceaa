"""What a form is: its fields, its words in one language, and the two digests that tell its versions apart."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from dataclasses import field as filled
from typing import Any

# Field names that begin so are Obverse's own; every other name belongs to the author.
RESERVED = "_ob_"

# The types a form may use so far. Each is a type of obverse.schema.
TYPES = (
    "text",
    "email",
    "tel",
    "url",
    "number",
    "money",
    "date",
    "datetime",
    "choice",
    "choices",
    "boolean",
    "consent",
    "file",
    "hidden",
    "heading",
)
# Types whose answer is a number, and those whose answer is a day.
NUMBERS = ("number", "money")
DAYS = ("date", "datetime")
# A bound of a day that moves along with the calendar.
TODAY = "today"


@dataclass(frozen=True, slots=True)
class FormField:
    """One field of a form in one language.

    Rules: `type`, `required`, `max` and `min` (length of a text, size of a number, count of choices), `whole`,
    `pattern` and the values of `options`; of files `accept` (names of `obverse.forms.kinds`), `max_size` in bytes for
    each, `max_files`; of days `earliest` and `latest` ("2026-05-31", "today", "" for none); of money its `currency`
    (ISO 4217, "" for none). Words: `label`, `help`, `text` (what a consent says) and the labels of
    `options`. Neither: `rows` (0 is a single line), `autocomplete` (an HTML token, "" for the type's own), `default`.
    `when` is a rule too: the tree (`obverse.forms.when`) of when the field is asked, () for always; a heading's holds
    for all fields up to the next heading. So is `confirm`: a consent that counts once its giver has confirmed it by
    mail (double opt-in).
    """

    name: str
    type: str = "text"
    required: bool = False
    max: float | None = None
    min: float | None = None
    whole: bool = False
    pattern: str = ""
    options: Mapping[str, str] = filled(default_factory=dict)
    label: str = ""
    help: str = ""
    text: str = ""
    rows: int = 0
    autocomplete: str = ""
    default: str = ""
    when: tuple[Any, ...] = ()
    accept: tuple[str, ...] = ()
    max_size: int = 0
    max_files: int = 0
    confirm: bool = False
    earliest: str = ""
    latest: str = ""
    currency: str = ""

    def seen(self, value: Any) -> str:
        """An answer as the visitor saw it: options by their labels, an amount in its currency, several with commas."""
        if isinstance(value, list | tuple):
            return ", ".join(map(self.seen, value))
        if self.type == "money" and isinstance(value, int | float):
            return f"{value:,.2f}".removesuffix(".00") + (f" {self.currency}" if self.currency else "")
        return self.options.get(str(value), str(value))


@dataclass(frozen=True, slots=True)
class Slot:
    """A place in the thank-you message that is filled with what the visitor gave for a field, as text."""

    field: str


@dataclass(frozen=True, slots=True)
class Error:
    """What is wrong with one answer: the field, a code (a word `form.error.CODE`), and the values of that word."""

    field: str
    code: str
    params: Mapping[str, Any] = filled(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Form:
    """A form in one language. `notify` are the addresses its inquiries are mailed to, which are never published.

    `thanks` is the thank-you message: safe HTML, cut where a field's value stands. With `steps` the script shows one
    heading's fields at a time; without a script all stand on the page, so it is no rule. With `auto_reply` a mail tells
    whoever sent it that it has arrived.

    `rules` is the digest of names, types, constraints and option values: the same in all languages, chooses the checks.
    `words` is that of language, title, labels, help, option labels and consent texts: what the visitor saw. Both follow
    from the rest, once: each post asks for them.
    """

    name: str
    lang: str
    title: str
    submit: str
    fields: tuple[FormField, ...]
    notify: tuple[str, ...] = ()
    thanks: tuple[str | Slot, ...] = ()
    steps: bool = False
    auto_reply: bool = False
    rules: str = filled(default="", init=False, compare=False)
    words: str = filled(default="", init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "rules", self._rules())
        object.__setattr__(self, "words", self._words())

    def _rules(self) -> str:
        rules = [
            [
                *(one.name, one.type, one.required, one.max, one.min, one.whole, one.pattern, list(one.options)),
                bool(one.rows),  # a single line may hold no line break
                *([one.when] if one.when else []),
                # Only where there are files: forms without any keep the digests that are out there.
                *([list(one.accept), one.max_size, one.max_files] if one.type == "file" else []),
                *(["confirm"] if one.confirm else []),
                *([one.earliest, one.latest] if one.type in DAYS else []),
                *([one.currency] if one.type == "money" else []),
            ]
            for one in self.fields
        ]
        return _digest([self.name, rules])

    def _words(self) -> str:
        words = [[one.name, one.label, one.help, one.text, list(one.options.values())] for one in self.fields]
        return _digest([self.name, self.lang, self.title, self.submit, words])

    @property
    def version(self) -> str:
        """Both digests as the hidden field `_ob_version` carries them: "RULES.WORDS"."""
        return f"{self.rules}.{self.words}"

    def field(self, name: str) -> FormField | None:
        """The field of that name."""
        return next((one for one in self.fields if one.name == name), None)

    @property
    def files(self) -> tuple[FormField, ...]:
        """The fields that take files."""
        return tuple(one for one in self.fields if one.type == "file")

    def to_plain(self) -> dict[str, Any]:
        """The form as JSON can hold it, digests included."""
        plain = asdict(self)
        plain["fields"] = [_plain_field(one) for one in plain["fields"]]
        plain = {name: value for name, value in plain.items() if value or name not in ("steps", "auto_reply")}
        plain["thanks"] = [{"field": part.field} if isinstance(part, Slot) else part for part in self.thanks]
        return plain

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Form:
        """The form again. Raises KeyError or TypeError for what `to_plain` did not write."""
        return cls(
            name=plain["name"],
            lang=plain["lang"],
            title=plain["title"],
            submit=plain["submit"],
            fields=tuple(_field(one) for one in plain["fields"]),
            notify=tuple(plain["notify"]),
            thanks=tuple(part if isinstance(part, str) else Slot(part["field"]) for part in plain["thanks"]),
            steps=plain.get("steps", False),
            auto_reply=plain.get("auto_reply", False),
        )


def _plain_field(plain: dict[str, Any]) -> dict[str, Any]:
    """A field without what it does not use: older programs, which know less, read it still."""
    unused = {"accept", "max_size", "max_files"} if plain["type"] != "file" else set()
    unused |= {name for name in ("when", "confirm", "earliest", "latest", "currency") if not plain[name]}
    return {name: value for name, value in plain.items() if name not in unused}


def _field(plain: Mapping[str, Any]) -> FormField:
    return FormField(**{name: _frozen(value) if name in ("when", "accept") else value for name, value in plain.items()})


def _frozen(value: Any) -> Any:
    """The lists of JSON as the tuples they were."""
    return tuple(map(_frozen, value)) if isinstance(value, list | tuple) else value


def _digest(value: object) -> str:
    """64 bits of BLAKE2b over canonical JSON: versions of one form are few, and nobody gains by making two alike."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
