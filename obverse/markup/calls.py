"""Component calls: `{{ name(arguments) }}` in a body -> opaque tokens that survive Markdown, and what they stand for.

Bodies are never templates. Only the exact form with literal arguments is a call; anything else stays the writer's text.
"""

from __future__ import annotations

import ast
import html
import math
import re
import warnings
from dataclasses import dataclass

# Two characters of the last private plane: no keyboard writes them, and Markdown takes them for letters.
OPEN, CLOSE = "\U0010f400", "\U0010f401"
TOKEN = re.compile(f"{OPEN}(\\d+){CLOSE}")
LONGEST = 4_000

# In HTML a call that stood alone in its paragraph is marked by another character.
BLOCK_OPEN = "\U0010f402"
SLOT = re.compile(f"([{OPEN}{BLOCK_OPEN}])(\\d+){CLOSE}")
_ALONE = re.compile(rf"<p>\s*((?:{TOKEN.pattern}\s*(?:<br\s?/?>\s*)?)+)</p>")
_HOLDS_CALL = re.compile(rf"<[^<>]*{OPEN}[^<>]*>")
_LITERAL = re.compile(
    rf"(?P<comment><!--|-->)|<(?P<close>/?)(?P<name>pre|code|script|style|textarea)(?=[\s>])|{TOKEN.pattern}",
    re.IGNORECASE,
)

_START = re.compile(r"\{\{[ \t]*([A-Za-z_]\w*)[ \t]*\(")
_PIECE = re.compile(r"""[^"'(){}\n]+|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|\)\s*\}\}|\n(?!\s*\n)|[()"']""")
_CONSTANTS = {"true": True, "false": False, "none": None}


@dataclass(frozen=True, slots=True)
class Found:
    """One call as written: `error` says what is wrong with its arguments, at `error_offset` in the body."""

    text: str
    name: str
    offset: int
    positional: tuple[object, ...] = ()
    named: tuple[tuple[str, object], ...] = ()
    error: str = ""
    error_offset: int = 0


def find(masked: str, body: str) -> list[Found]:
    """The calls of a body, in their order. `masked` is the body with code blanked."""
    found: list[Found] = []
    past = 0
    for match in _START.finditer(masked):
        if match.start() < past:
            continue
        end = _closing(body, match.end())
        if end:
            past = end
            found.append(_read(body, match, end))
    return found


def tokenised(body: str, found: list[Found]) -> str:
    """The body with every call as a token."""
    pieces = []
    past = 0
    for number, call in enumerate(found):
        pieces += [body[past : call.offset], f"{OPEN}{number}{CLOSE}"]
        past = call.offset + len(call.text)
    return "".join([*pieces, body[past:]])


def restored(text: str, found: list[Found]) -> str:
    """HTML in which tokens are the writer's text again."""
    return TOKEN.sub(lambda match: html.escape(found[int(match[1])].text), text)


def settled(html: str, found: list[Found]) -> str:
    """HTML in which calls in code, comments and tags are the writer's text again; those alone lose their paragraph."""
    inside = ""

    def literal(match: re.Match[str]) -> str:
        nonlocal inside
        if match["comment"]:
            inside = _step(inside, match["comment"] == "-->", "-->")
        elif match["name"]:
            inside = _step(inside, bool(match["close"]), match["name"].lower())
        elif inside:
            return restored(match[0], found)
        return match[0]

    html = _HOLDS_CALL.sub(lambda match: restored(match[0], found), _LITERAL.sub(literal, html))
    return _ALONE.sub(lambda match: match[1].replace(OPEN, BLOCK_OPEN), html)


def _step(inside: str, closes: bool, name: str) -> str:
    """In which literal element the text is after a tag: only the outermost counts."""
    if closes:
        return "" if inside == name else inside
    return inside or name


def _closing(body: str, position: int) -> int:
    """Past the `)}}` that closes a call, or 0: strings are skipped, a brace or the paragraph's end ends the search."""
    last = min(len(body), position + LONGEST)
    while position < last:
        piece = _PIECE.match(body, position)
        if piece is None:
            return 0
        position = piece.end()
        if piece[0][0] == ")" and len(piece[0]) > 1:
            return position
    return 0


def _read(body: str, match: re.Match[str], end: int) -> Found:
    text = body[match.start() : end]
    inner_end = match.start() + text.rindex(")")
    inner = body[match.end() : inner_end]
    try:
        positional, named = _arguments(inner)
    except _NotLiteralError as problem:
        return Found(text, match[1], match.start(), error=problem.message, error_offset=match.end() + problem.offset)
    return Found(text, match[1], match.start(), positional, named)


class _NotLiteralError(Exception):
    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset


def _arguments(inner: str) -> tuple[tuple[object, ...], tuple[tuple[str, object], ...]]:
    """The literals between the parentheses. Raises _NotLiteralError with the offset of the first mistake."""
    lines = inner.split("\n")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an odd backslash in a writer's text is not Python's concern
            call = ast.parse(f"f({inner}\n)", mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        # Where Python stumbles differs between its versions; the start of the arguments does not.
        raise _NotLiteralError(_advice(inner), 0) from None
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
        raise _NotLiteralError("the arguments cannot be read", 0)
    positional = tuple(_literal(one, lines) for one in call.args)
    named: dict[str, object] = {}
    for keyword in call.keywords:
        if keyword.arg is None or keyword.arg in named:
            said = f"'{keyword.arg}' is given twice" if keyword.arg else "'**' cannot be used here"
            raise _NotLiteralError(said, _node_offset(keyword.value, lines))
        named[keyword.arg] = _literal(keyword.value, lines)
    return positional, tuple(named.items())


def _literal(node: ast.expr, lines: list[str]) -> object:
    match node:
        case ast.Constant(value=bool() | str() | int() | None as value):
            return value
        case ast.Constant(value=float() as value) if math.isfinite(value):
            return value
        case ast.Name(id=name) if name in _CONSTANTS:
            return _CONSTANTS[name]
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)) if value is not True:
            return -value
        case ast.List(elts=elements) | ast.Tuple(elts=elements):
            return [_literal(one, lines) for one in elements]
        case ast.Name(id=name):
            raise _NotLiteralError(f"'{name}' is not a value; text stands in quotes", _node_offset(node, lines))
    raise _NotLiteralError("only text, numbers, true, false, none and lists may stand here", _node_offset(node, lines))


def _advice(inner: str) -> str:
    if any(quote in inner for quote in "“”„‘’«»"):
        return "text stands in straight quotes, not curly ones"
    return "the arguments cannot be read"


def _node_offset(node: ast.expr, lines: list[str]) -> int:
    line = lines[node.lineno - 1] if node.lineno <= len(lines) else ""
    prefix = b"f(" if node.lineno == 1 else b""
    written = (prefix + line.encode())[: node.col_offset].decode(errors="ignore")
    return _offset(lines, node.lineno, len(written))


def _offset(lines: list[str], line: int, column: int) -> int:
    """The offset in the arguments of a place in `f(arguments)`."""
    before = sum(len(one) + 1 for one in lines[: line - 1])
    whole = sum(len(one) + 1 for one in lines) - 1
    return min(max(0, before + column - (2 if line == 1 else 0)), whole)
