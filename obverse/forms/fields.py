"""Fields: one entry of a form file's `fields` -> a `FormField`, or every problem it has, each at its place.

Keys of any field: `type` (text when missing), `label` (the name made readable when missing), `help`, and but for hidden
ones `when` (the condition on which it is asked: `obverse.forms.when`). Besides, by type:

- text, email, tel, url: `required`, `max` and `min` (code points), `pattern` (see `obverse.forms.pattern`),
  `autocomplete`, `default`; text also `rows` (0 = one line), and then no `pattern`: browsers check it on a line only;
- number: `required`, `max`, `min`, `whole`, `autocomplete`, `default`;
- choice: `options`, `required`, `autocomplete`, `default`; choices: the same with `max` and `min` (how many may be
  chosen), without `autocomplete`;
- boolean: `required` (must be ticked), `default`; consent: `required`, `text`, `confirm` (it counts once it is
  confirmed by mail). A consent has no default: a box that was ticked beforehand is no consent;
- file: `required`, `accept` (which kinds, `obverse.forms.kinds`), `max_size` of each (5 MB), `max_files` (1);
- hidden: `max`, `default`. Heading: nothing more.

Every text has an end: `max` is 200 for a line, 4000 for a text with rows, 254 for email, 2000 for url, 40 for tel and
500 for hidden when nothing is said (`obverse.forms.limits`).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from obverse.forms.autocomplete import tokens, usual
from obverse.forms.checking import check
from obverse.forms.form import NUMBERS, RESERVED, TODAY, TYPES, Form, FormField
from obverse.forms.kinds import KINDS, MOST_FILES, MOST_SIZE, PICTURES, USUAL_FILES, USUAL_SIZE, read_size, spoken_size
from obverse.forms.limits import DEFAULTS, GREATEST, LONGEST_OPTION, MOST_OPTIONS, cap, kind_of
from obverse.forms.pattern import LONGEST, parse
from obverse.forms.when import LONGEST as LONGEST_CONDITION
from obverse.forms.when import Tree
from obverse.forms.when import parse as parse_condition
from obverse.problems import Problem
from obverse.schema import FORBIDDEN, Document, Entry, Field, Node, Refused, Table, read, read_value, written
from obverse.schema.read import shown
from obverse.schema.scalar import SCALARS, one_of

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")

# The words of a field, which a language variant may give anew.
LABEL, HELP, CONSENT = Field(max=200), Field(max=1000), Field(max=4000)

# A picture is a file of certain kinds: the word is its author's alone.
IMAGE = "image"

KEYS: dict[str, Field] = {
    "type": Field("choice", default="text", options=(*TYPES, IMAGE)),
    "label": LABEL,
    "help": HELP,
    "required": Field("boolean"),
    "max": Field("number"),
    "min": Field("number"),
    "whole": Field("boolean"),
    "pattern": Field("hidden", max=LONGEST),
    "options": Field("hidden"),
    "text": CONSENT,
    "rows": Field("number", default=0, whole=True, min=0, max=60),
    "autocomplete": Field(max=100),
    "default": Field("hidden"),
    "when": Field("hidden", max=LONGEST_CONDITION),
    "accept": Field("list", of=Field("choice", options=tuple(KINDS)), commas=True, max=len(KINDS)),
    "max_size": Field("hidden"),
    "max_files": Field("number", default=USUAL_FILES, whole=True, min=1, max=MOST_FILES),
    "confirm": Field("boolean"),
    "earliest": Field("hidden"),
    "latest": Field("hidden"),
    "currency": Field(pattern="[A-Z]{3}"),
}

_LINE = frozenset("required max min pattern autocomplete default".split())
_DAY = frozenset("required earliest latest autocomplete default".split())
_FILE = frozenset("required accept max_size max_files".split())
_SENSIBLE: dict[str, frozenset[str]] = {
    "text": _LINE | {"rows"},
    "email": _LINE,
    "tel": _LINE,
    "url": _LINE,
    "number": frozenset("required max min whole autocomplete default".split()),
    "money": frozenset("required max min whole currency autocomplete default".split()),
    "date": _DAY,
    "datetime": _DAY,
    "choice": frozenset("required options autocomplete default".split()),
    "choices": frozenset("required options max min default".split()),
    "boolean": frozenset(("required", "default")),
    "consent": frozenset(("required", "text", "confirm")),
    "file": _FILE,
    IMAGE: _FILE,
    "hidden": frozenset(("max", "default")),
    "heading": frozenset(),
}
_ALWAYS = frozenset(("type", "label", "help"))
_SENSIBLE = {kind: keys | ({"when"} if kind != "hidden" else set()) for kind, keys in _SENSIBLE.items()}


def read_field(entry: Entry, document: Document) -> tuple[FormField | None, list[Problem]]:
    """The field of an entry, None when it cannot be; and what is wrong, but for keys that are there twice."""
    reading = FieldReading(document)
    made = reading.field(entry)
    return (None if reading.broken else made), reading.problems


def read_name(entry: Entry, document: Document) -> list[Problem]:
    """What is wrong with the name of a field."""
    if entry.key.lower().startswith(RESERVED):
        message = f"'{entry.key}' begins with '{RESERVED}', which Obverse keeps for itself"
        return [document.problem("bad-value", message, entry.line, entry.column, "give the field another name")]
    if not _NAME.fullmatch(entry.key):
        name = shown(Node(entry.key))
        message = f"{name} cannot be the name of a field: it must be at most 64 of A-Z, a-z, 0-9, _ and -"
        hint = "begin with a letter; what visitors read is the label"
        return [document.problem("bad-value", message, entry.line, entry.column, hint)]
    return []


def readable(name: str) -> str:
    """A name as a label: `full_name` -> "Full name"."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z][a-z])", " ", name).replace("_", " ").replace("-", " ").split()
    first, *rest = words or [name]
    small = (word.lower() if word.istitle() and "_" not in name and "-" not in name else word for word in rest)
    return " ".join((first[:1].upper() + first[1:], *small))


def one_line(text: str) -> str:
    """Words as they are kept: in normal form, every run of blanks and line breaks as one blank."""
    return unicodedata.normalize("NFC", " ".join(text.split()))


@dataclass(slots=True)
class FieldReading:
    """One field on its way; `broken` once something was said without which it cannot be."""

    document: Document
    problems: list[Problem] = field(default_factory=list)
    broken: bool = False

    def tell(self, code: str, message: str, at: Node | Entry, hint: str = "") -> None:
        """Add a problem at the place of a key or a value."""
        self.broken = self.broken or code in ("bad-value", "missing-key")
        self.problems.append(self.document.problem(code, message, at.line, at.column, hint))

    def refuse(self, name: str, why: Refused, at: Node | Entry) -> None:
        """Add what a reader refused."""
        self.tell("bad-value", f"'{name}' {why}", at, why.hint)

    def values(self, keys: Mapping[str, Field], node: Node) -> dict[str, Any]:
        """The values of a table. Keys that are there twice are told by who reads the whole document."""
        values, found = read(keys, node, self.document)
        found = tuple(one for one in found if one.code != "duplicate-key")
        self.problems += found
        self.broken = self.broken or any(one.code in ("bad-value", "missing-key") for one in found)
        return values

    def field(self, entry: Entry) -> FormField | None:
        """The field of an entry."""
        self.problems += (wrong := read_name(entry, self.document))
        self.broken = bool(wrong)
        node = entry.node if entry.node.value is not None else Node(Table(), entry.line, entry.column)
        if not isinstance(node.value, Table):
            self.tell("bad-value", f"'{entry.key}' must be a table of keys and values, not {shown(node)}", node)
            return None
        values = self.values(KEYS, _without(node, node.value, "options"))
        if self.broken:
            return None
        return self.made(entry, _At(entry, node.value), values)

    def made(self, entry: Entry, at: _At, values: dict[str, Any]) -> FormField:
        """The field with all that depends on its type."""
        kind = values["type"]
        self.senseless(kind, at)
        options = self.options(at.table.get("options")) if "options" in _SENSIBLE[kind] else {}
        words: dict[str, Any] = {key: one_line(values[key]) for key in ("label", "help", "text")}
        one = FormField(
            entry.key,
            "file" if kind == IMAGE else kind,
            required=values["required"],
            whole=values["whole"],
            pattern=unicodedata.normalize("NFC", values["pattern"]),
            options=options,
            rows=values["rows"],
            default=values["default"],
            confirm=values["confirm"],
            currency=values["currency"],
            **words | {"label": words["label"] or readable(entry.key)},
        )
        one = self.bounded(one, at, values)
        one = self.filed(one, at, values) if one.type == "file" else one
        one = replace(one, earliest=self.day(at, "earliest", values), latest=self.day(at, "latest", values))
        self.dated(one, at)
        one = replace(one, autocomplete=self.autocomplete(one, at, values["autocomplete"]))
        one = replace(one, when=self.when(at, values["when"]))
        self.needs(one, at)
        self.pattern(one, at)
        return one if self.broken else replace(one, default=self.default(one, at))

    def senseless(self, kind: str, at: _At) -> None:
        """Tell every key that says nothing for the type."""
        for entry in at.table.entries:
            if entry.key in KEYS and entry.node.value is not None and entry.key not in _ALWAYS | _SENSIBLE[kind]:
                others = [other for other in _SENSIBLE if entry.key in _SENSIBLE[other]]
                hint = f"it is for fields of type {one_of(tuple(others))}"
                self.tell("bad-value", f"'{entry.key}' makes no sense for a field of type '{kind}'", entry, hint)

    def needs(self, one: FormField, at: _At) -> None:
        """Tell what a type cannot do without."""
        if one.type in ("choice", "choices") and not one.options and not self.broken:
            self.tell("missing-key", f"'options' is required for a field of type '{one.type}'", at.key("options"))
        if one.type == "consent" and not one.text:
            self.tell("missing-key", "'text' is required: the sentence that is agreed to", at.key("text"))
        if one.type == "file" and not one.accept:
            hint = f"name some of {', '.join(KINDS)}"
            self.tell("missing-key", "'accept' is required: the kinds of files that are taken", at.key("accept"), hint)

    # --- options --------------------------------------------------------------------------------------------

    def options(self, node: Node | None) -> dict[str, str]:
        """The values of a choice with their labels; a list gives values that are their own labels."""
        options: dict[str, str] = {}
        for value, label, place in self.pairs(node):
            if not value or FORBIDDEN.search(value) or len(value) > LONGEST_OPTION:
                self.tell("bad-value", f"an option must be a text of 1 to {LONGEST_OPTION} characters", place)
            elif value in options:
                self.tell("bad-value", f"the option '{value}' is there twice", place, "keep one of the two")
            else:
                options[value] = label or value
        if len(options) > MOST_OPTIONS:
            self.tell("bad-value", f"'options' holds {len(options)} values; at most {MOST_OPTIONS} are allowed", node)  # type: ignore[arg-type]
        return options

    def pairs(self, node: Node | None) -> Iterator[tuple[str, str, Node | Entry]]:
        """Value, label and place of every option."""
        if node is None or node.value is None:
            return
        if isinstance(node.value, Table):
            seen = set()
            for entry in node.value.entries:
                if entry.key not in seen:  # told where the whole document is read
                    yield one_line(entry.key), self.words(f"options.{entry.key}", LABEL, entry.node), entry
                seen.add(entry.key)
        elif isinstance(node.value, tuple):
            for part in node.value:
                if isinstance(part.value, tuple | Table):
                    self.tell("bad-value", f"an option must be text, not {shown(part)}", part)
                else:
                    text = one_line(written(part.value))
                    yield text, text, part
        else:
            hint = 'write options: [one, two] or options: {one: "First", two: "Second"}'
            self.tell("bad-value", f"'options' must be a list, or values with labels, not {shown(node)}", node, hint)

    def words(self, name: str, kind: Field, node: Node) -> str:
        """One text for people, "" when it is missing or was refused."""
        value, found = read_value(name, kind, node, self.document)
        self.problems += found
        self.broken = self.broken or bool(found)
        return one_line(value)

    # --- constraints ----------------------------------------------------------------------------------------

    def bounded(self, one: FormField, at: _At, values: dict[str, Any]) -> FormField:
        """The field with `max` and `min`, which are lengths, sizes or counts by its type."""
        most, least = values["max"], values["min"]
        least = 0 if least is None and one.type == "money" else least
        if most is not None:
            self.bound(one, "max", most, at)
        elif one.type in DEFAULTS:
            most = DEFAULTS[kind_of(one)]
        if least is not None:
            self.bound(one, "min", least, at)
            if one.options and least > len(one.options):
                self.tell("bad-value", f"'min' asks for {least:g} of {len(one.options)} options", at.key("min"))
            if most is not None and most < least:
                key, hint = ("max", "") if values["max"] is not None else ("min", "give 'max' too")
                self.tell("bad-value", f"'max' ({most:g}) is less than 'min' ({least:g})", at.key(key), hint)
        return replace(one, max=_plain(most), min=_plain(least))

    def bound(self, one: FormField, key: str, value: float, at: _At) -> None:
        """Tell a bound that must be whole and is not, or a length out of reason."""
        if one.type == "money" and round(value, 2) != value:
            self.tell("bad-value", f"'{key}' must have no more than two decimals, not '{value:g}'", at.node(key))
        if one.type in NUMBERS:
            if one.whole and value != int(value):
                self.tell("bad-value", f"'{key}' must be a whole number too, not '{value:g}'", at.node(key))
            return
        least = 1 if key == "max" else 0
        if value != int(value) or value < least:
            self.tell("bad-value", f"'{key}' must be a whole number, {least} or more, not '{value:g}'", at.node(key))
        elif one.type in GREATEST and value > (most := GREATEST[kind_of(one)]):
            self.tell("bad-value", f"'{key}' must be {most} or less for this field, not '{value:g}'", at.node(key))

    def day(self, at: _At, key: str, values: dict[str, Any]) -> str:
        """A bound of a day as ISO 8601 writes it, "today", or "" for none."""
        text = str(values[key]).strip()
        if text in ("", TODAY):
            return text
        try:
            return SCALARS["date"](Field("date"), text).isoformat()  # type: ignore[no-any-return]
        except Refused:
            hint = "or write today, which moves along with the calendar"
            self.tell(
                "bad-value", f"'{key}' must be a date such as 2026-05-31, not {shown(at.node(key))}", at.node(key), hint
            )
        return ""

    def dated(self, one: FormField, at: _At) -> None:
        """Tell bounds between which there is no day."""
        if TODAY not in (one.earliest, one.latest) and "" < one.latest < one.earliest:
            message = f"'latest' ({one.latest}) is before 'earliest' ({one.earliest})"
            self.tell("bad-value", message, at.key("latest"))

    def filed(self, one: FormField, at: _At, values: dict[str, Any]) -> FormField:
        """The field with what it takes of files; the kinds in the order of the table, each once."""
        size = read_size(values["max_size"]) if values["max_size"] else USUAL_SIZE
        if not size or size > MOST_SIZE:
            node, most = at.node("max_size"), spoken_size(MOST_SIZE)
            hint = "write a number and its unit: 500 kB, 5 MB"
            self.tell("bad-value", f"'max_size' must be a size of at most {most}, not {shown(node)}", node, hint)
        accept = tuple(kind for kind in KINDS if kind in values["accept"])
        if values["type"] == IMAGE:
            accept = self.pictures(accept, at)
        return replace(one, accept=accept, max_size=size or 0, max_files=int(values["max_files"]))

    def pictures(self, accept: tuple[str, ...], at: _At) -> tuple[str, ...]:
        """The kinds of pictures that are taken: all that can be, unless some are named."""
        for kind in (one for one in accept if one not in PICTURES):
            hint = f"name some of {', '.join(PICTURES)}, or ask for a file"
            self.tell("bad-value", f"'accept' names '{kind}', which is no picture", at.key("accept"), hint)
        return accept or PICTURES

    def pattern(self, one: FormField, at: _At) -> None:
        """Tell a pattern that Obverse and browsers would not read alike."""
        if one.pattern and one.rows:
            hint = "a browser checks a pattern on one line only; take out 'rows' or 'pattern'"
            self.tell("bad-value", "'pattern' and 'rows' do not go together", at.key("pattern"), hint)
        elif one.pattern:
            try:
                parse(one.pattern)
            except Refused as why:
                self.refuse("pattern", why, at.node("pattern"))

    def when(self, at: _At, text: str) -> Tree:
        """The tree of a condition; what it asks for is looked at when all fields are known."""
        try:
            return parse_condition(text) if text.strip() else ()
        except Refused as why:
            self.refuse("when", why, at.node("when"))
        return ()

    def autocomplete(self, one: FormField, at: _At, text: str) -> str:
        """The tokens that are given, or those usual for the field."""
        if not text:
            return usual(one.type, one.name) if not one.rows else ""
        try:
            return tokens(text)
        except Refused as why:
            node = at.node("autocomplete")
            self.refuse("autocomplete", Refused(f"{why}, not {shown(node)}", why.hint), node)
        return ""

    def default(self, one: FormField, at: _At) -> str:
        """The default as the field would send it, after the checks that a visitor's answer has to pass."""
        if not one.default:
            return ""
        if one.type == "hidden" and len(one.default) > cap(one):
            self.tell("bad-value", f"'default' must be at most {cap(one)} characters long", at.node("default"))
        form = Form("", "", "", "", (replace(one, required=False, min=None if one.type == "choices" else one.min),))
        done = check(form, {one.name: [one.default]})
        if done.errors:
            why = f"must be {one_of(tuple(one.options))}" if one.options else "is no answer that the field would take"
            self.tell("bad-value", f"'default' {why}, not {shown(at.node('default'))}", at.node("default"))
        value = done.values[one.name]
        if isinstance(value, bool):
            return "true" if value else ""
        return value if isinstance(value, str) else one.default.strip()


@dataclass(frozen=True, slots=True)
class _At:
    """Where the keys of a field stand."""

    entry: Entry
    table: Table

    def key(self, name: str) -> Entry:
        """The place of a key, or of the field when it has none."""
        return next((entry for entry in self.table.entries if entry.key == name), self.entry)

    def node(self, name: str) -> Node:
        """The value of a key that is there."""
        return self.key(name).node


def _without(node: Node, table: Table, key: str) -> Node:
    return replace(node, value=Table(tuple(entry for entry in table.entries if entry.key != key)))


def _plain(value: float | None) -> float | None:
    """5 rather than 5.0, so that a digest and a message do not tell them apart."""
    return int(value) if value is not None and value == int(value) else value
