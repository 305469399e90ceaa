"""Where things stand in the source: a destination or a heading of the HTML -> line and column of the Markdown.

HTML knows nothing of lines, so the source is searched for what was written. Code is masked first, and a cursor moves
along with the reader, because what comes next in the HTML nearly always comes next in the source.
"""

from __future__ import annotations

import bisect
import html
import re
from collections.abc import Iterator

from obverse.facts import Place

# Expressions begin with a plain character, not with "^", a set or a repeat: that makes each ten times as fast.
_PREFIX = re.compile(r"[ \t>]*(?:(?:[-+*]|\d{1,9}[.)])[ \t]+)*")
_TICK_FENCE = re.compile(r"(```+)(?=[^`\n]*$)([^\n]*)$", re.MULTILINE)
_TILDE_FENCE = re.compile(r"(~~~+)([^\n]*)$", re.MULTILINE)
_TICKS = re.compile(r"``*")
_BLANK_LINE = re.compile(r"\n[ \t]*\n")
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_VISIBLE = re.compile(r"[^\n]")
_HIDDEN = "\0"
_HASHES = re.compile(r"##{0,5}(?=[ \t\n]|\Z)")
_UNDERLINE = re.compile(r"\n[ \t>]*(=+|-+)[ \t]*(?=\n|\Z)")
_DEFINITION = re.compile(r"[ >]*\[[^\]\n]+\]:")
_HEADING_TAG = re.compile(r"<[hH]([1-6])\b")
# How many headings that did not reach the HTML may lie between two that did.
_NEAR = 20
# What stands before the address of a picture that is written as Markdown.
_PICTURE = ("](", "(<")
_BEFORE = "(<\"'= \t\n:[>"
_AFTER = ")>\"' \t\n]#?&,.;:!<|*_"


NOWHERE = Place(0, 0, "")


class Source:
    """A body's text and what has been found in it so far. Lines are those of the file."""

    def __init__(self, body: str, body_line: int) -> None:
        """`body_line` is the line of the file on which the body begins."""
        self.text = body
        self._first = body_line
        self._cursor = 0
        self._at = 0
        self._line = 0
        self._lines: dict[int, str] = {}
        self._masked: str | None = None
        self._notes: bool | None = None
        self._headings: list[tuple[int, int]] | None = None
        self._next_heading = 0

    @property
    def masked(self) -> str:
        """The text with code and comments blanked, every other character at its own offset."""
        if self._masked is None:
            self._masked = mask(self.text)
        return self._masked

    def place(self, offset: int) -> Place:
        """The place of a character. Lines are counted from the last one asked for: the next is nearly always near."""
        at, text = self._at, self.text
        if offset >= at:
            self._line += text.count("\n", at, offset)
        else:
            self._line -= text.count("\n", offset, at)
        self._at = offset
        start = text.rfind("\n", 0, offset) + 1
        line = self._lines.get(self._line)
        if line is None:
            end = text.find("\n", offset)
            line = self._lines[self._line] = text[start : end if end >= 0 else len(text)]
        return Place(self._first + self._line, offset - start + 1, line)

    def find(self, destination: str) -> int:
        """The offset at which the next link to `destination` is written, or -1."""
        if self._is_between_notes(destination):
            return -1
        offset = self._written(destination, self._cursor)
        if offset >= 0:
            if not self._defines(offset):
                self._cursor = offset + len(destination)
            return offset
        for written in _spellings(destination):
            for start in (self._cursor, 0) if self._cursor else (0,):
                offset = self._written(written, start)
                if offset >= 0:
                    if not self._defines(offset):
                        self._cursor = offset + len(written)
                    return offset
        return -1

    def find_text(self, text: str) -> int:
        """The offset of `text` in what is not code, from the cursor on and then from the top; or -1."""
        if self._is_between_notes(text):
            return -1
        masked = self.masked
        found = masked.find(text, self._cursor)
        return found if found >= 0 else masked.find(text)

    def _is_between_notes(self, text: str) -> bool:
        """Whether a text is of a link between a note and its marks, as engines write them and hardly any writer."""
        if "#fn" not in text:
            return False
        if self._notes is None:
            self._notes = "#fn" in self.masked
        return not self._notes

    def near(self, destination: str) -> tuple[Place, int]:
        """The place of a destination (else of the last thing found), and its offset or -1."""
        offset = self.find(destination) if destination else -1
        return self.place(offset if offset >= 0 else min(self._cursor, len(self.text))), offset

    def address(self, name: str, value: str, written: str) -> Place:
        """Where an address is written: as such, or as the attribute `name` it came from."""
        place, offset = self.near(value)
        if offset < 0:
            found = self.find_text(written)
            inside = written[len(name) :].lstrip("= \t\"'")
            return self.place(found + len(written) - len(inside)) if found >= 0 else place
        return place

    def attribute(self, value: str | None, written: str, *, last: bool = False) -> Place:
        """Where an attribute is written, or its value; `last` where it is for the last time."""
        find = self.masked.rfind if last else self.find_text
        offset = find(written)
        if offset < 0 and value:
            offset = find(value)
        return self.place(offset) if offset >= 0 else self.near("")[0]

    def tag(self, name: str) -> Place:
        """Where the next tag of this name is written."""
        offset = self.find_text(f"<{name}")
        return self.place(offset) if offset >= 0 else self.near("")[0]

    def holds_picture(self, offset: int) -> bool:
        """Whether the address at an offset is that of a picture written as Markdown."""
        return self.text[max(0, offset - 2) : offset].endswith(_PICTURE)

    def heading(self, level: int) -> Place:
        """The place of the next heading of this level: headings are asked for in their order."""
        if self._headings is None:
            self._headings = _headings(self.masked)
        for index in range(self._next_heading, min(len(self._headings), self._next_heading + _NEAR)):
            offset, found = self._headings[index]
            if found == level:
                self._next_heading = index + 1
                self._cursor = max(self._cursor, offset)
                return self.place(offset)
        return self.place(min(self._cursor, len(self.text)))

    def _written(self, text: str, start: int) -> int:
        masked = self.masked
        offset = masked.find(text, start)
        while offset >= 0:
            end = offset + len(text)
            # No character at all, at the ends of the text, is in them too.
            if masked[offset - 1 : offset] in _BEFORE and masked[end : end + 1] in _AFTER:
                return offset
            offset = masked.find(text, offset + 1)
        return -1

    def _defines(self, offset: int) -> bool:
        """Whether the offset lies in a link definition, which is used from elsewhere."""
        before = self.text[self.text.rfind("\n", 0, offset) + 1 : offset]
        return "]:" in before and _DEFINITION.match(before) is not None


class Unseen(Source):
    """Stands for a source that nobody looks into yet: most bodies have nothing wrong with them that must be placed."""

    def __init__(self) -> None:
        """Nothing is known of it."""
        super().__init__("", 0)

    def place(self, _offset: int) -> Place:
        """Nowhere."""
        return NOWHERE

    def near(self, _destination: str) -> tuple[Place, int]:
        """Nowhere."""
        return NOWHERE, -1

    def address(self, _name: str, _value: str, _written: str) -> Place:
        """Nowhere."""
        return NOWHERE

    def heading(self, _level: int) -> Place:
        """Nowhere."""
        return NOWHERE

    def holds_picture(self, _offset: int) -> bool:
        """It may: who looks will know."""
        return True


def mask(text: str) -> str:
    """The text with fenced code, code spans and comments as blanks: offsets and line ends stay."""
    # A single character is found much faster than three.
    if ("`" in text and "```" in text) or ("~" in text and "~~~" in text):
        text = _blank(text, _fences(text))
    if "<" in text and "<!--" in text:
        text = _blank(text, [match.span() for match in _COMMENT.finditer(text)])
    if "`" in text:
        simple = _without_simple_spans(text)
        text = _blank(text, _spans(text)) if simple is None else simple
    return text


def _fences(text: str) -> list[tuple[int, int]]:
    spans = []
    fence, start = "", 0
    found = [*_TICK_FENCE.finditer(text), *_TILDE_FENCE.finditer(text)]
    for match in sorted(found, key=lambda one: one.start()):
        if not _begins_line(text, match.start()):
            continue
        if not fence:
            fence, start = match[1], match.start()
        elif match[1].startswith(fence) and not match[2].strip():
            spans.append((start, match.end()))
            fence = ""
    return [*spans, (start, len(text))] if fence else spans


def _begins_line(text: str, offset: int) -> bool:
    """Whether only the marks of quotes and lists stand before the offset in its line."""
    return _PREFIX.fullmatch(text, text.rfind("\n", 0, offset) + 1, offset) is not None


def _without_simple_spans(text: str) -> str | None:
    """The text with code spans as blanks, where all are written with single backticks, as nearly always; else None."""
    if "\\" in text and "\\`" in text:
        return None
    pieces = text.split("`")
    # Between two backticks of a run there is nothing; what follows the last one, when it has no partner, is text.
    if "" in pieces[1:-1] or len(pieces) < 3:
        return None
    for at in range(1, len(pieces) - 1, 2):
        code = pieces[at]
        if "\n" not in code:
            pieces[at] = "\0" * (len(code) + 2)
        elif _BLANK_LINE.search(code):
            return None
        else:
            pieces[at] = f"\0{_VISIBLE.sub(_HIDDEN, code)}\0"
    if len(pieces) % 2 == 0:
        pieces.insert(-1, "`")
    return "".join(pieces)


def _spans(text: str) -> list[tuple[int, int]]:
    """Code spans: a run of backticks up to the next run as long, within a paragraph."""
    spans: list[tuple[int, int]] = []
    ends = [one.start() for one in _BLANK_LINE.finditer(text)]
    by_length: dict[int, list[tuple[int, int]]] = {}
    runs: list[tuple[int, int]] = []
    end = -1
    for match in _TICKS.finditer(text):
        start = match.start()
        if start >= end:
            spans.extend(_paired(runs, by_length))
            by_length, runs = {}, []
            at = bisect.bisect_right(ends, start)
            end = ends[at] if at < len(ends) else len(text)
        if text[start - 1 : start] != "\\":
            by_length.setdefault(match.end() - start, []).append(match.span())
            runs.append(match.span())
    return [*spans, *_paired(runs, by_length)]


def _paired(runs: list[tuple[int, int]], by_length: dict[int, list[tuple[int, int]]]) -> list[tuple[int, int]]:
    spans = []
    past = 0
    for lengths in by_length.values():
        lengths.reverse()
    for start, end in runs:
        candidates = by_length[end - start]
        while candidates and candidates[-1][0] < max(end, past):
            candidates.pop()
        if start >= past and candidates:
            past = candidates[-1][1]
            spans.append((start, past))
    return spans


def _blank(text: str, spans: list[tuple[int, int]]) -> str:
    pieces = []
    past = 0
    for start, end in spans:
        hidden = text[start:end]
        pieces += [text[past:start], _VISIBLE.sub(_HIDDEN, hidden) if "\n" in hidden else "\0" * len(hidden)]
        past = end
    return "".join([*pieces, text[past:]])


def _headings(text: str) -> list[tuple[int, int]]:
    """Offset and level of all that may be a heading: `#`, a line underlined, or a tag."""
    hashes = (one for one in _HASHES.finditer(text) if _begins_line(text, one.start()))
    found = [(one.start(), one.end() - one.start()) for one in hashes]
    for one in _UNDERLINE.finditer(text):
        start = text.rfind("\n", 0, one.start()) + 1
        if text[start : one.start()].strip():
            found.append((start, 1 if one[1][0] == "=" else 2))
    if "<" in text:
        found.extend((one.start(), int(one[1])) for one in _HEADING_TAG.finditer(text))
    return sorted(found)


def _spellings(destination: str) -> Iterator[str]:
    """How a destination may have been written: itself, with entities, without what the engine adds."""
    yield destination
    escaped = html.escape(destination, quote=False)
    if escaped != destination:
        yield escaped
    for added in ("mailto:", "http://"):
        if destination.startswith(added) and destination != added:
            yield destination[len(added) :]
