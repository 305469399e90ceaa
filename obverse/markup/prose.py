"""HTML of a body -> what a reader would call its text: the first paragraph, the number of words."""

from __future__ import annotations

import functools
import re

from obverse.markup import tags

# What stands apart from the running text: its first paragraph is not the article's.
_APART = "li|blockquote|table|dd|details|figure|figcaption|aside|nav|pre|form|footer|header"
_STEP = re.compile(
    rf"<(?P<close>/?)(?P<name>p|div|{_APART})(?=[\s>/])(?P<rest>[^>]*)>|<!--.*?(?:-->|\Z)", re.IGNORECASE | re.DOTALL
)
_APART_CLASS = re.compile(r"""class=["'](?:[^"']*\s)?(?:admonition|footnote|tabbed-set|highlight)\b""")
_NOTE = re.compile(r'<sup id="fnref[^>]*><a [^>]*>[^<]*</a></sup>')
_PARAGRAPH_END = re.compile(r"<(?:/p\s*>|p[\s>])", re.IGNORECASE)
# The first character stands outside of what ignores case: it is found many times as fast. The next two are looked at
# before anything else is tried, since nearly all tags have others. What is passed over is passed over tag by tag.
_UNREAD = re.compile(
    r"<(?=[psdPSD][rctiRCTI])(?:(?i:(pre|script|style))\b[^<]*+(?:<(?!(?i:/\1>))[^<]*+)*(?:(?i:</\1>)|\Z)"
    r"|(?i:div class=\"footnote\">.*\Z))",
    re.DOTALL,
)
# A token without a letter or a digit; the expression begins with what is rare.
_NO_WORD = re.compile(r"[^\w\s](?<!\S.)[^\w\s]*+(?!\S)")
# ASCII for counting: white space as blanks, letters as "x", punctuation as nothing.
_PUNCTUATION = bytes(
    code for code in range(128) if not (chr(code).isalnum() or chr(code) == "_" or chr(code).isspace())
)
_SHAPES = bytes(32 if chr(code).isspace() else 120 for code in range(256))
# The first bytes of all CJK characters in UTF-8.
_CJK_BYTES = bytes([*range(0xE3, 0xF0), 0xF0])
_INLINE = frozenset("em strong code del mark sub sup kbd abbr b i u s q cite small ins span var samp bdi".split())


def excerpt(html: str) -> str:
    """The first paragraph of running text, as plain text; "" when there is none."""
    depth = 0
    opened: list[bool] = []
    for step in _STEP.finditer(html):
        name = (step["name"] or "").lower()
        if name == "p":
            if not step["close"] and not depth:
                text = paragraph(html, step.end())
                if text:
                    return text
        elif name and not step["close"]:
            apart = name != "div" or bool(_APART_CLASS.search(step["rest"]))
            opened.append(apart)
            depth += apart
        elif name and opened:
            depth -= opened.pop()
    return ""


def paragraph(html: str, start: int) -> str:
    """The plain text from `start` to the end of the paragraph."""
    end = _PARAGRAPH_END.search(html, start)
    return tags.plain(without_notes(html[start : end.start() if end else len(html)]))


def without_notes(fragment: str) -> str:
    """A fragment without its footnote marks."""
    return _NOTE.sub("", fragment) if "fnref" in fragment else fragment


def words(html: str) -> int:
    """Words of running text: code and footnotes are not counted, a CJK character counts as one half."""
    text = tags.without_tags(_UNREAD.sub(" ", html))
    if text.isascii():
        shape = text.encode().translate(_SHAPES, _PUNCTUATION)
        return shape.count(b"x ") + shape.endswith(b"x")  # few characters are blanks, so an end is soon found
    data = text.encode("utf-8", "surrogatepass")
    halves = len(_cjk().findall(text)) if len(data.translate(None, _CJK_BYTES)) < len(data) else 0
    return _counted(_cjk().sub(" ", text) if halves else text) + (halves + 1) // 2


@functools.cache
def _cjk() -> re.Pattern[str]:
    """The characters that count as half a word: so many that to compile them takes longer than most pages need."""
    return re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]")


def _counted(text: str) -> int:
    return len(text.split()) - len(_NO_WORD.findall(text))


def inline(fragment: str) -> str:
    """Inline HTML that may stand anywhere: no links, no ids, no attributes but a span's class."""

    def safe(match: re.Match[str]) -> str:
        name = match[0].strip("</>").split(None, 1)[0].lower() if match[0][1:2] != "!" else ""
        if name not in _INLINE:
            return ""
        return f"</{name}>" if match[0][1] == "/" else f"<{name}>"

    return tags.ANY.sub(safe, fragment).strip() if "<" in fragment else fragment.strip()
