"""`capture/words/*.toml` -> `t(key, **values)`, which says everything a person reads in the inbox."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files

FIRST = "en"  # the language that has every word


@cache
def words_of(lang: str) -> Mapping[str, str]:
    """All words of a language; where it has no file, or lacks one, the first language's."""
    folder = files("capture") / "words"
    first: dict[str, str] = tomllib.loads((folder / f"{FIRST}.toml").read_text(encoding="utf-8"))
    own = folder / f"{lang}.toml"
    if lang == FIRST or not lang.isalpha() or not own.is_file():
        return first
    return {**first, **tomllib.loads(own.read_text(encoding="utf-8"))}


def say_in(lang: str) -> Callable[..., str]:
    """`t` of a language: the word with its {names} filled; with `n`, KEY.one or KEY.other. KeyError for no word."""
    words = words_of(lang)

    def t(key: str, /, **values: object) -> str:
        if key not in words and "n" in values:
            key = f"{key}.one" if values["n"] == 1 else f"{key}.other"
        return words[key].format_map(values) if values else words[key]

    return t


t = say_in(FIRST)  # what the inbox speaks


def has_word(key: str) -> bool:
    """Whether there is such a word: codes of older or newer programs may have none."""
    return key in words_of(FIRST)
