"""Single lines of Markdown: how far they are indented, and what each could begin. Pure functions and patterns.

Columns are counted as CommonMark counts them: a tab reaches to the next multiple of four.
"""

from __future__ import annotations

import re

ATX = re.compile(r"(#{1,6})(?=[ \t]|$)")
SETEXT = re.compile(r"(?:=+|-+)[ \t]*$")
RULE = re.compile(r"(?:(?:\*[ \t]*+){3,}|(?:-[ \t]*+){3,}|(?:_[ \t]*+){3,})$")
FENCE = re.compile(r"(`{3,})([^`]*)$|(~{3,})(.*)$")
MARKER = re.compile(r"(?:([-+*])|(\d{1,9})([.)]))(?=[ \t]|$)")
DELIMITER_ROW = re.compile(r"\|?[ \t]*+:?-++:?[ \t]*+(?:\|[ \t]*+:?-++:?[ \t]*+)*\|?[ \t]*+$")
NOTE = re.compile(r"\[\^([^\]\s]+)\]:[ \t]*")
ABBREVIATION = re.compile(r"\*\[[^\]\\]+\][ ]?:[ \t]*\S")
ADMONITION = re.compile(r'(?:!!!|\?\?\?\+?) ?(?:[\w\-]+(?: +[\w\-]+)*(?: +"[^"\n]*")?|"[^"\n]*") *$')
TAB = re.compile(r'===[!+]{0,2} +(?:"[^"\n]+"|\'[^\'\n]+\') *$')
BLOCK = re.compile(r"(/{3,}) *[a-zA-Z][\w\-]*(?: *\|.*)?$")
DEFINITION = re.compile(r":[ \t]+(?=\S)")

_HTML_BLOCK_TAGS = (
    "address|article|aside|base|basefont|blockquote|body|caption|center|col|colgroup|dd|details|dialog|dir|div|dl|dt"
    "|fieldset|figcaption|figure|footer|form|frame|frameset|h[1-6]|head|header|hr|html|iframe|legend|li|link|main|menu"
    "|menuitem|nav|noframes|ol|optgroup|option|p|param|search|section|source|summary|table|tbody|td|tfoot|th|thead|title|tr"
    "|track|ul"
)
# No possessive groups anywhere: Python 3.11.2 gets them wrong.
ATTRIBUTES = r"""(?:\s+[a-zA-Z_:][\w.:\-]*+(?:\s*+=\s*+(?:[^\s"'=<>`]++|'[^']*+'|"[^"]*+"))?)*\s*+"""
_HTML_STARTS = (
    (re.compile(r"<(?:script|pre|style|textarea)(?:[\s>]|$)", re.IGNORECASE), "</"),
    (re.compile(r"<!--"), "-->"),
    (re.compile(r"<\?"), "?>"),
    (re.compile(r"<![a-zA-Z]"), ">"),
    (re.compile(r"<!\[CDATA\["), "]]>"),
    (re.compile(rf"</?(?:{_HTML_BLOCK_TAGS})(?:[\s>]|/>|$)", re.IGNORECASE), ""),
    (re.compile(rf"(?:<[a-zA-Z][a-zA-Z0-9\-]*+{ATTRIBUTES}/?>|</[a-zA-Z][a-zA-Z0-9\-]*\s*>)\s*$"), ""),
)
_RAW_END = re.compile(r"</(?:script|pre|style|textarea)>", re.IGNORECASE)
MARKDOWN_ATTRIBUTE = re.compile(
    rf"""<([a-zA-Z][a-zA-Z0-9\-]*+)(?={ATTRIBUTES}>)([^>]*?\smarkdown(?:\s*=\s*["']?(1|block|span)["']?)?(?=[\s>])[^>]*)>"""
)
_OPEN_TAG = re.compile(rf"<(/?)(?:{_HTML_BLOCK_TAGS})(?=[\s/>])[^>]*?(/?)>", re.IGNORECASE)
_INDENTED_TAG = re.compile(r"</?[a-zA-Z][^>]*>|<!--")

_NAMED = r"\[(?!\^)(?P<label>(?:[^\[\]\\]|\\.)+)\]:[ \t]*\n?[ \t]*(?P<destination><(?:[^<>\n\\]|\\.)*>|[^\s<]\S*)"
_TITLE = r"""(?P<title>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\((?:[^()\\]|\\.)*\))"""
_REFERENCE = re.compile(rf"{_NAMED}(?:[ \t]+|[ \t]*\n[ \t]*){_TITLE}[ \t]*(?:\n|\Z)", re.DOTALL)
_REFERENCE_BARE = re.compile(rf"{_NAMED}[ \t]*(?:\n|\Z)", re.DOTALL)
_PIPE = re.compile(r"(?<!\\)\|")


def indent(text: str, column: int = 0) -> int:
    """How many columns of white space the text begins with, when it stands at `column`."""
    stripped = text.lstrip(" ")
    if stripped[:1] != "\t":
        return len(text) - len(stripped)
    at = column
    for char in text:
        if char == " ":
            at += 1
        elif char == "\t":
            at += 4 - at % 4
        else:
            break
    return at - column


def cut(text: str, column: int, columns: int) -> str:
    """The text without its first `columns` columns of white space (or as many as it has)."""
    if "\t" not in text[:columns]:
        bare = text.lstrip(" ")
        return text[columns:] if len(text) - len(bare) >= columns else bare
    at, target = column, column + columns
    for index, char in enumerate(text):
        if at >= target or char not in " \t":
            return text[index:]
        at += 1 if char == " " else 4 - at % 4
        if at > target:
            return " " * (at - target) + text[index + 1 :]
    return ""


def heading(text: str) -> str:
    """The text of a `#` heading, without the hashes that may close it."""
    text = text.strip(" \t")
    bare = text.rstrip("#")
    return bare.rstrip(" \t") if not bare or bare[-1] in " \t" else text


def html_start(text: str, interrupts: bool) -> str | None:
    """What ends the HTML block that this line begins ("" a blank line), or None when it begins none."""
    for number, (pattern, end) in enumerate(_HTML_STARTS):
        if pattern.match(text):
            return None if number == 6 and interrupts else end
    return None


def html_ends(text: str, end: str) -> bool:
    """Whether the line holds what ends the HTML block."""
    return bool(_RAW_END.search(text)) if end == "</" else end in text


def open_tags(html: str) -> int:
    """How many block elements a piece of HTML opens and does not close."""
    return sum(-1 if one[1] else (0 if one[2] else 1) for one in _OPEN_TAG.finditer(html))


def begins_with_tag(text: str) -> bool:
    """Whether the line begins with a tag or a comment."""
    return bool(_INDENTED_TAG.match(text))


def reference(text: str) -> re.Match[str] | None:
    """A link definition at the beginning of a paragraph."""
    return _REFERENCE.match(text) or _REFERENCE_BARE.match(text)


def cells(row: str) -> list[str]:
    """The cells of a table's row: a pipe behind a backslash is the writer's own, in code too."""
    row = row.strip()
    row = row.removeprefix("|")
    if row.endswith("|") and not row.endswith("\\|"):
        row = row[:-1]
    if "\\" not in row:
        return [cell.strip() for cell in row.split("|")]
    return [cell.strip().replace("\\|", "|") for cell in _PIPE.split(row)]


def alignments(row: str) -> list[str]:
    """What the row under a table's head says of each column."""
    kinds = {(True, True): "center", (True, False): "left", (False, True): "right"}
    return [kinds.get((cell.startswith(":"), cell.endswith(":")), "") for cell in cells(row)]
