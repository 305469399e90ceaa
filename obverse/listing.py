"""Listing: the pages of a site with their states, for people and for scripts."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from obverse.placing import address, kind_of
from obverse.site import Entry, Hidden, Site

Row = dict[str, Any]

PUBLISHED = "published"


def pages_of(site: Site, state: str | None) -> list[Row]:
    """A row for each page (path, state, kind, date, title, url), newest first; only those in `state`, if given."""
    rows = [_published(entry) for entry in site.entries.values()]
    rows += [_hidden(hidden, site) for hidden in site.hidden.values()]
    kept = [row for row in rows if state in (None, row["state"])]
    kept.sort(key=lambda row: row["path"])
    kept.sort(key=lambda row: row["date"] or "", reverse=True)
    return kept


def _published(entry: Entry) -> Row:
    card = entry.card
    state = "draft" if entry.page.matter.draft else PUBLISHED
    return _row(card.path, state, card.kind, card.date, card.title, card.url)


def _hidden(hidden: Hidden, site: Site) -> Row:
    page = hidden.page
    kind = kind_of(page, site.config)[0]
    url = site.config.base_path + address(page, kind, site.config)
    return _row(page.path, hidden.state, kind, page.matter.date, page.matter.title or page.name, url)


def _row(path: str, state: str, kind: str, date: datetime | None, title: str, url: str) -> Row:
    day = date.isoformat(timespec="minutes") if date else ""
    return {"path": path, "state": state, "kind": kind, "date": day, "title": title, "url": url}


def as_table(rows: Iterable[Row]) -> str:
    """The rows as aligned columns: state, date, path, title."""
    cells = [(row["state"], row["date"][:10], row["path"], row["title"]) for row in rows]
    if not cells:
        return "no pages"
    widths = [max(len(cell[column]) for cell in cells) for column in range(3)]
    return "\n".join(
        "  ".join((*(text.ljust(width) for text, width in zip(cell, widths, strict=False)), cell[3])) for cell in cells
    )
