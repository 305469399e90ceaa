"""The heavier half of the build, when there may be something to do: parse, survey, index, plan, run, commit."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from obverse.clock import Clock
from obverse.desk import Desk, set_up
from obverse.gather import gather, reader_of
from obverse.keep import Keep
from obverse.ledger import Ledger
from obverse.options import BuildOptions, Report
from obverse.problems import Problem, levelled
from obverse.site import Site
from obverse.sources import Sources


def make_site(options: BuildOptions, old: Ledger, sources: Sources, at: Clock | None, keep: Keep) -> Report:
    """Everything after the first look at the disk; the report of what came of it. Raises StoppedError."""
    with set_up(options, old, sources, at) as (desk, problems):
        if desk is None:
            return Report(levelled(problems, {}), blocked=True)
        return _make(desk, problems, keep)


def look(
    options: BuildOptions, old: Ledger, sources: Sources, at: Clock | None
) -> tuple[Site | None, tuple[Problem, ...]]:
    """The site as it would be built, and what is wrong with it so far; nothing is rendered or written."""
    with set_up(options, old, sources, at) as (desk, problems):
        if desk is None:
            return None, problems
        placed = gather(desk, reader_of(desk))
        found = (*problems, *placed.unreadable, *placed.problems, *placed.site.problems)
        return placed.site, levelled(found, desk.config.checks)


def _make(desk: Desk, problems: tuple[Problem, ...], keep: Keep) -> Report:
    jinja = functools.cache(functools.partial(_jinja, desk))
    reader = reader_of(desk, functools.partial(_get_ready, desk, jinja))
    placed = gather(desk, reader)
    # What pages need not is not loaded before them: others may be reading by now, and then it costs nobody any time.
    from obverse.writing import write

    return write(desk, reader, placed, jinja, problems, keep)


def _get_ready(desk: Desk, jinja: Callable[[], Any]) -> None:
    """Load what is needed once all pages are read."""
    import obverse.writing  # noqa: F401 - see above
    from obverse.rendering import prepare

    prepare(desk, jinja)


def _jinja(desk: Desk) -> Any:
    from obverse.rendering import jinja_of

    return jinja_of(desk)
