"""Desk: all that one build works with before it looks at a page: what it was asked, what is known, what is set."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from obverse.bundled import bundled
from obverse.clock import Clock, moment
from obverse.config import Config, load
from obverse.hooks import Hooks, load_hooks
from obverse.ledger import Ledger
from obverse.memo import Memo, memo
from obverse.moves import FILE as MOVES
from obverse.moves import NO_MOVES, Moves, read_moves
from obverse.options import PREVIEW, BuildOptions
from obverse.problems import Problem, errors, problem
from obverse.references import keep, kept
from obverse.sources import HOOKS, SETTINGS, Source, Sources
from obverse.theme import Theme
from obverse.versions import rules
from obverse.workers import count


class Desk(NamedTuple):
    """All that one build works with before it looks at a page."""

    options: BuildOptions
    old: Ledger
    sources: Sources
    config: Config
    clock: Clock
    theme: Theme
    hooks: Hooks
    rules: str
    memo: Memo
    workers: int

    @property
    def moved(self) -> tuple[Moves, tuple[Problem, ...]]:
        """What `_moves.toml` says, and what is wrong with it."""
        source = self.sources.files.get(MOVES)
        return read_moves(text_of(source)) if source else (NO_MOVES, ())

    @property
    def same_rules(self) -> bool:
        """Whether what the ledger knows was found by the rules of today."""
        return self.old.rules == self.rules


@contextlib.contextmanager
def set_up(
    options: BuildOptions, old: Ledger, sources: Sources, at: Clock | None
) -> Iterator[tuple[Desk | None, tuple[Problem, ...]]]:
    """The desk, and what is wrong with the settings; None when they cannot be worked with."""
    config, problems = load(text_of(sources.files[SETTINGS]), SETTINGS)
    if errors(problems):
        yield None, problems
        return
    if options.base_url:
        config = config.with_base_url(options.base_url)
    if options.mode == PREVIEW:
        config = config.with_local_capture()
    elif not config.site.url:
        hint = 'write url = "https://..." under [site]'
        problems = (*problems, problem("no-url", SETTINGS, "the site has no address", hint=hint))
    files = (*sources.under("templates/"), *sources.under("theme/"))
    rulebook = rules(sources)
    known = kept(bundled("templates"), rulebook) if shares(options, sources) and not old.references else {}
    theme = Theme(files, config.base_path, {**known, **old.references}, _references_in)
    hooks = load_hooks(options.root / HOOKS)
    now = moment(at, config.site.timezone)
    with memo(options.workshop / ("clean.db" if options.clean else "memo.db"), brief=options.clean) as remembered:
        yield (
            Desk(options, old, sources, config, now, theme, hooks, rulebook, remembered, count(options.workers)),
            problems,
        )
    if shares(options, sources) and not old.references:
        keep(bundled("templates"), rulebook, theme, known)


def shares(options: BuildOptions, sources: Sources) -> bool:
    """Whether what is known of the bundled theme counts: not for a site with hooks, nor for a build to compare with."""
    return not options.clean and HOOKS not in sources.files


def _references_in(text: str) -> tuple[str, ...]:
    from obverse.templates import references_in  # Jinja, which a build with known templates does not need

    return references_in(text)


def text_of(source: Source) -> str:
    """What a source says, as text."""
    return Path(source.file).read_bytes().decode("utf-8", "replace")
