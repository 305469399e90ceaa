"""What a line of Markdown can begin: one function a kind of block.

Each takes the reading, the line without its indentation, and that indentation. It answers None when the line begins
nothing of its kind, True when the line is used up, False when its rest is still to be read.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping

from obverse.markup import DEEPEST, lines
from obverse.markup.blocks import Definitions, Foreign, Heading, Item, List, Note, Quote, Rule, Table, Text, Wrapped
from obverse.markup.reading import Leaf, Reader

_ATTRIBUTE = re.compile(r"""([a-zA-Z_:][\w.:\-]*)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>"']+)))?""")
_SPAN_TAGS = frozenset("address dd dt h1 h2 h3 h4 h5 h6 legend li p summary td th span a caption label".split())


def _quote(reader: Reader, text: str, _indent: int) -> bool | None:
    if len(reader.stack) > DEEPEST:
        return None
    node = Quote(reader.line, reader.line)
    reader.begin().append(node)
    reader.open("quote", node, node.children)
    reader.past_quote(text)
    return False


def _atx(reader: Reader, text: str, _indent: int) -> bool | None:
    found = lines.ATX.match(text)
    if found is None:
        return None
    title = lines.heading(text[found.end() :])
    reader.begin().append(Heading(reader.line, reader.line, len(found[1]), title))
    return True


def _fence(reader: Reader, text: str, indent: int) -> bool | None:
    found = lines.FENCE.match(text)
    if found is None:
        return None
    reader.begin()
    reader.leaf = Leaf("fence", reader.line, [], found[1] or found[3], indent)
    reader.leaf.info = (found[2] if found[1] else found[4]).strip()
    return True


def _tag(reader: Reader, text: str, _indent: int) -> bool | None:
    wrapped = lines.MARKDOWN_ATTRIBUTE.match(text) if "markdown" in text else None
    if wrapped is not None and len(reader.stack) <= DEEPEST:
        return _wrap(reader, text, wrapped)
    end = lines.html_start(text, reader.in_paragraph())
    if end is None:
        return None
    reader.begin()
    reader.leaf = Leaf("html", reader.line, [reader.rest], end)
    if end and lines.html_ends(text, end):
        reader.close_leaf()
    return True


def _equals(reader: Reader, text: str, _indent: int) -> bool | None:
    if lines.TAB.match(text):
        return _foreign(reader, text)
    return _underline(reader, text)


def _underline(reader: Reader, text: str) -> bool | None:
    leaf = reader.leaf
    if leaf is None or not reader.in_paragraph() or not lines.SETEXT.match(text):
        return None
    children = reader.stack[-1].children
    paragraph = reader.without_references(leaf, children)
    reader.leaf = None
    if not paragraph:
        return None
    level = 1 if text[0] == "=" else 2
    children.append(Heading(leaf.start, reader.line, level, paragraph.strip()))
    return True


def _dash(reader: Reader, text: str, indent: int) -> bool | None:
    heading = _underline(reader, text)
    if heading is not None:
        return heading
    item = _star(reader, text, indent)
    return True if item is None and _table(reader, text) else item


def _star(reader: Reader, text: str, indent: int) -> bool | None:
    if lines.RULE.match(text):
        reader.begin().append(Rule(reader.line, reader.line))
        return True
    if text.startswith("*[") and lines.ABBREVIATION.match(text):
        reader.begin().append(Foreign(reader.line, reader.line, text, ""))
        return True
    return _item(reader, text, indent)


def _rule(reader: Reader, text: str, indent: int) -> bool | None:
    return _star(reader, text, indent) if lines.RULE.match(text) else None


def _item(reader: Reader, text: str, indent: int) -> bool | None:
    found = lines.MARKER.match(text)
    if found is None or len(reader.stack) > DEEPEST:
        return None
    behind = text[found.end() :]
    empty = not behind.strip(" \t")
    if reader.in_paragraph() and (empty or (found[2] and int(found[2]) != 1)):
        return None
    at = reader.column + indent + found.end()
    space = lines.indent(behind, at)
    taken = 1 if empty or space > 4 else space
    item = _new_item(reader, found)
    reader.open("item", item, item.children, indent + found.end() + taken)
    reader.rest = "" if empty else lines.cut(behind, at, taken)
    reader.column = at + taken
    return False


def _new_item(reader: Reader, found: re.Match[str]) -> Item:
    siblings = reader.begin()
    marker = found[1] or found[3]
    item = Item(reader.line, reader.line)
    last = siblings[-1] if siblings else None
    if isinstance(last, List) and last.marker == marker and (last.first is None) == (found[2] is None):
        last.items.append(item)
    else:
        first = None if found[2] is None else int(found[2])
        siblings.append(List(reader.line, reader.line, marker, first, [item]))
    return item


def _colon(reader: Reader, text: str, indent: int) -> bool | None:
    if _table(reader, text):
        return True
    found = lines.DEFINITION.match(text)
    if found is None or len(reader.stack) > DEEPEST:
        return None
    item = _new_definition(reader)
    if item is None:
        return None
    at = reader.column + indent + 1
    taken = min(3, lines.indent(text[1:], at))
    reader.open("definition", item, item.children, min(4, indent + 1 + taken))
    reader.rest = lines.cut(text[1:], at, taken)
    reader.column = at + taken
    return False


def _new_definition(reader: Reader) -> Item | None:
    """A definition of the paragraph before it, or one more of the terms defined before; None when there is none."""
    siblings = reader.stack[reader.matched - 1].children
    last = siblings[-1] if siblings else None
    just_ended = isinstance(last, Text) and last.end >= reader.line - 2 and reader.leaf is None
    if not (reader.in_paragraph() or just_ended or isinstance(last, Definitions)):
        return None
    reader.begin()
    last = siblings[-1] if siblings else None
    item = Item(reader.line, reader.line)
    loose = last is not None and last.end < reader.line - 1
    if isinstance(last, Definitions):
        last.groups[-1][1].append((item, loose))
        return item
    if not isinstance(last, Text):
        return None
    siblings.pop()
    terms = last.text.split("\n")
    before = siblings[-1] if siblings else None
    if isinstance(before, Definitions):
        before.groups.append((terms, [(item, loose)]))
    else:
        siblings.append(Definitions(last.start, reader.line, [(terms, [(item, loose)])]))
    return item


def _bracket(reader: Reader, text: str, indent: int) -> bool | None:
    found = lines.NOTE.match(text)
    within = any(container.kind == "note" for container in reader.stack[: reader.matched])
    if found is None or within or len(reader.stack) > DEEPEST:
        return None
    node = Note(reader.line, reader.line, found[1])
    reader.begin().append(node)
    reader.open("note", node, node.children, 4)
    reader.rest = text[found.end() :]
    reader.column += indent + found.end()
    return False


def _bang(reader: Reader, text: str, _indent: int) -> bool | None:
    return _foreign(reader, text) if lines.ADMONITION.match(text) else None


def _foreign(reader: Reader, text: str) -> bool | None:
    """A block of Python-Markdown's that holds what is indented under it, when something is."""
    if len(reader.stack) > DEEPEST or not _indented_below(reader):
        return None
    node = Foreign(reader.line, reader.line, text.rstrip(), "")
    reader.begin().append(node)
    reader.open("foreign", node, node.children, 4)
    return True


def _indented_below(reader: Reader) -> bool:
    for line in reader.source[reader.line + 1 : reader.line + 3]:
        bare = line.lstrip(" \t>")
        if bare:
            return lines.indent(line.lstrip(">")) >= 4 or len(line) - len(bare) >= reader.column + 4
    return False


def _slash(reader: Reader, text: str, _indent: int) -> bool | None:
    container = reader.stack[reader.matched - 1]
    bare = text.rstrip(" \t")
    if container.kind == "slashes" and bare == container.tag:
        reader.end(reader.matched - 1)
        return True
    found = lines.BLOCK.match(text)
    if found is None or len(reader.stack) > DEEPEST or _last_closer(reader, found[1]) <= reader.line:
        return None
    node = Foreign(reader.line, reader.line, bare, found[1])
    reader.begin().append(node)
    reader.open("slashes", node, node.children)
    reader.stack[-1].tag = found[1]
    return True


def _last_closer(reader: Reader, slashes: str) -> int:
    if reader.closers is None:
        bare = (line.strip(" \t>") for line in reader.source)
        reader.closers = {line: at for at, line in enumerate(bare) if line[:3] == "///" and not line.strip("/")}
    return reader.closers.get(slashes, -1)


def _pipe(reader: Reader, text: str, _indent: int) -> bool | None:
    return True if _table(reader, text) else None


def _table(reader: Reader, text: str) -> bool:
    """The row under a table's head, which until now was a paragraph's last line."""
    leaf = reader.leaf
    if leaf is None or not reader.in_paragraph() or not lines.DELIMITER_ROW.match(text):
        return False
    head, align = lines.cells(leaf.lines[-1]), lines.alignments(text)
    if len(head) != len(align) or ("|" not in text and ":" not in text):
        return False
    if len(leaf.lines) > 1:
        leaf.lines.pop()
        reader.close_leaf()
    table = Table(reader.line - 1, reader.line, head, align)
    reader.leaf = Leaf("table", reader.line - 1, [])
    reader.leaf.node = table
    return True


def _wrap(reader: Reader, text: str, found: re.Match[str]) -> bool | None:
    tag = found[1].lower()
    inline = found[3] == "span" or (found[3] != "block" and tag in _SPAN_TAGS)
    node = Wrapped(reader.line, reader.line, tag, _attributes(found[2]), inline)
    reader.begin().append(node)
    reader.open("wrapped", node, node.children, -1)
    reader.stack[-1].tag = tag
    reader.wrapped += 1
    reader.rest = text[found.end() :].lstrip(" \t")
    return not reader.rest


def _attributes(text: str) -> list[tuple[str, str]]:
    """The attributes of a tag, but for `markdown`."""
    found = ((one[1], one[2] or one[3] or one[4] or "") for one in _ATTRIBUTE.finditer(text))
    return [(name, html.unescape(value)) for name, value in found if name.lower() != "markdown"]


OPENERS: Mapping[str, Callable[[Reader, str, int], bool | None]] = {
    ">": _quote,
    "#": _atx,
    "`": _fence,
    "~": _fence,
    "<": _tag,
    "=": _equals,
    "-": _dash,
    "*": _star,
    "+": _item,
    "_": _rule,
    ":": _colon,
    "[": _bracket,
    "!": _bang,
    "?": _bang,
    "/": _slash,
    "|": _pipe,
    **dict.fromkeys("0123456789", _item),
}
