"""Names: what the name of a source says of it, before anybody has read it."""

from __future__ import annotations

from functools import lru_cache

CONTENT = "content/"
SECTION_PAGE = "_index"

_MARKDOWN = (".md", ".markdown")


def is_markdown(path: str) -> bool:
    """Whether a file is written in Markdown."""
    return path.endswith(_MARKDOWN)


def is_page(path: str) -> bool:
    """Whether a source is a page: Markdown under `content/`, outside `forms/` and `_data/`, no part marked private."""
    if not is_markdown(path):
        return False
    folder, _, name = path.rpartition("/")
    return _holds_pages(folder) and (name[0] != "_" or name.split(".")[0] == SECTION_PAGE)


@lru_cache(1000)
def _holds_pages(folder: str) -> bool:
    """Whether pages may lie in a folder of the site."""
    top, *parts = folder.split("/")
    private = parts and parts[0] in {"forms", "_data"}
    return f"{top}/" == CONTENT and not private and not any(part.startswith("_") for part in parts)


def ignored(name: str) -> bool:
    """Whether a file or folder of this name is no business of the site's: hidden, or an editor's backup."""
    return name.startswith(".") or name.endswith("~")
