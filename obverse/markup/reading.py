"""The state of a reading: which containers are open, which leaf, and to what of them the next line belongs.

One pass over the lines, a stack of open containers, at most one open leaf: as the CommonMark specification describes.
What a line can begin is told in `openers`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from obverse.markup import lines
from obverse.markup.blocks import Block, Code, Html, Item, Reference, Table, Text

# What a line may begin with that is more than prose.
_SPECIAL = frozenset("#>`~<=-*_+0123456789:[!?/|")


class Container:
    """An open container: what may stand before a line for it to belong here, and where its blocks go."""

    __slots__ = ("children", "column", "depth", "kind", "node", "opened", "tag")

    def __init__(self, kind: str, node: Block | Item | None, children: list[Block], column: int = 0) -> None:
        self.kind = kind
        self.node = node
        self.children = children
        self.column = column
        self.tag = ""
        self.depth = 1
        self.opened = 0


class Leaf:
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


class Reader:
    """One reading. `line` is the number of the line at hand, `rest` what is left of it, at column `column`.

    `matched` is how many of the open containers the line belongs to; `wrapped` how many of them are HTML elements.
    """

    def __init__(self, source: list[str]) -> None:
        self.source = source
        self.root: list[Block] = []
        self.stack = [Container("root", None, self.root)]
        self.leaf: Leaf | None = None
        self.line = 0
        self.rest = ""
        self.column = 0
        self.matched = 1
        self.wrapped = 0
        self.closers: dict[str, int] | None = None

    def plain(self, line: str) -> bool:
        """Most lines are prose outside of any container: they need not go the long way."""
        leaf = self.leaf
        if not line or line[0] in " \t" or line[0] in _SPECIAL or (leaf is not None and leaf.kind != "text"):
            return False
        if leaf is None:
            self.leaf = Leaf("text", self.line, [line])
        else:
            leaf.lines.append(line)
        return True

    def match(self) -> None:
        """Find out which open containers the line belongs to, and take what marks them off its rest."""
        self.matched = 1
        for container in self.stack[1:]:
            if not _CONTAINERS[container.kind](self, container):
                return
            self.matched += 1

    def take(self, columns: int) -> None:
        """Take white space off the rest: as many columns, or as many as there are."""
        taken = min(columns, lines.indent(self.rest, self.column))
        self.rest = lines.cut(self.rest, self.column, taken)
        self.column += taken

    def past_quote(self, text: str) -> None:
        """Take the mark of a quote off the rest, with the blank behind it; `text` is the rest without indentation."""
        self.column += lines.indent(self.rest, self.column) + 1
        self.rest = text[1:]
        if self.rest[:1] in (" ", "\t"):
            self.take(1)

    def feed(self, leaf: Leaf) -> bool:
        """Give the line to the open fence or HTML; False when it ends the HTML without belonging to it."""
        if leaf.kind == "html":
            if not leaf.end and not self.rest.strip(" \t"):
                return False
            leaf.lines.append(self.rest)
            if leaf.end and lines.html_ends(self.rest, leaf.end):
                self.close_leaf()
            return True
        text = self.rest.strip(" \t")
        if text.startswith(leaf.end) and not text.strip(leaf.end[0]) and lines.indent(self.rest, self.column) < 4:
            self.close_leaf(self.line)
        else:
            leaf.lines.append(lines.cut(self.rest, self.column, min(leaf.indent, lines.indent(self.rest, self.column))))
        return True

    def blank(self) -> None:
        """A blank line: it ends a paragraph, and what it does not belong to."""
        leaf = self.leaf
        if leaf is not None and leaf.kind == "indented" and self.matched == len(self.stack):
            leaf.lines.append(lines.cut(self.rest, self.column, min(4, lines.indent(self.rest, self.column))))
        elif leaf is not None:
            self.close_leaf()
        if self.matched < len(self.stack):
            self.close(self.matched)

    def indented(self, text: str) -> bool:
        """A line indented by four or more: code, unless a paragraph goes on. True when the line is used up."""
        if self.leaf is not None and self.leaf.kind == "text":
            return False
        if self.leaf is not None and self.leaf.kind == "table" and self.matched == len(self.stack):
            return False
        if self.leaf is not None and self.leaf.kind == "indented" and self.matched == len(self.stack):
            self.leaf.lines.append(lines.cut(self.rest, self.column, 4))
            return True
        self.close(self.matched)
        if lines.begins_with_tag(text) and self._inside_html():
            self.leaf = Leaf("html", self.line, [self.rest])
        else:
            self.leaf = Leaf("indented", self.line, [lines.cut(self.rest, self.column, 4)])
        return True

    def _inside_html(self) -> bool:
        """Whether raw HTML before this line is still open: then indented tags go on with it, as many exports write."""
        container = self.stack[-1]
        return bool(container.children) and isinstance(container.children[-1], Html) and container.opened > 0

    def text(self, text: str) -> None:
        """A line that begins nothing: a paragraph goes on or begins, or a table has a row more."""
        leaf = self.leaf
        if leaf is not None and leaf.kind == "text" and not self._leaves_foreign():
            leaf.lines.append(text)
            return
        if leaf is not None and leaf.kind == "table" and leaf.node is not None and self.matched == len(self.stack):
            width = len(leaf.node.head)
            leaf.node.rows.append([*lines.cells(text), *[""] * width][:width])
            leaf.node.end = self.line
            return
        self.close(self.matched)
        self.leaf = Leaf("text", self.line, [text])

    def _leaves_foreign(self) -> bool:
        """Whether the line is outside of a block that ends where the indentation ends: there nothing goes on lazily."""
        return any(container.kind == "foreign" for container in self.stack[self.matched :])

    def begin(self) -> list[Block]:
        """Close what the line does not belong to, and the open leaf; where the new block goes."""
        self.close(self.matched)
        return self.stack[-1].children

    def in_paragraph(self) -> bool:
        """Whether the line could go on with the open paragraph of its own container."""
        return self.leaf is not None and self.leaf.kind == "text" and self.matched == len(self.stack)

    def open(self, kind: str, node: Block | Item, children: list[Block], column: int = 0) -> None:
        """Open a container; `column` is how far what belongs to it is indented."""
        self.stack.append(Container(kind, node, children, column))
        self.matched = len(self.stack)

    def close(self, depth: int) -> None:
        """Close the leaf and every container beyond `depth`."""
        if self.leaf is not None:
            self.close_leaf()
        while len(self.stack) > depth:
            container = self.stack.pop()
            self.wrapped -= container.kind == "wrapped"
            node = container.node
            if node is not None and container.children:
                node.end = max(node.end, container.children[-1].end)
            siblings = self.stack[-1].children
            if siblings and node is not None:
                siblings[-1].end = max(siblings[-1].end, node.end)

    def end(self, depth: int) -> None:
        """Close the container at `depth`, whose last line this is, and all within it."""
        node = self.stack[depth].node
        if node is not None:
            node.end = self.line
        self.close(depth)

    def close_leaf(self, end: int | None = None) -> None:
        """Close the open leaf; `end` is its last line where that is not the last one it holds."""
        leaf, self.leaf = self.leaf, None
        if leaf is None:
            return
        children = self.stack[-1].children
        if leaf.kind == "text":
            text = self.without_references(leaf, children)
            if text:
                children.append(Text(leaf.start, leaf.start + len(leaf.lines) - 1, text))
        elif leaf.kind == "table" and leaf.node is not None:
            children.append(leaf.node)
        elif leaf.kind == "html":
            raw = "\n".join(leaf.lines)
            self.stack[-1].opened += lines.open_tags(raw)
            children.append(Html(leaf.start, leaf.start + len(leaf.lines) - 1, raw))
        else:
            if leaf.kind == "indented":
                while leaf.lines and not leaf.lines[-1].strip(" \t"):
                    leaf.lines.pop()
            last = leaf.start + len(leaf.lines) - (leaf.kind == "indented")
            children.append(Code(leaf.start, last if end is None else end, leaf.info, "\n".join(leaf.lines)))

    def without_references(self, leaf: Leaf, children: list[Block]) -> str:
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


def _in_quote(reader: Reader, container: Container) -> bool:
    text = reader.rest.lstrip(" \t")
    if text[:1] != ">" or lines.indent(reader.rest, reader.column) > 3:
        return False
    reader.past_quote(text)
    if container.node is not None:
        container.node.end = reader.line
    return True


def _under(reader: Reader, container: Container) -> bool:
    """Whether the line is blank, or indented as far as what the container holds."""
    indent = lines.indent(reader.rest, reader.column)
    if indent < container.column:
        # An item may begin with one blank line (its marker's own), not with two.
        begun = container.kind != "item" or bool(container.children) or reader.leaf is not None
        blank = not reader.rest.strip(" \t")
        reader.take(container.column if blank else 0)
        return blank and begun
    # A definition's text often stands two columns in, and what follows it four.
    reader.take(4 if container.kind == "definition" and indent >= 4 else container.column)
    return True


def _between_slashes(_reader: Reader, _container: Container) -> bool:
    """Every line belongs to it, up to the one that closes it."""
    return True


def _in_element(reader: Reader, container: Container) -> bool:
    """Every line belongs to it; the first one tells how far its content is indented."""
    if container.column < 0 and reader.rest.strip():
        container.column = lines.indent(reader.rest, reader.column)
    reader.take(max(0, container.column))
    return True


_CONTAINERS: Mapping[str, Callable[[Reader, Container], bool]] = {
    "quote": _in_quote,
    "item": _under,
    "definition": _under,
    "note": _under,
    "foreign": _under,
    "slashes": _between_slashes,
    "wrapped": _in_element,
}
