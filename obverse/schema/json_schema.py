"""Fields -> JSON Schema (draft 2020-12), so that an editor completes and checks settings and front matter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from obverse.schema.field import UNSET, Field, option_values

_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_DATE = r"^[0-9]{4}[-/][0-9]{1,2}[-/][0-9]{1,2}"

# The schema of each type's single value; text takes numbers too, since both are read as they are written.
_TYPES: dict[str, dict[str, Any]] = {
    "text": {"type": ["string", "number"]},
    "markdown": {"type": "string"},
    "email": {"type": "string", "format": "email"},
    "url": {"type": "string", "format": "uri", "pattern": "^https?://"},
    "tel": {"type": ["string", "number"]},
    "number": {"type": "number"},
    "money": {"type": ["string", "number"]},
    "date": {"type": "string", "pattern": _DATE + "$"},
    "datetime": {"type": "string", "pattern": _DATE},
    "boolean": {"type": "boolean"},
    "consent": {"type": "boolean"},
    "hidden": {"type": "string"},
    "reference": {"type": "string"},
    "image": {"type": "string"},
    "file": {"type": "string"},
}


def json_schema(fields: Mapping[str, Field], title: str) -> dict[str, Any]:
    """The JSON Schema of a document with these fields, keys in their order."""
    return {"$schema": _DRAFT, "title": title, **_table(fields)}


def _table(fields: Mapping[str, Field]) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    for name, one in fields.items():
        if one.type != "heading":
            properties[name] = _property(one)
    for name, one in fields.items():
        for other in one.also:
            properties.setdefault(
                other, _property(one) | {"description": f"Another name of {name}. {one.help}".strip()}
            )
    schema: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False}
    required = [name for name, one in fields.items() if one.required and not one.also]
    return schema | ({"required": required} if required else {})


def _property(one: Field) -> dict[str, Any]:
    schema = _value(one)
    if not one.required:
        schema = _or_null(schema)
    if one.help:
        schema["description"] = one.help
    if one.default is not UNSET and one.default is not None:
        schema["default"] = list(one.default) if isinstance(one.default, tuple) else one.default
    return schema


def _value(one: Field) -> dict[str, Any]:
    if one.type == "object":
        return _object(one)
    if one.type in ("list", "choices"):
        return _list(one)
    if one.type == "choice":
        return {"enum": list(option_values(one))}
    schema = {**_TYPES[one.type], **_limits(one)}
    if not one.name_key:
        return schema
    named = {"type": "object", "properties": {one.name_key: schema}, "required": [one.name_key]}
    return {"anyOf": [schema, named]}


def _limits(one: Field) -> dict[str, Any]:
    """Bounds in the words of the type they bound."""
    if one.type == "number":
        names = {"minimum": one.min, "maximum": one.max, "type": "integer" if one.whole else "number"}
    elif one.type == "money":
        names = {}
    else:
        pattern = f"^(?:{one.pattern})$" if one.pattern else None
        names = {"minLength": one.min, "maxLength": one.max, "pattern": pattern}
    return {name: value for name, value in names.items() if value is not None}


def _object(one: Field) -> dict[str, Any]:
    if one.fields is not None:
        return _table(one.fields)
    free: dict[str, Any] = {"type": "object"}
    return free | ({"additionalProperties": _value(one.of)} if one.of else {})


def _list(one: Field) -> dict[str, Any]:
    """A list; or a single value, which is read as a list of one."""
    item = _value(one.of) if one.of else _value(Field("choice", options=one.options) if one.options else Field())
    many: dict[str, Any] = {"type": "array", "items": item}
    many |= {} if one.max is None else {"maxItems": int(one.max)}
    many |= {} if one.min is None else {"minItems": int(one.min)}
    return {"anyOf": [item, many]}


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    """The same, or null: a key without a value is read as not given."""
    if "anyOf" in schema:
        return schema | {"anyOf": [*schema["anyOf"], {"type": "null"}]}
    if "enum" in schema:
        return schema | {"enum": [*schema["enum"], None]}
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return schema | {"type": [*kinds, "null"]}
