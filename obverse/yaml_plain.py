"""Front matter as nearly everyone writes it -> the node tree that YAML gives, without YAML.

Keys at the margin, each with words, a quoted text, a date, a whole number or a list of such. Anything written in any
other way is left to YAML, so that nothing is read differently here: it is only read sooner, and a build that reads
nothing else need not import YAML at all.
"""

from __future__ import annotations

import re

from obverse.schema import Entry, Node, Table

# A longer text may hold more nodes than are allowed, which is for others to count.
LONGEST = 8_000

_KEY = re.compile(r"([A-Za-z_][A-Za-z0-9_\-]*):(?: +(?=[^ ])|$)")
_DASH = re.compile(r"( *)- +(?=[^ ])")
# What no line may hold: what YAML cannot carry, or what only looks like a blank.
_ODD = r"\x00-\x1f\x7f-\xa0\u2028\u2029\ud800-\udfff\ufdd0\ufeff\ufffe\uffff"
_QUOTED = rf"""\"[^\"\\{_ODD}]*+\"|'[^'{_ODD}]*+'"""
# Words begin with a letter and hold no sign that means something to YAML.
_SIGNS = r"\-./&+%()‘’“”–—… "
_NUMBER = r"[0-9]{4}-[0-9]{2}-[0-9]{2}|0|[1-9][0-9]{0,8}"
_MOMENT = r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(?: ?(?:Z|[+-][0-9]{2}:[0-9]{2}))?"
_SCALAR = re.compile(rf"{_QUOTED}|[^\W\d_][\w{_SIGNS},;!']*+|{_NUMBER}|{_MOMENT}")
_MEMBER = re.compile(rf" *+({_QUOTED}|[^\W\d_][\w{_SIGNS}]*+|{_NUMBER}) *+([,\]])")
_PASSED = re.compile(rf" *(?:#[^{_ODD}]*+)?")
_NOTHING = frozenset(("null", "Null", "NULL"))


def plain_front(text: str) -> tuple[Node, str, int] | None:
    """The front matter of a file's text, its body and the line the body begins on; None when others have to read it."""
    end = text.find("\n---\n", 3) if text.startswith("---\n") else -1
    node = plain_yaml(text[4:end], 2) if end > 3 else None
    return None if node is None else (node, text[end + 5 :], text.count("\n", 0, end) + 3)


def plain_yaml(text: str, first_line: int) -> Node | None:
    r"""The root of a YAML text (lines ending in "\n") that begins on `first_line`; None when YAML has to read it."""
    if len(text) > LONGEST:
        return None
    entries: list[Entry] = []
    # While a list may begin or go on: its items, and the column of their dashes.
    items: list[Node] | None = None
    column, last = 0, ("", 0)
    for number, raw in enumerate(text.split("\n"), first_line):
        line = raw.rstrip(" ")
        if key := _KEY.match(line):
            bare = key.end() == len(line)
            node = Node(None, number, 1) if bare else _value(line, number, key.end())
            items = [] if bare else None
            last = (key[1], number)
        elif items is not None and (dash := _DASH.match(line)):
            item = _scalar(line, number, dash.end())
            if item is None or (items and column != dash.end(1) + 1):
                return None
            column = dash.end(1) + 1
            items.append(item)
            node = Node(tuple(items), items[0].line, column)
            entries.pop()
        elif _PASSED.fullmatch(line):
            continue
        else:
            return None
        if node is None:
            return None
        entries.append(Entry(last[0], node, last[1], 1))
    return Node(Table(tuple(entries)), entries[0].line, 1) if entries else None


def _value(line: str, number: int, at: int) -> Node | None:
    """What stands from `at` to the end of the line: a list between brackets, or one value."""
    if line[at] != "[":
        return _scalar(line, number, at)
    items: list[Node] = []
    past = at + 1
    while found := _MEMBER.match(line, past):
        items.append(_node(found[1].rstrip(" "), number, found.start(1)))
        past = found.end()
        if found[2] == "]":
            return Node(tuple(items), number, at + 1) if past == len(line) else None
    return Node((), number, at + 1) if line[at:].replace(" ", "") == "[]" else None


def _scalar(line: str, number: int, at: int) -> Node | None:
    found = _SCALAR.fullmatch(line, at)
    return _node(found[0], number, at) if found else None


def _node(text: str, number: int, at: int) -> Node:
    if text[0] in "\"'":
        return Node(text[1:-1], number, at + 1, quoted=True)
    return Node(None if text in _NOTHING else text, number, at + 1)
