"""What follows an opening fence -> the language, the lines to mark, the title: in every way writers put it.

`js`, `js {1,3} title="x"`, `jsx,copy`, `{.python hl_lines="1 3"}`, `js:app.js`, `{r, echo=FALSE}`, `js showLineNumbers`
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

_LANGUAGE = re.compile(r"\s*([^\s{}\[\],:=\"']+)(?![^\s{]*=)(?::([^\s{}\[\],]+))?")
_BRACED = re.compile(r"\{([^{}]*)\}")
_OPTION = re.compile(r"""([\w\-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|\{([^}]*)\}|([^\s,}]+))""")
_CLASS = re.compile(r"(?:^|\s)\.([\w#+\-.]+)")
_NUMBERED = re.compile(r"\b(?:showLineNumbers|linenos|line-?numbers)\b(?!\s*=)", re.IGNORECASE)
_RANGES = re.compile(r"\s*\d+(?:\s*-\s*\d+)?(?:[\s,]+\d+(?:\s*-\s*\d+)?)*\s*")
_RANGE = re.compile(r"(\d+)(?:\s*-\s*(\d+))?")
_TITLES = ("title", "filename", "file", "name", "label", "caption")
_MARKED = ("hl_lines", "hl-lines", "highlight", "mark", "emphasize-lines")
_NUMBERS = ("linenums", "linenostart", "startline", "start-line")
# More lines than these are never marked one by one.
MOST = 10_000


@dataclass(frozen=True, slots=True)
class Fence:
    """A fence's opening line, understood. `first` is the number of its first line when lines are numbered, else 0."""

    language: str = ""
    marked: tuple[int, ...] = ()
    title: str = ""
    first: int = 0


@functools.lru_cache(256)  # of many blocks, most have the same behind their fences
def understood(info: str) -> Fence:
    """The fence that an info string describes. What it does not know it leaves out."""
    if not info:
        return Fence()
    options = {one[1].lower(): one[2] or one[3] or one[4] or one[5] or "" for one in _OPTION.finditer(info)}
    named = _LANGUAGE.match(info)
    language, file = (named[1], named[2] or "") if named else ("", "")
    marked: tuple[int, ...] = ()
    for braced in _BRACED.finditer(info):
        inner = braced[1]
        if _RANGES.fullmatch(inner):
            marked = (*marked, *_numbers(inner))
        elif not language:
            language = _braced_language(inner)
    marked = (*marked, *(number for key in _MARKED for number in _numbers(options.get(key, ""))))
    title = next((options[key] for key in _TITLES if options.get(key)), file)
    first = next((_first(options[key]) for key in _NUMBERS if key in options), 0)
    return Fence(language, tuple(sorted(set(marked))), title, first or int(bool(_NUMBERED.search(info))))


def _braced_language(inner: str) -> str:
    """`.python`, `python`, or `r, echo=FALSE` between braces."""
    classed = _CLASS.search(inner)
    if classed:
        return classed[1]
    word = re.match(r"\s*([\w#+\-.]+)(?=[\s,]|$)", inner)
    return word[1] if word else ""


def _numbers(text: str) -> list[int]:
    found: list[int] = []
    for one in _RANGE.finditer(text):
        low, high = int(one[1][:6]), int((one[2] or one[1])[:6])
        found.extend(range(low, min(high, low + MOST) + 1))
    return found[:MOST]


def _first(text: str) -> int:
    number = re.match(r"\d{1,6}", text.strip())
    return int(number[0]) if number else int(text.strip().lower() == "true")
