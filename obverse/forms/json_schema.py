"""A form -> JSON Schema (draft 2020-12) of what may be sent for it as JSON, for OpenAPI and whoever writes clients.

The checks stay the judge (`obverse.forms.checking`): they also look at what a schema has no words for, such as which
characters a line may hold. What the form does not know is taken and kept, so other names are allowed.
"""

from __future__ import annotations

from typing import Any

from obverse.forms.form import Form, FormField
from obverse.forms.limits import TYPED, cap

_FORMATS = {"email": "email", "url": "uri"}


def form_schema(form: Form) -> dict[str, Any]:
    """The schema of a post to the form, its fields in their order, but for files: JSON brings none."""
    fields = [one for one in form.fields if one.type not in ("heading", "file")]
    schema: dict[str, Any] = {
        "type": "object",
        "title": form.title,
        "properties": {one.name: _described(one) for one in fields},
        "additionalProperties": {"type": ["string", "number", "boolean", "array", "null"]},
    }
    required = [one.name for one in fields if one.required]
    return schema | ({"required": required} if required else {})


def _described(one: FormField) -> dict[str, Any]:
    told = " ".join(filter(None, (one.help, one.text)))
    named = {"title": one.label} if one.label else {}
    return {**_value(one), **named, **({"description": told} if told else {})}


def _value(one: FormField) -> dict[str, Any]:
    """What one answer may be. An empty answer stands for none, so that only a required one has a least length."""
    if one.type in ("boolean", "consent"):
        return {"const": True} if one.required else {"type": "boolean"}
    if one.type == "number":
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
    least = int(one.min or 1) if one.required else None
    pattern = f"^(?:{one.pattern})$" if one.pattern and one.required else None
    bounds = {"minLength": least, "maxLength": cap(one), "pattern": pattern}
    wanted = _FORMATS.get(one.type) if one.required and one.type in TYPED else None
    return _given({"type": "string", "format": wanted, **bounds})


def _given(schema: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in schema.items() if value is not None}
