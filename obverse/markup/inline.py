"""Inside a paragraph: where Python-Markdown's own patterns differ from what a writer sees elsewhere."""

from __future__ import annotations

import html
import re
import string
from html.entities import html5
from xml.etree.ElementTree import Element

from markdown import Extension, Markdown
from markdown.extensions.attr_list import AttrListTreeprocessor
from markdown.inlinepatterns import (
    ENTITY_RE,
    ESCAPE_RE,
    IMAGE_LINK_RE,
    IMAGE_REFERENCE_RE,
    LINK_RE,
    REFERENCE_RE,
    EscapeInlineProcessor,
    HtmlInlineProcessor,
    ImageInlineProcessor,
    ImageReferenceInlineProcessor,
    InlineProcessor,
    LinkInlineProcessor,
    ReferenceInlineProcessor,
    ShortImageReferenceInlineProcessor,
    ShortReferenceInlineProcessor,
    SimpleTagInlineProcessor,
    SubstituteTagInlineProcessor,
)
from markdown.util import HTML_PLACEHOLDER_RE, INLINE_PLACEHOLDER_RE, AtomicString
from pymdownx.inlinehilite import InlineHilitePattern

from obverse.markup.lines import ATTRIBUTES
from obverse.markup.tree import key

BREAK = r"(?:(?<! ) {2,}|\\)\n"
CODE = r"(?:(?<!\\)((?:\\{2})+)(?=`+)|(?<!\\)(`+))"
# `a == b` and `'==' or '==='` are no marks: one begins with a letter or with markup, and touches no word outside.
MARK = r"(?<![=\w])(==)(?=[\w*_\[`\x02\"“(])((?:[^=\n]|\n(?!\n)|=(?!=))+?)(?<=\S)==(?![=\w])"

# A destination: in angle brackets, or without blanks and with balanced parentheses; then perhaps a title. Other than
# in CommonMark a file's name may hold blanks, because that is what people write and it is plain what they mean.
_BARE = r"[^\s()<>]*+(?:\((?:[^\s()]++|\([^\s()]*+\))*\)[^\s()]*+)*"
_FILE = r"""[^\s(){}<>"'|]+(?:[ ][^\s(){}<>"'|]+)+\.\w{1,5}"""
_TITLE = r"""(?:"[^"]*+"|'[^']*+'|\([^()]*+\))"""
_DESTINATION = re.compile(
    rf"""\(\s*+(?:<(?P<angled>[^<>\n]*+)>|(?P<bare>{_BARE})|(?P<file>{_FILE}))(?:\s++(?P<title>{_TITLE}))?\s*+\)""",
    re.VERBOSE,
)

_EMPHASIS = re.compile(r"(?<![\w*])(\*{1,3}|_{1,3}|~~)(?=[^\s*])((?:(?!\1).)+)(?<=\S)\1(?![\w*])")
_BRACKET = re.compile(r"[\[\]]")
_DEEPEST = 40

# Tags, comments, instructions, declarations, literal sections. The library has possessive groups in its pattern, which
# Python 3.11.2 gets wrong.
HTML = (
    rf"(<[a-zA-Z][a-zA-Z0-9\-]*+{ATTRIBUTES}/?>|</[a-zA-Z][a-zA-Z0-9\-]*+\s*>|<!--(?:-?>|[\s\S]*?-->)"
    r"|<\?[\s\S]*?\?>|<![a-zA-Z][^>]*>|<!\[CDATA\[[\s\S]*?\]\]>)"
)
AUTOLINK = r"<([A-Za-z][A-Za-z0-9+.\-]{1,31}:[^\s<>\x00-\x1f]*)>"
# What ends an address in running text, besides white space: quotation marks and the stops of East Asian scripts.
_STOPS = "\\s<>\x02\x03“”‘’«»„。，、；：！？）（《》「」『』【】"
BARE_LINK = (
    rf"(?:(?<![A-Za-z])(?:https?|ftp)://(?=[^\W_])[^{_STOPS}]+"
    rf"|(?:(?<![^\s*_~(])|(?<=\x03))www\.(?=[^\W_])[^{_STOPS}]*\.[^{_STOPS}]+)"
)
_TRAILING = re.compile(r"(?:[?!.,:*_~'\"]|&[a-zA-Z0-9]+;|;)+$")
BARE_MAIL = (
    r"(?<![A-Za-z0-9._+\-/@:])([A-Za-z0-9._+\-]+@[A-Za-z0-9_\-]+(?:\.[A-Za-z0-9_\-]+)*"
    r"\.[A-Za-z0-9_\-]*[A-Za-z])(?![A-Za-z0-9_\-@/])"
)

_WORD = r"[\w\-]+"
_ITEM = r"""(?:[#.][^\s{}#=]+|[\w:@\-]+=(?:"[^"\n]*"|'[^'\n]*'|[^\s{}"'=]+))"""
_STASHED_ESCAPE = re.compile("\x02(\\d+)\x03")


class Inline(Extension):
    """Code, links, line breaks, marks and attribute lists, as writers know them."""

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802 - the library's name
        """Replace the patterns of the same names."""
        md.ESCAPED_CHARS = list(string.punctuation)
        patterns = md.inlinePatterns
        patterns.register(
            _Code(CODE, {"custom_inline": [], "style_plain_text": 0, "css_class": ""}, md), "backtick", 190
        )
        patterns.register(_Escape(ESCAPE_RE, md), "escape", 180)
        patterns.register(_Reference(REFERENCE_RE, md), "reference", 170)
        patterns.register(_Link(LINK_RE, md), "link", 160)
        patterns.register(_Image(IMAGE_LINK_RE, md), "image_link", 150)
        patterns.register(_ImageReference(IMAGE_REFERENCE_RE, md), "image_reference", 140)
        patterns.register(_ShortReference(REFERENCE_RE, md), "short_reference", 130)
        patterns.register(_ShortImageReference(IMAGE_REFERENCE_RE, md), "short_image_ref", 125)
        patterns.register(_Autolink(AUTOLINK, md), "autolink", 120)
        patterns.register(HtmlInlineProcessor(HTML, md), "html", 90)
        patterns.register(SubstituteTagInlineProcessor(BREAK, "br"), "linebreak", 100)
        patterns.register(_Entity(ENTITY_RE, md), "entity", 80)
        patterns.register(_BareLink(BARE_LINK, md), "bare_link", 85)
        patterns.register(SimpleTagInlineProcessor(MARK, "mark"), "mark", 65)
        # After emphasis, whose underscores may touch an address.
        patterns.register(_BareMail(BARE_MAIL, md), "bare_mail", 40)
        md.treeprocessors.register(Attributes(md), "attr_list", 8)


class _Code(InlineHilitePattern):  # type: ignore[misc]  # the library ships no types
    """A code span: a run of backticks up to the next run of the same length, or no code at all."""

    def handleMatch(self, m: re.Match[str], data: str) -> tuple[Element | str | None, int, int]:  # noqa: N802
        """The span as an element; escaped backslashes before it as they are."""
        if m[1]:
            return m[1].replace("\\\\", "\x0292\x03"), m.start(), m.end()
        closing = re.compile(rf"(?<!`){m[2]}(?!`)").search(data, m.end())
        if closing is None:
            return None, m.start(), m.end()
        source = data[m.end() : closing.start()].replace("\n", " ")
        if source[0] == source[-1] == " " and source.strip(" "):
            source = source[1:-1]
        language = self.RE_LANG.match(source)
        self.get_settings()
        name, rest = (language["lang"], source[language.end() :]) if language else ("", source)
        return self.handle_code(name, rest), m.start(), closing.end()


class _Escape(EscapeInlineProcessor):
    """A backslash before punctuation."""

    def handleMatch(  # type: ignore[override]  # noqa: N802
        self, m: re.Match[str], data: str
    ) -> tuple[Element | str | None, int | None, int | None]:
        """A placeholder for the character; an ampersand must not become the beginning of an entity."""
        if m[1] == "&":
            return self.md.htmlStash.store("&amp;"), m.start(), m.end()
        return super().handleMatch(m, data)


class _Bracketed(LinkInlineProcessor):
    """What stands in square brackets. A link holds no link: of two, the inner one is it."""

    tag = "a"

    def getText(self, data: str, index: int) -> tuple[str, int, bool]:  # noqa: N802
        """The text up to the bracket that closes it; none when brackets are nested deeper than any text has them."""
        depth = 1
        for bracket in _BRACKET.finditer(data, index):
            depth += 1 if bracket[0] == "[" else -1
            if not depth:
                text = data[index : bracket.start()]
                return text, bracket.end(), not (self.tag == "a" and self._holds_link(text))
            if depth > _DEEPEST:
                break
        return "", index, False

    def _holds_link(self, text: str) -> bool:
        nodes = (_nodes(self.md).get(found[1]) for found in INLINE_PLACEHOLDER_RE.finditer(text))
        return any(not isinstance(node, str | None) and next(node.iter("a"), None) is not None for node in nodes)


class _Destination(_Bracketed):
    """What stands in parentheses behind a link's text, as CommonMark reads it."""

    def getLink(self, data: str, index: int) -> tuple[str, str | None, int, bool]:  # noqa: N802
        """Destination, title, where they end, and whether there are any."""
        found = _DESTINATION.match(data, index)
        if found is None:
            return "", None, index, False
        destination = found["angled"] if found["angled"] is not None else found["bare"] or found["file"] or ""
        title = found["title"]
        if title is not None:
            title = self.RE_TITLE_CLEAN.sub(" ", self.unescape(title[1:-1]))
        return self.unescape(destination), title, found.end(), True


class _Link(_Destination):
    """`[text](destination "title")`."""

    ANCESTOR_EXCLUDES = ("a",)


class _Image(_Destination, ImageInlineProcessor):
    """`![text](destination "title")`."""

    tag = "img"

    def getText(self, data: str, index: int) -> tuple[str, int, bool]:  # noqa: N802
        """The text of the image, on one line and without markup."""
        text, index, handled = super().getText(data, index)
        return _EMPHASIS.sub(r"\2", _EMPHASIS.sub(r"\2", text.replace("\n", " "))), index, handled


class _Reference(_Bracketed, ReferenceInlineProcessor):
    """`[text][label]`, where the label may hold code."""

    ANCESTOR_EXCLUDES = ("a",)

    RE_LINK = re.compile(r"\[([^\]]*)\]")

    def evalId(self, data: str, index: int, text: str) -> tuple[str | None, int, bool]:  # noqa: N802
        """The label that follows the text, as `references` keeps it."""
        label, end, handled = super().evalId(data, index, text)
        return ((_label(self, data[index + 1 : end - 1] or text) if handled else label), end, handled)


class _ShortReference(_Bracketed, ShortReferenceInlineProcessor):
    """`[label]`."""

    ANCESTOR_EXCLUDES = ("a",)

    def evalId(self, data: str, index: int, text: str) -> tuple[str, int, bool]:  # noqa: ARG002, N802
        """The text is the label."""
        return _label(self, text), index, True


class _ImageReference(_Bracketed, ImageReferenceInlineProcessor):
    """`![text][label]`."""

    RE_LINK = _Reference.RE_LINK
    tag = "img"

    def evalId(self, data: str, index: int, text: str) -> tuple[str | None, int, bool]:  # noqa: N802
        """The label that follows the text, as `references` keeps it."""
        label, end, handled = super().evalId(data, index, text)
        return ((_label(self, data[index + 1 : end - 1] or text) if handled else label), end, handled)


class _ShortImageReference(_Bracketed, ShortImageReferenceInlineProcessor):
    """`![label]`."""

    tag = "img"

    def evalId(self, data: str, index: int, text: str) -> tuple[str, int, bool]:  # noqa: ARG002, N802
        """The text is the label."""
        return _label(self, text), index, True


# Where a text defines no references these find nothing.
REFERENCES = frozenset((_Reference, _ShortReference, _ImageReference, _ShortImageReference))


def _nodes(md: Markdown) -> dict[str, Element | str]:
    """What stands behind the placeholders in the text at hand."""
    nodes: dict[str, Element | str] = getattr(md.treeprocessors["inline"], "stashed_nodes", {})
    return nodes


def _label(pattern: ReferenceInlineProcessor, text: str) -> str:
    """A label as it was written: by now its code, its markup and its escapes are placeholders."""
    nodes = _nodes(pattern.md)
    stash = pattern.md.htmlStash.rawHtmlBlocks

    def node(found: re.Match[str]) -> str:
        kept = nodes.get(found[1], "")
        if isinstance(kept, str):
            return kept
        shown = "".join(kept.itertext())
        return f"`{shown}`" if kept.tag == "code" else shown

    def literal(found: re.Match[str]) -> str:
        kept = stash[int(found[1])]
        return html.unescape(kept) if isinstance(kept, str) else "".join(kept.itertext())

    shown = HTML_PLACEHOLDER_RE.sub(literal, INLINE_PLACEHOLDER_RE.sub(node, text))
    return key(_STASHED_ESCAPE.sub(lambda found: chr(int(found[1])), shown))


class _Entity(InlineProcessor):
    """`&copy;` and `&#169;`; what is no entity is the writer's text."""

    def handleMatch(self, m: re.Match[str], data: str) -> tuple[str, int, int]:  # type: ignore[override]  # noqa: ARG002, N802
        """A placeholder for it."""
        known = m[1][1] == "#" or m[1][1:] in html5
        return self.md.htmlStash.store(m[1] if known else f"&amp;{m[1][1:]}"), m.start(), m.end()


class _Autolink(InlineProcessor):
    """`<scheme:address>`."""

    def handleMatch(self, m: re.Match[str], data: str) -> tuple[Element | str, int, int]:  # type: ignore[override]  # noqa: ARG002, N802
        """The address as a link that shows itself; within a link, as its text."""
        within = "a" in getattr(self.md.treeprocessors["inline"], "ancestors", ())
        return m[1] if within else _shown(m[1], m[1]), m.start(), m.end()


class _BareLink(InlineProcessor):
    """`https://example.com` and `www.example.com` in running text."""

    ANCESTOR_EXCLUDES = ("a",)

    def handleMatch(self, m: re.Match[str], data: str) -> tuple[Element, int, int]:  # type: ignore[override]  # noqa: ARG002, N802
        """The address as a link, without the punctuation of the sentence it stands in."""
        text = _trimmed(m[0])
        address = f"http://{text}" if text[:4].lower() == "www." else text
        return _shown(address, text), m.start(), m.start() + len(text)


class _BareMail(InlineProcessor):
    """`sales@example.com` in running text."""

    ANCESTOR_EXCLUDES = ("a",)

    def handleMatch(self, m: re.Match[str], data: str) -> tuple[Element, int, int]:  # type: ignore[override]  # noqa: ARG002, N802
        """The address as a link."""
        return _shown(f"mailto:{m[1]}", m[1]), m.start(), m.end()


def _trimmed(address: str) -> str:
    while True:
        shorter = _TRAILING.sub("", address)
        for opening, closing in ("()", "[]"):
            if shorter.endswith(closing) and shorter.count(closing) > shorter.count(opening):
                shorter = shorter[:-1]
        if shorter == address:
            return address
        address = shorter


def _shown(destination: str, text: str) -> Element:
    element = Element("a", {"href": destination})
    element.text = AtomicString(text)
    return element


class Attributes(AttrListTreeprocessor):
    """`{: .wide }`, `{#id}`, `{key=value}`: braces that hold anything else are the writer's text."""

    BASE_RE = rf"\{{(?::[ ]*(?=[\w#.])|[ ]*(?=[#.]|[\w:@\-]+=))((?:{_ITEM}|{_WORD})(?:[ ]+(?:{_ITEM}|{_WORD}))*[ ]*)\}}"  # type: ignore[misc]
    HEADER_RE = re.compile(rf"(?<![ ])[ ]+{BASE_RE}[ ]*$")  # type: ignore[misc]
    BLOCK_RE = re.compile(rf"\n[ ]*{BASE_RE}[ ]*$")  # type: ignore[misc]
    INLINE_RE = re.compile(rf"^{BASE_RE}")  # type: ignore[misc]
