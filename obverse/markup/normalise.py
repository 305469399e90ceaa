"""Markdown as people write it -> its blocks, read as CommonMark and GitHub read them.

Python-Markdown's own reading of blocks differs from what a writer sees elsewhere: lists need blank lines and four
spaces, fences get lost, quotes run together. So the blocks are read here, and what is written for Python-Markdown
(admonitions, tabs, definition lists, footnotes, `markdown="1"`) is read along with them.
"""

from __future__ import annotations

import re

from obverse.markup import lines
from obverse.markup.blocks import Block
from obverse.markup.openers import OPENERS
from obverse.markup.reading import Reader


def read(text: str) -> list[Block]:
    r"""The blocks of a text with "\n" line ends. Never raises; time grows with the length of the text."""
    reader = Reader(text.split("\n"))
    for number, line in enumerate(reader.source):
        reader.line = number
        if len(reader.stack) > 1 or not reader.plain(line):
            _line(reader, line)
    reader.line = len(reader.source)
    reader.close(1)
    return reader.root


def _line(reader: Reader, line: str) -> None:
    reader.rest, reader.column = line, 0
    reader.match()
    kind = reader.leaf.kind if reader.leaf is not None and reader.matched == len(reader.stack) else ""
    if reader.leaf is not None and kind == "fence":
        reader.feed(reader.leaf)
    elif reader.wrapped and _ends_wrapped(reader):
        return
    elif reader.leaf is None or kind != "html" or not reader.feed(reader.leaf):
        _blocks(reader)


def _blocks(reader: Reader) -> None:
    """What is left of the line: containers it opens, and the leaf it opens or goes on with."""
    while True:
        text = reader.rest.lstrip(" \t")
        if not text:
            reader.blank()
            return
        indent = lines.indent(reader.rest, reader.column)
        if indent >= 4:
            if not reader.indented(text):
                reader.text(text)
            return
        opener = OPENERS.get(text[0])
        outcome = opener(reader, text, indent) if opener else None
        if outcome is None:
            reader.text(text)
            return
        if outcome or (reader.stack[-1].kind == "wrapped" and _ends_wrapped(reader)):
            return


def _ends_wrapped(reader: Reader) -> bool:
    """Read the line up to the tag that ends the innermost Markdown-in-HTML, and what follows it; False if none."""
    depth = next((at for at in range(reader.matched - 1, 0, -1) if reader.stack[at].kind == "wrapped"), 0)
    if not depth:
        return False
    container = reader.stack[depth]
    opened = container.depth
    for tag in re.finditer(rf"<(/?){container.tag}(?=[\s>])[^>]*>", reader.rest, re.IGNORECASE):
        opened += -1 if tag[1] else 1
        if not opened:
            _end_wrapped(reader, depth, tag)
            return True
    container.depth = opened
    return False


def _end_wrapped(reader: Reader, depth: int, tag: re.Match[str]) -> None:
    tag_name = reader.stack[depth].tag
    before, after = (reader.rest[: tag.start()].rstrip(), reader.rest[tag.end() :].strip())
    if before:
        reader.rest = before
        _blocks(reader)
    reader.end(depth)
    reader.matched = len(reader.stack)
    outer = next((one for one in reversed(reader.stack) if one.kind == "wrapped"), None)
    if outer is not None and outer.tag == tag_name:
        outer.depth -= 1
    if after:
        reader.rest = after
        if not (outer and _ends_wrapped(reader)):
            _blocks(reader)
