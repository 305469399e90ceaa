"""The schema: one small type system for settings, front matter, component arguments and forms.

A document (TOML, YAML or a form post) becomes nodes with places; a mapping of names to `Field`s reads them into plain
typed values and gathers every problem. The same mapping writes JSON Schema. Standard library only.
"""

from obverse.schema.declaration import read_fields
from obverse.schema.field import EMPTIES, UNSET, Field, option_values
from obverse.schema.json_schema import json_schema
from obverse.schema.node import Document, Entry, Node, Scalar, Table, duplicates, from_plain, plain, written
from obverse.schema.read import folded, read, read_value
from obverse.schema.scalar import FORBIDDEN, Refused, is_web_address, read_moment
from obverse.schema.toml import read_toml

__all__ = [
    "EMPTIES",
    "FORBIDDEN",
    "UNSET",
    "Document",
    "Entry",
    "Field",
    "Node",
    "Refused",
    "Scalar",
    "Table",
    "duplicates",
    "folded",
    "from_plain",
    "is_web_address",
    "json_schema",
    "option_values",
    "plain",
    "read",
    "read_fields",
    "read_moment",
    "read_toml",
    "read_value",
    "written",
]
