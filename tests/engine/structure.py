"""HTML -> what a reader sees of its structure: tags in order, the attributes that matter, the text between.

Two engines that read a text alike give the same list, whatever classes, wrappers and line ends they write.
"""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote
from xml.etree.ElementTree import Element

import cmarkgfm
import html5lib
from cmarkgfm.cmark import Options

_OPTIONS = Options.CMARK_OPT_UNSAFE | Options.CMARK_OPT_FOOTNOTES
_EXTENSIONS = ["table", "autolink", "strikethrough", "tasklist"]
_KEPT = ("href", "src", "alt", "start", "title", "checked", "type")
_VOID = frozenset({"br", "hr", "img", "input", "source"})
_INLINE = frozenset("a b i em strong code del br img span sup sub kbd abbr input mark ins small".split())


class Tag(str):
    """One tag, to tell it from text that looks like it."""

    __slots__ = ()


def github(text: str) -> str:
    """The HTML that GitHub's engine makes of a text."""
    return str(cmarkgfm.markdown_to_html_with_extensions(text, _OPTIONS, _EXTENSIONS))


def structure(html: str) -> list[str]:
    """The structure of a fragment of HTML."""
    fragment = html5lib.parseFragment(html + "\n", treebuilder="etree", namespaceHTMLElements=False)
    found: list[str] = []
    _text(found, fragment.text, preserved=False)
    for child in fragment:
        _element(found, child, preserved=False)
    return _trimmed(_boxed(found))


def cases(file: str) -> list[tuple[str, str]]:
    """Name and text of every case in a file of cases."""
    text = (Path(__file__).parent / "markup_cases" / file).read_text(encoding="utf-8")
    text = text.replace("··\n", "  \n").replace("→", "\t")
    pieces = re.split(r"^%%% (.+)\n", text, flags=re.MULTILINE)[1:]
    return list(zip(pieces[::2], pieces[1::2], strict=True))


def _element(found: list[str], element: Element, *, preserved: bool) -> None:
    if isinstance(element.tag, str):
        if "filename" in element.get("class", ""):
            return  # the title of a fence, which GitHub does not show
        wrapper = element.tag == "span" or (element.tag == "div" and "highlight" in element.get("class", ""))
        wrapper = wrapper or (element.tag == "code" and preserved)
        if not wrapper:
            found.append(Tag(f"<{element.tag}{_attributes(element)}>"))
        within = preserved or element.tag == "pre"
        _text(found, element.text, preserved=within)
        for child in element:
            _element(found, child, preserved=within)
        if not wrapper and element.tag not in _VOID:
            found.append(Tag(f"</{element.tag}>"))
    _text(found, element.tail, preserved=preserved)


def _attributes(element: Element) -> str:
    kept = {name: unquote(element.attrib[name]).strip() for name in _KEPT if name in element.attrib}
    return "".join(f" {name}={value!r}" for name, value in kept.items() if name != "type" or element.tag == "input")


def _text(found: list[str], text: str | None, *, preserved: bool) -> None:
    if not text:
        return
    text = text if preserved else re.sub(r"\s+", " ", text)
    if found and not isinstance(found[-1], Tag):
        found[-1] = found[-1] + text if preserved else re.sub(" +", " ", found[-1] + text)
    else:
        found.append(text)


def _boxed(found: list[str]) -> list[str]:
    """With the box of a task inside its paragraph, where GitHub's engine puts it before."""
    for at in range(len(found) - 1, -1, -1):
        if found[at].startswith("<input") and at + 1 < len(found):
            if not isinstance(found[at + 1], Tag):
                found[at + 1] = found[at + 1].lstrip()
            if found[at + 1 : at + 3] == ["", "<p>"]:
                found[at : at + 3] = [found[at + 2], found[at]]
    return found


def _trimmed(found: list[str]) -> list[str]:
    """Without the white space that a browser does not show: that next to blocks, and line ends around code."""
    result: list[str] = []
    preserved = 0
    for at, piece in enumerate(found):
        shown: str = piece
        if isinstance(piece, Tag):
            preserved += piece.startswith("<pre") - piece.startswith("</pre")
        elif preserved:
            shown = piece.strip("\n")
        else:
            shown = shown.lstrip() if at == 0 or _is_block(found[at - 1]) else shown
            shown = shown.rstrip() if at == len(found) - 1 or _is_block(found[at + 1]) else shown
        if shown:
            result.append(shown)
    return result


def _is_block(tag: str) -> bool:
    name = re.match(r"</?([\w\-]+)", tag)
    return name is not None and name[1] not in _INLINE
