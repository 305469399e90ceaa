"""Templates: Jinja's environment for one build. The only module that imports Jinja, and only when something renders."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from datetime import datetime, tzinfo
from pathlib import Path
from types import TracebackType
from typing import Any

from jinja2 import (
    BaseLoader,
    BytecodeCache,
    Environment,
    StrictUndefined,
    TemplateNotFound,
    TemplateSyntaxError,
    UndefinedError,
    meta,
    pass_context,
)
from jinja2.runtime import Context
from markupsafe import Markup

from obverse.printing import PlainContext, Printer, escaped, printed
from obverse.problems import Problem, nearest, problem
from obverse.sources import Source
from obverse.theme import Theme
from obverse.view import CardView, Refused

# What XML 1.0 (section 2.2) cannot carry, escaped or not. What it can carry takes ten times as long to compile.
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


# A statement by its first word, and one that mentions templates. Of the others that plain Jinja knows, none does.
_STATEMENT = re.compile(r"\{%[-+]?\s*(\w*)")
_MENTION = re.compile(r"\{%[-+]?\s*(?:extends|include|import|from)\b.*?%\}", re.DOTALL)
_PLAIN = frozenset(
    "extends include import from block endblock for endfor if elif else endif macro endmacro call endcall filter"
    " endfilter set endset with endwith autoescape endautoescape".split()
)

# How Jinja names what it was given: a designer knows `page`, not the class behind it.
_INSIDE = re.compile(r"'obverse\.\w+\.([A-Z][a-z]+)\w* object'")


class _ThemeLoader(BaseLoader):
    """Jinja's door to the theme."""

    def __init__(self, theme: Theme) -> None:
        self.theme = theme

    def get_source(self, _environment: Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        source = self.theme.source(template)
        if source is None:
            raise TemplateNotFound(template)
        return text_of(source), source.path, lambda: True

    def list_templates(self) -> list[str]:
        return self.theme.template_names()


class _Environment(Environment):
    """Jinja's environment with our compiler and contexts."""

    code_generator_class = Printer
    context_class = PlainContext
    printed, escaped = staticmethod(printed), staticmethod(escaped)

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """The globals of a template in one dict: each context copies them, and a chain is slow to walk.

        What is added to the environment after a template was loaded does not reach it, of which Jinja warns anyway.
        """
        return {**self.globals, **(d or {})}


def environment(theme: Theme, compiled: BytecodeCache | None) -> Environment:
    """The environment that renders a theme; `compiled` is where compiled templates are kept, if anywhere."""
    made = _Environment(
        loader=_ThemeLoader(theme),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        bytecode_cache=compiled,
        auto_reload=False,
        cache_size=-1,
    )
    made.filters.update(FILTERS)
    return made


def text_of(source: Source) -> str:
    """The text of a template. Raises Refused, with its place, when it is not UTF-8."""
    data = Path(source.file).read_bytes()
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        message = f"not UTF-8: byte 0x{data[error.start]:02X}"
        hint = "save the file as UTF-8"
        raise Refused(problem("unreadable", source.path, message, line=line, hint=hint)) from error


def references_in(text: str) -> tuple[str, ...]:
    """The template names a template's source mentions, sorted; "*" stands for one it computes.

    Only the statements that can mention one are read, since to read all takes as long as to compile it; one that
    stands in a comment counts as well. A source that plain Jinja cannot read (a hook may have added to its language)
    might mention any.
    """
    if _PLAIN.issuperset(_STATEMENT.findall(text)):
        text = "".join(_MENTION.findall(text))
    try:
        found = meta.find_referenced_templates(Environment(autoescape=True).parse(text))
        return tuple(sorted({"*" if name is None else name for name in found}))
    except TemplateSyntaxError:
        return ("*",)


def problem_of(error: Exception, theme: Theme, template: str) -> Problem:
    """What went wrong while a template was compiled or rendered, at its line."""
    if isinstance(error, TemplateSyntaxError):
        where = error.filename or error.name or template
        return problem("template-syntax", where, error.message or "syntax error", line=error.lineno)
    lines = [(template, 0), *_lines(error.__traceback__, theme)]
    where, line = lines[-1]
    if isinstance(error, Refused):
        one = error.problem
        return one if one.path else problem(one.code, where, one.message, line=line, hint=one.hint)
    if isinstance(error, TemplateNotFound):
        hint = nearest(str(error.name), theme.template_names())
        return problem("unknown-template", where, f"no such template: '{error.name}'", line=line, hint=hint)
    if isinstance(error, UndefinedError):
        message = _INSIDE.sub(lambda found: f"the {found[1].lower()}", str(error.message))
        return problem("template-undefined", where, message, line=line)
    if isinstance(error, RecursionError):
        where, line = lines[min(1, len(lines) - 1)]  # where it ends is a matter of luck
        return problem("template-error", where, "it includes or extends itself, over and over", line=line)
    return problem("template-error", where, f"{type(error).__name__}: {error}", line=line)


def _lines(trace: TracebackType | None, theme: Theme) -> Iterator[tuple[str, int]]:
    """The template lines of a traceback, outermost first (Jinja rewrites the frames of compiled templates)."""
    names = {source.path for source in (*theme.files.values(), *theme.bundled.values())}
    while trace:
        if trace.tb_frame.f_code.co_filename in names:
            yield trace.tb_frame.f_code.co_filename, trace.tb_lineno
        trace = trace.tb_next


@pass_context
def _date(context: Context, moment: datetime) -> str:
    """A date as the page's language writes it (the words `date` and `month.1` to `month.12`)."""
    return _spelled(context, "date", moment)


@pass_context
def _day(context: Context, moment: datetime) -> str:
    """A date without its year, as the page's language writes it (the words `day` and `month.1` to `month.12`)."""
    return _spelled(context, "day", moment)


def _spelled(context: Context, word: str, moment: datetime) -> str:
    t = context["t"]
    month = t(f"month.{moment.month}")
    return str(t(word, day=moment.day, month=month, year=moment.year))


def isodate(moment: datetime) -> str:
    """A date and time as RFC 3339 wants it."""
    return _isodate(moment, moment.tzinfo, moment.fold)


@functools.lru_cache(10_000)  # a page's date stands on every list it is on
def _isodate(moment: datetime, _zone: tzinfo | None, _fold: int) -> str:
    # Equal moments of two zones, or of two folds, are not written alike.
    return moment.isoformat(timespec="seconds")


@pass_context
def _absolute(context: Context, href: str) -> str:
    """An href as an absolute URL of the published site."""
    return str(context["view"].absolute(href))


def xml(text: str | Markup) -> str | Markup:
    """The text without the characters that XML 1.0 cannot carry."""
    kept = _NOT_XML.sub("", str(text))
    return Markup(kept) if isinstance(text, Markup) else kept  # noqa: S704 - only characters were taken away


def by_year(cards: Iterable[CardView]) -> list[tuple[int, list[CardView]]]:
    """(year, its cards) of dated cards, the latest year first, each year's cards in the order they came."""
    years: dict[int, list[CardView]] = {}
    for card in cards:
        years.setdefault(card.date.year, []).append(card)
    return sorted(years.items(), reverse=True)


FILTERS: dict[str, Callable[..., Any]] = {
    "absolute": _absolute,
    "by_year": by_year,
    "date": _date,
    "day": _day,
    "isodate": isodate,
    "xml": xml,
}
"""The filters that templates have besides Jinja's own."""
