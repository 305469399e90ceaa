"""Inside a paragraph: where Python-Markdown's own patterns differ from what a writer sees elsewhere."""

from __future__ import annotations

import html
import re
import string
from xml.etree.ElementTree import Element

from markdown import Extension, Markdown
from markdown.inlinepatterns import (
    IMAGE_REFERENCE_RE,
    REFERENCE_RE,
    ImageReferenceInlineProcessor,
    ReferenceInlineProcessor,
    ShortImageReferenceInlineProcessor,
    ShortReferenceInlineProcessor,
    SubstituteTagInlineProcessor,
)
from markdown.util import HTML_PLACEHOLDER_RE

from obverse.markup.tree import key

_BREAK = r"(?: {2,}|\\)\n"
_STASHED_ESCAPE = re.compile("\x02(\\d+)\x03")


class Inline(Extension):
    """Escapes, line breaks and references as CommonMark has them."""

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802 - the library's name
        """Replace the patterns of the same names."""
        md.ESCAPED_CHARS = list(string.punctuation)
        patterns = md.inlinePatterns
        patterns.register(SubstituteTagInlineProcessor(_BREAK, "br"), "linebreak", 100)
        patterns.register(_Reference(REFERENCE_RE, md), "reference", 170)
        patterns.register(_ImageReference(IMAGE_REFERENCE_RE, md), "image_reference", 140)
        patterns.register(_ShortReference(REFERENCE_RE, md), "short_reference", 130)
        patterns.register(_ShortImageReference(IMAGE_REFERENCE_RE, md), "short_image_ref", 125)


class _Reference(ReferenceInlineProcessor):
    """`[text][label]`, where the label may hold code."""

    def evalId(self, data: str, index: int, text: str) -> tuple[str | None, int, bool]:  # noqa: N802
        """The label that follows the text, as `references` keeps it."""
        label, end, handled = super().evalId(data, index, text)
        return (_label(self, data[index + 1 : end - 1] or text) if handled else label), end, handled


class _ShortReference(ShortReferenceInlineProcessor):
    """`[label]`."""

    def evalId(self, data: str, index: int, text: str) -> tuple[str, int, bool]:  # noqa: N802
        """The text is the label."""
        return _label(self, text), index, True


class _ImageReference(ImageReferenceInlineProcessor):
    """`![text][label]`."""

    def evalId(self, data: str, index: int, text: str) -> tuple[str | None, int, bool]:  # noqa: N802
        """The label that follows the text, as `references` keeps it."""
        label, end, handled = super().evalId(data, index, text)
        return (_label(self, data[index + 1 : end - 1] or text) if handled else label), end, handled


class _ShortImageReference(ShortImageReferenceInlineProcessor):
    """`![label]`."""

    def evalId(self, data: str, index: int, text: str) -> tuple[str, int, bool]:  # noqa: N802
        """The text is the label."""
        return _label(self, text), index, True


def _label(pattern: ReferenceInlineProcessor, text: str) -> str:
    """A label as it was written: by now its code and escapes are placeholders."""
    stash = pattern.md.htmlStash.rawHtmlBlocks

    def code(found: re.Match[str]) -> str:
        kept = stash[int(found[1])]
        return html.unescape(kept) if isinstance(kept, str) else "".join(Element.itertext(kept))

    shown = HTML_PLACEHOLDER_RE.sub(code, pattern.unescape(text))
    return key(_STASHED_ESCAPE.sub(lambda found: chr(int(found[1])), shown))
