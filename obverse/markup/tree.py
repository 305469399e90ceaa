"""Blocks -> Python-Markdown's element tree. Its inline patterns and extensions then go on as ever.

What CommonMark knows is built here. What only an extension knows is handed to that extension as text, with a token in
place of what it holds, so that admonitions and tabs stay the library's business and their content stays ours.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any
from xml.etree.ElementTree import Element, SubElement

from markdown import Extension, Markdown
from markdown.blockprocessors import BlockProcessor
from markdown.extensions.footnotes import FootnoteExtension
from markdown.postprocessors import Postprocessor
from markdown.preprocessors import Preprocessor
from markdown.util import AtomicString
from pymdownx.highlight import Highlight

from obverse.markup import blocks, fences
from obverse.markup.colours import coloured
from obverse.markup.normalise import read

# One character of the last private plane opens a token, another closes it: survey lets neither into a text.
_BLOCKS, _RAW, _CLOSE = "\U0010f410", "\U0010f411", "\U0010f412"
_TOKENS = re.compile(f"{_BLOCKS}(\\d+){_CLOSE}")
_LITERAL = re.compile(f"<p>{_RAW}(\\d+){_CLOSE}</p>|{_RAW}(\\d+){_CLOSE}")
RESERVED = ("\x02", "\x03", _BLOCKS, _RAW, _CLOSE)
_CALLOUT = re.compile(r" *\[!([\w-]+)(?: *\|[^\]]*)?\]([-+])?[ \t]*(.*?)[ \t]*(?:\n|$)")
_SILENT = (blocks.Reference, blocks.Note)
_OPTIONS = re.compile(r"[a-z_]+:", re.IGNORECASE)


def unreserved(text: str) -> str:
    """A text without the characters that have a meaning of their own on the way."""
    for character in RESERVED:
        if character in text:
            text = text.replace(character, "")
    return text


class Reading(Extension):
    """Obverse's reading of blocks, as an extension of Python-Markdown."""

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802 - the library's name
        """Take the place of the library's reading of blocks."""
        builder = self.builder = Builder(md, set(md.parser.blockprocessors))
        md.registerExtension(self)
        md.preprocessors.register(_Reading(md, builder), "obverse", -100)
        md.parser.blockprocessors.register(builder, "obverse", 1_000)
        md.postprocessors.register(_Literals(md, builder), "obverse", 100)

    def reset(self) -> None:
        """Forget the last text."""
        self.builder.clear()


class _Reading(Preprocessor):
    """Lines -> one token that stands for all their blocks."""

    def __init__(self, md: Markdown, builder: Builder) -> None:
        super().__init__(md)
        self.builder = builder

    def run(self, lines: list[str]) -> list[str]:
        """Read the text; the builder finds its blocks by the token."""
        self.builder.clear()
        self.builder.source = "\n".join(lines)
        return [self.builder.token(read(self.builder.source))]


class _Literals(Postprocessor):
    """Tokens of raw HTML and highlighted code -> what they stand for."""

    def __init__(self, md: Markdown, builder: Builder) -> None:
        super().__init__(md)
        self.builder = builder

    def run(self, text: str) -> str:
        """Put every literal where its token is."""
        literals = self.builder.literals
        if not literals:
            return text
        return _LITERAL.sub(lambda token: literals[int(token[1] or token[2])], text)


class Notes(FootnoteExtension):
    """Footnotes in the order of their marks; many marks of one note take no longer than as many notes."""

    def __init__(self) -> None:
        super().__init__(USE_DEFINITION_ORDER=False)

    def unique_ref(self, reference: str, found: bool = False) -> str:
        """The id of a mark: `fnref:1`, then `fnref2:1` …"""
        if not found:
            return reference
        count = self.found_refs[reference] = self.found_refs.get(reference, 0) + 1
        return reference if count == 1 else reference.replace("fnref", f"fnref{count}", 1)


class Builder(BlockProcessor):
    """Builds the blocks that a token stands for. It keeps those of one text at a time."""

    def __init__(self, md: Markdown, known: Collection[BlockProcessor]) -> None:
        """`known` are the block processors whose work is done here; any other was added by a site's hook."""
        super().__init__(md.parser)
        self.md = md
        self._known = known
        self.literals: list[str] = []
        self.source = ""
        self.quick = False
        self._added: list[BlockProcessor] = []
        self._groups: list[list[blocks.Block]] = []
        self._plain = Highlight(md, linenums_style="pymdownx-inline", stripnl=False)
        self._coloured = Highlight(md, linenums_style="pymdownx-inline", stripnl=False, pygments_lang_class=True)
        self._makers: dict[type, Callable[[Element, Any], None]] = {
            blocks.Text: self._text,
            blocks.Heading: self._heading,
            blocks.Rule: self._rule,
            blocks.Code: self._code,
            blocks.Html: self._html,
            blocks.Quote: self._quote,
            blocks.List: self._list,
            blocks.Table: self._table,
            blocks.Definitions: self._definitions,
            blocks.Note: self._note,
            blocks.Reference: self._reference,
            blocks.Wrapped: self._wrapped,
            blocks.Foreign: self._foreign,
        }

    def clear(self) -> None:
        """Forget the last text."""
        self.source = ""
        processors = self.parser.blockprocessors
        self._added = [one for one in processors if one is not self and one not in self._known]
        self._groups = []
        self.literals = []

    def token(self, group: list[blocks.Block]) -> str:
        """A line that stands for these blocks."""
        self._groups.append(group)
        return f"{_BLOCKS}{len(self._groups) - 1}{_CLOSE}"

    def test(self, _parent: Element, block: str) -> bool:
        """Whether the library came upon one of our tokens."""
        return block.startswith(_BLOCKS)

    def run(self, parent: Element, blocks: list[str]) -> None:
        """Build what the tokens of the next block of text stand for."""
        for token in _TOKENS.finditer(blocks.pop(0)):
            self._build(parent, self._groups[int(token[1])])

    def _build(self, parent: Element, group: list[blocks.Block]) -> None:
        for block in group:
            self._makers[type(block)](parent, block)

    def _literal(self, parent: Element, text: str) -> None:
        self.literals.append(text)
        SubElement(parent, "p").text = AtomicString(f"{_RAW}{len(self.literals) - 1}{_CLOSE}")

    # -- what CommonMark and GitHub know

    def _text(self, parent: Element, block: blocks.Text) -> None:
        if any(one.test(parent, block.text) for one in self._added):
            self.parser.parseBlocks(parent, [block.text])
        else:
            SubElement(parent, "p").text = block.text

    def _heading(self, parent: Element, block: blocks.Heading) -> None:
        SubElement(parent, f"h{block.level}").text = block.text

    def _rule(self, parent: Element, _block: blocks.Rule) -> None:
        SubElement(parent, "hr")

    def _html(self, parent: Element, block: blocks.Html) -> None:
        self._literal(parent, block.text)

    def _code(self, parent: Element, block: blocks.Code) -> None:
        self._literal(parent, self._highlighted(block.text + "\n", block.info))

    def _highlighted(self, source: str, info: str | None) -> str:
        fence = fences.understood(info or "")
        custom = self._custom(fence.language, source.removesuffix("\n")) if fence.language else None
        if custom is not None:
            return custom
        count = source.count("\n")
        marked = [number for number in fence.marked if number <= count]
        try:
            if self.quick and not fence.first:
                return coloured(source, replace(fence, marked=tuple(marked)) if fence.marked else fence)
            highlight = self._coloured if fence.language else self._plain
            return str(
                highlight.highlight(
                    source,
                    fence.language,
                    hl_lines=marked,
                    linestart=fence.first or -1,
                    title=fence.title or None,
                )
            )
        except Exception:  # noqa: BLE001 - a lexer that stumbles must not cost the page
            return f'<div class="highlight"><pre><code>{html.escape(source, quote=False)}</code></pre></div>'

    def _custom(self, language: str, source: str) -> str | None:
        """What a site's own fence makes of the code: one configured for superfences by a hook."""
        for extension in self.md.registeredExtensions:
            for entry in reversed(getattr(extension, "superfences", [])):
                if entry["name"] == language and entry["test"](language):
                    made = entry["formatter"](
                        src=source, language=language, md=self.md, options={}, classes=[], id_value="", attrs={}
                    )
                    return str(made)
        return None

    def _quote(self, parent: Element, block: blocks.Quote) -> None:
        first = block.children[0] if block.children else None
        callout = _CALLOUT.match(first.text) if isinstance(first, blocks.Text) else None
        if callout is None:
            self._build(SubElement(parent, "blockquote"), block.children)
            return
        # The attributes are those that pymdownx.quotes turns into an admonition, or into details when it folds.
        folds = {"+": "open", "-": "closed"}.get(callout[2], "")
        kind = callout[1].lower()
        element = SubElement(parent, "blockquote", {"data-alert": kind, "data-alert-collapse": folds})
        SubElement(element, "p").text = callout[3] or callout[1].replace("-", " ").capitalize()
        rest = first.text[callout.end() :] if isinstance(first, blocks.Text) else ""
        if rest:
            SubElement(element, "p").text = rest
        self._build(element, block.children[1:])

    def _list(self, parent: Element, block: blocks.List) -> None:
        element = SubElement(parent, "ul" if block.first is None else "ol")
        if block.first not in (None, 1):
            element.set("start", str(block.first))
        tight = block.tight()
        for item in block.items:
            self._item(SubElement(element, "li"), item.children, tight)

    def _item(self, element: Element, children: list[blocks.Block], tight: bool) -> None:
        """An item's blocks; in a tight list its paragraphs are bare text."""
        for block in children:
            if not tight or not isinstance(block, blocks.Text):
                self._makers[type(block)](element, block)
            elif len(element):
                element[-1].tail = f"{element[-1].tail or ''}\n{block.text}"
            else:
                element.text = f"{element.text}\n{block.text}" if element.text else block.text

    def _table(self, parent: Element, block: blocks.Table) -> None:
        table = SubElement(parent, "table")
        self._row(SubElement(table, "thead"), "th", block.head, block.align)
        if block.rows:
            body = SubElement(table, "tbody")
            for row in block.rows:
                self._row(body, "td", row, block.align)

    def _row(self, parent: Element, tag: str, cells: list[str], align: list[str]) -> None:
        row = SubElement(parent, "tr")
        for text, side in zip(cells, align, strict=True):
            SubElement(row, tag, {"class": side} if side else {}).text = text

    def _reference(self, _parent: Element, block: blocks.Reference) -> None:
        self.md.references.setdefault(key(block.label), (unescaped(block.destination), unescaped(block.title)))

    # -- what Python-Markdown's writers know

    def _definitions(self, parent: Element, block: blocks.Definitions) -> None:
        element = SubElement(parent, "dl")
        for terms, items in block.groups:
            for term in terms:
                SubElement(element, "dt").text = term
            for item, loose in items:
                paragraphs = sum(isinstance(one, blocks.Text) for one in item.children)
                self._item(SubElement(element, "dd"), item.children, not loose and paragraphs < 2)

    def _note(self, _parent: Element, block: blocks.Note) -> None:
        shown = [one for one in block.children if not isinstance(one, _SILENT) and not _abbreviates(one)]
        # The way back to the text needs something to stand in.
        held = block.children if shown else [*block.children, blocks.Text(block.start, block.end, "")]
        for extension in self.md.registeredExtensions:
            if isinstance(extension, FootnoteExtension) and block.label not in extension.footnotes:
                extension.setFootnote(block.label, self.token(held))

    def _wrapped(self, parent: Element, block: blocks.Wrapped) -> None:
        element = SubElement(parent, block.tag, dict(block.attributes))
        if block.inline and all(isinstance(one, blocks.Text) for one in block.children):
            element.text = "\n".join(one.text for one in block.children if isinstance(one, blocks.Text))
        else:
            self._build(element, block.children)

    def _foreign(self, parent: Element, block: blocks.Foreign) -> None:
        head, children = block.head, block.children
        first = children[0] if children else None
        options = isinstance(first, blocks.Code) and first.info is None and first.start == block.start + 1
        if block.close and isinstance(first, blocks.Code) and options and _OPTIONS.match(first.text):
            head += "".join(f"\n    {line}" for line in first.text.split("\n"))
            children = children[1:]
        if block.close:
            held = f"\n\n{self.token(children)}" if children else ""
            text = f"{head}{held}\n\n{block.close}"
        else:
            text = f"{head}\n    {self.token(children)}" if children else head
        self.parser.parseChunk(parent, text)


def _abbreviates(block: blocks.Block) -> bool:
    return isinstance(block, blocks.Foreign) and block.head.startswith("*[")


_TICKS = re.compile("`+")
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")


def unescaped(text: str) -> str:
    """A link's destination or title without the backslashes of its escapes."""
    return _ESCAPED.sub(r"\1", text) if "\\" in text else text


def key(label: str) -> str:
    """What two spellings of a link's label have in common: case, white space and backslashes do not count."""
    return " ".join(_ESCAPED.sub(r"\1", _TICKS.sub("`", label)).split()).casefold()
