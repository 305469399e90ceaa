"""comrak, a CommonMark and GitHub engine in Rust, as Obverse sets it up: Markdown text -> HTML.

What comes out has the shape that the default engine gives it, so that the theme, `survey` and a writer need not know
which of the two ran. comrak writes HTML and nothing else: what differs is found in that, by marks that no writer's own
HTML carries.
"""

from __future__ import annotations

import functools
import html as entities
import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

from obverse.markup import DEEPEST, codeblocks, notes, terms
from obverse.markup.depth import maybe_deep

if TYPE_CHECKING:
    from comrak import ExtensionOptions, RenderOptions

EXTENSIONS = ("autolink", "footnotes", "strikethrough", "table", "tasklist")

_RESERVED = re.compile("[\x02\x03\U0010f410-\U0010f412]")
# Stands between a bracket and `!` where the writer wrote a backslash before the bracket: no callout.
_ESCAPED = "\U0010f410"
# Stands for the `&` of a reference to what no page can carry: comrak would put the character itself.
_REFERS = "\U0010f411"
_REFERENCE = re.compile(r"&(?=#(?:(\d{1,7})|[xX]([0-9a-fA-F]{1,6}));)")
_REFERRED = re.compile(f"{_REFERS}#[0-9a-fA-FxX]+;")
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\U0010f400-\U0010f4ff]")
_CODE = re.compile(r"<code\b.*?</code>", re.DOTALL)
_POSITION = re.compile(r' data-sourcepos="\d+:\d+-\d+:\d+"')
_QUOTE = re.compile(r"<(/?)blockquote\b[^>]*>")
_CALLOUT = re.compile(r"\n<p>\[!([\w-]+)(?: *\|[^\]]*)?\]([-+])?[ \t]*(.*?)[ \t]*(?:<br>\n|\n|(?=</p>))")
_TAGS = re.compile(r"<(/?)(\w+)[^>]*?(/?)>")
_LOOSE_BOX = re.compile(r"(<input [^>]*>) \n<p>")
_ADDRESS = re.compile(r' (?:href|src)="[^"<>%]*%[^"<>]*"')
_ENCODED = re.compile(r"%[0-9A-F]{2}(?:%[0-9A-F]{2})*")
_MARKER = r"[ \t]*+(?:>|(?:[-+*]|\d{1,9}[.)])(?=[ \t]))"
_DEEP = re.compile(rf"^((?:{_MARKER}){{{DEEPEST}}}[ \t]*\d*)(?=[>+*.)-])", re.MULTILINE)
_RULE = re.compile(r"[ \t]*(?:(?:-[ \t]*)+|(?:\*[ \t]*)+)")
# What comrak writes -> what the default engine writes.
_SIDES = tuple(
    (f'<t{kind} align="{side}">', f'<t{kind} class="{side}">') for kind in "dh" for side in ("left", "center", "right")
)
# The same where the writer wrote no HTML: all cells are the engine's.
_ANY_SIDE = (('<td align="', '<td class="'), ('<th align="', '<th class="'))
_BOXES = (
    ('<ul class="contains-task-list">', '<ul class="task-list">'),
    ('<ol class="contains-task-list">', '<ol class="task-list">'),
    ('type="checkbox" class="task-list-item-checkbox" checked="" disabled="" />', 'type="checkbox" disabled checked/>'),
    ('type="checkbox" class="task-list-item-checkbox" disabled="" />', 'type="checkbox" disabled/>'),
)


def render(text: str, *, deep: bool = True) -> str:
    """The HTML of a text, as GitHub reads it: tables, tasks, footnotes, bare addresses, struck text and callouts.

    `deep` says whether a line of it may nest too deep.
    """
    from comrak import render_markdown

    text = _prepared(text, deep)
    listed = terms.listed(text)
    if listed:
        text = terms.prepared(text)
    written = "<" in text and "<pre" in text
    html = render_markdown(text, _extensions(listed, _linked(text), "^" in text, _tabled(text)), None, _how(written))
    if "<pre" in html:
        html = codeblocks.coloured(html, _literal)
    if written:
        html = _POSITION.sub("", html)
    if listed and "<dt" not in text:
        html = terms.apart(html)
    return _shaped(html, text).removesuffix("\n")


def plain(text: str) -> str:
    """The HTML of a text as CommonMark alone has it: what its specification is held against."""
    from comrak import RenderOptions, render_markdown

    how = RenderOptions()
    how.unsafe_ = True
    return render_markdown(text, None, None, how)


def _linked(text: str) -> bool:
    """Whether a text may hold bare addresses: to look for them takes a third of comrak's time. `&#64;` is an @."""
    return "@" in text or "&" in text or (":" in text and "://" in text) or "www." in text


def _tabled(text: str) -> bool:
    """Whether a text may hold tables. One of a single column need have no bar, but then it has a colon."""
    return "|" in text or ":" in text


@functools.cache
def _extensions(listed: bool, linked: bool, noted: bool, tabled: bool) -> ExtensionOptions:
    """What comrak reads beyond CommonMark: all of it, but for what a text surely does not hold."""
    from comrak import ExtensionOptions

    made = ExtensionOptions()
    for name in EXTENSIONS:
        setattr(made, name, True)
    made.description_lists, made.autolink, made.footnotes, made.table = listed, linked, noted, tabled
    return made


@functools.cache
def _how(positions: bool) -> RenderOptions:
    """With positions, every element is marked as the engine's own: a writer's `<pre>` can be told from it."""
    from comrak import RenderOptions

    made = RenderOptions()
    made.unsafe_ = made.full_info_string = made.tasklist_classes = True
    made.sourcepos = positions
    return made


def _prepared(text: str, deep: bool) -> str:
    """The text without what is ours, and with what comrak reads otherwise than we do escaped.

    Most texts hold none of it, and a single character is found many times as fast as two.
    """
    if not text.isascii() or "\x02" in text or "\x03" in text:
        text = _RESERVED.sub("", text)
    if "\\" in text and "\\[!" in text:
        text = text.replace("\\[!", f"\\[{_ESCAPED}!")
    if "&" in text and "&#" in text:
        text = _REFERENCE.sub(_reference, text)
    if deep and maybe_deep(text):
        text = _DEEP.sub(_shallow, text)
    return notes.prepared(text) if "^" in text and notes.NESTED.search(text) else text


def _reference(found: re.Match[str]) -> str:
    number = int(found[1]) if found[1] else int(found[2], 16)
    return _REFERS if number <= 0x10FFFF and _UNPRINTABLE.match(chr(number)) else "&"


def _literal(source: str) -> str:
    """Code as the writer wrote it, without the marks that are ours."""
    return source.replace(_ESCAPED, "").replace(_REFERS, "&")


def _shallow(line: re.Match[str]) -> str:
    end = line.string.find("\n", line.end())
    whole = line.string[line.start() : end if end >= 0 else len(line.string)]
    return line[1] if _RULE.fullmatch(whole) else f"{line[1]}\\"


def _shaped(html: str, text: str) -> str:
    """comrak's HTML in the default engine's shape.

    What a text cannot have made is not looked for: the text is shorter, and a single character is found at once.
    """
    if "/>" in html and "r />" in html:  # two characters are found twice as fast as four
        html = html.replace("<br />", "<br>").replace("<hr />", "<hr>")
    if "|" in text and ' align="' in html:
        html = _replaced(html, _SIDES if "<" in text else _ANY_SIDE)
    if "task-list-item-checkbox" in html:
        html = _LOOSE_BOX.sub(r"\n<p>\1 ", _replaced(html, _BOXES))
    if ("!" in text or "&" in text) and "<p>[!" in html:
        html = _with_callouts(html)
    if _ESCAPED in html:
        html = html.replace(_ESCAPED, "")
    if _REFERS in html:
        html = _CODE.sub(lambda code: code[0].replace(_REFERS, "&amp;"), html)
        html = _REFERRED.sub("\ufffd", html)
    if "^" in text and "data-footnote-ref" in html:
        html = notes.shaped(html)
    if "%" in html and _ENCODED.search(html):
        html = _ADDRESS.sub(lambda found: _as_written(found[0], text), html)
    return html


def _replaced(html: str, pairs: tuple[tuple[str, str], ...]) -> str:
    for theirs, ours in pairs:
        html = html.replace(theirs, ours)
    return html


def _as_written(address: str, text: str) -> str:
    """An address without the percent signs that the engine added: those of the writer are in the text."""

    def decoded(run: re.Match[str]) -> str:
        if run[0] in text:
            return run[0]
        try:
            return entities.escape(unquote(run[0], errors="strict"))
        except UnicodeDecodeError:
            return run[0]

    return _ENCODED.sub(decoded, address)


# -- callouts: `> [!NOTE]`, with any kind and title, and `-` or `+` for one that folds


def _with_callouts(html: str) -> str:
    """The HTML with quotes that begin with a kind in brackets as callouts. Those without an end are left."""
    pieces: list[str] = []
    closing: list[str] = []
    past = 0
    for tag in _QUOTE.finditer(html):
        pieces.append(html[past : tag.start()])
        past = tag.end()
        if not tag[1]:
            callout = _CALLOUT.match(html, past)
            opened = _opened(callout) if callout else None
            if callout is None or opened is None:
                pieces.append(tag[0])
                closing.append("</blockquote>")
                continue
            pieces.append(opened[0])
            closing.append(opened[1])
            past = callout.end()
            if html.startswith("</p>", past):
                past += len("</p>")
            else:
                pieces.append("\n<p>")
        elif closing:
            pieces.append(closing.pop())
        else:
            return html
    return html if closing else "".join([*pieces, html[past:]])


def _opened(callout: re.Match[str]) -> tuple[str, str] | None:
    """What a callout begins and ends with; None when its title is not whole on its line."""
    kind, title = callout[1].lower(), callout[3] or callout[1].replace("-", " ").capitalize()
    if not _whole(title):
        return None
    if callout[2]:
        opens = " open" if callout[2] == "+" else ""
        return f'<details class="{kind}"{opens}>\n<summary>{title}</summary>', "</details>"
    return f'<div class="admonition {kind}">\n<p class="admonition-title">{title}</p>', "</div>"


def _whole(fragment: str) -> bool:
    """Whether every tag that is opened in a fragment is closed in it."""
    opened: list[str] = []
    for tag in _TAGS.finditer(fragment):
        if tag[1]:
            if not opened or opened.pop() != tag[2]:
                return False
        elif not tag[3] and tag[2] not in ("br", "img", "input"):
            opened.append(tag[2])
    return not opened
