"""survey: a body's Markdown -> its HTML in parts, and the facts others may want of it. Pure, so it can be remembered.

The engine knows nothing of Obverse: component calls pass through it as tokens, and its HTML is then cut at every place
that depends on the site. What cannot be published under the site's policy is taken out and told at its line.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from obverse.facts import Call, Facts, Heading, Image, Link, Part, Place, Survey
from obverse.markup import DEEPEST, MarkupOptions, calls, prose, render
from obverse.markup.cutter import cut, cut_unseen
from obverse.markup.depth import maybe_deep
from obverse.markup.places import Source
from obverse.problems import Problem, problem

# What XML 1.0 cannot carry, and the private characters that stand for calls.
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff\U0010f400-\U0010f4ff]")
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")
_BIDI_CLOSERS = {"\u202c": "\u202a\u202b\u202d\u202e", "\u2069": "\u2066\u2067\u2068"}
_DEEP = re.compile(
    rf"^(?![ \t]*(?:(?:-[ \t]*)+|(?:\*[ \t]*)+)$)(?:[ \t]*+(?:>|(?:[-+*]|\d{{1,9}}[.)])(?=[ \t]))){{{DEEPEST + 1}}}",
    re.MULTILINE,
)
_CONTROLS = tuple(char for char in map(chr, range(32)) if char not in "\t\n\r")
# In UTF-8: the beginnings of what is searched for beyond ASCII.
_ODD_BYTES = re.compile(rb"\xe2(?:\x80[\xaa-\xae]|\x81[\xa6-\xa9])|\xef\xbf[\xbe\xbf]|\xf4\x8f[\x90-\x93]")
_NUMBERED = re.compile(r"&#(?:(\d{1,10})|[xX]([0-9a-fA-F]{1,8}));?")
# What a bare address has in it.
_BARE = ("://", "www.", "@")
# A bare address within a link.
_NESTED_LINK = re.compile(r"(<a\s[^<>]*>[^<>]*)<a\s[^<>]*>([^<>]*)</a>")
# The corner of a table heads nothing, so it is no header.
_EMPTY_HEADER = re.compile(r"<th(\s[^<>]*)?>\s*</th>")
_BLANK_LINE = re.compile(r"\n[ \t]*\n")


def survey(body: str, body_line: int, path: str, options: MarkupOptions, components: frozenset[str]) -> Survey:
    r"""What a body prints and what is to be known of it.

    `body` is Markdown with "\n" line ends, and its first line is line `body_line` of the file `path`; `components` are
    the names that may be called. Never raises: what is wrong is a problem in the facts.
    """
    rendered = _rendered(body, body_line, path, options)
    html, found, problems = rendered.html, rendered.found, rendered.problems
    made = cut_unseen(html, path, found, components)
    if made.problems:
        made = cut(html, rendered.source, path, found, components)
    shown = calls.TOKEN.sub("", html) if found else html
    facts = Facts(
        title=made.title,
        excerpt=prose.excerpt(shown),
        words=prose.words(shown),
        headings=tuple(made.headings),
        ids=tuple(sorted(made.ids)),
        problems=(*problems, *made.problems),
    )
    return Survey(tuple(made.parts), facts)


def places(
    body: str, body_line: int, path: str, options: MarkupOptions, components: frozenset[str]
) -> tuple[Place, ...]:
    """Where the slots of a body's parts are written, in their order.

    Asked when one of them is wrong: on most pages none is.
    """
    rendered = _rendered(body, body_line, path, options)
    return tuple(cut(rendered.html, rendered.source, path, rendered.found, components).places)


class _Rendered(NamedTuple):
    """A body as its engine has it, the calls in it as tokens, and what is wrong with it so far."""

    html: str
    source: Source
    found: list[calls.Found]
    problems: list[Problem]


def _rendered(body: str, body_line: int, path: str, options: MarkupOptions) -> _Rendered:
    source = Source(body, body_line)
    problems = [] if _ordinary(body) else [*_control_characters(source, path), *_loose_marks(source, path)]
    deep = bool(problems) or maybe_deep(body)
    problems += _too_deep(source, path) if deep else []
    text = _ILLEGAL.sub("", body) if problems else body
    if text != body:
        source = Source(text, body_line)
    found = calls.find(source.masked, text) if "{" in text and "{{" in text else []
    try:
        html = render(calls.tokenised(text, found) if found else text, options, deep=deep)
        html = _mended(html, text, options)
    except Exception as fault:  # noqa: BLE001 - the site's own extensions run in there
        message = f"the Markdown could not be read: {type(fault).__name__}: {fault}"
        failed = _located("markdown", message, source, path, 0, "look into the extensions that hooks.py adds")
        return _Rendered("", source, [], [*problems, failed])
    return _Rendered(html, source, found, problems)


def _ordinary(text: str) -> bool:
    """Whether a text holds neither what XML cannot carry nor direction marks.

    A single character is found so fast that each of them is looked for; bytes are searched faster than text.
    """
    if any(map(text.__contains__, _CONTROLS)):
        return False
    try:
        return text.isascii() or _ODD_BYTES.search(text.encode()) is None
    except UnicodeEncodeError:
        return False


def _mended(html: str, text: str, options: MarkupOptions) -> str:
    """HTML without what no engine should write: headers of nothing, what XML cannot carry, links within links.

    What the text holds no sign of is not looked for, unless a site's own extensions may have made it.
    """
    anything = bool(options.extensions)
    if (anything or "|" in text or ":" in text or "<" in text) and "<th" in html:
        html = _EMPTY_HEADER.sub(lambda found: f"<td{found[1] or ''}></td>", html)
    if (anything or "&" in text) and "&#" in html:
        html = _NUMBERED.sub(_character, html)
    while anything or "<" in text or ("[" in text and any(map(text.__contains__, _BARE))):
        mended = _NESTED_LINK.sub(r"\1\2", html)
        if mended == html:
            break
        html = mended
    return html


def _character(reference: re.Match[str]) -> str:
    number = int(reference[1]) if reference[1] else int(reference[2], 16)
    return "\ufffd" if number > 0x10FFFF or _ILLEGAL.match(chr(number)) else reference[0]


def _too_deep(source: Source, path: str) -> list[Problem]:
    """A line that opens more lists and quotes than are read."""
    found = _DEEP.search(source.text)
    if found is None:
        return []
    message = f"lists and quotes are read {DEEPEST} deep; what is deeper is text"
    return [_located("too-deep", message, source, path, found.start(), "nest less")]


def _control_characters(source: Source, path: str) -> list[Problem]:
    first = _ILLEGAL.search(source.text)
    if first is None:
        return []
    count = len(_ILLEGAL.findall(source.text))
    said = f"U+{ord(first[0]):04X} cannot be shown and was left out"
    message = said if count == 1 else f"{said}, as were {count - 1} more like it"
    return [_located("control-character", message, source, path, first.start(), "delete it")]


def _loose_marks(source: Source, path: str) -> list[Problem]:
    """Direction marks that are opened and not closed within their block: they would turn the text after them."""
    found: list[Problem] = []
    if not _BIDI.search(source.text):
        return found
    start = 0
    for end in [*(match.start() for match in _BLANK_LINE.finditer(source.text)), len(source.text)]:
        offset = _loose_mark(source.text, start, end)
        if offset >= 0:
            message = f"the direction mark U+{ord(source.text[offset]):04X} has no partner in its paragraph"
            found.append(_located("bidi-mark", message, source, path, offset, "delete it, or close it"))
        start = end
    return found


def _loose_mark(text: str, start: int, end: int) -> int:
    opened: list[int] = []
    for match in _BIDI.finditer(text, start, end):
        closes = _BIDI_CLOSERS.get(match[0])
        if closes is None:
            opened.append(match.start())
        elif opened and text[opened[-1]] in closes:
            opened.pop()
        else:
            return match.start()
    return opened[0] if opened else -1


def _located(code: str, message: str, source: Source, path: str, offset: int, hint: str) -> Problem:
    place = source.place(offset)
    return problem(code, path, message, line=place.line, column=place.column, excerpt=place.excerpt, hint=hint)


# -- records: a survey as plain values that marshal can keep. Lines count from the body, so that a longer front matter
# does not make a remembered survey worthless.

Record = tuple[Any, ...]


def survey_record(made: Survey, body_line: int) -> tuple[Record, Record]:
    """The parts and the facts of a survey as two records of plain values."""
    return tuple(map(_part_record, made.parts)), _facts_record(made.facts, body_line)


def parts_from_record(record: Record) -> tuple[Part, ...]:
    """The parts again."""
    return tuple(one if isinstance(one, str) else _PARTS[one[0]](one[1:]) for one in record)


def places_record(found: tuple[Place, ...], body_line: int) -> Record:
    """Places as plain values."""
    return tuple((one.line - body_line, one.column, one.excerpt) for one in found)


def places_from_record(record: Record, body_line: int) -> tuple[Place, ...]:
    """The places again, for a body that now begins on `body_line`."""
    return tuple(Place(line + body_line, column, excerpt) for line, column, excerpt in record)


def facts_from_record(record: Record, path: str, body_line: int) -> Facts:
    """The facts again, for a body that now begins on `body_line` of `path`."""
    title, excerpt, words, _, ids, problems = record
    return Facts(
        title,
        excerpt,
        words,
        headings_and_words(record)[0],
        ids,
        tuple(_problem_from(one, path, body_line) for one in problems),
    )


def headings_and_words(record: Record) -> tuple[tuple[Heading, ...], int]:
    """These two of a record of facts."""
    return tuple(map(Heading._make, record[3])), record[2]


def _problem_from(record: Record, path: str, body_line: int) -> Problem:
    code, message, line, column, excerpt, hint = record
    return problem(code, path, message, line=line + body_line, column=column, excerpt=excerpt, hint=hint)


def _facts_record(facts: Facts, body_line: int) -> Record:
    headings = tuple(map(tuple, facts.headings))
    problems = tuple(
        (one.code, one.message, one.line - body_line, one.column, one.excerpt, one.hint) for one in facts.problems
    )
    return (facts.title, facts.excerpt, facts.words, headings, facts.ids, problems)


def _part_record(part: Part) -> str | Record:
    return part if isinstance(part, str) else (_NAMES[type(part)], *part)


_NAMES: dict[type[Link | Image | Call], str] = {Link: "link", Image: "image", Call: "call"}
_PARTS = {name: made._make for made, name in _NAMES.items()}
