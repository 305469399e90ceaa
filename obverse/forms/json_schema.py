"""A form -> JSON Schema (draft 2020-12) of what may be sent for it as JSON, for OpenAPI and whoever writes clients.

The checks stay the judge (`obverse.forms.checking`): they also look at what a schema has no words for, such as which
characters a line may hold. What the form does not know is taken and kept, so other names are allowed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from obverse.forms.checking import empty
from obverse.forms.form import DAYS, NUMBERS, Form, FormField
from obverse.forms.limits import TYPED, cap
from obverse.forms.when import Tree, conditions, holds

_FORMATS = {"email": "email", "url": "uri"}
_BOUNDS = {"<": "exclusiveMaximum", "<=": "maximum", ">": "exclusiveMinimum", ">=": "minimum"}

_SINGLE = ["string", "number", "boolean"]
_UNKNOWN = {"type": [*_SINGLE, "array", "null"], "items": {"type": _SINGLE}}


def form_schema(form: Form) -> dict[str, Any]:
    """The schema of a post to the form, its fields in their order; what is asked on a condition is required on it.

    It has no files: JSON brings none.
    """
    fields = [one for one in form.fields if one.type not in ("heading", "file")]
    trees = conditions(form.fields)
    always = [one if one.name not in trees else replace(one, required=False) for one in fields]
    schema: dict[str, Any] = {
        "type": "object",
        "title": form.title,
        "properties": {one.name: _described(one) for one in always},
        "additionalProperties": _UNKNOWN,
    }
    named = {one.name: one for one in fields}
    at_times = [_at_times(one, named, trees) for one in fields if one.required and one.name in trees]
    required = [one.name for one in always if one.required]
    return schema | ({"required": required} if required else {}) | ({"allOf": at_times} if at_times else {})


def _at_times(one: FormField, fields: Mapping[str, FormField], trees: Mapping[str, Tree]) -> dict[str, Any]:
    """That a field is required when it is asked."""
    then = {"properties": {one.name: _value(one)}, "required": [one.name]}
    return {"if": _condition(trees[one.name], fields, trees), "then": then}


def _condition(tree: Tree, fields: Mapping[str, FormField], trees: Mapping[str, Tree]) -> dict[str, Any]:
    """The schema that holds of what is sent when a condition does; a field that is not asked counts as empty."""
    sign, *parts = tree
    if sign in ("and", "or"):
        return {"allOf" if sign == "and" else "anyOf": [_condition(part, fields, trees) for part in parts]}
    if sign == "not":
        return {"not": _condition(parts[0], fields, trees)}
    name = parts[0]
    holds_of_none = holds(tree, {name: empty(fields[name])})
    told = {"properties": {name: _compared(tree, fields[name])}, **({} if holds_of_none else {"required": [name]})}
    if name not in trees:
        return told
    asked = _condition(trees[name], fields, trees)
    return {"anyOf": [{"not": asked}, told]} if holds_of_none else {"allOf": [asked, told]}


def _compared(tree: Tree, one: FormField) -> dict[str, Any]:
    sign, _, literal = tree
    if sign in _BOUNDS:
        return {"type": "number", _BOUNDS[sign]: literal}
    equal = {"enum": list(literal) if sign == "in" else [literal]}
    fits = {"contains": equal} if one.type == "choices" else equal
    return {"not": fits} if sign == "!=" else fits


def _described(one: FormField) -> dict[str, Any]:
    told = " ".join(filter(None, (one.help, one.text, one.currency)))
    named = {"title": one.label} if one.label else {}
    return {**_value(one), **named, **({"description": told} if told else {})}


def _value(one: FormField) -> dict[str, Any]:
    """What one answer may be. An empty answer stands for none, so that only a required one has a least length."""
    if one.type in ("boolean", "consent"):
        return {"const": True} if one.required else {"type": "boolean"}
    if one.type in NUMBERS:
        kind = "integer" if one.whole else "number"
        return _given({"type": kind, "minimum": one.min, "maximum": one.max})
    if one.type == "choice":
        return {"enum": [*one.options, *([] if one.required else [""])]}
    if one.type == "choices":
        least = max(int(one.min or 0), int(one.required)) or None
        counted = {"minItems": least, "maxItems": None if one.max is None else int(one.max)}
        return _given({"type": "array", "items": {"enum": list(one.options)}, "uniqueItems": True, **counted})
    return _text(one)


def _text(one: FormField) -> dict[str, Any]:
    if one.type in DAYS:  # a date-time of JSON Schema has a zone, which this has not
        wanted = "date" if one.required and one.type == "date" else None
        return _given({"type": "string", "format": wanted, "minLength": int(one.required) or None})
    least = int(one.min or 1) if one.required else None
    pattern = f"^(?:{one.pattern})$" if one.pattern and one.required else None
    bounds = {"minLength": least, "maxLength": cap(one), "pattern": pattern}
    wanted = _FORMATS.get(one.type) if one.required and one.type in TYPED else None
    return _given({"type": "string", "format": wanted, **bounds})


def _given(schema: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in schema.items() if value is not None}
