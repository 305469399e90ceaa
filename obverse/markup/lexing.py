"""A lexer of Pygments -> the same tokens, sooner: a rule is tried only where the next character can begin it.

Pygments tries the rules of a state one after the other, some forty at each token. Its walk is copied from it, so it
holds for the versions it was compared with; a lexer that walks in a way of its own is left to do so.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator
from typing import Any

import pygments
from pygments.lexer import RegexLexer
from pygments.token import Error, Whitespace, _TokenType

from obverse.markup.firsts import ANYTHING, ASCII, firsts
from obverse.markup.tested import known

Rule = tuple[Any, Any, Any]
"""As Pygments keeps it: (what matches, token type or function or None, the state that follows)."""


def _begins(matches: Any) -> frozenset[str]:
    pattern = getattr(matches, "__self__", None)
    return firsts(pattern.pattern, pattern.flags) if isinstance(pattern, re.Pattern) else ANYTHING


class _State(dict[str, tuple[Rule, ...]]):
    """The rules of a state that can match, by the character that comes next; "" where the text ends."""

    def __init__(self, rules: list[Rule]) -> None:
        self._rules = tuple((rule, _begins(rule[0])) for rule in rules)
        self._all = tuple(rules)

    def __missing__(self, char: str) -> tuple[Rule, ...]:
        if char and char not in ASCII:  # of which there are too many to keep
            return self._all
        found = self[char] = tuple(rule for rule, firsts in self._rules if char in firsts)
        return found


def quickened(lexer: Any) -> Any:
    """The lexer, which from now on finds its tokens sooner if that is possible."""
    kind: Any = type(lexer)
    usual = kind.get_tokens_unprocessed is RegexLexer.get_tokens_unprocessed and "_tokens" not in vars(lexer)
    if usual and known(pygments):
        lexer.get_tokens_unprocessed = functools.partial(_tokens, lexer, _states_of(kind))
    return lexer


@functools.lru_cache(maxsize=64)
def _states_of(kind: Any) -> dict[str, _State]:
    return _States(kind._tokens)  # noqa: SLF001 - what lexers that add to another's rules use too


class _States(dict[str, _State]):
    """The states of a lexer by their names, each looked into when it is first come to."""

    def __init__(self, rules: dict[str, list[Rule]]) -> None:
        self._rules = rules

    def __missing__(self, name: str) -> _State:
        state = self[name] = _State(self._rules[name])
        return state


def _tokens(
    lexer: Any, states: dict[str, _State], text: str, stack: Iterable[str] = ("root",)
) -> Iterator[tuple[int, Any, str]]:
    """As `RegexLexer.get_tokens_unprocessed`: (offset, token type, text) of each token."""
    names = list(stack)
    state, at = states[names[-1]], 0
    while True:
        for matches, action, following in state[text[at : at + 1]]:
            found = matches(text, at)
            if not found:
                continue
            if action is not None:
                if type(action) is _TokenType:
                    yield at, action, found[0]
                else:
                    yield from action(lexer, found)
            at = found.end()
            if following is not None:
                _follow(names, following)
                state = states[names[-1]]
            break
        else:
            if at >= len(text):
                return
            if text[at] == "\n":  # what is open ends with its line
                names = ["root"]
                state = states["root"]
                yield at, Whitespace, "\n"
            else:
                yield at, Error, text[at]
            at += 1


def _follow(names: list[str], following: Any) -> None:
    """Go where a rule leads: some steps back, one of these again, or into other states."""
    if isinstance(following, int):
        # One state stays, since some lexers go back too far.
        del names[following if abs(following) < len(names) else 1 :]
    elif isinstance(following, tuple):
        for name in following:
            if name == "#pop":
                del names[max(1, len(names) - 1) :]
            else:
                names.append(names[-1] if name == "#push" else name)
    else:
        names.append(names[-1])
