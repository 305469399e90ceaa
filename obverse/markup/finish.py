"""An element tree, and the HTML made of it, on the last steps: as the library takes them, without those in vain.

What the source does not hold need not be looked for in all of the tree: attribute lists need a brace, escapes a
backslash. That holds where no extension of a site's own brings either along.
"""

from __future__ import annotations

from typing import Any
from xml.etree.ElementTree import Element

from markdown import Markdown
from markdown.postprocessors import RawHtmlPostprocessor
from markdown.treeprocessors import PrettifyTreeprocessor, UnescapeTreeprocessor
from markdown.util import HTML_PLACEHOLDER_RE, STX, AtomicString

from obverse.markup.inline import Attributes
from obverse.markup.tree import Builder


def install(md: Markdown, builder: Builder, alone: bool) -> None:
    """Put our steps in the place of the library's own; `alone` says that no site's extension takes part."""
    tree, post = md.treeprocessors, md.postprocessors
    if type(tree["prettify"]) is PrettifyTreeprocessor:
        tree.register(_Prettify(md), "prettify", 10)
    if type(post["raw_html"]) is RawHtmlPostprocessor:
        post.register(_RawHtml(md), "raw_html", 30)
    if alone and type(tree["attr_list"]) is Attributes and type(tree["unescape"]) is UnescapeTreeprocessor:
        tree.register(_Attributes(md, builder), "attr_list", 8)
        tree.register(_Unescape(md, builder), "unescape", 0)


class _Attributes(Attributes):
    """Attribute lists, where there is a brace."""

    def __init__(self, md: Markdown, builder: Builder) -> None:
        super().__init__(md)
        self._builder = builder

    def run(self, doc: Element) -> None:
        """Take the step, or leave it."""
        if "{" in self._builder.source:
            super().run(doc)


class _Unescape(UnescapeTreeprocessor):
    """Escaped characters, where there is a backslash."""

    def __init__(self, md: Markdown, builder: Builder) -> None:
        super().__init__(md)
        self._builder = builder

    def run(self, root: Element) -> None:
        """Take the step, or leave it."""
        if "\\" in self._builder.source:
            super().run(root)


class _Prettify(PrettifyTreeprocessor):
    """Line ends between blocks. The kind of an element is asked once a name, not once an element."""

    def run(self, root: Element) -> None:
        """Add the line ends."""
        self._kinds: dict[Any, bool] = {}
        self._lines(root)
        for line_break in root.iter("br"):
            tail = line_break.tail
            line_break.tail = f"\n{tail}" if tail and tail.strip() else "\n"
        for pre in root.iter("pre"):
            if len(pre) and pre[0].tag == "code":
                code = pre[0]
                if not len(code) and code.text is not None:
                    code.text = AtomicString(code.text.rstrip() + "\n")

    def _block(self, tag: Any) -> bool:
        kind = self._kinds.get(tag)
        if kind is None:
            kind = self._kinds[tag] = self.md.is_block_level(tag)
        return kind

    def _lines(self, element: Element) -> None:
        if self._block(element.tag) and element.tag not in ("code", "pre"):
            text = element.text
            if (not text or not text.strip()) and len(element) and self._block(element[0].tag):
                element.text = "\n"
            for child in element:
                if self._block(child.tag):
                    self._lines(child)
        tail = element.tail
        if not tail or not tail.strip():
            element.tail = "\n"


class _RawHtml(RawHtmlPostprocessor):
    """Placeholders of HTML -> that HTML. The placeholders are looked for, not all that could stand around them."""

    def run(self, text: str) -> str:
        """Put the HTML in."""
        return self._restored(text) if self.md.htmlStash.html_counter else text

    def _restored(self, text: str) -> str:
        pieces = []
        past = 0
        for found in HTML_PLACEHOLDER_RE.finditer(text):
            number = int(found[1])
            if number >= self.md.htmlStash.html_counter:
                continue
            html = self.stash_to_string(self.md.htmlStash.rawHtmlBlocks[number])  # type: ignore[arg-type]
            start, end = found.span()
            if text[max(past, start - 3) : start] == "<p>" and text.startswith("</p>", end):
                start, end = start - 3, end + 4
                html = html if self.isblocklevel(html) else f"<p>{html}</p>"
            pieces += [text[past:start], self._restored(html) if STX in html else html]
            past = end
        return "".join([*pieces, text[past:]])
