"""Markdown as people write it -> its blocks, read as CommonMark and GitHub read them.

Python-Markdown's own reading of blocks differs from what a writer sees elsewhere: lists need blank lines and four
spaces, fences get lost, quotes run together. So the blocks are read here, and what is written for Python-Markdown
(admonitions, tabs, definition lists, footnotes, `markdown="1"`) is read along with them.

One pass over the lines, a stack of open containers, at most one open leaf: as the CommonMark specification describes.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping

from obverse.markup import lines
from obverse.markup.blocks import (
    Block,
    Code,
    Definitions,
    Foreign,
    Heading,
    Html,
    Item,
    List,
    Note,
    Quote,
    Reference,
    Rule,
    Table,
    Text,
    Wrapped,
)

# Deeper than any text means it: what is nested further is read as text.
DEEPEST = 40
_SPECIAL = frozenset("#>`~<=-*_+0123456789:[!?/|")
_ATTRIBUTE = re.compile(r"""([a-zA-Z_:][\w.:\-]*)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>"']+)))?""")
_SPAN_TAGS = frozenset("address dd dt h1 h2 h3 h4 h5 h6 legend li p summary td th span a caption label".split())


def read(text: str) -> list[Block]:
    """The blocks of a text with "\n" line ends. Never raises; time grows with the length of the text."""
    reader = _Reader(text.split("\n"))
    reader.run()
    return reader.root


class _Container:
    """An open container: what may stand before a line for it to belong here, and where its blocks go."""

    __slots__ = ("children", "column", "depth", "kind", "node", "tag")

    def __init__(self, kind: str, node: Block | Item | None, children: list[Block], column: int = 0) -> None:
        self.kind = kind
        self.node = node
        self.children = children
        self.column = column
        self.tag = ""
        self.depth = 1


class _Leaf:
    """The open leaf: its kind, the lines so far, and what ends or describes it."""

    __slots__ = ("end", "indent", "info", "kind", "lines", "node", "start")

    def __init__(self, kind: str, start: int, first: list[str], end: str = "", indent: int = 0) -> None:
        self.kind = kind
        self.start = start
        self.lines = first
        self.end = end
        self.indent = indent
        self.info: str | None = None
        self.node: Table | None = None


class _Reader:
    def __init__(self, source: list[str]) -> None:
        self.source = source
        self.root: list[Block] = []
        self.stack = [_Container("root", None, self.root)]
        self.leaf: _Leaf | None = None
        self.line = 0
        self.rest = ""
        self.column = 0
        self.matched = 1
        self.wrapped = 0
        self.closers: dict[str, int] | None = None

    def run(self) -> None:
        for number, line in enumerate(self.source):
            self.line = number
            if len(self.stack) == 1 and self._plain(line):
                continue
            self._read(line)
        self.line = len(self.source)
        self._close(1)

    def _plain(self, line: str) -> bool:
        """Most lines are prose outside of any container: they need not go the long way."""
        leaf = self.leaf
        if not line or line[0] in " \t" or line[0] in _SPECIAL or (leaf is not None and leaf.kind != "text"):
            return False
        if leaf is None:
            self.leaf = _Leaf("text", self.line, [line])
        else:
            leaf.lines.append(line)
        return True

    def _read(self, line: str) -> None:
        self.rest, self.column = line, 0
        self._match()
        leaf = self.leaf
        if leaf is not None and leaf.kind in ("fence", "html") and self.matched == len(self.stack) and self._feed(leaf):
            return
        if self.wrapped and self._ends_wrapped():
            return
        self._begin_blocks()

    def _begin_blocks(self) -> None:
        """What is left of the line: containers it opens, and the leaf it opens or goes on with."""
        while True:
            text = self.rest.lstrip(" \t")
            if not text:
                self._blank()
                return
            indent = lines.indent(self.rest, self.column)
            if indent >= 4:
                if self._indented(text):
                    return
                break
            opener = _OPENERS.get(text[0])
            if opener is None:
                break
            outcome = opener(self, text, indent)
            if outcome is None:
                break
            if outcome:
                return
        self._text(text)

    # -- which open containers the line belongs to

    def _match(self) -> None:
        self.matched = 1
        for container in self.stack[1:]:
            if not _CONTAINERS[container.kind](self, container):
                return
            self.matched += 1

    def _match_quote(self, container: _Container) -> bool:
        text = self.rest.lstrip(" \t")
        if text[:1] != ">" or lines.indent(self.rest, self.column) > 3:
            return False
        self._past_quote(text)
        return True

    def _past_quote(self, text: str) -> None:
        self.column += lines.indent(self.rest, self.column) + 1
        self.rest = text[1:]
        if self.rest[:1] in (" ", "\t"):
            self.rest = lines.cut(self.rest, self.column, 1)
            self.column += 1

    def _match_indent(self, container: _Container) -> bool:
        if not self.rest.strip(" \t"):
            # An item may begin with one blank line (its marker's own), not with two.
            return container.kind != "item" or bool(container.children) or self.leaf is not None
        wanted = container.column
        if container.kind == "definition" and lines.indent(self.rest, self.column) >= 4:
            wanted = 4
        if lines.indent(self.rest, self.column) < wanted:
            return False
        self.rest = lines.cut(self.rest, self.column, wanted)
        self.column += wanted
        return True

    def _match_foreign(self, container: _Container) -> bool:
        """A block between slashes takes every line up to the one that closes it."""
        return True

    def _match_wrapped(self, container: _Container) -> bool:
        if container.column < 0 and self.rest.strip():
            container.column = lines.indent(self.rest, self.column)
        if container.column > 0:
            taken = min(container.column, lines.indent(self.rest, self.column))
            self.rest = lines.cut(self.rest, self.column, taken)
            self.column += taken
        return True

    # -- leaves that take lines as they are

    def _feed(self, leaf: _Leaf) -> bool:
        """Give the line to the open fence or HTML; False when it ends the HTML without belonging to it."""
        if leaf.kind == "html":
            if not leaf.end and not self.rest.strip(" \t"):
                return False
            leaf.lines.append(self.rest)
            if leaf.end and lines.html_ends(self.rest, leaf.end):
                self._close_leaf()
            return True
        text = self.rest.strip(" \t")
        if text.startswith(leaf.end) and not text.strip(leaf.end[0]) and lines.indent(self.rest, self.column) < 4:
            self._close_leaf(self.line)
        else:
            leaf.lines.append(lines.cut(self.rest, self.column, min(leaf.indent, lines.indent(self.rest, self.column))))
        return True

    def _blank(self) -> None:
        leaf = self.leaf
        if leaf is not None and leaf.kind == "indented" and self.matched == len(self.stack):
            leaf.lines.append(lines.cut(self.rest, self.column, min(4, lines.indent(self.rest, self.column))))
        elif leaf is not None:
            self._close_leaf()
        if self.matched < len(self.stack):
            self._close(self.matched)

    def _indented(self, text: str) -> bool:
        """A line indented by four or more: code, unless a paragraph goes on. True when the line is used up."""
        if self.leaf is not None and self.leaf.kind == "text":
            return False
        if self.leaf is not None and self.leaf.kind == "table" and self.matched == len(self.stack):
            return False
        if self.leaf is not None and self.leaf.kind == "indented" and self.matched == len(self.stack):
            self.leaf.lines.append(lines.cut(self.rest, self.column, 4))
            return True
        self._close(self.matched)
        if lines.begins_with_tag(text) and self._inside_html():
            self.leaf = _Leaf("html", self.line, [self.rest])
        else:
            self.leaf = _Leaf("indented", self.line, [lines.cut(self.rest, self.column, 4)])
        return True

    def _inside_html(self) -> bool:
        """Whether raw HTML before this line is still open: then indented tags go on with it, as many exports write."""
        children = self.stack[-1].children
        if not children or not isinstance(children[-1], Html):
            return False
        return sum(lines.open_tags(one.text) for one in children if isinstance(one, Html)) > 0

    def _text(self, text: str) -> None:
        leaf = self.leaf
        if leaf is not None and leaf.kind == "text" and not self._leaves_foreign():
            leaf.lines.append(text)
            return
        if leaf is not None and leaf.kind == "table" and leaf.node is not None and self.matched == len(self.stack):
            width = len(leaf.node.head)
            leaf.node.rows.append([*lines.cells(text), *[""] * width][:width])
            leaf.node.end = self.line
            return
        self._close(self.matched)
        self.leaf = _Leaf("text", self.line, [text])

    def _leaves_foreign(self) -> bool:
        """Whether the line is outside of a block that ends where the indentation ends: there nothing goes on lazily."""
        return any(container.kind == "foreign" for container in self.stack[self.matched :])

    # -- what a line can begin: None when it begins nothing, True when it is used up, False when its rest is to be read

    def _begin(self) -> list[Block]:
        """Close what the line does not belong to, and the open leaf; where the new block goes."""
        self._close(self.matched)
        return self.stack[-1].children

    def _in_paragraph(self) -> bool:
        """Whether the line could go on with the open paragraph of its own container."""
        return self.leaf is not None and self.leaf.kind == "text" and self.matched == len(self.stack)

    def _open(self, kind: str, node: Block | Item, children: list[Block], column: int = 0) -> None:
        self.stack.append(_Container(kind, node, children, column))
        self.matched = len(self.stack)

    def _quote(self, text: str, indent: int) -> bool | None:
        if len(self.stack) > DEEPEST:
            return None
        node = Quote(self.line, self.line)
        self._begin().append(node)
        self._open("quote", node, node.children)
        self._past_quote(text)
        return False

    def _atx(self, text: str, indent: int) -> bool | None:
        found = lines.ATX.match(text)
        if found is None:
            return None
        title = lines.heading(text[found.end() :])
        self._begin().append(Heading(self.line, self.line, len(found[1]), title))
        return True

    def _fence(self, text: str, indent: int) -> bool | None:
        found = lines.FENCE.match(text)
        if found is None:
            return None
        self._begin()
        self.leaf = _Leaf("fence", self.line, [], found[1] or found[3], indent)
        self.leaf.info = (found[2] if found[1] else found[4]).strip()
        return True

    def _tag(self, text: str, indent: int) -> bool | None:
        wrapped = lines.MARKDOWN_ATTRIBUTE.match(text) if "markdown" in text else None
        if wrapped is not None and len(self.stack) <= DEEPEST:
            return self._wrap(text, wrapped)
        end = lines.html_start(text, self.leaf is not None and self.leaf.kind == "text")
        if end is None:
            return None
        self._begin()
        self.leaf = _Leaf("html", self.line, [self.rest], end)
        if end and lines.html_ends(text, end):
            self._close_leaf()
        return True

    def _equals(self, text: str, indent: int) -> bool | None:
        if lines.TAB.match(text):
            return self._foreign(text)
        return self._underline(text)

    def _underline(self, text: str) -> bool | None:
        leaf = self.leaf
        if leaf is None or not self._in_paragraph() or not lines.SETEXT.match(text):
            return None
        children = self.stack[-1].children
        paragraph = self._without_references(leaf, children)
        self.leaf = None
        if not paragraph:
            self._text(text)
            return True
        level = 1 if text[0] == "=" else 2
        children.append(Heading(leaf.start, self.line, level, paragraph.strip()))
        return True

    def _dash(self, text: str, indent: int) -> bool | None:
        heading = self._underline(text)
        if heading is not None:
            return heading
        if self._table(text):
            return True
        return self._star(text, indent)

    def _star(self, text: str, indent: int) -> bool | None:
        if lines.RULE.match(text):
            self._begin().append(Rule(self.line, self.line))
            return True
        if text.startswith("*[") and lines.ABBREVIATION.match(text):
            self._begin().append(Foreign(self.line, self.line, text, ""))
            return True
        return self._item(text, indent)

    def _rule(self, text: str, indent: int) -> bool | None:
        return self._star(text, indent) if lines.RULE.match(text) else None

    def _item(self, text: str, indent: int) -> bool | None:
        found = lines.MARKER.match(text)
        if found is None or len(self.stack) > DEEPEST:
            return None
        behind = text[found.end() :]
        empty = not behind.strip(" \t")
        if self._in_paragraph() and (empty or (found[2] and int(found[2]) != 1)):
            return None
        at = self.column + indent + found.end()
        space = lines.indent(behind, at)
        taken = 1 if empty or space > 4 else space
        item = self._new_item(found)
        self._open("item", item, item.children, indent + found.end() + taken)
        self.rest = "" if empty else lines.cut(behind, at, taken)
        self.column = at + taken
        return False

    def _new_item(self, found: re.Match[str]) -> Item:
        siblings = self._begin()
        marker = found[1] or found[3]
        item = Item(self.line, self.line)
        last = siblings[-1] if siblings else None
        if isinstance(last, List) and last.marker == marker and (last.first is None) == (found[2] is None):
            last.items.append(item)
        else:
            first = None if found[2] is None else int(found[2])
            siblings.append(List(self.line, self.line, marker, first, [item]))
        return item

    def _colon(self, text: str, indent: int) -> bool | None:
        if self._table(text):
            return True
        found = lines.DEFINITION.match(text)
        if found is None or len(self.stack) > DEEPEST:
            return None
        item = self._new_definition()
        if item is None:
            return None
        at = self.column + indent + 1
        taken = min(3, lines.indent(text[1:], at))
        self._open("definition", item, item.children, min(4, indent + 1 + taken))
        self.rest = lines.cut(text[1:], at, taken)
        self.column = at + taken
        return False

    def _new_definition(self) -> Item | None:
        """A definition of the paragraph before it, or one more of the terms defined before; None when there is none."""
        siblings = self.stack[self.matched - 1].children
        last = siblings[-1] if siblings else None
        if not self._in_paragraph() and not isinstance(last, Definitions):
            if not isinstance(last, Text) or last.end < self.line - 2 or self.leaf is not None:
                return None
        self._begin()
        last = siblings[-1] if siblings else None
        item = Item(self.line, self.line)
        loose = last is not None and last.end < self.line - 1
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
            siblings.append(Definitions(last.start, self.line, [(terms, [(item, loose)])]))
        return item

    def _bracket(self, text: str, indent: int) -> bool | None:
        found = lines.NOTE.match(text)
        if found is None or len(self.stack) > DEEPEST:
            return None
        node = Note(self.line, self.line, found[1])
        self._begin().append(node)
        self._open("note", node, node.children, 4)
        self.rest = text[found.end() :]
        self.column += indent + found.end()
        return False

    def _bang(self, text: str, indent: int) -> bool | None:
        return self._foreign(text) if lines.ADMONITION.match(text) else None

    def _foreign(self, text: str) -> bool | None:
        """A block of Python-Markdown's that holds what is indented under it, when something is."""
        if len(self.stack) > DEEPEST or not self._indented_below():
            return None
        node = Foreign(self.line, self.line, text.rstrip(), "")
        self._begin().append(node)
        self._open("foreign", node, node.children, 4)
        return True

    def _indented_below(self) -> bool:
        for line in self.source[self.line + 1 : self.line + 3]:
            bare = line.lstrip(" \t>")
            if bare:
                return lines.indent(line.lstrip(">")) >= 4 or len(line) - len(bare) >= self.column + 4
        return False

    def _slash(self, text: str, indent: int) -> bool | None:
        container = self.stack[self.matched - 1]
        bare = text.rstrip(" \t")
        if container.kind == "slashes" and bare == container.tag:
            self._close(self.matched - 1)
            return True
        found = lines.BLOCK.match(text)
        if found is None or len(self.stack) > DEEPEST or self._last_closer(found[1]) <= self.line:
            return None
        node = Foreign(self.line, self.line, bare, found[1])
        self._begin().append(node)
        self._open("slashes", node, node.children)
        self.stack[-1].tag = found[1]
        return True

    def _last_closer(self, slashes: str) -> int:
        if self.closers is None:
            bare = (line.strip(" \t>") for line in self.source)
            self.closers = {line: at for at, line in enumerate(bare) if line[:3] == "///" and not line.strip("/")}
        return self.closers.get(slashes, -1)

    def _pipe(self, text: str, indent: int) -> bool | None:
        return True if self._table(text) else None

    def _table(self, text: str) -> bool:
        """The row under a table's head, which until now was a paragraph's last line."""
        leaf = self.leaf
        if leaf is None or not self._in_paragraph() or not lines.DELIMITER_ROW.match(text):
            return False
        head, align = lines.cells(leaf.lines[-1]), lines.alignments(text)
        if len(head) != len(align) or ("|" not in text and ":" not in text):
            return False
        if len(leaf.lines) > 1:
            leaf.lines.pop()
            self._close_leaf()
        table = Table(self.line - 1, self.line, head, align)
        self.leaf = _Leaf("table", self.line - 1, [])
        self.leaf.node = table
        return True

    # -- Markdown in HTML

    def _wrap(self, text: str, found: re.Match[str]) -> bool | None:
        tag = found[1].lower()
        inline = found[3] == "span" or (found[3] != "block" and tag in _SPAN_TAGS)
        node = Wrapped(self.line, self.line, tag, _attributes(found[2]), inline)
        self._begin().append(node)
        self._open("wrapped", node, node.children, -1)
        self.stack[-1].tag = tag
        self.wrapped += 1
        self.rest = text[found.end() :].lstrip(" \t")
        return not self.rest or self._ends_wrapped()

    def _ends_wrapped(self) -> bool:
        """Read the line up to the tag that ends the innermost Markdown-in-HTML, and what follows it; False if none."""
        depth = next((at for at in range(self.matched - 1, 0, -1) if self.stack[at].kind == "wrapped"), 0)
        if not depth:
            return False
        container = self.stack[depth]
        for tag in re.finditer(rf"<(/?){container.tag}(?=[\s>])[^>]*>", self.rest, re.IGNORECASE):
            container.depth += -1 if tag[1] else 1
            if not container.depth:
                after = self.rest[tag.end() :].strip()
                self.rest = self.rest[: tag.start()].rstrip()
                if self.rest.strip():
                    self._begin_blocks()
                self._close(depth)
                self._after_wrapped(container.tag, after)
                return True
        return False

    def _after_wrapped(self, tag: str, after: str) -> None:
        self.matched = len(self.stack)
        outer = next((one for one in reversed(self.stack) if one.kind == "wrapped"), None)
        if outer is not None and outer.tag == tag:
            outer.depth -= 1
        if after:
            self.rest = after
            if not (self.wrapped and self._ends_wrapped()):
                self._begin_blocks()

    # -- closing

    def _close(self, depth: int) -> None:
        """Close the leaf and every container beyond `depth`."""
        if self.leaf is not None:
            self._close_leaf()
        while len(self.stack) > depth:
            container = self.stack.pop()
            self.wrapped -= container.kind == "wrapped"
            node = container.node
            if node is not None and container.children:
                node.end = max(node.end, container.children[-1].end)
            siblings = self.stack[-1].children
            if siblings and node is not None:
                siblings[-1].end = max(siblings[-1].end, node.end)

    def _close_leaf(self, end: int | None = None) -> None:
        leaf, self.leaf = self.leaf, None
        if leaf is None:
            return
        children = self.stack[-1].children
        if leaf.kind == "text":
            text = self._without_references(leaf, children)
            if text:
                children.append(Text(leaf.start, leaf.start + len(leaf.lines) - 1, text))
        elif leaf.kind == "table" and leaf.node is not None:
            children.append(leaf.node)
        elif leaf.kind == "html":
            children.append(Html(leaf.start, leaf.start + len(leaf.lines) - 1, "\n".join(leaf.lines)))
        else:
            if leaf.kind == "indented":
                while leaf.lines and not leaf.lines[-1].strip(" \t"):
                    leaf.lines.pop()
            last = leaf.start + len(leaf.lines) - (leaf.kind == "indented")
            children.append(Code(leaf.start, last if end is None else end, leaf.info, "\n".join(leaf.lines)))

    def _without_references(self, leaf: _Leaf, children: list[Block]) -> str:
        """A paragraph's text behind the link definitions it begins with, which become blocks of their own."""
        text = "\n".join(leaf.lines)
        while text[:1] == "[":
            found = lines.reference(text)
            if found is None or not found["label"].strip():
                break
            taken = found[0].count("\n") or 1
            children.append(_reference(leaf.start, leaf.start + taken - 1, found))
            leaf.start += taken
            del leaf.lines[:taken]
            text = text[found.end() :]
        return text.rstrip(" \t")


def _reference(start: int, end: int, found: re.Match[str]) -> Reference:
    destination = found["destination"]
    if destination.startswith("<"):
        destination = destination[1:-1]
    title = found.groupdict().get("title")
    return Reference(start, end, found["label"], destination, title[1:-1] if title else "")


def _attributes(text: str) -> list[tuple[str, str]]:
    """The attributes of a tag, but for `markdown`."""
    found = ((one[1], one[2] or one[3] or one[4] or "") for one in _ATTRIBUTE.finditer(text))
    return [(name, html.unescape(value)) for name, value in found if name.lower() != "markdown"]


_CONTAINERS: Mapping[str, Callable[[_Reader, _Container], bool]] = {
    "quote": _Reader._match_quote,
    "item": _Reader._match_indent,
    "definition": _Reader._match_indent,
    "note": _Reader._match_indent,
    "foreign": _Reader._match_indent,
    "slashes": _Reader._match_foreign,
    "wrapped": _Reader._match_wrapped,
}
_OPENERS: Mapping[str, Callable[[_Reader, str, int], bool | None]] = {
    ">": _Reader._quote,
    "#": _Reader._atx,
    "`": _Reader._fence,
    "~": _Reader._fence,
    "<": _Reader._tag,
    "=": _Reader._equals,
    "-": _Reader._dash,
    "*": _Reader._star,
    "+": _Reader._item,
    "_": _Reader._rule,
    ":": _Reader._colon,
    "[": _Reader._bracket,
    "!": _Reader._bang,
    "?": _Reader._bang,
    "/": _Reader._slash,
    "|": _Reader._pipe,
    **dict.fromkeys("0123456789", _Reader._item),
}
