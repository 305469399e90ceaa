"""Reading: the front matter of a form file -> a `Form`, or of a language variant -> the same form in its words.

`content/forms/contact.md` owns names, types, rules and option values; `contact.de.md` may give other words for them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from obverse.forms.fields import CONSENT, HELP, LABEL, FieldReading, one_line, read_field
from obverse.forms.form import Form, FormField
from obverse.forms.kinds import MOST_BYTES, spoken_size
from obverse.forms.limits import MOST_FIELDS
from obverse.forms.when import circle, conditions, fit
from obverse.problems import Problem, nearest, problem
from obverse.schema import Document, Entry, Field, Node, Refused, Table, duplicates
from obverse.schema.read import shown

_TITLE, _SUBMIT = Field(max=200), Field(max=80)
_KEYS: dict[str, Field] = {
    "title": replace(_TITLE, required=True, help="give the form a title: pages and the inbox call it so"),
    "submit": _SUBMIT,
    "notify": Field("list", of=Field("email"), commas=True, max=20),
    "steps": Field("boolean"),
    "auto_reply": Field("boolean"),
    "fields": Field("hidden"),
}
_VARIANT_KEYS = ("title", "submit", "fields")
_WORDS: dict[str, Field] = {"label": LABEL, "help": HELP, "text": CONSENT}
_VARIANT_FIELD_KEYS = (*_WORDS, "options")
_FIELD_KEYS = tuple(
    "type required max min whole pattern rows autocomplete default when accept max_size max_files confirm".split()
)

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_EMPTY = Node(Table(), 1, 1)


def read_form(name: str, lang: str, node: Node | None, document: Document) -> tuple[Form | None, tuple[Problem, ...]]:
    """The form that a file's front matter defines, None when it cannot be; and what is wrong, each at its place.

    `node` is None for a file without front matter. The codes: `unknown-key`, `duplicate-key` (the first one counts),
    `missing-key` and `bad-value` (either of them: no form), and `file-name` for a name that no address can hold.
    """
    node = node or _EMPTY
    reading = FieldReading(document)
    if not _NAME.fullmatch(name):
        hint = "call it by at most 64 of A-Z, a-z, 0-9, _ and -, the first not a sign"
        reading.problems.append(problem("file-name", document.path, "a form's name is part of its address", hint=hint))
        reading.broken = True
    values = reading.values(_KEYS, _but_fields(node))
    fields = _fields(node, reading)
    title, submit = one_line(values["title"]), one_line(values["submit"])
    form = Form(name, lang, title, submit, fields, tuple(dict.fromkeys(values["notify"])))
    form = replace(form, steps=values["steps"], auto_reply=values["auto_reply"])
    if form.auto_reply and not reading.broken and not any(one.type == "email" for one in fields):
        reading.tell("bad-value", "'auto_reply' needs a field of type 'email'", _at(node, "auto_reply"))
    if form.steps and not reading.broken:
        _steps(form, node, reading)
    return (None if reading.broken else form), (*duplicates(node, document), *reading.problems)


def _steps(form: Form, node: Node, reading: FieldReading) -> None:
    """Tell steps that are none: each begins with a heading, and one alone is no step."""
    asked = [one.type for one in form.fields if one.type != "hidden"]
    if asked[0] != "heading" or asked.count("heading") < 2:
        hint = "begin each step with a field of type 'heading'"
        reading.tell(
            "bad-value", "'steps' needs a heading before the first field, and two at least", _at(node, "steps"), hint
        )


def _at(node: Node, key: str) -> Entry | Node:
    return next((entry for entry in _once(node) if entry.key == key), node)


def _but_fields(node: Node) -> Node:
    if not isinstance(node.value, Table):
        return node
    return replace(node, value=Table(tuple(entry for entry in node.value.entries if entry.key != "fields")))


def _entries(node: Node, reading: FieldReading) -> tuple[Entry, ...]:
    """The entries of the table `fields`, each name once."""
    fields = node.value.get("fields") if isinstance(node.value, Table) else None
    if fields is None or fields.value is None:
        return ()
    if not isinstance(fields.value, Table):
        hint = "write each field as its name, a colon, and its keys indented below"
        reading.tell("bad-value", f"'fields' must be a table of names, not {shown(fields)}", fields, hint)
        return ()
    return _once(fields)


def _fields(node: Node, reading: FieldReading) -> tuple[FormField, ...]:
    found: list[FormField] = []
    before = len(reading.problems)
    entries = _entries(node, reading)
    for entry in entries:
        one, problems = read_field(entry, reading.document)
        reading.problems += problems
        found += [one] if one else []
    reading.broken = reading.broken or len(found) < len(entries)
    if not any(one.type not in ("heading", "hidden") for one in found) and len(reading.problems) == before:
        message = "'fields' needs at least one field that a visitor can fill in"
        reading.tell("missing-key", message, _at(node, "fields"))
    if not reading.broken:
        _conditions(entries, tuple(found), reading)
        _confirmed(entries, found, reading)
    if len(found) > MOST_FIELDS:
        reading.tell("bad-value", f"'fields' holds {len(found)} fields; at most {MOST_FIELDS} are allowed", node)
    room = sum(one.max_size * one.max_files for one in found)
    if room > MOST_BYTES:
        at = next(entry for entry in entries if entry.key == next(one.name for one in found if one.type == "file"))
        message = f"the files of one post may be {spoken_size(room)} together; at most {spoken_size(MOST_BYTES)}"
        reading.tell("bad-value", f"{message} are taken", at, "lessen 'max_size' or 'max_files'")
    return tuple(found)


def _conditions(entries: Iterable[Entry], found: tuple[FormField, ...], reading: FieldReading) -> None:
    """Tell a condition that asks for what the form does not have, and fields that wait for each other."""
    fields = {one.name: one for one in found}
    places = {entry.key: _place_of(entry, "when") for entry in entries}
    for one in found:
        if one.when:
            try:
                fit(one.when, fields)
            except Refused as why:
                reading.refuse("when", why, places[one.name])
    if not reading.broken and (waiting := circle(conditions(found))):
        chain = " waits for ".join(f"'{name}'" for name in (*waiting, waiting[0]))
        at = next((places[name] for name in waiting if fields[name].when), places[waiting[0]])
        reading.tell("bad-value", f"no field of a circle would ever be asked: {chain}", at, "take one `when` out")


def _confirmed(entries: Iterable[Entry], found: Iterable[FormField], reading: FieldReading) -> None:
    """Tell a consent that is to be confirmed by mail, in a form that asks for no address."""
    fields = {one.name: one for one in found}
    if any(one.type == "email" for one in fields.values()):
        return
    for entry in entries:
        if fields[entry.key].confirm:
            message = "'confirm' needs a field of type 'email' in the form"
            reading.tell("bad-value", message, _place_of(entry, "confirm"), "the mail that asks goes to that address")


def _place_of(entry: Entry, key: str) -> Node | Entry:
    """Where a key's value stands, or the entry itself when it has no such key."""
    value = entry.node.value.get(key) if isinstance(entry.node.value, Table) else None
    return value or entry


def _once(node: Node) -> tuple[Entry, ...]:
    """The entries of a table, of each key the first; none when it is no table."""
    found: dict[str, Entry] = {}
    for entry in node.value.entries if isinstance(node.value, Table) else ():
        found.setdefault(entry.key, entry)
    return tuple(found.values())


# --- language variants -------------------------------------------------------------------------------------------


def read_variant(
    base: Form, lang: str, node: Node | None, document: Document
) -> tuple[Form | None, tuple[Problem, ...]]:
    """The base form in another language, None when the words cannot be read; and what is wrong, each at its place.

    A variant may give `title` and `submit`, and for each field `label`, `help`, `text` of a consent, and labels of
    options that the base has. What it does not give is the base's; all else belongs to the base and is a problem.
    """
    node = node or _EMPTY
    variant = _Variant(document)
    form = variant.form(base, lang, node)
    return (None if variant.broken else form), (*duplicates(node, document), *variant.problems)


class _Variant(FieldReading):
    """A variant on its way."""

    def form(self, base: Form, lang: str, node: Node) -> Form:
        given = {
            entry.key: entry for entry in self.allowed(base, node, _VARIANT_KEYS, ("notify", "steps", "auto_reply"), "")
        }
        title = self.words("title", _TITLE, given["title"].node) if "title" in given else ""
        submit = self.words("submit", _SUBMIT, given["submit"].node) if "submit" in given else ""
        fields = {one.name: one for one in base.fields}
        for entry in _entries(node, self):
            if entry.key not in fields:
                self.unknown(f"the form has no field '{entry.key}'", entry, fields)
            elif entry.node.value is not None:
                fields[entry.key] = self.worded(base, fields[entry.key], entry)
        return replace(
            base, lang=lang, title=title or base.title, submit=submit or base.submit, fields=tuple(fields.values())
        )

    def allowed(
        self, base: Form, node: Node, keys: tuple[str, ...], theirs: tuple[str, ...], name: str
    ) -> Iterator[Entry]:
        """The entries with something a variant may say; all others are told."""
        if not isinstance(node.value, Table):
            what = f"'{name}' must" if name else "must"
            self.tell("bad-value", f"{what} be a table of keys and values, not {shown(node)}", node)
        for entry in _once(node):
            if entry.key in keys:
                if entry.node.value is not None:
                    yield entry
            elif entry.key in theirs:
                self.belongs(f"'{entry.key}'", base, entry)
            else:
                self.unknown(f"unknown key '{entry.key}'", entry, keys)

    def unknown(self, message: str, entry: Entry, known: Mapping[str, Any] | tuple[str, ...]) -> None:
        like = nearest(entry.key, known)
        self.tell("unknown-key", message + (f"; {like}" if like else ""), entry)

    def belongs(self, what: str, base: Form, entry: Entry) -> None:
        message = f"{what} belongs to the base file content/forms/{base.name}.md"
        self.tell("bad-value", message, entry, "a language variant gives words only: take it out here")

    def worded(self, base: Form, one: FormField, entry: Entry) -> FormField:
        """A field in the variant's words."""
        allowed = self.allowed(base, entry.node, _VARIANT_FIELD_KEYS, _FIELD_KEYS, entry.key)
        given = {each.key: each for each in allowed}
        for key, wanted in (("text", ("consent",)), ("options", ("choice", "choices"))):
            if key in given and one.type not in wanted:
                self.tell("bad-value", f"'{key}' makes no sense for a field of type '{one.type}'", given.pop(key))
        words: dict[str, Any] = {
            key: self.words(key, kind, given[key].node) for key, kind in _WORDS.items() if key in given
        }
        if "options" in given:
            words["options"] = self.labels(base, one, given["options"].node)
        return replace(one, **{key: text for key, text in words.items() if text})

    def labels(self, base: Form, one: FormField, node: Node) -> dict[str, str]:
        """The options with the variant's labels, in the order of the base."""
        if not isinstance(node.value, Table):
            hint = "write options: {value: label}, with the values of the base file"
            self.tell("bad-value", f"'options' must be values with labels, not {shown(node)}", node, hint)
        labels = dict(one.options)
        for entry in _once(node):
            value = one_line(entry.key)
            if value in labels:
                labels[value] = self.words(f"options.{value}", LABEL, entry.node) or labels[value]
            elif like := nearest(value, labels):
                self.tell("unknown-key", f"'{one.name}' has no option '{value}'; {like}", entry)
            else:
                self.belongs(f"the option '{value}'", base, entry)
        return labels
