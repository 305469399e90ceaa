"""A form -> its HTML: empty on a page, or with what a visitor sent and what is wrong with it, in an answer.

One function writes both, so that both look alike and read alike. The markup works by itself: the browser checks what
it can and the endpoint checks everything. What `templates/assets/form.js` needs stands in data attributes: on each
field what its constraints can say, on the status line what is said while sending.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from obverse.forms.elements import element, escaped, limit, number, texts
from obverse.forms.errors import Say, error_text, script_texts
from obverse.forms.form import DAYS, NUMBERS, TODAY, Error, Form, FormField
from obverse.forms.kinds import accept_attribute, labels, spoken_size
from obverse.forms.when import Tree, conditions

VERSION = "_ob_version"
PAGE = "_ob_page"
INSTANCE = "_ob_instance"
ELAPSED = "_ob_elapsed"
TRAP = "_ob_trap"
PROVED = "_ob_challenge"

# Up to so many options all stand on the page; more fold into a select.
SHOWN_OPTIONS = 6
TICKED = frozenset({"on", "true", "yes", "1"})

_NOTHING: Mapping[str, Any] = MappingProxyType({})
_LINES = ("text", "email", "tel", "url")
_BOXES = ("boolean", "consent")
_UNASKED = ("hidden", "heading")
_AUTOCOMPLETE = {"email": "email", "tel": "tel", "url": "url"}
# Password managers take this for no field of theirs.
_UNFILLED = {
    "autocomplete": "off",
    "data-1p-ignore": True,
    "data-lpignore": "true",
    "data-bwignore": True,
    "data-form-type": "other",
}


@dataclass(frozen=True, slots=True)
class _Sheet:
    """What every part of one form's HTML asks: the words, what was sent, what is wrong, and how ids begin."""

    form: Form
    say: Say
    values: Mapping[str, Any]
    errors: Mapping[str, str]
    stem: str
    fresh: bool
    marks_optional: bool
    conditions: Mapping[str, Tree]

    def id(self, field: FormField, part: str = "") -> str:
        """The id of a field's first control, or of a part of the field: names hold no dot, so no two are equal."""
        return f"{self.stem}-{field.name}{part}"

    def insists(self, field: FormField) -> bool:
        """Whether the browser itself may demand an answer: not without knowing whether the field is asked at all."""
        return field.required and field.name not in self.conditions

    def texts(self, field: FormField) -> tuple[str, ...]:
        """What was sent for a field, as texts; in a form that nobody has sent yet its default."""
        if self.fresh:
            return (field.default,) if field.default else ()
        return texts(self.values.get(field.name))

    def text(self, field: FormField) -> str:
        """The first of `texts`, or ""."""
        return next(iter(self.texts(field)), "")


def form_html(
    form: Form,
    action: str,
    say: Say,
    *,
    hidden: Mapping[str, str] = _NOTHING,
    values: Mapping[str, Any] = _NOTHING,
    errors: Sequence[Error] = (),
    prefix: str = "",
) -> str:
    """The whole `<form>`, posting to `action`.

    `hidden` are values of Obverse's own fields (`_ob_page`, `_ob_instance` …). `values` is what the visitor sent by
    field name, right or wrong, of any type; without values and errors the fields show their defaults. `prefix` begins
    every id, for a form that stands twice on one page.
    """
    stem = f"{prefix}form-{re.sub(r'[^A-Za-z0-9_-]+', '-', form.name)}"
    told = {one.field: error_text(one, form, say) for one in reversed(errors)}
    some_required = any(field.required for field in form.fields)
    sheet = _Sheet(form, say, values, told, stem, not values and not errors, some_required, conditions(form.fields))
    parts = (
        _summary(sheet),
        _note(sheet),
        *_hidden_fields(form, hidden),
        *_groups(sheet),
        _trap(sheet),
        _ending(sheet),
    )
    attributes = {"class": "form", "id": stem, "method": "post", "action": action, "aria-label": form.title}
    if form.steps and PROVED not in hidden:  # who is asked for a proof is through with the steps
        attributes |= {"data-step": say("form.step", n="{n}", all="{all}")}
        attributes |= {"data-next": say("form.next"), "data-back": say("form.back")}
    attributes |= {"enctype": "multipart/form-data"} if form.files else {}
    return element("form", attributes, "\n".join(("", *filter(None, parts), "")))


def _summary(sheet: _Sheet) -> str:
    """What is wrong, with links to the fields. Without errors it waits, hidden, for the script."""
    title = element("p", {"class": "form-summary-title"}, escaped(_count(sheet) if sheet.errors else ""))
    lines = "".join(_summary_line(sheet, name, text) for name, text in _in_order(sheet))
    attributes = {
        "class": "form-summary",
        "role": "alert",
        "tabindex": "-1",
        "autofocus": bool(sheet.errors),
        "hidden": not sheet.errors,
    }
    return element("div", attributes, title + element("ul", {}, lines))


def _count(sheet: _Sheet) -> str:
    number = len(sheet.errors)
    return sheet.say("form.summary.one" if number == 1 else "form.summary.other", n=number)


def _in_order(sheet: _Sheet) -> list[tuple[str, str]]:
    """Errors in the order of their fields; what belongs to no field comes first."""
    places = {field.name: place for place, field in enumerate(sheet.form.fields)}
    return sorted(sheet.errors.items(), key=lambda one: places.get(one[0], -1))


def _summary_line(sheet: _Sheet, name: str, text: str) -> str:
    field = sheet.form.field(name)
    if field is None or field.type in _UNASKED:
        return element("li", {}, escaped(text))
    link = element("a", {"href": f"#{sheet.id(field)}"}, escaped(f"{_lead_in(field)} {text}"))
    return element("li", {}, link)


def _lead_in(field: FormField) -> str:
    """The label before what is said of its field: a question stands by itself."""
    label = field.label.rstrip()
    return label if label.endswith(("?", "!", ".", ":", "…")) else f"{label}:"


def _note(sheet: _Sheet) -> str:
    """Which fields are needed, said once. A box to tick says it itself."""
    asked = [one for one in sheet.form.fields if one.type not in (*_UNASKED, *_BOXES)]
    needed = [one for one in asked if one.required and one.name not in sheet.conditions]
    if len(asked) < 2:
        return ""
    key = "all" if len(needed) == len(asked) else "some" if needed else "none"
    return element("p", {"class": "form-note"}, escaped(sheet.say(f"form.required.{key}")))


def _hidden_fields(form: Form, hidden: Mapping[str, str]) -> list[str]:
    """Obverse's own: the version seen, the page, and two that the script fills."""
    own = {VERSION: form.version, PAGE: "", INSTANCE: "", ELAPSED: "", **hidden}
    return [_hidden(name, value) for name, value in own.items()]


def _hidden(name: str, value: str) -> str:
    return element("input", {"type": "hidden", "name": name, "value": value})


def _groups(sheet: _Sheet) -> Iterable[str]:
    """The fields in their order; a heading opens a group that lasts until the next one."""
    heading: FormField | None = None
    inside: list[str] = []
    for field in (*sheet.form.fields, None):
        if field is None or field.type == "heading":
            yield from _group(heading, inside)
            heading, inside = field, []
        else:
            inside.append(_field(sheet, field))


def _group(heading: FormField | None, inside: list[str]) -> list[str]:
    if heading is None:
        return inside
    legend = element("legend", {"class": "form-heading"}, escaped(heading.label))
    help_text = [element("p", {"class": "help"}, escaped(heading.help))] if heading.help else []
    attributes = {"class": "form-group", "data-when": _written(heading.when)}
    return [element("fieldset", attributes, "\n".join((legend, *help_text, *inside)))]


def _field(sheet: _Sheet, field: FormField) -> str:
    if field.type == "hidden":
        return _hidden(field.name, sheet.text(field))
    if field.type in _BOXES:
        return _box(sheet, field)
    if field.type == "choices" or (field.type == "choice" and len(field.options) <= SHOWN_OPTIONS):
        return _options(sheet, field)
    return _single(sheet, field)


def _single(sheet: _Sheet, field: FormField) -> str:
    """A label, help below it, the place of an error, and one control."""
    label = element("label", {"class": "label", "for": sheet.id(field)}, _label(sheet, field))
    control = _select(sheet, field) if field.type == "choice" else _control(sheet, field)
    return _wrapped("div", sheet, field, {}, (label, _help(sheet, field), _error(sheet, field), control))


def _control(sheet: _Sheet, field: FormField) -> str:
    attributes = {**_control_attributes(sheet, field), **_autocomplete(field)}
    if field.type == "file":
        return element("input", {"type": "file", **attributes, **_file_attributes(field)})
    text = sheet.text(field)
    if field.type in NUMBERS:
        return element("input", {**attributes, **_number_attributes(field, text), "value": text or None})
    if field.type in DAYS:
        return element("input", {**attributes, **_day_attributes(field, text)})
    lengths = {"minlength": limit(field.min)}
    if field.rows:
        # No maxlength: it would cut a long text without a word. Script and endpoint say that it is too long.
        return element("textarea", {**attributes, **lengths, "rows": str(field.rows)}, "\n" + escaped(text))
    limits = {
        **lengths,
        "maxlength": limit(field.max),
        "pattern": field.pattern or None,
        "title": field.help if field.pattern and field.help else None,
    }
    return element("input", {"type": field.type, **attributes, **limits, "value": text or None})


def _number_attributes(field: FormField, text: str) -> dict[str, Any]:
    """A browser shows nothing in a number field whose value is none, so what was sent then stands in a text field."""
    mode = "decimal" if not field.whole else "numeric" if field.min is not None and field.min >= 0 else None
    if text and not re.fullmatch(r"-?\d+(\.\d+)?([eE][-+]?\d+)?", text, re.ASCII):
        return {"type": "text", "inputmode": mode}
    return {
        "type": "number",
        "inputmode": mode,
        "min": limit(field.min),
        "max": limit(field.max),
        "step": "1" if field.whole else "0.01" if field.type == "money" else "any",
    }


def _day_attributes(field: FormField, text: str) -> dict[str, Any]:
    """As with numbers, what is no day stands in a text field. No page knows what day it will be read on."""
    if text and not re.fullmatch(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d)?)?", text, re.ASCII):
        return {"type": "text", "value": text}
    timed = field.type == "datetime"
    ends = {"min": (field.earliest, "T00:00"), "max": (field.latest, "T23:59")}
    bounds = {
        f"data-{name}" if day == TODAY else name: f"{day}{time}" if timed else day
        for name, (day, time) in ends.items()
        if day
    }
    return {"type": "datetime-local" if timed else "date", **bounds, "value": text.replace(" ", "T") or None}


def _file_attributes(field: FormField) -> dict[str, Any]:
    """Nothing is chosen beforehand: no page can choose a visitor's files."""
    return {"accept": accept_attribute(field.accept), "multiple": field.max_files > 1}


def _select(sheet: _Sheet, field: FormField) -> str:
    chosen = sheet.text(field)
    options = [("", sheet.say("form.choose")), *field.options.items()]
    lines = (element("option", {"value": value, "selected": value == chosen}, escaped(text)) for value, text in options)
    return element("select", {**_control_attributes(sheet, field), **_autocomplete(field)}, "\n".join(lines))


def _box(sheet: _Sheet, field: FormField) -> str:
    """One box. Consent is never ticked for anybody: only by what the visitor sent."""
    ticked = any(text.strip().lower() in TICKED for text in sheet.texts(field))
    attributes = {
        "type": "checkbox",
        **_control_attributes(sheet, field),
        "value": "yes",
        "checked": ticked and not (sheet.fresh and field.type == "consent"),
    }
    name = element("span", {"class": "label"}, _label(sheet, field))
    text = element("span", {"class": "consent-text"}, escaped(field.text)) if field.text else ""
    label = element("label", {"for": sheet.id(field)}, name + (f" {text}" if text else ""))
    option = element("div", {"class": "option"}, element("input", attributes) + label)
    return _wrapped("div", sheet, field, {}, (_error(sheet, field), option, _help(sheet, field)))


def _options(sheet: _Sheet, field: FormField) -> str:
    """A group of radio buttons or boxes under a legend."""
    legend = element("legend", {"class": "label"}, _label(sheet, field))
    single = field.type == "choice"
    shown = list(field.options.items())
    if single and not field.required:
        # A radio button cannot be released, so who need not answer can say so.
        shown.append(("", sheet.say("form.no-answer")))
    options = [_option(sheet, field, place, value, text) for place, (value, text) in enumerate(shown)]
    attributes = {
        "role": "radiogroup" if single else None,
        "aria-describedby": _described_by(sheet, field),
        "aria-invalid": "true" if single and field.name in sheet.errors else None,
    }
    inside = (legend, _help(sheet, field), _error(sheet, field), *options)
    return _wrapped("fieldset", sheet, field, attributes, inside)


def _option(sheet: _Sheet, field: FormField, place: int, value: str, text: str) -> str:
    single = field.type == "choice"
    id_ = sheet.id(field, f".{place + 1}" if place else "")
    attributes = {
        "type": "radio" if single else "checkbox",
        "id": id_,
        "name": field.name,
        "value": value,
        "required": single and sheet.insists(field),
        "checked": bool(value) and value in (sheet.texts(field)[:1] if single else sheet.texts(field)),
        "aria-invalid": "true" if not single and field.name in sheet.errors else None,
    }
    return element(
        "div", {"class": "option"}, element("input", attributes) + element("label", {"for": id_}, escaped(text))
    )


def _wrapped(tag: str, sheet: _Sheet, field: FormField, attributes: Mapping[str, Any], inside: Sequence[str]) -> str:
    """A field, with what the script must know of it."""
    data = {
        "class": "field",
        "data-field": field.name,
        "data-label": _lead_in(field),
        "data-when": _written(sheet.conditions.get(field.name, ())),
        "data-kind": "number" if sheet.conditions and field.type in NUMBERS else None,
        "data-max": number(field.max) if field.max is not None and (field.rows or field.type == "choices") else None,
        "data-min": number(field.min) if field.min is not None and field.type == "choices" else None,
        "data-files": str(field.max_files) if field.type == "file" else None,
        "data-size": str(field.max_size) if field.type == "file" else None,
    }
    messages = script_texts(field, sheet.form, sheet.say)
    return element(tag, {**data, **messages, **attributes}, "\n".join(filter(None, inside)))


def _written(tree: Tree) -> str | None:
    """A condition as the script reads it."""
    return json.dumps(tree, ensure_ascii=False, separators=(",", ":")) if tree else None


def _control_attributes(sheet: _Sheet, field: FormField) -> dict[str, Any]:
    """What every single control has."""
    return {
        "id": sheet.id(field),
        "name": field.name,
        "required": sheet.insists(field),
        "aria-describedby": _described_by(sheet, field),
        "aria-invalid": "true" if field.name in sheet.errors else None,
    }


def _autocomplete(field: FormField) -> dict[str, Any]:
    return {"autocomplete": field.autocomplete or _AUTOCOMPLETE.get(field.type)}


def _described_by(sheet: _Sheet, field: FormField) -> str:
    parts = (".help", ".error") if _help_text(sheet, field) else (".error",)
    return " ".join(sheet.id(field, part) for part in parts)


def _label(sheet: _Sheet, field: FormField) -> str:
    if field.required or not sheet.marks_optional:
        return escaped(field.label)
    mark = element("span", {"class": "optional"}, escaped(sheet.say("form.optional")))
    return f"{escaped(field.label)} {mark}"


def _help(sheet: _Sheet, field: FormField) -> str:
    text = _help_text(sheet, field)
    return element("p", {"class": "help", "id": sheet.id(field, ".help")}, escaped(text)) if text else ""


def _help_text(sheet: _Sheet, field: FormField) -> str:
    """The author's help; for files also what is taken, which no browser tells, and for money in which currency."""
    if field.currency:
        return " ".join(filter(None, (field.help, sheet.say("form.money", currency=field.currency))))
    if field.type != "file":
        return field.help
    key = "form.file" if field.max_files == 1 else "form.file.several"
    size = spoken_size(field.max_size)
    taken = sheet.say(key, kinds=labels(field.accept), size=size, count=field.max_files)
    return " ".join(filter(None, (field.help, taken)))


def _error(sheet: _Sheet, field: FormField) -> str:
    """The place of an error: before the control, where the keyboard of a phone does not cover it."""
    text = sheet.errors.get(field.name, "")
    return element("p", {"class": "error", "id": sheet.id(field, ".error"), "hidden": not text}, escaped(text))


def _trap(sheet: _Sheet) -> str:
    """A field that only programs fill in: out of sight, out of reach of the keyboard, of no interest to autofill."""
    id_ = f"{sheet.stem}.trap"
    label = element("label", {"for": id_}, escaped(sheet.say("form.trap")))
    field = element("input", {"type": "text", "id": id_, "name": TRAP, "tabindex": "-1", **_UNFILLED})
    return element("p", {"class": "form-trap", "aria-hidden": "true"}, label + field)


def _uploading(say: Say) -> dict[str, str]:
    """What `templates/assets/uploads.js` says while files are on their way."""
    return {
        "data-upload": say("form.upload"),
        "data-uploading": say("form.upload.sending", percent="{percent}"),
        "data-amount": say("form.upload.amount", percent="{percent}", done="{done}", all="{all}"),
        "data-arrived": say("form.upload.arrived"),
        "data-stop": say("form.upload.stop"),
        "data-stopped": say("form.upload.stopped"),
    }


def _ending(sheet: _Sheet) -> str:
    """The button, and the line that says what becomes of what is sent."""
    say = sheet.say
    button = element("button", {"class": "button", "type": "submit"}, escaped(sheet.form.submit or say("form.submit")))
    words = {f"data-{name}": say(f"form.{name}") for name in ("sending", "sent", "offline", "retry", "wait", "changed")}
    words |= {"data-failed": say("form.failed"), "data-one": say("form.summary.one", n=1)}
    words |= {"data-other": say("form.summary.other", n="{n}")}
    if sheet.form.files:
        words |= _uploading(say)
    status = element("p", {"class": "form-status", "role": "status", **words}, "")
    return element("div", {"class": "form-act"}, button + status)
