"""Gives every article the one before and the one after it, which Pelican does not by itself."""

from typing import Any

from pelican import signals  # type: ignore[import-not-found]  # it is there when Pelican runs this


def tie(generator: Any) -> None:
    """Tie the articles, which come newest first."""
    articles = generator.articles
    for newer, one, older in zip([None, *articles], articles, [*articles[1:], None], strict=False):
        one.newer, one.older = newer, older


def register() -> None:
    """Called by Pelican."""
    signals.article_generator_finalized.connect(tie)
