"""Python-Markdown's walk over the texts of a page, with the same result in a fraction of the time.

The library tries each of some twenty inline patterns on every piece of text, nearly always in vain. Here a pattern is
tried only on text that holds something without which its expression cannot match. The expression alone decides that,
so one that is not known here (a site's own, or that of another version) is always tried.

What is copied from the library is its walk, order and quirks included: it holds for the versions it was compared with,
and for every other one the library walks itself.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable
from typing import Any, NamedTuple
from xml.etree.ElementTree import Element

import markdown
import pygments
import pymdownx
from markdown import Extension, Markdown
from markdown.inlinepatterns import (
    AUTOMAIL_RE,
    ENTITY_RE,
    ESCAPE_RE,
    IMAGE_LINK_RE,
    IMAGE_REFERENCE_RE,
    LINK_RE,
    REFERENCE_RE,
    InlineProcessor,
)
from markdown.treeprocessors import InlineProcessor as Walk
from markdown.util import INLINE_PLACEHOLDER_PREFIX, INLINE_PLACEHOLDER_RE, AtomicString
from pymdownx.delimiterprocessor import DelimiterProcessor
from pymdownx.keys import RE_EARLY_KBD, RE_KBD

from obverse.markup import finish, inline
from obverse.markup.tested import known
from obverse.markup.tree import Reading

DELIMITERS = r"\*|_|\~|\^"
# Expression -> what a text must hold, at least one of it, for the expression to match anywhere.
TRIGGERS: dict[str, tuple[str, ...]] = {
    inline.CODE: ("`",),
    RE_EARLY_KBD: ("+",),
    ESCAPE_RE: ("\\",),
    r"\[\^([^\]]*)\]": ("[^",),
    REFERENCE_RE: ("[",),
    LINK_RE: ("[",),
    IMAGE_LINK_RE: ("![",),
    IMAGE_REFERENCE_RE: ("![",),
    inline.AUTOLINK: ("<",),
    AUTOMAIL_RE: ("@",),
    inline.BREAK: ("  \n", "\\\n"),
    inline.HTML: ("<",),
    inline.BARE_LINK: ("://", "www."),
    ENTITY_RE: ("&",),
    RE_KBD: ("++",),
    inline.MARK: ("==",),
    DELIMITERS: ("*", "_", "~", "^"),
    inline.BARE_MAIL: ("@",),
}


_IGNORECASE = int(re.IGNORECASE)
# Below this length it pays to ask first whether a text is words and nothing else.
_SHORT = 60


class Guards(Extension):
    """Our short cuts in the place of the libraries' own ways, where they were compared."""

    def __init__(self, reading: Reading, alone: bool) -> None:
        """`alone` says that no extension of a site's own takes part."""
        super().__init__()
        self._reading = reading
        self._alone = alone

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802 - the library's name
        """Replace what is ours to replace."""
        self._md = md
        md.registerExtension(self)
        if known(markdown) and type(md.treeprocessors["inline"]) is Walk:
            md.treeprocessors.register(GuardedWalk(md), "inline", 20)
            finish.install(md, self._reading.builder, self._alone)
        self._reading.builder.quick = known(pymdownx) and known(pygments)
        delimiters = md.inlinePatterns["delimiter"]
        if known(pymdownx) and type(delimiters) is DelimiterProcessor:
            # Its extensions hold on to it: it is this one that has to be quicker.
            delimiters.__class__ = Delimiters

    def reset(self) -> None:
        """Forget the last text, of which the library keeps the tree."""
        self._md.parser.root = Element(self._md.doc_tag)
        self._md.treeprocessors["inline"].stashed_nodes = {}  # type: ignore[attr-defined]


class Delimiters(DelimiterProcessor):  # type: ignore[misc]  # the library ships no types
    """Emphasis. The next delimiter is found by an expression, and only its own rule is asked whether it may stand."""

    def get_match(self, data: str, start: int) -> re.Match[str] | None:
        """The delimiter at a place."""
        if self.pattern != DELIMITERS:
            return super().get_match(data, start)  # type: ignore[no-any-return]
        return self.delimiters[data[start]].boundary.match(data, start)  # type: ignore[no-any-return]

    def search(self, data: str, start: int) -> re.Match[str] | None:
        """The next delimiter that may begin something, or end what has begun."""
        if self.pattern != DELIMITERS:
            return super().search(data, start)  # type: ignore[no-any-return]
        for token in self.compiled_re.finditer(data, start):
            delimiter = self.delimiters[token[0]]
            found: re.Match[str] | None = delimiter.boundary.match(data, token.start())
            if found is not None and (delimiter.stack or (found.lastgroup or "")[0] != "e"):
                return found
        return None


class _Step(NamedTuple):
    """One inline pattern: what a text must hold for it, how to look for it, and within which elements it is not."""

    pattern: Any
    triggers: tuple[str, ...]
    excludes: frozenset[str]
    modern: bool
    refers: bool


def _step(pattern: Any) -> _Step:
    expression = pattern.getCompiledRegExp()
    modern = isinstance(pattern, InlineProcessor)
    triggers = TRIGGERS.get(expression.pattern, ()) if modern and not expression.flags & _IGNORECASE else ()
    excludes = frozenset(one.lower() for one in pattern.ANCESTOR_EXCLUDES)
    return _Step(pattern, triggers, excludes, modern, type(pattern) in inline.REFERENCES)


class GuardedWalk(Walk):
    """Applies inline patterns to a tree, as its base does, and tries those alone that can match."""

    def __init__(self, md: Markdown) -> None:
        super().__init__(md)
        self.stashed_nodes: dict[str, Element | str] = {}
        self._seen: list[tuple[Any, Any]] = []
        self._steps: list[_Step] = []
        self._always: list[int] = []
        self._table: list[tuple[str, list[int]]] = []

    def run(self, tree: Element, ancestors: list[str] | None = None) -> Element:
        """Apply the patterns to all texts below `tree`, which are met in the order in which the library meets them."""
        self.stashed_nodes = {}
        self._prepare()
        self.parent_map: dict[Element, Element] = {}
        waiting = deque([(tree, [*(ancestors or ()), tree.tag.lower()])])
        while waiting:
            element, self.ancestors = waiting.popleft()
            if element is not tree:
                self.ancestors.append(element.tag.lower())
            inserts = []
            for child in element:
                text = child.text
                if text and not isinstance(text, AtomicString):
                    self.ancestors.append(child.tag.lower())
                    made = self._in_text(child, text)
                    if made:
                        waiting.extend(one for one in made if len(one[0]))
                        inserts.append((child, made))
                    self.ancestors.pop()
                if child.tail:
                    self._in_tail(element, child, child.tail)
                if len(child):
                    waiting.append((child, self.ancestors[:]))
            for child, made in inserts:
                for at, (node, _) in enumerate(made):
                    child.insert(at, node)
        return tree

    def _in_text(self, child: Element, text: str) -> list[tuple[Element, list[str]]]:
        """Apply the patterns to the text of an element; the elements that are to stand at its beginning."""
        handled = self._handled(text, 0)
        if INLINE_PLACEHOLDER_PREFIX not in handled:
            child.text = handled
            return []
        child.text = None
        return self._placed(handled, child, True)

    def _in_tail(self, element: Element, child: Element, tail: str) -> None:
        """Apply the patterns to the text behind an element."""
        handled = self._handled(tail, 0)
        if INLINE_PLACEHOLDER_PREFIX not in handled:
            child.tail = handled
            return
        stand_in = Element("d")
        child.tail = None
        made = self._placed(handled, stand_in, False)
        if stand_in.tail:
            child.tail = stand_in.tail
        at = list(element).index(child) + 1
        for node, _ in reversed(made):
            element.insert(at, node)

    def _handled(self, text: str, first: int) -> str:
        """The text with what the patterns from number `first` on match as placeholders."""
        if isinstance(text, AtomicString):
            return text
        # Whatever is matched becomes a placeholder, so that a text holds no trigger later that it does not hold now.
        for number in self._wanted(text):
            step = self._steps[number]
            if number < first or (step.refers and not self.md.references):
                continue
            if step.excludes and not step.excludes.isdisjoint(self.ancestors):
                continue
            start = 0
            matched = True
            while matched:
                text, matched, start = self._applied(step, text, number, start)
        return text

    def _prepare(self) -> None:
        """Know the patterns: which are always tried, and what the others wait for."""
        patterns: Iterable[Any] = self.inlinePatterns
        seen = [(one, one.getCompiledRegExp()) for one in patterns]
        if seen == self._seen:
            return
        self._seen = seen
        self._steps = [_step(one) for one, _ in seen]
        self._always = [number for number, step in enumerate(self._steps) if not step.triggers]
        table: dict[str, list[int]] = {}
        for number, step in enumerate(self._steps):
            for trigger in step.triggers:
                table.setdefault(trigger, []).append(number)
        self._table = list(table.items())

    def _wanted(self, text: str) -> list[int]:
        """The numbers of the patterns that could match in a text, in their order."""
        if len(text) < _SHORT and text.replace(" ", "").isalnum():
            return self._always
        numbers = set(self._always)
        for trigger, those in self._table:
            if trigger in text:
                numbers.update(those)
        return sorted(numbers)

    def _applied(self, step: _Step, text: str, number: int, start: int) -> tuple[str, bool, int]:
        """The text with the next match as a placeholder, whether there was one, and where to go on."""
        pattern = step.pattern
        if not step.modern:
            applied: tuple[str, bool, int] = self._InlineProcessor__applyPattern(pattern, text, number, start)  # type: ignore[attr-defined]
            return applied
        for match in pattern.getCompiledRegExp().finditer(text, start):
            node, begin, end = pattern.handleMatch(match, text)
            if begin is None or end is None:
                continue
            if node is None:
                return text, True, end
            if not isinstance(node, str) and not isinstance(node.text, AtomicString):
                for child in [node, *node]:
                    if child.text:
                        self.ancestors.append(child.tag.lower())
                        child.text = self._handled(child.text, number + 1)
                        self.ancestors.pop()
                    if child.tail:
                        child.tail = self._handled(child.tail, number)
            placeholder = self._stashed(node)
            return f"{text[:begin]}{placeholder}{text[end:]}", True, begin + len(placeholder)
        return text, False, 0

    def _stashed(self, node: Element | str) -> str:
        number = f"{len(self.stashed_nodes):04d}"
        self.stashed_nodes[number] = node
        return f"{INLINE_PLACEHOLDER_PREFIX}{number}\x03"

    def _placed(self, text: str, parent: Element, is_text: bool) -> list[tuple[Element, list[str]]]:
        """Put a text with placeholders into `parent`; the elements among them, each with its ancestors."""
        result: list[tuple[Element, list[str]]] = []

        def put(more: str) -> None:
            if not more:
                return
            if result:
                last = result[-1][0]
                last.tail = last.tail + more if last.tail else more
            elif is_text:
                parent.text = parent.text + more if parent.text else more
            else:
                parent.tail = parent.tail + more if parent.tail else more

        past = 0
        while True:
            at = text.find(INLINE_PLACEHOLDER_PREFIX, past)
            if at < 0:
                rest = text[past:]
                put(AtomicString(rest) if isinstance(text, AtomicString) else rest)
                return result
            found = INLINE_PLACEHOLDER_RE.search(text, at)
            node = self.stashed_nodes.get(found[1]) if found else None
            if node is None or found is None:
                end = at + len(INLINE_PLACEHOLDER_PREFIX)
                put(text[past:end])
                past = end
                continue
            put(text[past:at])
            past = found.end()
            if isinstance(node, str):
                put(node)
            else:
                self._settled(node)
                result.append((node, self.ancestors[:]))

    def _settled(self, node: Element) -> None:
        """Put into an element, and into its children, what their placeholders stand for."""
        for child in [node, *node]:
            tail, text = child.tail, child.text
            if tail and tail.strip() and INLINE_PLACEHOLDER_PREFIX in tail:
                child.tail = None
                at = 0 if child is node else list(node).index(child) + 1
                for new, _ in reversed(self._placed(tail, child, False)):
                    node.insert(at, new)
            if text and text.strip() and INLINE_PLACEHOLDER_PREFIX in text:
                child.text = None
                for new, _ in reversed(self._placed(text, child, True)):
                    child.insert(0, new)
